package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/text"
)

func (a *app) readinessCommand() *cobra.Command {
	var by string
	var rehearse bool
	cmd := &cobra.Command{
		Use: "readiness", Short: "What stands between here and the date, the most work first", Args: exactly(0, "no argument"),
		Long: `Every gap that is known: criteria without a control, sources that are missing,
controls nothing tests, evidence nobody saw, findings that wait for a person,
policies without an approval, things that sources see and nothing claims. Each
says who answers for it, where it is closed, and how much work it is by rule of
thumb. --rehearse tries the checks an auditor makes before testing begins.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error { return a.readiness(cmd.Context(), p, by, rehearse) })
		},
	}
	cmd.Flags().StringVar(&by, "by", "", "hold it against this day, 2026-03-01 (default: the period's last)")
	cmd.Flags().BoolVar(&rehearse, "rehearse", false, "the auditor's own checks, tried today, in place of the gaps")
	return cmd
}

func (a *app) readiness(ctx context.Context, p *period.Program, by string, rehearse bool) error {
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
	if rehearse {
		return a.show(stopsListing(r))
	}
	if a.output == "json" {
		return a.writeJSON(answer.ReadinessSchema, r.Sentence(), "readiness", r)
	}
	return a.show(readinessListing(r))
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
		{Head: "gap", Flex: true}, {Head: "work"}, {Head: "owner", Flex: true}, {Head: "why", Flex: true}, {Head: "next"},
	}}
	for _, g := range r.Gaps {
		owner := g.Owner
		if owner == "" {
			owner = "nobody"
		}
		l.rows = append(l.rows, row{[]string{g.What, answer.Work(g.Hours), owner, g.Why, g.Fix.Command}, g})
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
	cmd := &cobra.Command{Use: "system", Short: "The system under examination: its parts, and what nothing claims"}
	cmd.AddCommand(&cobra.Command{
		Use: "show", Short: "Components and what sources see of each; what they see and nothing claims", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error { return a.showSystem(cmd.Context(), p) })
		},
	})
	return cmd
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
