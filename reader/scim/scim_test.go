package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tieout/access"
	"tieout/audit"
)

// TestLife is a person from hiring to leaving, as a directory tells it.
func TestLife(t *testing.T) {
	w := newWorld(t)
	made := w.want(http.StatusCreated, "POST", "/Users", newUser("ana@halyard.example"))
	id := made.text("id")
	w.equal("where it is", made.header.Get("Location"), w.url+Prefix+"/Users/"+id)
	w.equal("its version", made.header.Get("ETag"), `W/"1"`)
	w.equal("recorded as", []any{w.sink.last().Verb, w.sink.last().By.Kind, w.sink.last().On}, []any{access.DidProvision, audit.ActorConnector, "account:" + id})
	w.want(http.StatusConflict, "POST", "/Users", newUser("Ana@Halyard.example"))

	i, _, err := w.people.InviteAgain(t.Context(), w.admin.Subject, id, false)
	w.must(err)
	ana := w.in("ana@halyard.example", i.Secret)
	w.equal("roles", len(ana.Account.Grants), 0)
	g := w.want(http.StatusCreated, "POST", "/Groups", obj("schemas", []string{groupURN}, "displayName", "sec-leads", "members", []any{obj("value", id)}))
	ana, err = w.people.Resume(t.Context(), ana.Secret, home)
	w.must(err)
	w.equal("roles from the group", fmt.Sprint(ana.Account.ByGroups), "[compliance lead of the workspace]")
	if ok, why := access.Allowed(ana.Subject, "definition.write", access.Object{}); !ok {
		t.Errorf("a compliance lead may not: %s", why)
	}
	_, token, _, err := w.people.CreateToken(t.Context(), ana.Subject, "ci", []access.PermissionID{"period.read"}, w.admin.Session.Expires)
	w.must(err)

	w.want(http.StatusOK, "PATCH", "/Users/"+id, ops(obj("op", "replace", "value", obj("active", false))))
	w.equal("recorded as", []any{w.sink.last().Verb, w.sink.last().By.Kind}, []any{access.DidSuspend, audit.ActorConnector})
	if _, err := w.people.Resume(t.Context(), ana.Secret, home); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a session after deactivation: got %v", err)
	}
	if _, err := w.people.UseToken(t.Context(), token, home); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a token after deactivation: got %v", err)
	}
	w.want(http.StatusOK, "PATCH", "/Users/"+id, ops(obj("op", "Replace", "path", "active", "value", "True")))
	if _, err := w.people.UseToken(t.Context(), token, home); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a token after reactivation: got %v, want it gone for good", err)
	}
	w.want(http.StatusNoContent, "DELETE", "/Users/"+id, nil)
	w.want(http.StatusNotFound, "GET", "/Users/"+id, nil)
	w.want(http.StatusNotFound, "PATCH", "/Users/"+id, ops(obj("op", "replace", "value", obj("active", true))))
	w.equal("members left", w.want(http.StatusOK, "GET", "/Groups/"+g.text("id"), nil).body["members"], nil)
	a, err := w.people.Account(t.Context(), w.admin.Subject, id)
	w.must(err)
	w.equal("the account stays", []any{a.Status, len(a.Grants)}, []any{access.Suspended, 0})
	again := w.want(http.StatusCreated, "POST", "/Users", newUser("ana@halyard.example"))
	w.equal("who comes back", again.text("id"), id)
}

// TestForms are bodies as Okta and Microsoft Entra document that they send them.
func TestForms(t *testing.T) {
	for _, tc := range []struct {
		name string
		ops  map[string]any
		want string // userName, displayName, given, family, address, active, externalId
	}{
		{"Okta deactivates", ops(obj("op", "replace", "value", obj("active", false))), "ana Ana Moss|Ana|Moss|ana@halyard.example|false|00u"},
		{"Entra deactivates", ops(obj("op", "Replace", "path", "active", "value", "False")), "ana Ana Moss|Ana|Moss|ana@halyard.example|false|00u"},
		{"Entra changes parts by paths in the value", ops(obj("op", "replace", "value", obj("name.familyName", "Vale", "displayName", "Ana Vale"))),
			"ana Ana Vale|Ana|Vale|ana@halyard.example|true|00u"},
		{"Entra changes the address", ops(obj("op", "Replace", "path", `emails[type eq "work"].value`, "value", "vale@halyard.example")),
			"ana Ana Moss|Ana|Moss|vale@halyard.example|true|00u"},
		{"Entra adds what is not kept", ops(obj("op", "Add", "path", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value", "Sales"),
			obj("op", "Add", "path", `phoneNumbers[type eq "mobile"].value`, "value", "+1"), obj("op", "Add", "path", "title", "value", "Lead")),
			"ana Ana Moss|Ana|Moss|ana@halyard.example|true|00u"},
		{"with the schema before the name", ops(obj("op", "replace", "path", userURN+":name.givenName", "value", "Anna")), "ana Ana Moss|Anna|Moss|ana@halyard.example|true|00u"},
		{"an object for the name", ops(obj("op", "replace", "path", "name", "value", obj("GivenName", "Anna"))), "ana Ana Moss|Anna|Moss|ana@halyard.example|true|00u"},
		{"all addresses anew", ops(obj("op", "replace", "path", "emails", "value", []any{obj("value", "a@x.example"), obj("value", "b@x.example", "primary", true)})),
			"ana Ana Moss|Ana|Moss|b@x.example|true|00u"},
		{"taking away", ops(obj("op", "remove", "path", "externalId"), obj("op", "remove", "path", "name.familyName")), "ana Ana Moss|Ana||ana@halyard.example|true|"},
		{"another user name", ops(obj("op", "replace", "path", "userName", "value", "Ana.Moss")), "Ana.Moss Ana Moss|Ana|Moss|ana@halyard.example|true|00u"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			u := newUser("ana")
			u["emails"], u["externalId"] = []any{obj("value", "ana@halyard.example", "type", "work")}, "00u"
			id := w.want(http.StatusCreated, "POST", "/Users", u).text("id")
			w.want(http.StatusOK, "PATCH", "/Users/"+id, tc.ops)
			got := w.want(http.StatusOK, "GET", "/Users/"+id, nil)
			name, _ := got.body["name"].(map[string]any)
			part := func(k string) string { s, _ := name[k].(string); return s }
			emails, _ := got.body["emails"].([]any)
			first, _ := emails[0].(map[string]any)
			w.equal("the user", fmt.Sprintf("%s %s|%s|%s|%v|%v|%s", got.text("userName"), got.text("displayName"), part("givenName"), part("familyName"),
				first["value"], got.body["active"], got.text("externalId")), tc.want)
		})
	}
}

func TestGroupForms(t *testing.T) {
	w := newWorld(t)
	a := w.want(http.StatusCreated, "POST", "/Users", newUser("ana@halyard.example")).text("id")
	b := w.want(http.StatusCreated, "POST", "/Users", newUser("bo@halyard.example")).text("id")
	g := w.want(http.StatusCreated, "POST", "/Groups", obj("schemas", []string{groupURN}, "displayName", "leads", "externalId", "g1")).text("id")
	for _, tc := range []struct {
		name    string
		op      map[string]any
		members string
		roles   string // of a
	}{
		{"Okta adds", obj("op", "add", "path", "members", "value", []any{obj("value", a, "display", "ana")}), a, "[]"},
		{"Entra adds", obj("op", "Add", "path", "members", "value", []any{obj("$ref", nil, "value", b)}), a + " " + b, "[]"},
		{"one again", obj("op", "add", "path", "members", "value", []any{obj("value", b)}), a + " " + b, "[]"},
		{"Okta renames to one that gives a role", obj("op", "replace", "value", obj("id", g, "displayName", "sec-leads")), a + " " + b, "[compliance lead of the workspace]"},
		{"Okta removes", obj("op", "remove", "path", fmt.Sprintf("members[value eq %q]", a)), b, "[]"},
		{"Okta replaces", obj("op", "replace", "path", "members", "value", []any{obj("value", a)}), a, "[compliance lead of the workspace]"},
		{"Entra removes", obj("op", "Remove", "path", "members", "value", []any{obj("value", a)}), "", "[]"},
		{"everybody", obj("op", "add", "value", obj("members", []any{obj("value", a), obj("value", b)})), a + " " + b, "[compliance lead of the workspace]"},
		{"nobody", obj("op", "remove", "path", "members"), "", "[]"},
	} {
		got := w.want(http.StatusOK, "PATCH", "/Groups/"+g, ops(tc.op))
		var members []string
		for _, m := range elements(got.body["members"]) {
			members = append(members, m.(map[string]any)["value"].(string))
		}
		w.equal(tc.name+": members", strings.Join(members, " "), tc.members)
		acc, err := w.people.Account(t.Context(), w.admin.Subject, a)
		w.must(err)
		w.equal(tc.name+": roles", acc.Grants, tc.roles)
	}
	w.want(http.StatusOK, "PATCH", "/Groups/"+g, ops(obj("op", "add", "path", "members", "value", []any{obj("value", a)})))
	w.want(http.StatusNoContent, "DELETE", "/Groups/"+g, nil)
	acc, err := w.people.Account(t.Context(), w.admin.Subject, a)
	w.must(err)
	w.equal("roles after the group is gone", acc.Grants, "[]")
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	id := w.want(http.StatusCreated, "POST", "/Users", newUser("ana@halyard.example")).text("id")
	g := w.want(http.StatusCreated, "POST", "/Groups", obj("schemas", []string{groupURN}, "displayName", "it")).text("id")
	limited := w.newToken("period.read")
	for _, tc := range []struct {
		name, method, path string
		body               any
		header             []string
		status             int
		kind               string
	}{
		{"no token", "GET", "/Users", nil, []string{"Authorization", ""}, 401, ""},
		{"a token that is none", "GET", "/Users", nil, []string{"Authorization", "Bearer tieout_x_y"}, 401, ""},
		{"a token for something else", "GET", "/Users", nil, []string{"Authorization", "Bearer " + limited}, 403, ""},
		{"an unknown path", "GET", "/Printers", nil, nil, 404, ""},
		{"bulk", "POST", "/Bulk", obj(), nil, 501, ""},
		{"oneself", "GET", "/Me", nil, nil, 501, ""},
		{"a method that is not for it", "PATCH", "/Users", ops(obj("op", "add")), nil, 405, ""},
		{"an unknown user", "GET", "/Users/x", nil, nil, 404, ""},
		{"another form of body", "POST", "/Users", newUser("x@halyard.example"), []string{"Content-Type", "text/plain"}, 415, ""},
		{"no JSON", "POST", "/Users", "{", nil, 400, "invalidSyntax"},
		{"null", "POST", "/Users", "null", nil, 400, "invalidSyntax"},
		{"another schema", "POST", "/Users", obj("schemas", []string{groupURN}, "userName", "x@y.example"), nil, 400, "invalidSyntax"},
		{"no user name", "POST", "/Users", obj("schemas", []string{userURN}), nil, 400, "invalidValue"},
		{"no address", "POST", "/Users", obj("schemas", []string{userURN}, "userName", "x"), nil, 400, "invalidValue"},
		{"a name that is a number", "POST", "/Users", obj("schemas", []string{userURN}, "userName", 7), nil, 400, "invalidValue"},
		{"active that is neither", "POST", "/Users", obj("schemas", []string{userURN}, "userName", "x@y.example", "active", "maybe"), nil, 400, "invalidValue"},
		{"too long", "POST", "/Users", `{"x":"` + strings.Repeat("x", maxBody) + `"}`, nil, 413, ""},
		{"a name that cannot be shown", "POST", "/Users", obj("schemas", []string{userURN}, "userName", "x@y.example", "displayName", "a\nb"), nil, 400, "invalidValue"},
		{"a filter that is none", "GET", "/Users?filter=userName+eq", nil, nil, 400, "invalidFilter"},
		{"a filter of what is always the same", "GET", "/Schemas?filter=id+pr", nil, nil, 403, ""},
		{"a patch without operations", "PATCH", "/Users/" + id, ops(), nil, 400, "invalidSyntax"},
		{"a patch of another schema", "PATCH", "/Users/" + id, obj("schemas", []string{userURN}, "Operations", []any{}), nil, 400, "invalidSyntax"},
		{"an unknown operation", "PATCH", "/Users/" + id, ops(obj("op", "move", "path", "active")), nil, 400, "invalidSyntax"},
		{"removing nothing", "PATCH", "/Users/" + id, ops(obj("op", "remove")), nil, 400, "noTarget"},
		{"an unknown attribute", "PATCH", "/Users/" + id, ops(obj("op", "add", "path", "shoeSize", "value", 42)), nil, 400, "invalidPath"},
		{"a path that is none", "PATCH", "/Users/" + id, ops(obj("op", "add", "path", "emails[", "value", 42)), nil, 400, "invalidPath"},
		{"what only the server writes", "PATCH", "/Users/" + id, ops(obj("op", "replace", "path", "id", "value", "x")), nil, 400, "mutability"},
		{"taking the user name away", "PATCH", "/Users/" + id, ops(obj("op", "remove", "path", "userName")), nil, 400, "mutability"},
		{"an address that is not there", "PATCH", "/Users/" + id, ops(obj("op", "replace", "path", `emails[type eq "home"].value`, "value", "x@y.example")), nil, 400, "noTarget"},
		{"an old version", "PATCH", "/Users/" + id, ops(obj("op", "replace", "path", "active", "value", false)), []string{"If-Match", `W/"7"`}, 412, ""},
		{"no version of ours", "PUT", "/Users/" + id, newUser("ana@halyard.example"), []string{"If-Match", `"abc"`}, 412, ""},
		{"deleting an old version", "DELETE", "/Users/" + id, nil, []string{"If-Match", `W/"7"`}, 412, ""},
		{"another's user name", "PATCH", "/Users/" + id, ops(obj("op", "replace", "path", "userName", "value", "ROOT@halyard.example")), nil, 409, "uniqueness"},
		{"another group's name", "POST", "/Groups", obj("schemas", []string{groupURN}, "displayName", "IT"), nil, 409, "uniqueness"},
		{"a member who is none", "PATCH", "/Groups/" + g, ops(obj("op", "add", "path", "members", "value", []any{obj("value", "x")})), nil, 400, "invalidValue"},
		{"a member without a value", "PATCH", "/Groups/" + g, ops(obj("op", "add", "path", "members", "value", []any{obj("display", "x")})), nil, 400, "invalidValue"},
		{"the last administrator", "PATCH", "/Users/" + w.admin.Account.ID, ops(obj("op", "replace", "value", obj("active", false))), nil, 409, "uniqueness"},
		{"removing the last administrator", "DELETE", "/Users/" + w.admin.Account.ID, nil, nil, 409, "uniqueness"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := *w
			x.t = t
			r := x.do(tc.method, tc.path, tc.body, tc.header...)
			if r.status != tc.status || r.text("scimType") != tc.kind || r.text("status") != fmt.Sprint(tc.status) {
				t.Errorf("got %d %q %v, want %d %q", r.status, r.text("scimType"), r.body, tc.status, tc.kind)
			}
			if r.header.Get("Content-Type") != "application/scim+json" || (r.status == 401) != (r.header.Get("WWW-Authenticate") != "") {
				t.Errorf("headers %v", r.header)
			}
		})
	}
	a, err := w.people.Account(t.Context(), w.admin.Subject, w.admin.Account.ID)
	w.must(err)
	w.equal("the administrator", a.Status, access.Active)
	w.must(func() error { _, err := w.people.Resume(t.Context(), w.admin.Secret, home); return err }())
}

// TestSessionIsNoToken: a person who is signed in goes through the screens, where
// they have to sign in again for such things.
func TestSessionIsNoToken(t *testing.T) {
	w := newWorld(t)
	if _, err := w.people.DirectoryUsers(t.Context(), w.admin.Subject); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("got %v", err)
	}
}

func TestLists(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.want(http.StatusCreated, "POST", "/Users", newUser(fmt.Sprintf("p%d@halyard.example", i)))
	}
	names := func(r reply) (out []string) {
		for _, x := range elements(r.body["Resources"]) {
			s, _ := x.(map[string]any)["userName"].(string)
			out = append(out, strings.TrimSuffix(s, "@halyard.example"))
		}
		return out
	}
	for _, tc := range []struct{ query, want, total string }{
		{"", "[root p0 p1 p2 p3 p4]", "6"},
		{"?startIndex=2&count=2", "[p0 p1]", "6"},
		{"?startIndex=6&count=9", "[p4]", "6"},
		{"?startIndex=7", "[]", "6"},
		{"?startIndex=-3&count=1", "[root]", "6"},
		{"?count=0", "[]", "6"},
		{"?filter=userName+eq+%22P3@halyard.example%22", "[p3]", "1"},
		{"?filter=externalId+eq+%2200u-p1@halyard.example%22+and+active+eq+true", "[p1]", "1"},
		{"?filter=externalId+eq+%2200U-p1@halyard.example%22", "[]", "0"},
		{"?filter=emails%5Btype+eq+%22work%22+and+value+sw+%22p2%22%5D", "[p2]", "1"},
		{"?filter=userName+eq+%22nobody%22&count=1", "[]", "0"},
	} {
		r := w.want(http.StatusOK, "GET", "/Users"+tc.query, nil)
		w.equal(tc.query, fmt.Sprint(names(r), " ", r.body["totalResults"]), tc.want+" "+tc.total)
	}
	r := w.want(http.StatusOK, "POST", "/Users/.search", obj("schemas", []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"}, "filter", `userName sw "p"`, "count", 2))
	w.equal("a search", fmt.Sprint(names(r), r.body["totalResults"]), "[p0 p1] 5")
	r = w.want(http.StatusOK, "GET", "/Users?attributes=userName,name.givenName&count=1&startIndex=2", nil)
	w.equal("some attributes", elements(r.body["Resources"])[0].(map[string]any)["name"], "map[givenName:Ana]")
	id := elements(r.body["Resources"])[0].(map[string]any)["id"].(string)
	r = w.want(http.StatusOK, "GET", "/Users/"+id+"?excludedAttributes=emails,meta,userName", nil)
	w.equal("without some", []any{r.body["emails"], r.body["meta"], r.body["userName"], r.text("id") == id, r.body["schemas"]}, []any{nil, nil, nil, true, []any{userURN}})
	w.want(http.StatusNotModified, "GET", "/Users/"+id, nil, "If-None-Match", `W/"1"`)
}

// TestVersions: of what two read, one may write; what changes nothing is not
// recorded.
func TestVersions(t *testing.T) {
	w := newWorld(t)
	id := w.want(http.StatusCreated, "POST", "/Users", newUser("ana@halyard.example")).text("id")
	before := len(w.sink.all)
	same := w.want(http.StatusOK, "PUT", "/Users/"+id, newUser("ana@halyard.example"), "If-Match", `W/"1"`)
	w.equal("after saying the same", fmt.Sprint(same.header.Get("ETag"), len(w.sink.all)), fmt.Sprint(`W/"1"`, before))
	u := newUser("ana@halyard.example")
	u["displayName"] = "Ana Vale"
	now := w.want(http.StatusOK, "PUT", "/Users/"+id, u, "If-Match", `W/"1"`)
	w.equal("a new version", now.header.Get("ETag"), `W/"2"`)
	w.equal("recorded", fmt.Sprint(w.sink.last().Verb, w.sink.last().Detail), fmt.Sprint(access.DidChangeAccount, map[string]string{"changed": "name"}))
	w.want(http.StatusPreconditionFailed, "PUT", "/Users/"+id, newUser("ana@halyard.example"), "If-Match", `W/"1"`)
	g := w.want(http.StatusCreated, "POST", "/Groups", obj("schemas", []string{groupURN}, "displayName", "all")).text("id")
	var ids []string
	for i := range 6 {
		ids = append(ids, w.want(http.StatusCreated, "POST", "/Users", newUser(fmt.Sprintf("p%d@halyard.example", i))).text("id"))
	}
	var wg sync.WaitGroup
	for _, m := range ids {
		wg.Go(func() {
			for range 20 {
				if r := w.do("PATCH", "/Groups/"+g, ops(obj("op", "add", "path", "members", "value", []any{obj("value", m)}))); r.status == http.StatusOK {
					return
				}
			}
			t.Errorf("%s was not added", m)
		})
	}
	wg.Wait()
	w.equal("members that were added at once", len(elements(w.want(http.StatusOK, "GET", "/Groups/"+g, nil).body["members"])), 6)
}

func TestNoSecrets(t *testing.T) {
	w := newWorld(t)
	u := newUser("ana@halyard.example")
	u["password"] = "t1meMa$heen"
	r := w.want(http.StatusCreated, "POST", "/Users", u)
	all, err := json.Marshal([]any{r.body, w.sink.all})
	w.must(err)
	for _, secret := range []string{"t1meMa$heen", w.token} {
		if strings.Contains(string(all), secret) {
			t.Errorf("%q is in what was answered or recorded", secret)
		}
	}
	log, err := json.Marshal(w.sink.all)
	w.must(err)
	if strings.Contains(string(log), "ana@") {
		t.Error("the log has an e-mail address")
	}
}
