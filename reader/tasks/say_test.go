package tasks

import (
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
)

var now = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)

// due is an occurrence of eva's that is due so many days from now.
func due(days int, change ...func(*Occurrence)) Occurrence {
	at := time.Date(2026, 3, 11+days, 0, 0, 0, 0, time.UTC)
	o := Occurrence{Due: program.Due{Procedure: "p", Occurrence: at.Format(time.DateOnly), Title: "Keys are rotated", From: at.AddDate(0, -3, 0), DueBy: at, LateBy: at.AddDate(0, 1, 0)},
		How: ByEntry, State: Open, Minutes: 5, Holder: "eva"}
	for _, f := range change {
		f(&o)
	}
	return o
}

func takes(n int) func(*Occurrence) { return func(o *Occurrence) { o.Minutes = n } }

func TestPlateSentence(t *testing.T) {
	tests := []struct {
		name string
		all  []Occurrence
		want string
	}{
		{"zero", nil, "Nothing to do, and nothing more comes in this period."},
		{"only later", []Occurrence{due(60)}, "Nothing to do. Next: 9 May 2026."},
		{"one", []Occurrence{due(3)}, "1 thing, 5 minutes, first due 13 Mar 2026."},
		{"one minute", []Occurrence{due(3, takes(1))}, "1 thing, 1 minute, first due 13 Mar 2026."},
		{"many", []Occurrence{due(3, takes(15)), due(4), due(60), due(20)}, "3 things, 25 minutes, first due 13 Mar 2026."},
		{"past", []Occurrence{due(-2), due(-1), due(4)}, "3 things, 15 minutes, the first was due 8 Mar 2026."},
		{"today", []Occurrence{due(0)}, "1 thing, 5 minutes, first due 10 Mar 2026."},
		{"another's", []Occurrence{due(3, func(o *Occurrence) { o.Holder = "bob" })}, "Nothing to do, and nothing more comes in this period."},
		{"what a source sees", []Occurrence{due(3, func(o *Occurrence) { o.SeenBy = "exports" })}, "Nothing to do, and nothing more comes in this period."},
		{"standing in", []Occurrence{due(3, func(o *Occurrence) { o.Holder, o.StandIn = "bob", "eva" })}, "1 thing, 5 minutes, first due 13 Mar 2026."},
		{"away", []Occurrence{due(3, func(o *Occurrence) { o.StandIn = "bob" })}, "Nothing to do, and nothing more comes in this period."},
		{"answered", []Occurrence{due(3, func(o *Occurrence) { o.Task.Answer = program.TaskDidNot })}, "Nothing to do, and nothing more comes in this period."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := List{Now: now, All: tt.all}
			if got := l.PlateOf(access.Subject{Account: "eva"}).Sentence(now, time.UTC); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	if got := (&List{Now: now, All: []Occurrence{due(3, func(o *Occurrence) { o.Holder = "" })}}).PlateOf(access.Subject{}); len(got.Now) > 0 {
		t.Error("what nobody has is on the plate of nobody in particular")
	}
}

func TestListSentence(t *testing.T) {
	nobody := func(o *Occurrence) { o.Holder = "" }
	done := func(o *Occurrence) { o.State = Operated }
	tests := []struct {
		name string
		all  []Occurrence
		want string
	}{
		{"zero", nil, "Nothing in this period is done on a schedule by people."},
		{"only sources", []Occurrence{due(3, func(o *Occurrence) { o.How = BySource })}, "Nothing in this period is done on a schedule by people."},
		{"one", []Occurrence{due(3)}, "Of 1 occurrence that people do, 1 to do now."},
		{"many", []Occurrence{due(3), due(-3), due(60), due(-60, done), due(-61, done)}, "Of 5 occurrences that people do, 1 overdue, 1 to do now, 1 to come, 2 answered."},
		{"one has nobody", []Occurrence{due(3, nobody), due(4)}, "Of 2 occurrences that people do, 2 to do now. 1 has nobody."},
		{"two have nobody", []Occurrence{due(3, nobody), due(90, nobody)}, "Of 2 occurrences that people do, 1 to do now, 1 to come. 2 have nobody."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := (&List{Now: now, All: tt.all}).Sentence(); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestSayLate(t *testing.T) {
	exact := func(o *Occurrence) { o.LateBy = o.DueBy }
	tests := []struct {
		name string
		o    Occurrence
		want string
	}{
		{"ahead", due(3), "Done after 13 Mar 2026 it counts as late; missing 13 Apr 2026 is a deviation."},
		{"ahead, never late", due(3, exact), "Missing 13 Mar 2026 is a deviation."},
		{"overdue", due(-3), "It was due 7 Mar 2026. Done by 7 Apr 2026 it counts as late; missing 7 Apr 2026 is a deviation."},
		{"missed", due(-60), "It had to be done by 9 Feb 2026. Without a record that it took place by then it is a deviation: nobody can remove it, you can explain it."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.o.SayLate(now, time.UTC); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestOccurrenceSentence(t *testing.T) {
	tests := []struct {
		name string
		o    Occurrence
		want string
	}{
		{"open", due(3), "Keys are rotated, 2026-03-14, due 13 Mar 2026."},
		{"past", due(-3), "Keys are rotated, 2026-03-08, was due 7 Mar 2026."},
		{"sealed", due(3, func(o *Occurrence) { o.State, o.Task = Sealed, program.Task{Answer: program.TaskDone, Record: 41} }), "Keys are rotated, 2026-03-14: sealed as E-41, the auditor sees it. The next run tests it."},
		{"handed back", due(3, func(o *Occurrence) { o.Task = program.Task{Answer: program.TaskNotMine} }), "Keys are rotated, 2026-03-14: handed back as not theirs; it needs somebody, due 13 Mar 2026."},
		{"operated", due(-3, func(o *Occurrence) { o.State, o.Kind = Operated, "key ceremony" }), "Key ceremony, 2026-03-08: operated."},
		{"a source's", due(3, func(o *Occurrence) { o.SeenBy = "okta" }), "Keys are rotated, 2026-03-14: okta sees it; nobody has to do anything here. It is due 13 Mar 2026."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.o.Sentence(now, time.UTC); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestSelect(t *testing.T) {
	l := List{Now: now, Period: audit.Period{}, All: []Occurrence{due(3), due(-3), due(60, func(o *Occurrence) { o.Holder = "" }), due(90, func(o *Occurrence) { o.How = BySource })}}
	tests := []struct {
		name string
		f    Filter
		want int
	}{
		{"all", Filter{}, 4}, {"people's", Filter{People: true}, 3}, {"due", Filter{State: "due"}, 2}, {"overdue", Filter{State: "overdue"}, 1},
		{"nobody's", Filter{Holder: Nobody}, 1}, {"eva's", Filter{Holder: "eva"}, 3}, {"open", Filter{State: "open"}, 4}, {"of another control", Filter{Control: "X"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := l.Select(tt.f); len(got) != tt.want {
				t.Errorf("%d, want %d", len(got), tt.want)
			}
		})
	}
	if first := l.Select(Filter{})[0]; !first.Overdue(now) {
		t.Errorf("first comes %s", first.ID())
	}
}
