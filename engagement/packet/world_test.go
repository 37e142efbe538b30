package packet_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tieout/audit"
	"tieout/blob"
	"tieout/engagement"
	"tieout/engagement/packet"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/store/sqlite"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// A place is one side's workspace: a store, a log, and its packets.
type place struct {
	t     testing.TB
	seal  *evidence.Sealer
	key   ledger.Signer
	chain ledger.Chain
	dir   string
	us    *atomic.Int64
	reg   *packet.Register
}

func newPlace(t testing.TB, origin string, us *atomic.Int64) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), us: us}
	st, err := sqlite.Open(t.Context(), filepath.Join(p.dir, "store.db"))
	ok(t, err)
	t.Cleanup(func() { ok(t, st.Close()) })
	folder, err := blob.NewFolder(filepath.Join(p.dir, "blobs"))
	ok(t, err)
	p.key = newKey(t, origin, 1)
	p.chain, err = ledger.NewChain(p.key.Key())
	ok(t, err)
	p.seal = &evidence.Sealer{Store: st, Blobs: blob.New(folder), Now: p.now}
	p.openLog()
	_, err = p.seal.Seal(t.Context(), evidence.Draft{Kind: audit.RecordDefinition, Body: []byte("the first entry of " + origin), Actor: person})
	ok(t, err)
	return p
}

// openLog opens the log with the place's keys, as a process does that starts.
func (p *place) openLog() {
	p.t.Helper()
	log, err := ledger.Open(p.t.Context(), evidence.Backend{Store: p.seal.Store}, p.key,
		ledger.Options{Holder: "test", Anchor: ledger.FileAnchor{Path: filepath.Join(p.dir, "anchor")}, Keys: p.chain})
	ok(p.t, err)
	p.seal.Log = log
	p.restart()
}

// restart forgets all that is not in the store, as a process that was killed.
func (p *place) restart() {
	p.reg = packet.NewRegister(p.seal, p.now)
	p.reg.Spool = p.t.TempDir()
}

func (p *place) now() time.Time { return time.UnixMicro(p.us.Load()).UTC() }

// newKey is the key of a log; the same for the same origin and number.
func newKey(t testing.TB, origin string, n byte) ledger.Signer {
	t.Helper()
	seed := sha256.Sum256(append([]byte(origin), n))
	skey, _, err := note.GenerateKey(bytes.NewReader(seed[:]), origin)
	ok(t, err)
	s, err := ledger.ParseSigner(skey)
	ok(t, err)
	return s
}

// A pair is a firm and its client, with the sides of their engagement.
type pair struct {
	t            testing.TB
	firm, client *place
	sides        packet.Sides
	us           *atomic.Int64
}

func newPair(t testing.TB) *pair {
	t.Helper()
	w := &pair{t: t, us: new(atomic.Int64)}
	w.us.Store(start.UnixMicro())
	w.firm, w.client = newPlace(t, "brookline.example/log", w.us), newPlace(t, "halyard.example/log", w.us)
	w.sides = packet.Sides{Engagement: "EN-1", Firm: party(w.firm), Client: party(w.client)}
	return w
}

func party(p *place) engagement.Party {
	return engagement.Party{Origin: p.key.Key().Name(), Key: p.key.Key().VKey()}
}

func (w *pair) at(p *place) *packet.Post {
	w.t.Helper()
	post, err := p.reg.Post(w.sides)
	ok(w.t, err)
	return post
}

// send sends from a place; once may be "".
func (w *pair) send(p *place, kind engagement.Kind, payload any, files ...packet.File) packet.Filed {
	w.t.Helper()
	w.us.Add(1_000_000)
	f, err := w.at(p).Send(w.t.Context(), packet.Outgoing{Kind: kind, Payload: payload, Files: files, By: person})
	ok(w.t, err)
	return f
}

// bytes are those of a packet that p sent.
func (w *pair) bytes(p *place, number int64) []byte {
	w.t.Helper()
	r, _, err := w.at(p).Bytes(w.t.Context(), number)
	ok(w.t, err)
	b, err := io.ReadAll(r)
	ok(w.t, err)
	ok(w.t, r.Close())
	return b
}

// receive brings bytes to a place and closes the packet.
func (w *pair) receive(p *place, b []byte) (packet.Received, error) {
	w.t.Helper()
	got, err := w.at(p).Receive(w.t.Context(), person, bytes.NewReader(b), ledger.Consent{})
	if err == nil {
		ok(w.t, got.Close())
	}
	return got, err
}

// carry brings packet number n from one place to the other.
func (w *pair) carry(from, to *place, n int64) packet.Received {
	w.t.Helper()
	got, err := w.receive(to, w.bytes(from, n))
	ok(w.t, err)
	return got
}

var person = audit.Actor{Kind: audit.ActorPerson, Name: "01900000-0000-7000-8000-000000000001"}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// file is a file of given text to be put beside a payload.
func file(name, text string) packet.File {
	return packet.File{Name: name, Media: "text/plain", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

// Values that cross.
var (
	state    = engagement.StateNews{State: engagement.Fieldwork}
	requests = []engagement.RequestNews{{Request: engagement.Request{ID: "RQ-1", Kind: "evidence", Title: "Leavers", Asks: "The list.", Tests: []string{}}, Status: engagement.RequestOpen}}
	answer   = []engagement.Answer{{Request: "RQ-1", Status: engagement.RequestSubmitted, Text: "Here.", Files: []string{"leavers.csv", "note.txt"}}}
)
