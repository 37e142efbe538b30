package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tieout/audit"
	"tieout/store"
)

// TokenPrefix begins every API token, so that scanners of secrets know it.
const TokenPrefix = "tieout_"

// A Token is what people may see of an API token.
type Token struct {
	ID          string // the visible beginning of the token
	Account     string // whose rights it has a part of
	Name        string
	Permissions []PermissionID
	Created     time.Time
	Expires     time.Time
	Used        time.Time // to the minute; zero: never
}

func token(k store.APIToken) Token {
	t := Token{ID: k.ID, Account: k.Account, Name: k.Name, Created: k.Created, Expires: k.Expires, Used: k.Used}
	for _, f := range strings.Fields(k.Permissions) {
		t.Permissions = append(t.Permissions, PermissionID(f))
	}
	return t
}

// CreateToken makes a token that can do at most these permissions, and never
// more than its person can at that moment. The secret is returned once. It
// needs token.create; permissions that need a person, or that no role of the
// person has, are refused.
func (p *People) CreateToken(ctx context.Context, by Subject, name string, permissions []PermissionID, expires time.Time) (Token, string, Activity, error) {
	if err := Require(by, CreateToken, Object{Owner: by.Account}); err != nil {
		return Token{}, "", Activity{}, err
	}
	return p.createToken(ctx, by, by.Account, by.Grants, name, permissions, expires)
}

// createToken makes a token that acts for an account with these grants.
func (p *People) createToken(ctx context.Context, by Subject, owner string, grants []Grant, name string, permissions []PermissionID, expires time.Time) (Token, string, Activity, error) {
	fail := func(err error) (Token, string, Activity, error) { return Token{}, "", Activity{}, err }
	name = strings.TrimSpace(name)
	if err := p.checkToken(grants, name, permissions, expires); err != nil {
		return fail(err)
	}
	tail, err := newSecret()
	if err != nil {
		return fail(err)
	}
	id := TokenPrefix + shortID()
	secret := id + "_" + tail
	var ids []string
	for _, x := range permissions {
		ids = append(ids, string(x))
	}
	k := store.APIToken{ID: id, Hash: hashOf(secret), Account: owner, Name: name, Permissions: strings.Join(ids, " "),
		Created: p.now(), Expires: expires.UTC().Truncate(time.Microsecond)}
	act, err := p.change(ctx, by, DidCreateToken, "token:"+id, map[string]string{"account": owner, "name": name, "permissions": k.Permissions, "expires": audit.FormatTime(k.Expires)},
		store.AccessChange{AddToken: &k})
	if err != nil {
		return Token{}, "", act, err
	}
	return token(k), secret, act, nil
}

// Tokenable are the permissions that a token of an account with these grants can
// be made for, in the order of the table: what a role of the account has and no
// person is needed for.
func Tokenable(w Workspace, grants []Grant) (out []Permission) {
	for _, p := range Permissions {
		if (p.Workspace == "" || p.Workspace == w) && !p.Has(Person) && p.of(grants) {
			out = append(out, p)
		}
	}
	return out
}

// of reports whether a role among the grants has p.
func (p Permission) of(grants []Grant) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool { return slices.Contains(p.Roles, g.Role) })
}

func (p *People) checkToken(grants []Grant, name string, permissions []PermissionID, expires time.Time) error {
	now := p.now()
	switch {
	case name == "" || utf8.RuneCountInString(name) > 100:
		return fmt.Errorf("%w: a token's name has 1 to 100 characters", audit.ErrInvalid)
	case len(permissions) == 0:
		return fmt.Errorf("%w: a token names what it may do", audit.ErrInvalid)
	case !expires.After(now) || expires.After(now.Add(MaxTokenLife)):
		return fmt.Errorf("%w: a token expires after now and within %d days", audit.ErrInvalid, int(MaxTokenLife.Hours()/24))
	}
	for _, id := range permissions {
		perm, ok := PermissionOf(id)
		if !ok {
			return fmt.Errorf("%w: there is no permission %q", audit.ErrInvalid, id)
		}
		if perm.Has(Person) {
			return fmt.Errorf("%w: only a person may %s; no token can", audit.ErrForbidden, perm.Title)
		}
		if !perm.of(grants) {
			return fmt.Errorf("%w: no role of the account may %s", audit.ErrForbidden, perm.Title)
		}
	}
	return nil
}

// UseToken returns as whom a token acts at this instant: never as a person, and
// with what its account may do now, as far as the token was made for it.
func (p *People) UseToken(ctx context.Context, secret string, from From) (Subject, error) {
	wrong := fmt.Errorf("%w: the token is unknown, revoked or has expired", audit.ErrForbidden)
	if !strings.HasPrefix(secret, TokenPrefix) {
		return Subject{}, wrong
	}
	k, err := p.store.APIToken(ctx, hashOf(secret))
	if errors.Is(err, audit.ErrNotFound) || err == nil && !k.Expires.After(p.now()) {
		return Subject{}, wrong
	}
	if err != nil {
		return Subject{}, err
	}
	a, err := p.store.Account(ctx, k.Account)
	if err != nil {
		return Subject{}, err
	}
	if Status(a.Status) != Active {
		return Subject{}, wrong
	}
	if now := p.now(); now.Sub(k.Used) >= touchEvery {
		if err := p.store.TouchAPIToken(ctx, k.ID, now); err != nil {
			return Subject{}, err
		}
	}
	limit := token(k).Permissions
	return Subject{Workspace: p.kind, Kind: audit.ActorCommand, Account: a.ID, Grants: account(a).Grants, Limit: &limit,
		Token: k.ID, Address: cut(from.Address)}, nil
}

// Tokens returns the tokens of an account, "" for everybody's, the newest
// first: one's own, or with token.manage.
func (p *People) Tokens(ctx context.Context, by Subject, account string) ([]Token, error) {
	if err := p.ownOr(by, account, ManageTokens); err != nil {
		return nil, err
	}
	rows, err := p.store.APITokens(ctx, account)
	out := make([]Token, len(rows))
	for i, k := range rows {
		out[i] = token(k)
	}
	return out, err
}

// RevokeToken ends a token: one's own, or with token.manage.
func (p *People) RevokeToken(ctx context.Context, by Subject, id string) (Activity, error) {
	rows, err := p.store.APITokens(ctx, "")
	if err != nil {
		return Activity{}, err
	}
	owner := ""
	for _, k := range rows {
		if k.ID == id {
			owner = k.Account
		}
	}
	if err := p.ownOr(by, owner, ManageTokens); err != nil {
		return Activity{}, err
	}
	if owner == "" {
		return Activity{}, fmt.Errorf("%w: token %q", audit.ErrNotFound, id)
	}
	return p.change(ctx, by, DidRevokeToken, "token:"+id, map[string]string{"account": owner}, store.AccessChange{DropToken: id})
}
