package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tieout/audit"
	"tieout/store"
)

// byDirectory is what gives a role for a directory's group, and its name in the log.
const byDirectory = "directory"

// A DirectoryUser is an account as a directory sees it (RFC 7643, 4.1).
type DirectoryUser struct {
	ID         string // the account's
	UserName   string // unique whatever its case; the address where no directory said another
	ExternalID string
	Email      string
	Name       string // as people read it
	Given      string
	Family     string
	Active     bool // not suspended; it may still be invited only
	Created    time.Time
	Changed    time.Time
	Version    int64            // grows with every change of the account
	Groups     []DirectoryGroup // without their members
}

// A DirectoryGroup is a group that a directory keeps (RFC 7643, 4.2). It gives
// the roles that Config.Groups has under its name.
type DirectoryGroup struct {
	ID         string
	Name       string
	ExternalID string
	Created    time.Time
	Changed    time.Time
	Version    int64
	Members    []string // accounts
}

// A directory is who asks on behalf of one: a token that was made for it, and
// never a session, whose person has to sign in again to do such things.
func (p *People) directory(by Subject) (Subject, error) {
	if err := Require(by, Provision, Object{}); err != nil {
		return by, err
	}
	if by.Token == "" || by.Limit == nil {
		return by, fmt.Errorf("%w: only a token made for a directory may provision accounts", audit.ErrForbidden)
	}
	by.Kind = audit.ActorConnector
	return by, nil
}

// DirectoryUsers returns all accounts but those that a directory removed. Like
// all calls for directories it needs a token with account.provision.
func (p *People) DirectoryUsers(ctx context.Context, by Subject) ([]DirectoryUser, error) {
	if _, err := p.directory(by); err != nil {
		return nil, err
	}
	v, err := p.view(ctx)
	if err != nil {
		return nil, err
	}
	out := []DirectoryUser{}
	for _, a := range v.accounts {
		if !v.users[a.ID].Gone {
			out = append(out, v.user(a))
		}
	}
	return out, nil
}

// DirectoryUser returns one account, or audit.ErrNotFound also where a directory
// removed it.
func (p *People) DirectoryUser(ctx context.Context, by Subject, id string) (DirectoryUser, error) {
	if _, err := p.directory(by); err != nil {
		return DirectoryUser{}, err
	}
	v, err := p.view(ctx)
	if err != nil {
		return DirectoryUser{}, err
	}
	a, err := v.find(id)
	return v.user(a), err
}

// A view is what directories and accounts say together.
type view struct {
	accounts []store.Account
	users    map[string]store.DirectoryUser
	groups   []store.DirectoryGroup
	in       map[string][]int // places in groups, by account
}

func (p *People) view(ctx context.Context) (v view, err error) {
	if v.accounts, err = p.store.Accounts(ctx); err != nil {
		return v, err
	}
	if v.users, err = p.store.DirectoryUsers(ctx); err != nil {
		return v, err
	}
	if v.groups, err = p.store.DirectoryGroups(ctx); err != nil {
		return v, err
	}
	v.in = map[string][]int{}
	for i, g := range v.groups {
		for _, id := range g.Members {
			v.in[id] = append(v.in[id], i)
		}
	}
	return v, nil
}

// move says in the view that an account joined or left a group.
func (v view) move(group int, id string, join bool) {
	g := &v.groups[group]
	if join {
		g.Members, v.in[id] = append(slices.Clone(g.Members), id), append(slices.Clone(v.in[id]), group)
		return
	}
	g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(x string) bool { return x == id })
	v.in[id] = slices.DeleteFunc(slices.Clone(v.in[id]), func(x int) bool { return x == group })
}

func (v view) find(id string) (store.Account, error) {
	for _, a := range v.accounts {
		if a.ID == id && !v.users[id].Gone {
			return a, nil
		}
	}
	return store.Account{}, fmt.Errorf("%w: user %.60q", audit.ErrNotFound, id)
}

func (v view) user(a store.Account) DirectoryUser {
	u := DirectoryUser{ID: a.ID, UserName: a.Email, Email: a.Email, Name: a.Name, Active: Status(a.Status) != Suspended,
		Created: a.Created, Changed: a.Created, Version: a.Version}
	if d, ok := v.users[a.ID]; ok {
		u.UserName, u.ExternalID, u.Given, u.Family, u.Changed = d.UserName, d.ExternalID, d.Given, d.Family, d.Changed
	}
	for _, i := range v.in[a.ID] {
		group := directoryGroup(v.groups[i])
		group.Members = nil
		u.Groups = append(u.Groups, group)
	}
	return u
}

// groupsOf are the names of an account's groups.
func (v view) groupsOf(id string) (out []string) {
	for _, i := range v.in[id] {
		out = append(out, v.groups[i].Name)
	}
	return out
}

// check cleans what a directory says and refuses what nobody could use.
func (u *DirectoryUser) check() error {
	for _, x := range []struct {
		name string
		s    *string
		most int
	}{{"userName", &u.UserName, 254}, {"externalId", &u.ExternalID, 255}, {"displayName", &u.Name, 200}, {"name.givenName", &u.Given, 200}, {"name.familyName", &u.Family, 200}} {
		*x.s = strings.TrimSpace(norm.NFC.String(*x.s))
		if utf8.RuneCountInString(*x.s) > x.most || strings.ContainsFunc(*x.s, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }) {
			return fmt.Errorf("%w: %s has more than %d characters, or some that cannot be shown", audit.ErrInvalid, x.name, x.most)
		}
	}
	if u.UserName == "" {
		return fmt.Errorf("%w: userName is missing", audit.ErrInvalid)
	}
	if u.Email == "" {
		u.Email = u.UserName
	}
	email, err := Email(u.Email)
	if err != nil {
		return fmt.Errorf("%w: neither emails nor userName is an e-mail address", audit.ErrInvalid)
	}
	if u.Email = email; u.Name == "" {
		u.Name = strings.TrimSpace(u.Given + " " + u.Family)
	}
	if u.Name == "" {
		u.Name = u.UserName
	}
	return nil
}

// free refuses a user name or an address that another account has. One that a
// directory removed gives its own up.
func (v view) free(u DirectoryUser) error {
	for _, a := range v.accounts {
		if a.ID == u.ID {
			continue
		}
		if x := v.user(a); strings.EqualFold(x.UserName, u.UserName) || x.Email == u.Email {
			return fmt.Errorf("%w: another account has that user name or e-mail address", audit.ErrConflict)
		}
	}
	return nil
}

// CreateDirectoryUser makes an account, invited and without a link: its person
// signs in at a provider, or an administrator sends a link. One that is not
// Active is suspended from the start. An account that a directory removed comes
// back, without the roles it had. A user name or address that is taken is audit.ErrConflict.
func (p *People) CreateDirectoryUser(ctx context.Context, by Subject, u DirectoryUser) (DirectoryUser, Activity, error) {
	by, err := p.directory(by)
	if err != nil {
		return u, Activity{}, err
	}
	if err := u.check(); err != nil {
		return u, Activity{}, err
	}
	v, err := p.view(ctx)
	if err != nil {
		return u, Activity{}, err
	}
	a := v.removed(u)
	u.ID = a.ID
	if err := v.free(u); err != nil {
		return u, Activity{}, err
	}
	if a.Version == 0 {
		if a.ID, err = newID(p.now()); err != nil {
			return u, Activity{}, err
		}
		a.Created = p.now()
	}
	detail := map[string]string{"before": a.Status}
	if a.Version > 0 {
		detail["taken"] = words(account(a).Grants)
	}
	a.Email, a.Name, a.Status, a.Rights, a.Grants = u.Email, u.Name, string(Suspended), a.Rights+1, nil
	if u.Active {
		a.Status = string(awake(a))
	}
	u.ID, detail["after"] = a.ID, a.Status
	act, err := p.change(ctx, by, DidProvision, "account:"+a.ID, detail,
		store.AccessChange{Account: &a, Directory: p.said(u)})
	if err != nil {
		return u, act, err
	}
	out, err := p.DirectoryUser(ctx, by.asToken(), a.ID)
	return out, act, err
}

// asToken is s as who asked.
func (s Subject) asToken() Subject {
	s.Kind = audit.ActorCommand
	return s
}

// awake is what an account is that is not suspended: active where its person
// has a way to sign in.
func awake(a store.Account) Status {
	if a.Password == "" && a.Passkeys == 0 && a.Identities == 0 {
		return Invited
	}
	return Active
}

// removed is the account that a directory removed and now says again, or none.
func (v view) removed(u DirectoryUser) store.Account {
	for _, a := range v.accounts {
		if d := v.users[a.ID]; d.Gone && (a.Email == u.Email || strings.EqualFold(d.UserName, u.UserName)) {
			return a
		}
	}
	return store.Account{}
}

func (p *People) said(u DirectoryUser) *store.DirectoryUser {
	return &store.DirectoryUser{Account: u.ID, UserName: u.UserName, ExternalID: u.ExternalID, Given: u.Given, Family: u.Family, Changed: p.now()}
}

// errVersion is said where somebody read another version than there is.
func errVersion(what string) error {
	return fmt.Errorf("%w: %s has changed since it was read", ErrVersion, what)
}

// ErrVersion says that a change was meant for another version. It wraps
// audit.ErrConflict.
var ErrVersion = fmt.Errorf("%w: not the version that is there", audit.ErrConflict)

// ReplaceDirectoryUser takes everything that a directory says of an account. Not
// Active suspends it: its sessions, links and tokens end in the same step.
// version is what the directory read, 0 for any; another is ErrVersion. The last
// active administrator stays active, audit.ErrConflict. What changes nothing is
// not recorded.
func (p *People) ReplaceDirectoryUser(ctx context.Context, by Subject, u DirectoryUser, version int64) (DirectoryUser, Activity, error) {
	by, err := p.directory(by)
	if err != nil {
		return u, Activity{}, err
	}
	if err := u.check(); err != nil {
		return u, Activity{}, err
	}
	v, err := p.view(ctx)
	if err != nil {
		return u, Activity{}, err
	}
	a, err := v.find(u.ID)
	if err != nil {
		return u, Activity{}, err
	}
	if version != 0 && version != a.Version {
		return u, Activity{}, errVersion("the user")
	}
	if err := v.free(u); err != nil {
		return u, Activity{}, err
	}
	c, verb, detail := p.replacement(v.user(a), u, a)
	if verb == "" {
		return v.user(a), Activity{}, nil
	}
	act, err := p.change(ctx, by, verb, "account:"+a.ID, detail, c)
	if err != nil {
		return u, act, err
	}
	out, err := p.DirectoryUser(ctx, by.asToken(), a.ID)
	return out, act, err
}

// replacement is the change from what an account was to what a directory says,
// with no verb where there is none.
func (p *People) replacement(was, u DirectoryUser, a store.Account) (store.AccessChange, Verb, map[string]string) {
	var changed []string
	for _, x := range []struct{ name, was, is string }{{"userName", was.UserName, u.UserName}, {"externalId", was.ExternalID, u.ExternalID},
		{"email", was.Email, u.Email}, {"name", was.Name + "\x1f" + was.Given + "\x1f" + was.Family, u.Name + "\x1f" + u.Given + "\x1f" + u.Family}} {
		if x.was != x.is {
			changed = append(changed, x.name)
		}
	}
	detail := map[string]string{}
	if len(changed) > 0 {
		detail["changed"] = strings.Join(changed, " ")
	}
	verb, before := DidChangeAccount, a.Status
	c := store.AccessChange{Account: &a, Directory: p.said(u)}
	a.Email, a.Name = u.Email, u.Name
	switch {
	case was.Active && !u.Active:
		verb, detail["before"] = DidSuspend, before
		a.Status, a.Rights = string(Suspended), a.Rights+1
		c.EndSessions, c.EndTokens, c.EndInvitations = a.ID, a.ID, a.ID
		c.Keep = p.keepOf(a, Status(before))
	case !was.Active && u.Active:
		verb, detail["roles"] = DidReactivate, words(account(a).Grants)
		a.Status, a.Rights = string(awake(a)), a.Rights+1
		detail["status"] = a.Status
	case len(changed) == 0:
		return c, "", nil
	}
	return c, verb, detail
}

// keepOf is the role that has to stay with somebody when this account goes, nil
// where it has it not.
func (p *People) keepOf(a store.Account, was Status) *store.AccountGrant {
	if was == Active && slices.Contains(account(a).Grants, p.anchor()) {
		return p.keep()
	}
	return nil
}

// RemoveDirectoryUser is a directory's deletion: the account leaves its groups
// with the roles they gave, is suspended as Suspend does, and is no user of the
// directory any more. It stays, with all it did.
func (p *People) RemoveDirectoryUser(ctx context.Context, by Subject, id string, version int64) (Activity, error) {
	by, err := p.directory(by)
	if err != nil {
		return Activity{}, err
	}
	v, err := p.view(ctx)
	if err != nil {
		return Activity{}, err
	}
	a, err := v.find(id)
	if err != nil {
		return Activity{}, err
	}
	if version != 0 && version != a.Version {
		return Activity{}, errVersion("the user")
	}
	if before := Status(a.Status); before != Suspended {
		a.Status, a.Rights = string(Suspended), a.Rights+1
		_, err := p.change(ctx, by, DidSuspend, "account:"+id, map[string]string{"before": string(before)}, store.AccessChange{
			Account: &a, EndInvitations: id, EndSessions: id, EndTokens: id, Keep: p.keepOf(a, before)})
		if err != nil {
			return Activity{}, err
		}
	}
	return p.leave(ctx, by, id)
}

// leave takes a suspended account out of its groups and then out of the
// directory. Until then it is a user whom the directory can delete again.
func (p *People) leave(ctx context.Context, by Subject, id string) (Activity, error) {
	for {
		v, err := p.view(ctx)
		if err != nil {
			return Activity{}, err
		}
		a, err := v.find(id)
		if err != nil {
			return Activity{}, err
		}
		if in := v.in[id]; len(in) > 0 {
			v.groups[in[0]].Version = 0 // whatever else joins or leaves
			if err := p.member(ctx, by, v, in[0], id, false); err != nil {
				return Activity{}, err
			}
			continue
		}
		u := p.said(v.user(a))
		u.Gone = true
		return p.change(ctx, by, DidChangeAccount, "account:"+id, map[string]string{"removed": "from the directory"}, store.AccessChange{Account: &a, Directory: u})
	}
}
