package gcp

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

// A policy as the inventory gives it (IAM, schema Policy).
type policy struct {
	Bindings     []binding     `json:"bindings"`
	AuditConfigs []auditConfig `json:"auditConfigs"`
}

type binding struct {
	Role      string   `json:"role"`
	Members   []string `json:"members"`
	Condition *struct {
		Title      string `json:"title"`
		Expression string `json:"expression"`
	} `json:"condition"`
}

// policy gives a membership for every member of every role, an account for
// every user, and what is logged.
func (r *reading) policy(a asset) error {
	if a.IAMPolicy == nil {
		return nil
	}
	r.auditConfiguration(a)
	for _, b := range a.IAMPolicy.Bindings {
		if b.Role == "" {
			return errors.New("a binding without a role")
		}
		for _, m := range b.Members {
			r.member(a, b, m)
		}
	}
	return nil
}

// accountID is the id of a principal as IAM writes it, such as user:ana@halyard.example.
func (r *reading) accountID(member string) string { return r.System + "/" + member }

// member gives one place in a role. Deleted principals can use none; and
// projectOwner:P and the like repeat the roles on a project itself.
func (r *reading) member(a asset, b binding, member string) {
	kind, name, _ := strings.Cut(member, ":")
	switch kind {
	case "deleted", "projectOwner", "projectEditor", "projectViewer":
		return
	case "user", "serviceAccount", "group", "domain": // without regard to case, like addresses
		member = kind + ":" + strings.ToLower(name)
	}
	if kind == "user" {
		r.Add("account", r.accountID(member), time.Time{}, source.Fields{"system": r.System, "login": strings.ToLower(name), "email": strings.ToLower(name), "kind": "human"})
	}
	f := source.Fields{"account": r.accountID(member), "system": r.System, "group": b.Role + " on " + a.id(), "role": "member", "privileged": r.privileged(b.Role)}
	if b.Role == "roles/owner" {
		f["role"] = "owner"
	}
	id := r.System + "/" + a.id() + "/" + b.Role + "/" + member
	if b.Condition != nil {
		f["group"] = f["group"].(string) + " if " + strings.Join(strings.Fields(b.Condition.Title), " ")
		sum := sha256.Sum256([]byte(b.Condition.Expression))
		id += "/if-" + hex.EncodeToString(sum[:6])
	}
	r.Add("membership", id, time.Time{}, f)
}

// usual are the roles that are privileged where nobody said which are.
var usual = source.Globs{"roles/owner", "roles/editor", "roles/*admin*", "roles/iam.serviceAccountTokenCreator"}

// privileged is whether a role grants administrative or production rights.
// Without the setting that is not known of a custom role.
func (r *reading) privileged(role string) any {
	switch {
	case len(r.Privileged) > 0:
		return r.Privileged.Match(role)
	case strings.HasPrefix(role, "roles/"):
		return usual.Match(role)
	}
	return nil
}

// serviceAccount (IAM v1, schema ServiceAccount); Google leaves disabled out
// where it is false.
func (r *reading) serviceAccount(a asset, data json.RawMessage) error {
	var d struct {
		Email    string
		Disabled bool
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	if d.Email == "" {
		return errors.New("a service account without an address")
	}
	status := "active"
	if d.Disabled {
		status = "disabled"
	}
	email := strings.ToLower(d.Email)
	r.Add("account", r.accountID("serviceAccount:"+email), time.Time{}, source.Fields{"system": r.System, "login": email, "email": email, "kind": "service", "status": status})
	return nil
}

// forever is how Google writes that a key does not end.
const forever = "9999-12-31T23:59:59Z"

// serviceAccountKey (IAM v1, schema ServiceAccountKey). Keys that Google manages
// for itself nobody can hold: they are left out.
func (r *reading) serviceAccountKey(a asset, data json.RawMessage) error {
	var d struct {
		Name     string
		KeyType  string
		After    string `json:"validAfterTime"`
		Before   string `json:"validBeforeTime"`
		Disabled bool
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	if d.KeyType == "SYSTEM_MANAGED" {
		return nil
	}
	made, ends := instantOf(d.After), instantOf(d.Before)
	f := source.Fields{"kind": "access", "system": r.System, "createdAt": made, "rotatedAt": made, "expiresAt": ends}
	if d.Before == forever {
		f["expiresAt"] = audit.Never
	}
	if d.After != "" {
		f["status"] = r.status(d.Disabled, ends)
	}
	if owner := keyOwner(d.Name); owner != "" {
		f["owner"] = r.accountID("serviceAccount:" + owner)
	} else if owner := keyOwner(a.Name); owner != "" {
		f["owner"] = r.accountID("serviceAccount:" + owner)
	}
	r.Add("key", a.id(), time.Time{}, f)
	return nil
}

// keyOwner is the address of the account in the name of its key, "" where it is
// named by number.
func keyOwner(name string) string {
	_, rest, ok := strings.Cut(name, "/serviceAccounts/")
	email, _, _ := strings.Cut(rest, "/")
	if !ok || !strings.Contains(email, "@") {
		return ""
	}
	return strings.ToLower(email)
}

// status of something that ends by itself, at the instant the page is about.
func (r *reading) status(disabled bool, ends time.Time) string {
	switch {
	case disabled:
		return "disabled"
	case !ends.IsZero() && !ends.After(r.about.From):
		return "expired"
	}
	return "active"
}

// apiKey (API Keys v2, schema Key).
func (r *reading) apiKey(a asset, data json.RawMessage) error {
	var d struct{ CreateTime, DeleteTime string }
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	made := instantOf(d.CreateTime)
	f := source.Fields{"kind": "token", "system": r.System, "createdAt": made, "rotatedAt": made, "expiresAt": audit.Never}
	switch {
	case d.DeleteTime != "":
		f["status"] = "deleted"
	case d.CreateTime != "":
		f["status"] = "active"
	}
	r.Add("key", a.id(), time.Time{}, f)
	return nil
}

var versionStates = map[string]string{"ENABLED": "active", "DISABLED": "disabled", "DESTROY_SCHEDULED": "disabled", "DESTROYED": "deleted"}

// cryptoKey (Cloud KMS v1, schema CryptoKey). Only keys that encrypt and
// decrypt have a primary version; of others the state is not in the key itself.
func (r *reading) cryptoKey(a asset, data json.RawMessage) error {
	var d struct {
		CreateTime     string
		Purpose        string
		RotationPeriod string
		Primary        *struct {
			CreateTime, GenerateTime, State string
		}
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	f := source.Fields{"kind": "encryption", "system": r.System, "createdAt": instantOf(d.CreateTime), "owner": ""}
	if d.Purpose != "" {
		f["autoRotate"] = d.RotationPeriod != ""
	}
	if v := d.Primary; v != nil {
		f["status"] = versionStates[v.State]
		f["rotatedAt"] = instantOf(v.CreateTime)
		if v.GenerateTime != "" {
			f["rotatedAt"] = instantOf(v.GenerateTime)
		}
	}
	r.Add("key", a.id(), time.Time{}, f)
	return nil
}

// certificate (Compute Engine v1, schema SslCertificate).
func (r *reading) certificate(a asset, data json.RawMessage) error {
	var d struct {
		Type       string
		Creation   string `json:"creationTimestamp"`
		ExpireTime string
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	ends := instantOf(d.ExpireTime)
	f := source.Fields{"kind": "certificate", "system": r.System, "createdAt": instantOf(d.Creation), "expiresAt": ends, "owner": ""}
	if !ends.IsZero() {
		f["status"] = r.status(false, ends)
	}
	switch d.Type {
	case "MANAGED":
		f["autoRotate"] = true
	case "SELF_MANAGED":
		f["autoRotate"] = false
	}
	r.Add("key", a.id(), time.Time{}, f)
	return nil
}
