package mapping

import (
	"fmt"
	"strconv"
	"time"

	"tieout/audit"
)

// appendTime appends the instant a cell gives.
func (p *Program) appendTime(dst []byte, o *output, c *cell) ([]byte, bool, error) {
	t, err := p.instant(o, c)
	if err != nil {
		return dst, false, err
	}
	dst = append(dst, '"')
	dst = appendInstant(dst, t)
	return append(dst, '"'), true, nil
}

// instant reads the instant a cell gives, in the program's zone where the cell
// has no offset.
func (p *Program) instant(o *output, c *cell) (time.Time, error) {
	if c.kind != textCell && c.kind != numberCell {
		return time.Time{}, fmt.Errorf("%s is not an instant", shorten(c.text))
	}
	t, dateOnly, err := p.parseInstant(o, c)
	if err != nil {
		return time.Time{}, err
	}
	switch {
	case o.value.Date != "":
		t = p.endOfDay(t, o.value.Date)
	case dateOnly:
		return time.Time{}, fmt.Errorf("%s is a day, not an instant; say `date: start` or `date: end`", shorten(c.text))
	}
	t = audit.Instant(t)
	if t.Year() < 1 || !t.Before(audit.Never) {
		return time.Time{}, fmt.Errorf("%s lies outside of the years 1 to 9998", shorten(c.text))
	}
	return t, nil
}

// endOfDay is the start of t's own calendar day in the program's zone, or of
// the day after it.
func (p *Program) endOfDay(t time.Time, which string) time.Time {
	y, m, d := t.Date()
	if which == "end" {
		d++
	}
	return time.Date(y, m, d, 0, 0, 0, 0, p.zone)
}

func (p *Program) parseInstant(o *output, c *cell) (t time.Time, dateOnly bool, err error) {
	switch {
	case o.layout == "unix" || o.layout == "unixms":
		return parseUnix(o.layout, c.text)
	case o.layout != "":
		t, err := time.ParseInLocation(o.layout, string(c.text), p.zone)
		if err != nil {
			return t, false, fmt.Errorf("%s does not follow the layout %s", shorten(c.text), o.value.Layout)
		}
		return t, !hasClock(o.value.Layout), nil
	case c.date && c.kind == numberCell:
		return p.serial(c)
	}
	if t, ok := fastInstant(c.text); ok {
		return t, false, nil
	}
	return p.parseCommon(c.text)
}

func hasClock(layout string) bool {
	for i := range len(layout) {
		if layout[i] == 'H' || layout[i] == 'h' {
			return true
		}
	}
	return false
}

func parseUnix(layout string, text []byte) (time.Time, bool, error) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("%s is not a count of seconds", shorten(text))
	}
	if layout == "unixms" {
		return time.UnixMilli(n).UTC(), false, nil
	}
	return time.Unix(n, 0).UTC(), false, nil
}

// serial reads a spreadsheet's date: days since the end of 1899 (or the start
// of 1904), the time of day as fraction, without a zone.
func (p *Program) serial(c *cell) (time.Time, bool, error) {
	days, err := strconv.ParseFloat(string(c.text), 64)
	if err != nil || days < 1 || days >= 2958466 {
		return time.Time{}, false, fmt.Errorf("%s is not a spreadsheet's date", shorten(c.text))
	}
	first := 30
	year, month := 1899, time.December
	if c.base == 1904 {
		year, month, first = 1904, time.January, 1
	}
	whole := int(days)
	seconds := int((days-float64(whole))*86400 + 0.5)
	t := time.Date(year, month, first+whole, 0, 0, seconds, 0, p.zone)
	return t, seconds == 0, nil
}

var commonLayouts = []struct {
	layout   string
	dateOnly bool
}{
	{time.DateOnly, true},
	{time.RFC3339Nano, false},
	{"2006-01-02T15:04:05.999999999", false},
	{"2006-01-02 15:04:05.999999999Z07:00", false},
	{"2006-01-02 15:04:05.999999999 Z07:00", false},
	{"2006-01-02 15:04:05.999999999 -0700", false},
	{"2006-01-02T15:04:05.999999999-0700", false},
	{"2006-01-02 15:04:05.999999999 MST", false},
	{"2006-01-02 15:04:05.999999999", false},
	{"2006-01-02T15:04", false},
	{"2006-01-02 15:04", false},
}

func (p *Program) parseCommon(text []byte) (time.Time, bool, error) {
	s := string(text)
	for _, l := range commonLayouts {
		if l.layout[len(l.layout)-1] == 'T' && (len(s) < 4 || s[len(s)-4:] != " UTC") {
			continue // other abbreviations name no one offset
		}
		if t, err := time.ParseInLocation(l.layout, s, p.zone); err == nil {
			return t, l.dateOnly, nil
		}
	}
	return time.Time{}, false, fmt.Errorf("%s is not an instant such as 2026-01-31T09:00:00Z; say its layout", shorten(text))
}

// fastInstant reads 2026-01-31T09:00:00Z, with up to nine decimals, without
// allocating. ok is false for anything else.
func fastInstant(b []byte) (time.Time, bool) {
	if len(b) < 20 || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[len(b)-1] != 'Z' {
		return time.Time{}, false
	}
	var v [6]int
	for i, at := range [6][2]int{{0, 4}, {5, 7}, {8, 10}, {11, 13}, {14, 16}, {17, 19}} {
		for _, c := range b[at[0]:at[1]] {
			if c < '0' || c > '9' {
				return time.Time{}, false
			}
			v[i] = v[i]*10 + int(c-'0')
		}
	}
	nanos, ok := fraction(b[19 : len(b)-1])
	if !ok || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 28 || v[3] > 23 || v[4] > 59 || v[5] > 59 {
		return time.Time{}, false // days 29 to 31 go the long way, which knows the calendar
	}
	return time.Date(v[0], time.Month(v[1]), v[2], v[3], v[4], v[5], nanos, time.UTC), true
}

func fraction(b []byte) (int, bool) {
	if len(b) == 0 {
		return 0, true
	}
	if b[0] != '.' || len(b) > 10 || len(b) < 2 {
		return 0, false
	}
	n := 0
	for i := 1; i < 10; i++ {
		d := 0
		if i < len(b) {
			if b[i] < '0' || b[i] > '9' {
				return 0, false
			}
			d = int(b[i] - '0')
		}
		n = n*10 + d
	}
	return n, true
}

// appendInstant writes t as audit.FormatTime does, which is slower.
func appendInstant(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = append(appendDigits(dst, year, 1000), '-')
	dst = append(appendDigits(dst, int(month), 10), '-')
	dst = append(appendDigits(dst, day, 10), 'T')
	dst = append(appendDigits(dst, hour, 10), ':')
	dst = append(appendDigits(dst, minute, 10), ':')
	dst = appendDigits(dst, second, 10)
	if micros := t.Nanosecond() / 1000; micros > 0 {
		unit := 100_000
		for dst = append(dst, '.'); micros > 0; unit /= 10 {
			dst = append(dst, byte('0'+micros/unit))
			micros %= unit
		}
	}
	return append(dst, 'Z')
}

// appendDigits appends n with as many digits as unit has.
func appendDigits(dst []byte, n, unit int) []byte {
	for ; unit > 0; unit /= 10 {
		dst = append(dst, byte('0'+n/unit%10))
	}
	return dst
}

// ParseInstant reads text as v says (its Date, its Layout), in zone where it
// has no offset. A day without Date is refused.
func ParseInstant(v Value, zone *time.Location, text string) (time.Time, error) {
	o := output{name: "instant", field: &audit.Field{Name: "instant", Kind: audit.Time}, value: v}
	if err := o.check(); err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	kind := textCell
	if looksNumeric([]byte(text)) {
		kind = numberCell
	}
	t, err := (&Program{zone: zone}).instant(&o, &cell{kind: kind, text: []byte(text)})
	if err != nil {
		return t, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	return t, nil
}
