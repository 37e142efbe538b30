package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tieout/audit"
	"tieout/period"
	"tieout/report"
	"tieout/store"
	"tieout/worker"
)

func (w *work) checkOnly(ctx context.Context) (worker.Result, error) {
	w.t.SetParts([]worker.Part{{Name: testing, State: store.PartWaiting}})
	text, ref, err := w.check(ctx)
	return worker.Result{Text: text, Value: Outcome{Run: ref}}, err
}

// collectAndCheck tests also where a source was not read in full: what is
// missing is then no evidence, and the run says so.
func (w *work) collectAndCheck(ctx context.Context) (worker.Result, error) {
	sources, err := w.collect(ctx)
	out := Outcome{Sources: sources}
	if err != nil && !errors.Is(err, audit.ErrInconclusive) {
		return worker.Result{Text: w.said(), Value: out}, err
	}
	text, ref, failed := w.check(ctx)
	out.Run = ref
	return worker.Result{Text: w.said() + " " + text, Value: out}, errors.Join(failed, err)
}

// check tests everything and seals the run. Where an earlier attempt at this
// job has sealed a run of the same evidence, that one counts.
func (w *work) check(ctx context.Context) (text, ref string, err error) {
	run, err := w.alreadyTested(ctx)
	if err != nil {
		return "", "", err
	}
	if run == nil {
		w.t.Update(testing, "", func(p *worker.Part) { p.State, p.Reason = store.PartReading, "" })
		if run, err = w.p.Check(ctx, period.CheckOptions{}); err != nil {
			return "", "", err
		}
	}
	if !run.Recorded {
		return "", "", worker.Final(w.unrecorded(run))
	}
	for _, x := range w.p.Publish(ctx) {
		if x.Err != nil {
			text = " " + report.Capital(x.String()) + "."
		}
	}
	n := len(run.Tested)
	w.t.Update(testing, "", func(p *worker.Part) { p.State, p.Done, p.Total = store.PartSealed, int64(n), int64(n) })
	ref = audit.EvidenceRef(run.Record)
	return fmt.Sprintf("%s run over everything that is sealed, as %s.%s", report.Capital(report.Plural(n, "test was", "tests were")), ref, text), ref, nil
}

func (w *work) unrecorded(run *period.Run) error {
	why := "the workspace's files differ from the applied revision, so nothing was recorded. See 'tieout plan', then 'tieout apply'"
	if len(run.Tested) == 0 {
		why = "no procedure can run on what the sources give; see 'tieout control list'"
	}
	w.t.Update(testing, "", func(p *worker.Part) { p.State, p.Reason = store.PartFailed, why })
	return fmt.Errorf("%w: %s", audit.ErrConflict, why)
}

// alreadyTested is the newest run, if it was sealed since this job began, under
// the definitions as they are, and nothing was collected after it.
func (w *work) alreadyTested(ctx context.Context) (*period.Run, error) {
	if w.first() {
		return nil, nil
	}
	saved, err := w.p.Store.NewestRun(ctx)
	if errors.Is(err, audit.ErrNotFound) || err == nil && (saved.Started.Before(w.t.Started) || saved.Definition != w.p.Def.Hash()) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	later := false
	err = w.p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordManifest, From: saved.Record + 1}, func(audit.Record) error {
		later = true
		return nil
	})
	if err != nil || later {
		return nil, err
	}
	return w.p.LastRun(ctx)
}

// backup writes the store to a file whose name is the job's own: run again it
// finds the file, which is there only when it is whole.
func (w *work) backup(ctx context.Context) (worker.Result, error) {
	dir := w.p.Def.Config.Jobs.BackupDir
	if dir == "" {
		return worker.Result{}, fmt.Errorf("%w: tieout.yaml names no folder for backups; write jobs: { backupDir: /var/backups/tieout }", audit.ErrInvalid)
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(w.p.Dir, filepath.FromSlash(dir))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return worker.Result{}, fmt.Errorf("folder for backups: %w", err)
	}
	name := fmt.Sprintf("tieout-%s-%s.db", w.t.Created.UTC().Format("20060102T150405Z"), w.t.ID)
	w.t.SetParts([]worker.Part{{Name: "Store", State: store.PartReading}})
	if err := w.p.Backup(ctx, filepath.Join(dir, name)); err != nil && !exists(dir, name) {
		return worker.Result{}, err
	}
	n := w.p.Log.Checkpoint().Size
	w.t.Update("Store", "", func(p *worker.Part) { p.State, p.Done, p.Total = store.PartSealed, n, n })
	return worker.Result{
		Text:  fmt.Sprintf("The store was backed up as %s, with %s in the log when it began.", name, report.Plural(int(n), "entry", "entries")),
		Value: Outcome{File: name, Entries: n},
	}, nil
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}
