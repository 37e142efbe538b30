package engagement

import (
	"fmt"
	"strings"
)

// A TermsChange is one thing that terms say otherwise than before: "" where they
// said nothing of it, or say nothing any more.
type TermsChange struct {
	What   string `json:"what"`
	Before string `json:"before"`
	Now    string `json:"now"`
}

// ChangedTerms are what two versions of an engagement's terms say otherwise, in the
// order of the terms.
func ChangedTerms(before, now Terms) (out []TermsChange) {
	a, b := before.said(), now.said()
	old := map[string]string{}
	for _, x := range a {
		old[x.What] = x.Now
	}
	seen := map[string]bool{}
	for _, x := range b {
		if seen[x.What] = true; old[x.What] != x.Now {
			out = append(out, TermsChange{x.What, old[x.What], x.Now})
		}
	}
	for _, x := range a {
		if !seen[x.What] {
			out = append(out, TermsChange{x.What, x.Now, ""})
		}
	}
	return out
}

// said are all that terms say, a line each, in Now.
func (t Terms) said() (out []TermsChange) {
	add := func(what string, words ...string) {
		if now := strings.Trim(strings.Join(words, "; "), "; "); now != "" {
			out = append(out, TermsChange{What: what, Now: now})
		}
	}
	add("Examination", t.Type.String())
	t.Client.said("Client", add)
	t.Firm.said("Firm", add)
	add("System", t.System)
	add("First day", t.First)
	add("Last day", t.Last)
	add("As of", t.AsOf)
	add("Zone", t.Zone)
	add("Made from", t.RestsOn)
	for _, c := range t.Categories {
		add("Category "+string(c.Category), map[bool]string{true: "examined", false: "left out"}[c.In], c.Why)
	}
	for _, x := range t.Extra {
		add("Criteria "+x.Name, map[bool]string{true: "examined", false: "only mapped"}[x.Examined], strings.Join(x.Criteria, " "), x.Framework)
	}
	for _, o := range t.Objectives {
		add("Control objective "+o.ID, o.Text, strings.Join(o.Controls, " "))
	}
	for _, s := range t.Subservices {
		add("Subservice organization "+s.Name, s.Service, map[bool]string{true: "inclusive", false: "carved out"}[s.Inclusive], watched(s.Monitor))
		for _, x := range s.Expected {
			add("Expected of "+s.Name+", "+x.ID, x.Text, strings.Join(x.Criteria, " "))
		}
	}
	for _, m := range t.Milestones {
		add("Milestone "+m.Name, m.Day)
	}
	for i, p := range t.Prior {
		add(fmt.Sprintf("Exception of the report before, %d", i+1), p.Control, p.Text, p.Became)
	}
	add("Quality review", map[bool]string{true: "before the report is released", false: "none"}[t.Quality])
	return out
}

func watched(controls []string) string {
	if len(controls) == 0 {
		return ""
	}
	return "watched by " + strings.Join(controls, " ")
}

// said adds what a party's lines say.
func (p Party) said(who string, add func(what string, words ...string)) {
	add(who, p.Name)
	add(who+"'s place", p.City, p.State)
	add(who+"'s license", p.License)
	add(who+"'s peer review", p.PeerReview)
	add(who+"'s last peer review", PeerReviewWords(p.Reviewed, p.PeerResult))
	add(who+"'s log", p.Origin)
	add(who+"'s key", p.Key)
}
