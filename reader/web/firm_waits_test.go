package web

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/internal/canonical"
)

// waitsOf are what EN-1 waits for on the firm, as the first page words it.
func (w *gridWorld) waitsOf() (out []string) {
	w.t.Helper()
	gridCheck(w.t, w.s.files.ReadFile(w.t.Context(), "EN-1", func(s *fieldwork.State, f *fieldwork.File) error {
		for _, x := range firmWaits(s, f, w.partner.account, w.at) {
			if x.On == "the firm" {
				out = append(out, x.What)
			}
		}
		return nil
	}))
	return out
}

// restsNow is what an opinion written now would rest on.
func (w *gridWorld) restsNow() string {
	w.t.Helper()
	lines := map[string]string{"engagement": "EN-1"}
	gridCheck(w.t, w.s.files.ReadFile(w.t.Context(), "EN-1", func(_ *fieldwork.State, f *fieldwork.File) error {
		for what, c := range f.Concluded {
			lines[what] = strconv.FormatInt(c.Record, 10)
		}
		return nil
	}))
	b, err := canonical.Marshal(lines)
	gridCheck(w.t, err)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// TestFirmWaitsFromTheMarksToTheReport: as long as something is left before the
// report, the first page says what.
func TestFirmWaitsFromTheMarksToTheReport(t *testing.T) {
	t.Parallel()
	open := gridOpened(t, 40, 4)
	if got := open.waitsOf(); !slices.Contains(got, "1 workpaper to mark") {
		t.Errorf("with an open workpaper: %q", got)
	}
	w := concludedWorld(t)
	file := func(f func(*fieldwork.File)) {
		gridCheck(t, w.s.files.ReadFile(t.Context(), "EN-1", func(_ *fieldwork.State, x *fieldwork.File) error { f(x); return nil }))
	}
	gone := func(prefix string) func(*fieldwork.File) func() {
		return func(f *fieldwork.File) func() {
			was := map[string]*fieldwork.Conclusion{}
			for what, c := range f.Concluded {
				if strings.HasPrefix(what, prefix) {
					was[what] = c
					delete(f.Concluded, what)
				}
			}
			return func() {
				for what, c := range was {
					f.Concluded[what] = c
				}
			}
		}
	}
	opined := func(rests string) func(*fieldwork.File) func() {
		return func(f *fieldwork.File) func() {
			for _, p := range f.Terms.Type.Parts() {
				f.Opinions[p] = &fieldwork.Opined{Part: p, Rests: rests}
			}
			return func() { clear(f.Opinions) }
		}
	}
	now := w.restsNow()
	for _, c := range []struct {
		name, want string
		spoil      func(*fieldwork.File) func()
	}{
		{"criteria are left", "33 criteria or objectives to conclude", gone("criterion:CC")},
		{"a description criterion is left", "1 description criterion to conclude", gone("dc:DC 4")},
		{"a control is left", "1 control to conclude", gone("control:")},
		{"a conclusion is stale", "conclusions to renew", func(f *fieldwork.File) func() {
			f.Terms.Last = "2027-01-31"
			return func() { f.Terms.Last = "2026-12-31" }
		}},
		{"nobody has opined", "3 parts of the opinion to write", func(*fieldwork.File) func() { return func() {} }},
		{"the opinions rest on older conclusions", "3 parts of the opinion to renew", opined("older")},
		{"no draft was given", "1 draft to give for factual review", opined(now)},
		{"a comment has no answer", "1 comment of management's to answer", func(f *fieldwork.File) func() {
			f.Comments["C-1"] = &engagement.Comment{ID: "C-1"}
			return func() { clear(f.Comments) }
		}},
		{"the report is not issued", "1 report to issue", func(f *fieldwork.File) func() {
			undo := opined(now)(f)
			f.Drafts = []engagement.Draft{{Digest: "d"}}
			return func() { undo(); f.Drafts = nil }
		}},
	} {
		undo := func() {}
		file(func(f *fieldwork.File) { undo = c.spoil(f) })
		if got := w.waitsOf(); !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%s: %q; want %q", c.name, got, c.want)
		}
		file(func(*fieldwork.File) { undo() })
	}
}
