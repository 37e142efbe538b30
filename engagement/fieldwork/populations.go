package fieldwork

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/freeze"
	"tieout/engagement/redraw"
)

var populationTakers = map[string]taker{
	"population.take": takePopulation, "population.accept": acceptPopulation, "population.question": questionPopulation, "population.complete": completePopulation,
}

type populationData struct {
	Population engagement.Population `json:"population"`
	Items      string                `json:"items"` // digest of the blob, as the blob store names it
	Heard      int64                 `json:"heard"`
	Packet     int64                 `json:"packet"`
}

// TakePopulation keeps a population as a packet brought it, with its item lines:
// they are read once, in constant memory, and have to be what the population says
// they are. packet is the packet's record in the firm's log; heard is the highest
// size of the firm's log that the client had seen when it froze, from the packet's
// header (0: it saw none). What was altered on the way is audit.ErrAltered; what
// is no population is audit.ErrInvalid.
func (b *Book) TakePopulation(ctx context.Context, by access.Subject, id string, p engagement.Population, items io.Reader, packet, heard int64) error {
	if err := mayTake(by, id); err != nil {
		return err
	}
	if err := checkPopulation(p); err != nil {
		return err
	}
	if err := b.ReadFile(ctx, id, func(_ *State, f *File) error { return f.mayFreeze(p) }); err != nil {
		return err
	}
	blob, total, err := b.keepItems(ctx, items, len(p.Columns))
	if err != nil {
		return fmt.Errorf("items of population %s: %w", p.ID, err)
	}
	if err := matches(p, total); err != nil {
		return err
	}
	return b.take(ctx, by, "population.take", on("population", id, p.ID), id, populationData{tidyPopulation(p), blob, heard, packet})
}

// keepItems puts item lines into the blob store while they are read.
func (b *Book) keepItems(ctx context.Context, items io.Reader, columns int) (blob string, t redraw.Total, err error) {
	pr, pw := io.Pipe()
	done := make(chan error, 1)
	go func() {
		var perr error
		blob, _, perr = b.seal.Blobs.Put(ctx, pr)
		pr.CloseWithError(perr)
		done <- perr
	}()
	t, err = redraw.ReadStrict(io.TeeReader(items, pw), columns, func(redraw.ID) error { return nil })
	pw.CloseWithError(err)
	perr := <-done
	if err != nil {
		return "", t, err
	}
	return blob, t, perr
}

// matches holds what a population says to its item lines.
func matches(p engagement.Population, t redraw.Total) error {
	switch {
	case t.Digest != p.Digest:
		return fmt.Errorf("%w: population %s: its item lines have the digest %s, not %s as frozen", audit.ErrAltered, p.ID, t.Digest, p.Digest)
	case t.Count != p.Count:
		return fmt.Errorf("%w: population %s: %d item lines, not %d as it says", audit.ErrInvalid, p.ID, t.Count, p.Count)
	case !maps.Equal(t.Strata, p.Strata) && len(t.Strata)+len(p.Strata) > 0:
		return fmt.Errorf("%w: population %s: its strata hold %v, not %v as it says", audit.ErrInvalid, p.ID, t.Strata, p.Strata)
	}
	return nil
}

func tidyPopulation(p engagement.Population) engagement.Population {
	p.Controls, p.Source, p.Checks, p.Columns = book.List(p.Controls), book.List(p.Source), book.List(p.Checks), book.List(p.Columns)
	return p
}

// checkPopulation refuses what is no population, and what was frozen nowhere.
func checkPopulation(p engagement.Population) error {
	return allOf(freeze.Check(p), digest("root of the freeze", p.Freeze.Root),
		when(p.Freeze.Index < 0 || p.Freeze.At.IsZero(), "freeze: the entry in the client's log that froze it"),
		when(p.Collected.After(p.Freeze.At), "it was frozen before it was collected"))
}

// mayFreeze holds a population to the file: who it is of was accepted, and it fits
// the terms and those that are here.
func (f *File) mayFreeze(p engagement.Population) error {
	switch {
	case f.open() != nil:
		return f.open()
	case f.Terms.Type.OverPeriod() && f.Accepted == nil:
		return tooEarly("a partner accepts the client and the engagement before anything of theirs is taken in")
	case f.Populations[p.ID] != nil:
		return tooEarly("population %s is here already; a re-freeze gets an ID and a round of its own, and the earlier one stays", p.ID)
	}
	var have []freeze.Earlier
	for _, o := range book.Sorted(f.Populations) {
		have = append(have, freeze.Earlier{Population: o.Population, Superseded: o.Superseded})
	}
	return freeze.Fits(f.Terms, p, p.Freeze.At, have)
}

func takePopulation(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[populationData](e)
	f, id, ferr := s.on(e, "population")
	if err = first(err, ferr); err == nil {
		err = first(checkPopulation(d.Population), when(id != d.Population.ID, "the population is another"), packetRecord(d.Packet), when(d.Heard < 0, "heard: a size of the firm's log"), f.mayFreeze(d.Population))
	}
	if err != nil {
		return book.Change{}, err
	}
	p := &Population{Population: d.Population, Packet: d.Packet, Items: d.Items, Heard: d.Heard, At: e.At}
	return book.Change{What: fmt.Sprintf("taken in: %s, %d items, round %s", p.Title, p.Count, p.Round), Do: func() {
		f.Populations[id] = p
		p.Revision = s.Revision(e.On) + 1
		if old := f.Populations[p.Supersedes]; old != nil && !old.Accepted {
			old.Superseded = id
		}
	}}, nil
}

type completeData struct {
	Text string `json:"text"`
}

// WriteComplete keeps the auditor's own work on a population's completeness and
// accuracy: what was compared with what, and what came of it. It needs
// population.accept; acceptance rests on it.
func (b *Book) WriteComplete(ctx context.Context, by access.Subject, id, population, text string, base int64) error {
	if err := access.Require(by, "population.accept", in(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "population.complete", on("population", id, population), base, completeData{text})
	return err
}

// population is the one an entry is on, for who may work on it.
func (s *State) population(e book.Entry) (*File, *Population, error) {
	f, id, err := s.on(e, "population")
	if err == nil {
		err = first(f.MayWork(e), byPerson(e))
	}
	if err != nil {
		return nil, nil, err
	}
	p := f.Populations[id]
	if p == nil {
		return nil, nil, fmt.Errorf("%w: population %s of %s", audit.ErrNotFound, id, f.Terms.ID)
	}
	if p.Superseded != "" {
		return nil, nil, tooEarly("population %s was superseded by %s", id, p.Superseded)
	}
	return f, p, nil
}

func completePopulation(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[completeData](e)
	f, p, perr := s.population(e)
	if err = first(err, perr, text("completeness and accuracy", d.Text, minJudgment, maxText)); err != nil {
		return book.Change{}, err
	}
	if p.Accepted {
		return book.Change{}, tooEarly("population %s was accepted on what was written before: question it to take that back", p.ID)
	}
	return book.Change{What: "completeness and accuracy are looked at", Do: func() {
		f.Plan.Complete[p.ID] = d.Text
		p.Revision = s.Revision(e.On) + 1
	}}, nil
}

type seenData struct {
	Digest string `json:"digest"` // of the population that is accepted or questioned
	Text   string `json:"text,omitempty"`
}

// AcceptPopulation is the auditor's word that a frozen population can be drawn
// from. The auditor's own work on its completeness and accuracy is written
// first. It needs population.accept.
func (b *Book) AcceptPopulation(ctx context.Context, by access.Subject, id, population string, base int64) error {
	return b.decide(ctx, by, "population.accept", id, population, "", base)
}

// QuestionPopulation asks the client about a population, and takes an acceptance
// back as long as nothing was drawn. It needs population.accept.
func (b *Book) QuestionPopulation(ctx context.Context, by access.Subject, id, population, question string, base int64) error {
	return b.decide(ctx, by, "population.question", id, population, question, base)
}

func (b *Book) decide(ctx context.Context, by access.Subject, kind, id, population, text string, base int64) error {
	if err := access.Require(by, "population.accept", in(id)); err != nil {
		return err
	}
	p, err := b.Population(ctx, id, population)
	if err != nil {
		return err
	}
	_, err = b.book.Write(ctx, by, kind, on("population", id, population), base, seenData{p.Digest, text})
	return err
}

func acceptPopulation(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[seenData](e)
	f, p, perr := s.population(e)
	if err = first(err, perr); err != nil {
		return book.Change{}, err
	}
	switch {
	case d.Digest != p.Digest:
		return book.Change{}, tooEarly("population %s is not the one that was looked at", p.ID)
	case p.Accepted:
		return book.Change{}, tooEarly("population %s is accepted already", p.ID)
	case f.Plan.Complete[p.ID] == "":
		return book.Change{}, tooEarly("write the auditor's own completeness and accuracy work on population %s first: what the client reconciled is no evidence of the auditor's", p.ID)
	}
	return book.Change{What: "accepted", Do: func() {
		p.Accepted, p.AcceptedBy, p.Revision = true, e.By.Name, s.Revision(e.On)+1
		if old := f.Populations[p.Supersedes]; old != nil {
			old.Superseded = p.ID
		}
	}}, nil
}

func questionPopulation(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[seenData](e)
	f, p, perr := s.population(e)
	if err = first(err, perr, text("question", d.Text, 1, maxText)); err != nil {
		return book.Change{}, err
	}
	for _, x := range book.Sorted(f.Samples) {
		if x.Population == p.ID {
			return book.Change{}, tooEarly("sample %s is drawn from population %s: ask for a re-freeze by a request", x.ID, p.ID)
		}
	}
	return book.Change{What: "questioned: " + d.Text, Do: func() {
		p.Accepted, p.AcceptedBy, p.Revision = false, "", s.Revision(e.On)+1
		p.Questions = append(p.Questions, Step{e.At, e.By.Name, d.Text})
	}}, nil
}

// Population returns a population with the auditor's word on it.
func (b *Book) Population(ctx context.Context, id, population string) (out Population, err error) {
	err = b.ReadFile(ctx, id, func(_ *State, f *File) error {
		p := f.Populations[population]
		if p == nil {
			return fmt.Errorf("%w: population %s of %s", audit.ErrNotFound, population, id)
		}
		out = *p
		out.Questions = slices.Clone(p.Questions)
		return nil
	})
	return out, err
}

// AcceptanceOf is what the client is sent of the auditor's word on a population:
// the acceptance, or the last question.
func (b *Book) AcceptanceOf(ctx context.Context, id, population string) (engagement.Acceptance, error) {
	p, err := b.Population(ctx, id, population)
	if err != nil {
		return engagement.Acceptance{}, err
	}
	a := engagement.Acceptance{Population: p.ID, Digest: p.Digest, Accepted: p.Accepted}
	switch {
	case p.Accepted:
	case len(p.Questions) > 0:
		a.Question = p.Questions[len(p.Questions)-1].What
	default:
		return a, tooEarly("population %s was neither accepted nor questioned", p.ID)
	}
	return a, nil
}
