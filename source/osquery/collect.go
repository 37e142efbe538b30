package osquery

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

const (
	maxLine = 4 << 20 // bytes of one line
	maxKept = 5_000   // lines of one query of one host that make up its result
)

type collector struct {
	name string
	dir  string
	set  settings
	config
	cannot []string
}

// A host is what is known of one computer so far.
type host struct {
	day     time.Time // of the newest line
	last    time.Time
	emitted time.Time
	results map[string]*result // by query
}

// A result is the lines that make up the newest result of one query.
type result struct {
	newest  line
	lines   [][]byte
	partial bool // lines are missing, or may be: it says nothing
}

// A reader reads the logs in order of time and gives a page for every computer
// and day.
type reader struct {
	collector
	run   *source.Run
	hosts map[string]*host
	begun map[string]bool // computers with a line in the file that is read now
	whole *source.Stream  // what concerns no single computer
	late  int
}

// Collect implements source.Collector. Memory holds the newest result of every
// query of every computer.
func (c collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	r := &reader{collector: c, run: &source.Run{Source: c.name, Window: w, Sink: sink}, hosts: map[string]*host{}}
	r.whole = r.run.Snapshot("device", "", r.cannot, kindHost)
	r.whole.Asked("read " + strings.Join(c.set.Files, ", "))
	files := r.files()
	for i, f := range files {
		if err := r.file(ctx, f.path); err != nil {
			return err
		}
		r.run.Progress("device", i+1, len(files))
	}
	return r.end(ctx, len(files))
}

// A logFile is a file and the time of its first line.
type logFile struct {
	path  string
	first time.Time
}

// files are the files found, in order of their first lines.
func (r *reader) files() []logFile {
	var paths []string
	for _, g := range r.set.Files {
		if !filepath.IsAbs(g) {
			g = filepath.Join(r.dir, g)
		}
		found, err := filepath.Glob(g)
		if err == nil { // Open refused patterns that are none
			paths = append(paths, found...)
		}
	}
	slices.Sort(paths)
	var out []logFile
	for _, p := range slices.Compact(paths) {
		out = append(out, logFile{p, firstTime(p)})
	}
	slices.SortStableFunc(out, func(a, b logFile) int { return cmp.Or(a.first.Compare(b.first), strings.Compare(a.path, b.path)) })
	return out
}

// firstTime is the time of the first line that has one.
func firstTime(path string) time.Time {
	var at time.Time
	stop := errors.New("found")
	_ = lines(path, func(_ int, b []byte) error { // faults are named when the file is read
		l, err := readLine(b)
		if err != nil {
			return nil
		}
		at = l.at
		return stop
	})
	return at
}

// lines calls each with every line of a file that is not empty, and its number.
func lines(path string, each func(n int, b []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var in io.Reader = bufio.NewReader(f)
	if magic, err := in.(*bufio.Reader).Peek(2); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		in = z
	}
	sc := bufio.NewScanner(in)
	sc.Buffer(make([]byte, 0, 64<<10), maxLine)
	n := 0
	for sc.Scan() {
		n++
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		if err := each(n, sc.Bytes()); err != nil {
			return err
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	return nil
}

func (r *reader) file(ctx context.Context, path string) error {
	name := path
	if rel, err := filepath.Rel(r.dir, path); err == nil {
		name = filepath.ToSlash(rel)
	}
	var sealing error
	r.begun = map[string]bool{}
	err := lines(path, func(n int, b []byte) error {
		l, err := readLine(b)
		if err != nil {
			r.whole.Fail(fmt.Sprintf("%s:%d: %v", name, n, err))
			return nil
		}
		if l.at.After(r.run.Window.AsOf) {
			r.whole.Fail(fmt.Sprintf("%s:%d: its time %s lies ahead", name, n, audit.FormatTime(l.at)))
			return nil
		}
		sealing = r.take(ctx, l, b)
		return sealing
	})
	switch {
	case sealing != nil:
		return sealing
	case err != nil:
		r.whole.Fail(fmt.Sprintf("%s: %v", name, err))
	}
	return ctx.Err()
}

// take adds a line. Where it begins a new day of its computer, the day before
// is sealed first.
func (r *reader) take(ctx context.Context, l line, raw []byte) error {
	first := !r.begun[l.Host]
	r.begun[l.Host] = true
	if r.means(l.Name) == "" || l.at.Before(r.run.Window.From.Add(-r.maxAge())) {
		return nil
	}
	h := r.hosts[l.Host]
	if h == nil {
		h = &host{results: map[string]*result{}}
		r.hosts[l.Host] = h
	}
	day := l.at.Truncate(24 * time.Hour)
	if day.Before(h.day) {
		r.late++
		return nil
	}
	if day.After(h.day) && !h.last.IsZero() {
		if err := r.seal(ctx, l.Host, h); err != nil {
			return err
		}
	}
	h.day = day
	if l.at.After(h.last) {
		h.last = l.at
	}
	h.add(l, raw, first)
	return nil
}

// add puts a line into the result of its query. A line older than the newest of
// a snapshot says nothing new. The rows of a first run stand on a line each:
// where they are the first of their computer in a file, more of them may have
// been in a file that is no longer there.
func (h *host) add(l line, raw []byte, first bool) {
	res := h.results[l.Name]
	if res == nil {
		res = &result{}
		h.results[l.Name] = res
	}
	switch {
	case l.Action == "snapshot" && l.at.Before(res.newest.at):
		return
	case l.begins(res.newest):
		*res = result{partial: first && l.Action != "snapshot" && l.Diff == nil}
	}
	res.newest = l
	if len(res.lines) == maxKept {
		res.partial = true
	}
	if res.partial {
		res.lines = nil
		return
	}
	res.lines = append(res.lines, bytes.Clone(raw))
}

// seal gives the page of what was known of a computer at its newest line, if
// that lies in the window.
func (r *reader) seal(ctx context.Context, name string, h *host) error {
	at := h.last
	if at.Before(r.run.Window.From) || !at.After(h.emitted) {
		return nil
	}
	h.emitted = at
	s := r.run.SnapshotAt(audit.At(at), "device", name, r.cannot, kindHost)
	s.Asked("read " + strings.Join(r.set.Files, ", "))
	var body bytes.Buffer
	for _, q := range sorted(h.results) {
		if res := h.results[q]; res.partial {
			s.Note(fmt.Sprintf("query %s: its first rows may be missing, or it has more than %d lines", q, maxKept))
		} else if at.Sub(res.newest.at) <= r.maxAge() {
			for _, b := range res.lines {
				body.Write(b)
				body.WriteByte('\n')
			}
		}
	}
	p := audit.Page{Kind: kindHost, Scope: name, Query: "lines of host " + name + " up to " + audit.FormatTime(at), Media: "application/jsonl", Body: body.Bytes(), About: audit.At(at)}
	if err := r.run.Seal(ctx, p, s); err != nil {
		return err
	}
	return r.run.Close(ctx, s)
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// end seals the last day of every computer and says what is missing.
func (r *reader) end(ctx context.Context, files int) error {
	for _, name := range sorted(r.hosts) {
		h := r.hosts[name]
		if err := r.seal(ctx, name, h); err != nil {
			return err
		}
		if now := r.run.Window.AsOf; now.Sub(h.last) > time.Duration(r.set.SilentAfterHours)*time.Hour {
			s := r.run.Snapshot("device", name, r.cannot, kindHost)
			s.Asked("read " + strings.Join(r.set.Files, ", "))
			if err := r.run.Refuse(ctx, fmt.Sprintf("host %s is silent: its last line is of %s", name, audit.FormatTime(h.last)), s); err != nil {
				return err
			}
		}
	}
	switch {
	case files == 0:
		r.whole.Fail("no file matches " + strings.Join(r.set.Files, ", "))
	case len(r.hosts) == 0:
		r.whole.Fail("no line is of a query whose meaning is known and of a time within the window")
	}
	if r.late > 0 {
		r.whole.Fail(fmt.Sprintf("%d lines are of an earlier day than lines before them, and were not read", r.late))
	}
	if !r.whole.Failed() {
		return nil
	}
	return r.run.Close(ctx, r.whole)
}
