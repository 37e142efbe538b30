// Command bench measures Tieout beside what one would do without it and prints
// one table of ratios. docs/benchmarks.md says how each line is measured. Every
// comparison asserts first that both sides give the same results.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A bench is one run of the program.
type bench struct {
	items  int     // accounts of the year
	scale  float64 // of everything
	dsn    string  // of a PostgreSQL server
	tieout string  // path of the product's binary
	dir    string  // for files, removed at the end

	enterprise bool // serve the enterprise, not the startup

	demos map[string]demoRun // by size; their folders stay until the end
}

// scaled is n at this run's scale, at least least.
func (b *bench) scaled(n, least int) int { return max(least, int(float64(n)*b.scale)) }

type section struct {
	name string
	rows func(context.Context, *bench) ([]row, error)
}

// sections run in this order: the demo first, because a process starts with the
// peak memory of the one that started it.
var sections = []section{
	{"demo", demoRows},
	{"engagement", engagementRows},
	{"engine", engineRows},
	{"store", storedRows},
	{"peers", peerRows},
	{"requests", requestRows},
	{"assets", assetRows},
	{"seal", sealRows},
	{"bundle", bundleRows},
	{"serve", serveRows},
}

// heapFloor is the product's (cmd/tieout).
var heapFloor = make([]byte, 64<<20)

func main() {
	defer runtime.KeepAlive(heapFloor)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if serveIfAsked() {
		return
	}
	asked, err := freezeIfAsked(ctx)
	if !asked {
		err = run(ctx, os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// serveIfAsked is this program as the server of collectRows.
func serveIfAsked() bool {
	if len(os.Args) != 4 || os.Args[1] != serveArgument {
		return false
	}
	if err := serve(number0(os.Args[2]), number0(os.Args[3])); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	return true
}

func run(ctx context.Context, args []string) (err error) {
	b := &bench{demos: map[string]demoRun{}}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.Float64Var(&b.scale, "scale", 1, "part of the full sizes; 0.1 is a tenth")
	f.StringVar(&b.dsn, "postgres", os.Getenv("TIEOUT_TEST_POSTGRES"), "address of a PostgreSQL server")
	f.StringVar(&b.tieout, "tieout", "../bin/tieout", "path of the tieout program")
	f.BoolVar(&b.enterprise, "enterprise", false, "section serve: the enterprise, not the startup")
	only := f.String("only", "", "sections to run, separated by commas; none: all")
	if err := f.Parse(args); err != nil {
		return err
	}
	b.items = b.scaled(100_000, 2_000)
	if b.dir, err = os.MkdirTemp("", "tieout-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	var rows []row
	for _, s := range sections {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), s.name) {
			continue
		}
		start := time.Now()
		more, err := s.rows(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(os.Stderr, "%s took %s\n", s.name, short(time.Since(start)))
		rows = append(rows, more...)
	}
	return write(os.Stdout, rows)
}
