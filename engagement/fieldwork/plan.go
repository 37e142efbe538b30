package fieldwork

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/sample"
)

var planTakers = map[string]taker{
	"plan.set": setPlan, "plan.reliance": setReliance, "plan.sizes": setSizes, "controls.take": takeControls,
}

// A PlanText is what people write of a plan, as a whole.
type PlanText struct {
	Risks       []PlannedRisk `json:"risks"`
	Materiality string        `json:"materiality"`
	Internal    string        `json:"internal"`
	Specialists string        `json:"specialists"`
}

func (d PlanText) check() error {
	err := allOf(text("materiality", d.Materiality, 0, maxText), text("use of internal audit", d.Internal, 0, maxText), text("use of specialists", d.Specialists, 0, maxText), within("risks", len(d.Risks), 0, 200))
	for _, r := range d.Risks {
		err = first(err, text("risk", r.Text, 1, 5000), lines("tests of a risk", r.Tests, 200))
	}
	return err
}

// SetPlan keeps risks, materiality and the use of other people's work. Base is
// Plan.Revision. It needs plan.write.
func (b *Book) SetPlan(ctx context.Context, by access.Subject, id string, p PlanText, base int64) error {
	if err := access.Require(by, "plan.write", in(id)); err != nil {
		return err
	}
	p.Risks = book.List(p.Risks)
	for i := range p.Risks {
		p.Risks[i].Tests = book.List(p.Risks[i].Tests)
	}
	_, err := b.book.Write(ctx, by, "plan.set", on("plan", id), base, p)
	return err
}

func setPlan(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[PlanText](e)
	f, _, ferr := s.on(e, "plan")
	if err = first(err, ferr); err == nil {
		err = first(d.check(), f.MayWork(e), f.knowsTests(d.Risks))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: fmt.Sprintf("planned: %d risks", len(d.Risks)), Do: func() {
		f.Plan.Risks, f.Plan.Materiality, f.Plan.Internal, f.Plan.Specialists = d.Risks, d.Materiality, d.Internal, d.Specialists
		f.Plan.Revision = s.Revision(e.On) + 1
	}}, nil
}

func (f *File) knowsTests(risks []PlannedRisk) error {
	for _, r := range risks {
		for _, t := range r.Tests {
			if f.Tests[t] == nil {
				return fmt.Errorf("%w: test %s of a risk is not planned", audit.ErrNotFound, t)
			}
		}
	}
	return nil
}

type relianceData struct {
	Mode engagement.Reliance `json:"mode"`
	Why  string              `json:"why"`
}

// Reliances are the modes of reliance.
var Reliances = []engagement.Reliance{engagement.ItemsAtSource, engagement.ToolOutput, engagement.WholeLogic}

// SetReliance fixes how much rests on what about a control's evidence, and why.
// It cannot change once a sample is drawn for the control. Base is State.Revision
// of "reliance:EN-1/CONTROL". It needs plan.write.
func (b *Book) SetReliance(ctx context.Context, by access.Subject, id, control string, mode engagement.Reliance, why string, base int64) error {
	if err := access.Require(by, "plan.write", in(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "plan.reliance", on("reliance", id, control), base, relianceData{mode, why})
	return err
}

func setReliance(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[relianceData](e)
	f, control, ferr := s.on(e, "reliance")
	if err = first(err, ferr); err == nil {
		err = first(ident("control", control), book.OneOf("mode", d.Mode, Reliances...), text("why", d.Why, 1, 5000), f.MayWork(e))
	}
	if err != nil {
		return book.Change{}, err
	}
	for _, x := range book.Sorted(f.Samples) {
		if x.Control == control {
			return book.Change{}, tooEarly("sample %s is drawn for %s: how much rests on what was fixed before, and stays", x.ID, control)
		}
	}
	return book.Change{What: "reliance is fixed: " + string(d.Mode), Do: func() { f.Plan.Reliance[control] = d.Mode }}, nil
}

type sizesData struct {
	Name  string `json:"name"` // of the file
	Table string `json:"table"`
}

// maxTable is how long a table of sample sizes can be, in bytes.
const maxTable = 64 << 10

// SetSizes puts a table of sample sizes in force for an engagement: YAML as
// sample.ReadSizes reads it, from the file called name. Samples drawn before keep
// the table they were drawn by. It needs plan.write.
func (b *Book) SetSizes(ctx context.Context, by access.Subject, id, name string, table []byte, base int64) error {
	if err := access.Require(by, "plan.write", in(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "plan.sizes", on("sizes", id), base, sizesData{name, string(table)})
	return err
}

func setSizes(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[sizesData](e)
	f, _, ferr := s.on(e, "sizes")
	if err = first(err, ferr); err == nil {
		err = first(line("name", d.Name, 1), within("table", len(d.Table), 1, maxTable), f.MayWork(e))
	}
	if err != nil {
		return book.Change{}, err
	}
	table, err := sample.ReadSizes(d.Name, []byte(d.Table))
	if err == nil {
		err = line("name of the table", table.Name, 1)
	}
	if err != nil {
		return book.Change{}, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	version := f.Plan.Tables + 1
	name := fmt.Sprintf("%s, version %d (SHA-256 %x)", table.Name, version, sha256.Sum256([]byte(d.Table)))
	if table.Example {
		name += ", an example that no firm has adopted"
	}
	return book.Change{What: "table of sample sizes: " + name, Do: func() {
		f.Plan.Sizes, f.Plan.Example, f.Plan.Table, f.Plan.Tables = name, table.Example, []byte(d.Table), version
	}}, nil
}

// A controlsPart is a part of a control set: one entry cannot hold a large one.
type controlsPart struct {
	Set    engagement.ControlSet `json:"set"`
	Part   int                   `json:"part"` // from 1
	Parts  int                   `json:"parts"`
	Packet int64                 `json:"packet"`
}

// perPart are how many controls, and tests, one entry holds.
const perPart = 100

// TakeControls keeps the client's controls as a packet brought them. It takes
// the place of what came before, as a whole: nothing is planned by it.
func (b *Book) TakeControls(ctx context.Context, by access.Subject, id string, set engagement.ControlSet, packet int64) error {
	parts := controlParts(set, packet)
	for _, p := range parts {
		if err := b.take(ctx, by, "controls.take", on("controls", id), id, p); err != nil {
			return fmt.Errorf("controls, part %d of %d: %w", p.Part, p.Parts, err)
		}
	}
	return nil
}

func controlParts(set engagement.ControlSet, packet int64) []controlsPart {
	n := max(1, (len(set.Controls)+perPart-1)/perPart, (len(set.Tests)+perPart-1)/perPart, (len(set.Commitments)+perPart-1)/perPart)
	out := make([]controlsPart, n)
	for i := range out {
		out[i] = controlsPart{engagement.ControlSet{Definitions: set.Definitions, Controls: chunk(set.Controls, i), Tests: chunk(set.Tests, i), Commitments: chunk(set.Commitments, i)}, i + 1, n, packet}
	}
	return out
}

// chunk is the i-th part of a list, never nil.
func chunk[T any](l []T, i int) []T {
	from, to := min(i*perPart, len(l)), min((i+1)*perPart, len(l))
	return slices.Clone(append([]T{}, l[from:to]...))
}

func takeControls(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[controlsPart](e)
	f, _, ferr := s.on(e, "controls")
	if err = first(err, ferr); err == nil {
		err = first(f.open(), packetRecord(d.Packet), within("parts", d.Parts, 1, 100), within("part", d.Part, 1, d.Parts), line("definitions", d.Set.Definitions, 0))
	}
	if err != nil {
		return book.Change{}, err
	}
	for _, c := range d.Set.Controls {
		if err := first(ident("control", c.ID), line("title of "+c.ID, c.Title, 1), text("text of "+c.ID, c.Description, 0, maxText)); err != nil {
			return book.Change{}, err
		}
	}
	if d.Part > 1 && (f.coming == nil || f.coming.packet != d.Packet || f.coming.parts != d.Part-1) {
		return book.Change{}, tooEarly("part %d of the controls comes before part %d", d.Part, d.Part-1)
	}
	return book.Change{What: fmt.Sprintf("controls, part %d of %d", d.Part, d.Parts), Do: func() { f.addControls(d) }}, nil
}

// A comingSet is a control set whose last part is not here yet.
type comingSet struct {
	set    engagement.ControlSet
	packet int64
	parts  int
}

func (f *File) addControls(d controlsPart) {
	if d.Part == 1 {
		f.coming = &comingSet{set: engagement.ControlSet{Definitions: d.Set.Definitions}, packet: d.Packet}
	}
	c := f.coming
	c.parts = d.Part
	c.set.Controls = append(c.set.Controls, d.Set.Controls...)
	c.set.Tests = append(c.set.Tests, d.Set.Tests...)
	c.set.Commitments = append(c.set.Commitments, d.Set.Commitments...)
	if d.Part == d.Parts {
		f.Controls, f.coming = &c.set, nil
	}
}
