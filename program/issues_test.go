package program_test

import (
	"errors"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
)

// leftAccess is an issue that Eva has, due in ten days.
func leftAccess(w *world) program.Issue {
	return program.Issue{Title: "Two leavers kept access", Severity: "high", Owner: evaID, Due: w.now().AddDate(0, 0, 10), Remedy: "changed control",
		Links: []program.IssueLink{{Kind: program.FromDeviation, Ref: "D-0012"}, {Kind: program.FromGap, Ref: "criterion CC1.2"}}, Controls: []string{"IAM-02"}, Criteria: []string{"CC6.2"}}
}

// ticketOf is the newest fact of an issue.
func ticketOf(t *testing.T, b *program.Book, id string) (out map[string]any) {
	t.Helper()
	err := b.Read(t.Context(), func(s *program.State) error {
		for _, f := range s.Facts {
			if f.Type == "ticket" && f.ID == id {
				out = f.Fields
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestIssueLife: opened, mended by its owner with evidence, sent back, mended,
// closed by a second person; each step says so as a deficiency.
func TestIssueLife(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	i := must[program.Issue](t)(w.book.OpenIssue(ctx, lead, leftAccess(w)))
	if i.ID != "I-1" || i.Status != "open" || i.Revision != 1 || !i.From(program.FromGap, "criterion CC1.2") {
		t.Fatalf("opened: %+v", i)
	}
	f := ticketOf(t, w.book, "I-1")
	if f["kind"] != "deficiency" || f["status"] != "open" || f["owner"] != "account:"+evaID || f["closedAt"] != audit.NeverText || f["dueAt"] != audit.FormatTime(i.Due) {
		t.Errorf("as evidence: %v", f)
	}
	if _, err := w.book.CloseIssue(ctx, signer, i.ID, i.Revision, "Looked."); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("closed before anybody mended it: %v", err)
	}
	doc := w.document()
	i = must[program.Issue](t)(w.book.MendIssue(ctx, eva, i.ID, i.Revision, "Removed both.", []string{doc}))
	if ticketOf(t, w.book, "I-1")["status"] != "in progress" {
		t.Error("what was mended and not closed is not in progress")
	}
	i = must[program.Issue](t)(w.book.SendIssueBack(ctx, signer, i.ID, i.Revision, "One is still there."))
	if i.Status != "open" || i.Mended != "" || len(i.Evidence) != 0 {
		t.Errorf("sent back: %+v", i)
	}
	i = must[program.Issue](t)(w.book.MendIssue(ctx, eva, i.ID, i.Revision, "Removed the other.", []string{doc}))
	w.pass(time.Hour)
	i = must[program.Issue](t)(w.book.CloseIssue(ctx, signer, i.ID, i.Revision, "The list shows neither.\nTwice."))
	f = ticketOf(t, w.book, "I-1")
	if i.Status != "closed" || f["status"] != "done" || f["closedAt"] != audit.FormatTime(w.now()) || f["outcome"] != "The list shows neither." || f["approvedBy"] != "account:"+samID {
		t.Errorf("closed: %+v %v", i, f)
	}
	if _, err := w.book.SetIssue(ctx, lead, i); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("a closed one is written: %v", err)
	}
	again := must[program.Issue](t)(w.again().SendIssueBack(ctx, lead, i.ID, i.Revision, "They came back."))
	if again.Status != "open" || !again.Closed.IsZero() || ticketOf(t, w.book, "I-1")["closedAt"] != audit.NeverText {
		t.Errorf("opened again: %+v", again)
	}
}

// TestIssueRights: who may not is refused, and nobody closes what they mended.
func TestIssueRights(t *testing.T) {
	w := newWorld(t)
	ctx, doc := t.Context(), w.document()
	both := as(leaID, access.ComplianceLead, access.ManagementSigner)
	mine := leftAccess(w)
	mine.Owner = leaID
	i := must[program.Issue](t)(w.book.OpenIssue(ctx, lead, mine))
	for name, do := range map[string]func() error{
		"an employee opens": func() error { _, err := w.book.OpenIssue(ctx, eva, leftAccess(w)); return err },
		"a reader moves the date": func() error {
			_, err := w.book.MoveIssue(ctx, reader, i.ID, i.Revision, w.now().AddDate(0, 1, 0), "x")
			return err
		},
		"somebody else mends": func() error {
			_, err := w.book.MendIssue(ctx, eva, i.ID, i.Revision, "Done.", []string{doc})
			return err
		},
		"a token mends": func() error {
			by := lead
			by.Token, by.Kind = "T", audit.ActorCommand
			_, err := w.book.MendIssue(ctx, by, i.ID, i.Revision, "Done.", []string{doc})
			return err
		},
	} {
		if err := do(); !errors.Is(err, audit.ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	i = must[program.Issue](t)(w.book.MendIssue(ctx, lead, i.ID, i.Revision, "Done.", []string{doc}))
	if _, err := w.book.CloseIssue(ctx, both, i.ID, i.Revision, "Looked."); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("who mended it closes it: %v", err)
	}
	given := i
	given.Owner = evaID
	i = must[program.Issue](t)(w.book.SetIssue(ctx, lead, given))
	if _, err := w.book.CloseIssue(ctx, both, i.ID, i.Revision, "Looked."); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("given away after it was mended, who mended it closes it: %v", err)
	}
}

// TestIssueDate: a date moves with a reason, and one that has passed stays what the
// issue is held to.
func TestIssueDate(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	i := must[program.Issue](t)(w.book.OpenIssue(ctx, lead, leftAccess(w)))
	first := i.Due
	i = must[program.Issue](t)(w.book.MoveIssue(ctx, lead, i.ID, i.Revision, first.AddDate(0, 0, 5), "The vendor delivers later."))
	if !i.Missed.IsZero() || !i.Held().Equal(first.AddDate(0, 0, 5)) || len(i.Moves) != 1 {
		t.Errorf("moved before it passed: %+v", i)
	}
	w.pass(30 * 24 * time.Hour)
	if !i.Overdue(w.now()) {
		t.Error("it is not overdue")
	}
	late := i.Due
	i = must[program.Issue](t)(w.book.MoveIssue(ctx, lead, i.ID, i.Revision, w.now().AddDate(0, 0, 9), "It was forgotten."))
	if !i.Missed.Equal(late) || !i.Held().Equal(late) || i.Overdue(w.now()) || ticketOf(t, w.book, i.ID)["dueAt"] != audit.FormatTime(late) {
		t.Errorf("moved after it passed: %+v", i)
	}
	for name, due := range map[string]time.Time{"past": w.now().Add(-time.Hour), "the same": i.Due, "none": {}} {
		if _, err := w.book.MoveIssue(ctx, lead, i.ID, i.Revision, due, "x"); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.book.MoveIssue(ctx, lead, i.ID, i.Revision, w.now().AddDate(0, 1, 0), " "); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("without a reason: %v", err)
	}
}

// TestIssueWhatIsRefused: an issue says what it says in the register's words.
func TestIssueWhatIsRefused(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*program.Issue){
		"no title":           func(i *program.Issue) { i.Title = " " },
		"no severity":        func(i *program.Issue) { i.Severity = "" },
		"another remedy":     func(i *program.Issue) { i.Remedy = "magic" },
		"another link":       func(i *program.Issue) { i.Links[0].Kind = "rumor" },
		"a link twice":       func(i *program.Issue) { i.Links[1] = i.Links[0] },
		"a link of no thing": func(i *program.Issue) { i.Links[0].Ref = "" },
		"due before it":      func(i *program.Issue) { i.Due = w.now().Add(-time.Minute) },
	} {
		i := leftAccess(w)
		change(&i)
		if _, err := w.book.OpenIssue(t.Context(), lead, i); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	i := must[program.Issue](t)(w.book.OpenIssue(t.Context(), lead, leftAccess(w)))
	for _, refs := range [][]string{nil, {"E-99"}, {"minutes.pdf"}} {
		if _, err := w.book.MendIssue(t.Context(), eva, i.ID, i.Revision, "Done.", refs); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("mended with %v as evidence: %v", refs, err)
		}
	}
	if _, err := w.book.SetIssue(t.Context(), lead, program.Issue{ID: "I-9", Title: "x", Severity: "low"}); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("one there is not: %v", err)
	}
}

// TestIssuesOrder: what is not closed first, the first due before the later, those
// without a date last.
func TestIssuesOrder(t *testing.T) {
	w := newWorld(t)
	for _, days := range []int{0, 20, 5} {
		i := leftAccess(w)
		if i.Due = w.now().AddDate(0, 0, days); days == 0 {
			i.Due = time.Time{}
		}
		must[program.Issue](t)(w.book.OpenIssue(t.Context(), lead, i))
	}
	var got string
	for _, i := range must[[]program.Issue](t)(w.book.AllIssues(t.Context())) {
		got += i.ID + " "
	}
	if got != "I-3 I-2 I-1 " {
		t.Errorf("got %s", got)
	}
}
