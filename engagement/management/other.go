package management

import (
	"context"
	"fmt"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/internal/unwritten"
)

// maxOther is how many sections of other information a description may have.
const maxOther = 50

type otherData struct {
	Sections []engagement.Information `json:"sections"`
}

// TellOther says what management tells beside its description, all of it anew: the
// report prints it in Section V, as what nobody examined. It needs
// description.write; base is State.Revision of "other:EN-1". A report for general use
// has no such section.
func (b *Book) TellOther(ctx context.Context, by access.Subject, id string, list []engagement.Information, base int64) error {
	if err := access.Require(by, "description.write", of(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "description.other", named("other", id), base, otherData{book.List(list)})
	return err
}

func tellOther(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[otherData](e)
	x, _, xerr := s.on(e, "other")
	if err = book.First(err, xerr, book.When(len(d.Sections) > maxOther, fmt.Sprintf("at most %d sections of other information", maxOther))); err != nil {
		return book.Change{}, err
	}
	seen := map[string]bool{}
	for i, o := range d.Sections {
		err := book.First(book.OneLine(fmt.Sprintf("title of section %d", i+1), o.Title, 1), book.Text(o.Title, o.Text, 1, maxText), book.When(seen[o.Title], o.Title+" is there twice"))
		if err != nil {
			return book.Change{}, err
		}
		seen[o.Title] = true
	}
	if x.Terms.Type == engagement.SOC3 && len(d.Sections) > 0 {
		return book.Change{}, fmt.Errorf("%w: a %s prints no other information: there is no Section V", audit.ErrInvalid, x.Terms.Type)
	}
	if err := book.First(x.open(), x.notIssued()); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: fmt.Sprintf("%d sections of other information", len(d.Sections)), Do: func() {
		x.Other, x.OtherAt, x.OtherRevision = d.Sections, e.At, s.Revision(e.On)+1
	}}, nil
}

// otherWhole takes what was seen of the other information off the end of what was
// seen, and refuses to finish what was not read or not written to its end.
func (x *Side) otherWhole(d *finishData, sections int) error {
	if len(x.Other) == 0 {
		return nil
	}
	if len(d.Seen) != sections+1 {
		return fmt.Errorf("%w: say which revision of each of %d sections was read, and after them that of the other information", audit.ErrInvalid, sections)
	}
	if d.Seen[sections] != x.OtherRevision {
		return book.TooEarly("the other information has changed since you read it")
	}
	for _, o := range x.Other {
		if m := unwritten.Find(o.Title + "\n" + o.Text); m != "" {
			return book.TooEarly("the other information, %s, still holds %q", o.Title, m)
		}
	}
	d.Seen = d.Seen[:sections]
	return nil
}
