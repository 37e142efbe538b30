package procedure

import (
	"strings"
	"testing"
)

const deficiencies = `id: own.deficiencies
title: Deficiencies are closed
controls: [MON-03]
since: "2026-01-01"
history: [{ on: "2026-01-01", what: First version. }]
statement: Compared the day each was closed with its due date.
why: They come back.
ask: The list.
fix: Close it.
population:
  items: ticket
  where: 'WHERE'
  sentence: All of them.
event:
  at: ticket.dueAt
  attributes:
    A: { text: It was closed by then., holds: 'noLaterThan(ticket.closedAt, ticket.dueAt, "0d")' }
examples:
  - { name: in time, given: { ticket: { kind: deficiency, status: open, dueAt: "2026-03-31T00:00:00Z", closedAt: "2026-03-09T08:00:00Z" } }, expect: operated }
  - { name: never, at: "2026-06-01T00:00:00Z", given: { ticket: { kind: deficiency, status: open, dueAt: "2026-03-31T00:00:00Z", closedAt: never } }, expect: deviation }
`

func TestOnlyKind(t *testing.T) {
	for where, want := range map[string]string{
		`ticket.kind == "deficiency"`:                                "deficiency",
		`ticket.status != "rejected" && "deficiency" == ticket.kind`: "deficiency",
		`ticket.kind == "deficiency" || ticket.status == "open"`:     "",
		`ticket.kind != "risk review"`:                               "",
		`ticket.kind in ["deficiency"]`:                              "",
	} {
		p, err := Parse("own.yaml", []byte(strings.Replace(deficiencies, "'WHERE'", "'"+where+"'", 1)))
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		if got := p.OnlyKind(); got != want {
			t.Errorf("%s: got %q, want %q", where, got, want)
		}
	}
}
