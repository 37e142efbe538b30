package worker

import (
	"context"
	"errors"
	"testing"
	"time"

	"tieout/audit"
	"tieout/store"
)

func instantOf(t *testing.T, s string) time.Time {
	t.Helper()
	if s == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, s)
	must(t, err)
	return at.UTC()
}

func TestNextTime(t *testing.T) {
	berlin := func(at string) store.Schedule { return store.Schedule{At: at, Zone: "Europe/Berlin"} }
	for name, tc := range map[string]struct {
		s              store.Schedule
		due, now, want string
	}{
		"later today":                      {berlin("06:00"), "", "2026-03-02T04:00:00Z", "2026-03-02T05:00:00Z"},
		"tomorrow":                         {berlin("06:00"), "", "2026-03-02T05:00:00Z", "2026-03-03T05:00:00Z"},
		"the zone's day, not UTC's":        {berlin("00:30"), "", "2026-03-01T23:00:00Z", "2026-03-01T23:30:00Z"},
		"after it was due":                 {berlin("06:00"), "2026-03-02T05:00:00Z", "2026-03-02T05:00:03Z", "2026-03-03T05:00:00Z"},
		"days that were missed":            {berlin("06:00"), "2026-03-02T05:00:00Z", "2026-03-09T02:00:00Z", "2026-03-09T05:00:00Z"},
		"the clocks go forward":            {berlin("06:00"), "2026-03-28T05:00:00Z", "2026-03-28T05:00:00Z", "2026-03-29T04:00:00Z"},
		"a time that is skipped":           {berlin("02:30"), "2026-03-28T01:30:00Z", "2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z"},
		"after a time that is skipped":     {berlin("02:30"), "2026-03-29T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"},
		"a time that comes twice":          {berlin("02:30"), "2026-10-24T00:30:00Z", "2026-10-24T00:30:00Z", "2026-10-25T01:30:00Z"},
		"after the first of the two":       {berlin("02:30"), "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		"after the second of the two":      {berlin("02:30"), "2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"},
		"the year ends":                    {berlin("06:00"), "2026-12-31T05:00:00Z", "2026-12-31T05:00:00Z", "2027-01-01T05:00:00Z"},
		"an interval":                      {store.Schedule{Every: time.Hour}, "2026-03-02T05:00:00Z", "2026-03-02T05:00:00Z", "2026-03-02T06:00:00Z"},
		"an interval that was missed":      {store.Schedule{Every: time.Hour}, "2026-03-02T05:00:00Z", "2026-03-02T09:20:00Z", "2026-03-02T10:00:00Z"},
		"an interval that begins":          {store.Schedule{Every: time.Hour}, "", "2026-03-02T05:00:00Z", "2026-03-02T06:00:00Z"},
		"a clock that went back":           {berlin("06:00"), "2026-03-05T05:00:00Z", "2026-03-02T05:00:00Z", "2026-03-06T05:00:00Z"},
		"due today by a clock ahead of it": {berlin("06:00"), "2026-03-02T05:00:00Z", "2026-03-02T04:59:59Z", "2026-03-03T05:00:00Z"},
	} {
		tc.s.Next = instantOf(t, tc.due)
		got, err := nextTime(tc.s, instantOf(t, tc.now))
		must(t, err)
		if w := instantOf(t, tc.want); !got.Equal(w) {
			t.Errorf("%s: got %v, want %v", name, got, w)
		}
	}
}

func TestScheduleRefused(t *testing.T) {
	b := newBench(t)
	for name, s := range map[string]Schedule{
		"no time":            {Name: "a", Kind: "work", Zone: "UTC"},
		"no zone":            {Name: "a", Kind: "work", At: "06:00"},
		"this machine's":     {Name: "a", Kind: "work", At: "06:00", Zone: "Local"},
		"an unknown zone":    {Name: "a", Kind: "work", At: "06:00", Zone: "Moon/Crater"},
		"a time that is not": {Name: "a", Kind: "work", At: "25:00", Zone: "UTC"},
		"too often":          {Name: "a", Kind: "work", Every: time.Second},
		"both":               {Name: "a", Kind: "work", Every: time.Hour, At: "06:00"},
		"no name":            {Kind: "work", Every: time.Hour},
	} {
		if err := b.queue.SetSchedule(t.Context(), s); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestScheduleFires: two workers on one store make one job each time it is due.
func TestScheduleFires(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	daily := Schedule{Name: "daily", Kind: "work", Key: "k", At: "07:00", Zone: "UTC"}
	must(t, b.queue.SetSchedule(ctx, daily))
	work := map[string]Handler{"work": func(context.Context, *Task) (Result, error) { return Result{}, nil }}
	first, _ := b.start(work)
	second, _ := b.start(work)
	for day := range 3 {
		b.pass(time.Hour)
		must(t, b.queue.SetSchedule(ctx, daily)) // as each server does when it starts
		first.Wake()
		second.Wake()
		j := b.await("ended")
		want(t, "made by", j.Schedule, "daily")
		b.pass(23 * time.Hour)
		jobs, err := b.queue.Jobs(ctx, Filter{Schedule: "daily"})
		must(t, err)
		want(t, "jobs so far", len(jobs), day+1)
	}
	all, err := b.queue.Schedules(ctx)
	must(t, err)
	want(t, "due next", all[0].Next, time.Date(2026, 3, 5, 7, 0, 0, 0, time.UTC))
	must(t, b.queue.DropSchedule(ctx, "daily"))
	all, err = b.queue.Schedules(ctx)
	must(t, err)
	want(t, "schedules", len(all), 0)
}
