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

// reportsOf are the vendors' next reports that somebody is told of: of the vendors
// they answer for and, of whoever runs the program, of those nobody answers for.
// One that comes later than AskAhead is not asked for yet.
func (l *List) reportsOf(r Recipient) (out []program.ExpectedReport) {
	for _, x := range l.Next {
		mine := x.Owner == r.Account || x.Owner == "" && r.Lead
		if mine && !l.Now.Before(x.Due(l.Period.Location()).Add(-AskAhead)) {
			out = append(out, x)
		}
	}
	return out
}

// addReports puts vendors' next reports into a message: all that are asked for where
// anything is said, and by themselves on the days on which the rules say so. It
// reports whether the message says anything.
func (l *List) addReports(m *reminder.Message, r Recipient, rules reminder.Rules, base string, said bool) bool {
	loc, reports := l.Period.Location(), l.reportsOf(r)
	alone := slices.ContainsFunc(reports, func(x program.ExpectedReport) bool {
		return rules.Says(reminder.DaysUntil(x.Due(loc), l.Now, loc), l.Now.In(loc).Weekday())
	})
	if !said && !alone {
		return false
	}
	for _, x := range reports {
		m.Lines = append(m.Lines, reminder.Line{Text: reportName(x), Due: l.sayExpected(x), Overdue: x.Overdue(l.Now.In(loc))})
	}
	if !said {
		m.Sentence, m.Link = report.Capital(report.Plural(len(reports), "report of a vendor is", "reports of vendors are"))+" expected, the first "+wordsOfDay(reports[0].Day)+".", vendorLink(base, reports[0])
	}
	return true
}

func reportName(x program.ExpectedReport) string { return "Next " + string(x.Type) + " of " + x.Name }

func (l *List) sayExpected(x program.ExpectedReport) string {
	if x.Overdue(l.Now.In(l.Period.Location())) {
		return "was expected " + wordsOfDay(x.Day)
	}
	return "expected " + wordsOfDay(x.Day)
}

func wordsOfDay(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return report.Day(t, time.UTC)
}

func vendorLink(base string, x program.ExpectedReport) string {
	if base == "" {
		return ""
	}
	return strings.TrimSuffix(base, "/") + "/vendors/" + url.PathEscape(x.Vendor)
}

// reportEvents are the vendors' next reports of an account as days of its calendar.
func (l *List) reportEvents(account, base string) (out []reminder.Event) {
	if account == "" {
		return nil
	}
	for _, x := range l.Next {
		if x.Owner == account {
			out = append(out, reminder.Event{UID: "next-" + x.Report + "@tieout", Title: reportName(x) + " is expected", Day: x.Due(l.Period.Location()).Add(-time.Microsecond).In(l.Period.Location()),
				Text: "Ask the vendor for it, and enter it once it came.", Link: vendorLink(base, x)})
		}
	}
	return out
}
