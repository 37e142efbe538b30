package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/report"
)

// examTermRoutes are the terms, management's word on them, and its steps.
var examTermRoutes = []route{
	{pattern: "GET /examinations/{id}/terms", needs: "request.read", on: examWhole, do: (*request).examTermsPage},
	{pattern: "POST /examinations/{id}/terms", needs: "assertion.sign", on: examWhole, do: (*request).examAgree},
	{pattern: "POST /examinations/{id}/state", needs: "engagement.open", on: examWhole, do: (*request).examMove},
}

type examTermsPage struct {
	*page
	ID, Span, Digest, Letter, Offered string
	T                                 engagement.Terms
	In, Out                           []engagement.Choice
	Days                              []link
	Changes                           []examTermsTurn // the newest first
	Agreed                            *engagement.Agreed
	AgreedAt                          string
	May                               bool   // sign
	Again                             string // where one shows anew who one is; "": one just did
	Sign                              signing
	Today                             string
	Legal                             string // that the definitions have another name of the company
}

func (q *request) examTermsPage() error {
	id := q.PathValue("id")
	data := examTermsPage{page: &q.page, ID: id, May: q.maySign("assertion.sign"), Today: q.now().Format(time.DateOnly)}
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		q.examFrame(x, "")
		var p examPage
		p.terms(q, x)
		data.T, data.Span, data.Digest, data.Letter, data.Offered, data.In, data.Out, data.Days, data.Agreed, data.AgreedAt = p.T, p.Span, x.Digest, p.Letter, p.Offered, p.In, p.Out, p.Days, p.Agreed, p.AgreedAt
		data.Changes = q.examTermsTurns(x)
		data.Legal = otherName(q.st.p.Def.Config.Organization.LegalName, x.Terms.Client.Name)
		data.May = data.May && x.Agreed == nil && !x.State.Over()
		q.Say = sayTerms(x, data.May)
		return nil
	})
	if err != nil {
		return err
	}
	if data.May && !q.who.Fresh {
		data.Again = toAgain(q.URL.RequestURI())
	} else if data.May {
		if data.Sign, err = q.signing(); err != nil {
			return err
		}
	}
	q.Title, q.Heading, q.Ref = "Terms of "+id, "Terms of the examination", id
	q.Way = append(q.Way, link{"Terms", ""})
	return q.render("exam-terms.html", data)
}

// otherName says that the terms name the company otherwise than its definitions; ""
// where these say no legal name, or the same.
func otherName(legal, terms string) string {
	if legal = strings.TrimSpace(legal); legal == "" || legal == terms {
		return ""
	}
	return "The terms name the company " + terms + ", and its legal name in tieout.yaml is " + legal + ". The cover of the report prints the name of the terms: ask the firm to write the one that is right."
}

// An examTermsTurn is one change of the terms: what they said before and say since.
type examTermsTurn struct {
	When, Why, Agreed string
	Rows              []engagement.TermsChange
}

// examTermsTurns are the changes of the terms since they were first offered, the
// newest first.
func (q *request) examTermsTurns(x *management.Side) (out []examTermsTurn) {
	for i, old := range x.Earlier {
		turn := examTermsTurn{When: report.Moment(x.Offered, q.zone()), Why: x.Why}
		now := x.Terms
		if i+1 < len(x.Earlier) {
			next := x.Earlier[i+1]
			now, turn.When, turn.Why = next.Terms, report.Moment(next.At, q.zone()), next.Why
		}
		if turn.Rows = engagement.ChangedTerms(old.Terms, now); old.Agreed != nil {
			turn.Agreed = old.Agreed.Signed.Name + " had agreed to the terms before."
		}
		out = append(out, turn)
	}
	slices.Reverse(out)
	return out
}

// Reviewed is what a side states of its last peer review.
func (d examTermsPage) Reviewed(p engagement.Party) string {
	return engagement.PeerReviewWords(p.Reviewed, p.PeerResult)
}

// OldReview reports whether that review is too old today.
func (d examTermsPage) OldReview(p engagement.Party) bool {
	return engagement.PeerReviewOld(p.Reviewed, d.Today)
}

// OldPeerReview says so.
func (d examTermsPage) OldPeerReview() string { return engagement.OldPeerReview }

// Parties are the two sides, the company first.
func (d examTermsPage) Parties() []engagement.Party {
	return []engagement.Party{d.T.Client, d.T.Firm}
}

// sayTerms says whether management agreed to the terms.
func sayTerms(x *management.Side, may bool) string {
	switch {
	case x.State.Over():
		return "The examination is " + string(x.State) + "; its terms stay as they were."
	case x.Agreed != nil:
		return x.Agreed.Signed.Name + " agreed to these terms for management."
	case may && len(x.Earlier) > 0:
		return "The firm changed the terms: read what is different and the terms to the end; your signature is over every word of them."
	case may:
		return "Read the terms to the end: your signature is over every word of them."
	}
	return "Nobody has agreed to these terms for management; a management signer does, with a signature."
}

func (q *request) examAgree() error {
	id, seen := q.PathValue("id"), q.field("digest")
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		if x.Digest != seen || seen == "" {
			return fmt.Errorf("%w: the terms have changed since you opened them; read them as they are now", audit.ErrConflict)
		}
		return nil
	})
	var sig engagement.Signature
	if err == nil {
		sig, err = q.sign("terms of "+id, seen)
	}
	if err == nil {
		err = q.exam.Side.Agree(q.Context(), q.who, id, seen, sig, examination.Keys{Store: q.st.p.Store}.Own(q.Context()))
	}
	if err == nil {
		return q.toFirm(id, q.at("examinations", id), "You agreed to the terms of "+id+" for management, and the firm is told.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examTermsPage()
}

func (q *request) examMove() error {
	id, to := q.PathValue("id"), engagement.State(q.field("to"))
	err := q.exam.Side.MoveState(q.Context(), q.who, id, to, q.field("why"))
	if err == nil {
		return q.toFirm(id, q.at("examinations", id), "The examination stands at "+string(to)+".")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examination()
}

// stepRows are the turns of something, in words.
func (q *request) stepRows(steps []management.Step) (out []firmRequestStep) {
	for _, s := range steps {
		row := firmRequestStep{When: report.Moment(s.At, q.zone()), Who: q.name(s.By), What: report.Capital(s.What)}
		if s.By == "exchange" {
			row.Who = "a packet of the firm"
		}
		if s.Why != "" {
			row.What += ": " + s.Why
		}
		out = append(out, row)
	}
	return out
}
