package definition

import (
	"path"
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// A Framework is another set of requirements that a mapping relates to the criteria.
type Framework struct {
	ID        string // the mapping file's name without its end: "iso-27001-2022"
	Name      string // "ISO/IEC 27001:2022"
	Version   string // of the mapping; "": the file names none
	Publisher string // who publishes the mapping
	Retrieved string // day on which it was taken from there
	Own       bool   // the workspace's, not the library's
}

// Source says where the mapping comes from: "hipaa, version 1, by Tieout". What the
// file does not name is left out.
func (f Framework) Source() string {
	out := []string{f.ID}
	if f.Version != "" {
		out = append(out, "version "+f.Version)
	}
	if f.Publisher != "" {
		out = append(out, "by "+f.Publisher)
	}
	if f.Retrieved != "" {
		out = append(out, "retrieved "+f.Retrieved)
	}
	return strings.Join(out, ", ")
}

type mappingFile struct {
	Framework string
	Version   string
	Publisher string
	Retrieved string
	Criteria  string
	Mappings  map[string][]mappingEntry
}

type mappingEntry struct {
	Ref          string
	Confidence   string
	Corroborated int
	Source       string
}

var confidences = []string{"high", "medium", "low"}

// readMappings reads a mapping of the library; readMapping one of a workspace as well.
func (c *Catalog) readMappings(d *doc) { c.readMapping(d, false) }

func (c *Catalog) readMapping(d *doc, own bool) {
	var f mappingFile
	if d == nil || !d.decode(&f) {
		return
	}
	set := c.Set(f.Criteria)
	if set == nil {
		d.bad(steps("criteria"), "there is no criteria set %q; there are %s", f.Criteria, c.setNames())
		return
	}
	c.addFramework(d, f, own)
	for id := range f.Mappings {
		if set.Criterion(id) == nil {
			d.bad(steps("mappings", id), "there is no criterion %q in %s", id, set.ID)
		}
	}
	for _, crit := range set.Criteria {
		seen := map[string]bool{}
		for i, m := range f.Mappings[crit.ID] {
			if m.Ref == "" || m.Source == "" || !slices.Contains(confidences, m.Confidence) {
				d.bad(steps("mappings", crit.ID, i), "a mapping has a ref, a source and a confidence of high, medium or low")
			}
			if own && seen[m.Ref] {
				d.bad(steps("mappings", crit.ID, i, "ref"), "%s is tied to %s twice", m.Ref, crit.ID)
			}
			seen[m.Ref] = true
			c.Mappings = append(c.Mappings, audit.Mapping{Criterion: crit.ID, Framework: f.Framework, Ref: m.Ref,
				Source: m.Source, Corroborated: m.Corroborated, Confidence: m.Confidence})
		}
	}
}

// addFramework adds what a mapping file says of itself. A framework's name and a
// file's name are each of one mapping: what names one names no other.
func (c *Catalog) addFramework(d *doc, f mappingFile, own bool) {
	one := Framework{strings.TrimSuffix(path.Base(d.name), ".yaml"), f.Framework, f.Version, f.Publisher, f.Retrieved, own}
	if strings.TrimSpace(one.Name) == "" || strings.ContainsAny(one.Name, "\r\n") {
		d.bad(steps("framework"), "a mapping names its framework in one line")
	}
	if _, err := time.Parse(time.DateOnly, one.Retrieved); one.Retrieved != "" && err != nil {
		d.bad(steps("retrieved"), "retrieved is a day such as 2026-01-31, not %q", one.Retrieved)
	}
	for _, other := range c.Frameworks {
		switch {
		case other.ID == one.ID:
			d.bad(nil, "the library has a mapping called %s already; give the file another name", one.ID)
		case other.Name == one.Name:
			d.bad(steps("framework"), "%s is the framework of the mapping %s already; put the version into the name", one.Name, other.ID)
		}
	}
	c.Frameworks = append(c.Frameworks, one)
}

// Framework returns the framework with that ID, or nil.
func (c *Catalog) Framework(id string) *Framework {
	i := slices.IndexFunc(c.Frameworks, func(f Framework) bool { return f.ID == id })
	if i < 0 {
		return nil
	}
	return &c.Frameworks[i]
}

// FrameworkIDs are the IDs of all frameworks, in order.
func (c *Catalog) FrameworkIDs() (out []string) {
	for _, f := range c.Frameworks {
		out = append(out, f.ID)
	}
	slices.Sort(out)
	return out
}

// candidate is how the source of a mapping begins that nobody reviewed yet.
const candidate = "hub only, not reviewed"

// Ties are the mappings that lead from a place of a framework, by its ID, to criteria.
// Candidates that nobody reviewed are not among them.
func (c *Catalog) Ties(framework, ref string) (out []audit.Mapping) {
	f := c.Framework(framework)
	if f == nil {
		return nil
	}
	for _, m := range c.Mappings {
		if m.Framework == f.Name && m.Ref == ref && !strings.HasPrefix(m.Source, candidate) {
			out = append(out, m)
		}
	}
	return out
}

// MappingsOf returns the places in other frameworks that relate to a criterion.
func (c *Catalog) MappingsOf(criterion string) []audit.Mapping {
	var out []audit.Mapping
	for _, m := range c.Mappings {
		if m.Criterion == criterion {
			out = append(out, m)
		}
	}
	return out
}

// with is the catalog with a workspace's own mappings. The library's stays as it is.
func (c *Catalog) with(own []*doc) *Catalog {
	if len(own) == 0 {
		return c
	}
	out := *c
	out.Frameworks, out.Mappings = slices.Clone(c.Frameworks), slices.Clone(c.Mappings)
	for _, d := range own {
		out.readMapping(d, true)
	}
	return &out
}

// mappings compares the workspaces' own mappings by their files.
func (p *planner) mappings() {
	old, now := ownMappings(p.old), ownMappings(p.new)
	for _, id := range sortedKeys(now) {
		switch was, there := old[id]; {
		case !there:
			p.line("+", "mapping", id, "relates criteria to "+p.new.Catalog.Framework(id).Name, "for all periods")
		case was != now[id]:
			p.line("~", "mapping", id, "relates criteria to "+p.new.Catalog.Framework(id).Name+" otherwise than before", "for all periods")
		}
	}
	for _, id := range sortedKeys(old) {
		if _, there := now[id]; !there {
			p.line("-", "mapping", id, "relates nothing any more", "for all periods")
		}
	}
}

// ownMappings are the digests of a workspace's mapping files by ID.
func ownMappings(w *Workspace) map[string]string {
	out := map[string]string{}
	for _, f := range w.Files {
		if path.Dir(f.Path) == mappingFolder {
			out[strings.TrimSuffix(path.Base(f.Path), ".yaml")] = f.Digest
		}
	}
	return out
}
