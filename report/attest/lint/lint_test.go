package lint_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tieout/report/attest"
	"tieout/report/attest/attesttest"
	"tieout/report/attest/lint"
)

// beside is what the demo's report is read beside.
var beside = lint.Beside{People: []string{"Rosalind Achterberg", "Jo Pell"}, Templates: []string{"Access is reviewed every quarter by whoever owns the system."}}

// TestGood: nothing is found in the demo's reports, of any type, but what a
// person has to weigh.
func TestGood(t *testing.T) {
	for name, r := range map[string]attest.Report{"type II": attesttest.TypeII(), "type I": attesttest.TypeI(), "SOC 3": attesttest.SOC3(), "SOC 1": attesttest.SOC1()} {
		t.Run(name, func(t *testing.T) {
			for _, f := range lint.Lint(r, beside) {
				if f.Severity == lint.Error || name == "type II" {
					t.Errorf("%s: %s: %s", f.Where, f.Rule, f.Text)
				}
			}
		})
	}
}

// first is the first test of a report that has items.
func first(r *attest.Report) (*attest.Control, *attest.Test) {
	for g := range r.Groups {
		for c := range r.Groups[g].Controls {
			for i := range r.Groups[g].Controls[c].Tests {
				if x := &r.Groups[g].Controls[c].Tests[i]; x.Sample > 0 && x.Exceptions == 0 {
					return &r.Groups[g].Controls[c], x
				}
			}
		}
	}
	panic("a report without a sampled test")
}

// TestBad: each deliberately bad report has the fault that was put in, at its
// place, and no other error.
func TestBad(t *testing.T) {
	tests := []struct {
		name     string
		spoil    func(*attest.Report)
		severity lint.Severity
		rule     lint.Rule
		where    string
		text     string
	}{
		{"a control that is not tested", func(r *attest.Report) { r.Described = append(r.Described, "ZZZ-99") }, lint.Error, lint.ControlSets, "Section III", "control ZZZ-99 exists, and no test"},
		{"a control that is not described", func(r *attest.Report) {
			c, _ := first(r)
			r.Described = remove(r.Described, c.ID)
		}, lint.Error, lint.ControlSets, "Section IV", "the description does not name it"},
		{"a number that does not tie", func(r *attest.Report) {
			_, x := first(r)
			x.Result = "For 3 of 99 items sampled nothing was found. No exceptions noted."
		}, lint.Error, lint.Numbers, "Section IV", `it says "3 of 99"`},
		{"no exceptions noted, with one", func(r *attest.Report) {
			_, x := first(r)
			x.Known = 1
			x.Result = "No exceptions noted."
		}, lint.Error, lint.Numbers, "Section IV", "1 known outside the sample"},
		{"a placeholder", func(r *attest.Report) {
			r.Description[0].Paragraphs[0].Text = "The company [insert name] runs a ledger."
		}, lint.Error, lint.Placeholder, "Section III, DC 1", "[insert name]"},
		{"a template's text", func(r *attest.Report) {
			r.Description[1].Paragraphs[0].Text = "Access is reviewed  every quarter by whoever owns the system."
		}, lint.Error, lint.Template, "Section III, DC 2", "word for word"},
		{"a user control for nothing", func(r *attest.Report) { r.Expected[0].Criteria = nil }, lint.Error, lint.UserControl, "Section III", "names no criterion"},
		{"a carve-out nobody watches", func(r *attest.Report) {
			for i := range r.Subservices {
				if !r.Subservices[i].Inclusive {
					r.Subservices[i].Monitored = nil
				}
			}
		}, lint.Error, lint.CarveOut, "Section III", "nothing says how it is monitored"},
		{"an included control that nobody tested", func(r *attest.Report) {
			for i := range r.Groups {
				r.Groups[i].Controls = slices.DeleteFunc(r.Groups[i].Controls, func(c attest.Control) bool { return c.By != "" })
			}
		}, lint.Error, lint.CarveOut, "Section III, Pilot Desk Support GmbH", "PDS-1 of Pilot Desk Support GmbH is included and no test of it is reported"},
		{"a mapped set that relates to nothing", func(r *attest.Report) {
			for i := range r.Groups {
				if r.Groups[i].Set == "hipaa-security" {
					r.Groups[i].Controls = nil
				}
			}
		}, lint.Warning, lint.Relation, "Section V, HIPAA Security Rule", "no control relates to any of its references"},
		{"a peer review of long ago", func(r *attest.Report) { r.Firm.Reviewed = "2023-05-12" }, lint.Warning, lint.PeerReview, "Section I", "the firm's last peer review is of 12 May 2023"},
		{"certified", func(r *attest.Report) { r.Description[0].Paragraphs[0].Text += " We are SOC 2 certified." }, lint.Error, lint.Wording, "Section III, DC 1", "certified"},
		{"a standard nobody issued", func(r *attest.Report) { r.Auditor.Text += " We worked under SSAE No. 47." }, lint.Error, lint.Standard, "Section I", "there is no SSAE No. 47"},
		{"a standard of long ago", func(r *attest.Report) { r.Auditor.Text += " We worked under SSAE 16." }, lint.Error, lint.Standard, "Section I", "SSAE 16, of 2010, is superseded by SSAE 18"},
		{"a standard that was issued for other reports, long ago", func(r *attest.Report) { r.Auditor.Text += " We worked under SSAE No. 17." }, lint.Error, lint.Standard, "Section I", "SSAE No. 17, of 2010, is superseded by SSAE 18"},
		{"dated before its end", func(r *attest.Report) { r.Dated = r.Last }, lint.Error, lint.Dates, "Section I", "speaks about the time until"},
		{"an assertion after the report", func(r *attest.Report) { r.Assertions[0].Dated = "2030-01-01" }, lint.Error, lint.Dates, "Section II", "after the report"},
		{"official text that was changed", func(r *attest.Report) {
			r.Groups[0].Official = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
		}, lint.Error, lint.Criteria, "Section IV, ", "is not the official text its digest names"},
		{"official text of one criterion", func(r *attest.Report) {
			sum := sha256.Sum256([]byte(r.Groups[0].Text))
			r.Groups[0].Official = hex.EncodeToString(sum[:])
		}, lint.Warning, lint.Criteria, "Section IV, ", "1 of the trust services criteria have official text"},
		{"controls as shipped", func(r *attest.Report) {
			c, _ := first(r)
			c.Text = "Access is reviewed every quarter by whoever owns the system."
		}, lint.Warning, lint.Template, "Section IV", "the texts of 1 of "},
		{"a silent management", func(r *attest.Report) { r.Responses = nil }, lint.Warning, lint.NoResponse, "Section IV", "has no response"},
		{"a criterion without a control", func(r *attest.Report) {
			for _, c := range r.Groups[0].Controls {
				r.Described = remove(r.Described, c.ID)
			}
			r.Groups[0].Controls = nil
		}, lint.Error, lint.ControlSets, "Section IV, CC1.1", "no control is stated for CC1.1"},
		{"an exception said away by items without evidence", func(r *attest.Report) {
			_, x := first(r)
			x.Unable, x.Sample = 1, x.Sample-1
		}, lint.Error, lint.Numbers, "Section IV", "1 items could not be tested, and the result does not say so"},
		{"nothing tested, and concluded on", func(r *attest.Report) {
			_, x := first(r)
			x.Text, x.Result = "Looked at a sample.", fmt.Sprintf("For %d of the %d items drawn, the evidence was not available.", x.Drawn, x.Drawn)
			x.Unable, x.Sample = x.Drawn, 0
		}, lint.Error, lint.Numbers, "Section IV", "none was tested, and control"},
		{"items that nothing is said of", func(r *attest.Report) {
			_, x := first(r)
			x.Sample--
			x.Text = "Looked at a sample."
		}, lint.Error, lint.Numbers, "Section IV", "nothing is said of 1"},
		{"a result that is open", func(r *attest.Report) {
			_, x := first(r)
			x.Result = attest.NotConcluded
		}, lint.Error, lint.Numbers, "Section IV", "its result is open: Not concluded yet."},
		{"an opinion on no time", func(r *attest.Report) {
			r.Opinions[1].Text = "In our opinion the controls were suitably designed, with complementary controls."
		}, lint.Warning, lint.Opinions, "Section I, opinion on design", "it does not name 1 January 2026"},
		{"an opinion that rests on nobody", func(r *attest.Report) {
			r.Opinions[2].Text = "In our opinion the controls operated effectively from 2026-01-01 to December 31, 2026."
		}, lint.Warning, lint.Opinions, "Section I, opinion on operation", "does not say that it rests on complementary controls"},
		{"the same answer to everything", func(r *attest.Report) {
			for i := range 3 {
				r.Responses = append(r.Responses, attest.Response{Finding: fmt.Sprint("X-", i+3), Text: "Management  agrees."})
			}
		}, lint.Warning, lint.NoResponse, "Section V, response to X-3", "the responses to 3 exceptions are word for word the same: X-3, X-4, X-5"},
		{"a person who signs nothing", func(r *attest.Report) { r.Description[0].Paragraphs[0].Text += " Jo Pell runs operations." }, lint.Error, lint.PersonNamed, "Section III, DC 1", "Jo Pell"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := attesttest.TypeII()
			tt.spoil(&r)
			hit := false
			for _, f := range lint.Lint(r, beside) {
				if f.Severity == tt.severity && f.Rule == tt.rule && strings.HasPrefix(f.Where, tt.where) && strings.Contains(f.Text, tt.text) {
					hit = true
				} else if f.Severity == lint.Error && f.Rule != tt.rule && f.Rule != lint.Dates {
					t.Errorf("also found: %s: %s: %s", f.Where, f.Rule, f.Text)
				}
			}
			if !hit {
				t.Errorf("not found: %s at %s: %s; got %+v", tt.rule, tt.where, tt.text, lint.Lint(r, beside))
			}
		})
	}
}

// TestLeftOutInDC8: a criterion that management says does not apply needs no control.
func TestLeftOutInDC8(t *testing.T) {
	r := attesttest.TypeII()
	for i := range r.Groups[0].Controls {
		r.Described = remove(r.Described, r.Groups[0].Controls[i].ID)
	}
	r.Groups[0].Controls = nil
	for text, want := range map[string]bool{"CC1.1 does not apply: there is no board.": false, "CC1.11 does not apply.": true, "All apply.": true} {
		for i := range r.Description {
			if r.Description[i].ID == "DC 8" {
				r.Description[i].Paragraphs = []attest.Paragraph{{Text: text}}
			}
		}
		got := false
		for _, f := range lint.Lint(r, beside) {
			got = got || f.Severity == lint.Error && strings.Contains(f.Text, "no control is stated for CC1.1")
		}
		if got != want {
			t.Errorf("%s: found %t, want %t", text, got, want)
		}
	}
}

func remove(list []string, id string) (out []string) {
	for _, x := range list {
		if x != id {
			out = append(out, x)
		}
	}
	return out
}

// TestBaseOfGeneralUse: where the report that one for general use rests on is modified,
// its matters are named, whatever this one's own opinion is.
func TestBaseOfGeneralUse(t *testing.T) {
	modified := lint.Beside{Base: []lint.Matter{{Of: "EN-1", Part: "operation", Word: "Qualified", Basis: "Changes were merged\nby their authors."}}}
	for _, tt := range []struct {
		name   string
		report attest.Report
		words  []string
		beside lint.Beside
		want   string // "": no warning
	}{
		{"unmodified on a modified one", attesttest.SOC3(), []string{"Unmodified"}, modified, "the report of EN-1, which it rests on, is modified (operation: Qualified), and this opinion is unmodified; the basis there: Changes were merged by their authors."},
		{"modified on a modified one", attesttest.SOC3(), []string{"Qualified"}, modified, "and this opinion is modified too"},
		{"a draft without an opinion", attesttest.SOC3(), nil, modified, "and this opinion is not written yet"},
		{"unmodified on an unmodified one", attesttest.SOC3(), []string{"Unmodified"}, lint.Beside{}, ""},
		{"a report that rests on no other", attesttest.TypeII(), []string{"Unmodified"}, modified, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.report
			r.Opinions = nil
			for _, w := range tt.words {
				r.Opinions = append(r.Opinions, attest.Opinion{Part: "operation", Word: w, Text: "The controls were effective."})
			}
			var got []string
			for _, f := range lint.Lint(r, tt.beside) {
				if f.Rule == lint.Opinions && strings.Contains(f.Text, "rests on, is modified") {
					got = append(got, f.Text)
				}
			}
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)) {
				t.Errorf("warned %q, want %q", got, tt.want)
			}
		})
	}
}
