package demo_test

import (
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
const startupDigest = "32a2d929c0e9c11c4341667082daf408da2b122bfcbfc5a5fb78878ebf5d40e4"

// TestStartup holds the startup's workspace to its digest, and what the pipeline
// finds in its year to what was seeded, both ways.
func TestStartup(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "halyard")
	truth, err := demo.Generate(t.Context(), dir, demo.Startup, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := digest(t, dir); got != startupDigest {
		t.Errorf("startup workspace has digest %s, want %s", got, startupDigest)
	}
	checkTruth(t, dir, truth)
	checkInvented(t, dir)
	findsTheTruth(t, dir, truth)
}

// feedsDigest is the digest of the small company below.
const feedsDigest = "018459b479e77fb2be2bcdf0e351c04758642930455e0c67f6af18ec6ff7c74c"

// TestChangeFeeds holds the same for a small company that exports as the
// enterprise does.
func TestChangeFeeds(t *testing.T) {
	t.Parallel()
	size := demo.Size{Name: "feeds", Seed: 7, People: 200, Spare: 5, Systems: 1, CloudAccounts: 4, StoreFactor: 1, ResourcesPerAccount: 30,
		Repositories: 60, ChangesPerMonth: 60, TicketsPerMonth: 20, Vulnerabilities: 60, Changes: true}
	dir := filepath.Join(t.TempDir(), "halyard")
	truth, err := demo.Generate(t.Context(), dir, size, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := digest(t, dir); got != feedsDigest {
		t.Errorf("workspace of change feeds has digest %s, want %s", got, feedsDigest)
	}
	checkTruth(t, dir, truth)
	findsTheTruth(t, dir, truth)
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
