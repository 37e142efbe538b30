package tasks

import (
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/program"
	"tieout/report"
)

// day is the last day before a deadline, which is a midnight.
func day(deadline time.Time, loc *time.Location) string {
	return report.Day(deadline.Add(-time.Microsecond), loc)
}

// Sentence says what one person has to do: "3 things, 25 minutes, first due 3
// Apr 2026." It is the same on the screen, in e-mail, at the command line and
// in the API.
func (p Plate) Sentence(now time.Time, loc *time.Location) string {
	if len(p.Now) == 0 {
		if len(p.Later) == 0 {
			return "Nothing to do, and nothing more comes in this period."
		}
		return "Nothing to do. Next: " + day(p.Later[0].DueBy, loc) + "."
	}
	total := 0
	var first, missed time.Time
	for _, j := range p.Now {
		total += j.Minutes
		switch due := j.DueBy; {
		case j.Approve:
		case !now.Before(due) && (missed.IsZero() || due.Before(missed)):
			missed = due
		case now.Before(due) && (first.IsZero() || due.Before(first)):
			first = due
		}
	}
	s := report.Plural(len(p.Now), "thing", "things") + ", " + report.Plural(total, "minute", "minutes")
	switch {
	case !missed.IsZero():
		s += ", the first was due " + day(missed, loc)
	case !first.IsZero():
		s += ", first due " + day(first, loc)
	}
	return s + "."
}

// Sentence says what stands of all occurrences that people do.
func (l *List) Sentence() string {
	var done, overdue, due, nobody, later int
	for i := range l.All {
		o := &l.All[i]
		switch {
		case !o.ByPeople():
			continue
		case o.Overdue(l.Now):
			overdue++
		case o.Asked(l.Now):
			due++
		case o.Waits():
			later++
		default:
			done++
		}
		if o.Waits() && o.Doer() == "" {
			nobody++
		}
	}
	if done+overdue+due+later == 0 {
		return "Nothing in this period is done on a schedule by people."
	}
	var parts []string
	for _, x := range []struct {
		n    int
		what string
	}{{overdue, "overdue"}, {due, "to do now"}, {later, "to come"}, {done, "answered"}} {
		if x.n > 0 {
			parts = append(parts, report.Number(x.n)+" "+x.what)
		}
	}
	s := "Of " + report.Plural(done+overdue+due+later, "occurrence", "occurrences") + " that people do, " + strings.Join(parts, ", ") + "."
	switch {
	case nobody == 1:
		s += " 1 has nobody."
	case nobody > 1:
		s += " " + report.Number(nobody) + " have nobody."
	}
	return s
}

// SayLate is what happens if it is not done in time.
func (o *Occurrence) SayLate(now time.Time, loc *time.Location) string {
	due, late := day(o.DueBy, loc), day(o.LateBy, loc)
	switch {
	case !now.Before(o.LateBy):
		return fmt.Sprintf("It had to be done by %s. Without a record that it took place by then it is a deviation: nobody can remove it, you can explain it.", late)
	case !now.Before(o.DueBy):
		return fmt.Sprintf("It was due %s. Done by %s it counts as late; missing %s is a deviation.", due, late, late)
	case o.LateBy.After(o.DueBy):
		return fmt.Sprintf("Done after %s it counts as late; missing %s is a deviation.", due, late)
	}
	return "Missing " + due + " is a deviation."
}

// SayDue says when it is due: "due 31 Mar 2026".
func (o *Occurrence) SayDue(now time.Time, loc *time.Location) string {
	if now.Before(o.DueBy) {
		return "due " + day(o.DueBy, loc)
	}
	return "was due " + day(o.DueBy, loc)
}

// Day is the last day on which it is in time.
func (o *Occurrence) Day(loc *time.Location) string { return day(o.DueBy, loc) }

// Sentence says where one occurrence stands.
func (o *Occurrence) Sentence(now time.Time, loc *time.Location) string {
	s := o.stands(now, loc)
	if late := o.SayRecordedLate(loc); late != "" {
		s += " " + late
	}
	return s
}

// SayRecordedLate says of an answer that was sealed after the task was due how
// long after, whatever day it says it took place on; "" of any other.
func (o *Occurrence) SayRecordedLate(loc *time.Location) string {
	if !o.Answered() || o.Task.Answered.Before(o.DueBy) {
		return ""
	}
	days := int(o.Task.Answered.Sub(o.DueBy)/(24*time.Hour)) + 1
	return fmt.Sprintf("It was due %s and recorded on %s, %s later.", day(o.DueBy, loc), report.Day(o.Task.Answered, loc), report.Plural(days, "day", "days"))
}

// stands is the sentence without when it was recorded.
func (o *Occurrence) stands(now time.Time, loc *time.Location) string {
	ref := audit.EvidenceRef(o.Task.Record)
	switch {
	case o.Approvable():
		return fmt.Sprintf("%s: done and sealed as %s; management has not approved it.", o.Name(), ref)
	case o.Task.Answer == program.TaskDone && o.State == Sealed:
		return fmt.Sprintf("%s: sealed as %s, the auditor sees it. The next run tests it.", o.Name(), ref)
	case o.Task.Answer == program.TaskDidNot:
		return fmt.Sprintf("%s: it did not happen, as recorded in %s. It stays a deviation.", o.Name(), ref)
	case o.Task.Answer == program.TaskNotMine:
		return fmt.Sprintf("%s: handed back as not theirs; it needs somebody, %s.", o.Name(), o.SayDue(now, loc))
	case o.State == Operated || o.State == Late || o.State == Deviation:
		return fmt.Sprintf("%s: %s.", o.Name(), strings.ToLower(string(o.State)))
	case o.SeenBy != "":
		return fmt.Sprintf("%s: %s sees it; nobody has to do anything here. It is %s.", o.Name(), o.SeenBy, strings.TrimPrefix(o.SayDue(now, loc), "was "))
	}
	return fmt.Sprintf("%s, %s.", o.Name(), o.SayDue(now, loc))
}

// Name is what an occurrence is called: "Board meeting, 2026-Q1".
func (o *Occurrence) Name() string {
	if o.Kind != "" {
		return report.Capital(o.Kind) + ", " + o.Occurrence
	}
	return o.Title + ", " + o.Occurrence
}

// TookPlace is the instant that stands for a day on which something took place:
// its noon, or now where that is still ahead today.
func TookPlace(date string, loc *time.Location, now time.Time) (time.Time, error) {
	d, err := time.ParseInLocation(time.DateOnly, strings.TrimSpace(date), loc)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: say on which day it took place, such as 2026-03-31", audit.ErrInvalid)
	}
	at := time.Date(d.Year(), d.Month(), d.Day(), 12, 0, 0, 0, loc)
	if now.Before(at) && !now.Before(d) {
		at = now
	}
	return audit.Instant(at), nil
}
