package web

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/report"
	"tieout/report/attest"
	"tieout/report/attest/lint"
)

// firmReportRoutes are the report of an engagement, from its draft to what became
// of it after its issue, and the wording it is made with.
var firmReportRoutes = []route{
	{pattern: "GET /engagements/{id}/report", needs: "workpaper.read", on: theEngagement, do: (*request).firmReport},
	{pattern: "GET /engagements/{id}/report/draft/{end}", needs: "workpaper.read", on: theEngagement, do: (*request).firmDraftFile, example: "/engagements/EN-1/report/draft/pdf"},
	{pattern: "POST /engagements/{id}/report/draft", needs: "workpaper.read", on: theEngagement, do: (*request).firmGiveDraft},
	{pattern: "POST /engagements/{id}/report/comments/{comment}", needs: "note.write", on: theEngagement, do: (*request).firmAnswerComment},
	{pattern: "POST /engagements/{id}/report/final", needs: "workpaper.read", on: theEngagement, do: (*request).firmMakeFinal},
	{pattern: "GET /engagements/{id}/report/final/{digest}", needs: "workpaper.read", on: theEngagement, do: (*request).firmFinalPage, example: "/engagements/EN-1/report/final/0"},
	{pattern: "GET /engagements/{id}/report/final/{digest}/{end}", needs: "workpaper.read", on: theEngagement, do: (*request).firmFinalFile, example: "/engagements/EN-1/report/final/0/pdf"},
	{pattern: "POST /engagements/{id}/report/final/{digest}", needs: "workpaper.read", on: theEngagement, do: (*request).firmIssue, example: "/engagements/EN-1/report/final/0"},
	{pattern: "GET /engagements/{id}/report/issued/{n}/{file}", needs: "workpaper.read", on: theEngagement, do: (*request).firmIssuedFile, example: "/engagements/EN-1/report/issued/1/report.json"},
	{pattern: "POST /engagements/{id}/report/withdraw", needs: "workpaper.read", on: theEngagement, do: (*request).firmWithdraw},
	{pattern: "POST /engagements/{id}/report/revise", needs: "workpaper.read", on: theEngagement, do: (*request).firmRevise},
	{pattern: "GET /engagements/{id}/report/copies", needs: "workpaper.read", on: theEngagement, do: (*request).firmCopies},
	{pattern: "POST /engagements/{id}/report/copies", needs: "report.copy", on: theEngagement, do: (*request).firmCopy},
	{pattern: "GET /wording", needs: "wording.write", do: (*request).firmWording},
	{pattern: "GET /wording/{n}", needs: "wording.write", do: (*request).firmWordingFile, example: "/wording/example"},
	{pattern: "POST /wording", needs: "wording.write", do: (*request).firmLoadWording},
}

// A firmFault is one finding of the lint.
type firmFault struct{ Class, Word, Where, Text, Do string }

// A firmIssued is one issue of the report, as the page shows it.
type firmIssued struct {
	N                            int
	Dated, At, By, Why           string
	Digest, Supersedes, Key      string
	Record                       link
	Class, Word                  string
	Withdrawn, Revising          string
	Opinions                     []string
	Files                        []firmFile
	InForce                      bool
	SupersededBy, SupersedesThat string
}

// A firmFile is a file that can be taken.
type firmFile struct {
	link
	Size, Digest string
}

// A firmComment is management's comment on a draft, with its answer.
type firmComment struct {
	engagement.Comment
	Action, Typed string
	Base          int64
	Open, May     bool
}

// A firmGiven is one draft that was given.
type firmGiven struct{ N, Digest, Due string }

type firmReportPage struct {
	*page
	ID       string
	Issued   []firmIssued // the newest first
	Faults   []firmFault
	Refused  []string // why no draft can be made
	Formats  []link   // of the draft
	Wording  firmWordingUsed
	Given    []firmGiven
	Comments []firmComment
	Gates    []firmGate
	Warnings []string
	Draft    firmDraftForm
	Final    firmFinalForm
	After    firmAfterForms
	Working  bool // a report is being made: none is in force, or one is under way that supersedes it
	Copies   string
	Archive  string
}

// A firmGate is one thing that has to be there before the report is issued.
type firmGate struct{ Class, Word, Needs, Missing string }

// A firmDraftForm gives the draft to management.
type firmDraftForm struct {
	Open, Again, Action, Dated, Due string
	Missing                         []string
}

// A firmFinalForm makes the final report of a day.
type firmFinalForm struct {
	Open, Again, Action, Dated string
	Others                     []choice // reports of other engagements that it can supersede
}

// firmAfterForms are what can happen to a report in force.
type firmAfterForms struct {
	Withdraw, Revise string // addresses; "" where it cannot
	WithdrawWhy      string
	ReviseWhy        string
	Again            string
}

func (q *request) firmReport() error {
	id := q.PathValue("id")
	data := firmReportPage{page: &q.page, ID: id, Copies: q.under("engagements", id, "report") + "/copies", Archive: q.under("engagements", id, "archive")}
	var zone *time.Location
	err := q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		q.gridFrame(f, "/report")
		zone = (&gridLook{terms: f.Terms}).zone()
		data.take(q, s, f, zone)
		return nil
	})
	if err != nil {
		return err
	}
	if err := data.read(q); err != nil {
		return err
	}
	q.Say = sayReport(data.stands())
	q.Title, q.Heading, q.Wide = "Report of "+id, "Report", true
	q.Way = []link{{id, q.at("engagements", id)}, {"Report", ""}}
	q.Code = data.code()
	return q.render("firm-report.html", &data)
}

// code is how the newest issued report is checked as a command; none before one.
func (d *firmReportPage) code() (out []string) {
	for _, x := range d.Issued {
		for _, file := range x.Files {
			if strings.HasSuffix(file.Text, ".pdf") {
				return []string{"tieout verify " + file.Text}
			}
		}
	}
	return nil
}

// take fills in what the file says.
func (d *firmReportPage) take(q *request, s *fieldwork.State, f *fieldwork.File, zone *time.Location) {
	for i := range f.Issues {
		d.Issued = append([]firmIssued{q.firmIssuedOf(f, i, zone)}, d.Issued...)
	}
	d.Working = !f.State.Over() && (len(f.Issues) == 0 || f.State.Place() < engagement.Issued.Place())
	for i, g := range f.Drafts {
		d.Given = append(d.Given, firmGiven{report.Number(i + 1), g.Digest, firmDay(g.Due, f.Terms.Zone)})
	}
	for _, c := range book.Sorted(f.Comments) {
		row := firmComment{Comment: *c, Base: s.Revision("comment:" + d.ID + "/" + c.ID), Open: c.Answer == "", Action: q.under("engagements", d.ID, "report") + "/comments/" + c.ID}
		row.May = row.Open && d.Working && q.gridMay("note.write")
		if q.PathValue("comment") == c.ID {
			row.Typed = q.PostForm.Get("answer")
		}
		d.Comments = append(d.Comments, row)
	}
	d.gates(q, s, f)
	for _, x := range s.Warnings(f) {
		d.Warnings = append(d.Warnings, sentence(x))
	}
	d.forms(q, s, f)
}

// gates are what has to be there before the report is issued, on the day that was
// typed; else that of the client's letter of representation, else today.
func (d *firmReportPage) gates(q *request, s *fieldwork.State, f *fieldwork.File) {
	day := q.firmToday(f)
	if l := f.Representations[f.Terms.Client.Name]; l != nil {
		day = l.Dated
	}
	d.Final.Dated = q.typed("dated", day)
	supersedes := q.PostForm.Get("supersedes")
	if n := len(f.Issues); n > 0 {
		supersedes = f.Issues[n-1].Report
	}
	d.Gates = firmGates(s.StandingToIssue(f, d.Final.Dated, supersedes, q.now()))
}

func firmGates(list []fieldwork.Standing) (out []firmGate) {
	for _, g := range list {
		row := firmGate{Class: "ok", Word: "There", Needs: report.Capital(g.Needs)}
		if g.Missing != "" {
			row.Class, row.Word, row.Missing = "due", "Missing", sentence(g.Missing)
		}
		out = append(out, row)
	}
	return out
}

// firmToday is the day it is in the engagement's zone.
func (q *request) firmToday(f *fieldwork.File) string {
	return q.now().In((&gridLook{terms: f.Terms}).zone()).Format(dayForm)
}

// forms are what a partner can do here now.
func (d *firmReportPage) forms(q *request, s *fieldwork.State, f *fieldwork.File) {
	at := q.under("engagements", d.ID, "report")
	d.After.Again = q.againFor("report.sign")
	d.Draft = firmDraftForm{Again: d.After.Again, Action: at + "/draft", Dated: d.Final.Dated, Due: q.typed("due", ""), Missing: firmMissing(s.Standing(f, "draft.give", "", q.now()))}
	if len(d.Draft.Missing) == 0 && d.Working && (q.gridMay("report.sign") || q.Method == "POST") {
		d.Draft.Open = "yes"
	}
	d.Final.Again, d.Final.Action = d.After.Again, at+"/final"
	missing := 0
	for _, g := range d.Gates {
		if g.Missing != "" {
			missing++
		}
	}
	if d.Working && missing == 0 && (q.gridMay("report.sign") || q.Method == "POST") {
		d.Final.Open = "yes"
	}
	if len(f.Issues) == 0 {
		d.Final.Others = q.firmOthers(s, f)
	}
	if q.gridMay("report.sign") || q.Method == "POST" {
		d.After.WithdrawWhy, d.After.ReviseWhy = q.PostForm.Get("withdraw-why"), q.PostForm.Get("revise-why")
		if len(firmMissing(s.Standing(f, "report.withdraw", "", q.now()))) == 0 {
			d.After.Withdraw = at + "/withdraw"
		}
		if len(firmMissing(s.Standing(f, "report.revise", "", q.now()))) == 0 {
			d.After.Revise = at + "/revise"
		}
	}
}

// firmOthers are reports in force of other engagements for the same client, which
// the first report of this one can supersede.
func (q *request) firmOthers(s *fieldwork.State, f *fieldwork.File) (out []choice) {
	typed := q.PostForm.Get("supersedes")
	for _, other := range s.Supersedable(f) {
		if q.may("workpaper.read", ofEngagement(other.Terms.ID)) {
			x := other.Issues[len(other.Issues)-1]
			out = append(out, choice{x.Report, other.Terms.ID + ", " + other.Terms.Type.String() + ", dated " + firmDay(x.Dated, other.Terms.Zone), typed == x.Report})
		}
	}
	if len(out) > 0 {
		out = append([]choice{{"", "None", typed == ""}}, out...)
	}
	return out
}

// firmIssuedOf is one issue of the report as it stands now.
func (q *request) firmIssuedOf(f *fieldwork.File, i int, zone *time.Location) firmIssued {
	x := f.Issues[i]
	ref := audit.EvidenceRef(x.Record)
	out := firmIssued{N: i + 1, Dated: firmDay(x.Dated, f.Terms.Zone), At: report.Moment(x.At, zone), By: x.Signed.Name + ", " + x.Signed.Title, Key: x.Signed.Key, Why: x.Why,
		Digest: x.Report, Supersedes: x.Supersedes, Record: link{ref, q.at("evidence", ref)}, Class: "ok", Word: "Issued", SupersededBy: x.Superseded}
	switch {
	case x.Withdrawn != nil:
		out.Class, out.Word, out.Withdrawn = "dev", "Withdrawn", sentence(x.Withdrawn.What)
	case x.Superseded != "":
		out.Class, out.Word = "none", "Superseded"
	case x.Revising != nil:
		out.Revising = sentence(x.Revising.What)
	}
	out.InForce = x.Withdrawn == nil && x.Superseded == "" && i == len(f.Issues)-1
	for _, file := range x.Digests {
		href := fmt.Sprintf("%s/issued/%d/%s", q.under("engagements", f.Terms.ID, "report"), i+1, file.Name)
		out.Files = append(out.Files, firmFile{link{file.Name, href}, firmBytes(file.Size), file.Digest})
	}
	return out
}

// firmBytes is a size in words: "12 KB"; a KB is 1000 bytes.
func firmBytes(n int64) string {
	switch {
	case n < 1000:
		return report.Plural(int(n), "byte", "bytes")
	case n < 1_000_000:
		return report.Number(int((n+500)/1000)) + " KB"
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// read makes the draft as it would be given now and reads it, where one is being
// made; of a report in force it reads the opinion.
func (d *firmReportPage) read(q *request) error {
	for i := range d.Issued {
		if !d.Issued[i].InForce {
			continue
		}
		r, err := q.s.firm.Value(q.Context(), d.Issued[i].Digest)
		if err != nil {
			return err
		}
		d.Issued[i].Opinions = opinionsInWords(r)
	}
	var err error
	if d.Wording, err = q.firmWordingUsed(d.ID); err != nil || !d.Working {
		return err
	}
	r, err := q.s.firm.Draft(q.Context(), d.ID, d.Final.Dated)
	if errors.Is(err, audit.ErrInvalid) {
		for line := range strings.Lines(err.Error()) {
			d.Refused = append(d.Refused, withoutReport(line))
		}
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range examination.FormatsOf(r.Type) {
		d.Formats = append(d.Formats, link{f.Name, q.under("engagements", d.ID, "report") + "/draft/" + f.End[1:] + "?dated=" + d.Final.Dated})
	}
	faults, err := q.s.firm.Lint(q.Context(), r)
	d.Faults = firmFaults(faults)
	return err
}

// withoutReport is what is wrong with a report's value, without its number.
func withoutReport(line string) string {
	line = strings.TrimPrefix(strings.TrimSpace(line), audit.ErrInvalid.Error()+": ")
	if rest, is := strings.CutPrefix(line, "report "); is {
		if _, fault, ok := strings.Cut(rest, ": "); ok {
			line = fault
		}
	}
	return sentence(line)
}

// opinionsInWords are the parts of a report's opinion.
func opinionsInWords(r attest.Report) (out []string) {
	for _, o := range r.Opinions {
		out = append(out, attest.PartName(o.Part)+": "+o.Word)
	}
	return out
}

func firmFaults(list []lint.Fault) (out []firmFault) {
	for _, f := range list {
		row := firmFault{"due", "Warning", f.Where, sentence(f.Text), sentence(f.Do)}
		if f.Severity == lint.Error {
			row.Class, row.Word = "dev", "Error"
		}
		out = append(out, row)
	}
	return out
}

// A reportStands is what the sentence of the report's page is about.
type reportStands struct {
	Issued           bool
	Dated            string
	Withdrawn, Under bool // withdrawn; another that supersedes it is under way
	Drafts, Open     int  // drafts given, comments without an answer
	Missing, Errors  int
	Refused          bool
}

func (d *firmReportPage) stands() reportStands {
	s := reportStands{Drafts: len(d.Given), Refused: len(d.Refused) > 0}
	if len(d.Issued) > 0 {
		s.Issued, s.Dated, s.Withdrawn, s.Under = true, d.Issued[0].Dated, d.Issued[0].Withdrawn != "", d.Working
	}
	for _, c := range d.Comments {
		if c.Open {
			s.Open++
		}
	}
	for _, g := range d.Gates {
		if g.Missing != "" {
			s.Missing++
		}
	}
	for _, f := range d.Faults {
		if f.Word == "Error" {
			s.Errors++
		}
	}
	return s
}

// sayReport says where the report stands.
func sayReport(s reportStands) string {
	switch {
	case s.Issued && s.Under:
		return "The report dated " + s.Dated + " is issued; another that supersedes it is under way."
	case s.Withdrawn:
		return "The report dated " + s.Dated + " was withdrawn."
	case s.Issued:
		return "The report is issued, dated " + s.Dated + "."
	case s.Refused:
		return "No draft can be made yet."
	case s.Drafts == 0:
		return "No draft was given to management, and no report is issued."
	case s.Open > 0:
		return "Management has the draft; " + report.Plural(s.Open, "comment waits", "comments wait") + " for an answer."
	case s.Missing+s.Errors > 0:
		return "Management has the draft; " + report.Plural(s.Missing+s.Errors, "thing stands", "things stand") + " before the report."
	}
	return "Nothing stands before the report: a partner makes it final, looks at it and signs it."
}

// firmGiveDraft gives the draft to management for factual review.
func (q *request) firmGiveDraft() error {
	id := q.PathValue("id")
	err := q.mustAgain("report.sign")
	if err == nil {
		_, err = q.s.firm.GiveDraft(q.Context(), q.who, id, q.field("dated"), q.field("due"))
	}
	if err == nil {
		return q.released(id, q.under("engagements", id, "report"), "The draft is given for factual review.")
	}
	return q.firmReportAgain(err)
}

// firmReportAgain shows the page again with what is wrong and what was typed.
func (q *request) firmReportAgain(err error) error {
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmReport()
}

func (q *request) firmAnswerComment() error {
	id, comment := q.PathValue("id"), q.PathValue("comment")
	err := q.files.AnswerComment(q.Context(), q.who, id, comment, q.field("answer"), q.base())
	if err == nil {
		return q.released(id, q.under("engagements", id, "report"), "Comment "+comment+" is answered.")
	}
	return q.firmReportAgain(err)
}

// firmWithdraw withdraws the report in force; the client is told why.
func (q *request) firmWithdraw() error {
	id := q.PathValue("id")
	err := q.mustAgain("report.sign")
	if err == nil {
		err = q.files.Withdraw(q.Context(), q.who, id, q.field("withdraw-why"))
	}
	if err == nil {
		return q.released(id, q.under("engagements", id, "report"), "The report is withdrawn; the client is told why.")
	}
	return q.firmReportAgain(err)
}

// firmRevise opens the file again for a report that supersedes the one in force.
func (q *request) firmRevise() error {
	id := q.PathValue("id")
	err := q.mustAgain("report.sign")
	if err == nil {
		err = q.files.Revise(q.Context(), q.who, id, q.field("revise-why"))
	}
	if err == nil {
		return q.done(q.under("engagements", id, "report"), "The file is open again. The next report supersedes this one and says why.")
	}
	return q.firmReportAgain(err)
}
