// Package weakness is what sources that read the reports of scanners have in
// common: one report is the whole set of weaknesses of what was scanned, at the
// instant the report itself states, so that what a later report of the same
// thing does not show has disappeared.
package weakness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/folder"
)

// Settings every source of scanner reports has.
type Settings struct {
	folder.Where
	Scope Scope `json:"scope"`
}

// Documented are the keys of Settings. need says whether the tool's reports
// leave out what was scanned.
func Documented(need bool) []source.Setting {
	doc := "what was scanned, instead of the report's own words: a text, or { path: RE2 }, the first group of an expression on the file's path"
	return append(slices.Clone(folder.Settings), source.Setting{Name: "scope", Doc: doc, Example: `{ path: "scans/([^/]+)/" }`, Required: need})
}

// Cannot is what no report of a scanner shows.
var Cannot = []string{
	"which checks, severities and paths a scan was told to leave out: a narrower scan looks like one that found less. Give each way of scanning its own connection",
	"what the scanner's database did not know yet when the scan ran",
	"who could change a file between the scan and its sealing",
}

// A Scope says what a file's scan was of: a fixed text, or the first group of a
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

// A Tool is how one scanner's reports are read.
type Tool struct {
	Kind   string // of its pages
	Cannot []string
	Called bool // items are of code that is called only; normalizing is told so
	// Head reads when the scan was and what was scanned, as far as the report says.
	Head func(body []byte) (folder.Head, error)
}

// Open returns the collector and the configuration of normalizing. Errors wrap
// audit.ErrInvalid.
func (t Tool) Open(name string, s Settings, env source.Env) (source.Collector, json.RawMessage, error) {
	if err := s.Check(); err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	conf, err := canonical.Marshal(config{name, t.Called})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	return &collector{tool: t, name: name, settings: s, dir: env.Dir}, conf, nil
}

type collector struct {
	tool     Tool
	name     string
	settings Settings
	dir      string
}

// Collect seals every report and closes one stream for each thing and instant.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: c.name, Window: w, Sink: sink}
	f := folder.Format{Kind: c.tool.Kind, Mode: audit.ModeSnapshot, Types: []string{"vulnerability"}, Cannot: c.tool.Cannot, Head: c.head}
	return f.Collect(ctx, run, c.dir, c.settings.Where)
}

func (c *collector) head(name string, body []byte) (folder.Head, error) {
	h, err := c.tool.Head(body)
	if err == nil {
		h.Scope, err = c.settings.Scope.Of(name, h.Scope)
	}
	return h, err
}

// config is what normalizing needs: the connection, which ids start with, and
// whether code that is not called is left out.
type config struct {
	Name   string `json:"name"`
	Called bool   `json:"called,omitempty"`
}

// Reach documents the setting of tools that know which code is called.
var Reach = source.Setting{Name: "reach", Doc: "`called`: only what the tool found to be called; absent: all it reports", Example: "called"}

// Called reads that setting.
func Called(reach string) (bool, error) {
	if reach != "" && reach != "called" {
		return false, fmt.Errorf("reach: %q; write called, or leave it out", reach)
	}
	return reach == "called", nil
}

// Severity reads a scanner's word; "" where it is none of the schema's. What
// distributions call negligible is low.
func Severity(word string) string {
	switch w := strings.ToLower(word); w {
	case "critical", "high", "medium", "low", "none":
		return w
	case "moderate":
		return "medium"
	case "negligible":
		return "low"
	}
	return ""
}

// CVSS reads a base value from 0.0 to 10.0 by the bands of FIRST's CVSS 3.1
// and 4.0 specifications, section "Qualitative Severity Rating Scale"; "" for
// what is no such number.
func CVSS(text string) string {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	switch {
	case err != nil || !(v >= 0 && v <= 10):
		return ""
	case v >= 9:
		return "critical"
	case v >= 7:
		return "high"
	case v >= 4:
		return "medium"
	case v > 0:
		return "low"
	}
	return "none"
}
