package azure

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"tieout/source"
	"tieout/source/cloud"
)

// A resourceReader gives the kind of a resource and its fields.
type resourceReader func(r *reading, w row, f source.Fields) (kind string, err error)

var resourceReaders = map[string]resourceReader{
	"microsoft.compute/virtualmachines":          (*reading).machine,
	"microsoft.network/networksecuritygroups":    (*reading).securityGroup,
	"microsoft.network/applicationgateways":      (*reading).gateway,
	"microsoft.network/loadbalancers":            (*reading).balancer,
	"microsoft.network/publicipaddresses":        (*reading).address,
	"microsoft.keyvault/vaults":                  (*reading).vault,
	"microsoft.containerservice/managedclusters": (*reading).cluster,
	"microsoft.insights/activitylogalerts":       (*reading).alarm,
	"microsoft.insights/metricalerts":            (*reading).alarm,
	"microsoft.insights/scheduledqueryrules":     (*reading).alarm,
	"microsoft.operationalinsights/workspaces":   (*reading).workspace,
	"microsoft.recoveryservices/vaults":          (*reading).backupVault,
}

// noPorts are kinds that nothing connects to.
var noPorts = map[string]bool{"alarm": true, "log workspace": true, "backup vault": true}

// served are the ports of something that answers on one port, if it can be reached.
func served(public any, port string) any {
	switch public {
	case true:
		return []string{port}
	case false:
		return []string{}
	}
	return nil
}

func (r *reading) resource(w row) error {
	read := resourceReaders[strings.ToLower(w.Type)]
	if read == nil {
		return fmt.Errorf("%q was not asked for", w.Type)
	}
	f := source.Fields{"name": w.Name, "provider": "azure", "account": w.subscription(), "region": region(w)}
	kind, err := read(r, w, f)
	if err != nil {
		return err
	}
	f["kind"] = kind
	if _, there := f["openPorts"]; !there && noPorts[kind] {
		f["openPorts"] = []string{}
	}
	r.Labels.Put(f, "resource", w.Tags)
	r.Add("resource", w.id(), time.Time{}, f)
	return nil
}

// machine is a virtual machine (Compute, schema VirtualMachine).
func (r *reading) machine(w row, f source.Fields) (string, error) {
	var d struct {
		Security struct {
			AtHost *bool `json:"encryptionAtHost"`
		} `json:"securityProfile"`
		Extended struct {
			View struct {
				Power struct {
					Code string `json:"code"`
				} `json:"powerState"`
			} `json:"instanceView"`
		} `json:"extended"`
	}
	err := json.Unmarshal(w.Properties, &d)
	switch d.Extended.View.Power.Code {
	case "PowerState/running":
		f["enabled"] = true
	case "PowerState/deallocated", "PowerState/stopped":
		f["enabled"] = false
	}
	if at := d.Security.AtHost; at != nil && *at {
		f["encrypted"] = true
	}
	return "instance", err
}

// A rule of a network security group (Network, schema SecurityRule).
type rule struct {
	Properties struct {
		Access       string   `json:"access"`
		Direction    string   `json:"direction"`
		Protocol     string   `json:"protocol"`
		Priority     int      `json:"priority"`
		Source       string   `json:"sourceAddressPrefix"`
		Sources      []string `json:"sourceAddressPrefixes"`
		Destination  string   `json:"destinationAddressPrefix"`
		Destinations []string `json:"destinationAddressPrefixes"`
		Port         string   `json:"destinationPortRange"`
		Ports        []string `json:"destinationPortRanges"`
		FromPort     string   `json:"sourcePortRange"`
	} `json:"properties"`
}

// securityGroup gives the ports that its rules open to any address, the first
// rule that fits deciding.
func (r *reading) securityGroup(w row, f source.Fields) (string, error) {
	var d struct {
		Rules   []rule            `json:"securityRules"`
		Subnets []json.RawMessage `json:"subnets"`
		NICs    []json.RawMessage `json:"networkInterfaces"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return "", err
	}
	if d.Rules == nil {
		return "network rule", nil
	}
	var open verdicts
	sort.SliceStable(d.Rules, func(i, j int) bool { return d.Rules[i].Properties.Priority < d.Rules[j].Properties.Priority })
	for _, e := range d.Rules {
		if err := open.take(e); err != nil {
			return "", err
		}
	}
	ports := open.ports()
	f["openPorts"], f["public"] = ports, len(ports) > 0
	f["enabled"] = len(d.Subnets)+len(d.NICs) > 0 // it rules nothing otherwise
	return "network rule", nil
}

// verdicts say for every port of TCP and UDP what the first rule for any
// address decided: 0 nothing, 1 closed, 2 open.
type verdicts [2][65536]byte

var protocolNames = [2]string{"tcp", "udp"}

func (v *verdicts) take(e rule) error {
	p := e.Properties
	allow, deny := strings.EqualFold(p.Access, "allow"), strings.EqualFold(p.Access, "deny")
	everywhere := anyBlock(append(p.Sources, p.Source))
	switch {
	case !strings.EqualFold(p.Direction, "inbound") || !everywhere:
		return nil
	case !allow && !deny:
		return fmt.Errorf("access %q is not known", p.Access)
	case deny && (!anyBlock(append(p.Destinations, p.Destination)) || p.FromPort != "" && p.FromPort != "*"):
		return nil // it closes a part only
	}
	verdict := byte(1)
	if allow {
		verdict = 2
	}
	for i, name := range protocolNames {
		if p.Protocol != "*" && !strings.EqualFold(p.Protocol, name) {
			continue
		}
		for _, text := range append(p.Ports, p.Port) {
			if err := v.set(i, text, verdict); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verdicts) set(protocol int, text string, verdict byte) error {
	if text == "" {
		return nil
	}
	from, to := 0, 65535
	if text != "*" {
		first, last, isRange := strings.Cut(text, "-")
		if !isRange {
			last = first
		}
		var errs [2]error
		from, errs[0] = strconv.Atoi(first)
		to, errs[1] = strconv.Atoi(last)
		if errs[0] != nil || errs[1] != nil || from < 0 || to > 65535 || from > to {
			return fmt.Errorf("ports %q cannot be read", text)
		}
	}
	for n := from; n <= to; n++ {
		if v[protocol][n] == 0 {
			v[protocol][n] = verdict
		}
	}
	return nil
}

func (v *verdicts) ports() []string {
	var p cloud.Ports
	for i, name := range protocolNames {
		for n := 0; n < 65536; n++ {
			if v[i][n] != 2 {
				continue
			}
			from := n
			for n < 65535 && v[i][n+1] == 2 {
				n++
			}
			p.Add(name, from, n)
		}
	}
	return p.List()
}

type frontend struct {
	Properties struct {
		PublicIP *json.RawMessage `json:"publicIPAddress"`
	} `json:"properties"`
}

func public(list []frontend) any {
	if len(list) == 0 {
		return nil
	}
	for _, e := range list {
		if e.Properties.PublicIP != nil {
			return true
		}
	}
	return false
}

// gateway is an application gateway (Network, schema ApplicationGateway).
func (r *reading) gateway(w row, f source.Fields) (string, error) {
	var d struct {
		State     string     `json:"operationalState"`
		Frontends []frontend `json:"frontendIPConfigurations"`
		Ports     []struct {
			Properties struct {
				Port int `json:"port"`
			} `json:"properties"`
		} `json:"frontendPorts"`
		WAF *struct {
			Enabled *bool `json:"enabled"`
		} `json:"webApplicationFirewallConfiguration"`
		Policy *struct {
			ID string `json:"id"`
		} `json:"firewallPolicy"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return "", err
	}
	f["public"] = public(d.Frontends)
	f["waf"] = d.Policy != nil && d.Policy.ID != "" || d.WAF != nil && d.WAF.Enabled != nil && *d.WAF.Enabled
	switch d.State {
	case "Running":
		f["enabled"] = true
	case "Stopped":
		f["enabled"] = false
	}
	var ports cloud.Ports
	for _, e := range d.Ports {
		if f["public"] == true && e.Properties.Port > 0 {
			ports.Add("tcp", e.Properties.Port, e.Properties.Port)
		}
	}
	if f["public"] != nil {
		f["openPorts"] = ports.List()
	}
	return "load balancer", nil
}

// balancer is a load balancer (Network, schema LoadBalancer).
func (r *reading) balancer(w row, f source.Fields) (string, error) {
	var d struct {
		Frontends []frontend `json:"frontendIPConfigurations"`
	}
	err := json.Unmarshal(w.Properties, &d)
	if f["public"] = public(d.Frontends); f["public"] == false {
		f["openPorts"] = []string{}
	}
	return "network load balancer", err
}

// address is a public address (Network, schema PublicIPAddress).
func (r *reading) address(w row, f source.Fields) (string, error) {
	var d struct {
		Used *json.RawMessage `json:"ipConfiguration"`
		NAT  *json.RawMessage `json:"natGateway"`
	}
	err := json.Unmarshal(w.Properties, &d)
	f["enabled"] = d.Used != nil || d.NAT != nil
	f["public"] = d.Used != nil // of a NAT gateway: outgoing only
	if d.Used == nil {
		f["openPorts"] = []string{}
	}
	return "public address", err
}

// vault is a key vault (KeyVault, schema Vault).
func (r *reading) vault(w row, f source.Fields) (string, error) {
	var d struct {
		access
		ACLs struct {
			Default string `json:"defaultAction"`
		} `json:"networkAcls"`
		Purge *bool `json:"enablePurgeProtection"`
	}
	err := json.Unmarshal(w.Properties, &d)
	f["public"] = d.reachable()
	if d.ACLs.Default == "Deny" {
		f["public"] = false
	}
	f["tampering"], f["openPorts"] = told(d.Purge), served(f["public"], "443")
	return "key vault", err
}

// cluster is a cluster of Kubernetes Service (ContainerService, schema ManagedCluster).
func (r *reading) cluster(w row, f source.Fields) (string, error) {
	var d struct {
		access
		FQDN string `json:"fqdn"`
		API  struct {
			Private bool     `json:"enablePrivateCluster"`
			Ranges  []string `json:"authorizedIPRanges"`
		} `json:"apiServerAccessProfile"`
		Power struct {
			Code string `json:"code"`
		} `json:"powerState"`
	}
	err := json.Unmarshal(w.Properties, &d)
	switch {
	case d.API.Private || d.reachable() == false:
		f["public"] = false
	case len(d.API.Ranges) > 0:
		f["public"] = anyBlock(d.API.Ranges)
	case d.FQDN != "":
		f["public"] = true
	}
	f["openPorts"] = served(f["public"], "443") // of the control plane
	switch d.Power.Code {
	case "Running":
		f["enabled"] = true
	case "Stopped":
		f["enabled"] = false
	}
	return "cluster", err
}

// alarm is a rule that raises alerts (Insights).
func (r *reading) alarm(w row, f source.Fields) (string, error) {
	var d struct {
		Enabled *bool `json:"enabled"`
	}
	err := json.Unmarshal(w.Properties, &d)
	f["enabled"] = told(d.Enabled)
	return "alarm", err
}

// workspace is a Log Analytics workspace (OperationalInsights, schema Workspace).
func (r *reading) workspace(w row, f source.Fields) (string, error) {
	var d struct {
		Days *int `json:"retentionInDays"`
	}
	err := json.Unmarshal(w.Properties, &d)
	f["retentionDays"] = told(d.Days)
	return "log workspace", err
}

// backupVault is a Recovery Services vault (RecoveryServices, schema Vault).
func (r *reading) backupVault(w row, f source.Fields) (string, error) {
	var d struct {
		access
		Security struct {
			Immutability struct {
				State string `json:"state"`
			} `json:"immutabilitySettings"`
		} `json:"securitySettings"`
	}
	err := json.Unmarshal(w.Properties, &d)
	f["public"] = d.reachable()
	switch d.Security.Immutability.State {
	case "Locked", "Unlocked":
		f["tampering"] = true
	case "Disabled":
		f["tampering"] = false
	}
	return "backup vault", err
}

// diagnostic is where a subscription's activity log is sent (Insights
// 2021-05-01-preview, schema SubscriptionDiagnosticSettingsResource).
func (r *reading) diagnostic(w row) error {
	var d struct {
		Logs []struct {
			Category string `json:"category"`
			Group    string `json:"categoryGroup"`
			Enabled  bool   `json:"enabled"`
		} `json:"logs"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return err
	}
	on := map[string]bool{}
	for _, l := range d.Logs {
		on[l.Category+l.Group] = l.Enabled
	}
	sent := on["allLogs"] || on["Administrative"] && on["Security"] && on["Policy"]
	r.Add("resource", w.id(), time.Time{}, source.Fields{"name": "activity log to " + w.Name, "kind": "trail", "provider": "azure", "account": r.scope, "region": "", "enabled": sent, "openPorts": []string{}})
	return nil
}

// notExported is the activity log of a subscription that sends it nowhere: it
// is always on, and kept for 90 days (Azure Monitor activity log).
func (r *reading) notExported() {
	r.Add("resource", "/subscriptions/"+r.scope+"/providers/microsoft.insights/activitylog", time.Time{},
		source.Fields{"name": "activity log, sent nowhere", "kind": "trail", "provider": "azure", "account": r.scope, "region": "", "enabled": true, "retentionDays": 90, "openPorts": []string{}})
}
