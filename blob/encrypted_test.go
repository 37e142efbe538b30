package blob

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"tieout/audit"
)

func TestEncryptedTellsNothing(t *testing.T) {
	o := newFolder(t)
	s := encrypted(t, o, identity(t))
	body := bytes.Repeat([]byte("salary of Ada: 90000\n"), 400)
	digest, _, err := s.Put(t.Context(), bytes.NewReader(body))
	must(t, err)
	digits := strings.TrimPrefix(digest, digestPrefix)
	raw, err := hex.DecodeString(digits)
	must(t, err)
	must(t, filepath.WalkDir(o.(*folder).dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(path, digits[:16]) || bytes.Contains(data, raw[:8]) || bytes.Contains(data, []byte(digits[:16])) {
			t.Errorf("%s tells the digest", path)
		}
		if bytes.Contains(data, []byte("Ada")) {
			t.Errorf("%s tells the content", path)
		}
		return err
	}))
}

func TestIdentities(t *testing.T) {
	o := newFolder(t)
	mine := identity(t)
	digest, _, err := encrypted(t, o, mine).Put(t.Context(), strings.NewReader("x"))
	must(t, err)
	if got, err := read(encrypted(t, o, mine), digest); err != nil || string(got) != "x" {
		t.Fatalf("opened again: got %q, %v", got, err)
	}
	if _, err := NewEncrypted(t.Context(), o, identity(t)); !errors.Is(err, audit.ErrForbidden) {
		t.Fatalf("another identity: got %v, want not allowed", err)
	}
	if got := list(t, New(o)); len(got) != 0 {
		t.Fatalf("an unencrypted store of the same place lists %v", got)
	}
	path, err := o.(*folder).path(keyObject)
	must(t, err)
	data, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, data[:len(data)-1], 0o600))
	if _, err := NewEncrypted(t.Context(), o, mine); !errors.Is(err, audit.ErrAltered) {
		t.Fatalf("damaged key: got %v, want altered", err)
	}
}

func TestHybridIdentity(t *testing.T) {
	id, err := age.GenerateHybridIdentity()
	must(t, err)
	o := newFolder(t)
	digest, _, err := encrypted(t, o, id).Put(t.Context(), strings.NewReader("x"))
	must(t, err)
	if got, err := read(encrypted(t, o, id), digest); err != nil || string(got) != "x" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestLoadIdentity(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	must(t, err)
	path := filepath.Join(t.TempDir(), "identity.txt")
	must(t, os.WriteFile(path, []byte("# made by hand\n"+id.String()+"\n"), 0o600))
	got, err := LoadIdentity(path)
	must(t, err)
	if got.(*age.X25519Identity).String() != id.String() {
		t.Fatal("got another identity")
	}
	must(t, os.WriteFile(path, []byte("AGE-SECRET-KEY-1NOT\n"), 0o600))
	if _, err := LoadIdentity(path); !errors.Is(err, audit.ErrInvalid) {
		t.Fatalf("not an identity: got %v, want invalid", err)
	}
	if _, err := LoadIdentity(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no file: got %v", err)
	}
}

func TestFirstUseAtOnce(t *testing.T) {
	o := newFolder(t)
	id := identity(t)
	var wg sync.WaitGroup
	all := make([]Store, 6)
	errs := make([]error, len(all))
	for i := range all {
		wg.Go(func() { all[i], errs[i] = NewEncrypted(context.Background(), o, id) })
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	digest, _, err := all[0].Put(t.Context(), strings.NewReader("x"))
	must(t, err)
	for i, s := range all {
		if got, err := read(s, digest); err != nil || string(got) != "x" {
			t.Errorf("store %d has another key: got %q, %v", i, got, err)
		}
	}
}

// FuzzRead gives any bytes to both readers: whatever they take for a blob has
// to have the digest that was asked for.
func FuzzRead(f *testing.F) {
	for _, body := range []string{"", "a", strings.Repeat("abc", 100)} {
		for _, s := range []cover{plain{}, fixedKey(f)} {
			var b bytes.Buffer
			_, _, err := (&packed{cover: s}).fill(bufferDraft{&b}, strings.NewReader(body))
			must(f, err)
			f.Add(b.Bytes())
		}
	}
	f.Add([]byte(magic))
	want := digestOf([]byte("a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := parseHeader(data[:min(len(data), headerSize)], kindPlain); err == nil && !bytes.HasPrefix(data, header(kindPlain)) {
			t.Fatalf("header %x was taken for a plain one", data[:headerSize])
		}
		for _, c := range []cover{plain{}, fixedKey(t)} {
			got, err := read(&packed{oneObject{data: data}, c}, want)
			if err == nil && string(got) != "a" {
				t.Fatalf("got %q without an error", got)
			}
			if err != nil && !errors.Is(err, audit.ErrAltered) {
				t.Fatalf("got error %v, want altered", err)
			}
		}
	})
}
