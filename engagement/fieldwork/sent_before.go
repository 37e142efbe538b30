package fieldwork

import (
	"context"
	"maps"
	"slices"
	"strings"

	"tieout/access"
	"tieout/book"
	"tieout/engagement"
)

// sentBefore looks for what a request with an idempotency key wrote when it was
// sent before. It is for acts that compute what they write, out of chance or out of
// a file that has grown since. on is the object; of what got its number by the act
// it is what stands before that, "sample:EN-1/", and of is the number then. Where
// the entry is on another object, or not alike what is asked for now, it is
// book.ErrKeyUsed.
func sentBefore[T any](ctx context.Context, b *Book, by access.Subject, kind, on string, alike func(T) bool) (of string, known bool, err error) {
	e, known, err := b.book.Wrote(ctx, by, kind)
	if err != nil || !known {
		return "", false, err
	}
	d, err := book.Data[T](e)
	if err != nil {
		return "", false, err
	}
	of, here := strings.CutPrefix(e.On, on)
	if numbered := strings.HasSuffix(on, "/"); !here || numbered == (of == "") || !alike(d) {
		return "", false, book.ErrKeyUsed
	}
	return of, true, nil
}

// ordered reports whether a draw is what an order asks for.
func (d drawData) ordered(o Order) bool {
	x, size := d.Sample, 0
	for _, dr := range x.Draws {
		size += dr.Size
	}
	sized := size == o.Size && x.Basis == o.Basis
	switch {
	case o.Method == engagement.EveryItem, o.Method == engagement.Judgmental:
		sized = o.Basis == "" || x.Basis == o.Basis
	case o.Size == 0:
		sized = d.Risk == string(o.Risk) && d.Frequency == o.Frequency
	}
	return sized && x.Population == o.Population && x.Control == o.Control && x.Method == o.Method && x.Why == o.Why && maps.Equal(d.Reasons, o.Picked) && slices.Equal(d.Stages, o.Stages)
}

// Issued returns the report that a request with an idempotency key issued when it
// was sent before; known is false where it issued none. report is the digest of the
// one that is asked for, "" for whichever.
func (b *Book) Issued(ctx context.Context, by access.Subject, id, report string) (r engagement.Release, known bool, err error) {
	_, known, err = sentBefore(ctx, b, by, "report.issue", on("report", id), func(d issueData) bool { r = d.release(); return report == "" || d.Report == report })
	return r, known, err
}

// GivenDraft returns the draft that a request with an idempotency key gave when it was
// sent before; known is false where it gave none.
func (b *Book) GivenDraft(ctx context.Context, by access.Subject, id, due string) (x engagement.Draft, known bool, err error) {
	_, known, err = sentBefore(ctx, b, by, "draft.give", on("draft", id), func(d draftData) bool { x = d.Draft; return d.Draft.Due == due })
	return x, known, err
}
