package access

import (
	"context"
	"crypto/rand"
	"fmt"

	"tieout/audit"
	"tieout/store"
)

// A Factor is the secret of a second factor, shown once to set up an app.
type Factor struct {
	Secret string // base 32, for typing
	URI    string // otpauth://, for a QR code
}

// self reads the account of a person who has just signed in, for what people
// change about their own ways of signing in.
func (p *People) self(ctx context.Context, by Subject) (store.Account, error) {
	if by.Kind != audit.ActorPerson || by.Session == "" || by.Token != "" || by.Limit != nil {
		return store.Account{}, fmt.Errorf("%w: only a signed-in person may change how they sign in", audit.ErrForbidden)
	}
	if !by.Fresh {
		return store.Account{}, fmt.Errorf("%w: sign in again to change how you sign in", audit.ErrForbidden)
	}
	return p.active(ctx, by.Account)
}

// StartFactor makes a secret for an authenticator app (RFC 6238). Nothing is
// asked for until ConfirmFactor has seen a code of it. Starting again makes
// another secret; an account that has a second factor is audit.ErrConflict.
func (p *People) StartFactor(ctx context.Context, by Subject) (Factor, Activity, error) {
	a, err := p.self(ctx, by)
	if err != nil {
		return Factor{}, Activity{}, err
	}
	if a.OTPActive {
		return Factor{}, Activity{}, fmt.Errorf("%w: there is a second factor; remove it first", audit.ErrConflict)
	}
	secret := make([]byte, otpSecret)
	if _, err := rand.Read(secret); err != nil {
		return Factor{}, Activity{}, fmt.Errorf("make a secret: %w", err)
	}
	a.OTP, a.OTPStep = p.keys.sealOTP(a.ID, secret), 0
	act, err := p.change(ctx, by, DidStartFactor, "account:"+a.ID, nil, store.AccessChange{Account: &a})
	if err != nil {
		return Factor{}, act, err
	}
	return Factor{otpText(secret), otpURI(p.issuer, a.Email, secret)}, act, nil
}

// ConfirmFactor turns the second factor on and returns the recovery codes, to
// be shown once. Sessions of the account get new secrets when they are used next.
func (p *People) ConfirmFactor(ctx context.Context, by Subject, code string) ([]string, Activity, error) {
	a, err := p.self(ctx, by)
	if err != nil {
		return nil, Activity{}, err
	}
	if a.OTPActive || len(a.OTP) == 0 {
		return nil, Activity{}, fmt.Errorf("%w: no second factor is being set up; start it first", audit.ErrConflict)
	}
	secret, err := p.keys.openOTP(a.ID, a.OTP)
	if err != nil {
		return nil, Activity{}, err
	}
	step, ok := checkTOTP(secret, code, p.now(), a.OTPStep)
	if !ok {
		return nil, Activity{}, fmt.Errorf("%w; compare the clocks of the phone and this server", errCode)
	}
	a.OTPActive, a.OTPStep, a.Rights = true, step, a.Rights+1
	return p.withRecovery(ctx, by, a, DidAddFactor)
}

func (p *People) withRecovery(ctx context.Context, by Subject, a store.Account, verb Verb) ([]string, Activity, error) {
	codes, hashes := newRecovery(a.ID)
	a.Recovery = hashes
	act, err := p.change(ctx, by, verb, "account:"+a.ID, nil, store.AccessChange{Account: &a})
	if err != nil {
		return nil, act, err
	}
	return codes, act, nil
}

// NewRecoveryCodes replaces all recovery codes and returns the new ones.
func (p *People) NewRecoveryCodes(ctx context.Context, by Subject) ([]string, Activity, error) {
	a, err := p.self(ctx, by)
	if err != nil {
		return nil, Activity{}, err
	}
	if !hasSecond(a) {
		return nil, Activity{}, fmt.Errorf("%w: there is no second factor to recover from", audit.ErrConflict)
	}
	return p.withRecovery(ctx, by, a, DidMakeRecovery)
}

// RemoveFactor turns the app off. Recovery codes stay while a passkey is left.
func (p *People) RemoveFactor(ctx context.Context, by Subject) (Activity, error) {
	a, err := p.self(ctx, by)
	if err != nil {
		return Activity{}, err
	}
	if len(a.OTP) == 0 {
		return Activity{}, fmt.Errorf("%w: there is no second factor", audit.ErrConflict)
	}
	if a.OTPActive && a.Passkeys == 0 {
		if err := p.keepsFactor(a); err != nil {
			return Activity{}, err
		}
	}
	a.OTP, a.OTPActive, a.OTPStep, a.Rights = nil, false, 0, a.Rights+1
	if a.Passkeys == 0 {
		a.Recovery = nil
	}
	return p.change(ctx, by, DidRemoveFactor, "account:"+a.ID, nil, store.AccessChange{Account: &a})
}
