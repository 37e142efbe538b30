package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/deviation"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/text"
)

func (a *app) controlCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "control", Short: "Controls in scope: list, show, coverage"}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "Controls in scope, where they stand, what cannot be tested", Args: exactly(0, "no argument"),
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.with(cmd.Context(), func(p *period.Program) error { return a.listControls(cmd.Context(), p) })
			},
		},
		in(&cobra.Command{
			Use: "show ID", Short: "One control: its text, its procedures and what they found", Args: exactly(1, "a control such as IAM-06"),
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.with(cmd.Context(), func(p *period.Program) error { return a.showControl(cmd.Context(), p, args[0]) })
			},
		}, "table", "json"),
		a.coverageCommand(),
	)
	return cmd
}

func (a *app) listControls(ctx context.Context, p *period.Program) error {
	r, _, err := a.reportOf(ctx, p)
	if err != nil {
		r = nil // nothing was tested yet
	}
	sentence, controls := answer.Controls(p, r)
	l := listing{schema: answer.ControlsSchema, summary: sentence, columns: []text.Column{
		{Head: "control"}, {Head: "title", Flex: true}, {Head: "criteria", Flex: true}, {Head: "frequency"}, {Head: "state"}, {Head: "procedures", Flex: true},
	}}
	for _, x := range controls {
		c := x.Control
		l.rows = append(l.rows, row{[]string{c.ID, c.Title, strings.Join(c.Criteria, " "), c.Frequency, x.State, strings.Join(x.Procedures, " ")}, x})
	}
	return a.show(l)
}

func (a *app) showControl(ctx context.Context, p *period.Program, id string) error {
	r, _, err := a.reportOf(ctx, p)
	if err != nil {
		r = nil // nothing was tested yet
	}
	x, err := answer.FindControl(p, r, id)
	if errors.Is(err, audit.ErrNotFound) {
		return fmt.Errorf("%w; see 'tieout control list'", err)
	}
	if err != nil {
		return err
	}
	c, found := x.Control, x.Found
	if a.output == "json" {
		return a.writeJSON(answer.ControlSchema, x.Sentence(), "control", x)
	}
	w := a.env.Stdout
	fmt.Fprintf(w, "%s  %s\n\n", c.ID, c.Title)
	a.say(c.Description)
	fmt.Fprintf(w, "\n  owner      %s\n  frequency  %s\n  nature     %s\n  criteria   %s\n  population %s\n", c.Owner, c.Frequency, natureWord(c.Nature), strings.Join(c.Criteria, " "), c.Population)
	for _, proc := range p.Selection().Procedures {
		if !slices.Contains(proc.Controls, c.ID) {
			continue
		}
		fmt.Fprintf(w, "\n%s  %s\n", proc.ID, proc.Title)
		fmt.Fprintf(w, "Version: %s\n", answer.ShortHash(proc.Hash))
		a.say("Test: " + proc.Statement)
		for _, q := range proc.Questions {
			a.point("Asked: " + q)
		}
		for _, e := range proc.Evidence {
			a.point("Asked for: " + e)
		}
		if found != nil {
			a.printFound(found, proc.ID)
		}
	}
	return nil
}

// natureWord is a control's nature in the field's words.
func natureWord(nature string) string {
	if nature == "itdm" {
		return "IT-dependent manual"
	}
	return nature
}

func (a *app) printFound(c *audit.ControlReport, id string) {
	for i := range c.Procedures {
		t := &c.Procedures[i]
		if t.Procedure != id {
			continue
		}
		a.say("Result: " + report.ResultCell(t))
		for _, d := range t.Deviations {
			fmt.Fprintf(a.env.Stdout, "  %s  %s  %s\n", d.Ref, answer.ItemName(&d.Result), d.Reason)
		}
	}
}

func (a *app) populationCommand() *cobra.Command {
	var listed, shown string
	const runHelp = "an earlier run: its record (E-13), or the hash of its definitions or of a procedure (8 digits or more)"
	cmd := &cobra.Command{Use: "population", Short: "What a procedure was performed on: list, show, reconcile; freeze, accept"}
	cmd.AddCommand(
		withRun(&listed, runHelp, &cobra.Command{
			Use: "list", Short: "Populations of the newest run or of an earlier one", Args: exactly(0, "no argument"),
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.with(cmd.Context(), func(p *period.Program) error { return a.listPopulations(cmd.Context(), p, listed) })
			},
		}),
		withRun(&shown, runHelp, &cobra.Command{
			Use: "show PROCEDURE", Short: "Every item of a population with its outcome", Args: exactly(1, "a procedure such as change.review"),
			Long: `Every item that a procedure was performed on, with its outcome and the evidence
behind it, as sealed in the newest run, in the one that --run names, or with
--as-of in the newest up to that day.`,
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.with(cmd.Context(), func(p *period.Program) error { return a.showPopulation(cmd.Context(), p, args[0], shown) })
			},
		}),
		&cobra.Command{
			Use: "reconcile [PROCEDURE]", Short: "How completely the streams behind a population were seen", Args: atMost(1, "a procedure"),
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.with(cmd.Context(), func(p *period.Program) error { return a.reconcile(cmd.Context(), p, args) })
			},
		},
	)
	cmd.AddCommand(a.examPopulations()...)
	return cmd
}

func withRun(to *string, help string, cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(to, "run", "", help)
	return cmd
}

func (a *app) listPopulations(ctx context.Context, p *period.Program, ref string) error {
	run, err := a.chosenRun(ctx, p, ref)
	if err != nil {
		return err
	}
	l := listing{schema: "tieout.populations/1", columns: []text.Column{
		{Head: "procedure"}, {Head: "version"}, {Head: "items", Right: true}, {Head: "operated", Right: true}, {Head: "deviation", Right: true},
		{Head: "late", Right: true}, {Head: "no evidence", Right: true},
	}}
	for _, t := range run.Tested {
		n := func(o audit.Outcome) string { return report.Number(t.Counts[o]) }
		l.rows = append(l.rows, row{[]string{t.Procedure, answer.ShortHash(t.Hash), report.Number(t.Items), n(audit.Operated), n(audit.Deviated), n(audit.Late), n(audit.NoEvidence)}, t})
	}
	l.summary = fmt.Sprintf("%s, whole over the whole period, as sealed in %s.", report.Capital(count(len(l.rows), "population", "populations")), audit.EvidenceRef(run.Record))
	return a.show(l)
}

func (a *app) showPopulation(ctx context.Context, p *period.Program, id, ref string) error {
	if ref == "" && strings.HasPrefix(id, "sha256:") {
		ref = id
	}
	run, err := a.chosenRun(ctx, p, ref)
	if err != nil {
		return err
	}
	which, err := resultsOf(run, id)
	if err != nil {
		return err
	}
	l := listing{schema: answer.PopulationSchema, columns: []text.Column{
		{Head: "item", Flex: true}, {Head: "when"}, {Head: "outcome"}, {Head: "evidence", Flex: true}, {Head: "why", Flex: true},
	}}
	err = p.Results(ctx, run, which.Hash, func(r *audit.Result) error {
		refs := make([]string, len(r.Records))
		for i, n := range r.Records {
			refs[i] = audit.EvidenceRef(n)
		}
		l.rows = append(l.rows, row{[]string{answer.ItemName(r), answer.When(r, p.Period), r.Outcome.String(), strings.Join(refs, " "), r.Reason}, *r})
		return nil
	})
	if err != nil {
		return err
	}
	l.summary = answer.PopulationSentence(len(l.rows), which, run)
	return a.show(l)
}

func (a *app) reconcile(ctx context.Context, p *period.Program, only []string) error {
	r, _, err := a.reportOf(ctx, p)
	if err != nil {
		return err
	}
	streams := r.Coverage
	if len(only) > 0 {
		i := slices.IndexFunc(report.Procedures(r), func(t *audit.Tested) bool { return t.Procedure == only[0] })
		if i < 0 {
			return fmt.Errorf("%w: procedure %q in the newest run; see 'tieout population list'", audit.ErrNotFound, only[0])
		}
		streams = report.Procedures(r)[i].Streams
	}
	l := listing{schema: "tieout.coverage/1", columns: []text.Column{
		{Head: "stream", Flex: true}, {Head: "mode"}, {Head: "seen"}, {Head: "holes", Right: true}, {Head: "first hole"}, {Head: "why", Flex: true}, {Head: "compared", Flex: true},
	}}
	holes := 0
	for _, s := range streams {
		seen := count(s.Observations, "observation", "observations")
		if s.Mode != audit.ModeSnapshot {
			seen = count(len(s.Covered), "stretch", "stretches")
		}
		first, why := "", ""
		if len(s.Holes) > 0 {
			first, why = report.Days(s.Holes[0].Span, p.Period.Location()), s.Holes[0].Reason
		}
		holes += len(s.Holes)
		l.rows = append(l.rows, row{[]string{answer.StreamName(s.StreamKey), string(s.Mode), seen, report.Number(len(s.Holes)), first, why, compared(s.Checks)}, s})
	}
	l.summary = fmt.Sprintf("%s, %s. Completeness shows what a source gave, not what it held back.",
		report.Capital(count(len(streams), "stream", "streams")), count(holes, "attempt failed or was incomplete", "attempts failed or were incomplete"))
	return a.show(l)
}

// compared says what was reconciled with an independent number or list.
func compared(checks []audit.Reconciling) string {
	if len(checks) == 0 {
		return "no independent number"
	}
	parts := make([]string, len(checks))
	for i, c := range checks {
		parts[i] = fmt.Sprintf("%s: %s, agrees", c.Name, c.Got)
		if !c.OK {
			parts[i] = fmt.Sprintf("%s: %s, not %s", c.Name, c.Got, c.Want)
		}
	}
	return strings.Join(parts, "; ")
}

func (a *app) deviationCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "deviation", Short: "Findings: list, show, respond, confirm, dismiss, approve"}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "Every finding and what was decided about it; none is deleted", Args: exactly(0, "no argument"),
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.with(cmd.Context(), func(p *period.Program) error {
					ds, err := a.everyDeviation(cmd.Context(), p)
					if err != nil {
						return err
					}
					return a.show(deviationListing(ds, p.Period))
				})
			},
		},
		in(&cobra.Command{
			Use: "show D-...", Short: "One finding: what happened, when, what was read and decided", Args: exactly(1, "a deviation such as D-1a2b3c4d"),
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.with(cmd.Context(), func(p *period.Program) error { return a.showDeviation(cmd.Context(), p, args[0]) })
			},
		}, "table", "json"),
		a.decideCommand("respond", deviation.Answer, "Write management's cause and response beside a finding"),
		a.decideCommand("confirm", deviation.Confirm, "Say that a finding is a deviation"),
		a.decideCommand("dismiss", deviation.Propose, "Propose that a finding is not a deviation; somebody else approves"),
		a.decideCommand("approve", deviation.Approve, "Approve somebody else's proposal that it is not a deviation"),
		a.decideCommand("withdraw", deviation.Withdraw, "Take a proposal or a confirmation back, with the reason"),
	)
	return cmd
}

// everyDeviation is every finding that was ever recorded with what was decided
// about it, also those of procedures that run no longer; with --as-of those of a
// rehearsal of what was known then.
func (a *app) everyDeviation(ctx context.Context, p *period.Program) ([]audit.Deviation, error) {
	if a.asOf != "" {
		r, _, err := a.reportOf(ctx, p)
		if err != nil {
			return nil, err
		}
		return report.Deviations(r), nil
	}
	run, err := a.lastRun(ctx, p)
	if err != nil {
		return nil, err
	}
	return p.Deviations(ctx, run)
}

func (a *app) showDeviation(ctx context.Context, p *period.Program, ref string) error {
	run, err := a.lastRun(ctx, p)
	if err != nil {
		return err
	}
	d, err := p.Deviation(ctx, run, answer.DeviationRef(ref))
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.writeJSON("tieout.deviation/1", answer.DeviationSentence(&d, p.Period), "deviation", d)
	}
	a.printDeviation(p, &d)
	fmt.Fprintf(a.env.Stdout, "\nFrom here to the raw bytes: tieout evidence show %s\n", d.Ref)
	return nil
}

func (a *app) printDeviation(p *period.Program, d *audit.Deviation) {
	w, loc := a.env.Stdout, p.Period.Location()
	fmt.Fprintf(w, "%s  %s\n", d.Ref, d.Title)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %-11s %s\n", name, value)
		}
	}
	line("item", d.Item)
	if d.Label != d.Item {
		line("", d.Label)
	}
	line("controls", strings.Join(d.Controls, " "))
	line("outcome", d.Outcome.String())
	line("when", answer.When(&d.Result, p.Period))
	line("began", report.BoundText(d.Start, loc))
	if !d.Open && !d.End.At.IsZero() {
		line("ended", report.BoundText(d.End, loc))
	}
	if lasted := report.Lasted(&d.Result); lasted != "" {
		line("lasted", lasted)
	}
	line("why", d.Reason)
	for _, at := range d.Attributes {
		line("  "+at.Name, fmt.Sprintf("%s: %s %s", at.Outcome, at.Text, at.Reason))
	}
	for _, v := range d.Values {
		line("read", v.Path+" = "+v.Value)
	}
	line("decided", string(d.Disposition)+by(d))
	line("cause", d.Cause)
	line("response", d.Response)
	for i := range d.Exceptions {
		line("exception", report.Excepted(&d.Exceptions[i], loc)+" It changes nothing of the finding.")
	}
	if d.NotFoundBy != "" {
		line("note", "the present procedure ("+d.NotFoundBy+") no longer finds it; it stays on record")
	}
}

func by(d *audit.Deviation) string {
	if d.DecidedBy == "" {
		return ""
	}
	return " by " + d.DecidedBy + ": " + d.DecidedWhy
}

func (a *app) decideCommand(use string, kind deviation.Kind, short string) *cobra.Command {
	var why, cause, response string
	cmd := &cobra.Command{
		Use: use + " D-...", Short: short, Args: exactly(1, "a deviation such as D-1a2b3c4d"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error {
				return a.decide(cmd.Context(), p, args[0], kind, why, cause, response)
			})
		},
	}
	in(cmd, "table", "json")
	if kind == deviation.Answer {
		cmd.Flags().StringVar(&cause, "cause", "", "why it happened, in management's words")
		cmd.Flags().StringVar(&response, "response", "", "what was and will be done about it, in management's words")
	} else {
		cmd.Flags().StringVar(&why, "why", "", "the reason")
	}
	return cmd
}

func (a *app) decide(ctx context.Context, p *period.Program, ref string, kind deviation.Kind, why, cause, response string) error {
	run, err := a.lastRun(ctx, p)
	if err != nil {
		return err
	}
	d, err := p.Deviation(ctx, run, answer.DeviationRef(ref))
	if err != nil {
		return err
	}
	dec, err := p.Decision(ctx, &d, kind, why)
	if err != nil {
		return err
	}
	dec.Cause, dec.Response = cause, response
	rec, err := p.Decide(ctx, dec)
	if err != nil {
		return err
	}
	return a.tell("tieout.decision/1", fmt.Sprintf("Recorded about %s by %s, sealed as %s.", d.Ref, dec.By.Name, rec.Ref()),
		map[string]any{"deviation": d.Ref, "kind": dec.Kind, "by": dec.By, "record": rec.Ref()})
}

// point writes one line of an indented list, its further lines indented alike.
func (a *app) point(s string) {
	fmt.Fprintln(a.env.Stdout, "  "+strings.ReplaceAll(text.Wrap(s, a.width()-4), "\n", "\n    "))
}
