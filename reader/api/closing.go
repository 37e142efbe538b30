package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/attest"
)

// closingCalls are conclusions, opinions, the report and the archive. What is
// signed comes with the person's signature; facts are beside it, and nothing is
// proposed.
func (s *Server) closingCalls() {
	const file = "/engagements/{engagement}"
	addFile(s, operation{id: "list-conclusions", method: http.MethodGet, path: file + "/conclusions", tag: "Conclusions", needs: "workpaper.read", title: "Everything that needs a conclusion, with the one it has"}, listConclusions)
	addFile(s, operation{id: "conclude", method: http.MethodPut, path: file + "/conclusions/{id}", tag: "Conclusions", needs: "conclusion.write", example: file + "/conclusions/control:CHG-01", sends: `{"outcome":"exceptions noted","design":"suitably designed","text":"Exceptions noted."}`,
		title: "Conclude on a control, a criterion, an objective or a description criterion", detail: "The ID is such as control:IAM-06, criterion:CC6.1, objective:1 or dc:DC 4. If-Match is the conclusion's revision; \"0\" the first time."}, conclude)
	addFile(s, operation{id: "list-opinions", method: http.MethodGet, path: file + "/opinions", tag: "Conclusions", needs: "workpaper.read", title: "Opinions by part, as far as they are given"}, listOpinions)
	addFile(s, operation{id: "opinion-digest", method: http.MethodPost, path: file + "/opinions/{id}/digest", tag: "Conclusions", needs: "workpaper.read", example: file + "/opinions/design/digest", sends: opinionExample,
		title: "What a partner would sign with these words", detail: "It changes nothing."}, opinionDigest)
	addFile(s, operation{id: "opine", method: http.MethodPut, path: file + "/opinions/{id}", tag: "Conclusions", needs: "opinion.write", example: file + "/opinions/design", sends: strings.TrimSuffix(opinionExample, "}") + `,"signed":` + signatureExample + `}`,
		title: "Give the opinion on one part, signed over opinion-digest"}, opine)
	addFile(s, operation{id: "get-quality", method: http.MethodGet, path: file + "/quality", tag: "Conclusions", needs: "workpaper.read", title: "The engagement quality review, and what it would be over"}, getQuality)
	addFile(s, operation{id: "sign-quality", method: http.MethodPost, path: file + "/quality", tag: "Conclusions", needs: "quality.review", sends: strings.TrimSuffix(digestExample, "}") + `,"text":"Reviewed the judgments."}`, title: "Sign the engagement quality review off"}, signQuality)
	addFile(s, operation{id: "inquire", method: http.MethodPost, path: file + "/inquiries", tag: "Conclusions", needs: "conclusion.write", sends: `{"asked":"The head of engineering","answer":"Nothing happened.","to":"2026-04-01"}`, title: "Record an inquiry about subsequent events"}, inquire)
	addFile(s, operation{id: "answer-comment", method: http.MethodPost, path: file + "/comments/{id}/answer", tag: "Report", needs: "note.write", sends: `{"text":"Corrected."}`, title: "Answer management's comment on a draft"}, answerComment)
	addFile(s, operation{id: "give-draft", method: http.MethodPost, path: file + "/drafts", tag: "Report", needs: "report.sign", sends: `{"dated":"2026-04-01","due":"2026-04-10"}`, title: "Make the draft of the report and give it to the client for factual review",
		detail: "The draft is made from the file as it stands."}, giveDraft)
	addFile(s, operation{id: "get-report", method: http.MethodGet, path: file + "/report", tag: "Report", needs: "workpaper.read", title: "Issued reports, and what is missing for the next"}, getReport)
	addFile(s, operation{id: "final-report", method: http.MethodPost, path: file + "/report/final", tag: "Report", needs: "report.sign", sends: `{"dated":"2026-04-01"}`, title: "Make the report as it would be issued, with the two digests that are signed",
		detail: "It issues nothing. What stands against issuing is in open."}, finalReport)
	addFile(s, operation{id: "issue-report", method: http.MethodPost, path: file + "/report", tag: "Report", needs: "report.sign", status: http.StatusCreated, sends: issueExample,
		title: "Issue the report that final-report made, signed over its two digests", detail: "It is made again, read, and refused where the file gives another report by now. Its files are made here, in every format. From then on nothing of the engagement changes."}, issueReport)
	addFile(s, operation{id: "revise-report", method: http.MethodPost, path: file + "/report/revision", tag: "Report", needs: "report.sign", sends: `{"why":"An incident of the period came out."}`, title: "Open the file of an issued report for one that supersedes it"}, reviseReport)
	addFile(s, operation{id: "withdraw-report", method: http.MethodPost, path: file + "/report/withdrawal", tag: "Report", needs: "report.sign", sends: `{"why":"A letter was taken back."}`, title: "Withdraw an issued report"}, withdrawReport)
	addFile(s, operation{id: "get-archive", method: http.MethodGet, path: file + "/archive", tag: "Report", needs: "workpaper.read", title: "The index of the engagement's file, as it is now"}, getArchive)
	addFile(s, operation{id: "assemble-archive", method: http.MethodPost, path: file + "/archive/assembly", tag: "Report", needs: "file.assemble", title: "Assemble the file of an issued report"}, assembleArchive)
	addFile(s, operation{id: "lock-archive", method: http.MethodPost, path: file + "/archive/lock", tag: "Report", needs: "file.assemble", title: "Lock the assembled file"}, lockArchive)
	addFile(s, operation{id: "add-to-archive", method: http.MethodPost, path: file + "/archive/additions", tag: "Report", needs: "file.assemble", sends: strings.TrimSuffix(digestExample, "}") + `,"name":"memo.txt","size":1,"why":"It was left out."}`,
		title: "Add a document beside a locked file, with the reason"}, addToArchive)
}

const (
	opinionExample   = `{"opinion":"Unmodified","text":"Suitably designed."}`
	issueExample     = `{"report":"` + zeros + `","dated":"2026-04-01","signed":` + signatureExample + `,"pages":` + signatureExample + `}`
	signatureExample = `{"signer":"","name":"","title":"","key":"","what":"","digest":"","at":"2026-04-01T00:00:00Z","value":""}`
)

// Conclusion is what is concluded on something, or that nothing is yet.
type Conclusion struct {
	On          string     `json:"on"`
	Outcome     string     `json:"outcome,omitempty" doc:"Left out: nothing is concluded yet"`
	Design      string     `json:"design,omitempty"`
	Implemented bool       `json:"implemented"`
	Text        string     `json:"text,omitempty"`
	Findings    []string   `json:"findings" nullable:"false"`
	By          string     `json:"by,omitempty"`
	At          *time.Time `json:"at,omitempty"`
	Stale       string     `json:"stale,omitempty" doc:"Why it has to be renewed"`
	Revision    int64      `json:"revision"`
}

func conclusionOf(f *fieldwork.File, what string) Conclusion {
	c := f.Concluded[what]
	if c == nil {
		return Conclusion{On: what, Findings: []string{}}
	}
	return Conclusion{what, string(c.Outcome), c.Design, c.Implemented, c.Text, append([]string{}, c.Findings...), c.By, when(c.At), f.Stale(what), c.Revision}
}

func listConclusions(d *desk, in *FilePage) (*listOut[Conclusion], error) {
	var all []Conclusion
	left := 0
	err := d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		for _, what := range f.ToConclude() {
			c := conclusionOf(f, what)
			if all = append(all, c); c.Outcome == "" || c.Stale != "" {
				left++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.conclusions/1", answer.Counted(left, "conclusion is missing or has to be renewed", "conclusions are missing or have to be renewed"), all, "/engagements/"+in.Engagement+"/conclusions")
}

// ConclusionText is what an auditor concludes, in their own words.
type ConclusionText struct {
	Outcome     string   `json:"outcome" enum:"no exceptions noted,exceptions noted,did not occur in the period,design only,unable to conclude,not applicable"`
	Design      string   `json:"design,omitempty" enum:"suitably designed,not suitably designed,unable to conclude" doc:"Of a control"`
	Implemented bool     `json:"implemented,omitempty" doc:"Of a control as of a date"`
	Text        string   `json:"text" minLength:"1" maxLength:"20000"`
	Prior       []string `json:"prior,omitempty" maxItems:"100" doc:"What was seen of each exception in the report before, in the order of the terms"`
}

func conclude(d *desk, in *changes[ConclusionText]) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	b := &in.Body
	if err := d.files.Conclude(d, d.Who, in.Engagement, in.ID, fieldwork.Concluding{Outcome: engagement.Outcome(b.Outcome), Design: b.Design, Implemented: b.Implemented, Text: b.Text, Prior: b.Prior}, base); err != nil {
		return nil, d.since(err, in.Engagement, "conclusion:"+in.Engagement+"/"+in.ID, base)
	}
	return d.done(in.Engagement, "conclusion", in.ID, in.ID+": "+b.Outcome+".")
}

// OpinionText is an opinion on one part, in the partner's own words.
type OpinionText struct {
	Opinion string `json:"opinion" enum:"Unmodified,Qualified,Adverse,Disclaimer"`
	Text    string `json:"text" minLength:"1" maxLength:"20000"`
	Basis   string `json:"basis,omitempty" maxLength:"20000" doc:"Why it is modified"`
}

// Opinion is the opinion on one part.
type Opinion struct {
	Part string `json:"part"`
	OpinionText
	Signed SignatureText `json:"signed"`
	At     time.Time     `json:"at"`
	Record string        `json:"record"`
}

func listOpinions(d *desk, in *FilePage) (*listOut[Opinion], error) {
	var all []Opinion
	parts, said := 0, ""
	err := d.file(in.Engagement, func(s *fieldwork.State, f *fieldwork.File) error {
		said = lookAt(s.BaseWarnings(f))
		for _, part := range f.Terms.Type.Parts() {
			parts++
			if o := f.Opinions[part]; o != nil {
				all = append(all, Opinion{string(part), OpinionText{string(o.Opinion), o.Text, o.Basis}, o.Signed, o.At, audit.EvidenceRef(o.Record)})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.opinions/1", answer.Counted(parts-len(all), "part has no opinion", "parts have no opinion")+said, all, "/engagements/"+in.Engagement+"/opinions")
}

func opinionDigest(d *desk, in *doesOn[OpinionText]) (out *oneOut[DigestText], err error) {
	err = d.file(in.Engagement, func(s *fieldwork.State, f *fieldwork.File) error {
		digest := s.OpinionDigest(f, engagement.Part(in.ID), engagement.Opinion(in.Body.Opinion), in.Body.Text, in.Body.Basis)
		out = one("tieout.digest/1", "A partner signs this with the opinion on "+in.ID+"."+lookAt(s.BaseWarnings(f)), DigestText{digest})
		return nil
	})
	return out, err
}

// SignedOpinion is an opinion with the partner's signature.
type SignedOpinion struct {
	OpinionText
	Signed SignatureText `json:"signed"`
}

func opine(d *desk, in *doesOn[SignedOpinion]) (*oneOut[Done], error) {
	b := &in.Body
	if err := d.files.Opine(d, d.Who, in.Engagement, engagement.Part(in.ID), engagement.Opinion(b.Opinion), b.Text, b.Basis, b.Signed); err != nil {
		return nil, badlySigned(err)
	}
	said := ""
	if err := d.file(in.Engagement, func(s *fieldwork.State, f *fieldwork.File) error { said = lookAt(s.BaseWarnings(f)); return nil }); err != nil {
		return nil, err
	}
	return d.done(in.Engagement, "opinion", in.ID, "The opinion on "+in.ID+": "+b.Opinion+"."+said)
}

// lookAt is what is said beside an act that it does not stop, after its sentence.
func lookAt(warnings []string) (out string) {
	for _, w := range warnings {
		out += " " + report.Capital(strings.TrimSuffix(w, ".")) + "."
	}
	return out
}

// badlySigned is what is not as it was signed, as the caller's to mend.
func badlySigned(err error) error {
	if errors.Is(err, audit.ErrAltered) {
		return newProblem(http.StatusUnprocessableEntity, words(err)).at("body.signed", "does not hold")
	}
	return err
}

// Quality is the engagement quality review.
type Quality struct {
	Asked  bool    `json:"asked" doc:"The firm's policy asks for one"`
	Signed *Signed `json:"signed,omitempty"`
	Digest string  `json:"digest" doc:"What it would be over now"`
}

func getQuality(d *desk, in *fileIn) (out *oneOut[Quality], err error) {
	err = d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		q := Quality{f.Terms.Quality, signedOf(f.Quality), f.QualityDigest()}
		say := "The engagement quality review is not signed."
		if q.Signed != nil && q.Signed.Digest == q.Digest {
			say = "The engagement quality review is signed."
		}
		out = one("tieout.quality/1", say, q)
		return nil
	})
	return out, err
}

// QualityText is what was looked at, and over which opinions.
type QualityText struct {
	DigestText
	Words
}

func signQuality(d *desk, in *does[QualityText]) (*oneOut[Done], error) {
	if err := d.files.SignQuality(d, d.Who, in.Engagement, in.Body.Digest, in.Body.Text); err != nil {
		return nil, err
	}
	return d.done(in.Engagement, "quality", "", "The engagement quality review is signed.")
}

// InquiryText is who was asked, what came of it, and up to which day.
type InquiryText struct {
	Asked  string `json:"asked" minLength:"1" maxLength:"20000"`
	Answer string `json:"answer" minLength:"1" maxLength:"20000"`
	To     string `json:"to" minLength:"10" maxLength:"10"`
}

func inquire(d *desk, in *does[InquiryText]) (*oneOut[Done], error) {
	if err := d.files.Inquire(d, d.Who, in.Engagement, in.Body.Asked, in.Body.Answer, in.Body.To); err != nil {
		return nil, err
	}
	return d.done(in.Engagement, "inquiry", "", "Subsequent events were asked about up to "+in.Body.To+".")
}

func answerComment(d *desk, in *changes[Words]) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	if err := d.files.AnswerComment(d, d.Who, in.Engagement, in.ID, in.Body.Text, base); err != nil {
		return nil, d.since(err, in.Engagement, "comment:"+in.Engagement+"/"+in.ID, base)
	}
	return d.sent(in.Engagement, "comment", in.ID, in.ID+" is answered.")
}

// DraftText says of which draft, and until when the client says what in it is not
// so.
type DraftText struct {
	Dated string `json:"dated" minLength:"10" maxLength:"10" doc:"The day the report is expected to have"`
	Due   string `json:"due" minLength:"10" maxLength:"10"`
}

func giveDraft(d *desk, in *does[DraftText]) (*oneOut[Done], error) {
	x, err := d.s.o.Web.Firm().GiveDraft(d, d.Who, in.Engagement, in.Body.Dated, in.Body.Due)
	if err != nil {
		return nil, err
	}
	return d.sent(in.Engagement, "draft", "", "The draft "+attest.Short(x.Digest)+" is given.")
}

// Reports are what was issued, and what is missing for the next.
type Reports struct {
	Issued   []Issued `json:"issued" nullable:"false"`
	Gates    []Gate   `json:"gates" nullable:"false" doc:"What stands before issuing"`
	Warnings []string `json:"warnings" nullable:"false" doc:"What keeps nobody from issuing"`
}

// Issued is an issued report.
type Issued struct {
	engagement.Release
	By         string    `json:"by"`
	At         time.Time `json:"at"`
	Record     string    `json:"record"`
	Withdrawn  *Step     `json:"withdrawn,omitempty"`
	Superseded string    `json:"superseded,omitempty" doc:"Digest of the report that took its place"`
	Revising   *Step     `json:"revising,omitempty" doc:"Since when one that supersedes it is under way, and why"`
}

type issuesIn struct {
	File
	Dating
}

func getReport(d *desk, in *issuesIn) (out *oneOut[Reports], err error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	err = d.file(in.Engagement, func(s *fieldwork.State, f *fieldwork.File) error {
		x := Reports{[]Issued{}, []Gate{}, append([]string{}, s.Warnings(f)...)}
		for _, i := range f.Issues {
			one := Issued{Release: i.Release, By: i.By, At: i.At, Record: audit.EvidenceRef(i.Record), Superseded: i.Superseded, Withdrawn: stepOf(i.Withdrawn), Revising: stepOf(i.Revising)}
			x.Issued = append(x.Issued, one)
		}
		standing := s.StandingToIssue(f, in.Dated, in.Supersedes, d.now)
		x.Gates = gatesOf(issueAct, standing)
		out = one("tieout.reports/1", sayReports(x.Issued, standing), x)
		return nil
	})
	return out, err
}

func stepOf(s *fieldwork.Step) *Step {
	if s == nil {
		return nil
	}
	return &Step{s.At, s.By, s.What}
}

// sayReports says whether a report is in force, else what is missing before one.
func sayReports(list []Issued, standing []fieldwork.Standing) string {
	if len(list) == 0 {
		return answer.Gates(issueAct, standing)
	}
	switch x := &list[len(list)-1]; {
	case x.Withdrawn != nil:
		return "The report dated " + x.Dated + " is withdrawn."
	case x.Superseded != "":
		return "The report dated " + x.Dated + " is superseded by " + attest.Short(x.Superseded) + "."
	case x.Revising != nil:
		return "The report dated " + x.Dated + " is issued, and one that supersedes it is under way."
	default:
		return "The report is issued, dated " + x.Dated + "."
	}
}

// FinalText says which report is made.
type FinalText struct {
	Dated      string `json:"dated" minLength:"10" maxLength:"10"`
	Supersedes string `json:"supersedes,omitempty" maxLength:"64" doc:"Digest of another engagement's report that it takes the place of"`
}

// Final is a report as it would be issued.
type Final struct {
	ID     string   `json:"id" doc:"Its number, such as RPT-EN-1-1"`
	Report string   `json:"report" doc:"Digest of its value; issue-report names it, and one signature is over it"`
	Pages  string   `json:"pages" doc:"Digest of the pages of its PDF, which the other signature is over"`
	Open   []string `json:"open" nullable:"false" doc:"Why it cannot be issued: gates that are not met, and errors that a reading finds"`
	Faults []Fault  `json:"faults" nullable:"false" doc:"All that a reading finds"`
}

// Fault is something a careful reader of a report stops at.
type Fault struct {
	Severity string `json:"severity"`
	Where    string `json:"where"`
	Rule     string `json:"rule"`
	Text     string `json:"text"`
	Do       string `json:"do,omitempty"`
}

func finalReport(d *desk, in *does[FinalText]) (*oneOut[Final], error) {
	m, err := d.s.o.Web.Firm().Final(d, d.Who, in.Engagement, examination.Issuing{Dated: in.Body.Dated, Supersedes: in.Body.Supersedes})
	if err != nil {
		return nil, err
	}
	x := Final{ID: m.Report.ID, Report: m.Digest, Open: append([]string{}, m.Open()...), Faults: []Fault{}}
	if x.Pages, err = m.Pages(); err != nil {
		return nil, err
	}
	for _, f := range m.Faults {
		x.Faults = append(x.Faults, Fault{string(f.Severity), f.Where, string(f.Rule), f.Text, f.Do})
	}
	say := "Dated " + m.Report.Dated + ", nothing stands against it."
	if n := len(x.Open); n > 0 {
		say = "Dated " + m.Report.Dated + ", it cannot be issued: " + report.Plural(n, "thing stands", "things stand") + " against it."
	}
	return one("tieout.final/1", say, x), nil
}

// IssueText is the report that was looked at, with the two signatures.
type IssueText struct {
	Report string        `json:"report" minLength:"64" maxLength:"64" doc:"Digest of the report as final-report made it"`
	Dated  string        `json:"dated" minLength:"10" maxLength:"10" doc:"As it was made"`
	Signed SignatureText `json:"signed" doc:"Over the report's digest, of what is a report"`
	Pages  SignatureText `json:"pages" doc:"Over the digest of its pages, of what is pages of the report"`

	Supersedes string `json:"supersedes,omitempty" maxLength:"64" doc:"As it was made"`
	Why        string `json:"why,omitempty" maxLength:"20000" doc:"Of a superseding report"`
}

// sign gives the signatures that came with the request.
func (t *IssueText) sign(what, digest string) (engagement.Signature, error) {
	sig := map[string]SignatureText{examination.SignsReport: t.Signed, examination.SignsPages: t.Pages}[what]
	if sig.Digest != digest {
		return sig, fmt.Errorf("%w: the signature of the %s is over something else than what would be issued: make the report again, look at it, and sign that", audit.ErrAltered, what)
	}
	return sig, nil
}

func issueReport(d *desk, in *does[IssueText]) (*oneOut[Done], error) {
	b := &in.Body
	x, err := d.s.o.Web.Firm().IssueReport(d, d.Who, in.Engagement, examination.Issuing{Dated: b.Dated, Report: b.Report, Supersedes: b.Supersedes, Why: b.Why, Sign: b.sign})
	if err != nil {
		return nil, badlySigned(err)
	}
	return created(d.sent(in.Engagement, "report", "", "The report is issued, dated "+x.Dated+"."))
}

func reviseReport(d *desk, in *does[Why]) (*oneOut[Done], error) {
	if err := d.files.Revise(d, d.Who, in.Engagement, in.Body.Why); err != nil {
		return nil, err
	}
	return d.sent(in.Engagement, "report", "", "A superseding report is under way.")
}

func withdrawReport(d *desk, in *does[Why]) (*oneOut[Done], error) {
	if err := d.files.Withdraw(d, d.Who, in.Engagement, in.Body.Why); err != nil {
		return nil, err
	}
	return d.sent(in.Engagement, "report", "", "The report is withdrawn.")
}

// Archive is the engagement's file as it would be assembled now, and whether it
// is locked.
type Archive struct {
	Digest    string               `json:"digest" doc:"Of the index as it is now"`
	Assembled string               `json:"assembled,omitempty" doc:"Digest of the index that was assembled last"`
	Locked    *time.Time           `json:"locked,omitempty"`
	LockedBy  string               `json:"lockedBy,omitempty"`
	Documents []fieldwork.Document `json:"documents" nullable:"false"`
	Added     []fieldwork.Addition `json:"added" nullable:"false"`
}

func getArchive(d *desk, in *fileIn) (out *oneOut[Archive], err error) {
	err = d.file(in.Engagement, func(s *fieldwork.State, f *fieldwork.File) error {
		index, err := s.Index(f)
		if err != nil {
			return err
		}
		a := Archive{Digest: index.Digest(), Documents: append([]fieldwork.Document{}, index...), Added: []fieldwork.Addition{}}
		say := "The file is not assembled."
		if x := f.Archive; x != nil {
			a.Assembled, a.Locked, a.LockedBy, a.Added = x.Digest, when(x.Locked), x.LockedBy, append(a.Added, x.Added...)
			if say = "The file is assembled and not locked."; a.Locked != nil {
				say = "The file is locked."
			}
		}
		out = one("tieout.archive/1", say, a)
		return nil
	})
	return out, err
}

// onArchive says what was done to the engagement's file.
func (d *desk) onArchive(f *File, words string, err error) (*oneOut[Done], error) {
	if err != nil {
		return nil, err
	}
	return d.done(f.Engagement, "archive", "", words)
}

func assembleArchive(d *desk, in *acts) (*oneOut[Done], error) {
	_, err := d.files.Assemble(d, d.Who, in.Engagement)
	return d.onArchive(&in.File, "The file is assembled.", err)
}

func lockArchive(d *desk, in *acts) (*oneOut[Done], error) {
	return d.onArchive(&in.File, "The file is locked.", d.files.Lock(d, d.Who, in.Engagement))
}

// AdditionText is a document beside a locked file.
type AdditionText struct {
	DigestText
	Name string `json:"name" minLength:"1" maxLength:"200"`
	Size int64  `json:"size" minimum:"1"`
	Why  string `json:"why" minLength:"1" maxLength:"20000"`
}

func addToArchive(d *desk, in *does[AdditionText]) (*oneOut[Done], error) {
	b := &in.Body
	return d.onArchive(&in.File, b.Name+" is added beside the locked file.", d.files.AddToArchive(d, d.Who, in.Engagement, b.Name, b.Digest, b.Size, b.Why))
}
