// Package connect is what the command line and the screens say and do to connect
// a source: which kinds there are, what each may read and cannot see, the file
// of a connection, a trial that keeps nothing.
package connect

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/source"
)

// A Value is one setting of a connection, as it is written and what that means.
type Value struct {
	Written string // YAML
	Means   any
}

// Read reads settings as people write them: by name, each as YAML. A name the
// kind has not, or a text that is no YAML, is audit.ErrInvalid.
func Read(d *source.Driver, written map[string]string) (map[string]Value, error) {
	out := map[string]Value{}
	for name, text := range written {
		if !slices.ContainsFunc(d.Settings, func(s source.Setting) bool { return s.Name == name }) {
			return nil, fmt.Errorf("%w: %s: %s has no such setting; it has %s", audit.ErrInvalid, name, d.Name, names(d))
		}
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", audit.ErrInvalid, name, err)
		}
		out[name] = Value{text, v}
	}
	return out, nil
}

func names(d *source.Driver) string {
	out := make([]string, len(d.Settings))
	for i, s := range d.Settings {
		out[i] = s.Name
	}
	return strings.Join(out, ", ")
}

// With is settings as a source opens them: JSON.
func With(values map[string]Value) (json.RawMessage, error) {
	means := map[string]any{}
	for name, v := range values {
		means[name] = v.Means
	}
	with, err := json.Marshal(means)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	return with, nil
}

// Open opens a connection as the workspace in dir would, without asking anyone.
// The error is audit.ErrInvalid.
func Open(d *source.Driver, name, dir string, values map[string]Value) error {
	with, err := With(values)
	if err != nil {
		return err
	}
	_, _, err = d.Open(name, with, source.Env{Dir: dir})
	return err
}

// File is the file of a connection with every setting explained: what is set,
// what is needed and missing, and what may be.
func File(d *source.Driver, values map[string]Value) (body []byte, missing []string) {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n#\n# It must be allowed to read, and nothing else:\n", d.Title)
	for _, s := range d.Scopes {
		fmt.Fprintf(&b, "#   %s: %s\n", s.Name, s.Why)
	}
	fmt.Fprintf(&b, "kind: %s\nwith:\n", d.Name)
	for _, s := range d.Settings {
		fmt.Fprintf(&b, "  # %s\n", strings.ReplaceAll(s.Doc, "\n", "\n  # "))
		v, ok := values[s.Name]
		switch {
		case ok:
			b.WriteString(line(s.Name, v))
		case s.Required:
			missing = append(missing, s.Name)
			fmt.Fprintf(&b, "  %s: # needed, such as %s\n", s.Name, s.Example)
		default:
			fmt.Fprintf(&b, "  # %s: %s\n", s.Name, s.Example)
		}
	}
	return []byte(b.String()), missing
}

// line is one setting as YAML, indented under `with:`: as it was written where
// that is one line, and means the same there.
func line(name string, v Value) string {
	text := name + ": " + v.Written
	var back map[string]any
	if !strings.ContainsAny(v.Written, "\r\n") && yaml.Unmarshal([]byte(text), &back) == nil && reflect.DeepEqual(back[name], v.Means) {
		return "  " + text + "\n"
	}
	b, err := yaml.Marshal(map[string]any{name: v.Means})
	if err != nil { // it came from YAML
		panic(err)
	}
	return "  " + strings.ReplaceAll(strings.TrimSuffix(string(b), "\n"), "\n", "\n  ") + "\n"
}
