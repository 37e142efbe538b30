package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/ledger"
	"tieout/period"
	"tieout/report"
	"tieout/report/text"
	"tieout/store"
)

func (a *app) logTail() *cobra.Command {
	var most int64
	cmd := &cobra.Command{
		Use: "tail", Short: "The newest entries of the log, in words", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if most < 1 {
				return fmt.Errorf("%w: --most %d; it is a number of entries, 1 or more", audit.ErrUsage, most)
			}
			return a.with(cmd.Context(), func(p *period.Program) error { return a.tail(cmd.Context(), p, most) })
		},
	}
	cmd.Flags().Int64Var(&most, "most", 20, "how many entries to show")
	return cmd
}

// tail shows the newest entries, oldest of them first; an erased one is shown
// as what it is.
func (a *app) tail(ctx context.Context, p *period.Program, most int64) error {
	size := p.Log.Checkpoint().Size
	next := max(0, size-most)
	l := listing{schema: "tieout.log-entries/1", columns: []text.Column{
		{Head: "entry"}, {Head: "recorded"}, {Head: "what", Flex: true}, {Head: "by"},
	}}
	erased := func(to int64) {
		for ; next < to; next++ {
			l.rows = append(l.rows, row{[]string{audit.EvidenceRef(next), "", "erased; only its commitment is left", ""}, map[string]any{"index": next, "erased": true}})
		}
	}
	err := p.Records(ctx, store.RecordFilter{From: next, To: size}, func(rec audit.Record) error {
		erased(rec.Index)
		what := period.EntryWords(rec)
		l.rows = append(l.rows, row{
			[]string{audit.EvidenceRef(rec.Index), rec.Recorded.UTC().Format("2006-01-02 15:04:05 UTC"), what, rec.Actor.Name},
			map[string]any{"index": rec.Index, "kind": rec.Kind, "recorded": rec.Recorded, "text": what, "actor": rec.Actor},
		})
		next = rec.Index + 1
		return nil
	})
	if err != nil {
		return err
	}
	erased(size)
	l.summary = fmt.Sprintf("%s of %s in the log.", report.Number(len(l.rows)), count(int(size), "entry", "entries"))
	return a.show(l)
}

func (a *app) logVerify() *cobra.Command {
	var tsa string
	cmd := &cobra.Command{
		Use: "verify", Short: "Check the whole log from the store: hashes, heads, keys, anchor, witnesses, time stamps",
		Long: `Checks the whole log as the store has it: the succession of keys, every stored
hash against the commitments, every head ever signed, the anchor beside the
store, and what witnesses and time-stamp authorities said. Works also where the
log refuses to open. Exit 5 where something is not what it was, naming it.
Whether records and bytes match their commitments is for 'tieout verify' to say.`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.verifyLog(cmd.Context(), tsa) },
	}
	in(cmd, "table", "json")
	cmd.Flags().StringVar(&tsa, "tsa", "", "file with the certificates (PEM) of a time-stamp authority you believe")
	return cmd
}

func (a *app) verifyLog(ctx context.Context, tsa string) error {
	trust, err := readTSA(tsa)
	if err != nil {
		return err
	}
	dir, err := a.workspace()
	if err != nil {
		return err
	}
	p, err := period.OpenStore(ctx, dir, a.options())
	if err != nil {
		return err
	}
	defer p.Close()
	bar := &progress{a: a}
	checks, err := p.VerifyLog(ctx, trust, func(done, total int64) {
		bar.step("  checked %s of %s", report.Number(int(done)), count(int(total), "entry", "entries"))
	})
	bar.done("")
	return errors.Join(a.printLogChecks(checks, err), err)
}

func (a *app) printLogChecks(checks *period.LogChecks, err error) error {
	sentence := "The log is whole: nothing in it was altered."
	if err != nil {
		sentence = "The log is not what it was."
	}
	if a.output == "json" {
		return a.writeJSON("tieout.log-verify/1", sentence, "checks", checks.List)
	}
	for _, c := range checks.List {
		fmt.Fprintf(a.env.Stdout, "  %-6s  %s\n", c.Verdict, c.Check)
	}
	a.say("  " + sentence)
	return nil
}

// readTSA reads the certificates of an authority; none for "".
func readTSA(path string) (ledger.TSATrust, error) {
	if path == "" {
		return ledger.TSATrust{}, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return ledger.TSATrust{}, fmt.Errorf("%w: --tsa: %w", audit.ErrNotFound, err)
	}
	trust, err := ledger.ParseTSATrust(pem)
	if err != nil {
		return trust, fmt.Errorf("%w: --tsa %s: %w", audit.ErrInvalid, path, err)
	}
	return trust, nil
}
