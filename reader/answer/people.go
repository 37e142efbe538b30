package answer

import (
	"fmt"
	"slices"
	"time"

	"tieout/reader/roster"
	"tieout/report"
)

// A Headcount is who works here and what is open about them.
type Headcount struct {
	Here, Soon, Left int // people: working now, starting later, gone
	Access           int // who left and whose access outlived the deadline
	Lacking          int // people of whom anything is missing
	Loose            int // accounts that work, are a human's and nobody's
	Proposals        int
}

// Add counts one person, of whom these things are missing.
func (h *Headcount) Add(r *roster.Roster, p *roster.Person, lacks []roster.Lack) {
	switch {
	case p.Unknown:
	case p.Left(r.Now):
		h.Left++
	case p.WorksAt(r.Now):
		h.Here++
	default:
		h.Soon++
	}
	if slices.ContainsFunc(lacks, func(l roster.Lack) bool { return l.Grave }) {
		h.Access++
	} else if len(lacks) > 0 {
		h.Lacking++
	}
}

// SayPeople is the sentence of everybody.
func SayPeople(h Headcount) string {
	if h.Here+h.Soon+h.Left == 0 {
		return "No personnel system was collected yet, so nobody is known."
	}
	s := report.Capital(report.Plural(h.Here, "person works", "people work")) + " here"
	if h.Soon > 0 {
		s += fmt.Sprintf(" and %d %s later", h.Soon, verb(h.Soon, "starts", "start"))
	}
	s += ". "
	var open []string
	if h.Access > 0 {
		open = append(open, report.Plural(h.Access, "leaver still has access", "leavers still have access"))
	}
	if h.Loose > 0 {
		open = append(open, report.Plural(h.Loose, "account belongs to nobody", "accounts belong to nobody"))
	}
	if h.Lacking > 0 {
		open = append(open, "something is missing of "+report.Plural(h.Lacking, "person", "people"))
	}
	if len(open) == 0 {
		return s + "Nothing that was collected is missing of anybody."
	}
	return s + report.Capital(report.List(open)) + "."
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// SayPerson is the sentence of one person.
func SayPerson(r *roster.Roster, p *roster.Person, lacks []roster.Lack) string {
	if p.Unknown {
		return fmt.Sprintf("No personnel system tells of %s, %s.", p.ID, belongs(p))
	}
	var s string
	switch {
	case p.Left(r.Now) && !p.Ended.At.IsZero():
		s = fmt.Sprintf("%s left on %s", p.Name, r.LastDay(p.Ended.At))
	case p.Left(r.Now):
		s = p.Name + " left, on a day that was not collected"
	case !p.WorksAt(r.Now) && !p.Started.At.IsZero():
		s = fmt.Sprintf("%s starts on %s", p.Name, r.LastDay(p.Started.At.Add(time.Microsecond)))
	case !p.Started.At.IsZero():
		s = fmt.Sprintf("%s works here since %s", p.Name, r.LastDay(p.Started.At.Add(time.Microsecond)))
	default:
		s = p.Name + " works here"
	}
	if !p.Ended.At.IsZero() && !p.Left(r.Now) {
		s += ", until " + r.LastDay(p.Ended.At)
	}
	s += ", " + belongs(p)
	if len(lacks) == 0 {
		return s + "."
	}
	var what []string
	for _, l := range lacks {
		what = append(what, l.Text)
	}
	return s + ". Open: " + report.List(what) + "."
}

func belongs(p *roster.Person) string {
	return "with " + noneOr(len(p.Accounts), "account", "accounts") + " and " + noneOr(len(p.Devices), "device", "devices")
}

func noneOr(n int, one, many string) string {
	if n == 0 {
		return "no " + one
	}
	return report.Plural(n, one, many)
}

// SayDevice is the sentence of one device.
func SayDevice(d *roster.Device) string {
	wrong, unknown := 0, 0
	for _, c := range d.Checks() {
		if !c.Known {
			unknown++
		} else if !c.OK {
			wrong++
		}
	}
	s := d.Name + " belongs to nobody"
	if d.Owner != nil {
		s = d.Name + " belongs to " + d.Owner.Name
	}
	switch {
	case d.Gone:
		s += "; it is not shown any more"
	case wrong > 0:
		s += "; " + report.Plural(wrong, "thing is", "things are") + " not as expected"
	case unknown == len(d.Checks()):
		s += "; nothing about its state was collected"
	default:
		s += "; what was collected is as expected"
	}
	if unknown > 0 && unknown < len(d.Checks()) {
		s += fmt.Sprintf(", %d %s not collected", unknown, was(unknown))
	}
	return s + "."
}
