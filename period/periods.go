package period

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/engagement/management"
)

// Applied is what a record of applied definitions says beside them: why the days
// of a period that had begun were changed.
type Applied struct {
	Why string `json:"why"`
}

// maxWhy is how many characters a reason has at most.
const maxWhy = 5000

// AddPeriod adds a period to the workspace's files and applies them, as Amend
// does: what c does not say is as definition.NextPeriod proposes.
func (p *Program) AddPeriod(ctx context.Context, c definition.PeriodConfig) (definition.Period, error) {
	if err := p.ofCompany(); err != nil {
		return definition.Period{}, err
	}
	changes, err := p.Def.AddPeriod(c)
	if err != nil {
		return definition.Period{}, err
	}
	if _, err := p.Amend(ctx, changes); err != nil {
		return definition.Period{}, err
	}
	return p.Def.Period("")
}

// A Held is a period whose days do not change just so, and why.
type Held struct {
	definition.Period
	Why    []string // what holds it: it has begun, a run, an engagement
	Report string   // of an engagement whose report is issued: its days do not change at all
}

// words says what holds a period.
func (h Held) words() string { return strings.Join(h.Why, ", ") }

// HeldPeriods are the periods of the definitions in force whose days are changed
// with a reason alone, or not at all: one that has begun since the company decided
// on it, that a sealed run was over, or that holds the days of an engagement
// management has agreed to.
func (p *Program) HeldPeriods(ctx context.Context) ([]Held, error) {
	if err := p.ofCompany(); err != nil {
		return nil, err
	}
	w, err := p.inForce(ctx)
	if err != nil {
		return nil, err
	}
	return p.held(ctx, w)
}

func (p *Program) held(ctx context.Context, w *definition.Workspace) (out []Held, err error) {
	rev, err := p.Store.NewestRevision(ctx)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	spans, err := p.testedSpans(ctx)
	if err != nil {
		return nil, err
	}
	now := p.Now()
	for _, x := range w.Periods {
		h := Held{Period: x}
		if rev.Number > 1 && !x.From.After(now) { // what 'init' proposed nobody has decided on
			h.Why = append(h.Why, "it has begun")
		}
		if slices.Contains(spans, x.Span) {
			h.Why = append(h.Why, "it was tested over")
		}
		out = append(out, h)
	}
	if err := p.Management().Read(ctx, func(s *management.State) error { engaged(s, w.Periods, out); return nil }); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(out, func(h Held) bool { return len(h.Why) == 0 && h.Report == "" }), nil
}

// testedSpans are the stretches that sealed runs were over.
func (p *Program) testedSpans(ctx context.Context) (out []audit.Span, err error) {
	runs, err := p.Store.Runs(ctx, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	for _, saved := range runs {
		run, err := p.loadRun(ctx, saved)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, run.Period.Span) {
			out = append(out, run.Period.Span)
		}
	}
	return out, nil
}

// engaged adds what engagements hold of periods; held has one line for each.
func engaged(s *management.State, periods []definition.Period, held []Held) {
	for _, id := range slices.Sorted(maps.Keys(s.Sides)) {
		x := s.Sides[id]
		in, err := periodOf(periods, x.Terms)
		i := slices.IndexFunc(held, func(h Held) bool { return h.Name == in.Name })
		if err != nil || i < 0 {
			continue // of days that no period holds
		}
		if x.InForce() != nil {
			held[i].Report = id
		}
		if x.Agreed != nil && !x.State.Over() {
			held[i].Why = append(held[i].Why, id+" is agreed over its days")
		}
	}
}

// mayApply refuses files that change the days of a period that is held: without a
// reason audit.ErrInvalid, where a report is issued over them audit.ErrConflict. A
// new period is nobody's.
func (p *Program) mayApply(ctx context.Context, why string) error {
	if len(why) > maxWhy {
		return fmt.Errorf("%w: a reason has at most %d characters", audit.ErrInvalid, maxWhy)
	}
	if p.Def.IsFirm() {
		return nil
	}
	old, err := p.appliedWorkspace(ctx)
	if err != nil || old == nil || !slices.ContainsFunc(old.Periods, func(x definition.Period) bool { return !stays(p.Def.Periods, x) }) {
		return err
	}
	held, err := p.held(ctx, old)
	if err != nil {
		return err
	}
	for _, h := range held {
		if stays(p.Def.Periods, h.Period) {
			continue
		}
		days := h.First() + " to " + h.Last()
		if h.Report != "" {
			return fmt.Errorf("%w: the days of the period %s do not change: the report of %s is issued over them. Add the next period instead ('tieout period add', or Start)", audit.ErrConflict, days, h.Report)
		}
		if strings.TrimSpace(why) == "" {
			return fmt.Errorf("%w: the period %s changes, and %s: say why ('--why', or the field below the days). What is next is a period of its own ('tieout period add', or Next period under Start)", audit.ErrInvalid, days, h.words())
		}
	}
	return nil
}

// stays reports whether a period is over the same days still.
func stays(now []definition.Period, old definition.Period) bool {
	return slices.ContainsFunc(now, func(x definition.Period) bool { return x.Span == old.Span })
}

// A PeriodChange is one revision that changed which periods there are.
type PeriodChange struct {
	Revision int64     `json:"revision"`
	Record   int64     `json:"record"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	What     []string  `json:"what"`
	Why      string    `json:"why,omitempty"`
}

// PeriodLog says when the periods were changed, by whom and why, the newest first;
// the first revision's are what they were then.
func (p *Program) PeriodLog(ctx context.Context) (out []PeriodChange, err error) {
	if err := p.ofCompany(); err != nil {
		return nil, err
	}
	revs, err := p.Store.Revisions(ctx)
	if err != nil {
		return nil, err
	}
	var old []definition.Period
	for _, rev := range revs {
		now, err := definition.PeriodsIn(rev.Canonical)
		if err != nil {
			return nil, fmt.Errorf("applied revision %d: %w", rev.Number, err)
		}
		what := periodDiff(old, now)
		old = now
		if len(what) == 0 {
			continue
		}
		c := PeriodChange{Revision: rev.Number, Record: rev.Record, At: rev.Applied, By: rev.Actor.Name, What: what}
		if c.Why, err = p.appliedWhy(ctx, rev.Record); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	slices.Reverse(out)
	return out, nil
}

// appliedWhy is the reason that stands beside applied definitions, "" of none.
func (p *Program) appliedWhy(ctx context.Context, record int64) (string, error) {
	if record == audit.Unsequenced {
		return "", nil
	}
	rec, err := p.Store.Record(ctx, record)
	if err != nil || len(rec.Detail) == 0 {
		return "", err
	}
	var a Applied
	if err := json.Unmarshal(rec.Detail, &a); err != nil {
		return "", fmt.Errorf("%w: %s: what stands beside the definitions: %w", audit.ErrAltered, rec.Ref(), err)
	}
	return a.Why, nil
}

// periodDiff says how periods changed from one revision to the next.
func periodDiff(old, now []definition.Period) (out []string) {
	for _, x := range old {
		if !stays(now, x) {
			out = append(out, "- "+periodWords(x))
		}
	}
	for _, x := range now {
		if !stays(old, x) {
			out = append(out, "+ "+periodWords(x))
		}
	}
	return out
}

// periodWords is a period with its days, and its name where that says more.
func periodWords(x definition.Period) string {
	days := x.First() + " to " + x.Last()
	if x.Name == days {
		return days + ", " + x.Zone
	}
	return x.Name + ", " + days + ", " + x.Zone
}
