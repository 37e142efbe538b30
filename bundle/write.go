package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
)

// Write writes a bundle of what in holds, in constant memory, and returns its
// identity: the digest of its index, which every byte of the file is bound to.
// Records are not checked here; Verify does. After an error w holds no bundle.
func Write(ctx context.Context, w io.Writer, in Contents) (id string, err error) {
	b, err := newWriter(w)
	if err != nil {
		return "", err
	}
	p := &packer{ctx: ctx, w: b, in: in, named: map[int64]bool{}}
	for _, step := range []func() error{p.about, p.definitions, p.log, p.records, p.bodies, p.items, p.results, p.report} {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if err := step(); err != nil {
			return "", err
		}
	}
	return b.close()
}

// A packer writes a bundle's sections, in their order.
type packer struct {
	ctx   context.Context
	w     *writer
	in    Contents
	apart []int64        // records whose bytes stand in members of their own
	named map[int64]bool // records that an erasure names
}

func (p *packer) json(name string, v any) error {
	b, err := canonical.Marshal(v)
	if err != nil {
		return fmt.Errorf("write bundle: %s: %w", name, err)
	}
	return p.w.add(name, b, zipped)
}

func (p *packer) about() error {
	a := p.in.About
	a.AsOf = audit.Instant(a.AsOf)
	if a.Holidays == nil {
		a.Holidays = []string{}
	}
	return p.json("about.json", a)
}

func (p *packer) definitions() error {
	if err := p.w.add("definitions/applied.json", p.in.Definitions, zipped); err != nil {
		return err
	}
	procs := slices.SortedFunc(slices.Values(p.in.Procedures), func(a, b Procedure) int {
		return strings.Compare(procedureName(a.ID), procedureName(b.ID))
	})
	for _, proc := range procs {
		if err := p.json(procedureName(proc.ID), proc); err != nil {
			return err
		}
	}
	return nil
}

// commitmentsPart is how many commitments one member holds.
const commitmentsPart = partSize / 32

func (p *packer) log() error {
	if err := p.w.add("log/checkpoint", p.in.Log.Checkpoint, plain); err != nil {
		return err
	}
	for from := int64(0); from < p.in.Log.Size; from += commitmentsPart {
		to := min(from+commitmentsPart, p.in.Log.Size)
		leaves, err := p.in.Log.Commitments(p.ctx, from, to)
		if err != nil {
			return fmt.Errorf("write bundle: commitments from %d: %w", from, err)
		}
		if int64(len(leaves)) != to-from {
			return fmt.Errorf("%w: write bundle: %d commitments from %d; the log has %d", audit.ErrAltered, len(leaves), from, to-from)
		}
		content := make([]byte, 0, len(leaves)*32)
		for _, l := range leaves {
			content = append(content, l[:]...)
		}
		if err := p.w.add(partName("log/commitments/", from), content, plain); err != nil {
			return err
		}
	}
	if err := p.json("log/keys.json", p.in.Log.Keys); err != nil {
		return err
	}
	return p.json("log/sayings.json", p.in.Log.Sayings)
}

func (p *packer) records() error {
	part := parts{add: func(first int64, content []byte) error {
		return p.w.add(partName("records/", first), content, zipped)
	}}
	var erased []int64
	err := p.in.Records(p.ctx, func(r Record) error {
		if r.Erased {
			erased = append(erased, r.Index)
		}
		e, err := p.pack(r)
		if err != nil {
			return fmt.Errorf("write bundle: %s: %w", audit.EvidenceRef(r.Index), err)
		}
		return part.append(r.Index, e.append)
	})
	if err != nil {
		return err
	}
	for _, index := range erased {
		if !p.named[index] {
			return fmt.Errorf("%w: write bundle: %s is erased, and no erasure in the log names it; if it was erased a moment ago, write the bundle again",
				audit.ErrConflict, audit.EvidenceRef(index))
		}
	}
	return part.flush()
}

func (p *packer) pack(r Record) (packed, error) {
	e := packed{index: r.Index, how: bodyErased}
	if r.Erased {
		return e, nil
	}
	var rec audit.Record
	if err := json.Unmarshal(r.Canonical, &rec); err != nil {
		return e, fmt.Errorf("%w: it is not a record: %w", audit.ErrAltered, err)
	}
	if rec.Kind == audit.RecordErasure {
		if err := erasure(rec, p.named); err != nil {
			return e, fmt.Errorf("%w: it says nothing that was erased: %w", audit.ErrAltered, err)
		}
	}
	e.salt, e.canonical, e.size = r.Salt, r.Canonical, rec.Size
	switch {
	case r.Withheld:
		e.how = bodyWithheld
		return e, nil
	case rec.Size > inlineBody:
		e.how = bodyApart
		p.apart = append(p.apart, r.Index)
		return e, nil
	}
	e.how = bodyInline
	body, err := r.read(p.ctx, rec.Size)
	e.body = body
	return e, err
}

// read returns all raw bytes of a record, which are as many as it says.
func (r Record) read(ctx context.Context, size int64) ([]byte, error) {
	if size == 0 {
		return nil, nil // nothing is kept anywhere of a record without bytes
	}
	body, err := r.Body(ctx)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	buf := make([]byte, size)
	if _, err := io.ReadFull(body, buf); err != nil {
		return nil, fmt.Errorf("%w: fewer than its %d bytes: %w", audit.ErrAltered, size, err)
	}
	return buf, nil
}

// bodies writes the raw bytes too long to stand beside their records.
func (p *packer) bodies() error {
	if len(p.apart) == 0 {
		return nil
	}
	return p.in.Records(p.ctx, func(r Record) error {
		if _, ok := slices.BinarySearch(p.apart, r.Index); !ok {
			return nil
		}
		body, err := r.Body(p.ctx)
		if err != nil {
			return fmt.Errorf("write bundle: %s: %w", audit.EvidenceRef(r.Index), err)
		}
		defer body.Close()
		return p.stream(partName("bodies/", r.Index)+"/", body)
	})
}

// stream writes what r gives in parts named by their numbers.
func (p *packer) stream(prefix string, r io.Reader) error {
	buf := make([]byte, partSize)
	for n := int64(0); ; n++ {
		k, err := io.ReadFull(r, buf)
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return fmt.Errorf("write bundle: %s: %w", prefix, err)
		}
		if k > 0 || n == 0 {
			if err := p.w.add(partName(prefix, n), buf[:k], zipped); err != nil {
				return err
			}
		}
		if end {
			return nil
		}
	}
}

func (p *packer) results() error {
	results := slices.SortedFunc(slices.Values(p.in.Results), func(a, b Results) int {
		return strings.Compare(resultsPrefix(a.Procedure), resultsPrefix(b.Procedure))
	})
	for _, r := range results {
		body, err := r.Open(p.ctx)
		if err != nil {
			return fmt.Errorf("write bundle: results of %s: %w", r.Procedure, err)
		}
		err = p.stream(resultsPrefix(r.Procedure), body)
		if err := errors.Join(err, body.Close()); err != nil {
			return err
		}
	}
	return nil
}

func procedureName(id string) string { return "definitions/procedures/" + id + ".json" }

func resultsPrefix(procedure string) string { return "results/" + procedure + "/" }

func (p *packer) report() error {
	if p.in.Report == nil {
		return nil
	}
	return p.stream("report.json/", bytes.NewReader(p.in.Report))
}

// parts collects content and hands it over a part at a time, each under the
// number of the first thing in it.
type parts struct {
	add   func(first int64, content []byte) error
	first int64
	buf   []byte
}

func (p *parts) append(n int64, encode func([]byte) []byte) error {
	if len(p.buf) == 0 {
		p.first = n
	}
	p.buf = encode(p.buf)
	if len(p.buf) < partSize {
		return nil
	}
	return p.flush()
}

func (p *parts) flush() error {
	if len(p.buf) == 0 {
		return nil
	}
	err := p.add(p.first, p.buf)
	p.buf = p.buf[:0]
	return err
}
