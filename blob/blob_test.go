package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"tieout/audit"
)

// stores are all combinations of a place and a cover.
func stores(t *testing.T) map[string]Store {
	id := identity(t)
	folder := newFolder(t)
	s3, _ := fakeBucket(t, S3Config{Prefix: "tieout/"})
	plainS3, _ := fakeBucket(t, S3Config{})
	encFolder := newFolder(t)
	return map[string]Store{
		"folder":           New(folder),
		"bucket":           New(plainS3),
		"encrypted folder": encrypted(t, encFolder, id),
		"encrypted bucket": encrypted(t, s3, id),
	}
}

func newFolder(t testing.TB) Objects {
	t.Helper()
	o, err := NewFolder(filepath.Join(t.TempDir(), "blobs"))
	must(t, err)
	return o
}

func identity(t testing.TB) age.Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	must(t, err)
	return id
}

func encrypted(t testing.TB, o Objects, id age.Identity) Store {
	t.Helper()
	s, err := NewEncrypted(t.Context(), o, id)
	must(t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func digestOf(b []byte) string { return sum(sha256.Sum256(b)).String() }

func noise(n int) []byte {
	b := make([]byte, n)
	if _, err := rand.NewChaCha8([32]byte{byte(n)}).Read(b); err != nil {
		panic(err) // ChaCha8 never fails
	}
	return b
}

func read(s Store, digest string) ([]byte, error) {
	r, err := s.Get(context.Background(), digest)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

func list(t *testing.T, s Store) []string {
	t.Helper()
	var out []string
	must(t, s.List(t.Context(), func(d string) error { out = append(out, d); return nil }))
	slices.Sort(out)
	return out
}

func TestPutAndGet(t *testing.T) {
	bodies := map[string][]byte{
		"nothing": {}, "one byte": {0}, "text": []byte(strings.Repeat("a page of text\n", 5000)),
		"noise of one chunk": noise(chunkSize), "one byte more": noise(chunkSize + 1), "one less": noise(chunkSize - 1),
		"noise of many chunks": noise(300_001),
	}
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			var want []string
			for what, body := range bodies {
				digest, size, err := s.Put(t.Context(), bytes.NewReader(body))
				must(t, err)
				if digest != digestOf(body) || size != int64(len(body)) {
					t.Errorf("%s: got %s of %d bytes, want %s of %d", what, digest, size, digestOf(body), len(body))
				}
				got, err := read(s, digest)
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("%s: got %d bytes, error %v; want %d bytes", what, len(got), err, len(body))
				}
				want = append(want, digest)
			}
			slices.Sort(want)
			if got := list(t, s); !slices.Equal(got, want) {
				t.Errorf("list: got %v, want %v", got, want)
			}
		})
	}
}

func TestPutAgainAndDelete(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			body := []byte("the same page every day")
			for range 2 {
				_, _, err := s.Put(t.Context(), bytes.NewReader(body))
				must(t, err)
			}
			digest := digestOf(body)
			if got := list(t, s); !slices.Equal(got, []string{digest}) {
				t.Fatalf("list: got %v, want it once", got)
			}
			for _, want := range []bool{true, false} {
				have, err := s.Has(t.Context(), digest)
				must(t, err)
				if have != want {
					t.Fatalf("has: got %v, want %v", have, want)
				}
				must(t, s.Delete(t.Context(), digest))
			}
			if _, err := read(s, digest); !errors.Is(err, audit.ErrNotFound) {
				t.Fatalf("get after delete: got %v, want not found", err)
			}
		})
	}
}

func TestDigestsAreChecked(t *testing.T) {
	s := New(newFolder(t))
	good := digestOf(nil)
	for name, digest := range map[string]string{
		"empty": "", "no algorithm": good[7:], "upper case": strings.ToUpper(good), "short": good[:70], "long": good + "0",
		"path": "sha256:../../etc/passwd" + strings.Repeat("0", 49), "other algorithm": "sha512:" + good[7:],
	} {
		_, getErr := s.Get(t.Context(), digest)
		_, hasErr := s.Has(t.Context(), digest)
		for call, err := range map[string]error{"get": getErr, "has": hasErr, "delete": s.Delete(t.Context(), digest)} {
			if !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("%s, %s: got %v, want invalid", name, call, err)
			}
		}
	}
}

// stored returns the only blob's file in a folder.
func stored(t *testing.T, o Objects) string {
	t.Helper()
	f := o.(*folder)
	var path string
	must(t, f.Names(t.Context(), func(name string) error {
		if name == keyObject {
			return nil
		}
		p, err := f.path(name)
		path = p
		return err
	}))
	return path
}

// TestEveryByteCounts flips, cuts and adds bytes of a stored blob: each time
// reading fails, says altered and names the digest, and Put repairs it.
func TestEveryByteCounts(t *testing.T) {
	body := []byte(`{"users":[{"id":1,"mfa":true},{"id":2,"mfa":false}]}`)
	for name, cover := range map[string]func(Objects) Store{
		"plain":     New,
		"encrypted": func(o Objects) Store { return encrypted(t, o, identity(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			o := newFolder(t)
			s := cover(o)
			digest, _, err := s.Put(t.Context(), bytes.NewReader(body))
			must(t, err)
			path := stored(t, o)
			good, err := os.ReadFile(path)
			must(t, err)
			for what, bad := range damaged(good) {
				must(t, os.WriteFile(path, bad, 0o600))
				got, err := read(s, digest)
				if err == nil && bytes.Equal(got, body) && name == "plain" {
					continue // zstd has bits that mean nothing; the bytes are still the ones
				}
				if !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), digest) {
					t.Fatalf("%s: got %d bytes, error %v; want altered and the digest", what, len(got), err)
				}
			}
			must(t, os.WriteFile(path, good[:len(good)-1], 0o600))
			_, _, err = s.Put(t.Context(), bytes.NewReader(body))
			must(t, err)
			if got, err := read(s, digest); err != nil || !bytes.Equal(got, body) {
				t.Fatalf("after putting it again: got %q, %v", got, err)
			}
		})
	}
}

func damaged(good []byte) map[string][]byte {
	out := map[string][]byte{"a byte added": append(bytes.Clone(good), 0), "emptied": {}}
	for i := range good {
		flipped := bytes.Clone(good)
		flipped[i] ^= 0x40
		out[fmt.Sprintf("byte %d flipped", i)] = flipped
		out[fmt.Sprintf("cut at %d", i)] = good[:i]
	}
	return out
}

func TestSwappedBlobIsNamed(t *testing.T) {
	for _, c := range []string{"plain", "encrypted"} {
		o := newFolder(t)
		s := New(o)
		if c == "encrypted" {
			s = encrypted(t, o, identity(t))
		}
		a, _, err := s.Put(t.Context(), strings.NewReader("a"))
		must(t, err)
		pathA := stored(t, o)
		data, err := os.ReadFile(pathA)
		must(t, err)
		must(t, s.Delete(t.Context(), a))
		b, _, err := s.Put(t.Context(), strings.NewReader("b"))
		must(t, err)
		must(t, os.WriteFile(stored(t, o), data, 0o600))
		if got, err := read(s, b); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), b) {
			t.Errorf("%s: another blob under the name: got %q, %v; want altered", c, got, err)
		}
	}
}

// fullDisk is a file that has room for n bytes.
type fullDisk struct {
	file
	left int
}

var errFull = errors.New("no space left on device")

func (f *fullDisk) Write(b []byte) (int, error) {
	n := min(len(b), f.left)
	f.left -= n
	if _, err := f.file.Write(b[:n]); err != nil {
		return 0, err
	}
	if n < len(b) {
		return n, errFull
	}
	return n, nil
}

func (f *fullDisk) Sync() error {
	if f.left == 0 {
		return errFull
	}
	return f.file.Sync()
}

// TestFullDisk lets the disk be full at every byte: Put fails, leaves nothing,
// and works once there is room.
func TestFullDisk(t *testing.T) {
	body := noise(500)
	for _, c := range []string{"plain", "encrypted"} {
		o := newFolder(t)
		s := New(o)
		if c == "encrypted" {
			s = encrypted(t, o, identity(t))
		}
		f := o.(*folder)
		create := f.make
		for room := 0; ; room += 7 {
			f.make = func(dir string) (file, error) {
				real, err := create(dir)
				return &fullDisk{real, room}, err
			}
			_, _, err := s.Put(t.Context(), bytes.NewReader(body))
			left, readErr := os.ReadDir(filepath.Join(f.dir, drafts))
			must(t, readErr)
			if len(left) != 0 {
				t.Fatalf("%s, room for %d: %d drafts left", c, room, len(left))
			}
			if err == nil {
				break
			}
			if room > 2000 || !errors.Is(err, errFull) {
				t.Fatalf("%s, room for %d: got %v, want the disk's error", c, room, err)
			}
			if got := list(t, s); len(got) != 0 {
				t.Fatalf("%s, room for %d: %d blobs, want none", c, room, len(got))
			}
		}
		if got, err := read(s, digestOf(body)); err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%s: got %d bytes, %v", c, len(got), err)
		}
	}
}

func TestReaderFails(t *testing.T) {
	s := New(newFolder(t))
	broken := errors.New("connection reset")
	_, _, err := s.Put(t.Context(), io.MultiReader(strings.NewReader("half"), failing{broken}))
	if !errors.Is(err, broken) {
		t.Fatalf("got %v, want %v", err, broken)
	}
	if got := list(t, s); len(got) != 0 {
		t.Fatalf("list: got %v, want nothing", got)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestPutAtOnce(t *testing.T) {
	for name, s := range stores(t) {
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() { _, _, errs[i] = s.Put(context.Background(), strings.NewReader("the same")) })
		}
		wg.Wait()
		must(t, errors.Join(errs...))
		if got, err := read(s, digestOf([]byte("the same"))); err != nil || string(got) != "the same" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}
