package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

// A gridChoice is one result a cell can be given, and the key that gives it.
type gridChoice struct {
	Mark    engagement.Mark
	Key     int
	Checked bool
}

// A gridTyped is what was typed for one attribute and not kept.
type gridTyped struct {
	Mark      engagement.Mark
	Note, Why string
}

// A gridResult is one attribute of the open item, with its form.
type gridResult struct {
	engagement.Attribute
	Mark          engagement.Mark
	Class         string
	Note, Why, By string // of the mark there is
	At            string
	Earlier       []string
	Base          int64
	Here          bool
	Choices       []gridChoice
	Typed         gridTyped
	Focus         string // "note" or "why": what is still needed
	Computed      string // in words: what the client's procedure says, or when that is shown
	Outcome       string
	Differs       bool
	Explained     string
	Pattern       string
	Finding       link
}

// A gridItem is the item that is open, with its evidence.
type gridItem struct {
	N, Of            int
	ID, Label, When  string
	Facts            [][2]string
	Records          []string
	Run, Population  string
	Packet           link
	Opened, Unopened string // since when, or why that is not recorded
	Void             string
	Missing          bool // the population does not hold it
	Results          []gridResult
	Hidden           int // computed outcomes of it that can be shown
	Differ           []gridResult
	At               string
	Single           bool // the test has no items
}

// A gridView is the page of a workpaper.
type gridView struct {
	*page
	Base, Engagement, Client string
	T                        fieldwork.Test
	Control                  audit.Control
	There, Closed            bool
	Why                      string // why nothing can be done here
	Rows                     []gridRow
	Items                    bool // it is performed on items
	Item                     *gridItem
	Moves                    gridMoves
	Progress                 string
	Pops                     []gridSource
	Samples                  []gridSource
	Behind, Retire           []string
	RetireWhy                string
	Known, KnownOpen         int
	Excepted                 int // cells marked Exception
	Hidden                   int
	Files                    []gridAttached
	Openings                 []fieldwork.Standing
	Candidates, Empties      []picked
	Sign                     gridSigning
	Together                 int // items of the reader's that can be marked together
	Described                []string
	OfDC                     bool // it is a test of the description
	Tests                    testsBeside
	Concludes                string // address of the conclusion it is for
}

// gridMoves are where keys lead from here.
type gridMoves struct{ Up, Down, Left, Right, Next string }

// A gridSource is a population or a sample in a few facts.
type gridSource struct {
	ID, Title, Href string
	Facts           [][2]string
	Lines           []string
}

type gridAttached struct{ Name, Size, By, At, Href string }

// gridTest shows a workpaper. Opening an item of it is recorded, for whoever may
// mark it.
func (q *request) gridTest() error { return q.gridShow(nil, "") }

// gridShow shows the workpaper with what was typed so far, by attribute.
func (q *request) gridShow(typed map[string]gridTyped, focus string) error {
	g, err := q.gridTake()
	if err != nil {
		return err
	}
	at := q.URL.Query()
	if typed != nil {
		at = q.PostForm
	}
	row, attribute, open := g.place(at)
	if !open {
		row, attribute = -1, 0
	}
	unopened := ""
	if open {
		unopened = q.gridOpened(g, g.rows[row])
	}
	items, err := q.gridItems(g)
	if err != nil {
		return err
	}
	g.fill(row, attribute, items)
	v := q.gridView(g, row, attribute)
	if open {
		v.Item = q.gridItemOf(g, row, attribute, items, typed, focus)
		v.Item.Unopened = unopened
		if err := q.gridPatterns(g, v.Item); err != nil {
			return err
		}
	}
	return q.render("grid-test.html", v)
}

// gridOpened records that who is signed in has an item's evidence before them,
// and says why it is not recorded where it is not. What another site leads to
// records nothing.
func (q *request) gridOpened(g *gridLook, r gridRow) string {
	_, done := g.opened[r.ID]
	switch site := q.Header.Get("Sec-Fetch-Site"); {
	case g.closed != "":
		return g.closed
	case done || r.Void != "" || q.Method == http.MethodHead: // who asks for the head alone sees nothing
		return ""
	case site == "cross-site" || q.Header.Get("Sec-Purpose") != "":
		return "Open it from the grid."
	}
	if err := q.files.OpenItem(q.Context(), q.who, g.terms.ID, g.test.ID, r.ID); err != nil {
		return refusalOf(err)
	}
	g.opened[r.ID] = q.now()
	return ""
}

// gridItems are the items of the grid as they were frozen.
func (q *request) gridItems(g *gridLook) (map[string]engagement.Item, error) {
	out := map[string]engagement.Item{}
	for _, p := range g.pops {
		var want []string
		for _, s := range g.samples {
			for _, r := range s.Replaced {
				want = append(want, r.Item)
			}
			if s.Population == p.ID {
				want = append(want, s.Items...)
			}
		}
		if len(want) == 0 {
			continue
		}
		got, err := q.s.grids.items(q.Context(), q.files, q.who, g.terms.ID, p, want)
		if err != nil {
			return nil, err
		}
		for id, it := range got {
			out[id] = it
		}
	}
	return out, nil
}

func (q *request) gridView(g *gridLook, row, attribute int) *gridView {
	done, of, exceptions := g.done()
	items := g.test.Population
	v := &gridView{page: &q.page, Base: gridBase(g.terms.ID, g.test.ID), Engagement: g.terms.ID, Client: g.terms.Client.Name, T: g.test, Control: g.control, There: g.there,
		Closed: g.closed != "", Why: g.closed, Rows: g.rows, Items: items && !g.emptyRow(), Behind: g.behind, Retire: g.retire, RetireWhy: q.PostForm.Get("why"), Known: g.known, KnownOpen: g.knownOpen, Excepted: len(g.excepted), Hidden: len(g.hidden),
		Openings: g.openings, Candidates: g.candidates, Empties: g.empties, Sign: g.signing}
	signed := ""
	if g.signing.Reviewed {
		signed = g.signing.ReviewedBy
	}
	v.Progress = sayGrid(g.there, v.Items || !g.there && items, done, of, exceptions, g.signing.Version, signed)
	q.Title, q.Heading, q.Ref, q.Say, q.Wide = g.test.ID+" "+g.control.Title, cmp.Or(g.control.Title, g.test.Control), g.test.ID, v.Progress, true
	q.Way = []link{{g.terms.ID, q.at("engagements", g.terms.ID)}, {g.test.ID, ""}}
	v.Moves = g.moves(row, attribute)
	v.Described, v.Tests, v.Concludes = g.described, g.tests, concludeHref(g.terms.ID, concludedBy(g.test))
	v.OfDC = strings.HasPrefix(concludedBy(g.test), fieldwork.OnDC+":")
	q.Rail = append(q.Rail, g.tests.rail())
	for _, p := range g.pops {
		v.Pops = append(v.Pops, q.gridPopSource(g, p))
	}
	for _, s := range g.samples {
		v.Samples = append(v.Samples, q.gridSampleSource(g, s))
	}
	for _, a := range g.attached {
		v.Files = append(v.Files, gridAttached{a.Name, firmBytes(a.Size), q.name(a.By), report.Moment(a.At, g.zone()), v.Base + "/files/" + a.Digest})
	}
	for _, r := range g.rows {
		if r.Opened && r.Void == "" && slices.ContainsFunc(r.Cells, func(c gridCell) bool { return c.Word == string(engagement.ToTest) }) {
			v.Together++
		}
	}
	return v
}

// emptyRow reports whether the one row is not an item's.
func (g *gridLook) emptyRow() bool { return len(g.ids) == 1 && g.ids[0] == "" }

// moves are the cells around a place; from nowhere all lead to the first.
func (g *gridLook) moves(row, attribute int) (m gridMoves) {
	if len(g.rows) == 0 {
		return m
	}
	if row < 0 {
		row, attribute = 0, -1
		m.Down = g.href(0, 0)
	}
	if r, a, ok := g.next(row, attribute); ok {
		m.Next = g.href(r, a)
	}
	if attribute < 0 {
		return m
	}
	last := len(g.attributes()) - 1
	if row > 0 {
		m.Up = g.href(row-1, attribute)
	}
	if row < len(g.rows)-1 {
		m.Down = g.href(row+1, attribute)
	}
	if attribute > 0 {
		m.Left = g.href(row, attribute-1)
	}
	if attribute < last {
		m.Right = g.href(row, attribute+1)
	}
	return m
}

func (q *request) gridPopSource(g *gridLook, p fieldwork.Population) gridSource {
	out := gridSource{ID: p.ID, Title: fmt.Sprintf("%s of %s, %s", report.Plural(p.Count, "item", "items"), p.Title, report.Days(p.Window, g.zone())), Href: gridPopHref(g.terms.ID, p.ID)}
	for _, c := range p.Checks {
		out.Lines = append(out.Lines, gridReconciled(c))
	}
	accepted := "not accepted"
	if p.Accepted {
		accepted = "accepted by " + q.name(p.AcceptedBy)
	}
	out.Facts = [][2]string{{"Frozen", report.Moment(p.Freeze.At, g.zone()) + " by the client, before sampling"}, {"Word", report.Capital(accepted)}}
	return out
}

// gridReconciled is one line of completeness, in words.
func gridReconciled(c engagement.Reconciled) string {
	words := fmt.Sprintf("%s: %s here, %s there.", report.Capital(c.What), c.Here, c.There)
	if c.Explained != "" {
		words += " " + sentence(c.Explained)
	}
	return words
}

func (q *request) gridSampleSource(g *gridLook, s fieldwork.Sample) gridSource {
	out := gridSource{ID: s.ID, Title: fmt.Sprintf("%s, %s", report.Plural(len(s.Items), "item", "items"), gridMethodWords[s.Method]), Href: gridSampleHref(g.terms.ID, s.ID)}
	out.Facts = append(out.Facts, [2]string{"Basis", report.Capital(s.Basis)})
	if len(s.Draws) == 1 {
		out.Facts = append(out.Facts, [2]string{"Seed", s.Draws[0].Seed[:16] + "…"})
	} else if len(s.Draws) > 1 {
		out.Facts = append(out.Facts, [2]string{"Seeds", report.Plural(len(s.Draws), "stratum", "strata")})
	}
	released := "Not released"
	if !s.Released.IsZero() {
		released = "Item list, since " + report.Moment(s.Released, g.zone())
	}
	out.Facts = append(out.Facts, [2]string{"Drawn", report.Moment(s.At, g.zone()) + " by " + q.name(s.By)}, [2]string{"Client sees", released})
	return out
}

// gridMethodWords say how items were picked.
var gridMethodWords = map[engagement.Method]string{
	engagement.Random: "drawn at random", engagement.Systematic: "drawn systematically", engagement.Stratified: "drawn by stratum",
	engagement.Judgmental: "picked by judgment", engagement.EveryItem: "all there are",
}

// gridItemOf is the open item with its evidence and its form.
func (q *request) gridItemOf(g *gridLook, row, attribute int, items map[string]engagement.Item, typed map[string]gridTyped, focus string) *gridItem {
	r := g.rows[row]
	it, found := items[r.ID]
	out := &gridItem{N: row + 1, Of: len(g.rows), ID: r.ID, Label: it.Label, Void: r.Void, At: g.attributes()[attribute].Name, Single: r.ID == "", Missing: !found && r.ID != ""}
	if at := g.opened[r.ID]; !at.IsZero() {
		out.Opened = report.Moment(at, g.zone())
	}
	q.gridEvidence(g, it, out)
	for i, a := range g.attributes() {
		c := fieldwork.Cell{Item: r.ID, Attribute: a.Name}
		x := q.gridResultOf(g, c, a)
		x.Here = i == attribute
		x.Typed = typed[a.Name]
		if focus != "" && x.Here {
			x.Focus = focus
		}
		for key, m := range gridMarks {
			x.Choices = append(x.Choices, gridChoice{m, key + 1, m == cmp.Or(x.Typed.Mark, x.Mark)})
		}
		if g.hidden[c] {
			out.Hidden++
		}
		if out.Results = append(out.Results, x); x.Differs {
			out.Differ = append(out.Differ, x)
		}
	}
	return out
}

// gridEvidence is what is known of an item: its line of the frozen population, and
// where that came from.
func (q *request) gridEvidence(g *gridLook, it engagement.Item, out *gridItem) {
	if !it.At.IsZero() {
		out.When = report.Moment(it.At, g.zone())
	}
	if it.Stratum != "" {
		out.Facts = append(out.Facts, [2]string{"Stratum", it.Stratum})
	}
	for _, n := range it.Records {
		out.Records = append(out.Records, audit.EvidenceRef(n))
	}
	for _, p := range g.pops {
		if !slices.ContainsFunc(g.samples, func(s fieldwork.Sample) bool { return s.Population == p.ID && slices.Contains(s.Items, out.ID) }) {
			continue
		}
		for i, column := range p.Columns {
			if i < len(it.Values) && it.Values[i] != "" {
				out.Facts = append(out.Facts, [2]string{report.Capital(column), it.Values[i]})
			}
		}
		out.Population = fmt.Sprintf("%s, round %s, entry %s of the client's log, %s", p.ID, p.Round, audit.EvidenceRef(p.Freeze.Index), report.Moment(p.Freeze.At, g.zone()))
		out.Packet = link{audit.EvidenceRef(p.Packet), gridPopHref(g.terms.ID, p.ID)}
		if p.Run >= 0 {
			out.Run = audit.EvidenceRef(p.Run)
		}
		return
	}
}

func (q *request) gridResultOf(g *gridLook, c fieldwork.Cell, a engagement.Attribute) gridResult {
	x := gridResult{Attribute: a, Mark: engagement.ToTest, Base: g.bases[c]}
	if m, ok := g.marks[c]; ok {
		x.Mark, x.Note, x.Why, x.By, x.At = m.Mark, m.Note, m.Why, q.name(m.By), report.Moment(m.At, g.zone())
		for _, was := range m.Earlier {
			x.Earlier = append(x.Earlier, fmt.Sprintf("%s, %s by %s", was.Mark, report.Moment(was.At, g.zone()), q.name(was.By)))
		}
	}
	x.Class = gridStates[x.Mark]
	if n := g.covered[c]; n != "" {
		x.Finding = link{n, gridFindingHref(g.terms.ID, n)}
	}
	if a.Procedure == "" || c.Item == "" {
		return x
	}
	r, shown := g.revealed[c]
	switch {
	case shown:
		x.Outcome, x.Explained = r.Outcome, r.Explained
		x.Differs = slices.Contains(g.differ, c)
		x.Computed = fmt.Sprintf("The client's test %s came to: %s.", a.Procedure, cmp.Or(r.Outcome, "nothing for this item"))
	case g.hidden[c]:
		x.Computed = fmt.Sprintf("What the client's test %s came to can be shown now.", a.Procedure)
	default:
		x.Computed = fmt.Sprintf("What the client's test %s came to is shown after your own mark.", a.Procedure)
	}
	return x
}

// gridInline is how large a population may be for its patterns to be counted while
// a page is made; of larger ones they are counted where they are asked for.
const gridInline = 50_000

// gridPatterns counts over the whole population what was found in an item and is
// known there, of attributes whose computed outcome was shown.
func (q *request) gridPatterns(g *gridLook, it *gridItem) error {
	for i := range it.Results {
		x := &it.Results[i]
		if x.Mark != engagement.Exception || x.Outcome != audit.Deviated.String() && x.Outcome != audit.Late.String() {
			continue
		}
		if slices.ContainsFunc(g.pops, func(p fieldwork.Population) bool { return p.Count > gridInline }) && q.URL.Query().Get("count") != x.Name {
			continue
		}
		p, err := q.files.SamePattern(q.Context(), q.who, g.terms.ID, g.test.ID, x.Name, x.Outcome)
		if err != nil {
			return err
		}
		x.Pattern = fmt.Sprintf("Same pattern in %s of %s.", report.Number(p.Count), report.Plural(p.Of, "item", "items"))
		if p.Query != "" {
			x.Pattern += " Counted: " + p.Query + "."
		}
	}
	return nil
}

// gridSteps are what happened to a file's object, with who and when.
func (q *request) gridSteps(list []fieldwork.Step, zone *time.Location) (out []step) {
	for _, s := range list {
		out = append(out, step{When: report.Moment(s.At, zone), Who: q.name(s.By), What: report.Capital(s.What)})
	}
	return out
}

// gridMay reports whether who is signed in may do that on this engagement.
func (q *request) gridMay(right access.PermissionID) bool {
	return q.may(right, ofEngagement(q.PathValue("id")))
}

// gridHas reports whether a text says something.
func gridHas(s string) bool { return strings.TrimSpace(s) != "" }

// A gridPair is a page and the item open on it, for a part of a template.
type gridPair struct {
	Page *gridView
	Item *gridItem
}

func gridBoth(p *gridView, it *gridItem) gridPair { return gridPair{p, it} }

// gridSecond reports whether who is signed in may review what others prepared, or
// where they show again first who they are.
func (q *request) gridSecond(prepared []string) (may bool, again string) {
	o := ofEngagement(q.PathValue("id"))
	if o.Prepared = prepared; len(prepared) == 0 {
		return false, ""
	}
	if may = q.may("workpaper.review", o); may {
		return true, ""
	}
	fresh := q.who
	if fresh.Fresh = true; access.Require(fresh, "workpaper.review", o) == nil {
		return false, toAgain(q.gridOr())
	}
	return false, ""
}

// gridOr is the page that is looked at, also where a form was sent to it.
func (q *request) gridOr() string {
	if q.Method == "GET" {
		return q.URL.RequestURI()
	}
	return q.at("engagements", q.PathValue("id"))
}
