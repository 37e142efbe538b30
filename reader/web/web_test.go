package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tieout/audit"
	"tieout/period"
	"tieout/report"
)

// TestThreeClicks goes from the period to the raw bytes of a deviation by the
// links on the pages alone.
func TestThreeClicks(t *testing.T) {
	w := newWorld(t).tested()
	v := w.serve()
	found := 0
	for _, first := range linksOf(v.page("/")) {
		if !strings.HasPrefix(first, "/deviations/") {
			continue
		}
		for _, second := range linksOf(v.page(first)) {
			if !strings.HasPrefix(second, "/evidence/") {
				continue
			}
			for _, third := range linksOf(v.page(second)) {
				if strings.HasSuffix(third, "/raw") {
					if body := v.page(third); body == w.csv {
						found++
					}
				}
			}
		}
	}
	if found == 0 {
		t.Error("three clicks do not lead from the period to the bytes of the file of accounts")
	}
}

var (
	oneHeading = regexp.MustCompile(`<h1[ >]`)
	said       = regexp.MustCompile(`<p class="say">([^<]+)</p>`)
	forms      = regexp.MustCompile(`<form[^>]*>`)
)

// TestEveryPage follows every link there is: each page is whole, says its
// sentence, and shows the markup in the evidence as text.
func TestEveryPage(t *testing.T) {
	w := newWorld(t).tested()
	evidence := filepath.Join(w.dir, "note.html")
	if err := os.WriteFile(evidence, []byte("<!doctype html>"+evil), 0o644); err != nil {
		t.Fatal(err)
	}
	p := w.open("", false)
	if _, err := p.AddDocument(t.Context(), evidence, evil, nil, p.Period.Span, period.Stated{}); err != nil {
		t.Fatal(err)
	}
	w.close(p)
	v := w.serve()
	seen, queue := map[string]bool{"/": true, "/search?q=%3Cscript%3E": true, "/period/2026-03": true}, []string{"/", "/search?q=%3Cscript%3E", "/period/2026-03"}
	shown := 0
	for len(queue) > 0 {
		target := queue[0]
		queue = queue[1:]
		body := v.page(target)
		if strings.Contains(target, "/raw") || strings.Contains(target, "format=") || strings.HasSuffix(target, "/file") || strings.HasPrefix(target, "/readiness/progress") {
			continue // no page, but bytes or a file to keep
		}
		shown += strings.Count(body, "&lt;script&gt;")
		holdPage(t, target, body)
		for _, next := range linksOf(body) {
			if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") {
				t.Errorf("%s leads outside: %s", target, next)
				continue
			}
			if !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	if len(seen) < 60 || shown < 100 {
		t.Errorf("saw %d pages and %d escaped names", len(seen), shown)
	}
}

func holdPage(t *testing.T, target, body string) {
	t.Helper()
	body = strings.Replace(body, `<script src="`+addresses["keys.js"]+`" defer></script>`, "", 1) // the only one there is
	for _, bad := range []string{"<script", "<img src=x", "onerror=alert(1)>", " style=", "<style", "javascript:", `="http:`, `="https:`, "ZgotmplZ", "<nil>", "%!"} {
		if i := strings.Index(body, bad); i >= 0 {
			t.Errorf("%s holds %q: ...%s...", target, bad, body[max(0, i-60):min(len(body), i+60)])
		}
	}
	if n := len(oneHeading.FindAllString(body, -1)); n != 1 {
		t.Errorf("%s: %d headings of the first rank", target, n)
	}
	if m := said.FindStringSubmatch(body); m == nil || !strings.HasSuffix(strings.TrimSpace(m[1]), ".") {
		t.Errorf("%s: its sentence is %q", target, m)
	}
	for _, f := range forms.FindAllString(body, -1) {
		if !strings.Contains(f, ` action="/`) {
			t.Errorf("%s: a form without an address: %s", target, f)
		}
	}
}

// TestSameSentence: the period's screen says what 'tieout status' says.
func TestSameSentence(t *testing.T) {
	w := newWorld(t).tested()
	v := w.serve()
	p := w.open("", false)
	defer w.close(p)
	r, _, err := p.Status(t.Context(), report.Management)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/period/2026-03"} {
		if body := v.page(path); !strings.Contains(body, `<p class="say">`+r.Sentence+`</p>`) {
			t.Errorf("%s does not say %q", path, r.Sentence)
		}
	}
}

// TestEmpty: before anything was tested each screen says so, and what to do.
func TestEmpty(t *testing.T) {
	v := newWorld(t).serve()
	for path, want := range map[string]string{
		"/": "Nothing has been tested yet", "/controls": "tested here", "/deviations": "No deviation is recorded", "/gaps": "No stretch without evidence",
		"/populations": `href="/start"`, "/connectors": "Never read", "/log": "entries", "/evidence": "sealed", "/search": "Search for a control",
	} {
		body := v.page(path)
		holdPage(t, path, body)
		if !strings.Contains(body, want) {
			t.Errorf("%s does not say %q:\n%s", path, want, body)
		}
	}
}

func TestNotThere(t *testing.T) {
	v := newWorld(t).serve()
	for _, path := range []string{"/nothing", "/controls/ZZZ-99", "/deviations/D-00000000", "/evidence/E-999999", "/evidence/what", "/populations/none", "/period/1999", "/?period=1999", "/evidence/E-999999/raw", "/%3Cscript%3Ealert(1)%3C/script%3E"} {
		got := v.get(path)
		if got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), "Go back to the period") || strings.Contains(got.Body.String(), "<script") {
			t.Errorf("%s: %d\n%s", path, got.Code, got.Body)
		}
	}
}

// TestWrong: a page that cannot be made says what to do and keeps the reason to
// the server's own log.
func TestWrong(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"unknown", errors.New("disk at /secret/place"), "tieout doctor"},
		{"altered", fmt.Errorf("%w: E-5", audit.ErrAltered), "tieout log verify"},
		{"panic", nil, "tieout doctor"},
	} {
		var log bytes.Buffer
		var broken atomic.Bool
		v := newWorld(t).serve(func(o *Options) {
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
			open := o.Open
			o.Open = func(ctx context.Context, name string) (*period.Program, error) {
				if !broken.Load() {
					return open(ctx, name)
				}
				if c.err == nil {
					panic("secret")
				}
				return nil, c.err
			}
		})
		broken.Store(true)
		got := v.get("/")
		if got.Code != http.StatusInternalServerError || !strings.Contains(got.Body.String(), c.want) || strings.Contains(got.Body.String(), "secret") {
			t.Errorf("%s: %d\n%s", c.name, got.Code, got.Body)
		}
		if !strings.Contains(log.String(), "page failed") {
			t.Errorf("%s: the log says %q", c.name, log.String())
		}
	}
}

// TestRaw: bytes are never rendered, whatever they are.
func TestRaw(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name, media string
		body        []byte
	}{
		{"page.html", "text/plain; charset=utf-8", []byte("<!doctype html>" + evil)},
		{"image.svg", "text/plain; charset=utf-8", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`)},
		{"scan.pdf", "application/octet-stream", []byte("%PDF-1.7\xff\xfe")},
	} {
		path := filepath.Join(t.TempDir(), c.name)
		if err := os.WriteFile(path, c.body, 0o644); err != nil {
			t.Fatal(err)
		}
		p := w.open("", false)
		rec, err := p.AddDocument(t.Context(), path, evil, nil, p.Period.Span, period.Stated{})
		if err != nil {
			t.Fatal(err)
		}
		w.close(p)
		v := w.serve()
		got := v.get("/evidence/" + rec.Ref() + "/raw")
		if got.Code != http.StatusOK || !bytes.Equal(got.Body.Bytes(), c.body) {
			t.Fatalf("%s: %d, %d bytes, want %d", c.name, got.Code, got.Body.Len(), len(c.body))
		}
		h := got.Header()
		if h.Get("Content-Type") != c.media || h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox; default-src 'none'") {
			t.Errorf("%s: %q, policy %q", c.name, h.Get("Content-Type"), h.Get("Content-Security-Policy"))
		}
		if c.media != "text/plain; charset=utf-8" && !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s is not handed over as a file: %q", c.name, h.Get("Content-Disposition"))
		}
		holdPage(t, c.name, v.page("/evidence/"+rec.Ref()))
	}
}

// TestErased: what was erased has no bytes, and the page says so.
func TestErased(t *testing.T) {
	w := newWorld(t).tested()
	p := w.open("", false)
	var index int64 = -1
	err := p.Records(t.Context(), recordsOf(audit.RecordPage), func(rec audit.Record) error {
		index = rec.Index
		return nil
	})
	if err != nil || index < 0 {
		t.Fatalf("no page to erase: %v", err)
	}
	if _, err := p.Erase(t.Context(), index, "a person asked"); err != nil {
		t.Fatal(err)
	}
	w.close(p)
	v := w.serve()
	ref := audit.EvidenceRef(index)
	body := v.page("/evidence/" + ref)
	holdPage(t, ref, body)
	if !strings.Contains(body, ref+" was erased") || strings.Contains(body, "/raw") {
		t.Errorf("%s:\n%s", ref, body)
	}
	if got := v.get("/evidence/" + ref + "/raw"); got.Code != http.StatusNotFound {
		t.Errorf("the bytes of %s: %d", ref, got.Code)
	}
}

// TestGrown: what another process sealed meanwhile is on the next page.
func TestGrown(t *testing.T) {
	w := newWorld(t)
	v := w.serve()
	if body := v.page("/"); !strings.Contains(body, "Nothing has been tested yet") {
		t.Fatalf("before:\n%s", body)
	}
	w.tested()
	if body := v.page("/"); strings.Contains(body, "Nothing has been tested yet") || !strings.Contains(body, "Tested as") {
		t.Errorf("after:\n%s", body)
	}
}

// TestBehind: where the pages cannot be made anew, after a file was broken, they
// go on, say that they are behind, and the server's log says why; mended, they
// are whole again.
func TestBehind(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	var faults []error
	var opened atomic.Int64
	v := w.serve(func(o *Options) {
		o.Failed = func(err error) { mu.Lock(); defer mu.Unlock(); faults = append(faults, err) }
		open := o.Open
		o.Open = func(ctx context.Context, name string) (*period.Program, error) { opened.Add(1); return open(ctx, name) }
	})
	const says = "What was sealed last is not counted here"
	if strings.Contains(v.page("/controls"), says) {
		t.Fatal("behind from the beginning")
	}
	whole, err := os.ReadFile(filepath.Join(w.dir, "tieout.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w.tested()
	w.write("tieout.yaml", "organization: [")
	until(t, "the page says that it is behind", func() bool { return strings.Contains(v.page("/controls"), says) })
	mu.Lock()
	n := len(faults)
	mu.Unlock()
	if n == 0 {
		t.Error("nobody was told why")
	}
	before := opened.Load()
	for range 3 {
		v.page("/controls")
	}
	if got := opened.Load(); got != before {
		t.Errorf("what failed a moment ago was tried %d times again", got-before)
	}
	w.write("tieout.yaml", string(whole))
	v.s.shelf.mu.Lock()
	v.s.shelf.clock = func() time.Time { return time.Now().Add(holdOff) }
	v.s.shelf.mu.Unlock()
	until(t, "the mended page is whole", func() bool { return !strings.Contains(v.page("/controls"), says) })
}

// until waits for what takes a moment, at most ten seconds.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// TestServe: told to stop, the server lets what is under way end and returns
// nil.
func TestServe(t *testing.T) {
	w := newWorld(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked, go1 := make(chan bool, 1), make(chan bool)
	var waits atomic.Bool
	v := w.serve(func(o *Options) {
		o.Hosts = append(LoopbackHosts(l.Addr()), host)
		open := o.Open
		o.Open = func(ctx context.Context, name string) (*period.Program, error) {
			if waits.Load() {
				asked <- true
				<-go1
			}
			return open(ctx, name)
		}
	})
	waits.Store(true)
	s := v.s
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	answer := make(chan int, 1)
	go func() {
		r, err := http.NewRequest("GET", "http://"+l.Addr().String()+"/", nil)
		if err != nil {
			answer <- 0
			return
		}
		r.AddCookie(&http.Cookie{Name: s.cookieName(), Value: v.cookies[s.cookieName()].Value})
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			answer <- 0
			return
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		answer <- resp.StatusCode
	}()
	<-asked
	stop()
	close(go1)
	if got := <-answer; got != http.StatusOK {
		t.Errorf("the request under way: %d, want 200", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("stopped: %v", err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("still listens")
	}
}

// TestMany: readers go on reading while another process fills the log; each
// page is whole.
func TestMany(t *testing.T) {
	w := newWorld(t)
	v := w.serve()
	done := make(chan bool)
	var readers sync.WaitGroup
	for range 3 {
		v := v.twin()
		readers.Go(func() {
			for {
				for _, path := range []string{"/", "/log", "/evidence/E-0", "/period/2026-03"} {
					if got := v.get(path); got.Code != http.StatusOK {
						t.Errorf("%s: %d\n%s", path, got.Code, got.Body)
					}
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	w.tested()
	close(done)
	readers.Wait()
	v.s.shelf.mu.Lock()
	defer v.s.shelf.mu.Unlock()
	for name, pl := range v.s.shelf.at {
		if st := pl.now; st != nil && st.users != 0 {
			t.Errorf("period %q: %d still use its state", name, st.users)
		}
	}
}
