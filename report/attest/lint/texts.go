package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/unwritten"
	"tieout/report/attest"
)

// wordings are words that describe no examination, and what to write.
var wordings = []struct {
	pattern *regexp.Regexp
	do      string
}{
	{regexp.MustCompile(`(?i)\b(?:is|are|was|were|became|remains?|been|fully|soc ?[123]|type (?:i|ii|1|2))[ -]certified\b|\bcertified (?:compliant|as)\b|\bsoc ?[123](?: type (?:i|ii|1|2))? certifi\w+`), "An examination ends in an opinion; nobody is certified"},
	{regexp.MustCompile(`(?i)\bsoc ?[123][ -]compliant\b|\bcompliant with soc\b|\bpassed (?:the|its|our) (?:soc|audit|examination)\b`), "An examination ends in an opinion; nobody passes it"},
	{regexp.MustCompile(`\bSOC-[123]\b`), "Write SOC 1, SOC 2 or SOC 3"},
}

var sas70 = regexp.MustCompile(`(?i)\bSAS(?: No\.?)?[ -]*70\b`)

// A place is a text of the report and where it stands. Whose words it is decides
// what is looked for.
type place struct {
	where, text string
	own         bool // wording that has to be the parties' own
}

// texts looks through everything that people wrote.
func (l *linter) texts() {
	signers := l.signers()
	l.shippedControls()
	for _, p := range l.places() {
		if m := unwritten.Find(p.text); m != "" {
			l.add(Error, Placeholder, p.where, "Write what belongs there", "it still holds %q", strings.TrimSpace(m))
		}
		for _, w := range wordings {
			if m := w.pattern.FindString(p.text); m != "" {
				l.add(Error, Wording, p.where, w.do, "it says %q", m)
			}
		}
		l.standards(p)
		for _, name := range l.beside.People {
			if !signers[name] && containsName(p.text, name) {
				l.add(Error, PersonNamed, p.where, "Name the role, not the person", "it names %s, who signs nothing here", name)
			}
		}
		if p.own && l.shipped(p.text) {
			l.add(Error, Template, p.where, "Say how it is done here", "it is word for word as shipped with the templates")
		}
	}
}

// shipped reports whether a text is word for word one that templates come with.
func (l *linter) shipped(text string) bool {
	return !slices.Contains(l.beside.Exempt, text) && slices.ContainsFunc(l.beside.Templates, func(t string) bool { return same(t, text) })
}

// shippedControls warns of controls whose text is the template's: a company may
// have taken one over knowingly, so it is one warning for all and refuses nothing.
func (l *linter) shippedControls() {
	seen := map[string]bool{}
	var same []string
	for _, g := range l.r.Groups {
		for _, c := range g.Controls {
			if !seen[c.ID] && l.shipped(c.Text) {
				same = append(same, c.ID)
			}
			seen[c.ID] = true
		}
	}
	if n := len(same); n > 0 {
		l.add(Warning, Template, "Section IV", "Ask management whether the texts say how it is done there", "the texts of %d of %d controls are word for word as shipped with the templates, %s first", n, len(seen), same[0])
	}
}

func (l *linter) standards(p place) {
	for _, x := range audit.StandardsNamed(p.text) {
		switch {
		case !x.Known:
			l.add(Error, Standard, p.where, "Name the attestation standards, not a number", "there is no %s", x.Words)
		case x.Superseded != "":
			l.add(Error, Standard, p.where, "Name the standards in force", "%s, of %d, is superseded by %s", x.Words, x.Issued, x.Superseded)
		}
	}
	if m := sas70.FindString(p.text); m != "" {
		l.add(Error, Standard, p.where, "Name the standards in force", "%s is superseded", m)
	}
}

// signers are who may be named: they sign.
func (l *linter) signers() map[string]bool {
	out := map[string]bool{}
	for _, name := range l.beside.People {
		for _, a := range l.r.Assertions {
			out[name] = out[name] || containsName(a.Signer, name)
		}
		for _, s := range l.r.Signatures {
			out[name] = out[name] || s.Name == name
		}
	}
	return out
}

// containsName reports whether a whole name stands in a text.
func containsName(text, name string) bool {
	if len(name) < 3 {
		return false
	}
	return regexp.MustCompile(`(?i)(?:^|[^\pL])` + regexp.QuoteMeta(name) + `(?:[^\pL]|$)`).MatchString(text)
}

// same reports whether two texts are the same words.
func same(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// conditions reads the opinion on each part for what it has to say: the time it
// speaks about and, of design and operation, that what it finds rests on controls
// that others operate.
func (l *linter) conditions() {
	days := []string{l.r.AsOf}
	if l.r.Type.OverPeriod() {
		days = []string{l.r.First, l.r.Last}
	}
	for _, o := range l.r.Opinions {
		where := "Section I, opinion on " + o.Part
		if o.Word == "Disclaimer" {
			continue // it opines on nothing
		}
		if i := slices.IndexFunc(days, func(day string) bool { return !dated(o.Text, day) }); i >= 0 {
			l.add(Warning, Opinions, where, "Say what time the opinion is on", "it does not name %s", attest.Day(days[i]))
		}
		if o.Part != "description" && l.complemented() && !complementary.MatchString(o.Text) {
			l.add(Warning, Opinions, where, "Say that it holds where user entities and subservice organizations operate the controls that are assumed of them", "it does not say that it rests on complementary controls, and the description lists some")
		}
	}
}

// complementary is how an opinion speaks of controls that others operate.
var complementary = regexp.MustCompile(`(?i)\bcomplementary\b|\bcontrols? (?:\w+ ){0,6}(?:assumed|expected)\b|\b(?:assumed|expected) (?:\w+ ){0,6}controls?\b|\bif (?:\w+ ){0,6}(?:user entit|customer|subservice)`)

// complemented reports whether the description rests on controls of others.
func (l *linter) complemented() bool {
	return len(l.r.Expected) > 0 || slices.ContainsFunc(l.r.Subservices, func(s attest.Subservice) bool { return !s.Inclusive && len(s.Expected) > 0 })
}

// dated reports whether a text names a day, in one of the ways that people write it.
func dated(text, day string) bool {
	t, err := time.Parse(time.DateOnly, day)
	return err == nil && slices.ContainsFunc([]string{time.DateOnly, "2 January 2006", "January 2, 2006"}, func(layout string) bool {
		return strings.Contains(text, t.Format(layout))
	})
}

// alike warns of responses of management that are word for word the same: a reader
// takes them for nobody's answer.
func (l *linter) alike() {
	of := map[string][]string{}
	for _, x := range l.r.Responses {
		key := strings.ToLower(strings.Join(strings.Fields(x.Text), " "))
		of[key] = append(of[key], x.Finding)
	}
	for _, x := range l.r.Responses {
		key := strings.ToLower(strings.Join(strings.Fields(x.Text), " "))
		if list := of[key]; len(list) >= manyAlike {
			l.add(Warning, NoResponse, "Section V, response to "+x.Finding, "Ask management whether each says what was done about its own exception", "the responses to %d exceptions are word for word the same: %s", len(list), strings.Join(list, ", "))
			delete(of, key)
		}
	}
}

// manyAlike is how many same responses are one too many.
const manyAlike = 3

// places are all texts in the order of the sections.
func (l *linter) places() []place {
	r := l.r
	out := []place{{"Section I", r.Auditor.Text, false}}
	for _, o := range r.Opinions {
		out = append(out, place{"Section I, opinion on " + o.Part, o.Text, false}, place{"Section I, basis of the opinion on " + o.Part, o.Basis, false})
	}
	for _, s := range r.Closing {
		out = append(out, place{"Section I, " + s.Title, s.Text, false})
	}
	for _, a := range r.Assertions {
		out = append(out, place{"Section II, " + a.By, a.Text, false}, place{"Section II, " + a.By, a.Except, false})
	}
	for _, d := range r.Description {
		for i, p := range d.Paragraphs {
			out = append(out, place{fmt.Sprintf("Section III, %s, paragraph %d", d.ID, i+1), p.Text, true})
		}
	}
	for _, x := range r.Expected {
		out = append(out, place{"Section III, " + x.ID, x.Text, false})
	}
	out = append(out, testPlaces(r)...)
	for _, s := range r.Other {
		out = append(out, place{"Section V, " + s.Title, s.Text, false})
	}
	for _, x := range r.Responses {
		out = append(out, place{"Section V, response to " + x.Finding, x.Text, true})
	}
	return out
}

// testPlaces are the texts of Section IV; a control under several criteria is
// read once.
func testPlaces(r *attest.Report) (out []place) {
	seen := map[string]bool{}
	for _, g := range r.Groups {
		for _, c := range g.Controls {
			if seen[c.ID] {
				continue
			}
			seen[c.ID] = true
			out = append(out, place{"Section IV, " + c.ID, c.Text, false})
			for _, t := range c.Tests {
				out = append(out, place{fmt.Sprintf("Section IV, %s, %s", c.ID, t.ID), t.Text, false}, place{fmt.Sprintf("Section IV, %s, %s", c.ID, t.ID), t.Result, false})
			}
		}
	}
	return out
}
