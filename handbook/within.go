package handbook

import "html/template"

// A Section is a part of a page as HTML for another page to hold: all text is
// escaped, and its headings begin at the second.
type Section struct {
	ID, Title string
	Body      template.HTML
}

// A Beside is a fact of a page as HTML.
type Beside struct {
	Name  string
	Value template.HTML
}

// Within gives the parts of a page and its facts for another page. to says where a
// link of that text to a page of the handbook leads there; "": it is only text.
func (p Page) Within(to func(text, page string) string) ([]Section, []Beside) {
	h := &hypertext{page: p, to: to}
	var sections []Section
	for _, part := range p.Parts {
		h.b.Reset()
		for _, b := range part.blocks {
			h.block(b)
		}
		sections = append(sections, Section{part.id, part.title, template.HTML(h.b.String())})
	}
	var facts []Beside
	for _, f := range p.Facts {
		facts = append(facts, Beside{f.name, template.HTML(h.line(f.value))})
	}
	return sections, facts
}
