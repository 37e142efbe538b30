package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/store"
)

func recordsRoundTrip(t *testing.T, e *engine) {
	s := e.Open(t)
	recs := Records(0, 3)
	recs[1].Body = nil                           // kept as a blob
	recs[2].Body = []byte{}                      // nothing, but here
	large := bytes.Repeat([]byte("\x00\xff"), 3) // not text
	recs[0].Body = large
	insert(t, s, recs...)
	sequence(t, s)
	for i, want := range recs {
		got, err := s.Record(t.Context(), int64(i))
		must(t, err)
		want.Record.Index = int64(i)
		if d := cmp.Diff(want.Record, got); d != "" {
			t.Fatalf("record %d (-want +got):\n%s", i, d)
		}
		c, salt, erased, err := s.Canonical(t.Context(), int64(i))
		must(t, err)
		wantBytes(t, "canonical", c, want.Canonical)
		wantEqual(t, "salt", salt, want.Salt)
		wantEqual(t, "erased", erased, false)
	}
	body, err := s.Body(t.Context(), recs[0].Record.ID)
	must(t, err)
	wantBytes(t, "body with NUL bytes", body, large)
	_, err = s.Body(t.Context(), recs[1].Record.ID)
	wantError(t, "body in the blob store", err, audit.ErrNotFound)
	body, err = s.Body(t.Context(), recs[2].Record.ID)
	must(t, err)
	wantEqual(t, "length of the empty body", len(body), 0)
	_, err = s.Record(t.Context(), 3)
	wantError(t, "record beyond the log", err, audit.ErrNotFound)
	_, err = s.RecordByID(t.Context(), "nobody")
	wantError(t, "unknown ID", err, audit.ErrNotFound)
}

func insertAgain(t *testing.T, e *engine) {
	s := e.Open(t)
	insert(t, s, Records(0, 700)...)
	insert(t, s, Records(0, 700)...)
	insert(t, s, Records(690, 710)...)
	leaves, err := s.Pending(t.Context(), 10_000)
	must(t, err)
	wantEqual(t, "pending", len(leaves), 710)
	body, err := s.Body(t.Context(), Record(705).Record.ID)
	must(t, err)
	wantBytes(t, "body of a record in a half-known batch", body, Record(705).Body)
	insert(t, s)
}

func insertOther(t *testing.T, e *engine) {
	s := e.Open(t)
	insert(t, s, Record(1))
	other := Record(1)
	other.Commitment[0] ^= 1
	err := s.InsertRecords(t.Context(), []store.Sealed{Record(0), other})
	wantError(t, "same ID, other commitment", err, audit.ErrConflict)
	_, err = s.RecordByID(t.Context(), Record(0).Record.ID)
	wantError(t, "record of the refused batch", err, audit.ErrNotFound)
}

func insertAllOrNone(t *testing.T, e *engine) {
	s := e.Open(t)
	bad := Record(1)
	bad.Canonical = nil
	wantError(t, "no canonical bytes", s.InsertRecords(t.Context(), []store.Sealed{Record(0), bad}), audit.ErrInvalid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, "canceled", s.InsertRecords(ctx, Records(0, 10)), context.Canceled)
	leaves, err := s.Pending(t.Context(), 10)
	must(t, err)
	wantEqual(t, "pending", len(leaves), 0)
}

func recordFilter(t *testing.T, e *engine) {
	s := e.Open(t)
	var recs []store.Sealed
	for n := range 1203 {
		r := Record(n).Record
		if n%3 == 0 {
			r.Kind = audit.RecordManifest
		}
		if n%5 == 0 {
			r.Source = "okta"
		}
		if n%7 == 0 {
			r.Collection = "c2"
		}
		recs = append(recs, Seal(r, nil))
	}
	insert(t, s, recs[:1200]...)
	sequence(t, s)
	sequence(t, s) // a batch has 1000
	insert(t, s, recs[1200:]...)
	tests := []struct {
		name   string
		filter store.RecordFilter
		want   func(n int) bool
	}{
		{"all", store.RecordFilter{}, func(int) bool { return true }},
		{"kind", store.RecordFilter{Kind: audit.RecordManifest}, func(n int) bool { return n%3 == 0 }},
		{"source", store.RecordFilter{Source: "okta"}, func(n int) bool { return n%5 == 0 }},
		{"collection", store.RecordFilter{Collection: "c2"}, func(n int) bool { return n%7 == 0 }},
		{"index", store.RecordFilter{From: 10, To: 12}, func(n int) bool { return n == 10 || n == 11 }},
		{"about, half-open", store.RecordFilter{About: audit.Span{From: t0.Add(5 * time.Hour), To: t0.Add(7 * time.Hour)}},
			func(n int) bool { return n == 5 || n == 6 }},
		{"all together", store.RecordFilter{Kind: audit.RecordManifest, Source: "okta", Collection: "c2", From: 1},
			func(n int) bool { return n%105 == 0 && n > 0 }},
	}
	for _, tc := range tests {
		var got, want []int64
		must(t, s.Records(t.Context(), tc.filter, func(r audit.Record) error {
			got = append(got, r.Index)
			return nil
		}))
		for n := range 1200 {
			if tc.want(n) {
				want = append(want, int64(n))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %d records %.20v, want %d %.20v", tc.name, len(got), got, len(want), want)
		}
	}
	stop := errors.New("stop")
	wantError(t, "yield's error", s.Records(t.Context(), store.RecordFilter{}, func(audit.Record) error { return stop }), stop)
}

func refuseText(t *testing.T, e *engine) {
	s := e.Open(t)
	for name, text := range map[string]string{"NUL": "a\x00b", "not UTF-8": "a\xffb"} {
		r := Record(0)
		r.Record.Source = text
		wantError(t, "source with "+name, s.InsertRecords(t.Context(), []store.Sealed{r}), audit.ErrInvalid)
		key := audit.StreamKey{Source: "git", Scope: text, Type: "change"}
		wantError(t, "scope with "+name, s.AppendVersions(t.Context(), key, audit.ModeEvents, nil, store.Coverage{}), audit.ErrInvalid)
		wantError(t, "meta name with "+name, s.SetMeta(t.Context(), text, ""), audit.ErrInvalid)
		_, err := s.Lock(t.Context(), text, "me", time.Minute)
		wantError(t, "lock with "+name, err, audit.ErrInvalid)
	}
}

func erase(t *testing.T, e *engine) {
	s := e.Open(t)
	insert(t, s, Records(0, 3)...)
	sequence(t, s)
	digest, err := s.Erase(t.Context(), 1)
	must(t, err)
	wantEqual(t, "digest", digest, Record(1).Record.Digest)
	c, salt, erased, err := s.Canonical(t.Context(), 1)
	must(t, err)
	if c != nil || salt != ([32]byte{}) || !erased {
		t.Fatalf("canonical after erasure: got %q %x erased %v, want nothing", c, salt, erased)
	}
	_, err = s.Body(t.Context(), Record(1).Record.ID)
	wantError(t, "body after erasure", err, audit.ErrNotFound)
	r, err := s.Record(t.Context(), 1)
	must(t, err)
	want := audit.Record{ID: Record(1).Record.ID, Kind: audit.RecordPage, Source: "git", Collection: "c1", About: Record(1).Record.About,
		Collected: t0, Recorded: t0.Add(time.Microsecond), Index: 1}
	if d := cmp.Diff(want, r); d != "" {
		t.Fatalf("what is left of the record (-want +got):\n%s", d)
	}
	leaves, err := s.LeafRange(t.Context(), 0, 3)
	must(t, err)
	wantEqual(t, "commitment of the erased leaf", leaves[1], Record(1).Commitment)
	insert(t, s, Record(1))
	_, _, erased, err = s.Canonical(t.Context(), 1)
	must(t, err)
	wantEqual(t, "erased after inserting again", erased, true)
	_, err = s.Body(t.Context(), Record(1).Record.ID)
	wantError(t, "body after inserting again", err, audit.ErrNotFound)
	digest, err = s.Erase(t.Context(), 1)
	must(t, err)
	wantEqual(t, "digest the second time", digest, "")
	_, err = s.Erase(t.Context(), 9)
	wantError(t, "erasing what is not there", err, audit.ErrNotFound)
}

func doomed(t *testing.T, e *engine) {
	s := e.Open(t)
	a, b := Record(1), Record(2)
	b.Record.Digest = a.Record.Digest
	b = Seal(b.Record, nil)
	insert(t, s, a, b)
	sequence(t, s)
	n, err := s.CountDigest(t.Context(), a.Record.Digest)
	must(t, err)
	wantEqual(t, "records of the digest", n, 2)
	for i, want := range []int{0, 1} {
		_, err := s.Erase(t.Context(), int64(i))
		must(t, err)
		got, err := s.DoomedBlobs(t.Context())
		must(t, err)
		wantEqual(t, "doomed blobs", len(got), want)
	}
	must(t, s.ForgetBlob(t.Context(), a.Record.Digest))
	must(t, s.ForgetBlob(t.Context(), a.Record.Digest))
	got, err := s.DoomedBlobs(t.Context())
	must(t, err)
	wantEqual(t, "doomed blobs after they were deleted", len(got), 0)
}

func insertUnder(t *testing.T, e *engine) {
	s := e.Open(t)
	again := e.Again(t, s)
	ctx := t.Context()
	l, err := s.Lock(ctx, "collect/a", "a", time.Hour)
	must(t, err)
	must(t, s.InsertRecordsUnder(ctx, l, Records(0, 2)))
	must(t, s.Unlock(ctx, l))
	wantError(t, "after its end", s.InsertRecordsUnder(ctx, l, Records(2, 3)), store.ErrNotHeld)
	other, err := again.Lock(ctx, "collect/a", "b", time.Hour)
	must(t, err)
	wantError(t, "while another has it", s.InsertRecordsUnder(ctx, l, Records(2, 3)), store.ErrNotHeld)
	must(t, again.InsertRecordsUnder(ctx, other, Records(3, 4)))
	sequence(t, s)
	h, err := s.Head(ctx)
	must(t, err)
	wantEqual(t, "records", h.Size, 3)
}
