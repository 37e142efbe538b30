// Package fleet reads a Fleet server: which computers are enrolled, what Fleet
// and its policies say of them, and the known weaknesses in their software.
package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/osquery"
	"tieout/source/rest"
)

// Kinds of page: answers as they came.
const (
	kindMe    = "fleet.me"    // GET /me: whose token it is; no items
	kindCount = "fleet.count" // GET /hosts/count; no items
	kindHosts = "fleet.hosts" // GET /hosts: one page of the list; no items
	kindHost  = "fleet.host"  // GET /hosts/ID
	kindSheet = "fleet.sheet" // GET /hosts/ID, and the rows that reports of queries have of the host

	kindQueries = "fleet.queries" // GET /queries: one page of the list; no items
	kindReport  = "fleet.report"  // GET /queries/ID/report; no items
)

// Driver is the Fleet source.
var Driver = &source.Driver{
	Name: "fleet", Version: 1, Title: "Computers and their weaknesses, by a Fleet server",
	Types: []string{"device", "vulnerability"},
	Scopes: []source.Scope{
		{Name: "an API-only user with the global role Observer", Why: "lists all hosts and reads each; a user of single teams sees theirs only"},
	},
	Cannot: slices.Clone(cannot),
	Settings: []source.Setting{
		{Name: "baseURL", Doc: "address of the server", Example: "https://fleet.halyard.example", Required: true},
		{Name: "token", Doc: "reference to the user's API token", Example: "env:FLEET_TOKEN", Required: true, Secret: true},
		{Name: "policies", Doc: "which field of the device a policy decides, by the policy's name", Example: "{Firewall is on: firewall, Screen locks within 15 minutes: {screenLock: 900}}"},
		{Name: "queries", Doc: "what the report of a saved query tells, by the query's name, in the meanings of docs/sources/osquery.md", Example: "{Updates installed: patched}"},
		source.SupportedSetting,
		{Name: "allow", Doc: "loopback or private: the server may be on this machine or in a private network", Example: "private"},
	},
	Open: open, Normalize: normalize,
}

var cannot = []string{
	"computers that are not enrolled: hold the devices to an inventory",
	"what changed on a computer since it last reported; `lastSeenAt` says when that was",
	"weaknesses of operating systems: Fleet tells those of software with each host",
}

type settings struct {
	BaseURL string `json:"baseURL"`
	Token   string `json:"token"`
	config
	Allow string `json:"allow"`
}

// config is what normalizing needs.
type config struct {
	Policies  map[string]decides   `json:"policies,omitempty"`
	Queries   map[string]string    `json:"queries,omitempty"`
	Supported source.SupportedList `json:"supported,omitempty"`
}

// decides is what a policy decides: a field that it makes true or false, or that
// the screen locks after at most so many seconds.
type decides struct {
	field string
	bound struct {
		ScreenLock int `json:"screenLock"`
	}
}

// UnmarshalJSON reads the name of a field, or {"screenLock": 900}.
func (d *decides) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &d.field) == nil {
		return nil
	}
	return source.Strict(b, &d.bound)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (d decides) MarshalJSON() ([]byte, error) {
	if d.bound.ScreenLock > 0 {
		return json.Marshal(d.bound)
	}
	return json.Marshal(d.field)
}

func (d decides) problem() error {
	switch {
	case d.field == "" && d.bound.ScreenLock > 0, slices.Contains(decidable, d.field):
		return nil
	case d.field == "":
		return errors.New("screenLock: write seconds above none")
	}
	return fmt.Errorf("%q is not one of %q", d.field, decidable)
}

// decidable are the fields that a policy can decide: it passes or it fails.
var decidable = []string{"diskEncrypted", "screenLock.enabled", "antivirus.installed", "antivirus.running", "firewall", "os.supported", "os.autoUpdate", "timeSync", "managed"}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s settings
	err := source.Strict(with, &s)
	if err == nil {
		err = s.problem()
	}
	var base *url.URL
	if err == nil {
		base, err = source.BaseURL("baseURL", s.BaseURL, "", s.Allow)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	conf, err := canonical.Marshal(s.config)
	c := collector{name: name, settings: s, base: base, env: env, cannot: slices.Clone(cannot)}
	if len(s.Supported) > 0 {
		c.cannot = append(c.cannot, source.SupportedCannot)
	}
	return c, conf, err
}

func (s settings) problem() error {
	if s.Token == "" {
		return errors.New("token: write a reference such as env:FLEET_TOKEN")
	}
	for policy, d := range s.Policies {
		if err := d.problem(); err != nil {
			return fmt.Errorf("policies: %s: %w", policy, err)
		}
	}
	for query, meaning := range s.Queries {
		if known := osquery.Meanings(); !slices.Contains(known, meaning) {
			return fmt.Errorf("queries: %s: %q is not one of %q", query, meaning, known)
		}
	}
	return errors.Join(s.Supported.Check(), source.CheckSecret("token", s.Token), source.CheckAllow(s.Allow))
}

type collector struct {
	name string
	settings
	base   *url.URL
	env    source.Env
	cannot []string
	wait   func(ctx context.Context, d time.Duration) error // nil: for real
}

// A reader is one collection.
type reader struct {
	run     *source.Run
	client  *rest.Client
	device  *source.Stream
	weak    *source.Stream
	ids     []int64
	unknown int // hosts without a list of software
	queries reports
}

const prefix = "/api/v1/fleet"

// Collect implements source.Collector.
func (c collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: c.name, Window: w, Sink: sink}
	r := &reader{run: run, queries: reports{names: c.Queries},
		device: run.Snapshot("device", "", c.cannot, kindHost, kindSheet), weak: run.Snapshot("vulnerability", "", c.cannot, kindHost, kindSheet)}
	token, err := c.env.ResolveSecret(ctx, "token", c.Token)
	if err := ctx.Err(); err != nil {
		return err
	}
	if err != nil {
		return run.Refuse(ctx, err.Error(), r.device, r.weak)
	}
	r.client = &rest.Client{
		HTTP: source.Guard(c.env.HTTP, c.Allow, c.base), Base: c.base, Secrets: []string{token}, Wait: c.wait,
		Authorize: rest.Header("Authorization", "Bearer "+token),
	}
	for _, step := range []func(context.Context) error{r.whose, r.list, r.count, r.reports, r.hosts} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return run.Close(ctx, r.device, r.weak)
}

func (r *reader) fail(why string) { r.device.Fail(why); r.weak.Fail(why) }

// whose reads whose token it is: without a global role the list is of some
// teams only.
func (r *reader) whose(ctx context.Context) error {
	_, err := r.client.Read(ctx, r.run, rest.List{Kind: kindMe, Ask: rest.Ask{URI: r.client.At(prefix + "/me")}, Each: func(a rest.Answer) (bool, error) {
		var me struct {
			User struct {
				Role *string `json:"global_role"`
			} `json:"user"`
		}
		if err := json.Unmarshal(a.Body, &me); err != nil {
			return false, errors.New("whose token it is cannot be read")
		}
		if me.User.Role == nil || *me.User.Role == "" {
			return false, errors.New("the token's user has no global role: hosts of other teams are not listed")
		}
		return false, nil
	}}, r.device, r.weak)
	return err
}

const perPage = 100

// list reads the list of hosts, by id, so that pages do not shift.
func (r *reader) list(ctx context.Context) error {
	list := r.paged(kindHosts, "/hosts", "hosts", "&disable_failing_policies=true", func(i int, e json.RawMessage) error {
		var h struct {
			ID int64 `json:"id"`
		}
		if err := json.Unmarshal(e, &h); err != nil || h.ID <= 0 {
			return fmt.Errorf("element %d has no id", i+1)
		}
		r.ids = append(r.ids, h.ID)
		return nil
	})
	list.Asked += ", and GET " + prefix + "/hosts/ID of each"
	_, err := r.client.Read(ctx, r.run, list, r.device, r.weak)
	slices.Sort(r.ids)
	r.ids = slices.Compact(r.ids)
	return err
}

// paged is a list that comes in pages by the elements' IDs; take is given every
// element of a page, with its place there.
func (r *reader) paged(kind, path, key, also string, take func(int, json.RawMessage) error) rest.List {
	page := 0
	ask := func() rest.Ask {
		return rest.Ask{URI: r.client.At(fmt.Sprintf("%s%s?page=%d&per_page=%d&order_key=id%s", prefix, path, page, perPage, also))}
	}
	return rest.List{Kind: kind, Ask: ask(), Asked: "GET " + prefix + path + ", every page",
		Next: func(a rest.Answer) (*rest.Ask, error) {
			list, err := source.Elements(a.Body, key)
			if err != nil || len(list) < perPage {
				return nil, err
			}
			page++
			next := ask()
			return &next, nil
		},
		Each: func(a rest.Answer) (bool, error) {
			list, err := source.Elements(a.Body, key)
			if err != nil {
				return false, err
			}
			for i, e := range list {
				if err := take(i, e); err != nil {
					return false, err
				}
			}
			return true, nil
		}}
}

// count holds the list to the number the server gives.
func (r *reader) count(ctx context.Context) error {
	_, err := r.client.Read(ctx, r.run, rest.List{Kind: kindCount, Ask: rest.Ask{URI: r.client.At(prefix + "/hosts/count")}, Each: func(a rest.Answer) (bool, error) {
		var c struct {
			Count *int `json:"count"`
		}
		if err := json.Unmarshal(a.Body, &c); err != nil || c.Count == nil {
			return false, errors.New("the number of hosts cannot be read")
		}
		r.device.Reconcile("hosts counted by the server", *c.Count, len(r.ids))
		r.weak.Reconcile("hosts counted by the server", *c.Count, len(r.ids))
		return false, nil
	}}, r.device, r.weak)
	return err
}

// hosts reads every host. One that fails does not stop the others.
func (r *reader) hosts(ctx context.Context) error {
	for i, id := range r.ids {
		a, err := r.client.Get(ctx, prefix+"/hosts/"+strconv.FormatInt(id, 10))
		if err != nil {
			return err
		}
		p := r.page(id, a)
		if !a.OK() {
			p = rest.Failed(p, a)
			r.fail(fmt.Sprintf("host %d: %s", id, a.Fault()))
		}
		if err := r.run.Seal(ctx, p, r.device, r.weak); err != nil {
			return err
		}
		if a.OK() && !hasSoftware(a.Body) {
			r.unknown++
		}
		r.run.Progress("device", i+1, len(r.ids))
	}
	if r.unknown > 0 {
		r.weak.Fail(fmt.Sprintf("%d of %d hosts have no list of software: the inventory is switched off, or they have not reported it yet", r.unknown, len(r.ids)))
	}
	return nil
}

func hasSoftware(body []byte) bool {
	list, err := source.Elements(body, "host", "software")
	return err == nil && list != nil
}
