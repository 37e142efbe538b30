package period

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/internal/canonical"
	"tieout/procedure"
)

// maxColumns is how many of the values a test read stand beside an item.
const maxColumns = 12

// Population writes the items one procedure of a run tested, as lines of
// engagement.Item in the order of their ids, and returns what they are a
// population of, not yet frozen: definition, query, window, and what was
// reconciled. Items outside the control's population are counted and left out.
// Memory does not grow with what an item holds.
func (p *Program) Population(ctx context.Context, run *Run, id string, w io.Writer) (engagement.Population, error) {
	i := slices.IndexFunc(run.Tested, func(t audit.Tested) bool { return t.Procedure == id || t.Hash == id })
	if i < 0 {
		return engagement.Population{}, fmt.Errorf("%w: procedure %q in the run of %s", audit.ErrNotFound, id, audit.FormatTime(run.AsOf))
	}
	t := &run.Tested[i]
	columns, err := p.columns(ctx, run, t.Hash)
	if err != nil {
		return engagement.Population{}, err
	}
	out := newPopulationWriter(w, t.Procedure, columns)
	if err := p.Results(ctx, run, t.Hash, out.add); err != nil {
		return engagement.Population{}, err
	}
	if err := out.flush(); err != nil {
		return engagement.Population{}, err
	}
	return p.populationOf(ctx, run, t, out)
}

// columns are the values that results of a test hold, by name.
func (p *Program) columns(ctx context.Context, run *Run, hash string) ([]string, error) {
	seen := map[string]bool{}
	err := p.Results(ctx, run, hash, func(r *audit.Result) error {
		for _, v := range r.Values {
			seen[v.Path] = true
		}
		return nil
	})
	names := slices.Sorted(maps.Keys(seen))
	return names[:min(len(names), maxColumns)], err
}

// Completeness is what was read for a procedure's population beside what its
// sources say there is, as a population of it is frozen with. It reads no results.
func (p *Program) Completeness(ctx context.Context, run *Run, id string) ([]engagement.Reconciled, error) {
	i := slices.IndexFunc(run.Tested, func(t audit.Tested) bool { return t.Procedure == id || t.Hash == id })
	if i < 0 {
		return nil, fmt.Errorf("%w: procedure %q in the run of %s", audit.ErrNotFound, id, audit.FormatTime(run.AsOf))
	}
	_, checks, err := p.reconciled(ctx, &run.Tested[i])
	return checks, err
}

// reconciled are the streams a test read, each once, and the lines of its
// completeness.
func (p *Program) reconciled(ctx context.Context, t *audit.Tested) (sources []string, checks []engagement.Reconciled, err error) {
	streams := []audit.Tested{{Streams: slices.Clone(t.Streams)}}
	coverage, err := p.coverage(ctx, streams)
	if err == nil {
		err = p.addChecks(ctx, coverage, streams)
	}
	if err != nil {
		return nil, nil, err
	}
	seen := map[string]bool{}
	for _, s := range streams[0].Streams {
		if name := s.Source + " " + s.Scope; !seen[name] {
			seen[name], sources = true, append(sources, name)
		}
		for _, c := range s.Checks {
			checks = append(checks, engagement.Reconciled{What: s.Source + " " + s.Scope + ": " + c.Name, Here: c.Got, There: c.Want})
		}
		for _, h := range s.Holes {
			checks = append(checks, engagement.Reconciled{What: s.Source + " " + s.Scope + ": not seen from " + audit.FormatTime(h.From) + " to " + audit.FormatTime(h.To), Here: "not seen", There: "seen"})
		}
	}
	return sources, checks, nil
}

// populationOf says what the written items are a population of.
func (p *Program) populationOf(ctx context.Context, run *Run, t *audit.Tested, out *populationWriter) (engagement.Population, error) {
	sources, checks, err := p.reconciled(ctx, t)
	if err != nil {
		return engagement.Population{}, err
	}
	pop := engagement.Population{
		Controls: t.Controls, Title: t.Title, Defined: t.Population, Window: t.Span, Zone: p.Period.Zone, Collected: run.AsOf,
		Columns: out.columns, Count: out.count, Digest: hex.EncodeToString(out.sum.Sum(nil)), Run: run.Record,
		Query: "items of type of procedure " + t.Procedure + " (" + t.Hash + ") in the run sealed as " + audit.EvidenceRef(run.Record),
	}
	pop.Source, pop.Checks = sources, checks
	all := engagement.Reconciled{What: "items the procedure tested", Here: strconv.Itoa(out.count), There: strconv.Itoa(out.count + out.outside)}
	if out.outside > 0 {
		all.Explained = strconv.Itoa(out.outside) + " are outside the control's population"
	}
	pop.Checks = append(pop.Checks, all)
	return pop, nil
}

// A populationWriter joins the results of one item, which follow one another,
// and writes a line for each item.
type populationWriter struct {
	w         *bufio.Writer
	procedure string
	columns   []string

	item    *engagement.Item
	worst   audit.Outcome
	records map[int64]bool
	seen    map[[32]byte]bool
	count   int
	outside int
	sum     hash.Hash
}

func newPopulationWriter(w io.Writer, procedure string, columns []string) *populationWriter {
	sum := sha256.New()
	return &populationWriter{w: bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16), procedure: procedure, columns: columns, seen: map[[32]byte]bool{}, sum: sum}
}

func (o *populationWriter) add(r *audit.Result) error {
	if o.item != nil && o.item.ID != r.Item {
		if err := o.write(); err != nil {
			return err
		}
	}
	if o.item == nil {
		o.item = &engagement.Item{ID: r.Item, Label: r.Label, At: r.Span.From.UTC(), Values: make([]string, len(o.columns)), Results: map[string]string{}}
		o.worst, o.records = r.Outcome, map[int64]bool{}
	}
	o.join(r)
	return nil
}

// join adds one result to its item: the worst outcome stands, and its values.
func (o *populationWriter) join(r *audit.Result) {
	if first := len(o.item.Results) == 0; first || procedure.Worse(o.worst, r.Outcome) != o.worst {
		o.worst = r.Outcome
		o.item.Results[o.procedure] = r.Outcome.String()
		for _, a := range r.Attributes {
			o.item.Results[o.procedure+"/"+a.Name] = a.Outcome.String()
		}
		for _, v := range r.Values {
			if i := slices.Index(o.columns, v.Path); i >= 0 {
				o.item.Values[i] = v.Value
			}
		}
	}
	for _, n := range r.Records {
		o.records[n] = true
	}
}

func (o *populationWriter) write() error {
	item := o.item
	o.item = nil
	if o.worst == audit.NotApplicable {
		o.outside++
		return nil
	}
	key := sha256.Sum256([]byte(item.ID))
	if o.seen[key] {
		return fmt.Errorf("%w: results of %s come twice in the run", audit.ErrAltered, item.ID)
	}
	o.seen[key] = true
	item.Records = slices.Sorted(maps.Keys(o.records))
	line, err := canonical.Marshal(item)
	if err != nil {
		return fmt.Errorf("item %s: %w", item.ID, err)
	}
	o.count++
	_, err = o.w.Write(append(line, '\n'))
	return err
}

func (o *populationWriter) flush() error {
	if o.item != nil {
		if err := o.write(); err != nil {
			return err
		}
	}
	return o.w.Flush()
}

// Freeze is the place in this log at which a record froze a population.
func (p *Program) Freeze(ctx context.Context, rec audit.Record) (engagement.Freeze, error) {
	if p.Log.Checkpoint().Size <= rec.Index { // another process sealed it
		if err := p.Log.Reload(ctx); err != nil {
			return engagement.Freeze{}, err
		}
	}
	root, err := p.Log.Root(ctx, rec.Index+1)
	return engagement.Freeze{Index: rec.Index, Root: hex.EncodeToString(root[:]), At: rec.Recorded.UTC().Truncate(time.Microsecond)}, err
}
