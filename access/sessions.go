package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/store"
)

// A Session is what people may see of a session. Its secret is in the browser's
// cookie and, as a hash, in the store.
type Session struct {
	ID       string
	Account  string
	Method   string    // "password", "passkey", "provider ID"; then a second factor: "+totp", "+recovery", "+passkey"
	SignedIn time.Time // when the person last showed who they are
	Created  time.Time
	Used     time.Time // to the minute
	Expires  time.Time // whatever is done with it; it also ends when it is idle
	Address  string
	Agent    string
	// NeedsFactor, of a session in a Signed: the workspace asks for a second factor,
	// the account has none, and no provider vouches for its person. The Subject then
	// has no role; what is open is setting up a second factor, and signing in again
	// for that.
	NeedsFactor bool
}

func session(x store.Session) Session {
	return Session{ID: x.ID, Account: x.Account, Method: x.Method, SignedIn: x.SignedIn, Created: x.Created, Used: x.Used, Expires: x.Expires,
		Address: x.Address, Agent: x.Agent}
}

// A Signed is a session with whose it is.
type Signed struct {
	Session Session
	Account Account
	Subject Subject // what Allowed asks for; may do nothing while Pending
	Pending bool    // the second factor is still asked for: SecondFactor takes a code, BeginPasskeyFactor a passkey
	Secret  string  // new secret for the cookie; "" leaves the one there is
}

func (p *People) signed(a store.Account, x store.Session) Signed {
	s := Signed{Session: session(x), Account: account(a), Pending: x.Pending}
	if !x.Pending {
		s.Subject = Subject{Workspace: p.kind, Kind: audit.ActorPerson, Account: a.ID, Grants: s.Account.Grants,
			Fresh: p.fresh(x.SignedIn), Session: x.ID, Address: x.Address}
	}
	if s.Session.NeedsFactor = p.needsFactor(a, x); s.Session.NeedsFactor {
		s.Subject.Grants = nil
	}
	return s
}

// needsFactor reports whether a session is not enough in this workspace. How far
// a provider is believed is Provider.RequireMFA.
func (p *People) needsFactor(a store.Account, x store.Session) bool {
	return p.secondFactor && !x.Pending && !hasSecond(a) && !strings.HasPrefix(x.Method, viaProvider)
}

// keepsFactor refuses to remove the last second factor of who signs in with a
// password, where one is asked for.
func (p *People) keepsFactor(a store.Account) error {
	if p.secondFactor && a.Password != "" {
		return fmt.Errorf("%w: this workspace asks for a second factor, and it is your last one; set up another first", audit.ErrConflict)
	}
	return nil
}

// find reads a whole session that has not ended, and its active account.
func (p *People) find(ctx context.Context, secret string) (store.Session, store.Account, error) {
	x, err := p.store.Session(ctx, hashOf(secret))
	if errors.Is(err, audit.ErrNotFound) {
		return x, store.Account{}, errSession
	}
	if err != nil {
		return x, store.Account{}, err
	}
	if p.ended(x) || x.Pending {
		return x, store.Account{}, errSession
	}
	a, err := p.active(ctx, x.Account)
	return x, a, err
}

func (p *People) ended(x store.Session) bool {
	now := p.now()
	return !x.Expires.After(now) || now.Sub(x.Used) >= p.idle
}

// Resume returns whose session a secret is. Where the account's rights have
// changed since the secret was made, the session has a new one and the old is
// void: the cookie has to be set from Signed.Secret. Of two requests that show
// the old secret at once one is told to sign in, and has to leave the cookie.
// The subject is of this instant: ask again for the next request.
func (p *People) Resume(ctx context.Context, secret string, from From) (Signed, error) {
	x, a, err := p.find(ctx, secret)
	if err != nil {
		return Signed{}, err
	}
	if x.Rights != a.Rights {
		old := x.Hash
		s, _, err := p.renew(ctx, a, DidRotate, x, from, store.AccessChange{DropSession: &old})
		if errors.Is(err, audit.ErrConflict) {
			return Signed{}, errSession
		}
		return s, err
	}
	if now := p.now(); now.Sub(x.Used) >= touchEvery {
		if err := p.store.TouchSession(ctx, x.Hash, now); err != nil {
			return Signed{}, err
		}
		x.Used = now
	}
	s := p.signed(a, x)
	s.Subject.Address = cut(from.Address)
	return s, nil
}

// SignOut ends the session of a secret; one that has ended is no error.
func (p *People) SignOut(ctx context.Context, secret string) (Activity, error) {
	x, err := p.store.Session(ctx, hashOf(secret))
	if errors.Is(err, audit.ErrNotFound) {
		return Activity{}, nil
	}
	if err != nil {
		return Activity{}, err
	}
	by := Subject{Workspace: p.kind, Kind: audit.ActorPerson, Account: x.Account, Session: x.ID, Address: x.Address}
	return p.change(ctx, by, DidEndSession, "session:"+x.ID, nil, store.AccessChange{DropSession: &x.Hash})
}

// Sessions returns the sessions of an account that have not ended, the newest
// first: one's own, or with the permission account.read of the whole workspace.
func (p *People) Sessions(ctx context.Context, by Subject, account string) (out []Session, err error) {
	if err := p.ownOr(by, account, ReadAccounts); err != nil {
		return nil, err
	}
	all, err := p.store.Sessions(ctx, account)
	for _, x := range all {
		if !x.Pending && !p.ended(x) {
			out = append(out, session(x))
		}
	}
	return out, err
}

// ownOr allows a signed-in person what is their own, and others by permission.
func (p *People) ownOr(by Subject, account string, id PermissionID) error {
	if account != "" && by.Account == account && by.Kind == audit.ActorPerson && by.Session != "" {
		return nil
	}
	return p.may(by, id, Object{})
}

// EndSession ends one session of an account: one's own, or with account.manage.
func (p *People) EndSession(ctx context.Context, by Subject, account, id string) (Activity, error) {
	if err := p.ownOr(by, account, ManageAccounts); err != nil {
		return Activity{}, err
	}
	all, err := p.store.Sessions(ctx, account)
	if err != nil {
		return Activity{}, err
	}
	for _, x := range all {
		if x.ID == id {
			return p.change(ctx, by, DidEndSession, "session:"+id, map[string]string{"account": account}, store.AccessChange{DropSession: &x.Hash})
		}
	}
	return Activity{}, fmt.Errorf("%w: session %q of that account", audit.ErrNotFound, id)
}

// EndSessions ends all sessions of an account, the asking one among them: one's
// own, or with account.manage.
func (p *People) EndSessions(ctx context.Context, by Subject, account string) (Activity, error) {
	if err := p.ownOr(by, account, ManageAccounts); err != nil {
		return Activity{}, err
	}
	return p.change(ctx, by, DidEndSessions, "account:"+account, nil, store.AccessChange{EndSessions: account})
}
