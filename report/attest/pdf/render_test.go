package pdf

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/report/attest"
	"tieout/report/attest/attesttest"
)

var update = flag.Bool("update", false, "write the golden file")

func variants() map[string]attest.Report {
	return map[string]attest.Report{
		"type2": attesttest.WithAnnex(attesttest.TypeII()), "type1": attesttest.TypeI(), "soc3": attesttest.SOC3(), "soc1": attesttest.SOC1(), "draft": attesttest.Draft(),
	}
}

func must(t testing.TB, r attest.Report) []byte {
	t.Helper()
	data, err := Render(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// enterprise is the large report, printed once for all tests.
var enterprise = sync.OnceValues(func() ([]byte, error) { return Render(attesttest.Enterprise()) })

func TestSameValueSameBytes(t *testing.T) {
	for name, r := range variants() {
		if first, second := must(t, r), must(t, r); !bytes.Equal(first, second) {
			t.Errorf("%s: two printings differ", name)
		}
	}
}

func TestSignaturesChangeNoPage(t *testing.T) {
	r := attesttest.TypeII()
	_, before, err := Pages(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, after, err := Pages(attesttest.Signed(r, before)); err != nil || after != before {
		t.Errorf("the pages of the signed report: got %s (%v), want %s", after, err, before)
	}
}

// TestGolden holds the words of every page of every type to a golden file.
func TestGolden(t *testing.T) {
	for name, r := range variants() {
		data, _, err := Pages(r)
		if err != nil {
			t.Fatal(err)
		}
		table, err := parsePages(data)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, p := range table.Pages {
			fmt.Fprintf(&b, "page %d\n\t%s\n", p.Page, strings.Join(p.Shows, "\n\t"))
		}
		path := filepath.Join("testdata", name+".txt")
		if *update {
			if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(b.String()), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if b.String() != string(want) {
			t.Errorf("the pages differ from %s; look at them, then run with -update", path)
		}
	}
}

// TestOtherProgramsReadIt: qpdf and pdfcpu find no fault.
func TestOtherProgramsReadIt(t *testing.T) {
	qpdf, err := exec.LookPath("qpdf")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("qpdf is missing; CI must have it (scripts/need.sh)")
		}
		t.Skip("qpdf is not installed")
	}
	files := map[string][]byte{}
	for name, r := range variants() {
		files[name] = must(t, r)
	}
	files["copy"], files["encrypted"] = marked(t), encrypted(t)
	for name, data := range files {
		path := filepath.Join(t.TempDir(), name+".pdf")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(qpdf, "--password=secret-word", "--check", path).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("No syntax or stream encoding errors found")) {
			t.Errorf("%s: qpdf says %v\n%s", name, err, out)
		}
		if err := api.Validate(bytes.NewReader(data), settings("secret-word", "")); err != nil {
			t.Errorf("%s: pdfcpu says %v", name, err)
		}
	}
}

func layout(t *testing.T, r attest.Report) *book {
	t.Helper()
	d, err := attest.Build(r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := lay(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestNoHeadingStandsAlone: below every heading and band there are words on its
// page, and nothing is set below the last line or beside the sheet.
func TestNoHeadingStandsAlone(t *testing.T) {
	for name, r := range map[string]attest.Report{"type II": attesttest.WithAnnex(attesttest.TypeII()), "enterprise": attesttest.Enterprise(), "draft": attesttest.Draft()} {
		b := layout(t, r)
		for _, mk := range b.marks {
			p := b.pages[mk.at.page]
			if !slices.ContainsFunc(p.texts, func(x text) bool { return x.y > mk.at.y+30 && x.y < bottom }) {
				t.Errorf("%s, page %d: nothing stands below %q", name, mk.at.page+1, mk.title)
			}
		}
		m, err := measured()
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range b.pages {
			for _, x := range p.texts {
				if end := x.x + m.width(x.look.face, x.look.size, x.s); x.x >= 0 && (x.x < left-1 || end > right+1 || x.y > 765) {
					t.Errorf("%s, page %d: %q ends at %.0f, %.0f", name, i+1, x.s, end, x.y)
				}
			}
		}
	}
}

// TestContentsNamesThePages: each line of the contents is found on the page it
// names.
func TestContentsNamesThePages(t *testing.T) {
	b := layout(t, attesttest.WithAnnex(attesttest.TypeII()))
	for _, mk := range b.marks {
		if !mk.listed {
			continue
		}
		var on, listed bool
		for _, x := range b.pages[mk.at.page].texts {
			on = on || strings.HasSuffix(mk.title, x.s) || strings.Contains(mk.title, x.s) && len(x.s) > 8
		}
		for _, x := range b.pages[1].texts {
			listed = listed || x.s == itoa(mk.at.page+1)
		}
		if !on || !listed {
			t.Errorf("%q: on page %d %t, number in the contents %t", mk.title, mk.at.page+1, on, listed)
		}
	}
}

// TestEveryPageSaysWhatItIs: section, both names, report, digest, number; a draft
// that it is one.
func TestEveryPageSaysWhatItIs(t *testing.T) {
	b := layout(t, attesttest.Draft())
	for i, p := range b.pages {
		want := []string{"DRAFT", "Draft for factual review", "RPT-EN-1-1  " + attest.Short(b.doc.Digest), fmt.Sprintf("Page %d of %d", i+1, len(b.pages))}
		if i > 0 {
			want = append(want, "Halyard, Inc. · Halyard Freight Documents system")
		}
		for _, w := range want {
			if !slices.ContainsFunc(p.texts, func(x text) bool { return x.s == w }) {
				t.Errorf("page %d does not show %q", i+1, w)
			}
		}
	}
}

// TestTablesAreSplitWell: a page that goes on with a table begins with its head,
// and says which criterion goes on.
func TestTablesAreSplitWell(t *testing.T) {
	b, went := layout(t, attesttest.Enterprise()), 0
	for i, p := range b.pages {
		if p.head != "Section IV   Tests and results" || i > 0 && b.pages[i-1].head != p.head {
			continue
		}
		if p.texts[0].s != "Control" || p.texts[1].s != "Test" || p.texts[2].s != "Result" {
			t.Errorf("page %d begins with %q", i+1, p.texts[0].s)
		}
		if slices.ContainsFunc(p.texts, func(x text) bool { return x.s == " (continued)" || strings.HasSuffix(x.s, "(continued)") }) {
			went++
		}
	}
	if went < 50 {
		t.Errorf("%d pages say that a criterion goes on", went)
	}
}

func TestWideNamesWrap(t *testing.T) {
	r := attesttest.TypeII()
	r.Client.Name = strings.Repeat("Halyard", 30)
	r.System = strings.Repeat("Freight ", 40)
	r.Groups[0].Controls[0].ID = strings.Repeat("GOV", 40)
	b := layout(t, r)
	m, err := measured()
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range b.pages {
		for _, x := range p.texts {
			if end := x.x + m.width(x.look.face, x.look.size, x.s); end > right+1 {
				t.Errorf("page %d: %q ends at %.0f of %.0f", i+1, x.s, end, right)
			}
		}
	}
}

// TestALetterNoFontHasIsNamed: nothing of a text is left out unseen.
func TestALetterNoFontHasIsNamed(t *testing.T) {
	r := attesttest.TypeII()
	r.Client.Name = "北 Żółw Ωmega Ёлка"
	b := layout(t, r)
	if got, want := b.pages[0].texts[1].s, "[U+5317] Żółw Ωmega Ёлка"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLargeReport: the enterprise's report has its 250 pages; how fast they are
// made a benchmark says.
func TestLargeReport(t *testing.T) {
	if b := layout(t, attesttest.Enterprise()); len(b.pages) < 250 {
		t.Errorf("%d pages, want 250", len(b.pages))
	}
	if _, err := enterprise(); err != nil {
		t.Fatal(err)
	}
}

func TestRenderRefusesWhatIsNoReport(t *testing.T) {
	r := attesttest.TypeII()
	r.Opinions = nil
	if _, err := Render(r); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}

func BenchmarkEnterprise(b *testing.B) {
	r := attesttest.Enterprise()
	for b.Loop() {
		must(b, r)
	}
}

func mustMarshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := canonical.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
