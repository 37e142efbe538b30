package roster

import (
	"strings"
	"time"

	"tieout/audit"
)

// Lives are the stretches in which somebody could sign in with the account, as
// far as it was seen; To is zero while they last. An account that two streams
// tell of is told by the first.
func (a *Account) Lives() (out []audit.Span) {
	var from time.Time
	for i, v := range a.told[0].Versions {
		works := !v.Gone && !cannotSignIn(v.Body)
		switch {
		case works && from.IsZero():
			from = v.From.At
			if i == 0 && !a.Created.At.IsZero() && a.Created.At.Before(from) {
				from = a.Created.At
			}
		case !works && !from.IsZero():
			out, from = append(out, audit.Span{From: from, To: v.From.At}), time.Time{}
		}
	}
	if !from.IsZero() {
		out = append(out, audit.Span{From: from})
	}
	return out
}

// Engagements are the stretches in which the person worked here, as far as any
// version of them says; To is zero while no end is known. Who came back has
// several.
func (p *Person) Engagements() (out []audit.Span) {
	if p.history == nil {
		return nil
	}
	for _, v := range p.history.Versions {
		b := bodyOf(v.Body)
		span := audit.Span{From: b.when("startedAt").At, To: b.when("endedAt").At}
		if v.Gone || span.From.IsZero() {
			continue
		}
		if n := len(out); n > 0 && out[n-1].From.Equal(span.From) {
			out[n-1] = span
			continue
		}
		out = append(out, span)
	}
	return out
}

// A Move is a change of what a person does here.
type Move struct {
	At       audit.Bound
	From, To string // title and department
	Record   int64
}

// Moves are the changes of a person's title or department, as they were seen.
func (p *Person) Moves() (out []Move) {
	if p.history == nil {
		return nil
	}
	before := ""
	for i, v := range p.history.Versions {
		if v.Gone {
			continue
		}
		b := bodyOf(v.Body)
		now := b.text("title")
		if d := b.text("department"); d != "" {
			if now != "" {
				now += ", "
			}
			now += d
		}
		if i > 0 && before != "" && now != "" && now != before {
			out = append(out, Move{v.From, before, now, v.Record})
		}
		before = now
	}
	return out
}

// Told returns the text of a field of an account, or "" where it was not
// collected or is known to be absent.
func (a *Account) Told(field string) string { return a.body.text(field) }

// Find returns the person that a text names without doubt: by ID, by address,
// or by the whole name. More than one are nobody.
func (r *Roster) Find(text string) (found *Person, many int) {
	if p := r.person[text]; p != nil {
		return p, 1
	}
	for _, p := range r.People {
		if same(p.Email, text) || same(p.Name, text) {
			found = p
			many++
		}
	}
	if many != 1 {
		found = nil
	}
	return found, many
}

// same compares what a person typed with what a source says, whatever the case.
func same(a, b string) bool { return a != "" && strings.EqualFold(a, b) }
