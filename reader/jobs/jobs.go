// Package jobs is what workers do for a workspace: read its sources, test,
// back up. It is the wiring between package worker, which knows jobs as kinds
// and bytes, and package period, which does the work.
package jobs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/worker"
)

// Kinds of jobs.
const (
	Collect      = "collect"       // read sources
	Check        = "check"         // test everything; the run is sealed
	CollectCheck = "collect+check" // read sources, and then test everything
	Backup       = "backup"        // write the store to a new file of the backup folder
	Remind       = "remind"        // tell people what is due today, once
	Verify       = "verify"        // check the whole log as the store has it
	Freeze       = "freeze"        // freeze a population for an auditor
)

// Kinds are all kinds, in the order a person meets them.
var Kinds = []string{CollectCheck, Collect, Check, Backup, Remind, Verify, Freeze}

// A Payload is what a job is about; its JSON is a job's payload.
type Payload struct {
	Sources []string  `json:"sources,omitempty"` // of collecting; none: all the workspace has
	Period  string    `json:"period,omitempty"`  // by name; "": the one that holds today
	Task    string    `json:"task,omitempty"`    // of reminding: the one that is spoken of; "": what is due
	Freeze  *Freezing `json:"freeze,omitempty"`  // of freezing
}

// maxTaskID is how long the ID of a task can be.
const maxTaskID = 301

// encode is the payload as it is kept: the same sources are the same bytes.
func (in Payload) encode() ([]byte, error) {
	in.Sources = slices.Compact(slices.Sorted(slices.Values(in.Sources)))
	return json.Marshal(in)
}

// Decode reads a payload as encode wrote it, and nothing else.
func Decode(payload []byte) (in Payload, err error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return Payload{}, fmt.Errorf("%w: payload of the job: %w", audit.ErrInvalid, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Payload{}, fmt.Errorf("%w: payload of the job: more than one value", audit.ErrInvalid)
	}
	for _, s := range in.Sources {
		if !definition.SourceName(s) {
			return Payload{}, fmt.Errorf("%w: %q is not the name of a source", audit.ErrInvalid, s)
		}
	}
	if err := in.Freeze.check(); err != nil {
		return Payload{}, err
	}
	if len(in.Task) > maxTaskID {
		return Payload{}, fmt.Errorf("%w: payload of the job: no task has an ID so long", audit.ErrInvalid)
	}
	return in, nil
}

// key keeps two open jobs from doing the same.
func (in Payload) key(kind string) string {
	if in.Freeze != nil {
		return strings.Join([]string{kind, in.Period, in.Freeze.Engagement, in.Freeze.Procedure, in.Freeze.Round}, "/")
	}
	if in.Task != "" {
		return strings.Join([]string{kind, in.Period, "task", in.Task}, "/")
	}
	return strings.Join(append([]string{kind, in.Period}, slices.Compact(slices.Sorted(slices.Values(in.Sources)))...), "/")
}

// Queue is the workspace's queue. What a person asks for is sealed in the log as
// an activity through the way in it came by ("server", "command") before it is
// done. The program has to be open as long as the queue is used.
func Queue(p *period.Program, through string) *worker.Queue {
	return &worker.Queue{Store: p.Store, Now: p.Now, Record: func(ctx context.Context, by worker.By, act string, arguments []byte) error {
		what := audit.Activity{Through: through, Act: act, Arguments: string(arguments)}
		if act == worker.ActCancel {
			what.On, what.Arguments = "job:"+string(arguments), ""
		}
		_, err := p.SealActivity(ctx, person(by), what)
		return err
	}}
}

// QueueFor is Queue for who is signed in or has a token: the log names their
// session or token and where they came from too, and a token acts as no person.
func QueueFor(p *period.Program, through string, who access.Subject) *worker.Queue {
	q := Queue(p, through)
	q.Record = func(ctx context.Context, _ worker.By, act string, arguments []byte) error {
		what := audit.Activity{Through: through, Act: act, Arguments: string(arguments), Session: who.Session, Token: who.Token, Address: who.Address}
		if act == worker.ActCancel {
			what.On, what.Arguments = "job:"+string(arguments), ""
		}
		_, err := p.SealActivity(ctx, audit.Actor{Kind: who.Kind, Name: who.Account}, what)
		return err
	}
	return q
}

// Start asks for a job of a kind, of the named sources or of all. While the same
// is asked for already and not ended, that job is returned, and added is false.
// A kind or a source there is none of is audit.ErrInvalid or audit.ErrNotFound.
func Start(ctx context.Context, q *worker.Queue, def *definition.Workspace, kind string, in Payload, by worker.By) (j worker.Job, added bool, err error) {
	if err := in.check(def, kind); err != nil {
		return worker.Job{}, false, err
	}
	payload, err := in.encode()
	if err != nil {
		return worker.Job{}, false, err
	}
	return q.Enqueue(ctx, kind, in.key(kind), payload, by)
}

func (in Payload) check(def *definition.Workspace, kind string) error {
	switch {
	case !slices.Contains(Kinds, kind):
		return fmt.Errorf("%w: there is no job %q; there are %s", audit.ErrInvalid, kind, strings.Join(Kinds, ", "))
	case len(in.Sources) > 0 && kind != Collect && kind != CollectCheck:
		return fmt.Errorf("%w: a job %q is not about single sources", audit.ErrInvalid, kind)
	case (in.Freeze != nil) != (kind == Freeze):
		return fmt.Errorf("%w: a population is frozen from its examination's screen, with what explains it", audit.ErrInvalid)
	case in.Task != "" && kind != Remind:
		return fmt.Errorf("%w: a job %q is not about a task", audit.ErrInvalid, kind)
	case kind == Backup && def.Config.Jobs.BackupDir == "":
		return fmt.Errorf("%w: tieout.yaml names no folder for backups; write jobs: { backupDir: /var/backups/tieout }", audit.ErrInvalid)
	case kind == Remind && !def.Config.Reminders.Any():
		return fmt.Errorf("%w: tieout.yaml names no way to tell people; write reminders: with email, chat or webhook", audit.ErrInvalid)
	case in.Period != "" && !slices.ContainsFunc(def.Periods, func(p definition.Period) bool { return p.Name == in.Period }):
		return fmt.Errorf("%w: period %q", audit.ErrNotFound, in.Period)
	case len(def.Sources) == 0 && (kind == Collect || kind == CollectCheck):
		return fmt.Errorf("%w: the workspace has no sources; add one under sources/ (see 'tieout connector list')", audit.ErrNotFound)
	}
	for _, name := range in.Sources {
		if !slices.ContainsFunc(def.Sources, func(s definition.SourceDef) bool { return s.Name == name }) {
			return fmt.Errorf("%w: source %q", audit.ErrNotFound, name)
		}
	}
	return nil
}

// Retry asks for what of an ended job failed or was canceled: of collecting the
// sources that were not read in full, of anything else the whole. A job that
// is done, or open, is audit.ErrConflict.
func Retry(ctx context.Context, q *worker.Queue, def *definition.Workspace, id string, by worker.By) (j worker.Job, added bool, err error) {
	old, err := q.Job(ctx, id)
	if err != nil {
		return worker.Job{}, false, err
	}
	if left := Unread(old); old.Open() || old.Ended.IsZero() || old.State == "done" && len(left) == 0 {
		return worker.Job{}, false, fmt.Errorf("%w: job %s is %s; there is nothing to try again", audit.ErrConflict, id, old.State)
	}
	in, err := Decode(old.Payload)
	if err != nil {
		return worker.Job{}, false, err
	}
	if left := Unread(old); len(left) > 0 {
		in.Sources = left
	}
	return Start(ctx, q, def, old.Kind, in, by)
}

// Unread are the sources of a job that were not read in full.
func Unread(j worker.Job) (names []string) {
	for _, p := range j.Parts {
		if p.State == "failed" && p.Name != testing && definition.SourceName(p.Name) && !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}

// Names of the schedules that tieout.yaml sets.
const (
	CollectDaily = "collect daily"
	BackupDaily  = "backup daily"
	RemindDaily  = "remind daily"
)

// SetSchedules makes the workspace's schedules those that tieout.yaml names.
// Schedules of others are left alone.
func SetSchedules(ctx context.Context, q *worker.Queue, def *definition.Workspace) error {
	payload, err := Payload{}.encode()
	if err != nil {
		return err
	}
	for _, s := range []worker.Schedule{
		{Name: CollectDaily, Kind: CollectCheck, At: def.Config.Jobs.Collect},
		{Name: BackupDaily, Kind: Backup, At: def.Config.Jobs.Backup},
		{Name: RemindDaily, Kind: Remind, At: remindAt(def)},
	} {
		s.Zone, s.Payload, s.Key = def.Organization.Zone, payload, Payload{}.key(s.Kind)
		if s.At == "" {
			err = q.DropSchedule(ctx, s.Name)
		} else {
			err = q.SetSchedule(ctx, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// remindAt is when people are told what is due; "": never.
func remindAt(def *definition.Workspace) string {
	if !def.Config.Reminders.Any() {
		return ""
	}
	return def.Config.Reminders.At
}

// Options are what a worker of a workspace is made of.
type Options struct {
	// Open opens the workspace as its files are now, for the period of that name
	// and for one who acts. Each job opens it anew and closes it.
	Open   func(ctx context.Context, period string, by audit.Actor, lock time.Duration) (*period.Program, error)
	Name   string        // of this worker; "": host and process
	AtOnce int           // 0: 2
	Once   bool          // Run returns when nothing is due and nothing runs
	Lease  time.Duration // how long a job, and the lock of the source it reads, outlive this process; 0: 30 seconds
	Poll   time.Duration // how often it looks for work; 0: 2 seconds
	Log    *slog.Logger  // nil: nothing is logged
	Notify func(worker.Event)
	Ready  func(w *worker.Worker, p *period.Program) // called once the worker is about to take jobs
}

// Run sets the workspace's schedules and runs its jobs until ctx is done. Then
// what runs is given back: what was read of it is sealed, and another worker
// goes on. Any number of processes may run it on one store.
func Run(ctx context.Context, o Options) (err error) {
	o.Lease = cmp.Or(o.Lease, 30*time.Second)
	p, err := o.Open(ctx, "", machine, o.Lease)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := SetSchedules(ctx, Queue(p, "worker"), p.Def); err != nil {
		return err
	}
	w, err := worker.Open(worker.Options{
		Store: p.Store, Now: p.Now, Handlers: o.handlers(), Name: o.Name, AtOnce: o.AtOnce, Once: o.Once,
		Lease: o.Lease, Poll: o.Poll, Log: o.Log, Notify: o.Notify,
	})
	if err != nil {
		return err
	}
	if o.Ready != nil {
		o.Ready(w, p)
	}
	return w.Run(ctx)
}

// machine acts where nobody asked.
var machine = audit.Actor{Kind: audit.ActorCommand, Name: "tieout worker"}

// actor is for whom a job is done.
func actor(t *worker.Task) audit.Actor {
	if t.By.Name == "" {
		return machine
	}
	return person(t.By)
}

// person is who asked as the log names them: by their account's ID, or at a
// command line, where there are no accounts, by the name the machine knows.
func person(by worker.By) audit.Actor {
	return audit.Actor{Kind: audit.ActorPerson, Name: cmp.Or(by.Account, by.Name)}
}

// handlers are the handlers of all kinds.
func (o Options) handlers() map[string]worker.Handler {
	in := func(f func(*work, context.Context) (worker.Result, error)) worker.Handler {
		return func(ctx context.Context, t *worker.Task) (res worker.Result, err error) {
			payload, err := Decode(t.Payload)
			if err != nil {
				return res, err
			}
			p, err := o.Open(ctx, payload.Period, actor(t), o.Lease)
			if err != nil {
				return res, err
			}
			defer func() { err = errors.Join(err, p.Close()) }()
			return f(&work{p: p, t: t, in: payload, lease: o.Lease}, ctx)
		}
	}
	return map[string]worker.Handler{
		Collect:      in((*work).collectOnly),
		Check:        in((*work).checkOnly),
		CollectCheck: in((*work).collectAndCheck),
		Backup:       in((*work).backup),
		Remind:       in((*work).remind),
		Verify:       in((*work).verify),
		Freeze:       in((*work).freeze),
	}
}
