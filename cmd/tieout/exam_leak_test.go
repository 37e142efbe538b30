package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tieout/audit"
	"tieout/evidence"
	"tieout/period"
	"tieout/source/all"
	"tieout/store"
)

// formsOf are the ways in which a word can stand in bytes: as it is, in hex, and in
// base64 at each of the places it can begin in it.
func formsOf(word string) [][]byte {
	out := [][]byte{[]byte(word), []byte(hex.EncodeToString([]byte(word)))}
	for shift := range 3 {
		all := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), word...))
		out = append(out, []byte(all[(8*shift+5)/6:8*(shift+len(word))/6])) // the characters that do not depend on the neighbors
	}
	return out
}

// holding are the places of a workspace that hold a word: records and blobs as they
// are when they are read, which decompresses them, and every file as it lies.
// looked is how many places there are.
func holding(ctx context.Context, dir, word string) (places []string, looked int, err error) {
	forms := formsOf(word)
	in := func(where string, b []byte) {
		looked++
		for _, f := range forms {
			if bytes.Contains(b, f) {
				places = append(places, where)
				return
			}
		}
	}
	p, err := period.Open(ctx, dir, period.Options{Drivers: all.Drivers, Now: time.Now, Getenv: func(string) string { return "" }, Tieout: "test"})
	if err != nil {
		return nil, 0, err
	}
	err = errors.Join(inRecords(ctx, p, in), inBlobs(ctx, p, in), inFiles(dir, in), p.Close())
	return places, looked, err
}

// holds WORKSPACE WORD wants a word in a workspace, wherever it may lie and however
// it is written; ! holds wants it nowhere.
func holds(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: holds WORKSPACE WORD")
	}
	places, looked, err := holding(context.Background(), ts.MkAbs(args[0]), args[1])
	ts.Check(err)
	switch {
	case looked < 20:
		ts.Fatalf("%s has only %d places to look at", args[0], looked)
	case neg && len(places) > 0:
		ts.Fatalf("%s holds %s in %s", args[0], args[1], strings.Join(places, ", "))
	case !neg && len(places) == 0:
		ts.Fatalf("%s holds %s in none of %d places", args[0], args[1], looked)
	}
}

func inRecords(ctx context.Context, p *period.Program, look func(string, []byte)) error {
	return p.Store.Records(ctx, store.RecordFilter{}, func(rec audit.Record) error {
		body, err := evidence.ReadBody(ctx, p.Store, p.Blobs, rec)
		look(rec.Ref(), body)
		return err
	})
}

func inBlobs(ctx context.Context, p *period.Program, look func(string, []byte)) error {
	return p.Blobs.List(ctx, func(digest string) error {
		in, err := p.Blobs.Get(ctx, digest)
		if err != nil {
			return err
		}
		b, err := io.ReadAll(in)
		look("blob "+digest, b)
		return errors.Join(err, in.Close())
	})
}

func inFiles(dir string, look func(string, []byte)) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		look(path, b)
		return err
	})
}

// leaks fails where a word of the firm's alone is in the company's workspace or in
// what was carried there; that the same search finds it in the firm's own shows
// that it would.
func (w *examWorld) leaks(word string) {
	w.t.Helper()
	own, looked, err := holding(w.t.Context(), filepath.Join(w.dir, "firm"), word)
	if err != nil || len(own) == 0 {
		w.t.Errorf("%s is in none of the %d places of the firm's own workspace: the search finds nothing (%v)", word, looked, err)
	}
	places, looked, err := holding(w.t.Context(), filepath.Join(w.dir, "acme"), word)
	if err != nil || looked < 100 {
		w.t.Errorf("only %d places of the company's were looked at (%v)", looked, err)
	}
	forms, files := formsOf(word), 0
	err = inFiles(filepath.Join(w.dir, "carried", "to-client"), func(path string, b []byte) {
		files++
		for _, f := range forms {
			if bytes.Contains(b, f) {
				places = append(places, path)
			}
		}
	})
	if err != nil || files == 0 {
		w.t.Errorf("what was carried to the client: %d files, %v", files, err)
	}
	for _, at := range places {
		w.t.Errorf("%s holds %s", at, word)
	}
}
