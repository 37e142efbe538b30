package examination_test

import (
	"errors"
	"slices"
	"testing"

	"tieout/audit"
	"tieout/examination"
	"tieout/sample"
)

// TestRehearsal: what an auditor would meet is said in facts, and a trial draw
// shows no result.
func TestRehearsal(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	if _, err := w.client.Rehearse(ctx); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("before a run: %v", err)
	}
	w.collect()
	r := must[examination.Rehearsal](t)(w.client.Rehearse(ctx))
	i := slices.IndexFunc(r.Populations, func(p examination.Rehearsed) bool { return p.Procedure == "access.leavers" })
	if i < 0 || !r.Over || r.Table == "" {
		t.Fatalf("%+v", r)
	}
	p := r.Populations[i]
	if p.Items == 0 || p.Sizes[sample.Low] == 0 || p.Sizes[sample.High] < p.Sizes[sample.Low] || p.Sizes[sample.High] > p.Items || p.Deviations == 0 {
		t.Errorf("leavers: %+v", p)
	}
	trial := must[examination.Trial](t)(w.client.TrialDraw(ctx, "access.leavers", sample.Moderate))
	if len(trial.Picks) != p.Sizes[sample.Moderate] {
		t.Errorf("%d drawn, want %d", len(trial.Picks), p.Sizes[sample.Moderate])
	}
	for _, x := range trial.Picks {
		if x.ID == "" || len(x.Results) > 0 {
			t.Errorf("a picked item tells its result: %+v", x)
		}
	}
	for _, tt := range [][2]string{{"no.such", "low"}, {"access.leavers", "extreme"}} {
		if _, err := w.client.TrialDraw(ctx, tt[0], sample.Risk(tt[1])); !errors.Is(err, audit.ErrNotFound) {
			t.Errorf("%v: %v", tt, err)
		}
	}
}
