// Package attesttest holds invented reports: Halyard, examined by Brookline
// Assurance LLP. Renderers and lint are tested with them.
package attesttest

import (
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/report/attest"
)

// TypeII is a SOC 2 Type II report with a qualified part, two exceptions that
// management answers, a carved-out and an inclusive subservice organization, and
// a set of criteria that is only mapped. It has neither signatures nor logs.
func TypeII() attest.Report {
	return attest.Report{
		Schema: attest.Schema, ID: "RPT-EN-1-1", Type: attest.SOC2TypeII,
		Client: attest.Party{Name: "Halyard, Inc.", City: "Portland", State: "Oregon"},
		Firm: attest.Party{
			Name: "Brookline Assurance LLP", City: "Boston", State: "Massachusetts",
			License: "Massachusetts firm permit 4471", PeerReview: "report of 12 May 2025, rating pass",
		},
		System: "Halyard Freight Documents system", Zone: "America/Los_Angeles",
		First: "2026-01-01", Last: "2026-12-31", Dated: "2027-02-12",
		Categories: []attest.Category{
			{ID: audit.Security, Name: "Security", In: true, Why: "every report of this kind has it"},
			{ID: audit.Availability, Name: "Availability", In: true, Why: "customers are promised hours of service"},
			{ID: audit.ProcessingIntegrity, Name: "Processing Integrity", Why: "customers check what the system computes"},
			{ID: audit.Confidentiality, Name: "Confidentiality", In: true, Why: "documents hold customers' prices"},
			{ID: audit.Privacy, Name: "Privacy", Why: "the system holds business contacts alone"},
		},
		Extra:       []attest.CriteriaSet{{ID: "hipaa-security", Name: "HIPAA Security Rule"}},
		Subservices: subservices(),
		Expected:    expected(),
		Auditor:     attest.Section{Text: strings.TrimSpace(auditorText)},
		Opinions:    opinions(),
		Closing:     []attest.Section{{Title: "Restricted use", Text: strings.TrimSpace(restrictedText)}},
		Assertions:  assertions(),
		Description: description(),
		Described:   described(),
		Groups:      append(groups(), mapped()...),
		Other:       []attest.Section{{Title: "Plans for the year after", Text: strings.TrimSpace(plansText)}},
		Responses:   responses(),
		Template:    attest.Template{Name: "Brookline house wording", Version: "7", Digest: strings.Repeat("4d", 32), Order: attest.Order},
		Annex: attest.Annex{
			Team:       []string{"The samples were drawn by a senior, and tested by another.", "Two managers reviewed the workpapers; neither had tested.", "A partner signed, after an engagement quality review by another."},
			Similarity: []attest.Alike{{Where: "Description of the system", Percent: 11}, {Where: "Texts of tests", Percent: 24}},
		},
	}
}

// Draft is the same report as it was given for factual review: without opinions.
func Draft() attest.Report {
	r := TypeII()
	r.Draft, r.Opinions, r.Closing = true, nil, nil
	return r
}

// TypeI is the same system, as of one day: design alone.
func TypeI() attest.Report {
	r := TypeII()
	r.ID, r.Type, r.First, r.Last, r.AsOf, r.Dated = "RPT-EN-2-1", attest.SOC2TypeI, "", "", "2026-06-30", "2026-08-14"
	const day = "as of 30 June 2026"
	r.Opinions = opined(day, "description", "design")
	r.Responses = nil
	r.Auditor.Text = strings.ReplaceAll(strings.ReplaceAll(r.Auditor.Text, period, day), "designed and operated so", "designed so")
	for i := range r.Assertions {
		r.Assertions[i].Dated, r.Assertions[i].Except = r.Dated, ""
	}
	r.Assertions[0].Text, _, _ = strings.Cut(strings.ReplaceAll(r.Assertions[0].Text, period, day), "\n3.")
	r.Assertions[1].Text = "We operate the support desk for Halyard. The part of the description that is about us presents what we do as of 30 June 2026, and the controls it names as ours are designed as described."
	for _, g := range r.Groups {
		for j := range g.Controls {
			designOnly(&g.Controls[j])
		}
	}
	return r
}

func designOnly(c *attest.Control) {
	c.Outcome = "design only"
	if len(c.Tests) == 0 {
		return
	}
	c.Tests = []attest.Test{{
		ID: c.Tests[0].ID, Text: "Read how the control is meant to work, spoke with its owner and inspected one instance of it.",
		Result: "No exceptions noted.", Paper: c.Tests[0].Paper,
	}}
}

// SOC3 is the same examination in words for everybody.
func SOC3() attest.Report {
	r := TypeII()
	r.ID, r.Type = "RPT-EN-3-1", attest.SOC3
	r.Opinions = unmodified("operation")
	r.Groups, r.Responses, r.Other, r.Closing, r.Extra = nil, nil, nil, nil, nil
	r.Description = r.Description[:2]
	r.Auditor.Text, _, _ = strings.Cut(r.Auditor.Text, "\n\n## Tests")
	for i := range r.Assertions {
		r.Assertions[i].Except = ""
	}
	return r
}

// SOC1 has control objectives in the place of criteria.
func SOC1() attest.Report {
	r := TypeII()
	r.ID, r.Type, r.Categories, r.Extra = "RPT-EN-4-1", attest.SOC1TypeII, nil, nil
	r.Opinions = unmodified("description", "design", "operation")
	texts := []string{
		"Freight charges are computed from the tariffs that customers agreed to, once and completely.",
		"Access to programs and data is given to people who need it, and taken back when they do not.",
		"Changes to programs are tested and agreed to before they are used.",
	}
	var out []attest.Group
	for i, text := range texts {
		g := r.Groups[i*3]
		g.ID, g.Set, g.Text, g.Official = fmt.Sprintf("Objective %d", i+1), "objectives", text, ""
		out = append(out, g)
	}
	out[1].Controls = append(out[1].Controls, tested("PDS-1"))
	r.Groups, r.Described = out, nil
	for _, g := range out {
		for _, c := range g.Controls {
			if c.By == "" && !slices.Contains(r.Described, c.ID) {
				r.Described = append(r.Described, c.ID)
			}
		}
	}
	return r
}

// Enterprise is a large report: about 250 pages.
func Enterprise() attest.Report {
	r := TypeII()
	r.ID = "RPT-EN-9-1"
	base := r.Groups
	var out []attest.Group
	for i := range 580 {
		g := base[i%(len(base)-3)]
		g.ID = fmt.Sprintf("%s.%d", g.ID, i+1)
		var controls []attest.Control
		for j, c := range append(append([]attest.Control{}, g.Controls...), base[(i+3)%9].Controls...) {
			c.ID = fmt.Sprintf("%s-%03d-%d", c.ID, i+1, j+1)
			controls = append(controls, c)
		}
		g.Controls = controls
		out = append(out, g)
	}
	r.Groups = out
	return r
}

func unmodified(parts ...string) []attest.Opinion {
	return opined(period, parts...)
}

const period = "throughout the period 1 January 2026 to 31 December 2026"

// opined are unmodified opinions on a time.
func opined(span string, parts ...string) []attest.Opinion {
	texts := map[string]string{
		"description": "In our opinion the description presents, in all material respects, the system that was designed and in place " + span + ".",
		"design":      "In our opinion the controls were, in all material respects, designed " + span + " so that they would have met the commitments had they, and the complementary controls of others, operated as designed.",
		"operation":   "In our opinion the controls operated effectively, in all material respects, " + span + ", provided the complementary controls of others operated too.",
	}
	var out []attest.Opinion
	for _, p := range parts {
		out = append(out, attest.Opinion{Part: p, Word: "Unmodified", Text: texts[p]})
	}
	return out
}

func opinions() []attest.Opinion {
	out := unmodified("description", "design", "operation")
	out[2].Word = "Qualified"
	out[2].Basis = "Halyard states that access of leavers is disabled within one business day (control IAM-06). For 2 of 15 leavers tested, access to the code host was disabled 4 and 9 business days after termination. Over that time the commitment to take back access when it is no longer needed was not met for these accounts under criterion CC6.2."
	out[2].Text = "In our opinion, except for the matter the paragraph above describes, the controls operated effectively, in all material respects, throughout the period 1 January 2026 to 31 December 2026, provided the complementary controls of user entities and subservice organizations operated too."
	return out
}

func subservices() []attest.Subservice {
	return []attest.Subservice{
		{
			Name: "Northgate Cloud", Service: "Data centers, computers and managed databases on which the system runs", Monitored: []string{"VEN-01", "VEN-02"},
			Expected: []attest.Expected{
				{ID: "CSOC-1", Text: "Only people with a business need enter the data centers, and each entry is recorded.", Criteria: []string{"CC6.4"}},
				{ID: "CSOC-2", Text: "Storage media are wiped or destroyed before they leave the data centers.", Criteria: []string{"CC6.5", "C1.2"}},
				{ID: "CSOC-3", Text: "Power, cooling and network of the data centers are doubled and watched.", Criteria: []string{"A1.2"}},
			},
		},
		{
			Name: "Pilot Desk Support GmbH", Service: "First-line support of customers, with read access to the service desk", Inclusive: true, Monitored: []string{"VEN-03"},
			Expected: []attest.Expected{{ID: "PDS-1", Text: "Support staff sign in with Halyard accounts and a second factor.", Criteria: []string{"CC6.1"}}},
		},
	}
}

func expected() []attest.Expected {
	return []attest.Expected{
		{ID: "CUEC-1", Text: "The customer tells Halyard at once when one of its users no longer needs access.", Criteria: []string{"CC6.2", "CC6.3"}},
		{ID: "CUEC-2", Text: "The customer connects its own sign-in with a second factor where its policy asks for one.", Criteria: []string{"CC6.1"}},
		{ID: "CUEC-3", Text: "The customer reviews the list of its users at least twice a year.", Criteria: []string{"CC6.3"}},
		{ID: "CUEC-4", Text: "The customer keeps its own copy of documents it has a duty to keep longer than the contract runs.", Criteria: []string{"C1.2"}},
	}
}

func responses() []attest.Response {
	return []attest.Response{
		{Finding: "X-1", Control: "IAM-06", Text: "Management agrees. The code host was not part of the automatic removal until 3 September 2026; its accounts were removed by hand from a ticket. Both people had handed in their computers, and the logs show no sign-in after their last day. Since 3 September 2026 removal follows the directory within the hour. Owner: head of platform."},
		{Finding: "X-2", Control: "BCP-02", Text: "Management agrees. The second exercise of the year was moved to January 2027 because of a data center move. It took place on 14 January 2027; its report names two follow-ups, one of them closed. Owner: head of operations."},
	}
}

func assertions() []attest.Statement {
	return []attest.Statement{
		{
			By: "Halyard, Inc.", Text: strings.TrimSpace(assertionText), Dated: "2027-02-12", Signer: "Maren Voss, Chief Executive Officer",
			Except: "Access of leavers to the code host was not always disabled within one business day (IAM-06), as Section IV says.",
		},
		{By: "Pilot Desk Support GmbH", Text: "We operate the support desk for Halyard. The part of the description that is about us presents what we did throughout the period, and the controls it names as ours were designed and operated as described.", Dated: "2027-02-12", Signer: "Jonas Brandt, Managing Director"},
	}
}
