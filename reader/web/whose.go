package web

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"tieout/audit"
	"tieout/program"
	"tieout/reader/roster"
)

// A whose is the roster as of the newest collection and the newest decision
// about whose accounts and devices are. It is safe for concurrent use.
type whose struct {
	read once[roster.Input] // the timelines
	mu   sync.Mutex
	at   string // decisions it was made with
	r    *roster.Roster
}

// roster returns who works here and what is theirs, as far as it was collected
// and confirmed.
func (q *request) roster() (*roster.Roster, error) {
	st := q.st
	if st.all != nil {
		st = st.all
	}
	in, err := st.whose.read.get(func() (roster.Input, error) { return timelines(context.WithoutCancel(q.Context()), st) })
	if err != nil {
		return nil, err
	}
	if in.Decided, err = q.book.AllIdentities(q.Context()); err != nil {
		return nil, err
	}
	at := ""
	for _, i := range in.Decided {
		at += fmt.Sprintf("%s:%s@%d ", i.Of, i.Thing, i.Revision)
	}
	w := &st.whose
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.r == nil || w.at != at {
		in.Now = q.instantNow()
		w.r, w.at = roster.New(in), at
	}
	return w.r, nil
}

// timelines reads what a roster is made from; a type that no source tells of is nil.
func timelines(ctx context.Context, st *state) (in roster.Input, err error) {
	in.Zone = st.report.Period.Location()
	for _, t := range []struct {
		typ string
		to  **audit.Timeline
	}{{"person", &in.People}, {"account", &in.Accounts}, {"device", &in.Devices}, {"link", &in.Links}} {
		if *t.to, err = st.p.Timeline(ctx, t.typ); err != nil && !errors.Is(err, audit.ErrNotFound) {
			return in, err
		}
	}
	return in, nil
}

// personOf is the person item an account here was confirmed to belong to, with
// the roster; "" and nil where nobody confirmed one.
func (q *request) personOf(account string) (id string, r *roster.Roster, err error) {
	err = q.book.Read(q.Context(), func(s *program.State) error {
		id = s.Identity(program.OfTieout, account).Person
		return nil
	})
	if err != nil || id == "" {
		return "", nil, err
	}
	r, err = q.roster()
	return id, r, err
}
