package definition

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/internal/canonical"
)

// A diff is what differs between two revisions, in words.
type diff []string

func (d diff) String() string { return strings.Join(d, "; ") }

// word notes a short value, old and new.
func (d *diff) word(name, a, b string) {
	if a != b {
		*d = append(*d, fmt.Sprintf("%s %s -> %s", name, orNone(a), orNone(b)))
	}
}

// text notes that a long value differs.
func (d *diff) text(name, a, b string) {
	if a != b {
		*d = append(*d, name)
	}
}

// list notes what was taken out of a list and what was put in.
func (d *diff) list(name string, a, b []string) {
	var parts []string
	for _, v := range a {
		if !slices.Contains(b, v) {
			parts = append(parts, "-"+v)
		}
	}
	for _, v := range b {
		if !slices.Contains(a, v) {
			parts = append(parts, "+"+v)
		}
	}
	if len(parts) > 0 {
		*d = append(*d, name+" "+strings.Join(parts, " "))
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// differences compares two revisions of a control or of a procedure, without
// their effective dates.
func differences(a, b revised) diff {
	if a.control != nil {
		return controlDifferences(a, b)
	}
	return procedureDifferences(a, b)
}

func controlDifferences(x, y revised) diff {
	a, b := x.control, y.control
	var d diff
	d.word("frequency", a.Frequency, b.Frequency)
	d.word("owner", a.Owner, b.Owner)
	d.word("nature", a.Nature, b.Nature)
	d.list("type", a.Type, b.Type)
	d.list("criteria", a.Criteria, b.Criteria)
	d.word("automation", a.Automation, b.Automation)
	d.list("data", a.Data, b.Data)
	d.text("title", a.Title, b.Title)
	d.text("description", a.Description, b.Description)
	d.text("population", a.Population, b.Population)
	d.text("tests", a.Tests, b.Tests)
	d.text("evidence", a.Evidence, b.Evidence)
	d.text("sampling", a.Sampling, b.Sampling)
	if x.effective.From != y.effective.From && len(d) == 0 {
		d.word("in force from", x.effective.From, y.effective.From)
	}
	return d
}

func procedureDifferences(x, y revised) diff {
	a, b := x.procedure, y.procedure
	var d diff
	d.word("form", string(a.Form), string(b.Form))
	d.list("controls", a.Controls, b.Controls)
	names := append(sortedKeys(a.Parameters), sortedKeys(b.Parameters)...)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		d.word(name, parameter(a.Parameters[name]), parameter(b.Parameters[name]))
	}
	d.text("title", a.Title, b.Title)
	d.text("statement", a.Statement, b.Statement)
	d.text("population", a.Population, b.Population)
	if len(d) == 0 && a.Hash != b.Hash {
		d = append(d, "test")
	}
	if x.effective.From != y.effective.From && len(d) == 0 {
		d.word("in force from", x.effective.From, y.effective.From)
	}
	return d
}

// parameter writes a value as its document does.
func parameter(v any) string {
	switch t := v.(type) {
	case nil:
		return ""
	case string:
		return t
	case []string:
		return "[" + strings.Join(t, ", ") + "]"
	}
	b, err := canonical.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// firstDue is the last day of the first window that a control of this
// frequency is due in from the day from on; "" if it has no calendar.
func firstDue(frequency, from string) string {
	t, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return ""
	}
	months := map[string]int{"monthly": 1, "quarterly": 3, "semi-annual": 6, "annual": 12}[frequency]
	switch {
	case frequency == "daily":
		return from
	case frequency == "weekly":
		return t.AddDate(0, 0, (7-int(t.Weekday()))%7).Format(time.DateOnly)
	case months == 0:
		return ""
	}
	window := (int(t.Month()) - 1) / months
	return time.Date(t.Year(), time.Month((window+1)*months+1), 0, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}
