// Package cloud is what sources of cloud inventories have in common: how open
// ports are written, and what labels and tags say.
package cloud

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tieout/source"
)

// widest is the number of ports up to which a range is written port by port.
const widest = 64

// Cannot says, for a source's limits, how wide ranges are written.
var Cannot = fmt.Sprintf("an open range of more than %d ports is listed by its ends and by the ports of common services within it", widest)

// Ports that administration, databases, caches, queues and file shares listen
// on. Of a wide range these are named one by one, so that a rule about one of
// them finds it.
var services = []int{
	20, 21, 22, 23, 25, 53, 80, 88, 110, 111, 135, 137, 138, 139, 143, 161, 389, 443, 445, 465, 512, 513, 514, 587, 623, 636,
	873, 902, 993, 995, 1080, 1099, 1433, 1434, 1521, 1723, 1883, 2049, 2181, 2375, 2376, 2379, 2380, 2483, 2484, 3000, 3128, 3268, 3306, 3389,
	4333, 4369, 4444, 4505, 4506, 5000, 5044, 5060, 5432, 5439, 5500, 5601, 5671, 5672, 5900, 5901, 5984, 5985, 5986, 6000, 6379, 6443,
	7000, 7001, 7199, 7473, 7474, 7687, 8000, 8008, 8020, 8080, 8086, 8088, 8089, 8123, 8200, 8443, 8500, 8888, 9000, 9042, 9090, 9092, 9160,
	9200, 9300, 9418, 9999, 10000, 10250, 10255, 11211, 15672, 16379, 25565, 26257, 27017, 27018, 27019, 28015, 28017, 50000, 50070, 61616,
}

// Ports collects ports that are open to any address. Its zero value is none.
type Ports struct {
	list []string
}

// Add adds the ports from..to of a protocol: "22" for TCP, "53/udp" for others.
// A range wider than 64 is written "1000-2000", followed by the service ports in it.
func (p *Ports) Add(protocol string, from, to int) {
	suffix := ""
	if protocol != "tcp" {
		suffix = "/" + protocol
	}
	if to-from < widest {
		for n := from; n <= to; n++ {
			p.list = append(p.list, strconv.Itoa(n)+suffix)
		}
		return
	}
	p.list = append(p.list, fmt.Sprintf("%d-%d%s", from, to, suffix))
	for _, n := range services {
		if n >= from && n <= to {
			p.list = append(p.list, strconv.Itoa(n)+suffix)
		}
	}
}

// AddText adds a port or a range such as "22" or "8000-8010"; "*" is every
// port. It reports whether text was one.
func (p *Ports) AddText(protocol, text string) bool {
	if text == "*" {
		p.Add(protocol, 0, 65535)
		return true
	}
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	from, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return false
	}
	to, err := strconv.Atoi(strings.TrimSpace(last))
	if err != nil || from < 0 || to > 65535 || from > to {
		return false
	}
	p.Add(protocol, from, to)
	return true
}

// List is what was added, sorted, each once; [] where nothing was.
func (p *Ports) List() []string {
	out := slices.Clone(p.list)
	slices.Sort(out)
	out = slices.Compact(out)
	if out == nil {
		out = []string{}
	}
	return out
}

// Anywhere reports whether an address range is every address, or half of them:
// two such halves are how a rule against every address is gone round.
func Anywhere(cidr string) bool {
	switch strings.ToLower(cidr) {
	case "*", "any", "internet", "0.0.0.0":
		return true
	}
	p, err := netip.ParsePrefix(cidr)
	return err == nil && p.Bits() <= 1
}

// Labels say which label or tag holds a field: "environment" -> "env".
type Labels map[string]string

var labeled = []string{"classification", "environment", "managedBy", "owner"}

// Setting documents Labels.
func Setting(what string) source.Setting {
	return source.Setting{Name: "labels", Doc: "which " + what + " holds environment, owner, classification or managedBy; absent: those are not collected",
		Example: "{ environment: env, owner: team }"}
}

// Check refuses fields that no label can hold.
func (l Labels) Check() error {
	for field, name := range l {
		if !slices.Contains(labeled, field) || name == "" {
			return fmt.Errorf("labels: %q: %q; the fields are %s, each with the name of a label", field, name, strings.Join(labeled, ", "))
		}
	}
	return nil
}

// Put adds the fields that labels hold to an item of typ. A label that is not
// there says that nobody is named and nothing was classified, or that the thing
// belongs to no environment; it does not say that it was made by hand.
func (l Labels) Put(f source.Fields, typ string, labels map[string]string) {
	for field, name := range l {
		value, there := find(labels, name)
		switch {
		case field == "managedBy" && (!there || typ == "datastore"):
		case field == "classification" && typ != "datastore":
		case field == "classification" && there && !slices.Contains([]string{"public", "internal", "confidential", "restricted"}, value):
		case field == "environment" && !there && typ == "datastore":
		case field == "owner" && typ == "network", field == "managedBy" && typ != "resource":
		default:
			f[field] = value
		}
	}
}

// find looks for a label in any case of its name, as Azure does.
func find(labels map[string]string, name string) (string, bool) {
	if v, ok := labels[name]; ok {
		return v, v != ""
	}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if strings.EqualFold(k, name) {
			return labels[k], labels[k] != ""
		}
	}
	return "", false
}
