// Package sqlquery is the source that asks a PostgreSQL database, or what
// speaks its protocol as Steampipe does, with queries a person writes, and turns
// rows into items by rules. docs/sources/sql.md describes it.
package sqlquery

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/mapping"
)

// Driver is the sql source.
var Driver = &source.Driver{
	Name:    "sql",
	Version: 1,
	Title:   "Any PostgreSQL database, and Steampipe",
	Types:   allTypes(),
	Scopes: []source.Scope{
		{Name: "CONNECT on the database", Why: "it opens one connection at a time"},
		{Name: "SELECT on what the queries name", Why: "each query runs in a read-only transaction; give it a role that can do no more"},
	},
	Cannot: cannot,
	Settings: []source.Setting{
		{Name: "dsn", Doc: "reference to the database's address, postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full", Example: "env:STEAMPIPE_DSN", Required: true, Secret: true},
		{Name: "allow", Doc: "absent: public addresses, with a verified certificate; `private`: the company's own network; `loopback`: this machine", Example: "private"},
		{Name: "timeout", Doc: "seconds a query may take with the time its rows take to arrive; absent: 600", Example: "120"},
		{Name: "streams", Doc: "the queries, each with the rules that make items of its rows", Example: "[{ query: ..., type: datastore, mode: snapshot, id: \"{arn}\", fields: {...} }]", Required: true},
	},

	Open:      open,
	Normalize: normalize,
}

var cannot = []string{
	"rows that the database hides from the role that asks (row security, views), and what its tables themselves leave out",
	"whether a foreign table answers twice alike: both the rows and their count are asked for in one transaction, which binds the database only",
}

func allTypes() []string {
	var out []string
	for _, t := range audit.ItemTypes {
		out = append(out, t.Name)
	}
	return out
}

// Settings is the `with:` of an sql connection.
type Settings struct {
	DSN     string   `json:"dsn"`     // reference: env:NAME, file:PATH, keyring:NAME
	Allow   string   `json:"allow"`   // "": public addresses with TLS; "private"; "loopback"
	Timeout int      `json:"timeout"` // seconds of one query; 0: 600
	Streams []Stream `json:"streams"`
}

// A Stream is one query and how its rows become items.
type Stream struct {
	Name   string                   `json:"name"`  // within the connection; "" is the item type
	Query  string                   `json:"query"` // one statement that gives rows; may hold {from} and {to}
	Type   string                   `json:"type"`
	Mode   audit.Mode               `json:"mode"`
	Scope  string                   `json:"scope"`
	ID     string                   `json:"id"`
	At     *mapping.Value           `json:"at"`
	Gone   *mapping.Condition       `json:"gone"`
	Fields map[string]mapping.Value `json:"fields"`
	Links  *mapping.Links           `json:"links"`
}

// config is what normalizing needs.
type config struct {
	Streams []streamConfig `json:"streams"`
}

type streamConfig struct {
	Name  string        `json:"name"`
	Rules mapping.Rules `json:"rules"`
}

// format is how rows lie in a page.
var format = mapping.Format{Kind: "jsonl"}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	c := &collector{name: name, env: env}
	conf, err := s.read(c)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	b, err := canonical.Marshal(conf)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	return c, b, nil
}

const standardTimeout = 10 * time.Minute

// read checks the settings and fills the collector.
func (s *Settings) read(c *collector) (config, error) {
	var conf config
	switch {
	case s.DSN == "":
		return conf, errors.New("dsn: it is needed, as a reference such as env:STEAMPIPE_DSN")
	case s.Timeout < 0 || s.Timeout > 24*3600:
		return conf, fmt.Errorf("timeout: %d; write seconds, up to a day", s.Timeout)
	case len(s.Streams) == 0:
		return conf, errors.New("streams: there is none")
	}
	if err := errors.Join(source.CheckSecret("dsn", s.DSN), source.CheckAllow(s.Allow)); err != nil {
		return conf, err
	}
	c.dsn, c.allow, c.timeout = s.DSN, s.Allow, time.Duration(s.Timeout)*time.Second
	if s.Timeout == 0 {
		c.timeout = standardTimeout
	}
	for i := range s.Streams {
		st := &s.Streams[i]
		sc, err := st.prepare(s.Streams[:i])
		if err != nil {
			return conf, fmt.Errorf("stream %d (%s): %w", i+1, st.Name, err)
		}
		conf.Streams = append(conf.Streams, sc)
		c.streams = append(c.streams, stream{*st, sc.Rules})
	}
	return conf, nil
}

var streamName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// prepare checks a stream's settings and gives what normalizing needs.
func (s *Stream) prepare(before []Stream) (streamConfig, error) {
	var none streamConfig
	if s.Name == "" {
		s.Name = s.Type
	}
	for _, o := range before {
		if o.Name == s.Name {
			return none, errors.New("another stream has the same name; give each its own `name`")
		}
		if o.Type == s.Type && o.Scope == s.Scope {
			return none, fmt.Errorf("another stream gives %s of scope %q as well; give each its own scope", s.Type, s.Scope)
		}
	}
	if !streamName.MatchString(s.Name) {
		return none, fmt.Errorf("name %q; use letters, digits and hyphens", s.Name)
	}
	if s.Query = strings.TrimRight(strings.TrimSpace(s.Query), "; \n\t"); s.Query == "" {
		return none, errors.New("query: it is empty")
	}
	rules := mapping.Rules{Type: s.Type, Mode: s.Mode, ID: s.ID, At: s.At, Gone: s.Gone, Fields: s.Fields, Links: s.Links}
	_, err := mapping.Compile(rules, time.UTC)
	return streamConfig{s.Name, rules}, err
}

// statement is the query with the ends of the window written into it.
func (s *Stream) statement(w audit.Span) string {
	return strings.NewReplacer(
		"{from}", "timestamptz '"+audit.FormatTime(w.From)+"'",
		"{to}", "timestamptz '"+audit.FormatTime(w.To)+"'",
	).Replace(s.Query)
}

// pageQuery is what a page's query says; its end carries what normalizing depends on.
func pageQuery(statement string, row int, zone string) string {
	return fmt.Sprintf("%s (row %d, zone %s)", statement, row, zone)
}

var queryEnd = regexp.MustCompile(`\(row (\d+), zone ([A-Za-z0-9_+/-]*)\)$`)

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c config
	if err := source.Strict(conf, &c); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if p.Kind == source.KindFailed {
		return nil, nil
	}
	name, ok := strings.CutPrefix(p.Kind, "sql.")
	i := slices.IndexFunc(c.Streams, func(s streamConfig) bool { return s.Name == name })
	if !ok || i < 0 {
		return nil, fmt.Errorf("%w: the configuration has no stream for a page of kind %q", audit.ErrInvalid, p.Kind)
	}
	m := queryEnd.FindStringSubmatch(p.Query)
	if m == nil {
		return nil, fmt.Errorf("%w: the page's query %q does not end in its row and zone", audit.ErrInvalid, p.Query)
	}
	row, err := strconv.Atoi(m[1])
	if err != nil {
		return nil, fmt.Errorf("%w: row %s", audit.ErrInvalid, m[1])
	}
	zone, err := loadZone(m[2])
	if err != nil {
		return nil, err
	}
	prog, err := mapping.Compile(c.Streams[i].Rules, zone)
	if err != nil {
		return nil, err
	}
	return prog.Read(format, "row", audit.Span{}, row, p.Body)
}

func loadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%w: time zone %q is not known here", audit.ErrInvalid, name)
	}
	return zone, nil
}
