package period

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/store"
)

// maxParked is how many bytes of pages that were sealed before wait to see
// whether anything about them is new.
const maxParked = 64 << 20

// known is what earlier collections of a source, under the same normalizer and
// configuration, have sealed. Reading the same bytes about the same time again
// is no new evidence: such pages wait, and where a stream has nothing but them
// and closes as it did before, neither they nor its manifest are sealed again.
type known struct {
	pages     map[pageFacts]sealedPages
	manifests map[subject][32]byte // the newest manifest about it; zero: under other settings
	parked    []audit.Page
	bytes     int
	skipped   []audit.Manifest
	fresh     []pageFacts // sealed in this collection
}

// sealedPages are the digests of the pages with the same facts that the newest
// collection with such pages sealed; none where that ran under other settings.
type sealedPages struct {
	collection string
	digests    map[string]bool
}

// pageFacts are what Manifest.Takes asks of a page.
type pageFacts struct {
	kind, scope string
	about       audit.Span
}

func factsOf(p *audit.Page) pageFacts {
	return pageFacts{p.Kind, p.Scope, audit.Span{From: audit.Instant(p.About.From), To: audit.Instant(p.About.To)}}
}

// loadKnown reads what is sealed of the source by collections like col.
func (p *Program) loadKnown(ctx context.Context, col audit.Collection) (*known, error) {
	k := &known{pages: map[pageFacts]sealedPages{}, manifests: map[subject][32]byte{}}
	before, err := p.Store.Collections(ctx, col.Source)
	if err != nil {
		return nil, err
	}
	for _, b := range before {
		if b.ID == col.ID {
			continue
		}
		like := b.Driver == col.Driver && b.Version == col.Version && b.Zone == col.Zone && string(b.Config) == string(col.Config)
		if err := p.loadKnownOf(ctx, k, b.ID, like); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// loadKnownOf adds what one collection sealed; one that is not like the present
// one only says that its manifests are newer than those before.
func (p *Program) loadKnownOf(ctx context.Context, k *known, collection string, like bool) error {
	err := p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordPage, Collection: collection}, func(rec audit.Record) error {
		facts := pageFacts{rec.PageKind, rec.Scope, rec.About}
		if k.pages[facts].collection != collection {
			k.pages[facts] = sealedPages{collection, map[string]bool{}}
		}
		if like && rec.Digest != "" { // not erased
			k.pages[facts].digests[rec.Digest] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	ms, err := p.manifests(ctx, collection)
	for _, m := range ms {
		key := [32]byte{}
		if like {
			key = manifestKey(m.Manifest)
		}
		k.manifests[subjectOf(m.Manifest)] = key
	}
	return err
}

// A subject is what a manifest speaks of. Only the newest manifest and the newest
// pages about it are in force: an export that went from one state to another and
// back is news.
type subject struct {
	mode       audit.Mode
	typ, scope string
	covers     audit.Span
}

func subjectOf(m audit.Manifest) subject { return subject{m.Mode, m.Type, m.Scope, m.Covers} }

// manifestKey names a manifest by what its source says: what was found out by
// reading its pages follows from them.
func manifestKey(m audit.Manifest) [32]byte {
	m.Items, m.Complete, m.Reason = 0, false, ""
	b, err := canonical.Marshal(m)
	if err != nil {
		return [32]byte{} // a manifest without canonical form is refused when it is sealed
	}
	return sha256.Sum256(b)
}

// park sets pages aside that were sealed before, and returns the others.
func (k *known) park(pages []audit.Page) (fresh []audit.Page) {
	for _, p := range pages {
		sum := sha256.Sum256(p.Body)
		facts := factsOf(&p)
		if k.bytes+len(p.Body) <= maxParked && k.pages[facts].digests["sha256:"+hex.EncodeToString(sum[:])] {
			k.parked, k.bytes = append(k.parked, p), k.bytes+len(p.Body)
			continue
		}
		k.fresh = append(k.fresh, facts)
		fresh = append(fresh, p)
	}
	return fresh
}

// same reports whether m closes as a manifest did that is sealed already, with
// nothing but pages that are sealed already.
func (k *known) same(m audit.Manifest) bool {
	takes := func(f pageFacts) bool { return m.Takes(f.kind, f.scope, f.about) }
	newest := k.manifests[subjectOf(m)]
	if !m.Complete || newest == [32]byte{} || newest != manifestKey(m) || slices.ContainsFunc(k.fresh, takes) {
		return false
	}
	k.skipped = append(k.skipped, m)
	return true
}

// unpark returns the parked pages m takes: something about m is new.
func (k *known) unpark(m audit.Manifest) (pages []audit.Page) {
	k.parked = slices.DeleteFunc(k.parked, func(p audit.Page) bool {
		f := factsOf(&p)
		if !m.Takes(f.kind, f.scope, f.about) {
			return false
		}
		pages = append(pages, p)
		k.bytes -= len(p.Body)
		k.fresh = append(k.fresh, f)
		return true
	})
	return pages
}

// took reports whether a stream that was skipped takes items of that key.
func (k *known) took(key itemKey) bool {
	return slices.ContainsFunc(k.skipped, func(m audit.Manifest) bool {
		return m.Type == key.typ && m.Takes(key.kind, key.scope, key.about)
	})
}
