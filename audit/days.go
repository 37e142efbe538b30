package audit

import (
	"fmt"
	"time"
)

// NextDays are the days that follow a period at once and are as many: as many
// calendar months where it is whole months, else as many days. Days are written
// "2006-01-02", the last one included.
func NextDays(first, last string) (nextFirst, nextLast string, err error) {
	a, end, err := dayAfter(first, last)
	if err != nil {
		return "", "", err
	}
	to := end.AddDate(0, 0, int(end.Sub(a).Hours()/24))
	if n := months(a, end); n > 0 {
		to = end.AddDate(0, n, 0)
	}
	return end.Format(time.DateOnly), to.AddDate(0, 0, -1).Format(time.DateOnly), nil
}

// dayAfter are a period's first day and the day after its last one.
func dayAfter(first, last string) (a, end time.Time, err error) {
	a, err = time.Parse(time.DateOnly, first)
	if err != nil {
		return a, end, fmt.Errorf("%w: %.40q is not a date such as 2026-01-01", ErrInvalid, first)
	}
	b, err := time.Parse(time.DateOnly, last)
	if err != nil || b.Before(a) {
		return a, end, fmt.Errorf("%w: %.40q is not a day from %s on", ErrInvalid, last, first)
	}
	return a, b.AddDate(0, 0, 1), nil
}

// months is how many whole months lie from a day to another; 0 where they are none.
func months(a, end time.Time) int {
	n := (end.Year()-a.Year())*12 + int(end.Month()-a.Month())
	if n > 0 && a.AddDate(0, n, 0).Equal(end) {
		return n
	}
	return 0
}

// DaysBetween are the days between the last day of one period and the first of another, ""
// where the second begins the day after or before that.
func DaysBetween(last, first string) (from, to string) {
	_, a, err := dayAfter(last, last)
	if err != nil {
		return "", ""
	}
	b, err := time.Parse(time.DateOnly, first)
	if err != nil || !a.Before(b) {
		return "", ""
	}
	return a.Format(time.DateOnly), b.AddDate(0, 0, -1).Format(time.DateOnly)
}

// LengthWarning says what readers ask about the length of a period whose
// operation is reported on: under three months, under six, and over a year. "":
// nothing, or the days are no period.
func LengthWarning(first, last string) string {
	a, end, err := dayAfter(first, last)
	if err != nil {
		return ""
	}
	n := int(end.Sub(a).Hours() / 24)
	days, show := fmt.Sprintf("%d days", n), "show"
	if n == 1 {
		days, show = "1 day", "shows"
	}
	switch {
	case end.Before(a.AddDate(0, 3, 0)):
		return days + " " + show + " little of a year: what happens each quarter may not happen once, and many readers do not accept a Type II of less than three months. Twelve months are typical."
	case end.Before(a.AddDate(0, 6, 0)):
		return days + " are less than six months: what happens each half-year may not happen once, and some readers ask for six months at least. Twelve months are typical."
	case end.After(a.AddDate(0, 12, 0)) && n > 366:
		return days + " are more than a year: readers expect a report at least every twelve months."
	}
	return ""
}
