package period

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/internal/durable"
	"tieout/internal/uuid7"
	"tieout/store"
)

// amending is the lock of who changes definition files through the program, and
// how long it outlives a process that dies meanwhile.
const (
	amending    = "definitions"
	amendingTTL = time.Minute
)

// InGit reports whether a folder lies in a git checkout. Definitions there are
// changed there: the program shows what it would write and writes nothing.
func InGit(dir string) bool {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return true
	}
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return false
		}
		dir = up
	}
}

// Amend writes definition files, by path in the workspace (nil bytes remove
// one), and applies them as p.Actor. When it returns nil they are on disk and
// the revision is sealed and in force; p then is the workspace as amended. On an
// error the files are what they were before, unless the process died: then
// 'tieout plan' says how they differ from the applied revision. Files that do
// not load are definition.Problems. Files that somebody changed since p was
// opened, or that are not applied, or that live in git are audit.ErrConflict.
// Of several who amend at once one does.
func (p *Program) Amend(ctx context.Context, changes map[string][]byte) (rev store.Revision, err error) {
	return p.AmendWhy(ctx, changes, "")
}

// AmendWhy is Amend with a reason, as ApplyWhy has one.
func (p *Program) AmendWhy(ctx context.Context, changes map[string][]byte, why string) (rev store.Revision, err error) {
	if InGit(p.Dir) {
		return rev, fmt.Errorf("%w: this workspace lives in git: open a change there", audit.ErrConflict)
	}
	next, err := p.Def.With(changes)
	if err != nil {
		return rev, err
	}
	lock, err := p.Store.Lock(ctx, amending, uuid7.New(p.Now()), amendingTTL)
	if err != nil {
		return rev, err
	}
	defer func() { err = errors.Join(err, p.Store.Unlock(context.WithoutCancel(ctx), lock)) }()
	if err := p.untouched(ctx); err != nil {
		return rev, err
	}
	ctx = context.WithoutCancel(ctx) // from here on it is done or undone, whoever waits for it
	old, selected, name := p.Def, p.selected, p.Name
	if err := p.writeDefinitions(changes); err != nil {
		return rev, errors.Join(err, p.restoreDefinitions(old, changes))
	}
	p.Def, p.selected = next, nil
	err = p.choosePeriod("")
	if err == nil {
		rev, _, err = p.ApplyWhy(ctx, why)
	}
	if err != nil {
		p.Def, p.selected = old, selected
		return rev, errors.Join(err, p.choosePeriod(name), p.restoreDefinitions(old, changes))
	}
	return rev, nil
}

// untouched refuses to go on where the files are not those p was opened with, or
// say more than what was applied: that would be applied with it, unread.
func (p *Program) untouched(ctx context.Context) error {
	now, err := definition.Load(p.Dir)
	if err != nil {
		return err
	}
	if now.Hash() != p.Def.Hash() {
		return fmt.Errorf("%w: somebody has changed the workspace's files meanwhile", audit.ErrConflict)
	}
	applied, err := p.appliedWorkspace(ctx)
	if err != nil {
		return err
	}
	if applied == nil || !sameFiles(applied.Files, now.Files) {
		return fmt.Errorf("%w: the workspace's files hold changes that were not applied. See 'tieout plan', then 'tieout apply'", audit.ErrConflict)
	}
	return nil
}

func sameFiles(a, b []definition.File) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Path != b[i].Path || a[i].Digest != b[i].Digest {
			return false
		}
	}
	return true
}

func (p *Program) writeDefinitions(changes map[string][]byte) error {
	for name, text := range changes {
		path := filepath.Join(p.Dir, filepath.FromSlash(name))
		if text == nil {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove %s: %w", name, err)
			}
			continue
		}
		if err := durable.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := durable.Write(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// restoreDefinitions puts the files of the workspace back as old has them.
func (p *Program) restoreDefinitions(old *definition.Workspace, changes map[string][]byte) error {
	back := map[string][]byte{}
	for name := range changes {
		back[name] = old.Text(name)
	}
	if err := p.writeDefinitions(back); err != nil {
		return fmt.Errorf("put back the workspace's files: %w", err)
	}
	return nil
}
