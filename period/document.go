package period

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tieout/audit"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/program"
)

// A Document is a file a person adds as evidence. What it is about, and of when
// it is, the person states; nothing in the file itself is believed or opened.
type Document struct {
	ID       string // of its record: sealed under it once, however often it is added; "": a new one
	Title    string // what it is
	File     string // its name, for whoever takes it out again
	Controls []string
	Task     string     // task it was added for; "": none
	About    audit.Span // the stretch it is about
	Modified time.Time  // of the file, as its machine says; zero: not known
	Body     []byte
	Stated   Stated            // where it came from, in the words of who adds it
	Via      map[string]string // what the log says of who added it beside their name: access.Subject.Facts
}

// SealDocument seals a document as it is and returns its record: about what the
// person states, collected and recorded now. by has been asked before. An
// archive is one document; nothing is unpacked.
func (p *Program) SealDocument(ctx context.Context, by audit.Actor, d Document) (audit.Record, error) {
	if err := p.checkDocument(&d); err != nil {
		return audit.Record{}, err
	}
	detail := map[string]any{"title": d.Title, "file": d.File, "controls": append([]string{}, d.Controls...)}
	if d.Task != "" {
		detail["task"] = d.Task
	}
	if !d.Modified.IsZero() {
		detail["modified"] = audit.FormatTime(d.Modified)
	}
	if !d.Stated.empty() {
		detail["stated"] = d.Stated
	}
	for name, v := range d.Via {
		detail[name] = v
	}
	draft := evidence.Draft{ID: d.ID, Kind: audit.RecordDocument, Media: mediaOf(d.File, d.Body), About: d.About, Collected: p.Now(), Body: d.Body, Detail: detail, Actor: by}
	if d.ID != "" {
		return p.sealDocumentOnce(ctx, draft)
	}
	recs, err := p.Seal.Seal(ctx, draft)
	if err != nil {
		return audit.Record{}, err
	}
	return recs[0], nil
}

// sealDocumentOnce seals a document whose record has an ID. Where that ID is
// another document's, or says something else of it, it is program.ErrKeyUsed.
func (p *Program) sealDocumentOnce(ctx context.Context, draft evidence.Draft) (audit.Record, error) {
	index, err := p.Seal.SealOnce(ctx, draft)
	if err != nil {
		return audit.Record{}, err
	}
	rec, err := p.Store.Record(ctx, index)
	if err != nil {
		return rec, err
	}
	alike, err := saysAlike(rec.Detail, draft.Detail)
	if err != nil {
		return rec, err
	}
	sum := sha256.Sum256(draft.Body)
	same := rec.Kind == draft.Kind && rec.Digest == "sha256:"+hex.EncodeToString(sum[:]) && alike &&
		rec.About.From.Equal(draft.About.From) && rec.About.To.Equal(draft.About.To)
	if !same {
		return rec, program.ErrKeyUsed
	}
	return rec, nil
}

// saysAlike reports whether two details say the same of a document, by whichever
// session and from wherever they were sent.
func saysAlike(sealed json.RawMessage, sent any) (bool, error) {
	raw, err := canonical.Marshal(sent)
	if err != nil {
		return false, err
	}
	var a, b map[string]any
	if err := errors.Join(json.Unmarshal(sealed, &a), json.Unmarshal(raw, &b)); err != nil {
		return false, fmt.Errorf("%w: detail of a document: %w", audit.ErrAltered, err)
	}
	for _, name := range []string{"session", "token", "address"} {
		delete(a, name)
		delete(b, name)
	}
	return reflect.DeepEqual(a, b), nil
}

func (p *Program) checkDocument(d *Document) error {
	d.Title, d.File = strings.TrimSpace(d.Title), strings.TrimSpace(d.File)
	switch {
	case len(d.Body) == 0:
		return fmt.Errorf("%w: the file is empty; nothing is sealed", audit.ErrInvalid)
	case len(d.Body) > maxDocument:
		return fmt.Errorf("%w: %s has %d bytes; at most %d are taken as one document", audit.ErrInvalid, d.File, len(d.Body), maxDocument)
	case d.About.Empty():
		return fmt.Errorf("%w: say of which days the document is: the day it was added is another fact", audit.ErrInvalid)
	case d.About.From.After(p.Now()):
		return fmt.Errorf("%w: what a document is about cannot begin in the future", audit.ErrInvalid)
	}
	for name, s := range map[string]string{"title": d.Title, "name of the file": d.File, "task": d.Task} {
		if utf8.RuneCountInString(s) > 300 || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			return fmt.Errorf("%w: the %s is longer than 300 characters, or holds some that cannot be shown", audit.ErrInvalid, name)
		}
	}
	if err := d.Stated.check(); err != nil {
		return err
	}
	for _, c := range d.Controls {
		if !p.knows(c) {
			return fmt.Errorf("%w: control %q; see 'tieout control list'", audit.ErrNotFound, c)
		}
	}
	return nil
}

// mediaOf is what a document's bytes look like, and where they tell nothing what
// its name says. It is a hint for readers and never what is served by.
func mediaOf(name string, body []byte) string {
	seen, _, _ := strings.Cut(http.DetectContentType(body), ";")
	switch named := mediaType(name); {
	case seen == "application/pdf" || strings.HasPrefix(seen, "image/"):
		return seen
	case seen == "text/plain" && strings.HasPrefix(named, "text/"), seen == "application/zip" && strings.HasSuffix(named, ".sheet"), seen == "text/plain" && named == "application/json":
		return named
	case seen == "text/plain", seen == "application/zip":
		return seen
	}
	return "application/octet-stream"
}
