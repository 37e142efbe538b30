package gcp

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/internal/canonical"
	"tieout/source"
)

// storeReaders are the types of asset that are data stores.
var storeReaders = map[string]reader{
	"storage.googleapis.com/Bucket":     (*reading).bucket,
	sqlType:                             (*reading).sql,
	"bigquery.googleapis.com/Dataset":   (*reading).dataset,
	"compute.googleapis.com/Disk":       (*reading).disk,
	"compute.googleapis.com/RegionDisk": (*reading).disk,
	"redis.googleapis.com/Instance":     (*reading).redis,
	"pubsub.googleapis.com/Topic":       (*reading).topic,
}

func isStore(assetType string) bool { return storeReaders[assetType] != nil }

// A storePage is data stores of one answer, with what was learned of the
// policies that rule them.
type storePage struct {
	Format   int                        `json:"format"`
	Whole    bool                       `json:"policiesWhole"` // every policy of the scope was read: one that is not here is neither public nor rules logging
	Policies map[string]json.RawMessage `json:"policies"`      // by the name of what they are on; elements as they came
	Assets   []json.RawMessage          `json:"assets"`        // elements as they came
}

// encode writes the page; the elements stay byte for byte, and are not looked at.
func (p storePage) encode() []byte {
	n := 64
	for _, a := range p.Assets {
		n += len(a) + 1
	}
	b := fmt.Appendf(make([]byte, 0, n), `{"format":%d,"policiesWhole":%t,"policies":{`, p.Format, p.Whole)
	for i, name := range slices.Sorted(maps.Keys(p.Policies)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(canonical.AppendString(b, name), ':')
		b = append(b, p.Policies[name]...)
	}
	b = append(b, `},"assets":[`...)
	for i, a := range p.Assets {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, a...)
	}
	return append(b, ']', '}')
}

func (r *reading) stores(body []byte) error {
	r.store = &storePage{}
	if err := json.Unmarshal(body, r.store); err != nil {
		return err
	}
	r.Each(r.store.Assets, func(raw json.RawMessage) error {
		return r.asset(raw, func(a asset) error {
			read := storeReaders[a.AssetType]
			if read == nil {
				return fmt.Errorf("%q is no data store", a.AssetType)
			}
			if len(a.Resource.Data) == 0 {
				return fmt.Errorf("the inventory gives no settings of it")
			}
			return read(r, a, a.Resource.Data)
		})
	})
	return nil
}

// policyOn is the policy on a name that the page holds, nil where none is.
func (r *reading) policyOn(name string) *policy {
	var a asset
	if raw := r.store.Policies[name]; raw == nil || json.Unmarshal(raw, &a) != nil {
		return nil
	}
	return a.IAMPolicy
}

// public is whether the policy on a lets everyone in, nil where that is not
// known. Everyone can be named on the thing itself only: policies of projects
// and above take neither allUsers nor allAuthenticatedUsers (Resource Manager,
// setIamPolicy).
func (r *reading) public(a asset) any {
	switch p := r.policyOn(a.Name); {
	case p != nil && p.public():
		return true
	case r.store.Whole:
		return false
	}
	return nil
}

// logging is whether reads and writes of a service are logged for everyone by
// policies on a's project and above; nil where that is not known.
func (r *reading) logging(a asset, service string) any {
	var configs []auditConfig
	for _, name := range a.ruledBy() {
		if p := r.policyOn(name); p != nil {
			configs = append(configs, p.AuditConfigs...)
		}
	}
	all, some := logged(configs, service)
	switch {
	case all:
		return true
	case !some && r.store.Whole && len(a.Ancestors) > 0 && strings.HasPrefix(r.Scope, "organizations/"):
		return false
	}
	return nil
}

// add adds a data store. Google Cloud encrypts everything that is kept at rest,
// and offers no switch for it (Default encryption at rest).
func (r *reading) add(a asset, kind, name string, labels map[string]string, f source.Fields) {
	f["name"], f["kind"], f["encrypted"] = name, kind, true
	if _, there := f["region"]; !there {
		f["region"] = region(a.Resource.Location)
	}
	r.Labels.Put(f, "datastore", labels)
	r.Add("datastore", a.id(), time.Time{}, f)
}

// keyID is the id of a Cloud KMS key, of whatever version.
func keyID(name string) any {
	if name == "" {
		return nil
	}
	name, _, _ = strings.Cut(name, "/cryptoKeyVersions/")
	return "cloudkms.googleapis.com/" + strings.TrimPrefix(name, "//cloudkms.googleapis.com/")
}

// A gcs is a bucket of Cloud Storage (JSON v1, schema Bucket).
type gcs struct {
	Name         string
	Location     string
	LocationType string
	Labels       map[string]string
	Encryption   *struct {
		Key string `json:"defaultKmsKeyName"`
	}
	Versioning *struct{ Enabled bool }
	Logging    *struct{ LogBucket string }
	IAM        *struct {
		Prevention string                  `json:"publicAccessPrevention"`
		Uniform    *struct{ Enabled bool } `json:"uniformBucketLevelAccess"`
		Older      *struct{ Enabled bool } `json:"bucketPolicyOnly"`
	} `json:"iamConfiguration"`
	ACL       []struct{ Entity string } `json:"acl"`
	Lifecycle *struct {
		Rules []struct {
			Action    struct{ Type string }
			Condition map[string]json.RawMessage
		} `json:"rule"`
	}
}

func (r *reading) bucket(a asset, data json.RawMessage) error {
	var d gcs
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	f := source.Fields{"region": region(d.Location), "public": r.bucketPublic(a, d), "logging": r.logging(a, "storage.googleapis.com"), "retentionDays": d.retention()}
	if d.Logging != nil && d.Logging.LogBucket != "" {
		f["logging"] = true
	}
	if d.Versioning != nil {
		f["versioning"] = d.Versioning.Enabled
	}
	if d.Encryption != nil {
		f["key"] = ""
		if k := keyID(d.Encryption.Key); k != nil {
			f["key"] = k
		}
	}
	switch d.LocationType {
	case "region", "dual-region", "multi-region": // kept in two zones or more
		f["redundant"] = true
	case "zone":
		f["redundant"] = false
	}
	r.add(a, "bucket", d.Name, d.Labels, f)
	return nil
}

// uniform reports whether the policy alone decides who may read.
func (d gcs) uniform() bool {
	return d.IAM != nil && (d.IAM.Uniform != nil && d.IAM.Uniform.Enabled || d.IAM.Older != nil && d.IAM.Older.Enabled)
}

// bucketPublic: prevention beats everything; without uniform access an object's
// own list may open it, which the inventory does not hold.
func (r *reading) bucketPublic(a asset, d gcs) any {
	if d.IAM != nil && d.IAM.Prevention == "enforced" {
		return false
	}
	p := r.public(a)
	switch {
	case p == true || d.uniform():
		return p
	case slices.ContainsFunc(d.ACL, func(e struct{ Entity string }) bool { return everyone(e.Entity) }):
		return true
	}
	return nil
}

// retention is the days after which rules delete objects; 0 without such a rule.
// A rule that looks at more than age deletes some objects only: nil.
func (d gcs) retention() any {
	if d.Lifecycle == nil {
		return nil
	}
	days, found := 0, false
	for _, rule := range d.Lifecycle.Rules {
		if rule.Action.Type != "Delete" {
			continue
		}
		found = true
		var age int
		maps.DeleteFunc(rule.Condition, func(_ string, v json.RawMessage) bool { return string(v) == "[]" })
		if len(rule.Condition) != 1 || json.Unmarshal(rule.Condition["age"], &age) != nil || age <= 0 {
			continue
		}
		if days == 0 || age < days {
			days = age
		}
	}
	if found && days == 0 {
		return nil
	}
	return days
}

// A cloudSQL is an instance of Cloud SQL (Admin v1, schema DatabaseInstance).
type cloudSQL struct {
	Name     string
	Region   string
	Disk     *struct{ KmsKeyName string } `json:"diskEncryptionConfiguration"`
	Settings struct {
		Availability string            `json:"availabilityType"`
		Labels       map[string]string `json:"userLabels"`
		Backup       *struct {
			Enabled     *bool
			PointInTime *bool `json:"pointInTimeRecoveryEnabled"`
			BinaryLog   *bool `json:"binaryLogEnabled"`
		} `json:"backupConfiguration"`
		IP *struct {
			Public     *bool  `json:"ipv4Enabled"`
			SSLMode    string `json:"sslMode"`
			RequireSSL *bool  `json:"requireSsl"`
		} `json:"ipConfiguration"`
	}
}

func (r *reading) sql(a asset, data json.RawMessage) error {
	var d cloudSQL
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	f := source.Fields{"region": region(d.Region), "tlsRequired": d.tls(), "logging": r.logging(a, "cloudsql.googleapis.com")}
	if d.Disk != nil {
		f["key"] = keyID(d.Disk.KmsKeyName)
	}
	if ip := d.Settings.IP; ip != nil {
		f["public"] = told(ip.Public)
	}
	if b := d.Settings.Backup; b != nil {
		f["backedUp"] = told(b.Enabled)
		if b.PointInTime != nil || b.BinaryLog != nil {
			f["versioning"] = told(b.PointInTime) == true || told(b.BinaryLog) == true
		}
	}
	switch d.Settings.Availability {
	case "REGIONAL":
		f["redundant"] = true
	case "ZONAL":
		f["redundant"] = false
	}
	r.add(a, "database", d.Name, d.Settings.Labels, f)
	return nil
}

// tls is whether connections must be encrypted; the mode beats the older switch.
func (d cloudSQL) tls() any {
	if d.Settings.IP == nil {
		return nil
	}
	switch d.Settings.IP.SSLMode {
	case "ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED":
		return true
	case "ALLOW_UNENCRYPTED_AND_ENCRYPTED":
		return false
	}
	return told(d.Settings.IP.RequireSSL)
}

// dataset of BigQuery (v2, schema Dataset). Reads and writes of BigQuery are
// always logged (Cloud Audit Logs, BigQuery).
func (r *reading) dataset(a asset, data json.RawMessage) error {
	var d struct {
		ID         string
		Location   string
		Labels     map[string]string
		Encryption struct{ KmsKeyName string }                               `json:"defaultEncryptionConfiguration"`
		Expiration string                                                    `json:"defaultTableExpirationMs"`
		Access     []struct{ SpecialGroup, IamMember, View json.RawMessage } `json:"access"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	f := source.Fields{"region": region(d.Location), "key": keyID(d.Encryption.KmsKeyName), "public": r.public(a), "logging": true, "tlsRequired": true}
	for _, e := range d.Access {
		if string(e.SpecialGroup) == `"allAuthenticatedUsers"` || string(e.IamMember) == `"allUsers"` || string(e.IamMember) == `"allAuthenticatedUsers"` {
			f["public"] = true
		}
	}
	if ms, err := strconv.ParseInt(d.Expiration, 10, 64); err == nil && ms > 0 {
		f["retentionDays"] = ms / (24 * time.Hour.Milliseconds())
	}
	r.add(a, "warehouse", d.ID, d.Labels, f)
	return nil
}

// disk (Compute Engine v1, schema Disk). What a disk's schedule of snapshots is
// stands among its resource policies.
func (r *reading) disk(a asset, data json.RawMessage) error {
	var d struct {
		Name     string
		Zone     string
		Region   string
		Labels   map[string]string
		Key      struct{ KmsKeyName string } `json:"diskEncryptionKey"`
		Policies []string                    `json:"resourcePolicies"`
		Policy   []string                    `json:"resourcePolicy"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	f := source.Fields{"region": region(last(d.Zone + d.Region)), "key": keyID(d.Key.KmsKeyName), "redundant": d.Region != "", "public": r.public(a)}
	if len(oneOf(d.Policies, d.Policy)) > 0 {
		f["backedUp"] = true
	}
	r.add(a, "volume", d.Name, d.Labels, f)
	return nil
}

// redis is an instance of Memorystore (Redis v1, schema Instance): it has
// addresses within a VPC network only.
func (r *reading) redis(a asset, data json.RawMessage) error {
	var d struct {
		Name       string
		Tier       string
		Transit    string `json:"transitEncryptionMode"`
		Key        string `json:"customerManagedKey"`
		LocationID string
		Labels     map[string]string
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	f := source.Fields{"key": keyID(d.Key), "public": false}
	switch d.Transit {
	case "SERVER_AUTHENTICATION":
		f["tlsRequired"] = true
	case "DISABLED":
		f["tlsRequired"] = false
	}
	switch d.Tier {
	case "STANDARD_HA":
		f["redundant"] = true
	case "BASIC":
		f["redundant"] = false
	}
	r.add(a, "cache", last(d.Name), d.Labels, f)
	return nil
}

// topic of Pub/Sub (v1, schema Topic).
func (r *reading) topic(a asset, data json.RawMessage) error {
	var d struct {
		Name   string
		Key    string `json:"kmsKeyName"`
		Labels map[string]string
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	r.add(a, "queue", last(d.Name), d.Labels, source.Fields{"key": keyID(d.Key), "public": r.public(a), "logging": r.logging(a, "pubsub.googleapis.com")})
	return nil
}
