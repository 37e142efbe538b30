package gcp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A schema of a discovery document.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Format     string             `json:"format"`
	Enum       []string           `json:"enum"`
	Items      *schema            `json:"items"`
	Properties map[string]*schema `json:"properties"`
	Additional *schema            `json:"additionalProperties"`
	Repeated   bool               `json:"repeated"`
	Required   bool               `json:"required"`
	Location   string             `json:"location"`
	Pattern    string             `json:"pattern"`
}

type method struct {
	ID, HTTPMethod, Path string
	Parameters           map[string]*schema
	Response             schema
	Scopes               []string
}

type service struct {
	Methods    []method
	Schemas    map[string]*schema
	Parameters map[string]*schema
}

func discovery(t *testing.T) map[string]service {
	t.Helper()
	b, err := os.ReadFile("testdata/discovery.json")
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]service
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// find returns the method that a request is of.
func (s service) find(q *http.Request, path string) (method, error) {
	for _, m := range s.Methods {
		at := "^" + regexp.MustCompile(`\\\{\\\+(\w+)\\\}`).ReplaceAllStringFunc(regexp.QuoteMeta(m.Path), func(name string) string {
			pattern := m.Parameters[strings.Trim(name, `\{+}`)].Pattern
			return strings.Trim(pattern, "^$")
		}) + "$"
		if q.Method == m.HTTPMethod && regexp.MustCompile(at).MatchString(path) {
			return m, nil
		}
	}
	return method{}, fmt.Errorf("no method is %s %s", q.Method, path)
}

// request says what the document does not allow of a request.
func (s service) request(m method, q url.Values) error {
	for name, values := range q {
		p := m.Parameters[name]
		if p == nil {
			p = s.Parameters[name]
		}
		switch {
		case p == nil || p.Location != "query":
			return fmt.Errorf("%s has no parameter %q", m.ID, name)
		case len(values) > 1 && !p.Repeated:
			return fmt.Errorf("%s: %q is given %d times", m.ID, name, len(values))
		}
		for _, v := range values {
			if err := p.text(v); err != nil {
				return fmt.Errorf("%s: %s: %w", m.ID, name, err)
			}
		}
	}
	return nil
}

func (p schema) text(v string) (err error) {
	switch {
	case len(p.Enum) > 0 && !slices.Contains(p.Enum, v):
		err = fmt.Errorf("%q is not one of %q", v, p.Enum)
	case p.Type == "integer":
		_, err = strconv.ParseInt(v, 10, 32)
	case p.Format == "google-datetime":
		_, err = time.Parse(time.RFC3339Nano, v)
	}
	return err
}

// check says where a value is not what the schema describes.
func (s service) check(at string, p *schema, v any) error {
	if p.Ref != "" {
		return s.check(at, s.Schemas[p.Ref], v)
	}
	switch v := v.(type) {
	case map[string]any:
		if p.Type != "object" {
			return fmt.Errorf("%s: an object; want %s", at, p.Type)
		}
		for name, e := range v {
			next := p.Properties[name]
			if next == nil {
				next = p.Additional
			}
			switch {
			case next == nil && len(p.Properties) > 0:
				return fmt.Errorf("%s: there is no field %q", at, name)
			case next == nil || next.Type == "any":
				continue
			}
			if err := s.check(at+"."+name, next, e); err != nil {
				return err
			}
		}
	case []any:
		if p.Type != "array" {
			return fmt.Errorf("%s: a list; want %s", at, p.Type)
		}
		for i, e := range v {
			if err := s.check(fmt.Sprintf("%s[%d]", at, i), p.Items, e); err != nil {
				return err
			}
		}
	case string:
		if p.Type != "string" {
			return fmt.Errorf("%s: a text; want %s", at, p.Type)
		}
		return p.text(v)
	case bool:
		if p.Type != "boolean" {
			return fmt.Errorf("%s: a truth; want %s", at, p.Type)
		}
	case float64:
		if p.Type != "integer" && p.Type != "number" {
			return fmt.Errorf("%s: a number; want %s", at, p.Type)
		}
	}
	return nil
}

// TestDiscovery holds every request of a collection, and every answer the tests
// give to it, to Google's own description of the interfaces.
func TestDiscovery(t *testing.T) {
	documents := discovery(t)
	r := furnished(t)
	seen := map[string]int{}
	r.fail = func(q *http.Request, _ int) (int, string) {
		name, path, _ := strings.Cut(strings.TrimPrefix(q.URL.Path, "/"), "/")
		s, ok := documents[name]
		if !ok { // Cloud SQL's document is not here
			return 0, ""
		}
		m, err := s.find(q, path)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		seen[m.ID]++
		if err := s.request(m, q.URL.Query()); err != nil {
			t.Error(err)
		}
		if !slices.Contains(m.Scopes, oauthScope) {
			t.Errorf("%s does not take the scope %s", m.ID, oauthScope)
		}
		var v any
		if err := json.Unmarshal([]byte(r.answer(q)), &v); err != nil {
			t.Error(err)
		}
		if err := s.check(m.ID, &m.Response, v); err != nil {
			t.Error(err)
		}
		return 0, ""
	}
	rec, _ := r.collect(r.with(""))
	if !rec.Manifest("resource").Complete {
		t.Error(rec.Manifest("resource").Reason)
	}
	for _, id := range []string{"cloudasset.assets.list", "cloudresourcemanager.projects.search", "cloudresourcemanager.folders.search"} {
		if seen[id] == 0 {
			t.Errorf("%s was not asked", id)
		}
	}
}

// TestDiscoveryBites shows that what the documents do not describe is noticed.
func TestDiscoveryBites(t *testing.T) {
	s := discovery(t)["cloudasset"]
	m := s.Methods[0]
	for _, q := range []string{"contentType=SECRETS", "pageSize=many", "readTime=today", "page=2", "pageSize=1&pageSize=2"} {
		v, err := url.ParseQuery(q)
		if err != nil {
			t.Fatal(err)
		}
		if s.request(m, v) == nil {
			t.Errorf("%s was let through", q)
		}
	}
	for _, body := range []string{`{"items":[]}`, `{"assets":{}}`, `{"assets":[{"asset_type":"x"}]}`, `{"assets":[{"iamPolicy":{"bindings":[{"role":1}]}}]}`, `{"readTime":"soon"}`} {
		var v any
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatal(err)
		}
		if s.check("answer", &m.Response, v) == nil {
			t.Errorf("%s was let through", body)
		}
	}
}

// TestOneProject: a scope of one project is held to that project alone.
func TestOneProject(t *testing.T) {
	r := furnished(t)
	r.resources = r.resources[:0]
	r.add(asset1(projectType, "//cloudresourcemanager.googleapis.com/projects/216968792402", "projects/216968792402", `{"lifecycleState":"ACTIVE"}`))
	documents := discovery(t)
	r.fail = func(q *http.Request, _ int) (int, string) {
		_, path, _ := strings.Cut(strings.TrimPrefix(q.URL.Path, "/"), "/")
		if path != "v3/projects/valid-project-test" {
			return 0, ""
		}
		if _, err := documents["cloudresourcemanager"].find(q, path); err != nil {
			t.Error(err)
		}
		return 200, r.projects[0]
	}
	rec, _ := r.collect(strings.Replace(r.with(""), org, "projects/valid-project-test", 1))
	for _, m := range rec.Manifests {
		if !m.Complete || len(m.Checks) != 1 || m.Checks[0].Want != "1" {
			t.Errorf("%s: complete %v %q, checks %v", m.Type, m.Complete, m.Reason, m.Checks)
		}
	}
}
