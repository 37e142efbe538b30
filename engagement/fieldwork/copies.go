package fieldwork

import (
	"context"
	"fmt"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

var copyTakers = map[string]taker{"report.copy": copyReport}

var copyGates = []Gate{
	{"report.copy", "the report is issued and in force", (*ground).inForce},
	{"report.copy", "the copy is of a file of the report in force", (*ground).copied},
}

func (g *ground) copied() string {
	last := g.f.latest()
	if last == nil || g.copies.Report == "" {
		return "" // the gate before says so, or nothing is asked for yet
	}
	for _, x := range last.Digests {
		if last.Report == g.copies.Report && x.Name == g.copies.File {
			return ""
		}
	}
	return "the report in force has no such file"
}

// CopyReport keeps that a copy of the issued report was made for a recipient, under
// the next free number. mint makes the copy under that number and says what became
// of it; it is called again where the number was taken meanwhile. The entry is
// written before the copy leaves, so that none is out without one. It needs
// report.copy.
func (b *Book) CopyReport(ctx context.Context, by access.Subject, id string, mint func(number string) (engagement.Copy, error)) (engagement.Copy, error) {
	var c engagement.Copy
	if err := access.Require(by, "report.copy", in(id)); err != nil {
		return c, err
	}
	_, err := b.numbered(ctx, by, "copy", id, "CP", func(n string) (err error) {
		if c, err = mint(n); err != nil {
			return err
		}
		c.ID = n
		_, err = b.book.Write(ctx, by, "report.copy", on("copy", id, n), 0, c)
		return err
	})
	return c, err
}

// member refuses an act of somebody who is not on the team.
func (f *File) member(e book.Entry) error {
	if m := f.Team[e.By.Name]; m == nil || !m.Until.IsZero() || m.Duty == DutyQuality {
		return fmt.Errorf("%w: the team of %s does that", audit.ErrForbidden, f.Terms.ID)
	}
	return nil
}

func copyReport(s *State, e book.Entry) (book.Change, error) {
	c, err := book.Data[engagement.Copy](e)
	f, id, ferr := s.on(e, "copy")
	if err = first(err, ferr, c.Check(), when(c.ID != id, "id: the copy has another number than its entry")); err == nil {
		err = first(f.independent(e.By.Name), f.member(e))
	}
	if err != nil {
		return book.Change{}, err
	}
	g := &ground{s: s, f: f, e: e, copies: c}
	if err := g.hold("report.copy"); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "copy " + id + " of the report is made for " + c.For, Do: func() {
		f.Copies = append(f.Copies, &engagement.Share{Copy: c, By: e.By.Name, At: e.At, Record: e.Record})
	}}, nil
}
