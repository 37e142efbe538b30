package engagement

import (
	"fmt"
	"regexp"

	"tieout/audit"
)

// number is what an engagement is called: EN-1, 2026.b.
var number = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$`)

// CheckID refuses what is no number of an engagement, as the firm gives it: letters,
// digits, dots, hyphens and underscores, at most 60 in all, a letter or digit first.
func CheckID(id string) error {
	if !number.MatchString(id) {
		return fmt.Errorf("%w: %.80q is no number of an engagement such as EN-1", audit.ErrInvalid, id)
	}
	return nil
}

// A Type is the kind of examination, with the report it ends in.
type Type string

// The types. A SOC 3 is made from the engagement of a SOC 2 Type II: the same
// work, other words. SOC 1 examines control objectives, not criteria.
const (
	SOC2TypeI  Type = "soc2-type1"
	SOC2TypeII Type = "soc2-type2"
	SOC3       Type = "soc3"
	SOC1TypeI  Type = "soc1-type1"
	SOC1TypeII Type = "soc1-type2"
)

// Types are all types.
var Types = []Type{SOC2TypeI, SOC2TypeII, SOC3, SOC1TypeI, SOC1TypeII}

// OverPeriod reports whether the examination speaks about a period, not a date:
// only then are populations frozen, samples drawn and operation concluded on.
func (t Type) OverPeriod() bool { return t == SOC2TypeII || t == SOC3 || t == SOC1TypeII }

// OfObjectives reports whether control objectives stand in the place of criteria.
func (t Type) OfObjectives() bool { return t == SOC1TypeI || t == SOC1TypeII }

var typeNames = map[Type]string{
	SOC2TypeI: "SOC 2 Type I", SOC2TypeII: "SOC 2 Type II", SOC3: "SOC 3", SOC1TypeI: "SOC 1 Type I", SOC1TypeII: "SOC 1 Type II",
}

// String is the type's name as a report's cover has it.
func (t Type) String() string {
	if n := typeNames[t]; n != "" {
		return n
	}
	return string(t)
}

// Terms are what both sides agreed that is examined. Days are calendar days of
// Zone, "2006-01-02", the last one included.
type Terms struct {
	ID     string `json:"id"` // "EN-1", given by the firm
	Type   Type   `json:"type"`
	Client Party  `json:"client"`
	Firm   Party  `json:"firm"`
	System string `json:"system"` // the system examined, as its description names it
	Zone   string `json:"zone"`   // IANA name

	First string `json:"first,omitempty"` // of a period
	Last  string `json:"last,omitempty"`
	AsOf  string `json:"asOf,omitempty"` // of a Type I

	RestsOn string `json:"restsOn,omitempty"` // of a SOC 3: ID of the SOC 2 Type II engagement whose work it is made from

	Categories  []Choice      `json:"categories"`           // all five, each in or out with its reason; empty for SOC 1
	Extra       []CriteriaSet `json:"extra,omitempty"`      // SOC 2+: other criteria, examined or only mapped
	Objectives  []Objective   `json:"objectives,omitempty"` // SOC 1
	Subservices []Subservice  `json:"subservices,omitempty"`
	Milestones  []Milestone   `json:"milestones,omitempty"`
	Prior       []Prior       `json:"prior,omitempty"` // exceptions of the report before, carried forward
	Quality     bool          `json:"quality"`         // the firm's policy asks for an engagement quality review before release
}

// Days are the first and the last day the engagement speaks of: of a Type I one day.
func (t Terms) Days() (first, last string) {
	if t.Type.OverPeriod() {
		return t.First, t.Last
	}
	return t.AsOf, t.AsOf
}

// A Party is a side of the engagement. What a firm says of its license and peer
// review is its own statement and shown as that.
type Party struct {
	Name       string `json:"name"`
	City       string `json:"city,omitempty"`
	State      string `json:"state,omitempty"`
	License    string `json:"license,omitempty"`
	PeerReview string `json:"peerReview,omitempty"`
	Reviewed   string `json:"reviewed,omitempty"`   // day of the report of its last peer review
	PeerResult string `json:"peerResult,omitempty"` // of that review, one of PeerResults
	Origin     string `json:"origin"`               // of its log
	Key        string `json:"key"`                  // verifier key of its log, note format
}

// A Choice is a category that is examined or not, and why.
type Choice struct {
	Category audit.Category `json:"category"`
	In       bool           `json:"in"`
	Why      string         `json:"why"`
}

// A CriteriaSet is another set of criteria beside the trust services criteria.
// Examined: the opinion covers it, in a paragraph of its own. Not examined: a
// table of what relates to what, in Section V, which no opinion covers.
type CriteriaSet struct {
	ID       string   `json:"id"`   // "hipaa-security"
	Name     string   `json:"name"` // as the report prints it
	Examined bool     `json:"examined"`
	Criteria []string `json:"criteria"` // identifiers

	Framework string `json:"framework,omitempty"` // id of the mapping that relates it to the trust services criteria; "": none is named
}

// An Objective is a control objective of a SOC 1, in management's words.
type Objective struct {
	ID       string   `json:"id"`
	Text     string   `json:"text"`
	Controls []string `json:"controls"`
}

// A Subservice is an organization whose controls are needed with the client's.
type Subservice struct {
	Name      string     `json:"name"`
	Service   string     `json:"service"`
	Inclusive bool       `json:"inclusive"`         // else its controls are carved out
	Expected  []Expected `json:"expected"`          // controls assumed there (CSOC), or examined there when inclusive
	Monitor   []string   `json:"monitor,omitempty"` // ids of our controls that watch it
}

// An Included is a control of an inclusive subservice organization: it is examined as
// one of the client's is.
type Included struct {
	Expected
	By string // the organization
}

// Included are the controls of inclusive subservice organizations, in the order of
// the terms.
func (t Terms) Included() (out []Included) {
	for _, s := range t.Subservices {
		for _, x := range s.Expected {
			if s.Inclusive {
				out = append(out, Included{x, s.Name})
			}
		}
	}
	return out
}

// Expected is a control that somebody else has to operate: a subservice
// organization (CSOC) or a user entity (CUEC), and the criteria that rest on it.
type Expected struct {
	ID       string   `json:"id"`
	Text     string   `json:"text"`
	Criteria []string `json:"criteria"`
}

// A Milestone is a day both sides work towards.
type Milestone struct {
	Name string `json:"name"`
	Day  string `json:"day"`
}

// A Prior is an exception of the report before this one, and what became of it.
type Prior struct {
	Control string `json:"control"`
	Text    string `json:"text"`
	Became  string `json:"became,omitempty"`
}
