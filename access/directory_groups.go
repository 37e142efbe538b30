package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tieout/audit"
	"tieout/store"
)

// maxMembers bounds a directory's group.
const maxMembers = 10000

func directoryGroup(g store.DirectoryGroup) DirectoryGroup {
	return DirectoryGroup{g.ID, g.Name, g.ExternalID, g.Created, g.Changed, g.Version, g.Members}
}

// DirectoryGroups returns all groups, in the order they were made.
func (p *People) DirectoryGroups(ctx context.Context, by Subject) ([]DirectoryGroup, error) {
	if _, err := p.directory(by); err != nil {
		return nil, err
	}
	rows, err := p.store.DirectoryGroups(ctx)
	out := make([]DirectoryGroup, len(rows))
	for i, g := range rows {
		out[i] = directoryGroup(g)
	}
	return out, err
}

// DirectoryGroup returns one group, or audit.ErrNotFound.
func (p *People) DirectoryGroup(ctx context.Context, by Subject, id string) (DirectoryGroup, error) {
	if _, err := p.directory(by); err != nil {
		return DirectoryGroup{}, err
	}
	g, err := p.store.DirectoryGroup(ctx, id)
	return directoryGroup(g), err
}

func (g *DirectoryGroup) check(v view) error {
	for _, x := range []struct {
		name string
		s    *string
	}{{"displayName", &g.Name}, {"externalId", &g.ExternalID}} {
		if *x.s = strings.TrimSpace(*x.s); utf8.RuneCountInString(*x.s) > maxGroupLen || !utf8.ValidString(*x.s) ||
			strings.ContainsFunc(*x.s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("%w: %s has more than %d characters, or some that cannot be shown", audit.ErrInvalid, x.name, maxGroupLen)
		}
	}
	if g.Name == "" {
		return fmt.Errorf("%w: displayName is missing", audit.ErrInvalid)
	}
	slices.Sort(g.Members)
	g.Members = slices.Compact(g.Members)
	if len(g.Members) > maxMembers {
		return fmt.Errorf("%w: a group has at most %d members", audit.ErrInvalid, maxMembers)
	}
	for _, id := range g.Members {
		if _, err := v.find(id); err != nil {
			return fmt.Errorf("%w: the member %.60q is no user here", audit.ErrInvalid, id)
		}
	}
	for _, o := range v.groups {
		if o.ID != g.ID && strings.EqualFold(o.Name, g.Name) {
			return fmt.Errorf("%w: another group has that name", audit.ErrConflict)
		}
	}
	return nil
}

// SaveDirectoryGroup makes a group (ID ""), or gives one its name and members in
// place of those it had. Everybody who joins or leaves gets and loses roles in
// the same step. A version that is not 0 has to be the one there is, and nobody
// else may change the group meanwhile: ErrVersion. After an error some members
// may have moved and others not: saying it again goes on.
func (p *People) SaveDirectoryGroup(ctx context.Context, by Subject, g DirectoryGroup, version int64) (DirectoryGroup, error) {
	by, err := p.directory(by)
	if err != nil {
		return g, err
	}
	v, err := p.view(ctx)
	if err != nil {
		return g, err
	}
	if err := g.check(v); err != nil {
		return g, err
	}
	place, err := p.named(ctx, by, &v, &g, version)
	if err != nil {
		return g, err
	}
	was := v.groups[place].Members
	for _, id := range without(was, g.Members) {
		if err := p.member(ctx, by, v, place, id, false); err != nil {
			return g, err
		}
	}
	for _, id := range without(g.Members, was) {
		if err := p.member(ctx, by, v, place, id, true); err != nil {
			return g, err
		}
	}
	if err := p.followAll(ctx, by, g.Members); err != nil {
		return g, err
	}
	return p.DirectoryGroup(ctx, by.asToken(), g.ID)
}

// without are those of a that are not in b.
func without(a, b []string) (out []string) {
	has := make(map[string]bool, len(b))
	for _, x := range b {
		has[x] = true
	}
	for _, x := range a {
		if !has[x] {
			out = append(out, x)
		}
	}
	return out
}

// named makes or renames the group's row and returns its place in the view,
// which then has it as it is.
func (p *People) named(ctx context.Context, by Subject, v *view, g *DirectoryGroup, version int64) (place int, err error) {
	now := p.now()
	if g.ID == "" {
		if g.ID, err = newID(now); err != nil {
			return 0, err
		}
		row := store.DirectoryGroup{ID: g.ID, Name: g.Name, ExternalID: g.ExternalID, Created: now, Changed: now}
		_, err = p.change(ctx, by, DidCreateGroup, "group:"+g.ID, map[string]string{"name": g.Name}, store.AccessChange{Group: &row})
		row.Version = 1
		v.groups = append(v.groups, row)
		return len(v.groups) - 1, err
	}
	place = slices.IndexFunc(v.groups, func(o store.DirectoryGroup) bool { return o.ID == g.ID })
	if place < 0 {
		return 0, fmt.Errorf("%w: group %.60q", audit.ErrNotFound, g.ID)
	}
	row := v.groups[place]
	if version != 0 && version != row.Version {
		return 0, errVersion("the group")
	}
	if row.Name == g.Name && row.ExternalID == g.ExternalID {
		return place, nil
	}
	detail := map[string]string{"before": row.Name, "after": g.Name}
	row.Name, row.ExternalID, row.Changed = g.Name, g.ExternalID, now
	_, err = p.change(ctx, by, DidRenameGroup, "group:"+g.ID, detail, store.AccessChange{Group: &row})
	if errors.Is(err, audit.ErrConflict) {
		return 0, errVersion("the group")
	}
	row.Version++
	v.groups[place] = row
	return place, err
}

// member lets an account join or leave the group at that place of the view, with
// the roles it then has. Somebody else's change since the view was read is
// ErrVersion. The view then has the membership and the group's new version, but
// not the account's.
func (p *People) member(ctx context.Context, by Subject, v view, group int, id string, join bool) error {
	i := slices.IndexFunc(v.accounts, func(a store.Account) bool { return a.ID == id })
	if i < 0 {
		return fmt.Errorf("%w: user %.60q", audit.ErrNotFound, id)
	}
	a, g := v.accounts[i], v.groups[group]
	m := &store.Membership{Group: g.ID, Account: id, At: p.now(), Version: g.Version}
	c, verb := store.AccessChange{Join: m}, DidJoinGroup
	if !join {
		c, verb = store.AccessChange{Leave: m}, DidLeaveGroup
	}
	v.move(group, id, join)
	had := a.Grants
	changed, detail, err := p.follow(ctx, &a, byDirectory, p.groups.of(v.groupsOf(id)))
	if err != nil {
		return err
	}
	if changed {
		if c.Account = &a; loses(had, a.Grants, p.anchor()) && Status(a.Status) == Active {
			c.Keep = p.keep()
		}
	} else {
		detail = map[string]string{}
	}
	detail["group"], detail["name"] = g.ID, g.Name
	_, err = p.change(ctx, by, verb, "account:"+id, detail, c)
	if errors.Is(err, audit.ErrConflict) {
		return errVersion("the group or its member")
	}
	if v.groups[group].Version > 0 {
		v.groups[group].Version++
	}
	return err
}

// followAll gives accounts the roles of their groups, where they differ.
func (p *People) followAll(ctx context.Context, by Subject, ids []string) error {
	v, err := p.view(ctx)
	if err != nil {
		return err
	}
	for _, a := range v.accounts {
		if !slices.Contains(ids, a.ID) {
			continue
		}
		if err := p.followAs(ctx, by, &a, byDirectory, p.groups.of(v.groupsOf(a.ID))); err != nil {
			return err
		}
	}
	return nil
}

// FollowDirectory gives everybody the roles of their directory groups as
// Config.Groups has them now. The server runs it when it starts.
func (p *People) FollowDirectory(ctx context.Context) error {
	v, err := p.view(ctx)
	if err != nil {
		return err
	}
	var ids []string
	for _, a := range v.accounts {
		if len(v.groupsOf(a.ID)) > 0 || slices.ContainsFunc(a.Grants, func(g store.AccountGrant) bool { return g.Via == byDirectory }) {
			ids = append(ids, a.ID)
		}
	}
	return p.followAll(ctx, Subject{Workspace: p.kind, Kind: audit.ActorConnector, Account: byDirectory}, ids)
}

// RemoveDirectoryGroup removes a group: its members leave it first, one by one,
// and lose what it gave.
func (p *People) RemoveDirectoryGroup(ctx context.Context, by Subject, id string, version int64) (Activity, error) {
	by, err := p.directory(by)
	if err != nil {
		return Activity{}, err
	}
	v, err := p.view(ctx)
	if err != nil {
		return Activity{}, err
	}
	place := slices.IndexFunc(v.groups, func(o store.DirectoryGroup) bool { return o.ID == id })
	if place < 0 {
		return Activity{}, fmt.Errorf("%w: group %.60q", audit.ErrNotFound, id)
	}
	g := v.groups[place]
	if version != 0 && version != g.Version {
		return Activity{}, errVersion("the group")
	}
	for _, a := range g.Members {
		if err := p.member(ctx, by, v, place, a, false); err != nil {
			return Activity{}, err
		}
	}
	return p.change(ctx, by, DidRemoveGroup, "group:"+id, map[string]string{"name": g.Name}, store.AccessChange{DropGroup: id})
}
