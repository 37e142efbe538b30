package workspace

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
)

// A document is one of Google's API discovery documents, cut down to what is asked.
type document struct {
	Methods map[string]method          `json:"methods"`
	Schemas map[string]json.RawMessage `json:"schemas"`
}

type method struct {
	Path       string `json:"path"`
	Parameters map[string]struct {
		Location string   `json:"location"`
		Enum     []string `json:"enum"`
		Maximum  string   `json:"maximum"`
		Pattern  string   `json:"pattern"`
		Type     string   `json:"type"`
	} `json:"parameters"`
	Response struct {
		Ref string `json:"$ref"`
	} `json:"response"`
	Scopes []string `json:"scopes"`
}

func discovery(t testing.TB) []document {
	t.Helper()
	b, err := os.ReadFile("testdata/discovery.json")
	if err != nil {
		t.Fatal(err)
	}
	var docs []document
	if err := json.Unmarshal(b, &docs); err != nil {
		t.Fatal(err)
	}
	return docs
}

// find returns the method of a path and its document.
func find(docs []document, path string) (*document, *method) {
	for i := range docs {
		for _, m := range docs[i].Methods {
			pattern := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(m.Path, `[^/]+`)
			if regexp.MustCompile("^/?" + pattern + "$").MatchString(path) {
				return &docs[i], &m
			}
		}
	}
	return nil, nil
}

// checkRequest holds a request to Google's description: a method it knows,
// parameters it knows with values it allows, asked with a scope it names.
func checkRequest(docs []document, r *http.Request, scope string) error {
	_, m := find(docs, r.URL.Path)
	if m == nil || r.Method != http.MethodGet {
		return fmt.Errorf("%s %s is no method", r.Method, r.URL.Path)
	}
	if !slices.Contains(m.Scopes, scope) {
		return fmt.Errorf("%s: scope %s is not one of %v", r.URL.Path, scope, m.Scopes)
	}
	for name, values := range r.URL.Query() {
		p, ok := m.Parameters[name]
		switch {
		case name == "fields": // known to every method
		case !ok || p.Location != "query":
			return fmt.Errorf("%s: no parameter %q", r.URL.Path, name)
		case len(p.Enum) > 0 && !slices.Contains(p.Enum, values[0]):
			return fmt.Errorf("%s: %s=%s", r.URL.Path, name, values[0])
		case p.Pattern != "" && !regexp.MustCompile(p.Pattern).MatchString(values[0]):
			return fmt.Errorf("%s: %s=%s does not match %s", r.URL.Path, name, values[0], p.Pattern)
		case p.Maximum != "":
			if n, _ := strconv.Atoi(values[0]); strconv.Itoa(n) > p.Maximum && len(strconv.Itoa(n)) >= len(p.Maximum) {
				return fmt.Errorf("%s: %s=%s is more than %s", r.URL.Path, name, values[0], p.Maximum)
			}
		}
	}
	return nil
}

// schema is what an answer, or a part of it, must look like.
type schema struct {
	Ref        string                     `json:"$ref"`
	Type       string                     `json:"type"`
	Format     string                     `json:"format"`
	Items      json.RawMessage            `json:"items"`
	Properties map[string]json.RawMessage `json:"properties"`
	Additional json.RawMessage            `json:"additionalProperties"`
}

// check reports the first way in which v is not what the schema says.
func (d *document) check(raw json.RawMessage, where string, v any) error {
	var s schema
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	if s.Ref != "" {
		return d.check(d.Schemas[s.Ref], where, v)
	}
	ok := true
	switch s.Type {
	case "string":
		var text string
		text, ok = v.(string)
		if _, err := strconv.ParseInt(text, 10, 64); ok && s.Format == "int64" && err != nil {
			ok = false
		}
	case "boolean":
		_, ok = v.(bool)
	case "integer", "number":
		_, ok = v.(float64)
	case "array":
		return d.checkList(s, where, v)
	case "object":
		return d.checkObject(s, where, v)
	}
	if !ok {
		return fmt.Errorf("%s: %v is no %s %s", where, v, s.Type, s.Format)
	}
	return nil
}

func (d *document) checkList(s schema, where string, v any) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("%s: %v is no list", where, v)
	}
	for i, e := range list {
		if err := d.check(s.Items, fmt.Sprintf("%s[%d]", where, i), e); err != nil {
			return err
		}
	}
	return nil
}

func (d *document) checkObject(s schema, where string, v any) error {
	obj, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: %v is no object", where, v)
	}
	for name, e := range obj {
		p, ok := s.Properties[name]
		if !ok && s.Additional == nil {
			return fmt.Errorf("%s: no property %q", where, name)
		}
		if !ok {
			continue
		}
		if err := d.check(p, where+"."+name, e); err != nil {
			return err
		}
	}
	return nil
}

// TestAnswersFollowTheDescription holds the answers of these tests to Google's
// own description of them.
func TestAnswersFollowTheDescription(t *testing.T) {
	docs := discovery(t)
	for key, answer := range newOrg(t).answers {
		path, _, _ := strings.Cut(key, "?")
		d, m := find(docs, path)
		if m == nil {
			t.Errorf("%s is no method", key)
			continue
		}
		var v any
		if err := json.Unmarshal(answer, &v); err != nil {
			t.Fatal(err)
		}
		if err := d.check(d.Schemas[m.Response.Ref], key, v); err != nil {
			t.Error(err)
		}
	}
}

// TestFieldsAreDescribed holds the fields that are asked for to the
// description: a misspelled one would be refused by Google.
func TestFieldsAreDescribed(t *testing.T) {
	docs := discovery(t)
	o := newOrg(t)
	record(t, serve(t, o))
	n := 0
	for _, asked := range o.asked {
		u, err := url.ParseRequestURI(asked)
		if err != nil {
			t.Fatal(err)
		}
		fields := u.Query().Get("fields")
		list, inner, ok := strings.Cut(strings.TrimPrefix(fields, "kind,nextPageToken,"), "(")
		if !ok {
			continue
		}
		n++
		d, m := find(docs, u.Path)
		var answer, items, element schema
		if json.Unmarshal(d.Schemas[m.Response.Ref], &answer) != nil || json.Unmarshal(answer.Properties[list], &items) != nil || json.Unmarshal(items.Items, &element) != nil ||
			json.Unmarshal(d.Schemas[element.Ref], &element) != nil {
			t.Errorf("%s: no list %q", u.Path, list)
		}
		for name := range strings.SplitSeq(strings.TrimSuffix(inner, ")"), ",") {
			if _, ok := element.Properties[name]; !ok {
				t.Errorf("%s: %s has no field %q", u.Path, list, name)
			}
		}
	}
	if n < 5 {
		t.Errorf("%d requests named fields, want at least 5", n)
	}
}
