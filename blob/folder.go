package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"tieout/audit"
	"tieout/internal/durable"
)

// folder keeps each object as a file: the first two letters of its name are
// the folder it is in. Drafts are files in ".drafts"; what a crash leaves
// there is never seen as an object and may be deleted.
type folder struct {
	dir  string
	make func(dir string) (file, error)
}

// file is what a draft writes to.
type file interface {
	io.Writer
	Name() string
	Sync() error
	Close() error
}

const drafts = ".drafts"

// NewFolder returns the folder dir as a place for objects; it is made if it
// is not there, readable by its owner only.
func NewFolder(dir string) (Objects, error) {
	if err := durable.MkdirAll(filepath.Join(dir, drafts), 0o700); err != nil {
		return nil, fmt.Errorf("blob folder %s: %w", dir, err)
	}
	return &folder{dir, func(dir string) (file, error) { return os.CreateTemp(dir, "draft-") }}, nil
}

func (f *folder) path(name string) (string, error) {
	if len(name) < 3 || strings.ContainsAny(name, `/\`) || strings.HasPrefix(name, ".") {
		return "", fmt.Errorf("%w: object name %q", audit.ErrInvalid, name)
	}
	return filepath.Join(f.dir, name[:2], name), nil
}

// Begin implements Objects.
func (f *folder) Begin(context.Context) (Draft, error) {
	t, err := f.make(filepath.Join(f.dir, drafts))
	if err != nil {
		return nil, fmt.Errorf("begin draft in %s: %w", f.dir, err)
	}
	return &fileDraft{file: t, folder: f}, nil
}

type fileDraft struct {
	file
	folder *folder
}

// Commit implements Draft: synced, renamed, and the folder synced.
func (d *fileDraft) Commit(_ context.Context, name string, replace bool) error {
	path, err := d.folder.path(name)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		return err
	}
	if err := durable.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	// The draft's own name goes in Close.
	if replace {
		err = os.Rename(d.Name(), path)
	} else if err = os.Link(d.Name(), path); errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("%w: object %s exists", audit.ErrConflict, name)
	}
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// Close implements Draft.
func (d *fileDraft) Close() error {
	err := d.file.Close()
	if rm := os.Remove(d.Name()); !errors.Is(rm, fs.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	return err
}

// Open implements Objects.
func (f *folder) Open(_ context.Context, name string) (io.ReadCloser, error) {
	path, err := f.path(name)
	if err != nil {
		return nil, err
	}
	r, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: object %s in %s", audit.ErrNotFound, name, f.dir)
	}
	return r, err
}

// Has implements Objects.
func (f *folder) Has(_ context.Context, name string) (bool, error) {
	path, err := f.path(name)
	if err != nil {
		return false, err
	}
	_, err = os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Remove implements Objects.
func (f *folder) Remove(_ context.Context, name string) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	err = os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// Names implements Objects.
func (f *folder) Names(ctx context.Context, yield func(string) error) error {
	return filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.IsDir() && d.Name() == drafts {
			return filepath.SkipDir
		}
		if d.IsDir() || !d.Type().IsRegular() {
			return nil
		}
		return yield(d.Name())
	})
}

// syncFolder makes new and removed names in dir survive a crash. Windows has
// no such call.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
