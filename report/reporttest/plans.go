package reporttest

import (
	"time"

	"tieout/audit"
)

// A trouble is one thing that did not go as it should.
type trouble struct {
	outcome  audit.Outcome
	span     audit.Span
	n        int // which item, occurrence or window
	reason   string
	decided  audit.Disposition
	response string
	name     string
}

// A plan is one control and what its procedure is to find.
type plan struct {
	id, title string
	criteria  []string
	owner     string
	happens   string
	form      audit.Form
	items     int // items, occurrences, or months of a window
	troubles  []trouble
}

func span(m1 time.Month, d1 int, m2 time.Month, d2 int) audit.Span {
	return audit.Span{From: at(m1, d1), To: at(m2, d2)}
}

func list(ids ...string) []string { return ids }

const (
	continuous = audit.Continuous
	event      = audit.Event
	cadence    = audit.Cadence
	manual     = audit.Manual
)

var plans = []plan{
	{"HRS-01", "Background check before the first day", list("CC1.4"), "P. Novak", "Each hire", event, 11, nil},
	{"HRS-02", "Policies acknowledged within 14 days", list("CC1.4"), "P. Novak", "Each person", event, 44, []trouble{
		{outcome: audit.Late, n: 31, reason: "Acknowledged 19 days after it was published; 14 were allowed."}}},
	{"HRS-03", "Security training completed each year", list("CC1.4"), "P. Novak", "Yearly", cadence, 12, nil},
	{"HRS-04", "New people trained in their first month", list("CC1.4"), "P. Novak", "Each hire", event, 11, nil},
	{"ENT-01", "The board oversees security", list("CC1.4"), "A. Reyes", "Quarterly", manual, 0, nil},
	{"ENT-02", "Roles and duties are written down", list("CC1.4"), "A. Reyes", "Yearly", manual, 0, nil},
	{"RSK-01", "Risk assessment reviewed by leadership", list("CC3.2"), "A. Reyes", "Yearly", cadence, 12, nil},
	{"RSK-02", "Control owners review their own controls", list("CC3.2"), "A. Reyes", "Quarterly", cadence, 3, nil},
	{"RSK-03", "High risks are treated by their date", list("CC3.2"), "A. Reyes", "Each risk", event, 8, nil},
	{"IAM-01", "Accounts belong to a person or a named service", list("CC6.1"), "T. Kovac", "Daily check", continuous, 212, nil},
	{"IAM-02", "Passwords follow the standard", list("CC6.1"), "T. Kovac", "Daily check", continuous, 212, nil},
	{"IAM-03", "Administrators are few and named", list("CC6.1"), "T. Kovac", "Daily check", continuous, 12, nil},
	{"IAM-04", "Production database: on-call role only", list("CC6.1"), "T. Kovac", "Daily check", continuous, 48, []trouble{
		{outcome: audit.Deviated, n: 7, span: audit.Span{From: at(3, 12).Add(20*time.Hour + 41*time.Minute), To: at(3, 15).Add(9*time.Hour + 40*time.Minute)}, decided: audit.Confirmed,
			reason: "The account held role db-admin outside the on-call rota.", response: "The role had been granted by hand during an incident. It now expires after eight hours."}}},
	{"IAM-05", "Service keys are rotated within 90 days", list("CC6.1"), "T. Kovac", "Daily check", continuous, 34, []trouble{
		{outcome: audit.Deviated, n: 3, span: span(5, 2, 5, 9), reason: "The key was 97 days old.", name: Hostile},
		{outcome: audit.Deviated, n: 9, span: span(6, 20, 6, 22), reason: "The key was 92 days old.", name: Formula, decided: audit.NotDeviation}}},
	{"IAM-06", "Every active person's account signs in with a second factor", list("CC6.1"), "T. Kovac", "Daily check", continuous, 187, nil},
	{"IAM-07", "Access to in-scope systems reviewed", list("CC6.2"), "M. Silva", "Quarterly", cadence, 3, []trouble{
		{outcome: audit.Late, n: 1, reason: "Completed nine days after it was due."}}},
	{"IAM-08", "Access removed within a day of leaving", list("CC6.2"), "M. Silva", "Each leaver", event, 9, []trouble{
		{outcome: audit.Deviated, n: 5, reason: "The account of the code host was disabled 4 days after the last day of work.", name: "leaver 2026-031"}}},
	{"IAM-09", "Access granted only after approval", list("CC6.2"), "M. Silva", "Each grant", event, 96, nil},
	{"IAM-10", "Guests are reviewed each month", list("CC6.2"), "M. Silva", "Monthly", cadence, 1, nil},
	{"IAM-11", "Break-glass use is reviewed within 2 days", list("CC6.2"), "M. Silva", "Each use", event, 0, nil},
	{"NET-01", "Data in transit is encrypted", list("CC6.1"), "D. Okafor", "Daily check", continuous, 73, nil},
	{"NET-02", "Firewall and edge rules reviewed", list("CC6.1"), "T. Kovac", "Monthly", cadence, 1, []trouble{
		{outcome: audit.NoEvidence, n: 4, reason: "No record of a review was collected for the window."}}},
	{"NET-03", "No database is open to the internet", list("CC6.1"), "D. Okafor", "Daily check", continuous, 41, nil},
	{"NET-04", "Production and test networks are apart", list("CC6.1"), "D. Okafor", "Daily check", continuous, 12, nil},
	{"DEV-01", "Laptops are encrypted", list("CC6.1"), "D. Okafor", "Daily check", continuous, 61, []trouble{
		{outcome: audit.NoEvidence, span: span(7, 21, 7, 23), reason: "Page 3 of 7: 502 Bad Gateway."}}},
	{"DEV-02", "Malware protection active on every laptop", list("CC6.1"), "D. Okafor", "Daily check", continuous, 61, []trouble{
		{outcome: audit.NoEvidence, span: span(7, 21, 7, 23), reason: "Page 3 of 7: 502 Bad Gateway."}}},
	{"DEV-03", "Laptops lock themselves", list("CC6.1"), "D. Okafor", "Daily check", continuous, 61, []trouble{
		{outcome: audit.NoEvidence, span: span(7, 21, 7, 23), reason: "Page 3 of 7: 502 Bad Gateway."}}},
	{"DEV-04", "Operating systems are patched within 30 days", list("CC7.1"), "D. Okafor", "Daily check", continuous, 58, nil},
	{"VUL-01", "Critical vulnerabilities fixed within 14 days", list("CC7.1"), "D. Okafor", "Each finding", event, 37, nil},
	{"VUL-02", "High vulnerabilities fixed within 30 days", list("CC7.1"), "D. Okafor", "Each finding", event, 118, []trouble{
		{outcome: audit.Deviated, n: 64, reason: "Fixed after 44 days.", decided: audit.Confirmed}, {outcome: audit.Deviated, n: 71, reason: "Fixed after 39 days."}}},
	{"VUL-03", "Images are scanned before release", list("CC7.1"), "D. Okafor", "Each release", event, 402, nil},
	{"VUL-04", "An outside party tests the service", list("CC7.1"), "D. Okafor", "Yearly", cadence, 12, nil},
	{"MON-01", "Audit logs are on in every account", list("CC7.1"), "J. Lind", "Daily check", continuous, 9, nil},
	{"MON-02", "Audit logs are kept for a year", list("CC7.1"), "J. Lind", "Daily check", continuous, 9, nil},
	{"MON-03", "Alerts have someone on call", list("CC7.1"), "J. Lind", "Daily check", continuous, 4, nil},
	{"MON-04", "Alerts are answered within an hour", list("CC7.1"), "J. Lind", "Each alert", event, 264, []trouble{
		{outcome: audit.Late, n: 90, reason: "Answered after 2 hours and 10 minutes."}}},
	{"INC-01", "Incidents reviewed within 10 days", list("CC7.4"), "D. Okafor", "Each incident", event, 3, nil},
	{"INC-02", "Customers told within 72 hours", list("CC7.4"), "D. Okafor", "Each incident", event, 0, nil},
	{"INC-03", "The incident plan is rehearsed", list("CC7.4"), "D. Okafor", "Yearly", cadence, 12, nil},
	{"CHG-01", "Default branches are protected", list("CC8.1"), "J. Lind", "Daily check", continuous, 14, nil},
	{"CHG-02", "Changes reviewed and tested before merge", list("CC8.1"), "J. Lind", "Each change", event, 1846, []trouble{
		{outcome: audit.Deviated, n: 1540, reason: "Merged without a recorded review by another person.", name: "halyard/ledger!4102"}}},
	{"CHG-03", "Deployments come from reviewed changes", list("CC8.1"), "J. Lind", "Each deployment", event, 931, nil},
	{"CHG-04", "Emergency changes are reviewed afterwards", list("CC8.1"), "J. Lind", "Each emergency", event, 5, nil},
	{"CHG-05", "Infrastructure changes come from code", list("CC8.1"), "J. Lind", "Each change", event, 211, nil},
	{"CHG-06", "Customers hear of large changes first", list("CC8.1"), "J. Lind", "Each change", manual, 0, nil},
	{"VEN-01", "Vendor SOC reports reviewed", list("CC9.2"), "A. Reyes", "Each vendor", event, 12, nil},
	{"VEN-02", "Vendors are approved before use", list("CC9.2"), "A. Reyes", "Each vendor", event, 7, nil},
	{"VEN-03", "Contracts carry security terms", list("CC9.2"), "A. Reyes", "Daily check", continuous, 31, nil},
	{"AVL-01", "Capacity watched against agreed limits", list("A1.2"), "J. Lind", "Daily check", continuous, 22, nil},
	{"AVL-02", "Backups run every day", list("A1.2"), "J. Lind", "Each backup", event, 257, nil},
	{"AVL-03", "Backup restored to a clean environment", list("A1.2"), "J. Lind", "Half-yearly", cadence, 6, nil},
	{"AVL-04", "Service runs in two zones", list("A1.2"), "J. Lind", "Daily check", continuous, 6, nil},
	{"AVL-05", "Recovery plan exercised", list("A1.2"), "J. Lind", "Yearly", cadence, 12, nil},
	{"CNF-01", "Customer data erased after exit", list("C1.2"), "J. Lind", "Each exit", event, 6, nil},
	{"CNF-02", "Storage is encrypted", list("C1.2"), "J. Lind", "Daily check", continuous, 58, nil},
	{"CNF-03", "Buckets with customer data are private", list("C1.2"), "J. Lind", "Daily check", continuous, 19, nil},
	{"CNF-04", "Test data holds no customer data", list("C1.2"), "J. Lind", "Quarterly", cadence, 3, nil},
	{"CNF-05", "Media are wiped before they leave", list("C1.2"), "D. Okafor", "Each device", event, 4, nil},
	{"CNF-06", "Confidential documents are labeled", list("C1.2"), "J. Lind", "Yearly", manual, 0, nil},
	{"CNF-07", "Retention periods are applied", list("C1.2"), "J. Lind", "Monthly", cadence, 1, nil},
}
