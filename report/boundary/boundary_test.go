package boundary

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// random is a graph such as a company might write: everything a seed decides.
func random(seed uint64) Graph {
	r := rand.New(rand.NewPCG(seed, 17))
	g := Graph{}
	columns := 1 + r.IntN(6)
	for i := range 1 + r.IntN(9) {
		g.Layers = append(g.Layers, Layer{fmt.Sprintf("Layer number %d of the system", i), i % columns})
	}
	words := []string{"Payments", "Ledger", "api", "Wörterbuch", "支払い", "statements-and-everything-else-nobody-splits", "of", "W"}
	for i := range r.IntN(40) {
		name := words[r.IntN(len(words))]
		for range r.IntN(5) {
			name += " " + words[r.IntN(len(words))]
		}
		g.Nodes = append(g.Nodes, Node{ID: fmt.Sprint(i), Name: name, Note: words[r.IntN(len(words))], Class: []string{Software, Data, User}[r.IntN(3)], Layer: r.IntN(len(g.Layers))})
	}
	for range r.IntN(1 + 2*len(g.Nodes)) {
		if n := len(g.Nodes); n > 0 {
			control := ""
			if r.IntN(4) > 0 {
				control = "CRY-01, " + strings.Repeat("X", r.IntN(30))
			}
			g.Edges = append(g.Edges, Edge{g.Nodes[r.IntN(n)].ID, g.Nodes[r.IntN(n)].ID, "Payment records and " + words[r.IntN(len(words))], control})
		}
	}
	return g
}

type area struct{ x, y, w, h int }

func (a area) meets(b area) bool {
	return a.x < b.x+b.w && b.x < a.x+a.w && a.y < b.y+b.h && b.y < a.y+a.h
}

// box of a text: as high as its letters.
func (t Text) area() area { return area{t.X, t.Y - 9, t.W, 11} }
func (x Box) area() area  { return area{x.X, x.Y, x.W, x.H} }

const seeds = 300

func each(t *testing.T, f func(t *testing.T, g Graph, p Picture)) {
	for seed := range uint64(seeds) {
		g := random(seed)
		f(t, g, Lay(g))
		if t.Failed() {
			t.Fatalf("at seed %d", seed)
		}
	}
}

func TestEveryNodeIsInOneBoxAndBoxesAreFew(t *testing.T) {
	each(t, func(t *testing.T, g Graph, p Picture) {
		var members []string
		for _, b := range p.Boxes {
			members = append(members, b.Members...)
		}
		slices.Sort(members)
		if len(p.Boxes) > most || len(members) != len(g.Nodes) || len(slices.Compact(members)) != len(g.Nodes) {
			t.Errorf("got %d boxes for %d of %d nodes", len(p.Boxes), len(members), len(g.Nodes))
		}
	})
}

func TestBoxesAndTextsLieApart(t *testing.T) {
	each(t, func(t *testing.T, _ Graph, p Picture) {
		var areas []area
		for _, b := range p.Boxes {
			areas = append(areas, b.area())
		}
		for _, a := range p.Arrows {
			areas = append(areas, a.Data.area(), a.Control.area())
		}
		for _, h := range p.Heads {
			areas = append(areas, h.area())
		}
		for i, a := range areas {
			if a.x < 0 || a.y < 0 || a.x+a.w > p.Width || a.y+a.h > p.Height {
				t.Errorf("%v lies outside %d x %d", a, p.Width, p.Height)
			}
			for _, b := range areas[:i] {
				if a.meets(b) {
					t.Errorf("%v and %v meet", a, b)
				}
			}
		}
	})
}

func TestArrowsLeadFromBoxToBoxAndThroughNone(t *testing.T) {
	each(t, func(t *testing.T, _ Graph, p Picture) {
		for _, a := range p.Arrows {
			first, last := a.Points[0], a.Points[len(a.Points)-1]
			if !onSide(first, p.Boxes[a.From]) || !onSide(last, p.Boxes[a.To]) {
				t.Errorf("%s goes from %v to %v, which are not on its boxes", a.Title, first, last)
			}
			for i := 1; i < len(a.Points); i++ {
				checkStretch(t, p, a, a.Points[i-1], a.Points[i])
			}
		}
	})
}

func onSide(q Point, b Box) bool {
	return (q.X == b.X || q.X == b.X+b.W) && q.Y > b.Y && q.Y < b.Y+b.H
}

func checkStretch(t *testing.T, p Picture, a Arrow, from, to Point) {
	if from.X != to.X && from.Y != to.Y {
		t.Errorf("%s is not straight from %v to %v", a.Title, from, to)
	}
	way := area{min(from.X, to.X), min(from.Y, to.Y), max(from.X, to.X) - min(from.X, to.X), max(from.Y, to.Y) - min(from.Y, to.Y)}
	if way.x < 0 || way.y < 0 || way.x+way.w > p.Width || way.y+way.h > p.Height {
		t.Errorf("%s leaves the picture: %v", a.Title, way)
	}
	for _, b := range p.Boxes {
		inner := area{b.X + 1, b.Y + 1, b.W - 2, b.H - 2}
		if inner.meets(area{way.x, way.y, way.w + 1, way.h + 1}) {
			t.Errorf("%s goes through a box: %v through %v", a.Title, way, b.area())
		}
	}
	if from.X == to.X { // upright: no text may stand across it
		for _, other := range p.Arrows {
			if other.Data.area().meets(area{way.x, way.y, 1, way.h + 1}) || other.Control.area().meets(area{way.x, way.y, 1, way.h + 1}) {
				t.Errorf("%s crosses the text of %s", a.Title, other.Title)
			}
		}
	}
}

func TestTextsFit(t *testing.T) {
	each(t, func(t *testing.T, _ Graph, p Picture) {
		for _, b := range p.Boxes {
			for _, line := range b.Lines {
				if w := nameFace.width(line); w > boxWidth-2*padding {
					t.Errorf("name %q is %d wide", line, w)
				}
			}
			if need := len(b.Lines)*nameHeight + 2*padding; b.H < need {
				t.Errorf("box of %q is %d high, needs %d", b.Lines, b.H, need)
			}
			if w := smallFace.width(b.Note); w > boxWidth-2*padding {
				t.Errorf("note %q is %d wide", b.Note, w)
			}
		}
		for _, a := range p.Arrows {
			if a.Data.W > labelMost || a.Control.W > labelMost || a.Data.Text == "" || a.Control.Text == "" {
				t.Errorf("arrow says %q and %q", a.Data.Text, a.Control.Text)
			}
		}
	})
}

func TestSameGraphSamePicture(t *testing.T) {
	each(t, func(t *testing.T, g Graph, p Picture) {
		if again := Lay(g); !reflect.DeepEqual(again, p) {
			t.Errorf("laid out twice, got two pictures")
		}
	})
}

// A box that is added at the end leaves the order of the others as it was.
func TestOrderIsStable(t *testing.T) {
	g := Graph{Layers: []Layer{{"One", 0}}, Nodes: []Node{{ID: "a", Name: "A"}, {ID: "b", Name: "B"}, {ID: "c", Name: "C"}}}
	order := func(p Picture) (out []string) {
		boxes := slices.Clone(p.Boxes)
		slices.SortFunc(boxes, func(x, y Box) int { return x.Y - y.Y })
		for _, b := range boxes {
			out = append(out, b.Members...)
		}
		return out
	}
	before := order(Lay(g))
	g.Nodes = append(g.Nodes, Node{ID: "d", Name: "D"})
	if after := order(Lay(g)); !slices.Equal(before, []string{"a", "b", "c"}) || !slices.Equal(after, []string{"a", "b", "c", "d"}) {
		t.Errorf("got %v, then %v", before, after)
	}
}

func TestGrouping(t *testing.T) {
	g := Graph{Layers: []Layer{{"Users", 0}, {"Services", 1}}, Nodes: []Node{{ID: "u", Name: "Users", Class: User}}}
	for i := range 40 {
		g.Nodes = append(g.Nodes, Node{ID: fmt.Sprint(i), Name: fmt.Sprintf("Service %d", i), Layer: 1})
		g.Edges = append(g.Edges, Edge{"u", fmt.Sprint(i), []string{"Orders", "Payments"}[i%2], "CRY-01"})
	}
	p := Lay(g)
	last := p.Boxes[len(p.Boxes)-1]
	if len(p.Boxes) != most || len(last.Members) != 40-(most-2) || last.Lines[0] != "17 more parts" {
		t.Errorf("got %d boxes, the last %q of %d", len(p.Boxes), last.Lines, len(last.Members))
	}
	arrow := p.Arrows[len(p.Arrows)-1]
	if len(p.Arrows) != most-1 || arrow.Data.Text != "Payments, Orders" && arrow.Data.Text != "Orders, Payments" {
		t.Errorf("got %d arrows, the last of %q", len(p.Arrows), arrow.Data.Text)
	}
}

func TestSVG(t *testing.T) {
	g := Graph{
		Layers: []Layer{{"Users", 0}, {"Service", 1}},
		Nodes:  []Node{{ID: "u", Name: `<script>alert("1")</script>`, Class: User}, {ID: "s", Name: "API & more", Note: "software", Class: Software, Layer: 1}},
		Edges:  []Edge{{"u", "s", "Orders", ""}, {"u", "gone", "Orders", "CRY-01"}},
	}
	p := Lay(g)
	got := p.SVG(`A "picture"`)
	for _, want := range []string{`aria-label="A &#34;picture&#34;"`, "API &amp; more", `class="bd-open"`, "no control named", `class="bd-box user"`} {
		if !strings.Contains(got, want) {
			t.Errorf("misses %q in\n%s", want, got)
		}
	}
	for _, not := range []string{"<script", "style="} {
		if strings.Contains(got, not) {
			t.Errorf("holds %q", not)
		}
	}
	if !slices.Equal(p.Left, []string{"gone"}) {
		t.Errorf("left out: got %v, want the end that is not there", p.Left)
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", []string{""}},
		{"Import", []string{"Import"}},
		{"Statements and payouts", []string{"Statements and", "payouts"}},
		{"Everything that is kept for merchants and banks in two zones", []string{"Everything that is", "kept for", "merchants and…"}},
	} {
		if got := nameFace.wrap(c.in, 118, 3); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestEmptyGraph(t *testing.T) {
	if p := Lay(Graph{}); len(p.Boxes) != 0 || p.Width < 1 || p.Height < 1 {
		t.Errorf("got %+v", p)
	}
}
