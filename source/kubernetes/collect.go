package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// A list is one kind of object that is listed, over all namespaces.
type list struct {
	name string // plural, and what the kind of its pages ends in
	path string
}

// Lists whose elements become items as they are.
var plain = []struct {
	list
	typ    string
	cannot int
}{
	{list{"deployments", "/apis/apps/v1/deployments"}, "resource", 3},
	{list{"statefulsets", "/apis/apps/v1/statefulsets"}, "resource", 3},
	{list{"daemonsets", "/apis/apps/v1/daemonsets"}, "resource", 3},
	{list{"replicasets", "/apis/apps/v1/replicasets"}, "resource", 3},
	{list{"cronjobs", "/apis/batch/v1/cronjobs"}, "resource", 3},
	{list{"jobs", "/apis/batch/v1/jobs"}, "resource", 3},
	{list{"pods", "/api/v1/pods"}, "resource", 3},
	{list{"services", "/api/v1/services"}, "resource", 3},
	{list{"ingresses", "/apis/networking.k8s.io/v1/ingresses"}, "resource", 3},
	{list{"serviceaccounts", "/api/v1/serviceaccounts"}, "account", 1},
}

// Lists that are needed together.
var (
	namespaces          = list{"namespaces", "/api/v1/namespaces"}
	networkPolicies     = list{"networkpolicies", "/apis/networking.k8s.io/v1/networkpolicies"}
	clusterRoles        = list{"clusterroles", "/apis/rbac.authorization.k8s.io/v1/clusterroles"}
	roles               = list{"roles", "/apis/rbac.authorization.k8s.io/v1/roles"}
	clusterRoleBindings = list{"clusterrolebindings", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"}
	roleBindings        = list{"rolebindings", "/apis/rbac.authorization.k8s.io/v1/rolebindings"}
)

// Kinds of page: each list's, and those made of elements of two lists.
const (
	prefix       = "kubernetes."
	kindBindings = prefix + "bindings" // bindings, with the roles that grant much
	kindNetworks = prefix + "networks" // namespaces, with the policies on all their pods
)

const scopeRBAC, scopeNetworks = "rbac", "namespaces"

// A collection is one collection under way.
type collection struct {
	*rest.Client
	run  *source.Run
	sink error // of the sink, met while looking into an answer
}

// Collect reads the cluster. Each list is a stream of its own: one that is
// refused voids no other.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	p := &collection{run: &source.Run{Source: c.name, Window: w, Sink: sink}}
	l, err := c.login(ctx)
	if err == nil {
		p.Client, err = c.client(l)
	}
	if err != nil {
		err = fmt.Errorf("source %s: %w", c.name, err)
		return errors.Join(p.refuse(ctx, err.Error()), err)
	}
	if why, err := p.hello(ctx); err != nil || why != "" {
		return errors.Join(p.hopeless(ctx, why), err)
	}
	for i, e := range plain {
		s := p.open(e.typ, e.name, e.cannot, prefix+e.name)
		if _, err := p.read(ctx, e.list, e.name, nil, nil, s); err != nil {
			return err
		}
		if err := p.run.Close(ctx, s); err != nil {
			return err
		}
		p.run.Progress("lists", i+1, len(plain)+2)
	}
	if err := p.readNetworks(ctx); err != nil {
		return err
	}
	return p.readBindings(ctx)
}

func (p *collection) open(typ, scope string, cannot int, kind string) *source.Stream {
	return p.run.Snapshot(typ, scope, []string{Driver.Cannot[cannot]}, kind)
}

// refuse closes every stream: the cluster could not be asked.
func (p *collection) refuse(ctx context.Context, why string) error {
	all := []*source.Stream{p.open("network", scopeNetworks, 2, kindNetworks), p.open("membership", scopeRBAC, 1, kindBindings), p.open("account", scopeRBAC, 1, kindBindings)}
	for _, e := range plain {
		all = append(all, p.open(e.typ, e.name, e.cannot, prefix+e.name))
	}
	for _, s := range all {
		s.Asked("GET /version")
	}
	return p.run.Refuse(ctx, why, all...)
}

// hello asks for the server's version, which anyone may know. Where no answer
// comes, or it does not know who asks, no list will come either: it returns why.
func (p *collection) hello(ctx context.Context) (why string, err error) {
	f, err := p.Read(ctx, p.run, rest.List{Kind: prefix + "version", Ask: rest.Ask{URI: p.At("/version")}})
	if f.Status != 0 && f.Status != http.StatusUnauthorized {
		return "", err
	}
	return f.Why, err
}

// hopeless closes every stream where why is given.
func (p *collection) hopeless(ctx context.Context, why string) error {
	if why == "" {
		return nil
	}
	return p.refuse(ctx, why)
}

// maxAttempts is how often a list is begun before it is given up: a token to go
// on with lives for about five minutes (API concepts, "Retrieving large results
// sets in chunks").
const maxAttempts = 3

// read reads a list from its start to its end at one version of the cluster. If
// that version is gone before the end (410), it is begun again; start forgets
// what was learned. What either attempt shows is in the stream: an object that
// changed between them makes it incomplete. It returns why the list is not whole.
func (p *collection) read(ctx context.Context, l list, scope string, start func(), each func(items []json.RawMessage) error, to ...*source.Stream) (string, error) {
	for n := 1; ; n++ {
		if start != nil {
			start()
		}
		one := p.run.Snapshot("resource", scope, nil)
		f, err := p.chunks(ctx, l, scope, each, one)
		if err = errors.Join(p.sink, err); err != nil {
			return "", err
		}
		for _, s := range to {
			s.Asked("GET " + l.path)
			s.Pages += one.Pages
		}
		why := ""
		if f.Why != "" {
			why = l.name + ": " + f.Why
		}
		if f.Status != http.StatusGone || n == maxAttempts {
			for _, s := range to {
				s.Fail(why)
			}
			return why, nil
		}
		for _, s := range to {
			s.Note("one instant: " + why + "; the list was begun again")
		}
	}
}

// A page of a list (meta/v1, schema ListMeta).
type page struct {
	Metadata struct {
		Version string `json:"resourceVersion"`
	} `json:"metadata"`
	Items []json.RawMessage `json:"items"`
}

// chunks reads the pages of one attempt; all must be of one version.
func (p *collection) chunks(ctx context.Context, l list, scope string, each func([]json.RawMessage) error, to *source.Stream) (rest.Fault, error) {
	ask := rest.Ask{URI: p.At(l.path + "?limit=500")}
	version := ""
	return p.Read(ctx, p.run, rest.List{Kind: prefix + l.name, Scope: scope, Ask: ask, Next: rest.NextToken(ask, "metadata.continue", "continue"), Each: func(a rest.Answer) (bool, error) {
		items, v, err := decode(a.Body)
		switch {
		case err != nil:
			return false, err
		case version != "" && v != version:
			return false, fmt.Errorf("it is of version %s, those before of %s", v, version)
		}
		version = v
		if each != nil {
			err = each(items)
		}
		return true, err
	}}, to)
}

// decode reads a page of a list. An empty list is [] or null (Go's way).
func decode(body []byte) ([]json.RawMessage, string, error) {
	var whole map[string]json.RawMessage
	var g page
	if json.Unmarshal(body, &whole) != nil || json.Unmarshal(body, &g) != nil || whole["items"] == nil {
		return nil, "", errors.New("the answer is no list of the API server")
	}
	return g.Items, g.Metadata.Version, nil
}

// A networkPage is namespaces, with the network policies that hold for all pods
// of theirs.
type networkPage struct {
	Format   int               `json:"format"`
	Whole    bool              `json:"policiesWhole"` // every policy was read: one that is not here does not hold for all pods
	Policies []json.RawMessage `json:"policies"`      // elements as they came
	Items    []json.RawMessage `json:"items"`         // elements as they came
}

func (p *collection) readNetworks(ctx context.Context) error {
	s := p.open("network", scopeNetworks, 2, kindNetworks)
	s.Asked("GET " + networkPolicies.path)
	kept := map[string][]json.RawMessage{} // by namespace
	why, err := p.read(ctx, networkPolicies, scopeNetworks, func() { clear(kept) }, func(items []json.RawMessage) error {
		for _, raw := range items {
			var n networkPolicy
			if err := json.Unmarshal(raw, &n); err != nil {
				return fmt.Errorf("a network policy cannot be read: %w", err)
			}
			if n.everyPod() {
				kept[n.Metadata.Namespace] = append(kept[n.Metadata.Namespace], raw)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if why != "" {
		s.Note("isolated, since policies could not be read: " + why)
	}
	_, err = p.read(ctx, namespaces, scopeNetworks, nil, func(items []json.RawMessage) error {
		out := networkPage{Format: 1, Whole: why == "", Policies: []json.RawMessage{}, Items: items}
		for _, raw := range items {
			var o object
			if err := json.Unmarshal(raw, &o); err != nil {
				return fmt.Errorf("a namespace cannot be read: %w", err)
			}
			out.Policies = append(out.Policies, kept[o.Metadata.Name]...)
		}
		return p.seal(ctx, kindNetworks, scopeNetworks, "namespaces of the page before, with the policies on all their pods", out, s)
	}, s)
	if err != nil {
		return err
	}
	return p.run.Close(ctx, s)
}

func (p *collection) seal(ctx context.Context, kind, scope, query string, v any, to ...*source.Stream) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	p.sink = p.run.Seal(ctx, audit.Page{Kind: kind, Scope: scope, Query: query, Body: body}, to...)
	return p.sink
}

// A bindingPage is bindings, with the roles among all that grant much.
type bindingPage struct {
	Format int               `json:"format"`
	Whole  bool              `json:"rolesWhole"` // every role was read: one that is not here grants neither everything nor another's rights
	Roles  []json.RawMessage `json:"roles"`      // elements as they came
	Items  []json.RawMessage `json:"items"`      // elements as they came
}

func (p *collection) readBindings(ctx context.Context) error {
	members, accounts := p.open("membership", scopeRBAC, 1, kindBindings), p.open("account", scopeRBAC, 1, kindBindings)
	kept, whole := map[string]json.RawMessage{}, true
	for _, l := range []list{clusterRoles, roles} {
		members.Asked("GET " + l.path)
		why, err := p.readRoles(ctx, l, kept)
		if err != nil {
			return err
		}
		if why != "" {
			whole = false
			members.Note("privileged of roles whose rules are not known: " + why)
		}
	}
	for _, l := range []list{clusterRoleBindings, roleBindings} {
		_, err := p.read(ctx, l, scopeRBAC, nil, func(items []json.RawMessage) error {
			out := bindingPage{Format: 1, Whole: whole, Roles: referenced(items, kept), Items: items}
			return p.seal(ctx, kindBindings, scopeRBAC, l.name+" of the page before, with the roles that grant much", out, members, accounts)
		}, members, accounts)
		if err != nil {
			return err
		}
	}
	return p.run.Close(ctx, members, accounts)
}

// readRoles keeps those that grant much, by namespace and name.
func (p *collection) readRoles(ctx context.Context, l list, kept map[string]json.RawMessage) (why string, err error) {
	return p.read(ctx, l, scopeRBAC, nil, func(items []json.RawMessage) error {
		for _, raw := range items {
			var o role
			if err := json.Unmarshal(raw, &o); err != nil {
				return fmt.Errorf("a role cannot be read: %w", err)
			}
			if o.grantsMuch() {
				kept[o.Metadata.Namespace+"/"+o.Metadata.Name] = raw
			}
		}
		return nil
	})
}

// referenced are those of the kept roles that bindings name, each once.
func referenced(items []json.RawMessage, kept map[string]json.RawMessage) []json.RawMessage {
	out, seen := []json.RawMessage{}, map[string]bool{}
	for _, raw := range items {
		var b binding
		if json.Unmarshal(raw, &b) != nil {
			continue // normalizing names it
		}
		if r, ok := kept[b.roleKey()]; ok && !seen[b.roleKey()] {
			out, seen[b.roleKey()] = append(out, r), true
		}
	}
	return out
}
