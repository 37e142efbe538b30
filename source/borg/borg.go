// Package borg reads which archives a Borg repository holds, by borg's own
// program (1.x), read-only and without a lock.
package borg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/backups"
)

// kindList is the kind of page: what `borg list --json` printed.
const kindList = "borg.list"

// Driver is the Borg source.
var Driver = &source.Driver{
	Name: "borg", Version: 1, Title: "Backups in a Borg repository",
	Types: []string{"backup", "restore"},
	Scopes: []source.Scope{
		{Name: "read access to the repository", Why: "lists its archives; nothing is written, no lock is taken"},
		{Name: "the repository's passphrase, and its key where that is kept apart", Why: "without them the list cannot be read"},
	},
	Cannot: append([]string{}, cannot...),
	Settings: append([]source.Setting{
		{Name: "repository", Doc: "as borg names it; a folder is relative to the workspace", Example: "ssh://borg@vault.halyard.example/./halyard", Required: true},
		{Name: "passphrase", Doc: "reference to the passphrase; absent: the repository is not encrypted", Example: "env:BORG_PASSPHRASE", Secret: true},
		{Name: "keyFile", Doc: "file of the key, where the repository does not hold it; relative to the workspace", Example: "borg.key"},
		{Name: "program", Doc: "absolute path of borg 1.x; absent: the one in PATH", Example: "/usr/local/bin/borg"},
	}, backups.Settings...),
	Open: open, Normalize: normalize,
}

var cannot = []string{
	"backups that failed: they leave no archive, so that only a gap shows them",
	"files that could not be read during a backup: an archive without them looks like any other",
	"archives that were removed before the collection",
}

type settings struct {
	Repository string          `json:"repository"`
	Passphrase string          `json:"passphrase"`
	KeyFile    string          `json:"keyFile"`
	Program    string          `json:"program"`
	Datastores []backups.Match `json:"datastores"`
	Restores   []string        `json:"restores"`
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
	if s.Program != "" && !filepath.IsAbs(s.Program) {
		return errors.New("program: write an absolute path")
	}
	for _, err := range []error{
		backups.CheckRepository(s.Repository), source.CheckSecret("passphrase", s.Passphrase), backups.CheckMatches(s.Datastores), backups.CheckRestores(s.Restores),
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

// listFormat names what borg tells of each archive beside its name and start.
const listFormat = "{start}{end}{hostname}{username}{NL}"

// Collect implements source.Collector.
func (c collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: c.name, Window: w, Sink: sink}
	made := run.Events("backup", "", cannot, kindList)
	made.Asked("list the archives of " + backups.Location(c.Repository))
	if err := c.list(ctx, run, made); err != nil {
		return err
	}
	if err := run.Close(ctx, made); err != nil {
		return err
	}
	return backups.Journals(ctx, run, c.env.Dir, c.Restores)
}

// list runs borg with an empty folder for its configuration, so that nothing of
// the user's is read or written.
func (c collector) list(ctx context.Context, run *source.Run, made *source.Stream) error {
	passphrase, err := c.env.ResolveSecret(ctx, "passphrase", c.Passphrase)
	if err := ctx.Err(); err != nil {
		return err
	}
	if err != nil {
		made.Fail(err.Error())
		return nil
	}
	base, err := os.MkdirTemp("", "tieout-borg-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(base)
	repository, _ := backups.Local(c.env.Dir, c.Repository)
	cmd := backups.Command{Path: "borg", Secrets: []string{passphrase}, Env: map[string]string{
		"BORG_REPO": repository, "BORG_BASE_DIR": base, "BORG_PASSPHRASE": passphrase, "BORG_RELOCATED_REPO_ACCESS_IS_OK": "no",
		"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "no",
	}, Args: []string{"list", "--bypass-lock", "--json", "--consider-checkpoints", "--format", listFormat}}
	if c.Passphrase == "" { // said to be without
		cmd.Env["BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK"] = "yes"
	}
	if c.KeyFile != "" {
		key, _ := backups.Local(c.env.Dir, c.KeyFile)
		cmd.Env["BORG_KEY_FILE"] = key
	}
	if c.Program != "" {
		cmd.Path = c.Program
	}
	out, err := cmd.Read(ctx, run, kindList, "", run.Covers(), made)
	if err != nil || out.Problem != "" {
		return err
	}
	l, err := readList(out.Stdout)
	if err != nil {
		made.Fail("what borg printed: " + err.Error())
	}
	run.Progress("backup", len(l.Archives), len(l.Archives))
	return nil
}

// A list is what `borg list --json` prints (Borg's documentation, "All about
// JSON").
type list struct {
	Archives   []json.RawMessage `json:"archives"`
	Encryption *struct {
		Mode string `json:"mode"`
	} `json:"encryption"`
}

func readList(b []byte) (list, error) {
	var l list
	if err := json.Unmarshal(b, &l); err != nil {
		return l, fmt.Errorf("it is not the list of archives: %w", err)
	}
	if l.Archives == nil {
		return l, errors.New("it holds no list of archives")
	}
	return l, nil
}

// An archive is one element. Instants are without a zone: borg was run in UTC.
type archive struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Start    string `json:"start"`
	Hostname string `json:"hostname"`
}

const borgTime = "2006-01-02T15:04:05.999999"

func normalize(with json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c config
	if err := source.Strict(with, &c); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	switch p.Kind {
	case source.KindFailed:
		return nil, nil
	case backups.KindRestores:
		return backups.Restores(p)
	case kindList:
	default:
		return nil, fmt.Errorf("%w: page kind %q is not one of borg's", audit.ErrInvalid, p.Kind)
	}
	l, err := readList(p.Body)
	if err != nil {
		return nil, err
	}
	var r source.Reading
	r.Each(l.Archives, func(e json.RawMessage) error {
		var a archive
		if err := json.Unmarshal(e, &a); err != nil {
			return err
		}
		at, err := time.Parse(borgTime, a.Start)
		if err != nil || a.ID == "" {
			return errors.New("it has no id, or no start such as 2026-10-30T02:00:00.000000")
		}
		if !p.About.Contains(at) {
			return nil
		}
		f := source.Fields{"result": result(a.Name), "location": c.Location, "datastore": backups.Of(c.Datastores, backups.Made{Host: a.Hostname, Name: a.Name})}
		if l.Encryption != nil && l.Encryption.Mode != "" {
			f["encrypted"] = l.encrypted()
		}
		c.Fields(f)
		r.Add("backup", p.Source+"/"+a.ID, at, f)
		return nil
	})
	return r.Done()
}

// encrypted tells what the repository's mode means: "none" stores as it is,
// "authenticated" signs without encrypting.
func (l list) encrypted() bool {
	return l.Encryption.Mode != "none" && !strings.HasPrefix(l.Encryption.Mode, "authenticated")
}

// result: a checkpoint is what borg leaves of a backup that broke off.
func result(name string) string {
	if strings.HasSuffix(name, ".checkpoint") || strings.Contains(name, ".checkpoint.") {
		return "partial"
	}
	return "success"
}
