package handbook

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"tieout/internal/strictyaml"
	"tieout/procedure"
)

// A document is a procedure's file as its author wrote it. The loader has
// checked it, so what is not there was left out on purpose.
type document struct {
	Since      string
	History    []struct{ On, What string }
	Parameters yaml.Node
	Population struct{ Items, Where, Sentence string }
	With       yaml.Node
	Empty      yaml.Node
	Continuous *struct {
		Holds  string
		MaxGap string `yaml:"maxGap"`
		Grace  struct{ For, Because string }
	}
	Event   *occasions
	Cadence *occasions
	Manual  *struct {
		Questions []string
		Evidence  []string
	}
	Examples []exampleText
	Rest     map[string]any `yaml:",inline"`
}

// occasions are the occurrences of an event or a cadence.
type occasions struct {
	At         string
	Every      string
	Each       *struct{ Items, Where, Key string }
	Performed  string
	Due        string
	Late       string
	MaxGap     string `yaml:"maxGap"`
	Attributes yaml.Node
}

// An exampleText is one example.
type exampleText struct {
	Name   string
	Given  yaml.Node
	At     string
	AsOf   string `yaml:"asOf"`
	Expect string
}

func readDocument(p *procedure.Procedure) (*document, error) {
	var d document
	if err := strictyaml.Decode(p.File(), p.Document(), &d); err != nil {
		return nil, fmt.Errorf("procedure %s: %w", p.ID, err)
	}
	return &d, nil
}

// A pair is one entry of a mapping, in the order it is written.
type pair struct {
	key   string
	value *yaml.Node
}

func pairs(n *yaml.Node) []pair {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var out []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		out = append(out, pair{n.Content[i].Value, n.Content[i+1]})
	}
	return out
}

// value returns the text of a key of a mapping; "" if it is not there.
func value(n *yaml.Node, key string) string {
	for _, p := range pairs(n) {
		if p.key == key {
			return p.value.Value
		}
	}
	return ""
}

// shown writes a node in a line, as a person reads it: fields of groups by
// their full name, lists in brackets.
func shown(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return strings.Join(fields(n, ""), ", ")
	case yaml.SequenceNode:
		parts := make([]string, len(n.Content))
		for i, c := range n.Content {
			parts[i] = shown(c)
		}
		if len(parts) == 0 {
			return "none"
		}
		return strings.Join(parts, " and ")
	}
	if n.Value == "" {
		return "none"
	}
	return n.Value
}

func fields(n *yaml.Node, prefix string) []string {
	var out []string
	for _, p := range pairs(n) {
		if p.value.Kind == yaml.MappingNode {
			out = append(out, fields(p.value, prefix+p.key+".")...)
			continue
		}
		out = append(out, prefix+p.key+" "+shown(p.value))
	}
	return out
}
