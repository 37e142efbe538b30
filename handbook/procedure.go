package handbook

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/procedure"
)

// procedure is the page of one test: what was done, on which population, what
// is asked exactly, what the examples show, what it reads.
func (b *book) procedure(p *procedure.Procedure) Page {
	d := b.docs[p.ID]
	page := Page{Name: "procedures/" + p.ID, Kind: "Procedure", Ref: p.ID, Title: p.Title, Lead: sentence(p.Why), Facts: b.procedureFacts(p, d)}
	page.Parts = append(page.Parts, part{"statement", "What was done", []block{statement(p.Statement)}})
	page.Parts = append(page.Parts, part{"population", "On which population", populationBlocks(p, d)})
	page.Parts = append(page.Parts, b.how(p, d)...)
	page.Parts = append(page.Parts, examplePart(d)...)
	page.Parts = append(page.Parts, b.parameterPart(p, d)...)
	page.Parts = append(page.Parts, b.dataPart(p)...)
	page.Parts = append(page.Parts, part{"ask", "What else to look at", []block{paragraph(say(p.Ask))}}, part{"fix", "What to do about a deviation", []block{paragraph(say(p.Fix))}})
	page.Parts = append(page.Parts, historyPart(d), part{"document", "The document itself", []block{whole{"As it is read by the program", string(p.Document())}}})
	return page
}

func (b *book) procedureFacts(p *procedure.Procedure, d *document) []fact {
	var controls []line
	var criteria []string
	for _, id := range b.onPages(p.Controls) {
		c := b.named(id)
		controls = append(controls, controlLink(id).and(say(" "+c.Title)))
		for _, crit := range c.Criteria {
			if !slices.Contains(criteria, crit) {
				criteria = append(criteria, crit)
			}
		}
	}
	facts := []fact{{"Tested", say(formWords[p.Form])}}
	facts = append(facts, fact{"Controls", join(controls, "\n")}, fact{"Criteria", each(b.inOrder(criteria), criterionLink)})
	if len(p.Types) > 0 {
		facts = append(facts, fact{"Reads", each(p.Types, typeLink)})
	}
	facts = append(facts, fact{"Text since", say(d.Since)}, fact{"Version", exact(strings.TrimPrefix(p.Hash, "sha256:")[:12])})
	return append(facts, b.procedureHere(p)...)
}

func populationBlocks(p *procedure.Procedure, d *document) []block {
	out := []block{paragraph(say(p.Population))}
	if p.ItemType == "" {
		return out
	}
	l := say("Items are of type ").and(typeLink(p.ItemType))
	if d.Population.Where == "" {
		return append(out, paragraph(l.and(say(", all of them."))))
	}
	return append(out, paragraph(l.and(say(", those of which this is true:"))), question(tidy(d.Population.Where)))
}

// how says what is asked of the population.
func (b *book) how(p *procedure.Procedure, d *document) []part {
	var blocks []block
	switch p.Form {
	case audit.Continuous:
		blocks = continuousBlocks(d)
	case audit.Event:
		at := d.Event.At
		blocks = append(blocks, paragraph(say("Each ").and(typeLink(p.ItemType), say(" is one occurrence, at the instant "), exact(at), say(" tells of. Every attribute had to hold."))), attributes(d.Event))
	case audit.Cadence:
		blocks = cadenceBlocks(p, d.Cadence)
	case audit.Manual:
		return []part{{"questions", "What is asked", []block{lines(p.Questions)}}, {"evidence", "What is asked for", []block{lines(p.Evidence)}}}
	}
	out := []part{{"test", "What was asked of it", blocks}}
	if joins := b.joinBlocks(d); len(joins) > 0 {
		out = append(out, part{"joins", "What it was compared with", joins})
	}
	return out
}

func lines(texts []string) list {
	var out list
	for _, t := range texts {
		out = append(out, spoken(t))
	}
	return out
}

func continuousBlocks(d *document) []block {
	c := d.Continuous
	out := []block{paragraph(say("At every instant of the period this had to be true of every item. A deviation is a stretch in which it was not.")), question(tidy(c.Holds))}
	gap := "26h"
	if c.MaxGap != "" {
		gap = c.MaxGap
	}
	out = append(out, paragraph(say("Between two observations the earlier state holds; if they are more than "+duration(gap)+" apart, the time between is no evidence.")))
	if c.Grace.For != "" {
		out = append(out, paragraph(say(fmt.Sprintf("What lasted at most %s is counted apart: %s.", duration(c.Grace.For), c.Grace.Because))))
	}
	return out
}

func cadenceBlocks(p *procedure.Procedure, c *occasions) []block {
	due := fmt.Sprintf("One occurrence is due each %s, by the calendar of the organization's zone.", c.Every)
	if c.Each != nil {
		due = fmt.Sprintf("One occurrence is due each %s for each %s that was there at both ends of it.", c.Every, c.Each.Items)
	}
	if c.Due != "" && c.Due != "0d" {
		due += fmt.Sprintf(" Done within %s after its end counts as operated.", duration(c.Due))
	}
	if c.Late != "" {
		due += fmt.Sprintf(" Done within %s more it is late; after that, or not at all, it is a deviation.", duration(c.Late))
	} else {
		due += " Later, or not at all, is a deviation."
	}
	out := []block{paragraph(say(due))}
	if c.Each != nil {
		l := say("Each is told by ").and(exact(c.Each.Key))
		if c.Each.Where != "" {
			l = l.and(say(", of those of which this is true: "), exact(tidy(c.Each.Where)))
		}
		out = append(out, paragraph(l.and(say("."))))
	}
	if c.Performed != "" {
		out = append(out, paragraph(say("What counts as performed:")), question(tidy(c.Performed)))
	}
	if len(pairs(&c.Attributes)) > 0 {
		out = append(out, paragraph(say("Every attribute had to hold as well.")), attributes(c))
	}
	return out
}

func attributes(o *occasions) block {
	t := table{caption: "Attributes", heads: []string{"Attribute", "What had to hold", "Exact question"}}
	for _, a := range pairs(&o.Attributes) {
		q := exact(tidy(value(a.value, "holds")))
		if ask := value(a.value, "ask"); ask != "" {
			q = say("A person answers: " + ask)
		}
		if late := value(a.value, "late"); late != "" {
			q = q.and(say("\nLate, where instead: "), exact(tidy(late)))
		}
		t.rows = append(t.rows, []line{{{text: a.key, look: strong}}, say(value(a.value, "text")), q})
	}
	return t
}

// joinBlocks say which other items stand beside the item, and what it means
// where there is none.
func (b *book) joinBlocks(d *document) []block {
	joins := pairs(&d.With)
	if len(joins) == 0 && len(pairs(&d.Empty)) == 0 {
		return nil
	}
	var out []block
	if len(joins) > 0 {
		t := table{caption: "Joins", heads: []string{"Called", "Items", "Matched by", "As they were"}}
		for _, j := range joins {
			t.rows = append(t.rows, []line{exact(j.key), typeLink(value(j.value, "items")), matched(j.value), say(moment(j.value))})
		}
		out = append(out, t)
	}
	var empty list
	for _, e := range pairs(&d.Empty) {
		empty = append(empty, say("Where ").and(exact(e.key), say(" is empty and the answer hangs on it: "), result(e.value.Value), say(".")))
	}
	if len(empty) > 0 {
		out = append(out, empty)
	}
	return out
}

func matched(j *yaml.Node) line {
	var parts []line
	for _, p := range pairs(j) {
		switch p.key {
		case "on":
			for _, o := range pairs(p.value) {
				parts = append(parts, exact(o.key+" = "+o.value.Value))
			}
		case "where":
			parts = append(parts, say("where ").and(exact(tidy(p.value.Value))))
		}
	}
	return join(parts, "\n")
}

// moment says at which instant or in which stretch joined items are taken.
func moment(j *yaml.Node) string {
	at, begin, end := value(j, "at"), value(j, "from"), value(j, "to")
	after, before := value(j, "after"), value(j, "before")
	if at != "" {
		return strings.TrimSpace("at " + plus(at, after))
	}
	if begin == "" && end == "" {
		return "at the instant tested"
	}
	if begin == "" {
		begin = end
	}
	if end == "" {
		end = begin
	}
	if before != "" {
		begin = duration(before) + " before " + begin
	}
	return "from " + begin + " to " + plus(end, after)
}

func plus(at, after string) string {
	if after == "" {
		return at
	}
	return duration(after) + " after " + at
}

func examplePart(d *document) []part {
	if len(d.Examples) == 0 {
		return nil
	}
	t := table{caption: "Examples", heads: []string{"Example", "What was seen", "Outcome"}}
	for _, e := range d.Examples {
		var seen []line
		for _, g := range pairs(&e.Given) {
			seen = append(seen, given(g)...)
		}
		if e.At != "" {
			seen = append(seen, say("tested at "+e.At))
		}
		if e.AsOf != "" {
			seen = append(seen, say("evidence reaches until "+e.AsOf))
		}
		t.rows = append(t.rows, []line{say(capital(e.Name)), join(seen, "\n"), result(e.Expect)})
	}
	return []part{{"examples", "What the examples show", []block{
		paragraph(say("Each example runs through the same engine as a real period whenever the program is tested. A field that is not there was not collected.")), t}}}
}

func given(g pair) []line {
	if g.value.Kind != yaml.SequenceNode || len(g.value.Content) == 0 {
		return []line{exact(g.key).and(say(": " + shown(g.value)))}
	}
	out := make([]line, len(g.value.Content))
	for i, c := range g.value.Content {
		out[i] = exact(g.key).and(say(": " + shown(c)))
	}
	return out
}

func (b *book) parameterPart(p *procedure.Procedure, d *document) []part {
	ps := pairs(&d.Parameters)
	if len(ps) == 0 {
		return nil
	}
	t := table{caption: "Parameters", heads: []string{"Parameter", "Default", "In words"}}
	note := "A workspace may set other values in procedures/*.yaml; results are then filed under another version."
	if b.own != nil {
		t.heads = []string{"Parameter", "Default", "In force here", "In words"}
		note = "The value in force is part of the version that results are filed under."
	}
	for _, q := range ps {
		text := q.value.Value
		if q.value.Kind == yaml.SequenceNode {
			parts := make([]string, len(q.value.Content))
			for i, c := range q.value.Content {
				parts[i] = c.Value
			}
			text = strings.Join(parts, ", ")
		}
		row := []line{exact(q.key), exact(text)}
		if b.own != nil {
			text = inForce(p.Parameters[q.key])
			row = append(row, exact(text))
		}
		words := duration(text)
		if words == text {
			words = ""
		}
		t.rows = append(t.rows, append(row, say(words)))
	}
	return []part{{"parameters", "Parameters", []block{paragraph(say(note)), t}}}
}

func (b *book) dataPart(p *procedure.Procedure) []part {
	if len(p.Types) == 0 {
		return nil
	}
	t := table{caption: "Data and sources", heads: []string{"Data", "What it is", "Given by"}}
	for _, typ := range p.Types {
		it, _ := audit.TypeByName(typ)
		t.rows = append(t.rows, []line{typeLink(typ), say(it.Doc), b.givenBy(typ)})
	}
	return []part{{"data", "What it reads, and from where", []block{t}}}
}

func historyPart(d *document) part {
	t := table{caption: "History", heads: []string{"From", "What changed"}}
	for _, h := range d.History {
		t.rows = append(t.rows, []line{say(h.On), say(h.What)})
	}
	return part{"history", "History of this text", []block{t}}
}

// tidy writes an expression in one line.
func tidy(s string) string { return strings.Join(strings.Fields(s), " ") }

var units = map[string][2]string{"m": {"minute", "minutes"}, "h": {"hour", "hours"}, "d": {"day", "days"}, "w": {"week", "weeks"}, "bd": {"business day", "business days"}}

// duration says "5bd" in words; what is no duration stays as it is.
func duration(s string) string {
	digits := strings.TrimRight(s, "mhdwb")
	u, ok := units[strings.TrimPrefix(s, digits)]
	if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return s
	}
	if digits == "1" {
		return "1 " + u[0]
	}
	return digits + " " + u[1]
}
