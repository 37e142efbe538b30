package fieldwork

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/internal/canonical"
)

var archiveTakers = map[string]taker{"archive.assemble": assemble, "archive.lock": lockArchive, "archive.add": addToArchive}

// AssemblyDays is how long after the report's release the file may still be put
// in order, as auditing standards have it; shown as a clock, and stopping nobody.
const AssemblyDays = 60

// LockDue is when the file of an issued report is to be locked; the zero time
// before it is issued.
func (f *File) LockDue() time.Time {
	if f.latest() == nil {
		return time.Time{}
	}
	return f.latest().At.In(f.location()).AddDate(0, 0, AssemblyDays)
}

// A Document is one of an assembled file.
type Document struct {
	Name   string `json:"name"`   // "papers/T-1.json"
	Digest string `json:"digest"` // SHA-256 of its bytes, hex

	body []byte // of a document of the file itself
	blob string // of one that lies among the firm's blobs
}

// An Index is everything in a file, in order: terms and acceptance, planning,
// populations and draws, workpapers, what was concluded, what the client gave, the
// report, and the course of it all.
type Index []Document

// Digest is SHA-256 over the canonical JSON of the index, hex.
func (x Index) Digest() string { return digestOf([]Document(x)) }

// Index is the index of a file as it is now, without what happened to its archive.
func (s *State) Index(f *File) (Index, error) {
	var out Index
	for _, d := range f.documents() {
		body, err := canonical.Marshal(d.value)
		if err != nil {
			return nil, fmt.Errorf("%w: %s of %s: %w", audit.ErrInvalid, d.name, f.Terms.ID, err)
		}
		sum := sha256.Sum256(body)
		out = append(out, Document{Name: d.name + ".json", Digest: hex.EncodeToString(sum[:]), body: body})
	}
	return append(out, f.blobs()...), nil
}

// A piece is one document that is made of the state.
type piece struct {
	name  string
	value any
}

// documents are the members made of the state, in their order.
func (f *File) documents() []piece {
	out := []piece{{"terms", f.Terms}, {"acceptance", f.Accepted}, {"agreed", f.Agreed}, {"independence", f.Independence}, {"team", f.Team},
		{"controls", f.Controls}, {"plan", f.Plan}}
	out = append(out, each("tests", f.Tests)...)
	out = append(out, each("requests", f.Requests)...)
	out = append(out, each("populations", f.Populations)...)
	out = append(out, each("commitments", f.Commitments)...)
	out = append(out, each("samples", f.Samples)...)
	for _, p := range book.Sorted(f.Papers) {
		out = append(out, piece{"papers/" + p.Test, f.archived(p)})
	}
	out = append(out, each("known", f.Known)...)
	out = append(out, each("findings", f.Findings)...)
	out = append(out, each("notes", f.Notes)...)
	out = append(out, each("conclusions", f.Concluded)...)
	for _, o := range sortedParts(f) {
		out = append(out, piece{"opinions/" + string(o.Part), o})
	}
	out = append(out, piece{"quality", f.Quality}, piece{"inquiries", f.Inquiries})
	out = append(out, each("events", f.Events)...)
	out = append(out, piece{"description", f.Description}, piece{"assertions", f.Assertions}, piece{"representations", f.Representations},
		piece{"drafts", f.Drafts}, piece{"comments", f.Comments}, piece{"issues", f.Issues}, piece{"copies", book.List(f.Copies)}, piece{"steps", f.TheirSteps}, piece{"looked", f.Looked})
	return append(out, piece{"course", f.courseOfWork()})
}

func each[T any](folder string, m map[string]T) (out []piece) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		out = append(out, piece{folder + "/" + strings.ReplaceAll(k, "/", "_"), m[k]})
	}
	return out
}

// An ArchivedPaper is a workpaper with its sign-offs and who opened what.
type ArchivedPaper struct {
	Paper    PaperForm                       `json:"paper"`
	Prepared *Signed                         `json:"prepared"`
	Reviewed *Signed                         `json:"reviewed"`
	Opening  Step                            `json:"opening"`
	Opened   map[string]map[string]time.Time `json:"opened"`
}

func (f *File) archived(p *Paper) ArchivedPaper {
	out := ArchivedPaper{Prepared: p.Prepared, Reviewed: p.Reviewed, Opening: p.Opening, Opened: p.Opened}
	if t := f.Tests[p.Test]; t != nil {
		out.Paper = p.form(t)
	}
	return out
}

// courseOfWork is the course without what was done with the archive.
func (f *File) courseOfWork() []Turn {
	return slices.DeleteFunc(slices.Clone(book.List(f.Course)), func(t Turn) bool { return strings.HasPrefix(t.Kind, "archive.") })
}

// blobs are the members that lie among the firm's blobs: item lines of
// populations, attachments, files of reports.
func (f *File) blobs() (out []Document) {
	for _, p := range book.Sorted(f.Populations) {
		out = append(out, Document{Name: "items/" + p.ID + ".jsonl", Digest: p.Digest, blob: p.Items})
	}
	for _, p := range book.Sorted(f.Papers) {
		for i, a := range p.Attached {
			out = append(out, Document{Name: fmt.Sprintf("attached/%s/%d-%s", p.Test, i+1, strings.ReplaceAll(a.Name, "/", "_")), Digest: a.Digest, blob: blobName(a.Digest)})
		}
	}
	for i, issue := range f.Issues {
		for _, x := range issue.Digests {
			out = append(out, Document{Name: fmt.Sprintf("report/%d/%s", i+1, strings.ReplaceAll(x.Name, "/", "_")), Digest: x.Digest, blob: blobName(x.Digest)})
		}
	}
	return out
}

// blobName is the name of a blob by the SHA-256 of its bytes.
func blobName(digest string) string { return "sha256:" + digest }

// haveBlob refuses a file that was not put among the firm's blobs before.
func (b *Book) haveBlob(ctx context.Context, name, sum string) error {
	if err := digest(name, sum); err != nil {
		return err
	}
	ok, err := b.seal.Blobs.Has(ctx, blobName(sum))
	if err == nil && !ok {
		err = fmt.Errorf("%w: %s is not among the firm's files (SHA-256 %s). Put its bytes in first", audit.ErrNotFound, name, sum)
	}
	return err
}

type assembleData struct {
	Digest  string `json:"digest"`
	Members int    `json:"members"`
}

// Assemble puts the file of an issued report together: an index of everything in
// it, each with its digest, whose documents are kept among the firm's blobs as they
// are now. It needs file.assemble. It can be repeated until the file is locked.
func (b *Book) Assemble(ctx context.Context, by access.Subject, id string) (Index, error) {
	if err := access.Require(by, "file.assemble", in(id)); err != nil {
		return nil, err
	}
	var index Index
	err := b.ReadFile(ctx, id, func(s *State, f *File) (err error) {
		index, err = s.Index(f)
		return err
	})
	if err == nil {
		err = b.keep(ctx, index)
	}
	if err != nil {
		return nil, err
	}
	return index, b.act(ctx, by, "file.assemble", "archive.assemble", on("archive", id), book.Anyway, assembleData{index.Digest(), len(index)})
}

// keep puts an index and the documents that are made of the state among the firm's
// blobs, so that a locked file is written from what was locked, whatever happens
// to the engagement afterwards.
func (b *Book) keep(ctx context.Context, index Index) error {
	list, err := canonical.Marshal([]Document(index))
	if err != nil {
		return err
	}
	for _, d := range append(slices.Clone(index), Document{Name: "index", body: list}) {
		if d.blob != "" {
			continue
		}
		if _, _, err := b.seal.Blobs.Put(ctx, bytes.NewReader(d.body)); err != nil {
			return fmt.Errorf("document %s: %w", d.Name, err)
		}
	}
	return nil
}

// archiveOf is the file whose archive an entry is on, for one of its team.
func (s *State) archiveOf(e book.Entry) (*File, error) {
	f, _, err := s.on(e, "archive")
	if err = first(err, byPerson(e)); err != nil {
		return f, err
	}
	g := &ground{s: s, f: f, e: e}
	return f, first(f.member(e), g.hold(e.Kind))
}

func assemble(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[assembleData](e)
	f, aerr := s.archiveOf(e)
	if err = first(err, aerr, digest("digest", d.Digest)); err != nil {
		return book.Change{}, err
	}
	index, err := s.Index(f)
	if err != nil {
		return book.Change{}, err
	}
	if index.Digest() != d.Digest || len(index) != d.Members {
		return book.Change{}, tooEarly("the file of %s has changed since its index was made. Assemble it again", f.Terms.ID)
	}
	return book.Change{What: "assembled: " + count(d.Members, "document"), Do: func() {
		f.Archive = &Archive{Digest: d.Digest, Members: d.Members, Assembled: e.At, By: e.By.Name}
	}}, nil
}

// Lock locks an assembled file: nothing of it changes any more, and what is added
// later stands beside it with who, when and why. It needs file.assemble.
func (b *Book) Lock(ctx context.Context, by access.Subject, id string) error {
	return b.act(ctx, by, "file.assemble", "archive.lock", on("archive", id), book.Anyway, struct{}{})
}

func lockArchive(s *State, e book.Entry) (book.Change, error) {
	_, err := book.Data[struct{}](e)
	f, aerr := s.archiveOf(e)
	if err = first(err, aerr); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "locked", Do: func() { f.Archive.Locked, f.Archive.LockedBy, f.Archive.Record = e.At, e.By.Name, e.Record }}, nil
}

type additionData struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
	Why    string `json:"why"`
}

// AddToArchive adds a document to a locked file, with the reason; the caller has
// put its bytes among the firm's blobs. It needs file.assemble.
func (b *Book) AddToArchive(ctx context.Context, by access.Subject, id, name, sum string, size int64, why string) error {
	if err := access.Require(by, "file.assemble", in(id)); err != nil {
		return err
	}
	if err := b.haveBlob(ctx, name, sum); err != nil {
		return err
	}
	return b.act(ctx, by, "file.assemble", "archive.add", on("archive", id), book.Anyway, additionData{name, sum, size, why})
}

func addToArchive(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[additionData](e)
	f, aerr := s.archiveOf(e)
	if err = first(err, aerr, line("name", d.Name, 1), digest("digest", d.Digest), text("why", d.Why, 1, maxText), when(d.Size <= 0, "size: bytes of the document")); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "added after the lock: " + d.Name + ": " + d.Why, Do: func() {
		f.Archive.Added = append(f.Archive.Added, Addition{d.Name, d.Digest, d.Size, d.Why, e.By.Name, e.At})
	}}, nil
}

// after keeps an entry in the course of its file, once it has done what it does.
func (s *State) after(e book.Entry, c book.Change) book.Change {
	do := c.Do
	c.Do = func() {
		do()
		id, _, _ := strings.Cut(e.Of(), "/")
		if f := s.Files[id]; f != nil {
			sum := sha256.Sum256(e.Data)
			f.Course = append(f.Course, Turn{e.Record, e.Kind, e.On, e.At, e.By.Name, c.What, hex.EncodeToString(sum[:])})
		}
	}
	return c
}
