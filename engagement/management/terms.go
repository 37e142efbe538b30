package management

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/ledger"
)

var firmTakers = map[string]taker{"firm.invite": inviteFirm, "firm.end": endFirm}

var termsTakers = map[string]taker{"terms.offer": offerTerms, "terms.agree": agreeTerms, "state.move": moveState, "state.heard": hearState}

// maxText is how many characters a longer text may have.
const maxText = 20_000

type firmData struct {
	Name    string `json:"name"`
	Key     string `json:"key"`
	Address string `json:"address"`
}

// InviteFirm says which firm's packets are taken: its name and the public key of
// its log, as the firm gave it by a way of its own. It needs engagement.open.
func (b *Book) InviteFirm(ctx context.Context, by access.Subject, name, key, address string) error {
	if err := access.Require(by, "engagement.open", access.Object{}); err != nil {
		return err
	}
	k, err := ledger.ParseKey(key)
	if err != nil {
		return fmt.Errorf("%w: the firm's key: %w", audit.ErrInvalid, err)
	}
	_, err = b.book.Write(ctx, by, "firm.invite", "firm:"+k.Name(), book.Anyway, firmData{name, key, address})
	return err
}

func inviteFirm(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[firmData](e)
	k, kerr := ledger.ParseKey(d.Key)
	if err = book.First(err, kerr, book.OneLine("name", d.Name, 1), book.OneLine("address", d.Address, 0),
		book.When(d.Address != "" && !strings.HasPrefix(d.Address, "https://") && !strings.HasPrefix(d.Address, "http://localhost:") && !strings.HasPrefix(d.Address, "http://127.0.0.1:"), "address: an https:// address, or none where files are carried by hand"),
		book.When(kerr == nil && k.Name() != e.Of(), "the key is another firm's")); err != nil {
		return book.Change{}, err
	}
	if f := s.Firms[e.Of()]; f != nil && f.Ended.IsZero() && f.Key != d.Key {
		return book.Change{}, book.TooEarly("%s is invited with another key. End that first; engagements it began stay bound to the key they began with", f.Name)
	}
	return book.Change{What: "invited " + d.Name, Do: func() {
		s.Firms[e.Of()] = &Firm{Name: d.Name, Origin: e.Of(), Key: d.Key, Address: d.Address, By: e.By.Name, At: e.At}
	}}, nil
}

// EndFirm ends a firm: its packets are not taken any more and nothing is sent to it,
// until it is invited again. What came stays. It needs engagement.open.
func (b *Book) EndFirm(ctx context.Context, by access.Subject, origin, why string) error {
	if err := access.Require(by, "engagement.open", access.Object{}); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "firm.end", "firm:"+origin, book.Anyway, whyData{why})
	return err
}

type whyData struct {
	Why string `json:"why"`
}

func endFirm(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[whyData](e)
	f := s.Firms[e.Of()]
	if err = book.First(err, book.Text("why", d.Why, 1, maxText)); err != nil {
		return book.Change{}, err
	}
	if f == nil || !f.Ended.IsZero() {
		return book.Change{}, fmt.Errorf("%w: no firm %s is invited", audit.ErrNotFound, e.Of())
	}
	return book.Change{What: "ended: " + d.Why, Do: func() { f.Ended = e.At }}, nil
}

// TakeTerms takes the terms a firm's packet offers. firm is whose packet it was,
// by the origin of its log.
func (b *Book) TakeTerms(ctx context.Context, by access.Subject, firm string, o engagement.TermsOffer) error {
	return b.take(ctx, by, "terms.offer", named("terms", o.Terms.ID), o.Terms.ID, offerData{firm, o})
}

type offerData struct {
	Firm  string                `json:"firm"`
	Offer engagement.TermsOffer `json:"offer"`
}

func offerTerms(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[offerData](e)
	t := d.Offer.Terms
	if err = book.First(err, book.OneOf("type", t.Type, engagement.Types...), book.OneLine("system", t.System, 1), book.Text("why", d.Offer.Why, 0, maxText),
		engagement.CheckID(t.ID), book.When(e.On != named("terms", t.ID), "the terms are of another engagement")); err != nil {
		return book.Change{}, err
	}
	f := s.Firms[d.Firm]
	if f == nil || !f.Ended.IsZero() || t.Firm.Origin != d.Firm || t.Firm.Key != f.Key {
		return book.Change{}, fmt.Errorf("%w: no firm with this key is invited: a compliance lead or signer invites %s first, with the key it gives", audit.ErrForbidden, t.Firm.Name)
	}
	x := s.Sides[t.ID]
	if x != nil && x.Terms.Firm.Origin != d.Firm {
		return book.Change{}, book.TooEarly("%s is another firm's engagement here; the firm gives it another number", t.ID)
	}
	digest, err := t.Digest()
	if err != nil {
		return book.Change{}, err
	}
	if x != nil && digest != x.Digest {
		if err := book.First(x.open(), x.notIssued()); err != nil {
			return book.Change{}, err
		}
	}
	return book.Change{What: "terms offered: " + t.Type.String(), Do: func() {
		if x == nil {
			x = newSide()
			s.Sides[t.ID] = x
		}
		if x.Digest != digest && x.Digest != "" {
			x.Earlier = append(x.Earlier, Offered{x.Terms, x.Letter, x.Digest, x.Offered, x.Agreed, x.Why})
			x.Agreed = nil
		}
		x.Terms, x.Letter, x.Digest, x.Offered, x.Why = t, d.Offer.Letter, digest, e.At, d.Offer.Why
	}}, nil
}

// A Verify checks a person's signature over a digest (package signature).
type Verify func(sig engagement.Signature, digest string) error

// Agree is a signer's word on the terms as they were read: seen is their digest.
// It needs assertion.sign, freshly signed in, and a signature over seen.
func (b *Book) Agree(ctx context.Context, by access.Subject, id, seen string, sig engagement.Signature, verify Verify) error {
	if err := access.Require(by, "assertion.sign", of(id)); err != nil {
		return err
	}
	if err := signedBy(by, sig, seen, verify); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "terms.agree", named("terms", id), book.Anyway, engagement.Agreed{Terms: seen, Signed: sig})
	return err
}

// signedBy refuses a signature that is not the person's own over that digest.
func signedBy(by access.Subject, sig engagement.Signature, digest string, verify Verify) error {
	if sig.Signer != by.Account {
		return fmt.Errorf("%w: one signs with a key of one's own", audit.ErrForbidden)
	}
	return verify(sig, digest)
}

func agreeTerms(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[engagement.Agreed](e)
	x, _, xerr := s.on(e, "terms")
	if err = book.First(err, xerr); err != nil {
		return book.Change{}, err
	}
	if err := book.First(x.open(), book.When(d.Signed.Digest != d.Terms || d.Signed.Signer != e.By.Name, "the signature is over something else, or somebody else's")); err != nil {
		return book.Change{}, err
	}
	if d.Terms != x.Digest {
		return book.Change{}, book.TooEarly("the terms have changed since you opened them; read and sign them as they are now")
	}
	return book.Change{What: "management agreed to the terms", Do: func() { x.Agreed = &d }}, nil
}

type moveData struct {
	State engagement.State `json:"state"`
	Why   string           `json:"why"`
}

// MoveState takes a step that is management's. Going back needs a reason. It
// needs engagement.open.
func (b *Book) MoveState(ctx context.Context, by access.Subject, id string, to engagement.State, why string) error {
	return b.MoveStateFrom(ctx, by, id, to, why, book.Anyway)
}

// MoveStateFrom is MoveState by who saw where the examination stood. base is
// State.Revision of "terms:EN-1" then: where it has moved since, nothing is done.
func (b *Book) MoveStateFrom(ctx context.Context, by access.Subject, id string, to engagement.State, why string, base int64) error {
	if err := access.Require(by, "engagement.open", of(id)); err != nil {
		return err
	}
	if err := b.mayBegin(ctx, id, to); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "state.move", named("terms", id), base, moveData{to, why})
	return err
}

// mayBegin refuses to observe a period that has not begun. Steps that were taken
// before there was this rule stand.
func (b *Book) mayBegin(ctx context.Context, id string, to engagement.State) error {
	return b.Read(ctx, func(s *State) error {
		x, err := s.Side(id)
		if err != nil || to != engagement.Observing || x.Begun(b.now()) {
			return err
		}
		return book.TooEarly("the period begins on %s: nothing of it can be observed before that day", x.Terms.First)
	})
}

// Begun reports whether the first day that is examined has come, where the
// engagement counts its days; of a Type I always.
func (x *Side) Begun(now time.Time) bool {
	loc, err := time.LoadLocation(x.Terms.Zone)
	return !x.Terms.Type.OverPeriod() || err == nil && x.Terms.First <= now.In(loc).Format(time.DateOnly)
}

func moveState(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[moveData](e)
	x, _, xerr := s.on(e, "terms")
	if err = book.First(err, xerr, book.Text("why", d.Why, 0, maxText)); err != nil {
		return book.Change{}, err
	}
	if err := book.First(x.open(), x.agreed(), x.mayMove(d)); err != nil {
		return book.Change{}, err
	}
	return x.moved(e, d), nil
}

// mayMove says why a step is not management's to take now.
func (x *Side) mayMove(d moveData) error {
	from, to := x.State.Place(), d.State.Place()
	switch {
	case to == 0 || !d.State.ByManagement():
		return book.TooEarly("%q is a step of the auditor's", d.State)
	case to == from:
		return book.TooEarly("it stands at %q already", d.State)
	case to <= engagement.Collecting.Place() && len(x.Releases) > 0:
		return book.TooEarly("a report is issued: %q is behind it, and only the firm opens its file again", d.State)
	case to < from && strings.TrimSpace(d.Why) == "":
		return fmt.Errorf("%w: going back needs a reason", audit.ErrInvalid)
	case to > from+1 && (x.Terms.Type.OverPeriod() || d.State != engagement.Collecting):
		return book.TooEarly("%q comes after %q", d.State, engagement.States[to-2])
	case to > engagement.Collecting.Place() && len(x.Releases) == 0:
		return book.TooEarly("there is no report yet to distribute")
	}
	return nil
}

func (x *Side) moved(e book.Entry, d moveData) book.Change {
	return book.Change{What: strings.TrimSuffix(string(d.State)+": "+d.Why, ": "), Do: func() {
		x.State = d.State
		x.Steps = append(x.Steps, Step{e.At, e.By.Name, string(d.State), d.Why})
	}}
}

// TakeState takes a step the firm's packet says.
func (b *Book) TakeState(ctx context.Context, by access.Subject, id string, n engagement.StateNews) error {
	return b.take(ctx, by, "state.heard", named("terms", id), id, moveData(n))
}

func hearState(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[moveData](e)
	x, _, xerr := s.on(e, "terms")
	if err = book.First(err, xerr); err != nil {
		return book.Change{}, err
	}
	if d.State.ByManagement() || d.State.Place() == 0 && !d.State.Over() {
		return book.Change{}, fmt.Errorf("%w: the firm does not take the step %q", audit.ErrInvalid, d.State)
	}
	return x.moved(e, d), nil
}
