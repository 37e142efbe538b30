package web

import (
	"bytes"
	"cmp"
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
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/program"
	"tieout/report"
	"tieout/store"
)

//go:embed pages/*.html
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"asset": func(name string) string { return addresses[name] }, "number": report.Number, "number64": func(n int64) string { return report.Number(int(n)) },
	"stamp": audit.FormatTime, "gridBoth": gridBoth, "firmCategory": categoryName, "firmDraftKey": draftKey, "firmRadio": firmRadio,
}).ParseFS(files, "pages/*.html"))

// A screen answers one request: it renders a page, or says why not.
type screen func(*request) error

// A request is one look at the workspace by who is signed in.
type request struct {
	*http.Request
	w     http.ResponseWriter
	s     *Server
	who   access.Subject // what the table of rights is asked for
	me    access.Account
	sess  access.Session
	book  *program.Book   // of a company
	files *fieldwork.Book // of an audit firm
	firm  *examination.Firm
	exam  *examination.Client
	st    *state
	head  store.Head
	names map[string]access.Named // everybody, by account ID
	asked map[string]bool         // paths, and whether they open: see opens
	page
}

// name is a person's name by account ID; of what is no account, the ID itself.
func (q *request) name(account string) string {
	if n, ok := q.names[account]; ok {
		return n.Name
	}
	return account
}

// now is the instant by this server's clock.
func (q *request) now() time.Time { return audit.Instant(q.s.o.Now()) }

// zone is where days of the period are counted.
func (q *request) zone() *time.Location { return q.st.p.Period.Location() }

// A page is what every screen shows around its own part.
type page struct {
	Title   string // of the window
	Heading string // what the screen is
	Ref     string // what it is about: its identifier, if it has one
	Say     string // the one true sentence
	Way     []link // from the period down to here
	Code    []string
	Wide    bool

	Problem []string // what is wrong with what was sent; the page is shown again with it
	Told    string   // what was just done
	Behind  string   // when what was sealed last could not be worked in; "": it is
	Me      string   // name of who is signed in
	Keys    bool     // single keys do something
	status  int      // of the answer; 0: 200

	Org    audit.Organization
	Period string
	Log    string // the log's head in a few words
	Rail   []railGroup
	Tabs   []railLink // screens beside this one, under the same entry of the side bar
	TabsOf string     // that entry
	Query  string     // what was searched for
	of     string     // name of the period that was asked for; "": none
	leadTo func(string) bool

	Firm   bool   // this is an audit firm's room
	Client string // whose engagement it is about; "": none
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

// under is the address of what belongs to one thing on a kind of screen.
func (p *page) under(screen, id, part string, query ...string) string {
	return p.to("/"+screen+"/"+url.PathEscape(id)+"/"+part, query...)
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

// Under is under, for templates.
func (p *page) Under(screen, id, part string, query ...string) string {
	return p.under(screen, id, part, query...)
}

// Opens reports whether who is signed in may open the page at a path.
func (p *page) Opens(path string) bool { return p.leadTo == nil || p.leadTo(path) }

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

// screen makes a handler of a route: who may not is told so, and what went wrong
// is said in words.
func (s *Server) screen(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		signed, ok := s.admit(w, hr)
		if !ok {
			return
		}
		if err := s.serve(w, hr, r, signed); err != nil && !errors.Is(err, context.Canceled) {
			s.wrong(w, hr, err)
		}
	})
}

// serve answers one request of who is signed in.
func (s *Server) serve(w http.ResponseWriter, hr *http.Request, r route, signed access.Signed) (err error) {
	q := &request{Request: hr, w: w, s: s, who: signed.Subject, me: signed.Account, sess: signed.Session, book: s.book, files: s.files, firm: s.firm, exam: s.exam}
	if q.who.Eyes, err = s.eyes(hr.Context()); err != nil {
		return err
	}
	if err := q.parse(); err != nil {
		return err
	}
	if q.of = hr.PathValue("name"); q.of == "" || !strings.HasPrefix(hr.URL.Path, "/period/") {
		q.of = hr.URL.Query().Get("period")
	}
	if s.kind == access.Firm {
		q.of = "" // each engagement has its own
	}
	whole, err := s.shelf.take(hr.Context(), q.of)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.shelf.give(whole)) }()
	if q.st, err = whole.sight(q.who); err != nil {
		return err
	}
	if q.head, err = s.home.Store.Head(hr.Context()); err != nil {
		return err
	}
	if q.names, err = s.names.all(hr.Context(), s.o.Now()); err != nil {
		return err
	}
	if err := q.allowed(r); err != nil {
		return err
	}
	q.frame()
	return r.do(q)
}

// allowed asks the table of rights for the route.
func (q *request) allowed(r route) error {
	if r.needs == "" {
		return nil
	}
	var on access.Object
	if r.on != nil {
		var err error
		if on, err = r.on(q); err != nil {
			return err
		}
	}
	return access.Require(q.who, r.needs, on)
}

// frame fills what every page shows.
func (q *request) frame() {
	st := q.st
	q.Org, q.Period, q.Me, q.Keys = st.report.Organization, st.view.Period, q.me.Name, q.keysOn()
	q.Log = fmt.Sprintf("%s in the log, root %x, %s", report.Plural(int(q.head.Size), "entry", "entries"), q.head.Root[:8], st.view.Witnessed)
	q.Told = q.s.told(q.w, q.Request)
	if q.s.kind == access.Firm {
		q.Firm, q.Period = true, "Engagements"
	}
	if at := st.whole().behind.Load(); at != nil {
		q.Behind = exactly(*at)
	}
	q.leadTo = q.opens
	q.Rail = q.rail()
}

// render writes a page; nothing is sent before all of it is made.
func (q *request) render(name string, data any) error {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	body := q.unlinked(b.Bytes())
	if len(body) > 1400 && acceptsGzip(q.Request) {
		q.w.Header().Set("Content-Encoding", "gzip")
		body = squeezed(body)
	}
	q.w.Header().Set("Vary", "Accept-Encoding")
	send(q.w, cmp.Or(q.status, http.StatusOK), body)
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
	case errors.Is(err, errAgain):
		http.Redirect(w, r, "/again?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
	case errors.Is(err, audit.ErrForbidden):
		fail(w, http.StatusForbidden, "Not yours to open", sentence(reason(err, audit.ErrForbidden))+" Who may is said in 'tieout account list' and under Access; an administrator can give the role.")
	case errors.Is(err, audit.ErrConflict):
		fail(w, http.StatusConflict, "Somebody else was first", sentence(reason(err, audit.ErrConflict))+" Nothing was changed; go back, load the page again and repeat what is still right.")
	case errors.Is(err, audit.ErrUnavailable):
		s.note(r, err)
		fail(w, http.StatusServiceUnavailable, "Something does not answer", sentence(reason(err, audit.ErrUnavailable))+" Nothing was changed. Try again in a minute.")
	case errors.Is(err, audit.ErrInvalid) && r.Method == http.MethodPost:
		fail(w, http.StatusUnprocessableEntity, "That cannot be kept", sentence(reason(err, audit.ErrInvalid))+" Go back, mend it and send it again.")
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

// fault tells of what failed beside the requests.
func (s *Server) fault(err error) {
	if s.o.Failed != nil {
		s.o.Failed(err)
	}
	if s.o.Log != nil {
		s.o.Log.Error("pages cannot be made anew", slog.String("error", err.Error()))
	}
}

func (s *Server) note(r *http.Request, err error) {
	if s.o.Failed != nil {
		s.o.Failed(err)
	}
	if s.o.Log != nil {
		s.o.Log.Error("page failed", slog.String("path", hushed(r.URL.Path)), slog.String("error", err.Error()))
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

// reason is an error's text without the kind in front.
func reason(err, kind error) string {
	return strings.TrimPrefix(err.Error(), kind.Error()+": ")
}

// nowhere answers what no route takes.
func (s *Server) nowhere(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, http.StatusMethodNotAllowed, "Nothing can be changed here", "This address only shows. What is sealed cannot be edited by anyone.")
		return
	}
	if _, ok := s.admit(w, r); ok {
		fail(w, http.StatusNotFound, "There is no such thing here", "No page at "+r.URL.Path+". Go back to the period, or search for it.")
	}
}
