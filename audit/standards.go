package audit

import (
	"regexp"
	"slices"
	"strconv"
)

// A Standard is one Statement on Standards for Attestation Engagements.
type Standard struct {
	Number     int
	Issued     int    // year
	Superseded string // by what, such as "SSAE 18"; "": in force, in whole or in part
}

// Standards are the statements that were issued, by number. The first nine gave way to
// the tenth (2001), and what was left by 2016 to the eighteenth; the fifteenth became
// an auditing standard.
var Standards = []Standard{
	{1, 1986, "SSAE 10"}, {2, 1993, "SSAE 10"}, {3, 1993, "SSAE 10"}, {4, 1995, "SSAE 10"}, {5, 1995, "SSAE 10"},
	{6, 1995, "SSAE 10"}, {7, 1997, "SSAE 10"}, {8, 1998, "SSAE 10"}, {9, 1999, "SSAE 10"},
	{10, 2001, "SSAE 18"}, {11, 2002, "SSAE 18"}, {12, 2002, "SSAE 18"}, {13, 2005, "SSAE 18"}, {14, 2006, "SSAE 18"},
	{15, 2008, "SAS 130"}, {16, 2010, "SSAE 18"}, {17, 2010, "SSAE 18"},
	{18, 2016, ""}, {19, 2019, ""}, {20, 2019, ""}, {21, 2020, ""}, {22, 2020, ""}, {23, 2023, ""},
}

// A NamedStandard is a number that a text names as one of the series.
type NamedStandard struct {
	Words string // as the text has it: "SSAE No. 16"
	Standard
	Known bool // such a statement was issued, as far as Standards goes
}

var namesStandard = regexp.MustCompile(`(?i)\bSSAE(?:[\s\x{a0}]+No\.?)?[\s\x{a0}-]*(\d{1,6})\b`)

// StandardsNamed are the statements that a text names by number, in its order.
func StandardsNamed(text string) (out []NamedStandard) {
	for _, m := range namesStandard.FindAllStringSubmatch(text, -1) {
		one := NamedStandard{Words: m[0]}
		n, err := strconv.Atoi(m[1])
		i := slices.IndexFunc(Standards, func(s Standard) bool { return s.Number == n })
		if err == nil && i >= 0 {
			one.Standard, one.Known = Standards[i], true
		}
		out = append(out, one)
	}
	return out
}

// An AttestSection is a section of the attestation standards.
type AttestSection struct {
	Number  int
	Subject string // of its examination or service, in our words
	Of      string // what is an engagement under it: "" every one, else "SOC 1" or "another" than a SOC
}

// AttestSections are the sections as they are numbered since 2017.
var AttestSections = []AttestSection{
	{105, "what all attestation has in common", ""}, {205, "an examination of an assertion", ""}, {206, "a direct examination, without an assertion of management", "another"},
	{210, "a review, with limited assurance", "another"}, {215, "agreed-upon procedures, without an opinion", "another"},
	{305, "prospective financial information", "another"}, {310, "pro forma financial information", "another"}, {315, "compliance with laws, rules or contracts", "another"},
	{320, "controls relevant to user entities' financial reporting", "SOC 1"}, {395, "management's discussion and analysis", "another"},
}

var namesSection = regexp.MustCompile(`(?i)\bAT-?C(?:[\s\x{a0}]+(?:sec\.?|section))?[\s\x{a0}-]*(\d{3})\b`)

// A NamedSection is a section that a text names.
type NamedSection struct {
	Words string
	AttestSection
}

// SectionsNamed are the sections of AttestSections that a text names, in its order.
func SectionsNamed(text string) (out []NamedSection) {
	for _, m := range namesSection.FindAllStringSubmatch(text, -1) {
		for _, s := range AttestSections {
			if strconv.Itoa(s.Number) == m[1] {
				out = append(out, NamedSection{m[0], s})
			}
		}
	}
	return out
}
