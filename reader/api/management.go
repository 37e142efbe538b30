package api

import (
	"net/http"
	"strings"
	"time"

	"tieout/access"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/reader/answer"
)

// managementCalls are management's own words and letters. What is signed comes
// with the signature of the person, whom the table of rights then asks for.
func (s *Server) managementCalls() {
	const one = "/examinations/{id}"
	signed := `,"signed":` + signatureExample + `}`
	add(s, operation{id: "move-examination", method: http.MethodPut, path: one + "/state", tag: "Management", needs: "engagement.open", sends: `{"state":"boundary defined"}`, title: "Take one of management's steps", detail: "If-Match is the examination's revision."}, whole[moveExamIn], moveExamination)
	add(s, operation{id: "agree-terms", method: http.MethodPost, path: one + "/agreement", tag: "Management", needs: "assertion.sign", sends: strings.TrimSuffix(digestExample, "}") + signed, title: "Agree to the terms, signed over their digest"}, whole[agreeIn], agreeTerms)
	add(s, operation{id: "list-sections", method: http.MethodGet, path: one + "/description", tag: "Management", needs: "request.read", title: "Management's description, by description criterion"}, whole[ExamPage], listSections)
	add(s, operation{id: "write-section", method: http.MethodPut, path: one + "/description/{section}", tag: "Management", needs: "description.write", example: one + "/description/DC%201", sends: `{"paragraphs":[{"text":"We keep ledgers.","sources":["boundary"]}]}`,
		title: "Write the text for one description criterion", detail: "If-Match is the section's revision; \"0\" the first time."}, whole[sectionIn], writeSection)
	add(s, operation{id: "finish-description", method: http.MethodPost, path: one + "/description", tag: "Management", needs: "assertion.sign", status: http.StatusCreated, sends: `{"controls":["IAM-02"],"seen":[1,1,1,1,1,1,1,1,1]}`,
		title: "Finish a version of the description", detail: "seen are the sections' revisions as they were read, in the order of the description criteria, and after them that of the other information where there is any."}, whole[finishIn], finishDescription)
	add(s, operation{id: "get-other-information", method: http.MethodGet, path: one + "/other-information", tag: "Management", needs: "request.read", title: "What management tells beside its description; nobody examines it"}, whole[otherIn], getOther)
	add(s, operation{id: "tell-other-information", method: http.MethodPut, path: one + "/other-information", tag: "Management", needs: "description.write", sends: `{"sections":[{"title":"Plans","text":"A second region is planned."}]}`,
		title: "Say what management tells beside its description, all of it anew", detail: "If-Match is its revision; \"0\" the first time. The report prints it in Section V, marked as not examined."}, whole[tellIn], tellOther)
	add(s, operation{id: "list-comments", method: http.MethodGet, path: one + "/comments", tag: "Management", needs: "report.read", title: "Comments on the drafts, with the firm's answers"}, theDrafts, listComments)
	add(s, operation{id: "comment-draft", method: http.MethodPost, path: one + "/comments", tag: "Management", needs: "description.write", status: http.StatusCreated, sends: `{"where":"Section III","text":"The region is named wrongly."}`, title: "Comment on the facts of the newest draft"}, whole[commentIn], commentDraft)
	add(s, operation{id: "sign-assertion", method: http.MethodPost, path: one + "/assertions", tag: "Management", needs: "assertion.sign", status: http.StatusCreated, sends: `{"by":"Acme","text":"We assert.","dated":"2026-04-01","decision":{"description":true,"design":true,"operation":true}` + signed,
		title: "Sign an assertion whose parts its party decided"}, whole[assertIn], signAssertion)
	add(s, operation{id: "sign-representation", method: http.MethodPost, path: one + "/representations", tag: "Management", needs: "representation.sign", status: http.StatusCreated, sends: `{"by":"Acme","text":"We represent.","dated":"2026-04-01"` + signed, title: "Sign a letter of representation"}, whole[representIn], signRepresentation)
	add(s, operation{id: "bridge-ground", method: http.MethodGet, path: one + "/bridge-letters/ground", tag: "Management", needs: "report.read", title: "What a bridge letter stands on: what it may speak of, and what it has to disclose"}, whole[groundIn], bridgeGround)
	add(s, operation{id: "sign-bridge", method: http.MethodPost, path: one + "/bridge-letters", tag: "Management", needs: "bridge.sign", status: http.StatusCreated, sends: `{"report":"","from":"2026-04-01","to":"2026-04-30","text":"Nothing changed.","disclosed":[],"known":[],"next":"2027-04-30","limit":92` + signed, title: "Sign a bridge letter", detail: "known and limit are those of bridge-ground: they are looked up again, and everything on record is disclosed."}, whole[bridgeIn], signBridge)
}

// theDrafts are drafts and what is said of them, for who reads the examination as a
// whole: a reader of reports gets what is issued.
func theDrafts(c *call, _ *ExamPage) (access.Object, error) {
	return access.Object{}, access.Require(c.Who, "request.read", access.Object{})
}

// own checks a signature by the key that its signer announced in this log.
func (c *call) own() management.Verify {
	return examination.Keys{Store: c.s.o.Web.Home().Store}.Own(c)
}

type moveExamIn struct {
	ExamName
	Again
	Match
	Body struct {
		State string `json:"state" enum:"criteria selected,boundary defined,readiness,observing,collecting,distributed,monitoring"`
		Why   string `json:"why,omitempty" maxLength:"20000" doc:"Of a step back"`
	}
}

func moveExamination(c *call, in *moveExamIn) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	on := "terms:" + in.ID
	if err := c.s.o.Web.Client().Side.MoveStateFrom(c, c.Who, in.ID, engagement.State(in.Body.State), in.Body.Why, base); err != nil {
		return nil, c.sinceSide(err, in.ID, on, base)
	}
	return c.did(in.ID, on, in.ID, in.ID+" is at: "+in.Body.State+".")
}

type agreeIn struct {
	ExamName
	Again
	Body struct {
		DigestText
		Signed SignatureText `json:"signed"`
	}
}

func agreeTerms(c *call, in *agreeIn) (*oneOut[Done], error) {
	if err := c.s.o.Web.Client().Side.Agree(c, c.Who, in.ID, in.Body.Digest, in.Body.Signed, c.own()); err != nil {
		return nil, badlySigned(err)
	}
	return c.did(in.ID, "terms:"+in.ID, in.ID, "Management agreed to the terms.")
}

// Section is the text for one description criterion.
type Section struct {
	engagement.DCSection
	By       string     `json:"by,omitempty" doc:"Who wrote it last; left out: nobody did yet"`
	At       *time.Time `json:"at,omitempty"`
	Revision int64      `json:"revision"`
}

func listSections(c *call, in *ExamPage) (*listOut[Section], error) {
	var all []Section
	left := 0
	err := c.exam(in.ID, func(_ *management.State, x *management.Side) error {
		for _, dc := range management.DCs(x.Terms.Type) {
			s := Section{DCSection: engagement.DCSection{DC: dc, Paragraphs: []engagement.Paragraph{}}}
			if have := x.Description[dc]; have != nil {
				s = Section{have.DCSection, have.By, when(have.At), have.Revision}
			} else {
				left++
			}
			all = append(all, s)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.sections/1", answer.Counted(left, "description criterion has no text", "description criteria have no text"), all, "/examinations/"+in.ID+"/description", "period", in.Period)
}

type sectionIn struct {
	ExamName
	Again
	Match
	Section string `path:"section" maxLength:"20" doc:"Such as DC 1"`
	Body    struct {
		Paragraphs []engagement.Paragraph `json:"paragraphs" maxItems:"500" nullable:"false"`
	}
}

func writeSection(c *call, in *sectionIn) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	on := "description:" + in.ID + "/" + in.Section
	if err := c.s.o.Web.Client().Side.WriteSection(c, c.Who, in.ID, engagement.DCSection{DC: in.Section, Paragraphs: in.Body.Paragraphs}, base); err != nil {
		return nil, c.sinceSide(err, in.ID, on, base)
	}
	return c.did(in.ID, on, in.Section, in.Section+" is written.")
}

type finishIn struct {
	ExamName
	Again
	Body struct {
		Controls []string `json:"controls" minItems:"1" maxItems:"2000" doc:"All that it says exist"`
		Seen     []int64  `json:"seen" minItems:"1" maxItems:"20"`
	}
}

func finishDescription(c *call, in *finishIn) (*oneOut[Done], error) {
	if _, err := c.s.o.Web.Client().FinishDescription(c, c.Who, in.ID, in.Body.Controls, in.Body.Seen); err != nil {
		return nil, err
	}
	return created(c.did(in.ID, "final:"+in.ID, in.ID, "The description is finished."))
}

func listComments(c *call, in *ExamPage) (*listOut[engagement.Comment], error) {
	var all []engagement.Comment
	err := c.exam(in.ID, func(_ *management.State, x *management.Side) error {
		for _, m := range answer.InOrder(x.Comments) {
			all = append(all, *m)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.comments/1", answer.Counted(len(all), "comment", "comments"), all, "/examinations/"+in.ID+"/comments", "period", in.Period)
}

type commentIn struct {
	ExamName
	Again
	Body struct {
		Where string `json:"where" minLength:"1" maxLength:"200" doc:"Section and row, as the draft names it"`
		Words
	}
}

func commentDraft(c *call, in *commentIn) (*oneOut[Done], error) {
	on, err := c.s.o.Web.Client().Side.Comment(c, c.Who, in.ID, in.Body.Where, in.Body.Text)
	if err != nil {
		return nil, err
	}
	return created(c.did(in.ID, "comment:"+on, strings.TrimPrefix(on, in.ID+"/"), "The comment is kept."))
}

type assertIn struct {
	ExamName
	Again
	Body engagement.Assertion
}

func signAssertion(c *call, in *assertIn) (*oneOut[Done], error) {
	if err := c.s.o.Web.Client().Side.SignAssertion(c, c.Who, in.ID, in.Body, c.own()); err != nil {
		return nil, badlySigned(err)
	}
	return created(c.did(in.ID, "assertion:"+in.ID+"/"+in.Body.By, in.Body.By, "The assertion is signed."))
}

type representIn struct {
	ExamName
	Again
	Body engagement.Representation
}

func signRepresentation(c *call, in *representIn) (*oneOut[Done], error) {
	if err := c.s.o.Web.Client().Side.SignRepresentation(c, c.Who, in.ID, in.Body, c.own()); err != nil {
		return nil, badlySigned(err)
	}
	return created(c.did(in.ID, "representation:"+in.ID+"/"+in.Body.By, in.Body.By, "The letter of representation is signed."))
}

type groundIn struct {
	ExamName
	To string `query:"to" maxLength:"10" doc:"Its last day; left out: the latest it may have"`
}

// Ground is what a bridge letter stands on.
type Ground struct {
	Report    string   `json:"report" doc:"Digest of the report it continues"`
	Dated     string   `json:"dated"`
	From      string   `json:"from"`
	To        string   `json:"to"`
	Latest    string   `json:"latest" doc:"The last day it may have"`
	Limit     int      `json:"limit" doc:"Days, by policy"`
	Known     []OnFile `json:"known" nullable:"false" doc:"Each is disclosed"`
	Modified  []OnFile `json:"modified" nullable:"false" doc:"Opinions of the report that are not unmodified; each is disclosed"`
	NextAfter string   `json:"nextAfter" doc:"The day after which the next report can be expected"`
}

// OnFile is one thing on record that a bridge letter has to disclose.
type OnFile struct {
	Ref  string     `json:"ref"`
	What string     `json:"what"`
	At   *time.Time `json:"at,omitempty"`
}

func onRecord(list []examination.Known) []OnFile {
	out := []OnFile{}
	for _, k := range list {
		out = append(out, OnFile{k.Ref, k.What, when(k.At)})
	}
	return out
}

func bridgeGround(c *call, in *groundIn) (*oneOut[Ground], error) {
	g, err := c.s.o.Web.Client().BridgeGround(c, in.ID, in.To)
	if err != nil {
		return nil, err
	}
	out := Ground{g.Report, g.Dated, g.From, g.To, g.Latest, g.Limit, onRecord(g.Known), onRecord(g.Modified), g.NextAfter}
	return one("tieout.bridge-ground/1", answer.Counted(len(out.Known)+len(out.Modified), "thing is on record that a letter has to disclose", "things are on record that a letter has to disclose"), out), nil
}

type bridgeIn struct {
	ExamName
	Again
	Body management.BridgeData
}

func signBridge(c *call, in *bridgeIn) (*oneOut[Done], error) {
	on, err := c.s.o.Web.Client().SignBridge(c, c.Who, in.ID, in.Body, c.own())
	if err != nil {
		return nil, badlySigned(err)
	}
	return created(c.did(in.ID, "bridge:"+on, strings.TrimPrefix(on, in.ID+"/"), "The bridge letter is signed."))
}
