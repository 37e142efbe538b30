package policies_test

import (
	"fmt"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/program"
	"tieout/reader/policies"
	"tieout/reader/roster"
)

var now = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// company is a state with policies in force and people, of whom every second
// agreed to every one.
func company(kept, people int) (*program.State, []policies.Member) {
	s := &program.State{Policies: map[string]*program.Policy{}, Agreements: map[string]map[string]*program.Agreement{}}
	names := map[string]access.Named{}
	for i := range people {
		id := fmt.Sprintf("account-%05d", i)
		names[id] = access.Named{ID: id, Name: id, Active: true, Created: now.AddDate(0, -6, 0), Roles: []access.RoleID{access.Employee}}
	}
	for i := range kept {
		id := fmt.Sprintf("policy-%d", i)
		s.Policies[id] = &program.Policy{ID: id, Versions: []program.PolicyVersion{{Number: 1, Material: true, Hash: id, Approved: now.AddDate(0, -3, 0), Written: now,
			PolicyText: program.PolicyText{Title: id, Audience: program.Everyone, Acknowledge: true, Review: "year"}}}}
		s.Agreements[id] = map[string]*program.Agreement{}
		for j := 0; j < people; j += 2 {
			account := fmt.Sprintf("account-%05d", j)
			s.Agreements[id][account] = &program.Agreement{Account: account, Document: id, Version: "1", Hash: id, At: now.AddDate(0, -1, 0)}
		}
	}
	return s, policies.Members(names, nil, nil)
}

func TestCounts(t *testing.T) {
	s, members := company(2, 5)
	l := policies.Read(s, []period.PolicyFile{{Document: program.Document{File: "policies/x.md"}, Fault: audit.ErrInvalid}}, members, now)
	if len(l.Rows) != 3 || l.Rows[1].Agreed != 3 || l.Rows[1].Asked != 5 || l.Rows[0].Fault == "" {
		t.Errorf("got %+v", l.Rows)
	}
	if got, want := l.Sentence(), "2 policies are in force. 4 agreements are missing."; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	d := s.Documents(nil)[0]
	all := policies.Standings(s, d, members, now)
	if len(all) != 5 || all[0].Missing(time.UTC) != "" || all[1].Missing(time.UTC) != "Has never agreed to it" {
		t.Errorf("standings %+v", all)
	}
	plain := make([]program.Member, len(members))
	for i := range members {
		plain[i] = members[i].Member
	}
	for days := range 400 { // counted for many as said of each
		at, holds := now.AddDate(0, 0, days), 0
		for _, st := range policies.Standings(s, d, members, at) {
			if st.Holds {
				holds++
			}
		}
		if got, asked := s.Agreed(plain, &d, at); got != holds || asked != 5 {
			t.Fatalf("after %d days: %d of %d, want %d", days, got, asked, holds)
		}
	}
	members[1].May = false
	later := policies.Standings(s, d, members, now.AddDate(1, 0, 0))
	if got := later[0].Missing(time.UTC); got != "Agreed on 1 Aug 2026, more than a year ago" {
		t.Errorf("a year on: %q", got)
	}
	if got := later[1].Missing(time.UTC); got != "Cannot agree yet: the account lacks the role employee" {
		t.Errorf("without the role: %q", got)
	}
}

func TestMembers(t *testing.T) {
	names := map[string]access.Named{
		"a": {ID: "a", Name: "Ana", Active: true, Created: now, Roles: []access.RoleID{access.Employee}},
		"g": {ID: "g", Name: "Guest", Active: true, Roles: []access.RoleID{access.AuditorsGuest}},
		"s": {ID: "s", Name: "Suspended"},
		"u": {ID: "u", Name: "Unlinked", Active: true, Created: now},
	}
	people := &audit.Timeline{Histories: []audit.History{
		{ID: "hr/1", Versions: []audit.Version{{Body: []byte(`{"name":"Ana","status":"active","department":"Sales","manager":"hr/2","startedAt":"2026-10-01T00:00:00Z","personalData":true}`)}}},
		{ID: "hr/2", Versions: []audit.Version{{Body: []byte(`{"name":"Bo","status":"active"}`)}}},
	}}
	got := policies.Members(names, map[string]string{"a": "hr/1"}, roster.New(roster.Input{People: people, Now: now}))
	if len(got) != 2 {
		t.Fatalf("got %+v", got)
	}
	want := policies.Member{Member: program.Member{Account: "a", Joined: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), Department: "Sales", Manages: "no", PersonalData: "yes"}, Name: "Ana", May: true, Person: "hr/1"}
	if got[0] != want {
		t.Errorf("got  %+v\nwant %+v", got[0], want)
	}
	if u := got[1]; u.Account != "u" || u.May || u.Department != "" || u.Manages != "" {
		t.Errorf("who is linked to nobody: %+v", u)
	}
}

func TestAgreed(t *testing.T) {
	for _, tt := range []struct {
		agreed, asked int
		want          string
	}{
		{0, 0, "Nobody with an account here is in its audience."}, {0, 1, "0 of 1 person agreed to version 3."}, {1, 1, "The one person who is asked agreed to version 3."},
		{212, 230, "212 of 230 people agreed to version 3."}, {1230, 1230, "All 1,230 people agreed to version 3."},
	} {
		if got := policies.Agreed(tt.agreed, tt.asked, "3"); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	s, members := company(25, 20_000)
	for b.Loop() {
		policies.Read(s, nil, members, now)
	}
}
