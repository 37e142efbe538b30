package roster

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tieout/audit"
	"tieout/source"
)

const maxFile = 32 << 20

type collector struct {
	source string
	dir    string
	tables map[string]Table
	conf   config
}

// A dated is a file whose date is known. Its bytes are read again when they are sealed.
type dated struct {
	part, name, path string
	at               time.Time
	sum              [32]byte
	byAddress        bool // its rows name people by address only
}

// A loaded is a file with what it holds.
type loaded struct {
	dated
	file
	table *table
}

// A run is one collection.
type run struct {
	*collector
	*source.Run
	zone  *time.Location
	lists map[string][]dated  // of each table, by date
	why   map[string][]string // of each table, what could not be used
}

// Collect seals each list with what it is joined to, and closes one stream of
// people for every date and one of trainings.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	zone, err := loadZone(w.Zone)
	if err != nil {
		return fmt.Errorf("source %s: %w", c.source, err)
	}
	r := &run{collector: c, Run: &source.Run{Source: c.source, Window: w, Sink: sink}, zone: zone, lists: map[string][]dated{}, why: map[string][]string{}}
	for _, part := range []string{people, trainings, checks} {
		if err := r.find(ctx, part); err != nil {
			return err
		}
	}
	if _, ok := c.tables[people]; ok {
		if err := r.collectPeople(ctx); err != nil {
			return err
		}
	}
	if _, ok := c.tables[trainings]; ok {
		return r.collectTrainings(ctx)
	}
	return nil
}

// find reads the files of a table and their dates, and puts those from before
// this instant in order.
func (r *run) find(ctx context.Context, part string) error {
	var paths []string
	for _, g := range r.tables[part].Files {
		if !filepath.IsAbs(g) {
			g = filepath.Join(r.dir, g)
		}
		found, err := filepath.Glob(g)
		if err != nil {
			r.why[part] = append(r.why[part], fmt.Sprintf("%s: %v", g, err))
		}
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	for _, p := range slices.Compact(paths) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.look(ctx, part, p); err != nil {
			return err
		}
	}
	slices.SortStableFunc(r.lists[part], func(a, b dated) int { return a.at.Compare(b.at) })
	return nil
}

// look reads one file. One that cannot be used is sealed as it is, and named.
func (r *run) look(ctx context.Context, part, path string) error {
	name := path
	if rel, err := filepath.Rel(r.dir, path); err == nil {
		name = filepath.ToSlash(rel)
	}
	body, modified, err := read(path)
	if err != nil {
		r.why[part] = append(r.why[part], fmt.Sprintf("%s: %v", name, err))
		return nil
	}
	if body == nil { // a folder
		return nil
	}
	d, err := r.date(part, name, body, modified)
	d.path = path
	if err != nil {
		r.why[part] = append(r.why[part], fmt.Sprintf("%s: %v", name, err))
		return r.Seal(ctx, audit.Page{Kind: source.KindFailed, Query: "read " + name, Media: "text/csv", Body: body})
	}
	if !d.at.After(r.Window.AsOf) {
		r.lists[part] = append(r.lists[part], d)
	}
	return nil
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
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		return nil, time.Time{}, fmt.Errorf("larger than %d bytes; split it", maxFile)
	}
	return append([]byte{}, b...), info.ModTime(), err
}

func (r *run) date(part, name string, body []byte, modified time.Time) (dated, error) {
	d := dated{part: part, name: name, sum: sha256.Sum256(body)}
	t, err := readTable(part, name, r.conf.Tables[part], r.zone, body)
	if err != nil {
		return d, err
	}
	d.byAddress = !t.has("id")
	if _, listed := r.tables[people]; d.byAddress && !listed {
		return d, errors.New("it names people by address only; name the files of people too, or give it a column of employee ids")
	}
	switch r.tables[part].Dates {
	case "modified":
		d.at = audit.Instant(modified)
	case "name":
		d.at, err = named(name, r.zone)
	default:
		d.at, err = t.stated()
	}
	return d, err
}

// load reads a file again, which must be as it was.
func (r *run) load(d dated) (loaded, error) {
	body, _, err := read(d.path)
	if err == nil && sha256.Sum256(body) != d.sum {
		err = errors.New("it changed between two readings")
	}
	if err != nil {
		return loaded{}, fmt.Errorf("%s: %w", d.name, err)
	}
	l := loaded{dated: d, file: file{Table: d.part, Name: d.name, Text: string(body)}}
	if !utf8.Valid(body) {
		l.Text, l.Base64 = "", body
	}
	l.table, err = readTable(d.part, d.name, r.conf.Tables[d.part], r.zone, body)
	return l, err
}

// collectPeople closes one snapshot for each date within the window.
func (r *run) collectPeople(ctx context.Context) error {
	all := r.lists[people]
	old := 0
	for old < len(all) && all[old].at.Before(r.Window.From) {
		old++
	}
	for rest := all[old:]; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].at.Equal(rest[0].at) {
			n++
		}
		if err := r.snapshot(ctx, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
		r.Progress(people, len(all)-len(rest), len(all))
	}
	return r.lacking(ctx, people, old, r.Snapshot("person", "", cannotPeople, kindPeople))
}

// snapshot seals the lists of people of one date and closes their stream.
func (r *run) snapshot(ctx context.Context, group []dated) error {
	about := audit.At(group[0].at)
	s := r.SnapshotAt(about, "person", "", cannotPeople, kindPeople)
	t := tally{ids: map[string]bool{}, all: newRoll()}
	var tables []*table
	joined, until := r.checksAt(s, group[0].at)
	for _, d := range group {
		own, err := r.seal(ctx, kindPeople, about, d, joined, until, s)
		if err != nil {
			return err
		}
		if own.table != nil {
			t.add(own.table)
			tables = append(tables, own.table)
		}
	}
	t.settle(s)
	for _, tab := range tables {
		for _, w := range tab.rows {
			r.remark(s, w, t.all)
		}
	}
	return r.Close(ctx, s)
}

// checksAt are the lists of background checks that a list of people of that
// date is joined to: the first that reach the date, else the newest. until is
// what they reach to, nil where one could not be used. What is missing is a
// limit of the stream: the field is left out where no list gives it.
func (r *run) checksAt(s *source.Stream, at time.Time) (joined []dated, until *time.Time) {
	all := r.lists[checks]
	for _, w := range r.why[checks] {
		s.Note("when background checks were completed, where the lists that could be read do not give it: " + w)
	}
	if _, wanted := r.tables[checks]; wanted && len(all)+len(r.why[checks]) == 0 {
		s.Note("when background checks were completed: no file matches " + strings.Join(r.tables[checks].Files, ", "))
	}
	if len(all) == 0 {
		return nil, nil
	}
	date := all[len(all)-1].at
	if i := slices.IndexFunc(all, func(d dated) bool { return !d.at.Before(at) }); i >= 0 {
		date = all[i].at
	}
	for _, d := range all {
		if d.at.Equal(date) {
			joined = append(joined, d)
			s.Asked("read " + d.name)
		}
	}
	if len(r.why[checks]) > 0 {
		return joined, nil
	}
	return joined, &date
}

// seal reads a list and what it is joined to, and seals them as one page. What
// cannot be read any more makes s incomplete; own is then empty.
func (r *run) seal(ctx context.Context, kind string, about audit.Span, d dated, joined []dated, until *time.Time, s *source.Stream) (own loaded, err error) {
	s.Asked("read " + d.name)
	if own, err = r.load(d); err != nil {
		s.Fail(err.Error())
		return loaded{}, ctx.Err()
	}
	doc := page{Format: 1, Zone: r.Window.Zone, Files: []file{own.file}, ChecksUntil: until}
	for _, j := range joined {
		l, err := r.load(j)
		if err != nil {
			s.Fail(err.Error())
			doc.ChecksUntil = nil
			continue
		}
		doc.Files = append(doc.Files, l.file)
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return loaded{}, err
	}
	return own, r.Seal(ctx, audit.Page{Kind: kind, Query: "read " + d.name, Body: body, About: about}, s)
}

// A tally supports that a list is whole.
type tally struct {
	rows int
	ids  map[string]bool
	all  *roll
}

func (t *tally) add(tab *table) {
	t.rows += len(tab.rows) + len(tab.bad)
	t.all.add(tab)
	for _, w := range tab.rows {
		if id := w.text("id"); id != "" {
			t.ids[id] = true
		}
	}
}

func (t *tally) settle(s *source.Stream) {
	s.Reconcile("rows that have an employee id of their own", t.rows, len(t.ids))
	if t.rows == 0 {
		s.Fail("the list names nobody")
	}
}

// remark notes words of a row that are not understood: their field is left out.
func (r *run) remark(s *source.Stream, w row, all *roll) {
	if text := w.text("status"); text != "" && word(text, r.conf.Statuses, statusWords) == "" {
		s.Note(fmt.Sprintf("where people stand whose status is %q: say in `statuses:` what it means", text))
	}
	if text := w.text("kind"); text != "" && word(text, r.conf.Kinds, kindWords) == "" {
		s.Note(fmt.Sprintf("how people are engaged whose employment type is %q: say in `kinds:` what it means", text))
	}
	if text := w.text("manager"); !absent(text) {
		if _, ok := all.find(text); !ok {
			s.Note("the manager of those whose manager is not on the list, or goes by a name that several have")
		}
	}
}

// collectTrainings closes one stream up to the date of the newest lists. Older
// ones tell nothing more: each holds all that was completed until its date.
func (r *run) collectTrainings(ctx context.Context) error {
	lists := newest(r.lists[trainings])
	covers := r.Covers()
	if len(lists) == 0 || !lists[0].at.After(covers.From) {
		return r.lacking(ctx, trainings, len(r.lists[trainings]), r.Events("training", "", cannotTrainings, kindTrainings))
	}
	covers.To = earliest(covers.To, lists[0].at)
	s := r.EventsIn(covers, "training", "", cannotTrainings, kindTrainings)
	rows, read := 0, 0
	for _, d := range lists {
		var joined []dated
		if d.byAddress {
			joined = newest(r.lists[people])
		}
		own, err := r.seal(ctx, kindTrainings, covers, d, joined, nil, s)
		if err != nil {
			return err
		}
		if own.table == nil {
			continue
		}
		for _, w := range own.table.rows {
			if _, _, err := r.conf.training(w); err == nil {
				read++
			}
		}
		rows += len(own.table.rows) + len(own.table.bad)
	}
	s.Reconcile("rows that could be read", rows, read)
	for _, w := range r.why[trainings] {
		s.Fail(w)
	}
	return r.Close(ctx, s)
}

// newest are the lists of the last date.
func newest(all []dated) []dated {
	i := len(all)
	for i > 0 && all[i-1].at.Equal(all[len(all)-1].at) {
		i--
	}
	return all[i:]
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// lacking closes s as incomplete where a table gave nothing, or a file of it
// could not be used.
func (r *run) lacking(ctx context.Context, part string, old int, s *source.Stream) error {
	why := r.why[part]
	all := len(r.lists[part])
	switch {
	case len(why) > 0:
	case all == 0:
		why = []string{"no file of a date up to now matches " + strings.Join(r.tables[part].Files, ", ")}
	case old == all:
		why = []string{fmt.Sprintf("none of the %d files is about a time within the window", old)}
	default:
		return nil
	}
	s.Asked("read " + strings.Join(r.tables[part].Files, ", "))
	return r.Refuse(ctx, strings.Join(why, "; "), s)
}
