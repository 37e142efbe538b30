package demo_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tieout/demo"
)

// startupDigest is the digest of the startup's workspace. If a change of it is
// meant, run the test and take over the value it prints.
const startupDigest = "0e4b3eef359567146092498fc0d1fcc300c076cabeeb77acd269fe0210a99625"

func TestStartupNeverChangesUnnoticed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "halyard")
	if _, err := demo.Generate(context.Background(), dir, demo.Startup, nil); err != nil {
		t.Fatal(err)
	}
	if got := digest(t, dir); got != startupDigest {
		t.Errorf("startup workspace has digest %s, want %s", got, startupDigest)
	}
}

// digest hashes every file's name and bytes, in order of name.
func digest(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %d\n", filepath.ToSlash(rel), info.Size())
		_, err = io.Copy(h, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
