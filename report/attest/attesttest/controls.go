package attesttest

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"tieout/report/attest"
)

// A line is one test of a control.
type line struct {
	text, result                   string
	population, sample, exceptions int
	finding                        string
}

// A control is one of the invented company's.
type control struct {
	text  string
	tests []line
}

var controls = map[string]control{
	"GOV-01": {"The board reviews security once a quarter and records what it decides.", []line{
		{"Inspected the minutes of 2 of 4 quarterly meetings for the review of security and the decisions recorded.", "No exceptions noted.", 4, 2, 0, ""},
	}},
	"GOV-02": {"Everyone agrees to the code of conduct on joining and every year after.", []line{
		{"For a sample of 6 of 31 joiners, inspected the agreement to the code of conduct and its date.", "No exceptions noted.", 31, 6, 0, ""},
		{"For a sample of 12 of 118 people, inspected the yearly agreement.", "No exceptions noted.", 118, 12, 0, ""},
	}},
	"GOV-03": {"Roles, reporting lines and duties for security are written down and agreed to by the chief executive.", []line{
		{"Inspected the chart of roles in force over the period and its approval.", "No exceptions noted.", 0, 0, 0, ""},
	}},
	"HR-01": {"References and work history are checked before a person starts.", []line{
		{"For a sample of 6 of 31 joiners, inspected the record of the check and compared its date with the first working day.", "No exceptions noted.", 31, 6, 0, ""},
	}},
	"HR-02": {"People take the security course within 30 days of joining, and once a year.", []line{
		{"For a sample of 6 of 31 joiners, compared the day of the course with the day of joining.", "No exceptions noted.", 31, 6, 0, ""},
		{"For a sample of 12 of 118 people, inspected the yearly course.", "No exceptions noted.", 118, 12, 0, ""},
	}},
	"COM-01": {"Customers and staff can report a concern about security to an address that is watched every day.", []line{
		{"Sent a message to the address on an unannounced day and observed that it was answered within the time the procedure names.", "No exceptions noted.", 0, 0, 0, ""},
	}},
	"RSK-01": {"Risks to the commitments are assessed once a year and after large changes.", []line{
		{"Inspected the assessment of March 2026 and the one made after the move of a region in November 2026.", "No exceptions noted.", 2, 2, 0, ""},
	}},
	"RSK-02": {"The possibility of fraud is part of the assessment of risks.", []line{
		{"Inspected the assessment of March 2026 for fraud, and spoke with its author.", "No exceptions noted.", 1, 1, 0, ""},
	}},
	"MON-01": {"Controls are tested by management each month, and what is found is followed up.", []line{
		{"For 3 of 12 months, inspected the results of management's tests and the follow-up of each deviation.", "No exceptions noted.", 12, 3, 0, ""},
	}},
	"IAM-01": {"Every person signs in through the directory with a second factor.", []line{
		{"Inspected the directory's sign-in policy at 3 dates and its change history over the period, and attempted to sign in without a second factor.", "No exceptions noted.", 0, 0, 0, ""},
		{"Compared the list of 214 accounts of people with the accounts that have a second factor, at 365 daily observations.", "No exceptions noted.", 214, 214, 0, ""},
	}},
	"IAM-02": {"Access to production needs an approved request of limited time.", []line{
		{"For a sample of 40 of 1,382 grants, inspected the request, its approval by somebody else, and when it ended.", "No exceptions noted.", 1382, 40, 0, ""},
	}},
	"IAM-04": {"New access follows an approved request of the person's manager.", []line{
		{"For a sample of 25 of 262 additions, compared the access given with the request and its approval.", "No exceptions noted.", 262, 25, 0, ""},
	}},
	"IAM-05": {"Managers review the access of their people every quarter.", []line{
		{"For 2 of 4 quarters, inspected the review, whether it covered all accounts, and whether removals were made.", "No exceptions noted.", 4, 2, 0, ""},
	}},
	"IAM-06": {"Access of leavers is disabled within one business day.", []line{
		{"Inspected the leaver list of the personnel system and, for a sample of 15 of 148 leavers and contract ends, compared the time of termination with the time accounts were disabled in the directory, the cloud console and the code host.", "For 2 of 15 leavers tested, access to the code host was disabled 4 and 9 business days after termination.", 148, 15, 2, "X-1"},
	}},
	"IAM-08": {"Passwords of service accounts are kept in a vault and changed once a year.", []line{
		{"For a sample of 6 of 57 service accounts, inspected the entry in the vault and the date of the last change.", "No exceptions noted.", 57, 6, 0, ""},
	}},
	"NET-01": {"Traffic from outside reaches the system only through a firewall whose rules are reviewed twice a year.", []line{
		{"Inspected both reviews of the period and compared the rules in force with what was approved.", "No exceptions noted.", 2, 2, 0, ""},
	}},
	"CRY-01": {"Documents are encrypted in transit and at rest.", []line{
		{"Inspected the settings of all 38 stores and all 12 entrances at 365 daily observations, and attempted a connection without encryption.", "No exceptions noted.", 50, 50, 0, ""},
	}},
	"END-01": {"Computers of staff have disk encryption, screen lock and current updates.", []line{
		{"Inspected what 131 computers reported over the period, and for a sample of 13 looked at the computer itself.", "No exceptions noted.", 131, 13, 0, ""},
	}},
	"VUL-01": {"Weaknesses rated high are repaired within 30 days.", []line{
		{"For a sample of 25 of 311 weaknesses rated high, compared the day it was found with the day of the repair.", "No exceptions noted.", 311, 25, 0, ""},
	}},
	"LOG-01": {"Events of sign-in, administration and data access are kept for one year and watched by rules.", []line{
		{"Inspected the rules and the retention, caused 3 events and observed that they were kept and told.", "No exceptions noted.", 0, 0, 0, ""},
	}},
	"INC-01": {"Incidents are recorded, rated, handled by the plan and closed with what was learned.", []line{
		{"For 5 of 23 incidents, inspected the record from report to closure, and whether customers were told in time where the plan asks for it.", "No exceptions noted.", 23, 5, 0, ""},
	}},
	"INC-02": {"The plan for incidents is exercised once a year.", []line{
		{"Inspected the report of the exercise of 8 April 2026 and the follow-up.", "No exceptions noted.", 1, 1, 0, ""},
	}},
	"CHG-01": {"Every change to the system is reviewed by another person and passes its tests before it is merged.", []line{
		{"Inspected the rules of all 42 repositories at 365 daily observations, and attempted a direct push to one.", "No exceptions noted.", 42, 42, 0, ""},
		{"For a sample of 60 of 4,917 changes merged, inspected the review, the tests and who merged.", "No exceptions noted.", 4917, 60, 0, ""},
	}},
	"CHG-02": {"Emergency changes are reviewed within two business days.", []line{
		{"Inquired of management and inspected the list of changes. No emergency change occurred in the period, so operation could not be tested.", "Not tested: no emergency change occurred.", 0, 0, 0, ""},
	}},
	"VEN-01": {"Reports of subservice organizations are read once a year and their gaps followed up.", []line{
		{"Inspected the review of both reports, the controls expected there and the days not covered.", "No exceptions noted.", 2, 2, 0, ""},
	}},
	"VEN-02": {"New vendors who touch customers' documents are assessed before the contract.", []line{
		{"For 3 of 7 new vendors, inspected the assessment and its day.", "No exceptions noted.", 7, 3, 0, ""},
	}},
	"VEN-03": {"Support staff of others work under Halyard's accounts and policies.", []line{
		{"For 4 of 19 support staff, inspected account, second factor, course and agreement.", "No exceptions noted.", 19, 4, 0, ""},
	}},
	"PDS-1": {"Support staff sign in with Halyard accounts and a second factor.", []line{
		{"For 4 of 19 support staff, inspected how the account signs in, and attempted to sign in without the second factor.", "No exceptions noted.", 19, 4, 0, ""},
	}},
	"CAP-01": {"Use and capacity of the system are watched, and alarms are answered within 15 minutes.", []line{
		{"For a sample of 25 of 260 alarms, compared the time of the alarm with the first answer.", "No exceptions noted.", 260, 25, 0, ""},
	}},
	"BCP-01": {"Databases are backed up every day, in the other region too.", []line{
		{"For a sample of 25 of 730 daily backups, inspected the record of the backup and of its copy.", "No exceptions noted.", 730, 25, 0, ""},
	}},
	"BCP-02": {"Recovery from the other region is exercised twice a year.", []line{
		{"Inspected the reports of the exercises of the period.", "One of 2 exercises due took place. The second was not performed by 31 December 2026.", 2, 2, 1, "X-2"},
	}},
	"DAT-01": {"Documents are labeled by their class, and access follows the class.", []line{
		{"For a sample of 25 of 2,140 stores of documents, compared the label with who had access.", "No exceptions noted.", 2140, 25, 0, ""},
	}},
	"DAT-02": {"A customer's documents are erased within 60 days of the contract's end.", []line{
		{"For 6 of 28 contracts that ended, compared the end with the record of the erasure.", "No exceptions noted.", 28, 6, 0, ""},
	}},
}

// criteria are in our own short words.
var criteria = []struct {
	id, text string
	controls []string
}{
	{"CC1.1", "Integrity and ethical values are lived and expected.", []string{"GOV-01", "GOV-02"}},
	{"CC1.3", "Structures, reporting lines and authority are set.", []string{"GOV-03"}},
	{"CC1.4", "Competent people are found, developed and kept.", []string{"HR-01", "HR-02"}},
	{"CC2.3", "The company communicates with those outside about what matters to controls.", []string{"COM-01"}},
	{"CC3.2", "Risks to objectives are identified and analyzed.", []string{"RSK-01"}},
	{"CC3.3", "Fraud is considered among the risks.", []string{"RSK-02"}},
	{"CC4.1", "Whether controls are present and work is evaluated.", []string{"MON-01"}},
	{"CC6.1", "Access to protected information is restricted by software, infrastructure and architecture.", []string{"IAM-01", "IAM-02", "IAM-08", "CRY-01", "PDS-1"}},
	{"CC6.2", "Users are registered and authorized before they get access, and removed when it is no longer authorized.", []string{"IAM-04", "IAM-06"}},
	{"CC6.3", "Access follows roles and duties, and is reviewed.", []string{"IAM-05", "VEN-03"}},
	{"CC6.6", "Threats from outside the boundary are kept out.", []string{"NET-01"}},
	{"CC6.7", "Information is protected while it moves and when it leaves.", []string{"END-01"}},
	{"CC7.1", "Weaknesses are found and watched.", []string{"VUL-01"}},
	{"CC7.2", "Anomalies are watched and judged.", []string{"LOG-01"}},
	{"CC7.4", "Incidents are answered by a plan.", []string{"INC-01", "INC-02"}},
	{"CC8.1", "Changes are authorized, tested, approved and put in place.", []string{"CHG-01", "CHG-02"}},
	{"CC9.2", "Risks from vendors and partners are managed.", []string{"VEN-01", "VEN-02"}},
	{"A1.1", "Capacity is watched and planned.", []string{"CAP-01"}},
	{"A1.2", "Environmental protections, backups and recovery are in place.", []string{"BCP-01"}},
	{"A1.3", "Recovery is tested.", []string{"BCP-02"}},
	{"C1.1", "Confidential information is identified and kept.", []string{"DAT-01"}},
	{"C1.2", "Confidential information is disposed of.", []string{"DAT-02"}},
}

var hipaa = []struct {
	id, text string
	controls []string
}{
	{"164.308(a)(3)(ii)(C)", "Procedures for ending access", []string{"IAM-06"}},
	{"164.312(a)(2)(iv)", "Encryption and decryption", []string{"CRY-01"}},
	{"164.312(d)", "Person or entity authentication", []string{"IAM-01", "VEN-03"}},
}

func groups() []attest.Group {
	var out []attest.Group
	for _, c := range criteria {
		g := attest.Group{ID: c.id, Text: c.text}
		for _, id := range c.controls {
			g.Controls = append(g.Controls, tested(id))
		}
		out = append(out, g)
	}
	return out
}

func mapped() []attest.Group {
	var out []attest.Group
	for _, c := range hipaa {
		g := attest.Group{ID: c.id, Set: "hipaa-security", Text: c.text}
		for _, id := range c.controls {
			g.Controls = append(g.Controls, attest.Control{ID: id, Text: controls[id].text, Outcome: outcome(controls[id])})
		}
		out = append(out, g)
	}
	return out
}

// operators are who operates the controls that are not Halyard's.
var operators = map[string]string{"PDS-1": "Pilot Desk Support GmbH"}

func tested(id string) attest.Control {
	c := controls[id]
	out := attest.Control{ID: id, Text: c.text, Outcome: outcome(c), By: operators[id]}
	for i, l := range c.tests {
		t := attest.Test{
			ID: "T-" + id + "-" + string(rune('1'+i)), Text: l.text, Result: l.result,
			Population: l.population, Drawn: l.sample, Sample: l.sample, Exceptions: l.exceptions, Paper: paper(id + l.text),
		}
		if l.finding != "" {
			t.Findings = []string{l.finding}
		}
		out.Tests = append(out.Tests, t)
	}
	return out
}

func outcome(c control) string {
	for _, l := range c.tests {
		if l.exceptions > 0 {
			return "exceptions noted"
		}
		if l.result != "No exceptions noted." {
			return "did not occur in the period"
		}
	}
	return "no exceptions noted"
}

func paper(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// described are the ids of all controls, as the description names them.
func described() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(controls)), func(id string) bool { return operators[id] != "" })
}
