package web

import (
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/report"
	"tieout/report/html"
)

func (q *request) controls() error {
	v := q.URL.Query()
	want, owner, criterion, text := v.Get("state"), v.Get("owner"), v.Get("criterion"), v.Get("q")
	of := func(c *audit.Control) bool {
		return (owner == "" || c.Owner == owner) && (criterion == "" || slices.Contains(c.Criteria, criterion)) &&
			matches(text, c.ID, c.Title, c.Owner, c.Description)
	}
	data := struct {
		*page
		Filters   []stateFilter
		Groups    []controlGroup
		Untested  []audit.Control
		Why       map[string]string
		Owners    []stateFilter
		Criterion *audit.Criterion
		Text      string
		State     string
		Clear     string
	}{page: &q.page, Filters: q.filters("/controls", want), Why: q.st.report.Why, Text: text, State: want}
	state := chosen(want)
	data.Groups = q.groups(func(c *audit.ControlReport) bool { return state(c) && of(&c.Control) })
	if want == "" || want == "untested" {
		for _, c := range q.st.report.Untested {
			if of(&c) {
				data.Untested = append(data.Untested, c)
			}
		}
	}
	shown := len(data.Untested)
	for _, g := range data.Groups {
		shown += len(g.Rows)
	}
	if i := slices.IndexFunc(q.st.report.Criteria, func(k audit.Criterion) bool { return k.ID == criterion }); i >= 0 {
		data.Criterion = &q.st.report.Criteria[i]
	}
	data.Owners = q.owners(owner)
	if owner+criterion+text+want != "" {
		data.Clear = q.to("/controls")
	}
	q.Title, q.Heading, q.Wide = "Controls", "Controls", true
	q.Say = sayControls(len(q.st.report.Controls), len(q.st.report.Untested), shown, data.Clear != "")
	q.Code = []string{"tieout control list", "tieout control coverage"}
	return q.render("controls.html", data)
}

// sayControls says how many controls are in scope and how many a filter left.
func sayControls(tested, untested, shown int, filtered bool) string {
	all := tested + untested
	if all == 0 {
		return "No control is in scope."
	}
	s := fmt.Sprintf("%s in scope, %s tested here", report.Capital(report.Plural(all, "control is", "controls are")), report.OfAll(tested, all))
	if filtered {
		return s + "; " + report.Plural(shown, "is", "are") + " shown."
	}
	return s + "."
}

// owners are the people controls belong to, as filters.
func (q *request) owners(want string) []stateFilter {
	n := map[string]int{}
	for i := range q.st.report.Controls {
		n[q.st.report.Controls[i].Control.Owner]++
	}
	for _, c := range q.st.report.Untested {
		n[c.Owner]++
	}
	var out []stateFilter
	for name, k := range n {
		if name != "" {
			out = append(out, stateFilter{Word: name, N: report.Number(k), Here: name == want,
				Href: q.to("/controls", "owner", name, "state", q.URL.Query().Get("state"))})
		}
	}
	slices.SortFunc(out, func(a, b stateFilter) int { return strings.Compare(a.Word, b.Word) })
	return out
}

// A card is one control on its own screen.
type card struct {
	*page
	C          audit.Control
	Class      string
	Word       string
	Why        string // it is not tested here
	Months     any
	Criteria   []criterionLine
	Tests      []cardTest
	Deviations []finding
	MoreDevs   *link
	Gaps       []gapRow
	MoreGaps   *link
	Facts      []fact
}

type fact struct{ Name, Value string }

type criterionLine struct {
	link
	Summary string
}

type cardTest struct {
	T          any // as the report shows it
	Hash       string
	Population link
	Streams    []link
	Counts     []stateFilter
}

// few is how many findings a card lists; the list has all.
const few = 20

func (q *request) control() error {
	id := q.PathValue("id")
	for i := range q.st.report.Controls {
		if c := &q.st.report.Controls[i]; strings.EqualFold(c.Control.ID, id) {
			return q.testedControl(c)
		}
	}
	for _, c := range q.st.report.Untested {
		if strings.EqualFold(c.ID, id) {
			k := q.card(c)
			k.Class, k.Word, k.Why = "due", "Not tested here", q.st.report.Why[c.ID]
			q.Say = sayUntested(k.Why)
			return q.render("control.html", k)
		}
	}
	for _, u := range q.st.p.Selection().Outside {
		if strings.EqualFold(u.Control.ID, id) {
			return fmt.Errorf("%w: control %s is not in scope: %s", audit.ErrNotFound, u.Control.ID, u.Why)
		}
	}
	return fmt.Errorf("%w: control %q", audit.ErrNotFound, id)
}

// sayUntested says why a control in scope was not tested.
func sayUntested(why string) string {
	return "This control is in scope and was not tested here: " + strings.TrimSuffix(lower(why), ".") + "."
}

// lower is s with its first letter small, unless it begins with a name.
func lower(s string) string {
	for _, article := range []string{"A ", "An ", "No ", "The ", "Nothing "} {
		if strings.HasPrefix(s, article) {
			return strings.ToLower(s[:1]) + s[1:]
		}
	}
	return s
}

// card is what every control's screen shows, tested or not.
func (q *request) card(c audit.Control) *card {
	q.Title, q.Heading, q.Ref, q.Wide = c.ID+" "+c.Title, c.Title, c.ID, true
	q.Way = []link{{"Controls", q.to("/controls")}, {c.ID, ""}}
	q.Code = []string{"tieout control show " + c.ID}
	k := &card{page: &q.page, C: c, Months: q.st.view.Months}
	for _, id := range c.Criteria {
		one := criterionLine{link: link{id, q.to("/controls", "criterion", id)}}
		if i := slices.IndexFunc(q.st.report.Criteria, func(x audit.Criterion) bool { return x.ID == id }); i >= 0 {
			one.Summary = q.st.report.Criteria[i].Summary
		}
		k.Criteria = append(k.Criteria, one)
	}
	for _, f := range []fact{
		{"Owner", c.Owner}, {"Happens", c.Frequency}, {"Nature", nature(c.Nature)}, {"Population", c.Population}, {"What shows it", c.Evidence},
	} {
		if f.Value != "" {
			k.Facts = append(k.Facts, f)
		}
	}
	return k
}

func nature(s string) string {
	if s == "itdm" {
		return "IT-dependent manual"
	}
	return s
}

func (q *request) testedControl(c *audit.ControlReport) error {
	k := q.card(c.Control)
	k.Word = report.StateWord(c.State, q.st.reader)
	for _, g := range q.st.view.Groups {
		for _, row := range g.Rows {
			if row.ID == c.Control.ID {
				k.Class = row.Class
				for i := range row.Tests {
					k.Tests = append(k.Tests, q.cardTest(row.Tests[i], &c.Procedures[i]))
				}
			}
		}
	}
	var devs []audit.Deviation
	var gaps []audit.Gap
	for i := range c.Procedures {
		devs, gaps = append(devs, c.Procedures[i].Deviations...), append(gaps, c.Procedures[i].Gaps...)
	}
	k.Deviations, k.Gaps = q.findings(devs[:min(len(devs), few)]), q.gapRows(gaps[:min(len(gaps), few)])
	if len(devs) > few {
		k.MoreDevs = &link{"All " + report.Plural(len(devs), "finding", "findings"), q.to("/deviations", "control", c.Control.ID)}
	}
	if len(gaps) > few {
		k.MoreGaps = &link{"All " + report.Plural(len(gaps), "stretch", "stretches"), q.to("/gaps", "control", c.Control.ID)}
	}
	q.Say = sayControl(c, q.st.reader)
	return q.render("control.html", k)
}

// sayControl says where a control stands and what its tests came to.
func sayControl(c *audit.ControlReport, reader report.Reader) string {
	findings, gaps, questions := 0, 0, 0
	for i := range c.Procedures {
		findings, gaps, questions = findings+len(c.Procedures[i].Deviations), gaps+len(c.Procedures[i].Gaps), questions+len(c.Procedures[i].Questions)
	}
	var parts []string
	if findings > 0 {
		parts = append(parts, report.Plural(findings, "finding", "findings"))
	} else {
		parts = append(parts, "no finding")
	}
	if gaps > 0 {
		parts = append(parts, report.Plural(gaps, "stretch", "stretches")+" without evidence")
	}
	if questions > 0 {
		parts = append(parts, report.Plural(questions, "question", "questions")+" for a person")
	}
	return report.StateWord(c.State, reader) + ": " + report.Plural(len(c.Procedures), "test", "tests") + " ran and left " + report.List(parts) + "."
}

func (q *request) cardTest(t any, tested *audit.Tested) cardTest {
	out := cardTest{T: t, Hash: short(tested.Hash), Population: link{report.Plural(tested.Items, "item", "items"), q.at("populations", tested.Procedure)}}
	for o, n := range tested.Counts {
		if n > 0 {
			word := audit.Outcome(o).String()
			out.Counts = append(out.Counts, stateFilter{html.OutcomeClass(audit.Outcome(o)), report.Capital(word), report.Number(n), q.at("populations", tested.Procedure, "outcome", word), false})
		}
	}
	for _, s := range tested.Streams {
		out.Streams = append(out.Streams, link{html.StreamName(s.StreamKey), q.to("/connectors") + "#" + html.Anchor("s-", html.StreamName(s.StreamKey))})
	}
	return out
}

func short(hash string) string {
	hash = strings.TrimPrefix(hash, "sha256:")
	return hash[:min(len(hash), 12)]
}
