package trust

import (
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
)

// A ClassID names a class of recipients in entries.
type ClassID string

// Classes of recipients.
const (
	Customer    ClassID = "customer"
	UserAuditor ClassID = "user-auditor"
	Prospect    ClassID = "prospect"
	Partner     ClassID = "business-partner"
	Regulator   ClassID = "regulator"
	Insurer     ClassID = "cyber-insurer"
	Investor    ClassID = "investor-board"
	Other       ClassID = "other"
)

// A Basis is the ground on which somebody may read a report of restricted use.
type Basis string

// Bases.
const (
	ByTerms    Basis = "nda"      // they agree to the company's terms before they see anything
	ByContract Basis = "contract" // a contract binds them already
	ByLaw      Basis = "legal"    // law or an order entitles them
)

// Bases are all grounds with what they are in words.
var Bases = []struct {
	ID    Basis
	Title string
	Asks  string // what the entry has to name; "": nothing
}{
	{ByTerms, "They agree to our terms first", ""},
	{ByContract, "A contract binds them", "the contract and its clause"},
	{ByLaw, "Law or an order entitles them", "the law or the order"},
}

// A Class is a kind of recipient: on what ground they may read, for how long by
// default, and why restricted use asks for that.
type Class struct {
	ID    ClassID
	Title string
	Bases []Basis // the first is the usual one
	Days  int     // until access ends, where nothing else is said
	SOC1  bool    // a SOC 1 report can be given to them
	Why   string
}

// Classes is the table of recipients, in the order in which people see them.
var Classes = []Class{
	{Customer, "Customer (user entity)", []Basis{ByContract, ByTerms}, 365, true,
		"A customer relies on the controls and operates its own beside them; the contract usually binds it already."},
	{UserAuditor, "Auditor of a customer", []Basis{ByTerms, ByContract}, 180, true,
		"The auditor of a customer needs it for one audit of that customer and knows how to read it."},
	{Prospect, "Prospective customer", []Basis{ByTerms}, 60, false,
		"No contract binds a prospect yet, so it agrees to the terms first, and access ends when the decision is made."},
	{Partner, "Business partner", []Basis{ByContract, ByTerms}, 365, false,
		"A partner is among the intended readers where its work with the system exposes it to the same risks."},
	{Regulator, "Regulator", []Basis{ByLaw}, 180, false,
		"A regulator reads by law or order and signs no agreement of ours; the entry names what entitles it."},
	{Insurer, "Cyber insurer", []Basis{ByTerms, ByContract}, 90, false,
		"An insurer reads for one decision on cover; whether it knows the system well enough is decided before it gets a report."},
	{Investor, "Investor, shareholder or board", []Basis{ByTerms, ByContract}, 90, false,
		"The report was not written for investors: they get it for one decision, with the limits on its face, or a SOC 3 instead."},
	{Other, "Somebody else", []Basis{ByTerms}, 30, false,
		"Whoever is none of the above is not an intended reader unless somebody says why, and then for a short while."},
}

// ClassOf returns a class by its ID; false if there is none.
func ClassOf(id ClassID) (Class, bool) {
	i := slices.IndexFunc(Classes, func(c Class) bool { return c.ID == id })
	if i < 0 {
		return Class{}, false
	}
	return Classes[i], true
}

// BasisTitle is a ground in words.
func BasisTitle(b Basis) string {
	for _, x := range Bases {
		if x.ID == b {
			return x.Title
		}
	}
	return string(b)
}

// classOf is ClassOf as an error: audit.ErrInvalid.
func classOf(id ClassID) (Class, error) {
	c, ok := ClassOf(id)
	if !ok {
		names := make([]string, len(Classes))
		for i, c := range Classes {
			names[i] = string(c.ID)
		}
		return c, fmt.Errorf("%w: class is one of %s, not %.40q", audit.ErrInvalid, strings.Join(names, ", "), string(id))
	}
	return c, nil
}

// mayGive says why a report of a type is not given to a class on a ground: nil
// where nothing stands against it.
func (c Class) mayGive(basis Basis, ground, reportType string) error {
	if !slices.Contains(c.Bases, basis) {
		words := make([]string, len(c.Bases))
		for i, b := range c.Bases {
			words[i] = string(b)
		}
		return fmt.Errorf("%w: basis of a %s is %s, not %.40q", audit.ErrInvalid, strings.ToLower(c.Title), strings.Join(words, " or "), string(basis))
	}
	if basis != ByTerms && strings.TrimSpace(ground) == "" {
		for _, b := range Bases {
			if b.ID == basis {
				return fmt.Errorf("%w: ground: name %s", audit.ErrInvalid, b.Asks)
			}
		}
	}
	if strings.HasPrefix(reportType, "soc1-") && !c.SOC1 {
		return fmt.Errorf("%w: a SOC 1 report is for user entities and their auditors; a %s cannot be given one", audit.ErrInvalid, strings.ToLower(c.Title))
	}
	return nil
}
