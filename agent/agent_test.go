package agent

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
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

// TestPosture: the real probes of this machine make a report.
func TestPosture(t *testing.T) {
	p, err := Posture(t.Context(), start)
	if err != nil || p.Kind != "workstation.probes" || len(p.Body) == 0 || len(p.Body) > format.MaxBody {
		t.Errorf("%s, %d bytes, %v", p.Kind, len(p.Body), err)
	}
}
