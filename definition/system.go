package definition

import (
	"slices"

	"tieout/audit"
)

// A System is what is under examination, from systems/*.yaml: its boundary and
// what is promised about it.
type System struct {
	Name         string       `yaml:"name" json:"name"`
	Boundary     string       `yaml:"boundary" json:"boundary,omitempty"`
	Excluded     []string     `yaml:"excluded" json:"excluded,omitempty"`     // what a reader might expect inside and is not
	Exclusions   []Exclusion  `yaml:"exclusions" json:"exclusions,omitempty"` // the same with reasons
	Components   []Component  `yaml:"components" json:"components,omitempty"`
	Users        []User       `yaml:"users" json:"users,omitempty"`
	Data         []DataClass  `yaml:"data" json:"data,omitempty"`
	Flows        []Flow       `yaml:"flows" json:"flows,omitempty"`
	Commitments  []Commitment `yaml:"commitments" json:"commitments,omitempty"`
	Requirements []Commitment `yaml:"requirements" json:"requirements,omitempty"` // system requirements
	Subservices  []Subservice `yaml:"subservices" json:"subservices,omitempty"`
	CUECs        []CUEC       `yaml:"cuecs" json:"cuecs,omitempty"`
	File         string       `yaml:"-" json:"file"`
}

// A Component is a part of the system.
type Component struct {
	ID          string   `yaml:"id" json:"id"`
	Name        string   `yaml:"name" json:"name"`
	Kind        string   `yaml:"kind" json:"kind"` // infrastructure, software, people, procedures, data
	Owner       string   `yaml:"owner" json:"owner"`
	Description string   `yaml:"description" json:"description,omitempty"`
	Layer       string   `yaml:"layer" json:"layer,omitempty"` // where a diagram draws it; "": its kind
	Data        []string `yaml:"data" json:"data,omitempty"`   // ids of the classes of data it keeps
	Since       string   `yaml:"since" json:"since,omitempty"` // the day it became part; "": always
	// Recovery is what is meant to hold when it is lost; nil: nobody has said.
	Recovery *Recovery `yaml:"recovery" json:"recovery,omitempty"`
	Claims   []Claim   `yaml:"claims" json:"claims,omitempty"`
	Line     int       `yaml:"-" json:"line"`
}

// A Commitment is a promise to customers, or a requirement the system has to
// meet so that promises can be kept.
type Commitment struct {
	ID       string         `yaml:"id" json:"id"`
	Text     string         `yaml:"text" json:"text"`
	Category audit.Category `yaml:"category" json:"category"`
	Where    string         `yaml:"where" json:"where,omitempty"` // the contract, terms or page it is made in
	Criteria []string       `yaml:"criteria" json:"criteria,omitempty"`
	Controls []string       `yaml:"controls" json:"controls,omitempty"`
	Line     int            `yaml:"-" json:"line"`
}

// A Subservice is a subservice organization: a vendor whose controls are
// needed beside the organization's own.
type Subservice struct {
	ID         string   `yaml:"id" json:"id,omitempty"` // for flows
	Name       string   `yaml:"name" json:"name"`
	Service    string   `yaml:"service" json:"service"`
	Method     string   `yaml:"method" json:"method"`                   // carve-out, inclusive
	Vendor     string   `yaml:"vendor" json:"vendor,omitempty"`         // id of the vendor item
	Monitoring []string `yaml:"monitoring" json:"monitoring,omitempty"` // controls that watch it
	CSOCs      []CSOC   `yaml:"csocs" json:"csocs,omitempty"`
	Since      string   `yaml:"since" json:"since,omitempty"`
	Line       int      `yaml:"-" json:"line"`
}

// A CSOC is a complementary subservice organization control: what is assumed
// that the subservice organization does.
type CSOC struct {
	ID       string   `yaml:"id" json:"id"`
	Text     string   `yaml:"text" json:"text"`
	Criteria []string `yaml:"criteria" json:"criteria"`
	Line     int      `yaml:"-" json:"line"`
}

// A CUEC is a complementary user entity control: what is assumed that
// customers do.
type CUEC struct {
	ID       string   `yaml:"id" json:"id"`
	Text     string   `yaml:"text" json:"text"`
	Criteria []string `yaml:"criteria" json:"criteria"`
	Controls []string `yaml:"controls" json:"controls,omitempty"`
	Line     int      `yaml:"-" json:"line"`
}

var (
	componentKinds = []string{"infrastructure", "software", "people", "procedures", "data"}
	methods        = []string{"carve-out", "inclusive"}
)

func (w *Workspace) readSystem(d *doc) {
	s := System{}
	if d == nil || !d.decode(&s) {
		return
	}
	s.File = d.name
	if s.Name == "" {
		d.bad(nil, "a system has a name")
	}
	ids := &idSet{d: d, seen: map[string]bool{}}
	for i, c := range s.Components {
		at := steps("components", i)
		ids.add(at, c.ID)
		if c.Name == "" || c.Owner == "" || !slices.Contains(componentKinds, c.Kind) {
			d.bad(at, "a component has a name, an owner and a kind: infrastructure, software, people, procedures or data")
		}
	}
	w.checkCommitments(d, "commitments", s.Commitments, ids)
	w.checkCommitments(d, "requirements", s.Requirements, ids)
	w.checkSubservices(d, s.Subservices, ids)
	for i, c := range s.CUECs {
		at := steps("cuecs", i)
		ids.add(at, c.ID)
		s.CUECs[i].Line = d.at(at...).Line
		w.checkStatement(d, at, c.Text, c.Criteria)
	}
	w.checkBoundary(d, &s, ids)
	w.Systems = append(w.Systems, s)
}

func (w *Workspace) checkCommitments(d *doc, key string, list []Commitment, ids *idSet) {
	for i, c := range list {
		at := steps(key, i)
		ids.add(at, c.ID)
		list[i].Line = d.at(at...).Line
		if c.Text == "" {
			d.bad(at, "%s has no text", c.ID)
		}
		if !slices.Contains(w.Organization.Categories, c.Category) {
			d.bad(append(at, "category"), "category %q is not among the organization's categories", c.Category)
		}
		w.Catalog.checkCriteria(d, append(slices.Clone(at), "criteria"), c.Criteria, w.Config.Criteria)
	}
}

func (w *Workspace) checkSubservices(d *doc, list []Subservice, ids *idSet) {
	for i, s := range list {
		at := steps("subservices", i)
		list[i].Line = d.at(at...).Line
		if s.ID != "" {
			ids.add(at, s.ID)
		}
		d.since(at, s.Since)
		if s.Name == "" || s.Service == "" {
			d.bad(at, "a subservice organization has a name and a service")
		}
		if !slices.Contains(methods, s.Method) {
			d.bad(append(slices.Clone(at), "method"), "method %q is not carve-out or inclusive", s.Method)
		}
		for j, c := range s.CSOCs {
			at := append(slices.Clone(at), "csocs", j)
			ids.add(at, c.ID)
			s.CSOCs[j].Line = d.at(at...).Line
			w.checkStatement(d, at, c.Text, c.Criteria)
		}
	}
}

func (w *Workspace) checkStatement(d *doc, at []any, text string, criteria []string) {
	if text == "" || len(criteria) == 0 {
		d.bad(at, "a complementary control has a text and at least one criterion")
	}
	w.Catalog.checkCriteria(d, append(slices.Clone(at), "criteria"), criteria, w.Config.Criteria)
}

// checkSystemControls runs once all controls are known.
func (w *Workspace) checkSystemControls(docs []*doc) {
	known := map[string]bool{}
	for _, c := range w.Controls {
		known[c.ID] = true
	}
	for i, s := range w.Systems {
		check := func(key string, n int, of string, controls []string) {
			for j, id := range controls {
				if !known[id] {
					docs[i].bad(steps(key, n, of, j), "there is no control %q in this workspace", id)
				}
			}
		}
		for n, c := range s.Commitments {
			check("commitments", n, "controls", c.Controls)
		}
		for n, c := range s.Requirements {
			check("requirements", n, "controls", c.Controls)
		}
		for n, c := range s.CUECs {
			check("cuecs", n, "controls", c.Controls)
		}
		for n, c := range s.Subservices {
			check("subservices", n, "monitoring", c.Monitoring)
		}
		for n, c := range s.Flows {
			check("flows", n, "controls", c.Controls)
		}
	}
}

// An idSet notes ids that are missing or used twice in one file.
type idSet struct {
	d    *doc
	seen map[string]bool
}

func (s *idSet) add(at []any, id string) {
	switch {
	case id == "":
		s.d.bad(at, "this has no id")
	case s.seen[id]:
		s.d.bad(append(slices.Clone(at), "id"), "id %q is used twice in this file", id)
	}
	s.seen[id] = true
}
