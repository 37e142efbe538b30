package oscal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/report"
)

// A builder makes one document; doc is its identity, and every other UUID is
// derived from it.
type builder struct {
	r       *audit.Report
	doc     [16]byte
	records map[int64]string // log index -> UUID of its resource
	seen    map[string][]related
}

func (b *builder) id(parts ...string) string {
	return format(uuid(b.doc, strings.Join(parts, "\x1f")))
}

func (b *builder) results() results {
	r := b.r
	plan := b.id("plan")
	back := back{append([]resource{{UUID: plan, Title: "Procedures", Description: "The procedures of this report are the plan; each observation names its procedure and the hash of its text."}}, b.resources()...)}
	return results{
		UUID: format(b.doc),
		Metadata: metadata{
			Title: line("Results of the period, " + r.Organization.Name + ", " + r.Organization.System), Modified: instant(r.AsOf), Version: plain(r.Versions.Tieout), OSCAL: Version,
			Props:   []property{prop("log-origin", r.Log.Origin), prop("log-size", report.Number(int(r.Log.Size))), prop("log-root", r.Log.Root)},
			Remarks: "Facts found by tests. It holds no conclusion and no opinion: those are the service auditor's.",
		},
		ImportAP: link{"#" + plan, "No separate assessment plan exists; see the resource."},
		Results:  []result{b.result()},
		Back:     back,
	}
}

func (b *builder) result() result {
	r := b.r
	end := r.AsOf
	if r.Period.To.Before(end) {
		end = r.Period.To
	}
	if end.Before(r.Period.From) {
		end = r.Period.From
	}
	observations := b.observations()
	return result{
		UUID: b.id("result"), Title: "Results of the period", Description: line(r.Sentence), Start: instant(r.Period.From), End: instant(end),
		Reviewed: b.reviewed(), Observations: observations, Findings: b.findings(), Remarks: limits(r.Limits),
	}
}

func limits(list []string) string {
	var lines []string
	for _, l := range list {
		lines = append(lines, "- "+line(l))
	}
	return strings.Join(lines, "\n")
}

func (b *builder) reviewed() reviewed {
	tested := selection{Description: "Controls with a test that ran."}
	for i := range b.r.Controls {
		tested.Include = append(tested.Include, include{token(b.r.Controls[i].Control.ID)})
	}
	return reviewed{[]selection{tested}}
}

// observations are what each procedure found, then every finding, then every
// gap; seen notes which belong to which control.
func (b *builder) observations() []observation {
	b.seen = map[string][]related{}
	var out []observation
	add := func(o observation, controls []string) {
		out = append(out, o)
		for _, c := range controls {
			b.seen[c] = append(b.seen[c], related{o.UUID})
		}
	}
	loc := b.r.Period.Location()
	for _, t := range report.Procedures(b.r) {
		add(b.procedure(t, loc), t.Controls)
	}
	for _, d := range report.Deviations(b.r) {
		add(b.deviation(&d, loc), d.Controls)
	}
	for i, g := range report.Gaps(b.r) {
		add(b.gap(&g, i, loc), g.Controls)
	}
	return out
}

func (b *builder) procedure(t *audit.Tested, loc *time.Location) observation {
	return observation{
		UUID: b.id("procedure", t.Procedure, t.Hash, instant(t.Span.From)), Title: line(t.Title),
		Description: line(report.TestCell(t, loc) + " " + t.Population + " " + report.ResultCell(t)),
		Props:       numbers(t), Methods: methods(t.Form), Types: []string{"control-objective"}, Collected: instant(b.r.AsOf),
	}
}

// methods: an automated procedure tests; a manual one is for a person.
func methods(f audit.Form) []string {
	if f == audit.Manual {
		return []string{"EXAMINE"}
	}
	return []string{"TEST"}
}

func (b *builder) deviation(d *audit.Deviation, loc *time.Location) observation {
	name := d.Item
	if d.Label != "" {
		name = d.Label
	}
	props := []property{prop("ref", d.Ref), prop("procedure", d.Procedure), prop("procedure-hash", d.Hash), prop("outcome", d.Outcome.String()), prop("disposition", string(d.Disposition)),
		prop("from", instant(d.Span.From)), prop("to", instant(d.Span.To))}
	if d.NotFoundBy != "" {
		props = append(props, prop("not-found-by", d.NotFoundBy))
	}
	var remarks []string
	for _, part := range []struct{ what, text string }{{"Decided", d.DecidedWhy}, {"Cause, management's words", d.Cause}, {"Response, management's words", d.Response}} {
		if part.text != "" {
			remarks = append(remarks, line(part.what+": "+part.text))
		}
	}
	return observation{
		UUID: b.id("deviation", d.Ref, d.Procedure, d.Item, d.Hash, instant(d.Span.From)), Title: line(report.Capital(d.Outcome.String()) + ": " + d.Title),
		Description: line(name + ", " + report.Days(d.Span, loc) + ". " + d.Reason), Props: props, Methods: []string{"TEST"}, Types: []string{"finding"},
		Evidence: b.evidence(d.Records), Collected: instant(b.r.AsOf), Remarks: strings.Join(remarks, "\n\n"),
	}
}

func (b *builder) gap(g *audit.Gap, n int, loc *time.Location) observation {
	return observation{
		UUID: b.id("gap", fmt.Sprint(n)), Title: "No evidence", Description: line(report.Days(g.Span, loc) + ": " + g.Reason),
		Props:   []property{prop("procedure", g.Procedure), prop("source", g.Stream.Source), prop("type", g.Stream.Type), prop("from", instant(g.Span.From)), prop("to", instant(g.Span.To)), prop("items", report.Number(g.Items))},
		Methods: []string{"TEST"}, Types: []string{"finding"}, Evidence: b.evidence(g.Records), Collected: instant(b.r.AsOf),
	}
}

func (b *builder) evidence(records []int64) []evidence {
	var out []evidence
	for _, i := range records {
		if id := b.records[i]; id != "" {
			out = append(out, evidence{"#" + id, audit.EvidenceRef(i)})
		}
	}
	return out
}

// findings are the controls that something stands in the way of.
func (b *builder) findings() []finding {
	var out []finding
	for i := range b.r.Controls {
		c := &b.r.Controls[i]
		if c.State != audit.HasDeviation && c.State != audit.EvidenceGap {
			continue
		}
		why := "Deviations were found. Nobody has concluded on this control."
		if c.State == audit.EvidenceGap {
			why = "Evidence is missing. Nobody has concluded on this control."
		}
		var cells []string
		for j := range c.Procedures {
			cells = append(cells, report.ResultCell(&c.Procedures[j]))
		}
		out = append(out, finding{
			UUID: b.id("finding", c.Control.ID), Title: line(c.Control.ID + " " + c.Control.Title), Description: line(strings.Join(cells, " ")),
			Target:  target{"objective-id", token(c.Control.ID), line(c.Control.Title), status{"not-satisfied", "other", why}},
			Related: slices.Clone(b.seen[c.Control.ID]),
		})
	}
	return out
}

// resources are the cited records, by their digests.
func (b *builder) resources() []resource {
	var out []resource
	for _, e := range b.r.Evidence {
		ref := audit.EvidenceRef(e.Index)
		id := b.id("record", ref)
		b.records[e.Index] = id
		one := resource{UUID: id, Title: ref, Description: line(strings.TrimSpace(e.Source + " " + e.Scope + " " + e.Query)),
			Props: []property{prop("kind", string(e.Kind)), prop("about-from", instant(e.About.From)), prop("about-to", instant(e.About.To)), prop("collected", instant(e.Collected)), prop("recorded", instant(e.Recorded)), prop("size", fmt.Sprint(e.Size))}}
		one.Links = []rlink{{Href: "evidence/" + ref}}
		if hex, ok := strings.CutPrefix(e.Digest, "sha256:"); ok && len(hex) == 64 {
			one.Links[0].Hashes = []hash{{"SHA-256", hex}}
		}
		out = append(out, one)
	}
	return out
}
