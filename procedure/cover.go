package procedure

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"tieout/audit"
)

// A stretch is [from, to) in microseconds.
type stretch struct{ from, to int64 }

func (s stretch) cut(o stretch) stretch { return stretch{max(s.from, o.from), min(s.to, o.to)} }
func (s stretch) empty() bool           { return s.from >= s.to }

// A view is when the state of one stream's items is known, for one maxGap and
// up to one instant.
type view struct {
	stream *audit.Stream
	maxGap int64
	known  []stretch  // disjoint, in order, never touching
	points []int64    // complete snapshots
	told   []manifest // histories: in order of record
	tail   stretch    // histories: after what is covered, not collected yet
}

// A manifest says from when on one collection told what changed.
type manifest struct{ record, from int64 }

// newView applies the rules of docs/formats/intervals.md. Snapshots: state is
// known at each, up to the next where that is at most maxGap later, and for at
// most maxGap after the last. Histories: within what they cover; while the
// period runs, and for maxGap after it, the newest maxGap may be outstanding.
func newView(s *audit.Stream, maxGap, asOf, periodTo int64) *view {
	v := &view{stream: s, maxGap: maxGap}
	limit := asOf + 1
	if s.Mode != audit.ModeSnapshot {
		for _, c := range s.Covered {
			v.add(stretch{micros(c.From), min(micros(c.To), limit)})
		}
		v.manifests()
		if n := len(v.known); n > 0 && asOf-v.known[n-1].to < maxGap && asOf < periodTo+maxGap {
			v.tail = stretch{v.known[n-1].to, limit}
		}
		return v
	}
	for _, p := range s.Points {
		if at := micros(p.At); at <= asOf {
			v.points = append(v.points, at)
		}
	}
	for i, p := range v.points {
		switch {
		case i == len(v.points)-1:
			v.add(stretch{p, max(p+1, min(p+maxGap, limit))})
		case v.points[i+1]-p <= maxGap:
			v.add(stretch{p, v.points[i+1]})
		default:
			v.add(stretch{p, p + 1})
		}
	}
	return v
}

// manifests lists what each collection was about, in the order of recording.
func (v *view) manifests() {
	for _, c := range v.stream.Covered {
		v.told = append(v.told, manifest{c.Record, micros(c.From)})
	}
	for _, h := range v.stream.Holes {
		v.told = append(v.told, manifest{h.Record, micros(h.From)})
	}
	slices.SortFunc(v.told, func(a, b manifest) int { return cmp.Or(cmp.Compare(a.record, b.record), cmp.Compare(a.from, b.from)) })
}

// certain is the part of a history's coverage in which a version is known to
// stand, if no later version ends it: from its instant to the end of what is
// covered without a break. A change told of an instant before what its own
// collection was about says how things stood when that began. What was told of
// an instant that nothing covers is certain at that instant only.
func (v *view) certain(ver *audit.Version) stretch {
	at := micros(ver.From.At)
	if k := v.holding(at); !k.empty() {
		return stretch{at, k.to}
	}
	i := sort.Search(len(v.told), func(i int) bool { return v.told[i].record >= ver.Record })
	if i < len(v.told) && v.told[i].from > at {
		if k := v.holding(v.told[i].from); !k.empty() {
			return stretch{v.told[i].from, k.to}
		}
	}
	return stretch{at, at + 1}
}

// holding is the known stretch that holds t; empty where there is none.
func (v *view) holding(t int64) stretch {
	if i := v.first(t); i < len(v.known) && v.known[i].from <= t {
		return v.known[i]
	}
	return stretch{}
}

// stands reports whether the state that ver tells of is known at t, up to the
// next version; and the next instant at which that changes.
func (v *view) stands(ver *audit.Version, t int64) (bool, int64) {
	if v.stream.Mode == audit.ModeSnapshot {
		known, next := v.at(t)
		return known || micros(ver.From.At) == t, next
	}
	c := v.certain(ver)
	switch {
	case t < c.from:
		return t == micros(ver.From.At), c.from
	case t < c.to:
		return true, c.to
	}
	return false, forever
}

// stale says why an item is not known at t though its stream is.
func (v *view) stale(t int64) string {
	i := v.first(t)
	if i == 0 {
		return "nothing tells of it since the history begins at " + text(v.known[0].from)
	}
	hole := stretch{v.known[i-1].to, v.known[i].from}
	why, _ := v.why(hole)
	return fmt.Sprintf("nothing tells of it since the gap in its history from %s to %s: %s", text(hole.from), text(hole.to), why)
}

func (v *view) add(s stretch) {
	if s.empty() {
		return
	}
	if n := len(v.known); n > 0 && v.known[n-1].to >= s.from {
		v.known[n-1].to = max(v.known[n-1].to, s.to)
		return
	}
	v.known = append(v.known, s)
}

// first returns the index of the first known stretch that ends after t.
func (v *view) first(t int64) int {
	if len(v.known) == 1 {
		if v.known[0].to > t {
			return 0
		}
		return 1
	}
	return sort.Search(len(v.known), func(i int) bool { return v.known[i].to > t })
}

// at reports whether state is known at t, and the next instant that changes.
func (v *view) at(t int64) (bool, int64) {
	i := v.first(t)
	if i == len(v.known) {
		return false, forever
	}
	if v.known[i].from <= t {
		return true, v.known[i].to
	}
	return false, v.known[i].from
}

// covers reports whether all of s is known; else the first part that is not.
func (v *view) covers(s stretch) (bool, stretch) {
	gaps := v.gaps(s)
	if len(gaps) == 0 {
		return true, stretch{}
	}
	return false, gaps[0]
}

// gaps are the parts of s that are not known and not merely outstanding.
func (v *view) gaps(s stretch) []stretch {
	if !v.tail.empty() {
		s.to = min(s.to, v.tail.from)
	}
	if s.empty() {
		return nil
	}
	var out []stretch
	t := s.from
	for i := v.first(s.from); i < len(v.known) && v.known[i].from < s.to; i++ {
		if v.known[i].from > t {
			out = append(out, stretch{t, v.known[i].from})
		}
		t = v.known[i].to
	}
	if t < s.to {
		out = append(out, stretch{t, s.to})
	}
	return out
}

// knownIn are the parts of s that are known.
func (v *view) knownIn(s stretch) []stretch {
	var out []stretch
	for i := v.first(s.from); i < len(v.known) && v.known[i].from < s.to; i++ {
		out = append(out, v.known[i].cut(s))
	}
	return out
}

// observations counts the complete snapshots in s.
func (v *view) observations(s stretch) int {
	a, _ := slices.BinarySearch(v.points, s.from)
	b, _ := slices.BinarySearch(v.points, s.to)
	return b - a
}

// complete reports whether something first seen at b was seen in a complete
// snapshot, and if not, when the next one was.
func (v *view) complete(b audit.Bound) (bool, int64) {
	i, found := slices.BinarySearch(v.points, micros(b.At))
	if found || b.Exact() {
		return true, 0
	}
	if i < len(v.points) {
		return false, v.points[i]
	}
	return false, forever
}

// why says in words why nothing is known in gap, and which records say so.
func (v *view) why(gap stretch) (string, []int64) {
	var words []string
	var records []int64
	for _, h := range v.stream.Holes {
		a, b := micros(h.From), micros(h.To)
		if a < gap.to && max(b, a+1) > gap.from {
			words, records = append(words, h.Reason), append(records, h.Record)
		}
	}
	words = unique(words)
	if n := len(words); n > 3 {
		words = append(words[:3], fmt.Sprintf("and %d other reasons", n-3))
	}
	between := v.between(gap)
	if len(words) > 0 {
		between += ": " + strings.Join(words, "; ")
	}
	return between, sortedRecords(records)
}

// hole names the whole gap of the stream around t, and says why it is one.
func (v *view) hole(t int64) (name, why string) {
	i := v.first(t)
	from, to := always, forever
	if i > 0 {
		from = v.known[i-1].to
	}
	if i < len(v.known) {
		to = v.known[i].from
	}
	why, _ = v.why(stretch{from, to})
	name = "of " + streamName(v.stream.StreamKey)
	switch {
	case v.stream.Mode == audit.ModeSnapshot || len(v.known) == 0:
	case i == 0:
		name += " before " + text(to)
	case to == forever:
		name += " after " + text(from)
	default:
		name += " from " + text(from) + " to " + text(to)
	}
	return name + ": " + why, why
}

func (v *view) between(gap stretch) string {
	if v.stream.Mode != audit.ModeSnapshot {
		return "no complete history covers it"
	}
	i, _ := slices.BinarySearch(v.points, gap.from+1)
	switch {
	case len(v.points) == 0:
		return "there is no complete observation"
	case i == 0:
		return "the first complete observation is at " + text(v.points[0])
	case i == len(v.points):
		return "the last complete observation was at " + text(v.points[i-1])
	}
	return fmt.Sprintf("no complete observation between %s and %s, more than %s apart", text(v.points[i-1]), text(v.points[i]), words(v.maxGap))
}

// words writes a length of time for people.
func words(us int64) string {
	switch {
	case us%week == 0:
		return fmt.Sprintf("%d weeks", us/week)
	case us%day == 0 && us > day:
		return fmt.Sprintf("%d days", us/day)
	case us%hour == 0:
		return fmt.Sprintf("%d hours", us/hour)
	}
	return fmt.Sprintf("%d minutes", us/minute)
}

func unique(s []string) []string {
	var out []string
	for _, x := range s {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

func sortedRecords(r []int64) []int64 {
	slices.Sort(r)
	return slices.Compact(r)
}

// A seg is a part of one item's life in which one version stands and what is
// known of it stays the same.
type seg struct {
	stretch
	ver  int
	kind segKind
}

type segKind uint8

const (
	segGap   segKind = iota // not known
	segWeak                 // seen, but only in an incomplete collection
	segStale                // the stream was seen, but tells nothing of the item since a gap
	segKnown
)

// segments cuts the life of h within range r. Versions first seen after asOf
// are left out.
func (v *view) segments(out []seg, h *audit.History, r stretch, asOf int64) []seg {
	for i := range h.Versions {
		ver := &h.Versions[i]
		at := micros(ver.From.At)
		if at > asOf || at >= r.to {
			break
		}
		if ver.Gone {
			continue
		}
		life := stretch{at, forever}
		if i+1 < len(h.Versions) {
			if next := micros(h.Versions[i+1].From.At); next <= asOf {
				life.to = next
			}
		}
		if life = life.cut(r); !life.empty() {
			if v.stream.Mode == audit.ModeSnapshot {
				out = v.cutLife(out, i, ver.From, life)
			} else {
				out = v.cutTold(out, i, ver, life)
			}
		}
	}
	return out
}

// cutTold cuts the life of a version that a history tells of. Of what is
// outstanding nothing is said yet.
func (v *view) cutTold(out []seg, ver int, told *audit.Version, life stretch) []seg {
	c := v.certain(told)
	if !v.tail.empty() {
		life.to = min(life.to, v.tail.from)
	}
	for t := life.from; t < life.to; {
		known, to := v.at(t)
		to = min(to, life.to)
		kind := segStale
		switch {
		case !known && t == c.from:
			kind, to = segWeak, t+1
		case !known:
			kind = segGap
		case t < c.from:
			to = min(to, c.from)
		case t < c.to:
			kind, to = segKnown, min(to, c.to)
		}
		out = append(out, seg{stretch{t, to}, ver, kind})
		t = to
	}
	return out
}

func (v *view) cutLife(out []seg, ver int, from audit.Bound, life stretch) []seg {
	complete, next := v.complete(from)
	weak := stretch{life.from, life.from}
	if !complete {
		weak = stretch{micros(from.At), next}
	}
	t := life.from
	for i := v.first(t); t < life.to; i++ {
		known := stretch{life.to, life.to}
		if i < len(v.known) {
			known = v.known[i].cut(stretch{t, life.to})
		}
		if known.empty() {
			known = stretch{life.to, life.to}
		}
		out = appendGap(out, ver, stretch{t, known.from}, weak)
		if w := known.cut(weak); !w.empty() {
			out = append(out, seg{w, ver, segWeak})
			known.from = w.to
		}
		if !known.empty() {
			out = append(out, seg{known, ver, segKnown})
		}
		t = max(known.to, known.from)
	}
	return out
}

// appendGap adds what is not known; the instant of an incomplete observation
// in it was seen all the same.
func appendGap(out []seg, ver int, gap, weak stretch) []seg {
	if gap.empty() {
		return out
	}
	if !weak.empty() && weak.from == gap.from {
		out = append(out, seg{stretch{gap.from, gap.from + 1}, ver, segWeak})
		gap.from++
	}
	if !gap.empty() {
		out = append(out, seg{gap, ver, segGap})
	}
	return out
}
