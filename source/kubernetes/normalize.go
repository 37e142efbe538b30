package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

// An object is what every object of the API has (meta/v1, schema ObjectMeta).
type object struct {
	Metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		Created     *time.Time        `json:"creationTimestamp"`
		Owners      []struct {
			Kind       string `json:"kind"`
			Controller bool   `json:"controller"`
		} `json:"ownerReferences"`
	} `json:"metadata"`
}

// listed are the controllers that are items themselves.
var listed = []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "CronJob", "Job"}

// owned reports whether a controller that is listed made it: then that is the item.
func (o object) owned() bool {
	for _, e := range o.Metadata.Owners {
		if e.Controller && slices.Contains(listed, e.Kind) {
			return true
		}
	}
	return false
}

// A reading is one page while it becomes items.
type reading struct {
	source.Reading
	config
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	r := &reading{}
	if err := json.Unmarshal(conf, &r.config); err != nil {
		return nil, fmt.Errorf("%w: configuration: %w", audit.ErrInvalid, err)
	}
	name, ours := strings.CutPrefix(p.Kind, prefix)
	switch {
	case p.Kind == source.KindFailed:
		return nil, nil
	case p.Kind == kindNetworks:
		r.Refuse("page", r.networks(p.Body))
	case p.Kind == kindBindings:
		r.Refuse("page", r.bindings(p.Body))
	case ours && readers[name] != nil:
		r.Refuse("page", r.objects(p.Body, name))
	case ours && slices.Contains(silent, name):
		return nil, nil
	default:
		return nil, fmt.Errorf("%w: page kind %q", audit.ErrInvalid, p.Kind)
	}
	return r.Done()
}

// silent are lists whose elements become items on other pages.
var silent = []string{"version", namespaces.name, networkPolicies.name, clusterRoles.name, roles.name, clusterRoleBindings.name, roleBindings.name}

// A reader makes an item of one object.
type reader func(r *reading, o object, raw json.RawMessage) error

var readers = map[string]reader{
	"deployments": workload("deployment"), "statefulsets": workload("stateful set"), "daemonsets": workload("daemon set"), "replicasets": workload("replica set"),
	"cronjobs": workload("cron job"), "jobs": workload("job"), "pods": workload("pod"),
	"services": (*reading).service, "ingresses": (*reading).ingress, "serviceaccounts": (*reading).serviceAccount,
}

func (r *reading) objects(body []byte, name string) error {
	items, _, err := decode(body)
	if err != nil {
		return err
	}
	r.Each(items, func(raw json.RawMessage) error {
		var o object
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		if o.Metadata.Name == "" || o.Metadata.Namespace == "" {
			return errors.New("an object without a name or namespace")
		}
		if err := readers[name](r, o, raw); err != nil {
			return fmt.Errorf("%s/%s: %w", o.Metadata.Namespace, o.Metadata.Name, err)
		}
		return nil
	})
	return nil
}

// addResource adds a resource of a namespace.
func (r *reading) addResource(o object, plural, kind string, f source.Fields) {
	at := o.Metadata.Namespace + "/" + o.Metadata.Name
	f["name"], f["kind"], f["provider"], f["account"] = at, kind, "kubernetes", r.System
	r.Labels.Put(f, "resource", o.Metadata.Labels)
	r.Add("resource", r.System+"/"+plural+"/"+at, time.Time{}, f)
}

// serviceAccount gives an account (core/v1, schema ServiceAccount).
func (r *reading) serviceAccount(o object, _ json.RawMessage) error {
	f := source.Fields{"system": r.System, "login": o.Metadata.Namespace + "/" + o.Metadata.Name, "kind": "service", "status": "active"}
	if o.Metadata.Created != nil {
		f["createdAt"] = *o.Metadata.Created
	}
	r.Add("account", r.serviceAccountID(o.Metadata.Namespace, o.Metadata.Name), time.Time{}, f)
	return nil
}

func (r *reading) serviceAccountID(namespace, name string) string {
	return r.System + "/serviceaccount:" + namespace + "/" + name
}

// A networkPolicy (networking/v1, schema NetworkPolicy).
type networkPolicy struct {
	object
	Spec struct {
		Selector struct {
			Labels      map[string]string `json:"matchLabels"`
			Expressions []json.RawMessage `json:"matchExpressions"`
		} `json:"podSelector"`
		Types   []string `json:"policyTypes"`
		Ingress []struct {
			From  []json.RawMessage `json:"from"`
			Ports []json.RawMessage `json:"ports"`
		} `json:"ingress"`
	} `json:"spec"`
}

// everyPod reports whether it holds for what comes in to all pods of its
// namespace. Without a list of types it is of incoming traffic.
func (n networkPolicy) everyPod() bool {
	incoming := len(n.Spec.Types) == 0 || slices.Contains(n.Spec.Types, "Ingress")
	return incoming && len(n.Spec.Selector.Labels)+len(n.Spec.Selector.Expressions) == 0
}

// lets reports whether it lets everything in.
func (n networkPolicy) lets() bool {
	for _, rule := range n.Spec.Ingress {
		if len(rule.From)+len(rule.Ports) == 0 {
			return true
		}
	}
	return false
}

// networks gives a network for every namespace. It is isolated if a policy holds
// for all its pods, so that nothing comes in without a rule, and none lets
// everything in.
func (r *reading) networks(body []byte) error {
	var page networkPage
	if err := json.Unmarshal(body, &page); err != nil {
		return err
	}
	ruled, open := map[string]bool{}, map[string]bool{}
	for _, raw := range page.Policies {
		var n networkPolicy
		if err := json.Unmarshal(raw, &n); err != nil {
			return err
		}
		if n.everyPod() {
			ruled[n.Metadata.Namespace] = true
			open[n.Metadata.Namespace] = open[n.Metadata.Namespace] || n.lets()
		}
	}
	r.Each(page.Items, func(raw json.RawMessage) error {
		var o object
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		if o.Metadata.Name == "" {
			return errors.New("a namespace without a name")
		}
		f := source.Fields{"name": o.Metadata.Name, "provider": "kubernetes", "account": r.System}
		if page.Whole {
			f["isolated"] = ruled[o.Metadata.Name] && !open[o.Metadata.Name]
		} else if open[o.Metadata.Name] {
			f["isolated"] = false
		}
		r.Labels.Put(f, "network", o.Metadata.Labels)
		r.Add("network", r.System+"/namespaces/"+o.Metadata.Name, time.Time{}, f)
		return nil
	})
	return nil
}
