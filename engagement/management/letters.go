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
	"tieout/internal/unwritten"
)

var letterTakers = map[string]taker{"assertion.sign": signAssertion, "representation.sign": signRepresentation}

// Parties are who has to assert and represent: management, and each subservice
// organization that is included.
func (x *Side) Parties() []string {
	out := []string{x.Terms.Client.Name}
	for _, s := range x.Terms.Subservices {
		if s.Inclusive {
			out = append(out, s.Name)
		}
	}
	return out
}

// SignAssertion signs an assertion whose parts its party decided; the signature is
// over engagement.Assertion.ToSign. It needs
// assertion.sign; an included organization's is signed with that organization's
// key and brought by whoever needs to.
func (b *Book) SignAssertion(ctx context.Context, by access.Subject, id string, a engagement.Assertion, verify Verify) error {
	if err := access.Require(by, "assertion.sign", of(id)); err != nil {
		return err
	}
	digest, err := a.ToSign()
	if err == nil {
		err = b.signed(ctx, by, id, a.By, a.Signed, digest, verify)
	}
	if err == nil {
		next, nerr := b.NextAssertion(ctx, id, a.By)
		err = book.First(nerr, Stated{a.Terms, a.Version}.named("an assertion", next))
	}
	if err != nil {
		return err
	}
	_, err = b.book.Write(ctx, by, "assertion.sign", named("assertion", id, a.By), book.Anyway, a)
	return err
}

// NextAssertion is Side.NextAssertion, for who fills an assertion in and signs it.
func (b *Book) NextAssertion(ctx context.Context, id, party string) (next Stated, err error) {
	return b.next(ctx, id, func(x *Side) Stated { return x.NextAssertion(party) })
}

// NextLetter is Side.NextLetter.
func (b *Book) NextLetter(ctx context.Context, id, party string) (next Stated, err error) {
	return b.next(ctx, id, func(x *Side) Stated { return x.NextLetter(party) })
}

func (b *Book) next(ctx context.Context, id string, of func(*Side) Stated) (next Stated, err error) {
	err = b.Read(ctx, func(s *State) error {
		x, err := s.Side(id)
		if err == nil {
			next = of(x)
		}
		return err
	})
	return next, err
}

// signed checks a signature: management's own is by whoever brings it.
func (b *Book) signed(ctx context.Context, by access.Subject, id, party string, sig engagement.Signature, digest string, verify Verify) error {
	var client string
	err := b.Read(ctx, func(s *State) error {
		x, err := s.Side(id)
		if err == nil {
			client = x.Terms.Client.Name
		}
		return err
	})
	if err != nil {
		return err
	}
	if party == client {
		return signedBy(by, sig, digest, verify)
	}
	return verify(sig, digest)
}

func signAssertion(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[engagement.Assertion](e)
	x, rest, xerr := s.on(e, "assertion")
	if err = book.First(err, xerr, book.Text("text", d.Text, 1, maxText), book.Day("dated", d.Dated, true), book.Text("except", d.Decision.Except, 0, maxText),
		book.When(d.By != rest, "the entry is on another party's"), book.When(d.Signed.Value == "", "it is not signed")); err != nil {
		return book.Change{}, err
	}
	if err := book.First(x.open(), x.agreed(), x.notIssued(), x.party(d.By), x.ownKey(d.By, d.Signed), x.asserts(d), x.dated("the assertion", d.Dated, e.At),
		Stated{d.Terms, d.Version}.holds("the assertion", x.NextAssertion(d.By))); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "assertion signed by " + d.Signed.Name, Do: func() { x.Assertions[d.By] = &d; x.standsOn("assertion", d.By, e) }}, nil
}

func (x *Side) party(name string) error {
	if !slices.Contains(x.Parties(), name) {
		return fmt.Errorf("%w: %s asserts nothing here; %s do", audit.ErrInvalid, name, strings.Join(x.Parties(), ", "))
	}
	return nil
}

// ownKey refuses one key, or one person, for two organizations: each is responsible
// for its own assertion and letter, and signs them itself.
func (x *Side) ownKey(party string, sig engagement.Signature) error {
	for _, other := range x.Parties() {
		if other == party {
			continue
		}
		var theirs []engagement.Signature
		if a := x.Assertions[other]; a != nil {
			theirs = append(theirs, a.Signed)
		}
		if r := x.Letters[other]; r != nil {
			theirs = append(theirs, r.Signed)
		}
		for _, s := range theirs {
			switch {
			case s.Key == sig.Key:
				return fmt.Errorf("%w: the key signs for %s already; %s signs with a key of its own", audit.ErrForbidden, other, party)
			case s.Signer == sig.Signer:
				return fmt.Errorf("%w: %s signs for %s already; somebody of %s signs for it", audit.ErrForbidden, s.Name, other, party)
			}
		}
	}
	return nil
}

// asserts says what an assertion lacks, or what in it cannot stand together.
func (x *Side) asserts(d engagement.Assertion) error {
	parts, all := x.Terms.Type.Parts(), true
	for _, p := range []struct {
		part engagement.Part
		yes  bool
	}{{engagement.PartDescription, d.Decision.Description}, {engagement.PartDesign, d.Decision.Design}, {engagement.PartOperation, d.Decision.Operation}} {
		if !slices.Contains(parts, p.part) {
			if p.yes {
				return fmt.Errorf("%w: a %s asserts nothing of %s", audit.ErrInvalid, x.Terms.Type, p.part)
			}
			continue
		}
		all = all && p.yes
	}
	switch {
	case !all && strings.TrimSpace(d.Decision.Except) == "":
		return fmt.Errorf("%w: what is not asserted is said: what does not hold, in management's words", audit.ErrInvalid)
	case d.By == x.Terms.Client.Name && x.Final == nil && slices.Contains(parts, engagement.PartDescription):
		return book.TooEarly("the assertion speaks of the description, which is not finished")
	}
	if m := unwritten.Find(d.Text); m != "" {
		return book.TooEarly("the assertion still holds %q", m)
	}
	return nil
}

// SignRepresentation signs a letter of representation, on the report's day. It
// needs representation.sign.
func (b *Book) SignRepresentation(ctx context.Context, by access.Subject, id string, r engagement.Representation, verify Verify) error {
	if err := access.Require(by, "representation.sign", of(id)); err != nil {
		return err
	}
	digest, err := r.ToSign()
	if err == nil {
		err = b.signed(ctx, by, id, r.By, r.Signed, digest, verify)
	}
	if err == nil {
		next, nerr := b.NextLetter(ctx, id, r.By)
		err = book.First(nerr, Stated{r.Terms, r.Version}.named("a letter of representation", next))
	}
	if err != nil {
		return err
	}
	_, err = b.book.Write(ctx, by, "representation.sign", named("representation", id, r.By), book.Anyway, r)
	return err
}

func signRepresentation(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[engagement.Representation](e)
	x, rest, xerr := s.on(e, "representation")
	if err = book.First(err, xerr, book.Text("text", d.Text, 1, maxText), book.Day("dated", d.Dated, true),
		book.When(d.By != rest, "the entry is on another party's"), book.When(d.Signed.Value == "", "it is not signed")); err != nil {
		return book.Change{}, err
	}
	if err := book.First(x.open(), x.agreed(), x.notIssued(), x.party(d.By), x.ownKey(d.By, d.Signed), x.dated("the letter", d.Dated, e.At)); err != nil {
		return book.Change{}, err
	}
	if err := (Stated{d.Terms, d.Version}).holds("the letter", x.NextLetter(d.By)); err != nil {
		return book.Change{}, err
	}
	if x.Assertions[d.By] == nil {
		return book.Change{}, book.TooEarly("%s has not signed its assertion yet, which the letter confirms", d.By)
	}
	if m := unwritten.Find(d.Text); m != "" {
		return book.Change{}, book.TooEarly("the letter still holds %q", m)
	}
	return book.Change{What: "representation letter signed by " + d.Signed.Name, Do: func() { x.Letters[d.By] = &d; x.standsOn("representation", d.By, e) }}, nil
}
