package fieldwork

import (
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
	"tieout/engagement"
	"tieout/internal/canonical"
)

var paperTakers = map[string]taker{
	"paper.open": openPaper, "paper.extend": extendPaper, "paper.item": openItems, "paper.attach": attach,
	"cell.mark": markCell, "paper.marks": markMany,
}

// Limits of one entry.
const (
	maxCells   = 2000
	maxRecords = 200
)

type paperData struct {
	Sample string `json:"sample"` // "": the test has no items
	Empty  string `json:"empty"`  // population without an item
}

// OpenPaper opens the workpaper of a test. sample is the draw its rows come from,
// released or not. Where the population holds no item, it is "" and empty names
// that population: the one row is where its emptiness is proved. Of a test
// without items both are "". It needs test.mark.
func (b *Book) OpenPaper(ctx context.Context, by access.Subject, id, test, sample, empty string) error {
	return b.act(ctx, by, "test.mark", "paper.open", on("paper", id, test), 0, paperData{sample, empty})
}

// act asks for a right on an engagement and writes an entry.
func (b *Book) act(ctx context.Context, by access.Subject, right access.PermissionID, kind, on string, base int64, data any) error {
	_, rest, _ := strings.Cut(on, ":")
	id, _, _ := strings.Cut(rest, "/")
	if err := access.Require(by, right, in(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, kind, on, base, data)
	return err
}

func openPaper(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[paperData](e)
	f, id, ferr := s.on(e, "paper")
	if err = first(err, ferr, byPerson(e)); err != nil {
		return book.Change{}, err
	}
	test := f.Tests[id]
	g := &ground{s: s, f: f, e: e, test: test, sample: d.Sample, empty: d.Empty}
	if err := first(f.MayWork(e), g.hold("paper.open")); err != nil {
		return book.Change{}, err
	}
	rows := []string{""}
	if d.Sample != "" {
		rows = slices.Clone(f.Samples[d.Sample].Items)
	}
	return book.Change{What: "workpaper is opened: " + count(len(rows), "row"), Do: func() {
		p := &Paper{Test: id, Sample: d.Sample, Empty: d.Empty, Rows: rows, Void: map[string]string{}, Cells: map[Cell]*Marked{},
			Opened: map[string]map[string]time.Time{}, Revealed: map[Cell]*Revealed{}, Opening: Step{e.At, e.By.Name, "opened"}}
		if d.Sample != "" {
			p.Samples = []string{d.Sample}
			p.replaced(f, f.Samples[d.Sample])
		}
		f.Papers[id] = p
	}}, nil
}

// replaced takes over which items of a sample were replaced. One that another of
// the workpaper's samples has, of another population, counts there and stays.
func (p *Paper) replaced(f *File, s *Sample) {
	for _, r := range s.Replaced {
		if !slices.Contains(p.Rows, r.Item) {
			p.Rows = append(p.Rows, r.Item)
		}
		if !slices.ContainsFunc(p.Samples, func(id string) bool { return f.Samples[id] != nil && slices.Contains(f.Samples[id].Items, r.Item) }) {
			p.Void[r.Item] = r.Why
		}
	}
}

type rowsData struct {
	Sample string `json:"sample"`
}

// ExtendPaper adds to a workpaper the rows that a sample has and it has not: an
// extension that was planned, a replacement, or a later round that rolls an
// interim one forward. A preparer's sign-off lapses. It needs test.mark.
func (b *Book) ExtendPaper(ctx context.Context, by access.Subject, id, test, sample string) error {
	return b.act(ctx, by, "test.mark", "paper.extend", on("paper", id, test), book.Anyway, rowsData{sample})
}

func extendPaper(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[rowsData](e)
	f, p, perr := s.paper(e)
	if err = first(err, perr); err != nil {
		return book.Change{}, err
	}
	g := &ground{s: s, f: f, e: e, test: f.Tests[p.Test], paper: p, sample: d.Sample}
	if err := g.hold("paper.extend"); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "rows of sample " + d.Sample + " are added", Do: func() {
		sample := f.Samples[d.Sample]
		for _, item := range sample.Items {
			delete(p.Void, item) // it was retired, or replaced in another sample
			if !slices.Contains(p.Rows, item) {
				p.Rows = append(p.Rows, item)
			}
		}
		if !slices.Contains(p.Samples, d.Sample) {
			p.Samples = append(p.Samples, d.Sample)
		}
		p.replaced(f, sample)
		if p.Empty != "" {
			p.Empty, p.Rows = "", slices.DeleteFunc(p.Rows, func(r string) bool { return r == "" })
		}
		p.Prepared = nil
	}}, nil
}

// paper is the workpaper an entry is on, for one who may work on it while it is
// not signed off.
func (s *State) paper(e book.Entry) (*File, *Paper, error) {
	f, id, err := s.on(e, "paper")
	if err != nil {
		return nil, nil, err
	}
	id, _, _ = strings.Cut(id, "/")
	p := f.Papers[id]
	if p == nil {
		return f, nil, fmt.Errorf("%w: test %s has no workpaper yet", audit.ErrNotFound, id)
	}
	return f, p, first(byPerson(e), f.MayWork(e), p.writable())
}

// writable refuses changes of what a reviewer signed off.
func (p *Paper) writable() error {
	if p.Reviewed != nil {
		return tooEarly("version %d of the workpaper of %s is signed off. Reopen it with a reason before you change it", p.Version, p.Test)
	}
	return nil
}

type itemsData struct {
	Items []string `json:"items"`
}

// OpenItem records that a person opened items of a workpaper and has their
// evidence before them. It needs test.mark.
func (b *Book) OpenItem(ctx context.Context, by access.Subject, id, test string, items ...string) error {
	return b.act(ctx, by, "test.mark", "paper.item", on("paper", id, test), book.Anyway, itemsData{book.List(items)})
}

func openItems(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[itemsData](e)
	_, p, perr := s.paper(e)
	if err = first(err, perr, within("items", len(d.Items), 1, maxCells)); err != nil {
		return book.Change{}, err
	}
	for _, item := range d.Items {
		if !slices.Contains(p.Rows, item) {
			return book.Change{}, fmt.Errorf("%w: item %q is no row of the workpaper of %s", audit.ErrNotFound, item, p.Test)
		}
	}
	return book.Change{What: "opened " + count(len(d.Items), "item"), Do: func() {
		mine := p.Opened[e.By.Name]
		if mine == nil {
			mine = map[string]time.Time{}
			p.Opened[e.By.Name] = mine
		}
		for _, item := range d.Items {
			if mine[item].IsZero() {
				mine[item] = e.At
			}
		}
	}}, nil
}

// A Verdict is what a tester says of a cell.
type Verdict struct {
	Mark     engagement.Mark `json:"mark"`
	Note     string          `json:"note"`     // needed for Not applicable and Unable to test: the reason
	Evidence []int64         `json:"evidence"` // records of the client's log
	Why      string          `json:"why"`      // of a change
}

func (v Verdict) check() error {
	err := allOf(book.OneOf("mark", v.Mark, engagement.ToTest, engagement.NoException, engagement.Exception, engagement.NotApplicable, engagement.UnableToTest),
		text("note", v.Note, 0, maxText), text("why", v.Why, 0, 2000), records(v.Evidence))
	if (v.Mark == engagement.NotApplicable || v.Mark == engagement.UnableToTest) && strings.TrimSpace(v.Note) == "" {
		err = allOf(err, when(true, "note: "+string(v.Mark)+" needs its reason"))
	}
	if v.Mark == engagement.Exception && strings.TrimSpace(v.Note) == "" {
		err = allOf(err, when(true, "note: say what the exception is"))
	}
	return err
}

// records checks records of the client's log that a mark rests on.
func records(list []int64) error {
	err := within("evidence", len(list), 0, maxRecords)
	for _, r := range list {
		err = first(err, when(r < 0, "evidence: records of the client's log have numbers from 0 on"))
	}
	return err
}

// CellOn names a cell in entries: its Base is State.Revision of that.
func CellOn(id, test string, c Cell) string { return on("cell", id, test, c.Item, c.Attribute) }

// Mark marks one cell. base is its revision as it was seen: who marks a cell that
// somebody else marked meanwhile gets audit.ErrConflict, and two people on two
// cells never do. The earlier mark of a cell is kept, and a change says why. It
// needs test.mark.
func (b *Book) Mark(ctx context.Context, by access.Subject, id, test string, c Cell, v Verdict, base int64) error {
	v.Evidence = book.List(v.Evidence)
	return b.act(ctx, by, "test.mark", "cell.mark", CellOn(id, test, c), base, v)
}

func markCell(s *State, e book.Entry) (book.Change, error) {
	v, err := book.Data[Verdict](e)
	f, inner, ferr := s.on(e, "cell")
	if err = first(err, ferr, byPerson(e)); err != nil {
		return book.Change{}, err
	}
	test, rest, _ := strings.Cut(inner, "/")
	slash := strings.LastIndexByte(rest, '/')
	p := f.Papers[test]
	if p == nil || slash < 0 {
		return book.Change{}, fmt.Errorf("%w: %s is no cell of a workpaper", audit.ErrNotFound, e.On)
	}
	c := Cell{rest[:slash], rest[slash+1:]}
	if err := first(f.MayWork(e), p.writable(), v.check(), p.takes(f, c, v)); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "marked: " + string(v.Mark), Do: func() { p.mark(c, v, e, false) }}, nil
}

// takes refuses a mark of a cell that is none, and a change that says nothing.
func (p *Paper) takes(f *File, c Cell, v Verdict) error {
	switch m := p.Cells[c]; {
	case !slices.Contains(p.Rows, c.Item):
		return fmt.Errorf("%w: item %q is no row of the workpaper of %s", audit.ErrNotFound, c.Item, p.Test)
	case p.Void[c.Item] != "":
		return tooEarly("item %q was replaced in the sample: %s", c.Item, p.Void[c.Item])
	case !slices.ContainsFunc(attributes(f.Tests[p.Test]), func(a engagement.Attribute) bool { return a.Name == c.Attribute }):
		return fmt.Errorf("%w: test %s has no attribute %q", audit.ErrNotFound, p.Test, c.Attribute)
	case m == nil && v.Mark == engagement.ToTest:
		return fmt.Errorf("%w: the cell is to be tested already", audit.ErrInvalid)
	case m != nil && strings.TrimSpace(v.Why) == "":
		return fmt.Errorf("%w: why: the cell is marked %s by %s; say why that changes", audit.ErrInvalid, m.Mark, m.By)
	}
	return nil
}

// attributes of a test: one that names none has one, its text.
func attributes(t *Test) []engagement.Attribute {
	switch {
	case t == nil:
		return nil
	case len(t.Attributes) == 0:
		return []engagement.Attribute{{Name: "A", Text: t.Text}}
	}
	return t.Attributes
}

// mark keeps a mark with those before it. A preparer's sign-off lapses.
func (p *Paper) mark(c Cell, v Verdict, e book.Entry, bulk bool) {
	m := Marked{Mark: v.Mark, Note: v.Note, Evidence: v.Evidence, Why: v.Why, By: e.By.Name, At: e.At, Record: e.Record, Bulk: bulk}
	if was := p.Cells[c]; was != nil {
		before := *was
		before.Earlier = nil
		m.Earlier = append(slices.Clone(was.Earlier), before)
	}
	p.Cells[c], p.Prepared = &m, nil
}

type manyData struct {
	Verdict
	Cells []manyCell `json:"cells"`
}

type manyCell struct {
	Item      string  `json:"item"`
	Attribute string  `json:"attribute"`
	Base      int64   `json:"base"`
	Evidence  []int64 `json:"evidence,omitempty"` // of this cell; none: the entry's
}

// A Seen is a cell with its revision as it was seen, and the records of the
// client's log that were looked at for it; without such they are the verdict's.
type Seen struct {
	Cell
	Base     int64
	Evidence []int64
}

// MarkMany marks cells alike, in one entry: all of them or, where one of them
// changed since it was seen, none. It marks only items the same person opened
// before. It needs test.mark.
func (b *Book) MarkMany(ctx context.Context, by access.Subject, id, test string, cells []Seen, v Verdict) error {
	v.Evidence = book.List(v.Evidence)
	d := manyData{Verdict: v, Cells: []manyCell{}}
	for _, c := range cells {
		d.Cells = append(d.Cells, manyCell{c.Item, c.Attribute, c.Base, c.Evidence})
	}
	return b.act(ctx, by, "test.mark", "paper.marks", on("paper", id, test), book.Anyway, d)
}

func markMany(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[manyData](e)
	f, p, perr := s.paper(e)
	if err = first(err, perr, d.check(), within("cells", len(d.Cells), 1, maxCells)); err != nil {
		return book.Change{}, err
	}
	seen := map[Cell]bool{}
	for _, x := range d.Cells {
		c := Cell{x.Item, x.Attribute}
		if err := first(when(seen[c], "cells: a cell is named twice"), records(x.Evidence), p.takes(f, c, d.Verdict), unchanged(s, CellOn(f.Terms.ID, p.Test, c), x.Base), p.openedBy(e.By.Name, c)); err != nil {
			return book.Change{}, err
		}
		seen[c] = true
	}
	return book.Change{What: "marked " + count(len(d.Cells), "cell") + ": " + string(d.Mark), Do: func() {
		for _, x := range d.Cells {
			c, v := Cell{x.Item, x.Attribute}, d.Verdict
			if len(x.Evidence) > 0 {
				v.Evidence = x.Evidence
			}
			p.mark(c, v, e, true)
			s.Also(CellOn(f.Terms.ID, p.Test, c), e, "marked: "+string(d.Mark))
		}
	}}, nil
}

// unchanged refuses what was decided on a state of an object that is not the
// newest.
func unchanged(s *State, on string, base int64) error {
	if have := s.Revision(on); have != base {
		return tooEarly("%s has changed since you opened it (%d changes, you had seen %d). Look at it again and repeat what is still right", on, have, base)
	}
	return nil
}

// openedBy refuses to mark an item, with others at once, that the same person did
// not open.
func (p *Paper) openedBy(who string, c Cell) error {
	if p.Opened[who][c.Item].IsZero() && c.Item != "" {
		return tooEarly("you have not opened item %q: only items you opened can be marked together", c.Item)
	}
	return nil
}

type attachData struct {
	Name   string `json:"name"`
	Media  string `json:"media"`
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
}

// Attach adds a file of the auditor's own to a workpaper: the caller has put its
// bytes among the firm's blobs. It needs test.mark.
func (b *Book) Attach(ctx context.Context, by access.Subject, id, test string, a Attachment) error {
	if err := access.Require(by, "test.mark", in(id)); err != nil {
		return err
	}
	if err := b.haveBlob(ctx, a.Name, a.Digest); err != nil {
		return err
	}
	return b.act(ctx, by, "test.mark", "paper.attach", on("paper", id, test), book.Anyway, attachData{a.Name, a.Media, a.Digest, a.Size})
}

func attach(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[attachData](e)
	_, p, perr := s.paper(e)
	if err = first(err, perr, line("name", d.Name, 1), line("media", d.Media, 1), digest("digest", d.Digest), when(d.Size < 0, "size: bytes of the file"),
		within("attachments", len(p.attachedTo())+1, 1, 1000)); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "attached: " + d.Name, Do: func() {
		p.Attached, p.Prepared = append(p.Attached, Attachment{d.Name, d.Media, d.Digest, d.Size, e.By.Name, e.At}), nil
	}}, nil
}

func (p *Paper) attachedTo() []Attachment {
	if p == nil {
		return nil
	}
	return p.Attached
}

// Untested are the cells without a result, in the order of rows and attributes.
func (p *Paper) Untested(t *Test) (out []Cell) {
	for _, c := range p.cells(t) {
		if m := p.Cells[c]; m == nil || m.Mark == engagement.ToTest {
			out = append(out, c)
		}
	}
	return out
}

// Excepted are the cells marked Exception, in the order of rows and attributes.
func (p *Paper) Excepted(t *Test) (out []Cell) {
	for _, c := range p.cells(t) {
		if m := p.Cells[c]; m != nil && m.Mark == engagement.Exception {
			out = append(out, c)
		}
	}
	return out
}

// cells are all of a workpaper but those of replaced items.
func (p *Paper) cells(t *Test) (out []Cell) {
	if p == nil {
		return nil
	}
	for _, row := range p.Rows {
		if p.Void[row] != "" {
			continue
		}
		for _, a := range attributes(t) {
			out = append(out, Cell{row, a.Name})
		}
	}
	return out
}

// PaperDigest is SHA-256 over the canonical JSON of a workpaper with the test it
// is of, hex: what preparer and reviewer sign. It is "" where there is none.
func (f *File) PaperDigest(test string) string {
	p, t := f.Papers[test], f.Tests[test]
	if p == nil || t == nil {
		return ""
	}
	return digestOf(p.form(t))
}

// digestOf is SHA-256 over v's canonical JSON, hex. v is made of texts, whole
// numbers, instants and lists, so that it always has one.
func digestOf(v any) string {
	b, err := canonical.Marshal(v)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
