package git

import (
	"fmt"
	"testing"
)

const (
	ann    = "Ann Ash <ann@corp.example>"
	bob    = "Bob Birch <bob@corp.example>"
	cy     = "Cy Cole <cy@corp.example>"
	github = "GitHub <noreply@github.com>"
)

// expect is one change by its title, and what some of its fields must be;
// a nil means that the field was not collected.
type expect struct {
	title string
	want  map[string]any
}

func TestConventions(t *testing.T) {
	for _, tc := range []struct {
		name  string
		with  string
		build func(h *history)
		want  []expect
	}{
		{"merge requests of a code host, one commit put there directly", ``, mergeProject, []expect{
			{"Merge pull request #7 from corp/side", map[string]any{"direct": false, "number": 7.0, "author": "bob@corp.example", "mergedBy": "ann@corp.example", "parents": 2.0, "approvals": nil}},
			{"quick fix", map[string]any{"direct": true, "number": 0.0, "author": "bob@corp.example", "mergedBy": "bob@corp.example"}},
			{"Merge branch 'main' of example.com:corp/app", map[string]any{"direct": true, "parents": 2.0}},
			{"Merge branch 'topic' into 'main'", map[string]any{"direct": false, "number": 12.0, "author": "cy@corp.example", "approvals": "[bob@corp.example]"}},
		}},
		{"squashed requests", ``, squashProject, []expect{
			{"Add login (#3)", map[string]any{"direct": false, "number": 3.0, "author": "bob@corp.example", "mergedBy": nil, "approvals": nil}},
			{"Bump lib (#4)", map[string]any{"bot": true, "direct": false, "number": 4.0}},
			{"sneaked in", map[string]any{"direct": true, "mergedBy": "cy@corp.example"}},
		}},
		{"no sign of merges or reviews", ``, plainProject, []expect{
			{"one", map[string]any{"direct": nil, "approvals": nil, "testers": nil, "number": nil, "openedAt": nil}},
		}},
		{"review trailers, one change without", ``, trailerProject, []expect{
			{"one", map[string]any{"approvals": "[bob@corp.example cy@corp.example]", "direct": false, "testers": "[cy@corp.example]"}},
			{"two", map[string]any{"approvals": "[bob@corp.example]", "direct": false}},
			{"self", map[string]any{"approvals": "[]", "direct": true}},
			{"none", map[string]any{"approvals": "[]", "direct": true}},
		}},
		{"further trailer", `"reviewers":["Signed-off-by"]`, func(h *history) {
			h.add(line{author: ann, message: "one\n\nSigned-off-by: Bob <bob@corp.example>\nSigned-off-by: Ann <ann@corp.example>"})
		}, []expect{{"one", map[string]any{"approvals": "[bob@corp.example]"}}}},
		{"merge bot", ``, func(h *history) {
			base := h.add(line{author: ann, message: "start"})
			side := h.add(line{author: bob, message: "work", branch: "side", parents: []int{base}})
			h.add(line{author: "bors <bors@corp.example>", message: "Auto merge of #55 - bob:side, r=ann,cy\n\nWork", parents: []int{base, side}})
		}, []expect{{"Auto merge of #55 - bob:side, r=ann,cy", map[string]any{"number": 55.0, "approvals": "[ann cy]", "author": "bob@corp.example", "mergedBy": "bors@corp.example"}}}},
		{"trailers in the merged commits, co-author left out", ``, func(h *history) {
			base := h.add(line{author: ann, message: "start"})
			s1 := h.add(line{author: bob, message: "work\n\nReviewed-By : Cy <CY@corp.example>\nCo-authored-by: Dee <dee@corp.example>", branch: "side", parents: []int{base}})
			s2 := h.add(line{author: bob, message: "more\n\nApproved by: Dee <dee@corp.example>, Ann Ash <ann@corp.example>", branch: "side", parents: []int{s1}})
			h.add(line{author: ann, message: "Merge branch 'side'", parents: []int{base, s2}})
		}, []expect{{"Merge branch 'side'", map[string]any{"approvals": "[ann@corp.example cy@corp.example]", "author": "bob@corp.example"}}}},
		{"a merge brings what an earlier one did not", ``, func(h *history) {
			base := h.add(line{author: ann, message: "start"})
			s1 := h.add(line{author: bob, message: "first", branch: "side", parents: []int{base}})
			m1 := h.add(line{author: ann, message: "Merge one", parents: []int{base, s1}})
			s2 := h.add(line{author: cy, message: "second", branch: "side", parents: []int{s1}})
			h.add(line{author: ann, message: "Merge two", parents: []int{m1, s2}})
		}, []expect{
			{"Merge one", map[string]any{"author": "bob@corp.example"}},
			{"Merge two", map[string]any{"author": "cy@corp.example"}},
		}},
		{"marks", ``, func(h *history) {
			h.add(line{author: ann, message: "Revert \"one\"\n\nThis reverts commit 0123456789abcdef0123456789abcdef01234567."})
			h.add(line{author: ann, message: "[Emergency] stop the leak\n\nRefs: OPS-12, fixes corp/app#9"})
			h.add(line{author: ann, message: "work on emergency lights"})
			h.add(line{author: ann, message: "tidy\n\nEmergency-Change: yes"})
			h.add(line{author: ann, message: "read UTF-8 and CVE-2026-1"})
		}, []expect{
			{`Revert "one"`, map[string]any{"revert": true, "emergency": false}},
			{"[Emergency] stop the leak", map[string]any{"emergency": true, "revert": false, "tickets": "[OPS-12 corp/app#9]"}},
			{"work on emergency lights", map[string]any{"emergency": false}},
			{"tidy", map[string]any{"emergency": true}},
			{"read UTF-8 and CVE-2026-1", map[string]any{"tickets": "[]"}},
		}},
		{"own emergency mark", `"emergency":"(?m)^Class: urgent$"`, func(h *history) {
			h.add(line{author: ann, message: "x\n\nClass: urgent"})
			h.add(line{author: ann, message: "[hotfix] y"})
		}, []expect{{"x", map[string]any{"emergency": true}}, {"[hotfix] y", map[string]any{"emergency": false}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHistory(t)
			tc.build(h)
			r := h.done().read(tc.with)
			if len(r.Errs) > 0 || !r.Manifest("change").Complete {
				t.Fatalf("errors %v, manifest %+v", r.Errs, r.Manifest("change"))
			}
			got := map[string]map[string]any{}
			for _, it := range r.ByType("change") {
				f := fields(t, it)
				got[f["title"].(string)] = f
			}
			for _, e := range tc.want {
				compare(t, e, got[e.title])
			}
		})
	}
}

func compare(t *testing.T, e expect, got map[string]any) {
	t.Helper()
	if got == nil {
		t.Errorf("no change %q", e.title)
		return
	}
	for k, want := range e.want {
		v := got[k]
		if s, ok := want.(string); ok && len(s) > 1 && s[0] == '[' && v != nil && k != "title" {
			v = fmt.Sprint(v)
		}
		if v != want {
			t.Errorf("%q: %s = %v; want %v", e.title, k, v, want)
		}
	}
}

func mergeProject(h *history) {
	base := h.add(line{author: ann, message: "start", at: start.AddDate(-1, 0, 0)})
	side := h.add(line{author: bob, message: "work", branch: "side", parents: []int{base}})
	m := h.add(line{author: ann, committer: github, message: "Merge pull request #7 from corp/side\n\nAdd a thing", parents: []int{base, side}})
	d := h.add(line{author: bob, message: "quick fix", parents: []int{m}})
	other := h.add(line{author: cy, message: "pushed by cy", branch: "other", parents: []int{m}})
	pull := h.add(line{author: bob, message: "Merge branch 'main' of example.com:corp/app", parents: []int{d, other}})
	topic := h.add(line{author: cy, message: "topic", branch: "topic", parents: []int{pull}})
	h.add(line{author: ann, message: "Merge branch 'topic' into 'main'\n\nApproved-by: Bob <bob@corp.example>\nSee merge request corp/app!12", parents: []int{pull, topic}})
}

func squashProject(h *history) {
	h.add(line{author: bob, committer: github, message: "Add login (#3)\n\n* fix\n* more"})
	h.add(line{author: "renovate[bot] <29139614+renovate[bot]@users.noreply.github.com>", committer: github, message: "Bump lib (#4)"})
	h.add(line{author: cy, message: "sneaked in"})
}

func plainProject(h *history) {
	for _, m := range []string{"one", "two", "three"} {
		h.add(line{author: ann, message: m})
	}
}

func trailerProject(h *history) {
	h.add(line{author: ann, message: "one\n\nReviewed-by: Bob <bob@corp.example>, Cy <cy@corp.example>\nTested-by: Cy <cy@corp.example>"})
	h.add(line{author: ann, message: "two\n\nACKED-BY: bob@corp.example"})
	h.add(line{author: ann, message: "self\n\nReviewed-by: Ann Ash <ann@corp.example>\nReviewed-by: @ann\nReviewed-by: nobody"})
	h.add(line{author: ann, message: "none\n\n> Reviewed-by: Bob <bob@corp.example>"})
}

func TestConventionThresholds(t *testing.T) {
	for _, tc := range []struct {
		name                    string
		c                       convention
		requests, reviews, test bool
	}{
		{"nothing", convention{}, false, false, false},
		{"one merge in ten", convention{Changes: 10, Merges: 1, All: 9}, true, false, false},
		{"one merge in eleven", convention{Changes: 11, Merges: 1, All: 10}, false, false, false},
		{"half are reviewed", convention{Changes: 4, Reviewed: 2, All: 4, AllReviewed: 2}, false, true, false},
		{"fewer than half", convention{Changes: 5, Reviewed: 2, All: 5, AllReviewed: 2}, false, false, false},
		{"trailers in merged commits", convention{Changes: 2, Merges: 2, All: 10, AllReviewed: 6, AllTested: 5}, true, true, true},
	} {
		if tc.c.takesRequests() != tc.requests || tc.c.namesReviewers() != tc.reviews || tc.c.namesTesters() != tc.test {
			t.Errorf("%s: requests %v, reviews %v, tests %v; want %v, %v, %v", tc.name,
				tc.c.takesRequests(), tc.c.namesReviewers(), tc.c.namesTesters(), tc.requests, tc.reviews, tc.test)
		}
	}
}
