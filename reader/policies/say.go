package policies

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tieout/program"
	"tieout/report"
)

func number(n int) string { return strconv.Itoa(n) }

// Sentence says which policies are in force and what is missing.
func (l *List) Sentence() string {
	var forced, drafts, due, late, missing, others int
	for _, r := range l.Rows {
		if r.Kind != program.KindPolicy {
			others++
			continue
		}
		if r.Status == program.PolicyApproved {
			forced++
		}
		if r.Fault == "" && (r.Draft > 0 || r.Status == program.PolicyDraft) {
			drafts++
		}
		if r.Overdue(l.Now) {
			late++
		} else if r.Due(l.Now) {
			due++
		}
		missing += r.Asked - r.Agreed
	}
	if len(l.Rows) == 0 {
		return "No policy is kept here yet. A starter set in plain words is ready, all of it marked draft."
	}
	s := report.Capital(report.Plural(forced, "policy is", "policies are")) + " in force"
	if forced == 0 {
		s = "No policy is in force yet"
	}
	if drafts > 0 {
		s += ", and " + report.Plural(drafts, "draft waits", "drafts wait") + " for approval"
	}
	s += "."
	switch {
	case late > 0:
		s += " The review of " + report.Plural(late, "policy", "policies") + " is overdue."
	case due > 0:
		s += " The review of " + report.Plural(due, "policy", "policies") + " is due within 30 days."
	}
	if others > 0 {
		s += " " + report.Capital(report.Plural(others, "other document is", "other documents are")) + " kept beside them."
	}
	switch {
	case missing > 0:
		s += " " + report.Capital(report.Plural(missing, "agreement is", "agreements are")) + " missing."
	case forced > 0 && l.asked() > 0:
		s += " Everybody who is asked has agreed."
	}
	return s
}

func (l *List) asked() (n int) {
	for _, r := range l.Rows {
		n += r.Asked
	}
	return n
}

// Agreed says how many agreed: "212 of 230 people agreed to version 3."
func Agreed(agreed, asked int, version string) string {
	switch {
	case asked == 0:
		return "Nobody with an account here is in its audience."
	case agreed == asked && asked == 1:
		return "The one person who is asked agreed to version " + version + "."
	case agreed == asked:
		return fmt.Sprintf("All %s people agreed to version %s.", report.Number(asked), version)
	}
	return fmt.Sprintf("%s of %s agreed to version %s.", report.Number(agreed), report.Plural(asked, "person", "people"), version)
}

// Missing says in words why an agreement is missing; "" where it holds.
func (s Standing) Missing(loc *time.Location) string {
	switch {
	case s.Holds:
		return ""
	case !s.May:
		return "Cannot agree yet: the account lacks the role employee"
	case s.Asked.Why == program.AskedChanged:
		return "Agreed to version " + s.Asked.Version + " on " + report.Day(s.Asked.Done, loc) + "; the text has changed since"
	case s.Asked.Why == program.AskedYearly:
		return "Agreed on " + report.Day(s.Asked.Done, loc) + ", more than a year ago"
	}
	return "Has never agreed to it"
}

var smallNumbers = []string{"No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"}

// MySentence says what a person has to read and learn: "Two things, 12 minutes."
func MySentence(asked []program.Asked, now time.Time, loc *time.Location) string {
	var open, minutes int
	var first, next time.Time
	for _, a := range asked {
		switch {
		case a.Open():
			open++
			minutes += a.Minutes
			if first.IsZero() || a.Due.Before(first) {
				first = a.Due
			}
		case next.IsZero() || a.Due.Before(next):
			next = a.Due
		}
	}
	switch {
	case len(asked) == 0:
		return "Nothing is asked of you: no policy in force asks for your agreement, and no course is set."
	case open == 0:
		return "You are done until " + report.Day(next.AddDate(0, 0, -program.AskedAhead), loc) + "."
	}
	things := report.Number(open)
	if open < len(smallNumbers) {
		things = smallNumbers[open]
	}
	s := fmt.Sprintf("%s %s, %s.", things, plural(open, "thing", "things"), report.Plural(minutes, "minute", "minutes"))
	if !now.Before(first) {
		return s + " The first was due " + report.Day(first, loc) + "."
	}
	return s + " The first is due " + report.Day(first, loc) + "."
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Why says in words why something is asked of a person.
func Why(a program.Asked, now time.Time, loc *time.Location) string {
	switch {
	case a.Why == program.AskedChanged:
		return "The text has changed since you agreed to version " + a.Version + " on " + report.Day(a.Done, loc)
	case a.Lapsed(now):
		return "You did this on " + report.Day(a.Done, loc) + "; it is asked for again once a year"
	case a.Why == program.AskedYearly:
		return "You did this on " + report.Day(a.Done, loc) + "; it holds until " + report.Day(a.Due, loc)
	case a.Kind == program.AskedTraining:
		return "You have not completed this yet"
	}
	return "You have not agreed to this yet"
}

// StatusWord is a policy's status in the words of screens.
func StatusWord(status string) string {
	if status == program.PolicyApproved {
		return "In force"
	}
	return strings.ToUpper(status[:1]) + status[1:]
}
