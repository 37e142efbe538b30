package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// Kinds of page.
const (
	kindProjects = "jira.projects" // no items
	kindCount    = "jira.count"    // no items
	kindSearch   = "jira.search"   // tickets, with their history where all of it is there
	kindIssue    = "jira.issue"    // one ticket whose history takes further answers
)

const (
	pageSize  = 50
	partList  = "list"
	partIssue = "issue"
	partMore  = "history"
)

type collector struct {
	source string
	with   Settings
	base   *url.URL
	env    source.Env
	wait   func(ctx context.Context, d time.Duration) error // nil: for real
}

// facts are what reading a page takes besides its bytes.
type facts struct {
	Zone string `json:"zone"` // of the organization: days are in it
}

// A run is one collection.
type run struct {
	*collector
	*source.Run
	rest  *rest.Client
	facts facts
}

// Collect reads the tickets of every project.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	r := &run{collector: c, Run: &source.Run{Source: c.source, Window: w, Sink: sink}, facts: facts{w.Zone}}
	token, err := c.env.ResolveSecret(ctx, "token", c.with.Token)
	if err != nil {
		return errors.Join(r.Refuse(ctx, err.Error(), r.open("")...), fmt.Errorf("source %s: %w", c.source, err))
	}
	r.rest = c.client(token)
	keys, fault, err := r.projects(ctx)
	if err != nil {
		return err
	}
	chosen, missing := r.choose(keys)
	for i, key := range chosen {
		if err := r.project(ctx, key); err != nil {
			return err
		}
		r.Progress(kindSearch, i+1, len(chosen))
	}
	return r.missing(ctx, missing, len(chosen), fault)
}

// open opens the streams of a project.
func (r *run) open(key string) []*source.Stream {
	out := []*source.Stream{r.Snapshot("ticket", key, cannot, kindSearch, kindIssue)}
	if len(r.with.Incidents) > 0 {
		out = append(out, r.Snapshot("incident", key, cannot, kindSearch, kindIssue))
	}
	for _, s := range out {
		if r.with.Since != "" {
			s.Note("tickets made before " + r.with.Since + ": the settings leave them out")
		}
		if r.with.JQL != "" {
			s.Note("tickets that the settings leave out: only those with " + r.with.JQL)
		}
	}
	return out
}

// missing closes the streams of projects that are named and not listed, and,
// where the list of projects is not whole or gives none, one that says so.
func (r *run) missing(ctx context.Context, named []string, read int, fault rest.Fault) error {
	for _, key := range named {
		why := "it is not among the projects that the account may see"
		if fault.Why != "" {
			why = "projects: " + fault.Why
		}
		s := r.open(key)
		for _, s := range s {
			s.Asked("project " + key)
		}
		if err := r.Refuse(ctx, why, s...); err != nil {
			return err
		}
	}
	switch {
	case fault.Why != "" && len(named) == 0:
		return r.Refuse(ctx, "projects: "+fault.Why, r.open("")...)
	case read == 0 && len(named) == 0:
		return r.Refuse(ctx, "the account sees no project", r.open("")...)
	}
	return nil
}

// projects lists the keys of all projects that the account may see.
func (r *run) projects(ctx context.Context) (keys []string, f rest.Fault, err error) {
	l := rest.List{Kind: kindProjects, Ask: rest.Ask{URI: r.uri(r.rest, "/project", nil)}}
	listAt, nameless := "", 0
	if !r.with.server() {
		listAt = "values"
		l.Ask.URI = r.uri(r.rest, "/project/search", url.Values{"maxResults": {"50"}, "orderBy": {"key"}})
		l.Next = r.startAt(l.Ask.URI, "values")
	}
	f, err = r.rest.ReadEach(ctx, r.Run, l, listAt, func(list []json.RawMessage) error {
		for _, e := range list {
			var p struct {
				Key string `json:"key"`
			}
			if json.Unmarshal(e, &p) != nil || p.Key == "" {
				nameless++
				continue
			}
			keys = append(keys, p.Key)
		}
		return nil
	})
	if f.Whole() && nameless > 0 {
		f.Why = fmt.Sprintf("%d projects without a key are on the list", nameless)
	}
	return keys, f, err
}

// choose is which of the listed projects are read, and which named ones are not listed.
func (r *run) choose(listed []string) (chosen, missing []string) {
	if len(r.with.Projects) == 0 {
		return listed, nil
	}
	for _, key := range listed {
		if slices.ContainsFunc(r.with.Projects, func(p string) bool { return matches(p, key) }) {
			chosen = append(chosen, key)
		}
	}
	for _, p := range r.with.Projects {
		if !slices.ContainsFunc(listed, func(key string) bool { return matches(p, key) }) {
			missing = append(missing, p)
		}
	}
	return chosen, missing
}

// matches compares a name with a name or glob, in any case.
func matches(glob, name string) bool {
	if strings.EqualFold(glob, name) {
		return true
	}
	ok, err := path.Match(strings.ToLower(glob), strings.ToLower(name))
	return err == nil && ok
}

// startAt follows lists that count: startAt, total, and the elements at path.
func (r *run) startAt(uri, path string) func(rest.Answer) (*rest.Ask, error) {
	return func(a rest.Answer) (*rest.Ask, error) {
		var at struct {
			StartAt int   `json:"startAt"`
			Total   *int  `json:"total"`
			IsLast  *bool `json:"isLast"`
		}
		list, err := source.Elements(a.Body, path)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(a.Body, &at); err != nil {
			return nil, errors.New("the answer does not say where it stands in the list")
		}
		next := at.StartAt + len(list)
		switch {
		case at.IsLast == nil && at.Total == nil:
			return nil, errors.New("the answer does not say whether it is the last of the list")
		case at.IsLast != nil && *at.IsLast, at.IsLast == nil && next >= *at.Total:
			return nil, nil
		case len(list) == 0:
			return nil, fmt.Errorf("an empty page at %d%s, which is not the last", at.StartAt, ofTotal(at.Total))
		}
		u, err := url.ParseRequestURI(uri)
		if err != nil {
			return nil, errors.New("the address cannot be read")
		}
		q := u.Query()
		q.Set("startAt", strconv.Itoa(next))
		u.RawQuery = q.Encode()
		return &rest.Ask{URI: u.RequestURI()}, nil
	}
}

func ofTotal(total *int) string {
	if total == nil {
		return ""
	}
	return fmt.Sprintf(" of %d", *total)
}

// unlessLast holds an answer to its own word on whether it is the last: one
// that is not, and names no next, is not the end of the list.
func unlessLast(next func(rest.Answer) (*rest.Ask, error)) func(rest.Answer) (*rest.Ask, error) {
	return func(a rest.Answer) (*rest.Ask, error) {
		ask, err := next(a)
		var at struct {
			IsLast *bool `json:"isLast"`
		}
		if err == nil && ask == nil && json.Unmarshal(a.Body, &at) == nil && at.IsLast != nil && !*at.IsLast {
			return nil, errors.New("the answer is not the last of the list, and names no next")
		}
		return ask, err
	}
}

// jql is the condition on the tickets of a project.
func (r *run) jql(key string) string {
	q := `project = "` + key + `"`
	if r.with.Since != "" {
		q += ` AND created >= "` + r.with.Since + `"`
	}
	if r.with.JQL != "" {
		q += " AND (" + r.with.JQL + ")"
	}
	return q
}

// wanted are the fields that are asked for: what is not asked for is in no page.
func (r *run) wanted() string {
	out := []string{"summary", "issuetype", "status", "created", "resolution", "resolutiondate", "duedate", "reporter", "assignee", "priority", "labels"}
	for _, name := range slices.Sorted(maps.Keys(r.with.Fields)) {
		if from := r.with.Fields[name]; !strings.HasPrefix(from, "label:") && !slices.Contains(out, from) {
			out = append(out, from)
		}
	}
	return strings.Join(out, ",")
}

// A project is one project while it is read.
type project struct {
	*run
	key     string
	streams []*source.Stream
	seen    map[int]bool // numbers of its tickets
	rows    int
	total   int // as the last page told it; -1: it did not
}

func (r *run) project(ctx context.Context, key string) error {
	p := &project{run: r, key: key, streams: r.open(key), seen: map[int]bool{}, total: -1}
	q := url.Values{"jql": {r.jql(key) + " ORDER BY created ASC"}, "fields": {r.wanted()}, "expand": {"changelog"}, "maxResults": {strconv.Itoa(pageSize)}}
	l := rest.List{Kind: kindSearch, Scope: key, Facts: r.facts}
	if r.with.server() {
		l.Ask.URI = r.uri(r.rest, "/search", q)
		next := r.startAt(l.Ask.URI, "issues")
		l.Next = func(a rest.Answer) (*rest.Ask, error) { p.count(a); return next(a) }
	} else {
		l.Ask.URI = r.uri(r.rest, "/search/jql", q)
		l.Next = unlessLast(rest.NextToken(l.Ask, "nextPageToken", "nextPageToken"))
	}
	f, err := r.rest.ReadEach(ctx, r.Run, l, "issues", func(list []json.RawMessage) error { return p.issues(ctx, list) }, p.streams...)
	if err != nil {
		return err
	}
	if f.Whole() {
		if err := p.settle(ctx); err != nil {
			return err
		}
	}
	return r.Close(ctx, p.streams...)
}

func (p *project) count(a rest.Answer) {
	var at struct {
		Total *int `json:"total"`
	}
	if json.Unmarshal(a.Body, &at) == nil && at.Total != nil {
		p.total = *at.Total
	}
}

// issues looks into a sealed page: it counts, and asks for histories that did
// not fit.
func (p *project) issues(ctx context.Context, list []json.RawMessage) error {
	for _, e := range list {
		p.rows++
		var is issue
		if json.Unmarshal(e, &is) != nil { // normalizing names it
			continue
		}
		if n, err := strconv.Atoi(is.Key[strings.LastIndexByte(is.Key, '-')+1:]); err == nil {
			p.seen[n] = true
		}
		if !is.cut() {
			continue
		}
		if err := p.history(ctx, is.Key, e); err != nil {
			return err
		}
	}
	return nil
}

// history asks for all of a ticket's history and seals it with the ticket.
func (p *project) history(ctx context.Context, key string, element json.RawMessage) error {
	sheet := rest.NewSheet(p.facts)
	sheet.AddElement(partIssue, element)
	ask := rest.Ask{URI: p.uri(p.rest, "/issue/"+url.PathEscape(key)+"/changelog", url.Values{"maxResults": {"100"}})}
	next := p.startAt(ask.URI, "values")
	if p.with.server() {
		ask.URI, next = p.uri(p.rest, "/issue/"+url.PathEscape(key), url.Values{"expand": {"changelog"}, "fields": {"created"}}), nil
	}
	for at := &ask; at != nil; {
		a, err := p.rest.Do(ctx, *at)
		if err != nil {
			return err
		}
		sheet.Add(partMore, a)
		why := a.Fault()
		at = nil
		if why == "" && next != nil {
			if at, err = next(a); err != nil {
				why = err.Error()
			}
		}
		for _, s := range p.streams {
			if why != "" {
				s.Fail(fmt.Sprintf("history of %s: %s", key, why))
			}
		}
	}
	return p.Seal(ctx, audit.Page{Kind: kindIssue, Scope: p.key, Query: ask.Query(), Body: sheet.Encode()}, p.streams...)
}

// settle says what supports that the list is whole.
func (p *project) settle(ctx context.Context) error {
	for _, s := range p.streams {
		s.Reconcile("tickets listed once each", p.rows, len(p.seen))
		if p.total >= 0 {
			s.Reconcile("count at source", p.total, p.rows)
		}
	}
	p.gaps()
	if p.with.server() {
		return nil
	}
	return p.approximate(ctx)
}

// gaps notes numbers that no ticket has: Jira gives them in order.
func (p *project) gaps() {
	if p.with.Since != "" || p.with.JQL != "" || len(p.seen) == 0 {
		return
	}
	highest := slices.Max(slices.Collect(maps.Keys(p.seen)))
	if n := highest - len(p.seen); n > 0 {
		for _, s := range p.streams {
			s.Note(fmt.Sprintf("%d of the %d numbers given in the project: those tickets were deleted, moved to another project, or are hidden from the account", n, highest))
		}
	}
}

// approximate asks Cloud for its count, which is an estimate: it supports
// nothing by itself, and a difference is noted.
func (p *project) approximate(ctx context.Context) error {
	body, err := json.Marshal(map[string]string{"jql": p.jql(p.key)})
	if err != nil {
		return err
	}
	ask := rest.Ask{Method: http.MethodPost, URI: p.uri(p.rest, "/search/approximate-count", nil), Body: body, Header: map[string]string{"Content-Type": "application/json"},
		Name: "POST " + p.uri(p.rest, "/search/approximate-count", nil) + " " + string(body)}
	count := -1
	l := rest.List{Kind: kindCount, Scope: p.key, Ask: ask, Each: func(a rest.Answer) (bool, error) {
		var c struct {
			Count *int `json:"count"`
		}
		if json.Unmarshal(a.Body, &c) == nil && c.Count != nil {
			count = *c.Count
		}
		return false, nil
	}}
	f, err := p.rest.Read(ctx, p.Run, l)
	if err != nil {
		return err
	}
	note := fmt.Sprintf("whether Jira's own count is %d: it tells an approximate one only, %d", p.rows, count)
	if f.Why != "" || count < 0 {
		note = "Jira's own count, which it does not tell: " + f.Why
	}
	for _, s := range p.streams {
		s.Note(note)
	}
	return nil
}
