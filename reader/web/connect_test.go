package web

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/reader/jobs"
)

// bring sends a file with the fields beside it.
func (v *visitor) bring(target, name, text string, pairs ...string) *httptest.ResponseRecorder {
	v.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := m.WriteField(pairs[i], pairs[i+1]); err != nil {
			v.t.Fatal(err)
		}
	}
	f, err := m.CreateFormFile("file", name)
	if err != nil {
		v.t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		v.t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		v.t.Fatal(err)
	}
	r := httptest.NewRequest("POST", target, &b)
	r.Host = host
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.send(r)
}

var (
	inputs   = regexp.MustCompile(`<input ([^>]*)>`)
	selects  = regexp.MustCompile(`(?s)<select [^>]*name="([^"]*)".*?</select>`)
	selected = regexp.MustCompile(`<option(?: value="([^"]*)")? selected>([^<]*)`)
	attr     = func(name string) *regexp.Regexp { return regexp.MustCompile(`(?:^|\s)` + name + `="([^"]*)"`) }
	nameAttr = attr("name")
	valAttr  = attr("value")
)

// filled is a form's fields as the page shows them.
func filled(page string) url.Values {
	out := url.Values{}
	_, page, _ = strings.Cut(page, `class="form long"`)
	page, _, _ = strings.Cut(page, "</form>")
	for _, m := range inputs.FindAllStringSubmatch(page, -1) {
		name := nameAttr.FindStringSubmatch(m[1])
		if name == nil || strings.Contains(m[1], "checkbox") && !strings.Contains(m[1], "checked") {
			continue
		}
		value := ""
		if v := valAttr.FindStringSubmatch(m[1]); v != nil {
			value = v[1]
		}
		out.Set(name[1], value)
	}
	for _, m := range selects.FindAllStringSubmatch(page, -1) {
		if o := selected.FindStringSubmatch(m[0]); o != nil {
			if !strings.Contains(o[0], "value=") {
				o[1] = o[2]
			}
			out.Set(m[1], o[1])
		}
	}
	return out
}

func pairsOf(v url.Values) (out []string) {
	for k := range v {
		out = append(out, k, v.Get(k))
	}
	return out
}

func boss(w *world) *visitor {
	return w.visit(w.server(func(o *Options) { o.Trial = time.Second }), "boss", access.Grant{Role: access.Administrator, Scope: access.ScopeWorkspace}, access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
}

func TestConnectOnScreen(t *testing.T) {
	w := newWorld(t)
	v := boss(w)
	if page := v.page("/connectors/new?q=okta"); !strings.Contains(page, "/connectors/new/okta") || strings.Contains(page, "/connectors/new/jira") {
		t.Error("the search does not choose")
	}
	page := v.page("/connectors/new/github")
	for _, want := range []string{"What it cannot see", "read:org", `type="password"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(page, `name="set.allow"`) {
		t.Error("private networks can be allowed on the screen")
	}
	const secret = "a-secret-that-nobody-may-see"
	for _, c := range []struct {
		name string
		form []string
		want string
	}{
		{"nothing needed", []string{"name", "code"}, "Needed and not filled in: organization"},
		{"a bad name", []string{"name", "../x", "set.organization", "acme"}, "no name for a connection"},
		{"a name that is taken", []string{"name", "hr", "set.organization", "acme"}, "already"},
		{"this machine", []string{"name", "code", "set.organization", "acme", "set.baseURL", "https://127.0.0.1:1/api"}, "127.0.0.1 is this machine: this address is not allowed"},
		{"a private network", []string{"name", "code", "set.organization", "acme", "set.baseURL", "https://10.0.0.1/api"}, "10.0.0.1 lies in a private network: this address is not allowed"},
		{"a variable of the server", []string{"name", "code", "set.organization", "acme", "set.token", "env:PATH"}, "begins with TIEOUT_SOURCE_"},
		{"a variable for connections", []string{"name", "code", "set.organization", "acme", "set.baseURL", "https://127.0.0.1:1/api", "set.token", "env:TIEOUT_SOURCE_CODE"}, "TIEOUT_SOURCE_CODE is not set"},
		{"plain http", []string{"name", "code", "set.organization", "acme", "set.baseURL", "http://example.com"}, "https only"},
		{"allowing it", []string{"name", "code", "set.organization", "acme", "set.allow", "loopback", "set.baseURL", "https://127.0.0.1:1/api"}, ""},
		{"another's secret", []string{"name", "code", "set.organization", "acme", "set.baseURL", "https://127.0.0.1:1/api", "set.token", "file:.tieout/ledger.key"}, "is a secret of the log"},
		{"markup", []string{"name", "code", "set.organization", evil, "set.baseURL", "https://127.0.0.1:1/api"}, ""},
	} {
		form := append(c.form, "secret.token", secret, "do", "connect")
		if strings.Contains(c.want, "secret") {
			form = append(c.form, "do", "connect")
		}
		got := v.post("/connectors/new/github", form...)
		body := got.Body.String()
		if got.Code != http.StatusUnprocessableEntity && got.Code != http.StatusOK || !strings.Contains(body, c.want) {
			t.Errorf("%s: got %d, want %q\n%s", c.name, got.Code, c.want, body)
		}
		if strings.Contains(body, `value="connect"`) {
			t.Errorf("%s: it can be connected", c.name)
		}
		if strings.Contains(body, secret) || strings.Contains(body, evil) {
			t.Errorf("%s: a secret or markup came back", c.name)
		}
	}
	if _, err := os.Stat(filepath.Join(w.dir, "sources", "code.yaml")); err == nil {
		t.Error("it was connected")
	}
	if _, err := os.Stat(filepath.Join(w.dir, ".tieout", "secrets")); err == nil {
		t.Error("a secret was kept of what was not connected")
	}
}

// TestConnectKeepsSecretsApart: what is typed as a secret is in a file of its
// own, that the connection names, and nowhere else.
func TestConnectKeepsSecretsApart(t *testing.T) {
	w := newWorld(t)
	if err := keepSecrets(w.dir, "code", map[string]string{"token": "s3cret"}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(w.dir, ".tieout", "secrets", "code.token")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 600", info, err)
	}
	if err := dropSecrets(w.dir, "cod"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("another connection's secret was removed")
	}
	if err := dropSecrets(w.dir, "code"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it is still there")
	}
}

func TestConnectAndRemove(t *testing.T) {
	w := newWorld(t)
	v := boss(w)
	got := v.post("/connectors/new/tieout", "name", "own", "do", "test")
	if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `value="connect"`) {
		t.Fatalf("try: %d\n%s", got.Code, got.Body)
	}
	form := filled(got.Body.String())
	form.Set("do", "connect")
	got = v.post("/connectors/new/tieout", pairsOf(form)...)
	if got.Code != http.StatusSeeOther || !strings.HasPrefix(got.Header().Get("Location"), "/jobs/") {
		t.Fatalf("connect: %d to %s\n%s", got.Code, got.Header().Get("Location"), got.Body)
	}
	if text, err := os.ReadFile(filepath.Join(w.dir, "sources", "own.yaml")); err != nil || !strings.Contains(string(text), "kind: tieout") {
		t.Fatalf("%s, %v", text, err)
	}
	page := v.page("/connectors/remove/own")
	base := baseOf(page)
	if got := v.post("/connectors/remove/own", "base", "x"); got.Code != http.StatusConflict {
		t.Errorf("from an older page: %d", got.Code)
	}
	if got := v.post("/connectors/remove/own", "base", base); got.Code != http.StatusSeeOther {
		t.Errorf("remove: %d\n%s", got.Code, got.Body)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "sources", "own.yaml")); err == nil {
		t.Error("it is still there")
	}
	lead := w.visit(v.s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	for _, path := range []string{"/connectors/new", "/connectors/new/okta", "/connectors/import", "/connectors/remove/hr"} {
		if got := lead.get(path); got.Code != http.StatusForbidden {
			t.Errorf("%s as a lead: %d", path, got.Code)
		}
	}
}

const (
	hrList   = "Employee ID,Full Name,Work Email,Status,Hire Date,End Date,Department\n1,Ana Silva,ana@acme.example,Active,2020-02-01,,Engineering\n2,Ben Ode,ben@acme.example,Terminated,2021-03-15,2026-02-27,Sales\n"
	userList = "Login,Employee ID,Status,MFA\nana,1,ACTIVE,yes\nben,2,ACTIVE,no\n"
)

func (v *visitor) imports(t *testing.T, typ, text string, change ...string) *httptest.ResponseRecorder {
	t.Helper()
	got := v.bring("/connectors/import", "list.csv", text, "type", typ)
	if got.Code != http.StatusSeeOther {
		t.Fatalf("bring: %d\n%s", got.Code, got.Body)
	}
	at := got.Header().Get("Location")
	for _, do := range []string{"test", "connect"} {
		page := v.page(at)
		if do == "connect" {
			page = v.lastPage
		}
		form := filled(page)
		for i := 0; i+1 < len(change); i += 2 {
			form.Set(change[i], change[i+1])
		}
		form.Set("do", do)
		got = v.post(at, pairsOf(form)...)
		v.lastPage = got.Body.String()
		if do == "test" && (got.Code != http.StatusOK || !strings.Contains(v.lastPage, `value="connect"`)) {
			t.Fatalf("try: %d\n%s", got.Code, got.Body)
		}
	}
	return got
}

func TestImport(t *testing.T) {
	w := newWorld(t)
	v := boss(w)
	if got := v.bring("/connectors/import", "x.csv", "a,a\n1,2\n", "type", "person"); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), "a name of its own") {
		t.Errorf("a bad file: %d\n%s", got.Code, got.Body)
	}
	got := v.bring("/connectors/import", "../../"+evil+".csv", "Name,"+quoted(evil)+"\n"+quoted(evil)+",1\n", "type", "person")
	if page := v.page(got.Header().Get("Location")); strings.Contains(page, evil) {
		t.Error("markup of the file came out")
	}
	other := w.visit(v.s, "other", access.Grant{Role: access.Administrator, Scope: access.ScopeWorkspace})
	if got := other.get(got.Header().Get("Location")); got.Code != http.StatusNotFound {
		t.Errorf("another's list: %d", got.Code)
	}
	if got := v.imports(t, "person", hrList); got.Code != http.StatusSeeOther || !strings.HasPrefix(got.Header().Get("Location"), "/jobs/") {
		t.Fatalf("connect: %d\n%s", got.Code, got.Body)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "exports", "people", "people-2026-04-01.csv")); err != nil {
		t.Error(err)
	}
	if got := v.imports(t, "account", userList, "system", "crm"); got.Code != http.StatusSeeOther {
		t.Fatalf("connect: %d\n%s", got.Code, got.Body)
	}
	err := jobs.Run(t.Context(), jobs.Options{Open: w.opener(), Once: true})
	if err != nil {
		t.Fatal(err)
	}
	p := w.open("", false)
	defer w.close(p)
	for _, name := range []string{"people", "accounts"} {
		c, err := p.Store.NewestComplete(t.Context(), name)
		if err != nil || c.End == nil || !c.End.Complete {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

// TestWhoseAccounts: a column that says whose an account is, and of which nobody
// is in the list of people, is not taken; with some of them it says how many are.
func TestWhoseAccounts(t *testing.T) {
	w := newWorld(t)
	v := boss(w)
	v.imports(t, "person", hrList)
	if err := jobs.Run(t.Context(), jobs.Options{Open: w.opener(), Once: true}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, column, want string
		code               int
		connect            bool
	}{
		{"addresses, where people go by numbers", "Mail", "nothing in the column &#34;Mail&#34; is a number of the list of people", http.StatusUnprocessableEntity, false},
		{"numbers, of which one is nobody's", "Person", "Not in the list of people: 1 of 3 values of the column &#34;Person&#34;.", http.StatusOK, true},
		{"nothing said", "", "Nothing was kept.", http.StatusOK, true},
	} {
		got := v.bring("/connectors/import", "list.csv", "Login,Mail,Person\nana,ana@acme.example,1\nben,ben@acme.example,2\neve,eve@acme.example,9\n", "type", "account")
		at := got.Header().Get("Location")
		form := filled(v.page(at))
		form.Set("system", "Big CRM")
		form.Set("column.person", c.column)
		form.Set("do", "test")
		got = v.post(at, pairsOf(form)...)
		body := got.Body.String()
		if got.Code != c.code || !strings.Contains(body, c.want) || strings.Contains(body, `value="connect"`) != c.connect || !strings.Contains(body, `value="big-crm"`) {
			t.Errorf("%s: %d\n%s", c.name, got.Code, body)
		}
	}
}

// TestRemoveWhatIsNamed: a connection that other files name is not removed, and
// its page says which lines do.
func TestRemoveWhatIsNamed(t *testing.T) {
	w := newWorld(t)
	w.write("systems/acme.yaml", "name: Acme\nboundary: All of it.\ncomponents:\n  - { id: people, name: People, kind: people, owner: Ana, description: Everybody., claims: [ { type: person, source: hr } ] }\n")
	v := boss(w)
	page := v.page("/connectors/remove/hr")
	holdPage(t, "/connectors/remove/hr", page)
	if !strings.Contains(page, "systems/acme.yaml:4") || strings.Contains(page, `name="base"`) {
		t.Errorf("what names it:\n%s", page)
	}
}
