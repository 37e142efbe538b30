package period

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/report"
)

// Report builds the report value of a run: its results with what was decided
// about them, the coverage, and an index of the evidence they rest on.
func (p *Program) Report(ctx context.Context, run *Run, reader report.Reader) (audit.Report, error) {
	tested, err := p.answered(ctx, run)
	if err != nil {
		return audit.Report{}, err
	}
	coverage, err := p.coverage(ctx, tested)
	if err != nil {
		return audit.Report{}, err
	}
	if err := p.addChecks(ctx, coverage, tested); err != nil {
		return audit.Report{}, err
	}
	lines, err := p.evidenceLines(ctx, run, tested, coverage)
	if err != nil {
		return audit.Report{}, err
	}
	log, err := p.LogState(ctx)
	if err != nil {
		return audit.Report{}, err
	}
	sel := p.selection()
	why := map[string]string{}
	for _, u := range sel.Untested {
		why[u.Control.ID] = u.Why
	}
	return report.Build(report.Input{
		Organization: p.Def.Organization, Period: run.Period, AsOf: run.AsOf, Controls: sel.Controls, Tested: tested,
		Criteria: p.Def.Criteria(), Coverage: coverage, Evidence: lines, Versions: run.Versions, Log: log, Why: why, Reader: reader,
	}), nil
}

// answered puts what was decided beside what was found, procedure by procedure.
func (p *Program) answered(ctx context.Context, run *Run) ([]audit.Tested, error) {
	decided, err := p.decisions(ctx)
	if err != nil {
		return nil, err
	}
	merged, err := p.merge(ctx, run, decided)
	if err == nil {
		err = p.excepted(ctx, run.AsOf, merged)
	}
	if err != nil {
		return nil, err
	}
	by := map[string][]audit.Deviation{}
	var order []string
	for _, d := range merged {
		if by[d.Procedure] == nil {
			order = append(order, d.Procedure)
		}
		by[d.Procedure] = append(by[d.Procedure], d)
	}
	out := slices.Clone(run.Tested)
	for i := range out {
		out[i].Deviations = by[out[i].Procedure]
		delete(by, out[i].Procedure)
	}
	for _, id := range order {
		if ds := by[id]; ds != nil {
			out = append(out, retired(id, ds))
		}
	}
	return out, nil
}

// retired stands for a procedure that runs no longer: its findings stay.
func retired(id string, ds []audit.Deviation) audit.Tested {
	d := ds[0]
	return audit.Tested{
		Procedure: id, Hash: d.Hash, Title: d.Title, Form: audit.Event, Controls: d.Controls, Span: d.Span, Deviations: ds,
		Statement:  "This procedure is no longer part of the definitions and did not run; what it found earlier stays on record.",
		Population: "None: it did not run.",
	}
}

// coverage is every stream in the period: those the procedures read, with what
// they say of them, and the rest of what was collected.
func (p *Program) coverage(ctx context.Context, tested []audit.Tested) ([]audit.StreamSummary, error) {
	seen := map[audit.StreamKey]bool{}
	var out []audit.StreamSummary
	for _, t := range tested {
		for _, s := range t.Streams {
			if !seen[s.StreamKey] {
				seen[s.StreamKey] = true
				out = append(out, s)
			}
		}
	}
	keys, err := p.Store.Streams(ctx)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if seen[key] {
			continue
		}
		for _, mode := range []audit.Mode{audit.ModeSnapshot, audit.ModeChanges, audit.ModeEvents} {
			st, err := p.Store.Stream(ctx, key, mode)
			if isNotFound(err) {
				continue
			}
			if err != nil {
				return nil, err
			}
			out = append(out, summary(st, p.Period.Span))
		}
	}
	slices.SortFunc(out, func(a, b audit.StreamSummary) int { return compareKeys(a.StreamKey, b.StreamKey) })
	return out, nil
}

// maxHolesChecked is of how many holes of a stream the checks are shown.
const maxHolesChecked = 10

// addChecks puts what was reconciled beside each stream: the comparisons of its
// newest manifest, and those of manifests that did not add up.
func (p *Program) addChecks(ctx context.Context, coverage []audit.StreamSummary, tested []audit.Tested) error {
	checks := map[audit.StreamKey][]audit.Reconciling{}
	for i := range coverage {
		s := &coverage[i]
		st, err := p.Store.Stream(ctx, s.StreamKey, s.Mode)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		if s.Checks, err = p.checksOf(ctx, st); err != nil {
			return err
		}
		checks[s.StreamKey] = s.Checks
	}
	for i := range tested {
		tested[i].Streams = slices.Clone(tested[i].Streams)
		for j := range tested[i].Streams {
			tested[i].Streams[j].Checks = checks[tested[i].Streams[j].StreamKey]
		}
	}
	return nil
}

func (p *Program) checksOf(ctx context.Context, st audit.Stream) (out []audit.Reconciling, err error) {
	var records []int64
	if n := len(st.Points); n > 0 {
		records = append(records, st.Points[n-1].Record)
	}
	if n := len(st.Covered); n > 0 {
		records = append(records, st.Covered[n-1].Record)
	}
	newest := len(records)
	for _, h := range st.Holes[:min(len(st.Holes), maxHolesChecked)] {
		records = append(records, h.Record)
	}
	for i, r := range records {
		m, err := p.manifestAt(ctx, r)
		if isNotFound(err) {
			continue // erased
		}
		if err != nil {
			return nil, err
		}
		for _, c := range m.Checks {
			if i < newest || !c.OK {
				c.Name = fmt.Sprintf("%s, %s", c.Name, about(m.Covers))
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// about is what a manifest covers, in words.
func about(s audit.Span) string {
	if s == audit.At(s.From) {
		return audit.FormatTime(s.From)
	}
	return audit.FormatTime(s.From) + " to " + audit.FormatTime(s.To)
}

func (p *Program) manifestAt(ctx context.Context, index int64) (audit.Manifest, error) {
	rec, err := p.Store.Record(ctx, index)
	if err != nil {
		return audit.Manifest{}, err
	}
	body, err := p.Seal.Body(ctx, rec)
	if err != nil {
		return audit.Manifest{}, err
	}
	return decodeManifest(rec, body)
}

// summary is a stream's coverage within a span.
func summary(st audit.Stream, within audit.Span) audit.StreamSummary {
	s := audit.StreamSummary{StreamKey: st.StreamKey, Mode: st.Mode}
	for _, pt := range st.Points {
		if within.Contains(pt.At) {
			s.Observations++
		}
	}
	for _, c := range st.Covered {
		if x := c.Intersect(within); !x.Empty() {
			s.Covered = append(s.Covered, x)
		}
	}
	for _, h := range st.Holes {
		if x := h.Intersect(within); !x.Empty() {
			s.Holes = append(s.Holes, audit.Hole{Span: x, Reason: h.Reason, Record: h.Record})
		}
	}
	return s
}

func compareKeys(a, b audit.StreamKey) int {
	return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Type, b.Type), strings.Compare(a.Scope, b.Scope))
}

// evidenceLines lists every record the findings, the gaps and the holes rest
// on, the definitions and the run itself.
func (p *Program) evidenceLines(ctx context.Context, run *Run, tested []audit.Tested, coverage []audit.StreamSummary) ([]audit.EvidenceLine, error) {
	want := map[int64]bool{}
	add := func(list []int64) {
		for _, i := range list {
			want[i] = true
		}
	}
	for _, t := range tested {
		for _, d := range t.Deviations {
			add(d.Records)
		}
		for _, g := range t.Gaps {
			add(g.Records)
		}
	}
	for _, s := range coverage {
		for _, h := range s.Holes {
			add([]int64{h.Record})
		}
	}
	if rev, err := p.Store.RevisionByHash(ctx, run.Definitions); err == nil {
		add([]int64{rev.Record})
	}
	if run.Record != audit.Unsequenced {
		add([]int64{run.Record})
	}
	var out []audit.EvidenceLine
	for i := range want {
		rec, err := p.Store.Record(ctx, i)
		if err != nil {
			return nil, fmt.Errorf("evidence index: %w", err)
		}
		out = append(out, line(rec))
	}
	slices.SortFunc(out, func(a, b audit.EvidenceLine) int { return cmp.Compare(a.Index, b.Index) })
	return out, nil
}

func line(rec audit.Record) audit.EvidenceLine {
	return audit.EvidenceLine{
		Index: rec.Index, Kind: rec.Kind, Source: rec.Source, Scope: rec.Scope, Query: rec.Query, About: rec.About,
		Collected: rec.Collected, Recorded: rec.Recorded, Digest: rec.Digest, Size: rec.Size,
	}
}

// LogState is the log at its newest checkpoint, and who outside has seen it.
func (p *Program) LogState(ctx context.Context) (audit.LogState, error) {
	c := p.Log.Checkpoint()
	s := audit.LogState{Origin: c.Origin, Size: c.Size, Root: hex.EncodeToString(c.Root[:]), Witnessed: []string{}}
	var err error
	s.Witnessed, err = p.witnessed(ctx)
	return s, err
}

// Status is the sentence of the period and what stands behind it, from the
// newest recorded run.
func (p *Program) Status(ctx context.Context, reader report.Reader) (*audit.Report, *Run, error) {
	run, err := p.LastRun(ctx)
	if err != nil {
		return nil, nil, err
	}
	r, err := p.Report(ctx, run, reader)
	return &r, run, err
}

// Rows gives the results of a run to renderers.
func (p *Program) Rows(ctx context.Context, run *Run) report.Rows { return runRows{p, ctx, run} }

type runRows struct {
	p   *Program
	ctx context.Context
	run *Run
}

// Results implements report.Rows.
func (r runRows) Results(id string, yield func(*audit.Result) error) error {
	return r.p.Results(r.ctx, r.run, id, yield)
}
