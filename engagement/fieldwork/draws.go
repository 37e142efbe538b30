package fieldwork

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/redraw"
	"tieout/sample"
)

var sampleTakers = map[string]taker{
	"nonce.commit": commitNonce, "sample.draw": drawSample, "sample.extend": extendSample, "sample.replace": replaceItem, "sample.release": releaseSample,
}

// MaxListed is how many items a sample lists. Of 100 percent of a larger
// population it lists none: they are the population's own.
const MaxListed = 5000

// An Order is what a draw is asked for.
type Order struct {
	Population string
	Control    string
	Method     engagement.Method
	Risk       sample.Risk       // row of the firm's table, where Size is 0
	Frequency  string            // of the table's frequencies; "": by the size of the population
	Size       int               // 0: by the firm's table
	Basis      string            // of a Size that is not by the table
	Why        string            // of a systematic draw: why the order of ids does not repeat itself; of a judgmental one: what for
	Picked     map[string]string // judgmental: the reason by item
	Stages     []Stage           // planned extension: totals from the start; the first is the size
}

type drawData struct {
	Sample    engagement.Sample `json:"sample"`
	Digest    string            `json:"digest"`
	Risk      string            `json:"risk,omitempty"`
	Frequency string            `json:"frequency,omitempty"`
	Reasons   map[string]string `json:"reasons,omitempty"`
	Stages    []Stage           `json:"stages,omitempty"`
	Spread    []redraw.Quarter  `json:"spread"`
}

// DrawSample draws from a frozen and accepted population and returns the sample,
// which the client does not know yet. Refused are: a population that is not
// accepted or was superseded, a control whose reliance is not fixed, a nonce that
// the client could not know to be chosen before it froze, a second draw from one
// freeze, a size without a basis. It needs sample.draw. Memory does not grow with
// the population, but of a systematic draw.
func (b *Book) DrawSample(ctx context.Context, by access.Subject, id string, o Order) (Sample, error) {
	if err := access.Require(by, "sample.draw", in(id)); err != nil {
		return Sample{}, err
	}
	drawn, known, err := sentBefore(ctx, b, by, "sample.draw", "sample:"+id+"/", func(d drawData) bool { return d.ordered(o) })
	if err != nil {
		return Sample{}, err
	}
	if known {
		return b.Sample(ctx, id, drawn)
	}
	var d drawData
	var p Population
	err = b.ReadFile(ctx, id, func(_ *State, f *File) (err error) { d, p, err = f.order(o); return err })
	if err != nil {
		return Sample{}, err
	}
	if err := b.pick(ctx, &d, p); err != nil {
		return Sample{}, fmt.Errorf("population %s: %w", p.ID, err)
	}
	name, err := b.book.Numbered(ctx, by, "sample", id+"/S", func(name string) error {
		d.Sample.ID = name[len(id)+1:]
		_, err := b.book.Write(ctx, by, "sample.draw", "sample:"+name, 0, d)
		return err
	})
	if err != nil {
		return Sample{}, err
	}
	return b.Sample(ctx, id, name[len(id)+1:])
}

// order makes a draw's beginning out of what is asked for: sizes, strata and
// seeds, and nothing picked.
func (f *File) order(o Order) (drawData, Population, error) {
	p := f.Populations[o.Population]
	if p == nil {
		return drawData{}, Population{}, fmt.Errorf("%w: population %s of %s", audit.ErrNotFound, o.Population, f.Terms.ID)
	}
	d := drawData{Digest: p.Digest, Reasons: o.Picked, Stages: o.Stages,
		Sample: engagement.Sample{Population: p.ID, Control: o.Control, Round: p.Round, Method: o.Method, Basis: o.Basis, Why: o.Why, Draws: []engagement.Draw{}}}
	if err := first(f.drawable(p, o.Control), book.OneOf("method", o.Method, Methods...)); err != nil {
		return d, *p, err
	}
	switch o.Method {
	case engagement.EveryItem:
		if d.Sample.Basis == "" {
			d.Sample.Basis = fmt.Sprintf("all %d items", p.Count)
		}
		return d, *p, nil
	case engagement.Judgmental:
		d.Sample.Items = slices.Sorted(maps.Keys(o.Picked))
		if d.Sample.Basis == "" {
			d.Sample.Basis = "picked by judgment; not to be projected"
		}
		return d, *p, nil
	}
	size, err := f.size(o, p, &d)
	if err != nil {
		return d, *p, err
	}
	err = f.seeds(&d, p, size)
	return d, *p, err
}

// size is how many items are drawn, by the table in force or by a stated basis.
func (f *File) size(o Order, p *Population, d *drawData) (int, error) {
	if o.Size > 0 {
		return o.Size, within("size", o.Size, 1, p.Count)
	}
	n, err := f.byTable(o.Risk, o.Frequency, p.Count)
	if err != nil {
		return 0, err
	}
	d.Risk, d.Frequency = string(o.Risk), o.Frequency
	row := fmt.Sprintf("%s risk, population of %d", o.Risk, p.Count)
	if o.Frequency != "" {
		row = fmt.Sprintf("%s risk, %s, %d occurrences", o.Risk, o.Frequency, p.Count)
	}
	d.Sample.Basis = f.Plan.Sizes + ": " + row
	return n, nil
}

func (f *File) byTable(risk sample.Risk, frequency string, count int) (int, error) {
	if f.Plan.Table == nil {
		return 0, tooEarly("no table of sample sizes is in force for %s: load the firm's, or give a size with its basis", f.Terms.ID)
	}
	table, err := sample.ReadSizes("sizes", f.Plan.Table)
	n := 0
	switch {
	case err != nil:
	case frequency != "":
		n, err = table.ForFrequency(frequency, count, risk)
	default:
		n, err = table.ForPopulation(count, risk)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	return n, nil
}

// seeds opens the commitments of a draw: one a stratum.
func (f *File) seeds(d *drawData, p *Population, size int) error {
	strata, sizes, counts := []string{redraw.Whole(p.Population)}, []int{size}, []int{p.Count}
	if d.Sample.Method == engagement.Stratified {
		if len(p.Strata) == 0 {
			return fmt.Errorf("%w: population %s has no strata", audit.ErrInvalid, p.ID)
		}
		strata, counts = slices.Sorted(maps.Keys(p.Strata)), nil
		in := 0
		for _, s := range strata {
			counts = append(counts, p.Strata[s])
			in += p.Strata[s]
		}
		if in != p.Count {
			return fmt.Errorf("%w: %d of %d items of population %s are in no stratum", audit.ErrInvalid, p.Count-in, p.Count, p.ID)
		}
		var err error
		if sizes, err = sample.Allocate(counts, size, true); err != nil {
			return fmt.Errorf("%w: %w", audit.ErrInvalid, err)
		}
	}
	for i, stratum := range strata {
		c, err := f.committed(p, d.Sample.Control, stratum)
		if err != nil {
			return err
		}
		seed, err := redraw.Seed(f.Terms.ID, p.Population, d.Sample.Control, stratum, c.Nonce)
		if err != nil {
			return err
		}
		d.Sample.Draws = append(d.Sample.Draws, engagement.Draw{Stratum: stratum, Count: counts[i], Size: sizes[i], Commitment: c.Record, Nonce: c.Nonce, Seed: hex.EncodeToString(seed[:])})
	}
	return nil
}

// committed is the commitment a draw opens: made before the freeze, as the
// client's own word on what it had seen shows, and not opened yet.
func (f *File) committed(p *Population, control, stratum string) (*Commitment, error) {
	c := f.Commitments[commitmentKey(control, p.Round, stratum)]
	switch {
	case c == nil:
		return nil, tooEarly("no nonce was committed for %s, round %s%s before population %s was frozen. Commit one for another round and ask for a re-freeze", control, p.Round, ofStratum(stratum), p.ID)
	case c.Size > p.Heard:
		return nil, tooEarly("when the client froze population %s it had seen %d entries of this log, and the nonce of %s is entry %d: nobody could tell it was made before. Send the client this log's checkpoint, commit for another round, and ask for a re-freeze", p.ID, p.Heard, control, c.Record)
	case c.Drawn != "":
		return nil, tooEarly("sample %s was drawn with the nonce of %s, round %s%s: a freeze is drawn from once", c.Drawn, control, p.Round, ofStratum(stratum))
	}
	return c, nil
}

// drawable holds a draw to what comes before it.
func (f *File) drawable(p *Population, control string) error {
	switch {
	case p.Superseded != "":
		return tooEarly("population %s was superseded by %s", p.ID, p.Superseded)
	case !p.Accepted:
		return tooEarly("population %s is frozen but not accepted: no sample is drawn before the auditor has accepted it", p.ID)
	case !slices.Contains(p.Controls, control):
		return fmt.Errorf("%w: population %s is not of %s but of %v", audit.ErrInvalid, p.ID, control, p.Controls)
	case f.Plan.Reliance[control] == "":
		return tooEarly("fix the reliance mode of %s first: it cannot follow from what a draw shows", control)
	case p.Count == 0:
		return tooEarly("population %s has no items: that %s did not occur is a result of its own, and nothing is drawn", p.ID, control)
	}
	return nil
}

// Methods are the ways to pick.
var Methods = []engagement.Method{engagement.Random, engagement.Systematic, engagement.Stratified, engagement.Judgmental, engagement.EveryItem}

// pick reads the items once: it picks, counts the spread, and makes sure that
// they are still those that were frozen.
func (b *Book) pick(ctx context.Context, d *drawData, p Population) error {
	wanted := map[string]bool{}
	for _, id := range d.Sample.Items {
		wanted[id] = true
	}
	sel, err := redraw.Selections(d.Sample)
	if err != nil {
		return err
	}
	every := d.Sample.Method == engagement.EveryItem
	spread := redraw.NewSpread(p.Population)
	var all []string
	picked, err := b.redraw(ctx, p, d.Sample.Method, sel, func(it redraw.ID) {
		spread.Add(it)
		if every || wanted[it.ID] {
			spread.Pick(it)
			delete(wanted, it.ID)
		}
		if every && p.Count <= MaxListed {
			all = append(all, it.ID)
		}
	})
	if err != nil {
		return err
	}
	if len(wanted) > 0 {
		return fmt.Errorf("%w: %q is not in it", audit.ErrInvalid, slices.Sorted(maps.Keys(wanted))[0])
	}
	if every {
		d.Sample.Items = book.List(all)
	}
	fill(&d.Sample, picked, spread)
	d.Spread = spread.Quarters
	return nil
}

// fill puts what was picked into a sample's draws.
func fill(s *engagement.Sample, picked []redraw.Picked, spread *redraw.Spread) {
	if len(s.Draws) > 0 {
		s.Items = []string{}
	}
	for i, got := range picked {
		s.Draws[i].Start, s.Draws[i].Items = got.Start, redraw.IDs(got.Items)
		s.Items = append(s.Items, s.Draws[i].Items...)
		for _, it := range got.Items {
			spread.Pick(it)
		}
	}
}

// redraw picks from a population's items as they lie here. Items that are not
// the frozen ones are audit.ErrAltered.
func (b *Book) redraw(ctx context.Context, p Population, method engagement.Method, sel []redraw.Selection, each func(redraw.ID)) ([]redraw.Picked, error) {
	r, err := b.seal.Blobs.Get(ctx, p.Items)
	if err != nil {
		return nil, err
	}
	total, picked, err := redraw.PickAgain(r, method, sel, each)
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	if err == nil && (total.Digest != p.Digest || total.Count != p.Count) {
		err = fmt.Errorf("%w: its items are not those that were frozen", audit.ErrAltered)
	}
	return picked, err
}

func drawSample(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[drawData](e)
	f, id, ferr := s.on(e, "sample")
	if err = first(err, ferr); err == nil {
		err = first(byPerson(e), f.MayWork(e), d.check(), when(id != d.Sample.ID, "the sample is another"))
	}
	if err != nil {
		return book.Change{}, err
	}
	p := f.Populations[d.Sample.Population]
	if p == nil {
		return book.Change{}, fmt.Errorf("%w: population %s of %s", audit.ErrNotFound, d.Sample.Population, f.Terms.ID)
	}
	if err := first(f.drawable(p, d.Sample.Control), f.holdDraw(d, p)); err != nil {
		return book.Change{}, err
	}
	what := fmt.Sprintf("drawn: %s, %d of %d items of %s, for %s", d.Sample.Method, len(d.Sample.Items), p.Count, p.ID, d.Sample.Control)
	return book.Change{What: what, Do: func() {
		f.Samples[id] = &Sample{Sample: d.Sample, Digest: d.Digest, Risk: d.Risk, Reasons: d.Reasons, Spread: d.Spread, At: e.At, By: e.By.Name, Record: e.Record, Stages: d.Stages, Revision: s.Revision(e.On) + 1}
		for _, x := range d.Sample.Draws {
			f.Commitments[commitmentKey(d.Sample.Control, p.Round, x.Stratum)].Drawn = id
		}
	}}, nil
}

func (d drawData) check() error {
	x := d.Sample
	err := allOf(ident("sample", x.ID), ident("control", x.Control), book.OneOf("method", x.Method, Methods...), text("basis", x.Basis, 1, 2000), text("why", x.Why, 0, 5000), within("items", len(x.Items), 0, MaxListed),
		when(len(x.Replaced) > 0, "nothing is replaced in a draw"), within("stages", len(d.Stages), 0, 5))
	seen := map[string]bool{}
	for _, it := range x.Items {
		err = first(err, itemID("item", it), when(seen[it], it+" is picked twice"))
		seen[it] = true
	}
	switch x.Method {
	case engagement.Systematic:
		err = first(err, when(x.Why == "", "why: every n-th item misses what repeats at that step. Say why the order of the ids does not"))
	case engagement.Judgmental:
		err = first(err, when(x.Why == "" || len(x.Items) == 0, "a judgmental pick names its items and says what for"))
		for _, it := range x.Items {
			err = first(err, text("why "+it+" is picked", d.Reasons[it], 1, 2000))
		}
	}
	return first(err, checkStages(d.Stages, len(x.Items), x.Method))
}

func checkStages(stages []Stage, size int, m engagement.Method) error {
	if len(stages) == 0 {
		return nil
	}
	if m != engagement.Random && m != engagement.Stratified {
		return when(true, "stages: only a random or a stratified sample can be extended so that its earlier picks stay")
	}
	err := when(stages[0].Items != size, fmt.Sprintf("stages: the first has %d items, and %d are drawn", stages[0].Items, size))
	for i, s := range stages {
		err = first(err, when(s.Accepted < 0 || i > 0 && (s.Items <= stages[i-1].Items || s.Accepted < stages[i-1].Accepted), "stages: items and accepted exceptions are totals from the start, and rise"))
	}
	return err
}

// holdDraw holds a draw to its commitments, its seeds and its size.
func (f *File) holdDraw(d drawData, p *Population) error {
	x := d.Sample
	if x.Round != p.Round || d.Digest != p.Digest {
		return tooEarly("population %s is not the one that was drawn from", p.ID)
	}
	if x.Method == engagement.Judgmental || x.Method == engagement.EveryItem {
		return f.unseeded(x, p)
	}
	size := 0
	for _, dr := range x.Draws {
		size += dr.Size
		if err := f.holdSeed(x, dr, p); err != nil {
			return err
		}
	}
	if d.Risk == "" {
		return when(size != len(x.Items), "the draws do not add up to the sample")
	}
	want, err := f.byTable(sample.Risk(d.Risk), d.Frequency, p.Count)
	if err != nil {
		return err
	}
	return when(size != want || size != len(x.Items), fmt.Sprintf("the table in force asks for %d items, and %d are drawn", want, size))
}

// unseeded holds a pick that needs no seed: nothing in it is drawn, and all
// items are taken once.
func (f *File) unseeded(x engagement.Sample, p *Population) error {
	if len(x.Draws) > 0 {
		return when(true, "what is picked by judgment, or whole, has no seed")
	}
	if x.Method == engagement.Judgmental {
		return nil
	}
	for _, o := range book.Sorted(f.Samples) {
		if o.Population == p.ID && o.Control == x.Control && o.Method == engagement.EveryItem {
			return tooEarly("sample %s is all items of %s already", o.ID, p.ID)
		}
	}
	return when(len(x.Items) != p.Count && !(p.Count > MaxListed && len(x.Items) == 0), "100 percent is every item")
}

func (f *File) holdSeed(x engagement.Sample, dr engagement.Draw, p *Population) error {
	c, err := f.committed(p, x.Control, dr.Stratum)
	if err != nil {
		return err
	}
	seed, err := redraw.Seed(f.Terms.ID, p.Population, x.Control, dr.Stratum, c.Nonce)
	if err != nil {
		return err
	}
	return when(dr.Nonce != c.Nonce || dr.Commitment != c.Record || dr.Seed != hex.EncodeToString(seed[:]) || len(dr.Items) != dr.Size, "a draw is not by the nonce that was committed to")
}

// Sample returns a sample of an engagement.
func (b *Book) Sample(ctx context.Context, id, sample string) (out Sample, err error) {
	err = b.ReadFile(ctx, id, func(_ *State, f *File) error {
		x := f.Samples[sample]
		if x == nil {
			return fmt.Errorf("%w: sample %s of %s", audit.ErrNotFound, sample, id)
		}
		out = *x
		return nil
	})
	return out, err
}
