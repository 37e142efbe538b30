package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// A desk is one look at a firm's files by who has a token.
type desk struct {
	context.Context
	s     *Server
	Who   access.Subject
	Names map[string]access.Named // everybody, by account
	files *fieldwork.Book
	now   time.Time
}

func (d *desk) may(id access.PermissionID, engagement string) bool {
	ok, _ := access.Allowed(d.Who, id, access.Object{Engagements: []string{engagement}})
	return ok
}

// theirs are the engagements that who asks has a role on by name, for lists: to
// read, it is enough that a part is within reach.
func theirs(who access.Subject) (o access.Object) {
	for _, g := range who.Grants {
		if g.Scope == access.ScopeEngagement {
			o.Engagements = append(o.Engagements, g.Object)
		}
	}
	return o
}

// File names an engagement in the path.
type File struct {
	Engagement string `path:"engagement" maxLength:"100" doc:"Such as EN-1"`
}

func (f *File) engagement() string { return f.Engagement }

// Object names something in an engagement's file.
type Object struct {
	File
	ID string `path:"id" maxLength:"300" doc:"Its ID; a / in it is sent as %2F"`
}

// FilePage is a page of a list of an engagement's.
type FilePage struct {
	File
	Paging
}

type (
	fileIn   struct{ File }
	objectIn struct{ Object }
	// does is an act on an engagement, doesOn one on something of it, changes one
	// from a revision that was read.
	does[B any] struct {
		File
		Again
		Body B
	}
	doesOn[B any] struct {
		Object
		Again
		Body B
	}
	changes[B any] struct {
		Object
		Again
		Match
		Body B
	}
	changesFile[B any] struct {
		File
		Again
		Match
		Body B
	}
	acts struct { // without a body
		File
		Again
	}
	actsOn struct {
		Object
		Again
	}
	actsFrom struct {
		Object
		Again
		Match
	}
)

// Done is what an act did.
type Done struct {
	On       string `json:"on" doc:"What it was done to, such as request:EN-1/RQ-3"`
	ID       string `json:"id" doc:"Its ID, such as RQ-3"`
	Revision int64  `json:"revision" doc:"Of what it was done to: the next change is made from it"`
}

// addFile registers a call on a firm's files, as add does on a company's.
func addFile[I, O any](s *Server, op operation, do func(*desk, *I) (*O, error)) {
	s.calls = append(s.calls, op)
	_, tagged := any(new(I)).(interface{ revision() (int64, error) })
	huma.Register(s.api, op.huma(tagged), func(ctx context.Context, in *I) (*O, error) {
		out, err := onFile(s, ctx, op, in, do)
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		return out, nil
	})
}

func onFile[I, O any](s *Server, ctx context.Context, op operation, in *I, do func(*desk, *I) (*O, error)) (*O, error) {
	who, err := s.caller(ctx, &op, in)
	if err != nil {
		return nil, err
	}
	on := theirs(who)
	if e, ok := any(in).(interface{ engagement() string }); ok {
		on = access.Object{Engagements: []string{e.engagement()}}
	}
	if who.Eyes, err = s.o.Web.Eyes(ctx); err != nil {
		return nil, err
	}
	if p, _ := access.PermissionOf(op.needs); p.Has(access.FourEyes) {
		on.Prepared = []string{"-"} // who really did, the file knows and asks again
	}
	if err := access.Require(who, op.needs, on); err != nil {
		return nil, err
	}
	names, err := s.o.Web.Names(ctx)
	if err != nil {
		return nil, err
	}
	return do(&desk{Context: ctx, s: s, Who: who, Names: names, files: s.o.Web.Files(), now: audit.Instant(s.o.Now())}, in)
}

// file looks at an engagement's file.
func (d *desk) file(id string, f func(*fieldwork.State, *fieldwork.File) error) error {
	return d.files.ReadFile(d, id, f)
}

// name is a person's name, or what the client's packet says.
func (d *desk) name(account string) string {
	if n, ok := d.Names[account]; ok {
		return n.Name
	}
	return account
}

// done says what was done to something of an engagement: "request", "RQ-3".
func (d *desk) done(engagement, kind, id, words string) (*oneOut[Done], error) {
	on := kind + ":" + engagement
	if id != "" {
		on += "/" + id
	}
	out := Done{On: on, ID: id}
	err := d.file(engagement, func(s *fieldwork.State, _ *fieldwork.File) error { out.Revision = s.Revision(on); return nil })
	return tagged("tieout.done/1", words, out.Revision, out), err
}

// since turns a conflict into 412 where the object has another revision by now
// than the change was made from.
func (d *desk) since(err error, engagement, on string, have int64) error {
	if err == nil {
		return nil
	}
	return moved(err, have, func(read func(int64)) error {
		return d.file(engagement, func(s *fieldwork.State, _ *fieldwork.File) error { read(s.Revision(on)); return nil })
	})
}

// sent is done for what the client gets: what is due is sealed as packets at
// once. Where that fails the act stands, and the words say so.
func (d *desk) sent(engagement, kind, id, words string) (*oneOut[Done], error) {
	return d.done(engagement, kind, id, words+flushed(d, d.s, engagement))
}

func flushed(ctx context.Context, s *Server, engagement string) string {
	err := s.o.Web.Flush(ctx, engagement)
	if err == nil {
		return ""
	}
	s.o.Log.ErrorContext(ctx, "api", slog.String("packets of", engagement), slog.String("error", err.Error()))
	return " It is not sent yet, and goes out with the next packet."
}

// created is done at the address of what is new.
func created(out *oneOut[Done], err error) (*oneOut[Done], error) {
	if err != nil {
		return nil, err
	}
	out.Status = http.StatusCreated
	return out, nil
}

// Step is one turn of something.
type Step struct {
	At   time.Time `json:"at"`
	By   string    `json:"by" doc:"Account, or the client's name"`
	What string    `json:"what"`
}

func stepsOf(list []fieldwork.Step) []Step {
	out := []Step{}
	for _, x := range list {
		out = append(out, Step{x.At, x.By, x.What})
	}
	return out
}

// SignatureText is a person's signature as it is sent: made on the person's own
// machine, with a key whose passphrase stays there.
type SignatureText = engagement.Signature

// unknown is what is not in an engagement's file.
func unknown(kind, id, engagement string) error {
	return fmt.Errorf("%w: %s %.100s of %s", audit.ErrNotFound, kind, id, engagement)
}
