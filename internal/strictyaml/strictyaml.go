// Package strictyaml reads YAML that people write: unknown and repeated keys,
// aliases and wrong types are errors that say file, line and column.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// MaxSize is the largest file read, in bytes.
const MaxSize = 4 << 20

// Decode reads the one YAML document in data into v. Every error is prefixed
// with name:line:column, one error a line.
func Decode(name string, data []byte, v any) error {
	root, err := Parse(name, data)
	if err != nil {
		return err
	}
	return DecodeNode(name, root, v)
}

// Parse returns the root node of the one YAML document in data.
func Parse(name string, data []byte) (*yaml.Node, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%s:1:1: file has %d bytes; at most %d are read", name, len(data), MaxSize)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s:1:1: the file is empty", name)
		}
		return nil, positioned(name, err)
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, positioned(name, err)
		}
		return nil, fmt.Errorf("%s:%d:%d: a second document starts here; write one document a file", name, second.Line, second.Column)
	}
	if len(doc.Content) == 0 {
		return nil, fmt.Errorf("%s:1:1: the file is empty", name)
	}
	if err := noAlias(name, doc.Content[0]); err != nil {
		return nil, err
	}
	return doc.Content[0], nil
}

func noAlias(name string, n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		return fmt.Errorf("%s:%d:%d: aliases (*) are not allowed; write the value out", name, n.Line, n.Column)
	}
	for _, c := range n.Content {
		if err := noAlias(name, c); err != nil {
			return err
		}
	}
	return nil
}

// DecodeNode decodes node into v, refusing unknown keys.
func DecodeNode(name string, node *yaml.Node, v any) error {
	if err := node.Load(v, yaml.WithKnownFields()); err != nil {
		return positioned(name, err)
	}
	return nil
}

// positioned rewrites the library's errors as name:line:column: text.
func positioned(name string, err error) error {
	var many *yaml.LoadErrors
	if errors.As(err, &many) {
		lines := make([]string, 0, len(many.Errors))
		for _, e := range many.Errors {
			lines = append(lines, at(name, e))
		}
		return errors.New(strings.Join(lines, "\n"))
	}
	var one *yaml.LoadError
	if errors.As(err, &one) {
		return errors.New(at(name, one))
	}
	return fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
}

func at(name string, e *yaml.LoadError) string {
	return fmt.Sprintf("%s:%d:%d: %s", name, max(e.Mark.Line, 1), max(e.Mark.Column, 1), e.Message)
}
