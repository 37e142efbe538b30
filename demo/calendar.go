package demo

import (
	"time"
	_ "time/tzdata" // Halyard's days do not depend on the machine's files
)

// Zone is Halyard's declared time zone.
const Zone = "America/New_York"

var zone = mustZone()

func mustZone() *time.Location {
	loc, err := time.LoadLocation(Zone)
	if err != nil {
		panic(err) // the zone is embedded in the binary
	}
	return loc
}

// The examined period, the first snapshot before it and the last after it.
var (
	periodFrom  = day(2025, 1, 1)
	periodTo    = day(2026, 1, 1)
	firstDay    = day(2024, 12, 11)
	firstMonday = day(2024, 12, 16)
	lastDay     = day(2026, 1, 14)
	firstMonth  = day(2024, 12, 1) // of event files
	firstEvent  = day(2024, 1, 1)  // of events that are looked back to for a year
	exportsEnd  = day(2026, 2, 1)
)

// day returns the start of a calendar day in the zone.
func day(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, zone) }

// clock returns an instant of a calendar day in the zone.
func clock(y, m, d, hour, minute int) time.Time {
	return time.Date(y, time.Month(m), d, hour, minute, 0, 0, zone)
}

// addDays moves by calendar days, keeping the local time of day.
func addDays(t time.Time, n int) time.Time { return t.AddDate(0, 0, n) }

// on returns the instant hour:minute of t's calendar day.
func on(t time.Time, hour, minute int) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), hour, minute, 0, 0, zone)
}

func dateText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	y, m, d := t.In(zone).Date()
	b := [10]byte{4: '-', 7: '-'}
	digits(b[0:4], y)
	digits(b[5:7], int(m))
	digits(b[8:10], d)
	return string(b[:])
}

func instantText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if t.Nanosecond() != 0 {
		return t.UTC().Format("2006-01-02T15:04:05.999999Z07:00")
	}
	u := t.UTC()
	y, m, d := u.Date()
	hour, minute, second := u.Clock()
	b := [20]byte{4: '-', 7: '-', 10: 'T', 13: ':', 16: ':', 19: 'Z'}
	digits(b[0:4], y)
	digits(b[5:7], int(m))
	digits(b[8:10], d)
	digits(b[11:13], hour)
	digits(b[14:16], minute)
	digits(b[17:19], second)
	return string(b[:])
}

// digits fills b with n, zeros in front.
func digits(b []byte, n int) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
}

func monthText(t time.Time) string { return dateText(t)[:7] }

// monthOf returns the start of t's month.
func monthOf(t time.Time) time.Time { return day(t.Year(), int(t.Month()), 1) }

func workday(t time.Time) bool {
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && !holidays[dateText(t)]
}

// nextWorkday returns the start of the first working day from t on.
func nextWorkday(t time.Time) time.Time {
	for t = on(t, 0, 0); !workday(t); t = addDays(t, 1) {
	}
	return t
}

// Halyard's holidays, as tieout.yaml lists them.
var holidayList = []string{
	"2024-12-25", "2025-01-01", "2025-01-20", "2025-02-17", "2025-05-26", "2025-06-19", "2025-07-04",
	"2025-09-01", "2025-10-13", "2025-11-11", "2025-11-27", "2025-12-25", "2026-01-01",
}

var holidays = func() map[string]bool {
	m := map[string]bool{}
	for _, d := range holidayList {
		m[d] = true
	}
	return m
}()

// eachDay calls f with the start of every calendar day in [from, to).
func eachDay(from, to time.Time, f func(time.Time) error) error {
	for d := from; d.Before(to); d = addDays(d, 1) {
		if err := f(d); err != nil {
			return err
		}
	}
	return nil
}

// eachMonth calls f with the start of every calendar month in [from, to).
func eachMonth(from, to time.Time, f func(time.Time) error) error {
	for d := from; d.Before(to); d = d.AddDate(0, 1, 0) {
		if err := f(d); err != nil {
			return err
		}
	}
	return nil
}
