package program_test

import (
	"errors"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
)

// TestAnswerLife: a draft, approved by a second person, reviewed, written anew and
// so a draft again, retired.
func TestAnswerLife(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	a := must[program.Answer](t)(w.book.WriteAnswer(ctx, lead, program.Answer{Question: "Do you use a second factor?", Text: "Everywhere.", Controls: []string{"IAM-06"}}))
	if a.ID != "A-1" || a.Status() != "draft" {
		t.Fatalf("written: %+v", a)
	}
	both := as(leaID, access.ComplianceLead, access.ManagementSigner)
	if _, err := w.book.ApproveAnswer(ctx, both, a.ID, a.Revision, "sha256:1"); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("who wrote it approves it: %v", err)
	}
	a = must[program.Answer](t)(w.book.ApproveAnswer(ctx, signer, a.ID, a.Revision, "sha256:1"))
	a = must[program.Answer](t)(w.book.ApproveAnswer(ctx, signer, a.ID, a.Revision, "sha256:2"))
	if a.Status() != "approved" || a.Basis != "sha256:2" || a.ApprovedBy != samID {
		t.Errorf("reviewed: %+v", a)
	}
	if _, err := w.book.ApproveAnswer(ctx, both, a.ID, a.Revision, "sha256:3"); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("who wrote it reviews it: %v", err)
	}
	a.Text = "Everywhere but in the warehouse."
	a = must[program.Answer](t)(w.book.WriteAnswer(ctx, signerWrites, a))
	if a.Status() != "draft" || len(a.Authors) != 1 || a.Basis != "" {
		t.Errorf("written anew: %+v", a)
	}
	a = must[program.Answer](t)(w.book.RetireAnswer(ctx, lead, a.ID, a.Revision, "Nobody asks."))
	if a.Status() != "retired" {
		t.Errorf("retired: %+v", a)
	}
	for name, do := range map[string]func() error{
		"approving what is retired": func() error {
			_, err := w.book.ApproveAnswer(ctx, as(boID, access.ManagementSigner), a.ID, a.Revision, "x")
			return err
		},
		"retiring it again": func() error { _, err := w.book.RetireAnswer(ctx, lead, a.ID, a.Revision, "x"); return err },
		"an older page":     func() error { a.Revision--; _, err := w.book.WriteAnswer(ctx, lead, a); return err },
	} {
		if err := do(); !errors.Is(err, audit.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.book.WriteAnswer(ctx, reader, program.Answer{Question: "x", Text: "y"}); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a reader writes: %v", err)
	}
}

// signerWrites is the signer with the compliance lead's role beside.
var signerWrites = as(samID, access.ComplianceLead, access.ManagementSigner)
