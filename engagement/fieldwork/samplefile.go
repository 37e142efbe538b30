package fieldwork

import (
	"context"
	"encoding/hex"
	"fmt"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement/redraw"
	"tieout/evidence"
)

// ExportSample is a released sample with what anybody needs to pick it again:
// its population, the nonces' entries, and the way from them to the checkpoint of
// this log that the client had seen before it froze. It needs workpaper.read, and
// is audit.ErrConflict before the release.
func (b *Book) ExportSample(ctx context.Context, by access.Subject, id, name string) (redraw.File, error) {
	out := redraw.File{Schema: redraw.Schema, Engagement: id, Openings: []redraw.Opening{}}
	if err := access.Require(by, "workpaper.read", in(id)); err != nil {
		return out, err
	}
	s, err := b.Released(ctx, id, name)
	if err != nil {
		return out, err
	}
	p, err := b.Population(ctx, id, s.Population)
	if err != nil {
		return out, err
	}
	out.Population, out.Sample, out.Heard = p.Population, s, p.Heard
	for _, l := range b.seal.Log.Keys().Links() {
		out.Keys = append(out.Keys, l.Key.VKey())
	}
	for _, d := range s.Draws {
		o, err := b.openingOf(ctx, d.Commitment, p.Heard)
		if err != nil {
			return out, fmt.Errorf("commitment %s: %w", audit.EvidenceRef(d.Commitment), err)
		}
		out.Openings = append(out.Openings, o)
	}
	return out, nil
}

// openingOf is the way from an entry of this log to its checkpoint of a size.
func (b *Book) openingOf(ctx context.Context, index, size int64) (redraw.Opening, error) {
	o := redraw.Opening{Index: index, Proof: []string{}}
	canonical, salt, erased, err := b.seal.Store.Canonical(ctx, index)
	if err != nil {
		return o, err
	}
	if erased {
		return o, fmt.Errorf("%w: its record was erased", audit.ErrNotFound)
	}
	rec, err := b.seal.Store.Record(ctx, index)
	if err != nil {
		return o, err
	}
	body, err := b.seal.Body(ctx, rec)
	if err != nil {
		return o, err
	}
	head, err := evidence.Backend{Store: b.seal.Store}.HeadAt(ctx, size)
	if err != nil {
		return o, fmt.Errorf("checkpoint of size %d, which the client had seen: %w", size, err)
	}
	proof, err := b.seal.Log.Prove(ctx, index, size)
	if err != nil {
		return o, err
	}
	for _, p := range proof {
		o.Proof = append(o.Proof, hex.EncodeToString(p[:]))
	}
	o.Body, o.Record, o.Salt, o.Checkpoint = string(body), string(canonical), hex.EncodeToString(salt[:]), string(head.Note)
	return o, nil
}
