package access

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/webauthn"

	"tieout/audit"
	"tieout/store"
)

// A Ceremony is what a browser is asked to do with a passkey.
type Ceremony struct {
	Options []byte // JSON {"publicKey": PublicKeyCredentialRequestOptionsJSON} for navigator.credentials.get
	Secret  string // for a cookie of that browser, HttpOnly, five minutes; FinishPasskeySignIn asks for it
}

// BeginPasskeySignIn starts a sign-in with a passkey, before anybody says who
// they are. Nothing is kept of it but the hash of its secret, for five minutes.
func (p *People) BeginPasskeySignIn(ctx context.Context) (Ceremony, error) {
	if err := p.needParty(); err != nil {
		return Ceremony{}, err
	}
	assertion, data, err := p.party.BeginDiscoverableLogin()
	if err != nil {
		return Ceremony{}, fmt.Errorf("passkey: %w", err)
	}
	secret, err := newSecret()
	if err != nil {
		return Ceremony{}, err
	}
	if err := p.pose(ctx, "passkey sign-in", secret, data, challengeFor); err != nil {
		return Ceremony{}, err
	}
	options, err := json.Marshal(assertion)
	return Ceremony{options, secret}, err
}

// A PasskeyAttempt is one try to sign in with a passkey.
type PasskeyAttempt struct {
	Secret   string // of the Ceremony, from the browser's cookie
	Response []byte // what the browser answered, an AuthenticationResponseJSON
	From
	Replaces string // as in Attempt
}

// FinishPasskeySignIn checks the answer to BeginPasskeySignIn and gives a whole
// session: a passkey that verified its person is both factors. The ceremony is
// over, whatever the answer was. The error says nothing about accounts.
func (p *People) FinishPasskeySignIn(ctx context.Context, at PasskeyAttempt) (Signed, Activity, error) {
	if err := p.needParty(); err != nil {
		return Signed{}, Activity{}, err
	}
	var data webauthn.SessionData
	if err := p.answered(ctx, "passkey sign-in", at.Secret, &data); err != nil {
		return Signed{}, Activity{}, err
	}
	parsed, err := parseAssertion(at.Response)
	if err != nil {
		return Signed{}, Activity{}, err
	}
	k, a, err := p.ofPasskey(ctx, parsed.RawID)
	if err != nil {
		return Signed{}, Activity{}, err
	}
	h, err := p.holder(a, []store.Passkey{k})
	if err != nil {
		return Signed{}, Activity{}, err
	}
	used, err := p.party.ValidateDiscoverableLogin(func(_, _ []byte) (webauthn.User, error) { return h, nil }, data, parsed)
	if err := right(used, err); err != nil {
		act, refused := p.refuse(ctx, a, at.From, err.Error())
		return Signed{}, act, errors.Join(errPasskey, refused)
	}
	var c store.AccessChange
	if c.Passkey, err = p.usedPasskey(k, *used); err != nil {
		return Signed{}, Activity{}, err
	}
	if c.DropSession, err = p.shown(ctx, at.Replaces); err != nil {
		return Signed{}, Activity{}, err
	}
	return p.begin(ctx, a, DidSignIn, store.Session{Method: "passkey"}, at.From, c)
}

// ofPasskey reads the passkey of that ID and its account, which has to be active.
func (p *People) ofPasskey(ctx context.Context, id []byte) (store.Passkey, store.Account, error) {
	k, err := p.store.Passkey(ctx, id)
	if errors.Is(err, audit.ErrNotFound) {
		return k, store.Account{}, errPasskey
	}
	if err != nil {
		return k, store.Account{}, err
	}
	a, err := p.store.Account(ctx, k.Account)
	if err == nil && Status(a.Status) != Active {
		err = errPasskey
	}
	return k, a, err
}

// right says in the log's words what was wrong with an answer, nil if nothing.
// A counter that does not grow means that a copy of the passkey is in use.
func right(used *webauthn.Credential, err error) error {
	switch {
	case err != nil:
		return errors.New("passkey")
	case used.Authenticator.CloneWarning:
		return errors.New("passkey, of which a copy is in use")
	}
	return nil
}

func (p *People) usedPasskey(k store.Passkey, c webauthn.Credential) (*store.Passkey, error) {
	var err error
	k.Used = p.now()
	k.Credential, err = p.kept(k.Account, c)
	return &k, err
}

// ask starts a ceremony for an account that is known, bound to a secret that its
// browser holds already.
func (p *People) ask(ctx context.Context, purpose, secret string, a store.Account) (options []byte, err error) {
	if err := p.needParty(); err != nil {
		return nil, err
	}
	h, err := p.holderOf(ctx, a)
	if err != nil {
		return nil, err
	}
	if len(h.keys) == 0 {
		return nil, fmt.Errorf("%w: you have no passkey here; give a code", audit.ErrConflict)
	}
	assertion, data, err := p.party.BeginLogin(h)
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	if err := p.pose(ctx, purpose, secret, data, challengeFor); err != nil {
		return nil, err
	}
	return json.Marshal(assertion)
}

// given checks the answer to ask and returns the passkey as it is kept now.
// what names what was wrong, for the log.
func (p *People) given(ctx context.Context, purpose, secret string, a store.Account, response []byte) (k *store.Passkey, what string, err error) {
	if err := p.needParty(); err != nil {
		return nil, "", err
	}
	var data webauthn.SessionData
	if err := p.answered(ctx, purpose, secret, &data); err != nil {
		return nil, "", err
	}
	parsed, err := parseAssertion(response)
	if err != nil {
		return nil, "", err
	}
	rows, err := p.store.Passkeys(ctx, a.ID)
	if err != nil {
		return nil, "", err
	}
	h, err := p.holder(a, rows)
	if err != nil {
		return nil, "", err
	}
	used, err := p.party.ValidateLogin(h, data, parsed)
	if err := right(used, err); err != nil {
		return nil, err.Error(), errPasskey
	}
	for _, r := range rows {
		if bytes.Equal(r.ID, used.ID) {
			k, err = p.usedPasskey(r, *used)
			return k, "", err
		}
	}
	return nil, "passkey", errPasskey
}

// pending reads half a sign-in and its active account.
func (p *People) pending(ctx context.Context, secret string) (store.Session, store.Account, error) {
	x, err := p.store.Session(ctx, hashOf(secret))
	if errors.Is(err, audit.ErrNotFound) || err == nil && (!x.Pending || !x.Expires.After(p.now())) {
		return x, store.Account{}, errSession
	}
	if err != nil {
		return x, store.Account{}, err
	}
	a, err := p.active(ctx, x.Account)
	return x, a, err
}

// BeginPasskeyFactor asks for a passkey as the second factor of a pending
// session. options are as in Ceremony; nothing goes into a cookie.
func (p *People) BeginPasskeyFactor(ctx context.Context, secret string) (options []byte, err error) {
	_, a, err := p.pending(ctx, secret)
	if err != nil {
		return nil, err
	}
	return p.ask(ctx, "passkey factor", secret, a)
}

// FinishPasskeyFactor takes the answer to BeginPasskeyFactor and gives a whole
// session with a new secret, as SecondFactor does for a code.
func (p *People) FinishPasskeyFactor(ctx context.Context, secret string, response []byte, from From) (Signed, Activity, error) {
	x, a, err := p.pending(ctx, secret)
	if err != nil {
		return Signed{}, Activity{}, err
	}
	k, what, err := p.given(ctx, "passkey factor", secret, a, response)
	if what != "" {
		act, refused := p.refuse(ctx, a, from, what)
		return Signed{}, act, errors.Join(err, refused)
	}
	if err != nil {
		return Signed{}, Activity{}, err
	}
	s, act, err := p.begin(ctx, a, DidSignIn, store.Session{Method: x.Method + "+passkey"}, from,
		store.AccessChange{Passkey: k, DropSession: &x.Hash})
	if err != nil {
		return s, act, err
	}
	return s, act, p.succeeded(ctx, p.tallyOf(a.Email, from.Address))
}

// BeginPasskeyConfirm asks the person of a session for a passkey, to sign in
// again. options are as in Ceremony.
func (p *People) BeginPasskeyConfirm(ctx context.Context, secret string) (options []byte, err error) {
	_, a, err := p.find(ctx, secret)
	if err != nil {
		return nil, err
	}
	return p.ask(ctx, "passkey confirm", secret, a)
}

// FinishPasskeyConfirm takes the answer to BeginPasskeyConfirm and does what
// Confirm does with a password.
func (p *People) FinishPasskeyConfirm(ctx context.Context, secret string, response []byte, from From) (Signed, Activity, error) {
	x, a, err := p.find(ctx, secret)
	if err != nil {
		return Signed{}, Activity{}, err
	}
	k, what, err := p.given(ctx, "passkey confirm", secret, a, response)
	if what != "" {
		act, refused := p.refuse(ctx, a, from, what)
		return Signed{}, act, errors.Join(err, refused)
	}
	if err != nil {
		return Signed{}, Activity{}, err
	}
	old := x.Hash
	x.SignedIn, x.Method = p.now(), "passkey"
	return p.renew(ctx, a, DidConfirm, x, from, store.AccessChange{Passkey: k, DropSession: &old})
}
