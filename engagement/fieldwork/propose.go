package fieldwork

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tieout/audit"
	"tieout/engagement"
)

// ProposeTests drafts a plan from the client's controls, for people to edit and
// plan: nothing is planned by it. Each version of a control that was in force
// gets a walkthrough and a test of design; over a period also one of operation
// for each way it operates, such as "per event" and "annual", on the stretch its
// version was in force. The client's procedures become attributes beside those
// of the control's own test text. A control of an included organization is proposed
// for as one of the client's is. ties lead from a trust services criterion to the
// criteria of other examined sets that a mapping relates it to: they are proposed with
// it. Reliance is left to people.
func ProposeTests(set engagement.ControlSet, t engagement.Terms, ties map[string][]string) []engagement.Test {
	var out []engagement.Test
	seen := map[string]bool{}
	for _, c := range withIncluded(set.Controls, t) {
		if seen[c.ID] {
			continue
		}
		seen[c.ID] = true
		n := 0
		for _, v := range inForce(withIncluded(set.Controls, t), c.ID, t) {
			for _, x := range proposeVersion(v, set, t, ties) {
				n++
				x.ID = fmt.Sprintf("T-%s-%d", c.ID, n)
				out = append(out, x)
			}
		}
	}
	return out
}

// withIncluded are the client's controls and then those of included organizations,
// but for an identifier that the client has.
func withIncluded(own []audit.Control, t engagement.Terms) []audit.Control {
	out := slices.Clone(own)
	for _, x := range t.Included() {
		if !slices.ContainsFunc(own, func(c audit.Control) bool { return c.ID == x.ID }) {
			out = append(out, audit.Control{ID: x.ID, Title: x.Text, Description: x.Text, Criteria: x.Criteria})
		}
	}
	return out
}

// A version is a control as it was in force for a stretch; "" where it was all
// the time.
type version struct {
	audit.Control
	from, until string
}

// inForce are the versions of a control that the terms look at, in time.
func inForce(all []audit.Control, id string, t engagement.Terms) (out []version) {
	begins, ends := t.First, t.Last
	if !t.Type.OverPeriod() {
		begins, ends = t.AsOf, t.AsOf
	}
	for _, c := range all {
		from, to := max(c.Effective.From, begins), ends
		if c.Effective.To != "" {
			to = min(c.Effective.To, ends)
		}
		if c.ID == id && from <= to {
			out = append(out, version{c, from, to})
		}
	}
	slices.SortFunc(out, func(a, b version) int { return strings.Compare(a.from, b.from) })
	for i := range out {
		if out[i].from == begins && out[i].until == ends {
			out[i].from, out[i].until = "", ""
		}
	}
	return out
}

func proposeVersion(v version, set engagement.ControlSet, t engagement.Terms, ties map[string][]string) []engagement.Test {
	base := engagement.Test{Control: v.ID, Version: v.from, Until: v.until, Criteria: []string{}}
	scope, extra := t.Criteria(), t.Examined()
	for _, c := range v.Criteria {
		switch {
		case slices.Contains(scope, c):
			base.Criteria = append(base.Criteria, c)
		case slices.Contains(extra, c):
			base.Extra = append(base.Extra, c)
		}
	}
	for _, x := range extra {
		tied := slices.ContainsFunc(base.Criteria, func(c string) bool { return slices.Contains(ties[c], x) })
		if tied && !slices.Contains(base.Extra, x) {
			base.Extra = append(base.Extra, x)
		}
	}
	for _, o := range t.Objectives {
		if slices.Contains(o.Controls, v.ID) {
			base.Extra = append(base.Extra, o.ID)
		}
	}
	if len(base.Criteria)+len(base.Extra) == 0 {
		return nil // it serves nothing that is examined
	}
	out := []engagement.Test{walkthrough(base), design(base)}
	if t.Type.OverPeriod() {
		ways := strings.Split(v.Frequency, "+")
		for _, way := range ways {
			out = append(out, operation(base, v, set, strings.TrimSpace(way), len(ways) > 1))
		}
	}
	return out
}

func walkthrough(x engagement.Test) engagement.Test {
	x.Phase, x.Kind = engagement.Walkthrough, engagement.Inspection
	x.Text = "Followed one instance of the control from what started it to the record it left, with the people who operate it, and inspected that record."
	x.Attributes = []engagement.Attribute{{Name: "A", Text: "Who does it, when and with what agrees with the control's description."}, {Name: "B", Text: "It leaves a record that is kept."}}
	return x
}

func design(x engagement.Test) engagement.Test {
	x.Phase, x.Kind = engagement.Design, engagement.Inspection
	x.Text = "Inspected the control's description and considered whether, done as described, it meets what it is there for: " + strings.Join(slices.Concat(x.Criteria, x.Extra), ", ") + "."
	x.Attributes = []engagement.Attribute{{Name: "A", Text: "Done as described, the control would meet what it is there for."}, {Name: "B", Text: "Who operates it has the authority, the information and the competence for it."}}
	return x
}

func operation(x engagement.Test, v version, set engagement.ControlSet, way string, several bool) engagement.Test {
	clauses := clausesOf(v.Tests)
	x.Phase, x.Kind, x.Population = engagement.Operation, kindOf(clauses), true
	said := make([]string, len(clauses))
	for i, c := range clauses {
		said[i] = past(c)
		x.Attributes = append(x.Attributes, engagement.Attribute{Text: upper(said[i]) + "."})
	}
	x.Text = upper(strings.Join(said, "; ")) + "."
	if len(clauses) == 0 {
		x.Text = "Inspected the record of each item and compared it with the control's description."
	}
	if several {
		x.Text = upper(way) + ": " + lower(x.Text)
	}
	for _, p := range set.Tests {
		if slices.Contains(p.Controls, v.ID) {
			said := p.Text
			if said == "" {
				said = p.Title
			}
			x.Attributes = append(x.Attributes, engagement.Attribute{Text: said, Procedure: p.ID})
		}
	}
	if len(x.Attributes) == 0 {
		x.Attributes = []engagement.Attribute{{Text: "The item was handled as the control's description says."}}
	}
	x.Attributes = x.Attributes[:min(len(x.Attributes), 26)]
	for i := range x.Attributes {
		x.Attributes[i].Name = string(rune('A' + i))
	}
	return x
}

// clausesOf are the steps of a control's own test text.
func clausesOf(tests string) (out []string) {
	for c := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(tests), "."), ";") {
		if c = strings.TrimSpace(c); c != "" {
			out = append(out, c)
		}
	}
	return out
}

// verbs of test texts in the imperative, as Section IV prints them.
var verbs = map[string]string{
	"inspect": "inspected", "observe": "observed", "inquire": "inquired", "reperform": "re-performed", "re-perform": "re-performed", "confirm": "confirmed", "compare": "compared",
	"trace": "traced", "obtain": "obtained", "check": "checked", "test": "tested", "match": "matched", "recalculate": "recalculated", "read": "read", "ask": "asked", "examine": "examined", "select": "selected", "verify": "verified",
}

// imperative is a verb where a step or a part of one begins.
var imperative = regexp.MustCompile(`(?i)(^|, (?:and |then )?|: | and )([a-z-]+)`)

// past puts a step's verbs into the past tense. People edit what it cannot know.
func past(step string) string {
	return imperative.ReplaceAllStringFunc(step, func(m string) string {
		parts := imperative.FindStringSubmatch(m)
		if p, ok := verbs[strings.ToLower(parts[2])]; ok {
			return parts[1] + p
		}
		return m
	})
}

// upper is text with a capital first letter.
func upper(s string) string { return inCase(s, unicode.ToUpper) }

// lower is text with a small first letter.
func lower(s string) string { return inCase(s, unicode.ToLower) }

func inCase(s string, to func(rune) rune) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 || r == utf8.RuneError {
		return s
	}
	return string(to(r)) + s[size:]
}

// kindOf is the strongest kind of procedure that steps begin with.
func kindOf(clauses []string) engagement.ProcedureKind {
	kinds := []engagement.ProcedureKind{engagement.Reperformance, engagement.Inspection, engagement.Observation, engagement.Inquiry}
	for i, stem := range []string{"re-perform", "inspect", "observe", "inquire"} {
		for _, c := range clauses {
			c = strings.ToLower(strings.Replace(c, "eperform", "e-perform", 1))
			if strings.HasPrefix(c, stem) || strings.Contains(c, " "+stem) {
				return kinds[i]
			}
		}
	}
	return engagement.Inspection
}
