package docx

import (
	"fmt"
	"strings"
)

// The parts of the package beside the body (ECMA-376-2, Open Packaging
// Conventions, and ECMA-376-1, WordprocessingML).
const (
	declaration = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	relNS       = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packageNS   = "http://schemas.openxmlformats.org/package/2006"
	media       = "application/vnd.openxmlformats-officedocument."
	wordMedia   = media + "wordprocessingml."
	namespaces  = ` xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="` + relNS + `" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"`
)

const rootRels = declaration + `<Relationships xmlns="` + packageNS + `/relationships">` +
	`<Relationship Id="rId1" Type="` + relNS + `/officeDocument" Target="word/document.xml"/>` +
	`<Relationship Id="rId2" Type="` + packageNS + `/relationships/metadata/core-properties" Target="docProps/core.xml"/>` +
	`<Relationship Id="rId3" Type="` + relNS + `/extended-properties" Target="docProps/app.xml"/>` +
	`<Relationship Id="rId4" Type="` + relNS + `/custom-properties" Target="docProps/custom.xml"/></Relationships>`

// settings ask for the layout of current Word, and for nothing when the file is
// opened.
const settings = declaration + `<w:settings` + namespaces + `><w:zoom w:percent="100"/><w:defaultTabStop w:val="720"/><w:characterSpacingControl w:val="doNotCompress"/>` +
	`<w:compat><w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat>` +
	`<w:themeFontLang w:val="en-US"/><w:decimalSymbol w:val="."/><w:listSeparator w:val=","/></w:settings>`

// fontTable says what each face may be replaced with where it is missing.
const fontTable = declaration + `<w:fonts` + namespaces + `>` +
	`<w:font w:name="` + serif + `"><w:altName w:val="Caladea"/><w:family w:val="roman"/><w:pitch w:val="variable"/></w:font>` +
	`<w:font w:name="` + sans + `"><w:altName w:val="Carlito"/><w:family w:val="swiss"/><w:pitch w:val="variable"/></w:font>` +
	`<w:font w:name="` + mono + `"><w:altName w:val="Liberation Mono"/><w:family w:val="modern"/><w:pitch w:val="fixed"/></w:font></w:fonts>`

func (w *writer) contentTypes() string {
	var b strings.Builder
	b.WriteString(declaration + `<Types xmlns="` + packageNS + `/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>`)
	part := func(name, kind string) { fmt.Fprintf(&b, `<Override PartName="%s" ContentType="%s+xml"/>`, name, kind) }
	part("/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties")
	part("/docProps/app.xml", media+"extended-properties")
	part("/docProps/custom.xml", media+"custom-properties")
	part("/word/document.xml", wordMedia+"document.main")
	for _, name := range []string{"styles", "numbering", "settings", "fontTable"} {
		part("/word/"+name+".xml", wordMedia+name)
	}
	for _, f := range []string{"footer", "footerFirst"} {
		part("/word/"+f+".xml", wordMedia+"footer")
	}
	part("/word/headerFirst.xml", wordMedia+"header")
	for i := range len(w.d.Parts) + 1 {
		part(fmt.Sprintf("/word/header%d.xml", i), wordMedia+"header")
	}
	b.WriteString(`</Types>`)
	return b.String()
}

func (w *writer) documentRels() string {
	var b strings.Builder
	b.WriteString(declaration + `<Relationships xmlns="` + packageNS + `/relationships">`)
	part := func(id, kind, target string) {
		fmt.Fprintf(&b, `<Relationship Id="%s" Type="%s/%s" Target="%s.xml"/>`, id, relNS, kind, target)
	}
	for _, name := range []string{"styles", "numbering", "settings", "fontTable"} {
		part("r"+strings.ToUpper(name[:1])+name[1:], name, name)
	}
	part("rFooter", "footer", "footer")
	part("rFooterFirst", "footer", "footerFirst")
	part("rHeaderFirst", "header", "headerFirst")
	for i := range len(w.d.Parts) + 1 {
		part(fmt.Sprintf("rHeader%d", i), "header", fmt.Sprintf("header%d", i))
	}
	for i, l := range w.links {
		fmt.Fprintf(&b, `<Relationship Id="rLink%d" Type="%s/hyperlink" Target="%s" TargetMode="External"/>`, i+1, relNS, escape(l))
	}
	b.WriteString(`</Relationships>`)
	return b.String()
}

// core are the properties people sort by. Their dates are the report's day.
func (w *writer) core(dated string) string {
	at := func(name string) string {
		return `<dcterms:` + name + ` xsi:type="dcterms:W3CDTF">` + escape(dated) + `T00:00:00Z</dcterms:` + name + `>`
	}
	return declaration + `<cp:coreProperties xmlns:cp="` + packageNS + `/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
		`<dc:title>` + escape(w.d.Title()) + `</dc:title><dc:subject>` + escape(w.d.Cover.Dates) + `</dc:subject>` +
		`<dc:creator>` + escape(w.d.Firm) + `</dc:creator><dc:identifier>` + escape(w.d.ID) + `</dc:identifier><dc:language>en-US</dc:language>` +
		`<cp:lastModifiedBy>` + escape(w.d.Firm) + `</cp:lastModifiedBy>` + at("created") + at("modified") + `</cp:coreProperties>`
}

func (w *writer) app() string {
	return declaration + `<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Application>Tieout</Application><Company>` + escape(w.d.Firm) + `</Company></Properties>`
}

// custom names the value the document was made from.
func (w *writer) custom() string {
	one := func(n int, name, value string) string {
		return fmt.Sprintf(`<property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="%d" name="%s"><vt:lpwstr>%s</vt:lpwstr></property>`, n, name, escape(value))
	}
	return declaration + `<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">` +
		one(2, "Report", w.d.ID) + one(3, "Digest of the value", w.d.Digest) + `</Properties>`
}
