package examination

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/store"
)

// A Change is one to the system or its controls, as the definitions tell of it.
type Change struct {
	Ref  string // "IAM-06@2026-06-01"
	Text string
	Day  string // on which it took effect or was applied, "2026-06-01"
	Kind string // control, organization, or one of definition.ScopeKinds
	ID   string // of what changed, where it has one
}

// Changes are what changed between two days, both included, of the company's
// time zone: what the definitions date themselves, and what revisions applied in
// those days added, changed or took away. Before the first revision nothing is
// known. The order is that of the days.
func (c *Client) Changes(ctx context.Context, first, last string) ([]Change, error) {
	out := dated(c.P.Def, first, last)
	applied, err := c.applied(ctx, first, last)
	if err != nil {
		return nil, err
	}
	for _, a := range applied {
		if slices.ContainsFunc(out, func(b Change) bool { return b.Ref == a.Ref }) {
			a.Ref += ".applied" // on the same day something of it changed that has a date of its own
		}
		out = append(out, a)
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Ref, b.Ref)) })
	return out, nil
}

// notInRef is what a reference does not hold.
var notInRef = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func changed(kind, id, day, text string) Change {
	ref := notInRef.ReplaceAllString(id, "-") + "@" + day
	if kind != "control" {
		ref = kind + "/" + ref
	}
	return Change{Ref: ref, Text: text, Day: day, Kind: kind, ID: id}
}

// dated are the changes that the definitions themselves give a day.
func dated(w *definition.Workspace, first, last string) (out []Change) {
	in := func(day string) bool { return day != "" && first <= day && day <= last }
	for i, k := range w.Controls {
		before := i > 0 && w.Controls[i-1].ID == k.ID
		after := i+1 < len(w.Controls) && w.Controls[i+1].ID == k.ID
		switch {
		case in(k.Effective.From) && before:
			out = append(out, changed("control", k.ID, k.Effective.From, "Control "+k.ID+" ("+k.Title+") has another text: "+strings.TrimSpace(k.Description)))
		case in(k.Effective.From):
			out = append(out, changed("control", k.ID, k.Effective.From, "Control "+k.ID+" ("+k.Title+") is new: "+strings.TrimSpace(k.Description)))
		}
		if in(k.Effective.To) && !after {
			out = append(out, changed("control", k.ID, k.Effective.To, "Control "+k.ID+" ("+k.Title+") is not operated after this day."))
		}
	}
	for _, s := range w.Systems {
		for _, p := range s.Components {
			if in(p.Since) {
				out = append(out, changed("component", p.ID, p.Since, p.Name+" became part of "+s.Name+"."))
			}
		}
		for _, o := range s.Subservices {
			if in(o.Since) {
				out = append(out, changed("subservice", cmp.Or(o.ID, o.Name), o.Since, o.Name+" became a subservice organization."))
			}
		}
		for _, f := range s.Flows {
			if in(f.Since) {
				out = append(out, changed("flow", f.From+" to "+f.To, f.Since, "Data began to go from "+nameIn(s, f.From)+" to "+nameIn(s, f.To)+"."))
			}
		}
		for _, x := range s.Exclusions {
			if in(x.Since) {
				out = append(out, changed("exclusion", x.What, x.Since, x.What+" is no part of "+s.Name+" any more: "+x.Why))
			}
		}
	}
	return out
}

// nameIn is how readers know a part of a system, or who uses it, that definitions
// name by an identifier.
func nameIn(s definition.System, id string) string {
	for _, p := range s.Components {
		if p.ID == id {
			return p.Name
		}
	}
	for _, u := range s.Users {
		if u.ID == id {
			return u.Name
		}
	}
	for _, o := range s.Subservices {
		if o.ID == id {
			return o.Name
		}
	}
	return id
}

// applied are the changes between the revisions that were applied in those days,
// each with the day of the last revision that has it.
func (c *Client) applied(ctx context.Context, first, last string) (out []Change, err error) {
	revs, err := c.P.Store.Revisions(ctx)
	if err != nil {
		return nil, err
	}
	zone := c.P.Period.Location()
	day := func(r store.Revision) string { return r.Applied.In(zone).Format(time.DateOnly) }
	at := map[string]int{} // place in out, by what changed
	for i := 1; i < len(revs); i++ {
		if d := day(revs[i]); d < first || d > last || revs[i].Hash == revs[i-1].Hash {
			continue
		}
		lines, err := c.between(revs[i-1], revs[i], first, last)
		if err != nil {
			return nil, err
		}
		for _, l := range lines {
			one := changed(l.Kind, l.ID, day(revs[i]), sentenceOf(l))
			key := l.Kind + "\x00" + l.ID
			if n, seen := at[key]; seen {
				out[n] = one
				continue
			}
			at[key] = len(out)
			out = append(out, one)
		}
	}
	return out, nil
}

// between are the lines of a plan that concern readers of a report, but for changes
// of a control that the definitions date themselves between two days: dated has
// those.
func (c *Client) between(a, b store.Revision, first, last string) (out []definition.Line, err error) {
	old, _, err := definition.FromCanonical(a.Canonical)
	if err != nil {
		return nil, fmt.Errorf("applied revision %d: %w", a.Number, err)
	}
	now, _, err := definition.FromCanonical(b.Canonical)
	if err != nil {
		return nil, fmt.Errorf("applied revision %d: %w", b.Number, err)
	}
	for _, l := range definition.NewPlan(old, now, c.P.Period, b.Applied).Lines {
		if l.Mark == "!" || l.Kind != "organization" && l.Kind != "control" && !slices.Contains(definition.ScopeKinds, l.Kind) {
			continue
		}
		if l.Mark == "+" && datedPart(now, l, first, last) {
			continue
		}
		if l.Kind == "control" && l.What != "removed" && reflect.DeepEqual(undated(old, l.ID, first, last), undated(now, l.ID, first, last)) {
			continue
		}
		out = append(out, l)
	}
	return out, nil
}

// datedPart reports whether an added part of a system dates itself between two days:
// dated has it then.
func datedPart(w *definition.Workspace, l definition.Line, first, last string) bool {
	in := func(day string) bool { return day != "" && first <= day && day <= last }
	for _, s := range w.Systems {
		for _, c := range s.Components {
			if l.Kind == "component" && l.ID == c.ID {
				return in(c.Since)
			}
		}
		for _, o := range s.Subservices {
			if l.Kind == "subservice" && l.ID == cmp.Or(o.ID, o.Name) {
				return in(o.Since)
			}
		}
		for _, f := range s.Flows {
			if l.Kind == "flow" && l.ID == f.From+" to "+f.To && in(f.Since) {
				return true
			}
		}
		for _, x := range s.Exclusions {
			if l.Kind == "exclusion" && l.ID == x.What {
				return in(x.Since)
			}
		}
	}
	return false
}

// undated are a control's revisions without those that begin between two days, and
// without the day on which one ends then: what a change has not dated itself.
func undated(w *definition.Workspace, id, first, last string) (out []audit.Control) {
	in := func(day string) bool { return first <= day && day <= last }
	for _, k := range w.Controls {
		if k.ID != id || in(k.Effective.From) {
			continue
		}
		if k.Effective.To != "" && (in(k.Effective.To) || in(dayAfter(k.Effective.To))) {
			k.Effective.To = ""
		}
		out = append(out, k)
	}
	return out
}

func dayAfter(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, 1).Format(time.DateOnly)
}

var planWords = map[string]string{"+": "was added", "~": "was changed", "-": "was taken out"}

func sentenceOf(l definition.Line) string {
	text := strings.ToUpper(l.Kind[:1]) + l.Kind[1:] + " " + l.ID + " " + planWords[l.Mark]
	if l.What != "" && l.What != "removed" {
		text += ": " + l.What
	}
	return strings.TrimSuffix(text, ".") + "."
}

// inDays are the instants of days, both included, in a zone.
func inDays(first, last, zone string) (audit.Span, error) {
	p, err := audit.NewPeriod(first, last, zone)
	return p.Span, err
}
