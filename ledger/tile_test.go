package ledger

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTilePaths(t *testing.T) {
	cases := []struct {
		tile tile
		want string
	}{
		{tile{0, 0, 256}, "tile/0/000"},
		{tile{0, 0, 1}, "tile/0/000.p/1"},
		{tile{1, 273, 255}, "tile/1/273.p/255"},
		{tile{entriesLevel, 1234067, 256}, "tile/entries/x001/x234/067"},
		{tile{entriesLevel, 1000, 9}, "tile/entries/x001/000.p/9"},
	}
	for _, c := range cases {
		if got := c.tile.path(); got != c.want {
			t.Errorf("path of %v = %s; want %s", c.tile, got, c.want)
		}
		if got, err := parseTilePath(c.want); err != nil || got != c.tile {
			t.Errorf("parseTilePath(%s) = %v, %v; want %v", c.want, got, err, c.tile)
		}
	}
	for _, bad := range []string{"", "tile/", "tile/0", "tile/0/0", "tile/8/000", "tile/-1/000", "tile/0/000.p/256", "tile/0/000.p/0",
		"tile/0/000.p/01", "tile/0/x000/001", "tile/0/1000", "tile/data/000", "tile/0/001/002", "tile/0/../000", "/tile/0/000"} {
		if got, err := parseTilePath(bad); !errors.Is(err, ErrVerify) {
			t.Errorf("parseTilePath(%q) = %v, %v; want ErrVerify", bad, got, err)
		}
	}
}

func TestExportAndVerifyTiles(t *testing.T) {
	o, dir := openLog(t, 3), t.TempDir()
	for _, grow := range []int{0, 250, 3, 0, 300, 66000} {
		o.grow(t, grow)
		head, err := ExportTiles(t.Context(), o.backend, dir, o.Keys())
		if err != nil {
			t.Fatal(err)
		}
		facts, err := VerifyTiles(os.DirFS(dir), o.Keys())
		if err != nil {
			t.Fatal(err)
		}
		if facts.Entries != head.Size || facts.Checkpoint.Root != head.Root || len(facts.Beyond) != 0 {
			t.Errorf("facts = %+v; want %d entries and nothing beyond", facts, head.Size)
		}
	}
	for _, name := range []string{"checkpoint", "tile/0/000", "tile/0/259.p/252", "tile/1/000", "tile/1/001.p/3", "tile/2/000.p/1", "tile/entries/000.p/253", "tile/entries/259.p/252"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// small is an exported log of 300 entries, with partial tiles of an earlier
// export, in memory.
func small(t testing.TB) (fstest.MapFS, Chain) {
	t.Helper()
	o, dir := openLog(t, 7), t.TempDir()
	for range 2 {
		if _, err := ExportTiles(t.Context(), o.backend, dir, o.Keys()); err != nil {
			t.Fatal(err)
		}
		if o.Head().Size == 7 {
			o.grow(t, 293)
		}
	}
	out := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		out[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, o.Keys()
}

func TestEveryByteOfEveryTileCounts(t *testing.T) {
	files, keys := small(t)
	if len(files) != 8 {
		t.Errorf("%d files; want checkpoint, 3 bundles, 4 tiles: %v", len(files), files)
	}
	if _, err := VerifyTiles(files, keys); err != nil {
		t.Fatal(err)
	}
	for name, f := range files {
		step := max(1, len(f.Data)/150) // every byte of the small ones, a spread of the large
		for i := 0; i < len(f.Data); i += step {
			f.Data[i] ^= 0x10
			if _, err := VerifyTiles(files, keys); !errors.Is(err, ErrVerify) {
				t.Errorf("%s: byte %d: %v; want ErrVerify", name, i, err)
			}
			f.Data[i] ^= 0x10
		}
		whole := f.Data
		for _, data := range [][]byte{whole[:len(whole)-1], append(bytes.Clone(whole), 0), nil} {
			f.Data = data
			if _, err := VerifyTiles(files, keys); err == nil {
				t.Errorf("%s verifies with %d bytes in place of %d", name, len(data), len(whole))
			}
		}
		f.Data = whole
	}
}

func TestMissingAndStrangeTiles(t *testing.T) {
	files, keys := small(t)
	for _, name := range []string{"checkpoint", "tile/entries/000", "tile/entries/001.p/44", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"} {
		kept := files[name]
		delete(files, name)
		if _, err := VerifyTiles(files, keys); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("without %s: %v; want fs.ErrNotExist", name, err)
		}
		files[name] = kept
	}
	strange := []string{"tile/0/000.p/300", "tile/0/001", "tile/entries/002", "tile/note.txt"}
	for _, name := range strange {
		files[name] = &fstest.MapFile{Data: []byte("x")}
	}
	facts, err := VerifyTiles(files, keys)
	slices.Sort(facts.Beyond)
	if err != nil || !slices.Equal(facts.Beyond, strange) {
		t.Errorf("beyond = %q, %v; want %q", facts.Beyond, err, strange)
	}
	if _, err := VerifyTiles(files, Chain{}); err == nil {
		t.Error("verified without keys")
	}
}

// TestExportResumes cuts an export off at every backend call and finishes it.
func TestExportResumes(t *testing.T) {
	o := openLog(t, 7)
	for at := 1; ; at++ {
		dir := t.TempDir()
		o.backend.fault = nil
		if _, err := ExportTiles(t.Context(), o.backend, dir, o.Keys()); err != nil {
			t.Fatal(err)
		}
		o.grow(t, 260)
		o.backend.fault = &fault{at: at}
		_, err := ExportTiles(t.Context(), o.backend, dir, o.Keys())
		if o.backend.fault.name == "" {
			if err != nil || at < 5 {
				t.Errorf("%d calls were cut off; %v", at-1, err)
			}
			return
		}
		if !errors.Is(err, errFault) {
			t.Fatalf("cut off at %d: %v", at, err)
		}
		if facts, err := VerifyTiles(os.DirFS(dir), o.Keys()); err != nil || facts.Entries != o.Head().Size-260 {
			t.Errorf("cut off at %d: the older export has %d entries, %v", at, facts.Entries, err)
		}
		if _, err := ExportTiles(t.Context(), o.backend, dir, o.Keys()); err != nil {
			t.Fatal(err)
		}
		if facts, err := VerifyTiles(os.DirFS(dir), o.Keys()); err != nil || facts.Entries != o.Head().Size {
			t.Errorf("finished after %d: %d entries, %v", at, facts.Entries, err)
		}
	}
}

func TestExportRefuses(t *testing.T) {
	empty := openLog(t, 0)
	if _, err := ExportTiles(t.Context(), empty.backend, t.TempDir(), empty.Keys()); err == nil || !strings.Contains(err.Error(), "no entries") {
		t.Errorf("an empty log: %v", err)
	}
	o, dir := openLog(t, 7), t.TempDir()
	if _, err := ExportTiles(t.Context(), o.backend, dir, o.Keys()); err != nil {
		t.Fatal(err)
	}
	o.backend.restore(0)
	o.backend.forget()
	regrow(o, "other")
	if _, err := ExportTiles(t.Context(), o.backend, dir, o.Keys()); !errors.Is(err, ErrForked) {
		t.Errorf("over another history: %v; want ErrForked", err)
	}
	stranger := openLog(t, 9)
	if _, err := ExportTiles(t.Context(), stranger.backend, dir, stranger.Keys()); !errors.Is(err, ErrVerify) {
		t.Errorf("over another log: %v; want ErrVerify", err)
	}
}

func FuzzTile(f *testing.F) {
	f.Add("tile/entries/x001/x234/067.p/8", encodeEntries(make([][32]byte, 3)))
	f.Add("tile/0/000", []byte{0, 32})
	f.Fuzz(func(t *testing.T, path string, data []byte) {
		if got, err := parseTilePath(path); err == nil && got.path() != path {
			t.Errorf("path %q is re-encoded to %q", path, got.path())
		}
		if got, err := parseEntries(data); err == nil && !bytes.Equal(encodeEntries(got), data) {
			t.Errorf("bundle %x is re-encoded to %x", data, encodeEntries(got))
		}
	})
}
