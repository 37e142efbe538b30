package web

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/reader/tasks"
	"tieout/report"
	"tieout/report/html"
	"tieout/store"
)

// A state is the newest run of a period with what was decided: what pages are
// made from. It does not change; when something was tested or decided another
// takes its place.
type state struct {
	p       *period.Program
	mark    int64         // newest record that could change it
	run     *period.Run   // Recorded is false where nothing was tested yet
	reader  report.Reader // in whose words
	report  *audit.Report
	view    *html.View
	devs    []audit.Deviation
	gaps    []audit.Gap
	systems []string // IDs of the workspace's systems

	tasks     once[*tasks.Basis]
	collected int64 // newest record that ended a collection
	system    once[*answer.System]
	ready     once[*answer.Readiness]

	all    *state // the whole, where this is a part
	mu     sync.Mutex
	sights map[string]*state // parts of it, by what they are cut to

	users  int
	old    bool                      // another has taken its place: the last user closes it
	behind atomic.Pointer[time.Time] // when a newer one could not be made: pages made from this one say so; nil: it could
}

// marking are the kinds of record after which a report reads otherwise.
var marking = []audit.RecordKind{audit.RecordRun, audit.RecordDecision, audit.RecordDefinition, audit.RecordErasure, audit.RecordKey, audit.RecordDocument, audit.RecordEnd}

// patience is how long a page waits for a newer report before it is made from
// the one there is.
const patience = 400 * time.Millisecond

// holdOff is how long what could not be made is not tried again, unless something
// was sealed meanwhile: each try reads all that a report rests on.
const holdOff = 15 * time.Second

// A shelf keeps the newest state of each period that was asked for.
type shelf struct {
	open  func(ctx context.Context, period string) (*period.Program, error)
	store *store.Store
	fault func(error) // is told why a state could not be made; nil: nobody is
	clock func() time.Time
	mu    sync.Mutex
	at    map[string]*place
	ended bool
}

// A place is where the states of one period stand.
type place struct {
	now      *state
	building chan struct{} // closed when the next one is there, or could not be made
	err      error         // why it could not
	failed   time.Time     // when that was; zero: it could
	upTo     int64         // the mark it could not be made for
}

func newShelf(open func(ctx context.Context, period string) (*period.Program, error), st *store.Store) *shelf {
	return &shelf{open: open, store: st, clock: time.Now, at: map[string]*place{}}
}

// take returns the newest state of a period. One is made at a time, whoever
// asks; who has an older one at hand waits a moment only.
func (s *shelf) take(ctx context.Context, name string) (*state, error) {
	mark, err := s.store.Newest(ctx, marking...)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	pl := s.at[name]
	if pl == nil {
		pl = &place{}
		s.at[name] = pl
	}
	if pl.now != nil && pl.now.mark == mark {
		defer s.mu.Unlock()
		pl.now.users++
		return pl.now, nil
	}
	if pl.resting(mark, s.clock()) {
		defer s.mu.Unlock()
		return pl.meanwhile()
	}
	if pl.building == nil {
		pl.building = make(chan struct{})
		go s.make(context.WithoutCancel(ctx), name, pl, mark)
	}
	built, older := pl.building, pl.now != nil
	s.mu.Unlock()
	return s.await(ctx, name, pl, built, older)
}

// resting reports whether making the state up to a mark failed a moment ago.
func (pl *place) resting(mark int64, now time.Time) bool {
	return pl.building == nil && !pl.failed.IsZero() && pl.upTo == mark && now.Before(pl.failed.Add(holdOff))
}

// meanwhile is what is shown until a state that failed is tried again: the one
// before it, else that there is none, and why where people can do something.
func (pl *place) meanwhile() (*state, error) {
	if pl.now != nil {
		pl.now.users++
		return pl.now, nil
	}
	for _, kind := range []error{audit.ErrAltered, audit.ErrUnavailable, audit.ErrInvalid, audit.ErrForbidden, audit.ErrConflict} {
		if errors.Is(pl.err, kind) {
			return nil, pl.err
		}
	}
	return nil, fmt.Errorf("%w: the report of this period could not be made at %s. It is tried again from %s on. The reason stands where 'tieout serve' was started",
		audit.ErrUnavailable, exactly(pl.failed), pl.failed.Add(holdOff).UTC().Format("15:04:05 UTC"))
}

func (s *shelf) await(ctx context.Context, name string, pl *place, built chan struct{}, older bool) (*state, error) {
	var enough <-chan time.Time
	if older {
		t := time.NewTimer(patience)
		defer t.Stop()
		enough = t.C
	}
	select {
	case <-built:
	case <-enough:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if pl.now == nil {
		if s.at[name] == pl && pl.building == nil && pl.failed.IsZero() { // a name that is no period's is not kept
			delete(s.at, name)
		}
		return nil, pl.err
	}
	pl.now.users++
	return pl.now, nil
}

// make builds the next state of a period and puts it in its place.
func (s *shelf) make(ctx context.Context, name string, pl *place, mark int64) {
	st, err := s.build(ctx, name)
	s.mu.Lock()
	defer s.mu.Unlock()
	close(pl.building)
	pl.building, pl.err, pl.failed = nil, err, time.Time{}
	if err != nil {
		if !errors.Is(err, audit.ErrNotFound) {
			pl.failed, pl.upTo = s.clock(), mark
		}
		if pl.now != nil { // else who asked is told
			at := s.clock()
			if pl.now.behind.Store(&at); s.fault != nil {
				s.fault(fmt.Errorf("what was sealed last is not on the pages: %w", err))
			}
		}
		return
	}
	if s.ended {
		pl.err = errors.Join(errors.New("the server has ended"), st.p.Close())
		return
	}
	st.inherit(pl.now)
	if st.mark = mark; pl.now != nil {
		pl.now.old = true
		pl.err = s.drop(pl.now)
	}
	pl.now = st
}

func (s *shelf) build(ctx context.Context, name string) (st *state, err error) {
	defer func() {
		if x := recover(); x != nil {
			st, err = nil, fmt.Errorf("panic: %v\n%s", x, debug.Stack())
		}
	}()
	p, err := s.open(ctx, name)
	if err != nil {
		return nil, err
	}
	if st, err = build(ctx, p); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return st, nil
}

func (s *shelf) give(st *state) error {
	if st.all != nil {
		st = st.all
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.users--
	return s.drop(st)
}

// drop closes a state that is old and that nobody uses.
func (s *shelf) drop(st *state) error {
	if st.old && st.users == 0 {
		return st.p.Close()
	}
	return nil
}

func (s *shelf) close() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for name, pl := range s.at {
		if pl.now != nil {
			err = errors.Join(err, pl.now.p.Close())
		}
		delete(s.at, name)
	}
	return err
}

// build reads the newest run of the program's period and makes its report. A run
// of another period never stands under this one's name and rights.
func build(ctx context.Context, p *period.Program) (*state, error) {
	if p.Def.IsFirm() {
		return buildFirm(ctx, p)
	}
	p.Selection() // made once, before several ask
	run, err := p.RunOfPeriod(ctx)
	if errors.Is(err, audit.ErrNotFound) {
		run, err = &period.Run{Period: p.Period, AsOf: audit.Instant(p.Now()), Definitions: p.Def.Hash(), Record: audit.Unsequenced}, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := p.Report(ctx, run, report.Management)
	if err != nil {
		return nil, fmt.Errorf("build the report: %w", err)
	}
	if !run.Recorded {
		untried(p, &r)
	}
	st := &state{p: p, run: run, reader: report.Management, sights: map[string]*state{}}
	if st.collected, err = p.Store.Newest(ctx, audit.RecordEnd); err != nil {
		return nil, err
	}
	st.systems = answer.SystemsOf(p)
	return st, st.show(&r)
}

// show makes what pages are made from of a report.
func (st *state) show(r *audit.Report) (err error) {
	st.report, st.devs, st.gaps = r, report.Deviations(r), report.Gaps(r)
	st.view, err = html.NewView(r, st.reader)
	return err
}

// sight is the state as far as who may see it: all of it, or the part about the
// controls within reach, with a sentence that speaks of that part only.
func (st *state) sight(who access.Subject) (*state, error) {
	of := answer.Sight{Who: who, P: st.p, Systems: st.systems}
	names := of.Within(st.report)
	reader := readerOf(who)
	if len(names) == len(st.controls()) && reader == st.reader {
		return st, nil
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	key := fmt.Sprint(reader, names)
	if part := st.sights[key]; part != nil {
		return part, nil
	}
	part := &state{p: st.p, mark: st.mark, run: st.run, reader: reader, systems: st.systems, all: st}
	r := answer.Cut(st.report, names)
	if reader != st.reader && st.run.Recorded {
		r.Sentence = report.Sentence(report.StandingOf(&r), reader)
	}
	if err := part.show(&r); err != nil {
		return nil, err
	}
	st.sights[key] = part
	return part, nil
}

// readerOf is in whose words somebody reads: an auditor's guest in an outsider's,
// to whom nothing is on track (UX 11).
func readerOf(who access.Subject) report.Reader {
	for _, g := range who.Grants {
		if g.Role == access.AuditorsGuest {
			return report.Outsider
		}
	}
	return report.Management
}

// controls are the IDs of the controls in scope.
func (st *state) controls() []string { return answer.InScope(st.report) }

// untried says of a report that nothing was tested, where only that is why
// nothing was found.
func untried(p *period.Program, r *audit.Report) {
	r.Sentence = fmt.Sprintf("Nothing has been tested yet over %s, with %s in scope. Start leads to the first list of gaps.",
		report.Days(r.Period.Span, r.Period.Location()), report.Plural(len(r.Untested), "control", "controls"))
	for _, proc := range p.Selection().Procedures {
		for _, id := range proc.Controls {
			if r.Why[id] != "" {
				r.Why[id] = "Its tests have not run yet."
			}
		}
	}
}
