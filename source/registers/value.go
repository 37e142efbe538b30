package registers

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
)

// maxID is the longest id read, in bytes.
const maxID = 200

// Words for what is known not to be there.
const (
	noneWord  = "none"
	neverWord = "never"
)

// id reads an item's id; "" after naming what is wrong with it.
func (p *parser) id(n *yaml.Node) string {
	s, ok := p.word(n)
	if !ok {
		return ""
	}
	if s != strings.TrimSpace(s) || len(s) > maxID || strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		p.bad(n, "id: want at most %d bytes of text without control characters", maxID)
		return ""
	}
	return s
}

// word reads a text. Numbers and days are taken as they are written: a
// version 1.10 is "1.10".
func (p *parser) word(n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		p.bad(n, "want a text")
		return "", false
	}
	switch n.ShortTag() {
	case "!!str", "!!int", "!!float", "!!timestamp":
	default:
		p.bad(n, "want a text, not %q; put quotes around it if it is one", n.Value)
		return "", false
	}
	if strings.TrimSpace(n.Value) == "" {
		p.bad(n, "an empty text says nothing; leave it out, or write none where there is none")
		return "", false
	}
	return n.Value, true
}

// value reads one field. What cannot be read is named.
func (p *parser) value(schema *audit.ItemType, f *audit.Field, n *yaml.Node) (any, bool) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		p.bad(n, "%s: nothing is written; leave it out, or write none or never where there is none", f.Name)
		return nil, false
	}
	switch f.Kind {
	case audit.Bool:
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
			p.bad(n, "%s: want true or false", f.Name)
			return nil, false
		}
		return strings.EqualFold(n.Value, "true"), true
	case audit.Int:
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if n.Kind != yaml.ScalarNode || err != nil || i < 0 || i > 1<<53-1 {
			p.bad(n, "%s: want a whole number", f.Name)
			return nil, false
		}
		return i, true
	case audit.Time:
		return p.time(schema, f, n)
	case audit.Strings:
		return p.list(f, n)
	case audit.String:
		return p.text(f, n)
	default:
		p.bad(n, "%s: fields of kind %s are not read from registers", f.Name, f.Kind)
		return nil, false
	}
}

func (p *parser) text(f *audit.Field, n *yaml.Node) (any, bool) {
	s, ok := p.word(n)
	switch {
	case !ok:
		return nil, false
	case slices.Contains(f.Enum, s):
		return s, true
	case s == noneWord || s == neverWord:
		if s == noneWord && f.None != "" {
			return "", true
		}
		p.bad(n, "%s: it cannot be %q; leave it out if it is not known", f.Name, s)
		return nil, false
	case len(f.Enum) > 0:
		p.bad(n, "%s: %q is not one of %s%s", f.Name, s, strings.Join(f.Enum, ", "), meant(s, f.Enum))
		return nil, false
	}
	return s, true
}

func (p *parser) list(f *audit.Field, n *yaml.Node) (any, bool) {
	none := n.Kind == yaml.ScalarNode && n.Value == noneWord || n.Kind == yaml.SequenceNode && len(n.Content) == 0
	switch {
	case none && f.None != "":
		return []string{}, true
	case none:
		p.bad(n, "%s: it cannot be none; leave it out if it is not known", f.Name)
		return nil, false
	case n.Kind != yaml.SequenceNode:
		p.bad(n, "%s: want a list such as [a, b]", f.Name)
		return nil, false
	}
	out := []string{}
	for _, c := range n.Content {
		s, ok := p.word(c)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

func (p *parser) time(schema *audit.ItemType, f *audit.Field, n *yaml.Node) (any, bool) {
	if n.Kind == yaml.ScalarNode && (n.Value == neverWord || n.Value == noneWord) {
		if f.None == "" {
			p.bad(n, "%s: it cannot be %q; leave it out if it is not known", f.Name, n.Value)
			return nil, false
		}
		return audit.Never, true
	}
	t, ok := p.instant(n, schema.Name == "person" && f.Name == "endedAt")
	if !ok {
		return nil, false
	}
	return t, slices.Contains(ahead, f.Name) || p.past(n, f.Name, t)
}

// ahead are the times that may lie ahead: what is agreed, due or announced.
var ahead = []string{"startedAt", "endedAt", "dueAt", "expiresAt", "effectiveAt", "reportEnd"}

// past refuses what is said to have happened after the file was committed.
func (p *parser) past(n *yaml.Node, name string, t time.Time) bool {
	if t.After(p.asOf) {
		p.bad(n, "%s: %s lies after the file itself, which is of %s", name, n.Value, audit.FormatTime(p.asOf))
		return false
	}
	return true
}

// instant reads a day or an instant. A day is its first midnight in the
// organization's zone; with end, the midnight that ends it.
func (p *parser) instant(n *yaml.Node, end bool) (time.Time, bool) {
	if n.Kind == yaml.ScalarNode {
		if t, err := time.ParseInLocation(time.DateOnly, n.Value, p.zone); err == nil && inRange(t) {
			if end {
				t = t.AddDate(0, 0, 1)
			}
			return audit.Instant(t), true
		}
		if t, err := time.Parse(time.RFC3339, n.Value); err == nil && inRange(t) {
			return audit.Instant(t), true
		}
	}
	p.bad(n, "%q is not a day such as 2026-03-31 or an instant such as 2026-03-31T09:00:00Z", n.Value)
	return time.Time{}, false
}

func inRange(t time.Time) bool { return t.Year() >= 1900 && t.Year() < 3000 }

// meant returns `; did you mean "x"?` for the nearest of known, or "".
func meant(word string, known []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is how many bytes must be put in, taken out or changed (Levenshtein).
// Words longer than any field's name are far from all of them.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := last
			if a[i] != b[j] {
				d++
			}
			last = row[j+1]
			row[j+1] = min(d, row[j]+1, last+1)
		}
	}
	return row[len(b)]
}
