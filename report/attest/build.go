package attest

import (
	"fmt"
	"strings"
)

// Build makes the document of a report that Check finds nothing in.
func Build(r Report) (*Document, error) {
	if err := Check(r); err != nil {
		return nil, err
	}
	digest, err := Digest(r)
	if err != nil {
		return nil, err
	}
	d := &Document{ID: r.ID, Digest: digest, Client: r.Client.Name, Firm: r.Firm.Name, System: r.System, Draft: r.Draft, Cover: r.cover()}
	b := builder{r: &r, labels: map[string]string{}, digest: digest, firsts: standings(&r)}
	order := r.Order()
	for i, kind := range order {
		b.labels[kind] = "Section " + Roman(i+1)
	}
	for _, kind := range order {
		d.Parts = append(d.Parts, b.part(kind))
	}
	d.Parts = append(d.Parts, Part{Kind: Annexed, Label: "Annex", Title: "Order of what happened, and how to check this file", Running: running[Annexed], Blocks: b.annex()})
	d.Curl()
	return d, nil
}

func (r *Report) cover() Cover {
	c := Cover{
		Type: r.Type.String(), Client: r.Client.Name, System: r.System, Title: r.Title(), Dates: r.Dates(),
		Scope: r.InScope(), Firm: r.Firm.Name,
	}
	if r.Draft {
		c.Notes = append(c.Notes, "Draft for factual review. It is not a report: nobody has signed it, and nobody may rely on it.")
	}
	if r.Template.Example {
		c.Notes = append(c.Notes, "The wording around the opinion is an example that comes with the program. No firm has adopted it.")
	}
	if r.Supersedes != "" {
		c.Notes = append(c.Notes, "Supersedes the report "+r.Supersedes+".")
	}
	if !r.Type.Public() {
		c.Notes = append(c.Notes, "The use of this report is restricted to the parties its first section names.")
	}
	return c
}

// builder makes the parts. labels are the sections' numbers by kind, firsts the
// controls where they stand first.
type builder struct {
	r      *Report
	labels map[string]string
	digest string
	firsts map[string]standing
}

func (b *builder) part(kind string) Part {
	p := Part{Kind: kind, Label: b.labels[kind], Title: b.r.SectionTitle(kind), Running: running[kind]}
	switch kind {
	case Auditor:
		p.Blocks = b.auditor()
	case Assertion:
		p.Blocks = b.assertions()
	case Description:
		p.Blocks = b.description()
	case Tests:
		p.Blocks = b.tests()
	case Other:
		p.Blocks = b.other()
	}
	return p
}

func (b *builder) auditor() []Block {
	out := Markdown(b.r.Auditor.Text, 1)
	out = append(out, b.opinions()...)
	for _, s := range b.r.Closing {
		out = append(out, titled(1, s)...)
	}
	if b.r.Draft {
		return out
	}
	f := b.r.Firm
	lines := []string{f.Name, strings.Trim(f.City+", "+f.State, ", "), Day(b.r.Dated)}
	if f.License != "" {
		lines = append(lines, "License, as the firm states it: "+f.License)
	}
	if f.PeerReview != "" {
		lines = append(lines, "Peer review, as the firm states it: "+f.PeerReview)
	}
	if f.Reviewed != "" {
		lines = append(lines, strings.TrimSuffix("Last peer review, as the firm states it: report of "+Day(f.Reviewed)+", "+f.PeerResult, ", "))
	}
	return append(out, Block{Kind: Signatory, Lines: filled(lines)})
}

func titled(level int, s Section) []Block {
	body := Markdown(s.Text, level+1)
	if s.Title == "" {
		return body
	}
	return append([]Block{heading(level, "", s.Title)}, body...)
}

func filled(lines []string) []string {
	var out []string
	for _, l := range lines {
		if l != "" {
			out = append(out, l)
		}
	}
	return out
}

// opinions prints the basis of each modified part, then the parts in order.
func (b *builder) opinions() []Block {
	if len(b.r.Opinions) == 0 {
		return nil
	}
	var out []Block
	for _, o := range b.r.Opinions {
		if o.Basis == "" {
			continue
		}
		out = append(out, heading(1, "", "Basis for the "+strings.ToLower(o.Word)+basisWord(o.Word)+b.onPart(o.Part)))
		out = append(out, Markdown(o.Basis, 2)...)
	}
	out = append(out, heading(1, "opinion", "Opinion"))
	for i, o := range b.r.Opinions {
		if len(b.r.Opinions) > 1 {
			out = append(out, heading(2, "", fmt.Sprintf("(%c) %s: %s", 'a'+i, PartName(o.Part), o.Word)))
		} else {
			out = append(out, heading(2, "", o.Word))
		}
		out = append(out, Markdown(o.Text, 3)...)
	}
	return out
}

func basisWord(word string) string {
	if word == "Disclaimer" {
		return " of opinion"
	}
	return " opinion"
}

func (b *builder) onPart(part string) string {
	if len(b.r.Opinions) == 1 {
		return ""
	}
	name := PartName(part)
	return " on the " + strings.ToLower(name[:1]) + name[1:]
}

func (b *builder) assertions() []Block {
	var out []Block
	for _, a := range b.r.Assertions {
		if len(b.r.Assertions) > 1 {
			out = append(out, heading(1, "", "Assertion of "+a.By))
		}
		out = append(out, Markdown(a.Text, 2)...)
		if a.Except != "" {
			except := Markdown(a.Except, 3)
			for i := range except {
				if except[i].Kind == Prose {
					except[i].Kind = Notice
				}
			}
			out = append(append(out, heading(2, "", "What does not hold")), except...)
		}
		out = append(out, Block{Kind: Signatory, Lines: filled([]string{a.Signer, a.By, Day(a.Dated), a.version()})})
	}
	return out
}

// version is how an assertion is told from an earlier one of the same party.
func (a Statement) version() string {
	if a.Version == 0 {
		return ""
	}
	return fmt.Sprintf("Version %d of this assertion", a.Version)
}

func (b *builder) description() []Block {
	var out []Block
	users, chain := false, false
	for _, dc := range b.r.Description {
		out = append(out, heading(1, "", strings.TrimSuffix(dc.ID+" "+dc.Title, " ")))
		for _, p := range dc.Paragraphs {
			out = append(out, Markdown(p.Text, 2)...)
			if b.r.Draft && len(p.Sources) > 0 {
				out = append(out, Block{Style: Quiet, Runs: words("Drafted from: " + strings.Join(p.Sources, ", "))})
			}
		}
		if dc.ID == "DC 6" {
			users = true
			if !dc.tells(b.r.Expected) {
				out = append(out, b.userControls(0)...)
			}
		}
		if dc.ID == "DC 7" {
			out, chain = append(out, b.subservices(0, dc)...), true
		}
	}
	if !users {
		out = append(out, b.userControls(1)...)
	}
	if !chain {
		out = append(out, b.subservices(1, DC{})...)
	}
	return out
}

// says reports whether a part of the description has each of the words already.
func (d DC) says(words ...string) bool {
	var all []string
	for _, p := range d.Paragraphs {
		all = append(all, p.Text)
	}
	text := folded(strings.Join(all, " "))
	for _, w := range words {
		if !strings.Contains(text, folded(w)) {
			return false
		}
	}
	return true
}

func folded(s string) string {
	return strings.TrimRight(strings.ToLower(strings.Join(strings.Fields(s), " ")), ".")
}

// tells reports whether a part of the description lists all of the controls, so
// that a table of them would say it twice.
func (d DC) tells(list []Expected) bool {
	for _, e := range list {
		if !d.says(e.Text) {
			return false
		}
	}
	return len(list) > 0
}

func expectedTable(name string, list []Expected) Block {
	t := &Table{Name: name, Columns: []Column{{"Number", 14, Ref, false}, {"Control", 62, Stated, false}, {"Criteria", 24, Ref, false}}}
	for _, e := range list {
		t.Rows = append(t.Rows, Row{Anchor: "e-" + e.ID, Cells: []Cell{cell(Ref, e.ID), cell(Stated, e.Text), cell(Ref, strings.Join(e.Criteria, ", "))}})
	}
	return Block{Kind: Grid, Table: t}
}

// userControls is the table of what user entities are expected to do; with a
// level above 0, under a heading.
func (b *builder) userControls(level int) []Block {
	if len(b.r.Expected) == 0 {
		return nil
	}
	var out []Block
	if level > 0 {
		out = append(out, heading(level, "", "Complementary user entity controls"))
	}
	return append(out, expectedTable("Complementary user entity controls", b.r.Expected))
}

// subservices are the tables of subservice organizations and of the controls that
// are expected there, as far as said, a part of the description, does not tell them.
func (b *builder) subservices(level int, said DC) []Block {
	if len(b.r.Subservices) == 0 {
		return nil
	}
	var out []Block
	if level > 0 {
		out = append(out, heading(level, "", "Subservice organizations"))
	}
	t := &Table{Name: "Subservice organizations", Columns: []Column{
		{"Organization", 22, Plain, false}, {"Service", 38, Stated, false}, {"Method", 17, Plain, false}, {"Monitored by", 23, Ref, false},
	}}
	told := true
	for _, s := range b.r.Subservices {
		t.Rows = append(t.Rows, Row{Cells: []Cell{cell(Strong, s.Name), cell(Stated, s.Service), cell(Plain, s.Method()), cell(Ref, strings.Join(s.Monitored, ", "))}})
		told = told && said.says(append([]string{s.Name, s.Service}, s.Monitored...)...) && (len(s.Expected) == 0 || said.tells(s.Expected))
	}
	if !told {
		out = append(out, Block{Kind: Grid, Table: t})
	}
	for _, s := range b.r.Subservices {
		if len(s.Expected) == 0 || said.tells(s.Expected) {
			continue
		}
		title := "Controls expected at " + s.Name
		if s.Inclusive {
			title = "Controls of " + s.Name + " that are part of this description"
		}
		out = append(out, heading(max(2, level), "", title), expectedTable(title, s.Expected))
	}
	return out
}

// Method is how the organization's controls are treated.
func (s Subservice) Method() string {
	if s.Inclusive {
		return "Inclusive"
	}
	return "Carved out"
}
