package procedure

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/internal/strictyaml"
)

// An Error is what is wrong with a document, one fault a line, each starting
// with file:line:column. It wraps audit.ErrInvalid.
type Error struct{ Faults []string }

func (e *Error) Error() string { return strings.Join(e.Faults, "\n") }

// Unwrap makes errors.Is(err, audit.ErrInvalid) true.
func (e *Error) Unwrap() error { return audit.ErrInvalid }

// A document collects faults while its nodes are read.
type document struct {
	name   string
	lines  []string
	root   *yaml.Node
	faults []string
}

func openDocument(name string, data []byte) (*document, error) {
	root, err := strictyaml.Parse(name, data)
	if err != nil {
		return nil, &Error{Faults: strings.Split(err.Error(), "\n")}
	}
	d := &document{name: name, lines: strings.Split(string(data), "\n"), root: root}
	if root.Kind != yaml.MappingNode {
		d.failf(root, "a procedure is a mapping that starts with id:, title: and controls:")
	}
	return d, d.err()
}

func (d *document) err() error {
	if len(d.faults) == 0 {
		return nil
	}
	return &Error{Faults: d.faults}
}

func (d *document) failf(n *yaml.Node, format string, args ...any) {
	d.failAt(n.Line, n.Column, format, args...)
}

func (d *document) failAt(line, column int, format string, args ...any) {
	d.faults = append(d.faults, fmt.Sprintf("%s:%d:%d: %s", d.name, max(line, 1), max(column, 1), fmt.Sprintf(format, args...)))
}

// A pair is one key of a mapping with its value.
type pair struct {
	key   string
	at    *yaml.Node
	value *yaml.Node
}

// pairs returns the entries of a mapping in the order they are written.
func (d *document) pairs(n *yaml.Node, what string) []pair {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		d.failf(n, "%s is a mapping of keys to values", what)
		return nil
	}
	var out []pair
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
			d.failf(k, "a key of %s is a word", what)
			continue
		}
		if seen[k.Value] {
			d.failf(k, "%s: key %q appears twice", what, k.Value)
			continue
		}
		seen[k.Value] = true
		out = append(out, pair{k.Value, k, n.Content[i+1]})
	}
	return out
}

// mapping returns the values of a mapping that may have these keys only.
func (d *document) mapping(n *yaml.Node, what string, keys ...string) map[string]*yaml.Node {
	out := map[string]*yaml.Node{}
	for _, p := range d.pairs(n, what) {
		if !slices.Contains(keys, p.key) {
			d.failf(p.at, "%s has no key %q%s; it may have %s", what, p.key, meant(p.key, keys), strings.Join(keys, ", "))
			continue
		}
		out[p.key] = p.value
	}
	return out
}

// str reads text; "" where n is nil.
func (d *document) str(n *yaml.Node, what string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.failf(n, "%s is text", what)
		return ""
	}
	return n.Value
}

// required reads text that must not be empty.
func (d *document) required(m map[string]*yaml.Node, key string, owner *yaml.Node) string {
	n := m[key]
	if n == nil {
		d.failf(owner, "%s: is missing", key)
		return ""
	}
	s := strings.TrimSpace(d.str(n, key))
	if s == "" && n.Kind == yaml.ScalarNode {
		d.failf(n, "%s: is empty", key)
	}
	return s
}

// list returns the elements of a sequence.
func (d *document) list(n *yaml.Node, what string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		d.failf(n, "%s is a list: [ ... ]", what)
		return nil
	}
	return n.Content
}

func (d *document) strs(n *yaml.Node, what string) []string {
	var out []string
	for _, e := range d.list(n, what) {
		out = append(out, d.str(e, "an element of "+what))
	}
	return out
}

func (d *document) boolean(n *yaml.Node, what string) bool {
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		d.failf(n, "%s is true or false", what)
		return false
	}
	return n.Value == "true"
}

func (d *document) length(n *yaml.Node, what string) length {
	if n == nil {
		return 0
	}
	l, err := parseLength(d.str(n, what))
	if err != nil {
		d.failf(n, "%s: %v", what, err)
	}
	return l
}

func (d *document) date(n *yaml.Node, what string) string {
	s := d.str(n, what)
	if n != nil && !isDate(s) {
		d.failf(n, "%s: %q is not a date such as 2026-01-31", what, s)
	}
	return s
}

// tree turns a node into what canonical JSON can hold: comments, order of keys
// and spelling of scalars are gone.
func tree(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = tree(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		s := make([]any, len(n.Content))
		for i, e := range n.Content {
			s[i] = tree(e)
		}
		return s
	}
	return scalar(n)
}

func scalar(n *yaml.Node) any {
	switch n.Tag {
	case "!!bool":
		return n.Value == "true"
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil && i < 1<<53 && i > -(1<<53) {
			return i
		}
	}
	return n.Value
}

func canonicalTree(v any) ([]byte, error) {
	b, err := canonical.Marshal(v)
	if err != nil {
		return nil, errors.Join(audit.ErrInvalid, err)
	}
	return b, nil
}

// meant returns `; did you mean "x"?` for the nearest of known, or "".
func meant(word string, known []string) string {
	best, dist := "", 1+max(1, len(word)/3)
	for _, k := range known {
		if n := distance(strings.ToLower(word), strings.ToLower(k)); n < dist {
			best, dist = k, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance counts the edits from a to b: insert, delete, replace, swap.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	two, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], two[j-2]+1)
			}
		}
		two, prev, cur = prev, cur, two
	}
	return prev[len(b)]
}

func canonicalString(s string) []byte { return canonical.AppendString(nil, s) }
