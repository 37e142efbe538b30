package packet_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/packet"
	"tieout/ledger"
)

// answered is a packet of the client with two files.
func answered(t *testing.T) (*pair, []byte) {
	t.Helper()
	w := newPair(t)
	w.send(w.client, engagement.SendAnswers, answer, file("leavers.csv", "id,day\n1,2026-02-03\n"), file("note.txt", ""))
	return w, w.bytes(w.client, 1)
}

func open(w *pair, b []byte) (*packet.Packet, error) {
	return packet.Open(bytes.NewReader(b), int64(len(b)), w.client.key.Key())
}

func TestOpen(t *testing.T) {
	w, b := answered(t)
	p, err := open(w, b)
	ok(t, err)
	got, err := packet.Payload[[]engagement.Answer](p)
	ok(t, err)
	if len(got) != 1 || got[0].Text != "Here." {
		t.Errorf("payload: got %+v", got)
	}
	if _, err := packet.Payload[engagement.Sample](p); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("answers as a sample: %v", err)
	}
	for name, want := range map[string]string{"leavers.csv": "id,day\n1,2026-02-03\n", "note.txt": ""} {
		r, err := p.File(name)
		ok(t, err)
		text, err := io.ReadAll(r)
		if err != nil || string(text) != want {
			t.Errorf("%s: got %q, %v", name, text, err)
		}
	}
	if _, err := p.File("other"); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("a file that is not there: %v", err)
	}
	if p.Name() != "EN-1-to-brookline-0001.packet" || p.Size != int64(len(b)) || p.Checkpoint.Size != 1 {
		t.Errorf("got %s, %d bytes, log of %d entries", p.Name(), p.Size, p.Checkpoint.Size)
	}
	if _, err := packet.Open(bytes.NewReader(b), int64(len(b)), w.firm.key.Key()); !errors.Is(err, packet.ErrNotSigned) {
		t.Errorf("with another key: %v", err)
	}
}

func TestMedia(t *testing.T) {
	w := newPair(t)
	for media, want := range map[string]string{"": "application/octet-stream", "text/csv; charset=utf-8": "text/csv; charset=utf-8", "application/vnd.x+json": "application/vnd.x+json"} {
		f := file("x", "x")
		f.Media = media
		sent := w.send(w.client, engagement.SendEvidence, engagement.EvidenceNote{}, f)
		p, err := w.at(w.client).Packet(t.Context(), true, sent.Number)
		ok(t, err)
		if got := p.Header.Files[0].Media; got != want {
			t.Errorf("%q: got %q, want %q", media, got, want)
		}
		ok(t, p.Close())
	}
}

func TestOpenFile(t *testing.T) {
	w, b := answered(t)
	path := filepath.Join(t.TempDir(), "x.packet")
	ok(t, os.WriteFile(path, b, 0o600))
	p, err := packet.OpenFile(path, w.client.key.Key())
	ok(t, err)
	ok(t, p.Close())
	ok(t, os.WriteFile(path, b[:len(b)-1], 0o600))
	if _, err := packet.OpenFile(path, w.client.key.Key()); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), path) {
		t.Errorf("cut off: %v", err)
	}
}

// TestEveryByteCounts flips each bit of each byte, adds one and cuts one off.
func TestEveryByteCounts(t *testing.T) {
	w, b := answered(t)
	parts := map[string]int{}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1 << (i % 8)
		_, err := open(w, bad)
		if !errors.Is(err, audit.ErrAltered) {
			t.Fatalf("byte %d of %d changed: %v", i, len(b), err)
		}
		_, where, _ := strings.Cut(err.Error(), "packet")
		where, _, _ = strings.Cut(strings.TrimLeft(where, ", "), ":")
		parts[where]++
	}
	for _, want := range []string{"head", "signature", "header", "payload", `file "leavers.csv"`} {
		if parts[want] == 0 {
			t.Errorf("no change was named as in the %s: %v", want, parts)
		}
	}
	for n := range b {
		if _, err := open(w, b[:n]); !errors.Is(err, audit.ErrAltered) {
			t.Fatalf("cut off after %d bytes: %v", n, err)
		}
	}
	if _, err := open(w, append(bytes.Clone(b), 0)); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("a byte more: %v", err)
	}
}

// TestWriteRefuses what a packet of its kind does not hold, whoever asks for it.
func TestWriteRefuses(t *testing.T) {
	w := newPair(t)
	type workpaper struct {
		engagement.StateNews
		Note string `json:"note"`
	}
	two := []packet.File{file("a.txt", "a"), file("A.TXT", "b")}
	for name, o := range map[string]packet.Outgoing{
		"a value with more than crosses":   {Kind: engagement.SendState, Payload: workpaper{state, "between us"}},
		"a map":                            {Kind: engagement.SendState, Payload: map[string]any{"state": "fieldwork"}},
		"a pointer":                        {Kind: engagement.SendState, Payload: &state},
		"another kind's value":             {Kind: engagement.SendSample, Payload: state},
		"the client's kind":                {Kind: engagement.SendAnswers, Payload: answer},
		"no kind":                          {Kind: "note", Payload: state},
		"a file with a state":              {Kind: engagement.SendState, Payload: state, Files: two[:1]},
		"a draft without its report":       {Kind: engagement.SendDraft, Payload: engagement.Draft{Digest: strings.Repeat("0", 64)}},
		"a draft with more than it":        {Kind: engagement.SendDraft, Payload: engagement.Draft{Digest: aDigest}, Files: []packet.File{file("report.json", "a"), file("notes.txt", "n")}},
		"terms with a file nobody named":   {Kind: engagement.SendTerms, Payload: engagement.TermsOffer{}, Files: two[:1]},
		"a report with a file not named":   {Kind: engagement.SendReport, Payload: engagement.Release{Report: aDigest, Files: []string{"b.pdf"}}, Files: two[:1]},
		"a report that lacks one":          {Kind: engagement.SendReport, Payload: engagement.Release{Report: aDigest, Files: []string{"a.txt", "b.pdf"}}, Files: two[:1]},
		"two names that are one elsewhere": {Kind: engagement.SendReport, Payload: engagement.Release{Report: aDigest, Files: []string{"a.txt", "A.TXT"}}, Files: two},
	} {
		if _, err := w.at(w.firm).Send(t.Context(), o); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if sent, _, err := w.at(w.firm).Lanes(t.Context()); err != nil || sent.Last != 0 {
		t.Errorf("%d packets went out, %v", sent.Last, err)
	}
	for _, name := range []string{"", "a/b", `a\b`, "..", ".hidden", "con", "LPT1.txt", "a ", "a.", " a", "a\x00", "a\u202eb", "a:b", strings.Repeat("a", 201), "\xff"} {
		if err := packet.CheckName(name); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("file name %q: %v", name, err)
		}
	}
	for _, name := range []string{"leavers 2026.csv", "Kündigungen.pdf", "console.txt", "a.tar.gz"} {
		ok(t, packet.CheckName(name))
	}
}

// aDigest is that of the text "a".
const aDigest = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"

// TestUnknownKeys: a signed packet whose payload says more than its type has is
// refused by whoever receives it.
func TestUnknownKeys(t *testing.T) {
	w, _ := answered(t)
	for name, payload := range map[string]string{
		"one key more":           `{"note":"between us","state":"fieldwork"}`,
		"a key in other letters": `{"State":"fieldwork"}`,
		"a key twice":            `{"state":"fieldwork","state":"fieldwork"}`,
		"spaces":                 `{ "state":"fieldwork"}`,
		"an empty key":           `{"state":"fieldwork","why":""}`,
		"another type":           `["fieldwork"]`,
		"nothing":                `null`,
	} {
		b := packet.Forge(t, w.firm.key, w.header(w.firm, engagement.SendState), []byte(payload))
		_, err := packet.Open(bytes.NewReader(b), int64(len(b)), w.firm.key.Key())
		if !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := w.receive(w.client, b); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s, received: %v", name, err)
		}
	}
	b := packet.Forge(t, w.firm.key, w.header(w.firm, engagement.SendState), []byte(`{"state":"fieldwork"}`))
	if _, err := w.receive(w.client, b); err != nil {
		t.Errorf("as it should be: %v", err)
	}
}

// header is that of the first packet a place would send.
func (w *pair) header(from *place, kind engagement.Kind) packet.Header {
	w.t.Helper()
	to := w.sides.Client
	if from == w.client {
		to = w.sides.Firm
	}
	x, err := from.seal.Log.Show(w.t.Context(), ledger.Checkpoint{})
	ok(w.t, err)
	parcel, err := from.chain.Parcel(from.chain.Links()[0].Key, ledger.Checkpoint{}, x)
	ok(w.t, err)
	return packet.Header{Kind: kind, Engagement: "EN-1", From: from.key.Key().Name(), To: to.Origin, Number: 1, Made: from.now(), Log: string(parcel.Encode())}
}

// TestKinds: each kind is of one side, has a type, and its zero value's spelling
// reads back.
func TestKinds(t *testing.T) {
	w := newPair(t)
	for _, kind := range append(append([]engagement.Kind{}, engagement.FromFirm...), engagement.FromClient...) {
		if err := packet.CheckKind(kind); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	for name, kinds := range map[string][]engagement.Kind{"firm": engagement.FromFirm, "client": engagement.FromClient} {
		other, too := w.client, engagement.FromClient
		if name == "client" {
			other, too = w.firm, engagement.FromFirm
		}
		for _, kind := range kinds {
			if slices.Contains(too, kind) {
				continue
			}
			_, err := w.at(other).Send(t.Context(), packet.Outgoing{Kind: kind, Payload: state, By: person})
			if !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("kind %s of the %s, sent by the other side: %v", kind, name, err)
			}
		}
	}
}

func TestBounds(t *testing.T) {
	w := newPair(t)
	good := w.header(w.firm, engagement.SendState)
	for name, change := range map[string]func(*packet.Header){
		"number 0":              func(h *packet.Header) { h.Number = 0 },
		"number of a million":   func(h *packet.Header) { h.Number, h.Prev = 1_000_001, "sha256:"+aDigest },
		"a first with a prev":   func(h *packet.Header) { h.Prev = "sha256:" + aDigest },
		"a second without":      func(h *packet.Header) { h.Number = 2 },
		"no time":               func(h *packet.Header) { h.Made = h.Made.AddDate(-2025, -2, -1).Add(-9 * 3600e9) },
		"to itself":             func(h *packet.Header) { h.To = h.From },
		"no engagement":         func(h *packet.Header) { h.Engagement = "../EN-1" },
		"an origin with spaces": func(h *packet.Header) { h.To = "a b" },
		"half a witness":        func(h *packet.Header) { h.Heard = &packet.Heard{Number: 1} },
		"a kind nobody knows":   func(h *packet.Header) { h.Kind = "note" },
		"a path as a file": func(h *packet.Header) {
			h.Files = []packet.Part{{Name: "../x", Media: "text/plain", Digest: "sha256:" + aDigest}}
		},
		"a file of nothing less": func(h *packet.Header) {
			h.Files = []packet.Part{{Name: "x", Media: "text/plain", Size: -1, Digest: "sha256:" + aDigest}}
		},
		"a file of everything": func(h *packet.Header) {
			h.Files = []packet.Part{{Name: "x", Media: "text/plain", Size: 1 << 50, Digest: "sha256:" + aDigest}}
		},
		"no media type": func(h *packet.Header) {
			h.Files = []packet.Part{{Name: "x", Media: "<b>", Digest: "sha256:" + aDigest}}
		},
		"too many files": func(h *packet.Header) {
			for i := range 1001 {
				h.Files = append(h.Files, packet.Part{Name: fmt.Sprint("x", i), Media: "text/plain", Digest: "sha256:" + aDigest})
			}
		},
	} {
		h := good
		change(&h)
		b := packet.Forge(t, w.firm.key, h, []byte(`{"state":"fieldwork"}`))
		_, err := packet.Open(bytes.NewReader(b), int64(len(b)), w.firm.key.Key())
		if !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Lengths that promise more than there is take no memory.
	for _, b := range []string{"tieout packet 1\n\xff\xff\xff\xff", "tieout packet 1\n\x00\x00\x00\x00", "tieout bundle 1\n"} {
		if _, err := packet.Open(strings.NewReader(b), int64(len(b)), w.firm.key.Key()); !errors.Is(err, audit.ErrAltered) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

// TestLimit: what is too large is refused by its header.
func TestLimit(t *testing.T) {
	w := newPair(t)
	big := strings.Repeat("x", 2<<20)
	w.send(w.client, engagement.SendEvidence, engagement.EvidenceNote{For: []string{"RQ-1"}}, file("bundle", big))
	b := w.bytes(w.client, 1)
	w.firm.reg.Limit = 1 << 20
	if _, err := w.receive(w.firm, b[:8<<10]); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), "takes at most 1048576") {
		t.Errorf("got %v", err)
	}
	w.firm.reg.Limit = 0
	w.carry(w.client, w.firm, 1)
	p, err := w.at(w.firm).Packet(t.Context(), false, 1)
	ok(t, err)
	r, err := p.File("bundle")
	ok(t, err)
	if got, err := io.ReadAll(r); err != nil || string(got) != big {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	ok(t, p.Close())
	if left, err := os.ReadDir(w.firm.reg.Spool); err != nil || len(left) != 0 {
		t.Errorf("left in the spool: %v, %v", left, err)
	}
}

// FuzzOpen: no bytes crash the reader, and what it takes is spelled in one way.
func FuzzOpen(f *testing.F) {
	w := newPair(f) // of the same keys in every process that fuzzes
	signer := w.client.key
	w.send(w.client, engagement.SendAnswers, answer, file("leavers.csv", "id,day\n"), file("note.txt", ""))
	w.send(w.client, engagement.SendSeen, packet.Nothing{})
	f.Add(w.bytes(w.client, 1))
	f.Add(w.bytes(w.client, 2))
	f.Add(packet.Forge(f, signer, w.header(w.client, engagement.SendSeen), []byte(`{"note":1}`)))
	f.Add([]byte("tieout packet 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := packet.Open(bytes.NewReader(b), int64(len(b)), signer.Key())
		if err != nil {
			if !errors.Is(err, audit.ErrAltered) && !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		if p.Size != int64(len(b)) {
			t.Errorf("%d bytes were taken for %d", len(b), p.Size)
		}
	})
}

// FuzzAsk: no request crashes the reader, and none but the signed one counts.
func FuzzAsk(f *testing.F) {
	w := newPair(f)
	msg, err := w.at(w.client).Ask(f.Context(), "list 0")
	ok(f, err)
	f.Add(msg)
	f.Add([]byte("tieout exchange request 1\nEN-1\n\n— x AAAAAAA=\n"))
	handler := packet.Serve(func(context.Context, string, string) (packet.Keeper, error) { return nil, audit.ErrNotFound })
	f.Fuzz(func(t *testing.T, b []byte) {
		r := httptest.NewRequest(http.MethodGet, "/exchange/EN-1/packets", nil)
		r.Header.Set("Authorization", "Tieout-Note "+base64.StdEncoding.EncodeToString(b))
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		if rec.Code != http.StatusForbidden {
			t.Errorf("status %d", rec.Code)
		}
	})
}
