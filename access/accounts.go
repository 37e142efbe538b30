package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tieout/audit"
	"tieout/store"
)

// An Invitation is a link that was made. Secret is shown or sent once and kept
// only as a hash.
type Invitation struct {
	Account Account
	Secret  string
	Expires time.Time
}

// anchor is the role without which nobody could give anybody access.
func (p *People) anchor() Grant {
	if p.kind == Firm {
		return Grant{FirmAdministrator, ScopeWorkspace, ""}
	}
	return Grant{Administrator, ScopeWorkspace, ""}
}

func (p *People) keep() *store.AccountGrant { return &stored([]Grant{p.anchor()})[0] }

// Bootstrap invites the first administrator; while an active one exists it is
// refused with audit.ErrConflict. It is for whoever runs the program on its
// machine, also when the last administrator is gone: an account that is there
// gets the role, and its link removes the second factor, passkeys too. Whoever
// begins a workspace alone can have other roles beside it from the first day.
func (p *People) Bootstrap(ctx context.Context, email, name string, also ...Grant) (Invitation, Activity, error) {
	all, err := p.store.Accounts(ctx)
	if err != nil {
		return Invitation{}, Activity{}, err
	}
	for _, a := range all {
		for _, g := range account(a).Grants {
			if Status(a.Status) == Active && g == p.anchor() {
				return Invitation{}, Activity{}, fmt.Errorf("%w: there is an active %s; ask them for an invitation", audit.ErrConflict, p.anchor().Role)
			}
		}
	}
	by := Subject{Workspace: p.kind, Kind: audit.ActorCommand, Account: "tieout"}
	grants := append([]Grant{p.anchor()}, also...)
	if err := CheckGrants(p.kind, grants); err != nil {
		return Invitation{}, Activity{}, err
	}
	if email, err = Email(email); err != nil {
		return Invitation{}, Activity{}, err
	}
	a, err := p.store.AccountByEmail(ctx, email)
	if errors.Is(err, audit.ErrNotFound) {
		return p.invite(ctx, by, email, name, grants)
	}
	if err != nil {
		return Invitation{}, Activity{}, err
	}
	a.Status, a.Grants, a.Rights = string(Invited), regrant(a.Grants, grants), a.Rights+1
	return p.link(ctx, by, a, &a, true)
}

// Invite makes an account and a link with which its person sets a password.
// It needs account.manage. An address that has an account is audit.ErrConflict.
func (p *People) Invite(ctx context.Context, by Subject, email, name string, grants []Grant) (Invitation, Activity, error) {
	if err := p.may(by, ManageAccounts, Object{}); err != nil {
		return Invitation{}, Activity{}, err
	}
	return p.invite(ctx, by, email, name, grants)
}

func (p *People) invite(ctx context.Context, by Subject, email, name string, grants []Grant) (Invitation, Activity, error) {
	email, err := Email(email)
	if err != nil {
		return Invitation{}, Activity{}, err
	}
	if name = strings.TrimSpace(name); name == "" || utf8.RuneCountInString(name) > 200 {
		return Invitation{}, Activity{}, fmt.Errorf("%w: a name has 1 to 200 characters", audit.ErrInvalid)
	}
	if err := CheckGrants(p.kind, grants); err != nil {
		return Invitation{}, Activity{}, err
	}
	id, err := newID(p.now())
	if err != nil {
		return Invitation{}, Activity{}, err
	}
	a := store.Account{ID: id, Email: email, Name: name, Status: string(Invited), Created: p.now(), Rights: 1, Grants: stored(grants)}
	return p.link(ctx, by, a, &a, false)
}

// InviteAgain makes a new link for an account and voids the one before. For an
// active account it is how a forgotten password is replaced; with factors the
// link also removes the second factor, passkeys too. The password and all sessions stay as
// they are until the link is used. It needs account.manage, and is not for
// one's own account.
func (p *People) InviteAgain(ctx context.Context, by Subject, id string, factors bool) (Invitation, Activity, error) {
	a, err := p.manage(ctx, by, id)
	if err != nil {
		return Invitation{}, Activity{}, err
	}
	if Status(a.Status) == Suspended {
		return Invitation{}, Activity{}, fmt.Errorf("%w: the account is suspended; reactivate it first", audit.ErrConflict)
	}
	return p.link(ctx, by, a, nil, factors)
}

func (p *People) link(ctx context.Context, by Subject, a store.Account, save *store.Account, factors bool) (Invitation, Activity, error) {
	secret, err := newSecret()
	if err != nil {
		return Invitation{}, Activity{}, err
	}
	i := Invitation{Account: account(a), Secret: secret, Expires: p.now().Add(inviteFor)}
	c := store.AccessChange{Account: save, Invite: &store.Invitation{Hash: hashOf(secret), Account: a.ID, Expires: i.Expires, Factors: factors}}
	detail := map[string]string{"roles": words(i.Account.Grants), "status": a.Status}
	if factors {
		detail["removes"] = "second factor"
	}
	if save != nil && a.Version > 0 {
		c.EndSessions, c.EndTokens = a.ID, a.ID
	}
	act, err := p.change(ctx, by, DidInvite, "account:"+a.ID, detail, c)
	if err != nil {
		return Invitation{}, act, err
	}
	return i, act, nil
}

// manage reads an account that is to be changed by somebody else.
func (p *People) manage(ctx context.Context, by Subject, id string) (store.Account, error) {
	if err := p.may(by, ManageAccounts, Object{}); err != nil {
		return store.Account{}, err
	}
	if id == by.Account {
		return store.Account{}, fmt.Errorf("%w: nobody changes their own roles or status; ask another administrator", audit.ErrForbidden)
	}
	return p.store.Account(ctx, id)
}

// SetGrants gives an account these roles in place of those it had. What groups
// gave and is left out here comes back when they are looked at next. Its
// sessions get new secrets when they are used next. It needs account.manage,
// is not for one's own account, and never takes the last active administrator.
func (p *People) SetGrants(ctx context.Context, by Subject, id string, grants []Grant) (Activity, error) {
	a, err := p.manage(ctx, by, id)
	if err != nil {
		return Activity{}, err
	}
	if err := CheckGrants(p.kind, grants); err != nil {
		return Activity{}, err
	}
	detail := map[string]string{"before": words(account(a).Grants), "after": words(grants)}
	keep := p.keepOf(a, Status(a.Status))
	a.Grants, a.Rights = regrant(a.Grants, grants), a.Rights+1
	return p.change(ctx, by, DidGrant, "account:"+id, detail, store.AccessChange{Account: &a, Keep: keep})
}

// Suspend ends an account's sessions, links and tokens and lets it in no more.
// Nothing it did is removed. It needs account.manage, is not for one's own
// account, and never takes the last active administrator.
func (p *People) Suspend(ctx context.Context, by Subject, id string) (Activity, error) {
	a, err := p.manage(ctx, by, id)
	if err != nil {
		return Activity{}, err
	}
	before := a.Status
	a.Status, a.Rights = string(Suspended), a.Rights+1
	return p.change(ctx, by, DidSuspend, "account:"+id, map[string]string{"before": before}, store.AccessChange{
		Account: &a, Keep: p.keepOf(a, Status(before)), EndInvitations: id, EndSessions: id, EndTokens: id})
}

// Reactivate lets a suspended account in again with the roles it had; one that
// never signed in needs a new link.
func (p *People) Reactivate(ctx context.Context, by Subject, id string) (Activity, error) {
	a, err := p.manage(ctx, by, id)
	if err != nil {
		return Activity{}, err
	}
	if Status(a.Status) != Suspended {
		return Activity{}, fmt.Errorf("%w: the account is %s, not suspended", audit.ErrConflict, a.Status)
	}
	if a.Status, a.Rights = string(Active), a.Rights+1; a.Password == "" && a.Passkeys == 0 && a.Identities == 0 {
		a.Status = string(Invited)
	}
	return p.change(ctx, by, DidReactivate, "account:"+id, map[string]string{"roles": words(account(a).Grants), "status": a.Status}, store.AccessChange{Account: &a})
}

// From is where a request came from.
type From struct {
	Address string // network address of the peer, as the server knows it
	Agent   string // what the browser says it is
}

// Accept uses a link once: it sets the account's password, makes the account
// active and ends its sessions. The person signs in afterwards.
func (p *People) Accept(ctx context.Context, secret, password string, from From) (Account, Activity, error) {
	i, err := p.store.Invitation(ctx, hashOf(secret))
	if errors.Is(err, audit.ErrNotFound) || err == nil && !i.Expires.After(p.now()) {
		return Account{}, Activity{}, fmt.Errorf("%w: the link was used, replaced or has expired; ask for a new one", audit.ErrForbidden)
	}
	if err != nil {
		return Account{}, Activity{}, err
	}
	a, err := p.store.Account(ctx, i.Account)
	if err != nil {
		return Account{}, Activity{}, err
	}
	if Status(a.Status) == Suspended {
		return Account{}, Activity{}, fmt.Errorf("%w: the account is suspended", audit.ErrForbidden)
	}
	if err := CheckPassword(password, a.Email, a.Name); err != nil {
		return Account{}, Activity{}, err
	}
	if a.Password, err = p.passwords.hash(ctx, password); err != nil {
		return Account{}, Activity{}, err
	}
	detail := map[string]string{"before": a.Status}
	a.Status, a.Rights = string(Active), a.Rights+1
	c := store.AccessChange{Account: &a, UseInvitation: &i.Hash, EndSessions: a.ID}
	if i.Factors {
		a.OTP, a.OTPActive, a.Recovery, a.Passkeys, c.EndPasskeys = nil, false, nil, 0, a.ID
		detail["removed"] = "second factor"
	}
	by := Subject{Workspace: p.kind, Kind: audit.ActorPerson, Account: a.ID, Address: from.Address}
	act, err := p.change(ctx, by, DidAccept, "account:"+a.ID, detail, c)
	return account(a), act, err
}
