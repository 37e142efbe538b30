package web

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"tieout/audit"
	"tieout/period"
	"tieout/program"
	"tieout/reader/roster"
)

// rosters keeps the newest roster of the workspace. One is made when something
// was collected, or decided about whose a thing is, since the last.
type rosters struct {
	mu      sync.Mutex
	of      rosterMark
	r       *roster.Roster
	members *audit.Timeline // read when a removal of a role is looked at

	lacking  [][]roster.Lack // of each person, as of a minute and a roster
	lackedAt time.Time
	lackedOf rosterMark
}

// A rosterMark is what a roster was made from.
type rosterMark struct {
	evidence int64 // newest record that tells of something collected
	decided  int64 // entries about whose things are
	accounts int   // of this workspace
}

// collecting are the kinds of record after which a roster reads otherwise.
var collecting = []audit.RecordKind{audit.RecordManifest, audit.RecordEnd, audit.RecordErasure}

// roster is who works here and what is theirs, now.
func (q *request) roster() (*roster.Roster, error) {
	s := &q.s.rosters
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.bring(q.Context(), q.st.p, q.here()); err != nil {
		return nil, err
	}
	return s.r.At(q.s.o.Now()), nil
}

// memberships are everybody's places in groups and roles, as of the roster.
func (q *request) memberships() (*audit.Timeline, error) {
	s := &q.s.rosters
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.bring(q.Context(), q.st.p, q.here()); err != nil {
		return nil, err
	}
	if s.members == nil {
		tl, err := q.st.p.Timeline(q.Context(), "membership")
		if err != nil {
			return nil, err
		}
		s.members = tl
	}
	return s.members, nil
}

// here are the accounts of this workspace that can sign in.
func (q *request) here() (out []roster.Here) {
	for _, n := range q.names {
		if n.Active {
			out = append(out, roster.Here{ID: n.ID, Email: n.Email, Name: n.Name})
		}
	}
	slices.SortFunc(out, func(a, b roster.Here) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// bring makes the roster anew where something has changed.
func (s *rosters) bring(ctx context.Context, p *period.Program, here []roster.Here) error {
	newest, err := p.Store.Newest(ctx, collecting...)
	if err != nil {
		return err
	}
	mark := rosterMark{evidence: newest, accounts: len(here)}
	var decided []program.Identity
	err = p.Registers().Read(ctx, func(st *program.State) error {
		for _, i := range st.Identities {
			mark.decided += i.Revision
		}
		return nil
	})
	if err != nil || s.r != nil && s.of == mark {
		return err
	}
	if decided, err = p.Registers().AllIdentities(ctx); err != nil {
		return err
	}
	r, err := roster.Load(ctx, p, decided, here)
	if err != nil {
		return err
	}
	if s.of.evidence != mark.evidence {
		s.members = nil
	}
	s.r, s.of = r, mark
	return nil
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

// lacks are the roster and what is missing of each person of it, in its order;
// counted anew once a minute, since deadlines pass.
func (q *request) lacks() (*roster.Roster, [][]roster.Lack, error) {
	s := &q.s.rosters
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.bring(q.Context(), q.st.p, q.here()); err != nil {
		return nil, nil, err
	}
	r := s.r.At(q.s.o.Now())
	if at := r.Now.Truncate(time.Minute); s.lacking == nil || !s.lackedAt.Equal(at) || s.lackedOf != s.of {
		removal := roster.Removal(q.st.p)
		s.lacking, s.lackedAt, s.lackedOf = make([][]roster.Lack, len(r.People)), at, s.of
		for i, p := range r.People {
			s.lacking[i] = r.Lacks(p, removal)
		}
	}
	return r, s.lacking, nil
}
