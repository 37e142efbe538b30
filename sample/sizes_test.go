package sample

import (
	"strings"
	"testing"
)

func TestExampleSizes(t *testing.T) {
	s := ExampleSizes()
	if !s.Example {
		t.Error("the shipped table is not marked as an example")
	}
	frequencies := []struct {
		frequency string
		due       int
		risk      Risk
		want      int
	}{
		{"annual", 1, High, 1},
		{"quarterly", 4, Moderate, 2},
		{"quarterly", 2, Moderate, 2}, // a six-month period: take both
		{"quarterly", 1, Moderate, 1},
		{"monthly", 12, Low, 2},
		{"monthly", 12, Moderate, 3},
		{"weekly", 52, High, 15},
		{"daily", 365, Moderate, 25},
		{"many-a-day", 90000, High, 60},
		{"daily", 0, High, 0},
	}
	for _, c := range frequencies {
		if got, err := s.ForFrequency(c.frequency, c.due, c.risk); err != nil || got != c.want {
			t.Errorf("ForFrequency(%s, %d, %s) = %d, %v; want %d", c.frequency, c.due, c.risk, got, err, c.want)
		}
	}
	populations := []struct {
		items int
		risk  Risk
		want  int
	}{
		{0, High, 0}, {1, Low, 1}, {2, Low, 2}, {4, High, 2}, {5, Low, 3}, {12, Low, 3},
		{13, Moderate, 5}, {52, Moderate, 6}, {53, Moderate, 6}, {61, Moderate, 7}, {250, High, 25},
		{251, Low, 25}, {251, Moderate, 40}, {1 << 30, High, 60},
	}
	for _, c := range populations {
		if got, err := s.ForPopulation(c.items, c.risk); err != nil || got != c.want {
			t.Errorf("ForPopulation(%d, %s) = %d, %v; want %d", c.items, c.risk, got, err, c.want)
		}
	}
}

func TestSizesRefuse(t *testing.T) {
	s := ExampleSizes()
	if _, err := s.ForFrequency("hourly", 5, Low); err == nil {
		t.Error("an unknown frequency gave no error")
	}
	if _, err := s.ForPopulation(300, "medium"); err == nil {
		t.Error("an unknown risk gave no error")
	}
	if _, err := (Sizes{Name: "none"}).ForPopulation(3, Low); err == nil {
		t.Error("an empty table gave a size")
	}
	good := string(exampleYAML)
	cases := map[string]string{
		"unknown key":    good + "more: 1\n",
		"no name":        strings.Replace(good, "name: example sizes", "name: ''", 1),
		"size of zero":   strings.Replace(good, "low: 20", "low: 0", 1),
		"risk reversed":  strings.Replace(good, "high: 40", "high: 24", 1),
		"falling bounds": strings.Replace(good, "upTo: 12", "upTo: 3", 1),
		"no open bound":  strings.Replace(good, "upTo: 0", "upTo: 900", 1),
		"twice":          strings.Replace(good, "frequency: daily", "frequency: weekly", 1),
	}
	for name, text := range cases {
		if text == good {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, err := ReadSizes("sizes.yaml", []byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		} else if !strings.HasPrefix(err.Error(), "sizes.yaml:") {
			t.Errorf("%s: error %q does not name the file", name, err)
		}
	}
}

func FuzzReadSizes(f *testing.F) {
	f.Add(exampleYAML)
	f.Add([]byte("name: x\nexample: false\nnote: ''\nfrequencies: []\npopulations: [{upTo: 0, percent: 100, low: 1, moderate: 1, high: 1}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ReadSizes("f", data)
		if err != nil || len(s.Populations) == 0 {
			return
		}
		for _, n := range []int{0, 1, 7, 1 << 30} {
			if got, err := s.ForPopulation(n, Moderate); err != nil || got < 0 || got > n {
				t.Errorf("ForPopulation(%d) = %d, %v", n, got, err)
			}
		}
	})
}
