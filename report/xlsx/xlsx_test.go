package xlsx

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"tieout/audit"
	"tieout/report"
	"tieout/report/reporttest"
)

var update = flag.Bool("update", false, "write the golden file")

func bytesOf(t *testing.T, r audit.Report, rows report.Rows, limit int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, &r, rows, limit); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// open reads a workbook with a reader that is not ours.
func open(t *testing.T, b []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func rowsOf(t *testing.T, f *excelize.File, sheet string) [][]string {
	t.Helper()
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestGolden keeps every member's digest: what is inside, apart from how it is
// compressed.
func TestGolden(t *testing.T) {
	b := bytesOf(t, reporttest.Report(), reporttest.Rows{}, sheetRows)
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		if _, err := io.Copy(h, r); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s  %s\n", hex.EncodeToString(h.Sum(nil)), f.Name)
	}
	if *update {
		if err := os.WriteFile("testdata/halyard.sha256", []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/halyard.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("members differ from testdata/halyard.sha256:\n%s", got.String())
	}
	if again := bytesOf(t, reporttest.Report(), reporttest.Rows{}, sheetRows); !bytes.Equal(b, again) {
		t.Error("the same input gave other bytes")
	}
}

func TestSheets(t *testing.T) {
	r := reporttest.Report()
	f := open(t, bytesOf(t, r, reporttest.Rows{}, sheetRows))
	procs := report.Procedures(&r)
	list := f.GetSheetList()
	if want := []string{"Summary", "Results", "Deviations", "Gaps", "Coverage", "Evidence"}; !slices.Equal(list[:6], want) || len(list) != 6+len(procs) {
		t.Fatalf("sheets %v", list)
	}
	if got := rowsOf(t, f, "Summary")[1][1]; got != r.Sentence {
		t.Errorf("the summary says %q", got)
	}
	results := rowsOf(t, f, "Results")
	at := func(head string) int { return slices.Index(results[0], head) }
	for i, p := range procs {
		population := rowsOf(t, f, list[6+i])
		items := map[string]bool{}
		for _, row := range population[1:] {
			items[row[0]] = true
		}
		if len(items) != p.Items {
			t.Errorf("%s: %d items in the workbook, %d in the report", p.Procedure, len(items), p.Items)
		}
	}
	for _, row := range results[1:] {
		if row[at("Procedure")] == "halyard.CHG-02" && (row[at("Operated")] != "1845" || row[at("Deviation")] != "1" || row[at("Items")] != "1846" || row[at("Population sheet")] != "halyard.CHG-02") {
			t.Errorf("row of CHG-02: %q", row)
		}
	}
	if n := len(rowsOf(t, f, "Deviations")) - 1; n != len(report.Deviations(&r)) {
		t.Errorf("%d deviations, want %d", n, len(report.Deviations(&r)))
	}
}

// TestFormulas: text that looks like a formula stays text, whole, and marked.
func TestFormulas(t *testing.T) {
	for _, text := range []string{reporttest.Formula, "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "=cmd|' /C calc'!A0"} {
		f := open(t, bytesOf(t, audit.Report{Organization: audit.Organization{Name: text}}, nil, sheetRows))
		got, err := f.GetCellValue("Summary", "B3")
		if err != nil {
			t.Fatal(err)
		}
		if got != text {
			t.Errorf("%q became %q", text, got)
		}
		if formula, _ := f.GetCellFormula("Summary", "B3"); formula != "" {
			t.Errorf("%q is the formula %q", text, formula)
		}
		style, err := f.GetCellStyle("Summary", "B3")
		if err != nil || style != styleQuoted {
			t.Errorf("%q has style %d, %v, want the one that keeps it text", text, style, err)
		}
	}
}

// TestContinues: a population that is larger than a sheet goes on with a next
// one, and nothing is lost between them.
func TestContinues(t *testing.T) {
	in := reporttest.Input()
	in.Tested = slices.DeleteFunc(in.Tested, func(t audit.Tested) bool { return t.Procedure != "halyard.CHG-02" })
	f := open(t, bytesOf(t, report.Build(in), reporttest.Rows{}, 500))
	items := map[string]bool{}
	sheets := 0
	for _, name := range f.GetSheetList() {
		if !strings.HasPrefix(name, "halyard.CHG-02") {
			continue
		}
		rows := rowsOf(t, f, name)
		sheets++
		if rows[0][0] != "Item" || len(rows) > 500 {
			t.Errorf("%s: %d rows under %q", name, len(rows), rows[0][0])
		}
		for _, row := range rows[1:] {
			items[row[0]] = true
		}
	}
	if sheets != 4 || len(items) != 1846 {
		t.Errorf("%d items on %d sheets, want 1846 on 4", len(items), sheets)
	}
}

func TestHostileText(t *testing.T) {
	long := strings.Repeat("é😀", cellText)
	var r audit.Report
	r.Organization.Name = "a\x00\x08b\xff]]>" + reporttest.Hostile + "_x0041_"
	r.Organization.System = long
	r.Log.Witnessed = []string{"line\r\nbreak"}
	f := open(t, bytesOf(t, r, nil, sheetRows))
	rows := rowsOf(t, f, "Summary")
	if got, want := rows[2][1], "a��b�]]>"+reporttest.Hostile+"_x0041_"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := rows[3][1]; units(got) > cellText || !strings.HasSuffix(got, cut) {
		t.Errorf("a long text has %d units and ends %q", units(got), got[len(got)-20:])
	}
}

func TestNames(t *testing.T) {
	b := newBook(io.Discard, 10)
	for _, c := range []struct {
		base string
		part int
		want string
	}{
		{"access.mfa", 1, "access.mfa"}, {"ACCESS.mfa", 1, "ACCESS.mfa (2)"}, {"access.mfa", 2, "access.mfa (3)"},
		{"a/b:c[d]", 1, "a_b_c_d_"}, {"", 1, "Sheet "}, {"History", 1, "Sheet History"},
		{strings.Repeat("long", 20), 1, "longlonglonglonglonglonglonglon"}, {strings.Repeat("long", 21), 1, "longlonglonglonglonglonglon (2)"},
		{"it's", 1, "it_s"},
	} {
		if got := b.name(c.base, c.part); got != c.want {
			t.Errorf("%q part %d: got %q, want %q", c.base, c.part, got, c.want)
		}
	}
}

func TestZeroValue(t *testing.T) {
	f := open(t, bytesOf(t, audit.Report{}, nil, sheetRows))
	if got := len(f.GetSheetList()); got != 6 {
		t.Errorf("%d sheets, want 6", got)
	}
}

type many int

func (n many) Results(_ string, yield func(*audit.Result) error) error {
	x := audit.Result{Item: "item", Outcome: audit.Operated, Span: reporttest.Period().Span, Reason: "a reason that is as long as reasons are"}
	for i := range int(n) {
		x.Item = fmt.Sprintf("item-%07d", i)
		if err := yield(&x); err != nil {
			return err
		}
	}
	return nil
}

type peak struct {
	n    int
	most uint64
}

func (p *peak) Write(b []byte) (int, error) {
	if p.n++; p.n%10 == 1 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		p.most = max(p.most, m.HeapAlloc)
	}
	return len(b), nil
}

// TestMemory: thirty times the rows take no more memory.
func TestMemory(t *testing.T) {
	r := one()
	use := func(rows int) uint64 {
		var p peak
		if err := write(&p, &r, many(rows), sheetRows); err != nil {
			t.Fatal(err)
		}
		return p.most
	}
	small, large := use(1000), use(30000)
	t.Logf("%d and %d bytes", small, large)
	if small == 0 || large > small+2<<20 {
		t.Errorf("1,000 rows take %d bytes at most, 30,000 take %d", small, large)
	}
}

type broken struct{ after int }

func (b *broken) Write(p []byte) (int, error) {
	if b.after -= len(p); b.after < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

// one is a report of one small population.
func one() audit.Report {
	in := reporttest.Input()
	in.Controls, in.Tested = in.Controls[:1], in.Tested[:1]
	return report.Build(in)
}

func TestErrors(t *testing.T) {
	r := one()
	full := len(bytesOf(t, r, reporttest.Rows{}, sheetRows))
	for after := 0; after < full; after += full/10 + 1 {
		if err := Write(&broken{after}, r, reporttest.Rows{}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("writer broken after %d bytes: got %v", after, err)
		}
	}
	r.Controls[0].Procedures[0].Procedure = "unknown"
	if err := Write(io.Discard, r, reporttest.Rows{}); !errors.Is(err, audit.ErrNotFound) || !strings.Contains(err.Error(), "procedure unknown") {
		t.Errorf("rows that cannot be read: got %v", err)
	}
}
