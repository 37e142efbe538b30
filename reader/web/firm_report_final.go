package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/report"
	"tieout/report/attest"
	"tieout/report/attest/lint"
)

// firmSendFile gives out a file to keep, never as a page of this server.
func (q *request) firmSendFile(f examination.File) error {
	h := q.w.Header()
	gridFileHead(h, f.Name)
	h.Set("Content-Type", f.Media)
	h.Set("Content-Length", strconv.Itoa(len(f.Data)))
	_, err := q.w.Write(f.Data)
	return err
}

// firmDraftFile is the draft as the file stands, in one format.
func (q *request) firmDraftFile() error {
	dated := q.URL.Query().Get("dated")
	if dated == "" {
		err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error { dated = q.firmToday(f); return nil })
		if err != nil {
			return err
		}
	}
	r, err := q.s.firm.Draft(q.Context(), q.PathValue("id"), dated)
	if err != nil {
		return err
	}
	return q.firmRender(r)
}

func (q *request) firmRender(r attest.Report) error {
	f, err := examination.Render(r, "."+q.PathValue("end"))
	if err != nil {
		return err
	}
	return q.firmSendFile(f)
}

// firmIssuedFile is a file of an issued report, as it was issued.
func (q *request) firmIssuedFile() error {
	n, err := strconv.Atoi(q.PathValue("n"))
	name := q.PathValue("file")
	digest := ""
	ferr := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		if err != nil || n < 1 || n > len(f.Issues) {
			return fmt.Errorf("%w: report %.10q of %s", audit.ErrNotFound, q.PathValue("n"), f.Terms.ID)
		}
		for _, x := range f.Issues[n-1].Digests {
			if x.Name == name {
				digest = x.Digest
				return nil
			}
		}
		return fmt.Errorf("%w: the report has no file %.100q", audit.ErrNotFound, name)
	})
	if ferr != nil {
		return ferr
	}
	return q.gridSend(digest, name)
}

// firmMakeFinal makes the report of a day as it would be issued, to look at.
func (q *request) firmMakeFinal() error {
	id := q.PathValue("id")
	err := q.mustAgain("report.sign")
	var m examination.Final
	if err == nil {
		m, err = q.s.firm.Final(q.Context(), q.who, id, examination.Issuing{Dated: q.field("dated"), Supersedes: q.field("supersedes")})
	}
	if missing := m.Missing(); err == nil && len(missing) > 0 {
		err = fmt.Errorf("%w: the report of %s cannot be issued: %s", audit.ErrConflict, id, strings.Join(missing, "; "))
	}
	if err == nil {
		return q.done(q.under("engagements", id, "report")+"/final/"+m.Digest, "This is the report as it would be issued. Nothing is issued yet.")
	}
	return q.firmReportAgain(err)
}

// finalHere is the report that was made to look at, of this engagement alone.
func (q *request) finalHere() (attest.Report, error) {
	return q.s.firm.Made(q.Context(), q.PathValue("id"), q.PathValue("digest"))
}

// firmFinalFile is the report that was made to look at, in one format.
func (q *request) firmFinalFile() error {
	r, err := q.finalHere()
	if err != nil {
		return err
	}
	f, err := examination.Render(r, "."+q.PathValue("end"))
	if err != nil {
		return err
	}
	f.Name = "unsigned-" + f.Name
	return q.firmSendFile(f)
}

type firmFinalPage struct {
	*page
	ID, Report, Digest, Action, Dated string
	Type, Supersedes, Why             string
	Opinions                          []string
	Wording                           attest.Template
	Imported                          []attest.Imported
	Formats                           []link
	Faults                            []firmFault
	Gates                             []firmGate
	Warnings                          []string
	Changed                           string // the file is not any more what the report was made of
	Open                              int
	Sign                              signing
	Form                              bool
	Again, Back                       string
	Other                             string // a SOC 3's warning
}

// firmFinalPage shows the report as it would be issued, and has it signed.
func (q *request) firmFinalPage() error {
	r, err := q.finalHere()
	if err != nil {
		return err
	}
	id, digest := q.PathValue("id"), q.PathValue("digest")
	at := q.under("engagements", id, "report")
	data := firmFinalPage{page: &q.page, ID: id, Report: r.ID, Digest: digest, Action: at + "/final/" + digest, Back: at, Type: r.Type.String(), Supersedes: r.Supersedes,
		Why: q.PostForm.Get("why"), Opinions: opinionsInWords(r), Wording: r.Template, Imported: r.Imported, Again: q.againFor("report.sign")}
	for _, f := range examination.FormatsOf(r.Type) {
		data.Formats = append(data.Formats, link{f.Name, data.Action + "/" + f.End[1:]})
	}
	if data.Sign, err = q.signing(); err != nil {
		return err
	}
	err = q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		q.gridFrame(f, "/report")
		data.Dated, data.Gates = firmDay(r.Dated, f.Terms.Zone), firmGates(s.StandingToIssue(f, r.Dated, r.Supersedes, q.now()))
		for _, x := range s.Warnings(f) {
			data.Warnings = append(data.Warnings, sentence(x))
		}
		return nil
	})
	if err == nil {
		err = data.judge(q, r)
	}
	if err != nil {
		return err
	}
	q.Say = sayFinal(data.Dated, data.Open, data.Changed != "")
	q.Title, q.Heading, q.Ref, q.Wide = r.ID, "The report as it would be issued", r.ID, true
	q.Way = []link{{id, q.at("engagements", id)}, {"Report", at}, {"Issue", ""}}
	return q.render("firm-report-final.html", &data)
}

// judge reads the report and says whether it can be signed.
func (d *firmFinalPage) judge(q *request, r attest.Report) error {
	faults, err := q.s.firm.Lint(q.Context(), r)
	if err != nil {
		return err
	}
	d.Faults = firmFaults(faults)
	for _, g := range d.Gates {
		if g.Missing != "" {
			d.Open++
		}
	}
	for _, f := range faults {
		if f.Severity == lint.Error {
			d.Open++
		}
	}
	if err := q.s.firm.Unchanged(q.Context(), d.ID, d.Digest); errors.Is(err, audit.ErrConflict) {
		d.Changed = refusalOf(err)
	} else if err != nil {
		return err
	}
	may := q.gridMay("report.sign") || q.Method == http.MethodPost && d.Again != ""
	d.Form = d.Open == 0 && d.Changed == "" && may
	return nil
}

// sayFinal says whether the report that was made can be issued.
func sayFinal(dated string, open int, changed bool) string {
	switch {
	case changed:
		return "The file has changed since this was made: make the report again."
	case open > 0:
		return "Dated " + dated + ", it cannot be issued: " + report.Plural(open, "thing stands", "things stand") + " before it."
	}
	return "Dated " + dated + ", nothing stands before it: with your signature it is issued and goes to the client."
}

// firmIssue signs and issues the report that was looked at.
func (q *request) firmIssue() error {
	id := q.PathValue("id")
	r, err := q.finalHere()
	if err != nil {
		return err
	}
	if err = q.mustAgain("report.sign"); err == nil {
		_, err = q.s.firm.IssueReport(q.Context(), q.who, id, examination.Issuing{Dated: r.Dated, Report: q.PathValue("digest"), Supersedes: r.Supersedes, Why: q.field("why"), Sign: q.sign})
	}
	if err == nil {
		return q.released(id, q.under("engagements", id, "report"), "The report is signed and issued. It goes to the client, with every format.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmFinalPage()
}
