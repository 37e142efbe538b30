package web

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/definition"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/boundary"
)

// systemOf is what the system is, made once for a state.
func (q *request) systemOf() (*answer.System, error) {
	st := q.st.whole()
	return st.system.get(func() (*answer.System, error) {
		return answer.SystemOf(context.WithoutCancel(q.Context()), st.p)
	})
}

// whole is the state that st is a part of, or st itself.
func (st *state) whole() *state {
	if st.all != nil {
		return st.all
	}
	return st
}

// A drawn is one system as its screen shows it.
type drawn struct {
	S           *definition.System
	At          string // name for fragments
	Picture     template.HTML
	Components  []componentRow
	Flows       []flowRow
	Promises    []promiseRow
	Subservices []subserviceRow
	CUECs       []assumedRow
	Left        []leftRow
}

type componentRow struct {
	C           answer.Component
	Data, Since string
	Kind        string // where it says more than the layer
	Seen        []seenLink
}

type seenLink struct {
	link
	N string
}

type flowRow struct {
	From, To, Data, How, Since string
	Line                       int
	Controls                   []link
}

// A promiseRow is a commitment or requirement with the chain from it over
// criteria to controls.
type promiseRow struct {
	P     definition.Commitment
	Kind  string
	Chain []chainLink
	Extra []link // controls it names that meet none of its criteria
}

type chainLink struct {
	Criterion link
	Summary   string
	Controls  []link
	Others    *link // where it names no control: how many of the workspace meet the criterion
}

type subserviceRow struct {
	S          definition.Subservice
	Since      string
	Monitoring []link
	CSOCs      []assumedRow
}

type assumedRow struct {
	ID, Text string
	Line     int
	Criteria []link
	Controls []link
}

// A leftRow is something that is left out, and why.
type leftRow struct {
	What, Why, Since string
	Line             int
	Claims           bool
}

type unclaimedRow struct {
	U         answer.Unclaimed
	What      string // its type in words
	More      int
	Connector link
	Claim     string // text to put under a component
	Exclude   string // text to put under exclusions
}

// ownSystem is what the system is, as far as who is signed in may read it.
func (q *request) ownSystem() (*answer.System, error) {
	s, err := q.systemOf()
	if err != nil {
		return nil, err
	}
	return s.Only(func(name string) bool {
		return q.may("register.read", access.Object{Systems: []string{name}, Controls: q.st.controls(), Engagements: []string{q.st.p.Name}})
	}), nil
}

func (q *request) system() error {
	s, err := q.ownSystem()
	if err != nil {
		return err
	}
	data := struct {
		*page
		S         *answer.System
		Systems   []drawn
		Unclaimed []unclaimedRow
		Assumed   []offerRow
		File      string
		Changed   []revisedRow // to who sees all of it
		Whole     bool
	}{page: &q.page, S: s, File: "systems/main.yaml", Whole: len(s.Systems) == len(q.st.p.Def.Systems)}
	if data.Whole {
		list, err := q.s.revisions.OfScope(q.Context(), q.st.p)
		if err != nil {
			return err
		}
		data.Changed = q.revisedRows(list)
	}
	for i := range s.Systems {
		data.Systems = append(data.Systems, q.drawn(s, i))
	}
	for _, u := range s.Unclaimed {
		data.Unclaimed = append(data.Unclaimed, q.unclaimedRow(u))
	}
	if data.Assumed, err = q.offers(s); err != nil {
		return err
	}
	if len(s.Systems) > 0 {
		data.File = s.Systems[0].File
	}
	q.Title, q.Heading, q.Say, q.Wide = "System boundary", "System boundary", s.Sentence(), true
	q.Code = []string{"tieout system show", "tieout plan"}
	return q.render("system.html", data)
}

func (q *request) drawn(s *answer.System, i int) drawn {
	sys := &s.Systems[i]
	out := drawn{S: sys, At: fmt.Sprintf("s%d", i+1)}
	if len(sys.Components)+len(sys.Users)+len(sys.Subservices) > 0 {
		picture := boundary.Lay(answer.Graph(*sys))
		label := fmt.Sprintf("%s: %s and %s between them. The tables below say the same.", sys.Name,
			report.Plural(len(sys.Components)+len(sys.Users)+len(sys.Subservices), "part", "parts"), report.Plural(len(sys.Flows), "flow of data", "flows of data"))
		out.Picture = template.HTML(picture.SVG(label)) // escaped by package boundary
	}
	names := partNames(sys)
	for _, c := range s.Components {
		if c.File == sys.File {
			out.Components = append(out.Components, q.componentRow(c, names))
		}
	}
	for _, f := range sys.Flows {
		out.Flows = append(out.Flows, flowRow{From: names[f.From], To: names[f.To], Data: namesOf(f.Data, names), How: f.How, Since: dayText(f.Since), Line: f.Line, Controls: q.controlLinks(f.Controls)})
	}
	for _, c := range sys.Commitments {
		out.Promises = append(out.Promises, q.promise(c, "Commitment"))
	}
	for _, c := range sys.Requirements {
		out.Promises = append(out.Promises, q.promise(c, "Requirement"))
	}
	for _, o := range sys.Subservices {
		row := subserviceRow{S: o, Since: dayText(o.Since), Monitoring: q.controlLinks(o.Monitoring)}
		for _, c := range o.CSOCs {
			row.CSOCs = append(row.CSOCs, assumedRow{c.ID, c.Text, c.Line, q.criterionLinks(c.Criteria), nil})
		}
		out.Subservices = append(out.Subservices, row)
	}
	for _, c := range sys.CUECs {
		out.CUECs = append(out.CUECs, assumedRow{c.ID, c.Text, c.Line, q.criterionLinks(c.Criteria), q.controlLinks(c.Controls)})
	}
	for _, x := range sys.Exclusions {
		out.Left = append(out.Left, leftRow{x.What, x.Why, dayText(x.Since), x.Line, len(x.Claims) > 0})
	}
	for _, x := range sys.Excluded {
		out.Left = append(out.Left, leftRow{What: x})
	}
	return out
}

// dayText is a day of a definition file as screens write it.
func dayText(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return report.Day(t, time.UTC)
}

// partNames are the names of a system's parts and data classes, by id.
func partNames(s *definition.System) map[string]string {
	out := map[string]string{}
	for _, c := range s.Components {
		out[c.ID] = c.Name
	}
	for _, u := range s.Users {
		out[u.ID] = u.Name
	}
	for _, o := range s.Subservices {
		out[o.ID] = o.Name
	}
	for _, d := range s.Data {
		out[d.ID] = d.Name
	}
	return out
}

func namesOf(ids []string, names map[string]string) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = cmp.Or(names[id], id)
	}
	return strings.Join(out, ", ")
}

func (q *request) componentRow(c answer.Component, names map[string]string) componentRow {
	row := componentRow{C: c, Data: namesOf(c.Data, names), Since: dayText(c.Since)}
	if !strings.EqualFold(c.Kind, c.Layer) {
		row.Kind = c.Kind
	}
	for _, s := range c.Seen {
		n := ""
		if s.Things > 0 {
			n = report.Number(s.Things) + " "
		}
		row.Seen = append(row.Seen, seenLink{link{s.Source, q.to("/connectors", "source", s.Source)}, n + typeWord(s.Type, s.Things)})
	}
	return row
}

// typeWords are item types in words, for one and for many.
var typeWords = map[string][2]string{
	"repository": {"repository", "repositories"}, "datastore": {"datastore", "datastores"}, "resource": {"resource", "resources"},
	"network": {"network", "networks"}, "application": {"application", "applications"}, "domain": {"domain", "domains"},
	"endpoint": {"public address", "public addresses"}, "account": {"system with accounts", "systems with accounts"},
	"person": {"person", "people"}, "revision": {"routine that was done", "routines that were done"}, "accessReview": {"access review", "access reviews"},
}

func typeWord(typ string, n int) string {
	words, ok := typeWords[typ]
	switch {
	case !ok:
		return typ
	case n == 1:
		return words[0]
	}
	return words[1]
}

func (q *request) criterionLinks(ids []string) []link {
	out := make([]link, len(ids))
	for i, id := range ids {
		out[i] = link{id, q.to("/controls", "criterion", id)}
	}
	return out
}

// promise is the chain from a commitment over its criteria to the controls that
// meet them.
func (q *request) promise(c definition.Commitment, kind string) promiseRow {
	row := promiseRow{P: c, Kind: kind}
	used := map[string]bool{}
	for _, id := range c.Criteria {
		one := chainLink{Criterion: link{id, q.to("/controls", "criterion", id)}}
		if i := slices.IndexFunc(q.st.report.Criteria, func(k audit.Criterion) bool { return k.ID == id }); i >= 0 {
			one.Summary = q.st.report.Criteria[i].Summary
		}
		all := q.controlsFor(id)
		for _, ctl := range c.Controls {
			if slices.Contains(all, ctl) {
				used[ctl] = true
				one.Controls = append(one.Controls, link{ctl, q.at("controls", ctl)})
			}
		}
		if len(one.Controls) == 0 {
			one.Others = &link{report.Plural(len(all), "control", "controls") + " in scope", one.Criterion.Href}
		}
		row.Chain = append(row.Chain, one)
	}
	for _, ctl := range c.Controls {
		if !used[ctl] {
			row.Extra = append(row.Extra, link{ctl, q.at("controls", ctl)})
		}
	}
	return row
}

// controlsFor are the controls in scope that name a criterion.
func (q *request) controlsFor(criterion string) (out []string) {
	for _, c := range q.st.p.Selection().Controls {
		if slices.Contains(c.Criteria, criterion) && !slices.Contains(out, c.ID) {
			out = append(out, c.ID)
		}
	}
	return out
}

func (q *request) unclaimedRow(u answer.Unclaimed) unclaimedRow {
	claims := make([]string, len(u.Claims))
	for i, c := range u.Claims {
		claims[i] = claimText(c)
	}
	what := report.Plural(u.Things, typeWord(u.Type, 1), typeWord(u.Type, 2)) + " of " + strings.TrimSpace(u.Source+" "+u.Scope)
	return unclaimedRow{
		U: u, What: typeWord(u.Type, u.Things), More: u.Things - len(u.Examples), Connector: link{u.Source, q.to("/connectors", "source", u.Source)},
		Claim:   "    claims:\n      - " + strings.Join(claims, "\n      - ") + "\n",
		Exclude: "exclusions:\n  - what: " + quoteYAML(report.Capital(what)) + "\n    why: \"\" # say why it is outside\n    claims:\n      - " + strings.Join(claims, "\n      - ") + "\n",
	}
}

// claimText is a claim as a line of YAML.
func claimText(c definition.Claim) string {
	var parts []string
	for _, k := range []struct{ key, value string }{{"type", c.Type}, {"source", c.Source}, {"id", c.ID}, {"name", c.Name}, {"account", c.Account}, {"environment", c.Environment}} {
		if k.value != "" {
			parts = append(parts, k.key+": "+quoteYAML(k.value))
		}
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// quoteYAML is s as YAML reads it back: in double quotes, with what they do not
// take escaped (YAML 1.2, 5.7).
func quoteYAML(s string) string {
	plain := s != ""
	for _, r := range s {
		plain = plain && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}
	if plain && !slices.Contains([]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(s)) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
