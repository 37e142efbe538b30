package period

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/store"
)

// A Piece is one sealed record with everything that shows what it is and that
// it is unchanged.
type Piece struct {
	Record     audit.Record      `json:"record"`
	Index      int64             `json:"index"`
	Collection *audit.Collection `json:"collection,omitempty"` // it came in
	Manifests  []ManifestRef     `json:"manifests,omitempty"`  // that speak of it
	Erased     bool              `json:"erased,omitempty"`
	Digest     string            `json:"digest"`    // of the bytes as they are now
	Unchanged  bool              `json:"unchanged"` // digest, commitment and proof all hold
	Fault      string            `json:"fault,omitempty"`
	Commitment string            `json:"commitment"` // hex; the log's entry
	Proof      []string          `json:"proof"`      // hex hashes, leaf to root (RFC 6962)
	Size       int64             `json:"size"`       // of the log the proof is in
	Root       string            `json:"root"`       // hex
	Witnessed  []string          `json:"witnessed"`
	Body       []byte            `json:"-"`
}

// A ManifestRef is a manifest and its place in the log.
type ManifestRef struct {
	audit.Manifest
	Record int64 `json:"record"`
}

// ParseEvidenceRef reads "E-48211" or "48211".
func ParseEvidenceRef(s string) (int64, error) {
	n, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimPrefix(strings.ToUpper(s), "E-"), ",", ""), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: %q is not evidence such as E-48211", audit.ErrInvalid, s)
	}
	return n, nil
}

// Piece reads one record, checks its bytes, its commitment and its place in the
// log, and says what it found. A fault is in the Piece and not an error.
func (p *Program) Piece(ctx context.Context, index int64) (*Piece, error) {
	x, err := p.proven(ctx, index)
	if err != nil || x.Record.Collection == "" {
		return x, err
	}
	if col, err := p.Store.Collection(ctx, x.Record.Collection); err == nil {
		x.Collection = &col.Collection
	}
	x.Manifests, err = p.speaking(ctx, x.Record)
	return x, err
}

// proven is Piece without what else speaks of the record.
func (p *Program) proven(ctx context.Context, index int64) (*Piece, error) {
	rec, err := p.Store.Record(ctx, index)
	if err != nil {
		return nil, err
	}
	x := &Piece{Record: rec, Index: index, Unchanged: true}
	if err := p.prove(ctx, x); err != nil {
		return nil, err
	}
	if x.Erased {
		return x, nil
	}
	if x.Body, err = p.Seal.Body(ctx, rec); err != nil {
		x.Unchanged, x.Fault = false, err.Error()
	}
	x.Digest = rec.Digest
	return x, nil
}

// speaking returns the manifests of the record's collection that take the page.
func (p *Program) speaking(ctx context.Context, rec audit.Record) (out []ManifestRef, err error) {
	if rec.Kind != audit.RecordPage {
		return nil, nil
	}
	ms, err := p.manifests(ctx, rec.Collection)
	for _, m := range ms {
		if m.Takes(rec.PageKind, rec.Scope, rec.About) {
			out = append(out, ManifestRef(m))
		}
	}
	return out, err
}

// prove checks that the record's commitment is the log's entry at its index.
func (p *Program) prove(ctx context.Context, x *Piece) error {
	canonical, salt, erased, err := p.Store.Canonical(ctx, x.Index)
	if err != nil {
		return err
	}
	entries, err := p.Store.LeafRange(ctx, x.Index, x.Index+1)
	if err != nil {
		return err
	}
	commitment := entries[0]
	x.Erased, x.Commitment = erased, hex.EncodeToString(commitment[:])
	if !erased && ledger.Commit(salt, canonical) != commitment {
		x.Unchanged, x.Fault = false, "the record and its salt do not give the commitment in the log"
	}
	c := p.Log.Checkpoint()
	if x.Index >= c.Size { // somebody else's program has sealed it since the log was read here
		if err := p.Log.Reload(ctx); err != nil {
			return err
		}
		c = p.Log.Checkpoint()
	}
	x.Size, x.Root = c.Size, hex.EncodeToString(c.Root[:])
	proof, err := p.Log.Prove(ctx, x.Index, c.Size)
	if err != nil {
		return err
	}
	for _, h := range proof {
		x.Proof = append(x.Proof, hex.EncodeToString(h[:]))
	}
	if err := ledger.VerifyInclusion(commitment, x.Index, c.Size, c.Root, proof); err != nil {
		x.Unchanged, x.Fault = false, err.Error()
	}
	log, err := p.LogState(ctx)
	x.Witnessed = log.Witnessed
	return err
}

// AddDocument seals a file a person adds as evidence: what it is about, and
// when it was obtained, are stated by the person and kept apart from when it
// was recorded.
func (p *Program) AddDocument(ctx context.Context, path, title string, controls []string, about audit.Span, said Stated) (audit.Record, error) {
	st, err := os.Stat(path)
	if err != nil {
		return audit.Record{}, fmt.Errorf("%w: %w", audit.ErrNotFound, err)
	}
	if st.Size() > maxDocument {
		return audit.Record{}, fmt.Errorf("%w: %s has %d bytes; at most %d are taken as one document", audit.ErrInvalid, path, st.Size(), maxDocument)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return audit.Record{}, err
	}
	return p.SealDocument(ctx, p.Actor, Document{Title: title, File: st.Name(), Controls: controls, About: about, Modified: st.ModTime(), Body: body, Stated: said})
}

// maxDocument is the largest document taken as evidence, in bytes.
const maxDocument = 256 << 20

func mediaType(path string) string {
	for suffix, media := range map[string]string{
		".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".txt": "text/plain", ".md": "text/markdown",
		".csv": "text/csv", ".json": "application/json", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	} {
		if strings.HasSuffix(strings.ToLower(path), suffix) {
			return media
		}
	}
	return "application/octet-stream"
}

// Redact seals a copy of a record with parts taken out. It names its original,
// which stays sealed; what is handed on is the copy.
func (p *Program) Redact(ctx context.Context, index int64, copyPath, why string) (audit.Record, error) {
	rec, err := p.Store.Record(ctx, index)
	if err != nil {
		return audit.Record{}, err
	}
	if strings.TrimSpace(why) == "" {
		return audit.Record{}, fmt.Errorf("%w: a redaction says what was taken out and why", audit.ErrInvalid)
	}
	body, err := os.ReadFile(copyPath)
	if err != nil {
		return audit.Record{}, fmt.Errorf("%w: %w", audit.ErrNotFound, err)
	}
	recs, err := p.Seal.Seal(ctx, evidence.Draft{
		Kind: audit.RecordRedaction, Source: rec.Source, Scope: rec.Scope, Media: rec.Media, About: rec.About, Body: body,
		Detail: map[string]any{"original": index, "originalDigest": rec.Digest, "why": why}, Actor: p.Actor,
	})
	if err != nil {
		return audit.Record{}, err
	}
	return recs[0], nil
}

// Records lists sealed records.
func (p *Program) Records(ctx context.Context, f store.RecordFilter, yield func(audit.Record) error) error {
	return p.Store.Records(ctx, f, yield)
}
