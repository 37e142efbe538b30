package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/report/attest"
	"tieout/report/attest/attesttest"
)

// TestReportOnADesk: a reader prints a report from its value, checks the PDF
// without any workspace, and is told where it was altered.
func TestReportOnADesk(t *testing.T) {
	dir := t.TempDir()
	run := func(args ...string) (string, int) {
		var out bytes.Buffer
		code := Run(t.Context(), Environment{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
			Getenv: func(string) string { return "" }, Getwd: func() (string, error) { return dir, nil }, Now: time.Now})
		return out.String(), code
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(in(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := attesttest.WithAnnex(attesttest.TypeII())
	value, err := attest.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	write("r.json", value)
	write("point", []byte(r.Annex.Logs[0].Checkpoint))
	write("fork", attesttest.Fork(r.Annex.Logs[0].Origin, 64))
	public, err := attest.Marshal(attesttest.SOC3())
	if err != nil {
		t.Fatal(err)
	}
	write("soc3.json", public)
	write("bad.json", []byte(`{"schema":1,"id":"x"}`))
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"print a PDF", []string{"report", "render", in("r.json"), "--to", in("r.pdf")}, exitDone, "sha256:"},
		{"print a page", []string{"report", "render", in("r.json"), "--to", in("r.html")}, exitDone, "sha256:"},
		{"print a document", []string{"report", "render", in("r.json"), "--to", in("r.docx")}, exitDone, "sha256:"},
		{"print Section IV", []string{"report", "render", in("r.json"), "--to", in("r.xlsx")}, exitDone, "sha256:"},
		{"print OSCAL", []string{"report", "render", in("r.json"), "--to", in("r.oscal.json")}, exitDone, "r.assessment-results.json"},
		{"another format", []string{"report", "render", in("r.json"), "--to", in("r.odt")}, exitUsage, "ends in .pdf, .html, .docx, .xlsx or .oscal.json"},
		{"a public report's tests", []string{"report", "render", in("soc3.json"), "--to", in("soc3.xlsx")}, exitFailed, "has no tests"},
		{"a public report as OSCAL", []string{"report", "render", in("soc3.json"), "--to", in("soc3.oscal.json")}, exitFailed, "lists no criteria"},
		{"no report", []string{"report", "render", in("bad.json"), "--to", in("x.pdf")}, exitFailed, "no description"},
		{"verify", []string{"verify", in("r.pdf")}, exitDone, "As it was issued, as far as the file shows"},
		{"verify as data", []string{"verify", in("r.pdf"), "-o", "json"}, exitDone, `"schema": "tieout.verify/1"`},
		{"with a published checkpoint", []string{"verify", in("r.pdf"), "--checkpoint", in("point")}, exitDone, "is the one the annex rests on"},
		{"with another history", []string{"verify", in("r.pdf"), "--checkpoint", in("fork")}, exitAltered, "two histories of this log"},
		{"a checkpoint that is not there", []string{"verify", in("r.pdf"), "--checkpoint", in("none")}, exitFailed, "--checkpoint"},
	} {
		if out, code := run(c.args...); code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit %d, want %d with %q\n%s", c.name, code, c.code, c.want, out)
		}
	}
	for _, kind := range []string{"catalog", "ssp", "assessment-plan", "assessment-results", "poam"} {
		if _, err := os.Stat(in("r." + kind + ".json")); err != nil {
			t.Errorf("OSCAL: %v", err)
		}
	}
	data, err := os.ReadFile(in("r.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	write("later.pdf", append(data, "%%EOF\n"...))
	if out, code := run("verify", in("later.pdf")); code != exitAltered || !strings.Contains(out, "appended") {
		t.Errorf("altered: exit %d, want %d\n%s", code, exitAltered, out)
	}
}
