package sample

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// Separator stands between seed and id in the ranking hash.
const Separator = 0x1F

// seedTag names what a seed hash is for, so that no other hash can be one.
const seedTag = "tieout/sample-seed/v1"

// Draw names the one draw a seed is good for. Root is the log root at which the
// population was frozen; Nonce is the auditor's, committed before the freeze
// and revealed at the draw. Neither side alone can steer the seed, and a
// re-freeze is a new round.
type Draw struct {
	Root       [32]byte
	Nonce      [32]byte
	Engagement string
	Control    string
	Round      string
	Stratum    string // empty when the population has no strata
}

// Seed returns SHA-256 over the domain tag and the fields of d in the order
// they are declared, each preceded by its length as 8 bytes, big-endian.
func (d Draw) Seed() [32]byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(seedTag), d.Root[:], d.Nonce[:],
		[]byte(d.Engagement), []byte(d.Control), []byte(d.Round), []byte(d.Stratum)} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return [32]byte(h.Sum(nil))
}

// Rank returns the ids in the order in which they are picked: by
// SHA-256(seed || 0x1F || id), ties by id. The order of the input plays no part
// and the picks of a smaller sample are the first of a larger one. An empty or
// repeated id is an error, because it would give an item no chance or two.
func Rank(seed []byte, ids []string) ([]string, error) {
	type ranked struct {
		sum [32]byte
		id  string
	}
	all := make([]ranked, len(ids))
	for i, id := range ids {
		if id == "" {
			return nil, fmt.Errorf("id %d of %d is empty: every item of a population needs one", i+1, len(ids))
		}
		all[i] = ranked{rankHash(seed, id), id}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(bytes.Compare(a.sum[:], b.sum[:]), cmp.Compare(a.id, b.id))
	})
	out := make([]string, len(all))
	for i, r := range all {
		if i > 0 && r.id == all[i-1].id {
			return nil, fmt.Errorf("id %q is listed twice: an item may be in a population once", r.id)
		}
		out[i] = r.id
	}
	return out, nil
}

// Select returns the first n of Rank.
func Select(seed []byte, ids []string, n int) ([]string, error) {
	if n < 0 || n > len(ids) {
		return nil, fmt.Errorf("%d items of a population of %d: give 0 to %d", n, len(ids), len(ids))
	}
	order, err := Rank(seed, ids)
	if err != nil {
		return nil, err
	}
	return order[:n], nil
}

func rankHash(seed []byte, id string) [32]byte {
	h := sha256.New()
	h.Write(seed)
	h.Write([]byte{Separator})
	h.Write([]byte(id))
	return [32]byte(h.Sum(nil))
}

// Systematic returns n positions (1-based) of a sorted population of N: start,
// then every floor(N/n) further. start is 1 to the interval. Whoever uses it
// checks the population for a periodic order first.
func Systematic(N, n, start int) ([]int, error) {
	if err := checkPopulation(N, n); err != nil {
		return nil, err
	}
	interval := N / n
	if start < 1 || start > interval {
		return nil, fmt.Errorf("start %d: give 1 to the interval %d", start, interval)
	}
	out := make([]int, n)
	for i := range out {
		out[i] = start + i*interval
	}
	return out, nil
}

// Allocate splits n items over strata of the given sizes by largest remainder,
// ties to the earlier stratum. With atLeastOne every stratum that is not empty
// first gets one item; n must suffice for that.
func Allocate(strata []int, n int, atLeastOne bool) ([]int, error) {
	total, filled := 0, 0
	for i, s := range strata {
		if s < 0 || s > MaxItems {
			return nil, fmt.Errorf("stratum %d has %d items: give 0 to %d", i+1, s, MaxItems)
		}
		total += s
		filled += min(s, 1)
	}
	if err := checkPopulation(total, n); err != nil {
		return nil, err
	}
	if !atLeastOne {
		return largestRemainder(strata, total, n), nil
	}
	if n < filled {
		return nil, fmt.Errorf("%d items for %d strata with one each: take at least %d", n, filled, filled)
	}
	return withFloor(strata, total, n), nil
}

// largestRemainder gives each stratum floor(n*size/total), then the rest one by
// one to the largest remainders.
func largestRemainder(strata []int, total, n int) []int {
	out := make([]int, len(strata))
	order := make([]int, len(strata))
	left := n
	for i, s := range strata {
		out[i] = int(int64(s) * int64(n) / int64(total))
		order[i] = i
		left -= out[i]
	}
	rest := func(i int) int64 { return int64(strata[i]) * int64(n) % int64(total) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest(b), rest(a)) })
	for _, i := range order[:left] {
		out[i]++
	}
	return out
}

// withFloor raises empty shares to one and takes the difference, one at a time,
// from the stratum that holds most.
func withFloor(strata []int, total, n int) []int {
	out := largestRemainder(strata, total, n)
	for i, s := range strata {
		if s == 0 || out[i] > 0 {
			continue
		}
		out[slices.Index(out, slices.Max(out))]--
		out[i] = 1
	}
	return out
}
