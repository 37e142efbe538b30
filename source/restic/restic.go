// Package restic reads which backups a restic repository holds, by restic's own
// program, read-only and without a lock.
package restic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/backups"
)

// Kinds of page.
const (
	kindSnapshots = "restic.snapshots" // what `restic snapshots --json` printed
	kindList      = "restic.list"      // what `restic list snapshots` printed: ids; no items
	kindCheck     = "restic.check"     // how `restic check` ended
)

// Driver is the restic source.
var Driver = &source.Driver{
	Name: "restic", Version: 1, Title: "Backups in a restic repository",
	Types: []string{"backup", "restore", "finding"},
	Scopes: []source.Scope{
		{Name: "read access to the repository", Why: "lists its snapshots; nothing is written, no lock is taken"},
		{Name: "the repository's password", Why: "without it nothing in it can be read"},
	},
	Cannot: append([]string{}, cannot...),
	Settings: append([]source.Setting{
		{Name: "repository", Doc: "as restic names it; a folder is relative to the workspace", Example: "s3:s3.amazonaws.com/halyard-backups", Required: true},
		{Name: "password", Doc: "reference to the repository's password", Example: "env:RESTIC_PASSWORD", Required: true, Secret: true},
		{Name: "environment", Doc: "credentials of the storage provider, by the variables restic knows, each a reference", Example: "{AWS_ACCESS_KEY_ID: env:BACKUP_KEY_ID}"},
		{Name: "program", Doc: "absolute path of restic; absent: the one in PATH", Example: "/usr/local/bin/restic"},
		{Name: "check", Doc: "also run `restic check`, which reads the repository's whole structure", Example: "true"},
	}, backups.Settings...),
	Open: open, Normalize: normalize,
}

var cannot = []string{
	"backups that failed: they leave no snapshot, so that only a gap shows them",
	"files that could not be read during a backup: a snapshot without them looks like any other",
	"snapshots that were removed before the collection",
}

type settings struct {
	Repository  string            `json:"repository"`
	Password    string            `json:"password"`
	Environment map[string]string `json:"environment"`
	Program     string            `json:"program"`
	Check       bool              `json:"check"`
	Datastores  []backups.Match   `json:"datastores"`
	Restores    []string          `json:"restores"`
	backups.Stated
}

// config is what normalizing needs.
type config struct {
	Location   string          `json:"location"`
	Datastores []backups.Match `json:"datastores,omitempty"`
	backups.Stated
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s settings
	err := source.Strict(with, &s)
	if err == nil {
		err = s.problem()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	c, err := canonical.Marshal(config{backups.Location(s.Repository), s.Datastores, s.Stated})
	return collector{name, s, env}, c, err
}

func (s settings) problem() error {
	if s.Password == "" {
		return errors.New("password: write a reference such as env:RESTIC_PASSWORD")
	}
	if s.Program != "" && !filepath.IsAbs(s.Program) {
		return errors.New("program: write an absolute path")
	}
	for _, err := range []error{
		backups.CheckRepository(s.Repository), source.CheckSecret("password", s.Password), backups.CheckEnvironment(s.Environment),
		backups.CheckMatches(s.Datastores), backups.CheckRestores(s.Restores),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

type collector struct {
	name string
	settings
	env source.Env
}

// Collect implements source.Collector.
func (c collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: c.name, Window: w, Sink: sink}
	base, err := c.command(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	made := run.Events("backup", "", cannot, kindSnapshots)
	streams := []*source.Stream{made}
	var checked *source.Stream
	if c.Check {
		checked = run.Snapshot("finding", "", []string{"whether the bytes of the data can be read: `restic check` looks at structure only"}, kindCheck)
		streams = append(streams, checked)
	}
	if err != nil {
		made.Asked("snapshots")
		if err := run.Refuse(ctx, err.Error(), streams...); err != nil {
			return err
		}
		return backups.Journals(ctx, run, c.env.Dir, c.Restores)
	}
	if err := c.snapshots(ctx, run, base, made); err != nil {
		return err
	}
	if checked != nil {
		if err := c.check(ctx, run, base, checked); err != nil {
			return err
		}
	}
	if err := run.Close(ctx, streams...); err != nil {
		return err
	}
	return backups.Journals(ctx, run, c.env.Dir, c.Restores)
}

// command is restic with everything but what it is asked.
func (c collector) command(ctx context.Context) (backups.Command, error) {
	password, err := c.env.ResolveSecret(ctx, "password", c.Password)
	if err != nil {
		return backups.Command{}, err
	}
	env, secrets, err := backups.Resolve(ctx, c.env, c.Environment)
	if err != nil {
		return backups.Command{}, err
	}
	env["RESTIC_PASSWORD"] = password
	repository, _ := backups.Local(c.env.Dir, c.Repository)
	env["RESTIC_REPOSITORY"] = repository
	program := "restic"
	if c.Program != "" {
		program = c.Program
	}
	return backups.Command{Path: program, Env: env, Secrets: append(secrets, password)}, nil
}

func with(c backups.Command, args ...string) backups.Command {
	c.Args = args
	return c
}

// snapshots reads the snapshots, and holds them to the list of snapshot files
// that the repository itself keeps.
func (c collector) snapshots(ctx context.Context, run *source.Run, base backups.Command, made *source.Stream) error {
	list, err := with(base, "list", "snapshots", "--no-lock", "--no-cache", "--quiet").Read(ctx, run, kindList, "", run.Covers(), made)
	if err != nil || list.Problem != "" {
		return err
	}
	out, err := with(base, "snapshots", "--json", "--no-lock", "--no-cache").Read(ctx, run, kindSnapshots, "", run.Covers(), made)
	if err != nil || out.Problem != "" {
		return err
	}
	elements, err := source.Elements(nullIsEmpty(out.Stdout))
	if err != nil {
		made.Fail("what restic printed: " + err.Error())
		return nil
	}
	made.ReconcileNames("snapshot files in the repository", strings.Fields(string(list.Stdout)), ids(elements))
	run.Progress("backup", len(elements), len(elements))
	return nil
}

// nullIsEmpty: restic prints null where there is no snapshot.
func nullIsEmpty(b []byte) []byte {
	if strings.TrimSpace(string(b)) == "null" {
		return []byte("[]")
	}
	return b
}

func ids(elements []json.RawMessage) []string {
	out := []string{}
	for _, e := range elements {
		var s struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(e, &s) == nil {
			out = append(out, s.ID)
		}
	}
	return out
}

// check keeps how `restic check` ended, whatever it is.
func (c collector) check(ctx context.Context, run *source.Run, base backups.Command, checked *source.Stream) error {
	cmd := with(base, "check", "--no-lock", "--no-cache", "--quiet")
	cmd.Limit = time.Hour
	checked.Asked(cmd.Query())
	out := cmd.Run(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	if out.Problem != "" && out.Exit == 0 {
		checked.Fail(out.Problem)
	}
	body, err := cmd.Envelope(out)
	if err != nil {
		return err
	}
	return run.Seal(ctx, audit.Page{Kind: kindCheck, Query: cmd.Query(), Body: body}, checked)
}
