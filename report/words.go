package report

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tieout/audit"
)

var small = [...]string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}

// Words writes n as a word below ten, else in digits with thousands separated.
func Words(n int) string {
	if n >= 0 && n < len(small) {
		return small[n]
	}
	return Number(n)
}

// Number writes n in digits with thousands separated: "1,846".
func Number(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Plural writes n in digits and the noun that fits it: "1 item", "2 items".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// OfAll writes a part of a whole: in words if both are below ten, as in
// "three of eight", else "59 of 68".
func OfAll(part, whole int) string {
	if whole < len(small) && part < len(small) {
		return Words(part) + " of " + Words(whole)
	}
	return Number(part) + " of " + Number(whole)
}

// Capital returns s with its first letter in upper case.
func Capital(s string) string {
	if s == "" {
		return ""
	}
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// List joins words as a sentence does: "a", "a and b", "a, b, and c".
func List(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	case 2:
		return words[0] + " and " + words[1]
	}
	return strings.Join(words[:len(words)-1], ", ") + ", and " + words[len(words)-1]
}

// Day writes t's calendar day in loc: "14 Sep 2026".
func Day(t time.Time, loc *time.Location) string { return t.In(loc).Format("2 Jan 2006") }

// Moment writes t to the minute in loc, with the zone's offset name.
func Moment(t time.Time, loc *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(loc).Format("2 Jan 2006 15:04 MST")
}

// Days writes the calendar days a span touches: "3 Jun 2026",
// "12 to 14 Mar 2026", "28 Dec 2025 to 3 Jan 2026". It is "" for an empty span.
func Days(s audit.Span, loc *time.Location) string {
	if s.Empty() {
		return ""
	}
	a, b := s.From.In(loc), s.To.Add(-time.Microsecond).In(loc)
	switch {
	case a.Year() != b.Year():
		return Day(a, loc) + " to " + Day(b, loc)
	case a.Month() != b.Month():
		return a.Format("2 Jan") + " to " + Day(b, loc)
	case a.Day() != b.Day():
		return strconv.Itoa(a.Day()) + " to " + Day(b, loc)
	}
	return Day(a, loc)
}

// Length writes how long d is in the largest unit that still says enough:
// "40 minutes", "61 hours", "9 days".
func Length(d time.Duration) string {
	switch {
	case d < time.Minute:
		return Plural(int(d/time.Second), "second", "seconds")
	case d < 2*time.Hour:
		return Plural(int(d/time.Minute), "minute", "minutes")
	case d < 72*time.Hour:
		return Plural(int(d/time.Hour), "hour", "hours")
	}
	return Plural(int(d/(24*time.Hour)), "day", "days")
}
