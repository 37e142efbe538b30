package scim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tieout/audit"
	"tieout/source"
)

const kindJournal = "scim.journal"

type collector struct {
	source string
	with   Settings
	dir    string
	gap    time.Duration
}

// A run is one collection.
type run struct {
	*collector
	*source.Run
	chain
	now     time.Time
	stretch *stretch // without a silence that is too long; nil before the first entry
}

// A stretch is a part of time in which the receiver listened.
type stretch struct {
	streams []*source.Stream
	from    time.Time
	entries int
	first   int64         // number of its first entry
	last    int64         // and of its last
	silent  time.Duration // what of it lies between an end of the receiver and its next start
	restart int
}

// Collect reads the whole journal: the state at any instant rests on all that
// came before. Each stretch in which the receiver listened is covered; a
// silence longer than the gap is not, and says so.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	r := &run{collector: c, Run: &source.Run{Source: c.source, Window: w, Sink: sink}, now: audit.Instant(w.AsOf)}
	names, err := segments(c.dir)
	if err == nil && len(names) == 0 {
		err = errors.New("the journal is empty: no receiver has listened")
	}
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = errors.New("the journal's folder is not there: no receiver has listened")
		}
		return r.refuse(ctx, r.Covers(), err.Error())
	}
	for i, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		why, err := r.segment(ctx, name, i == len(names)-1)
		if err != nil {
			return err
		}
		if why != "" { // what follows rests on entries that are not there
			return r.broken(ctx, name+why)
		}
		r.Progress(kindJournal, i+1, len(names))
	}
	return r.end(ctx)
}

func (r *run) open(covers audit.Span) []*source.Stream {
	types := []string{"account", "membership"}
	if r.with.People != "" {
		types = append(types, "link")
	}
	var out []*source.Stream
	for _, typ := range types {
		s := r.Changes(covers, typ, "", cannot, kindJournal)
		s.Asked("read the journal " + r.with.Journal)
		out = append(out, s)
	}
	return out
}

func (r *run) refuse(ctx context.Context, covers audit.Span, why string) error {
	if covers.Empty() {
		return nil
	}
	return r.Refuse(ctx, why, r.open(covers)...)
}

// readWhole reads a file, again where a receiver is just writing its last line.
func (r *run) readWhole(ctx context.Context, name string, last bool) (body []byte, err error) {
	for range 5 {
		if body, err = readSegment(r.dir, name); err != nil || !last || len(body) == 0 || body[len(body)-1] == '\n' {
			return body, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return body, nil
}

// A chunk is lines of one file that lie in one stretch.
type chunk struct {
	body        []byte
	first, last int // lines
	from, to    time.Time
}

// segment seals a file, cut where a silence was too long. why says what does
// not follow, from the line on.
func (r *run) segment(ctx context.Context, name string, last bool) (why string, err error) {
	body, err := r.readWhole(ctx, name, last)
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return ": " + err.Error(), nil
	}
	var c chunk
	line := 0
	var failed error
	cut, where, refused := lines(body, func(text []byte) error {
		line++
		if failed != nil {
			return nil
		}
		before := r.at
		e, err := r.take(text)
		if err != nil {
			return err
		}
		failed = r.entry(ctx, name, &c, e, before, line, text)
		return nil
	})
	if failed != nil {
		return "", failed
	}
	if err := r.seal(ctx, name, &c); err != nil {
		return "", err
	}
	switch {
	case refused != nil:
		why = fmt.Sprintf(":%d: %v", where, refused)
	case cut && last:
		why = fmt.Sprintf(":%d: the last line is cut off", where)
	case cut:
		r.cut = fmt.Sprintf("%s:%d", name, where)
	}
	if why != "" {
		err = r.Seal(ctx, audit.Page{Kind: source.KindFailed, Query: "read " + name, Media: "application/x-ndjson", Body: body})
	}
	return why, err
}

// entry puts a line into the chunk, after ending what a silence ends.
func (r *run) entry(ctx context.Context, name string, c *chunk, e entry, before time.Time, line int, text []byte) error {
	silence := e.At.Sub(before)
	if r.stretch != nil && silence > r.gap {
		if err := r.seal(ctx, name, c); err != nil {
			return err
		}
		if err := r.close(ctx, before); err != nil {
			return err
		}
		why := fmt.Sprintf("the receiver was silent from %s to %s", audit.FormatTime(before), audit.FormatTime(e.At))
		if err := r.refuse(ctx, audit.Span{From: before.Add(time.Microsecond), To: e.At}, why); err != nil {
			return err
		}
	}
	if r.stretch == nil {
		r.stretch = &stretch{streams: r.open(audit.Span{From: e.At}), from: e.At, first: e.Seq}
	} else if e.Event == eventStart {
		r.stretch.restart++
		r.stretch.silent += silence
	}
	r.remark(e)
	r.stretch.entries, r.stretch.last = r.stretch.entries+1, e.Seq
	if c.first == 0 {
		c.first, c.from = line, e.At
	}
	c.last, c.to = line, e.At
	c.body = append(append(c.body, text...), '\n')
	return nil
}

// remark says what an entry tells about the journal itself.
func (r *run) remark(e entry) {
	for _, s := range r.stretch.streams {
		if e.Clock != nil {
			s.Fail(fmt.Sprintf("the receiver's clock went back, to %s at entry %d: instants after it are not its own", audit.FormatTime(*e.Clock), e.Seq))
		}
		switch {
		case r.cut == "":
		case e.Event == eventStart && e.Cut:
			s.Note(fmt.Sprintf("a request that was never answered: %s is cut off, which the receiver said when it started again", r.cut))
		default:
			s.Fail(r.cut + " is cut off, and what follows does not speak of it")
		}
	}
	r.cut = ""
}

// seal hands over a chunk. What is later than the instant of reading is still
// on the page; it is about no more than that instant.
func (r *run) seal(ctx context.Context, name string, c *chunk) error {
	if len(c.body) == 0 {
		return nil
	}
	about := audit.Span{From: c.from, To: r.until(c.to)}
	p := audit.Page{Kind: kindJournal, Query: fmt.Sprintf("read %s lines %d-%d", name, c.first, c.last), Media: "application/x-ndjson", Body: c.body, About: about}
	*c = chunk{}
	if about.Empty() {
		return nil // it began after the instant of reading
	}
	return r.Seal(ctx, p, r.stretch.streams...)
}

// until is the end of a stretch whose last instant is t.
func (r *run) until(t time.Time) time.Time {
	if t.After(r.now) {
		t = r.now
	}
	return t.Add(time.Microsecond)
}

// close closes the stretch, whose last entry is of that instant.
func (r *run) close(ctx context.Context, last time.Time) error {
	st := r.stretch
	r.stretch = nil
	if st.from.After(r.now) {
		return r.refuse(ctx, r.Covers(), "the journal goes on only after the instant of reading: one of the clocks is wrong")
	}
	for _, s := range st.streams {
		s.Covers.To = r.until(last)
		s.Reconcile("journal entries numbered and linked without a gap", int(st.last-st.first+1), st.entries)
		if st.restart > 0 {
			s.Note(fmt.Sprintf("what happened in %s in all while the receiver was started again %d times; the provider repeats what it could not deliver", st.silent.Round(time.Second), st.restart))
		}
	}
	return r.Close(ctx, st.streams...)
}

// broken closes what is open up to now: what comes after a break may rest on
// entries that are not there.
func (r *run) broken(ctx context.Context, why string) error {
	if r.stretch == nil {
		covers := r.Covers()
		if !r.at.IsZero() {
			covers.From = r.at
		}
		return r.refuse(ctx, covers, why)
	}
	for _, s := range r.stretch.streams {
		s.Fail(why)
	}
	return r.close(ctx, r.now)
}

// end closes the last stretch, and says so where the receiver does not listen any more.
func (r *run) end(ctx context.Context) error {
	last := r.at
	if r.stretch == nil {
		return r.refuse(ctx, r.Covers(), "the journal is empty: no receiver has listened")
	}
	if err := r.close(ctx, last); err != nil {
		return err
	}
	if r.now.Sub(last) <= r.gap {
		return nil
	}
	return r.refuse(ctx, audit.Span{From: last.Add(time.Microsecond), To: r.now.Add(time.Microsecond)},
		fmt.Sprintf("the receiver has been silent since %s", audit.FormatTime(last)))
}
