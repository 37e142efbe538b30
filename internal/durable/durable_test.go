package durable

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestWriteReplacesWholeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anchor")
	for _, want := range []string{"first, the longer text", "second", ""} {
		if err := Write(path, []byte(want), 0o640); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path, 1<<10)
		if err != nil || string(got) != want {
			t.Errorf("Read = %q, %v; want %q", got, err, want)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o640 {
		t.Errorf("mode = %o; want 640", got)
	}
	noTemp(t, filepath.Dir(path))
}

func TestCreateKeepsExisting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := Create(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Create(path, []byte("two"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second Create = %v; want fs.ErrExist", err)
	}
	if got, _ := Read(path, 10); string(got) != "one" {
		t.Errorf("content = %q; want the first", got)
	}
	noTemp(t, filepath.Dir(path))
}

func TestReadRefusesTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := Write(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, 4); err == nil {
		t.Error("a file of 5 bytes was read with limit 4")
	}
	if got, err := Read(path, 5); err != nil || string(got) != "12345" {
		t.Errorf("Read at the limit = %q, %v", got, err)
	}
	if _, err := Read(path+"x", 5); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file = %v; want fs.ErrNotExist", err)
	}
}

func TestWriteFailsWithoutFolder(t *testing.T) {
	dir := t.TempDir()
	if err := Write(filepath.Join(dir, "no", "f"), nil, 0o600); err == nil {
		t.Error("Write into a missing folder gave no error")
	}
	if err := MkdirAll(filepath.Join(dir, "a", "b", "c"), 0o755); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(dir, "a", "b", "c")
	if err := Write(target, []byte("x"), 0o600); err == nil {
		t.Error("Write over a folder gave no error")
	}
	noTemp(t, filepath.Join(dir, "a", "b"))
	if err := Write(filepath.Join(dir, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := MkdirAll(filepath.Join(dir, "f"), 0o755); err == nil {
		t.Error("MkdirAll over a file gave no error")
	}
}

func TestConcurrentWritersLeaveOneWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := Write(path, bytes.Repeat([]byte{byte('a' + i)}, 1000), 0o600); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := Read(path, 2000)
	if err != nil || len(got) != 1000 || !bytes.Equal(got, bytes.Repeat(got[:1], 1000)) {
		t.Errorf("after 8 writers the file is mixed: %d bytes, %v", len(got), err)
	}
	noTemp(t, filepath.Dir(path))
}

func noTemp(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if IsTemp(e.Name()) {
			t.Errorf("temporary %s was left behind", e.Name())
		}
	}
}
