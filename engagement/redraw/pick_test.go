package redraw_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tieout/engagement"
	"tieout/engagement/redraw"
	"tieout/sample"
)

// TestPickIsTheRankOfPackageSample holds picking in one pass, in any order of
// lines, to the ranking whose vectors package sample keeps.
func TestPickIsTheRankOfPackageSample(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Z]{2}-[0-9]{1,4}`), 1, 60, rapid.ID).Draw(t, "ids")
		n := rapid.IntRange(0, len(ids)).Draw(t, "n")
		var seed [32]byte
		copy(seed[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		var b strings.Builder
		for _, id := range ids {
			fmt.Fprintf(&b, "{\"id\":%q}\n", id)
		}
		_, got, err := redraw.Pick(strings.NewReader(b.String()), engagement.Random, []redraw.Selection{{Seed: seed, Size: n}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := sample.Select(seed[:], ids, n)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(redraw.IDs(got[0].Items), want) || got[0].Count != len(ids) {
			t.Fatalf("picked %v of %d; want %v of %d", redraw.IDs(got[0].Items), got[0].Count, want, len(ids))
		}
	})
}

func TestStartOfASystematicDraw(t *testing.T) {
	var seed [32]byte
	seed[31] = 9
	if got := redraw.Start(seed, 40, 5); got != 2 {
		t.Errorf("start %d; want 9 mod 8, plus one", got)
	}
}

func TestASystematicDrawIsOfTheWhole(t *testing.T) {
	_, _, err := redraw.Pick(strings.NewReader("{\"id\":\"a\"}\n"), engagement.Systematic, []redraw.Selection{{Stratum: "x", Size: 1}}, nil)
	if err == nil {
		t.Error("a systematic draw from a stratum was made")
	}
}
