// Package grcexport are the sources that read CSV exports of compliance
// platforms: vanta and drata. What such a platform says is its statement, never
// a test of ours. docs/sources/vanta.md and drata.md describe them.
package grcexport

import (
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

// Vanta is the vanta source.
var Vanta = driver(vanta)

// Drata is the drata source.
var Drata = driver(drata)

var cannot = append([]string{
	"when an export was made, beyond what its name or modification time say",
	"rows that a filter of the page left out of the export",
	"people: exports of them are not read. The system that employs them knows them first",
}, finding.Cannot...)

func driver(p platform) *source.Driver {
	return &source.Driver{
		Name:    p.name,
		Version: 1,
		Title:   p.title + " exports (CSV)",
		Types:   []string{"finding", "vulnerability"},
		Scopes:  []source.Scope{{Name: "read the files", Why: "they are read and sealed as they are; nothing is asked of " + p.title + " and nothing is written"}},
		Cannot:  cannot,
		Settings: append(folder.Documented("dates"),
			source.Setting{Name: "export", Doc: "what the files are exports of: `tests`, `controls` (findings) or `vulnerabilities`", Example: "tests", Required: true},
			source.Setting{Name: "columns", Doc: "the export's own column for a field, where it has another name than the platform's published interface gives it", Example: `{ check: "Test", status: "Result" }`},
			source.Setting{Name: "values", Doc: "what a word of the status column means, in the schema's words", Example: `{ "Passing": met, "Failing": "not met" }`}),

		Open:      p.open,
		Normalize: p.normalize,
	}
}

// Settings is the `with:` of a vanta or drata connection.
type Settings struct {
	folder.ToolSettings
	Export  string            `json:"export"`
	Columns map[string]string `json:"columns"`
	Values  map[string]string `json:"values"`
}

// config is what normalizing needs.
type config struct {
	Name    string            `json:"name"`
	Export  string            `json:"export"`
	Columns map[string]string `json:"columns,omitempty"`
	Values  map[string]string `json:"values,omitempty"`
}

func (p platform) kind(export string) string { return p.name + "." + export }

func (p platform) open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	if err := s.check(); err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	c := config{Name: name, Export: s.Export, Columns: s.Columns, Values: s.Values}
	tool := folder.Tool{Kind: p.kind(s.Export), Types: []string{types[s.Export]}, Cannot: cannot, Config: c}
	tool.Head = func(_ string, body []byte, _ *time.Location) (folder.Head, error) {
		_, err := p.table(c, body)
		return folder.Head{Scope: s.Export}, err
	}
	return tool.Open(name, s.ToolSettings, env)
}

// types are the item types of the exports.
var types = map[string]string{"tests": "finding", "controls": "finding", "vulnerabilities": "vulnerability"}

func (s Settings) check() error {
	fields, ok := fieldsOf[s.Export]
	if !ok {
		return fmt.Errorf("export: %q; write one of %s", s.Export, strings.Join(slices.Sorted(maps.Keys(fieldsOf)), ", "))
	}
	if s.Dates == "" {
		return errors.New("dates: an export does not say when it was made; write name or modified")
	}
	for field, column := range s.Columns {
		if !slices.Contains(fields, field) || column == "" {
			return fmt.Errorf("columns: %s: %q; the fields of %s are %s", field, column, s.Export, strings.Join(fields, ", "))
		}
	}
	typ, err := audit.TypeByName(types[s.Export])
	if err != nil {
		return err
	}
	allowed := typ.Field("status").Enum
	for word, means := range s.Values {
		if !slices.Contains(allowed, means) {
			return fmt.Errorf("values: %s: %q is not one of %q", word, means, allowed)
		}
	}
	return nil
}

func (p platform) normalize(conf json.RawMessage, page audit.Page) ([]audit.Item, error) {
	var c config
	if err := source.Strict(conf, &c); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	body, err := folder.Open(conf, &c, p.kind(c.Export), page)
	if body == nil {
		return nil, err
	}
	t, err := p.table(c, body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	var out source.Reading
	for _, b := range t.bad {
		out.Refuse(b.Where, errors.New(b.Why))
	}
	if types[c.Export] == "finding" {
		p.findings(c, page.Scope, t, &out)
	} else {
		p.vulnerabilities(c, page.Scope, t, &out)
	}
	return out.Done()
}

func (p platform) findings(c config, scope string, t table, out *source.Reading) {
	list := finding.NewList(c.Name)
	for _, r := range t.rows {
		check := r.get("check")
		if check == "" {
			check = r.get("title")
		}
		if check == "" {
			out.Refuse(r.where, errors.New("it names no check"))
			continue
		}
		f := source.Fields{"tool": p.title, "toolVersion": "", "check": check, "title": r.given("title"), "subject": r.given("subject"),
			"severity": finding.Severity(r.get("severity")), "detail": r.given("detail"), "account": r.given("account"), "region": r.given("region")}
		if l := r.list("requirements"); l != nil {
			f["requirements"] = l
		}
		list.Add(p.status(c, r), f, scope, check, r.get("subject"))
	}
	list.Items(out)
}

// status reads the status column by the settings' words, then the platform's own.
func (p platform) status(c config, r row) string {
	word := r.get("status")
	if means, ok := c.Values[word]; ok {
		return means
	}
	if p.off[plain(r.get("state"))] {
		return "muted"
	}
	return p.words[plain(word)]
}

func (p platform) vulnerabilities(c config, scope string, t table, out *source.Reading) {
	seen := map[string]bool{}
	for _, r := range t.rows {
		id := source.PlainID(fmt.Sprintf("%s/%s|%s|%s|%s", c.Name, scope, escape(r.get("asset")), escape(r.get("package")), escape(r.get("advisory"))))
		if r.get("advisory") == "" || seen[id] {
			out.Refuse(r.where, errors.New("it names no weakness, or one of an earlier row again"))
			continue
		}
		seen[id] = true
		f := source.Fields{"advisory": r.get("advisory"), "asset": r.given("asset"), "package": r.given("package"), "scanner": p.title,
			"severity": finding.Severity(r.get("severity"))}
		if means, ok := c.Values[r.get("status")]; ok {
			f["status"] = means
		}
		switch plain(r.get("fixAvailable")) {
		case "true", "yes":
			f["fixAvailable"] = true
		case "false", "no":
			f["fixAvailable"] = false
		}
		if s := r.get("foundAt"); s != "" {
			at, err := time.Parse(time.RFC3339Nano, s)
			if err != nil {
				out.Refuse(r.where, fmt.Errorf("foundAt: %q is no instant with an offset", s))
				continue
			}
			f["foundAt"] = at
		}
		out.Add("vulnerability", id, time.Time{}, f)
	}
}
