package definition

import "strings"

// A RegulatorConfig is an authority the company may have to tell of an incident.
type RegulatorConfig struct {
	Name    string `yaml:"name" json:"name"`                 // the authority
	Law     string `yaml:"law" json:"law"`                   // under which it is told, as the clocks name it: HIPAA
	Reach   string `yaml:"reach" json:"reach"`               // how: an address, a form, a number
	Account string `yaml:"account" json:"account,omitempty"` // that notices are sent with, never its password
}

func (c *Config) checkRegulators(d *doc) {
	seen := map[string]bool{}
	for i, r := range c.Regulators {
		at := steps("regulators", i)
		if strings.TrimSpace(r.Name) == "" || strings.TrimSpace(r.Law) == "" || strings.TrimSpace(r.Reach) == "" {
			d.bad(at, "a regulator has a name, the law under which it is told, and how it is reached")
		}
		if seen[r.Name+"\x00"+r.Law] {
			d.bad(at, "%s stands here twice for %s", r.Name, r.Law)
		}
		seen[r.Name+"\x00"+r.Law] = true
	}
}
