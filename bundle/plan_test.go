package bundle

import (
	"slices"
	"testing"

	"tieout/audit"
)

func TestPlan(t *testing.T) {
	account := func(record int64, mode audit.Mode, covers audit.Span, kinds ...string) *manifest {
		return &manifest{Manifest: audit.Manifest{Type: "account", Mode: mode, Covers: covers, Kinds: kinds}, record: record}
	}
	day := func(n int) audit.Span { return audit.At(noon(n)) }
	all := audit.Span{From: noon(1), To: noon(30)}
	tests := []struct {
		name      string
		manifests []*manifest
		pages     []pageRef
		want      map[int64][]int64 // record at which -> manifests, by record, have all their items
	}{
		{"at its own record", []*manifest{account(5, audit.ModeSnapshot, day(1))}, []pageRef{{index: 3, about: day(1)}}, map[int64][]int64{5: {5}}},
		{"at a page sealed later", []*manifest{account(5, audit.ModeSnapshot, day(1))}, []pageRef{{index: 7, about: day(1)}}, map[int64][]int64{7: {5}}},
		{"a page about another instant does not matter", []*manifest{account(5, audit.ModeSnapshot, day(1))}, []pageRef{{index: 7, about: day(2)}}, map[int64][]int64{5: {5}}},
		{"a page of another kind does not matter", []*manifest{account(5, audit.ModeSnapshot, day(1), "a")}, []pageRef{{index: 7, kind: "b", about: day(1)}}, map[int64][]int64{5: {5}}},
		{"the first of two takes a page", []*manifest{account(5, audit.ModeChanges, all), account(6, audit.ModeChanges, all)}, []pageRef{{index: 9, about: day(2)}}, map[int64][]int64{6: {6}, 9: {5}}},
		{"none of them, where nothing was collected", nil, []pageRef{{index: 9, about: day(2)}}, map[int64][]int64{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &collection{snapshots: map[scopeAt][]*manifest{}, histories: map[string][]*manifest{}, pages: tt.pages}
			for _, m := range tt.manifests {
				c.add(m)
			}
			pl := &plan{ready: map[int64][]*manifest{}}
			pl.settle(c)
			pl.settle(c) // of a collection that was settled: nothing more
			got := map[int64][]int64{}
			for at, ms := range pl.ready {
				for _, m := range ms {
					got[at] = append(got[at], m.record)
				}
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for at, want := range tt.want {
				if !slices.Equal(got[at], want) {
					t.Errorf("at %d: got %v, want %v", at, got[at], want)
				}
			}
		})
	}
	if got := (*collection)(nil).takers(pageRef{}); len(got) != 0 {
		t.Errorf("a page of no collection is taken by %v", got)
	}
}
