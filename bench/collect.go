package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/gcp"
	"tieout/source/github"
)

// A haul is one collection that is measured: a driver, and the settings with
// which it reads the loopback server.
type haul struct {
	what   string
	driver *source.Driver
	with   func(base string) string
	items  string // the type that is counted
	want   int
}

// requestRows measure collecting merged requests of GitHub.
func requestRows(ctx context.Context, b *bench) ([]row, error) {
	n := b.scaled(200_000, 2_000)
	return collectRows(ctx, n, 0, haul{thousands(n) + " merged requests of GitHub, each with reviews and checks", github.Driver, func(base string) string {
		return fmt.Sprintf(`{"organization":"acme","baseURL":%q,"allow":"loopback"}`, base)
	}, "change", n})
}

// assetRows measure collecting assets of Google Cloud.
func assetRows(ctx context.Context, b *bench) ([]row, error) {
	n := b.scaled(1_000_000, 10_000)
	return collectRows(ctx, 0, n, haul{thousands(n) + " assets of Google Cloud", gcp.Driver, gcpSettings, "", n})
}

// collectRows collect from a server of another process, beside asking it the
// same requests over the same kind of connection and hashing what comes. The
// server's CPU time is its own; the heap holds a floor of 64 MiB, as the product's.
func collectRows(ctx context.Context, pulls, assets int, h haul) (out []row, err error) {
	base, stop, err := startServer(ctx, pulls, assets)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return h.rows(ctx, base)
}

const haulRounds = 3

func (h haul) rows(ctx context.Context, base string) ([]row, error) {
	var ours, theirs []cost
	var asked *listener
	pass, read := &hashing{}, &hashing{driver: h.driver}
	for range haulRounds { // by turns, so that a busy machine hits all
		asked = &listener{}
		c, err := measure(func() error { return h.collect(ctx, base, asked, pass) })
		if err != nil {
			return nil, err
		}
		var n int64
		t, err := measure(func() (err error) { n, err = askAgain(ctx, base, asked.uris); return err })
		if err == nil && n != asked.bytes {
			err = fmt.Errorf("asking again gave %d bytes, not %d", n, asked.bytes)
		}
		if err != nil {
			return nil, err
		}
		ours, theirs = append(ours, c), append(theirs, t)
	}
	r, err := measure(func() error { return h.collect(ctx, base, &listener{}, read) })
	if err != nil {
		return nil, err
	}
	if read.bad != nil || h.items != "" && read.items[h.items] != h.want {
		return nil, fmt.Errorf("%d items of type %s, want %d; %w", read.items[h.items], h.items, h.want, read.bad)
	}
	o, t := middle(ours), middle(theirs)
	speed := func(c cost) string { return fmt.Sprintf("%s, %.0f MB/s", c, float64(asked.bytes)/1e6/c.wall.Seconds()) }
	return []row{
		plain("ask and hash: "+h.what, fmt.Sprintf("%s requests, %s; %s", thousands(len(asked.uris)), mib(asked.bytes), speed(t)), 1, "x"),
		under("collect the same: sealed bytes hashed", fmt.Sprintf("%s; heap at most %s", speed(o), mib(int64(pass.peak))), o.wall.Seconds()/t.wall.Seconds(), 2, "x the time"),
		plain("the same in CPU time of the reader", fmt.Sprintf("%s and %s", short(o.cpu), short(t.cpu)), float64(o.cpu)/float64(t.cpu), "x"),
		plain("collect the same and normalize every page", fmt.Sprintf("%s; heap at most %s", speed(r), mib(int64(read.peak))), r.wall.Seconds()/t.wall.Seconds(), "x the time"),
	}, nil
}

func (h haul) collect(ctx context.Context, base string, l *listener, sink *hashing) error {
	l.next = http.DefaultTransport
	env := source.Env{HTTP: &http.Client{Transport: l}, Secret: func(context.Context, string) (string, error) { return "token", nil }}
	col, config, err := h.driver.Open("bench", json.RawMessage(h.with(base)), env)
	if err != nil {
		return err
	}
	sink.config = config
	now := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	w := audit.Window{Span: audit.Span{From: now.AddDate(-1, 0, 0), To: now}, AsOf: now, Zone: "UTC"}
	if err := col.Collect(ctx, w, sink); err != nil {
		return err
	}
	return sink.incomplete
}

// A listener remembers what was asked and how many bytes came.
type listener struct {
	next  http.RoundTripper
	uris  []string
	bytes int64
}

func (l *listener) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	l.uris = append(l.uris, req.URL.RequestURI())
	resp.Body = &counted{resp.Body, &l.bytes}
	return resp, nil
}

type counted struct {
	io.ReadCloser
	n *int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	*c.n += int64(n)
	return n, err
}

// A hashing sink hashes every page, as sealing does, normalizes it if it has a
// driver, and keeps nothing.
type hashing struct {
	driver     *source.Driver
	config     json.RawMessage
	items      map[string]int
	pages      int
	peak       uint64
	bad        error
	incomplete error
}

func (s *hashing) Page(ctx context.Context, pages ...audit.Page) error {
	for _, p := range pages {
		sha256.Sum256(p.Body)
		if s.pages++; s.pages%1000 == 1 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			s.peak = max(s.peak, m.HeapAlloc)
		}
		if s.driver == nil {
			continue
		}
		items, err := s.driver.Normalize(s.config, p)
		if err != nil && s.bad == nil {
			s.bad = fmt.Errorf("%s: %w", p.Query, err)
		}
		if s.items == nil {
			s.items = map[string]int{}
		}
		for _, it := range items {
			s.items[it.Type]++
		}
	}
	return ctx.Err()
}

func (s *hashing) Close(_ context.Context, m audit.Manifest) error {
	if !m.Complete && s.incomplete == nil && collected[m.Type] {
		s.incomplete = fmt.Errorf("stream %s %s is incomplete: %s", m.Type, m.Scope, m.Reason)
	}
	return nil
}

// collected are the types whose streams the server can give whole.
var collected = map[string]bool{"change": true, "check": true, "datastore": true}

func (s *hashing) Progress(string, int, int) {}

// askAgain asks every URI and hashes the answers: the least that reading them
// can cost.
func askAgain(ctx context.Context, base string, uris []string) (n int64, err error) {
	buf := make([]byte, 0, 1<<20)
	for _, u := range uris {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+u, nil)
		if err != nil {
			return n, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return n, err
		}
		buf, err = readInto(buf[:0], resp.Body)
		resp.Body.Close()
		if err != nil {
			return n, err
		}
		sha256.Sum256(buf)
		n += int64(len(buf))
	}
	return n, nil
}

func readInto(buf []byte, r io.Reader) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// servedBy marks the environment of the server: a program that it is set for
// starts no other one.
const servedBy = "TIEOUT_BENCH_SERVER"

// startServer starts this program again as the server.
func startServer(ctx context.Context, pulls, assets int) (base string, stop func() error, err error) {
	if os.Getenv(servedBy) != "" {
		return "", nil, errors.New("the server was asked to start a server")
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, self, serveArgument, fmt.Sprint(pulls), fmt.Sprint(assets))
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), servedBy+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	alive, err := cmd.StdinPipe() // closed when this process ends, however it ends
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", nil, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	return "http://" + strings.TrimSpace(line), func() error {
		err := alive.Close()
		_ = cmd.Wait() // it ends by itself, or was killed with the context
		return err
	}, nil
}

// serve is the other process: it prints its address and answers until its
// standard input ends.
func serve(pulls, assets int) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	s := &http.Server{Handler: newFarm(pulls, assets)}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // whatever ends it
		_ = s.Close()
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
