package jobs

import (
	"context"
	"errors"
	"fmt"

	"tieout/audit"
	"tieout/ledger"
	"tieout/report"
	"tieout/store"
	"tieout/worker"
)

// verify checks the whole log as 'tieout log verify' does: every stored hash,
// every signed head, the keys, and what outsiders said. Something that does not
// match fails the job for good, and its first line names it.
func (w *work) verify(ctx context.Context) (worker.Result, error) {
	w.t.SetParts([]worker.Part{{Name: "Log", State: store.PartReading}})
	checks, err := w.p.VerifyLog(ctx, ledger.TSATrust{}, func(done, total int64) {
		w.t.Update("Log", "", func(p *worker.Part) { p.Done, p.Total = done, total })
	})
	var said []string
	open := 0
	if checks != nil {
		for _, c := range checks.List {
			if said = append(said, c.Verdict+": "+c.Check); c.Verdict == "open" {
				open++
			}
		}
	}
	if errors.Is(err, audit.ErrAltered) {
		return worker.Result{}, worker.Final(err)
	}
	if err != nil {
		return worker.Result{}, err
	}
	n := w.p.Log.Checkpoint().Size
	w.t.Update("Log", "", func(p *worker.Part) { p.State, p.Done, p.Total = store.PartSealed, n, n })
	text := fmt.Sprintf("The log of %s is unchanged: %s", report.Plural(int(n), "entry", "entries"), report.Plural(len(said)-open, "check says so", "checks say so"))
	if open > 0 {
		text += fmt.Sprintf("; %s cannot be said", report.Plural(open, "thing", "things"))
	}
	return worker.Result{Text: text + ".", Value: Outcome{Entries: n, Checks: said}}, nil
}
