package audit

import (
	"fmt"
	"time"
)

// TimeLayout is the one way an instant is written in sealed bytes: RFC 3339,
// UTC, up to six decimals and no trailing zeros.
const TimeLayout = "2006-01-02T15:04:05.999999Z07:00"

// Never is the instant of something known not to have happened. It is later
// than every real instant, so "before" and "no later than" are false of it.
// In a normalized item it is written "never".
var Never = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)

// NeverText is how Never is written in a normalized item.
const NeverText = "never"

// Instant returns t in UTC, cut to the microsecond.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// FormatTime writes t as TimeLayout, or "never".
func FormatTime(t time.Time) string {
	if t.Equal(Never) {
		return NeverText
	}
	return Instant(t).Format(TimeLayout)
}

// ParseTime reads what FormatTime wrote and nothing else.
func ParseTime(s string) (time.Time, error) {
	if s == NeverText {
		return Never, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: instant %q is not RFC 3339", ErrInvalid, s)
	}
	if FormatTime(t) != s {
		return time.Time{}, fmt.Errorf("%w: instant %q is not in UTC with at most six decimals", ErrInvalid, s)
	}
	return t.UTC(), nil
}

// A Span is the half-open stretch [From, To). The zero Span is empty.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// At is the Span of one instant: [t, t+1µs).
func At(t time.Time) Span { return Span{Instant(t), Instant(t).Add(time.Microsecond)} }

// Empty reports whether s holds no instant.
func (s Span) Empty() bool { return !s.From.Before(s.To) }

// Contains reports whether t lies in s.
func (s Span) Contains(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// Intersect returns the part of s that lies in o; it may be empty.
func (s Span) Intersect(o Span) Span {
	if o.From.After(s.From) {
		s.From = o.From
	}
	if o.To.Before(s.To) {
		s.To = o.To
	}
	if s.Empty() {
		return Span{}
	}
	return s
}

// A Period is the stretch under examination: a half-open Span whose ends were
// midnights in Zone when it was declared. The UTC ends are what is sealed, so
// that another machine's time zone data cannot move them.
type Period struct {
	Span
	Zone string `json:"zone"` // IANA name
}

// NewPeriod returns the period from the start of the day first to the end of
// the day last, both "2006-01-02" in zone, last included.
func NewPeriod(first, last, zone string) (Period, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return Period{}, fmt.Errorf("%w: time zone %q is not an IANA name such as Europe/Berlin", ErrInvalid, zone)
	}
	from, err := time.ParseInLocation(time.DateOnly, first, loc)
	if err != nil {
		return Period{}, fmt.Errorf("%w: period start %q is not a date such as 2026-01-01", ErrInvalid, first)
	}
	to, err := time.ParseInLocation(time.DateOnly, last, loc)
	if err != nil {
		return Period{}, fmt.Errorf("%w: period end %q is not a date such as 2026-12-31", ErrInvalid, last)
	}
	p := Period{Span{Instant(from), Instant(to.AddDate(0, 0, 1))}, zone}
	if p.Empty() {
		return Period{}, fmt.Errorf("%w: period ends on %s, before it starts on %s", ErrInvalid, last, first)
	}
	return p, nil
}

// Days is the period's length in calendar days of its zone.
func (p Period) Days() int { return p.Day(p.To.Add(-time.Microsecond)) }

// Day is the 1-based calendar day of the period at t; below 1 before it.
func (p Period) Day(t time.Time) int {
	loc := p.Location()
	a, b := p.From.In(loc), t.In(loc)
	ad := time.Date(a.Year(), a.Month(), a.Day(), 0, 0, 0, 0, time.UTC)
	bd := time.Date(b.Year(), b.Month(), b.Day(), 0, 0, 0, 0, time.UTC)
	return int(bd.Sub(ad)/(24*time.Hour)) + 1
}

// Location is the period's zone, or UTC where this machine does not know it.
func (p Period) Location() *time.Location {
	loc, err := time.LoadLocation(p.Zone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// First and Last are the period's first and last calendar day, "2006-01-02".
func (p Period) First() string { return p.From.In(p.Location()).Format(time.DateOnly) }

// Last is the period's last calendar day, included in it.
func (p Period) Last() string {
	return p.To.Add(-time.Microsecond).In(p.Location()).Format(time.DateOnly)
}
