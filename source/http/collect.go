package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/mapping"
)

type collector struct {
	source  string
	base    *url.URL
	auth    *Auth
	headers map[string]string
	streams []stream
	client  *http.Client
	secret  func(context.Context, string) (string, error)
	cache   *cache
	pause   func(context.Context, time.Duration) error // nil: sleep
}

type stream struct {
	Stream
	config streamConfig
	first  func(audit.Span) (*url.URL, error)
}

// Collect reads every stream. A stream that cannot be read to its end closes
// as incomplete and the others are still read.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	zone, err := loadZone(w.Zone)
	if err != nil {
		return fmt.Errorf("source %s: %w", c.source, err)
	}
	f, err := c.fetcher(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("source %s: %w", c.source, ctx.Err())
	}
	for i := range c.streams {
		r := &reading{collector: c, stream: &c.streams[i], f: f, w: w, sink: sink, zone: zone, ids: map[string]struct{}{}}
		if err != nil {
			r.why = append(r.why, err.Error())
		} else if err := r.read(ctx); err != nil {
			return fmt.Errorf("source %s: %w", c.source, err)
		}
		if err := r.close(ctx); err != nil {
			return fmt.Errorf("source %s: %w", c.source, err)
		}
	}
	if err != nil {
		return fmt.Errorf("source %s: %w", c.source, err)
	}
	return nil
}

func (c *collector) fetcher(ctx context.Context) (*fetcher, error) {
	h := http.Header{"Accept": {"application/json"}, "User-Agent": {"tieout"}}
	for k, v := range c.headers {
		h.Set(k, v)
	}
	if c.auth != nil {
		name, value, err := c.auth.secretHeader(ctx, c.secret)
		if err != nil {
			return nil, err
		}
		h.Set(name, value)
	}
	pause := c.pause
	if pause == nil {
		pause = sleep
	}
	return &fetcher{client: c.client, header: h, cache: c.cache, pause: pause}, nil
}

// A reading is one stream being read.
type reading struct {
	*collector
	stream  *stream
	f       *fetcher
	w       audit.Window
	sink    source.Sink
	zone    *time.Location
	prog    *mapping.Program
	ids     map[string]struct{}
	pages   int
	rows    int // with those an interrupted collection had read
	started int // page that is read first, from 1
	stated  *int64
	query   []string
	why     []string
	checks  []audit.Reconciling
}

// read reads the stream page by page. Its error is the sink's or the context's.
func (r *reading) read(ctx context.Context) error {
	var err error
	if r.prog, err = mapping.Compile(r.stream.config.Rules, r.zone); err != nil {
		return err
	}
	first, err := r.stream.first(r.covers())
	if err != nil {
		return fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	p, err := parsePlace(r.since())
	if err != nil {
		r.why = append(r.why, err.Error())
		return nil
	}
	if list := listOf(first); p.First != list {
		p = place{Page: 1, First: list}
	}
	r.started, r.rows = p.Page, p.Rows
	r.query = []string{"GET " + redact(first)}
	for more := true; more; {
		if p.Page > maxPages {
			r.fail(p, fmt.Errorf("more than %d pages", maxPages))
			return nil
		}
		var sinkErr error
		if p, more, sinkErr, err = r.page(ctx, first, p); sinkErr != nil {
			return sinkErr
		}
		if err != nil {
			r.fail(p, err)
			return ctx.Err()
		}
		r.sink.Progress(r.stream.Name, r.pages, r.totalPages())
	}
	r.reconcile()
	return nil
}

// page asks for one page, seals it, and then looks for the next.
func (r *reading) page(ctx context.Context, first *url.URL, p place) (n place, more bool, sinkErr, err error) {
	u, err := r.stream.address(r.collector.base, first, p)
	if err != nil {
		return p, false, nil, err
	}
	a, err := r.f.get(ctx, u)
	if err != nil {
		return p, false, ctx.Err(), err
	}
	if sinkErr := r.seal(ctx, u, a, p); sinkErr != nil {
		return p, false, sinkErr, nil
	}
	rows, err := r.look(a, p.Page)
	if err != nil {
		return p, false, nil, err
	}
	n, more, err = r.stream.next(a, p, rows, r.collector.base, r.stated)
	if err != nil {
		return p, false, nil, err
	}
	return n, more, nil, nil
}

// seal hands the answer over as it came. The page's cursor is where it starts
// itself: where the next one starts is not known before it is read, and what a
// cursor skips must be known to be sound. A resumed collection reads this page
// once more.
func (r *reading) seal(ctx context.Context, u *url.URL, a *answer, p place) error {
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	if media == "" {
		media = "application/octet-stream"
	}
	err := r.sink.Page(ctx, audit.Page{Source: r.source, Kind: "http." + r.stream.Name, Scope: r.stream.Scope,
		Query: pageQuery(u, p.Page, r.w.Zone), Media: strings.TrimSpace(media), Body: a.body, About: r.covers(),
		Collected: r.w.AsOf, Cursor: r.cursor(p)})
	if err == nil {
		r.pages++
	}
	return err
}

func (r *reading) cursor(p place) string {
	if len(r.why) > 0 || r.stream.Mode == audit.ModeSnapshot {
		return ""
	}
	return p.String()
}

// look counts the rows of a sealed answer and reads the total it states.
func (r *reading) look(a *answer, number int) (int, error) {
	if !json.Valid(a.body) {
		return 0, errors.New("the answer is not JSON")
	}
	format := r.stream.config.format()
	rows := r.prog.Scan(format, nil, a.body, nil)
	items, err := r.prog.Read(format, fmt.Sprintf("page %d", number), audit.Span{}, 1, a.body)
	if err != nil {
		r.why = append(r.why, err.Error())
	}
	if rows > 0 && len(items) == 0 {
		return 0, errors.New("no row of the answer can be read")
	}
	r.rows += rows
	if twice := r.repeated(items); twice != "" {
		return 0, fmt.Errorf("the id %q appears a second time: the list changed while it was read", twice)
	}
	if r.stream.Total == nil {
		return rows, nil
	}
	stated, err := r.stream.Total.stated(a)
	if err != nil {
		return 0, err
	}
	if r.stated != nil && *r.stated != *stated {
		return 0, fmt.Errorf("the stated total went from %d to %d: the list changed while it was read", *r.stated, *stated)
	}
	r.stated = stated
	return rows, nil
}

// repeated returns an id that an earlier page had.
func (r *reading) repeated(items []audit.Item) string {
	for _, it := range items {
		if it.Type != r.stream.Type || r.stream.Mode == audit.ModeChanges {
			continue
		}
		n := len(r.ids)
		if r.ids[it.ID] = struct{}{}; len(r.ids) == n {
			return it.ID
		}
	}
	return ""
}

// fail notes that the page at p could not be read.
func (r *reading) fail(p place, err error) {
	of := ""
	if n := r.totalPages(); n > 0 {
		of = " of " + strconv.Itoa(n)
	}
	r.why = append(r.why, fmt.Sprintf("page %d%s: %v", p.Page, of, err))
}

// totalPages is how many pages there will be, 0 while that is not known.
func (r *reading) totalPages() int {
	switch {
	case r.stream.Pages == nil:
		return 1
	case r.stated == nil:
		return 0
	case r.stream.Total.Pages:
		return int(*r.stated)
	case r.stream.Pages.Size == nil:
		return 0
	}
	size := int64(r.stream.Pages.Size.Value)
	return int((*r.stated + size - 1) / size)
}

func (r *reading) reconcile() {
	if r.stream.Total == nil || r.stated == nil {
		return
	}
	got, name := r.rows, "count at source"
	if r.stream.Total.Pages {
		got, name = r.pages, "pages at source"
		got += r.started - 1
		// A list by number may end in an empty page that is not counted.
		if int64(got) == *r.stated+1 {
			got--
		}
	}
	c := audit.Reconciling{Name: name, Want: strconv.FormatInt(*r.stated, 10), Got: strconv.Itoa(got), OK: int64(got) == *r.stated}
	r.checks = append(r.checks, c)
	if !c.OK {
		r.why = append(r.why, fmt.Sprintf("%s: %s, not %s", name, c.Got, c.Want))
	}
}

// since is where an interrupted collection had come to. A snapshot starts
// anew: what was read then is of another instant.
func (r *reading) since() string {
	if r.stream.Mode == audit.ModeSnapshot {
		return ""
	}
	return r.w.Since["http."+r.stream.Name+"\x1f"+r.stream.Scope]
}

// covers is what the stream speaks about.
func (r *reading) covers() audit.Span {
	if r.stream.Mode == audit.ModeSnapshot {
		return audit.At(r.w.AsOf)
	}
	s := r.w.Span
	if r.w.AsOf.Before(s.To) {
		s.To = r.w.AsOf
	}
	return s
}

func (r *reading) close(ctx context.Context) error {
	types := []string{r.stream.Type}
	if r.stream.Links != nil && r.stream.Type != "link" {
		types = append(types, "link")
	}
	limits := slices.Clone(cannot)
	if r.stream.Total == nil {
		limits = append(limits, "the endpoint's own count: no total is configured")
	}
	if r.query == nil {
		r.query = []string{"GET " + r.collector.base.String()}
	}
	for _, typ := range types {
		m := audit.Manifest{Type: typ, Scope: r.stream.Scope, Mode: r.stream.Mode, Covers: r.covers(), Complete: len(r.why) == 0,
			Reason: strings.Join(r.why, "; "), Queries: r.query, Pages: r.pages, Items: r.rows, Checks: r.checks, Cannot: limits,
			Kinds: []string{"http." + r.stream.Name}}
		if err := r.sink.Close(ctx, m); err != nil {
			return err
		}
	}
	return nil
}
