package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/access"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report"
)

type vendorRow struct {
	V                                      program.Vendor
	Href, Owner, Reviewed, Report, Started string
	Late                                   bool
	Cover                                  string // of a subservice organization: how much of the period its reports speak of
	Fresh                                  string // of the report that reaches furthest: how old it is
	Next                                   string // when its next report is expected; ""
	Overdue                                bool   // and has not come
}

// vendorRow is a vendor's row; reports are its own, the one that reaches furthest
// first.
func (q *request) vendorRow(v program.Vendor, reports []program.VendorReport) vendorRow {
	row := vendorRow{V: v, Href: q.at("vendors", v.ID), Owner: q.name(v.Owner), Reviewed: q.dayOr(v.Reviewed, "Never"), Report: q.dayOr(v.ReportEnd, "None"),
		Started: q.dayOr(v.Started, "Not yet"), Late: answer.NotReviewed(v, q.now())}
	today := q.now().In(q.zone())
	if v.Status != "ended" {
		row.Next, row.Overdue = answer.Expected(reports, today)
	}
	if len(reports) > 0 {
		row.Fresh = string(reports[0].Type) + ": " + answer.Freshness(&reports[0], today)
	}
	return row
}

// reportsByVendor are all suppliers' reports, each supplier's the one that reaches
// furthest first.
func (q *request) reportsByVendor() (map[string][]program.VendorReport, error) {
	all, err := q.book.ReportsOfVendor(q.Context(), "")
	out := map[string][]program.VendorReport{}
	for _, r := range all {
		out[r.Vendor] = append(out[r.Vendor], r)
	}
	return out, err
}

// byNext puts vendors whose next report is expected first, the earliest of them
// first, and leaves the others as they are.
func byNext(list []program.Vendor, reports map[string][]program.VendorReport) {
	day := func(v program.Vendor) string {
		next := program.Expected(reports[v.ID])
		if len(next) == 0 || v.Status == "ended" {
			return "~" // after every day
		}
		return next[0].Day
	}
	slices.SortStableFunc(list, func(a, b program.Vendor) int { return strings.Compare(day(a), day(b)) })
}

// A vendorList is the register as its list is asked for.
type vendorList struct {
	all                       []program.Vendor // within reach
	reports                   map[string][]program.VendorReport
	status, tier, text, order string
	today                     time.Time
}

// vendorList reads what the address asks for.
func (q *request) vendorList() (vendorList, error) {
	v := q.URL.Query()
	l := vendorList{status: v.Get("status"), tier: v.Get("tier"), text: strings.TrimSpace(v.Get("q")), order: v.Get("order"), today: q.now().In(q.zone())}
	all, err := q.book.AllVendors(q.Context())
	if err != nil {
		return l, err
	}
	l.all = slices.DeleteFunc(all, func(v program.Vendor) bool { return !q.may("register.read", q.ofVendor(v)) })
	l.reports, err = q.reportsByVendor()
	return l, err
}

// picked are the vendors of a state and a tier with the words in them.
func (q *request) picked(l vendorList, status, tier string) (out []program.Vendor) {
	for _, v := range l.all {
		_, late := answer.Expected(l.reports[v.ID], l.today)
		in := status == "" || v.Status == status || status == "subservice" && v.Subservice || status == "late" && answer.NotReviewed(v, q.now()) || status == "overdue" && late && v.Status != "ended"
		if in && (tier == "" || v.Tier == tier || tier == "none" && v.Tier == "") && matches(l.text, v.ID, v.Name, q.name(v.Owner)) {
			out = append(out, v)
		}
	}
	return out
}

// listAt is the address of the list as it is asked for, with some of it otherwise.
func (q *request) listAt(l vendorList, change ...string) string {
	v := map[string]string{"status": l.status, "tier": l.tier, "q": l.text, "order": l.order}
	for i := 0; i+1 < len(change); i += 2 {
		v[change[i]] = change[i+1]
	}
	return q.to("/vendors", "status", v["status"], "tier", v["tier"], "q", v["q"], "order", v["order"], "format", v["format"])
}

// vendorFilters are the list's filters with how many each would show.
func (q *request) vendorFilters(l vendorList) (states, tiers []stateFilter) {
	for _, f := range [][2]string{{"", "All"}, {"active", "In use"}, {"proposed", "Proposed"}, {"ended", "Ended"}, {"subservice", "Subservice organizations"}, {"late", "Not reviewed within a year"}, {"overdue", "Next report overdue"}} {
		states = append(states, stateFilter{"", f[1], report.Number(len(q.picked(l, f[0], l.tier))), q.listAt(l, "status", f[0]), l.status == f[0]})
	}
	for _, f := range [][2]string{{"", "Any tier"}, {"critical", "Critical"}, {"high", "High"}, {"medium", "Medium"}, {"low", "Low"}, {"none", "Not tiered"}} {
		tiers = append(tiers, stateFilter{"", f[1], report.Number(len(q.picked(l, l.status, f[0]))), q.listAt(l, "tier", f[0]), l.tier == f[0]})
	}
	return states, tiers
}

func (q *request) vendors() error {
	l, err := q.vendorList()
	if err != nil {
		return err
	}
	list := q.picked(l, l.status, l.tier)
	if l.order == "next" {
		byNext(list, l.reports)
	}
	if q.URL.Query().Get("format") == "csv" {
		return q.vendorsCSV(list, l.reports)
	}
	from := q.from(len(list))
	data := struct {
		*page
		Filters, Tiers   []stateFilter
		Rows             []vendorRow
		Pager            pager
		Write            bool
		CSV, Text, Clear string
		Chain            *vendorChain // where all vendors are shown
		Order            link         // the other one
		Sort             string
	}{page: &q.page, Write: q.may("register.write", access.Object{}), Text: l.text, CSV: q.listAt(l, "format", "csv"), Sort: l.order,
		Pager: q.pager("/vendors", from, len(list), "status", l.status, "tier", l.tier, "q", l.text, "order", l.order), Order: link{"Next report first", q.listAt(l, "order", "next")}}
	if l.order == "next" {
		data.Order = link{"In use and critical first", q.listAt(l, "order", "")}
	}
	data.Filters, data.Tiers = q.vendorFilters(l)
	for _, v := range list[from:min(len(list), from+pageLength)] {
		row := q.vendorRow(v, l.reports[v.ID])
		if v.Subservice {
			row.Cover = answer.Cover(q.coverOf(l.reports[v.ID]))
		}
		data.Rows = append(data.Rows, row)
	}
	if l.status+l.tier+l.text != "" {
		data.Clear = q.to("/vendors")
	} else if len(l.all) > 0 {
		chain := q.vendorChain(l.all, l.reports)
		data.Chain = &chain
	}
	q.Title, q.Heading, q.Wide = "Vendors", "Vendors", true
	q.Say = answer.Vendors(l.all, q.now())
	q.Code = []string{"tieout vendor list"}
	return q.render("vendors.html", data)
}

func (q *request) vendorsCSV(list []program.Vendor, reports map[string][]program.VendorReport) error {
	rows := make([][]string, len(list))
	for i, v := range list {
		next := ""
		if x := program.Expected(reports[v.ID]); len(x) > 0 && v.Status != "ended" {
			next = x[0].Day
		}
		rows[i] = []string{v.ID, v.Name, v.Service, v.Tier, v.Status, q.name(v.Owner), strconv.FormatBool(v.Subservice), strconv.FormatBool(v.Terms), strconv.FormatBool(v.Personal),
			timeCell(v.Approved), timeCell(v.Started), timeCell(v.Reviewed), timeCell(v.ReportEnd), timeCell(v.Mapped), timeCell(v.Ended),
			next, v.Role, v.Kind, strconv.FormatBool(v.Associate), timeCell(v.Agreement)}
	}
	return q.asCSV("vendors", []string{"vendor", "name", "what it does", "tier", "status", "owner", "subservice organization", "security terms", "personal data", "approved", "started", "reviewed",
		"report ends", "user controls mapped", "ended", "next report expected", "role with personal data", "kind", "business associate", "business associate agreement"}, rows)
}
