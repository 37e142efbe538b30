// Package osv is the source that reads JSON output of OSV-Scanner. docs/sources/osv.md describes it.
package osv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/source"
	"tieout/source/folder"
	"tieout/source/weakness"
)

const kind = "osv.report"

// Driver is the osv source.
var Driver = &source.Driver{
	Name:     "osv",
	Version:  1,
	Title:    "OSV-Scanner output (JSON)",
	Types:    []string{"vulnerability"},
	Scopes:   []source.Scope{{Name: "read the files", Why: "they are read and sealed as they are; nothing is scanned and nothing is written"}},
	Cannot:   cannot,
	Settings: append(folder.Documented("dates", "scope"), weakness.Reach),

	Open:      open,
	Normalize: normalize,
}

var cannot = append([]string{
	"when the scan ran, beyond what the file's name or modification time say: the output holds no time",
	"what osv-scanner.toml told the scan to ignore",
	"lock files without a vulnerable package: the output does not name them",
}, weakness.Cannot...)

// Settings is the `with:` of an osv connection.
type Settings struct {
	folder.ToolSettings
	Reach string `json:"reach"`
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	called, err := weakness.Called(s.Reach)
	switch {
	case err != nil:
	case s.Dates == "":
		err = errors.New("dates: the output does not say when the scan ran; write name or modified")
	case !s.Scope.Set():
		err = errors.New("scope: the output does not say what was scanned; write a text, or a path expression")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	return weakness.Tool{Kind: kind, Cannot: cannot, Head: head, Called: called}.Open(name, s.ToolSettings, env)
}

// An output is OSV-Scanner's JSON (docs: "Output", JSON).
type output struct {
	Results []struct {
		Source struct {
			Path string `json:"path"`
		} `json:"source"`
		Packages []pkg `json:"packages"`
	} `json:"results"`
}

type pkg struct {
	Package struct {
		Name      string `json:"name"`
		Ecosystem string `json:"ecosystem"`
	} `json:"package"`
	Vulnerabilities []entry `json:"vulnerabilities"`
	Groups          []group `json:"groups"`
}

// An entry is one advisory in the format of OSV (ossf.github.io/osv-schema).
type entry struct {
	ID        string   `json:"id"`
	Aliases   []string `json:"aliases"`
	Withdrawn string   `json:"withdrawn"`
	Affected  []struct {
		Package struct {
			Name      string `json:"name"`
			Ecosystem string `json:"ecosystem"`
		} `json:"package"`
		Ranges []span `json:"ranges"`
	} `json:"affected"`
	Specific struct {
		Severity any `json:"severity"`
	} `json:"database_specific"`
}

// A span is a range of versions that are affected.
type span struct {
	Events []struct {
		Fixed string `json:"fixed"`
	} `json:"events"`
}

// fixed reports that the range ends in a version that is not affected.
func (s span) fixed() bool {
	for _, e := range s.Events {
		if e.Fixed != "" {
			return true
		}
	}
	return false
}

// A group are the advisories of one weakness.
type group struct {
	IDs         []string `json:"ids"`
	Aliases     []string `json:"aliases"`
	MaxSeverity string   `json:"max_severity"`
	Analysis    map[string]struct {
		Called bool `json:"called"`
	} `json:"experimentalAnalysis"`
}

func parse(body []byte) (output, error) {
	var o output
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &o); err != nil {
		return o, fmt.Errorf("it is no JSON output of OSV-Scanner: %w", err)
	}
	if o.Results == nil {
		return o, errors.New("it is no JSON output of OSV-Scanner: there is no list of results")
	}
	return o, nil
}

func head(body []byte) (folder.Head, error) {
	_, err := parse(body)
	return folder.Head{}, err
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	list, body, err := weakness.Read(conf, kind, p)
	if err != nil || list == nil {
		return nil, err
	}
	o, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	var out source.Reading
	for _, res := range o.Results {
		for _, p := range res.Packages {
			p.add(list, res.Source.Path, &out)
		}
	}
	list.Items(&out)
	return out.Done()
}

func (p pkg) add(list *weakness.List, path string, out *source.Reading) {
	grouped := map[string]bool{}
	for _, g := range p.Groups {
		for _, id := range g.IDs {
			grouped[id] = true
		}
		if list.Called && g.uncalled() {
			continue
		}
		list.Add(weakness.Weakness{Advisory: g.advisory(), Package: p.Package.Name, Place: path, Kind: "package",
			Severity: p.severity(g), Status: "open", Scanner: "OSV-Scanner", Fix: p.fix(g)})
	}
	for _, v := range p.Vulnerabilities {
		if !grouped[v.ID] {
			out.Refuse("vulnerability "+v.ID, errors.New("no group names it"))
		}
	}
}

// advisory is the CVE, the first of several, else the group's first id.
func (g group) advisory() string {
	var cves []string
	for _, id := range slices.Concat(g.IDs, g.Aliases) {
		if strings.HasPrefix(id, "CVE-") {
			cves = append(cves, id)
		}
	}
	switch {
	case len(cves) > 0:
		return slices.Min(cves)
	case len(g.IDs) > 0:
		return g.IDs[0]
	}
	return ""
}

// uncalled reports that the tool looked, and found none of it called.
func (g group) uncalled() bool {
	for _, a := range g.Analysis {
		if a.Called {
			return false
		}
	}
	return len(g.Analysis) > 0 && len(g.Analysis) >= len(g.IDs)
}

// severity is the group's base value, or the word of an advisory's database.
func (p pkg) severity(g group) string {
	if g.MaxSeverity != "" {
		return weakness.CVSS(g.MaxSeverity)
	}
	for _, v := range p.Vulnerabilities {
		if word, ok := v.Specific.Severity.(string); ok && slices.Contains(g.IDs, v.ID) {
			return weakness.Severity(word)
		}
	}
	return ""
}

// fix reports whether an advisory of the group names a fixed version of the
// package: yes, or no where one names the package and no fixed version.
func (p pkg) fix(g group) *bool {
	var answer *bool
	for _, v := range p.Vulnerabilities {
		if !slices.Contains(g.IDs, v.ID) {
			continue
		}
		for _, a := range v.Affected {
			switch {
			case a.Package.Name != p.Package.Name || len(a.Ranges) == 0:
			case slices.ContainsFunc(a.Ranges, span.fixed):
				return weakness.Yes()
			default:
				answer = weakness.No()
			}
		}
	}
	return answer
}
