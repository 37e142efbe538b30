package period

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"tieout/audit"
	"tieout/engagement"
)

// maxColumns is how many of the values a test read stand beside an item.
const maxColumns = 12

// Population writes the items one procedure of a run tested, as lines of
// engagement.Item in the order of their ids, and returns what they are a
// population of, not yet frozen: definition, query, window, and what was
// reconciled. Items outside the control's population are counted and left out.
// Results that are not what the run counted are audit.ErrAltered.
// Memory grows by some 40 bytes an item, whatever an item holds.
func (p *Program) Population(ctx context.Context, run *Run, id string, w io.Writer) (engagement.Population, error) {
	i := slices.IndexFunc(run.Tested, func(t audit.Tested) bool { return t.Procedure == id || t.Hash == id })
	if i < 0 {
		return engagement.Population{}, fmt.Errorf("%w: procedure %q in the run of %s", audit.ErrNotFound, id, audit.FormatTime(run.AsOf))
	}
	t := &run.Tested[i]
	names, err := p.columns(ctx, run, t.Hash)
	if err != nil {
		return engagement.Population{}, err
	}
	out := newPopulationWriter(w, t.Procedure, names[:min(len(names), maxColumns)])
	if err := p.writeItems(ctx, run, t.Hash, out); err != nil {
		return engagement.Population{}, err
	}
	if err := out.counted(t); err != nil {
		return engagement.Population{}, err
	}
	return p.populationOf(ctx, run, t, out, len(names))
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

// populationOf says what the written items are a population of; values is how many
// the test read of each, of which the first stand beside it.
func (p *Program) populationOf(ctx context.Context, run *Run, t *audit.Tested, out *populationWriter, values int) (engagement.Population, error) {
	sources, checks, err := p.reconciled(ctx, t)
	if err != nil {
		return engagement.Population{}, err
	}
	pop := engagement.Population{
		Controls: t.Controls, Title: t.Title, Defined: t.Population, Window: t.Span, Zone: run.Period.Zone, Collected: run.AsOf,
		Columns: out.columns, Count: out.count, Digest: hex.EncodeToString(out.sum.Sum(nil)), Run: run.Record,
		Query: fmt.Sprintf("Every item that procedure %s, in its version %s, tested in the run sealed as %s; beside each stand %d of %d values that the test read.", t.Procedure, t.Hash, audit.EvidenceRef(run.Record), len(out.columns), values),
	}
	pop.Source, pop.Checks = sources, checks
	all := engagement.Reconciled{What: "items the procedure tested", Here: strconv.Itoa(out.count), There: strconv.Itoa(t.Items)}
	if out.count != t.Items {
		all.Explained = fmt.Sprintf("it tested %d occurrences, of %d items", t.Items, out.count)
	}
	pop.Checks = append(pop.Checks, all)
	if outside := t.Counts[audit.NotApplicable]; outside > 0 {
		pop.Checks = append(pop.Checks, engagement.Reconciled{What: "left out as outside the control's population", Here: strconv.Itoa(out.outside(t.Form)), There: strconv.Itoa(outside)})
	}
	return pop, nil
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
