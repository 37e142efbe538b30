package program

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
)

// object is what is asked for when who wants to do something about d: their own
// where they have to do it, or stand in for who has.
func (b *Book) object(ctx context.Context, who access.Subject, d Due) (o access.Object, err error) {
	err = b.Read(ctx, func(s *State) error { o = s.TaskObject(who.Account, d, b.now()); return nil })
	return o, err
}

// TaskObject is an occurrence as permissions see it at an instant.
func (s *State) TaskObject(account string, d Due, at time.Time) access.Object {
	o := access.Object{Controls: []string{d.Control}}
	owner, standIn := s.HasDuty(d, at)
	if o.Owner = owner; standIn != "" && standIn == account {
		o.Owner = standIn
	}
	if t := s.Tasks[d.ID()]; t != nil && t.Answer == TaskDone {
		o.Prepared = []string{t.By}
	}
	return o
}

// mayDo asks for task.do.
func (b *Book) mayDo(ctx context.Context, by access.Subject, d Due) error {
	o, err := b.object(ctx, by, d)
	if err != nil {
		return err
	}
	return access.Require(by, "task.do", o)
}

// DoTask records that an occurrence took place. It needs task.do. Revision is
// that of the task as it was opened. What was recorded before stays in the
// history, and the newest counts.
func (b *Book) DoTask(ctx context.Context, by access.Subject, d Due, done Done, revision int64) (Task, error) {
	if err := b.mayDo(ctx, by, d); err != nil {
		return Task{}, err
	}
	if err := d.enough(done); err != nil {
		return Task{}, err
	}
	for _, ref := range done.Documents {
		if err := b.isEvidence(ctx, ref); err != nil {
			return Task{}, err
		}
	}
	data := doneData{d.data(), d.Kind, d.Subject, timeText(done.At), strings.TrimSpace(done.Outcome), done.Actions, list(done.Documents)}
	return b.onTask(ctx, by, "task.done", d, revision, data)
}

// enough says what is missing before an answer is sealed.
func (d Due) enough(done Done) error {
	return allOf(
		when(d.Kind == "", d.ID()+" is not answered by hand"),
		when(done.At.IsZero(), "say when it took place"),
		when(d.Document && len(done.Documents) == 0, "add the document: without one it does not count"),
	)
}

// isEvidence refuses what is not sealed bytes of evidence.
func (b *Book) isEvidence(ctx context.Context, ref string) error {
	if !isEvidenceRef(ref) {
		return fmt.Errorf("%w: document %q is not sealed evidence such as E-481", audit.ErrInvalid, ref)
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(ref, "E-"), 10, 64)
	if err != nil {
		return fmt.Errorf("%w: document %q: %w", audit.ErrInvalid, ref, err)
	}
	rec, err := b.seal.Store.Record(ctx, n)
	if err != nil {
		return fmt.Errorf("%w: there is no %s in the log: %w", audit.ErrInvalid, ref, err)
	}
	if rec.Kind != audit.RecordDocument && rec.Kind != audit.RecordPage && rec.Kind != audit.RecordRedaction {
		return fmt.Errorf("%w: %s is no document", audit.ErrInvalid, ref)
	}
	return nil
}

// onTask writes an entry on a task and returns the task.
func (b *Book) onTask(ctx context.Context, by access.Subject, kind string, d Due, revision int64, data any) (Task, error) {
	if _, err := b.write(ctx, by, kind, taskObject+":"+d.ID(), revision, data); err != nil {
		return Task{}, err
	}
	return b.Task(ctx, d.ID())
}

// NotMyTask hands an occurrence back to the compliance lead, with to whom it
// belongs where that is known. It needs task.do.
func (b *Book) NotMyTask(ctx context.Context, by access.Subject, d Due, why, whose string, revision int64) (Task, error) {
	if err := b.mayDo(ctx, by, d); err != nil {
		return Task{}, err
	}
	return b.onTask(ctx, by, "task.notMine", d, revision, refusalData{d.data(), strings.TrimSpace(why), strings.TrimSpace(whose)})
}

// TaskDidNotHappen records that an occurrence did not take place, and why. A
// deviation stays one. It needs task.do.
func (b *Book) TaskDidNotHappen(ctx context.Context, by access.Subject, d Due, why string, revision int64) (Task, error) {
	if err := b.mayDo(ctx, by, d); err != nil {
		return Task{}, err
	}
	return b.onTask(ctx, by, "task.didNot", d, revision, refusalData{d.data(), strings.TrimSpace(why), ""})
}

// ApproveTask approves what was done for management. It needs task.approve,
// which nobody has on what they did.
func (b *Book) ApproveTask(ctx context.Context, by access.Subject, d Due, revision int64) (Task, error) {
	o, err := b.object(ctx, by, d)
	if err != nil {
		return Task{}, err
	}
	if err := b.second(ctx, by, "task.approve", o); err != nil {
		return Task{}, err
	}
	t, err := b.Task(ctx, d.ID())
	if err != nil {
		return Task{}, err
	}
	return b.onTask(ctx, by, "task.approve", d, revision, approveData{t.Record})
}

// AssignTask gives one occurrence to an account; "" gives it to whoever has the
// duty. It needs task.manage.
func (b *Book) AssignTask(ctx context.Context, by access.Subject, d Due, account, why string, revision int64) (Task, error) {
	if err := access.Require(by, "task.manage", access.Object{Controls: []string{d.Control}}); err != nil {
		return Task{}, err
	}
	return b.onTask(ctx, by, "task.assign", d, revision, taskAssignData{account, strings.TrimSpace(why)})
}

// SetDuty says which account has what the definitions call an owner. It needs
// task.manage.
func (b *Book) SetDuty(ctx context.Context, by access.Subject, d Duty) (Duty, error) {
	if err := access.Require(by, "task.manage", access.Object{}); err != nil {
		return Duty{}, err
	}
	if _, err := b.write(ctx, by, "duty.set", dutyObject+":"+d.Name, d.Revision, dutyData{d.Account}); err != nil {
		return Duty{}, err
	}
	return Duty{d.Name, d.Account, d.Revision + 1}, nil
}

// SetAbsence hands the tasks of an account to another for a while. Everybody
// who does tasks can say so of themself; for others it needs task.manage.
func (b *Book) SetAbsence(ctx context.Context, by access.Subject, a Absence) (Absence, error) {
	if err := MayLeave(by, a.Account); err != nil {
		return Absence{}, err
	}
	if _, err := b.write(ctx, by, "absence.set", absenceObject+":"+a.Account, a.Revision, absenceData{a.To, timeText(a.From), timeText(a.Until)}); err != nil {
		return Absence{}, err
	}
	a.Revision++
	return a, nil
}

// MayLeave is nil where somebody may hand the tasks of an account over: their
// own where they can have any, and everybody's with task.manage.
func MayLeave(by access.Subject, account string) error {
	for _, g := range by.Grants {
		own := access.Object{Owner: account}
		switch g.Scope {
		case access.ScopeControl:
			own.Controls = []string{g.Object}
		case access.ScopeSystem:
			own.Systems = []string{g.Object}
		}
		if ok, _ := access.Allowed(by, "task.do", own); ok && account == by.Account {
			return nil
		}
	}
	return access.Require(by, "task.manage", access.Object{})
}

// Task returns what was said about a task; one nobody spoke of has only its ID.
func (b *Book) Task(ctx context.Context, id string) (out Task, err error) {
	err = b.Read(ctx, func(s *State) error { out = s.Task(id); return nil })
	return out, err
}

// Absence returns the newest absence of an account; the zero value with its
// account where there is none.
func (b *Book) Absence(ctx context.Context, account string) (out Absence, err error) {
	out.Account = account
	err = b.Read(ctx, func(s *State) error {
		if a := s.Absences[account]; a != nil {
			out = *a
		}
		return nil
	})
	return out, err
}

// AllDuties returns the duties that were given, in the order of their names.
func (b *Book) AllDuties(ctx context.Context) (out []Duty, err error) {
	err = b.Read(ctx, func(s *State) error {
		for _, d := range sorted(s.Duties) {
			out = append(out, *d)
		}
		return nil
	})
	return slices.Clip(out), err
}
