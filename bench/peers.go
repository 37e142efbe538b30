package main

import (
	"context"
	"fmt"
	"time"

	"tieout/audit"
	"tieout/procedure"
)

// How many accounts the slower peers answer for, at full scale: each is counted
// per check and account.
const (
	opaItems = 2_000
	sqlItems = 20_000
)

// asked is the instant the peers answer at: the bodies are those of one look.
var asked = midnight(200).Add(12 * time.Hour)

// cutText is CUT in Rego and SQL.
var cutText = asked.Add(-150 * 24 * time.Hour).Format(time.RFC3339)

// look is one complete look at the accounts, a day long: what a rule engine
// answers about, that knows no time.
func look(items int) *audit.Timeline {
	tl := year(items)
	day := asked.Truncate(24 * time.Hour)
	tl.Streams[0].Points = []audit.Point{{At: day, Record: 0}, {At: day.AddDate(0, 0, 1), Record: 1}}
	for i := range tl.Histories {
		h := &tl.Histories[i]
		v := h.Versions[i%versions]
		v.From = audit.ExactBound(day)
		h.Versions = []audit.Version{v}
	}
	return tl
}

// peerRows answer the same 50 checks about the same accounts with the engine,
// with cel-go alone, in Go by hand, in SQL and in Rego, and hold all answers to
// the engine's.
func peerRows(ctx context.Context, b *bench) ([]row, error) {
	set := newSet(true)
	ps, err := set.procedures()
	if err != nil {
		return nil, err
	}
	tl := look(b.items)
	all := set.newAnswers(len(tl.Histories))
	loud, err := median(3, func() error { return askEngine(ctx, ps, tl, all) })
	if err != nil {
		return nil, err
	}
	engine, err := median(3, func() error { return countEngine(ctx, ps, tl, all) })
	if err != nil {
		return nil, err
	}
	per := func(c cost, items int) float64 { return float64(c.cpu) / float64(items*len(set.checks)) }
	base := per(engine, b.items)
	ns := func(x float64) string { return fmt.Sprintf("%.0f ns", x) }
	out := []row{
		plain(fmt.Sprintf("one answer of the engine: %s accounts x %d checks, counts, gaps, deviations with reasons", thousands(b.items), len(set.checks)), ns(base), 1, "x"),
		plain("the same, every answer handed over with its evidence", ns(per(loud, b.items)), per(loud, b.items)/base, "x the engine"),
	}
	for _, p := range []peer{
		{"hand-written Go, decoding included", b.items, askGo, 0},
		{"cel-go alone, decoding included, no reasons", b.scaled(sqlItems, 1000), askCEL, 0},
		{"PostgreSQL, one row a check, typed table, loading not counted", b.scaled(sqlItems, 1000), askSQL, 0},
		{"embedded OPA, prepared partial queries", b.scaled(opaItems, 500), askOPA, 20},
	} {
		c, err := p.ask(ctx, b, tl, all, p.items)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		each := per(c, p.items)
		r := plain(p.name+fmt.Sprintf(" (%s accounts)", thousands(p.items)), ns(each), each/base, "x the engine")
		if p.bar > 0 {
			r = over(r.what, r.figure, each/base, p.bar, "x the engine")
		}
		out = append(out, r)
	}
	return out, nil
}

// A peer answers every check about the first items accounts of tl and holds
// what it says to want.
type peer struct {
	name  string
	items int
	ask   func(ctx context.Context, b *bench, tl *audit.Timeline, want *answers, items int) (cost, error)
	bar   float64
}

// answers are outcomes by account and check.
type answers struct {
	*set
	all []audit.Outcome
}

func (s *set) newAnswers(items int) *answers {
	return &answers{s, make([]audit.Outcome, items*len(s.checks))}
}

func (a *answers) of(item int) []audit.Outcome {
	return a.all[item*len(a.checks):][:len(a.checks)]
}

// same holds the first items accounts of got to want.
func (a *answers) same(got *answers, items int) error {
	for i := range items {
		for c, o := range got.of(i) {
			if w := a.of(i)[c]; o != w {
				return fmt.Errorf("account %d, check %d (%s; %s): %v, the engine says %v", i, c, a.checks[c].where.cel, a.checks[c].holds.cel, o, w)
			}
		}
	}
	return nil
}

// dayOf is the day the look stands for.
func dayOf(tl *audit.Timeline) procedure.Input {
	day := asked.Truncate(24 * time.Hour)
	return procedure.Input{
		Period: audit.Period{Span: audit.Span{From: day, To: day.AddDate(0, 0, 1)}, Zone: "UTC"}, AsOf: day.AddDate(0, 0, 1),
		Timeline: func(string) (*audit.Timeline, error) { return tl, nil },
	}
}

// countEngine runs the engine over a look and holds its counts to all answers.
func countEngine(ctx context.Context, ps []*procedure.Procedure, tl *audit.Timeline, all *answers) error {
	tested, err := procedure.Run(ctx, dayOf(tl), ps, nil)
	if err != nil {
		return err
	}
	counts := all.counts()
	for i, t := range tested {
		if t.Counts != counts[i] {
			return fmt.Errorf("%s counts %v of %v", t.Procedure, t.Counts, counts[i])
		}
	}
	return nil
}

func (a *answers) counts() [][audit.NumOutcomes]int {
	out := make([][audit.NumOutcomes]int, len(a.checks))
	for i, o := range a.all {
		out[i%len(a.checks)][o]++
	}
	return out
}

// askEngine runs the engine over a look and keeps every answer.
func askEngine(ctx context.Context, ps []*procedure.Procedure, tl *audit.Timeline, into *answers) error {
	number := map[string]int{}
	for i, p := range ps {
		number[p.ID] = i
	}
	item, last, told := -1, "", 0
	_, err := procedure.Run(ctx, dayOf(tl), ps, func(r *audit.Result) error {
		if r.Item != last {
			item, last = item+1, r.Item
		}
		if r.Span.Contains(asked) {
			into.of(item)[number[r.Procedure]] = r.Outcome
			told++
		}
		return nil
	})
	if err == nil && told != len(into.all) {
		err = fmt.Errorf("the engine gave %d answers of %d", told, len(into.all))
	}
	return err
}

func askGo(_ context.Context, _ *bench, tl *audit.Timeline, want *answers, items int) (cost, error) {
	got, cut := want.newAnswers(items), asked.UnixMicro()-rotation
	c, err := median(3, func() error {
		var a account
		for i := range items {
			if err := a.decode(tl.Histories[i].Versions[0].Body); err != nil {
				return err
			}
			out := got.of(i)
			for k, x := range want.checks {
				out[k] = outcome(x.where.goes(&a, cut), x.holds.goes(&a, cut))
			}
		}
		return nil
	})
	if err != nil {
		return c, err
	}
	return c, want.same(got, items)
}

func askCEL(_ context.Context, _ *bench, tl *audit.Timeline, want *answers, items int) (cost, error) {
	p, err := want.plainCEL()
	if err != nil {
		return cost{}, err
	}
	got := want.newAnswers(items)
	c, err := measure(func() error {
		for i := range items {
			if err := p.outcomes(tl.Histories[i].Versions[0].Body, asked, got.of(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return c, err
	}
	return c, want.same(got, items)
}
