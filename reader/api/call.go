package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
	"tieout/reader/web"
)

// An operation is one call there is. The table is walked by a test against every
// role, scope and token.
type operation struct {
	id, method, path, tag string
	title, detail         string
	needs                 access.PermissionID // asked before do runs; "": whoever has a token
	body                  int64               // bytes of a request; 0: 256 KiB
	status                int                 // of an answer; 0: 200
	also                  int                 // another status of an answer, with the same form; 0: none
	example               string              // a path of it, for the walk
	sends                 string              // an example of its body
	person                bool                // only a person may, who signs the request; so is what a permission asks a person for
}

// where is the kind of workspace a call is of.
func (op *operation) where() access.Workspace {
	if p, _ := access.PermissionOf(op.needs); p.Workspace != "" {
		return p.Workspace
	}
	return access.Company
}

// byPerson reports whether the call is only ever a person's.
func (op *operation) byPerson() bool {
	p, _ := access.PermissionOf(op.needs)
	return op.person || p.Has(access.Person)
}

// caller is who makes a call, if it is one of this kind of workspace at all: of
// what only a person may, the person who signed the request.
func (s *Server) caller(ctx context.Context, op *operation, in any) (access.Subject, error) {
	who, ok := ctx.Value(subjectKey{}).(access.Subject)
	if !ok {
		return who, audit.ErrForbidden
	}
	if kind := s.o.Web.Kind(); kind != op.where() {
		return who, newProblem(http.StatusForbidden, map[access.Workspace]string{
			access.Firm:    "This is an audit firm's workspace; the call is of a company's.",
			access.Company: "This is a company's workspace; the call is of an audit firm's."}[kind])
	}
	if op.byPerson() {
		who = acting(ctx, who)
	}
	if op.person && who.Kind != audit.ActorPerson {
		return who, newProblem(http.StatusForbidden, "Only a person may: sign the request with your own key.").at("header."+PersonHeader, "is missing")
	}
	if a, ok := in.(interface{ once() string }); ok {
		who.Once = a.once()
	}
	return who, nil
}

const maxBody = 256 << 10

// A call is one look at the workspace by who has a token.
type call struct {
	context.Context
	s *Server
	*web.Look
	book *program.Book
	now  time.Time
}

func (c *call) zone() *time.Location { return c.P.Period.Location() }

// An objectOf says what a call is about, for the table of rights.
type objectOf[I any] func(*call, *I) (access.Object, error)

// whole is the workspace, as an object.
func whole[I any](*call, *I) (access.Object, error) { return access.Object{}, nil }

// anything is asked for by lists, which then show what is within reach.
func anything[I any](c *call, _ *I) (access.Object, error) { return c.Reach(), nil }

// Of is asked by every call: of which period.
type Of struct {
	Period string `query:"period" maxLength:"100" doc:"Name of the period, such as 2026-Q3; left out: the one that holds now"`
}

func (o *Of) of() string { return o.Period }

// Again is asked by calls that change something.
type Again struct {
	Key string `header:"Idempotency-Key" maxLength:"200" pattern:"^[!-~]*$" doc:"A key of the request, chosen by the caller: sent again with it, the request does nothing more and is answered alike. Another request under the same key is refused with 422"`
}

func (a *Again) once() string { return a.Key }

// Match is asked by calls that change what is there.
type Match struct {
	IfMatch string `header:"If-Match" maxLength:"100" doc:"The ETag under which the object was read; required (428). Where it has changed since, nothing is done (412)"`
}

// revision is what If-Match names.
func (m *Match) revision() (int64, error) {
	tag := strings.TrimSpace(m.IfMatch)
	if tag == "" || tag == "*" {
		return 0, newProblem(http.StatusPreconditionRequired, "Say which state of the object the change was made from: If-Match with the ETag it was read under.").
			at("header.If-Match", "the ETag of the object is missing")
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(tag, `"`), `"`), 10, 64)
	if err != nil || n < 0 || tagOf(n) != tag {
		return 0, changed()
	}
	return n, nil
}

func changed() *problem {
	return newProblem(http.StatusPreconditionFailed, "The object has changed since it was read. Nothing was done: read it again and repeat what is still right.").
		at("header.If-Match", "is not the ETag of the object as it is now")
}

// tagOf is the ETag of a revision.
func tagOf(revision int64) string { return `"` + strconv.FormatInt(revision, 10) + `"` }

// since turns a conflict into 412 where the object has another revision by now
// than the change was made from.
func (c *call) since(err error, have int64, now func(*program.State) int64) error {
	return moved(err, have, func(read func(int64)) error {
		return c.book.Read(c, func(s *program.State) error { read(now(s)); return nil })
	})
}

// moved turns a conflict into 412 where the revision that look reads is another
// than the change was made from.
func moved(err error, have int64, look func(read func(int64)) error) error {
	if !errors.Is(err, audit.ErrConflict) || errors.Is(err, program.ErrKeyUsed) {
		return err
	}
	var now int64
	if rerr := look(func(n int64) { now = n }); rerr != nil {
		return rerr
	}
	if now != have {
		return changed()
	}
	return err
}

// add registers a call: its table entry, its description, its handler. Before do
// runs the table of rights is asked.
func add[I, O any](s *Server, op operation, on objectOf[I], do func(*call, *I) (*O, error)) {
	s.calls = append(s.calls, op)
	_, tagged := any(new(I)).(interface{ revision() (int64, error) })
	described := op.huma(tagged)
	if op.body > maxBody {
		described.Middlewares = huma.Middlewares{s.before(op)}
	}
	huma.Register(s.api, described, func(ctx context.Context, in *I) (*O, error) {
		out, err := serve(s, ctx, op, in, on, do)
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		return out, nil
	})
	op.describeAlso(s.api)
}

// before refuses who may not make a call at all, before its large body is read; of
// what the request names, the table of rights is asked when it was.
func (s *Server) before(op operation) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		_, err := serve(s, ctx.Context(), op, &periodIn{}, func(c *call, _ *periodIn) (access.Object, error) { return c.some(op.needs), nil },
			func(*call, *periodIn) (*struct{}, error) { return nil, nil })
		if err == nil {
			next(ctx)
			return
		}
		p := s.problemOf(ctx.Context(), err)
		for name, values := range p.header {
			for _, v := range values {
				ctx.SetHeader(name, v)
			}
		}
		if err := huma.WriteErr(s.api, ctx, p.Status, p.Detail); err != nil {
			s.note(ctx.Context(), err)
		}
	}
}

// describeAlso puts the other status of a call's answers into the document.
func (op *operation) describeAlso(api huma.API) {
	if op.also == 0 {
		return
	}
	responses := api.OpenAPI().Paths[op.path].Post.Responses
	other := *responses[strconv.Itoa(op.status)]
	other.Description = http.StatusText(op.also)
	responses[strconv.Itoa(op.also)] = &other
}

func serve[I, O any](s *Server, ctx context.Context, op operation, in *I, on objectOf[I], do func(*call, *I) (*O, error)) (out *O, err error) {
	who, err := s.caller(ctx, &op, in)
	if err != nil {
		return nil, err
	}
	name := ""
	if o, ok := any(in).(interface{ of() string }); ok {
		name = o.of()
	}
	look, err := s.o.Web.Look(ctx, who, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, look.Close()) }()
	c := &call{Context: ctx, s: s, Look: look, book: s.o.Web.Book(), now: audit.Instant(s.o.Now())}
	if op.needs != "" {
		o, err := on(c, in)
		if err != nil {
			return nil, err
		}
		if err := access.Require(c.Who, op.needs, o); err != nil {
			return nil, err
		}
	}
	return do(c, in)
}

// huma is the operation as the document describes it; tagged is one that asks
// for If-Match.
func (op *operation) huma(tagged bool) huma.Operation {
	o := huma.Operation{OperationID: op.id, Method: op.method, Path: op.path, Summary: op.title, Description: op.detail, Tags: []string{op.tag},
		MaxBodyBytes: op.body, DefaultStatus: op.status, Errors: []int{401, 403, 404, 422, 429, 503}}
	scopes := []string{}
	if op.needs != "" {
		scopes = append(scopes, string(op.needs))
		p, _ := access.PermissionOf(op.needs)
		o.Description = strings.TrimSpace(o.Description + "\n\nAsks for the permission `" + string(op.needs) + "`: " + p.Title + ".")
		if op.byPerson() {
			scopes = []string{}
			o.Description += " Only a person may: the request carries the person's own signature in `" + PersonHeader + "`."
		}
	}
	o.Security = []map[string][]string{{"token": scopes}}
	if op.body == 0 {
		o.MaxBodyBytes = maxBody
	}
	if op.method != http.MethodGet {
		o.Errors = append(o.Errors, 409, 413, 415)
	}
	if tagged {
		o.Errors = append(o.Errors, 412, 428)
	}
	return o
}

// nameOf names a type in the document: those of other packages with their
// package, of generic ones all parts.
func nameOf(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := t.Name()
	if name == "" {
		return hint
	}
	if !strings.Contains(name, "[") && t.PkgPath() != "" {
		name = t.PkgPath() + "." + name
	}
	var b strings.Builder
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("[]*, ", r) }) {
		path := part[strings.LastIndex(part, "/")+1:]
		pkg, base, ok := strings.Cut(path, ".")
		if !ok {
			pkg, base = "", path
		}
		if pkg == "api" || pkg == "v2" { // v2: huma
			pkg = ""
		}
		b.WriteString(first(pkg) + first(base))
	}
	return b.String()
}

func first(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
