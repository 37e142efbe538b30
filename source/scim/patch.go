package scim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// A refusal is an error answer (RFC 7644 section 3.12).
type refusal struct {
	status int
	kind   string // scimType
	detail string
}

func (r *refusal) Error() string { return r.detail }

func bad(kind, format string, args ...any) error {
	return &refusal{http.StatusBadRequest, kind, fmt.Sprintf(format, args...)}
}

// Schemas that name attributes with their own prefix.
const (
	schemaUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	schemaGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	schemaEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	messagePatch     = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	messageList      = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	messageError     = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// A target names an attribute (RFC 7644 section 3.5.2): [schema:]name[filter].sub
type target struct {
	schema string // of an extension; "" for the resource's own
	name   string // "" where the extension itself is meant
	filter filter
	sub    string
}

func parsePath(text string) (target, error) {
	var p target
	rest := strings.TrimSpace(text)
	if len(rest) > 4 && strings.EqualFold(rest[:4], "urn:") {
		p.schema, rest = cutSchema(rest)
	}
	if rest == "" && p.schema != "" {
		return p, nil
	}
	name, after, filtered := strings.Cut(rest, "[")
	if filtered {
		inner, tail, ok := cutFilter(after)
		f, err := parseFilter(inner)
		if !ok || err != nil {
			return p, bad("invalidPath", "the path %q is not understood", text)
		}
		p.filter, p.name = f, name
		p.sub = strings.TrimPrefix(tail, ".")
		if tail != "" && p.sub == tail {
			return p, bad("invalidPath", "the path %q is not understood", text)
		}
	} else {
		p.name, p.sub, _ = strings.Cut(rest, ".")
	}
	if p.name == "" || strings.ContainsAny(p.name+p.sub, `[]"() `) {
		return p, bad("invalidPath", "the path %q is not understood", text)
	}
	return p, nil
}

// cutSchema takes the schema off a name. The resource's own is left away.
func cutSchema(text string) (schema, rest string) {
	for _, known := range []string{schemaUser, schemaGroup, schemaEnterprise} {
		if len(text) >= len(known) && strings.EqualFold(text[:len(known)], known) {
			rest = strings.TrimPrefix(text[len(known):], ":")
			if known != schemaEnterprise {
				known = ""
			}
			return known, rest
		}
	}
	end := len(text)
	if i := strings.IndexByte(text, '['); i >= 0 {
		end = i
	}
	i := strings.LastIndexByte(text[:end], ':')
	return text[:i], text[i+1:]
}

// cutFilter finds the bracket that ends a filter; one within quotes does not.
func cutFilter(text string) (inner, tail string, ok bool) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quoted:
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ']' && !quoted:
			return text[:i], text[i+1:], true
		}
	}
	return "", "", false
}

// key is how a resource writes the name of an attribute, whose case does not count.
func key(attributes map[string]any, name string) string {
	if _, ok := attributes[name]; ok {
		return name
	}
	for k := range attributes {
		if strings.EqualFold(k, name) {
			return k
		}
	}
	return name
}

func value(attributes map[string]any, name string) any { return attributes[key(attributes, name)] }

// container is where the attribute is: the resource, or its extension, which is
// made where it is wanted. name is the attribute's within it.
func (p target) container(attributes map[string]any, create bool) (map[string]any, string) {
	if p.schema == "" {
		return attributes, p.name
	}
	box, _ := value(attributes, p.schema).(map[string]any)
	if box == nil && create {
		box = map[string]any{}
		attributes[key(attributes, p.schema)] = box
	}
	return box, p.name
}

// An operation is one change of a PATCH.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// readPatch reads the operations of a request. Attributes of the message are
// named in any case, and so are the operations.
func readPatch(body []byte) ([]operation, error) {
	var msg map[string]json.RawMessage
	if err := json.Unmarshal(body, &msg); err != nil {
		return nil, bad("invalidSyntax", "the body is not a JSON object")
	}
	var ops []operation
	for name, raw := range msg {
		if strings.EqualFold(name, "Operations") {
			if err := json.Unmarshal(raw, &ops); err != nil {
				return nil, bad("invalidSyntax", "the operations are not understood")
			}
		}
	}
	if len(ops) == 0 {
		return nil, bad("invalidSyntax", "there are no operations")
	}
	return ops, nil
}

// apply makes one change to attributes.
func (o operation) apply(attributes map[string]any) error {
	op := strings.ToLower(o.Op)
	if op != "add" && op != "replace" && op != "remove" {
		return bad("invalidSyntax", "the operation %q is not known", o.Op)
	}
	if o.Path == "" {
		return o.whole(op, attributes)
	}
	p, err := parsePath(o.Path)
	if err != nil {
		return err
	}
	return change(op, p, o.Value, attributes)
}

// whole is an operation without a path: its value is an object, whose names are
// paths themselves, as some providers write them.
func (o operation) whole(op string, attributes map[string]any) error {
	values, ok := o.Value.(map[string]any)
	if !ok || op == "remove" {
		return bad("noTarget", "%s without a path needs an object", o.Op)
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if fixed(name) { // sent along by some; never changed
			continue
		}
		p, err := parsePath(name)
		if err != nil {
			return err
		}
		if err := change(op, p, values[name], attributes); err != nil {
			return err
		}
	}
	return nil
}

// fixed are attributes that only the receiver gives.
func fixed(name string) bool {
	return slices.ContainsFunc([]string{"id", "meta", "schemas", "groups"}, func(f string) bool { return strings.EqualFold(f, name) })
}

func change(op string, p target, v any, attributes map[string]any) error {
	if p.schema == "" && fixed(p.name) {
		return bad("mutability", "%s cannot be changed", p.name)
	}
	box, name := p.container(attributes, op != "remove")
	if box == nil {
		return nil // nothing to remove
	}
	if name == "" {
		return extension(op, p.schema, v, box, attributes)
	}
	name = key(box, name)
	switch {
	case p.filter != nil:
		return filtered(op, p, name, v, box)
	case p.sub != "":
		return within(op, p.sub, name, v, box)
	}
	set(op, name, v, box)
	return nil
}

// extension changes all of an extension.
func extension(op, schema string, v any, box, attributes map[string]any) error {
	if op == "remove" {
		delete(attributes, key(attributes, schema))
		return nil
	}
	values, ok := v.(map[string]any)
	if !ok {
		return bad("invalidValue", "%s is an object", schema)
	}
	for name, v := range values {
		set(op, key(box, name), v, box)
	}
	return nil
}

// set changes one attribute as a whole.
func set(op, name string, v any, box map[string]any) {
	switch old := box[name].(type) {
	case []any:
		switch op {
		case "add":
			box[name] = joined(old, v)
			return
		case "remove":
			if v != nil { // only those: a dialect (RFC 7644 has a filter for it)
				v = without(old, v)
				if len(v.([]any)) > 0 {
					box[name] = v
					return
				}
			}
		}
	case map[string]any:
		if add, ok := v.(map[string]any); ok && op != "remove" {
			for k, e := range add {
				old[key(old, k)] = e
			}
			return
		}
	}
	if op == "remove" || v == nil {
		delete(box, name)
		return
	}
	box[name] = v
}

func elements(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

// same reports whether two elements of a list are the same one: by their value.
func same(a, b any) bool {
	x, ok := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	if ok && ok2 && value(x, "value") != nil {
		return reflect.DeepEqual(value(x, "value"), value(y, "value")) && reflect.DeepEqual(value(x, "type"), value(y, "type"))
	}
	return reflect.DeepEqual(a, b)
}

func joined(list []any, v any) []any {
	out := slices.Clone(list)
	for _, e := range elements(v) {
		if !slices.ContainsFunc(out, func(o any) bool { return same(o, e) }) {
			out = append(out, e)
		}
	}
	return out
}

func without(list []any, v any) []any {
	gone := elements(v)
	return slices.DeleteFunc(slices.Clone(list), func(o any) bool {
		return slices.ContainsFunc(gone, func(g any) bool { return reference(o) != nil && reference(o) == reference(g) })
	})
}

// reference is the value of an element, or what stands for it.
func reference(v any) any {
	switch v := v.(type) {
	case map[string]any:
		s, _ := value(v, "value").(string)
		if s == "" {
			return nil
		}
		return s
	case string:
		return v
	}
	return nil
}

// within changes a sub-attribute: of an object, or of every element of a list.
func within(op, sub, name string, v any, box map[string]any) error {
	switch old := box[name].(type) {
	case map[string]any:
		set(op, key(old, sub), v, old)
	case []any:
		for _, e := range old {
			if m, ok := e.(map[string]any); ok {
				set(op, key(m, sub), v, m)
			}
		}
	case nil:
		if op != "remove" && v != nil {
			box[name] = map[string]any{sub: v}
		}
	default:
		return bad("invalidPath", "%s has no sub-attributes", name)
	}
	return nil
}

// filtered changes the elements of a list that a filter chooses. Adding to one
// that is not there makes it, of what the filter says.
func filtered(op string, p target, name string, v any, box map[string]any) error {
	list, _ := box[name].([]any)
	var keep []any
	found := false
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok || !p.filter.holds(m) {
			keep = append(keep, e)
			continue
		}
		found = true
		if op == "remove" && p.sub == "" {
			continue
		}
		if p.sub != "" {
			set(op, key(m, p.sub), v, m)
		} else if add, ok := v.(map[string]any); ok {
			for k, e := range add {
				m[key(m, k)] = e
			}
		} else {
			return bad("invalidValue", "%s takes objects", name)
		}
		keep = append(keep, m)
	}
	switch {
	case found || op == "remove":
	case op == "replace":
		return bad("noTarget", "no element of %s is meant", name)
	default:
		keep = append(keep, chosen(p, v))
	}
	if len(keep) == 0 {
		delete(box, name)
	} else {
		box[name] = keep
	}
	return nil
}

func chosen(p target, v any) map[string]any {
	m := map[string]any{}
	for _, c := range p.filter {
		m[c.path] = c.value
	}
	if p.sub != "" {
		m[p.sub] = v
	} else if add, ok := v.(map[string]any); ok {
		for k, e := range add {
			m[k] = e
		}
	}
	return m
}
