package mcp

import (
	"context"
	"fmt"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/period"
	"tieout/report"
)

// Workpaper is a test and where its work stands: facts, and no mark.
type Workpaper struct {
	Test       string `json:"test"`
	Control    string `json:"control"`
	Phase      string `json:"phase"`
	Opened     bool   `json:"opened"`
	Items      int    `json:"items" jsonschema:"in its samples"`
	Untested   int    `json:"untested" jsonschema:"cells without a result"`
	Exceptions int    `json:"exceptions"`
	KnownOpen  int    `json:"knownOpen" jsonschema:"deviations outside the sample without a disposition"`
	Notes      int    `json:"openNotes"`
	Prepared   bool   `json:"prepared"`
	Reviewed   bool   `json:"reviewed"`
}

// WorkpapersAnswer is a page of workpapers.
type WorkpapersAnswer struct {
	Head
	Items []Workpaper `json:"items"`
	Page  Page        `json:"page"`
}

func (s *Server) workpapers(ctx context.Context, p *period.Program, in ExaminationAsked) (out WorkpapersAnswer, err error) {
	var all []Workpaper
	reviewed := 0
	err = s.file(ctx, p, in.Examination, func(_ *fieldwork.State, f *fieldwork.File) error {
		facts := map[string]fieldwork.TestFacts{}
		for _, c := range f.RollUp().Controls {
			for _, t := range c.Tests {
				facts[t.Test] = t
			}
		}
		for _, t := range inOrder(f.Tests) {
			if t.Dropped != "" {
				continue
			}
			w := workpaperOf(f, t, facts[t.ID])
			if all = append(all, w); w.Reviewed {
				reviewed++
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	out.Head = head("tieout.workpapers/1", report.Capital(report.Number(reviewed))+" of "+report.Plural(len(all), "test is", "tests are")+" signed off by a reviewer.")
	out.Items, out.Page, err = cut(all, in.Paging, listOf("list_workpapers", in.Examination), nil)
	return out, err
}

// workpaperOf is where the work of a test stands; facts are of a control's tests.
func workpaperOf(f *fieldwork.File, t *fieldwork.Test, x fieldwork.TestFacts) Workpaper {
	w := Workpaper{Test: t.ID, Control: t.Control, Phase: string(t.Phase), Items: x.Sampled, Exceptions: x.Exceptions, KnownOpen: x.KnownOpen, Notes: len(f.OpenNotes(t.ID))}
	if p := f.Papers[t.ID]; p != nil {
		w.Opened, w.Untested, w.Prepared, w.Reviewed = true, len(p.Untested(t)), p.Prepared != nil, p.Reviewed != nil
	}
	return w
}

// MissingAsked names an act.
type MissingAsked struct {
	ExaminationAsked
	Act string `json:"act" jsonschema:"such as paper.review, conclusion.control, opinion.write or report.issue"`
	On  string `json:"on,omitempty" jsonschema:"the test, the exception, or what is concluded on, such as control:IAM-06"`
}

// Gate is something that has to be there before an act.
type Gate struct {
	Needs   string `json:"needs"`
	Missing string `json:"missing,omitempty" jsonschema:"what is not there; left out: it is met"`
}

// MissingAnswer is the gates before an act.
type MissingAnswer struct {
	Head
	Items []Gate `json:"items"`
	Page  Page   `json:"page"`
}

func (s *Server) missing(ctx context.Context, p *period.Program, in MissingAsked) (out MissingAnswer, err error) {
	var all []Gate
	open := 0
	err = s.file(ctx, p, in.Examination, func(st *fieldwork.State, f *fieldwork.File) error {
		for _, g := range st.Standing(f, in.Act, in.On, audit.Instant(p.Now())) {
			if all = append(all, Gate{g.Needs, g.Missing}); g.Missing != "" {
				open++
			}
		}
		return nil
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%w: no gate stands before %q; acts are such as opinion.write or report.issue", audit.ErrNotFound, in.Act)
	}
	if err != nil {
		return out, err
	}
	say := "Nothing is missing before " + in.Act + ". A person does it."
	if open > 0 {
		say = report.Capital(report.Number(open)) + " of " + report.Plural(len(all), "gate", "gates") + " before " + in.Act + " " + map[bool]string{true: "is", false: "are"}[open == 1] + " not met."
	}
	out.Head = head("tieout.missing/1", say)
	out.Items, out.Page, err = cut(all, in.Paging, listOf("what_is_missing", []string{in.Examination, in.Act, in.On}), nil)
	return out, err
}

// AnswerAsked is an answer to a request of the auditor's.
type AnswerAsked struct {
	Once
	Examination string   `json:"examination" jsonschema:"such as EN-1"`
	Request     string   `json:"request" jsonschema:"such as RQ-3"`
	Revision    int64    `json:"revision" jsonschema:"the request's, as list_requests gave it"`
	Text        string   `json:"text" jsonschema:"the answer, in words"`
	Evidence    []string `json:"evidence,omitempty" jsonschema:"sealed records that show it, such as E-481"`
	Submit      bool     `json:"submit,omitempty" jsonschema:"true: the auditor gets it; left out: it is in progress, and a person submits it"`
}

// answerRequest answers a request of the auditor's: in progress unless it is said
// to be submitted.
func (s *Server) answerRequest(ctx context.Context, p *period.Program, who access.Subject, in AnswerAsked) (Written, error) {
	who, err := in.of(who)
	if err != nil {
		return Written{}, err
	}
	c, err := examination.NewClient(p)
	if err != nil {
		return Written{}, err
	}
	a := engagement.Answer{Request: in.Request, Status: engagement.RequestInProgress, Text: in.Text}
	if in.Submit {
		a.Status = engagement.RequestSubmitted
	}
	for _, ref := range in.Evidence {
		i, err := period.ParseEvidenceRef(ref)
		if err != nil {
			return Written{}, hint(err, "show_evidence shows a record")
		}
		a.Records = append(a.Records, i)
	}
	if err := c.Side.Answer(ctx, who, in.Examination, a, in.Revision); err != nil {
		return Written{}, hint(err, "list_requests has requests and their revisions")
	}
	say := in.Request + ": " + strings.ToLower(string(a.Status)) + "."
	if err := c.Flush(ctx, in.Examination); err != nil {
		say += " It is not sent yet, and goes out with the next packet."
	}
	return written("tieout.answer/1", say, in.Request), nil
}
