package fieldwork

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/redraw"
)

var computedTakers = map[string]taker{
	"paper.reveal": reveal, "paper.explain": explain,
}

// eachItem calls f with the items of a frozen population, in its order, as they
// lie in the firm's store: constant memory. Bytes that are not the population's
// are audit.ErrAltered, by the blob's own digest.
func (b *Book) eachItem(ctx context.Context, p Population, f func(engagement.Item) error) error {
	return b.eachLine(ctx, p, func(line []byte) error {
		item, err := parseItem(line)
		if err != nil {
			return err
		}
		return f(item)
	})
}

func (b *Book) eachLine(ctx context.Context, p Population, f func([]byte) error) error {
	r, err := b.seal.Blobs.Get(ctx, p.Items)
	if err != nil {
		return fmt.Errorf("items of population %s: %w", p.ID, err)
	}
	if err := readLines(r, f); err != nil {
		return fmt.Errorf("items of population %s: %w", p.ID, closeAlso(r, err))
	}
	return r.Close()
}

func closeAlso(c io.Closer, err error) error {
	if cerr := c.Close(); err == nil {
		return cerr
	}
	return err
}

// readLines calls f with every line that says something, to the end.
func readLines(r io.Reader, f func([]byte) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(nil, redraw.MaxLine+1)
	for in.Scan() {
		if line := in.Bytes(); len(line) > 0 {
			if err := f(line); err != nil {
				return err
			}
		}
	}
	return in.Err()
}

// parseItem reads one line of a population that was checked when it was taken in.
func parseItem(line []byte) (item engagement.Item, err error) {
	if err := json.Unmarshal(line, &item); err != nil {
		return item, fmt.Errorf("%w: a line that is no item: %w", audit.ErrInvalid, err)
	}
	return item, nil
}

// populationsOf are those a workpaper's samples were drawn from, the newest first.
func (f *File) populationsOf(p *Paper) (out []*Population) {
	for i := len(p.Samples) - 1; i >= 0; i-- {
		if s := f.Samples[p.Samples[i]]; s != nil && f.Populations[s.Population] != nil && !slices.Contains(out, f.Populations[s.Population]) {
			out = append(out, f.Populations[s.Population])
		}
	}
	if f.Populations[p.Empty] != nil {
		out = append(out, f.Populations[p.Empty])
	}
	return out
}

// procedureOf is the client's procedure that computes an attribute, "" for none.
func procedureOf(t *Test, attribute string) string {
	for _, a := range attributes(t) {
		if a.Name == attribute {
			return a.Procedure
		}
	}
	return ""
}

type revealData struct {
	Cells []revealCell `json:"cells"`
}

type revealCell struct {
	Item      string `json:"item"`
	Attribute string `json:"attribute"`
	Outcome   string `json:"outcome"`
}

// Reveal shows what the client's procedure computed for cells that are marked:
// never before the tester's own mark. Without cells it is all that can be shown
// and was not. It needs test.mark, and stays in the log with the mark of the moment.
// Of more cells than one entry takes there are several; where one fails, those
// before it are shown.
func (b *Book) Reveal(ctx context.Context, by access.Subject, id, test string, cells ...Cell) error {
	if err := access.Require(by, "test.mark", in(id)); err != nil {
		return err
	}
	want, pops, err := b.toReveal(ctx, id, test, cells)
	if err != nil || len(want) == 0 {
		return err
	}
	d := revealData{Cells: []revealCell{}}
	for _, p := range pops {
		err := b.eachItem(ctx, p, func(it engagement.Item) error {
			for _, w := range want[it.ID] {
				d.Cells = append(d.Cells, revealCell{it.ID, w.attribute, it.Results[w.procedure]})
			}
			delete(want, it.ID)
			return nil
		})
		if err != nil {
			return err
		}
	}
	for part := range slices.Chunk(d.Cells, maxCells) {
		if err := b.act(ctx, by, "test.mark", "paper.reveal", on("paper", id, test), book.Anyway, revealData{part}); err != nil {
			return err
		}
	}
	return nil
}

type wanted struct{ attribute, procedure string }

// toReveal are the cells to be shown by item, and the populations to look in.
func (b *Book) toReveal(ctx context.Context, id, test string, cells []Cell) (want map[string][]wanted, pops []Population, err error) {
	want = map[string][]wanted{}
	err = b.ReadFile(ctx, id, func(_ *State, f *File) error {
		p, t := f.Papers[test], f.Tests[test]
		if p == nil || t == nil {
			return fmt.Errorf("%w: test %s has no workpaper yet", audit.ErrNotFound, test)
		}
		if len(cells) == 0 {
			cells = p.Hidden(t)
		}
		for _, c := range cells {
			if err := p.showable(t, c); err != nil {
				return err
			}
			want[c.Item] = append(want[c.Item], wanted{c.Attribute, procedureOf(t, c.Attribute)})
		}
		for _, pop := range f.populationsOf(p) {
			pops = append(pops, *pop)
		}
		return nil
	})
	return want, pops, err
}

// Hidden are the marked cells whose computed outcome was not shown yet.
func (p *Paper) Hidden(t *Test) (out []Cell) {
	for _, c := range p.cells(t) {
		if p.showable(t, c) == nil {
			out = append(out, c)
		}
	}
	return out
}

func (p *Paper) showable(t *Test, c Cell) error {
	m := p.Cells[c]
	switch {
	case procedureOf(t, c.Attribute) == "" || c.Item == "":
		return fmt.Errorf("%w: nothing is computed for attribute %q of item %q", audit.ErrInvalid, c.Attribute, c.Item)
	case m == nil || m.Mark == engagement.ToTest:
		return tooEarly("what was computed for item %q, attribute %s, is shown after your own mark of it", c.Item, c.Attribute)
	case p.Revealed[c] != nil:
		return tooEarly("what was computed for item %q, attribute %s, is shown already", c.Item, c.Attribute)
	}
	return nil
}

// outcomeWord checks a computed outcome: a word of audit.Outcome, or "".
func outcomeWord(s string) error {
	var o audit.Outcome
	if s == "" {
		return nil
	}
	return o.UnmarshalText([]byte(s))
}

func reveal(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[revealData](e)
	f, p, perr := s.paper(e)
	if err = first(err, perr, within("cells", len(d.Cells), 1, maxCells)); err != nil {
		return book.Change{}, err
	}
	seen := map[Cell]bool{}
	for _, x := range d.Cells {
		c := Cell{x.Item, x.Attribute}
		if err := first(when(seen[c], "cells: a cell is named twice"), p.showable(f.Tests[p.Test], c), outcomeWord(x.Outcome)); err != nil {
			return book.Change{}, err
		}
		seen[c] = true
	}
	return book.Change{What: "computed outcomes are shown: " + count(len(d.Cells), "cell"), Do: func() {
		for _, x := range d.Cells {
			c := Cell{x.Item, x.Attribute}
			p.Revealed[c] = &Revealed{Outcome: x.Outcome, Own: p.Cells[c].Mark, By: e.By.Name, At: e.At, Record: e.Record}
		}
		p.Prepared = nil
	}}, nil
}

// Differences are the cells whose mark and computed outcome say different things,
// now or when the outcome was shown.
func (p *Paper) Differences(t *Test) (out []Cell) {
	for _, c := range p.cells(t) {
		if r, m := p.Revealed[c], p.Cells[c]; r != nil && m != nil && (r.Differs(m.Mark) || r.Differs(r.Own)) {
			out = append(out, c)
		}
	}
	return out
}

// unexplained are the differences of now that nobody wrote a note on.
func (p *Paper) unexplained(t *Test) (out []Cell) {
	for _, c := range p.Differences(t) {
		if r := p.Revealed[c]; r.Explained == "" && r.Differs(p.Cells[c].Mark) {
			out = append(out, c)
		}
	}
	return out
}

type explainData struct {
	Item      string `json:"item"`
	Attribute string `json:"attribute"`
	Text      string `json:"text"`
}

// Explain puts a note on a difference between a mark and what was computed. It
// needs test.mark.
func (b *Book) Explain(ctx context.Context, by access.Subject, id, test string, c Cell, text string) error {
	return b.act(ctx, by, "test.mark", "paper.explain", on("paper", id, test), book.Anyway, explainData{c.Item, c.Attribute, text})
}

func explain(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[explainData](e)
	f, p, perr := s.paper(e)
	if err = first(err, perr, text("text", d.Text, 1, maxText)); err != nil {
		return book.Change{}, err
	}
	c := Cell{d.Item, d.Attribute}
	if !slices.Contains(p.Differences(f.Tests[p.Test]), c) {
		return book.Change{}, tooEarly("mark and computed outcome of item %q, attribute %s, do not differ", c.Item, c.Attribute)
	}
	return book.Change{What: "difference is explained", Do: func() {
		r := p.Revealed[c]
		r.Explained, r.ExplainedBy, p.Prepared = d.Text, e.By.Name, nil
	}}, nil
}

// A Pattern is a fact over a whole population: how many of its items a client's
// procedure gave an outcome, with the query that counts them. It is no mark.
type Pattern struct {
	Attribute, Procedure, Outcome string
	Count, Of                     int
	Query                         string // in words, with the populations, their digests and runs
}

// SamePattern counts the items of a test's populations with an outcome of an
// attribute's procedure. Sampled items that are not marked yet are left out, so
// that the count tells nobody what they will find. It needs workpaper.read.
func (b *Book) SamePattern(ctx context.Context, by access.Subject, id, test, attribute, outcome string) (Pattern, error) {
	out := Pattern{Attribute: attribute, Outcome: outcome}
	if err := first(access.Require(by, "workpaper.read", in(id)), outcomeWord(outcome), when(outcome == "", "outcome: which one is counted")); err != nil {
		return out, err
	}
	left, pops, err := b.unmarked(ctx, id, test, attribute, &out)
	if err != nil {
		return out, err
	}
	var where []string
	for _, p := range pops {
		where = append(where, fmt.Sprintf("%s (SHA-256 %s, run %s)", p.ID, p.Digest, audit.EvidenceRef(p.Run)))
		err := b.eachItem(ctx, p, func(it engagement.Item) error {
			if left[it.ID] {
				return nil
			}
			out.Of++
			if it.Results[out.Procedure] == outcome {
				out.Count++
			}
			return nil
		})
		if err != nil {
			return out, err
		}
	}
	out.Query = fmt.Sprintf("items of %s, without %s to be marked, whose result of procedure %s is %q",
		strings.Join(where, " and "), count(len(left), "sampled item"), out.Procedure, outcome)
	return out, nil
}

// unmarked are the sampled items without a mark of an attribute.
func (b *Book) unmarked(ctx context.Context, id, test, attribute string, out *Pattern) (left map[string]bool, pops []Population, err error) {
	left = map[string]bool{}
	err = b.ReadFile(ctx, id, func(_ *State, f *File) error {
		p, t := f.Papers[test], f.Tests[test]
		if p == nil || t == nil {
			return fmt.Errorf("%w: test %s has no workpaper yet", audit.ErrNotFound, test)
		}
		if out.Procedure = procedureOf(t, attribute); out.Procedure == "" {
			return fmt.Errorf("%w: nothing is computed for attribute %q of %s", audit.ErrInvalid, attribute, test)
		}
		for _, c := range p.Untested(t) {
			if c.Attribute == attribute {
				left[c.Item] = true
			}
		}
		for _, pop := range f.populationsOf(p) {
			pops = append(pops, *pop)
		}
		return nil
	})
	return left, pops, err
}
