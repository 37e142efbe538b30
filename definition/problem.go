package definition

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/internal/strictyaml"
)

// A Problem is one thing that is wrong in one file.
type Problem struct {
	File   string
	Line   int // 1-based
	Column int // 1-based
	Text   string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Problems is everything that is wrong in a workspace or library, sorted by
// file, line and column. It is an audit.ErrInvalid.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes errors.Is(err, audit.ErrInvalid) true.
func (p Problems) Unwrap() error { return audit.ErrInvalid }

// err returns the problems sorted and without repetition, or nil.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortFunc(p, compareProblems)
	return slices.Compact(p)
}

func compareProblems(a, b Problem) int {
	if c := strings.Compare(a.File, b.File); c != 0 {
		return c
	}
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	if a.Column != b.Column {
		return a.Column - b.Column
	}
	return strings.Compare(a.Text, b.Text)
}

var positioned = regexp.MustCompile(`^(.+?):(\d+):(\d+): (.*)$`)

// addError takes over an error whose lines read file:line:column: text. A line
// without a position continues the one before, or stands at the file's start.
func (p *Problems) addError(file string, err error) {
	first := true
	for _, line := range strings.Split(err.Error(), "\n") {
		m := positioned.FindStringSubmatch(line)
		switch {
		case m != nil:
			l, _ := strconv.Atoi(m[2])
			c, _ := strconv.Atoi(m[3])
			*p = append(*p, Problem{file, l, c, plain(m[4])})
		case first:
			*p = append(*p, Problem{file, 1, 1, plain(line)})
		default:
			last := &(*p)[len(*p)-1]
			last.Text += "\n" + line
		}
		first = false
	}
}

var unknownField = regexp.MustCompile(`^field (.+) not found in type .*$`)

// plain says what the YAML library says without the names of Go types.
func plain(text string) string {
	return unknownField.ReplaceAllString(text, `there is no key "$1" here`)
}

// A doc is one YAML file while it is being read and checked.
type doc struct {
	name     string
	root     *yaml.Node
	problems *Problems
}

// open parses one YAML file; it returns nil after noting what is wrong with it.
func open(name string, data []byte, problems *Problems) *doc {
	root, err := strictyaml.Parse(name, data)
	if err != nil {
		problems.addError(name, err)
		return nil
	}
	return &doc{name, root, problems}
}

// decode reads the node at path into v; it returns false after noting problems.
func (d *doc) decode(v any, path ...any) bool {
	if err := strictyaml.DecodeNode(d.name, d.at(path...), v); err != nil {
		d.problems.addError(d.name, err)
		return false
	}
	return true
}

// bad notes a problem at path.
func (d *doc) bad(path []any, format string, args ...any) {
	n := d.at(path...)
	*d.problems = append(*d.problems, Problem{d.name, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// at returns the node at path (keys and indexes), or the nearest one above it.
func (d *doc) at(path ...any) *yaml.Node {
	n := d.root
	for _, step := range path {
		next := child(n, step)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

// has reports whether the mapping at path's parent has its last key.
func (d *doc) has(key string) bool { return child(d.root, key) != nil }

func child(n *yaml.Node, step any) *yaml.Node {
	switch s := step.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && s < len(n.Content) {
			return n.Content[s]
		}
	case string:
		if n.Kind != yaml.MappingNode {
			return nil
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == s {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

// steps joins a path: steps("controls", 3, "criteria").
func steps(s ...any) []any { return s }
