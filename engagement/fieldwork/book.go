package fieldwork

import (
	"context"
	"fmt"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

// Read calls f with the firm's files as of the newest entry of its log. f keeps
// nothing of the state beyond its return and changes nothing of it.
func (b *Book) Read(ctx context.Context, f func(*State) error) error { return b.book.Read(ctx, f) }

// ReadFile is Read for one engagement's file; audit.ErrNotFound if there is none.
func (b *Book) ReadFile(ctx context.Context, id string, f func(*State, *File) error) error {
	return b.Read(ctx, func(s *State) error {
		file, err := s.file(id)
		if err != nil {
			return err
		}
		return f(s, file)
	})
}

// on is the file an entry belongs to and the object's ID in it, "" for the
// engagement itself: S-4 of "sample:EN-1/S-4". kind is what the entry has to be on.
func (s *State) on(e book.Entry, kind string) (*File, string, error) {
	if have, _, _ := strings.Cut(e.On, ":"); have != kind {
		return nil, "", fmt.Errorf("%w: an entry %s is on a %s, not on %s", audit.ErrInvalid, e.Kind, kind, e.On)
	}
	return s.fileOf(e)
}

// on names an object of an engagement in entries.
func on(kind, engagement string, id ...string) string {
	return kind + ":" + strings.Join(append([]string{engagement}, id...), "/")
}

// in is what a permission is asked for: something of one engagement.
func in(engagement string) access.Object { return access.Object{Engagements: []string{engagement}} }

// take writes an entry that counts whatever was written before it, as what came
// by a packet does. A person who carries files by hand needs request.write; the
// server's own receiver, which checked the packet's signature, needs no role.
func (b *Book) take(ctx context.Context, by access.Subject, kind, on, engagement string, data any) error {
	if err := mayTake(by, engagement); err != nil {
		return err
	}
	by, err := book.Within(by, kind, on, data)
	if err != nil {
		return err
	}
	_, err = b.book.Write(ctx, by, kind, on, book.Anyway, data)
	return err
}

func mayTake(by access.Subject, engagement string) error {
	if by.Kind == audit.ActorConnector && by.Workspace == access.Firm && by.Account != "" && by.Token == "" && by.Limit == nil {
		return nil
	}
	return access.Require(by, "request.write", in(engagement))
}

// open refuses what comes after an engagement ended, or after its report.
func (f *File) open() error {
	switch {
	case f.State.Over():
		return tooEarly("engagement %s is %s: nothing more is added to its file", f.Terms.ID, f.State)
	case f.State.Place() >= engagement.Issued.Place():
		return tooEarly("the report of %s is issued: what is found now goes into a superseding report, never into this file", f.Terms.ID)
	}
	return nil
}

// independent refuses an act of somebody who did not declare to be independent
// of this client, or whose conflict no partner approved a safeguard for.
func (f *File) independent(account string) error {
	d := f.Independence[account]
	switch {
	case d == nil:
		return tooEarly("declare your independence for %s first: nobody acts on an engagement before that", f.Terms.ID)
	case !d.Clear():
		return tooEarly("a conflict was declared and no partner has approved a safeguard: %s", d.Conflict)
	}
	return nil
}

// MayWork refuses work on the engagement's file by who is not ready for it:
// the report is out, the engagement was not accepted by a partner, or the person
// did not declare independence or is not on the team. The quality reviewer
// stands outside the team.
func (f *File) MayWork(e book.Entry) error {
	if err := f.open(); err != nil {
		return err
	}
	if err := f.independent(e.By.Name); err != nil {
		return err
	}
	m := f.Team[e.By.Name]
	switch {
	case f.Accepted == nil:
		return tooEarly("a partner accepts the client and the engagement first")
	case m == nil || !m.Until.IsZero():
		return fmt.Errorf("%w: you are not on the team of %s", audit.ErrForbidden, f.Terms.ID)
	case m.Duty == DutyQuality:
		return fmt.Errorf("%w: the quality reviewer stands outside the team and does no work of it", audit.ErrForbidden)
	}
	return nil
}

// byPerson refuses an entry that no person made.
func byPerson(e book.Entry) error {
	if e.By.Kind != audit.ActorPerson {
		return fmt.Errorf("%w: only a person does that", audit.ErrForbidden)
	}
	return nil
}
