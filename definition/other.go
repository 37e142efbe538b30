package definition

import (
	"path"
	"slices"
	"strings"
)

// An OtherSet is a set of criteria that a SOC 2 can examine beside its own, or print
// in relation to them: identifiers of somebody else, words of ours.
type OtherSet struct {
	ID        string        // "hipaa-security"
	Title     string        // as a report prints it
	Standard  string        // the document its criteria are from
	Beside    string        // the criteria set it stands beside
	Framework string        // ID of the mapping that relates the two; "": there is none
	Criteria  []Requirement // in the document's order
}

// A Requirement is one criterion of another set.
type Requirement struct {
	ID      string // "164.308(a)(1)(ii)(A)"
	Kind    string // rule, standard, specification
	Name    string // "Risk analysis"
	Need    string // of a specification: required, addressable
	Summary string // in our own words
}

// Kinds of requirement, and what a specification asks for.
var (
	requirementKinds = []string{"rule", "standard", "specification"}
	requirementNeeds = []string{"required", "addressable"}
)

// Words are a requirement in our own: "Risk analysis (required). Risks to ... are weighed."
func (r Requirement) Words() string {
	name := r.Name
	if r.Need != "" {
		name += " (" + r.Need + ")"
	}
	return name + ". " + r.Summary
}

type otherFile struct {
	Set       string
	Title     string
	Standard  string
	Beside    string
	Framework string
	Criteria  []Requirement
}

func (c *Catalog) readOther(d *doc) {
	var f otherFile
	if !d.decode(&f) {
		return
	}
	if path.Base(d.name) != f.Set+".yaml" {
		d.bad(steps("set"), "the set is called %q; its file has to be called %s.yaml", f.Set, f.Set)
	}
	seen := map[string]bool{}
	for i, r := range f.Criteria {
		at := steps("criteria", i)
		if seen[r.ID] {
			d.bad(append(at, "id"), "%s is listed twice", r.ID)
		}
		seen[r.ID] = true
		if r.ID == "" || strings.ContainsAny(r.ID, " \t\r\n|") || r.Name == "" || r.Summary == "" {
			d.bad(at, "a criterion has an id without spaces, a name and a summary")
		}
		if !slices.Contains(requirementKinds, r.Kind) {
			d.bad(append(at, "kind"), "kind %q is not one of %s", r.Kind, strings.Join(requirementKinds, ", "))
		}
		if (r.Kind == "specification") != slices.Contains(requirementNeeds, r.Need) {
			d.bad(append(at, "need"), "a specification, and nothing else, says whether it is %s", strings.Join(requirementNeeds, " or "))
		}
	}
	if f.Title == "" || len(f.Criteria) == 0 {
		d.bad(steps("title"), "a set of criteria has a title and criteria")
	}
	c.Others = append(c.Others, OtherSet{f.Set, f.Title, f.Standard, f.Beside, f.Framework, f.Criteria})
}

// checkOthers checks what other sets name, once everything is read.
func (c *Catalog) checkOthers(opened []*openedFile) {
	for _, o := range opened {
		if o.doc == nil || path.Dir(o.name) != "criteria" || !o.doc.has("beside") {
			continue
		}
		set := c.Other(strings.TrimSuffix(path.Base(o.name), ".yaml"))
		if set == nil {
			continue
		}
		if c.Set(set.Beside) == nil {
			o.doc.bad(steps("beside"), "there is no criteria set %q; there are %s", set.Beside, c.setNames())
		}
		if set.Framework != "" && c.Framework(set.Framework) == nil {
			o.doc.bad(steps("framework"), "there is no mapping %q; there are %s", set.Framework, strings.Join(c.FrameworkIDs(), ", "))
		}
	}
}

// Other returns the set of criteria called id that stands beside the workspace's own,
// or nil.
func (c *Catalog) Other(id string) *OtherSet {
	i := slices.IndexFunc(c.Others, func(s OtherSet) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return &c.Others[i]
}

// Requirement returns the criterion called id, or nil; of no set too.
func (s *OtherSet) Requirement(id string) *Requirement {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.Criteria, func(r Requirement) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return &s.Criteria[i]
}

// Mapping is the ID of the mapping that relates the set, "" where there is none; of no
// set too.
func (s *OtherSet) Mapping() string {
	if s == nil {
		return ""
	}
	return s.Framework
}

// IDs are the identifiers of a set's criteria, in order.
func (s *OtherSet) IDs() []string {
	out := make([]string, len(s.Criteria))
	for i, r := range s.Criteria {
		out[i] = r.ID
	}
	return out
}
