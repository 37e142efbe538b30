package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/html"
	reportjson "tieout/report/json"
	"tieout/report/junit"
	"tieout/report/oscal"
	"tieout/report/sarif"
	"tieout/report/text"
)

func (a *app) checkCommand() *cobra.Command {
	var failOn string
	var list bool
	cmd := &cobra.Command{
		Use: "check [control or procedure...]", Short: "Test whole populations over the whole period",
		Long: `Runs the procedures over everything that was collected, the whole period each
time. A run of all procedures under the applied definitions is sealed; anything
else is a rehearsal and leaves no trace. Formats besides table: json, jsonl, csv,
md, sarif, junit, oscal, html.

--list shows the runs that were sealed, under whichever definitions; an earlier
one is read with 'tieout population show PROCEDURE --run E-...'.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				return a.with(cmd.Context(), func(p *period.Program) error { return a.listRuns(cmd.Context(), p) })
			}
			return a.with(cmd.Context(), func(p *period.Program) error { return a.check(cmd.Context(), p, args, failOn) })
		},
	}
	in(cmd, "table", "json", "jsonl", "csv", "md", "sarif", "junit", "oscal", "html")
	cmd.Flags().BoolVar(&list, "list", false, "list the runs that were sealed, and test nothing")
	cmd.Flags().StringVar(&failOn, "fail-on", "never", "exit 3 on findings at or above: deviation, gap, late, due, never")
	return cmd
}

// thresholds order what --fail-on can name, most serious first.
var thresholds = []string{"deviation", "gap", "late", "due", "never"}

func (a *app) check(ctx context.Context, p *period.Program, only []string, failOn string) error {
	if !slices.Contains(thresholds, failOn) {
		return fmt.Errorf("%w: --fail-on %q; it is one of %s", audit.ErrUsage, failOn, strings.Join(thresholds, ", "))
	}
	asOf, err := a.asOfInstant(p.Period.Location())
	if err != nil {
		return err
	}
	run, err := p.Check(ctx, period.CheckOptions{AsOf: asOf, Only: only})
	if err != nil {
		return err
	}
	if run.Recorded {
		a.publish(ctx, p) // before the report, which names who has seen the log
	}
	r, err := p.Report(ctx, run, report.Management)
	if err != nil {
		return err
	}
	if len(only) > 0 {
		r = narrowed(r, run)
	}
	if err := a.writeReport(a.output, &r); err != nil {
		return err
	}
	a.noteRun(run, &r, len(only) > 0)
	return a.verdict(&r, failOn)
}

// narrowed keeps the controls that were asked for.
func narrowed(r audit.Report, run *period.Run) audit.Report {
	ran := map[string]bool{}
	for _, t := range run.Tested {
		for _, c := range t.Controls {
			ran[c] = true
		}
	}
	r.Controls = slices.DeleteFunc(slices.Clone(r.Controls), func(c audit.ControlReport) bool { return !ran[c.Control.ID] })
	r.Untested = nil
	r.Sentence = report.Sentence(report.StandingOf(&r), report.Management)
	return r
}

// noteRun says whether the run was sealed, and where to look next.
func (a *app) noteRun(run *period.Run, r *audit.Report, part bool) {
	switch {
	case run.Recorded:
		a.note("Sealed as %s.", audit.EvidenceRef(run.Record))
		if ds := report.Deviations(r); len(ds) > 0 {
			a.note("From a deviation to its raw bytes: tieout evidence show %s", ds[0].Ref)
		}
	case part:
		a.note("A rehearsal of a part: nothing was recorded.")
	case len(run.Tested) == 0:
		a.note("No procedure can run on what the sources give; see 'tieout control list'.")
	default:
		a.note("A rehearsal: the files differ from the applied revision, so nothing was recorded. See 'tieout plan', then 'tieout apply'.")
	}
}

// verdict is the exit code --fail-on asks for. Nothing tested, or nothing seen
// at all, is never 0.
func (a *app) verdict(r *audit.Report, failOn string) error {
	level := slices.Index(thresholds, failOn)
	worst := len(thresholds)
	items := 0
	for _, t := range report.Procedures(r) {
		f := report.Findings(t)
		items += t.Items
		for i, n := range []int{f.Deviated, len(t.Gaps), f.Late, t.Counts[audit.Pending]} {
			if n > 0 {
				worst = min(worst, i)
			}
		}
	}
	if worst <= level && failOn != "never" {
		return findings{code: exitFindings, text: fmt.Sprintf("Findings at or above --fail-on %s.", failOn)}
	}
	if items == 0 {
		return findings{code: exitInconclusive, text: "Nothing could be tested: no evidence was collected for this period. Next: tieout collect"}
	}
	return nil
}

func (a *app) writeReport(format string, r *audit.Report) error {
	w := a.env.Stdout
	switch format {
	case "json":
		return reportjson.Write(w, *r)
	case "sarif":
		return sarif.Write(w, *r)
	case "junit":
		return junit.Write(w, *r)
	case "oscal":
		return oscal.Write(w, *r)
	case "html":
		return html.Write(w, *r)
	case "md":
		return writeMarkdown(w, r)
	case "jsonl", "csv":
		return a.show(deviationListing(report.Deviations(r), r.Period))
	}
	return a.writeTables(r)
}

// writeTables writes what a person reads after a check: controls, deviations,
// gaps, then the sentence.
func (a *app) writeTables(r *audit.Report) error {
	w, o := a.env.Stdout, a.textOptions()
	if o.Width == 0 {
		o.Width = 132 // a check is read, not parsed; -o csv and jsonl are for pipes
	}
	t := text.Table{Columns: []text.Column{{Head: "control"}, {Head: "title", Flex: true}, {Head: "state"}, {Head: "found", Flex: true}}}
	for _, c := range r.Controls {
		for i, x := range c.Procedures {
			row := []string{"", "", "", foundCell(&x)}
			if i == 0 {
				row = []string{c.Control.ID, c.Control.Title, report.StateWord(c.State, report.Management), row[3]}
			}
			t.Rows = append(t.Rows, row)
		}
	}
	if err := t.Write(w, o); err != nil {
		return err
	}
	if err := writeFindings(w, o, r, maxListed); err != nil {
		return err
	}
	fmt.Fprintln(w)
	a.say(r.Sentence)
	return nil
}

// foundCell says in a few words what a procedure found.
func foundCell(t *audit.Tested) string {
	var parts []string
	for _, o := range []audit.Outcome{audit.Deviated, audit.Late, audit.NoEvidence, audit.Pending, audit.Operated} {
		if n := t.Counts[o]; n > 0 {
			parts = append(parts, report.Number(n)+" "+foundWords[o])
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing seen"}
	}
	if n := len(t.Gaps); n > 0 {
		parts = append(parts, count(n, "gap", "gaps"))
	}
	return strings.Join(parts, ", ")
}

var foundWords = map[audit.Outcome]string{
	audit.Deviated: "deviated", audit.Late: "late", audit.NoEvidence: "without evidence", audit.Pending: "not due yet", audit.Operated: "operated",
}

// maxListed is how many deviations and gaps a check prints; the lists have all.
const maxListed = 40

func writeFindings(w io.Writer, o text.Options, r *audit.Report, most int) error {
	ds := report.Deviations(r)
	if len(ds) > 0 {
		fmt.Fprintf(w, "\n%s\n", report.Capital(count(len(ds), "deviation", "deviations")))
		l := deviationListing(ds[:min(most, len(ds))], r.Period)
		if err := writeTable(w, o, l); err != nil {
			return err
		}
		more(w, len(ds)-most, "tieout deviation list")
	}
	gs := report.Gaps(r)
	if len(gs) > 0 {
		fmt.Fprintf(w, "\n%s\n", report.Capital(count(len(gs), "gap in the evidence", "gaps in the evidence")))
		l := gapListing(gs, r.Period)
		l.rows = sameGaps(l.rows)
		all := len(l.rows)
		l.rows = l.rows[:min(most, all)]
		if err := writeTable(w, o, l); err != nil {
			return err
		}
		more(w, all-most, "tieout check -o json")
	}
	return nil
}

func more(w io.Writer, n int, where string) {
	if n > 0 {
		fmt.Fprintf(w, "and %s more: %s\n", report.Number(n), where)
	}
}

func asTable(l listing) text.Table {
	t := text.Table{Columns: l.columns}
	for _, r := range l.rows {
		t.Rows = append(t.Rows, r.cells)
	}
	return t
}

func deviationListing(ds []audit.Deviation, p audit.Period) listing {
	l := listing{schema: answer.DeviationsSchema, columns: []text.Column{
		{Head: "ref"}, {Head: "control"}, {Head: "item", Flex: true}, {Head: "when"}, {Head: "outcome"}, {Head: "why", Flex: true}, {Head: "decided"},
	}}
	for _, d := range ds {
		why := d.Reason
		if d.NotFoundBy != "" {
			why = "no longer found by the present procedure; " + why
		}
		l.rows = append(l.rows, row{[]string{
			d.Ref, strings.Join(d.Controls, " "), answer.ItemName(&d.Result), answer.When(&d.Result, p), d.Outcome.String(), why, string(d.Disposition),
		}, d})
	}
	l.summary = answer.DeviationsSentence(len(ds))
	return l
}

func gapListing(gs []audit.Gap, p audit.Period) listing {
	l := listing{schema: answer.GapsSchema, columns: []text.Column{
		{Head: "procedure"}, {Head: "stream", Flex: true}, {Head: "when"}, {Head: "touches", Right: true}, {Head: "why", Flex: true},
	}}
	for _, g := range gs {
		touches := "all"
		if g.Items > 0 {
			touches = report.Number(g.Items)
		}
		l.rows = append(l.rows, row{[]string{g.Procedure, answer.StreamName(g.Stream), report.Days(g.Span, p.Location()), touches, g.Reason}, g})
	}
	return l
}

// sameGaps keeps one row of those that say the same of several procedures, and
// names how many it stands for.
func sameGaps(rows []row) []row {
	type key struct{ stream, when, touches, why string }
	var out []row
	at, number := map[key]int{}, map[key]int{}
	for _, r := range rows {
		k := key{r.cells[1], r.cells[2], r.cells[3], r.cells[4]}
		if number[k]++; number[k] > 1 {
			out[at[k]].cells[0] = fmt.Sprintf("%d procedures", number[k])
			continue
		}
		at[k] = len(out)
		out = append(out, row{slices.Clone(r.cells), r.value})
	}
	return out
}

// writeMarkdown writes the findings for a comment on a change.
func writeMarkdown(w io.Writer, r *audit.Report) error {
	fmt.Fprintf(w, "%s\n\n", escapeMarkdown(r.Sentence))
	for _, l := range []listing{deviationListing(report.Deviations(r), r.Period), gapListing(report.Gaps(r), r.Period)} {
		if len(l.rows) == 0 {
			continue
		}
		heads := make([]string, len(l.columns))
		for i, c := range l.columns {
			heads[i] = c.Head
		}
		fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(heads, " | "), strings.Repeat(" --- |", len(heads)))
		for _, row := range l.rows {
			cells := make([]string, len(row.cells))
			for i, c := range row.cells {
				cells[i] = escapeMarkdown(c)
			}
			fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
		}
		fmt.Fprintln(w)
	}
	return nil
}

var markdownEscapes = strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", "[", "\\[", "]", "\\]", "`", "\\`", "*", "\\*", "_", "\\_", "\n", " ", "\r", " ")

// escapeMarkdown keeps text from being markup: it comes from outside.
func escapeMarkdown(s string) string { return markdownEscapes.Replace(s) }

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Where the period stands in one sentence, then what is found",
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error { return a.status(cmd.Context(), p) })
		},
	}
}

func (a *app) status(ctx context.Context, p *period.Program) error {
	r, run, err := a.reportOf(ctx, p)
	if err != nil {
		return err
	}
	switch a.output {
	case "json":
		l, err := a.tasksAt(ctx, p, run)
		if err != nil {
			return err
		}
		st := answer.StatusOf(r)
		st.Tasks = l.Sentence()
		return a.writeJSON(answer.StatusSchema, r.Sentence, "status", st)
	case "jsonl", "csv":
		return a.show(deviationListing(report.Deviations(r), r.Period))
	}
	a.say(r.Sentence)
	o := a.textOptions()
	if o.Width == 0 {
		o.Width = 132
	}
	if err := writeFindings(a.env.Stdout, o, r, 12); err != nil {
		return err
	}
	if err := a.writeDue(ctx, p, run); err != nil {
		return err
	}
	fmt.Fprintf(a.env.Stdout, "\nPeriod %s to %s. Evidence considered up to %s; tested as %s.\n",
		r.Period.First(), r.Period.Last(), report.Moment(r.AsOf, p.Period.Location()), runName(run))
	return nil
}

func runName(run *period.Run) string {
	if run.Recorded {
		return audit.EvidenceRef(run.Record)
	}
	return "a rehearsal"
}

// reportOf is the report of the newest recorded run, or, with --as-of, of a
// rehearsal of what was known then.
func (a *app) reportOf(ctx context.Context, p *period.Program) (*audit.Report, *period.Run, error) {
	if a.asOf == "" {
		run, err := a.lastRun(ctx, p)
		if err != nil {
			return nil, nil, err
		}
		r, err := p.Report(ctx, run, report.Management)
		return &r, run, err
	}
	asOf, err := a.asOfInstant(p.Period.Location())
	if err != nil {
		return nil, nil, err
	}
	run, err := p.Rehearse(ctx, asOf)
	if err != nil {
		return nil, nil, err
	}
	r, err := p.Report(ctx, run, report.Management)
	return &r, run, err
}
