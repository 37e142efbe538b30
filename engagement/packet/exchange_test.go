package packet_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/packet"
	"tieout/evidence"
	"tieout/ledger"
)

// script is an engagement's exchange, in the order in which it happens; each
// side sends once it has what the other sent before.
func (w *pair) script(exchange func()) {
	w.send(w.firm, engagement.SendTerms, engagement.TermsOffer{Terms: engagement.Terms{ID: "EN-1"}, Letter: aDigest}, file("letter.txt", "a"))
	exchange()
	w.send(w.client, engagement.SendAgreed, engagement.Agreed{Terms: aDigest})
	w.send(w.firm, engagement.SendRequests, requests)
	exchange()
	w.send(w.client, engagement.SendAnswers, answer, file("leavers.csv", "id\n"), file("note.txt", ""))
	w.send(w.client, engagement.SendEvidence, engagement.EvidenceNote{For: []string{"RQ-1"}, Text: "A bundle."}, file("evidence.bundle", strings.Repeat("bundle ", 1<<17)))
	exchange()
	w.send(w.firm, engagement.SendState, state)
	exchange()
	exchange()
}

// states are what both sides know, without what differs from run to run.
func (w *pair) states() string {
	w.t.Helper()
	var out strings.Builder
	for _, p := range []*place{w.client, w.firm} {
		sent, received, err := w.at(p).Lanes(w.t.Context())
		ok(w.t, err)
		fmt.Fprintf(&out, "%s last=%d/%d heard=%d/%d\n", p.key.Key().Name(), sent.Last, received.Last, sent.Heard, received.Heard)
		for _, dir := range []bool{true, false} {
			list, err := w.at(p).List(w.t.Context(), dir, 0)
			ok(w.t, err)
			for _, f := range list {
				pk, err := w.at(p).Packet(w.t.Context(), dir, f.Number)
				ok(w.t, err)
				fmt.Fprintf(&out, "  sent=%t %d %s payload=%s files=%d\n", dir, f.Number, f.Kind, pk.Header.Payload.Digest, len(pk.Header.Files))
				ok(w.t, pk.Close())
			}
		}
	}
	return out.String()
}

// serve runs a place's server; its clients are the other side's.
func (w *pair) serve(p *place, wrap func(http.Handler) http.Handler) *url.URL {
	w.t.Helper()
	h := packet.Serve(func(_ context.Context, id, other string) (packet.Keeper, error) {
		if id != w.sides.Engagement || other != w.other(p).key.Key().Name() {
			return nil, audit.ErrNotFound
		}
		return p.reg.Post(w.sides)
	})
	if wrap != nil {
		h = wrap(h)
	}
	server := httptest.NewServer(h)
	w.t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	ok(w.t, err)
	return u
}

func (w *pair) other(p *place) *place {
	if p == w.firm {
		return w.client
	}
	return w.firm
}

func (w *pair) dial(p *place, to *url.URL) *packet.Client {
	return &packet.Client{URL: to, HTTP: http.DefaultClient, Post: w.at(p), By: person}
}

// TestTwoWays: over HTTP and by files carried by hand both sides end with the
// same.
func TestTwoWays(t *testing.T) {
	byWire := newPair(t)
	u := byWire.serve(byWire.firm, nil)
	byWire.script(func() {
		_, err := byWire.dial(byWire.client, u).Sync(t.Context())
		ok(t, err)
	})
	byHand := newPair(t)
	dirs := map[*place]string{byHand.firm: t.TempDir(), byHand.client: t.TempDir()}
	byHand.script(func() {
		for _, p := range []*place{byHand.client, byHand.firm} { // as a Sync does: push, then pull
			_, err := byHand.at(p).Outbox(t.Context(), dirs[p])
			ok(t, err)
			_, err = byHand.at(byHand.other(p)).Inbox(t.Context(), person, dirs[p], ledger.Consent{}, nil)
			ok(t, err)
		}
	})
	if wire, hand := byWire.states(), byHand.states(); wire != hand || !strings.Contains(wire, "last=3/3") {
		t.Errorf("over the wire:\n%s\nby hand:\n%s", wire, hand)
	}
}

// TestCutOff: an answer that never came, a body that broke off, and a process
// that was killed between sealing and answering repeat harmlessly.
func TestCutOff(t *testing.T) {
	w := newPair(t)
	var one sync.Mutex // request at a time
	n := 0
	u := w.serve(w.firm, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			one.Lock()
			defer one.Unlock()
			switch n++; {
			case r.Method == http.MethodPost && n%2 == 0: // sealed, and nobody hears of it
				h.ServeHTTP(httptest.NewRecorder(), r)
				w.firm.restart()
				panic(http.ErrAbortHandler)
			case r.PathValue("number") == "" && strings.Contains(r.URL.Path, "/packets/") && n%2 == 0:
				h.ServeHTTP(&half{ResponseWriter: rw, left: 1000}, r)
			default:
				h.ServeHTTP(rw, r)
			}
		})
	})
	big := file("report.json", strings.Repeat("evidence ", 1<<16))
	d := digestHex(t, big)
	for range 3 {
		w.send(w.client, engagement.SendSeen, packet.Nothing{})
		w.send(w.firm, engagement.SendDraft, engagement.Draft{Digest: d}, big)
	}
	var taken []int64
	c := w.dial(w.client, u)
	c.Take = func(_ context.Context, r packet.Received) error { taken = append(taken, r.Header.Number); return nil }
	done, err := c.Sync(t.Context())
	ok(t, err)
	if !slices.Equal(done.Pushed, []int64{1, 2, 3}) || !slices.Equal(done.Pulled, []int64{1, 2, 3}) || !slices.Equal(taken, done.Pulled) {
		t.Errorf("done %+v, taken %v", done, taken)
	}
	if done, err = c.Sync(t.Context()); err != nil || len(done.Pushed)+len(done.Pulled) != 0 {
		t.Errorf("again: %+v, %v", done, err)
	}
	if n := packets(t, w.firm); n != 6 {
		t.Errorf("the firm's log holds %d packets, want 6", n)
	}
}

// TestRefusedPush: the reason arrives, though the body was never read.
func TestRefusedPush(t *testing.T) {
	w := newPair(t)
	w.firm.reg.Limit = 1 << 20
	u := w.serve(w.firm, nil)
	w.send(w.client, engagement.SendEvidence, engagement.EvidenceNote{}, file("evidence.bundle", strings.Repeat("evidence ", 2<<20)))
	_, err := w.dial(w.client, u).Sync(t.Context())
	if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), "send packet 1") || !strings.Contains(err.Error(), "takes at most 1048576") {
		t.Errorf("got %v", err)
	}
}

// half cuts an answer off after some bytes.
type half struct {
	http.ResponseWriter
	left int
}

func (h *half) Write(b []byte) (int, error) {
	if len(b) > h.left {
		_, _ = h.ResponseWriter.Write(b[:h.left])
		_ = http.NewResponseController(h.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	h.left -= len(b)
	return h.ResponseWriter.Write(b)
}

func digestHex(t *testing.T, f packet.File) string {
	t.Helper()
	r, err := f.Open()
	ok(t, err)
	b, err := io.ReadAll(r)
	ok(t, err)
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

// TestEach: what was sealed when the process ended is acted on later.
func TestEach(t *testing.T) {
	w := newPair(t)
	for range 3 {
		w.send(w.firm, engagement.SendRequests, requests)
	}
	for n := int64(1); n <= 3; n++ {
		w.carry(w.firm, w.client, n)
	}
	w.client.restart()
	var got []int64
	ok(t, w.at(w.client).Each(t.Context(), 1, func(_ context.Context, r packet.Received) error {
		news, err := packet.Payload[[]engagement.RequestNews](r.Packet)
		if err == nil && news[0].Request.ID == "RQ-1" && r.Record > 0 {
			got = append(got, r.Header.Number)
		}
		return err
	}))
	if !slices.Equal(got, []int64{2, 3}) {
		t.Errorf("got %v", got)
	}
	stop := errors.New("stop")
	if err := w.at(w.client).Each(t.Context(), 0, func(context.Context, packet.Received) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

func TestParseURL(t *testing.T) {
	for _, good := range []string{"https://tieout.brookline.example", "https://brookline.example:8443/tieout", "http://localhost:8731", "http://127.0.0.1:1", "http://[::1]:1"} {
		if _, err := packet.ParseURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "brookline.example", "http://brookline.example", "http://10.0.0.1", "ftp://x", "https://me:pw@x", "https://x?a=b", "https://x#a", "file:///etc", "http://localhost.evil.example"} {
		if _, err := packet.ParseURL(bad); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestStrangers: what a server says to whom it is not meant for, and that it
// says the same whether the exchange exists.
func TestStrangers(t *testing.T) {
	w := newPair(t)
	u := w.serve(w.firm, nil)
	w.send(w.firm, engagement.SendState, state)
	post := func(path string, body []byte) (int, string) {
		resp, err := http.Post(u.String()+path, packet.Media, bytes.NewReader(body))
		ok(t, err)
		return answerOf(t, resp)
	}
	good := packet.Forge(t, w.client.key, w.header(w.client, engagement.SendSeen), []byte(`{}`))
	forged := packet.Forge(t, newKey(t, "halyard.example/log", 2), w.header(w.client, engagement.SendSeen), []byte(`{}`))
	elsewhere := w.header(w.client, engagement.SendSeen)
	elsewhere.Engagement = "EN-2"
	unknown := packet.Forge(t, w.client.key, elsewhere, []byte(`{}`))
	var said []string
	for name, c := range map[string]struct {
		path string
		body []byte
	}{
		"another key": {"/exchange/EN-1/packets", forged}, "an engagement that is not here": {"/exchange/EN-2/packets", unknown},
		"a packet of another engagement": {"/exchange/EN-1/packets", unknown}, "no such address": {"/exchange/..%2f/packets", good},
	} {
		status, text := post(c.path, c.body)
		if status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, status, text)
		}
		said = append(said, text)
	}
	if slices.Sort(said); said[0] != said[len(said)-1] {
		t.Errorf("strangers are told different things: %q", said)
	}
	for _, path := range []string{"/exchange/EN-1/packets", "/exchange/EN-1/packets/1", "/exchange/EN-9/packets"} {
		resp, err := http.Get(u.String() + path)
		ok(t, err)
		if status, text := answerOf(t, resp); status != http.StatusForbidden || text != said[0] {
			t.Errorf("GET %s: %d %s", path, status, text)
		}
	}
	if n := packets(t, w.firm); n != 1 {
		t.Errorf("the firm's log holds %d packets, want its own", n)
	}
	if status, text := post("/exchange/EN-1/packets", []byte("tieout packet 1\nno")); status != http.StatusUnprocessableEntity {
		t.Errorf("no packet: %d %s", status, text)
	}
	if status, text := post("/exchange/EN-1/packets", good); status != http.StatusOK {
		t.Errorf("the client's: %d %s", status, text)
	}
}

func answerOf(t *testing.T, resp *http.Response) (int, string) {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	ok(t, err)
	return resp.StatusCode, string(b)
}

// TestAsk: a signed request counts once, for five minutes, for what it says.
func TestAsk(t *testing.T) {
	w := newPair(t)
	firm, client := w.at(w.firm), w.at(w.client)
	ask := func() []byte {
		msg, err := client.Ask(t.Context(), "list 0")
		ok(t, err)
		return msg
	}
	msg := ask()
	ok(t, firm.Admit(t.Context(), msg, "list 0"))
	w.firm.restart()
	if err := w.at(w.firm).Admit(t.Context(), msg, "list 0"); !errors.Is(err, audit.ErrForbidden) || !strings.Contains(err.Error(), "used before") {
		t.Errorf("a second time: %v", err)
	}
	if err := firm.Admit(t.Context(), ask(), "get 1 0"); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("for something else: %v", err)
	}
	if err := client.Admit(t.Context(), ask(), "list 0"); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("at the asker's own: %v", err)
	}
	for name, d := range map[string]time.Duration{"late": 6 * time.Minute, "early": -6 * time.Minute} {
		msg := ask()
		w.us.Add(d.Microseconds())
		if err := firm.Admit(t.Context(), msg, "list 0"); !errors.Is(err, audit.ErrForbidden) || !strings.Contains(err.Error(), "five minutes") {
			t.Errorf("%s: %v", name, err)
		}
		w.us.Add(-d.Microseconds())
	}
	msg = ask()
	for i := range msg {
		bad := bytes.Clone(msg)
		bad[i] ^= 1 << (i % 8)
		if err := firm.Admit(t.Context(), bad, "list 0"); !errors.Is(err, audit.ErrForbidden) && !errors.Is(err, packet.ErrNotSigned) && !errors.Is(err, audit.ErrInvalid) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	ok(t, firm.Admit(t.Context(), msg, "list 0"))
	if _, err := client.Ask(t.Context(), "list 0\nget 1 0"); err == nil {
		t.Error("two things were asked at once")
	}
}

// TestRotatedAsk: after a hand-over the new key may ask before it has sent.
func TestRotatedAsk(t *testing.T) {
	w := newPair(t)
	u := w.serve(w.firm, nil)
	_, err := w.dial(w.client, u).Sync(t.Context())
	ok(t, err)
	late, err := w.at(w.client).Ask(t.Context(), "list 0")
	ok(t, err)
	next := newKey(t, "halyard.example/log", 2)
	statement, err := w.client.seal.Log.HandOver(next)
	ok(t, err)
	w.client.key = next
	w.client.chain, err = w.client.chain.Follow(statement)
	ok(t, err)
	w.client.openLog()
	w.send(w.client, engagement.SendSeen, packet.Nothing{})
	done, err := w.dial(w.client, u).Sync(t.Context())
	if err != nil || len(done.Pushed) != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if err := w.at(w.firm).Admit(t.Context(), late, "list 0"); !errors.Is(err, packet.ErrNotSigned) {
		t.Errorf("the old key, once the new one has sent: %v", err)
	}
}

// TestHostileServer: what answers in the other side's place is not believed.
func TestHostileServer(t *testing.T) {
	w := newPair(t)
	w.send(w.firm, engagement.SendState, state)
	real := w.bytes(w.firm, 1)
	list := func(packets string) string {
		return `{"format":"tieout.exchange/1","heard":0,"packets":[` + packets + `]}`
	}
	entry := func(n int, size int) string {
		return fmt.Sprintf(`{"digest":"sha256:%s","kind":"state","number":%d,"size":%d}`, aDigest, n, size)
	}
	for name, c := range map[string]struct {
		list string
		body []byte
		want error
	}{
		"not JSON":                  {"<html>", nil, audit.ErrUnavailable},
		"an unknown key":            {`{"format":"x","heard":0,"packets":[],"notes":1}`, nil, audit.ErrUnavailable},
		"an answer without end":     {strings.Repeat("[", 2<<20), nil, audit.ErrUnavailable},
		"numbers with a gap":        {list(entry(2, 100)), nil, audit.ErrInvalid},
		"more than is taken":        {list(entry(1, 1<<35)), nil, audit.ErrInvalid},
		"bytes changed":             {list(entry(1, len(real))), append(bytes.Clone(real[:len(real)-1]), 'x'), audit.ErrAltered},
		"more bytes than announced": {list(entry(1, len(real))), append(bytes.Clone(real), 'x'), audit.ErrAltered},
		"a page":                    {list(entry(1, 5)), []byte("hello"), audit.ErrAltered},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/packets") {
				_, _ = io.WriteString(rw, c.list)
				return
			}
			_, _ = rw.Write(c.body)
		}))
		u, err := url.Parse(server.URL)
		ok(t, err)
		if _, err := w.dial(w.client, u).Sync(t.Context()); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		server.Close()
	}
	if n := packets(t, w.client); n != 0 {
		t.Errorf("the client's log holds %d packets", n)
	}
}

// TestFolder: what lies in a folder that is no packet for here.
func TestFolder(t *testing.T) {
	w := newPair(t)
	for range 3 {
		w.send(w.firm, engagement.SendState, state)
	}
	dir := t.TempDir()
	paths, err := w.at(w.firm).Outbox(t.Context(), dir)
	ok(t, err)
	if len(paths) != 3 || filepath.Base(paths[0]) != "EN-1-to-halyard-0001.packet" {
		t.Fatalf("got %v", paths)
	}
	if again, err := w.at(w.firm).Outbox(t.Context(), dir); err != nil || !slices.Equal(again, paths) {
		t.Errorf("again: %v, %v", again, err)
	}
	w.send(w.client, engagement.SendSeen, packet.Nothing{})
	_, err = w.at(w.client).Outbox(t.Context(), dir) // a folder that both use
	ok(t, err)
	ok(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("hello"), 0o600))
	ok(t, os.Remove(paths[1]))
	var gap *packet.Gap
	fresh, err := w.at(w.client).Inbox(t.Context(), person, dir, ledger.Consent{}, nil)
	if fresh != 1 || !errors.As(err, &gap) || gap.First != 2 {
		t.Errorf("without the second: %d new, %v", fresh, err)
	}
	_, err = w.at(w.firm).Outbox(t.Context(), dir)
	ok(t, err)
	if fresh, err = w.at(w.client).Inbox(t.Context(), person, dir, ledger.Consent{}, nil); fresh != 2 || err != nil {
		t.Errorf("%d new, %v", fresh, err)
	}
	ok(t, os.WriteFile(paths[0], []byte("tieout packet 1\nbut not"), 0o600))
	if _, err := w.at(w.firm).Outbox(t.Context(), dir); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("another file in its place: %v", err)
	}
	if _, err := w.at(w.client).Inbox(t.Context(), person, dir, ledger.Consent{}, nil); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), paths[0]) {
		t.Errorf("a broken one: %v", err)
	}
}

// TestNothingElseCrosses: strings planted all over the firm's log are in no byte
// of what the client holds.
func TestNothingElseCrosses(t *testing.T) {
	w := newPair(t)
	const planted = "PLANTED-a1b2c3"
	_, err := w.firm.seal.Seal(t.Context(), evidence.Draft{Kind: audit.RecordFieldwork, Body: []byte(planted), Query: planted, Scope: planted, Actor: audit.Actor{Kind: audit.ActorPerson, Name: planted},
		Detail: map[string]string{"note": planted}})
	ok(t, err)
	_, err = w.at(w.firm).Send(t.Context(), packet.Outgoing{Kind: engagement.SendState, Payload: state, By: audit.Actor{Kind: audit.ActorPerson, Name: planted}, Once: planted})
	ok(t, err)
	u := w.serve(w.firm, nil)
	_, err = w.dial(w.client, u).Sync(t.Context())
	ok(t, err)
	if bytes.Contains(w.bytes(w.firm, 1), []byte(planted)) {
		t.Error("the packet holds it")
	}
	seen := 0
	ok(t, filepath.WalkDir(w.client.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if seen++; bytes.Contains(b, []byte(planted)) {
			t.Errorf("%s holds it", path)
		}
		return err
	}))
	if seen == 0 || packets(t, w.client) != 1 {
		t.Errorf("%d files looked at", seen)
	}
}
