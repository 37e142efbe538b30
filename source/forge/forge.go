// Package forge is what sources that read hosts of code have in common: their
// settings, pages made of several answers, the words of a change, who approved
// it before it was merged and what its checks said at that instant.
package forge

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// Settings are the keys of `with:` that hosts of code share.
type Settings struct {
	BaseURL      string    `json:"baseURL"`      // of the interface
	Token        string    `json:"token"`        // reference such as env:TOKEN
	Repositories []string  `json:"repositories"` // globs on name or path/name; none: all
	Production   *[]string `json:"production"`   // globs of what production is built from; absent: not known
	Privileged   *[]string `json:"privileged"`   // globs of groups or teams that grant administrative or production rights; absent: not known
	Emergency    string    `json:"emergency"`    // regular expression (RE2) on title and text, or on a label
	Allow        string    `json:"allow"`        // "loopback" or "private"
}

const standardEmergency = `(?im)\A\s*(?:\[(?:emergency|hotfix)\]|(?:emergency|hotfix)(?:\([^)\n]*\))?!?:)|^emergency(?:[ -]change)?:[ \t]*(?:yes|true|[a-z][a-z0-9]*-\d+|#\d+)[ \t\r]*$|\A(?:emergency|hotfix)\z`

// Check returns the base of all addresses, `standard` where none is set.
func (s Settings) Check(standard string) (*url.URL, error) {
	if err := source.CheckSecret("token", s.Token); err != nil {
		return nil, err
	}
	if err := source.CheckAllow(s.Allow); err != nil {
		return nil, err
	}
	return source.BaseURL("baseURL", s.BaseURL, standard, s.Allow)
}

// Rules are the configuration that normalizing needs, without secrets.
type Rules struct {
	System       string    `json:"system"` // the connection's name
	Host         string    `json:"host"`   // as people write it
	Owner        string    `json:"owner"`  // group or organization
	Repositories []string  `json:"repositories"`
	Production   *[]string `json:"production,omitempty"`
	Privileged   *[]string `json:"privileged,omitempty"`
	Emergency    string    `json:"emergency"`

	emergency *regexp.Regexp
}

// Rules returns what normalizing needs, and its canonical form.
func (s Settings) Rules(name, owner string, base *url.URL) (*Rules, json.RawMessage, error) {
	r := &Rules{System: name, Host: strings.ToLower(base.Hostname()), Owner: owner, Repositories: append([]string{}, s.Repositories...),
		Production: s.Production, Privileged: s.Privileged, Emergency: s.Emergency}
	if err := r.compile(); err != nil {
		return nil, nil, err
	}
	config, err := canonical.Marshal(r)
	return r, config, err
}

// ReadRules reads what Settings.Rules wrote. The error wraps audit.ErrInvalid.
func ReadRules(config json.RawMessage) (*Rules, error) {
	r := &Rules{}
	if err := source.Strict(config, r); err != nil {
		return nil, fmt.Errorf("configuration of a collection: %w", err)
	}
	if err := r.compile(); err != nil {
		return nil, fmt.Errorf("%w: configuration of a collection: %w", audit.ErrInvalid, err)
	}
	return r, nil
}

func (r *Rules) compile() error {
	lists := [][]string{r.Repositories}
	for _, l := range []*[]string{r.Production, r.Privileged} {
		if l != nil {
			lists = append(lists, *l)
		}
	}
	for _, l := range lists {
		for _, g := range l {
			if _, err := path.Match(g, ""); err != nil || g == "" {
				return fmt.Errorf("%q is not a glob such as api-* or owner/*", g)
			}
		}
	}
	text := r.Emergency
	if text == "" {
		text = standardEmergency
	}
	var err error
	if r.emergency, err = regexp.Compile(text); err != nil {
		return fmt.Errorf("emergency: %w", err)
	}
	return nil
}

// WordRules are rules that know an emergency change by its words, and nothing
// else; emergency is as in Settings.
func WordRules(emergency string) (*Rules, error) {
	r := &Rules{Emergency: emergency}
	return r, r.compile()
}

// Selected reports whether the connection reads the repository.
func (r *Rules) Selected(full string) bool {
	return len(r.Repositories) == 0 || Matches(r.Repositories, full)
}

// Holds returns whether a list of globs matches a name, nil where there is no list.
func Holds(globs *[]string, full string) any {
	if globs == nil {
		return nil
	}
	return Matches(*globs, full)
}

// Matches reports whether one glob matches the last part of a name, or the
// whole name where the glob has a slash. Case does not matter.
func Matches(globs []string, full string) bool {
	full = strings.ToLower(full)
	name := full[strings.LastIndex(full, "/")+1:]
	for _, g := range globs {
		g = strings.ToLower(g)
		subject := name
		if strings.Contains(g, "/") {
			subject = full
		}
		if ok, err := path.Match(g, subject); ok && err == nil {
			return true
		}
	}
	return false
}

// Common are the settings that hosts of code share, for people; token names
// the variable of the example.
func Common(token string) []source.Setting {
	return []source.Setting{
		{Name: "token", Doc: "reference to an access token that only reads", Example: "env:" + token, Required: true, Secret: true},
		{Name: "repositories", Doc: "globs on name, or on path/name where they have a slash; absent: all", Example: "[api-*]"},
		{Name: "production", Doc: "globs of what production is built from; absent: not known", Example: "[api-*]"},
		{Name: "privileged", Doc: "globs of groups or teams that grant administrative or production rights; absent: not known", Example: "[platform-*]"},
		{Name: "emergency", Doc: "regular expression (RE2) on title and text, and on each label, that marks an emergency change", Example: "'(?m)^Class: urgent$'"},
		{Name: "allow", Doc: "loopback or private: also addresses of this machine, of the company's own network, and http there", Example: "private"},
	}
}
