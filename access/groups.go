package access

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/store"
)

// ParseGrant reads a grant as configuration names it: role@scope, with the
// object behind a colon where the scope has one. compliance-lead@workspace,
// control-owner@control:IAM-06, employee@own. The error wraps audit.ErrInvalid.
func ParseGrant(w Workspace, s string) (Grant, error) {
	role, rest, ok := strings.Cut(s, "@")
	scope, object, _ := strings.Cut(rest, ":")
	g := Grant{RoleID(role), Scope(scope), object}
	if !ok {
		return g, fmt.Errorf("%w: %q is not a role and its scope, such as compliance-lead@workspace or control-owner@control:IAM-06", audit.ErrInvalid, s)
	}
	if err := g.check(w); err != nil {
		return g, fmt.Errorf("%q: %w", s, err)
	}
	return g, nil
}

// A Mapping says which roles a group gives. A group it does not name gives none.
type Mapping map[string][]Grant

// ParseMapping reads a mapping as configuration writes it: group to grants as
// ParseGrant reads them.
func ParseMapping(w Workspace, groups map[string][]string) (Mapping, error) {
	m := Mapping{}
	for group, grants := range groups {
		for _, s := range grants {
			g, err := ParseGrant(w, s)
			if err != nil {
				return nil, fmt.Errorf("group %q: %w", group, err)
			}
			m[group] = append(m[group], g)
		}
	}
	return m, nil
}

// of are the grants that these groups give, each once.
func (m Mapping) of(groups []string) (out []Grant) {
	for _, name := range groups {
		for _, g := range m[name] {
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}

// regrant are a person's grants in place of those there were; one that groups
// gave and that stays is still theirs to take.
func regrant(before []store.AccountGrant, grants []Grant) []store.AccountGrant {
	out := stored(grants)
	for i, g := range out {
		for _, b := range before {
			if g.Role == b.Role && g.Scope == b.Scope && g.Object == b.Object {
				out[i].Via = b.Via
			}
		}
	}
	return out
}

// byGroups are the grants of an account after its groups, as via knows them,
// were looked at: what people and others gave stays, what via gave and the
// mapping no longer gives goes. The error wraps audit.ErrForbidden where the
// groups give roles that exclude each other.
func (p *People) byGroups(before []store.AccountGrant, via string, mapped []Grant) ([]store.AccountGrant, error) {
	var out []store.AccountGrant
	var all []Grant
	for _, g := range before {
		if g.Via != via {
			out = append(out, g)
			all = append(all, Grant{RoleID(g.Role), Scope(g.Scope), g.Object})
		}
	}
	for _, g := range mapped {
		if !slices.Contains(all, g) {
			all = append(all, g)
			out = append(out, store.AccountGrant{Role: string(g.Role), Scope: string(g.Scope), Object: g.Object, Via: via})
		}
	}
	return out, p.together(all)
}

func (p *People) together(grants []Grant) error {
	if err := CheckGrants(p.kind, grants); err != nil {
		return fmt.Errorf("%w: the roles that the groups give do not go together: %s", audit.ErrForbidden, err.Error())
	}
	return nil
}

// follow gives an account the roles its groups give, and takes those they gave
// before. The last active administrator keeps that role. It reports whether
// anything changes, with what the log says of it; a is what to save.
func (p *People) follow(ctx context.Context, a *store.Account, via string, mapped []Grant) (changed bool, detail map[string]string, err error) {
	before := words(account(*a).Grants)
	grants, err := p.byGroups(a.Grants, via, mapped)
	if err != nil {
		return false, nil, err
	}
	kept := ""
	if Status(a.Status) == Active && loses(a.Grants, grants, p.anchor()) {
		last, err := p.last(ctx, a.ID)
		if err != nil {
			return false, nil, err
		}
		if last {
			kept = words([]Grant{p.anchor()})
			grants = append(grants, store.AccountGrant{Role: string(p.anchor().Role), Scope: string(p.anchor().Scope), Via: via})
		}
	}
	if sameGrants(a.Grants, grants) {
		return false, nil, nil
	}
	a.Grants, a.Rights = grants, a.Rights+1
	if err := p.together(account(*a).Grants); err != nil {
		return false, nil, err
	}
	detail = map[string]string{"before": before, "after": words(account(*a).Grants)}
	if kept != "" {
		detail["kept"] = kept
	}
	return true, detail, nil
}

func loses(before, after []store.AccountGrant, g Grant) bool {
	has := func(all []store.AccountGrant) bool {
		return slices.ContainsFunc(all, func(x store.AccountGrant) bool { return x.Role == string(g.Role) && x.Scope == string(g.Scope) })
	}
	return has(before) && !has(after)
}

// last reports whether nobody else who is active is the administrator.
func (p *People) last(ctx context.Context, id string) (bool, error) {
	all, err := p.store.Accounts(ctx)
	for _, a := range all {
		if a.ID != id && Status(a.Status) == Active && slices.Contains(account(a).Grants, p.anchor()) {
			return false, err
		}
	}
	return true, err
}

func sameGrants(a, b []store.AccountGrant) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(g store.AccountGrant) bool { return !slices.Contains(b, g) })
}

// Spec is the grant as ParseGrant reads it.
func (g Grant) Spec() string {
	return strings.TrimSuffix(string(g.Role)+"@"+string(g.Scope)+":"+g.Object, ":")
}
