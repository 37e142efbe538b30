package period

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/store"
)

// A Revised is what one applied revision changed of a procedure: in the words of
// the plan, as of the day it was applied.
type Revised struct {
	Number  int64
	Applied time.Time
	By      audit.Actor
	Record  int64             // log index of the revision
	Lines   []definition.Line // what changed
	Unread  bool              // this program could not read the revision or the one before: what changed is not known
	Library bool              // it was applied with another version of the library: what it takes from there is read as it is now
}

// Revisions remembers what each applied revision changed. A revision never
// changes, so what was read of it once holds. The zero value is empty; it is safe
// for concurrent use.
type Revisions struct {
	mu   sync.Mutex
	read map[string]between // by both hashes, period and day
}

// A between is what changed from one revision to the next.
type between struct {
	lines   []definition.Line
	known   bool // both could be read
	library bool // either was read with another version of the library than was meant
}

// OfProcedure are the applied revisions that changed the procedure called id, and
// those of which that cannot be told, the newest first.
func (r *Revisions) OfProcedure(ctx context.Context, p *Program, id string) ([]Revised, error) {
	return r.that(ctx, p, func(l definition.Line) bool { return l.Kind == "procedure" && l.ID == id })
}

// OfScope are the applied revisions that changed what is under examination, and
// those of which that cannot be told, the newest first.
func (r *Revisions) OfScope(ctx context.Context, p *Program) ([]Revised, error) {
	return r.that(ctx, p, func(l definition.Line) bool { return slices.Contains(definition.ScopeKinds, l.Kind) })
}

func (r *Revisions) that(ctx context.Context, p *Program, of func(definition.Line) bool) ([]Revised, error) {
	all, err := p.Store.Revisions(ctx)
	if err != nil {
		return nil, err
	}
	var out []Revised
	var before *store.Revision
	for i := range all {
		rev := &all[i]
		b := r.changed(before, rev, p.Period)
		var lines []definition.Line
		for _, l := range b.lines {
			if of(l) {
				lines = append(lines, l)
			}
		}
		if len(lines) > 0 || !b.known {
			out = append(out, Revised{rev.Number, rev.Applied, rev.Actor, rev.Record, lines, !b.known, b.library})
		}
		before = rev
	}
	slices.Reverse(out)
	return out, nil
}

// changed are the lines of the plan from one revision to the next.
func (r *Revisions) changed(before, after *store.Revision, period audit.Period) between {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := ""
	if before != nil {
		old = before.Hash
	}
	key := fmt.Sprint(old, after.Hash, period.From.UnixMicro(), period.To.UnixMicro(), after.Applied.UnixMicro())
	b, ok := r.read[key]
	if !ok {
		b = readBetween(before, after, period)
		if r.read == nil {
			r.read = map[string]between{}
		}
		r.read[key] = b
	}
	return b
}

func readBetween(before, after *store.Revision, period audit.Period) (b between) {
	var old *definition.Workspace
	if before != nil {
		w, same, err := definition.FromCanonical(before.Canonical)
		if err != nil {
			return between{}
		}
		old, b.library = w, !same
	}
	now, same, err := definition.FromCanonical(after.Canonical)
	if err != nil {
		return between{}
	}
	b.library, b.known = b.library || !same, true
	b.lines = definition.NewPlan(old, now, period, after.Applied).Lines
	return b
}

// A RunOf is what one sealed run of the period made of a procedure.
type RunOf struct {
	Record   int64
	Sealed   time.Time
	AsOf     time.Time
	Revision int64 // under which it ran; 0: none of that hash was applied before it
	Results  RunResults
	Tested   audit.Tested
}

// RunsOfProcedure are sealed runs of this period that ran the procedure called id,
// the newest first: those after the first skip, most of them, and whether there
// are more.
func (p *Program) RunsOfProcedure(ctx context.Context, id string, skip, most int) (out []RunOf, more bool, err error) {
	saved, err := p.Store.Runs(ctx, math.MaxInt32)
	if err != nil {
		return nil, false, err
	}
	revisions, err := p.Store.Revisions(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, s := range saved {
		run, err := p.loadRun(ctx, s)
		if err != nil {
			return nil, false, err
		}
		if run.Period.Span != p.Period.Span {
			continue
		}
		for _, one := range runsOf(run, id) {
			if skip > 0 {
				skip--
				continue
			}
			if len(out) == most {
				return out, true, nil
			}
			one.Sealed, one.Revision = s.Started, RevisionOf(revisions, s)
			out = append(out, one)
		}
	}
	return out, false, nil
}

// runsOf are what a run made of a procedure: one for each text of it.
func runsOf(run *Run, id string) (out []RunOf) {
	for _, r := range run.Results {
		if r.Procedure != id {
			continue
		}
		one := RunOf{Record: run.Record, AsOf: run.AsOf, Results: r}
		if i := slices.IndexFunc(run.Tested, func(t audit.Tested) bool { return t.Hash == r.Hash }); i >= 0 {
			one.Tested = run.Tested[i]
		}
		out = append(out, one)
	}
	return out
}

// RevisionOf is the number under which a run's definitions were in force: the
// same text may have been applied again later.
func RevisionOf(revisions []store.Revision, r store.Run) (number int64) {
	for _, rev := range revisions {
		if rev.Hash == r.Definition && !rev.Applied.After(r.Started) {
			number = max(number, rev.Number)
		}
	}
	return number
}
