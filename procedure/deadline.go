package procedure

import (
	"fmt"
	"time"

	"tieout/audit"
)

// Deadline is when a length of time after from has passed, as procedures count
// it: length is 30m, 26h, 7d, 2w or 1bd, business days are those of the zone
// without the holidays (such as 2026-12-25).
func Deadline(from time.Time, of string, zone *time.Location, holidays []string) (time.Time, error) {
	l, err := parseLength(of)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	cal, err := newCalendar(zone, holidays)
	if err != nil {
		return time.Time{}, err
	}
	return instant(cal.add(micros(from), l)), nil
}
