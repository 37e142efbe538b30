package examination_test

import (
	"io"
	"testing"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/period"
)

// TestBegun: terms go to the client, its agreement, steps and controls come back,
// in packets carried by hand.
func TestBegun(t *testing.T) {
	w := begun(t)
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		if x.Agreed == nil || x.Heard != engagement.Observing || x.Controls == nil || len(x.Controls.Controls) == 0 || len(x.Controls.Tests) == 0 {
			t.Errorf("agreed %v, heard %q, controls %v", x.Agreed, x.Heard, x.Controls)
		}
		for _, c := range x.Controls.Tests {
			t.Logf("%s %s %v %d", c.ID, c.Form, c.Controls, c.Items)
		}
	})
}

const opTest, designTest = "T-IAM-02-1", "T-IAM-02-D"

// frozen is begun with IAM-02 planned, its nonce committed and its population
// frozen, accepted and drawn from, every item.
func frozen(t *testing.T) *world {
	t.Helper()
	w := begun(t)
	ctx := t.Context()
	check(t, w.firm.Files.SetTest(ctx, manager, "EN-1", engagement.Test{ID: opTest, Control: "IAM-02", Phase: engagement.Operation, Kind: engagement.Inspection, Population: true,
		Text: "Inspected, for each leaver, the accounts that were left.", Criteria: []string{"CC6.2", "CC6.3"},
		Attributes: []engagement.Attribute{{Name: "A", Text: "Access ended in time.", Procedure: "access.leavers"}}}, "", 0))
	check(t, w.firm.Files.SetTest(ctx, manager, "EN-1", engagement.Test{ID: designTest, Control: "IAM-02", Phase: engagement.Design, Kind: engagement.Inspection,
		Text: "Inspected the procedure for leavers.", Criteria: []string{"CC6.2", "CC6.3"}, Attributes: []engagement.Attribute{{Name: "A", Text: "It says who does what by when."}}}, "", 0))
	check(t, w.firm.Files.SetReliance(ctx, manager, "EN-1", "IAM-02", engagement.ToolOutput, "completeness is tested on the list of people", 0))
	must[fieldwork.Commitment](t)(w.firm.Files.CommitNonce(ctx, staff, "EN-1", "IAM-02", "1", ""))
	rq := must[fieldwork.Request](t)(w.firm.Files.SetRequest(ctx, staff, "EN-1", engagement.Request{Kind: "population", Title: "Leavers", Asks: "Everybody who left in March.", Tests: []string{opTest}}, 0))
	check(t, w.firm.Files.ReleaseRequests(ctx, staff, "EN-1", rq.ID))
	check(t, w.firm.Files.MoveState(ctx, manager, "EN-1", engagement.Fieldwork, "", w.revision("state:EN-1")))
	w.exchange() // Acme has seen the commitment before it freezes

	p := must[management.Frozen](t)(w.client.FreezeRun(ctx, lead, "EN-1", "access.leavers", "1", w.explained("access.leavers"), ""))
	check(t, w.client.Side.Answer(ctx, lead, "EN-1", engagement.Answer{Request: rq.ID, Status: engagement.RequestSubmitted, Text: "Frozen as " + p.ID + "."}, 1))
	w.exchange()
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		if got := x.Populations[p.ID]; got == nil || got.Count != p.Count || got.Heard == 0 || x.Requests[rq.ID].Status != engagement.RequestSubmitted {
			t.Fatalf("population %+v, request %+v", got, x.Requests[rq.ID])
		}
	})
	check(t, w.firm.Files.DecideRequest(ctx, staff, "EN-1", rq.ID, engagement.RequestAccepted, "", w.revision("request:EN-1/"+rq.ID)))
	on := "population:EN-1/" + p.ID
	check(t, w.firm.Files.WriteComplete(ctx, staff, "EN-1", p.ID, "Compared with the payroll of April, which lists nobody who left in March.", w.revision(on)))
	check(t, w.firm.Files.AcceptPopulation(ctx, staff, "EN-1", p.ID, w.revision(on)))
	must[fieldwork.Sample](t)(w.firm.Files.DrawSample(ctx, staff, "EN-1", fieldwork.Order{Population: p.ID, Control: "IAM-02", Method: engagement.Random, Size: p.Count, Basis: "there are few"}))
	return w
}

// explained explains every line of completeness of a procedure that is open.
func (w *world) explained(procedure string) map[string]string {
	w.t.Helper()
	run := must[*period.Run](w.t)(w.client.P.RunOfPeriod(w.t.Context()))
	p := must[engagement.Population](w.t)(w.client.P.Population(w.t.Context(), run, procedure, io.Discard))
	out := map[string]string{}
	for _, c := range p.Checks {
		if c.Open() {
			out[c.What] = "the export holds the whole month"
		}
	}
	return out
}

// TestFrozen: the population crosses with its items, is drawn from, and Acme
// knows the sample once it is released and not before.
func TestFrozen(t *testing.T) {
	w := frozen(t)
	w.exchange()
	w.side(func(_ *management.State, x *management.Side) {
		if len(x.Samples) != 0 {
			t.Errorf("samples before their release: %v", x.Samples)
		}
	})
	check(t, w.firm.Files.ReleaseSample(t.Context(), manager, "EN-1", "S-1", w.revision("sample:EN-1/S-1")))
	w.exchange()
	w.exchange()
	w.side(func(_ *management.State, x *management.Side) {
		if s := x.Samples["S-1"]; s == nil || len(s.Items) == 0 || s.Draws[0].Nonce == "" {
			t.Errorf("the released sample: %+v", s)
		}
	})
}
