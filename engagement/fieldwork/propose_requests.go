package fieldwork

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

// ProposeRequests drafts what to ask the client for, from the planned tests that
// no request serves yet: the population of each control, the documents of its
// walkthrough and design, and the evidence of a released sample. Tests that need
// the same share one request. People edit them, and SetRequest writes them:
// nothing is asked by itself.
func (f *File) ProposeRequests() []engagement.Request {
	served := map[string]bool{}
	for _, r := range f.Requests {
		for _, t := range r.Tests {
			if r.Status != engagement.RequestWithdrawn {
				served[r.Kind+" "+t] = true
			}
		}
	}
	var out []engagement.Request
	for _, t := range book.Sorted(f.Tests) {
		kind := "document"
		if t.Population {
			kind = "population"
		}
		if t.Dropped == "" && ofControl(t) && !served[kind+" "+t.ID] {
			out = f.ask(out, kind, t)
		}
		for _, s := range f.releasedFor(t) {
			if left := f.unasked(t, s); len(left) > 0 {
				out = append(out, engagement.Request{Kind: "evidence", Title: fmt.Sprintf("Evidence of the %s of sample %s", count(len(left), "item"), s.ID), Asks: "For each item listed: the records that show what the test looks at.\n\n" + attributesText(t), Tests: []string{t.ID}, Items: left})
			}
		}
	}
	return out
}

// ask adds a test to the draft that asks for the same, or drafts another.
func (f *File) ask(out []engagement.Request, kind string, t *Test) []engagement.Request {
	c := f.control(t.Control)
	r := engagement.Request{Kind: kind, Tests: []string{t.ID}}
	if kind == "population" {
		what := cmp.Or(c.Population, "Every occurrence of "+t.Control+" in the period")
		r.Title = "Population: " + cut(what)
		r.Asks = what + ".\n\nFreeze it with its query, its counts at the source and the reconciliation to an independent list, for the whole period."
	} else {
		r.Title = "Documents for walkthrough and design of " + t.Control
		r.Asks = "The description of the control as it is operated, who operates it, and the records of one instance of it."
		if c.Evidence != "" {
			r.Asks += "\n\nSuch as: " + c.Evidence + "."
		}
	}
	for i := range out {
		if out[i].Kind == kind && out[i].Title == r.Title && out[i].Asks == r.Asks {
			out[i].Tests = append(out[i].Tests, t.ID)
			return out
		}
	}
	return append(out, r)
}

// control is a control of the client's as it last was; a bare one where it was
// not sent.
func (f *File) control(id string) (out audit.Control) {
	out.ID = id
	if f.Controls == nil {
		return out
	}
	for _, c := range f.Controls.Controls {
		if c.ID == id {
			out = c
		}
	}
	return out
}

func cut(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 120 {
		return string(r[:119]) + "…"
	}
	return s
}

// releasedFor are the released samples of a test's control that were drawn from
// populations in force.
func (f *File) releasedFor(t *Test) (out []*Sample) {
	for _, s := range book.Sorted(f.Samples) {
		if t.Population && t.Dropped == "" && s.Control == t.Control && !s.Released.IsZero() && f.drawnInForce(s.ID) {
			out = append(out, s)
		}
	}
	return out
}

// unasked are the items of a sample whose evidence no request asks for, for a
// test: a later sample, an extension and a replacement have such.
func (f *File) unasked(t *Test, s *Sample) (out []string) {
	asked := map[string]bool{}
	for _, r := range f.Requests {
		if r.Kind != "evidence" || r.Status == engagement.RequestWithdrawn || !slices.Contains(r.Tests, t.ID) {
			continue
		}
		if len(r.Items) == 0 {
			return nil // it asks for all there is
		}
		for _, it := range r.Items {
			asked[it] = true
		}
	}
	for _, it := range s.Items {
		if !asked[it] {
			out = append(out, it)
		}
	}
	return out
}

func attributesText(t *Test) string {
	var b strings.Builder
	for _, a := range t.Attributes {
		fmt.Fprintf(&b, "- %s: %s\n", a.Name, a.Text)
	}
	return strings.TrimSpace(b.String())
}
