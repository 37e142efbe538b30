// Package sarif writes a report's findings as SARIF 2.1.0, for tools that show
// results of checks beside code. A finding is a result of kind "fail"; a
// stretch without evidence is of kind "open", which no tool may read as good;
// what was dispositioned "not a deviation" is there, suppressed, with the
// reason.
package sarif

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/report"
)

const schemaURI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

type log struct {
	Version string `json:"version"`
	Schema  string `json:"$schema"`
	Runs    []run  `json:"runs"`
}

type run struct {
	Tool        tool           `json:"tool"`
	Invocations []invocation   `json:"invocations"`
	Results     []result       `json:"results"`
	Properties  map[string]any `json:"properties"`
}

type tool struct {
	Driver driver `json:"driver"`
}

type driver struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Rules   []rule `json:"rules"`
}

type rule struct {
	ID         string         `json:"id"`
	Name       string         `json:"name,omitempty"`
	Short      text           `json:"shortDescription"`
	Full       text           `json:"fullDescription"`
	Properties map[string]any `json:"properties"`
}

type text struct {
	Text string `json:"text"`
}

type invocation struct {
	Successful bool   `json:"executionSuccessful"`
	End        string `json:"endTimeUtc,omitempty"`
}

type result struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Kind         string            `json:"kind"`
	Level        string            `json:"level"`
	Message      text              `json:"message"`
	Locations    []location        `json:"locations,omitempty"`
	Fingerprints map[string]string `json:"partialFingerprints,omitempty"`
	Suppressions []suppression     `json:"suppressions,omitempty"`
	Properties   map[string]any    `json:"properties"`
}

type location struct {
	Logical []logical `json:"logicalLocations"`
}

type logical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

type suppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

// Write writes r's findings and gaps. The same report gives the same bytes.
func Write(w io.Writer, r audit.Report) error {
	one := run{
		Tool:        tool{driver{Name: "Tieout", Version: r.Versions.Tieout, Rules: []rule{}}},
		Invocations: []invocation{{Successful: true, End: audit.FormatTime(r.AsOf)}},
		Results:     []result{},
		Properties:  map[string]any{"sentence": r.Sentence, "limits": r.Limits, "period": r.Period},
	}
	index := map[string]int{}
	for _, t := range report.Procedures(&r) {
		if _, ok := index[t.Procedure]; !ok {
			index[t.Procedure] = len(one.Tool.Driver.Rules)
			one.Tool.Driver.Rules = append(one.Tool.Driver.Rules, newRule(t))
		}
	}
	for _, d := range report.Deviations(&r) {
		one.Results = append(one.Results, finding(&d, index[d.Procedure]))
	}
	for _, g := range report.Gaps(&r) {
		one.Results = append(one.Results, gap(&g, index[g.Procedure]))
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(log{"2.1.0", schemaURI, []run{one}}); err != nil {
		return fmt.Errorf("report as SARIF: %w", err)
	}
	return nil
}

func newRule(t *audit.Tested) rule {
	return rule{
		ID: t.Procedure, Name: t.Title, Short: text{orDash(t.Title)}, Full: text{orDash(t.Statement)},
		Properties: map[string]any{"tags": slices.Clone(t.Controls), "hash": t.Hash, "result": report.ResultCell(t)},
	}
}

func finding(d *audit.Deviation, rule int) result {
	level := "error"
	if d.Outcome == audit.Late && d.Disposition != audit.Confirmed {
		level = "warning"
	}
	name := d.Item
	if d.Label != "" {
		name = d.Label
	}
	out := result{
		RuleID: d.Procedure, RuleIndex: rule, Kind: "fail", Level: level,
		Message:      text{orDash(strings.TrimSpace(report.Capital(d.Outcome.String()) + ": " + name + ". " + d.Reason))},
		Locations:    []location{{[]logical{{orDash(d.Item), "resource"}}}},
		Fingerprints: map[string]string{"tieout/v1": d.Ref},
		Properties:   map[string]any{"controls": d.Controls, "span": d.Span, "disposition": d.Disposition, "evidence": refs(d.Records)},
	}
	if d.NotFoundBy != "" {
		out.Properties["notFoundBy"] = d.NotFoundBy
	}
	if d.Disposition == audit.NotDeviation {
		out.Suppressions = []suppression{{"external", "accepted", orDash(d.DecidedWhy)}}
	}
	return out
}

func gap(g *audit.Gap, rule int) result {
	touches := "The whole population is unseen"
	if g.Items > 0 {
		touches = report.Plural(g.Items, "item is", "items are") + " touched"
	}
	return result{
		RuleID: g.Procedure, RuleIndex: rule, Kind: "open", Level: "none",
		Message:    text{fmt.Sprintf("No evidence: %s %s.", g.Reason, touches)},
		Properties: map[string]any{"controls": g.Controls, "span": g.Span, "stream": g.Stream, "evidence": refs(g.Records)},
	}
}

func refs(records []int64) []string {
	out := []string{}
	for _, i := range records {
		out = append(out, audit.EvidenceRef(i))
	}
	return out
}

func orDash(s string) string {
	if strings.TrimSpace(s) == "" {
		return "-"
	}
	return s
}
