package reminder

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var at = time.Date(2026, 3, 10, 7, 0, 0, 0, time.UTC)

func TestMessageText(t *testing.T) {
	many := make([]Line, 52)
	for i := range many {
		many[i] = Line{Text: "Reconciliation", Due: "due 10 Mar 2026"}
	}
	tests := []struct {
		name string
		m    Message
		want []string
	}{
		{"zero", Message{Sentence: "Nothing to do."}, []string{"Nothing to do.", ""}},
		{"one, with a link", Message{Sentence: "1 thing.", Lines: []Line{{Text: "Board meeting", Due: "due 31 Mar 2026"}}, Link: "https://t/me/work/x"},
			[]string{"1 thing.", "", "  Board meeting, due 31 Mar 2026", "", "Do the first: https://t/me/work/x", ""}},
		{"of others", Message{Sentence: "S.", Later: []Line{{Text: "Review", Due: "was due 1 Mar 2026", Who: "Eva"}}}, []string{"S.", "", "Overdue with others:", "", "  Review, was due 1 Mar 2026, with Eva", ""}},
		{"line breaks in a name", Message{Sentence: "S.", Lines: []Line{{Text: "A\r\nBcc: x@example.com"}}}, []string{"S.", "", "  A Bcc: x@example.com", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.Join(tt.want, "\n"), tt.m.Text()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got := (Message{Sentence: "S.", Lines: many}).Text(); !strings.HasSuffix(got, "  and 2 more\n") {
		t.Errorf("many: %q", got[len(got)-60:])
	}
	if got := oneLine(strings.Repeat("ä", 400)); len([]rune(got)) != maxText {
		t.Errorf("a long line has %d characters", len([]rune(got)))
	}
}

func TestRules(t *testing.T) {
	r := Rules{Ahead: 7, Escalate: 3, Digest: time.Monday, Weekly: true}
	tests := []struct {
		days            int
		on              time.Weekday
		says, escalates bool
	}{
		{8, time.Friday, false, false}, {7, time.Friday, true, false}, {3, time.Friday, false, false}, {3, time.Monday, true, false}, {1, time.Friday, true, false},
		{0, time.Friday, false, false}, {-1, time.Friday, true, false}, {-3, time.Friday, false, true}, {-4, time.Friday, false, false}, {-4, time.Monday, true, true},
	}
	for _, tt := range tests {
		if got := r.Says(tt.days, tt.on); got != tt.says {
			t.Errorf("%d days on %s: says %v", tt.days, tt.on, got)
		}
		if got := r.Escalates(tt.days, tt.on); got != tt.escalates {
			t.Errorf("%d days on %s: escalates %v", tt.days, tt.on, got)
		}
	}
	if (Rules{}).Escalates(-10, time.Monday) || (Rules{}).IsDigest(time.Sunday) {
		t.Error("the zero rules escalate, or have a digest")
	}
}

func TestDaysUntil(t *testing.T) {
	ny, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Date(2026, 4, 1, 0, 0, 0, 0, ny) // the last day is 31 March
	for name, tt := range map[string]struct {
		now  time.Time
		want int
	}{
		"a week before, over the change of clocks": {time.Date(2026, 3, 5, 23, 0, 0, 0, ny), 26}, "that day": {time.Date(2026, 3, 31, 23, 59, 0, 0, ny), 0},
		"the day after": {time.Date(2026, 4, 1, 0, 0, 0, 0, ny), -1}, "in another zone it is another day": {time.Date(2026, 4, 1, 3, 0, 0, 0, time.UTC), 0},
	} {
		if got := DaysUntil(deadline, tt.now, ny); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestCalendar(t *testing.T) {
	got := string(Calendar("Work, of Eva", []Event{{UID: "board.meeting@2026-Q1", Title: "Réunion; \"A, B\"\r\nATTENDEE:x " + strings.Repeat("ü", 40), Day: time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC), Link: "https://t/x\r\nX:y"}}, at))
	want := strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Tieout//Tasks//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH", `X-WR-CALNAME:Work\, of Eva`,
		"BEGIN:VEVENT", "UID:board.meeting@2026-Q1", "DTSTAMP:20260310T070000Z", "DTSTART;VALUE=DATE:20260331", "DTEND;VALUE=DATE:20260401",
		`SUMMARY:Réunion\; "A\, B"\nATTENDEE:x ` + strings.Repeat("ü", 18), " " + strings.Repeat("ü", 22), "URL:https://t/x X:y", "TRANSP:TRANSPARENT", "END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzCalendar(f *testing.F) {
	f.Add("Board meeting", "text, with; marks\\")
	f.Add(strings.Repeat("ü", 100), "\xff\x00\r\nEND:VCALENDAR")
	f.Fuzz(func(t *testing.T, title, text string) {
		lines := strings.Split(string(Calendar("c", []Event{{UID: "u", Title: title, Text: text, Day: at}}, at)), "\r\n")
		ends := 0
		for _, l := range lines {
			if len(l) > maxOctets || strings.ContainsAny(l, "\r\n\x00") {
				t.Errorf("a line of %d octets, or with a break in it: %q", len(l), l)
			}
			if l == "END:VCALENDAR" || l == "END:VEVENT" {
				ends++
			}
		}
		if ends != 2 {
			t.Errorf("%d ends of components, want 2", ends)
		}
	})
}
