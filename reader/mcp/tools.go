package mcp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/report"
)

func (s *Server) addTools() {
	addCompanyTool(s, "status", "Where the period stands",
		"Where the period stands in one sentence, with its newest deviations and gaps (the first 20 of each).", status)
	addCompanyTool(s, "list_controls", "Controls in scope",
		"Controls in scope: text, owner, criteria, state, procedures. Filters: criterion, state.", listControls)
	addCompanyTool(s, "show_control", "One control",
		"One control: its text, its procedures and what they found. Long lists are cut; cut says where the rest is.", showControl)
	addCompanyTool(s, "list_deviations", "Deviations and why",
		"Findings of the newest run and what was decided about each; none is ever deleted. Each has the reason in words, the values read and when it began and ended. "+
			"Filters: control, criterion, outcome, and since/until for those that touch these days, such as a quarter. controls counts them by control.", listDeviations)
	addCompanyTool(s, "show_deviation", "One deviation with its evidence",
		"One finding: why, the values read, management's response, and every sealed record behind it with three dates: what it is about, when it was collected, when it was recorded.", showDeviation)
	addCompanyTool(s, "show_evidence", "One sealed record",
		"One sealed record: what it is, three dates, provenance (collection, manifests) and the proof of its place in the log. With bytes also a part of the raw bytes, between marks.", showEvidence)
	addCompanyTool(s, "list_gaps", "Gaps in the evidence",
		"Stretches for which a procedure has no evidence, and why. A gap is never a pass. Filters: control, procedure, since/until.", listGaps)
	addCompanyTool(s, "show_population", "What a procedure was performed on",
		"Every item of a procedure's population with its outcome and the records behind it, as sealed in the newest run. Filter: outcome. Procedures are named by list_controls.", showPopulation)
	addCompanyTool(s, "coverage", "Criteria, controls, procedures",
		"Which procedures test which criteria through which controls, what they read, and in cannot why something is not tested here. Filters: criterion, control, untested.", coverage)
	addCompanyTool(s, "search", "Find by words",
		"Controls, procedures, criteria, deviations and evidence that hold every word of the query, each with the tool that shows it.", search)
}

// addCompanyTool adds a tool that reads a company's running year; an audit firm's
// workspace has none.
func addCompanyTool[In, Out any](s *Server, name, title, what string, ask func(context.Context, *period.Program, In) (Out, error)) {
	addTool(s, name, title, what, func(ctx context.Context, p *period.Program, in In) (out Out, err error) {
		if err := ofCompany(p); err != nil {
			return out, err
		}
		return ask(ctx, p, in)
	})
}

// ofCompany refuses what a firm's workspace does not have.
func ofCompany(p *period.Program) error {
	if p.Kind() == access.Firm {
		return fmt.Errorf("%w: this is an audit firm's workspace; list_examinations and what_is_missing read it", audit.ErrForbidden)
	}
	return nil
}

// newest is the report of the newest run; nil where nothing was tested yet.
func newest(ctx context.Context, p *period.Program) (*audit.Report, *period.Run, error) {
	r, run, err := p.Status(ctx, report.Management)
	if errors.Is(err, audit.ErrNotFound) {
		return nil, nil, nil
	}
	return r, run, err
}

// tested is newest where something must have been tested.
func tested(ctx context.Context, p *period.Program) (*audit.Report, *period.Run, error) {
	r, run, err := newest(ctx, p)
	if err == nil && r == nil {
		err = fmt.Errorf("%w: nothing has been tested yet. A person runs 'tieout collect', then 'tieout check'", audit.ErrNotFound)
	}
	return r, run, err
}

// None is for tools that take no argument.
type None struct{}

// StatusAnswer is the status with the first findings.
type StatusAnswer struct {
	Head
	Status answer.Status `json:"status"`
	Cut    []string      `json:"cut,omitempty" jsonschema:"what was left out, and where it is"`
}

// maxShown is how many deviations and gaps stand in status and show_control.
const maxShown = 20

func status(ctx context.Context, p *period.Program, _ None) (StatusAnswer, error) {
	r, _, err := tested(ctx, p)
	if err != nil {
		return StatusAnswer{}, err
	}
	out := StatusAnswer{Head: head(answer.StatusSchema, r.Sentence), Status: answer.StatusOf(r)}
	out.Status.Deviations = shorten(out.Status.Deviations, maxShown, "deviations", "list_deviations has all", &out.Cut)
	out.Status.Gaps = shorten(out.Status.Gaps, maxShown, "gaps", "list_gaps has all", &out.Cut)
	return out, nil
}

// shorten cuts a list and says so.
func shorten[T any](list []T, most int, what, where string, said *[]string) []T {
	if len(list) <= most {
		return list
	}
	*said = append(*said, fmt.Sprintf("%s: %d of %d shown; %s", what, most, len(list), where))
	return list[:most]
}

// ControlsAsked chooses controls.
type ControlsAsked struct {
	Paging
	Criterion string `json:"criterion,omitempty" jsonschema:"only those for this criterion, such as CC6.1"`
	State     string `json:"state,omitempty" jsonschema:"only those that stand so, such as Deviation, Evidence gap, At risk, On track, Not started, Not tested here"`
}

// ControlsAnswer is a page of controls.
type ControlsAnswer struct {
	Head
	Items []answer.Control `json:"items"`
	Page  Page             `json:"page"`
}

func listControls(ctx context.Context, p *period.Program, in ControlsAsked) (out ControlsAnswer, err error) {
	r, run, err := newest(ctx, p)
	if err != nil {
		return out, err
	}
	sentence, controls := answer.Controls(p, r)
	total := len(controls)
	controls = slices.DeleteFunc(controls, func(c answer.Control) bool {
		return in.Criterion != "" && !holdsFold(c.Control.Criteria, in.Criterion) || in.State != "" && !strings.EqualFold(c.State, in.State)
	})
	if by := slices.Concat(said("criterion", in.Criterion), said("state", in.State)); len(by) > 0 {
		sentence = fmt.Sprintf("%s of %s in scope: %s.", report.Number(len(controls)), report.Plural(total, "control", "controls"), strings.Join(by, ", "))
	}
	out.Head = head(answer.ControlsSchema, sentence)
	out.Items, out.Page, err = cut(controls, in.Paging, listOf("list_controls", []string{in.Criterion, in.State}), run)
	return out, err
}

func said(what, value string) []string {
	if value == "" {
		return nil
	}
	return []string{what + " " + value}
}

func holdsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}

// ControlAsked names a control.
type ControlAsked struct {
	ID string `json:"id" jsonschema:"a control such as IAM-06"`
}

// ControlAnswer is one control and what was found.
type ControlAnswer struct {
	Head
	Control answer.ControlFound `json:"control"`
	Cut     []string            `json:"cut,omitempty" jsonschema:"what was left out, and where it is"`
}

func showControl(ctx context.Context, p *period.Program, in ControlAsked) (out ControlAnswer, err error) {
	r, _, err := newest(ctx, p)
	if err != nil {
		return out, err
	}
	if out.Control, err = answer.FindControl(p, r, in.ID); err != nil {
		return out, hint(err, "list_controls has those in scope")
	}
	out.Head = head(answer.ControlSchema, out.Control.Sentence())
	if f := out.Control.Found; f != nil {
		brief := *f
		brief.Procedures = slices.Clone(f.Procedures)
		for i := range brief.Procedures {
			shortenTested(&brief.Procedures[i], &out.Cut)
		}
		out.Control.Found = &brief
	}
	return out, nil
}

// shortenTested keeps the beginnings of a test's long lists. What a strip shows
// is left out: the findings say the same.
func shortenTested(t *audit.Tested, said *[]string) {
	name := t.Procedure + ": "
	t.Marks = nil
	t.Deviations = shorten(t.Deviations, maxShown, name+"deviations", "list_deviations with control has all", said)
	t.Gaps = shorten(t.Gaps, maxShown, name+"gaps", "list_gaps with procedure has all", said)
	t.Streams = slices.Clone(shorten(t.Streams, maxShown, name+"streams", "'tieout population reconcile "+t.Procedure+"' has all", said))
	for i := range t.Streams {
		x := &t.Streams[i]
		at := name + x.Source + " " + x.Type + " "
		x.Covered = shorten(x.Covered, maxShown, at+"covered", "'tieout population reconcile "+t.Procedure+"' has all", said)
		x.Holes = shorten(x.Holes, maxShown, at+"holes", "'tieout population reconcile "+t.Procedure+"' has all", said)
	}
}

// hint adds what to do to an error about something that is not there.
func hint(err error, what string) error {
	if errors.Is(err, audit.ErrNotFound) || errors.Is(err, audit.ErrInvalid) {
		return fmt.Errorf("%w; %s", err, what)
	}
	return err
}

// CoverageAsked chooses rows of the coverage.
type CoverageAsked struct {
	Paging
	Criterion string `json:"criterion,omitempty" jsonschema:"only of this criterion, such as CC6.1"`
	Control   string `json:"control,omitempty" jsonschema:"only of this control, such as IAM-06"`
	Untested  bool   `json:"untested,omitempty" jsonschema:"only what is not tested here"`
}

// CoverageAnswer is a page of the coverage.
type CoverageAnswer struct {
	Head
	Items []answer.Covered `json:"items"`
	Page  Page             `json:"page"`
}

func coverage(ctx context.Context, p *period.Program, in CoverageAsked) (out CoverageAnswer, err error) {
	_, run, err := newest(ctx, p)
	if err != nil {
		return out, err
	}
	sentence, rows, err := answer.Coverage(ctx, p)
	if err != nil {
		return out, err
	}
	rows = slices.DeleteFunc(rows, func(c answer.Covered) bool {
		return in.Criterion != "" && !strings.EqualFold(c.Criterion, in.Criterion) ||
			in.Control != "" && !strings.EqualFold(c.Control, in.Control) || in.Untested && c.Cannot == ""
	})
	out.Head = head(answer.CoverageSchema, sentence)
	out.Items, out.Page, err = cut(rows, in.Paging, listOf("coverage", []any{in.Criterion, in.Control, in.Untested}), run)
	return out, err
}
