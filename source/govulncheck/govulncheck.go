// Package govulncheck is the source that reads what `govulncheck -json` wrote.
// docs/sources/govulncheck.md describes it.
package govulncheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"tieout/audit"
	"tieout/source"
	"tieout/source/folder"
	"tieout/source/weakness"
)

const kind = "govulncheck.report"

// Driver is the govulncheck source.
var Driver = &source.Driver{
	Name:     "govulncheck",
	Version:  1,
	Title:    "govulncheck output (JSON)",
	Types:    []string{"vulnerability"},
	Scopes:   []source.Scope{{Name: "read the files", Why: "they are read and sealed as they are; nothing is scanned and nothing is written"}},
	Cannot:   cannot,
	Settings: append(folder.Documented("dates"), weakness.Reach),

	Open:      open,
	Normalize: normalize,
}

var cannot = append([]string{
	"when the scan ran, beyond what the file's name or modification time say: the output holds no time",
	"whether the scan ran to its end, where its output was cut at the end of a message: the output has no last message",
	"severity: the Go vulnerability database gives none",
}, weakness.Cannot...)

// Settings is the `with:` of a govulncheck connection.
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
	if err == nil && s.Dates == "" {
		err = errors.New("dates: the output does not say when the scan ran; write name or modified")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	tool := weakness.Tool{Kind: kind, Cannot: cannot, Called: called, Head: func(body []byte) (folder.Head, error) { return head(body, called) }}
	return tool.Open(name, s.ToolSettings, env)
}

// A message is one object of the stream (golang.org/x/vuln/internal/govulncheck);
// progress and advisories are not read.
type message struct {
	Config *struct {
		ScannerName string `json:"scanner_name"`
		ScanLevel   string `json:"scan_level"` // from 1.1: symbol, package or module
	} `json:"config"`
	SBOM *struct {
		Modules []struct {
			Path string `json:"path"`
		} `json:"modules"`
		Roots []string `json:"roots"`
	} `json:"SBOM"`
	Finding *finding `json:"finding"`
}

type finding struct {
	OSV          string `json:"osv"`
	FixedVersion string `json:"fixed_version"` // "" if there is no fix
	Trace        []struct {
		Module   string `json:"module"`
		Function string `json:"function"`
	} `json:"trace"`
}

// A report is what is kept of a stream.
type report struct {
	subject  string // module or package that was scanned; "" if it is not said
	level    string // of the scan; "" if it is not said
	findings []finding
}

func parse(body []byte) (report, error) {
	var r report
	known := false
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	for {
		var m message
		err := dec.Decode(&m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r, fmt.Errorf("it is no JSON output of govulncheck: %w", err)
		}
		if m.Config != nil {
			known, r.level = m.Config.ScannerName == "govulncheck", m.Config.ScanLevel
		}
		r.take(m)
	}
	if !known {
		return r, errors.New("it is no JSON output of govulncheck: no message names the scanner")
	}
	return r, nil
}

func (r *report) take(m message) {
	if m.Finding != nil {
		r.findings = append(r.findings, *m.Finding)
	}
	if m.SBOM == nil || len(m.SBOM.Roots) == 0 {
		return
	}
	root, best := m.SBOM.Roots[0], ""
	for _, mod := range m.SBOM.Modules {
		if len(mod.Path) > len(best) && (root == mod.Path || strings.HasPrefix(root, mod.Path+"/")) {
			best = mod.Path
		}
	}
	if r.subject = best; best == "" {
		r.subject = root
	}
}

// head refuses a scan that did not look for calls where only those are wanted:
// it would look like one that found none.
func head(body []byte, called bool) (folder.Head, error) {
	r, err := parse(body)
	if err == nil && called && r.level != "" && r.level != "symbol" {
		err = fmt.Errorf("it is of a scan at %s level, which does not tell what is called; `reach: called` needs one at symbol level", r.level)
	}
	return folder.Head{Scope: r.subject}, err
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	list, body, err := weakness.Read(conf, kind, p)
	if err != nil || list == nil {
		return nil, err
	}
	r, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	var out source.Reading
	for _, f := range r.findings {
		if len(f.Trace) == 0 {
			out.Refuse("finding "+f.OSV, errors.New("it has no trace"))
			continue
		}
		if list.Called && f.Trace[0].Function == "" {
			continue
		}
		w := weakness.Weakness{Advisory: f.OSV, Package: f.Trace[0].Module, Kind: "package", Status: "open", Scanner: "govulncheck", Fix: weakness.No()}
		if f.FixedVersion != "" {
			w.Fix = weakness.Yes()
		}
		list.Add(w)
	}
	list.Items(&out)
	return out.Done()
}
