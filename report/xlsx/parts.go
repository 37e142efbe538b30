package xlsx

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The parts of a workbook beside its sheets (ECMA-376, SpreadsheetML).
const (
	declaration = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainNS      = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	relNS       = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packageNS   = "http://schemas.openxmlformats.org/package/2006/relationships"
	typesNS     = "http://schemas.openxmlformats.org/package/2006/content-types"
	sheetMedia  = "application/vnd.openxmlformats-officedocument.spreadsheetml."
)

// Indexes into cellXfs of styles.
const (
	stylePlain = iota
	styleHead
	styleQuoted // text that must stay text, whatever it starts with
	styleLink
)

const styles = declaration + `<styleSheet xmlns="` + mainNS + `">` +
	`<fonts count="3"><font><sz val="10"/><name val="Calibri"/></font><font><b/><sz val="10"/><name val="Calibri"/></font><font><u/><sz val="10"/><color rgb="FF1C4F8F"/><name val="Calibri"/></font></fonts>` +
	`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
	`<borders count="2"><border><left/><right/><top/><bottom/><diagonal/></border><border><left/><right/><top/><bottom style="thin"><color rgb="FFC6CDD7"/></bottom><diagonal/></border></borders>` +
	`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
	`<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>` +
	`<xf numFmtId="0" fontId="1" fillId="0" borderId="1" xfId="0" applyFont="1" applyBorder="1" applyAlignment="1"><alignment vertical="bottom" wrapText="1"/></xf>` +
	`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>` +
	`<xf numFmtId="0" fontId="2" fillId="0" borderId="0" xfId="0" applyFont="1" applyAlignment="1"><alignment vertical="top"/></xf></cellXfs>` +
	`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`

const rootRels = declaration + `<Relationships xmlns="` + packageNS + `"><Relationship Id="rId1" Type="` + relNS + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`

// workbook lists the sheets in the reader's order; each prints its head on
// every page.
func workbook(sheets []*sheet) string {
	var b strings.Builder
	b.WriteString(declaration + `<workbook xmlns="` + mainNS + `" xmlns:r="` + relNS + `"><sheets>`)
	for i, s := range sheets {
		fmt.Fprintf(&b, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, escape(s.name), i+1, i+1)
	}
	b.WriteString("</sheets><definedNames>")
	for i, s := range sheets {
		fmt.Fprintf(&b, `<definedName name="_xlnm.Print_Titles" localSheetId="%d">%s!$1:$1</definedName>`, i, escape(quote(s.name)))
	}
	b.WriteString("</definedNames></workbook>")
	return b.String()
}

func workbookRels(sheets []*sheet) string {
	var b strings.Builder
	b.WriteString(declaration + `<Relationships xmlns="` + packageNS + `">`)
	for i, s := range sheets {
		fmt.Fprintf(&b, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/%s"/>`, i+1, relNS, s.file)
	}
	fmt.Fprintf(&b, `<Relationship Id="rId%d" Type="%s/styles" Target="styles.xml"/></Relationships>`, len(sheets)+1, relNS)
	return b.String()
}

func contentTypes(sheets []*sheet) string {
	var b strings.Builder
	b.WriteString(declaration + `<Types xmlns="` + typesNS + `"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="` + sheetMedia + `sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="` + sheetMedia + `styles+xml"/>`)
	for _, s := range sheets {
		b.WriteString(`<Override PartName="/xl/worksheets/` + s.file + `" ContentType="` + sheetMedia + `worksheet+xml"/>`)
	}
	b.WriteString("</Types>")
	return b.String()
}

// escape writes s as XML text. What XML cannot hold is replaced; a carriage
// return is kept as a reference, for a parser would turn it into a line feed.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r == '\r':
			b.WriteString("&#13;")
		case !valid(r):
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return hexEscape(b.String())
}

// valid reports whether XML 1.0 may hold r.
func valid(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000 && r <= 0x10ffff
}

// hexEscape keeps a literal _x0041_ from being read as the letter A.
func hexEscape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '_' && i+6 < len(s) && s[i+1] == 'x' && isHex(s[i+2:i+6]) && s[i+6] == '_' {
			b.WriteString("_x005F_")
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
