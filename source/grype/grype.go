// Package grype is the source that reads JSON reports of Grype. docs/sources/grype.md describes it.
package grype

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/folder"
	"tieout/source/weakness"
)

const kind = "grype.report"

// Driver is the grype source.
var Driver = &source.Driver{
	Name:    "grype",
	Version: 1,
	Title:   "Grype reports (JSON)",
	Types:   []string{"vulnerability"},
	Scopes:  []source.Scope{{Name: "read the files", Why: "they are read and sealed as they are; nothing is scanned and nothing is written"}},
	Cannot:  cannot,
	Settings: append(folder.Documented(), source.Setting{Name: "tags",
		Doc: "`drop`: all tags of an image are the same thing, so that the next build's scan shows what is gone; absent: each tag is one of its own", Example: "drop"}),

	Open:      open,
	Normalize: normalize,
}

var cannot = append([]string{"matches the report leaves out because of --only-fixed and the like"}, weakness.Cannot...)

// Settings is the `with:` of a grype connection.
type Settings struct {
	folder.ToolSettings
	Tags string `json:"tags"`
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	if s.Tags != "" && s.Tags != "drop" {
		return nil, nil, fmt.Errorf("%w: source %s: tags: %q; write drop, or leave it out", audit.ErrInvalid, name, s.Tags)
	}
	tool := weakness.Tool{Kind: kind, Cannot: cannot, Head: func(body []byte) (folder.Head, error) { return head(body, s.Tags == "drop") }}
	return tool.Open(name, s.ToolSettings, env)
}

// A document is Grype's JSON (grype/presenter/models/document.go).
type document struct {
	Matches        []match `json:"matches"`
	IgnoredMatches []match `json:"ignoredMatches"`
	Source         struct {
		Type   string          `json:"type"`
		Target json.RawMessage `json:"target"`
	} `json:"source"`
	Descriptor struct {
		Name      string `json:"name"`
		Timestamp string `json:"timestamp"`
	} `json:"descriptor"`
}

type match struct {
	Vulnerability struct {
		ID       string `json:"id"`
		Severity string `json:"severity"`
		Fix      struct {
			State string `json:"state"`
		} `json:"fix"`
	} `json:"vulnerability"`
	Artifact struct {
		Name      string     `json:"name"`
		Version   string     `json:"version"`
		Type      string     `json:"type"`
		Locations []location `json:"locations"`
	} `json:"artifact"`
	AppliedIgnoreRules []struct {
		VEXStatus string `json:"vex-status"`
	} `json:"appliedIgnoreRules"`
}

type location struct {
	Path        string `json:"path"`
	Annotations struct {
		Evidence string `json:"evidence"`
	} `json:"annotations"`
}

func parse(body []byte) (document, error) {
	var d document
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &d); err != nil {
		return d, fmt.Errorf("it is no JSON report of Grype: %w", err)
	}
	if d.Descriptor.Name != "grype" || d.Matches == nil {
		return d, errors.New("it is no JSON report of Grype: descriptor.name is not grype, or there is no list of matches")
	}
	return d, nil
}

func head(body []byte, drop bool) (folder.Head, error) {
	var h folder.Head
	d, err := parse(body)
	if err != nil {
		return h, err
	}
	if d.Descriptor.Timestamp != "" {
		if h.At, err = time.Parse(time.RFC3339Nano, d.Descriptor.Timestamp); err != nil {
			return h, fmt.Errorf("descriptor.timestamp: %q is no instant", d.Descriptor.Timestamp)
		}
	}
	h.Scope = d.target()
	if drop && d.Source.Type == "image" {
		h.Scope = weakness.WithoutTag(h.Scope)
	}
	return h, nil
}

// target is what was scanned, as the person who scanned it wrote it: a text, or
// userInput of an image. "" where it is not said.
func (d document) target() string {
	var image struct {
		UserInput string `json:"userInput"`
	}
	var text string
	switch {
	case d.Source.Type == "unknown":
		return ""
	case json.Unmarshal(d.Source.Target, &text) == nil:
		return text
	case json.Unmarshal(d.Source.Target, &image) == nil:
		return image.UserInput
	}
	return ""
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	list, body, err := weakness.Read(conf, kind, p)
	if err != nil || list == nil {
		return nil, err
	}
	d, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	for _, m := range d.Matches {
		list.Add(m.weakness("open"))
	}
	for _, m := range d.IgnoredMatches {
		list.Add(m.weakness(m.hidden()))
	}
	var out source.Reading
	list.Items(&out)
	return out.Done()
}

func (m match) weakness(status string) weakness.Weakness {
	w := weakness.Weakness{Advisory: m.Vulnerability.ID, Package: m.Artifact.Name, Place: m.place(), Kind: "package",
		Severity: weakness.Severity(m.Vulnerability.Severity), Status: status, Scanner: "Grype"}
	switch m.Vulnerability.Fix.State {
	case "fixed":
		w.Fix = weakness.Yes()
	case "not-fixed", "wont-fix":
		w.Fix = weakness.No()
	}
	return w
}

// place is the file that shows the package, and what kind of package it is.
func (m match) place() string {
	path := ""
	for _, l := range m.Artifact.Locations {
		if path == "" || l.Annotations.Evidence == "primary" {
			path = cmp.Or(l.Path, path)
		}
		if l.Annotations.Evidence == "primary" {
			break
		}
	}
	return strings.Trim(m.Artifact.Type+":"+weakness.WithoutVersion(path, m.Artifact.Version), ":")
}

// hidden is what an ignore rule says of a match: a VEX statement, or that it is accepted.
func (m match) hidden() string {
	for _, r := range m.AppliedIgnoreRules {
		switch r.VEXStatus {
		case "not_affected":
			return "false positive"
		case "fixed":
			return "fixed"
		}
	}
	return "accepted"
}
