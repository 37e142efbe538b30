package attest

import (
	"slices"
	"strings"
	"time"
)

var typeNames = map[Type]string{
	SOC2TypeI: "SOC 2 Type I", SOC2TypeII: "SOC 2 Type II", SOC3: "SOC 3", SOC1TypeI: "SOC 1 Type I", SOC1TypeII: "SOC 1 Type II",
}

// String is the type's name as a cover has it.
func (t Type) String() string {
	if n := typeNames[t]; n != "" {
		return n
	}
	return string(t)
}

// OverPeriod reports whether the report speaks about a period and not a date.
func (t Type) OverPeriod() bool { return t == SOC2TypeII || t == SOC3 || t == SOC1TypeII }

// OfObjectives reports whether control objectives stand in the place of criteria.
func (t Type) OfObjectives() bool { return t == SOC1TypeI || t == SOC1TypeII }

// Public reports whether anybody may read the report, which then holds no test
// and no result of one.
func (t Type) Public() bool { return t == SOC3 }

// Day writes a day of the value, "2026-01-31", as a report does: "31 January
// 2026". What is no day stays as it is.
func Day(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format("2 January 2006")
}

// Span says what the report speaks about, as its sentences do: "throughout the
// period 1 January 2026 to 31 December 2026", or "as of 30 June 2026".
func (r *Report) Span() string {
	if r.Type.OverPeriod() {
		return "throughout the period " + Day(r.First) + " to " + Day(r.Last)
	}
	return "as of " + Day(r.AsOf)
}

// Dates are the span as a cover has it, without a sentence around.
func (r *Report) Dates() string {
	if r.Type.OverPeriod() {
		return "For the period " + Day(r.First) + " to " + Day(r.Last)
	}
	return "As of " + Day(r.AsOf)
}

// Title is the report's kind in the words of its cover.
func (r *Report) Title() string {
	switch {
	case r.Type.Public():
		return "Report on controls at a service organization, for general use"
	case r.Type == SOC1TypeI:
		return "Report on the description of a system and the suitability of the design of its controls, relevant to user entities’ internal control over financial reporting"
	case r.Type == SOC1TypeII:
		return "Report on the description of a system and the suitability of the design and operating effectiveness of its controls, relevant to user entities’ internal control over financial reporting"
	case r.Type.OverPeriod():
		return "Report on the description of a system and the suitability of the design and operating effectiveness of its controls"
	}
	return "Report on the description of a system and the suitability of the design of its controls"
}

// InScope are the names of the categories examined: "Security, Availability and
// Confidentiality".
func (r *Report) InScope() string {
	var names []string
	for _, c := range r.Categories {
		if c.In {
			names = append(names, c.Name)
		}
	}
	for _, s := range r.Extra {
		if s.Examined {
			names = append(names, s.Name)
		}
	}
	return And(names)
}

// And joins names as a sentence does: "a, b and c".
func And(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// Roman is a section's number, 1 to 39.
func Roman(n int) string {
	return strings.Repeat("X", n/10) + []string{"", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"}[n%10]
}

// The sections by what they are, in the order that a report has where its
// template names none. Annex is outside them.
const (
	Auditor     = "auditor"
	Assertion   = "assertion"
	Description = "description"
	Tests       = "tests"
	Other       = "other"
	Annexed     = "annex"
)

// Order is the usual order of sections.
var Order = []string{Auditor, Assertion, Description, Tests, Other}

// Order is the sections the report has, in the template's order. A section the
// template forgot comes after those it names; one without anything in it, or
// that a report for general use must not hold, is left out.
func (r *Report) Order() []string {
	var out []string
	seen := map[string]bool{}
	for _, kind := range append(append([]string{}, r.Template.Order...), Order...) {
		if !seen[kind] && r.has(kind) {
			out = append(out, kind)
		}
		seen[kind] = true
	}
	return out
}

// Label is how a section is named, "Section IV"; "" where the report has none of
// that kind.
func (r *Report) Label(kind string) string {
	if i := slices.Index(r.Order(), kind); i >= 0 {
		return "Section " + Roman(i+1)
	}
	return ""
}

func (r *Report) has(kind string) bool {
	switch kind {
	case Auditor:
		return true
	case Assertion:
		return len(r.Assertions) > 0
	case Description:
		return len(r.Description) > 0
	case Tests:
		return !r.Type.Public() && len(r.Groups) > 0
	case Other:
		return !r.Type.Public() && (len(r.Other) > 0 || len(r.Responses) > 0 || len(r.mapped()) > 0)
	}
	return false
}

// SectionTitle is the title of a section of this report.
func (r *Report) SectionTitle(kind string) string {
	switch kind {
	case Auditor:
		if r.Auditor.Title != "" {
			return r.Auditor.Title
		}
		return "Independent service auditor’s report"
	case Assertion:
		return "Assertion of " + r.Client.Name + " management"
	case Description:
		return r.Client.Name + "’s description of " + TheSystem(r.System)
	case Tests:
		return r.testsTitle()
	case Other:
		return "Other information provided by " + r.Client.Name + " that is not covered by the service auditor’s report"
	}
	return "Annex: order of what happened, and how to check this file"
}

// TheSystem is a system's name as a sentence has it: "the Ledger system".
func TheSystem(name string) string {
	out := name
	if !strings.HasPrefix(strings.ToLower(name), "the ") {
		out = "the " + name
	}
	if lower := strings.ToLower(name); lower != "system" && !strings.HasSuffix(lower, " system") {
		out += " system"
	}
	return out
}

func (r *Report) testsTitle() string {
	what := "Criteria"
	if r.Type.OfObjectives() {
		what = "Control objectives"
	}
	if r.Type.OverPeriod() {
		return what + ", related controls, tests of controls and results of tests"
	}
	return what + " and related controls"
}

// running is a section's title as a running head has it: short.
var running = map[string]string{
	Auditor: "Service auditor’s report", Assertion: "Management’s assertion", Description: "Description of the system",
	Tests: "Tests and results", Other: "Other information, not examined", Annexed: "Annex",
}

var partNames = map[string]string{
	"description": "Presentation of the description",
	"design":      "Suitability of the design of controls",
	"operation":   "Operating effectiveness of controls",
}

// PartName is what a part of the opinion is on.
func PartName(part string) string {
	if n := partNames[part]; n != "" {
		return n
	}
	return part
}

// Instant writes an instant as the annex does: "4 Jan 2027 09:12:44 UTC".
func Instant(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04:05 UTC") }
