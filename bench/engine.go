package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"tieout/audit"
	"tieout/procedure"
)

// naiveItems is how many accounts the naive daily run looks at: it is counted
// per account and day, and its total is that times all accounts and days.
const naiveItems = 400 // at full scale

// engineRows are the engine over a year in memory, against decoding alone and
// against testing every account on every day.
func engineRows(ctx context.Context, b *bench) ([]row, error) {
	tl := year(b.items)
	decode, err := median(5, func() error { return decodeAll(tl) })
	if err != nil {
		return nil, err
	}
	year := fmt.Sprintf("%s accounts, %d versions each, a year, 50 procedures", thousands(b.items), versions)
	out := []row{plain("decode every version once ("+year+")", decode.String(), 1, "x")}
	for _, clock := range []bool{false, true} {
		rows, err := setRows(ctx, b, newSet(clock), tl, decode)
		if err != nil {
			return nil, err
		}
		out = append(out, rows[0].ask(clock), rows[1].ask(clock), rows[2].ask(clock))
	}
	return out, nil
}

// ask says in a row's name which of the two sets it is of.
func (r row) ask(clock bool) row {
	if clock {
		r.what += ", where 5 of 50 ask how long ago"
	}
	return r
}

// setRows are the three lines about one set of checks.
func setRows(ctx context.Context, b *bench, s *set, tl *audit.Timeline, decode cost) ([]row, error) {
	ps, err := s.procedures()
	if err != nil {
		return nil, err
	}
	chosen := b.scaled(naiveItems, 40)
	if err := s.sameAsNaive(ctx, ps, tl, chosen); err != nil {
		return nil, err
	}
	naive, looked, err := s.naiveDaily(tl, chosen)
	if err != nil {
		return nil, err
	}
	quiet, err := median(3, func() error { return runEngine(ctx, ps, tl, nil) })
	if err != nil {
		return nil, err
	}
	results := 0
	loud, err := median(3, func() error {
		results = 0
		return runEngine(ctx, ps, tl, func(*audit.Result) error { results++; return nil })
	})
	if err != nil {
		return nil, err
	}
	total := time.Duration(float64(naive.cpu) / float64(looked) * float64(b.items) * days)
	return []row{
		under("engine in memory: coverage, gaps, deviations with reasons", quiet.String(), ratio(quiet, decode), 3, "x decode-only"),
		plain(fmt.Sprintf("the same, each of %s results handed over", thousands(results)), loud.String(), ratio(loud, decode), "x decode-only"),
		over(fmt.Sprintf("naive daily, from %s account-days of the same outcomes", thousands(looked)), short(total)+" CPU", float64(total)/float64(quiet.cpu), 100, "x the engine"),
	}, nil
}

func ratio(a, b cost) float64 { return float64(a.cpu) / float64(b.cpu) }

func runEngine(ctx context.Context, ps []*procedure.Procedure, tl *audit.Timeline, emit func(*audit.Result) error) error {
	in := procedure.Input{Period: fullYear(), AsOf: midnight(days), Timeline: func(string) (*audit.Timeline, error) { return tl, nil }}
	tested, err := procedure.Run(ctx, in, ps, emit)
	if err != nil {
		return err
	}
	return sane(tested, len(tl.Histories))
}

// sane holds a run to what the year holds: everyone is counted once under each
// procedure, and the two days without a collection are named.
func sane(tested []audit.Tested, items int) error {
	for _, t := range tested {
		n := 0
		for _, c := range t.Counts {
			n += c
		}
		if n != items {
			return fmt.Errorf("%s counts %d accounts of %d", t.Procedure, n, items)
		}
		if len(t.Gaps) == 0 && t.Items > 0 {
			return fmt.Errorf("%s does not name the two days that were not seen", t.Procedure)
		}
	}
	return nil
}

func decodeAll(tl *audit.Timeline) error {
	var a account
	for i := range tl.Histories {
		for k := range tl.Histories[i].Versions {
			if err := a.decode(tl.Histories[i].Versions[k].Body); err != nil {
				return err
			}
		}
	}
	return nil
}

// naiveDaily tests a fixed random choice of accounts on every day, each from
// scratch, and says how many account-days that were.
func (s *set) naiveDaily(tl *audit.Timeline, n int) (cost, int, error) {
	p, err := s.plainCEL()
	if err != nil {
		return cost{}, 0, err
	}
	chosen := choose(len(tl.Histories), n)
	out := make([]audit.Outcome, len(s.checks))
	c, err := measure(func() error {
		for _, i := range chosen {
			for d := range days {
				if _, err := p.day(tl, &tl.Histories[i], d, out); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return c, len(chosen) * days, err
}

// choose picks n of all, the same ones every time.
func choose(all, n int) []int {
	r := rand.New(rand.NewPCG(2026, 11))
	out := r.Perm(all)[:min(n, all)]
	slices.Sort(out)
	return out
}

// day answers every check about one account at noon of a day; there is false
// where the account was not there yet.
func (p *plainCEL) day(tl *audit.Timeline, h *audit.History, d int, out []audit.Outcome) (there bool, err error) {
	at := midnight(d).Add(12 * time.Hour)
	cur := -1
	for k := range h.Versions {
		if !h.Versions[k].From.At.After(at) {
			cur = k
		}
	}
	if cur < 0 {
		return false, nil
	}
	if err := p.outcomes(h.Versions[cur].Body, at, out); err != nil {
		return true, err
	}
	if seenAround(tl, at) {
		return true, nil
	}
	for i, o := range out {
		if o != audit.NotApplicable {
			out[i] = audit.NoEvidence
		}
	}
	return true, nil
}

// seenAround reports whether the snapshots on both sides of an instant are
// close enough to speak about it.
func seenAround(tl *audit.Timeline, at time.Time) bool {
	points := tl.Streams[0].Points
	n, _ := slices.BinarySearchFunc(points, at, func(p audit.Point, t time.Time) int { return p.At.Compare(t) })
	return n > 0 && n < len(points) && points[n].At.Sub(points[n-1].At) <= 26*time.Hour
}

// sameAsNaive runs the engine over a choice of accounts and asserts that each
// gives, under each check and on each day, what the naive daily run gives.
func (s *set) sameAsNaive(ctx context.Context, ps []*procedure.Procedure, tl *audit.Timeline, n int) error {
	few := &audit.Timeline{Type: tl.Type, Streams: tl.Streams}
	for _, i := range choose(len(tl.Histories), n) {
		few.Histories = append(few.Histories, tl.Histories[i])
	}
	spans, err := resultsOf(ctx, ps, few)
	if err != nil {
		return err
	}
	p, err := s.plainCEL()
	if err != nil {
		return err
	}
	want := make([]audit.Outcome, len(s.checks))
	for i := range few.Histories {
		h := &few.Histories[i]
		for d := range days {
			there, err := p.day(few, h, d, want)
			if err != nil {
				return err
			}
			for c := range s.checks {
				got, told := spans[h.ID][c].at(midnight(d).Add(12 * time.Hour))
				if told != there || there && got != want[c] {
					return fmt.Errorf("%s, check %d (%s; %s), day %d: the engine says %v (%v), naive %v (%v)",
						h.ID, c, s.checks[c].where.cel, s.checks[c].holds.cel, d, got, told, want[c], there)
				}
			}
		}
	}
	return nil
}

// told is what the engine said of one account under one check.
type told []struct {
	audit.Span
	outcome audit.Outcome
}

func (ts told) at(t time.Time) (audit.Outcome, bool) {
	for _, x := range ts {
		if x.Contains(t) {
			return x.outcome, true
		}
	}
	return 0, false
}

func resultsOf(ctx context.Context, ps []*procedure.Procedure, tl *audit.Timeline) (map[string][]told, error) {
	number := map[string]int{}
	for i, p := range ps {
		number[p.ID] = i
	}
	all := map[string][]told{}
	err := runEngine(ctx, ps, tl, func(r *audit.Result) error {
		if all[r.Item] == nil {
			all[r.Item] = make([]told, len(ps))
		}
		mine := &all[r.Item][number[r.Procedure]]
		*mine = append(*mine, struct {
			audit.Span
			outcome audit.Outcome
		}{r.Span, r.Outcome})
		return nil
	})
	return all, err
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
