package answer

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tieout/audit"
)

func progress(t *testing.T) *Progress {
	t.Helper()
	p := mustPeriod(t, "2026-01-01", "2026-12-31")
	return &Progress{Organization: "Acme <b>", System: "Ledger", Period: p, By: p.To.Add(-time.Microsecond), AsOf: day(2026, 6, 1), Head: ProgressHead{42, "ab12"}, Tested: true, Gaps: 3, Hours: 24,
		Kinds: []ProgressKind{{NoControl, 3, 24}}, Stops: 2, Checks: 9, OwnView: OwnView,
		Burn: []BurnPoint{{At: day(2026, 1, 15), Total: 10}, {At: day(2026, 2, 15), Total: 10}, {At: day(2026, 3, 15), Total: 12, Closed: 6, Note: "2 controls added"}, {At: day(2026, 6, 1), Total: 12, Closed: 9}}}
}

// TestWriteProgress: the page says the date, the head of the log and whose view it
// is; nothing on it is fetched or run, and the same value gives the same bytes.
func TestWriteProgress(t *testing.T) {
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if err := WriteProgress(w, progress(t)); err != nil {
			t.Fatal(err)
		}
	}
	got := a.String()
	if got != b.String() {
		t.Error("the same value gives other bytes")
	}
	for _, want := range []string{"nobody examined it", "1 Jun 2026", "31 Dec 2026", "had 42 records", "<code>ab12</code>", "Acme &lt;b&gt;", "3 gaps are known", "2 controls added", "75%"} {
		if !strings.Contains(got, want) {
			t.Errorf("misses %q", want)
		}
	}
	for _, bad := range []string{"<script", "http://", "https://", "<b>", "15 Feb 2026"} {
		if strings.Contains(got, bad) {
			t.Errorf("holds %q", bad)
		}
	}
}

func TestProgressSentence(t *testing.T) {
	for name, tt := range map[string]struct {
		gaps, hours int
		tested      bool
		want        string
	}{
		"nothing":       {0, 0, false, "Nothing was tested yet."},
		"none":          {0, 0, true, "No gap is known, held against 31 Dec 2026."},
		"one":           {1, 3, true, "1 gap is known, held against 31 Dec 2026: about 3 hours of work."},
		"before a test": {2, 24, false, "2 gaps are known, held against 31 Dec 2026: about 3 working days of work. Nothing was tested yet, so findings and evidence gaps are not among them."},
	} {
		p := progress(t)
		p.Gaps, p.Hours, p.Tested = tt.gaps, tt.hours, tt.tested
		if got := p.Sentence(); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestSizeFigureText(t *testing.T) {
	n := 1234
	for name, tt := range map[string]struct {
		f    SizeFigure
		want string
	}{
		"not known":      {SizeFigure{}, "not known"},
		"known":          {SizeFigure{N: &n}, "1,234"},
		"may be more":    {SizeFigure{N: &n, Least: true, Of: map[string]int{"employee": 1200, "contractor": 34}}, "at least 1,234 (34 contractor, 1,200 employee)"},
		"of a known set": {SizeFigure{N: new(int)}, "0"},
	} {
		if got := tt.f.Text(); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// TestOfCriterion: only the gaps that stand in a criterion's way are left, and the
// whole is as it was.
func TestOfCriterion(t *testing.T) {
	r := &Readiness{Gaps: []ReadinessGap{{Key: "a", Criteria: []string{"CC6.1", "CC6.2"}}, {Key: "b", Criteria: []string{"CC7.1"}}, {Key: "c"}}}
	got := r.OfCriterion("CC6.2")
	if len(got.Gaps) != 1 || got.Gaps[0].Key != "a" || len(r.Gaps) != 3 {
		t.Errorf("got %+v of %+v", got.Gaps, r.Gaps)
	}
	v := view{controls: []audit.Control{{ID: "A", Criteria: []string{"CC7.1", "CC6.2"}}, {ID: "B", Criteria: []string{"CC6.2"}}}}
	if c := v.criteriaOf([]string{"A", "B"}); strings.Join(c, " ") != "CC6.2 CC7.1" {
		t.Errorf("criteria %v", c)
	}
}
