package xlsx_test

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/xuri/excelize/v2"

	"tieout/audit"
	"tieout/report/attest"
	"tieout/report/attest/attesttest"
	"tieout/report/attest/xlsx"
)

// open reads a workbook with a reader that is not ours.
func open(t *testing.T, r attest.Report) *excelize.File {
	t.Helper()
	data, err := xlsx.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// table is a sheet as cells by their heads.
func table(t *testing.T, f *excelize.File, sheet string) []map[string]string {
	t.Helper()
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range rows[1:] {
		one := map[string]string{}
		for i, c := range r {
			one[rows[0][i]] = c
		}
		out = append(out, one)
	}
	return out
}

func TestSheets(t *testing.T) {
	r := attesttest.WithAnnex(attesttest.TypeII())
	f := open(t, r)
	want := []string{"Report", "Tests", "Criteria", "Controls", "CUECs", "Subservices", "Exceptions", "Order of events"}
	if got := f.GetSheetList(); !slices.Equal(got, want) {
		t.Fatalf("got the sheets %q, want %q", got, want)
	}
	for _, name := range want {
		panes, err := f.GetPanes(name)
		if err != nil || !panes.Freeze || panes.YSplit != 1 {
			t.Errorf("%s: got panes %+v, %v; want a head that stays", name, panes, err)
		}
	}
}

// TestTestsTieToTheReport: every test under every criterion, each figure as the
// value has it.
func TestTestsTieToTheReport(t *testing.T) {
	for name, r := range map[string]attest.Report{"type II": attesttest.TypeII(), "type I": attesttest.TypeI(), "SOC 1": attesttest.SOC1()} {
		rows := table(t, open(t, r), "Tests")
		at := 0
		for _, g := range r.Groups {
			for _, c := range g.Controls {
				for _, x := range c.Tests {
					row := rows[at]
					at++
					for head, want := range map[string]string{"Criterion": g.ID, "Control": c.ID, "Control text": c.Statement(), "Test": x.ID, "What was done": x.Text, "Result": x.Result, "Exceptions": strconv.Itoa(x.Exceptions), "Population": figure(x, x.Population), "Drawn": figure(x, x.Drawn), "Tested": figure(x, x.Sample), "Could not be tested": figure(x, x.Unable), "Known outside the sample": figure(x, x.Known), "Workpaper (SHA-256)": x.Paper} {
						if row[head] != want {
							t.Errorf("%s, row %d, %s: got %q, want %q", name, at, head, row[head], want)
						}
					}
				}
			}
		}
		if at != len(rows) {
			t.Errorf("%s: got %d rows, want %d", name, len(rows), at)
		}
	}
}

func figure(x attest.Test, n int) string {
	if x.Population == 0 && x.Sample == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// TestExceptions: a finding stands once, with its criteria and the response; a
// set that nobody examined brings no row to the tests.
func TestExceptions(t *testing.T) {
	f := open(t, attesttest.TypeII())
	rows := table(t, f, "Exceptions")
	if len(rows) != 2 || rows[0]["Finding"] != "X-1" || rows[0]["Criteria"] != "CC6.2" || rows[0]["Exceptions"] != "2" || rows[0]["Management’s response"] == "" {
		t.Errorf("got %v, want X-1 and X-2 once each", rows)
	}
	last := table(t, f, "Criteria")
	if got := last[len(last)-1]; got["Criterion"] != "164.312(d)" || got["Examined"] != "no" || got["Whose text"] != "paraphrase, in short" {
		t.Errorf("got %v, want the set that nobody examined", got)
	}
}

// TestControlUnderTwoCriteria: the same test is counted once, another of the same
// name for itself.
func TestControlUnderTwoCriteria(t *testing.T) {
	r := attesttest.TypeII()
	r.Groups[0].Controls = append(r.Groups[0].Controls, r.Groups[8].Controls[1])
	other := r.Groups[9].Controls[0].Tests[0]
	other.Text, other.Exceptions = "Another one.", 1
	r.Groups[9].Controls[0].Tests = append(r.Groups[9].Controls[0].Tests, other)
	for _, row := range table(t, open(t, r), "Controls") {
		if row["Control"] == "IAM-05" && (row["Tests"] != "2" || row["Exceptions"] != "1") {
			t.Errorf("got %v, want two tests", row)
		}
		if row["Control"] == "IAM-06" && (row["Criteria"] != "CC1.1, CC6.2" || row["Tests"] != "1" || row["Exceptions"] != "2") {
			t.Errorf("got %v, want one test and its 2 exceptions under two criteria", row)
		}
	}
}

// TestInert: a text that begins like a formula is a text.
func TestInert(t *testing.T) {
	r := attesttest.TypeII()
	const text = `=HYPERLINK("https://example.com","x")`
	r.Groups[0].Controls[0].Text = text
	r.Groups[0].Controls[0].Tests[0].Strata = []attest.Stratum{{Name: "@SUM(A1)", Population: 4, Sample: 2}}
	f := open(t, r)
	for _, c := range []struct{ sheet, cell, want string }{{"Tests", "D2", text}, {"Strata", "D2", "@SUM(A1)"}} {
		formula, err := f.GetCellFormula(c.sheet, c.cell)
		got, err2 := f.GetCellValue(c.sheet, c.cell)
		if formula != "" || err != nil || got != c.want || err2 != nil {
			t.Errorf("%s!%s: got the formula %q and the value %q, want the text %q", c.sheet, c.cell, formula, got, c.want)
		}
	}
}

func TestSameBytes(t *testing.T) {
	a, err := xlsx.Render(attesttest.TypeII())
	b, err2 := xlsx.Render(attesttest.TypeII())
	if !bytes.Equal(a, b) || err != nil || err2 != nil {
		t.Errorf("two workbooks of one report differ: %v, %v", err, err2)
	}
}

func TestRefused(t *testing.T) {
	faulty := attesttest.TypeII()
	faulty.Opinions = nil
	for name, r := range map[string]attest.Report{"for general use": attesttest.SOC3(), "faulty": faulty} {
		if _, err := xlsx.Render(r); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: got %v, want an invalid", name, err)
		}
	}
}

// TestHeights: a row says how high it is where its text goes over lines.
func TestHeights(t *testing.T) {
	f := open(t, attesttest.TypeII())
	for sheet, want := range map[string]bool{"CUECs": false, "Tests": true} {
		got, err := f.GetRowHeight(sheet, 2)
		if err != nil || got > 28 != want {
			t.Errorf("%s: got %v points, %v; want more than one line: %v", sheet, got, err, want)
		}
	}
}
