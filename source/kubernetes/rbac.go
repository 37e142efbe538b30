package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/source"
)

// A role or cluster role (rbac/v1, schemas Role and ClusterRole).
type role struct {
	object
	Rules []struct {
		Verbs     []string `json:"verbs"`
		Resources []string `json:"resources"`
	} `json:"rules"`
}

// grantsMuch reports whether it allows everything on everything, or to become
// another or to take rights one does not have.
func (o role) grantsMuch() bool {
	for _, rule := range o.Rules {
		if slices.Contains(rule.Verbs, "*") && slices.Contains(rule.Resources, "*") {
			return true
		}
		for _, verb := range []string{"escalate", "bind", "impersonate"} {
			if slices.Contains(rule.Verbs, verb) {
				return true
			}
		}
		if slices.Contains(rule.Verbs, "*") && slices.ContainsFunc(rule.Resources, rights) {
			return true
		}
	}
	return false
}

// rights reports a resource of which "every verb" holds escalate, bind or impersonate.
func rights(resource string) bool {
	return slices.Contains([]string{"roles", "clusterroles", "users", "groups", "serviceaccounts", "uids", "userextras"}, resource) ||
		strings.HasPrefix(resource, "userextras/")
}

// A binding (rbac/v1, schemas RoleBinding and ClusterRoleBinding).
type binding struct {
	object
	Subjects []subject `json:"subjects"`
	Role     struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	} `json:"roleRef"`
}

type subject struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// roleKey names the role: a Role is of the binding's own namespace.
func (b binding) roleKey() string {
	if b.Role.Kind == "Role" {
		return b.Metadata.Namespace + "/" + b.Role.Name
	}
	return "/" + b.Role.Name
}

func (r *reading) bindings(body []byte) error {
	var page bindingPage
	if err := json.Unmarshal(body, &page); err != nil {
		return err
	}
	much := map[string]bool{}
	for _, raw := range page.Roles {
		var o role
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		if o.grantsMuch() {
			much[o.Metadata.Namespace+"/"+o.Metadata.Name] = true
		}
	}
	r.Each(page.Items, func(raw json.RawMessage) error {
		var b binding
		if err := json.Unmarshal(raw, &b); err != nil {
			return err
		}
		if b.Metadata.Name == "" || b.Role.Name == "" {
			return errors.New("a binding without a name or a role")
		}
		for _, s := range b.Subjects {
			if err := r.bound(b, s, r.privileged(b, much, page.Whole)); err != nil {
				return fmt.Errorf("%s/%s: %w", b.Metadata.Namespace, b.Metadata.Name, err)
			}
		}
		return nil
	})
	return nil
}

// privileged is whether a role grants administrative or production rights, nil
// where its rules are not known.
func (r *reading) privileged(b binding, much map[string]bool, whole bool) any {
	switch {
	case much[b.roleKey()], b.Role.Kind == "ClusterRole" && b.Role.Name == "cluster-admin", r.Privileged.Match(b.Role.Name):
		return true
	case whole:
		return false
	}
	return nil
}

// bound gives the membership of one subject, and the account of a user: a
// cluster knows users by nothing but their bindings.
func (r *reading) bound(b binding, s subject, privileged any) error {
	if s.Name == "" {
		return errors.New("a subject without a name")
	}
	var account string
	switch s.Kind {
	case "User":
		if account = r.user(s.Name); account == "" {
			return fmt.Errorf("user %q is not understood", s.Name)
		}
	case "ServiceAccount":
		account = r.serviceAccountID(s.Namespace, s.Name)
	case "Group":
		account = r.System + "/group:" + s.Name
	default:
		return fmt.Errorf("a subject of kind %q is not known", s.Kind)
	}
	at, id := "in the whole cluster", r.System+"/clusterrolebindings/"+b.Metadata.Name
	if b.Metadata.Namespace != "" {
		at, id = "in namespace "+b.Metadata.Namespace, r.System+"/rolebindings/"+b.Metadata.Namespace+"/"+b.Metadata.Name
	}
	f := source.Fields{"account": account, "system": r.System, "group": b.Role.Kind + " " + b.Role.Name + " " + at, "role": "member", "privileged": privileged}
	r.Add("membership", id+"/"+strings.TrimPrefix(account, r.System+"/"), time.Time{}, f)
	return nil
}

// user adds the account of a user and returns its id. A service account may be
// written as a user, too.
func (r *reading) user(name string) string {
	if rest, ok := strings.CutPrefix(name, "system:serviceaccount:"); ok {
		namespace, account, ok := strings.Cut(rest, ":")
		if !ok {
			return ""
		}
		return r.serviceAccountID(namespace, account)
	}
	kind := "human"
	if strings.HasPrefix(name, "system:") { // of the control plane itself
		kind = "service"
	}
	id := r.System + "/user:" + name
	f := source.Fields{"system": r.System, "login": name, "kind": kind}
	if strings.Contains(name, "@") && kind == "human" {
		f["email"] = strings.ToLower(name)
	}
	r.Add("account", id, time.Time{}, f)
	return id
}
