package ledger

import (
	"errors"
	"strings"
	"testing"
)

// rotated is a log of 4 entries whose key changed after 3.
type rotated struct {
	opened
	old      Signer
	handover []byte
	chain    Chain
	oldHead  []byte // the last checkpoint of the old key
}

func rotate(t testing.TB) rotated {
	t.Helper()
	o := openLog(t, 3)
	r := rotated{old: o.signer, oldHead: o.Head().Note}
	next := newSigner(t, testLog)
	var err error
	if r.handover, err = o.HandOver(next); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Sequence(t.Context()); !errors.Is(err, ErrReload) {
		t.Errorf("the old key sequences after its hand-over: %v", err)
	}
	if r.chain, err = NewChain(o.signer.Key(), r.handover); err != nil {
		t.Fatal(err)
	}
	o.signer = next
	if o.Log, err = Open(t.Context(), o.backend, next, Options{Anchor: o.anchor, Keys: r.chain}); err != nil {
		t.Fatal(err)
	}
	o.grow(t, 1)
	r.opened = o
	return r
}

func TestHandoverCarriesTheLogOn(t *testing.T) {
	r := rotate(t)
	checkLog(t, r.Log, r.backend, r.anchor, 4)
	c, err := r.chain.VerifyCheckpoint(r.Head().Note)
	if err != nil || c.Key.VKey() != r.signer.Key().VKey() {
		t.Errorf("head verified by %s, %v; want the new key", c.Key.ID(), err)
	}
	if _, err := r.chain.VerifyCheckpoint(r.oldHead); err != nil {
		t.Errorf("the old key's last checkpoint: %v", err)
	}
	links := r.chain.Links()
	if len(links) != 2 || links[0].Trust != Given || links[1].Trust != HandedOver || links[1].Size != 3 {
		t.Errorf("links = %v", links)
	}
	if _, err := Open(t.Context(), r.backend, r.old, Options{Anchor: r.anchor, Keys: r.chain}); err == nil {
		t.Error("the old key may still sign")
	}
	onlyOld, err := NewChain(r.old.Key())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := onlyOld.VerifyCheckpoint(r.Head().Note); !errors.Is(err, ErrVerify) {
		t.Errorf("without the hand-over: %v; want ErrVerify", err)
	}
}

func TestKeyOutOfForceIsRefused(t *testing.T) {
	r := rotate(t)
	c := r.Checkpoint()
	late, err := sign(c.text(), r.old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.chain.VerifyCheckpoint(late); !errors.Is(err, ErrVerify) || !strings.Contains(err.Error(), "not in force") {
		t.Errorf("old key at size 4: %v; want not in force", err)
	}
	c.Size = 2
	early, err := sign(c.text(), r.signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.chain.VerifyCheckpoint(early); !errors.Is(err, ErrVerify) {
		t.Errorf("new key at size 2: %v; want ErrVerify", err)
	}
	c.Size = 3 // another root at the very size that was handed over
	other, err := sign(c.text(), r.signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.chain.VerifyCheckpoint(other); !errors.Is(err, ErrVerify) || !strings.Contains(err.Error(), "handed over") {
		t.Errorf("another root at the hand-over: %v; want ErrVerify", err)
	}
}

func TestEveryByteOfAHandoverCounts(t *testing.T) {
	r := rotate(t)
	h, err := VerifyHandover(r.handover, r.old.Key())
	if err != nil || h.Size != 3 || h.Log != testLog || h.New.VKey() != r.signer.Key().VKey() {
		t.Fatalf("hand-over = %+v, %v", h, err)
	}
	flips(r.handover, func(i int, changed []byte) {
		if _, err := VerifyHandover(changed, r.old.Key()); err == nil {
			t.Errorf("byte %d changed to %q went unnoticed", i, changed[i])
		}
	})
	for i := range r.handover {
		if _, err := VerifyHandover(r.handover[:i], r.old.Key()); err == nil {
			t.Errorf("the first %d bytes verify", i)
		}
	}
}

func TestHandoverRefuses(t *testing.T) {
	o := openLog(t, 2)
	next, stranger := newSigner(t, testLog), newSigner(t, "other.example")
	at := o.Checkpoint()
	if _, err := SignHandover(o.signer, stranger, at); err == nil {
		t.Error("handed over to a key of another name")
	}
	if _, err := SignHandover(o.signer, o.signer, at); err == nil {
		t.Error("handed over to itself")
	}
	if _, err := SignHandover(next, o.signer, at); err == nil {
		t.Error("handed over by a key that did not sign the checkpoint")
	}
	h := Handover{Log: testLog, Old: o.signer.Key(), New: next.Key(), Epoch: 1, Size: 2, Root: at.Root}
	for name, by := range map[string][]Signer{"only the new key": {next}, "only the old key": {o.signer}} {
		msg, err := sign(h.text(), by...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := VerifyHandover(msg, o.signer.Key()); !errors.Is(err, ErrVerify) {
			t.Errorf("%s: %v; want ErrVerify", name, err)
		}
	}
	msg, err := SignHandover(o.signer, next, at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyHandover(msg, next.Key()); !errors.Is(err, ErrVerify) {
		t.Errorf("given by another key: %v; want ErrVerify", err)
	}
	if _, err := NewChain(o.signer.Key(), msg, msg); err == nil {
		t.Error("one hand-over was followed twice")
	}
	if _, err := NewChain(Key{}); err == nil {
		t.Error("a chain without a first key")
	}
	if _, err := (Chain{}).VerifyCheckpoint(o.Head().Note); err == nil {
		t.Error("the zero Chain verified a checkpoint")
	}
}

// TestHandoverOvertaken: the old key numbered more after its hand-over.
func TestHandoverOvertaken(t *testing.T) {
	o := openLog(t, 3)
	second, err := Open(t.Context(), o.backend, o.signer, Options{Anchor: o.anchor})
	if err != nil {
		t.Fatal(err)
	}
	next := newSigner(t, testLog)
	msg, err := o.HandOver(next)
	if err != nil {
		t.Fatal(err)
	}
	o.backend.insert(1)
	if _, err := second.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	chain, err := NewChain(o.signer.Key(), msg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), o.backend, next, Options{Anchor: o.anchor, Keys: chain}); !errors.Is(err, ErrVerify) {
		t.Errorf("opened over an overtaken hand-over: %v; want ErrVerify", err)
	}
	if msg, err = second.HandOver(next); err != nil {
		t.Fatal(err)
	}
	if chain, err = NewChain(o.signer.Key(), msg); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), o.backend, next, Options{Anchor: o.anchor, Keys: chain}); err != nil {
		t.Errorf("opened with the newer hand-over: %v", err)
	}
}

func FuzzHandover(f *testing.F) {
	r := rotate(f)
	f.Add(r.handover)
	f.Add(r.oldHead)
	f.Fuzz(func(t *testing.T, msg []byte) {
		text, _, err := splitNote(msg)
		if err != nil {
			return
		}
		if h, err := parseHandover(text); err == nil && h.text() != text {
			t.Errorf("hand-over %q is re-encoded to %q", text, h.text())
		}
		if h, err := VerifyHandover(msg, r.old.Key()); err == nil && h.New.VKey() != r.signer.Key().VKey() {
			t.Errorf("a hand-over to %s out of nowhere", h.New.ID())
		}
	})
}
