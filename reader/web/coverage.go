package web

import (
	"net/url"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/reader/answer"
	"tieout/report"
)

// A matrixGroup is a part of the matrix: criteria under one heading.
type matrixGroup struct {
	Name string
	Rows []matrixRow
}

type matrixRow struct {
	C       audit.Criterion
	Cells   []matrixCell
	Total   matrixCell
	OnlyOne bool
	Left    string      // why it does not apply, in management's words
	Offers  []wouldMeet // of the library, where it has no control
}

// A wouldMeet is a control of the library that would meet a criterion, and why it
// is not in scope.
type wouldMeet struct{ ID, Title, Why string }

// A matrixCell is a number and where it leads; without one it is empty.
type matrixCell struct {
	N, Href, Class, Strength, Group string
}

type matrixColumn struct {
	Name, Href string
}

// controlLine is one control as the list by control shows it.
type controlLine struct {
	C        answer.Met
	Group    string
	Href     string
	Class    string
	Word     string
	Criteria []link
}

type placeRow struct {
	P     answer.Place
	Class string
	Href  string
	Ways  []wayRow
}

type wayRow struct {
	W         answer.Way
	Criterion link
	N         string
}

func (q *request) coverage() error {
	q.Title, q.Heading, q.Wide = "Coverage", "Coverage", true
	v := q.URL.Query()
	switch {
	case v.Get("by") == "control":
		return q.byControl(v)
	case v.Get("by") == "coso":
		return q.matrix("", true)
	case v.Get("set") != "":
		return q.places(v.Get("set"))
	}
	return q.matrix(v.Get("show"), false)
}

// mets are the controls the reader sees, and whether they are tested here.
func (q *request) mets() []answer.Met {
	seen := map[string]bool{}
	for i := range q.st.report.Controls {
		seen[q.st.report.Controls[i].Control.ID] = true
	}
	for i := range q.st.report.Untested {
		seen[q.st.report.Untested[i].ID] = true
	}
	return slices.DeleteFunc(answer.Mets(q.st.p), func(m answer.Met) bool { return !seen[m.ID] })
}

// ways are the three faces of coverage: by criterion, by control, and other
// frameworks.
func (q *request) ways(here string) []stateFilter {
	out := []stateFilter{{Word: "By criterion", Href: q.to("/coverage"), Here: here == ""}, {Word: "By control", Href: q.to("/coverage", "by", "control"), Here: here == "control"},
		{Word: "COSO 2013", Href: q.to("/coverage", "by", "coso"), Here: here == "coso"}}
	for _, f := range answer.Frameworks(q.st.p.Def.Catalog) {
		out = append(out, stateFilter{Word: f.Name, Href: q.to("/coverage", "set", f.ID), Here: here == f.ID})
	}
	return out
}

// matrix shows which controls meet which criteria, in the standard's order, or
// those that follow COSO's principles, in the order of these.
func (q *request) matrix(show string, coso bool) error {
	m := answer.MatrixOf(q.st.p.Def.Criteria(), q.mets(), q.st.p.Def.LeftOut)
	none, one := m.Count()
	data := struct {
		*page
		Ways, Filters []stateFilter
		Counts        []stateFilter // criteria with a control, by category and by group
		Columns       []matrixColumn
		Groups        []matrixGroup
		Any, COSO     bool
		File, Add     string // what to add to which file for a control
		AddSay        string // what that does, where it is more than one control
		Warn          string // of criteria nobody decided on
	}{page: &q.page, Ways: q.ways(cosoWay(coso)), Any: len(m.Groups) > 0, COSO: coso, Counts: q.metCounts(m)}
	data.File, data.Add, data.AddSay = q.addControl()
	if q.st.whole() == q.st {
		data.Warn = answer.SayUndecided(m.Undecided())
	}
	untested := 0
	for _, r := range m.Rows {
		if r.Total.Controls > 0 && r.Total.Tested == 0 {
			untested++
		}
		if !coso && kept(show, r) {
			data.Groups = addRow(data.Groups, r.Criterion, q.matrixRow(m, r))
		}
	}
	if coso {
		data.Groups = q.byPrinciple(m)
	}
	for _, g := range m.Groups {
		data.Columns = append(data.Columns, matrixColumn{g.Name, q.to("/coverage", "by", "control", "group", g.ID)})
	}
	for _, f := range []struct {
		show, word string
		n          int
	}{{"", "All", len(m.Rows)}, {"none", "No control", none}, {"one", "Only one control", one}, {"untested", "Not tested here", untested}} {
		if !coso && (f.n > 0 || f.show == show) {
			data.Filters = append(data.Filters, stateFilter{Word: f.word, N: report.Number(f.n), Href: q.to("/coverage", "show", f.show), Here: f.show == show})
		}
	}
	q.Say = q.ofYours() + m.Sentence()
	if coso {
		q.Say = q.ofYours() + sayPrinciples(data.Groups)
	}
	q.Code = []string{"tieout control coverage"}
	return q.render("coverage.html", data)
}

// ofYours opens a sentence that speaks of a part of the controls only.
func (q *request) ofYours() string {
	if q.st.whole() == q.st {
		return ""
	}
	return "Of the controls you may read: "
}

// kept reports whether a filter of that name shows a row; an unknown one shows
// all.
func kept(show string, r answer.MatrixRow) bool {
	switch show {
	case "none":
		return r.Total.Controls == 0 && r.Left == ""
	case "one":
		return r.Total.Controls == 1
	case "untested":
		return r.Total.Controls > 0 && r.Total.Tested == 0
	}
	return true
}

// addRow puts a row under its heading; those without a control have their own.
func addRow(groups []matrixGroup, c audit.Criterion, row matrixRow) []matrixGroup {
	name := c.Group + " " + c.GroupName
	switch {
	case row.Total.N == "" && row.Left != "":
		name = "Said not to apply"
	case row.Total.N == "":
		name = "No control"
	}
	if n := len(groups); n == 0 || groups[n-1].Name != name {
		groups = append(groups, matrixGroup{Name: name})
	}
	groups[len(groups)-1].Rows = append(groups[len(groups)-1].Rows, row)
	return groups
}

func (q *request) matrixRow(m answer.Matrix, r answer.MatrixRow) matrixRow {
	row := matrixRow{C: r.Criterion, OnlyOne: r.Total.Controls == 1, Left: r.Left}
	if r.Total.Controls == 0 && r.Left == "" && q.st.whole() == q.st {
		row.Offers = q.couldMeet(r.Criterion.ID)
	}
	row.Total = cell(r.Total, "", q.to("/controls", "criterion", r.Criterion.ID))
	for i, c := range r.Cells {
		g := m.Groups[i]
		row.Cells = append(row.Cells, cell(c, g.Name, q.to("/coverage", "by", "control", "criterion", r.Criterion.ID, "group", g.ID)))
	}
	return row
}

// couldMeet are the controls of the library that would meet a criterion.
func (q *request) couldMeet(criterion string) (out []wouldMeet) {
	for _, u := range q.st.p.Selection().Outside {
		if slices.Contains(u.Control.Criteria, criterion) {
			out = append(out, wouldMeet{u.Control.ID, u.Control.Title, u.Why})
		}
	}
	return out
}

// addControl is the text that takes a control of the library in, and the file it
// goes into. Without files in controls/ the first one has to keep all others.
func (q *request) addControl() (file, text, say string) {
	for _, f := range q.st.p.Def.Files {
		if strings.HasPrefix(f.Path, "controls/") {
			return f.Path, "controls:\n  - use: ", ""
		}
	}
	return "controls/starter.yaml", "use: starter\n", "which takes in every control of the library for your categories, tested or not"
}

func cell(c answer.Cell, group, href string) matrixCell {
	if c.Controls == 0 {
		return matrixCell{}
	}
	class := "part"
	switch c.Tested {
	case c.Controls:
		class = "all"
	case 0:
		class = "none"
	}
	return matrixCell{report.Number(c.Controls), href, class, c.Strength(), group}
}

// byControl reads the matrix the other way: controls, and the criteria each
// meets; of a place of another framework, those that are tied to it.
func (q *request) byControl(v url.Values) error {
	criterion, group, place := v.Get("criterion"), v.Get("group"), v.Get("place")
	tied, err := q.tiedTo(v.Get("set"), place)
	if err != nil {
		return err
	}
	data := struct {
		*page
		Ways      []stateFilter
		Rows      []controlLine
		Criterion *audit.Criterion
		Clear     string
	}{page: &q.page, Ways: q.ways("control")}
	all := q.mets()
	pairs := 0
	for _, c := range all {
		g := answer.GroupOf(c.ID)
		if criterion != "" && !slices.Contains(c.Criteria, criterion) || group != "" && g.ID != group || place != "" && !tied[c.ID] {
			continue
		}
		row := controlLine{C: c, Group: g.Name, Href: q.at("controls", c.ID), Class: "none", Word: "Not tested here", Criteria: q.criterionLinks(c.Criteria)}
		if c.Tested {
			row.Class, row.Word = "ok", "Tested here"
		}
		pairs += len(c.Criteria)
		data.Rows = append(data.Rows, row)
	}
	if i := slices.IndexFunc(q.st.p.Def.Criteria(), func(k audit.Criterion) bool { return k.ID == criterion }); i >= 0 {
		k := q.st.p.Def.Criteria()[i]
		data.Criterion = &k
	}
	if criterion+group+place != "" {
		data.Clear = q.to("/coverage", "by", "control")
	}
	q.Say = sayByControl(len(all), len(data.Rows), pairs, data.Clear != "")
	q.Code = []string{"tieout control coverage", "tieout control list"}
	return q.render("bycontrol.html", data)
}

// tiedTo are the controls that the library ties to a place of a framework; nil
// where none is asked for.
func (q *request) tiedTo(set, place string) (map[string]bool, error) {
	if place == "" {
		return nil, nil
	}
	_, places, err := answer.Places(q.st.p.Def.Catalog, set, q.st.p.Def.Criteria(), q.mets())
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, p := range places {
		if p.Ref != place {
			continue
		}
		for _, w := range p.Ways {
			for _, c := range w.Controls {
				out[c] = true
			}
		}
	}
	return out, nil
}

// sayByControl says how many controls meet how many criteria between them.
func sayByControl(all, shown, pairs int, filtered bool) string {
	if all == 0 {
		return "No control is in scope."
	}
	if filtered {
		return report.Capital(report.OfAll(shown, all)) + " controls " + isAre(shown) + " shown."
	}
	return report.Plural(all, "control meets criteria", "controls meet criteria") + ", " + report.Plural(pairs, "link", "links") + " in all."
}

// isAre is the verb of so many things.
func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// places shows another framework by way of the library's mapping.
func (q *request) places(set string) error {
	f, places, err := answer.Places(q.st.p.Def.Catalog, set, q.st.p.Def.Criteria(), q.mets())
	if err != nil {
		return err
	}
	want := q.URL.Query().Get("strength")
	data := struct {
		*page
		Ways, Filters []stateFilter
		F             answer.Framework
		Rows          []placeRow
		Pager         pager
	}{page: &q.page, Ways: q.ways(f.ID), F: f}
	data.Filters = q.strengths(f, places, want)
	shown := slices.DeleteFunc(slices.Clone(places), func(p answer.Place) bool { return want != "" && slug(p.Strength) != want })
	from := q.from(len(shown))
	for _, p := range shown[from:min(len(shown), from+pageLength)] {
		data.Rows = append(data.Rows, q.placeRow(f.ID, p))
	}
	data.Pager = q.pager("/coverage", from, len(shown), "set", f.ID, "strength", want)
	q.Say = answer.PlacesSentence(f, places)
	q.Way = []link{{"Coverage", q.to("/coverage")}, {f.Name, ""}}
	q.Code = []string{"tieout control coverage"}
	return q.render("places.html", data)
}

func slug(s answer.Strength) string { return strings.ReplaceAll(s.String(), " ", "-") }

var strengthClasses = map[answer.Strength]string{answer.Covers: "all", answer.InPart: "part", answer.Related: "none", answer.Untied: "untied"}

func (q *request) strengths(f answer.Framework, places []answer.Place, want string) []stateFilter {
	n := map[answer.Strength]int{}
	for _, p := range places {
		n[p.Strength]++
	}
	out := []stateFilter{{Word: "All", N: report.Number(len(places)), Href: q.to("/coverage", "set", f.ID), Here: want == ""}}
	for _, s := range []answer.Strength{answer.Untied, answer.Related, answer.InPart, answer.Covers} {
		if n[s] > 0 || slug(s) == want {
			out = append(out, stateFilter{Word: report.Capital(s.String()), N: report.Number(n[s]), Href: q.to("/coverage", "set", f.ID, "strength", slug(s)), Here: slug(s) == want})
		}
	}
	return out
}

func (q *request) placeRow(set string, p answer.Place) placeRow {
	row := placeRow{P: p, Class: strengthClasses[p.Strength], Href: q.to("/coverage", "by", "control", "set", set, "place", p.Ref)}
	for _, w := range p.Ways {
		row.Ways = append(row.Ways, wayRow{w, link{w.Criterion, q.to("/controls", "criterion", w.Criterion)}, report.Plural(len(w.Controls), "control", "controls")})
	}
	return row
}
