package redraw

import (
	"bytes"
	"cmp"
	"container/heap"
	"crypto/sha256"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/engagement"
	"tieout/sample"
)

// A Selection is how one stratum is picked from.
type Selection struct {
	Stratum string // "": every item of the population, whatever its stratum
	Seed    [32]byte
	Size    int
}

// A Picked is what a Selection gave.
type Picked struct {
	Count int  // items it was picked from
	Start int  // systematic: the first position, 1-based
	Items []ID // in the order in which they were picked
}

// Pick reads item lines once and picks by each selection; random and stratified
// take the first of sample.Rank, systematic every n-th of the sorted ids. It asks
// for no more than there is: fewer items than Size give them all. each, where it
// is not nil, is called with every item.
func Pick(r io.Reader, method engagement.Method, sel []Selection, each func(ID)) (Total, []Picked, error) {
	return pick(r, method, sel, each, true)
}

// PickAgain is Pick for lines that were read before and whose digest the caller
// compares: that no ID comes twice was seen then.
func PickAgain(r io.Reader, method engagement.Method, sel []Selection, each func(ID)) (Total, []Picked, error) {
	return pick(r, method, sel, each, false)
}

func pick(r io.Reader, method engagement.Method, sel []Selection, each func(ID), once bool) (Total, []Picked, error) {
	if each == nil {
		each = func(ID) {}
	}
	if method == engagement.Systematic {
		return systematic(r, sel, each, once)
	}
	tops := make([]*top, len(sel))
	for i, s := range sel {
		tops[i] = newTop(s)
	}
	total, err := read(r, nil, func(it ID) error {
		each(it)
		for _, t := range tops {
			t.add(it)
		}
		return nil
	}, once)
	out := make([]Picked, len(sel))
	for i, t := range tops {
		out[i] = Picked{Count: t.count, Items: t.items()}
	}
	return total, out, err
}

// top keeps the first n of sample.Rank of the items it is given, in memory for n.
type top struct {
	sel   Selection
	buf   []byte // seed and separator, then the id
	count int
	kept  ranked
}

type rank struct {
	sum [32]byte
	ID
}

// ranked is a heap with the last of the kept ones on top.
type ranked []rank

func (r ranked) Len() int           { return len(r) }
func (r ranked) Less(i, j int) bool { return order(r[i], r[j]) > 0 }
func (r ranked) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *ranked) Push(x any)        { *r = append(*r, x.(rank)) }
func (r *ranked) Pop() any          { x := (*r)[len(*r)-1]; *r = (*r)[:len(*r)-1]; return x }

func order(a, b rank) int {
	return cmp.Or(bytes.Compare(a.sum[:], b.sum[:]), cmp.Compare(a.ID.ID, b.ID.ID))
}

func newTop(s Selection) *top {
	return &top{sel: s, buf: append(slices.Clone(s.Seed[:]), sample.Separator)}
}

func (t *top) add(it ID) {
	if t.sel.Stratum != "" && it.Stratum != t.sel.Stratum {
		return
	}
	t.count++
	t.buf = append(t.buf[:33], it.ID...)
	x := rank{sha256.Sum256(t.buf), it}
	switch {
	case len(t.kept) < t.sel.Size:
		heap.Push(&t.kept, x)
	case t.sel.Size > 0 && order(x, t.kept[0]) < 0:
		t.kept[0] = x
		heap.Fix(&t.kept, 0)
	}
}

func (t *top) items() []ID {
	slices.SortFunc(t.kept, order)
	out := make([]ID, len(t.kept))
	for i, x := range t.kept {
		out[i] = x.ID
	}
	return out
}

// systematic sorts the ids and takes every (count/size)-th from Start on.
func systematic(r io.Reader, sel []Selection, each func(ID), once bool) (Total, []Picked, error) {
	if len(sel) != 1 || sel[0].Stratum != "" {
		return Total{}, nil, fmt.Errorf("%w: a systematic draw is one over the whole population", audit.ErrInvalid)
	}
	var all []ID
	total, err := read(r, nil, func(it ID) error {
		each(it)
		all = append(all, it)
		return nil
	}, once)
	if err != nil {
		return total, nil, err
	}
	slices.SortFunc(all, func(a, b ID) int { return strings.Compare(a.ID, b.ID) })
	p := Picked{Count: len(all)}
	size := min(sel[0].Size, len(all))
	if size <= 0 {
		return total, []Picked{p}, nil
	}
	p.Start = Start(sel[0].Seed, len(all), size)
	places, err := sample.Systematic(len(all), size, p.Start)
	if err != nil {
		return total, nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	for _, n := range places {
		p.Items = append(p.Items, all[n-1])
	}
	return total, []Picked{p}, nil
}

// Start is the first position of a systematic draw of n from N: the seed as a
// big-endian number modulo the interval floor(N/n), plus one.
func Start(seed [32]byte, N, n int) int {
	interval := big.NewInt(int64(N / n))
	return int(new(big.Int).Mod(new(big.Int).SetBytes(seed[:]), interval).Int64()) + 1
}

// IDs are the ids of items.
func IDs(items []ID) []string {
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = it.ID
	}
	return out
}

// WithoutVoid are the first n items in order that were not replaced as void.
func WithoutVoid(order []ID, replaced []engagement.Replacement, n int) []ID {
	var out []ID
	for _, it := range order {
		if len(out) < n && !slices.ContainsFunc(replaced, func(r engagement.Replacement) bool { return r.Item == it.ID }) {
			out = append(out, it)
		}
	}
	return out
}
