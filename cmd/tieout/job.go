package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/period"
	"tieout/reader/jobs"
	"tieout/report"
	"tieout/report/text"
	"tieout/store"
	"tieout/worker"
)

func (a *app) jobCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "job", Short: "Work in the background: ask for it, watch it, end it",
		Long: `A job is work that goes on when the one who asked has left. 'tieout worker' runs
jobs; a screen and a command line know them by the same ID. What a person asks
for is recorded in the log.`,
	}
	cmd.AddCommand(a.jobStart(), a.jobList(), a.jobShow(), a.jobWatch(), a.jobCancel(), a.jobRetry())
	return cmd
}

// by is who asks for a job at this command line.
func (a *app) by() worker.By { return worker.By{Name: a.actor().Name} }

func (a *app) jobStart() *cobra.Command {
	return in(&cobra.Command{
		Use: "start KIND [SOURCE...]", Short: "Ask for a job: collect+check, collect, check, backup or remind",
		Long: `Asks for a job; a worker takes it. collect+check reads the named sources, all
where none is named, and then tests everything; collect only reads; check only
tests; backup writes the store to a new file of the folder that tieout.yaml
names (jobs: backupDir); remind tells people what is due, once a day. While the
same is asked for and not ended, that job is named and nothing is added.`,
		Example: "  tieout job start collect+check\n  tieout job start collect okta github",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exactly(1, "a kind: "+strings.Join(jobs.Kinds, ", "))(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.queue(cmd.Context(), func(p *period.Program, q *worker.Queue) error {
				j, added, err := jobs.Start(cmd.Context(), q, p.Def, args[0], jobs.Payload{Sources: args[1:], Period: a.period}, a.by())
				return a.asked(p, j, added, err)
			})
		},
	}, "table", "json")
}

// queue opens the workspace and its queue.
func (a *app) queue(ctx context.Context, f func(p *period.Program, q *worker.Queue) error) error {
	return a.with(ctx, func(p *period.Program) error { return f(p, jobs.Queue(p, "command")) })
}

// asked tells what came of asking for a job.
func (a *app) asked(p *period.Program, j worker.Job, added bool, err error) error {
	if err != nil {
		return err
	}
	said := fmt.Sprintf("Job %s: %s.", j.ID, lower(jobs.Title(j.Kind, j.Payload)))
	if !added {
		said = fmt.Sprintf("Job %s does that already: %s", j.ID, jobs.Sentence(j, p.Period.Location()))
	}
	if err := a.tell("tieout.job/1", said, jobs.ViewOf(j, p.Period.Location())); err != nil {
		return err
	}
	a.note("Watch it with: tieout job watch %s", j.ID)
	return nil
}

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }

func (a *app) jobList() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "List jobs, the newest first, and what makes them by itself", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.queue(cmd.Context(), func(p *period.Program, q *worker.Queue) error { return a.listJobs(cmd.Context(), p, q, all) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all there are (default: the newest 100)")
	return cmd
}

// mostJobs is how many jobs --all asks for.
const mostJobs = 1_000_000

func (a *app) listJobs(ctx context.Context, p *period.Program, q *worker.Queue, all bool) error {
	f := worker.Filter{}
	if all {
		f.Limit = mostJobs
	}
	list, err := q.Jobs(ctx, f)
	if err != nil {
		return err
	}
	loc := p.Period.Location()
	l := listing{schema: "tieout.jobs/1", columns: []text.Column{
		{Head: "job"}, {Head: "what"}, {Head: "asked"}, {Head: "by"}, {Head: "state"}, {Head: "why", Flex: true},
	}}
	open := 0
	for _, j := range list {
		if j.Open() {
			open++
		}
		l.rows = append(l.rows, row{
			[]string{j.ID, jobs.Title(j.Kind, j.Payload), report.Moment(j.Created, loc), whose(j), j.State, said(j)}, jobs.ViewOf(j, loc),
		})
	}
	l.summary, err = a.jobsSummary(ctx, q, len(list), open, loc)
	if err != nil {
		return err
	}
	return a.show(l)
}

func (a *app) jobsSummary(ctx context.Context, q *worker.Queue, n, open int, loc *time.Location) (string, error) {
	s := fmt.Sprintf("%s, %d open.", report.Capital(count(n, "job", "jobs")), open)
	schedules, err := q.Schedules(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range schedules {
		s += fmt.Sprintf(" %s: next on %s.", report.Capital(c.Name), report.Moment(c.Next, loc))
	}
	return s, nil
}

// whose is who asked for a job, or what made it.
func whose(j worker.Job) string {
	if j.By.Name != "" {
		return j.By.Name
	}
	return j.Schedule
}

// said is why a job is in its state.
func said(j worker.Job) string {
	if j.Error != "" {
		return j.Error
	}
	return j.Outcome
}

func (a *app) jobShow() *cobra.Command {
	return in(&cobra.Command{
		Use: "show ID", Short: "Show one job with the lines of its progress", Args: exactly(1, "a job's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.queue(cmd.Context(), func(p *period.Program, q *worker.Queue) error {
				j, err := q.Job(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return a.showJob(p, j)
			})
		},
	}, "table", "json", "jsonl", "csv")
}

// showJob shows a job: its parts as a table, its sentence below.
func (a *app) showJob(p *period.Program, j worker.Job) error {
	v := jobs.ViewOf(j, p.Period.Location())
	if a.output == "json" {
		return a.writeJSON("tieout.job/1", v.Sentence, "result", v)
	}
	l := listing{schema: "tieout.job/1", summary: v.Sentence, columns: []text.Column{
		{Head: "part"}, {Head: "stream"}, {Head: "state"}, {Head: "done", Right: true}, {Head: "of", Right: true}, {Head: "why", Flex: true},
	}}
	for i, x := range v.Parts {
		l.rows = append(l.rows, row{[]string{x.Name, x.Stream, x.State, report.Number(int(x.Done)), total(j.Parts[i]), x.Reason}, x})
	}
	return a.show(l)
}

// total is what is expected of a part, "" while it is unknown.
func total(p worker.Part) string {
	if p.Total == 0 {
		return ""
	}
	return report.Number(int(p.Total))
}

// watchEvery is how often a watched job is asked for.
const watchEvery = 500 * time.Millisecond

func (a *app) jobWatch() *cobra.Command {
	return in(&cobra.Command{
		Use: "watch ID", Short: "Follow a job until it has ended",
		Long: `Writes a line for each change of a job's parts until it has ended. Exit 0 when it
is done, 1 when it failed or was canceled. Ending the watch does not end the job.`,
		Args: exactly(1, "a job's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.queue(cmd.Context(), func(p *period.Program, q *worker.Queue) error { return a.watchJob(cmd.Context(), p, q, args[0]) })
		},
	}, "table", "jsonl")
}

func (a *app) watchJob(ctx context.Context, p *period.Program, q *worker.Queue, id string) error {
	var last worker.Job
	loc := p.Period.Location()
	err := q.Watch(ctx, id, watchEvery, func(j worker.Job) error {
		defer func() { last = j }()
		if a.output == "jsonl" {
			return json.NewEncoder(a.env.Stdout).Encode(jobs.ViewOf(j, loc))
		}
		for _, line := range changes(last, j) {
			fmt.Fprintln(a.env.Stdout, line)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if a.output != "jsonl" {
		a.say(jobs.Sentence(last, loc))
	}
	if last.State != store.JobDone {
		return findings{code: exitFailed}
	}
	return nil
}

// changes are the lines that tell how a job has gone on: of each part that has
// moved where it is now.
func changes(before, now worker.Job) (out []string) {
	if now.Attempts > before.Attempts {
		out = append(out, strings.TrimSuffix(fmt.Sprintf("attempt %d, by %s", now.Attempts, now.Holder), ", by "))
	}
	was := map[[2]string]worker.Part{}
	for _, p := range before.Parts {
		was[[2]string{p.Name, p.Stream}] = p
	}
	for _, p := range now.Parts {
		if was[[2]string{p.Name, p.Stream}] != p {
			out = append(out, partLine(p))
		}
	}
	return out
}

func partLine(p worker.Part) string {
	s := fmt.Sprintf("  %-12s %-16s %s", p.Name, p.Stream, p.State)
	switch {
	case p.Total > 0:
		s += fmt.Sprintf(" %s of %s", report.Number(int(p.Done)), report.Number(int(p.Total)))
	case p.Done > 0:
		s += fmt.Sprintf(" %s so far", report.Number(int(p.Done)))
	}
	if p.Reason != "" {
		s += ": " + text.Clean(p.Reason)
	}
	return s
}

func (a *app) jobCancel() *cobra.Command {
	return in(&cobra.Command{
		Use: "cancel ID", Short: "End a job; what it has sealed stays", Args: exactly(1, "a job's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.queue(cmd.Context(), func(p *period.Program, q *worker.Queue) error {
				j, err := q.Cancel(cmd.Context(), args[0], a.by())
				if err != nil {
					return err
				}
				v := jobs.ViewOf(j, p.Period.Location())
				said := v.Sentence
				if j.Open() {
					said = "The worker is told to end it. " + jobs.Keeps(j.Kind)
				}
				return a.tell("tieout.job/1", said, v)
			})
		},
	}, "table", "json")
}

func (a *app) jobRetry() *cobra.Command {
	return in(&cobra.Command{
		Use: "retry ID", Short: "Ask again for what of a job failed",
		Long: `Asks for a new job: of collecting the sources that were not read in full, of
anything else the whole. What was read stays as it is.`,
		Args: exactly(1, "a job's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.queue(cmd.Context(), func(p *period.Program, q *worker.Queue) error {
				j, added, err := jobs.Retry(cmd.Context(), q, p.Def, args[0], a.by())
				return a.asked(p, j, added, err)
			})
		},
	}, "table", "json")
}
