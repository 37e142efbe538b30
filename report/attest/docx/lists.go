package docx

import (
	"fmt"
	"strconv"
	"strings"

	"tieout/report/attest"
)

const (
	step       = 360 // twips that a list is further in than what surrounds it
	bulletList = 1
	listBase   = 2 // id of the first ordered list
	listLevels = 9
)

// A list is one being written: its number, and the number its last item has.
type list struct{ id, last int }

// item writes an item of a list. Numbers are the program's that shows the
// document; each list starts with its own, so they are those of the report.
func (w *writer) item(b attest.Block) {
	level := max(0, min(listLevels-1, b.Level-1))
	for l := range w.lists {
		if l > level {
			delete(w.lists, l)
		}
	}
	id := w.listOf(level, b.Mark)
	num := fmt.Sprintf(`<w:numPr><w:ilvl w:val="%d"/><w:numId w:val="%d"/></w:numPr>`, level, id)
	style := "ListBullet"
	if id != bulletList {
		style = "ListNumber"
	}
	w.paragraph(style, num, b.Anchor, func() { w.runs(b.Runs) })
}

func (w *writer) listOf(level int, mark string) int {
	number, err := strconv.Atoi(strings.TrimSuffix(mark, "."))
	if err != nil {
		w.lists[level] = list{id: bulletList}
		return bulletList
	}
	at := w.lists[level]
	if at.id < listBase || at.last+1 != number {
		w.ordered = append(w.ordered, number)
		at = list{id: listBase + len(w.ordered) - 1}
	}
	at.last = number
	w.lists[level] = at
	return at.id
}

// numbering defines the bullets and each ordered list.
func (w *writer) numbering() string {
	var b strings.Builder
	b.WriteString(declaration + `<w:numbering` + namespaces + `>`)
	abstract(&b, bulletList, "bullet", "•", 1)
	for i, first := range w.ordered {
		abstract(&b, listBase+i, "decimal", "", first)
	}
	for id := bulletList; id < listBase+len(w.ordered); id++ {
		fmt.Fprintf(&b, `<w:num w:numId="%d"><w:abstractNumId w:val="%d"/></w:num>`, id, id)
	}
	b.WriteString(`</w:numbering>`)
	return b.String()
}

func abstract(b *strings.Builder, id int, format, text string, first int) {
	fmt.Fprintf(b, `<w:abstractNum w:abstractNumId="%d"><w:multiLevelType w:val="hybridMultilevel"/>`, id)
	for l := range listLevels {
		shown := text
		if shown == "" {
			shown = fmt.Sprintf("%%%d.", l+1)
		}
		fmt.Fprintf(b, `<w:lvl w:ilvl="%d"><w:start w:val="%d"/><w:numFmt w:val="%s"/><w:lvlText w:val="%s"/><w:lvlJc w:val="left"/><w:pPr><w:ind w:left="%d" w:hanging="%d"/></w:pPr></w:lvl>`,
			l, max(0, first), format, shown, step*(l+1), step)
	}
	b.WriteString(`</w:abstractNum>`)
}
