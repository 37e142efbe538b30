package attest

import (
	"strings"
)

func (b *builder) other() []Block {
	out := []Block{{Kind: Notice, Runs: words(b.r.Client.Name + " provides this information. The service auditor’s report does not cover it, and " + b.r.Firm.Name + " expresses no opinion on it.")}}
	out = append(out, b.responses()...)
	for _, s := range b.r.Other {
		out = append(out, titled(1, s)...)
	}
	for _, set := range b.r.sets(func(g Group) bool { return !b.r.examined(g) }) {
		out = append(out, b.relation(set)...)
	}
	return out
}

func (b *builder) responses() []Block {
	if len(b.r.Responses) == 0 {
		return nil
	}
	t := &Table{Name: "Management’s responses to exceptions", Columns: []Column{{"Exception", 14, Ref, false}, {"Control", 16, Ref, false}, {"Management’s response", 70, Stated, false}}}
	for _, r := range b.r.Responses {
		answer := Cell{}
		for _, block := range Markdown(r.Text, 3) {
			text := block.Runs
			if block.Kind == Code {
				text = words(strings.Join(block.Lines, " "))
			}
			if block.Mark != "" {
				text = append([]Run{{Text: block.Mark + " "}}, text...)
			}
			answer.Paras = append(answer.Paras, Para{Style: Stated, Runs: text})
		}
		t.Rows = append(t.Rows, Row{Anchor: "x-" + r.Finding, Cells: []Cell{cell(Ref, r.Finding), cell(Ref, r.Control), answer}})
	}
	return []Block{heading(1, "responses", "Management’s responses to exceptions"), {Kind: Grid, Table: t}}
}

func (b *builder) annex() []Block {
	out := []Block{{Kind: Notice, Runs: words("The annex is made from the logs of both sides. It is outside the sections above, and no opinion covers it.")}}
	out = append(out, b.steps()...)
	out = append(out, b.logs()...)
	out = append(out, b.division()...)
	return append(out, b.checking()...)
}

func (b *builder) steps() []Block {
	if len(b.r.Annex.Steps) == 0 {
		return nil
	}
	t := &Table{Name: "Order of what happened", Columns: []Column{{"Time", 27, Plain, false}, {"Log", 12, Plain, false}, {"Entry", 11, Ref, true}, {"What was done", 50, Plain, false}}}
	for _, s := range b.r.Annex.Steps {
		t.Rows = append(t.Rows, Row{Cells: []Cell{cell(Plain, Instant(s.At)), cell(Plain, s.Whose), cell(Ref, Number(int(s.Entry))), cell(Plain, s.What)}})
	}
	out := []Block{
		heading(1, "steps", "Order of what happened"),
		paragraph("Each line is an entry of a log that can only grow. Times are those of the server that wrote it, until a checkpoint was seen or time-stamped outside."),
	}
	if n := b.r.Annex.Left; n > 0 {
		out = append(out, paragraph("The course is long: "+noun(n, "more entry is", "more entries are")+" left out here, of kinds of which the first and the last stand below. The logs hold all of them."))
	}
	return append(out, Block{Kind: Grid, Table: t})
}

func (b *builder) logs() []Block {
	if len(b.r.Annex.Logs) == 0 {
		return nil
	}
	t := &Table{Name: "The logs", Columns: []Column{{"Log", 11, Plain, false}, {"Origin and key", 45, Ref, false}, {"Seen by", 44, Plain, false}}}
	for _, l := range b.r.Annex.Logs {
		seen := Cell{}
		for _, w := range l.Witnessed {
			seen.Paras = append(seen.Paras, Para{Runs: words(w)})
		}
		if len(l.Witnessed) == 0 {
			seen = cell(Plain, "Order not externally witnessed")
		}
		origin := Cell{Paras: []Para{{Style: Ref, Runs: words(l.Origin)}, {Style: Ref, Runs: words(l.Key)}}}
		t.Rows = append(t.Rows, Row{Cells: []Cell{cell(Plain, l.Whose), origin, seen}})
	}
	return []Block{heading(1, "", "The logs"), {Kind: Grid, Table: t}}
}

// division says how the work was divided and whose wording it is, by duty and not by
// name.
func (b *builder) division() []Block {
	a := b.r.Annex
	if len(a.Team) == 0 && len(a.Similarity) == 0 {
		return nil
	}
	out := []Block{heading(1, "", "How the work was divided")}
	for _, duty := range a.Team {
		out = append(out, Block{Kind: Item, Level: 1, Mark: "•", Runs: words(duty)})
	}
	if len(a.Similarity) == 0 {
		return out
	}
	out = append(out, paragraph("Both sides may begin a text from wording that Tieout ships. How many of the words that stand in this report are the shipped ones:"))
	t := &Table{Name: "Wording beside the shipped templates", Columns: []Column{{"Text", 70, Plain, false}, {"Words as shipped", 30, Plain, true}}}
	for _, s := range a.Similarity {
		t.Rows = append(t.Rows, Row{Cells: []Cell{cell(Plain, s.Where), cell(Plain, Number(s.Percent)+" percent")}})
	}
	return append(out, Block{Kind: Grid, Table: t})
}

// checking says how a reader checks the file without trusting who sent it.
func (b *builder) checking() []Block {
	return []Block{
		heading(1, "check", "How to check this file"),
		paragraph("The report’s value, its signatures and a list of what each page shows are attached to the PDF. Every page names the digest of the value by its first digits. The whole digest is:"),
		{Kind: Code, Lines: []string{b.digest}},
		paragraph("The command below reads the PDF alone. It says whether the value, the pages and the signatures belong together, and names the page and the figure where they do not."),
		{Kind: Code, Lines: []string{"tieout verify " + strings.ToLower(b.r.ID) + ".pdf"}},
	}
}
