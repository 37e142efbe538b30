package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/period"
	"tieout/reader/jobs"
	"tieout/worker"
)

func (a *app) workerCommand() *cobra.Command {
	var o jobs.Options
	cmd := &cobra.Command{
		Use: "worker", Short: "Do what was asked for in the background: read sources, test, back up",
		Long: `Takes jobs and runs them until it is interrupted: what 'tieout job start' and the
screens ask for, and what tieout.yaml names under jobs:. Any number of workers
may run, on any number of machines with one PostgreSQL; each job runs in one of
them. Where a worker dies, another one goes on with its job when its lease has
ended: what was read is sealed, an interrupted collection is closed as such, and
nothing is read twice that was read to its end.

Interrupted, it gives back what it runs and ends when that is written.`,
		Example: "  tieout worker\n  tieout worker --at-once 4 --name collector-1\n  tieout worker --once",
		Args:    exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.AtOnce < 1 || o.AtOnce > 64 || o.Lease < time.Second || o.Lease > time.Hour {
				return fmt.Errorf("%w: --at-once is 1 to 64, --lease is 1s to 1h", audit.ErrUsage)
			}
			return a.work(cmd.Context(), o)
		},
	}
	cmd.Flags().IntVar(&o.AtOnce, "at-once", 2, "jobs that run at the same time")
	cmd.Flags().StringVar(&o.Name, "name", "", "name of this worker, for people (default: host and process)")
	cmd.Flags().DurationVar(&o.Lease, "lease", 30*time.Second, "how long after its death another worker waits with its jobs")
	cmd.Flags().BoolVar(&o.Once, "once", false, "end when nothing is due and nothing runs")
	return in(cmd, "table")
}

// work runs a worker of the workspace until ctx is done, which is how it ends well.
func (a *app) work(ctx context.Context, o jobs.Options) error {
	dir, err := a.workspace()
	if err != nil {
		return err
	}
	o.Open = a.opener(dir)
	if !a.quiet {
		o.Log = slog.New(slog.NewTextHandler(a.env.Stderr, nil))
	}
	o.Ready = func(*worker.Worker, *period.Program) {
		if !o.Once {
			a.note("Taking jobs. Stop with Ctrl-C.")
		}
	}
	return jobs.Run(ctx, o)
}

// opener opens the workspace in dir as jobs need it.
func (a *app) opener(dir string) func(ctx context.Context, name string, by audit.Actor, lock time.Duration) (*period.Program, error) {
	return func(ctx context.Context, name string, by audit.Actor, lock time.Duration) (*period.Program, error) {
		o := a.options()
		o.Actor, o.Lock = by, lock
		if name != "" {
			o.Period = name
		}
		return period.Open(ctx, dir, o)
	}
}
