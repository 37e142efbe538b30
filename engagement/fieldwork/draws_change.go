package fieldwork

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/redraw"
	"tieout/sample"
)

// sampleOf is the sample an entry is on, for who may work on it.
func (s *State) sampleOf(e book.Entry) (*File, *Sample, error) {
	f, id, err := s.on(e, "sample")
	if err == nil {
		err = first(byPerson(e), f.MayWork(e))
	}
	if err != nil {
		return nil, nil, err
	}
	x := f.Samples[id]
	if x == nil {
		return nil, nil, fmt.Errorf("%w: sample %s of %s", audit.ErrNotFound, id, f.Terms.ID)
	}
	return f, x, nil
}

type releaseData struct{}

// ReleaseSample lets the client know a sample as it now is. It needs
// sample.release. What is sent is Released.
func (b *Book) ReleaseSample(ctx context.Context, by access.Subject, id, sample string, base int64) error {
	if err := access.Require(by, "sample.release", in(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "sample.release", on("sample", id, sample), base, releaseData{})
	return err
}

func releaseSample(s *State, e book.Entry) (book.Change, error) {
	_, err := book.Data[releaseData](e)
	_, x, xerr := s.sampleOf(e)
	if err = first(err, xerr); err != nil {
		return book.Change{}, err
	}
	if !x.Released.IsZero() {
		return book.Change{}, tooEarly("the client has sample %s", x.ID)
	}
	return book.Change{What: "released to the client", Do: func() { x.Released, x.Revision = e.At, s.Revision(e.On)+1 }}, nil
}

// Released is a sample as the client is sent it; audit.ErrConflict before its
// release, so that nothing can send it earlier.
func (b *Book) Released(ctx context.Context, id, sample string) (engagement.Sample, error) {
	x, err := b.Sample(ctx, id, sample)
	if err == nil && x.Released.IsZero() {
		err = tooEarly("sample %s is not released", sample)
	}
	if err != nil {
		return engagement.Sample{}, err
	}
	return x.Sample, nil
}

type extendData struct {
	Draws  []engagement.Draw `json:"draws"`
	Items  []string          `json:"items"`
	Spread []redraw.Quarter  `json:"spread"`
}

// ExtendSample draws the next stage that was planned with the sample: the earlier
// picks stay, and are the first of the larger ones. A sample without such a plan
// cannot grow, since taking more until it fits says nothing. It needs sample.draw.
func (b *Book) ExtendSample(ctx context.Context, by access.Subject, id, name string, base int64) (Sample, error) {
	if err := access.Require(by, "sample.draw", in(id)); err != nil {
		return Sample{}, err
	}
	_, known, err := sentBefore(ctx, b, by, "sample.extend", on("sample", id, name), func(extendData) bool { return true })
	if err != nil {
		return Sample{}, err
	}
	if known {
		return b.Sample(ctx, id, name)
	}
	x, p, err := b.sampleAndItems(ctx, id, name)
	if err != nil {
		return Sample{}, err
	}
	next, err := x.nextStage()
	if err != nil {
		return Sample{}, err
	}
	d, err := b.grow(ctx, x, p, next)
	if err != nil {
		return Sample{}, err
	}
	if _, err := b.book.Write(ctx, by, "sample.extend", on("sample", id, name), base, d); err != nil {
		return Sample{}, err
	}
	return b.Sample(ctx, id, name)
}

func (b *Book) sampleAndItems(ctx context.Context, id, name string) (Sample, Population, error) {
	x, err := b.Sample(ctx, id, name)
	if err != nil {
		return x, Population{}, err
	}
	p, err := b.Population(ctx, id, x.Population)
	return x, p, err
}

func (x *Sample) nextStage() (Stage, error) {
	if x.Stage+1 < len(x.Stages) {
		return x.Stages[x.Stage+1], nil
	}
	return Stage{}, tooEarly("no further stage of sample %s was planned when it was drawn. More items now would be taken because of what the first ones showed", x.ID)
}

// grow picks a sample's draws again at a larger size. Voids stay out: the items
// are the first in order that are none.
func (b *Book) grow(ctx context.Context, x Sample, p Population, to Stage) (extendData, error) {
	d := extendData{Draws: slices.Clone(x.Draws), Items: []string{}}
	sizes, err := grownSizes(d.Draws, to.Items)
	if err != nil {
		return d, err
	}
	wide := x.Sample
	wide.Draws = slices.Clone(d.Draws)
	for i := range d.Draws {
		d.Draws[i].Size = sizes[i]
		wide.Draws[i].Size = sizes[i] + len(x.Replaced)
	}
	sel, err := redraw.Selections(wide)
	if err != nil {
		return d, err
	}
	spread := redraw.NewSpread(p.Population)
	picked, err := b.redraw(ctx, p, x.Method, sel, spread.Add)
	if err != nil {
		return d, fmt.Errorf("population %s: %w", p.ID, err)
	}
	for i, got := range picked {
		d.Draws[i].Items = redraw.IDs(got.Items[:min(sizes[i], len(got.Items))])
		for _, it := range redraw.WithoutVoid(got.Items, x.Replaced, sizes[i]) {
			spread.Pick(it)
			d.Items = append(d.Items, it.ID)
		}
	}
	d.Spread = spread.Quarters
	return d, nil
}

// grownSizes shares a larger size out; no stratum gets fewer than it had.
func grownSizes(draws []engagement.Draw, to int) ([]int, error) {
	counts := make([]int, len(draws))
	for i, d := range draws {
		counts[i] = d.Count
	}
	sizes, err := sample.Allocate(counts, to, true)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	for i, d := range draws {
		sizes[i] = max(sizes[i], d.Size)
	}
	return sizes, nil
}

func extendSample(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[extendData](e)
	f, x, xerr := s.sampleOf(e)
	if err = first(err, xerr); err != nil {
		return book.Change{}, err
	}
	next, err := x.nextStage()
	if err = first(err, f.stillDrawn(x), extends(x, d, next)); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: fmt.Sprintf("extended as planned, from %d to %d items", len(x.Items), len(d.Items)), Do: func() {
		x.Draws, x.Items, x.Spread = d.Draws, d.Items, d.Spread
		x.Stage++
		x.Released, x.Revision = time.Time{}, s.Revision(e.On)+1
		x.Steps = append(x.Steps, Step{e.At, e.By.Name, fmt.Sprintf("extended to %d items", len(d.Items))})
	}}, nil
}

func (f *File) stillDrawn(x *Sample) error {
	if p := f.Populations[x.Population]; p == nil || p.Superseded != "" {
		return tooEarly("the population of sample %s was superseded", x.ID)
	}
	return nil
}

// extends holds a larger draw to the one before it: the same seeds, and the
// earlier picks first.
func extends(x *Sample, d extendData, to Stage) error {
	total := 0
	same := len(d.Draws) == len(x.Draws)
	for i := 0; same && i < len(d.Draws); i++ {
		a, b := x.Draws[i], d.Draws[i]
		total += b.Size
		same = a.Seed == b.Seed && a.Nonce == b.Nonce && a.Stratum == b.Stratum && a.Commitment == b.Commitment && a.Count == b.Count && len(b.Items) == b.Size && b.Size >= a.Size && slices.Equal(a.Items, b.Items[:a.Size])
	}
	return first(within("items", len(d.Items), 1, MaxListed), when(!same || total < to.Items, "a larger draw begins with the picks of the smaller one"))
}

type replaceData struct {
	Item  string  `json:"item"`
	By    string  `json:"by"`
	Why   string  `json:"why"`
	Proof []int64 `json:"proof"`

	Spread []redraw.Quarter `json:"spread,omitempty"` // of the sample with the replacement
}

func (d replaceData) replacement() engagement.Replacement {
	return engagement.Replacement{Item: d.Item, By: d.By, Why: d.Why, Proof: d.Proof}
}

// ReplaceItem takes the next item in order in the place of one that was proved
// to be void: no item of the population at all. Proof are records of the client's
// log. Evidence that is missing is an exception and replaces nothing. It needs
// sample.draw.
func (b *Book) ReplaceItem(ctx context.Context, by access.Subject, id, name, item, why string, proof []int64, base int64) (engagement.Replacement, error) {
	if err := access.Require(by, "sample.draw", in(id)); err != nil {
		return engagement.Replacement{}, err
	}
	var done engagement.Replacement
	_, known, err := sentBefore(ctx, b, by, "sample.replace", on("sample", id, name), func(d replaceData) bool {
		done = d.replacement()
		return d.Item == item && d.Why == why && slices.Equal(d.Proof, proof)
	})
	if err != nil || known {
		return done, err
	}
	x, p, err := b.sampleAndItems(ctx, id, name)
	if err != nil {
		return engagement.Replacement{}, err
	}
	next, spread, err := b.nextInOrder(ctx, x, p, item)
	if err != nil {
		return engagement.Replacement{}, err
	}
	d := replaceData{item, next, why, book.List(proof), spread}
	_, err = b.book.Write(ctx, by, "sample.replace", on("sample", id, name), base, d)
	return d.replacement(), err
}

// nextInOrder is the next item of the draw that picked an item, which is not in
// the sample and was not replaced in it, and the spread of the sample with it.
func (b *Book) nextInOrder(ctx context.Context, x Sample, p Population, item string) (string, []redraw.Quarter, error) {
	i := slices.IndexFunc(x.Draws, func(d engagement.Draw) bool { return slices.Contains(d.Items, item) || x.standsFor(d, item) })
	switch {
	case i < 0 || !slices.Contains(x.Items, item):
		return "", nil, fmt.Errorf("%w: %q is not drawn in sample %s", audit.ErrNotFound, item, x.ID)
	case x.Method == engagement.Systematic:
		return "", nil, tooEarly("a systematic sample has no next item in order: plan another test for what the void item leaves open")
	}
	larger := x.Sample
	larger.Draws = []engagement.Draw{x.Draws[i]}
	larger.Draws[0].Size += len(x.Replaced) + 1
	sel, err := redraw.Selections(larger)
	if err != nil {
		return "", nil, err
	}
	stays := make(map[string]bool, len(x.Items))
	for _, it := range x.Items {
		stays[it] = it != item
	}
	spread := redraw.NewSpread(p.Population)
	picked, err := b.redraw(ctx, p, x.Method, sel, func(it redraw.ID) {
		spread.Add(it)
		if stays[it.ID] {
			spread.Pick(it)
		}
	})
	if err != nil {
		return "", nil, fmt.Errorf("population %s: %w", p.ID, err)
	}
	for _, it := range picked[0].Items {
		if !slices.Contains(x.Items, it.ID) && !slices.ContainsFunc(x.Replaced, func(r engagement.Replacement) bool { return r.Item == it.ID }) {
			spread.Pick(it)
			return it.ID, spread.Quarters, nil
		}
	}
	return "", nil, tooEarly("no item is left in population %s to take the place of %s", p.ID, item)
}

// standsFor reports whether an item took the place of one that a draw picked.
func (x *Sample) standsFor(d engagement.Draw, item string) bool {
	for range x.Replaced {
		i := slices.IndexFunc(x.Replaced, func(r engagement.Replacement) bool { return r.By == item })
		if i < 0 {
			return false
		}
		if item = x.Replaced[i].Item; slices.Contains(d.Items, item) {
			return true
		}
	}
	return false
}

func replaceItem(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[replaceData](e)
	f, x, xerr := s.sampleOf(e)
	if err = first(err, xerr); err == nil {
		err = first(itemID("item", d.Item), itemID("by", d.By), text("why", d.Why, 1, 5000), within("records that prove it", len(d.Proof), 1, 100), f.stillDrawn(x), f.mayReplace(x, d))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: fmt.Sprintf("%s is void and replaced by %s: %s", d.Item, d.By, d.Why), Do: func() {
		items := slices.Clone(x.Items)
		items[slices.Index(items, d.Item)] = d.By
		x.Items, x.Replaced = items, append(slices.Clone(x.Replaced), d.replacement())
		if len(d.Spread) > 0 {
			x.Spread = d.Spread
		}
		x.Released, x.Revision = time.Time{}, s.Revision(e.On)+1
		x.Steps = append(x.Steps, Step{e.At, e.By.Name, d.Item + " replaced by " + d.By})
	}}, nil
}

// mayReplace refuses what would make an exception go away.
func (f *File) mayReplace(x *Sample, d replaceData) error {
	switch {
	case !x.Projectable():
		return tooEarly("nothing is drawn in a %s sample: no item is next in order", x.Method)
	case !slices.Contains(x.Items, d.Item) || slices.Contains(x.Items, d.By):
		return fmt.Errorf("%w: %q is not in sample %s, or %q is already", audit.ErrInvalid, d.Item, x.ID, d.By)
	}
	for _, p := range book.Sorted(f.Papers) {
		if !slices.Contains(append([]string{p.Sample}, p.Samples...), x.ID) {
			continue
		}
		for c, m := range p.Cells {
			if c.Item == d.Item && (m.Mark == engagement.Exception || m.Mark == engagement.UnableToTest) {
				return tooEarly("%s is marked %s: what has an exception, or no evidence, is not replaced", d.Item, strings.ToLower(string(m.Mark)))
			}
		}
	}
	return nil
}
