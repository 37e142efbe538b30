package examination

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"tieout/audit"
	"tieout/engagement"
	"tieout/period"
	"tieout/sample"
)

// A Rehearsal is what an auditor would meet when asking for populations of the
// period's newest run. It is facts: it draws no conclusion and promises nothing
// of what a sample would find.
type Rehearsal struct {
	Run         int64 // record of the run; audit.Unsequenced: it is not sealed
	Over        bool  // the run reaches to the period's end
	Period      audit.Period
	Populations []Rehearsed
	Untested    []string // controls in scope that nothing here tests
	Table       string   // whose sizes are shown
}

// A Rehearsed is one procedure's population as it would be frozen now.
type Rehearsed struct {
	Procedure, Title string
	Form             audit.Form
	Controls         []string
	Items            int
	Deviations       int // that the run found in the whole population
	Open             []engagement.Reconciled
	Gaps             int                 // stretches without evidence
	Sizes            map[sample.Risk]int // by the example table
}

// Freezes says whether it could be frozen as it is: what is read adds up.
func (r Rehearsed) Freezes() bool { return len(r.Open) == 0 }

// Risks are those a size table has a column for.
var Risks = []sample.Risk{sample.Low, sample.Moderate, sample.High}

// Rehearse tries what an auditor asks for first: the populations of the newest
// sealed run, whether each adds up, and how many items the example size table
// would take. It writes nothing. ErrNotFound before the first run.
func (c *Client) Rehearse(ctx context.Context) (r Rehearsal, err error) {
	run, err := c.P.RunOfPeriod(ctx)
	if err != nil {
		return r, err
	}
	table := sample.ExampleSizes()
	r = Rehearsal{Run: run.Record, Over: !run.AsOf.Before(run.Period.To), Period: run.Period, Table: table.Name}
	for i := range run.Tested {
		t := &run.Tested[i]
		one := Rehearsed{Procedure: t.Procedure, Title: t.Title, Form: t.Form, Controls: t.Controls, Items: t.Items, Gaps: len(t.Gaps), Sizes: map[sample.Risk]int{}}
		for _, d := range t.Deviations {
			if d.Disposition != audit.NotDeviation {
				one.Deviations++
			}
		}
		checks, err := c.P.Completeness(ctx, run, t.Procedure)
		if err != nil {
			return r, err
		}
		for _, k := range checks {
			if k.Open() {
				one.Open = append(one.Open, k)
			}
		}
		for _, risk := range Risks {
			if one.Sizes[risk], err = c.sizeOf(table, t, risk); err != nil {
				return r, err
			}
		}
		r.Populations = append(r.Populations, one)
	}
	for _, u := range c.P.Selection().Untested {
		r.Untested = append(r.Untested, u.Control.ID)
	}
	slices.Sort(r.Untested)
	r.Untested = slices.Compact(r.Untested)
	return r, nil
}

// sizeOf is how many items a table takes: by the control's frequency where it is
// done on a calendar, else by the population.
func (c *Client) sizeOf(table sample.Sizes, t *audit.Tested, risk sample.Risk) (int, error) {
	if t.Form == audit.Cadence {
		for _, k := range c.P.Selection().Controls {
			if !slices.Contains(t.Controls, k.ID) {
				continue
			}
			if n, err := table.ForFrequency(k.Frequency, t.Items, risk); err == nil {
				return n, nil
			}
		}
	}
	return table.ForPopulation(t.Items, risk)
}

// A Trial is a draw nobody relies on: what being asked for a sample is like.
type Trial struct {
	Rehearsed
	Risk  sample.Risk
	Picks []engagement.Item // without what was found about them
}

// TrialDraw draws as many items of one procedure's population as the example
// table takes for a risk, with a number made for this look alone. It writes
// nothing, and says nothing of results: which items an auditor draws nobody here
// can know.
func (c *Client) TrialDraw(ctx context.Context, procedure string, risk sample.Risk) (t Trial, err error) {
	all, err := c.Rehearse(ctx)
	if err != nil {
		return t, err
	}
	i := slices.IndexFunc(all.Populations, func(r Rehearsed) bool { return r.Procedure == procedure })
	if i < 0 || !slices.Contains(Risks, risk) {
		return t, fmt.Errorf("%w: procedure %.100q in the newest run, at the risk %.20q", audit.ErrNotFound, procedure, risk)
	}
	t = Trial{Rehearsed: all.Populations[i], Risk: risk}
	if t.Items == 0 {
		return t, nil // nothing to draw
	}
	run, err := c.P.RunOfPeriod(ctx)
	if err != nil {
		return t, err
	}
	var ids []string
	if err := c.eachItem(ctx, run, procedure, func(x engagement.Item) { ids = append(ids, x.ID) }); err != nil {
		return t, err
	}
	seed := make([]byte, 32)
	if _, err := rand.Read(seed); err != nil {
		return t, fmt.Errorf("%w: a random number: %w", audit.ErrUnavailable, err)
	}
	picked, err := sample.Select(seed, ids, min(t.Sizes[risk], len(ids)))
	if err != nil {
		return t, fmt.Errorf("%w: draw: %w", audit.ErrInvalid, err)
	}
	err = c.eachItem(ctx, run, procedure, func(x engagement.Item) {
		if slices.Contains(picked, x.ID) {
			x.Results = nil
			t.Picks = append(t.Picks, x)
		}
	})
	return t, err
}

// maxItemLine is how many bytes one item of a population may have.
const maxItemLine = 1 << 20

// eachItem yields the items of a procedure's population, one after the other.
func (c *Client) eachItem(ctx context.Context, run *period.Run, procedure string, yield func(engagement.Item)) error {
	in, out := io.Pipe()
	wrote := make(chan error, 1)
	go func() {
		_, err := c.P.Population(ctx, run, procedure, out)
		wrote <- errors.Join(err, out.CloseWithError(err))
	}()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxItemLine)
	var bad error
	for lines.Scan() {
		var x engagement.Item
		if bad = json.Unmarshal(lines.Bytes(), &x); bad != nil {
			bad = fmt.Errorf("%w: an item of %s: %w", audit.ErrAltered, procedure, bad)
			break
		}
		yield(x)
	}
	err := errors.Join(bad, lines.Err(), in.Close())
	return errors.Join(<-wrote, err)
}
