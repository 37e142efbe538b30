package github

import (
	"fmt"
	"strings"
	"testing"
)

// TestUnchanged: the top of a long list is asked for again by its ETag; a 304
// seals nothing, a changed one is read.
func TestUnchanged(t *testing.T) {
	first := pull{number: 1, author: "ana", by: "ben", merged: at(20, "10:00"), commit: "m1"}
	second := pull{number: 2, author: "ana", by: "ben", merged: at(19, "10:00"), commit: "m2"}
	moved := pull{number: 3, author: "ana", by: "ben", merged: at(18, "10:00"), commit: "m3"}
	top := "/repos/acme/api/pulls?state=closed&sort=updated&direction=desc&base=main&per_page=100"
	for _, tc := range []struct {
		name  string
		move  bool
		pages int // sealed
		items int
	}{{"nothing moved", false, 2, 2}, {"a request moved past the reader", true, 3, 3}} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			r.organization(repository("api", nil))
			r.quiet("api")
			r.pulls("api", arr{first.object()}, arr{second.object()})
			history := arr{committed("m1", "ana", at(20, "10:00"), "m2"), committed("m2", "ana", at(19, "10:00"), "m3"), committed("m3", "ana", at(18, "10:00"))}
			if !tc.move {
				history = arr{history[0], committed("m2", "ana", at(19, "10:00"))}
			}
			r.commits("api", history...)
			for _, p := range []pull{first, second, moved} {
				r.request("api", p)
			}
			if tc.move {
				o := moved.object()
				o["updated_at"] = at(30, "23:00")
				again := good(arr{o, first.object()})
				r.on(top, r.replies[top][0], again)
			}
			rec, _ := r.collect(r.with(""), window())
			pages := 0
			for _, p := range rec.Pages {
				if p.Kind == kindPulls {
					pages++
				}
			}
			if got := len(rec.ByType("change")); pages != tc.pages || got != tc.items || r.again[top] == 0 {
				t.Errorf("%d pages, %d changes, asked by ETag %d times; want %d, %d, at least once", pages, got, r.again[top], tc.pages, tc.items)
			}
			if m := manifest(t, rec, "change", "acme/api"); !m.Complete {
				t.Errorf("incomplete: %s", m.Reason)
			}
		})
	}
}

// TestReconcile: a commit that came by a request the list does not hold shows
// that the list is not whole; numbers with a gap are a limit that is told.
func TestReconcile(t *testing.T) {
	hidden := pull{number: 4, author: "ana", by: "ben", merged: at(10, "10:00"), commit: "tip"}
	r := newReplay(t)
	r.organization(repository("api", nil))
	r.quiet("api")
	r.commits("api", committed("tip2", "ana", at(10, "10:00")))
	r.ok("/repos/acme/api/commits/"+sha("tip2")+"/pulls?per_page=100", arr{hidden.object()})
	r.numbers("api", 9, 7)
	rec, _ := r.collect(r.with(""), window())
	m := manifest(t, rec, "change", "acme/api")
	if m.Complete || !strings.Contains(m.Reason, "request 4 brought commit "+sha("tip2")) {
		t.Errorf("complete %v, reason %q", m.Complete, m.Reason)
	}
	if !strings.Contains(strings.Join(m.Cannot, "\n"), "7 issues and requests are there and the highest number is 9") {
		t.Errorf("limits %q", m.Cannot)
	}
}

// TestHidden: a commit that says it is older than the window cannot hide what
// lies below it, neither a request's commit nor a direct one.
func TestHidden(t *testing.T) {
	merged := pull{number: 1, author: "ana", by: "ben", merged: at(10, "10:00"), commit: "m1"}
	for _, tc := range []struct {
		name   string
		pulls  arr
		walk   arr
		below  arr
		reason string // "" if complete
	}{
		{"nothing is hidden", arr{merged.object()}, arr{committed("m1", "ana", at(10, "10:00"), "old")}, arr{committed("old", "ana", "2026-02-01T00:00:00Z")}, ""},
		{"a request's commit is not listed", arr{merged.object()}, arr{}, nil, "request 1 was merged as " + sha("m1")},
		{"a direct commit below one with an old time", arr{}, arr{committed("tip", "ana", at(20, "10:00"), "old")},
			arr{committed("old", "eve", "2026-02-01T00:00:00Z", "push"), committed("push", "eve", at(12, "10:00"))}, "commit " + sha("push") + " lies in the window, below " + sha("old")},
		{"commits out of order", arr{}, arr{committed("tip", "ana", at(20, "10:00"), "b"), committed("a", "ana", at(19, "10:00")), committed("b", "ana", at(18, "10:00"), "a")}, nil, "commits are not in order at " + sha("b")},
		{"what is below cannot be read", arr{}, arr{committed("tip", "ana", at(20, "10:00"), "old")}, nil, "commits below the window: 404"},
		{"its last commit is on the branch", arr{merged.object()}, arr{obj{"sha": merged.head(), "parents": arr{}, "commit": obj{"committer": obj{"date": at(10, "09:00")}}}}, nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			r.organization(repository("api", nil))
			r.quiet("api")
			r.pulls("api", tc.pulls)
			r.request("api", merged)
			r.commits("api", tc.walk...)
			for _, c := range tc.walk {
				r.ok("/repos/acme/api/commits/"+c.(obj)["sha"].(string)+"/pulls?per_page=100", tc.pulls)
			}
			if tc.below != nil {
				r.below("api", "old", tc.below...)
			} else {
				r.on("/repos/acme/api/commits?sha="+sha("old")+"&per_page=100", bad(404, "Not Found"))
			}
			rec, _ := r.collect(r.with(""), window())
			m := manifest(t, rec, "change", "acme/api")
			if m.Complete != (tc.reason == "") || !strings.Contains(m.Reason, tc.reason) {
				t.Errorf("complete %v, reason %q; want %q", m.Complete, m.Reason, tc.reason)
			}
		})
	}
}

// TestQueue: where a merge queue tests the merged commit, its checks count;
// those that began after the merge do not.
func TestQueue(t *testing.T) {
	p := pull{number: 1, author: "ana", by: "ben", merged: at(10, "10:00"), commit: "m1"}
	r := newReplay(t)
	r.organization(repository("api", nil))
	r.quiet("api")
	r.rules("api", arr{obj{"type": "merge_queue"}})
	r.pulls("api", arr{p.object()})
	r.request("api", p)
	r.commits("api", committed("m1", "ana", at(10, "09:50")))
	r.ok("/repos/acme/api/commits/"+sha("m1")+"/check-runs?filter=all&per_page=100", obj{"check_runs": arr{
		checked(1, "queue", sha("m1"), "success", at(10, "09:51"), at(10, "09:59")), checked(2, "deploy", sha("m1"), "failure", at(10, "10:01"), at(10, "10:02"))}})
	r.ok("/repos/acme/api/commits/"+sha("m1")+"/statuses?per_page=100", arr{})
	rec, _ := r.collect(r.with(""), window())
	if got := fmt.Sprint(fields(t, rec, "change", "acme/api#1")["checks"]); got != "map[failed:[] succeeded:[queue]]" {
		t.Errorf("checks %s", got)
	}
	if m := manifest(t, rec, "change", "acme/api"); !m.Complete || len(rec.ByType("check")) != 2 {
		t.Errorf("%d checks, %s", len(rec.ByType("check")), m.Reason)
	}
}
