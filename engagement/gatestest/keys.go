package gatestest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/signature"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/ledger"
)

// Keys are people's signing keys without a passphrase, which takes a second each
// time one is used. The zero value has none yet.
type Keys struct {
	mu   sync.Mutex
	keys map[string]named
}

// A named key is one with its person's name, which it carries.
type named struct {
	ledger.Signer
	name string
}

// Sign signs a digest with the account's key, which is made the first time and
// announced in the log that seal writes; without one nobody knows it here. The
// name is the first one an account signed under.
func (k *Keys) Sign(t testing.TB, seal *evidence.Sealer, at time.Time, account, name, title, what, digest string) engagement.Signature {
	t.Helper()
	key, made := k.of(t, account, name)
	name = key.name
	sig := engagement.Signature{Signer: account, Name: name, Title: title, Key: key.Key().VKey(), What: what, Digest: digest, At: audit.Instant(at)}
	text := must[[]byte](t)(canonical.Marshal(map[string]any{"format": "tieout.signature/1", "signer": sig.Signer, "name": sig.Name, "title": sig.Title,
		"what": sig.What, "digest": sig.Digest, "key": sig.Key, "at": audit.FormatTime(sig.At)}))
	msg := must[[]byte](t)(ledger.SignStatement(key.Signer, "tieout signature 1", string(text)+"\n"))
	_, sig.Value, _ = strings.Cut(string(msg), "\n\n")
	if made && seal != nil {
		must[int64](t)(signature.Announce(t.Context(), seal, audit.Actor{Kind: audit.ActorPerson, Name: account}, signature.Key{Account: account, Name: name, Verifier: sig.Key, Made: at}))
	}
	return sig
}

func (k *Keys) of(t testing.TB, account, name string) (key named, made bool) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if key, ok := k.keys[account]; ok {
		return key, false
	}
	private, _, err := ledger.GenerateKey(signature.KeyName(name))
	check(t, err)
	if k.keys == nil {
		k.keys = map[string]named{}
	}
	k.keys[account] = named{must[ledger.Signer](t)(ledger.ParseSigner(private)), name}
	return k.keys[account], true
}
