package gcp

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tieout/source"
	"tieout/source/cloud"
)

// A gke is a cluster of Kubernetes Engine (v1, schema Cluster).
type gke struct {
	Name           string
	Status         string
	Endpoint       string
	LoggingService string
	Labels         map[string]string `json:"resourceLabels"`
	Private        struct {
		Endpoint bool `json:"enablePrivateEndpoint"`
	} `json:"privateClusterConfig"`
	Authorized struct {
		Enabled bool
		Blocks  []struct {
			CIDR string `json:"cidrBlock"`
		} `json:"cidrBlocks"`
	} `json:"masterAuthorizedNetworksConfig"`
	Endpoints struct {
		IP struct {
			Public *bool `json:"enablePublicEndpoint"`
		} `json:"ipEndpointsConfig"`
	} `json:"controlPlaneEndpointsConfig"`
}

// public is whether any address can reach the control plane, nil where that is not told.
func (d gke) public() any {
	switch {
	case d.Private.Endpoint, d.Endpoints.IP.Public != nil && !*d.Endpoints.IP.Public:
		return false
	case d.Authorized.Enabled:
		for _, b := range d.Authorized.Blocks {
			if cloud.Anywhere(b.CIDR) {
				return true
			}
		}
		return false
	case d.Endpoint != "":
		return true
	}
	return nil
}

func (r *reading) cluster(a asset, data json.RawMessage) error {
	var d gke
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	f := source.Fields{"public": d.public()}
	switch f["public"] {
	case true:
		f["openPorts"] = []string{"443"} // of the control plane
	case false:
		f["openPorts"] = []string{}
	}
	switch d.Status {
	case "RUNNING", "RECONCILING", "DEGRADED":
		f["enabled"] = true
	}
	switch {
	case d.LoggingService == "none":
		f["logging"] = false
	case strings.HasPrefix(d.LoggingService, "logging.googleapis.com"):
		f["logging"] = true
	}
	r.addResource(a, "cluster", d.Name, d.Labels, true, f)
	return nil
}

// logSink sends log entries on (Logging v2, schema LogSink); Google leaves
// disabled out where it is false.
func (r *reading) logSink(a asset, data json.RawMessage) error {
	var d struct {
		Name        string
		Destination string
		Disabled    bool
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	f := source.Fields{"openPorts": []string{}}
	if d.Destination != "" {
		f["enabled"] = !d.Disabled
	}
	r.addResource(a, "log sink", last(d.Name), nil, false, f)
	return nil
}

// logBucket keeps log entries (Logging v2, schema LogBucket). The one called
// _Required takes the records of administrators' acts, which cannot be switched
// off: it is the audit trail.
func (r *reading) logBucket(a asset, data json.RawMessage) error {
	var d struct {
		Name      string
		Retention *int   `json:"retentionDays"`
		Locked    bool   `json:"locked"`
		State     string `json:"lifecycleState"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	name := last(d.Name)
	kind := "log bucket"
	f := source.Fields{"retentionDays": told(d.Retention), "tampering": d.Locked, "openPorts": []string{}}
	if name == "_Required" {
		kind = "trail"
	}
	if d.State != "" {
		f["enabled"] = d.State == "ACTIVE"
	}
	r.addResource(a, kind, name, nil, false, f)
	return nil
}

type auditLogConfig struct {
	LogType  string   `json:"logType"`
	Exempted []string `json:"exemptedMembers"`
}

// An auditConfig says which reads and writes of a service are logged (IAM,
// schema AuditConfig).
type auditConfig struct {
	Service string           `json:"service"`
	Logs    []auditLogConfig `json:"auditLogConfigs"`
}

// logged reports whether reads and writes of service are logged for everyone,
// and whether they are for some.
func logged(configs []auditConfig, service string) (all, some bool) {
	types := map[string]bool{}
	for _, c := range configs {
		if c.Service != "allServices" && c.Service != service {
			continue
		}
		for _, l := range c.Logs {
			some = true
			types[l.LogType] = types[l.LogType] || len(l.Exempted) == 0
			if len(l.Exempted) > 0 {
				types["exempted "+l.LogType] = true
			}
		}
	}
	on := func(t string) bool { return types[t] && !types["exempted "+t] }
	return on("DATA_READ") && on("DATA_WRITE"), some
}

// auditConfiguration gives what a policy of a project, folder or organization
// says about logging. Below the organization, more may come from above, so that
// what it lacks is not known to be off.
func (r *reading) auditConfiguration(a asset) {
	service, path, _ := strings.Cut(a.id(), "/")
	if service != "cloudresourcemanager.googleapis.com" {
		return
	}
	f := source.Fields{"openPorts": []string{}}
	all, _ := logged(a.IAMPolicy.AuditConfigs, "allServices")
	switch {
	case all:
		f["enabled"], f["logging"] = true, true
	case strings.HasPrefix(path, "organizations/"):
		f["enabled"], f["logging"] = len(a.IAMPolicy.AuditConfigs) > 0, false
	case len(a.IAMPolicy.AuditConfigs) == 0:
		return
	}
	f["name"], f["kind"], f["provider"], f["region"] = "data access logs of "+path, "audit configuration", "gcp", ""
	f["account"] = path
	r.Add("resource", a.id()+"/auditConfigs", time.Time{}, f)
}

// public reports whether a policy lets everyone in.
func (p *policy) public() bool {
	for _, b := range p.Bindings {
		if slices.ContainsFunc(b.Members, everyone) {
			return true
		}
	}
	return false
}

func everyone(member string) bool { return member == "allUsers" || member == "allAuthenticatedUsers" }
