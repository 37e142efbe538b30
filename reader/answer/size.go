package answer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/period"
	"tieout/report"
)

// SizeSchema is the schema of a Size.
const SizeSchema = "tieout.system-size/1"

// A Size is what an audit firm asks before it names a price: how much there is to
// examine. It is counted from definitions and the newest evidence; what nothing
// tells is not known, and never a zero.
type Size struct {
	Organization string           `json:"organization"`
	System       string           `json:"system"`
	Period       audit.Period     `json:"period"`
	AsOf         time.Time        `json:"asOf"`
	Categories   []audit.Category `json:"categories"`
	Figures      []SizeFigure     `json:"figures"`
	Populations  []SizePopulation `json:"populations"` // of the newest sealed run; none: nothing was tested
}

// A SizeFigure is one number, or why there is none.
type SizeFigure struct {
	Name   string         `json:"name"`
	N      *int           `json:"n"`                // null: not known
	Least  bool           `json:"least,omitempty"`  // there may be more: a source was not read in full
	Of     map[string]int `json:"of,omitempty"`     // the same, by kind
	Why    string         `json:"why,omitempty"`    // why it is not known, or may be more
	Counts string         `json:"counts,omitempty"` // what is counted
}

// A SizePopulation is one population as the newest run found it.
type SizePopulation struct {
	Procedure string     `json:"procedure"`
	Title     string     `json:"title"`
	Form      audit.Form `json:"form"`
	Items     int        `json:"items"`
	Gaps      bool       `json:"gaps,omitempty"` // stretches without evidence: there may be more
}

// Text is the figure as a line says it.
func (f SizeFigure) Text() string {
	if f.N == nil {
		return "not known"
	}
	s := report.Number(*f.N)
	if f.Least {
		s = "at least " + s
	}
	var parts []string
	for _, k := range sorted(f.Of) {
		parts = append(parts, report.Number(f.Of[k])+" "+k)
	}
	if len(parts) > 0 {
		s += " (" + strings.Join(parts, ", ") + ")"
	}
	return s
}

// SizeOf counts what there is to examine.
func SizeOf(ctx context.Context, p *period.Program, r *audit.Report) (*Size, error) {
	s := &Size{Organization: p.Def.Organization.Name, System: p.Def.Organization.System, Period: p.Period, AsOf: audit.Instant(p.Now()), Categories: p.Def.Organization.Categories}
	for _, c := range sizeCounts {
		f, err := c.figure(ctx, p)
		if err != nil {
			return nil, err
		}
		s.Figures = append(s.Figures, f)
	}
	s.Figures = append(s.Figures, definedFigures(p)...)
	for _, t := range report.Procedures(r) {
		s.Populations = append(s.Populations, SizePopulation{t.Procedure, t.Title, t.Form, t.Items, len(t.Gaps) > 0})
	}
	slices.SortFunc(s.Populations, func(a, b SizePopulation) int { return strings.Compare(a.Procedure, b.Procedure) })
	return s, nil
}

// A sizeItem is what is read of an item to count it.
type sizeItem struct {
	Status, Kind, System, Account, Provider, Name string
	Archived                                      bool
}

// A sizeCount is one figure that is counted from items that exist.
type sizeCount struct {
	name, typ, counts string
	of                func(i sizeItem) (what, kind string) // what it counts as, each once; "": it does not count
}

var sizeCounts = []sizeCount{
	{"People", "person", "people who are neither gone nor still to come", func(i sizeItem) (string, string) {
		if i.Status == "pending" || i.Status == "ended" {
			return "", ""
		}
		return each, i.Kind
	}},
	{"Accounts", "account", "accounts that are not disabled", func(i sizeItem) (string, string) {
		if i.Status == "disabled" {
			return "", ""
		}
		return each, i.Kind
	}},
	{"Systems with accounts", "account", "systems that any account signs in to", func(i sizeItem) (string, string) { return i.System, "" }},
	{"Devices", "device", "devices neither in stock nor lost nor retired", func(i sizeItem) (string, string) {
		if i.Status == "stock" || i.Status == "lost" || i.Status == "retired" {
			return "", ""
		}
		return each, i.Kind
	}},
	{"Repositories", "repository", "repositories that are not archived", func(i sizeItem) (string, string) {
		if i.Archived {
			return "", ""
		}
		return each, ""
	}},
	{"Cloud accounts", "resource", "cloud accounts, projects and subscriptions with a resource in them", func(i sizeItem) (string, string) {
		if i.Account == "" {
			return "", ""
		}
		return i.Provider + " " + i.Account, i.Provider
	}},
	{"Datastores", "datastore", "databases, buckets, volumes and queues", func(i sizeItem) (string, string) { return each, i.Kind }},
}

// each counts an item by itself.
const each = "*"

// figure counts the newest state of items, as far as they were collected.
func (c *sizeCount) figure(ctx context.Context, p *period.Program) (SizeFigure, error) {
	f := SizeFigure{Name: c.name, Counts: c.counts}
	tl, err := p.Timeline(ctx, c.typ)
	if err != nil {
		return f, err
	}
	keys, err := p.Store.Streams(ctx)
	if err != nil {
		return f, err
	}
	read, err := f.read(ctx, p, c.typ, keys)
	if err != nil || !read {
		return f, err
	}
	n, seen := 0, map[string]bool{}
	for i := range tl.Histories {
		h := &tl.Histories[i]
		if len(h.Versions) == 0 || h.Versions[len(h.Versions)-1].Gone {
			continue
		}
		var x sizeItem
		if err := json.Unmarshal(h.Versions[len(h.Versions)-1].Body, &x); err != nil {
			return f, fmt.Errorf("%s %s: %w", c.typ, h.ID, err)
		}
		what, kind := c.of(x)
		if what == each {
			what = h.ID
		}
		if what == "" || seen[what] {
			continue
		}
		n, seen[what] = n+1, true
		if kind != "" {
			if f.Of == nil {
				f.Of = map[string]int{}
			}
			f.Of[kind]++
		}
	}
	f.N = &n
	return f, nil
}

// read reports whether any of a type was seen in full once, and says of what was
// not read in full that there may be more.
func (f *SizeFigure) read(ctx context.Context, p *period.Program, typ string, keys []audit.StreamKey) (read bool, err error) {
	f.Why = "no source gives it"
	for _, k := range keys {
		if k.Type != typ {
			continue
		}
		why, err := lastFault(ctx, p, k)
		if err != nil {
			return false, err
		}
		if why == "" {
			read = true
			continue
		}
		f.Least, f.Why = true, k.Source+": "+why
	}
	switch {
	case !read && f.Least:
		f.Least = false // nothing of it was read in full: any number would be a guess
	case read && !f.Least:
		f.Why = ""
	}
	return read, nil
}

// definedFigures are what the definitions say.
func definedFigures(p *period.Program) (out []SizeFigure) {
	add := func(name, counts string, known bool, why string, of map[string]int, n int) {
		f := SizeFigure{Name: name, Counts: counts, Of: of}
		if f.N = &n; !known {
			f.N, f.Why, f.Of = nil, why, nil
		}
		out = append(out, f)
	}
	components, kinds, sites, methods, n := 0, map[string]int{}, 0, map[string]int{}, 0
	for _, sys := range p.Def.Systems {
		for _, c := range sys.Components {
			components++
			kinds[c.Kind]++
			if l := strings.ToLower(c.Layer); l == "sites" || l == "site" {
				sites++
			}
		}
		for _, o := range sys.Subservices {
			n++
			methods[o.Method]++
		}
	}
	described := len(p.Def.Systems) > 0
	add("Parts of the system", "components in systems/", described && components > 0, "no part is described in systems/", kinds, components)
	add("Sites", "components of the layer Sites in systems/", sites > 0, "no component of the layer Sites is described in systems/", nil, sites)
	add("Subservice organizations", "by method, as in systems/", described, "no system is described in systems/", methods, n)
	natures := map[string]int{}
	sel := p.Selection()
	for _, c := range sel.Controls {
		natures[natureWord(c.Nature)]++
	}
	add("Controls", "controls in scope, by form", len(sel.Controls) > 0, "no control is in scope", natures, len(sel.Controls))
	forms := map[string]int{}
	for _, x := range sel.Procedures {
		forms[string(x.Form)]++
	}
	add("Tests", "procedures that run on these controls, by form", len(sel.Procedures) > 0, "no procedure runs here", forms, len(sel.Procedures))
	return out
}

// natureWord is the form of a control in words.
func natureWord(n string) string {
	switch n {
	case "":
		return "of no stated form"
	case "itdm":
		return "IT-dependent manual"
	}
	return n
}

// Sentence says how many of the figures are known.
func (s *Size) Sentence() string {
	known := 0
	for _, f := range s.Figures {
		if f.N != nil {
			known++
		}
	}
	say := fmt.Sprintf("%s of %s figures are known for %s", report.Number(known), report.Number(len(s.Figures)), s.System)
	if len(s.Populations) == 0 {
		return say + "; nothing was tested yet, so the sizes of populations are not."
	}
	return say + ", with the sizes of " + report.Plural(len(s.Populations), "population", "populations") + "."
}

// CategoryNames are the categories in words.
func (s *Size) CategoryNames() (out []string) {
	for _, c := range s.Categories {
		out = append(out, categoryNames[c])
	}
	return out
}

var categoryNames = map[audit.Category]string{audit.Security: "Security", audit.Availability: "Availability", audit.ProcessingIntegrity: "Processing integrity",
	audit.Confidentiality: "Confidentiality", audit.Privacy: "Privacy"}
