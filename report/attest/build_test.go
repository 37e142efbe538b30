package attest_test

import (
	"slices"
	"strings"
	"testing"

	"tieout/report/attest"
	"tieout/report/attest/attesttest"
)

func build(t *testing.T, r attest.Report) *attest.Document {
	t.Helper()
	d, err := attest.Build(r)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func labels(d *attest.Document) []string {
	var out []string
	for _, p := range d.Parts {
		out = append(out, p.Label+" "+p.Kind)
	}
	return out
}

func TestSectionsFollowTheTemplate(t *testing.T) {
	first := attesttest.TypeII()
	first.Template.Order = []string{"assertion", "auditor"}
	for name, c := range map[string]struct {
		report attest.Report
		want   []string
	}{
		"usual":           {attesttest.TypeII(), []string{"Section I auditor", "Section II assertion", "Section III description", "Section IV tests", "Section V other", "Annex annex"}},
		"assertion first": {first, []string{"Section I assertion", "Section II auditor", "Section III description", "Section IV tests", "Section V other", "Annex annex"}},
		"SOC 3":           {attesttest.SOC3(), []string{"Section I auditor", "Section II assertion", "Section III description", "Annex annex"}},
	} {
		if got := labels(build(t, c.report)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestSpan(t *testing.T) {
	two, one := attesttest.TypeII(), attesttest.TypeI()
	if got, want := two.Span(), "throughout the period 1 January 2026 to 31 December 2026"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := one.Span(), "as of 30 June 2026"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func table(t *testing.T, d *attest.Document, kind string) *attest.Table {
	t.Helper()
	for _, p := range d.Parts {
		for _, b := range p.Blocks {
			if p.Kind == kind && b.Kind == attest.Grid {
				return b.Table
			}
		}
	}
	t.Fatalf("no table in %s", kind)
	return nil
}

// TestMatrix: a band a criterion, a row a test, the control beside its tests, the
// counts under the result, and where management answers.
func TestMatrix(t *testing.T) {
	m := table(t, build(t, attesttest.TypeII()), attest.Tests)
	i := slices.IndexFunc(m.Rows, func(r attest.Row) bool { return r.Mark == "IAM-06" })
	if i < 0 {
		t.Fatal("no row of IAM-06")
	}
	want := "For 2 of 15 leavers tested, access to the code host was disabled 4 and 9 business days after termination.\n148 items, 15 tested, 2 with exceptions\nException X-1: response in Section V"
	if got := m.Rows[i].Cells[2].Text(); got != want {
		t.Errorf("result of IAM-06:\ngot  %q\nwant %q", got, want)
	}
	j := slices.IndexFunc(m.Rows, func(r attest.Row) bool { return r.Mark == "IAM-01" })
	if m.Rows[j].Cells[0].Rows != 2 || !m.Rows[j+1].Cells[0].Joined {
		t.Error("the control IAM-01 does not stand beside its two tests")
	}
}

func TestASetNotExaminedIsOtherInformation(t *testing.T) {
	r := attesttest.TypeII()
	if got := setsOf(t, r, attest.Tests); slices.Contains(got, "HIPAA Security Rule") {
		t.Errorf("Section IV has %q", got)
	}
	if got := setsOf(t, r, attest.Other); !slices.Contains(got, "Relation of controls to HIPAA Security Rule") {
		t.Errorf("Section V has %q", got)
	}
	r.Extra[0].Examined = true
	if got := setsOf(t, r, attest.Tests); !slices.Contains(got, "HIPAA Security Rule") {
		t.Errorf("once examined, Section IV has %q", got)
	}
}

func setsOf(t *testing.T, r attest.Report, kind string) []string {
	t.Helper()
	var out []string
	for _, p := range build(t, r).Parts {
		for _, b := range p.Blocks {
			if p.Kind == kind && b.Kind == attest.Heading {
				out = append(out, b.Runs[0].Text)
			}
		}
	}
	return out
}

// TestDraftSaysWhereTextComesFrom: the sources of a paragraph are shown in a draft
// alone.
func TestDraftSaysWhereTextComesFrom(t *testing.T) {
	for want, r := range map[bool]attest.Report{true: attesttest.Draft(), false: attesttest.TypeII()} {
		if got := strings.Contains(words(build(t, r)), "Drafted from: boundary"); got != want {
			t.Errorf("draft %t: sources shown %t", r.Draft, got)
		}
	}
}

func words(d *attest.Document) string {
	var b strings.Builder
	for _, p := range d.Parts {
		for _, x := range p.Blocks {
			for _, r := range x.Runs {
				b.WriteString(r.Text + "\n")
			}
		}
	}
	return b.String()
}

func TestMarkdown(t *testing.T) {
	got := attest.Markdown("## One\n\nA *b* **c** `d` [e](https://example.com/x).\n\n- f\n  - g\n\n1. h\n\n> i\n\n| j | k |\n|---|---|\n| l | m |\n\n    n\n\n<b>o</b>\n\n[p](javascript:x)", 2)
	var kinds []string
	for _, b := range got {
		text := ""
		for _, r := range b.Runs {
			text += r.Text
		}
		kinds = append(kinds, string(rune('0'+b.Kind))+b.Mark+text)
	}
	want := []string{"1One", "0A b c d e.", "2•f", "2•g", "21.h", "4i", "6", "3", "0<b>o</b>", "0p"}
	if !slices.Equal(kinds, want) {
		t.Errorf("got %q, want %q", kinds, want)
	}
	if r := got[1].Runs; !r[1].Italic || !r[3].Strong || !r[5].Code || r[7].Link != "https://example.com/x" {
		t.Errorf("runs %+v", r)
	}
	if got[9].Runs[0].Link != "" {
		t.Error("a script's address became a link")
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := attest.Number(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestAssertionSaysItsVersion: where an assertion is one of several, its signatory
// tells which; one of before they were counted says nothing of it.
func TestAssertionSaysItsVersion(t *testing.T) {
	for version, want := range map[int]string{0: "", 1: "Version 1 of this assertion", 2: "Version 2 of this assertion"} {
		r := attesttest.TypeII()
		r.Assertions = r.Assertions[:1]
		r.Assertions[0].Version = version
		var lines []string
		for _, p := range build(t, r).Parts {
			for _, b := range p.Blocks {
				if p.Kind == attest.Assertion && b.Kind == attest.Signatory {
					lines = b.Lines
				}
			}
		}
		if got := slices.Contains(lines, want); got != (version > 0) || !slices.Contains(lines, r.Assertions[0].Signer) {
			t.Errorf("version %d: signed %q, want %q", version, lines, want)
		}
	}
}
