package access

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"tieout/audit"
	"tieout/store"
)

// errWrong is all that a failed sign-in says, whatever was wrong.
var errWrong = fmt.Errorf("%w: the e-mail address or the password is wrong", audit.ErrForbidden)

// errCode is all that a failed second factor says.
var errCode = fmt.Errorf("%w: the code is wrong, or was used already", audit.ErrForbidden)

// errSession is all that is said of a session that is none.
var errSession = fmt.Errorf("%w: sign in first; the session has ended", audit.ErrForbidden)

// An Attempt is one try to sign in.
type Attempt struct {
	Email, Password string
	From
	Replaces string // secret the browser showed, of a session that ends when this one begins; may be ""
}

// SignIn checks a password. It gives a session with a new secret, or, where the
// account has a second factor, a pending one that only SecondFactor takes. The
// error is the same for every reason but *WaitError, and takes as long.
func (p *People) SignIn(ctx context.Context, at Attempt) (Signed, Activity, error) {
	email, invalid := Email(at.Email)
	t := p.tallyOf(email, at.Address)
	if err := p.claim(ctx, t); err != nil {
		return Signed{}, Activity{}, err
	}
	a, err := p.store.AccountByEmail(ctx, email)
	if err != nil && !errors.Is(err, audit.ErrNotFound) {
		return Signed{}, Activity{}, err
	}
	if invalid != nil || Status(a.Status) != Active {
		a.Password = ""
	}
	ok, stale, err := p.passwords.verify(ctx, a.Password, at.Password)
	if err != nil {
		return Signed{}, Activity{}, err
	}
	if !ok {
		act, err := p.refuse(ctx, a, at.From, "password")
		return Signed{}, act, errors.Join(errWrong, err)
	}
	c := store.AccessChange{}
	if stale {
		if a.Password, err = p.passwords.hash(ctx, at.Password); err != nil {
			return Signed{}, Activity{}, err
		}
		c.Account = &a
	}
	if c.DropSession, err = p.shown(ctx, at.Replaces); err != nil {
		return Signed{}, Activity{}, err
	}
	if hasSecond(a) {
		return p.begin(ctx, a, DidAskCode, store.Session{Pending: true, Method: "password"}, at.From, c)
	}
	s, act, err := p.begin(ctx, a, DidSignIn, store.Session{Method: "password"}, at.From, c)
	if err != nil {
		return s, act, err
	}
	return s, act, p.succeeded(ctx, t)
}

// refuse records a failed try on an account that exists; it is sealed with the
// next change, or by Seal. What was typed for others may be anything, a
// password among it: it is counted only, which takes about as long.
func (p *People) refuse(ctx context.Context, a store.Account, from From, what string) (Activity, error) {
	if a.ID == "" {
		nobody := p.keys.name("nobody", network(from.Address))
		return Activity{}, p.store.CountAttempts(ctx, []string{nobody}, func(c map[string]*store.Attempts) error {
			c[nobody].Failures++
			c[nobody].At = p.now()
			return nil
		})
	}
	by := Subject{Workspace: p.kind, Kind: audit.ActorPerson, Address: cut(from.Address)}
	return p.keepActivity(ctx, by, DidRefuse, "account:"+a.ID, map[string]string{"what": what}, store.AccessChange{})
}

// shown is the session a browser showed, if it is one.
func (p *People) shown(ctx context.Context, secret string) (*[32]byte, error) {
	if secret == "" {
		return nil, nil
	}
	x, err := p.store.Session(ctx, hashOf(secret))
	if errors.Is(err, audit.ErrNotFound) {
		return nil, nil
	}
	return &x.Hash, err
}

// begin makes a session with a secret nobody has seen.
func (p *People) begin(ctx context.Context, a store.Account, verb Verb, x store.Session, from From, c store.AccessChange) (Signed, Activity, error) {
	now := p.now()
	x.ID, x.Created, x.Expires = shortID(), now, now.Add(p.absolute)
	if x.SignedIn.IsZero() {
		x.SignedIn = now
	}
	if x.Pending {
		x.Expires = now.Add(pendingFor)
	}
	return p.renew(ctx, a, verb, x, from, c)
}

// renew gives a session a new secret, in one step with the change.
func (p *People) renew(ctx context.Context, a store.Account, verb Verb, x store.Session, from From, c store.AccessChange) (Signed, Activity, error) {
	secret, err := newSecret()
	if err != nil {
		return Signed{}, Activity{}, err
	}
	x.Hash, x.Account, x.Used, x.Rights = hashOf(secret), a.ID, p.now(), a.Rights
	x.Address, x.Agent = cut(from.Address), cut(from.Agent)
	c.AddSession = &x
	by := Subject{Workspace: p.kind, Kind: audit.ActorPerson, Account: a.ID, Session: x.ID, Address: x.Address}
	act, err := p.change(ctx, by, verb, "account:"+a.ID, map[string]string{"method": x.Method}, c)
	if err != nil {
		return Signed{}, act, err
	}
	s := p.signed(a, x)
	s.Secret = secret
	return s, act, nil
}

// cut keeps what a browser says short and printable.
func cut(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return s
}

// SecondFactor takes a pending session and a code, of the app or for recovery,
// and gives a whole session with a new secret. A code counts once.
func (p *People) SecondFactor(ctx context.Context, secret, code string, from From) (Signed, Activity, error) {
	x, a, err := p.pending(ctx, secret)
	if err != nil {
		return Signed{}, Activity{}, err
	}
	t := p.tallyOf(a.Email, from.Address)
	if err := p.claim(ctx, t); err != nil {
		return Signed{}, Activity{}, err
	}
	method, err := p.useCode(&a, code)
	if errors.Is(err, errCode) {
		act, refused := p.refuse(ctx, a, from, "second factor")
		return Signed{}, act, errors.Join(err, refused)
	}
	if err != nil {
		return Signed{}, Activity{}, err
	}
	whole := store.Session{Method: x.Method + "+" + method}
	if x.SignedIn.Before(x.Created) {
		whole.SignedIn = x.SignedIn // the code alone makes nobody fresh
	}
	s, act, err := p.begin(ctx, a, DidSignIn, whole, from, store.AccessChange{Account: &a, DropSession: &x.Hash})
	if err != nil {
		return s, act, err
	}
	return s, act, p.succeeded(ctx, t)
}

var otpCode = regexp.MustCompile(`^[0-9]{6}$`)

// useCode takes a code off the account: the time step of the app's, or one of
// the recovery codes. It counts when the account is saved; of two who use one
// code at once the store refuses one.
func (p *People) useCode(a *store.Account, code string) (method string, err error) {
	if !hasSecond(*a) {
		return "", errCode
	}
	if code = strings.ReplaceAll(strings.TrimSpace(code), " ", ""); a.OTPActive && otpCode.MatchString(code) {
		secret, err := p.keys.openOTP(a.ID, a.OTP)
		if err != nil {
			return "", err
		}
		step, ok := checkTOTP(secret, code, p.now(), a.OTPStep)
		if !ok {
			return "", errCode
		}
		a.OTPStep = step
		return "totp", nil
	}
	h := recoveryHash(a.ID, code)
	for i, have := range a.Recovery {
		if have == h {
			a.Recovery = append(append([][32]byte{}, a.Recovery[:i]...), a.Recovery[i+1:]...)
			return "recovery", nil
		}
	}
	return "", errCode
}

// active reads an account that can be signed in.
func (p *People) active(ctx context.Context, id string) (store.Account, error) {
	a, err := p.store.Account(ctx, id)
	if err != nil {
		return a, err
	}
	if Status(a.Status) != Active {
		return a, errSession
	}
	return a, nil
}

// Confirm signs the person of a session in again, as signing asks for: password
// and, where there is one, second factor. The session gets a new secret and
// counts as fresh from now; it does not last longer than before.
func (p *People) Confirm(ctx context.Context, secret, password, code string, from From) (Signed, Activity, error) {
	x, a, err := p.find(ctx, secret)
	if err != nil {
		return Signed{}, Activity{}, err
	}
	t := p.tallyOf(a.Email, from.Address)
	if err := p.claim(ctx, t); err != nil {
		return Signed{}, Activity{}, err
	}
	method, what, err := p.prove(ctx, &a, password, code)
	if what != "" {
		act, refused := p.refuse(ctx, a, from, what)
		return Signed{}, act, errors.Join(err, refused)
	}
	if err != nil {
		return Signed{}, Activity{}, err
	}
	old := x.Hash
	x.SignedIn, x.Method = p.now(), method
	s, act, err := p.renew(ctx, a, DidConfirm, x, from, store.AccessChange{Account: &a, DropSession: &old})
	if err != nil {
		return s, act, err
	}
	return s, act, p.succeeded(ctx, t)
}

// prove checks everything that an account signs in with. what names the part
// that was wrong, for the log.
func (p *People) prove(ctx context.Context, a *store.Account, password, code string) (method, what string, err error) {
	ok, _, err := p.passwords.verify(ctx, a.Password, password)
	if err != nil {
		return "", "", err
	}
	if !ok {
		return "", "password", fmt.Errorf("%w: the password is wrong", audit.ErrForbidden)
	}
	if !hasSecond(*a) {
		return "password", "", nil
	}
	method, err = p.useCode(a, code)
	if errors.Is(err, errCode) {
		what = "second factor"
	}
	return "password+" + method, what, err
}

// ChangePassword sets a new password for the person of a session. All their
// sessions and links end, and this one goes on with a new secret.
func (p *People) ChangePassword(ctx context.Context, secret, old, new string, from From) (Signed, Activity, error) {
	x, a, err := p.find(ctx, secret)
	if err != nil {
		return Signed{}, Activity{}, err
	}
	t := p.tallyOf(a.Email, from.Address)
	if err := p.claim(ctx, t); err != nil {
		return Signed{}, Activity{}, err
	}
	ok, _, err := p.passwords.verify(ctx, a.Password, old)
	if err != nil {
		return Signed{}, Activity{}, err
	}
	if !ok {
		act, err := p.refuse(ctx, a, from, "password")
		return Signed{}, act, errors.Join(fmt.Errorf("%w: the present password is wrong", audit.ErrForbidden), err)
	}
	if err := CheckPassword(new, a.Email, a.Name); err != nil {
		return Signed{}, Activity{}, err
	}
	if a.Password, err = p.passwords.hash(ctx, new); err != nil {
		return Signed{}, Activity{}, err
	}
	s, act, err := p.renew(ctx, a, DidChangePassword, x, from, store.AccessChange{Account: &a, EndSessions: a.ID, EndInvitations: a.ID})
	if err != nil {
		return s, act, err
	}
	return s, act, p.succeeded(ctx, t)
}

// fresh reports whether a session's person signed in within FreshFor.
func (p *People) fresh(signedIn time.Time) bool {
	age := p.now().Sub(signedIn)
	return age >= 0 && age < FreshFor
}
