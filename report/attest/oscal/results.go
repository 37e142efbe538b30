package oscal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/report/attest"
	"tieout/report/oscal"
)

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999Z07:00") }

// A tested is one test with everything it stands under.
type tested struct {
	test     attest.Test
	place    string // of a test without a name
	controls []string
	criteria []criterion
}

// same is alike for a test that stands twice, and differs where anything of two
// tests does, whatever they are called.
func same(t attest.Test) string {
	return fmt.Sprintf("%q %q %q %q %q %d %d %d %d %d %d %d %d %q %q", t.ID, t.Text, t.Result, t.From, t.To, t.Population, t.Drawn, t.Sample, t.Partly, t.Unable, t.NotApplicable, t.Exceptions, t.Known, t.Findings, t.Paper)
}

// tests has each test of Section IV once: one that stands under two criteria is
// one test.
func (b *builder) tests() []*tested {
	var out []*tested
	at := map[string]*tested{}
	for _, c := range b.criteria {
		if c.group == nil || !b.r.Examined(*c.group) {
			continue
		}
		for _, x := range c.group.Controls {
			for i, t := range x.Tests {
				key, place := same(t), ""
				if t.ID == "" {
					place = fmt.Sprintf("%q %q %q %d", c.set, c.id, x.ID, i)
					key = place
				}
				if at[key] == nil {
					at[key] = &tested{test: t, place: place}
					out = append(out, at[key])
				}
				one := at[key]
				one.criteria = append(one.criteria, c)
				if !slices.Contains(one.controls, x.ID) {
					one.controls = append(one.controls, x.ID)
				}
			}
		}
	}
	return out
}

func (b *builder) testID(kind string, t *tested) string {
	return b.id(kind, t.test.ID, t.criteria[0].set, t.criteria[0].id, t.controls[0], t.place, same(t.test))
}

func (b *builder) plan() plan {
	ssp, back := b.to(kindSSP, "Description of the system")
	out := plan{
		UUID: b.document(kindPlan), Metadata: b.metadata("Tests of the report"), ImportSSP: ssp, Reviewed: b.reviewed(b.examined()), Back: back,
		Subjects: []subjects{{Type: "component", Description: "The controls that the description names."}},
	}
	var list []activity
	for _, t := range b.tests() {
		list = append(list, activity{
			UUID: b.testID("activity", t), Title: oscal.Line(strings.TrimSpace(t.test.ID + " of " + strings.Join(t.controls, ", "))),
			Description: prose(t.test.Text), Props: figures(t.test), Related: b.reviewed(t.criteria),
		})
	}
	if len(list) > 0 {
		out.Local = &activities{list}
	}
	return out
}

func (b *builder) examined() []criterion {
	var out []criterion
	for _, c := range b.criteria {
		if c.group != nil && b.r.Examined(*c.group) {
			out = append(out, c)
		}
	}
	return out
}

func (b *builder) reviewed(list []criterion) oscal.Reviewed {
	s := oscal.Selection{Description: "Criteria as the catalog of the report has them."}
	for _, c := range list {
		one := oscal.Include{ControlID: c.token}
		if !slices.Contains(s.Include, one) {
			s.Include = append(s.Include, one)
		}
	}
	return oscal.Reviewed{Selections: []oscal.Selection{s}}
}

// figures are a test's counts and the digest of its workpaper.
func figures(t attest.Test) []oscal.Property {
	out := []oscal.Property{oscal.Prop("test", t.ID)}
	if t.Population > 0 || t.Drawn > 0 || t.Sample > 0 {
		out = append(out, oscal.Prop("population", fmt.Sprint(t.Population)), oscal.Prop("drawn", fmt.Sprint(t.Drawn)), oscal.Prop("tested", fmt.Sprint(t.Sample)))
	}
	for _, x := range []struct {
		name string
		n    int
	}{{"tested-in-part", t.Partly}, {"not-available", t.Unable}, {"not-applicable", t.NotApplicable}} {
		if x.n > 0 {
			out = append(out, oscal.Prop(x.name, fmt.Sprint(x.n)))
		}
	}
	if t.Paper != "" {
		out = append(out, oscal.Prop("workpaper-sha256", t.Paper))
	}
	return out
}

func (b *builder) assessment(tested []oscal.Observation) assessment {
	planned, back := b.to(kindPlan, "Tests of the report")
	return assessment{
		UUID: b.document(kindResults), Metadata: b.metadata("Results of tests"), ImportAP: planned, Back: back,
		Results: []result{{
			UUID: b.id("result"), Title: oscal.Line(b.r.Type.String()), Description: oscal.Line(b.r.Title() + ", " + b.r.Span() + "."),
			Start: instant(b.start), End: instant(b.end), Reviewed: b.reviewed(b.examined()),
			Attestations: b.attestations(), Log: b.log(), Observations: tested, Findings: b.findings(),
		}},
	}
}

// attestations are the opinion, in the service auditor's words, and each
// assertion in its own.
func (b *builder) attestations() []attestation {
	var out []attestation
	if len(b.r.Opinions) > 0 {
		one := attestation{Responsible: []responsible{{"service-auditor", []string{b.firm()}}}}
		for _, o := range b.r.Opinions {
			if o.Basis != "" {
				one.Parts = append(one.Parts, part{Name: "basis", Title: oscal.Line("Basis: " + attest.PartName(o.Part)), Prose: prose(o.Basis)})
			}
			one.Parts = append(one.Parts, part{Name: "opinion", Title: oscal.Line(attest.PartName(o.Part) + ": " + o.Word), Prose: prose(o.Text)})
		}
		out = append(out, one)
	}
	for _, a := range b.r.Assertions {
		one := attestation{Responsible: []responsible{{"service-organization", []string{b.client()}}}}
		one.Parts = append(one.Parts, part{Name: "assertion", Title: oscal.Line("Assertion of " + a.By + ", " + a.Signer), Prose: prose(a.Text)})
		if a.Except != "" {
			one.Parts = append(one.Parts, part{Name: "exception", Title: "What does not hold", Prose: prose(a.Except)})
		}
		out = append(out, one)
	}
	return out
}

// log is the order of what happened, from both logs.
func (b *builder) log() *entries {
	var list []entry
	for i, s := range b.r.Annex.Steps {
		by := b.client()
		if s.Whose == "firm" {
			by = b.firm()
		}
		list = append(list, entry{
			UUID: b.id("step", fmt.Sprint(i), s.Whose, fmt.Sprint(s.Entry)), Title: oscal.Line(s.What), Start: instant(s.At), LoggedBy: []logged{{by}},
			Props: []oscal.Property{oscal.Prop("log", s.Whose), oscal.Prop("entry", fmt.Sprint(s.Entry)), oscal.Prop("leaf-sha256", s.Leaf)},
		})
	}
	if len(list) == 0 {
		return nil
	}
	return &entries{list}
}

// observations are the tests' results. Which of OSCAL's methods a test used, its
// text says and no field of the report.
func (b *builder) observations() []oscal.Observation {
	var out []oscal.Observation
	for _, t := range b.tests() {
		props := append(figures(t.test), oscal.Prop("exceptions", fmt.Sprint(t.test.Exceptions)), oscal.Prop("activity", b.testID("activity", t)))
		if t.test.Known > 0 {
			props = append(props, oscal.Prop("known-outside-the-sample", fmt.Sprint(t.test.Known)))
		}
		for _, c := range t.controls {
			props = append(props, oscal.Prop("control", c))
		}
		kind := "control-objective"
		if t.test.Exceptions > 0 || len(t.test.Findings) > 0 {
			kind = "finding"
			for _, f := range t.test.Findings {
				props = append(props, oscal.Prop("finding", f))
			}
		}
		out = append(out, oscal.Observation{
			UUID: b.testID("observation", t), Title: oscal.Line(strings.TrimSpace(t.test.ID + " of " + strings.Join(t.controls, ", "))), Description: prose(t.test.Result),
			Props: props, Methods: []string{"UNKNOWN"}, Types: []string{kind}, Collected: b.r.Dated + "T00:00:00Z", Remarks: prose(t.test.Text),
		})
	}
	return out
}

// An exception is a finding with the tests it came of.
type exception struct {
	id    string
	tests []*tested
}

func (b *builder) exceptions() []*exception {
	var out []*exception
	at := map[string]*exception{}
	for _, t := range b.tests() {
		for _, id := range t.test.Findings {
			if at[id] == nil {
				at[id] = &exception{id: id}
				out = append(out, at[id])
			}
			at[id].tests = append(at[id].tests, t)
		}
	}
	return out
}

// criteria are those an exception touches, each once.
func (e *exception) criteria() []criterion {
	var out []criterion
	for _, t := range e.tests {
		for _, c := range t.criteria {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

func (b *builder) findings() []oscal.Finding {
	var out []oscal.Finding
	for _, e := range b.exceptions() {
		for _, c := range e.criteria() {
			out = append(out, b.finding(e, c))
		}
	}
	return out
}

func (b *builder) finding(e *exception, c criterion) oscal.Finding {
	return oscal.Finding{
		UUID: b.id("finding", e.id, c.set, c.id), Title: oscal.Line("Exception " + e.id + " under " + c.id), Description: prose(e.results()),
		Target: oscal.Target{
			Type: "statement-id", ID: statement(c.token), Title: oscal.Line(c.id),
			Status: oscal.Status{State: "not-satisfied", Reason: "other", Remarks: "An exception was noted in a test of a control under this criterion. It is no conclusion on the criterion: the opinion is the service auditor's attestation."},
		},
		Related: b.related(e),
	}
}

func (e *exception) results() string {
	var out []string
	for _, t := range e.tests {
		if !slices.Contains(out, t.test.Result) {
			out = append(out, t.test.Result)
		}
	}
	return strings.Join(out, "\n\n")
}

func (b *builder) related(e *exception) []oscal.Related {
	var out []oscal.Related
	for _, t := range e.tests {
		out = append(out, oscal.Related{UUID: b.testID("observation", t)})
	}
	return out
}

// items are the plan of action: each exception with management's response, in
// management's words. Whether and when something was done, they say.
func (b *builder) items() []item {
	answers := map[string]attest.Response{}
	for _, a := range b.r.Responses {
		answers[a.Finding] = a
	}
	var out []item
	for _, e := range b.exceptions() {
		one := item{
			UUID: b.id("item", e.id), Title: oscal.Line("Exception " + e.id), Description: prose(e.results()), Observations: b.related(e),
			Props: []oscal.Property{oscal.Prop("finding", e.id)}, Remarks: "Management has not responded in this report.",
		}
		for _, c := range e.criteria() {
			one.Findings = append(one.Findings, relatedFinding{b.id("finding", e.id, c.set, c.id)})
		}
		if a, ok := answers[e.id]; ok {
			one.Remarks = "Management’s response, which the service auditor’s report does not cover:\n\n" + prose(a.Text)
		}
		out = append(out, one)
	}
	return out
}

func (b *builder) actions(items []item, all []oscal.Observation) actions {
	ssp, back := b.to(kindSSP, "Description of the system")
	out := actions{UUID: b.document(kindActions), Metadata: b.metadata("Exceptions and management’s responses"), ImportSSP: ssp, Findings: b.findings(), Items: items, Back: back}
	for _, o := range all {
		if o.Types[0] == "finding" {
			out.Observations = append(out.Observations, o)
		}
	}
	return out
}
