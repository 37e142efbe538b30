package management

import (
	"context"
	"fmt"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

var findingTakers = map[string]taker{"finding.release": hearFinding, "finding.answer": answerFinding}

// A Finding is an exception the firm released, and management's response to it.
type Finding struct {
	engagement.Finding
	Response *engagement.Response
	By       string
	Steps    []Step
}

// TakeFindings takes exceptions the firm released.
func (b *Book) TakeFindings(ctx context.Context, by access.Subject, id string, list []engagement.Finding) error {
	for _, f := range list {
		if err := b.take(ctx, by, "finding.release", named("finding", id, f.ID), id, f); err != nil {
			return err
		}
	}
	return nil
}

func hearFinding(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[engagement.Finding](e)
	x, rest, xerr := s.on(e, "finding")
	if err = book.First(err, xerr, book.When(d.ID != rest || d.ID == "", "the entry is on another exception"), book.Text("text", d.Text, 1, maxText)); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "released by the auditor", Do: func() {
		f := x.Findings[d.ID]
		if f == nil {
			f = &Finding{}
			x.Findings[d.ID] = f
		}
		f.Finding = d
		f.Steps = append(f.Steps, Step{At: e.At, By: e.By.Name, What: "released"})
	}}, nil
}

// Respond states management's response to an exception: whether it agrees, the
// cause, the effect, what was done. A final one stays as it is. It needs
// deviation.answer on the control the exception is of.
func (b *Book) Respond(ctx context.Context, by access.Subject, id string, r engagement.Response, base int64) error {
	err := b.Read(ctx, func(s *State) error {
		x, err := s.Side(id)
		if err != nil {
			return err
		}
		o := of(id)
		if f := x.Findings[r.Finding]; f != nil {
			o.Controls = []string{f.Control}
		}
		return access.Require(by, "deviation.answer", o)
	})
	if err != nil {
		return err
	}
	_, err = b.book.Write(ctx, by, "finding.answer", named("finding", id, r.Finding), base, r)
	return err
}

func answerFinding(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[engagement.Response](e)
	x, rest, xerr := s.on(e, "finding")
	if err = book.First(err, xerr, book.Text("cause", d.Cause, 0, maxText), book.Text("effect", d.Effect, 0, maxText), book.Text("done", d.Done, 0, maxText),
		book.OneLine("status", d.Status, 0), book.OneLine("owner", d.Owner, 0), book.When(d.Finding != rest, "the entry is on another exception"),
		book.When(d.Final && (strings.TrimSpace(d.Cause) == "" || strings.TrimSpace(d.Done) == ""), "a final response states the cause and what was done")); err != nil {
		return book.Change{}, err
	}
	f := x.Findings[rest]
	if f == nil {
		return book.Change{}, fmt.Errorf("%w: exception %s", audit.ErrNotFound, rest)
	}
	if err := x.open(); err != nil {
		return book.Change{}, err
	}
	if f.Response != nil && f.Response.Final {
		return book.Change{}, book.TooEarly("the response to %s is final", rest)
	}
	what := "response drafted"
	if d.Final {
		what = "response is final"
	}
	return book.Change{What: what, Do: func() {
		f.Response, f.By = &d, e.By.Name
		f.Steps = append(f.Steps, Step{At: e.At, By: e.By.Name, What: what})
	}}, nil
}
