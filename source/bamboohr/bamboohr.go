// Package bamboohr is the source that reads who works for a company from BambooHR.
package bamboohr

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/rest"
)

// Driver is the bamboohr source.
var Driver = &source.Driver{
	Name:    "bamboohr",
	Version: 1,
	Title:   "BambooHR",
	Types:   []string{"person"},
	Scopes: []source.Scope{
		{Name: "employees: id, number, names, work e-mail, hire and termination date, status, supervisor, department, job title", Why: "a report of these fields lists everybody, also those who left. An API key has the rights of its user: give it one that may view these fields of all employees, and no others"},
		{Name: "job information table", Why: "when people last moved to another role or department"},
	},
	Cannot: cannot,

	Settings: []source.Setting{
		{Name: "company", Doc: "the company's name in its BambooHR address", Example: "halyard", Required: true},
		{Name: "apiKey", Doc: "API key, by reference", Example: "env:BAMBOOHR_KEY", Required: true, Secret: true},
		{Name: "ids", Doc: "what people are known by: id (BambooHR's own) or employeeNumber; absent: id", Example: "employeeNumber"},
		{Name: "kinds", Doc: "the company's own employment statuses: to employee, contractor or intern", Example: "{Working Student: intern}"},
		{Name: "leave", Doc: "employment statuses that mean a leave", Example: "[Leave of Absence]"},
		{Name: "fields", Doc: "BambooHR's fields for further dates of a person", Example: "{backgroundCheckedAt: customBackgroundCheck}"},
		{Name: "url", Doc: "address of the interface; absent: https://api.bamboohr.com", Example: "https://api.bamboohr.com"},
		{Name: "allow", Doc: "loopback or private: addresses of this machine or of private networks, also by http", Example: "loopback"},
	},

	Open:      open,
	Normalize: normalize,
}

var cannot = []string{
	"people whom the company pays or contracts outside of BambooHR",
	"employees that the API key's user may not see, where BambooHR's list of changes does not name them",
	"employees that were deleted from BambooHR",
}

// Settings is the `with:` of a bamboohr connection.
type Settings struct {
	Company string   `json:"company"`
	APIKey  string   `json:"apiKey"`
	URL     string   `json:"url"`
	Allow   string   `json:"allow"`
	IDs     string   `json:"ids"`
	Leave   []string `json:"leave"`

	Kinds  map[string]string `json:"kinds"`
	Fields map[string]string `json:"fields"`
}

// config is what normalizing needs.
type config struct {
	Connection string            `json:"connection"`
	IDs        string            `json:"ids"`
	Kinds      map[string]string `json:"kinds,omitempty"`
	Leave      []string          `json:"leave,omitempty"`
	Fields     map[string]string `json:"fields,omitempty"`
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return fail(err)
	}
	base, err := source.BaseURL("url", s.URL, "https://api.bamboohr.com", s.Allow)
	if err != nil {
		return fail(err)
	}
	if s.IDs == "" {
		s.IDs = "id"
	}
	if err := s.check(); err != nil {
		return fail(err)
	}
	b, err := canonical.Marshal(config{name, s.IDs, s.Kinds, s.Leave, s.Fields})
	if err != nil {
		return fail(err)
	}
	return &collector{source: name, with: s, base: base, env: env}, b, nil
}

var (
	companyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`)
	fieldName   = regexp.MustCompile(`^[A-Za-z0-9_.]+$`)
)

// Dates of a person that `fields` may name. Those of the standard report are not among them.
var furtherDates = []string{"backgroundCheckedAt", "confidentialitySignedAt", "onboardedAt", "offboardedAt", "reviewedAt"}

func (s *Settings) check() error {
	switch {
	case !companyName.MatchString(s.Company):
		return errors.New("company: write the name in its address, such as halyard")
	case s.APIKey == "":
		return errors.New("apiKey: it is needed")
	case s.IDs != "id" && s.IDs != "employeeNumber":
		return fmt.Errorf("ids: %q; write id or employeeNumber", s.IDs)
	}
	for _, word := range slices.Sorted(maps.Keys(s.Kinds)) {
		if k := s.Kinds[word]; k != "employee" && k != "contractor" && k != "intern" {
			return fmt.Errorf("kinds: %s: %q is not one of employee, contractor, intern", word, k)
		}
	}
	for _, f := range slices.Sorted(maps.Keys(s.Fields)) {
		if !slices.Contains(furtherDates, f) || !fieldName.MatchString(s.Fields[f]) {
			return fmt.Errorf("fields: %q is not one of %s, or its field is not named as BambooHR does", f, strings.Join(furtherDates, ", "))
		}
	}
	if err := source.CheckSecret("apiKey", s.APIKey); err != nil {
		return err
	}
	return source.CheckAllow(s.Allow)
}

// client asks with the key, which is the name of HTTP's own sign-in; the
// password does not matter.
func (c *collector) client(key string) *rest.Client {
	return &rest.Client{HTTP: source.Guard(c.env.HTTP, c.with.Allow, c.base), Base: c.base, Secrets: []string{key}, Wait: c.wait, Authorize: rest.Basic(key, "x")}
}

func (c *collector) uri(cl *rest.Client, path string) string {
	return cl.At("/api/gateway.php/" + url.PathEscape(c.with.Company) + "/v1" + path)
}
