package fieldwork

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

var findingTakers = map[string]taker{
	"finding.set": setFinding, "finding.release": releaseFinding, "finding.response": takeResponse,
	"finding.dispose": disposeFinding, "finding.confirm": confirmFinding,
}

// A FindingDraft is what a tester writes of an exception. Which items it names,
// and of how many, follows from its cells.
type FindingDraft struct {
	Test         string        `json:"test"`
	Cells        []FindingCell `json:"cells"` // marked Exception
	Known        []string      `json:"known"` // deviations outside the sample, by reference
	Nature       string        `json:"nature"`
	Text         string        `json:"text"` // as Section IV prints it
	Cause        string        `json:"cause"`
	Extent       string        `json:"extent"`
	Compensating []string      `json:"compensating"` // tests of other controls, in this engagement
	Evaluation   string        `json:"evaluation"`   // private
}

// A FindingCell is a cell of the grid.
type FindingCell struct {
	Item      string `json:"item"`
	Attribute string `json:"attribute"`
}

func (d FindingDraft) check() error {
	return allOf(ident("test", d.Test), within("cells", len(d.Cells), 0, maxCells), within("known", len(d.Known), 0, maxCells), lines("compensating", d.Compensating, 50),
		when(len(d.Cells)+len(d.Known) == 0, "cells, known: an exception names cells of the grid or deviations outside the sample"),
		text("nature", d.Nature, 1, 2000), text("text", d.Text, 1, maxText), text("cause", d.Cause, 0, maxText), text("extent", d.Extent, 0, maxText),
		text("evaluation", d.Evaluation, 0, maxText))
}

// SetFinding writes an exception, a new one where finding is "", and returns its
// ID. A change of what the client knows has to be released again. It needs
// test.mark. base is State.Revision of "finding:EN-1/X-2".
func (b *Book) SetFinding(ctx context.Context, by access.Subject, id, finding string, d FindingDraft, base int64) (string, error) {
	if err := access.Require(by, "test.mark", in(id)); err != nil {
		return "", err
	}
	d.Cells, d.Known, d.Compensating = book.List(d.Cells), book.List(d.Known), book.List(d.Compensating)
	write := func(n string) error {
		_, err := b.book.Write(ctx, by, "finding.set", on("finding", id, n), base, d)
		return err
	}
	if finding != "" {
		return finding, write(finding)
	}
	return b.numbered(ctx, by, "finding", id, "X", write)
}

func setFinding(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[FindingDraft](e)
	f, id, ferr := s.on(e, "finding")
	if err = first(err, ferr, byPerson(e), ident("finding", id)); err == nil {
		err = first(d.check(), f.MayWork(e))
	}
	if err != nil {
		return book.Change{}, err
	}
	t, was := f.Tests[d.Test], f.Findings[id]
	if t == nil {
		return book.Change{}, fmt.Errorf("%w: test %s", audit.ErrNotFound, d.Test)
	}
	if was != nil && (was.Test != d.Test || was.Disposed.Settled()) {
		return book.Change{}, tooEarly("exception %s is of test %s and cannot become another's, nor change once it is disposed of", id, was.Test)
	}
	if err := first(f.backed(d, t), f.compensates(d, t)); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "exception: " + d.Nature, Do: func() { f.keepFinding(id, d, t, e) }}, nil
}

// backed refuses cells that are not marked Exception, and deviations nobody listed.
func (f *File) backed(d FindingDraft, t *Test) error {
	excepted := map[Cell]bool{}
	for _, c := range f.Papers[t.ID].Excepted(t) {
		excepted[c] = true
	}
	for _, x := range d.Cells {
		if c := Cell(x); !excepted[c] {
			return tooEarly("item %q, attribute %s, is not marked %q in the workpaper of %s", c.Item, c.Attribute, engagement.Exception, t.ID)
		}
	}
	for _, ref := range d.Known {
		if f.knownAs(t.ID, ref) == nil {
			return fmt.Errorf("%w: no deviation %q is listed outside the sample of %s", audit.ErrNotFound, ref, t.ID)
		}
	}
	return nil
}

// compensates refuses a compensating control without a test of its own in this
// engagement, or one that was not tested over the same time.
func (f *File) compensates(d FindingDraft, t *Test) error {
	for _, id := range d.Compensating {
		other := f.Tests[id]
		switch {
		case other == nil || other.Dropped != "":
			return tooEarly("compensating: %s is no test of this engagement: a control that is not tested here compensates for nothing", id)
		case other.Control == t.Control:
			return tooEarly("compensating: %s is a test of the same control", id)
		case other.Phase != engagement.Operation && f.Terms.Type.OverPeriod():
			return tooEarly("compensating: %s is no test of operation", id)
		case !covers(f.tested(other), f.tested(t)):
			return tooEarly("compensating: %s was not tested over the time of %s", id, t.ID)
		}
	}
	return nil
}

// tested is the time a test speaks of: its populations' windows, or the time the
// control's version was in force, within the period.
func (f *File) tested(t *Test) (out audit.Span) {
	out = f.versionSpan(t)
	p := f.Papers[t.ID]
	if p == nil {
		return out
	}
	for i, pop := range f.populationsOf(p) {
		switch {
		case i == 0:
			out = pop.Window
		case pop.Window.From.Before(out.From):
			out.From = pop.Window.From
		}
		if pop.Window.To.After(out.To) {
			out.To = pop.Window.To
		}
	}
	return out
}

func covers(a, b audit.Span) bool { return !a.From.After(b.From) && !a.To.Before(b.To) }

// keepFinding writes the exception; what the client would see anew is released
// again.
func (f *File) keepFinding(id string, d FindingDraft, t *Test, e book.Entry) {
	x := f.Findings[id]
	if x == nil {
		x = &Finding{}
		f.Findings[id] = x
	}
	for _, ref := range x.Finding.Known {
		if k := f.knownAs(t.ID, ref); k != nil && k.Disposed != nil && k.Disposed.Finding == id {
			k.Disposed = nil
		}
	}
	known := []string{}
	for _, ref := range d.Known {
		k := f.knownAs(t.ID, ref)
		k.Disposed = &Disposition{As: InFinding, Finding: id, Why: d.Nature, By: e.By.Name, At: e.At}
		if !slices.Contains(known, k.Ref) {
			known = append(known, k.Ref)
		}
	}
	facts := engagement.Finding{ID: id, Control: t.Control, Test: t.ID, Nature: d.Nature, Text: d.Text, Known: known, Items: []string{}}
	x.Cells = nil
	for _, c := range d.Cells {
		x.Cells = append(x.Cells, Cell(c))
		if c.Item != "" && !slices.Contains(facts.Items, c.Item) {
			facts.Items = append(facts.Items, c.Item)
		}
	}
	if p := f.Papers[t.ID]; p != nil {
		facts.Of = p.ItemsTested(t)
	}
	if digestOf(x.Finding) != digestOf(facts) {
		x.Released, x.Steps = time.Time{}, append(x.Steps, Step{e.At, e.By.Name, "written"})
	}
	if !slices.Contains(x.Writers, e.By.Name) {
		x.Writers = append(x.Writers, e.By.Name)
	}
	x.Finding, x.Cause, x.Extent, x.Compensating, x.Evaluation, x.Criteria, x.By, x.Revision =
		facts, d.Cause, d.Extent, d.Compensating, d.Evaluation, slices.Concat(t.Criteria, t.Extra), e.By.Name, e.Base+1
}

// ItemsTested is how many sampled items have a result that says something of the
// control: neither Not applicable in every attribute nor Unable to test in one
// and nothing else. It is what a rate is of.
func (p *Paper) ItemsTested(t *Test) (n int) {
	said := map[string]bool{}
	for _, c := range p.cells(t) {
		if m := p.Cells[c]; c.Item != "" && m != nil && (m.Mark == engagement.NoException || m.Mark == engagement.Exception) {
			said[c.Item] = true
		}
	}
	return len(said)
}

// ReleaseFinding releases an exception to the client and returns what to send:
// its facts alone. It needs exception.release.
func (b *Book) ReleaseFinding(ctx context.Context, by access.Subject, id, finding string, base int64) (out engagement.Finding, err error) {
	if err := b.act(ctx, by, "exception.release", "finding.release", on("finding", id, finding), base, struct{}{}); err != nil {
		return out, err
	}
	err = b.ReadFile(ctx, id, func(_ *State, f *File) error {
		out = f.Findings[finding].Finding
		out.Items, out.Known = slices.Clone(out.Items), slices.Clone(out.Known)
		return nil
	})
	return out, err
}

// withdrawnWords say to the client why an exception it knows is none. What the
// auditor wrote of it stays with the firm.
var withdrawnWords = map[string]string{WrongTest: "The test or its attribute was wrong, the item is not.", WrongPopulation: "The item does not belong to the population."}

// ToClient is an exception as the client is to know it now; ok is false while it
// knows nothing of it, or nothing new. One that was released and turned out to be
// none is withdrawn.
func (x *Finding) ToClient() (out engagement.Finding, ok bool) {
	switch {
	case x.Given.ID == "":
		return out, false
	case !x.Stands():
		out = x.Given
		out.Withdrawn, out.Why = true, withdrawnWords[x.Disposed.As]
		return out, true
	}
	return x.Given, !x.Released.IsZero()
}

// findingOf is the exception an entry is on.
func (s *State) findingOf(e book.Entry) (*File, *Finding, error) {
	f, id, err := s.on(e, "finding")
	if err != nil {
		return nil, nil, err
	}
	if f.Findings[id] == nil {
		return f, nil, fmt.Errorf("%w: exception %s", audit.ErrNotFound, id)
	}
	return f, f.Findings[id], nil
}

func releaseFinding(s *State, e book.Entry) (book.Change, error) {
	_, err := book.Data[struct{}](e)
	f, x, xerr := s.findingOf(e)
	if err = first(err, xerr, byPerson(e)); err != nil {
		return book.Change{}, err
	}
	g := &ground{s: s, f: f, e: e, test: f.Tests[x.Test], paper: f.Papers[x.Test], finding: x}
	if err := first(f.MayWork(e), g.hold("finding.release")); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "released to the client", Do: func() {
		x.Released, x.Given, x.Revision = e.At, x.Finding, e.Base+1
		x.Steps = append(x.Steps, Step{e.At, e.By.Name, "released to the client"})
	}}, nil
}

type responseData struct {
	Response engagement.Response `json:"response"`
	Packet   int64               `json:"packet"`
}

// TakeResponses keeps management's responses to released exceptions, as a packet
// brought them. A missing response only warns.
func (b *Book) TakeResponses(ctx context.Context, by access.Subject, id string, responses []engagement.Response, packet int64) error {
	for _, r := range responses {
		if err := ident("finding", r.Finding); err != nil {
			return err
		}
		if err := b.take(ctx, by, "finding.response", on("finding", id, r.Finding), id, responseData{r, packet}); err != nil {
			return err
		}
	}
	return nil
}

func takeResponse(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[responseData](e)
	f, x, xerr := s.findingOf(e)
	r := d.Response
	if err = first(err, xerr, packetRecord(d.Packet)); err == nil {
		err = first(f.open(), text("cause", r.Cause, 0, maxText), text("effect", r.Effect, 0, maxText), text("done", r.Done, 0, maxText),
			text("status", r.Status, 0, 1000), text("owner", r.Owner, 0, 300), when(r.Finding != x.ID, "finding: the response is to another exception"))
	}
	if err != nil {
		return book.Change{}, err
	}
	if !slices.ContainsFunc(x.Steps, func(s Step) bool { return s.What == "released to the client" }) {
		return book.Change{}, tooEarly("exception %s was never released, so nobody can respond to it", x.ID)
	}
	return book.Change{What: "management responds", Do: func() {
		x.Response, x.Steps = &r, append(x.Steps, Step{e.At, f.Terms.Client.Name, "management responds"})
	}}, nil
}

type disposeFindingData struct {
	As  string `json:"as"`
	Why string `json:"why"`
}

// DisposeFinding says that the test or the population was wrong, not the item. It
// counts once a second person confirms it. It needs test.mark.
func (b *Book) DisposeFinding(ctx context.Context, by access.Subject, id, finding, as, why string, base int64) error {
	return b.act(ctx, by, "test.mark", "finding.dispose", on("finding", id, finding), base, disposeFindingData{as, why})
}

func disposeFinding(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[disposeFindingData](e)
	f, x, xerr := s.findingOf(e)
	if err = first(err, xerr, byPerson(e)); err == nil {
		err = first(book.OneOf("as", d.As, WrongTest, WrongPopulation), text("why", d.Why, 1, maxText), f.MayWork(e))
	}
	if err != nil {
		return book.Change{}, err
	}
	if x.Disposed.Settled() {
		return book.Change{}, tooEarly("exception %s is disposed of: %s", x.ID, x.Disposed.As)
	}
	return book.Change{What: "said to be a " + d.As + ": " + d.Why, Do: func() {
		x.Disposed, x.Revision = &Disposition{As: d.As, Why: d.Why, By: e.By.Name, At: e.At}, e.Base+1
	}}, nil
}

// ConfirmFinding confirms what somebody else said of an exception. It needs
// workpaper.review, on what the other prepared.
func (b *Book) ConfirmFinding(ctx context.Context, by access.Subject, id, finding string, base int64) error {
	err := b.second(ctx, by, "workpaper.review", id, func(f *File) []string { return f.Findings[finding].disposers() })
	if err != nil {
		return err
	}
	_, err = b.book.Write(ctx, by, "finding.confirm", on("finding", id, finding), base, struct{}{})
	return err
}

// disposers is who said what became of an exception.
func (x *Finding) disposers() []string {
	if x == nil || x.Disposed == nil {
		return nil
	}
	return []string{x.Disposed.By}
}

func confirmFinding(s *State, e book.Entry) (book.Change, error) {
	_, err := book.Data[struct{}](e)
	f, x, xerr := s.findingOf(e)
	if err = first(err, xerr, byPerson(e)); err == nil {
		err = first(f.MayWork(e), x.Disposed.confirmable(e.By.Name))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "confirmed: " + x.Disposed.As, Do: func() {
		x.Disposed.confirm(e)
		x.Revision = e.Base + 1
	}}, nil
}
