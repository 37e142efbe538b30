package examination

import (
	"fmt"
	"slices"
	"strings"

	"tieout/engagement"
	"tieout/report/attest"
)

// ExampleWording is a template in our words for the reports of a type, to try the
// product with; a firm writes its own and has it reviewed. It is named as an example
// wherever it shows.
func ExampleWording(t engagement.Type) Wording {
	return Wording{Name: "Example", Version: "1", Example: true, Types: []engagement.Type{t}, Order: slices.Clone(attest.Order),
		Auditor: exampleAuditor(t), Added: exampleAdded, Restricted: exampleRestricted(t), Criteria: map[string]string{}}
}

// isExample reports whether a text is the shipped one of some type of report.
func isExample(auditor string) bool {
	return slices.ContainsFunc(engagement.Types, func(t engagement.Type) bool { return fields(auditor) == fields(exampleAuditor(t)) })
}

// exampleAuditor is Section I of a type of report up to the opinion.
func exampleAuditor(t engagement.Type) string {
	parts := []string{"*To the management of {client}*", "## Scope", exampleScope(t), "{complementary}", "{subservices}", "{other}",
		"## What management is responsible for", exampleManagement(t),
		"## What we are responsible for", exampleOwn(t),
		"## What controls cannot do", exampleLimits(t), "{tests}"}
	return strings.Join(parts, "\n\n") + "\n"
}

// done is what controls are examined for: design, and over a period operation.
func done(t engagement.Type, design, both string) string {
	if t.OverPeriod() {
		return both
	}
	return design
}

func exampleScope(t engagement.Type) string {
	controls := done(t, "suitably designed", "suitably designed and operated effectively")
	switch {
	case t == engagement.SOC3:
		return "We examined the assertion of {client}’s management that the controls within {the system} were effective {span}: that they gave reasonable assurance that {client}’s service commitments and system requirements were achieved, measured by {criteria} that are relevant to {categories}."
	case t.OfObjectives():
		return "We examined {client}’s description of {the system} {span}, and whether the controls it states were " + controls + " {span} to achieve the control objectives that it states. The description and the controls are measured by the criteria that management’s assertion names. The control objectives were set by {client} as relevant to its users’ internal control over financial reporting."
	}
	return "We examined {client}’s description of {the system} {span}, measured by {description criteria}. We also examined whether the controls that the description states were " + controls + " {span}, so as to give reasonable assurance that {client}’s service commitments and system requirements were achieved, measured by {criteria} that are relevant to {categories}." +
		done(t, " Whether the controls operated effectively was no part of our work, and we give no opinion on it.", "")
}

func exampleManagement(t engagement.Type) string {
	aims, of := "its service commitments and system requirements", "the trust services criteria and the categories that are examined"
	if t.OfObjectives() {
		aims, of = "the control objectives, and for setting them", "the criteria by which the description and the controls are measured"
	}
	controls := done(t, "designing the controls and putting them in place", "designing the controls, putting them in place and operating them effectively")
	list := []string{
		"selecting and stating " + of + ";",
		"a reasonable basis for its assertion;",
		"the completeness, accuracy and manner of presentation of the description and of the assertion;",
		"identifying the risks that threaten " + aims + ";",
		controls + ", so that " + strings.TrimSuffix(aims, ", and for setting them") + " are achieved with reasonable assurance.",
	}
	if t == engagement.SOC3 {
		list[2] = "the completeness, accuracy and manner of presentation of the assertion and of the boundaries of the system beside it;"
	}
	return "{client}’s management is responsible for:\n\n- " + strings.Join(list, "\n- ")
}

func exampleOwn(t engagement.Type) string {
	subject := "the description and on the controls"
	list := []string{
		"gaining an understanding of the system, and of the service commitments and system requirements;",
		"assessing the risks that the description is not as the criteria ask, or that controls were not " + done(t, "suitably designed;", "suitably designed or did not operate effectively;"),
		"evaluating how the description is presented, and the design of the controls" + done(t, ".", ";"),
	}
	if t.OverPeriod() {
		list = append(list, "testing whether the controls operated effectively {span}.")
	}
	if t == engagement.SOC3 {
		subject = "management’s assertion"
		list[1], list[2] = "assessing the risks that controls were not suitably designed or did not operate effectively;", "evaluating the design of the controls;"
	}
	if t.OfObjectives() {
		list[0] = "gaining an understanding of the system and of the control objectives;"
	}
	return "Our part is an opinion on " + subject + ", from our examination. We conducted it under the attestation standards established by the American Institute of Certified Public Accountants. They require us to plan and perform it so that we obtain reasonable assurance about whether, in all material respects, " +
		done(t, "the description is as its criteria ask and the controls were suitably designed", "what we opine on holds") + ". What has to be done is for our professional judgment, and so is how the risk of a material misstatement, by error or by fraud, is weighed. The work included:\n\n- " + strings.Join(list, "\n- ") +
		"\n\nWe are required to be independent of {client} and to meet our other ethical responsibilities under the requirements that are relevant to the engagement, and we did.\n\n{basis}"
}

func exampleLimits(t engagement.Type) string {
	out := "A system of controls has limits of its own: people err, work around a control, or act together against it, and a control can cease to fit when circumstances change. What is concluded of " +
		done(t, "a day is not said of any later one", "a period is not said of any later time") + "."
	if t != engagement.SOC3 {
		out = "The description is written for a broad range of users, and may not hold everything about the system that one of them would think important. " + out
	}
	return out
}

const exampleAdded = `
## Other criteria

We also examined whether the controls were suitable to meet the criteria of {added} that are listed under that name with their controls, tests and results. Our opinion covers them as it covers the criteria above. It says nothing of other parts of {added}, and is no finding by whoever enforces it.
`

// exampleRestricted names the parties a report is specified for. Those of a SOC 1 are
// who needs it for financial statements; a prospect or a regulator is none of them.
func exampleRestricted(t engagement.Type) string {
	if t.OfObjectives() {
		return exampleForAuditors
	}
	return exampleForParties
}

const exampleForAuditors = `
This report{with tests} is intended for the information and use of {client}, and of these parties, who are specified for it:

- user entities of {the system} {some of the time};
- their auditors, who audit their financial statements or their internal control over financial reporting.

All of them have enough knowledge and understanding to weigh it beside what else they know, the controls that user entities operate themselves among it, when they assess the risks that a user entity’s financial statements are materially misstated. Nobody else is meant to use this report, and nobody else should.
`

const exampleForParties = `
This report{with tests} is intended for the information and use of {client}, and of these parties, who are specified for it:

- user entities of {the system} {some of the time};
- business partners who are subject to risks from what they do with the system;
- practitioners who provide services to such user entities and business partners;
- prospective user entities and business partners;
- regulators.

All of them have enough knowledge and understanding of the services and how user entities and others take part in them, of the system’s commitments, criteria or objectives and the risks to them, of internal control and its limits, and of the controls that they and subservice organizations have to operate. Nobody else is meant to use this report, and nobody else should.
`

// sentences are what the facts of a report put into a text of a template: whole
// sentences, or nothing.
func sentences(r *attest.Report) []string {
	return []string{
		"{complementary}", complementary(r), "{subservices}", subservices(r), "{other}", otherInformation(r), "{tests}", testsIn(r), "{basis}", basis(r),
		"{with tests}", whenTests(r, ", with the tests of controls and their results in "+r.Label(attest.Tests)+",", ""),
		"{some of the time}", some(r), "{criteria}", trustCriteria, "{description criteria}", descriptionCriteria, "{qualified}", qualified(r),
	}
}

// The criteria of a SOC 2, as facts: whose they are, of which year, and where they
// are published.
const (
	trustCriteria       = "the trust services criteria of 2017 with points of focus as revised in 2022 (TSP section 100, of the American Institute of Certified Public Accountants)"
	descriptionCriteria = "the description criteria of 2018 with implementation guidance as revised in 2022 (DC section 200, of the same institute as the criteria named below)"
)

// complementary says that commitments rest on controls that others operate.
func complementary(r *attest.Report) string {
	var who []string
	if len(r.Expected) > 0 {
		who = append(who, "user entities")
	}
	if slices.ContainsFunc(r.Subservices, func(s attest.Subservice) bool { return !s.Inclusive && len(s.Expected) > 0 }) {
		who = append(who, "subservice organizations")
	}
	if len(who) == 0 {
		return ""
	}
	aims := r.Client.Name + "’s service commitments and system requirements"
	if r.Type.OfObjectives() {
		aims = "some of the control objectives"
	}
	return "Achieving " + aims + " depends also on complementary controls of " + attest.And(who) + ", which " + r.Client.Name + "’s controls were designed to be used with. We did not evaluate the design or the operation of those."
}

// subservices says what organizations do for the system and how their controls are
// treated.
func subservices(r *attest.Report) string {
	var out []string
	for _, s := range r.Subservices {
		how := "The description leaves its controls out (carve-out method), and our examination did not extend to them."
		if s.Inclusive {
			how = "The description includes its controls (inclusive method), and so did our examination."
		}
		service := strings.TrimRight(strings.TrimSpace(s.Service), ".")
		if service != "" {
			service = " for: " + strings.ToLower(service[:1]) + service[1:]
		}
		out = append(out, fmt.Sprintf("%s uses %s%s. %s", r.Client.Name, s.Name, service, how))
	}
	return strings.Join(out, " ")
}

// otherInformation names the section that no opinion covers.
func otherInformation(r *attest.Report) string {
	label := r.Label(attest.Other)
	if label == "" {
		return ""
	}
	return label + " holds other information, which " + r.Client.Name + " provides beside the description. We did not examine it, and our opinion does not cover it."
}

func whenTests(r *attest.Report, is, not string) string {
	if r.Label(attest.Tests) == "" {
		return not
	}
	return is
}

func testsIn(r *attest.Report) string {
	what := "Which controls we tested, how and when, and what came of each test, stands in "
	if !r.Type.OverPeriod() {
		what = "How we evaluated the design of the controls, and what came of it, stands in "
	}
	return whenTests(r, "## Tests of controls\n\n"+what+r.Label(attest.Tests)+".", "")
}

// basis says that the evidence is a basis for an opinion, as far as one is given.
func basis(r *attest.Report) string {
	given, none := 0, 0
	for _, o := range r.Opinions {
		if o.Word == "Disclaimer" {
			none++
		} else {
			given++
		}
	}
	enough := "The evidence we obtained is, in our judgment, sufficient and appropriate, and gives our " + qualified(r) + "opinion a reasonable basis."
	switch {
	case none > 0 && given == 0:
		return "We could not obtain evidence that would be sufficient and appropriate as a basis for an opinion."
	case none > 0:
		return "Where we give no opinion, we could not obtain evidence that would be a basis for one. Of the rest: " + strings.ToLower(enough[:1]) + enough[1:]
	}
	return enough
}

// qualified is the word before "opinion" where it is modified, with a space behind.
func qualified(r *attest.Report) string {
	var words []string
	for _, word := range []string{"Qualified", "Adverse"} {
		if slices.ContainsFunc(r.Opinions, func(o attest.Opinion) bool { return o.Word == word }) {
			words = append(words, strings.ToLower(word))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return attest.And(words) + " "
}

func some(r *attest.Report) string {
	if r.Type.OverPeriod() {
		return "during some or all of the period " + attest.Day(r.First) + " to " + attest.Day(r.Last)
	}
	return "as of " + attest.Day(r.AsOf)
}
