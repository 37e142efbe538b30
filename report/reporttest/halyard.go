// Package reporttest is an invented company's report, with its population, for
// the tests of the renderers: every state, every form, and names that would
// break a page or a sheet that does not escape them.
package reporttest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"tieout/audit"
	"tieout/report"
)

// AsOf is the instant the report is made as of: day 257 of 365.
var AsOf = time.Date(2026, 9, 14, 6, 0, 0, 0, time.UTC)

// Hostile is a name that must be inert wherever it is shown.
const Hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`

// Formula is a name that a spreadsheet must not evaluate.
const Formula = `=HYPERLINK("http://example.invalid","x")`

var (
	year   = newPeriod()
	berlin = year.Location()
)

func newPeriod() audit.Period {
	p, err := audit.NewPeriod("2026-01-01", "2026-12-31", "Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return p
}

// Period is the calendar year 2026 in Berlin.
func Period() audit.Period { return year }

// Report is the whole report, for an outsider.
func Report() audit.Report { return report.Build(Input()) }

// Input is what Report is built from.
func Input() report.Input {
	in := report.Input{
		Organization: audit.Organization{Name: "Halyard", System: "Ledger platform", Zone: "Europe/Berlin",
			Categories: []audit.Category{audit.Security, audit.Availability, audit.Confidentiality}},
		Period: Period(), AsOf: AsOf, Criteria: criteria(), Coverage: streams(), Evidence: evidence(),
		Versions: audit.Versions{Tieout: "0.1.0", Schema: audit.SchemaVersion, Engine: 1, Normalizers: map[string]int{"github": 2, "okta": 1, "git": 1}},
		Log:      audit.LogState{Origin: "log.halyard.example/2026", Size: 131904, Root: digest("root")},
		Why:      map[string]string{"ENT-01": "A person tests this control: the minutes of the board have to be read."},
	}
	for _, p := range plans {
		in.Controls = append(in.Controls, control(p))
		if p.form != audit.Manual {
			in.Tested = append(in.Tested, tested(p))
		}
	}
	return in
}

// Rows is the population behind Report.
type Rows struct{}

// Results yields the results of one procedure.
func (Rows) Results(procedure string, yield func(*audit.Result) error) error {
	for _, p := range plans {
		if procedureID(p) != procedure {
			continue
		}
		for _, r := range results(p) {
			if err := yield(&r); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%w: procedure %s", audit.ErrNotFound, procedure)
}

func digest(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func procedureID(p plan) string { return "halyard." + p.id }

func control(p plan) audit.Control {
	return audit.Control{
		ID: p.id, Title: p.title, Description: p.title + ". " + p.owner + " answers for it.", Nature: "automated",
		Type: []string{"P"}, Frequency: p.happens, Criteria: p.criteria, Categories: []audit.Category{audit.Security},
		Owner: p.owner, Automation: automation(p.form), Effective: audit.Effective{From: "2026-01-01"},
	}
}

func automation(f audit.Form) string {
	if f == audit.Manual {
		return "none"
	}
	return "full"
}

func criteria() []audit.Criterion {
	return []audit.Criterion{
		{ID: "CC1.4", Category: audit.Security, Group: "CC1", GroupName: "Control environment", Summary: "People are able and willing to do their part."},
		{ID: "CC3.2", Category: audit.Security, Group: "CC3", GroupName: "Risk assessment", Summary: "Risks are found and weighed."},
		{ID: "CC6.1", Category: audit.Security, Group: "CC6", GroupName: "Logical and physical access", Summary: "Only the right people get in."},
		{ID: "CC6.2", Category: audit.Security, Group: "CC6", GroupName: "Logical and physical access", Summary: "Access is given and taken away on time."},
		{ID: "CC7.1", Category: audit.Security, Group: "CC7", GroupName: "System operations", Summary: "Weak points are found."},
		{ID: "CC7.4", Category: audit.Security, Group: "CC7", GroupName: "System operations", Summary: "Incidents are handled."},
		{ID: "CC8.1", Category: audit.Security, Group: "CC8", GroupName: "Change management", Summary: "Changes are authorized, tested and approved."},
		{ID: "CC9.2", Category: audit.Security, Group: "CC9", GroupName: "Risk mitigation", Summary: "Vendors are chosen and watched."},
		{ID: "A1.2", Category: audit.Availability, Group: "A1", GroupName: "Availability", Summary: "Backups and recovery exist and are watched."},
		{ID: "C1.2", Category: audit.Confidentiality, Group: "C1", GroupName: "Confidentiality", Summary: "Confidential data is disposed of."},
	}
}

func streams() []audit.StreamSummary {
	p := Period()
	return []audit.StreamSummary{
		{StreamKey: audit.StreamKey{Source: "okta", Type: "account"}, Mode: audit.ModeSnapshot, Observations: 257, Covered: []audit.Span{{From: p.From, To: AsOf}}, Items: 212,
			Checks: []audit.Reconciling{{Name: "count at source", Want: "212", Got: "212", OK: true}}},
		{StreamKey: audit.StreamKey{Source: "github", Scope: "halyard/ledger", Type: "change"}, Mode: audit.ModeEvents, Covered: []audit.Span{{From: p.From, To: AsOf}}, Items: 1846,
			Checks: []audit.Reconciling{{Name: "numbers without a gap", Want: "1 to 4,211", Got: "1 to 4,211", OK: true}, {Name: "repositories listed", Want: "14", Got: "14", OK: true}}},
		{StreamKey: audit.StreamKey{Source: "fleet", Type: "device"}, Mode: audit.ModeSnapshot, Observations: 255,
			Covered: []audit.Span{{From: p.From, To: at(7, 21)}, {From: at(7, 23), To: AsOf}},
			Holes:   []audit.Hole{{Span: audit.Span{From: at(7, 21), To: at(7, 23)}, Reason: "page 3 of 7: 502 Bad Gateway", Record: 48230}}, Items: 61},
	}
}

func evidence() []audit.EvidenceLine {
	var out []audit.EvidenceLine
	sources := []string{"okta", "github", "fleet"}
	for i := range 60 {
		about := Period().From.AddDate(0, 0, i*4)
		out = append(out, audit.EvidenceLine{
			Index: int64(48000 + i*7), Kind: audit.RecordPage, Source: sources[i%3], Query: "GET /api/v1/users?limit=200", About: audit.At(about),
			Collected: about.Add(2 * time.Hour), Recorded: about.Add(2*time.Hour + 3*time.Second), Digest: "sha256:" + digest(fmt.Sprint(i)), Size: int64(2048 + i*311),
		})
	}
	return out
}

// at is the start of a day of the period.
func at(month time.Month, day int) time.Time {
	return time.Date(2026, month, day, 0, 0, 0, 0, berlin).UTC()
}
