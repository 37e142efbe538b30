package boundary

import (
	"slices"
	"strconv"
	"strings"
)

// most is how many boxes a picture has at most, and mostLayers how many layers:
// beyond that nodes are drawn together.
const (
	most       = 25
	mostLayers = 8
)

// A grouped graph has boxes for nodes and edges between boxes.
type grouped struct {
	layers []Layer
	boxes  []Box
	layer  []int          // of each box
	at     map[string]int // id of a node -> its box
	edges  []boxEdge
	left   []string
}

type boxEdge struct {
	from, to      int
	data, control []string
}

// group puts each node into a box: one of its own where there is room, and one
// for all that are left of its layer.
func group(g Graph) *grouped {
	out := &grouped{at: map[string]int{}}
	byLayer := out.byLayer(g)
	limit := most
	for boxesAt(byLayer, limit) > most {
		limit--
	}
	for l, nodes := range byLayer {
		for i := range nodes {
			if len(nodes) > limit && i == limit-1 {
				out.add(l, nodes[i:]...)
				break
			}
			out.add(l, nodes[i])
		}
	}
	out.connect(g.Edges)
	return out
}

// byLayer sorts the nodes into the layers that are drawn.
func (x *grouped) byLayer(g Graph) [][]Node {
	var out [][]Node
	for i, l := range g.Layers {
		var nodes []Node
		for _, n := range g.Nodes {
			if n.Layer == i {
				nodes = append(nodes, n)
			}
		}
		switch {
		case len(nodes) == 0:
		case len(out) == mostLayers:
			out[mostLayers-1] = append(out[mostLayers-1], nodes...)
			x.layers[mostLayers-1].Name = "Other parts"
		default:
			out, x.layers = append(out, nodes), append(x.layers, l)
		}
	}
	return out
}

func boxesAt(byLayer [][]Node, limit int) (n int) {
	for _, nodes := range byLayer {
		n += min(len(nodes), limit)
	}
	return n
}

// add makes a box of one node, or of several.
func (x *grouped) add(layer int, nodes ...Node) {
	n := nodes[0]
	b := Box{Class: n.Class, Lines: nameFace.wrap(n.Name, boxWidth-2*padding, 3), Note: smallFace.fit(n.Note, boxWidth-2*padding)}
	if len(nodes) > 1 {
		b.Lines = []string{strconv.Itoa(len(nodes)) + " more parts"}
		b.Note = smallFace.fit("see the table", boxWidth-2*padding)
	}
	for _, n := range nodes {
		b.Members = append(b.Members, n.ID)
		x.at[n.ID] = len(x.boxes)
	}
	x.boxes, x.layer = append(x.boxes, b), append(x.layer, layer)
}

// connect makes edges between boxes. Flows between the same two single nodes
// stay apart; those of nodes that share a box become one.
func (x *grouped) connect(edges []Edge) {
	for _, e := range edges {
		from, okFrom := x.at[e.From]
		to, okTo := x.at[e.To]
		if !okFrom || !okTo {
			x.leave(okFrom, e.From)
			x.leave(okTo, e.To)
			continue
		}
		if from == to {
			continue // within one box
		}
		shared := len(x.boxes[from].Members)+len(x.boxes[to].Members) > 2
		i := slices.IndexFunc(x.edges, func(o boxEdge) bool { return shared && o.from == from && o.to == to })
		if i < 0 {
			i, x.edges = len(x.edges), append(x.edges, boxEdge{from: from, to: to})
		}
		x.edges[i].data = once(x.edges[i].data, e.Data)
		x.edges[i].control = once(x.edges[i].control, e.Control)
	}
}

func (x *grouped) leave(ok bool, id string) {
	if !ok {
		x.left = once(x.left, id)
	}
}

func once(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// noControl is what an arrow says that no control protects.
const noControl = "no control named"

func (e boxEdge) words() (data, control string) {
	data, control = strings.Join(e.data, ", "), strings.Join(e.control, ", ")
	if control == "" {
		control = noControl
	}
	return data, control
}
