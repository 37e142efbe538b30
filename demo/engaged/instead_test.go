package engaged

import (
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
)

func at(day int) time.Time { return time.Date(2025, 8, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, day-1) }

// piece is what was seen of an item from one day of August to another.
func piece(o audit.Outcome, from, to int, source string) audit.Result {
	return audit.Result{Outcome: o, Span: audit.Span{From: at(from), To: at(to)}, Stream: audit.StreamKey{Source: source}, Records: []int64{int64(from)}}
}

// TestInstead: missing days are made up for by what was seen around them only
// where they are few and the item was seen to operate on both sides.
func TestInstead(t *testing.T) {
	yes, no, left := audit.Operated, audit.NoEvidence, audit.NotApplicable
	for _, c := range []struct {
		name   string
		pieces []audit.Result
		want   engagement.Mark
		note   string
	}{
		{"seen before and after three days", []audit.Result{piece(yes, 1, 9, "hr"), piece(no, 9, 12, "hr"), piece(yes, 12, 31, "hr")}, engagement.NoException, "between 9 August and 12 August 2025"},
		{"two reasons, one hole", []audit.Result{piece(yes, 1, 9, "hr"), piece(no, 9, 11, "hr"), piece(no, 11, 12, "hr"), piece(yes, 12, 31, "hr")}, engagement.NoException, "between 9 August and 12 August 2025"},
		{"two holes", []audit.Result{piece(yes, 1, 4, "hr"), piece(no, 4, 5, "hr"), piece(yes, 5, 9, "hr"), piece(no, 9, 12, "hr"), piece(yes, 12, 31, "hr")}, engagement.NoException, "between 4 August and 5 August 2025, and between 9 August"},
		{"too long", []audit.Result{piece(yes, 1, 9, "hr"), piece(no, 9, 20, "hr"), piece(yes, 20, 31, "hr")}, engagement.UnableToTest, "between 9 August and 20 August 2025"},
		{"nothing after", []audit.Result{piece(yes, 1, 9, "hr"), piece(no, 9, 12, "hr")}, engagement.UnableToTest, "Nothing was collected"},
		{"nothing before", []audit.Result{piece(no, 9, 12, "hr"), piece(yes, 12, 31, "hr")}, engagement.UnableToTest, "Nothing was collected"},
		{"no evidence at all", []audit.Result{piece(no, 1, 31, "hr")}, engagement.UnableToTest, "Nothing was collected"},
		{"over before the hole", []audit.Result{piece(yes, 1, 5, "desk"), piece(left, 5, 9, "desk"), piece(no, 9, 31, "desk")}, engagement.NoException, "ended before the days"},
		{"never operated before the hole", []audit.Result{piece(left, 1, 9, "desk"), piece(no, 9, 31, "desk")}, engagement.UnableToTest, "Nothing was collected"},
		{"nothing to act on, before and after", []audit.Result{piece(audit.NoOccurrence, 1, 9, "cloud"), piece(no, 9, 12, "cloud"), piece(audit.NoOccurrence, 12, 31, "cloud")}, engagement.NotApplicable, "nothing the control could act on"},
		{"another outcome after than before", []audit.Result{piece(yes, 1, 9, "cloud"), piece(no, 9, 12, "cloud"), piece(left, 12, 31, "cloud")}, engagement.UnableToTest, "does not make up for it"},
		{"too long, of two", []audit.Result{piece(yes, 1, 3, "hr"), piece(no, 3, 5, "hr"), piece(yes, 5, 9, "hr"), piece(no, 9, 20, "hr"), piece(yes, 20, 31, "hr")}, engagement.UnableToTest, "between 9 August and 20 August 2025, too long"},
		{"no part of the system", []audit.Result{piece(no, 1, 31, outside)}, engagement.NotApplicable, "no part of Ledger"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := instead(c.pieces, time.UTC)
			if got.mark != c.want || !strings.Contains(got.note, c.note) {
				t.Errorf("got %s, %q; want %s, with %q", got.mark, got.note, c.want, c.note)
			}
			if got.mark == engagement.NoException && len(got.records) == 0 {
				t.Error("marked without a record that was looked at")
			}
		})
	}
}

// TestWords: the tables say what they are for, and nothing twice.
func TestWords(t *testing.T) {
	seen := map[string]string{}
	once := func(t *testing.T, id, text string) {
		t.Helper()
		if !strings.HasSuffix(text, ".") || seen[text] != "" {
			t.Errorf("%s: %q is no sentence, or stands at %s too", id, text, seen[text])
		}
		seen[text] = id
	}
	for id, w := range wordings {
		once(t, id, w.did)
		if !strings.HasSuffix(w.confirmed, ".") {
			t.Errorf("%s: %q is no sentence", id, w.confirmed)
		}
	}
	for id, a := range answers {
		once(t, id, a.cause)
		once(t, id, a.effect)
		if !strings.Contains(a.done, "20") || a.owner == "" {
			t.Errorf("response of %s: says neither when it was done nor whose it is: %q, %q", id, a.done, a.owner)
		}
		if _, ok := wordings[id]; !ok {
			t.Errorf("response of %s: it is no test", id)
		}
	}
	for _, id := range clean {
		if _, ok := wordings[id]; !ok {
			t.Errorf("%s is to be tested and has no words", id)
		}
	}
}
