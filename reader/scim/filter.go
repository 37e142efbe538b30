package scim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Bounds of a filter: characters, and how deep its parts are nested.
const (
	maxFilter = 2000
	maxNested = 20
)

// A filter is one that was parsed (RFC 7644, 3.4.2.2): whether a resource, or an
// element of a list, is one that was asked for.
type filter interface {
	match(v map[string]any) bool
}

type (
	both    struct{ a, b filter }
	either  struct{ a, b filter }
	negated struct{ f filter }
	// A comparison holds an attribute, or one of its elements, to a value.
	comparison struct {
		path  path
		op    string // in lower case
		value any    // string, bool, float64 or nil
	}
	every struct{} // matches all
	// An element filter asks for an element of a list that meets all of it.
	element struct {
		path path
		f    filter
	}
)

func (every) match(map[string]any) bool       { return true }
func (f both) match(v map[string]any) bool    { return f.a.match(v) && f.b.match(v) }
func (f either) match(v map[string]any) bool  { return f.a.match(v) || f.b.match(v) }
func (f negated) match(v map[string]any) bool { return !f.f.match(v) }

func (f element) match(v map[string]any) bool {
	for _, x := range elements(value(v, f.path.attr)) {
		if m, ok := x.(map[string]any); ok && f.f.match(m) {
			return true
		}
	}
	return false
}

func (f comparison) match(v map[string]any) bool {
	found := false
	for _, x := range elements(value(v, f.path.attr)) {
		if m, ok := x.(map[string]any); ok {
			sub := f.path.sub
			if sub == "" {
				sub = "value"
			}
			x = value(m, sub)
		} else if f.path.sub != "" {
			x = nil
		}
		if x == nil {
			continue
		}
		found = true
		if f.holds(x, f.exact()) {
			return true
		}
	}
	switch f.op {
	case "eq":
		return !found && f.value == nil
	case "ne":
		return !found && f.value != nil
	}
	return false
}

// exact reports whether case counts: it does in what only programs made.
func (f comparison) exact() bool {
	a := strings.ToLower(f.path.attr)
	return a == "id" || a == "externalid" || a == "members" || a == "groups"
}

func (f comparison) holds(x any, exact bool) bool {
	if f.op == "pr" {
		return x != ""
	}
	switch want := f.value.(type) {
	case string:
		got, ok := x.(string)
		if b, isBool := x.(bool); isBool {
			got, ok = strconv.FormatBool(b), true // Microsoft Entra asks for "True"
			want = strings.ToLower(want)
		}
		return ok && f.texts(got, want, exact)
	case bool:
		got, ok := x.(bool)
		return ok && (f.op == "eq" && got == want || f.op == "ne" && got != want)
	case float64:
		got, ok := x.(float64)
		return ok && ordered(f.op, int(sign(got-want)))
	}
	return f.op == "ne"
}

func sign(d float64) float64 {
	switch {
	case d < 0:
		return -1
	case d > 0:
		return 1
	}
	return 0
}

func (f comparison) texts(got, want string, exact bool) bool {
	if a, err := time.Parse(time.RFC3339, got); err == nil {
		if b, err := time.Parse(time.RFC3339, want); err == nil {
			return ordered(f.op, a.Compare(b))
		}
	}
	if !exact {
		got, want = strings.ToLower(got), strings.ToLower(want)
	}
	switch f.op {
	case "co":
		return strings.Contains(got, want)
	case "sw":
		return strings.HasPrefix(got, want)
	case "ew":
		return strings.HasSuffix(got, want)
	}
	return ordered(f.op, strings.Compare(got, want))
}

func ordered(op string, c int) bool {
	switch op {
	case "eq":
		return c == 0
	case "ne":
		return c != 0
	case "gt":
		return c > 0
	case "ge":
		return c >= 0
	case "lt":
		return c < 0
	case "le":
		return c <= 0
	}
	return false
}

// value reads an attribute whatever its case (RFC 7643, 2.1).
func value(v map[string]any, name string) any {
	if x, ok := v[name]; ok {
		return x
	}
	for k, x := range v {
		if strings.EqualFold(k, name) {
			return x
		}
	}
	return nil
}

// elements are a list's elements, or one value as a list of it; nil is none.
func elements(v any) []any {
	switch x := v.(type) {
	case nil:
		return nil
	case []any:
		return x
	}
	return []any{v}
}

// parseFilter reads a filter. The error is one for the client.
func parseFilter(s string) (filter, error) {
	if len(s) > maxFilter {
		return nil, bad("invalidFilter", "the filter is longer than %d characters", maxFilter)
	}
	p := &parser{rest: s}
	f, err := p.or()
	if err == nil && p.peek() != "" {
		err = fmt.Errorf("%.40q was not expected", p.peek())
	}
	if err != nil {
		return nil, bad("invalidFilter", "the filter is not understood: %v", err)
	}
	return f, nil
}

// A parser reads words off a filter or a path.
type parser struct {
	rest  string
	depth int
}

// peek returns the next word without taking it: a bracket, a string in quotes,
// or characters up to a space or bracket; "" at the end.
func (p *parser) peek() string {
	p.rest = strings.TrimLeft(p.rest, " ")
	if p.rest == "" {
		return ""
	}
	switch p.rest[0] {
	case '(', ')', '[', ']':
		return p.rest[:1]
	case '"':
		for i := 1; i < len(p.rest); i++ {
			switch p.rest[i] {
			case '\\':
				i++
			case '"':
				return p.rest[:i+1]
			}
		}
		return p.rest
	}
	if i := strings.IndexAny(p.rest, " ()[]\""); i > 0 {
		return p.rest[:i]
	}
	return p.rest
}

func (p *parser) take() string {
	w := p.peek()
	p.rest = p.rest[len(w):]
	return w
}

func (p *parser) or() (filter, error) {
	if p.depth++; p.depth > maxNested {
		return nil, fmt.Errorf("it is nested more than %d deep", maxNested)
	}
	defer func() { p.depth-- }()
	f, err := p.and()
	for err == nil && strings.EqualFold(p.peek(), "or") {
		p.take()
		var g filter
		g, err = p.and()
		f = either{f, g}
	}
	return f, err
}

func (p *parser) and() (filter, error) {
	f, err := p.one()
	for err == nil && strings.EqualFold(p.peek(), "and") {
		p.take()
		var g filter
		g, err = p.one()
		f = both{f, g}
	}
	return f, err
}

func (p *parser) one() (filter, error) {
	w := p.take()
	switch {
	case w == "":
		return nil, fmt.Errorf("it ends too soon")
	case strings.EqualFold(w, "not") && p.peek() == "(":
		p.take()
		f, err := p.or()
		return negated{f}, p.closed(")", err)
	case w == "(":
		f, err := p.or()
		return f, p.closed(")", err)
	}
	attr, err := parseName(w)
	if err != nil {
		return nil, err
	}
	if p.peek() == "[" && attr.sub == "" {
		p.take()
		f, err := p.or()
		return element{attr, f}, p.closed("]", err)
	}
	return p.compare(attr)
}

func (p *parser) closed(by string, err error) error {
	if err == nil && p.take() != by {
		err = fmt.Errorf("a %s is missing", by)
	}
	return err
}

func (p *parser) compare(attr path) (filter, error) {
	f := comparison{path: attr, op: strings.ToLower(p.take())}
	switch f.op {
	case "pr":
		return f, nil
	case "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le":
	default:
		return nil, fmt.Errorf("%.20q is no operator", f.op)
	}
	w := p.take()
	if err := json.Unmarshal([]byte(w), &f.value); err != nil {
		switch strings.ToLower(w) { // as some clients write them
		case "true", "false":
			f.value = strings.EqualFold(w, "true")
		default:
			return nil, fmt.Errorf("%.40q is no value", w)
		}
	}
	switch f.value.(type) {
	case string, bool, float64, nil:
		return f, nil
	}
	return nil, fmt.Errorf("a value is a string, a number, true, false or null")
}
