package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"tieout/audit"
	"tieout/report"
)

//go:embed pages/*.html
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"asset": func(name string) string { return addresses[name] }, "number": report.Number, "number64": func(n int64) string { return report.Number(int(n)) },
}).ParseFS(files, "pages/*.html"))

// A screen answers one request: it renders a page, or says why not.
type screen func(*request) error

// A request is one look at the workspace.
type request struct {
	*http.Request
	w  http.ResponseWriter
	st *state
	page
}

// A page is what every screen shows around its own part.
type page struct {
	Title   string // of the window
	Heading string // what the screen is
	Ref     string // what it is about: its identifier, if it has one
	Say     string // the one true sentence
	Way     []link // from the period down to here
	Code    []string
	Wide    bool

	Org    audit.Organization
	Period string
	Log    string // the log's head in a few words
	Rail   []railGroup
	Query  string // what was searched for
	of     string // name of the period that was asked for; "": none
}

// A link is a text and where it leads; without Href it is only a text.
type link struct{ Text, Href string }

type railGroup struct {
	Name  string
	Links []railLink
}

type railLink struct {
	link
	N    string
	Here bool
}

// to is the address of a screen, in the period that was asked for.
func (p *page) to(path string, query ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		if query[i+1] != "" {
			v.Set(query[i], query[i+1])
		}
	}
	if p.of != "" {
		v.Set("period", p.of)
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// at is the address of one thing on a kind of screen.
func (p *page) at(screen, id string, query ...string) string {
	return p.to("/"+screen+"/"+url.PathEscape(id), query...)
}

// OfPeriod is the period that was asked for, for forms to keep.
func (p *page) OfPeriod() string { return p.of }

// Home is the address of the period's screen.
func (p *page) Home() string {
	if p.of != "" {
		return "/period/" + url.PathEscape(p.of)
	}
	return "/"
}

// To is to, for templates.
func (p *page) To(path string, query ...string) string { return p.to(path, query...) }

// At is at, for templates.
func (p *page) At(screen, id string, query ...string) string { return p.at(screen, id, query...) }

// controlLinks lead to controls in scope.
func (p *page) controlLinks(ids []string) []link {
	out := make([]link, len(ids))
	for i, id := range ids {
		out[i] = link{id, p.at("controls", id)}
	}
	return out
}

// recordLinks lead to sealed records, at what in them speaks of an item.
func (p *page) recordLinks(records []int64, near string) []link {
	out := make([]link, len(records))
	for i, n := range records {
		out[i] = link{audit.EvidenceRef(n), p.at("evidence", audit.EvidenceRef(n), "near", near)}
	}
	return out
}

// screen makes a handler of p: who may not look is told so, and what went wrong
// is said in words.
func (s *Server) screen(p screen) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.admit(w, r) {
			return
		}
		name := r.PathValue("name")
		if name == "" {
			name = r.URL.Query().Get("period")
		}
		st, err := s.shelf.take(r.Context(), name)
		if err != nil {
			s.wrong(w, r, err)
			return
		}
		q := &request{Request: r, w: w, st: st, page: page{of: name}}
		q.frame()
		err = errors.Join(p(q), s.shelf.give(st))
		if err != nil && !errors.Is(err, context.Canceled) {
			s.wrong(w, r, err)
		}
	})
}

// frame fills what every page shows.
func (q *request) frame() {
	st := q.st
	q.Org, q.Period = st.report.Organization, st.view.Period
	q.Log = fmt.Sprintf("%s in the log, root %x, %s", report.Plural(int(st.head.Size), "entry", "entries"), st.head.Root[:8], st.view.Witnessed)
	first, _, _ := strings.Cut(strings.TrimPrefix(q.URL.Path, "/"), "/")
	item := func(text, path string, n int) railLink {
		l := railLink{link: link{text, q.to(path)}, Here: strings.TrimPrefix(path, "/") == first}
		if n >= 0 {
			l.N = report.Number(n)
		}
		return l
	}
	period := railLink{link: link{"Period", q.Home()}, Here: first == "" || first == "period"}
	q.Rail = []railGroup{
		{"", []railLink{period}},
		{"Controls", []railLink{
			item("Controls", "/controls", len(st.report.Controls)+len(st.report.Untested)), item("Deviations", "/deviations", len(st.devs)),
			item("Evidence gaps", "/gaps", len(st.gaps)), item("Populations", "/populations", len(report.Procedures(st.report))), item("Evidence", "/evidence", -1),
		}},
		{"Workspace", []railLink{item("Connectors", "/connectors", len(st.p.Def.Sources)), item("Activity log", "/log", -1)}},
	}
}

// render writes a page; nothing is sent before all of it is made.
func (q *request) render(name string, data any) error {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	body := b.Bytes()
	if len(body) > 1400 && acceptsGzip(q.Request) {
		q.w.Header().Set("Content-Encoding", "gzip")
		body = squeezed(body)
	}
	q.w.Header().Set("Vary", "Accept-Encoding")
	send(q.w, http.StatusOK, body)
	return nil
}

// acceptsGzip reports whether the browser takes gzip.
func acceptsGzip(r *http.Request) bool {
	for _, part := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

func squeezed(body []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // the level is one there is
	_, _ = z.Write(body)                            // a buffer takes all
	_ = z.Close()
	return b.Bytes()
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // who asked is gone
}

// fail writes a page that says what is the matter and what to do.
func fail(w http.ResponseWriter, status int, what, todo string) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, "fail.html", struct {
		Status     int
		What, Todo string
	}{status, what, todo}); err != nil {
		http.Error(w, what+". "+todo, status)
		return
	}
	send(w, status, b.Bytes())
}

// wrong says in words what kind of error it was; what is not for the reader to
// mend goes to the log of the server.
func (s *Server) wrong(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, audit.ErrAltered):
		s.note(r, err)
		fail(w, http.StatusInternalServerError, "Something is not what was sealed",
			"Run 'tieout log verify' and 'tieout verify': they name what was altered. "+sentence(err.Error()))
	case errors.Is(err, audit.ErrNotFound), errors.Is(err, audit.ErrInvalid):
		fail(w, http.StatusNotFound, "There is no such thing here", sentence(err.Error())+" Go back to the period, or search for it.")
	default:
		s.note(r, err)
		fail(w, http.StatusInternalServerError, "This page could not be made",
			"The reason stands where 'tieout serve' was started. Load the page again; if it fails again, run 'tieout doctor' in the workspace.")
	}
}

func sentence(s string) string { return report.Capital(strings.TrimSuffix(s, ".")) + "." }

func (s *Server) note(r *http.Request, err error) {
	if s.o.Log != nil {
		s.o.Log.Error("page failed", slog.String("path", r.URL.Path), slog.String("error", err.Error()))
	}
}

// recovered turns a panic into a page; the stack goes to the server's log.
func (s *Server) recovered(w http.ResponseWriter, r *http.Request) {
	x := recover()
	if x == nil {
		return
	}
	s.note(r, fmt.Errorf("panic: %v\n%s", x, debug.Stack()))
	fail(w, http.StatusInternalServerError, "This page could not be made",
		"The reason stands where 'tieout serve' was started. The other pages go on working.")
}

func (q *request) nowhere() error {
	return fmt.Errorf("%w: no page at %s", audit.ErrNotFound, q.URL.Path)
}
