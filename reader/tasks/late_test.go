package tasks

import (
	"strings"
	"testing"
	"time"

	"tieout/program"
)

func TestSayRecordedLate(t *testing.T) {
	due := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		answer string
		at     time.Time
		want   string
	}{
		{"nobody answered", "", time.Time{}, ""},
		{"in time", program.TaskDone, due.Add(-time.Microsecond), ""},
		{"handed back after it", program.TaskNotMine, due.AddDate(0, 0, 5), ""},
		{"the day after", program.TaskDone, due.Add(time.Hour), "It was due 31 Mar 2026 and recorded on 1 Apr 2026, 1 day later."},
		{"half a year after", program.TaskDone, due.AddDate(0, 6, 0), "It was due 31 Mar 2026 and recorded on 1 Oct 2026, 184 days later."},
		{"that it did not happen", program.TaskDidNot, due.AddDate(0, 0, 1), "It was due 31 Mar 2026 and recorded on 2 Apr 2026, 2 days later."},
	} {
		o := Occurrence{Due: program.Due{Title: "Backup restored", Occurrence: "2026-Q1", DueBy: due, LateBy: due}, State: Sealed,
			Task: program.Task{Answer: tt.answer, Answered: tt.at, Record: 9}}
		if got := o.SayRecordedLate(time.UTC); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if s := o.Sentence(due.AddDate(1, 0, 0), time.UTC); tt.want != "" && !strings.HasSuffix(s, tt.want) {
			t.Errorf("%s: the sentence is %q and does not say %q", tt.name, s, tt.want)
		}
	}
}
