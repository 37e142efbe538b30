package api

import (
	"net/http"
	"strings"
	"time"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/reader/answer"
)

// exceptionCalls are exceptions, and deviations outside the samples.
func (s *Server) exceptionCalls() {
	const all, one, known = "/engagements/{engagement}/findings", "/engagements/{engagement}/findings/{id}", "/engagements/{engagement}/papers/{id}/known"
	addFile(s, operation{id: "list-findings", method: http.MethodGet, path: all, tag: "Exceptions", needs: "workpaper.read", title: "Exceptions, with the client's responses"}, listFindings)
	addFile(s, operation{id: "get-finding", method: http.MethodGet, path: one, tag: "Exceptions", needs: "workpaper.read", title: "One exception"}, getFinding)
	addFile(s, operation{id: "add-finding", method: http.MethodPost, path: all, tag: "Exceptions", needs: "test.mark", status: http.StatusCreated, sends: findingExample, title: "Write an exception"}, addFinding)
	addFile(s, operation{id: "set-finding", method: http.MethodPut, path: one, tag: "Exceptions", needs: "test.mark", sends: findingExample, title: "Write an exception anew"}, setFinding)
	addFile(s, operation{id: "release-finding", method: http.MethodPost, path: one + "/release", tag: "Exceptions", needs: "exception.release", title: "Release an exception to the client"}, releaseFinding)
	addFile(s, operation{id: "dispose-finding", method: http.MethodPost, path: one + "/disposition", tag: "Exceptions", needs: "test.mark", sends: `{"as":"wrong test","why":"The attribute was wrong."}`,
		title: "Say that the test or the population was wrong", detail: "It counts once a second person confirms it."}, disposeFinding)
	addFile(s, operation{id: "confirm-finding", method: http.MethodPost, path: one + "/confirmation", tag: "Exceptions", needs: "workpaper.review", title: "Confirm what somebody else said of an exception"}, confirmFinding)
	addFile(s, operation{id: "look-for-known", method: http.MethodPost, path: known + "/look", tag: "Exceptions", needs: "test.mark", title: "Look for deviations outside the sample, over the whole populations"}, lookForKnown)
	addFile(s, operation{id: "add-known", method: http.MethodPost, path: known, tag: "Exceptions", needs: "test.mark", sends: `{"ref":"INC-2","source":"the incident register","text":"An account was left."}`, title: "List a deviation outside the sample"}, addKnown)
	addFile(s, operation{id: "dispose-known", method: http.MethodPost, path: known + "/disposition", tag: "Exceptions", needs: "test.mark", sends: `{"refs":["INC-2"],"as":"wrong population","why":"It is of another system."}`,
		title: "Say of deviations outside the sample that the test or the population was wrong", detail: "If-Match is the workpaper's knownRevision."}, disposeKnown)
	addFile(s, operation{id: "confirm-known", method: http.MethodPost, path: known + "/confirmation", tag: "Exceptions", needs: "workpaper.review", sends: `{"refs":["INC-2"]}`, title: "Confirm what somebody else said of deviations outside the sample", detail: "If-Match is the workpaper's knownRevision."}, confirmKnown)
}

const findingExample = `{"test":"T-CHG-01-1","cells":[{"item":"CHG-0001","attribute":"A"}],"nature":"Late","text":"One change was approved late."}`

// FindingText is what a tester writes of an exception.
type FindingText struct {
	Test         string     `json:"test" minLength:"1" maxLength:"100"`
	Cells        []CellName `json:"cells,omitempty" maxItems:"5000" doc:"Marked Exception"`
	Known        []string   `json:"known,omitempty" maxItems:"5000" doc:"Deviations outside the sample, by reference"`
	Nature       string     `json:"nature" minLength:"1" maxLength:"2000"`
	Text         string     `json:"text" minLength:"1" maxLength:"20000" doc:"As Section IV prints it"`
	Cause        string     `json:"cause,omitempty" maxLength:"20000"`
	Extent       string     `json:"extent,omitempty" maxLength:"20000"`
	Compensating []string   `json:"compensating,omitempty" maxItems:"50" doc:"Tests of other controls, in this engagement"`
	Evaluation   string     `json:"evaluation,omitempty" maxLength:"20000" doc:"The auditor's, never sent"`
}

func (t *FindingText) draft() fieldwork.FindingDraft {
	d := fieldwork.FindingDraft{Test: t.Test, Known: t.Known, Nature: t.Nature, Text: t.Text, Cause: t.Cause, Extent: t.Extent, Compensating: t.Compensating, Evaluation: t.Evaluation}
	for _, c := range t.Cells {
		d.Cells = append(d.Cells, fieldwork.FindingCell(c))
	}
	return d
}

// Finding is an exception with the auditor's work on it.
type Finding struct {
	ID string `json:"id"`
	FindingText
	Control  string       `json:"control"`
	Items    []string     `json:"items" nullable:"false"`
	Of       int          `json:"of" doc:"Items tested; the rate counts sampled items only"`
	Stands   bool         `json:"stands"`
	Disposed *Disposition `json:"disposed,omitempty"`
	Released *time.Time   `json:"released,omitempty" doc:"Left out: the client does not know it as it now is"`
	Response *Response    `json:"response,omitempty"`
	Steps    []Step       `json:"steps" nullable:"false"`
	Revision int64        `json:"revision"`
}

// Disposition is what became of something that looks like an exception.
type Disposition struct {
	As          string `json:"as"`
	Finding     string `json:"finding,omitempty"`
	Why         string `json:"why,omitempty"`
	By          string `json:"by"`
	ConfirmedBy string `json:"confirmedBy,omitempty"`
	Settled     bool   `json:"settled"`
}

func dispositionOf(d *fieldwork.Disposition) *Disposition {
	if d == nil {
		return nil
	}
	return &Disposition{d.As, d.Finding, d.Why, d.By, d.ConfirmedBy, d.Settled()}
}

// Response is management's.
type Response struct {
	Agrees bool   `json:"agrees"`
	Cause  string `json:"cause,omitempty"`
	Effect string `json:"effect,omitempty"`
	Done   string `json:"done,omitempty" doc:"What was done, with dates"`
	Status string `json:"status,omitempty"`
	Owner  string `json:"owner,omitempty"`
	Final  bool   `json:"final"`
}

func responseOf(r *engagement.Response) *Response {
	if r == nil {
		return nil
	}
	return &Response{r.Agrees, r.Cause, r.Effect, r.Done, r.Status, r.Owner, r.Final}
}

func findingOf(x *fieldwork.Finding) Finding {
	out := Finding{ID: x.ID, FindingText: FindingText{Test: x.Test, Known: x.Known, Nature: x.Nature, Text: x.Text, Cause: x.Cause, Extent: x.Extent, Compensating: x.Compensating, Evaluation: x.Evaluation},
		Control: x.Control, Items: append([]string{}, x.Items...), Of: x.Of, Stands: x.Stands(), Disposed: dispositionOf(x.Disposed), Released: when(x.Released), Response: responseOf(x.Response),
		Steps: stepsOf(x.Steps), Revision: x.Revision}
	for _, c := range x.Cells {
		out.Cells = append(out.Cells, CellName(c))
	}
	return out
}

func listFindings(d *desk, in *FilePage) (*listOut[Finding], error) {
	var all []Finding
	standing := 0
	err := d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		for _, x := range answer.InOrder(f.Findings) {
			all = append(all, findingOf(x))
			if x.Stands() {
				standing++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.findings/1", answer.Counted(standing, "exception stands", "exceptions stand"), all, "/engagements/"+in.Engagement+"/findings")
}

func getFinding(d *desk, in *objectIn) (out *oneOut[Finding], err error) {
	err = d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		x := f.Findings[in.ID]
		if x == nil {
			return unknown("exception", in.ID, in.Engagement)
		}
		out = tagged("tieout.finding/1", x.ID+": "+strings.TrimSuffix(x.Nature, ".")+".", x.Revision, findingOf(x))
		return nil
	})
	return out, err
}

func addFinding(d *desk, in *does[FindingText]) (*oneOut[Done], error) {
	id, err := d.files.SetFinding(d, d.Who, in.Engagement, "", in.Body.draft(), 0)
	if err != nil {
		return nil, err
	}
	return created(d.done(in.Engagement, "finding", id, id+" is written. The client does not know it before its release."))
}

// onFinding does something to an exception, from the revision in If-Match.
func (d *desk) onFinding(o *Object, m *Match, words string, do func(base int64) error) (*oneOut[Done], error) {
	base, err := m.revision()
	if err != nil {
		return nil, err
	}
	if err := do(base); err != nil {
		return nil, d.since(err, o.Engagement, "finding:"+o.Engagement+"/"+o.ID, base)
	}
	return d.sent(o.Engagement, "finding", o.ID, words)
}

func setFinding(d *desk, in *changes[FindingText]) (*oneOut[Done], error) {
	return d.onFinding(&in.Object, &in.Match, in.ID+" is written anew.", func(base int64) error {
		_, err := d.files.SetFinding(d, d.Who, in.Engagement, in.ID, in.Body.draft(), base)
		return err
	})
}

func releaseFinding(d *desk, in *actsFrom) (*oneOut[Done], error) {
	return d.onFinding(&in.Object, &in.Match, in.ID+" is released.", func(base int64) error {
		_, err := d.files.ReleaseFinding(d, d.Who, in.Engagement, in.ID, base)
		return err
	})
}

// DispositionText says what was wrong, and why.
type DispositionText struct {
	As  string `json:"as" enum:"wrong test,wrong population"`
	Why string `json:"why" minLength:"1" maxLength:"20000"`
}

func disposeFinding(d *desk, in *changes[DispositionText]) (*oneOut[Done], error) {
	return d.onFinding(&in.Object, &in.Match, "It counts once a second person confirms it.", func(base int64) error {
		return d.files.DisposeFinding(d, d.Who, in.Engagement, in.ID, in.Body.As, in.Body.Why, base)
	})
}

func confirmFinding(d *desk, in *actsFrom) (*oneOut[Done], error) {
	return d.onFinding(&in.Object, &in.Match, in.ID+" is disposed of.", func(base int64) error {
		return d.files.ConfirmFinding(d, d.Who, in.Engagement, in.ID, base)
	})
}

// Known is a deviation outside a sample. It never counts into a rate.
type Known struct {
	Ref       string       `json:"ref"`
	Attribute string       `json:"attribute,omitempty"`
	Outcome   string       `json:"outcome,omitempty"`
	Source    string       `json:"source"`
	Text      string       `json:"text,omitempty"`
	Disposed  *Disposition `json:"disposed,omitempty" doc:"Left out: it is open"`
}

func knownOf(f *fieldwork.File, test string) []Known {
	out := []Known{}
	for _, k := range f.KnownListed(test) {
		out = append(out, Known{k.Ref, k.Attribute, k.Outcome, k.Source, k.Text, dispositionOf(k.Disposed)})
	}
	return out
}

// onKnown says what was done to what is known outside a sample.
func (d *desk) onKnown(o *Object, words string, err error) (*oneOut[Done], error) {
	if err != nil {
		return nil, err
	}
	return d.done(o.Engagement, "known", o.ID, words)
}

func lookForKnown(d *desk, in *actsOn) (*oneOut[Done], error) {
	return d.onKnown(&in.Object, "The whole populations were looked at.", d.files.LookForKnown(d, d.Who, in.Engagement, in.ID))
}

// KnownText is a deviation that the auditor learned of.
type KnownText struct {
	Ref    string `json:"ref" minLength:"1" maxLength:"300"`
	Source string `json:"source" minLength:"1" maxLength:"200"`
	Text   string `json:"text" minLength:"1" maxLength:"20000"`
}

func addKnown(d *desk, in *doesOn[KnownText]) (*oneOut[Done], error) {
	return d.onKnown(&in.Object, in.Body.Ref+" is listed.", d.files.AddKnown(d, d.Who, in.Engagement, in.ID, in.Body.Ref, in.Body.Source, in.Body.Text))
}

// Refs names deviations outside a sample.
type Refs struct {
	Refs []string `json:"refs" minItems:"1" maxItems:"1000"`
}

// KnownDisposition says what was wrong of deviations outside a sample.
type KnownDisposition struct {
	Refs
	DispositionText
}

// onKnownFrom does something to what is known outside a test's sample, from the
// revision in If-Match.
func (d *desk) onKnownFrom(o *Object, m *Match, words string, do func(base int64) error) (*oneOut[Done], error) {
	base, err := m.revision()
	if err != nil {
		return nil, err
	}
	if err := do(base); err != nil {
		return nil, d.since(err, o.Engagement, "known:"+o.Engagement+"/"+o.ID, base)
	}
	return d.done(o.Engagement, "known", o.ID, words)
}

func disposeKnown(d *desk, in *changes[KnownDisposition]) (*oneOut[Done], error) {
	return d.onKnownFrom(&in.Object, &in.Match, "It counts once a second person confirms it.", func(base int64) error {
		return d.files.DisposeKnown(d, d.Who, in.Engagement, in.ID, in.Body.Refs.Refs, in.Body.As, in.Body.Why, base)
	})
}

func confirmKnown(d *desk, in *changes[Refs]) (*oneOut[Done], error) {
	return d.onKnownFrom(&in.Object, &in.Match, "They are disposed of.", func(base int64) error {
		return d.files.ConfirmKnown(d, d.Who, in.Engagement, in.ID, in.Body.Refs, base)
	})
}
