package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"

	"github.com/spf13/cobra"

	"tieout/access"
	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/report"
	"tieout/report/text"
	"tieout/source/all"
)

// open opens the workspace the command works in.
func (a *app) open(ctx context.Context) (*period.Program, error) {
	dir, err := a.workspace()
	if err != nil {
		return nil, err
	}
	return period.Open(ctx, dir, a.options())
}

func (a *app) options() period.Options {
	return period.Options{Drivers: all.Drivers, Now: a.env.Now, Getenv: a.env.Getenv, Actor: a.actor(), Tieout: version, Period: a.period}
}

// actor is the person at this machine, as the machine knows them: never an
// account, under which only who signed in acts.
func (a *app) actor() audit.Actor {
	if name := a.env.Getenv("TIEOUT_ACTOR"); name != "" {
		if access.IsAccount(name) {
			name = "shell " + name
		}
		return audit.Actor{Kind: audit.ActorPerson, Name: name}
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return audit.Actor{Kind: audit.ActorPerson, Name: u.Username}
	}
	return audit.Actor{Kind: audit.ActorCommand, Name: "tieout"}
}

// with opens the workspace, runs f and closes it.
func (a *app) with(ctx context.Context, f func(p *period.Program) error) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(p), p.Close())
}

func (a *app) initCommand() *cobra.Command {
	var yes bool
	var answers definition.Answers
	cmd := &cobra.Command{
		Use: "init [folder]", Short: "Make a workspace: its files, its store, its log and the log's key",
		Long: `Makes a workspace: tieout.yaml and a source for what is found here (this git
repository, this machine), the store and the log under .tieout, and a fresh
signing key. With --yes nothing is asked and what can be guessed is guessed:
the organization is named after the folder and the period is the last year up
to today. Edit the files afterwards and run 'tieout apply'. In a workspace that
exists the files stay as they are, and what is missing beside them is made.`,
		Args: atMost(1, "a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := a.target(args)
			if err != nil {
				return err
			}
			return a.init(cmd.Context(), dir, answers, yes)
		},
	}
	f := in(cmd, "table", "json").Flags()
	f.BoolVarP(&yes, "yes", "y", false, "ask nothing, guess what can be guessed")
	f.BoolVar(&answers.Firm, "firm", false, "an audit firm's workspace: it holds the files of the firm's engagements")
	f.StringVar(&answers.Name, "name", "", "name of the organization, or of the firm")
	f.StringVar(&answers.System, "system", "", "name of the system under examination")
	f.StringVar(&answers.Zone, "zone", "", "time zone of the organization, such as Europe/Berlin")
	f.StringVar(&answers.First, "first", "", "first day of the period, 2026-01-01")
	f.StringVar(&answers.Last, "last", "", "last day of the period, 2026-12-31")
	return cmd
}

// target is the folder a command makes: an argument, --workspace, or here.
func (a *app) target(args []string) (string, error) {
	switch {
	case len(args) > 0:
		return filepath.Abs(args[0])
	case a.dir != "":
		return filepath.Abs(a.dir)
	}
	return a.env.Getwd()
}

func (a *app) init(ctx context.Context, dir string, answers definition.Answers, yes bool) error {
	if _, err := os.Stat(filepath.Join(dir, "tieout.yaml")); err != nil {
		if err := a.fillAnswers(&answers, dir, yes); err != nil {
			return err
		}
		files, err := definition.Scaffold(dir, answers)
		if err != nil {
			return err
		}
		for _, f := range files {
			a.note("wrote %s", f)
		}
	} else {
		a.note("tieout.yaml is there already and stays as it is")
	}
	o := a.options()
	o.Create = true
	p, err := period.Open(ctx, dir, o)
	if err != nil {
		return err
	}
	defer p.Close()
	rev, changed, err := p.Apply(ctx)
	if err != nil {
		return err
	}
	if changed {
		a.note("applied revision %d of the definitions as %s", rev.Number, audit.EvidenceRef(rev.Record))
	}
	s, err := p.Succession(ctx)
	if err != nil {
		return err
	}
	if p.Def.IsFirm() {
		return a.madeFirm(p, dir, rev.Number, s.First)
	}
	sel := p.Selection()
	if err := a.tell("tieout.workspace/1", fmt.Sprintf("Workspace for %s, period %s to %s (%s). %s can be tested with %s.",
		p.Def.Organization.Name, p.Period.First(), p.Period.Last(), p.Period.Zone,
		count(len(sel.Controls), "control", "controls"), count(len(p.Def.Sources), "source", "sources")),
		map[string]any{"dir": dir, "revision": rev.Number, "period": p.Period, "controls": len(sel.Controls), "key": s.First}); err != nil {
		return err
	}
	a.lengthNote(p.Def.ReportOf(p.Name), p.Period.First(), p.Period.Last())
	a.note("The log's public key, to be given to whoever checks: %s", s.First)
	a.note("Next: tieout serve, for the screens; or tieout collect, then tieout check")
	return nil
}

// madeFirm says what a firm's new workspace is, and what comes next.
func (a *app) madeFirm(p *period.Program, dir string, revision int64, key string) error {
	if err := a.tell("tieout.workspace/1", fmt.Sprintf("Workspace of the audit firm %s (%s). It holds no engagement yet.", p.Def.Organization.Name, p.Def.Organization.Zone),
		map[string]any{"dir": dir, "revision": revision, "firm": true, "key": key}); err != nil {
		return err
	}
	a.note("The log's public key, to be given to clients: %s", key)
	a.note("Next: tieout serve")
	return nil
}

func (a *app) demoCommand() *cobra.Command {
	var size string
	var replace, noServe bool
	cmd := &cobra.Command{
		Use: "demo [folder]", Short: "Run the whole flow on Halyard, an invented company",
		Long: `Writes a year of exports of Halyard, an invented company, collects and seals
them, tests the year, and writes report, workbook and bundle. The exports hold
seeded deviations and gaps, listed in halyard.truth.json; what is found is compared with
that list. Then people of Halyard get accounts and their running year begins.

With the startup's size an invented audit firm gets a workspace of its own and
examines the year, up to a report that is issued, in soc2/, and a second
engagement that stands in testing; what crossed between the two is in packets/.
The enterprise's has no examination.

Last, what was made is served to this machine until interrupted, unless
--no-serve. Everything is made up and marked as such. --replace removes what an
earlier demo made in the folder, and nothing that was put beside it.`,
		Args: atMost(1, "a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"demo-halyard"}
			}
			dir, err := a.target(args)
			if err != nil {
				return err
			}
			return a.demo(cmd.Context(), dir, size, replace, noServe)
		},
	}
	f := in(cmd, "table").Flags()
	f.StringVar(&size, "size", "startup", "startup (50 people) or enterprise (20,000 people, 2 million events)")
	f.BoolVar(&replace, "replace", false, "remove an earlier demo in that folder first")
	f.BoolVar(&noServe, "no-serve", false, "end when all is written; nothing is served")
	return cmd
}

func (a *app) planCommand() *cobra.Command {
	var exitCode bool
	cmd := &cobra.Command{
		Use: "plan", Short: "Say what the files would change, and what that does to the period",
		Long: `Compares the workspace's files with the revision in force: what is added, changed
or retired, and what each change does to the running period. Nothing is changed.`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error { return a.plan(cmd.Context(), p, exitCode) })
		},
	}
	in(cmd, "table", "json").Flags().BoolVar(&exitCode, "exit-code", false, "exit 2 where changes are pending")
	return cmd
}

func (a *app) plan(ctx context.Context, p *period.Program, exitCode bool) error {
	plan, err := p.Plan(ctx)
	if err != nil {
		return err
	}
	if a.output == "json" {
		if err := a.writeJSON("tieout.plan/1", planSentence(plan), "changes", plan); err != nil {
			return err
		}
	} else {
		fmt.Fprint(a.env.Stdout, plan.String())
	}
	if exitCode && !plan.Empty() {
		return findings{code: exitChanges}
	}
	return nil
}

func planSentence(p definition.Plan) string {
	return fmt.Sprintf("%d to add, %d to change, %d to retire.", p.Add, p.Change, p.Retire)
}

func (a *app) applyCommand() *cobra.Command {
	var why string
	cmd := in(&cobra.Command{
		Use: "apply", Short: "Record the files as the revision in force, sealed in the log",
		Long: `Seals the workspace's files as the revision in force: from now on checks run on
it, over the whole period. Results of earlier revisions stay readable under
their own hash: 'tieout check --list', then 'tieout population show --run'.
The days of a period that has begun, was tested over or is agreed with a firm
change with a reason (--why), which the log keeps; a new period is added with
'tieout period add'.`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error {
				plan, err := p.Plan(cmd.Context())
				if err != nil {
					return err
				}
				rev, changed, err := p.ApplyWhy(cmd.Context(), why)
				if err != nil {
					return err
				}
				value := map[string]any{"changed": changed, "revision": rev.Number, "record": audit.EvidenceRef(rev.Record), "plan": plan}
				if !changed {
					return a.tell("tieout.revision/1", fmt.Sprintf("Nothing to apply: the files are revision %d (%s).", rev.Number, audit.EvidenceRef(rev.Record)), value)
				}
				if a.output != "json" {
					fmt.Fprint(a.env.Stdout, plan.String())
				}
				a.note("Next: tieout check")
				return a.tell("tieout.revision/1", fmt.Sprintf("Applied as revision %d, sealed as %s. Results under earlier revisions stay.", rev.Number, audit.EvidenceRef(rev.Record)), value)
			})
		},
	}, "table", "json")
	cmd.Flags().StringVar(&why, "why", "", "why the days of a period change")
	return cmd
}

func (a *app) collectCommand() *cobra.Command {
	return &cobra.Command{
		Use: "collect [source...]", Short: "Read the sources; seal what they answer before looking into it",
		Long: `Reads the sources named, or all, and seals every answer before it is parsed.
A source that cannot be read in full is recorded as incomplete, with the reason,
for exactly the items and times it concerns: no data is never a pass. Exit 6
where a source did not answer in full.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error { return a.collect(cmd.Context(), p, args) })
		},
	}
}

func (a *app) collect(ctx context.Context, p *period.Program, names []string) error {
	got, err := a.collectAll(ctx, p, names)
	if err != nil {
		return err
	}
	a.publish(ctx, p)
	l := listing{schema: "tieout.collections/1", columns: []text.Column{
		{Head: "source"}, {Head: "read"}, {Head: "items", Right: true}, {Head: "pages", Right: true}, {Head: "state"}, {Head: "why", Flex: true},
	}}
	incomplete := 0
	for _, c := range got {
		l.rows = append(l.rows, collectedLines(c)...)
		if !c.End.Complete {
			incomplete++
		}
	}
	l.summary = fmt.Sprintf("%s read in full, %d not.", count(len(got)-incomplete, "source was", "sources were"), incomplete)
	if err := a.show(l); err != nil {
		return err
	}
	if incomplete > 0 {
		return findings{code: exitInconclusive}
	}
	return nil
}

// collectAll collects with a progress line for people.
func (a *app) collectAll(ctx context.Context, p *period.Program, names []string) ([]period.Collected, error) {
	bar := &progress{a: a}
	got, err := p.Collect(ctx, names, func(s period.Progress) {
		if s.Total > 0 {
			bar.step("  %-12s %-16s %s of %s", s.Source, s.Stream, report.Number(s.Done), report.Number(s.Total))
		} else {
			bar.step("  %-12s %-16s %s so far", s.Source, s.Stream, report.Number(s.Done))
		}
	})
	bar.done("")
	for _, c := range got {
		for _, id := range c.Recovered {
			a.note("  %s: an interrupted collection (%s) was closed; what it had read is kept, and counts as incomplete", c.Source, id)
		}
		if errors.Is(c.Err, context.Canceled) {
			a.note("  %s: stopped; what was read is sealed and closed as incomplete", c.Source)
		}
	}
	return got, err
}

// collectedLines sums a source's manifests up by item type; an incomplete one
// has a line of its own.
func collectedLines(c period.Collected) []row {
	type sum struct{ items, pages, streams int }
	sums := map[string]*sum{}
	var order []string
	var out []row
	for _, m := range c.Manifests {
		if !m.Complete {
			out = append(out, row{[]string{c.Source, label(m), report.Number(m.Items), report.Number(m.Pages), "incomplete", m.Reason}, m})
			continue
		}
		if sums[m.Type] == nil {
			sums[m.Type] = &sum{}
			order = append(order, m.Type)
		}
		s := sums[m.Type]
		s.items, s.pages, s.streams = s.items+m.Items, s.pages+m.Pages, s.streams+1
	}
	if c.End.Unchanged > 0 {
		out = append(out, row{[]string{c.Source, "", "", "", "unchanged", count(c.End.Unchanged, "stream is", "streams are") + " as sealed before"}, c.End})
	}
	var good []row
	for _, typ := range order {
		s := sums[typ]
		good = append(good, row{[]string{c.Source, typ, report.Number(s.items), report.Number(s.pages), "complete", ""},
			map[string]any{"source": c.Source, "type": typ, "items": s.items, "pages": s.pages, "streams": s.streams, "complete": true}})
	}
	for _, why := range c.End.Problems {
		out = append(out, row{[]string{c.Source, "", "0", report.Number(c.End.Pages), "failed", why}, c.End})
	}
	return append(good, out...)
}

func label(m audit.Manifest) string {
	s := m.Type
	if m.Scope != "" {
		s += " " + m.Scope
	}
	if m.Mode == audit.ModeSnapshot {
		s += " " + m.Covers.From.UTC().Format("2006-01-02")
	}
	return s
}

func count(n int, one, many string) string { return report.Plural(n, one, many) }

// atMost is cobra.MaximumNArgs as a usage error.
func atMost(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return fmt.Errorf("%w: %s takes at most %s; see '%s --help'", audit.ErrUsage, cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}
