package docx

import (
	"fmt"

	"tieout/report/attest"
)

// margin is what the page leaves at the left and the right, in twips.
const margin = 1200

// sectionEnd closes the section of part n; 0 is the cover with the contents,
// whose first page has neither head nor number.
func sectionEnd(n int, cover bool) string {
	heads := fmt.Sprintf(`<w:headerReference w:type="default" r:id="rHeader%d"/>`, n)
	feet, title := `<w:footerReference w:type="default" r:id="rFooter"/>`, ""
	if cover {
		heads += `<w:headerReference w:type="first" r:id="rHeaderFirst"/>`
		feet += `<w:footerReference w:type="first" r:id="rFooterFirst"/>`
		title = `<w:titlePg/>`
	}
	return `<w:sectPr>` + heads + feet + `<w:type w:val="nextPage"/><w:pgSz w:w="12240" w:h="15840"/>` +
		fmt.Sprintf(`<w:pgMar w:top="1700" w:right="%d" w:bottom="1360" w:left="%d" w:header="760" w:footer="620" w:gutter="0"/><w:cols w:space="720"/>`, margin, margin) +
		title + `</w:sectPr>`
}

// header is a running head: the section at the left, the company at the right.
// On a draft it says so, over the page too.
func (w *writer) header(head string, n int) string {
	style := "Header"
	if head == "" {
		style = "SectionEnd"
	}
	out := declaration + `<w:hdr` + namespaces + `><w:p><w:pPr><w:pStyle w:val="` + style + `"/></w:pPr>`
	if w.d.Draft {
		out += watermark(n)
	}
	if head != "" {
		out += text("", head) + tab
		if w.d.Draft {
			out += text("DraftText", "Draft for factual review")
		}
		out += tab + text("", w.d.Client)
	}
	return out + `</w:p></w:hdr>`
}

const (
	tab         = `<w:r><w:tab/></w:r>`
	emptyHeader = declaration + `<w:hdr` + namespaces + `><w:p><w:pPr><w:pStyle w:val="SectionEnd"/></w:pPr></w:p></w:hdr>`
	emptyFooter = declaration + `<w:ftr` + namespaces + `><w:p><w:pPr><w:pStyle w:val="SectionEnd"/></w:pPr></w:p></w:ftr>`
)

func text(char, s string) string {
	return `<w:r>` + look{char: char}.properties() + `<w:t xml:space="preserve">` + escape(s) + `</w:t></w:r>`
}

// footer names the report, its value and the page.
func (w *writer) footer() string {
	return declaration + `<w:ftr` + namespaces + `><w:p><w:pPr><w:pStyle w:val="Footer"/></w:pPr>` +
		text("", w.d.ID+"   ") + text("Reference", attest.Short(w.d.Digest)) + tab + tab +
		text("", "Page ") + field("PAGE", "1") + text("", " of ") + field("NUMPAGES", "1") + `</w:p></w:ftr>`
}

// watermark is the word over a draft's page. Word draws it behind the text.
func watermark(n int) string {
	return `<w:r><w:rPr><w:noProof/></w:rPr><w:pict>` +
		`<v:shapetype id="_x0000_t136" coordsize="21600,21600" o:spt="136" adj="10800" path="m@7,l@8,m@5,21600l@6,21600e"><v:formulas><v:f eqn="sum #0 0 10800"/><v:f eqn="prod #0 2 1"/><v:f eqn="sum 21600 0 @1"/>` +
		`<v:f eqn="sum 0 0 @2"/><v:f eqn="sum 21600 0 @3"/><v:f eqn="if @0 @3 0"/><v:f eqn="if @0 21600 @1"/><v:f eqn="if @0 0 @2"/><v:f eqn="if @0 @4 21600"/></v:formulas>` +
		`<v:path textpathok="t" o:connecttype="custom" o:connectlocs="@9,0;@10,10800;@11,21600;@12,10800" o:connectangles="270,180,90,0"/><v:textpath on="t" fitshape="t"/></v:shapetype>` +
		fmt.Sprintf(`<v:shape id="PowerPlusWaterMarkObject%d" o:spid="_x0000_s%d" type="#_x0000_t136" alt="Draft" `, n+1, 2049+n) +
		`style="position:absolute;margin-left:0;margin-top:0;width:430pt;height:150pt;rotation:315;z-index:-251658752;mso-position-horizontal:center;mso-position-horizontal-relative:margin;mso-position-vertical:center;mso-position-vertical-relative:margin" o:allowincell="f" fillcolor="#e8e4e0" stroked="f">` +
		`<v:fill opacity=".5"/><v:textpath style="font-family:&quot;Calibri&quot;;font-size:1pt" string="Draft"/></v:shape></w:pict></w:r>`
}
