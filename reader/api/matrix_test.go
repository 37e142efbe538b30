package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"tieout/access"
	"tieout/engagement/gatestest"
)

var update = flag.Bool("update", false, "write testdata/matrix.txt and docs/formats/openapi.json anew; read what changed")

// A standing is a role as far as it reaches, of whose token walks the table.
type standing struct {
	name   string
	grants []access.Grant
}

func standings() []standing {
	out := []standing{{"no role", nil}}
	for _, r := range access.Roles {
		if r.Workspace != access.Company {
			continue
		}
		for _, scope := range r.Scopes {
			objects := map[access.Scope][]string{access.ScopeWorkspace: {""}, access.ScopeOwn: {""}, access.ScopeSystem: {"elsewhere"},
				access.ScopeControl: {"IAM-02", "ZZZ-99"}, access.ScopeEngagement: {"2026-03", "2019"}}[scope]
			for _, o := range objects {
				out = append(out, standing{strings.TrimSuffix(string(r.ID)+"@"+string(scope)+":"+o, ":"), []access.Grant{{Role: r.ID, Scope: scope, Object: o}}})
			}
		}
	}
	return out
}

// walker is a client of a standing, with a token of all its roles can give one.
// Who can make no token has one of another's that was made before their roles
// were taken: it does nothing.
func (w *world) walker(n int, st standing) *client {
	w.t.Helper()
	id := w.account(fmt.Sprintf("walker%d", n), st.grants...)
	if list := able(st.grants); len(list) > 0 {
		return w.with(id, list...)
	}
	return w.with(id)
}

// target is a path that a call takes.
func (op *operation) target(known map[string]string) string {
	path := op.example
	if path == "" {
		path = op.path
	}
	for name, id := range known {
		path = strings.ReplaceAll(path, "{"+name+"}", id)
	}
	return path
}

// TestEveryCallAndRole walks every call with a token of every role at every
// scope, and holds the answers to testdata/matrix.txt; every answer is what the
// document says.
func TestEveryCallAndRole(t *testing.T) {
	w := newWorld(t)
	lead := w.lead()
	lead.send("POST", "/risks", riskFor(lead.account))
	lead.send("POST", "/vendors", vendorExample)
	lead.send("POST", "/incidents", `{"detail":"A list went astray","detected":"2026-03-27T10:00:00Z"}`)
	lead.send("POST", "/issues", openIssueExample)
	want(t, "a draft", lead.send("PUT", "/policies/remote/draft", `{"title":"Remote work","text":"Lock the screen."}`, "If-Match", `"0"`), http.StatusOK)
	job := object(t, lead.send("POST", "/jobs", `{"kind":"check"}`))
	keys := &gatestest.Keys{}
	w.examined(keys, lead.account, lead.account)
	known := map[string]string{"request": "RQ-1", "finding": "X-1", "deviation": fmt.Sprint(in(lead.get("/deviations?control=IAM-02"), "items", 0, "ref")), "job": fmt.Sprint(in(job, "result", "id"))}
	var b strings.Builder
	walkers := []*client{}
	for i, st := range standings() {
		fmt.Fprintf(&b, "column %2d: %s\n", i+1, st.name)
		walkers = append(walkers, w.walker(i, st))
	}
	b.WriteString("x: the call got through; -: the table of rights refused it; t: no token can be made for the role\n\n")
	for _, op := range w.api.calls {
		fmt.Fprintf(&b, "%-48s %-18s", op.method+" "+op.path, op.needs)
		for i, c := range walkers {
			target := strings.Replace(op.target(known), "/examinations/{id}", "/examinations/EN-1", 1)
			got := c.send(op.method, target, op.sends, "If-Match", `"99"`)
			if strings.Contains(target, "/examinations/{id}") {
				t.Fatalf("%s: %s is of no examination", op.id, target)
			}
			if op.id == "add-evidence" {
				got = c.upload("a.txt", "a", map[string]string{"title": "a", "first": "2026-03-02"})
			}
			b.WriteString(" " + outcomeOf(t, op, standings()[i], c, got))
			if got.Code < 300 {
				w.holdToDocument(op, got)
			}
		}
		b.WriteByte('\n')
	}
	holdGolden(t, filepath.Join("testdata", "matrix.txt"), b.String())
	t.Logf("%d calls x %d roles and scopes walked", len(w.api.calls), len(walkers))
}

// outcomeOf is a letter for an answer; what no role may ever see fails.
func outcomeOf(t *testing.T, op operation, st standing, c *client, got *httptest.ResponseRecorder) string {
	t.Helper()
	if got.Code >= 500 {
		t.Errorf("%s as %s: %d %s", op.id, st.name, got.Code, got.Body)
	}
	switch got.Code {
	case http.StatusUnauthorized:
		if len(able(st.grants)) == 0 {
			return "t"
		}
		t.Errorf("%s as %s: the token is not taken", op.id, st.name)
	case http.StatusForbidden:
		if strings.Contains(got.Body.String(), "Okafor") {
			t.Errorf("%s as %s: the refusal tells what is behind it: %s", op.id, st.name, got.Body)
		}
		return "-"
	}
	return "x"
}

// holdToDocument holds an answer to the schema that the document gives of it.
func (w *world) holdToDocument(op operation, got *httptest.ResponseRecorder) {
	w.t.Helper()
	if !strings.Contains(got.Header().Get("Content-Type"), "json") || op.id == "get-evidence-raw" {
		return
	}
	var body any
	if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil {
		w.t.Fatalf("%s: %v", op.id, err)
	}
	doc := w.api.api.OpenAPI()
	item := doc.Paths[op.path]
	described := map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put}[op.method]
	response := described.Responses[fmt.Sprint(got.Code)]
	if response == nil {
		w.t.Errorf("%s: %d is not described", op.id, got.Code)
		return
	}
	var res huma.ValidateResult
	huma.Validate(doc.Components.Schemas, response.Content["application/json"].Schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, body, &res)
	for _, e := range res.Errors[:min(len(res.Errors), 3)] {
		w.t.Errorf("%s: not as described: %v", op.id, e)
	}
}

func holdGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	have, old := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(have), len(old)) {
		if have[i] != old[i] {
			t.Fatalf("%s line %d: got %q, want %q. Run with -update and read the difference", path, i+1, have[i], old[i])
		}
	}
	t.Fatalf("%s: %d lines, want %d", path, len(have), len(old))
}

// TestNoCallConcludes: what only a person may do has a call in an examination
// alone, where a token never does it; none edits evidence, and every call asks
// for a permission there is, for writing where it changes something.
func TestNoCallConcludes(t *testing.T) {
	seen := map[string]bool{}
	for _, op := range New(Options{}).calls {
		p, ok := access.PermissionOf(op.needs)
		exam := strings.HasPrefix(op.path, "/engagements/") || strings.HasPrefix(op.path, "/examinations/")
		if !ok || p.ID == access.EditEvidence || op.byPerson() != (op.person || p.Has(access.Person)) {
			t.Errorf("%s asks for %q", op.id, op.needs)
		}
		if (p.Has(access.Person) || p.Has(access.FourEyes) || p.Has(access.Again)) && !(exam && op.byPerson()) {
			t.Errorf("%s asks for %q, which only a person may", op.id, op.needs)
		}
		if p.Has(access.Write) == (op.method == http.MethodGet) && op.id != "opinion-digest" && op.id != "freeze-population" { // the one changes nothing, the other takes evidence out by freezing it
			t.Errorf("%s is %s and asks for %q", op.id, op.method, op.needs)
		}
		if strings.HasPrefix(op.path, "/evidence") && op.method != http.MethodGet && (op.method != http.MethodPost || op.path != "/evidence") {
			t.Errorf("%s %s: evidence is only read and added", op.method, op.path)
		}
		if personal.MatchString(op.id) && op.method != http.MethodGet && !op.byPerson() && !tokens[op.id] {
			t.Errorf("%s is for a person", op.id)
		}
		if seen[op.id] || seen[op.method+op.path] {
			t.Errorf("%s is there twice", op.id)
		}
		seen[op.id], seen[op.method+op.path] = true, true
	}
	if len(seen) < 280 {
		t.Errorf("%d calls", len(seen)/2)
	}
}

var personal = regexp.MustCompile(`conclu|sign|approv|decid|erase|delete|accept|respond|agree|opin|draw|mark|freeze|review|releas|issue|lock`)

// tokens do these, though they sound like a person's: they hand out work, ask
// for an opinion's digest, keep requests, and keep the register of issues, which a
// person closes.
var tokens = map[string]bool{"assign-task": true, "assign-request": true, "opinion-digest": true, "decide-request": true, "release-requests": true,
	"open-issue": true, "set-issue": true, "move-issue": true}

// TestDocumentation: the document is OpenAPI 3.1 whose references lead somewhere,
// asks no other site for anything, and is the one in docs.
func TestDocumentation(t *testing.T) {
	raw, err := Spec(false)
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "", " "); err != nil {
		t.Fatal(err)
	}
	holdGolden(t, filepath.Join("..", "..", "docs", "formats", "openapi.json"), pretty.String()+"\n")
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if in(doc, "openapi") != "3.1.0" || in(doc, "info", "title") == nil || in(doc, "info", "version") == nil {
		t.Errorf("openapi %v, info %v", doc["openapi"], doc["info"])
	}
	checkDocument(t, doc)
	if strings.Contains(string(raw), "$schema") || strings.Contains(string(raw), "unpkg") || strings.Contains(string(raw), `"Host"`) {
		t.Error("the document has links to other places")
	}
	yaml, err := Spec(true)
	if err != nil || !strings.Contains(string(yaml), "openapi: 3.1.0") {
		t.Errorf("yaml: %v %.100s", err, yaml)
	}
}

var inPath = regexp.MustCompile(`\{([^}]+)\}`)

// checkDocument holds a document to what OpenAPI 3.1 asks: unique operations
// with answers, path parameters that are declared and required, security schemes
// and references that are there, types that JSON Schema knows.
func checkDocument(t *testing.T, doc map[string]any) {
	t.Helper()
	ids := map[string]bool{}
	for path, item := range in(doc, "paths").(map[string]any) {
		for method, x := range item.(map[string]any) {
			id := fmt.Sprint(in(x, "operationId"))
			if ids[id] || id == "" {
				t.Errorf("%s %s: operationId %q", method, path, id)
			}
			ids[id] = true
			if answers, _ := in(x, "responses").(map[string]any); len(answers) < 2 || in(x, "summary") == "" {
				t.Errorf("%s: responses %v", id, keys(answers))
			}
			declared := []string{}
			params, _ := in(x, "parameters").([]any)
			for _, p := range params {
				if in(p, "in") == "path" {
					declared = append(declared, fmt.Sprint(in(p, "name")))
					if in(p, "required") != true {
						t.Errorf("%s: %v is not required", id, in(p, "name"))
					}
				}
			}
			for _, m := range inPath.FindAllStringSubmatch(path, -1) {
				if !slices.Contains(declared, m[1]) {
					t.Errorf("%s: %s is not declared", path, m[1])
				}
			}
			if in(x, "security", 0, "token") == nil {
				t.Errorf("%s: no security", id)
			}
		}
	}
	if in(doc, "components", "securitySchemes", "token", "scheme") != "bearer" {
		t.Error("the security scheme is missing")
	}
	checkReferences(t, doc, doc, "#")
}

func checkReferences(t *testing.T, doc map[string]any, v any, at string) {
	t.Helper()
	switch x := v.(type) {
	case map[string]any:
		if ref, ok := x["$ref"].(string); ok {
			name, local := strings.CutPrefix(ref, "#/components/schemas/")
			if !local || in(doc, "components", "schemas", name) == nil {
				t.Errorf("%s: %s leads nowhere", at, ref)
			}
		}
		if typ, ok := x["type"].(string); ok && strings.Contains(at, "schema") && !slices.Contains([]string{"object", "array", "string", "integer", "number", "boolean", "null"}, typ) {
			t.Errorf("%s: type %q", at, typ)
		}
		for k, y := range x {
			checkReferences(t, doc, y, at+"/"+k)
		}
	case []any:
		for i, y := range x {
			checkReferences(t, doc, y, fmt.Sprint(at, "/", i))
		}
	}
}

// FuzzBody: whatever is sent as a risk or an incident is answered with a problem
// or with what was made, and never fails here.
func FuzzBody(f *testing.F) {
	for _, s := range []string{riskExample, `{"detail":"x","detected":"2026-03-27T10:00:00Z"}`, `{}`, `[]`, `null`, `{"title":1}`, "{\"title\":\"\\u0000\"}", `{"detail":"\ud800","detected":"x"}`, "\xff", `{"likelihood":1e400}`} {
		f.Add(true, s)
		f.Add(false, s)
	}
	w := newWorld(f)
	c := w.lead()
	f.Fuzz(func(t *testing.T, risk bool, body string) {
		w.t = t
		path := map[bool]string{true: "/risks", false: "/incidents"}[risk]
		got := c.send("POST", path, body)
		if got.Code >= 500 || got.Code < 300 && got.Header().Get("ETag") == "" || got.Code >= 400 && got.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %q: %d %s", path, body, got.Code, got.Body)
		}
	})
}
