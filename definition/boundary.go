package definition

import (
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// An Exclusion is something a reader might expect inside the boundary, why it
// is not, and which of what sources see belongs to it.
type Exclusion struct {
	What   string  `yaml:"what" json:"what"`
	Why    string  `yaml:"why" json:"why"`
	Since  string  `yaml:"since" json:"since,omitempty"` // a day; "": always
	Claims []Claim `yaml:"claims" json:"claims,omitempty"`
	Line   int     `yaml:"-" json:"line"`
}

// A User is a kind of user of the system, outside its boundary.
type User struct {
	ID          string `yaml:"id" json:"id"`
	Name        string `yaml:"name" json:"name"`
	Description string `yaml:"description" json:"description,omitempty"`
	Line        int    `yaml:"-" json:"line"`
}

// A DataClass is a class of data the system keeps or moves.
type DataClass struct {
	ID          string `yaml:"id" json:"id"`
	Name        string `yaml:"name" json:"name"`
	Class       string `yaml:"class" json:"class"` // public, internal, confidential, restricted
	Description string `yaml:"description" json:"description,omitempty"`
	Retention   string `yaml:"retention" json:"retention,omitempty"` // the most it is kept, such as 365d or 7y; "": nobody has said
	// Handling is how people and systems treat it: where it may be, how it is sent, who may see it.
	Handling string `yaml:"handling" json:"handling,omitempty"`
	// Regulated says which laws and rules ask something of it: phi, personal, card.
	Regulated []string `yaml:"regulated" json:"regulated,omitempty"`
	Line      int      `yaml:"-" json:"line"`
}

// Kinds of regulated data.
const (
	RegulatedPHI      = "phi"
	RegulatedPersonal = "personal"
	RegulatedCard     = "card"
)

// RegulatedKinds are all of them.
var RegulatedKinds = []string{RegulatedPHI, RegulatedPersonal, RegulatedCard}

// A Flow is data that goes from one part to another: between components, users
// and subservice organizations. Without a control nothing protects it that is
// known here.
type Flow struct {
	From     string   `yaml:"from" json:"from"` // id of a component, a user or a subservice organization
	To       string   `yaml:"to" json:"to"`
	Data     []string `yaml:"data" json:"data"` // ids of data classes
	Controls []string `yaml:"controls" json:"controls,omitempty"`
	How      string   `yaml:"how" json:"how,omitempty"` // such as "HTTPS"
	Since    string   `yaml:"since" json:"since,omitempty"`
	Line     int      `yaml:"-" json:"line"`
}

// A Claim says which of the things that sources see belong to a part. All of
// its keys have to hold; in ID, Name and Account a * stands for any text.
type Claim struct {
	Type        string `yaml:"type" json:"type,omitempty"`               // item type
	Source      string `yaml:"source" json:"source,omitempty"`           // name of a connection
	ID          string `yaml:"id" json:"id,omitempty"`                   // item id
	Name        string `yaml:"name" json:"name,omitempty"`               // the item's name
	Account     string `yaml:"account" json:"account,omitempty"`         // cloud account, system of a sign-in, or scope of the stream
	Environment string `yaml:"environment" json:"environment,omitempty"` // such as production
}

// A Thing is what a claim is held against: one item a source sees. Scope is that
// of the stream it is seen in.
type Thing struct {
	Type, Source, Scope, ID, Name, Account, Environment string
}

// Holds reports whether c claims t. A claim that names nothing holds nothing.
func (c Claim) Holds(t Thing) bool {
	if c == (Claim{}) {
		return false
	}
	return (c.Type == "" || c.Type == t.Type) && (c.Source == "" || c.Source == t.Source) &&
		(c.Environment == "" || c.Environment == t.Environment) &&
		like(c.ID, t.ID) && like(c.Name, t.Name) && (like(c.Account, t.Account) || like(c.Account, t.Scope))
}

// like reports whether text is what pattern describes: "" describes anything, *
// any run of characters.
func like(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	rest := text[len(first) : len(text)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	return true
}

var dataClasses = []string{"public", "internal", "confidential", "restricted"}

// checkBoundary checks what a system is made of, and gives every part the line
// it stands on.
func (w *Workspace) checkBoundary(d *doc, s *System, ids *idSet) {
	for i := range s.Components {
		c, at := &s.Components[i], steps("components", i)
		c.Line = d.at(at...).Line
		d.since(at, c.Since)
		checkRecovery(d, at, c.Recovery)
		w.checkClaims(d, at, c.Claims)
	}
	for i := range s.Users {
		u, at := &s.Users[i], steps("users", i)
		u.Line = d.at(at...).Line
		ids.add(at, u.ID)
		if u.Name == "" {
			d.bad(at, "users have a name")
		}
	}
	classes := w.checkData(d, s, ids)
	for i := range s.Components {
		checkData(d, steps("components", i, "data"), s.Components[i].Data, classes)
	}
	for i := range s.Exclusions {
		x, at := &s.Exclusions[i], steps("exclusions", i)
		x.Line = d.at(at...).Line
		if x.What == "" || x.Why == "" {
			d.bad(at, "an exclusion says what is left out and why")
		}
		d.since(at, x.Since)
		w.checkClaims(d, at, x.Claims)
	}
	s.checkFlows(d, classes)
}

func (w *Workspace) checkData(d *doc, s *System, ids *idSet) map[string]bool {
	classes := map[string]bool{}
	for i := range s.Data {
		c, at := &s.Data[i], steps("data", i)
		c.Line = d.at(at...).Line
		ids.add(at, c.ID)
		classes[c.ID] = true
		if c.Name == "" || !slices.Contains(dataClasses, c.Class) {
			d.bad(at, "a data class has a name and a class: %s", strings.Join(dataClasses, ", "))
		}
		checkRetention(d, at, c.Retention)
		for j, kind := range c.Regulated {
			if !slices.Contains(RegulatedKinds, kind) {
				d.bad(append(slices.Clone(at), "regulated", j), "regulated data is one of %s", strings.Join(RegulatedKinds, ", "))
			}
		}
	}
	return classes
}

func checkData(d *doc, at []any, ids []string, classes map[string]bool) {
	for i, id := range ids {
		if !classes[id] {
			d.bad(append(slices.Clone(at), i), "there is no data class %q under data", id)
		}
	}
}

// checkFlows runs once components, users and subservice organizations are known.
func (s *System) checkFlows(d *doc, classes map[string]bool) {
	ends := s.ends()
	for i := range s.Flows {
		f, at := &s.Flows[i], steps("flows", i)
		f.Line = d.at(at...).Line
		for _, end := range []struct{ key, id string }{{"from", f.From}, {"to", f.To}} {
			if !ends[end.id] {
				d.bad(append(slices.Clone(at), end.key), "%q is no component, user or subservice organization of this system", end.id)
			}
		}
		if f.From == f.To {
			d.bad(at, "a flow goes from one part to another")
		}
		if len(f.Data) == 0 {
			d.bad(at, "a flow names the classes of data that flow")
		}
		checkData(d, append(slices.Clone(at), "data"), f.Data, classes)
		d.since(at, f.Since)
	}
}

// ends are the ids flows may lead from and to.
func (s *System) ends() map[string]bool {
	out := map[string]bool{}
	for _, c := range s.Components {
		out[c.ID] = true
	}
	for _, u := range s.Users {
		out[u.ID] = true
	}
	for _, o := range s.Subservices {
		out[o.ID] = true
	}
	delete(out, "")
	return out
}

// since checks that the key of that name is a day.
func (d *doc) since(at []any, day string) {
	if day == "" {
		return
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		d.bad(append(slices.Clone(at), "since"), "since %q is not a day such as 2026-07-01", day)
	}
}

func (w *Workspace) checkClaims(d *doc, at []any, claims []Claim) {
	for i, c := range claims {
		at := append(slices.Clone(at), "claims", i)
		if c == (Claim{}) {
			d.bad(at, "a claim names a type, source, id, name, account or environment")
		}
		if _, err := audit.TypeByName(c.Type); c.Type != "" && err != nil {
			d.bad(append(slices.Clone(at), "type"), "there is no item type %q", c.Type)
		}
		if c.Source != "" && !slices.ContainsFunc(w.Sources, func(s SourceDef) bool { return s.Name == c.Source }) {
			d.bad(append(slices.Clone(at), "source"), "there is no source %q in sources/", c.Source)
		}
	}
}
