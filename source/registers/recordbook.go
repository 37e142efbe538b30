package registers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

// A recordAt is a file of records and the instant it is of: nothing it says
// reaches further.
type recordAt struct {
	file
	asOf time.Time
}

// A recordBook follows the files of records through history: what counts is
// what they are now, and when each was last committed.
type recordBook struct {
	listing listing
	changed map[string]time.Time
}

func (b *recordBook) step(g *gitRun, s step) error {
	now, err := committed(g.objects, s.commit, g.prefix, []folder{records})
	if err != nil {
		return err
	}
	for p, o := range now.files {
		if b.listing.files[p] != o {
			b.changed[p] = s.at
		}
	}
	b.listing = now
	return nil
}

func (b *recordBook) files(g *gitRun) ([]recordAt, error) {
	var out []recordAt
	for _, p := range b.listing.paths() {
		f, err := fromGit(g.objects, p, b.listing.files[p])
		if err != nil {
			return out, err
		}
		out = append(out, recordAt{f, b.changed[p]})
	}
	return out, nil
}

// A streamKey is one stream of events: a type and the stretch a file states.
type streamKey struct {
	typ    string
	covers audit.Span
}

// eventRun is the files of records of one collection.
type eventRun struct {
	run     *source.Run
	streams map[streamKey]*source.Stream
	order   []streamKey
	ids     map[[2]string]string // type and id -> file:line:column
	unread  []string             // files that may hold records of any type
	twice   map[string]string    // type -> an id that two files tell
}

// collectRecords seals files of records and closes a stream for each type and
// stretch that a file says it holds all of.
func collectRecords(ctx context.Context, run *source.Run, zone *time.Location, asked string, files []recordAt, other []string) error {
	e := &eventRun{run: run, streams: map[streamKey]*source.Stream{}, ids: map[[2]string]string{}, twice: map[string]string{}}
	for _, f := range files {
		if err := e.file(ctx, zone, asked, f); err != nil {
			return err
		}
	}
	return e.close(ctx, other)
}

func (e *eventRun) file(ctx context.Context, zone *time.Location, asked string, f recordAt) error {
	pg := page{Zone: e.run.Window.Zone, AsOf: audit.FormatTime(audit.Instant(f.asOf)), Files: []file{f.file}}
	got := readRecords(f.file, zone, f.asOf)
	about, why := e.about(f, got)
	ask := asked + f.Path
	body, err := pg.encode()
	if err != nil {
		return err
	}
	var streams []*source.Stream
	for _, typ := range got.types {
		s := e.stream(typ, about)
		s.Asked(ask)
		s.Fail(why)
		streams = append(streams, s)
	}
	if len(got.types) == 0 {
		e.unread = append(e.unread, got.faults.Error())
	}
	e.compare(got)
	return e.run.Seal(ctx, audit.Page{Kind: kindRecords, Query: ask, Body: body, About: about}, streams...)
}

// about is the stretch a file states, as far as it can know it.
func (e *eventRun) about(f recordAt, got recordFile) (span audit.Span, why string) {
	if got.covers.Empty() {
		return e.run.Covers(), f.Path + ": it does not say `covers: {from: ..., to: ...}`, so nobody states that it holds all there was"
	}
	s := got.covers
	if until := audit.Instant(f.asOf); until.Before(s.To) {
		s.To = until
	}
	if s.Empty() {
		return e.run.Covers(), fmt.Sprintf("%s: `covers:` begins at %s, after the file itself, which is of %s", f.Path, audit.FormatTime(s.From), audit.FormatTime(f.asOf))
	}
	return s, ""
}

func (e *eventRun) stream(typ string, about audit.Span) *source.Stream {
	key := streamKey{typ, about}
	if s, ok := e.streams[key]; ok {
		return s
	}
	s := e.run.EventsIn(about, typ, "", cannotEvents, kindRecords)
	e.streams[key], e.order = s, append(e.order, key)
	return s
}

// compare finds ids that two files tell.
func (e *eventRun) compare(got recordFile) {
	here := map[[2]string]string{}
	for _, en := range got.entries {
		key := [2]string{en.typ, en.id}
		if at, ok := e.ids[key]; ok && en.id != "" {
			e.twice[en.typ] = fmt.Sprintf("%s: the id %q is taken at %s; every %s has one of its own", en.where, en.id, at, en.typ)
		}
		here[key] = en.where
	}
	for k, v := range here {
		e.ids[k] = v
	}
}

// close closes the narrow stretches before the wide ones, so that items go to
// the file that states them.
func (e *eventRun) close(ctx context.Context, other []string) error {
	if len(e.order) == 0 && len(e.unread) > 0 {
		for _, typ := range eventTypes {
			e.stream(typ, e.run.Covers()).Asked("read " + records.name + "/")
		}
	}
	slices.SortStableFunc(e.order, func(a, b streamKey) int {
		if c := a.covers.To.Sub(a.covers.From) - b.covers.To.Sub(b.covers.From); c != 0 {
			return int(max(-1, min(1, c)))
		}
		return strings.Compare(a.typ, b.typ)
	})
	for _, key := range e.order {
		s := e.streams[key]
		s.Fail(e.twice[key.typ])
		for _, why := range e.unread {
			s.Fail(why + ": it may hold records of this type")
		}
		if len(other) > 0 {
			s.Note("not read, because of their ending: " + some(other))
		}
		if err := e.run.Close(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
