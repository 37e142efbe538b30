package mcp_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/gatestest"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/period"
	"tieout/reader/mcp"
)

// member makes an account with a grant and returns its ID and a token's secret.
func (w *workspace) member(t *testing.T, p *period.Program, name string, g access.Grant, may ...access.PermissionID) (id, secret string) {
	t.Helper()
	people, err := p.People(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	root := access.Grant{Role: access.Administrator, Scope: access.ScopeWorkspace}
	if p.Kind() == access.Firm {
		root.Role = access.FirmAdministrator
	}
	by := access.Subject{Workspace: p.Kind(), Kind: audit.ActorPerson, Account: "root", Session: "S", Fresh: true, Grants: []access.Grant{root}}
	i, _, err := people.Invite(t.Context(), by, name+"@example.com", strings.ToUpper(name[:1])+name[1:], []access.Grant{g})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := people.Accept(t.Context(), i.Secret, "a long enough sentence to sign in with", access.From{}); err != nil {
		t.Fatal(err)
	}
	if len(may) == 0 {
		return i.Account.ID, ""
	}
	_, secret, _, err = people.CreateTokenFor(t.Context(), people.Operator("test"), i.Account.ID, "mcp", may, w.now.AddDate(0, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	return i.Account.ID, secret
}

// connect is a client of a server over the workspace with these options.
func (w *workspace) connect(t *testing.T, o mcp.Options) *sdk.ClientSession {
	t.Helper()
	o.Open, o.Version, o.Log = w.open, "test", slog.New(slog.NewTextHandler(io.Discard, nil))
	s := mcp.New(o)
	here, there := sdk.NewInMemoryTransports()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, there) }()
	c, err := sdk.NewClient(&sdk.Implementation{Name: "reader", Version: "1"}, nil).Connect(t.Context(), here, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		stop()
		<-done
	})
	return c
}

// refusedTool wants a tool to be refused in these words.
func refusedTool(t *testing.T, c *sdk.ClientSession, tool string, args object, says string) {
	t.Helper()
	res, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	if len(res.Content) > 0 {
		if x, ok := res.Content[0].(*sdk.TextContent); ok {
			text = x.Text
		}
	}
	if !res.IsError || !strings.Contains(text, says) {
		t.Errorf("%s: %q; want it refused: %q", tool, text, says)
	}
}

// newFirm is an audit firm's workspace whose engagement EN-1 went from its
// opening to its locked archive; none of the forbidden acts was tried.
func newFirm(t *testing.T) (w *workspace, partner, stranger string) {
	t.Helper()
	w = &workspace{dir: t.TempDir(), now: day.Add(time.Hour)}
	if err := os.WriteFile(filepath.Join(w.dir, "tieout.yaml"), []byte("firm: { name: Sandgate LLP, zone: UTC }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := w.options()
	o.Create = true
	p, err := period.Open(t.Context(), w.dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := &gatestest.Firm{T: t, Files: p.Files(), Seal: p.Seal, Now: w.clock, To: func(at time.Time) { w.mu.Lock(); defer w.mu.Unlock(); w.now = at }, People: map[string]string{}}
	for duty, g := range map[string]access.Grant{fieldwork.DutyPartner: {Role: access.Partner, Scope: access.ScopeWorkspace}, fieldwork.DutyManager: {Role: access.Manager, Scope: access.ScopeWorkspace},
		fieldwork.DutyStaff: {Role: access.Staff, Scope: access.ScopeEngagement, Object: "EN-1"}, fieldwork.DutyQuality: {Role: access.QualityReviewer, Scope: access.ScopeEngagement, Object: "EN-1"}} {
		may := []access.PermissionID{}
		if duty == fieldwork.DutyPartner {
			may = append(may, "workpaper.read")
		}
		id, secret := w.member(t, p, strings.ReplaceAll(duty, " ", "-"), g, may...)
		f.People[duty] = id
		if secret != "" {
			partner = secret
		}
	}
	f.Tester, _ = w.member(t, p, "tess", access.Grant{Role: access.Staff, Scope: access.ScopeEngagement, Object: "EN-1"})
	_, stranger = w.member(t, p, "otto", access.Grant{Role: access.Staff, Scope: access.ScopeEngagement, Object: "EN-9"}, "workpaper.read")
	gatestest.Walk(f, func(gatestest.Case) {})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return w, partner, stranger
}

// TestFirm: a firm's file is read by a token with the right to it and by nobody
// else; of marks, notes and drafts nothing is told.
func TestFirm(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	w, partner, stranger := newFirm(t)
	c := w.connect(t, mcp.Options{Read: byToken(partner)})
	list, sentence := ask[mcp.ExaminationsAnswer](t, c, "list_examinations", nil)
	if sentence != "1 examination." || len(list.Items) != 1 || list.Items[0].With != "Halyard, Inc." || list.Items[0].State != "issued" {
		t.Errorf("%q, %+v", sentence, list.Items)
	}
	en := object{"examination": "EN-1"}
	papers, sentence := ask[mcp.WorkpapersAnswer](t, c, "list_workpapers", en)
	if sentence != "14 of 14 tests are signed off by a reviewer." || len(papers.Items) != 14 || !papers.Items[0].Reviewed {
		t.Errorf("%q, %+v", sentence, papers.Items)
	}
	for dated, missing := range map[string]bool{"": false, "2020-01-01": true} { // of a day that is told, and of today
		x, _ := ask[mcp.MissingAnswer](t, c, "what_is_missing", object{"examination": "EN-1", "act": "report.issue", "dated": dated})
		if got := slices.ContainsFunc(x.Items, func(g mcp.Gate) bool { return strings.Contains(g.Missing, "not of the report's day") }); got != missing {
			t.Errorf("dated %q: the letter is not of the report's day: %t; want %t", dated, got, missing)
		}
	}
	gates, sentence := ask[mcp.MissingAnswer](t, c, "what_is_missing", object{"examination": "EN-1", "act": "report.issue"})
	if !strings.Contains(sentence, "before report.issue") || len(gates.Items) < 10 || !slices.ContainsFunc(gates.Items, func(g mcp.Gate) bool { return g.Missing == "it is at: issued" }) {
		t.Errorf("%q, %+v", sentence, gates.Items)
	}
	if x, _ := ask[mcp.ExceptionsAnswer](t, c, "list_exceptions", en); len(x.Items) != 1 || !x.Items[0].Released || x.Items[0].Responded {
		t.Errorf("exceptions %+v", x.Items)
	}
	if x, _ := ask[mcp.SamplesAnswer](t, c, "list_samples", en); len(x.Items) != 2 || x.Items[0].Released || !x.Items[1].Released {
		t.Errorf("samples %+v", x.Items)
	}
	if x, _ := ask[mcp.FrozenAnswer](t, c, "list_frozen", en); len(x.Items) != 3 || !x.Items[0].Accepted {
		t.Errorf("frozen %+v", x.Items)
	}
	if x, _ := ask[mcp.RequestsAnswer](t, c, "list_requests", en); len(x.Items) != 1 || x.Items[0].Status != "Withdrawn" {
		t.Errorf("requests %+v", x.Items)
	}
	refusedTool(t, c, "what_is_missing", object{"examination": "EN-1", "act": "anything"}, "no gate stands before")
	refusedTool(t, c, "list_requests", object{"examination": "EN-7"}, "EN-7")
	refusedTool(t, c, "status", nil, "an audit firm's workspace")
	other := w.connect(t, mcp.Options{Read: byToken(stranger)})
	if x, _ := ask[mcp.ExaminationsAnswer](t, other, "list_examinations", nil); len(x.Items) != 0 {
		t.Errorf("who has no part in it sees %+v", x.Items)
	}
	nobody := w.connect(t, mcp.Options{})
	for _, tool := range []string{"list_requests", "list_frozen", "list_samples", "list_exceptions", "list_workpapers"} {
		refusedTool(t, other, tool, en, "none of your roles may")
		refusedTool(t, nobody, tool, en, "TIEOUT_TOKEN")
	}
}

// TestCompanySide: a company's tools tell what the firm released; a request is
// answered in progress, and submitted only where that is said.
func TestCompanySide(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	w := newWorkspace(t, true)
	p := w.program(t)
	people := map[string]string{}
	lead := access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}
	var secret string
	people[gatestest.Lead], secret = w.member(t, p, "lea", lead, "request.read", "request.answer", "deviation.read", "evidence.read")
	_, writes := w.member(t, p, "wim", lead, "request.read", "request.answer")
	people[gatestest.Signer], _ = w.member(t, p, "sam", access.Grant{Role: access.ManagementSigner, Scope: access.ScopeWorkspace})
	people[gatestest.Owner], _ = w.member(t, p, "owe", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	side := management.Open(p.Seal, w.clock)
	gatestest.WalkClient(&gatestest.Client{T: t, Side: side, Seal: p.Seal, Now: w.clock, People: people}, func(gatestest.Case) {})
	packets := access.Subject{Workspace: access.Company, Kind: audit.ActorConnector, Account: "exchange"}
	if err := side.TakeRequests(t.Context(), packets, "EN-1", []engagement.RequestNews{{Request: engagement.Request{ID: "RQ-2", Kind: "document", Title: "Minutes", Asks: "Those of May."}, Status: engagement.RequestOpen}}); err != nil {
		t.Fatal(err)
	}
	c := w.connect(t, mcp.Options{Read: byToken(secret), Act: byToken(secret)})
	en := object{"examination": "EN-1"}
	if x, _ := ask[mcp.ExaminationsAnswer](t, c, "list_examinations", nil); len(x.Items) != 1 || x.Items[0].With != "Brookline Assurance LLP" {
		t.Errorf("examinations %+v", x.Items)
	}
	if x, _ := ask[mcp.ExceptionsAnswer](t, c, "list_exceptions", en); len(x.Items) != 1 || !x.Items[0].Responded {
		t.Errorf("exceptions %+v", x.Items)
	}
	for _, tool := range []string{"list_workpapers", "what_is_missing"} {
		refusedTool(t, c, tool, object{"examination": "EN-1", "act": "report.issue"}, "")
	}
	requests := func() []mcp.Request { x, _ := ask[mcp.RequestsAnswer](t, c, "list_requests", en); return x.Items }
	if got := requests(); len(got) != 2 || got[0].Status != "Withdrawn" || got[1].Status != "Open" {
		t.Fatalf("requests %+v", got)
	}
	answer := object{"examination": "EN-1", "request": "RQ-2", "revision": requests()[1].Revision, "text": "They are attached.", "evidence": []string{"E-1"}, "key": "k1"}
	for range 2 {
		if got, sentence := ask[mcp.Written](t, c, "answer_request", answer); got.Ref != "RQ-2" || !strings.HasPrefix(sentence, "RQ-2: kept as a draft.") {
			t.Errorf("answered %+v, %q", got, sentence)
		}
	}
	if got := requests()[1]; got.Status != "Open" || got.Answers != 0 || sentTo(t, p) != 0 {
		t.Errorf("after the draft: %+v, %d packets went out; want the request open, and none", got, sentTo(t, p))
	}
	answer["key"], answer["submit"] = "k2", true
	refusedTool(t, c, "answer_request", answer, "changed since")
	answer["key"], answer["revision"], answer["evidence"] = "k3", requests()[1].Revision, []string{"E-99999"}
	refusedTool(t, c, "answer_request", answer, "that you may open")
	answer["evidence"] = []string{"E-1"}
	blind := w.connect(t, mcp.Options{Read: byToken(writes), Act: byToken(writes)})
	refusedTool(t, blind, "answer_request", answer, "that you may open")
	if _, sentence := ask[mcp.Written](t, c, "answer_request", answer); sentence != "RQ-2: submitted." || sentTo(t, p) == 0 {
		t.Errorf("submitted: %q, %d packets went out", sentence, sentTo(t, p))
	}
	refusedTool(t, c, "answer_request", object{"examination": "EN-1", "request": "RQ-1", "revision": requests()[0].Revision, "text": "All four are attached."}, "is withdrawn")
}

// sentTo is how many packets the company sealed for the firm.
func sentTo(t *testing.T, p *period.Program) int64 {
	t.Helper()
	c, err := examination.NewClient(p)
	if err != nil {
		t.Fatal(err)
	}
	post, err := c.Post(t.Context(), "EN-1", "")
	if err != nil {
		t.Fatal(err)
	}
	sent, _, err := post.Lanes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sent.Last
}

// TestOwnersReadTheirs: who owns a control is told of its exceptions and of the
// requests that were given to them, answers these, and of the rest nothing.
func TestOwnersReadTheirs(t *testing.T) {
	w := newWorkspace(t, true)
	p := w.program(t)
	people := map[string]string{}
	people[gatestest.Lead], _ = w.member(t, p, "lea", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	people[gatestest.Signer], _ = w.member(t, p, "sam", access.Grant{Role: access.ManagementSigner, Scope: access.ScopeWorkspace})
	people[gatestest.Owner], _ = w.member(t, p, "owe", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	side := management.Open(p.Seal, w.clock)
	gatestest.WalkClient(&gatestest.Client{T: t, Side: side, Seal: p.Seal, Now: w.clock, People: people}, func(gatestest.Case) {})
	owner := func(name, control string) (string, *sdk.ClientSession) {
		id, secret := w.member(t, p, name, access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: control}, "request.read", "request.answer", "deviation.read")
		return id, w.connect(t, mcp.Options{Read: byToken(secret), Act: byToken(secret)})
	}
	mine, cho := owner("cho", gatestest.Changes)
	_, other := owner("oda", "GOV-01")
	packets := access.Subject{Workspace: access.Company, Kind: audit.ActorConnector, Account: "exchange"}
	lead := access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: people[gatestest.Lead], Session: "S", Fresh: true, Grants: []access.Grant{{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}}}
	if err := side.TakeRequests(t.Context(), packets, "EN-1", []engagement.RequestNews{{Request: engagement.Request{ID: "RQ-2", Kind: "document", Title: "Minutes", Asks: "Those of May."}, Status: engagement.RequestOpen}}); err != nil {
		t.Fatal(err)
	}
	if err := side.AssignRequest(t.Context(), lead, "EN-1", "RQ-2", mine, 1); err != nil {
		t.Fatal(err)
	}
	en := object{"examination": "EN-1"}
	for _, tt := range []struct {
		name                 string
		c                    *sdk.ClientSession
		requests, exceptions int
	}{{"the owner of the control", cho, 1, 1}, {"the owner of another", other, 0, 0}} {
		requests, _ := ask[mcp.RequestsAnswer](t, tt.c, "list_requests", en)
		exceptions, _ := ask[mcp.ExceptionsAnswer](t, tt.c, "list_exceptions", en)
		if len(requests.Items) != tt.requests || len(exceptions.Items) != tt.exceptions {
			t.Errorf("%s: requests %+v, exceptions %+v; want %d and %d", tt.name, requests.Items, exceptions.Items, tt.requests, tt.exceptions)
		}
		for _, tool := range []string{"list_frozen", "list_samples"} {
			refusedTool(t, tt.c, tool, en, "none of your roles may")
		}
	}
	answer := object{"examination": "EN-1", "request": "RQ-2", "revision": 2, "text": "There were none in May.", "submit": true}
	refusedTool(t, other, "answer_request", answer, "none of your roles may")
	if _, sentence := ask[mcp.Written](t, cho, "answer_request", answer); !strings.HasPrefix(sentence, "RQ-2: submitted.") {
		t.Errorf("answered: %q", sentence)
	}
}

// TestNoToolActs: no tool concludes, marks, signs, draws, freezes, releases or
// decides, in either kind of workspace: whatever a case of the forbidden orders
// tries, there is no tool for it but the answer to a request.
func TestNoToolActs(t *testing.T) {
	w := newWorkspace(t, true)
	list, err := w.connect(t, mcp.Options{Act: byToken("tieout_x"), Read: byToken("tieout_x")}).ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	acts := regexp.MustCompile(`conclu|mark|sign|draw|freez|releas|decid|opin|review|prepar|issue|lock|assert|represent|bridge|agree|respond|nonce|accept|reveal|open_|find`)
	for _, x := range list.Tools {
		if acts.MatchString(x.Name) {
			t.Errorf("%s is a person's", x.Name)
		}
		if !x.Annotations.ReadOnlyHint && strings.Contains(x.Name, "request") && x.Name != "answer_request" {
			t.Errorf("%s writes on an examination", x.Name)
		}
	}
	for _, id := range mcp.Writing {
		if p, _ := access.PermissionOf(id); p.Workspace == access.Firm {
			t.Errorf("tools write with %s, in a firm's file", id)
		}
	}
}
