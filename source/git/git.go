// Package git is the source that reads any git repository: what reached one
// branch, when, by whom, and who is on record as having reviewed it. It seals
// commit objects as git stores them and checks that each hashes to its name.
package git

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// Driver is the git source. docs/sources/git.md describes its settings and pages.
var Driver = &source.Driver{
	Name:    "git",
	Version: 1,
	Title:   "Any git repository",
	Types:   []string{"change", "repository"},
	Scopes:  []source.Scope{{Name: "read the repository's folder", Why: "its commits are read with the git program; nothing is fetched and nothing is written"}},
	Cannot:  cannot,
	Settings: []source.Setting{
		{Name: "path", Doc: "folder of the repository, bare or not, relative to the workspace; absent: the workspace's own", Example: "../app"},
		{Name: "branch", Doc: "branch to read; absent: origin's default branch, else the one HEAD names", Example: "main"},
		{Name: "name", Doc: "the repository's id; absent: the connection's name", Example: "corp/app"},
		{Name: "emergency", Doc: "regular expression (RE2) on a message that marks an emergency change", Example: "'(?m)^Class: urgent$'"},
		{Name: "bots", Doc: "regular expression (RE2) on an author's name or address that marks a program", Example: "'(?i)\\[bot\\]'"},
		{Name: "reviewers", Doc: "further trailers that name a reviewer", Example: "[Signed-off-by]"},
		{Name: "identity", Doc: "what makes two mentions one person: address (also absent), or name", Example: "address"},
	},

	Open:      open,
	Normalize: normalize,
}

var cannot = []string{
	"git does not record when or by whom a commit was put on a branch: the committer's own time is taken",
	"history that was overwritten by a forced push or deleted with its branch is not there to be read",
	"what a message says (reviewers, requests, testers, tickets) is written by its committer; an absence means that no review is recorded",
	"a signature is seen, not verified",
	"one person with two addresses is two people unless .mailmap, or `identity: name`, says otherwise",
}

// Settings is the `with:` of a git connection.
type Settings struct {
	Path      string   `json:"path"`      // folder of the repository, relative to the workspace; "" is the workspace's own
	Branch    string   `json:"branch"`    // branch to read; "" is the default branch
	Name      string   `json:"name"`      // the repository's id; "" is the connection's name
	Emergency string   `json:"emergency"` // regular expression (RE2) on a message that marks an emergency change
	Bots      string   `json:"bots"`      // regular expression (RE2) on an author's name or address that marks a program
	Reviewers []string `json:"reviewers"` // further trailers that name a reviewer, such as "Signed-off-by"
	Identity  string   `json:"identity"`  // what makes two mentions one person: "address" (also ""), or "name"
}

// The defaults err on the side of leaving a change in the population: neither
// an emergency nor a program's.
const (
	defaultEmergency = `(?im)\A\s*(?:\[(?:emergency|hotfix)\]|(?:emergency|hotfix)(?:\([^)\n]*\))?!?:)|^emergency(?:[ -]change)?:[ \t]*(?:yes|true|[a-z][a-z0-9]*-\d+|#\d+)[ \t]*$`
	defaultBots      = `(?i)\[bot\]`
)

// rules is the configuration that normalizing needs.
type rules struct {
	Name      string   `json:"name"`
	Emergency string   `json:"emergency"`
	Bots      string   `json:"bots"`
	Reviewers []string `json:"reviewers"`
	Identity  string   `json:"identity"`

	emergency, bots *regexp.Regexp
	reviews         []string
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s Settings
	if err := decodeStrict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	if s.Name == "" {
		s.Name = name
	}
	r := rules{Name: s.Name, Emergency: s.Emergency, Bots: s.Bots, Reviewers: s.Reviewers, Identity: s.Identity}
	if err := r.compile(); err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	if strings.ContainsRune(s.Branch, 0) || strings.ContainsRune(s.Path, 0) {
		return nil, nil, fmt.Errorf("%w: source %s: path or branch holds a NUL", audit.ErrInvalid, name)
	}
	config, err := canonical.Marshal(r)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	if !filepath.IsAbs(s.Path) {
		s.Path = filepath.Join(env.Dir, s.Path)
	}
	abs, err := filepath.Abs(s.Path)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: path %q: %w", audit.ErrInvalid, name, s.Path, err)
	}
	return &collector{source: name, branch: s.Branch, rules: r, repo: repo{dir: abs}}, config, nil
}

func readRules(config json.RawMessage) (rules, error) {
	var r rules
	if err := decodeStrict(config, &r); err != nil {
		return r, fmt.Errorf("%w: configuration: %w", audit.ErrInvalid, err)
	}
	if err := r.compile(); err != nil {
		return r, fmt.Errorf("%w: configuration: %w", audit.ErrInvalid, err)
	}
	return r, nil
}

func (r *rules) compile() error {
	if r.Emergency == "" {
		r.Emergency = defaultEmergency
	}
	if r.Bots == "" {
		r.Bots = defaultBots
	}
	if r.Reviewers == nil {
		r.Reviewers = []string{}
	}
	var err error
	if r.emergency, err = regexp.Compile(r.Emergency); err != nil {
		return fmt.Errorf("emergency: %w", err)
	}
	if r.bots, err = regexp.Compile(r.Bots); err != nil {
		return fmt.Errorf("bots: %w", err)
	}
	switch r.Identity {
	case "":
		r.Identity = "address"
	case "address", "name":
	default:
		return fmt.Errorf("identity %q; write address or name", r.Identity)
	}
	r.reviews = append([]string{}, reviewTrailers...)
	for _, t := range r.Reviewers {
		if !trailerName.MatchString(t) {
			return fmt.Errorf("reviewers: %q is not the name of a trailer such as Signed-off-by", t)
		}
		r.reviews = append(r.reviews, strings.ToLower(strings.NewReplacer(" ", "-", "_", "-").Replace(t)))
	}
	return nil
}

var trailerName = regexp.MustCompile(`^[A-Za-z][A-Za-z_ -]{2,40}$`)

func decodeStrict(data []byte, v any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}
