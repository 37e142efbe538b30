package describe

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tieout/engagement"
)

// Titles are what each description criterion asks for, in short words of ours; "DC"
// is the whole description of a SOC 1, which is written by criteria of its own.
var Titles = map[string]string{
	"DC":   "Description of the system",
	"DC 1": "Services", "DC 2": "Principal service commitments and system requirements", "DC 3": "Components of the system",
	"DC 4": "Incidents", "DC 5": "Applicable criteria and the controls for them", "DC 6": "Complementary user entity controls",
	"DC 7": "Subservice organizations", "DC 8": "Criteria that do not apply", "DC 9": "Significant changes in the period",
}

// A Gap is something the facts do not hold and a person has to say or decide.
type Gap struct {
	DC   string
	What string
}

// Draft writes the description from the facts, and names what is missing. The
// same facts give the same draft.
func Draft(f Facts) ([]engagement.DCSection, []Gap) {
	w := &writer{facts: f}
	w.services()
	w.promises()
	w.components()
	w.incidents()
	w.controls()
	w.users()
	w.subservices()
	if !f.Objectives {
		w.left()
	}
	if f.Over {
		w.changes()
	}
	return w.out, w.gaps
}

type writer struct {
	facts Facts
	out   []engagement.DCSection
	gaps  []Gap
}

func (w *writer) section(n int) {
	w.out = append(w.out, engagement.DCSection{DC: fmt.Sprintf("DC %d", n)})
}

func (w *writer) now() *engagement.DCSection { return &w.out[len(w.out)-1] }

// say adds a paragraph with what it was drafted from.
func (w *writer) say(text string, sources ...string) {
	w.now().Paragraphs = append(w.now().Paragraphs, engagement.Paragraph{Text: text, Sources: sources})
}

func (w *writer) miss(format string, args ...any) {
	w.gaps = append(w.gaps, Gap{w.now().DC, fmt.Sprintf(format, args...)})
}

func (w *writer) services() {
	f := w.facts
	w.section(1)
	if f.Legal != "" && f.Legal != f.Company {
		w.miss("which name the report gives the organization: the terms of the examination say %s, the definitions %s", f.Company, f.Legal)
	}
	if f.Boundary == "" {
		w.miss("what %s does for its customers: the boundary of the system has no words yet", f.System)
	} else {
		w.say(fmt.Sprintf("%s operates %s. %s", f.Company, f.System, ended(f.Boundary)), "boundary")
	}
	if len(f.Services) > 0 {
		w.say(list(fmt.Sprintf("With %s it provides:", f.System), f.Services, ended), "organization")
	}
	if len(f.Users) == 0 {
		w.miss("who uses the system")
		return
	}
	w.say(list("It is used by:", f.Users, func(u Named) string { return join(u.Name, u.Text) }), "boundary")
}

func (w *writer) promises() {
	w.section(2)
	for _, kind := range []struct {
		title string
		list  []Promise
		miss  string
	}{
		{"The principal service commitments to user entities are:", w.facts.Commitments, "the principal service commitments"},
		{"The system requirements that follow from them, and from law and contracts, are:", w.facts.Requirements, "the system requirements"},
	} {
		if len(kind.list) == 0 {
			w.miss("%s", kind.miss)
			continue
		}
		var sources []string
		for _, p := range kind.list {
			sources = append(sources, "commitment:"+p.ID)
		}
		w.say(list(kind.title, kind.list, func(p Promise) string {
			if p.Where == "" {
				return ended(p.Text)
			}
			return strings.TrimSuffix(ended(p.Text), ".") + " (" + p.Where + ")."
		}), sources...)
	}
}

// componentKinds are the five components in the order a description has them.
var componentKinds = []struct{ kind, title string }{
	{"infrastructure", "Infrastructure"}, {"software", "Software"}, {"people", "People"}, {"procedures", "Procedures"}, {"data", "Data"},
}

func (w *writer) components() {
	w.section(3)
	for _, k := range componentKinds {
		var of []Component
		var sources []string
		for _, c := range w.facts.Components {
			if c.Kind == k.kind {
				of, sources = append(of, c), append(sources, "component:"+c.ID)
			}
		}
		switch {
		case len(of) > 0:
			w.say(list("**"+k.title+".**", of, componentLine), sources...)
		case k.kind == "data" && len(w.facts.Data) > 0:
		default:
			w.miss("the system's %s", k.kind)
		}
	}
	if len(w.facts.Data) > 0 {
		var sources []string
		for _, d := range w.facts.Data {
			sources = append(sources, "data:"+d.ID)
		}
		w.say(list("**Data.** The system keeps these classes of data:", w.facts.Data, func(c Class) string { return join(c.Name+" ("+c.Level+")", c.Text) }), sources...)
	}
	if len(w.facts.Excluded) > 0 {
		w.say(list("These are not part of the system:", w.facts.Excluded, func(r Reason) string { return join(r.What, r.Why) }), "boundary")
	}
}

func componentLine(c Component) string {
	text := join(c.Name, c.Text)
	if c.Since != "" {
		text = strings.TrimSuffix(text, ".") + "; part of the system since " + c.Since + "."
	}
	return text
}

func (w *writer) incidents() {
	w.section(4)
	told, open := 0, 0
	for _, i := range w.facts.Incidents {
		switch {
		case !i.Decided:
			open++
			w.miss("whether incident %s (%s) is disclosed: a management signer decides", i.ID, i.Title)
		case i.Disclosed:
			told++
			w.say(w.incident(i), "incident:"+i.ID)
			if i.Effect == "" || i.Cause == "" {
				w.miss("the effect and the cause of incident %s", i.ID)
			}
		}
	}
	if told == 0 && open == 0 {
		w.say(fmt.Sprintf("Management identified no incident in %s that came from controls that were not suitably designed or did not operate, or that kept it from achieving its service commitments and system requirements.", within(w.facts)), "incidents")
	}
}

func (w *writer) incident(i Incident) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s. It began on %s", strings.TrimSuffix(i.Title, "."), day(i.Began, w.facts.Zone))
	if i.Ended.IsZero() {
		b.WriteString(" and has not ended.")
	} else {
		fmt.Fprintf(&b, " and ended on %s.", day(i.Ended, w.facts.Zone))
	}
	switch {
	case i.Subjects > 0:
		fmt.Fprintf(&b, " It concerned the data of %d people.", i.Subjects)
	case i.Subjects < 0:
		b.WriteString(" How many people's data it concerned is not known.")
	}
	for _, t := range []string{i.Effect, i.Cause} {
		if t != "" {
			b.WriteString(" " + ended(t))
		}
	}
	return b.String()
}

func (w *writer) controls() {
	w.section(5)
	var criteria []string
	for _, c := range w.facts.Criteria {
		n, sources := 0, []string{}
		for _, k := range w.facts.Controls {
			if slices.Contains(k.Criteria, c) {
				n, sources = n+1, append(sources, k.ID)
			}
		}
		if n == 0 {
			w.miss("a control for %s", c)
			continue
		}
		criteria = append(criteria, c+": "+strings.Join(sources, ", "))
	}
	if len(criteria) == 0 {
		return
	}
	w.say(list("The criteria that apply, and the controls that meet each; the text of every control stands with its tests:", criteria, func(s string) string { return s }), "controls")
}

func (w *writer) users() {
	w.section(6)
	if len(w.facts.Expected) == 0 {
		w.miss("the controls that user entities are expected to operate, or that none is: no control of theirs is registered")
		return
	}
	var sources []string
	for _, x := range w.facts.Expected {
		sources = append(sources, "cuec:"+x.ID)
		if len(x.Criteria) == 0 {
			w.miss("the criteria that rest on %s", x.ID)
		}
	}
	w.say(list("The controls of the system were designed with the assumption that user entities operate these:", w.facts.Expected, expectedLine), sources...)
}

func expectedLine(x Expected) string {
	return strings.TrimSuffix(ended(x.Text), ".") + " (" + x.ID + "; " + strings.Join(x.Criteria, ", ") + ")."
}

func (w *writer) subservices() {
	w.section(7)
	if len(w.facts.Subservices) == 0 {
		w.miss("the subservice organizations that the system relies on, or that it relies on none: none is registered")
		return
	}
	for _, s := range w.facts.Subservices {
		method := "The description leaves out its controls (carve-out method); these are assumed to operate there:"
		if s.Inclusive {
			method = "The description includes its controls (inclusive method):"
		}
		if len(s.Expected) == 0 {
			w.miss("the controls that are expected at %s", s.Name)
		}
		if len(s.Monitored) == 0 {
			w.miss("how %s is monitored", s.Name)
		}
		text := list(fmt.Sprintf("**%s** provides %s. %s", s.Name, strings.TrimSuffix(lower(s.Service), "."), method), s.Expected, expectedLine)
		if len(s.Monitored) > 0 {
			text += "\n\n" + fmt.Sprintf("%s monitors it by %s.", w.facts.Company, strings.Join(s.Monitored, ", "))
		}
		if s.Report != "" {
			text += fmt.Sprintf(" Its newest report that was reviewed speaks about the time until %s.", s.Report)
		}
		w.say(text, "subservice:"+strings.ReplaceAll(s.Name, ";", ","))
	}
}

func (w *writer) left() {
	w.section(8)
	if open := w.undecided(); len(open) > 0 {
		w.miss("whether these criteria apply: %s; no control meets them, and no reason says that they do not apply", strings.Join(open, ", "))
		return
	}
	if len(w.facts.Left) == 0 {
		w.say("All criteria of the categories examined apply.", "scope")
		return
	}
	w.say(list("These criteria do not apply:", w.facts.Left, func(r Reason) string { return join(r.What, r.Why) }), "scope")
}

// undecided are the criteria that no control meets: whether they apply nobody said.
func (w *writer) undecided() (out []string) {
	for _, c := range w.facts.Criteria {
		if !slices.ContainsFunc(w.facts.Controls, func(k Control) bool { return slices.Contains(k.Criteria, c) }) {
			out = append(out, c)
		}
	}
	return out
}

func (w *writer) changes() {
	w.section(9)
	told, open := 0, 0
	for _, c := range w.facts.Changes {
		switch {
		case !c.Decided:
			open++
			w.miss("whether the change %s (%s) is significant and disclosed", c.Ref, c.Text)
		case c.Disclosed:
			told++
			w.say(fmt.Sprintf("On %s: %s", day(c.At, w.facts.Zone), ended(c.Text)), "change:"+c.Ref)
		}
	}
	if told == 0 && open == 0 {
		w.say(fmt.Sprintf("In %s there was no change to the system or its controls that is likely to affect what users need to know.", within(w.facts)), "changes")
	}
}

func within(f Facts) string {
	if f.Over {
		return "the period " + f.Period
	}
	return "the time before " + f.Period
}

func day(t time.Time, zone *time.Location) string { return t.In(zone).Format("2 January 2006") }

// list is a sentence and a Markdown list under it.
func list[T any](head string, items []T, line func(T) string) string {
	var b strings.Builder
	b.WriteString(head + "\n")
	for _, x := range items {
		b.WriteString("\n- " + strings.ReplaceAll(line(x), "\n", " "))
	}
	return b.String()
}

// join is a name with words about it.
func join(name, text string) string {
	if text == "" {
		return ended(name)
	}
	return name + ": " + ended(text)
}

// ended is text with a full stop.
func ended(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

// lower is text with a small first letter where its first word is not all
// capitals.
func lower(s string) string {
	word, _, _ := strings.Cut(s, " ")
	if s == "" || utf8.RuneCountInString(word) > 1 && strings.ToUpper(word) == word {
		return s
	}
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError {
		return s
	}
	return string(unicode.ToLower(r)) + s[size:]
}
