package examination

import (
	"context"
	"errors"
	"time"

	"tieout/audit"
	"tieout/engagement/management"
	"tieout/report"
)

// Coverage says which days of each system that was reported on something speaks
// about: reports in force, letters, and own tests, which are no examination. It
// writes nothing.
func (c *Client) Coverage(ctx context.Context) (out []management.Covered, err error) {
	seen, err := c.P.TestedDays(ctx)
	if err != nil {
		return nil, err
	}
	days := make([]management.Days, 0, len(seen))
	for _, p := range seen {
		days = append(days, management.Days{First: p.First(), Last: p.Last()})
	}
	err = c.Side.Read(ctx, func(s *management.State) error { out = s.Coverage(days, c.P.Now()); return nil })
	return out, err
}

// CoverageOf is the coverage of the system that an engagement is on; nil where no
// report was issued on it.
func (c *Client) CoverageOf(ctx context.Context, id string) (*management.Covered, error) {
	t, err := c.termsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	all, err := c.Coverage(ctx)
	for i := range all {
		if all[i].Of(t) {
			return &all[i], err
		}
	}
	return nil, err
}

// Unexamined says that own tests are no examination, where no report in force speaks
// of a period; "" where one does.
func (c *Client) Unexamined(ctx context.Context, over audit.Period) (say string, err error) {
	first, last := over.First(), over.Last()
	err = c.Side.Read(ctx, func(s *management.State) error {
		for _, covered := range s.Coverage(nil, c.P.Now()) {
			for _, x := range covered.Stretches {
				if x.By == management.Examined && x.First <= first && last <= x.Last {
					return errExamined
				}
			}
		}
		return nil
	})
	if errors.Is(err, errExamined) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	say = "Monitored, not examined: what is shown are the company's own tests."
	if !c.P.Now().Before(over.To.Add(-time.Microsecond)) {
		return say + " No report in force speaks of all of this period.", nil
	}
	return say + " No auditor has reported on this period.", nil
}

var errExamined = errors.New("examined")

// SayCoverage says how many days no report and no letter speaks of.
func SayCoverage(all []management.Covered) string {
	days := 0
	for i := range all {
		days += all[i].Uncovered()
	}
	switch {
	case len(all) == 0:
		return "No report has been issued yet."
	case days == 0:
		return "A report or a letter speaks of every day since the first that was examined."
	}
	return "No report and no letter speaks of " + report.Plural(days, "day", "days") + " since the first that was examined."
}
