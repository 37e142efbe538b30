package fieldwork_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// locked is a world whose file is issued, assembled and locked, with an
// attachment in a workpaper.
func locked(t testing.TB) *world {
	t.Helper()
	w := issuable(t)
	ctx := t.Context()
	check(t, w.issue(t, reportDigest, "", ""))
	if err := w.book.Lock(ctx, manager, "EN-1"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("locked before it is assembled: %v; want a conflict", err)
	}
	index := must[fieldwork.Index](t)(w.book.Assemble(ctx, manager, "EN-1"))
	if len(index) < 60 {
		t.Errorf("%d documents; want terms, team, plan, tests, workpapers, conclusions and the rest", len(index))
	}
	if err := w.book.AddToArchive(ctx, manager, "EN-1", "late.txt", w.put(t, "late.txt", "late").Digest, 4, "x"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("added before the lock: %v; want a conflict", err)
	}
	check(t, w.book.Lock(ctx, manager, "EN-1"))
	return w
}

func TestArchive(t *testing.T) {
	t.Parallel()
	w := locked(t)
	ctx := t.Context()
	if err := w.book.Revise(ctx, partner, "EN-1", "x"); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "locked") {
		t.Errorf("revised a locked file: %v; want it refused", err)
	}
	if _, err := w.book.Assemble(ctx, manager, "EN-1"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("assembled a locked file: %v; want it refused", err)
	}
	check(t, w.book.TakeState(ctx, receiver, "EN-1", engagement.StateNews{State: engagement.Distributed}, 9))
	check(t, w.book.Withdraw(ctx, partner, "EN-1", "management refused a letter"))
	late := w.put(t, "late.txt", "late")
	check(t, w.book.AddToArchive(ctx, manager, "EN-1", "late.txt", late.Digest, late.Size, "a confirmation that came by post"))
	var first, second bytes.Buffer
	check(t, w.book.WriteArchive(ctx, manager, "EN-1", &first))
	check(t, w.again().WriteArchive(ctx, manager, "EN-1", &second))
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two servers write different archives of one locked file")
	}
	docs := map[string][]byte{}
	head, err := fieldwork.ReadArchive(bytes.NewReader(first.Bytes()), func(name string, r io.Reader) error {
		b, err := io.ReadAll(r)
		docs[name] = b
		return err
	})
	check(t, err)
	if head.Engagement != "EN-1" || head.LockedBy != mikaID || len(head.Added) != 1 || string(docs["late.txt"]) != "late" || string(docs["report/1/report.pdf"]) != "a report" {
		t.Errorf("head %+v; want the lock, one addition and the report's file", head)
	}
	var p fieldwork.ArchivedPaper
	check(t, json.Unmarshal(docs["papers/"+opTest+".json"], &p))
	if len(p.Paper.Cells) != 12 || p.Reviewed == nil || p.Paper.Version != 1 {
		t.Errorf("workpaper %+v; want its 12 cells and sign-offs", p)
	}
	var course []fieldwork.Turn
	check(t, json.Unmarshal(docs["course.json"], &course))
	for _, kind := range []string{"population.take", "sample.draw", "paper.review", "conclusion.control", "opinion.write", "report.issue"} {
		if !slices.ContainsFunc(course, func(x fieldwork.Turn) bool { return x.Kind == kind }) {
			t.Errorf("the course of the file says nothing of %s", kind)
		}
	}
	if string(docs["attached/"+opTest+"/1-rule.txt"]) != "the rule as it was on screen" {
		t.Error("the attachment is not in the archive")
	}
	if strings.Count(string(docs["items/P-1.jsonl"]), "\n") != 60 {
		t.Error("the population's items are not in the archive")
	}
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if due := f.LockDue(); !due.Equal(time.Date(2027, 4, 21, 12, 0, 0, 0, time.UTC).Add(-time.Hour)) {
			t.Errorf("to be locked by %s; want 60 days after the release, on the client's clock", due)
		}
	})
	t.Run("every byte counts", func(t *testing.T) {
		body := first.Bytes()
		for at := 0; at < len(body); at += 1 + len(body)/200 {
			changed := slices.Clone(body)
			changed[at] ^= 1
			if _, err := fieldwork.VerifyArchive(bytes.NewReader(changed)); !errors.Is(err, audit.ErrAltered) && !errors.Is(err, audit.ErrInvalid) {
				t.Fatalf("byte %d of %d flipped: %v; want it noticed", at, len(body), err)
			}
		}
		for _, cut := range []int{0, 10, len(body) / 2, len(body) - 1} {
			if _, err := fieldwork.VerifyArchive(bytes.NewReader(body[:cut])); err == nil {
				t.Errorf("cut at %d: nothing noticed", cut)
			}
		}
		if _, err := fieldwork.VerifyArchive(bytes.NewReader(append(slices.Clone(body), 0))); !errors.Is(err, audit.ErrAltered) {
			t.Errorf("a byte too many: %v; want it noticed", err)
		}
	})
}

func TestArchiveOnlyOfAnIssuedFile(t *testing.T) {
	t.Parallel()
	w := opened(t)
	if _, err := w.book.Assemble(t.Context(), manager, "EN-1"); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "not issued") {
		t.Errorf("assembled before the report: %v; want it refused", err)
	}
	if err := w.book.WriteArchive(t.Context(), manager, "EN-1", io.Discard); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("written before it is locked: %v; want it refused", err)
	}
	if err := w.book.WriteArchive(t.Context(), staff, "EN-1", io.Discard); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("written by staff: %v; want it forbidden", err)
	}
}

// FuzzVerifyArchive: bytes from outside are refused or verified, never anything else.
func FuzzVerifyArchive(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("tieout archive 1\n"))
	f.Add([]byte("tieout archive 1\n\x00\x00\x00\x02{}\x00\x00\x00\x00"))
	f.Add(fieldwork.TinyArchive())
	f.Fuzz(func(t *testing.T, b []byte) {
		head, err := fieldwork.VerifyArchive(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, audit.ErrAltered) && !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("refused with %v; want an error of audit's kinds", err)
			}
			return
		}
		if fieldwork.Index(head.Members).Digest() != head.Digest {
			t.Error("verified though the index is not the one its digest is of")
		}
	})
}

// TestTinyArchiveVerifies: the fuzz target's seed is a good one.
func TestTinyArchiveVerifies(t *testing.T) {
	head, err := fieldwork.VerifyArchive(bytes.NewReader(fieldwork.TinyArchive()))
	if err != nil || len(head.Members) != 1 {
		t.Errorf("%+v, %v; want one document", head, err)
	}
}
