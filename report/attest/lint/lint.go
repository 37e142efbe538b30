// Package lint reads a service auditor's report as a careful reviewer does before
// it goes out, and names what does not tie. An error refuses the release, a
// warning is for a person to weigh. It is pure.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/report/attest"
)

// A Severity says what a finding means for the release.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// A Rule names one kind of fault.
type Rule string

// The rules.
const (
	ControlSets Rule = "control-sets"   // Section III and Section IV name other controls
	Numbers     Rule = "numbers"        // a number in words is not the one that was counted
	Placeholder Rule = "placeholder"    // text that waits to be written
	Template    Rule = "template"       // text as shipped with the templates
	UserControl Rule = "cuec-criterion" // a complementary user entity control without a criterion
	CarveOut    Rule = "carve-out"      // facts missing of a subservice organization
	Wording     Rule = "wording"        // words that describe no examination: "certified"
	Standard    Rule = "standard"       // an SSAE number nobody issued, or one that is superseded
	Dates       Rule = "dates"          // days out of order
	NoResponse  Rule = "no-response"    // an exception without management's response
	PersonNamed Rule = "person-named"   // somebody is named who signs nothing
	Opinions    Rule = "opinions"       // a modified opinion, beside what contradicts it
	PeerReview  Rule = "peer-review"    // the firm's last peer review is older than its cycle
	Relation    Rule = "relation"       // a set that is only mapped, and relates to nothing
	Criteria    Rule = "criteria-text"  // official text that is not as it was imported, or missing beside others
)

// A Fault is one finding, with the place it is at as the report names it.
type Fault struct {
	Severity Severity `json:"severity"`
	Rule     Rule     `json:"rule"`
	Where    string   `json:"where"`
	Text     string   `json:"text"`
	Do       string   `json:"do"` // what to do about it
}

// Beside is what a report is read beside.
type Beside struct {
	People    []string // names of people both sides know; those who sign may be named
	Templates []string // texts as shipped, of controls and descriptions
	Exempt    []string // required wording, which is the same in every report
	Base      []Matter // of a report for general use: the modified opinions of the report it rests on
}

// A Matter is a modified opinion of the report that one for general use rests on.
type Matter struct {
	Of    string // the engagement of that report
	Part  string
	Word  string
	Basis string
}

// Lint returns the faults of a report in the order of its sections, errors of a
// place before warnings.
func Lint(r attest.Report, b Beside) []Fault {
	l := &linter{r: &r, beside: b}
	l.controlSets()
	l.unmet()
	l.unrelated()
	l.criteria()
	l.numbers()
	l.texts()
	l.expected()
	l.subservices()
	l.dates()
	l.peerReview()
	l.responses()
	l.opinions()
	l.conditions()
	slices.SortStableFunc(l.faults, func(a, b Fault) int { return cmp.Compare(a.Severity, b.Severity) })
	return l.faults
}

// Refuses reports whether any of the faults refuses the release.
func Refuses(faults []Fault) bool {
	return slices.ContainsFunc(faults, func(f Fault) bool { return f.Severity == Error })
}

type linter struct {
	r      *attest.Report
	beside Beside
	faults []Fault
}

func (l *linter) add(s Severity, rule Rule, where, do, format string, args ...any) {
	l.faults = append(l.faults, Fault{s, rule, where, fmt.Sprintf(format, args...), do})
}

// unable is what is concluded of a control that could not be tested: its row in
// Section IV says so.
const unable = "unable to conclude"

// controlSets holds the controls the description says exist to those tested,
// both ways. A report for general use has no tests.
func (l *linter) controlSets() {
	if l.r.Type.Public() {
		return
	}
	tested := map[string]bool{}
	for _, g := range l.r.Groups {
		for _, c := range g.Controls {
			if len(c.Tests) > 0 || c.Outcome == unable {
				tested[c.ID] = true
			}
		}
	}
	for _, id := range l.r.Described {
		if !tested[id] {
			l.add(Error, ControlSets, "Section III", "Test it, or take it out of the description", "the description says control %s exists, and no test of it is reported", id)
		}
		delete(tested, id)
	}
	for _, g := range l.r.Groups {
		for _, c := range g.Controls {
			if tested[c.ID] && c.By == "" { // one of an included organization is described with it
				delete(tested, c.ID)
				l.add(Error, ControlSets, "Section IV, "+c.ID, "Describe it, or leave out its tests", "control %s is tested and the description does not name it", c.ID)
			}
		}
	}
}

func (l *linter) expected() {
	for _, x := range l.r.Expected {
		if len(x.Criteria) == 0 {
			l.add(Error, UserControl, "Section III, "+x.ID, "Say which criteria rest on it; without one it is no complementary control", "complementary user entity control %s names no criterion", x.ID)
		}
	}
}

func (l *linter) subservices() {
	for _, s := range l.r.Subservices {
		where := "Section III, " + s.Name
		if strings.TrimSpace(s.Service) == "" {
			l.add(Error, CarveOut, where, "Say what it does for the system", "subservice organization %s has no service", s.Name)
		}
		if len(s.Expected) == 0 {
			l.add(Error, CarveOut, where, "List the controls that are expected there, each with its criteria", "no control is expected at %s, yet the system is said to rely on it", s.Name)
		}
		for _, x := range s.Expected {
			if len(x.Criteria) == 0 {
				l.add(Error, CarveOut, where, "Say which criteria rest on it", "control %s expected at %s names no criterion", x.ID, s.Name)
			}
		}
		if len(s.Monitored) == 0 && !s.Inclusive {
			l.add(Error, CarveOut, where, "Name the controls that watch it", "%s is carved out and nothing says how it is monitored", s.Name)
		}
		l.included(where, s)
		if s.Inclusive && !slices.ContainsFunc(l.r.Assertions, func(a attest.Statement) bool { return a.By == s.Name }) {
			l.add(Error, CarveOut, where, "Get its assertion and its letter of representation", "%s is included and makes no assertion of its own", s.Name)
		}
	}
}

// included asks for a test of each control of an included organization. A report for
// general use has no tests.
func (l *linter) included(where string, s attest.Subservice) {
	if !s.Inclusive || l.r.Type.Public() {
		return
	}
	for _, x := range s.Expected {
		if !l.operates(s.Name, x.ID) {
			l.add(Error, CarveOut, where, "Test it, or carve the organization out", "%s of %s is included and no test of it is reported", x.ID, s.Name)
		}
	}
}

// operates reports whether Section IV has a test of a control of an organization, or
// that it could not be tested.
func (l *linter) operates(organization, control string) bool {
	for _, g := range l.r.Groups {
		if l.r.Examined(g) && slices.ContainsFunc(g.Controls, func(c attest.Control) bool {
			return c.ID == control && c.By == organization && (len(c.Tests) > 0 || c.Outcome == unable)
		}) {
			return true
		}
	}
	return false
}

func (l *linter) dates() {
	end := l.r.AsOf
	if l.r.Type.OverPeriod() {
		end = l.r.Last
		if l.r.First > l.r.Last {
			l.add(Error, Dates, "Cover", "Correct the period", "the period ends on %s, before it begins on %s", l.r.Last, l.r.First)
		}
	}
	if l.r.Dated <= end {
		l.add(Error, Dates, "Section I", "Date the report when the evidence was sufficient, after the period's end", "the report is dated %s and speaks about the time until %s", l.r.Dated, end)
	}
	for _, a := range l.r.Assertions {
		if a.Dated > l.r.Dated {
			l.add(Error, Dates, "Section II, "+a.By, "The assertion comes no later than the report", "the assertion is dated %s, after the report of %s", a.Dated, l.r.Dated)
		}
		if a.Dated <= end {
			l.add(Error, Dates, "Section II, "+a.By, "Date the assertion after what it speaks about", "the assertion is dated %s and speaks about the time until %s", a.Dated, end)
		}
	}
}

// peerReview warns of a last peer review that is older, on the report's day, than
// three years and six months: the next should have come.
func (l *linter) peerReview() {
	was, err := time.Parse(time.DateOnly, l.r.Firm.Reviewed)
	dated, derr := time.Parse(time.DateOnly, l.r.Dated)
	if err == nil && derr == nil && dated.After(was.AddDate(3, 6, 0)) {
		l.add(Warning, PeerReview, "Section I", "State the newest one, or ask when it comes", "the firm's last peer review is of %s, more than three years and six months before the report", attest.Day(l.r.Firm.Reviewed))
	}
}

// responses warns where management's side is silent: it does not hold a report
// up.
func (l *linter) responses() {
	l.alike()
	seen := map[string]bool{}
	for _, g := range l.r.Groups {
		for _, c := range g.Controls {
			for _, t := range c.Tests {
				for _, id := range t.Findings {
					if !seen[id] && !slices.ContainsFunc(l.r.Responses, func(r attest.Response) bool { return r.Finding == id }) {
						l.add(Warning, NoResponse, "Section IV, "+c.ID, "Ask management; the report can go out without", "exception %s has no response from management", id)
					}
					seen[id] = true
				}
			}
		}
	}
}

// base names the modified opinions that a report for general use rests on.
func (l *linter) base(modified bool) {
	if !l.r.Type.Public() {
		return
	}
	word := "modified too"
	switch {
	case len(l.r.Opinions) == 0:
		word = "not written yet"
	case !modified:
		word = "unmodified"
	}
	for _, m := range l.beside.Base {
		l.add(Warning, Opinions, "Section I", "A report for general use is normally not issued then; a partner decides", "the report of %s, which it rests on, is modified (%s: %s), and this opinion is %s; the basis there: %s", m.Of, m.Part, m.Word, word, strings.Join(strings.Fields(m.Basis), " "))
	}
}

// opinions holds a modified opinion to the assertion beside it, and a report for
// general use to an unmodified one.
func (l *linter) opinions() {
	var modified []string
	for _, o := range l.r.Opinions {
		if o.Word != "Unmodified" {
			modified = append(modified, o.Part)
		}
	}
	l.base(len(modified) > 0)
	if len(modified) == 0 {
		return
	}
	if l.r.Type.Public() {
		l.add(Warning, Opinions, "Section I", "A report for general use is normally not issued then; a partner decides", "the opinion of a SOC 3 is modified")
	}
	for _, a := range l.r.Assertions {
		if a.By == l.r.Client.Name && strings.TrimSpace(a.Except) == "" {
			l.add(Warning, Opinions, "Section II, "+a.By, "Ask management whether it stands by an assertion without exception", "the opinion on %s is modified, and management asserts without exception", strings.Join(modified, ", "))
		}
	}
}
