package access

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tieout/audit"
	"tieout/store"
)

// An OIDCAnswer is what a browser brings back from a provider.
type OIDCAnswer struct {
	Provider string     // of the callback's path
	Query    url.Values // of the callback
	Secret   string     // of the Redirect, from the browser's cookie
	Session  string     // secret of the session the browser has, "" if none: it is confirmed, linked or replaced
	From
}

// An OIDCSigned is how somebody came back from a provider.
type OIDCSigned struct {
	Signed        // Secret "" leaves the cookie there is; Pending as after SignIn
	Return string // path to go on at
	Linked bool   // a link to the account was made, not a sign-in
}

// FinishOIDC takes what a browser brings back from a provider, once, and does
// what it was sent for. A first sign-in needs an invitation at the address that
// the provider says is verified, or Provider.Provision; an account that is in
// use is never taken over by its address: its person links it (BeginOIDCLink).
// Roles from groups are looked at before the session begins. A second factor
// that the provider did not ask for is asked for here where the account has one.
//
// The session is fresh when the provider says that the person just signed in
// there (auth_time); one it only remembered has to confirm first.
func (p *People) FinishOIDC(ctx context.Context, at OIDCAnswer) (OIDCSigned, Activity, error) {
	f, pr, c, err := p.came(ctx, at)
	if err != nil {
		return OIDCSigned{Return: f.Return}, Activity{}, err
	}
	out := OIDCSigned{Return: f.Return}
	var act Activity
	switch f.For {
	case forSignIn:
		out.Signed, act, err = p.signInAt(ctx, pr, c, at)
	case forConfirm:
		out.Signed, act, err = p.confirmAt(ctx, pr, c, f, at)
	case forLink:
		out.Linked = true
		out.Signed, act, err = p.linkAt(ctx, pr, c, f, at)
	default:
		err = fmt.Errorf("%w: a challenge in the store is for %q", audit.ErrAltered, f.For)
	}
	return out, act, err
}

func (p *People) signInAt(ctx context.Context, pr *provider, c claims, at OIDCAnswer) (Signed, Activity, error) {
	a, err := p.known(ctx, pr, c, at.From)
	if err != nil {
		return Signed{}, Activity{}, err
	}
	if pr.RequireMFA && !c.mfa {
		act, refused := p.refuse(ctx, a, at.From, pr.via()+" without a second factor")
		return Signed{}, act, errors.Join(fmt.Errorf("%w: %s did not ask you for a second factor; set one up there", audit.ErrForbidden, pr.Title), refused)
	}
	if a, err = p.followGroups(ctx, pr, c, a); err != nil {
		return Signed{}, Activity{}, err
	}
	var change store.AccessChange
	if change.DropSession, err = p.shown(ctx, at.Session); err != nil {
		return Signed{}, Activity{}, err
	}
	x := store.Session{Method: pr.via(), SignedIn: p.shownAt(c)}
	if hasSecond(a) && !c.mfa {
		x.Pending = true
		return p.begin(ctx, a, DidAskCode, x, at.From, change)
	}
	return p.begin(ctx, a, DidSignIn, x, at.From, change)
}

// shownAt is when the person last showed the provider who they are; where it
// does not say, long enough ago not to be fresh.
func (p *People) shownAt(c claims) time.Time {
	now := p.now()
	switch {
	case c.authTime.IsZero(), c.authTime.Sub(now) > clockSlack:
		return now.Add(-FreshFor)
	case c.authTime.After(now):
		return now
	}
	return c.authTime
}

// known returns the active account of who came: the one that is linked, the one
// that was invited, or a new one where the provider may make them.
func (p *People) known(ctx context.Context, pr *provider, c claims, from From) (store.Account, error) {
	i, err := p.store.Identity(ctx, c.issuer, c.subject)
	if err == nil {
		a, err := p.store.Account(ctx, i.Account)
		if err == nil && Status(a.Status) != Active {
			_, refused := p.refuse(ctx, a, from, pr.via())
			return a, errors.Join(fmt.Errorf("%w: the account is %s", audit.ErrForbidden, a.Status), refused)
		}
		if err == nil && !c.verified {
			return a, notVerified(pr)
		}
		return a, err
	}
	if !errors.Is(err, audit.ErrNotFound) {
		return store.Account{}, err
	}
	if !c.verified {
		return store.Account{}, notVerified(pr)
	}
	return p.first(ctx, pr, c, from)
}

func notVerified(pr *provider) error {
	return fmt.Errorf("%w: %s does not say that your e-mail address is verified", audit.ErrForbidden, pr.Title)
}

// first links who came for the first time.
func (p *People) first(ctx context.Context, pr *provider, c claims, from From) (store.Account, error) {
	email, err := Email(c.email)
	if err != nil {
		return store.Account{}, fmt.Errorf("%w: %s gives no e-mail address of yours", audit.ErrForbidden, pr.Title)
	}
	a, err := p.store.AccountByEmail(ctx, email)
	switch {
	case errors.Is(err, audit.ErrNotFound):
		if a, err = p.provisioned(pr, c, email); err != nil {
			return a, err
		}
	case err != nil:
		return a, err
	case Status(a.Status) == Suspended:
		return a, fmt.Errorf("%w: the account is suspended", audit.ErrForbidden)
	case Status(a.Status) != Invited:
		return a, fmt.Errorf("%w: you have an account that is not linked to %s; sign in to it another way and link it in your settings", audit.ErrForbidden, pr.Title)
	}
	detail := map[string]string{"issuer": c.issuer, "before": a.Status}
	a.Status, a.Rights = string(Active), a.Rights+1
	by := Subject{Workspace: p.kind, Kind: audit.ActorPerson, Account: a.ID, Address: cut(from.Address)}
	_, err = p.change(ctx, by, DidLinkIdentity, "account:"+a.ID, detail, store.AccessChange{Account: &a, EndInvitations: a.ID,
		Link: &store.Identity{Issuer: c.issuer, Subject: c.subject, Account: a.ID, Linked: p.now()}})
	if err != nil {
		return a, err
	}
	return p.store.Account(ctx, a.ID)
}

// provisioned is a new account for somebody at an address of the provider's
// domains.
func (p *People) provisioned(pr *provider, c claims, email string) (store.Account, error) {
	_, domain, _ := strings.Cut(email, "@")
	if !pr.Provision || !slices.Contains(pr.Domains, domain) {
		return store.Account{}, fmt.Errorf("%w: nobody invited you; ask an administrator for an invitation at your address", audit.ErrForbidden)
	}
	id, err := newID(p.now())
	if err != nil {
		return store.Account{}, err
	}
	name := strings.TrimSpace(c.name)
	if name == "" || utf8.RuneCountInString(name) > 200 {
		name = email
	}
	return store.Account{ID: id, Email: email, Name: name, Status: "", Created: p.now(), Rights: 1}, nil
}

// followGroups gives and takes the roles of the person's groups at a provider.
func (p *People) followGroups(ctx context.Context, pr *provider, c claims, a store.Account) (store.Account, error) {
	if pr.Groups == nil {
		return a, nil
	}
	by := Subject{Workspace: p.kind, Kind: audit.ActorConnector, Account: pr.via()}
	if err := p.followAs(ctx, by, &a, pr.via(), pr.mapping.of(c.groups)); err != nil {
		return a, err
	}
	return p.store.Account(ctx, a.ID)
}

// followAs makes the change that follow finds, if any.
func (p *People) followAs(ctx context.Context, by Subject, a *store.Account, via string, mapped []Grant) error {
	had := a.Grants
	changed, detail, err := p.follow(ctx, a, via, mapped)
	if err != nil || !changed {
		return err
	}
	c := store.AccessChange{Account: a}
	if loses(had, a.Grants, p.anchor()) && Status(a.Status) == Active {
		c.Keep = p.keep()
	}
	_, err = p.change(ctx, by, DidGrant, "account:"+a.ID, detail, c)
	return err
}

// own reads the session of who went to a provider out of it: the one the
// browser shows, which has to be the one the flow began in.
func (p *People) own(ctx context.Context, f flow, secret string) (store.Session, store.Account, error) {
	x, a, err := p.find(ctx, secret)
	if err == nil && x.ID != f.Session {
		err = errSession
	}
	return x, a, err
}

func (p *People) confirmAt(ctx context.Context, pr *provider, c claims, f flow, at OIDCAnswer) (Signed, Activity, error) {
	x, a, err := p.own(ctx, f, at.Session)
	if err != nil {
		return Signed{}, Activity{}, err
	}
	i, err := p.store.Identity(ctx, c.issuer, c.subject)
	if err != nil && !errors.Is(err, audit.ErrNotFound) {
		return Signed{}, Activity{}, err
	}
	if err != nil || i.Account != a.ID {
		act, refused := p.refuse(ctx, a, at.From, pr.via()+", as somebody else")
		return Signed{}, act, errors.Join(fmt.Errorf("%w: you signed in at %s as somebody else", audit.ErrForbidden, pr.Title), refused)
	}
	now := p.now()
	if c.authTime.IsZero() || now.Sub(c.authTime) >= FreshFor || c.authTime.Sub(now) > clockSlack {
		return Signed{}, Activity{}, fmt.Errorf("%w: %s does not say that you signed in just now", audit.ErrForbidden, pr.Title)
	}
	if (pr.RequireMFA || hasSecond(a)) && !c.mfa {
		return Signed{}, Activity{}, fmt.Errorf("%w: %s did not ask you for a second factor; sign in again with a passkey or a password and a code", audit.ErrForbidden, pr.Title)
	}
	old := x.Hash
	x.SignedIn, x.Method = p.shownAt(c), pr.via()
	return p.renew(ctx, a, DidConfirm, x, at.From, store.AccessChange{DropSession: &old})
}

func (p *People) linkAt(ctx context.Context, pr *provider, c claims, f flow, at OIDCAnswer) (Signed, Activity, error) {
	x, a, err := p.own(ctx, f, at.Session)
	if err != nil {
		return Signed{}, Activity{}, err
	}
	if !c.verified {
		return Signed{}, Activity{}, notVerified(pr)
	}
	a.Rights++
	by := p.signed(a, x).Subject
	by.Address = cut(at.Address)
	act, err := p.change(ctx, by, DidLinkIdentity, "account:"+a.ID, map[string]string{"issuer": c.issuer, "before": a.Status},
		store.AccessChange{Account: &a, Link: &store.Identity{Issuer: c.issuer, Subject: c.subject, Account: a.ID, Linked: p.now()}})
	if errors.Is(err, audit.ErrConflict) {
		err = fmt.Errorf("who you are at %s is linked to an account already, or yours changed meanwhile: %w", pr.Title, err)
	}
	return p.signed(a, x), act, err
}

// An Identity is who a person is at a provider.
type Identity struct {
	Issuer   string
	Subject  string
	Provider string // ID of the provider, "" when it is configured no more
	Linked   time.Time
}

// Identities returns what an account is linked to: one's own, or with
// account.read of the whole workspace.
func (p *People) Identities(ctx context.Context, by Subject, account string) ([]Identity, error) {
	if err := p.ownOr(by, account, ReadAccounts); err != nil {
		return nil, err
	}
	rows, err := p.store.Identities(ctx, account)
	out := make([]Identity, len(rows))
	for i, r := range rows {
		out[i] = Identity{Issuer: r.Issuer, Subject: r.Subject, Linked: r.Linked}
		for _, pr := range p.providers {
			if pr.Issuer == r.Issuer {
				out[i].Provider = pr.ID
			}
		}
	}
	return out, err
}

// Unlink takes one of one's own identities off one's account, with the roles
// that its groups gave. The last way to sign in stays, and so does the last
// administrator.
func (p *People) Unlink(ctx context.Context, by Subject, issuer, subject string) (Activity, error) {
	a, err := p.self(ctx, by)
	if err != nil {
		return Activity{}, err
	}
	if a.Identities <= 1 && a.Password == "" && a.Passkeys == 0 {
		return Activity{}, fmt.Errorf("%w: it is the only way you sign in; add a passkey first", audit.ErrConflict)
	}
	i, err := p.store.Identity(ctx, issuer, subject)
	if errors.Is(err, audit.ErrNotFound) || err == nil && i.Account != a.ID {
		return Activity{}, fmt.Errorf("%w: your account is not linked to that", audit.ErrNotFound)
	}
	if err != nil {
		return Activity{}, err
	}
	c := store.AccessChange{Account: &a, Unlink: &i}
	detail := map[string]string{"issuer": issuer}
	for _, pr := range p.providers {
		if pr.Issuer != issuer {
			continue
		}
		had := a.Grants
		changed, roles, err := p.follow(ctx, &a, pr.via(), nil)
		if err != nil {
			return Activity{}, err
		}
		if maps.Copy(detail, roles); changed && loses(had, a.Grants, p.anchor()) {
			c.Keep = p.keep()
		}
	}
	a.Rights++
	return p.change(ctx, by, DidUnlinkIdentity, "account:"+a.ID, detail, c)
}
