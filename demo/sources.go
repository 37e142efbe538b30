package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A mapping is one stream of a connection, as sources/*.yaml says it.
type mapping struct {
	path, format, rows string // path without date and extension
	item               string
	mode               string // snapshot, changes or events
	scope              string // literal, or a regular expression on the path
	id, at             string
	extra              string // further lines of the stream
	fields             string
	links              string
}

// A connection is one file of sources/.
type connection struct {
	name, about string
	streams     []mapping
}

// state is the mode of what exists: daily snapshots, or change feeds.
func (x *writer) state() string {
	if x.size.Changes {
		return "changes"
	}
	return "snapshot"
}

func (x *writer) writeSources() error {
	for _, c := range x.connections() {
		var b strings.Builder
		fmt.Fprintf(&b, "# %s\nkind: files\nwith:\n  streams:\n", c.about)
		for _, m := range c.streams {
			m.write(&b)
		}
		if err := x.text(filepath.Join("sources", c.name+".yaml"), b.String()); err != nil {
			return err
		}
	}
	return nil
}

func (m mapping) write(b *strings.Builder) {
	put := func(format string, args ...any) { fmt.Fprintf(b, "      "+format+"\n", args...) }
	fmt.Fprintf(b, "    - files: %s-*.%s\n", m.path, m.format)
	put("format: %s", m.format)
	if m.format == "json" {
		put("rows: %s", m.rows)
		put("count: { field: total }")
	}
	if m.format == "xlsx" {
		put("sheet: %s", m.rows)
	}
	put("type: %s", m.item)
	put("mode: %s", m.mode)
	if strings.Contains(m.scope, "(") {
		put("scope: { path: %q }", m.scope)
	} else if m.scope != "" {
		put("scope: %s", m.scope)
	}
	switch m.mode {
	case "snapshot":
		put(`asOf: { path: "(\\d{4}-\\d{2}-\\d{2})" }`)
	case "changes":
		put(`covers: { path: "(\\d{4}-\\d{2})\\." }`)
		put("at: { column: changed_at }")
		put("gone: { column: change, equals: deleted }")
	default:
		put(`covers: { path: "(\\d{4}-\\d{2})\\." }`)
		put("at: { column: %s }", m.at)
	}
	put("id: %q", m.id)
	for _, line := range lines(m.extra) {
		put("%s", line)
	}
	put("fields:")
	for _, line := range lines(m.fields) {
		put("  %s", line)
	}
	if m.links != "" {
		put("links:")
		for _, line := range lines(m.links) {
			put("  %s", line)
		}
	}
}

func lines(s string) []string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// text writes one text file of the workspace.
func (x *writer) text(name, text string) error {
	name = filepath.Join(x.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return fmt.Errorf("create workspace folder: %w", err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		return fmt.Errorf("write workspace file: %w", err)
	}
	return nil
}
