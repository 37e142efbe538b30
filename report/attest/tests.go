package attest

import (
	"fmt"
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
	if b.paraphrased() {
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
	intro += ", the tests that " + b.r.Firm.Name + " performed of their operation " + b.r.Span() + ", and what came of each. Where a test was made on a sample, its result names the items it was drawn from and the items tested."
	if label := b.labels[Other]; label != "" && len(b.r.Responses) > 0 {
		intro += " Management’s responses to exceptions are in " + label + ", which the service auditor’s report does not cover."
	}
	return intro
}

func (b *builder) paraphrased() bool {
	for _, g := range b.r.Groups {
		if g.Official == "" && g.Set != "objectives" && b.r.examined(g) {
			return true
		}
	}
	return false
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
	for _, g := range b.r.Groups {
		if g.Set != set {
			continue
		}
		t.Rows = append(t.Rows, groupBand(g))
		for _, c := range g.Controls {
			t.Rows = append(t.Rows, b.controlRows(g, c, tested)...)
		}
	}
	return t
}

func groupBand(g Group) Row {
	runs := []Run{{Text: g.ID, Strong: true}, {Text: "  " + g.Text}}
	if g.Official == "" && g.Set != "objectives" {
		runs = append(runs, Run{Text: " (in short)", Italic: true})
	}
	return Row{Band: true, Mark: g.ID, Anchor: GroupAnchor(g), Cells: []Cell{{Paras: []Para{{Runs: runs}}}}}
}

// GroupAnchor is where a group stands in the document.
func GroupAnchor(g Group) string { return "g-" + g.Set + "-" + g.ID }

func (b *builder) controlRows(g Group, c Control, tested bool) []Row {
	control := Cell{Paras: []Para{{Style: Ref, Runs: words(c.ID)}, {Style: Stated, Runs: words(c.Text)}}, Rows: max(1, len(c.Tests))}
	if c.Outcome != "" && c.Outcome != noExceptions {
		control.Paras = append(control.Paras, Para{Style: Quiet, Runs: words("Concluded: " + c.Outcome)})
	}
	anchor := "c-" + g.Set + "-" + g.ID + "-" + c.ID
	if !tested {
		return []Row{{Mark: c.ID, Anchor: anchor, Cells: []Cell{control}}}
	}
	if len(c.Tests) == 0 {
		return []Row{{Mark: c.ID, Anchor: anchor, Cells: []Cell{control, {}, {}}}}
	}
	var out []Row
	for i, t := range c.Tests {
		first := control
		if i > 0 {
			first = Cell{Joined: true}
		}
		row := Row{Mark: c.ID, Cells: []Cell{first, cell(Plain, t.Text), b.result(t)}}
		if i == 0 {
			row.Anchor = anchor
		}
		out = append(out, row)
	}
	return out
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
// "148 items, 15 tested, 2 with exceptions".
func (t Test) Counts() string {
	if t.Population == 0 && t.Sample == 0 {
		return ""
	}
	var out []string
	if t.Population > 0 {
		out = append(out, count(t.Population, "item", "items"))
	}
	out = append(out, Number(t.Sample)+" tested")
	if t.Exceptions > 0 {
		out = append(out, Number(t.Exceptions)+" with exceptions")
	}
	if t.Known > 0 {
		out = append(out, fmt.Sprintf("%s known outside the sample", Number(t.Known)))
	}
	return strings.Join(out, ", ")
}

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
