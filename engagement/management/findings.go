package management

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/internal/canonical"
)

var findingTakers = map[string]taker{"finding.release": hearFinding, "finding.answer": answerFinding, "finding.final": finishResponse}

// A Finding is an exception the firm released, and management's response to it.
type Finding struct {
	engagement.Finding
	Response *engagement.Response
	By       string
	Drafted  []string // accounts that wrote the response; none of them makes it final
	Steps    []Step
	Reopened int // how often a final response was opened again, because the facts changed
}

// hear takes the facts as the firm released them now. A response that was final to
// other facts is a draft again: management has not responded to these.
func (f *Finding) hear(d engagement.Finding, e book.Entry) {
	what := "released"
	if d.Withdrawn {
		what = "withdrawn: " + d.Why
	}
	f.Steps = append(f.Steps, Step{At: e.At, By: e.By.Name, What: what})
	if !d.Withdrawn && f.Response != nil && f.Response.Final && !alike(f.Finding, d) {
		r := *f.Response
		r.Final = false
		f.Response, f.Reopened = &r, f.Reopened+1
		f.Steps = append(f.Steps, Step{At: e.At, By: e.By.Name, What: "the facts changed: the response is a draft again"})
	}
	f.Finding = d
}

// Waits reports whether the exception has no final response of management: one that
// the auditor withdrew needs none.
func (f *Finding) Waits() bool { return !f.Withdrawn && (f.Response == nil || !f.Response.Final) }

// alike reports whether two releases of an exception say the same.
func alike(a, b engagement.Finding) bool {
	a.Items, b.Items = book.List(a.Items), book.List(b.Items)
	x, err := canonical.Marshal(a)
	y, yerr := canonical.Marshal(b)
	return err == nil && yerr == nil && bytes.Equal(x, y)
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
	if err = book.First(err, xerr, book.When(d.ID != rest || d.ID == "", "the entry is on another exception"), book.Text("text", d.Text, 1, maxText), book.Text("why", d.Why, 0, maxText)); err != nil {
		return book.Change{}, err
	}
	what := "released by the auditor"
	if d.Withdrawn {
		what = "withdrawn by the auditor: " + d.Why
	}
	return book.Change{What: what, Do: func() {
		f := x.Findings[d.ID]
		if f == nil {
			f = &Finding{}
			x.Findings[d.ID] = f
		}
		f.hear(d, e)
	}}, nil
}

// Respond drafts management's response to an exception: whether it agrees, the
// cause, the effect, what was done. The firm gets it once it is final
// (FinishResponse); a final one stays as it is while the facts do.
// It needs deviation.answer on the control the exception is of, which is of the
// workspace's systems.
func (b *Book) Respond(ctx context.Context, by access.Subject, id string, r engagement.Response, base int64, systems ...string) error {
	if r.Final {
		return fmt.Errorf("%w: final: a response is drafted; a management signer who did not write it makes it final", audit.ErrInvalid)
	}
	err := b.Read(ctx, func(s *State) error {
		x, err := s.Side(id)
		if err != nil {
			return err
		}
		o := of(id)
		if f := x.Findings[r.Finding]; f != nil {
			o.Controls, o.Systems = []string{f.Control}, systems
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
	if err := book.First(x.open(), x.notIssued()); err != nil {
		return book.Change{}, err
	}
	if f.Withdrawn {
		return book.Change{}, book.TooEarly("the auditor withdrew exception %s: nothing is to be answered", rest)
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
		if !slices.Contains(f.Drafted, e.By.Name) {
			f.Drafted = append(f.Drafted, e.By.Name)
		}
		f.Steps = append(f.Steps, Step{At: e.At, By: e.By.Name, What: what})
	}}, nil
}

// FinishResponse makes the drafted response final, as management's: the firm gets it
// and the report prints it. It needs response.final, of somebody else than those who
// wrote it; base is the exception's revision as the draft was read.
// by.Eyes tells people apart (program.Book.Eyes).
func (b *Book) FinishResponse(ctx context.Context, by access.Subject, id, finding string, base int64, systems ...string) error {
	err := b.Read(ctx, func(s *State) error {
		x, err := s.Side(id)
		if err != nil {
			return err
		}
		f := x.Findings[finding]
		if f == nil {
			return access.Require(by, "response.final", access.Object{Engagements: []string{id}, Prepared: []string{access.ByProgram}})
		}
		return access.Require(by, "response.final", f.ToFinish(id, systems...))
	})
	if err != nil {
		return err
	}
	_, err = b.book.Write(ctx, by, "finding.final", named("finding", id, finding), base, finalData{finding})
	return err
}

// ToFinish is what response.final is asked for: the exception, with who wrote the
// response to it.
func (f *Finding) ToFinish(id string, systems ...string) access.Object {
	o := of(id)
	o.Controls, o.Systems, o.Prepared = []string{f.Control}, systems, f.Drafted
	if len(o.Prepared) == 0 {
		o.Prepared = []string{access.ByProgram} // nothing is written, which the act itself refuses
	}
	return o
}

type finalData struct {
	Finding string `json:"finding"`
}

func finishResponse(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[finalData](e)
	x, rest, xerr := s.on(e, "finding")
	if err = book.First(err, xerr, book.When(d.Finding != rest, "the entry is on another exception")); err != nil {
		return book.Change{}, err
	}
	f := x.Findings[rest]
	if f == nil {
		return book.Change{}, fmt.Errorf("%w: exception %s", audit.ErrNotFound, rest)
	}
	if err := book.First(x.open(), x.notIssued(), f.finishable(e.By.Name)); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "response is final", Do: func() {
		r := *f.Response
		r.Final = true
		f.Response = &r
		f.Steps = append(f.Steps, Step{At: e.At, By: e.By.Name, What: "response is final"})
	}}, nil
}

// finishable refuses to make final what is not drafted, not whole, or one's own.
func (f *Finding) finishable(by string) error {
	r := f.Response
	switch {
	case f.Withdrawn:
		return book.TooEarly("the auditor withdrew exception %s: nothing is to be answered", f.ID)
	case r == nil:
		return book.TooEarly("no response to %s is drafted: who answers for %s, or a compliance lead, writes it", f.ID, f.Control)
	case r.Final:
		return book.TooEarly("the response to %s is final", f.ID)
	case strings.TrimSpace(r.Cause) == "" || strings.TrimSpace(r.Done) == "":
		return book.TooEarly("the response to %s is not whole: a final response states the cause and what was done", f.ID)
	case slices.Contains(f.Drafted, by):
		return fmt.Errorf("%w: you wrote the response to %s; another management signer makes it final", audit.ErrForbidden, f.ID)
	}
	return nil
}
