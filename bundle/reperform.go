package bundle

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strings"

	"tieout/audit"
	"tieout/procedure"
	"tieout/source"
	"tieout/timeline"
)

// A Tally is how many of something agree.
type Tally struct{ Agree, Of int64 }

// String is the tally in words.
func (t Tally) String() string { return count(t.Agree) + " of " + count(t.Of) + " agree" }

// A Reperformance is what doing it all again came to.
type Reperformance struct {
	Checks      *Checks
	Items       Tally    // normalized from raw bytes anew, against the bundle's
	Results     Tally    // of procedures run anew, against the bundle's
	Figures     Tally    // of procedures: population and counts, against the sealed run
	Missing     int64    // pages whose bytes were erased or left out
	Versions    []string // what is of another version here than it was then
	Differences []string // the first of them, in words
}

// maxDifferences is how many differences are named; the rest are counted.
const maxDifferences = 20

func (r *Reperformance) differ(format string, args ...any) {
	if len(r.Differences) < maxDifferences {
		r.Differences = append(r.Differences, fmt.Sprintf(format, args...))
	}
}

// String is the outcome as a terminal shows it.
func (r *Reperformance) String() string {
	var b strings.Builder
	line := func(t Tally, what string) {
		word := Good
		if t.Agree != t.Of {
			word = Bad
		}
		if word == Bad && len(r.Versions) > 0 {
			word = Open
		}
		fmt.Fprintf(&b, "  %-6s  %s: %s\n", word, what, t)
	}
	line(r.Items, "items read anew from the raw bytes")
	line(r.Results, "results of the procedures run anew")
	line(r.Figures, "procedures' populations and counts")
	if r.Missing > 0 {
		fmt.Fprintf(&b, "  %-6s  %s erased or left out, so they could not be read anew\n", Open, be(r.Missing, "page was", "pages were"))
	}
	for _, v := range r.Versions {
		fmt.Fprintf(&b, "  %-6s  %s\n", Open, v)
	}
	for _, d := range r.Differences {
		fmt.Fprintf(&b, "          %s\n", d)
	}
	return b.String()
}

// err is what a difference means: altered where everything that made the
// results is the same here, else nothing can be concluded.
func (r *Reperformance) err() error {
	if r.Items.Agree == r.Items.Of && r.Results.Agree == r.Results.Of && r.Figures.Agree == r.Figures.Of {
		return nil
	}
	what := fmt.Sprintf("items: %s; results: %s; first difference: %s", r.Items, r.Results, r.Differences[0])
	switch {
	case len(r.Versions) > 0:
		return inconclusive("not comparable: %s; %s", strings.Join(r.Versions, "; "), what)
	case r.Missing > 0:
		return inconclusive("%s erased or left out; %s", be(r.Missing, "page was", "pages were"), what)
	}
	return fmt.Errorf("%w: %s", audit.ErrAltered, what)
}

func inconclusive(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audit.ErrInconclusive, fmt.Sprintf(format, args...))
}

// Reperform verifies a bundle, reads its raw bytes anew with the drivers'
// normalizers, rebuilds the timeline from what was sealed before the run, runs
// every bundled procedure and compares. A difference is an error that wraps
// audit.ErrAltered where schema, engine and normalizers are of the versions the
// bundle names, and audit.ErrInconclusive where they are not. The tallies come
// back also with an error. It holds the timeline in memory, not the bundle.
func Reperform(ctx context.Context, r io.ReaderAt, size int64, o Options, drivers source.Registry) (*Reperformance, error) {
	v, err := open(ctx, r, size, o)
	out := &Reperformance{Checks: v.c}
	if err == nil {
		err = v.all(ctx)
	}
	if err != nil {
		return out, err
	}
	if v.run == nil {
		return out, inconclusive("the bundle holds no sealed run to compare with")
	}
	out.Versions = otherVersions(v.c.Versions, drivers)
	p := &reperformer{verifier: v, out: out, norm: newNormalizer(drivers)}
	if err := p.again(ctx); err != nil {
		return out, err
	}
	return out, out.err()
}

// otherVersions names what is of another version here than in the bundle. The
// version of the program itself says nothing about results: whatever changes
// them changes one of these.
func otherVersions(then audit.Versions, drivers source.Registry) []string {
	var out []string
	other := func(what string, here, there int) {
		if here != there {
			out = append(out, fmt.Sprintf("%s: version %d here, %d in the bundle", what, here, there))
		}
	}
	other("item schema", audit.SchemaVersion, then.Schema)
	other("engine", procedure.EngineVersion, then.Engine)
	for _, name := range sortedKeys(then.Normalizers) {
		d, err := drivers.Find(name)
		if err != nil {
			out = append(out, fmt.Sprintf("source kind %s: this program does not have it", name))
			continue
		}
		other("normalizer of "+name, d.Version, then.Normalizers[name])
	}
	return out
}

// A reperformer does the work again.
type reperformer struct {
	*verifier
	out   *Reperformance
	norm  *normalizer
	plan  *plan
	lines *itemLines
	buf   []byte
	types map[string][]timeline.StreamRows
}

func (p *reperformer) again(ctx context.Context) error {
	if err := p.observe(ctx); err != nil {
		return err
	}
	timelines := map[string]*audit.Timeline{}
	for typ, streams := range p.types {
		timelines[typ] = timeline.Assemble(typ, streams).AsOf(p.c.AsOf)
	}
	p.types = nil
	return p.rerun(ctx, timelines)
}

// timelineOf returns what procedures read.
func timelineOf(all map[string]*audit.Timeline) func(string) (*audit.Timeline, error) {
	all = maps.Clone(all)
	return func(typ string) (*audit.Timeline, error) {
		if tl := all[typ]; tl != nil {
			return tl, nil
		}
		return &audit.Timeline{Type: typ}, nil
	}
}
