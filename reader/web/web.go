// Package web serves a workspace's screens: pages made on the server that work
// without JavaScript and ask nobody else for anything. Each opens with one true
// sentence and leads, link by link, to the raw bytes behind it. Who is signed in
// sees and does what the table of rights allows, and no more; evidence is
// uneditable by anyone.
package web

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement/fieldwork"
	"tieout/engagement/packet"
	"tieout/examination"
	"tieout/period"
	"tieout/program"
)

// Options say what is served, and to whom.
type Options struct {
	// Open opens the workspace for the period of that name; "" is the one that
	// holds now. It is called again whenever something was tested or decided.
	Open func(ctx context.Context, period string) (*period.Program, error)
	// Hosts are the Host headers that are answered, such as "127.0.0.1:8731". A
	// request under any other name is refused: it came through a name that
	// somebody else controls.
	Hosts []string
	// Public is the address people open, such as "https://tieout.example.com";
	// "": plain HTTP on this machine. With https cookies are sent over TLS only.
	Public string
	// Proxies are the networks whose X-Forwarded-For is believed; none: the
	// address of the connection is the visitor's.
	Proxies []*net.IPNet
	// Key is what the one-time link holds with which the first administrator's
	// account is made; see NewKey. "": there is no such link.
	Key string
	// Wake has a worker of this process look for work; nil: others do.
	Wake   func()
	Trial  time.Duration // how long a connection is tried on a screen; 0: a minute
	Now    func() time.Time
	Log    *slog.Logger // of what went wrong; nil: nothing is written
	Failed func(error)  // is told of every error that is nobody's to mend at the screen; may be nil
	// Beside returns further handlers under the same address, such as the interface
	// for programs; each checks for itself who asks. They are not bound to the
	// pages' own origin. nil: there are none.
	Beside func(*Server) map[string]http.Handler
}

// A Server is the screens of one workspace. It is safe for concurrent use.
type Server struct {
	o         Options
	home      *period.Program // for the store and the log; its definitions may be older than the files
	kind      access.Workspace
	people    *access.People
	book      *program.Book                                      // of a company
	files     *fieldwork.Book                                    // of an audit firm
	exam      *examination.Client                                // a company's end of its examinations
	firm      *examination.Firm                                  // an audit firm's end of them
	flush     func(ctx context.Context, engagement string) error // seals what the other side is to have
	shelf     *shelf
	names     names
	doorways  throttle
	asks      throttle // for access to reports
	guesses   guesses  // of passphrases
	rosters   rosters
	revisions period.Revisions // what each changed of definitions
	mux       *http.ServeMux
	pages     []address // of the mux, for links
	cross     *http.CrossOriginProtection
	drafts    drafts
	grids     gridShelf // items of grids
	setup     setup
}

// New opens the workspace and returns the server. Close closes what it has open.
func New(ctx context.Context, o Options) (*Server, error) {
	home, err := o.Open(context.WithoutCancel(ctx), "")
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, home: home, kind: home.Kind(), mux: http.NewServeMux(), cross: http.NewCrossOriginProtection(), setup: newSetup(o.Key), asks: throttle{burst: askBurst, every: askEvery}}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, home.Close())
	}
	s.shelf = newShelf(o.Open, home.Store)
	s.shelf.fault = s.fault
	if s.people, err = home.People(ctx, o.Public); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.people.Seal(ctx); err != nil { // what a crash left unsealed
		return nil, errors.Join(err, s.Close())
	}
	s.names.people = s.people
	s.routes()
	return s, nil
}

// open opens what is kept in a workspace of this kind.
func (s *Server) open() (err error) {
	if s.kind == access.Firm {
		s.files = s.home.Files()
		if s.firm, err = examination.NewFirm(s.home); err == nil {
			s.flush = s.firm.Flush
		}
		return err
	}
	s.book = s.home.Registers()
	if s.exam, err = examination.NewClient(s.home); err == nil {
		s.flush = s.exam.Flush
	}
	return err
}

// Exchange answers the other sides of this workspace's examinations: they are
// known by the signatures of their packets, and need no account here.
func (s *Server) Exchange() http.Handler {
	if s.kind == access.Firm {
		return packet.Serve(s.firm.Keeper)
	}
	return packet.Serve(s.exam.Keeper)
}

// People are the accounts the server signs in.
func (s *Server) People() *access.People { return s.people }

// Book is the registers the server keeps; nil in a firm's workspace.
func (s *Server) Book() *program.Book { return s.book }

// Kind is whose workspace the server has open.
func (s *Server) Kind() access.Workspace { return s.kind }

// eyes tells two people from two accounts of one. A firm's people are its accounts.
func (s *Server) eyes(ctx context.Context) (access.Eyes, error) {
	if s.kind == access.Firm {
		return nil, nil
	}
	return s.book.Eyes(ctx)
}

// Home is the workspace the server has open, for its store and log.
func (s *Server) Home() *period.Program { return s.home }

// Close closes the workspace; requests must have ended.
func (s *Server) Close() error { return errors.Join(s.shelf.close(), s.home.Close()) }

func (s *Server) routes() {
	s.mux.HandleFunc("GET /healthz", s.health)
	s.mux.HandleFunc("GET /assets/{name}", serveAsset)
	if s.o.Beside != nil {
		for pattern, h := range s.o.Beside(s) {
			s.mux.Handle(pattern, h)
			s.cross.AddInsecureBypassPattern(pattern) // asked with a token, not with a cookie
		}
	}
	if s.kind == access.Company {
		s.mux.HandleFunc("GET /me/calendar.ics", s.feed)
	}
	for _, d := range doors {
		s.mux.Handle(d.pattern, s.door(d.do))
	}
	if s.kind == access.Company {
		for _, x := range outsides {
			s.mux.Handle(x.pattern, s.outside(x))
		}
	}
	all := routes(s.kind)
	s.pages = pagesOf(all)
	for _, r := range all {
		s.mux.Handle(r.pattern, s.screen(r))
	}
	s.mux.HandleFunc("/{anything...}", s.nowhere)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	headers(w.Header())
	if s.secure() {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
	}
	defer s.recovered(w, r)
	if !s.known(r.Host) {
		fail(w, http.StatusMisdirectedRequest, "Not this address", "This server answers only under the address that 'tieout serve' printed, and was asked under another name.")
		return
	}
	if err := s.cross.Check(r); err != nil {
		fail(w, http.StatusForbidden, "Sent from another site", "What changes something is taken only from this server's own pages. Open the page here and send it again.")
		return
	}
	s.mux.ServeHTTP(w, r)
}

// secure reports whether people reach the server over TLS.
func (s *Server) secure() bool { return strings.HasPrefix(s.o.Public, "https://") }

func (s *Server) known(host string) bool {
	for _, h := range s.o.Hosts {
		if h == host {
			return true
		}
	}
	return false
}

// health answers whether this process can reach its store.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if _, err := s.home.Store.Head(r.Context()); err != nil {
		s.note(r, err)
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("the store does not answer\n")) // who asked is gone
		return
	}
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

// PublicHosts are the Host headers of an address people open.
func PublicHosts(public string) ([]string, error) {
	u, err := url.Parse(public)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path != "" && u.Path != "/" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("%w: %q is not an address such as https://tieout.example.com", audit.ErrUsage, public)
	}
	if u.Port() == "" {
		return []string{u.Host, u.Host + map[string]string{"https": ":443", "http": ":80"}[u.Scheme]}, nil
	}
	return []string{u.Host}, nil
}

// drain is how long a request may go on once the server is told to stop.
const drain = 10 * time.Second

// Serve serves s on l until ctx is done, lets what is under way end, and
// returns nil then.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	return Serve(ctx, l, s, s.o.Log)
}

// Serve serves h on l until ctx is done, lets what is under way end, and returns
// nil then. log is told of connections that failed; it may be nil.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	if log != nil {
		srv.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelWarn)
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

// Warm makes the report of the period that holds now, so that what is wrong
// with the workspace is said at once and the first page does not wait.
func (s *Server) Warm(ctx context.Context) error {
	st, err := s.shelf.take(ctx, "")
	if err != nil {
		return err
	}
	return s.shelf.give(st)
}
