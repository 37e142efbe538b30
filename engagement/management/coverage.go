package management

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tieout/book"
	"tieout/engagement"
)

// A Speaking is what speaks about days.
type Speaking string

// What can speak about days, the strongest first. Only the first two are an
// auditor's word.
const (
	Examined  Speaking = "examined"               // a report in force, over a period
	AsOfDay   Speaking = "examined as of the day" // a report in force, of a Type I
	ByLetter  Speaking = "management's letter"    // nobody examined them
	Withdrawn Speaking = "withdrawn"              // the firm took its report back
	Monitored Speaking = "monitored, not examined"
	Nothing   Speaking = "nothing"
)

// strength is the order in which one says more than another.
var strength = []Speaking{Nothing, Monitored, Withdrawn, ByLetter, AsOfDay, Examined}

// A Stretch is days with what speaks about them.
type Stretch struct {
	First      string   `json:"first"`
	Last       string   `json:"last"`
	By         Speaking `json:"by"`
	Engagement string   `json:"engagement,omitempty"` // whose report or letter it is
	Letter     string   `json:"letter,omitempty"`
	Signer     string   `json:"signer,omitempty"`   // of the letter
	UnderWay   string   `json:"underWay,omitempty"` // an agreed engagement over these days that has no report yet
}

// A Covered is which days of one system something speaks about, from the first that
// a report was issued over until today or the end of what speaks last.
type Covered struct {
	System     string    `json:"system"`
	Objectives bool      `json:"objectives,omitempty"` // of reports on control objectives (SOC 1), which say nothing of criteria
	Zone       string    `json:"zone"`
	Stretches  []Stretch `json:"stretches"`
}

// Holes are the stretches of which no report and no letter speaks.
func (c *Covered) Holes() (out []Stretch) {
	for _, s := range c.Stretches {
		if s.By == Nothing || s.By == Monitored || s.By == Withdrawn {
			out = append(out, s)
		}
	}
	return out
}

// Days are a stretch of calendar days, the last one included.
type Days struct{ First, Last string }

// Coverage says which days reports in force speak about, then letters that continue
// them, and which days nothing speaks about, over all engagements of each system.
// seen are the days that the company's own tests ran over: that is no examination.
// Systems no report was issued on are left out.
func (s *State) Coverage(seen []Days, now time.Time) (out []Covered) {
	by := map[string]*covering{}
	var order []string
	for _, x := range book.Sorted(s.Sides) {
		if len(x.Releases) == 0 {
			continue
		}
		t := x.Releases[len(x.Releases)-1].Terms
		key := coverKey(t)
		if by[key] == nil {
			by[key] = &covering{of: Covered{System: t.System, Objectives: t.Type.OfObjectives(), Zone: t.Zone}}
			order = append(order, key)
		}
		by[key].reports(x)
	}
	for _, x := range book.Sorted(s.Sides) {
		if c := by[coverKey(x.Terms)]; c != nil && x.Agreed != nil && !x.State.Over() && len(x.Releases) == 0 && x.Terms.Type.OverPeriod() {
			c.underWay = append(c.underWay, claim{First: x.Terms.First, Last: x.Terms.Last, Engagement: x.Terms.ID})
		}
	}
	for _, key := range order {
		c := by[key]
		for _, d := range seen {
			c.claims = append(c.claims, claim{First: d.First, Last: d.Last, By: Monitored})
		}
		out = append(out, c.covered(now))
	}
	return out
}

// coverKey tells reports that speak of one system in one way.
func coverKey(t engagement.Terms) string {
	kind := "criteria"
	if t.Type.OfObjectives() {
		kind = "objectives"
	}
	return kind + "\x00" + strings.ToLower(strings.TrimSpace(t.System))
}

// A claim is one thing that speaks about days.
type claim = Stretch

type covering struct {
	of       Covered
	claims   []claim
	underWay []claim
}

// reports adds the newest report of an engagement, and the letters that continue it.
func (c *covering) reports(x *Side) {
	r := x.Releases[len(x.Releases)-1]
	one := claim{By: Examined, Engagement: x.Terms.ID}
	one.First, one.Last = r.Terms.Days()
	if !r.Terms.Type.OverPeriod() {
		one.By = AsOfDay
	}
	if r.Withdrawn != "" {
		one.By = Withdrawn
	}
	c.claims = append(c.claims, one)
	for _, b := range x.Bridges {
		if b.Report == r.Report && r.Withdrawn == "" {
			c.claims = append(c.claims, claim{First: b.From, Last: b.To, By: ByLetter, Engagement: x.Terms.ID, Letter: b.ID, Signer: b.Signed.Name})
		}
	}
}

// covered draws the strongest claim on each day, days of one claim together.
func (c *covering) covered(now time.Time) Covered {
	first, last := c.bounds(now)
	for _, from := range c.cuts(first, last) {
		best := claim{By: Nothing}
		for _, x := range c.claims {
			if x.First <= from && from <= x.Last && (slices.Index(strength, x.By) > slices.Index(strength, best.By) || x.By == best.By && x.First > best.First) {
				best = x
			}
		}
		if best.By == Nothing || best.By == Monitored {
			for _, u := range c.underWay {
				if u.First <= from && from <= u.Last {
					best.UnderWay = u.Engagement
				}
			}
		}
		best.First, best.Last = from, last
		if n := len(c.of.Stretches); n > 0 {
			before := &c.of.Stretches[n-1]
			same := *before
			if same.First, same.Last = from, last; same == best {
				continue // it goes on
			}
			before.Last = dayBefore(from)
		}
		c.of.Stretches = append(c.of.Stretches, best)
	}
	return c.of
}

// bounds are the first day that a report was issued over, and the last that
// something speaks of or today.
func (c *covering) bounds(now time.Time) (first, last string) {
	if loc, err := time.LoadLocation(c.of.Zone); err == nil {
		last = now.In(loc).Format(time.DateOnly)
	}
	for _, x := range c.claims {
		if x.By == Monitored {
			continue
		}
		if first = cmp.Or(first, x.First); x.First < first {
			first = x.First
		}
		last = max(last, x.Last)
	}
	return first, last
}

// cuts are the days on which what speaks may change.
func (c *covering) cuts(first, last string) []string {
	days := []string{first}
	for _, x := range slices.Concat(c.claims, c.underWay) {
		days = append(days, x.First, dayAfter(x.Last))
	}
	slices.Sort(days)
	return slices.DeleteFunc(slices.Compact(days), func(d string) bool { return d < first || d > last || d == "" })
}

func dayAfter(day string) string  { return dayFrom(day, 1) }
func dayBefore(day string) string { return dayFrom(day, -1) }

// dayFrom is the day so many days from another; "" where that is none.
func dayFrom(day string, days int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ""
	}
	return t.AddDate(0, 0, days).Format(time.DateOnly)
}

// Of reports whether the coverage is that of what terms examine.
func (c *Covered) Of(t engagement.Terms) bool {
	return coverKey(t) == coverKey(engagement.Terms{System: c.System, Type: map[bool]engagement.Type{true: engagement.SOC1TypeII, false: engagement.SOC2TypeII}[c.Objectives]})
}

// Days is how many days a stretch has.
func (s Stretch) Days() int {
	a, err := time.Parse(time.DateOnly, s.First)
	b, berr := time.Parse(time.DateOnly, s.Last)
	if err != nil || berr != nil {
		return 0
	}
	return int(b.Sub(a)/(24*time.Hour)) + 1
}

// Uncovered is how many days no report and no letter speaks of.
func (c *Covered) Uncovered() (days int) {
	for _, h := range c.Holes() {
		days += h.Days()
	}
	return days
}
