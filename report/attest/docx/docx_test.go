package docx_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/report/attest"
	"tieout/report/attest/attesttest"
	"tieout/report/attest/docx"
)

func variants() map[string]attest.Report {
	return map[string]attest.Report{
		"type II": attesttest.WithAnnex(attesttest.TypeII()), "type I": attesttest.TypeI(), "SOC 3": attesttest.SOC3(), "SOC 1": attesttest.SOC1(), "draft": attesttest.Draft(),
		"hostile": hostile(), "marked up": markedUp(),
	}
}

// hostile has markup and what XML cannot hold where a report has words.
func hostile() attest.Report {
	r := markedUp()
	r.Client.Name = `<w:p/> & "Halyard" ]]>`
	r.Groups[0].Controls[0].Text = "a\x00b\x1fc\ufffe <script>"
	return r
}

// markedUp has every kind of block, lists within lists, and a link that runs.
func markedUp() attest.Report {
	r := attesttest.TypeII()
	r.Other[0].Text = "4. four\n5. five\n\n   more of five\n   1. one within\n   2. two within\n6. six\n   1. one more\n\nbetween\n\n1. again\n\n" +
		"- a [link](javascript:alert(1)) and [one](https://example.com/a?b=1&c=2)\n- **strong *and* `code`**\n\n```\nif a < b\n\tindented\n```\n\n---\n\n> said"
	return r
}

func render(t *testing.T, r attest.Report) []byte {
	t.Helper()
	data, err := docx.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// members are the file's members by name.
func members(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range z.File {
		if got := f.Modified.Year(); got != 1980 {
			t.Errorf("%s: got the year %d, want the fixed 1980", f.Name, got)
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[f.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestSameBytes(t *testing.T) {
	for name, r := range variants() {
		if !bytes.Equal(render(t, r), render(t, r)) {
			t.Errorf("%s: two documents of one report differ", name)
		}
	}
}

// TestProperties: dates and names come from the value, never from a clock.
func TestProperties(t *testing.T) {
	r := attesttest.TypeII()
	m := members(t, render(t, r))
	digest, err := attest.Digest(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ part, want string }{
		{"docProps/core.xml", ">2027-02-12T00:00:00Z</dcterms:created>"},
		{"docProps/core.xml", ">2027-02-12T00:00:00Z</dcterms:modified>"},
		{"docProps/core.xml", "<dc:identifier>RPT-EN-1-1</dc:identifier>"},
		{"docProps/core.xml", "<dc:creator>Brookline Assurance LLP</dc:creator>"},
		{"docProps/custom.xml", digest},
	} {
		if !strings.Contains(string(m[c.part]), c.want) {
			t.Errorf("%s: got %s, want %s in it", c.part, m[c.part], c.want)
		}
	}
}

// TestDraftMark: a draft says so on its cover, in every running head and over
// every page; a report nowhere.
func TestDraftMark(t *testing.T) {
	for _, c := range []struct {
		name string
		r    attest.Report
		want bool
	}{{"draft", attesttest.Draft(), true}, {"report", attesttest.TypeII(), false}} {
		heads := 0
		for name, data := range members(t, render(t, c.r)) {
			if !strings.HasPrefix(name, "word/header") {
				continue
			}
			heads++
			if got := strings.Contains(string(data), `string="Draft"`); got != c.want {
				t.Errorf("%s: %s: got a mark over the page %v, want %v", c.name, name, got, c.want)
			}
			if got := strings.Contains(string(data), "Draft for factual review"); got != c.want && name != "word/headerFirst.xml" {
				t.Errorf("%s: %s: got a running mark %v, want %v", c.name, name, got, c.want)
			}
		}
		if heads < 6 {
			t.Errorf("%s: got %d running heads, want one a section", c.name, heads)
		}
	}
}

func TestRefusesAFaultyReport(t *testing.T) {
	r := attesttest.TypeII()
	r.Opinions = nil
	if _, err := docx.Render(r); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("got %v, want an invalid", err)
	}
}
