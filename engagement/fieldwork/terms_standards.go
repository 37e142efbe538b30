package fieldwork

import (
	"fmt"
	"regexp"

	"tieout/audit"
	"tieout/engagement"
)

// checkNew is asked of terms as somebody writes them, beside checkTerms. Terms that
// were sealed before it was asked keep what they meant.
func checkNew(t engagement.Terms) error {
	return allOf(checkSeries(t), checkSections(t), checkIncluded(t))
}

// subjects are the texts of terms that can name a standard: system and criteria.
func subjects(t engagement.Terms) []string {
	out := []string{t.System}
	for _, x := range t.Extra {
		out = append(out, x.ID, x.Name)
	}
	for _, o := range t.Objectives {
		out = append(out, o.Text)
	}
	return out
}

// checkSeries holds a number of the attestation standards to those that were issued
// and are in force.
func checkSeries(t engagement.Terms) error {
	for _, text := range subjects(t) {
		for _, x := range audit.StandardsNamed(text) {
			switch {
			case !x.Known:
				return fmt.Errorf("%w: there is no %s; the newest that is known here is SSAE %d", audit.ErrInvalid, x.Words, audit.Standards[len(audit.Standards)-1].Number)
			case x.Superseded != "":
				return fmt.Errorf("%w: %s, of %d, is superseded by %s", audit.ErrInvalid, x.Words, x.Issued, x.Superseded)
			}
		}
	}
	return nil
}

// compliance is how a text speaks of an attestation on compliance.
var compliance = regexp.MustCompile(`(?i)\bcompliance[\s-]+(?:attestation|examination)\b|\b(?:attestation|examination) (?:of|on|about) compliance\b`)

// checkSections refuses a SOC whose subject or criteria are those of another kind of
// examination: it has a report of its own.
func checkSections(t engagement.Terms) error {
	for _, text := range subjects(t) {
		for _, s := range audit.SectionsNamed(text) {
			switch {
			case s.Of == "another":
				return fmt.Errorf("%w: %s is %s: that is an engagement with a report of its own, not part of a %s. A SOC 2 can examine further criteria beside its own; take the section out, or open the other engagement elsewhere",
					audit.ErrInvalid, s.Words, s.Subject, t.Type)
			case s.Of == "SOC 1" && !t.Type.OfObjectives():
				return fmt.Errorf("%w: %s is %s, which a SOC 1 examines; a %s is made under AT-C 105 and 205", audit.ErrInvalid, s.Words, s.Subject, t.Type)
			}
		}
		if m := compliance.FindString(text); m != "" {
			return fmt.Errorf("%w: %q is the subject of a compliance attestation (AT-C 315), an engagement with a report of its own. A %s says whether controls meet criteria and never whether a law is complied with", audit.ErrInvalid, m, t.Type)
		}
	}
	return nil
}

// checkIncluded asks that each control of an included organization can be told from
// every other: a test names a control by its identifier alone.
func checkIncluded(t engagement.Terms) error {
	seen := map[string]string{}
	for _, s := range t.Subservices {
		for _, x := range s.Expected {
			if other := seen[x.ID]; s.Inclusive && other != "" {
				return fmt.Errorf("%w: control %s is one of %s and of %s: give each control of an included organization an identifier of its own", audit.ErrInvalid, x.ID, other, s.Name)
			}
			if s.Inclusive {
				seen[x.ID] = s.Name
			}
		}
	}
	return nil
}
