package examination_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/evidence"
	"tieout/examination"
	"tieout/ledger"
	"tieout/period"
	"tieout/reader/web"
	"tieout/report"
	"tieout/store"
)

// A search looks for the firm's own words in bytes, whichever way they are
// written.
type search struct {
	t     *testing.T
	words map[string][][]byte
	seen  int // places that were looked at
}

// searching is a search for words as they are, in hex and in base64 at each of
// the places a word can begin in it.
func searching(t *testing.T, words ...string) *search {
	s := &search{t: t, words: map[string][][]byte{}}
	for _, w := range words {
		s.words[w] = append(s.words[w], []byte(w), []byte(hex.EncodeToString([]byte(w))))
		for shift := range 3 {
			all := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), w...))
			s.words[w] = append(s.words[w], []byte(all[4:len(all)-4])) // what does not depend on the neighbors
		}
		if raw, err := hex.DecodeString(w); err == nil {
			s.words[w] = append(s.words[w], raw)
		}
	}
	return s
}

// in looks at the bytes of one place.
func (s *search) in(where string, b []byte) (found bool) {
	s.t.Helper()
	s.seen++
	for w, forms := range s.words {
		for _, f := range forms {
			if bytes.Contains(b, f) {
				s.t.Errorf("%s holds %s", where, w)
				found = true
			}
		}
	}
	return found
}

// records looks at every record of a log, whole and its body, decompressed.
func (s *search) records(name string, p *period.Program) {
	s.t.Helper()
	ctx := s.t.Context()
	check(s.t, p.Store.Records(ctx, store.RecordFilter{}, func(rec audit.Record) error {
		body, err := evidence.ReadBody(ctx, p.Store, p.Blobs, rec)
		if err != nil {
			return err
		}
		s.in(name+" "+rec.Ref(), body)
		canon, _, _, err := p.Store.Canonical(ctx, rec.Index)
		s.in(name+" "+rec.Ref()+" as it is sealed", canon)
		return err
	}))
}

// blobs looks at every blob, decompressed.
func (s *search) blobs(name string, p *period.Program) {
	s.t.Helper()
	ctx := s.t.Context()
	check(s.t, p.Blobs.List(ctx, func(digest string) error {
		in, err := p.Blobs.Get(ctx, digest)
		if err != nil {
			return err
		}
		b, err := io.ReadAll(in)
		s.in(name+" blob "+digest, b)
		return errors.Join(err, in.Close())
	}))
}

// folder looks at every file below a folder.
func (s *search) folder(dir string) {
	s.t.Helper()
	before := s.seen
	check(s.t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		s.in(path, b)
		return err
	}))
	if s.seen == before {
		s.t.Errorf("%s has no file to look at", dir)
	}
}

// kept is what the firm keeps to itself beyond what TestWhole plants: a nonce that
// was never opened, and a text of a second engagement that nobody accepted.
func (w *world) kept() []string {
	w.t.Helper()
	ctx, files := w.t.Context(), w.firm.Files
	second := w.terms()
	second.System = "PLANTED-SYSTEM-76"
	must[engagement.Terms](w.t)(files.OpenEngagement(ctx, partner, second))
	nonce := ""
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		for _, c := range x.Commitments {
			if c.Drawn == "" {
				nonce = c.Nonce
			}
		}
	})
	if len(nonce) != 64 {
		w.t.Fatalf("no commitment is left unopened: %q", nonce)
	}
	return []string{nonce, "PLANTED-SYSTEM-76", "PLANTED-REQUEST-77"}
}

// issuedKeeping is a whole examination with a nonce that is never opened, and a
// request that is never released.
func issuedKeeping(t *testing.T) *world {
	t.Helper()
	w, ctx := frozen(t), t.Context()
	files := w.firm.Files
	must[fieldwork.Commitment](t)(files.CommitNonce(ctx, staff, "EN-1", "IAM-06", "1", ""))
	check(t, files.SetPlan(ctx, manager, "EN-1", fieldwork.PlanText{Materiality: "PLANTED-PLAN-75"}, w.revision("plan:EN-1")))
	check(t, files.ReleaseSample(ctx, manager, "EN-1", "S-1", w.revision("sample:EN-1/S-1")))
	w.found(w.tested())
	must[fieldwork.Request](t)(files.SetRequest(ctx, staff, "EN-1", engagement.Request{Kind: "document", Title: "PLANTED-REQUEST-77", Asks: "It is never released.", Tests: []string{}}, 0))
	w.described()
	w.concluded()
	check(t, files.MoveState(ctx, manager, "EN-1", engagement.DraftReview, "", w.revision("state:EN-1")))
	w.draftReviewed()
	digest := ""
	w.file(func(_ *fieldwork.State, x *fieldwork.File) { digest = x.QualityDigest() })
	check(t, files.SignQuality(ctx, quality, "EN-1", digest, "Reviewed the judgments."))
	check(t, files.Inquire(ctx, manager, "EN-1", "Sam Ibe, and the incident log", "Nothing happened.", dated))
	w.asserted(dated)
	must[engagement.Release](t)(w.firm.IssueReport(ctx, partner, "EN-1", examination.Issuing{Dated: dated, Sign: func(what, digest string) (engagement.Signature, error) {
		return w.sign(w.firm.P, partner, "Partner", what, digest), nil
	}}))
	w.exchange()
	return w
}

// lines keeps a server's log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// served asks a server of Acme's for its pages and lets the firm's packets come to
// it once more, some of them broken, and returns what it wrote to its log and
// answered.
func (w *world) served() (log, answers []byte) {
	w.t.Helper()
	kept, said := &lines{}, bytes.Buffer{}
	o := web.Options{Hosts: []string{"127.0.0.1", "example.com"}, Now: w.clock, Log: slog.New(slog.NewTextHandler(kept, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Open: func(ctx context.Context, _ string) (*period.Program, error) {
			return period.Open(ctx, w.client.P.Dir, w.options())
		},
		Beside: func(s *web.Server) map[string]http.Handler {
			return map[string]http.Handler{"/exchange/": s.Exchange()}
		}}
	s := must[*web.Server](w.t)(web.New(w.t.Context(), o))
	defer func() { check(w.t, s.Close()) }()
	ask := func(method, path string, body io.Reader) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(w.t.Context(), method, "http://example.com"+path, body)
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		said.Write(rec.Body.Bytes())
		return rec
	}
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/sign-in": http.StatusOK, "/exchange/EN-1/packets": http.StatusForbidden} {
		if got := ask(http.MethodGet, path, nil).Code; got != want {
			w.t.Errorf("GET %s is answered %d, want %d", path, got, want)
		}
	}
	ask(http.MethodGet, "/", nil)
	ask(http.MethodGet, "/nowhere", nil)
	gone, cancel := context.WithCancel(w.t.Context())
	cancel()
	r := httptest.NewRequestWithContext(gone, http.MethodGet, "http://example.com/examinations", nil) // it fails, and the server says why in its log
	name := sha256.Sum256([]byte(strings.Join(o.Hosts, " ")))                                         // as the server names the cookie of a session over plain HTTP
	r.AddCookie(&http.Cookie{Name: "tieout-" + hex.EncodeToString(name[:4]), Value: strings.Repeat("A", 43)})
	s.ServeHTTP(httptest.NewRecorder(), r)
	packets := must[[]string](w.t)(filepath.Glob(filepath.Join(w.toAcme, "*.packet")))
	for _, path := range packets {
		b := must[[]byte](w.t)(os.ReadFile(path))
		if rec := ask(http.MethodPost, "/exchange/EN-1/packets", bytes.NewReader(b)); rec.Code != http.StatusOK || !bytes.Contains(rec.Body.Bytes(), []byte(`"again":true`)) {
			w.t.Errorf("%s comes again: %d %s", path, rec.Code, rec.Body)
		}
		if rec := ask(http.MethodPost, "/exchange/EN-1/packets", bytes.NewReader(b[:len(b)/2])); rec.Code == http.StatusOK {
			w.t.Errorf("half of %s is taken", path)
		}
	}
	if len(packets) == 0 || kept.b.Len() == 0 {
		w.t.Errorf("%d packets came to the server, which wrote %d bytes to its log", len(packets), kept.b.Len())
	}
	return kept.b.Bytes(), said.Bytes()
}

// TestNothingLeaks: what the firm keeps to itself is in no byte of the client's:
// not in its store, raw or decompressed, not in its blobs, its log and tiles, a
// backup, its exports, or what its server logs and answers.
func TestNothingLeaks(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	w := issuedKeeping(t)
	s := searching(t, append(w.kept(), planted...)...)
	p, ctx, out := w.client.P, t.Context(), t.TempDir()
	run := must[*period.Run](t)(p.RunOfPeriod(ctx))

	check(t, p.Backup(ctx, filepath.Join(out, "backup.db")))
	_, err := ledger.ExportTiles(ctx, evidence.Backend{Store: p.Store}, filepath.Join(out, "tiles"), p.Log.Keys())
	check(t, err)
	bundle := must[*os.File](t)(os.Create(filepath.Join(out, "period.bundle")))
	must[string](t)(p.Bundle(ctx, bundle, run))
	check(t, bundle.Close())
	r, err := p.Report(ctx, run, report.Management)
	check(t, err)
	s.in("Acme's report of its own tests", must[[]byte](t)(json.Marshal(r)))
	log, answers := w.served()

	s.folder(p.Dir)
	s.folder(w.toAcme)
	s.folder(out)
	s.records("Acme's log", p)
	s.blobs("Acme's", p)
	s.in("the log of Acme's server", log)
	s.in("the answers of Acme's server", answers)
	if s.seen < 200 {
		t.Errorf("only %d places were looked at", s.seen)
	}
	w.firmHas(s)
}

// firmHas wants every planted word in the firm's own log, or the search says
// nothing.
func (w *world) firmHas(s *search) {
	w.t.Helper()
	ctx, has := w.t.Context(), map[string]bool{}
	p := w.firm.P
	check(w.t, p.Store.Records(ctx, store.RecordFilter{}, func(rec audit.Record) error {
		body, err := evidence.ReadBody(ctx, p.Store, p.Blobs, rec)
		for word := range s.words {
			has[word] = has[word] || bytes.Contains(body, []byte(word))
		}
		return err
	}))
	for word := range s.words {
		if !has[word] {
			w.t.Errorf("%s is not in the firm's own log either", word)
		}
	}
}
