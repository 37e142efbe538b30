package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tieout/access"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/examination"
)

// described has every section written, from the facts where there are any, by the
// screens alone.
func (w *examWorld) described() *examWorld {
	w.t.Helper()
	const at = "/examinations/EN-1/description"
	for n := 1; n <= 9; n++ {
		got := w.lead.post(fmt.Sprintf("%s/%d", at, n), "revision", "0", "text", "Acme keeps ledgers for small firms "+evil+", and tells here what is asked for.", "sources", "boundary")
		if got.Code != http.StatusSeeOther {
			w.t.Fatalf("write DC %d: %d\n%s", n, got.Code, got.Body)
		}
	}
	return w
}

// finished is described with version 1 finished by the signer.
func (w *examWorld) finished() *examWorld {
	w.t.Helper()
	w.described()
	w.signer.went(w.signer.post("/examinations/EN-1/description", append([]string{"controls", examControl + " " + "IAM-06"}, repeated("seen", "1", 9)...)...))
	w.exchange()
	return w
}

func repeated(name, value string, n int) (out []string) {
	for range n {
		out = append(out, name, value)
	}
	return out
}

// TestExamDescription: the description is drafted from facts, edited with its
// sources, and finished by a signer alone, without a placeholder.
func TestExamDescription(t *testing.T) {
	w := newExamWorld(t)
	const at = "/examinations/EN-1/description"
	page := w.lead.page(at)
	for _, want := range []string{"Nothing is written yet", "What the facts do not hold: ", "Drafted from the facts, not written yet", "Take the draft as the text", "CC6.2: "} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "Finish this version") {
		t.Error("who writes the description is offered to finish it")
	}
	if page := w.lead.went(w.lead.post(at+"/5/draft", "revision", "0")); !strings.Contains(page, "DC 5 now says what the facts say") || !strings.Contains(page, `href="/controls"`) {
		t.Errorf("the draft was not taken\n%s", page)
	}
	page = w.lead.went(w.lead.post(at+"/4", "revision", "0", "text", "Nothing happened "+evil, "sources", "", "text", "An outage, [insert day].", "sources", "incident:INC-1; boundary", "text", " ", "sources", "x"))
	for _, want := range []string{"Rests on nothing on record: it is its author&#39;s word.", `href="/incidents/INC-1"`, "It still holds", "1 section still holds a placeholder"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for name, tt := range map[string]struct {
		fields []string
		code   int
		says   string
	}{
		"an older page":       {[]string{"revision", "0", "text", "Kept as typed.", "sources", ""}, http.StatusConflict, "Kept as typed."},
		"a source of no kind": {[]string{"revision", "1", "text", "Kept as typed.", "sources", "See there"}, http.StatusUnprocessableEntity, "a source is written like"},
	} {
		if got := w.lead.post(at+"/4", tt.fields...); got.Code != tt.code || !strings.Contains(got.Body.String(), tt.says) {
			t.Errorf("%s: %d, want %d and %q", name, got.Code, tt.code, tt.says)
		}
	}
	if got := w.lead.post(at+"/10", "revision", "0", "text", "More."); got.Code != http.StatusUnprocessableEntity && got.Code != http.StatusNotFound {
		t.Errorf("a section there is none of: %d", got.Code)
	}
	if got := w.signer.post(at+"/4", "revision", "1", "text", "The signer's."); got.Code != http.StatusForbidden {
		t.Errorf("the signer writes a section: %d", got.Code)
	}
	if got := w.lead.post(at, "controls", examControl); got.Code != http.StatusForbidden {
		t.Errorf("the lead finishes a version: %d", got.Code)
	}
	guest := w.visit(w.s, "guest", access.Grant{Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: "EN-1"})
	if got := guest.get(at); got.Code != http.StatusForbidden {
		t.Errorf("the auditor's guest reads a description that is not finished: %d", got.Code)
	}
	if got := w.lead.get("/examinations/EN-9/description"); got.Code != http.StatusNotFound {
		t.Errorf("an examination there is none of: %d", got.Code)
	}
	w.changes(t)
}

// changes: a signer decides whether readers are told of a change.
func (w *examWorld) changes(t *testing.T) {
	t.Helper()
	fields := func(more ...string) []string {
		return append([]string{"ref", "IAM-02@2026-03-10", "revision", "0"}, more...)
	}
	if got := w.lead.post("/examinations/EN-1/changes", fields("disclosed", "no", "why", "It is small.")...); got.Code != http.StatusForbidden {
		t.Errorf("the lead decides: %d", got.Code)
	}
	if got := w.signer.post("/examinations/EN-1/changes", fields("why", "It is small.")...); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("nothing decided: %d", got.Code)
	}
	w.signer.went(w.signer.post("/examinations/EN-1/changes", fields("disclosed", "no", "why", "It is small "+evil)...))
	w.side(func(x *management.Side) {
		if r := x.Changes["IAM-02@2026-03-10"]; r == nil || r.Disclosed {
			t.Errorf("decided: %+v", x.Changes)
		}
	})
}

// TestExamFinish: what is finished is what was read, without a placeholder, and
// the firm gets it.
func TestExamFinish(t *testing.T) {
	w := newExamWorld(t)
	const at = "/examinations/EN-1/description"
	finish := func(controls string, seen ...string) (int, string) {
		fields := []string{"controls", controls}
		for _, s := range seen {
			fields = append(fields, "seen", s)
		}
		got := w.signer.post(at, fields...)
		return got.Code, got.Body.String()
	}
	ones := slices.Repeat([]string{"1"}, 9)
	if code, body := finish(examControl, ones...); code != http.StatusConflict || !strings.Contains(body, "DC 1 has no text yet") {
		t.Errorf("an empty description: %d", code)
	}
	w.described()
	w.lead.went(w.lead.post(at+"/4", "revision", "1", "text", "An outage, TBD.", "sources", ""))
	two := slices.Clone(ones)
	two[3] = "2"
	for name, tt := range map[string]struct {
		controls string
		seen     []string
		says     string
	}{
		"a section that was written since": {examControl, ones, "DC 4 has changed since you read it"}, "a placeholder": {examControl, two, "still holds &#34;TBD&#34;"},
		"no control": {"", two, "still holds"}, "not all sections": {examControl, ones[:3], "which revision"}, "a control there is none of": {"XX-99", two, "XX-99"},
	} {
		if code, body := finish(tt.controls, tt.seen...); code < 400 || !strings.Contains(body, tt.says) {
			t.Errorf("%s: %d, does not say %q", name, code, tt.says)
		}
	}
	w.lead.went(w.lead.post(at+"/4", "revision", "2", "text", "There was none.", "sources", "incidents"))
	two[3] = "3"
	if code, body := finish(examControl+", IAM-06", two...); code != http.StatusSeeOther {
		t.Fatalf("finish: %d\n%s", code, body)
	}
	w.exchange()
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		if x.Description == nil || x.Description.Version != 1 || !slices.Equal(x.Description.Controls, []string{examControl, "IAM-06"}) {
			t.Errorf("the firm has %+v", x.Description)
		}
	})
	if page := w.lead.page(at); !strings.Contains(page, "Version 1 is finished") || !strings.Contains(page, "2 controls are listed") {
		t.Errorf("the page does not say what is finished\n%s", page)
	}
}

func TestSayDescription(t *testing.T) {
	one := func(paragraphs ...engagement.Paragraph) examination.DescribedSection {
		return examination.DescribedSection{Written: &management.Section{DCSection: engagement.DCSection{Paragraphs: paragraphs}}}
	}
	bare, sourced := engagement.Paragraph{Text: "a"}, engagement.Paragraph{Text: "b", Sources: []string{"boundary"}}
	tests := []struct {
		name string
		d    examination.Described
		want string
	}{
		{"nothing", examination.Described{Sections: make([]examination.DescribedSection, 9)}, "Nothing is written yet; what the facts say stands under each section."},
		{"one of one", examination.Described{Sections: []examination.DescribedSection{one(sourced)}}, "1 of 1 section is written."},
		{"bare and missing", examination.Described{Sections: []examination.DescribedSection{one(bare, bare), {Missing: []string{"x"}}}}, "1 of 2 sections are written; 2 paragraphs rest on nothing on record; 1 fact is missing."},
		{"finished, and more since", examination.Described{Sections: []examination.DescribedSection{one(sourced)}, Final: &management.Version{Description: engagement.Description{Version: 2}}, Later: true}, "1 of 1 section is written. Version 2 is finished, and it was written on since."},
		{"issued", examination.Described{Issued: true, Final: &management.Version{Description: engagement.Description{Version: 2}}}, "Version 2 stands in the report."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sayDescription(tt.d); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
