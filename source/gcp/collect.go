package gcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tieout/audit"
	"tieout/internal/jsonscan"
	"tieout/source"
	"tieout/source/rest"
)

// Kinds of page. Lists whose elements become items elsewhere give none.
const (
	kindInstant    = "gcp.instant"    // first answer: the inventory's own time
	kindPolicies   = "gcp.policies"   // assets with the IAM policy on them
	kindResources  = "gcp.resources"  // assets with their settings
	kindDatastores = "gcp.datastores" // data stores of the above, with the policies that rule them
	kindProjects   = "gcp.projects"
	kindFolders    = "gcp.folders"
	kindRuns       = "gcp.backupRuns" // a list of runs
	kindBackups    = "gcp.backups"    // runs of the above, with the instance they are of
)

// A collection is one collection under way.
type collection struct {
	clients
	run    *source.Run
	config settings
	at     audit.Span // the inventory's instant
	told   bool       // the inventory told it

	datastore, resource, network, key, account, membership *source.Stream

	policies  map[string]json.RawMessage // public ones of data stores, and those with rules of logging
	whole     bool                       // every policy was read
	broken    string                     // why the resources were not read whole
	found     []string                   // numbers of active projects in the inventory
	instances []instance                 // of Cloud SQL
	sink      error                      // of the sink, met while looking into an answer
}

// Collect reads the scope.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	p := &collection{run: &source.Run{Source: c.name, Window: w, Sink: sink}, config: c.settings, policies: map[string]json.RawMessage{}}
	var err error
	if p.clients, err = c.connect(ctx); err != nil {
		p.at = p.run.Now()
		p.open()
		return errors.Join(p.refuse(ctx, err.Error()), err)
	}
	fault, err := p.instant(ctx)
	if err != nil {
		return err
	}
	p.open()
	if !fault.Whole() {
		return p.refuse(ctx, fault.Why)
	}
	for _, step := range []func(context.Context) error{p.readPolicies, p.readResources, p.readProjects} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := p.run.Close(ctx, p.streams()...); err != nil {
		return err
	}
	return p.readBackups(ctx)
}

// open opens the streams of the inventory.
func (p *collection) open() {
	snapshot := func(typ string, kinds []string, cannot ...string) *source.Stream {
		cannot = append(cannot, "changes of the last minutes: the inventory learns of them with a delay")
		return p.run.SnapshotAt(p.at, typ, p.config.Scope, cannot, kinds...)
	}
	p.datastore = snapshot("datastore", []string{kindDatastores}, Driver.Cannot[3], Driver.Cannot[4])
	p.resource = snapshot("resource", []string{kindResources, kindPolicies}, Driver.Cannot[2])
	p.network = snapshot("network", []string{kindResources}, Driver.Cannot[2])
	p.key = snapshot("key", []string{kindResources}, "keys outside Google Cloud; when a key was last used")
	p.account = snapshot("account", []string{kindResources, kindPolicies}, Driver.Cannot[0])
	p.membership = snapshot("membership", []string{kindPolicies}, Driver.Cannot[0], Driver.Cannot[1])
}

func (p *collection) streams() []*source.Stream {
	return []*source.Stream{p.datastore, p.resource, p.network, p.key, p.account, p.membership}
}

// refuse closes every stream: nothing could be asked for.
func (p *collection) refuse(ctx context.Context, why string) error {
	backup := p.run.Events("backup", p.config.Scope, backupCannot, kindBackups)
	streams := append(p.streams(), backup)
	for _, s := range streams {
		s.Asked(p.assetsURI("RESOURCE"))
	}
	return p.run.Refuse(ctx, why, streams...)
}

func (p *collection) assetsURI(content string, types ...string) string {
	q := []string{"contentType", content, "pageSize", "1000"}
	for _, t := range types {
		q = append(q, "assetTypes", t)
	}
	return "/v1/" + p.config.Scope + "/assets" + query(q...)
}

// instant asks for one asset to learn the inventory's own time, at which
// everything else is then asked for: one state, read in many answers.
func (p *collection) instant(ctx context.Context) (rest.Fault, error) {
	p.at = p.run.Now()
	ask := rest.Ask{URI: p.assets.At("/v1/" + p.config.Scope + "/assets" + query("pageSize", "1"))}
	return p.assets.Read(ctx, p.run, rest.List{Kind: kindInstant, Scope: p.config.Scope, Ask: ask, Each: func(a rest.Answer) (bool, error) {
		t, err := readTime(a)
		if err == nil && !t.IsZero() {
			p.at, p.told = audit.At(t), true
		}
		return false, err
	}})
}

// readTime is when the inventory says that its answer is from; zero: it does not say.
func readTime(a rest.Answer) (time.Time, error) {
	var page struct{ ReadTime string }
	d, err := a.Scan()
	if err == nil {
		if raw, ok := d.Field("readTime"); ok {
			err = json.Unmarshal(raw, &page.ReadTime)
		}
	}
	if err != nil {
		return time.Time{}, errors.New("the answer is not what the inventory gives")
	}
	if page.ReadTime == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, page.ReadTime)
	if err != nil {
		return t, fmt.Errorf("readTime %q is no instant", page.ReadTime)
	}
	return t.UTC(), nil
}

// list reads assets of a content type at the instant. each gets the elements of
// every page.
func (p *collection) list(ctx context.Context, kind, content string, types []string, each func(context.Context, []json.RawMessage) error, streams ...*source.Stream) (rest.Fault, error) {
	uri := p.assetsURI(content, types...)
	ask := rest.Ask{URI: p.assets.At(uri)}
	if p.told {
		ask.URI += "&readTime=" + p.at.From.Format("2006-01-02T15:04:05.000000Z")
	}
	l := rest.List{Kind: kind, Scope: p.config.Scope, About: p.at, Ask: ask, Asked: uri, Next: rest.NextToken(ask, "nextPageToken", "pageToken")}
	l.Each = func(a rest.Answer) (bool, error) {
		if err := p.sameInstant(a); err != nil {
			return false, err
		}
		list, err := elements(a.Scan, "assets")
		if err != nil {
			return false, err
		}
		return true, each(ctx, list)
	}
	fault, err := p.assets.Read(ctx, p.run, l, streams...)
	return fault, errors.Join(p.sink, err)
}

// sameInstant refuses an answer about another second than the one asked for.
func (p *collection) sameInstant(a rest.Answer) error {
	t, err := readTime(a)
	if err == nil && p.told && !t.IsZero() && t.Sub(p.at.From).Abs() >= time.Second {
		err = fmt.Errorf("the answer is from %s, asked for was %s", audit.FormatTime(t), audit.FormatTime(p.at.From))
	}
	return err
}

// elements splits a list of an answer; Google leaves an empty one out. What
// comes back shares the answer's bytes: who keeps an element copies it.
func elements(scan func() (jsonscan.Doc, error), name string) ([]json.RawMessage, error) {
	d, err := scan()
	if _, list := d.Elements(""); err != nil || list {
		return nil, errors.New("the answer is not a JSON object")
	}
	raw, there := d.Field(name)
	if !there {
		return nil, nil
	}
	list, ok := d.Elements(name)
	if !ok {
		return nil, fmt.Errorf("the answer has no list %q but %.20s", name, raw)
	}
	return list, nil
}

// typeOf is an asset's type; "" where it does not say.
func typeOf(raw json.RawMessage) (string, error) {
	text, ok, err := jsonscan.Get(raw, "assetType")
	if err != nil || !ok {
		return "", err
	}
	if typ, ok := jsonscan.Text(text); ok {
		return typ, nil
	}
	return "", fmt.Errorf("its type is %.40s", text)
}

// readPolicies reads every IAM policy, and keeps what data stores need: which
// of them are open to everyone, and what is logged.
func (p *collection) readPolicies(ctx context.Context) error {
	fault, err := p.list(ctx, kindPolicies, "IAM_POLICY", nil, p.keepPolicies, p.membership, p.account, p.resource)
	p.whole = fault.Whole()
	if !p.whole {
		p.datastore.Note("policies, and so who may read and what is logged: " + fault.Why)
	}
	return err
}

func (p *collection) keepPolicies(_ context.Context, list []json.RawMessage) error {
	for _, raw := range list {
		var a asset
		if err := json.Unmarshal(raw, &a); err != nil {
			return fmt.Errorf("an asset cannot be read: %w", err)
		}
		if a.IAMPolicy != nil && (len(a.IAMPolicy.AuditConfigs) > 0 || isStore(a.AssetType) && a.IAMPolicy.public()) {
			p.policies[a.Name] = bytes.Clone(raw)
		}
	}
	return nil
}

// readResources reads every resource of a known type.
func (p *collection) readResources(ctx context.Context) error {
	fault, err := p.list(ctx, kindResources, "RESOURCE", assetTypes(), p.takeResources, p.resource, p.network, p.key, p.account, p.datastore)
	if p.broken = fault.Why; err != nil || fault.Whole() {
		return err
	}
	backup := p.run.Events("backup", p.config.Scope, backupCannot, kindBackups)
	backup.Asked(p.assetsURI("RESOURCE"))
	return p.run.Refuse(ctx, "which instances there are is not known: "+fault.Why, backup)
}

func (p *collection) takeResources(ctx context.Context, list []json.RawMessage) error {
	page := storePage{Format: 1, Whole: p.whole, Policies: map[string]json.RawMessage{}}
	for _, raw := range list {
		typ, err := typeOf(raw)
		if err != nil {
			return fmt.Errorf("an asset cannot be read: %w", err)
		}
		if typ != projectType && typ != sqlType && !isStore(typ) {
			continue
		}
		if err := p.takeResource(&page, typ, raw); err != nil {
			return err
		}
	}
	if len(page.Assets) == 0 {
		return nil
	}
	p.sink = p.run.Seal(ctx, audit.Page{Kind: kindDatastores, Scope: p.config.Scope, About: p.at, Body: page.encode(),
		Query: "data stores of the page before, with the policies that were read"}, p.datastore)
	return p.sink
}

// takeResource looks into an asset that more than its own page hangs on.
func (p *collection) takeResource(page *storePage, typ string, raw json.RawMessage) error {
	if typ == projectType || typ == sqlType {
		var a asset
		if err := json.Unmarshal(raw, &a); err != nil {
			return fmt.Errorf("an asset cannot be read: %w", err)
		}
		p.noteProject(a)
		p.noteInstance(a, raw)
	}
	if !isStore(typ) {
		return nil
	}
	page.Assets = append(page.Assets, raw)
	if len(p.policies) == 0 {
		return nil
	}
	a, err := placeOf(raw)
	if err != nil {
		return fmt.Errorf("an asset cannot be read: %w", err)
	}
	for _, name := range a.ruledBy() {
		if policy, ok := p.policies[name]; ok {
			page.Policies[name] = policy
		}
	}
	return nil
}

// placeOf reads an asset's name and what it is in, and nothing of its settings.
func placeOf(raw json.RawMessage) (a asset, err error) {
	name, _, err := jsonscan.Get(raw, "name")
	if err != nil {
		return a, err
	}
	a.Name, _ = jsonscan.Text(name)
	above, ok, err := jsonscan.Get(raw, "ancestors")
	if err != nil || !ok {
		return a, err
	}
	return a, json.Unmarshal(above, &a.Ancestors)
}
