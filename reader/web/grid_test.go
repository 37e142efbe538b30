package web

import (
	"net/http"
	"strings"
	"testing"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

const gridAddress = "/engagements/EN-1/tests/" + gridTest

func TestGridSays(t *testing.T) {
	for _, c := range []struct {
		name                          string
		there, items                  bool
		done, of, exceptions, version int
		signed, want                  string
	}{
		{"no workpaper", false, true, 0, 0, 0, 0, "", "This test has no workpaper yet; it opens with a sample of the control, or with a population that holds no item."},
		{"no workpaper, no items", false, false, 0, 0, 0, 0, "", "This test has no workpaper yet; it has no items, so nothing is drawn for it."},
		{"none of one", true, true, 0, 1, 0, 0, "", "The one item has no result yet."},
		{"none of many", true, true, 0, 25, 0, 0, "", "None of 25 items has a result yet."},
		{"some", true, true, 18, 25, 0, 0, "", "18 of 25 items have a result, without an exception."},
		{"some, one exception", true, true, 18, 25, 1, 0, "", "18 of 25 items have a result, 1 of them with an exception."},
		{"one of one", true, true, 1, 1, 1, 0, "", "The one item has a result, with an exception."},
		{"all", true, true, 25, 25, 2, 0, "", "All 25 items have a result, 2 of them with exceptions."},
		{"no items", true, false, 0, 1, 0, 0, "", "The test has no result yet."},
		{"no items, done", true, false, 1, 1, 0, 0, "", "The test has a result, without an exception."},
		{"signed", true, true, 25, 25, 2, 2, "Mika", "Version 2 is reviewed and signed off by Mika."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sayGrid(c.there, c.items, c.done, c.of, c.exceptions, c.version, c.signed); got != c.want {
				t.Errorf("got %q; want %q", got, c.want)
			}
		})
	}
}

func TestGridOpensFromASample(t *testing.T) {
	w := gridPlanned(t, 60)
	if got := w.staff.page(gridAddress); !strings.Contains(got, "What is missing") || !strings.Contains(got, "sample") {
		t.Errorf("before the draw the page does not say what is missing:\n%s", got)
	}
	w = gridDrawn(t, 60, 6)
	if got := w.staff.page(gridAddress); !strings.Contains(got, "S-1, 6 items of") || strings.Contains(got, evil) {
		t.Errorf("the sample is not offered, or a name is not escaped:\n%s", got)
	}
	if got := w.staff.post(gridAddress+"/open", "sample", "S-9"); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "no sample of control CHG-01") {
		t.Errorf("another sample: %d", got.Code)
	}
	if got := w.staff.post(gridAddress+"/open", "sample", "S-1"); got.Code != http.StatusSeeOther {
		t.Fatalf("open: %d\n%s", got.Code, got.Body)
	}
	got := w.staff.page(gridAddress)
	for _, want := range []string{"None of 6 items has a result yet.", "No item is open", "60 items of", "Seed", "by the client, before sampling", "agreed with the partner"} {
		if !strings.Contains(strings.ReplaceAll(got, "Agreed", "agreed"), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestGridMarksAnItem(t *testing.T) {
	w := gridOpened(t, 60, 6)
	got := w.staff.page(gridAddress + "?item=2")
	for _, want := range []string{"Item 2 of 6", "D.lindqvist", "E-48211", "shown after your own mark", "P-1, round 1, entry E-41 of the client&#39;s log"} {
		if !strings.Contains(strings.ReplaceAll(got, "d.lindqvist", "D.lindqvist"), want) {
			t.Errorf("the open item does not show %q", want)
		}
	}
	if strings.Contains(got, "came to: ") {
		t.Error("what was computed is shown before the own mark")
	}
	w.paper(func(p *fieldwork.Paper, _ *fieldwork.Test) {
		if at := p.Opened[w.staff.account][p.Rows[1]]; at.IsZero() || len(p.Opened[w.staff.account]) != 1 {
			t.Errorf("opened %v; want item 2 alone", p.Opened)
		}
	})
	one := []string{"item", "2", "at", "B", "was-A", "", "base-A", "0", "was-B", "", "base-B", "0", "was-C", "", "base-C", "0", "was-D", "", "base-D", "0"}
	post := func(more ...string) (int, string) {
		r := w.staff.post(gridAddress+"/mark", append(append([]string{}, one...), more...)...)
		return r.Code, r.Header().Get("Location") + r.Body.String()
	}
	if code, body := post(); code != http.StatusUnprocessableEntity || !strings.Contains(body, "choose a result") {
		t.Errorf("nothing marked: %d", code)
	}
	if code, body := post("mark-B", "Exception"); code != http.StatusUnprocessableEntity || !strings.Contains(body, "say what the exception is") || !strings.Contains(body, `name="note-B" value="" maxlength="20000" data-key="n" data-focus`) {
		t.Errorf("an exception without a note: %d\n%s", code, body)
	}
	if code, body := post("mark-B", "Exception", "note-B", "approved by its author "+evil, "mark-A", "No exception"); code != http.StatusSeeOther || !strings.Contains(body, "item=2&at=C") {
		t.Fatalf("marked: %d %s", code, body)
	}
	got = w.staff.page(gridAddress + "?item=2&at=B")
	if !strings.Contains(got, "None of 6 items has a result yet.") || !strings.Contains(got, "approved by its author") || strings.Contains(got, evil) || !strings.Contains(got, "can be shown now") {
		t.Errorf("after marking:\n%s", got)
	}
	if r := w.staff.post(gridAddress+"/reveal", "item", "2", "at", "B"); r.Code != http.StatusSeeOther {
		t.Fatalf("reveal: %d %s", r.Code, r.Body)
	}
	if got = w.staff.page(gridAddress + "?item=2&at=B"); !strings.Contains(got, "change.review came to: ") {
		t.Errorf("the computed outcome is not shown:\n%s", got)
	}
	w.paper(func(p *fieldwork.Paper, _ *fieldwork.Test) {
		m := p.Cells[fieldwork.Cell{Item: p.Rows[1], Attribute: "B"}]
		if m.Mark != engagement.Exception || len(m.Evidence) != 2 {
			t.Errorf("marked %+v; want an exception with the item's two records", m)
		}
	})
}

// Two people mark one cell: the second one sees what the first wrote, and loses
// nothing of what they typed.
func TestGridShowsAConflict(t *testing.T) {
	w := gridOpened(t, 60, 6)
	w.staff.page(gridAddress + "?item=1")
	w.manager.page(gridAddress + "?item=1")
	form := []string{"item", "1", "at", "A", "was-A", "", "base-A", "0"}
	if r := w.manager.post(gridAddress+"/mark", append(form, "mark-A", "Not applicable", "note-A", "a change of a rule")...); r.Code != http.StatusSeeOther {
		t.Fatalf("first: %d %s", r.Code, r.Body)
	}
	r := w.staff.post(gridAddress+"/mark", append(form, "mark-A", "Exception", "note-A", "no ticket is named")...)
	body := r.Body.String()
	if r.Code != http.StatusConflict {
		t.Fatalf("second: %d; want a conflict", r.Code)
	}
	for _, want := range []string{"Mika", "marked A of this item", "Not applicable", "a change of a rule", "What you typed is still here", `value="no ticket is named"`, `name="base-A" value="1"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the conflict does not show %q:\n%s", want, body)
		}
	}
	form[7], form[5] = "1", "Not applicable"
	if r := w.staff.post(gridAddress+"/mark", append(form, "mark-A", "Exception", "note-A", "no ticket is named", "why-A", "rules need a ticket too")...); r.Code != http.StatusSeeOther {
		t.Errorf("with a reason: %d %s", r.Code, r.Body)
	}
	if got := w.staff.page(gridAddress + "?item=1&at=A"); !strings.Contains(got, "Before: Not applicable") || !strings.Contains(got, "rules need a ticket too") {
		t.Errorf("the earlier mark is gone:\n%s", got)
	}
}

func TestGridMarksOpenedItemsTogether(t *testing.T) {
	w := gridOpened(t, 60, 6)
	if got := w.staff.page(gridAddress + "/together"); !strings.Contains(got, "No item you opened waits for a result.") {
		t.Errorf("nothing is opened:\n%s", got)
	}
	w.staff.page(gridAddress + "?item=1")
	w.staff.page(gridAddress + "?item=3")
	if got := w.staff.page(gridAddress + "/together"); !strings.Contains(got, "You opened 2 items that wait for a result") || strings.Count(got, `name="cell"`) != 8 {
		t.Errorf("two are opened:\n%s", got)
	}
	if r := w.staff.post(gridAddress+"/together", "attribute", "A", "mark", "No exception", "cell", "1-A@0", "cell", "2-A@0"); r.Code != http.StatusConflict || !strings.Contains(r.Body.String(), "you have not opened item") && !strings.Contains(r.Body.String(), "You have not opened item") {
		t.Errorf("an item that was not opened: %d", r.Code)
	}
	if r := w.staff.post(gridAddress+"/together", "attribute", "A", "attribute", "B", "mark", "No exception", "cell", "1-A@0", "cell", "1-B@0", "cell", "3-A@0", "cell", "3-C@0"); r.Code != http.StatusSeeOther {
		t.Fatalf("together: %d %s", r.Code, r.Body)
	}
	w.paper(func(p *fieldwork.Paper, _ *fieldwork.Test) {
		if len(p.Cells) != 3 {
			t.Errorf("%d cells are marked; want the 3 of ticked attributes", len(p.Cells))
		}
	})
}

func TestGridIsNotForEverybody(t *testing.T) {
	w := gridOpened(t, 20, 3)
	other := w.visit(w.s, "nobody")
	for _, path := range []string{gridAddress, gridAddress + "?item=1", gridAddress + "/together"} {
		if got := other.get(path); got.Code != http.StatusForbidden {
			t.Errorf("%s: %d; want it forbidden", path, got.Code)
		}
	}
	r := newRequest(gridAddress + "?item=2")
	r.Host = host
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if got := w.staff.send(r); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "is not recorded") {
		t.Errorf("from another site: %d", got.Code)
	}
	w.paper(func(p *fieldwork.Paper, _ *fieldwork.Test) {
		if len(p.Opened) != 0 {
			t.Errorf("another site's link opened %v", p.Opened)
		}
	})
}

// TestGridRevealsTheOpenItemAlone: who asks twice for one item's computed outcomes
// is shown no other's.
func TestGridRevealsTheOpenItemAlone(t *testing.T) {
	t.Parallel()
	w := gridOpened(t, 40, 4)
	for _, n := range []string{"1", "2"} {
		if r := w.staff.post(gridAddress+"/mark", "item", n, "at", "B", "was-B", "", "base-B", "0", "mark-B", "No exception"); r.Code != http.StatusSeeOther {
			t.Fatalf("marked: %d", r.Code)
		}
	}
	shown := func() (n int) {
		w.paper(func(p *fieldwork.Paper, _ *fieldwork.Test) { n = len(p.Revealed) })
		return n
	}
	for range 2 {
		if r := w.staff.post(gridAddress+"/reveal", "item", "1", "at", "B"); r.Code != http.StatusSeeOther || shown() != 1 {
			t.Errorf("reveal item 1: %d, %d shown; want its one alone", r.Code, shown())
		}
	}
	if r := w.staff.post(gridAddress + "/reveal"); r.Code != http.StatusSeeOther || shown() != 2 {
		t.Errorf("reveal all: %d, %d shown; want both", r.Code, shown())
	}
}

// TestGridHeadOpensNothing: who asks for the head of a page has nothing before them.
func TestGridHeadOpensNothing(t *testing.T) {
	t.Parallel()
	w := gridOpened(t, 20, 3)
	w.staff.do("HEAD", gridAddress+"?item=2", host)
	w.paper(func(p *fieldwork.Paper, _ *fieldwork.Test) {
		if len(p.Opened) != 0 {
			t.Errorf("the head of a page opened %v", p.Opened)
		}
	})
}

// TestGridMarksTogetherWithRecords: marks given together rest on each item's own
// records.
func TestGridMarksTogetherWithRecords(t *testing.T) {
	t.Parallel()
	w := gridOpened(t, 40, 4)
	w.staff.page(gridAddress + "?item=1")
	w.staff.page(gridAddress + "?item=2")
	if r := w.staff.post(gridAddress+"/together", "attribute", "A", "mark", "No exception", "cell", "1-A@0", "cell", "2-A@0"); r.Code != http.StatusSeeOther {
		t.Fatalf("together: %d %s", r.Code, r.Body)
	}
	w.paper(func(p *fieldwork.Paper, _ *fieldwork.Test) {
		a, b := p.Cells[fieldwork.Cell{Item: p.Rows[0], Attribute: "A"}], p.Cells[fieldwork.Cell{Item: p.Rows[1], Attribute: "A"}]
		if len(a.Evidence) != 2 || len(b.Evidence) != 2 || a.Evidence[0] == b.Evidence[0] {
			t.Errorf("the marks rest on %v and %v; want each item's two records", a.Evidence, b.Evidence)
		}
	})
}
