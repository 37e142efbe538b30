package demo

import "time"

const (
	lateVendor   = 3
	latePolicy   = 5
	overdueRisk  = 7
	newVendor    = 12 // approved before its use started
	hastyVendor  = 13 // used before it was approved
	formerVendor = 14
)

var vendorNames = []string{"Cumulo Hosting", "Signet Identity", "Gitterbox Code", "Tidepost Mail", "Larkfield Payroll", "Portcullis Edge", "Bramble Support Desk",
	"Quillon Books", "Fathom Monitoring", "Keystone Backups", "Osprey Background Checks", "Meridian Penetration Testing", "Foxglove Signatures", "Halcyon Surveys", "Ravel Calendars"}

var vendorTiers = []string{"Critical", "Critical", "Critical", "Critical", "High", "High", "Medium", "Medium", "High", "High", "Medium", "Medium", "Low", "Low", "Low"}

func (w *world) vendorTable() *table {
	t := &table{n: len(vendorNames), cols: columns("vendor_id name tier status subservice approved started last_review owner security_terms personal_data soc_report_end")}
	t.make = func(i int) (thing, bool) {
		started := addDays(day(2021, 3, 1), i*37)
		approved := addDays(started, -20)
		b := t.build().set("vendor_id", "V-"+itoa(101+i), "name", vendorNames[i], "tier", vendorTiers[i], "status", "Active", "subservice", yes(i < 2),
			"owner", "E0005", "security_terms", "yes", "personal_data", yes(i%3 == 1))
		switch i {
		case newVendor:
			started, approved = day(2025, 5, 12), day(2025, 4, 28)
		case hastyVendor:
			started, approved = day(2025, 8, 4), day(2025, 8, 25)
		case formerVendor:
			b.at(clock(2025, 6, 30, 17, 0), "status", "Ended")
		}
		b.set("started", dateText(started), "approved", dateText(approved))
		if started.After(firstDay) {
			b.th.born = on(started, 12, 0)
			if approved.After(started) {
				b.set("approved", "").at(on(approved, 12, 0), "approved", dateText(approved))
			}
		}
		vendorReviews(b, i, started)
		return b.done()
	}
	return t
}

// vendorReviews dates the yearly reviews, each eleven months after the last,
// and the newest report of the vendors that give one.
func vendorReviews(b *builder, i int, started time.Time) {
	first := day(2024, 2+i%8, 5)
	if started.After(first) {
		first = addDays(started, -14)
	}
	b.set("last_review", dateText(first))
	for d := nextWorkday(first.AddDate(0, 11, 0)); d.Before(exportsEnd); d = nextWorkday(d.AddDate(0, 11, 0)) {
		if i == lateVendor && d.Before(day(2025, 9, 22)) {
			d = day(2025, 9, 22)
		}
		b.at(on(d, 15, 0), "last_review", dateText(d))
	}
	if vendorTiers[i] == "Critical" || vendorTiers[i] == "High" {
		b.set("soc_report_end", "2024-09-30")
		b.at(clock(2025, 5, 20, 10, 0), "soc_report_end", "2025-03-31")
		if vendorNames[i] != "Signet Identity" { // whose next report has not come
			b.at(clock(2025, 11, 24, 10, 0), "soc_report_end", "2025-09-30")
		}
	}
}

var riskTitles = []string{"Loss of the hosting region", "Account takeover of an engineer", "Wrong matching goes unnoticed", "Partner file with malicious content", "Key person leaves",
	"Fraudulent change of payout details", "Legacy import service fails", "Supplier stops service", "Personal data sent to the wrong customer", "Ransom demand", "Law on payment data changes", "Office unavailable"}

func (w *world) riskTable() *table {
	t := &table{n: len(riskTitles), cols: columns("risk_id title owner treatment level assessed due status")}
	t.make = func(i int) (thing, bool) {
		b := t.build().set("risk_id", "R-"+itoa(i+1), "title", riskTitles[i], "owner", "E000"+itoa(1+i%8), "treatment", []string{"Mitigate", "Mitigate", "Accept", "Transfer"}[i%4],
			"level", []string{"Medium", "Low", "Medium", "High"}[i%4], "assessed", "2024-12-09", "due", "2026-06-30", "status", "Open")
		for _, d := range []time.Time{day(2025, 3, 10), day(2025, 6, 9), day(2025, 9, 8), day(2025, 12, 8)} {
			b.at(on(d, 14, 0), "assessed", dateText(d))
		}
		if i == overdueRisk {
			b.set("due", "2025-09-30").at(clock(2025, 11, 14, 16, 0), "status", "Treated")
		}
		return b.done()
	}
	return t
}

// A paper is a document of the register. The first eight are policies that
// everybody acknowledges.
type paper struct{ id, title, kind string }

var papers = []paper{
	{"security-policy", "Information security policy", "Policy"}, {"code-of-conduct", "Code of conduct", "Policy"}, {"acceptable-use-policy", "Acceptable use policy", "Policy"},
	{"access-policy", "Access policy", "Policy"}, {"change-policy", "Change policy", "Policy"}, {"backup-policy", "Backup policy", "Policy"}, {"data-handling-policy", "Data handling policy", "Policy"},
	{"incident-policy", "Incident policy", "Policy"}, {"incident-response-plan", "Incident response plan", "Plan"}, {"business-continuity-recovery-plan", "Business continuity and recovery plan", "Plan"},
	{"oversight-charter", "Oversight charter", "Charter"}, {"architecture-diagram", "Architecture diagram", "Diagram"}, {"processing-specification", "Processing specification", "Procedure"},
	{"privacy-notice", "Privacy notice", "Notice"}, {"asset-register", "Asset register", "Register"}, {"hardening-baseline", "Hardening baseline", "Procedure"},
}

const acknowledgedPapers = 8

// paperVersion is the version in force in a year; each is approved in January,
// a few days earlier than the one before it.
func paperVersion(y int) string { return itoa(y) + ".1" }

func approvalDay(y int) time.Time { return day(y, 1, 16-7*(y-2025)) }

// versionOn is the version that was in force at t.
func versionOn(t time.Time) string {
	if t.Before(on(approvalDay(t.Year()), 11, 0)) {
		return paperVersion(t.Year() - 1)
	}
	return paperVersion(t.Year())
}

func (w *world) documentTable() *table {
	t := &table{n: len(papers), cols: columns("document_id title type version status owner approved_by approved reviewed")}
	t.make = func(i int) (thing, bool) {
		p := papers[i]
		first := dateText(day(2024, 1, 24))
		b := t.build().set("document_id", p.id, "title", p.title, "type", p.kind, "version", paperVersion(2024), "status", "Approved", "owner", "E0003",
			"approved_by", "E0001", "approved", first, "reviewed", first)
		for y := 2025; y <= 2026; y++ {
			d := approvalDay(y)
			if i == latePolicy && y == 2025 {
				d = day(2025, 3, 17)
			}
			b.at(on(d, 11, 0), "version", paperVersion(y), "approved", dateText(d), "reviewed", dateText(d))
		}
		return b.done()
	}
	return t
}
