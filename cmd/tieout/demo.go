package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tieout/audit"
	"tieout/demo"
	"tieout/internal/durable"
	"tieout/period"
	"tieout/report"
	"tieout/report/text"
)

// demoMarker is the file that says a folder holds a demo. It is written before
// anything else is; --replace removes nothing where it is missing.
const demoMarker = ".tieout-demo"

// demoBundle is the period's bundle in a demo's folder.
const demoBundle = "demo.bundle"

// demoMakes are the names of all that a demo writes into its folder.
func demoMakes() []string {
	var e exports
	e.defaults("")
	return []string{clientFolder, clientFolder + ".truth.json", firmFolder, packetFolder, reportsFolder, demoBundle, e.html, e.xlsx, e.json, e.oscal}
}

// demo writes Halyard's year, runs the real flow over it and compares what is
// found with the truth list.
func (a *app) demo(ctx context.Context, dir, size string, replace, noServe bool) error {
	scale, err := demoSize(size)
	if err != nil {
		return err
	}
	if err := clearDemo(dir, replace); err != nil {
		return err
	}
	start := a.env.Now()
	a.note("Halyard is an invented company; everything in it is made up.")
	workspace := filepath.Join(dir, clientFolder)
	bar := &progress{a: a}
	truth, err := demo.Generate(ctx, workspace, scale, func(done, total int) { bar.step("  writing exports %d of %d", done, total) })
	if err != nil {
		return err
	}
	bar.done("  exports written to %s", workspace)
	o := a.options()
	o.Create = true
	o.Actor = audit.Actor{Kind: audit.ActorCommand, Name: "tieout demo"}
	p, err := period.Open(ctx, workspace, o)
	if err != nil {
		return err
	}
	defer p.Close()
	if _, _, err := p.Apply(ctx); err != nil {
		return err
	}
	run, err := a.demoRun(ctx, p)
	if err != nil {
		return err
	}
	if err := a.demoFound(ctx, p, run, truth, dir); err != nil {
		return err
	}
	if noServe {
		return a.demoRooms(ctx, p, scale, truth, dir, start, servers{client: clientAddress, firm: firmAddress})
	}
	s, err := listen(scale.Name == demo.Startup.Name)
	if err != nil {
		return err
	}
	defer s.close()
	if err := a.demoRooms(ctx, p, scale, truth, dir, start, s); err != nil {
		return err
	}
	return a.demoServe(ctx, dir, s)
}

// demoRooms gives people accounts in both workspaces, plays the examination, and
// says where to look and who can sign in.
func (a *app) demoRooms(ctx context.Context, p *period.Program, scale demo.Size, truth *demo.Truth, dir string, start time.Time, s servers) error {
	people, password, err := a.demoPeople(ctx, p, scale)
	if err != nil {
		return fmt.Errorf("people of the demo: %w", err)
	}
	client, theFirm := s.rooms(dir)
	if scale.Name != demo.Startup.Name {
		a.note("The examination is played in the startup's demo alone.")
		a.note("Took %s.", a.env.Now().Sub(start).Round(100*time.Millisecond))
		a.printRoom("Halyard", "Halyard's own people", client, people, password)
		return nil
	}
	firm, err := a.openDemoFirm(ctx, dir, password)
	if err != nil {
		return fmt.Errorf("the firm of the demo: %w", err)
	}
	defer firm.p.Close()
	played, err := a.demoExamination(ctx, dir, p, firm, people, password, s.firm, truth)
	if err != nil {
		return err
	}
	a.printIssued(dir, played)
	a.note("Took %s.", a.env.Now().Sub(start).Round(100*time.Millisecond))
	a.printRoom("Halyard", "Halyard's own people", client, people, password)
	a.printRoom("Brookline Assurance LLP", "the audit firm, which is invented too", theFirm, firm.people, password)
	return nil
}

func demoSize(name string) (demo.Size, error) {
	switch name {
	case demo.Startup.Name:
		return demo.Startup, nil
	case demo.Enterprise.Name:
		return demo.Enterprise, nil
	}
	return demo.Size{}, fmt.Errorf("%w: --size %q; it is startup or enterprise", audit.ErrUsage, name)
}

// clearDemo makes room for a demo and marks the folder as one's. A folder that is
// no demo is left alone; of one that is, what a demo makes is removed, and what
// somebody put beside it stays.
func clearDemo(dir string, replace bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	marker := filepath.Join(dir, demoMarker)
	if len(entries) > 0 {
		if !replace {
			return fmt.Errorf("%w: %s is not empty; name another folder, or use --replace to remove an earlier demo", audit.ErrConflict, dir)
		}
		if x, err := os.Lstat(marker); err != nil || !x.Mode().IsRegular() {
			return fmt.Errorf("%w: %s has no %s, which a demo begins with: nothing in it is removed; name another folder", audit.ErrConflict, dir, demoMarker)
		}
	}
	for _, name := range demoMakes() {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	if err := durable.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return durable.Write(marker, []byte("This folder was made by 'tieout demo', which with --replace removes what it made in it.\n"), 0o644)
}

// demoRun collects and checks.
func (a *app) demoRun(ctx context.Context, p *period.Program) (*period.Run, error) {
	got, err := a.collectAll(ctx, p, nil)
	if err != nil {
		return nil, err
	}
	pages, manifests := 0, 0
	for _, c := range got {
		pages, manifests = pages+c.End.Pages, manifests+c.End.Manifests
	}
	a.note("  %s sealed before they were read, %s closed", count(pages, "page", "pages"), count(manifests, "stream", "streams"))
	run, err := p.Check(ctx, period.CheckOptions{})
	if err != nil {
		return nil, err
	}
	items := 0
	for _, t := range run.Tested {
		items += t.Items
	}
	a.note("  %s performed on %s over %s to %s", count(len(run.Tested), "procedure", "procedures"), count(items, "item", "items"), p.Period.First(), p.Period.Last())
	return run, nil
}

// demoFound writes the report, says what was found and holds it to the truth list.
func (a *app) demoFound(ctx context.Context, p *period.Program, run *period.Run, truth *demo.Truth, dir string) error {
	e := exports{bundle: filepath.Join(dir, demoBundle)}
	e.defaults(dir)
	if _, err := a.export(ctx, p, e); err != nil {
		return err
	}
	r, err := p.Report(ctx, run, report.Management)
	if err != nil {
		return err
	}
	o := a.textOptions()
	if o.Width == 0 {
		o.Width = 132
	}
	if err := writeFindings(a.env.Stdout, o, &r, 1000); err != nil {
		return err
	}
	fmt.Fprintln(a.env.Stdout)
	a.say(r.Sentence)
	missing, extra := truth.Compare(run.Tested)
	a.printTruth(truth, missing, extra)
	a.printWhere(dir, e, &r)
	if len(missing)+len(extra) > 0 {
		return findings{code: exitFailed, text: "What was found is not the truth list."}
	}
	return nil
}

func (a *app) printTruth(truth *demo.Truth, missing, extra []string) {
	w := a.env.Stdout
	if len(missing)+len(extra) == 0 {
		a.say(fmt.Sprintf("The truth list of what was seeded (%s, %s) is exactly what was found: none missing, none extra.",
			count(len(truth.Deviations), "deviation", "deviations"), count(len(truth.Gaps), "gap", "gaps")))
		return
	}
	for _, m := range missing {
		fmt.Fprintf(w, "  missing  %s\n", text.Clean(m))
	}
	for _, x := range extra {
		fmt.Fprintf(w, "  extra    %s\n", text.Clean(x))
	}
}

func (a *app) printWhere(dir string, e exports, r *audit.Report) {
	w := a.env.Stdout
	ref := "D-..."
	if ds := report.Deviations(r); len(ds) > 0 {
		ref = ds[0].Ref
	}
	fmt.Fprintf(w, "\n  report    %s\n  workbook  %s\n  bundle    %s\n", e.html, e.xlsx, e.bundle)
	fmt.Fprintf(w, "\nNext\n  tieout -w %s evidence show %s    from a deviation to the raw bytes\n  tieout verify %s\n  tieout reperform %s\n",
		filepath.Join(dir, clientFolder), ref, e.bundle, e.bundle)
}
