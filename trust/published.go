package trust

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

var (
	publicTakers = map[string]taker{"trust.publish": publish, "trust.unpublish": unpublish}
	termsTakers  = map[string]taker{"nda.set": setTerms}
)

type publishData struct {
	Report string `json:"report"`
}

// Publish has the public page speak of a report: by its digest, so that another one
// of the same engagement is spoken of only when somebody says so. It needs
// trust.publish. That the report is in force the caller looked up.
func (b *Book) Publish(ctx context.Context, by access.Subject, engagement, report string) error {
	if err := access.Require(by, "trust.publish", access.Object{}); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "trust.publish", "publication:"+engagement, book.Anyway, publishData{report})
	return err
}

func publish(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[publishData](e)
	id, oerr := on(e, "publication")
	if err = book.First(err, oerr, book.OneLine("engagement", id, 1), book.Digest("report", d.Report), byPerson(e)); err != nil {
		return book.Change{}, err
	}
	if p := s.Published[id]; p != nil && p.Report == d.Report {
		return book.Change{}, book.TooEarly("the report of %s is published already", id)
	}
	return book.Change{What: "published: everybody may know that it exists", Do: func() {
		s.Published[id] = &Publication{id, d.Report, e.By.Name, e.At}
	}}, nil
}

// Unpublish takes a report off the public page. It needs trust.publish.
func (b *Book) Unpublish(ctx context.Context, by access.Subject, engagement string) error {
	if err := access.Require(by, "trust.publish", access.Object{}); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "trust.unpublish", "publication:"+engagement, book.Anyway, struct{}{})
	return err
}

func unpublish(s *State, e book.Entry) (book.Change, error) {
	id, err := on(e, "publication")
	if err = book.First(err, byPerson(e)); err != nil {
		return book.Change{}, err
	}
	if s.Published[id] == nil {
		return book.Change{}, fmt.Errorf("%w: nothing of %s is published", audit.ErrNotFound, id)
	}
	return book.Change{What: "not published any more", Do: func() { delete(s.Published, id) }}, nil
}

// Terms are the text an outsider agrees to before they see a report of restricted
// use.
type Terms struct {
	Version int    // 1, 2, 3 ...
	Text    string // Markdown
	Digest  string // SHA-256 of Text, hex
	By      string
	At      time.Time
}

// DigestOf is the digest of a text of terms: SHA-256 of its bytes, hex.
func DigestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

const termsObject = "terms:access"

type termsData struct {
	Version int    `json:"version"`
	Text    string `json:"text"`
}

// SetTerms puts a new version of the terms in force and returns it. Who agreed to an
// earlier one stays bound by that; who has not agreed yet is shown this one. It needs
// trust.publish. revision is that of the terms as they were opened.
func (b *Book) SetTerms(ctx context.Context, by access.Subject, text string, revision int64) (out Terms, err error) {
	if err := access.Require(by, "trust.publish", access.Object{}); err != nil {
		return out, err
	}
	if _, err := b.book.Write(ctx, by, "nda.set", termsObject, revision, termsData{int(revision) + 1, text}); err != nil {
		return out, err
	}
	err = b.Read(ctx, func(s *State) error { out = *s.Terms; return nil })
	return out, err
}

func setTerms(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[termsData](e)
	if err = book.First(err, book.Text("text", d.Text, 40, 60_000), byPerson(e), book.When(e.On != termsObject, "terms are on "+termsObject),
		book.When(d.Version != len(s.History(termsObject))+1, "version: versions are counted from 1 without a gap")); err != nil {
		return book.Change{}, err
	}
	t := Terms{Version: d.Version, Text: d.Text, Digest: DigestOf(d.Text), By: e.By.Name, At: e.At}
	if s.Terms != nil && s.Terms.Digest == t.Digest {
		return book.Change{}, book.TooEarly("these are the terms that are in force already")
	}
	return book.Change{What: fmt.Sprintf("version %d of the terms of access", t.Version), Do: func() { s.Terms, s.Texts[t.Digest] = &t, &t }}, nil
}
