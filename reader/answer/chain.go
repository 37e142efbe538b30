package answer

import (
	"fmt"
	"slices"
	"strings"

	"tieout/definition"
	"tieout/program"
	"tieout/report"
	"tieout/report/boundary"
)

// A Chain is who is relied on, and who stands behind them: subservice organizations
// of the system files, vendors of the register, and organizations that their newest
// reports name.
type Chain struct {
	Links []ChainLink // those of the own system first, then by how far behind
	names map[string]string
	depth map[string]int
	order []string // ids of nodes, as they were found
}

// A ChainLink is one organization that another relies on.
type ChainLink struct {
	From, To string   // ids of nodes
	FromName string   // in words
	ToName   string   // as it is named there
	Vendor   string   // ID in the register; "": it is not there
	Method   string   // how what From says treats it
	Report   string   // that names it, such as VR-2; "" of a system file or the register
	Watched  []string // own controls that a system file names as watching it
	Depth    int      // 1: of the own system; from 2 on it is a fourth party
}

// Methods of links beside those of a system file.
const (
	CarvedOut = "carved out"
	Included  = "included"
	NotSaid   = "method not said"
	InUse     = "in use, not relied on"
)

// ours is the node of the own system.
const ours = "ours"

// ChainOf links what system files, the register and vendors' reports say. A name in a
// report is a vendor of the register only where a person said so; a subservice
// organization is one by the id its system file gives, or by the same name there.
func ChainOf(own string, systems []definition.System, vendors []program.Vendor, reports map[string][]program.VendorReport) *Chain {
	c := &Chain{names: map[string]string{ours: own}, depth: map[string]int{ours: 0}, order: []string{ours}}
	known := map[string]bool{}
	for _, s := range systems {
		for _, o := range s.Subservices {
			v := registered(vendors, o)
			known[v.ID] = v.ID != ""
			c.link(ChainLink{From: ours, ToName: o.Name, Vendor: v.ID, Method: o.Method, Watched: o.Monitoring})
		}
	}
	for _, v := range vendors {
		r := newest(reports[v.ID])
		names := r != nil && len(r.CarvedOut)+len(r.Included) > 0
		if known[v.ID] || v.Status != "active" || !v.Subservice && !names {
			continue
		}
		method := NotSaid
		if !v.Subservice {
			method = InUse
		}
		c.link(ChainLink{From: ours, ToName: v.Name, Vendor: v.ID, Method: method})
	}
	for i := 0; i < len(c.Links); i++ { // grows as it goes
		c.behind(c.Links[i], vendors, newest(reports[c.Links[i].Vendor]))
	}
	return c
}

// registered is the vendor of the register that a subservice organization is.
func registered(vendors []program.Vendor, o definition.Subservice) program.Vendor {
	i := slices.IndexFunc(vendors, func(v program.Vendor) bool { return v.ID == o.Vendor })
	if i < 0 {
		i = slices.IndexFunc(vendors, func(v program.Vendor) bool { return strings.EqualFold(v.Name, o.Name) })
	}
	if i < 0 {
		return program.Vendor{}
	}
	return vendors[i]
}

// newest is the report of a vendor that reaches furthest and is of the service in
// use; letters, which name nobody, are left out.
func newest(list []program.VendorReport) *program.VendorReport {
	i := slices.IndexFunc(list, func(r program.VendorReport) bool { return r.Type != program.ReportLetter && r.Ours != "no" })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// behind adds who a vendor's newest report names, once for each vendor.
func (c *Chain) behind(l ChainLink, vendors []program.Vendor, r *program.VendorReport) {
	if r == nil || slices.ContainsFunc(c.Links, func(x ChainLink) bool { return x.From == l.To }) {
		return
	}
	for _, x := range []struct {
		method string
		names  []string
	}{{CarvedOut, r.CarvedOut}, {Included, r.Included}} {
		for _, name := range x.names {
			one := ChainLink{From: l.To, ToName: name, Method: x.method, Report: r.ID}
			if i := slices.IndexFunc(r.Behind, func(b program.VendorBehind) bool { return b.Name == name }); i >= 0 {
				one.Vendor = r.Behind[i].Vendor
				if j := slices.IndexFunc(vendors, func(v program.Vendor) bool { return v.ID == one.Vendor }); j >= 0 {
					one.ToName = vendors[j].Name
				}
			}
			c.link(one)
		}
	}
}

// link adds a link and the node it leads to. A name that is no vendor of the register
// is a node of its own behind each that names it.
func (c *Chain) link(l ChainLink) {
	l.FromName, l.Depth = c.names[l.From], c.depth[l.From]+1
	l.To = l.Vendor
	if l.To == "" {
		l.To = l.From + "/" + strings.ToLower(l.ToName)
	}
	if _, have := c.names[l.To]; !have {
		c.names[l.To], c.depth[l.To], c.order = l.ToName, l.Depth, append(c.order, l.To)
	}
	c.Links = append(c.Links, l)
}

// Graph is what a picture of the chain shows: the own system on the left, and to the
// right of it those relied on, by how far behind they stand.
func (c *Chain) Graph() boundary.Graph {
	g := boundary.Graph{}
	for _, id := range c.order {
		d := c.depth[id]
		for len(g.Layers) <= d {
			g.Layers = append(g.Layers, boundary.Layer{Name: layerName(len(g.Layers)), Column: len(g.Layers)})
		}
		n := boundary.Node{ID: id, Name: c.names[id], Class: boundary.Outside, Layer: d}
		if id == ours {
			n.Class = boundary.Software
		}
		g.Nodes = append(g.Nodes, n)
	}
	for _, l := range c.Links {
		control := strings.Join(l.Watched, ", ")
		if l.Report != "" {
			control = "as " + l.Report + " says"
		}
		g.Edges = append(g.Edges, boundary.Edge{From: l.From, To: l.To, Data: l.Method, Control: control})
	}
	return g
}

func layerName(depth int) string {
	switch depth {
	case 0:
		return "Your system"
	case 1:
		return "Relied on"
	case 2:
		return "Behind them"
	}
	return fmt.Sprintf("%d behind", depth)
}

// Sentence says how long the chain is.
func (c *Chain) Sentence() string {
	direct, fourth, unknown := 0, 0, 0
	for _, l := range c.Links {
		if l.Depth == 1 {
			direct++
			continue
		}
		if fourth++; l.Vendor == "" {
			unknown++
		}
	}
	if direct == 0 {
		return "Nobody is relied on yet: no system file names a subservice organization, and no vendor in use is one."
	}
	s := report.Plural(direct, "organization is", "organizations are") + " relied on or in use with a report that names others"
	if fourth > 0 {
		s += "; their newest reports name " + report.Number(fourth) + " behind them"
	}
	if unknown > 0 {
		s += ", " + report.Number(unknown) + " of them not in the register"
	}
	return report.Capital(s) + "."
}
