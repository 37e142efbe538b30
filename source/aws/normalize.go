package aws

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// A page is one sealed page while it is read.
type page struct {
	audit.Page
	rules
	account string
	region  string // "" where the part belongs to none
	out     source.Reading
}

// normal reads one kind of page.
type normal = func(p *page) error

// normalize turns one page into items.
func normalize(config json.RawMessage, raw audit.Page) ([]audit.Item, error) {
	read, known := kinds[raw.Kind]
	switch {
	case raw.Kind == source.KindFailed || known && read == nil:
		return nil, nil
	case !known:
		return nil, fmt.Errorf("%w: aws: a page of kind %q is not known", audit.ErrInvalid, raw.Kind)
	}
	p := &page{Page: raw}
	if err := json.Unmarshal(config, &p.rules); err != nil {
		return nil, fmt.Errorf("%w: aws: configuration: %w", audit.ErrInvalid, err)
	}
	scope := strings.Split(raw.Scope, "/")
	p.account = scope[0]
	if len(scope) == 3 {
		p.region = scope[1]
	}
	if err := read(p); err != nil {
		p.out.Refuse(raw.Kind, err)
	}
	return p.out.Done()
}

// A tag is one of a resource's.
type tag struct {
	Key   string `json:"Key"`
	Value string `json:"Value"`
}

// An ec2Tag is a tag as EC2 writes it.
type ec2Tag struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func tagsOf(list []ec2Tag) []tag {
	out := make([]tag, len(list))
	for i, t := range list {
		out[i] = tag(t)
	}
	return out
}

// tagged is the value of the tag called key; known is false where no key is
// set for it, or the tags were not read.
func tagged(tags []tag, key string) (value string, known bool) {
	if key == "" || tags == nil {
		return "", false
	}
	for _, t := range tags {
		if strings.EqualFold(t.Key, key) {
			return strings.TrimSpace(t.Value), true
		}
	}
	return "", true
}

// environment is what a tag says, else what the settings say of the account,
// nil where neither does.
func (p *page) environment(tags []tag) any {
	if v, _ := tagged(tags, p.Tags.Environment); v != "" {
		return environmentOf(v)
	}
	return p.environmentOf(p.account)
}

func (p *page) environmentOf(account string) any {
	for name, list := range p.Environments {
		if slices.Contains(list, account) {
			return name
		}
	}
	return nil
}

// environmentOf gives the usual short forms their name.
func environmentOf(value string) string {
	switch v := strings.ToLower(value); v {
	case "prod", "prd", "live":
		return "production"
	case "stage", "stg":
		return "staging"
	case "dev":
		return "development"
	default:
		return v
	}
}

// text is a tag's value, nil where it is not known whether there is one.
func text(tags []tag, key string) any {
	if v, known := tagged(tags, key); known {
		return v
	}
	return nil
}

var classes = []string{"public", "internal", "confidential", "restricted"}

func (p *page) classification(tags []tag) any {
	v, known := tagged(tags, p.Tags.Classification)
	if v = strings.ToLower(v); !known || v != "" && !slices.Contains(classes, v) {
		return nil
	}
	return v
}

// resource adds a resource with what all have in common. A zero region is global.
func (p *page) resource(id, kind, name string, tags []tag, f source.Fields) {
	all := source.Fields{"name": name, "provider": "aws", "kind": kind, "account": p.account, "region": p.region,
		"environment": p.environment(tags), "owner": text(tags, p.Tags.Owner)}
	if v, _ := tagged(tags, p.Tags.ManagedBy); v != "" {
		all["managedBy"] = v
	}
	for k, v := range f {
		all[k] = v
	}
	p.out.Add("resource", id, zero, all)
}

// datastore adds a datastore with what all have in common.
func (p *page) datastore(id, kind, name string, tags []tag, f source.Fields) {
	all := source.Fields{"name": name, "kind": kind, "region": p.region, "environment": p.environment(tags),
		"owner": text(tags, p.Tags.Owner), "classification": p.classification(tags)}
	for k, v := range f {
		all[k] = v
	}
	p.out.Add("datastore", id, zero, all)
}

// arn names something of the page's account and region as AWS does.
func (p *page) arn(service, rest string) string {
	part, _ := partition(p.region)
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", part, service, p.region, p.account, rest)
}

// sheet reads a page of several answers.
func (p *page) sheet(facts any) (*rest.Sheet, error) { return rest.ReadSheet(p.Body, facts) }

// An asked is one answer of a sheet: what came, or that there is none.
type asked struct {
	known bool   // it came, or the service says that there is none
	none  bool   // the service says that there is none
	body  []byte // what came, where there is something
}

// partOf is the answer of one name. Codes in answers say that there is none.
func partOf(s *rest.Sheet, name string, answers ...string) asked {
	for _, a := range s.Answers {
		switch {
		case a.Part != name:
		case a.OK():
			return asked{known: true, body: a.Bytes()}
		case a.Problem == "" && slices.Contains(answers, code(nil, a.Bytes())):
			return asked{known: true, none: true}
		}
	}
	return asked{}
}

type accountsPage struct {
	Accounts []organizationAccount `json:"Accounts"`
}

type organizationAccount struct {
	ID     string `json:"Id"`
	ARN    string `json:"Arn"`
	Name   string `json:"Name"`
	Status string `json:"Status"`
	State  string `json:"State"`
}

// active reports whether the account can be entered. An account whose state is
// not told is taken as active: it is missed where it cannot be entered.
func (a organizationAccount) active() bool {
	if a.State != "" {
		return a.State == "ACTIVE"
	}
	return a.Status == "ACTIVE" || a.Status == ""
}

func readAccounts(p *page) error {
	list, err := source.Elements(p.Body, "Accounts")
	if err != nil {
		return err
	}
	p.out.Each(list, func(e json.RawMessage) error {
		var a organizationAccount
		if err := json.Unmarshal(e, &a); err != nil {
			return err
		}
		if !accountNumber.MatchString(a.ID) {
			return fmt.Errorf("%q is not an account's number", a.ID)
		}
		p.account = a.ID
		f := source.Fields{"openPorts": []string{}}
		if a.State+a.Status != "" {
			f["enabled"] = a.active()
		}
		p.resource(a.ARN, "account", a.Name, nil, f)
		return nil
	})
	return nil
}
