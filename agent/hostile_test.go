package agent

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	format "tieout/source/agent"
)

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
