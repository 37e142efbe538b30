package kubernetes

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	"tieout/source"
	"tieout/source/cloud"
)

// A podSpec is what a workload runs (core/v1, schema PodSpec).
type podSpec struct {
	HostNetwork bool        `json:"hostNetwork"`
	HostPID     bool        `json:"hostPID"`
	HostIPC     bool        `json:"hostIPC"`
	Security    security    `json:"securityContext"`
	Containers  []container `json:"containers"`
	Init        []container `json:"initContainers"`
	Ephemeral   []container `json:"ephemeralContainers"`
	Volumes     []struct {
		HostPath *json.RawMessage `json:"hostPath"`
	} `json:"volumes"`
}

type container struct {
	Security security `json:"securityContext"`
	Ports    []struct {
		HostPort int `json:"hostPort"`
	} `json:"ports"`
}

type security struct {
	Privileged   bool `json:"privileged"`
	Capabilities struct {
		Add []string `json:"add"`
	} `json:"capabilities"`
	Windows struct {
		HostProcess bool `json:"hostProcess"`
	} `json:"windowsOptions"`
}

// harmless are the capabilities that may be added without rights over the host
// (Pod Security Standards, Baseline).
var harmless = []string{"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}

func (s security) privileged() bool {
	return s.Privileged || s.Windows.HostProcess || slices.ContainsFunc(s.Capabilities.Add, func(c string) bool { return !slices.Contains(harmless, c) })
}

// privileged reports whether it runs with rights over its host: the host's
// namespaces or files, a privileged container, capabilities beyond the harmless.
func (p podSpec) privileged() bool {
	if p.HostNetwork || p.HostPID || p.HostIPC || p.Security.privileged() {
		return true
	}
	for _, v := range p.Volumes {
		if v.HostPath != nil {
			return true
		}
	}
	for _, c := range slices.Concat(p.Containers, p.Init, p.Ephemeral) {
		if c.Security.privileged() {
			return true
		}
	}
	return false
}

// hidden reports whether nothing of it answers on an address of its host: only
// services and ingresses lead to it.
func (p podSpec) hidden() bool {
	for _, c := range slices.Concat(p.Containers, p.Init, p.Ephemeral) {
		for _, e := range c.Ports {
			if e.HostPort != 0 {
				return false
			}
		}
	}
	return !p.HostNetwork
}

type template struct {
	Spec *podSpec `json:"spec"`
}

// A spec is that of any workload: where its pods stand differs.
type spec struct {
	podSpec
	Replicas *int      `json:"replicas"`
	Suspend  *bool     `json:"suspend"`
	Template *template `json:"template"`
	Job      *struct {
		Spec struct {
			Template *template `json:"template"`
		} `json:"spec"`
	} `json:"jobTemplate"`
}

func (s spec) pods() *podSpec {
	switch {
	case s.Job != nil && s.Job.Spec.Template != nil:
		return s.Job.Spec.Template.Spec
	case s.Template != nil:
		return s.Template.Spec
	case len(s.Containers) > 0:
		return &s.podSpec
	}
	return nil
}

// workload reads what runs pods, or a pod that runs by itself.
func workload(kind string) reader {
	plural := strings.ReplaceAll(kind, " ", "") + "s"
	return func(r *reading, o object, raw json.RawMessage) error {
		var d struct {
			Spec spec `json:"spec"`
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			return err
		}
		if o.owned() {
			return nil
		}
		f := source.Fields{}
		if p := d.Spec.pods(); p != nil {
			f["privileged"] = p.privileged()
			if p.hidden() {
				f["openPorts"] = []string{}
			}
		}
		switch {
		case d.Spec.Suspend != nil:
			f["enabled"] = !*d.Spec.Suspend
		case d.Spec.Replicas != nil:
			f["enabled"] = *d.Spec.Replicas > 0
		}
		r.addResource(o, plural, kind, f)
		return nil
	}
}

// An address is one that a load balancer was given (core/v1, LoadBalancerIngress).
type address struct {
	IP       string `json:"ip"`
	Hostname string `json:"hostname"`
}

// Annotations that say whether a load balancer is for a company's own networks.
var inner = map[string][2]string{ // value of an inner one, of an outer one
	"service.beta.kubernetes.io/aws-load-balancer-internal":   {"true", "false"},
	"service.beta.kubernetes.io/aws-load-balancer-scheme":     {"internal", "internet-facing"},
	"alb.ingress.kubernetes.io/scheme":                        {"internal", "internet-facing"},
	"service.beta.kubernetes.io/azure-load-balancer-internal": {"true", "false"},
	"networking.gke.io/load-balancer-type":                    {"Internal", "External"},
	"cloud.google.com/load-balancer-type":                     {"Internal", "External"},
}

// public is whether a load balancer can be reached from the internet: it has an
// address of the internet, or its annotations or addresses say it. nil where
// neither says: a name may lead anywhere.
func public(o object, given []address) any {
	known, outer := outside(given)
	if outer {
		return true
	}
	for name, values := range inner {
		switch o.Metadata.Annotations[name] {
		case values[0]:
			return false
		}
	}
	for name, values := range inner {
		if o.Metadata.Annotations[name] == values[1] {
			return true
		}
	}
	if known {
		return false
	}
	return nil
}

// outside reports whether all of the addresses are told, and whether one of
// them is of the internet.
func outside(given []address) (known, outer bool) {
	known = len(given) > 0
	for _, a := range given {
		ip, err := netip.ParseAddr(a.IP)
		if err != nil {
			known = false
			continue
		}
		outer = outer || !ip.IsPrivate() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !shared.Contains(ip)
	}
	return known, outer
}

var shared = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

type port struct {
	Protocol string `json:"protocol"`
	Port     int    `json:"port"`
}

// service is a service (core/v1, schema Service).
func (r *reading) service(o object, raw json.RawMessage) error {
	var d struct {
		Spec struct {
			Type        string   `json:"type"`
			Ports       []port   `json:"ports"`
			ExternalIPs []string `json:"externalIPs"`
			Ranges      []string `json:"loadBalancerSourceRanges"`
		} `json:"spec"`
		Status struct {
			Balancer struct {
				Ingress []address `json:"ingress"`
			} `json:"loadBalancer"`
		} `json:"status"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return err
	}
	f := source.Fields{}
	switch d.Spec.Type {
	case "LoadBalancer":
		f["public"] = public(o, d.Status.Balancer.Ingress)
		if len(d.Spec.Ranges) > 0 && !slices.ContainsFunc(d.Spec.Ranges, cloud.Anywhere) {
			f["public"] = false
		}
	case "ClusterIP", "ExternalName":
		if len(d.Spec.ExternalIPs) == 0 {
			f["public"] = false
		}
	}
	switch f["public"] {
	case true:
		var ports cloud.Ports
		for _, p := range d.Spec.Ports {
			if p.Port > 0 && p.Port <= 65535 {
				ports.Add(strings.ToLower(p.protocol()), p.Port, p.Port)
			}
		}
		f["openPorts"] = ports.List()
	case false:
		f["openPorts"] = []string{}
	}
	kind := "service"
	if d.Spec.Type == "LoadBalancer" {
		kind = "load balancer"
	}
	r.addResource(o, "services", kind, f)
	return nil
}

func (p port) protocol() string {
	if p.Protocol == "" {
		return "TCP" // what leaving it out means
	}
	return p.Protocol
}

// ingress is an ingress (networking/v1, schema Ingress).
func (r *reading) ingress(o object, raw json.RawMessage) error {
	var d struct {
		Spec struct {
			Rules []struct {
				Host string `json:"host"`
			} `json:"rules"`
			TLS []struct {
				Hosts []string `json:"hosts"`
			} `json:"tls"`
		} `json:"spec"`
		Status struct {
			Balancer struct {
				Ingress []address `json:"ingress"`
			} `json:"loadBalancer"`
		} `json:"status"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return err
	}
	var secured []string
	for _, e := range d.Spec.TLS {
		secured = append(secured, e.Hosts...)
	}
	f := source.Fields{"public": public(o, d.Status.Balancer.Ingress)}
	if f["public"] == false {
		f["openPorts"] = []string{}
	}
	all := len(d.Spec.Rules) > 0
	for _, e := range d.Spec.Rules {
		all = all && e.Host != "" && slices.Contains(secured, e.Host)
	}
	if all { // what has no TLS here may have it from an annotation or a controller
		f["encrypted"] = true
	}
	r.addResource(o, "ingresses", "ingress", f)
	return nil
}
