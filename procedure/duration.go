package procedure

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"tieout/audit"
)

// Instants are microseconds since 1970 UTC inside this package.
const (
	second = int64(1_000_000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
	week   = 7 * day

	forever = int64(math.MaxInt64)
	always  = int64(math.MinInt64)
)

var never = micros(audit.Never)

func micros(t time.Time) int64       { return t.UnixMicro() }
func instant(us int64) time.Time     { return time.UnixMicro(us).UTC() }
func text(us int64) string           { return audit.FormatTime(instant(us)) }
func span(from, to int64) audit.Span { return audit.Span{From: instant(from), To: instant(to)} }

// A length is a duration as procedures write it: microseconds, or below zero
// a number of business days. Its one number is what CEL functions are given.
type length int64

var lengthPattern = regexp.MustCompile(`^(\d{1,6})(m|h|d|w|bd)$`)

// parseLength reads 30m, 26h, 7d, 2w or 1bd.
func parseLength(s string) (length, error) {
	m := lengthPattern.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q is not a duration such as 30m, 26h, 7d, 2w or 1bd", s)
	}
	n, _ := strconv.ParseInt(m[1], 10, 64)
	switch m[2] {
	case "m":
		return length(n * minute), nil
	case "h":
		return length(n * hour), nil
	case "d":
		return length(n * day), nil
	case "w":
		return length(n * week), nil
	}
	if n > 1000 {
		return 0, fmt.Errorf("%q is more than 1000 business days; write days", s)
	}
	return length(-n), nil
}

// A calendar knows the organization's zone and its business days.
type calendar struct {
	zone     *time.Location
	holidays map[string]bool
}

func newCalendar(zone *time.Location, holidays []string) (*calendar, error) {
	c := &calendar{zone: zone, holidays: make(map[string]bool, len(holidays))}
	for _, h := range holidays {
		if _, err := time.Parse(time.DateOnly, h); err != nil {
			return nil, fmt.Errorf("%w: holiday %q is not a date such as 2026-12-25", audit.ErrInvalid, h)
		}
		c.holidays[h] = true
	}
	return c, nil
}

func (c *calendar) business(t time.Time) bool {
	wd := t.Weekday()
	return wd != time.Saturday && wd != time.Sunday && !c.holidays[t.Format(time.DateOnly)]
}

// add returns t plus l. Adding to never gives never.
func (c *calendar) add(t int64, l length) int64 {
	switch {
	case t == never || t >= never-int64(max(l, 0)):
		return never
	case l >= 0:
		return t + int64(l)
	}
	return c.addBusiness(t, int(-l))
}

// sub returns t minus l, where l counts real time.
func (c *calendar) sub(t int64, l length) int64 {
	if l >= 0 || t == never {
		return t - int64(max(l, 0))
	}
	local := instant(t).In(c.zone)
	for n := int(-l); n > 0; {
		local = local.AddDate(0, 0, -1)
		if c.business(local) {
			n--
		}
	}
	return micros(local)
}

// addBusiness counts time on business days only: from midnight one business
// day ends with that day; from any other time of day it ends at the same time
// on the next business day. Outside business days counting starts at the
// next one's midnight.
func (c *calendar) addBusiness(t int64, n int) int64 {
	local := instant(t).In(c.zone)
	if !c.business(local) {
		local = time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, c.zone)
		for !c.business(local) {
			local = local.AddDate(0, 0, 1)
		}
	}
	h, m, s := local.Clock()
	if h == 0 && m == 0 && s == 0 && local.Nanosecond() == 0 {
		for ; n > 1; n-- {
			local = c.nextBusiness(local)
		}
		return micros(local.AddDate(0, 0, 1))
	}
	for ; n > 0; n-- {
		local = c.nextBusiness(local)
	}
	return micros(local)
}

func (c *calendar) nextBusiness(t time.Time) time.Time {
	for {
		t = t.AddDate(0, 0, 1)
		if c.business(t) {
			return t
		}
	}
}
