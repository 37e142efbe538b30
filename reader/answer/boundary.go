package answer

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/report"
	"tieout/report/boundary"
)

// SystemSchema is the schema of a System, as it stands in every JSON answer.
const SystemSchema = "tieout.system/1"

// A System is what is under examination: what its files say, and what of it
// the sources see.
type System struct {
	Name       string              `json:"name"`
	Systems    []definition.System `json:"systems"` // in the order of the files
	Components []Component         `json:"components"`
	Layers     []string            `json:"layers"`
	Unclaimed  []Unclaimed         `json:"unclaimed"`
	Unread     int                 `json:"unread"` // components no source reads
	Methods    map[string]int      `json:"methods"`
	CanSee     bool                `json:"canSee"` // any source was read
}

// A Component is one part and what sources see of it.
type Component struct {
	definition.Component
	File  string `json:"file"`
	Layer string `json:"layer"`
	Seen  []Seen `json:"seen,omitempty"` // nothing: no source reads it
}

// A Seen is how many things of a type one source sees.
type Seen struct {
	Type   string `json:"type"`
	Source string `json:"source"`
	Things int    `json:"things"` // 0: it is a stream of events
}

// Unclaimed are things that one source sees in one place and that neither a
// component nor an exclusion claims.
type Unclaimed struct {
	Type     string             `json:"type"`
	Source   string             `json:"source"`
	Scope    string             `json:"scope,omitempty"`
	Things   int                `json:"things"`
	Examples []string           `json:"examples"` // names, at most Examples
	Claims   []definition.Claim `json:"claims"`   // that would claim them and nothing claimed so far
}

// Examples is how many things of a group are named.
const Examples = 6

// claimable are the types whose things belong to some part of a system, in the
// order they are listed.
var claimable = []string{"repository", "datastore", "resource", "network", "application", "domain", "endpoint", "account"}

// SystemOf says what the system of a workspace is. What sources see is what the
// newest evidence shows.
func SystemOf(ctx context.Context, p *period.Program) (*System, error) {
	s := &System{Name: p.Def.Organization.System, Systems: p.Def.Systems, Methods: map[string]int{}}
	for _, sys := range s.Systems {
		for _, c := range sys.Components {
			one := Component{Component: c, File: sys.File, Layer: LayerOf(c)}
			s.Components = append(s.Components, one)
			if !slices.Contains(s.Layers, one.Layer) {
				s.Layers = append(s.Layers, one.Layer)
			}
		}
		for _, o := range sys.Subservices {
			s.Methods[o.Method]++
		}
	}
	streams, err := p.Store.Streams(ctx)
	if err != nil {
		return nil, err
	}
	s.CanSee = len(streams) > 0
	c := &claiming{s: s, seen: make([]map[Seen]int, len(s.Components)), left: map[place]*unclaimed{}}
	for _, typ := range claimable {
		if !slices.ContainsFunc(streams, func(k audit.StreamKey) bool { return k.Type == typ }) {
			continue
		}
		tl, err := p.Timeline(ctx, typ)
		if err != nil {
			return nil, err
		}
		c.things(tl)
	}
	c.streams(streams)
	c.end()
	return s, nil
}

// LayerOf is the layer a component is drawn in.
func LayerOf(c definition.Component) string {
	return cmp.Or(c.Layer, report.Capital(c.Kind))
}

// place is where unclaimed things are seen.
type place struct{ typ, source, scope string }

type unclaimed struct {
	n      int
	things []definition.Thing // at most manyThings
}

// manyThings is how many unclaimed things of a place are looked at to suggest
// what would claim them.
const manyThings = 200

// claiming holds things against the claims of a system.
type claiming struct {
	s       *System
	seen    []map[Seen]int // of each component
	left    map[place]*unclaimed
	claimed []definition.Thing
}

// things holds what exists of a type against the claims. Of accounts it is the
// systems they sign in to.
func (c *claiming) things(tl *audit.Timeline) {
	known := map[definition.Thing]bool{}
	for i := range tl.Histories {
		h := &tl.Histories[i]
		if len(h.Versions) == 0 || h.Versions[len(h.Versions)-1].Gone {
			continue
		}
		t := thing(tl.Type, tl.Streams[h.Stream].StreamKey, h)
		if !known[t] {
			known[t] = true
			c.thing(t)
		}
	}
}

// thing is what the newest version of an item says it is. What cannot be read
// has no name and is claimed by nobody's name.
func thing(typ string, k audit.StreamKey, h *audit.History) definition.Thing {
	var f struct{ Name, System, Account, Environment string }
	if json.Unmarshal(h.Versions[len(h.Versions)-1].Body, &f) != nil {
		f.Name = h.ID
	}
	t := definition.Thing{Type: typ, Source: k.Source, Scope: k.Scope, ID: h.ID, Name: cmp.Or(f.Name, h.ID), Account: cmp.Or(f.Account, f.System), Environment: f.Environment}
	if typ == "account" {
		t.ID, t.Name, t.Environment = f.System, f.System, ""
	}
	return t
}

func (c *claiming) thing(t definition.Thing) {
	claimed := false
	for i := range c.s.Components {
		if holds(c.s.Components[i].Claims, t) {
			c.saw(i, Seen{Type: t.Type, Source: t.Source}, 1)
			claimed = true
		}
	}
	for _, sys := range c.s.Systems {
		claimed = claimed || slices.ContainsFunc(sys.Exclusions, func(x definition.Exclusion) bool { return holds(x.Claims, t) })
	}
	if claimed {
		c.claimed = append(c.claimed, t)
		return
	}
	at := place{t.Type, t.Source, t.Scope}
	if c.left[at] == nil {
		c.left[at] = &unclaimed{}
	}
	u := c.left[at]
	if u.n++; len(u.things) < manyThings {
		u.things = append(u.things, t)
	}
}

func holds(claims []definition.Claim, t definition.Thing) bool {
	return slices.ContainsFunc(claims, func(c definition.Claim) bool { return c.Holds(t) })
}

func (c *claiming) saw(component int, s Seen, n int) {
	if c.seen[component] == nil {
		c.seen[component] = map[Seen]int{}
	}
	c.seen[component][s] += n
}

// streams holds the other types against the claims, by their streams.
func (c *claiming) streams(streams []audit.StreamKey) {
	for _, k := range streams {
		if slices.Contains(claimable, k.Type) {
			continue
		}
		for i := range c.s.Components {
			if holds(c.s.Components[i].Claims, definition.Thing{Type: k.Type, Source: k.Source, Scope: k.Scope}) {
				c.saw(i, Seen{Type: k.Type, Source: k.Source}, 0)
			}
		}
	}
}

// end puts what was seen into the system, in a fixed order.
func (c *claiming) end() {
	for i := range c.s.Components {
		for s, n := range c.seen[i] {
			s.Things = n
			c.s.Components[i].Seen = append(c.s.Components[i].Seen, s)
		}
		slices.SortFunc(c.s.Components[i].Seen, func(a, b Seen) int {
			return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Source, b.Source))
		})
		if len(c.s.Components[i].Seen) == 0 {
			c.s.Unread++
		}
	}
	for at, u := range c.left {
		one := Unclaimed{Type: at.typ, Source: at.source, Scope: at.scope, Things: u.n, Claims: c.suggest(at, u)}
		for _, t := range u.things[:min(len(u.things), Examples)] {
			one.Examples = append(one.Examples, t.Name)
		}
		c.s.Unclaimed = append(c.s.Unclaimed, one)
	}
	slices.SortFunc(c.s.Unclaimed, func(a, b Unclaimed) int {
		return cmp.Or(cmp.Compare(slices.Index(claimable, a.Type), slices.Index(claimable, b.Type)), strings.Compare(a.Source, b.Source), strings.Compare(a.Scope, b.Scope))
	})
}

// suggest returns claims that hold all of u and nothing that is claimed so far:
// the whole place, a beginning the names share, or each by its id.
func (c *claiming) suggest(at place, u *unclaimed) []definition.Claim {
	whole := definition.Claim{Type: at.typ, Source: at.source, Account: at.scope}
	begin := definition.Claim{Type: at.typ, Source: at.source, Name: shared(u.things) + "*"}
	for _, try := range []definition.Claim{whole, begin} {
		if try != begin && at.scope == "" || try == begin && len(try.Name) < 4 || slices.ContainsFunc(c.claimed, try.Holds) {
			continue
		}
		return []definition.Claim{try}
	}
	var out []definition.Claim
	for _, t := range u.things[:min(len(u.things), manyClaims)] {
		out = append(out, definition.Claim{Type: at.typ, Source: at.source, ID: t.ID})
	}
	return out
}

// manyClaims is how many things are claimed one by one.
const manyClaims = 10

// shared is what all names begin with.
func shared(things []definition.Thing) string {
	if len(things) == 0 || len(things) == 1 {
		return ""
	}
	begin := things[0].Name
	for _, t := range things[1:] {
		for !strings.HasPrefix(t.Name, begin) {
			begin = begin[:len(begin)-1]
		}
	}
	return begin
}

// Sentence says what the system is and how far it is seen.
func (s *System) Sentence() string {
	if len(s.Systems) == 0 {
		return "Nothing says yet what the system is: write systems/main.yaml, or draw five boxes and fill it in later."
	}
	parts := []string{s.parts()}
	if text := s.subservices(); text != "" {
		parts = append(parts, text)
	}
	if n := s.Unread; n > 0 && len(s.Components) > 0 {
		parts = append(parts, report.Plural(n, "component is", "components are")+" read by no source")
	}
	if n := s.unclaimed(); n > 0 {
		parts = append(parts, report.Plural(n, "thing that sources see belongs", "things that sources see belong")+" to no component")
	}
	return "What this is: " + strings.Join(parts, "; ") + "."
}

func (s *System) unclaimed() (n int) {
	for _, u := range s.Unclaimed {
		n += u.Things
	}
	return n
}

func (s *System) parts() string {
	if len(s.Components) == 0 {
		return "no component is named yet"
	}
	return report.Plural(len(s.Components), "component", "components") + " in " + report.Plural(len(s.Layers), "layer", "layers")
}

func (s *System) subservices() string {
	out, in := s.Methods["carve-out"], s.Methods["inclusive"]
	carved := report.Plural(out, "subservice organization is", "subservice organizations are") + " carved out"
	switch {
	case out == 0 && in == 0:
		return ""
	case in == 0:
		return carved
	case out == 0:
		return report.Plural(in, "subservice organization is", "subservice organizations are") + " included"
	}
	return carved + " and " + report.Plural(in, "is", "are") + " included"
}

// Graph is what a picture of one system shows: users on the left with the
// people who run it, then its layers, and subservice organizations below the
// last of them.
func Graph(s definition.System) boundary.Graph {
	g := boundary.Graph{}
	layer := map[string]int{}
	add := func(name string, column int) int {
		if i, ok := layer[name]; ok {
			return i
		}
		layer[name] = len(g.Layers)
		g.Layers = append(g.Layers, boundary.Layer{Name: name, Column: column})
		return layer[name]
	}
	for _, u := range s.Users {
		g.Nodes = append(g.Nodes, boundary.Node{ID: u.ID, Name: u.Name, Class: boundary.User, Layer: add("Users, outside", 0)})
	}
	column := 0
	for _, name := range layersOf(s) {
		at := 0
		if !onlyPeople(s, name) {
			column++
			at = column
		}
		add(name, at)
	}
	for _, c := range s.Components {
		g.Nodes = append(g.Nodes, boundary.Node{ID: c.ID, Name: c.Name, Note: c.Kind, Class: c.Kind, Layer: layer[LayerOf(c)]})
	}
	for i, o := range s.Subservices {
		g.Nodes = append(g.Nodes, boundary.Node{ID: cmp.Or(o.ID, fmt.Sprintf("subservice %d", i)), Name: o.Name, Note: o.Method, Class: boundary.Outside, Layer: add("Relied on, outside", max(column, 1))})
	}
	names := map[string]string{}
	for _, d := range s.Data {
		names[d.ID] = d.Name
	}
	for _, f := range s.Flows {
		g.Edges = append(g.Edges, boundary.Edge{From: f.From, To: f.To, Data: strings.Join(named(f.Data, names), ", "), Control: strings.Join(f.Controls, ", ")})
	}
	return g
}

func named(ids []string, names map[string]string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = cmp.Or(names[id], id)
	}
	return out
}

func layersOf(s definition.System) (out []string) {
	for _, c := range s.Components {
		if l := LayerOf(c); !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// onlyPeople reports whether a layer holds nothing but people and procedures.
func onlyPeople(s definition.System, layer string) bool {
	return !slices.ContainsFunc(s.Components, func(c definition.Component) bool {
		return LayerOf(c) == layer && c.Kind != boundary.People && c.Kind != boundary.Procedures
	})
}

// Only returns s as far as it speaks of systems that ok accepts. What nothing
// claims is left out unless all are.
func (s *System) Only(ok func(name string) bool) *System {
	out := &System{Name: s.Name, Methods: map[string]int{}, CanSee: s.CanSee}
	for _, sys := range s.Systems {
		if !ok(sys.Name) {
			continue
		}
		out.Systems = append(out.Systems, sys)
		for _, o := range sys.Subservices {
			out.Methods[o.Method]++
		}
		for _, c := range s.Components {
			if c.File == sys.File {
				out.Components = append(out.Components, c)
			}
		}
	}
	if len(out.Systems) == len(s.Systems) {
		return s
	}
	for _, c := range out.Components {
		if !slices.Contains(out.Layers, c.Layer) {
			out.Layers = append(out.Layers, c.Layer)
		}
		if len(c.Seen) == 0 {
			out.Unread++
		}
	}
	return out
}
