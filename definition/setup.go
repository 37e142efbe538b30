package definition

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/internal/strictyaml"
)

// A Setup is what a company decides first: whose controls, which categories,
// and which report by when.
type Setup struct {
	Name, System, Zone string
	Categories         []audit.Category
	Period             string // name of the period it is about
	Report             string // ReportTypeI or ReportTypeII
	First, Last        string // days, both included; of a Type I the last is its date
}

// Kinds of report a period prepares.
const (
	ReportTypeI  = "type I"  // whether controls are designed and in place, as of the period's last day
	ReportTypeII = "type II" // whether they operated over the period
)

// Setup returns what the workspace says of what a company decides first, for the
// period of that name; "" is the newest.
func (w *Workspace) Setup(period string) (Setup, error) {
	p, err := w.Period(period)
	if err != nil {
		return Setup{}, err
	}
	o := w.Organization
	return Setup{o.Name, o.System, o.Zone, slices.Clone(o.Categories), p.Name, w.ReportOf(p.Name), p.First(), p.Last()}, nil
}

// ReportOf is the kind of report the period of that name prepares.
func (w *Workspace) ReportOf(period string) string {
	for _, c := range w.Config.Periods {
		if c.Name == period || c.Name == "" && c.First+" to "+c.Last == period {
			return c.Report
		}
	}
	return ReportTypeII
}

// Set returns the definition files that say s, by path, of those that say
// otherwise now. Comments and other keys stay. The name of the log stays as it
// is also where it was made of the organization's name: a log is never renamed.
// Whether the files load is for With to say.
func (w *Workspace) Set(s Setup) (map[string][]byte, error) {
	before, err := w.Setup(s.Period)
	if err != nil {
		return nil, err
	}
	if s.Name == before.Name && s.System == before.System && s.Zone == before.Zone && slices.Equal(s.Categories, before.Categories) &&
		s.Report == before.Report && s.First == before.First && s.Last == before.Last {
		return map[string][]byte{}, nil
	}
	text, err := edited(configFile, w.file(configFile), func(root *yaml.Node) error { return w.setConfig(root, before, s) })
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{configFile: text}
	if len(w.Systems) == 1 && w.Systems[0].Name == before.System && s.System != before.System {
		name := w.Systems[0].File
		if out[name], err = edited(name, w.file(name), func(root *yaml.Node) error { put(root, "name", scalar(s.System)); return nil }); err != nil {
			return nil, err
		}
	}
	maps.DeleteFunc(out, func(name string, text []byte) bool { return bytes.Equal(text, w.file(name)) })
	return out, nil
}

func (w *Workspace) setConfig(root *yaml.Node, before, s Setup) error {
	org := child(root, "organization")
	if org == nil {
		return fmt.Errorf("%w: %s:1:1: there is no organization to change", audit.ErrInvalid, configFile)
	}
	if s.Name != before.Name {
		put(org, "name", scalar(s.Name))
		w.keepOrigin(root)
	}
	if s.System != before.System {
		put(org, "system", scalar(s.System))
	}
	if s.Zone != before.Zone {
		put(org, "zone", scalar(s.Zone))
	}
	if !slices.Equal(s.Categories, before.Categories) {
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
		for _, c := range s.Categories {
			list.Content = append(list.Content, scalar(string(c)))
		}
		put(org, "categories", list)
	}
	return w.setPeriod(root, before, s)
}

// keepOrigin writes the log's name down where it is only the default.
func (w *Workspace) keepOrigin(root *yaml.Node) {
	l := child(root, "ledger")
	if l == nil {
		l = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
		put(root, "ledger", l)
	}
	if child(l, "origin") == nil {
		put(l, "origin", scalar(w.Config.Ledger.Origin))
	}
}

func (w *Workspace) setPeriod(root *yaml.Node, before, s Setup) error {
	if s.First == before.First && s.Last == before.Last && s.Report == before.Report {
		return nil
	}
	n := child(root, "period")
	for i, c := range w.Config.Periods {
		if list := child(root, "periods"); list != nil && (c.Name == before.Period || c.Name == "" && c.First+" to "+c.Last == before.Period) {
			n = child(list, i)
		}
	}
	if n == nil || n.Kind != yaml.MappingNode {
		return fmt.Errorf("%w: %s: period %q is not written as a mapping", audit.ErrInvalid, configFile, before.Period)
	}
	put(n, "first", scalar(s.First))
	put(n, "last", scalar(s.Last))
	if s.Report != before.Report {
		put(n, "report", scalar(s.Report))
	}
	return nil
}

// With is the workspace as it would be with these files in place of its own; nil
// bytes take a file away. The error is Problems.
func (w *Workspace) With(changes map[string][]byte) (*Workspace, error) {
	files := map[string][]byte{}
	for _, f := range w.Files {
		files[f.Path] = f.Bytes
	}
	for name, text := range changes {
		if files[name] = text; text == nil {
			delete(files, name)
		}
	}
	next, err := LoadFiles(files)
	if err != nil {
		return nil, err
	}
	next.Dir = w.Dir
	return next, nil
}

// Text returns the text of a definition file; nil where there is none.
func (w *Workspace) Text(path string) []byte {
	for _, f := range w.Files {
		if f.Path == path {
			return slices.Clone(f.Bytes)
		}
	}
	return nil
}

// edited is a file after a change of its nodes.
func edited(name string, text []byte, change func(root *yaml.Node) error) ([]byte, error) {
	if _, err := strictyaml.Parse(name, text); err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", audit.ErrInvalid, name, err)
	}
	if err := change(doc.Content[0]); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(&doc), enc.Close()); err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// put sets a key of a mapping; comments beside an old value stay.
func put(n *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			old := n.Content[i+1]
			value.HeadComment, value.LineComment, value.FootComment = old.HeadComment, old.LineComment, old.FootComment
			n.Content[i+1] = value
			return
		}
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
}

// scalar is a text as a node: in quotes where it could be read as something else.
func scalar(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	var back yaml.Node
	plain := yaml.Unmarshal([]byte(s), &back) == nil && len(back.Content) == 1 && back.Content[0].Kind == yaml.ScalarNode && back.Content[0].Value == s
	if !plain || back.Content[0].Tag != "!!str" && !isDate(s) || strings.ContainsAny(s, "#:{}[],&*!|>'\"%@`") {
		n.Style = yaml.DoubleQuotedStyle
	} else {
		n.Tag = back.Content[0].Tag
	}
	return n
}
