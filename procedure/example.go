package procedure

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
)

var exampleAt = micros(time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC))

const exampleReach = 400 * day

// exampleList reads examples: and checks that an automated form shows both
// what operates and what deviates.
func (b *builder) exampleList(n *yaml.Node) {
	seen := map[audit.Outcome]bool{}
	for _, e := range b.list(n, "examples") {
		m := b.mapping(e, "an example", "name", "given", "at", "asOf", "expect")
		x := &example{node: e, root: e, name: b.str(m["name"], "name"), given: m["given"], at: exampleAt}
		if m["at"] != nil {
			x.at = b.exampleTime(m["at"], exampleAt)
		}
		if m["asOf"] != nil {
			x.asOf = b.exampleTime(m["asOf"], x.at)
		}
		if b.required(m, "expect", e) != "" {
			if err := x.expect.UnmarshalText([]byte(m["expect"].Value)); err != nil {
				b.failf(m["expect"], "expect: %q; want operated, deviation, late, no evidence, pending, no occurrence or not applicable", m["expect"].Value)
			}
			x.node = m["expect"]
		}
		if x.given == nil {
			b.failf(e, "given: is missing; it says what was seen")
		}
		seen[x.expect] = true
		b.p.examples = append(b.p.examples, x)
	}
	if b.p.Form == audit.Manual || b.p.Form == "" {
		return
	}
	if asks := slices.ContainsFunc(b.p.attrs, func(a *attribute) bool { return a.ask != "" }); asks && seen[audit.Pending] {
		seen[audit.Operated] = true
	}
	for _, o := range []audit.Outcome{audit.Operated, audit.Deviated} {
		if !seen[o] {
			b.failf(orNode(n, b.root), "examples: none expects %s; a procedure shows at least one that operated and one deviation", o)
		}
	}
}

// exampleTime reads an instant in full, as a date, relative to at, or never.
func (b *builder) exampleTime(n *yaml.Node, at int64) int64 {
	t, err := parseExampleTime(b.str(n, "an instant"), at)
	if err != nil {
		b.failf(n, "%v", err)
	}
	return t
}

func parseExampleTime(s string, at int64) (int64, error) {
	if s == audit.NeverText {
		return never, nil
	}
	if s != "" && (s[0] == '-' || s[0] == '+') {
		l, err := parseLength(s[1:])
		if err != nil {
			return 0, err
		}
		cal := &calendar{zone: time.UTC}
		if s[0] == '-' {
			return cal.sub(at, l), nil
		}
		return cal.add(at, l), nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return micros(t), nil
		}
	}
	return 0, fmt.Errorf("%q is not an instant: write 2026-06-01T09:00:00Z, 2026-06-01, -90d, +12h or never", s)
}

// checkExamples runs every example through the engine.
func (p *Procedure) checkExamples() error {
	d, err := openDocument(p.name, p.data)
	if err != nil {
		return err
	}
	for i, x := range p.examples {
		w := &world{document: d, p: p, x: x, unseen: map[string]bool{}}
		w.build()
		if d.err() != nil {
			return d.err()
		}
		got, why, err := w.run()
		if err != nil {
			d.failf(x.node, "%s: %v", x.title(i), err)
			continue
		}
		if got != x.expect {
			d.failf(x.node, "%s: expects %s, the engine answers %s%s", x.title(i), x.expect, got, because(why))
		}
	}
	return d.err()
}

func (x *example) title(i int) string {
	if x.name != "" {
		return fmt.Sprintf("example %q", x.name)
	}
	return fmt.Sprintf("example %d", i+1)
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}
