package html

import (
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/report"
)

// A View is a report as a page wants it: every text ready, the links of one
// page made. It adds no facts, and does not change once it is made.
type View struct {
	Policy     string
	Style      template.CSS
	Title      string
	R          *audit.Report
	Period     string
	AsOf       string
	Categories string
	Ruler      ruler
	Counts     []stateCount
	Months     []month
	Deviations []finding
	MoreDevs   string
	Gaps       []gap
	MoreGaps   string
	Groups     []group
	Untested   []untested
	Coverage   []stream
	Criteria   []criterion
	Evidence   []record
	Versions   string
	Witnessed  string
	Digest     string

	reader report.Reader
	devAt  map[report.FindingKey]string // fragment of each listed finding
	gapAt  map[string]string            // and of each listed gap, by gapKey
	loc    *time.Location
	known  map[int64]bool
	titles map[string]string // control id -> title
}

type stateCount struct {
	Class, Word, Href string
	N                 string
}

type ruler struct{ Done, First, Now, Last, Place string }

type month struct{ X, Name string }

type finding struct {
	Anchor                string
	Class, Word           string
	Controls              []ref
	Title, Item, Reason   string
	When, Known, Lasted   string
	Decision, Why         string
	Cause, Response       string
	Exceptions            []string
	Gone                  string
	Values                []audit.FieldValue
	Attributes            []audit.AttributeResult
	Evidence              []ref
	Ref, ProcedureHashCut string
}

// A ref is a name and where it leads; without Href it is only a name.
type ref struct{ Text, Href string }

type gap struct {
	Controls              []ref
	When, Stream, Reason  string
	Touches               string
	Evidence              []ref
	Anchor, ProcedureName string
}

type group struct {
	Name string
	Rows []*control
}

type control struct {
	ID, Title, Description, Owner, Happens string
	Anchor                                 string
	Class, Word                            string
	Strip                                  template.HTML // of all tests
	Criteria                               []criterion
	Tests                                  []test
}

type test struct {
	Anchor, Title, ID, Hash       string
	Statement, Population, Result string
	Operated, Late                string
	Strip                         template.HTML
	Counts                        []outcomeCount
	Days                          []dayRow
	Findings                      []ref
	Gaps                          []ref
	Questions                     []string
	Streams                       []ref
}

type outcomeCount struct{ Class, Word, N string }

type dayRow struct {
	When  string
	Parts []outcomeCount
}

type untested struct{ ID, Title, Owner, Why string }

type stream struct {
	Anchor, Name, Type, Mode, Seen, Items string
	Strip                                 template.HTML
	Checks                                []audit.Reconciling
	Holes                                 []hole
}

type hole struct {
	When, Reason string
	Record       ref
}

type criterion struct {
	ID, Summary, Anchor string
	Controls            []ref
}

type record struct {
	Anchor, Ref, Kind, Source, Scope, Query, About, Collected, Recorded, Digest, Size string
}

// NewView makes the view of r for a reader. It keeps r.
func NewView(r *audit.Report, reader report.Reader) (*View, error) {
	bytes, err := canonical.Marshal(r)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(bytes)
	v := &View{
		reader: reader,
		Policy: policy, Style: template.CSS(style), R: r, Digest: "sha256:" + hex.EncodeToString(sum[:]),
		loc: r.Period.Location(), known: map[int64]bool{}, titles: map[string]string{},
		devAt: map[report.FindingKey]string{}, gapAt: map[string]string{},
	}
	for _, e := range r.Evidence {
		v.known[e.Index] = true
	}
	for i := range r.Controls {
		v.titles[r.Controls[i].Control.ID] = r.Controls[i].Control.Title
	}
	v.head()
	v.findings()
	v.controls()
	v.rest()
	return v, nil
}

func (v *View) head() {
	r := v.R
	v.Title = "Results, " + report.Days(r.Period.Span, v.loc) + " · " + r.Organization.Name
	v.Period = report.Days(r.Period.Span, v.loc)
	v.AsOf = report.Moment(r.AsOf, v.loc)
	v.Categories = categories(r.Organization.Categories)
	done := 100 * float64(r.AsOf.Sub(r.Period.From)) / float64(max(r.Period.To.Sub(r.Period.From), 1))
	v.Ruler = ruler{Done: pc(min(max(done, 0), 100)), First: report.Day(r.Period.From, v.loc), Last: report.Day(r.Period.To.Add(-time.Microsecond), v.loc)}
	if done > 0 && done < 100 {
		v.Ruler.Now = "As of " + report.Day(r.AsOf, v.loc)
	}
	switch {
	case done < 15:
		v.Ruler.Place = " k-start k-below"
	case done > 85:
		v.Ruler.Place = " k-end k-below"
	}
	s := &strip{period: r.Period}
	for t := r.Period.From; t.Before(r.Period.To); t = nextMonth(t, v.loc) {
		v.Months = append(v.Months, month{pc(s.at(t)), t.In(v.loc).Format("Jan")})
	}
	v.Months = roomy(v.Months, s.period, v.loc)
	if len(v.Months) > 14 {
		v.Months = slices.DeleteFunc(v.Months, func(m month) bool { return m.Name != "Jan" && m.Name != "Jul" })
	}
	v.counts()
}

// leastOfMonth is how much of a month is in the period for its name to stand over
// it: of less, the name would run into the next one.
const leastOfMonth = 15 * 24 * time.Hour

// roomy drops the names of a first and a last month of which the period has a few
// days only; a name that stands alone stays.
func roomy(months []month, period audit.Period, loc *time.Location) []month {
	if n := len(months); n > 1 && nextMonth(period.From, loc).Sub(period.From) < leastOfMonth {
		months = months[1:]
	}
	if n := len(months); n > 1 && period.To.Sub(lastMonth(period, loc)) < leastOfMonth {
		months = months[:n-1]
	}
	return months
}

// lastMonth is the first instant of the period's last month.
func lastMonth(period audit.Period, loc *time.Location) time.Time {
	t := period.To.Add(-time.Microsecond).In(loc)
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, loc)
}

var categoryNames = map[audit.Category]string{
	audit.Security: "Security", audit.Availability: "Availability", audit.ProcessingIntegrity: "Processing integrity",
	audit.Confidentiality: "Confidentiality", audit.Privacy: "Privacy",
}

func categories(list []audit.Category) string {
	var names []string
	for _, c := range list {
		if n := categoryNames[c]; n != "" {
			names = append(names, n)
		} else {
			names = append(names, string(c))
		}
	}
	return strings.Join(names, ", ")
}

func (v *View) counts() {
	s := report.StandingOf(v.R)
	for _, c := range []struct {
		n           int
		class, word string
		href        string
	}{
		{s.Deviations, "dev", string(audit.HasDeviation), "#deviations"},
		{s.Gaps, "gap", string(audit.EvidenceGap), "#gaps"},
		{s.AtRisk, "late", string(audit.AtRisk), "#controls"},
		{s.NotStarted, "none", string(audit.NotStarted), "#controls"},
		{s.Untested, "due", "Not tested here", "#untested"},
		{s.OnTrack, "ok", report.StateWord(audit.OnTrack, v.reader), "#controls"},
	} {
		v.Counts = append(v.Counts, stateCount{c.class, c.word, c.href, report.Number(c.n)})
	}
}

// findings lists deviations and gaps, each up to Shown.
func (v *View) findings() {
	devs, gaps := report.Deviations(v.R), report.Gaps(v.R)
	v.MoreDevs, v.MoreGaps = more(len(devs), "findings"), more(len(gaps), "stretches")
	used := map[string]bool{}
	for i := range devs[:min(len(devs), Shown)] {
		v.devAt[report.KeyOf(&devs[i])] = unlike(used, Anchor("d-", devs[i].Ref))
		v.Deviations = append(v.Deviations, v.Finding(&devs[i]))
	}
	for i := range gaps[:min(len(gaps), Shown)] {
		v.gapAt[gapKey(&gaps[i])] = unlike(used, Anchor("g-", gaps[i].Procedure+"."+gaps[i].Span.From.UTC().Format(time.DateOnly)))
		v.Gaps = append(v.Gaps, v.Gap(&gaps[i]))
	}
}

// unlike returns name, or the first of name.2, name.3 ... that is not used.
func unlike(used map[string]bool, name string) string {
	one := name
	for n := 2; used[one]; n++ {
		one = name + "." + strconv.Itoa(n)
	}
	used[one] = true
	return one
}

func gapKey(g *audit.Gap) string {
	return strings.Join([]string{g.Procedure, g.Stream.Source, g.Stream.Scope, g.Stream.Type, audit.FormatTime(g.Span.From), audit.FormatTime(g.Span.To), g.Reason}, "\x1f")
}

func more(n int, what string) string {
	if n <= Shown {
		return ""
	}
	return report.Number(n-Shown) + " more " + what + " are in the workbook and in the JSON of this report, in the same order."
}

// Finding is one deviation as a page shows it.
func (v *View) Finding(d *audit.Deviation) finding {
	f := finding{
		Anchor: v.devAt[report.KeyOf(d)], Ref: d.Ref, Controls: v.controlRefs(d.Controls), Title: d.Title, Item: d.Item, Reason: d.Reason,
		When: report.Days(d.Span, v.loc), Decision: decision(d), Why: d.DecidedWhy, Cause: d.Cause, Response: d.Response,
		Values: d.Values, Attributes: failed(d.Attributes), Evidence: v.recordRefs(d.Records),
	}
	if d.Label != "" {
		f.Item = d.Label
	}
	f.Class, f.Word = OutcomeClass(d.Outcome), report.Capital(d.Outcome.String())
	if d.Disposition == audit.NotDeviation {
		f.Class = "none"
	}
	if length := d.Span.To.Sub(d.Span.From); length > time.Second {
		f.Lasted = report.Length(length)
	}
	f.Known = v.bounds(d)
	for i := range d.Exceptions {
		f.Exceptions = append(f.Exceptions, report.Excepted(&d.Exceptions[i], v.loc))
	}
	if d.NotFoundBy != "" {
		f.Gone = "No longer found under procedure hash " + cutHash(d.NotFoundBy)
	}
	return f
}

// bounds says both ends of what is known, where an observation gave them.
func (v *View) bounds(d *audit.Deviation) string {
	var parts []string
	if !d.Start.Exact() {
		parts = append(parts, "began after "+report.Moment(d.Start.After, v.loc)+" and by "+report.Moment(d.Start.At, v.loc))
	}
	switch {
	case d.Open:
		parts = append(parts, "still so at the last observation")
	case !d.End.At.IsZero() && !d.End.Exact():
		parts = append(parts, "ended after "+report.Moment(d.End.After, v.loc)+" and by "+report.Moment(d.End.At, v.loc))
	}
	return report.Capital(strings.Join(parts, "; "))
}

func failed(list []audit.AttributeResult) []audit.AttributeResult {
	return slices.DeleteFunc(slices.Clone(list), func(a audit.AttributeResult) bool { return a.Outcome == audit.Operated })
}

func decision(d *audit.Deviation) string {
	word := string(d.Disposition)
	if word == "" {
		word = string(audit.Candidate)
	}
	if d.DecidedBy != "" {
		word += ", " + d.DecidedBy
	}
	return report.Capital(word)
}

// Gap is one stretch without evidence as a page shows it.
func (v *View) Gap(g *audit.Gap) gap {
	touches := "the whole population"
	if g.Items > 0 {
		touches = report.Plural(g.Items, "item", "items")
	}
	return gap{
		Controls: v.controlRefs(g.Controls), When: report.Days(g.Span, v.loc), Stream: StreamName(g.Stream), Reason: g.Reason, Touches: touches,
		Evidence: v.recordRefs(g.Records), Anchor: v.gapAt[gapKey(g)],
	}
}

// StreamName names a stream: its source, its scope and its type.
func StreamName(k audit.StreamKey) string {
	return strings.Join(slices.DeleteFunc([]string{k.Source, k.Scope, k.Type}, func(s string) bool { return s == "" }), " · ")
}

func (v *View) controlRefs(ids []string) []ref {
	var out []ref
	for _, id := range ids {
		r := ref{Text: id}
		if v.titles[id] != "" {
			r.Href = "#" + Anchor("c-", id)
		}
		out = append(out, r)
	}
	return out
}

// recordRefs names records, and leads to those in the evidence index.
func (v *View) recordRefs(records []int64) []ref {
	var out []ref
	for _, i := range records {
		r := ref{Text: audit.EvidenceRef(i)}
		if v.known[i] {
			r.Href = "#" + r.Text
		}
		out = append(out, r)
	}
	return out
}

// OutcomeClass is the class of the shape and color beside an outcome's word.
func OutcomeClass(o audit.Outcome) string {
	return [audit.NumOutcomes]string{"gap", "dev", "late", "due", "none", "none", "ok"}[o]
}

var stateClass = map[audit.ControlState]string{
	audit.OnTrack: "ok", audit.AtRisk: "late", audit.EvidenceGap: "gap", audit.HasDeviation: "dev", audit.NotStarted: "none",
}

func cutHash(h string) string {
	if len(h) > 19 {
		return h[:19] + "…"
	}
	return h
}
