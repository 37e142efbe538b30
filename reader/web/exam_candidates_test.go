package web

import (
	"net/http"
	"strings"
	"testing"

	"tieout/engagement/management"
)

// TestExamCandidates: what firms say stands side by side, in the order they were
// considered, and is changed only as it was read.
func TestExamCandidates(t *testing.T) {
	w := newExamWorld(t)
	const list, one = "/examinations/candidates", "/examinations/candidate"
	mustHold(t, w.lead.page(list), "No firm is written down as considered")
	page := w.lead.page(one)
	holdPage(t, one, page)
	mustHold(t, page, "What those people hold, such as CPA, CISA or CISSP", "Reference 2", `name="revision" value="0"`)
	mustHold(t, w.lead.page("/examinations/invite"), `href="/examinations/candidates"`, "What those people hold")
	ask := management.Asks[0]
	w.lead.went(w.lead.post(one, "candidate", "", "revision", "0", "name", "Brookline "+evil, "question", ask, "answer", "Massachusetts "+evil, "question", management.Asks[1], "answer", "", "who", "Acme", "said", "They came in time.", "who", "", "said", "", "note", ""))
	w.lead.went(w.lead.post(one, "candidate", "", "revision", "0", "name", "Ardent CPAs", "note", "Too far away."))
	page = w.lead.page(list)
	holdPage(t, list, page)
	mustHold(t, page, "2 firms are written down", "Nothing here ranks them", "Massachusetts &lt;", "Acme: They came in time.", "Too far away.", "Nothing written")
	if strings.Index(page, "Brookline") > strings.Index(page, "Ardent") {
		t.Error("they do not stand in the order they were considered")
	}
	for _, c := range []struct {
		name   string
		pairs  []string
		status int
		want   string
	}{
		{"without a name", []string{"candidate", "FC-1", "revision", "1", "name", ""}, http.StatusUnprocessableEntity, "name"},
		{"a reference without a word", []string{"candidate", "FC-1", "revision", "1", "name", "B", "who", "Acme", "said", ""}, http.StatusUnprocessableEntity, "what they said"},
		{"as it was before", []string{"candidate", "FC-1", "revision", "0", "name", "B"}, http.StatusConflict, "changed since"},
		{"as it is", []string{"candidate", "FC-1", "revision", "1", "name", "Brookline"}, http.StatusSeeOther, ""},
	} {
		if got := w.lead.post(one, c.pairs...); got.Code != c.status || !strings.Contains(got.Body.String(), c.want) {
			t.Errorf("%s: %d, want %d with %q", c.name, got.Code, c.status, c.want)
		}
	}
	if got := w.lead.get(one + "?candidate=FC-9"); got.Code != http.StatusNotFound {
		t.Errorf("one there is none of: %d", got.Code)
	}
}
