package trust

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tieout/audit"
	"tieout/book"
)

var useTakers = map[string]taker{"access.agree": agree, "access.view": view, "access.fetch": fetch}

const (
	// SameView is how long a page that is loaded again is the same look at it.
	SameView = time.Hour
	// MaxFetches is how many copies one grant can take.
	MaxFetches = 20
)

// lasting is a grant under which something can be done now.
func (s *State) lasting(e book.Entry) (*Grant, error) {
	id, err := on(e, "grant")
	if err = book.First(err, fromDoor(e)); err != nil {
		return nil, err
	}
	g := s.Grants[id]
	switch {
	case g == nil:
		return nil, fmt.Errorf("%w: grant %s", audit.ErrNotFound, id)
	case !g.Ended(e.At).IsZero():
		return nil, fmt.Errorf("%w: access %s has ended", audit.ErrForbidden, id)
	}
	return g, nil
}

type agreeData struct {
	Digest string `json:"digest"`
	Name   string `json:"name"`
	Title  string `json:"title"`
}

// Agree keeps that whoever holds a grant's link agreed to the terms: to the text with
// that digest, which has to be the one in force.
func (b *Book) Agree(ctx context.Context, address, grant, digest, name, title string) error {
	_, err := b.book.Write(ctx, Outsider(address), "access.agree", "grant:"+grant, book.Anyway, agreeData{digest, name, title})
	return err
}

func agree(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[agreeData](e)
	if err = book.First(err, book.Digest("digest", d.Digest), book.OneLine("name", d.Name, 2), book.OneLine("title", d.Title, 2)); err != nil {
		return book.Change{}, err
	}
	g, err := s.lasting(e)
	switch {
	case err != nil:
		return book.Change{}, err
	case !g.Agrees():
		return book.Change{}, book.TooEarly("nothing is left to agree to")
	case s.Terms == nil || s.Terms.Digest != d.Digest:
		return book.Change{}, book.TooEarly("the terms have changed since you opened them; read them again")
	}
	t := s.Terms
	return book.Change{What: fmt.Sprintf("version %d of the terms was agreed to by %s, %s", t.Version, d.Name, d.Title), Do: func() {
		g.Agreed = &Agreement{Digest: d.Digest, Version: t.Version, Name: d.Name, Title: d.Title, At: e.At, Record: e.Record}
	}}, nil
}

// View keeps that whoever holds a grant's link looked at the report. What is looked
// at again within SameView is the same look and not kept twice.
func (b *Book) View(ctx context.Context, address, grant string) error {
	seen := false
	err := b.Read(ctx, func(s *State) error {
		g := s.Grants[grant]
		seen = g != nil && g.Ended(b.now()).IsZero() && g.seen(b.now())
		return nil
	})
	if err != nil || seen {
		return err
	}
	_, err = b.book.Write(ctx, Outsider(address), "access.view", "grant:"+grant, book.Anyway, struct{}{})
	return err
}

// seen reports whether a look at an instant belongs to the last one.
func (g *Grant) seen(at time.Time) bool {
	n := len(g.Views)
	return n > 0 && at.Before(g.Views[n-1].Add(SameView))
}

func view(s *State, e book.Entry) (book.Change, error) {
	if _, err := book.Data[struct{}](e); err != nil {
		return book.Change{}, err
	}
	g, err := s.agreed(e)
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "looked at", Do: func() { g.Views = append(g.Views, e.At) }}, nil
}

// agreed is a grant under which the report can be seen now.
func (s *State) agreed(e book.Entry) (*Grant, error) {
	g, err := s.lasting(e)
	if err == nil && g.Agrees() {
		err = fmt.Errorf("%w: the terms are agreed to first", audit.ErrForbidden)
	}
	return g, err
}

type fetchData struct {
	Copy   string `json:"copy"`
	Digest string `json:"digest"`
}

// MayFetch says why no copy can be taken under a grant now: audit.ErrForbidden where
// it ended, audit.ErrConflict where enough were taken. It is asked before a copy is
// made; Fetch asks again.
func (b *Book) MayFetch(ctx context.Context, address, grant string) error {
	return b.book.Would(ctx, Outsider(address), "access.fetch", "grant:"+grant, book.Anyway, fetchData{"CP-1", DigestOf("")})
}

// Fetch keeps that a copy that was made goes out to whoever holds a grant's link. It
// is written before the copy leaves.
func (b *Book) Fetch(ctx context.Context, address, grant, number, digest string) error {
	_, err := b.book.Write(ctx, Outsider(address), "access.fetch", "grant:"+grant, book.Anyway, fetchData{number, digest})
	return err
}

func fetch(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[fetchData](e)
	if err = book.First(err, book.OneLine("copy", d.Copy, 1), book.Digest("digest", d.Digest)); err != nil {
		return book.Change{}, err
	}
	g, err := s.agreed(e)
	switch {
	case err != nil:
		return book.Change{}, err
	case len(g.Fetches) >= MaxFetches:
		return book.Change{}, book.TooEarly("%d copies were taken with this link, which is all it gives; ask who gave it", MaxFetches)
	}
	return book.Change{What: "copy " + d.Copy + " was taken", Do: func() { g.Fetches = append(g.Fetches, Fetch{d.Copy, d.Digest, e.At, e.Record}) }}, nil
}

// All are the requests, the newest first, and the grants likewise, as copies.
func (b *Book) All(ctx context.Context) (requests []Request, grants []Grant, err error) {
	err = b.Read(ctx, func(s *State) error {
		for _, r := range book.Sorted(s.Requests) {
			requests = append(requests, *r)
		}
		for _, g := range book.Sorted(s.Grants) {
			grants = append(grants, *g)
		}
		return nil
	})
	slices.Reverse(requests)
	slices.Reverse(grants)
	return requests, grants, err
}

// Request returns one request, or audit.ErrNotFound.
func (b *Book) Request(ctx context.Context, id string) (out Request, err error) {
	err = b.Read(ctx, func(s *State) error {
		r := s.Requests[id]
		if r == nil {
			return fmt.Errorf("%w: request %.40q", audit.ErrNotFound, id)
		}
		out = *r
		return nil
	})
	return out, err
}

// Grant returns one grant with its history, or audit.ErrNotFound.
func (b *Book) Grant(ctx context.Context, id string) (out Grant, lines []book.Line, err error) {
	err = b.Read(ctx, func(s *State) error {
		g := s.Grants[id]
		if g == nil {
			return fmt.Errorf("%w: grant %.40q", audit.ErrNotFound, id)
		}
		out, lines = *g, s.History("grant:"+id)
		return nil
	})
	return out, lines, err
}

// InForce are the terms in force, with the revision of the next; nil where none are
// set.
func (b *Book) InForce(ctx context.Context) (out *Terms, revision int64, err error) {
	err = b.Read(ctx, func(s *State) error {
		if s.Terms != nil {
			t := *s.Terms
			out = &t
		}
		revision = s.Revision(termsObject)
		return nil
	})
	return out, revision, err
}
