package web

import (
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/policy"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report"
)

// vendorRoutes are the register of suppliers.
var vendorRoutes = []route{
	{pattern: "GET /vendors", needs: "register.read", on: anything, do: (*request).vendors},
	{pattern: "GET /vendors/new", needs: "register.write", do: (*request).vendorForm},
	{pattern: "POST /vendors/new", needs: "register.write", do: (*request).writeVendor},
	{pattern: "GET /vendors/{id}", needs: "register.read", on: theVendor, do: (*request).vendor},
	{pattern: "GET /vendors/{id}/edit", needs: "register.write", do: (*request).vendorForm},
	{pattern: "POST /vendors/{id}/edit", needs: "register.write", do: (*request).writeVendor},
}

func theVendor(q *request) (access.Object, error) {
	v, err := q.book.Vendor(q.Context(), q.PathValue("id"))
	if err != nil {
		return access.Object{}, q.unknown(err, "register.read")
	}
	return q.ofVendor(v), nil
}

// ofVendor is a vendor for the table of rights: the whole workspace's.
func (q *request) ofVendor(v program.Vendor) access.Object { return q.sight().OfVendor(v) }

type vendorRow struct {
	V                                      program.Vendor
	Href, Owner, Reviewed, Report, Started string
	Late                                   bool
	Cover                                  string // of a subservice organization: how much of the period its reports speak of
}

func (q *request) vendorRow(v program.Vendor) vendorRow {
	return vendorRow{V: v, Href: q.at("vendors", v.ID), Owner: q.name(v.Owner), Reviewed: q.dayOr(v.Reviewed, "Never"), Report: q.dayOr(v.ReportEnd, "None"),
		Started: q.dayOr(v.Started, "Not yet"), Late: answer.NotReviewed(v, q.now())}
}

func (q *request) vendors() error {
	all, err := q.book.AllVendors(q.Context())
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(v program.Vendor) bool { return !q.may("register.read", q.ofVendor(v)) })
	query := q.URL.Query()
	status, tier, text := query.Get("status"), query.Get("tier"), strings.TrimSpace(query.Get("q"))
	is := func(v program.Vendor, status, tier string) bool {
		return (status == "" || v.Status == status || status == "subservice" && v.Subservice || status == "late" && answer.NotReviewed(v, q.now())) &&
			(tier == "" || v.Tier == tier || tier == "none" && v.Tier == "") && matches(text, v.ID, v.Name, q.name(v.Owner))
	}
	var list []program.Vendor
	for _, v := range all {
		if is(v, status, tier) {
			list = append(list, v)
		}
	}
	if query.Get("format") == "csv" {
		return q.vendorsCSV(list)
	}
	from := q.from(len(list))
	data := struct {
		*page
		Filters, Tiers   []stateFilter
		Rows             []vendorRow
		Pager            pager
		Write            bool
		CSV, Text, Clear string
	}{page: &q.page, Write: q.may("register.write", access.Object{}), Text: text, CSV: q.to("/vendors", "status", status, "tier", tier, "q", text, "format", "csv"),
		Pager: q.pager("/vendors", from, len(list), "status", status, "tier", tier, "q", text)}
	count := func(status, tier string) string {
		n := 0
		for _, v := range all {
			if is(v, status, tier) {
				n++
			}
		}
		return report.Number(n)
	}
	for _, f := range [][2]string{{"", "All"}, {"active", "In use"}, {"proposed", "Proposed"}, {"ended", "Ended"}, {"subservice", "Subservice organizations"}, {"late", "Not reviewed within a year"}} {
		data.Filters = append(data.Filters, stateFilter{"", f[1], count(f[0], tier), q.to("/vendors", "status", f[0], "tier", tier, "q", text), status == f[0]})
	}
	for _, f := range [][2]string{{"", "Any tier"}, {"critical", "Critical"}, {"high", "High"}, {"medium", "Medium"}, {"low", "Low"}, {"none", "Not tiered"}} {
		data.Tiers = append(data.Tiers, stateFilter{"", f[1], count(status, f[0]), q.to("/vendors", "status", status, "tier", f[0], "q", text), tier == f[0]})
	}
	for _, v := range list[from:min(len(list), from+pageLength)] {
		row := q.vendorRow(v)
		if v.Subservice {
			c, err := q.vendorCover(v.ID)
			if err != nil {
				return err
			}
			row.Cover = c.Says
		}
		data.Rows = append(data.Rows, row)
	}
	if status+tier+text != "" {
		data.Clear = q.to("/vendors")
	}
	q.Title, q.Heading, q.Wide = "Vendors", "Vendors", true
	q.Say = answer.Vendors(all, q.now())
	q.Code = []string{"tieout vendor list"}
	return q.render("vendors.html", data)
}

func (q *request) vendorsCSV(list []program.Vendor) error {
	rows := make([][]string, len(list))
	for i, v := range list {
		rows[i] = []string{v.ID, v.Name, v.Service, v.Tier, v.Status, q.name(v.Owner), strconv.FormatBool(v.Subservice), strconv.FormatBool(v.Terms), strconv.FormatBool(v.Personal),
			timeCell(v.Approved), timeCell(v.Started), timeCell(v.Reviewed), timeCell(v.ReportEnd), timeCell(v.Mapped), timeCell(v.Ended)}
	}
	return q.asCSV("vendors", []string{"vendor", "name", "what it does", "tier", "status", "owner", "subservice organization", "security terms", "personal data", "approved", "started", "reviewed",
		"report ends", "user controls mapped", "ended"}, rows)
}

func (q *request) vendor() error {
	v, err := q.book.Vendor(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	var lines []step
	err = q.book.Read(q.Context(), func(s *program.State) error {
		for _, l := range s.History("vendor:" + v.ID) {
			line := step{When: report.Moment(l.At, q.zone()), What: report.Capital(l.What), Who: q.name(l.By.Name)}
			if q.reaches("activity.read") {
				line.Record = &link{audit.EvidenceRef(l.Record), q.at("evidence", audit.EvidenceRef(l.Record))}
			}
			lines = append(lines, line)
		}
		return nil
	})
	if err != nil {
		return err
	}
	cover, err := q.vendorCover(v.ID)
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref = v.ID+" "+v.Name, v.Name, v.ID
	q.Say = answer.Vendor(v, q.dayOr(v.Reviewed, ""), answer.NotReviewed(v, q.now()))
	q.Way = []link{{"Vendors", q.to("/vendors")}, {v.ID, ""}}
	q.Code = []string{"tieout vendor show " + v.ID}
	return q.render("vendor.html", struct {
		*page
		Row                     vendorRow
		Service                 template.HTML
		Approved, Mapped, Ended string
		Steps                   []step
		Write                   bool
		Cover                   vendorCover
	}{&q.page, q.vendorRow(v), policy.HTML(v.Service), q.dayOr(v.Approved, "Not yet"), q.dayOr(v.Mapped, "Never"), q.dayOr(v.Ended, ""), lines, q.may("register.write", access.Object{}), cover})
}

func (q *request) vendorForm() error {
	v := program.Vendor{Owner: q.who.Account, Status: "proposed"}
	id := q.PathValue("id")
	q.Title, q.Heading, q.Say = "New vendor", "New vendor", "Who it is, what depends on it, and when it was last looked at."
	q.Way = []link{{"Vendors", q.to("/vendors")}, {"New", ""}}
	if id != "" {
		var err error
		if v, err = q.book.Vendor(q.Context(), id); err != nil {
			return err
		}
		q.Title, q.Heading, q.Ref, q.Say = "Change "+id, v.Name, id, "What you keep is sealed; what was written on "+report.Day(v.Changed, q.zone())+" stays on record."
		q.Way = []link{{"Vendors", q.to("/vendors")}, {id, q.at("vendors", id)}, {"Change", ""}}
	}
	q.Code = []string{"tieout vendor list"}
	have := q.vendorFields(v)
	t := func(f string) string { return q.typed(f, have[f]) }
	sent := q.Method == "POST"
	tick := func(name string, have bool) bool { return sent && q.field(name) == "yes" || !sent && have }
	return q.render("vendorform.html", struct {
		*page
		Action, Back string
		T            func(string) string
		Choices      map[string][]choice
		Ticks        []choice
		Days         [][3]string
		People       []string
	}{&q.page, q.to(q.URL.Path), q.back("vendors", id), t, map[string][]choice{"tier": choices(t("tier"), "Not tiered", program.VendorTiers...), "status": choices(t("status"), "", program.VendorStatuses...)},
		[]choice{{"subservice", "It is a subservice organization: its controls are relied on", tick("subservice", v.Subservice)},
			{"terms", "The contract carries security and confidentiality terms", tick("terms", v.Terms)}, {"personal", "It processes personal data for you", tick("personal", v.Personal)}},
		[][3]string{{"approved", "Its use was approved on", t("approved")}, {"started", "Its use started on", t("started")}, {"reviewed", "It was last reviewed on", t("reviewed")},
			{"reportEnd", "The period of its newest SOC report ends on", t("reportEnd")}, {"mapped", "Controls its report expects of users were mapped on", t("mapped")}, {"ended", "Its use ended on", t("ended")}},
		q.addresses()})
}

func (q *request) vendorFields(v program.Vendor) map[string]string {
	f := map[string]string{"revision": strconv.FormatInt(v.Revision, 10), "name": v.Name, "service": v.Service, "tier": v.Tier, "status": v.Status, "owner": q.addressOf(v.Owner)}
	for name, at := range vendorDays(&v) {
		f[name] = asField(*at, dayForm, q.zone())
	}
	if q.Method == "POST" { // the newest: what is sent again is sent knowing it
		q.PostForm.Set("revision", f["revision"])
	}
	return f
}

func (q *request) writeVendor() error {
	v, err := q.vendorTyped()
	if err == nil {
		v, err = q.book.SetVendor(q.Context(), q.who, v)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.vendorForm()
	}
	return q.done(q.at("vendors", v.ID), "Kept, and sealed.")
}

func (q *request) vendorTyped() (program.Vendor, error) {
	v := program.Vendor{ID: q.PathValue("id"), Name: q.field("name"), Service: q.field("service"), Tier: q.field("tier"), Status: q.field("status"), Revision: q.base(),
		Subservice: q.field("subservice") == "yes", Terms: q.field("terms") == "yes", Personal: q.field("personal") == "yes"}
	before := ""
	if v.ID != "" {
		have, err := q.book.Vendor(q.Context(), v.ID)
		if err != nil {
			return v, err
		}
		before = have.Owner
	}
	var err error
	if v.Owner, err = q.somebody(q.field("owner"), before, "owner"); err != nil {
		return v, err
	}
	for _, name := range []string{"approved", "started", "reviewed", "reportEnd", "mapped", "ended"} {
		if *vendorDays(&v)[name], err = q.day(name, name, name == "reportEnd"); err != nil {
			return v, err
		}
	}
	return v, nil
}

// vendorDays are the fields of a vendor that hold days.
func vendorDays(v *program.Vendor) map[string]*time.Time {
	return map[string]*time.Time{"approved": &v.Approved, "started": &v.Started, "reviewed": &v.Reviewed, "reportEnd": &v.ReportEnd, "mapped": &v.Mapped, "ended": &v.Ended}
}
