// Package storetest is what every engine has to do alike: both run this suite.
// It holds the engines to each other where they are known to differ: order and
// collation, precision of time, NULL and NUL, large values, and two processes
// that want the same thing at once.
package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/store"
)

// A Place is where one store is: a file or a schema of its own, new and empty,
// removed when the test ends.
type Place struct {
	Open func(ctx context.Context) (*store.Store, error) // opens it, as one process does
	Exec func(t testing.TB, query string)                // runs SQL behind the store's back
}

// An engine makes stores for tests and knows where they are.
type engine struct {
	place  func(t testing.TB) Place
	mu     sync.Mutex
	places map[*store.Store]Place
}

// Open makes a new empty store.
func (e *engine) Open(t testing.TB) *store.Store { return e.open(t, e.place(t)) }

// Again opens the same store once more, as another process would.
func (e *engine) Again(t testing.TB, s *store.Store) *store.Store {
	e.mu.Lock()
	p := e.places[s]
	e.mu.Unlock()
	return e.open(t, p)
}

func (e *engine) open(t testing.TB, p Place) *store.Store {
	t.Helper()
	s, err := p.Open(t.Context())
	must(t, err)
	t.Cleanup(func() { s.Close() })
	e.mu.Lock()
	defer e.mu.Unlock()
	e.places[s] = p
	return s
}

// Run runs the whole suite on stores at places that place makes.
func Run(t *testing.T, place func(t testing.TB) Place) {
	e := &engine{place: place, places: map[*store.Store]Place{}}
	tests := []struct {
		name string
		run  func(*testing.T, *engine)
	}{
		{"records come back byte for byte", recordsRoundTrip},
		{"inserting again is a no-op", insertAgain},
		{"another record under a known ID is refused", insertOther},
		{"a batch is inserted whole or not at all", insertAllOrNone},
		{"records are found by filter, in the order of the log", recordFilter},
		{"text that one engine cannot keep is refused by both", refuseText},
		{"erasing keeps the log whole", erase},
		{"doomed blobs are those no record needs", doomed},
		{"pending records come in order of insertion", pendingOrder},
		{"a batch is committed once", commitOnce},
		{"a fence voids the one before", fences},
		{"of concurrent sequencers one commits", sequencerRace},
		{"a batch that does not fit leaves nothing", badBatches},
		{"a new epoch has a head of the same size", sameSizeHead},
		{"cosignatures", cosignatures},
		{"collections end once and are found", collections},
		{"a killed collection resumes at its cursors", resume},
		{"a timeline comes back in byte order of its ids", timelineOrder},
		{"instants keep their microsecond", timePrecision},
		{"appending again changes nothing", appendAgain},
		{"appending goes on in later segments", appendMore},
		{"large bodies", largeBodies},
		{"one key in two modes is two streams", twoModes},
		{"a dropped stream is gone and can be rebuilt", dropStream},
		{"a type without streams covers nothing", emptyTimeline},
		{"concurrent writers of one stream lose nothing", streamRace},
		{"revisions", revisions},
		{"runs are replaced as a whole", runs},
		{"decisions are added, never changed", decisions},
		{"meta values of any bytes", meta},
		{"a lock has one holder", locks},
		{"of concurrent holders one gets the lock", lockRace},
		{"accounts come back as they were", accountsRoundTrip},
		{"a change of access that does not fit leaves nothing", accessConflicts},
		{"sessions, invitations and tokens", accessKeys},
		{"activities are numbered and sealed once", activities},
		{"concurrent changes of access lose nothing", accessRace},
		{"attempts are counted one by one", attempts},
		{"passkeys, identities and a directory's words", identityRoundTrip},
		{"a change of identity that does not fit leaves nothing", identityConflicts},
		{"a challenge is taken once", challenges},
		{"who has lost a lock inserts nothing more", insertUnder},
		{"jobs come back as they were", jobsRoundTrip},
		{"one open job has a key", jobKeys},
		{"jobs are taken in order", jobOrder},
		{"who has lost a job writes nothing more", jobLeases},
		{"jobs are canceled", jobCancel},
		{"of concurrent workers each takes other jobs", claimRace},
		{"times of earlier jobs", jobTimes},
		{"a schedule is due once", schedules},
		{"of concurrent workers one makes the job that is due", fireRace},
		{"everything is there after a restart", restart},
		{"opening at once migrates once", openRace},
		{"a newer schema is refused", newerSchema},
		{"a backup restores into an empty store", backup},
		{"a backup never overwrites", backupRefuses},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, e) })
	}
}

// t0 has six decimals that a coarser clock would lose.
var t0 = time.Date(2026, 3, 1, 12, 30, 15, 123457000, time.UTC)

// Record makes a sealed record whose bytes depend on n only.
func Record(n int) store.Sealed {
	body := fmt.Appendf(nil, `{"page":%d}`, n)
	sum := sha256.Sum256(body)
	r := audit.Record{
		ID: fmt.Sprintf("01900000-0000-7000-8000-%012x", n), Kind: audit.RecordPage, Source: "git", Collection: "c1",
		PageKind: "git.commits", Scope: "api", Query: "git log \x00 \u00e9", Media: "application/json",
		About:     audit.Span{From: t0.Add(time.Duration(n) * time.Hour), To: t0.Add(time.Duration(n+1) * time.Hour)},
		Collected: t0, Recorded: t0.Add(time.Microsecond), Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(body)),
		Actor: audit.Actor{Kind: audit.ActorConnector, Name: "git"}, Index: audit.Unsequenced,
	}
	return Seal(r, body)
}

// Seal makes a Sealed of a record and its bytes, with a salt made of its ID.
func Seal(r audit.Record, body []byte) store.Sealed {
	c, err := canonical.Marshal(r)
	if err != nil {
		panic(err) // the suite's own records
	}
	salt := sha256.Sum256([]byte("salt" + r.ID))
	return store.Sealed{Record: r, Canonical: c, Salt: salt, Commitment: sha256.Sum256(append(salt[:], c...)), Body: body}
}

// Records makes the records [from, to).
func Records(from, to int) (out []store.Sealed) {
	for n := from; n < to; n++ {
		out = append(out, Record(n))
	}
	return out
}

// insert inserts records.
func insert(t *testing.T, s *store.Store, recs ...store.Sealed) {
	t.Helper()
	must(t, s.InsertRecords(t.Context(), recs))
}

// sequence gives every pending record its index, by a stand-in for the log:
// the hashes are numbered as a tree's would be, what they are does not matter.
func sequence(t *testing.T, s *store.Store) {
	t.Helper()
	fence, err := s.Fence(t.Context(), "test")
	must(t, err)
	must(t, s.Commit(t.Context(), fence, nextBatch(t, s, 1000)))
}

// nextBatch makes the batch of what is pending.
func nextBatch(t *testing.T, s *store.Store, limit int) store.Batch {
	t.Helper()
	b, err := tryBatch(t.Context(), s, limit)
	must(t, err)
	return b
}

func tryBatch(ctx context.Context, s *store.Store, limit int) (store.Batch, error) {
	prev, err := s.Head(ctx)
	if err != nil {
		return store.Batch{}, err
	}
	leaves, err := s.Pending(ctx, limit)
	if err != nil {
		return store.Batch{}, err
	}
	b := store.Batch{Prev: prev, Leaves: leaves, FirstHash: prev.Size}
	for _, l := range leaves {
		b.Hashes = append(b.Hashes, sha256.Sum256(l.Commitment[:]))
	}
	size := prev.Size + int64(len(leaves))
	b.Head = store.Head{Epoch: 1, Size: size, Root: sha256.Sum256(fmt.Append(nil, size)), Note: fmt.Appendf(nil, "note %d\n", size)}
	return b, nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: got error %v, want %q", what, err, want)
	}
}

func wantEqual[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func wantBytes(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Fatalf("%s: got %.200q, want %.200q", what, got, want)
	}
}
