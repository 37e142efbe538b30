package mcp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/report"
)

// addExamination adds the tools that read examinations: of a firm its file, of a
// company what the firm released and what management brought.
func (s *Server) addExamination() {
	addTool(s, "list_examinations", "Examinations and where each stands",
		"Examinations of this workspace: an audit firm's engagements, or a company's own. Each with its step, the next one, and what is missing before it.", s.examinations)
	addTool(s, "list_requests", "What the auditor asks for",
		"Requests of an examination, where each stands and on whom it waits. Filter: status, such as Open or Submitted.", s.requests)
	addTool(s, "list_frozen", "Frozen populations",
		"Populations that were frozen for an examination: how many items, how completeness adds up, the auditor's word on each. Without their items.", s.frozen)
	addTool(s, "list_samples", "Samples",
		"Samples of an examination: how each was drawn and where its size comes from. A company's list holds what the auditor released.", s.samples)
	addTool(s, "list_exceptions", "Exceptions",
		"Exceptions of an examination, as Section IV prints them, and whether management responded. A company's list holds what the auditor released.", s.exceptions)
	addTool(s, "list_workpapers", "Where the workpapers stand",
		"Of an audit firm's engagement: each test with its workpaper: items, cells without a result, exceptions, open notes, sign-offs. Without marks and notes.", s.workpapers)
	addTool(s, "what_is_missing", "What is missing before an act",
		"Of an audit firm's engagement: the gates before an act and what of each is missing. Acts: paper.prepare, paper.review, finding.release, conclusion.control, conclusion.criterion, conclusion.dc, opinion.write, draft.give, quality.sign, report.issue, archive.assemble, archive.lock. on: the test, the exception, or what is concluded on, such as control:IAM-06.", s.missing)
}

// reader is as whom tools read an examination: by an API token and the table of
// rights, as everywhere; the person at this machine may have no right to a file.
func (s *Server) reader(ctx context.Context, p *period.Program) (access.Subject, error) {
	if s.o.Read == nil {
		return access.Subject{}, fmt.Errorf("%w: examinations are read by an API token: set TIEOUT_TOKEN to one that may read them ('tieout token create', with %s)", audit.ErrForbidden, readsExam[p.Kind()])
	}
	who, err := s.o.Read(ctx, p)
	if err == nil && (who.Kind == audit.ActorPerson || who.Limit == nil || who.Token == "") {
		err = fmt.Errorf("%w: tools act by an API token, never as a person", audit.ErrForbidden)
	}
	return who, err
}

// readsExam is the permission to read an examination, by the kind of workspace.
var readsExam = map[access.Workspace]access.PermissionID{access.Firm: "workpaper.read", access.Company: "request.read"}

// file looks at an engagement of a firm's that who has the token may read.
func (s *Server) file(ctx context.Context, p *period.Program, id string, f func(*fieldwork.State, *fieldwork.File) error) error {
	who, err := s.reader(ctx, p)
	if err != nil {
		return err
	}
	if p.Kind() != access.Firm {
		return fmt.Errorf("%w: this is a company's workspace; the auditor's workpapers are only in the firm's own", audit.ErrForbidden)
	}
	if err := access.Require(who, readsExam[access.Firm], access.Object{Engagements: []string{id}}); err != nil {
		return err
	}
	return p.Files().ReadFile(ctx, id, f)
}

// sight is a company's examinations as who has the token sees them, as far as reach
// tells that any of it is theirs.
func (s *Server) sight(ctx context.Context, p *period.Program, reach func(*answer.Sight) access.Object) (*answer.Sight, error) {
	who, err := s.reader(ctx, p)
	if err != nil {
		return nil, err
	}
	x := &answer.Sight{Who: who, P: p, Systems: answer.SystemsOf(p)}
	return x, access.Require(who, readsExam[access.Company], reach(x))
}

// whole is an examination as a whole, which who has single controls does not reach.
func whole(*answer.Sight) access.Object { return access.Object{} }

// side looks at a company's side of an examination.
func (s *Server) side(ctx context.Context, p *period.Program, id string, reach func(*answer.Sight) access.Object, f func(*answer.Sight, *management.State, *management.Side) error) error {
	sight, err := s.sight(ctx, p, reach)
	if err != nil {
		return err
	}
	c, err := examination.NewClient(p)
	if err != nil {
		return err
	}
	return c.Side.Read(ctx, func(st *management.State) error {
		x, err := st.Side(id)
		if err != nil {
			return err
		}
		return f(sight, st, x)
	})
}

// ExaminationsAsked asks for examinations.
type ExaminationsAsked struct {
	Paging
}

// Examination is one, and what is missing before its next step.
type Examination struct {
	ID      string   `json:"id"`
	Type    string   `json:"type"`
	With    string   `json:"with" jsonschema:"the other side: of a firm the client, of a company the firm"`
	System  string   `json:"system"`
	Period  string   `json:"period" jsonschema:"first and last day, or the day it is as of"`
	State   string   `json:"state"`
	Next    string   `json:"next,omitempty" jsonschema:"the auditor's next step"`
	Missing []string `json:"missing" jsonschema:"what is missing before it"`
}

// ExaminationsAnswer is a page of examinations.
type ExaminationsAnswer struct {
	Head
	Items []Examination `json:"items"`
	Page  Page          `json:"page"`
}

func days(t engagement.Terms) string {
	if t.AsOf != "" {
		return t.AsOf
	}
	return t.First + " to " + t.Last
}

func (s *Server) examinations(ctx context.Context, p *period.Program, in ExaminationsAsked) (out ExaminationsAnswer, err error) {
	var all []Examination
	if p.Kind() == access.Firm {
		all, err = s.engagements(ctx, p)
	} else if _, err = s.sight(ctx, p, (*answer.Sight).ExamReach); err == nil {
		all, err = examinations(ctx, p)
	}
	if err != nil {
		return out, err
	}
	out.Head = head("tieout.examinations/1", answer.Counted(len(all), "examination", "examinations"))
	out.Items, out.Page, err = cut(all, in.Paging, listOf("list_examinations", nil), nil)
	return out, err
}

// engagements are a firm's, as far as who asks may read them.
func (s *Server) engagements(ctx context.Context, p *period.Program) (all []Examination, err error) {
	who, err := s.reader(ctx, p)
	if err != nil {
		return nil, err
	}
	now := audit.Instant(p.Now())
	err = p.Files().Read(ctx, func(st *fieldwork.State) error {
		for _, f := range answer.InOrder(st.Files) {
			t := f.Terms
			if ok, _ := access.Allowed(who, readsExam[access.Firm], access.Object{Engagements: []string{t.ID}}); !ok {
				continue
			}
			x := Examination{t.ID, t.Type.String(), t.Client.Name, t.System, days(t), string(f.State), "", []string{}}
			if to := f.Next(); to != "" {
				x.Next, x.Missing = string(to), append(x.Missing, f.Missing(to, now)...)
			}
			all = append(all, x)
		}
		return nil
	})
	return all, err
}

// examinations are a company's.
func examinations(ctx context.Context, p *period.Program) (all []Examination, err error) {
	c, err := examination.NewClient(p)
	if err != nil {
		return nil, err
	}
	err = c.Side.Read(ctx, func(st *management.State) error {
		for _, x := range answer.InOrder(st.Sides) {
			t := x.Terms
			e := Examination{t.ID, t.Type.String(), t.Firm.Name, t.System, days(t), string(x.State), "", []string{}}
			if x.Agreed == nil {
				e.Missing = append(e.Missing, "a management signer agrees to the terms")
			}
			all = append(all, e)
		}
		return nil
	})
	return all, err
}

// ExaminationAsked names an examination.
type ExaminationAsked struct {
	Paging
	Examination string `json:"examination" jsonschema:"such as EN-1"`
}

// RequestsAsked asks for requests.
type RequestsAsked struct {
	ExaminationAsked
	Status string `json:"status,omitempty" jsonschema:"only those that stand so: Open, In progress, Submitted, Returned, Accepted or Withdrawn"`
}

// Request is one of the auditor's.
type Request struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Title    string `json:"title"`
	Asks     string `json:"asks"`
	Due      string `json:"due,omitempty"`
	Status   string `json:"status"`
	Why      string `json:"why,omitempty" jsonschema:"of the last return or withdrawal"`
	Answers  int    `json:"answers"`
	Released bool   `json:"released" jsonschema:"the client has it"`
	Revision int64  `json:"revision" jsonschema:"answer_request asks for it"`
}

// RequestsAnswer is a page of requests.
type RequestsAnswer struct {
	Head
	Items []Request `json:"items"`
	Page  Page      `json:"page"`
}

func requestOf(r engagement.Request, status engagement.RequestStatus, why string, answers int, released bool, revision int64) Request {
	return Request{r.ID, r.Kind, r.Title, r.Asks, r.Due, string(status), why, answers, released, revision}
}

func (s *Server) requests(ctx context.Context, p *period.Program, in RequestsAsked) (out RequestsAnswer, err error) {
	var all []Request
	if p.Kind() == access.Firm {
		err = s.file(ctx, p, in.Examination, func(_ *fieldwork.State, f *fieldwork.File) error {
			for _, r := range answer.InOrder(f.Requests) {
				all = append(all, requestOf(r.Request, r.Status, r.Why, len(r.Answers), r.Released, r.Revision))
			}
			return nil
		})
	} else {
		err = s.side(ctx, p, in.Examination, (*answer.Sight).ExamReach, func(sight *answer.Sight, st *management.State, x *management.Side) error {
			for _, r := range sight.Asked(x) {
				all = append(all, requestOf(r.Request, r.Status, r.Why, len(r.Answers), true, st.Revision("request:"+in.Examination+"/"+r.ID)))
			}
			return nil
		})
	}
	if err != nil {
		return out, err
	}
	all = slices.DeleteFunc(all, func(r Request) bool { return in.Status != "" && !strings.EqualFold(in.Status, r.Status) })
	open := 0
	for _, r := range all {
		if r.Status != string(engagement.RequestAccepted) && r.Status != string(engagement.RequestWithdrawn) {
			open++
		}
	}
	out.Head = head("tieout.requests/1", report.Capital(report.Plural(open, "request is", "requests are"))+" open, of "+report.Number(len(all))+".")
	out.Items, out.Page, err = cut(all, in.Paging, listOf("list_requests", []string{in.Examination, in.Status}), nil)
	return out, err
}

// Frozen is a frozen population.
type Frozen struct {
	ID         string                  `json:"id"`
	Controls   []string                `json:"controls"`
	Title      string                  `json:"title"`
	Defined    string                  `json:"defined"`
	Round      string                  `json:"round"`
	Items      int                     `json:"items"`
	ToDate     string                  `json:"toDate,omitempty" jsonschema:"tested to this day"`
	Checks     []engagement.Reconciled `json:"checks" jsonschema:"how completeness adds up"`
	Accepted   bool                    `json:"accepted" jsonschema:"by the auditor"`
	Superseded string                  `json:"superseded,omitempty"`
}

// FrozenAnswer is a page of frozen populations.
type FrozenAnswer struct {
	Head
	Items []Frozen `json:"items"`
	Page  Page     `json:"page"`
}

func frozenOf(p engagement.Population, accepted bool, superseded string) Frozen {
	return Frozen{p.ID, append([]string{}, p.Controls...), p.Title, p.Defined, p.Round, p.Count, p.ToDate, append([]engagement.Reconciled{}, p.Checks...), accepted, superseded}
}

func (s *Server) frozen(ctx context.Context, p *period.Program, in ExaminationAsked) (out FrozenAnswer, err error) {
	var all []Frozen
	if p.Kind() == access.Firm {
		err = s.file(ctx, p, in.Examination, func(_ *fieldwork.State, f *fieldwork.File) error {
			for _, x := range answer.InOrder(f.Populations) {
				all = append(all, frozenOf(x.Population, x.Accepted, x.Superseded))
			}
			return nil
		})
	} else {
		err = s.side(ctx, p, in.Examination, whole, func(_ *answer.Sight, _ *management.State, side *management.Side) error {
			for _, x := range answer.InOrder(side.Populations) {
				all = append(all, frozenOf(x.Population, x.Accepted, x.Superseded))
			}
			return nil
		})
	}
	if err != nil {
		return out, err
	}
	out.Head = head("tieout.frozen/1", answer.Counted(len(all), "population is frozen", "populations are frozen"))
	out.Items, out.Page, err = cut(all, in.Paging, listOf("list_frozen", in.Examination), nil)
	return out, err
}

// Sample is a draw.
type Sample struct {
	ID         string   `json:"id"`
	Population string   `json:"population"`
	Control    string   `json:"control"`
	Method     string   `json:"method"`
	Basis      string   `json:"basis" jsonschema:"where the size comes from"`
	Items      []string `json:"items"`
	Released   bool     `json:"released" jsonschema:"the client has it as it is"`
}

// SamplesAnswer is a page of samples.
type SamplesAnswer struct {
	Head
	Items []Sample `json:"items"`
	Page  Page     `json:"page"`
}

func sampleOf(x engagement.Sample, released time.Time) Sample {
	return Sample{x.ID, x.Population, x.Control, string(x.Method), x.Basis, append([]string{}, x.Items...), !released.IsZero()}
}

func (s *Server) samples(ctx context.Context, p *period.Program, in ExaminationAsked) (out SamplesAnswer, err error) {
	var all []Sample
	if p.Kind() == access.Firm {
		err = s.file(ctx, p, in.Examination, func(_ *fieldwork.State, f *fieldwork.File) error {
			for _, x := range answer.InOrder(f.Samples) {
				all = append(all, sampleOf(x.Sample, x.Released))
			}
			return nil
		})
	} else {
		err = s.side(ctx, p, in.Examination, whole, func(_ *answer.Sight, _ *management.State, side *management.Side) error {
			for _, x := range answer.InOrder(side.Samples) {
				all = append(all, sampleOf(*x, side.Offered))
			}
			return nil
		})
	}
	if err != nil {
		return out, err
	}
	out.Head = head("tieout.samples/1", answer.Counted(len(all), "sample", "samples"))
	out.Items, out.Page, err = cut(all, in.Paging, listOf("list_samples", in.Examination), nil)
	return out, err
}

// Exception is one, as Section IV prints it.
type Exception struct {
	ID        string   `json:"id"`
	Control   string   `json:"control"`
	Test      string   `json:"test"`
	Text      string   `json:"text"`
	Items     []string `json:"items"`
	Of        int      `json:"of" jsonschema:"items tested; the rate counts sampled items only"`
	Stands    bool     `json:"stands"`
	Released  bool     `json:"released"`
	Responded bool     `json:"responded" jsonschema:"management gave a final response"`
}

// ExceptionsAnswer is a page of exceptions.
type ExceptionsAnswer struct {
	Head
	Items []Exception `json:"items"`
	Page  Page        `json:"page"`
}

func exceptionOf(x engagement.Finding, stands, released bool, r *engagement.Response) Exception {
	return Exception{x.ID, x.Control, x.Test, x.Text, append([]string{}, x.Items...), x.Of, stands, released, r != nil && r.Final}
}

func (s *Server) exceptions(ctx context.Context, p *period.Program, in ExaminationAsked) (out ExceptionsAnswer, err error) {
	var all []Exception
	if p.Kind() == access.Firm {
		err = s.file(ctx, p, in.Examination, func(_ *fieldwork.State, f *fieldwork.File) error {
			for _, x := range answer.InOrder(f.Findings) {
				all = append(all, exceptionOf(x.Finding, x.Stands(), !x.Released.IsZero(), x.Response))
			}
			return nil
		})
	} else {
		err = s.side(ctx, p, in.Examination, (*answer.Sight).ExamReach, func(sight *answer.Sight, _ *management.State, side *management.Side) error {
			if err := access.Require(sight.Who, "deviation.read", sight.ExamReach()); err != nil {
				return err
			}
			for _, x := range sight.Released(side) {
				all = append(all, exceptionOf(x.Finding, true, true, x.Response))
			}
			return nil
		})
	}
	if err != nil {
		return out, err
	}
	out.Head = head("tieout.exceptions/1", answer.Counted(len(all), "exception", "exceptions"))
	out.Items, out.Page, err = cut(all, in.Paging, listOf("list_exceptions", in.Examination), nil)
	return out, err
}
