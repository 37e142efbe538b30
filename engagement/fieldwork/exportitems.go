package fieldwork

import (
	"context"
	"fmt"
	"io"
	"slices"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/internal/canonical"
)

// Withheld says why a population's lines are not given out as they were frozen,
// "" where they are: they hold what the client's procedures computed, and that is
// shown for an item after the tester's own mark of it. They are given out once
// every cell that is computed has its mark, and when no more is marked.
func (f *File) Withheld(p *Population) string {
	if f.open() != nil {
		return ""
	}
	for _, t := range book.Sorted(f.Tests) {
		if t.Dropped != "" || !t.Population || !slices.Contains(p.Controls, t.Control) || !computes(t) {
			continue
		}
		if why := f.unmarkedOn(p, t); why != "" {
			return why
		}
	}
	return ""
}

// computes reports whether a procedure of the client's computes an attribute.
func computes(t *Test) bool {
	for _, a := range attributes(t) {
		if a.Procedure != "" {
			return true
		}
	}
	return false
}

// unmarkedOn is what is to be marked of a test before its population's computed
// outcomes are known, "" for nothing.
func (f *File) unmarkedOn(p *Population, t *Test) string {
	paper := f.Papers[t.ID]
	if paper == nil {
		return "test " + t.ID + " has no workpaper yet"
	}
	if p.Superseded == "" && p.Count > 0 && !slices.Contains(f.populationsOf(paper), p) {
		return "the workpaper of " + t.ID + " has no sample of it yet"
	}
	n := 0
	for _, c := range paper.Untested(t) {
		if c.Item != "" && procedureOf(t, c.Attribute) != "" {
			n++
		}
	}
	return unless(n == 0, "%s of %s to be marked", count(n, "cell"), t.ID)
}

// ExportItems writes a population's item lines as they were frozen: the bytes its
// digest is of, which a sample is picked again from. It needs workpaper.read, and
// is audit.ErrConflict while File.Withheld says something.
func (b *Book) ExportItems(ctx context.Context, by access.Subject, id, population string, w io.Writer) error {
	p, why, err := b.toExport(ctx, by, id, population)
	if err != nil {
		return err
	}
	if why != "" {
		return tooEarly("the lines of population %s hold what the client's procedures computed, which a tester sees after their own mark; %s", population, why)
	}
	r, err := b.seal.Blobs.Get(ctx, p.Items)
	if err != nil {
		return fmt.Errorf("items of population %s: %w", population, err)
	}
	_, err = io.Copy(w, r)
	return closeAlso(r, err)
}

// ExportPlainItems writes a population's items without what the client's
// procedures computed for them, a line each: they are not the bytes that were
// frozen, and nothing is picked again from them. It needs workpaper.read.
func (b *Book) ExportPlainItems(ctx context.Context, by access.Subject, id, population string, w io.Writer) error {
	p, _, err := b.toExport(ctx, by, id, population)
	if err != nil {
		return err
	}
	return b.eachItem(ctx, p, func(it engagement.Item) error {
		it.Results = nil
		line, err := canonical.Marshal(it)
		if err == nil {
			_, err = w.Write(append(line, '\n'))
		}
		return err
	})
}

// toExport is a population of a file that by may read, and why its lines are
// withheld.
func (b *Book) toExport(ctx context.Context, by access.Subject, id, population string) (out Population, why string, err error) {
	if err := access.Require(by, "workpaper.read", in(id)); err != nil {
		return out, "", err
	}
	err = b.ReadFile(ctx, id, func(_ *State, f *File) error {
		p := f.Populations[population]
		if p == nil {
			return fmt.Errorf("%w: population %s of %s", audit.ErrNotFound, population, id)
		}
		out, why = *p, f.Withheld(p)
		return nil
	})
	return out, why, err
}
