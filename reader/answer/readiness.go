package answer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/report"
)

// ReadinessSchema is the schema of a Readiness, as it stands in every JSON answer.
const ReadinessSchema = "tieout.readiness/1"

// A Readiness is what stands between a period and a date.
type Readiness struct {
	Period   audit.Period    `json:"period"`
	By       time.Time       `json:"by"` // the date: the last instant of a day
	AsOf     time.Time       `json:"asOf"`
	Tested   bool            `json:"tested"` // a run was sealed: findings and evidence gaps are known
	Gaps     []ReadinessGap  `json:"gaps"`   // the most work first
	Stops    []Stop          `json:"rehearsal"`
	Burn     []BurnPoint     `json:"burn"` // in order of time
	holidays map[string]bool // days on which nobody works, "2026-12-25"
}

// GapKind is what kind of gap one is.
type GapKind string

// Kinds of gap.
const (
	NoControl  GapKind = "criterion without a control"
	NoSource   GapKind = "source missing"
	NoTest     GapKind = "control without a test"
	ByPerson   GapKind = "control a person has to test"
	NoEvidence GapKind = "evidence missing"
	Undecided  GapKind = "findings to decide"
	Unanswered GapKind = "findings to answer"
	NoPolicy   GapKind = "policy missing or not approved"
	NoOwner    GapKind = "control without an owner"
	NotClaimed GapKind = "seen and not claimed"
	Boundary   GapKind = "system not described"
	NoPeriod   GapKind = "days that no period holds"
)

// A ReadinessGap is one thing to do.
type ReadinessGap struct {
	Key      string     `json:"key"` // the same gap has the same key in every run
	Kind     GapKind    `json:"kind"`
	What     string     `json:"what"`
	Why      string     `json:"why,omitempty"`
	Count    int        `json:"count"` // findings, stretches or controls it stands for
	Hours    int        `json:"hours"` // estimate; see Hours
	Owner    string     `json:"owner,omitempty"`
	Controls []string   `json:"controls,omitempty"`
	Criteria []string   `json:"criteria,omitempty"` // it stands in the way of
	Issues   []GapIssue `json:"issues,omitempty"`   // opened on it and not closed, see WithIssues
	Fix      Fix        `json:"fix"`
}

// A Fix is where a gap is closed: a screen, or a command.
type Fix struct {
	Screen  string   `json:"screen"`          // path
	Query   []string `json:"query,omitempty"` // names and values in turn
	Command string   `json:"command"`
}

// Hours is the rule of thumb for the work behind each kind of gap, in hours of
// one person: for the gap itself, and for each finding or stretch in it.
var Hours = []struct {
	Kind       GapKind
	Each, Many int
	Rests      string
}{
	{NoControl, 24, 0, "choosing or writing a control, naming its owner, starting it"},
	{NoSource, 12, 0, "an account that may only read, a connection, a first collection"},
	{NoTest, 12, 0, "a procedure with examples, or a connection that gives what one reads"},
	{ByPerson, 4, 0, "asking, looking and writing down the answer"},
	{NoEvidence, 3, 0, "finding the evidence where it still is, or saying that it is lost"},
	{Undecided, 1, 30, "an hour to see the pattern, half an hour for each finding"},
	{Unanswered, 1, 20, "an hour for the cause, a third of one for each response"},
	{NoPolicy, 6, 0, "writing or mending it, and an approval"},
	{NoOwner, 1, 0, "asking who answers for it"},
	{NotClaimed, 1, 0, "a line in the system file"},
	{Boundary, 4, 0, "a walk through the diagram with somebody who knows"},
	{NoPeriod, 2, 0, "a period that begins the day after, or the words for who asks"},
}

// hours is the estimate for a gap of a kind with n findings in it.
func hours(kind GapKind, n int) int {
	for _, h := range Hours {
		if h.Kind == kind {
			return h.Each + (n*h.Many+59)/60
		}
	}
	return 0
}

// manyRuns is how many of the sealed runs a burn-up is drawn from.
const manyRuns = 26

// ReadinessOf says what stands between a period and its end. It reads sealed
// runs, definitions and the newest evidence and changes nothing.
func ReadinessOf(ctx context.Context, p *period.Program, r *audit.Report, sys *System) (*Readiness, error) {
	out := &Readiness{Period: p.Period, By: p.Period.To.Add(-time.Microsecond), AsOf: audit.Instant(p.Now()), holidays: map[string]bool{}}
	for _, h := range p.Def.Config.Holidays {
		out.holidays[h] = true
	}
	runs, err := p.PastRuns(ctx, manyRuns)
	if err != nil {
		return nil, err
	}
	docs, err := documentsOf(ctx, p)
	if err != nil {
		return nil, err
	}
	now := viewOf(p, r)
	out.Tested = len(runs) > 0
	out.Gaps = append(append(gapsIn(now), standingGaps(now, sys, docs)...), periodGaps(p)...)
	vendors, err := p.Registers().AllVendors(ctx)
	if err != nil {
		return nil, err
	}
	out.Gaps = append(out.Gaps, roomGaps(p.Def.Systems, vendors)...)
	for i := range out.Gaps {
		if g := &out.Gaps[i]; g.Criteria == nil {
			g.Criteria = now.criteriaOf(g.Controls)
		}
	}
	slices.SortStableFunc(out.Gaps, func(a, b ReadinessGap) int {
		return cmp.Or(cmp.Compare(b.Hours, a.Hours), strings.Compare(a.Key, b.Key))
	})
	out.Stops = rehearse(now, r, sys, docs)
	past, err := pastViews(ctx, p, runs)
	if err != nil {
		return nil, err
	}
	out.Burn = burn(past)
	return out, nil
}

// A view is what gaps are found in: definitions, and what was found under them.
type view struct {
	at       time.Time
	defs     string // hash
	criteria []audit.Criterion
	controls []audit.Control // in scope
	untested []definition.NotTested
	lacking  map[string][]string // item type -> controls that nothing tests for want of it
	tested   []audit.Tested
	devs     []audit.Deviation
}

// viewOf is the present, as the report has it.
func viewOf(p *period.Program, r *audit.Report) view {
	v := definitionsIn(p.Def, p.Selection(), given(p, p.Def))
	v.at = r.AsOf
	for _, t := range report.Procedures(r) {
		v.tested = append(v.tested, *t)
	}
	v.devs = report.Deviations(r)
	return v
}

func given(p *period.Program, w *definition.Workspace) map[string]bool {
	return w.Given(func(kind string) []string {
		if d, err := p.Drivers.Find(kind); err == nil {
			return d.Types
		}
		return nil
	})
}

// definitionsIn is what definitions alone tell of gaps.
func definitionsIn(w *definition.Workspace, sel *definition.Selection, given map[string]bool) view {
	v := view{defs: w.Hash(), criteria: slices.DeleteFunc(w.Criteria(), func(k audit.Criterion) bool { return w.LeftOut(k.ID) != "" }), controls: sel.Controls, untested: sel.Untested, lacking: map[string][]string{}}
	tested := map[string]bool{}
	for _, x := range sel.Procedures {
		for _, id := range x.Controls {
			tested[id] = true
		}
	}
	for _, x := range w.Procedures {
		for _, typ := range definition.Lacking(x, given) {
			for _, id := range x.Controls {
				if !tested[id] && !slices.Contains(v.lacking[typ], id) {
					v.lacking[typ] = append(v.lacking[typ], id)
				}
			}
		}
	}
	return v
}

// pastViews are the sealed runs with the definitions and decisions of their time.
func pastViews(ctx context.Context, p *period.Program, runs []period.PastRun) ([]view, error) {
	known := map[string]*view{}
	var out []view
	for _, run := range runs {
		v, err := pastDefinitions(ctx, p, run.Definitions, known)
		if err != nil {
			return nil, err
		}
		one := *v
		if one.devs, err = p.DeviationsAt(ctx, run.Run, run.Sealed); err != nil {
			return nil, err
		}
		one.at, one.tested = run.Sealed, run.Tested
		out = append(out, one)
	}
	if len(out) > 0 { // what was decided since the newest run
		last := out[len(out)-1]
		var err error
		if last.devs, err = p.DeviationsAt(ctx, runs[len(runs)-1].Run, p.Now()); err != nil {
			return nil, err
		}
		last.at = audit.Instant(p.Now())
		out = append(out, last)
	}
	return out, nil
}

// pastDefinitions loads the revision of a hash. One that this program cannot
// load any more tells nothing of scope.
func pastDefinitions(ctx context.Context, p *period.Program, hash string, known map[string]*view) (*view, error) {
	if v := known[hash]; v != nil {
		return v, nil
	}
	w := p.Def
	if hash != p.Def.Hash() {
		rev, err := p.Store.RevisionByHash(ctx, hash)
		if errors.Is(err, audit.ErrNotFound) {
			known[hash] = &view{defs: hash}
			return known[hash], nil
		}
		if err != nil {
			return nil, err
		}
		var ok bool
		if w, ok = loads(rev.Canonical); !ok {
			known[hash] = &view{defs: hash}
			return known[hash], nil
		}
	}
	sel := w.Select(func(kind string) []string {
		if d, err := p.Drivers.Find(kind); err == nil {
			return d.Types
		}
		return nil
	})
	v := definitionsIn(w, &sel, given(p, w))
	known[hash] = &v
	return &v, nil
}

// loads reads a sealed revision, unless this program no longer can.
func loads(canonical []byte) (*definition.Workspace, bool) {
	w, _, err := definition.FromCanonical(canonical)
	return w, err == nil
}

// gapsIn are the gaps that runs and definitions record.
func gapsIn(v view) []ReadinessGap {
	out := v.criteriaGaps()
	out = append(out, v.sourceGaps()...)
	out = append(out, v.testGaps()...)
	out = append(out, v.findingGaps()...)
	return append(out, v.evidenceGaps()...)
}

func (v view) criteriaGaps() (out []ReadinessGap) {
	for _, k := range v.criteria {
		if slices.ContainsFunc(v.controls, func(c audit.Control) bool { return slices.Contains(c.Criteria, k.ID) }) {
			continue
		}
		out = append(out, ReadinessGap{Key: "criterion " + k.ID, Kind: NoControl, What: k.ID + " has no control", Why: k.Summary, Count: 1, Criteria: []string{k.ID},
			Hours: hours(NoControl, 1), Fix: Fix{"/coverage", []string{"show", "none"}, "tieout control coverage"}})
	}
	return out
}

func (v view) sourceGaps() (out []ReadinessGap) {
	for typ, controls := range v.lacking {
		slices.Sort(controls)
		out = append(out, ReadinessGap{Key: "source " + typ, Kind: NoSource, What: "No source gives items of type " + typ,
			Why:   report.Plural(len(controls), "control has", "controls have") + " no test for want of it: " + some(controls, 6) + ".",
			Count: len(controls), Hours: hours(NoSource, 1), Owner: v.owner(controls), Controls: controls, Fix: Fix{"/connectors", nil, "tieout connector add"}})
	}
	slices.SortFunc(out, func(a, b ReadinessGap) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// testGaps are controls in scope that nothing tests, but for those that only
// lack a source.
func (v view) testGaps() (out []ReadinessGap) {
	for _, u := range v.untested {
		if v.waits(u.Control.ID) {
			continue
		}
		kind, what := NoTest, " has no test"
		if strings.HasPrefix(u.Why, "A person tests it") {
			kind, what = ByPerson, " is tested by a person"
		}
		out = append(out, ReadinessGap{Key: "test " + u.Control.ID, Kind: kind, What: u.Control.ID + what, Why: u.Why, Count: 1, Hours: hours(kind, 1),
			Owner: u.Control.Owner, Controls: []string{u.Control.ID}, Fix: Fix{"/controls/" + u.Control.ID, nil, "tieout control show " + u.Control.ID}})
	}
	for _, c := range v.controls {
		if c.Owner == "" {
			out = append(out, ReadinessGap{Key: "owner " + c.ID, Kind: NoOwner, What: c.ID + " has no owner", Why: c.Title, Count: 1, Hours: hours(NoOwner, 1),
				Controls: []string{c.ID}, Fix: Fix{"/controls/" + c.ID, nil, "tieout control show " + c.ID}})
		}
	}
	return out
}

func (v view) waits(control string) bool {
	for _, controls := range v.lacking {
		if slices.Contains(controls, control) {
			return true
		}
	}
	return false
}

// findingGaps are findings that wait for a person, one gap for each procedure.
func (v view) findingGaps() (out []ReadinessGap) {
	for _, kind := range []GapKind{Undecided, Unanswered} {
		by := map[string][]*audit.Deviation{}
		for i := range v.devs {
			if d := &v.devs[i]; waitsFor(d) == kind {
				by[d.Procedure] = append(by[d.Procedure], d)
			}
		}
		for _, id := range sorted(by) {
			d, n := by[id][0], len(by[id])
			what, query := report.Plural(n, "finding", "findings")+" to decide: ", []string{"response", "none"}
			if kind == Unanswered {
				what = report.Plural(n, "finding", "findings") + " to answer: "
			}
			if len(d.Controls) > 0 {
				query = append(query, "control", d.Controls[0])
			}
			out = append(out, ReadinessGap{Key: string(kind) + " " + id, Kind: kind, What: what + lowerFirst(d.Title), Why: "The first is " + d.Ref + ", " + ItemName(&d.Result) + ".",
				Count: n, Hours: hours(kind, n), Owner: v.owner(d.Controls), Controls: d.Controls, Fix: Fix{"/deviations", query, "tieout deviation show " + d.Ref}})
		}
	}
	return out
}

// waitsFor is what a finding waits for; "" for nothing.
func waitsFor(d *audit.Deviation) GapKind {
	switch {
	case d.Disposition == audit.NotDeviation:
		return ""
	case d.Disposition != audit.Confirmed:
		return Undecided
	case d.Response == "":
		return Unanswered
	}
	return ""
}

// evidenceGaps are streams with stretches nobody saw, one gap for each.
func (v view) evidenceGaps() (out []ReadinessGap) {
	type stretch struct {
		n        int
		first    audit.Gap
		controls []string
	}
	by := map[string]*stretch{}
	for i := range v.tested {
		for _, g := range v.tested[i].Gaps {
			key := "evidence " + StreamName(g.Stream)
			if by[key] == nil {
				by[key] = &stretch{first: g}
			}
			s := by[key]
			s.n++
			for _, c := range g.Controls {
				if !slices.Contains(s.controls, c) {
					s.controls = append(s.controls, c)
				}
			}
		}
	}
	for _, key := range sorted(by) {
		s := by[key]
		slices.Sort(s.controls)
		query := []string{}
		if len(s.controls) > 0 {
			query = []string{"control", s.controls[0]}
		}
		out = append(out, ReadinessGap{Key: key, Kind: NoEvidence, What: "Evidence is missing of " + strings.TrimPrefix(key, "evidence "),
			Why:   fmt.Sprintf("%s of %s: %s", report.Plural(s.n, "stretch", "stretches"), report.Plural(len(s.controls), "control", "controls"), strings.TrimSuffix(s.first.Reason, ".")+"."),
			Count: s.n, Hours: hours(NoEvidence, s.n), Owner: v.owner(s.controls), Controls: s.controls, Fix: Fix{"/gaps", query, "tieout collect"}})
	}
	return out
}

// owner is who answers for controls: one name, or how many more there are.
func (v view) owner(controls []string) string {
	var names []string
	for _, c := range v.controls {
		if c.Owner != "" && slices.Contains(controls, c.ID) && !slices.Contains(names, c.Owner) {
			names = append(names, c.Owner)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	return names[0] + " and " + report.Plural(len(names)-1, "other", "others")
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// some are the first n of ids, and how many there are besides.
func some(ids []string, n int) string {
	if len(ids) <= n {
		return strings.Join(ids, ", ")
	}
	return strings.Join(ids[:n], ", ") + " and " + report.Number(len(ids)-n) + " more"
}

// lowerFirst is s with a small first letter, unless it begins with letters such
// as MFA or CC6.1.
func lowerFirst(s string) string {
	first, _, _ := strings.Cut(s, " ")
	for i, r := range first {
		if i > 0 && (r < 'a' || r > 'z') {
			return s
		}
	}
	if len(first) < 2 {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// ReportNow is the report of the newest run over the program's period. Where
// nothing was tested it is one of an empty run, as of now.
func ReportNow(ctx context.Context, p *period.Program) (*audit.Report, error) {
	run, err := p.RunOfPeriod(ctx)
	if errors.Is(err, audit.ErrNotFound) {
		run, err = &period.Run{Period: p.Period, AsOf: audit.Instant(p.Now()), Definitions: p.Def.Hash(), Record: audit.Unsequenced}, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := p.Report(ctx, run, report.Management)
	return &r, err
}
