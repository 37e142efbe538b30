// Package workstation reads the posture of the machine it runs on: disk
// encryption, operating system and patch level, malware protection, screen
// lock, firewall, users and time synchronization.
//
// Collecting runs a fixed list of read-only probes (files and commands, one
// list a platform) and seals their output as it came. Normalizing, the same
// on every platform, draws facts from it. Each fact has a reason; what no
// probe shows is left out and so reads "no evidence".
package workstation

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// pageKind is the one kind of page this source gives.
const pageKind = "workstation.probes"

// Driver is the workstation source.
var Driver = &source.Driver{
	Name: "workstation", Version: 1, Title: "The posture of the machine Tieout runs on",
	Types: []string{"device"},
	Scopes: []source.Scope{
		{Name: "read", Why: "files and commands that any user may read; as root also the firewall's rules and the serial number"},
	},
	Cannot: []string{
		"settings of other users' sessions on the machine",
		"the firewall's rules, and on some systems the serial number, when not run as root",
		"whether encryption is of the whole disk where the system runs in a container",
	},
	Settings: []source.Setting{
		{Name: "assignedTo", Doc: "id of the person the machine is assigned to, as you state it", Example: "hr/E0012"},
		{Name: "kind", Doc: "laptop, desktop or server, as you state it; absent: not collected", Example: "laptop"},
		source.SupportedSetting,
	},
	Open:      open,
	Normalize: Normalize,
}

// Settings are what sources/NAME.yaml may say.
type Settings struct {
	AssignedTo string               `json:"assignedTo,omitempty"` // id of the person the machine is assigned to
	Kind       string               `json:"kind,omitempty"`       // laptop, desktop, server; "" is not collected
	Supported  source.SupportedList `json:"supported,omitempty"`  // until when systems get security updates
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s Settings
	if len(with) > 0 && string(with) != "null" {
		if err := strict(with, &s); err != nil {
			return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
		}
	}
	field := deviceKinds()
	if s.Kind != "" && !slices.Contains(field, s.Kind) {
		return nil, nil, fmt.Errorf("%w: source %s: kind %q is not one of %v", audit.ErrInvalid, name, s.Kind, field)
	}
	if err := s.Supported.Check(); err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	config, err := canonical.Marshal(s)
	cannot := []string{"any other machine: an inventory of devices is needed to show that none is missing"}
	if len(s.Supported) > 0 {
		cannot = append(cannot, source.SupportedCannot)
	}
	return collector{name: name, probes: probes, cannot: cannot, run: runProbe}, config, err
}

func deviceKinds() []string {
	t, err := audit.TypeByName("device")
	if err != nil {
		return nil
	}
	return t.Field("kind").Enum
}

// A Probe is one thing looked at: a file, or a command with arguments.
type Probe struct {
	Name    string   `json:"name"`
	File    string   `json:"file,omitempty"`
	Command []string `json:"command,omitempty"`
}

// An Answer is what a probe gave.
type Answer struct {
	Probe
	Output   string `json:"output"`             // text; invalid bytes replaced
	Exit     int    `json:"exit"`               // of the command; 0 for files
	Error    string `json:"error,omitempty"`    // why there is no output
	Modified string `json:"modified,omitempty"` // of a file, as audit.TimeLayout
	Cut      bool   `json:"cut,omitempty"`      // output was longer than maxOutput
}

// Probes is the body of a page.
type Probes struct {
	Platform string   `json:"platform"` // runtime.GOOS
	User     string   `json:"user"`     // "root" or "user"
	Answers  []Answer `json:"answers"`
}

type collector struct {
	name   string
	probes []Probe
	cannot []string
	run    func(ctx context.Context, p Probe) Answer
}

// Collect implements source.Collector: one page with every probe's answer.
func (c collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	got := Probes{Platform: runtime.GOOS, User: "user"}
	if os.Geteuid() == 0 {
		got.User = "root"
	}
	var queries []string
	for i, p := range c.probes {
		if err := ctx.Err(); err != nil {
			return err
		}
		sink.Progress("device", i, len(c.probes))
		got.Answers = append(got.Answers, c.run(ctx, p))
		queries = append(queries, p.query())
	}
	sink.Progress("device", len(c.probes), len(c.probes))
	body, err := canonical.Marshal(got)
	if err != nil {
		return fmt.Errorf("encode the answers: %w", err)
	}
	about := audit.At(w.AsOf)
	page := audit.Page{
		Source: c.name, Kind: pageKind, Query: fmt.Sprintf("%d probes of this machine (%s)", len(c.probes), runtime.GOOS),
		Media: "application/json", Body: body, About: about, Collected: w.AsOf,
	}
	if err := sink.Page(ctx, page); err != nil {
		return err
	}
	m := audit.Manifest{
		Type: "device", Mode: audit.ModeSnapshot, Covers: about, Complete: true, Queries: queries, Pages: 1,
		Kinds:  []string{pageKind},
		Cannot: slices.Clone(c.cannot),
	}
	if len(c.probes) == 0 {
		m.Complete, m.Reason = false, "Tieout has no probes for "+runtime.GOOS
	}
	return sink.Close(ctx, m)
}

func (p Probe) query() string {
	if p.File != "" {
		return "read " + p.File
	}
	s := "run"
	for _, a := range p.Command {
		s += " " + a
	}
	return s
}

// Normalize draws the device item from a page.
func Normalize(config json.RawMessage, p audit.Page) ([]audit.Item, error) {
	facts, err := Explain(config, p)
	if err != nil {
		return nil, err
	}
	body, volatile, id := map[string]any{}, map[string]any{}, ""
	device, err := audit.TypeByName("device")
	if err != nil {
		return nil, err
	}
	for _, f := range facts {
		if f.Value == nil {
			continue
		}
		if f.Field == "serial" {
			id, _ = f.Value.(string)
		}
		to := body
		if df := device.Field(f.Field); df != nil && df.Volatile {
			to = volatile
		}
		put(to, f.Field, f.Value)
	}
	if id == "" {
		return nil, source.BadRows{{Where: p.Query, Why: "no probe shows what identifies this machine (machine-id or serial number)"}}
	}
	it := audit.Item{Type: "device", ID: p.Source + "/" + id}
	if it.Body, err = canonical.Marshal(body); err != nil {
		return nil, err
	}
	if len(volatile) > 0 {
		if it.Volatile, err = canonical.Marshal(volatile); err != nil {
			return nil, err
		}
	}
	return []audit.Item{it}, nil
}

// A Fact is one field of the device, and what it rests on. Value is nil where
// it could not be read; Why says the reason either way.
type Fact struct {
	Field string
	Value any // bool, int, string, []string or an instant as audit.TimeLayout
	Why   string
}

// Explain draws every fact from a page, with its reason; those that could not
// be read too.
func Explain(config json.RawMessage, p audit.Page) ([]Fact, error) {
	if p.Kind != pageKind {
		return nil, fmt.Errorf("%w: page kind %q is not %s", audit.ErrInvalid, p.Kind, pageKind)
	}
	var s Settings
	if err := strict(config, &s); err != nil {
		return nil, fmt.Errorf("%w: configuration: %w", audit.ErrInvalid, err)
	}
	var got Probes
	if _, err := canonical.Decode(p.Body); err != nil {
		return nil, fmt.Errorf("%w: page: %w", audit.ErrInvalid, err)
	}
	if err := strict(p.Body, &got); err != nil {
		return nil, fmt.Errorf("%w: page: %w", audit.ErrInvalid, err)
	}
	a := answers{by: map[string]Answer{}, root: got.User == "root", at: p.About.From}
	for _, x := range got.Answers {
		a.by[x.Name] = x
	}
	var facts []Fact
	switch got.Platform {
	case "linux":
		facts = linuxFacts(a)
	case "darwin":
		facts = darwinFacts(a)
	case "windows":
		facts = windowsFacts(a)
	default:
		return nil, fmt.Errorf("%w: platform %q has no probes", audit.ErrInvalid, got.Platform)
	}
	return append(s.supported(facts, a.at), stated(s, a.at)...), nil
}

// supported lets what the organization states of the system decide.
func (s Settings) supported(facts []Fact, at time.Time) []Fact {
	said := map[string]string{}
	for _, f := range facts {
		if text, ok := f.Value.(string); ok {
			said[f.Field] = text
		}
	}
	distribution, _, _ := strings.Cut(said["os.version"], " ") // of a linux
	yes, why, ok := s.Supported.At(at, said["platform"], distribution, said["os.version"])
	if !ok {
		return facts
	}
	for i, f := range facts {
		if f.Field == "os.supported" {
			facts[i] = Fact{f.Field, yes, why}
		}
	}
	return facts
}

// stated are the facts that the workspace states itself.
func stated(s Settings, at time.Time) []Fact {
	facts := []Fact{
		{"status", "active", "it answered"},
		{"lastSeenAt", audit.FormatTime(at), "it answered"},
	}
	if s.Kind != "" {
		facts = append(facts, Fact{"kind", s.Kind, "stated in the source's settings"})
	}
	if s.AssignedTo != "" {
		facts = append(facts, Fact{"assignedTo", s.AssignedTo, "stated in the source's settings"})
	}
	return facts
}
