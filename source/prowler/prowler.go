// Package prowler is the source that reads results of Prowler, as OCSF or CSV.
// docs/sources/prowler.md describes it.
package prowler

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/finding"
	"tieout/source/folder"
)

const kind = "prowler.findings"

// Driver is the prowler source.
var Driver = &source.Driver{
	Name:    "prowler",
	Version: 1,
	Title:   "Prowler results (JSON-OCSF, CSV)",
	Types:   types,
	Scopes:  []source.Scope{{Name: "read the files", Why: "they are read and sealed as they are; nothing is scanned and nothing is written"}},
	Cannot:  finding.Cannot,
	Settings: append(folder.Documented(), source.Setting{Name: "zone",
		Doc: "time zone of the machine that ran Prowler, for CSV, whose times have no offset; absent: the organization's", Example: "UTC"}),

	Open:      open,
	Normalize: normalize,
}

var types = []string{"finding"}

// Settings is the `with:` of a prowler connection.
type Settings struct {
	folder.ToolSettings
	Zone string `json:"zone"`
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	own, err := time.LoadLocation(s.Zone)
	if err != nil || s.Zone == "Local" {
		return nil, nil, fmt.Errorf("%w: source %s: zone: %q is not known; write a name such as UTC or Europe/Berlin", audit.ErrInvalid, name, s.Zone)
	}
	tool := folder.Tool{Kind: kind, Types: types, Cannot: finding.Cannot, Config: finding.Config{Name: name}}
	tool.Head = func(_ string, body []byte, zone *time.Location) (folder.Head, error) {
		if s.Zone != "" {
			zone = own
		}
		return head(body, zone)
	}
	return tool.Open(name, s.ToolSettings, env)
}

// A row is one finding of either format.
type row struct {
	version      string
	check, title string
	status       string // PASS, FAIL, MANUAL
	muted        bool
	severity     string
	account      string
	region       string
	subject      string
	detail       string
	requirements []string // nil: not told
	at           func(zone *time.Location) (time.Time, error)
}

// parse reads the findings; a bad row is named by what it returns besides.
func parse(body []byte) ([]row, source.BadRows, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if bytes.HasPrefix(body, []byte("[")) {
		rows, err := parseOCSF(body)
		return rows, nil, err
	}
	return parseCSV(body)
}

// head: the latest time of all findings, and the accounts they are of.
func head(body []byte, zone *time.Location) (folder.Head, error) {
	var h folder.Head
	rows, _, err := parse(body) // normalizing names its bad rows
	if err != nil {
		return h, err
	}
	accounts := map[string]bool{}
	for i, r := range rows {
		at, err := r.at(zone)
		if err != nil {
			return h, fmt.Errorf("finding %d: %w", i+1, err)
		}
		if at.After(h.At) {
			h.At = at
		}
		if r.account != "" {
			accounts[r.account] = true
		}
	}
	h.Scope = strings.Join(slices.Sorted(maps.Keys(accounts)), ", ")
	return h, nil
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c finding.Config
	body, err := folder.Open(conf, &c, kind, p)
	if body == nil {
		return nil, err
	}
	rows, bad, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	list := finding.NewList(c.Name)
	var out source.Reading
	for _, b := range bad {
		out.Refuse(b.Where, errors.New(b.Why))
	}
	for i, r := range rows {
		if r.check == "" {
			out.Refuse(fmt.Sprintf("finding %d", i+1), errors.New("it names no check"))
			continue
		}
		list.Add(r.result(), r.fields(), cmp.Or(r.account, p.Scope), r.region, r.check, r.subject)
	}
	list.Items(&out)
	return out.Done()
}

func (r row) result() string {
	if r.muted {
		return "muted"
	}
	return map[string]string{"PASS": "met", "FAIL": "not met", "MANUAL": "manual"}[r.status]
}

func (r row) fields() source.Fields {
	f := source.Fields{"tool": "Prowler", "toolVersion": finding.Given(r.version), "check": r.check, "title": r.title,
		"subject": r.subject, "severity": finding.Severity(r.severity), "account": finding.Given(r.account),
		"region": finding.Given(r.region), "detail": r.detail}
	if r.requirements != nil {
		f["requirements"] = r.requirements
	}
	return f
}
