package api

import (
	"net/http"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/reader/answer"
)

// planCalls are what is planned: tests, and how much rests on what.
func (s *Server) planCalls() {
	addFile(s, operation{id: "list-tests", method: http.MethodGet, path: "/engagements/{engagement}/tests", tag: "Plan", needs: "workpaper.read", title: "Planned tests, with where the work of each stands"}, listTests)
	addFile(s, operation{id: "set-test", method: http.MethodPut, path: "/engagements/{engagement}/tests/{id}", tag: "Plan", needs: "plan.write", sends: testExample, title: "Plan a test, or change one",
		detail: "If-Match is the test's ETag; of a new one \"0\"."}, setTest)
	addFile(s, operation{id: "get-test", method: http.MethodGet, path: "/engagements/{engagement}/tests/{id}", tag: "Plan", needs: "workpaper.read", title: "One planned test"}, getTest)
	addFile(s, operation{id: "drop-test", method: http.MethodPost, path: "/engagements/{engagement}/tests/{id}/drop", tag: "Plan", needs: "plan.write", sends: `{"why":"The control was replaced."}`, title: "Drop a planned test, with the reason"}, dropTest)
	addFile(s, operation{id: "get-plan", method: http.MethodGet, path: "/engagements/{engagement}/plan", tag: "Plan", needs: "workpaper.read", title: "The planning workpapers"}, getPlan)
	addFile(s, operation{id: "set-plan", method: http.MethodPut, path: "/engagements/{engagement}/plan", tag: "Plan", needs: "plan.write", sends: `{"risks":[],"materiality":"Of each criterion.","internal":"","specialists":""}`,
		title: "Write risks, materiality and the use of others' work"}, setPlan)
	addFile(s, operation{id: "set-reliance", method: http.MethodPut, path: "/engagements/{engagement}/reliance/{id}", tag: "Plan", needs: "plan.write", sends: `{"mode":"items at source","why":"Records are kept by the systems themselves."}`,
		title: "Fix how much rests on what about a control's evidence", detail: "If-Match is the revision that the plan gives for the control; \"0\" the first time. It stays once a sample is drawn."}, setReliance)
}

const testExample = `{"control":"CHG-01","phase":"operation","kind":"inspection","text":"Inspected the approval of each sampled change.","population":true,"attributes":[{"name":"A","text":"Approved before deployment."}],"criteria":["CC8.1"],"why":"planned"}`

// TestText is a planned procedure on one version of one control.
type TestText struct {
	Control    string                 `json:"control" minLength:"1" maxLength:"100"`
	Version    string                 `json:"version,omitempty" maxLength:"10" doc:"Day from which the tested version of the control is in force"`
	Until      string                 `json:"until,omitempty" maxLength:"10" doc:"Last day of that version"`
	Phase      string                 `json:"phase" enum:"walkthrough,design,operation"`
	Kind       string                 `json:"kind" enum:"inquiry,observation,inspection,re-performance"`
	Text       string                 `json:"text" minLength:"1" maxLength:"20000" doc:"In the past tense, as Section IV prints it"`
	Attributes []engagement.Attribute `json:"attributes,omitempty" maxItems:"50"`
	Reliance   string                 `json:"reliance,omitempty" maxLength:"100"`
	Population bool                   `json:"population" doc:"It is performed on items of a population"`
	Criteria   []string               `json:"criteria,omitempty" maxItems:"100"`
	Extra      []string               `json:"extra,omitempty" maxItems:"100" doc:"Criteria of another examined set, or control objectives"`
}

func (t *TestText) test(id string) engagement.Test {
	return engagement.Test{ID: id, Control: t.Control, Version: t.Version, Until: t.Until, Phase: engagement.Phase(t.Phase), Kind: engagement.ProcedureKind(t.Kind), Text: t.Text,
		Attributes: t.Attributes, Reliance: engagement.Reliance(t.Reliance), Population: t.Population, Criteria: t.Criteria, Extra: t.Extra}
}

// Planned is a planned test and where its work stands: facts, and no conclusion.
type Planned struct {
	ID string `json:"id"`
	TestText
	Dropped    string   `json:"dropped,omitempty" doc:"Why it is not performed after all"`
	Opened     bool     `json:"opened" doc:"It has a workpaper"`
	Items      int      `json:"items" doc:"In its samples"`
	Tested     int      `json:"tested" doc:"Of these, with a result that says something"`
	Exceptions int      `json:"exceptions" doc:"Of these, with an exception that stands"`
	Untested   int      `json:"untested" doc:"Cells without a result"`
	KnownOpen  int      `json:"knownOpen" doc:"Deviations outside the sample without a disposition"`
	Notes      int      `json:"openNotes"`
	Prepared   bool     `json:"prepared"`
	Reviewed   bool     `json:"reviewed"`
	Findings   []string `json:"findings" nullable:"false"`
	Revision   int64    `json:"revision"`
}

func plannedOf(f *fieldwork.File, t *fieldwork.Test, facts map[string]fieldwork.TestFacts) Planned {
	x := facts[t.ID]
	out := Planned{ID: t.ID, TestText: TestText{t.Control, t.Version, t.Until, string(t.Phase), string(t.Kind), t.Text, t.Attributes, string(t.Reliance), t.Population, t.Criteria, t.Extra}, Dropped: t.Dropped,
		Items: x.Sampled, Tested: x.Tested, Exceptions: x.Exceptions, KnownOpen: x.KnownOpen, Notes: len(f.OpenNotes(t.ID)), Findings: append([]string{}, x.Findings...), Revision: t.Revision}
	if p := f.Papers[t.ID]; p != nil {
		out.Opened, out.Untested, out.Prepared, out.Reviewed = true, len(p.Untested(t)), p.Prepared != nil, p.Reviewed != nil
	}
	return out
}

// factsOf are what the work of each control's tests adds up to; those of the
// description have none.
func factsOf(f *fieldwork.File) map[string]fieldwork.TestFacts {
	out := map[string]fieldwork.TestFacts{}
	for _, c := range f.RollUp().Controls {
		for _, t := range c.Tests {
			out[t.Test] = t
		}
	}
	return out
}

type testsIn struct {
	FilePage
	Control string `query:"control" maxLength:"100"`
}

func listTests(d *desk, in *testsIn) (*listOut[Planned], error) {
	var all []Planned
	planned := 0
	err := d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		facts := factsOf(f)
		for _, t := range answer.InOrder(f.Tests) {
			if in.Control != "" && in.Control != t.Control {
				continue
			}
			if all = append(all, plannedOf(f, t, facts)); t.Dropped == "" {
				planned++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.planned-tests/1", sayPlanned(planned, len(all)-planned), all, "/engagements/"+in.Engagement+"/tests", "control", in.Control)
}

// sayPlanned says how many tests are performed, and how many were dropped.
func sayPlanned(planned, dropped int) string {
	say := answer.Counted(planned, "test is planned", "tests are planned")
	if dropped > 0 {
		say += " " + answer.Counted(dropped, "more was dropped", "more were dropped")
	}
	return say
}

func getTest(d *desk, in *objectIn) (out *oneOut[Planned], err error) {
	err = d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		t := f.Tests[in.ID]
		if t == nil {
			return unknown("test", in.ID, in.Engagement)
		}
		out = tagged("tieout.planned-test/1", t.ID+" tests "+t.Control+".", t.Revision, plannedOf(f, t, factsOf(f)))
		return nil
	})
	return out, err
}

// TestChange is a test with why it is planned or changed so.
type TestChange struct {
	TestText
	Why string `json:"why,omitempty" maxLength:"5000" doc:"Of a change, and of a test that is added once fieldwork has begun"`
}

func setTest(d *desk, in *changes[TestChange]) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	if err := d.files.SetTest(d, d.Who, in.Engagement, in.Body.test(in.ID), in.Body.Why, base); err != nil {
		return nil, d.since(err, in.Engagement, "test:"+in.Engagement+"/"+in.ID, base)
	}
	return d.done(in.Engagement, "test", in.ID, in.ID+" is planned.")
}

// Why is a reason.
type Why struct {
	Why string `json:"why" minLength:"1" maxLength:"5000"`
}

func dropTest(d *desk, in *changes[Why]) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	if err := d.files.DropTest(d, d.Who, in.Engagement, in.ID, in.Body.Why, base); err != nil {
		return nil, d.since(err, in.Engagement, "test:"+in.Engagement+"/"+in.ID, base)
	}
	return d.done(in.Engagement, "test", in.ID, in.ID+" is dropped.")
}

// Plan is the planning workpapers.
type Plan struct {
	PlanText
	Reliance []Reliance `json:"reliance" nullable:"false"`
	Sizes    string     `json:"sizes,omitempty" doc:"The table of sample sizes in force"`
	Example  bool       `json:"example" doc:"That table is the shipped example, which no firm adopted"`
	Revision int64      `json:"revision"`
}

// PlanText is what people write of a plan, as a whole.
type PlanText struct {
	Risks       []fieldwork.PlannedRisk `json:"risks" maxItems:"500" nullable:"false"`
	Materiality string                  `json:"materiality" maxLength:"20000"`
	Internal    string                  `json:"internal" maxLength:"20000" doc:"Use of internal audit's work"`
	Specialists string                  `json:"specialists" maxLength:"20000"`
}

// Reliance is how much rests on what about a control's evidence.
type Reliance struct {
	Control  string `json:"control"`
	Mode     string `json:"mode"`
	Revision int64  `json:"revision"`
}

func getPlan(d *desk, in *fileIn) (out *oneOut[Plan], err error) {
	err = d.file(in.Engagement, func(s *fieldwork.State, f *fieldwork.File) error {
		p := f.Plan
		x := Plan{PlanText: PlanText{append([]fieldwork.PlannedRisk{}, p.Risks...), p.Materiality, p.Internal, p.Specialists}, Reliance: []Reliance{}, Sizes: p.Sizes, Example: p.Example, Revision: p.Revision}
		for _, c := range f.ControlsInScope() {
			x.Reliance = append(x.Reliance, Reliance{c, string(p.Reliance[c]), s.Revision("reliance:" + in.Engagement + "/" + c)})
		}
		planned := 0
		for _, t := range f.Tests {
			if t.Dropped == "" {
				planned++
			}
		}
		out = tagged("tieout.plan/1", sayPlanned(planned, len(f.Tests)-planned), p.Revision, x)
		return nil
	})
	return out, err
}

func setPlan(d *desk, in *changesFile[PlanText]) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	b := &in.Body
	if err := d.files.SetPlan(d, d.Who, in.Engagement, fieldwork.PlanText{Risks: b.Risks, Materiality: b.Materiality, Internal: b.Internal, Specialists: b.Specialists}, base); err != nil {
		return nil, d.since(err, in.Engagement, "plan:"+in.Engagement, base)
	}
	return d.done(in.Engagement, "plan", "", "The plan is written.")
}

// RelianceText is how much rests on what, and why.
type RelianceText struct {
	Mode string `json:"mode" minLength:"1" maxLength:"100" doc:"items at source; tool output, completeness and accuracy tested; or logic tested, whole population"`
	Why  string `json:"why" minLength:"1" maxLength:"5000"`
}

func setReliance(d *desk, in *changes[RelianceText]) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	if err := d.files.SetReliance(d, d.Who, in.Engagement, in.ID, engagement.Reliance(in.Body.Mode), in.Body.Why, base); err != nil {
		return nil, d.since(err, in.Engagement, "reliance:"+in.Engagement+"/"+in.ID, base)
	}
	return d.done(in.Engagement, "reliance", in.ID, "Reliance on "+in.ID+" is fixed.")
}
