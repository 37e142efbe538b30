// Package web serves a workspace's screens: pages made on the server that work
// without JavaScript, ask nobody else for anything and only read. Each opens
// with one true sentence and leads, link by link, to the raw bytes behind it.
package web

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"tieout/period"
)

// Options say what is served, and to whom.
type Options struct {
	// Open opens the workspace for the period of that name; "" is the one that
	// holds now. It is called again whenever the log has grown.
	Open func(ctx context.Context, period string) (*period.Program, error)
	// Hosts are the Host headers that are answered, such as "127.0.0.1:8731". A
	// request under any other name is refused: it came through a name that
	// somebody else controls.
	Hosts []string
	// Key is what the one-time link holds; see NewKey.
	Key string
	Now func() time.Time
	Log *slog.Logger // of what went wrong; nil: nothing is written
}

// A Server is the screens of one workspace. It is safe for concurrent use.
type Server struct {
	o     Options
	door  *door
	shelf *shelf
	mux   *http.ServeMux
}

// New returns the server. Close closes what it has open.
func New(o Options) *Server {
	s := &Server{o: o, door: newDoor(o.Key, o.Now), shelf: &shelf{open: o.Open, at: map[string]*state{}}, mux: http.NewServeMux()}
	s.routes()
	return s
}

// Close closes the workspace; requests must have ended.
func (s *Server) Close() error { return s.shelf.close() }

func (s *Server) routes() {
	s.mux.HandleFunc("/healthz", health)
	s.mux.HandleFunc("/assets/{name}", serveAsset)
	for pattern, p := range map[string]screen{
		"/{$}":                (*request).period,
		"/period/{name}":      (*request).period,
		"/controls":           (*request).controls,
		"/controls/{id}":      (*request).control,
		"/deviations":         (*request).deviations,
		"/deviations/{ref}":   (*request).deviation,
		"/gaps":               (*request).gaps,
		"/evidence":           (*request).records,
		"/evidence/{ref}":     (*request).record,
		"/evidence/{ref}/raw": (*request).raw,
		"/populations":        (*request).populations,
		"/populations/{id}":   (*request).population,
		"/connectors":         (*request).connectors,
		"/log":                (*request).log,
		"/search":             (*request).search,
		"/{anything...}":      (*request).nowhere,
	} {
		s.mux.Handle(pattern, s.screen(p))
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	headers(w.Header())
	defer s.recovered(w, r)
	switch {
	case !s.known(r.Host):
		fail(w, http.StatusMisdirectedRequest, "Not this address", "This server answers only under the address that 'tieout serve' printed, and was asked under another name.")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, http.StatusMethodNotAllowed, "Nothing can be changed here", "These screens only read. What is decided or added is done with the 'tieout' command.")
	default:
		s.mux.ServeHTTP(w, r)
	}
}

func (s *Server) known(host string) bool {
	for _, h := range s.o.Hosts {
		if h == host {
			return true
		}
	}
	return false
}

func health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n")) // who asked is gone
}

// NewKey makes a key of 256 random bits for a one-time link.
func NewKey() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// LoopbackHosts are the Host headers of a listener on this machine.
func LoopbackHosts(a net.Addr) []string {
	_, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return nil
	}
	return []string{a.String(), "127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port}
}

// drain is how long a request may go on once the server is told to stop.
const drain = 10 * time.Second

// Serve serves s on l until ctx is done, lets what is under way end, and
// returns nil then.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler: s, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	if s.o.Log != nil {
		srv.ErrorLog = slog.NewLogLogger(s.o.Log.Handler(), slog.LevelWarn)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := srv.Shutdown(done); err != nil {
		return errors.Join(err, srv.Close())
	}
	return nil
}

// Warm opens the workspace for the period that holds now, so that what is wrong
// with it is said at once and the first page does not wait.
func (s *Server) Warm(ctx context.Context) error {
	st, err := s.shelf.take(ctx, "")
	if err != nil {
		return err
	}
	return s.shelf.give(st)
}
