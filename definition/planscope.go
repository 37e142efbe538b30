package definition

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ScopeKinds are the kinds of line that a change of systems/*.yaml gives: what is
// inside the boundary, what is promised about it, what others are assumed to do.
var ScopeKinds = []string{"system", "component", "subservice", "exclusion", "flow", "user control", "commitment", "requirement"}

// systems compares what is under examination, part by part.
func (p *planner) systems() {
	old := map[string]*System{}
	for i := range p.old.Systems {
		old[p.old.Systems[i].File] = &p.old.Systems[i]
	}
	for i := range p.new.Systems {
		s := &p.new.Systems[i]
		before := old[s.File]
		delete(old, s.File)
		switch {
		case before == nil:
			p.line("+", "system", s.Name, s.File, "")
		case digest(p.old.file(s.File)) != digest(p.new.file(s.File)):
			p.system(before, s)
		}
	}
	for _, file := range sortedKeys(old) {
		p.line("-", "system", file, "removed", "")
	}
}

// system says what differs between two texts of one system. A file that differs
// in nothing of this is named, so that no change is silent.
func (p *planner) system(a, b *System) {
	var d diff
	d.word("name", a.Name, b.Name)
	d.text("boundary", a.Boundary, b.Boundary)
	d.list("users", named(a.Users, func(u User) string { return u.ID }), named(b.Users, func(u User) string { return u.ID }))
	d.list("data", named(a.Data, dataText), named(b.Data, dataText))
	d.text("handling and retention of data", strings.Join(named(a.Data, handlingText), "\n"), strings.Join(named(b.Data, handlingText), "\n"))
	lines := len(p.plan.Lines)
	was, is := partsOf(a), partsOf(b)
	for _, key := range unique(was, is) {
		switch x, y := was[key], is[key]; {
		case x == nil:
			p.line("+", y.kind, y.id, y.what+y.hangs(), "")
		case y == nil:
			p.line("-", x.kind, x.id, x.what+" taken out"+x.hangs(), "")
		default:
			if what := y.since(x); len(what) > 0 {
				p.line("~", y.kind, y.id, what.String()+y.hangs(), "")
			}
		}
	}
	if len(d) > 0 {
		p.line("~", "system", b.Name, b.File+": "+d.String(), "")
	} else if len(p.plan.Lines) == lines {
		p.line("~", "system", b.Name, b.File+": other keys, their order, or comments", "")
	}
}

func named[T any](list []T, of func(T) string) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = of(x)
	}
	return out
}

func dataText(c DataClass) string {
	return c.ID + " (" + strings.Join(append([]string{c.Class}, c.Regulated...), ", ") + ")"
}

func handlingText(c DataClass) string { return c.ID + c.Handling + c.Retention }

// unique are the keys of both, in order.
func unique(a, b map[string]*scopePart) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return sortedKeys(all)
}

// A scopePart is one part of a system as a plan compares it.
type scopePart struct {
	kind, id, what  string
	words           [][2]string         // short values by name, in order
	texts           [][2]string         // long ones: that they differ is said, not how
	lists           map[string][]string // controls, criteria and the like
	controls, flows []string            // that hang on it
	criteria        []string
}

// hangs says what else a change of the part touches: "; 3 controls, 2 flows hang on it".
func (s *scopePart) hangs() string {
	var out []string
	for _, c := range []struct {
		list      []string
		one, many string
	}{{s.controls, "control", "controls"}, {s.criteria, "criterion", "criteria"}, {s.flows, "flow", "flows"}} {
		list := slices.Clone(c.list)
		slices.Sort(list)
		switch n := len(slices.Compact(list)); n {
		case 0:
		case 1:
			out = append(out, "1 "+c.one)
		default:
			out = append(out, fmt.Sprintf("%d %s", n, c.many))
		}
	}
	if len(out) == 0 {
		return "; nothing hangs on it"
	}
	return "; on it: " + strings.Join(out, ", ")
}

// since is what differs from the part as it was.
func (s *scopePart) since(was *scopePart) diff {
	var d diff
	for i, w := range s.words {
		d.word(w[0], was.words[i][1], w[1])
	}
	for _, name := range sortedKeys(s.lists) {
		d.list(name, was.lists[name], s.lists[name])
	}
	for i, t := range s.texts {
		d.text(t[0], was.texts[i][1], t[1])
	}
	return d
}

// partsOf are the parts of a system by kind and name. What appears twice under one
// name is told apart by its place among those.
func partsOf(s *System) map[string]*scopePart {
	out := map[string]*scopePart{}
	add := func(order int, p *scopePart) {
		key, n := fmt.Sprintf("%d %s", order, p.id), 1
		for out[key] != nil {
			n++
			key = fmt.Sprintf("%d %s %d", order, p.id, n)
		}
		out[key] = p
	}
	for i := range s.Components {
		add(1, s.componentPart(&s.Components[i]))
	}
	for i := range s.Subservices {
		add(2, s.subservicePart(&s.Subservices[i]))
	}
	for _, x := range s.Excluded {
		add(3, exclusionPart(Exclusion{What: x}))
	}
	for _, x := range s.Exclusions {
		add(3, exclusionPart(x))
	}
	for _, f := range s.Flows {
		add(4, &scopePart{kind: "flow", id: f.From + " to " + f.To, what: strings.Join(f.Data, ", "), words: [][2]string{{"how", f.How}, {"since", f.Since}},
			lists: map[string][]string{"data": f.Data, "controls": f.Controls}, controls: f.Controls})
	}
	for _, c := range s.CUECs {
		add(5, &scopePart{kind: "user control", id: c.ID, what: "assumed of customers", texts: [][2]string{{"text", c.Text}},
			lists: map[string][]string{"criteria": c.Criteria, "controls": c.Controls}, controls: c.Controls, criteria: c.Criteria})
	}
	for _, c := range s.Commitments {
		add(6, promisePart("commitment", c))
	}
	for _, c := range s.Requirements {
		add(7, promisePart("requirement", c))
	}
	return out
}

func exclusionPart(x Exclusion) *scopePart {
	what := "outside the boundary"
	if x.Why != "" {
		what += ": " + x.Why
	}
	return &scopePart{kind: "exclusion", id: x.What, what: what, words: [][2]string{{"since", x.Since}}, texts: [][2]string{{"why", x.Why}},
		lists: map[string][]string{"claims": named(x.Claims, claimWords)}}
}

func promisePart(kind string, c Commitment) *scopePart {
	return &scopePart{kind: kind, id: c.ID, what: "made in " + cmp.Or(c.Where, "no place named"), words: [][2]string{{"category", string(c.Category)}, {"where", c.Where}},
		texts: [][2]string{{"text", c.Text}}, lists: map[string][]string{"criteria": c.Criteria, "controls": c.Controls}, controls: c.Controls, criteria: c.Criteria}
}

func (s *System) componentPart(c *Component) *scopePart {
	recovery := ""
	if c.Recovery != nil {
		recovery = fmt.Sprint(*c.Recovery)
	}
	p := &scopePart{kind: "component", id: c.ID, what: c.Name + ", " + c.Kind + " of " + c.Owner,
		texts: [][2]string{{"description", c.Description}, {"recovery objectives", recovery}},
		words: [][2]string{{"name", c.Name}, {"kind", c.Kind}, {"owner", c.Owner}, {"layer", c.Layer}, {"since", c.Since}, {"recovery", c.Recovery.String()}},
		lists: map[string][]string{"data": c.Data, "claims": named(c.Claims, claimWords)}}
	s.flowsOf(c.ID, p)
	return p
}

func (s *System) subservicePart(o *Subservice) *scopePart {
	p := &scopePart{kind: "subservice", id: cmp.Or(o.ID, o.Name), what: o.Name + ", " + o.Method, texts: [][2]string{{"service", o.Service}},
		words: [][2]string{{"name", o.Name}, {"method", o.Method}, {"vendor", o.Vendor}, {"since", o.Since}},
		lists: map[string][]string{"monitoring": o.Monitoring, "assumed controls": named(o.CSOCs, func(c CSOC) string { return c.ID })}, controls: slices.Clone(o.Monitoring)}
	var texts []string
	for _, c := range o.CSOCs {
		texts, p.criteria = append(texts, c.ID+c.Text+strings.Join(c.Criteria, " ")), append(p.criteria, c.Criteria...)
	}
	p.texts = append(p.texts, [2]string{"assumed controls", strings.Join(texts, "\n")})
	if o.ID != "" {
		s.flowsOf(o.ID, p)
	}
	return p
}

// flowsOf adds the flows of data that begin or end at a part, and their controls.
func (s *System) flowsOf(id string, p *scopePart) {
	for i, f := range s.Flows {
		if f.From == id || f.To == id {
			p.flows, p.controls = append(p.flows, fmt.Sprint(i)), append(p.controls, f.Controls...)
		}
	}
}

// claimWords are a claim in a few words.
func claimWords(c Claim) string {
	var out []string
	for _, k := range [][2]string{{"type", c.Type}, {"source", c.Source}, {"id", c.ID}, {"name", c.Name}, {"account", c.Account}, {"environment", c.Environment}} {
		if k[1] != "" {
			out = append(out, k[0]+" "+k[1])
		}
	}
	return strings.Join(out, ", ")
}
