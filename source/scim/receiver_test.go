package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
)

const token = "made-up-token-of-a-receiver"

// A clock goes a second further with every look at it.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Second)
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func receive(t testing.TB, dir string, c *clock) *Receiver {
	t.Helper()
	r, err := Handler(Options{Journal: dir, Token: token, Base: "https://tieout.example.com/scim/v2", Beat: time.Hour, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A caller sends requests as an identity provider does.
type caller struct {
	testing.TB
	http.Handler
	header map[string]string
}

func (c caller) do(method, uri, body string) (int, map[string]any, http.Header) {
	c.Helper()
	req := httptest.NewRequest(method, uri, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	for k, v := range c.header {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, req)
	var doc map[string]any
	if b := w.Body.Bytes(); len(b) > 0 {
		if err := json.Unmarshal(b, &doc); err != nil {
			c.Fatalf("%s %s: %v: %s", method, uri, err, b)
		}
	}
	return w.Code, doc, w.Header()
}

// must does what has to be accepted, and returns the id.
func (c caller) must(method, uri, body string) string {
	c.Helper()
	status, doc, _ := c.do(method, uri, body)
	if status >= 300 {
		c.Fatalf("%s %s: %d %v", method, uri, status, doc["detail"])
	}
	id, _ := doc["id"].(string)
	return id
}

// Users as Okta and Entra push them.
const (
	oktaUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@example.com","name":{"givenName":"Ana","familyName":"Ruiz"},
"emails":[{"primary":true,"value":"ana@example.com","type":"work"}],"displayName":"Ana Ruiz","locale":"en-US","externalId":"00ujl29u0le5T6Aj10h7","groups":[],"password":"1mz050nq","active":true}`
	entraUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"0a21f0f2","userName":"li@example.com","active":"True",
"emails":[{"primary":true,"type":"work","value":"li@example.com"}],"meta":{"resourceType":"User"},"name":{"formatted":"Li Wei","familyName":"Wei","givenName":"Li"},"roles":[],
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"E7","department":"Operations"}}`
)

func patchBody(ops string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + ops + `]}`
}

// Every dialect of PATCH that the two big providers speak, and those of RFC 7644 section 3.5.2.
func TestPatchUser(t *testing.T) {
	for _, c := range []struct {
		name, ops string
		path      string // of what is looked at, as JSON pointer parts joined by a bar
		want      string // as JSON; "" : not there
		status    int    // 0: 200
		kind      string // scimType
	}{
		{name: "Okta deactivates: no path", ops: `{"op":"replace","value":{"active":false}}`, path: "active", want: `false`},
		{name: "Entra deactivates: capital, text", ops: `{"op":"Replace","path":"active","value":"False"}`, path: "active", want: `false`},
		{name: "Entra, without a path", ops: `{"op":"Replace","value":{"active":"False"}}`, path: "active", want: `false`},
		{name: "boolean", ops: `{"op":"replace","path":"active","value":false}`, path: "active", want: `false`},
		{name: "active is no word", ops: `{"op":"replace","path":"active","value":"perhaps"}`, status: 400, kind: "invalidValue"},
		{name: "sub-attribute", ops: `{"op":"Replace","path":"name.familyName","value":"Li"}`, path: "name|familyName", want: `"Li"`},
		{name: "any case of a name", ops: `{"op":"replace","path":"DISPLAYNAME","value":"A"}`, path: "displayName", want: `"A"`},
		{name: "names with a dot, without a path", ops: `{"op":"Add","value":{"name.givenName":"Anna","displayName":"Anna"}}`, path: "name|givenName", want: `"Anna"`},
		{name: "element by its type", ops: `{"op":"Replace","path":"emails[type eq \"work\"].value","value":"new@example.com"}`, path: "emails|0|value", want: `"new@example.com"`},
		{name: "element by its type, without a path", ops: `{"op":"Replace","value":{"emails[type eq \"work\"].value":"new@example.com"}}`, path: "emails|0|value", want: `"new@example.com"`},
		{name: "element that is not there is added", ops: `{"op":"Add","path":"emails[type eq \"home\"].value","value":"h@example.com"}`, path: "emails|1", want: `{"type":"home","value":"h@example.com"}`},
		{name: "element that is not there is not replaced", ops: `{"op":"replace","path":"emails[type eq \"home\"].value","value":"h@example.com"}`, status: 400, kind: "noTarget"},
		{name: "two conditions", ops: `{"op":"replace","path":"emails[type eq \"work\" and primary eq true].value","value":"new@example.com"}`, path: "emails|0|value", want: `"new@example.com"`},
		{name: "a bracket in a value", ops: `{"op":"add","path":"emails[type eq \"a]b\"].value","value":"x"}`, path: "emails|1|type", want: `"a]b"`},
		{name: "element is removed", ops: `{"op":"remove","path":"emails[type eq \"work\"]"}`, path: "emails", want: ``},
		{name: "attribute is removed", ops: `{"op":"Remove","path":"displayName"}`, path: "displayName", want: ``},
		{name: "adding what is there", ops: `{"op":"add","path":"emails","value":[{"primary":true,"value":"ana@example.com","type":"work"}]}`, path: "emails|1", want: ``},
		{name: "extension by its name", ops: `{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Sales"}`, path: schemaEnterprise + "|department", want: `"Sales"`},
		{name: "extension by its name, without a path", ops: `{"op":"Add","value":{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"E9"}}`, path: schemaEnterprise + "|employeeNumber", want: `"E9"`},
		{name: "extension as a whole", ops: `{"op":"replace","value":{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Sales"}}}`, path: schemaEnterprise + "|department", want: `"Sales"`},
		{name: "manager", ops: `{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"42"}`, path: schemaEnterprise + "|manager", want: `"42"`},
		{name: "core attribute by its schema", ops: `{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:title","value":"CTO"}`, path: "title", want: `"CTO"`},
		{name: "several, in order", ops: `{"op":"Replace","path":"title","value":"A"},{"op":"Replace","path":"title","value":"B"}`, path: "title", want: `"B"`},
		{name: "all or nothing", ops: `{"op":"Replace","path":"title","value":"A"},{"op":"Replace","path":"active","value":"x"}`, path: "title", want: ``, status: 400, kind: "invalidValue"},
		{name: "id", ops: `{"op":"replace","path":"id","value":"x"}`, status: 400, kind: "mutability"},
		{name: "no login left", ops: `{"op":"remove","path":"userName"}`, status: 400, kind: "invalidValue"},
		{name: "operation nobody knows", ops: `{"op":"move","path":"title","value":"x"}`, status: 400, kind: "invalidSyntax"},
		{name: "remove everything", ops: `{"op":"remove"}`, status: 400, kind: "noTarget"},
		{name: "path that is none", ops: `{"op":"replace","path":"emails[type","value":"x"}`, status: 400, kind: "invalidPath"},
		{name: "no operation", ops: ``, status: 400, kind: "invalidSyntax"},
		{name: "password", ops: `{"op":"replace","path":"password","value":"hunter2"}`, path: "password", want: ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			r := receive(t, dir, newClock())
			defer r.Close()
			call := caller{TB: t, Handler: r}
			id := call.must("POST", "/Users", oktaUser)
			status, doc, _ := call.do("PATCH", "/Users/"+id, patchBody(c.ops))
			if want := max(c.status, 200); status != want || c.kind != "" && doc["scimType"] != c.kind {
				t.Errorf("answered %d %v %v; want %d %s", status, doc["scimType"], doc["detail"], want, c.kind)
			}
			_, doc, _ = call.do("GET", "/Users/"+id, "")
			if got := at(doc, c.path); c.path != "" && got != c.want {
				t.Errorf("%s is %s, want %s", c.path, got, c.want)
			}
			if b := read(t, dir); strings.Contains(b, "1mz050nq") || strings.Contains(b, "hunter2") {
				t.Error("the journal holds a password")
			}
		})
	}
}

// at is a value within a document, as JSON.
func at(doc any, path string) string {
	for part := range strings.SplitSeq(path, "|") {
		switch v := doc.(type) {
		case map[string]any:
			doc = v[part]
		case []any:
			var i int
			fmt.Sscan(part, &i)
			if i >= len(v) {
				return ""
			}
			doc = v[i]
		}
	}
	if doc == nil {
		return ""
	}
	b, _ := json.Marshal(doc)
	return string(b)
}

func read(t testing.TB, dir string) string {
	t.Helper()
	names, err := segments(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	return out.String()
}

func TestPatchGroup(t *testing.T) {
	for _, c := range []struct {
		name, ops string
		want      string // members: a, b
		display   string
		status    int
	}{
		{"add", `{"op":"add","path":"members","value":[{"value":"@B"}]}`, "a b", "Staff", 0},
		{"Entra adds", `{"op":"Add","path":"members","value":[{"$ref":null,"value":"@B"}]}`, "a b", "Staff", 0},
		{"one object", `{"op":"add","path":"members","value":{"value":"@B"}}`, "a b", "Staff", 0},
		{"without a path", `{"op":"add","value":{"members":[{"value":"@B"}]}}`, "a b", "Staff", 0},
		{"again", `{"op":"add","path":"members","value":[{"value":"@A","type":"User"}]}`, "a", "Staff", 0},
		{"Okta removes by a filter", `{"op":"remove","path":"members[value eq \"@A\"]"}`, "", "Staff", 0},
		{"Entra removes by a list", `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"@A"}]}`, "", "Staff", 0},
		{"removes who is not in it", `{"op":"Remove","path":"members","value":[{"value":"@B"}]}`, "a", "Staff", 0},
		{"all", `{"op":"remove","path":"members"}`, "", "Staff", 0},
		{"replace", `{"op":"replace","path":"members","value":[{"value":"@B"}]}`, "b", "Staff", 0},
		{"Okta renames, with the id", `{"op":"replace","value":{"id":"x","displayName":"Crew"}}`, "a", "Crew", 0},
		{"Entra renames", `{"op":"Replace","path":"displayName","value":"Crew"}`, "a", "Crew", 0},
		{"nobody's id", `{"op":"add","path":"members","value":[{"value":"nobody"}]}`, "a", "Staff", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := receive(t, t.TempDir(), newClock())
			defer r.Close()
			call := caller{TB: t, Handler: r}
			a, b := call.must("POST", "/Users", oktaUser), call.must("POST", "/Users", entraUser)
			g := call.must("POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Staff","members":[{"value":"`+a+`"}]}`)
			status, doc, _ := call.do("PATCH", "/Groups/"+g, patchBody(strings.NewReplacer("@A", a, "@B", b).Replace(c.ops)))
			if want := max(c.status, 200); status != want {
				t.Fatalf("answered %d %v, want %d", status, doc["detail"], want)
			}
			_, doc, _ = call.do("GET", "/Groups/"+g, "")
			got := ""
			for id, name := range map[string]string{a: "a", b: "b"} {
				if strings.Contains(at(doc, "members"), id) {
					got = strings.TrimSpace(got + " " + name)
				}
			}
			if got == "b a" {
				got = "a b"
			}
			if got != c.want || doc["displayName"] != c.display {
				t.Errorf("members %q of %v; want %q of %q", got, doc["displayName"], c.want, c.display)
			}
		})
	}
}

// The life of accounts as the providers lead it, request by request.
func TestRequests(t *testing.T) {
	r := receive(t, t.TempDir(), newClock())
	defer r.Close()
	call := caller{TB: t, Handler: r}
	ana, li := call.must("POST", "/Users", oktaUser), call.must("POST", "/Users", entraUser)
	g := call.must("POST", "/Groups", `{"displayName":"Staff","externalId":"g1","members":[{"value":"`+li+`"}]}`)
	for _, c := range []struct {
		name, method, uri, body string
		header                  map[string]string
		status                  int
		path, want              string
	}{
		{"Okta looks whether there is one", "GET", `/Users?filter=userName%20eq%20%22ana@example.com%22&startIndex=1&count=100`, "", nil, 200, "totalResults", "1"},
		{"case of a login does not count", "GET", `/Users?filter=userName+EQ+"ANA@example.com"`, "", nil, 200, "Resources|0|id", `"` + ana + `"`},
		{"nobody", "GET", `/Users?filter=userName+eq+"x"`, "", nil, 200, "Resources", "[]"},
		{"by the provider's id", "GET", `/Users?filter=externalId+eq+"0a21f0f2"`, "", nil, 200, "Resources|0|id", `"` + li + `"`},
		{"case of an id counts", "GET", `/Users?filter=externalId+eq+"0A21F0F2"`, "", nil, 200, "totalResults", "0"},
		{"by an address", "GET", `/Users?filter=emails.value+eq+"li@example.com"`, "", nil, 200, "totalResults", "1"},
		{"by the extension", "GET", `/Users?filter=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber+eq+"E7"`, "", nil, 200, "totalResults", "1"},
		{"by a truth", "GET", `/Users?filter=active+eq+True`, "", nil, 200, "totalResults", "2"},
		{"Entra asks whether a user is in a group", "GET", `/Groups?excludedAttributes=members&filter=id+eq+"` + g + `"+and+members+eq+"` + li + `"`, "", nil, 200, "totalResults", "1"},
		{"and whether another is", "GET", `/Groups?filter=id+eq+"` + g + `"+and+members+eq+"` + ana + `"`, "", nil, 200, "totalResults", "0"},
		{"another comparison", "GET", `/Users?filter=userName+sw+"a"`, "", nil, 400, "scimType", `"invalidFilter"`},
		{"or", "GET", `/Users?filter=userName+eq+"a"+or+userName+eq+"b"`, "", nil, 400, "scimType", `"invalidFilter"`},
		{"second page", "GET", `/Users?startIndex=2&count=1`, "", nil, 200, "itemsPerPage", "1"},
		{"none wanted", "GET", `/Users?count=0`, "", nil, 200, "totalResults", "2"},
		{"beyond the end", "GET", `/Users?startIndex=9`, "", nil, 200, "Resources", "[]"},
		{"count that is no number", "GET", `/Users?count=x`, "", nil, 400, "scimType", `"invalidValue"`},
		{"without members", "GET", "/Groups/" + g + "?excludedAttributes=members", "", nil, 200, "members", ""},
		{"only the name", "GET", "/Groups/" + g + "?attributes=displayName", "", nil, 200, "members", ""},
		{"a login twice", "POST", "/Users", strings.Replace(oktaUser, "ana@", "ANA@", 1), nil, 409, "scimType", `"uniqueness"`},
		{"no login", "POST", "/Users", `{"active":true}`, nil, 400, "scimType", `"invalidValue"`},
		{"broken", "POST", "/Users", `{"userName":`, nil, 400, "scimType", `"invalidSyntax"`},
		{"a list", "POST", "/Users", `[]`, nil, 400, "scimType", `"invalidSyntax"`},
		{"too large", "POST", "/Users", strings.Repeat(" ", maxBody+1), nil, 413, "status", `"413"`},
		{"nobody's id", "PATCH", "/Users/x", patchBody(`{"op":"replace","value":{"active":false}}`), nil, 404, "status", `"404"`},
		{"unchanged", "GET", "/Users/" + ana, "", map[string]string{"If-None-Match": `W/"1"`}, 304, "id", ""},
		{"changed meanwhile", "PUT", "/Users/" + ana, oktaUser, map[string]string{"If-Match": `W/"7"`}, 412, "status", `"412"`},
		{"replaced", "PUT", "/Users/" + ana, strings.Replace(oktaUser, `"active":true`, `"active":false`, 1), map[string]string{"If-Match": `W/"1"`}, 200, "meta|version", `"W/\"2\""`},
		{"what PUT leaves out is gone", "PUT", "/Users/" + ana, `{"userName":"ana@example.com"}`, nil, 200, "displayName", ""},
		{"deleted", "DELETE", "/Users/" + li, "", nil, 204, "id", ""},
		{"deleted twice", "DELETE", "/Users/" + li, "", nil, 404, "status", `"404"`},
		{"not in the group any more", "GET", "/Groups/" + g, "", nil, 200, "members", "[]"},
		{"what it can do", "GET", "/ServiceProviderConfig", "", nil, 200, "patch|supported", "true"},
		{"types", "GET", "/ResourceTypes", "", nil, 200, "totalResults", "2"},
		{"a type", "GET", "/ResourceTypes/Group", "", nil, 200, "endpoint", `"/Groups"`},
		{"schemas", "GET", "/Schemas", "", nil, 200, "totalResults", "3"},
		{"a schema", "GET", "/Schemas/" + schemaUser, "", nil, 200, "name", `"User"`},
		{"no such schema", "GET", "/Schemas/x", "", nil, 404, "status", `"404"`},
		{"schemas take no filter", "GET", `/Schemas?filter=id+eq+"x"`, "", nil, 403, "status", `"403"`},
		{"bulk", "POST", "/Bulk", "{}", nil, 501, "status", `"501"`},
		{"me", "GET", "/Me", "", nil, 501, "status", `"501"`},
		{"elsewhere", "GET", "/Devices", "", nil, 404, "status", `"404"`},
		{"deeper", "GET", "/Users/a/b", "", nil, 404, "status", `"404"`},
		{"all of them", "DELETE", "/Users", "", nil, 405, "status", `"405"`},
		{"a wrong token", "GET", "/Users", "", map[string]string{"Authorization": "Bearer " + token + "x"}, 401, "status", `"401"`},
		{"no token", "GET", "/ServiceProviderConfig", "", map[string]string{"Authorization": ""}, 401, "status", `"401"`},
		{"another scheme", "GET", "/Users", "", map[string]string{"Authorization": "Basic " + token}, 401, "status", `"401"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, doc, head := caller{TB: t, Handler: r, header: c.header}.do(c.method, strings.ReplaceAll(c.uri, `"`, "%22"), c.body)
			if got := at(doc, c.path); status != c.status || got != c.want {
				t.Errorf("answered %d, %s is %s (%v); want %d, %s", status, c.path, got, doc["detail"], c.status, c.want)
			}
			if status < 300 && status != 204 && head.Get("Content-Type") != "application/scim+json" {
				t.Errorf("content type %q", head.Get("Content-Type"))
			}
		})
	}
	_, doc, head := call.do("POST", "/Users", strings.Replace(oktaUser, "ana@", "max@", 2))
	want := "https://tieout.example.com/scim/v2/Users/" + doc["id"].(string)
	if head.Get("Location") != want || at(doc, "meta|location") != `"`+want+`"` || head.Get("ETag") != `W/"1"` {
		t.Errorf("location %q, ETag %q, meta %s", head.Get("Location"), head.Get("ETag"), at(doc, "meta"))
	}
	if _, there := doc["password"]; there {
		t.Error("the password is shown")
	}
}

// What was accepted is there after a new start.
func TestRestart(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	r := receive(t, dir, c)
	call := caller{TB: t, Handler: r}
	a, b := call.must("POST", "/Users", oktaUser), call.must("POST", "/Users", entraUser)
	g := call.must("POST", "/Groups", `{"displayName":"Staff","members":[{"value":"`+a+`"},{"value":"`+b+`"}]}`)
	call.must("PATCH", "/Groups/"+g, patchBody(`{"op":"remove","path":"members[value eq \"`+b+`\"]"}`))
	call.must("DELETE", "/Users/"+b, "")
	_, user, _ := call.do("GET", "/Users/"+a, "")
	_, group, _ := call.do("GET", "/Groups/"+g, "")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = receive(t, dir, c)
	defer r.Close()
	call = caller{TB: t, Handler: r}
	_, user2, _ := call.do("GET", "/Users/"+a, "")
	_, group2, _ := call.do("GET", "/Groups/"+g, "")
	if fmt.Sprint(user) != fmt.Sprint(user2) || fmt.Sprint(group) != fmt.Sprint(group2) {
		t.Errorf("before %v %v\nafter  %v %v", user, group, user2, group2)
	}
	if status, _, _ := call.do("GET", "/Users/"+b, ""); status != 404 {
		t.Errorf("who was deleted answers %d", status)
	}
	if call.must("POST", "/Users", entraUser) == b {
		t.Error("an id is given again")
	}
}

func TestTwoReceivers(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	old := receive(t, dir, c)
	newer := receive(t, dir, c)
	defer newer.Close()
	if status, doc, _ := (caller{TB: t, Handler: old}).do("POST", "/Users", oktaUser); status != 500 || at(doc, "detail") != `"the request cannot be kept"` {
		t.Errorf("the older receiver answers %d %v", status, doc)
	}
	if status, _, _ := (caller{TB: t, Handler: newer}).do("POST", "/Users", oktaUser); status != 201 {
		t.Errorf("the newer receiver answers %d", status)
	}
}

// A request that cannot be kept is not accepted, and nor is any after it.
func TestJournalThatCannotBeWritten(t *testing.T) {
	r := receive(t, t.TempDir(), newClock())
	r.journal.file.Close()
	call := caller{TB: t, Handler: r}
	for range 2 {
		if status, _, _ := call.do("POST", "/Users", oktaUser); status != 500 {
			t.Errorf("answered %d", status)
		}
	}
	if _, doc, _ := call.do("GET", "/Users", ""); at(doc, "totalResults") != "0" {
		t.Error("what was not kept is shown")
	}
}

func TestHandlerRefuses(t *testing.T) {
	changed := t.TempDir()
	r := receive(t, changed, newClock())
	caller{TB: t, Handler: r}.must("POST", "/Users", oktaUser)
	r.Close()
	names, _ := segments(changed)
	file := filepath.Join(changed, names[0])
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(b), "Ana Ruiz", "Eve Ruiz", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"no folder", Options{Token: token}, "folder is not named"},
		{"a short token", Options{Journal: t.TempDir(), Token: "abc"}, "less than 20"},
		{"a journal that was changed", Options{Journal: changed, Token: token}, names[0] + ":3: entry 3 does not follow"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Handler(c.o); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// Many requests at once: each that was accepted is in the journal, once.
func TestConcurrent(t *testing.T) {
	dir := t.TempDir()
	r := receive(t, dir, newClock())
	srv := httptest.NewServer(http.StripPrefix("/scim/v2", r))
	defer srv.Close()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			req, _ := http.NewRequest("POST", srv.URL+"/scim/v2/Users", strings.NewReader(fmt.Sprintf(`{"userName":"u%d"}`, i)))
			req.Header.Set("Authorization", "Bearer "+token)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			r.Beat()
		}()
	}
	wg.Wait()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(read(t, dir), `"method":"POST"`); n != 20 {
		t.Errorf("%d requests are kept, want 20", n)
	}
	receive(t, dir, newClock()).Close()
}

func FuzzPatch(f *testing.F) {
	f.Add(patchBody(`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"x"}`))
	f.Add(patchBody(`{"op":"add","value":{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"1"}}}}`))
	f.Add(patchBody(`{"op":"remove","path":"members","value":[{"value":null},7]},{"op":"remove","path":"name.x"},{"op":"add","path":"active.y","value":1}`))
	f.Fuzz(func(t *testing.T, body string) {
		var attributes map[string]any
		if err := json.Unmarshal([]byte(entraUser), &attributes); err != nil {
			t.Fatal(err)
		}
		ops, err := readPatch([]byte(body))
		for _, o := range ops {
			err = errors.Join(err, o.apply(attributes))
		}
		if err == nil && len(ops) == 0 {
			t.Error("no operation was accepted")
		}
		if _, err := json.Marshal(attributes); err != nil {
			t.Error(err)
		}
		if strings.Contains(strings.ToLower(string(scrubbed([]byte(body)))), `"password":`) {
			t.Error("a password stays")
		}
	})
}

func FuzzFilter(f *testing.F) {
	f.Add(`userName eq "a" and active eq true`)
	f.Add(`emails.value eq null`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseFilter(text)
		if err == nil && len(got) == 0 {
			t.Error("an empty filter was accepted")
		}
		got.holds(map[string]any{"userName": "a", "emails": []any{map[string]any{"value": "x"}, 7, nil}, "x": map[string]any{}})
	})
}
