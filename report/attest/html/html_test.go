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

	xhtml "golang.org/x/net/html"

	"tieout/report/attest"
	"tieout/report/attest/attesttest"
	"tieout/report/attest/html"
)

var twins = flag.String("twins", "", "folder to write a page of every type into, for scripts/screens/twin.mjs")

// TestWriteTwins writes the pages that a browser looks at.
func TestWriteTwins(t *testing.T) {
	dir := *twins
	if dir == "" {
		dir = t.TempDir()
	}
	for name, r := range variants() {
		if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".html"), render(t, r), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func variants() map[string]attest.Report {
	return map[string]attest.Report{
		"type II": attesttest.WithAnnex(attesttest.TypeII()), "type I": attesttest.TypeI(), "SOC 3": attesttest.SOC3(), "SOC 1": attesttest.SOC1(), "draft": attesttest.Draft(),
	}
}

func render(t *testing.T, r attest.Report) []byte {
	t.Helper()
	page, err := html.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// shown are the words of a page's section in order: headings, paragraphs, cells.
func shown(t *testing.T, page []byte) string {
	t.Helper()
	doc, err := xhtml.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	var walk func(n *xhtml.Node, in bool)
	walk = func(n *xhtml.Node, in bool) {
		in = in || n.Data == "section"
		if n.Type == xhtml.TextNode && in {
			b.WriteString(n.Data + " ")
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, in && n.Data != "caption" || n.Data == "section")
		}
	}
	walk(doc, false)
	return strings.Join(strings.Fields(b.String()), "")
}

// TestSameWordsAsTheDocument: everything the PDF prints, in its order, every cell
// of every table among it.
func TestSameWordsAsTheDocument(t *testing.T) {
	for name, r := range variants() {
		d, err := attest.Build(r)
		if err != nil {
			t.Fatal(err)
		}
		got := shown(t, render(t, r))
		for _, p := range d.Parts {
			for _, piece := range pieces(p) {
				_, rest, found := strings.Cut(got, strings.Join(strings.Fields(piece), ""))
				if !found {
					t.Fatalf("%s, %s: %q is missing, or out of order", name, p.Label, piece)
				}
				got = rest
			}
		}
	}
}

func pieces(p attest.Part) []string {
	out := []string{p.Label, p.Title}
	for _, b := range p.Blocks {
		for _, r := range b.Runs {
			out = append(out, r.Text)
		}
		out = append(out, b.Lines...)
		if b.Table == nil {
			continue
		}
		for _, c := range b.Table.Columns {
			out = append(out, c.Title)
		}
		for _, r := range b.Table.Rows {
			for _, c := range r.Cells {
				out = append(out, c.Text())
			}
		}
	}
	return out
}

func TestSameValueSameBytes(t *testing.T) {
	if r := attesttest.TypeII(); !bytes.Equal(render(t, r), render(t, r)) {
		t.Error("two renderings differ")
	}
}

// TestNeedsNothingElse: one style sheet that the page's own policy names by its
// digest, fonts inside, no script, no address but links of the text.
func TestNeedsNothingElse(t *testing.T) {
	page := string(render(t, attesttest.TypeII()))
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(page)
	sum := sha256.Sum256([]byte(style[1]))
	if want := "sha256-" + base64.StdEncoding.EncodeToString(sum[:]); !strings.Contains(strings.ReplaceAll(page, "&#43;", "+"), want) {
		t.Errorf("the policy does not allow the style sheet %s", want)
	}
	for _, never := range []string{"<script", "javascript:", "src=\"http", "@import", "url(http"} {
		if strings.Contains(page, never) {
			t.Errorf("the page holds %q", never)
		}
	}
	if len(page) > 400<<10 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

// TestEveryLinkHasItsPlace, and no place is named twice.
func TestEveryLinkHasItsPlace(t *testing.T) {
	for name, r := range variants() {
		page := string(render(t, r))
		var ids []string
		for _, m := range regexp.MustCompile(`\sid="([^"]+)"`).FindAllStringSubmatch(page, -1) {
			if slices.Contains(ids, m[1]) {
				t.Errorf("%s: the place %q twice", name, m[1])
			}
			ids = append(ids, m[1])
		}
		for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
			if !slices.Contains(ids, m[1]) {
				t.Errorf("%s: a link leads to %q, which is nowhere", name, m[1])
			}
		}
	}
}

func TestMarkupIsShownAndNeverActs(t *testing.T) {
	r := attesttest.TypeII()
	const evil = `<script>alert(1)</script><img src=x onerror=alert(1)>`
	r.Client.Name, r.Groups[0].Controls[0].ID, r.Groups[0].Controls[0].Text = evil, evil, evil
	r.Auditor.Text = evil + "\n\n[a](javascript:alert(1))"
	r.Groups[0].ID = `x" onload="alert(1)`
	page := string(render(t, r))
	for _, never := range []string{"<script>", "<img", "javascript:", ` onload="`} {
		if strings.Contains(page, never) {
			t.Errorf("the page holds %q", never)
		}
	}
}
