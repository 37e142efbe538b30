package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/report"
)

// ownTokenRoutes are a person's own API tokens. Making one asks the table of
// rights when it is made, so that who signed in a while ago loses nothing typed.
var ownTokenRoutes = []route{
	{pattern: "GET /account/tokens", do: (*request).ownTokens},
	{pattern: "GET /account/tokens/new", do: (*request).newToken},
	{pattern: "POST /account/tokens/new", do: (*request).makeToken},
	{pattern: "GET /account/tokens/{id}/revoke", do: (*request).revokeOwnPage},
	{pattern: "POST /account/tokens/{id}/revoke", do: (*request).revokeOwn},
}

// tokenRoutes are everybody's.
var tokenRoutes = []route{
	{pattern: "GET /tokens", needs: access.ManageTokens, do: (*request).allTokens},
	{pattern: "GET /tokens/{id}/revoke", needs: access.ManageTokens, do: (*request).revokeAnyPage},
	{pattern: "POST /tokens/{id}/revoke", needs: access.ManageTokens, do: (*request).revokeAny},
}

// tokenLife is how long a token lasts where its maker says nothing else.
const tokenLife = 90 * 24 * time.Hour

// A tokenRow is one API token as a list shows it: never its secret.
type tokenRow struct {
	ID, Name, Made, Ends, Used, Revoke string
	Whose                              link
	May                                []access.PermissionID
	Over                               bool
}

type tokensPage struct {
	*page
	Rows  []tokenRow
	Pager pager
	All   bool // everybody's
	Make  bool // may make one
	Text  string
}

func (q *request) tokenRow(k access.Token, base string) tokenRow {
	loc, now := q.zone(), q.now()
	row := tokenRow{ID: k.ID, Name: k.Name, Made: report.Day(k.Created, loc), Ends: report.Day(k.Expires, loc), Used: "Never", May: k.Permissions,
		Revoke: q.under(base, k.ID, "revoke"), Over: !k.Expires.After(now), Whose: link{q.name(k.Account), q.at("access", k.Account)}}
	if !k.Used.IsZero() {
		row.Used = report.Moment(k.Used, loc)
	}
	return row
}

// makesTokens reports whether who is signed in can make a token once they have
// signed in again.
func (q *request) makesTokens() bool {
	fresh := q.who
	fresh.Fresh = true
	ok, _ := access.Allowed(fresh, access.CreateToken, access.Object{Owner: q.me.ID})
	return ok
}

func (q *request) ownTokens() error {
	list, err := q.s.people.Tokens(q.Context(), q.who, q.me.ID)
	if err != nil {
		return err
	}
	data := tokensPage{page: &q.page, Make: q.makesTokens()}
	for _, k := range list {
		data.Rows = append(data.Rows, q.tokenRow(k, "account/tokens"))
	}
	q.Title, q.Heading, q.Say = "API tokens", "Your API tokens", sayOwnTokens(list, q.now(), q.zone())
	q.Way = []link{{"Your account", "/account"}, {"API tokens", ""}}
	q.Code = []string{"tieout token list --account " + q.me.Email}
	return q.render("tokens.html", data)
}

// sayOwnTokens says how many programs act for a person, and until when.
func sayOwnTokens(list []access.Token, now time.Time, loc *time.Location) string {
	n, first := 0, time.Time{}
	for _, k := range list {
		if k.Expires.After(now) {
			if n++; first.IsZero() || k.Expires.Before(first) {
				first = k.Expires
			}
		}
	}
	switch n {
	case 0:
		return "No program acts for you."
	case 1:
		return "One token lets a program act for you, until " + report.Day(first, loc) + "."
	}
	return report.Capital(report.Words(n)) + " tokens let programs act for you; the first of them ends on " + report.Day(first, loc) + "."
}

func (q *request) allTokens() error {
	list, err := q.s.people.Tokens(q.Context(), q.who, "")
	if err != nil {
		return err
	}
	data := tokensPage{page: &q.page, All: true, Make: q.makesTokens(), Text: strings.TrimSpace(q.URL.Query().Get("q"))}
	var rows []tokenRow
	for _, k := range list {
		row := q.tokenRow(k, "tokens")
		if row.Whose = q.lead(row.Whose); matches(data.Text, k.ID, k.Name, row.Whose.Text, q.names[k.Account].Email, joinedPermissions(k.Permissions)) {
			rows = append(rows, row)
		}
	}
	from := q.from(len(rows))
	data.Rows, data.Pager = rows[from:min(len(rows), from+pageLength)], q.pager("/tokens", from, len(rows), "q", data.Text)
	q.Title, q.Heading, q.Say, q.Wide = "API tokens", "Everybody's API tokens", sayTokens(list, q.now()), true
	q.Code = []string{"tieout token list"}
	return q.render("tokens.html", data)
}

func joinedPermissions(list []access.PermissionID) string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = string(p)
	}
	return strings.Join(out, " ")
}

// sayTokens says how many tokens act here, for how many people, and how many of
// them were never used.
func sayTokens(list []access.Token, now time.Time) string {
	n, never, people := 0, 0, map[string]bool{}
	for _, k := range list {
		if !k.Expires.After(now) {
			continue
		}
		n++
		people[k.Account] = true
		if k.Used.IsZero() {
			never++
		}
	}
	if n == 0 {
		return "No program acts for anybody here."
	}
	s := report.Capital(report.Plural(n, "token lets a program", "tokens let programs")) + " act for " + report.Plural(len(people), "person", "people")
	switch never {
	case 0:
		return s + "; every one was used."
	case n:
		return s + "; none was used yet."
	}
	return s + "; " + report.Plural(never, "was", "were") + " never used."
}

// A mayOffer is a permission a token can be given.
type mayOffer struct {
	ID      access.PermissionID
	Title   string
	Checked bool
}

type newTokenPage struct {
	*page
	Name, Until, First, Last string
	Reads, Writes            []mayOffer
	Roles                    []string
	Fresh                    bool
}

func (q *request) newToken() error {
	if !q.makesTokens() {
		return access.Require(q.who, access.CreateToken, access.Object{Owner: q.me.ID})
	}
	if err := q.freshly(); err != nil {
		return err
	}
	return q.showNewToken()
}

func (q *request) showNewToken() error {
	now, loc := q.now(), q.zone()
	data := newTokenPage{page: &q.page, Fresh: q.who.Fresh, Name: q.typed("name", ""), Until: q.typed("until", asField(now.Add(tokenLife), dayForm, loc)),
		First: asField(now, dayForm, loc), Last: asField(now.Add(access.MaxTokenLife-24*time.Hour), dayForm, loc)}
	for _, p := range access.Tokenable(q.who.Workspace, q.who.Grants) {
		o := mayOffer{p.ID, report.Capital(p.Title), slices.Contains(q.PostForm["may"], string(p.ID))}
		if p.Has(access.Write) {
			data.Writes = append(data.Writes, o)
		} else {
			data.Reads = append(data.Reads, o)
		}
	}
	for _, g := range q.who.Grants {
		data.Roles = append(data.Roles, report.Capital(g.String()))
	}
	q.Title, q.Heading = "Make a token", "Make an API token"
	q.Say = "A program that has it acts for you: with what you choose here, never beyond your roles, and never where a person is needed."
	q.Way = []link{{"Your account", "/account"}, {"API tokens", "/account/tokens"}, {"Make one", ""}}
	q.Code = []string{"tieout token create NAME --account " + q.me.Email + " --may period.read --days 90"}
	return q.render("newtoken.html", data)
}

// makeToken makes a token and shows its secret, this one time: the page is the
// answer to a form and is kept nowhere, so that going back shows the form's
// refusal and not the secret. Sent again, the name is taken.
func (q *request) makeToken() error {
	if !q.makesTokens() {
		return access.Require(q.who, access.CreateToken, access.Object{Owner: q.me.ID})
	}
	if !q.who.Fresh {
		q.status, q.Problem = http.StatusForbidden, []string{"It is some minutes since you signed in. Sign in again in another window, then send this again."}
		return q.showNewToken()
	}
	k, secret, err := q.createToken()
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.showNewToken()
	}
	q.Title, q.Heading, q.Ref = "Token made", "Keep this token now", ""
	q.Say = "It is shown only this once, and acts for you until " + report.Day(k.Expires, q.zone()) + "."
	q.Way = []link{{"Your account", "/account"}, {"API tokens", "/account/tokens"}, {k.Name, ""}}
	return q.render("tokenmade.html", struct {
		*page
		Secret, Name, Base string
		May                []access.PermissionID
	}{&q.page, secret, k.Name, q.s.base(q.Request), k.Permissions})
}

func (q *request) createToken() (access.Token, string, error) {
	until, err := q.day("until", "the last day", true)
	if err != nil {
		return access.Token{}, "", err
	}
	name := q.field("name")
	have, err := q.s.people.Tokens(q.Context(), q.who, q.me.ID)
	if err != nil {
		return access.Token{}, "", err
	}
	if slices.ContainsFunc(have, func(k access.Token) bool { return k.Name == name && k.Expires.After(q.now()) }) {
		return access.Token{}, "", fmt.Errorf("%w: you have a token called %q, and its secret was shown when it was made. Revoke that one, or choose another name", audit.ErrConflict, name)
	}
	var may []access.PermissionID
	for _, id := range q.PostForm["may"] {
		may = append(may, access.PermissionID(id))
	}
	k, secret, _, err := q.s.people.CreateToken(q.Context(), q.who, name, may, until)
	if errors.Is(err, audit.ErrForbidden) {
		err = fmt.Errorf("%w: %s", audit.ErrInvalid, reason(err, audit.ErrForbidden))
	}
	return k, secret, err
}

// tokenOf is a token by the ID of the address: among one's own, or everybody's.
func (q *request) tokenOf(account string) (access.Token, error) {
	list, err := q.s.people.Tokens(q.Context(), q.who, account)
	if err != nil {
		return access.Token{}, err
	}
	for _, k := range list {
		if k.ID == q.PathValue("id") {
			return k, nil
		}
	}
	return access.Token{}, fmt.Errorf("%w: token %q", audit.ErrNotFound, q.PathValue("id"))
}

func (q *request) revokeOwnPage() error {
	return q.showRevoke(q.me.ID, "account/tokens", link{"Your API tokens", "/account/tokens"})
}

func (q *request) revokeAnyPage() error {
	return q.showRevoke("", "tokens", link{"API tokens", q.to("/tokens")})
}

func (q *request) showRevoke(account, base string, back link) error {
	k, err := q.tokenOf(account)
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref = "Revoke "+k.Name, "Revoke "+k.Name, ""
	q.Say = sayRevoke(k, q.zone())
	q.Way = []link{back, {k.ID, ""}}
	q.Code = []string{"tieout token revoke " + k.ID}
	return q.render("revoke.html", struct {
		*page
		K    tokenRow
		Back link
	}{&q.page, q.tokenRow(k, base), back})
}

// sayRevoke says what it means to revoke a token.
func sayRevoke(k access.Token, loc *time.Location) string {
	if k.Used.IsZero() {
		return "No program has used it. Once revoked it opens nothing, at once and for good."
	}
	return "A program used it on " + report.Day(k.Used, loc) + ". Once revoked it is refused, at once and for good; a new token is needed to go on."
}

func (q *request) revokeOwn() error { return q.revoke(q.me.ID, "/account/tokens") }

func (q *request) revokeAny() error { return q.revoke("", "/tokens") }

func (q *request) revoke(account, back string) error {
	k, err := q.tokenOf(account)
	if err != nil {
		return err
	}
	if _, err := q.s.people.RevokeToken(q.Context(), q.who, k.ID); err != nil {
		return err
	}
	return q.done(back, k.Name+" is revoked: whoever shows it is refused.")
}
