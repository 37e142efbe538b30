package mcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/reader/mcp"
	"tieout/store"
)

// token makes an account with a role and a token of it, and returns its secret.
func (w *workspace) token(t *testing.T, may ...access.PermissionID) string {
	t.Helper()
	people, err := w.program(t).People(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	by := access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: "root", Session: "S", Fresh: true, Grants: []access.Grant{{Role: access.Administrator, Scope: access.ScopeWorkspace}}}
	i, _, err := people.Invite(t.Context(), by, "ana@example.com", "Ana", []access.Grant{{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := people.Accept(t.Context(), i.Secret, "a long enough sentence to sign in with", access.From{}); err != nil {
		t.Fatal(err)
	}
	_, secret, _, err := people.CreateTokenFor(t.Context(), people.Operator("test"), i.Account.ID, "mcp", may, w.now.AddDate(0, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// writer connects a client to a server whose tools write by a token.
func (w *workspace) writer(t *testing.T, act func(context.Context, *period.Program) (access.Subject, error)) *sdk.ClientSession {
	t.Helper()
	s := mcp.New(mcp.Options{Open: w.open, Act: act, Version: "test", Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	here, there := sdk.NewInMemoryTransports()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, there) }()
	c, err := sdk.NewClient(&sdk.Implementation{Name: "writer", Version: "1"}, nil).Connect(t.Context(), here, nil)
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

func byToken(secret string) func(context.Context, *period.Program) (access.Subject, error) {
	return func(ctx context.Context, p *period.Program) (access.Subject, error) {
		people, err := p.People(ctx, "")
		if err != nil {
			return access.Subject{}, err
		}
		return people.UseToken(ctx, secret, access.From{Agent: "test"})
	}
}

// persons are words of what only people do.
var persons = regexp.MustCompile(`conclu|sign|approv|decid|erase|delete|accept|respon|agree|edit|evidence_`)

// TestWriters lists the tools that write: these and no others, none for what a
// person does, and none of their permissions needs a person.
func TestWriters(t *testing.T) {
	w := newWorkspace(t, true)
	c := w.writer(t, byToken("tieout_x"))
	list, err := c.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range list.Tools {
		if persons.MatchString(x.Name) {
			t.Errorf("%s is a person's", x.Name)
		}
		if !x.Annotations.ReadOnlyHint {
			names = append(names, x.Name)
		}
	}
	slices.Sort(names)
	if want := []string{"add_incident_note", "answer_request", "record_deficiency", "record_risk", "report_incident", "start_collection"}; !slices.Equal(names, want) {
		t.Errorf("tools that write: %v, want %v", names, want)
	}
	for _, id := range mcp.Writing {
		if p, ok := access.PermissionOf(id); !ok || p.Has(access.Person) || p.Has(access.FourEyes) || p.Has(access.Again) || p.ID == access.EditEvidence {
			t.Errorf("tools write with %s", id)
		}
	}
}

// TestWrites: what a tool writes is the token's, within its rights, once, and on
// record with the client's name.
func TestWrites(t *testing.T) {
	w := newWorkspace(t, true)
	c := w.writer(t, byToken(w.token(t, mcp.Writing...)))
	risk := object{"title": "A key leaks", "category": "technology", "likelihood": 2, "impact": 4, "level": "medium", "key": "k1"}
	for range 2 {
		if got, _ := ask[mcp.Written](t, c, "record_risk", risk); got.Ref != "R-1" {
			t.Errorf("risk %+v", got)
		}
	}
	i, _ := ask[mcp.Written](t, c, "report_incident", object{"detail": "A list went astray", "detected": "2026-03-27T10:00:00Z"})
	note, _ := ask[mcp.Written](t, c, "add_incident_note", object{"id": i.Ref, "text": "Access was removed"})
	job, sentence := ask[mcp.Written](t, c, "start_collection", nil)
	if i.Ref != "INC-1" || note.Record == "" || note.Record == i.Record || job.Ref == "" || !strings.Contains(sentence, "asked for") {
		t.Errorf("incident %+v, note %+v, job %+v: %s", i, note, job, sentence)
	}
	book := w.program(t).Registers()
	if all, err := book.AllRisks(t.Context()); err != nil || len(all) != 1 || all[0].Treatment != "" || all[0].Status != "open" || len(all[0].PreparedBy) != 1 {
		t.Errorf("risks %+v %v", all, err)
	}
	if x, err := book.Incident(t.Context(), "INC-1"); err != nil || x.Status != "open" || x.Severity != "" || len(x.Steps) != 2 {
		t.Errorf("incident %+v %v", x, err)
	}
	w.holdWritten(t)
}

// holdWritten holds entries and calls to who they are of.
func (w *workspace) holdWritten(t *testing.T) {
	t.Helper()
	entries, calls := 0, 0
	err := w.program(t).Records(t.Context(), store.RecordFilter{}, func(r audit.Record) error {
		switch r.Kind {
		case audit.RecordEntry:
			if entries++; r.Actor.Kind != audit.ActorCommand || !strings.Contains(string(r.Detail), `"token":"tieout_`) {
				t.Errorf("%s by %+v: %s", r.Ref(), r.Actor, r.Detail)
			}
		case audit.RecordActivity:
			var a audit.Activity
			if err := json.Unmarshal(r.Detail, &a); err != nil {
				return err
			}
			if a.Client == "writer" {
				calls++
			}
		}
		return nil
	})
	if err != nil || entries != 3 || calls != 5 {
		t.Errorf("%d entries and %d calls on record, want 3 and 5: %v", entries, calls, err)
	}
}

// TestWritersRefuse: a token that may not, one that ended, a person, and
// arguments that do not fit write nothing.
func TestWritersRefuse(t *testing.T) {
	w := newWorkspace(t, true)
	secret := w.token(t, "incident.report", "policy.write")
	risk := object{"title": "A key leaks", "category": "technology", "likelihood": 2, "impact": 4, "level": "medium"}
	incident := object{"detail": "x", "detected": "2026-03-27T10:00:00Z"}
	lead := []access.Grant{{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}}
	for _, x := range []struct {
		name, tool string
		args       object
		act        func(context.Context, *period.Program) (access.Subject, error)
		want       string
	}{
		{"a permission the token has not", "record_risk", risk, byToken(secret), "this token was not made to"},
		{"a collection", "start_collection", nil, byToken(secret), "this token was not made to"},
		{"a token there is not", "report_incident", incident, byToken("tieout_none"), "unknown, revoked or has expired"},
		{"a person", "report_incident", incident, func(context.Context, *period.Program) (access.Subject, error) {
			return access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: "root", Grants: lead}, nil
		}, "never as a person"},
		{"nobody", "report_incident", incident, func(context.Context, *period.Program) (access.Subject, error) {
			return access.Subject{}, errors.New("no")
		}, "internal error"},
		{"a day that is none", "report_incident", object{"detail": "x", "detected": "yesterday"}, byToken(secret), "is not an instant"},
		{"the future", "report_incident", object{"detail": "x", "detected": "2030-01-01T00:00:00Z"}, byToken(secret), "future"},
		{"an incident there is not", "add_incident_note", object{"id": "INC-9", "text": "x"}, byToken(secret), "INC-9"},
	} {
		if res := call(t, w.writer(t, x.act), x.tool, x.args); !res.IsError || !strings.Contains(said(res), x.want) {
			t.Errorf("%s: %s", x.name, said(res))
		}
	}
	if res := call(t, w.client(t, "reader"), "status", nil); res.IsError {
		t.Error(said(res))
	}
	if res, err := w.client(t, "reader").CallTool(t.Context(), &sdk.CallToolParams{Name: "record_risk", Arguments: risk}); err == nil && !res.IsError {
		t.Errorf("a server that only reads writes: %s", said(res))
	}
	n := 0
	if err := w.program(t).Records(t.Context(), store.RecordFilter{Kind: audit.RecordEntry}, func(audit.Record) error { n++; return nil }); err != nil || n != 0 {
		t.Errorf("%d entries were written: %v", n, err)
	}
}
