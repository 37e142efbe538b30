package registers

import (
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/source"
)

// A recordFile is what one file of records tells.
type recordFile struct {
	told
	types  []string   // of its records; empty: it could not be told
	covers audit.Span // what the file says it holds all of; empty: it does not say
}

var recordKeys = []string{"type", "covers"}

// readRecords reads a file of records: one record, or a list under `records:`.
func readRecords(f file, zone *time.Location, asOf time.Time) recordFile {
	var r recordFile
	p := parser{path: f.Path, zone: zone, asOf: asOf, told: &r.told}
	root := p.root(f)
	if root == nil {
		return r
	}
	if root.Kind != yaml.MappingNode {
		p.bad(root, "want `covers:` and `records:`, or one record")
		return r
	}
	list, several := keyed(root, "records")
	typ := ""
	if n, ok := keyed(root, "type"); ok {
		typ = p.eventType(n)
	}
	if n, ok := keyed(root, "covers"); ok {
		r.covers = p.covers(n)
	}
	if !several {
		if typ == "" && p.bads == 0 {
			p.bad(root, "it does not say `type:`; write one of %s", strings.Join(eventTypes, ", "))
		}
		if typ != "" {
			p.item(typ, root, frame{event: true, id: strings.TrimSuffix(path.Base(f.Path), records.ext), extra: recordKeys})
		}
	} else {
		p.listed(root, list, typ)
	}
	r.finish(typ)
	return r
}

// finish gathers the types, and holds every record to what the file covers.
func (r *recordFile) finish(typ string) {
	if typ != "" {
		r.types = []string{typ}
	}
	for i := range r.entries {
		e := &r.entries[i]
		r.types = append(r.types, e.typ)
		if !e.at.IsZero() && !r.covers.Empty() && !r.covers.Contains(e.at) {
			e.bad = true
			r.faults = append(r.faults, source.BadRow{Where: e.where, Why: "it happened outside of what `covers:` says the file is about"})
		}
	}
	slices.Sort(r.types)
	r.types = slices.Compact(r.types)
	r.unique()
}

// listed reads the records of a file that holds a list.
func (p *parser) listed(root, list *yaml.Node, typ string) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if k := root.Content[i]; !slices.Contains([]string{"type", "covers", "records"}, k.Value) {
			p.bad(k, "there is no key %q here%s", k.Value, meant(k.Value, []string{"type", "covers", "records"}))
		}
	}
	if list.Kind != yaml.SequenceNode {
		p.bad(list, "records: want a list; [] says that there was none")
		return
	}
	if len(list.Content) == 0 && typ == "" && p.bads == 0 {
		p.bad(list, "records: a list without records must say `type:`, of what there was none")
	}
	for _, n := range list.Content {
		own := typ
		if t, ok := keyed(n, "type"); ok {
			own = p.eventType(t)
		} else if typ == "" {
			p.bad(n, "it does not say `type:`; write one of %s", strings.Join(eventTypes, ", "))
		}
		if own != "" {
			p.item(own, n, frame{event: true, extra: []string{"type"}})
		}
	}
}

// eventType reads a type; "" after naming what is wrong with it.
func (p *parser) eventType(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && slices.Contains(eventTypes, n.Value) {
		return n.Value
	}
	p.bad(n, "type: %q is not one of %s%s", n.Value, strings.Join(eventTypes, ", "), meant(n.Value, eventTypes))
	return ""
}

// covers reads {from, to}; of days both are included.
func (p *parser) covers(n *yaml.Node) audit.Span {
	from, hasFrom := keyed(n, "from")
	to, hasTo := keyed(n, "to")
	if !hasFrom || !hasTo || len(n.Content) != 4 {
		p.bad(n, "covers: want {from: 2026-01-01, to: 2026-03-31}, both days included")
		return audit.Span{}
	}
	var s audit.Span
	var okFrom, okTo bool
	s.From, okFrom = p.instant(from, false)
	s.To, okTo = p.instant(to, true)
	if !okFrom || !okTo {
		return audit.Span{}
	}
	if s.Empty() {
		p.bad(n, "covers: it ends before it begins")
		return audit.Span{}
	}
	return s
}

// keyed returns the value of a mapping's key.
func keyed(n *yaml.Node, key string) (*yaml.Node, bool) {
	if n.Kind != yaml.MappingNode {
		return nil, false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1], true
		}
	}
	return nil, false
}
