package azure

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

// A row is a resource as Resource Graph gives it.
type row struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	Type         string            `json:"type"`
	Location     string            `json:"location"`
	Subscription string            `json:"subscriptionId"`
	Tags         map[string]string `json:"tags"`
	SKU          struct {
		Name string `json:"name"`
	} `json:"sku"`
	Properties json.RawMessage `json:"properties"`
	Server     json.RawMessage `json:"server"`   // of a SQL database: its server's properties
	FlowLogs   json.RawMessage `json:"flowLogs"` // of a network: number of logs of its traffic
	RoleName   string          `json:"roleName"`
	RoleType   string          `json:"roleType"`
}

// id is Azure's id in lower case and from the root: Azure writes it now one way,
// now another.
func (w row) id() string { return "/" + strings.TrimPrefix(strings.ToLower(w.ID), "/") }

func (w row) subscription() string { return strings.ToLower(w.Subscription) }

// A reading is one page while it becomes items.
type reading struct {
	source.Reading
	config
	scope string // subscription
	about audit.Span
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	r := &reading{scope: p.Scope, about: p.About}
	if err := json.Unmarshal(conf, &r.config); err != nil {
		return nil, fmt.Errorf("%w: configuration: %w", audit.ErrInvalid, err)
	}
	switch p.Kind {
	case source.KindFailed, kindSubscriptions, kindContainers:
		return nil, nil
	}
	k, known := kinds[p.Kind]
	if !known {
		return nil, fmt.Errorf("%w: page kind %q", audit.ErrInvalid, p.Kind)
	}
	list, err := source.Elements(p.Body, k.list)
	r.Refuse("page", err)
	if p.Kind == kindDiagnostics && err == nil && len(list) == 0 {
		r.notExported()
	}
	r.Each(list, func(raw json.RawMessage) error { return r.row(raw, k.read) })
	return r.Done()
}

// A kind is a kind of page: where its rows are, and what reads one.
type kind struct {
	list string
	read func(r *reading, w row) error
}

var kinds = map[string]kind{
	kindStores:      {"data", (*reading).store},
	kindResources:   {"data", (*reading).resource},
	kindNetworks:    {"data", (*reading).network},
	kindAssessments: {"data", (*reading).assessment},
	kindAlerts:      {"data", (*reading).alert},
	kindPlans:       {"data", (*reading).plan},
	kindRoles:       {"data", (*reading).role},
	kindJobs:        {"data", (*reading).job},
	kindDiagnostics: {"value", (*reading).diagnostic},
	kindKeys:        {"value", (*reading).key},
	kindSecrets:     {"value", (*reading).secret},
}

func (r *reading) row(raw json.RawMessage, read func(*reading, row) error) error {
	var w row
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	switch {
	case w.ID == "":
		return errors.New("it has no id")
	case len(w.Properties) == 0 || string(w.Properties) == "null":
		return fmt.Errorf("%s: it has no properties", w.ID)
	}
	if err := read(r, w); err != nil {
		return fmt.Errorf("%s: %w", w.ID, err)
	}
	return nil
}

// instantOf reads an instant as Azure writes it; zero where there is none.
func instantOf(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.9999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// told is what p points to, nil where the answer does not hold it.
func told[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// network is a virtual network (Network, schema VirtualNetwork).
func (r *reading) network(w row) error {
	var d struct {
		Peerings []struct {
			Properties struct {
				State  string `json:"peeringState"`
				Remote struct {
					ID string `json:"id"`
				} `json:"remoteVirtualNetwork"`
			} `json:"properties"`
		} `json:"virtualNetworkPeerings"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return err
	}
	joins := []string{}
	for _, p := range d.Peerings {
		if p.Properties.State == "Connected" {
			joins = append(joins, strings.ToLower(p.Properties.Remote.ID))
		}
	}
	f := source.Fields{"name": w.Name, "provider": "azure", "account": w.subscription(), "region": region(w), "joins": joins}
	if w.FlowLogs != nil {
		var n int
		err := json.Unmarshal(w.FlowLogs, &n) // null where nothing was joined
		f["flowLogs"] = err == nil && n > 0
	}
	r.Labels.Put(f, "network", w.Tags)
	r.Add("network", w.id(), time.Time{}, f)
	return nil
}

func region(w row) any {
	switch w.Location {
	case "":
		return nil
	case "global":
		return ""
	}
	return w.Location
}

// role is a role assignment (Authorization, schema RoleAssignment), with the role.
func (r *reading) role(w row) error {
	var d struct {
		Principal string `json:"principalId"`
		Scope     string `json:"scope"`
		CreatedOn string `json:"createdOn"`
		Condition string `json:"condition"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return err
	}
	if d.Principal == "" {
		return errors.New("it names no principal")
	}
	f := source.Fields{"account": r.Directory + "/" + strings.ToLower(d.Principal), "system": r.System, "role": "member", "grantedAt": instantOf(d.CreatedOn), "privileged": r.privileged(w)}
	if w.RoleName != "" {
		f["group"] = w.RoleName + " on " + strings.ToLower(d.Scope)
		if d.Condition != "" {
			f["group"] = f["group"].(string) + ", under a condition"
		}
	}
	if w.RoleName == "Owner" {
		f["role"] = "owner"
	}
	r.Add("membership", r.System+w.id(), time.Time{}, f)
	return nil
}

// usual are the roles that are privileged where nobody said which are.
var usual = source.Globs{"Owner", "Contributor", "*Administrator*"}

func (r *reading) privileged(w row) any {
	switch {
	case w.RoleName == "":
		return nil
	case len(r.Privileged) > 0:
		return r.Privileged.Match(w.RoleName)
	case w.RoleType == "BuiltInRole":
		return usual.Match(w.RoleName)
	}
	return nil
}

// A keyAttributes is what a vault says of a key or secret (KeyVault 2023-07-01):
// seconds since 1970.
type keyAttributes struct {
	Enabled *bool  `json:"enabled"`
	Expires *int64 `json:"exp"`
	Created *int64 `json:"created"`
}

func (r *reading) key(w row) error {
	var d struct {
		Attributes keyAttributes `json:"attributes"`
		Rotation   *struct {
			Actions []struct {
				Action struct {
					Type string `json:"type"`
				} `json:"action"`
			} `json:"lifetimeActions"`
		} `json:"rotationPolicy"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return err
	}
	f := r.attributes("encryption", d.Attributes)
	if d.Rotation != nil {
		rotates := false
		for _, a := range d.Rotation.Actions {
			rotates = rotates || strings.EqualFold(a.Action.Type, "rotate")
		}
		f["autoRotate"] = rotates
	}
	r.Add("key", w.id(), time.Time{}, f)
	return nil
}

func (r *reading) secret(w row) error {
	var d struct {
		Attributes keyAttributes `json:"attributes"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return err
	}
	r.Add("key", w.id(), time.Time{}, r.attributes("token", d.Attributes))
	return nil
}

// attributes gives what keys and secrets have in common. What is told is of the
// current version; one without an end has none.
func (r *reading) attributes(kind string, a keyAttributes) source.Fields {
	f := source.Fields{"kind": kind, "system": r.System, "owner": ""}
	if a.Created != nil {
		f["rotatedAt"] = time.Unix(*a.Created, 0)
	}
	if a.Enabled == nil {
		return f
	}
	f["expiresAt"], f["status"] = audit.Never, "active"
	if a.Expires != nil {
		f["expiresAt"] = time.Unix(*a.Expires, 0)
	}
	switch {
	case !*a.Enabled:
		f["status"] = "disabled"
	case a.Expires != nil && !time.Unix(*a.Expires, 0).After(r.about.From):
		f["status"] = "expired"
	}
	return f
}
