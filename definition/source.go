package definition

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/internal/canonical"
)

// A SourceDef is one connection, from sources/NAME.yaml.
type SourceDef struct {
	Name string
	Kind string          // the driver's name
	With json.RawMessage // canonical JSON of its settings; secrets are references
	File string
}

var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

// SourceName reports whether a connection may have that name.
func SourceName(name string) bool { return sourceName.MatchString(name) }

func (w *Workspace) readSource(d *doc) {
	var f struct {
		Kind string
		With yaml.Node
	}
	if d == nil || !d.decode(&f) {
		return
	}
	name := strings.TrimSuffix(path.Base(d.name), ".yaml")
	if !sourceName.MatchString(name) {
		d.bad(nil, "a source is called as its file: lower case letters, digits, - and _; %q is not", name)
	}
	if f.Kind == "" {
		d.bad(nil, "a source has a kind, such as git, github, workstation or files")
	}
	with := json.RawMessage("{}")
	if n := child(d.root, "with"); n != nil {
		noSecrets(d, n, false)
		if b := d.json(n); b != nil {
			with = b
		}
	}
	w.Sources = append(w.Sources, SourceDef{name, f.Kind, with, d.name})
}

// json returns n as canonical JSON, or nil after noting what has no form in it.
func (d *doc) json(n *yaml.Node) json.RawMessage {
	before := len(*d.problems)
	v := d.tree(n)
	if len(*d.problems) > before {
		return nil
	}
	b, err := canonical.Marshal(v)
	if err != nil {
		*d.problems = append(*d.problems, Problem{d.name, n.Line, n.Column, err.Error()})
		return nil
	}
	return b
}

func (d *doc) tree(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = d.tree(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		s := make([]any, len(n.Content))
		for i, c := range n.Content {
			s[i] = d.tree(c)
		}
		return s
	}
	return d.scalar(n)
}

func (d *doc) scalar(n *yaml.Node) any {
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		i, err := strconv.ParseInt(n.Value, 0, 64)
		if err == nil && i < 1<<53 && i > -(1<<53) {
			return i
		}
	case "!!float":
	default:
		return n.Value
	}
	*d.problems = append(*d.problems, Problem{d.name, n.Line, n.Column, fmt.Sprintf("%s is not an integer below 2^53; put it in quotes", n.Value)})
	return nil
}

// Types returns the item types a source can give, of those its driver can: a
// files source gives what its streams name, the workspace's own registers give
// tickets only where they are named.
func (s SourceDef) Types(driver []string) []string {
	switch s.Kind {
	case "files":
	case registers:
		return s.ofRegisters(driver)
	default:
		return driver
	}
	var with struct {
		Streams []struct {
			Type  string
			Links json.RawMessage
		}
	}
	if json.Unmarshal(s.With, &with) != nil {
		return nil
	}
	var out []string
	for _, st := range with.Streams {
		out = append(out, st.Type)
		if len(st.Links) > 0 {
			out = append(out, "link")
		}
	}
	return slices.DeleteFunc(out, func(t string) bool { _, err := audit.TypeByName(t); return err != nil })
}

// registers is the kind of a source that reads this workspace's own registers, and
// issues the type as which it gives what has to be mended: tickets, all of one kind.
const (
	registers  = "program"
	issues     = "ticket"
	issuesOnly = "deficiency"
)

// ofRegisters leaves issues out unless the settings name them.
func (s SourceDef) ofRegisters(driver []string) []string {
	var with struct{ Types []string }
	if json.Unmarshal(s.With, &with) == nil && slices.Contains(with.Types, issues) {
		return driver
	}
	return slices.DeleteFunc(slices.Clone(driver), func(t string) bool { return t == issues })
}
