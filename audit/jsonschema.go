package audit

import (
	"encoding/json"
	"strings"
)

// timePattern is an instant as FormatTime writes it: UTC, up to six decimals,
// the last of them not zero.
const timePattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{0,5}[1-9])?Z$`

// JSONSchema returns the JSON Schema (draft 2020-12) of the item types, as
// indented text. $defs holds one schema a type for Item.Body, and one called
// TYPE-volatile for Item.Volatile where the type has volatile fields. The same
// ItemTypes always give the same bytes.
func JSONSchema() ([]byte, error) {
	defs := map[string]any{}
	for _, t := range ItemTypes {
		defs[t.Name] = objectSchema(t.Doc, without(t.Fields, true))
		if vol := without(t.Fields, false); len(vol) > 0 {
			defs[t.Name+"-volatile"] = objectSchema("Facts about "+t.Name+" that change without meaning.", vol)
		}
	}
	return json.MarshalIndent(map[string]any{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "Tieout item types",
		"description": "Bodies of normalized items. A key that is missing was not collected. Nothing is ever null.",
		"version":     SchemaVersion,
		"$defs":       defs,
	}, "", "  ")
}

// without returns the fields that are not volatile, or with volatile false
// the ones that are.
func without(fields []Field, volatile bool) []Field {
	var out []Field
	for _, f := range fields {
		if f.Volatile != volatile {
			out = append(out, f)
		}
	}
	return out
}

// objectSchema nests dotted names: "mfa.enforced" is the key "enforced" of the
// object "mfa". A nested object is never empty; where nothing was collected
// the key is left out.
func objectSchema(doc string, fields []Field) map[string]any {
	props := map[string]any{}
	for _, f := range fields {
		at := props
		path := strings.Split(f.Name, ".")
		for _, p := range path[:len(path)-1] {
			at = nested(at, p)
		}
		at[path[len(path)-1]] = fieldSchema(f)
	}
	out := map[string]any{"type": "object", "additionalProperties": false, "properties": props}
	if doc != "" {
		out["description"] = doc
	}
	return out
}

func nested(props map[string]any, name string) map[string]any {
	if o, ok := props[name].(map[string]any); ok {
		return o["properties"].(map[string]any)
	}
	o := objectSchema("", nil)
	o["minProperties"] = 1
	props[name] = o
	return o["properties"].(map[string]any)
}

func fieldSchema(f Field) map[string]any {
	s := valueSchema(f)
	s["description"] = f.Doc
	if f.None != "" {
		s["$comment"] = "Known absence means: " + f.None + "."
	}
	return s
}

func valueSchema(f Field) map[string]any {
	switch f.Kind {
	case Bool:
		return map[string]any{"type": "boolean"}
	case Int:
		return map[string]any{"type": "integer", "minimum": -(1<<53 - 1), "maximum": 1<<53 - 1}
	case Time:
		pattern := timePattern
		if f.None != "" {
			pattern = "^" + NeverText + "$|" + pattern
		}
		return map[string]any{"type": "string", "pattern": pattern}
	case Strings:
		return listSchema(f, stringSchema(f.Enum, true))
	case Records:
		return listSchema(f, objectSchema("", f.Of))
	default:
		return stringSchema(f.Enum, f.None != "")
	}
}

func listSchema(f Field, element map[string]any) map[string]any {
	s := map[string]any{"type": "array", "items": element}
	if f.None == "" {
		s["minItems"] = 1
	}
	return s
}

func stringSchema(enum []string, mayBeEmpty bool) map[string]any {
	s := map[string]any{"type": "string"}
	switch {
	case len(enum) > 0 && mayBeEmpty:
		s["enum"] = append(append([]string{}, enum...), "")
	case len(enum) > 0:
		s["enum"] = enum
	case !mayBeEmpty:
		s["minLength"] = 1
	}
	return s
}
