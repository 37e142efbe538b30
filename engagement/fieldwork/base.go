package fieldwork

import (
	"fmt"
	"strings"

	"tieout/engagement"
)

// noBase is what an opinion says it rests on where there is no report yet.
const noBase = "none"

// base is the report in force that a SOC 3 rests on, by its digest: noBase where
// there is none, "" of an engagement that rests on no other.
func (s *State) base(f *File) string {
	if f.Terms.Type != engagement.SOC3 {
		return ""
	}
	w := s.worked(f)
	if w == f || (&ground{s: s, f: w}).inForce() != "" {
		return noBase
	}
	return w.latest().Report
}

// based: a SOC 3 tells everybody what another report concludes, so that one is out
// and stands. An opinion that was written before opinions named their base stays.
func (g *ground) based() string {
	if g.f.Terms.Type != engagement.SOC3 || g.edition == 0 {
		return ""
	}
	w := g.s.worked(g.f)
	if w == g.f {
		return "the engagement it rests on is not here"
	}
	under := &ground{s: g.s, f: w, e: g.e}
	if m := under.opined(); m != "" {
		return w.Terms.ID + ", which it rests on: " + m
	}
	if m := under.inForce(); m != "" {
		return "the report of " + w.Terms.ID + ", which it rests on: " + m
	}
	return unless(g.opines.Base == "" || g.opines.Base == w.latest().Report, "the report of %s, which it rests on, is another one by now: look at it, and sign the opinion again", w.Terms.ID)
}

// basedOn: and the opinion was written on that report, not on an earlier one.
func (g *ground) basedOn() string {
	m := g.based()
	if m != "" || g.f.Terms.Type != engagement.SOC3 || g.edition == 0 {
		return m
	}
	now := g.s.base(g.f)
	for _, o := range sortedParts(g.f) {
		if o.Base != now {
			return "the opinion was written before the report of " + g.f.Terms.RestsOn + " that is in force: write it on that one"
		}
	}
	return ""
}

// A Matter is a modified opinion of the report that a SOC 3 rests on.
type Matter struct {
	Of      string // the engagement of that report
	Part    engagement.Part
	Opinion engagement.Opinion
	Basis   string // in that opinion's words
}

// Matters are the modified opinions that a SOC 3 rests on, in the order of the
// parts; none of another type.
func (s *State) Matters(f *File) (out []Matter) {
	w := s.worked(f)
	if w == f {
		return nil
	}
	for _, o := range sortedParts(w) {
		if o.Opinion != engagement.Unmodified {
			out = append(out, Matter{w.Terms.ID, o.Part, o.Opinion, o.Basis})
		}
	}
	return out
}

// String is the matter as a warning tells it.
func (m Matter) String() string {
	return fmt.Sprintf("the report of %s, which this SOC 3 rests on, is modified (%s: %s): a SOC 3 is normally not issued then. The basis of that opinion: %s", m.Of, m.Part, m.Opinion, oneLine(m.Basis))
}

// BaseWarnings are what whoever writes, reads or issues the opinion of a SOC 3 is
// told of the report it rests on; none where that one is not modified.
func (s *State) BaseWarnings(f *File) (out []string) {
	for _, m := range s.Matters(f) {
		out = append(out, m.String())
	}
	if len(out) > 0 && len(f.Opinions) > 0 && !f.modified() {
		out = append(out, "the opinion of this SOC 3 is Unmodified, on a report that is modified")
	}
	return out
}

// oneLine is text on one line, as long as a warning can be.
func oneLine(text string) string {
	const most = 400
	r := []rune(strings.Join(strings.Fields(text), " "))
	if len(r) > most {
		return string(r[:most]) + "…"
	}
	return string(r)
}
