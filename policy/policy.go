// Package policy reads what people read: policies and courses, Markdown files
// with front matter. It renders Markdown, also such as comes from anyone, and
// says what changed between two texts. It is pure.
//
// The formats are described in docs/formats/policies.md.
package policy

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"tieout/library"
)

// A Policy is one policy as its file says it.
type Policy struct {
	ID          string      `json:"id"` // the file's name without ending
	Title       string      `json:"title"`
	Owner       string      `json:"owner"`       // a role or a person; "" where nobody is named
	Audience    string      `json:"audience"`    // who has to read it: all, or the name of a group of people
	Acknowledge bool        `json:"acknowledge"` // they agree to it, and once a year again
	Review      string      `json:"review"`      // how often it is reviewed: year, half-year or quarter
	Controls    []string    `json:"controls"`    // ids of the controls it speaks of, as written
	Summary     string      `json:"summary"`     // one sentence
	States      []Statement `json:"states"`      // what it promises of a control, for machines
	Record      Record      `json:"record"`      // what the register says of it
	Body        string      `json:"body"`        // Markdown below the front matter
	Line        int         `json:"-"`           // of the body's first line in the file
}

// A Statement is what a policy promises of one control.
type Statement struct {
	Control string `json:"control"`
	Says    string `json:"says"`
}

// A Record is what a register of policies keeps in the same front matter; the
// registers source turns it into evidence, and here it is text as written.
type Record struct {
	Kind       string `json:"kind,omitempty"`
	Version    string `json:"version,omitempty"`
	Status     string `json:"status,omitempty"`
	ApprovedBy string `yaml:"approvedBy" json:"approvedBy,omitempty"`
	ApprovedAt string `yaml:"approvedAt" json:"approvedAt,omitempty"`
	ReviewedAt string `yaml:"reviewedAt" json:"reviewedAt,omitempty"`
}

// policyFront is the front matter of a policy.
type policyFront struct {
	ID          string
	Title       string
	Owner       string
	Audience    string
	Acknowledge bool
	Review      string
	Controls    []string
	Summary     string
	States      []Statement
	Record      `yaml:",inline"`
}

// everyone is the audience that every person is in.
const everyone = "all"

// cadences are how often a policy may be reviewed; less often than once in 365
// days is not offered (POL-01).
var cadences = []string{"year", "half-year", "quarter"}

var audienceForm = regexp.MustCompile(`^[a-z][a-z0-9 -]{0,39}$`)

// Parse reads a policy from the bytes of its file; name is its path and names
// it in errors. What is left out has the default: audience all, review year.
// The error is an audit.ErrInvalid with every fault as file:line:column: text.
func Parse(name string, data []byte) (Policy, error) { return ParseKnown(name, data, nil) }

// ParseKnown reads a policy as Parse does, and takes the id of a control for a
// fault that known does not know.
func ParseKnown(name string, data []byte, known func(control string) bool) (Policy, error) {
	f, err := open(name, data)
	if err != nil {
		return Policy{}, err
	}
	front := policyFront{Audience: everyone, Review: cadences[0]}
	if !f.decode(&front) {
		return Policy{}, f.err()
	}
	p := Policy{
		ID: f.id, Title: front.Title, Owner: front.Owner, Audience: front.Audience, Acknowledge: front.Acknowledge,
		Review: front.Review, Controls: front.Controls, Summary: strings.TrimSpace(front.Summary), States: front.States,
		Record: front.Record, Body: f.body, Line: f.line,
	}
	f.named(front.ID)
	f.checkPolicy(p)
	f.checkControls(p, known)
	f.readable()
	return p, f.err()
}

func (f *file) checkPolicy(p Policy) {
	f.oneLine(p.Title, 200, true, "title")
	f.oneLine(p.Owner, 200, false, "owner")
	f.oneLine(p.Summary, 400, false, "summary")
	f.audience(p.Audience)
	if !slices.Contains(cadences, p.Review) {
		f.bad(f.at("review"), "review: %q is not one of %s", p.Review, strings.Join(cadences, ", "))
	}
}

// checkControls holds what the front matter and the text name to the policy's
// list of controls, and that to the controls there are.
func (f *file) checkControls(p Policy, known func(string) bool) {
	seen := map[string]bool{}
	for i, id := range p.Controls {
		f.oneLine(id, 60, true, "controls", i)
		switch {
		case seen[id]:
			f.bad(f.at("controls", i), "control %s is written twice", id)
		case known != nil && !known(id):
			f.bad(f.at("controls", i), "there is no control %q", id)
		}
		seen[id] = true
	}
	for i, s := range p.States {
		f.oneLine(s.Says, 600, true, "states", i, "says")
		if !seen[s.Control] {
			f.bad(f.at("states", i, "control"), "%q is not among the policy's controls; add it there", s.Control)
		}
	}
	for _, r := range p.Refs() {
		if !seen[r.Control] {
			f.faults = append(f.faults, r.where(f.name)+"the text names "+r.Control+", which is not among the policy's controls; add it there")
		}
	}
}

func (f *file) audience(name string) {
	if !audienceForm.MatchString(name) {
		f.bad(f.at("audience"), "audience: want all, or the name of a group in lower case such as engineers")
	}
}

// Open returns what is still to be filled in before the policy can be
// approved: its placeholders, with their braces.
func (p Policy) Open() []string {
	return library.Placeholders(p.Title + "\n" + p.Summary + "\n" + p.Owner + "\n" + p.Body)
}

// Starters returns the library's starter policies, by id.
func Starters() ([]Policy, error) { return readAll(library.Policies(), Parse) }

// Plans returns the library's plans to start from, by id: documents like policies,
// with places that only their owner can fill.
func Plans() ([]Policy, error) { return readAll(library.Plans(), Parse) }

// readAll parses every file at the root of fsys, by name.
func readAll[T any](fsys fs.FS, parse func(string, []byte) (T, error)) ([]T, error) {
	names, err := fs.Glob(fsys, "*.md")
	if err != nil {
		return nil, err
	}
	out := make([]T, len(names))
	for i, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		if out[i], err = parse(name, data); err != nil {
			return nil, err
		}
	}
	return out, nil
}
