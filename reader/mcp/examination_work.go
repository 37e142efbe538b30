package mcp

import (
	"context"
	"log/slog"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/period"
	"tieout/reader/answer"
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
		for _, t := range answer.InOrder(f.Tests) {
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

	Dated      string `json:"dated,omitempty" jsonschema:"of report.issue: the report's day, such as 2026-03-31; left out: today"`
	Supersedes string `json:"supersedes,omitempty" jsonschema:"of report.issue: digest of another engagement's report that it takes the place of"`
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
	if err := book.Day("dated", in.Dated, false); err != nil {
		return out, err
	}
	var all []fieldwork.Standing
	now := audit.Instant(p.Now())
	err = s.file(ctx, p, in.Examination, func(st *fieldwork.State, f *fieldwork.File) (err error) {
		if all, err = st.Before(f, in.Act, in.On, now); in.Act == "report.issue" {
			all = st.StandingToIssue(f, in.Dated, in.Supersedes, now)
		}
		return err
	})
	if err != nil {
		return out, err
	}
	say := answer.Gates(in.Act, all)
	if answer.Unmet(all) == 0 {
		say += " A person does it."
	}
	gates := []Gate{}
	for _, g := range all {
		gates = append(gates, Gate{g.Needs, g.Missing})
	}
	out.Head = head("tieout.missing/1", say)
	out.Items, out.Page, err = cut(gates, in.Paging, listOf("what_is_missing", []string{in.Examination, in.Act, in.On, in.Dated, in.Supersedes}), nil)
	return out, err
}

// AnswerAsked is an answer to a request of the auditor's.
type AnswerAsked struct {
	Once
	Examination string   `json:"examination" jsonschema:"such as EN-1"`
	Request     string   `json:"request" jsonschema:"such as RQ-3"`
	Revision    int64    `json:"revision" jsonschema:"the request's, as list_requests gave it"`
	Text        string   `json:"text" jsonschema:"the answer, in words"`
	Evidence    []string `json:"evidence,omitempty" jsonschema:"sealed records that show it, such as E-481; the token has to be one that reads them"`
	Submit      bool     `json:"submit,omitempty" jsonschema:"true: the auditor gets it; left out: it is a draft that stays here, and a person submits it"`
}

// answerRequest answers a request of the auditor's: with a draft that stays here,
// unless it is said to be submitted.
func (s *Server) answerRequest(ctx context.Context, p *period.Program, who access.Subject, in AnswerAsked) (Written, error) {
	who, err := in.of(who)
	if err != nil {
		return Written{}, err
	}
	c, err := examination.NewClient(p)
	if err != nil {
		return Written{}, err
	}
	a := engagement.Answer{Request: in.Request, Text: in.Text}
	if a.Records, err = s.brought(ctx, p, in.Evidence); err != nil {
		return Written{}, err
	}
	say := in.Request + ": kept as a draft. The auditor gets nothing of it; a person submits it."
	if !in.Submit {
		err = c.Side.DraftAnswer(ctx, who, in.Examination, a, in.Revision)
	} else {
		a.Status, say = engagement.RequestSubmitted, in.Request+": submitted."
		err = c.Side.Answer(ctx, who, in.Examination, a, in.Revision)
	}
	if err != nil {
		return Written{}, hint(err, "list_requests has requests and their revisions")
	}
	if in.Submit {
		if err := c.Flush(ctx, in.Examination); err != nil {
			s.o.Log.ErrorContext(ctx, "mcp", slog.String("packets of", in.Examination), slog.String("error", err.Error()))
			say += " It is not sent yet, and goes out with the next packet."
		}
	}
	return written("tieout.answer/1", say, in.Request), nil
}

// brought are the records that an answer names, each of which the token reads: the
// permission to write is not asked for that.
func (s *Server) brought(ctx context.Context, p *period.Program, refs []string) (out []int64, err error) {
	for _, ref := range refs {
		i, err := period.ParseEvidenceRef(ref)
		if err != nil {
			return nil, hint(err, "show_evidence shows a record")
		}
		out = append(out, i)
	}
	if len(out) == 0 {
		return nil, nil
	}
	who, err := s.o.Act(ctx, p)
	if err != nil {
		return nil, err
	}
	sight := answer.Sight{Who: who, P: p, Systems: answer.SystemsOf(p)}
	return out, hint(sight.MayBring(ctx, out), "TIEOUT_TOKEN has to be a token with evidence.read")
}
