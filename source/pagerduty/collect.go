package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// Kinds of page. docs/sources/pagerduty.md describes them.
const (
	kindUsers     = "pagerduty.users"     // one page of users
	kindPolicies  = "pagerduty.policies"  // one page of escalation policies; no items
	kindRota      = "pagerduty.rota"      // one policy with who is on call through it
	kindIncidents = "pagerduty.incidents" // one page of incidents; no items
	kindHandling  = "pagerduty.handling"  // some of these, each with its log
)

const (
	pageSize  = 100
	maxListed = 10_000 // PagerDuty lists nothing beyond this place
	week      = 7 * 24 * time.Hour
)

// A run is one collection.
type run struct {
	*source.Run
	*collector
	rest *rest.Client

	people   []*source.Stream // account, and link where it was asked for
	rotas    *source.Stream
	handling []*source.Stream // alert, and incident where it was asked for

	users  map[string]bool // ids of users on the list
	onCall map[string]bool // ids of people who are on call
	whole  bool            // the list of users was read to its end
}

// Collect reads users, then rotas, which they are held to, then incidents.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	r := &run{Run: &source.Run{Source: c.name, Window: w, Sink: sink}, collector: c, users: map[string]bool{}, onCall: map[string]bool{}}
	r.open()
	token, err := c.env.ResolveSecret(ctx, "token", c.with.Token)
	if err != nil {
		all := append(append(r.people, r.rotas), r.handling...)
		return errors.Join(r.Refuse(ctx, err.Error(), all...), fmt.Errorf("source %s: %w", c.name, err))
	}
	r.rest = c.client(token)
	for _, part := range []func(context.Context) error{r.readUsers, r.readRotas, r.holdUsers, r.readIncidents} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) open() {
	r.people = []*source.Stream{r.Snapshot("account", "", cannotUsers, kindUsers)}
	if r.with.Person != "" {
		r.people = append(r.people, r.Snapshot("link", "", cannotUsers, kindUsers))
	}
	r.rotas = r.Snapshot("rota", "", cannotRotas, kindRota)
	r.handling = []*source.Stream{r.Snapshot("alert", "", cannotIncidents, kindHandling)}
	if r.with.Incidents != nil {
		r.handling = append(r.handling, r.Snapshot("incident", "", cannotIncidents, kindHandling))
	}
}

// A place is where an answer says that it stands in its list.
type place struct {
	Offset *int  `json:"offset"`
	Limit  *int  `json:"limit"`
	More   *bool `json:"more"`
	Total  *int  `json:"total"`
}

// after is the place of the next page, -1 where there is none.
func (p place) after(elements int) (int, error) {
	switch {
	case p.More == nil:
		return 0, errors.New("the answer does not say whether more follows")
	case !*p.More:
		return -1, nil
	case elements == 0 || p.Offset == nil || p.Limit == nil || *p.Limit < 1:
		return 0, errors.New("the answer does not say where the next page begins")
	}
	next := *p.Offset + *p.Limit
	if next+pageSize > maxListed {
		return 0, fmt.Errorf("PagerDuty lists no more than %d, and there are more", maxListed)
	}
	return next, nil
}

// next follows offset, limit and more. heard, where it is not nil, is told
// where each answer says that it stands.
func next(uri, path string, heard func(place)) func(rest.Answer) (*rest.Ask, error) {
	return func(a rest.Answer) (*rest.Ask, error) {
		list, err := source.Elements(a.Body, path)
		if err != nil {
			return nil, err
		}
		var p place
		if err := json.Unmarshal(a.Body, &p); err != nil {
			return nil, errors.New("the answer does not say where it stands in the list")
		}
		if heard != nil {
			heard(p)
		}
		at, err := p.after(len(list))
		if at < 0 || err != nil {
			return nil, err
		}
		return &rest.Ask{URI: uri + "&offset=" + strconv.Itoa(at)}, nil
	}
}

// uri is a request URI for pages of a list. Every instant of an answer is
// asked for in UTC.
func (r *run) uri(path string, q url.Values) string {
	if q == nil {
		q = url.Values{}
	}
	q.Set("limit", strconv.Itoa(pageSize))
	return r.rest.At(path + "?" + q.Encode())
}

// stamp writes an instant as the interface takes it: seconds.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// list reads a whole list by its name and holds the number of its elements to
// the count that PagerDuty tells.
func (r *run) list(ctx context.Context, kind, name string, each func([]json.RawMessage) error, streams ...*source.Stream) (rest.Fault, error) {
	uri := r.uri("/"+name, url.Values{"total": {"true"}})
	rows, total := 0, -1
	l := rest.List{Kind: kind, Ask: rest.Ask{URI: uri}, Next: next(uri, name, func(p place) {
		if p.Total != nil {
			total = *p.Total
		}
	})}
	f, err := r.rest.ReadEach(ctx, r.Run, l, name, func(list []json.RawMessage) error { rows += len(list); return each(list) }, streams...)
	if err == nil && f.Whole() {
		hold(total, rows, streams)
	}
	return f, err
}

// hold compares what was read with what the source counts, -1 where it does
// not say.
func hold(total, rows int, streams []*source.Stream) {
	for _, s := range streams {
		if total < 0 {
			s.Note("PagerDuty told no count to hold the list to")
			continue
		}
		s.Reconcile("count at source", total, rows)
	}
}

// A reference is how PagerDuty names one thing in another.
type reference struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Summary string `json:"summary"`
	Name    string `json:"name"` // where the thing itself stands in place of its reference
}

func (r *run) readUsers(ctx context.Context) error {
	rows := 0
	f, err := r.list(ctx, kindUsers, "users", func(list []json.RawMessage) error {
		for _, e := range list {
			var u reference
			if json.Unmarshal(e, &u) == nil && u.ID != "" { // normalizing names those that cannot be read
				r.users[u.ID] = true
			}
		}
		rows += len(list)
		r.Progress("account", rows, 0)
		return nil
	}, r.people...)
	r.whole = f.Whole()
	if r.whole && err == nil {
		for _, s := range r.people {
			s.Reconcile("users listed once each", rows, len(r.users))
		}
	}
	return err
}

// holdUsers holds the list of users to the people who are on call.
func (r *run) holdUsers(ctx context.Context) error {
	known := 0
	for id := range r.onCall {
		if r.users[id] {
			known++
		}
	}
	if r.whole && len(r.onCall) > 0 {
		r.people[0].Reconcile("people on call who are on the list of users", len(r.onCall), known)
	}
	return r.Close(ctx, r.people...)
}

func (r *run) readRotas(ctx context.Context) error {
	done := 0
	_, err := r.list(ctx, kindPolicies, "escalation_policies", func(list []json.RawMessage) error {
		for _, e := range list {
			if err := r.rota(ctx, e); err != nil {
				return err
			}
			done++
			r.Progress("rota", done, 0)
		}
		return nil
	}, r.rotas)
	if err != nil {
		return err
	}
	return r.Close(ctx, r.rotas)
}

// The parts of a page of kind pagerduty.rota.
const (
	partPolicy  = "policy"
	partOnCalls = "oncalls"
)

// rotaFacts are the instant and the stretch that a rota is read for.
type rotaFacts struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// rota seals one policy with who is on call through it in the coming week.
func (r *run) rota(ctx context.Context, element json.RawMessage) error {
	var p reference
	if json.Unmarshal(element, &p) != nil || p.ID == "" {
		r.rotas.Fail("an escalation policy without an id is on the list")
		return nil
	}
	from := r.Window.AsOf.UTC().Truncate(time.Second)
	facts := rotaFacts{From: from, To: from.Add(week)}
	sheet := rest.NewSheet(facts)
	sheet.AddElement(partPolicy, element)
	uri := r.uri("/oncalls", url.Values{"escalation_policy_ids[]": {p.ID}, "since": {stamp(facts.From)}, "until": {stamp(facts.To)}, "time_zone": {"UTC"}})
	r.rotas.Asked("GET /oncalls of each policy, for the seven days from " + stamp(from))
	why, err := r.all(ctx, sheet, partOnCalls, uri, "oncalls", r.note)
	if err != nil {
		return err
	}
	if why != "" {
		r.rotas.Fail(fmt.Sprintf("who is on call in %s: %s", p.called(), why))
	}
	return r.Seal(ctx, audit.Page{Kind: kindRota, Query: "GET " + uri, Body: sheet.Encode()}, r.rotas)
}

// note keeps who is on call.
func (r *run) note(list []json.RawMessage) {
	for _, e := range list {
		var o onCall
		if json.Unmarshal(e, &o) == nil && o.User.ID != "" {
			r.onCall[o.User.ID] = true
		}
	}
}

// all puts every page of a list into a sheet, before the sheet is sealed and
// looked into. why is what is wrong with the first answer that is not one, ""
// where the list is whole; the error is the context's.
func (r *run) all(ctx context.Context, sheet *rest.Sheet, part, uri, name string, each func([]json.RawMessage)) (why string, err error) {
	follow := next(uri, name, nil)
	for ask := (&rest.Ask{URI: uri}); ask != nil; {
		a, err := r.rest.Do(ctx, *ask)
		if err != nil {
			return "", err
		}
		sheet.Add(part, a)
		if why := a.Fault(); why != "" {
			return why, nil
		}
		if ask, err = follow(a); err != nil {
			return err.Error(), nil
		}
		if list, err := source.Elements(a.Body, name); err == nil && each != nil {
			each(list)
		}
	}
	return "", nil
}
