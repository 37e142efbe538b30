package scim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A path names an attribute, elements of a list, and what of them
// (RFC 7644, 3.5.2).
type path struct {
	attr string
	only filter // nil: all elements
	sub  string
}

// Extensions that clients send and this server does not keep: they are taken
// and left alone, as RFC 7644, 3.3 allows.
const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user"

var coreURNs = []string{strings.ToLower(userURN), strings.ToLower(groupURN)}

// parseName reads attr or attr.sub, with or without the schema before it.
func parseName(s string) (path, error) {
	lower := strings.ToLower(s)
	if strings.HasPrefix(lower, enterprise) {
		return path{attr: enterprise}, nil
	}
	for _, urn := range coreURNs {
		if strings.HasPrefix(lower, urn+":") {
			s = s[len(urn)+1:]
		}
	}
	attr, sub, dotted := strings.Cut(s, ".")
	if !isName(attr) || dotted && !isName(sub) {
		return path{}, fmt.Errorf("%.60q is no attribute", s)
	}
	return path{attr: attr, sub: sub}, nil
}

func isName(s string) bool {
	if s == "" || len(s) > 60 {
		return false
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '$'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789-_", r)) {
			return false
		}
	}
	return true
}

// parsePath reads the path of an operation: attr, attr.sub, attr[filter] or
// attr[filter].sub.
func parsePath(s string) (path, error) {
	if len(s) > maxFilter {
		return path{}, bad("invalidPath", "a path is longer than %d characters", maxFilter)
	}
	fail := func(err error) (path, error) {
		return path{}, bad("invalidPath", "the path is not understood: %v", err)
	}
	name, rest, filtered := strings.Cut(s, "[")
	at, err := parseName(strings.TrimSpace(name))
	if err != nil {
		return fail(err)
	}
	if !filtered {
		return at, nil
	}
	if at.sub != "" {
		return fail(fmt.Errorf("a filter stands behind a list"))
	}
	p := &parser{rest: rest}
	if at.only, err = p.or(); err != nil {
		return fail(err)
	}
	if p.take() != "]" {
		return fail(fmt.Errorf("a ] is missing"))
	}
	if p.rest == "" {
		return at, nil
	}
	sub, ok := strings.CutPrefix(p.rest, ".")
	if !ok || !isName(sub) {
		return fail(fmt.Errorf("%.40q was not expected", p.rest))
	}
	at.sub = sub
	return at, nil
}

// An operation is one of a PATCH request.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// maxOperations bounds a PATCH request.
const maxOperations = 1000

// parsePatch reads a PATCH request (RFC 7644, 3.5.2). The names of operations
// are taken in any case, as Microsoft Entra writes them.
func parsePatch(body []byte) ([]operation, error) {
	var in struct {
		Schemas    []string    `json:"schemas"`
		Operations []operation `json:"Operations"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, bad("invalidSyntax", "the request is not the JSON of a PATCH")
	}
	if !slices.ContainsFunc(in.Schemas, func(s string) bool { return strings.EqualFold(s, patchURN) }) {
		return nil, bad("invalidSyntax", "schemas does not name %s", patchURN)
	}
	if len(in.Operations) == 0 || len(in.Operations) > maxOperations {
		return nil, bad("invalidSyntax", "a request has 1 to %d operations", maxOperations)
	}
	for i := range in.Operations {
		o := &in.Operations[i]
		o.Op = strings.ToLower(o.Op)
		if o.Op != "add" && o.Op != "replace" && o.Op != "remove" {
			return nil, bad("invalidSyntax", "%.20q is no operation", o.Op)
		}
		if o.Op == "remove" && o.Path == "" {
			return nil, bad("noTarget", "remove needs a path")
		}
	}
	return in.Operations, nil
}

// patched is a resource after all operations; the one that is given is left as
// it was.
func patched(k *kind, v map[string]any, ops []operation) (map[string]any, error) {
	out := clone(v).(map[string]any)
	for _, o := range ops {
		o.Value = clone(o.Value) // the request may be applied again, to another version
		if o.Path == "" {
			if err := k.merge(out, o); err != nil {
				return nil, err
			}
			continue
		}
		at, err := parsePath(o.Path)
		if err != nil {
			return nil, err
		}
		if err := k.apply(out, at, o.Op, o.Value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func clone(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = clone(e)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = clone(e)
		}
		return out
	}
	return v
}

// merge applies an operation without a path: an object whose keys are
// attributes, or paths, as Microsoft Entra writes them.
func (k *kind) merge(v map[string]any, o operation) error {
	in, ok := o.Value.(map[string]any)
	if !ok {
		return bad("invalidValue", "an operation without a path has an object as its value")
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if strings.EqualFold(name, "schemas") || strings.EqualFold(name, "id") || strings.EqualFold(name, "meta") {
			continue
		}
		at, err := parsePath(name)
		if err != nil {
			return err
		}
		if err := k.apply(v, at, o.Op, in[name]); err != nil {
			return err
		}
	}
	return nil
}

// apply makes one change. Attributes that only the server writes are refused,
// those it does not keep are left alone, others are no path.
func (k *kind) apply(v map[string]any, at path, op string, val any) error {
	if at.attr == enterprise {
		return nil
	}
	form, ok := k.form(at.attr)
	switch {
	case !ok:
		return bad("invalidPath", "there is no attribute %.60q", at.attr)
	case form.readOnly:
		return bad("mutability", "%s cannot be changed", form.name)
	case form.ignored:
		return nil
	case form.list:
		return applyList(v, form.name, at, op, val)
	case at.only != nil:
		return bad("invalidPath", "%s is no list", form.name)
	case form.subs == nil && at.sub != "", at.sub != "" && !slices.ContainsFunc(form.subs, func(s string) bool { return strings.EqualFold(s, at.sub) }):
		return bad("invalidPath", "%s has no %.60q", form.name, at.sub)
	case at.sub != "":
		return applySub(v, form.name, at.sub, op, val)
	}
	return applyOne(v, form, op, val)
}

func applyOne(v map[string]any, form attribute, op string, val any) error {
	if op == "remove" || val == nil {
		if form.required {
			return bad("mutability", "%s is required", form.name)
		}
		delete(v, form.name)
		return nil
	}
	if form.subs == nil {
		v[form.name] = val
		return nil
	}
	in, ok := val.(map[string]any)
	if !ok {
		return bad("invalidValue", "%s is an object", form.name)
	}
	have, _ := v[form.name].(map[string]any)
	if have == nil {
		have = map[string]any{}
	}
	for name, x := range in {
		set(have, name, x)
	}
	v[form.name] = have
	return nil
}

// set writes an attribute under the spelling it has already.
func set(v map[string]any, name string, x any) {
	for k := range v {
		if strings.EqualFold(k, name) {
			name = k
		}
	}
	if v[name] = x; x == nil {
		delete(v, name)
	}
}

func applySub(v map[string]any, name, sub, op string, val any) error {
	have, _ := v[name].(map[string]any)
	if have == nil {
		have = map[string]any{}
	}
	if op == "remove" {
		val = nil
	}
	set(have, sub, val)
	v[name] = have
	return nil
}

func applyList(v map[string]any, name string, at path, op string, val any) error {
	have := elements(v[name])
	if at.only == nil && at.sub == "" {
		return applyWhole(v, name, have, op, val)
	}
	if at.only == nil {
		at.only = every{}
	}
	var out []any
	met := false
	for _, x := range have {
		m, ok := x.(map[string]any)
		if !ok || !at.only.match(m) {
			out = append(out, x)
			continue
		}
		met = true
		switch {
		case op == "remove" && at.sub == "":
			continue
		case op == "remove":
			set(m, at.sub, nil)
		case at.sub != "":
			set(m, at.sub, val)
		default:
			in, ok := val.(map[string]any)
			if !ok {
				return bad("invalidValue", "an element of %s is an object", name)
			}
			for k, e := range in {
				set(m, k, e)
			}
		}
		out = append(out, m)
	}
	if !met && op == "add" {
		if made := implied(at, val); made != nil {
			out, met = append(out, made), true
		}
	}
	if !met && op == "replace" {
		return bad("noTarget", "no element of %s is meant by the path", name)
	}
	v[name] = out
	return nil
}

// implied is the element that an addition to emails[type eq "work"].value asks
// for where there is none.
func implied(at path, val any) map[string]any {
	c, ok := at.only.(comparison)
	if !ok || c.op != "eq" || at.sub == "" || c.path.sub != "" {
		return nil
	}
	return map[string]any{c.path.attr: c.value, at.sub: val}
}

// applyWhole changes a list by elements that are given whole. Elements are told
// apart by their value.
func applyWhole(v map[string]any, name string, have []any, op string, val any) error {
	given := elements(val)
	key := func(x any) string {
		if m, ok := x.(map[string]any); ok {
			x = value(m, "value")
		}
		s, _ := x.(string)
		return s
	}
	for i, x := range given {
		if s, ok := x.(string); ok {
			given[i] = map[string]any{"value": s}
		} else if _, ok := x.(map[string]any); !ok {
			return bad("invalidValue", "an element of %s is an object with a value", name)
		}
	}
	named := map[string]bool{}
	for _, x := range given {
		named[key(x)] = true
	}
	switch {
	case op == "replace":
		v[name] = given
	case op == "remove" && val == nil:
		delete(v, name)
	default:
		out := slices.DeleteFunc(slices.Clone(have), func(x any) bool { return named[key(x)] })
		if op == "add" {
			out = append(out, given...)
		}
		v[name] = out
	}
	return nil
}
