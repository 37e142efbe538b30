package web

import (
	"html/template"
	"slices"
	"strconv"
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
	reports, err := q.book.ReportsOfVendor(q.Context(), v.ID)
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
		Role, Associate         string
	}{&q.page, q.vendorRow(v, reports), policy.HTML(v.Service), q.dayOr(v.Approved, "Not yet"), q.dayOr(v.Mapped, "Never"), q.dayOr(v.Ended, ""), lines, q.may("register.write", access.Object{}), q.vendorCover(v.ID, reports),
		sayRole(v), q.sayAssociate(v)})
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
	roles := choices(t("role"), "Nobody said yet", program.VendorRoles...)
	kinds := choices(t("kind"), "Nobody said yet", program.VendorKinds...)
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
	}{&q.page, q.to(q.URL.Path), q.back("vendors", id), t, map[string][]choice{"tier": choices(t("tier"), "Not tiered", program.VendorTiers...), "status": choices(t("status"), "", program.VendorStatuses...), "role": roles, "kind": kinds},
		[]choice{{"subservice", "It is a subservice organization: its controls are relied on", tick("subservice", v.Subservice)},
			{"terms", "The contract carries security and confidentiality terms", tick("terms", v.Terms)}, {"associate", "It is a business associate under HIPAA: it handles protected health information for you", tick("associate", v.Associate)}},
		[][3]string{{"approved", "Its use was approved on", t("approved")}, {"started", "Its use started on", t("started")}, {"reviewed", "It was last reviewed on", t("reviewed")},
			{"reportEnd", "The period of its newest SOC report ends on", t("reportEnd")}, {"mapped", "Controls its report expects of users were mapped on", t("mapped")}, {"agreement", "Its business associate agreement was signed on", t("agreement")}, {"ended", "Its use ended on", t("ended")}},
		q.addresses()})
}

func (q *request) vendorFields(v program.Vendor) map[string]string {
	f := map[string]string{"revision": strconv.FormatInt(v.Revision, 10), "name": v.Name, "service": v.Service, "tier": v.Tier, "status": v.Status, "owner": q.addressOf(v.Owner), "role": v.Role, "kind": v.Kind}
	if v.Role == "" && v.Personal { // as it was said before there were roles
		f["role"] = "processor"
	}
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
		Subservice: q.field("subservice") == "yes", Terms: q.field("terms") == "yes", Role: q.field("role"), Kind: q.field("kind"), Associate: q.field("associate") == "yes"}
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
	for _, name := range []string{"approved", "started", "reviewed", "reportEnd", "mapped", "agreement", "ended"} {
		if *vendorDays(&v)[name], err = q.day(name, name, name == "reportEnd"); err != nil {
			return v, err
		}
	}
	return v, nil
}

// vendorDays are the fields of a vendor that hold days.
func vendorDays(v *program.Vendor) map[string]*time.Time {
	return map[string]*time.Time{"approved": &v.Approved, "started": &v.Started, "reviewed": &v.Reviewed, "reportEnd": &v.ReportEnd, "mapped": &v.Mapped, "agreement": &v.Agreement, "ended": &v.Ended}
}

// sayRole says what a vendor is with regard to personal data.
func sayRole(v program.Vendor) string {
	switch {
	case v.Role == "processor" || v.Role == "" && v.Personal:
		return "Processor: it processes them for you"
	case v.Role == "controller":
		return "Controller on its own"
	case v.Role == "joint controller":
		return "Joint controller with you"
	case v.Role == "none":
		return "None"
	}
	return "Nobody said"
}

// sayAssociate says whether a vendor is a business associate and since when by an
// agreement; "" where it is none.
func (q *request) sayAssociate(v program.Vendor) string {
	switch {
	case !v.Associate:
		return ""
	case v.Agreement.IsZero():
		return "Yes, without an agreement"
	}
	return "Yes, agreement of " + report.Day(v.Agreement, q.zone())
}

// besideHIPAA puts the business associates in use on the page on which HIPAA's
// clocks are decided, to who may read the register.
func (q *request) besideHIPAA(data *actPage) error {
	hipaa := data.Rule != nil && data.Rule.Law == "HIPAA" || slices.ContainsFunc(data.Rules, func(r choiceRule) bool { return r.Law == "HIPAA" })
	if !hipaa || !q.reaches("register.read") {
		return nil
	}
	all, err := q.book.AllVendors(q.Context())
	for _, v := range all {
		if !v.Associate || v.Status != "active" || !q.may("register.read", q.ofVendor(v)) {
			continue
		}
		agreement := "no agreement is entered"
		if !v.Agreement.IsZero() {
			agreement = "agreement of " + report.Day(v.Agreement, q.zone())
		}
		data.Associates = append(data.Associates, link{v.Name + ", " + agreement, q.at("vendors", v.ID)})
	}
	return err
}
