package gcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/jsonscan"
	"tieout/source"
)

// An asset as the inventory (Cloud Asset v1, schema Asset) gives it.
type asset struct {
	Name      string   `json:"name"` // //SERVICE/PATH
	AssetType string   `json:"assetType"`
	Ancestors []string `json:"ancestors"` // projects/NUMBER, folders/N, organizations/N
	Resource  struct {
		Parent   string          `json:"parent"`
		Location string          `json:"location"`
		Data     json.RawMessage `json:"data"`
	} `json:"resource"`
	IAMPolicy  *policy `json:"iamPolicy"`
	Exceptions []struct {
		Type    string `json:"exceptionType"`
		Details string `json:"details"`
	} `json:"assetExceptions"`
}

// id is the asset's full name without the slashes it starts with: unique in the world.
func (a asset) id() string { return strings.TrimPrefix(a.Name, "//") }

// account is the project a thing is in, by its number where the inventory says it.
func (a asset) account() string {
	for _, n := range a.Ancestors {
		if strings.HasPrefix(n, "projects/") {
			return n
		}
	}
	if _, n, ok := strings.Cut(a.Resource.Parent, "//cloudresourcemanager.googleapis.com/"); ok {
		return n
	}
	return ""
}

// ruledBy are the names of what holds policies that rule a: itself and what it is in.
func (a asset) ruledBy() []string {
	out := []string{a.Name}
	for _, n := range a.Ancestors {
		out = append(out, "//cloudresourcemanager.googleapis.com/"+n)
	}
	return out
}

// A reading is one page while it becomes items.
type reading struct {
	source.Reading
	config
	about audit.Span
	store *storePage // of a page of data stores
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	r := &reading{about: p.About}
	if err := json.Unmarshal(conf, &r.config); err != nil {
		return nil, fmt.Errorf("%w: configuration: %w", audit.ErrInvalid, err)
	}
	var err error
	switch p.Kind {
	case source.KindFailed, kindInstant, kindProjects, kindFolders, kindRuns:
		return nil, nil
	case kindPolicies:
		err = r.assets(p.Body, r.policy)
	case kindResources:
		err = r.assets(p.Body, r.resource)
	case kindDatastores:
		err = r.stores(p.Body)
	case kindBackups:
		err = r.backups(p.Body)
	default:
		return nil, fmt.Errorf("%w: page kind %q", audit.ErrInvalid, p.Kind)
	}
	r.Refuse("page", err)
	return r.Done()
}

// assets calls read with every asset of a page.
func (r *reading) assets(body []byte, read func(asset) error) error {
	list, err := elements(func() (jsonscan.Doc, error) { return jsonscan.Scan(body) }, "assets")
	if err != nil {
		return err
	}
	r.Each(list, func(raw json.RawMessage) error { return r.asset(raw, read) })
	return nil
}

func (r *reading) asset(raw json.RawMessage, read func(asset) error) error {
	var a asset
	if err := json.Unmarshal(raw, &a); err != nil {
		return err
	}
	if a.id() == "" {
		return errors.New("an asset without a name")
	}
	if err := read(a); err != nil {
		return fmt.Errorf("%s: %w", a.Name, err)
	}
	if len(a.Exceptions) > 0 {
		return fmt.Errorf("%s: the inventory gives it in part: %s %s", a.Name, a.Exceptions[0].Type, a.Exceptions[0].Details)
	}
	return nil
}

// A reader makes items of the data of one asset.
type reader func(r *reading, a asset, data json.RawMessage) error

// readers are the types of asset that are asked for. Those of data stores are
// read on pages of their own, beside the policies that rule them.
var readers = map[string]reader{
	projectType:                                   nil,
	"compute.googleapis.com/Instance":             (*reading).instance,
	"compute.googleapis.com/Firewall":             (*reading).firewall,
	"compute.googleapis.com/ForwardingRule":       (*reading).forwarding,
	"compute.googleapis.com/GlobalForwardingRule": (*reading).forwarding,
	"compute.googleapis.com/BackendService":       (*reading).backend,
	"compute.googleapis.com/RegionBackendService": (*reading).backend,
	"compute.googleapis.com/Network":              (*reading).network,
	"compute.googleapis.com/Subnetwork":           (*reading).subnetwork,
	"compute.googleapis.com/SslCertificate":       (*reading).certificate,
	"container.googleapis.com/Cluster":            (*reading).cluster,
	"logging.googleapis.com/LogSink":              (*reading).logSink,
	"logging.googleapis.com/LogBucket":            (*reading).logBucket,
	"cloudkms.googleapis.com/CryptoKey":           (*reading).cryptoKey,
	"iam.googleapis.com/ServiceAccount":           (*reading).serviceAccount,
	"iam.googleapis.com/ServiceAccountKey":        (*reading).serviceAccountKey,
	"apikeys.googleapis.com/Key":                  (*reading).apiKey,
}

// assetTypes are the types that are asked for, sorted.
func assetTypes() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for _, m := range []map[string]reader{readers, storeReaders} {
			for name := range maps.Keys(m) {
				if !yield(name) {
					return
				}
			}
		}
	})
}

func (r *reading) resource(a asset) error {
	read := readers[a.AssetType]
	if read == nil {
		return nil
	}
	if len(a.Resource.Data) == 0 {
		return errors.New("the inventory gives no settings of it")
	}
	return read(r, a, a.Resource.Data)
}

// addResource adds a resource item with what every asset says.
func (r *reading) addResource(a asset, kind, name string, labels map[string]string, labeled bool, f source.Fields) {
	f["name"], f["kind"], f["provider"], f["account"] = name, kind, "gcp", a.account()
	if _, there := f["region"]; !there {
		f["region"] = region(a.Resource.Location)
	}
	if labeled {
		r.Labels.Put(f, "resource", labels)
	}
	r.Add("resource", a.id(), time.Time{}, f)
}

// region is where something is: "" for what is global, nil where it is not told.
func region(location string) any {
	switch location {
	case "":
		return nil
	case "global":
		return ""
	}
	return strings.ToLower(location)
}

// last is the last part of a path or URL.
func last(path string) string { return path[strings.LastIndex(path, "/")+1:] }

// oneOf is the first list that holds something: the inventory writes fields of
// Compute Engine in the plural, in the singular (older records), or both.
func oneOf[T any](lists ...[]T) []T {
	for _, l := range lists {
		if len(l) > 0 {
			return l
		}
	}
	return nil
}

// instantOf reads an RFC 3339 time, zero where there is none.
func instantOf(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// told is what p points to, nil where the answer does not hold it.
func told[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}
