package web

import (
	"context"
	"errors"
	"net/http"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/reader/policies"
	"tieout/reader/roster"
	"tieout/reader/tasks"
)

// A Look is one look at a period by somebody, from what the screens are made
// from: for what else answers at this server. It is of one goroutine; Close gives
// back what it holds.
type Look struct {
	*answer.Sight
	Run        *period.Run   // Recorded is false where nothing was tested yet
	Report     *audit.Report // as far as they may see it
	Deviations []audit.Deviation
	Gaps       []audit.Gap
	Names      map[string]access.Named // everybody, by account ID

	q     *request
	whole *state
}

// Look opens the period of that name, "" for the one that holds now.
func (s *Server) Look(ctx context.Context, who access.Subject, name string) (*Look, error) {
	whole, err := s.shelf.take(ctx, name)
	if err != nil {
		return nil, err
	}
	st, err := whole.sight(who)
	if err != nil {
		return nil, errors.Join(err, s.shelf.give(whole))
	}
	names, err := s.names.all(ctx, s.o.Now())
	if err != nil {
		return nil, errors.Join(err, s.shelf.give(whole))
	}
	if who.Eyes, err = s.eyes(ctx); err != nil {
		return nil, errors.Join(err, s.shelf.give(whole))
	}
	q := &request{s: s, who: who, book: s.book, st: st, names: names}
	return &Look{Sight: q.sight(), Run: st.run, Report: st.report, Deviations: st.devs, Gaps: st.gaps, Names: names, q: q, whole: whole}, nil
}

// Close gives back what the look holds.
func (l *Look) Close() error { return l.q.s.shelf.give(l.whole) }

// with is the look as a request of its own context.
func (l *Look) with(ctx context.Context) *request {
	q := *l.q
	q.Request = new(http.Request).WithContext(ctx)
	return &q
}

// Name is a person's name by account ID; of what is no account, the ID itself.
func (l *Look) Name(account string) string { return l.q.name(account) }

// Tasks are the occurrences of the period as they stand.
func (l *Look) Tasks(ctx context.Context) (*tasks.List, error) { return l.with(ctx).tasks() }

// OfTask is an occurrence for the table of rights.
func (l *Look) OfTask(o *tasks.Occurrence) access.Object { return l.q.taskObject(o) }

// System is what is under examination, as far as they may read it.
func (l *Look) System(ctx context.Context) (*answer.System, error) { return l.with(ctx).ownSystem() }

// Readiness is what stands in the way, as far as they may read it.
func (l *Look) Readiness(ctx context.Context) (*answer.Readiness, error) {
	return l.with(ctx).readinessOf()
}

// Policies are all policies; to who reads only what is in force, that.
func (l *Look) Policies(ctx context.Context) (*policies.List, error) { return l.with(ctx).policyList() }

// Readers are everybody of whom reading can be asked.
func (l *Look) Readers(ctx context.Context) ([]policies.Member, error) { return l.with(ctx).readers() }

// Roster is who works here and what is theirs, now.
func (l *Look) Roster(ctx context.Context) (*roster.Roster, error) { return l.with(ctx).roster() }

// Covered are which criteria the controls they see meet.
func (l *Look) Covered() answer.Matrix {
	return answer.MatrixOf(l.P.Def.Criteria(), l.q.mets(), l.P.Def.LeftOut)
}
