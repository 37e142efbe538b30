package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"tieout/audit"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/text"
	"tieout/store"
)

// listRuns shows every sealed run of the period, the newest first: what was
// found under earlier definitions stays readable.
func (a *app) listRuns(ctx context.Context, p *period.Program) error {
	runs, err := p.Store.Runs(ctx, math.MaxInt32)
	if err != nil {
		return err
	}
	revisions, err := p.Store.Revisions(ctx)
	if err != nil {
		return err
	}
	l := listing{schema: "tieout.runs/1", columns: []text.Column{
		{Head: "run"}, {Head: "tested"}, {Head: "evidence up to"}, {Head: "revision", Right: true}, {Head: "version"}, {Head: "tests", Right: true},
	}}
	loc := p.Period.Location()
	for _, r := range runs {
		ref, number := audit.EvidenceRef(r.Record), period.RevisionOf(revisions, r)
		l.rows = append(l.rows, row{
			[]string{ref, report.Moment(r.Started, loc), report.Moment(r.AsOf, loc), report.Number(int(number)), answer.ShortHash(r.Definition), report.Number(len(r.Results))},
			map[string]any{"run": ref, "tested": r.Started, "asOf": r.AsOf, "revision": number, "definitions": r.Definition, "results": r.Results},
		})
	}
	l.summary = report.Capital(count(len(l.rows), "run", "runs")) + " sealed; 'tieout population list --run E-...' reads one."
	return a.show(l)
}

// lastRun is the newest sealed run.
func (a *app) lastRun(ctx context.Context, p *period.Program) (*period.Run, error) {
	return a.chosenRun(ctx, p, "")
}

// chosenRun is the sealed run that ref names: by its record (E-13), by the hash
// of its definitions, or by the hash of a procedure it ran; of several with that
// hash the newest. Without ref it is the newest run, or with --as-of the newest
// up to the end of that day.
func (a *app) chosenRun(ctx context.Context, p *period.Program, ref string) (*period.Run, error) {
	asOf, err := a.asOfInstant(p.Period.Location())
	if err != nil {
		return nil, err
	}
	runs, err := p.Store.Runs(ctx, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		if ref == "" && a.asOf == "" {
			return readRun(ctx, p, r)
		}
		if ref == "" && !r.Started.After(asOf) || ref != "" && names(r, ref) {
			return readRun(ctx, p, r)
		}
	}
	switch {
	case ref != "":
		return nil, fmt.Errorf("%w: no run was sealed as %q or with that hash; see 'tieout check --list'", audit.ErrNotFound, ref)
	case a.asOf != "" && len(runs) > 0:
		return nil, fmt.Errorf("%w: no run was sealed up to %s; see 'tieout check --list'", audit.ErrNotFound, a.asOf)
	}
	return nil, fmt.Errorf("%w: nothing has been tested yet. Next: tieout collect, then tieout check", audit.ErrNotFound)
}

// names reports whether ref is r's record, or the beginning of the hash of its
// definitions or of a procedure it ran.
func names(r store.Run, ref string) bool {
	if strings.EqualFold(ref, audit.EvidenceRef(r.Record)) {
		return true
	}
	hash := strings.ToLower(strings.TrimPrefix(ref, "sha256:"))
	if len(hash) < answer.HashDigits {
		return false
	}
	for proc := range r.Results {
		if strings.HasPrefix(strings.TrimPrefix(proc, "sha256:"), hash) {
			return true
		}
	}
	return strings.HasPrefix(strings.TrimPrefix(r.Definition, "sha256:"), hash)
}

// readRun reads a run back from its sealed record.
func readRun(ctx context.Context, p *period.Program, r store.Run) (*period.Run, error) {
	rec, err := p.Store.Record(ctx, r.Record)
	if err != nil {
		return nil, err
	}
	body, err := p.Seal.Body(ctx, rec)
	if err != nil {
		return nil, err
	}
	run := &period.Run{ID: r.ID, Record: r.Record, Recorded: true}
	if err := json.Unmarshal(body, run); err != nil {
		return nil, fmt.Errorf("%w: %s is not a run: %w", audit.ErrAltered, rec.Ref(), err)
	}
	return run, nil
}

// resultsOf returns what in a run is called id: a procedure, or the beginning
// of a procedure's hash.
func resultsOf(run *period.Run, id string) (period.RunResults, error) {
	if r, ok := answer.ResultsOf(run, id); ok {
		return r, nil
	}
	return period.RunResults{}, fmt.Errorf("%w: the run sealed as %s ran no procedure %q; see 'tieout population list --run %s'",
		audit.ErrNotFound, audit.EvidenceRef(run.Record), id, audit.EvidenceRef(run.Record))
}
