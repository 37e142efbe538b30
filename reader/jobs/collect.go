package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/period"
	"tieout/report"
	"tieout/store"
	"tieout/worker"
)

// work is one job of a workspace.
type work struct {
	p     *period.Program
	t     *worker.Task
	in    Payload
	lease time.Duration
}

// An Outcome is a job's result for programs.
type Outcome struct {
	Sources []SourceOutcome `json:"sources,omitempty"`
	Run     string          `json:"run,omitempty"`  // record of the sealed run
	File    string          `json:"file,omitempty"` // of a backup, in the backup folder
	Entries int64           `json:"entries,omitempty"`
	Frozen  string          `json:"frozen,omitempty"` // ID of a population
	Told    int             `json:"told,omitempty"`   // messages that people got today
	Checks  []string        `json:"checks,omitempty"` // of the log, each with its verdict
}

// A SourceOutcome is what reading one source came to.
type SourceOutcome struct {
	Source     string   `json:"source"`
	Collection string   `json:"collection"` // ID
	Complete   bool     `json:"complete"`
	Pages      int      `json:"pages"`
	Recovered  []string `json:"recovered,omitempty"` // IDs of interrupted collections that were closed first
}

// testing is the line of the tests in a job's progress; no source can have that
// name.
const testing = "Tests"

func (w *work) collectOnly(ctx context.Context) (worker.Result, error) {
	out, err := w.collect(ctx)
	return worker.Result{Text: w.said(), Value: Outcome{Sources: out}}, err
}

// first reports whether nobody has begun with the job before.
func (w *work) first() bool { return w.t.Attempts < 2 && len(w.t.Before()) == 0 }

// names are the sources to read.
func (w *work) names() []string {
	if len(w.in.Sources) > 0 {
		return w.in.Sources
	}
	var names []string
	for _, d := range w.p.Def.Sources {
		names = append(names, d.Name)
	}
	return names
}

// collect reads the sources one after the other. What an earlier attempt has
// read to its end is not read again. A source that fails keeps no other from
// being read.
func (w *work) collect(ctx context.Context) (out []SourceOutcome, err error) {
	names := w.names()
	w.begin(names)
	var busy error
	for _, name := range names {
		if w.ended(name) {
			continue
		}
		got, err := w.source(ctx, name)
		if got.Collection != "" {
			out = append(out, got)
		}
		switch {
		case ctx.Err() != nil:
			return out, context.Cause(ctx)
		case errors.Is(err, period.ErrBusy):
			busy = err
		case err != nil:
			return out, err
		}
	}
	if busy != nil {
		return out, worker.Later(max(w.lease/4, 100*time.Millisecond), busy)
	}
	return out, w.shortfall()
}

// begin shows the lines of an earlier attempt where they tell of an end, and
// otherwise lets every source wait.
func (w *work) begin(names []string) {
	before := w.t.Before()
	var parts []worker.Part
	for _, name := range names {
		if own := named(before, name); settled(own) {
			parts = append(parts, own...)
			continue
		}
		parts = append(parts, worker.Part{Name: name, State: store.PartWaiting})
	}
	if w.t.Kind == CollectCheck {
		parts = append(parts, worker.Part{Name: testing, State: store.PartWaiting})
	}
	w.t.SetParts(parts)
}

func named(parts []worker.Part, name string) (out []worker.Part) {
	for _, p := range parts {
		if p.Name == name {
			out = append(out, p)
		}
	}
	return out
}

// settled reports whether lines tell of an end.
func settled(parts []worker.Part) bool {
	return len(parts) > 0 && !slices.ContainsFunc(parts, func(p worker.Part) bool {
		return p.State != store.PartSealed && p.State != store.PartFailed
	})
}

func (w *work) ended(name string) bool { return settled(named(w.t.Parts(), name)) }

// source reads one source, if it was not read in full since the job began. What
// is wrong with the source alone is said in its lines; the error is for what
// keeps the job from going on.
func (w *work) source(ctx context.Context, name string) (SourceOutcome, error) {
	done, err := w.alreadyRead(ctx, name)
	if err != nil || done.Collection != "" {
		return done, err
	}
	w.t.Update(name, "", func(p *worker.Part) { p.State, p.Reason = store.PartReading, "" })
	got, err := w.p.Collect(ctx, []string{name}, w.progress)
	if len(got) == 0 {
		return SourceOutcome{}, w.unopened(name, err)
	}
	w.t.Replace(name, w.linesAfter(ctx, got[0]))
	return outcome(got[0]), err
}

// linesAfter are a source's lines when its collection has ended, by itself or
// because the job's context has. A worker that stops leaves the source to the
// next one.
func (w *work) linesAfter(ctx context.Context, c period.Collected) []worker.Part {
	if ctx.Err() == nil || c.Err == nil {
		return Lines(c)
	}
	if !errors.Is(context.Cause(ctx), worker.ErrCanceled) {
		return []worker.Part{{Name: c.Source, State: store.PartWaiting, Reason: "the worker stopped; another one goes on with it"}}
	}
	c.Err = context.Canceled // in place of the words of the call that it ended
	return Lines(c)
}

// progress shows how far a stream is.
func (w *work) progress(s period.Progress) {
	w.t.Update(s.Source, s.Stream, func(p *worker.Part) {
		p.State, p.Done, p.Total = store.PartReading, int64(s.Done), int64(s.Total)
		if s.Total > 0 && s.Done >= s.Total {
			p.State = store.PartReconciling
		}
	})
}

// unopened is a source that was not begun to be read. What is wrong with its
// settings is its own line, and no other source's matter.
func (w *work) unopened(name string, err error) error {
	if errors.Is(err, period.ErrBusy) {
		w.t.Replace(name, []worker.Part{{Name: name, State: store.PartWaiting, Reason: "it " + period.ErrBusy.Error() + "; it is read when that has ended"}})
		return err
	}
	for _, kind := range []error{audit.ErrInvalid, audit.ErrNotFound, audit.ErrForbidden} {
		if errors.Is(err, kind) {
			w.t.Replace(name, []worker.Part{{Name: name, State: store.PartFailed, Reason: err.Error()}})
			return nil
		}
	}
	return err
}

// alreadyRead is the collection that an earlier attempt at this job made of a
// source, if it was complete. A worker may have died after it was sealed and
// before the job said so.
func (w *work) alreadyRead(ctx context.Context, name string) (SourceOutcome, error) {
	if w.first() {
		return SourceOutcome{}, nil
	}
	c, err := w.p.Store.NewestComplete(ctx, name)
	if errors.Is(err, audit.ErrNotFound) || err == nil && c.Started.Before(w.t.Started) {
		return SourceOutcome{}, nil
	}
	if err != nil {
		return SourceOutcome{}, err
	}
	got := period.Collected{Source: name, Driver: c.Driver, End: *c.End}
	err = w.p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordManifest, Collection: c.ID}, func(rec audit.Record) error {
		body, err := w.p.Seal.Body(ctx, rec)
		if err != nil {
			return err
		}
		var m audit.Manifest
		if err := json.Unmarshal(body, &m); err != nil {
			return fmt.Errorf("%w: %s is not a manifest: %w", audit.ErrAltered, rec.Ref(), err)
		}
		got.Manifests = append(got.Manifests, m)
		return nil
	})
	if err != nil {
		return SourceOutcome{}, err
	}
	w.t.Replace(name, Lines(got))
	return outcome(got), nil
}

func outcome(c period.Collected) SourceOutcome {
	return SourceOutcome{Source: c.Source, Collection: c.End.ID, Complete: c.End.Complete, Pages: c.End.Pages, Recovered: c.Recovered}
}

// maxFailedLines is how many streams of one source are named that were not read
// in full; the rest are counted.
const maxFailedLines = 50

// Lines are a source's lines of progress at the end of its collection: one for
// each type of items that was read in full, one for each stream that was not,
// and why.
func Lines(c period.Collected) []worker.Part {
	var failed []worker.Part
	sums, order := map[string]int64{}, []string{}
	for _, m := range c.Manifests {
		if !m.Complete {
			failed = append(failed, worker.Part{Name: c.Source, Stream: strings.TrimSpace(m.Type + " " + m.Scope), State: store.PartFailed, Done: int64(m.Items), Reason: m.Reason})
			continue
		}
		if _, ok := sums[m.Type]; !ok {
			order = append(order, m.Type)
		}
		sums[m.Type] += int64(m.Items)
	}
	if n := len(failed) - maxFailedLines; n > 0 {
		failed = append(failed[:maxFailedLines], worker.Part{Name: c.Source, Stream: fmt.Sprintf("and %d more", n), State: store.PartFailed, Reason: "as above"})
	}
	out := failed
	for _, typ := range order {
		out = append(out, worker.Part{Name: c.Source, Stream: typ, State: store.PartSealed, Done: sums[typ], Total: sums[typ]})
	}
	if n := int64(c.End.Unchanged); n > 0 {
		out = append(out, worker.Part{Name: c.Source, Stream: "as sealed before", State: store.PartSealed, Done: n, Total: n})
	}
	return withProblems(c, out)
}

// withProblems says what went wrong with a source as a whole. A source that is
// not complete has a line that says so.
func withProblems(c period.Collected, lines []worker.Part) []worker.Part {
	why := strings.Join(c.End.Problems, "; ")
	if c.Err != nil {
		why = c.Err.Error()
	}
	if errors.Is(c.Err, context.Canceled) {
		why = "stopped before everything was read; what was read is sealed and counts as incomplete"
	}
	told := slices.ContainsFunc(lines, func(p worker.Part) bool { return p.State == store.PartFailed })
	switch {
	case c.Err == nil && c.End.Complete || why == "" && told:
		return lines
	case why == "":
		why = "nothing was read"
	}
	return append([]worker.Part{{Name: c.Source, State: store.PartFailed, Reason: why}}, lines...)
}

// shortfall is an error that names the sources that were not read in full.
func (w *work) shortfall() error {
	bad := Unread(worker.Job{Parts: w.t.Parts()})
	if len(bad) == 0 {
		return nil
	}
	return worker.Final(incomplete(fmt.Sprintf("%s not read in full: %s. What was read is sealed and stays valid; what is missing counts as no evidence",
		report.Plural(len(bad), "source was", "sources were"), strings.Join(bad, ", "))))
}

// incomplete says what was not read; it is audit.ErrInconclusive.
type incomplete string

func (e incomplete) Error() string { return string(e) }
func (e incomplete) Unwrap() error { return audit.ErrInconclusive }

// said is one sentence about what was read so far.
func (w *work) said() string {
	read, names := 0, w.names()
	bad := Unread(worker.Job{Parts: w.t.Parts()})
	for _, name := range names {
		if w.ended(name) && !slices.Contains(bad, name) {
			read++
		}
	}
	return fmt.Sprintf("Read in full: %s of %s.", report.Number(read), report.Plural(len(names), "source", "sources"))
}
