package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"tieout/reader/mcp"
)

// TestMCP drives 'tieout mcp' as a client does: a process, its standard input
// and output. What it asked is in the log afterwards, which verifies, and so
// does a bundle that holds it.
func TestMCP(t *testing.T) {
	work := t.TempDir()
	dir := filepath.Join(work, "acme")
	t.Setenv("WORK", work)
	t.Setenv("TIEOUT_ACTOR", "Maria Silva")
	write(t, clockPath(), "2026-04-01T06:00:00Z")
	tieout(t, "init", dir, "--yes", "--name", "Acme", "--first", "2026-03-01", "--last", "2026-03-31", "--zone", "UTC", "-q")
	if err := os.RemoveAll(filepath.Join(dir, "sources")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS("../../reader/mcp/testdata/acme")); err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"apply", "collect", "check"} {
		tieout(t, "-w", dir, step, "-q")
	}
	quarter(t, dir)
	if got := tieout(t, "-w", dir, "evidence", "list", "--kind", "activity", "-o", "jsonl"); strings.Count(got, "MCP client stdio-test") != 2 {
		t.Errorf("on record: %s", got)
	}
	if got := tieout(t, "-w", dir, "log", "tail", "--most", "2"); !strings.Contains(got, `asked through mcp: list_deviations {"since":"2026-01-01","until":"2026-03-31"}`) {
		t.Errorf("the log says %s", got)
	}
	if got := tieout(t, "-w", dir, "log", "verify"); !strings.Contains(got, "The log is whole") {
		t.Errorf("log verify: %s", got)
	}
	tieout(t, "-w", dir, "check", "-q") // a run that has the calls before it
	tieout(t, "-w", dir, "report", "export", "--bundle", "--to", work)
	file := filepath.Join(work, "results.bundle")
	tieout(t, "verify", file)
	tieout(t, "reperform", file)
}

// quarter asks which controls have deviations this quarter and why, and whether
// it may conclude.
func quarter(t *testing.T, dir string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	client := sdk.NewClient(&sdk.Implementation{Name: "stdio-test", Version: "1"}, nil)
	c, err := client.Connect(ctx, &sdk.CommandTransport{Command: exec.Command("tieout", "mcp", "-w", dir)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.CallTool(ctx, &sdk.CallToolParams{Name: "list_deviations", Arguments: map[string]any{"since": "2026-01-01", "until": "2026-03-31"}})
	if err != nil || res.IsError {
		t.Fatalf("%v %+v", err, res)
	}
	var got mcp.DeviationsAnswer
	b, err := json.Marshal(res.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Controls) == 0 || got.Controls[0].Control != "IAM-02" || len(got.Items) == 0 || got.Items[0].Reason == "" {
		t.Errorf("controls with deviations: %+v", got.Controls)
	}
	want := tieout(t, "-w", dir, "deviation", "list", "-o", "jsonl")
	if n := strings.Count(want, "\n"); n != got.Page.Total {
		t.Errorf("%d deviations here, %d on the command line", got.Page.Total, n)
	}
	if res, err := c.CallTool(ctx, &sdk.CallToolParams{Name: "conclude", Arguments: map[string]any{"control": "IAM-02"}}); err == nil && !res.IsError {
		t.Errorf("it concludes: %+v", res)
	}
	if err := c.Close(); err != nil {
		t.Errorf("the server did not end well: %v", err)
	}
}

// tieout runs a command that must succeed, and returns what it writes.
func tieout(t *testing.T, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command("tieout", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tieout %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
