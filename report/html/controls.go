package html

import (
	"fmt"
	"slices"
	"strconv"

	"tieout/audit"
	"tieout/report"
)

// controls groups the controls by the first criterion they serve.
func (v *View) controls() {
	byID := map[string]*audit.Criterion{}
	for i := range v.R.Criteria {
		byID[v.R.Criteria[i].ID] = &v.R.Criteria[i]
	}
	groups := map[string]*group{}
	var order []string
	for i := range v.R.Controls {
		c := &v.R.Controls[i]
		key, name := groupOf(c.Control, byID)
		if groups[key] == nil {
			groups[key] = &group{Name: name}
			order = append(order, key)
		}
		groups[key].Rows = append(groups[key].Rows, v.control(c, byID))
	}
	slices.SortStableFunc(order, func(a, b string) int { return groupRank(v.R.Criteria, a) - groupRank(v.R.Criteria, b) })
	for _, key := range order {
		v.Groups = append(v.Groups, *groups[key])
	}
}

func groupOf(c audit.Control, byID map[string]*audit.Criterion) (key, name string) {
	for _, id := range c.Criteria {
		if k := byID[id]; k != nil {
			return k.Group, k.GroupName
		}
	}
	return "", "Other controls"
}

// groupRank is where a group comes among the criteria; last without one.
func groupRank(list []audit.Criterion, group string) int {
	i := slices.IndexFunc(list, func(c audit.Criterion) bool { return c.Group == group })
	if i < 0 {
		return len(list)
	}
	return i
}

func (v *View) control(c *audit.ControlReport, byID map[string]*audit.Criterion) *control {
	k := c.Control
	out := &control{
		ID: k.ID, Title: k.Title, Description: k.Description, Owner: k.Owner, Happens: k.Frequency, Anchor: Anchor("c-", k.ID),
		Class: stateClass[c.State], Word: report.StateWord(c.State, v.reader), Strip: drawControl(c, v.R.Period, v.R.AsOf, v.loc),
	}
	for _, id := range k.Criteria {
		one := criterion{ID: id, Anchor: Anchor("k-", id)}
		if x := byID[id]; x != nil {
			one.Summary = x.Summary
		}
		out.Criteria = append(out.Criteria, one)
	}
	for i := range c.Procedures {
		out.Tests = append(out.Tests, v.test(&c.Procedures[i], k, i))
	}
	return out
}

func (v *View) test(t *audit.Tested, k audit.Control, n int) test {
	out := test{
		Anchor: Anchor("t-", k.ID) + "." + strconv.Itoa(n+1), Title: t.Title, ID: t.Procedure, Hash: t.Hash,
		Statement: report.TestCell(t, v.loc), Population: t.Population, Result: report.ResultCell(t),
		Operated: report.Operated(t, v.R.Period),
		Strip:    drawStrip(t, k.ID+" "+k.Title, v.R.Period, v.R.AsOf, v.loc), Questions: t.Questions, Days: v.days(t),
	}
	if l := t.Counts[audit.Late]; l > 0 {
		out.Late = report.Number(l) + " late"
	}
	for o, c := range t.Counts {
		if c > 0 {
			out.Counts = append(out.Counts, outcomeCount{OutcomeClass(audit.Outcome(o)), report.Capital(audit.Outcome(o).String()), report.Number(c)})
		}
	}
	v.links(&out, t)
	return out
}

// links leads from a test to its findings, its gaps and what it read.
func (v *View) links(out *test, t *audit.Tested) {
	const few = 20
	for i := range t.Deviations[:min(len(t.Deviations), few)] {
		out.Findings = append(out.Findings, to(t.Deviations[i].Ref, v.devAt[report.KeyOf(&t.Deviations[i])]))
	}
	if n := len(t.Deviations) - few; n > 0 {
		out.Findings = append(out.Findings, ref{"and " + report.Number(n) + " more", "#deviations"})
	}
	for i := range t.Gaps[:min(len(t.Gaps), few)] {
		g := v.Gap(&t.Gaps[i])
		out.Gaps = append(out.Gaps, to(g.When, g.Anchor))
	}
	if n := len(t.Gaps) - few; n > 0 {
		out.Gaps = append(out.Gaps, ref{"and " + report.Number(n) + " more", "#gaps"})
	}
	for i := range t.Streams {
		out.Streams = append(out.Streams, ref{StreamName(t.Streams[i].StreamKey), "#" + Anchor("s-", StreamName(t.Streams[i].StreamKey))})
	}
}

// to leads to a fragment, or nowhere if the page does not list it.
func to(text, fragment string) ref {
	if fragment == "" {
		return ref{Text: text}
	}
	return ref{text, "#" + fragment}
}

// days are the rows behind a strip: a window each, a month of events, or a
// stretch of days with one outcome.
func (v *View) days(t *audit.Tested) []dayRow {
	var rows []dayRow
	last := ""
	for _, m := range t.Marks {
		when := report.Days(m.Span, v.loc)
		switch {
		case t.Form == audit.Event:
			when = m.From.In(v.loc).Format("Jan 2006")
		case t.Form == audit.Cadence && m.Label != "":
			when = m.Label
		}
		if when != last {
			rows = append(rows, dayRow{When: when})
			last = when
		}
		rows[len(rows)-1].add(m)
	}
	return rows
}

// add counts m into the row.
func (d *dayRow) add(m audit.Mark) {
	class, word := OutcomeClass(m.Outcome), m.Outcome.String()
	for i := range d.Parts {
		if d.Parts[i].Word == word {
			n, _ := strconv.Atoi(d.Parts[i].N)
			d.Parts[i].N = strconv.Itoa(n + m.Count)
			return
		}
	}
	d.Parts = append(d.Parts, outcomeCount{class, word, strconv.Itoa(m.Count)})
}

// rest is what stands behind the tests: untested controls, coverage, criteria,
// evidence and versions.
func (v *View) rest() {
	r := v.R
	for _, c := range r.Untested {
		v.Untested = append(v.Untested, untested{c.ID, c.Title, c.Owner, r.Why[c.ID]})
	}
	for i := range r.Coverage {
		v.Coverage = append(v.Coverage, v.stream(&r.Coverage[i]))
	}
	for _, c := range r.Criteria {
		v.Criteria = append(v.Criteria, v.criterion(c))
	}
	for _, e := range r.Evidence {
		v.Evidence = append(v.Evidence, v.record(e))
	}
	v.Versions = fmt.Sprintf("Tieout %s, schema %d, engine %d", r.Versions.Tieout, r.Versions.Schema, r.Versions.Engine)
	for _, name := range sortedKeys(r.Versions.Normalizers) {
		v.Versions += fmt.Sprintf(", %s normalizer %d", name, r.Versions.Normalizers[name])
	}
	v.Witnessed = "not externally witnessed"
	if len(r.Log.Witnessed) > 0 {
		v.Witnessed = "seen from outside by " + report.List(r.Log.Witnessed)
	}
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (v *View) stream(c *audit.StreamSummary) stream {
	out := stream{
		Anchor: Anchor("s-", StreamName(c.StreamKey)), Name: StreamName(audit.StreamKey{Source: c.Source, Scope: c.Scope}), Type: c.Type,
		Items: report.Number(c.Items), Checks: c.Checks, Strip: drawCoverage(c, v.R.Period, v.R.AsOf, v.loc),
	}
	switch c.Mode {
	case audit.ModeSnapshot:
		out.Mode, out.Seen = "snapshots", report.Plural(c.Observations, "observation", "observations")
	case audit.ModeChanges:
		out.Mode = "change history"
	default:
		out.Mode = "event history"
	}
	for _, h := range c.Holes {
		one := hole{When: report.Days(h.Span, v.loc), Reason: h.Reason, Record: ref{Text: audit.EvidenceRef(h.Record)}}
		if v.known[h.Record] {
			one.Record.Href = "#" + one.Record.Text
		}
		out.Holes = append(out.Holes, one)
	}
	return out
}

func (v *View) criterion(c audit.Criterion) criterion {
	out := criterion{ID: c.ID, Summary: c.Summary, Anchor: Anchor("k-", c.ID)}
	for i := range v.R.Controls {
		if k := &v.R.Controls[i].Control; slices.Contains(k.Criteria, c.ID) {
			out.Controls = append(out.Controls, ref{k.ID, "#" + Anchor("c-", k.ID)})
		}
	}
	for i := range v.R.Untested {
		if k := &v.R.Untested[i]; slices.Contains(k.Criteria, c.ID) {
			out.Controls = append(out.Controls, ref{k.ID + " (not tested here)", "#untested"})
		}
	}
	return out
}

func (v *View) record(e audit.EvidenceLine) record {
	about := report.Moment(e.About.From, v.loc)
	if d := e.About.To.Sub(e.About.From); d > 1000 {
		about = report.Days(e.About, v.loc)
	}
	return record{
		Anchor: audit.EvidenceRef(e.Index), Ref: audit.EvidenceRef(e.Index), Kind: string(e.Kind), Source: e.Source, Scope: e.Scope, Query: e.Query,
		About: about, Collected: report.Moment(e.Collected, v.loc), Recorded: report.Moment(e.Recorded, v.loc), Digest: e.Digest, Size: report.Number(int(e.Size)),
	}
}
