package fieldwork

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

var conclusionTakers = map[string]taker{
	"conclusion.control": conclude, "conclusion.criterion": conclude, "conclusion.objective": conclude, "conclusion.dc": conclude,
}

// What is concluded of a control's design.
const (
	Suitable       = "suitably designed"
	NotSuitable    = "not suitably designed"
	DesignUnproved = "unable to conclude"
)

// DesignWords are all of them.
var DesignWords = []string{Suitable, NotSuitable, DesignUnproved}

// Concluding is what an auditor concludes, in their own words. Nothing of it has
// a value nobody chose.
type Concluding struct {
	Outcome     engagement.Outcome
	Design      string // of a control: one of DesignWords
	Implemented bool   // of a control as of a date
	Text        string
	Prior       []string // of a control: what was seen of each of its exceptions in the report before, in the order of the terms
}

type concludeData struct {
	Outcome     engagement.Outcome `json:"outcome"`
	Design      string             `json:"design"`
	Implemented bool               `json:"implemented"`
	Text        string             `json:"text"`
	Prior       []string           `json:"prior"`
}

var outcomes = []engagement.Outcome{engagement.NoExceptions, engagement.WithExceptions, engagement.DidNotOccur, engagement.DesignOnly, engagement.UnableToConclude}

// OutcomesOf are what can be concluded on a kind of thing: OnControl,
// OnCriterion, OnObjective or OnDC.
func OutcomesOf(kind string) []engagement.Outcome {
	switch kind {
	case OnControl:
		return slices.Clone(outcomes)
	case OnDC:
		return []engagement.Outcome{engagement.NoExceptions, engagement.WithExceptions, engagement.UnableToConclude, engagement.NotRelevant}
	}
	return append(slices.Clone(outcomes), engagement.NotRelevant)
}

func (d concludeData) check(kind string) error {
	allowed := OutcomesOf(kind)
	design := when(d.Design != "" || d.Implemented || len(d.Prior) > 0, "design, implemented, prior: only a control's conclusion says them")
	if kind == OnControl {
		design = book.OneOf("design", d.Design, DesignWords...)
	}
	err := allOf(book.OneOf("outcome", d.Outcome, allowed...), design, text("text", d.Text, 1, maxText), within("prior", len(d.Prior), 0, 100), final("text", d.Text))
	for _, p := range d.Prior {
		err = first(err, text("prior", p, 1, 5000))
	}
	return err
}

// Conclude writes the auditor's conclusion on "control:IAM-06", "criterion:CC6.1",
// "objective:1" or "dc:DC 4". base is the revision of the conclusion as it was
// seen, 0 for the first. It needs conclusion.write, and a session of the last
// minutes.
func (b *Book) Conclude(ctx context.Context, by access.Subject, id, what string, c Concluding, base int64) error {
	kind, _, _ := strings.Cut(what, ":")
	return b.act(ctx, by, "conclusion.write", "conclusion."+kind, on("conclusion", id, what), base, concludeData{c.Outcome, c.Design, c.Implemented, c.Text, book.List(c.Prior)})
}

func conclude(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[concludeData](e)
	f, what, ferr := s.on(e, "conclusion")
	if err = first(err, ferr, byPerson(e)); err != nil {
		return book.Change{}, err
	}
	kind, of, _ := strings.Cut(what, ":")
	if e.Kind != "conclusion."+kind || !slices.Contains(f.ToConclude(), what) {
		return book.Change{}, fmt.Errorf("%w: %q is nothing this examination concludes on", audit.ErrInvalid, what)
	}
	g := &ground{s: s, f: f, e: e, on: what, concludes: d}
	if err := first(d.check(kind), f.MayWork(e), g.hold(e.Kind)); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "concluded: " + string(d.Outcome), Do: func() {
		f.Concluded[what] = &Conclusion{On: what, Outcome: d.Outcome, Design: d.Design, Implemented: d.Implemented, Text: d.Text, Prior: d.Prior,
			Findings: f.findingsOf(kind, of), Rests: f.rests(what), By: e.By.Name, At: e.At, Record: e.Record, Revision: s.Revision(e.On) + 1}
	}}, nil
}

// findingsOf are the standing exceptions of a control, or of a criterion's
// controls, by ID.
func (f *File) findingsOf(kind, of string) (out []string) {
	controls := []string{of}
	if kind == OnCriterion || kind == OnObjective {
		controls = f.controlsOf(of)
	}
	for _, x := range book.Sorted(f.Findings) {
		isDC := kind == OnDC && slices.ContainsFunc(f.testsOfDC(of), func(t *Test) bool { return t.ID == x.Test })
		if x.Stands() && (isDC || kind != OnDC && slices.Contains(controls, x.Control)) {
			out = append(out, x.ID)
		}
	}
	return out
}

// rests is what a conclusion on something would rest on, as it is now. Two that
// are equal rest on the same.
func (f *File) rests(what string) map[string]string {
	kind, of, _ := strings.Cut(what, ":")
	out := map[string]string{"period": digestOf([]string{f.Terms.First, f.Terms.Last, f.Terms.AsOf, f.Terms.Zone})}
	switch kind {
	case OnControl:
		f.restsOnTests(out, f.testsOf(of))
		f.restsOnControl(out, of)
	case OnDC:
		f.restsOnTests(out, f.testsOfDC(of))
		if f.Description != nil {
			out["description"] = digestOf(f.Description)
		}
	default:
		for _, c := range f.controlsOf(of) {
			out["control:"+c] = "none"
			if have := f.Concluded["control:"+c]; have != nil {
				out["control:"+c] = strconv.FormatInt(have.Record, 10)
			}
		}
	}
	return out
}

// restsOnControl adds what a control's tests have to reach: the versions that were
// in force, and every accepted population, drawn from or not.
func (f *File) restsOnControl(out map[string]string, control string) {
	var versions []string
	for _, v := range f.Versions(control) {
		versions = append(versions, v.From, audit.FormatTime(v.Span.From), audit.FormatTime(v.Span.To))
	}
	out["versions of "+control] = digestOf(versions)
	for _, p := range f.Populations {
		if p.Accepted && p.Superseded == "" && slices.Contains(p.Controls, control) {
			out["population:"+p.ID] = p.Digest
		}
	}
}

func (f *File) restsOnTests(out map[string]string, tests []*Test) {
	for _, t := range tests {
		out["test:"+t.ID] = "open"
		if p := f.Papers[t.ID]; p != nil && p.Reviewed != nil && p.Reviewed.Digest == f.PaperDigest(t.ID) {
			out["test:"+t.ID] = p.Reviewed.Digest
		}
		if known := f.Known[t.ID]; len(known) > 0 {
			out["known:"+t.ID] = knownState(known)
		}
	}
	for _, x := range book.Sorted(f.Findings) {
		if out["test:"+x.Test] != "" {
			out["finding:"+x.ID] = x.state()
		}
	}
}

func knownState(known map[string]*Known) string {
	var lines []string
	for _, ref := range slices.Sorted(maps.Keys(known)) {
		k := known[ref]
		lines = append(lines, ref, k.Outcome, k.Digest, strconv.FormatBool(k.Disposed.Settled()))
	}
	return digestOf(lines)
}

// state is an exception as a conclusion rests on it: its facts and what the
// auditor makes of them, not whether the client knows or what it answered.
func (x *Finding) state() string {
	return digestOf(map[string]any{"facts": x.Finding, "cause": x.Cause, "extent": x.Extent, "evaluation": x.Evaluation, "compensating": book.List(x.Compensating), "stands": x.Stands()})
}

// Stale says why a conclusion rests on something older than what is there, "" if
// it does not. It has to be renewed then.
func (f *File) Stale(what string) string {
	c := f.Concluded[what]
	if c == nil {
		return ""
	}
	now := f.rests(what)
	var changed []string
	for _, k := range slices.Sorted(maps.Keys(now)) {
		if c.Rests[k] != now[k] {
			changed = append(changed, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(c.Rests)) {
		if _, still := now[k]; !still {
			changed = append(changed, k)
		}
	}
	if len(changed) > 0 {
		return "it rests on an older version of " + some(changed)
	}
	return ""
}

// notCurrent is what has no conclusion, or one that has to be renewed.
func (f *File) notCurrent(names []string) (out []string) {
	for _, what := range names {
		if f.Concluded[what] == nil || f.Stale(what) != "" {
			out = append(out, what)
		}
	}
	return out
}
