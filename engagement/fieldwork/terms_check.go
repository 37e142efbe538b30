package fieldwork

import (
	"fmt"
	"strings"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

var categories = []audit.Category{audit.Security, audit.Availability, audit.ProcessingIntegrity, audit.Confidentiality, audit.Privacy}

// checkTerms refuses terms that make no examination.
func checkTerms(t engagement.Terms) error {
	return allOf(
		book.OneOf("type", t.Type, engagement.Types...), ident("id", t.ID), line("system", t.System, 1),
		checkParty("client", t.Client), checkParty("firm", t.Firm), checkDates(t), checkCategories(t), checkObjectives(t),
		checkExtra(t.Extra), checkSubservices(t.Subservices), checkMilestones(t.Milestones), checkPrior(t.Prior), checkStandards(t))
}

func checkParty(side string, p engagement.Party) error {
	return allOf(line(side+"'s name", p.Name, 1), line(side+"'s city", p.City, 0), line(side+"'s state", p.State, 0),
		line(side+"'s license", p.License, 0), line(side+"'s peer review", p.PeerReview, 0), checkPeerReview(side, p), line(side+"'s origin", p.Origin, 0), line(side+"'s key", p.Key, 0))
}

func checkPeerReview(side string, p engagement.Party) error {
	if p.PeerResult == "" {
		return dayText("day of "+side+"'s peer review", p.Reviewed, false)
	}
	return allOf(dayText("day of "+side+"'s peer review", p.Reviewed, true), book.OneOf("result of "+side+"'s peer review", p.PeerResult, engagement.PeerResults...))
}

func checkDates(t engagement.Terms) error {
	if t.Type.OverPeriod() {
		_, err := audit.NewPeriod(t.First, t.Last, t.Zone)
		return allOf(err, when(t.AsOf != "", "asOf: a "+t.Type.String()+" covers a period, not a date"))
	}
	_, err := audit.NewPeriod(t.AsOf, t.AsOf, t.Zone)
	return allOf(err, when(t.First != "" || t.Last != "", "first, last: a "+t.Type.String()+" is as of a date, not over a period"))
}

// checkCategories asks for all five, each in or out once; security is always in,
// and who leaves one out says why.
func checkCategories(t engagement.Terms) error {
	if t.Type.OfObjectives() {
		return when(len(t.Categories) > 0, "categories: a SOC 1 examines control objectives, not categories")
	}
	seen := map[audit.Category]bool{}
	for _, c := range t.Categories {
		err := allOf(book.OneOf("category", c.Category, categories...), text("why of category "+string(c.Category), c.Why, 0, 2000),
			when(seen[c.Category], "category "+string(c.Category)+" is listed twice"),
			when(c.Category == audit.Security && !c.In, "category S (security) is in every SOC 2: its criteria are common to all"),
			when(!c.In && strings.TrimSpace(c.Why) == "", "category "+string(c.Category)+" is left out: say why"))
		if err != nil {
			return err
		}
		seen[c.Category] = true
	}
	for _, c := range categories {
		if !seen[c] {
			return fmt.Errorf("%w: category %s is neither in nor out: list all five, with a reason for each that is left out", audit.ErrInvalid, c)
		}
	}
	return nil
}

func checkObjectives(t engagement.Terms) error {
	if !t.Type.OfObjectives() {
		return when(len(t.Objectives) > 0, "objectives: only a SOC 1 has control objectives")
	}
	seen := map[string]bool{}
	for _, o := range t.Objectives {
		if err := first(ident("objective", o.ID), text("objective "+o.ID, o.Text, 1, 2000), lines("controls of objective "+o.ID, o.Controls, 500),
			when(seen[o.ID], "objective "+o.ID+" is listed twice")); err != nil {
			return err
		}
		seen[o.ID] = true
	}
	return when(len(t.Objectives) == 0 || len(t.Objectives) > 200, "objectives: a SOC 1 has at least one control objective, in management's words")
}

func checkExtra(sets []engagement.CriteriaSet) error {
	seen := map[string]bool{}
	for _, x := range sets {
		err := first(ident("criteria set", x.ID), line("name of criteria set "+x.ID, x.Name, 1), line("framework of criteria set "+x.ID, x.Framework, 0), lines("criteria of "+x.ID, x.Criteria, 2000),
			when(len(x.Criteria) == 0, "criteria set "+x.ID+" names no criteria: list what is examined, or only mapped"), when(seen[x.ID], "criteria set "+x.ID+" is listed twice"))
		if err != nil {
			return err
		}
		seen[x.ID] = true
	}
	return within("criteria sets", len(sets), 0, 20)
}

func checkSubservices(list []engagement.Subservice) error {
	seen := map[string]bool{}
	for _, s := range list {
		err := first(line("subservice organization", s.Name, 1), line("service of "+s.Name, s.Service, 1), lines("controls that watch "+s.Name, s.Monitor, 200),
			when(seen[s.Name], s.Name+" is listed twice: one organization is carved out or included, not both"), within("controls expected of "+s.Name, len(s.Expected), 0, 200))
		for _, x := range s.Expected {
			err = first(err, ident("control expected of "+s.Name, x.ID), text("control "+x.ID+" expected of "+s.Name, x.Text, 1, 2000), lines("criteria of "+x.ID, x.Criteria, 200))
		}
		if err != nil {
			return err
		}
		seen[s.Name] = true
	}
	return within("subservice organizations", len(list), 0, 200)
}

func checkMilestones(list []engagement.Milestone) error {
	err := within("milestones", len(list), 0, 100)
	for _, m := range list {
		err = allOf(err, line("milestone", m.Name, 1), dayText("milestone "+m.Name, m.Day, true))
	}
	return err
}

func checkPrior(list []engagement.Prior) error {
	err := within("prior exceptions", len(list), 0, 500)
	for _, p := range list {
		err = first(err, ident("control of a prior exception", p.Control), text("prior exception on "+p.Control, p.Text, 1, 5000), text("what became of it", p.Became, 0, 5000))
	}
	return err
}

// superseded are standards that no report made today can rest on, with what took
// their place. Each is looked for without regard to case and spaces.
var superseded = []struct{ old, now string }{
	{"SAS 70", "AT-C 320 for a SOC 1, AT-C 105 and 205 for a SOC 2"}, {"SSAE 16", "AT-C 320 for a SOC 1, AT-C 105 and 205 for a SOC 2"},
	{"AT 801", "AT-C 320"}, {"AT 101", "AT-C 105 and 205"}, {"TSP 100A", "TSP 100 of 2017"}, {"2016 trust services", "TSP 100 of 2017"}, {"2014 trust services", "TSP 100 of 2017"},
	{"SysTrust", "a SOC 2 or SOC 3"}, {"ISO/IEC 27001:2005", "ISO/IEC 27001:2022"}, {"ISO/IEC 27001:2013", "ISO/IEC 27001:2022"}, {"ISO 27001:2013", "ISO/IEC 27001:2022"},
	{"PCI DSS 3", "PCI DSS 4.0.1"}, {"PCI DSS v3", "PCI DSS 4.0.1"},
}

// checkStandards refuses superseded standards where terms name one.
func checkStandards(t engagement.Terms) error {
	for _, text := range subjects(t) {
		bare := squeeze(text)
		for _, s := range superseded {
			if strings.Contains(bare, squeeze(s.old)) {
				return fmt.Errorf("%w: %s is superseded; today it is %s", audit.ErrInvalid, s.old, s.now)
			}
		}
	}
	return nil
}

func squeeze(s string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(s))
}
