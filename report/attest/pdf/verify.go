package pdf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/report/attest"
	"tieout/report/attest/pdf/syntax"
)

// Is reports whether data begins as a PDF does.
func Is(data []byte) bool { return bytes.HasPrefix(data, []byte("%PDF-")) }

// Verify checks a report's file from the file alone: what it carries, that value,
// pages and signatures belong together, that every page shows what the value
// gives, and that nothing else is in it. password opens an encrypted copy. Each
// check is a sentence; the error is ErrAltered with the first that does not
// hold, or ErrInvalid where the file is no report of ours.
func Verify(data []byte, password string, t attest.Trust) (*attest.Checks, error) {
	v := verifier{checks: &attest.Checks{}, trust: t}
	if err := v.open(data, password); err != nil {
		v.checks.Add(attest.Bad, "%s", attest.Reason(err))
		return v.checks, err
	}
	if err := v.carried(); err != nil {
		v.checks.Add(attest.Bad, "%s", attest.Reason(err))
		return v.checks, err
	}
	v.value()
	v.pages()
	v.again()
	v.checks.VerifySignatures(v.report, v.digest, sum(v.tableFile), t)
	v.checks.VerifyAnnex(v.report, t)
	v.forReader()
	v.foreign()
	return v.checks, v.checks.Err()
}

type verifier struct {
	checks    *attest.Checks
	trust     attest.Trust
	file      *syntax.File
	strict    bool // the file's own bytes were read, not a rewritten form of them
	files     map[string]attachment
	report    attest.Report
	digest    string
	table     PageTable
	tableFile []byte
	refs      []syntax.Ref
}

// open reads the file. One that was encrypted, or that another program wrote
// again, is read in a rewritten form.
func (v *verifier) open(data []byte, password string) error {
	f, err := syntax.Parse(data)
	if err == nil && f.Trailer["Encrypt"] == nil {
		v.file, v.strict = f, true
		if bytes.Equal(f.Bytes(), data) {
			v.checks.Add(attest.Good, "%s objects, and nothing between, before or behind them", attest.Number(len(f.Objects)))
		} else {
			v.checks.Add(attest.Bad, "the file was written again by another program, or something was put between its objects")
		}
		return nil
	}
	encrypted := bytes.Contains(data, []byte("/Encrypt"))
	again, rewriteErr := rewrite(data, password, encrypted)
	if rewriteErr != nil {
		if encrypted {
			return fmt.Errorf("%w: the file is encrypted and does not open with the password given: %w", audit.ErrInvalid, rewriteErr)
		}
		return errors.Join(err, fmt.Errorf("%w: %w", audit.ErrInvalid, rewriteErr))
	}
	if v.file, rewriteErr = syntax.Parse(again); rewriteErr != nil {
		return rewriteErr
	}
	if encrypted {
		v.checks.Add(attest.Good, "the file is encrypted and opens with the password given; what follows is said of what it decrypts to")
		return nil
	}
	v.checks.Add(attest.Bad, "%s", attest.Reason(err))
	return nil
}

// carried reads the files inside.
func (v *verifier) carried() error {
	v.files = attachments(v.file)
	for _, name := range []string{ValueFile, PagesFile, SignaturesFile} {
		a, ok := v.files[name]
		if !ok {
			return fmt.Errorf("%w: %w", audit.ErrInvalid, fmt.Errorf("%w (%s)", attest.ErrNoReport, name))
		}
		if a.err != nil {
			return fmt.Errorf("%s inside the file: %w", name, a.err)
		}
	}
	var err error
	if v.report, err = attest.Parse(v.files[ValueFile].data); err != nil {
		return err
	}
	if v.report.Signatures, err = parseSignatures(v.files[SignaturesFile].data); err != nil {
		return fmt.Errorf("%s inside the file: %w", SignaturesFile, err)
	}
	v.tableFile = v.files[PagesFile].data
	if v.table, err = parsePages(v.tableFile); err != nil {
		return fmt.Errorf("%s inside the file: %w", PagesFile, err)
	}
	v.refs, err = pageRefs(v.file)
	return err
}

func parseSignatures(data []byte) ([]attest.Signature, error) {
	var out []attest.Signature
	if err := canonical.Check(data); err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	again, err := canonical.Marshal(out)
	if err == nil && !bytes.Equal(again, data) {
		err = fmt.Errorf("%w: it does not re-encode to the same bytes", audit.ErrInvalid)
	}
	return out, err
}

// value checks the value by itself, and that the page table is of it.
func (v *verifier) value() {
	r := v.report
	r.Signatures = nil
	digest, err := attest.Digest(r)
	if err != nil {
		v.checks.Add(attest.Bad, "%s", attest.Reason(err))
		return
	}
	v.digest = digest
	v.checks.Report, v.checks.Digest = r.ID, digest
	if err := attest.Check(r); err != nil {
		v.checks.Add(attest.Bad, "the value is no report: %s", attest.Reason(err))
	} else {
		v.checks.Add(attest.Good, "the value of %s parses and encodes to the same bytes, digest %s", r.ID, attest.Short(digest))
	}
	if v.table.Report != digest {
		v.checks.Add(attest.Bad, "the list of pages is of another value, %s", attest.Short(v.table.Report))
	}
}

// pages compares every page with its line of the table.
func (v *verifier) pages() {
	got, faults, err := readPages(v.file)
	if err != nil {
		v.checks.Add(attest.Bad, "the pages cannot be read: %s", attest.Reason(err))
		return
	}
	before := len(v.checks.List)
	if len(got.Pages) != len(v.table.Pages) {
		v.checks.Add(attest.Bad, "the file has %s pages, the report %s", attest.Number(len(got.Pages)), attest.Number(len(v.table.Pages)))
	}
	for _, f := range faults {
		v.checks.Add(attest.Bad, "%s", strings.ReplaceAll(attest.Reason(f), "\n", "; "))
	}
	for i := range min(len(got.Pages), len(v.table.Pages)) {
		if said := difference(got.Pages[i], v.table.Pages[i]); said != "" {
			v.checks.Add(attest.Bad, "page %d: %s", i+1, said)
		}
	}
	for _, x := range []struct{ got, want, what string }{
		{got.Resources, v.table.Resources, "the fonts, or what else the pages draw with, are"},
		{got.Sheet, v.table.Sheet, "the size of the sheet is"},
		{got.Outline, v.table.Outline, "the bookmarks are"},
		{got.About, v.table.About, "the document's title, author or subject is"},
	} {
		if x.got != x.want {
			v.checks.Add(attest.Bad, "%s not what the report has", x.what)
		}
	}
	if len(v.checks.List) == before {
		v.checks.Add(attest.Good, "%s pages show what the list of pages says, word for word", attest.Number(len(got.Pages)))
	}
}

// difference says how a page differs from its line; "" where it does not.
func difference(got, want PageLine) string {
	for i := range max(len(got.Shows), len(want.Shows)) {
		switch {
		case i >= len(got.Shows):
			return fmt.Sprintf("does not show “%s”", want.Shows[i])
		case i >= len(want.Shows):
			return fmt.Sprintf("shows “%s”, which the report does not have", got.Shows[i])
		case got.Shows[i] != want.Shows[i]:
			return wordsDiffer(got.Shows[i], want.Shows[i])
		}
	}
	switch {
	case got.Content != want.Content:
		return "shows the words of the report, but in another place, size or color, or draws something else"
	case got.Links != want.Links:
		return "its links are not those of the report"
	}
	return ""
}

// wordsDiffer names the first word that differs, and the line it is in.
func wordsDiffer(got, want string) string {
	a, b := strings.Fields(got), strings.Fields(want)
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("shows %s where the report has %s, in “%s”", strings.Trim(a[i], ".,;"), strings.Trim(b[i], ".,;"), want)
		}
	}
	return fmt.Sprintf("shows “%s” where the report has “%s”", got, want)
}

// again prints the value once more and compares with the table.
func (v *verifier) again() {
	if v.table.Renderer != Renderer {
		v.checks.Add(attest.Open, "the pages were laid out by %q and this program is %q: whether the value gives these pages is not checked", v.table.Renderer, Renderer)
		return
	}
	data, _, err := Pages(v.report)
	if err != nil {
		v.checks.Add(attest.Bad, "the value cannot be printed: %s", attest.Reason(err))
		return
	}
	if bytes.Equal(data, v.tableFile) {
		v.checks.Add(attest.Good, "the value, printed again, gives these %s pages", attest.Number(len(v.table.Pages)))
		return
	}
	again, err := parsePages(data)
	if err != nil {
		v.checks.Add(attest.Bad, "the value cannot be printed: %s", attest.Reason(err))
		return
	}
	for i := range min(len(again.Pages), len(v.table.Pages)) {
		if said := difference(v.table.Pages[i], again.Pages[i]); said != "" {
			v.checks.Add(attest.Bad, "the list of pages is not what the value gives: page %d %s", i+1, said)
			return
		}
	}
	v.checks.Add(attest.Bad, "the list of pages is not what the value gives: %s pages, or their fonts or bookmarks, in the place of %s", attest.Number(len(v.table.Pages)), attest.Number(len(again.Pages)))
}

// forReader checks the mark of a copy on every page.
func (v *verifier) forReader() {
	a, ok := v.files[CopyFile]
	if !ok {
		return
	}
	c, err := parseCopy(a)
	if err != nil {
		v.checks.Add(attest.Bad, "%s inside the file: %s", CopyFile, attest.Reason(err))
		return
	}
	want, err := c.markDigest()
	if err != nil {
		v.checks.Add(attest.Bad, "the mark of the copy: %s", attest.Reason(err))
		return
	}
	h := newHasher(v.file, v.refs)
	for i, ref := range v.refs {
		page := v.file.Dict(ref)
		parts, err := contents(v.file, page)
		form := v.file.Dict(v.file.Dict(inherited(v.file, page, "Resources"))["XObject"])["TieoutCopy"]
		got := ""
		if err == nil && len(parts) > 1 && string(parts[len(parts)-1]) == drawCopy {
			got, err = h.digest(form)
		}
		if err != nil || got != want {
			v.checks.Add(attest.Bad, "page %d: its mark is not that of the copy %s for %s", i+1, c.ID, c.Name)
			return
		}
	}
	v.checks.Add(attest.Good, "every page is marked as copy %s for %s <%s>, %s", c.ID, c.Name, c.Mail, attest.Instant(c.At))
}

func parseCopy(a attachment) (Copy, error) {
	var c Copy
	if a.err != nil {
		return c, a.err
	}
	dec := json.NewDecoder(bytes.NewReader(a.data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	again, err := canonical.Marshal(c)
	if err == nil && !bytes.Equal(again, a.data) {
		err = fmt.Errorf("%w: it does not re-encode to the same bytes", audit.ErrInvalid)
	}
	if err == nil && !c.At.Equal(c.At.UTC().Truncate(time.Second)) {
		err = fmt.Errorf("%w: its time is no whole second", audit.ErrInvalid)
	}
	return c, errors.Join(err, c.Check())
}

// markDigest is the digest of the mark as this program draws it.
func (c Copy) markDigest() (string, error) {
	f := &syntax.File{Objects: map[int]any{}, Trailer: syntax.Dict{}}
	form, err := c.form(f)
	if err != nil {
		return "", err
	}
	return newHasher(f, nil).digest(form)
}

// known are the entries that parts of our files have; rewritten ones may have
// more.
var (
	knownTrailer = []string{"Root", "Info", "ID", "Size", "Encrypt"}
	knownCatalog = []string{"Type", "Pages", "Outlines", "PageMode", "Names", "Lang", "Version", "ViewerPreferences"}
	knownOutline = []string{"Title", "Parent", "Prev", "Next", "First", "Last", "Count", "Dest", "Type"}
)

// foreign names what is in the file and not in a report of ours.
func (v *verifier) foreign() {
	before := len(v.checks.List)
	catalog := v.file.Dict(v.file.Trailer["Root"])
	v.entries("the file's trailer", v.file.Trailer, knownTrailer)
	v.entries("the file's catalog", catalog, knownCatalog)
	v.entries("the list of files inside", v.file.Dict(catalog["Names"]), []string{"EmbeddedFiles"})
	v.bookmarks(v.file.Dict(catalog["Outlines"])["First"], map[syntax.Ref]bool{})
	for name := range v.files {
		if !slices.Contains([]string{ValueFile, PagesFile, SignaturesFile, CopyFile}, name) {
			v.checks.Add(attest.Bad, "the file carries %q, which no report has", name)
		}
	}
	if _, marked := v.files[CopyFile]; !marked {
		v.unmarked()
	}
	v.loose()
	if len(v.checks.List) == before {
		v.checks.Add(attest.Good, "nothing else is in the file")
	}
}

func (v *verifier) entries(what string, d syntax.Dict, known []string) {
	for _, k := range syntax.Keys(d) {
		if !slices.Contains(known, k) {
			v.checks.Add(attest.Bad, "%s has an entry %s, which this program never writes", what, k)
		}
	}
}

// bookmarks names entries of bookmarks that ours do not have: actions.
func (v *verifier) bookmarks(at any, seen map[syntax.Ref]bool) {
	for {
		ref, ok := at.(syntax.Ref)
		if !ok || seen[ref] {
			return // that they are a tree is checked where they are read
		}
		seen[ref] = true
		item := v.file.Dict(ref)
		v.entries("a bookmark", item, knownOutline)
		v.bookmarks(item["First"], seen)
		at = item["Next"]
	}
}

// unmarked names drawings of a copy where the file says of none.
func (v *verifier) unmarked() {
	for i, ref := range v.refs {
		page := v.file.Dict(ref)
		parts, err := contents(v.file, page)
		drawn := err == nil && slices.ContainsFunc(parts, func(p []byte) bool { return string(p) == drawCopy })
		if _, has := v.file.Dict(v.file.Dict(inherited(v.file, page, "Resources"))["XObject"])["TieoutCopy"]; has || drawn {
			v.checks.Add(attest.Bad, "page %d: it has the mark of a copy, and the file does not say for whom", i+1)
			return
		}
	}
}

// loose names objects that belong to nothing: leftovers of an earlier state, or
// something put in.
func (v *verifier) loose() {
	if !v.strict {
		return
	}
	seen := map[syntax.Ref]bool{}
	reach(v.file, v.file.Trailer, seen)
	for n := 1; n < v.file.Size(); n++ {
		if _, ok := v.file.Objects[n]; ok && !seen[syntax.Ref(n)] {
			v.checks.Add(attest.Bad, "object %d belongs to nothing in the report", n)
		}
	}
}

// reach marks every object that v leads to.
func reach(f *syntax.File, v any, seen map[syntax.Ref]bool) {
	for next := []any{v}; len(next) > 0; {
		v := next[len(next)-1]
		next = next[:len(next)-1]
		switch v := v.(type) {
		case syntax.Ref:
			if !seen[v] {
				seen[v] = true
				next = append(next, f.Objects[int(v)])
			}
		case syntax.Array:
			next = append(next, v...)
		case syntax.Dict:
			next = slices.AppendSeq(next, maps.Values(v))
		case *syntax.Stream:
			next = slices.AppendSeq(next, maps.Values(v.Dict))
		}
	}
}
