package examination_test

import (
	"errors"
	"strings"

	"tieout/audit"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/report/attest"
)

// proves checks that the annex holds what happened in both logs, each entry with a
// proof in the checkpoint that stands beside it, and that entries a client's log
// does not hold are refused.
func (w *world) proves(r attest.Report) {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	order := map[string]int{}
	for i, s := range r.Annex.Steps {
		if s.Whose == "client" {
			order[strings.Split(s.What, ",")[0]] = i + 1
		}
		if s.Whose == "firm" && strings.HasPrefix(s.What, "sample drawn") {
			order["sample drawn"] = i + 1
		}
	}
	last := 0
	for _, what := range []string{"management agreed to the terms", "population frozen", "sample drawn", "management responded to an exception", "description of the system finished", "management’s assertion signed", "letter of representation signed"} {
		if order[what] <= last {
			t.Errorf("%q stands at %d of the annex, after %d: %v", what, order[what], last, order)
		}
		last = order[what]
	}
	var checks attest.Checks
	checks.VerifyAnnex(r, attest.Trust{})
	if err := checks.Err(); err != nil {
		t.Error(err)
	}
	forged := r
	forged.Annex.Steps = append([]attest.Step{}, r.Annex.Steps...)
	forged.Annex.Steps[order["population frozen"]-1].Entry++
	checks = attest.Checks{}
	checks.VerifyAnnex(forged, attest.Trust{})
	if !errors.Is(checks.Err(), audit.ErrAltered) {
		t.Error("an entry at another place of the client's log is not found")
	}
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		given := *x.TheirSteps
		at, err := w.firm.TheirLog(ctx, "EN-1", w.client.P.Log.Keys().Log(), given.Packet)
		check(t, err)
		steps := examination.ClientSteps(given)
		check(t, attest.InLog(steps, *at))
		steps[0].Leaf = strings.Repeat("0", 64)
		if err := attest.InLog(steps, *at); !errors.Is(err, audit.ErrAltered) {
			t.Errorf("an entry that the log does not hold: %v", err)
		}
	})
}
