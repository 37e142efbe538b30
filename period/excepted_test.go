package period

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
)

// A desk is an invented ticket system.
type desk struct{ rows []row }

func (k desk) driver() *source.Driver {
	return &source.Driver{
		Name: "desk", Version: 1, Title: "An invented ticket system", Types: []string{"ticket"},
		Open: func(name string, with json.RawMessage, _ source.Env) (source.Collector, json.RawMessage, error) {
			return k, with, nil
		},
		Normalize: normalizeSynth,
	}
}

func (k desk) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: "desk", Window: w, Sink: sink}
	s := run.Snapshot("ticket", "", []string{"hidden tickets"}, "desk.tickets")
	body, err := json.Marshal(synthPage{Rows: k.rows})
	if err != nil {
		return err
	}
	if err := run.Seal(ctx, audit.Page{Kind: "desk.tickets", Query: "GET /tickets", Media: "application/json", Body: body}, s); err != nil {
		return err
	}
	return run.Close(ctx, s)
}

func exceptionRow(id string, change map[string]any) row {
	body := map[string]any{"kind": "exception", "status": "done", "title": "A machine cannot", "subject": "a/ben", "approvedBy": "hr/7",
		"approvedAt": audit.FormatTime(day(1, 9)), "expiresAt": audit.FormatTime(day(20, 0))}
	for k, v := range change {
		if body[k] = v; v == nil {
			delete(body, k)
		}
	}
	return row{Type: "ticket", ID: id, Body: body}
}

// TestExceptedBesideAFinding: exceptions approved for a finding's item stand beside
// it, in one look at it and in the report, and change nothing of it.
func TestExceptedBesideAFinding(t *testing.T) {
	never := audit.NeverText
	k := desk{rows: []row{
		exceptionRow("2-in-force", nil), exceptionRow("1-without-an-end", map[string]any{"expiresAt": never}),
		exceptionRow("approval-has-no-day", map[string]any{"approvedAt": nil}),
		exceptionRow("another-item", map[string]any{"subject": "a/ana"}), exceptionRow("not-approved", map[string]any{"approvedBy": ""}),
		exceptionRow("never-approved", map[string]any{"approvedAt": never}), exceptionRow("rejected", map[string]any{"status": "rejected"}),
		exceptionRow("expired-before", map[string]any{"expiresAt": audit.FormatTime(day(2, 0))}), exceptionRow("end-not-told", map[string]any{"expiresAt": nil}),
		exceptionRow("approved-after", map[string]any{"approvedAt": audit.FormatTime(day(5, 9))}), exceptionRow("another-kind", map[string]any{"kind": "task"}),
	}}
	w := newWorld(t, map[string]string{"sources/desk.yaml": "kind: desk\n"})
	o := w.options(true)
	o.Drivers = append(o.Drivers, k.driver())
	p, err := Open(t.Context(), w.dir, o)
	must(t, err)
	t.Cleanup(func() { p.Close() })
	_, _, err = p.Apply(t.Context())
	must(t, err)
	w.collectDays(t, p, 2, 3, 4, 5)
	run, err := p.Check(t.Context(), CheckOptions{})
	must(t, err)
	ref := ""
	for _, d := range found(run) {
		if d.Item == "a/ben" {
			ref = d.Ref
		}
		if len(d.Exceptions) > 0 {
			t.Errorf("what a run finds and seals has exceptions beside it: %+v", d)
		}
	}
	d, err := p.Deviation(t.Context(), run, ref)
	must(t, err)
	if d.Outcome != audit.Deviated || d.Disposition != audit.Candidate {
		t.Errorf("it is %s, %s: an exception decides nothing", d.Outcome, d.Disposition)
	}
	want := []string{"desk/1-without-an-end", "desk/2-in-force", "desk/approval-has-no-day"}
	if got := tickets(d.Exceptions); len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("got %q, want %q", got, want)
	}
	if x := d.Exceptions[1]; !x.ApprovedAt.Equal(day(1, 9)) || !x.ExpiresAt.Equal(day(20, 0)) || x.ApprovedBy != "hr/7" || x.Record == 0 {
		t.Errorf("%+v", x)
	}
	if !d.Exceptions[0].ExpiresAt.IsZero() || !d.Exceptions[2].ApprovedAt.IsZero() {
		t.Errorf("what is not recorded has an instant: %+v", d.Exceptions)
	}
	tested, err := p.answered(t.Context(), run)
	must(t, err)
	for _, one := range tested {
		for _, d := range one.Deviations {
			if (d.Item == "a/ben") != (len(d.Exceptions) == len(want)) {
				t.Errorf("the report says of %s: %q", d.Item, tickets(d.Exceptions))
			}
		}
	}
}

func tickets(list []audit.Excepted) (out []string) {
	for _, x := range list {
		out = append(out, x.Ticket)
	}
	return out
}

// TestExceptionAsItWasKnown: what a ticket said later is not beside what is looked
// at as of before.
func TestExceptionAsItWasKnown(t *testing.T) {
	version := func(at time.Time, body string) audit.Version {
		return audit.Version{From: audit.Bound{At: at}, Body: json.RawMessage(body), Gone: body == ""}
	}
	approved := `{"approvedBy":"hr/7","expiresAt":"never","kind":"exception","subject":"a/ben"}`
	h := audit.History{ID: "desk/1", Versions: []audit.Version{
		version(day(2, 0), `{"approvedBy":"","expiresAt":"never","kind":"exception","subject":"a/ben"}`), version(day(4, 0), approved), version(day(9, 0), ""),
	}}
	tests := []struct {
		name string
		asOf time.Time
		want string
	}{
		{"before it was there", day(1, 0), ""}, {"before it was approved", day(3, 0), ""}, {"approved", day(5, 0), "a/ben"}, {"gone", day(10, 0), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := exceptionOf(&h, tt.asOf); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
