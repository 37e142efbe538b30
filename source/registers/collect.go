package registers

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tieout/audit"
	"tieout/source"
)

// Collect reads the registers.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	run := &source.Run{Source: c.source, Window: w, Sink: sink}
	zone, err := time.LoadLocation(w.Zone)
	if err != nil {
		return c.wrong(ctx, run, fmt.Errorf("time zone %q is not known", w.Zone))
	}
	dir, err := filepath.EvalSymlinks(c.dir)
	if err != nil {
		return c.wrong(ctx, run, fmt.Errorf("folder: %w", err))
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return c.wrong(ctx, run, fmt.Errorf("folder: %s is no folder that can be read", c.dir))
	}
	top := findTop(dir)
	switch {
	case c.history == historyGit && top == "":
		return c.wrong(ctx, run, fmt.Errorf("history: %s lies in no git repository; make it one, or write `history: none`", c.dir))
	case c.history == historyNone || top == "":
		return c.now(ctx, run, dir, zone)
	}
	return c.fromGit(ctx, run, dir, top, zone)
}

// wrong refuses everything, for a configuration that makes going on senseless.
func (c *collector) wrong(ctx context.Context, run *source.Run, err error) error {
	if closing := refuse(ctx, run, err.Error(), audit.ModeSnapshot); closing != nil {
		return closing
	}
	return fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, c.source, err)
}

// refuse closes a stream of every register with the reason.
func refuse(ctx context.Context, run *source.Run, why string, mode audit.Mode) error {
	for _, r := range states {
		s := run.Snapshot(r.typ, "", cannotStates, kindStates+r.typ)
		if mode == audit.ModeChanges {
			s = run.Changes(run.Covers(), r.typ, "", cannotStates, kindStates+r.typ)
		}
		s.Asked("read " + r.names())
		if err := run.Refuse(ctx, why, s); err != nil {
			return err
		}
	}
	return nil
}

// now reads the files as they lie in the folder.
func (c *collector) now(ctx context.Context, run *source.Run, dir string, zone *time.Location) error {
	found := false
	for _, r := range states {
		l, err := lying(dir, r.folders)
		if len(l.files) == 0 && err == nil {
			continue
		}
		found = true
		if err := c.snapshot(ctx, run, dir, r, l, err); err != nil {
			return err
		}
	}
	l, err := lying(dir, []folder{records})
	var files []recordAt
	for _, name := range l.paths() {
		files = append(files, recordAt{fromDisk(dir, name, l.files[name]), run.Window.AsOf})
	}
	if err != nil {
		files = append(files, recordAt{file{Path: records.name, Unread: err.Error()}, run.Window.AsOf})
	}
	if err := collectRecords(ctx, run, zone, "read ", files, l.other); err != nil {
		return err
	}
	if !found && len(files) == 0 {
		return refuse(ctx, run, nothing, audit.ModeSnapshot)
	}
	return nil
}

const nothing = "there is no register: no file in policies/, documents/, vendors/, risks/, contracts/, incidents/, tickets/, people/ or records/"

func (c *collector) snapshot(ctx context.Context, run *source.Run, dir string, r register, l listing, unlisted error) error {
	s := run.Snapshot(r.typ, "", cannotStates, kindStates+r.typ)
	s.Asked("read " + r.names())
	if unlisted != nil {
		s.Fail(unlisted.Error())
	}
	if len(l.other) > 0 {
		s.Note("not read, because of their ending: " + some(l.other))
	}
	pg := page{Zone: run.Window.Zone, AsOf: audit.FormatTime(audit.Instant(run.Window.AsOf)), Files: []file{}}
	for _, name := range l.paths() {
		pg.Files = append(pg.Files, fromDisk(dir, name, l.files[name]))
	}
	body, err := pg.encode()
	if err != nil {
		return err
	}
	if err := run.Seal(ctx, audit.Page{Kind: kindStates + r.typ, Query: "read " + r.names(), Body: body}, s); err != nil {
		return err
	}
	return run.Close(ctx, s)
}

// fromGit reads the registers through the history of the checked-out branch.
func (c *collector) fromGit(ctx context.Context, run *source.Run, dir, top string, zone *time.Location) error {
	rel, err := filepath.Rel(top, dir)
	if err != nil {
		return c.wrong(ctx, run, err)
	}
	g := &gitRun{run: run, repo: repo{top}, zone: zone}
	if rel != "." {
		g.prefix = filepath.ToSlash(rel) + "/"
	}
	list, err := g.describe(ctx)
	if err != nil {
		return g.refuse(ctx, err)
	}
	if g.objects, err = g.repo.objects(ctx); err != nil {
		return g.refuse(ctx, err)
	}
	defer g.objects.close()
	return g.collect(ctx, dir, list)
}

func (g *gitRun) refuse(ctx context.Context, err error) error {
	if stop := cmp.Or(ctx.Err(), notGit(err)); stop != nil {
		return stop
	}
	return refuse(ctx, g.run, err.Error(), audit.ModeChanges)
}

// describe asks the repository what it is, and lists the commits that touch
// the registers.
func (g *gitRun) describe(ctx context.Context) ([]commit, error) {
	if _, err := g.repo.out(ctx, "rev-parse", "--git-dir"); err != nil {
		return nil, err
	}
	tip, err := g.repo.out(ctx, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	if err != nil || !isHash(tip) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, gitError{fmt.Errorf("%w: the repository has no commit that can be read; commit the registers, or write `history: none`", audit.ErrUnavailable)}
	}
	g.tip = tip
	if ref, err := g.repo.out(ctx, "symbolic-ref", "--quiet", "HEAD"); err == nil {
		g.ref = ref
	}
	cutOff, err := g.repo.out(ctx, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return nil, err
	}
	if cutOff != "false" {
		roots, err := g.repo.commits(ctx, "--max-parents=0", tip)
		if err != nil {
			return nil, err
		}
		if len(roots) > 0 {
			g.shallow = audit.Instant(roots[len(roots)-1].at)
		}
	}
	return g.repo.commits(ctx, append([]string{tip, "--"}, g.paths(allFolders())...)...)
}

func allFolders() []folder {
	out := []folder{records}
	for _, r := range states {
		out = append(out, r.folders...)
	}
	return out
}

func (g *gitRun) paths(dirs []folder) []string {
	var out []string
	for _, d := range dirs {
		out = append(out, g.prefix+d.name)
	}
	return out
}

func (g *gitRun) collect(ctx context.Context, dir string, list []commit) error {
	all := steps(list)
	n := len(all)
	for n > 0 && all[n-1].at.After(g.run.Window.AsOf) {
		n--
	}
	if n < len(all) {
		g.late = fmt.Sprintf("commit %s carries a time after this reading, %s, and is not read", short(all[n].commit), audit.FormatTime(all[n].at))
	}
	book := &recordBook{changed: map[string]time.Time{}}
	keepers := make([]*keeper, len(states))
	for i, r := range states {
		keepers[i] = newKeeper(r)
	}
	broken := g.walk(ctx, all[:n], keepers, book)
	if stop := cmp.Or(ctx.Err(), notGit(broken)); stop != nil {
		return stop
	}
	return g.finish(ctx, dir, keepers, book, broken)
}

// walk takes every register through the commits, the oldest first.
func (g *gitRun) walk(ctx context.Context, all []step, keepers []*keeper, book *recordBook) error {
	for i, s := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, k := range keepers {
			if err := k.step(ctx, g, s); err != nil {
				return err
			}
		}
		if err := book.step(g, s); err != nil {
			return err
		}
		g.run.Progress("commits", i+1, len(all))
	}
	return nil
}

// finish closes what was read. broken is why history could not be read to its end.
func (g *gitRun) finish(ctx context.Context, dir string, keepers []*keeper, book *recordBook, broken error) error {
	found := len(book.listing.files) > 0
	lost, err := g.dropped(ctx)
	if err != nil {
		return err
	}
	for _, k := range keepers {
		found = found || len(k.stretches) > 0
		if o := k.open(); o != nil && broken != nil {
			o.why = append(o.why, broken.Error())
		}
		holes, err := g.rewritten(ctx, lost, k.folders)
		if err != nil {
			return err
		}
		notes := []string{}
		if g.ref == "" {
			notes = append(notes, "HEAD is detached at commit "+short(g.tip)+": whether a branch holds it is not known")
		}
		if names := uncommitted(dir, k.folders, listing{files: k.files}); len(names) > 0 {
			notes = append(notes, "not committed, and not used: "+some(names))
		}
		if err := k.close(ctx, g, holes, notes); err != nil {
			return err
		}
	}
	files, err := book.files(g)
	if stop := cmp.Or(ctx.Err(), notGit(err)); stop != nil {
		return stop
	}
	if err = cmp.Or(err, broken); err != nil && len(book.listing.files) > 0 {
		files = append(files, recordAt{file{Path: records.name, Unread: err.Error()}, g.run.Window.AsOf})
	}
	if err := collectRecords(ctx, g.run, g.zone, "git show HEAD:"+g.prefix, files, book.listing.other); err != nil {
		return err
	}
	switch {
	case found:
		return nil
	case broken != nil:
		return g.refuse(ctx, broken)
	case g.late != "":
		return refuse(ctx, g.run, g.late, audit.ModeChanges)
	}
	return refuse(ctx, g.run, nothing+" at commit "+short(g.tip)+"; commit it, or write `history: none`", audit.ModeChanges)
}
