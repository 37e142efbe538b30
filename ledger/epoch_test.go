package ledger

import (
	"errors"
	"strings"
	"testing"
)

func TestRestoredStoreIsRefused(t *testing.T) {
	cases := map[string]struct {
		harm func(o opened)
		want error
	}{
		"behind": {func(o opened) { o.backend.restore(4) }, ErrForked},
		"empty":  {func(o opened) { *o.backend = *newMemory() }, ErrForked},
		"behind, then grown differently": {func(o opened) {
			o.backend.restore(4)
			o.backend.forget()
			regrow(o, "other")
		}, ErrForked},
		"anchor gone": {func(o opened) { o.anchor.saved = nil }, ErrNoAnchor},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := openLog(t, 4)
			o.grow(t, 3)
			c.harm(o)
			if _, err := Open(t.Context(), o.backend, o.signer, Options{Anchor: o.anchor}); !errors.Is(err, c.want) {
				t.Errorf("Open = %v; want %v", err, c.want)
			}
			if err := o.Reload(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("Reload = %v; want %v", err, c.want)
			}
			if _, err := o.Sequence(t.Context()); !errors.Is(err, ErrReload) {
				t.Errorf("Sequence = %v; want ErrReload", err)
			}
		})
	}
}

// regrow lets somebody without the anchor number other records over the store.
func regrow(o opened, id string) {
	for range 5 {
		o.backend.queue = append(o.backend.queue, Leaf{ID: id, Commitment: Commit([32]byte{9}, []byte(id))})
	}
	l, err := Open(tContext, o.backend, o.signer, Options{Anchor: &memoryAnchor{}, Adopt: true})
	if err == nil {
		_, err = l.Sequence(tContext)
	}
	if err != nil {
		panic(err)
	}
}

func TestAdoptIsAChoice(t *testing.T) {
	o := openLog(t, 4)
	o.anchor.saved = nil
	l, err := Open(t.Context(), o.backend, o.signer, Options{Anchor: o.anchor, Adopt: true})
	if err != nil {
		t.Fatal(err)
	}
	checkLog(t, l, o.backend, o.anchor, 4)
}

func TestNewEpochAfterRestore(t *testing.T) {
	o := openLog(t, 4)
	o.grow(t, 3)
	published := o.Checkpoint()
	o.backend.restore(4)
	l, err := NewEpoch(t.Context(), o.backend, o.signer, Options{Anchor: o.anchor}, Restored)
	if err != nil {
		t.Fatal(err)
	}
	first := l.Checkpoint()
	if first.Origin != testLog+"/epoch/2" || first.Epoch != 2 || first.Size != 4 {
		t.Errorf("first checkpoint = %+v; want epoch 2 at size 4", first)
	}
	if n, err := l.Sequence(t.Context()); err != nil || n != 3 {
		t.Fatalf("Sequence = %d, %v; want the 3 that waited again", n, err)
	}
	c, err := VerifyCheckpoint(l.Head().Note, o.signer.Key())
	if err != nil {
		t.Fatal(err)
	}
	e := c.Epochs[0]
	if len(c.Epochs) != 1 || e.Reason != Restored || e.From != 4 || e.Last != 7 || e.LastRoot != published.Root || !e.Abandoned() {
		t.Errorf("the epoch says %+v", e)
	}
	if want := "a checkpoint of 7 entries had been published that it does not continue"; !strings.Contains(e.String(), want) {
		t.Errorf("the epoch prints %q; want %q in it", e, want)
	}
	again, err := Open(t.Context(), o.backend, o.signer, Options{Anchor: o.anchor})
	if err != nil || again.Checkpoint().Epoch != 2 {
		t.Errorf("reopened: %v", err)
	}
}

// TestNewEpochSurvivesEveryFault fails each call while the epoch opens.
func TestNewEpochSurvivesEveryFault(t *testing.T) {
	for _, kept := range []bool{false, true} {
		for at := 1; ; at++ {
			o := openLog(t, 4)
			o.grow(t, 3)
			o.backend.restore(4)
			f := &fault{at: at, kept: kept}
			o.backend.fault, o.anchor.fault = f, f
			opt := Options{Anchor: o.anchor}
			_, err := NewEpoch(t.Context(), o.backend, o.signer, opt, Restored)
			if f.name == "" {
				break
			}
			if !errors.Is(err, errFault) {
				t.Fatalf("%s: %v; want the fault", f.name, err)
			}
			l, err := Open(t.Context(), o.backend, o.signer, opt)
			if errors.Is(err, ErrForked) {
				l, err = NewEpoch(t.Context(), o.backend, o.signer, opt, Restored)
			}
			if err != nil {
				t.Fatalf("%s kept=%v: %v", f.name, kept, err)
			}
			if c := l.Checkpoint(); c.Epoch != 2 || c.Epochs[0].Last != 7 {
				t.Errorf("%s kept=%v: %+v; want epoch 2 that owns up to 7", f.name, kept, c)
			}
		}
	}
}

func TestLostKeyOpensAnEpoch(t *testing.T) {
	o := openLog(t, 5)
	old, err := NewChain(o.signer.Key())
	if err != nil {
		t.Fatal(err)
	}
	next := newSigner(t, testLog)
	if _, err := NewEpoch(t.Context(), o.backend, o.signer, Options{Anchor: o.anchor, Keys: old}, KeyLost); err == nil {
		t.Error("the lost key opened the epoch itself")
	}
	l, err := NewEpoch(t.Context(), o.backend, next, Options{Anchor: o.anchor, Keys: old}, KeyLost)
	if err != nil {
		t.Fatal(err)
	}
	o.backend.insert(2)
	if _, err := l.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := l.Checkpoint().Epochs[0]; e.Abandoned() || e.From != 5 {
		t.Errorf("the epoch says %+v; want nothing abandoned", e)
	}
	if _, err := old.VerifyCheckpoint(l.Head().Note); !errors.Is(err, ErrVerify) {
		t.Errorf("the old keys alone: %v; want ErrVerify", err)
	}
	vouched, err := old.Vouch(2, next.Key())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vouched.VerifyCheckpoint(l.Head().Note); err != nil {
		t.Errorf("with the new key given: %v", err)
	}
	if got := vouched.Links()[1].String(); !strings.Contains(got, "no earlier key vouches for it") {
		t.Errorf("the link prints %q", got)
	}
	if _, err := Open(t.Context(), o.backend, next, Options{Anchor: o.anchor, Keys: vouched}); err != nil {
		t.Errorf("reopened: %v", err)
	}
	forged := l.Checkpoint()
	forged.Size = 6
	late, err := sign(forged.text(), o.signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vouched.VerifyCheckpoint(late); !errors.Is(err, ErrVerify) {
		t.Errorf("the lost key in the new epoch: %v; want ErrVerify", err)
	}
}

func TestEpochsCannotDenyWhatWasPublished(t *testing.T) {
	root := func(n byte) [32]byte { return [32]byte{n} }
	base := Checkpoint{Log: testLog, Epoch: 1, Size: 7, Root: root(7)}
	epoch := func(from, last int64, lastRoot [32]byte, size int64) Checkpoint {
		return Checkpoint{Log: testLog, Epoch: 2, Size: size, Root: root(byte(size)), Epochs: []EpochStart{{
			Epoch: 2, Reason: Restored, From: from, FromRoot: root(byte(from)), Last: last, LastRoot: lastRoot}}}
	}
	tree := func(size int64) ([32]byte, error) { return root(byte(size)), nil }
	cases := map[string]struct {
		head Checkpoint
		ok   bool
	}{
		"owns up":                    {epoch(4, 7, root(7), 9), true},
		"owns up to more":            {epoch(4, 8, root(8), 9), true},
		"speaks of less":             {epoch(4, 6, root(6), 9), false},
		"names another root":         {epoch(4, 7, root(1), 9), false},
		"continues all of it":        {epoch(7, 7, root(7), 9), true},
		"goes back to the old epoch": {Checkpoint{Log: testLog, Epoch: 1, Size: 6, Root: root(6)}, false},
		"is another log":             {Checkpoint{Log: "other", Epoch: 1, Size: 9, Root: root(9)}, false},
	}
	for name, c := range cases {
		err := continues(base, c.head, tree)
		if c.ok != (err == nil) || err != nil && !errors.Is(err, ErrForked) {
			t.Errorf("%s: %v; want accepted: %v", name, err, c.ok)
		}
	}
	if err := continues(base, base, func(int64) ([32]byte, error) { return root(1), nil }); !errors.Is(err, ErrForked) {
		t.Errorf("another tree under the same head: %v; want ErrForked", err)
	}
	if err := continues(epoch(4, 7, root(7), 9), base, tree); !errors.Is(err, ErrForked) {
		t.Errorf("from epoch 2 back to 1: %v; want ErrForked", err)
	}
}
