// Package pgbackrest reads which backups of PostgreSQL pgBackRest's
// repositories hold, by pgBackRest's own program, read-only.
package pgbackrest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/backups"
)

// Kinds of page: what `pgbackrest info --output=json` printed.
const (
	kindStanzas = "pgbackrest.stanzas" // of all stanzas; no items
	kindInfo    = "pgbackrest.info"    // of one
)

// Driver is the pgBackRest source.
var Driver = &source.Driver{
	Name: "pgbackrest", Version: 1, Title: "Backups of PostgreSQL by pgBackRest",
	Types: []string{"backup", "restore"},
	Scopes: []source.Scope{
		{Name: "pgBackRest's configuration, and read access to its repositories", Why: "`pgbackrest info` lists the backups; nothing is written"},
	},
	Cannot: slices.Clone(cannot),
	Settings: append([]source.Setting{
		{Name: "config", Doc: "absolute path of pgBackRest's configuration; absent: its own default", Example: "/etc/pgbackrest/pgbackrest.conf"},
		{Name: "stanzas", Doc: "the stanzas there must be; absent: those it lists", Example: "[orders, billing]"},
		{Name: "program", Doc: "absolute path of pgbackrest; absent: the one in PATH", Example: "/usr/bin/pgbackrest"},
	}, backups.Settings...),
	Open: open, Normalize: normalize,
}

var cannot = []string{
	"backups that failed: they leave none, so that only a gap shows them",
	"backups that expired before the collection",
	"whether the write-ahead log between two backups is whole",
}

type settings struct {
	Config     string          `json:"config"`
	Stanzas    []string        `json:"stanzas"`
	Program    string          `json:"program"`
	Datastores []backups.Match `json:"datastores"`
	Restores   []string        `json:"restores"`
	backups.Stated
}

// config is what normalizing needs.
type config struct {
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
	c, err := canonical.Marshal(config{s.Datastores, s.Stated})
	return collector{name, s, env}, c, err
}

var stanzaName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func (s settings) problem() error {
	if s.Program != "" && !filepath.IsAbs(s.Program) {
		return errors.New("program: write an absolute path")
	}
	if s.Config != "" && !filepath.IsAbs(s.Config) {
		return errors.New("config: write an absolute path")
	}
	for _, n := range s.Stanzas {
		if !stanzaName.MatchString(n) {
			return fmt.Errorf("stanzas: %q is no stanza's name", n)
		}
	}
	if err := backups.CheckMatches(s.Datastores); err != nil {
		return err
	}
	return backups.CheckRestores(s.Restores)
}

type collector struct {
	name string
	settings
	env source.Env
}

// command is `pgbackrest info` of one stanza, "" for all.
func (c collector) command(stanza string) backups.Command {
	cmd := backups.Command{Path: "pgbackrest", Args: []string{"info", "--output=json", "--log-level-console=off", "--log-level-file=off"}}
	if c.Program != "" {
		cmd.Path = c.Program
	}
	if c.Config != "" {
		cmd.Args = append(cmd.Args, "--config="+c.Config)
	}
	if stanza != "" {
		cmd.Args = append(cmd.Args, "--stanza="+stanza)
	}
	return cmd
}

// Collect implements source.Collector: each stanza is a scope of its own.
func (c collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: c.name, Window: w, Sink: sink}
	all := run.Events("backup", "", cannot, kindInfo)
	names, err := c.stanzas(ctx, run, all)
	if err != nil {
		return err
	}
	if all.Failed() {
		if err := run.Close(ctx, all); err != nil {
			return err
		}
	}
	for i, n := range names {
		if err := c.stanza(ctx, run, n); err != nil {
			return err
		}
		run.Progress("backup", i+1, len(names))
	}
	return backups.Journals(ctx, run, c.env.Dir, c.Restores)
}

// stanzas lists the stanzas to read: those listed and those that must be.
func (c collector) stanzas(ctx context.Context, run *source.Run, all *source.Stream) ([]string, error) {
	out, err := c.command("").Read(ctx, run, kindStanzas, "", run.Covers(), all)
	if err != nil || out.Problem != "" {
		return nil, err
	}
	list, err := readInfo(out.Stdout)
	if err != nil {
		all.Fail(err.Error())
		return nil, nil
	}
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	if len(c.Stanzas) > 0 {
		all.ReconcileNames("stanzas named in the settings", c.Stanzas, names)
	} else if len(names) == 0 {
		all.Fail("pgBackRest lists no stanza")
	}
	names = slices.DeleteFunc(append(names, c.Stanzas...), func(n string) bool { return !stanzaName.MatchString(n) })
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (c collector) stanza(ctx context.Context, run *source.Run, name string) error {
	made := run.Events("backup", name, cannot, kindInfo)
	out, err := c.command(name).Read(ctx, run, kindInfo, name, run.Covers(), made)
	if err != nil {
		return err
	}
	if out.Problem == "" {
		list, err := readInfo(out.Stdout)
		switch {
		case err != nil:
			made.Fail(err.Error())
		case len(list) != 1 || list[0].Name != name:
			made.Fail("pgBackRest tells nothing of stanza " + name)
		default:
			made.Fail(list[0].fault())
		}
	}
	return run.Close(ctx, made)
}
