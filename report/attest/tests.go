package attest

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// examined reports whether a group belongs to Section IV: one of a set that is
// not examined is printed with the other information alone.
func (r *Report) examined(g Group) bool {
	for _, s := range r.Extra {
		if s.ID == g.Set {
			return s.Examined
		}
	}
	return true
}

// mapped are the groups of sets that nobody examined.
func (r *Report) mapped() []Group {
	var out []Group
	for _, g := range r.Groups {
		if !r.examined(g) {
			out = append(out, g)
		}
	}
	return out
}

// sets are the sets of the groups that keep holds of, in order of first
// appearance.
func (r *Report) sets(keep func(Group) bool) []string {
	var out []string
	seen := map[string]bool{}
	for _, g := range r.Groups {
		if keep(g) && !seen[g.Set] {
			seen[g.Set] = true
			out = append(out, g.Set)
		}
	}
	return out
}

// SetName is the name of a set of criteria.
func (r *Report) SetName(id string) string {
	for _, s := range r.Extra {
		if s.ID == id {
			return s.Name
		}
	}
	if id == "objectives" {
		return "Control objectives"
	}
	return "Trust services criteria"
}

func (b *builder) tests() []Block {
	out := []Block{paragraph(b.testsIntro())}
	for _, x := range b.r.Imported {
		out = append(out, paragraph(b.r.SetName(x.Set)+" are printed in the words of "+x.Name+", "+x.Version+", as "+b.r.Firm.Name+" imported them (SHA-256 "+Short(x.Digest)+")."))
	}
	switch short, all := b.paraphrased(); {
	case short && all:
		out = append(out, paragraph("The criteria are given in short, in words that are not official: no official text was imported for this report."))
	case short:
		out = append(out, paragraph("A text marked “in short” is a paraphrase, printed because no official text was imported for it."))
	}
	for _, set := range b.r.sets(b.r.examined) {
		name := b.r.SetName(set)
		out = append(out, heading(1, "set-"+set, name), Block{Kind: Grid, Table: b.matrix(set, name)})
	}
	return out
}

func (b *builder) testsIntro() string {
	what := "criteria"
	if b.r.Type.OfObjectives() {
		what = "control objectives"
	}
	intro := "This section lists the " + what + ", the controls that " + b.r.Client.Name + " states meet them"
	if !b.withTests(b.r.sets(b.r.examined)...) {
		return intro + ". Controls are described as they were designed and in place " + b.r.Span() + "; whether they operated over time was not tested."
	}
	if !b.r.Type.OverPeriod() {
		return intro + ", how " + b.r.Firm.Name + " tested their design " + b.r.Span() + ", and what came of each test. Whether they operated over time was not tested."
	}
	intro += ", the tests that " + b.r.Firm.Name + " performed of their operation " + b.r.Span() + ", and what came of each."
	if b.designRows() {
		intro += " Of a control whose operation was not tested, the test of its design stands there, and says so."
	}
	intro += " Where a test was made on a sample, its result names the items it was drawn from, those drawn and those tested."
	if b.repeated() {
		intro += " A control that meets several of the " + what + " stands with its tests under the first of them; under the others a line leads there."
	}
	if label := b.labels[Other]; label != "" && len(b.r.Responses) > 0 {
		intro += " Management’s responses to exceptions are in " + label + ", which the service auditor’s report does not cover."
	}
	return intro
}

// designRows reports whether a test of design stands in a report over a period.
func (b *builder) designRows() bool {
	return slices.ContainsFunc(b.r.Groups, func(g Group) bool {
		return b.r.examined(g) && slices.ContainsFunc(g.Controls, func(c Control) bool {
			return slices.ContainsFunc(c.Tests, func(t Test) bool { return t.Phase == OfDesign })
		})
	})
}

// repeated reports whether a control with tests stands under two groups.
func (b *builder) repeated() bool {
	return slices.ContainsFunc(b.r.Groups, func(g Group) bool {
		return b.r.examined(g) && slices.ContainsFunc(g.Controls, func(c Control) bool {
			_, there := b.elsewhere(g, c)
			return there && len(c.Tests) > 0
		})
	})
}

// paraphrased reports whether the text of a criterion is a paraphrase, and whether
// that of all is.
func (b *builder) paraphrased() (short, all bool) {
	all = true
	for _, g := range b.r.Groups {
		if g.Set == "objectives" || !b.r.examined(g) {
			continue
		}
		short, all = short || g.Official == "", all && g.Official == ""
	}
	return short, all
}

// withTests reports whether a test stands under one of the sets.
func (b *builder) withTests(sets ...string) bool {
	for _, g := range b.r.Groups {
		for _, c := range g.Controls {
			if len(c.Tests) > 0 && slices.Contains(sets, g.Set) {
				return true
			}
		}
	}
	return false
}

// matrix is the table of one set: a band a group, its controls and their tests.
func (b *builder) matrix(set, name string) *Table {
	t := &Table{Name: name + ", controls, tests and results", Columns: []Column{{"Control", 100, Stated, false}}}
	tested := b.withTests(set)
	if tested {
		test := "Test"
		if !b.r.Type.OverPeriod() {
			test = "Test of design"
		}
		t.Columns = []Column{{"Control", 30, Stated, false}, {test, 40, Plain, false}, {"Result", 30, Plain, false}}
	}
	_, short := b.paraphrased()
	for _, g := range b.r.Groups {
		if g.Set != set {
			continue
		}
		t.Rows = append(t.Rows, groupBand(g, short))
		for _, c := range g.Controls {
			t.Rows = append(t.Rows, b.controlRows(g, c, tested)...)
		}
		if len(g.Controls) == 0 {
			t.Rows = append(t.Rows, wide(Row{Mark: g.ID, Cells: []Cell{cell(Plain, NoControl)}}, len(t.Columns)))
		}
	}
	return t
}

// NoControl is what stands under a criterion that no control meets.
const NoControl = "No control is stated for it."

// wide fills a row up to n cells.
func wide(r Row, n int) Row {
	for len(r.Cells) < n {
		r.Cells = append(r.Cells, Cell{})
	}
	return r
}

// groupBand heads the rows of a group. short: all of the section is in short, which
// was said before.
func groupBand(g Group, short bool) Row {
	runs := []Run{{Text: g.ID, Strong: true}, {Text: "  " + g.Text}}
	if g.Official == "" && g.Set != "objectives" && !short {
		runs = append(runs, Run{Text: " (in short)", Italic: true})
	}
	return Row{Band: true, Mark: g.ID, Anchor: GroupAnchor(g), Cells: []Cell{{Paras: []Para{{Runs: runs}}}}}
}

// GroupAnchor is where a group stands in the document.
func GroupAnchor(g Group) string { return "g-" + g.Set + "-" + g.ID }

func controlAnchor(g Group, c Control) string { return "c-" + g.Set + "-" + g.ID + "-" + c.ID }

// A standing is a control under the first group that has it.
type standing struct {
	group   Group
	control Control
}

// standings are the examined controls, each where it stands first.
func standings(r *Report) map[string]standing {
	out := map[string]standing{}
	for _, g := range r.Groups {
		for _, c := range g.Controls {
			if _, seen := out[c.ID]; !seen && r.examined(g) {
				out[c.ID] = standing{g, c}
			}
		}
	}
	return out
}

// elsewhere is the group under which a control stands before with the same tests,
// and whether there is one.
func (b *builder) elsewhere(g Group, c Control) (Group, bool) {
	first := b.firsts[c.ID]
	return first.group, (first.group.Set != g.Set || first.group.ID != g.ID) && reflect.DeepEqual(first.control, c)
}

func (b *builder) controlRows(g Group, c Control, tested bool) []Row {
	anchor := controlAnchor(g, c)
	if of, there := b.elsewhere(g, c); there && tested && len(c.Tests) > 0 {
		link := Cell{Paras: []Para{{Runs: []Run{{Text: "Tested under " + of.ID, To: controlAnchor(of, c)}}}}}
		return []Row{{Mark: c.ID, Anchor: anchor, Cells: []Cell{cell(Ref, c.ID), link, cell(Plain, capital(c.Outcome))}}}
	}
	control := Cell{Paras: append([]Para{{Style: Ref, Runs: words(c.ID)}}, c.paras()...), Rows: max(1, len(c.Tests))}
	if !tested {
		return []Row{{Mark: c.ID, Anchor: anchor, Cells: []Cell{control}}}
	}
	if len(c.Tests) == 0 {
		return []Row{{Mark: c.ID, Anchor: anchor, Cells: []Cell{control, {}, b.concluded(Cell{}, c)}}}
	}
	var out []Row
	for i, t := range c.Tests {
		first := control
		if i > 0 {
			first = Cell{Joined: true}
		}
		row := Row{Mark: c.ID, Cells: []Cell{first, what(t), b.result(t)}}
		if i == 0 {
			row.Anchor = anchor
		}
		if i == len(c.Tests)-1 {
			row.Cells[2] = b.concluded(row.Cells[2], c)
		}
		out = append(out, row)
	}
	return out
}

// paras are a control's text, or each of its texts with its days.
func (c Control) paras() (out []Para) {
	if c.By != "" {
		out = append(out, Para{Style: Quiet, Runs: words(c.operated())})
	}
	if len(c.Versions) == 0 {
		return append(out, Para{Style: Stated, Runs: words(c.Text)})
	}
	for _, v := range c.Versions {
		out = append(out, Para{Style: Quiet, Runs: words(Day(v.From) + " to " + Day(v.To) + ":")}, Para{Style: Stated, Runs: words(v.Text)})
	}
	return out
}

// operated says who operates a control that is not the client's.
func (c Control) operated() string { return "Operated by " + c.By }

// Statement is a control's text as one; of a control that changed, each text with
// its days; of one that is not the client's, with who operates it.
func (c Control) Statement() string {
	if c.By != "" {
		own := c
		own.By = ""
		return c.operated() + ": " + own.Statement()
	}
	var out []string
	for _, v := range c.Versions {
		out = append(out, Day(v.From)+" to "+Day(v.To)+": "+v.Text)
	}
	if len(out) == 0 {
		return c.Text
	}
	return strings.Join(out, "\n\n")
}

// what is what was done in a test, and of which days' control.
func what(t Test) Cell {
	c := cell(Plain, t.Text)
	if t.Phase == OfDesign {
		c.Paras = append(c.Paras, Para{Style: Quiet, Runs: words("A test of design")})
	}
	if t.From != "" {
		c.Paras = append(c.Paras, Para{Style: Quiet, Runs: words("Of the control as it was from " + Day(t.From) + " to " + Day(t.To))})
	}
	return c
}

// concluded adds what was concluded on a control to its last result, where that is
// not what the results, or the kind of report, say.
func (b *builder) concluded(result Cell, c Control) Cell {
	found := c.Outcome == "exceptions noted" && slices.ContainsFunc(c.Tests, func(t Test) bool { return len(t.Findings) > 0 })
	design := c.Outcome == "design only" && !b.r.Type.OverPeriod()
	if c.Outcome != "" && c.Outcome != noExceptions && !found && !design {
		result.Paras = append(slices.Clip(result.Paras), Para{Runs: words("Concluded on " + c.ID + ": " + c.Outcome + ".")})
	}
	return result
}

func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

const noExceptions = "no exceptions noted"

// result is a test's result: the auditor's words, the counts they tie to, and
// where management answers.
func (b *builder) result(t Test) Cell {
	c := cell(Plain, t.Result)
	if counts := t.Counts(); counts != "" {
		c.Paras = append(c.Paras, Para{Style: Quiet, Runs: words(counts)})
	}
	for _, id := range t.Findings {
		if b.responded(id) {
			c.Paras = append(c.Paras, Para{Style: Quiet, Runs: []Run{{Text: "Exception " + id + ": "}, {Text: "response in " + b.labels[Other], To: "x-" + id}}})
		} else {
			c.Paras = append(c.Paras, Para{Style: Quiet, Runs: words("Exception " + id)})
		}
	}
	return c
}

func (b *builder) responded(finding string) bool {
	for _, r := range b.r.Responses {
		if r.Finding == finding {
			return b.labels[Other] != ""
		}
	}
	return false
}

// Counts are the figures a test's result ties to, as the report prints them:
// "58 items, 6 drawn, 4 tested, 2 could not be tested".
func (t Test) Counts() string {
	if t.Population == 0 && t.Drawn == 0 && t.Sample == 0 {
		return ""
	}
	var out []string
	if t.Population > 0 {
		out = append(out, Items(t.Population))
	}
	if t.Drawn != t.Sample || t.Partly > 0 {
		out = append(out, Number(t.Drawn)+" drawn")
	}
	out = append(out, Number(t.Sample)+" tested")
	add := func(n int, what string) {
		if n > 0 {
			out = append(out, Number(n)+what)
		}
	}
	add(t.Partly, " of them in part")
	add(t.Unable, " could not be tested")
	add(t.NotApplicable, " to which it did not apply")
	add(t.Exceptions, " with exceptions")
	add(t.Known, " known outside the sample")
	return strings.Join(out, ", ")
}

// Items is a number of items: "1 item", "1,382 items".
func Items(n int) string { return count(n, "item", "items") }

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// Number writes n with a comma between thousands.
func Number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
