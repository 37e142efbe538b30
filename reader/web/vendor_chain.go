package web

import (
	"html/template"

	"tieout/access"
	"tieout/definition"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/boundary"
)

// A vendorChain is who stands behind whom, as a picture and as the same table.
type vendorChain struct {
	Says    string
	Picture template.HTML
	Rows    []chainRow
}

type chainRow struct {
	L       answer.ChainLink
	Fourth  bool
	Vendor  *link
	Source  *link // the report that names it
	Watched []link
	Seen    string // when it was reviewed; "" where it is not in the register
	Late    bool
	Cover   string
}

// vendorChain links the systems that who is signed in may read, the register and the
// newest reports.
func (q *request) vendorChain(vendors []program.Vendor, reports map[string][]program.VendorReport) vendorChain {
	var systems []definition.System
	for _, s := range q.st.p.Def.Systems {
		if q.may("register.read", access.Object{Systems: []string{s.Name}, Controls: q.st.controls(), Engagements: []string{q.st.p.Name}}) {
			systems = append(systems, s)
		}
	}
	c := answer.ChainOf(q.st.p.Def.Organization.System, systems, vendors, reports)
	out := vendorChain{Says: c.Sentence()}
	if len(c.Links) == 0 {
		return out
	}
	label := "Who is relied on, and who stands behind them: " + report.Plural(len(c.Links), "link", "links") + ". The table below says the same."
	out.Picture = template.HTML(boundary.Lay(c.Graph()).SVG(label)) // escaped by package boundary
	for _, l := range c.Links {
		out.Rows = append(out.Rows, q.chainRow(l, vendors, reports))
	}
	return out
}

func (q *request) chainRow(l answer.ChainLink, vendors []program.Vendor, reports map[string][]program.VendorReport) chainRow {
	row := chainRow{L: l, Fourth: l.Depth > 1, Watched: q.controlLinks(l.Watched), Cover: "Not known: no vendor of the register is it"}
	if l.Report != "" {
		row.Source = &link{l.Report, q.under("vendors", l.From, "reports/"+l.Report)}
	}
	if l.Method == answer.Included {
		row.Cover = "Within " + l.Report
	}
	for _, v := range vendors {
		if v.ID == l.Vendor {
			row.Vendor = &link{v.ID, q.at("vendors", v.ID)}
			row.Seen, row.Late = q.dayOr(v.Reviewed, "Never reviewed"), answer.NotReviewed(v, q.now())
			row.Cover = answer.Cover(q.coverOf(reports[v.ID]))
		}
	}
	return row
}
