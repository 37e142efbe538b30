package answer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/procedure"
	"tieout/source"
)

// A Covered is one criterion, one of its controls and one procedure that tests
// it; the last five are missing where there is no procedure.
type Covered struct {
	Cannot       string     `json:"cannot"` // why it is not tested here; "": it is
	Control      string     `json:"control"`
	ControlTitle string     `json:"controlTitle"`
	Criterion    string     `json:"criterion"`
	Form         audit.Form `json:"form,omitempty"`
	Procedure    string     `json:"procedure,omitempty"`
	Reads        []Needed   `json:"reads,omitzero"`
	Title        string     `json:"title,omitempty"`
}

// A Needed is one item type a procedure reads and the kinds of source made for it.
type Needed struct {
	Type    string   `json:"type"`
	Sources []string `json:"sources"`
}

// LibraryCoverage is how far the library reaches its criteria, with the sentence
// that says so.
func LibraryCoverage(drivers source.Registry) (string, []Covered, error) {
	c, err := definition.Library()
	if err != nil {
		return "", nil, err
	}
	reached := definition.Reach(c.Set(definition.DefaultSet).Criteria, c.Controls, c.Procedures)
	return reachedText("", reached), covered(reached, drivers, func(*procedure.Procedure, audit.Control) string { return "" }), nil
}

// Coverage is how far library and workspace reach the criteria, and what cannot
// be tested here and why. The text begins with the sentence of the matrix.
func Coverage(ctx context.Context, p *period.Program) (string, []Covered, error) {
	h, err := hereIn(ctx, p)
	if err != nil {
		return "", nil, err
	}
	reached := definition.Reach(p.Def.Criteria(), h.controls(), h.procedures())
	can := definition.Reach(p.Def.Criteria(), p.Def.Controls, slices.DeleteFunc(slices.Clone(p.Selection().Procedures), func(x *procedure.Procedure) bool {
		return len(h.lacking(x)) > 0
	}))
	return MatrixOf(p.Def.Criteria(), Mets(p), p.Def.LeftOut).Sentence() + " " + reachedText("The library: ", reached) + " " + reachedText("What is collected here: ", can), covered(reached, p.Drivers, h.why), nil
}

// reachedText counts criteria by how they are reached.
func reachedText(start string, reached []definition.Reached) string {
	any, automated := 0, 0
	for _, r := range reached {
		if r.By(func(*procedure.Procedure) bool { return true }) {
			any++
		}
		if r.By(definition.Automated) {
			automated++
		}
	}
	return fmt.Sprintf("%s%d of %d criteria reached; %d by an automated, event or cadence procedure.", start, any, len(reached), automated)
}

// covered has one value for each criterion, control and procedure. A control
// without a procedure has one of its own.
func covered(reached []definition.Reached, drivers source.Registry, why func(*procedure.Procedure, audit.Control) string) []Covered {
	var out []Covered
	for _, r := range reached {
		for _, c := range r.Controls {
			for _, p := range c.Procedures {
				x := Covered{Criterion: r.Criterion.ID, Control: c.Control.ID, ControlTitle: c.Control.Title, Cannot: why(p, c.Control),
					Procedure: p.ID, Title: p.Title, Form: p.Form, Reads: []Needed{}}
				for _, typ := range p.Types {
					x.Reads = append(x.Reads, Needed{typ, drivers.Giving(typ)})
				}
				out = append(out, x)
			}
			if len(c.Procedures) == 0 {
				out = append(out, Covered{Criterion: r.Criterion.ID, Control: c.Control.ID, ControlTitle: c.Control.Title, Cannot: "No procedure is written for it."})
			}
		}
		if len(r.Controls) == 0 {
			out = append(out, Covered{Criterion: r.Criterion.ID, Cannot: "No control names it."})
		}
	}
	return out
}

// here is what a workspace can test.
type here struct {
	def   *definition.Workspace
	sel   *definition.Selection
	given map[string]bool   // item types its connections give
	fault map[string]string // by item type: why nothing of it can be read now
}

func hereIn(ctx context.Context, p *period.Program) (*here, error) {
	h := &here{def: p.Def, sel: p.Selection(), fault: map[string]string{}}
	h.given = p.Def.Given(func(kind string) []string {
		if d, err := p.Drivers.Find(kind); err == nil {
			return d.Types
		}
		return nil
	})
	for typ := range h.given {
		h.fault[typ] = "nothing was collected yet"
	}
	keys, err := p.Store.Streams(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		why, err := lastFault(ctx, p, k)
		if err != nil {
			return nil, err
		}
		switch {
		case why == "":
			h.fault[k.Type] = ""
		case h.fault[k.Type] != "":
			h.fault[k.Type] = strings.TrimSpace(k.Source+" "+k.Scope) + " could not collect it: " + why
		}
	}
	return h, nil
}

// lastFault is why the newest collection of a stream was not complete; "" if it
// was.
func lastFault(ctx context.Context, p *period.Program, k audit.StreamKey) (string, error) {
	var seen, failed time.Time
	why := "nothing was seen in full"
	for _, mode := range []audit.Mode{audit.ModeSnapshot, audit.ModeChanges, audit.ModeEvents} {
		s, err := p.Store.Stream(ctx, k, mode)
		if errors.Is(err, audit.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		if n := len(s.Points); n > 0 && s.Points[n-1].At.After(seen) {
			seen = s.Points[n-1].At
		}
		if n := len(s.Covered); n > 0 && s.Covered[n-1].To.After(seen) {
			seen = s.Covered[n-1].To
		}
		if n := len(s.Holes); n > 0 && s.Holes[n-1].To.After(failed) {
			failed, why = s.Holes[n-1].To, s.Holes[n-1].Reason
		}
	}
	if !seen.IsZero() && !failed.After(seen) {
		return "", nil
	}
	return why, nil
}

// controls are the workspace's and those of the library it leaves out, of the
// organization's categories.
func (h *here) controls() []audit.Control {
	out := slices.Clone(h.def.Controls)
	for _, c := range h.def.Catalog.Controls {
		if h.def.MeantFor(c) && !h.selected(c.ID) {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b audit.Control) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// procedures are the workspace's and those of the library it leaves out.
func (h *here) procedures() []*procedure.Procedure {
	out := slices.Clone(h.def.Procedures)
	for _, p := range h.def.Catalog.Procedures {
		if h.def.Origin(p.ID) == "" {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b *procedure.Procedure) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (h *here) selected(control string) bool {
	return slices.ContainsFunc(h.def.Controls, func(c audit.Control) bool { return c.ID == control })
}

// lacking says what p reads that cannot be read here now, and why.
func (h *here) lacking(p *procedure.Procedure) []string {
	var out []string
	for _, typ := range p.Types {
		switch {
		case !definition.Gives(h.given, p, typ):
			out = append(out, "no connection gives "+typ)
		case h.fault[typ] != "":
			out = append(out, typ+": "+h.fault[typ])
		}
	}
	return out
}

// why says why p does not test c here; "" if it does.
func (h *here) why(p *procedure.Procedure, c audit.Control) string {
	var out []string
	if !h.selected(c.ID) {
		out = append(out, "the control is not selected here")
	} else if h.def.Origin(p.ID) == "" {
		out = append(out, "the procedure is left out here")
	}
	out = append(out, h.lacking(p)...)
	if len(out) == 0 && p.Form == audit.Manual && !slices.ContainsFunc(h.sel.Procedures, func(x *procedure.Procedure) bool { return x.ID == p.ID }) {
		out = append(out, "a person would answer it: name the control in controls/")
	}
	return strings.Join(out, "; ")
}
