package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"tieout/audit"
	"tieout/source"
)

// Sizes. Small files go to the sink together; large ones are split at rows.
const (
	batchFiles = 64
	batchBytes = 8 << 20
	maxPage    = 64 << 20
)

type collector struct {
	source  string
	dir     string
	streams []stream
}

type stream struct {
	Stream
	config streamConfig
}

// A file is one export on disk, before it is read.
type file struct {
	path     string // relative to the workspace
	size     int64
	modified time.Time
	scope    string
	nominal  audit.Span // the instant or stretch its name says; empty while only the file itself knows
	about    audit.Span // of it, what the file can speak about
	digests  [][32]byte // of its pages, where it was sealed once to learn its date
}

// A group is the files that make one snapshot, or cover one stretch.
type group struct {
	scope   string
	nominal audit.Span
	about   audit.Span
	files   []file
}

// Collect reads every stream. A file that cannot be read closes its stream as
// incomplete and the others are still read.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	zone, err := loadZone(w.Zone)
	if err != nil {
		return fmt.Errorf("source %s: %w", c.source, err)
	}
	r := &run{collector: c, w: w, sink: sink, zone: zone, closed: map[closing]bool{}}
	for i := range c.streams {
		if err := r.stream(ctx, &c.streams[i]); err != nil {
			return fmt.Errorf("source %s: %w", c.source, err)
		}
	}
	return nil
}

// A run is one collection.
type run struct {
	*collector
	w      audit.Window
	sink   source.Sink
	zone   *time.Location
	closed map[closing]bool
}

// A closing names what a manifest has been given for.
type closing struct {
	typ, scope string
	covers     audit.Span
}

func (r *run) stream(ctx context.Context, s *stream) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	files, why := r.find(s)
	if s.datedInside() {
		var err error
		if files, why, err = r.dateFromInside(ctx, s, files, why); err != nil {
			return err
		}
	}
	groups, skipped := r.groups(s, files)
	if len(groups) > 0 {
		return r.read(ctx, s, groups, why)
	}
	switch {
	case why != "":
	case skipped == 0:
		why = fmt.Sprintf("no file matches %s", s.Files)
	default:
		why = fmt.Sprintf("none of the %d files that match %s is dated within the window", skipped, s.Files)
	}
	return r.closeFailed(ctx, s, why)
}

// closeFailed closes the stream for the whole window: why says what is wrong.
func (r *run) closeFailed(ctx context.Context, s *stream, why string) error {
	g := group{scope: s.Scope.Fixed, about: audit.At(r.w.AsOf)}
	if s.Mode != audit.ModeSnapshot {
		g.about = r.w.Span
	}
	res := &result{why: []string{why}}
	return r.close(ctx, s, g, res)
}

// find lists the files of a stream by name. why is not "" where one cannot be
// used: the others still are, and the stream is not complete for the window.
func (r *run) find(s *stream) (files []file, why string) {
	paths, err := filepath.Glob(join(r.dir, s.Files))
	if err != nil {
		return nil, fmt.Sprintf("files: %v", err)
	}
	slices.Sort(paths)
	for _, p := range paths {
		f, err := r.look(s, p)
		if err != nil && why == "" {
			why = err.Error()
		}
		if err == nil && f.path != "" {
			files = append(files, f)
		}
	}
	return files, why
}

func (r *run) look(s *stream, path string) (file, error) {
	name := path
	if rel, err := filepath.Rel(r.dir, path); err == nil && !filepath.IsAbs(s.Files) {
		name = filepath.ToSlash(rel)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return file{}, fmt.Errorf("%s: %w", name, errors.Unwrap(err))
	case info.IsDir():
		return file{}, nil
	case !info.Mode().IsRegular():
		return file{}, fmt.Errorf("%s: it is not a regular file", name)
	}
	f := file{path: name, size: info.Size(), modified: audit.Instant(info.ModTime()), scope: s.Scope.Fixed}
	if s.Scope.Path != nil {
		if f.scope, err = firstGroup(s.Scope.Path, name); err != nil {
			return file{}, fmt.Errorf("%s: scope: %w", name, err)
		}
	}
	if !s.datedInside() {
		if f.nominal, f.about, err = r.dated(s, f); err != nil {
			return file{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	return f, nil
}

func firstGroup(re *regexp.Regexp, path string) (string, error) {
	m := re.FindStringSubmatch(path)
	if m == nil || m[1] == "" {
		return "", fmt.Errorf("the path does not match %s", re)
	}
	return m[1], nil
}

// dated is what a file speaks about, as far as its name and the settings say:
// the stretch they name, and what of it the file can know.
func (r *run) dated(s *stream, f file) (nominal, about audit.Span, err error) {
	switch {
	case s.Mode == audit.ModeSnapshot:
		nominal, err = r.datedSnapshot(s, f)
		return nominal, nominal, err
	case s.Covers.re == nil:
		nominal, err = between(s.Covers.From, s.Covers.To, r.zone)
	default:
		var text string
		if text, err = firstGroup(s.Covers.re, f.path); err == nil {
			nominal, err = stretchOf(text, r.zone)
		}
	}
	if err != nil {
		return nominal, about, fmt.Errorf("covers: %w", err)
	}
	about, err = r.untilWritten(nominal, f)
	return nominal, about, err
}

// untilWritten cuts a stretch at the instant the file was last written: it
// cannot know more.
func (r *run) untilWritten(span audit.Span, f file) (audit.Span, error) {
	for _, t := range []time.Time{f.modified, r.w.AsOf} {
		if t.Before(span.To) {
			span.To = t
		}
	}
	if span.Empty() {
		return span, fmt.Errorf("covers: it was written at %s, before the stretch it covers starts", audit.FormatTime(f.modified))
	}
	return span, nil
}

func (r *run) datedSnapshot(s *stream, f file) (audit.Span, error) {
	d := s.AsOf
	text := d.Fixed
	if d.Modified {
		return audit.At(f.modified), nil
	}
	if d.re != nil {
		var err error
		if text, err = firstGroup(d.re, f.path); err != nil {
			return audit.Span{}, fmt.Errorf("asOf: %w", err)
		}
	}
	t, err := d.instantOf(text, r.zone)
	if err != nil {
		return audit.Span{}, err
	}
	return audit.At(t), nil
}

// groups puts files together that make one snapshot or cover one stretch, in
// order of time. Files dated outside of the window are left out and counted.
func (r *run) groups(s *stream, files []file) (out []group, skipped int) {
	reach := r.w.Span
	if r.w.AsOf.Before(reach.To) {
		reach.To = r.w.AsOf.Add(time.Microsecond)
	}
	for _, f := range files {
		if f.about.Intersect(reach).Empty() {
			skipped++
			continue
		}
		i := slices.IndexFunc(out, func(g group) bool { return g.scope == f.scope && g.nominal == f.nominal })
		if i < 0 {
			out = append(out, group{scope: f.scope, nominal: f.nominal, about: f.about})
			i = len(out) - 1
		}
		out[i].files = append(out[i].files, f)
		out[i].about.To = earlier(out[i].about.To, f.about.To)
	}
	// A stretch that lies within another comes before it: a page belongs to the
	// first manifest whose stretch it lies in.
	slices.SortStableFunc(out, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.scope, b.scope), a.about.To.Compare(b.about.To), b.about.From.Compare(a.about.From))
	})
	return out, skipped
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// read seals the files of every group, many at a time, reads them and closes
// their streams. why, if it is not empty, says which file could not be placed:
// it may belong to any of them.
func (r *run) read(ctx context.Context, s *stream, groups []group, why string) error {
	prog, err := compile(s.config.Rules, r.zone)
	if err != nil {
		return err
	}
	b := &batch{run: r, s: s, kind: "files." + s.Name}
	for i, g := range groups {
		b.res = &result{s: s, prog: prog, seen: map[string]struct{}{}, several: len(g.files) > 1}
		if why != "" {
			b.res.why = append(b.res.why, why)
		}
		if err := b.group(ctx, g); err != nil {
			return err
		}
		b.ended = append(b.ended, endedGroup{g, b.res})
		r.sink.Progress(s.Name, i+1, len(groups))
	}
	return b.flush(ctx)
}

// group hands over the files of one group. One that cannot be read makes the
// group incomplete, and the others are still read.
func (b *batch) group(ctx context.Context, g group) error {
	for _, f := range g.files {
		err := b.file(ctx, f, g)
		var unreadable unreadableError
		if errors.As(err, &unreadable) {
			b.res.why = append(b.res.why, err.Error())
		} else if err != nil {
			return err
		}
	}
	return nil
}

// unreadableError: the file, not the sink, is at fault.
type unreadableError struct{ error }

func (e unreadableError) Unwrap() error { return e.error }

func unreadable(path string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return unreadableError{fmt.Errorf("%s: %w", path, err)}
}

// close closes the group's streams: the items', and the links'.
func (r *run) close(ctx context.Context, s *stream, g group, res *result) error {
	types := []string{s.Type}
	if s.Links != nil && s.Type != "link" {
		types = append(types, "link")
	}
	res.finish()
	for _, typ := range types {
		m := audit.Manifest{Type: typ, Scope: g.scope, Mode: s.Mode, Covers: g.about, Queries: []string{s.Files},
			Pages: res.pages, Items: res.rows, Checks: res.checks, Cannot: cannot, Kinds: []string{"files." + s.Name}}
		k := closing{typ, g.scope, g.about}
		why := res.why
		if r.closed[k] {
			why = append(slices.Clip(why), fmt.Sprintf("another stream of this connection gives %s of scope %q for the same time; give each its own scope", typ, g.scope))
		}
		r.closed[k] = true
		m.Complete, m.Reason = len(why) == 0, joinReasons(why)
		if err := r.sink.Close(ctx, m); err != nil {
			return err
		}
	}
	return nil
}
