package github

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

type collector struct {
	source string
	rules  rules
	env    source.Env
	token  string // reference
	app    *App   // in place of a token
	base   *url.URL
	http   *http.Client
	wait   func(ctx context.Context, d time.Duration) error
}

// A run is one collection.
type run struct {
	*collector
	w      audit.Window
	sink   source.Sink
	client *client
	now    audit.Span // the instant of snapshots
	covers audit.Span // the stretch of events

	log      grants // what the audit log says of places
	partial  string // why repositories are missing, "" if none need be
	stranger string // why the token is not known to be a member's, "" if it is
}

// Collect reads people, then repositories, then each repository. What cannot
// be read closes its own streams as incomplete. At any time it holds one
// answer and a few bytes for each request and commit of one repository.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	r := &run{collector: c, w: w, sink: sink, now: audit.At(w.AsOf), covers: w.Span}
	if w.AsOf.Before(r.covers.To) {
		r.covers.To = audit.Instant(w.AsOf)
	}
	token, err := c.secret(ctx)
	if err != nil {
		return r.unasked(ctx, err)
	}
	r.client = &client{http: c.http, base: c.base, token: token, wait: c.wait}
	if c.app != nil {
		if err := r.install(ctx); err != nil {
			return r.unasked(ctx, err)
		}
	}
	if err := r.people(ctx); err != nil {
		return fmt.Errorf("source %s: %w", c.source, err)
	}
	repos, err := r.repositories(ctx)
	if err != nil {
		return fmt.Errorf("source %s: %w", c.source, err)
	}
	for i, repo := range repos {
		r.client.kept.clear()
		if err := r.repository(ctx, repo); err != nil {
			return fmt.Errorf("source %s: %s: %w", c.source, repo.FullName, err)
		}
		sink.Progress("repositories", i+1, len(repos))
	}
	return nil
}

// secret resolves the token. Its value is in no error.
func (c *collector) secret(ctx context.Context) (string, error) {
	if c.token == "" {
		return "", nil
	}
	if c.env.Secret == nil {
		return "", fmt.Errorf("%w: token: %s: this program resolves no secrets", audit.ErrInvalid, c.token)
	}
	s, err := c.env.Secret(ctx, c.token)
	if err != nil {
		return "", fmt.Errorf("token: %s: %w", c.token, err)
	}
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%w: token: what %s holds is not a token", audit.ErrInvalid, c.token)
	}
	return s, nil
}

// unasked closes the organization's streams: nothing could be asked.
func (r *run) unasked(ctx context.Context, cause error) error {
	for _, typ := range []string{"account", "membership", "repository", "authPolicy"} {
		s := r.snapshot(typ, "", nil)
		s.query("GET /orgs/" + r.rules.Organization)
		s.fail(cause.Error())
		if err := r.close(ctx, s); err != nil {
			return err
		}
	}
	return fmt.Errorf("source %s: %w", r.source, cause)
}

// A stream is one manifest under construction.
type stream struct {
	m    audit.Manifest
	why  []string
	more int // reasons beyond those in why
}

const maxWhy = 10

func (r *run) snapshot(typ, scope string, cannot []string, kinds ...string) *stream {
	return &stream{m: audit.Manifest{Type: typ, Scope: scope, Mode: audit.ModeSnapshot, Covers: r.now, Kinds: kinds, Cannot: slices.Clone(cannot)}}
}

func (r *run) events(typ, scope string, cannot []string, kinds ...string) *stream {
	return &stream{m: audit.Manifest{Type: typ, Scope: scope, Mode: audit.ModeEvents, Covers: r.covers, Kinds: kinds, Cannot: slices.Clone(cannot)}}
}

// fail makes the stream incomplete. "" says nothing.
func (s *stream) fail(why string) {
	switch {
	case why == "":
	case len(s.why) == maxWhy:
		s.more++
	default:
		s.why = append(s.why, why)
	}
}

// note adds a limit that does not make the stream incomplete, once.
func (s *stream) note(limit string) {
	if !slices.Contains(s.m.Cannot, limit) {
		s.m.Cannot = append(s.m.Cannot, limit)
	}
}

func (s *stream) query(q string) {
	if !slices.Contains(s.m.Queries, q) {
		s.m.Queries = append(s.m.Queries, q)
	}
}

// check reconciles two numbers; a difference makes the stream incomplete.
func (s *stream) check(name string, want, got int) {
	s.m.Checks = append(s.m.Checks, audit.Reconciling{Name: name, Want: strconv.Itoa(want), Got: strconv.Itoa(got), OK: want == got})
	if want != got {
		s.fail(fmt.Sprintf("%s: %d of %d", name, got, want))
	}
}

// close closes s. Only a stream without a reason against it is complete.
func (r *run) close(ctx context.Context, s *stream) error {
	if s.more > 0 {
		s.why = append(s.why, fmt.Sprintf("and %d more", s.more))
	}
	s.m.Complete, s.m.Reason = len(s.why) == 0, strings.Join(s.why, "; ")
	if s.m.Queries == nil {
		s.m.Queries = []string{}
	}
	return r.sink.Close(ctx, s.m)
}

// A sheet is what a page is made of, besides its answers.
type sheet struct {
	kind, scope string
	about       audit.Span
	query       string // what the page was asked with; "": its first answer's request
	asked       string // what the manifest says was asked; "": the first page's request
	facts       facts
}

// A fault says why a list is not whole; the zero fault says that it is.
type fault struct {
	why     string // "page 3 of 7: 502 Bad Gateway"
	refused bool   // the host says that it cannot be had
	status  int    // of the answer that failed, 0 where it is not that
}

// empty: the repository has no commit yet.
func (f fault) empty() bool { return f.status == http.StatusConflict }

// seal hands one page to the sink. When it returns nil the answers may be
// looked into.
func (r *run) seal(ctx context.Context, sh sheet, streams []*stream, answers ...answer) error {
	body, err := envelope{Facts: sh.facts, Answers: answers}.encode()
	if err != nil {
		return fmt.Errorf("page %s: %w", sh.kind, err)
	}
	p := audit.Page{Source: r.source, Kind: sh.kind, Scope: sh.scope, Query: sh.query, Media: "application/json", Body: body,
		About: sh.about, Collected: r.w.AsOf}
	if p.Query == "" && len(answers) > 0 {
		p.Query = answers[0].Request
	}
	if err := r.sink.Page(ctx, p); err != nil {
		return err
	}
	for _, s := range streams {
		s.m.Pages++
	}
	return nil
}

// list asks for every page of a list, seals each and then hands its elements
// to each, which says whether to go on.
func (r *run) list(ctx context.Context, sh sheet, path string, streams []*stream, each func(elements []json.RawMessage) (more bool, err error)) (fault, error) {
	uri, pages := r.client.at(path), 0
	for _, s := range streams {
		s.query("GET " + cmp.Or(sh.asked, path))
	}
	for n := 1; uri != ""; n++ {
		a, err := r.client.ask(ctx, "list", uri, sh.kind == kindPulls && n == 1)
		if err != nil {
			return fault{}, err
		}
		if sh.kind == kindSecretScanning {
			a.withhold()
		}
		if a.Again {
			return fault{}, nil // nothing has changed since it was sealed
		}
		if err := r.seal(ctx, sh, streams, a); err != nil {
			return fault{}, err
		}
		if !a.ok() {
			return fault{pageNumber(n, pages) + a.fault(), a.refused(), a.Status}, nil
		}
		elements, err := elementsOf(a)
		if err != nil {
			return fault{why: pageNumber(n, pages) + err.Error()}, nil
		}
		more, err := each(elements)
		if err != nil || !more {
			return fault{}, err
		}
		next, last, err := r.client.next(a)
		if err != nil {
			return fault{why: pageNumber(n+1, last) + err.Error()}, nil
		}
		if next == uri {
			return fault{why: pageNumber(n, last) + "it names itself as the next"}, nil
		}
		uri, pages = next, max(last, pages)
	}
	return fault{}, nil
}

func pageNumber(n, of int) string {
	if of < n {
		return fmt.Sprintf("page %d: ", n)
	}
	return fmt.Sprintf("page %d of %d: ", n, of)
}

// elementsOf splits a list's answer: a JSON array, or an object with one.
func elementsOf(a answer) ([]json.RawMessage, error) {
	b := a.bytes()
	var list []json.RawMessage
	if json.Unmarshal(b, &list) != nil {
		return nil, fmt.Errorf("the answer is not a list")
	}
	return list, nil
}

const maxParts = 100 // pages of one part of a composite page

// gather asks for all pages of one part of a composite page, without looking
// into them. The last answer is the one that failed, if one did.
func (r *run) gather(ctx context.Context, part, path string, keep bool) ([]answer, error) {
	var out []answer
	uri := r.client.at(path)
	for len(out) < maxParts {
		a, err := r.client.ask(ctx, part, uri, keep)
		if err != nil {
			return nil, err
		}
		next, _, err := r.client.next(a)
		if err != nil {
			a.Problem = "the next page: " + err.Error()
		}
		out = append(out, a)
		if !a.ok() || next == "" {
			return out, nil
		}
		uri = next
	}
	out[len(out)-1].Problem = fmt.Sprintf("more than %d pages", maxParts)
	return out, nil
}

// worst returns the answer that failed, or nil.
func worst(answers []answer) *answer {
	for i := range answers {
		if !answers[i].ok() {
			return &answers[i]
		}
	}
	return nil
}
