package ledger

import (
	"context"
	"errors"
	"testing"
	"time"
)

// tContext is for helpers that have no test at hand.
var tContext = context.Background()

func newWitness(t testing.TB, name string) *Witness {
	t.Helper()
	skey, _, err := GenerateKey(name)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWitness(skey, FileWitnessState{Dir: t.TempDir() + "/state"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// show brings the log's head to the witness with the proof it needs.
func show(t testing.TB, l *Log, w *Witness) Exchange {
	t.Helper()
	last, _, err := w.Seen(t.Context(), testLog)
	if err != nil {
		t.Fatal(err)
	}
	x, err := l.Show(t.Context(), last)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestWitnessFollowsALog(t *testing.T) {
	o := openLog(t, 3)
	w := newWitness(t, "firm.example/witness")
	if _, err := w.Cosign(t.Context(), Exchange{Checkpoint: o.Head().Note}); err == nil {
		t.Error("cosigned a log it does not follow")
	}
	w.Follow(o.Keys())
	for range 3 {
		line, err := w.Cosign(t.Context(), show(t, o.Log, w))
		if err != nil {
			t.Fatal(err)
		}
		c, err := o.KeepCosignature(t.Context(), o.Head().Size, line, w.Key())
		if err != nil || c.Size != o.Head().Size || time.Since(c.At).Abs() > time.Minute {
			t.Errorf("cosignature = %v, %v", c, err)
		}
		kept, _ := o.backend.Cosignatures(t.Context(), o.Head().Size)
		if string(kept["witness:firm.example/witness"]) != string(line) {
			t.Errorf("kept %q", kept)
		}
		o.grow(t, 5)
	}
	last, seen, err := w.Seen(t.Context(), testLog)
	if err != nil || !seen || last.Size != 13 {
		t.Errorf("seen = %d, %v, %v; want 13", last.Size, seen, err)
	}
}

func TestWitnessRefusesAFork(t *testing.T) {
	o := openLog(t, 4)
	w := newWitness(t, "witness.example")
	w.Follow(o.Keys())
	early := o.Head().Note
	o.grow(t, 3)
	if _, err := w.Cosign(t.Context(), show(t, o.Log, w)); err != nil {
		t.Fatal(err)
	}
	fork := openLog(t, 0)
	fork.backend.queue = []Leaf{{ID: "x", Commitment: Commit([32]byte{1}, []byte("x"))}}
	forged := &Log{backend: fork.backend, signer: o.signer, opt: Options{Keys: o.Keys()}, head: fork.Checkpoint()}
	leaves, _ := fork.backend.Pending(t.Context(), 1)
	sized := func(n int) []byte {
		many := make([]Leaf, n)
		for i := range many {
			many[i] = leaves[0]
		}
		b, _, err := forged.batch(t.Context(), many)
		if err != nil {
			t.Fatal(err)
		}
		return b.Head.Note
	}
	cases := map[string]Exchange{
		"an older state":          {Checkpoint: early},
		"same size, other root":   {Checkpoint: sized(7)},
		"grown from another tree": {Checkpoint: sized(9), Proof: [][32]byte{{1}, {2}, {3}}},
		"grown without a proof":   {Checkpoint: sized(9)},
	}
	for name, x := range cases {
		if _, err := w.Cosign(t.Context(), x); !errors.Is(err, ErrForked) {
			t.Errorf("%s: %v; want ErrForked", name, err)
		}
	}
	if _, err := w.Cosign(t.Context(), show(t, o.Log, w)); err != nil {
		t.Errorf("the true log afterwards: %v", err)
	}
}

func TestWitnessAcceptsAnEpochOnlyWhenTold(t *testing.T) {
	for name, lost := range map[string]int64{"nothing the witness saw is lost": 7, "entries are lost": 4} {
		t.Run(name, func(t *testing.T) {
			o := openLog(t, 4)
			o.grow(t, 3)
			w := newWitness(t, "witness.example")
			w.Follow(o.Keys())
			if _, err := w.Cosign(t.Context(), show(t, o.Log, w)); err != nil {
				t.Fatal(err)
			}
			if lost < 7 {
				o.backend.restore(lost)
			}
			l, err := NewEpoch(t.Context(), o.backend, o.signer, Options{Anchor: o.anchor}, Restored)
			if err != nil {
				t.Fatal(err)
			}
			o.backend.insert(4)
			if _, err := l.Sequence(t.Context()); err != nil {
				t.Fatal(err)
			}
			x := show(t, l, w)
			if _, err := w.Cosign(t.Context(), x); !errors.Is(err, ErrNewEpoch) {
				t.Errorf("Cosign = %v; want ErrNewEpoch", err)
			}
			if _, err := w.AcceptEpoch(t.Context(), Exchange{Checkpoint: x.Checkpoint}); !errors.Is(err, ErrForked) {
				t.Errorf("AcceptEpoch without proof = %v; want ErrForked", err)
			}
			if _, err := w.AcceptEpoch(t.Context(), x); err != nil {
				t.Errorf("AcceptEpoch = %v", err)
			}
			if _, err := w.Cosign(t.Context(), show(t, l, w)); err != nil {
				t.Errorf("Cosign in the epoch = %v", err)
			}
		})
	}
}

// failingState loses or keeps a write and reports failure.
type failingState struct {
	FileWitnessState
	kept bool
}

func (s failingState) Keep(ctx context.Context, log string, prev, next []byte) error {
	if s.kept {
		if err := s.FileWitnessState.Keep(ctx, log, prev, next); err != nil {
			return err
		}
	}
	return errFault
}

func TestWitnessKeepsBeforeItSigns(t *testing.T) {
	for _, kept := range []bool{false, true} {
		o := openLog(t, 4)
		dir := FileWitnessState{Dir: t.TempDir()}
		skey, _, err := GenerateKey("witness.example")
		if err != nil {
			t.Fatal(err)
		}
		broken, err := NewWitness(skey, failingState{dir, kept})
		if err != nil {
			t.Fatal(err)
		}
		broken.Follow(o.Keys())
		if line, err := broken.Cosign(t.Context(), Exchange{Checkpoint: o.Head().Note}); !errors.Is(err, errFault) || line != nil {
			t.Errorf("kept=%v: line %q, %v; want no line", kept, line, err)
		}
		w, err := NewWitness(skey, dir)
		if err != nil {
			t.Fatal(err)
		}
		w.Follow(o.Keys())
		if _, seen, _ := w.Seen(t.Context(), testLog); seen != kept {
			t.Errorf("kept=%v: seen %v", kept, seen)
		}
		if _, err := w.Cosign(t.Context(), show(t, o.Log, w)); err != nil {
			t.Errorf("kept=%v: afterwards %v", kept, err)
		}
	}
}

func TestFileWitnessStateComparesBeforeItSwaps(t *testing.T) {
	s := FileWitnessState{Dir: t.TempDir()}
	if err := s.Keep(t.Context(), "a", nil, []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := s.Keep(t.Context(), "a", nil, []byte("2")); err == nil {
		t.Error("replaced a state that was not the one expected")
	}
	if got, err := s.Last(t.Context(), "a"); string(got) != "1" || err != nil {
		t.Errorf("Last = %q, %v; want the first", got, err)
	}
	if got, err := s.Last(t.Context(), "b"); got != nil || err != nil {
		t.Errorf("another log has state %q, %v", got, err)
	}
}

func TestEveryByteOfACosignatureCounts(t *testing.T) {
	o := openLog(t, 3)
	w := newWitness(t, "witness.example")
	w.Follow(o.Keys())
	line, err := w.Cosign(t.Context(), Exchange{Checkpoint: o.Head().Note})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyCosignature(o.Head().Note, line, w.Key()); err != nil {
		t.Fatal(err)
	}
	flips(line, func(i int, changed []byte) {
		if _, err := VerifyCosignature(o.Head().Note, changed, w.Key()); !errors.Is(err, ErrVerify) {
			t.Errorf("byte %d changed to %q: %v; want ErrVerify", i, changed[i], err)
		}
	})
	other := newWitness(t, "witness.example")
	if _, err := VerifyCosignature(o.Head().Note, line, other.Key()); !errors.Is(err, ErrVerify) {
		t.Errorf("another key of the name: %v; want ErrVerify", err)
	}
	o.grow(t, 1)
	if _, err := VerifyCosignature(o.Head().Note, line, w.Key()); !errors.Is(err, ErrVerify) {
		t.Errorf("another checkpoint: %v; want ErrVerify", err)
	}
	if _, err := VerifyCosignature(o.Head().Note, line, o.signer.Key()); err == nil {
		t.Error("a log's key was taken for a witness's")
	}
}

func TestVerifyCosigned(t *testing.T) {
	r := rotate(t)
	known, stranger := newWitness(t, "known.example"), newWitness(t, "stranger.example")
	note := r.Head().Note
	for _, w := range []*Witness{stranger, known} {
		w.Follow(r.chain)
		line, err := w.Cosign(t.Context(), Exchange{Checkpoint: r.Head().Note})
		if err != nil {
			t.Fatal(err)
		}
		if note, err = WithCosignatures(note, line); err != nil {
			t.Fatal(err)
		}
	}
	c, err := VerifyCosigned(note, r.chain, known.Key())
	if err != nil || c.Checkpoint.Size != 4 || len(c.Witnessed) != 1 || len(c.Unchecked) != 1 || c.Unchecked[0] != stranger.Key().ID() {
		t.Errorf("cosigned = %+v, %v; want one witnessed, %s unchecked", c, err, stranger.Key().ID())
	}
	plain, err := VerifyCosigned(r.Head().Note, r.chain, known.Key())
	if err != nil || len(plain.Witnessed) != 0 {
		t.Errorf("plain = %+v, %v; want no witness", plain, err)
	}
	flips(note, func(i int, changed []byte) {
		got, err := VerifyCosigned(changed, r.chain, known.Key(), stranger.Key())
		if err == nil && len(got.Unchecked) == 0 {
			t.Errorf("byte %d changed to %q went unnoticed", i, changed[i])
		}
	})
	if _, err := VerifyCosigned(note, Chain{}, known.Key()); !errors.Is(err, ErrVerify) {
		t.Errorf("without the log's keys: %v; want ErrVerify", err)
	}
}

func TestShowRefuses(t *testing.T) {
	if _, err := openLog(t, 0).Show(t.Context(), Checkpoint{}); err == nil {
		t.Error("an empty log has something to show")
	}
	o := openLog(t, 2)
	if _, err := o.Show(t.Context(), Checkpoint{Epoch: 1, Size: 3}); !errors.Is(err, ErrForked) {
		t.Errorf("to a witness that saw more: %v; want ErrForked", err)
	}
}

func FuzzCosignature(f *testing.F) {
	o := openLog(f, 3)
	w := newWitness(f, "witness.example")
	w.Follow(o.Keys())
	line, err := w.Cosign(f.Context(), Exchange{Checkpoint: o.Head().Note})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte("— a AAAAAAA=\n"))
	note := o.Head().Note
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseSigLine(string(data))
		if err == nil && s.String() != string(data) {
			t.Errorf("line %q is re-encoded to %q", data, s)
		}
		if _, err := VerifyCosignature(note, data, w.Key()); err == nil && string(data) != string(line) {
			t.Errorf("another line verifies: %q", data)
		}
	})
}
