package sample

import (
	_ "embed"
	"fmt"
	"slices"

	"tieout/internal/strictyaml"
)

// Risk is the auditor's assessment that picks a column of a size table.
type Risk string

const (
	Low      Risk = "low"
	Moderate Risk = "moderate"
	High     Risk = "high"
)

// Sizes is a firm's table of sample sizes. Example marks a table that no firm
// has adopted; whoever plans with one says so.
type Sizes struct {
	Name        string          `yaml:"name"`
	Example     bool            `yaml:"example"`
	Note        string          `yaml:"note"`
	Frequencies []FrequencySize `yaml:"frequencies"`
	Populations []RangeSize     `yaml:"populations"`
}

// FrequencySize is the number of occurrences to take of a control that operates
// PerYear times in a full year.
type FrequencySize struct {
	Frequency string `yaml:"frequency"`
	PerYear   int    `yaml:"perYear"`
	ByRisk    `yaml:",inline"`
}

// RangeSize is the number to take of a population of up to UpTo items (0: any
// larger): Percent of it rounded up, and at least the number for the risk.
type RangeSize struct {
	UpTo    int `yaml:"upTo"`
	Percent int `yaml:"percent"`
	ByRisk  `yaml:",inline"`
}

// ByRisk is one number of items for each risk.
type ByRisk struct {
	Low      int `yaml:"low"`
	Moderate int `yaml:"moderate"`
	High     int `yaml:"high"`
}

//go:embed sizes_example.yaml
var exampleYAML []byte

// ExampleSizes returns the shipped table. Its Example is true.
func ExampleSizes() Sizes {
	s, err := ReadSizes("sizes_example.yaml", exampleYAML)
	if err != nil {
		panic(err)
	}
	return s
}

// ExampleTable is the shipped table as YAML, to be loaded like any other.
func ExampleTable() []byte { return slices.Clone(exampleYAML) }

// ReadSizes reads a table from YAML. Errors name file, line and column, or the
// row that makes no sense.
func ReadSizes(name string, data []byte) (Sizes, error) {
	var s Sizes
	if err := strictyaml.Decode(name, data, &s); err != nil {
		return Sizes{}, err
	}
	if err := s.check(); err != nil {
		return Sizes{}, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// ForFrequency returns how many of the occurrences that fell due in the period
// to take. It never exceeds them; none gives 0, which is a population to be
// shown empty and not a test.
func (s Sizes) ForFrequency(frequency string, occurrences int, risk Risk) (int, error) {
	if occurrences < 0 {
		return 0, fmt.Errorf("%d occurrences: give 0 or more", occurrences)
	}
	for _, f := range s.Frequencies {
		if f.Frequency == frequency {
			n, err := f.of(risk)
			return min(n, occurrences), err
		}
	}
	return 0, fmt.Errorf("table %q has no frequency %q", s.Name, frequency)
}

// ForPopulation returns how many of the items of an event population to take,
// with the same promise as ForFrequency.
func (s Sizes) ForPopulation(items int, risk Risk) (int, error) {
	if items < 0 {
		return 0, fmt.Errorf("population of %d: give 0 or more", items)
	}
	for _, p := range s.Populations {
		if p.UpTo == 0 || items <= p.UpTo {
			n, err := p.of(risk)
			return min(max(n, ceilPercent(items, p.Percent)), items), err
		}
	}
	return 0, fmt.Errorf("table %q has no row for a population of %d", s.Name, items)
}

func ceilPercent(items, percent int) int {
	return items/100*percent + (items%100*percent+99)/100
}

func (b ByRisk) of(risk Risk) (int, error) {
	switch risk {
	case Low:
		return b.Low, nil
	case Moderate:
		return b.Moderate, nil
	case High:
		return b.High, nil
	}
	return 0, fmt.Errorf("risk %q: write low, moderate or high", risk)
}

func (b ByRisk) check() error {
	if b.Low < 1 || b.Moderate < b.Low || b.High < b.Moderate || b.High > MaxItems {
		return fmt.Errorf("sizes %d, %d, %d: a higher risk takes at least as many, and none takes 0", b.Low, b.Moderate, b.High)
	}
	return nil
}

func (s Sizes) check() error {
	if s.Name == "" {
		return fmt.Errorf("the table has no name")
	}
	seen := map[string]bool{}
	for _, f := range s.Frequencies {
		if f.Frequency == "" || seen[f.Frequency] || f.PerYear < 1 {
			return fmt.Errorf("frequency %q, %d a year: name each once, with 1 or more a year", f.Frequency, f.PerYear)
		}
		seen[f.Frequency] = true
		if err := f.ByRisk.check(); err != nil {
			return fmt.Errorf("frequency %q: %w", f.Frequency, err)
		}
	}
	return s.checkPopulations()
}

func (s Sizes) checkPopulations() error {
	last := 0
	for i, p := range s.Populations {
		if open := p.UpTo == 0; open != (i == len(s.Populations)-1) || !open && p.UpTo <= last {
			return fmt.Errorf("population row %d: bounds rise, and only the last is open (upTo: 0)", i+1)
		}
		if p.Percent < 0 || p.Percent > 100 {
			return fmt.Errorf("population row %d: %d percent is not 0 to 100", i+1, p.Percent)
		}
		if err := p.ByRisk.check(); err != nil {
			return fmt.Errorf("population row %d: %w", i+1, err)
		}
		last = p.UpTo
	}
	return nil
}
