package web

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/report"
)

// Forms of registers: what was typed is kept, times are those of the
// organization's zone, people are found by their address.

// A choice is one value of a field that has few.
type choice struct {
	Value, Text string
	Chosen      bool
}

// choices offers values as words; empty, where it is not "", is offered first
// for no value.
func choices(chosen, empty string, values ...string) (out []choice) {
	if empty != "" {
		out = append(out, choice{"", empty, chosen == ""})
	}
	for _, v := range values {
		out = append(out, choice{v, report.Capital(v), v == chosen})
	}
	return out
}

// typed is what was just sent in a field, so that a refused form loses nothing,
// or what there is.
func (q *request) typed(name, have string) string {
	if q.PostForm.Has(name) {
		return q.PostForm.Get(name)
	}
	return have
}

// Forms of instants and days in fields.
const (
	minuteForm = "2006-01-02T15:04"
	dayForm    = "2006-01-02"
)

// instant reads a field that holds a minute in the organization's zone; zero
// where it is empty.
func (q *request) instant(name, words string) (time.Time, error) {
	return readTime(q.field(name), words, q.zone(), minuteForm, "2006-01-02T15:04:05")
}

// day reads a field that holds a day: its first instant in the organization's
// zone, or its last second; zero where it is empty.
func (q *request) day(name, words string, last bool) (time.Time, error) {
	t, err := readTime(q.field(name), words, q.zone(), dayForm)
	if err == nil && last && !t.IsZero() {
		y, m, d := t.Date()
		t = time.Date(y, m, d, 23, 59, 59, 0, q.zone())
	}
	return t, err
}

func readTime(s, words string, zone *time.Location, forms ...string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, form := range forms {
		if t, err := time.ParseInLocation(form, s, zone); err == nil && t.Year() > 1989 && t.Year() < 2201 {
			return audit.Instant(t), nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: %s: %q is not written like %s", audit.ErrInvalid, words, s, forms[0])
}

// asField is an instant as a field shows it, "" where there is none.
func asField(t time.Time, form string, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(form)
}

// words are the parts of a field that holds identifiers.
func (q *request) words(name string) []string {
	return strings.FieldsFunc(q.field(name), func(r rune) bool { return r == ' ' || r == ',' || r == ';' || r == '\n' || r == '\r' || r == '\t' })
}

// base reads the revision a form was made from.
func (q *request) base() int64 {
	n := int64(-1)
	if _, err := fmt.Sscan(q.field("revision"), &n); err != nil || n < 0 {
		return 1 << 52 // no revision a thing can have: the form is not one of ours
	}
	return n
}

// somebody finds who is meant by an address or by the whole name; before is who
// it was, which may stay though nobody is found by it.
func (q *request) somebody(typed, before, words string) (string, error) {
	if typed == "" || typed == before || typed == q.addressOf(before) {
		if typed == "" {
			return "", nil
		}
		return before, nil
	}
	var hits []string
	for id, n := range q.names {
		if n.Active && (strings.EqualFold(n.Email, typed) || strings.EqualFold(n.Name, typed)) {
			hits = append(hits, id)
		}
	}
	if len(hits) == 1 {
		return hits[0], nil
	}
	return "", fmt.Errorf("%w: %s: %s here is called %q. Write the e-mail address with which they sign in", audit.ErrInvalid, words,
		map[bool]string{true: "nobody", false: "more than one person"}[len(hits) == 0], typed)
}

// fewPeople is how many addresses a field offers.
const fewPeople = 50

// addresses are what a field for a person offers, where there are few.
func (q *request) addresses() (out []string) {
	if len(q.names) > fewPeople {
		return nil
	}
	for _, n := range q.names {
		if n.Active {
			out = append(out, n.Email)
		}
	}
	slices.Sort(out)
	return out
}

// controlsOf refuses identifiers of controls that neither this workspace nor the
// library knows.
func (q *request) controlsOf(ids []string) error {
	lib, err := definition.Library()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.Contains(q.st.whole().controls(), id) && !slices.ContainsFunc(lib.Controls, func(c audit.Control) bool { return c.ID == id }) {
			return fmt.Errorf("%w: controls: there is no control %q; see Controls", audit.ErrInvalid, id)
		}
	}
	return nil
}

// asCSV sends a table as comma-separated text that no spreadsheet runs.
func (q *request) asCSV(name string, head []string, rows [][]string) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true // RFC 4180 section 2
	for _, row := range slices.Concat([][]string{head}, rows) {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = report.Inert(c)
		}
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	h.Set("Content-Length", fmt.Sprint(b.Len()))
	q.w.WriteHeader(http.StatusOK)
	_, _ = q.w.Write(b.Bytes()) // who asked is gone
	return nil
}

// dayOr is a day in words, or what is said where there is none.
func (q *request) dayOr(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return report.Day(t, q.zone())
}

// momentOr is an instant in words, or what is said where there is none.
func (q *request) momentOr(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return report.Moment(t, q.zone())
}
