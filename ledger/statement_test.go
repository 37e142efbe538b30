package ledger

import (
	"errors"
	"strings"
	"testing"
)

const testTag = "tieout test statement 1"

func TestStatement(t *testing.T) {
	r := rotate(t)
	signer := r.signer
	msg, err := SignStatement(signer, testTag, "one\ntwo\n")
	if err != nil {
		t.Fatal(err)
	}
	text, by, err := VerifyStatement(msg, testTag, r.old.Key(), signer.Key())
	if err != nil || text != "one\ntwo\n" || by.VKey() != signer.Key().VKey() {
		t.Fatalf("got %q by %s, %v", text, by.ID(), err)
	}
	for i := range msg {
		for _, bit := range []byte{1, 0x20, 0x80} {
			bad := append([]byte{}, msg...)
			bad[i] ^= bit
			if _, _, err := VerifyStatement(bad, testTag, signer.Key()); !errors.Is(err, ErrVerify) {
				t.Fatalf("byte %d changed by %x: %v", i, bit, err)
			}
		}
	}
	for name, c := range map[string]struct {
		tag string
		key Key
	}{"another tag": {"tieout other 1", signer.Key()}, "another key": {testTag, r.old.Key()}} {
		if _, _, err := VerifyStatement(msg, c.tag, c.key); !errors.Is(err, ErrVerify) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string][2]string{
		"a tag that could be an origin": {"tieout", "x\n"}, "no newline at the end": {testTag, "x"}, "a control character": {testTag, "x\x01\n"},
		"a tag of two lines": {"a b\nc", "x\n"},
	} {
		if _, err := SignStatement(signer, c[0], c[1]); err == nil {
			t.Errorf("%s was signed", name)
		}
	}
}

// TestNoStatementIsACheckpoint: neither can be taken for the other.
func TestNoStatementIsACheckpoint(t *testing.T) {
	r := rotate(t)
	body, _, _ := strings.Cut(string(r.Head().Note), "\n\n")
	_, rest, _ := strings.Cut(body, "\n")
	msg, err := SignStatement(r.signer, "example.com log", rest+"\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyCheckpoint(msg, r.signer.Key()); !errors.Is(err, ErrVerify) {
		t.Errorf("a statement passes as a checkpoint: %v", err)
	}
	if _, _, err := VerifyStatement(r.Head().Note, r.Checkpoint().Origin, r.signer.Key()); !errors.Is(err, ErrVerify) {
		t.Errorf("a checkpoint passes as a statement: %v", err)
	}
}

func TestLogAsWitness(t *testing.T) {
	r := rotate(t)
	line, err := r.signer.Cosign(r.oldHead)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseWitnessKey(r.signer.Key().VKey())
	if err != nil {
		t.Fatal(err)
	}
	said, err := VerifyCosignature(r.oldHead, line, key)
	if err != nil || said.Size != 3 {
		t.Errorf("got %v, %v", said, err)
	}
	if _, err := r.signer.Cosign([]byte("not a checkpoint")); err == nil {
		t.Error("cosigned what is no checkpoint")
	}
}

func TestChainParcel(t *testing.T) {
	r := rotate(t)
	x, err := r.Show(t.Context(), Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Keys().Parcel(r.old.Key(), Checkpoint{}, x)
	if err != nil || len(p.Steps) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	read, err := ParseParcel(p.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err := read.Read(); err != nil || c.Size != r.Checkpoint().Size {
		t.Errorf("read %d entries, %v", c.Size, err)
	}
	late, err := r.Keys().Parcel(r.signer.Key(), Checkpoint{}, x)
	if err != nil || len(late.Steps) != 0 {
		t.Errorf("from the later key on: %+v, %v", late, err)
	}
	if _, err := r.Keys().Parcel(Key{}, Checkpoint{}, x); err == nil {
		t.Error("a parcel from no key")
	}
}
