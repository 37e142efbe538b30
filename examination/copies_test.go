package examination_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/report/attest"
	"tieout/report/attest/pdf"
)

const copyPassword = "eight-at-least"

// copies has both sides make copies of the issued report: each is an entry of its
// maker's log, and the report inside it is the one that was signed.
func (w *world) copies() {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	for name, o := range map[string]examination.Copying{
		"nobody":       {Mail: "a@b.test", Why: "asked for it", Mark: true},
		"neither":      {For: "Ada Pike", Mail: "a@b.test", Why: "asked for it"},
		"no reason":    {For: "Ada Pike", Mail: "a@b.test", Mark: true},
		"bad password": {For: "Ada Pike", Mail: "a@b.test", Why: "asked for it", Password: "short"},
	} {
		if _, _, err := w.client.CopyReport(ctx, lead, "EN-1", o); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("a copy with %s: %v", name, err)
		}
	}
	asked := examination.Copying{For: "Ada Pike", Mail: "ada@buyer.test", Why: "A buyer's review of its vendors.", Mark: true, Password: copyPassword}
	if _, _, err := w.client.CopyReport(ctx, as(access.Company, leaID, access.ControlOwner, access.ScopeWorkspace), "EN-1", asked); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a control owner makes a copy: %v", err)
	}
	file, made, err := w.client.CopyReport(ctx, lead, "EN-1", asked)
	check(t, err)
	w.copied(file, made, "EN-1/CP-1 for Ada Pike")
	if file, made, err = w.firm.CopyReport(ctx, manager, "EN-1", examination.Copying{For: "Ben Roe", Mail: "ben@user.test", Why: "Named by the client.", Mark: true}); err != nil {
		t.Fatal(err)
	}
	w.copied(file, made, "EN-1/CP-1 for Ben Roe")
	w.side(func(_ *management.State, x *management.Side) {
		if len(x.Copies) != 1 || x.Copies[0].By != leaID || !x.Copies[0].Encrypted || x.Copies[0].For != "Ada Pike" {
			t.Errorf("the client's copies: %+v", x.Copies)
		}
	})
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		if len(x.Copies) != 1 || x.Copies[0].By != mikaID || x.Copies[0].Encrypted || x.Copies[0].Digest != made.Digest {
			t.Errorf("the firm's copies: %+v", x.Copies)
		}
	})
}

// copied checks that a copy is what its entry says, and whose it is.
func (w *world) copied(file examination.File, made engagement.Copy, whose string) {
	w.t.Helper()
	if sum := sha256.Sum256(file.Data); hex.EncodeToString(sum[:]) != made.Digest || int64(len(file.Data)) != made.Size {
		w.t.Errorf("%s has other bytes than its entry says: %+v", file.Name, made)
	}
	checks, err := pdf.Verify(file.Data, copyPassword, attest.Trust{})
	check(w.t, err)
	marked := false
	for _, c := range checks.List {
		if c.Verdict == attest.Bad {
			w.t.Errorf("%s: %s", file.Name, c.Sentence)
		}
		marked = marked || strings.Contains(c.Sentence, whose)
	}
	if !marked || checks.Digest != made.Report {
		w.t.Errorf("%s is not marked as copy %s of %s: %+v", file.Name, whose, made.Report, checks)
	}
}
