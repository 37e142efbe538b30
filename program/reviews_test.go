package program_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
)

var oda = as("oda", access.ControlOwner, access.Employee)

func init() {
	oda.Grants[0] = access.Grant{Role: access.ControlOwner, Scope: access.ScopeSystem, Object: "okta"}
}

func listOf(system string, rows ...program.ListRow) program.ReviewList {
	for i := range rows {
		rows[i].System, rows[i].Account, rows[i].Status = system, system+"/"+rows[i].Login, "active"
	}
	return program.ReviewList{Rows: rows, Parts: []program.ReviewPart{{System: system, Listed: len(rows), Whole: true, Privileged: true,
		Read: []program.ListRead{{Source: "idp", Type: "account", AsOf: "2026-03-01T06:00:00Z", Record: 4}}}}}
}

func threeAccounts() program.ReviewList {
	return listOf("okta", program.ListRow{Login: "ana", Person: "hr/3", Name: "Ana Silva"}, program.ListRow{Login: "ben", Person: "hr/7", Odd: []string{"leaver"}},
		program.ListRow{Login: "ci", Kind: "service", Roles: []program.ListRole{{ID: "okta/ci|admins", Group: "admins", Privileged: true, Record: 5}}})
}

// opened is a world with a review of three accounts, which lea and oda review.
func opened(t *testing.T) (*world, program.Review) {
	w := newWorld(t)
	for who, person := range map[string]string{leaID: "hr/1", "oda": "hr/2"} {
		must[program.Identity](t)(w.book.LinkIdentity(t.Context(), lead, program.OfTieout, who, person, "", 0))
	}
	r := must[program.Review](t)(w.book.OpenReview(t.Context(), lead, "2026-Q1", start.AddDate(0, 1, 0), threeAccounts()))
	r = must[program.Review](t)(w.book.AssignReview(t.Context(), lead, r.ID, "okta", []program.Reviewer{{Account: leaID, Email: "lea@acme.example"}, {Account: "oda"}}, "mia", 0))
	return w, r
}

func TestReviewWhole(t *testing.T) {
	w, r := opened(t)
	ctx := t.Context()
	if r.ID != "AR-1" || r.Status != "open" || len(r.Rows) != 3 || r.Parts[0].AsOf.Format(time.DateOnly) != "2026-03-01" || !r.Parts[0].Reviews("oda") {
		t.Fatalf("opened: %+v", r)
	}
	decide := func(n int, c program.ReviewChoice, rev int64) program.ReviewRow {
		t.Helper()
		return must[program.ReviewRow](t)(w.book.DecideRow(ctx, oda, r.ID, n, c, rev))
	}
	decide(1, program.ReviewChoice{Decision: "keep"}, 0)
	w.pass(time.Minute)
	row := decide(2, program.ReviewChoice{Decision: "ask", Note: "Is Ben still with us?", AskOf: "mia"}, 0)
	mia := as("mia", access.Employee)
	err := w.book.Read(ctx, func(s *program.State) error {
		if q := s.AskedOf("mia"); len(q) != 1 || q[0].Row.N != 2 || q[0].Review != r.ID {
			t.Errorf("asked of mia: %+v", q)
		}
		if q := s.ToReviewBy("oda"); len(q) != 1 || q[0].Count.Left != 2 || q[0].Count.Asked != 1 {
			t.Errorf("to review by oda: %+v", q)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	row = must[program.ReviewRow](t)(w.book.AnswerRow(ctx, mia, r.ID, 2, "He left in February.", row.Revision))
	if row.Answer == "" || !row.Left() {
		t.Errorf("answered: %+v", row)
	}
	decide(2, program.ReviewChoice{Decision: "remove", Note: "Left in February."}, row.Revision)
	decide(3, program.ReviewChoice{Decision: "remove", Roles: []string{"okta/ci|admins"}}, 0)
	w.pass(time.Minute)
	whole := must[program.Review](t)(w.book.Review(ctx, r.ID))
	saw := whole.SeenOf("okta")
	for name, other := range map[string]func(*program.ReviewSeen){
		"another number": func(s *program.ReviewSeen) { s.Keep, s.Remove = 2, 1 },
		"other decisions of the same numbers": func(s *program.ReviewSeen) {
			swapped := must[program.Review](t)(w.book.Review(ctx, r.ID))
			swapped.Rows[0].Decision, swapped.Rows[1].Decision = swapped.Rows[1].Decision, swapped.Rows[0].Decision
			*s = swapped.SeenOf("okta")
		},
		"an older decision of a row": func(s *program.ReviewSeen) {
			older := must[program.Review](t)(w.book.Review(ctx, r.ID))
			older.Rows[1].Entry--
			*s = older.SeenOf("okta")
		},
		"other memberships to take away": func(s *program.ReviewSeen) {
			less := must[program.Review](t)(w.book.Review(ctx, r.ID))
			less.Rows[2].TakeAway = nil
			*s = less.SeenOf("okta")
		},
	} {
		seen := saw
		other(&seen)
		if _, err := w.book.CompleteReview(ctx, oda, r.ID, "okta", seen, 1); !errors.Is(err, audit.ErrConflict) {
			t.Errorf("%s was seen: %v", name, err)
		}
	}
	if _, err := w.book.CompleteReview(ctx, oda, r.ID, "okta", program.ReviewSeen{Keep: 1, Remove: 2}, 1); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("nobody says what was seen: %v", err)
	}
	got := must[program.Review](t)(w.book.CompleteReview(ctx, oda, r.ID, "okta", saw, 1))
	if got.Status != "complete" || !got.Parts[0].Completed.Equal(start.Add(2*time.Minute)) || got.Parts[0].By != "oda" || got.Parts[0].Record < 1 {
		t.Errorf("completed: %+v", got.Parts[0])
	}
	if diff := cmp.Diff(got, must[program.Review](t)(w.again().Review(ctx, r.ID))); diff != "" {
		t.Errorf("another server reads it otherwise (-first +other):\n%s", diff)
	}
	var fact audit.Fact
	if err := w.book.Read(ctx, func(s *program.State) error { fact = s.Facts[len(s.Facts)-1]; return nil }); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"system": "okta", "cycle": "2026-Q1", "reviewer": "hr/2", "listed": 3, "decided": 3, "toRemove": []string{"okta/ben"}, "privileged": true}
	if diff := cmp.Diff(want, fact.Fields); diff != "" || fact.Type != "accessReview" || fact.ID != "AR-1/okta" {
		t.Errorf("%s %s (-want +got):\n%s", fact.Type, fact.ID, diff)
	}
	err = w.book.Read(ctx, func(s *program.State) error {
		if x := s.ToRemoveBy("mia"); len(x) != 1 || len(x[0].Rows) != 2 || x[0].System != "okta" || len(s.ToRemoveBy("oda")) != 0 {
			t.Errorf("to remove by mia: %+v", x)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.book.DecideRow(ctx, oda, r.ID, 1, program.ReviewChoice{Decision: "remove"}, 1); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("a decision after the end: %v", err)
	}
}

func TestReviewRefused(t *testing.T) {
	w, r := opened(t)
	ctx := t.Context()
	must[program.ReviewRow](t)(w.book.DecideRow(ctx, lead, r.ID, 1, program.ReviewChoice{Decision: "keep"}, 0))
	own := threeAccounts()
	own.Rows[0].Person, own.Rows[1].Email = "hr/1", "LEA@acme.example"
	second := must[program.Review](t)(w.book.OpenReview(ctx, lead, "2026-Q2", time.Time{}, own))
	must[program.Review](t)(w.book.AssignReview(ctx, lead, second.ID, "okta", []program.Reviewer{{Account: leaID, Email: "lea@acme.example"}, {Account: "nil"}}, "mia", 0))
	unlinked := as("nil", access.ComplianceLead)
	keep, askMia := program.ReviewChoice{Decision: "keep"}, program.ReviewChoice{Decision: "ask", AskOf: "mia", Note: "Why?"}
	must[program.ReviewRow](t)(w.book.DecideRow(ctx, lead, second.ID, 3, askMia, 0))
	decide := func(by access.Subject, id string, n int, c program.ReviewChoice, rev int64) func() error {
		return func() error { _, err := w.book.DecideRow(ctx, by, id, n, c, rev); return err }
	}
	open := func(by access.Subject, cycle string, l program.ReviewList) func() error {
		return func() error { _, err := w.book.OpenReview(ctx, by, cycle, time.Time{}, l); return err }
	}
	tests := []struct {
		name string
		do   func() error
		want error
	}{
		{"opened by an owner", open(oda, "2026-Q3", threeAccounts()), audit.ErrForbidden},
		{"opened twice", open(lead, "2026-Q1", threeAccounts()), audit.ErrConflict},
		{"of a cycle nobody knows", open(lead, "Q1", threeAccounts()), audit.ErrInvalid},
		{"of an empty list", open(lead, "2026-Q3", listOf("okta")), audit.ErrInvalid},
		{"decided by a reader", decide(reader, r.ID, 2, keep, 0), audit.ErrForbidden},
		{"decided by who does not review", decide(as("leo", access.ComplianceLead), r.ID, 2, keep, 0), audit.ErrForbidden},
		{"decided on what changed", decide(oda, r.ID, 1, keep, 0), audit.ErrConflict},
		{"one's own, by the link", decide(lead, second.ID, 1, keep, 0), audit.ErrForbidden},
		{"one's own, by the address", decide(lead, second.ID, 2, keep, 0), audit.ErrForbidden},
		{"by somebody nobody knows who it is", decide(unlinked, second.ID, 1, keep, 0), audit.ErrForbidden},
		{"a row that is not there", decide(oda, r.ID, 9, keep, 0), audit.ErrNotFound},
		{"asked of nobody", decide(oda, r.ID, 2, program.ReviewChoice{Decision: "ask", Note: "Why?"}, 0), audit.ErrInvalid},
		{"asked without words", decide(oda, r.ID, 2, program.ReviewChoice{Decision: "ask", AskOf: "mia"}, 0), audit.ErrInvalid},
		{"a membership it has not", decide(oda, r.ID, 3, program.ReviewChoice{Decision: "remove", Roles: []string{"okta/x"}}, 0), audit.ErrInvalid},
		{"completed with rows left", func() error { _, err := w.book.CompleteReview(ctx, oda, r.ID, "okta", r.SeenOf("okta"), 1); return err }, audit.ErrConflict},
		{"answered by somebody else", func() error {
			_, err := w.book.AnswerRow(ctx, as("eve", access.Employee), second.ID, 3, "So.", 1)
			return err
		}, audit.ErrForbidden},
		{"kept together without having been opened", func() error {
			_, err := w.book.KeepSeen(ctx, oda, r.ID, "okta", map[int]int64{2: 0, 3: 0}, "")
			return err
		}, audit.ErrInvalid},
		{"canceled without a reason", func() error { _, err := w.book.CancelReview(ctx, lead, r.ID, " ", r.Revision); return err }, audit.ErrInvalid},
		{"a service account, by somebody nobody knows who it is", decide(unlinked, second.ID, 3, keep, 1), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.do(); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestKeepSeen(t *testing.T) {
	w, r := opened(t)
	ctx := t.Context()
	revs := map[int]int64{}
	for _, n := range []int{1, 3} {
		revs[n] = must[program.ReviewRow](t)(w.book.SetRowAside(ctx, oda, r.ID, n, 0)).Revision
	}
	if _, err := w.book.KeepSeen(ctx, lead, r.ID, "okta", revs, ""); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("what somebody else opened: %v", err)
	}
	r = must[program.Review](t)(w.book.KeepSeen(ctx, oda, r.ID, "okta", revs, "All in the same team."))
	if c := r.Count("okta"); c.Keep != 2 || c.Left != 1 || r.Rows[0].Note == "" || r.Rows[0].Revision != 2 {
		t.Errorf("kept: %+v, %+v", c, r.Rows[0])
	}
	if _, err := w.book.DecideRow(ctx, oda, r.ID, 1, program.ReviewChoice{Decision: "remove"}, revs[1]); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("a row as it was before: %v", err)
	}
	err := w.book.Read(ctx, func(s *program.State) error {
		if h := s.History("reviewrow:AR-1/3"); len(h) != 2 || !strings.HasPrefix(h[1].What, "keep") {
			t.Errorf("history of a row: %+v", h)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCancelReview(t *testing.T) {
	w, r := opened(t)
	r = must[program.Review](t)(w.book.CancelReview(t.Context(), lead, r.ID, "The list was drawn a day too early.", r.Revision))
	if r.Status != "canceled" || r.Canceled == "" {
		t.Errorf("canceled: %+v", r)
	}
	if _, err := w.book.DecideRow(t.Context(), oda, r.ID, 1, program.ReviewChoice{Decision: "keep"}, 0); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("decided afterwards: %v", err)
	}
	must[program.Review](t)(w.book.OpenReview(t.Context(), lead, "2026-Q1", time.Time{}, threeAccounts()))
}

// A list of 20,000 accounts is written in several entries; sending the request
// again, after a crash in between, writes none twice.
func TestLongReview(t *testing.T) {
	w := newWorld(t)
	rows := make([]program.ListRow, 20_000)
	for i := range rows {
		rows[i] = program.ListRow{Login: fmt.Sprintf("person.%05d", i), Email: fmt.Sprintf("person.%05d@acme.example", i), Person: fmt.Sprintf("hr/%d", i),
			Roles: []program.ListRole{{ID: fmt.Sprintf("okta/%d|everyone", i), Group: "everyone", Role: "member", Record: 5}}}
	}
	once := lead
	once.Once = "key-1"
	r := must[program.Review](t)(w.book.OpenReview(t.Context(), once, "2026-Q1", time.Time{}, listOf("okta", rows...)))
	again := must[program.Review](t)(w.again().OpenReview(t.Context(), once, "2026-Q1", time.Time{}, listOf("okta", rows...)))
	if r.ID != again.ID || len(again.Rows) != 20_000 || again.Rows[19_999].N != 20_000 || again.Revision != r.Revision {
		t.Errorf("first %s, then %s with %d rows", r.ID, again.ID, len(again.Rows))
	}
	all, counts, err := w.book.AllReviews(t.Context())
	if err != nil || len(all) != 1 || counts[0].Left != 20_000 {
		t.Errorf("%d reviews, %+v: %v", len(all), counts, err)
	}
}

// What an entry can say is bounded, whatever bytes it holds.
func FuzzReviewEntries(f *testing.F) {
	f.Add("review.open", "review:AR-9", `{"cycle":"2026-Q2","due":"","parts":[]}`)
	f.Add("review.rows", "review:AR-1", `{"from":4,"rows":[]}`)
	f.Add("review.decide", "reviewrow:AR-1/1", `{"askOf":"","decision":"keep","note":"","roles":[]}`)
	f.Add("review.bulk", "reviewpart:AR-1/okta", `{"note":"","rows":[{"n":1,"revision":0}]}`)
	f.Add("review.complete", "reviewpart:AR-1/okta", `{"keep":0,"remove":0}`)
	f.Add("identity.link", "identity:account:okta/ana", `{"basis":"","person":"hr/3"}`)
	f.Add("review.decide", "reviewrow:AR-1/-1", `null`)
	f.Fuzz(func(t *testing.T, kind, on, data string) {
		if !json.Valid([]byte(data)) || !slices.Contains([]string{"review", "identi"}, kind[:min(6, len(kind))]) {
			return
		}
		err := program.Weigh(program.Entry{Kind: kind, On: on, Base: program.Anyway, Data: json.RawMessage(data), At: start, By: audit.Actor{Kind: audit.ActorPerson, Name: "lea"}})
		if err == nil {
			return
		}
		for _, want := range []error{audit.ErrInvalid, audit.ErrNotFound, audit.ErrConflict, audit.ErrForbidden} {
			if errors.Is(err, want) {
				return
			}
		}
		t.Errorf("an error of no kind: %v", err)
	})
}
