package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/store"
)

func isFenced(err error) bool {
	var f interface{ Fenced() bool }
	return errors.As(err, &f) && f.Fenced()
}

func isMoved(err error) bool {
	var m interface{ Moved() bool }
	return errors.As(err, &m) && m.Moved()
}

func pendingOrder(t *testing.T, e *engine) {
	s := e.Open(t)
	var want []string
	for _, n := range []int{5, 3, 4, 1, 2} { // not the order of the IDs
		insert(t, s, Record(n))
		want = append(want, Record(n).Record.ID)
	}
	leaves, err := s.Pending(t.Context(), 4)
	must(t, err)
	var got []string
	for _, l := range leaves {
		got = append(got, l.ID)
	}
	if d := cmp.Diff(want[:4], got); d != "" {
		t.Fatalf("pending (-want +got):\n%s", d)
	}
}

func commitOnce(t *testing.T, e *engine) {
	s := e.Open(t)
	h, err := s.Head(t.Context())
	must(t, err)
	if d := cmp.Diff(store.Head{}, h); d != "" {
		t.Fatalf("head of an empty log (-want +got):\n%s", d)
	}
	insert(t, s, Records(0, 1203)...)
	fence, err := s.Fence(t.Context(), "a")
	must(t, err)
	b := nextBatch(t, s, 1100)
	must(t, s.Commit(t.Context(), fence, b))
	if err := s.Commit(t.Context(), fence, b); !isMoved(err) || !errors.Is(err, audit.ErrConflict) {
		t.Fatalf("the same batch again: got %v, want a moved head", err)
	}
	h, err = s.Head(t.Context())
	must(t, err)
	if d := cmp.Diff(b.Head, h); d != "" {
		t.Fatalf("head (-want +got):\n%s", d)
	}
	leaves, err := s.Pending(t.Context(), 2000)
	must(t, err)
	wantEqual(t, "pending", len(leaves), 103)
	must(t, s.Commit(t.Context(), fence, nextBatch(t, s, 2000)))
	old, err := s.HeadAt(t.Context(), 1100)
	must(t, err)
	if d := cmp.Diff(b.Head, old); d != "" {
		t.Fatalf("head of size 1100 (-want +got):\n%s", d)
	}
	_, err = s.HeadAt(t.Context(), 7)
	wantError(t, "head of a size there never was", err, audit.ErrNotFound)
	readsBack(t, s, b)
}

func readsBack(t *testing.T, s *store.Store, b store.Batch) {
	t.Helper()
	ids := []int64{900, 3, 3, 0}
	hashes, err := s.ReadHashes(t.Context(), ids)
	must(t, err)
	for i, id := range ids {
		wantEqual(t, "hash", hashes[i], b.Hashes[id])
	}
	_, err = s.ReadHashes(t.Context(), []int64{0, 5000})
	wantError(t, "a hash there is not", err, audit.ErrNotFound)
	range_, err := s.LeafRange(t.Context(), 0, 1203)
	must(t, err)
	for i, c := range range_ {
		wantEqual(t, "commitment", c, Record(i).Commitment)
	}
	_, err = s.LeafRange(t.Context(), 1200, 1204)
	wantError(t, "leaves beyond the log", err, audit.ErrNotFound)
}

func fences(t *testing.T, e *engine) {
	s := e.Open(t)
	insert(t, s, Records(0, 2)...)
	old, err := s.Fence(t.Context(), "a")
	must(t, err)
	newer, err := e.Again(t, s).Fence(t.Context(), "b")
	must(t, err)
	if newer <= old {
		t.Fatalf("fences %d, %d: want a higher one each time", old, newer)
	}
	b := nextBatch(t, s, 10)
	if err := s.Commit(t.Context(), old, b); !isFenced(err) || !errors.Is(err, audit.ErrConflict) {
		t.Fatalf("commit under the old fence: got %v, want fenced", err)
	}
	if err := s.Commit(t.Context(), newer+1, b); !isFenced(err) {
		t.Fatalf("commit under a fence that was never given: got %v, want fenced", err)
	}
	must(t, s.Commit(t.Context(), newer, b))
}

// sequencerRace lets several processes fence and commit what they think is
// next, until all is numbered: no leaf may get two indexes or none.
func sequencerRace(t *testing.T, e *engine) {
	s := e.Open(t)
	insert(t, s, Records(0, 60)...)
	stores := []*store.Store{s, e.Again(t, s), e.Again(t, s)}
	var wg sync.WaitGroup
	errs := make(chan error, 1000)
	for i, s := range stores {
		wg.Go(func() {
			for range 20 {
				err := fenceAndCommit(t.Context(), s, string(rune('a'+i)))
				if err != nil && !isFenced(err) && !isMoved(err) {
					errs <- err
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	sequence(t, s)
	h, err := s.Head(t.Context())
	must(t, err)
	wantEqual(t, "size", h.Size, 60)
	leaves, err := s.LeafRange(t.Context(), 0, 60)
	must(t, err)
	for i, c := range leaves {
		wantEqual(t, "commitment", c, Record(i).Commitment)
	}
}

func fenceAndCommit(ctx context.Context, s *store.Store, holder string) error {
	fence, err := s.Fence(ctx, holder)
	if err != nil {
		return err
	}
	b, err := tryBatch(ctx, s, 3)
	if err != nil {
		return err
	}
	return s.Commit(ctx, fence, b)
}

func badBatches(t *testing.T, e *engine) {
	s := e.Open(t)
	insert(t, s, Records(0, 4)...)
	fence, err := s.Fence(t.Context(), "a")
	must(t, err)
	tests := []struct {
		name  string
		spoil func(*store.Batch)
		want  error
	}{
		{"size that does not fit", func(b *store.Batch) { b.Head.Size++ }, audit.ErrInvalid},
		{"hashes that do not fit", func(b *store.Batch) { b.FirstHash = 1 }, audit.ErrInvalid},
		{"a leaf nobody inserted", func(b *store.Batch) { b.Leaves[2].ID = "nobody" }, audit.ErrConflict},
		{"a leaf with another commitment", func(b *store.Batch) { b.Leaves[2].Commitment[0] ^= 1 }, audit.ErrConflict},
		{"a leaf twice", func(b *store.Batch) { b.Leaves[2] = b.Leaves[1] }, audit.ErrConflict},
		{"another root before", func(b *store.Batch) { b.Prev.Root[0] ^= 1 }, audit.ErrConflict},
		{"another note before", func(b *store.Batch) { b.Prev.Note = []byte("x") }, audit.ErrConflict},
	}
	for _, tc := range tests {
		b := nextBatch(t, s, 10)
		tc.spoil(&b)
		wantError(t, tc.name, s.Commit(t.Context(), fence, b), tc.want)
		leaves, err := s.Pending(t.Context(), 10)
		must(t, err)
		wantEqual(t, tc.name+": pending", len(leaves), 4)
	}
	must(t, s.Commit(t.Context(), fence, nextBatch(t, s, 10)))
}

func sameSizeHead(t *testing.T, e *engine) {
	s := e.Open(t)
	insert(t, s, Records(0, 2)...)
	sequence(t, s)
	b := nextBatch(t, s, 10)
	b.FirstHash, b.Head.Epoch, b.Head.Note = 2, 2, []byte("epoch 2")
	fence, err := s.Fence(t.Context(), "a")
	must(t, err)
	must(t, s.Commit(t.Context(), fence, b))
	h, err := s.HeadAt(t.Context(), 2)
	must(t, err)
	if d := cmp.Diff(b.Head, h); d != "" {
		t.Fatalf("newest head of size 2 (-want +got):\n%s", d)
	}
}

func cosignatures(t *testing.T, e *engine) {
	s := e.Open(t)
	must(t, s.Cosign(t.Context(), 7, "Witness", []byte("one")))
	must(t, s.Cosign(t.Context(), 7, "witness", []byte("two")))
	must(t, s.Cosign(t.Context(), 7, "Witness", []byte{0, 255}))
	must(t, s.Cosign(t.Context(), 8, "Witness", []byte("eight")))
	got, err := s.Cosignatures(t.Context(), 7)
	must(t, err)
	if d := cmp.Diff(map[string][]byte{"Witness": {0, 255}, "witness": []byte("two")}, got); d != "" {
		t.Fatalf("cosignatures (-want +got):\n%s", d)
	}
}
