package answer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/report"
)

// A document is a policy or plan as the newest evidence shows it.
type document struct {
	id         string
	Title      string
	Kind       string
	Status     string
	Owner      string
	ApprovedBy string
	ApprovedAt string
}

// approved reports whether the evidence shows an approval of it.
func (d document) approved() bool {
	return d.Status == "approved" && d.ApprovedAt != "" && d.ApprovedAt != "never"
}

// documentsOf are the documents that exist, by id.
func documentsOf(ctx context.Context, p *period.Program) ([]document, error) {
	tl, err := p.Timeline(ctx, "document")
	if err != nil {
		return nil, err
	}
	var out []document
	for _, h := range tl.Histories {
		if len(h.Versions) == 0 || h.Versions[len(h.Versions)-1].Gone {
			continue
		}
		d := document{id: h.ID}
		if err := json.Unmarshal(h.Versions[len(h.Versions)-1].Body, &d); err != nil {
			d.Title = h.ID // what cannot be read is not approved
		}
		out = append(out, d)
	}
	return out, nil
}

func policies(docs []document) []document {
	return slices.DeleteFunc(slices.Clone(docs), func(d document) bool { return d.Kind != "policy" || d.Status == "retired" })
}

// standingGaps are those that no run records: they are known of the present
// only.
func standingGaps(v view, sys *System, docs []document) []ReadinessGap {
	out := policyGaps(policies(docs))
	return append(out, systemGaps(sys)...)
}

func policyGaps(list []document) (out []ReadinessGap) {
	fix := Fix{"/policies", nil, "tieout plan"}
	if len(list) == 0 {
		return []ReadinessGap{{Key: "policy", Kind: NoPolicy, What: "No policy is in evidence", Why: "No source gives a document that is a policy.", Count: 1, Hours: hours(NoPolicy, 1), Fix: fix}}
	}
	for _, d := range list {
		if d.approved() {
			continue
		}
		name := d.Title
		if name == "" {
			name = d.id
		}
		out = append(out, ReadinessGap{Key: "policy " + d.id, Kind: NoPolicy, What: name + " is not approved", Why: "The newest evidence shows no approval of the version in force.",
			Count: 1, Hours: hours(NoPolicy, 1), Owner: d.Owner, Fix: fix})
	}
	return out
}

// systemGaps are what the system files leave open.
func systemGaps(s *System) (out []ReadinessGap) {
	fix := Fix{"/system", nil, "tieout system show"}
	add := func(kind GapKind, key, what, why, owner string) {
		out = append(out, ReadinessGap{Key: key, Kind: kind, What: what, Why: why, Count: 1, Hours: hours(kind, 1), Owner: owner, Fix: fix})
	}
	if len(s.Components) == 0 {
		add(Boundary, "system", "The system has no components", "A system file names what the examination is about.", "")
	}
	for _, c := range s.Components {
		if len(c.Seen) == 0 && s.CanSee {
			add(NotClaimed, "component "+c.ID, "No source reads "+c.Name, fmt.Sprintf("%s:%d claims nothing that a source sees.", c.File, c.Line), c.Owner)
		}
	}
	for _, u := range s.Unclaimed {
		add(NotClaimed, "unclaimed "+u.Type+" "+u.Source+" "+u.Scope, report.Plural(u.Things, "thing", "things")+" of "+strings.TrimSpace(u.Source+" "+u.Scope)+" no component claims",
			"Of type "+u.Type+", such as "+strings.Join(u.Examples[:min(2, len(u.Examples))], ", ")+".", "")
	}
	for _, sys := range s.Systems {
		out = append(out, subserviceGaps(sys)...)
	}
	return out
}

func subserviceGaps(sys definition.System) (out []ReadinessGap) {
	for _, o := range sys.Subservices {
		var lacks []string
		if o.Method == "carve-out" && len(o.CSOCs) == 0 {
			lacks = append(lacks, "what is assumed of it")
		}
		if len(o.Monitoring) == 0 {
			lacks = append(lacks, "a control that watches it")
		}
		if len(lacks) > 0 {
			out = append(out, ReadinessGap{Key: "subservice " + o.Name, Kind: Boundary, What: o.Name + " lacks " + report.List(lacks), Why: fmt.Sprintf("%s:%d", sys.File, o.Line),
				Count: 1, Hours: hours(Boundary, 1), Fix: Fix{"/system", nil, "tieout system show"}})
		}
	}
	for _, f := range sys.Flows {
		if len(f.Controls) == 0 {
			out = append(out, ReadinessGap{Key: "flow " + f.From + " " + f.To, Kind: Boundary, What: "The flow from " + f.From + " to " + f.To + " names no control", Why: fmt.Sprintf("%s:%d", sys.File, f.Line),
				Count: 1, Hours: hours(Boundary, 1), Fix: Fix{"/system", nil, "tieout system show"}})
		}
	}
	return out
}

// A Stop is one check an auditor makes, tried today.
type Stop struct {
	Check string   `json:"check"`          // what is checked
	Kind  GapKind  `json:"kind,omitempty"` // of the gaps it would stop at; "": of none that is listed
	State string   `json:"state"`          // Stops, Asks or Goes on
	Says  string   `json:"says"`           // what it found
	Of    []string `json:"of,omitempty"`
	Fix   Fix      `json:"fix"`
}

// What a check comes to.
const (
	Stops  = "Would stop"
	Asks   = "Would ask"
	GoesOn = "Would go on"
)

// rehearse tries the checks an auditor makes before testing begins.
func rehearse(v view, r *audit.Report, sys *System, docs []document) []Stop {
	return []Stop{
		v.populations(), v.reconciled(), v.responses(), v.decisions(), approvals(policies(docs)), v.criteriaMet(), v.testable(), relied(sys), outside(r), v.whole(r),
	}
}

// check is a Stop of one of two states: found are what stands in the way.
func check(name string, kind GapKind, state string, found []string, bad, good string, fix Fix) Stop {
	if len(found) == 0 {
		return Stop{Check: name, Kind: kind, State: GoesOn, Says: good, Fix: fix}
	}
	return Stop{Check: name, Kind: kind, State: state, Says: bad, Of: found, Fix: fix}
}

func (v view) populations() Stop {
	const name = "Every population is complete"
	fix := Fix{"/populations", nil, "tieout population list"}
	if len(v.tested) == 0 {
		return Stop{Check: name, Kind: NoEvidence, State: Stops, Says: "Nothing was tested, so there is no population to look at.", Fix: fix}
	}
	var found []string
	for i := range v.tested {
		if t := &v.tested[i]; slices.ContainsFunc(t.Streams, incomplete) {
			found = once(found, t.Procedure)
		}
	}
	return check(name, NoEvidence, Stops, found, report.Capital(report.OfAll(len(found), v.procedures()))+" populations have a hole or a count that does not agree.",
		report.Capital(report.Plural(v.procedures(), "population was", "populations were"))+" seen without a hole, and no count disagrees.", fix)
}

func incomplete(s audit.StreamSummary) bool {
	return len(s.Holes) > 0 || slices.ContainsFunc(s.Checks, func(c audit.Reconciling) bool { return !c.OK })
}

func (v view) procedures() int {
	var ids []string
	for _, t := range v.tested {
		ids = once(ids, t.Procedure)
	}
	return len(ids)
}

func once(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func (v view) reconciled() Stop {
	var found []string
	for i := range v.tested {
		if t := &v.tested[i]; slices.ContainsFunc(t.Streams, func(s audit.StreamSummary) bool { return len(s.Checks) == 0 }) {
			found = once(found, t.Procedure)
		}
	}
	return check("Completeness was compared with an independent number", NoEvidence, Asks, found,
		report.Capital(report.OfAll(len(found), v.procedures()))+" populations have no independent number to compare with.",
		"Each population that was tested was compared with an independent number.", Fix{"/connectors", nil, "tieout connector list"})
}

func (v view) refs(want func(*audit.Deviation) bool) (out []string) {
	for i := range v.devs {
		if want(&v.devs[i]) {
			out = append(out, v.devs[i].Ref)
		}
	}
	return out
}

func (v view) responses() Stop {
	found := v.refs(func(d *audit.Deviation) bool { return d.Disposition != audit.NotDeviation && d.Response == "" })
	return check("Management has answered every finding", Unanswered, Stops, found, report.Capital(report.Plural(len(found), "finding has", "findings have"))+" no response.",
		"No finding waits for a response.", Fix{"/deviations", []string{"response", "none"}, "tieout deviation list"})
}

func (v view) decisions() Stop {
	found := v.refs(func(d *audit.Deviation) bool { return d.Disposition == audit.Candidate })
	return check("Somebody has decided what each finding is", Undecided, Stops, found, report.Capital(report.Plural(len(found), "finding is a candidate", "findings are candidates"))+" nobody has decided about.",
		"No finding waits for a decision.", Fix{"/deviations", nil, "tieout deviation list"})
}

func approvals(list []document) Stop {
	const name = "Policies are approved"
	fix := Fix{"/policies", nil, "tieout plan"}
	if len(list) == 0 {
		return Stop{Check: name, Kind: NoPolicy, State: Stops, Says: "No policy is in evidence.", Fix: fix}
	}
	var found []string
	for _, d := range list {
		if !d.approved() {
			found = append(found, d.Title)
		}
	}
	return check(name, NoPolicy, Stops, found, report.Capital(report.OfAll(len(found), len(list)))+" policies show no approval.", report.Capital(report.Plural(len(list), "policy shows", "policies show"))+" an approval.", fix)
}

func (v view) criteriaMet() Stop {
	var found []string
	for _, g := range v.criteriaGaps() {
		found = append(found, strings.TrimPrefix(g.Key, "criterion "))
	}
	return check("Every criterion has a control", NoControl, Stops, found, coverageSentence(len(v.criteria), len(found), 0),
		report.Capital(report.Plural(len(v.criteria), "criterion has", "criteria have"))+" a control.", Fix{"/coverage", []string{"show", "none"}, "tieout control coverage"})
}

func (v view) testable() Stop {
	var found []string
	for _, u := range v.untested {
		found = append(found, u.Control.ID)
	}
	if len(v.controls) == 0 {
		return Stop{Check: "Every control can be tested", Kind: NoTest, State: Stops, Says: "No control is in scope.", Fix: Fix{"/coverage", nil, "tieout control list"}}
	}
	return check("Every control can be tested", NoTest, Asks, found, report.Capital(report.OfAll(len(found), len(v.controls)))+" controls have no test that can run here.",
		report.Capital(report.Plural(len(v.controls), "control has", "controls have"))+" a test that can run here.", Fix{"/controls", []string{"state", "untested"}, "tieout control list"})
}

func relied(sys *System) Stop {
	const name = "What others must do is written down"
	fix := Fix{"/system", nil, "tieout system show"}
	if len(sys.Systems) == 0 {
		return Stop{Check: name, Kind: Boundary, State: Stops, Says: "No system file says what the system is and on whom it relies.", Fix: fix}
	}
	var found []string
	n := 0
	for _, s := range sys.Systems {
		n += len(s.Subservices)
		for _, o := range s.Subservices {
			if o.Method == "carve-out" && len(o.CSOCs) == 0 || len(o.Monitoring) == 0 {
				found = append(found, o.Name)
			}
		}
	}
	good := "No subservice organization is named."
	if n > 0 {
		good = report.Capital(report.Plural(n, "subservice organization is", "subservice organizations are")) + " watched, with what is assumed of them."
	}
	return check(name, Boundary, Asks, found, report.Capital(report.OfAll(len(found), n))+" subservice organizations lack what is assumed of them or a control that watches them.", good, fix)
}

func outside(r *audit.Report) Stop {
	fix := Fix{"/log", nil, "tieout log witness"}
	if len(r.Log.Witnessed) == 0 {
		return Stop{Check: "Somebody outside has seen the log", State: Asks, Says: "Nobody outside has signed the log's head: its order rests on this server's clock.", Fix: fix}
	}
	return Stop{Check: "Somebody outside has seen the log", State: GoesOn, Says: "The log's head was signed by " + report.List(r.Log.Witnessed) + ".", Fix: fix}
}

func (v view) whole(r *audit.Report) Stop {
	loc := r.Period.Location()
	s := Stop{Check: "The evidence reaches to the end of the period", Fix: Fix{"/", nil, "tieout status"}}
	if last := report.Day(r.Period.To.Add(-1), loc); v.at.Before(r.Period.To) {
		s.State, s.Says = Asks, "What was tested reaches to "+report.Day(v.at, loc)+"; the period ends on "+last+"."
	} else {
		s.State, s.Says = GoesOn, "What was tested reaches past "+last+"."
	}
	return s
}
