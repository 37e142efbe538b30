package okta

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// Kinds of page. docs/sources/okta.md describes them.
const (
	kindOrganization = "okta.organization" // which engine the organization runs on
	kindUsers        = "okta.users"        // one page of users
	kindPeople       = "okta.people"       // some of these, with their factors and roles
	kindGroups       = "okta.groups"       // one page of groups
	kindMembers      = "okta.members"      // one page of one group's members
	kindPolicies     = "okta.policies"     // one page of policies of one type
	kindPolicy       = "okta.policy"       // one policy and its rules
	kindApps         = "okta.apps"         // one page of applications
	kindTokens       = "okta.tokens"       // API tokens
	kindSignIns      = "okta.signIns"      // one page of the log
)

// A run is one collection.
type run struct {
	*source.Run
	client func(scope string) *rest.Client
	rules  rules
	listed map[string]bool // ids of users on the list
	placed map[string]bool // ids of users, made before this collection, who are in a group
	sign   signOn
}

// Collect reads policies first, since accounts and applications are held to
// them. Without a secret every stream closes as incomplete.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	r := &run{Run: &source.Run{Source: c.System, Window: w, Sink: sink}, rules: c.rules, listed: map[string]bool{}, placed: map[string]bool{}}
	var locked error
	if r.client, locked = c.clients(ctx); locked != nil {
		nobody := c.client(rest.Without(locked), "")
		r.client = func(string) *rest.Client { return nobody }
	}
	for _, part := range []func(context.Context) error{r.policies, r.people, r.apps, r.tokens, r.signIns} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return locked
}

// list reads every page of path and calls each with its elements. An error of
// each is returned: it is the sink's or the context's.
func (r *run) list(ctx context.Context, client *rest.Client, l rest.List, path string, each func([]json.RawMessage) error, streams ...*source.Stream) (rest.Fault, error) {
	l.Ask, l.Next = rest.Ask{URI: client.At(path)}, client.NextLink
	return client.ReadEach(ctx, r.Run, l, "", each, streams...)
}

func (r *run) apps(ctx context.Context) error {
	s := r.Snapshot("application", "", cannotApps, kindApps)
	l := rest.List{Kind: kindApps, Facts: appFacts{SecondFactor: r.sign.apps}}
	if _, err := r.list(ctx, r.client(scopeApps), l, "/api/v1/apps?limit=200", nil, s); err != nil {
		return err
	}
	return r.Close(ctx, s)
}

func (r *run) tokens(ctx context.Context) error {
	s := r.Snapshot("key", "", cannotTokens, kindTokens)
	if _, err := r.list(ctx, r.client(scopeTokens), rest.List{Kind: kindTokens}, "/api/v1/api-tokens", nil, s); err != nil {
		return err
	}
	return r.Close(ctx, s)
}

// kept is how long Okta keeps its log.
const kept = 90 * 24 * time.Hour

// signIns reads the log as far as it is kept. The log's last page may name a
// next one that waits for what comes: an empty page is the end.
func (r *run) signIns(ctx context.Context) error {
	covers := r.Covers()
	if oldest := audit.Instant(r.Window.AsOf.Add(-kept)); covers.From.Before(oldest) {
		covers.From = oldest
	}
	if covers.Empty() {
		return nil
	}
	s := r.EventsIn(covers, "signIn", "", cannotSignIns, kindSignIns)
	q := url.Values{"since": {stamp(covers.From)}, "until": {stamp(covers.To)}, "sortOrder": {"ASCENDING"}, "limit": {"1000"},
		"filter": {`eventType eq "user.session.start"`}}
	client := r.client(scopeLogs)
	l := rest.List{Kind: kindSignIns, About: covers, Ask: rest.Ask{URI: client.At("/api/v1/logs?" + q.Encode())}}
	l.Next = func(a rest.Answer) (*rest.Ask, error) {
		if elements, err := source.Elements(a.Body); err != nil || len(elements) == 0 {
			return nil, err
		}
		return client.NextLink(a)
	}
	if _, err := client.Read(ctx, r.Run, l, s); err != nil {
		return err
	}
	return r.Close(ctx, s)
}

// stamp writes an instant as the log takes it: milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
