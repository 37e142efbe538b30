package cloud

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"tieout/source"
)

func TestPorts(t *testing.T) {
	for _, tc := range []struct {
		name, protocol, text string
		want                 []string
		holds                string
		ok                   bool
	}{
		{"one", "tcp", "22", []string{"22"}, "22", true},
		{"a few", "tcp", "8000-8002", []string{"8000", "8001", "8002"}, "8001", true},
		{"udp is no tcp", "udp", "22", []string{"22/udp"}, "22/udp", true},
		{"all hold SSH", "tcp", "0-65535", nil, "22", true},
		{"a star is all", "tcp", "*", nil, "5432", true},
		{"wide holds the database", "tcp", "5000-6000", nil, "5432", true},
		{"wide names itself", "tcp", "5000-6000", nil, "5000-6000", true},
		{"backwards", "tcp", "9-1", []string{}, "", false},
		{"words", "tcp", "ssh", []string{}, "", false},
		{"beyond", "tcp", "1-70000", []string{}, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var p Ports
			if ok := p.AddText(tc.protocol, tc.text); ok != tc.ok {
				t.Errorf("AddText(%q) = %v; want %v", tc.text, ok, tc.ok)
			}
			got := p.List()
			if tc.want != nil && !slices.Equal(got, tc.want) || tc.holds != "" && !slices.Contains(got, tc.holds) {
				t.Errorf("got %q; want %q with %q", got, tc.want, tc.holds)
			}
		})
	}
}

// TestEveryWatchedPort holds the service ports to those that the library's
// procedure about exposure looks for: a range must never hide one.
func TestEveryWatchedPort(t *testing.T) {
	b, err := os.ReadFile("../../library/procedures/resource.exposure.yaml")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^parameters: \{ ports: \[(.*)\]`).FindSubmatch(b)
	if line == nil {
		t.Fatal("the procedure about exposure has no list of ports any more")
	}
	watched := regexp.MustCompile(`\d+`).FindAllString(string(line[1]), -1)
	if len(watched) < 5 {
		t.Fatalf("the procedure about exposure looks for %q", watched)
	}
	var p Ports
	p.Add("tcp", 0, 65535)
	for _, port := range watched {
		if !slices.Contains(p.List(), port) {
			t.Errorf("a range over every port does not name %s", port)
		}
	}
}

func TestAnywhere(t *testing.T) {
	for cidr, want := range map[string]bool{"0.0.0.0/0": true, "::/0": true, "128.0.0.0/1": true, "8000::/1": true, "*": true, "Internet": true, "10.0.0.0/8": false, "2000::/3": false, "": false, "VirtualNetwork": false} {
		if got := Anywhere(cidr); got != want {
			t.Errorf("Anywhere(%q) = %v; want %v", cidr, got, want)
		}
	}
}

func TestLabels(t *testing.T) {
	l := Labels{"environment": "env", "owner": "team", "classification": "data", "managedBy": "repo"}
	for _, tc := range []struct {
		name, typ string
		labels    map[string]string
		want      source.Fields
	}{
		{"a resource with all", "resource", map[string]string{"Env": "production", "team": "core", "repo": "halyard/infra", "data": "internal"},
			source.Fields{"environment": "production", "owner": "core", "managedBy": "halyard/infra"}},
		{"a resource with none", "resource", nil, source.Fields{"environment": "", "owner": ""}},
		{"a data store", "datastore", map[string]string{"env": "staging", "data": "restricted", "repo": "x"}, source.Fields{"environment": "staging", "classification": "restricted", "owner": ""}},
		{"a data store with a class nobody knows", "datastore", map[string]string{"data": "purple"}, source.Fields{"owner": ""}},
		{"a data store with none", "datastore", nil, source.Fields{"classification": "", "owner": ""}},
		{"a network", "network", map[string]string{"env": "dev", "team": "core"}, source.Fields{"environment": "dev"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := source.Fields{}
			l.Put(got, tc.typ, tc.labels)
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %v; want %v", got, tc.want)
			}
		})
	}
	if err := (Labels{"color": "c"}).Check(); err == nil {
		t.Error("a field no label can hold was taken")
	}
}
