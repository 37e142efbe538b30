package definition

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// A Recovery is what is meant to hold when a component is lost: how long it may
// be away, and how much of what was written last may be lost with it.
type Recovery struct {
	Time string `yaml:"time" json:"time,omitempty"` // such as 4h; "": nobody has said
	Loss string `yaml:"loss" json:"loss,omitempty"` // such as 1h; "": nobody has said
}

var (
	objective = regexp.MustCompile(`^[1-9][0-9]{0,4}[mhd]$`)
	kept      = regexp.MustCompile(`^[1-9][0-9]{0,4}[dy]$`)
)

// checkRecovery refuses objectives that are no lengths of time, and a recovery
// that states none.
func checkRecovery(d *doc, at []any, r *Recovery) {
	if r == nil {
		return
	}
	at = append(slices.Clone(at), "recovery")
	if *r == (Recovery{}) {
		d.bad(at, "a recovery states a time, a loss, or both, such as { time: 4h, loss: 1h }")
	}
	for _, o := range [][2]string{{"time", r.Time}, {"loss", r.Loss}} {
		if o[1] != "" && !objective.MatchString(o[1]) {
			d.bad(append(slices.Clone(at), o[0]), "%q is not a length of time such as 30m, 4h or 2d", o[1])
		}
	}
}

// checkRetention refuses what is no number of days or years.
func checkRetention(d *doc, at []any, retention string) {
	if retention != "" && !kept.MatchString(retention) {
		d.bad(append(slices.Clone(at), "retention"), "%q is not a time that data are kept, such as 365d or 7y", retention)
	}
}

// String is the objectives in a line: "back within 4 hours, at most 1 hour lost".
func (r *Recovery) String() string {
	switch {
	case r == nil || *r == (Recovery{}):
		return ""
	case r.Loss == "":
		return "back within " + LengthText(r.Time)
	case r.Time == "":
		return "at most " + LengthText(r.Loss) + " lost"
	}
	return "back within " + LengthText(r.Time) + ", at most " + LengthText(r.Loss) + " lost"
}

// RetentionText is how long data of a class are kept, in words; "" where the file
// does not say.
func (c DataClass) RetentionText() string {
	if c.Retention == "" {
		return ""
	}
	return LengthText(c.Retention)
}

var units = map[byte]string{'m': "minute", 'h': "hour", 'd': "day", 'y': "year"}

// LengthText writes a length of time of a definition file in words: 4h is "4
// hours". What is none stays as it is written.
func LengthText(s string) string {
	if s == "" {
		return ""
	}
	n, err := strconv.Atoi(s[:len(s)-1])
	unit := units[s[len(s)-1]]
	switch {
	case err != nil || unit == "":
		return s
	case n == 1:
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
