package gcp

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tieout/source"
	"tieout/source/cloud"
)

type accessConfig struct {
	NatIP      string `json:"natIP"`
	ExternalIP string `json:"externalIp"`
}

type networkInterface struct {
	Configs  []accessConfig    `json:"accessConfigs"`
	Config   []accessConfig    `json:"accessConfig"`
	IPv6     []json.RawMessage `json:"ipv6AccessConfigs"`
	IPv6Type string            `json:"ipv6AccessType"`
}

// instance is a virtual machine (Compute Engine v1, schema Instance).
func (r *reading) instance(a asset, data json.RawMessage) error {
	var d struct {
		Name       string
		Status     string
		Labels     map[string]string
		Interfaces []networkInterface `json:"networkInterfaces"`
		Interface  []networkInterface `json:"networkInterface"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	f := source.Fields{}
	if nics := oneOf(d.Interfaces, d.Interface); len(nics) > 0 {
		f["public"] = slices.ContainsFunc(nics, networkInterface.external)
		if f["public"] == false {
			f["openPorts"] = []string{}
		}
	}
	switch d.Status {
	case "RUNNING":
		f["enabled"] = true
	case "TERMINATED", "STOPPED", "SUSPENDED":
		f["enabled"] = false
	}
	r.addResource(a, "instance", d.Name, d.Labels, true, f)
	return nil
}

// external reports whether it has an address of the internet, or is to get one.
func (n networkInterface) external() bool {
	return len(n.Configs)+len(n.Config)+len(n.IPv6) > 0 || n.IPv6Type == "EXTERNAL"
}

type allowed struct {
	Protocol string   `json:"IPProtocol"`
	Ports    []string `json:"ports"`
	Port     []string `json:"port"`
}

// firewall is a rule of a VPC network (Compute Engine v1, schema Firewall).
func (r *reading) firewall(a asset, data json.RawMessage) error {
	var d struct {
		Name      string
		Direction string
		Disabled  *bool
		Allowed   []allowed
		LogConfig *struct{ Enable bool }
		origin
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	f := source.Fields{}
	if d.Disabled != nil {
		f["enabled"] = !*d.Disabled
	}
	if d.LogConfig != nil {
		f["logging"] = d.LogConfig.Enable
	}
	if d.Direction == "INGRESS" || d.Direction == "EGRESS" {
		open := d.Direction == "INGRESS" && (d.Disabled == nil || !*d.Disabled) && d.anywhere()
		var ports cloud.Ports
		known := true
		for _, rule := range d.Allowed {
			known = rule.add(&ports) && known
		}
		switch {
		case !open:
			f["public"], f["openPorts"] = false, []string{}
		case known:
			f["public"], f["openPorts"] = len(d.Allowed) > 0, ports.List()
		}
	}
	r.addResource(a, "network rule", d.Name, nil, false, f)
	return nil
}

// An origin is what a firewall rule looks at of who comes.
type origin struct {
	Ranges   []string `json:"sourceRanges"`
	Range    []string `json:"sourceRange"`
	Tags     []string `json:"sourceTags"`
	Tag      []string `json:"sourceTag"`
	Accounts []string `json:"sourceServiceAccounts"`
	Account  []string `json:"sourceServiceAccount"`
}

// anywhere reports whether anyone may come: a rule that names no origin is for all.
func (o origin) anywhere() bool {
	named := slices.Concat(o.Ranges, o.Range, o.Tags, o.Tag, o.Accounts, o.Account)
	return len(named) == 0 || slices.ContainsFunc(oneOf(o.Ranges, o.Range), cloud.Anywhere)
}

var protocols = map[string]string{"6": "tcp", "17": "udp", "132": "sctp"}

// add adds what a rule allows; a protocol without ports adds none. It reports
// whether all of it was understood.
func (w allowed) add(p *cloud.Ports) bool {
	protocol := strings.ToLower(w.Protocol)
	if name := protocols[protocol]; name != "" {
		protocol = name
	}
	each := []string{protocol}
	switch protocol {
	case "all", "l3_default": // the latter of forwarding rules
		each = []string{"tcp", "udp"}
	case "tcp", "udp", "sctp":
	default:
		return protocol != ""
	}
	texts := oneOf(w.Ports, w.Port)
	if len(texts) == 0 {
		texts = []string{"*"}
	}
	ok := true
	for _, name := range each {
		for _, text := range texts {
			ok = p.AddText(name, text) && ok
		}
	}
	return ok
}

// forwarding is the outer side of a load balancer (Compute Engine v1, schema ForwardingRule).
func (r *reading) forwarding(a asset, data json.RawMessage) error {
	var d struct {
		Name      string
		Scheme    string            `json:"loadBalancingScheme"`
		Protocol  string            `json:"IPProtocol"`
		PortRange string            `json:"portRange"`
		Ports     []string          `json:"ports"`
		AllPorts  bool              `json:"allPorts"`
		Labels    map[string]string `json:"labels"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	f := source.Fields{}
	switch {
	case strings.HasPrefix(d.Scheme, "INTERNAL"):
		f["public"], f["openPorts"] = false, []string{}
	case strings.HasPrefix(d.Scheme, "EXTERNAL"):
		f["public"] = true
		texts := d.Ports
		if d.PortRange != "" {
			texts = append(texts, d.PortRange)
		}
		w := allowed{Protocol: d.Protocol, Ports: texts}
		var ports cloud.Ports
		if (len(texts) > 0 || d.AllPorts) && w.add(&ports) {
			f["openPorts"] = ports.List()
		}
	}
	r.addResource(a, "forwarding rule", d.Name, d.Labels, true, f)
	return nil
}

// backend is what a load balancer hands requests to, and where a web
// application firewall is set (Compute Engine v1, schema BackendService).
func (r *reading) backend(a asset, data json.RawMessage) error {
	var d struct {
		Name      string
		Scheme    string `json:"loadBalancingScheme"`
		Policy    string `json:"securityPolicy"`
		LogConfig *struct{ Enable bool }
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	f := source.Fields{"waf": d.Policy != ""} // a URL of the Cloud Armor policy, left out where there is none
	switch {
	case strings.HasPrefix(d.Scheme, "INTERNAL"):
		f["public"], f["openPorts"] = false, []string{}
	case strings.HasPrefix(d.Scheme, "EXTERNAL"):
		f["public"] = true
	}
	if d.LogConfig != nil {
		f["logging"] = d.LogConfig.Enable
	}
	r.addResource(a, "load balancer", d.Name, nil, false, f)
	return nil
}

type peering struct {
	Network string
	State   string
}

// network is a VPC network (Compute Engine v1, schema Network).
func (r *reading) network(a asset, data json.RawMessage) error {
	var d struct {
		Name     string
		Peerings []peering `json:"peerings"`
		Peering  []peering `json:"peering"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	joins := []string{}
	for _, p := range oneOf(d.Peerings, d.Peering) {
		if p.State == "ACTIVE" {
			joins = append(joins, computeID(p.Network))
		}
	}
	slices.Sort(joins)
	r.Add("network", a.id(), time.Time{}, source.Fields{"name": d.Name, "provider": "gcp", "account": a.account(), "region": "", "joins": joins})
	return nil
}

// computeID is the id of what a URL of Compute Engine names.
func computeID(link string) string {
	if _, path, ok := strings.Cut(link, "/projects/"); ok {
		return "compute.googleapis.com/projects/" + path
	}
	return link
}

// subnetwork is a part of a VPC network in one region, where traffic is logged
// or not (Compute Engine v1, schema Subnetwork).
func (r *reading) subnetwork(a asset, data json.RawMessage) error {
	var d struct {
		Name      string
		Network   string
		Region    string
		Purpose   string
		FlowLogs  *bool `json:"enableFlowLogs"`
		LogConfig *struct{ Enable bool }
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	f := source.Fields{"name": last(d.Network) + "/" + d.Name, "provider": "gcp", "account": a.account(), "region": region(last(d.Region))}
	switch {
	case d.FlowLogs != nil:
		f["flowLogs"] = *d.FlowLogs
	case d.LogConfig != nil:
		f["flowLogs"] = d.LogConfig.Enable
	}
	r.Add("network", a.id(), time.Time{}, f)
	return nil
}
