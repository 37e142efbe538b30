package management

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

var copyTakers = map[string]taker{"report.copy": copyReport}

// InForce is the report that is in force: the newest one, where it was not
// withdrawn; nil where there is none.
func (x *Side) InForce() *Release {
	if n := len(x.Releases); n > 0 && x.Releases[n-1].Withdrawn == "" {
		return &x.Releases[n-1]
	}
	return nil
}

// CopyReport keeps that a copy of the issued report was made for a recipient, under
// the next free number. mint makes the copy under that number and says what became
// of it; it is called again where the number was taken meanwhile. The entry is
// written before the copy leaves, so that none is out without one. It needs
// report.share.
func (b *Book) CopyReport(ctx context.Context, by access.Subject, id string, mint func(number string) (engagement.Copy, error)) (engagement.Copy, error) {
	if err := access.Require(by, "report.share", of(id)); err != nil {
		return engagement.Copy{}, err
	}
	return b.copyReport(ctx, by, id, mint)
}

// CopyGranted is CopyReport for a recipient who takes their copy themselves, under
// access that somebody with the right gave them before; grant is its number. Only
// the server's own door does this, which checked the access: it has no role, and
// anybody else is audit.ErrForbidden.
func (b *Book) CopyGranted(ctx context.Context, by access.Subject, id, grant string, mint func(number string) (engagement.Copy, error)) (engagement.Copy, error) {
	if by.Kind != audit.ActorConnector || by.Workspace != access.Company || by.Account == "" || by.Token != "" || by.Limit != nil || grant == "" {
		return engagement.Copy{}, fmt.Errorf("%w: only the server hands a copy to who shows a link", audit.ErrForbidden)
	}
	return b.copyReport(ctx, by, id, func(number string) (engagement.Copy, error) {
		c, err := mint(number)
		c.Grant = grant
		return c, err
	})
}

func (b *Book) copyReport(ctx context.Context, by access.Subject, id string, mint func(number string) (engagement.Copy, error)) (c engagement.Copy, err error) {
	_, err = b.book.Numbered(ctx, by, "copy", id+"/CP", func(full string) (err error) {
		if c, err = mint(strings.TrimPrefix(full, id+"/")); err != nil {
			return err
		}
		c.ID = strings.TrimPrefix(full, id+"/")
		_, err = b.book.Write(ctx, by, "report.copy", "copy:"+full, 0, c)
		return err
	})
	return c, err
}

func copyReport(s *State, e book.Entry) (book.Change, error) {
	c, err := book.Data[engagement.Copy](e)
	x, rest, xerr := s.on(e, "copy")
	if err = book.First(err, xerr, c.Check(), book.When(c.ID != rest, "id: the copy has another number than its entry")); err != nil {
		return book.Change{}, err
	}
	r := x.InForce()
	switch {
	case r == nil:
		return book.Change{}, book.TooEarly("no report is here that is in force")
	case r.Report != c.Report || !slices.Contains(r.Files, c.File):
		return book.Change{}, book.TooEarly("the report in force has no such file")
	}
	return book.Change{What: "copy " + rest + " of the report is made for " + c.For, Do: func() {
		x.Copies = append(x.Copies, engagement.Share{Copy: c, By: e.By.Name, At: e.At, Record: e.Record})
	}}, nil
}
