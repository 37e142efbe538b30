package web

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/examination"
	"tieout/policy"
	"tieout/report"
	"tieout/report/attest"
	"tieout/report/attest/pdf"
)

// examReportRoutes are the report as it reached management: drafts for factual
// review, and what was issued.
var examReportRoutes = slices.Concat(examDraftRoutes, examRehearsalRoutes, []route{
	{pattern: "GET /examinations/{id}/report", needs: "report.read", on: theExam, do: (*request).examReport},
	{pattern: "GET /examinations/{id}/report/read", needs: "report.read", on: theExam, do: (*request).examReadReport},
	{pattern: "GET /examinations/{id}/report/check", needs: "report.read", on: theExam, do: (*request).examCheckReport},
	{pattern: "GET /examinations/{id}/report/files/{name}", needs: "report.read", on: theExam, do: (*request).examReportFile, example: "/examinations/EN-1/report/files/report.pdf"},
	{pattern: "POST /examinations/{id}/report/copies", needs: "report.share", on: theExam, do: (*request).examCopy},
})

// theExam is the examination in the path, which an auditor's guest has a part in.
func theExam(q *request) (access.Object, error) {
	return access.Object{Engagements: []string{q.PathValue("id")}}, nil
}

// newestRelease is the newest report of an examination.
func (q *request) newestRelease() (r management.Release, err error) {
	err = q.inExam(func(_ *management.State, x *management.Side) error {
		if len(x.Releases) == 0 {
			return fmt.Errorf("%w: no report of %s has been issued", audit.ErrNotFound, x.Terms.ID)
		}
		r = x.Releases[len(x.Releases)-1]
		return nil
	})
	return r, err
}

// An examOpinion is one part of the opinion as the report has it.
type examOpinion struct {
	Part, Word, Class string
	Text, Basis       template.HTML
}

// An examException is one test of the report in which something was found.
type examException struct {
	Control, Criterion, Rate, Known string
	Result                          template.HTML
	Responses                       []template.HTML
}

// An examStretch is days with what speaks about them.
type examStretch struct{ Days, Class, Word, What string }

// An examFile is one file of the report.
type examFile struct{ Name, What, Size, Digest, Href string }

// An examShare is one copy for a recipient.
type examShare struct {
	engagement.Share
	Who, When, What string
	Entry           link
}

type examReportPage struct {
	*page
	ID                    string
	R                     *management.Release
	Type, Span, Dated     string
	Auditor, System       string
	Reported              string
	Withdrawn, Supersedes string
	Opinions              []examOpinion
	Exceptions            []examException
	Coverage              []examStretch
	Files                 []examFile
	Copies                []examShare
	Read, Check           string
	Assumes               string
	May                   bool // make a copy
	For, Mail, Why        string
	Mark                  bool
	Given                 []string // how it may be given on
	Expected              string   // what is awaited while there is no report
}

func (q *request) examReport() error {
	id := q.PathValue("id")
	data := examReportPage{page: &q.page, ID: id, May: q.may("report.share", access.Object{Engagements: []string{id}}), For: q.PostForm.Get("for"), Mail: q.PostForm.Get("mail"), Why: q.PostForm.Get("why"), Mark: q.Method == http.MethodGet || q.PostForm.Get("mark") != "",
		Read: q.under("examinations", id, "report/read"), Check: q.under("examinations", id, "report/check")}
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		q.examFrame(x, "/report")
		data.fill(q, x)
		return nil
	})
	if err != nil {
		return q.unknown(err, "report.read")
	}
	if data.R != nil {
		if err := data.read(q.Context(), q); err != nil {
			return err
		}
		if err := data.covered(q); err != nil {
			return err
		}
	}
	q.Title, q.Heading, q.Ref, q.Wide = "Report of "+id, "Report", cmp.Or(data.Reported, id), true
	q.Say = sayExamReport(data.R, data.Span, len(data.Exceptions), data.Expected)
	q.Code = []string{"tieout verify REPORT.pdf"}
	q.Way = append(q.Way, link{"Report", ""})
	return q.render("exam-report.html", data)
}

// fill is what the company's side says of the report.
func (d *examReportPage) fill(q *request, x *management.Side) {
	d.Type, d.Span, d.Auditor, d.System = x.Terms.Type.String(), firmSpan(x.Terms), x.Terms.Firm.Name, x.Terms.System
	for _, m := range x.Terms.Milestones {
		d.Expected = m.Name + ", " + firmDay(m.Day, x.Terms.Zone)
	}
	for _, c := range x.Copies {
		ref := audit.EvidenceRef(c.Record)
		d.Copies = append(d.Copies, examShare{c, q.sharer(c), report.Moment(c.At, q.zone()), shareWords(c.Copy), link{ref, q.at("evidence", ref)}})
	}
	if len(x.Releases) == 0 {
		return
	}
	r := x.Releases[len(x.Releases)-1]
	d.R, d.Dated, d.Withdrawn, d.Supersedes = &r, dayText(r.Dated), r.Withdrawn, r.Supersedes
	d.Coverage, d.Given = examCoverage(x, q.now()), givenOn(x.Terms.Type)
	d.May = d.May && x.InForce() != nil
}

// givenOn says how a report of a type may be given to others.
func givenOn(t engagement.Type) []string {
	const nowhere = "There is no public register of such reports, at the AICPA or elsewhere, and nothing to upload it to: it reaches its readers from you."
	switch {
	case t == engagement.SOC3:
		return []string{"Its use is not restricted: you may publish it and give it to anybody, whole and unchanged.", nowhere}
	case t.OfObjectives():
		return []string{"Its use is restricted to the parties it names at the end of Section I: user entities of the system, and their auditors. A prospect is none of them.",
			"Give each recipient a copy of their own, marked with their name, and keep the reason: every copy made here is an entry of the log.", nowhere}
	}
	return []string{"Its use is restricted to the parties it names at the end of Section I: those who know enough of the system to understand it, such as user entities, and prospects under an agreement of confidentiality.",
		"Give each recipient a copy of their own, marked with their name, and keep the reason: every copy made here is an entry of the log.",
		"For everybody else there is a SOC 3, which the firm makes from the same work where its opinion allows it.", nowhere}
}

// covered fills in which days other reports of the same system speak about too, for
// who reads those.
func (d *examReportPage) covered(q *request) error {
	if !q.may("request.read", examAll) {
		return nil
	}
	c, err := q.examClient().CoverageOf(q.Context(), d.ID)
	if err == nil && c != nil {
		d.Coverage = stretchRows(c)
	}
	return err
}

// read fills in what the report itself says, and its files.
func (d *examReportPage) read(ctx context.Context, q *request) error {
	value, err := q.exam.ReceivedReport(ctx, d.ID, d.R.Packet, d.R.Report)
	if err != nil {
		return err
	}
	d.Reported, d.Assumes = value.ID, assumed(&value)
	d.Opinions, d.Exceptions = examOpinions(&value), examExceptions(&value)
	parts, err := q.exam.ReceivedFiles(ctx, d.ID, d.R.Packet)
	for _, p := range parts {
		d.Files = append(d.Files, examFile{p.Name, fileWords(p), packetSize(p.Size), strings.TrimPrefix(p.Digest, "sha256:"), q.under("examinations", d.ID, "report/files/"+p.Name)})
	}
	return err
}

// examOpinions are the opinion's parts as the report has them.
func examOpinions(r *attest.Report) (out []examOpinion) {
	for _, o := range r.Opinions {
		row := examOpinion{Part: attest.PartName(o.Part), Word: o.Word, Class: "dev", Text: policy.HTML(o.Text), Basis: policy.HTML(o.Basis)}
		if o.Word == string(engagement.Unmodified) {
			row.Class = "ok"
		}
		out = append(out, row)
	}
	return out
}

// assumed says what the report leaves to others.
func assumed(r *attest.Report) string {
	carved := 0
	for _, s := range r.Subservices {
		if !s.Inclusive {
			carved++
		}
	}
	return report.Capital(report.Plural(len(r.Expected), "control", "controls")) + " of user entities, and those of " + report.Plural(carved, "carved-out subservice organization", "carved-out subservice organizations") + ". Nobody examined these here."
}

// fileWords says what a file of a report is for.
func fileWords(p packet.Part) string {
	for _, k := range [][2]string{{".pdf", "The signed report"}, {".html", "The same for screens, read by assistive technology"}, {".docx", "The same for Word"}, {".xlsx", "Its tables"}, {"oscal.json", "Its tables for programs (OSCAL)"}, {".json", "Its value, over which people signed"}} {
		if strings.HasSuffix(p.Name, k[0]) {
			return k[1]
		}
	}
	return "Beside the report"
}

// examExceptions are the tests of the report in which something was found, each
// once though it stands under several criteria.
func examExceptions(r *attest.Report) (out []examException) {
	seen := map[string]bool{}
	for _, g := range r.Groups {
		for _, c := range g.Controls {
			for _, t := range c.Tests {
				key := c.ID + "\x00" + t.ID
				if t.Exceptions == 0 && len(t.Findings) == 0 || seen[key] {
					continue
				}
				seen[key] = true
				row := examException{Control: c.ID, Criterion: g.ID, Result: policy.HTML(t.Result)}
				if t.Sample > 0 {
					row.Rate = fmt.Sprintf("%s of %s tested", report.Number(t.Exceptions), report.Plural(t.Sample, "item", "items"))
				}
				if t.Known > 0 {
					row.Known = report.Plural(t.Known, "deviation", "deviations") + " outside the sample"
				}
				for _, m := range r.Responses {
					if slices.Contains(t.Findings, m.Finding) {
						row.Responses = append(row.Responses, policy.HTML(m.Text))
					}
				}
				out = append(out, row)
			}
		}
	}
	return out
}

// examCoverage says which days one engagement speaks about up to today, for who has
// its report alone: those of the report in force, those of letters that continue it, which nobody examined, and the
// rest. What the firm withdrew speaks of nothing, nor does a letter beside it.
func examCoverage(x *management.Side, now time.Time) []examStretch {
	newest := x.Releases[len(x.Releases)-1]
	t, class, word, says := newest.Terms, "ok", "Examined", "The report speaks of these days."
	if !t.Type.OverPeriod() {
		says = "As of this day; it says nothing of the days before and after."
	}
	if newest.Withdrawn != "" {
		class, word, says = "gap", "Nothing", "The firm withdrew the report."
	}
	if !t.Type.OverPeriod() {
		return []examStretch{{dayText(t.AsOf), class, word, says}}
	}
	out := []examStretch{{dayText(t.First) + " to " + dayText(t.Last), class, word, says}}
	until := t.Last
	for _, b := range x.Bridges {
		if b.To > until && b.Report == newest.Report && newest.Withdrawn == "" {
			out = append(out, examStretch{dayText(b.From) + " to " + dayText(b.To), "late", "Management's letter", "Letter " + b.ID + ", by " + b.Signed.Name + ". Nobody examined it."})
			until = b.To
		}
	}
	last, err := time.Parse(time.DateOnly, until)
	zone, zerr := time.LoadLocation(t.Zone)
	if err != nil || zerr != nil {
		return out
	}
	if from, today := last.AddDate(0, 0, 1).Format(time.DateOnly), now.In(zone).Format(time.DateOnly); from <= today {
		out = append(out, examStretch{dayText(from) + " to " + dayText(today), "gap", "Nothing", "Neither this report nor a letter beside it speaks of these days."})
	}
	return out
}

// sayExamReport says what the report says, in one sentence.
func sayExamReport(r *management.Release, span string, exceptions int, expected string) string {
	if r == nil {
		if expected == "" {
			return "No report has been issued yet."
		}
		return "No report has been issued yet. The last day both sides work towards: " + expected + "."
	}
	if r.Withdrawn != "" {
		return "The firm withdrew the report: nobody may rely on it."
	}
	var modified []string
	for _, part := range []engagement.Part{engagement.PartDescription, engagement.PartDesign, engagement.PartOperation} {
		if word := r.Opinions[string(part)]; word != "" && word != string(engagement.Unmodified) {
			modified = append(modified, strings.ToLower(word)+" on "+strings.ToLower(attest.PartName(string(part))))
		}
	}
	out := "The opinion is unmodified"
	if len(modified) > 0 {
		out = "The opinion is " + attest.And(modified)
	}
	if exceptions == 0 {
		return out + "; no exception is reported for " + span + "."
	}
	return out + "; " + report.Plural(exceptions, "test reports", "tests report") + " exceptions for " + span + "."
}

// examReadReport is the issued report as a page that needs nothing else.
func (q *request) examReadReport() error {
	r, err := q.newestRelease()
	if err != nil {
		return q.unknown(err, "report.read")
	}
	return q.readAttest(r.Packet, r.Report)
}

// An examChecked is one PDF of the report with what was looked at in it.
type examChecked struct {
	File, Say string
	Rows      []examCheck
}

// examCheckReport shows what 'tieout verify' checks of each PDF of the report.
func (q *request) examCheckReport() error {
	id := q.PathValue("id")
	r, err := q.newestRelease()
	if err != nil {
		return q.unknown(err, "report.read")
	}
	data := struct {
		*page
		Files []examChecked
	}{page: &q.page}
	for _, name := range r.Files {
		if !strings.HasSuffix(name, ".pdf") {
			continue
		}
		raw, _, err := q.exam.ReceivedFile(q.Context(), id, r.Packet, name)
		if err != nil {
			return err
		}
		checks, verr := pdf.Verify(raw, "", attest.Trust{})
		data.Files = append(data.Files, examChecked{name, sayChecks(checks, verr), checkRows(checks)})
	}
	file := "REPORT.pdf"
	switch len(data.Files) {
	case 0:
		q.Say = "The firm sent no PDF of the report, so there is none to check."
	case 1:
		file, q.Say = data.Files[0].File, data.Files[0].Say
	default:
		q.Say = "The firm sent " + report.Plural(len(data.Files), "PDF", "PDFs") + " of the report; each is checked by itself."
	}
	if err := q.inExam(func(_ *management.State, x *management.Side) error { q.examFrame(x, "/report"); return nil }); err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref = "Check of the report of "+id, "Check of the report's PDF", id
	q.Code = []string{"tieout verify " + file}
	q.Way = append(q.Way, link{"Report", q.under("examinations", id, "report")}, link{"Check", ""})
	return q.render("exam-reportcheck.html", data)
}

// An examCheck is one thing that was looked at in a report's PDF.
type examCheck struct{ Class, Word, Text string }

func checkRows(c *attest.Checks) (out []examCheck) {
	if c == nil {
		return nil
	}
	words := map[attest.Verdict]examCheck{attest.Good: {"ok", "Holds", ""}, attest.Bad: {"dev", "Does not hold", ""}, attest.Open: {"none", "Open", ""}}
	for _, x := range c.List {
		row := words[x.Verdict]
		row.Text = sentence(x.Sentence)
		out = append(out, row)
	}
	return out
}

// sayChecks says what the checks come to; a file that cannot be read says so.
func sayChecks(c *attest.Checks, err error) string {
	if c == nil || len(c.List) == 0 {
		if err == nil {
			return "Nothing could be checked."
		}
		return "It could not be checked: " + strings.TrimPrefix(strings.TrimPrefix(err.Error(), audit.ErrInvalid.Error()+": "), audit.ErrAltered.Error()+": ") + "."
	}
	return c.Sentence()
}

// examReportFile gives one of the files as the firm released it.
func (q *request) examReportFile() error {
	id, name := q.PathValue("id"), q.PathValue("name")
	r, err := q.newestRelease()
	if err != nil {
		return q.unknown(err, "report.read")
	}
	data, part, err := q.exam.ReceivedFile(q.Context(), id, r.Packet, name)
	if err != nil {
		return q.unknown(err, "report.read")
	}
	return q.sendFile(part.Name, cmp.Or(part.Media, "application/octet-stream"), data)
}

// examCopy makes a copy for a recipient and gives it out; its entry is sealed
// before.
func (q *request) examCopy() error {
	f, _, err := q.exam.CopyReport(q.Context(), q.who, q.PathValue("id"), examination.Copying{
		For: q.field("for"), Mail: q.field("mail"), Why: q.field("why"), Mark: q.field("mark") != "", Password: q.PostForm.Get("password")})
	if err == nil {
		return q.sendFile(f.Name, f.Media, f.Data)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examReport()
}

// sharer is who made a copy, in words: somebody here, or its recipient.
func (q *request) sharer(c engagement.Share) string {
	if c.Grant != "" {
		return "Taken by the recipient, under access " + c.Grant
	}
	return q.name(c.By)
}

// shareWords says what was done to a copy for its recipient.
func shareWords(c engagement.Copy) string {
	var done []string
	if c.Marked {
		done = append(done, "marked on every page")
	}
	if c.Encrypted {
		done = append(done, "encrypted")
	}
	return report.Capital(attest.And(done))
}
