package pdf

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"codeberg.org/go-pdf/fpdf"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/report/attest"
	"tieout/report/attest/pdf/syntax"
)

// A Copy says for whom a copy is. Every page of it says so too.
type Copy struct {
	ID   string    `json:"id"` // of the copy, as the ledger names it
	Name string    `json:"name"`
	Mail string    `json:"mail"`
	At   time.Time `json:"at"`
}

// Options are what MakeCopy does to a report's file.
type Options struct {
	Copy     *Copy  // mark every page for one reader
	Password string // encrypt with AES-256; it is asked for to open the file: 8 to 127 printable ASCII characters, no space
	Owner    string // of the right to change what is allowed, as long; "": nobody knows it
}

// MakeCopy makes a copy of a report's file as Render wrote it, marked for a
// reader, encrypted, or both. What the pages of the report show stays as it was
// signed: the mark is drawn apart. digest is the SHA-256, hex, of the copy's
// bytes, for the ledger; encryption makes it another each time.
func MakeCopy(file []byte, o Options) (data []byte, digest string, err error) {
	data = file
	if o.Copy != nil {
		if data, err = stamp(file, *o.Copy); err != nil {
			return nil, "", err
		}
	}
	if o.Password != "" || o.Owner != "" {
		if data, err = encrypt(data, o.Password, o.Owner); err != nil {
			return nil, "", err
		}
	}
	return data, sum(data), nil
}

// Check reports what makes c no mark.
func (c Copy) Check() error {
	for what, s := range map[string]string{"id": c.ID, "name": c.Name, "mail address": c.Mail} {
		if strings.TrimSpace(s) == "" || len(s) > 300 || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("%w: a copy's %s is one line of at most 300 bytes and not empty", audit.ErrInvalid, what)
		}
	}
	if c.At.IsZero() {
		return fmt.Errorf("%w: a copy has a time", audit.ErrInvalid)
	}
	return nil
}

// stamp marks every page of a file for one reader.
func stamp(file []byte, c Copy) ([]byte, error) {
	c.At = c.At.UTC().Truncate(time.Second)
	if err := c.Check(); err != nil {
		return nil, err
	}
	f, err := syntax.Parse(file)
	if err != nil {
		return nil, err
	}
	if _, already := attachments(f)[CopyFile]; already {
		return nil, fmt.Errorf("%w: the file is a copy for a reader already; copies are made from the report's own file", audit.ErrConflict)
	}
	form, err := c.form(f)
	if err != nil {
		return nil, err
	}
	if err := draw(f, form); err != nil {
		return nil, err
	}
	about, err := canonical.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("%w: copy %s: %w", audit.ErrInvalid, c.ID, err)
	}
	attach(f, map[string][]byte{CopyFile: about})
	return f.Bytes(), nil
}

// draw makes every page draw form after all else.
func draw(f *syntax.File, form syntax.Ref) error {
	refs, err := pageRefs(f)
	if err != nil {
		return err
	}
	over := f.Add(&syntax.Stream{Dict: syntax.Dict{}, Raw: []byte(drawCopy)})
	for i, ref := range refs {
		page := f.Dict(ref)
		resources := f.Dict(inherited(f, page, "Resources"))
		if resources == nil || page["Contents"] == nil {
			return fmt.Errorf("%w: page %d of the file has no content", audit.ErrInvalid, i+1)
		}
		objects := syntax.Dict{"TieoutCopy": form}
		for k, v := range f.Dict(resources["XObject"]) {
			objects[k] = v
		}
		resources["XObject"] = objects
		page["Contents"] = syntax.Array{page["Contents"], over}
	}
	return nil
}

const drawCopy = "q /TieoutCopy Do Q"

// form makes the mark as a drawing of its own, with a font of its own, and adds
// it to f.
func (c Copy) form(f *syntax.File) (syntax.Ref, error) {
	printed, err := c.print()
	if err != nil {
		return 0, err
	}
	from, err := syntax.Parse(printed)
	if err != nil {
		return 0, err
	}
	refs, err := pageRefs(from)
	if err != nil {
		return 0, err
	}
	page := from.Dict(refs[0])
	parts, err := contents(from, page)
	if err != nil {
		return 0, err
	}
	in := importer{from: from, to: f, done: map[syntax.Ref]syntax.Ref{}}
	return f.Add(syntax.Deflated(syntax.Dict{
		"Type": syntax.Name("XObject"), "Subtype": syntax.Name("Form"),
		"BBox":      syntax.Array{syntax.Number("0"), syntax.Number("0"), syntax.Number("612"), syntax.Number("792")},
		"Resources": in.value(inherited(from, page, "Resources")),
	}, trimmed(parts))), nil
}

// Words are the lines a marked page shows.
func (c Copy) Words() []string {
	at := attest.Instant(c.At)
	return []string{"Copy " + c.ID + " for " + c.Name + " <" + c.Mail + ">, " + at, c.Name, c.Mail + " · " + c.ID + " · " + at}
}

func (c Copy) print() ([]byte, error) {
	m, err := measured()
	if err != nil {
		return nil, fmt.Errorf("fonts of the report: %w", err)
	}
	doc := fpdf.New("P", "pt", "Letter", "")
	doc.SetCatalogSort(true)
	doc.SetCreationDate(c.At)
	doc.SetModificationDate(c.At)
	doc.SetAutoPageBreak(false, 0)
	if err := addFonts(doc); err != nil {
		return nil, fmt.Errorf("fonts of the report: %w", err)
	}
	words := c.Words()
	doc.AddPage()
	doc.SetTextColor(pale.r, pale.g, pale.b)
	small := look{sans, 7, 10, pale}
	doc.SetFont(faces[sans].family, faces[sans].style, small.size)
	foot := m.cut(small, m.showable(sans, words[0]), right-left)
	doc.Text((sheetWidth-m.width(sans, small.size, foot))/2, 773, foot)
	doc.SetAlpha(0.11, "Normal")
	c.across(doc, m, words)
	var b strings.Builder
	if err := doc.Output(&b); err != nil {
		return nil, fmt.Errorf("%w: mark copy %s: %w", audit.ErrInvalid, c.ID, err)
	}
	return []byte(b.String()), nil
}

// across paints the reader's name three times over the sheet, faint enough to
// read the page through it.
func (c Copy) across(doc *fpdf.Fpdf, m *metrics, words []string) {
	for _, y := range []float64{210, 400, 590} {
		doc.TransformBegin()
		doc.TransformRotate(32, sheetWidth/2, y)
		for i, size := range []float64{30, 12} {
			k := look{[]face{serifBold, sans}[i], size, 0, black}
			s := m.cut(k, m.showable(k.face, words[1+i]), 560)
			doc.SetFont(faces[k.face].family, faces[k.face].style, size)
			doc.Text((sheetWidth-m.width(k.face, size, s))/2, y+float64(i)*20, s)
		}
		doc.TransformEnd()
	}
}

// An importer copies values from one file to another.
type importer struct {
	from, to *syntax.File
	done     map[syntax.Ref]syntax.Ref
}

func (in importer) value(v any) any {
	switch v := v.(type) {
	case syntax.Ref:
		if to, ok := in.done[v]; ok {
			return to
		}
		to := in.to.Add(nil)
		in.done[v] = to
		in.to.Objects[int(to)] = in.value(in.from.Objects[int(v)])
		return to
	case syntax.Array:
		out := syntax.Array{}
		for _, x := range v {
			out = append(out, in.value(x))
		}
		return out
	case syntax.Dict:
		return in.dict(v)
	case *syntax.Stream:
		return &syntax.Stream{Dict: in.dict(v.Dict), Raw: v.Raw}
	}
	return v
}

func (in importer) dict(d syntax.Dict) syntax.Dict {
	out := syntax.Dict{}
	for _, k := range syntax.Keys(d) {
		out[k] = in.value(d[k])
	}
	return out
}

// withoutCopy is resources without what a copy adds to them.
func withoutCopy(f *syntax.File, resources any) any {
	d := f.Dict(resources)
	objects := f.Dict(d["XObject"])
	if _, ok := objects["TieoutCopy"]; !ok {
		return resources
	}
	out, rest := syntax.Dict{}, syntax.Dict{}
	for k, v := range d {
		out[k] = v
	}
	for k, v := range objects {
		if k != "TieoutCopy" {
			rest[k] = v
		}
	}
	out["XObject"] = rest
	return out
}
