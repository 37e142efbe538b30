package tasks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/procedure"
	"tieout/program"
)

func notFound(id string) error {
	return fmt.Errorf("%w: task %q in this period", audit.ErrNotFound, id)
}

// Read lists the occurrences of the open period as they stand at now.
func Read(ctx context.Context, p *period.Program, now time.Time) (*List, error) {
	run, err := p.LastRun(ctx)
	if err != nil && !errors.Is(err, audit.ErrNotFound) {
		return nil, err
	}
	b, err := Prepare(ctx, p, run)
	if err != nil {
		return nil, err
	}
	return b.At(ctx, p.Registers(), now)
}

// A Basis is what one run found of all that the definitions make due. It does
// not change, and is safe for concurrent use.
type Basis struct {
	plan *plan
	run  *period.Run // nil: nothing was tested yet
	seen map[string]audit.Result
	in   audit.Period
}

// Prepare reads what a run found. A run that was not recorded, or of another
// period, counts as none, as does nil.
func Prepare(ctx context.Context, p *period.Program, run *period.Run) (*Basis, error) {
	plan, err := planOf(p)
	if err != nil {
		return nil, err
	}
	b := &Basis{plan: plan, run: run, seen: map[string]audit.Result{}, in: p.Period}
	if run == nil || !run.Recorded && run.Record < 0 || !run.Period.From.Equal(p.Period.From) || !run.Period.To.Equal(p.Period.To) {
		b.run = nil
		return b, nil
	}
	for _, id := range plan.procedures {
		if !slices.ContainsFunc(run.Results, func(r period.RunResults) bool { return r.Procedure == id }) {
			continue
		}
		err := p.Results(ctx, run, id, func(r *audit.Result) error { b.seen[id+"@"+r.Item] = *r; return nil })
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// At is what stands at now, by the registers as they are.
func (b *Basis) At(ctx context.Context, book *program.Book, now time.Time) (*List, error) {
	l := &List{Period: b.in, Now: audit.Instant(now)}
	err := book.Read(ctx, func(s *program.State) error {
		l.All, l.Next, l.eyes = b.plan.at(s, b.seen, b.run, l.Now), s.ExpectedReports(), s.Eyes()
		l.Issues = s.AllIssues()
		return nil
	})
	return l, err
}

// A plan is what the definitions alone say: every occurrence, and which sources
// could tell of it.
type plan struct {
	occurrences []Occurrence
	procedures  []string
	own         map[string]bool // connections that read this workspace's registers
	others      map[string][]string
}

func planOf(p *period.Program) (*plan, error) {
	sel := p.Selection()
	out := &plan{own: map[string]bool{}, others: map[string][]string{}}
	keeps := map[string]bool{}
	for _, s := range p.Def.Sources {
		for _, typ := range types(p, s) {
			if s.Kind == "program" {
				out.own[s.Name], keeps[typ] = true, true
			} else {
				out.others[typ] = append(out.others[typ], s.Name)
			}
		}
	}
	for _, proc := range sel.Procedures {
		if proc.Form != audit.Cadence {
			continue
		}
		if err := out.add(p, proc, sel.Controls, keeps); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out.occurrences, func(a, b Occurrence) int {
		return cmp.Or(a.DueBy.Compare(b.DueBy), strings.Compare(a.Procedure, b.Procedure))
	})
	return out, nil
}

// types are the item types that a connection gives, by its settings.
func types(p *period.Program, s definition.SourceDef) []string {
	d, err := p.Drivers.Find(s.Kind)
	if err != nil {
		return nil
	}
	var with struct{ Types []string }
	if s.Kind == "program" && json.Unmarshal(s.With, &with) == nil && with.Types != nil {
		return with.Types
	}
	return s.Types(d.Types)
}

// add lists the windows of one procedure. What is due for every item of a type,
// such as every person's training, is not listed here: it is on the screens of
// those items.
func (l *plan) add(p *period.Program, proc *procedure.Procedure, controls []audit.Control, keeps map[string]bool) error {
	c, err := proc.Cadence()
	if err != nil || c.Each != "" {
		return err
	}
	windows, err := proc.Windows(p.Period, p.Def.Config.Holidays)
	if err != nil {
		return err
	}
	if !slices.Contains(l.procedures, proc.ID) {
		l.procedures = append(l.procedures, proc.ID)
	}
	ctl := controlOf(proc, controls)
	for _, w := range windows {
		o := Occurrence{Every: c.Every, Why: proc.Why, Asks: c.Asks, Criteria: ctl.Criteria, Due: program.Due{
			Procedure: proc.ID, Title: proc.Title, Control: ctl.ID, Owner: ctl.Owner, Occurrence: w.Name, From: w.From, DueBy: w.DueBy, LateBy: w.LateBy}}
		o.How, o.Fault = how(c, keeps, l.others)
		if o.How == ByEntry {
			o.Kind, o.Subject = c.Equals["kind"], c.Equals["subject"]
			o.Document, o.Approval = slices.Contains(c.Filled, "document"), slices.Contains(c.Filled, "approvedBy")
		}
		o.Minutes = minutes(&o)
		l.occurrences = append(l.occurrences, o)
	}
	return nil
}

// controlOf is the newest revision of the first control in scope that the
// procedure tests.
func controlOf(proc *procedure.Procedure, controls []audit.Control) (out audit.Control) {
	for _, id := range proc.Controls {
		for _, c := range controls {
			if c.ID == id {
				out = c
			}
		}
		if out.ID != "" {
			return out
		}
	}
	return out
}

// how says how an occurrence is done, and why it cannot be recorded here.
func how(c procedure.Cadence, keeps map[string]bool, others map[string][]string) (how, fault string) {
	switch {
	case c.Item == "accessReview":
		return ByReview, ""
	case c.Item != "revision":
		return BySource, ""
	case !keeps["revision"]:
		return ByEntry, fmt.Sprintf("This workspace tests what %s says and not what is recorded here. Add sources/program.yaml with `kind: program` to record it here.",
			strings.Join(others["revision"], " and "))
	case c.Equals["kind"] == "":
		return ByEntry, "The procedure does not say which kind of record it counts: its population needs a condition such as revision.kind == \"board meeting\"."
	case len(c.Unclear) > 0:
		return ByEntry, fmt.Sprintf("The procedure counts only what %q is true of, which cannot be filled in here.", c.Unclear[0])
	}
	for field := range c.Equals {
		if field != "kind" && field != "subject" {
			return ByEntry, fmt.Sprintf("The procedure counts only records whose %s is %q, which cannot be filled in here.", field, c.Equals[field])
		}
	}
	return ByEntry, ""
}

// minutes are what recording an occurrence takes: a few lines; a document to
// find and add; a list to go through.
func minutes(o *Occurrence) int {
	switch {
	case o.How == ByReview:
		return 30
	case o.Document:
		return 10
	}
	return 5
}

// at is the plan with what was found and said, at now.
func (l *plan) at(s *program.State, seen map[string]audit.Result, run *period.Run, now time.Time) []Occurrence {
	out := slices.Clone(l.occurrences)
	lately := map[string]string{} // the source that performed the procedure's last occurrence
	for i := range out {
		o := &out[i]
		o.Task = s.Task(o.ID())
		o.Holder, o.StandIn = s.HasDuty(o.Due, now)
		r, found := seen[o.ID()]
		if found {
			l.found(o, r)
		}
		o.State = o.standing(r, found, run, now)
		if o.SeenBy == "" {
			l.expect(o, run, lately[o.Procedure])
		}
		if o.Item != "" {
			lately[o.Procedure] = o.SeenBy
		}
	}
	return out
}

// found takes what the run says of an occurrence.
func (l *plan) found(o *Occurrence, r audit.Result) {
	o.Reason, o.Records = r.Reason, r.Records
	for _, v := range r.Values {
		if strings.HasSuffix(v.Path, ".id") {
			o.Item = strings.Trim(v.Value, `"`)
		}
	}
	if o.Item != "" && !l.own[r.Stream.Source] {
		o.SeenBy = r.Stream.Source
	}
}

// standing is the state of an occurrence. What somebody recorded after the
// evidence of the run ends is newer than what the run found.
func (o *Occurrence) standing(r audit.Result, found bool, run *period.Run, now time.Time) State {
	newer := o.Task.Answer == program.TaskDone && (run == nil || o.Task.Answered.After(run.AsOf) || o.Task.Approved.After(run.AsOf))
	switch {
	case newer || o.Task.Answer == program.TaskDone && !found:
		return Sealed
	case found && r.Outcome == audit.Operated:
		return Operated
	case found && r.Outcome == audit.Late:
		return Late
	case found && r.Outcome == audit.Deviated:
		return Deviation
	case now.Before(o.From):
		return NotDue
	case now.Before(o.LateBy):
		return Open
	}
	return NoEvidence
}

// expect says which source is expected to see an occurrence: one that only
// sources see, or that the one before was seen by, until it should have seen it.
func (l *plan) expect(o *Occurrence, run *period.Run, lately string) {
	if o.Item != "" || o.Task.Revision > 0 && o.Task.Answer != "" {
		return
	}
	overdue := run != nil && !run.AsOf.Before(o.DueBy)
	switch {
	case overdue:
	case lately != "":
		o.SeenBy = lately
	case o.How == ByEntry && o.Fault != "" && len(l.others["revision"]) > 0 && len(l.own) == 0:
		o.SeenBy = strings.Join(l.others["revision"], ", ")
	}
}
