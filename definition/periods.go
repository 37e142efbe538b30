package definition

import (
	"cmp"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
)

// typicalMonths is how long a period is that follows the day of a Type I.
const typicalMonths = 12

// NextPeriod proposes the period after the last one: it begins the day after and is
// as long. After a Type I it is a Type II of twelve months from the day after its date.
func (w *Workspace) NextPeriod() (PeriodConfig, error) {
	last, err := w.Period("")
	if err != nil {
		return PeriodConfig{}, err
	}
	next := PeriodConfig{Report: ReportTypeII}
	if next.First, next.Last, err = audit.NextDays(last.First(), last.Last()); err != nil {
		return next, err
	}
	if w.ReportOf(last.Name) == ReportTypeI {
		next.Last = last.To.In(last.Location()).AddDate(0, typicalMonths, -1).Format("2006-01-02")
	}
	return next, nil
}

// AddPeriod returns the files that change, by path, where one more period is
// added: period: becomes periods:, and what is there stays as it is, with its
// comments. What c does not say is as NextPeriod proposes. A period that begins
// before the last one ends is audit.ErrInvalid.
func (w *Workspace) AddPeriod(c PeriodConfig) (map[string][]byte, error) {
	next, err := w.NextPeriod()
	if err != nil {
		return nil, err
	}
	if c.First != "" && c.First != next.First && c.Last == "" {
		return nil, fmt.Errorf("%w: the period from %s on needs its last day", audit.ErrInvalid, c.First)
	}
	c.First, c.Last, c.Report = cmp.Or(c.First, next.First), cmp.Or(c.Last, next.Last), cmp.Or(c.Report, next.Report)
	if c.First < next.First {
		return nil, fmt.Errorf("%w: the next period begins on %s or later, the day after the last one ends, not on %.40s", audit.ErrInvalid, next.First, c.First)
	}
	text, err := edited(configFile, w.file(configFile), func(root *yaml.Node) error { return addPeriod(root, c) })
	if err != nil {
		return nil, err
	}
	return map[string][]byte{configFile: text}, nil
}

// addPeriod adds a period to the nodes of tieout.yaml.
func addPeriod(root *yaml.Node, c PeriodConfig) error {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
	for _, x := range [][2]string{{"name", c.Name}, {"first", c.First}, {"last", c.Last}} {
		if x[1] != "" {
			put(n, x[0], scalar(x[1]))
		}
	}
	if c.Report != ReportTypeII {
		put(n, "report", scalar(c.Report))
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch {
		case key.Value == "periods" && value.Kind == yaml.SequenceNode:
			value.Content, value.Style = append(value.Content, n), 0
			return nil
		case key.Value == "period" && value.Kind == yaml.MappingNode:
			list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{value, n}}
			key.Value, root.Content[i+1] = "periods", list
			return nil
		}
	}
	return fmt.Errorf("%w: %s: there is no period that another could follow", audit.ErrInvalid, configFile)
}

// A Hole is days that no period holds, between two that do.
type Hole struct {
	First  string `json:"first"`
	Last   string `json:"last"`
	After  string `json:"after"`  // name of the period before
	Before string `json:"before"` // of the period after
}

// Holes are the days between periods that none holds, in order.
func (w *Workspace) Holes() (out []Hole) {
	list := slices.SortedFunc(slices.Values(w.Periods), func(a, b Period) int { return a.From.Compare(b.From) })
	for i := 1; i < len(list); i++ {
		if from, to := audit.DaysBetween(list[i-1].Last(), list[i].First()); from != "" {
			out = append(out, Hole{from, to, list[i-1].Name, list[i].Name})
		}
	}
	return out
}

// PeriodsIn are the periods of a sealed revision, as its tieout.yaml has them.
func PeriodsIn(canonical []byte) ([]Period, error) {
	c, err := parseCanonical(canonical)
	if err != nil {
		return nil, err
	}
	catalog, err := Library()
	if err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	var p Problems
	w := &Workspace{Catalog: catalog, origins: map[string]string{}}
	w.readConfig(w.open(map[string][]byte{configFile: []byte(c.Files[configFile])}, &p).config)
	return w.Periods, p.err()
}
