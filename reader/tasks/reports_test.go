package tasks

import (
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/program"
)

// next is a vendor's next report that is expected so many days after the 10th of
// March 2026.
func next(owner string, days int) program.ExpectedReport {
	day := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC).AddDate(0, 0, days).Format(time.DateOnly)
	return program.ExpectedReport{Vendor: "V-1", Name: "Mailer", Owner: owner, Report: "VR-2", Type: program.ReportSOC2Type2, Day: day}
}

// TestReportsInMessages: who answers for a vendor is told of its next report on the
// days on which they are told of anything else.
func TestReportsInMessages(t *testing.T) {
	eva, lea := recipient("eva", false), recipient("lea", true, access.ComplianceLead)
	for _, tt := range []struct {
		name string
		l    *List
		next []program.ExpectedReport
		want string // who is told what, one message a line
	}{
		{"a week ahead", on(10), []program.ExpectedReport{next("eva", 7)}, "eva: 1 report of a vendor is expected, the first 17 Mar 2026. Next SOC 2 Type II of Mailer, expected 17 Mar 2026"},
		{"between", on(11), []program.ExpectedReport{next("eva", 7)}, ""},
		{"the first day overdue", on(11), []program.ExpectedReport{next("eva", 0)}, "eva: 1 report of a vendor is expected, the first 10 Mar 2026. Next SOC 2 Type II of Mailer, was expected 10 Mar 2026"},
		{"the second day overdue", on(12), []program.ExpectedReport{next("eva", 0)}, ""},
		{"overdue, with the digest", on(16), []program.ExpectedReport{next("eva", 0)}, "eva: 1 report of a vendor is expected, the first 10 Mar 2026. Next SOC 2 Type II of Mailer, was expected 10 Mar 2026"},
		{"long before", on(16), []program.ExpectedReport{next("eva", 60)}, ""},
		{"of a vendor nobody answers for", on(10), []program.ExpectedReport{next("", 7)}, "lea: 1 report of a vendor is expected, the first 17 Mar 2026. Next SOC 2 Type II of Mailer, expected 17 Mar 2026"},
		{"with a task", on(10, due(7)), []program.ExpectedReport{next("eva", 9)}, "eva: 1 thing, 5 minutes, first due 17 Mar 2026. Keys are rotated, 2026-03-18, due 17 Mar 2026; Next SOC 2 Type II of Mailer, expected 19 Mar 2026"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.l.Next = tt.next
			var got []string
			for _, m := range tt.l.Messages([]Recipient{eva, lea}, rules, "https://t.example.com") {
				var lines []string
				for _, l := range m.Lines {
					lines = append(lines, l.String())
				}
				got = append(got, m.To.Account+": "+m.Sentence+" "+strings.Join(lines, "; "))
				if len(tt.l.All) == 0 && m.Link != "https://t.example.com/vendors/V-1" {
					t.Errorf("the link leads to %q", m.Link)
				}
			}
			if s := strings.Join(got, "\n"); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

func TestReportsInCalendar(t *testing.T) {
	l := on(10)
	l.Next = []program.ExpectedReport{next("eva", 7), next("lea", 9)}
	got := string(l.Calendar(access.Subject{Account: "eva"}, "Work", "https://t.example.com"))
	for _, want := range []string{"UID:next-VR-2@tieout\r\n", "DTSTART;VALUE=DATE:20260317\r\n", "SUMMARY:Next SOC 2 Type II of Mailer is expected\r\n", "URL:https://t.example.com/vendors/V-1\r\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "20260319") {
		t.Error("the calendar holds what others answer for")
	}
}
