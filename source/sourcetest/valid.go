package sourcetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
)

// Valid reports the first way in which it breaks the rules of audit.Item: the
// body not canonical, a field the type does not have, a value of another kind
// or outside the enumeration, an absence the field cannot have, a volatile
// field outside Volatile, an event without its instant.
func Valid(it audit.Item) error {
	typ, err := audit.TypeByName(it.Type)
	if err != nil {
		return err
	}
	if it.ID == "" {
		return fmt.Errorf("no id")
	}
	if typ.Event && (it.At.IsZero() || it.Gone) {
		return fmt.Errorf("an event happens once, at an instant: at %v, gone %v", it.At, it.Gone)
	}
	if !it.At.Equal(audit.Instant(it.At)) || it.At.Location() != audit.Instant(it.At).Location() {
		return fmt.Errorf("instant %v is not UTC microseconds", it.At)
	}
	if it.Gone && it.Body == nil {
		return nil
	}
	if err := validBody(typ, it.Body, false); err != nil {
		return err
	}
	if it.Volatile != nil {
		return validBody(typ, it.Volatile, true)
	}
	return nil
}

func validBody(typ *audit.ItemType, body json.RawMessage, volatile bool) error {
	if err := canonical.Check(body); err != nil {
		return fmt.Errorf("body %s: %w", body, err)
	}
	v, err := canonical.Decode(body)
	if err != nil {
		return err
	}
	obj, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("body is not an object: %s", body)
	}
	return validObject(typ.Fields, "", obj, volatile)
}

func validObject(fields []audit.Field, prefix string, obj map[string]any, volatile bool) error {
	for k, v := range obj {
		name := prefix + k
		i := slices.IndexFunc(fields, func(f audit.Field) bool { return f.Name == name })
		if i < 0 {
			inner, ok := v.(map[string]any)
			group := slices.ContainsFunc(fields, func(f audit.Field) bool { return strings.HasPrefix(f.Name, name+".") })
			if !ok || !group {
				return fmt.Errorf("field %q is not in the schema", name)
			}
			if err := validObject(fields, name+".", inner, volatile); err != nil {
				return err
			}
			continue
		}
		if fields[i].Volatile != volatile {
			return fmt.Errorf("field %q: volatile is %v in the schema", name, fields[i].Volatile)
		}
		if err := validValue(&fields[i], v); err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
	}
	return nil
}

func validValue(f *audit.Field, v any) error {
	ok := false
	switch f.Kind {
	case audit.Bool:
		_, ok = v.(bool)
	case audit.Int:
		_, ok = v.(json.Number)
	case audit.String:
		return validString(f, v)
	case audit.Time:
		return validTime(f, v)
	case audit.Strings:
		return validStrings(f, v)
	case audit.Records:
		_, ok = v.([]any)
	}
	if !ok {
		return fmt.Errorf("%v is not of kind %s", v, f.Kind)
	}
	return nil
}

func validString(f *audit.Field, v any) error {
	s, ok := v.(string)
	switch {
	case !ok:
		return fmt.Errorf("%v is not a string", v)
	case s == "" && f.None == "":
		return fmt.Errorf("empty, and the schema knows no absence")
	case s != "" && len(f.Enum) > 0 && !slices.Contains(f.Enum, s):
		return fmt.Errorf("%q is not one of %q", s, f.Enum)
	}
	return nil
}

func validTime(f *audit.Field, v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("%v is not an instant", v)
	}
	if s == audit.NeverText && f.None == "" {
		return fmt.Errorf("never, and the schema knows no absence")
	}
	_, err := audit.ParseTime(s)
	return err
}

func validStrings(f *audit.Field, v any) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("%v is not a list", v)
	}
	if len(list) == 0 && f.None == "" {
		return fmt.Errorf("an empty list, and the schema knows no absence")
	}
	for _, e := range list {
		if _, ok := e.(string); !ok {
			return fmt.Errorf("element %v is not a string", e)
		}
	}
	return nil
}
