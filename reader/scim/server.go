// Package scim is a SCIM 2.0 server (RFC 7643, RFC 7644) over the accounts of a
// workspace: a directory creates, changes and suspends them and says who is in
// which group. It decides nothing: package access does, and records it.
package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"tieout/access"
)

// Bounds.
const (
	maxBody  = 2 << 20 // bytes of a request
	maxCount = 200     // resources of a page
)

// Prefix is the path of the server at its origin. What is below it is a
// directory's base address, such as https://tieout.example.com/scim/v2.
const Prefix = "/scim/v2"

// Options are what a Server needs.
type Options struct {
	People  *access.People
	Origin  string                     // of the addresses in answers, without a path
	Address func(*http.Request) string // of the peer, for the log; nil: RemoteAddr
	Log     *slog.Logger               // of what went wrong here; nil: nowhere
}

// A Server answers requests below Prefix. Every request shows an API token that
// was made with account.provision; nothing is asked of cookies.
type Server struct {
	people  *access.People
	base    string
	address func(*http.Request) string
	log     *slog.Logger
	mux     *http.ServeMux
}

// New returns a handler for the paths below Prefix.
func New(o Options) *Server {
	s := &Server{people: o.People, base: strings.TrimSuffix(o.Origin, "/") + Prefix, address: o.Address, log: o.Log, mux: http.NewServeMux()}
	if s.address == nil {
		s.address = func(r *http.Request) string { return r.RemoteAddr }
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.routes()
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// routes are all there are.
func (s *Server) routes() {
	s.on("GET /ServiceProviderConfig", s.getConfig)
	s.on("GET /ResourceTypes", s.listTypes)
	s.on("GET /ResourceTypes/{id}", s.getType)
	s.on("GET /Schemas", s.listSchemas)
	s.on("GET /Schemas/{id}", s.getSchema)

	s.on("GET /Users", s.listUsers)
	s.on("POST /Users", s.createUser)
	s.on("POST /Users/.search", s.searchUsers)
	s.on("GET /Users/{id}", s.getUser)
	s.on("PUT /Users/{id}", s.replaceUser)
	s.on("PATCH /Users/{id}", s.patchUser)
	s.on("DELETE /Users/{id}", s.deleteUser)

	s.on("GET /Groups", s.listGroups)
	s.on("POST /Groups", s.createGroup)
	s.on("POST /Groups/.search", s.searchGroups)
	s.on("GET /Groups/{id}", s.getGroup)
	s.on("PUT /Groups/{id}", s.replaceGroup)
	s.on("PATCH /Groups/{id}", s.patchGroup)
	s.on("DELETE /Groups/{id}", s.deleteGroup)

	s.on("POST /.search", s.searchAll)
	for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/{id}", "/Schemas", "/Schemas/{id}",
		"/Users", "/Users/{id}", "/Groups", "/Groups/{id}"} {
		s.on(path, wrongMethod)
	}
	s.on("/Bulk", notHere)
	s.on("/Me", notHere)
	s.on("/", unknownPath)
}

func wrongMethod(context.Context, *request) (*answer, error) {
	return nil, &fault{http.StatusMethodNotAllowed, "", "this method is not for this path"}
}

func notHere(context.Context, *request) (*answer, error) {
	return nil, &fault{http.StatusNotImplemented, "", "this server does not do that; see /ServiceProviderConfig"}
}

func unknownPath(context.Context, *request) (*answer, error) {
	return nil, &fault{http.StatusNotFound, "", "there is nothing at this path"}
}

// A request is one whose token was looked at.
type request struct {
	*http.Request
	by access.Subject
}

// An answer is what goes back: a resource with its version, or nothing.
type answer struct {
	status   int
	body     any // nil: 204
	version  string
	location string
}

// on routes a pattern: method and path below Prefix.
func (s *Server) on(pattern string, h func(context.Context, *request) (*answer, error)) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = "", pattern
	} else {
		method += " "
	}
	s.mux.HandleFunc(method+Prefix+path, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		a, err := s.answer(r, h)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.write(w, r, a)
	})
}

func (s *Server) answer(r *http.Request, h func(context.Context, *request) (*answer, error)) (*answer, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > 200 {
		return nil, &fault{http.StatusUnauthorized, "", "show an API token: Authorization: Bearer"}
	}
	by, err := s.people.UseToken(r.Context(), token, access.From{Address: s.address(r), Agent: r.UserAgent()})
	if err != nil {
		if f := faultOf(err); f.status != http.StatusForbidden {
			return nil, err
		}
		return nil, &fault{http.StatusUnauthorized, "", "the token is unknown, revoked or has expired"}
	}
	if err := access.Require(by, access.Provision, access.Object{}); err != nil {
		return nil, err
	}
	return h(r.Context(), &request{r, by})
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := faultOf(err)
	if f.status >= http.StatusInternalServerError {
		s.log.ErrorContext(r.Context(), "scim", "method", r.Method, "error", err)
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="scim"`)
	}
	headers(w.Header())
	w.WriteHeader(f.status)
	_, _ = w.Write(f.body()) // the client is gone; there is nobody to tell
}

func headers(h http.Header) {
	h.Set("Content-Type", "application/scim+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, a *answer) {
	headers(w.Header())
	if a.version != "" {
		w.Header().Set("ETag", a.version)
	}
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	if a.body == nil {
		w.Header().Del("Content-Type")
		w.WriteHeader(a.status)
		return
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a.body); err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(b.Bytes()) // as above
}

// read reads the body of a request: JSON, as SCIM or plain.
func (r *request) read() ([]byte, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/scim+json" && kind != "application/json" {
		return nil, &fault{http.StatusUnsupportedMediaType, "", "send application/scim+json"}
	}
	b, err := io.ReadAll(r.Body)
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return nil, &fault{http.StatusRequestEntityTooLarge, "", "a request has at most " + strconv.Itoa(maxBody) + " bytes"}
	}
	if err != nil {
		return nil, bad("invalidSyntax", "the request could not be read")
	}
	return b, nil
}

// object reads a resource.
func (r *request) object(urn string) (map[string]any, error) {
	b, err := r.read()
	if err != nil {
		return nil, err
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil || v == nil {
		return nil, bad("invalidSyntax", "the request is not a JSON object")
	}
	for _, x := range elements(value(v, "schemas")) {
		if s, ok := x.(string); ok && strings.EqualFold(s, urn) {
			return v, nil
		}
	}
	return nil, bad("invalidSyntax", "schemas does not name %s", urn)
}

// operations reads a PATCH request.
func (r *request) operations() ([]operation, error) {
	b, err := r.read()
	if err != nil {
		return nil, err
	}
	return parsePatch(b)
}

// version is what If-Match asks for, 0 for any (RFC 7644, 3.14). Of several, or
// of what this server did not give, none is the one there is.
func (r *request) version() int64 {
	h := strings.TrimSpace(r.Header.Get("If-Match"))
	if h == "" || h == "*" {
		return 0
	}
	n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(h, "W/"), `"`), 10, 64)
	if err != nil || n <= 0 {
		return -1
	}
	return n
}
