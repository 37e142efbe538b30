package fieldwork_test

import (
	"errors"
	"fmt"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// keyed is who acts by a request with an idempotency key.
func keyed(by access.Subject, key string) access.Subject {
	by.Once = key
	return by
}

// TestSentAgainIsAnsweredAlike: an act that computes what it writes, sent again
// under its key, writes nothing more and gives what it gave; another request under
// the key is refused as that.
func TestSentAgainIsAnsweredAlike(t *testing.T) {
	t.Parallel()
	w := planned(t, "CHG-01")
	ctx := t.Context()
	commit := func(key, round string) (string, error) {
		c, err := w.book.CommitNonce(ctx, keyed(staff, key), "EN-1", "CHG-01", round, "")
		return c.Hidden, err
	}
	order := random(5)
	order.Stages = []fieldwork.Stage{{Items: 5}, {Items: 10, Accepted: 1}}
	draw := func(key string, o fieldwork.Order) (string, error) {
		x, err := w.book.DrawSample(ctx, keyed(staff, key), "EN-1", o)
		return fmt.Sprint(x.ID, x.Record, x.Draws), err
	}
	extend := func(key, sample string) (string, error) {
		x, err := w.book.ExtendSample(ctx, keyed(staff, key), "EN-1", sample, w.revision("sample:EN-1/"+sample))
		return fmt.Sprint(x.Items), err
	}
	void := ""
	replace := func(key, why string) (string, error) {
		r, err := w.book.ReplaceItem(ctx, keyed(staff, key), "EN-1", "S-1", void, why, []int64{17}, w.revision("sample:EN-1/S-1"))
		return fmt.Sprint(r), err
	}
	for _, tt := range []struct {
		name        string
		before      func()
		once, other func() (string, error)
	}{
		{"a nonce", func() {}, func() (string, error) { return commit("K-1", "1") }, func() (string, error) { return commit("K-1", "2") }},
		{"a draw", func() { w.fed(40, "CHG-01") }, func() (string, error) { return draw("K-2", order) }, func() (string, error) { o := order; o.Size = 6; return draw("K-2", o) }},
		{"an extension", func() {}, func() (string, error) { return extend("K-3", "S-1") }, func() (string, error) { return extend("K-3", "S-10") }},
		{"a replacement", func() { void = must[fieldwork.Sample](t)(w.book.Sample(ctx, "EN-1", "S-1")).Items[1] },
			func() (string, error) { return replace("K-4", "a test entry of the tool itself") }, func() (string, error) { return replace("K-4", "it is of another system") }},
	} {
		tt.before()
		first := must[string](t)(tt.once())
		size := w.size()
		if again, err := tt.once(); err != nil || again != first || w.size() != size {
			t.Errorf("%s sent again: %q, %v, the log grew by %d; want %q and nothing more", tt.name, again, err, w.size()-size, first)
		}
		if _, err := tt.other(); !errors.Is(err, book.ErrKeyUsed) {
			t.Errorf("%s, another request under its key: %v; want it refused as that", tt.name, err)
		}
	}
	if _, err := w.book.DrawSample(ctx, keyed(staff, "K-1"), "EN-1", order); !errors.Is(err, book.ErrKeyUsed) {
		t.Errorf("a draw under the key of a nonce: %v; want it refused as that", err)
	}
}

// TestOneKeyForSeveralEntries: a request that writes several entries completes
// under one key, also when it is sent again.
func TestOneKeyForSeveralEntries(t *testing.T) {
	t.Parallel()
	w := sampled(t)
	ctx := t.Context()
	x := testOf("CHG-01")
	for i := range x.Attributes {
		x.Attributes[i].Procedure = "change.review"
	}
	check(t, w.book.SetTest(ctx, manager, "EN-1", x, "both are computed", w.revision("test:EN-1/"+opTest)))
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	for range 2 {
		check(t, w.book.LookForKnown(ctx, keyed(staff, "K-1"), "EN-1", opTest))
	}
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if got := f.Looked[opTest]; len(got) != len(x.Attributes) {
			t.Errorf("%d looks; want one for each of %d computed attributes", len(got), len(x.Attributes))
		}
	})
	var list []string
	for _, title := range []string{"Minutes", "Policy"} {
		r := must[fieldwork.Request](t)(w.book.SetRequest(ctx, staff, "EN-1", engagement.Request{Kind: "document", Title: title, Asks: "As it was in force.", Tests: []string{opTest}}, 0))
		list = append(list, r.ID)
	}
	for range 2 {
		check(t, w.book.ReleaseRequests(ctx, keyed(staff, "K-2"), "EN-1", list...))
	}
	if got := must[[]engagement.RequestNews](t)(w.book.RequestNewsOf(ctx, "EN-1")); len(got) != 2 {
		t.Errorf("the client is sent %+v; want both", got)
	}
}

// TestBeforeKnowsItsActs: what is asked of an act or a step is answered by its
// gates, and a word that is neither is told from an act that is free.
func TestBeforeKnowsItsActs(t *testing.T) {
	t.Parallel()
	w := opened(t)
	w.file(func(s *fieldwork.State, f *fieldwork.File) {
		for act, found := range map[string]bool{"report.issue": true, "paper.prepare": true, "fieldwork": true, "draft review": true, "report.isue": false, "": false, "monitoring": false} {
			got, err := s.Before(f, act, "", w.now())
			if found && (err != nil || len(got) == 0) || !found && !errors.Is(err, audit.ErrNotFound) {
				t.Errorf("%q: %v, %v; want it known: %t", act, got, err, found)
			}
		}
		if f.Next() != engagement.Fieldwork {
			t.Errorf("the next step is %q; want fieldwork", f.Next())
		}
	})
}

// TestIssueIsJudgedAsOfToday: who looks before they issue and names no day is told
// how it stands for today.
func TestIssueIsJudgedAsOfToday(t *testing.T) {
	t.Parallel()
	w := issuable(t)
	w.file(func(s *fieldwork.State, f *fieldwork.File) {
		for _, g := range s.Standing(f, "report.issue", "", w.now()) {
			if g.Missing != "" {
				t.Errorf("dated today: %s: %s; want nothing missing", g.Needs, g.Missing)
			}
		}
		for _, g := range s.StandingToIssue(f, "2027-02-19", "", w.now()) {
			if g.Missing != "" && g.Needs == "a representation letter of each of them is here, dated as the report" {
				return
			}
		}
		t.Error("dated the day before, the letter of today is as good; want it missing")
	})
}
