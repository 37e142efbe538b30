package githubhooks

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/github"
)

// Kinds of page. Each is lines of the journal, byte for byte.
const (
	kindDeliveries = "github-webhooks.deliveries" // lines that each stand for themselves
	kindRequest    = "github-webhooks.request"    // the merge of one request, after the reviews of it
)

const (
	maxChunk = 2 << 20  // bytes of lines on one page, unless one line is longer
	maxLine  = 80 << 20 // a payload of the largest size, every byte escaped at worst
)

type collector struct {
	source string
	dir    string
	shown  string // the folder, as the settings name it
}

// A place is where a line stands.
type place struct {
	file   string
	offset int64
	length int
}

// A run is one collection.
type run struct {
	*source.Run
	*collector
	streams []*source.Stream
	seen    map[[16]byte]bool // deliveries, so that one sent again counts once
	reviews map[string][]place
	merges  []merged
	chunk   bytes.Buffer
}

// A merged is a delivery that tells of a merge in the window.
type merged struct {
	request string // owner/name#number
	place   place
}

var journalFile = regexp.MustCompile(`^deliveries-(\d{4}-\d{2}-\d{2})\.jsonl$`)

// Collect reads the journal in the order of arrival. It holds one page, 16
// bytes for each delivery and the place of each review.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	sr := &source.Run{Source: c.source, Window: w, Sink: sink}
	covers := sr.Covers()
	r := &run{Run: sr, collector: c, seen: map[[16]byte]bool{}, reviews: map[string][]place{}, streams: []*source.Stream{
		sr.Events("change", "", cannot, kindDeliveries, kindRequest),
		sr.Changes(covers, "membership", "", cannot, kindDeliveries),
		sr.Changes(covers, "protection", "", cannot, kindDeliveries)}}
	for _, s := range r.streams {
		s.Asked("read " + c.shown + "/deliveries-*.jsonl")
		s.Fail(whyNever)
	}
	if covers.Empty() {
		return r.Refuse(ctx, "the window ends before it starts", r.streams...)
	}
	if err := r.read(ctx); err != nil {
		return fmt.Errorf("source %s: %w", c.source, err)
	}
	return r.Close(ctx, r.streams...)
}

func (r *run) fail(why string) {
	for _, s := range r.streams {
		s.Fail(why)
	}
}

// read reads every file up to the window's end: reviews may be older than the
// window. Lines of the window are sealed.
func (r *run) read(ctx context.Context) error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		r.fail("the journal cannot be read: " + words(err))
		return nil
	}
	var names []string
	for _, e := range entries {
		if m := journalFile.FindStringSubmatch(e.Name()); m != nil && m[1] <= r.Covers().To.UTC().Add(time.Hour).Format(time.DateOnly) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		r.fail("the journal is empty")
	}
	for i, name := range names {
		if err := r.file(ctx, name); err != nil {
			return err
		}
		r.Progress("journal", i+1, len(names))
	}
	for _, m := range r.merges {
		if err := r.request(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// words is what went wrong with a file, without the machine's own paths.
func words(err error) string {
	if pe := (*os.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	return err.Error()
}

func (r *run) file(ctx context.Context, name string) error {
	f, err := os.Open(filepath.Join(r.dir, name))
	if err != nil {
		r.fail(name + ": " + words(err))
		return nil
	}
	defer f.Close()
	lines := bufio.NewReaderSize(f, 1<<20)
	for offset, n := int64(0), 1; ; n++ {
		line, err := readLine(lines)
		if err != nil && !errors.Is(err, io.EOF) {
			r.fail(fmt.Sprintf("%s:%d: %s", name, n, words(err)))
			break
		}
		if len(line) > 0 {
			if err := r.line(ctx, line, place{name, offset, len(line)}, n); err != nil {
				return err
			}
		}
		if err != nil {
			break
		}
		offset += int64(len(line))
	}
	return r.flush(ctx)
}

var errLong = errors.New("the line is longer than any delivery")

// readLine reads one line with its end. The error is io.EOF after the last.
func readLine(b *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := b.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, errLong
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// line looks only at which delivery it is and puts it where it belongs.
func (r *run) line(ctx context.Context, line []byte, at place, n int) error {
	d, err := readDelivery(line)
	if err != nil {
		r.fail(fmt.Sprintf("%s:%d: %v", at.file, n, err))
		return nil
	}
	id := [16]byte(sum(d.ID))
	if r.seen[id] {
		return nil
	}
	r.seen[id] = true
	switch d.Event {
	case "pull_request", "pull_request_review":
		r.note(d, at)
		return nil
	case "push", "branch_protection_rule", "member", "organization":
	default:
		return nil
	}
	if when := d.arrived(); when.Before(r.Covers().From) || !when.Before(r.Covers().To.Add(time.Hour)) {
		return nil // what it tells of is the window's only if it arrived then, or right after
	}
	if r.chunk.Len()+len(line) > maxChunk {
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	r.chunk.Write(line)
	return nil
}

func sum(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:16]
}

// note remembers where reviews and merges stand. Nothing of them is used before
// the page that holds them was sealed.
func (r *run) note(d delivery, at place) {
	var p pullDelivery
	if json.Unmarshal([]byte(d.Payload), &p) != nil || p.Pull.Number <= 0 || p.Repository.Name == "" {
		r.fail(fmt.Sprintf("delivery %s: a request without a number or a repository", d.ID))
		return
	}
	request := fmt.Sprintf("%s#%d", p.Repository.Name, p.Pull.Number)
	if d.Event == "pull_request_review" {
		r.reviews[request] = append(r.reviews[request], at)
		return
	}
	if when, ok := p.merged(); ok && r.Covers().Contains(when) {
		r.merges = append(r.merges, merged{request, at})
	}
}

// flush seals the lines that were gathered.
func (r *run) flush(ctx context.Context) error {
	if r.chunk.Len() == 0 {
		return nil
	}
	body := bytes.Clone(r.chunk.Bytes())
	r.chunk.Reset()
	p := audit.Page{Kind: kindDeliveries, Query: "read " + r.shown + "/deliveries-*.jsonl", Media: "application/jsonl", Body: body, About: r.Covers()}
	return r.Seal(ctx, p, r.streams...)
}

// request seals the merge of one request with the reviews that came for it.
func (r *run) request(ctx context.Context, m merged) error {
	var body bytes.Buffer
	for _, at := range append(slices.Clone(r.reviews[m.request]), m.place) {
		if err := r.copy(&body, at); err != nil {
			r.fail(fmt.Sprintf("%s: %s", at.file, words(err)))
			return nil
		}
	}
	p := audit.Page{Kind: kindRequest, Query: "read " + r.shown + "/" + m.place.file + ", deliveries of " + m.request, Media: "application/jsonl", Body: body.Bytes(), About: r.Covers()}
	return r.Seal(ctx, p, r.streams[0])
}

func (r *run) copy(to *bytes.Buffer, at place) error {
	f, err := os.Open(filepath.Join(r.dir, at.file))
	if err != nil {
		return err
	}
	defer f.Close()
	line := make([]byte, at.length)
	if _, err := f.ReadAt(line, at.offset); err != nil {
		return err
	}
	to.Write(bytes.TrimRight(line, "\n"))
	to.WriteByte('\n')
	return nil
}

// A delivery is one line of the journal.
type delivery struct{ github.Delivery }

func readDelivery(line []byte) (d delivery, err error) {
	if err := source.Strict(line, &d.Delivery); err != nil {
		return d, errors.New("the line is not a delivery, or was cut off")
	}
	if d.ID == "" || d.Event == "" || d.arrived().IsZero() {
		return d, errors.New("a delivery without its id, event or arrival")
	}
	return d, nil
}

// arrived is when the delivery arrived, the zero time where the line does not say.
func (d delivery) arrived() time.Time {
	at, err := audit.ParseTime(d.Received)
	if err != nil {
		return time.Time{}
	}
	return at
}
