package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/report"
)

// memberRoutes are who has access, and giving it.
var memberRoutes = []route{
	{pattern: "GET /access", needs: access.ReadAccounts, on: thePolicies, do: (*request).members},
	{pattern: "GET /access/new", needs: "account.manage", do: (*request).invitePage},
	{pattern: "POST /access/new", needs: "account.manage", do: (*request).invite},
	{pattern: "GET /access/{id}", needs: access.ReadAccounts, do: (*request).member},
	{pattern: "POST /access/{id}/roles", needs: "account.manage", do: (*request).setRoles},
	{pattern: "POST /access/{id}/link", needs: "account.manage", do: (*request).linkAgain},
	{pattern: "POST /access/{id}/suspend", needs: "account.manage", do: (*request).suspend},
	{pattern: "POST /access/{id}/reactivate", needs: "account.manage", do: (*request).reactivate},
	{pattern: "POST /access/{id}/sessions/end", needs: "account.manage", do: (*request).endTheirs},
}

type memberRow struct {
	link
	Email, Status, Factor, Since string
	Roles                        []string
}

func (q *request) members() error {
	list, err := q.s.people.Accounts(q.Context(), q.who)
	if err != nil {
		return err
	}
	loc := q.zone()
	text := strings.TrimSpace(q.URL.Query().Get("q"))
	var rows []memberRow
	active, bare := 0, 0
	for _, a := range list {
		if a.Status == access.Active {
			active++
			if a.Password && !a.SecondFactor {
				bare++
			}
		}
		row := memberRow{link: link{a.Name, q.at("access", a.ID)}, Email: a.Email, Status: report.Capital(string(a.Status)), Since: report.Day(a.Created, loc), Factor: "None"}
		if a.SecondFactor {
			row.Factor = "Yes"
		}
		for _, g := range a.Grants {
			row.Roles = append(row.Roles, report.Capital(g.String()))
		}
		if matches(text, a.Name, a.Email, strings.Join(row.Roles, " ")) {
			rows = append(rows, row)
		}
	}
	from := q.from(len(rows))
	q.Title, q.Heading, q.Wide = "Access", "Who has access", true
	q.Say = sayMembers(len(list), active, bare)
	q.Code = []string{"tieout account list"}
	return q.render("members.html", struct {
		*page
		Rows   []memberRow
		Pager  pager
		Text   string
		Manage bool
		Table  []access.Role
	}{&q.page, rows[from:min(len(rows), from+pageLength)], q.pager("/access", from, len(rows), "q", text), text, slices.ContainsFunc(q.who.Grants, func(g access.Grant) bool {
		return g.Role == access.Administrator || g.Role == access.FirmAdministrator
	}), q.roleTable()})
}

// sayMembers says how many can sign in, and how many with a password alone.
func sayMembers(all, active, bare int) string {
	if all == 0 {
		return "Nobody has an account yet."
	}
	s := report.Capital(report.Plural(active, "person", "people")) + " can sign in"
	switch bare {
	case 0:
		s += ", all with more than a password"
	case active:
		s += ", with a password alone"
	default:
		s += "; " + report.Plural(bare, "signs", "sign") + " in with a password alone"
	}
	if waiting := all - active; waiting > 0 {
		s += "; " + report.Plural(waiting, "is", "are") + " invited or suspended"
	}
	return s + "."
}

// roleTable are the roles of this kind of workspace.
func (q *request) roleTable() (out []access.Role) {
	for _, r := range access.Roles {
		if r.Workspace == q.s.kind {
			out = append(out, r)
		}
	}
	return out
}

// A roleOffer is a role that can be given, with the objects it can be given for.
type roleOffer struct {
	access.Role
	Value   string // role:scope:object
	Text    string
	Checked bool
}

// roleOffers are the roles as they can be given here.
func (q *request) roleOffers(have []access.Grant) (out []roleOffer) {
	for _, r := range q.roleTable() {
		for _, scope := range r.Scopes {
			objects := map[access.Scope][]string{access.ScopeWorkspace: {""}, access.ScopeOwn: {""}, access.ScopeSystem: q.st.systems,
				access.ScopeControl: nil, access.ScopeEngagement: q.periods()}[scope]
			for _, o := range objects {
				g := access.Grant{Role: r.ID, Scope: scope, Object: o}
				out = append(out, roleOffer{r, grantValue(g), report.Capital(g.String()), slices.Contains(have, g)})
			}
		}
	}
	return out
}

// ownedControls are the controls a grant names, for the field they are typed in.
func ownedControls(have []access.Grant) string {
	var ids []string
	for _, g := range have {
		if g.Role == access.ControlOwner && g.Scope == access.ScopeControl {
			ids = append(ids, g.Object)
		}
	}
	return strings.Join(ids, " ")
}

// periods name the examinations a role can be given for.
func (q *request) periods() (out []string) {
	if q.Firm {
		return q.firmEngagements()
	}
	for _, p := range q.st.p.Def.Periods {
		out = append(out, p.Name)
	}
	return out
}

func grantValue(g access.Grant) string {
	return string(g.Role) + ":" + string(g.Scope) + ":" + g.Object
}

// grants reads the roles that were chosen, and the controls somebody owns.
func (q *request) grants() (out []access.Grant, err error) {
	for _, v := range q.PostForm["role"] {
		parts := strings.SplitN(v, ":", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("%w: %q is no role", audit.ErrInvalid, v)
		}
		out = append(out, access.Grant{Role: access.RoleID(parts[0]), Scope: access.Scope(parts[1]), Object: parts[2]})
	}
	for _, id := range strings.FieldsFunc(q.field("controls"), func(r rune) bool { return strings.ContainsRune(" ,;\r\n\t", r) }) {
		if id = strings.ToUpper(id); !slices.Contains(q.st.controls(), id) {
			return nil, fmt.Errorf("%w: there is no control %q in scope", audit.ErrInvalid, id)
		}
		out = append(out, access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: id})
	}
	return out, nil
}

func (q *request) invitePage() error {
	if err := q.freshly(); err != nil {
		return err
	}
	return q.showInvite(nil)
}

func (q *request) showInvite(have []access.Grant) error {
	q.Title, q.Heading, q.Say = "Invite", "Give somebody access", "They get a link that works once, for seven days, with which they choose a password."
	q.Way = []link{{"Access", q.to("/access")}, {"Invite", ""}}
	q.Code = []string{"tieout account invite NAME@EXAMPLE.COM --role employee@own"}
	return q.render("invite.html", struct {
		*page
		Name, Email, Controls string
		Offers                []roleOffer
	}{&q.page, q.PostForm.Get("name"), q.PostForm.Get("email"), q.PostForm.Get("controls"), q.roleOffers(have)})
}

func (q *request) invite() error {
	grants, err := q.grants()
	if err == nil {
		var i access.Invitation
		if i, _, err = q.s.people.Invite(q.Context(), q.who, q.field("email"), q.field("name"), grants); err == nil {
			q.s.names.forget()
			return q.showLink(i)
		}
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.showInvite(grants)
}

// showLink shows an invitation's link, once.
func (q *request) showLink(i access.Invitation) error {
	loc := q.zone()
	q.Title, q.Heading = "Invited", "Send this link to "+i.Account.Name
	q.Say = "The link works once, until " + report.Moment(i.Expires, loc) + ". It is shown only now."
	q.Way = []link{{"Access", q.to("/access")}, {i.Account.Name, q.at("access", i.Account.ID)}, {"Link", ""}}
	return q.render("invited.html", struct {
		*page
		Link  string
		Email string
	}{&q.page, q.s.public(q.Request) + "/welcome?i=" + i.Secret, i.Account.Email})
}

// public is the address people open.
func (s *Server) public(r *http.Request) string {
	if s.o.Public != "" {
		return strings.TrimSuffix(s.o.Public, "/")
	}
	return "http://" + r.Host // a name this server answers to
}

func (q *request) member() error { return q.showMember(nil) }

func (q *request) showMember(typed []access.Grant) error {
	a, err := q.s.people.Account(q.Context(), q.who, q.PathValue("id"))
	if err != nil {
		return err
	}
	have := a.Grants
	if typed != nil {
		have = typed
	}
	sessions, err := q.s.people.Sessions(q.Context(), q.who, a.ID)
	if err != nil {
		return err
	}
	var roles []string
	for _, g := range a.Grants {
		roles = append(roles, report.Capital(g.String()))
	}
	q.Title, q.Heading, q.Ref = a.Name, a.Name, a.Email
	q.Say = sayMember(a, len(sessions))
	q.Way = []link{{"Access", q.to("/access")}, {a.Name, ""}}
	q.Code = []string{"tieout account list", "tieout account roles " + a.ID}
	return q.render("member.html", struct {
		*page
		A        access.Account
		Roles    []string
		Sessions int
		Offers   []roleOffer
		Controls string
		Manage   bool
		Fresh    bool
		Again    string
		Own      bool
	}{&q.page, a, roles, len(sessions), q.roleOffers(have), ownedControls(have), q.may("account.manage", access.Object{}) || !q.who.Fresh && q.administers(), q.who.Fresh, toAgain(q.URL.RequestURI()), a.ID == q.me.ID})
}

// administers reports whether who is signed in can give access once they have
// signed in again.
func (q *request) administers() bool {
	fresh := q.who
	fresh.Fresh = true
	ok, _ := access.Allowed(fresh, "account.manage", access.Object{})
	return ok
}

func sayMember(a access.Account, sessions int) string {
	switch a.Status {
	case access.Invited:
		return a.Name + " was invited and has not used the link yet."
	case access.Suspended:
		return a.Name + " is suspended and cannot sign in; what they did stays on record."
	}
	s := a.Name + " can sign in"
	if a.Password && !a.SecondFactor {
		s += ", with a password alone"
	}
	if sessions == 0 {
		return s + ", and is not signed in now."
	}
	return s + ", and is signed in in " + report.Plural(sessions, "place", "places") + "."
}

func (q *request) setRoles() error {
	grants, err := q.grants()
	if err == nil {
		_, err = q.s.people.SetGrants(q.Context(), q.who, q.PathValue("id"), grants)
	}
	if err == nil {
		return q.done(q.at("access", q.PathValue("id")), "The roles are changed, from now on.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.showMember(append([]access.Grant{}, grants...))
}

func (q *request) linkAgain() error {
	i, _, err := q.s.people.InviteAgain(q.Context(), q.who, q.PathValue("id"), q.field("factors") == "remove")
	if err != nil {
		return err
	}
	return q.showLink(i)
}

func (q *request) suspend() error {
	if _, err := q.s.people.Suspend(q.Context(), q.who, q.PathValue("id")); err != nil {
		return err
	}
	q.s.names.forget()
	return q.done(q.at("access", q.PathValue("id")), "Suspended: every session, link and token of theirs has ended.")
}

func (q *request) reactivate() error {
	if _, err := q.s.people.Reactivate(q.Context(), q.who, q.PathValue("id")); err != nil {
		return err
	}
	q.s.names.forget()
	return q.done(q.at("access", q.PathValue("id")), "They can sign in again, with the roles they had.")
}

func (q *request) endTheirs() error {
	if _, err := q.s.people.EndSessions(q.Context(), q.who, q.PathValue("id")); err != nil {
		return err
	}
	return q.done(q.at("access", q.PathValue("id")), "All their sessions have ended.")
}
