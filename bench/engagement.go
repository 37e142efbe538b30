package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tieout/audit"
	"tieout/period"
	"tieout/source/all"
)

// The bars of an enterprise's engagement: freeze, draw and roll-up each, the
// report of 250 pages, and the most memory.
const (
	stepBar        = 5 * time.Second
	reportBar      = 3 * time.Second
	stepMemoryBar  = 1 << 30
	frozenItems    = 2_000_000
	freezeArgument = "freeze"
)

// engagementRows measure what an examination of the enterprise takes: each part
// in a process of its own, whose memory is that part's.
func engagementRows(ctx context.Context, b *bench) ([]row, error) {
	size := "enterprise"
	if b.scale < 1 {
		size = "startup" // there is no smaller enterprise
	}
	run, err := b.demo(ctx, size)
	if err != nil {
		return nil, err
	}
	out, err := b.freezeRows(ctx, filepath.Join(run.dir, "halyard"))
	if err != nil {
		return nil, err
	}
	for _, g := range []goBench{
		{"engagement/fieldwork", "BenchmarkDraw2M", "draw 3,000 of 2,000,000 frozen items", stepBar},
		{"engagement/fieldwork", "BenchmarkRollUp/rollup", "roll-up of 140 controls, 600 procedures, 3,000 sampled items, 12,000 marks", stepBar},
		{"engagement/fieldwork", "BenchmarkRollUp/replay", "the same engagement replayed from its log by a server that starts", stepBar},
		{"report/attest/pdf", "BenchmarkEnterprise", "PDF of the enterprise's report, 250 pages and more", reportBar},
	} {
		more, err := b.goRows(ctx, g)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// A goBench is a benchmark of the product's own packages.
type goBench struct {
	dir, name, what string
	bar             time.Duration
}

// goRows run one of them as a process of its own, three times over.
func (b *bench) goRows(ctx context.Context, g goBench) ([]row, error) {
	binary := filepath.Join(b.dir, strings.ReplaceAll(g.dir, "/", "-")+".test")
	root := filepath.Dir(filepath.Dir(b.tieout))
	if err := command(ctx, root, "go", "test", "-c", "-o", binary, "./"+g.dir).Run(); err != nil {
		return nil, fmt.Errorf("build the benchmarks of %s: %w", g.dir, err)
	}
	cmd := command(ctx, filepath.Join(root, g.dir), binary, "-test.run=^$", "-test.bench=^"+strings.ReplaceAll(g.name, "/", "$/^")+"$", "-test.benchtime=3x")
	said, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", g.name, err, tail(string(said)))
	}
	took, err := perOperation(said)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.name, err)
	}
	return stepRows(g.what, short(took), took, g.bar, cmd.ProcessState)
}

var operation = regexp.MustCompile(`\s(\d+(?:\.\d+)?) ns/op`)

// perOperation is the time that Go's benchmark prints.
func perOperation(said []byte) (time.Duration, error) {
	m := operation.FindSubmatch(said)
	if m == nil {
		return 0, fmt.Errorf("no time in what it printed: %s", tail(string(said)))
	}
	ns, err := strconv.ParseFloat(string(m[1]), 64)
	return time.Duration(ns), err
}

// stepRows are the time of a step and the memory of its process, setting up included.
func stepRows(what, figure string, took, bar time.Duration, of *os.ProcessState) ([]row, error) {
	u, ok := of.SysUsage().(*syscall.Rusage)
	if !ok {
		return nil, errors.New("this system does not tell what a process used")
	}
	return []row{
		under(what, figure, float64(took)/float64(bar), 1, "x "+bar.String()),
		under(what+": most memory held", mib(peak(u)), float64(peak(u))/stepMemoryBar, 1, "x 1 GiB"),
	}, nil
}

// command is a program whose complaints are seen.
func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	return cmd
}

// A freezing is what writing the lines of one population took.
type freezing struct {
	Procedure string
	Items     int
	CPU, Wall time.Duration
}

// freezeRows freeze the largest populations of a workspace's run.
func (b *bench) freezeRows(ctx context.Context, workspace string) ([]row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := command(ctx, "", self, freezeArgument, workspace)
	said, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("freeze: %w", err)
	}
	var all []freezing
	for d := json.NewDecoder(bytes.NewReader(said)); d.More(); {
		var f freezing
		if err := d.Decode(&f); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	if len(all) == 0 {
		return nil, errors.New("freeze: the run has no population")
	}
	var whole cost
	items, longest := 0, all[0]
	for _, f := range all {
		whole.cpu, whole.wall, items = whole.cpu+f.CPU, whole.wall+f.Wall, items+f.Items
		if f.Wall > longest.Wall {
			longest = f
		}
	}
	out, err := stepRows(fmt.Sprintf("freeze %s items in %d populations, one after the other", thousands(items), len(all)), whole.String(), whole.wall, stepBar, cmd.ProcessState)
	if err != nil {
		return nil, err
	}
	return append(out, under(fmt.Sprintf("freeze: the longest of them, %s items of %s", thousands(longest.Items), longest.Procedure),
		cost{longest.CPU, longest.Wall}.String(), float64(longest.Wall)/float64(stepBar), 1, "x "+stepBar.String())), nil
}

// freezeIfAsked is this program as the process that freezes: it prints a freezing
// a population, the largest first, until they hold two million items.
func freezeIfAsked(ctx context.Context) (asked bool, err error) {
	if len(os.Args) != 3 || os.Args[1] != freezeArgument {
		return false, nil
	}
	p, err := period.Open(ctx, os.Args[2], period.Options{
		Drivers: all.Drivers, Now: time.Now, Getenv: os.Getenv, Tieout: "bench", Actor: audit.Actor{Kind: audit.ActorCommand, Name: "bench"},
	})
	if err != nil {
		return true, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	return true, freezeLargest(ctx, p)
}

func freezeLargest(ctx context.Context, p *period.Program) error {
	run, err := p.RunOfPeriod(ctx)
	if err != nil {
		return err
	}
	tested := slices.Clone(run.Tested)
	slices.SortStableFunc(tested, func(a, b audit.Tested) int { return b.Items - a.Items })
	out := json.NewEncoder(os.Stdout)
	for items := 0; len(tested) > 0 && tested[0].Items > 0 && items < frozenItems; tested = tested[1:] {
		f, err := freezeOne(ctx, p, run, tested[0].Procedure)
		if err != nil {
			return fmt.Errorf("%s: %w", tested[0].Procedure, err)
		}
		items += f.Items
		if err := out.Encode(f); err != nil {
			return err
		}
	}
	return nil
}

// freezeOne writes a population's lines into a file and keeps it as a blob, as a
// freeze does before its entry.
func freezeOne(ctx context.Context, p *period.Program, run *period.Run, procedure string) (freezing, error) {
	f := freezing{Procedure: procedure}
	c, err := measure(func() (err error) {
		tmp, err := os.CreateTemp("", "tieout-bench-population-*")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, tmp.Close(), os.Remove(tmp.Name())) }()
		pop, err := p.Population(ctx, run, procedure, tmp)
		if err != nil {
			return err
		}
		if f.Items = pop.Count; f.Items == 0 {
			return errors.New("its population has no items")
		}
		if _, err = tmp.Seek(0, 0); err != nil {
			return err
		}
		_, _, err = p.Blobs.Put(ctx, tmp)
		return err
	})
	f.CPU, f.Wall = c.cpu, c.wall
	return f, err
}
