package program

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

// What an identity can be of.
const (
	OfTieout  = "tieout"  // an account of this workspace
	OfAccount = "account" // an account item: a sign-in to another system
	OfDevice  = "device"  // a device item
)

// An Identity is what people decided about whose one account or device is. A
// proposal is never one: it becomes one when a person confirms it.
type Identity struct {
	Of       string // OfTieout, OfAccount, OfDevice
	Thing    string // ID of the account or the item
	Person   string // ID of the person item it belongs to; "" where nothing is confirmed
	Basis    string // what it was proposed for, in words
	By       string // account that confirmed it
	At       time.Time
	Waits    bool        // it tells people apart only once a second person has confirmed it, see State.Eyes
	Second   string      // account of that person; "": nobody yet, or nobody has to
	Rejected []Rejection // not proposed again
	Revision int64       // Base of the next change
}

// A Rejection says that a person is not the one.
type Rejection struct {
	Person string
	By     string
	At     time.Time
}

// Refuses reports whether somebody said that it is not that person's.
func (i *Identity) Refuses(person string) bool {
	return i != nil && slices.ContainsFunc(i.Rejected, func(r Rejection) bool { return r.Person == person })
}

var identityTakers = map[string]taker{"identity.link": linkIdentity, "identity.reject": rejectIdentity, "identity.undo": undoIdentity, "identity.second": secondIdentity}

// An identityData names one pair.
type identityData struct {
	Person string `json:"person"`
	Basis  string `json:"basis"`
}

func (d identityData) check() error {
	return allOf(text("person", d.Person, 1, 300), text("basis", d.Basis, 0, 500))
}

// identity reads an entry about one pair, and what was known of the thing.
func (s *State) identity(e Entry) (of, thing string, d identityData, known *Identity, err error) {
	if d, err = book.Data[identityData](e); err == nil {
		err = d.check()
	}
	of, thing, _ = strings.Cut(e.Of(), ":")
	if err == nil {
		err = allOf(oneOf("of", of, OfTieout, OfAccount, OfDevice), text("thing", thing, 1, 500))
	}
	if known = s.Identities[e.On]; known == nil {
		known = &Identity{Of: of, Thing: thing}
	}
	return of, thing, d, known, err
}

func linkIdentity(s *State, e Entry) (book.Change, error) {
	of, thing, d, known, err := s.identity(e)
	switch {
	case err != nil:
		return book.Change{}, err
	case known.Person != "":
		return book.Change{}, fmt.Errorf("%w: %s is linked to %s already. Undo that first", audit.ErrConflict, thing, known.Person)
	case known.Refuses(d.Person):
		return book.Change{}, fmt.Errorf("%w: it was said that %s is not %s. Undo that first", audit.ErrConflict, thing, d.Person)
	}
	return book.Change{What: "belongs to " + d.Person, Do: func() {
		known.Person, known.Basis, known.By, known.At = d.Person, d.Basis, e.By.Name, e.At
		known.Waits, known.Second = of == OfTieout && s.needsSecond(thing, d.Person, e.By.Name), ""
		s.keep(e, known)
		s.fact(e, audit.Fact{Type: "link", ID: known.item(d.Person), Fields: known.fields()})
	}}, nil
}

func rejectIdentity(s *State, e Entry) (book.Change, error) {
	_, thing, d, known, err := s.identity(e)
	switch {
	case err != nil:
		return book.Change{}, err
	case known.Person == d.Person:
		return book.Change{}, fmt.Errorf("%w: %s is linked to %s. Undo that first", audit.ErrConflict, thing, d.Person)
	case known.Refuses(d.Person):
		return book.Change{}, fmt.Errorf("%w: that was said already", audit.ErrConflict)
	}
	return book.Change{What: "does not belong to " + d.Person, Do: func() {
		known.Rejected = append(known.Rejected, Rejection{d.Person, e.By.Name, e.At})
		s.keep(e, known)
	}}, nil
}

// undoIdentity takes back what was said of a pair, either way.
func undoIdentity(s *State, e Entry) (book.Change, error) {
	of, thing, d, known, err := s.identity(e)
	switch {
	case err != nil:
		return book.Change{}, err
	case of == OfTieout && thing == e.By.Name && known.Person == d.Person:
		return book.Change{}, fmt.Errorf("%w: this account is your own: somebody else says that it is not %s's, so that nobody reviews their own access as another person", audit.ErrForbidden, d.Person)
	case known.Person == d.Person:
		return book.Change{What: "no longer said to belong to " + d.Person, Do: func() {
			known.Person, known.Basis, known.By, known.At, known.Waits, known.Second = "", "", "", time.Time{}, false, ""
			s.keep(e, known)
			s.fact(e, audit.Fact{Type: "link", ID: known.item(d.Person), Gone: true})
		}}, nil
	case known.Refuses(d.Person):
		return book.Change{What: "may belong to " + d.Person + " after all", Do: func() {
			known.Rejected = slices.DeleteFunc(known.Rejected, func(r Rejection) bool { return r.Person == d.Person })
			s.keep(e, known)
		}}, nil
	}
	return book.Change{}, fmt.Errorf("%w: nothing was said of that pair", audit.ErrConflict)
}

// keep puts an identity into the register, after the entry that changed it.
func (s *State) keep(e Entry, i *Identity) {
	i.Revision = s.Revision(e.On) + 1
	s.Identities[e.On] = i
	if i.Of == OfTieout {
		s.persons = maps.Clone(s.persons)
		s.persons[i.Thing] = belongs{i.Person, !i.Waits}
		s.retell(e, i.Thing)
	}
}

// item is the ID of the link item a confirmed pair becomes.
func (i *Identity) item(person string) string { return "tieout:" + i.Of + ":" + i.Thing + "|" + person }

// fields are a confirmed pair as evidence says it.
func (i *Identity) fields() map[string]any {
	f := map[string]any{"person": i.Person, "account": "", "device": "", "basis": "confirmed by a person", "confirmed": true, "by": i.By}
	if i.Basis != "" {
		f["basis"] = "confirmed by a person: " + i.Basis
	}
	switch i.Of {
	case OfDevice:
		f["device"] = i.Thing
	case OfTieout:
		f["account"] = "account:" + i.Thing
	default:
		f["account"] = i.Thing
	}
	return f
}

// PersonOf returns the ID of the person item that an account of this workspace
// belongs to, or "account:" and the account's ID, which is no person's, where
// nobody confirmed one.
func (s *State) PersonOf(account string) string {
	if p := s.persons[account].person; p != "" {
		return p
	}
	return "account:" + account
}

// ownerOf is PersonOf where an account is named, else "".
func (s *State) ownerOf(account string) string {
	if account == "" {
		return ""
	}
	return s.PersonOf(account)
}

// Identity returns what people decided about whose a thing is; never nil.
func (s *State) Identity(of, thing string) Identity {
	if i := s.Identities[identityOn(of, thing)]; i != nil {
		return i.clone()
	}
	return Identity{Of: of, Thing: thing}
}

func (i *Identity) clone() Identity {
	c := *i
	c.Rejected = slices.Clone(i.Rejected)
	return c
}

func identityOn(of, thing string) string { return "identity:" + of + ":" + thing }

// LinkIdentity says that a thing belongs to a person, and on what ground it was
// proposed. It needs identity.link. Revision is that of the identity as it was
// shown; if it changed since, the error wraps audit.ErrConflict.
func (b *Book) LinkIdentity(ctx context.Context, by access.Subject, of, thing, person, basis string, revision int64) (Identity, error) {
	return b.decideIdentity(ctx, by, "identity.link", of, thing, identityData{person, basis}, revision)
}

// RejectIdentity says that a thing does not belong to a person: the pair is not
// proposed again.
func (b *Book) RejectIdentity(ctx context.Context, by access.Subject, of, thing, person, basis string, revision int64) (Identity, error) {
	return b.decideIdentity(ctx, by, "identity.reject", of, thing, identityData{person, basis}, revision)
}

// UndoIdentity takes back what was confirmed or rejected of a pair; both stay
// in the log.
func (b *Book) UndoIdentity(ctx context.Context, by access.Subject, of, thing, person string, revision int64) (Identity, error) {
	return b.decideIdentity(ctx, by, "identity.undo", of, thing, identityData{Person: person}, revision)
}

// SecondIdentity confirms as a second person whose an account of this workspace
// is: a first link of one's own account, and one of a name that people go by at
// a shell, tells people apart only then. It needs identity.link, and neither the
// account itself nor one of the same person has it.
func (b *Book) SecondIdentity(ctx context.Context, by access.Subject, thing, person string, revision int64) (Identity, error) {
	return b.decideIdentity(ctx, by, "identity.second", OfTieout, thing, identityData{Person: person}, revision)
}

func (b *Book) decideIdentity(ctx context.Context, by access.Subject, kind, of, thing string, d identityData, revision int64) (Identity, error) {
	if err := access.Require(by, "identity.link", access.Object{}); err != nil {
		return Identity{}, err
	}
	if _, err := b.write(ctx, by, kind, identityOn(of, thing), revision, d); err != nil {
		return Identity{}, err
	}
	return b.Identity(ctx, of, thing)
}

// Identity returns what people decided about whose a thing is; where nobody
// has, one without a person, at revision 0.
func (b *Book) Identity(ctx context.Context, of, thing string) (out Identity, err error) {
	err = b.Read(ctx, func(s *State) error {
		out = s.Identity(of, thing)
		return nil
	})
	return out, err
}

// AllIdentities returns everything people decided about whose things are, in
// the order of what it is of and the thing's ID.
func (b *Book) AllIdentities(ctx context.Context) (out []Identity, err error) {
	err = b.Read(ctx, func(s *State) error {
		for _, i := range sorted(s.Identities) {
			out = append(out, i.clone())
		}
		return nil
	})
	return out, err
}
