package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// flips calls each with msg changed in one byte, every byte and several bits.
func flips(msg []byte, each func(at int, changed []byte)) {
	for i := range msg {
		for _, mask := range []byte{1, 2, 4, 0x20, 0x80} {
			changed := bytes.Clone(msg)
			changed[i] ^= mask
			each(i, changed)
		}
	}
}

func TestEveryByteOfACheckpointCounts(t *testing.T) {
	o := openLog(t, 5)
	w := newWitness(t, "witness.example")
	w.Follow(o.Keys())
	line, err := w.Cosign(t.Context(), Exchange{Checkpoint: o.Head().Note})
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := WithCosignatures(o.Head().Note, line)
	if err != nil {
		t.Fatal(err)
	}
	for name, msg := range map[string][]byte{"plain": o.Head().Note, "cosigned": cosigned} {
		if _, err := VerifyCheckpoint(msg, o.signer.Key(), w.Key()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		flips(msg, func(i int, changed []byte) {
			if _, err := VerifyCheckpoint(changed, o.signer.Key(), w.Key()); !errors.Is(err, ErrVerify) {
				t.Errorf("%s: byte %d changed to %q: %v; want ErrVerify", name, i, changed[i], err)
			}
		})
		for i := range msg {
			whole := bytes.Equal(msg[:i], o.Head().Note) // cut before the cosignature
			if _, err := VerifyCheckpoint(msg[:i], o.signer.Key(), w.Key()); err == nil && !whole {
				t.Errorf("%s: the first %d bytes verify", name, i)
			}
		}
	}
}

func TestVerifyCheckpointRefuses(t *testing.T) {
	s, other := newSigner(t, testLog), newSigner(t, "other.example")
	w := newWitness(t, testLog) // a witness that takes the log's name
	root := formatHash(EmptyRoot)
	good := testLog + "\n0\n" + root + "\n"
	signed := func(text string, by ...Signer) []byte {
		note, err := sign(text, by...)
		if err != nil {
			t.Fatal(err)
		}
		return note
	}
	witnessed, err := w.line(good)
	if err != nil {
		t.Fatal(err)
	}
	twice := append(signed(good, s), signed(good, s)[len(good)+1:]...)
	cases := map[string]struct {
		note []byte
		keys []Key
	}{
		"no keys":               {signed(good, s), nil},
		"zero key":              {signed(good, s), []Key{{}}},
		"another log's key":     {signed(good, other), []Key{other.Key()}},
		"unknown second signer": {signed(good, s, other), []Key{s.Key()}},
		"signed twice":          {twice, []Key{s.Key()}},
		"only a witness":        {append([]byte(good+"\n"), witnessed...), []Key{w.Key()}},
		"leading zero":          {signed(testLog+"\n00\n"+root+"\n", s), []Key{s.Key()}},
		"plus sign":             {signed(testLog+"\n+1\n"+root+"\n", s), []Key{s.Key()}},
		"negative":              {signed(testLog+"\n-1\n"+root+"\n", s), []Key{s.Key()}},
		"over 2^63":             {signed(testLog+"\n9223372036854775808\n"+root+"\n", s), []Key{s.Key()}},
		"short root":            {signed(testLog+"\n0\nAAAA\n", s), []Key{s.Key()}},
		"loose base64":          {signed(testLog+"\n0\n"+strings.Replace(root, "U=", "V=", 1)+"\n", s), []Key{s.Key()}},
		"unknown extension":     {signed(good+"more\n", s), []Key{s.Key()}},
		"epoch unexplained":     {signed(testLog+"/epoch/2\n0\n"+root+"\n", s), []Key{s.Key()}},
		"epoch one written out": {signed(testLog+"/epoch/1\n0\n"+root+"\n", s), []Key{s.Key()}},
	}
	for name, c := range cases {
		if _, err := VerifyCheckpoint(c.note, c.keys...); !errors.Is(err, ErrVerify) {
			t.Errorf("%s: %v; want ErrVerify", name, err)
		}
	}
	if _, err := VerifyCheckpoint(signed(good, s), s.Key()); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func TestKeyFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.key")
	skey, vkey, err := GenerateKey(testLog)
	if err != nil {
		t.Fatal(err)
	}
	if err := SaveKey(path, skey); err != nil {
		t.Fatal(err)
	}
	if err := SaveKey(path, skey); err == nil {
		t.Error("a key file was overwritten")
	}
	s, err := LoadSigner(path)
	if err != nil || s.Key().VKey() != vkey || s.Key().Name() != testLog {
		t.Errorf("loaded %v, %v; want %s", s, err, vkey)
	}
	secret := strings.SplitN(skey, "+", 5)[4] // PRIVATE+KEY+name+hash+base64, which may hold a + itself
	if printed := fmt.Sprintf("%v %s", s, s); strings.Contains(printed, secret) {
		t.Errorf("the signer prints its secret: %s", printed)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSigner(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a readable key file: %v; want advice", err)
	}
	for _, name := range []string{"", "a b", "a+b", "x/epoch/2", "x/epoch/y", strings.Repeat("n", 300)} {
		if _, _, err := GenerateKey(name); err == nil {
			t.Errorf("GenerateKey(%q) gave no error", name)
		}
	}
	for i := range vkey {
		changed := []byte(vkey)
		changed[i] ^= 1
		if _, err := ParseKey(string(changed)); err == nil {
			t.Errorf("vkey with byte %d changed was read", i)
		}
	}
}

func TestCommitmentIsSalted(t *testing.T) {
	a, b := NewSalt(), NewSalt()
	if a == b || a == [32]byte{} {
		t.Error("salts repeat")
	}
	if Commit(a, []byte("x")) == Commit(b, []byte("x")) || Commit(a, []byte("x")) == Commit(a, []byte("y")) {
		t.Error("commitments collide")
	}
	// Computed outside Go from the rule in docs/formats/log.md.
	if got := fmt.Sprintf("%x", Commit([32]byte{}, []byte(`{"a":1}`))); got != commitVector {
		t.Errorf("Commit = %s; want %s", got, commitVector)
	}
}

func FuzzCheckpoint(f *testing.F) {
	s := newSigner(f, testLog)
	root := formatHash(EmptyRoot)
	for _, text := range []string{
		testLog + "\n0\n" + root + "\n",
		testLog + "/epoch/2\n7\n" + root + "\nepoch 2 restored from 5 " + root + " last 9 " + root + "\n",
	} {
		note, err := sign(text, s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(note)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		text, sigs, err := splitNote(msg)
		if err != nil {
			return
		}
		if !bytes.Equal(joinNote(text, sigs), msg) {
			t.Errorf("note %q is not re-encoded to itself", msg)
		}
		if c, err := parseCheckpoint(text); err == nil && c.text() != text {
			t.Errorf("checkpoint %q is re-encoded to %q", text, c.text())
		}
		if c, err := VerifyCheckpoint(msg, s.Key()); err == nil && c.Log != testLog {
			t.Errorf("verified a checkpoint of %q", c.Log)
		}
	})
}
