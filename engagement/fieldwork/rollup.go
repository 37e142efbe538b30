package fieldwork

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/book"
	"tieout/engagement"
)

// A TestFacts is what one test's workpaper adds up to. Facts only: nothing of it
// concludes anything.
type TestFacts struct {
	Test       string
	Control    string
	Phase      engagement.Phase
	Kind       engagement.ProcedureKind
	Opened     bool // it has a workpaper
	Population int  // items of its populations
	Sampled    int  // items in its samples
	Tested     int  // of these, with a result that says something
	Exceptions int  // of these, with an exception that stands; a rate counts sampled items only
	Unable     int  // cells marked Unable to test
	Untested   int  // cells without a result
	Known      int  // deviations outside the sample that are known
	KnownOpen  int  // of these, without a disposition that holds
	Differ     int  // cells whose mark and computed outcome differ
	Notes      int  // review notes that are open
	Prepared   bool
	Reviewed   bool
	Version    int
	Limits     []Limit // of the exception rate; none where the sample says nothing of the whole
	Findings   []string
}

// A ControlFacts is what a control's tests add up to.
type ControlFacts struct {
	Control  string
	Versions []Version
	Tests    []TestFacts
	Findings []string

	Deficiencies []Deficiency // of its tests; what else is tested for a criterion stands beside the criterion's

	Concluded *Conclusion
	Stale     string // why the conclusion has to be renewed; "": it has not
}

// A CriterionFacts is what is there for a criterion or an objective, and for a
// commitment.
type CriterionFacts struct {
	On           string // "criterion:CC6.1", "objective:1", "commitment:C-2"
	Controls     []string
	Exceptions   int // standing findings
	Deficiencies []Deficiency
	Concluded    *Conclusion
	Stale        string
}

// A Deficiency is the facts of one standing exception, for who judges whether it
// is material: rate, limits, duration, what it touches and what else was tested.
type Deficiency struct {
	Finding      string
	Control      string
	Test         string
	Items        int // sampled items with the exception
	Of           int // sampled items tested
	Limits       []Limit
	Known        int       // deviations outside the sample it names
	From, To     time.Time // first and last moment of the time that was tested
	Criteria     []string  // that the test is for
	Compensating []string  // tests of other controls
	Others       []Other   // other tested controls of the same criteria
	Responded    bool
}

// Other is another control of a criterion, with what was concluded of it so far.
type Other struct {
	Control string
	Outcome engagement.Outcome // "": nothing yet
}

// A RollUp is everything a file's work adds up to.
type RollUp struct {
	Controls    []ControlFacts   // by ID
	Criteria    []CriterionFacts // in the order of the criteria, then other sets, then objectives
	Commitments []CriterionFacts // by ID
	Description []ControlFacts   // DC 1 to DC 9, each with its tests
}

// RollUp adds a file up: facts only, from the state alone.
func (f *File) RollUp() RollUp {
	r := &rolling{f: f, tests: map[string][]TestFacts{}, dcs: map[string][]TestFacts{}, byTest: map[string]TestFacts{}, findings: map[string][]*Finding{}, standing: map[string][]*Finding{}}
	r.collect()
	var out RollUp
	for _, c := range f.ControlsInScope() {
		out.Controls = append(out.Controls, r.control(OnControl+":"+c, c, r.tests[c], f.Versions(c)))
	}
	for _, dc := range f.Terms.Type.DescriptionCriteria() {
		out.Description = append(out.Description, r.control(OnDC+":"+dc, dc, r.dcs[dc], nil))
	}
	for _, what := range f.ToConclude() {
		if kind, of, _ := strings.Cut(what, ":"); kind == OnCriterion || kind == OnObjective {
			out.Criteria = append(out.Criteria, r.criterion(what, f.controlsOf(of)))
		}
	}
	if f.Controls != nil {
		for _, c := range f.Controls.Commitments {
			out.Commitments = append(out.Commitments, r.criterion("commitment:"+c.ID, f.controlsOfCommitment(c)))
		}
	}
	return out
}

// controlsOfCommitment are the controls a commitment rests on, directly or by its
// criteria.
func (f *File) controlsOfCommitment(c engagement.Commitment) []string {
	out := slices.Clone(c.Controls)
	for _, x := range c.Criteria {
		out = append(out, f.controlsOf(x)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A rolling is a roll-up under way: each test is looked at once.
type rolling struct {
	f        *File
	tests    map[string][]TestFacts // by control
	dcs      map[string][]TestFacts // by description criterion
	byTest   map[string]TestFacts
	findings map[string][]*Finding // standing, by control
	standing map[string][]*Finding // by test
}

func (r *rolling) collect() {
	for _, x := range book.Sorted(r.f.Findings) {
		if x.Stands() {
			r.standing[x.Test] = append(r.standing[x.Test], x)
			r.findings[x.Control] = append(r.findings[x.Control], x)
		}
	}
	for _, t := range book.Sorted(r.f.Tests) {
		if t.Dropped != "" {
			continue
		}
		facts := r.f.facts(t, r.standing[t.ID])
		r.byTest[t.ID] = facts
		if ofControl(t) {
			r.tests[t.Control] = append(r.tests[t.Control], facts)
			continue
		}
		for _, dc := range t.Criteria {
			r.dcs[dc] = append(r.dcs[dc], facts)
		}
	}
}

// Facts is what one test's workpaper adds up to, as RollUp has it; a test that is
// none adds up to nothing.
func (f *File) Facts(test string) TestFacts {
	t := f.Tests[test]
	if t == nil {
		return TestFacts{Test: test}
	}
	var findings []*Finding
	for _, x := range book.Sorted(f.Findings) {
		if x.Test == test && x.Stands() {
			findings = append(findings, x)
		}
	}
	return f.facts(t, findings)
}

// facts adds one workpaper up.
func (f *File) facts(t *Test, findings []*Finding) TestFacts {
	out := TestFacts{Test: t.ID, Control: t.Control, Phase: t.Phase, Kind: t.Kind, Known: len(f.Known[t.ID]), KnownOpen: len(f.OpenKnown(t.ID))}
	excepted := map[string]bool{}
	for _, x := range findings {
		out.Findings = append(out.Findings, x.ID)
		for _, item := range x.Items {
			excepted[item] = true
		}
	}
	out.Exceptions = len(excepted)
	p := f.Papers[t.ID]
	if p == nil {
		return out
	}
	for _, c := range p.cells(t) {
		switch m := p.Cells[c]; {
		case m == nil || m.Mark == engagement.ToTest:
			out.Untested++
		case m.Mark == engagement.UnableToTest:
			out.Unable++
		}
	}
	out.Opened = true
	out.Tested, out.Differ, out.Notes = p.ItemsTested(t), len(p.Differences(t)), len(f.OpenNotes(t.ID))
	out.Prepared, out.Reviewed, out.Version = p.Prepared != nil, p.Reviewed != nil, p.Version
	for _, pop := range f.populationsOf(p) {
		out.Population += pop.Count
	}
	for _, id := range p.Samples {
		if s := f.Samples[id]; s != nil {
			out.Sampled += len(s.Items)
		}
	}
	out.Limits = f.limitsOf(p, t, out)
	return out
}

// limitsOf are the limits of a test's exception rate: of one sample that is drawn
// whole and tested whole, every exception of it written, and of no other. Where
// everything was tested there is nothing to infer.
func (f *File) limitsOf(p *Paper, of *Test, t TestFacts) []Limit {
	if len(p.Samples) != 1 || t.Tested != t.Sampled || t.Sampled == 0 || t.Sampled == t.Population || f.Samples[p.Samples[0]] == nil || len(f.uncovered(p, of)) > 0 {
		return nil
	}
	limits, err := Limits(*f.Samples[p.Samples[0]], t.Exceptions)
	if err != nil {
		return nil // a judgmental or stratified sample says nothing of the whole
	}
	return limits
}

func (r *rolling) control(on, id string, tests []TestFacts, versions []Version) ControlFacts {
	out := ControlFacts{Control: id, Versions: versions, Tests: tests, Concluded: r.f.Concluded[on], Stale: r.f.Stale(on)}
	for _, t := range tests {
		out.Findings = append(out.Findings, t.Findings...)
		for _, x := range r.standing[t.Test] {
			out.Deficiencies = append(out.Deficiencies, r.deficiency(x, nil))
		}
	}
	return out
}

func (r *rolling) criterion(on string, controls []string) CriterionFacts {
	out := CriterionFacts{On: on, Controls: controls, Concluded: r.f.Concluded[on], Stale: r.f.Stale(on)}
	for _, c := range controls {
		for _, x := range r.findings[c] {
			out.Exceptions++
			out.Deficiencies = append(out.Deficiencies, r.deficiency(x, controls))
		}
	}
	return out
}

func (r *rolling) deficiency(x *Finding, controls []string) Deficiency {
	d := Deficiency{Finding: x.ID, Control: x.Control, Test: x.Test, Items: len(x.Items), Of: x.Of, Known: len(x.Finding.Known),
		Criteria: x.Criteria, Compensating: x.Compensating, Limits: r.byTest[x.Test].Limits, Responded: x.Response != nil}
	if t := r.f.Tests[x.Test]; t != nil {
		span := r.f.tested(t)
		d.From, d.To = span.From, span.To
	}
	for _, c := range controls {
		if c == x.Control || len(r.tests[c]) == 0 {
			continue
		}
		o := Other{Control: c}
		if have := r.f.Concluded[OnControl+":"+c]; have != nil {
			o.Outcome = have.Outcome
		}
		d.Others = append(d.Others, o)
	}
	return d
}

// Rate is a deficiency's rate in words, as a report says it: "2 of 25 items". A
// test without items has none.
func (d Deficiency) Rate() string {
	if d.Of == 0 && d.Known == 0 {
		return "a test without items"
	}
	return fmt.Sprintf("%d of %s", d.Items, count(d.Of, "item"))
}
