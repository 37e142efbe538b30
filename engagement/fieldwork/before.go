package fieldwork

import (
	"context"
	"strings"

	"tieout/access"
	"tieout/book"
)

// What follows says whether an act would be refused now, for who has to keep a
// file before it: nothing is put among the firm's files for an act that cannot
// follow. It writes nothing, and asks for what the act asks for.

// MayAccept says why Accept would be refused.
func (b *Book) MayAccept(ctx context.Context, by access.Subject, id string, checks []Checked, letter string) error {
	return b.would(ctx, by, "client.accept", "engagement.accept", on("acceptance", id), book.Anyway, acceptData{book.List(checks), letter})
}

// MayAttach says why Attach would be refused, but that the file is not here.
func (b *Book) MayAttach(ctx context.Context, by access.Subject, id, test string, a Attachment) error {
	return b.would(ctx, by, "test.mark", "paper.attach", on("paper", id, test), book.Anyway, attachData{a.Name, a.Media, a.Digest, a.Size})
}

// MayAddToArchive says why AddToArchive would be refused, but that the file is not
// here.
func (b *Book) MayAddToArchive(ctx context.Context, by access.Subject, id, name, sum string, size int64, why string) error {
	return b.would(ctx, by, "file.assemble", "archive.add", on("archive", id), book.Anyway, additionData{name, sum, size, why})
}

// MayMark says why Mark would be refused: a file of marks is looked at as a whole
// before the first of them is made.
func (b *Book) MayMark(ctx context.Context, by access.Subject, id, test string, c Cell, v Verdict, base int64) error {
	v.Evidence = book.List(v.Evidence)
	return b.would(ctx, by, "test.mark", "cell.mark", CellOn(id, test, c), base, v)
}

func (b *Book) would(ctx context.Context, by access.Subject, right access.PermissionID, kind, on string, base int64, data any) error {
	_, rest, _ := strings.Cut(on, ":")
	id, _, _ := strings.Cut(rest, "/")
	if err := access.Require(by, right, in(id)); err != nil {
		return err
	}
	return b.book.Would(ctx, by, kind, on, base, data)
}
