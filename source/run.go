package source

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
)

// A Run is the bookkeeping of one collection: its pages and its streams. It is
// used by one goroutine at a time, as the sink is.
type Run struct {
	Source string
	Window audit.Window
	Sink   Sink
}

// Now is the instant that snapshots of this collection are about.
func (r *Run) Now() audit.Span { return audit.At(r.Window.AsOf) }

// Covers is the stretch that histories and events of this collection are
// about: the window, no further than the instant of reading.
func (r *Run) Covers() audit.Span {
	s := r.Window.Span
	if r.Window.AsOf.Before(s.To) {
		s.To = audit.Instant(r.Window.AsOf)
	}
	return s
}

// A Stream is one manifest under construction: one item type of one sub-scope.
// It is complete until Fail says otherwise.
type Stream struct {
	audit.Manifest
	why  []string
	more int // reasons beyond those in why
}

const maxWhy = 10

// Snapshot opens the stream of a whole set as it is now. kinds are the kinds of
// page its items are on; none: every kind of the scope.
func (r *Run) Snapshot(typ, scope string, cannot []string, kinds ...string) *Stream {
	return r.SnapshotAt(r.Now(), typ, scope, cannot, kinds...)
}

// SnapshotAt is Snapshot for what tells its own instant, such as a report.
func (r *Run) SnapshotAt(at audit.Span, typ, scope string, cannot []string, kinds ...string) *Stream {
	return open(audit.ModeSnapshot, at, typ, scope, cannot, kinds)
}

// Events opens the stream of everything that happened in the window.
func (r *Run) Events(typ, scope string, cannot []string, kinds ...string) *Stream {
	return open(audit.ModeEvents, r.Covers(), typ, scope, cannot, kinds)
}

// EventsIn is Events for a stretch of its own, such as what a report covers.
func (r *Run) EventsIn(covers audit.Span, typ, scope string, cannot []string, kinds ...string) *Stream {
	return open(audit.ModeEvents, covers, typ, scope, cannot, kinds)
}

// Changes opens the stream of every change of state in a stretch, at its exact instant.
func (r *Run) Changes(covers audit.Span, typ, scope string, cannot []string, kinds ...string) *Stream {
	return open(audit.ModeChanges, covers, typ, scope, cannot, kinds)
}

func open(mode audit.Mode, covers audit.Span, typ, scope string, cannot, kinds []string) *Stream {
	return &Stream{Manifest: audit.Manifest{Type: typ, Scope: scope, Mode: mode, Covers: covers, Kinds: kinds, Cannot: slices.Clone(cannot)}}
}

// Fail makes the stream incomplete and says why. "" says nothing.
func (s *Stream) Fail(why string) {
	switch {
	case why == "" || slices.Contains(s.why, why):
	case len(s.why) == maxWhy:
		s.more++
	default:
		s.why = append(s.why, why)
	}
}

// Failed reports whether Fail gave a reason.
func (s *Stream) Failed() bool { return len(s.why) > 0 }

// Note adds a limit that does not make the stream incomplete, once.
func (s *Stream) Note(limit string) {
	if limit != "" && !slices.Contains(s.Cannot, limit) {
		s.Cannot = append(s.Cannot, limit)
	}
}

// maxQueries bounds what a manifest lists; a stream that asks once for each
// repository or account says so in a line of its own instead.
const maxQueries = 50

// Asked adds what was asked, once, without secrets.
func (s *Stream) Asked(query string) {
	if !slices.Contains(s.Queries, query) && len(s.Queries) < maxQueries {
		s.Queries = append(s.Queries, query)
	}
}

// Reconcile compares what was read with an independent number or list; a
// difference makes the stream incomplete.
func (s *Stream) Reconcile(name string, want, got int) {
	s.Checks = append(s.Checks, audit.Reconciling{Name: name, Want: strconv.Itoa(want), Got: strconv.Itoa(got), OK: want == got})
	if want != got {
		s.Fail(fmt.Sprintf("%s: %d of %d", name, got, want))
	}
}

// ReconcileNames compares two lists of names, in any order. What one has and
// the other has not is named, and makes the stream incomplete.
func (s *Stream) ReconcileNames(name string, want, got []string) {
	missing, extra := without(want, got), without(got, want)
	s.Checks = append(s.Checks, audit.Reconciling{Name: name, Want: strconv.Itoa(len(want)), Got: strconv.Itoa(len(got)), OK: len(missing)+len(extra) == 0})
	if len(missing) > 0 {
		s.Fail(fmt.Sprintf("%s: not reached: %s", name, some(missing)))
	}
	if len(extra) > 0 {
		s.Fail(fmt.Sprintf("%s: not on the list: %s", name, some(extra)))
	}
}

func without(list, of []string) []string {
	have := map[string]bool{}
	for _, n := range of {
		have[n] = true
	}
	var out []string
	for _, n := range list {
		if !have[n] {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

func some(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// Seal hands one page to the sink and counts it for streams. When it returns
// nil the bytes are durable and may be looked into. Source, Collected, About
// (now) and Media (JSON) are filled in where p leaves them out. The error is the sink's:
// Collect returns it.
func (r *Run) Seal(ctx context.Context, p audit.Page, streams ...*Stream) error {
	p.Source, p.Collected = r.Source, r.Window.AsOf
	p.Media = cmp.Or(p.Media, "application/json")
	if p.About == (audit.Span{}) {
		p.About = r.Now()
	}
	if err := r.Sink.Page(ctx, p); err != nil {
		return err
	}
	for _, s := range streams {
		s.Pages++
	}
	return nil
}

// Close closes streams. Only one without a reason against it is complete.
func (r *Run) Close(ctx context.Context, streams ...*Stream) error {
	for _, s := range streams {
		m := s.Manifest
		why := s.why
		if s.more > 0 {
			why = append(slices.Clone(why), fmt.Sprintf("and %d more", s.more))
		}
		m.Complete, m.Reason = len(why) == 0, strings.Join(why, "; ")
		if m.Queries == nil {
			m.Queries = []string{}
		}
		if err := r.Sink.Close(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// Refuse closes streams that could not be asked for, with the reason.
func (r *Run) Refuse(ctx context.Context, why string, streams ...*Stream) error {
	for _, s := range streams {
		s.Fail(why)
	}
	return r.Close(ctx, streams...)
}

// Progress tells a person how far a stream is; total is 0 while unknown.
func (r *Run) Progress(stream string, done, total int) { r.Sink.Progress(stream, done, total) }
