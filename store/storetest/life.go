package storetest

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/store"
)

// Fill puts something into every table of s.
func Fill(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	insert(t, s, Records(0, 20)...)
	sequence(t, s)
	_, err := s.Erase(ctx, 3)
	must(t, err)
	insert(t, s, Records(20, 23)...) // left unsequenced
	must(t, s.Cosign(ctx, 20, "witness", []byte{0}))
	must(t, s.SaveCollection(ctx, collection("c1", "okta", 1), 1))
	must(t, s.EndCollection(ctx, ended("c1", true), 2))
	must(t, s.SaveCollection(ctx, collection("c2", "okta", 2), 3))
	must(t, s.SaveCursor(ctx, "c2", "account", "page 2"))
	must(t, s.AppendVersions(ctx, accounts, audit.ModeSnapshot, []store.VersionRow{row("a", 1, `{"n":1}`), row("b", 1, ""), row("a", 2, `{}`)},
		store.Coverage{Points: []audit.Point{{At: at(1), Record: 1}}, Holes: []audit.Hole{{Span: audit.At(at(2)), Reason: "403", Record: 2}}}))
	actor := audit.Actor{Kind: audit.ActorPerson, Name: "ana"}
	_, err = s.SaveRevision(ctx, store.Revision{Hash: "h1", Canonical: []byte(`{}`), Applied: t0, Actor: actor, Record: 4})
	must(t, err)
	must(t, s.SaveRun(ctx, store.Run{ID: "r1", AsOf: t0, Started: t0, Definition: "h1", Results: map[string]string{"p": "d"}}))
	must(t, s.AddDecision(ctx, store.Decision{ID: "d", Ref: "D-1", Disposition: audit.Confirmed, Actor: actor, Decided: t0}))
	must(t, s.SetMeta(ctx, "k", ""))
	_, err = s.Lock(ctx, "run", "a", time.Hour)
	must(t, err)
	fillAccess(t, s)
	fillJobs(t, s)
}

// Contents is what a store that Fill filled tells of itself, by name.
func Contents(t *testing.T, s *store.Store) map[string]any {
	t.Helper()
	ctx := t.Context()
	out := map[string]any{}
	keep := func(name string) func(v any, err error) {
		return func(v any, err error) {
			t.Helper()
			must(t, err)
			out[name] = v
		}
	}
	keep("head")(wrap(s.Head(ctx)))
	keep("leaves")(wrap(s.LeafRange(ctx, 0, 20)))
	keep("pending")(wrap(s.Pending(ctx, 100)))
	keep("hashes")(wrap(s.ReadHashes(ctx, []int64{0, 19})))
	keep("cosignatures")(wrap(s.Cosignatures(ctx, 20)))
	keep("body")(wrap(s.Body(ctx, Record(5).Record.ID)))
	keep("doomed")(wrap(s.DoomedBlobs(ctx)))
	keep("collections")(wrap(s.Collections(ctx, "")))
	keep("cursors")(wrap(s.Cursors(ctx, "c2")))
	keep("timeline")(wrap(s.Timeline(ctx, "account")))
	keep("revisions")(wrap(s.Revisions(ctx)))
	keep("runs")(wrap(s.Runs(ctx, 10)))
	keep("decisions")(wrap(s.Decisions(ctx, "")))
	keep("meta")(wrap(s.Meta(ctx, "k")))
	out["access"] = accessContents(t, s)
	out["jobs"] = jobContents(t, s)
	var recs []audit.Record
	must(t, s.Records(ctx, store.RecordFilter{}, func(r audit.Record) error {
		recs = append(recs, r)
		return nil
	}))
	out["records"] = recs
	c, salt, _, err := s.Canonical(ctx, 4)
	must(t, err)
	out["canonical"] = string(c) + string(salt[:])
	return out
}

func wrap[T any](v T, err error) (any, error) { return v, err }

func restart(t *testing.T, e *engine) {
	s := e.Open(t)
	Fill(t, s)
	before := Contents(t, s)
	again := e.Again(t, s)
	must(t, s.Close())
	if d := cmp.Diff(before, Contents(t, again)); d != "" {
		t.Fatalf("after a restart (-before +after):\n%s", d)
	}
	sequence(t, again)
	h, err := again.Head(t.Context())
	must(t, err)
	wantEqual(t, "size after going on", h.Size, 23)
}

func openRace(t *testing.T, e *engine) {
	p := e.place(t)
	var wg sync.WaitGroup
	stores, errs := make([]*store.Store, 4), make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			s, err := p.Open(t.Context())
			if err == nil {
				_, err = s.Fence(t.Context(), "x")
			}
			stores[i], errs[i] = s, err
		})
	}
	wg.Wait()
	for i, err := range errs {
		must(t, err)
		must(t, stores[i].Close())
	}
}

func newerSchema(t *testing.T, e *engine) {
	p := e.place(t)
	must(t, e.open(t, p).Close())
	p.Exec(t, `update goose_db_version set version_id = 9999 where version_id > 0`)
	_, err := p.Open(t.Context())
	wantError(t, "schema 9999", err, audit.ErrConflict)
	if !strings.Contains(err.Error(), "schema version 9999") {
		t.Fatalf("error %q does not say the version", err)
	}
}

func backup(t *testing.T, e *engine) {
	s := e.Open(t)
	Fill(t, s)
	want := Contents(t, s)
	path := filepath.Join(t.TempDir(), "backup.db")
	must(t, s.Backup(t.Context(), path))
	to := e.Open(t)
	must(t, to.Restore(t.Context(), path))
	if d := cmp.Diff(want, Contents(t, to)); d != "" {
		t.Fatalf("restored (-want +got):\n%s", d)
	}
	wantError(t, "restoring into a store that is not empty", to.Restore(t.Context(), path), audit.ErrConflict)
	if d := cmp.Diff(want, Contents(t, to)); d != "" {
		t.Fatalf("after the refused one (-want +got):\n%s", d)
	}
	insert(t, to, Record(30))
	sequence(t, to)
	h, err := to.Head(t.Context())
	must(t, err)
	wantEqual(t, "size after going on", h.Size, 24)
}

func backupRefuses(t *testing.T, e *engine) {
	s := e.Open(t)
	path := filepath.Join(t.TempDir(), "backup.db")
	must(t, os.WriteFile(path, []byte("precious"), 0o600))
	wantError(t, "a file is there", s.Backup(t.Context(), path), audit.ErrConflict)
	got, err := os.ReadFile(path)
	must(t, err)
	wantEqual(t, "the file", string(got), "precious")
	if err := s.Restore(t.Context(), path); err == nil {
		t.Fatal("restoring a file that is no backup: got no error")
	}
	left, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	wantEqual(t, "files in the folder", len(left), 1)
}
