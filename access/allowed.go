package access

import (
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
)

// A Grant is a role given to somebody, as far as its scope reaches.
type Grant struct {
	Role   RoleID `json:"role"`
	Scope  Scope  `json:"scope"`
	Object string `json:"object,omitempty"` // ID of the system, control or engagement
}

// String is the grant in words: "control owner of control IAM-06".
func (g Grant) String() string {
	title := string(g.Role)
	if r, ok := RoleOf(g.Role); ok {
		title = r.Title
	}
	switch g.Scope {
	case ScopeWorkspace:
		return title + " of the workspace"
	case ScopeOwn:
		return title + ", for what is their own"
	}
	return fmt.Sprintf("%s of %s %s", title, g.Scope, g.Object)
}

// A Subject is who asks. The zero value may do nothing.
type Subject struct {
	Workspace Workspace       // the kind of the workspace that is being asked
	Kind      audit.ActorKind // who really acts; only audit.ActorPerson can do what needs a person
	Account   string          // whose rights these are; "" is nobody
	Grants    []Grant
	Limit     *[]PermissionID // of an API token: no more than these; nil for a session
	Fresh     bool            // signed in within FreshFor
	Session   string          // ID of the session, for the log
	Token     string          // ID of the API token, for the log
	Address   string          // network address, for the log
	operator  string          // who runs the program on its machine; only Operator sets it
	Once      string          // idempotency key of the request; what it writes is written once
	Eyes      Eyes            `json:"-"` // tells people apart, for permissions that need a second one
}

// An Object is what is asked for. What the caller does not state, it does not
// belong to: an object without systems is the workspace's and is not reached
// by a grant for one system.
type Object struct {
	Systems     []string // IDs of the systems it belongs to
	Controls    []string // IDs of the controls it belongs to
	Engagements []string // IDs of the examinations that cover it
	Owner       string   // account whose own it is
	Prepared    []string // accounts who prepared it; for permissions that need a second person
}

// Allowed says whether who may do that on this object, and why or why not, in
// words. It knows nothing beyond its arguments and the tables Roles and
// Permissions. What is not allowed by a row of the table is refused.
func Allowed(who Subject, id PermissionID, on Object) (bool, string) {
	p, ok := PermissionOf(id)
	if !ok {
		return false, fmt.Sprintf("there is no permission %q", id)
	}
	if len(p.Roles) == 0 {
		return false, "nobody may " + p.Title
	}
	if p.Workspace != "" && p.Workspace != who.Workspace {
		return false, fmt.Sprintf("to %s belongs to a %s's workspace", p.Title, p.Workspace)
	}
	if why := p.unmet(who, on); why != "" {
		return false, why
	}
	for _, g := range who.Grants {
		if g.gives(p, who, on) {
			return true, g.String()
		}
	}
	return false, fmt.Sprintf("none of your roles may %s here", p.Title)
}

// unmet says which need of p is not met, "" if all are.
func (p Permission) unmet(who Subject, on Object) string {
	switch {
	case who.Account == "":
		return "sign in first"
	case who.Limit != nil && !slices.Contains(*who.Limit, p.ID):
		return "this token was not made to " + p.Title
	case p.Has(Person) && (who.Kind != audit.ActorPerson || who.Limit != nil || who.Token != ""):
		return "only a person may " + p.Title
	case p.Has(OwnOnly) && on.Owner != who.Account:
		return "only the person it belongs to may " + p.Title
	case p.Has(FourEyes) && who.Second(on.Prepared) != "":
		return who.Second(on.Prepared) + "; somebody else has to " + p.Title
	case p.Has(Again) && !who.Fresh:
		return "sign in again to " + p.Title
	}
	return ""
}

// gives reports whether the grant is one the table knows, names p, and reaches
// the object. What is only ever one's own, any grant of the role reaches.
func (g Grant) gives(p Permission, who Subject, on Object) bool {
	r, ok := RoleOf(g.Role)
	return ok && r.Workspace == who.Workspace && slices.Contains(r.Scopes, g.Scope) &&
		slices.Contains(p.Roles, g.Role) && (p.Has(OwnOnly) || g.reaches(who.Account, on, p.Has(Write)))
}

// reaches reports whether the object is within the grant's scope. To read, it
// is enough that a part of the object is; to write, all of it has to be.
func (g Grant) reaches(account string, on Object, write bool) bool {
	switch g.Scope {
	case ScopeWorkspace:
		return true
	case ScopeSystem:
		return within(on.Systems, g.Object, write)
	case ScopeControl:
		return within(on.Controls, g.Object, write)
	case ScopeEngagement:
		return within(on.Engagements, g.Object, write)
	case ScopeOwn:
		return on.Owner != "" && on.Owner == account
	}
	return false
}

func within(ids []string, id string, write bool) bool {
	if id == "" || !slices.Contains(ids, id) {
		return false
	}
	return !write || !slices.ContainsFunc(ids, func(x string) bool { return x != id })
}

// Require is Allowed as an error: nil, or audit.ErrForbidden with the reason.
func Require(who Subject, id PermissionID, on Object) error {
	if ok, why := Allowed(who, id, on); !ok {
		return fmt.Errorf("%w: %s", audit.ErrForbidden, why)
	}
	return nil
}

// CheckGrants refuses what no person may be given in that kind of workspace:
// unknown roles, roles of the other kind, scopes a role does not have, and a
// role that excludes all others beside another. The error wraps
// audit.ErrInvalid.
func CheckGrants(w Workspace, grants []Grant) error {
	for i, g := range grants {
		if err := g.check(w); err != nil {
			return err
		}
		if r, _ := RoleOf(g.Role); r.Alone && slices.ContainsFunc(grants, func(o Grant) bool { return o.Role != g.Role }) {
			return fmt.Errorf("%w: whoever is %s can have no other role here; invite the person under another address, or take the other roles", audit.ErrInvalid, r.Title)
		}
		if slices.Contains(grants[:i], g) {
			return fmt.Errorf("%w: %s is given twice", audit.ErrInvalid, g)
		}
	}
	return nil
}

func (g Grant) check(w Workspace) error {
	r, ok := RoleOf(g.Role)
	named := g.Scope != ScopeWorkspace && g.Scope != ScopeOwn
	switch {
	case !ok:
		return fmt.Errorf("%w: there is no role %q", audit.ErrInvalid, g.Role)
	case r.Workspace != w:
		return fmt.Errorf("%w: the role %s exists only in a %s's workspace", audit.ErrInvalid, r.Title, r.Workspace)
	case !slices.Contains(r.Scopes, g.Scope):
		return fmt.Errorf("%w: the role %s cannot be given for the scope %q; it can for %v", audit.ErrInvalid, r.Title, g.Scope, r.Scopes)
	case len(g.Object) > 200 || strings.ContainsFunc(g.Object, func(r rune) bool { return r <= ' ' || r == 0x7f }) || strings.HasSuffix(g.Object, ":"):
		return fmt.Errorf("%w: %.60q is no ID of a system, a control or an engagement", audit.ErrInvalid, g.Object)
	case named != (g.Object != ""):
		return fmt.Errorf("%w: the scope %s of the role %s names an object, and those of the workspace and of one's own name none", audit.ErrInvalid, g.Scope, r.Title)
	}
	return nil
}
