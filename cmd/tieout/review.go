package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/reader/roster"
	"tieout/report"
	"tieout/report/text"
)

// Schemas of what the commands of reviews and people write as JSON.
const (
	reviewsSchema = "tieout.reviews/1"
	reviewSchema  = "tieout.review/1"
	peopleSchema  = "tieout.people/1"
)

func (a *app) reviewCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "review", Short: "Access reviews: list, show, open"}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "Access reviews, the newest first", Args: exactly(0, "no argument"),
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.with(cmd.Context(), func(p *period.Program) error { return a.listReviews(cmd.Context(), p) })
			},
		},
		&cobra.Command{
			Use: "show ID", Short: "One access review: every account with its decision, and what was seen of removals since", Args: exactly(1, "a review such as AR-1"),
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.with(cmd.Context(), func(p *period.Program) error { return a.showReview(cmd.Context(), p, args[0]) })
			},
		},
		a.openReviewCommand(),
	)
	return cmd
}

func (a *app) openReviewCommand() *cobra.Command {
	var cycle, due string
	cmd := in(&cobra.Command{
		Use: "open SYSTEM...", Short: "Open an access review: freeze the list of one or several systems",
		Long: `Freezes the list of every account of the systems, as the newest complete
collection shows them, seals it, and opens the review. Who reviews, and what is
kept or removed, people say on the screens: a decision is a person's, never a
command's.`,
		Args: between(1, 50, "the systems, as their accounts name them, such as okta"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error { return a.openReview(cmd.Context(), p, cycle, due, args) })
		},
	}, "table", "json")
	cmd.Flags().StringVar(&cycle, "cycle", "", "the cycle, such as 2026-Q1 (default: today's quarter)")
	cmd.Flags().StringVar(&due, "due", "", "the last day, such as 2026-04-15 (default: no date)")
	return cmd
}

func (a *app) listReviews(ctx context.Context, p *period.Program) error {
	all, counts, err := p.Registers().AllReviews(ctx)
	if err != nil {
		return err
	}
	l := listing{schema: reviewsSchema, columns: []text.Column{{Head: "review"}, {Head: "cycle"}, {Head: "state"}, {Head: "systems", Flex: true}, {Head: "opened"},
		{Head: "left", Right: true}, {Head: "keep", Right: true}, {Head: "remove", Right: true}}}
	open, left := 0, 0
	for i, r := range all {
		if r.Status == "open" {
			open, left = open+1, left+counts[i].Left
		}
		l.rows = append(l.rows, row{[]string{r.ID, r.Cycle, r.Status, strings.Join(r.Systems(), " "), report.Day(r.Opened, p.Period.Location()), strconv.Itoa(counts[i].Left),
			strconv.Itoa(counts[i].Keep), strconv.Itoa(counts[i].Remove)}, map[string]any{"id": r.ID, "cycle": r.Cycle, "status": r.Status, "systems": r.Systems(), "opened": r.Opened, "count": counts[i]}})
	}
	l.summary = answer.SayReviews(len(all), open, left)
	return a.show(l)
}

// rosterOf is who works here and what is theirs, by the newest evidence.
func (a *app) rosterOf(ctx context.Context, p *period.Program) (*roster.Roster, error) {
	decided, err := p.Registers().AllIdentities(ctx)
	if err != nil {
		return nil, err
	}
	now, err := a.asOfInstant(p.Period.Location())
	if err != nil {
		return nil, err
	}
	r, err := roster.Load(ctx, p, decided, nil)
	if err != nil {
		return nil, err
	}
	return r.At(now), nil
}

func (a *app) showReview(ctx context.Context, p *period.Program, id string) error {
	v, err := p.Registers().Review(ctx, id)
	if err != nil {
		return fmt.Errorf("%w; see 'tieout review list'", err)
	}
	r, err := a.rosterOf(ctx, p)
	if err != nil {
		return err
	}
	var members *audit.Timeline
	if slices.ContainsFunc(v.Rows, func(x program.ReviewRow) bool { return len(x.TakeAway) > 0 }) {
		if members, err = p.Timeline(ctx, "membership"); err != nil {
			return err
		}
	}
	l := listing{schema: reviewSchema, columns: []text.Column{{Head: "no.", Right: true}, {Head: "account", Flex: true}, {Head: "system"}, {Head: "person", Flex: true}, {Head: "odd", Flex: true}, {Head: "decision"}, {Head: "why", Flex: true}}}
	states := map[string]int{}
	for i := range v.Rows {
		x := &v.Rows[i]
		why, decision := x.Note, x.Decision
		value := map[string]any{"row": x}
		if x.Decision == "remove" {
			proof := r.Prove(*x, members)
			states[proof.State]++
			value["proof"] = proof
			why = strings.TrimSpace(answer.RemovalWords(proof, x.Decided, r.Now, p.Period.Location()) + " " + x.Note)
		}
		if x.Left() && x.Decision == "" {
			decision = "to decide"
		}
		l.rows = append(l.rows, row{[]string{strconv.Itoa(x.N), x.Login, x.System, x.Name, strings.Join(x.Odd, ", "), decision, why}, value})
	}
	l.summary = answer.SayReview(&v, v.Count(""), states[roster.Gone], states[roster.There], states[roster.Unseen])
	return a.show(l)
}

func (a *app) openReview(ctx context.Context, p *period.Program, cycle, due string, systems []string) error {
	now := p.Now().In(p.Period.Location())
	if cycle == "" {
		cycle = fmt.Sprintf("%d-Q%d", now.Year(), (int(now.Month())+2)/3)
	}
	var until time.Time
	if due != "" {
		day, err := time.ParseInLocation(time.DateOnly, due, p.Period.Location())
		if err != nil {
			return fmt.Errorf("%w: --due %q is not a date such as 2026-04-15", audit.ErrUsage, due)
		}
		until = audit.Instant(day.AddDate(0, 0, 1))
	}
	by := a.operator()
	if err := access.Require(by, "task.manage", access.Object{}); err != nil {
		return err
	}
	r, err := a.rosterOf(ctx, p)
	if err != nil {
		return err
	}
	list, err := roster.Lists(ctx, p, r, systems)
	if err != nil {
		return err
	}
	v, err := p.Registers().OpenReview(ctx, by, cycle, until, list)
	if err != nil {
		return err
	}
	return a.tell(reviewSchema, fmt.Sprintf("%s is open for %s: %s on the list. Say who reviews on the screens, at /reviews/%s.", v.ID, v.Cycle, report.Plural(len(v.Rows), "account", "accounts"), v.ID),
		map[string]any{"id": v.ID, "cycle": v.Cycle, "parts": v.Parts})
}

func (a *app) personCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "person", Short: "Who works here, with what is theirs and what is missing: list, show"}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "People, their accounts and devices, and what is missing", Args: exactly(0, "no argument"),
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.with(cmd.Context(), func(p *period.Program) error { return a.listPeople(cmd.Context(), p) })
			},
		},
		&cobra.Command{
			Use: "show PERSON", Short: "One person: accounts and devices, and what is missing", Args: exactly(1, "a person: the ID, the work address or the whole name"),
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.with(cmd.Context(), func(p *period.Program) error { return a.showPerson(cmd.Context(), p, args[0]) })
			},
		},
	)
	return cmd
}

func (a *app) listPeople(ctx context.Context, p *period.Program) error {
	r, err := a.rosterOf(ctx, p)
	if err != nil {
		return err
	}
	removal := roster.Removal(p)
	l := listing{schema: peopleSchema, columns: []text.Column{{Head: "id"}, {Head: "name", Flex: true}, {Head: "status"}, {Head: "department", Flex: true}, {Head: "accounts", Right: true}, {Head: "devices", Right: true}, {Head: "why", Flex: true}}}
	h := answer.Headcount{Loose: len(r.Loose), Proposals: len(r.Asks)}
	for _, x := range r.People {
		lacks := r.Lacks(x, removal)
		h.Add(r, x, lacks)
		l.rows = append(l.rows, row{[]string{x.ID, x.Name, x.Status, x.Department, strconv.Itoa(len(x.Accounts)), strconv.Itoa(len(x.Devices)), lackWords(lacks)},
			map[string]any{"id": x.ID, "name": x.Name, "status": x.Status, "department": x.Department, "accounts": idsOf(x.Accounts), "missing": lacks}})
	}
	l.summary = answer.SayPeople(h)
	return a.show(l)
}

func lackWords(lacks []roster.Lack) string {
	var out []string
	for _, l := range lacks {
		out = append(out, l.Text)
	}
	return strings.Join(out, "; ")
}

func idsOf(accounts []*roster.Account) []string {
	out := []string{}
	for _, x := range accounts {
		out = append(out, x.ID)
	}
	return out
}

func (a *app) showPerson(ctx context.Context, p *period.Program, who string) error {
	r, err := a.rosterOf(ctx, p)
	if err != nil {
		return err
	}
	x, many := r.Find(who)
	switch {
	case many > 1:
		return fmt.Errorf("%w: %d people are called %q; name one by the ID", audit.ErrInvalid, many, who)
	case x == nil:
		return fmt.Errorf("%w: person %q; see 'tieout person list'", audit.ErrNotFound, who)
	}
	l := listing{schema: peopleSchema, columns: []text.Column{{Head: "what"}, {Head: "name", Flex: true}, {Head: "system"}, {Head: "status"}, {Head: "evidence"}, {Head: "why", Flex: true}}}
	for _, y := range x.Accounts {
		l.rows = append(l.rows, row{[]string{"account", y.Login, y.System, y.Status, audit.EvidenceRef(y.Record), y.Basis}, map[string]any{"account": y.ID, "system": y.System, "login": y.Login, "status": y.Status, "basis": y.Basis}})
	}
	for _, d := range x.Devices {
		l.rows = append(l.rows, row{[]string{"device", d.Name, d.Platform, d.Status, audit.EvidenceRef(d.Record), d.Basis}, map[string]any{"device": d.ID, "name": d.Name, "status": d.Status, "checks": d.Checks()}})
	}
	l.summary = answer.SayPerson(r, x, r.Lacks(x, roster.Removal(p)))
	return a.show(l)
}
