package procedure

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
)

// The naive evaluator answers one question about one item at one instant, the
// slow way: no versions, no memo, no CEL. The engine is held to it.

// An nexpr is a small expression with its own three-valued evaluation.
type nexpr interface {
	cel() string
	at(body map[string]any, now time.Time) nval
}

// nval: true, false, unknown.
type nval int

const (
	nUnknown nval = iota
	nFalse
	nTrue
)

func nbool(b bool) nval {
	if b {
		return nTrue
	}
	return nFalse
}

type (
	nfield  string                       // a bool field
	nequals struct{ field, want string } // a text field
	nclock  struct {
		fn, field string
		days      int
	}
	nand  struct{ a, b nexpr }
	nor   struct{ a, b nexpr }
	nnot  struct{ a nexpr }
	ncond struct{ c, a, b nexpr }
)

func (f nfield) cel() string  { return "device." + string(f) }
func (e nequals) cel() string { return fmt.Sprintf("device.%s == %q", e.field, e.want) }
func (c nclock) cel() string {
	if c.fn == "past" {
		return "past(device." + c.field + ")"
	}
	return fmt.Sprintf("%s(device.%s, \"%dd\")", c.fn, c.field, c.days)
}
func (e nand) cel() string  { return "(" + e.a.cel() + " && " + e.b.cel() + ")" }
func (e nor) cel() string   { return "(" + e.a.cel() + " || " + e.b.cel() + ")" }
func (e nnot) cel() string  { return "!(" + e.a.cel() + ")" }
func (e ncond) cel() string { return "(" + e.c.cel() + " ? " + e.a.cel() + " : " + e.b.cel() + ")" }

func lookup(body map[string]any, name string) any {
	head, rest, more := strings.Cut(name, ".")
	if !more {
		return body[head]
	}
	sub, _ := body[head].(map[string]any)
	return lookup(sub, rest)
}

func (f nfield) at(body map[string]any, _ time.Time) nval {
	b, ok := lookup(body, string(f)).(bool)
	if !ok {
		return nUnknown
	}
	return nbool(b)
}

func (e nequals) at(body map[string]any, _ time.Time) nval {
	s, ok := lookup(body, e.field).(string)
	if !ok {
		return nUnknown
	}
	return nbool(s == e.want)
}

func (c nclock) at(body map[string]any, now time.Time) nval {
	s, ok := lookup(body, c.field).(string)
	if !ok {
		return nUnknown
	}
	if s == "never" {
		return nbool(c.fn == "olderThan")
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	age := now.Sub(t)
	limit := time.Duration(c.days) * 24 * time.Hour
	switch c.fn {
	case "within":
		return nbool(age <= limit)
	case "olderThan":
		return nbool(age > limit)
	}
	return nbool(age >= 0)
}

func (e nand) at(b map[string]any, now time.Time) nval {
	return min3(e.a.at(b, now), e.b.at(b, now))
}

// min3 is Kleene's and: false wins, then unknown.
func min3(x, y nval) nval {
	switch {
	case x == nFalse || y == nFalse:
		return nFalse
	case x == nUnknown || y == nUnknown:
		return nUnknown
	}
	return nTrue
}

func not3(x nval) nval {
	switch x {
	case nTrue:
		return nFalse
	case nFalse:
		return nTrue
	}
	return nUnknown
}

func (e nor) at(b map[string]any, now time.Time) nval {
	return not3(min3(not3(e.a.at(b, now)), not3(e.b.at(b, now))))
}

func (e nnot) at(b map[string]any, now time.Time) nval { return not3(e.a.at(b, now)) }

func (e ncond) at(b map[string]any, now time.Time) nval {
	switch e.c.at(b, now) {
	case nTrue:
		return e.a.at(b, now)
	case nFalse:
		return e.b.at(b, now)
	}
	return nUnknown
}

// An observed is one look at the whole set: what each item's body was.
type observed struct {
	at       time.Time
	complete bool
	bodies   map[string]string // JSON by id
}

// naiveAt is the outcome for id at t, straight from the list of looks.
// ok is false where the item is not there at t.
func naiveAt(looks []observed, maxGap time.Duration, asOf, t time.Time, id string, where, holds nexpr) (audit.Outcome, bool) {
	before, after := -1, -1 // complete looks around t
	last := -1              // the last look of any kind that tells of id
	for i, l := range looks {
		if l.at.After(asOf) {
			continue
		}
		_, there := l.bodies[id]
		if l.at.After(t) {
			if l.complete && after < 0 {
				after = i
			}
			continue
		}
		if l.complete {
			before = i
		}
		if there || l.complete {
			last = i
		}
	}
	if last < 0 {
		return 0, false
	}
	body, there := looks[last].bodies[id]
	if !there {
		return 0, false // not there when last looked at in full
	}
	known := before >= 0 && looks[before].at.Equal(t)
	if before >= 0 {
		switch {
		case after >= 0:
			known = known || looks[after].at.Sub(looks[before].at) <= maxGap
		default:
			known = known || t.Sub(looks[before].at) < maxGap
		}
	}
	incomplete := since(looks[:last+1], id, body)
	if !known && !(incomplete && looks[first(looks[:last+1], id, body)].at.Equal(t)) {
		return audit.NoEvidence, true
	}
	out := pointOutcome(body, t, where, holds)
	if out == audit.Operated && incomplete {
		out = audit.NoEvidence
	}
	return out, true
}

// first is the look that began the run of looks that tell the same of id as the last.
func first(looks []observed, id, body string) int {
	begin := len(looks) - 1
	for i := len(looks) - 1; i >= 0; i-- {
		b, there := looks[i].bodies[id]
		if !there && !looks[i].complete {
			continue
		}
		if !there || b != body {
			break
		}
		begin = i
	}
	return begin
}

// since reports whether the present state was never confirmed by a complete look.
func since(looks []observed, id, body string) bool {
	for i := first(looks, id, body); i < len(looks); i++ {
		if looks[i].complete {
			return false
		}
	}
	return true
}

func pointOutcome(body string, t time.Time, where, holds nexpr) audit.Outcome {
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		panic(err)
	}
	switch where.at(m, t) {
	case nFalse:
		return audit.NotApplicable
	case nUnknown:
		return audit.NoEvidence
	}
	switch holds.at(m, t) {
	case nTrue:
		return audit.Operated
	case nFalse:
		return audit.Deviated
	}
	return audit.NoEvidence
}
