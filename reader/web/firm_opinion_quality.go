package web

import (
	"net/http"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

type firmQualityPage struct {
	*page
	ID, Action, Digest, Text string
	Asked                    bool
	Parts                    []firmPart
	Ground                   firmGround
	Missing                  []string
	Signed, Stale            bool
	By, When                 string
	Record                   link
	Form                     bool
	Again, Closed            string
}

// firmQuality is the engagement quality review: the opinions and what they rest
// on, for somebody who had no hand in them.
func (q *request) firmQuality() error {
	id := q.PathValue("id")
	data := firmQualityPage{page: &q.page, ID: id, Action: q.under("engagements", id, "quality"), Text: q.PostForm.Get("text")}
	err := q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		q.gridFrame(f, "/opinion")
		data.take(q, s, f)
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Wide = "Quality review of "+id, "Engagement quality review", true
	q.Way = []link{{id, q.at("engagements", id)}, {"Opinion", q.under("engagements", id, "opinion")}, {"Quality review", ""}}
	return q.render("firm-opinion-quality.html", &data)
}

func (d *firmQualityPage) take(q *request, s *fieldwork.State, f *fieldwork.File) {
	d.Asked, d.Parts, d.Ground, d.Digest = f.Terms.Quality, q.firmParts(s, f), q.firmGroundOf(s, f), f.QualityDigest()
	d.Missing = firmMissing(s.Standing(f, "quality.sign", "", q.now()))
	if x := f.Quality; x != nil {
		ref := audit.EvidenceRef(x.Record)
		d.Signed, d.Stale, d.By, d.When, d.Record = true, x.Digest != d.Digest, q.name(x.By), report.Moment(x.At, (&gridLook{terms: f.Terms}).zone()), link{ref, q.at("evidence", ref)}
	}
	o := ofEngagement(d.ID)
	o.Prepared = s.Hands(f)
	fresh := q.who
	fresh.Fresh = true
	m := f.Team[q.who.Account]
	switch {
	case m == nil || m.Duty != fieldwork.DutyQuality || !m.Until.IsZero():
		d.Closed = "It is signed by the quality reviewer of this engagement, who is outside its team."
	case access.Require(fresh, "quality.review", o) != nil:
		d.Closed = "You worked on this engagement, so somebody else reviews its quality."
	}
	d.Again = q.againFor("quality.review")
	d.Form = len(d.Missing) == 0 && d.Closed == "" && (!d.Signed || d.Stale) && (d.Again == "" || q.Method == http.MethodPost)
	q.Say = sayQuality(d.Asked, d.Signed, d.Stale, d.By, d.When, len(d.Missing))
}

// sayQuality says where the engagement quality review stands.
func sayQuality(asked, signed, stale bool, by, when string, missing int) string {
	switch {
	case signed && stale:
		return "It was signed by " + by + " on " + when + ", over opinions that have changed since."
	case signed:
		return "It is signed by " + by + ", on " + when + ", over the opinions as they stand."
	case !asked:
		return "The firm's policy does not ask for a quality review of this engagement."
	case missing > 0:
		return "It cannot be signed yet: " + report.Plural(missing, "thing stands", "things stand") + " before it."
	}
	return "It waits for the quality reviewer; no report is issued before."
}

// firmSignQuality signs the review off, over the opinions as they were seen.
func (q *request) firmSignQuality() error {
	id := q.PathValue("id")
	err := q.mustAgain("quality.review")
	if err == nil {
		err = q.files.SignQuality(q.Context(), q.who, id, q.field("digest"), q.field("text"))
	}
	if err == nil {
		return q.done(q.under("engagements", id, "quality"), "The quality review is signed.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmQuality()
}
