package attest_test

import (
	"slices"
	"strings"
	"testing"

	"tieout/report/attest"
	"tieout/report/attest/attesttest"
)

// rowsOf are the rows of Section IV that belong to something.
func rowsOf(m *attest.Table, mark string) (out []attest.Row) {
	for _, r := range m.Rows {
		if r.Mark == mark && !r.Band {
			out = append(out, r)
		}
	}
	return out
}

// TestControlUnderTwoCriteria: a control stands whole under its first criterion;
// under another one line leads there, unless its tests are others.
func TestControlUnderTwoCriteria(t *testing.T) {
	r := attesttest.TypeII()
	at := slices.IndexFunc(r.Groups, func(g attest.Group) bool { return g.ID == "CC6.3" })
	from := slices.IndexFunc(r.Groups, func(g attest.Group) bool { return g.ID == "CC6.1" })
	r.Groups[at].Controls = append(slices.Clip(r.Groups[at].Controls), r.Groups[from].Controls[0])
	d := build(t, r)
	rows := rowsOf(table(t, d, attest.Tests), "IAM-01")
	if len(rows) != 3 {
		t.Fatalf("got %d rows of IAM-01, want its two tests and a line", len(rows))
	}
	line := rows[2]
	if got := line.Cells[0].Text() + "|" + line.Cells[1].Text() + "|" + line.Cells[2].Text(); got != "IAM-01|Tested under CC6.1|No exceptions noted." {
		t.Errorf("the line says %q", got)
	}
	if to := line.Cells[1].Paras[0].Runs[0].To; to != rows[0].Anchor || to == "" {
		t.Errorf("it leads to %q, the tests stand at %q", to, rows[0].Anchor)
	}
	if intro := d.Parts[3].Blocks[0].Runs[0].Text; !strings.Contains(intro, "stands with its tests under the first of them") {
		t.Errorf("the section does not say so: %s", intro)
	}
	c := &r.Groups[at].Controls[len(r.Groups[at].Controls)-1]
	c.Tests = slices.Clone(c.Tests)
	c.Tests[0].Text = "Something else was done for this criterion."
	if rows := rowsOf(table(t, build(t, r), attest.Tests), "IAM-01"); len(rows) != 4 {
		t.Errorf("got %d rows where the tests are others, want all of them twice", len(rows))
	}
}

// TestCriterionWithoutControl: it is not left out of the table, nor empty in it.
func TestCriterionWithoutControl(t *testing.T) {
	r := attesttest.TypeII()
	r.Groups[2].Controls = nil
	rows := rowsOf(table(t, build(t, r), attest.Tests), r.Groups[2].ID)
	if len(rows) != 1 || rows[0].Cells[0].Text() != attest.NoControl {
		t.Errorf("under %s stands %+v", r.Groups[2].ID, rows)
	}
}

// TestChangedControl: each text stands with its days, and each test with the days
// whose control it is of.
func TestChangedControl(t *testing.T) {
	r := attesttest.TypeII()
	c := &r.Groups[0].Controls[0]
	c.Versions = []attest.Version{{From: "2026-01-01", To: "2026-05-31", Text: "Once a year."}, {From: "2026-06-01", To: "2026-12-31", Text: c.Text}}
	c.Tests[0].From, c.Tests[0].To = "2026-06-01", "2026-12-31"
	row := rowsOf(table(t, build(t, r), attest.Tests), c.ID)[0]
	if got, want := row.Cells[0].Text(), c.ID+"\n1 January 2026 to 31 May 2026:\nOnce a year.\n1 June 2026 to 31 December 2026:\n"+c.Text; got != want {
		t.Errorf("the control is printed as %q, want %q", got, want)
	}
	if got := row.Cells[1].Text(); !strings.HasSuffix(got, "Of the control as it was from 1 June 2026 to 31 December 2026") {
		t.Errorf("the test is printed as %q", got)
	}
}

// TestInShortIsSaidOnce: in every band only where some texts are official.
func TestInShortIsSaidOnce(t *testing.T) {
	r := attesttest.TypeII()
	marked := func() (n int) {
		for _, row := range table(t, build(t, r), attest.Tests).Rows {
			if row.Band && strings.HasSuffix(row.Cells[0].Text(), "(in short)") {
				n++
			}
		}
		return n
	}
	if n := marked(); n != 0 {
		t.Errorf("%d bands say so where all are in short", n)
	}
	r.Groups[0].Official = strings.Repeat("a", 64)
	if n, want := marked(), len(r.Groups)-1-3; n != want {
		t.Errorf("%d bands say so, want %d", n, want)
	}
}

// TestListsAreSaidOnce: where the description's own words list the controls of
// others, no table says them again.
func TestListsAreSaidOnce(t *testing.T) {
	tables := func(r attest.Report) (names []string) {
		for _, b := range build(t, r).Parts[2].Blocks {
			if b.Kind == attest.Grid && b.Table.Name != "Table" {
				names = append(names, b.Table.Name)
			}
		}
		return names
	}
	r := attesttest.TypeII()
	if got := tables(r); len(got) != 4 {
		t.Errorf("got the tables %q, want the four lists", got)
	}
	said := func(list []attest.Expected) (text string) {
		for _, e := range list {
			text += "\n- " + e.Text
		}
		return text
	}
	for i, dc := range r.Description {
		switch dc.ID {
		case "DC 6":
			r.Description[i].Paragraphs = append(slices.Clip(dc.Paragraphs), attest.Paragraph{Text: said(r.Expected)})
		case "DC 7":
			for _, s := range r.Subservices {
				text := s.Name + " provides: " + strings.ToLower(s.Service) + ". It is monitored by " + strings.Join(s.Monitored, ", ") + ". " + said(s.Expected)
				r.Description[i].Paragraphs = append(slices.Clip(r.Description[i].Paragraphs), attest.Paragraph{Text: text})
			}
		}
	}
	if got := tables(r); len(got) != 0 {
		t.Errorf("said twice: %q", got)
	}
}

// TestApostrophes: they are set as a printer does, but in identifiers and code.
func TestApostrophes(t *testing.T) {
	r := attesttest.TypeII()
	r.Auditor.Text = "Management's word, the entities' controls, 'quoted words' and `it's`."
	got := ""
	for _, run := range build(t, r).Parts[0].Blocks[0].Runs {
		got += run.Text
	}
	if want := "Management’s word, the entities’ controls, 'quoted words' and it's."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheSystem(t *testing.T) {
	for name, want := range map[string]string{"Ledger": "the Ledger system", "Halyard Freight Documents system": "the Halyard Freight Documents system", "The Ledger": "The Ledger system", "System": "the System"} {
		if got := attest.TheSystem(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
