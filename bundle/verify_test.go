package bundle

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/ledger"
)

func smallWorld(t testing.TB) *world {
	w := newWorld(t)
	w.collect(1, "ana=true bob=true", 2)
	w.collect(2, "ana=true bob=false", 1)
	return w
}

func TestVerifySaysWhatHolds(t *testing.T) {
	w := smallWorld(t)
	c, err := verify(t, w.bundle(), Options{Key: w.signer.Key()})
	if err != nil {
		t.Fatal(err, c)
	}
	got := c.String()
	for _, want := range []string{
		"ok      each of ", "ok      checkpoint of 9 entries of example.test/log is signed by key", "is the first key, as given",
		"ok      its 9 commitments give the root that is signed", "ok      9 records are in the log, each at its own index",
		"ok      the raw bytes of 9 records match their digests", "open    order not externally witnessed",
		"ok      2 collections are here", "open    the bundle holds no sealed run", "order not externally witnessed. Checked offline.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line with %q in:\n%s", want, got)
		}
	}
}

func TestVerifyKeys(t *testing.T) {
	w := smallWorld(t)
	data := w.bundle()
	other := newWorld(t)
	if _, err := verify(t, data, Options{Key: other.signer.Key()}); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "log/keys.json") {
		t.Errorf("another key: got %v", err)
	}
	c, err := verify(t, data, Options{})
	if err != nil || !strings.Contains(c.String(), "by the bundle's own word") {
		t.Errorf("no key: got %v\n%s", err, c)
	}
	w.keys.First = other.keys.First
	if _, err := verify(t, w.bundle(), Options{}); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "log/checkpoint") {
		t.Errorf("signed by another key: got %v", err)
	}
}

func TestVerifyHandover(t *testing.T) {
	w := smallWorld(t)
	w.contents()
	skey, _, err := ledger.GenerateKey("example.test/log")
	if err != nil {
		t.Fatal(err)
	}
	next, err := ledger.ParseSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := ledger.SignHandover(w.signer, next, w.log.Checkpoint())
	if err != nil {
		t.Fatal(err)
	}
	first := w.signer.Key()
	chain, err := ledger.NewChain(first, msg)
	if err != nil {
		t.Fatal(err)
	}
	if w.log, err = ledger.Open(t.Context(), w.backend, next, ledger.Options{Anchor: &memoryAnchor{}, Keys: chain, Adopt: true}); err != nil {
		t.Fatal(err)
	}
	w.keys.Steps = []KeyStep{{Handover: string(msg)}}
	w.collect(3, "ana=true", 1)
	c, err := verify(t, w.bundle(), Options{Key: first})
	if err != nil || !strings.Contains(c.String(), "took over by a hand-over signed by both keys") {
		t.Errorf("got %v\n%s", err, c)
	}
	w.keys.Steps = nil
	if _, err := verify(t, w.bundle(), Options{Key: first}); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("hand-over left out: got %v", err)
	}
}

func TestVerifyWitness(t *testing.T) {
	skey, _, err := ledger.GenerateKey("firm.test/witness")
	if err != nil {
		t.Fatal(err)
	}
	w := smallWorld(t)
	witness, err := ledger.NewWitness(skey, ledger.FileWitnessState{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	chain, err := ledger.NewChain(w.signer.Key())
	if err != nil {
		t.Fatal(err)
	}
	witness.Follow(chain)
	line, err := witness.Cosign(t.Context(), ledger.Exchange{Checkpoint: w.contents().Log.Checkpoint})
	if err != nil {
		t.Fatal(err)
	}
	w.sayings["witness:"+witness.Key().Name()] = line
	data := w.bundle()
	c, err := verify(t, data, Options{Witnesses: []ledger.Key{witness.Key()}})
	if err != nil || len(c.Witnessed) != 1 || !strings.Contains(c.Sentence(), "witness firm.test/witness saw on") {
		t.Errorf("known witness: got %v, %q\n%s", err, c.Witnessed, c)
	}
	c, err = verify(t, data, Options{})
	if err != nil || len(c.Witnessed) != 0 || !strings.Contains(c.String(), "order not externally witnessed") {
		t.Errorf("unknown witness: got %v, %q", err, c.Witnessed)
	}
	w.sayings["witness:"+witness.Key().Name()] = bytes.Replace(line, line[len(line)-8:len(line)-4], []byte("AAAA"), 1)
	if _, err := verify(t, w.bundle(), Options{Witnesses: []ledger.Key{witness.Key()}}); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("changed cosignature: got %v", err)
	}
	delete(w.sayings, "witness:"+witness.Key().Name())
	w.sayings["tsa:CN=Nobody"] = []byte("no token")
	if c, err := verify(t, w.bundle(), Options{}); err != nil || len(c.Witnessed) != 0 || !strings.Contains(c.String(), "no root certificate was given") {
		t.Errorf("time stamp nobody can check: got %v\n%s", err, c)
	}
}

// TestEveryByteCounts changes each byte of a small bundle, one bit at a time in
// turn, and wants it found and named.
func TestEveryByteCounts(t *testing.T) {
	data := smallWorld(t).bundle()
	b, err := openReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		flipped := bytes.Clone(data)
		flipped[i] ^= 1 << (i % 8)
		want := place(memberAt(b, int64(i)))
		_, err := verify(t, flipped, Options{})
		if !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), ": "+want+":") {
			t.Fatalf("byte %d of %d: got %v, want %s named", i, len(data), err, want)
		}
	}
}

// memberAt is where a byte of the file lies.
func memberAt(b *reader, at int64) string {
	switch {
	case at < int64(len(magic)):
		return "head"
	case at >= b.size-int64(tailSize):
		return "tail"
	case at >= b.indexAt:
		return "index"
	}
	for _, m := range b.members {
		if at < m.end() {
			return m.Name
		}
	}
	return "no member"
}

func TestVerifyRefusesAnyOtherLength(t *testing.T) {
	data := smallWorld(t).bundle()
	tests := []struct {
		name string
		data []byte
	}{
		{"empty", nil}, {"one byte short", data[:len(data)-1]}, {"one byte more", append(bytes.Clone(data), 0)},
		{"a byte before", append([]byte{0}, data...)}, {"twice", append(bytes.Clone(data), data...)},
		{"half", data[:len(data)/2]}, {"no head", data[1:]}, {"only the tail", data[len(data)-tailSize:]},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := verify(t, tt.data, Options{}); !errors.Is(err, audit.ErrAltered) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// repack makes a bundle whose container is sound and whose content edit changed:
// what a forger can do who has no key.
func repack(t testing.TB, data []byte, edit func(name string, content []byte) []byte) []byte {
	t.Helper()
	b, err := openReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w, err := newWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range b.members {
		content, err := b.content(m)
		if err != nil {
			t.Fatal(err)
		}
		if content = edit(m.Name, bytes.Clone(content)); content == nil {
			continue
		}
		if err := w.add(m.Name, content, m.Pack); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestForgedRecordsAreNamed changes every third byte of the records in a container
// that is made sound again. Each is found by the log alone.
func TestForgedRecordsAreNamed(t *testing.T) {
	data := smallWorld(t).bundle()
	var part []byte
	repack(t, data, func(name string, content []byte) []byte {
		if strings.HasPrefix(name, "records/") {
			part = bytes.Clone(content)
		}
		return content
	})
	for i := 0; i < len(part); i += 3 {
		forged := repack(t, data, func(name string, content []byte) []byte {
			if strings.HasPrefix(name, "records/") {
				content[i] ^= 1 << (i % 8)
			}
			return content
		})
		if c, err := verify(t, forged, Options{}); !errors.Is(err, audit.ErrAltered) && !openlyLeftOut(c) {
			t.Fatalf("byte %d of %d: got %v\n%s", i, len(part), err, c)
		}
	}
}

// openlyLeftOut: a record whose mark was changed to "left out" is no forgery that
// could go unseen: the bundle says that it lacks the bytes.
func openlyLeftOut(c *Checks) bool { return c.Withheld > 0 }

func TestForgedMembers(t *testing.T) {
	data := smallWorld(t).bundle()
	tests := []struct {
		name string
		edit func(name string, content []byte) []byte
		want string
	}{
		{"a commitment", onlyIn("log/commitments/", func(c []byte) []byte { c[40] ^= 1; return c }), "log/commitments"},
		{"a commitment less", onlyIn("log/commitments/", func(c []byte) []byte { return c[:len(c)-32] }), "log/commitments"},
		{"checkpoint gone", onlyIn("log/checkpoint", func([]byte) []byte { return nil }), "log/checkpoint"},
		{"checkpoint text", onlyIn("log/checkpoint", func(c []byte) []byte { return bytes.Replace(c, []byte("\n9\n"), []byte("\n8\n"), 1) }), "log/checkpoint"},
		{"spaces in about", onlyIn("about.json", func(c []byte) []byte { return append(c, ' ') }), "about.json"},
		{"definitions", onlyIn("definitions/applied.json", func(c []byte) []byte { return append(c, ' ') }), "definitions/applied.json"},
		{"the opening of a collection gone", onlyIn("records/", dropFirst), "records/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verify(t, repack(t, data, tt.edit), Options{})
			if !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s named", err, tt.want)
			}
		})
	}
}

func onlyIn(prefix string, edit func([]byte) []byte) func(string, []byte) []byte {
	return func(name string, content []byte) []byte {
		if strings.HasPrefix(name, prefix) {
			return edit(content)
		}
		return content
	}
}

func dropFirst(part []byte) []byte {
	c := cursor{b: part}
	if _, err := c.next(); err != nil {
		return nil
	}
	return c.b
}

func TestErasedAndWithheld(t *testing.T) {
	w := smallWorld(t)
	w.erase(1)
	w.records[5].Withheld, w.records[5].Body = true, nil
	c, err := verify(t, w.bundle(), Options{})
	if err != nil {
		t.Fatal(err, c)
	}
	for _, want := range []string{"1 record was erased, as sealed erasures say (first E-1)", "the raw bytes of 1 record are left out", "9 records are in the log", "0 of 1 pages are here"} {
		if !strings.Contains(c.String(), want) {
			t.Errorf("no line with %q in:\n%s", want, c)
		}
	}
}

func TestErasedWithoutAnErasure(t *testing.T) {
	w := smallWorld(t)
	w.erase(1)
	honest := w.bundle()
	w.records[3] = Record{Index: 3, Erased: true}
	if _, err := Write(t.Context(), io.Discard, w.contents()); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "E-3") {
		t.Errorf("write: got %v", err)
	}
	forged := repack(t, honest, onlyIn("records/", func(part []byte) []byte {
		var out []byte
		_, err := unpack(part, -1, func(p packed) error {
			if p.index == 3 {
				p.how = bodyErased
			}
			out = p.append(out)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}))
	if _, err := verify(t, forged, Options{}); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "E-3:") {
		t.Errorf("verify: got %v", err)
	}
}

func TestLargeBodiesStandApart(t *testing.T) {
	w := smallWorld(t)
	big := make([]byte, 2*partSize+123)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range big {
		big[i] = byte(rng.Uint32())
	}
	w.seal(audit.Record{Kind: audit.RecordDocument, Actor: testActor}, big)
	w.seal(audit.Record{Kind: audit.RecordDocument, Actor: testActor}, nil)
	data := w.bundle()
	if c, err := verify(t, data, Options{}); err != nil {
		t.Fatal(err, c)
	}
	for range 40 {
		i := rng.IntN(len(data))
		flipped := bytes.Clone(data)
		flipped[i] ^= 1 << rng.IntN(8)
		if _, err := verify(t, flipped, Options{}); !errors.Is(err, audit.ErrAltered) {
			t.Fatalf("byte %d: got %v", i, err)
		}
	}
	forged := repack(t, data, onlyIn("bodies/0000000000000009/0000000000000001", func(c []byte) []byte { c[7] ^= 1; return c }))
	if _, err := verify(t, forged, Options{}); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "E-9:") {
		t.Errorf("forged body: got %v", err)
	}
	short := repack(t, data, onlyIn("bodies/0000000000000009/0000000000000002", func([]byte) []byte { return nil }))
	if _, err := verify(t, short, Options{}); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "E-9:") {
		t.Errorf("body cut off: got %v", err)
	}
}

func TestVerifyCanceled(t *testing.T) {
	data := smallWorld(t).bundle()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(ctx, bytes.NewReader(data), int64(len(data)), Options{Now: noon(31)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
