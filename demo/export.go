package demo

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// A writer writes one workspace.
type writer struct {
	*world
	dir      string
	progress func(done, total int)
	done     int
	total    int
}

// snapshots is one export of a table, taken at midnight.
type snapshots struct {
	t            *table
	path         string // of each file, without date and extension
	format, key  string
	weekly       bool                              // on Mondays, not every day
	missing      func(d time.Time) bool            // no file on that day
	missingMonth func(m time.Time) bool            // of a change feed
	shortMonth   func(m time.Time) bool            // of a change feed: the source counts more than the file has
	spoil        func(d time.Time, cells []string) // changes what the file says of a row
	limit        func(d time.Time) int             // rows the file stops at; 0 means all
}

// exportTakes is how long after the instant it speaks about an export is
// written.
const exportTakes = 20 * time.Minute

// madeAfter is when the export of a month is made.
func madeAfter(month time.Time) time.Time { return month.AddDate(0, 1, 0).Add(exportTakes) }

func (x *writer) snapshots(ctx context.Context, s snapshots) error {
	things := s.t.all()
	first, step := firstDay, 1
	if s.weekly {
		first, step = firstMonday, 7
	}
	for d := first; !d.After(lastDay); d = addDays(d, step) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.missing != nil && s.missing(d) {
			continue
		}
		if err := x.snapshot(s, d, things); err != nil {
			return err
		}
	}
	return nil
}

func (x *writer) snapshot(s snapshots, d time.Time, things []thing) error {
	w, err := newRowWriter(filepath.Join(x.dir, s.path+"-"+dateText(d)+"."+s.format), s.format, s.key, s.t.cols)
	if err != nil {
		return err
	}
	limit := 0
	if s.limit != nil {
		limit = s.limit(d)
	}
	var cells []string
	total := 0
	for i := range things {
		if !things[i].listed(d) {
			continue
		}
		total++
		if limit > 0 && total > limit {
			continue
		}
		cells = things[i].stateAt(d, cells)
		if s.spoil != nil {
			s.spoil(d, cells)
		}
		w.row(cells)
	}
	return w.close(total, d.Add(exportTakes))
}

// A feed is a table's changes, one file a month: every state with the instant
// it began, and what went away.
type feed struct {
	t           *table
	path        string
	format, key string
	first       time.Time // month of the first file
	baseline    bool      // every file begins with the state of all at the month's start
	missing     func(month time.Time) bool
	short       func(month time.Time) bool // the source counts more changes than the file has
}

var feedColumns = []column{{"changed_at", 's'}, {"change", 's'}}

func (x *writer) feed(ctx context.Context, f feed) error {
	cols := append(append([]column{}, feedColumns...), f.t.cols...)
	writers := map[string]*rowWriter{}
	err := eachMonth(f.first, exportsEnd, func(m time.Time) error {
		if f.missing != nil && f.missing(m) {
			return nil
		}
		w, err := newRowWriter(filepath.Join(x.dir, f.path+"-"+monthText(m)+"."+f.format), f.format, f.key, cols)
		writers[monthText(m)] = w
		return err
	})
	if err != nil {
		return err
	}
	for i := range f.t.n {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if th, ok := f.t.make(i); ok {
			x.feedThing(f, &th, writers)
		}
	}
	return eachMonth(f.first, exportsEnd, func(m time.Time) error {
		if w := writers[monthText(m)]; w != nil {
			total := w.rows
			if f.short != nil && f.short(m) {
				total += 3
			}
			return w.close(total, madeAfter(m))
		}
		return nil
	})
}

// feedThing writes one thing's states into the months they began in.
func (x *writer) feedThing(f feed, th *thing, writers map[string]*rowWriter) {
	var cells []string
	put := func(at time.Time, change string) {
		w := writers[monthText(at)]
		if w == nil {
			return
		}
		cells = append(cells[:0], instantText(at), change)
		w.row(append(cells, th.stateAt(at, nil)...))
	}
	marks := th.instants(f.first)
	for i, at := range marks {
		if i > 0 && at.Equal(marks[i-1]) {
			continue
		}
		if th.listed(at) {
			put(at, "set")
		} else if i > 0 {
			put(at, "deleted")
		}
	}
	if !f.baseline {
		return
	}
	_ = eachMonth(f.first.AddDate(0, 1, 0), exportsEnd, func(m time.Time) error {
		if th.listed(m) {
			put(m, "set")
		}
		return nil
	})
}

// instants are when the thing began or changed, from first on, in order.
func (th *thing) instants(first time.Time) []time.Time {
	var out []time.Time
	add := func(t time.Time) {
		if !t.IsZero() && t.After(first) && t.Before(exportsEnd) {
			out = append(out, t)
		}
	}
	if !th.born.After(first) {
		out = append(out, first)
	}
	add(th.born)
	for _, e := range th.edits {
		if !e.at.Before(th.born) && (th.gone.IsZero() || e.at.Before(th.gone)) {
			add(e.at)
		}
	}
	add(th.gone)
	add(th.away[0])
	add(th.away[1])
	sortBy(out, func(t time.Time) time.Time { return t })
	return out
}

// monthly writes one event file a month from first on.
func (x *writer) monthly(ctx context.Context, path, format, key string, cols []column, first time.Time, events func(month time.Time) []event) error {
	err := eachMonth(first, exportsEnd, func(m time.Time) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := filepath.Join(x.dir, fmt.Sprintf("%s-%s.%s", path, monthText(m), format))
		list := events(m)
		if format == "xlsx" {
			rows := make([][]string, len(list))
			for i, e := range list {
				rows[i] = e.cells
			}
			return writeXLSX(name, key, cols, rows, madeAfter(m))
		}
		w, err := newRowWriter(name, format, key, cols)
		if err != nil {
			return err
		}
		for _, e := range list {
			w.row(e.cells)
		}
		return w.close(len(list), madeAfter(m))
	})
	return err
}

func (x *writer) step() {
	x.done++
	if x.progress != nil {
		x.progress(x.done, x.total)
	}
}
