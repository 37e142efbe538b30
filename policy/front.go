package policy

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/internal/strictyaml"
)

// MaxSize is the largest policy or course read, in bytes.
const MaxSize = 256 << 10

// A file is one Markdown file with front matter while it is being read.
type file struct {
	name   string
	id     string // the file's name without folder and ending
	root   *yaml.Node
	body   string
	line   int // of the body's first line
	faults []string
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// open splits a file into front matter and body and parses the former.
func open(name string, data []byte) (*file, error) {
	f := &file{name: name, id: strings.TrimSuffix(path.Base(name), ".md")}
	text, err := f.text(data)
	if err != nil {
		return nil, err
	}
	head, err := f.split(text)
	if err != nil {
		return nil, err
	}
	if f.root, err = strictyaml.Parse(name, []byte(head)); err != nil {
		f.take(err)
		return nil, f.err()
	}
	if f.root.Kind != yaml.MappingNode {
		return nil, f.invalid(f.where(f.root) + "the front matter is `title: ...` and further keys")
	}
	if path.Ext(name) != ".md" || !idForm.MatchString(f.id) {
		f.bad(f.root, "files here are called NAME.md, with letters, digits, dots, - and _; rename it")
	}
	return f, nil
}

// text checks the bytes: UTF-8, of a size a person reads, nothing invisible.
func (f *file) text(data []byte) (string, error) {
	if len(data) > MaxSize {
		return "", f.invalid(fmt.Sprintf("%s:1:1: the file has %d bytes; at most %d are read", f.name, len(data), MaxSize))
	}
	text := strings.TrimPrefix(strings.ReplaceAll(string(data), "\r\n", "\n"), "\ufeff")
	line := 1
	for s := range strings.Lines(text) {
		if !utf8.ValidString(s) {
			return "", f.invalid(fmt.Sprintf("%s:%d:1: this line is not UTF-8; save the file as that", f.name, line))
		}
		if i := strings.IndexFunc(strings.TrimRight(s, "\n"), hidden); i >= 0 {
			return "", f.invalid(fmt.Sprintf("%s:%d:%d: there is a character here that nobody sees; take it out", f.name, line, i+1))
		}
		line++
	}
	return text, nil
}

// hidden are characters that change what a text says without being seen:
// controls, and marks that turn the direction of writing.
func hidden(r rune) bool {
	return r != '\t' && unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff
}

// split returns the lines from the first "---" to the line before the second,
// so that line numbers stay what they are, and keeps the rest as the body.
func (f *file) split(text string) (head string, err error) {
	lines := strings.SplitAfter(text, "\n")
	if strings.TrimRight(lines[0], " \t\n") != "---" {
		return "", f.invalid(f.name + ":1:1: it has no front matter; begin the file with a line ---, then title: and the like, then a line ---")
	}
	for i := 1; i < len(lines); i++ {
		if strings.TrimRight(lines[i], " \t\n") == "---" {
			f.body, f.line = strings.Join(lines[i+1:], ""), i+2
			return strings.Join(lines[:i], ""), nil
		}
	}
	return "", f.invalid(f.name + ":1:1: its front matter has no end; write a line --- after it")
}

// decode reads the front matter into v; false after noting what is wrong.
func (f *file) decode(v any) bool {
	err := strictyaml.DecodeNode(f.name, f.root, v)
	if err != nil {
		f.take(err)
	}
	return err == nil
}

// take takes over the faults of an error, one a line. A line without a place
// goes on with the one before: it quotes a value of several lines.
func (f *file) take(err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		line = unknownField.ReplaceAllString(line, `there is no key "$1" here`)
		switch n := len(f.faults); {
		case strings.HasPrefix(line, f.name+":"):
			f.faults = append(f.faults, line)
		case n > 0:
			f.faults[n-1] += " " + line
		default:
			f.faults = append(f.faults, f.name+":1:1: "+line)
		}
	}
}

var unknownField = regexp.MustCompile(`field (.+) not found in type .*$`)

func (f *file) where(n *yaml.Node) string {
	return fmt.Sprintf("%s:%d:%d: ", f.name, max(n.Line, 1), max(n.Column, 1))
}

func (f *file) bad(n *yaml.Node, format string, args ...any) {
	f.faults = append(f.faults, f.where(n)+fmt.Sprintf(format, args...))
}

// at returns the node at a path of keys and indexes, or the nearest above it.
func (f *file) at(path ...any) *yaml.Node {
	n := f.root
	for _, step := range path {
		next := child(n, step)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

func child(n *yaml.Node, step any) *yaml.Node {
	switch s := step.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && s < len(n.Content) {
			return n.Content[s]
		}
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == s {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

// oneLine wants one line of text of at most most bytes at path.
func (f *file) oneLine(text string, most int, required bool, path ...any) {
	what := path[0]
	if key, ok := path[len(path)-1].(string); ok {
		what = key
	}
	switch {
	case required && strings.TrimSpace(text) == "":
		f.bad(f.at(path...), "%v: nothing is written; write it", what)
	case len(text) > most || strings.ContainsAny(text, "\n\r"):
		f.bad(f.at(path...), "%v: want one line of at most %d bytes", what, most)
	}
}

// named holds the id, where the file says one, to the file's name.
func (f *file) named(id string) {
	if id != "" && id != f.id {
		f.bad(f.at("id"), "the id is the file's name, %q; leave it out or write that", f.id)
	}
}

// readable wants a body that says something.
func (f *file) readable() {
	if strings.TrimSpace(f.body) == "" {
		f.faults = append(f.faults, fmt.Sprintf("%s:%d:1: there is no text below the front matter", f.name, f.line))
	}
}

// err returns everything that was found wrong, or nil.
func (f *file) err() error {
	if len(f.faults) == 0 {
		return nil
	}
	return f.invalid(strings.Join(f.faults, "\n"))
}

// A Fault is everything that is wrong in one file: one file:line:column: text
// a line. It is an audit.ErrInvalid.
type Fault struct{ text string }

func (f *Fault) Error() string { return f.text }

// Unwrap makes errors.Is(err, audit.ErrInvalid) true.
func (f *Fault) Unwrap() error { return audit.ErrInvalid }

func (*file) invalid(text string) error { return &Fault{text} }
