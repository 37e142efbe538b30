// Package durable writes files that are whole or absent after a crash. A call
// that returned nil has its bytes and its name on disk; a call that failed or
// was cut off leaves the old file, or none, plus at most one stray temporary.
package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const tempPrefix = ".tmp-"

// Write replaces the file at path with data. Readers see the old bytes or the
// new ones, never a mixture. Of two writers at once, one whole file remains.
func Write(path string, data []byte, perm fs.FileMode) error {
	tmp, err := writeTemp(path, data, perm)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(tmp))
	}
	return syncFolder(filepath.Dir(path))
}

// WriteFrom is Write for data that does not fit into memory.
func WriteFrom(path string, data io.Reader, perm fs.FileMode) error {
	tmp, err := tempFrom(path, data, perm)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(tmp))
	}
	return syncFolder(filepath.Dir(path))
}

// Create is Write for a file that must not exist yet: an existing one is left
// as it is and the error satisfies errors.Is(err, fs.ErrExist).
func Create(path string, data []byte, perm fs.FileMode) error {
	tmp, err := writeTemp(path, data, perm)
	if err != nil {
		return err
	}
	if err := os.Link(tmp, path); err != nil {
		return errors.Join(fmt.Errorf("create %s: %w", path, err), os.Remove(tmp))
	}
	if err := os.Remove(tmp); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return syncFolder(filepath.Dir(path))
}

// Read returns the bytes of the file at path, refusing one over limit bytes.
// A missing file gives an error that satisfies errors.Is(err, fs.ErrNotExist).
func Read(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("read %s: more than the %d bytes this file may have", path, limit)
	}
	return data, nil
}

// MkdirAll makes the folder at path and its missing parents, each recorded in
// the folder above it before the call returns.
func MkdirAll(path string, perm fs.FileMode) error {
	path = filepath.Clean(path)
	if info, err := os.Stat(path); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("make folder %s: a file is in its place", path)
		}
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := MkdirAll(parent, perm); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(parent)
}

// IsTemp tells whether name is a temporary that an interrupted write may leave.
func IsTemp(name string) bool { return strings.HasPrefix(filepath.Base(name), tempPrefix) }

// writeTemp leaves data, synced, in a new file beside path.
func writeTemp(path string, data []byte, perm fs.FileMode) (string, error) {
	return tempFrom(path, bytes.NewReader(data), perm)
}

func tempFrom(path string, data io.Reader, perm fs.FileMode) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), tempPrefix+filepath.Base(path)+"-")
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	if err := fill(f, data, perm); err != nil {
		return "", errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return f.Name(), nil
}

func fill(f *os.File, data io.Reader, perm fs.FileMode) error {
	_, err := io.Copy(f, data)
	if err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncFolder makes renames and new names in dir survive a crash. Windows has
// no such call; there the file system's journal orders them.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}
