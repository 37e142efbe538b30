package docx_test

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// order is what the schema of WordprocessingML (ECMA-376-1, annex A, transitional)
// lets an element hold of what we write, in the order it must have.
var order = map[string]string{
	"document":      "background body",
	"styles":        "docDefaults latentStyles style",
	"docDefaults":   "rPrDefault pPrDefault",
	"style":         "name aliases basedOn next link autoRedefine hidden uiPriority semiHidden unhideWhenUsed qFormat locked pPr rPr tblPr trPr tcPr tblStylePr",
	"pPr":           "pStyle keepNext keepLines pageBreakBefore framePr widowControl numPr suppressLineNumbers pBdr shd tabs suppressAutoHyphens spacing ind contextualSpacing mirrorIndents jc outlineLvl rPr sectPr",
	"rPr":           "rStyle rFonts b bCs i iCs caps smallCaps strike noProof color spacing w kern position sz szCs highlight u vertAlign lang",
	"pBdr":          "top left bottom right between bar",
	"numPr":         "ilvl numId",
	"sectPr":        "headerReference footerReference type pgSz pgMar paperSrc pgBorders lnNumType pgNumType cols titlePg",
	"tbl":           "tblPr tblGrid tr",
	"tblPr":         "tblStyle tblpPr tblOverlap bidiVisual tblStyleRowBandSize tblStyleColBandSize tblW jc tblCellSpacing tblInd tblBorders shd tblLayout tblCellMar tblLook tblCaption tblDescription",
	"tblBorders":    "top left bottom right insideH insideV",
	"tblCellMar":    "top left bottom right",
	"tblStylePr":    "pPr rPr tblPr trPr tcPr",
	"tr":            "trPr tc",
	"trPr":          "cantSplit tblHeader",
	"tc":            "tcPr p",
	"tcPr":          "tcW gridSpan vMerge tcBorders shd vAlign",
	"numbering":     "abstractNum num",
	"abstractNum":   "nsid multiLevelType tmpl name lvl",
	"lvl":           "start numFmt lvlRestart pStyle isLgl suff lvlText lvlJc pPr rPr",
	"num":           "abstractNumId lvlOverride",
	"settings":      "zoom defaultTabStop characterSpacingControl compat themeFontLang decimalSymbol listSeparator",
	"sdt":           "sdtPr sdtEndPr sdtContent",
	"docPartObj":    "docPartGallery docPartCategory docPartUnique",
	"fonts":         "font",
	"font":          "altName panose1 charset family notTrueType pitch",
	"shape":         "fill textpath",
	"Properties":    "Application Company property",
	"Types":         "Default Override",
	"hdr":           "p",
	"ftr":           "p",
	"p":             "pPr (",
	"r":             "rPr (",
	"hyperlink":     "(",
	"body":          "(",
	"sdtContent":    "(",
	"tabs":          "tab",
	"tblGrid":       "gridCol",
	"compat":        "compatSetting",
	"rPrDefault":    "rPr",
	"pPrDefault":    "pPr",
	"sdtPr":         "docPartObj",
	"pict":          "shapetype shape",
	"tcBorders":     "top left bottom right insideH insideV",
	"formulas":      "f",
	"shapetype":     "stroke formulas path textpath",
	"property":      "lpwstr",
	"Relationships": "Relationship",
}

// mixed is what may stand in any order in the elements whose rule ends in "(".
var mixed = map[string]string{
	"p":          "r hyperlink bookmarkStart bookmarkEnd",
	"r":          "t tab fldChar instrText pict",
	"hyperlink":  "r",
	"body":       "p tbl sdt sectPr",
	"sdtContent": "p",
}

func TestElementOrder(t *testing.T) {
	for name, r := range variants() {
		for part, data := range members(t, render(t, r)) {
			if part == "docProps/core.xml" {
				continue // its elements have no order
			}
			parse(t, data).walk(func(n *node) bool {
				if fault := disorder(n); fault != "" {
					t.Errorf("%s, %s: %s", name, part, fault)
				}
				return true
			})
		}
	}
}

func disorder(n *node) string {
	rule, known := order[n.name]
	if !known && len(n.kids) > 0 {
		return fmt.Sprintf("no rule for what %s holds", n.name)
	}
	list, last := strings.Fields(strings.TrimSuffix(rule, "(")), 0
	free := strings.Fields(mixed[n.name])
	for i, k := range n.kids {
		if slices.Contains(free, k.name) {
			last = len(list)
			continue
		}
		at := slices.Index(list, k.name)
		if at < last || at < 0 {
			return fmt.Sprintf("%s in %s after %d others is out of order", k.name, n.name, i)
		}
		last = at
	}
	switch {
	case n.name == "tc" && (len(n.kids) == 0 || n.kids[len(n.kids)-1].name != "p"):
		return "a cell does not end in a paragraph"
	case n.name == "body" && n.kids[len(n.kids)-1].name != "sectPr":
		return "the body does not end in its section"
	}
	return ""
}

var bookmarkName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,39}$`)

// TestReferences: what a part names is there: bookmarks, styles, lists, heads.
func TestReferences(t *testing.T) {
	for name, r := range variants() {
		m := members(t, render(t, r))
		doc := parse(t, m["word/document.xml"])
		marks, ids := map[string]bool{}, map[string]bool{}
		for _, b := range doc.all("bookmarkStart") {
			if marks[b.attr["name"]] || ids[b.attr["id"]] || !bookmarkName.MatchString(b.attr["name"]) {
				t.Errorf("%s: the bookmark %s (%s) stands twice or has no good name", name, b.attr["name"], b.attr["id"])
			}
			marks[b.attr["name"]], ids[b.attr["id"]] = true, true
		}
		rels := map[string]string{}
		for _, l := range parse(t, m["word/_rels/document.xml.rels"]).all("Relationship") {
			rels[l.attr["Id"]] = l.attr["Target"]
			if l.attr["TargetMode"] == "" && m["word/"+l.attr["Target"]] == nil {
				t.Errorf("%s: no part %s", name, l.attr["Target"])
			}
			if strings.HasPrefix(l.attr["Target"], "javascript") {
				t.Errorf("%s: a link that runs", name)
			}
		}
		inner := 0
		for _, h := range doc.all("hyperlink") {
			if a := h.attr["anchor"]; a != "" {
				inner++
				if !marks[a] {
					t.Errorf("%s: a link leads to %s, which is nowhere", name, a)
				}
			} else if rels[h.attr["id"]] == "" {
				t.Errorf("%s: a link leads to no relationship", name)
			}
		}
		if inner < 8 {
			t.Errorf("%s: got %d links within the document, want those of its contents", name, inner)
		}
		for _, n := range append(doc.all("headerReference"), doc.all("footerReference")...) {
			if rels[n.attr["id"]] == "" {
				t.Errorf("%s: a section has a head %s that is nowhere", name, n.attr["id"])
			}
		}
		checkStyles(t, name, m)
	}
}

func checkStyles(t *testing.T, name string, m map[string][]byte) {
	t.Helper()
	styles := map[string]bool{}
	for _, s := range parse(t, m["word/styles.xml"]).all("style") {
		if styles[s.attr["styleId"]] {
			t.Errorf("%s: the style %s twice", name, s.attr["styleId"])
		}
		styles[s.attr["styleId"]] = true
	}
	for part, data := range m {
		if !strings.HasPrefix(part, "word/") {
			continue
		}
		parse(t, data).walk(func(n *node) bool {
			if slices.Contains([]string{"pStyle", "rStyle", "tblStyle", "basedOn", "next"}, n.name) && !styles[n.attr["val"]] {
				t.Errorf("%s, %s: no style %q", name, part, n.attr["val"])
			}
			return true
		})
	}
}

// TestContentTypes: every part has one, as the package asks for.
func TestContentTypes(t *testing.T) {
	m := members(t, render(t, hostile()))
	var types struct {
		Override []struct {
			PartName string `xml:",attr"`
		}
	}
	if err := xml.Unmarshal(m["[Content_Types].xml"], &types); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, o := range types.Override {
		named[strings.TrimPrefix(o.PartName, "/")] = true
	}
	for part := range m {
		if !named[part] && !strings.HasSuffix(part, ".rels") && part != "[Content_Types].xml" {
			t.Errorf("%s has no content type", part)
		}
	}
	if len(named) != len(m)-3 {
		t.Errorf("got %d content types for %d parts", len(named), len(m)-3)
	}
}
