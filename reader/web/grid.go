package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/describe"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

var gridRoutes = []route{
	{pattern: "GET /engagements/{id}/tests/{test}", needs: "workpaper.read", on: theEngagement, do: (*request).gridTest},
	{pattern: "POST /engagements/{id}/tests/{test}/open", needs: "test.mark", on: theEngagement, do: (*request).gridOpen},
	{pattern: "POST /engagements/{id}/tests/{test}/extend", needs: "test.mark", on: theEngagement, do: (*request).gridExtend},
	{pattern: "POST /engagements/{id}/tests/{test}/retire", needs: "test.mark", on: theEngagement, do: (*request).gridRetire},
	{pattern: "POST /engagements/{id}/tests/{test}/mark", needs: "test.mark", on: theEngagement, do: (*request).gridMark},
	{pattern: "GET /engagements/{id}/tests/{test}/together", needs: "test.mark", on: theEngagement, do: (*request).gridTogether},
	{pattern: "POST /engagements/{id}/tests/{test}/together", needs: "test.mark", on: theEngagement, do: (*request).gridMarkTogether},
	{pattern: "POST /engagements/{id}/tests/{test}/reveal", needs: "test.mark", on: theEngagement, do: (*request).gridReveal},
	{pattern: "POST /engagements/{id}/tests/{test}/explain", needs: "test.mark", on: theEngagement, do: (*request).gridExplain},
	{pattern: "POST /engagements/{id}/tests/{test}/files", needs: "test.mark", on: theEngagement, do: (*request).gridAttach},
	{pattern: "GET /engagements/{id}/tests/{test}/files/{digest}", needs: "workpaper.read", on: theEngagement, do: (*request).gridFile},
}

// gridMarks are the results a cell can have, by the key that gives them.
var gridMarks = []engagement.Mark{engagement.NoException, engagement.Exception, engagement.NotApplicable, engagement.UnableToTest}

// gridLooks are how a mark looks: its class, and its sign in a cell.
var gridLooks = map[engagement.Mark][2]string{
	engagement.ToTest: {"o", "·"}, engagement.NoException: {"y", "✓"}, engagement.Exception: {"x", "✗"},
	engagement.NotApplicable: {"na", "n/a"}, engagement.UnableToTest: {"u", "?"},
}

// gridStates are how results look as words of state.
var gridStates = map[engagement.Mark]string{
	engagement.ToTest: "due", engagement.NoException: "", engagement.Exception: "dev", engagement.NotApplicable: "none", engagement.UnableToTest: "gap",
}

// A gridCell is one attribute of one item in the grid.
type gridCell struct {
	Attribute, Word, Class, Sign, Href string
	Here                               bool
}

// A gridRow is one item of the grid.
type gridRow struct {
	N                     int
	ID, Label, When, Href string
	Void                  string // it was replaced, or retired with its sample, and why
	Retired               bool
	Cells                 []gridCell
	Word, Class           string
	Here, Opened          bool
}

// A gridLook is a workpaper as one page shows it: copied from the firm's file, so
// that it can be kept while the page is made.
type gridLook struct {
	terms      engagement.Terms
	test       fieldwork.Test
	control    audit.Control
	there      bool // the workpaper is open
	rows       []gridRow
	ids        []string
	marks      map[fieldwork.Cell]fieldwork.Marked
	bases      map[fieldwork.Cell]int64
	opened     map[string]time.Time // by who is signed in
	revealed   map[fieldwork.Cell]fieldwork.Revealed
	hidden     map[fieldwork.Cell]bool // computed outcomes that can be shown
	covered    map[fieldwork.Cell]string
	untested   int
	excepted   []fieldwork.Cell
	differ     []fieldwork.Cell
	pops       []fieldwork.Population
	samples    []fieldwork.Sample
	attached   []fieldwork.Attachment
	closed     string   // why who is signed in cannot work on it; "": they can
	behind     []string // samples with items that are no rows
	retire     []string // samples whose population was frozen again, with a sample of the later freeze here
	signing    gridSigning
	known      int
	knownOpen  int
	openings   []fieldwork.Standing
	candidates []picked // samples it can be opened with
	empties    []picked // populations without an item
	described  []string // what management's description says, of a test of it
	tests      testsBeside
}

func (g *gridLook) attributes() []engagement.Attribute { return g.test.Attributes }

// zone is where the client's days are counted.
func (g *gridLook) zone() *time.Location {
	loc, err := time.LoadLocation(g.terms.Zone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// gridBase is the address of a test's workpaper.
func gridBase(id, test string) string {
	return "/engagements/" + url.PathEscape(id) + "/tests/" + url.PathEscape(test)
}

// gridTake reads a test's workpaper for who is signed in.
func (q *request) gridTake() (*gridLook, error) {
	g := &gridLook{}
	err := q.files.ReadFile(q.Context(), q.PathValue("id"), func(s *fieldwork.State, f *fieldwork.File) error {
		t := f.Tests[q.PathValue("test")]
		if t == nil {
			return fmt.Errorf("%w: test %q of %s", audit.ErrNotFound, q.PathValue("test"), f.Terms.ID)
		}
		g.terms, g.test = f.Terms, *t
		q.gridFrame(f, "/plan")
		g.control = gridControl(f, t)
		for _, dc := range t.Criteria {
			g.described = append(g.described, describedIn(f, dc)...)
		}
		g.tests = firmTestsBeside(f, t.ID)
		if err := f.MayWork(q.gridEntry()); err != nil {
			g.closed = refusalOf(err)
		} else if !q.may("test.mark", access.Object{Engagements: []string{f.Terms.ID}}) {
			g.closed = "Your role reads this file and marks nothing in it."
		}
		if p := f.Papers[t.ID]; p != nil {
			g.takePaper(s, f, p, t, q.who.Account)
			g.signing = q.gridSigningOf(s, f, p, t)
		} else {
			g.takeOpening(s, f, t, q.now())
		}
		return nil
	})
	return g, err
}

// gridEntry is what the next act of who is signed in would be signed with.
func (q *request) gridEntry() book.Entry {
	return book.Entry{By: audit.Actor{Kind: audit.ActorPerson, Name: q.who.Account}, At: q.now()}
}

// refusalOf is why an act is refused, in words for a page.
func refusalOf(err error) string {
	words := err.Error()
	for _, kind := range []error{audit.ErrInvalid, audit.ErrConflict, audit.ErrForbidden, audit.ErrNotFound} {
		words = strings.TrimPrefix(words, kind.Error()+": ")
	}
	return sentence(words)
}

// gridControl is the revision of a control that a test is of.
func gridControl(f *fieldwork.File, t *fieldwork.Test) audit.Control {
	out := audit.Control{ID: t.Control}
	if len(t.Criteria) > 0 && describe.Titles[t.Criteria[0]] != "" { // of the description, and of no control
		out.Title = t.Criteria[0] + ", " + describe.Titles[t.Criteria[0]]
		return out
	}
	if f.Controls == nil {
		return out
	}
	for _, c := range f.Controls.Controls {
		if c.ID == t.Control && (out.Title == "" || c.Effective.From <= t.Version || t.Version == "") {
			out = c
		}
	}
	return out
}

func (g *gridLook) takePaper(s *fieldwork.State, f *fieldwork.File, p *fieldwork.Paper, t *fieldwork.Test, who string) {
	g.there, g.ids, g.attached = true, slices.Clone(p.Rows), slices.Clone(p.Attached)
	g.marks, g.bases, g.opened = map[fieldwork.Cell]fieldwork.Marked{}, map[fieldwork.Cell]int64{}, map[string]time.Time{}
	g.revealed, g.hidden, g.covered = map[fieldwork.Cell]fieldwork.Revealed{}, map[fieldwork.Cell]bool{}, map[fieldwork.Cell]string{}
	for i, id := range p.Rows {
		g.rows = append(g.rows, gridRow{N: i + 1, ID: id, Void: p.Void[id], Retired: p.Void[id] != "" && slices.ContainsFunc(p.Retired, func(r fieldwork.Retired) bool { return slices.Contains(r.Rows, id) })})
		for _, a := range t.Attributes {
			c := fieldwork.Cell{Item: id, Attribute: a.Name}
			g.bases[c] = s.Revision(fieldwork.CellOn(f.Terms.ID, t.ID, c))
			if m := p.Cells[c]; m != nil {
				g.marks[c] = *m
			}
			if r := p.Revealed[c]; r != nil {
				g.revealed[c] = *r
			}
		}
		if at := p.Opened[who][id]; !at.IsZero() {
			g.opened[id] = at
		}
	}
	for _, c := range p.Hidden(t) {
		g.hidden[c] = true
	}
	for _, x := range book.Sorted(f.Findings) {
		for _, c := range x.Cells {
			if x.Test == t.ID {
				g.covered[c] = x.ID
			}
		}
	}
	g.untested, g.excepted, g.differ = len(p.Untested(t)), p.Excepted(t), p.Differences(t)
	g.takeSources(f, p)
	if p.Reviewed != nil {
		g.closed = fmt.Sprintf("Version %d is signed off. It is reopened before anything in it changes.", p.Version)
	}
}

// takeSources copies the samples and populations a workpaper rests on.
func (g *gridLook) takeSources(f *fieldwork.File, p *fieldwork.Paper) {
	seen := map[string]bool{}
	add := func(id string) {
		if x := f.Populations[id]; x != nil && !seen[id] {
			seen[id] = true
			g.pops = append(g.pops, *x)
		}
	}
	for _, id := range p.Samples {
		if x := f.Samples[id]; x != nil {
			g.samples = append(g.samples, *x)
			add(x.Population)
		}
	}
	add(p.Empty)
	for _, x := range book.Sorted(f.Samples) {
		if o := f.Populations[x.Population]; o == nil || o.Superseded != "" {
			continue // its rows are added no more
		}
		if x.Control == g.test.Control && slices.ContainsFunc(x.Items, func(it string) bool { return !slices.Contains(p.Rows, it) || p.Void[it] != "" }) && len(p.Samples)+len(p.Empty) > 0 {
			g.behind = append(g.behind, x.ID)
		}
	}
	if again := f.FrozenAgain(p); len(again) < len(p.Samples) {
		g.retire = again
	}
	g.known, g.knownOpen = len(f.KnownListed(g.test.ID)), len(f.OpenKnown(g.test.ID))
}

// takeOpening finds what a workpaper can be opened with.
func (g *gridLook) takeOpening(s *fieldwork.State, f *fieldwork.File, t *fieldwork.Test, now time.Time) {
	g.openings = s.Standing(f, "paper.open", t.ID, now)
	if !t.Population {
		return
	}
	for _, x := range book.Sorted(f.Samples) {
		p := f.Populations[x.Population]
		if x.Control == t.Control && p != nil && p.Accepted && p.Superseded == "" && len(x.Items) > 0 {
			g.candidates = append(g.candidates, picked{Value: x.ID, Text: fmt.Sprintf("%s, %s of %s", x.ID, report.Plural(len(x.Items), "item", "items"), p.Title)})
		}
	}
	for _, p := range book.Sorted(f.Populations) {
		if p.Accepted && p.Superseded == "" && p.Count == 0 && slices.Contains(p.Controls, t.Control) {
			g.empties = append(g.empties, picked{Value: p.ID, Text: p.ID + ", " + p.Title})
		}
	}
}

// mark is a cell's mark.
func (g *gridLook) mark(c fieldwork.Cell) engagement.Mark {
	if m, ok := g.marks[c]; ok {
		return m.Mark
	}
	return engagement.ToTest
}

// result is what an item's cells add up to.
func (g *gridLook) result(item string) engagement.Mark {
	n := map[engagement.Mark]int{}
	for _, a := range g.attributes() {
		n[g.mark(fieldwork.Cell{Item: item, Attribute: a.Name})]++
	}
	for _, m := range []engagement.Mark{engagement.Exception, engagement.ToTest, engagement.UnableToTest, engagement.NoException} {
		if n[m] > 0 {
			return m
		}
	}
	return engagement.NotApplicable
}

// done is how many items have a result in every attribute, of those that count,
// and how many of them have an exception.
func (g *gridLook) done() (done, of, exceptions int) {
	for _, r := range g.rows {
		if r.Void != "" {
			continue
		}
		of++
		left := slices.ContainsFunc(g.attributes(), func(a engagement.Attribute) bool {
			return g.mark(fieldwork.Cell{Item: r.ID, Attribute: a.Name}) == engagement.ToTest
		})
		if !left {
			done++
		}
		if g.result(r.ID) == engagement.Exception {
			exceptions++
		}
	}
	return done, of, exceptions
}

// next is the first cell without a result after a place in the grid, going round;
// ok is false where none is left.
func (g *gridLook) next(row, attribute int) (int, int, bool) {
	width := len(g.attributes())
	all := len(g.rows) * width
	for i := 1; i <= all; i++ {
		at := (row*width + attribute + i + all) % all
		r, a := at/width, at%width
		if g.rows[r].Void == "" && g.mark(fieldwork.Cell{Item: g.rows[r].ID, Attribute: g.attributes()[a].Name}) == engagement.ToTest {
			return r, a, true
		}
	}
	return 0, 0, false
}

// href is the address of a cell of the grid.
func (g *gridLook) href(row, attribute int) string {
	return gridBase(g.terms.ID, g.test.ID) + "?item=" + strconv.Itoa(row+1) + "&at=" + url.QueryEscape(g.attributes()[attribute].Name)
}

// place is where in the grid an address points; ok is false where at no item.
func (g *gridLook) place(v url.Values) (row, attribute int, ok bool) {
	n, err := strconv.Atoi(v.Get("item"))
	if err != nil || n < 1 || n > len(g.rows) {
		return 0, 0, false
	}
	i := slices.IndexFunc(g.attributes(), func(a engagement.Attribute) bool { return a.Name == v.Get("at") })
	if i < 0 {
		for i = range g.attributes() {
			if g.mark(fieldwork.Cell{Item: g.rows[n-1].ID, Attribute: g.attributes()[i].Name}) == engagement.ToTest {
				return n - 1, i, true
			}
		}
		i = 0
	}
	return n - 1, i, true
}

// fill makes the rows' cells; row and attribute are where the cursor is, row -1
// for nowhere.
func (g *gridLook) fill(row, attribute int, items map[string]engagement.Item) {
	for i := range g.rows {
		r := &g.rows[i]
		it := items[r.ID]
		r.Label, r.Here = it.Label, i == row
		if _, r.Opened = g.opened[r.ID]; !it.At.IsZero() {
			r.When = report.Day(it.At, g.zone())
		}
		for a, x := range g.attributes() {
			m := g.mark(fieldwork.Cell{Item: r.ID, Attribute: x.Name})
			look := gridLooks[m]
			r.Cells = append(r.Cells, gridCell{x.Name, string(m), look[0], look[1], g.href(i, a), i == row && a == attribute})
		}
		m := g.result(r.ID)
		r.Word, r.Class, r.Href = string(m), gridStates[m], gridBase(g.terms.ID, g.test.ID)+"?item="+strconv.Itoa(i+1)
		if r.Void != "" {
			r.Word, r.Class = "Replaced", "none"
		}
		if r.Retired {
			r.Word = "Retired"
		}
	}
}

// sayGrid says where a workpaper stands.
func sayGrid(there, items bool, done, of, exceptions, version int, signed string) string {
	found := "without an exception"
	if exceptions > 0 {
		found = report.Plural(exceptions, "of them with an exception", "of them with exceptions")
	}
	switch {
	case !there && items:
		return "This test has no workpaper yet; it opens with a sample of the control, or with a population that holds no item."
	case !there:
		return "This test has no workpaper yet; it has no items, so nothing is drawn for it."
	case signed != "":
		return fmt.Sprintf("Version %d is reviewed and signed off by %s.", version, signed)
	case !items && done == of && exceptions > 0:
		return "The test has a result, with an exception."
	case !items && done == of:
		return "The test has a result, without an exception."
	case !items:
		return "The test has no result yet."
	case done == 0 && of == 1:
		return "The one item has no result yet."
	case done == 0:
		return fmt.Sprintf("None of %s has a result yet.", report.Plural(of, "item", "items"))
	case done < of:
		return fmt.Sprintf("%d of %s have a result, %s.", done, report.Plural(of, "item", "items"), found)
	case of == 1 && exceptions > 0:
		return "The one item has a result, with an exception."
	case of == 1:
		return "The one item has a result, without an exception."
	}
	return fmt.Sprintf("All %d items have a result, %s.", of, found)
}
