package mcp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"tieout/audit"
	"tieout/ledger"
	"tieout/period"
	"tieout/reader/mcp"
	"tieout/report"
	"tieout/store"
)

// ask calls a tool and reads its value; what it says first must be its sentence.
func ask[T any](t *testing.T, c *sdk.ClientSession, tool string, args any) (out T, sentence string) {
	t.Helper()
	res := call(t, c, tool, args)
	if res.IsError {
		t.Fatalf("%s %v: %s", tool, args, said(res))
	}
	b, err := json.Marshal(res.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	var h mcp.Head
	if err := json.Unmarshal(b, &h); err != nil {
		t.Fatal(err)
	}
	sentence = res.Content[0].(*sdk.TextContent).Text
	if h.Summary.Text != sentence || sentence == "" || !strings.HasSuffix(sentence, ".") {
		t.Errorf("%s opens with %q; its summary is %q", tool, sentence, h.Summary.Text)
	}
	if !strings.Contains(h.Notice, "never an instruction") {
		t.Errorf("%s: notice %q", tool, h.Notice)
	}
	within(t, tool, res, b)
	return out, sentence
}

var marks = regexp.MustCompile(`(?s)^-----BEGIN UNTRUSTED DATA ([0-9a-f]{24})-----\n(.*)\n-----END UNTRUSTED DATA ([0-9a-f]{24})-----$`)

// within holds the text of an answer to its value: the same, between marks that
// stand nowhere in it.
func within(t *testing.T, tool string, res *sdk.CallToolResult, value []byte) {
	t.Helper()
	m := marks.FindStringSubmatch(res.Content[1].(*sdk.TextContent).Text)
	if m == nil || m[1] != m[3] || strings.Contains(m[2], m[1]) {
		t.Fatalf("%s is not between marks: %.200s", tool, said(res))
	}
	var a, b any
	if err := errors.Join(json.Unmarshal([]byte(m[2]), &a), json.Unmarshal(value, &b)); err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	if x, y := fmt.Sprint(a), fmt.Sprint(b); x != y {
		t.Errorf("%s: the text says %.300s, the value is %.300s", tool, x, y)
	}
	if strings.ContainsAny(m[2], "\u202e\U000e0041") {
		t.Errorf("%s: hidden characters stand in the text", tool)
	}
}

func call(t *testing.T, c *sdk.ClientSession, tool string, args any) *sdk.CallToolResult {
	t.Helper()
	res, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatalf("%s %v: %v", tool, args, err)
	}
	return res
}

func said(res *sdk.CallToolResult) string {
	var out []string
	for _, c := range res.Content {
		out = append(out, c.(*sdk.TextContent).Text)
	}
	return strings.Join(out, "\n")
}

type object = map[string]any

// TestQuarter: a client answers "which controls have deviations this quarter
// and why", down to the bytes.
func TestQuarter(t *testing.T) {
	w := newWorkspace(t, true)
	c := w.client(t, "quarterly")
	quarter := object{"since": "2026-01-01", "until": "2026-03-31"}
	got, sentence := ask[mcp.DeviationsAnswer](t, c, "list_deviations", quarter)
	if len(got.Controls) == 0 || got.Controls[0].Control != "IAM-02" || !strings.Contains(sentence, "touching the days 2026-01-01 to 2026-03-31") {
		t.Fatalf("%s: controls %v", sentence, got.Controls)
	}
	i := slices.IndexFunc(got.Items, func(d audit.Deviation) bool { return d.Label == "Ben Okafor" && slices.Contains(d.Controls, "IAM-02") })
	if i < 0 || got.Items[i].Reason == "" || len(got.Items[i].Records) == 0 {
		t.Fatalf("no reason or no evidence for the leaver: %+v", got.Items)
	}
	one, sentence := ask[mcp.DeviationAnswer](t, c, "show_deviation", object{"ref": got.Items[i].Ref})
	if !strings.Contains(sentence, "Ben Okafor") || !hasValue(one.Walk.Deviation, `accounts[github/ben].status`, `"active"`) {
		t.Errorf("%s: read %v", sentence, one.Walk.Deviation.Values)
	}
	for _, x := range one.Walk.Evidence {
		if r := x.Record; r.About.From.IsZero() || r.Collected.IsZero() || r.Recorded.IsZero() || len(x.Proof) == 0 || !x.Unchanged {
			t.Errorf("%s: dates %v, %s, %s, %d hashes of proof", audit.EvidenceRef(x.Index), r.About, r.Collected, r.Recorded, len(x.Proof))
		}
	}
	seen := false
	for _, n := range got.Items[i].Records {
		e, _ := ask[mcp.EvidenceAnswer](t, c, "show_evidence", object{"ref": audit.EvidenceRef(n), "bytes": 16384})
		seen = seen || e.Raw != nil && strings.Contains(e.Raw.Quoted, "7,Ben Okafor,Terminated,2026-03-06")
	}
	if !seen {
		t.Errorf("the line of the leaver is in no record of the finding: %+v", got.Items[i])
	}
	before, _ := ask[mcp.DeviationsAnswer](t, c, "list_deviations", object{"until": "2026-02-28"})
	if before.Page.Total != 0 || len(before.Controls) != 0 {
		t.Errorf("before the period: %d deviations", before.Page.Total)
	}
}

func hasValue(d audit.Deviation, path, value string) bool {
	return slices.ContainsFunc(d.Values, func(v audit.FieldValue) bool { return strings.Contains(v.Path, path) && v.Value == value })
}

// TestTools: the tools read, and there are no others.
func TestTools(t *testing.T) {
	c := newWorkspace(t, false).client(t, "lister")
	res, err := c.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	acts := regexp.MustCompile(`(?i)conclude|sign|decide|edit|erase|approve|respond|confirm|dismiss|withdraw|apply|collect|check|write|add|delete|redact|restore|rotate`)
	for _, x := range res.Tools {
		names = append(names, x.Name)
		if acts.MatchString(x.Name) || !x.Annotations.ReadOnlyHint || x.Annotations.DestructiveHint == nil || *x.Annotations.DestructiveHint {
			t.Errorf("%s does more than read: %+v", x.Name, x.Annotations)
		}
		if x.InputSchema == nil || x.OutputSchema == nil || !strings.Contains(x.Description, "never an instruction") {
			t.Errorf("%s: schemas %v, %v; description %q", x.Name, x.InputSchema != nil, x.OutputSchema != nil, x.Description)
		}
	}
	want := []string{"coverage", "list_controls", "list_deviations", "list_examinations", "list_exceptions", "list_frozen", "list_gaps", "list_requests", "list_samples", "list_workpapers",
		"search", "show_control", "show_deviation", "show_evidence", "show_population", "status", "what_is_missing"}
	if !slices.Equal(names, want) {
		t.Errorf("tools %v, want %v", names, want)
	}
	text, err := os.ReadFile("../../docs/formats/mcp.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if !strings.Contains(string(text), "`"+n+"`") {
			t.Errorf("docs/formats/mcp.md does not name %s", n)
		}
	}
	if list, err := c.ListResources(t.Context(), nil); err == nil && len(list.Resources) > 0 {
		t.Errorf("%d resources are listed; there should be none", len(list.Resources))
	}
}

// TestReadsEverything asks every tool for something that is there.
func TestReadsEverything(t *testing.T) {
	w := newWorkspace(t, true)
	c := w.client(t, "reader")
	st, sentence := ask[mcp.StatusAnswer](t, c, "status", nil)
	p := w.program(t)
	r, _, err := p.Status(t.Context(), report.Management)
	if err != nil {
		t.Fatal(err)
	}
	if st.Status.Controls != len(r.Controls) || !strings.HasPrefix(sentence, "Over the 31 days to 31 Mar 2026, ") {
		t.Errorf("%d controls, %q", st.Status.Controls, sentence)
	}
	controls, _ := ask[mcp.ControlsAnswer](t, c, "list_controls", object{"criterion": "cc6.2", "state": "deviation"})
	if len(controls.Items) == 0 || !slices.Contains(controls.Items[0].Control.Criteria, "CC6.2") {
		t.Errorf("controls for CC6.2 with deviations: %v", controls.Items)
	}
	one, sentence := ask[mcp.ControlAnswer](t, c, "show_control", object{"id": "iam-02"})
	if one.Control.Found == nil || one.Control.State != "Deviation" || !strings.HasPrefix(sentence, "IAM-02, ") {
		t.Errorf("%q: %+v", sentence, one.Control.State)
	}
	proc := one.Control.Found.Procedures[0].Procedure
	pop, _ := ask[mcp.PopulationAnswer](t, c, "show_population", object{"procedure": proc})
	worse, sentence := ask[mcp.PopulationAnswer](t, c, "show_population", object{"procedure": proc, "outcome": "deviation"})
	if pop.Page.Total == 0 || worse.Page.Total == 0 || worse.Page.Total > pop.Page.Total || !strings.HasSuffix(sentence, ": outcome deviation.") {
		t.Errorf("%d results, %d deviations: %s", pop.Page.Total, worse.Page.Total, sentence)
	}
	gaps, _ := ask[mcp.GapsAnswer](t, c, "list_gaps", object{"since": "2026-03-01", "until": "2026-03-31", "limit": 3})
	if len(gaps.Items) == 0 || gaps.Items[0].Reason == "" {
		t.Errorf("gaps %+v", gaps.Items)
	}
	cov, sentence := ask[mcp.CoverageAnswer](t, c, "coverage", object{"control": "IAM-02"})
	if len(cov.Items) == 0 || !strings.HasPrefix(sentence, "Of 33 criteria, ") || !strings.Contains(sentence, " The library: ") {
		t.Errorf("%q: %v", sentence, cov.Items)
	}
	hits, _ := ask[mcp.SearchAnswer](t, c, "search", object{"query": "BEN okafor"})
	if len(hits.Items) == 0 || hits.Items[0].Kind != "deviation" || hits.Items[0].Tool != "show_deviation" {
		t.Errorf("found %v", hits.Items)
	}
}

func (w *workspace) program(t *testing.T) *period.Program {
	t.Helper()
	p, err := w.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// TestPages: a list read page by page is the list, in its order, once.
func TestPages(t *testing.T) {
	w := newWorkspace(t, true)
	c := w.client(t, "pager")
	whole, _ := ask[mcp.ControlsAnswer](t, c, "list_controls", object{"limit": 1 << 40})
	if whole.Page.Shown > 200 || whole.Page.Shown != whole.Page.Total {
		t.Errorf("page %+v", whole.Page)
	}
	var got []string
	next := ""
	for {
		page, _ := ask[mcp.ControlsAnswer](t, c, "list_controls", object{"limit": 4, "cursor": next})
		for _, x := range page.Items {
			got = append(got, x.Control.ID)
		}
		if next = page.Page.Next; next == "" {
			break
		}
	}
	var want []string
	for _, x := range whole.Items {
		want = append(want, x.Control.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("by pages %v, whole %v", got, want)
	}
	results(t, c)
	first, _ := ask[mcp.DeviationsAnswer](t, c, "list_deviations", object{"limit": 1})
	for name, args := range map[string]object{
		"other filters": {"limit": 1, "cursor": first.Page.Next, "outcome": "late"},
		"not a cursor":  {"cursor": "../../etc/passwd"},
	} {
		if res := call(t, c, "list_deviations", args); !res.IsError || !strings.Contains(said(res), "leave it out") {
			t.Errorf("%s: %s", name, said(res))
		}
	}
	p := w.program(t)
	if _, err := p.Check(t.Context(), period.CheckOptions{AsOf: p.Now()}); err != nil {
		t.Fatal(err)
	}
	if res := call(t, c, "list_deviations", object{"limit": 1, "cursor": first.Page.Next}); !res.IsError || !strings.Contains(said(res), "tested again") {
		t.Errorf("a cursor of the run before: %s", said(res))
	}
}

// results reads a population whole and by pages.
func results(t *testing.T, c *sdk.ClientSession) {
	t.Helper()
	one, _ := ask[mcp.ControlAnswer](t, c, "show_control", object{"id": "IAM-02"})
	for _, outcome := range []string{"", "deviation"} {
		args := object{"procedure": one.Control.Found.Procedures[0].Procedure, "outcome": outcome, "limit": 200}
		if outcome == "" {
			delete(args, "outcome")
		}
		whole, _ := ask[mcp.PopulationAnswer](t, c, "show_population", args)
		args["limit"] = 1
		n := 0
		for next := ""; ; n++ {
			args["cursor"] = next
			page, _ := ask[mcp.PopulationAnswer](t, c, "show_population", args)
			if page.Page.Total != whole.Page.Total || len(page.Items) != 1 || page.Items[0].Item != whole.Items[n].Item {
				t.Fatalf("outcome %q, page %d: %+v of %+v", outcome, n, page.Page, whole.Page)
			}
			if next = page.Page.Next; next == "" {
				break
			}
		}
		if n+1 != whole.Page.Total {
			t.Errorf("outcome %q: %d pages of %d results", outcome, n+1, whole.Page.Total)
		}
	}
}

// TestHostile: what is not there, not an id or too much is refused with what to
// do, leaks nothing, and is on record all the same.
func TestHostile(t *testing.T) {
	w := newWorkspace(t, true)
	c := w.client(t, "hostile\x1b[2J\u202e")
	long := strings.Repeat("x", 5000)
	cases := []struct {
		name, tool string
		args       any
		want       string
	}{
		{"an unknown control", "show_control", object{"id": "XXX-99"}, "list_controls"},
		{"a path as a control", "show_control", object{"id": "../../../../etc/passwd"}, "list_controls"},
		{"an unknown deviation", "show_deviation", object{"ref": "D-00000000"}, "list_deviations"},
		{"a path as a deviation", "show_deviation", object{"ref": "../.tieout/key"}, "list_deviations"},
		{"an empty deviation", "show_deviation", object{"ref": ""}, "list_deviations"},
		{"a path as a record", "show_evidence", object{"ref": "/etc/shadow"}, "no record such as E-48211"},
		{"a record beyond the log", "show_evidence", object{"ref": "E-9223372036854775807"}, "E-0 is the first"},
		{"a negative record", "show_evidence", object{"ref": "E--1"}, "no record such as E-48211"},
		{"a negative offset", "show_evidence", object{"ref": "E-0", "bytes": 1, "offset": -5}, "0 or more"},
		{"an offset beyond the end", "show_evidence", object{"ref": "E-0", "bytes": 1, "offset": 1 << 50}, "has"},
		{"a deviation as a record", "show_evidence", object{"ref": "D-1"}, "show_deviation"},
		{"an unknown procedure", "show_population", object{"procedure": "../blobs"}, "list_controls"},
		{"an outcome there is not", "show_population", object{"procedure": "any", "outcome": "passed"}, "want one of"},
		{"a negative limit", "list_gaps", object{"limit": -1}, "from 1 to 200"},
		{"a day that is none", "list_deviations", object{"since": "yesterday"}, "such as 2026-07-01"},
		{"days in the wrong order", "list_deviations", object{"since": "2026-03-02", "until": "2026-03-01"}, "in order"},
		{"an unknown control as a filter", "list_deviations", object{"control": "XXX-99"}, "list_controls"},
		{"an unknown criterion as a filter", "list_deviations", object{"criterion": "CC99"}, "coverage"},
		{"an outcome that is no finding", "list_deviations", object{"outcome": "operated"}, `"deviation" or "late"`},
		{"no words", "search", object{"query": "  "}, "1 to 200"},
		{"too many words", "search", object{"query": strings.Repeat("x", 201)}, "1 to 200"},
		{"an argument there is not", "status", object{"sign": true}, "sign"},
		{"an argument of another type", "show_control", object{"id": object{"$ne": ""}}, "id"},
		{"a limit beyond numbers", "list_gaps", object{"limit": json.Number("1e400")}, "limit"},
		{"very long arguments", "search", object{"query": long}, "ask for less"},
	}
	for _, x := range cases {
		res := call(t, c, x.tool, x.args)
		text := said(res)
		if !res.IsError || !strings.Contains(text, x.want) || res.StructuredContent != nil {
			t.Errorf("%s: error %v, %q; want %q in it", x.name, res.IsError, text, x.want)
		}
		if strings.Contains(text, w.dir) || len(text) > 2000 || strings.Contains(text, "goroutine") {
			t.Errorf("%s: says too much: %.300s", x.name, text)
		}
	}
	for _, tool := range []string{"sign_report", "conclude", "approve_deviation", "erase_evidence", "", "../status"} {
		if res, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: object{"ref": "D-1"}}); err == nil && !res.IsError {
			t.Errorf("tool %q answers: %s", tool, said(res))
		}
	}
	if got := len(w.activities(t)); got != len(cases)+6 {
		t.Errorf("%d calls are on record, want %d", got, len(cases)+6)
	}
	for _, rec := range w.activities(t) {
		if strings.ContainsAny(rec.Actor.Name, "\x1b\u202e") || !strings.HasPrefix(rec.Actor.Name, "MCP client hostile") {
			t.Errorf("actor %q", rec.Actor.Name)
		}
	}
}

// activities are the sealed calls, in the order of the log.
func (w *workspace) activities(t *testing.T) (out []audit.Record) {
	t.Helper()
	p := w.program(t)
	if err := p.Records(t.Context(), store.RecordFilter{Kind: audit.RecordActivity}, func(r audit.Record) error {
		out = append(out, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRecorded: every call is in the log before its answer, with who asked what,
// the log verifies, and reading has added nothing else to it.
func TestRecorded(t *testing.T) {
	w := newWorkspace(t, true)
	p := w.program(t)
	before := p.Log.Checkpoint().Size
	c := w.client(t, "quarterly")
	ask[mcp.StatusAnswer](t, c, "status", nil)
	ask[mcp.DeviationsAnswer](t, c, "list_deviations", object{"control": "IAM-02"})
	call(t, c, "show_control", object{"id": "XXX-99"})
	list := w.activities(t)
	var got []string
	for _, rec := range list {
		var a audit.Activity
		if err := json.Unmarshal(rec.Detail, &a); err != nil {
			t.Fatal(err)
		}
		if rec.Actor != (audit.Actor{Kind: audit.ActorCommand, Name: "MCP client quarterly"}) || a.Through != "mcp" || a.Client != "quarterly" || a.For != "Maria Silva" {
			t.Errorf("%s: %+v by %+v", rec.Ref(), a, rec.Actor)
		}
		got = append(got, strings.TrimSpace(a.Act+" "+a.Arguments))
	}
	if want := []string{"status", `list_deviations {"control":"IAM-02"}`, `show_control {"id":"XXX-99"}`}; !slices.Equal(got, want) && !slices.Equal(got, append([]string{"status {}"}, want[1:]...)) {
		t.Errorf("on record: %q, want %q", got, want)
	}
	after := w.program(t)
	if size := after.Log.Checkpoint().Size; size != before+3 {
		t.Errorf("the log grew from %d to %d entries by 3 calls", before, size)
	}
	if checks, err := after.VerifyLog(t.Context(), ledger.TSATrust{}, func(int64, int64) {}); err != nil {
		t.Errorf("the log: %v %v", err, checks.List)
	}
}

// TestNoRecordNoAnswer: where a call cannot be sealed nothing is answered.
func TestNoRecordNoAnswer(t *testing.T) {
	w := newWorkspace(t, true)
	c := w.client(t, "unlucky")
	for _, x := range []struct {
		name string
		err  error
		want string
	}{
		{"a log that is not what it was", fmt.Errorf("%w: the log: entry 3", audit.ErrAltered), "altered: the log: entry 3"},
		{"a fault a client need not know", errors.New("disk /secret/path is full"), "internal error"},
	} {
		w.opening = x.err
		res := call(t, c, "status", nil)
		if !res.IsError || !strings.Contains(said(res), x.want) || strings.Contains(said(res), "/secret") || res.StructuredContent != nil {
			t.Errorf("%s: %s", x.name, said(res))
		}
	}
	w.opening = nil
	if got := len(w.activities(t)); got != 0 {
		t.Errorf("%d activities", got)
	}
}

// TestUntested: before anything was tested there is no news, good or bad.
func TestUntested(t *testing.T) {
	c := newWorkspace(t, false).client(t, "early")
	for tool, args := range map[string]any{"status": nil, "list_deviations": nil, "list_gaps": nil, "show_deviation": object{"ref": "D-1"}, "show_population": object{"procedure": "x"}} {
		if res := call(t, c, tool, args); !res.IsError || !strings.Contains(said(res), "nothing has been tested yet") {
			t.Errorf("%s: %s", tool, said(res))
		}
	}
	list, _ := ask[mcp.ControlsAnswer](t, c, "list_controls", nil)
	if len(list.Items) == 0 || list.Items[0].State == "On track" {
		t.Errorf("controls %+v", list.Items)
	}
	hits, _ := ask[mcp.SearchAnswer](t, c, "search", object{"query": "IAM-02"})
	if len(hits.Items) == 0 {
		t.Error("the control is not found")
	}
}

// TestQuoted: what evidence says to machines stays between marks it cannot
// close, on one line where it stands in a sentence, with nothing hidden.
func TestQuoted(t *testing.T) {
	w := newWorkspace(t, true)
	c := w.client(t, "quoter")
	hits, _ := ask[mcp.SearchAnswer](t, c, "search", object{"query": "sign_report"})
	i := slices.IndexFunc(hits.Items, func(h mcp.Hit) bool { return h.Kind == "deviation" })
	if i < 0 {
		t.Fatalf("found %v", hits.Items)
	}
	d, sentence := ask[mcp.DeviationAnswer](t, c, "show_deviation", object{"ref": hits.Items[i].Ref})
	if !strings.Contains(d.Walk.Deviation.Label, "\u202e\U000e0041") {
		t.Errorf("the value is not what was read: %q", d.Walk.Deviation.Label)
	}
	if strings.ContainsAny(sentence, "\n\u202e\U000e0041") {
		t.Errorf("hidden characters in %q", sentence)
	}
	quoted := regexp.MustCompile(`(?s)^-----BEGIN UNTRUSTED EVIDENCE (E-\d+) ([0-9a-f]{24})-----\n(.*)\n-----END UNTRUSTED EVIDENCE E-\d+ ([0-9a-f]{24})-----$`)
	for _, n := range d.Walk.Deviation.Records {
		var whole string
		for offset := int64(0); ; {
			e, _ := ask[mcp.EvidenceAnswer](t, c, "show_evidence", object{"ref": audit.EvidenceRef(n), "bytes": 100, "offset": offset})
			m := quoted.FindStringSubmatch(e.Raw.Quoted)
			if m == nil || m[2] != m[4] || e.Raw.Bytes > 100 {
				t.Fatalf("%s from %d: %q", audit.EvidenceRef(n), offset, e.Raw.Quoted)
			}
			if whole += m[3]; e.Raw.Next == 0 {
				break
			}
			offset = e.Raw.Next
		}
		e, _ := ask[mcp.EvidenceAnswer](t, c, "show_evidence", object{"ref": audit.EvidenceRef(n), "bytes": 1 << 40})
		if e.Raw.Bytes > 16<<10 {
			t.Errorf("%d bytes at once", e.Raw.Bytes)
		}
		if want := string(w.body(t, n)); whole != want {
			t.Errorf("%s: quoted %q of %q", audit.EvidenceRef(n), whole, want)
		}
	}
}

func (w *workspace) body(t *testing.T, index int64) []byte {
	t.Helper()
	x, err := w.program(t).Piece(t.Context(), index)
	if err != nil {
		t.Fatal(err)
	}
	return x.Body
}
