package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/evidence"
	"tieout/internal/durable"
	"tieout/period"
	"tieout/report"
	"tieout/report/html"
	reportjson "tieout/report/json"
	"tieout/report/oscal"
	"tieout/report/xlsx"
)

func (a *app) reportCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "report", Short: "Reports: export of results; of an examination draft, lint, issue, letter",
		Long: `Reports: what the runs of a period found, and the report of an examination.

A SOC 1 or SOC 2 report is of restricted use: it is given to the parties it
names, each with a copy of their own ('report copy'). A SOC 3 may be given to
anybody. There is no public register to upload a report to, at the AICPA or
elsewhere: it reaches its readers from whom it is about.`}
	cmd.AddCommand(a.reportExport(), a.reportRender())
	cmd.AddCommand(a.examReports()...)
	return cmd
}

// exports says what to write where; an empty path writes nothing.
type exports struct {
	html, xlsx, json, oscal, bundle string
	reader                          report.Reader
}

func (a *app) reportExport() *cobra.Command {
	var e exports
	var dir string
	var withBundle bool
	cmd := &cobra.Command{
		Use: "export", Short: "Write the newest sealed run as report, workbook, data and bundle",
		Long: `Writes the newest sealed run. Without flags: report.html, report.xlsx,
report.json and oscal.json in the folder of --to. --bundle also writes one file
from which 'tieout verify' and 'tieout reperform' work anywhere. The same run
gives the same figures each time; the export is sealed too, so a later one names
a later checkpoint of the log.`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error {
				if dir == "" {
					dir = filepath.Join(p.Dir, "report")
				}
				e.defaults(dir)
				if withBundle {
					e.bundle = filepath.Join(dir, "results.bundle")
				}
				written, err := a.export(cmd.Context(), p, e)
				for _, path := range written {
					fmt.Fprintln(a.env.Stdout, path)
				}
				return err
			})
		},
	}
	f := in(cmd, "table").Flags()
	f.StringVar(&dir, "to", "", "folder to write into (default: report in the workspace)")
	f.BoolVar(&withBundle, "bundle", false, "also write results.bundle: definitions, raw evidence, log, results")
	return cmd
}

func (e *exports) defaults(dir string) {
	e.html, e.xlsx = filepath.Join(dir, "report.html"), filepath.Join(dir, "report.xlsx")
	e.json, e.oscal = filepath.Join(dir, "report.json"), filepath.Join(dir, "oscal.json")
}

// export writes what e names and returns the files. The export itself is sealed.
func (a *app) export(ctx context.Context, p *period.Program, e exports) ([]string, error) {
	run, err := a.lastRun(ctx, p)
	if err != nil {
		return nil, err
	}
	r, err := p.Report(ctx, run, e.reader)
	if err != nil {
		return nil, err
	}
	rows := p.Rows(ctx, run)
	var written []string
	var parts []map[string]string
	for _, out := range []struct {
		path  string
		write func(w io.Writer) error
	}{
		{e.html, func(w io.Writer) error { return html.Write(w, r) }},
		{e.xlsx, func(w io.Writer) error { return xlsx.Write(w, r, rows) }},
		{e.json, func(w io.Writer) error { return reportjson.Write(w, r) }},
		{e.oscal, func(w io.Writer) error { return oscal.Write(w, r) }},
	} {
		if out.path == "" {
			continue
		}
		digest, err := writeFile(out.path, out.write)
		if err != nil {
			return written, fmt.Errorf("write %s: %w", out.path, err)
		}
		written = append(written, out.path)
		parts = append(parts, map[string]string{"file": filepath.Base(out.path), "digest": digest})
	}
	if len(parts) > 0 {
		if _, err := p.Seal.Seal(ctx, evidence.Draft{
			Kind: audit.RecordReport, Detail: map[string]any{"run": run.Record, "files": parts}, Actor: p.Actor,
		}); err != nil {
			return written, err
		}
	}
	if e.bundle != "" {
		a.publish(ctx, p) // the bundle rests on the newest checkpoint, which nobody outside has seen yet
		if _, err := writeFile(e.bundle, func(w io.Writer) error {
			_, err := p.Bundle(ctx, w, run)
			return err
		}); err != nil {
			return written, fmt.Errorf("write %s: %w", e.bundle, err)
		}
		written = append(written, e.bundle)
	}
	return written, nil
}

// writeFile writes a file whole or not at all and returns the digest of its bytes.
func writeFile(path string, write func(io.Writer) error) (string, error) {
	if err := durable.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tieout-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	sum := newDigest()
	w := bufio.NewWriterSize(io.MultiWriter(f, sum), 1<<16)
	err = write(w)
	err = errors.Join(err, w.Flush(), f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return "", err
	}
	return sum.String(), os.Rename(f.Name(), path)
}

// digest is a running SHA-256 that writes itself as records do.
type digest struct{ hash.Hash }

func newDigest() digest { return digest{sha256.New()} }

func (d digest) String() string { return "sha256:" + hex.EncodeToString(d.Sum(nil)) }
