// Package powerpipe is the source that reads results of benchmarks and controls
// that Powerpipe (or Steampipe before it) ran. docs/sources/powerpipe.md describes it.
package powerpipe

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/finding"
	"tieout/source/folder"
)

const kind = "powerpipe.results"

// Driver is the powerpipe source.
var Driver = &source.Driver{
	Name:     "powerpipe",
	Version:  1,
	Title:    "Powerpipe results (JSON, snapshots)",
	Types:    types,
	Scopes:   []source.Scope{{Name: "read the files", Why: "they are read and sealed as they are; nothing is run and nothing is written"}},
	Cannot:   cannot,
	Settings: folder.Documented(),

	Open:      open,
	Normalize: normalize,
}

var types = []string{"finding"}

var cannot = append([]string{
	"when the controls ran, where the file is no snapshot and its name or modification time must say it",
	"which version of Powerpipe and of the mod ran",
}, finding.Cannot...)

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s folder.ToolSettings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	head := func(_ string, body []byte, _ *time.Location) (folder.Head, error) {
		r, err := parse(body)
		return folder.Head{At: r.at, Scope: r.subject}, err
	}
	return folder.Tool{Kind: kind, Types: types, Cannot: cannot, Config: finding.Config{Name: name}, Head: head}.Open(name, s, env)
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c finding.Config
	body, err := folder.Open(conf, &c, kind, p)
	if body == nil {
		return nil, err
	}
	r, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	list := finding.NewList(c.Name)
	var out source.Reading
	for _, ctl := range r.controls {
		out.Refuse("control "+ctl.id, ctl.whole())
		ctl.add(list, p.Scope)
	}
	list.Items(&out)
	return out.Done()
}

// add adds a finding for each row, or the one that says that there are none
// because the control failed.
func (c *control) add(list *finding.List, scope string) {
	if c.failed != "" {
		list.Add("error", c.fields(source.Fields{"detail": c.failed}), scope, c.id)
	}
	for _, r := range c.rows {
		f := source.Fields{"subject": r.resource, "detail": r.reason, "account": r.dimension("account_id", "subscription_id", "subscription", "project_id", "project"),
			"region": r.dimension("region", "location")}
		list.Add(statuses[r.status], c.fields(f), append([]string{scope, c.id, r.resource}, r.names()...)...)
	}
}

var statuses = map[string]string{"ok": "met", "alarm": "not met", "error": "error", "info": "manual", "skip": "not applicable"}

func (c *control) fields(f source.Fields) source.Fields {
	f["tool"], f["toolVersion"], f["check"], f["title"] = "Powerpipe", "", c.id, c.title
	f["severity"] = finding.Severity(c.severity)
	if len(c.benchmarks) > 0 {
		f["requirements"] = c.benchmarks
	}
	return f
}

// whole refuses a control that did not run to its end, or whose rows are not as
// many as its own summary says.
func (c *control) whole() error {
	if c.failed == "" && !c.complete {
		return fmt.Errorf("it did not run to its end: its state is %s", c.state)
	}
	got := map[string]int{}
	for _, r := range c.rows {
		if statuses[r.status] == "" {
			return fmt.Errorf("the status %q of %s is not known", r.status, r.resource)
		}
		got[r.status]++
	}
	if c.failed != "" { // the failure itself is counted as an error
		return nil
	}
	for status, want := range c.summary {
		if got[status] != want {
			return fmt.Errorf("its summary says %d of status %s, and there are %d", want, status, got[status])
		}
	}
	return nil
}

// A dimension tells rows of one resource apart.
type dimension struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type row struct {
	resource, status, reason string
	dimensions               []dimension
}

func (r row) names() []string {
	out := make([]string, len(r.dimensions))
	for i, d := range r.dimensions {
		out[i] = d.Key + "=" + d.Value
	}
	slices.Sort(out)
	return out
}

// dimension returns the value of the first key there is, nil without one.
func (r row) dimension(keys ...string) any {
	for _, k := range keys {
		for _, d := range r.dimensions {
			if strings.EqualFold(d.Key, k) && d.Value != "" {
				return d.Value
			}
		}
	}
	return nil
}
