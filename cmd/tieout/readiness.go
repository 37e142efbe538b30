package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/internal/durable"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/text"
)

func (a *app) readinessCommand() *cobra.Command {
	var by string
	var f readinessFlags
	cmd := &cobra.Command{
		Use: "readiness", Short: "What stands between here and the date, the most work first", Args: exactly(0, "no argument"),
		Long: `Every gap that is known: criteria without a control, sources that are missing,
controls nothing tests, evidence nobody saw, findings that wait for a person,
policies without an approval, things that sources see and nothing claims. Each
says who answers for it, where it is closed, and how much work it is by rule of
thumb. --rehearse tries the checks an auditor makes before testing begins.

For somebody outside, --progress tells how it went in counts (-o csv), and --page
writes one page to print. Both say that it is management's own view.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error { return a.readiness(cmd.Context(), p, by, f) })
		},
	}
	cmd.Flags().StringVar(&by, "by", "", "hold it against this day, 2026-03-01 (default: the period's last)")
	cmd.Flags().StringVar(&f.criterion, "criterion", "", "only gaps that stand in the way of this criterion, such as CC6.1")
	cmd.Flags().BoolVar(&f.rehearse, "rehearse", false, "the auditor's own checks, tried today, in place of the gaps")
	cmd.Flags().BoolVar(&f.progress, "progress", false, "the burn-up in counts, for somebody outside")
	cmd.Flags().StringVar(&f.page, "page", "", "write a page to print to this file, for somebody outside")
	return cmd
}

// readinessFlags say what of readiness is shown.
type readinessFlags struct {
	rehearse, progress bool
	page, criterion    string
}

func (a *app) readiness(ctx context.Context, p *period.Program, by string, f readinessFlags) error {
	r, err := readinessOf(ctx, p)
	if err != nil {
		return err
	}
	if by != "" {
		day, err := time.ParseInLocation(time.DateOnly, by, p.Period.Location())
		if err != nil {
			return fmt.Errorf("%w: --by %q is not a date such as 2026-03-01", audit.ErrUsage, by)
		}
		r = r.For(day)
	}
	switch {
	case f.rehearse:
		return a.show(stopsListing(r))
	case f.progress || f.page != "":
		return a.progress(ctx, p, r, f.page)
	}
	issues, err := p.Registers().AllIssues(ctx)
	if err != nil {
		return err
	}
	if r = r.WithIssues(issues); f.criterion != "" {
		r = r.OfCriterion(f.criterion)
	}
	if a.output == "json" {
		return a.writeJSON(answer.ReadinessSchema, r.Sentence(), "readiness", r)
	}
	return a.show(readinessListing(r))
}

// progress writes readiness for somebody outside: a page to a file, or the burn-up.
func (a *app) progress(ctx context.Context, p *period.Program, r *answer.Readiness, page string) error {
	v, err := answer.ProgressOf(ctx, p, r)
	if err != nil {
		return err
	}
	if page != "" {
		var b bytes.Buffer
		if err := answer.WriteProgress(&b, v); err != nil {
			return err
		}
		if err := durable.Write(page, b.Bytes(), 0o644); err != nil {
			return err
		}
		return a.tell(answer.ProgressSchema, page+" is written. "+answer.OwnView, v)
	}
	if a.output == "json" {
		return a.writeJSON(answer.ProgressSchema, v.Sentence(), "progress", v)
	}
	head, rows := v.BurnRows()
	l := listing{schema: answer.ProgressSchema, summary: v.Sentence() + " " + v.OwnView}
	for _, h := range head {
		l.columns = append(l.columns, text.Column{Head: h})
	}
	for i, x := range rows {
		l.rows = append(l.rows, row{x, v.Burn[i]})
	}
	return a.show(l)
}

func readinessOf(ctx context.Context, p *period.Program) (*answer.Readiness, error) {
	sys, err := answer.SystemOf(ctx, p)
	if err != nil {
		return nil, err
	}
	now, err := answer.ReportNow(ctx, p)
	if err != nil {
		return nil, err
	}
	return answer.ReadinessOf(ctx, p, now, sys)
}

func readinessListing(r *answer.Readiness) listing {
	l := listing{schema: answer.ReadinessSchema, summary: r.Sentence(), columns: []text.Column{
		{Head: "gap", Flex: true}, {Head: "work"}, {Head: "owner", Flex: true}, {Head: "why", Flex: true}, {Head: "next"}, {Head: "issue"},
	}}
	for _, g := range r.Gaps {
		owner := g.Owner
		if owner == "" {
			owner = "nobody"
		}
		var issues []string
		for _, i := range g.Issues {
			issues = append(issues, i.ID)
		}
		l.rows = append(l.rows, row{[]string{g.What, answer.Work(g.Hours), owner, g.Why, g.Fix.Command, strings.Join(issues, " ")}, g})
	}
	return l
}

func stopsListing(r *answer.Readiness) listing {
	l := listing{schema: "tieout.rehearsal/1", summary: r.StopsSentence(), columns: []text.Column{
		{Head: "check", Flex: true}, {Head: "today"}, {Head: "found", Flex: true}, {Head: "next"},
	}}
	for _, s := range r.Stops {
		l.rows = append(l.rows, row{[]string{s.Check, s.State, s.Says, s.Fix.Command}, s})
	}
	return l
}

func (a *app) systemCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "system", Short: "The system under examination: its parts, what nothing claims, how much there is"}
	cmd.AddCommand(&cobra.Command{
		Use: "show", Short: "Components and what sources see of each; what they see and nothing claims", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error { return a.showSystem(cmd.Context(), p) })
		},
	}, &cobra.Command{
		Use: "size", Short: "What a firm asks before it names a price: how much there is to examine", Args: exactly(0, "no argument"),
		Long: `Counts people, accounts, systems, repositories, cloud accounts, subservice
organizations, controls and populations, from definitions and the newest
evidence. What nothing tells is not known.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error { return a.showSize(cmd.Context(), p) })
		},
	})
	return cmd
}

func (a *app) showSize(ctx context.Context, p *period.Program) error {
	now, err := answer.ReportNow(ctx, p)
	if err != nil {
		return err
	}
	s, err := answer.SizeOf(ctx, p, now)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.writeJSON(answer.SizeSchema, s.Sentence(), "size", s)
	}
	l := listing{schema: answer.SizeSchema, summary: s.Sentence(), columns: []text.Column{{Head: "figure", Flex: true}, {Head: "how many", Flex: true}, {Head: "counted as", Flex: true}, {Head: "why", Flex: true}}}
	l.rows = append(l.rows, row{[]string{"Categories", strings.Join(s.CategoryNames(), ", "), "in scope", ""}, s.Categories})
	for _, f := range s.Figures {
		l.rows = append(l.rows, row{[]string{f.Name, f.Text(), f.Counts, f.Why}, f})
	}
	for _, x := range s.Populations {
		n := report.Number(x.Items)
		if x.Gaps {
			n = "at least " + n
		}
		l.rows = append(l.rows, row{[]string{"Population " + x.Procedure, n, x.Title, ""}, x})
	}
	return a.show(l)
}

func (a *app) showSystem(ctx context.Context, p *period.Program) error {
	s, err := answer.SystemOf(ctx, p)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.writeJSON(answer.SystemSchema, s.Sentence(), "system", s)
	}
	l := listing{schema: answer.SystemSchema, summary: s.Sentence(), columns: []text.Column{
		{Head: "part", Flex: true}, {Head: "kind"}, {Head: "owner", Flex: true}, {Head: "sources see", Flex: true}, {Head: "where"},
	}}
	for _, c := range s.Components {
		seen := ""
		for i, x := range c.Seen {
			if i > 0 {
				seen += "; "
			}
			seen += x.Source + ": " + x.Type
			if x.Things > 0 {
				seen += " " + report.Number(x.Things)
			}
		}
		if seen == "" {
			seen = "no source reads it"
		}
		name := c.Name
		if objectives := c.Recovery.String(); objectives != "" {
			name += " (" + objectives + ")"
		}
		l.rows = append(l.rows, row{[]string{name, c.Kind, c.Owner, seen, fmt.Sprintf("%s:%d", c.File, c.Line)}, c})
	}
	for _, u := range s.Unclaimed {
		l.rows = append(l.rows, row{[]string{report.Plural(u.Things, "thing", "things") + " nothing claims", u.Type, "nobody", u.Source + " " + u.Scope, ""}, u})
	}
	return a.show(l)
}
