package signature

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age/armor"

	"tieout/audit"
	"tieout/blob"
	"tieout/engagement"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/store/sqlite"
)

func init() { workFactor = 10 }

const (
	passphrase = "four plain words together"
	account    = "01900000-0000-7000-8000-000000000001"
	digest     = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
)

var now = time.Date(2026, 11, 3, 9, 0, 0, 5000, time.UTC)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newKey(t testing.TB, name string) []byte {
	t.Helper()
	wrapped, _, err := New(name, passphrase)
	ok(t, err)
	return wrapped
}

func statement() Statement {
	return Statement{Signer: account, Name: "Dana Brook", Title: "Partner", What: "The report on Halyard's system, dated 3 Nov 2026", Digest: digest, At: now}
}

// another is a text with one letter of base64 exchanged.
func another(s string, at int) string {
	letter := "A"
	if s[at] == 'A' {
		letter = "B"
	}
	return s[:at] + letter + s[at+1:]
}

func TestSign(t *testing.T) {
	wrapped := newKey(t, "Dana Brook")
	sig, err := Sign(wrapped, passphrase, statement())
	ok(t, err)
	ok(t, Verify(sig, digest))
	ok(t, Verify(sig, "sha256:"+digest))
	for name, change := range map[string]func(*engagement.Signature){
		"signer":                               func(s *engagement.Signature) { s.Signer = "01900000-0000-7000-8000-000000000002" },
		"name":                                 func(s *engagement.Signature) { s.Name = "Dana  Brook" },
		"another name that the key could have": func(s *engagement.Signature) { s.Name = "Dana.Brook" },
		"title":                                func(s *engagement.Signature) { s.Title = "Staff" },
		"what":                                 func(s *engagement.Signature) { s.What += "." },
		"time":                                 func(s *engagement.Signature) { s.At = s.At.Add(time.Microsecond) },
		"less than it":                         func(s *engagement.Signature) { s.At = s.At.Add(time.Nanosecond) },
		"value":                                func(s *engagement.Signature) { s.Value = another(s.Value, 40) },
		"two values":                           func(s *engagement.Signature) { s.Value += s.Value },
		"another's key":                        func(s *engagement.Signature) { _, s.Key, _ = New("Dana Brook", passphrase) },
		"no key":                               func(s *engagement.Signature) { s.Key = "" },
	} {
		bad := sig
		change(&bad)
		if err := Verify(bad, digest); !errors.Is(err, audit.ErrAltered) {
			t.Errorf("%s changed: %v", name, err)
		}
	}
	if err := Verify(sig, strings.Repeat("0", 64)); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "the document is 000") {
		t.Errorf("over another document: %v", err)
	}
	moved := sig
	moved.Digest = strings.Repeat("0", 64)
	if err := Verify(moved, moved.Digest); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("put under another document: %v", err)
	}
}

// TestOthersKey: a signature that names one person and is made with the key of
// another, as somebody makes it who has a key and writes the rest by hand.
func TestOthersKey(t *testing.T) {
	private, verifier, err := ledger.GenerateKey("Max.Lund")
	ok(t, err)
	signer, err := ledger.ParseSigner(private)
	ok(t, err)
	s := statement()
	text, err := s.text(verifier)
	ok(t, err)
	msg, err := ledger.SignStatement(signer, tag, text)
	ok(t, err)
	_, line, _ := strings.Cut(string(msg), "\n\n")
	sig := engagement.Signature{Signer: s.Signer, Name: s.Name, Title: s.Title, Key: verifier, What: s.What, Digest: s.Digest, At: s.At, Value: line}
	if err := Verify(sig, digest); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "the key is of Max.Lund") {
		t.Errorf("got %v", err)
	}
}

func TestSignRefuses(t *testing.T) {
	wrapped := newKey(t, "Dana Brook")
	for name, c := range map[string]struct {
		change func(*Statement)
		want   error
	}{
		"another person":      {func(s *Statement) { s.Name = "Max Lund" }, audit.ErrForbidden},
		"no digest":           {func(s *Statement) { s.Digest = "" }, audit.ErrInvalid},
		"half a digest":       {func(s *Statement) { s.Digest = digest[:32] }, audit.ErrInvalid},
		"capitals":            {func(s *Statement) { s.Digest = strings.ToUpper(digest) }, audit.ErrInvalid},
		"nothing in words":    {func(s *Statement) { s.What = "" }, audit.ErrInvalid},
		"a line break":        {func(s *Statement) { s.Title = "Partner\nCPA" }, audit.ErrInvalid},
		"letters in reverse":  {func(s *Statement) { s.What = "not \u202ethis" }, audit.ErrInvalid},
		"no account":          {func(s *Statement) { s.Signer = "" }, audit.ErrInvalid},
		"no time":             {func(s *Statement) { s.At = time.Time{} }, audit.ErrInvalid},
		"a novel":             {func(s *Statement) { s.What = strings.Repeat("a", 501) }, audit.ErrInvalid},
		"a control character": {func(s *Statement) { s.What = "a\u0085b" }, audit.ErrInvalid},
	} {
		s := statement()
		c.change(&s)
		if _, err := Sign(wrapped, passphrase, s); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestPassphrase(t *testing.T) {
	wrapped := newKey(t, "Dana Brook")
	for _, wrong := range []string{"", "four plain words togethe", passphrase + " ", strings.Repeat("x", 1<<20)} {
		_, err := Sign(wrapped, wrong, statement())
		if !errors.Is(err, audit.ErrForbidden) || !strings.Contains(err.Error(), "the passphrase is not the one of this key") {
			t.Errorf("%.30q: %v", wrong, err)
		}
	}
	for name, bad := range map[string]string{"short": "four words", "long": strings.Repeat("four words ", 30), "one letter": strings.Repeat("a", 20), "no text": "four words \xff together"} {
		if _, _, err := New("Dana Brook", bad); !errors.Is(err, audit.ErrInvalid) || strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, damaged := range map[string][]byte{
		"nothing": nil, "no key": []byte("hello"), "cut off": wrapped[:len(wrapped)/2], "a page": []byte(strings.Repeat("x", 1<<16)),
		"changed at the end": []byte(strings.Replace(string(wrapped), "\n-----END", "AAAA\n-----END", 1)),
	} {
		if _, err := Sign(damaged, passphrase, statement()); !errors.Is(err, audit.ErrAltered) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if strings.Contains(string(wrapped), "PRIVATE+KEY") {
		t.Error("the wrapped key shows the private one")
	}
}

// TestWorkIsBounded: a key that asks for more than it may is refused at once.
func TestWorkIsBounded(t *testing.T) {
	raw, err := io.ReadAll(armor.NewReader(bytes.NewReader(newKey(t, "Dana Brook"))))
	ok(t, err)
	head, rest, found := bytes.Cut(raw, []byte(" 10\n")) // the work factor, at the end of the stanza
	if !found {
		t.Fatalf("no work factor in %q", raw[:80])
	}
	var costly bytes.Buffer
	w := armor.NewWriter(&costly)
	_, err = w.Write(slices.Concat(head, []byte(" 19\n"), rest))
	ok(t, errors.Join(err, w.Close()))
	begun := time.Now()
	if _, err := Sign(costly.Bytes(), passphrase, statement()); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestKeyName(t *testing.T) {
	for name, want := range map[string]string{"Dana Brook": "Dana.Brook", " Ann  Ash ": "Ann.Ash", "Ída O'Näill+Sons/Co": "Ída.O'Näill-Sons-Co"} {
		got := KeyName(name)
		if got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
		if _, _, err := ledger.GenerateKey(got); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", " Dana", "Dana\n", strings.Repeat("a", 101), "a\u200bb"} {
		if _, _, err := New(name, passphrase); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func newSealer(t *testing.T) *evidence.Sealer {
	t.Helper()
	dir := t.TempDir()
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"))
	ok(t, err)
	t.Cleanup(func() { ok(t, st.Close()) })
	folder, err := blob.NewFolder(filepath.Join(dir, "blobs"))
	ok(t, err)
	skey, _, err := ledger.GenerateKey("brookline.example/log")
	ok(t, err)
	signer, err := ledger.ParseSigner(skey)
	ok(t, err)
	log, err := ledger.Open(t.Context(), evidence.Backend{Store: st}, signer, ledger.Options{Holder: "test", Anchor: ledger.FileAnchor{Path: filepath.Join(dir, "anchor")}})
	ok(t, err)
	return &evidence.Sealer{Store: st, Blobs: blob.New(folder), Log: log, Now: func() time.Time { return now }}
}

func TestKeyring(t *testing.T) {
	seal := newSealer(t)
	ring := Folder{Dir: filepath.Join(t.TempDir(), "keys")}
	by := audit.Actor{Kind: audit.ActorPerson, Name: account}
	if _, err := KeyOf(t.Context(), ring, account); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("before there is one: %v", err)
	}
	first, err := Make(t.Context(), ring, seal, by, account, "Dana Brook", passphrase)
	ok(t, err)
	ok(t, os.WriteFile(filepath.Join(ring.Dir, "log.key"), []byte("another key"), 0o600))
	got, err := KeyOf(t.Context(), ring, account)
	ok(t, err)
	sig, err := Sign(got.Wrapped, passphrase, statement())
	ok(t, err)
	said, err := AnnouncedKey(t.Context(), seal.Store, sig.Key)
	if err != nil || said.Account != account || said.Name != "Dana Brook" || said.Record != 0 {
		t.Errorf("announced: %+v, %v", said, err)
	}
	again, err := Announce(t.Context(), seal, by, first)
	if err != nil || again != said.Record {
		t.Errorf("announced again at %d, %v", again, err)
	}
	if _, err := AnnouncedKey(t.Context(), seal.Store, "somebody's"); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("a key nobody announced: %v", err)
	}
	now = now.Add(time.Hour)
	second, err := Make(t.Context(), ring, seal, by, account, "Dana Brook", passphrase)
	ok(t, err)
	if got, err := KeyOf(t.Context(), ring, account); err != nil || got.Verifier != second.Verifier {
		t.Errorf("the newest: %s, %v; want %s", got.ID(), err, second.ID())
	}
	if err := ring.Add(t.Context(), second); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("kept twice: %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Make(over, ring, seal, by, account, "Dana Brook", passphrase); err == nil {
		t.Error("a key was made that the log does not announce")
	}
	if got, err := KeyOf(t.Context(), ring, account); err != nil || got.Verifier != second.Verifier {
		t.Errorf("after an announcement that failed: %s, %v; want the one before it, %s", got.ID(), err, second.ID())
	}
	if _, err := Make(t.Context(), ring, seal, by, "", "Dana Brook", passphrase); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("nobody's key: %v", err)
	}
	path := ring.path(first)
	info, err := os.Stat(path)
	ok(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	ok(t, os.Chmod(path, 0o644))
	if _, err := ring.Keys(t.Context()); !errors.Is(err, audit.ErrForbidden) || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that others may read: %v", err)
	}
	ok(t, os.Chmod(path, 0o600))
	b, err := os.ReadFile(path)
	ok(t, err)
	ok(t, os.WriteFile(path, []byte(strings.Replace(string(b), "Dana Brook", "Max Lund", 1)), 0o600))
	if _, err := ring.Keys(t.Context()); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that was changed: %v", err)
	}
}

// FuzzParseKey: what is read is written in no other way.
func FuzzParseKey(f *testing.F) {
	wrapped, verifier, err := New("Dana Brook", passphrase)
	ok(f, err)
	b, err := Key{Account: account, Name: "Dana Brook", Verifier: verifier, Made: now, Wrapped: wrapped}.encode()
	ok(f, err)
	f.Add(b)
	f.Add([]byte(`{"format":"tieout.signing-key/1"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ParseKey(b)
		if err != nil {
			if !errors.Is(err, audit.ErrAltered) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		if again, err := k.encode(); err != nil || string(again) != string(b) {
			t.Errorf("read %q, written %q", b, again)
		}
	})
}

// FuzzVerify: no signature line but the one that was made verifies.
func FuzzVerify(f *testing.F) {
	wrapped, _, err := New("Dana Brook", passphrase)
	ok(f, err)
	sig, err := Sign(wrapped, passphrase, statement())
	ok(f, err)
	f.Add(sig.Value)
	f.Add("— Dana.Brook AAAA\n")
	f.Fuzz(func(t *testing.T, value string) {
		other := sig
		other.Value = value
		if err := Verify(other, digest); (err == nil) != (value == sig.Value) {
			t.Errorf("%q: %v", value, err)
		}
	})
}
