// Package api is the interface for programs: REST over the same calls as the
// screens, described by OpenAPI 3.1. It owns no logic and no rights: package
// access says who may, package program keeps the registers, packages fieldwork and
// management an examination's two sides, package answer says what is so. Every
// call shows an API token; no cookie is looked at. A token is never a person: what
// only a person may do in an examination is done by a request that the person
// signed with their own key, and nothing edits evidence.
package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tieout/access"
	"tieout/audit"
	"tieout/reader/web"
)

// Prefix is the path of the interface at its origin.
const Prefix = "/api/v1"

// Options are what a Server needs.
type Options struct {
	Web    *web.Server // whose accounts, registers and periods these are
	Now    func() time.Time
	Wake   func()       // has a worker of this process look for work; nil: others do
	Log    *slog.Logger // of what went wrong here; nil: nowhere
	Failed func(error)  // is told of the same; may be nil
}

// A Server answers below Prefix. It is safe for concurrent use.
type Server struct {
	o     Options
	mux   *http.ServeMux
	api   huma.API
	rates *rates
	calls []operation // all there are
}

// New returns a handler for the paths below Prefix.
func New(o Options) *Server {
	s := &Server{o: o, mux: http.NewServeMux(), rates: newRates(o.Now)}
	if s.o.Log == nil {
		s.o.Log = slog.New(slog.DiscardHandler)
	}
	s.api = humago.NewWithPrefix(s.mux, Prefix, config())
	s.register()
	return s
}

// register names all calls there are.
func (s *Server) register() {
	s.periodCalls()
	s.findingCalls()
	s.populationCalls()
	s.evidenceCalls()
	s.sourceCalls()
	s.jobCalls()
	s.taskCalls()
	s.policyCalls()
	s.riskCalls()
	s.incidentCalls()
	s.issueCalls()
	s.vendorCalls()
	s.reviewCalls()
	s.peopleCalls()
	s.logCalls()
	s.examinationCalls()
	s.managementCalls()
	s.trustCalls()
	s.engagementCalls()
	s.planCalls()
	s.requestCalls()
	s.sampleCalls()
	s.paperCalls()
	s.exceptionCalls()
	s.closingCalls()
}

// config is how the interface is described and what it takes.
func config() huma.Config {
	c := huma.DefaultConfig("Tieout", "1")
	c.Info.Description = "The workspace for programs: the same values and sentences as its screens. Every call shows an API token. " +
		"What only a person may do in the running year (approve, decide, answer a finding) has no call; in an examination it is done by a request that the person signed with their own key. Sealed evidence cannot be edited by anyone. Calls below /engagements are an audit firm's workspace's, all others a company's."
	c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", nil // no page that asks another site, no link made from a Host header
	c.RejectUnknownQueryParameters = true
	c.NoFormatFallback = false
	c.Transformers = []huma.Transformer{quiet}
	c.Components = &huma.Components{
		Schemas: types(huma.NewMapRegistry("#/components/schemas/", nameOf)),
		SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer",
			Description: "An API token made under Your account, or by 'tieout token create'. It does at most what it was made for and what its person may at that moment; a call lists the permission it asks for."}},
	}
	return c
}

// OpenAPI is the description of all calls as OpenAPI 3.1, in JSON or YAML.
func (s *Server) OpenAPI(yaml bool) ([]byte, error) {
	if yaml {
		return s.api.OpenAPI().YAML()
	}
	return s.api.OpenAPI().MarshalJSON()
}

// Spec is the description of all calls, without a workspace.
func Spec(yaml bool) ([]byte, error) {
	return New(Options{Now: time.Now}).OpenAPI(yaml)
}

// public are the paths that are answered without a token: they tell nothing of
// the workspace.
var public = map[string]bool{Prefix + "/openapi.json": true, Prefix + "/openapi.yaml": true}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	headers(w.Header())
	b := newBuffer()
	defer b.flush(w, r)
	defer s.recovered(b, r)
	if !public[r.URL.Path] {
		who, p := s.admit(r)
		if p != nil {
			p.write(b)
			return
		}
		signed, err := s.signer(r, who)
		if err != nil {
			s.problemOf(r.Context(), err).write(b)
			return
		}
		r = signed.WithContext(context.WithValue(signed.Context(), subjectKey{}, who))
	}
	_, pattern := s.mux.Handler(r)
	body := &bounded{ReadCloser: http.MaxBytesReader(b, r.Body, maxUpload)}
	r.Body = body
	defer func() { s.tidy(r) }()
	s.mux.ServeHTTP(b, r)
	switch {
	case pattern == "": // the mux says so in plain text
		s.nowhere(b, r)
	case body.over: // of a form, huma says that it cannot be read
		b.reset()
		newProblem(http.StatusRequestEntityTooLarge, "A request has at most 26 MiB, also one with a document.").write(b)
	}
}

// A bounded body tells whether more was sent than is read of any request.
type bounded struct {
	io.ReadCloser
	over bool
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	var tooLarge *http.MaxBytesError
	b.over = b.over || errors.As(err, &tooLarge)
	return n, err
}

// tidy removes the files that a form was kept in while it was answered.
func (s *Server) tidy(r *http.Request) {
	if r.MultipartForm == nil {
		return
	}
	if err := r.MultipartForm.RemoveAll(); err != nil {
		s.note(r.Context(), fmt.Errorf("remove the files of a form: %w", err))
	}
}

// headers are on every answer.
func headers(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
}

type subjectKey struct{}

// admit returns as whom a request acts. Who has a token is bounded by it, and who
// has none by address: they never keep out who has.
func (s *Server) admit(r *http.Request) (access.Subject, *problem) {
	from := access.From{Address: s.o.Web.Address(r), Agent: r.UserAgent()}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > 200 {
		return access.Subject{}, s.stranger(from, "Show an API token: Authorization: Bearer. Tokens are made under Your account, or by 'tieout token create'.")
	}
	who, err := s.o.Web.People().UseToken(r.Context(), token, from)
	if errors.Is(err, audit.ErrForbidden) {
		return access.Subject{}, s.stranger(from, "The token is unknown, was revoked or has expired.")
	}
	if err != nil {
		return access.Subject{}, s.problemOf(r.Context(), err)
	}
	if !s.rates.take(who.Token) {
		return access.Subject{}, tooMany()
	}
	return who, nil
}

// stranger is the answer to who shows no token that holds.
func (s *Server) stranger(from access.From, detail string) *problem {
	if !s.rates.take("from " + from.Address) {
		return tooMany()
	}
	p := newProblem(http.StatusUnauthorized, detail)
	p.header = http.Header{"Www-Authenticate": {`Bearer realm="tieout"`}}
	return p
}

// nowhere turns the answer of the mux about paths and methods that are not there
// into a problem.
func (s *Server) nowhere(b *buffer, r *http.Request) {
	status, allow := b.status, b.Header().Get("Allow")
	b.reset()
	detail := "There is nothing at this path; " + Prefix + "/openapi.json lists all calls."
	if status == http.StatusMethodNotAllowed {
		detail = r.Method + " is not for this path."
		b.Header().Set("Allow", allow)
	} else {
		status = http.StatusNotFound
	}
	newProblem(status, detail).write(b)
}

// recovered turns a panic into a problem; the stack goes to the server's log.
func (s *Server) recovered(b *buffer, r *http.Request) {
	x := recover()
	if x == nil {
		return
	}
	b.reset()
	s.problemOf(r.Context(), fmt.Errorf("panic: %v\n%s", x, debug.Stack())).write(b)
}
