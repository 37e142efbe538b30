// Package period runs the flow for one workspace and one period: collect, seal,
// observe, test, report. It is the only package that sees the whole run; the
// stages hand their values over through it and never import each other.
package period

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/zalando/go-keyring"

	"tieout/audit"
	"tieout/blob"
	"tieout/definition"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/procedure"
	"tieout/program"
	"tieout/source"
	"tieout/store"
	"tieout/store/postgres"
	"tieout/store/sqlite"
	"tieout/timeline"
	"tieout/trust"
)

// driver is short for a source's driver in signatures here.
type driver = *source.Driver

// stateDir is where a workspace keeps what is not text: never in git.
const stateDir = ".tieout"

// A Program is one open workspace: its definitions and everything that was
// collected, sealed and found. It is safe for one command at a time; several
// processes may have the same workspace open.
type Program struct {
	Dir     string
	Def     *definition.Workspace
	Period  audit.Period
	Name    string // of the period
	Store   *store.Store
	Blobs   blob.Store
	Log     *ledger.Log
	Seal    *evidence.Sealer
	Drivers source.Registry
	Env     source.Env
	Actor   audit.Actor
	Now     func() time.Time
	Tieout  string // version of this program

	lockTTL  time.Duration // see Options.Lock
	selected *definition.Selection
	book     *program.Book
	files    *fieldwork.Book
	opening  sync.Once // of book or, in a firm's workspace, of files

	management *management.Book
	managing   sync.Once // of management
	trust      *trust.Book
	trusting   sync.Once // of trust

	decided decided  // what was read of decisions
	heard   sync.Map // of what outsiders say: what checking it came to
}

// Options are what the program lends a workspace.
type Options struct {
	Drivers source.Registry
	Now     func() time.Time
	Getenv  func(string) string
	Actor   audit.Actor
	Tieout  string
	Period  string // name of the period; "": the one that holds today, else the newest that has begun
	Create  bool   // make keys and store where they are missing (init)

	// Lock is how long the lock of a source outlives a process that dies while it
	// reads it: so long nobody else reads it. 0: 2 minutes.
	Lock time.Duration
}

// Open opens the workspace in dir. Whatever waits to be numbered in the log
// after a crash is numbered first. A store that does not continue what this
// workspace has published before is refused (ledger.ErrForked).
func Open(ctx context.Context, dir string, o Options) (*Program, error) {
	p, err := OpenStore(ctx, dir, o)
	if err != nil {
		return nil, err
	}
	if err := p.openEvidence(ctx, o.Create); err != nil {
		return nil, errors.Join(err, p.Store.Close())
	}
	return p, nil
}

// Close closes the store.
func (p *Program) Close() error { return p.Store.Close() }

// choosePeriod sets the period of that name. A firm's workspace has none, and
// the calendar year of today stands for it, in the firm's zone and without a name.
func (p *Program) choosePeriod(name string) (err error) {
	if p.Def.IsFirm() {
		if name != "" {
			return fmt.Errorf("%w: a firm's workspace has no periods: each engagement has its own", audit.ErrUsage)
		}
		p.Period, err = calendarYear(p.Now(), p.Def.Organization.Zone)
		return err
	}
	periods := p.Def.Periods
	if len(periods) == 0 {
		return fmt.Errorf("%w: tieout.yaml names no period", audit.ErrInvalid)
	}
	now, pick := p.Now(), -1
	for i, x := range periods {
		if name != "" && x.Name == name || name == "" && x.Contains(now) {
			pick = i
		}
	}
	if pick < 0 && name != "" {
		return fmt.Errorf("%w: period %q; tieout.yaml names %s", audit.ErrNotFound, name, periodNames(periods))
	}
	if pick < 0 {
		pick = newest(periods, now)
	}
	p.Period, p.Name = periods[pick].Period, periods[pick].Name
	return nil
}

// newest is the latest period that has begun, or else the first to come.
func newest(periods []definition.Period, now time.Time) int {
	best := 0
	for i, x := range periods {
		begun, bestBegun := !x.From.After(now), !periods[best].From.After(now)
		if begun && (!bestBegun || x.From.After(periods[best].From)) || !begun && !bestBegun && x.From.Before(periods[best].From) {
			best = i
		}
	}
	return best
}

func periodNames(periods []definition.Period) string {
	names := make([]string, len(periods))
	for i, x := range periods {
		names[i] = x.Name
	}
	return strings.Join(names, ", ")
}

// schemaName is the PostgreSQL schema of a workspace.
const schemaName = "tieout"

func (p *Program) openStore(ctx context.Context, create bool) (err error) {
	where := p.Def.Config.Store
	if isReference(where) {
		dsn, err := p.Env.Secret(ctx, where)
		if err != nil {
			return err
		}
		p.Store, err = postgres.Open(ctx, dsn, schemaName)
		return err
	}
	path := p.path(where)
	if _, statErr := os.Stat(path); statErr != nil && !create {
		return fmt.Errorf("%w: there is no store at %s yet. Run 'tieout init' in %s", audit.ErrNotFound, path, p.Dir)
	}
	p.Store, err = sqlite.Open(ctx, path)
	return err
}

func (p *Program) path(rel string) string {
	if filepath.IsAbs(rel) {
		return rel
	}
	return filepath.Join(p.Dir, filepath.FromSlash(rel))
}

// openEvidence opens blobs, keys and log, and numbers what waits.
func (p *Program) openEvidence(ctx context.Context, create bool) (err error) {
	if p.Blobs, err = p.openBlobs(ctx); err != nil {
		return err
	}
	if err := p.openLog(ctx, create); err != nil {
		return err
	}
	if err := p.sealEpoch(ctx, ""); err != nil {
		return err
	}
	return p.Seal.Number(ctx)
}

func (p *Program) anchorPath() string { return filepath.Join(p.Dir, stateDir, "anchor") }

func (p *Program) explainLog(err error) error {
	if errors.Is(err, ledger.ErrForked) {
		return fmt.Errorf("%w: %w: the store does not continue what this workspace has published (%s). "+
			"Bring the newer store back, or say openly what was lost with 'tieout log epoch --reason restored'", audit.ErrAltered, err, p.anchorPath())
	}
	if errors.Is(err, ledger.ErrNoAnchor) {
		return fmt.Errorf("%w: %w (%s). Bring the file back, or say openly that it is gone with 'tieout log epoch --reason restored --no-anchor'",
			audit.ErrAltered, err, p.anchorPath())
	}
	if errors.Is(err, audit.ErrNotFound) {
		return fmt.Errorf("%w: %w: the store has lost a part of the log. Bring the newer store back", audit.ErrAltered, err)
	}
	if errors.Is(err, ledger.ErrVerify) {
		return fmt.Errorf("%w: %w. 'tieout log verify' says what else is wrong", audit.ErrAltered, err)
	}
	return err
}

func (p *Program) openBlobs(ctx context.Context) (blob.Store, error) {
	c := p.Def.Config.Blobs
	var objects blob.Objects
	var err error
	if c.S3 != nil {
		objects, err = p.openBucket(ctx, c.S3)
	} else {
		objects, err = blob.NewFolder(p.path(c.Dir))
	}
	if err != nil || c.Key == "" {
		return blob.New(objects), err
	}
	path, isFile := strings.CutPrefix(c.Key, "file:")
	if !isFile {
		return nil, fmt.Errorf("%w: blobs.key %s: an age identity is kept in a file; write file:PATH", audit.ErrInvalid, c.Key)
	}
	identity, err := blob.LoadIdentity(p.path(path))
	if err != nil {
		return nil, err
	}
	return blob.NewEncrypted(ctx, objects, identity)
}

func (p *Program) openBucket(ctx context.Context, c *definition.S3Config) (blob.Objects, error) {
	cfg := blob.S3Config{
		Bucket: c.Bucket, Prefix: c.Prefix, Region: c.Region, Endpoint: c.Endpoint, PathStyle: c.Endpoint != "",
		Lock: time.Duration(c.LockDays) * 24 * time.Hour,
	}
	if c.AccessKey == "" {
		return blob.NewS3(ctx, cfg)
	}
	var err error
	if cfg.AccessKey, err = p.Env.Secret(ctx, c.AccessKey); err != nil {
		return nil, err
	}
	if cfg.SecretKey, err = p.Env.Secret(ctx, c.SecretKey); err != nil {
		return nil, err
	}
	return blob.NewS3(ctx, cfg)
}

// isReference reports whether s points at a secret kept elsewhere.
func isReference(s string) bool {
	return strings.HasPrefix(s, "env:") || strings.HasPrefix(s, "file:") || strings.HasPrefix(s, "keyring:")
}

// secrets resolves references: env:NAME, file:PATH (in the workspace), keyring:NAME.
func secrets(dir string, getenv func(string) string) func(context.Context, string) (string, error) {
	return func(_ context.Context, ref string) (string, error) {
		kind, name, _ := strings.Cut(ref, ":")
		switch kind {
		case "env":
			if v := getenv(name); v != "" {
				return v, nil
			}
			return "", fmt.Errorf("%w: environment variable %s is not set", audit.ErrNotFound, name)
		case "file":
			if !filepath.IsAbs(name) {
				name = filepath.Join(dir, name)
			}
			b, err := os.ReadFile(name)
			if err != nil {
				return "", fmt.Errorf("%w: secret %s: %w", audit.ErrNotFound, ref, err)
			}
			return strings.TrimRight(string(b), "\r\n"), nil
		case "keyring":
			v, err := keyring.Get("tieout", name)
			if err != nil {
				return "", fmt.Errorf("%w: secret %s in this machine's keyring: %w", audit.ErrNotFound, ref, err)
			}
			return v, nil
		}
		return "", fmt.Errorf("%w: %q is not a reference to a secret; write env:NAME, file:PATH or keyring:NAME", audit.ErrInvalid, ref)
	}
}

// selection is what of the workspace can be tested here, and why the rest not.
func (p *Program) selection() *definition.Selection {
	if p.selected == nil {
		sel := p.Def.Select(func(kind string) []string {
			d, err := p.Drivers.Find(kind)
			if err != nil {
				return nil
			}
			return d.Types
		})
		p.selected = &sel
	}
	return p.selected
}

// Selection is what of the workspace can be tested here.
func (p *Program) Selection() *definition.Selection { return p.selection() }

// versions are what results are made with.
func (p *Program) versions() audit.Versions {
	v := audit.Versions{Tieout: p.Tieout, Schema: audit.SchemaVersion, Engine: procedure.EngineVersion, Normalizers: map[string]int{}}
	for _, s := range p.Def.Sources {
		if d, err := p.Drivers.Find(s.Kind); err == nil {
			v.Normalizers[d.Name] = d.Version
		}
	}
	v.Normalizers = maps.Clone(v.Normalizers)
	return v
}

// append stores what one stream gained.
func (p *Program) append(ctx context.Context, key audit.StreamKey, mode audit.Mode, d timeline.Delta) error {
	rows := make([]store.VersionRow, len(d.Rows))
	for i, r := range d.Rows {
		rows[i] = store.VersionRow{Item: r.Item, Version: r.Version}
	}
	return p.Store.AppendVersions(ctx, key, mode, rows, store.Coverage{Points: d.Points, Covered: d.Covered, Holes: d.Holes})
}

// tracker goes on with a stream where the store left it.
func (p *Program) tracker(ctx context.Context, key audit.StreamKey, mode audit.Mode) (*timeline.Tracker, error) {
	st, err := p.Store.Stream(ctx, key, mode)
	if isNotFound(err) {
		return timeline.NewTracker(key, mode)
	}
	if err != nil {
		return nil, err
	}
	if mode != audit.ModeSnapshot {
		return timeline.Resume(st, nil)
	}
	tail, err := p.Store.Tail(ctx, key, mode)
	if err != nil {
		return nil, err
	}
	return timeline.Resume(st, func(yield func(timeline.Row, error) bool) {
		for _, r := range tail {
			if !yield(timeline.Row{Item: r.Item, Version: r.Version}, nil) {
				return
			}
		}
	})
}

// timeline reads one type's timeline from the store.
func (p *Program) timeline(ctx context.Context, typ string) (*audit.Timeline, error) {
	tl, err := p.Store.Timeline(ctx, typ)
	if err != nil {
		return nil, err
	}
	for i := range tl.Histories {
		h := &tl.Histories[i]
		h.Versions = timeline.Settle(tl.Streams[h.Stream].Mode, h.Versions)
	}
	timeline.Lives(tl)
	return tl, nil
}

func isNotFound(err error) bool { return errors.Is(err, audit.ErrNotFound) }
