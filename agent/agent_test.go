package agent

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	format "tieout/source/agent"
	"tieout/source/workstation"
)

// A clock is moved by tests.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// A site is a receiver and one enrolled computer.
type site struct {
	t        *testing.T
	receiver *Receiver
	server   *httptest.Server
	theirs   *clock // the receiver's
	ours     *clock // the computer's
	computer *Computer
	down     bool // the receiver does not answer
}

var start = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

// look is a Linux computer with nothing but an id and a name.
func look(_ context.Context, at time.Time) (audit.Page, error) {
	body, err := canonical.Marshal(workstation.Probes{Platform: "linux", User: "user", Answers: []workstation.Answer{
		{Probe: workstation.Probe{Name: "machine-id", File: "/etc/machine-id"}, Output: "c0ffee"},
		{Probe: workstation.Probe{Name: "hostname", File: "/proc/sys/kernel/hostname"}, Output: "lap-12"},
	}})
	return audit.Page{Kind: "workstation.probes", Query: "2 probes", Media: "application/json", Body: body, About: audit.At(at)}, err
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, theirs: &clock{start}, ours: &clock{start}}
	var err error
	if s.receiver, err = NewReceiver(Options{Folder: t.TempDir(), Now: s.theirs.now}); err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.down {
			http.Error(w, "bad gateway", http.StatusBadGateway)
			return
		}
		s.receiver.ServeHTTP(w, r)
	}))
	t.Cleanup(s.server.Close)
	s.computer = &Computer{Folder: t.TempDir(), Now: s.ours.now, Look: look}
	return s
}

func (s *site) token(g Grant, valid time.Duration) string {
	s.t.Helper()
	t, err := NewToken(s.receiver.Folder, g, s.theirs.at.Add(valid))
	if err != nil {
		s.t.Fatal(err)
	}
	return t.String()
}

func enrolled(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	if _, err := s.computer.Enroll(t.Context(), s.server.URL, s.token(Grant{AssignedTo: "hr/17", Kind: "laptop"}, time.Hour)); err != nil {
		t.Fatal(err)
	}
	return s
}

// pass moves both clocks.
func (s *site) pass(d time.Duration) { s.ours.at, s.theirs.at = s.ours.at.Add(d), s.theirs.at.Add(d) }

func (s *site) collect() {
	s.t.Helper()
	if err := s.computer.Collect(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) send(want Sent) {
	s.t.Helper()
	got, err := s.computer.Send(s.t.Context())
	if err != nil || got != want {
		s.t.Fatalf("sent %+v, %v; want %+v", got, err, want)
	}
}

func (s *site) state() State {
	s.t.Helper()
	st, err := s.computer.State()
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

func (s *site) received() []int64 {
	s.t.Helper()
	list, err := s.receiver.journal.Sequences(s.state().Device)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// post sends bytes to the receiver and returns its verified answer.
func (s *site) post(path string, msg []byte) Answer {
	s.t.Helper()
	resp, err := http.Post(s.server.URL+path, "application/json", strings.NewReader(string(msg)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	a, err := readAnswer(resp.Body, s.receiver.key.Public().(ed25519.PublicKey), msg)
	if err != nil {
		s.t.Fatal(err)
	}
	if (resp.StatusCode == 200) != (a.Reason == "") {
		s.t.Errorf("status %d with reason %q", resp.StatusCode, a.Reason)
	}
	return a
}

// next is the message the computer would send next.
func (s *site) next() []byte {
	s.t.Helper()
	list, err := s.computer.Waiting()
	if err != nil || len(list) == 0 {
		s.t.Fatal(list, err)
	}
	b, err := os.ReadFile(filepath.Join(s.computer.queue(), list[0]))
	if err != nil {
		s.t.Fatal(err)
	}
	msg, _, err := s.computer.message(s.state(), b)
	if err != nil {
		s.t.Fatal(err)
	}
	return msg
}

func TestReportsInOrder(t *testing.T) {
	s := enrolled(t)
	s.collect()
	s.send(Sent{Accepted: 1})
	s.down = true
	for range 3 { // offline for three days
		s.pass(24 * time.Hour)
		s.collect()
		if got, err := s.computer.Send(t.Context()); !errors.Is(err, audit.ErrUnavailable) || got.Accepted != 0 {
			t.Fatalf("%+v, %v; want unavailable", got, err)
		}
	}
	s.down = false
	s.send(Sent{Accepted: 3})
	s.send(Sent{})
	if got := s.received(); len(got) != 4 || got[3] != 4 {
		t.Errorf("the receiver has %v", got)
	}
	b, err := s.receiver.journal.Report(s.state().Device, 2)
	if err != nil {
		t.Fatal(err)
	}
	e, err := format.ReadEntry(b)
	if err != nil || e.Report.Header.At != "2026-11-02T08:00:00Z" || e.Received != "2026-11-04T08:00:00Z" {
		t.Errorf("report 2 is of %s, received %s, %v", e.Report.Header.At, e.Received, err)
	}
}

// TestLostAnswer: the receiver kept a report and its answer never came.
func TestLostAnswer(t *testing.T) {
	s := enrolled(t)
	s.collect()
	if a := s.post(PathReport, s.next()); a.Outcome != Accepted || a.Sequence != 1 {
		t.Fatalf("%+v", a)
	}
	s.send(Sent{Accepted: 1})
	if got := s.received(); len(got) != 1 {
		t.Errorf("the receiver has %v, want one", got)
	}
}

// TestCutOff: the program ended after the answer was noted and before the
// report was taken off the queue.
func TestCutOff(t *testing.T) {
	s := enrolled(t)
	s.collect()
	list, err := s.computer.Waiting()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.computer.queue(), list[0])
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.send(Sent{Accepted: 1})
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s.send(Sent{Accepted: 1})
	if got := s.received(); len(got) != 1 {
		t.Errorf("the receiver has %v, want one", got)
	}
}

func TestHostileReports(t *testing.T) {
	tests := []struct {
		name   string
		change func(s *site, r *format.Report)
		want   string
	}{
		{"the body is another", func(_ *site, r *format.Report) { r.Body = base64.StdEncoding.EncodeToString([]byte("{}")) }, ReasonSignature},
		{"the time is another", func(_ *site, r *format.Report) { r.Header.At = "2026-11-01T08:00:02Z" }, ReasonSignature},
		{"signed by another key", func(s *site, r *format.Report) {
			_, key, err := ed25519.GenerateKey(nil)
			if err != nil {
				s.t.Fatal(err)
			}
			if r.Signature, err = format.Sign(key, format.FormatReport, r.Header); err != nil {
				s.t.Fatal(err)
			}
		}, ReasonSignature},
		{"no signature", func(_ *site, r *format.Report) { r.Signature = "" }, ReasonSignature},
		{"a device nobody enrolled", func(_ *site, r *format.Report) { r.Header.Device = strings.Repeat("ab", 16) }, ReasonDevice},
		{"a device that is a path", func(_ *site, r *format.Report) { r.Header.Device = "../../tokens/x" }, ReasonDevice},
		{"a number is left out", func(s *site, r *format.Report) { r.Header.Sequence++; s.sign(r) }, ReasonSequence},
		{"it follows nothing we have", func(s *site, r *format.Report) { r.Header.Previous = format.Digest(nil); s.sign(r) }, ReasonSequence},
		{"number zero", func(s *site, r *format.Report) { r.Header.Sequence = 0; s.sign(r) }, ReasonMalformed},
		{"a day ahead", func(s *site, r *format.Report) { r.Header.At = "2026-11-02T08:00:00Z"; s.sign(r) }, ReasonClock},
		{"before the report before", func(s *site, r *format.Report) { r.Header.At = "2026-10-31T08:00:00Z"; s.sign(r) }, ReasonOrder},
		{"the time is no time", func(s *site, r *format.Report) { r.Header.At = "never"; s.sign(r) }, ReasonMalformed},
		{"signed as something else", func(s *site, r *format.Report) {
			key, err := s.computer.key()
			if err == nil {
				r.Signature, err = format.Sign(key, format.FormatEnroll, r.Header)
			}
			if err != nil {
				s.t.Fatal(err)
			}
		}, ReasonSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := enrolled(t)
			s.collect()
			s.send(Sent{Accepted: 1})
			s.collectLater()
			var r format.Report
			if err := json.Unmarshal(s.next(), &r); err != nil {
				t.Fatal(err)
			}
			tt.change(s, &r)
			msg, err := format.Encode(r)
			if err != nil {
				t.Fatal(err)
			}
			if a := s.post(PathReport, msg); a.Outcome != Refused || a.Reason != tt.want {
				t.Errorf("%+v, want %s", a, tt.want)
			}
			if got := s.received(); len(got) != 1 {
				t.Errorf("the receiver has %v", got)
			}
			s.send(Sent{Accepted: 1}) // the computer's own report still comes through
		})
	}
}

// collectLater collects a moment later.
func (s *site) collectLater() { s.pass(time.Second); s.collect() }

func (s *site) sign(r *format.Report) {
	s.t.Helper()
	key, err := s.computer.key()
	if err == nil {
		r.Signature, err = format.Sign(key, format.FormatReport, r.Header)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// TestReplay: an old report sent again is not kept again, and a second computer
// with a copy of the first one's disk is refused.
func TestReplay(t *testing.T) {
	s := enrolled(t)
	s.collect()
	old := s.next()
	s.send(Sent{Accepted: 1})
	s.collectLater()
	s.send(Sent{Accepted: 1})
	if a := s.post(PathReport, old); a.Reason != ReasonSequence || a.Sequence != 2 {
		t.Errorf("a replay: %+v", a)
	}
	clone := &Computer{Folder: t.TempDir(), Now: s.ours.now, Look: look}
	if err := os.CopyFS(clone.Folder, os.DirFS(s.computer.Folder)); err != nil {
		t.Fatal(err)
	}
	s.collectLater()
	s.send(Sent{Accepted: 1})
	s.pass(time.Second)
	if err := clone.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := clone.Send(t.Context()); !errors.Is(err, audit.ErrForbidden) || !strings.Contains(err.Error(), "report 4 comes next, this is 3") {
		t.Errorf("the copy: %v", err)
	}
}

func TestEnroll(t *testing.T) {
	t.Run("a token works once", func(t *testing.T) {
		s := newSite(t)
		token := s.token(Grant{}, time.Hour)
		if _, err := s.computer.Enroll(t.Context(), s.server.URL, token); err != nil {
			t.Fatal(err)
		}
		other := &Computer{Folder: t.TempDir(), Now: s.ours.now, Look: look}
		if _, err := other.Enroll(t.Context(), s.server.URL, token); !errors.Is(err, audit.ErrForbidden) || !strings.Contains(err.Error(), "used by another computer") {
			t.Errorf("the second computer: %v", err)
		}
		if _, err := s.computer.Enroll(t.Context(), s.server.URL, token); !errors.Is(err, audit.ErrConflict) {
			t.Errorf("the first again: %v", err)
		}
	})
	t.Run("an answer that was lost", func(t *testing.T) {
		s := newSite(t)
		token := s.token(Grant{}, time.Hour)
		s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.receiver.ServeHTTP(httptest.NewRecorder(), r)
			http.Error(w, "timeout", http.StatusGatewayTimeout)
		})
		if _, err := s.computer.Enroll(t.Context(), s.server.URL, token); !errors.Is(err, audit.ErrUnavailable) {
			t.Fatal(err)
		}
		s.server.Config.Handler = s.receiver
		s.theirs.at = s.theirs.at.Add(2 * time.Hour) // the token has expired meanwhile; it was used in time
		if _, err := s.computer.Enroll(t.Context(), s.server.URL, token); err != nil {
			t.Errorf("again: %v", err)
		}
	})
	t.Run("expired", func(t *testing.T) {
		s := newSite(t)
		token := s.token(Grant{}, time.Hour)
		s.theirs.at = s.theirs.at.Add(time.Hour)
		if _, err := s.computer.Enroll(t.Context(), s.server.URL, token); !errors.Is(err, audit.ErrForbidden) || !strings.Contains(err.Error(), "expired") {
			t.Error(err)
		}
	})
	t.Run("another receiver's", func(t *testing.T) {
		s, other := newSite(t), newSite(t)
		_, err := s.computer.Enroll(t.Context(), s.server.URL, other.token(Grant{}, time.Hour))
		if !errors.Is(err, audit.ErrAltered) {
			t.Errorf("an answer that the token's key did not sign: %v", err)
		}
		if _, err := s.computer.State(); !errors.Is(err, audit.ErrNotFound) {
			t.Errorf("it counts as enrolled: %v", err)
		}
	})
	t.Run("no token, plain http, wrong address", func(t *testing.T) {
		s := newSite(t)
		for _, c := range [][2]string{{s.server.URL, "tieout-enroll-1.x.y"}, {"http://agents.halyard.example", s.token(Grant{}, time.Hour)}, {"agents", "x"}} {
			if _, err := s.computer.Enroll(t.Context(), c[0], c[1]); !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("%v: %v", c, err)
			}
		}
	})
	t.Run("the request is signed by another key", func(t *testing.T) {
		s := newSite(t)
		key, err := privateKey(filepath.Join(t.TempDir(), "k"))
		if err != nil {
			t.Fatal(err)
		}
		tok, err := ParseToken(s.token(Grant{}, time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		msg, err := s.computer.request(t.Context(), key, tok)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.post(PathEnroll, []byte(strings.Replace(string(msg), "lap-12", "lap-13", 1))); a.Reason != ReasonSignature {
			t.Errorf("%+v", a)
		}
	})
}

// TestSecretsAtRest: the receiver keeps no token, and keys are for their owner only.
func TestSecretsAtRest(t *testing.T) {
	s := newSite(t)
	token := s.token(Grant{}, time.Hour)
	if _, err := s.computer.Enroll(t.Context(), s.server.URL, token); err != nil {
		t.Fatal(err)
	}
	tok, err := ParseToken(token)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{s.receiver.Folder, s.computer.Folder} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			for _, form := range []string{string(tok.Secret), base64.StdEncoding.EncodeToString(tok.Secret), strings.Split(token, ".")[2]} {
				if strings.Contains(string(b), form) {
					t.Errorf("%s holds the token's secret", path)
				}
			}
			if info, err := d.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s can be read by others: %v", path, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestClock: a computer whose clock was a year ahead puts those reports aside
// and goes on once it is right.
func TestClock(t *testing.T) {
	s := enrolled(t)
	s.ours.at = s.ours.at.AddDate(1, 0, 0)
	s.collect()
	s.ours.at = s.theirs.at.Add(time.Minute)
	s.collect()
	s.send(Sent{Accepted: 1, Refused: 1})
	if aside, err := s.computer.RefusedReports(); err != nil || len(aside) != 1 {
		t.Errorf("put aside: %v, %v", aside, err)
	}
	s.ours.at = start.AddDate(-30, 0, 0) // the battery is empty
	s.collect()
	s.send(Sent{Refused: 1})
	if got := s.received(); len(got) != 1 {
		t.Errorf("the receiver has %v", got)
	}
}

func TestMessagesThatAreNone(t *testing.T) {
	s := enrolled(t)
	for _, msg := range []string{"", "null", "[]", `{"header":{}}`, `{"header":{},"header":{}}`, `{"unknown":1}`, "\xff", strings.Repeat("[", 100_000)} {
		for _, path := range []string{PathReport, PathEnroll} {
			if a := s.post(path, []byte(msg)); a.Outcome != Refused {
				t.Errorf("%s %.20q: %+v", path, msg, a)
			}
		}
	}
	resp, err := http.Post(s.server.URL+PathReport, "", strings.NewReader(strings.Repeat("a", maxMessage+1)))
	if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("oversize: %v, %v", resp, err)
	}
	resp.Body.Close()
	for path, want := range map[string]int{PathReport: http.StatusMethodNotAllowed, "/": http.StatusNotFound} {
		resp, err := http.Get(s.server.URL + path)
		if err != nil || resp.StatusCode != want {
			t.Errorf("GET %s: %v, %v; want %d", path, resp, err, want)
		}
		resp.Body.Close()
	}
}

func TestOversizeLook(t *testing.T) {
	s := enrolled(t)
	s.computer.Look = func(context.Context, time.Time) (audit.Page, error) {
		return audit.Page{Body: make([]byte, format.MaxBody+1)}, nil
	}
	if err := s.computer.Collect(t.Context()); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestRevoked(t *testing.T) {
	s := enrolled(t)
	s.collect()
	s.send(Sent{Accepted: 1})
	if err := Revoke(s.receiver.Folder, s.state().Device, s.theirs.at); err != nil {
		t.Fatal(err)
	}
	if err := Revoke(s.receiver.Folder, s.state().Device, s.theirs.at); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("twice: %v", err)
	}
	if err := Revoke(s.receiver.Folder, strings.Repeat("0", 32), s.theirs.at); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("nobody's: %v", err)
	}
	s.collectLater()
	if _, err := s.computer.Send(t.Context()); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a revoked computer: %v", err)
	}
	if list, err := s.computer.Waiting(); err != nil || len(list) != 1 {
		t.Errorf("what waits: %v, %v", list, err)
	}
}

// TestCutReport: where the newest file of the receiver is cut, it takes nothing
// more rather than begin anew.
func TestCutReport(t *testing.T) {
	s := enrolled(t)
	s.collect()
	s.send(Sent{Accepted: 1})
	file := s.receiver.journal.ReportFile(s.state().Device, 1)
	if err := os.Truncate(file, 100); err != nil {
		t.Fatal(err)
	}
	s.collectLater()
	if _, err := s.computer.Send(t.Context()); err == nil {
		t.Error("a report was accepted on top of one that cannot be read")
	}
	if got := s.received(); len(got) != 1 {
		t.Errorf("the receiver has %v", got)
	}
}

// TestFullQueue: the oldest are kept.
func TestFullQueue(t *testing.T) {
	s := enrolled(t)
	if err := os.MkdirAll(s.computer.queue(), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range maxWaiting {
		if err := os.WriteFile(filepath.Join(s.computer.queue(), fileName(start.Add(time.Duration(i)*time.Second))), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.computer.Collect(t.Context()); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("got %v", err)
	}
}

// TestAnswerOfAnother: an answer to another message, or of another key, is no answer.
func TestAnswerOfAnother(t *testing.T) {
	s := enrolled(t)
	s.collect()
	var old []byte
	s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if old != nil {
			_, _ = w.Write(old)
			return
		}
		rec := httptest.NewRecorder()
		s.receiver.ServeHTTP(rec, r)
		old = rec.Body.Bytes()
		_, _ = w.Write(old)
	})
	s.send(Sent{Accepted: 1})
	s.collectLater()
	if _, err := s.computer.Send(t.Context()); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("an old answer: %v", err)
	}
	if list, err := s.computer.Waiting(); err != nil || len(list) != 1 {
		t.Errorf("what waits: %v, %v", list, err)
	}
}

// TestPosture: the real probes of this machine make a report.
func TestPosture(t *testing.T) {
	p, err := Posture(t.Context(), start)
	if err != nil || p.Kind != "workstation.probes" || len(p.Body) == 0 || len(p.Body) > format.MaxBody {
		t.Errorf("%s, %d bytes, %v", p.Kind, len(p.Body), err)
	}
}

// FuzzMessage: no message brings the receiver down, and none that the fuzzer
// makes is taken.
func FuzzMessage(f *testing.F) {
	r, err := NewReceiver(Options{Folder: f.TempDir(), Now: func() time.Time { return start }})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(true, []byte(`{"request":{"format":"tieout.agent.enroll/1","secret":"","publicKey":"","at":""},"signature":""}`))
	f.Add(false, []byte(`{"header":{"format":"tieout.agent.report/1","device":"00000000000000000000000000000000","sequence":1,"at":"2026-11-01T08:00:00Z","kind":"","query":"","media":"","digest":""},"body":"","signature":""}`))
	f.Fuzz(func(t *testing.T, enroll bool, msg []byte) {
		take := r.report
		if enroll {
			take = r.enroll
		}
		if a := take(msg); a.Outcome != Refused || a.Reason == "" {
			t.Errorf("%+v", a)
		}
	})
}

// FuzzToken: what parses is what was written.
func FuzzToken(f *testing.F) {
	f.Add(Token{make([]byte, 32), make([]byte, 32)}.String())
	f.Add(strings.Replace(Token{make([]byte, 32), make([]byte, 32)}.String(), "AA", "A\rA", 1))
	f.Fuzz(func(t *testing.T, s string) {
		if tok, err := ParseToken(s); err == nil && tok.String() != strings.TrimSpace(s) {
			t.Errorf("%q became %q", s, tok)
		}
	})
}

// TestAtOnce: of the same message sent many times at once one is kept, and a
// token enrolls one of many computers that use it at once.
func TestAtOnce(t *testing.T) {
	s := enrolled(t)
	s.collect()
	msg := s.next()
	token := s.token(Grant{}, time.Hour)
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted, taken := 0, 0
	for range 16 {
		wg.Go(func() {
			a := s.receiver.report(msg)
			c := &Computer{Folder: t.TempDir(), Now: s.ours.now, Look: look}
			_, err := c.Enroll(context.Background(), s.server.URL, token)
			mu.Lock()
			defer mu.Unlock()
			if a.Outcome == Accepted {
				accepted++
			}
			if err == nil {
				taken++
			}
		})
	}
	wg.Wait()
	if got := s.received(); accepted != 16 || len(got) != 1 || taken != 1 {
		t.Errorf("%d accepted, the receiver has %v, %d computers enrolled; want 16, one, one", accepted, got, taken)
	}
}

// FuzzAnswer: nothing that the receiver's key did not sign is an answer.
func FuzzAnswer(f *testing.F) {
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	a := Answer{Format: format.FormatAnswer, To: format.Digest([]byte("sent")), Outcome: Accepted, Sequence: 1, At: "2026-11-01T08:00:00Z"}
	sig, err := format.Sign(key, format.FormatAnswer, a)
	if err != nil {
		f.Fatal(err)
	}
	good, err := format.Encode(SignedAnswer{a, sig})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(good))
	f.Add([]byte(`{"answer":{"outcome":"accepted"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := readAnswer(bytes.NewReader(b), pub, []byte("sent")); err == nil && got != a {
			t.Errorf("%s was believed", b)
		}
	})
}
