package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/bundle"
	"tieout/ledger"
	"tieout/period"
	"tieout/report"
	"tieout/source/all"
)

// trust are the flags of what a person who verifies knows from elsewhere.
type trust struct {
	key       string
	witnesses []string
	tsa       string
}

func (t *trust) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.key, "key", "", "the log's first public key, known from elsewhere than the bundle")
	f.StringArrayVar(&t.witnesses, "witness", nil, "public key of a witness you believe; may be repeated")
	f.StringVar(&t.tsa, "tsa", "", "file with the certificates (PEM) of a time-stamp authority you believe")
}

// options reads what the flags name.
func (t *trust) options(a *app) (bundle.Options, error) {
	o := bundle.Options{Now: a.env.Now()}
	var err error
	if t.key != "" {
		if o.Key, err = ledger.ParseKey(t.key); err != nil {
			return o, fmt.Errorf("%w: --key: %w", audit.ErrUsage, err)
		}
	}
	for _, w := range t.witnesses {
		k, err := ledger.ParseWitnessKey(w)
		if err != nil {
			return o, fmt.Errorf("%w: --witness: %w", audit.ErrUsage, err)
		}
		o.Witnesses = append(o.Witnesses, k)
	}
	if t.tsa != "" {
		pem, err := os.ReadFile(t.tsa)
		if err != nil {
			return o, fmt.Errorf("%w: --tsa: %w", audit.ErrNotFound, err)
		}
		if o.TSA, err = ledger.ParseTSATrust(pem); err != nil {
			return o, fmt.Errorf("%w: --tsa %s: %w", audit.ErrInvalid, t.tsa, err)
		}
	}
	bar := &progress{a: a}
	o.Progress = func(phase string, done, total int64) {
		if done >= total {
			bar.done("")
			return
		}
		bar.step("  %s %s of %s", phase, report.Number(int(done)), report.Number(int(total)))
	}
	return o, nil
}

func (a *app) verifyCommand() *cobra.Command {
	var t trust
	var report attested
	cmd := &cobra.Command{
		Use: "verify [BUNDLE | REPORT.pdf]", Short: "Check offline that nothing in a bundle, a report, or here, was altered",
		Long: `Checks a bundle from the file alone, on any machine: container, bytes, records,
the log and its signatures, results. Prints each check as a sentence. Exit 5
where something is not what was sealed, naming the first record that does not
match. Without an argument it checks the workspace's store and blobs.

A service auditor's report is checked from its PDF alone: what it carries, its
signatures, every page against the value, the steps of its annex in their logs.
Exit 5 names the page and the figure that differ. Give the signers' keys
(--signer) and a published checkpoint (--checkpoint) to check who signed and
which history others saw.`,
		Args: atMost(1, "one bundle or report"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.with(cmd.Context(), func(p *period.Program) error { return a.verifyStore(cmd.Context(), p) })
			}
			isPDF, err := isReport(args[0])
			if err != nil {
				return err
			}
			if isPDF {
				return a.verifyReport(args[0], &report)
			}
			return a.verifyBundle(cmd.Context(), args[0], &t)
		},
	}
	t.flags(in(cmd, "table", "json"))
	report.flags(cmd)
	return cmd
}

// openFile opens a bundle and returns its size.
func openFile(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", audit.ErrNotFound, err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%w: %s is not a file", audit.ErrInvalid, path)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, st.Size(), nil
}

func (a *app) verifyBundle(ctx context.Context, path string, t *trust) error {
	o, err := t.options(a)
	if err != nil {
		return err
	}
	f, size, err := openFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	checks, err := bundle.Verify(ctx, f, size, o)
	return errors.Join(a.printChecks("tieout.verify/1", checks), err)
}

func (a *app) printChecks(schema string, checks *bundle.Checks) error {
	if checks == nil {
		return nil
	}
	if a.output == "json" {
		return a.writeJSON(schema, checks.Sentence(), "checks", checkValues(checks))
	}
	for _, c := range checks.List {
		fmt.Fprintf(a.env.Stdout, "  %-6s  %s\n", c.Verdict, c.Sentence)
	}
	a.say("  " + checks.Sentence())
	return nil
}

func checkValues(checks *bundle.Checks) []map[string]string {
	out := []map[string]string{}
	for _, c := range checks.List {
		out = append(out, map[string]string{"verdict": c.Verdict.String(), "check": c.Sentence})
	}
	return out
}

func (a *app) verifyStore(ctx context.Context, p *period.Program) error {
	bar := &progress{a: a}
	n, faults, err := p.VerifyStore(ctx, func(done, total int64) {
		bar.step("  checked %s of %s records", report.Number(int(done)), report.Number(int(total)))
	})
	bar.done("")
	if err != nil {
		return err
	}
	log, err := p.LogState(ctx)
	if err != nil {
		return err
	}
	checks := storeChecks(n, faults, log, p.Log.Keys().Current().ID())
	if a.output == "json" {
		err = a.writeJSON("tieout.verify/1", storeSentence(n, faults), "checks", checkValues(checks))
	}
	for _, c := range checks.List {
		if a.output != "json" {
			fmt.Fprintf(a.env.Stdout, "  %-6s  %s\n", c.Verdict, c.Sentence)
		}
	}
	if len(faults) > 0 {
		return errors.Join(err, fmt.Errorf("%w: %s", audit.ErrAltered, storeSentence(n, faults)))
	}
	return err
}

func storeSentence(n int64, faults []error) string {
	if len(faults) == 0 {
		return fmt.Sprintf("%s as they were sealed.", count(int(n), "record is", "records are"))
	}
	match := "match"
	if len(faults) == 1 {
		match = "matches"
	}
	return fmt.Sprintf("%s of %s no longer %s what was sealed.", report.Number(len(faults)), count(int(n), "record", "records"), match)
}

// storeChecks says in sentences what checking the workspace's own store showed.
func storeChecks(n int64, faults []error, log audit.LogState, key string) *bundle.Checks {
	checks := &bundle.Checks{}
	add := func(v bundle.Verdict, sentence string) {
		checks.List = append(checks.List, bundle.Check{Verdict: v, Sentence: sentence})
	}
	for _, f := range faults {
		add(bundle.Bad, strings.TrimPrefix(f.Error(), audit.ErrAltered.Error()+": "))
	}
	if len(faults) > 0 {
		return checks
	}
	add(bundle.Good, fmt.Sprintf("%s: bytes match their digests, records their commitments", count(int(n), "record", "records")))
	add(bundle.Good, fmt.Sprintf("%s in the log %s, root %s, signed by %s", count(int(log.Size), "entry", "entries"), log.Origin, log.Root, key))
	for _, who := range log.Witnessed {
		add(bundle.Good, "this checkpoint was seen by "+who)
	}
	if len(log.Witnessed) == 0 {
		add(bundle.Open, "order not externally witnessed")
	}
	return checks
}

func (a *app) reperformCommand() *cobra.Command {
	var t trust
	cmd := &cobra.Command{
		Use: "reperform BUNDLE", Short: "Do it all again from a bundle's raw bytes; compare every result",
		Long: `Reads the raw evidence in a bundle again, rebuilds the timeline, runs every
procedure anew and compares with the results in the bundle. Works from the file
alone. Exit 5 where a result differs under the same versions of normalizers,
schema and engine; exit 6 where the versions differ, which makes them not
comparable.`,
		Args: exactly(1, "a bundle"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := t.options(a)
			if err != nil {
				return err
			}
			f, size, err := openFile(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			again, err := bundle.Reperform(cmd.Context(), f, size, o, all.Drivers)
			return errors.Join(a.printAgain(again), err)
		},
	}
	t.flags(in(cmd, "table", "json"))
	return cmd
}

// printAgain prints what doing it all again came to.
func (a *app) printAgain(again *bundle.Reperformance) error {
	if again == nil {
		return nil
	}
	if a.output == "json" {
		return a.writeJSON("tieout.reperform/1", "Results: "+again.Results.String()+".", "reperformance", map[string]any{
			"checks": checkValues(again.Checks), "items": again.Items, "results": again.Results, "figures": again.Figures,
			"versions": again.Versions, "differences": again.Differences, "missing": again.Missing,
		})
	}
	if again.Checks != nil && again.Results.Of+again.Items.Of == 0 {
		return a.printChecks("tieout.reperform/1", again.Checks)
	}
	fmt.Fprint(a.env.Stdout, again.String())
	a.say(fmt.Sprintf("Re-performed from the file alone: %s of %s results agree.", report.Number(int(again.Results.Agree)), report.Number(int(again.Results.Of))))
	return nil
}
