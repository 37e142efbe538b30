package procedure

import (
	"fmt"
	"slices"
	"sort"

	"tieout/audit"
)

// A table is one item type's timeline with what joins need of it. It is
// complete before workers start and read-only then.
type table struct {
	layout *layout
	tl     *audit.Timeline // never nil; without streams where nothing was collected
	asOf   int64
	end    int64             // of the period
	views  map[int64][]*view // by maxGap, then stream
	index  map[int]*index    // by slot
}

// An index finds the histories that ever had a value in a slot.
type index struct {
	by      map[string][]int32
	unkeyed []int32 // in some version the field was not collected
}

func newTable(typ string, tl *audit.Timeline, asOf, end int64) (*table, error) {
	if tl == nil {
		tl = &audit.Timeline{Type: typ}
	}
	if tl.Type != typ {
		return nil, fmt.Errorf("%w: timeline of %q where %q was asked for", audit.ErrInvalid, tl.Type, typ)
	}
	for i := range tl.Histories {
		h := &tl.Histories[i]
		if h.Stream < 0 || h.Stream >= len(tl.Streams) || len(h.Versions) == 0 {
			return nil, fmt.Errorf("%w: timeline of %s: history %q has no stream or no version", audit.ErrInvalid, typ, h.ID)
		}
	}
	return &table{layout: layouts()[typ], tl: tl, asOf: asOf, end: end, views: map[int64][]*view{}, index: map[int]*index{}}, nil
}

// view prepares what is known of every stream for one maxGap.
func (t *table) view(maxGap int64) []*view {
	if v, ok := t.views[maxGap]; ok {
		return v
	}
	v := make([]*view, len(t.tl.Streams))
	for i := range t.tl.Streams {
		v[i] = newView(&t.tl.Streams[i], maxGap, t.asOf, t.end)
	}
	t.views[maxGap] = v
	return v
}

// prepare builds the index of a slot.
func (t *table) prepare(at int) error {
	if at == slotID || t.index[at] != nil {
		return nil
	}
	ix := &index{by: map[string][]int32{}}
	slots := make([]slot, len(t.layout.names))
	for i := range t.tl.Histories {
		h := &t.tl.Histories[i]
		for k := range h.Versions {
			v := &h.Versions[k]
			if v.Gone {
				continue
			}
			clear(slots)
			if err := decodeBody(t.layout, v.Body, 1<<at, slots); err != nil {
				return fmt.Errorf("%s %q, record %s: %w", t.layout.typ.Name, h.ID, audit.EvidenceRef(v.Record), err)
			}
			if slots[at].raw == nil {
				ix.unkeyed = appendOnce(ix.unkeyed, int32(i))
				continue
			}
			key := unquote(slots[at].raw)
			ix.by[key] = appendOnce(ix.by[key], int32(i))
		}
	}
	t.index[at] = ix
	return nil
}

func appendOnce(list []int32, i int32) []int32 {
	if n := len(list); n > 0 && list[n-1] == i {
		return list
	}
	return append(list, i)
}

// candidates are the histories whose slot may have had one of keys, in order,
// and those in which it was not collected at some time.
func (t *table) candidates(slot int, keys []string) (ids, unkeyed []int32) {
	if slot == slotID {
		for _, k := range keys {
			ids = append(ids, t.named(k)...)
		}
	} else {
		for _, k := range keys {
			ids = append(ids, t.index[slot].by[k]...)
		}
		unkeyed = t.index[slot].unkeyed
	}
	if len(keys) > 1 {
		slices.Sort(ids)
		ids = slices.Compact(ids)
	}
	return ids, unkeyed
}

// named are the histories with an id: one in each stream that tells of it.
func (t *table) named(id string) []int32 {
	hs := t.tl.Histories
	var out []int32
	for i := sort.Search(len(hs), func(i int) bool { return hs[i].ID >= id }); i < len(hs) && hs[i].ID == id; i++ {
		out = append(out, int32(i))
	}
	return out
}

// count is how many candidates there are at most.
func (t *table) count(slot int, keys []string) int {
	if slot == slotID {
		return len(keys)
	}
	n := len(t.index[slot].unkeyed)
	for _, k := range keys {
		n += len(t.index[slot].by[k])
	}
	return n
}

// streamItems counts the histories of each stream.
func (t *table) streamItems() []int {
	n := make([]int, len(t.tl.Streams))
	for i := range t.tl.Histories {
		n[t.tl.Histories[i].Stream]++
	}
	return n
}
