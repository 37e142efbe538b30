package api

import (
	"fmt"
	"net/http"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/reader/answer"
)

// examinationCalls read the company's side of its examinations: what the firm
// released, and what management brought. Of the firm's own work nothing is here, and
// who has single controls reads what is of them, as on the screens.
func (s *Server) examinationCalls() {
	const one = "/examinations/{id}"
	add(s, operation{id: "list-examinations", method: http.MethodGet, path: "/examinations", tag: "Examinations", needs: "request.read", title: "Examinations of this company, and where each stands"}, examReach[examinationsIn], listExaminations)
	add(s, operation{id: "get-report-coverage", method: http.MethodGet, path: "/report-coverage", tag: "Examinations", needs: "report.read", title: "Which days reports in force speak about, then letters, and which days nothing speaks about"}, whole[Of], reportCoverage)
	add(s, operation{id: "get-examination", method: http.MethodGet, path: one, tag: "Examinations", needs: "request.read", title: "One examination"}, examReach[ExamName], getExamination)
	add(s, operation{id: "list-asked", method: http.MethodGet, path: one + "/requests", tag: "Examinations", needs: "request.read", title: "What the auditor asks for, and the answers",
		detail: "Who has single controls gets the requests that were given to them."}, examReach[askedIn], listAsked)
	add(s, operation{id: "answer-request", method: http.MethodPost, path: one + "/requests/{request}/answers", tag: "Examinations", needs: "request.answer", status: http.StatusCreated, sends: `{"status":"Submitted","text":"All four are attached."}`,
		title: "Answer a request, or say that it is in progress", detail: "If-Match is the request's revision. Records are of this workspace's log, and the caller may read them. The firm gets either answer."}, theAsked, answerAsked)
	add(s, operation{id: "assign-request", method: http.MethodPut, path: one + "/requests/{request}/owner", tag: "Examinations", needs: "task.manage", sends: `{"owner":""}`, title: "Say who answers a request"}, whole[assignAskedIn], assignAsked)
	add(s, operation{id: "list-freezes", method: http.MethodGet, path: one + "/populations", tag: "Examinations", needs: "request.read", title: "Frozen populations, and the auditor's word on each"}, whole[ExamPage], listFreezes)
	add(s, operation{id: "freeze-population", method: http.MethodPost, path: one + "/populations", tag: "Examinations", needs: "evidence.export", person: true, status: http.StatusCreated, also: http.StatusAccepted, sends: `{"procedure":"access.leavers.accounts","round":"1"}`,
		title: "Freeze the population that a procedure of the newest run over the examination's period tested", detail: "Of a large run it is a job (202), at the address in Location."}, whole[freezeIn], freezePopulation)
	add(s, operation{id: "list-released-samples", method: http.MethodGet, path: one + "/samples", tag: "Examinations", needs: "request.read", title: "Samples the auditor released"}, whole[ExamPage], listReleasedSamples)
	add(s, operation{id: "list-released-findings", method: http.MethodGet, path: one + "/findings", tag: "Examinations", needs: "deviation.read", title: "Exceptions the auditor released, with management's responses",
		detail: "Who has single controls gets the exceptions of these."}, theReleased, listReleasedFindings)
	add(s, operation{id: "respond", method: http.MethodPut, path: one + "/findings/{finding}/response", tag: "Examinations", needs: "deviation.answer", sends: `{"agrees":true,"cause":"A list was incomplete.","done":"It is whole since 1 May 2026.","final":false}`,
		title: "Draft management's response to an exception", detail: "If-Match is the exception's revision. A final response stays; final is refused here: finish-response makes it so."}, theFinding, respond)
	add(s, operation{id: "finish-response", method: http.MethodPost, path: one + "/findings/{finding}/response/final", tag: "Examinations", needs: "response.final",
		title: "Make the drafted response to an exception final", detail: "If-Match is the exception's revision as the draft was read. A management signer does, who did not write it; the firm gets it."}, theResponse, finishResponse)
}

// examReach is what of an examination somebody reaches.
func examReach[I any](c *call, _ *I) (access.Object, error) { return c.ExamReach(), nil }

// theReleased are exceptions, for whom requests can be read by too.
func theReleased(c *call, _ *ExamPage) (access.Object, error) {
	o := c.ExamReach()
	return o, access.Require(c.Who, "request.read", o)
}

// exam looks at the company's side of an examination.
func (c *call) exam(id string, f func(*management.State, *management.Side) error) error {
	return c.s.o.Web.Client().Side.Read(c, func(s *management.State) error {
		x, err := s.Side(id)
		if err != nil {
			return err
		}
		return f(s, x)
	})
}

// Examination is one examination, as the company has it.
type Examination struct {
	ID       string     `json:"id"`
	Type     string     `json:"type"`
	Firm     string     `json:"firm"`
	System   string     `json:"system"`
	First    string     `json:"first,omitempty"`
	Last     string     `json:"last,omitempty"`
	AsOf     string     `json:"asOf,omitempty"`
	State    string     `json:"state"`
	Agreed   bool       `json:"agreed" doc:"A signer agreed to the terms as they are"`
	Digest   string     `json:"digest" doc:"Of the terms: what an agreement is signed over"`
	Offered  time.Time  `json:"offered"`
	Open     int        `json:"openRequests" doc:"Of those the caller may read"`
	Findings int        `json:"exceptions" doc:"That the auditor released; of those the caller may read"`
	Parties  []string   `json:"parties" nullable:"false" doc:"Who asserts and represents"`
	Revision int64      `json:"revision" doc:"Of its terms and its step"`
	Reports  *Delivered `json:"reports,omitempty" doc:"Left out: the caller does not read reports"`

	Statements *Statements `json:"statements,omitempty" doc:"Left out: the caller does not read the examination as a whole"`
}

// Statements are management's own, as far as they are made.
type Statements struct {
	Final    int      `json:"description,omitempty" doc:"Version of the finished description"`
	Asserted []string `json:"asserted" nullable:"false" doc:"Who signed an assertion"`
	Letters  []string `json:"represented" nullable:"false" doc:"Who signed a letter of representation"`

	Next []NextStatement `json:"next" nullable:"false" doc:"What the next assertion and letter of each party name beside the digest of the terms; it is signed with them"`
}

// NextStatement is which version a party's next assertion and letter are.
type NextStatement struct {
	Party          string `json:"party"`
	Assertion      int    `json:"assertion"`
	Representation int    `json:"representation"`
}

// Delivered is what came of the report.
type Delivered struct {
	Releases []Released `json:"releases" nullable:"false"`
	Drafts   []Draft    `json:"drafts" nullable:"false"`
}

// Released is an issued report.
type Released struct {
	engagement.Release
	At       time.Time         `json:"at"`
	Packet   string            `json:"packet" doc:"The sealed packet with its files"`
	Opinions map[string]string `json:"opinions" doc:"By part, as the report says"`
}

// Draft is a draft for factual review.
type Draft struct {
	engagement.Draft
	At     time.Time `json:"at"`
	Packet string    `json:"packet"`
}

func (c *call) examinationOf(s *management.State, x *management.Side) Examination {
	t := x.Terms
	e := Examination{ID: t.ID, Type: t.Type.String(), Firm: t.Firm.Name, System: t.System, First: t.First, Last: t.Last, AsOf: t.AsOf, State: string(x.State), Agreed: x.Agreed != nil, Digest: x.Digest, Offered: x.Offered,
		Findings: len(c.Released(x)), Parties: x.Parties(), Revision: s.Revision("terms:" + t.ID)}
	for _, r := range c.Asked(x) {
		if r.Status != engagement.RequestAccepted && r.Status != engagement.RequestWithdrawn {
			e.Open++
		}
	}
	if c.May("request.read", access.Object{}) {
		e.Statements = statementsOf(x)
	}
	if c.May("report.read", access.Object{Engagements: []string{t.ID}}) {
		e.Reports = deliveredOf(x)
	}
	return e
}

func statementsOf(x *management.Side) *Statements {
	p := &Statements{Asserted: []string{}, Letters: []string{}, Next: []NextStatement{}}
	if x.Final != nil {
		p.Final = x.Final.Version
	}
	for _, party := range x.Parties() {
		p.Next = append(p.Next, NextStatement{party, x.NextAssertion(party).Version, x.NextLetter(party).Version})
		if x.Assertions[party] != nil {
			p.Asserted = append(p.Asserted, party)
		}
		if x.Letters[party] != nil {
			p.Letters = append(p.Letters, party)
		}
	}
	return p
}

func deliveredOf(x *management.Side) *Delivered {
	d := &Delivered{[]Released{}, []Draft{}}
	for _, r := range x.Releases {
		if r.Withdrawn != "" {
			r.Release.Withdrawn, r.Why = true, r.Withdrawn
		}
		d.Releases = append(d.Releases, Released{r.Release, r.At, audit.EvidenceRef(r.Packet), r.Opinions})
	}
	for _, y := range x.Drafts {
		d.Drafts = append(d.Drafts, Draft{y.Draft, y.At, audit.EvidenceRef(y.Packet)})
	}
	return d
}

type examinationsIn struct {
	Of
	Paging
}

func listExaminations(c *call, in *examinationsIn) (*listOut[Examination], error) {
	var all []Examination
	err := c.s.o.Web.Client().Side.Read(c, func(s *management.State) error {
		for _, x := range answer.InOrder(s.Sides) {
			all = append(all, c.examinationOf(s, x))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.examinations/1", answer.Counted(len(all), "examination", "examinations"), all, "/examinations", "period", in.Period)
}

// ExamName names an examination in the path.
type ExamName struct {
	Of
	ID string `path:"id" maxLength:"100" doc:"Such as EN-1"`
}

// ExamPage is a page of a list of an examination's.
type ExamPage struct {
	ExamName
	Paging
}

func getExamination(c *call, in *ExamName) (out *oneOut[Examination], err error) {
	err = c.exam(in.ID, func(s *management.State, x *management.Side) error {
		e := c.examinationOf(s, x)
		out = one("tieout.examination/1", e.ID+" by "+e.Firm+", "+e.Type+": "+e.State+".", e)
		return nil
	})
	return out, err
}

// Asked is one request of the auditor's, with who answers it here.
type Asked struct {
	engagement.Request
	Status   string   `json:"status"`
	Why      string   `json:"why,omitempty" doc:"Of the last return or withdrawal"`
	Owner    string   `json:"owner,omitempty" doc:"Account that answers"`
	Answers  []Answer `json:"answers" nullable:"false"`
	Revision int64    `json:"revision"`
}

type askedIn struct {
	ExamPage
	Status string `query:"status" maxLength:"30"`
}

func listAsked(c *call, in *askedIn) (*listOut[Asked], error) {
	var all []Asked
	err := c.exam(in.ID, func(s *management.State, x *management.Side) error {
		for _, r := range c.Asked(x) {
			if in.Status == "" || in.Status == string(r.Status) {
				all = append(all, Asked{r.Request, string(r.Status), r.Why, r.Owner, answersOf(r.Answers), s.Revision("request:" + in.ID + "/" + r.ID)})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.asked/1", answer.Counted(len(all), "request", "requests"), all, "/examinations/"+in.ID+"/requests", "period", in.Period, "status", in.Status)
}

// AnswerText is an answer to a request.
type AnswerText struct {
	Status  string   `json:"status" enum:"In progress,Submitted"`
	Text    string   `json:"text,omitempty" maxLength:"20000"`
	Records []int64  `json:"records,omitempty" maxItems:"1000" doc:"Of this workspace's log, by number"`
	Files   []string `json:"files,omitempty" maxItems:"1000" doc:"Names of documents that were sealed before"`
}

type answerIn struct {
	ExamName
	Again
	Match
	Request string `path:"request" maxLength:"100"`
	Body    AnswerText
}

// theAsked is a request, for who may answer it: whose it is, or who answers all.
func theAsked(c *call, in *answerIn) (o access.Object, err error) {
	owner := ""
	err = c.exam(in.ID, func(_ *management.State, x *management.Side) error {
		if r := x.Requests[in.Request]; r != nil {
			owner = r.Owner
		}
		return nil
	})
	if err != nil {
		return o, c.Unknown(err, "request.answer")
	}
	if err := management.MayAnswer(c.Who, in.ID, owner); err != nil {
		return o, err
	}
	return c.some("request.answer"), nil
}

// some is something that may be done that to, where there is any: what of a request
// was asked before, or is asked for when it was read.
func (c *call) some(id access.PermissionID) access.Object {
	own := access.Object{Owner: c.Who.Account}
	list := []access.Object{own}
	for _, g := range c.Who.Grants {
		o := own
		switch g.Scope {
		case access.ScopeControl:
			o.Controls = []string{g.Object}
		case access.ScopeSystem:
			o.Systems = []string{g.Object}
		}
		list = append(list, o)
	}
	for _, o := range list {
		if c.May(id, o) {
			return o
		}
	}
	return access.Object{}
}

// did says what was done on the company's side, and has it sent.
func (c *call) did(id, on, of, words string) (*oneOut[Done], error) {
	out := Done{On: on, ID: of}
	err := c.exam(id, func(s *management.State, _ *management.Side) error { out.Revision = s.Revision(on); return nil })
	return tagged("tieout.done/1", words+flushed(c, c.s, id), out.Revision, out), err
}

// sinceSide is since for the company's side.
func (c *call) sinceSide(err error, id, on string, have int64) error {
	return moved(err, have, func(read func(int64)) error {
		return c.exam(id, func(s *management.State, _ *management.Side) error { read(s.Revision(on)); return nil })
	})
}

func answerAsked(c *call, in *answerIn) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	b, on := &in.Body, "request:"+in.ID+"/"+in.Request
	if err := c.MayBring(c, b.Records); err != nil {
		return nil, err
	}
	a := engagement.Answer{Request: in.Request, Status: engagement.RequestStatus(b.Status), Text: b.Text, Records: b.Records, Files: b.Files}
	if err := c.s.o.Web.Client().Side.Answer(c, c.Who, in.ID, a, base); err != nil {
		return nil, c.sinceSide(err, in.ID, on, base)
	}
	return created(c.did(in.ID, on, in.Request, in.Request+": "+b.Status+"."))
}

type assignAskedIn struct {
	ExamName
	Again
	Match
	Request string `path:"request" maxLength:"100"`
	Body    struct {
		Owner string `json:"owner" maxLength:"100" doc:"Account that answers; empty: nobody yet"`
	}
}

func assignAsked(c *call, in *assignAskedIn) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	if n := c.Names[in.Body.Owner]; in.Body.Owner != "" && !n.Active {
		return nil, newProblem(http.StatusUnprocessableEntity, "Nobody who can sign in has this account.").at("body.owner", "is not the ID of an active account")
	}
	on := "request:" + in.ID + "/" + in.Request
	if err := c.s.o.Web.Client().Side.AssignRequest(c, c.Who, in.ID, in.Request, in.Body.Owner, base); err != nil {
		return nil, c.sinceSide(err, in.ID, on, base)
	}
	return c.did(in.ID, on, in.Request, in.Request+" is assigned.")
}

func listReleasedSamples(c *call, in *ExamPage) (*listOut[engagement.Sample], error) {
	var all []engagement.Sample
	err := c.exam(in.ID, func(_ *management.State, x *management.Side) error {
		for _, s := range answer.InOrder(x.Samples) {
			all = append(all, *s)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.released-samples/1", answer.Counted(len(all), "sample is released", "samples are released"), all, "/examinations/"+in.ID+"/samples", "period", in.Period)
}

// ReleasedFinding is an exception as the auditor released it.
type ReleasedFinding struct {
	engagement.Finding
	Response *Response `json:"response,omitempty"`
	Revision int64     `json:"revision"`
}

func listReleasedFindings(c *call, in *ExamPage) (*listOut[ReleasedFinding], error) {
	var all []ReleasedFinding
	left := 0
	err := c.exam(in.ID, func(s *management.State, x *management.Side) error {
		for _, f := range c.Released(x) {
			all = append(all, ReleasedFinding{f.Finding, responseOf(f.Response), s.Revision("finding:" + in.ID + "/" + f.ID)})
			if f.Waits() {
				left++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.released-findings/1", answer.Counted(left, "exception has no final response", "exceptions have no final response"), all, "/examinations/"+in.ID+"/findings", "period", in.Period)
}

type respondIn struct {
	ExamName
	Again
	Match
	Finding string `path:"finding" maxLength:"100"`
	Body    struct {
		Agrees bool   `json:"agrees"`
		Cause  string `json:"cause,omitempty" maxLength:"20000"`
		Effect string `json:"effect,omitempty" maxLength:"20000"`
		Done   string `json:"done,omitempty" maxLength:"20000"`
		Status string `json:"status,omitempty" maxLength:"200"`
		Owner  string `json:"owner,omitempty" maxLength:"200"`
		Final  bool   `json:"final" doc:"False: what is stated here is a draft"`
	}
}

// theFinding is an exception, for who has its control or reads all. Whoever else
// asks learns nothing of which there are.
func theFinding(c *call, in *respondIn) (o access.Object, err error) {
	err = c.exam(in.ID, func(_ *management.State, x *management.Side) error {
		f := x.Findings[in.Finding]
		if f == nil {
			return unknown("exception", in.Finding, in.ID)
		}
		o = c.OfExam(f.Control)
		return nil
	})
	if err != nil && access.Require(c.Who, "deviation.answer", access.Object{}) == nil {
		return o, err
	}
	if err != nil || !c.May("request.read", o) {
		return access.Object{}, fmt.Errorf("%w: this exception is of no control of yours", audit.ErrForbidden)
	}
	return o, nil
}

type finishResponseIn struct {
	ExamName
	Again
	Match
	Finding string `path:"finding" maxLength:"100"`
}

// theResponse is an exception with who wrote the response to it. Whoever may make no
// response final learns nothing of which exceptions there are.
func theResponse(c *call, in *finishResponseIn) (o access.Object, err error) {
	err = c.exam(in.ID, func(_ *management.State, x *management.Side) error {
		f := x.Findings[in.Finding]
		if f == nil {
			return unknown("exception", in.Finding, in.ID)
		}
		o = c.OfExam(f.Control)
		o.Prepared = f.ToFinish(in.ID).Prepared
		return nil
	})
	if err != nil && access.Require(c.Who, "response.final", access.Object{Prepared: []string{access.ByProgram}}) == nil {
		return o, err
	}
	if err != nil || !c.May("request.read", o) {
		return access.Object{Prepared: []string{access.ByProgram}}, fmt.Errorf("%w: this exception is of no control of yours", audit.ErrForbidden)
	}
	return o, nil
}

func finishResponse(c *call, in *finishResponseIn) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	on := "finding:" + in.ID + "/" + in.Finding
	if err := c.s.o.Web.Client().FinishResponse(c, c.Who, in.ID, in.Finding, base, c.Systems...); err != nil {
		return nil, c.sinceSide(err, in.ID, on, base)
	}
	return c.did(in.ID, on, in.Finding, "The response to "+in.Finding+" is final and goes to the firm.")
}

func respond(c *call, in *respondIn) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	b, on := &in.Body, "finding:"+in.ID+"/"+in.Finding
	r := engagement.Response{Finding: in.Finding, Agrees: b.Agrees, Cause: b.Cause, Effect: b.Effect, Done: b.Done, Status: b.Status, Owner: b.Owner, Final: b.Final}
	if err := c.s.o.Web.Client().Side.Respond(c, c.Who, in.ID, r, base, c.Systems...); err != nil {
		return nil, c.sinceSide(err, in.ID, on, base)
	}
	return c.did(in.ID, on, in.Finding, "The response to "+in.Finding+" is kept.")
}
