package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/reader/mcp"
	"tieout/source/all"
	"tieout/source/sourcetest/live"
)

// readTools are the tools that only read.
var readTools = []string{"coverage", "list_controls", "list_deviations", "list_examinations", "list_exceptions", "list_frozen", "list_gaps", "list_requests", "list_samples", "list_workpapers",
	"search", "show_control", "show_deviation", "show_evidence", "show_population", "status", "what_is_missing"}

// TestMCP drives 'tieout mcp' as a client does: a process, its standard input
// and output. What it asked is in the log afterwards, which verifies, and so
// does a bundle that holds it.
func TestMCP(t *testing.T) {
	work := t.TempDir()
	dir := acme(t, work)
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

// acme makes a workspace in a folder of work where a quarter was tested and
// deviations were found.
func acme(t *testing.T, work string) string {
	t.Helper()
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
	return dir
}

// TestMCPPython drives 'tieout mcp' with the Python client of the protocol, which
// shares no code with the server (scripts/peers.sh installs it): it learns which
// controls have deviations this quarter and why, every tool only reads, and what
// only a person may do is refused.
func TestMCPPython(t *testing.T) {
	python := live.Peer(t, "python/bin/python")
	if found, err := filepath.Glob(filepath.Join(live.Peers(), "python/lib/*/site-packages/mcp/__init__.py")); err != nil || len(found) == 0 {
		live.Missing(t, "the Python package mcp")
	}
	program, err := exec.LookPath("tieout")
	if err != nil {
		t.Fatal(err)
	}
	dir := acme(t, t.TempDir())
	out := live.Run(t, ".", nil, python, "testdata/mcp_client.py", program, dir, "2026-01-01", "2026-03-31")
	var got struct {
		Server string
		Tools  []struct {
			Name     string
			ReadOnly bool
		}
		Deviations mcp.DeviationsAnswer
		Shown      map[string]any
		Refused    map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	var names []string
	for _, x := range got.Tools {
		names = append(names, x.Name)
		if !x.ReadOnly {
			t.Errorf("the tool %s does not say that it only reads", x.Name)
		}
	}
	if want := readTools; got.Server != "tieout" || !slices.Equal(names, want) {
		t.Errorf("server %q with tools %v, want %v", got.Server, names, want)
	}
	if d := got.Deviations; len(d.Controls) == 0 || d.Controls[0].Control != "IAM-02" || len(d.Items) == 0 || d.Page.Total != strings.Count(tieout(t, "-w", dir, "deviation", "list", "-o", "jsonl"), "\n") {
		t.Errorf("controls with deviations: %+v", d)
	} else if shown := tieout(t, "-w", dir, "deviation", "show", d.Items[0].Ref, "-o", "json"); d.Items[0].Reason == "" || !strings.Contains(shown, jsonText(t, d.Items[0].Reason)) {
		t.Errorf("why is %q; the command line says %s", d.Items[0].Reason, shown)
	}
	if got.Shown["refused"] != nil || got.Shown["walk"] == nil {
		t.Errorf("from the deviation to its evidence: %v", got.Shown)
	}
	for name, answer := range got.Refused {
		if text, _ := answer["refused"].(string); !strings.Contains(text, name) {
			t.Errorf("%s is not refused by its name: %v", name, answer)
		}
	}
	if len(got.Refused) < 6 {
		t.Errorf("%d things that only people do were tried", len(got.Refused))
	}
	if on := tieout(t, "-w", dir, "evidence", "list", "--kind", "activity", "-o", "jsonl"); strings.Count(on, "MCP client python-client") < 2 {
		t.Errorf("on record: %s", on)
	}
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
	if len(got.Controls) == 0 || got.Controls[0].Control != "IAM-02" || len(got.Items) == 0 {
		t.Errorf("controls with deviations: %+v", got.Controls)
	}
	for _, d := range got.Items {
		if shown := tieout(t, "-w", dir, "deviation", "show", d.Ref, "-o", "json"); d.Reason == "" || !strings.Contains(shown, jsonText(t, d.Reason)) {
			t.Errorf("%s: why is %q; the command line says %s", d.Ref, d.Reason, shown)
		}
	}
	want := tieout(t, "-w", dir, "deviation", "list", "-o", "jsonl")
	if n := strings.Count(want, "\n"); n != got.Page.Total {
		t.Errorf("%d deviations here, %d on the command line", got.Page.Total, n)
	}
	holdTools(t, c, readTools...)
	if res, err := c.CallTool(ctx, &sdk.CallToolParams{Name: "conclude", Arguments: map[string]any{"control": "IAM-02"}}); err == nil && !res.IsError {
		t.Errorf("it concludes: %+v", res)
	}
	if err := c.Close(); err != nil {
		t.Errorf("the server did not end well: %v", err)
	}
}

// jsonText is a text as JSON writes it, without its quotes.
func jsonText(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(b), `"`)
}

// holdTools holds the tools of a server to these and no others.
func holdTools(t *testing.T, c *sdk.ClientSession, want ...string) {
	t.Helper()
	list, err := c.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range list.Tools {
		names = append(names, x.Name)
	}
	slices.Sort(names)
	if !slices.Equal(names, want) {
		t.Errorf("tools %v, want %v: none may conclude", names, want)
	}
}

// TestMCPWrite drives 'tieout mcp --write': without a token it does not begin;
// with one it adds the few tools that write, and what they wrote is the
// account's, in the register.
func TestMCPWrite(t *testing.T) {
	work := t.TempDir()
	dir := filepath.Join(work, "acme")
	t.Setenv("WORK", work)
	t.Setenv("TIEOUT_ACTOR", "Maria Silva")
	write(t, clockPath(), "2026-04-01T06:00:00Z")
	tieout(t, "init", dir, "--yes", "--name", "Acme", "--first", "2026-03-01", "--last", "2026-03-31", "--zone", "UTC", "-q")
	tieout(t, "-w", dir, "apply", "-q")
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	t.Setenv("TIEOUT_TOKEN", "")
	if out, err := exec.CommandContext(ctx, "tieout", "mcp", "--write", "-w", dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "TIEOUT_TOKEN") {
		t.Errorf("without a token: %v %s", err, out)
	}
	t.Setenv("TIEOUT_TOKEN", aToken(t, dir))
	client := sdk.NewClient(&sdk.Implementation{Name: "stdio-test", Version: "1"}, nil)
	c, err := client.Connect(ctx, &sdk.CommandTransport{Command: exec.Command("tieout", "mcp", "--write", "-w", dir)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	holdTools(t, c, "add_incident_note", "answer_request", "coverage", "list_controls", "list_deviations", "list_examinations", "list_exceptions", "list_frozen",
		"list_gaps", "list_requests", "list_samples", "list_workpapers", "record_deficiency", "record_risk", "report_incident", "search", "show_control", "show_deviation", "show_evidence",
		"show_population", "start_collection", "status", "what_is_missing")
	risk := map[string]any{"title": "A key leaks", "category": "technology", "likelihood": 2, "impact": 4, "level": "medium"}
	if res, err := c.CallTool(ctx, &sdk.CallToolParams{Name: "record_risk", Arguments: risk}); err != nil || res.IsError {
		t.Errorf("record_risk: %v %+v", err, res)
	}
	if err := c.Close(); err != nil {
		t.Errorf("the server did not end well: %v", err)
	}
	if got := tieout(t, "-w", dir, "risk", "list", "-o", "jsonl"); !strings.Contains(got, "A key leaks") {
		t.Errorf("the register: %s", got)
	}
	if got := tieout(t, "-w", dir, "evidence", "list", "--kind", "activity", "-o", "jsonl"); !strings.Contains(got, "MCP client stdio-test") {
		t.Errorf("on record: %s", got)
	}
}

// aToken makes an account that can sign in and a token of it.
func aToken(t *testing.T, dir string) string {
	t.Helper()
	p, err := period.Open(t.Context(), dir, period.Options{Drivers: all.Drivers, Now: func() time.Time { return time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC) }, Getenv: os.Getenv,
		Actor: audit.Actor{Kind: audit.ActorPerson, Name: "Maria Silva"}, Tieout: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	people, err := p.People(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	root := access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: "root", Session: "S", Fresh: true, Grants: []access.Grant{{Role: access.Administrator, Scope: access.ScopeWorkspace}}}
	i, _, err := people.Invite(t.Context(), root, "ana@example.com", "Ana", []access.Grant{{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}})
	if err == nil {
		_, _, err = people.Accept(t.Context(), i.Secret, "a long enough sentence to sign in with", access.From{})
	}
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _, err := people.CreateTokenFor(t.Context(), people.Operator("test"), i.Account.ID, "mcp", mcp.Writing, time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return secret
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
