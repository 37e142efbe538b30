package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// memoryBar is the most memory the enterprise may take, in bytes.
const memoryBar = 1536 << 20

// demoRows run the product itself on its invented company, from the first
// export to the bundle. The demo asserts that it finds exactly what was seeded.
func demoRows(ctx context.Context, b *bench) ([]row, error) {
	startup, err := b.demo(ctx, "startup")
	if err != nil {
		return nil, err
	}
	out := []row{plain("demo, startup: "+startup.done, startup.String(), 1, "x")}
	if b.scale < 1 {
		return out, nil // there is no smaller enterprise
	}
	big, err := b.demo(ctx, "enterprise")
	if err != nil {
		return nil, err
	}
	out = append(out,
		plain("demo, enterprise: "+big.done, big.String(), ratio(big.cost, startup.cost), "x the startup"),
		under("demo, enterprise: most memory held", mib(big.peak), float64(big.peak)/memoryBar, 1, "x 1.5 GiB"))
	return out, nil
}

// A demoRun is what one demo took.
type demoRun struct {
	cost
	peak int64
	done string // what it did, as it says itself
	dir  string // its folder, until the bench ends
}

func (d demoRun) String() string { return fmt.Sprintf("%s, peak %s", d.cost, mib(d.peak)) }

// demo runs one demo as a process of its own, each size once. A demo that does not
// find what was seeded ends with an error.
func (b *bench) demo(ctx context.Context, size string) (demoRun, error) {
	if run, done := b.demos[size]; done {
		return run, nil
	}
	dir := filepath.Join(b.dir, size)
	cmd := exec.CommandContext(ctx, b.tieout, "demo", dir, "--size", size, "--no-serve")
	var said, findings bytes.Buffer
	cmd.Stderr, cmd.Stdout = &said, &findings
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return demoRun{}, fmt.Errorf("tieout demo --size %s: %w\n%s%s", size, err, tail(said.String()), tail(findings.String()))
	}
	u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return demoRun{}, fmt.Errorf("this system does not tell what a process used")
	}
	run := demoRun{cost: cost{cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), time.Since(start)}, peak: peak(u), done: phases(said.String()), dir: dir}
	b.demos[size] = run
	return run, nil
}

// phases are the lines in which the demo says what it did.
func phases(said string) string {
	var out []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "sealed") || strings.Contains(line, "performed") {
			line, _, _ = strings.Cut(strings.ReplaceAll(line, " before they were read", ""), " over ")
			out = append(out, line)
		}
	}
	return strings.Join(out, "; ")
}

func tail(s string) string {
	lines := strings.SplitAfter(s, "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "")
}
