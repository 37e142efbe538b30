package program_test

import (
	"errors"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
)

func TestRemindTask(t *testing.T) {
	w, d := newWorld(t), board()
	if _, err := w.book.RemindTask(t.Context(), lead, d, time.UTC); !errors.Is(err, audit.ErrInvalid) {
		t.Fatalf("nobody has it: got %v, want %v", err, audit.ErrInvalid)
	}
	must[program.Task](t)(w.book.AssignTask(t.Context(), lead, d, evaID, "takes the minutes", 0))
	if _, err := w.book.RemindTask(t.Context(), as(evaID, access.ControlOwner), d, time.UTC); !errors.Is(err, audit.ErrForbidden) {
		t.Fatalf("an owner reminds: got %v, want %v", err, audit.ErrForbidden)
	}
	r := must[program.Reminder](t)(w.book.RemindTask(t.Context(), lead, d, time.UTC))
	if r.To != evaID || r.Times != 1 || r.Day != start.Format(time.DateOnly) || r.By != lead.Account {
		t.Errorf("got %+v", r)
	}
	if _, err := w.book.RemindTask(t.Context(), lead, d, time.UTC); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("twice on a day: got %v, want %v", err, audit.ErrConflict)
	}
	if task := must[program.Task](t)(w.book.Task(t.Context(), d.ID())); task.Revision != 1 {
		t.Errorf("the task's revision is %d, want 1: a reminder comes in nobody's way", task.Revision)
	}
	w.us.Add((24 * time.Hour).Microseconds())
	if r := must[program.Reminder](t)(w.book.RemindTask(t.Context(), lead, d, time.UTC)); r.Times != 2 {
		t.Errorf("the next day: got %+v", r)
	}
	again := must[program.Reminder](t)(w.again().Reminder(t.Context(), d.ID()))
	if again.Times != 2 || again.To != evaID {
		t.Errorf("read again: got %+v", again)
	}
	w.us.Add((24 * time.Hour).Microseconds())
	must[program.Task](t)(w.book.DoTask(t.Context(), as(evaID, access.Employee), d, met(w.document()), 1))
	if _, err := w.book.RemindTask(t.Context(), lead, d, time.UTC); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("once it is done: got %v, want %v", err, audit.ErrConflict)
	}
}
