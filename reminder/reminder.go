// Package reminder tells people what is due: by e-mail, in a chat, to other
// programs, in a calendar. It knows messages and how they travel; what is due,
// and to whom, it is told. A message says what can be read by whoever sees a
// mailbox: that something is due, never what evidence says.
package reminder

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"tieout/audit"
)

// Bounds of a message; what is longer is cut, and says so.
const (
	maxLines = 50
	maxText  = 300 // characters of one line
)

// A Person is who is told.
type Person struct {
	Account string // ID
	Name    string
	Email   string
}

// A Line is one thing that is due.
type Line struct {
	Text    string // "Board meeting, 2026-Q1"
	Due     string // "due 31 Mar 2026"
	Who     string // whose it is, where it is not the reader's own; "": it is
	Overdue bool
}

// A Message is what one person is told on one day.
type Message struct {
	To       Person
	Sentence string // the one true sentence, which is the subject
	Lines    []Line
	Act      string // words before the link; "" is "Do the first"
	Link     string // leads to exactly one thing to do; "": the address of this server is not known
	Later    []Line // of others, for who runs the program: what is overdue there
}

// Text is the message as plain text.
func (m Message) Text() string {
	var b strings.Builder
	b.WriteString(m.Sentence + "\n")
	writeLines(&b, m.Lines)
	if m.Link != "" {
		b.WriteString("\n" + cmp.Or(m.Act, "Do the first") + ": " + m.Link + "\n")
	}
	if len(m.Later) > 0 {
		b.WriteString("\nOverdue with others:\n")
		writeLines(&b, m.Later)
	}
	return b.String()
}

func writeLines(b *strings.Builder, lines []Line) {
	if len(lines) > 0 {
		b.WriteString("\n")
	}
	for i, l := range lines {
		if i == maxLines {
			fmt.Fprintf(b, "  and %d more\n", len(lines)-maxLines)
			return
		}
		b.WriteString("  " + l.String() + "\n")
	}
}

// String is the line as one sentence without its end.
func (l Line) String() string {
	s := oneLine(l.Text)
	if l.Due != "" {
		s += ", " + oneLine(l.Due)
	}
	if l.Who != "" {
		s += ", with " + oneLine(l.Who)
	}
	return s
}

// oneLine is a text that a message can hold: no line breaks or other control
// characters, and no longer than a line should be.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' }), " ")
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText-1]) + "…"
	}
	return s
}

// Rules say on which days somebody is told. The zero value tells nobody.
type Rules struct {
	Ahead    int          // days before something is due on which it is said first
	Escalate int          // days after which what is overdue is said to who runs the program; 0: never
	Digest   time.Weekday // on which everything there is to do is said
	Weekly   bool         // there is a digest
}

// Says reports whether a thing that is due in so many days (below zero: that
// was due) is said on a day: as many days before as the rules ask, the day
// before, the first day it is overdue, and with the digest.
func (r Rules) Says(days int, on time.Weekday) bool {
	return days == r.Ahead || days == 1 || days == 0 && r.Ahead == 0 || days == -1 || r.IsDigest(on)
}

// IsDigest reports whether it is the day of the digest.
func (r Rules) IsDigest(on time.Weekday) bool { return r.Weekly && on == r.Digest }

// Escalates reports whether something that was due so many days ago is said to
// who runs the program: once, and then with each digest.
func (r Rules) Escalates(days int, on time.Weekday) bool {
	return r.Escalate > 0 && (-days == r.Escalate || -days > r.Escalate && r.IsDigest(on))
}

// DaysUntil counts the days of a zone from now to the last day before a
// deadline: 0 is today, below zero it has passed.
func DaysUntil(deadline, now time.Time, loc *time.Location) int {
	day := func(t time.Time) time.Time {
		y, m, d := t.In(loc).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(day(deadline.Add(-time.Microsecond)).Sub(day(now)) / (24 * time.Hour))
}

// address is a web address that something is sent to.
func address(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("%w: the address is none such as https://hooks.example.com/T1", audit.ErrInvalid) // it can be a secret: it is not said
	}
	return u, nil
}
