package packet_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/packet"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/store"
)

// TestChain: the order of one direction, and what is no part of it.
func TestChain(t *testing.T) {
	w := newPair(t)
	for range 4 {
		w.send(w.firm, engagement.SendState, state)
	}
	w.carry(w.firm, w.client, 1)

	var gap *packet.Gap
	_, err := w.receive(w.client, w.bytes(w.firm, 4))
	if !errors.As(err, &gap) || gap.First != 2 || gap.Last != 3 || !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "packets 2 to 3 are missing") {
		t.Errorf("the fourth after the first: %v", err)
	}
	w.carry(w.firm, w.client, 2)
	if got := w.carry(w.firm, w.client, 1); !got.Again {
		t.Error("the first again was taken for new")
	}
	before := packets(t, w.client)
	for n := int64(3); n <= 4; n++ {
		if got := w.carry(w.firm, w.client, n); got.Again {
			t.Errorf("packet %d was taken for a repeat", n)
		}
	}
	if n := packets(t, w.client) - before; n != 2 {
		t.Errorf("%d packets sealed for two", n)
	}
	sent, _, err := w.at(w.firm).Lanes(t.Context())
	ok(t, err)
	_, received, err := w.at(w.client).Lanes(t.Context())
	ok(t, err)
	if sent.Last != 4 || sent.Last != received.Last || sent.Digest != received.Digest || sent.Seen.Root != received.Seen.Root {
		t.Errorf("the two sides differ:\n%+v\n%+v", sent, received)
	}
}

// packets is how many packets a log holds.
func packets(t *testing.T, p *place) (n int) {
	t.Helper()
	ok(t, p.seal.Store.Records(t.Context(), store.RecordFilter{Kind: audit.RecordPacket}, func(audit.Record) error { n++; return nil }))
	return n
}

// TestAltered: two packets under one number, and one that follows another.
func TestAltered(t *testing.T) {
	w := newPair(t)
	first := packet.Forge(t, w.firm.key, w.header(w.firm, engagement.SendState), []byte(`{"state":"fieldwork"}`))
	other := packet.Forge(t, w.firm.key, w.header(w.firm, engagement.SendState), []byte(`{"state":"collecting"}`))
	if _, err := w.receive(w.client, first); err != nil {
		t.Fatal(err)
	}
	if _, err := w.receive(w.client, other); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "packet 1 of EN-1") {
		t.Errorf("another first packet: %v", err)
	}
	h := w.header(w.firm, engagement.SendState)
	h.Number, h.Prev = 2, "sha256:"+aDigest
	if _, err := w.receive(w.client, packet.Forge(t, w.firm.key, h, []byte(`{"state":"fieldwork"}`))); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "follows") {
		t.Errorf("a second that follows something else: %v", err)
	}
}

// TestElsewhere: a packet of another engagement, party, direction or key.
func TestElsewhere(t *testing.T) {
	w := newPair(t)
	payload := []byte(`{"state":"fieldwork"}`)
	for name, c := range map[string]struct {
		key    ledger.Signer
		change func(*packet.Header)
		want   error
	}{
		"another engagement": {w.firm.key, func(h *packet.Header) { h.Engagement = "EN-2" }, audit.ErrForbidden},
		"for somebody else":  {w.firm.key, func(h *packet.Header) { h.To = "other.example/log" }, audit.ErrForbidden},
		"from somebody else": {w.firm.key, func(h *packet.Header) { h.From = "other.example/log" }, audit.ErrForbidden},
		"a client's kind":    {w.firm.key, func(h *packet.Header) { h.Kind = engagement.SendAgreed }, audit.ErrForbidden},
		"another key":        {newKey(t, "brookline.example/log", 2), func(*packet.Header) {}, packet.ErrNotSigned},
		"our own key":        {w.client.key, func(*packet.Header) {}, packet.ErrNotSigned},
		"another's log": {w.firm.key, func(h *packet.Header) {
			h.Log = w.header(w.client, engagement.SendSeen).Log
		}, packet.ErrNotSigned},
		"what we never sent": {w.firm.key, func(h *packet.Header) {
			h.Heard = &packet.Heard{Number: 3, Digest: "sha256:" + aDigest, Line: "— brookline.example/log AAAA\n"}
		}, audit.ErrAltered},
	} {
		h := w.header(w.firm, engagement.SendState)
		c.change(&h)
		if _, err := w.receive(w.client, packet.Forge(t, c.key, h, payload)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	w.send(w.firm, engagement.SendState, state)
	if _, err := w.receive(w.firm, w.bytes(w.firm, 1)); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("brought back to its sender: %v", err)
	}
	if n := packets(t, w.client); n != 0 {
		t.Errorf("%d of them are in the client's log", n)
	}
}

func TestSides(t *testing.T) {
	w := newPair(t)
	for name, change := range map[string]func(*packet.Sides){
		"no engagement": func(s *packet.Sides) { s.Engagement = "EN" },
		"no key":        func(s *packet.Sides) { s.Firm.Key = "" },
		"another's key": func(s *packet.Sides) { s.Firm.Key = newKey(t, "x.example", 1).Key().VKey() },
		"one log twice": func(s *packet.Sides) { s.Firm = s.Client },
		"a stranger's terms": func(s *packet.Sides) {
			s.Client.Origin, s.Client.Key = "x.example", newKey(t, "x.example", 1).Key().VKey()
		},
		"a key we never had": func(s *packet.Sides) { s.Client.Key = newKey(t, "halyard.example/log", 9).Key().VKey() },
	} {
		s := w.sides
		change(&s)
		if _, err := w.client.reg.Post(s); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// TestWitness: each side's cosignature of the other's log comes back with the
// next packet and is kept beside the checkpoint.
func TestWitness(t *testing.T) {
	w := newPair(t)
	w.send(w.firm, engagement.SendRequests, requests)
	got := w.carry(w.firm, w.client, 1)
	w.send(w.client, engagement.SendSeen, packet.Nothing{})
	w.carry(w.client, w.firm, 1)
	sayings, err := w.firm.seal.Store.Cosignatures(t.Context(), got.Checkpoint.Size)
	ok(t, err)
	line := sayings["witness:halyard.example/log"]
	head, err := w.firm.seal.Store.HeadAt(t.Context(), got.Checkpoint.Size)
	ok(t, err)
	key, err := ledger.ParseWitnessKey(w.client.key.Key().VKey())
	ok(t, err)
	if said, err := ledger.VerifyCosignature(head.Note, line, key); err != nil || said.Size != got.Checkpoint.Size {
		t.Errorf("the firm's log has %v, %v", said, err)
	}
	w.send(w.firm, engagement.SendState, state)
	back := w.carry(w.firm, w.client, 2)
	if back.Header.Heard == nil || back.Header.Heard.Number != 1 {
		t.Fatalf("the firm has heard %+v", back.Header.Heard)
	}
	sent, _, err := w.at(w.client).Lanes(t.Context())
	ok(t, err)
	if sayings, err = w.client.seal.Store.Cosignatures(t.Context(), sent.Seen.Size); err != nil || sayings["witness:brookline.example/log"] == nil {
		t.Errorf("the client's log has %v, %v", sayings, err)
	}
}

// TestFork: a log that lost what it showed is named, whoever signs.
func TestFork(t *testing.T) {
	w := newPair(t)
	w.send(w.firm, engagement.SendState, state)
	first := w.carry(w.firm, w.client, 1)

	// A store of the firm's with the same key and another history.
	twin := newPlace(t, "brookline.example/log", w.us)
	for range 3 {
		_, err := twin.seal.Seal(t.Context(), evidence.Draft{Kind: audit.RecordActivity, Actor: person})
		ok(t, err)
	}
	h := w.header(twin, engagement.SendState)
	h.Number, h.Prev = 2, first.Digest
	x, err := twin.seal.Log.Show(t.Context(), ledger.Checkpoint{Epoch: 1, Size: first.Checkpoint.Size})
	ok(t, err)
	parcel, err := twin.chain.Parcel(twin.key.Key(), first.Checkpoint, x)
	ok(t, err)
	h.Log = string(parcel.Encode())
	_, err = w.receive(w.client, packet.Forge(t, twin.key, h, []byte(`{"state":"fieldwork"}`)))
	if !errors.Is(err, audit.ErrAltered) || !errors.Is(err, ledger.ErrForked) {
		t.Errorf("another history: %v", err)
	}
	h.Log = w.header(twin, engagement.SendState).Log
	if _, err = w.receive(w.client, packet.Forge(t, twin.key, h, []byte(`{"state":"fieldwork"}`))); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "proof leads from 0") {
		t.Errorf("without a proof: %v", err)
	}

	// The same size with another root, shown in another engagement.
	w.sides.Engagement = "EN-2"
	short := newPlace(t, "brookline.example/log", w.us)
	h = w.header(short, engagement.SendState)
	h.Engagement = "EN-2"
	if _, err = w.receive(w.client, packet.Forge(t, short.key, h, []byte(`{"state":"fieldwork"}`))); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "another engagement") {
		t.Errorf("two histories in two engagements: %v", err)
	}
}

// TestForgot: a side whose store was restored has heard less than before.
func TestForgot(t *testing.T) {
	w := newPair(t)
	w.send(w.client, engagement.SendSeen, packet.Nothing{})
	w.carry(w.client, w.firm, 1)
	w.send(w.firm, engagement.SendState, state)
	got := w.carry(w.firm, w.client, 1)
	h := w.header(w.firm, engagement.SendState)
	h.Number, h.Prev = 2, got.Digest
	x, err := w.firm.seal.Log.Show(t.Context(), got.Checkpoint)
	ok(t, err)
	parcel, err := w.firm.chain.Parcel(w.firm.key.Key(), got.Checkpoint, x)
	ok(t, err)
	h.Log = string(parcel.Encode())
	if _, err := w.receive(w.client, packet.Forge(t, w.firm.key, h, []byte(`{"state":"fieldwork"}`))); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "restored") {
		t.Errorf("got %v", err)
	}
}

// TestRotation: the exchange goes on under a key that was handed over.
func TestRotation(t *testing.T) {
	w := newPair(t)
	w.send(w.firm, engagement.SendState, state)
	w.carry(w.firm, w.client, 1)
	old := w.firm.key
	next := newKey(t, "brookline.example/log", 2)
	statement, err := w.firm.seal.Log.HandOver(next)
	ok(t, err)
	w.firm.key = next
	w.firm.chain, err = w.firm.chain.Follow(statement)
	ok(t, err)
	w.firm.openLog()
	w.send(w.firm, engagement.SendState, state)
	if got := w.carry(w.firm, w.client, 2); got.By.VKey() != next.Key().VKey() {
		t.Errorf("signed by %s, want %s", got.By.ID(), next.Key().ID())
	}
	w.client.restart()
	w.send(w.firm, engagement.SendState, state)
	w.carry(w.firm, w.client, 3)
	if got := w.carry(w.firm, w.client, 1); !got.Again {
		t.Error("the packet under the old key was taken for new")
	}
	// The old key has nothing to say any more.
	_, received, err := w.at(w.client).Lanes(t.Context())
	ok(t, err)
	h := w.header(w.firm, engagement.SendState)
	oldChain, err := ledger.NewChain(old.Key())
	ok(t, err)
	x, err := w.firm.seal.Log.Show(t.Context(), received.Seen)
	ok(t, err)
	parcel, err := oldChain.Parcel(old.Key(), received.Seen, x)
	ok(t, err)
	h.Number, h.Prev, h.Log = 4, received.Digest, string(parcel.Encode())
	if _, err := w.receive(w.client, packet.Forge(t, old, h, []byte(`{"state":"fieldwork"}`))); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("the old key: %v", err)
	}
}

// TestNewEpoch: what a person has to accept first.
func TestNewEpoch(t *testing.T) {
	w := newPair(t)
	w.send(w.firm, engagement.SendState, state)
	w.carry(w.firm, w.client, 1)
	log, err := ledger.NewEpoch(t.Context(), evidence.Backend{Store: w.firm.seal.Store}, w.firm.key,
		ledger.Options{Holder: "test", Anchor: ledger.FileAnchor{Path: filepath.Join(w.firm.dir, "anchor")}, Keys: w.firm.chain}, ledger.Restored)
	ok(t, err)
	w.firm.seal.Log = log
	w.firm.restart()
	w.send(w.firm, engagement.SendState, state)
	b := w.bytes(w.firm, 2)
	_, err = w.receive(w.client, b)
	if !errors.Is(err, audit.ErrForbidden) || !errors.Is(err, ledger.ErrNewEpoch) || !strings.Contains(err.Error(), "after the store was restored") {
		t.Errorf("without consent: %v", err)
	}
	got, err := w.at(w.client).Receive(t.Context(), person, bytes.NewReader(b), ledger.Consent{NewEpoch: true})
	ok(t, err)
	ok(t, got.Close())
	w.send(w.firm, engagement.SendState, state)
	w.carry(w.firm, w.client, 3)
}

// TestOnce: what is sent for one act goes out once, also after a crash between
// sealing and answering, and by two processes at once.
func TestOnce(t *testing.T) {
	w := newPair(t)
	o := packet.Outgoing{Kind: engagement.SendState, Payload: state, By: person, Once: "E-12"}
	first, err := w.at(w.firm).Send(t.Context(), o)
	ok(t, err)
	w.firm.restart()
	again, err := w.at(w.firm).Send(t.Context(), o)
	if err != nil || again != first {
		t.Errorf("after a restart: %+v, %v; want %+v", again, err, first)
	}
	if f, known, err := w.at(w.firm).SentFor(t.Context(), "E-12"); f != first || !known || err != nil {
		t.Errorf("asked for: %+v, %t, %v", f, known, err)
	}
	if _, known, err := w.at(w.firm).SentFor(t.Context(), "E-99"); known || err != nil {
		t.Errorf("asked for what was never sent: %t, %v", known, err)
	}
	o.Payload = engagement.StateNews{State: engagement.Exceptions}
	if _, err := w.at(w.firm).Send(t.Context(), o); !errors.Is(err, book.ErrKeyUsed) {
		t.Errorf("another content: %v", err)
	}
	o.Once, o.Payload = "E-13", state
	var group sync.WaitGroup
	out := make([]packet.Filed, 6)
	for i := range out {
		reg := packet.NewRegister(w.firm.seal, w.firm.now)
		group.Go(func() {
			post, err := reg.Post(w.sides)
			if err == nil {
				out[i], err = post.Send(context.Background(), o)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, f := range out {
		if f != out[0] {
			t.Errorf("sent as %+v and as %+v", out[0], f)
		}
	}
	if n := packets(t, w.firm); n != 2 {
		t.Errorf("%d packets for two acts", n)
	}
}

// TestManyAtOnce: each packet of many gets a number of its own, and the chain is
// whole.
func TestManyAtOnce(t *testing.T) {
	w := newPair(t)
	const many = 8
	var group sync.WaitGroup
	for range many {
		reg := packet.NewRegister(w.firm.seal, w.firm.now)
		group.Go(func() {
			post, err := reg.Post(w.sides)
			if err == nil {
				_, err = post.Send(context.Background(), packet.Outgoing{Kind: engagement.SendState, Payload: state, By: person})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for n := int64(1); n <= many; n++ {
		w.carry(w.firm, w.client, n)
	}
}

// TestErasedPacket: the direction goes on after a packet in the middle was erased.
func TestErasedPacket(t *testing.T) {
	w := newPair(t)
	var middle packet.Filed
	for n := range 3 {
		f := w.send(w.firm, engagement.SendState, state)
		if n == 1 {
			middle = f
		}
	}
	kept := w.bytes(w.firm, 2)
	for n := int64(1); n <= 3; n++ {
		w.carry(w.firm, w.client, n)
	}
	_, err := w.firm.seal.Store.Erase(t.Context(), middle.Record)
	ok(t, err)
	w.firm.restart()
	if _, _, err := w.at(w.firm).Bytes(t.Context(), 2); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("the erased one: %v", err)
	}
	w.send(w.firm, engagement.SendState, state)
	w.carry(w.firm, w.client, 4)
	if got, err := w.receive(w.client, kept); err != nil || !got.Again {
		t.Errorf("%+v, %v", got.Again, err)
	}
}
