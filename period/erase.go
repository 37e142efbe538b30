package period

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/evidence"
	"tieout/store"
)

// An erasure is what a sealed erasure says. Kind and scope of the page stay
// known, so that what it was a part of is called incomplete and nothing else.
type erasure struct {
	Erased   int64  `json:"erased"`
	Why      string `json:"why"`
	PageKind string `json:"pageKind,omitempty"`
	Scope    string `json:"scope,omitempty"`
}

// erasedMeta is the log index up to which sealed erasures are carried out.
const erasedMeta = "erased"

// Erase removes a record's content and its salt, seals that it was done and
// why, and leaves the log whole: the entry stays and speaks of nothing any more.
// Streams that rested on it are rebuilt from what is left, and are incomplete
// where it was. What a crash leaves undone the next Open and Check do. What a legal
// hold keeps, or a running examination rests on, is not erased.
func (p *Program) Erase(ctx context.Context, index int64, why string) (erased audit.Record, err error) {
	rec, err := p.Store.Record(ctx, index)
	if err != nil {
		return audit.Record{}, err
	}
	if rec.Kind != audit.RecordPage && rec.Kind != audit.RecordDocument && rec.Kind != audit.RecordRedaction {
		return audit.Record{}, fmt.Errorf("%w: %s is a %s; only pages and documents can be erased", audit.ErrForbidden, rec.Ref(), rec.Kind)
	}
	if strings.TrimSpace(why) == "" {
		return audit.Record{}, fmt.Errorf("%w: an erasure says why", audit.ErrInvalid)
	}
	if rec.Digest == "" {
		return audit.Record{}, fmt.Errorf("%w: %s is erased already", audit.ErrConflict, rec.Ref())
	}
	if err := p.mayErase(ctx, rec); err != nil {
		return audit.Record{}, err
	}
	if rec.Source != "" {
		var unlock func() error
		if ctx, _, unlock, err = p.lockSource(ctx, rec.Source); err != nil {
			return audit.Record{}, err
		}
		defer func() { err = errors.Join(err, unlock()) }()
		if err := p.forgetResume(ctx, rec.Source); err != nil {
			return audit.Record{}, err
		}
	}
	recs, err := p.Seal.Seal(ctx, evidence.Draft{
		Kind: audit.RecordErasure, Source: rec.Source, Actor: p.Actor,
		Detail: erasure{Erased: index, Why: why, PageKind: rec.PageKind, Scope: rec.Scope},
	})
	if err != nil {
		return audit.Record{}, err
	}
	if err := p.carryOut(ctx); err != nil {
		return audit.Record{}, err
	}
	if rec.Source == "" {
		return recs[0], nil
	}
	return recs[0], p.catchUp(ctx, rec.Source)
}

// carryOut does what sealed erasures say, as far as it is not done: content,
// salt and bytes go, and so does the blob that nothing else uses.
func (p *Program) carryOut(ctx context.Context) error {
	done, err := p.index(ctx, erasedMeta)
	if err != nil {
		return err
	}
	last := done
	err = p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordErasure, From: done + 1}, func(rec audit.Record) error {
		e, err := decodeErasure(rec)
		if err != nil {
			return err
		}
		last = rec.Index
		_, err = p.Store.Erase(ctx, e.Erased)
		return err
	})
	if err != nil {
		return err
	}
	if err := p.dropDoomed(ctx); err != nil || last == done {
		return err
	}
	return p.Store.SetMeta(ctx, erasedMeta, strconv.FormatInt(last, 10))
}

// dropDoomed deletes the blobs of erased records that nothing else uses.
func (p *Program) dropDoomed(ctx context.Context) error {
	doomed, err := p.Store.DoomedBlobs(ctx)
	if err != nil {
		return err
	}
	for _, digest := range doomed {
		if err := p.Blobs.Delete(ctx, digest); err != nil {
			return fmt.Errorf("delete erased bytes %s: %w", digest, err)
		}
		if err := p.Store.ForgetBlob(ctx, digest); err != nil {
			return err
		}
	}
	return nil
}

func decodeErasure(rec audit.Record) (e erasure, err error) {
	if err := json.Unmarshal(rec.Detail, &e); err != nil {
		return e, fmt.Errorf("%w: %s is not an erasure: %w", audit.ErrAltered, rec.Ref(), err)
	}
	return e, nil
}

// erasures are the records that sealed erasures name.
func (p *Program) erasures(ctx context.Context) (map[int64]erasure, error) {
	out := map[int64]erasure{}
	err := p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordErasure}, func(rec audit.Record) error {
		e, err := decodeErasure(rec)
		out[e.Erased] = e
		return err
	})
	return out, err
}

// erasure returns what was sealed when a record was erased. A record without
// content that no sealed erasure names was taken out behind the log's back.
func (p *Program) erasure(ctx context.Context, index int64) (erasure, error) {
	all, err := p.erasures(ctx)
	if err != nil {
		return erasure{}, err
	}
	e, ok := all[index]
	if !ok {
		return e, unnamed(index)
	}
	return e, nil
}

func unnamed(index int64) error {
	return fmt.Errorf("%w: %s has no content, and no sealed erasure names it", audit.ErrAltered, audit.EvidenceRef(index))
}

// withoutErased makes the observations that rested on an erased page incomplete:
// what it showed is not known any more, and is no disappearance.
func (p *Program) withoutErased(ctx context.Context, rec audit.Record, obs []audit.Observation, ms []sealedManifest) error {
	e, err := p.erasure(ctx, rec.Index)
	if err != nil {
		return err
	}
	for i, m := range ms {
		if !m.Takes(e.PageKind, e.Scope, rec.About) {
			continue
		}
		obs[i].Complete = false
		obs[i].Reason = joinReasons(obs[i].Reason, []string{rec.Ref() + " was erased"})
	}
	return nil
}

// erasedSince returns the streams of a source that rested on records whose
// erasure was sealed after an index, and the index of the last such erasure.
func (p *Program) erasedSince(ctx context.Context, name string, index int64) (out map[audit.StreamKey]bool, last int64, err error) {
	out, last = map[audit.StreamKey]bool{}, index
	err = p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordErasure, Source: name, From: index + 1}, func(rec audit.Record) error {
		e, err := decodeErasure(rec)
		if err != nil {
			return err
		}
		gone, err := p.Store.Record(ctx, e.Erased)
		if err != nil {
			return err
		}
		last = rec.Index
		ms, err := p.manifests(ctx, gone.Collection)
		for _, m := range ms {
			out[audit.StreamKey{Source: name, Scope: m.Scope, Type: m.Type}] = true
		}
		return err
	})
	return out, last, err
}
