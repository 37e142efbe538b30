package period

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/procedure"
	"tieout/report"
	"tieout/store"
)

// A Run is one run of the procedures over the period: what was considered,
// under which definitions, and what was found. Its canonical JSON is sealed.
type Run struct {
	Period      audit.Period   `json:"period"`
	AsOf        time.Time      `json:"asOf"`
	Definitions string         `json:"definitions"` // hash of the applied revision
	Versions    audit.Versions `json:"versions"`
	Results     []RunResults   `json:"results"`
	Tested      []audit.Tested `json:"tested"`

	ID       string `json:"-"`
	Record   int64  `json:"-"` // log index; Unsequenced for a rehearsal
	Recorded bool   `json:"-"`
}

// RunResults names the results of one procedure in a run: canonical JSON lines
// (audit.Result) in a blob.
type RunResults struct {
	Procedure string `json:"procedure"`
	Hash      string `json:"hash"`
	Digest    string `json:"digest"`
	Lines     int    `json:"lines"`
}

// CheckOptions says what to test.
type CheckOptions struct {
	AsOf     time.Time // zero: now
	Only     []string  // control or procedure ids; none: all
	Rehearse bool      // record nothing
}

// Check runs the procedures over the whole period and, where the definitions
// are the applied ones and nothing was left out, seals the run. Otherwise it is
// a rehearsal, which leaves no trace.
func (p *Program) Check(ctx context.Context, o CheckOptions) (*Run, error) {
	if err := p.ofCompany(); err != nil {
		return nil, err
	}
	procs, all, err := p.procedures(o.Only)
	if err != nil {
		return nil, err
	}
	now := audit.Instant(p.Now())
	run := &Run{Period: p.Period, AsOf: now, Definitions: p.Def.Hash(), Versions: p.versions(), Record: audit.Unsequenced}
	if !o.AsOf.IsZero() && o.AsOf.Before(now) {
		run.AsOf = audit.Instant(o.AsOf)
	}
	for _, s := range p.Def.Sources {
		if err := p.bringUp(ctx, s.Name); err != nil {
			return nil, err
		}
	}
	files, err := newResultFiles(procs, p.Period)
	if err != nil {
		return nil, err
	}
	defer files.remove()
	in := procedure.Input{Period: p.Period, AsOf: run.AsOf, Holidays: p.Def.Config.Holidays, Timeline: p.timelineAsOf(ctx, run.AsOf, now)}
	if run.Tested, err = procedure.Run(ctx, in, procs, files.add); err != nil {
		return nil, fmt.Errorf("run the procedures: %w", err)
	}
	files.mark(run.Tested)
	applied, err := p.isApplied(ctx)
	if err != nil {
		return nil, err
	}
	if !all || !applied || o.Rehearse || len(procs) == 0 {
		return run, nil
	}
	return run, p.record(ctx, run, files)
}

// Rehearse runs all procedures on what was known at an instant and records nothing.
func (p *Program) Rehearse(ctx context.Context, asOf time.Time) (*Run, error) {
	return p.Check(ctx, CheckOptions{AsOf: asOf, Rehearse: true})
}

// procedures returns those to run, and whether they are all there are.
func (p *Program) procedures(only []string) ([]*procedure.Procedure, bool, error) {
	selected := p.selection().Procedures
	if len(only) == 0 {
		return selected, true, nil
	}
	var out []*procedure.Procedure
	for _, want := range only {
		n := len(out)
		for _, proc := range selected {
			if (proc.ID == want || slices.Contains(proc.Controls, want)) && !slices.Contains(out, proc) {
				out = append(out, proc)
			}
		}
		if len(out) == n && !p.knows(want) {
			return nil, false, fmt.Errorf("%w: %q is neither a control nor a procedure of this workspace; see 'tieout control list'", audit.ErrNotFound, want)
		}
	}
	return out, false, nil
}

// knows reports whether a control or procedure of that id is in the workspace,
// be it one that cannot be tested here.
func (p *Program) knows(id string) bool {
	return slices.ContainsFunc(p.selection().Controls, func(c audit.Control) bool { return c.ID == id })
}

// timelineAsOf reads timelines from the store; for a past as-of what was seen
// later is left out.
func (p *Program) timelineAsOf(ctx context.Context, asOf, now time.Time) func(string) (*audit.Timeline, error) {
	return func(typ string) (*audit.Timeline, error) {
		tl, err := p.timeline(ctx, typ)
		if err != nil || !asOf.Before(now) {
			return tl, err
		}
		return tl.AsOf(asOf), nil
	}
}

// record keeps the results, seals the run and remembers it.
func (p *Program) record(ctx context.Context, run *Run, files *resultFiles) error {
	byHash := map[string]string{}
	for _, f := range files.list {
		r, err := p.keep(ctx, f)
		if err != nil {
			return err
		}
		run.Results = append(run.Results, r)
		byHash[r.Hash] = r.Digest
	}
	body, err := canonical.Marshal(run)
	if err != nil {
		return fmt.Errorf("encode the run: %w", err)
	}
	recs, err := p.Seal.Seal(ctx, evidence.Draft{
		Kind: audit.RecordRun, Media: "application/json", About: audit.Span{From: run.Period.From, To: run.Period.To},
		Body: body, Actor: p.Actor,
	})
	if err != nil {
		return err
	}
	run.ID, run.Record, run.Recorded = recs[0].ID, recs[0].Index, true
	if err := p.recordNews(ctx, run); err != nil {
		return err
	}
	return p.Store.SaveRun(ctx, store.Run{
		ID: run.ID, AsOf: run.AsOf, Started: recs[0].Recorded, Definition: run.Definitions, Record: run.Record, Results: byHash,
	})
}

// keep puts one procedure's results into the blob store.
func (p *Program) keep(ctx context.Context, f *resultFile) (RunResults, error) {
	r, err := f.reader()
	if err != nil {
		return RunResults{}, err
	}
	digest, _, err := p.Blobs.Put(ctx, r)
	if err != nil {
		return RunResults{}, fmt.Errorf("keep the results of %s: %w", f.procedure, err)
	}
	return RunResults{Procedure: f.procedure, Hash: f.hash, Digest: digest, Lines: f.lines}, nil
}

// LastRun returns the newest sealed run, or audit.ErrNotFound.
func (p *Program) LastRun(ctx context.Context) (*Run, error) {
	if err := p.ofCompany(); err != nil {
		return nil, err
	}
	saved, err := p.Store.NewestRun(ctx)
	if err != nil {
		return nil, err
	}
	return p.loadRun(ctx, saved)
}

// RunAt returns the run that is sealed as a record of this log, or audit.ErrNotFound.
func (p *Program) RunAt(ctx context.Context, record int64) (*Run, error) {
	if err := p.ofCompany(); err != nil {
		return nil, err
	}
	runs, err := p.Store.Runs(ctx, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(runs, func(r store.Run) bool { return r.Record == record })
	if i < 0 {
		return nil, fmt.Errorf("%w: no run is sealed as %s", audit.ErrNotFound, audit.EvidenceRef(record))
	}
	return p.loadRun(ctx, runs[i])
}

func (p *Program) loadRun(ctx context.Context, saved store.Run) (*Run, error) {
	rec, err := p.Store.Record(ctx, saved.Record)
	if err != nil {
		return nil, err
	}
	body, err := p.Seal.Body(ctx, rec)
	if err != nil {
		return nil, err
	}
	run := &Run{ID: saved.ID, Record: saved.Record, Recorded: true}
	if err := json.Unmarshal(body, run); err != nil {
		return nil, fmt.Errorf("%w: %s is not a run: %w", audit.ErrAltered, rec.Ref(), err)
	}
	return run, nil
}

// Results calls yield with every result of one procedure in a run, in order.
func (p *Program) Results(ctx context.Context, run *Run, id string, yield func(*audit.Result) error) error {
	r, err := p.resultsOf(ctx, run, id)
	if err != nil {
		return err
	}
	defer r.Close()
	return readResults(r, yield)
}

// resultsOf opens the results of one procedure in a run.
func (p *Program) resultsOf(ctx context.Context, run *Run, id string) (io.ReadCloser, error) {
	i := slices.IndexFunc(run.Results, func(r RunResults) bool { return r.Procedure == id || r.Hash == id })
	if i < 0 {
		return nil, fmt.Errorf("%w: procedure %q in the run of %s", audit.ErrNotFound, id, audit.FormatTime(run.AsOf))
	}
	r, err := p.Blobs.Get(ctx, run.Results[i].Digest)
	if err != nil {
		return nil, fmt.Errorf("results of %s: %w", id, err)
	}
	return readAhead(r), nil
}

func readResults(r io.Reader, yield func(*audit.Result) error) error {
	for lines := audit.NewResultReader(r); ; {
		res, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = yield(res)
		}
		if err != nil {
			return err
		}
	}
}

// resultFiles collects results while procedures run, one file a procedure, so
// that memory does not grow with the population.
type resultFiles struct {
	dir    string
	list   []*resultFile
	byHash map[string]*resultFile
}

type resultFile struct {
	procedure, hash string
	lines           int
	f               *os.File
	w               *bufio.Writer
	buf             []byte
	strip           *report.Strip
}

func newResultFiles(procs []*procedure.Procedure, period audit.Period) (*resultFiles, error) {
	dir, err := os.MkdirTemp("", "tieout-results-")
	if err != nil {
		return nil, err
	}
	fs := &resultFiles{dir: dir, byHash: map[string]*resultFile{}}
	for _, proc := range procs {
		f, err := os.CreateTemp(dir, "*.jsonl")
		if err != nil {
			fs.remove()
			return nil, err
		}
		rf := &resultFile{procedure: proc.ID, hash: proc.Hash, f: f, w: bufio.NewWriterSize(f, 1<<16), strip: report.NewStrip(proc.Form, period)}
		fs.list = append(fs.list, rf)
		fs.byHash[proc.Hash] = rf
	}
	slices.SortFunc(fs.list, func(a, b *resultFile) int { return strings.Compare(a.procedure+a.hash, b.procedure+b.hash) })
	return fs, nil
}

func (fs *resultFiles) add(r *audit.Result) error {
	f := fs.byHash[r.Hash]
	if f == nil {
		return fmt.Errorf("result of a procedure that was not asked for: %s %s", r.Procedure, r.Hash)
	}
	f.strip.Add(r)
	f.buf = append(r.AppendJSON(f.buf[:0]), '\n')
	f.lines++
	_, err := f.w.Write(f.buf)
	return err
}

func (f *resultFile) reader() (io.Reader, error) {
	if err := f.w.Flush(); err != nil {
		return nil, fmt.Errorf("results of %s: %w", f.procedure, err)
	}
	if _, err := f.f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return f.f, nil
}

// mark gives every tested procedure what a strip over the period shows.
func (fs *resultFiles) mark(tested []audit.Tested) {
	for i := range tested {
		tested[i].Marks = fs.byHash[tested[i].Hash].strip.Marks()
	}
}

func (fs *resultFiles) remove() {
	for _, f := range fs.list {
		f.f.Close()
	}
	os.RemoveAll(fs.dir)
}

// RunOfPeriod returns the newest sealed run over this program's period, or
// audit.ErrNotFound.
func (p *Program) RunOfPeriod(ctx context.Context) (*Run, error) {
	if err := p.ofCompany(); err != nil {
		return nil, err
	}
	return p.runOver(ctx, p.Period)
}
