package program_test

import (
	"testing"
	"time"

	"tieout/program"
)

func TestDue(t *testing.T) {
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	ny, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		rule  program.Rule
		began string
		zone  *time.Location
		want  string
	}{
		{"72 hours over the change of the clocks", program.Rule{Within: 72, Unit: "hours"}, "2026-03-27T10:00:00Z", lisbon, "2026-03-30T10:00:00Z"},
		{"60 days, the day of discovery not counted", program.Rule{Within: 60, Unit: "days"}, "2026-03-01T15:00:00Z", time.UTC, "2026-04-30T23:59:59Z"},
		{"30 days in New York, where it was the day before", program.Rule{Within: 30, Unit: "days"}, "2026-03-02T03:00:00Z", ny, "2026-04-01T03:59:59Z"},
		{"four business days from a Thursday", program.Rule{Within: 4, Unit: "business days"}, "2026-03-05T12:00:00Z", time.UTC, "2026-03-11T23:59:59Z"},
		{"four business days from a Saturday", program.Rule{Within: 4, Unit: "business days"}, "2026-03-07T12:00:00Z", time.UTC, "2026-03-12T23:59:59Z"},
		{"one month from 31 January", program.Rule{Within: 1, Unit: "months"}, "2026-01-31T12:00:00Z", time.UTC, "2026-02-28T23:59:59Z"},
		{"one month over the year", program.Rule{Within: 1, Unit: "months"}, "2026-12-10T12:00:00Z", time.UTC, "2027-01-10T23:59:59Z"},
		{"60 days after the year", program.Rule{Within: 60, Unit: "days after the year"}, "2026-05-01T12:00:00Z", time.UTC, "2027-03-01T23:59:59Z"},
		{"60 days after the year, a leap year next", program.Rule{Within: 60, Unit: "days after the year"}, "2027-05-01T12:00:00Z", time.UTC, "2028-02-29T23:59:59Z"},
		{"no figure", program.Rule{}, "2026-05-01T12:00:00Z", time.UTC, "0001-01-01T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			began, err := time.Parse(time.RFC3339, tt.began)
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.rule.Due(began, tt.zone).UTC().Format(time.RFC3339); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestLimitWords(t *testing.T) {
	tests := []struct{ id, want string }{
		{"gdpr-authority", "within 72 hours of becoming aware"},
		{"gdpr-people", "without undue delay after becoming aware"},
		{"hipaa-hhs-log", "within 60 days after the end of the calendar year of discovery"},
		{"nis2-final", "within one month of the notice before it"},
		{"sec-8k", "within 4 business days of determining it"},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			r, err := program.RuleOf(tt.id)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Limit(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Every shipped rule and example is whole; reading them checks it.
func TestShipped(t *testing.T) {
	ids := map[string]bool{}
	for _, r := range program.Rules() {
		if ids[r.ID] || r.Applies == "" {
			t.Errorf("clock %s: named twice, or it does not say when it applies", r.ID)
		}
		ids[r.ID] = true
	}
	for _, want := range []string{"gdpr-authority", "hipaa-people", "us-ca-people", "nis2-warning", "dora-initial", "sec-8k"} {
		if !ids[want] {
			t.Errorf("no clock %s", want)
		}
	}
	examples := map[string]bool{}
	for _, x := range program.Examples() {
		if examples[x.ID] || len(x.Controls) == 0 {
			t.Errorf("example %s: named twice, or no control acts on it", x.ID)
		}
		examples[x.ID] = true
	}
	if len(examples) < 15 {
		t.Errorf("%d examples, want 15 or more", len(examples))
	}
}

func TestClockState(t *testing.T) {
	due := start.Add(72 * time.Hour)
	tests := []struct {
		name  string
		clock program.Clock
		now   time.Time
		want  string
	}{
		{"does not apply", program.Clock{}, start, "does not apply"},
		{"running to the last instant", program.Clock{Applies: true, Due: due}, due, "running"},
		{"missed", program.Clock{Applies: true, Due: due}, due.Add(time.Second), "missed"},
		{"told in time", program.Clock{Applies: true, Due: due, Told: due}, due.Add(time.Hour), "told in time"},
		{"told late", program.Clock{Applies: true, Due: due, Told: due.Add(time.Second)}, due.Add(time.Hour), "told late"},
		{"no figure", program.Clock{Applies: true}, due, "no figure"},
		{"told where there is no figure", program.Clock{Applies: true, Told: due}, due, "told"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.clock.ClockState(tt.now); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
