package handbook

import (
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/procedure"
	"tieout/source"
)

// A workspace is whose definitions the pages speak of, where it is not the
// library's handbook.
type workspace struct {
	*definition.Workspace
	sel   definition.Selection
	given map[string][]definition.SourceDef // by item type
	day   string
}

// Own are the pages of a workspace: its controls in scope and the procedures that
// run on what its sources give, as their files say. Of a control or a procedure
// with several texts it is the one in force on the day ("2026-05-01"), else the
// first; the others are named.
func Own(w *definition.Workspace, sel definition.Selection, drivers source.Registry, day string) ([]Page, error) {
	b, err := ownBook(w, sel, drivers, day, nil)
	if err != nil {
		return nil, err
	}
	return b.pages(), nil
}

// Procedure is the page of one procedure of a workspace, of exactly that text.
func Procedure(w *definition.Workspace, sel definition.Selection, drivers source.Registry, p *procedure.Procedure, day string) (Page, error) {
	b, err := ownBook(w, sel, drivers, day, p)
	if err != nil {
		return Page{}, err
	}
	return b.procedure(p), nil
}

func ownBook(w *definition.Workspace, sel definition.Selection, drivers source.Registry, day string, only *procedure.Procedure) (*book, error) {
	own := &workspace{Workspace: w, sel: sel, given: map[string][]definition.SourceDef{}, day: day}
	var used source.Registry
	for _, s := range w.Sources {
		d, err := drivers.Find(s.Kind)
		if err != nil {
			continue // a kind this program does not know gives nothing
		}
		if !slices.Contains(used, d) {
			used = append(used, d)
		}
		for _, typ := range s.Types(d.Types) {
			own.given[typ] = append(own.given[typ], s)
		}
	}
	procs := onePerID(sel.Procedures, func(p *procedure.Procedure) (string, audit.Effective) { return p.ID, p.Effective }, day)
	if only != nil {
		procs = []*procedure.Procedure{only}
	}
	controls := onePerID(sel.Controls, func(c audit.Control) (string, audit.Effective) { return c.ID, c.Effective }, day)
	set := *w.Catalog.Set(w.Config.Criteria)
	set.Criteria = w.Criteria()
	b, err := newBook(w.Catalog, &set, controls, procs, used)
	if err != nil {
		return nil, err
	}
	b.own = own
	return b, nil
}

// onePerID keeps of each ID the revision in force on a day, else its first. They
// lie beside one another, in order of time.
func onePerID[T any](list []T, of func(T) (string, audit.Effective), day string) (out []T) {
	for i, x := range list {
		id, e := of(x)
		first := i == 0
		if !first {
			before, _ := of(list[i-1])
			first = before != id
		}
		switch {
		case first:
			out = append(out, x)
		case (e.From == "" || e.From <= day) && (e.To == "" || day <= e.To):
			out[len(out)-1] = x
		}
	}
	return out
}

// onPages leaves the controls that have a page: a procedure may test others that
// are not in scope.
func (b *book) onPages(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return b.named(id).Title == "" })
}

// named is the control called id; of one without a page only its ID.
func (b *book) named(id string) audit.Control {
	for _, c := range b.list {
		if c.ID == id {
			return c
		}
	}
	return audit.Control{ID: id}
}

// givenHere names the workspace's sources that give a type.
func (b *book) givenHere(typ string) line {
	var out []line
	for _, s := range b.own.given[typ] {
		out = append(out, linkCode(s.Name, "sources/"+s.Kind))
	}
	if len(out) == 0 {
		return say("no source here")
	}
	return join(out, " ")
}

func (b *book) ownLead() string {
	return fmt.Sprintf("%s, %s: %s in scope, %s that %s on what %s.", b.own.Organization.Name, b.own.Organization.System,
		count(len(b.list), "control", "controls"), count(len(b.runs), "procedure", "procedures"), verb(len(b.runs), "runs", "run"),
		count(len(b.own.Sources), "source gives", "sources give"))
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// controlHere is what a workspace says of a control beside its text.
func (b *book) controlHere(c audit.Control) []fact {
	if b.own == nil {
		return nil
	}
	out := []fact{{"Written in", exact(b.own.Origin(c.ID))}, {"In force", say(days(c.Effective))}}
	for _, u := range b.own.sel.Untested {
		if u.Control.ID == c.ID {
			out = append(out, fact{"Not tested here", say(u.Why)})
		}
	}
	for _, other := range b.own.Controls {
		if other.ID == c.ID && other.Effective != c.Effective {
			out = append(out, fact{"Another text", say(days(other.Effective))})
		}
	}
	return out
}

// procedureHere is what a workspace says of a procedure beside its text.
func (b *book) procedureHere(p *procedure.Procedure) []fact {
	if b.own == nil {
		return nil
	}
	out := []fact{{"Written in", exact(b.own.Origin(p.ID))}, {"In force", say(days(p.Effective))}}
	for _, other := range b.own.Procedures {
		if other.ID == p.ID && (other.Hash != p.Hash || other.Effective != p.Effective) {
			out = append(out, fact{"Another text", say(days(other.Effective) + ", version ").and(exact(strings.TrimPrefix(other.Hash, "sha256:")[:12]))})
		}
	}
	return out
}

func days(e audit.Effective) string {
	switch {
	case e.From == "" && e.To == "":
		return "for all days"
	case e.From == "":
		return "until " + e.To
	case e.To == "":
		return "from " + e.From
	}
	return e.From + " to " + e.To
}

// inForce writes the value of a parameter as its document does.
func inForce(v any) string {
	if list, ok := v.([]string); ok {
		return strings.Join(list, ", ")
	}
	return fmt.Sprint(v)
}
