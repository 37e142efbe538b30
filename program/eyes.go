package program

import (
	"context"
	"fmt"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

// A belongs says whose an account of this workspace is.
type belongs struct {
	person string // "": that was undone
	sure   bool   // a second person stands behind it where one has to
}

// Eyes tells the people behind accounts apart, as of the newest entry. It may be
// kept: entries written later do not change it.
//
// Two accounts linked to one person item are one person, whoever said so. Where
// one of the two acted at a shell, which asks nobody to sign in, they are two
// only once both are linked to different people, and each link is sure: made by
// somebody else than that person, or confirmed by a second one.
func (s *State) Eyes() access.Eyes {
	persons := s.persons
	return func(one, other string) string {
		a, b := persons[one], persons[other]
		switch {
		case a.person != "" && a.person == b.person:
			return "it was prepared by an account of the same person as yours"
		case access.IsAccount(one) && access.IsAccount(other):
			return ""
		case a.person == "" || b.person == "":
			return fmt.Sprintf("%s acted at a shell, and it is not known that you are two people. Link both accounts to their people, under People", atShell(one, other))
		case !a.sure || !b.sure:
			return fmt.Sprintf("%s acted at a shell, and who that is was not confirmed by a second person yet. Somebody else confirms it under People, Whose is it", atShell(one, other))
		}
		return ""
	}
}

// atShell is the one of two names that is no account's.
func atShell(one, other string) string {
	if access.IsAccount(other) {
		return one
	}
	return other
}

// Eyes tells the people behind accounts apart, see State.Eyes.
func (b *Book) Eyes(ctx context.Context) (eyes access.Eyes, err error) {
	err = b.Read(ctx, func(s *State) error { eyes = s.Eyes(); return nil })
	return eyes, err
}

// second asks for a permission that needs a second person beside those who
// prepared something, whoever asks and from where.
func (b *Book) second(ctx context.Context, by access.Subject, id access.PermissionID, on access.Object) (err error) {
	if by.Eyes, err = b.Eyes(ctx); err != nil {
		return err
	}
	return access.Require(by, id, on)
}

// needsSecond reports whether a link that says whose an account is has to be
// confirmed by somebody else: one's own, and that of or by a name at a shell.
func (s *State) needsSecond(account, person, by string) bool {
	return by == account || s.persons[by].person == person || !access.IsAccount(account) || !access.IsAccount(by)
}

// secondIdentity confirms a link that needs two people.
func secondIdentity(s *State, e Entry) (book.Change, error) {
	_, thing, d, known, err := s.identity(e)
	by := e.By.Name
	switch {
	case err != nil:
		return book.Change{}, err
	case known.Person == "" || known.Person != d.Person || !known.Waits:
		return book.Change{}, fmt.Errorf("%w: no link of %s to %s waits for a second person", audit.ErrConflict, thing, d.Person)
	case by == thing || by == known.By || !access.IsAccount(by) || s.persons[by].person == d.Person || s.Eyes()(by, known.By) != "" && access.IsAccount(known.By):
		return book.Change{}, fmt.Errorf("%w: that %s is %s is confirmed by somebody else than who said so and than whose it is, signed in under their own account", audit.ErrForbidden, thing, d.Person)
	}
	return book.Change{What: "confirmed by a second person: belongs to " + d.Person, Do: func() {
		known.Waits, known.Second = false, by
		s.keep(e, known)
	}}, nil
}
