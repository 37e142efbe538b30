package policy

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
)

// Sentence says what changed: "2 parts were changed, 1 was added and none was
// removed."
func (d Difference) Sentence() string {
	if !d.Changed() && d.Markup {
		return "The words are the same; only their layout changed."
	}
	if !d.Changed() {
		return "Nothing changed."
	}
	return fmt.Sprintf("%s changed, %s added and %s removed.",
		parts(d.Count(Changed), "part was", "parts were", "No part was"), parts(d.Count(Added), "was", "were", "none was"), parts(d.Count(Removed), "was", "were", "none was"))
}

func parts(n int, one, many, none string) string {
	switch n {
	case 0:
		return none
	case 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// HTML renders the difference for a page. Additions and removals are ins and
// del elements with words around them for those who do not see how they are
// set, in spans of the class "sr". Everything is escaped.
func (d Difference) HTML() template.HTML {
	var b strings.Builder
	list := ""
	for _, x := range d.Blocks {
		if x.list() != list {
			b.WriteString(closing(list))
			if list = x.list(); list != "" {
				b.WriteString("<" + list + ">\n")
			}
		}
		x.write(&b)
	}
	b.WriteString(closing(list))
	return template.HTML(b.String()) //nolint:gosec // every text in it was escaped
}

// list is the element that an item stands in: ol or ul; "" for what is no item.
func (x Block) list() string {
	switch {
	case x.Kind != KindItem:
		return ""
	case strings.HasSuffix(x.Marker, "."):
		return "ol"
	}
	return "ul"
}

func closing(list string) string {
	if list == "" {
		return ""
	}
	return "</" + list + ">\n"
}

func (x Block) write(b *strings.Builder) {
	tag := "p"
	switch x.Kind {
	case KindHeading:
		tag = fmt.Sprintf("h%d", min(6, max(1+headingShift, x.Level)))
	case KindItem:
		tag = "li"
	case KindCode:
		tag = "pre"
	}
	b.WriteString("<" + tag)
	if n, err := strconv.Atoi(strings.TrimSuffix(x.Marker, ".")); err == nil {
		fmt.Fprintf(b, ` value="%d"`, n)
	}
	b.WriteString(">")
	for i, p := range x.Parts {
		if i > 0 {
			b.WriteByte(' ')
		}
		p.write(b)
	}
	b.WriteString("</" + tag + ">\n")
}

func (p Part) write(b *strings.Builder) {
	text := template.HTMLEscapeString(p.Text)
	switch p.State {
	case Added:
		b.WriteString(`<ins><span class="sr">Added: </span>` + text + `<span class="sr"> (end of what was added)</span></ins>`)
	case Removed:
		b.WriteString(`<del><span class="sr">Removed: </span>` + text + `<span class="sr"> (end of what was removed)</span></del>`)
	default:
		b.WriteString(text)
	}
}
