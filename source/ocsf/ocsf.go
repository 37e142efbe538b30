package ocsf

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

// Driver is the ocsf source.
var Driver = &source.Driver{
	Name:    "ocsf",
	Version: 1,
	Title:   "OCSF events (security lakes, scanners)",
	Types:   []string{"alert", "finding", "signIn", "vulnerability"},
	Scopes:  []source.Scope{{Name: "read the files", Why: "they are read and sealed as they are; nothing is asked and nothing is written"}},
	Cannot:  cannot,
	Settings: append(folder.Documented(),
		source.Setting{Name: "class", Doc: "what is read of the files: `compliance` (2003, finding), `vulnerability` (2002), `detection` (2004, alert) or `authentication` (3002, signIn)", Example: "detection", Required: true},
		source.Setting{Name: "accounts", Doc: "authentication: connection whose accounts sign in; an account's id is then CONNECTION/UID. Absent: the user's uid", Example: "okta"}),

	Open:      open,
	Normalize: normalize,
}

var cannot = append([]string{
	"whether a file holds all there is: what is not in it is taken to be gone, or of sign-ins never to have happened. An hour's share of a lake is not all there is",
}, finding.Cannot...)

// Settings is the `with:` of an ocsf connection.
type Settings struct {
	folder.ToolSettings
	Class    string `json:"class"`
	Accounts string `json:"accounts"`
}

// config is what normalizing needs.
type config struct {
	Name     string `json:"name"`
	Class    string `json:"class"`
	Accounts string `json:"accounts,omitempty"`
}

// A class is one class of events that is read.
type class struct {
	uid  int
	typ  string
	mode audit.Mode
	read func(c config, p audit.Page, e event) ([]draft, error)
}

var classes = map[string]class{
	"compliance":     {2003, "finding", audit.ModeSnapshot, compliance},
	"vulnerability":  {2002, "vulnerability", audit.ModeSnapshot, vulnerabilities},
	"detection":      {2004, "alert", audit.ModeSnapshot, detection},
	"authentication": {3002, "signIn", audit.ModeEvents, authentication},
}

// kind of the pages of a class.
func (c config) kind() string { return "ocsf." + c.Class }

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	cl, ok := classes[s.Class]
	var err error
	switch {
	case !ok:
		err = fmt.Errorf("class: %q; write one of %s", s.Class, strings.Join(slices.Sorted(maps.Keys(classes)), ", "))
	case s.Accounts != "" && cl.typ != "signIn":
		err = errors.New("accounts: only class authentication has them")
	case s.Dates == "modified" && cl.mode == audit.ModeEvents:
		err = errors.New("dates: a modification time says nothing of the stretch that sign-ins are of; write name, or leave it out")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	c := config{Name: name, Class: s.Class, Accounts: s.Accounts}
	tool := folder.Tool{Kind: c.kind(), Mode: cl.mode, Types: []string{cl.typ}, Cannot: cannot, Config: c}
	tool.Head = func(file string, body []byte, zone *time.Location) (folder.Head, error) {
		events, err := parse(body, cl.uid)
		if err != nil {
			return folder.Head{}, err
		}
		h := folder.Head{Scope: scope(events)}
		if cl.mode == audit.ModeEvents {
			h.Covers, err = covers(file, events, s.Dates, zone)
		} else {
			h.At, err = latest(events)
		}
		return h, err
	}
	return tool.Open(name, s.ToolSettings, env)
}

// scope names the products and accounts of the events.
func scope(events []event) string {
	var products, accounts []string
	for _, e := range events {
		if p := e.Metadata.Product.Name; p != "" {
			products = append(products, p)
		}
		if a := e.Cloud.Account.UID; a != "" {
			accounts = append(accounts, a)
		}
	}
	slices.Sort(products)
	slices.Sort(accounts)
	return strings.Join(append(slices.Compact(products), slices.Compact(accounts)...), " ")
}

// latest is the latest instant any event states: the file cannot be older.
func latest(events []event) (time.Time, error) {
	var at time.Time
	for i, e := range events {
		for _, raw := range []json.RawMessage{e.Time, e.Metadata.LoggedTime, e.Metadata.ProcessedTime, e.FindingInfo.Modified, e.FindingInfo.LastSeen} {
			t, err := Instant(raw)
			if err != nil {
				return at, fmt.Errorf("event %d: %w", i+1, err)
			}
			if t.After(at) {
				at = t
			}
		}
	}
	return at, nil
}

// covers is the day in the file's name where the settings say so, in which every
// event must lie; else from the first event to the last.
func covers(file string, events []event, dates string, zone *time.Location) (audit.Span, error) {
	var day audit.Span
	if dates == "name" {
		start, err := folder.Day(file, zone)
		if err != nil {
			return day, err
		}
		day = audit.Span{From: audit.Instant(start), To: audit.Instant(start.AddDate(0, 0, 1))}
	}
	var all audit.Span
	for i, e := range events {
		t, err := Instant(e.Time)
		switch {
		case err != nil:
			return all, fmt.Errorf("event %d: %w", i+1, err)
		case t.IsZero():
			return all, fmt.Errorf("event %d has no time", i+1)
		case !day.Empty() && !day.Contains(t):
			return all, fmt.Errorf("event %d happened at %s, outside of the day in the file's name", i+1, audit.FormatTime(t))
		}
		if t = audit.Instant(t); all.Empty() || t.Before(all.From) {
			all.From = t
		}
		if end := t.Add(time.Microsecond); end.After(all.To) {
			all.To = end
		}
	}
	if !day.Empty() {
		return day, nil
	}
	return all, nil
}

// A draft is an item in the making, as one event tells it.
type draft struct {
	id     string
	at     time.Time // of events
	told   time.Time // when the event was; of several the latest counts
	fields source.Fields
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c config
	if err := source.Strict(conf, &c); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	cl, ok := classes[c.Class]
	if !ok {
		return nil, fmt.Errorf("%w: configuration: class %q", audit.ErrInvalid, c.Class)
	}
	body, err := folder.Open(conf, &c, c.kind(), p)
	if body == nil {
		return nil, err
	}
	events, err := parse(body, cl.uid)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	var out source.Reading
	var order []string
	by := map[string]draft{}
	for i, e := range events {
		drafts, err := cl.read(c, p, e)
		out.Refuse(fmt.Sprintf("event %d", i+1), err)
		for _, d := range drafts {
			have, twice := by[d.id]
			if !twice {
				order = append(order, d.id)
			}
			if !twice || !d.told.Before(have.told) {
				by[d.id] = d
			}
		}
	}
	for _, id := range order {
		out.Add(cl.typ, id, by[id].at, by[id].fields)
	}
	return out.Done()
}
