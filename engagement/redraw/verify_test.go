package redraw_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/redraw"
)

const threeLines = `{"id":"a","stratum":"x"}` + "\n" + `{"id":"b","stratum":"x"}` + "\n" + `{"id":"c","stratum":"y"}` + "\n"

// drawnFile is a sample of two from threeLines, whose nonce nobody showed.
func drawnFile(t testing.TB) redraw.File {
	t.Helper()
	total, err := redraw.Read(strings.NewReader(threeLines), func(redraw.ID) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	f := redraw.File{Schema: redraw.Schema, Engagement: "EN-1", Heard: 3, Population: engagement.Population{ID: "P-1", Round: "1", Count: total.Count, Digest: total.Digest, Strata: total.Strata,
		Freeze: engagement.Freeze{Root: strings.Repeat("5a", 32)}},
		Sample: engagement.Sample{ID: "S-1", Population: "P-1", Control: "CHG-01", Round: "1", Method: engagement.Random,
			Draws: []engagement.Draw{{Count: 3, Size: 2, Nonce: strings.Repeat("0f", 32)}}}}
	seed, err := redraw.Seed(f.Engagement, f.Population, "CHG-01", "", f.Sample.Draws[0].Nonce)
	if err != nil {
		t.Fatal(err)
	}
	_, picked, err := redraw.Pick(strings.NewReader(threeLines), engagement.Random, []redraw.Selection{{Seed: seed, Size: 2}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &f.Sample.Draws[0]
	d.Seed, d.Items = hex.EncodeToString(seed[:]), redraw.IDs(picked[0].Items)
	f.Sample.Items = d.Items
	return f
}

func encoded(t testing.TB, f redraw.File) string {
	t.Helper()
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestReadFileRefuses: numbers that cannot be those of a draw are refused before
// anything is computed with them, also where nobody read the file.
func TestReadFileRefuses(t *testing.T) {
	if _, err := redraw.Verify(strings.NewReader(threeLines), drawnFile(t), redraw.Known{}); !errors.Is(err, audit.ErrInconclusive) {
		t.Fatalf("a good sample whose nonce is not shown: %v", err)
	}
	for _, tt := range []struct {
		name  string
		spoil func(*redraw.File)
	}{
		{"a negative size", func(f *redraw.File) { f.Sample.Draws[0].Size = -1 }},
		{"a size beyond memory", func(f *redraw.File) { f.Sample.Draws[0].Size = 1e18 }},
		{"a size that fits no item", func(f *redraw.File) { f.Sample.Draws[0].Size = 1 }},
		{"more than the stratum holds", func(f *redraw.File) { f.Sample.Draws[0].Count = 1 }},
		{"a count beyond the population", func(f *redraw.File) { f.Sample.Draws[0].Count = 1e18 }},
		{"a negative population", func(f *redraw.File) { f.Population.Count = -3 }},
		{"a population beyond memory", func(f *redraw.File) { f.Population.Count = 1e18 }},
		{"an item drawn twice", func(f *redraw.File) { f.Sample.Draws[0].Items = []string{"a", "a"} }},
		{"an item in the sample twice", func(f *redraw.File) { f.Sample.Items = []string{"a", "a"} }},
		{"nothing drawn at random", func(f *redraw.File) { f.Sample.Draws, f.Sample.Items = nil, nil }},
		{"a stratum nobody drew from", func(f *redraw.File) {
			f.Sample.Method, f.Sample.Draws[0].Stratum, f.Sample.Draws[0].Count = engagement.Stratified, "x", 2
		}},
		{"a stratum by another name", func(f *redraw.File) { f.Sample.Draws[0].Stratum = "x" }},
		{"no method", func(f *redraw.File) { f.Sample.Method = "" }},
		{"a draw by judgment", func(f *redraw.File) { f.Sample.Method = engagement.Judgmental }},
		{"all items, one of them twice", func(f *redraw.File) {
			f.Sample.Method, f.Sample.Draws, f.Sample.Items = engagement.EveryItem, nil, []string{"a", "b", "b"}
		}},
		{"more replaced than there are", func(f *redraw.File) { f.Sample.Replaced = make([]engagement.Replacement, 4) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := drawnFile(t)
			tt.spoil(&f)
			if _, err := redraw.ReadFile(strings.NewReader(encoded(t, f))); !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("read: %v; want it refused", err)
			}
			if _, err := redraw.Verify(strings.NewReader(threeLines), f, redraw.Known{}); !errors.Is(err, audit.ErrAltered) {
				t.Errorf("verified: %v; want it altered", err)
			}
		})
	}
}

// TestVerifyCountsEveryItem: 100 percent is each item once, and strata are those
// that were frozen.
func TestVerifyCountsEveryItem(t *testing.T) {
	f := drawnFile(t)
	f.Sample.Method, f.Sample.Draws, f.Sample.Items = engagement.EveryItem, nil, []string{"a", "b", "c"}
	if got, err := redraw.Verify(strings.NewReader(threeLines), f, redraw.Known{}); err != nil {
		t.Errorf("all items: %+v, %v", got, err)
	}
	f.Sample.Items = []string{"a", "b"}
	if _, err := redraw.Verify(strings.NewReader(threeLines), f, redraw.Known{}); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("two of three: %v; want it altered", err)
	}
	f = drawnFile(t)
	f.Population.Strata = map[string]int{"x": 1, "y": 2}
	if _, err := redraw.Verify(strings.NewReader(threeLines), f, redraw.Known{}); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("other strata: %v; want it altered", err)
	}
}

// TestReadStrictTakesOneSpelling: a name that readers read differently is refused.
func TestReadStrictTakesOneSpelling(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		ok         bool
	}{
		{"every field", `{"at":"2026-03-01T09:00:00Z","id":"a","label":"l","records":[1],"results":{"p":"operated"},"stratum":"s","values":["v"]}`, true},
		{"another case", `{"id":"a","ID":"b"}`, false},
		{"another case alone", `{"id":"a","Stratum":"x"}`, false},
		{"an escape", `{"id":"a","\u0073tratum":"x"}`, false},
		{"twice", `{"id":"a","label":"x","label":"y"}`, false},
		{"a letter that folds", `{"id":"a","re` + "\u017f" + `ults":{}}`, false},
		{"too many values", `{"id":"a","values":["1","2","3"]}`, false},
		{"fewer values", `{"id":"a","values":["1"]}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := redraw.ReadStrict(strings.NewReader(tt.line+"\n"), 2, func(redraw.ID) error { return nil })
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("%s: %v; want it taken %t", tt.line, err, tt.ok)
			}
		})
	}
}

// TestSpreadCountsTheWindow: what lies outside it counts nowhere, also in the
// quarters it touches.
func TestSpreadCountsTheWindow(t *testing.T) {
	day := func(m time.Month, d int) time.Time { return time.Date(2026, m, d, 12, 0, 0, 0, time.UTC) }
	s := redraw.NewSpread(engagement.Population{Zone: "UTC", Window: audit.Span{From: day(2, 1), To: day(5, 1)}})
	for _, at := range []time.Time{{}, day(1, 31), day(2, 1), day(4, 30), day(5, 1), day(6, 1), day(12, 1)} {
		s.Add(redraw.ID{ID: "a", At: at})
		s.Pick(redraw.ID{ID: "a", At: at})
	}
	if q := s.Quarters; len(q) != 2 || q[0] != (redraw.Quarter{Name: "Q1 2026", Items: 1, Picked: 1}) || q[1] != (redraw.Quarter{Name: "Q2 2026", Items: 1, Picked: 1}) {
		t.Errorf("quarters %+v; want one of each", q)
	}
}

// FuzzVerify: whatever a file and the item lines hold, verifying ends with lines
// and an answer, and says nothing is wrong only where every line says so.
func FuzzVerify(f *testing.F) {
	good := drawnFile(f)
	f.Add(encoded(f, good), threeLines)
	for _, size := range []int{-1, 0, 1e18} {
		x := drawnFile(f)
		x.Sample.Draws[0].Size = size
		f.Add(encoded(f, x), threeLines)
	}
	every := drawnFile(f)
	every.Sample.Method, every.Sample.Draws, every.Sample.Items = engagement.EveryItem, nil, []string{"a", "a", "b"}
	f.Add(encoded(f, every), threeLines)
	nth := drawnFile(f)
	nth.Sample.Method = engagement.Systematic
	f.Add(encoded(f, nth), threeLines)
	f.Add(encoded(f, nth), "")
	f.Add(`{"schema":"tieout.sample/1","sample":{"method":"100 percent"}}`, "")
	f.Fuzz(func(t *testing.T, file, items string) {
		x, err := redraw.ReadFile(strings.NewReader(file))
		if err != nil {
			if !errors.Is(err, audit.ErrInvalid) {
				t.Fatalf("read: %v", err)
			}
			return
		}
		lines, err := redraw.Verify(strings.NewReader(items), x, redraw.Known{})
		for _, l := range lines {
			if err == nil && !l.OK {
				t.Fatalf("nothing is wrong, and %s: %s", l.What, l.Says)
			}
		}
	})
}
