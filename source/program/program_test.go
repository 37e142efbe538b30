package program_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/program"
	"tieout/source/sourcetest"
)

var at = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func window() audit.Window {
	return audit.Window{Span: audit.Span{From: at.AddDate(0, 0, -30), To: at}, AsOf: at, Zone: "UTC"}
}

// registers say one thing of every type, two days long.
func registers(_ context.Context, yield func(audit.Fact) error) (time.Time, error) {
	begins := at.AddDate(0, 0, -3)
	facts := []audit.Fact{
		{Type: "document", ID: "POL-access", Fields: map[string]any{"title": "Access control", "kind": "policy", "version": "1", "status": "approved", "owner": "lea", "approvedBy": "sam",
			"approvedAt": "2026-03-07T12:00:00Z", "reviewedAt": audit.NeverText}},
		{Type: "incident", ID: "INC-1", Fields: map[string]any{"title": "Mail to the wrong customer", "severity": "sev3", "kind": "privacy", "status": "open", "notificationRequired": true}},
		{Type: "link", ID: "ana/github/ana", Fields: map[string]any{"person": "p1", "account": "github/ana", "device": "", "basis": "confirmed by a person", "confirmed": true, "by": "lea"}},
		{Type: "risk", ID: "R-1", Fields: map[string]any{"title": "Fraud", "owner": "fin", "treatment": "mitigate", "level": "low", "status": "treated"}},
		{Type: "risk", ID: "R-2", Fields: map[string]any{"title": "Flood", "owner": "ops", "treatment": "", "level": "high", "status": "open"}},
		{Type: "vendor", ID: "V-1", Fields: map[string]any{"name": "Mailer", "tier": "low", "status": "active", "subservice": false}},
		{Type: "accessReview", ID: "AR-1/github", Fields: map[string]any{"system": "github", "cycle": "2026-Q1", "reviewer": "lea", "listed": 12, "decided": 12, "toRemove": []any{"github/bo"}, "privileged": true}},
		{Type: "acknowledgement", ID: "ack-1", Fields: map[string]any{"person": "p1", "document": "POL-access", "version": "1"}},
		{Type: "disclosure", ID: "DIS-1", Fields: map[string]any{"recipient": "another customer", "authorized": false, "records": 3}},
		{Type: "notice", ID: "N-1", Fields: map[string]any{"kind": "incident", "subject": "INC-1", "audience": "customers", "by": "lea"}},
		{Type: "revision", ID: "T-1", Fields: map[string]any{"kind": "board meeting", "by": "lea", "outcome": "minutes kept", "actions": 2}},
		{Type: "training", ID: "TR-1", Fields: map[string]any{"person": "p1", "course": "security-awareness", "topic": "security", "result": "completed"}},
		{Type: "risk", ID: "R-2", Gone: true},
	}
	for i, f := range facts {
		f.Record, f.Recorded = int64(10+i), begins.Add(time.Duration(i)*4*time.Hour)
		f.At = f.Recorded
		if err := yield(f); err != nil {
			return begins, err
		}
	}
	return begins, nil
}

func connection(with string) sourcetest.Connection {
	return sourcetest.Connection{Driver: program.Driver, Name: "self", With: with, Env: source.Env{Program: registers}, Window: window()}
}

func TestConform(t *testing.T) {
	sourcetest.Conform(t, connection(`{}`), "document", "incident", "link", "risk", "vendor", "accessReview", "acknowledgement", "disclosure", "notice", "revision", "training")
}

func TestOnlyTheTypesAskedFor(t *testing.T) {
	r := sourcetest.Record(t, connection(`{"types":["training"]}`))
	if len(r.ByType("training")) != 1 || len(r.ByType("risk")) != 0 || len(r.Manifests) != 1 {
		t.Errorf("%d trainings, %d risks, %d streams", len(r.ByType("training")), len(r.ByType("risk")), len(r.Manifests))
	}
	if _, _, err := program.Driver.Open("self", []byte(`{"types":["account"]}`), source.Env{}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a type the registers do not know: %v", err)
	}
}

func TestChangesAndEndsOfStates(t *testing.T) {
	items := sourcetest.Record(t, connection(`{"types":["risk"]}`)).ByType("risk")
	if len(items) != 3 || items[2].ID != "R-2" || !items[2].Gone || !items[1].At.Equal(at.AddDate(0, 0, -3).Add(16*time.Hour)) {
		t.Errorf("got %+v", items)
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("risk", `{"record":10,"recorded":"2026-03-07T12:00:00Z","type":"risk","id":"R-1","at":"2026-03-07T12:00:00Z","fields":{"title":"Fraud","assessedAt":"never"}}`)
	f.Add("training", "{}\n\nx")
	f.Fuzz(func(t *testing.T, typ, body string) {
		items, _ := program.Driver.Normalize([]byte("{}"), audit.Page{Kind: "program." + typ, Body: []byte(body)})
		for _, it := range items {
			if it.Gone {
				continue
			}
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s: %v", it.ID, err)
			}
		}
	})
}

// Of an event that was corrected on the day it was told, the last word counts,
// whatever it says.
func TestEventToldAgain(t *testing.T) {
	for _, outcomes := range [][]string{{"a", "b"}, {"b", "a"}, {"b", "c", "a"}} {
		facts := func(_ context.Context, yield func(audit.Fact) error) (time.Time, error) {
			for i, o := range outcomes {
				f := audit.Fact{Type: "revision", ID: "task/board.meeting@2026-Q1", Record: int64(10 + i), Recorded: at.Add(time.Duration(i-10) * time.Minute), At: at.AddDate(0, 0, -2),
					Fields: map[string]any{"kind": "board meeting", "outcome": o}}
				if err := yield(f); err != nil {
					return at, err
				}
			}
			return at.AddDate(0, 0, -3), nil
		}
		c := connection(`{"types":["revision"]}`)
		c.Env.Program = facts
		got := sourcetest.Record(t, c).ByType("revision")
		if len(got) != 1 || !strings.Contains(string(got[0].Body), `"outcome":"`+outcomes[len(outcomes)-1]+`"`) {
			t.Errorf("told as %v: %d items, %+v", outcomes, len(got), got)
		}
	}
}
