package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// A filter is a list of comparisons that must all hold (RFC 7644 section
// 3.4.2.2): `eq`, joined by `and`. Others are refused.
type filter []comparison

type comparison struct {
	path  string
	value any // string, bool, float64 or nil
}

var errFilter = errors.New("only `eq`, and `and` between, are understood")

// parseFilter reads a filter. `and` within quotes is text.
func parseFilter(text string) (filter, error) {
	var out filter
	for rest := strings.TrimSpace(text); ; {
		var c comparison
		var err error
		if c, rest, err = parseComparison(rest); err != nil {
			return nil, err
		}
		out = append(out, c)
		if rest == "" {
			return out, nil
		}
		word, after, _ := strings.Cut(rest, " ")
		if !strings.EqualFold(word, "and") {
			return nil, errFilter
		}
		rest = strings.TrimSpace(after)
	}
}

// parseComparison takes `attribute eq value` off the front.
func parseComparison(text string) (c comparison, rest string, err error) {
	path, after, ok := strings.Cut(text, " ")
	op, after, ok2 := strings.Cut(strings.TrimSpace(after), " ")
	if !ok || !ok2 || path == "" || strings.ContainsAny(path, `()["`) {
		return c, "", errFilter
	}
	if !strings.EqualFold(op, "eq") {
		return c, "", fmt.Errorf("%q: %w", op, errFilter)
	}
	after = strings.TrimSpace(after)
	dec := json.NewDecoder(strings.NewReader(after))
	if err := dec.Decode(&c.value); err != nil {
		// Some write True and False.
		word, _, _ := strings.Cut(after, " ")
		b, ok := boolean(word)
		if !ok {
			return c, "", fmt.Errorf("the value %q is not understood", word)
		}
		c.path, c.value = path, b
		return c, strings.TrimSpace(after[len(word):]), nil
	}
	switch c.value.(type) {
	case map[string]any, []any:
		return c, "", errFilter
	}
	c.path = path
	return c, strings.TrimSpace(after[dec.InputOffset():]), nil
}

// holds reports whether every comparison is true of attributes.
func (f filter) holds(attributes map[string]any) bool {
	for _, c := range f {
		if !c.holds(attributes) {
			return false
		}
	}
	return true
}

func (c comparison) holds(attributes map[string]any) bool {
	p, err := parsePath(c.path)
	if err != nil || p.filter != nil {
		return false
	}
	box, name := p.container(attributes, false)
	if box == nil {
		return c.value == nil
	}
	return c.matches(value(box, name), p.sub, name)
}

// matches compares a value, each element of a list, or its sub-attribute
// (`value` where none is named).
func (c comparison) matches(v any, sub, name string) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if c.matches(e, sub, name) {
				return true
			}
		}
		return false
	case map[string]any:
		if sub == "" {
			sub = "value"
		}
		return equal(value(v, sub), c.value, sub)
	}
	return sub == "" && equal(v, c.value, name)
}

// exact are attributes whose case counts (RFC 7643): ids.
func equal(have, want any, name string) bool {
	a, text := have.(string)
	b, textual := want.(string)
	if text && textual {
		if strings.EqualFold(name, "id") || strings.EqualFold(name, "externalId") {
			return a == b
		}
		return strings.EqualFold(a, b)
	}
	return have == want
}

// boolean reads true and false as JSON and as some providers write them.
func boolean(v any) (b, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		switch strings.ToLower(v) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	return false, false
}
