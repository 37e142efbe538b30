package cloudtrail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/folder"
)

// How CloudTrail names its files (Finding your CloudTrail log files; CloudTrail
// digest file structure).
var (
	logName    = regexp.MustCompile(`^([0-9]{12})_CloudTrail_([a-z0-9-]+)_([0-9]{8}T[0-9]{4}Z)_[A-Za-z0-9]+\.json(?:\.gz)?$`)
	digestName = regexp.MustCompile(`^([0-9]{12})_CloudTrail-Digest_([a-z0-9-]+)_(.+)_([0-9]{8}T[0-9]{6}Z)\.json(?:\.gz)?$`)
)

// A reading is the files of one collection.
type reading struct {
	run   *source.Run
	dir   string
	logs  map[string]string // path by name; one that was sealed under a digest is taken out
	loose map[string]*source.Stream
	why   []string
	any   bool // something within the window was found
}

// Collect seals every file: log files that a chain of digests names under the
// stretch the chain covers, others under the stretch of their own events. The
// error is the sink's or the context's.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: c.name, Window: w, Sink: sink}
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &reading{run: run, dir: c.dir, logs: map[string]string{}, loose: map[string]*source.Stream{}}
	paths := r.find(c.s.Files)
	chains := map[string][]digest{}
	for _, p := range paths {
		name := filepath.Base(p)
		if !strings.Contains(name, "_CloudTrail-Digest_") {
			r.logs[name] = p
			continue
		}
		d, err := r.digest(p)
		if err != nil {
			r.why = append(r.why, fmt.Sprintf("%s: %v", r.shown(p), err))
			continue
		}
		if d.end.After(w.From) && !d.start.After(w.AsOf) {
			chains[d.chain()] = append(chains[d.chain()], d)
		}
	}
	for _, key := range sorted(chains) {
		if err := r.chain(ctx, chains[key]); err != nil {
			return err
		}
	}
	return r.rest(ctx, c.s.Files, len(paths))
}

func sorted[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// find lists the files that globs name, and those below the folders they name.
func (r *reading) find(globs []string) []string {
	var out []string
	for _, g := range globs {
		at := g
		if !filepath.IsAbs(g) {
			at = filepath.Join(r.dir, g)
		}
		found, err := filepath.Glob(at)
		if err != nil {
			r.why = append(r.why, fmt.Sprintf("files: %s: %v", g, err))
		}
		for _, f := range found {
			err := filepath.WalkDir(f, func(p string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					out = append(out, p)
				}
				return err
			})
			if err != nil {
				r.why = append(r.why, fmt.Sprintf("%s: %v", r.shown(f), errors.Unwrap(err)))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r *reading) shown(path string) string {
	if rel, err := filepath.Rel(r.dir, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return path
}

// read returns a file as it is and unpacked.
func read(path string) (raw, body []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, errors.Unwrap(err)
	}
	defer f.Close()
	raw, err = io.ReadAll(io.LimitReader(f, folder.MaxFile+1))
	if err != nil {
		return nil, nil, err
	}
	if len(raw) > folder.MaxFile {
		return nil, nil, fmt.Errorf("larger than %d bytes; split it", folder.MaxFile)
	}
	body, err = folder.Unpack(raw)
	return raw, body, err
}

func media(path string) string {
	if strings.HasSuffix(path, ".gz") {
		return "application/gzip"
	}
	return "application/json"
}

// rest seals the log files that no digest names, and closes their streams.
func (r *reading) rest(ctx context.Context, globs []string, found int) error {
	for _, name := range sorted(r.logs) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.alone(ctx, name, r.logs[name]); err != nil {
			return err
		}
	}
	for _, scope := range sorted(r.loose) {
		if err := r.run.Close(ctx, r.loose[scope]); err != nil {
			return err
		}
	}
	if r.any && len(r.why) == 0 {
		return nil
	}
	s := r.run.Events("signIn", "", cannot, kindLoose)
	s.Asked("read " + strings.Join(globs, ", "))
	for _, w := range r.why {
		s.Fail(w)
	}
	switch {
	case r.any || len(r.why) > 0:
	case found == 0:
		s.Fail("no file matches " + strings.Join(globs, ", "))
	default:
		s.Fail(fmt.Sprintf("none of the %d files is about a time within the window", found))
	}
	return r.run.Close(ctx, s)
}

// alone seals one log file that no digest names.
func (r *reading) alone(ctx context.Context, name, path string) error {
	raw, body, err := read(path)
	if err != nil {
		r.why = append(r.why, fmt.Sprintf("%s: %v", r.shown(path), err))
		return nil
	}
	scope, about, err := headOf(name, body)
	p := audit.Page{Kind: kindLoose, Scope: scope, Query: "read " + r.shown(path), Media: media(path), Body: raw, About: about}
	if err != nil {
		r.why = append(r.why, fmt.Sprintf("%s: %v", r.shown(path), err))
		p.Kind, p.Scope, p.About = source.KindFailed, "", audit.Span{}
		return r.run.Seal(ctx, p)
	}
	w := r.run.Window
	if !about.To.After(w.From) || about.From.After(w.AsOf) {
		return nil
	}
	r.any = true
	s := r.loose[scope]
	if s == nil {
		s = r.run.EventsIn(about, "signIn", scope, cannot, kindLoose)
		s.Fail("no unbroken chain of digest files names these files: others of the same time may be missing")
		r.loose[scope] = s
	}
	if about.From.Before(s.Covers.From) {
		s.Covers.From = about.From
	}
	if about.To.After(s.Covers.To) {
		s.Covers.To = about.To
	}
	s.Asked(p.Query)
	return r.run.Seal(ctx, p, s)
}

// headOf finds which account and region a log file is of, and the stretch of its events.
func headOf(name string, body []byte) (scope string, about audit.Span, err error) {
	var f struct {
		Records *[]struct {
			Time    string `json:"eventTime"`
			Account string `json:"recipientAccountId"`
			Region  string `json:"awsRegion"`
		} `json:"Records"`
	}
	if err := json.Unmarshal(body, &f); err != nil || f.Records == nil {
		return "", about, errors.New("it is not a log file of CloudTrail: it has no list Records")
	}
	m := logName.FindStringSubmatch(name)
	if m != nil {
		scope = m[1] + "/" + m[2]
	}
	for i, e := range *f.Records {
		at, err := time.Parse(time.RFC3339, e.Time)
		if err != nil {
			return "", about, fmt.Errorf("record %d does not say when it happened", i+1)
		}
		if scope == "" && e.Account != "" && e.Region != "" {
			scope = e.Account + "/" + e.Region
		}
		about = widen(about, audit.At(audit.Instant(at)))
	}
	if len(*f.Records) > 0 {
		return scope, about, nil
	}
	if m == nil {
		return "", about, errors.New("it holds no record, and its name does not say which file it is")
	}
	at, err := time.Parse("20060102T1504Z", m[3])
	return scope, audit.At(audit.Instant(at)), err
}

func widen(s, by audit.Span) audit.Span {
	if s == (audit.Span{}) {
		return by
	}
	if by.From.Before(s.From) {
		s.From = by.From
	}
	if by.To.After(s.To) {
		s.To = by.To
	}
	return s
}
