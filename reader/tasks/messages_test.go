package tasks

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
	"tieout/reminder"
)

// on is the list on a day of March 2026; the 10th is a Tuesday.
func on(day int, all ...Occurrence) *List {
	return &List{Now: time.Date(2026, 3, day, 7, 0, 0, 0, time.UTC), Period: audit.Period{Zone: "UTC"}, All: all, eyes: func(string, string) string { return "" }}
}

var rules = reminder.Rules{Ahead: 7, Escalate: 3, Digest: time.Monday, Weekly: true}

func recipient(account string, lead bool, roles ...access.RoleID) Recipient {
	r := Recipient{Person: reminder.Person{Account: account, Name: strings.ToUpper(account), Email: account + "@example.com"}, Who: access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: account}, Lead: lead}
	for _, role := range roles {
		r.Who.Grants = append(r.Who.Grants, access.Grant{Role: role, Scope: access.ScopeWorkspace})
	}
	return r
}

func TestMessages(t *testing.T) {
	eva, lea, sam := recipient("eva", false), recipient("lea", true, access.ComplianceLead), recipient("sam", false, access.ManagementSigner)
	all := []Recipient{eva, lea, sam}
	seen := func(o *Occurrence) { o.SeenBy = "exports" }
	nobody := func(o *Occurrence) { o.Holder = "" }
	waiting := func(o *Occurrence) { o.Approval, o.Task = true, program.Task{Answer: program.TaskDone, By: "eva"} }
	tests := []struct {
		name string
		l    *List
		want []string // who, how many lines, how many of others
	}{
		{"nothing", on(10), nil},
		{"a week ahead", on(10, due(7)), []string{"eva 1 0"}},
		{"between", on(11, due(7)), nil},
		{"the day before", on(16, due(7)), []string{"eva 1 0"}},
		{"the digest", on(16, due(12), due(9)), []string{"eva 2 0"}},
		{"all of the plate where one of it is said", on(10, due(7), due(12)), []string{"eva 2 0"}},
		{"the first day overdue", on(11, due(0)), []string{"eva 1 0"}},
		{"the second day overdue", on(12, due(0)), nil},
		{"escalated", on(13, due(0)), []string{"lea 0 1"}},
		{"escalated with the digest", on(23, due(0)), []string{"eva 1 0", "lea 0 1"}},
		{"what nobody has, with the digest", on(16, due(12, nobody)), []string{"lea 0 1"}},
		{"what nobody has, on another day", on(17, due(12, nobody)), nil},
		{"what a source sees", on(10, due(7, seen)), nil},
		{"what a source sees, overdue", on(13, due(0, seen)), nil},
		{"an approval with the digest", on(16, due(12, waiting)), []string{"sam 1 0"}},
		{"an approval on another day", on(17, due(12, waiting)), nil},
		{"long before", on(16, due(60)), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, m := range tt.l.Messages(all, rules, "https://t.example.com") {
				got = append(got, m.To.Account+" "+string(rune('0'+len(m.Lines)))+" "+string(rune('0'+len(m.Later))))
				if !strings.HasPrefix(m.Link, "https://t.example.com/me/work/p@2026-") {
					t.Errorf("the link of %s leads to %q", m.To.Account, m.Link)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A message says the sentence of My work, in the same words.
func TestMessageSaysTheSentence(t *testing.T) {
	l := on(10, due(7), due(12))
	m := l.Messages([]Recipient{recipient("eva", false)}, rules, "")
	if want := l.PlateOf(access.Subject{Account: "eva"}).Sentence(l.Now, time.UTC); len(m) != 1 || m[0].Sentence != want || m[0].Link != "" {
		t.Errorf("got %+v, want %q", m, want)
	}
	if got := l.ChatText(m, "https://t.example.com/"); !strings.Contains(got, "- Keys are rotated, 2026-03-18, due 17 Mar 2026, with EVA\n") || !strings.HasSuffix(got, "https://t.example.com/tasks?state=due\n") {
		t.Errorf("chat: %q", got)
	}
	if got := l.ChatText(nil, ""); got != "" {
		t.Errorf("a chat is told %q of nothing", got)
	}
	if p := l.Post("Acme", m); p.Day != "2026-03-10" || len(p.People) != 1 || len(p.People[0].Due) != 2 || p.Sentence != l.Sentence() {
		t.Errorf("posted %+v", p)
	}
}

func TestCalendarOfPlate(t *testing.T) {
	l := on(10, due(7), due(60))
	got := string(l.Calendar(access.Subject{Account: "eva"}, "Work", "https://t.example.com"))
	for _, want := range []string{"UID:p@2026-03-18@tieout\r\n", "DTSTART;VALUE=DATE:20260317\r\n", "DTSTART;VALUE=DATE:20260509\r\n", "URL:https://t.example.com/me/work/p@2026-03-18\r\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
