package roster_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/program"
	"tieout/reader/roster"
)

var now = time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)

func day(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }

// A line is one version of an item in a test's timeline: at a day of March.
type line struct {
	id, body string // body "": gone
	day      int
}

// told is a timeline of one snapshot stream that was whole on some days.
func told(typ string, points []int, lines ...line) *audit.Timeline {
	tl := &audit.Timeline{Type: typ, Streams: []audit.Stream{{StreamKey: audit.StreamKey{Source: "src", Type: typ}, Mode: audit.ModeSnapshot}}}
	for _, p := range points {
		tl.Streams[0].Points = append(tl.Streams[0].Points, audit.Point{At: day(p), Record: int64(100 + p)})
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.id, b.id) })
	for _, l := range lines {
		v := audit.Version{From: audit.ExactBound(day(l.day)), Gone: l.body == "", Record: int64(l.day)}
		if l.body != "" {
			v.Body = json.RawMessage(l.body)
		}
		if n := len(tl.Histories); n > 0 && tl.Histories[n-1].ID == l.id {
			tl.Histories[n-1].Versions = append(tl.Histories[n-1].Versions, v)
			continue
		}
		tl.Histories = append(tl.Histories, audit.History{ID: l.id, Versions: []audit.Version{v}})
	}
	return tl
}

func account(system, login, status, more string) string {
	return fmt.Sprintf(`{"kind":"human","login":%q,"status":%q,"system":%q%s}`, login, status, system, more)
}

func world() roster.Input {
	return roster.Input{
		Now: now,
		People: told("person", []int{1, 20},
			line{"hr/0031", `{"email":"ana.silva@acme.example","endedAt":"never","name":"Ana Silva","startedAt":"2025-01-06T00:00:00Z","status":"active","backgroundCheckedAt":"never"}`, 1},
			line{"hr/0072", `{"email":"ben@acme.example","endedAt":"2026-03-07T00:00:00Z","name":"Ben Okafor","startedAt":"2024-01-08T00:00:00Z","status":"ended"}`, 8},
			line{"hr/0090", `{"name":"Zoë Müller","startedAt":"2026-05-04T00:00:00Z","status":"pending"}`, 1}),
		Accounts: told("account", []int{1, 20},
			line{"okta/ana", account("okta", "ana.silva@acme.example", "active", ""), 1},
			line{"okta/ben", account("okta", "ben", "active", `,"admin":true`), 1},
			line{"okta/zm", account("okta", "zmuller", "active", ""), 1},
			line{"okta/old", account("okta", "old", "disabled", ""), 1},
			line{"github/ana", account("github", "anasilva", "active", `,"idleDays":120`), 1},
			line{"github/x", account("github", "0031", "active", ""), 1},
			line{"github/y", account("github", "gone", "active", ""), 1}, line{"github/y", "", 20}),
		Devices: told("device", []int{20}, line{"mdm/1", `{"hostname":"ana-mbp","kind":"laptop","platform":"macos","diskEncrypted":false,"users":["ana.silva"],"status":"active","screenLock":{"enabled":true}}`, 1},
			line{"mdm/2", `{"hostname":"ben-tp","kind":"laptop","platform":"linux","assignedTo":"hr/0072","status":"active"}`, 1}),
		Links: told("link", []int{20}, line{"l1", `{"account":"okta/ana","basis":"employee number","confirmed":true,"device":"","person":"hr/0031"}`, 1},
			line{"l2", `{"account":"github/ana","basis":"e-mail proposed","confirmed":false,"device":"","person":"hr/0031"}`, 1}),
		Here: []roster.Here{{ID: "a1", Email: "ana.silva@acme.example", Name: "Ana"}, {ID: "a2", Email: "z@private.example", Name: "Zoë Müller"}},
	}
}

func proposals(r *roster.Roster) (out []string) {
	for _, p := range r.Asks {
		out = append(out, fmt.Sprintf("%s %s %s: %s", p.Of, p.Thing, p.Person.ID, p.Basis))
	}
	return out
}

func TestProposals(t *testing.T) {
	in := world()
	want := []string{
		"tieout a1 hr/0031: same e-mail address", "tieout a2 hr/0090: same name",
		"account github/x hr/0031: login is the employee number", "account github/ana hr/0031: e-mail proposed",
		"account okta/ben hr/0072: login as in the e-mail address", "account okta/zm hr/0090: login as of the name",
		"device mdm/1 hr/0031: has a local account ana.silva",
	}
	if diff := gocmp.Diff(want, proposals(roster.New(in))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	in.Decided = []program.Identity{
		{Of: program.OfTieout, Thing: "a1", Person: "hr/0031"}, {Of: program.OfAccount, Thing: "okta/ben", Person: "hr/0072", By: "lea"},
		{Of: program.OfAccount, Thing: "github/x", Rejected: []program.Rejection{{Person: "hr/0031"}}, Revision: 3},
	}
	r := roster.New(in)
	if got := proposals(r); len(got) != 4 || slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "github/x") }) {
		t.Errorf("after decisions: %q", got)
	}
	if p := r.Of("a1"); p == nil || p.Name != "Ana Silva" || r.Of("a2") != nil {
		t.Errorf("whose account here: %+v", p)
	}
	if a := r.Account("okta/ben"); a.Owner == nil || a.By != "lea" {
		t.Errorf("ben's account: %+v", a)
	}
}

func TestLacks(t *testing.T) {
	in := world()
	in.Decided = []program.Identity{{Of: program.OfAccount, Thing: "okta/ben", Person: "hr/0072"}}
	r := roster.New(in)
	day2 := func(t time.Time) time.Time { return t.AddDate(0, 0, 2) }
	tests := []struct {
		name, id string
		removal  func(time.Time) time.Time
		want     []string
	}{
		{"works here", "hr/0031", day2, []string{"device: no device is linked", "background: no background check was completed"}},
		{"left, past the deadline", "hr/0072", day2, []string{"access: 1 account still works after the last day, 6 Mar 2026"}},
		{"left, before the deadline", "hr/0072", func(time.Time) time.Time { return now.Add(time.Hour) }, []string{"access: 1 account still works; to be removed by 1 Apr 2026, 07:00 UTC"}},
		{"left, no deadline known", "hr/0072", nil, []string{"access: 1 account still works although the engagement ended"}},
		{"has not started", "hr/0090", day2, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, l := range r.Lacks(r.Person(tt.id), tt.removal) {
				got = append(got, l.Code+": "+l.Text)
			}
			if diff := gocmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	checks := r.Device("mdm/1").Checks()
	if c := checks[0]; c.OK || c.Found != "disk is not encrypted" || !c.Known {
		t.Errorf("disk: %+v", c)
	}
	if c := checks[1]; !c.OK {
		t.Errorf("screen: %+v", c)
	}
	if c := checks[3]; c.Known || c.OK || c.Found != "not collected" {
		t.Errorf("firewall: %+v", c)
	}
}

func noReading(k audit.StreamKey, record int64) (audit.Observation, error) {
	return audit.Observation{Items: []audit.Seen{{Item: audit.Item{ID: "okta/zm", Volatile: json.RawMessage(`{"lastUsedAt":"never"}`)}, Record: 77},
		{Item: audit.Item{ID: "okta/ana", Volatile: json.RawMessage(`{"lastUsedAt":"2026-03-19T08:00:00Z"}`)}, Record: 78}}}, nil
}

func TestListOf(t *testing.T) {
	in := world()
	members := told("membership", []int{20}, line{"m1", `{"account":"okta/ana","group":"admins","privileged":true,"role":"member","system":"okta"}`, 1},
		line{"m2", `{"account":"github/ana","group":"core","role":"member","system":"github"}`, 1})
	r := roster.New(in)
	part, rows, err := r.ListOf("okta", members, noReading)
	if err != nil {
		t.Fatal(err)
	}
	if !part.Whole || !part.Privileged || part.Listed != 3 || len(part.Read) != 2 || part.Read[0].Record != 120 || part.Read[0].AsOf != "2026-03-20T00:00:00Z" || len(part.Lacks) != 0 {
		t.Errorf("part: %+v", part)
	}
	var got []string
	for _, row := range rows {
		got = append(got, fmt.Sprintf("%s %s E-%d %s", row.Login, row.Person, row.Record, strings.Join(row.Odd, "+")))
	}
	want := []string{"ana.silva@acme.example hr/0031 E-78 admin", "ben  E-1 no owner+admin", "zmuller  E-77 no owner+never used"}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	in.Accounts.Streams[0].Holes = []audit.Hole{{Span: audit.At(day(25)), Reason: "page 3 of 7: 502 Bad Gateway", Record: 200}}
	part, _, err = roster.New(in).ListOf("okta", nil, noReading)
	if err != nil || part.Whole || part.Privileged || !strings.Contains(strings.Join(part.Lacks, " "), "502 Bad Gateway (E-200)") {
		t.Errorf("a newer reading failed: %+v, %v", part, err)
	}
	in.Accounts.Streams[0].Points = nil
	if _, _, err = roster.New(in).ListOf("okta", nil, noReading); !errors.Is(err, audit.ErrUnavailable) {
		t.Errorf("never read completely: %v", err)
	}
	if _, _, err = r.ListOf("aws", nil, noReading); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("a system nobody collects: %v", err)
	}
}

func TestProve(t *testing.T) {
	active, disabled := account("okta", "ben", "active", ""), account("okta", "ben", "disabled", "")
	tests := []struct {
		name     string
		points   []int
		versions []line
		hole     string
		want     roster.Proof
	}{
		{"nothing since", []int{1, 9}, []line{{"okta/ben", active, 1}}, "", roster.Proof{State: roster.Unseen, Record: -1}},
		{"tried since", []int{1}, []line{{"okta/ben", active, 1}}, "no answer", roster.Proof{State: roster.Unseen, Record: -1, Note: "it was tried: no answer (E-9)"}},
		{"still there", []int{1, 12}, []line{{"okta/ben", active, 1}}, "", roster.Proof{State: roster.There, At: day(12), Record: 112}},
		{"disabled", []int{1, 12, 14}, []line{{"okta/ben", active, 1}, {"okta/ben", disabled, 12}}, "", roster.Proof{State: roster.Gone, At: day(12), Record: 12, Note: "the account is shown, and cannot sign in"}},
		{"gone", []int{1, 12}, []line{{"okta/ben", active, 1}, {"okta/ben", "", 12}}, "", roster.Proof{State: roster.Gone, At: day(12), Record: 12, Note: "it is not shown any more"}},
		{"came back", []int{1, 12, 14}, []line{{"okta/ben", active, 1}, {"okta/ben", "", 12}, {"okta/ben", active, 14}}, "",
			roster.Proof{State: roster.There, At: day(14), Record: 114, Note: "it was gone on 12 Mar 2026 and came back"}},
		{"never told of", []int{12}, []line{{"okta/ana", active, 1}}, "", roster.Proof{State: roster.Unseen, Record: -1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tl := told("account", tt.points, tt.versions...)
			if tt.hole != "" {
				tl.Streams[0].Holes = []audit.Hole{{Span: audit.At(day(11)), Reason: tt.hole, Record: 9}}
			}
			r := roster.New(roster.Input{Accounts: tl, Now: now})
			row := program.ReviewRow{ListRow: program.ListRow{Account: "okta/ben"}, Decision: "remove", Decided: day(10)}
			if diff := gocmp.Diff(tt.want, r.Prove(row, nil)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A role that is taken away is proved by the role, or by the account's end.
func TestProveRoles(t *testing.T) {
	accounts := told("account", []int{1, 12}, line{"okta/ben", account("okta", "ben", "active", ""), 1})
	members := told("membership", []int{1, 12}, line{"m1", `{"account":"okta/ben","system":"okta"}`, 1}, line{"m1", "", 12}, line{"m2", `{"account":"okta/ben","system":"okta"}`, 1})
	r := roster.New(roster.Input{Accounts: accounts, Now: now})
	row := program.ReviewRow{ListRow: program.ListRow{Account: "okta/ben"}, Decision: "remove", TakeAway: []string{"m1"}, Decided: day(10)}
	if p := r.Prove(row, members); p.State != roster.Gone || p.Record != 12 {
		t.Errorf("one role: %+v", p)
	}
	row.TakeAway = []string{"m1", "m2"}
	if p := r.Prove(row, members); p.State != roster.There {
		t.Errorf("two roles: %+v", p)
	}
	if p := r.Prove(row, nil); p.State != roster.Unseen {
		t.Errorf("no roles were read: %+v", p)
	}
}

func big(n int) roster.Input {
	in := world()
	var people, accounts, links []line
	for i := range n {
		id := fmt.Sprintf("%05d", i)
		people = append(people, line{"hr/" + id, fmt.Sprintf(`{"department":"Sales","email":"person.%s@acme.example","endedAt":"never","name":"Person Number%s","startedAt":"2025-01-06T00:00:00Z","status":"active","title":"Seller"}`, id, id), 1})
		for _, s := range []string{"okta", "github", "aws"} {
			accounts = append(accounts, line{s + "/" + id, account(s, "person."+id, "active", `,"admin":false,"createdAt":"2025-01-06T00:00:00Z","mfa":{"enforced":true,"enrolled":true}`), 1})
			links = append(links, line{s + id, fmt.Sprintf(`{"account":"%s/%s","basis":"employee number","confirmed":%t,"device":"","person":"hr/%s"}`, s, id, s != "aws", id), 1})
		}
	}
	in.People, in.Accounts, in.Links = told("person", []int{20}, people...), told("account", []int{20}, accounts...), told("link", []int{20}, links...)
	return in
}

// BenchmarkNew makes the roster of 20,000 people with 60,000 accounts, a third of
// them unconfirmed.
func BenchmarkNew(b *testing.B) {
	in := big(20_000)
	for b.Loop() {
		if r := roster.New(in); len(r.People) != 20_000 || len(r.Asks) != 20_000 {
			b.Fatalf("%d people, %d proposals", len(r.People), len(r.Asks))
		}
	}
}
