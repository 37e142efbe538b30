package tasks

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"tieout/program"
	"tieout/reminder"
	"tieout/report"
)

// issuesOf are the open issues with a date that somebody has to mend. One that is
// due later than AskAhead is not asked for yet.
func (l *List) issuesOf(account string) (out []program.Issue) {
	for _, i := range l.Issues {
		if i.Status == "open" && i.Owner == account && !i.Due.IsZero() && !l.Now.Before(i.Due.Add(-AskAhead)) {
			out = append(out, i)
		}
	}
	return out
}

// addIssues puts somebody's issues into their message: all that are asked for where
// anything is said, and by themselves on the days on which the rules say so. It
// reports whether the message says anything.
func (l *List) addIssues(m *reminder.Message, r Recipient, rules reminder.Rules, base string, said bool) bool {
	loc, issues := l.Period.Location(), l.issuesOf(r.Account)
	alone := slices.ContainsFunc(issues, func(i program.Issue) bool {
		return rules.Says(reminder.DaysUntil(i.Due, l.Now, loc), l.Now.In(loc).Weekday())
	})
	if !said && !alone {
		return false
	}
	for i := range issues {
		m.Lines = append(m.Lines, l.issueLine(&issues[i], ""))
	}
	if !said {
		m.Sentence, m.Link = report.Capital(report.Plural(len(issues), "issue waits", "issues wait"))+" for you, the first "+l.sayIssueDue(&issues[0])+".", issueLink(base, issues[0].ID)
	}
	return true
}

// addOthersIssues tells who runs the program of issues that are overdue with
// others and, with the digest, of those nobody has. It reports whether the message
// says anything.
func (l *List) addOthersIssues(m *reminder.Message, r Recipient, rules reminder.Rules, base string, names map[string]string, said bool) bool {
	loc := l.Period.Location()
	today := l.Now.In(loc).Weekday()
	first := ""
	for i := range l.Issues {
		x := &l.Issues[i]
		escalated := x.Owner == "" && rules.IsDigest(today) || x.Overdue(l.Now) && rules.Escalates(reminder.DaysUntil(x.Due, l.Now, loc), today)
		if x.Status != "open" || x.Owner == r.Account || !escalated {
			continue
		}
		who := "nobody"
		if x.Owner != "" {
			who = nameOf(names, x.Owner)
		}
		if m.Later = append(m.Later, l.issueLine(x, who)); first == "" {
			first = x.ID
		}
	}
	if !said && first != "" {
		m.Sentence, m.Link = "Issues wait with others.", issueLink(base, first)
	}
	return said || first != ""
}

// issueLine says its number and its date: its title is in the register.
func (l *List) issueLine(i *program.Issue, who string) reminder.Line {
	return reminder.Line{Text: "Issue " + i.ID, Due: l.sayIssueDue(i), Who: who, Overdue: i.Overdue(l.Now)}
}

func (l *List) sayIssueDue(i *program.Issue) string {
	switch {
	case i.Due.IsZero():
		return "without a date"
	case i.Overdue(l.Now):
		return "was due " + report.Day(i.Due, l.Period.Location())
	}
	return "due " + report.Day(i.Due, l.Period.Location())
}

func issueLink(base, id string) string {
	if base == "" {
		return ""
	}
	return strings.TrimSuffix(base, "/") + "/issues/" + url.PathEscape(id)
}

// issueEvents are the issues of an account as days of its calendar.
func (l *List) issueEvents(account, base string) (out []reminder.Event) {
	for i := range l.Issues {
		if x := &l.Issues[i]; account != "" && x.Status == "open" && x.Owner == account && !x.Due.IsZero() {
			out = append(out, reminder.Event{UID: "issue-" + x.ID + "@tieout", Title: "Issue " + x.ID + " is due", Day: x.Due.Add(-time.Microsecond).In(l.Period.Location()),
				Text: "Say what was done, and name the evidence that shows it.", Link: issueLink(base, x.ID)})
		}
	}
	return out
}
