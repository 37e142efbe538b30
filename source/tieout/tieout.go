// Package tieout is the source that reads this workspace's own log: which
// collections ended and how, and which runs of the procedures were sealed. The
// monitoring of controls is a control too, and is tested like the others.
package tieout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tieout/audit"
	"tieout/source"
)

// Kinds of page: one day of either.
const (
	kindFeeds = "tieout.feeds"
	kindRuns  = "tieout.runs"
)

// Driver is the tieout source. docs/sources/tieout.md describes it.
var Driver = &source.Driver{
	Name:    "tieout",
	Version: 1,
	Title:   "This workspace's own log: its collections and its runs",
	Types:   []string{"feed", "controlTest"},
	Scopes:  []source.Scope{{Name: "this workspace", Why: "the records of its own log; nothing outside is asked"}},
	Cannot: []string{
		"collections and runs before the log of this workspace began",
		"a collection that was never started: what is expected is what the procedure says",
	},
	Open:      open,
	Normalize: normalize,
}

type collector struct {
	name string
	env  source.Env
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	if err := source.Strict(with, &struct{}{}); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	return &collector{name, env}, json.RawMessage("{}"), nil
}

// A day is the lines of one kind within one day (UTC), each a source.Activity.
type day struct {
	kind string
	from time.Time
	body bytes.Buffer
}

// Collect seals one page for each day and kind. A day that is over never
// changes, so that its page is sealed once.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: c.name, Window: w, Sink: sink}
	covers := run.Covers()
	if c.env.Activity == nil {
		return run.Refuse(ctx, "this program keeps no log of its own", c.streams(run, covers)...)
	}
	var days []*day
	last := map[string]*day{}
	begins, err := c.env.Activity(ctx, func(a source.Activity) error {
		if !covers.Contains(a.At) {
			return ctx.Err()
		}
		d := last[kindOf(a)]
		if from := a.At.UTC().Truncate(24 * time.Hour); d == nil || !d.from.Equal(from) {
			d = &day{kind: kindOf(a), from: from}
			last[d.kind], days = d, append(days, d)
		}
		return json.NewEncoder(&d.body).Encode(a)
	})
	if err != nil {
		return fmt.Errorf("source %s: %w", c.name, err)
	}
	if begins.After(covers.From) {
		covers.From = begins
	}
	streams := c.streams(run, covers)
	for _, d := range days {
		if err := run.Seal(ctx, d.page(covers), streams[index(d.kind)]); err != nil {
			return err
		}
	}
	return run.Close(ctx, streams...)
}

func kindOf(a source.Activity) string {
	if a.Kind == "run" {
		return kindRuns
	}
	return kindFeeds
}

func index(kind string) int {
	if kind == kindRuns {
		return 1
	}
	return 0
}

func (c *collector) streams(run *source.Run, covers audit.Span) []*source.Stream {
	out := []*source.Stream{
		run.EventsIn(covers, "feed", "", Driver.Cannot, kindFeeds),
		run.EventsIn(covers, "controlTest", "", Driver.Cannot, kindRuns),
	}
	for _, s := range out {
		s.Asked("records of this workspace's log")
	}
	return out
}

// page is a day as a page, cut to what the stream covers.
func (d *day) page(covers audit.Span) audit.Page {
	about := audit.Span{From: d.from, To: d.from.Add(24 * time.Hour)}
	if about.From.Before(covers.From) {
		about.From = covers.From
	}
	if about.To.After(covers.To) {
		about.To = covers.To
	}
	return audit.Page{Kind: d.kind, Query: "log " + d.from.Format(time.DateOnly), Media: "application/jsonl", Body: d.body.Bytes(), About: about}
}

func normalize(_ json.RawMessage, p audit.Page) ([]audit.Item, error) {
	if p.Kind == source.KindFailed {
		return nil, nil
	}
	if p.Kind != kindFeeds && p.Kind != kindRuns {
		return nil, fmt.Errorf("%w: tieout gives no page of kind %q", audit.ErrInvalid, p.Kind)
	}
	var r source.Reading
	for i, line := range bytes.Split(bytes.TrimSuffix(p.Body, []byte("\n")), []byte("\n")) {
		if err := read(&r, p.Kind, line); err != nil {
			r.Refuse(fmt.Sprintf("line %d", i+1), err)
		}
	}
	return r.Done()
}

func read(r *source.Reading, kind string, line []byte) error {
	var a source.Activity
	if err := source.Strict(line, &a); err != nil {
		return err
	}
	if a.Index < 0 || len(bytes.TrimSpace(line)) == 0 {
		return errors.New("it names no entry of the log")
	}
	id := audit.EvidenceRef(a.Index)
	if kind == kindRuns {
		r.Add("controlTest", id, a.At, source.Fields{"by": a.By, "procedures": a.Procedures, "deviations": a.Deviations,
			"noEvidence": a.NoEvidence, "definition": a.Revision})
		return nil
	}
	result := "incomplete"
	if a.Complete {
		result = "complete"
	}
	problems := a.Problems
	if problems == nil {
		problems = []string{}
	}
	r.Add("feed", id, a.At, source.Fields{"source": a.Source, "driver": a.Driver, "result": result, "streams": a.Streams, "problems": problems})
	return nil
}
