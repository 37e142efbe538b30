package folder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// ToolSettings is the `with:` of a source that reads the reports of one tool.
type ToolSettings struct {
	Where
	Scope Scope `json:"scope"`
}

// Documented are the keys of ToolSettings; needed names those of them that the
// tool's reports make necessary, since they do not say it.
func Documented(needed ...string) []source.Setting {
	doc := "what a report is about, instead of its own words: a text, or { path: RE2 }, the first group of an expression on the file's path"
	out := append(slices.Clone(Settings), source.Setting{Name: "scope", Doc: doc, Example: `{ path: "scans/([^/]+)/" }`})
	for i := range out {
		out[i].Required = out[i].Required || slices.Contains(needed, out[i].Name)
	}
	return out
}

// A Scope says what a file is about: a fixed text, or the first group of a
// regular expression on the file's path; its zero value, what the file says.
type Scope struct {
	fixed string
	path  *regexp.Regexp
}

// UnmarshalJSON reads a text or {path: RE2}.
func (s *Scope) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &s.fixed)
	}
	var p struct {
		Path string `json:"path"`
	}
	if err := source.Strict(b, &p); err != nil {
		return fmt.Errorf("scope: %w", err)
	}
	re, err := regexp.Compile(p.Path)
	if err != nil {
		return fmt.Errorf("scope: %w", err)
	}
	if re.NumSubexp() < 1 {
		return fmt.Errorf("scope: %q has no group (...) that says what to take", p.Path)
	}
	s.path = re
	return nil
}

// Of is the scope of the file called name whose own words are own.
func (s Scope) Of(name, own string) (string, error) {
	switch {
	case s.fixed != "":
		return s.fixed, nil
	case s.path != nil:
		m := s.path.FindStringSubmatch(name)
		if m == nil || m[1] == "" {
			return "", fmt.Errorf("its path does not follow scope: %s", s.path)
		}
		return m[1], nil
	case own != "":
		return own, nil
	}
	return "", errors.New("it does not say what was scanned; set `scope`")
}

// Set reports whether the settings name the scope.
func (s Scope) Set() bool { return s.fixed != "" || s.path != nil }

// A Tool is how the reports of one tool are read.
type Tool struct {
	Kind   string     // of its pages
	Mode   audit.Mode // "": ModeSnapshot
	Types  []string   // item types a report gives
	Cannot []string
	Config any // what normalizing needs
	// Head reads what an unpacked report says about itself; the settings' scope
	// stands before its own. zone is the organization's.
	Head func(name string, body []byte, zone *time.Location) (Head, error)
}

// Open returns the collector and the configuration of normalizing. Errors wrap
// audit.ErrInvalid.
func (t Tool) Open(name string, s ToolSettings, env source.Env) (source.Collector, json.RawMessage, error) {
	if err := s.Check(); err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	conf, err := canonical.Marshal(t.Config)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	return &collector{tool: t, name: name, settings: s, dir: env.Dir}, conf, nil
}

type collector struct {
	tool     Tool
	name     string
	settings ToolSettings
	dir      string
}

// Collect seals every report and closes a stream of each type for each scope and time.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	zone, err := time.LoadLocation(w.Zone)
	if err != nil {
		return fmt.Errorf("%w: source %s: time zone %q is not known", audit.ErrInvalid, c.name, w.Zone)
	}
	f := Format{Kind: c.tool.Kind, Mode: c.tool.Mode, Types: c.tool.Types, Cannot: c.tool.Cannot}
	if f.Mode == "" {
		f.Mode = audit.ModeSnapshot
	}
	f.Head = func(name string, body []byte) (Head, error) {
		h, err := c.tool.Head(name, body, zone)
		if err == nil {
			h.Scope, err = c.settings.Scope.Of(name, h.Scope)
		}
		return h, err
	}
	return f.Collect(ctx, &source.Run{Source: c.name, Window: w, Sink: sink}, c.dir, c.settings.Where)
}

// Open checks that a page is of the given kind, decodes the configuration and
// returns the page's unpacked bytes: nil for a page that gives no items. Errors
// wrap audit.ErrInvalid.
func Open(conf json.RawMessage, config any, kind string, p audit.Page) ([]byte, error) {
	if err := source.Strict(conf, config); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if p.Kind == source.KindFailed {
		return nil, nil
	}
	if p.Kind != kind {
		return nil, fmt.Errorf("%w: a page of kind %q is not %s", audit.ErrInvalid, p.Kind, kind)
	}
	body, err := Unpack(p.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	if body == nil {
		body = []byte{}
	}
	return body, nil
}
