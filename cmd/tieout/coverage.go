package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/procedure"
	"tieout/report/text"
	"tieout/source/all"
)

func (a *app) coverageCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "coverage", Short: "Criteria, their controls, the procedures that test them and the sources these need", Args: exactly(0, "no argument"),
		Long: `Which procedures test which criteria through which controls, what data each
of them reads, and which kinds of source give it. In a workspace also what
cannot be tested here and why: no connection gives the data, a connection could
not collect it, nothing was collected yet, or the control or the procedure is
left out. Without a workspace it speaks of the library alone.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				a.output = "json"
			}
			return a.coverage(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "the same as -o json")
	return cmd
}

func (a *app) coverage(ctx context.Context) error {
	if dir, err := a.workspace(); errors.Is(err, audit.ErrNotFound) || err == nil && dir == "" {
		return a.libraryCoverage()
	} else if err != nil {
		return err
	}
	return a.with(ctx, func(p *period.Program) error { return a.workspaceCoverage(ctx, p) })
}

func (a *app) libraryCoverage() error {
	c, err := definition.Library()
	if err != nil {
		return err
	}
	reached := definition.Reach(c.Set(definition.DefaultSet).Criteria, c.Controls, c.Procedures)
	return a.show(coverageListing(reached, func(*procedure.Procedure, audit.Control) string { return "" }, reachedText("", reached)))
}

func (a *app) workspaceCoverage(ctx context.Context, p *period.Program) error {
	h, err := a.here(ctx, p)
	if err != nil {
		return err
	}
	reached := definition.Reach(p.Def.Criteria(), h.controls(), h.procedures())
	can := definition.Reach(p.Def.Criteria(), p.Def.Controls, slices.DeleteFunc(slices.Clone(p.Selection().Procedures), func(x *procedure.Procedure) bool {
		return len(h.lacking(x)) > 0
	}))
	summary := reachedText("The library: ", reached) + " " + reachedText("What is collected here: ", can)
	return a.show(coverageListing(reached, h.why, summary))
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

// coverageListing has one row for each criterion, control and procedure. A
// control without a procedure has one of its own.
func coverageListing(reached []definition.Reached, why func(*procedure.Procedure, audit.Control) string, summary string) listing {
	l := listing{schema: "tieout.control-coverage/1", summary: summary, columns: []text.Column{
		{Head: "criterion"}, {Head: "control"}, {Head: "procedure"}, {Head: "form"}, {Head: "reads and from where", Flex: true}, {Head: "why", Flex: true},
	}}
	for _, r := range reached {
		for _, c := range r.Controls {
			for _, p := range c.Procedures {
				l.rows = append(l.rows, coverageRow(r.Criterion.ID, c.Control, p, why(p, c.Control)))
			}
			if len(c.Procedures) == 0 {
				l.rows = append(l.rows, coverageRow(r.Criterion.ID, c.Control, nil, "No procedure is written for it."))
			}
		}
		if len(r.Controls) == 0 {
			l.rows = append(l.rows, coverageRow(r.Criterion.ID, audit.Control{}, nil, "No control names it."))
		}
	}
	return l
}

// needed is one item type a procedure reads and the kinds of source made for it.
type needed struct {
	Type    string   `json:"type"`
	Sources []string `json:"sources"`
}

func coverageRow(criterion string, c audit.Control, p *procedure.Procedure, why string) row {
	value := map[string]any{"criterion": criterion, "control": c.ID, "controlTitle": c.Title, "cannot": why}
	if p == nil {
		return row{[]string{criterion, c.ID, "", "", "", why}, value}
	}
	needs := []needed{}
	var said []string
	for _, typ := range p.Types {
		n := needed{typ, all.Drivers.Giving(typ)}
		needs = append(needs, n)
		said = append(said, typ+": "+strings.Join(specific(n.Sources), " "))
	}
	if p.Form == audit.Manual {
		said = []string{"a person's answers"}
	}
	value["procedure"], value["title"], value["form"], value["reads"] = p.ID, p.Title, p.Form, needs
	return row{[]string{criterion, c.ID, p.ID, string(p.Form), strings.Join(said, "; "), why}, value}
}

// specific leaves out the sources that read any type from what people map: those
// are always there. Where there is no other, it says so.
func specific(kinds []string) []string {
	var out []string
	for _, k := range kinds {
		if d, err := all.Drivers.Find(k); err == nil && len(d.Types) < len(audit.ItemTypes)/2 {
			out = append(out, k)
		}
	}
	if len(out) == 0 {
		return []string{"any export"}
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

func (a *app) here(ctx context.Context, p *period.Program) (*here, error) {
	h := &here{def: p.Def, sel: p.Selection(), given: p.Def.Given(driverTypes), fault: map[string]string{}}
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

func driverTypes(kind string) []string {
	if d, err := all.Drivers.Find(kind); err == nil {
		return d.Types
	}
	return nil
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
		case !h.given[typ]:
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
