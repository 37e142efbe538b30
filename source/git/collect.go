package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// Sizes. A page holds about pageSize bytes of commits and at least one change.
const (
	pageSize      = 1 << 20
	listSize      = 4 << 20
	maxChanges    = 1000     // changes a page
	maxMerged     = 1000     // merged commits kept with their merge
	maxGroup      = 8 << 20  // bytes of merged commits kept with their merge
	maxCommit     = 16 << 20 // bytes of one commit object
	maxMailmap    = 4 << 20
	progressEvery = 256
)

// cursorKey is where an interrupted collection's cursor is found.
const cursorKey = kindCommits + "\x1f"

var repositoryKinds, changeKinds = []string{kindRepository}, []string{kindList, kindCommits}

type collector struct {
	source string
	branch string
	rules  rules
	repo   repo
}

// A run is one collection of one repository.
type run struct {
	*collector
	w       audit.Window
	sink    source.Sink
	facts   *repositoryPage
	covers  audit.Span
	seen    survey
	pages   int
	items   int
	earlier int    // changes in the window that an interrupted collection had read
	read    string // cursor: the last change of the last page that was sealed and could be read
	checks  []audit.Reconciling
	query   []string
	why     []string // reasons for which the change stream is not complete
}

// A sinkError is an error of the sink, which ends the collection.
type sinkError struct{ error }

func (e sinkError) Unwrap() error { return e.error }

// Collect reads the branch. What the repository cannot give closes the
// streams as incomplete; a wrong configuration is an error as well.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	r := &run{collector: c, w: w, sink: sink}
	r.covers = audit.Span{From: w.From, To: w.To}
	if w.AsOf.Before(r.covers.To) {
		r.covers.To = w.AsOf
	}
	facts, err := c.describe(ctx)
	if err != nil {
		return r.fail(ctx, err, true)
	}
	r.facts = facts
	repositoryClosed, err := r.collect(ctx)
	if err != nil {
		return r.fail(ctx, err, !repositoryClosed)
	}
	return nil
}

// fail closes what is open as incomplete, and returns the errors that end a
// collection.
func (r *run) fail(ctx context.Context, err error, both bool) error {
	var sinkErr sinkError
	if ctx.Err() != nil {
		return fmt.Errorf("source %s: %w", r.source, ctx.Err())
	}
	if errors.As(err, &sinkErr) {
		return fmt.Errorf("source %s: %w", r.source, sinkErr.error)
	}
	r.why = append(r.why, err.Error())
	if both {
		m := audit.Manifest{Type: "repository", Mode: audit.ModeSnapshot, Covers: audit.At(r.w.AsOf), Reason: err.Error(), Kinds: repositoryKinds,
			Queries: []string{"git rev-parse, show-ref, rev-list"}, Cannot: cannot[:1]}
		if err := r.sink.Close(ctx, m); err != nil {
			return err
		}
	}
	if err := r.close(ctx); err != nil {
		return err
	}
	if errors.Is(err, audit.ErrInvalid) || r.facts == nil && !errors.Is(err, errPartial) {
		return err
	}
	return nil
}

// collect reports whether the repository's stream is closed when it returns.
func (r *run) collect(ctx context.Context) (bool, error) {
	f := r.facts
	r.limitToFetch()
	var err error
	if r.seen, err = r.survey(ctx, f.Tip, r.covers, r.w.AsOf); err != nil {
		return false, err
	}
	f.Total, f.Listed = r.seen.total, r.seen.listed
	base, err := r.base(ctx)
	if err != nil {
		return false, err
	}
	if f.Listed > 0 {
		if f.Convention, err = r.conventionOf(ctx, f.Tip, base); err != nil {
			return false, err
		}
	}
	if err := r.sealRepository(ctx); err != nil {
		return false, err
	}
	chain, err := r.list(ctx)
	if err != nil {
		return true, err
	}
	r.reconcile(int64(len(chain)))
	if err := r.changes(ctx, chain, base); err != nil {
		return true, err
	}
	r.check("changes read of those in the window", r.seen.inWindow, int64(r.items+r.earlier))
	return true, r.close(ctx)
}

// limitToFetch: a clone knows nothing after it was last fetched.
func (r *run) limitToFetch() {
	if r.facts.origin && !r.facts.fetched.IsZero() && r.facts.fetched.Before(r.covers.To) {
		r.covers.To = r.facts.fetched
	}
	if r.covers.Empty() {
		r.covers = audit.Span{From: r.w.From, To: r.w.From}
		r.why = append(r.why, "the clone was last fetched before the window starts; fetch it")
	}
	if r.facts.Shallow {
		r.why = append(r.why, "shallow clone: fetch with --unshallow")
	}
}

// base is the commit below the oldest one in the window, "" where there is none.
func (r *run) base(ctx context.Context) (string, error) {
	if r.seen.listed == r.seen.total || r.seen.listed == 0 {
		return "", nil
	}
	s, err := r.repo.out(ctx, "rev-list", "--first-parent", "--skip="+strconv.FormatInt(r.seen.listed, 10), "--max-count=1", r.facts.Tip)
	if err == nil && !isHash(s) {
		return "", fmt.Errorf("%w: git rev-list answered %q", audit.ErrUnavailable, firstLine(s))
	}
	return s, err
}

func (r *run) page(ctx context.Context, kind, query, media, cursor string, body []byte) error {
	p := audit.Page{Source: r.source, Kind: kind, Query: query, Media: media, Body: body, About: r.covers,
		Collected: r.w.AsOf, Cursor: cursor}
	if kind == kindRepository || r.covers.Empty() {
		p.About = audit.At(r.w.AsOf)
	}
	if err := r.sink.Page(ctx, p); err != nil {
		return sinkError{err}
	}
	return nil
}

func (r *run) sealRepository(ctx context.Context) error {
	body, err := canonical.Marshal(r.facts)
	if err != nil {
		return err
	}
	query := "git show-ref --verify " + r.facts.Ref + "; git rev-list --count"
	if err := r.page(ctx, kindRepository, query, "application/json", "", body); err != nil {
		return err
	}
	m := audit.Manifest{Type: "repository", Mode: audit.ModeSnapshot, Covers: audit.At(r.w.AsOf), Complete: true, Kinds: repositoryKinds,
		Queries: []string{query}, Pages: 1, Items: 1, Cannot: []string{"only the repository this connection names; others of the same host are not listed"}}
	if err := r.sink.Close(ctx, m); err != nil {
		return sinkError{err}
	}
	return nil
}

// list seals the first-parent history of the window and then reads it, newest
// commit first.
func (r *run) list(ctx context.Context) ([]listed, error) {
	var chain []listed
	var buf strings.Builder
	query := fmt.Sprintf("git rev-list --first-parent --parents --timestamp --max-count=%d %s", r.seen.listed, r.facts.Tip)
	r.query = append(r.query, query)
	flush := func() error {
		if err := r.page(ctx, kindList, query, "text/plain; charset=us-ascii", "", []byte(buf.String())); err != nil {
			return err
		}
		r.pages++
		for line := range strings.Lines(buf.String()) {
			e, err := parseListed(strings.TrimSuffix(line, "\n"))
			if err != nil {
				return err
			}
			chain = append(chain, e)
		}
		buf.Reset()
		return nil
	}
	err := r.repo.stream(ctx, func(out io.Reader) error {
		return eachLine(out, func(line string) error {
			buf.WriteString(line + "\n")
			if buf.Len() >= listSize {
				return flush()
			}
			return nil
		})
	}, "rev-list", "--first-parent", "--parents", "--timestamp", "--max-count="+strconv.FormatInt(r.seen.listed, 10), r.facts.Tip)
	if err != nil {
		return nil, err
	}
	return chain, flush()
}

func (r *run) reconcile(listed int64) {
	r.check("commits listed against git's own count", r.facts.Convention.Changes, listed)
	if r.seen.strange > 0 {
		r.checks = append(r.checks, audit.Reconciling{Name: "committer times in order", Want: "0 out of order",
			Got: fmt.Sprintf("%d out of order, the newest %s", r.seen.strange, r.seen.strangeFirst)})
		r.why = append(r.why, fmt.Sprintf("%d commits lie among those of the window and carry a time outside it (first %s); their committers' clocks hide them",
			r.seen.strange, r.seen.strangeFirst))
	}
}

// check reconciles two numbers.
func (r *run) check(name string, want, got int64) {
	c := audit.Reconciling{Name: name, Want: strconv.FormatInt(want, 10), Got: strconv.FormatInt(got, 10), OK: want == got}
	r.checks = append(r.checks, c)
	if !c.OK {
		r.why = append(r.why, fmt.Sprintf("%s: %s of %s", name, c.Got, c.Want))
	}
}

func (r *run) close(ctx context.Context) error {
	m := audit.Manifest{Type: "change", Mode: audit.ModeEvents, Covers: r.covers, Complete: len(r.why) == 0, Kinds: changeKinds,
		Reason: strings.Join(r.why, "; "), Queries: r.query, Pages: r.pages, Items: r.items, Checks: r.checks, Cannot: cannot}
	if m.Queries == nil {
		m.Queries = []string{"git rev-list --first-parent"}
	}
	if err := r.sink.Close(ctx, m); err != nil {
		return sinkError{err}
	}
	return nil
}
