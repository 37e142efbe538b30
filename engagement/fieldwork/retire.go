package fieldwork

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tieout/access"
	"tieout/book"
)

var retireTakers = map[string]taker{"paper.retire": retireSample}

// A Retired is a sample whose population was frozen again: its rows are out of
// the workpaper, and what was marked of them stays in it.
type Retired struct {
	Sample     string    `json:"sample"`
	Population string    `json:"population"`
	Rows       []string  `json:"rows"` // those that no other sample has
	Why        string    `json:"why"`
	By         string    `json:"by"`
	At         time.Time `json:"at"`
}

type retireData struct {
	Sample string `json:"sample"`
	Why    string `json:"why"`
}

// RetireSample takes the rows of a sample out of a workpaper whose population was
// frozen again, with the reason. The rows of a sample of the later freeze are
// there first (ExtendPaper). Marks and exceptions stay: an exception of a retired
// row is a deviation known outside the sample from then on, its finding names it
// as that, and the client is told anew. Of an item that a later sample has too,
// what was computed is looked at again. It needs test.mark.
func (b *Book) RetireSample(ctx context.Context, by access.Subject, id, test, sample, why string) error {
	return b.act(ctx, by, "test.mark", "paper.retire", on("paper", id, test), book.Anyway, retireData{sample, why})
}

func retireSample(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[retireData](e)
	f, p, perr := s.paper(e)
	if err = first(err, perr, text("why", d.Why, 1, 2000)); err != nil {
		return book.Change{}, err
	}
	g := &ground{s: s, f: f, e: e, test: f.Tests[p.Test], paper: p, sample: d.Sample}
	if err := g.hold("paper.retire"); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "sample " + d.Sample + " is retired: " + d.Why, Do: func() {
		r := f.retire(p, d, e)
		for _, c := range p.exceptedIn(g.test, r.Rows) {
			f.outside(s, p, c, r, e)
		}
	}}, nil
}

// retirable says what stands against retiring a sample.
func (g *ground) retirable() string {
	x := g.f.Samples[g.sample]
	if g.paper == nil || x == nil || !slices.Contains(g.paper.Samples, x.ID) {
		return fmt.Sprintf("%q is no sample of this workpaper", g.sample)
	}
	was := g.f.Populations[x.Population]
	if was == nil || was.Superseded == "" {
		return "population " + x.Population + " is in force: the rows of " + x.ID + " stay"
	}
	later := slices.ContainsFunc(g.paper.Samples, func(id string) bool { return g.f.drawnInForce(id) })
	return unless(later, "population %s was frozen again as %s: extend the workpaper by a sample of that first", was.ID, was.Superseded)
}

// FrozenAgain are a workpaper's samples whose populations were frozen again.
func (f *File) FrozenAgain(p *Paper) (out []string) {
	for _, id := range p.Samples {
		if !f.drawnInForce(id) {
			out = append(out, id)
		}
	}
	return out
}

// drawnInForce reports whether a sample's population was not frozen again.
func (f *File) drawnInForce(sample string) bool {
	x := f.Samples[sample]
	return x != nil && f.Populations[x.Population] != nil && f.Populations[x.Population].Superseded == ""
}

// retire takes the rows out that no other sample of the workpaper has.
func (f *File) retire(p *Paper, d retireData, e book.Entry) Retired {
	x := f.Samples[d.Sample]
	p.Samples = slices.DeleteFunc(slices.Clone(p.Samples), func(id string) bool { return id == d.Sample })
	r := Retired{Sample: d.Sample, Population: x.Population, Rows: []string{}, Why: d.Why, By: e.By.Name, At: e.At}
	for _, item := range x.Items {
		if slices.ContainsFunc(p.Samples, func(id string) bool { return slices.Contains(f.Samples[id].Items, item) }) {
			for _, a := range attributes(f.Tests[p.Test]) {
				delete(p.Revealed, Cell{item, a.Name})
			}
			continue
		}
		r.Rows = append(r.Rows, item)
		p.Void[item] = "sample " + d.Sample + " is retired: " + d.Why
	}
	p.Retired, p.Prepared = append(p.Retired, r), nil
	return r
}

// exceptedIn are the cells of rows that are marked Exception.
func (p *Paper) exceptedIn(t *Test, rows []string) (out []Cell) {
	for _, item := range rows {
		for _, a := range attributes(t) {
			if c := (Cell{item, a.Name}); p.excepts(c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// outside makes the exception of a retired cell a deviation known outside the
// sample, and has the finding that names the cell name that.
func (f *File) outside(s *State, p *Paper, c Cell, r Retired, e book.Entry) {
	f.known(p.Test, &Known{Test: p.Test, Ref: knownRef(c.Item, c.Attribute), Item: c.Item, Attribute: c.Attribute, Source: "sample " + r.Sample + ", retired",
		Population: r.Population, Digest: f.Samples[r.Sample].Digest, Text: p.Cells[c].Note, At: e.At, Record: e.Record})
	k := f.Known[p.Test][knownRef(c.Item, c.Attribute)]
	for _, x := range book.Sorted(f.Findings) {
		if x.Test != p.Test || !slices.Contains(x.Cells, c) {
			continue
		}
		x.leave(c, k.Ref, p.ItemsTested(f.Tests[p.Test]))
		if k.Disposed = x.Disposed; x.Stands() {
			k.Disposed = &Disposition{As: InFinding, Finding: x.ID, Why: x.Nature, By: e.By.Name, At: e.At}
		}
		const what = "an item of it lies outside the sample now"
		x.Steps, x.Released = append(x.Steps, Step{e.At, e.By.Name, what}), time.Time{}
		x.Revision = s.Also(on("finding", f.Terms.ID, x.ID), e, what)
	}
}

// leave takes a cell out of an exception and names the deviation instead. of is
// how many items are tested now.
func (x *Finding) leave(c Cell, ref string, of int) {
	x.Cells = slices.DeleteFunc(slices.Clone(x.Cells), func(o Cell) bool { return o == c })
	x.Finding.Items = slices.DeleteFunc(slices.Clone(x.Finding.Items), func(item string) bool {
		return item == c.Item && !slices.ContainsFunc(x.Cells, func(o Cell) bool { return o.Item == item })
	})
	if !slices.Contains(x.Finding.Known, ref) {
		x.Finding.Known = append(slices.Clone(x.Finding.Known), ref)
	}
	x.Finding.Of = of
}
