// Package folder is how sources read whole files of other tools: each file is
// one page of evidence, about the instant or the stretch the file itself
// states, never about the moment it is read.
package folder

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

// MaxFile is the largest file that is read, in bytes, packed or unpacked.
const MaxFile = 64 << 20

// A Head is what a file says about itself.
type Head struct {
	At     time.Time  // instant of a snapshot; zero: the file does not state it
	Covers audit.Span // stretch of events
	Scope  string     // sub-scope: what was scanned, which account; "" if there is none
}

// Where is the part of a connection's settings that says which files are read.
type Where struct {
	Files []string `json:"files"` // globs, relative to the workspace
	Dates string   `json:"dates"` // "": the file's own; "name": a day in its name; "modified": its modification time
}

// Settings documents Where.
var Settings = []source.Setting{
	{Name: "files", Doc: "globs of the files, relative to the workspace; .gz is unpacked", Example: "[exports/*.json]", Required: true},
	{Name: "dates", Doc: "where a file's date is: absent, in the file itself; `name`, a day such as 2026-03-31 in its name; `modified`, its modification time, which a copy or a checkout changes", Example: "name"},
}

// Check refuses settings that cannot work.
func (w Where) Check() error {
	if len(w.Files) == 0 {
		return errors.New("files: name at least one glob, such as [exports/*.json]")
	}
	for _, g := range w.Files {
		if _, err := filepath.Match(g, ""); err != nil || g == "" {
			return fmt.Errorf("files: %q is not a glob such as exports/*.json", g)
		}
	}
	if w.Dates != "" && w.Dates != "name" && w.Dates != "modified" {
		return fmt.Errorf("dates: %q; write name or modified, or leave it out", w.Dates)
	}
	return nil
}

// A Format is one kind of file.
type Format struct {
	Kind   string     // of its pages
	Media  string     // "": by the file's ending, application/json where that says nothing
	Mode   audit.Mode // ModeSnapshot or ModeEvents
	Types  []string   // item types a file of it gives; a stream of each is closed for every scope and date
	Cannot []string
	// Head reads what an unpacked file says about itself. It must not keep body.
	Head func(name string, body []byte) (Head, error)
}

// A group is the files of one scope and date: one stream of each type.
type group struct {
	scope string
	about audit.Span
}

type reader struct {
	Format
	run     *source.Run
	where   Where
	zone    *time.Location
	streams map[group][]*source.Stream
	order   []group
	skipped int // files about something outside the window
	why     []string
}

// Collect seals every file and closes a stream of each type for every scope and
// date found. A file that cannot be read, or does not state its date, makes the
// connection's whole stream (scope "", now) incomplete and is named; the others
// are still read. The error is the sink's or the context's.
func (f Format) Collect(ctx context.Context, run *source.Run, dir string, where Where) error {
	zone, err := time.LoadLocation(run.Window.Zone)
	if err != nil {
		return fmt.Errorf("%w: source %s: time zone %q is not known", audit.ErrInvalid, run.Source, run.Window.Zone)
	}
	r := &reader{Format: f, run: run, where: where, zone: zone, streams: map[group][]*source.Stream{}}
	paths := r.find(dir)
	for i, p := range paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.file(ctx, dir, p); err != nil {
			return err
		}
		run.Progress(f.Kind, i+1, len(paths))
	}
	return r.close(ctx, len(paths))
}

func (r *reader) find(dir string) []string {
	var out []string
	for _, g := range r.where.Files {
		at := g
		if !filepath.IsAbs(g) {
			at = filepath.Join(dir, g)
		}
		found, err := filepath.Glob(at)
		if err != nil {
			r.why = append(r.why, fmt.Sprintf("files: %s: %v", g, err))
		}
		out = append(out, found...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r *reader) file(ctx context.Context, dir, path string) error {
	name := path
	if rel, err := filepath.Rel(dir, path); err == nil {
		name = filepath.ToSlash(rel)
	}
	raw, modified, err := read(path)
	if err != nil {
		r.why = append(r.why, fmt.Sprintf("%s: %v", name, err))
		return nil
	}
	if raw == nil { // a folder
		return nil
	}
	g, err := r.date(name, raw, modified)
	if err != nil {
		r.why = append(r.why, fmt.Sprintf("%s: %v", name, err))
		return r.run.Seal(ctx, audit.Page{Kind: source.KindFailed, Query: "read " + name, Media: r.media(name), Body: raw})
	}
	if r.outside(g.about) {
		r.skipped++
		return nil
	}
	over := !g.about.To.After(r.run.Window.AsOf) || r.Mode == audit.ModeSnapshot
	if !over {
		g.about.To = audit.Instant(r.run.Window.AsOf)
	}
	streams := r.of(g, name)
	for _, s := range streams {
		if !over {
			s.Fail(name + ": the stretch it is about is not over yet")
		}
	}
	return r.run.Seal(ctx, audit.Page{Kind: r.Kind, Scope: g.scope, Query: "read " + name, Media: r.media(name), Body: raw, About: g.about}, streams...)
}

func (r *reader) media(name string) string {
	switch {
	case strings.HasSuffix(name, ".gz"):
		return "application/gzip"
	case r.Media != "":
		return r.Media
	case strings.HasSuffix(name, ".csv"):
		return "text/csv"
	case strings.HasSuffix(name, ".jsonl"):
		return "application/x-ndjson"
	}
	return "application/json"
}

// read returns a file's bytes, nil for a folder.
func read(path string) ([]byte, time.Time, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, time.Time{}, errors.Unwrap(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return nil, time.Time{}, err
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err == nil && len(b) > MaxFile {
		err = fmt.Errorf("larger than %d bytes; split it", MaxFile)
	}
	if b == nil {
		b = []byte{}
	}
	return b, info.ModTime(), err
}

// date finds what a file is about.
func (r *reader) date(name string, raw []byte, modified time.Time) (group, error) {
	body, err := Unpack(raw)
	if err != nil {
		return group{}, err
	}
	h, err := r.Head(name, body)
	if err != nil {
		return group{}, err
	}
	switch {
	case r.where.Dates == "modified":
		h.At = modified
	case r.where.Dates == "name":
		if h.At, err = Day(name, r.zone); err != nil {
			return group{}, err
		}
	}
	if r.Mode == audit.ModeEvents && !h.Covers.Empty() {
		return group{h.Scope, h.Covers}, nil
	}
	if h.At.IsZero() {
		return group{}, errors.New("it does not say when it was made; put the day in its name and set `dates: name`, or set `dates: modified`")
	}
	return group{h.Scope, audit.At(audit.Instant(h.At))}, nil
}

var day = regexp.MustCompile(`(?:^|[^0-9])(\d{4})[-_]?(\d{2})[-_]?(\d{2})(?:[^0-9]|$)`)

// Day is the start, in zone, of the day that a file's name holds. A name that
// holds two, such as the first and the last of a stretch, does not say which.
func Day(name string, zone *time.Location) (time.Time, error) {
	base := filepath.Base(name)
	var days []string
	for m := day.FindStringSubmatchIndex(base); m != nil; m = day.FindStringSubmatchIndex(base) {
		days = append(days, base[m[2]:m[3]]+"-"+base[m[4]:m[5]]+"-"+base[m[6]:m[7]])
		base = base[m[7]:]
	}
	if len(days) == 0 {
		return time.Time{}, errors.New("its name holds no day such as 2026-03-31")
	}
	if days = slices.Compact(days); len(days) > 1 {
		return time.Time{}, fmt.Errorf("its name holds more than one day: %s", strings.Join(days, ", "))
	}
	t, err := time.ParseInLocation(time.DateOnly, days[0], zone)
	if err != nil {
		return t, fmt.Errorf("its name holds no day: %s", days[0])
	}
	return t, nil
}

// outside reports that a file speaks about nothing in the window.
func (r *reader) outside(about audit.Span) bool {
	w := r.run.Window
	if r.Mode == audit.ModeSnapshot {
		return about.From.Before(w.From) || about.From.After(w.AsOf)
	}
	return !about.To.After(w.From) || about.From.After(w.AsOf)
}

// of returns the streams of a group, opened where it is new.
func (r *reader) of(g group, name string) []*source.Stream {
	if s, ok := r.streams[g]; ok {
		for _, s := range s {
			s.Asked("read " + name)
		}
		return s
	}
	var out []*source.Stream
	for _, typ := range r.Types {
		s := r.run.SnapshotAt(g.about, typ, g.scope, r.Cannot, r.Kind)
		if r.Mode == audit.ModeEvents {
			s = r.run.EventsIn(g.about, typ, g.scope, r.Cannot, r.Kind)
		}
		s.Asked("read " + name)
		out = append(out, s)
	}
	r.streams[g], r.order = out, append(r.order, g)
	return out
}

// close closes what was found, and says what was wanted and not had.
func (r *reader) close(ctx context.Context, found int) error {
	for _, g := range r.order {
		if err := r.run.Close(ctx, r.streams[g]...); err != nil {
			return err
		}
	}
	why := r.why
	switch {
	case len(r.order) > 0 || len(why) > 0:
	case found == 0:
		why = []string{"no file matches " + strings.Join(r.where.Files, ", ")}
	default:
		why = []string{fmt.Sprintf("none of the %d files is about a time within the window", r.skipped)}
	}
	if len(why) == 0 {
		return nil
	}
	for _, typ := range r.Types {
		s := r.run.Snapshot(typ, "", r.Cannot, r.Kind)
		if r.Mode == audit.ModeEvents {
			s = r.run.Events(typ, "", r.Cannot, r.Kind)
		}
		s.Asked("read " + strings.Join(r.where.Files, ", "))
		for _, w := range why {
			s.Fail(w)
		}
		if err := r.run.Close(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// Unpack returns a file's bytes, unpacked where they are gzip (RFC 1952).
// Normalize calls it with a page's body.
func Unpack(raw []byte) ([]byte, error) {
	if !bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		return raw, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("it is no gzip file: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, MaxFile+1))
	if err == nil && len(b) > MaxFile {
		err = fmt.Errorf("unpacked it is larger than %d bytes", MaxFile)
	}
	return b, err
}
