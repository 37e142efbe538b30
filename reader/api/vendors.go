package api

import (
	"net/http"
	"slices"
	"time"

	"tieout/access"
	"tieout/program"
	"tieout/reader/answer"
)

// vendorCalls keep the register of vendors.
func (s *Server) vendorCalls() {
	s.vendorReportCalls()
	add(s, operation{id: "list-vendors", method: http.MethodGet, path: "/vendors", tag: "Vendors", needs: "register.read", title: "The register of vendors, those in use first"}, anything[listIn], listVendors)
	add(s, operation{id: "get-vendor", method: http.MethodGet, path: "/vendors/{id}", tag: "Vendors", needs: "register.read", example: "/vendors/V-1", title: "One vendor"}, theVendor, getVendor)
	add(s, operation{id: "add-vendor", method: http.MethodPost, path: "/vendors", tag: "Vendors", needs: "register.write", status: http.StatusCreated, sends: vendorExample, title: "Enter a vendor"}, whole[addVendorIn], addVendor)
	add(s, operation{id: "set-vendor", method: http.MethodPut, path: "/vendors/{id}", tag: "Vendors", needs: "register.write", example: "/vendors/V-1", sends: vendorExample,
		title: "Write what is known of a vendor", detail: "The whole of it is replaced; what was said before stays on record."}, whole[setVendorIn], setVendor)
}

const vendorExample = `{"name":"Northwind Mail","status":"proposed"}`

// VendorText is what is said of a vendor.
type VendorText struct {
	Name       string     `json:"name" minLength:"1" maxLength:"200"`
	Service    string     `json:"service,omitempty" maxLength:"20000" doc:"What it does for the company, Markdown"`
	Tier       string     `json:"tier,omitempty" enum:"critical,high,medium,low" doc:"Left out while it is not tiered"`
	Status     string     `json:"status" enum:"proposed,active,ended"`
	Owner      string     `json:"owner,omitempty" maxLength:"100" doc:"ID of the account that answers for it"`
	Subservice bool       `json:"subservice,omitempty" doc:"A subservice organization: its controls are relied on"`
	Terms      bool       `json:"terms,omitempty" doc:"The contract carries security and confidentiality terms"`
	Personal   bool       `json:"personal,omitempty" doc:"It processes personal data for the company; where a role is said, that decides"`
	Role       string     `json:"role,omitempty" enum:"processor,controller,joint controller,none" doc:"With regard to personal data; left out while nobody said"`
	Kind       string     `json:"kind,omitempty" enum:"cloud,data center or colocation,software,professional service,payroll,other" doc:"Left out while nobody said"`
	Associate  bool       `json:"associate,omitempty" doc:"A business associate under HIPAA"`
	Agreement  *time.Time `json:"agreement,omitempty" doc:"When the business associate agreement was signed"`
	Approved   *time.Time `json:"approved,omitempty"`
	Started    *time.Time `json:"started,omitempty"`
	Reviewed   *time.Time `json:"reviewed,omitempty"`
	ReportEnd  *time.Time `json:"reportEnd,omitempty" doc:"End of the period of its newest SOC report"`
	Mapped     *time.Time `json:"mapped,omitempty" doc:"When what its report expects of users was mapped to own controls"`
	Ended      *time.Time `json:"ended,omitempty"`
}

// Vendor is one row of the register.
type Vendor struct {
	ID string `json:"id"`
	VendorText
	Next      *NextReport `json:"next,omitempty" doc:"Its next report that has not come"`
	ChangedBy string      `json:"changedBy" doc:"Account"`
	Changed   time.Time   `json:"changed"`
	Revision  int64       `json:"revision"`
}

// NextReport is a vendor's next report that is expected.
type NextReport struct {
	Day     string `json:"day" doc:"Last day on which it comes in time"`
	Report  string `json:"report" doc:"The report that names the day, such as VR-2"`
	Type    string `json:"type"`
	Overdue bool   `json:"overdue"`
}

// nextOf is the next report that a vendor's reports name and that has not come.
func (c *call) nextOf(v *program.Vendor, reports []program.VendorReport) *NextReport {
	next := program.Expected(reports)
	if len(next) == 0 || v.Status == "ended" {
		return nil
	}
	x := next[0]
	return &NextReport{x.Day, x.Report, string(x.Type), x.Overdue(c.now.In(c.zone()))}
}

func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func (t *VendorText) vendor(id string, revision int64) program.Vendor {
	return program.Vendor{ID: id, Name: t.Name, Service: t.Service, Tier: t.Tier, Status: t.Status, Owner: t.Owner, Subservice: t.Subservice, Terms: t.Terms, Personal: t.Personal, Role: t.Role, Kind: t.Kind, Associate: t.Associate, Agreement: at(t.Agreement),
		Approved: at(t.Approved), Started: at(t.Started), Reviewed: at(t.Reviewed), ReportEnd: at(t.ReportEnd), Mapped: at(t.Mapped), Ended: at(t.Ended), Revision: revision}
}

func vendorOf(v *program.Vendor) Vendor {
	return Vendor{ID: v.ID, VendorText: VendorText{v.Name, v.Service, v.Tier, v.Status, v.Owner, v.Subservice, v.Terms, v.Personal, v.Role, v.Kind, v.Associate, when(v.Agreement), when(v.Approved), when(v.Started), when(v.Reviewed),
		when(v.ReportEnd), when(v.Mapped), when(v.Ended)}, ChangedBy: v.ChangedBy, Changed: v.Changed, Revision: v.Revision}
}

func listVendors(c *call, in *listIn) (*listOut[Vendor], error) {
	list, err := c.book.AllVendors(c)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(v program.Vendor) bool { return !c.May("register.read", c.OfVendor(v)) })
	reports, err := c.book.ReportsOfVendor(c, "")
	if err != nil {
		return nil, err
	}
	by := map[string][]program.VendorReport{}
	for _, r := range reports {
		by[r.Vendor] = append(by[r.Vendor], r)
	}
	all := make([]Vendor, len(list))
	for i := range list {
		all[i] = vendorOf(&list[i])
		all[i].Next = c.nextOf(&list[i], by[list[i].ID])
	}
	return cut(&in.Paging, "tieout.vendors/1", answer.Vendors(list, c.now), all, "/vendors", "period", in.Period)
}

type vendorIn struct {
	Of
	ID string `path:"id" maxLength:"100" doc:"Such as V-3"`
}

func theVendor(c *call, in *vendorIn) (access.Object, error) {
	v, err := c.book.Vendor(c, in.ID)
	if err != nil {
		return access.Object{}, c.Unknown(err, "register.read")
	}
	return c.OfVendor(v), nil
}

func (c *call) vendor(v *program.Vendor) (*oneOut[Vendor], error) {
	reports, err := c.book.ReportsOfVendor(c, v.ID)
	if err != nil {
		return nil, err
	}
	out := vendorOf(v)
	out.Next = c.nextOf(v, reports)
	return tagged("tieout.vendor/1", c.SayVendor(*v), v.Revision, out), nil
}

func getVendor(c *call, in *vendorIn) (*oneOut[Vendor], error) {
	v, err := c.book.Vendor(c, in.ID)
	if err != nil {
		return nil, err
	}
	return c.vendor(&v)
}

type addVendorIn struct {
	Of
	Again
	Body VendorText
}

func addVendor(c *call, in *addVendorIn) (*oneOut[Vendor], error) {
	v, err := c.book.SetVendor(c, c.Who, in.Body.vendor("", 0))
	if err != nil {
		return nil, err
	}
	out, err := c.vendor(&v)
	if err != nil {
		return nil, err
	}
	return made(out, "vendors", v.ID), nil
}

type setVendorIn struct {
	Of
	Again
	Match
	ID   string `path:"id" maxLength:"100"`
	Body VendorText
}

func setVendor(c *call, in *setVendorIn) (*oneOut[Vendor], error) {
	revision, err := in.revision()
	if err != nil {
		return nil, err
	}
	if _, err := c.book.Vendor(c, in.ID); err != nil {
		return nil, err
	}
	v, err := c.book.SetVendor(c, c.Who, in.Body.vendor(in.ID, revision))
	if err != nil {
		return nil, c.since(err, revision, func(s *program.State) int64 { return s.Vendors[in.ID].Revision })
	}
	return c.vendor(&v)
}
