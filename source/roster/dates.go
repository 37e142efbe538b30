package roster

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source/folder"
)

// plainDays are days that read in one way only: the year first, or the month by name.
var plainDays = []string{time.DateOnly, "2006/01/02", "2-Jan-2006", "2 Jan 2006", "Jan 2, 2006", "January 2, 2006", "2 January 2006"}

var clocks = []string{" 15:04:05", " 15:04", " 3:04 PM", " 3:04:05 PM", "T15:04:05"}

var dayTokens = strings.NewReplacer("YYYY", "2006", "MMMM", "January", "MMM", "Jan", "MM", "01", "DD", "02", "M", "1", "D", "2")

// layouts are Go's layouts of the days that a table may hold.
func layouts(format string) ([]string, error) {
	if format == "" {
		return plainDays, nil
	}
	l := dayTokens.Replace(format)
	probe := time.Date(2033, 11, 28, 0, 0, 0, 0, time.UTC)
	if got, err := time.Parse(l, probe.Format(l)); err != nil || !got.Equal(probe) {
		return nil, fmt.Errorf("dateFormat: %q does not say a day; write it of YYYY, MM, M, MMM, DD, D, such as DD/MM/YYYY", format)
	}
	return append([]string{l}, plainDays...), nil
}

// An edge is what a day without a time of day means.
type edge int

const (
	start edge = iota // its start
	end               // its end, which is the start of the next
)

var ambiguous = regexp.MustCompile(`^\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}\b`)

// instant reads a date in zone. A day, and the midnight that some systems write
// instead of a day, means the edge asked for; a time of day is taken exactly.
func instant(text string, e edge, layouts []string, zone *time.Location) (time.Time, error) {
	text = strings.TrimSpace(text)
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return inRange(text, t)
	}
	for _, l := range layouts {
		for _, clock := range append([]string{""}, clocks...) {
			t, err := time.ParseInLocation(l+clock, text, zone)
			if err != nil {
				continue
			}
			if h, m, s := t.Clock(); e == end && h+m+s == 0 {
				y, mo, d := t.Date()
				t = time.Date(y, mo, d+1, 0, 0, 0, 0, zone)
			}
			return inRange(text, t)
		}
	}
	if ambiguous.MatchString(text) {
		return time.Time{}, fmt.Errorf("%q may be read in more than one way; say `dateFormat:`, such as DD/MM/YYYY", text)
	}
	return time.Time{}, fmt.Errorf("%q is not a date such as 2026-03-31", text)
}

func inRange(text string, t time.Time) (time.Time, error) {
	if t.Year() < 1900 || t.Year() > 2999 {
		return time.Time{}, fmt.Errorf("%q lies outside of the years 1900 to 2999", text)
	}
	return audit.Instant(t), nil
}

// named is the day in a file's name, at its start.
func named(name string, zone *time.Location) (time.Time, error) {
	t, err := folder.Day(name, zone)
	if err != nil {
		return t, err
	}
	return inRange(t.Format(time.DateOnly), t)
}
