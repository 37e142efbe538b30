package web

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"tieout/audit"
	"tieout/period"
	"tieout/report"
	"tieout/report/html"
	"tieout/store"
)

// A state is the workspace at one head of its log: what pages are made from. It
// does not change; when the log has grown another takes its place.
type state struct {
	p      *period.Program
	head   store.Head
	run    *period.Run // Recorded is false where nothing was tested yet
	report *audit.Report
	view   *html.View
	devs   []audit.Deviation
	gaps   []audit.Gap

	users int
	old   bool // another has taken its place: the last user closes it
}

// A shelf keeps the newest state of each period that was asked for.
type shelf struct {
	open func(ctx context.Context, period string) (*period.Program, error)
	mu   sync.Mutex
	at   map[string]*state
}

// take returns the state of a period at the present head of the log. Building
// one waits for nobody's request but happens once, whoever asks.
func (s *shelf) take(ctx context.Context, name string) (*state, error) {
	ctx = context.WithoutCancel(ctx) // what is opened outlives the request
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.at[name]; st != nil {
		head, err := st.p.Store.Head(ctx)
		if err == nil && head.Size == st.head.Size && head.Root == st.head.Root && head.Epoch == st.head.Epoch {
			st.users++
			return st, nil
		}
		delete(s.at, name)
		st.old = true
		if err := s.drop(st); err != nil {
			return nil, err
		}
	}
	p, err := s.open(ctx, name)
	if err != nil {
		return nil, err
	}
	st, err := build(ctx, p, name != "")
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	st.users = 1
	s.at[name] = st
	return st, nil
}

func (s *shelf) give(st *state) error {
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
	for name, st := range s.at {
		err = errors.Join(err, st.p.Close())
		delete(s.at, name)
	}
	return err
}

// build reads the newest run and makes its report: of the period by that name,
// or as 'tieout status' does the newest there is.
func build(ctx context.Context, p *period.Program, named bool) (*state, error) {
	head, err := p.Store.Head(ctx)
	if err != nil {
		return nil, err
	}
	p.Selection() // made once, before several ask
	last := p.LastRun
	if named {
		last = p.RunOfPeriod
	}
	run, err := last(ctx)
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
	view, err := html.NewView(&r, report.Management)
	if err != nil {
		return nil, err
	}
	return &state{p: p, head: head, run: run, report: &r, view: view, devs: report.Deviations(&r), gaps: report.Gaps(&r)}, nil
}

// untried says of a report that nothing was tested, where only that is why
// nothing was found.
func untried(p *period.Program, r *audit.Report) {
	r.Sentence = fmt.Sprintf("Nothing has been tested yet over %s, with %s in scope. Next: tieout collect, then tieout check.",
		report.Days(r.Period.Span, r.Period.Location()), report.Plural(len(r.Untested), "control", "controls"))
	for _, proc := range p.Selection().Procedures {
		for _, id := range proc.Controls {
			if r.Why[id] != "" {
				r.Why[id] = "Its tests have not run yet."
			}
		}
	}
}
