// Package files is the source that reads exports: CSV, JSON, JSON Lines and
// Excel files, turned into items by rules a person writes.
// docs/formats/files-mapping.md describes the rules.
package files

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/mapping"
)

// Driver is the files source.
var Driver = &source.Driver{
	Name:    "files",
	Version: 1,
	Title:   "Exported files: CSV, JSON, JSON Lines, Excel",
	Types:   allTypes(),
	Scopes:  []source.Scope{{Name: "read the files", Why: "they are read and sealed as they are; nothing is written"}},
	Cannot:  cannot,
	Settings: []source.Setting{
		{Name: "streams", Doc: "kinds of file, and how their rows become items", Example: `[{ files: "exports/hr-*.csv", type: person, mode: snapshot, asOf: { path: 'hr-(\d{4}-\d{2}-\d{2})' }, id: "hr/{number}", fields: { name: Name } }]`, Required: true},
	},

	Open:      open,
	Normalize: normalize,
}

var cannot = []string{
	"whether an export holds everything its system held: reconcile it with a count at the source",
	"who could change a file between its export and its sealing",
	"when an export was made, beyond what its name, its contents or its modification time say",
}

func allTypes() []string {
	var out []string
	for _, t := range audit.ItemTypes {
		out = append(out, t.Name)
	}
	return out
}

// Settings is the `with:` of a files connection.
type Settings struct {
	Streams []Stream `json:"streams"`
}

// A Stream is one kind of file and how its rows become items.
type Stream struct {
	Name  string `json:"name"` // within the connection; "" is the item type
	Files string `json:"files"`
	mapping.Format
	Type     string                   `json:"type"`
	Mode     audit.Mode               `json:"mode"`
	Scope    Scope                    `json:"scope"`
	AsOf     *Dating                  `json:"asOf"`
	Covers   *Covers                  `json:"covers"`
	Count    *Place                   `json:"count"`
	Sequence string                   `json:"sequence"`
	Schema   string                   `json:"schema"` // path of a JSON Schema, relative to the workspace
	ID       string                   `json:"id"`
	At       *mapping.Value           `json:"at"`
	Gone     *mapping.Condition       `json:"gone"`
	Fields   map[string]mapping.Value `json:"fields"`
	Links    *mapping.Links           `json:"links"`
}

// A Place is a single value within a JSON document.
type Place struct {
	Field string `json:"field"`
}

// A Scope is a sub-scope: a fixed text, or the first group of a regular
// expression on the file's path.
type Scope struct {
	Fixed string
	Path  *regexp.Regexp
}

// UnmarshalJSON reads a text or {path: REGEXP}.
func (s *Scope) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &s.Fixed)
	}
	var p struct {
		Path string `json:"path"`
	}
	if err := strict(b, &p); err != nil {
		return fmt.Errorf("scope: %w", err)
	}
	var err error
	s.Path, err = pathPattern(p.Path)
	return err
}

func pathPattern(s string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, err
	}
	if re.NumSubexp() < 1 {
		return nil, fmt.Errorf("%q has no group (...) that says what to take", s)
	}
	return re, nil
}

// A Dating says when the state a snapshot shows was so.
type Dating struct {
	Fixed    string         `json:"-"`
	Path     string         `json:"path"`
	Column   string         `json:"column"`
	Field    string         `json:"field"`
	Modified bool           `json:"modified"`
	Time     string         `json:"time"` // of a day that Path or Fixed gives: "HH:MM" in the zone; "" is its start
	re       *regexp.Regexp `json:"-"`
}

// UnmarshalJSON reads a date, or one of {path}, {column}, {field}, {modified: true}.
func (d *Dating) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &d.Fixed)
	}
	type plain Dating
	if err := strict(b, (*plain)(d)); err != nil {
		return fmt.Errorf("asOf: %w", err)
	}
	var err error
	if d.Path != "" {
		if d.re, err = pathPattern(d.Path); err != nil {
			return fmt.Errorf("asOf: path: %w", err)
		}
	}
	if d.Time != "" {
		if _, err := time.Parse("15:04", d.Time); err != nil {
			return fmt.Errorf("asOf: time %q; write HH:MM", d.Time)
		}
	}
	return nil
}

// inside: the date is known only once the file has been read.
func (d *Dating) inside() bool { return d.Column != "" || d.Field != "" }

// Covers says which stretch a file of changes or events covers.
type Covers struct {
	Path string         `json:"path"`
	From string         `json:"from"` // a date, or the column that holds one
	To   string         `json:"to"`   // likewise; the day is included
	re   *regexp.Regexp `json:"-"`
}

// UnmarshalJSON reads {path: REGEXP} or {from, to}.
func (c *Covers) UnmarshalJSON(b []byte) error {
	type plain Covers
	if err := strict(b, (*plain)(c)); err != nil {
		return fmt.Errorf("covers: %w", err)
	}
	if (c.Path == "") != (c.From != "" && c.To != "") {
		return fmt.Errorf("covers: write path, or from and to")
	}
	var err error
	if c.Path != "" {
		c.re, err = pathPattern(c.Path)
	}
	return err
}

func (c *Covers) inside() bool { return c.Path == "" && !(isDate(c.From) && isDate(c.To)) }

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func strict(b []byte, v any) error {
	if len(bytes.TrimSpace(b)) == 0 {
		b = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

// config is what normalizing needs.
type config struct {
	Streams []streamConfig `json:"streams"`
}

type streamConfig struct {
	Name   string         `json:"name"`
	Format mapping.Format `json:"format"`
	Rules  mapping.Rules  `json:"rules"`
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	var s Settings
	if err := strict(with, &s); err != nil {
		return fail(err)
	}
	if len(s.Streams) == 0 {
		return fail(errors.New("streams: there is none"))
	}
	c := &collector{source: name, dir: env.Dir}
	var conf config
	for i := range s.Streams {
		st := &s.Streams[i]
		sc, err := st.prepare(env.Dir, s.Streams[:i])
		if err != nil {
			return fail(fmt.Errorf("stream %d (%s): %w", i+1, st.Files, err))
		}
		conf.Streams = append(conf.Streams, sc)
		c.streams = append(c.streams, stream{Stream: *st, config: sc})
	}
	b, err := canonical.Marshal(conf)
	if err != nil {
		return fail(err)
	}
	return c, b, nil
}

// prepare checks the stream's settings and gives what normalizing needs.
func (s *Stream) prepare(dir string, before []Stream) (streamConfig, error) {
	var none streamConfig
	if s.Name == "" {
		s.Name = s.Type
	}
	for _, o := range before {
		if o.Name == s.Name {
			s.Name += "-" + strconv.Itoa(len(before)+1)
		}
		if o.Type == s.Type && o.Scope.Path == nil && s.Scope.Path == nil && o.Scope.Fixed == s.Scope.Fixed {
			return none, fmt.Errorf("another stream gives %s of scope %q as well; give each its own scope", s.Type, s.Scope.Fixed)
		}
	}
	if !streamName.MatchString(s.Name) {
		return none, fmt.Errorf("name %q; use letters, digits and hyphens", s.Name)
	}
	if err := s.Format.Check(); err != nil {
		return none, err
	}
	if err := s.checkDates(); err != nil {
		return none, err
	}
	if _, err := filepath.Match(s.Files, ""); err != nil || s.Files == "" {
		return none, fmt.Errorf("files: %q is not a pattern such as exports/*.csv", s.Files)
	}
	r := mapping.Rules{Type: s.Type, Mode: s.Mode, ID: s.ID, At: s.At, Gone: s.Gone, Fields: s.Fields, Links: s.Links}
	if s.Schema != "" {
		b, err := os.ReadFile(join(dir, s.Schema))
		if err != nil {
			return none, fmt.Errorf("schema: %w", err)
		}
		if !json.Valid(b) {
			return none, fmt.Errorf("schema: %s is not JSON", s.Schema)
		}
		r.Schema, _ = json.Marshal(string(b)) // as text: a schema may hold numbers that have no canonical form
	}
	if _, err := compile(r, time.UTC); err != nil {
		return none, err
	}
	return streamConfig{s.Name, s.Format, r}, nil
}

var streamName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

func (s *Stream) checkDates() error {
	if s.Mode == audit.ModeSnapshot {
		if s.AsOf == nil || s.Covers != nil {
			return fmt.Errorf("a snapshot needs asOf, and has no covers")
		}
		n := 0
		for _, set := range []bool{s.AsOf.Fixed != "", s.AsOf.Path != "", s.AsOf.Column != "", s.AsOf.Field != "", s.AsOf.Modified} {
			if set {
				n++
			}
		}
		if n != 1 {
			return fmt.Errorf("asOf: write one of a date, path, column, field and modified")
		}
	} else if s.Covers == nil || s.AsOf != nil {
		return fmt.Errorf("changes and events need covers, and have no asOf")
	}
	if s.Kind != "json" && (s.Count != nil || s.AsOf != nil && s.AsOf.Field != "") {
		return fmt.Errorf("count and asOf.field are places in a json document")
	}
	return nil
}

// compile makes rules whose schema is text ready to run.
func compile(r mapping.Rules, zone *time.Location) (*mapping.Program, error) {
	if len(r.Schema) > 0 {
		var text string
		if err := json.Unmarshal(r.Schema, &text); err != nil {
			return nil, fmt.Errorf("%w: schema: %w", audit.ErrInvalid, err)
		}
		r.Schema = json.RawMessage(text)
	}
	return mapping.Compile(r, zone)
}

func join(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// A ref is what a page's query says: the file, and what its reading depends on.
type ref struct {
	path  string
	zone  string
	line  int        // of the file that the page's first data row stands on
	about audit.Span // where changes and events must lie; zero: anywhere
}

func (r ref) String() string {
	q := url.Values{"zone": {r.zone}, "line": {strconv.Itoa(r.line)}}
	if !r.about.Empty() {
		q.Set("from", audit.FormatTime(r.about.From))
		q.Set("to", audit.FormatTime(r.about.To))
	}
	return (&url.URL{Path: filepath.ToSlash(r.path), RawQuery: q.Encode()}).String()
}

func parseRef(s string) (r ref, err error) {
	u, err := url.Parse(s)
	if err != nil {
		return r, err
	}
	q := u.Query()
	r.path, r.zone = u.Path, q.Get("zone")
	if r.line, err = strconv.Atoi(q.Get("line")); err != nil {
		return r, err
	}
	if q.Has("from") {
		if r.about.From, err = audit.ParseTime(q.Get("from")); err != nil {
			return r, err
		}
		r.about.To, err = audit.ParseTime(q.Get("to"))
	}
	return r, err
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	name, ok := strings.CutPrefix(p.Kind, "files.")
	if !ok {
		return nil, fmt.Errorf("%w: a page of kind %q is not of a files source", audit.ErrInvalid, p.Kind)
	}
	if strings.HasSuffix(name, found) {
		return nil, nil // sealed to learn its date; what it shows is on the page that has it
	}
	r, err := parseRef(p.Query)
	if err != nil {
		return nil, fmt.Errorf("%w: query %q: %w", audit.ErrInvalid, p.Query, err)
	}
	x, err := readers.get(readerKey{string(conf), name, r.zone})
	if err != nil {
		return nil, err
	}
	x.mu.Lock() // a Program is for one goroutine at a time
	defer x.mu.Unlock()
	return x.prog.Read(x.format, r.path, r.about, r.line, p.Body)
}

// A reader reads the pages of one stream under one configuration.
type reader struct {
	mu     sync.Mutex
	format mapping.Format
	prog   *mapping.Program
}

type readerKey struct{ conf, stream, zone string }

// readers remembers compiled mappings: a year of small exports is thousands of
// pages under one configuration, and compiling it costs more than reading one.
// It changes nothing but time. When it is full it starts anew.
var readers = memo{m: map[readerKey]*reader{}}

const maxReaders = 256

type memo struct {
	mu sync.Mutex
	m  map[readerKey]*reader
}

func (m *memo) get(k readerKey) (*reader, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if x, ok := m.m[k]; ok {
		return x, nil
	}
	x, err := newReader(k)
	if err != nil {
		return x, err
	}
	if len(m.m) >= maxReaders {
		clear(m.m)
	}
	m.m[k] = x
	return x, nil
}

func newReader(k readerKey) (*reader, error) {
	var c config
	if err := strict(json.RawMessage(k.conf), &c); err != nil {
		return nil, fmt.Errorf("%w: configuration: %w", audit.ErrInvalid, err)
	}
	i := slices.IndexFunc(c.Streams, func(s streamConfig) bool { return s.Name == k.stream })
	if i < 0 {
		return nil, fmt.Errorf("%w: the configuration has no stream for a page of kind %q", audit.ErrInvalid, "files."+k.stream)
	}
	zone, err := loadZone(k.zone)
	if err != nil {
		return nil, err
	}
	prog, err := compile(c.Streams[i].Rules, zone)
	return &reader{format: c.Streams[i].Format, prog: prog}, err
}

func loadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%w: time zone %q is not known here", audit.ErrInvalid, name)
	}
	return zone, nil
}
