// Package oscal is the source that reads OSCAL assessment results (NIST),
// as JSON. docs/sources/oscal.md describes it.
package oscal

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/finding"
	"tieout/source/folder"
)

const kind = "oscal.results"

// Driver is the oscal source.
var Driver = &source.Driver{
	Name:    "oscal",
	Version: 1,
	Title:   "OSCAL assessment results (JSON)",
	Types:   types,
	Scopes:  []source.Scope{{Name: "read the files", Why: "they are read and sealed as they are; nothing is assessed and nothing is written"}},
	Cannot:  cannot,
	Settings: append(folder.Documented(), source.Setting{Name: "tool",
		Doc: "name of what assessed, for results that do not name a tool as their origin; absent: then it is not collected", Example: "trestle-bot"}),

	Open:      open,
	Normalize: normalize,
}

var types = []string{"finding"}

var cannot = append([]string{
	"results before the latest one of a file: each file gives the latest",
	"observations that no finding rests on: they say neither that something is met nor that it is not",
	"risks: they are not read",
}, finding.Cannot...)

// Settings is the `with:` of an oscal connection.
type Settings struct {
	folder.ToolSettings
	Tool string `json:"tool"`
}

// config is what normalizing needs.
type config struct {
	Name string `json:"name"`
	Tool string `json:"tool,omitempty"`
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	tool := folder.Tool{Kind: kind, Types: types, Cannot: cannot, Config: config{name, s.Tool}, Head: head}
	return tool.Open(name, s.ToolSettings, env)
}

// head: the end of the latest result, and the plan it carries out.
func head(_ string, body []byte, _ *time.Location) (folder.Head, error) {
	var h folder.Head
	doc, err := parse(body)
	if err != nil {
		return h, err
	}
	if !strings.HasPrefix(doc.Plan.Href, "#") { // what lies within the document names nothing that stays
		h.Scope = doc.Plan.Href
	}
	_, h.At, err = doc.latest()
	return h, err
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c config
	body, err := folder.Open(conf, &c, kind, p)
	if body == nil {
		return nil, err
	}
	doc, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	latest, _, err := doc.latest()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	list := finding.NewList(c.Name)
	var out source.Reading
	for _, r := range latest {
		for i, f := range r.Findings {
			if f.Target.ID == "" {
				out.Refuse(fmt.Sprintf("finding %d", i+1), errors.New("it names no target"))
				continue
			}
			list.Add(states[f.Target.Status.State], r.fields(f, c.Tool), p.Scope, f.Target.Type, f.Target.ID, f.Statement)
		}
	}
	list.Items(&out)
	return out.Done()
}

var states = map[string]string{"satisfied": "met", "not-satisfied": "not met"}

func (r result) fields(f found, tool string) source.Fields {
	name, version := r.tool(f)
	if name == nil {
		name = finding.Given(tool)
	}
	return source.Fields{"tool": name, "toolVersion": version, "check": f.Target.ID, "title": f.Title,
		"subject": finding.Given(r.subjects(f)), "detail": f.Description}
}

// subjects are what the finding's observations looked at.
func (r result) subjects(f found) string {
	var out []string
	for _, o := range r.related(f) {
		for _, s := range o.Subjects {
			out = append(out, s.UUID)
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ", ")
}

func (r result) related(f found) []observation {
	var out []observation
	for _, of := range f.Observations {
		i := slices.IndexFunc(r.Observations, func(o observation) bool { return o.UUID == of.UUID })
		if i >= 0 {
			out = append(out, r.Observations[i])
		}
	}
	return out
}

// tool is the component that the finding, or an observation of it, names as its
// origin; nil where there is none in this document.
func (r result) tool(f found) (name, version any) {
	origins := f.Origins
	for _, o := range r.related(f) {
		origins = append(origins, o.Origins...)
	}
	for _, o := range origins {
		for _, a := range o.Actors {
			if a.Type != "tool" {
				continue
			}
			for _, c := range slices.Concat(r.Local.Assets.Components, r.Local.Components) {
				if c.UUID == a.UUID {
					return finding.Given(c.Title), finding.Given(c.version())
				}
			}
		}
	}
	return nil, nil
}
