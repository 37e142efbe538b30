package html_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/report"
	"tieout/report/html"
	"tieout/report/reporttest"
)

var update = flag.Bool("update", false, "write the golden file")

func render(t *testing.T, r audit.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := html.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var fontData = regexp.MustCompile(`base64,[A-Za-z0-9+/=]+`)

// TestGolden holds the page to a golden file; the fonts, which are files of
// their own, are left out of it.
func TestGolden(t *testing.T) {
	got := fontData.ReplaceAllString(render(t, reporttest.Report()), "base64,FONT")
	path := filepath.Join("testdata", "halyard.html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the page differs from %s; look at it, then run with -update", path)
	}
}

func TestSameInputSameBytes(t *testing.T) {
	first, second := render(t, reporttest.Report()), render(t, reporttest.Report())
	if first != second {
		t.Error("two renderings of the same report differ")
	}
}

// TestSelfContained: no script, nothing asked from outside, and a policy that
// allows exactly the style sheet that is there.
func TestSelfContained(t *testing.T) {
	page := render(t, reporttest.Report())
	for _, bad := range []string{"<script", "<img", "<iframe", "<link", "<form", "src=", " onerror=\"", " style=", "@import", "javascript:", "http://", "https://"} {
		rest := strings.ReplaceAll(page, "url(data:", "")
		if i := strings.Index(rest, bad); i >= 0 && !strings.Contains(rest[max(0, i-40):i], "&lt;") && !strings.Contains(rest[max(0, i-40):i], "HYPERLINK") {
			t.Errorf("the page holds %q: …%s…", bad, rest[max(0, i-60):min(len(rest), i+60)])
		}
	}
	_, rest, _ := strings.Cut(page, "<style>")
	css, _, ok := strings.Cut(rest, "</style>")
	if !ok {
		t.Fatal("no style sheet")
	}
	sum := sha256.Sum256([]byte(css))
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	if policy == nil {
		t.Fatal("no policy")
	}
	got := strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(policy[1])
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; font-src data:; base-uri 'none'; form-action 'none'"
	if got != want {
		t.Errorf("policy:\n got %s\nwant %s", got, want)
	}
}

// TestTextIsInert puts markup into every text of a report.
func TestTextIsInert(t *testing.T) {
	evil := reporttest.Hostile
	in := reporttest.Input()
	in.Organization.Name, in.Organization.System = evil, evil
	in.Log.Origin, in.Log.Root, in.Log.Witnessed = evil, evil, []string{evil}
	in.Limits = []string{evil}
	in.Versions.Tieout = evil
	in.Versions.Normalizers = map[string]int{evil: 1}
	for i := range in.Controls {
		c := &in.Controls[i]
		in.Why[c.ID] = evil
		c.Title, c.Description, c.Owner, c.Frequency = evil, evil, evil, evil
	}
	for i := range in.Criteria {
		in.Criteria[i].Summary, in.Criteria[i].GroupName = evil, evil
	}
	for i := range in.Coverage {
		c := &in.Coverage[i]
		c.Source, c.Scope, c.Type = evil, evil, evil
		c.Checks = []audit.Reconciling{{Name: evil, Want: evil, Got: evil}}
		c.Holes = []audit.Hole{{Span: in.Period.Span, Reason: evil}}
	}
	for i := range in.Evidence {
		e := &in.Evidence[i]
		e.Source, e.Scope, e.Query, e.Digest, e.Kind = evil, evil, evil, evil, audit.RecordKind(evil)
	}
	for i := range in.Tested {
		poison(&in.Tested[i], evil)
	}
	page := render(t, report.Build(in))
	for _, bad := range []string{"<script", "<img", "onerror=alert(1)>"} {
		if strings.Contains(page, bad) {
			t.Errorf("markup of a text became markup of the page: %q", bad)
		}
	}
	if n := strings.Count(page, "&lt;script&gt;"); n < 500 {
		t.Errorf("only %d texts are shown escaped", n)
	}
}

func poison(t *audit.Tested, evil string) {
	t.Title, t.Statement, t.Population, t.Frequency, t.Procedure, t.Hash = evil, evil, evil, evil, t.Procedure+evil, evil
	t.Questions = []string{evil}
	for i := range t.Marks {
		t.Marks[i].Label = evil
	}
	for i := range t.Streams {
		t.Streams[i].Source = evil
	}
	for i := range t.Gaps {
		t.Gaps[i].Reason, t.Gaps[i].Procedure, t.Gaps[i].Stream = evil, evil, audit.StreamKey{Source: evil}
	}
	for i := range t.Deviations {
		d := &t.Deviations[i]
		d.Ref, d.Item, d.Label, d.Reason, d.Title = d.Ref+evil, evil, evil, evil, evil
		d.Cause, d.Response, d.DecidedBy, d.DecidedWhy, d.NotFoundBy = evil, evil, evil, evil, evil
		d.Values = []audit.FieldValue{{Path: evil, Value: evil}}
		d.Attributes = []audit.AttributeResult{{Name: evil, Text: evil, Outcome: audit.Deviated}}
	}
}

// TestLinks: every link inside the page leads somewhere, and no name is given
// twice.
func TestLinks(t *testing.T) {
	page := render(t, reporttest.Report())
	if n := checkLinks(t, page); n < 300 {
		t.Errorf("only %d links: numbers must lead to the rows behind them", n)
	}
}

func checkLinks(t *testing.T, page string) int {
	t.Helper()
	ids := map[string]int{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		ids[m[1]]++
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("id %q is given %d times", id, n)
		}
	}
	links := regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1)
	for _, m := range links {
		if !strings.HasPrefix(m[1], "#") || ids[m[1][1:]] == 0 {
			t.Errorf("link %q leads nowhere", m[1])
		}
	}
	return len(links)
}

var forbidden = regexp.MustCompile(`(?i)\b(complian(t|ce)|certified|audit-ready|scores?|passed|no exceptions? noted)\b`)

func TestWords(t *testing.T) {
	page := render(t, reporttest.Report())
	if m := forbidden.FindString(page); m != "" {
		t.Errorf("the page says %q", m)
	}
	if strings.Contains(page, "On track") {
		t.Error("an outsider reads \"On track\"")
	}
	for _, want := range []string{"No deviation found in 187 of 187 items.", "No known deviation", "not externally witnessed", "does not show that the source told the truth"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestEveryStripHasASentence(t *testing.T) {
	r := reporttest.Report()
	page := render(t, r)
	n := 0
	for _, m := range regexp.MustCompile(`<svg class="strip"[^>]*>`).FindAllString(page, -1) {
		n++
		if !strings.Contains(m, `role="img"`) || !regexp.MustCompile(`aria-label="[^"]{20,}\."`).MatchString(m) {
			t.Errorf("a strip without a sentence: %s", m)
		}
	}
	if want := len(report.Procedures(&r)) + len(r.Coverage); n != want {
		t.Errorf("got %d strips, want %d", n, want)
	}
	if want := "IAM-04 Production database: on-call role only, 1 Jan to 14 Sep 2026: operated 253 of 257 days. Deviation: 12 to 15 Mar 2026."; !strings.Contains(page, want) {
		t.Errorf("no strip says %q", want)
	}
}

// TestExceptionsBesideFindings: an approved exception stands beside the finding it
// is about, which counts as before.
func TestExceptionsBesideFindings(t *testing.T) {
	in := reporttest.Input()
	before := report.Build(in)
	d := &in.Tested[slices.IndexFunc(in.Tested, func(t audit.Tested) bool { return t.Procedure == "halyard.IAM-04" })].Deviations[0]
	d.Exceptions = []audit.Excepted{{Ticket: "OPS-7", ApprovedBy: "hr/7", ApprovedAt: in.Period.From}}
	r := report.Build(in)
	page := render(t, r)
	if want := "Exception OPS-7 was approved for this item by hr/7 on 1 Jan 2026 and names no end. It changes nothing of the finding."; strings.Count(page, want) != 1 {
		t.Errorf("the page says %d times, want once: %q", strings.Count(page, want), want)
	}
	if r.Sentence != before.Sentence || len(report.Deviations(&r)) != len(report.Deviations(&before)) {
		t.Errorf("an exception changes what is found: %q, before %q", r.Sentence, before.Sentence)
	}
}

// TestMany: more findings than one table lists, some with equal references: no
// link leads nowhere and no name is given twice.
func TestMany(t *testing.T) {
	in := reporttest.Input()
	p := &in.Tested[slices.IndexFunc(in.Tested, func(t audit.Tested) bool { return t.Procedure == "halyard.IAM-04" })]
	p.Gaps = append(p.Gaps, audit.Gap{Span: in.Period.Span}, audit.Gap{Span: in.Period.Span}, audit.Gap{Span: in.Period.Span, Reason: "other"})
	for i := range html.Shown + 50 {
		d := p.Deviations[0]
		d.Item = "item " + report.Number(i)
		if i > 3 {
			d.Ref = audit.DeviationRef(d.Procedure, d.Item, d.Span.From)
		}
		p.Deviations = append(p.Deviations, d)
	}
	r := report.Build(in)
	if got, want := len(report.Deviations(&r)), html.Shown+60; got != want {
		t.Errorf("%d findings, want %d: equal references were merged", got, want)
	}
	page := render(t, r)
	checkLinks(t, page)
	if want := "60 more findings are in the workbook"; !strings.Contains(page, want) {
		t.Errorf("the page does not say %q", want)
	}
}

// TestEmpty: a report about nothing is a page that says so.
func TestEmpty(t *testing.T) {
	page := render(t, report.Build(report.Input{Period: reporttest.Period(), AsOf: reporttest.AsOf}))
	for _, want := range []string{"no control is in scope", "No control was tested", "No source was read", "No record is cited"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// TestZeroValue: a report nobody filled in still renders, and shows nothing good.
func TestZeroValue(t *testing.T) {
	if page := render(t, audit.Report{}); strings.Contains(page, "Operated 0 of") {
		t.Error("the zero report shows results")
	}
}
