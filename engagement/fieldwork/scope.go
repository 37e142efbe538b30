package fieldwork

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/engagement"
)

// ControlsInScope are the controls of the client's set that meet something that is
// examined, and those that have a test, by ID.
func (f *File) ControlsInScope() []string {
	ids := map[string]bool{}
	if f.Controls != nil {
		for _, c := range f.Controls.Controls {
			if f.Terms.Covers(c) {
				ids[c.ID] = true
			}
		}
	}
	for id := range f.testedControls() {
		ids[id] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

// testedControls are the controls with a test that is performed.
func (f *File) testedControls() map[string]bool {
	ids := map[string]bool{}
	for _, t := range f.Tests {
		if t.Dropped == "" && ofControl(t) {
			ids[t.Control] = true
		}
	}
	return ids
}

// ofControl reports whether a test is of a control: one of the description is of
// description criteria alone.
func ofControl(t *Test) bool {
	return len(t.Criteria) == 0 || slices.ContainsFunc(t.Criteria, func(c string) bool { return !isDC(c) })
}

// Reported reports whether Section IV lists a test: one of operation, else one of
// design where nothing of the control's operation is tested.
func (f *File) Reported(t *Test) bool {
	switch t.Phase {
	case engagement.Operation:
		return true
	case engagement.Design:
		return !slices.ContainsFunc(f.testsOf(t.Control), func(o *Test) bool { return o.Phase == engagement.Operation })
	}
	return false
}

// isDC reports whether a criterion is one of the description's.
func isDC(c string) bool { return c == "DC" || strings.HasPrefix(c, "DC ") }

// testsOf are a control's tests that are performed, by ID.
func (f *File) testsOf(control string) (out []*Test) {
	for _, t := range f.Tests {
		if t.Control == control && t.Dropped == "" && ofControl(t) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *Test) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// testsOfDC are the tests of a description criterion, by ID.
func (f *File) testsOfDC(dc string) (out []*Test) {
	for _, t := range f.Tests {
		if !ofControl(t) && t.Dropped == "" && slices.Contains(t.Criteria, dc) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *Test) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// controlsOf are the controls that meet a criterion or an objective, by ID: as
// the client's set, the objective or a test says.
func (f *File) controlsOf(criterion string) []string {
	ids := map[string]bool{}
	if f.Controls != nil {
		for _, c := range f.Controls.Controls {
			if slices.Contains(c.Criteria, criterion) {
				ids[c.ID] = true
			}
		}
	}
	for _, o := range f.Terms.Objectives {
		for _, c := range o.Controls {
			if o.ID == criterion {
				ids[c] = true
			}
		}
	}
	for _, t := range f.Tests {
		if t.Dropped == "" && ofControl(t) && (slices.Contains(t.Criteria, criterion) || slices.Contains(t.Extra, criterion)) {
			ids[t.Control] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// What is concluded on, before the colon of its name.
const (
	OnControl   = "control"
	OnCriterion = "criterion"
	OnObjective = "objective"
	OnDC        = "dc"
)

// ToConclude are the names of everything that has to have a conclusion before
// an opinion: controls, criteria, objectives, description criteria.
func (f *File) ToConclude() (out []string) {
	for _, c := range f.ControlsInScope() {
		out = append(out, OnControl+":"+c)
	}
	for _, c := range f.Terms.Criteria() {
		out = append(out, OnCriterion+":"+c)
	}
	for _, c := range f.Terms.Examined() {
		out = append(out, OnCriterion+":"+c)
	}
	for _, o := range f.Terms.Objectives {
		out = append(out, OnObjective+":"+o.ID)
	}
	for _, d := range f.Terms.Type.DescriptionCriteria() {
		out = append(out, OnDC+":"+d)
	}
	return out
}

// period is the time the examination speaks of: a period, or a day.
func (f *File) period() audit.Span {
	t := f.Terms
	firstDay, last := t.First, t.Last
	if !t.Type.OverPeriod() {
		firstDay, last = t.AsOf, t.AsOf
	}
	p, err := audit.NewPeriod(firstDay, last, t.Zone)
	if err != nil {
		return audit.Span{}
	}
	return audit.Span{From: p.From, To: p.To}
}

// A Version is a stretch of the period over which one text of a control was in
// force.
type Version struct {
	From string // day from which it is in force, as the client's set says; "": from the beginning
	Span audit.Span
}

// Versions are the texts of a control that were in force in the period, in order.
// A control without one in the client's set has one, over the whole period.
func (f *File) Versions(control string) (out []Version) {
	whole := f.period()
	if f.Controls != nil {
		for _, c := range f.Controls.Controls {
			if c.ID != control {
				continue
			}
			if span := f.inForce(c.Effective).Intersect(whole); !span.Empty() {
				out = append(out, Version{c.Effective.From, span})
			}
		}
	}
	if len(out) == 0 {
		return []Version{{"", whole}}
	}
	slices.SortFunc(out, func(a, b Version) int { return a.Span.From.Compare(b.Span.From) })
	return out
}

// inForce is the time of a revision; open ends are far away.
func (f *File) inForce(e audit.Effective) audit.Span {
	p, err := audit.NewPeriod(cmp.Or(e.From, "1990-01-01"), cmp.Or(e.To, "2200-12-31"), f.Terms.Zone)
	if err != nil {
		return audit.Span{}
	}
	return audit.Span{From: p.From, To: p.To}
}

// versionSpan is the time of the version that a test is of: of the whole period,
// where it is of no certain one.
func (f *File) versionSpan(t *Test) audit.Span {
	if t.Version == "" {
		return f.period()
	}
	for _, v := range f.Versions(t.Control) {
		if f.ofVersion(t, v) {
			return v.Span
		}
	}
	return f.period()
}

// ofVersion reports whether a test is of that version of its control.
func (f *File) ofVersion(t *Test, v Version) bool {
	if t.Version == v.From {
		return true
	}
	day, err := time.ParseInLocation(time.DateOnly, t.Version, f.location())
	return err == nil && v.Span.Contains(day)
}

func (f *File) location() *time.Location {
	if loc, err := time.LoadLocation(f.Terms.Zone); err == nil {
		return loc
	}
	return time.UTC
}

// UntestedVersions are the versions of a control without a test of one of the
// phases that is more than inquiry, by the day from which they are in force.
func (f *File) UntestedVersions(control string, phases ...engagement.Phase) (out []string) {
	versions := f.Versions(control)
	for _, v := range versions {
		has := slices.ContainsFunc(f.testsOf(control), func(t *Test) bool {
			return t.Kind != engagement.Inquiry && slices.Contains(phases, t.Phase) && (f.ofVersion(t, v) || t.Version == "" && len(versions) == 1)
		})
		if !has {
			out = append(out, cmp.Or(v.From, "the beginning"))
		}
	}
	return out
}
