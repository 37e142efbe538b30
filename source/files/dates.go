package files

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"tieout/audit"
	"tieout/source/mapping"
)

var dayText = regexp.MustCompile(`^(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})$`)

// instantOf reads the date of a snapshot: a day (its start, or the time of day
// asked for, in zone), or an instant.
func (d *Dating) instantOf(text string, zone *time.Location) (time.Time, error) {
	if m := dayText.FindStringSubmatch(text); m != nil {
		day, err := time.ParseInLocation(time.DateOnly, m[1]+"-"+m[2]+"-"+m[3], zone)
		if err != nil {
			return day, fmt.Errorf("asOf: %q is not a day", text)
		}
		if d.Time == "" {
			return audit.Instant(day), nil
		}
		clock, err := time.Parse("15:04", d.Time)
		if err != nil {
			return day, fmt.Errorf("asOf: %q is not a time of day such as 06:00", d.Time)
		}
		y, mo, da := day.Date()
		return audit.Instant(time.Date(y, mo, da, clock.Hour(), clock.Minute(), 0, 0, zone)), nil
	}
	t, err := mapping.ParseInstant(mapping.Value{}, zone, text)
	if err != nil {
		return t, fmt.Errorf("asOf: %w", err)
	}
	return t, nil
}

var (
	yearText    = regexp.MustCompile(`^(\d{4})$`)
	quarterText = regexp.MustCompile(`^(\d{4})[-_]?[Qq]([1-4])$`)
	monthText   = regexp.MustCompile(`^(\d{4})[-_.]?(\d{2})$`)
)

// stretchOf reads a day, a month, a quarter or a year as the half-open stretch
// it is in zone.
func stretchOf(text string, zone *time.Location) (audit.Span, error) {
	var y, years, months, days int
	m, d := 1, 1
	num := func(s string) int { n, _ := strconv.Atoi(s); return n } // the patterns admit digits only
	switch {
	case yearText.MatchString(text):
		y, years = num(text), 1
	case quarterText.MatchString(text):
		g := quarterText.FindStringSubmatch(text)
		y, m, months = num(g[1]), 3*num(g[2])-2, 3
	case dayText.MatchString(text):
		g := dayText.FindStringSubmatch(text)
		y, m, d, days = num(g[1]), num(g[2]), num(g[3]), 1
	case monthText.MatchString(text):
		g := monthText.FindStringSubmatch(text)
		y, m, months = num(g[1]), num(g[2]), 1
	default:
		return audit.Span{}, fmt.Errorf("covers: %q is not a day, month, quarter or year", text)
	}
	from := time.Date(y, time.Month(m), d, 0, 0, 0, 0, zone)
	if from.Year() != y || int(from.Month()) != m || from.Day() != d || y < 1 {
		return audit.Span{}, fmt.Errorf("covers: there is no day %q", text)
	}
	return audit.Span{From: audit.Instant(from), To: audit.Instant(from.AddDate(years, months, days))}, nil
}

// between is the stretch from the start of one day to the end of another; each
// may be an instant instead.
func between(from, to string, zone *time.Location) (audit.Span, error) {
	a, err := edge(from, "start", zone)
	if err != nil {
		return audit.Span{}, fmt.Errorf("covers: from: %w", err)
	}
	b, err := edge(to, "end", zone)
	if err != nil {
		return audit.Span{}, fmt.Errorf("covers: to: %w", err)
	}
	s := audit.Span{From: a, To: b}
	if s.Empty() {
		return s, fmt.Errorf("covers: it ends at %s, before it starts at %s", to, from)
	}
	return s, nil
}

func edge(text, which string, zone *time.Location) (time.Time, error) {
	v := mapping.Value{}
	if dayText.MatchString(text) {
		v.Date = which
	}
	return mapping.ParseInstant(v, zone, text)
}
