package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// From the last mark to a reviewed workpaper by forms: what was computed is looked
// at, a difference explained, the exception written, the preparer signs, a note is
// cleared, another person reviews, and reopening says why.
func TestGridFromMarksToReview(t *testing.T) {
	w := gridOpened(t, 60, 3)
	do := func(v *visitor, path string, code int, form ...string) string {
		t.Helper()
		r := v.post(path, form...)
		if r.Code != code {
			t.Fatalf("%s: %d; want %d\n%s", path, r.Code, code, r.Body)
		}
		return r.Header().Get("Location") + r.Body.String()
	}
	for _, n := range []string{"1", "2", "3"} {
		w.staff.page(gridAddress + "?item=" + n)
		for _, a := range []string{"A", "B", "C", "D"} {
			mark, note := "No exception", ""
			if n == "2" && a == "B" {
				mark, note = "Exception", "approved by its author "+evil
			}
			do(w.staff, gridAddress+"/mark", http.StatusSeeOther, "item", n, "at", a, "mark-"+a, mark, "note-"+a, note, "base-"+a, "0")
		}
	}
	got := w.staff.page(gridAddress)
	for _, want := range []string{"All 3 items have a result, 1 of them with an exception.", "Computed outcomes not looked at yet", "No finding yet for"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q:\n%s", want, got)
		}
	}
	do(w.staff, gridAddress+"/reveal", http.StatusSeeOther)
	var differ []fieldwork.Cell
	w.paper(func(p *fieldwork.Paper, x *fieldwork.Test) {
		for _, c := range p.Differences(x) {
			for i, r := range p.Rows {
				if r == c.Item {
					differ = append(differ, fieldwork.Cell{Item: string(rune('1' + i)), Attribute: c.Attribute})
				}
			}
		}
	})
	for _, c := range differ {
		if got := w.staff.page(gridAddress + "?item=" + c.Item + "&at=" + c.Attribute); !strings.Contains(got, "your mark and the client's test differ") {
			t.Errorf("item %s does not say that it differs", c.Item)
		}
		do(w.staff, gridAddress+"/explain", http.StatusSeeOther, "item", c.Item, "at", c.Attribute, "text", "the second account is its author's "+evil)
	}
	if got = w.staff.page(gridAddress + "/finding"); !strings.Contains(got, "1 cell is marked Exception in the grid; each needs") || !strings.Contains(got, `value="2-B" checked`) || strings.Contains(got, evil) {
		t.Errorf("the form of an exception:\n%s", got)
	}
	if got = do(w.staff, gridAddress+"/finding", http.StatusUnprocessableEntity, "base", "0", "cell", "2-B", "nature", "", "text", "One of three changes was approved by its author."); !strings.Contains(got, "One of three changes was approved") {
		t.Error("what was typed of the exception is lost")
	}
	do(w.staff, gridAddress+"/finding", http.StatusSeeOther, "base", "0", "cell", "2-B", "nature", "approved by the author "+evil, "text", "One of three changes was approved by its author.", "evaluation", "not pervasive")
	const finding = "/engagements/EN-1/findings/X-1"
	if got = w.manager.page(finding); !strings.Contains(got, "Found in 1 of 3 items tested. The client knows nothing of it yet.") || strings.Contains(got, evil) || !strings.Contains(got, "not pervasive") {
		t.Errorf("the exception:\n%s", got)
	}
	do(w.staff, finding+"/release", http.StatusForbidden, "base", "1")
	do(w.manager, finding+"/release", http.StatusSeeOther, "base", "1")
	if got = w.staff.page("/engagements/EN-1/findings"); !strings.Contains(got, "One exception is written, and the client has it.") {
		t.Errorf("the list of exceptions:\n%s", got)
	}
	digest := func() (d string) {
		gridCheck(t, w.s.files.ReadFile(t.Context(), "EN-1", func(_ *fieldwork.State, f *fieldwork.File) error { d = f.PaperDigest(gridTest); return nil }))
		return d
	}
	if got = w.staff.page(gridAddress); !strings.Contains(got, "Sign off as prepared") {
		t.Fatalf("nothing is missing, and it cannot be signed off:\n%s", got)
	}
	do(w.staff, gridAddress+"/prepare", http.StatusSeeOther, "digest", digest())
	do(w.manager, gridAddress+"/notes", http.StatusSeeOther, "text", "Which rule was it? "+evil, "where", "item 2")
	do(w.manager, gridAddress+"/review", http.StatusConflict, "digest", digest())
	do(w.staff, gridAddress+"/notes/N-1/answer", http.StatusSeeOther, "base", "1", "text", "Rule 4")
	do(w.staff, gridAddress+"/notes/N-1/clear", http.StatusForbidden, "base", "2")
	do(w.manager, gridAddress+"/notes/N-1/clear", http.StatusSeeOther, "base", "2")
	do(w.staff, gridAddress+"/review", http.StatusForbidden, "digest", digest())
	w.at = w.at.Add(6 * time.Minute)
	if got = w.manager.page(gridAddress); !strings.Contains(got, "Sign in again to sign off") {
		t.Errorf("who signed in long ago is not asked to again:\n%s", got)
	}
	w.manager = w.visit(w.s, "mika")
	do(w.manager, gridAddress+"/review", http.StatusSeeOther, "digest", digest())
	if got = w.staff.page(gridAddress); !strings.Contains(got, "Version 1 is reviewed and signed off by Mika") || strings.Contains(got, evil) {
		t.Errorf("after the review:\n%s", got)
	}
	do(w.manager, gridAddress+"/reopen", http.StatusUnprocessableEntity, "why", "")
	do(w.manager, gridAddress+"/reopen", http.StatusSeeOther, "why", "a late record came")
	if got = w.staff.page(gridAddress); !strings.Contains(got, "A late record came") {
		t.Errorf("the reopening is not shown:\n%s", got)
	}
	do(w.staff, finding+"/dispose", http.StatusSeeOther, "base", "2", "as", "wrong test", "why", "the attribute asked for too much")
	do(w.staff, finding+"/confirm", http.StatusForbidden, "base", "3")
	do(w.manager, finding+"/confirm", http.StatusSeeOther, "base", "3")
	if got = w.staff.page(finding); !strings.Contains(got, "disposed of and does not count") {
		t.Errorf("after it was disposed of:\n%s", got)
	}
}

func TestSayFinding(t *testing.T) {
	for _, c := range []struct {
		name           string
		items, of      int
		known          int
		say, rateWords string
	}{
		{"sampled items", 2, 25, 0, "Found in 2 of 25 items tested.", "2 of 25 items"},
		{"sampled items, and more outside", 1, 25, 3, "Found in 1 of 25 items tested, and 3 outside the sample.", "1 of 25 items, and 3 outside the sample"},
		{"outside the sample alone", 0, 25, 1, "Found in 0 of 25 items tested, and 1 outside the sample.", "0 of 25 items, and 1 outside the sample"},
		{"a test without items", 0, 0, 0, "The test has no items.", "The test has no items"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := &fieldwork.Finding{Finding: engagement.Finding{Of: c.of, Items: make([]string, c.items), Known: make([]string, c.known)}}
			if got := sayFinding(x); got != c.say+" The client knows nothing of it yet." {
				t.Errorf("got %q; want it to begin with %q", got, c.say)
			}
			if got := gridRate(x); got != c.rateWords {
				t.Errorf("rate %q; want %q", got, c.rateWords)
			}
		})
	}
}
