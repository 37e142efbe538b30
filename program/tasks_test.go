package program_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/evidence"
	"tieout/program"
)

// board is the meeting of the quarter in which the tests' clock starts.
func board() program.Due {
	at := func(m time.Month, d int) time.Time { return time.Date(2026, m, d, 0, 0, 0, 0, time.UTC) }
	return program.Due{Procedure: "board.meeting", Title: "The board meets on security every quarter", Control: "GOV-02", Owner: "CEO", Occurrence: "2026-Q1",
		Kind: "board meeting", From: at(1, 1), DueBy: at(4, 1), LateBy: at(5, 1), Document: true, Approval: true}
}

var employee = as(evaID, access.Employee)

// document seals a small file and returns its reference.
func (w *world) document() string {
	w.t.Helper()
	recs, err := w.seal.Seal(w.t.Context(), evidence.Draft{Kind: audit.RecordDocument, Media: "text/plain", Body: []byte("minutes")})
	if err != nil {
		w.t.Fatal(err)
	}
	return recs[0].Ref()
}

func met(ref string) program.Done {
	return program.Done{At: start.Add(-24 * time.Hour), Outcome: "Four decisions", Actions: 2, Documents: []string{ref}}
}

func TestTaskFromAssignedToApproved(t *testing.T) {
	w, d := newWorld(t), board()
	ref := w.document()
	if _, err := w.book.DoTask(t.Context(), employee, d, met(ref), 0); !errors.Is(err, audit.ErrForbidden) {
		t.Fatalf("who has no part in it did it: %v", err)
	}
	must[program.Task](t)(w.book.AssignTask(t.Context(), lead, d, evaID, "takes the minutes", 0))
	task := must[program.Task](t)(w.book.DoTask(t.Context(), employee, d, met(ref), 1))
	if task.Answer != program.TaskDone || task.By != evaID || task.Done.Outcome != "Four decisions" || task.Revision != 2 {
		t.Errorf("got %+v", task)
	}
	if _, err := w.book.ApproveTask(t.Context(), as(evaID, access.ManagementSigner), d, 2); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("who did it approved it: %v", err)
	}
	task = must[program.Task](t)(w.book.ApproveTask(t.Context(), signer, d, 2))
	if task.ApprovedBy != samID || task.Revision != 3 {
		t.Errorf("got %+v", task)
	}
	err := w.again().Read(t.Context(), func(s *program.State) error {
		f := s.Facts
		if len(f) != 2 || f[0].ID != "task/board.meeting@2026-Q1" || f[1].ID != f[0].ID || !f[1].At.Equal(start.Add(-24*time.Hour)) {
			t.Fatalf("facts %+v", f)
		}
		if f[0].Fields["approvedBy"] != "" || f[1].Fields["approvedBy"] != "account:"+samID || f[1].Fields["document"] != ref || f[1].Fields["kind"] != "board meeting" {
			t.Errorf("fields %v then %v", f[0].Fields, f[1].Fields)
		}
		var words []string
		for _, line := range s.History("task:" + d.ID()) {
			words = append(words, line.What)
		}
		if got, want := strings.Join(words, "; "), "assigned to "+evaID+"; done: Four decisions; approved for management"; got != want {
			t.Errorf("history %q, want %q", got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTaskAnswersRefused(t *testing.T) {
	w, d := newWorld(t), board()
	ref := w.document()
	at := func(x time.Time) program.Done { m := met(ref); m.At = x; return m }
	outcome := func(s string) program.Done { m := met(ref); m.Outcome = s; return m }
	documents := func(refs ...string) program.Done { m := met(ref); m.Documents = refs; return m }
	tests := []struct {
		name string
		done program.Done
		want string
	}{
		{"tomorrow", at(start.Add(time.Hour)), "in the future"},
		{"last year", at(d.From.Add(-time.Hour)), "belongs to an earlier one"},
		{"no time", at(time.Time{}), "say when it took place"},
		{"no outcome", outcome(" "), "outcome is missing"},
		{"two lines", outcome("a\nb"), "in one line"},
		{"a control character", outcome("a\x00b"), "cannot be shown"},
		{"no document", documents(), "without one it does not count"},
		{"no reference", documents("minutes.pdf"), "not sealed evidence"},
		{"nothing sealed under it", documents("E-99999"), "there is no E-99999"},
		{"negative", documents("E--1"), "not sealed evidence"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.book.DoTask(t.Context(), lead, d, tt.done, 0)
			if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	late := d
	late.From, late.DueBy, late.LateBy = d.From.AddDate(-1, 0, 0), d.DueBy.AddDate(-1, 0, 0), d.LateBy.AddDate(-1, 0, 0)
	if _, err := w.book.DoTask(t.Context(), lead, late, met(ref), 0); err == nil || !strings.Contains(err.Error(), "already missed") {
		t.Errorf("done after it was missed: %v", err)
	}
	bare := d
	bare.Kind = ""
	if _, err := w.book.DoTask(t.Context(), lead, bare, met(ref), 0); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("an occurrence nobody answers by hand: %v", err)
	}
	if got := must[program.Task](t)(w.book.Task(t.Context(), d.ID())); got.Revision != 0 {
		t.Errorf("something was written: %+v", got)
	}
}

func TestNotMineAndDidNotHappen(t *testing.T) {
	w, d := newWorld(t), board()
	must[program.Duty](t)(w.book.SetDuty(t.Context(), lead, program.Duty{Name: "CEO", Account: evaID}))
	task := must[program.Task](t)(w.book.NotMyTask(t.Context(), employee, d, "The office keeps the minutes.", "Office", 0))
	if task.Answer != program.TaskNotMine || task.Whose != "Office" {
		t.Errorf("got %+v", task)
	}
	owner := func() (owner, standIn string) {
		if err := w.book.Read(t.Context(), func(s *program.State) error { owner, standIn = s.HasDuty(d, w.now()); return nil }); err != nil {
			t.Fatal(err)
		}
		return owner, standIn
	}
	if o, _ := owner(); o != "" {
		t.Errorf("it is still with %q", o)
	}
	task = must[program.Task](t)(w.book.AssignTask(t.Context(), lead, d, "", "", 1))
	if o, _ := owner(); o != evaID || task.Answer != "" {
		t.Errorf("back with %q, answer %q", o, task.Answer)
	}
	must[program.Task](t)(w.book.TaskDidNotHappen(t.Context(), employee, d, "No quorum until April.", 2))
	if _, err := w.book.TaskDidNotHappen(t.Context(), employee, d, "Late voice.", 2); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("the answer of who had not seen the one before: %v", err)
	}
	ref := w.document()
	must[program.Task](t)(w.book.DoTask(t.Context(), lead, d, met(ref), 3))
	for name, err := range map[string]error{
		"did not happen after done": func() error { _, err := w.book.TaskDidNotHappen(t.Context(), lead, d, "mistake", 4); return err }(),
		"not mine after done":       func() error { _, err := w.book.NotMyTask(t.Context(), lead, d, "mistake", "", 4); return err }(),
	} {
		if !errors.Is(err, audit.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStandIn(t *testing.T) {
	w, d := newWorld(t), board()
	ref, bob := w.document(), as("bob", access.Employee)
	must[program.Task](t)(w.book.AssignTask(t.Context(), lead, d, evaID, "", 0))
	away := program.Absence{Account: evaID, To: "bob", From: start.Add(-time.Hour), Until: start.Add(time.Hour)}
	if _, err := w.book.SetAbsence(t.Context(), bob, away); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("somebody took over by themself: %v", err)
	}
	self := away
	self.To = evaID
	if _, err := w.book.SetAbsence(t.Context(), employee, self); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("standing in for oneself: %v", err)
	}
	away = must[program.Absence](t)(w.book.SetAbsence(t.Context(), employee, away))
	w.pass(2 * time.Hour)
	if _, err := w.book.DoTask(t.Context(), bob, d, met(ref), 1); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("after the absence: %v", err)
	}
	away.Until = start.Add(24 * time.Hour)
	must[program.Absence](t)(w.book.SetAbsence(t.Context(), employee, away))
	if got := must[program.Task](t)(w.book.DoTask(t.Context(), bob, d, met(ref), 1)); got.By != "bob" {
		t.Errorf("done by %q", got.By)
	}
}

func TestWhoMayLeave(t *testing.T) {
	w := newWorld(t)
	owner := access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: "oz", Session: "S",
		Grants: []access.Grant{{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "NET-02"}}}
	tests := []struct {
		name, account string
		who           access.Subject
		want          error
	}{
		{"a control owner, of themself", "oz", owner, nil},
		{"a control owner, of another", evaID, owner, audit.ErrForbidden},
		{"the lead, of another", evaID, lead, nil},
		{"a reader, of themself", "rob", reader, audit.ErrForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.book.SetAbsence(t.Context(), tt.who, program.Absence{Account: tt.account, To: "x", From: start, Until: start.Add(time.Hour)})
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
