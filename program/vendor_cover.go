package program

import (
	"fmt"
	"slices"
	"time"
)

// Limits of how far a supplier's statements carry, as policies mostly have them.
const (
	LetterDays = 92 // days that a bridge letter can reach past its report
	agedMonths = 12 // after the end of its period a report is called old
	oldMonths  = 18 // and after that, too old
)

// A DaySpan is days, both included.
type DaySpan struct{ First, Last time.Time }

// Days is how many days are in it.
func (s DaySpan) Days() int { return int(s.Last.Sub(s.First)/(24*time.Hour)) + 1 }

// A VendorCover is how much of a period a supplier's reports speak of. Each day is
// counted once, by the most that is said of it. Days that a letter of the supplier's
// own management tells of are not examined, and are counted apart.
type VendorCover struct {
	Days     int       // of the period
	Examined int       // days within SOC 2 Type II reports of the service in use whose review is concluded
	InPart   int       // further days within such reports of a part of the service
	Lettered int       // further days that letters tell of
	Open     int       // further days that statements speak of whose review is not concluded
	Holes    []DaySpan // that nothing covers
	Tail     int       // days of the last hole, where it reaches the period's end
}

// Uncovered is how many days nothing covers.
func (c VendorCover) Uncovered() int { return c.Days - c.Examined - c.InPart - c.Lettered - c.Open }

// Cover weighs a supplier's statements against the days first to last. A letter
// counts for at most 92 days after the report that it follows on. Where an auditor
// gave no opinion, or a report is of another system, nothing is covered.
func Cover(list []VendorReport, first, last time.Time) VendorCover {
	first, last = dayOf(first), dayOf(last)
	var full, part, open []DaySpan
	for _, r := range list {
		switch {
		case !r.Shows() || r.Opinion == "disclaimer":
		case !r.Concluded():
			open = append(open, r.span())
		case r.Ours == "in part":
			part = append(part, r.span())
		default:
			full = append(full, r.span())
		}
	}
	done := slices.DeleteFunc(slices.Clone(list), func(r VendorReport) bool { return !r.Concluded() })
	letters := lettered(done, slices.Concat(full, part))
	open = append(open, lettered(list, slices.Concat(full, part, open))...)
	c := VendorCover{}
	for d := first; !d.After(last); d = d.AddDate(0, 0, 1) {
		c.Days++
		switch {
		case holds(full, d):
			c.Examined++
		case holds(part, d):
			c.InPart++
		case holds(letters, d):
			c.Lettered++
		case holds(open, d):
			c.Open++
		default:
			if n := len(c.Holes); n > 0 && c.Holes[n-1].Last.AddDate(0, 0, 1).Equal(d) {
				c.Holes[n-1].Last = d
			} else {
				c.Holes = append(c.Holes, DaySpan{d, d})
			}
		}
	}
	if n := len(c.Holes); n > 0 && c.Holes[n-1].Last.Equal(last) {
		c.Tail = c.Holes[n-1].Days()
	}
	return c
}

// lettered are the days that letters speak of, each no further than letters reach.
func lettered(list []VendorReport, reports []DaySpan) (out []DaySpan) {
	for _, r := range list {
		if r.Type != ReportLetter || r.Ours == "no" {
			continue
		}
		s := r.span()
		for _, before := range reports {
			if end := before.Last.AddDate(0, 0, LetterDays); !before.Last.AddDate(0, 0, 1).Before(s.First) && before.Last.Before(s.Last) {
				last := s.Last
				if end.Before(last) {
					last = end
				}
				out = append(out, DaySpan{s.First, last})
			}
		}
	}
	return out
}

func holds(spans []DaySpan, d time.Time) bool {
	return slices.ContainsFunc(spans, func(s DaySpan) bool { return !d.Before(s.First) && !d.After(s.Last) })
}

// span is the days a report speaks of, as days of UTC.
func (r VendorReport) span() DaySpan {
	first, _ := time.Parse(time.DateOnly, r.First) // checked when it was entered
	last, _ := time.Parse(time.DateOnly, r.Last)
	return DaySpan{first, last}
}

func dayOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Limits says what a report cannot show, whoever reads it, as of a day: its kind,
// its age, whose system it is of, a modified opinion, and organizations it leaves
// out.
func (r VendorReport) Limits(today time.Time) (out []string) {
	switch r.Type {
	case ReportSOC2Type1, ReportSOC1Type1:
		out = append(out, "It speaks of design on one day. How controls operated it does not say; accepting it is an exception from policy.")
	case ReportSOC3:
		out = append(out, "A SOC 3 holds no tests and no results. Alone it is not enough; ask for the SOC 2 Type II it rests on.")
	case ReportSOC1Type2:
		out = append(out, "A SOC 1 is about controls over financial reporting and answers no trust services criterion by itself.")
	case ReportISO27001:
		out = append(out, "A certificate shows a managed system. It is no opinion on how controls operated over a period.")
	case ReportFedRAMP:
		out = append(out, "A FedRAMP authorization rests on another catalog of controls, assessed for federal agencies. It gives no opinion on the trust services criteria, and a SOC 2 does not stand in for it.")
	case ReportLetter:
		out = append(out, "A letter is the supplier's own word. Nobody examined what it says.")
	}
	if r.Type == ReportSOC1Type1 {
		out = append(out, "A SOC 1 is about controls over financial reporting and answers no trust services criterion by itself.")
	}
	out = append(out, r.ageLimit(today)...)
	switch r.Ours {
	case "no":
		out = append(out, "Its system is not the service in use.")
	case "in part":
		out = append(out, "Its system is the service in use only in part.")
	}
	if r.Opinion != "" && r.Opinion != "unqualified" {
		out = append(out, "Its opinion is modified: "+r.Opinion+".")
	}
	if n := len(r.CarvedOut); n > 0 {
		out = append(out, fmt.Sprintf("Controls of %d organizations behind it are carved out.", n))
		if n == 1 {
			out[len(out)-1] = "Controls of one organization behind it are carved out."
		}
	}
	return slices.Concat(out, r.depthLimit(), r.termsLimit())
}

func (r VendorReport) ageLimit(today time.Time) []string {
	if r.Type.RunsOut() {
		if dayOf(today).After(r.span().Last) {
			return []string{"It has run out."}
		}
		return nil
	}
	after := r.span().Last.AddDate(0, 0, 1)
	switch d := dayOf(today); {
	case !d.Before(after.AddDate(0, oldMonths, 0)):
		return []string{fmt.Sprintf("Its last day is more than %d months past.", oldMonths)}
	case !d.Before(after.AddDate(0, agedMonths, 0)):
		return []string{fmt.Sprintf("Its last day is more than %d months past.", agedMonths)}
	}
	return nil
}
