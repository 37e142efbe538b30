package engaged

// A wording is how the firm words the test it performs on the items of one of
// Halyard's procedures, and what it confirms of each item.
type wording struct{ did, confirmed string }

// wordings are the firm's, by procedure of Halyard's. A plan that needs one that
// is not here is refused: no test is worded by what somebody else computed.
var wordings = joined(ofPeople, ofAccess, ofChange, ofPlatform, ofRoutines)

func joined(tables ...map[string]wording) map[string]wording {
	all := map[string]wording{}
	for _, t := range tables {
		for id, w := range t {
			all[id] = w
		}
	}
	return all
}

// ofPeople are about people, policies, vendors and risks.
var ofPeople = map[string]wording{
	"people.background":             {"For each person selected who joined in the period, inspected the result of the background check and compared its date with the first working day.", "A background check was complete before the first working day."},
	"people.confidentiality":        {"For each person selected who joined in the period, inspected the signed confidentiality terms and compared the date of the signature with the first working day.", "The confidentiality terms were signed on or before the first working day."},
	"people.onboarding":             {"For each person selected who joined in the period, inspected the onboarding checklist and the date of its completion.", "The onboarding checklist was complete within five business days of the first working day."},
	"people.offboarding":            {"For each person selected who left in the period, inspected the offboarding checklist and the date of its completion.", "The offboarding checklist was complete within five business days of the last working day."},
	"people.training":               {"For each person selected who joined in the period, inspected the record of the first security training.", "The person completed security training within 30 days of joining."},
	"people.training.yearly":        {"For each person selected of those employed throughout 2025, inspected the record of the year's security training.", "The person completed security training in 2025."},
	"people.acknowledgement":        {"For each person selected who joined in the period, inspected the person's signature under the code of conduct and the policies, and the date of each.", "The person signed each document within 30 days of joining."},
	"people.acknowledgement.yearly": {"For each person selected of those employed throughout 2025, inspected the year's signatures under the code of conduct and the policies.", "The person signed each document in 2025."},
	"people.performance":            {"For each employee selected, inspected the record of the last performance review and its date.", "The employee's performance was reviewed within a year."},
	"people.manager":                {"For each person selected, inspected whom the personnel system shows the person to report to, and whether that manager was employed.", "The person reported to a manager who was employed."},
	"policy.review":                 {"For each policy in force, inspected its approval and the date of its last review.", "The policy was approved, and reviewed within a year."},
	"policy.exceptions":             {"For each exception to policy that was in effect in the period, inspected the ticket for its approval, its expiry date and the day on which the exception ended.", "The exception was approved, had an expiry date, and was not in use after it."},
	"vendor.approval":               {"For each vendor whose use began in the period, inspected the assessment and compared the date of its approval with the start of use.", "The vendor was approved before its use began."},
	"vendor.register":               {"For a sample of the vendors in use, inspected the register for an owner and a tier.", "The register names an owner and a tier for the vendor."},
	"vendor.review":                 {"For each critical and high-tier vendor and each subservice organization, inspected the records of its reviews and compared their dates.", "The vendor was reviewed within a year of the review before."},
	"vendor.report":                 {"For each subservice organization the register names, inspected the newest service auditor's report that Halyard holds and compared the end of its period with the date.", "Halyard held a report whose period had ended no more than a year before."},
	"vendor.terms":                  {"For a sample of the vendors in use, inspected the contract for security and confidentiality terms.", "The contract has security and confidentiality terms."},
	"risk.assessment":               {"Inspected the risk assessment of the year, its date and leadership's approval of it.", "A risk assessment was carried out in the year and approved."},
	"risk.register":                 {"For each open risk, inspected the register for the date of its last assessment.", "The risk was assessed within a year."},
	"risk.treatment":                {"For each open risk of high level, inspected the owner, the treatment and the due date, and whether the treatment was done by then.", "The risk has an owner and a treatment that was done by its due date."},
	"document.baseline":             {"Inspected the hardening baseline, its approval and the date of its last review.", "The baseline is approved, and was reviewed within a year."},
	"document.notice":               {"Inspected the privacy notice, its date, its approval and the date of its last review.", "The notice is published with a date, and was reviewed within a year."},
	"halyard.specification":         {"Inspected the processing specification of Ledger for inputs, processing, outputs and definitions of data, its approval and the date of its last review.", "The specification is approved, and was reviewed within a year."},
	"plan.continuity":               {"Inspected the continuity and recovery plan for critical services, objectives, roles and steps, its approval and the date of its last review.", "The plan is approved, and was reviewed within a year."},
	"plan.incident":                 {"Inspected the incident response plan for roles, severities, steps and communication, its approval and the date of its last review.", "The plan is approved, and was reviewed within a year."},
	"deficiency.closure":            {"For each deficiency due in the period, inspected its ticket for owner, due date and the date on which it was closed.", "The deficiency was closed by its due date."},
}
