package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"slices"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/procedure"
)

// A rerunning is one procedure being run anew. Its results are compared by
// digest; where that differs, it is run once more and compared line by line.
type rerunning struct {
	proc   *procedure.Procedure
	digest string // sealed
	want   int    // results sealed
	sum    hash.Hash
	n      int
}

// rerun runs every bundled procedure over the rebuilt timeline.
func (p *reperformer) rerun(ctx context.Context, timelines map[string]*audit.Timeline) error {
	list, err := p.compile()
	if err != nil {
		return err
	}
	byHash, procs := map[string]*rerunning{}, make([]*procedure.Procedure, len(list))
	for i, r := range list {
		byHash[r.proc.Hash], procs[i] = r, r.proc
	}
	in := procedure.Input{Period: p.c.Period, AsOf: p.c.AsOf, Holidays: p.c.Holidays, Timeline: timelineOf(timelines)}
	progress, done, total := p.o.progress("results"), int64(0), int64(0)
	for _, r := range list {
		total += int64(r.want)
	}
	var buf []byte
	tested, err := procedure.Run(ctx, in, procs, func(res *audit.Result) error {
		if done++; done%4096 == 0 {
			progress(done, max(done, total))
		}
		r := byHash[res.Hash]
		buf = append(res.AppendJSON(buf[:0]), '\n')
		r.sum.Write(buf)
		r.n++
		return nil
	})
	if err != nil {
		return fmt.Errorf("run the procedures anew: %w", err)
	}
	for i, r := range list {
		if err := p.compareResults(ctx, in, r); err != nil {
			return err
		}
		if err := p.compareFigures(tested[i]); err != nil {
			return err
		}
	}
	return nil
}

// compile reads the procedures as they ran. A document that does not give the
// hash its results were sealed under is not the one that ran.
func (p *reperformer) compile() ([]*rerunning, error) {
	bundled, err := p.b.procedures()
	if err != nil {
		return nil, err
	}
	byID := map[string]Procedure{}
	for _, b := range bundled {
		byID[b.ID] = b
	}
	var out []*rerunning
	for _, r := range p.run.Results {
		proc, err := compileOne(byID[r.Procedure])
		if err == nil && proc.Hash != r.Hash {
			err = altered(procedureName(r.Procedure), "the document gives hash %s, the run was sealed with %s", proc.Hash, r.Hash)
		}
		if err != nil && len(p.out.Versions) > 0 {
			return nil, inconclusive("not comparable: %s: %v", p.out.Versions[0], err)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, &rerunning{proc: proc, digest: r.Digest, want: r.Lines, sum: sha256.New()})
	}
	return out, nil
}

func compileOne(b Procedure) (*procedure.Procedure, error) {
	proc, err := procedure.Parse(b.File, b.Document)
	if err != nil {
		return nil, altered(procedureName(b.ID), "it does not compile: %v", err)
	}
	if len(b.Parameters) > 0 {
		if proc, err = proc.WithParameters(b.Parameters); err != nil {
			return nil, altered(procedureName(b.ID), "its parameters: %v", err)
		}
	}
	own := *proc
	if len(b.Controls) > 0 {
		own.Controls = b.Controls
	}
	if b.Effective != (audit.Effective{}) {
		own.Effective = b.Effective
	}
	return &own, nil
}

// compareResults compares the results of one procedure with the sealed ones.
func (p *reperformer) compareResults(ctx context.Context, in procedure.Input, r *rerunning) error {
	of := int64(max(r.n, r.want))
	p.out.Results.Of += of
	if digestText([sha256.Size]byte(r.sum.Sum(nil))) == r.digest {
		p.out.Results.Agree += of
		return nil
	}
	next, stop := iter.Pull2(p.b.resultLines(ctx, r.proc.ID))
	defer stop()
	agreed := p.out.Results.Agree
	var buf []byte
	_, err := procedure.Run(ctx, in, []*procedure.Procedure{r.proc}, func(res *audit.Result) error {
		want, err, _ := next()
		if err != nil {
			return err
		}
		if buf = res.AppendJSON(buf[:0]); bytes.Equal(buf, want) {
			p.out.Results.Agree++
			return nil
		}
		p.out.differ("%s: %s: %s here, %s in the bundle", r.proc.ID, res.Item, res.Outcome, outcomeOf(want))
		return nil
	})
	if err == nil && r.want > r.n {
		p.out.differ("%s: %d results in the bundle, %d here", r.proc.ID, r.want, r.n)
	}
	if p.out.Results.Agree == agreed+of { // by line, though not by digest a moment ago
		p.out.Results.Agree = agreed
		p.out.differ("%s: two runs over the same evidence gave different results", r.proc.ID)
	}
	return err
}

// outcomeOf says what a bundled result line found.
func outcomeOf(line []byte) string {
	var res audit.Result
	if line == nil || json.Unmarshal(line, &res) != nil {
		return "no such result"
	}
	return res.Outcome.String() + " of " + res.Item
}

// resultLines are the bundled results of one procedure.
func (b *reader) resultLines(ctx context.Context, id string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		prefix := resultsPrefix(id)
		err := lines(ctx, b.stream(prefix), prefix, func(_ int, line []byte) error {
			if !yield(bytes.Clone(line), nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) && !errors.Is(err, io.EOF) {
			yield(nil, err)
		}
	}
}

// compareFigures compares what a procedure found in numbers, with every
// deviation and gap by name, with the sealed run.
func (p *reperformer) compareFigures(t audit.Tested) error {
	p.out.Figures.Of++
	i := slices.IndexFunc(p.run.Tested, func(o audit.Tested) bool { return o.Procedure == t.Procedure && o.Hash == t.Hash })
	if i < 0 {
		p.out.differ("%s: the sealed run has no figures of it", t.Procedure)
		return nil
	}
	o := p.run.Tested[i]
	o.Marks, t.Marks = nil, nil // drawn from the results, which are compared themselves
	here, err := canonical.Marshal(t)
	if err != nil {
		return err
	}
	there, err := canonical.Marshal(o)
	if err != nil {
		return err
	}
	if bytes.Equal(here, there) {
		p.out.Figures.Agree++
		return nil
	}
	p.out.differ("%s: population or figures differ: %d items %v here, %d items %v in the run", t.Procedure, t.Items, t.Counts, o.Items, o.Counts)
	return nil
}
