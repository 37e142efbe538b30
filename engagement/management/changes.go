package management

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

var changeTakers = map[string]taker{"change.decide": decideChange}

// A Ruling is what a signer of management decided about a change to the system or
// its controls: whether readers have to be told of it.
type Ruling struct {
	Disclosed bool
	Why       string
	By        string
	At        time.Time
	Revision  int64 // Base of the next decision
}

// changeName is what a change is called: IAM-06@2026-06-01, component/eu@2026-05-01.
var changeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,160}@[0-9]{4}-[0-9]{2}-[0-9]{2}$`)

type changeData struct {
	Disclosed bool   `json:"disclosed"`
	Why       string `json:"why"`
}

// DecideChange decides whether the description, and a bridge letter, tell of a
// change: ref names it, such as IAM-06@2026-06-01. It needs assertion.sign; base
// is the Revision of the decision before, 0 for the first.
func (b *Book) DecideChange(ctx context.Context, by access.Subject, id, ref string, disclosed bool, why string, base int64) error {
	if err := access.Require(by, "assertion.sign", of(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "change.decide", named("change", id, ref), base, changeData{disclosed, why})
	return err
}

func decideChange(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[changeData](e)
	x, ref, xerr := s.on(e, "change")
	if err = book.First(err, xerr, book.Text("why", d.Why, 1, maxText)); err != nil {
		return book.Change{}, err
	}
	if !changeName.MatchString(ref) {
		return book.Change{}, fmt.Errorf("%w: a change is named like IAM-06@2026-06-01", audit.ErrInvalid)
	}
	if err := x.open(); err != nil {
		return book.Change{}, err
	}
	what := "not disclosed: "
	if d.Disclosed {
		what = "disclosed: "
	}
	return book.Change{What: what + d.Why, Do: func() {
		if x.Changes == nil {
			x.Changes = map[string]*Ruling{}
		}
		x.Changes[ref] = &Ruling{d.Disclosed, d.Why, e.By.Name, e.At, e.Base + 1}
	}}, nil
}
