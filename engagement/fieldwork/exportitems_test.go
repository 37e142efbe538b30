package fieldwork_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement/fieldwork"
)

// TestLinesAreWithheldUntilTheOwnMarks: what the client computed of an item is read
// nowhere before the tester's own mark, not out of the population's file either.
func TestLinesAreWithheldUntilTheOwnMarks(t *testing.T) {
	t.Parallel()
	w := sampled(t)
	ctx := t.Context()
	refused := func(name, why string) {
		t.Helper()
		var out bytes.Buffer
		if err := w.book.ExportItems(ctx, staff, "EN-1", "P-1", &out); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), why) || out.Len() > 0 {
			t.Errorf("%s: %d bytes, %v; want it refused with %q", name, out.Len(), err, why)
		}
		check(t, w.book.ExportPlainItems(ctx, staff, "EN-1", "P-1", &out))
		if n := strings.Count(out.String(), "\n"); n != 60 || strings.Contains(out.String(), "deviation") || strings.Contains(out.String(), "results") {
			t.Errorf("%s: %d lines without outcomes: %.200s; want 60, and no outcome", name, n, out.String())
		}
	}
	refused("before the workpaper", "has no workpaper yet")
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	refused("before the marks", "6 cells of "+opTest)
	for _, r := range w.rows(opTest) {
		check(t, w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: r, Attribute: "B"}, none(""), 0))
	}
	var out bytes.Buffer
	check(t, w.book.ExportItems(ctx, staff, "EN-1", "P-1", &out))
	if out.String() != withResults(items(60, nil)) {
		t.Error("the lines are not those that were frozen")
	}
	if err := w.book.ExportPlainItems(ctx, stranger, "EN-1", "P-1", &out); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("given to who may not read the file: %v; want it forbidden", err)
	}
	again := strings.ReplaceAll(withResults(items(60, nil)), "CHG-", "NEW-")
	p := frozen("P-2", again, "CHG-01")
	p.Round, p.Supersedes, p.Run = "2", "P-1", 78
	w.feed(p, again)
	w.accept("P-2")
	if err := w.book.ExportItems(ctx, staff, "EN-1", "P-2", &out); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "no sample of it yet") {
		t.Errorf("the lines of a later freeze before its draw: %v; want it refused", err)
	}
}
