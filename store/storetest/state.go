package storetest

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/store"
)

func collection(id, source string, hours int) audit.Collection {
	return audit.Collection{ID: id, Source: source, Driver: "files", Version: 2, Config: json.RawMessage(`{"a":1}`),
		Window: audit.Span{From: t0, To: at(24)}, Zone: "Europe/Berlin", Started: at(hours)}
}

func ended(id string, complete bool) audit.CollectionEnd {
	return audit.CollectionEnd{ID: id, Ended: at(30), Pages: 3, Manifests: 1, Complete: complete, Problems: []string{"403 on page 2"}}
}

func collectionIDs(cs []store.SavedCollection) string {
	var ids []string
	for _, c := range cs {
		ids = append(ids, c.ID)
	}
	return strings.Join(ids, " ")
}

func collections(t *testing.T, e *engine) {
	s := e.Open(t)
	ctx := t.Context()
	for _, c := range []audit.Collection{collection("c3", "okta", 3), collection("c1", "okta", 1), collection("c2", "okta", 2), collection("c4", "git", 4)} {
		must(t, s.SaveCollection(ctx, c, audit.Unsequenced))
	}
	_, err := s.NewestComplete(ctx, "okta")
	wantError(t, "none is complete", err, audit.ErrNotFound)
	must(t, s.SaveCollection(ctx, collection("c1", "okta", 1), 11))
	wantError(t, "another content", s.SaveCollection(ctx, collection("c1", "okta", 7), 11), audit.ErrConflict)
	must(t, s.EndCollection(ctx, ended("c1", true), 12))
	must(t, s.EndCollection(ctx, ended("c1", true), 12))
	must(t, s.EndCollection(ctx, ended("c2", false), 13))
	wantError(t, "another end", s.EndCollection(ctx, ended("c1", false), 12), audit.ErrConflict)
	wantError(t, "the end of none", s.EndCollection(ctx, ended("c9", true), 12), audit.ErrConflict)
	end := ended("c1", true)
	want := store.SavedCollection{Collection: collection("c1", "okta", 1), Record: 11, End: &end, EndRecord: 12}
	for name, get := range map[string]func() (store.SavedCollection, error){
		"by ID":           func() (store.SavedCollection, error) { return s.Collection(ctx, "c1") },
		"newest complete": func() (store.SavedCollection, error) { return s.NewestComplete(ctx, "okta") },
	} {
		got, err := get()
		must(t, err)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s (-want +got):\n%s", name, d)
		}
	}
	all, err := s.Collections(ctx, "")
	must(t, err)
	wantEqual(t, "all", collectionIDs(all), "c1 c2 c3 c4")
	okta, err := s.Collections(ctx, "okta")
	must(t, err)
	wantEqual(t, "of one source", collectionIDs(okta), "c1 c2 c3")
	open, err := s.Unfinished(ctx, "")
	must(t, err)
	wantEqual(t, "unfinished", collectionIDs(open), "c3 c4")
	_, err = s.Collection(ctx, "c9")
	wantError(t, "unknown collection", err, audit.ErrNotFound)
}

func resume(t *testing.T, e *engine) {
	s := e.Open(t)
	must(t, s.SaveCollection(t.Context(), collection("c1", "okta", 1), 5))
	must(t, s.SaveCursor(t.Context(), "c1", "account\x1f", "page 1"))
	must(t, s.SaveCursor(t.Context(), "c1", "account\x1f", "page 2 \x00\xff"))
	must(t, s.SaveCursor(t.Context(), "c1", "person\x1f", ""))
	again := e.Again(t, s)
	open, err := again.Unfinished(t.Context(), "okta")
	must(t, err)
	wantEqual(t, "unfinished", collectionIDs(open), "c1")
	got, err := again.Cursors(t.Context(), "c1")
	must(t, err)
	if d := cmp.Diff(map[string]string{"account\x1f": "page 2 \x00\xff", "person\x1f": ""}, got); d != "" {
		t.Fatalf("cursors (-want +got):\n%s", d)
	}
	must(t, again.EndCollection(t.Context(), ended("c1", true), 6))
	got, err = s.Cursors(t.Context(), "c1")
	must(t, err)
	wantEqual(t, "cursors after the end", len(got), 0)
}

func revisions(t *testing.T, e *engine) {
	s := e.Open(t)
	_, err := s.NewestRevision(t.Context())
	wantError(t, "no revision yet", err, audit.ErrNotFound)
	actor := audit.Actor{Kind: audit.ActorPerson, Name: "Zo\u00eb"}
	var want []store.Revision
	for i, hash := range []string{"h1", "h2", "h1"} {
		r := store.Revision{Hash: hash, Canonical: []byte(`{"b":2,"a":1,"hash":"` + hash + `"}`), Applied: at(i), Actor: actor, Record: int64(i)}
		r.Number, err = s.SaveRevision(t.Context(), r)
		must(t, err)
		want = append(want, r)
	}
	got, err := s.Revisions(t.Context())
	must(t, err)
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("revisions (-want +got):\n%s", d)
	}
	newest, err := s.NewestRevision(t.Context())
	must(t, err)
	if d := cmp.Diff(want[2], newest); d != "" {
		t.Fatalf("newest (-want +got):\n%s", d)
	}
	h2, err := s.RevisionByHash(t.Context(), "h2")
	must(t, err)
	wantEqual(t, "number of h2", h2.Number, 2)
	_, err = s.RevisionByHash(t.Context(), "h3")
	wantError(t, "unknown hash", err, audit.ErrNotFound)
	_, err = s.SaveRevision(t.Context(), store.Revision{Hash: "h4"})
	wantError(t, "no bytes", err, audit.ErrInvalid)
}

func runs(t *testing.T, e *engine) {
	s := e.Open(t)
	_, err := s.NewestRun(t.Context())
	wantError(t, "no run yet", err, audit.ErrNotFound)
	a := store.Run{ID: "r1", AsOf: at(1), Started: at(2), Definition: "h1", Record: audit.Unsequenced,
		Results: map[string]string{"p1": "sha256:1", "p2": "sha256:2"}}
	must(t, s.SaveRun(t.Context(), a))
	a.Record, a.Results = 7, map[string]string{"p2": "sha256:3"}
	must(t, s.SaveRun(t.Context(), a))
	b := store.Run{ID: "r0", AsOf: at(3), Started: at(4), Definition: "h1", Record: 8, Results: map[string]string{}}
	must(t, s.SaveRun(t.Context(), b))
	got, err := s.Runs(t.Context(), 10)
	must(t, err)
	if d := cmp.Diff([]store.Run{b, a}, got); d != "" {
		t.Fatalf("runs (-want +got):\n%s", d)
	}
	newest, err := s.NewestRun(t.Context())
	must(t, err)
	wantEqual(t, "newest", newest.ID, "r0")
	one, err := s.Run(t.Context(), "r1")
	must(t, err)
	if d := cmp.Diff(a, one); d != "" {
		t.Fatalf("run (-want +got):\n%s", d)
	}
	_, err = s.Run(t.Context(), "r9")
	wantError(t, "unknown run", err, audit.ErrNotFound)
}

func decisions(t *testing.T, e *engine) {
	s := e.Open(t)
	actor := audit.Actor{Kind: audit.ActorPerson, Name: "ana"}
	a := store.Decision{ID: "2", Ref: "D-1", Disposition: audit.Candidate, Cause: "c", Actor: actor, Decided: at(1), Record: audit.Unsequenced}
	b := store.Decision{ID: "1", Ref: "D-1", Disposition: audit.NotDeviation, Response: "r", Why: "w", Actor: actor, Decided: at(2), Record: 9}
	c := store.Decision{ID: "3", Ref: "D-2", Disposition: audit.Confirmed, Actor: actor, Decided: at(3), Record: 10}
	for _, d := range []store.Decision{a, b, c, b} {
		must(t, s.AddDecision(t.Context(), d))
	}
	a.Record = 8
	must(t, s.AddDecision(t.Context(), a))
	changed := b
	changed.Why = "other words"
	wantError(t, "other words", s.AddDecision(t.Context(), changed), audit.ErrConflict)
	wantError(t, "no ID", s.AddDecision(t.Context(), store.Decision{Ref: "D-1"}), audit.ErrInvalid)
	got, err := s.Decisions(t.Context(), "D-1")
	must(t, err)
	if d := cmp.Diff([]store.Decision{a, b}, got); d != "" {
		t.Fatalf("decisions (-want +got):\n%s", d)
	}
	all, err := s.Decisions(t.Context(), "")
	must(t, err)
	wantEqual(t, "all decisions", len(all), 3)
}

func meta(t *testing.T, e *engine) {
	s := e.Open(t)
	_, err := s.Meta(t.Context(), "k")
	wantError(t, "unknown name", err, audit.ErrNotFound)
	for _, v := range []string{"one", "", "\x00\xff", strings.Repeat("x", 1<<20)} {
		must(t, s.SetMeta(t.Context(), "k", v))
		got, err := s.Meta(t.Context(), "k")
		must(t, err)
		wantEqual(t, "value", got, v)
	}
}

func locks(t *testing.T, e *engine) {
	s := e.Open(t)
	again := e.Again(t, s)
	l, err := s.Lock(t.Context(), "run", "a", time.Hour)
	must(t, err)
	if left := time.Until(l.Expires); left < 50*time.Minute || left > 70*time.Minute {
		t.Fatalf("a lease of an hour ends in %v", left)
	}
	_, err = again.Lock(t.Context(), "run", "b", time.Hour)
	wantError(t, "held by another", err, audit.ErrConflict)
	if !strings.Contains(err.Error(), "held by a until") {
		t.Fatalf("error %q does not say who holds it", err)
	}
	longer, err := s.Lock(t.Context(), "run", "a", 2*time.Hour)
	must(t, err)
	wantEqual(t, "token of the renewed lease", longer.Token, l.Token)
	must(t, s.Unlock(t.Context(), longer))
	other, err := again.Lock(t.Context(), "run", "b", 0)
	must(t, err)
	wantEqual(t, "token after a change of hands", other.Token, l.Token+1)
	must(t, s.Unlock(t.Context(), longer))
	third, err := s.Lock(t.Context(), "run", "c", time.Hour)
	must(t, err)
	must(t, again.Unlock(t.Context(), other))
	_, err = again.Lock(t.Context(), "run", "b", time.Hour)
	wantError(t, "after a late unlock of an ended lease", err, audit.ErrConflict)
	wantEqual(t, "token", third.Token, l.Token+2)
	_, err = again.Lock(t.Context(), "other", "b", time.Hour)
	must(t, err)
}

func lockRace(t *testing.T, e *engine) {
	s := e.Open(t)
	stores := []*store.Store{s, s, e.Again(t, s), e.Again(t, s)}
	var wg sync.WaitGroup
	errs := make([]error, len(stores))
	for i, s := range stores {
		wg.Go(func() { _, errs[i] = s.Lock(t.Context(), "run", string(rune('a'+i)), time.Hour) })
	}
	wg.Wait()
	got := 0
	for _, err := range errs {
		if err == nil {
			got++
		} else if !errors.Is(err, audit.ErrConflict) {
			t.Error(err)
		}
	}
	wantEqual(t, "holders", got, 1)
}
