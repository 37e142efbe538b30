package docx

import (
	"fmt"
	"strings"
)

// The faces and colors of the styles.
const (
	serif  = "Cambria"
	sans   = "Calibri"
	mono   = "Consolas"
	black  = "131820"
	grey   = "434D5C"
	pale   = "5D6878"
	hair   = "C6CDD7"
	sunk   = "F2F4F7"
	accent = "1C4F8F"
	alarm  = "A42A13"
)

// A style is a named look of paragraphs: half is its size in half points, line
// its line height in 240ths, and more what the format puts between them.
type style struct {
	id, name, base, next string
	before               string // of pPr: keepNext, borders, shading, tabs, in this order
	above, below, line   int    // twips, twips, 240ths
	after                string // of pPr: ind, contextualSpacing, jc, outlineLvl
	font                 string
	half                 int
	color                string
	bold, italic         bool
}

var paragraphs = []style{
	{id: "BodyText", name: "Body Text", base: "Normal", below: 140, line: 290},
	{id: "Title", name: "Title", base: "Normal", next: "Subtitle", above: 900, below: 120, line: 250, font: serif, half: 60, bold: true},
	{id: "Subtitle", name: "Subtitle", base: "Normal", next: "BodyText", below: 720, font: serif, half: 36, color: grey},
	{id: "CoverType", name: "Cover Type", base: "Normal", before: border("top", 36, accent, 14), above: 600, below: 200, font: sans, half: 26, color: accent, bold: true},
	{id: "CoverTitle", name: "Cover Title", base: "Normal", before: border("bottom", 4, hair, 16), below: 320, line: 300, font: serif, half: 26},
	{id: "CoverFact", name: "Cover Fact", base: "Normal", before: `<w:tabs><w:tab w:val="left" w:pos="1900"/></w:tabs>`, below: 100, after: `<w:ind w:left="1900" w:hanging="1900"/>`, font: sans, half: 20},
	{id: "CoverNote", name: "Cover Note", base: "Normal", above: 240, font: sans, half: 18, color: grey},
	{id: "DraftMark", name: "Draft Mark", base: "CoverNote", above: 400, font: sans, half: 20, color: alarm, bold: true},
	heading(1, serif, 40, 0, 300, black, border("bottom", 8, black, 8)),
	heading(2, sans, 26, 360, 120, black, ""),
	heading(3, sans, 22, 240, 80, black, ""),
	heading(4, sans, 20, 180, 60, grey, ""),
	{id: "ListBullet", name: "List Bullet", base: "BodyText", below: 80, line: 290},
	{id: "ListNumber", name: "List Number", base: "BodyText", below: 80, line: 290},
	{id: "Notice", name: "Notice", base: "BodyText", before: border("left", 18, accent, 10), below: 140, line: 290, after: `<w:ind w:left="240"/>`},
	{id: "Quiet", name: "Quiet", base: "BodyText", below: 140, font: sans, half: 16, color: pale},
	{id: "Code", name: "Code", base: "Normal", before: `<w:shd w:val="clear" w:color="auto" w:fill="` + sunk + `"/>`, below: 140, after: `<w:contextualSpacing/>`, font: mono, half: 17},
	{id: "Rule", name: "Rule", base: "Normal", before: border("bottom", 4, hair, 1), below: 200, half: 8},
	{id: "SignatoryName", name: "Signatory Name", base: "Signatory", next: "Signatory", before: `<w:keepNext/><w:keepLines/>` + border("top", 6, black, 6), above: 560, after: `<w:ind w:right="5000"/>`, font: sans, half: 19, bold: true},
	{id: "Signatory", name: "Signatory", base: "Normal", before: `<w:keepLines/>`, below: 20, font: sans, half: 19},
	{id: "TableText", name: "Table Text", base: "Normal", above: 30, below: 30, font: sans, half: 17},
	{id: "TableHead", name: "Table Head", base: "TableText", before: `<w:keepNext/>`, above: 40, below: 40, half: 16, color: grey, bold: true, font: sans},
	{id: "TableBand", name: "Table Band", base: "TableText", before: `<w:keepNext/><w:shd w:val="clear" w:color="auto" w:fill="` + sunk + `"/>`, above: 60, below: 60, font: sans, half: 18},
	{id: "TableStatement", name: "Table Statement", base: "TableText", above: 30, below: 30, font: serif, half: 18},
	{id: "TableReference", name: "Table Reference", base: "TableText", above: 30, below: 30, font: mono, half: 16},
	{id: "TableQuiet", name: "Table Quiet", base: "TableText", above: 10, below: 30, font: sans, half: 15, color: pale},
	{id: "TableStrong", name: "Table Strong", base: "TableText", above: 30, below: 30, bold: true, font: sans, half: 17},
	{id: "Result", name: "Result", base: "TableText", above: 30, below: 30, font: sans, half: 17},
	{id: "AfterTable", name: "After Table", base: "Normal", below: 120, half: 12},
	{id: "SectionEnd", name: "Section End", base: "Normal", half: 4},
	{id: "TOCHeading", name: "TOC Heading", base: "Normal", next: "BodyText", before: `<w:keepNext/><w:pageBreakBefore/>`, below: 300, font: serif, half: 40, bold: true},
	{id: "TOC1", name: "toc 1", base: "Normal", before: contentsTab, above: 160, below: 60, font: sans, half: 20, bold: true},
	{id: "TOC2", name: "toc 2", base: "Normal", before: contentsTab, below: 40, after: `<w:ind w:left="320"/>`, half: 20},
	{id: "Header", name: "header", base: "Normal", before: border("bottom", 4, hair, 4) + thirds, font: sans, half: 16, color: grey},
	{id: "Footer", name: "footer", base: "Normal", before: border("top", 4, hair, 4) + thirds, font: sans, half: 16, color: grey},
}

var (
	contentsTab = fmt.Sprintf(`<w:tabs><w:tab w:val="right" w:leader="dot" w:pos="%d"/></w:tabs>`, width)
	thirds      = fmt.Sprintf(`<w:tabs><w:tab w:val="center" w:pos="%d"/><w:tab w:val="right" w:pos="%d"/></w:tabs>`, width/2, width)
)

func heading(level int, font string, half, above, below int, color, line string) style {
	return style{
		id: fmt.Sprintf("Heading%d", level), name: fmt.Sprintf("heading %d", level), base: "Normal", next: "BodyText",
		before: `<w:keepNext/><w:keepLines/>` + line, above: above, below: below, after: fmt.Sprintf(`<w:outlineLvl w:val="%d"/>`, level-1),
		font: font, half: half, color: color, bold: true,
	}
}

func border(side string, eighths int, color string, space int) string {
	return fmt.Sprintf(`<w:pBdr><w:%s w:val="single" w:sz="%d" w:space="%d" w:color="%s"/></w:pBdr>`, side, eighths, space, color)
}

func (s style) xml() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<w:style w:type="paragraph"%s w:styleId="%s"><w:name w:val="%s"/><w:basedOn w:val="%s"/>`, custom(s.id), s.id, s.name, s.base)
	if s.next != "" {
		fmt.Fprintf(&b, `<w:next w:val="%s"/>`, s.next)
	}
	b.WriteString(`<w:uiPriority w:val="1"/><w:qFormat/><w:pPr>` + s.before)
	fmt.Fprintf(&b, `<w:spacing w:before="%d" w:after="%d"`, s.above, s.below)
	if s.line > 0 {
		fmt.Fprintf(&b, ` w:line="%d" w:lineRule="auto"`, s.line)
	}
	b.WriteString(`/>` + s.after + `</w:pPr>` + s.letters() + `</w:style>`)
	return b.String()
}

// letters are the style's run properties.
func (s style) letters() string {
	var b strings.Builder
	if s.font != "" {
		b.WriteString(fonts(s.font))
	}
	if s.bold {
		b.WriteString(`<w:b/>`)
	}
	if s.italic {
		b.WriteString(`<w:i/>`)
	}
	if s.color != "" {
		b.WriteString(`<w:color w:val="` + s.color + `"/>`)
	}
	if s.half > 0 {
		fmt.Fprintf(&b, `<w:sz w:val="%d"/><w:szCs w:val="%d"/>`, s.half, s.half)
	}
	return `<w:rPr>` + b.String() + `</w:rPr>`
}

func fonts(name string) string {
	return fmt.Sprintf(`<w:rFonts w:ascii="%s" w:hAnsi="%s" w:eastAsia="%s" w:cs="%s"/>`, name, name, name, name)
}

// builtIn are the styles that programs know by themselves.
var builtIn = map[string]bool{
	"BodyText": true, "Title": true, "Subtitle": true, "Heading1": true, "Heading2": true, "Heading3": true, "Heading4": true,
	"ListBullet": true, "ListNumber": true, "TOCHeading": true, "TOC1": true, "TOC2": true, "Header": true, "Footer": true, "Hyperlink": true,
}

func custom(id string) string {
	if builtIn[id] {
		return ""
	}
	return ` w:customStyle="1"`
}

// characters are the named looks of words within a paragraph.
var characters = []style{
	{id: "SectionLabel", name: "Section Label", color: accent},
	{id: "FactName", name: "Fact Name", color: pale},
	{id: "DraftText", name: "Draft Text", color: alarm, bold: true},
	{id: "Reference", name: "Reference", font: mono, half: 15},
	{id: "CodeText", name: "Code Text", font: mono},
	{id: "Hyperlink", name: "Hyperlink", color: accent},
}

// styles is the sheet of all named looks.
func styles() string {
	var b strings.Builder
	b.WriteString(declaration + `<w:styles` + namespaces + `><w:docDefaults><w:rPrDefault><w:rPr>` + fonts(serif) + `<w:color w:val="` + black + `"/><w:sz w:val="21"/><w:szCs w:val="21"/><w:lang w:val="en-US" w:eastAsia="en-US" w:bidi="ar-SA"/></w:rPr></w:rPrDefault>` +
		`<w:pPrDefault><w:pPr><w:widowControl/><w:spacing w:before="0" w:after="0" w:line="252" w:lineRule="auto"/></w:pPr></w:pPrDefault></w:docDefaults>` +
		`<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/></w:style>` +
		`<w:style w:type="character" w:default="1" w:styleId="DefaultParagraphFont"><w:name w:val="Default Paragraph Font"/><w:uiPriority w:val="1"/><w:semiHidden/></w:style>` +
		`<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/><w:uiPriority w:val="99"/><w:semiHidden/><w:tblPr><w:tblInd w:w="0" w:type="dxa"/><w:tblCellMar><w:top w:w="0" w:type="dxa"/><w:left w:w="108" w:type="dxa"/><w:bottom w:w="0" w:type="dxa"/><w:right w:w="108" w:type="dxa"/></w:tblCellMar></w:tblPr></w:style>` +
		`<w:style w:type="numbering" w:default="1" w:styleId="NoList"><w:name w:val="No List"/><w:uiPriority w:val="99"/><w:semiHidden/></w:style>`)
	for _, s := range paragraphs {
		b.WriteString(s.xml())
	}
	for _, s := range characters {
		fmt.Fprintf(&b, `<w:style w:type="character"%s w:styleId="%s"><w:name w:val="%s"/><w:basedOn w:val="DefaultParagraphFont"/><w:uiPriority w:val="2"/><w:qFormat/>%s</w:style>`, custom(s.id), s.id, s.name, s.letters())
	}
	b.WriteString(tableStyle + `</w:styles>`)
	return b.String()
}

// tableStyle is how every table looks: rules between rows, a heavier one under
// the head.
const tableStyle = `<w:style w:type="table" w:customStyle="1" w:styleId="ReportTable"><w:name w:val="Report Table"/><w:basedOn w:val="TableNormal"/><w:uiPriority w:val="3"/><w:qFormat/>` +
	`<w:tblPr><w:tblBorders><w:bottom w:val="single" w:sz="4" w:space="0" w:color="` + hair + `"/><w:insideH w:val="single" w:sz="4" w:space="0" w:color="` + hair + `"/></w:tblBorders>` +
	`<w:tblCellMar><w:top w:w="40" w:type="dxa"/><w:left w:w="80" w:type="dxa"/><w:bottom w:w="40" w:type="dxa"/><w:right w:w="80" w:type="dxa"/></w:tblCellMar></w:tblPr>` +
	`<w:tblStylePr w:type="firstRow"><w:tblPr/><w:tcPr><w:tcBorders><w:bottom w:val="single" w:sz="8" w:space="0" w:color="` + black + `"/></w:tcBorders><w:vAlign w:val="bottom"/></w:tcPr></w:tblStylePr></w:style>`
