package web

import (
	"fmt"
	"slices"
	"strings"

	"tieout/book"
	"tieout/engagement/fieldwork"
	"tieout/internal/natural"
	"tieout/report"
)

// A testsBeside are the tests of an engagement around one, so that a tester goes
// from test to test.
type testsBeside struct {
	of            string // address of the plan
	links         []railLink
	more          int // tests that are not among the links
	Before, After link
}

// besideAtOnce is how many tests the side bar lists; of more, those around the
// one that is open.
const besideAtOnce = 40

// firmTestsBeside lists the tests of a file that are performed, in the order of
// their names.
func firmTestsBeside(f *fieldwork.File, open string) (out testsBeside) {
	var tests []*fieldwork.Test
	for _, t := range book.Sorted(f.Tests) {
		if t.Dropped == "" || t.ID == open {
			tests = append(tests, t)
		}
	}
	slices.SortStableFunc(tests, func(a, b *fieldwork.Test) int { return natural.Compare(a.ID, b.ID) })
	at := slices.IndexFunc(tests, func(t *fieldwork.Test) bool { return t.ID == open })
	to := func(i int) link { return link{tests[i].ID, gridBase(f.Terms.ID, tests[i].ID)} }
	if at > 0 {
		out.Before = to(at - 1)
	}
	if at+1 < len(tests) {
		out.After = to(at + 1)
	}
	from := max(0, min(at-besideAtOnce/2, len(tests)-besideAtOnce))
	for i := from; i < min(len(tests), from+besideAtOnce); i++ {
		out.links = append(out.links, railLink{to(i), testCount(f, tests[i]), i == at})
	}
	out.of, out.more = "/engagements/"+f.Terms.ID+"/plan", len(tests)-len(out.links)
	return out
}

// testCount is how far a test's workpaper is, in a few letters.
func testCount(f *fieldwork.File, t *fieldwork.Test) string {
	p := f.Papers[t.ID]
	switch {
	case p == nil:
		return ""
	case p.Reviewed != nil:
		return "signed"
	case p.Prepared != nil:
		return "in review"
	}
	all := (len(p.Rows) - len(p.Void)) * len(t.Attributes)
	return fmt.Sprintf("%d/%d", all-len(p.Untested(t)), all)
}

// rail is the list in the side bar.
func (b testsBeside) rail() railGroup {
	g := railGroup{Name: "Tests", Links: b.links}
	if b.more > 0 {
		g.Links = append(slices.Clone(b.links), railLink{link{fmt.Sprintf("%s more, in the plan", report.Number(b.more)), b.of}, "", false})
	}
	return g
}

// concludedBy is what a test's workpaper is concluded under.
func concludedBy(t fieldwork.Test) string {
	if len(t.Criteria) > 0 && !slices.ContainsFunc(t.Criteria, func(c string) bool { return c != "DC" && !strings.HasPrefix(c, "DC ") }) {
		return fieldwork.OnDC + ":" + t.Criteria[0]
	}
	return fieldwork.OnControl + ":" + t.Control
}
