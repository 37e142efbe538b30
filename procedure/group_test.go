package procedure

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
)

// TestTimelinesAreReadOnce runs all procedures of the library, which share
// timelines through their joins, in both orders.
func TestTimelinesAreReadOnce(t *testing.T) {
	files, err := filepath.Glob("../library/procedures/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var ps []*Procedure
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parse(f, data, nil)
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
	period, err := audit.NewPeriod("2026-01-01", "2026-12-31", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	run := func(ps []*Procedure) map[string]audit.Tested {
		asked := map[string]int{}
		in := Input{Period: period, AsOf: period.To, Timeline: func(typ string) (*audit.Timeline, error) {
			asked[typ]++
			return &audit.Timeline{Type: typ}, nil
		}}
		tested, err := Run(context.Background(), in, ps, nil)
		if err != nil {
			t.Fatal(err)
		}
		byID := map[string]audit.Tested{}
		for i, x := range tested {
			if x.Procedure != ps[i].ID {
				t.Errorf("result %d is of %s, want %s", i, x.Procedure, ps[i].ID)
			}
			byID[x.Procedure] = x
		}
		for typ, n := range asked {
			if n != 1 {
				t.Errorf("the timeline of %s was read %d times, want once", typ, n)
			}
		}
		return byID
	}
	want := run(ps)
	slices.Reverse(ps)
	if diff := cmp.Diff(want, run(ps)); diff != "" {
		t.Errorf("another order of procedures gives other results:\n%s", diff)
	}
}

// TestTimelinesAreLetGo holds the order of groups to what it is for: what is
// read together stands together, and nothing is kept that nobody reads again.
func TestTimelinesAreLetGo(t *testing.T) {
	ps := []*Procedure{
		{ItemType: "account", Types: []string{"account", "person"}},
		{ItemType: "device", Types: []string{"device"}},
		{ItemType: "person", Types: []string{"person"}},
		{ItemType: "change", Types: []string{"change", "ticket"}},
		{ItemType: "ticket", Types: []string{"ticket"}},
	}
	r := &run{tables: map[string]*table{}}
	var got []string
	for left := groupByType(ps); len(left) > 0; {
		g := r.cheapest(left)
		left = slices.DeleteFunc(left, func(x *group) bool { return x == g })
		for _, typ := range g.reads {
			if r.tables[typ] == nil {
				r.tables[typ] = &table{tl: &audit.Timeline{Type: typ}}
			}
		}
		r.forget(left)
		got = append(got, g.typ)
	}
	if want := []string{"device", "person", "account", "ticket", "change"}; !slices.Equal(got, want) {
		t.Errorf("order of groups: got %v, want %v", got, want)
	}
	if len(r.tables) != 0 {
		t.Errorf("%d timelines are kept at the end", len(r.tables))
	}
}
