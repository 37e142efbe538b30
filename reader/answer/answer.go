// Package answer makes what every reader of a workspace is told: the one true
// sentence, and the values behind it. The command line and the servers say the
// same because they say this.
package answer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/period"
	"tieout/report"
)

// Schemas of the values, as they stand in every JSON answer.
const (
	StatusSchema     = "tieout.status/1"
	ControlsSchema   = "tieout.controls/1"
	ControlSchema    = "tieout.control/1"
	DeviationsSchema = "tieout.deviations/1"
	WalkSchema       = "tieout.walk/1"
	RecordSchema     = "tieout.record/1"
	GapsSchema       = "tieout.gaps/1"
	PopulationSchema = "tieout.population/1"
	CoverageSchema   = "tieout.control-coverage/1"
)

// A Status is what stands behind the sentence of a period.
type Status struct {
	AsOf       time.Time         `json:"asOf"`
	Controls   int               `json:"controls"`
	Deviations []audit.Deviation `json:"deviations"`
	Gaps       []audit.Gap       `json:"gaps"`
	Log        audit.LogState    `json:"log"`
	Period     audit.Period      `json:"period"`
	Tasks      string            `json:"tasks,omitempty"` // the sentence about what people do on a schedule
}

// StatusOf is the status a report gives; its sentence is r.Sentence.
func StatusOf(r *audit.Report) Status {
	return Status{Period: r.Period, AsOf: r.AsOf, Controls: len(r.Controls), Deviations: report.Deviations(r), Gaps: report.Gaps(r), Log: r.Log}
}

// A Control is one control in scope and where it stands.
type Control struct {
	Control    audit.Control `json:"control"`
	Procedures []string      `json:"procedures"`
	State      string        `json:"state"`
}

// Controls lists the controls in scope in the order of the definitions, with
// the sentence about them. r is nil where nothing was tested yet.
func Controls(p *period.Program, r *audit.Report) (string, []Control) {
	states, tests := map[string]string{}, map[string][]string{}
	if r != nil {
		for _, c := range r.Controls {
			states[c.Control.ID] = report.StateWord(c.State, report.Management)
		}
	}
	sel := p.Selection()
	for _, proc := range sel.Procedures {
		for _, id := range proc.Controls {
			tests[id] = append(tests[id], proc.ID)
		}
	}
	untested := 0
	var out []Control
	for _, c := range sel.Controls {
		state := states[c.ID]
		if len(tests[c.ID]) == 0 {
			state, untested = "Not tested here", untested+1
		} else if state == "" {
			state = string(audit.NotStarted)
		}
		out = append(out, Control{c, tests[c.ID], state})
	}
	return fmt.Sprintf("%s in scope, %d without a procedure that can run here; %s of the library stay outside since nothing here can test them.",
		report.Capital(report.Plural(len(sel.Controls), "control", "controls")), untested, report.Plural(len(sel.Outside), "control", "controls")), out
}

// A ControlFound is a control, what its procedures found and where it stands;
// Found is nil where nothing was tested.
type ControlFound struct {
	Control audit.Control        `json:"control"`
	Found   *audit.ControlReport `json:"found"`
	State   string               `json:"state"`
}

// Sentence says where a control stands.
func (c ControlFound) Sentence() string {
	return fmt.Sprintf("%s, %s: %s.", c.Control.ID, c.Control.Title, c.State)
}

// FindControl finds a control in scope by its id, in any case. One that is out
// of scope is audit.ErrNotFound with the reason. r is nil where nothing was
// tested yet.
func FindControl(p *period.Program, r *audit.Report, id string) (ControlFound, error) {
	sel := p.Selection()
	i := slices.IndexFunc(sel.Controls, func(c audit.Control) bool { return strings.EqualFold(c.ID, id) })
	if i < 0 {
		for _, u := range sel.Outside {
			if strings.EqualFold(u.Control.ID, id) {
				return ControlFound{}, fmt.Errorf("%w: control %s is not in scope: %s", audit.ErrNotFound, u.Control.ID, u.Why)
			}
		}
		return ControlFound{}, fmt.Errorf("%w: control %q", audit.ErrNotFound, id)
	}
	_, all := Controls(p, r)
	out := ControlFound{Control: sel.Controls[i], State: all[i].State}
	if r == nil {
		return out, nil
	}
	if j := slices.IndexFunc(r.Controls, func(x audit.ControlReport) bool { return x.Control.ID == out.Control.ID }); j >= 0 {
		out.Found = &r.Controls[j]
	}
	return out, nil
}

// A Walk goes from a deviation to everything it rests on.
type Walk struct {
	Deviation audit.Deviation `json:"deviation"`
	Evidence  []*period.Piece `json:"evidence"`
	Run       string          `json:"run"`
}

// DeviationsSentence counts findings.
func DeviationsSentence(n int) string {
	return report.Capital(report.Plural(n, "deviation", "deviations")) + "."
}

// DeviationSentence says what one finding is.
func DeviationSentence(d *audit.Deviation, p audit.Period) string {
	return fmt.Sprintf("%s: %s, %s, %s.", d.Title, ItemName(&d.Result), When(&d.Result, p), d.Outcome)
}

// GapsSentence counts gaps.
func GapsSentence(n int) string {
	return report.Capital(report.Plural(n, "gap in the evidence", "gaps in the evidence")) + "."
}

// PieceSentence says whether a record is what was sealed.
func PieceSentence(x *period.Piece) string {
	switch {
	case x.Erased:
		return fmt.Sprintf("%s was erased; its entry is still in the log.", audit.EvidenceRef(x.Index))
	case !x.Unchanged:
		return fmt.Sprintf("%s does not match what was sealed: %s.", audit.EvidenceRef(x.Index), x.Fault)
	}
	return fmt.Sprintf("%s is unchanged since it was sealed.", audit.EvidenceRef(x.Index))
}

// PopulationSentence says of how many results of a run a population is.
func PopulationSentence(n int, which period.RunResults, run *period.Run) string {
	return fmt.Sprintf("%s of %s, version %s, as sealed in %s.",
		report.Capital(report.Plural(n, "result", "results")), which.Procedure, ShortHash(which.Hash), audit.EvidenceRef(run.Record))
}

// HashDigits is how many digits of a hash of definitions or of a procedure
// stand for it.
const HashDigits = 8

// ShortHash is how a hash of definitions or of a procedure is written short.
func ShortHash(hash string) string {
	hash = strings.TrimPrefix(hash, "sha256:")
	return hash[:min(len(hash), HashDigits)]
}

// ResultsOf returns what in a run is called id: a procedure, or the beginning
// of a procedure's hash, of HashDigits or more.
func ResultsOf(run *period.Run, id string) (period.RunResults, bool) {
	hash := strings.ToLower(strings.TrimPrefix(id, "sha256:"))
	for _, r := range run.Results {
		if r.Procedure == id || len(hash) >= HashDigits && strings.HasPrefix(strings.TrimPrefix(r.Hash, "sha256:"), hash) {
			return r, true
		}
	}
	return period.RunResults{}, false
}

// DeviationRef is a deviation's reference as it is kept, however it was typed.
func DeviationRef(s string) string {
	return "D-" + strings.ToLower(strings.TrimPrefix(strings.ToUpper(s), "D-"))
}

// ItemName is how a person would name what a result is about.
func ItemName(r *audit.Result) string {
	if r.Label != "" && r.Label != r.Item {
		return r.Label
	}
	return r.Item
}

// When says when a result was, in days of the period's zone.
func When(r *audit.Result, p audit.Period) string {
	s := report.Days(r.Span, p.Location())
	if r.Open {
		s += " and on"
	}
	return s
}

// StreamName names a stream.
func StreamName(k audit.StreamKey) string {
	s := k.Type
	if k.Source != "" {
		s = k.Source + ": " + s
	}
	if k.Scope != "" {
		s += " " + k.Scope
	}
	return s
}
