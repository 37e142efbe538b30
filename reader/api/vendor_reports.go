package api

import (
	"net/http"
	"time"

	"tieout/audit"
	"tieout/program"
	"tieout/reader/answer"
)

// vendorReportCalls keep suppliers' reports. Concluding a review is a person's, on
// the screen.
func (s *Server) vendorReportCalls() {
	add(s, operation{id: "list-vendor-reports", method: http.MethodGet, path: "/vendors/{id}/reports", tag: "Vendors", needs: "register.read", example: "/vendors/V-1/reports",
		title: "Reports of a vendor, with the days of the period that they cover", detail: "Days that only a letter of the vendor's own management tells of are not examined, and are counted apart."}, theVendor, getVendorReports)
	add(s, operation{id: "add-vendor-report", method: http.MethodPost, path: "/vendors/{id}/reports", tag: "Vendors", needs: "register.write", status: http.StatusCreated, example: "/vendors/V-1/reports", sends: vendorReportExample,
		title: "Enter a report of a vendor"}, whole[addVendorReportIn], addVendorReport)
	add(s, operation{id: "set-vendor-report", method: http.MethodPut, path: "/vendors/{id}/reports/{report}", tag: "Vendors", needs: "register.write", example: "/vendors/V-1/reports/VR-1", sends: vendorReportExample,
		title: "Write what a report of a vendor says", detail: "The whole of it is replaced; a review concluded before is open again."}, whole[setVendorReportIn], setVendorReport)
}

const vendorReportExample = `{"type":"SOC 2 Type II","issuer":"Other Assurance LLP","system":"Mail","ours":"yes","first":"2025-01-01","last":"2025-12-31","dated":"2026-02-01","opinion":"unqualified"}`

// VendorReportText is what is said of a supplier's report.
type VendorReportText struct {
	Type       string            `json:"type" enum:"SOC 2 Type II,SOC 2 Type I,SOC 1 Type II,SOC 1 Type I,SOC 3,ISO/IEC 27001 certificate,FedRAMP authorization,bridge letter,other"`
	Issuer     string            `json:"issuer" minLength:"1" maxLength:"300" doc:"Who examined; of a letter, the vendor"`
	System     string            `json:"system" minLength:"1" maxLength:"300" doc:"As the report names it"`
	Ours       string            `json:"ours" enum:"yes,in part,no" doc:"Whether that is the service in use"`
	First      string            `json:"first,omitempty" maxLength:"10" doc:"First day it speaks of; left out of a report as of a day"`
	Last       string            `json:"last" maxLength:"10" doc:"Last day, or the day"`
	Dated      string            `json:"dated" maxLength:"10"`
	Received   string            `json:"received,omitempty" maxLength:"10" doc:"Day on which it came"`
	Assessor   string            `json:"assessor,omitempty" enum:"CPA firm,3PAO,certification body,management" doc:"What the issuer is"`
	Categories []string          `json:"categories,omitempty" maxItems:"5"`
	Opinion    string            `json:"opinion,omitempty" enum:"unqualified,qualified,adverse,disclaimer" doc:"Left out of what has none"`
	Modified   string            `json:"modified,omitempty" maxLength:"20000" doc:"Why the opinion is modified"`
	CarvedOut  []string          `json:"carvedOut,omitempty" maxItems:"100"`
	Included   []string          `json:"included,omitempty" maxItems:"100"`
	Behind     []VendorBehind    `json:"behind,omitempty" maxItems:"200" doc:"Which of those are which vendor of the register"`
	Physical   bool              `json:"physical,omitempty" doc:"Physical and environmental controls are examined in it"`
	Samples    string            `json:"samples,omitempty" maxLength:"5000" doc:"Sizes of the samples its tests give"`
	Procedures []string          `json:"procedures,omitempty" maxItems:"4" enum:"inquiry,observation,inspection,reperformance" doc:"Kinds of procedures its tests use"`
	Inquiry    string            `json:"inquiry,omitempty" maxLength:"5000" doc:"What it tested by inquiry alone, or none"`
	Firm       string            `json:"firm,omitempty" maxLength:"5000" doc:"License and peer review of the firm, as looked up"`
	Terms      *VendorTerms      `json:"terms,omitempty" doc:"Under which it was given"`
	Exceptions []VendorException `json:"exceptions,omitempty" maxItems:"500" doc:"Those that touch the service in use"`
	Duties     []VendorDuty      `json:"duties,omitempty" maxItems:"500" doc:"What it expects of its users"`
	Events     string            `json:"events,omitempty" maxLength:"20000" doc:"Incidents and changes known since"`
	Next       string            `json:"next,omitempty" maxLength:"10" doc:"Day on which the next is expected"`
	Evidence   string            `json:"evidence,omitempty" maxLength:"20" doc:"Record that holds the file, such as E-41"`
}

// VendorBehind says which vendor of the register an organization behind a supplier is.
type VendorBehind struct {
	Name   string `json:"name" minLength:"1" maxLength:"300" doc:"As the report has it"`
	Vendor string `json:"vendor" minLength:"1" maxLength:"100" doc:"Such as V-3"`
}

// VendorTerms are those under which a supplier gave a report.
type VendorTerms struct {
	Text       string `json:"text,omitempty" maxLength:"20000"`
	AcceptedBy string `json:"acceptedBy,omitempty" maxLength:"300" doc:"Who accepted them for the company"`
	AcceptedOn string `json:"acceptedOn,omitempty" maxLength:"10"`
	Marked     string `json:"marked,omitempty" maxLength:"300" doc:"Whose name its watermark says"`
}

// VendorAccepted is the exception by which a report that is no SOC 2 Type II counts
// as a review of its vendor.
type VendorAccepted struct {
	Why   string     `json:"why"`
	Until string     `json:"until" doc:"Last day on which it counts"`
	By    string     `json:"by,omitempty" doc:"Account that accepted it for management; left out while nobody did"`
	At    *time.Time `json:"at,omitempty"`
}

// VendorException is an exception of a supplier's report.
type VendorException struct {
	Control string `json:"control,omitempty" maxLength:"300"`
	Text    string `json:"text" minLength:"1" maxLength:"5000"`
	Assumed string `json:"assumed,omitempty" maxLength:"300" doc:"Control assumed of the vendor that it touches"`
	Effect  string `json:"effect,omitempty" maxLength:"5000" doc:"On the company"`
}

// VendorDuty is a control a supplier's report expects of its users.
type VendorDuty struct {
	Ref      string   `json:"ref,omitempty" maxLength:"300"`
	Text     string   `json:"text" minLength:"1" maxLength:"5000"`
	Controls []string `json:"controls,omitempty" maxItems:"50" doc:"Own controls that do it"`
	Needless string   `json:"needless,omitempty" maxLength:"5000" doc:"Why none is needed"`
}

// VendorReport is one report of a supplier.
type VendorReport struct {
	ID     string `json:"id"`
	Vendor string `json:"vendor"`
	VendorReportText
	Conclusion string          `json:"conclusion,omitempty" doc:"Of its review"`
	FollowUp   string          `json:"followUp,omitempty"`
	Counts     bool            `json:"counts" doc:"Its concluded review counts as one of the vendor today"`
	Accepted   *VendorAccepted `json:"accepted,omitempty" doc:"The exception that was asked for with the conclusion; a person of management accepts it, on the screen"`
	Freshness  string          `json:"freshness" doc:"How old it is, in words"`
	Limits     []string        `json:"limits" doc:"What it cannot show"`
	Unfinished []string        `json:"unfinished" doc:"What its review has not settled"`
	Revision   int64           `json:"revision"`
}

// VendorCover is how much of the period a supplier's reports speak of.
type VendorCover struct {
	Days     int            `json:"days" doc:"Of the period, up to today"`
	Examined int            `json:"examined" doc:"Within SOC 2 Type II reports of the service in use whose review is concluded"`
	InPart   int            `json:"inPart" doc:"Further days within such reports of a part of the service"`
	Lettered int            `json:"lettered" doc:"Further days that a letter tells of, not examined"`
	Open     int            `json:"open" doc:"Further days that statements speak of whose review is not concluded"`
	Holes    []VendorHole   `json:"holes"`
	Reports  []VendorReport `json:"reports" doc:"The one that reaches furthest first"`
}

// VendorHole is days that nothing covers.
type VendorHole struct {
	First string `json:"first"`
	Last  string `json:"last"`
}

func (t *VendorReportText) report(vendor, id string, revision int64) program.VendorReport {
	r := program.VendorReport{ID: id, Vendor: vendor, Revision: revision, Type: program.VendorReportType(t.Type), Issuer: t.Issuer, System: t.System, Ours: t.Ours, First: t.First, Last: t.Last, Dated: t.Dated,
		Categories: t.Categories, Opinion: t.Opinion, Modified: t.Modified, CarvedOut: t.CarvedOut, Included: t.Included, Events: t.Events, Next: t.Next, Evidence: t.Evidence,
		Received: t.Received, Assessor: t.Assessor, Physical: t.Physical, Samples: t.Samples, Procedures: t.Procedures, Inquiry: t.Inquiry, Firm: t.Firm}
	if t.Terms != nil {
		r.Terms = program.VendorTerms(*t.Terms)
	}
	for _, x := range t.Behind {
		r.Behind = append(r.Behind, program.VendorBehind(x))
	}
	for _, x := range t.Exceptions {
		r.Exceptions = append(r.Exceptions, program.VendorException(x))
	}
	for _, x := range t.Duties {
		r.Duties = append(r.Duties, program.VendorDuty(x))
	}
	return r
}

func (c *call) vendorReport(r *program.VendorReport) VendorReport {
	out := VendorReport{ID: r.ID, Vendor: r.Vendor, Conclusion: r.Conclusion, FollowUp: r.FollowUp, Revision: r.Revision,
		Counts: r.Counts(c.now), Freshness: answer.Freshness(r, c.now.In(c.P.Period.Location())),
		Limits: orEmpty(r.Limits(c.now.In(c.P.Period.Location()))), Unfinished: orEmpty(r.Unfinished()),
		VendorReportText: VendorReportText{Type: string(r.Type), Issuer: r.Issuer, System: r.System, Ours: r.Ours, First: r.First, Last: r.Last, Dated: r.Dated, Categories: r.Categories, Opinion: r.Opinion, Modified: r.Modified,
			Received: r.Received, Assessor: r.Assessor, Physical: r.Physical, Samples: r.Samples, Procedures: r.Procedures, Inquiry: r.Inquiry, Firm: r.Firm,
			CarvedOut: r.CarvedOut, Included: r.Included, Events: r.Events, Next: r.Next, Evidence: r.Evidence}}
	if r.Accepted.Why != "" {
		out.Accepted = &VendorAccepted{r.Accepted.Why, r.Accepted.Until, r.Accepted.By, when(r.Accepted.At)}
	}
	if r.Terms != (program.VendorTerms{}) {
		terms := VendorTerms(r.Terms)
		out.Terms = &terms
	}
	for _, x := range r.Behind {
		out.Behind = append(out.Behind, VendorBehind(x))
	}
	for _, x := range r.Exceptions {
		out.Exceptions = append(out.Exceptions, VendorException(x))
	}
	for _, x := range r.Duties {
		out.Duties = append(out.Duties, VendorDuty(x))
	}
	return out
}

// orEmpty is never nil: JSON says [] of nothing.
func orEmpty(list []string) []string { return append([]string{}, list...) }

func (c *call) tellVendorReport(r *program.VendorReport) *oneOut[VendorReport] {
	return tagged("tieout.vendor-report/1", answer.VendorReport(r, audit.FormatTime(r.Reviewed), r.ReviewedBy), r.Revision, c.vendorReport(r))
}

func getVendorReports(c *call, in *vendorIn) (*oneOut[VendorCover], error) {
	if _, err := c.book.Vendor(c, in.ID); err != nil {
		return nil, err
	}
	list, err := c.book.ReportsOfVendor(c, in.ID)
	if err != nil {
		return nil, err
	}
	loc := c.P.Period.Location()
	cover := program.Cover(list, c.P.Period.From.In(loc), answer.CoverTo(c.P.Period.To.In(loc).AddDate(0, 0, -1), c.now.In(loc)))
	out := VendorCover{Days: cover.Days, Examined: cover.Examined, InPart: cover.InPart, Lettered: cover.Lettered, Open: cover.Open, Holes: []VendorHole{}, Reports: []VendorReport{}}
	for _, h := range cover.Holes {
		out.Holes = append(out.Holes, VendorHole{h.First.Format("2006-01-02"), h.Last.Format("2006-01-02")})
	}
	for i := range list {
		out.Reports = append(out.Reports, c.vendorReport(&list[i]))
	}
	return one("tieout.vendor-coverage/1", answer.Cover(cover), out), nil
}

type addVendorReportIn struct {
	Of
	Again
	ID   string `path:"id" maxLength:"100" doc:"Such as V-3"`
	Body VendorReportText
}

func addVendorReport(c *call, in *addVendorReportIn) (*oneOut[VendorReport], error) {
	r, err := c.book.SetVendorReport(c, c.Who, in.Body.report(in.ID, "", 0))
	if err != nil {
		return nil, err
	}
	out := made(c.tellVendorReport(&r), "vendors", in.ID)
	out.Location += "/reports"
	return out, nil
}

type setVendorReportIn struct {
	Of
	Again
	Match
	ID     string `path:"id" maxLength:"100" doc:"Such as V-3"`
	Report string `path:"report" maxLength:"100" doc:"Such as VR-2"`
	Body   VendorReportText
}

func setVendorReport(c *call, in *setVendorReportIn) (*oneOut[VendorReport], error) {
	revision, err := in.revision()
	if err != nil {
		return nil, err
	}
	if _, err := c.book.VendorReport(c, in.Report); err != nil {
		return nil, err
	}
	r, err := c.book.SetVendorReport(c, c.Who, in.Body.report(in.ID, in.Report, revision))
	if err != nil {
		return nil, c.since(err, revision, func(s *program.State) int64 { return s.VendorReports[in.Report].Revision })
	}
	return c.tellVendorReport(&r), nil
}
