package management

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/freeze"
)

var populationTakers = map[string]taker{"population.freeze": freezePopulation, "population.word": hearPopulation, "sample.release": hearSample}

// A Frozen is a population as it was frozen, and the auditor's word on it.
type Frozen struct {
	engagement.Population
	By         string
	Record     int64 // the freeze entry in this log
	Accepted   bool
	Question   string
	Superseded string // the later freeze that took its place
}

// FreezePopulation freezes a population whose item lines are kept already: their
// digest stands in it. It returns the population with its number; its place in
// the log is the entry's. A population that takes another's place is another
// round; earlier ones stay. It needs evidence.export.
func (b *Book) FreezePopulation(ctx context.Context, by access.Subject, id string, p engagement.Population, instead string) (frozen Frozen, err error) {
	if err := access.Require(by, "evidence.export", of(id)); err != nil {
		return Frozen{}, err
	}
	p.Supersedes = instead
	p.Controls, p.Source, p.Checks, p.Left, p.Columns = book.List(p.Controls), book.List(p.Source), book.List(p.Checks), book.List(p.Left), book.List(p.Columns)
	n, err := b.book.Numbered(ctx, by, "population", id+"/P", func(on string) error {
		p.ID = strings.TrimPrefix(on, id+"/")
		_, err := b.book.Write(ctx, by, "population.freeze", "population:"+on, 0, freezeData{p, instead})
		return err
	})
	if err != nil {
		return Frozen{}, err
	}
	err = b.Read(ctx, func(s *State) error {
		frozen = *s.Sides[id].Populations[strings.TrimPrefix(n, id+"/")]
		return nil
	})
	return frozen, err
}

type freezeData struct {
	Population engagement.Population `json:"population"`
	Instead    string                `json:"instead"` // of which earlier one
}

func freezePopulation(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[freezeData](e)
	x, rest, xerr := s.on(e, "population")
	p := d.Population
	if err = book.First(err, xerr, book.When(p.ID != rest, "the entry is on another population")); err != nil {
		return book.Change{}, err
	}
	p.Supersedes = d.Instead
	if err := book.First(x.open(), x.agreed(), x.mayFreeze(p, e.At)); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: fmt.Sprintf("frozen: %d items, %s", p.Count, p.Title), Do: func() {
		x.Populations[p.ID] = &Frozen{Population: p, By: e.By.Name, Record: e.Record}
		if d.Instead != "" {
			x.Populations[d.Instead].Superseded = p.ID
		}
	}}, nil
}

// mayFreeze says what a population lacks to be frozen at an instant: what the firm
// would refuse it for, too.
func (x *Side) mayFreeze(p engagement.Population, at time.Time) error {
	if !x.Terms.Type.OverPeriod() {
		return book.TooEarly("a %s speaks of a date: nothing is frozen or sampled for it", x.Terms.Type)
	}
	for _, c := range p.Checks {
		if c.Open() {
			return fmt.Errorf("%w: completeness is open: %s: %s here, %s there. Say why, or collect what is missing", audit.ErrInconclusive, c.What, c.Here, c.There)
		}
	}
	if old := x.Populations[p.Supersedes]; p.Supersedes != "" && old == nil {
		return fmt.Errorf("%w: population %s, to be replaced", audit.ErrNotFound, p.Supersedes)
	}
	var have []freeze.Earlier
	for _, o := range book.Sorted(x.Populations) {
		have = append(have, freeze.Earlier{Population: o.Population, Superseded: o.Superseded})
	}
	return book.First(freeze.Check(p), book.When(p.Collected.After(at), "it is frozen before it was collected"), freeze.Fits(x.Terms, p, at, have))
}

// TakeAcceptance takes the auditor's word on a population.
func (b *Book) TakeAcceptance(ctx context.Context, by access.Subject, id string, a engagement.Acceptance) error {
	return b.take(ctx, by, "population.word", named("population", id, a.Population), id, a)
}

func hearPopulation(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[engagement.Acceptance](e)
	x, rest, xerr := s.on(e, "population")
	if err = book.First(err, xerr, book.Text("question", d.Question, 0, maxText)); err != nil {
		return book.Change{}, err
	}
	p := x.Populations[rest]
	if p == nil || d.Population != rest || p.Digest != d.Digest {
		return book.Change{}, fmt.Errorf("%w: population %s with these items", audit.ErrNotFound, d.Population)
	}
	what := "accepted by the auditor"
	if !d.Accepted {
		what = "questioned: " + d.Question
	}
	return book.Change{What: what, Do: func() { p.Accepted, p.Question = d.Accepted, d.Question }}, nil
}

// TakeSample takes a sample the firm released.
func (b *Book) TakeSample(ctx context.Context, by access.Subject, id string, a engagement.Sample) error {
	return b.take(ctx, by, "sample.release", named("sample", id, a.ID), id, a)
}

func hearSample(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[engagement.Sample](e)
	x, rest, xerr := s.on(e, "sample")
	if err = book.First(err, xerr, book.When(d.ID != rest || d.ID == "", "the entry is on another sample")); err != nil {
		return book.Change{}, err
	}
	p := x.Populations[d.Population]
	if p == nil {
		return book.Change{}, fmt.Errorf("%w: population %s", audit.ErrNotFound, d.Population)
	}
	if !p.Accepted {
		return book.Change{}, book.TooEarly("%s was not accepted by the auditor, so nothing is drawn from it", p.ID)
	}
	return book.Change{What: fmt.Sprintf("released: %d of %d", len(d.Items), p.Count), Do: func() { x.Samples[d.ID] = &d }}, nil
}
