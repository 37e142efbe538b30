package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// Kinds of page. Lists of subscriptions give no items.
const (
	kindSubscriptions = "azure.subscriptions"
	kindContainers    = "azure.containers"
	kindStores        = "azure.stores"
	kindResources     = "azure.resources"
	kindNetworks      = "azure.networks"
	kindAssessments   = "azure.assessments"
	kindAlerts        = "azure.alerts"
	kindPlans         = "azure.plans"
	kindRoles         = "azure.roles"
	kindJobs          = "azure.jobs"
	kindDiagnostics   = "azure.diagnostics"
	kindKeys          = "azure.keys"
	kindSecrets       = "azure.secrets"
)

// A collector reads one tenant.
type collector struct {
	name        string
	settings    settings
	base, login *url.URL
	env         source.Env
	wait        func(ctx context.Context, d time.Duration) error // tests count instead of sleeping
}

// A collection is one collection under way.
type collection struct {
	*rest.Client
	run *source.Run
}

// Collect reads the tenant's subscriptions, one after another.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	p := &collection{run: &source.Run{Source: c.name, Window: w, Sink: sink}}
	authorize, secret, err := c.authorizer(ctx)
	if err != nil {
		err = fmt.Errorf("source %s: %w", c.name, err)
		return errors.Join(p.refuse(ctx, "", err.Error()), err)
	}
	p.Client = &rest.Client{HTTP: source.Guard(c.env.HTTP, c.settings.Allow, c.base), Base: c.base, Authorize: authorize, Secrets: []string{secret}, Wait: c.wait}
	list, why, err := p.subscriptions(ctx, c.settings.Subscriptions)
	switch {
	case err != nil:
		return err
	case why != "":
		return p.refuse(ctx, "", why)
	}
	if err := p.roles(ctx); err != nil {
		return err
	}
	for i, s := range list {
		if err := p.subscription(ctx, s); err != nil {
			return err
		}
		p.run.Progress("subscriptions", i+1, len(list))
	}
	return nil
}

func (c *collector) authorizer(ctx context.Context) (rest.Authorizer, string, error) {
	if c.settings.Token != "" {
		token, err := c.env.ResolveSecret(ctx, "token", c.settings.Token)
		return rest.Header("Authorization", "Bearer "+token), token, err
	}
	secret, err := c.env.ResolveSecret(ctx, "clientSecret", c.settings.ClientSecret)
	client := source.Guard(c.env.HTTP, c.settings.Allow, c.login)
	tokenURL := c.login.String() + "/" + url.PathEscape(c.settings.Tenant) + "/oauth2/v2.0/token"
	return rest.ClientCredentials(client, tokenURL, c.settings.ClientID, secret, audience(c.base)), secret, err
}

// streams are those of one subscription.
type streams struct {
	datastore, resource, network, key, finding, alert, backup, restore *source.Stream
}

func (s streams) all() []*source.Stream {
	return []*source.Stream{s.datastore, s.resource, s.network, s.key, s.finding, s.alert, s.backup, s.restore}
}

// kept is how long Resource Graph surely keeps backup jobs.
const kept = 7 * 24 * time.Hour

func (p *collection) open(scope string) streams {
	snapshot := func(typ string, limit int, kinds ...string) *source.Stream {
		return p.run.Snapshot(typ, scope, []string{Driver.Cannot[limit], "changes of the last minutes: Resource Graph learns of them with a delay"}, kinds...)
	}
	s := streams{
		datastore: snapshot("datastore", 2, kindStores), resource: snapshot("resource", 2, kindResources, kindPlans, kindDiagnostics),
		network: snapshot("network", 2, kindNetworks), key: snapshot("key", 3, kindKeys, kindSecrets),
		finding: snapshot("finding", 5, kindAssessments), alert: snapshot("alert", 5, kindAlerts),
	}
	covers := p.run.Covers()
	if oldest := audit.Instant(covers.To.Add(-kept)); covers.From.Before(oldest) {
		covers.From = oldest
	}
	s.backup = p.run.EventsIn(covers, "backup", scope, Driver.Cannot[4:5], kindJobs)
	s.restore = p.run.EventsIn(covers, "restore", scope, append([]string{"whether a restore was a test, and whether the data were checked"}, Driver.Cannot[4]), kindJobs)
	return s
}

func (p *collection) openRoles() *source.Stream {
	return p.run.Snapshot("membership", "", []string{Driver.Cannot[0], Driver.Cannot[1]}, kindRoles)
}

// refuse closes every stream of a scope: it could not be read. Those of the
// whole tenant include the roles.
func (p *collection) refuse(ctx context.Context, scope, why string) error {
	all := p.open(scope).all()
	if scope == "" {
		all = append(all, p.openRoles())
	}
	for _, s := range all {
		s.Asked("GET /subscriptions")
	}
	return p.run.Refuse(ctx, why, all...)
}

// A request is the body of a query (Resource Graph 2022-10-01, schema QueryRequest).
type request struct {
	Subscriptions []string `json:"subscriptions,omitempty"`
	Query         string   `json:"query"`
	Options       options  `json:"options"`
}

type options struct {
	Top       int    `json:"$top"`
	SkipToken string `json:"$skipToken,omitempty"`
	Format    string `json:"resultFormat"`
	Scopes    string `json:"authorizationScopeFilter,omitempty"`
}

// An answer to a query (schema QueryResponse).
type response struct {
	Total     *int              `json:"totalRecords"`
	Truncated string            `json:"resultTruncated"`
	SkipToken string            `json:"$skipToken"`
	Data      []json.RawMessage `json:"data"`
}

func decode(body []byte) (response, error) {
	var r response
	if err := json.Unmarshal(body, &r); err != nil || r.Data == nil || r.Total == nil {
		return r, errors.New("the answer is not what Resource Graph gives: data and totalRecords")
	}
	return r, nil
}

// query asks Resource Graph for all that q matches, and holds what came to the
// number that it says there is. subscription "" is the whole tenant.
func (p *collection) query(ctx context.Context, kind, subscription, q string, about audit.Span, each func(json.RawMessage) error, to ...*source.Stream) (rest.Fault, error) {
	body := request{Query: q, Options: options{Top: 1000, Format: "objectArray"}}
	if subscription != "" {
		body.Subscriptions = []string{subscription}
	}
	total, got := -1, 0
	l := rest.List{Kind: kind, Scope: subscription, About: about, Ask: p.ask(body), Asked: "POST /providers/Microsoft.ResourceGraph/resources: " + q}
	l.Next = func(a rest.Answer) (*rest.Ask, error) {
		r, err := decode(a.Body)
		if err != nil || r.SkipToken == "" {
			return nil, err
		}
		next := body
		next.Options.SkipToken = r.SkipToken
		ask := p.ask(next)
		return &ask, nil
	}
	l.Each = func(a rest.Answer) (bool, error) {
		r, err := decode(a.Body)
		if err != nil {
			return false, err
		}
		if total < 0 {
			total = *r.Total
		}
		got += len(r.Data)
		if r.Truncated == "true" && r.SkipToken == "" {
			return false, errors.New("the answer is cut, and names no next page")
		}
		for _, row := range r.Data {
			if each == nil {
				break
			}
			if err := each(row); err != nil {
				return false, err
			}
		}
		return true, nil
	}
	f, err := p.Read(ctx, p.run, l, to...)
	if f.Whole() && err == nil {
		for _, s := range to {
			s.Reconcile("records the query matches", total, got)
		}
		if total != got {
			f.Why = fmt.Sprintf("records the query matches: %d of %d", got, total)
		}
	}
	return f, err
}

func (p *collection) ask(body request) rest.Ask {
	b, err := json.Marshal(body)
	if err != nil { // texts and numbers always encode
		panic(err)
	}
	return rest.Ask{Method: http.MethodPost, URI: p.At("/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"), Body: b,
		Header: map[string]string{"Content-Type": "application/json"}, Name: "POST /providers/Microsoft.ResourceGraph/resources " + string(b)}
}

// A subscription as Resource Manager lists it, and where it was found.
type subscription struct {
	ID    string `json:"subscriptionId"`
	State string `json:"state"`
	why   string // why it cannot be read as a whole
}

// subscriptions lists the subscriptions by Resource Manager, and holds that list
// to Resource Graph's own and to those there must be.
func (p *collection) subscriptions(ctx context.Context, must []string) (list []subscription, why string, err error) {
	ask := rest.Ask{URI: p.At("/subscriptions?api-version=2022-12-01")}
	f, err := p.Read(ctx, p.run, rest.List{Kind: kindSubscriptions, Ask: ask, Next: p.NextURL("nextLink"), Each: func(a rest.Answer) (bool, error) {
		rows, err := source.Elements(a.Body, "value")
		for _, row := range rows {
			var s subscription
			if err := json.Unmarshal(row, &s); err != nil || s.ID == "" {
				return false, errors.New("a subscription without an id")
			}
			if s.State != "Deleted" {
				list = append(list, s)
			}
		}
		return err == nil, err
	}})
	if err != nil || !f.Whole() {
		return nil, prefixed("the subscriptions could not be listed: ", f.Why), err
	}
	var graph []string
	f, err = p.query(ctx, kindContainers, "", containersQuery, audit.Span{}, func(row json.RawMessage) error {
		var s subscription
		if err := json.Unmarshal(row, &s); err != nil {
			return err
		}
		graph = append(graph, s.ID)
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	list = compare(list, graph, f.Why, must)
	if len(list) == 0 {
		why = "no subscription is shown to this identity"
	}
	return list, why, nil
}

func prefixed(prefix, why string) string {
	if why == "" {
		return ""
	}
	return prefix + why
}

// compare gives every subscription of the three lists, with what speaks against it.
func compare(list []subscription, graph []string, graphWhy string, must []string) []subscription {
	has := func(in []string, id string) bool {
		return slices.ContainsFunc(in, func(e string) bool { return strings.EqualFold(e, id) })
	}
	var listed []string
	for i, s := range list {
		listed = append(listed, s.ID)
		switch {
		case graphWhy != "":
			list[i].why = "the subscriptions could not be compared with those of Resource Graph: " + graphWhy
		case !has(graph, s.ID):
			list[i].why = "Resource Graph does not show this subscription"
		}
	}
	for _, id := range graph {
		if !has(listed, id) {
			list, listed = append(list, subscription{ID: id, why: "Resource Manager does not list this subscription"}), append(listed, id)
		}
	}
	for _, id := range must {
		if !has(listed, id) {
			list, listed = append(list, subscription{ID: id, why: "this subscription must be there, and is not shown"}), append(listed, id)
		}
	}
	return list
}

// roles reads the role assignments of the whole tenant: one may hold in many
// subscriptions.
func (p *collection) roles(ctx context.Context) error {
	s := p.openRoles()
	rows := 0
	f, err := p.query(ctx, kindRoles, "", rolesQuery, audit.Span{}, func(json.RawMessage) error { rows++; return nil }, s)
	if err != nil {
		return err
	}
	if f.Whole() && rows == 0 {
		s.Fail("Resource Graph shows no role assignment, not even this identity's own: it may not read them")
	}
	return p.run.Close(ctx, s)
}

// noPlan: no findings and no alerts are then no news at all.
const noPlan = "Resource Graph shows no plan of Defender, on or off: this identity may not read what Defender says, or nobody asked Defender"

// subscription reads one subscription. One part that fails stops no other.
func (p *collection) subscription(ctx context.Context, sub subscription) error {
	scope := strings.ToLower(sub.ID)
	s := p.open(scope)
	for _, e := range s.all() {
		e.Fail(sub.why)
	}
	var vaults []string
	noteVault := func(row json.RawMessage) error {
		var r struct{ ID, Type string }
		if err := json.Unmarshal(row, &r); err != nil {
			return err
		}
		if strings.EqualFold(r.Type, "microsoft.keyvault/vaults") {
			vaults = append(vaults, r.ID)
		}
		return nil
	}
	covers := s.backup.Covers
	plans := 0
	countPlan := func(json.RawMessage) error { plans++; return nil }
	for _, q := range []struct {
		kind, query string
		about       audit.Span
		each        func(json.RawMessage) error
		to          []*source.Stream
	}{
		{kindStores, storesQuery, audit.Span{}, nil, []*source.Stream{s.datastore}},
		{kindStores, sqlQuery, audit.Span{}, nil, []*source.Stream{s.datastore}},
		{kindResources, resourcesQuery, audit.Span{}, noteVault, []*source.Stream{s.resource}},
		{kindPlans, plansQuery, audit.Span{}, countPlan, []*source.Stream{s.resource}},
		{kindNetworks, networksQuery, audit.Span{}, nil, []*source.Stream{s.network}},
		{kindAssessments, assessmentsQuery, audit.Span{}, nil, []*source.Stream{s.finding}},
		{kindAlerts, alertsQuery, audit.Span{}, nil, []*source.Stream{s.alert}},
		{kindJobs, jobsQuery(covers.From, covers.To), covers, nil, []*source.Stream{s.backup, s.restore}},
	} {
		f, err := p.query(ctx, q.kind, scope, q.query, q.about, q.each, q.to...)
		if err != nil {
			return err
		}
		if q.kind == kindPlans && f.Whole() && plans == 0 {
			s.finding.Fail(noPlan)
			s.alert.Fail(noPlan)
		}
		if q.kind == kindResources {
			s.key.Fail(prefixed("which vaults there are is not known: ", f.Why))
		}
	}
	if err := p.diagnostics(ctx, scope, s); err != nil {
		return err
	}
	if err := p.vaults(ctx, scope, vaults, s.key); err != nil {
		return err
	}
	return p.run.Close(ctx, s.all()...)
}

// diagnostics reads where the subscription's activity log is sent. Resource
// Graph leaves out, without a word, what an identity may not read: one that is
// refused here was not let into the subscription as a whole.
func (p *collection) diagnostics(ctx context.Context, scope string, s streams) error {
	uri := "/subscriptions/" + scope + "/providers/Microsoft.Insights/diagnosticSettings?api-version=2021-05-01-preview"
	f, err := p.Read(ctx, p.run, rest.List{Kind: kindDiagnostics, Scope: scope, Ask: rest.Ask{URI: p.At(uri)}, Next: p.NextURL("nextLink")}, s.resource)
	if f.Status == http.StatusForbidden || f.Status == http.StatusUnauthorized {
		for _, e := range s.all() {
			e.Fail("this identity may not read the subscription as a whole, and Resource Graph leaves out what it may not read: " + f.Why)
		}
	}
	return err
}

// vaults reads what every key vault says of its keys and secrets: never what
// they are, which Resource Manager does not give.
func (p *collection) vaults(ctx context.Context, scope string, vaults []string, s *source.Stream) error {
	s.Asked("GET VAULT/keys, GET VAULT/secrets of every key vault")
	for _, id := range vaults {
		path := (&url.URL{Path: id}).EscapedPath()
		if !strings.HasPrefix(strings.ToLower(path), "/subscriptions/"+scope+"/") {
			s.Fail("a vault of another subscription: " + id)
			continue
		}
		for _, part := range []struct{ kind, path string }{{kindKeys, "/keys"}, {kindSecrets, "/secrets"}} {
			one := p.run.Snapshot(s.Type, scope, nil)
			l := rest.List{Kind: part.kind, Scope: scope, Ask: rest.Ask{URI: p.At(path + part.path + "?api-version=2023-07-01")}, Next: p.NextURL("nextLink")}
			f, err := p.Read(ctx, p.run, l, one)
			if err != nil {
				return err
			}
			s.Pages += one.Pages
			s.Fail(prefixed(id+part.path+": ", f.Why))
		}
	}
	return nil
}
