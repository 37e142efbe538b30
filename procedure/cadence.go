package procedure

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"tieout/audit"
)

// A window is one calendar window in which an occurrence is due.
type window struct {
	stretch
	name     string // "2026-Q1"
	deadline int64  // when it had to be done
	limit    int64  // until when it counts as late
	records  []int64
}

// windowAt is the window that holds t.
func windowAt(every string, t int64, zone *time.Location) window {
	local := instant(t).In(zone)
	y, m, d := local.Date()
	date := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, zone) }
	make := func(from, to time.Time, name string) window {
		return window{stretch: stretch{micros(from), micros(to)}, name: name}
	}
	switch every {
	case "day":
		return make(date(y, m, d), date(y, m, d+1), local.Format(time.DateOnly))
	case "week":
		mon := d - (int(local.Weekday())+6)%7
		iy, iw := local.ISOWeek()
		return make(date(y, m, mon), date(y, m, mon+7), fmt.Sprintf("%d-W%02d", iy, iw))
	case "month":
		return make(date(y, m, 1), date(y, m+1, 1), local.Format("2006-01"))
	case "quarter":
		q := (m - 1) / 3
		return make(date(y, q*3+1, 1), date(y, q*3+4, 1), fmt.Sprintf("%d-Q%d", y, q+1))
	case "half-year":
		h := (m - 1) / 6
		return make(date(y, h*6+1, 1), date(y, h*6+7, 1), fmt.Sprintf("%d-H%d", y, h+1))
	}
	return make(date(y, 1, 1), date(y+1, 1, 1), fmt.Sprintf("%d", y))
}

// A schedule tests one cadence: its windows, what each is due for, and what was
// done. It is complete before subjects are tested, each by one goroutine.
type schedule struct {
	run      *run
	t        *task
	zone     *time.Location
	windows  []window
	subjects []*subject
	unkeyed  []doubt // whose it is was not collected
	each     []*view // of the streams of each
}

// A subject is one item of `each`, or the whole organization.
type subject struct {
	id     string // "" without each
	hist   *audit.History
	done   []performance // in order of time
	doubts []doubt       // in order of time
}

// A performance is one event that performed something.
type performance struct {
	hist   int32
	at     int64
	used   *occasion
	result *tested // once asked for
}

// A doubt is an event that may be a performance.
type doubt struct {
	at    int64
	why   string
	cause string
}

// maxWindows bounds how many occurrences one subject can have.
const maxWindows = 4000

// runCadence tests every window of the span, for every subject.
func (t *task) runCadence(ctx context.Context, r *run, tb *table) error {
	s := &schedule{run: r, t: t, zone: r.in.Period.Location()}
	if err := s.plan(); err != nil {
		return err
	}
	s.listSubjects()
	if err := s.collect(ctx, tb); err != nil {
		return fmt.Errorf("procedure %s: %w", t.p.ID, err)
	}
	err := inOrder(ctx, chunks(len(s.subjects)), func(ctx context.Context) func(int) (*chunk, error) {
		x := newExaminer(ctx, s, tb)
		return x.examine
	}, func(c *chunk) error { return r.merge([]*task{t}, c) })
	if err != nil {
		return fmt.Errorf("procedure %s: %w", t.p.ID, err)
	}
	return nil
}

// plan lists the windows that end in the span, then the one it ends in, and
// before them those whose allowance reaches into the first.
func (s *schedule) plan() error {
	w := s.at(s.t.span.from)
	for back := w; !s.run.in.alone && len(s.windows) < 8; {
		back = s.at(back.from - 1)
		if back.limit <= w.from || !s.covered(stretch{back.from, w.from}) {
			break
		}
		s.windows = append(s.windows, back)
	}
	slices.Reverse(s.windows)
	for ; w.from < s.t.span.to; w = s.at(w.to) {
		if s.windows = append(s.windows, w); len(s.windows) > maxWindows {
			return fmt.Errorf("%w: procedure %s: more than %d windows in the period", audit.ErrInvalid, s.t.p.ID, maxWindows)
		}
	}
	for i := range s.windows {
		s.windows[i].records = s.records(stretch{s.windows[i].from, s.windows[i].limit})
	}
	return nil
}

// at is the window that holds t, with its deadlines.
func (s *schedule) at(t int64) window {
	c := s.t.p.cadence
	w := windowAt(c.every, t, s.zone)
	w.deadline = s.run.cal.add(w.to, c.due)
	w.limit = s.run.cal.add(w.deadline, c.late)
	return w
}

// records are the complete collections of the events that cover some of in.
func (s *schedule) records(in stretch) []int64 {
	var out []int64
	for _, v := range s.t.views {
		for _, c := range v.stream.Covered {
			if micros(c.From) < in.to && micros(c.To) > in.from {
				out = append(out, c.Record)
			}
		}
	}
	return sortedRecords(out)
}

// covered reports whether every stream of the events covers in.
func (s *schedule) covered(in stretch) bool {
	for _, v := range s.t.views {
		if ok, _ := v.covers(in); !ok {
			return false
		}
	}
	return len(s.t.views) > 0
}

// listSubjects finds the items of each, or one subject for the organization.
func (s *schedule) listSubjects() {
	each := s.t.p.cadence.each
	if each == nil {
		s.subjects = []*subject{{}}
		return
	}
	tb := s.run.tables[each.layout.typ.Name]
	s.each = tb.view(s.t.p.maxGap)
	if len(s.each) == 0 {
		s.t.total.gap(gapKey{stream: -1, reason: "nothing collects " + each.layout.typ.Name}, 0, s.t.span, nil)
	}
	for _, v := range s.each {
		for _, g := range v.gaps(s.t.span) {
			why, records := v.why(g)
			s.t.total.gap(gapKey{stream: -1, reason: fmt.Sprintf("%s of %s: %s", each.layout.typ.Name, streamName(v.stream.StreamKey), why)}, 0, g, records)
		}
	}
	s.subjects = make([]*subject, len(tb.tl.Histories))
	all := make([]subject, len(tb.tl.Histories))
	for i := range tb.tl.Histories {
		all[i] = subject{id: tb.tl.Histories[i].ID, hist: &tb.tl.Histories[i]}
		s.subjects[i] = &all[i]
	}
}

// A telling is what one event says of itself: whose performance it is, if it is
// one (yes), may be one (unsure) or is none.
type telling struct {
	hist  int32
	at    int64
	key   string
	unkey bool
	answer
}

// collect asks of every event of the population whether it is a performance,
// and hands it to its subjects.
func (s *schedule) collect(ctx context.Context, tb *table) error {
	by := make(map[string][]*subject, len(s.subjects))
	for _, sub := range s.subjects {
		by[sub.id] = append(by[sub.id], sub)
	}
	hs := tb.tl.Histories
	err := inOrder(ctx, chunks(len(hs)), func(ctx context.Context) func(int) ([]telling, error) {
		e := newEvaluator(ctx, s.run, tb, []*task{s.t})
		return func(i int) ([]telling, error) { return s.tell(e, i*chunkItems, min((i+1)*chunkItems, len(hs))) }
	}, func(all []telling) error {
		for i := range all {
			s.hand(by, &all[i])
		}
		return nil
	})
	for _, sub := range s.subjects {
		slices.SortStableFunc(sub.done, func(a, b performance) int { return cmp.Compare(a.at, b.at) })
		slices.SortStableFunc(sub.doubts, func(a, b doubt) int { return cmp.Compare(a.at, b.at) })
	}
	slices.SortStableFunc(s.unkeyed, func(a, b doubt) int { return cmp.Compare(a.at, b.at) })
	return err
}

func (s *schedule) hand(by map[string][]*subject, x *telling) {
	d := doubt{x.at, s.t.p.ItemType + " " + x.why, x.cause}
	if x.unkey {
		s.unkeyed = append(s.unkeyed, d)
		return
	}
	for _, sub := range by[x.key] {
		if x.tri == yes {
			sub.done = append(sub.done, performance{hist: x.hist, at: x.at})
		} else {
			sub.doubts = append(sub.doubts, d)
		}
	}
}

// tell asks the events of histories from to to.
func (s *schedule) tell(e *evaluator, from, to int) ([]telling, error) {
	p := s.t.p
	where, done := e.node(p, p.where), e.node(p, p.cadence.performed)
	var out []telling
	for i := from; i < to; i++ {
		h := &e.table.tl.Histories[i]
		at := micros(h.Versions[0].From.At)
		if at < s.windows[0].from || at > s.run.asOf {
			continue
		}
		if err := e.load(h); err != nil {
			return nil, err
		}
		x := telling{hist: int32(i), at: at, answer: answer{tri: yes}}
		e.clock.set(at)
		for _, n := range []*node{done, where} {
			if err := n.answerTo(&e.act, e.rows[0], &x.answer); err != nil {
				return nil, err
			}
		}
		if x.tri != no {
			s.keyed(&x, e.rows[0])
			out = append(out, x)
		}
	}
	return out, nil
}

// answerTo asks the question and leaves the lesser of its answer and a.
func (n *node) answerTo(a *activation, r *row, into *answer) error {
	if n == nil || into.tri == no {
		return nil
	}
	ask := n.ask
	if n.prog.clock {
		ask = n.eval
	}
	if err := ask(a, r); err != nil {
		return err
	}
	if n.last.tri != yes {
		*into = n.last
	}
	return nil
}

func (s *schedule) keyed(x *telling, r *row) {
	each := s.t.p.cadence.each
	switch {
	case each == nil:
	case !r.known(each.key):
		x.unkey = true
		x.answer = answer{why: r.name + "." + r.layout.names[each.key] + " was not collected"}
	default:
		x.key = unquote(r.slots[each.key].raw)
	}
	if x.tri == unsure {
		x.cause = "it may be what was due: " + x.gap()
		x.why = r.id + " may be it: " + x.why
	}
}
