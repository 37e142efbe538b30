package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/source/mapping"
)

// A batch gathers pages until they are worth handing over. A page is looked
// into only once the sink has taken it.
type batch struct {
	*run
	s      *stream
	res    *result // of the group at hand
	kind   string
	pages  []audit.Page
	owners []*result // whose page it is
	size   int
	parts  int          // of the file at hand
	ended  []endedGroup // all their pages are handed over, or wait here
}

// An endedGroup waits for its pages to be taken before its streams are closed.
type endedGroup struct {
	group
	res *result
}

// file seals one file, as one page or, where it is large, as several.
func (b *batch) file(ctx context.Context, f file, g group) error {
	whole := b.s.Kind == "json" || b.s.Kind == "xlsx"
	if whole && f.size > maxPage {
		return unreadableError{fmt.Errorf("%s: the file has %d bytes; %s is read up to %d: split it, or export CSV or JSON Lines", f.path, f.size, b.s.Kind, maxPage)}
	}
	in, err := os.Open(join(b.dir, f.path))
	if err != nil {
		return unreadable(f.path, err)
	}
	defer in.Close()
	b.parts = 0
	if err := b.each(ctx, f, g, &splitter{in: in, limit: maxPage, csv: b.s.Kind == "csv", whole: whole}); err != nil {
		return err
	}
	info, err := in.Stat()
	if err != nil {
		return unreadable(f.path, err)
	}
	if info.Size() != f.size || !audit.Instant(info.ModTime()).Equal(f.modified) {
		return unreadableError{fmt.Errorf("%s: it changed while it was read", f.path)}
	}
	return nil
}

func (b *batch) each(ctx context.Context, f file, g group, sp *splitter) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		body, line, err := sp.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable(f.path, err)
		}
		b.res.several = b.res.several || sp.parts > 1
		if f.digests != nil && (b.parts >= len(f.digests) || f.digests[b.parts] != sha256.Sum256(body)) {
			return unreadableError{fmt.Errorf("%s: it changed between two readings", f.path)}
		}
		b.parts++
		if err := b.add(ctx, f, g, body, line); err != nil {
			return err
		}
	}
}

func (b *batch) add(ctx context.Context, f file, g group, body []byte, line int) error {
	r := ref{path: f.path, zone: b.w.Zone, line: line}
	if b.s.Mode != audit.ModeSnapshot {
		r.about = g.about
	}
	b.pages = append(b.pages, audit.Page{Source: b.source, Kind: b.kind, Scope: g.scope, Query: r.String(),
		Media: b.s.Media(), Body: body, About: g.about, Collected: b.w.AsOf})
	b.owners = append(b.owners, b.res)
	b.size += len(body)
	if len(b.pages) >= batchFiles || b.size >= batchBytes {
		return b.flush(ctx)
	}
	return nil
}

// flush hands the pages over and, once they are sealed, looks into them.
func (b *batch) flush(ctx context.Context) error {
	if len(b.pages) > 0 {
		if err := b.sink.Page(ctx, b.pages...); err != nil {
			return err
		}
	}
	for i := range b.pages {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.owners[i].take(&b.pages[i])
	}
	b.pages, b.owners, b.size = nil, nil, 0
	ended := b.ended
	b.ended = nil
	for _, e := range ended {
		if err := b.close(ctx, b.s, e.group, e.res); err != nil {
			return err
		}
	}
	return nil
}

// A splitter cuts a file into pages of at most limit bytes, at ends of rows.
// Every part of a CSV file starts with the header.
type splitter struct {
	in     io.Reader
	limit  int
	csv    bool
	whole  bool // never cut
	parts  int
	header []byte
	rest   []byte // read and not handed out yet
	line   int    // of the file that rest starts on
	eof    bool
}

// next returns the next part and the line of the file its first data row
// stands on; io.EOF at the end. An empty file is one empty part.
func (sp *splitter) next() (body []byte, line int, err error) {
	if sp.eof && (len(sp.rest) == 0 && sp.parts > 0) {
		return nil, 0, io.EOF
	}
	if err := sp.fill(); err != nil {
		return nil, 0, err
	}
	if sp.parts == 0 {
		sp.line = 1
	}
	cut := len(sp.rest)
	if !sp.eof {
		if sp.whole {
			return nil, 0, fmt.Errorf("it grew beyond %d bytes while it was read", sp.limit)
		}
		if cut = sp.rowEnd(sp.rest); cut == 0 {
			return nil, 0, fmt.Errorf("the row in line %d is longer than %d bytes", sp.line, sp.limit)
		}
	}
	part := sp.rest[:cut]
	body, line = sp.withHeader(part)
	sp.parts++
	sp.line += bytes.Count(part, []byte("\n"))
	sp.rest = slices.Clone(sp.rest[cut:])
	return body, line, nil
}

func (sp *splitter) withHeader(part []byte) ([]byte, int) {
	switch {
	case !sp.csv:
		return part, sp.line
	case sp.parts == 0:
		sp.header = slices.Clone(part[:sp.headerEnd(part)])
		return part, 1 + bytes.Count(sp.header, []byte("\n"))
	}
	return append(slices.Clip(sp.header), part...), sp.line
}

// fill reads until limit bytes and one more are there, or the file ends.
func (sp *splitter) fill() error {
	want := sp.limit + 1 - len(sp.rest)
	if sp.eof || want <= 0 {
		return nil
	}
	var buf bytes.Buffer
	buf.Write(sp.rest)
	n, err := io.Copy(&buf, io.LimitReader(sp.in, int64(want)))
	if err != nil {
		return err
	}
	sp.rest = buf.Bytes()
	sp.eof = n < int64(want)
	return nil
}

// rowEnd is the end of the last whole row in b; 0 if there is none.
func (sp *splitter) rowEnd(b []byte) int {
	if !sp.csv {
		return bytes.LastIndexByte(b, '\n') + 1
	}
	end, quoted := 0, false
	for i, c := range b {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n' && !quoted:
			end = i + 1
		}
	}
	return end
}

// headerEnd is the end of the first row that is not empty.
func (sp *splitter) headerEnd(b []byte) int {
	quoted, any := false, false
	for i, c := range b {
		switch {
		case c == '"':
			quoted, any = !quoted, true
		case c == '\n' && !quoted && any:
			return i + 1
		case c != '\n' && c != '\r':
			any = true
		}
	}
	return len(b)
}

// A result is what a group's files showed once they were sealed.
type result struct {
	s       *stream
	prog    *mapping.Program
	pages   int
	rows    int
	several bool // the ids of several pages must differ
	seen    map[string]struct{}
	twice   string
	stated  []int64 // counts at source
	numbers []int64 // of the sequence
	odd     string  // what stands in the sequence and is no number
	found   map[string]bool
	digests [][32]byte
	why     []string
	checks  []audit.Reconciling
}

// take looks into a sealed page.
func (res *result) take(p *audit.Page) {
	res.pages++
	res.note(p.Body)
	columns := res.columns()
	unique := res.several && res.s.Mode != audit.ModeChanges
	res.rows += res.prog.Scan(res.s.Format, columns, p.Body, func(id []byte, texts []string) {
		if unique {
			n := len(res.seen)
			if res.seen[string(id)] = struct{}{}; len(res.seen) == n && res.twice == "" {
				res.twice = string(id)
			}
		}
		res.row(texts)
	})
	if c := res.s.Count; c != nil {
		res.state(p.Body, c.Field)
	}
	if d := res.s.AsOf; d != nil && d.Field != "" {
		text, err := mapping.At(p.Body, d.Field)
		if err != nil {
			res.why = append(res.why, fmt.Sprintf("asOf: %v", err))
		}
		res.find(text)
	}
}

// columns are those a row is looked at for, besides its id.
func (res *result) columns() []string {
	cols := []string{}
	if res.s.Sequence != "" {
		cols = append(cols, res.s.Sequence)
	}
	if d := res.s.AsOf; d != nil && d.Column != "" {
		cols = append(cols, d.Column)
	}
	if c := res.s.Covers; c != nil && c.inside() {
		for _, side := range []string{c.From, c.To} {
			if !isDate(side) {
				cols = append(cols, side)
			}
		}
	}
	return cols
}

func (res *result) row(texts []string) {
	if res.s.Sequence != "" {
		n, err := strconv.ParseInt(texts[0], 10, 64)
		if err != nil && res.odd == "" {
			res.odd = strconv.Quote(texts[0])
		}
		res.numbers = append(res.numbers, n)
		texts = texts[1:]
	}
	if len(texts) > 0 {
		res.find(strings.Join(texts, "\x00"))
	}
}

func (res *result) find(text string) {
	if res.found == nil {
		res.found = map[string]bool{}
	}
	if len(res.found) < 3 {
		res.found[text] = true
	}
}

func (res *result) state(body []byte, field string) {
	text, err := mapping.At(body, field)
	if err != nil {
		res.why = append(res.why, fmt.Sprintf("count: %v", err))
		return
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		res.why = append(res.why, fmt.Sprintf("count: %q is not a number", text))
		return
	}
	res.stated = append(res.stated, n)
}

// finish makes the checks and the reasons of what was seen.
func (res *result) finish() {
	if res.s == nil {
		return
	}
	if res.twice != "" {
		res.why = append(res.why, fmt.Sprintf("the id %q stands in more than one row of these files", res.twice))
	}
	if res.s.Count != nil {
		res.check("count at source", strconv.FormatInt(res.want(), 10), strconv.Itoa(res.rows))
	}
	if res.s.Sequence != "" {
		res.sequence()
	}
}

// want is the number of rows the files state: each its own, or all the same total.
func (res *result) want() int64 {
	sum, same := int64(0), true
	for _, n := range res.stated {
		sum += n
		same = same && n == res.stated[0]
	}
	if same && len(res.stated) > 0 && res.stated[0] == int64(res.rows) {
		return res.stated[0]
	}
	return sum
}

func (res *result) sequence() {
	name := "numbers without a gap: " + res.s.Sequence
	if res.odd != "" {
		res.check(name, "numbers only", res.odd)
		return
	}
	if len(res.numbers) == 0 {
		return
	}
	slices.Sort(res.numbers)
	first, last := res.numbers[0], res.numbers[len(res.numbers)-1]
	got := len(slices.Compact(res.numbers))
	want := fmt.Sprintf("%d from %d to %d", last-first+1, first, last)
	res.check(name, want, fmt.Sprintf("%d from %d to %d", got, first, last))
}

func (res *result) check(name, want, got string) {
	c := audit.Reconciling{Name: name, Want: want, Got: got, OK: want == got}
	res.checks = append(res.checks, c)
	if !c.OK {
		res.why = append(res.why, fmt.Sprintf("%s: %s, not %s", name, got, want))
	}
}

func joinReasons(why []string) string { return strings.Join(why, "; ") }
