package demo

import (
	"encoding/json"
	"testing"
	"time"
)

func TestAppendJSON(t *testing.T) {
	for _, c := range []struct {
		name, cols string
		cells      []string
		want       string
	}{
		{"text, bool, integer, list", "a b:b c:i d:l", []string{"x", "true", "7", "p;q"}, `{"a":"x","b":true,"c":7,"d":["p","q"]}`},
		{"empty list", "d:l", []string{""}, `{"d":[]}`},
		{"one level of nesting", "a m.x:b m.y:l z", []string{"1", "false", "u", "2"}, `{"a":"1","m":{"x":false,"y":["u"]},"z":"2"}`},
		{"nesting first and last", "m.x n.y", []string{"1", "2"}, `{"m":{"x":"1"},"n":{"y":"2"}}`},
		{"quotes", "a", []string{`say "no" \`}, `{"a":"say \"no\" \\"}`},
	} {
		got := string(appendJSON(nil, columns(c.cols), c.cells))
		if got != c.want || !json.Valid([]byte(got)) {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestAppendCSV(t *testing.T) {
	if got, want := string(appendCSV(nil, []string{"a", "b, c", `d "e"`, ""})), "a,\"b, c\",\"d \"\"e\"\"\",\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTextsOfTime(t *testing.T) {
	for _, c := range []struct {
		name          string
		at            time.Time
		date, instant string
	}{
		{"none", time.Time{}, "", ""},
		{"late evening is the next day in UTC", clock(2025, 2, 20, 22, 14), "2025-02-20", "2025-02-21T03:14:00Z"},
		{"the year's last microsecond", scripted[len(scripted)-1].merged, "2025-12-31", "2026-01-01T04:59:59.999999Z"},
	} {
		if d, i := dateText(c.at), instantText(c.at); d != c.date || i != c.instant {
			t.Errorf("%s: got %q %q, want %q %q", c.name, d, i, c.date, c.instant)
		}
	}
}

// TestRandomNeverChanges: every digest rests on these numbers.
func TestRandomNeverChanges(t *testing.T) {
	r := newRandom(1, "x", 2)
	got := [3]uint64{r.next(), r.next(), r.next()}
	if want := [3]uint64{0xee784b8d486132b4, 0xa6959a078d6a09b3, 0x5556e144bff9ad3a}; got != want {
		t.Errorf("got %#v, want %#v", got, want)
	}
}

func TestNamesAreOnePerson(t *testing.T) {
	seen := map[string]int{}
	for i := range 20000 {
		first, last := fullName(i)
		if j, ok := seen[first+last]; ok {
			t.Fatalf("persons %d and %d are both %s %s", j, i, first, last)
		}
		seen[first+last] = i
	}
}
