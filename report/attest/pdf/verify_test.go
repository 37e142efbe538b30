package pdf

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/report/attest"
	"tieout/report/attest/attesttest"
	"tieout/report/attest/pdf/syntax"
)

// released is the invented report, signed, with its annex; printed once.
var released = sync.OnceValue(func() []byte {
	r := attesttest.WithAnnex(attesttest.TypeII())
	_, pages, err := Pages(r)
	if err != nil {
		panic(err)
	}
	data, err := Render(attesttest.Signed(r, pages))
	if err != nil {
		panic(err)
	}
	return data
})

var reader = Copy{ID: "C-7", Name: "Inês Ferreira", Mail: "ines@buyer.example", At: time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)}

func marked(t testing.TB) []byte {
	t.Helper()
	data, _, err := MakeCopy(released(), Options{Copy: &reader})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func encrypted(t testing.TB) []byte {
	t.Helper()
	data, _, err := MakeCopy(released(), Options{Copy: &reader, Password: "secret-word"})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t testing.TB, data []byte) *syntax.File {
	t.Helper()
	f, err := syntax.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func said(c *attest.Checks) string {
	var b strings.Builder
	for _, x := range c.List {
		b.WriteString(x.Verdict.String() + " " + x.Sentence + "\n")
	}
	return b.String()
}

func TestVerifyHolds(t *testing.T) {
	trust := attest.Trust{Signers: []string{attesttest.Sign(attest.Signature{Digest: strings.Repeat("0", 64), What: "x", At: reader.At}).Key}}
	for _, l := range attesttest.WithAnnex(attesttest.TypeII()).Annex.Logs {
		trust.Checkpoints = append(trust.Checkpoints, []byte(l.Checkpoint))
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"report":    {released(), "ok the value, printed again, gives these"},
		"copy":      {marked(t), "ok every page is marked as copy C-7 for Inês Ferreira <ines@buyer.example>, 1 Mar 2027 08:00:00 UTC"},
		"encrypted": {encrypted(t), "ok the file is encrypted and opens with the password given"},
	} {
		checks, err := Verify(c.data, "secret-word", trust)
		if err != nil || strings.Contains(said(checks), "open ") || !strings.Contains(said(checks), c.want) {
			t.Errorf("%s: %v\n%s", name, err, said(checks))
		}
		if checks.Sentence() != "As it was issued." || checks.Report != "RPT-EN-1-1" {
			t.Errorf("%s: %q, report %q", name, checks.Sentence(), checks.Report)
		}
	}
}

// redraw changes the words of one page: the first time it shows old it shows new.
func redraw(t testing.TB, f *syntax.File, old, replacement string) (page int) {
	t.Helper()
	refs, err := pageRefs(f)
	if err != nil {
		t.Fatal(err)
	}
	for i, ref := range refs {
		parts, err := contents(f, f.Dict(ref))
		if err != nil {
			t.Fatal(err)
		}
		if data, ok := swap(parts[0], old, replacement); ok {
			f.Dict(ref)["Contents"] = f.Add(syntax.Deflated(nil, data))
			return i + 1
		}
	}
	t.Fatalf("no page shows %q", old)
	return 0
}

func swap(content []byte, old, replacement string) ([]byte, bool) {
	wide := func(s string) []byte {
		var b []byte
		for _, r := range s {
			b = append(b, byte(r>>8), byte(r)) //nolint:gosec // ASCII
		}
		return b
	}
	if !bytes.Contains(content, wide(old)) {
		return nil, false
	}
	return bytes.Replace(content, wide(old), wide(replacement), 1), true
}

// dropLoose takes out what belongs to nothing: a careful forger leaves none.
func dropLoose(f *syntax.File) {
	seen := map[syntax.Ref]bool{}
	reach(f, f.Trailer, seen)
	for n := range f.Objects {
		if !seen[syntax.Ref(n)] {
			delete(f.Objects, n)
		}
	}
}

// TestOneDigitIsNamed is the issue's own example, on a file that is whole in every
// other way.
func TestOneDigitIsNamed(t *testing.T) {
	f := parse(t, released())
	page := redraw(t, f, "148 items, 15 tested", "148 items, 14 tested")
	dropLoose(f)
	checks, err := Verify(f.Bytes(), "", attest.Trust{})
	want := "page " + itoa(page) + ": shows 14 where the report has 15, in “148 items, 15 tested, 2 with"
	if !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want ErrAltered with %q\n%s", err, want, said(checks))
	}
	if n := strings.Count(said(checks), "not ok"); n != 1 {
		t.Errorf("%d checks do not hold, want this one\n%s", n, said(checks))
	}
}

// replaceFile puts other bytes in the place of a file inside.
func replaceFile(t testing.TB, f *syntax.File, name string, change func([]byte) []byte) {
	t.Helper()
	a, ok := attachments(f)[name]
	if !ok || a.err != nil {
		t.Fatalf("%s: %v", name, a.err)
	}
	attach(f, map[string][]byte{name: change(a.data)})
	dropLoose(f)
}

func TestAlterationsAreNamed(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	replace := func(old, replacement string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(replacement), 1) }
	}
	catalog := func(f *syntax.File) syntax.Dict { return f.Dict(f.Trailer["Root"]) }
	for name, c := range map[string]struct {
		change func(t *testing.T, f *syntax.File)
		want   string
	}{
		"page and list of pages alike": {func(t *testing.T, f *syntax.File) {
			redraw(t, f, "148 items, 15 tested", "148 items, 14 tested")
			table, _, err := readPages(f)
			if err != nil {
				t.Fatal(err)
			}
			replaceFile(t, f, PagesFile, func(old []byte) []byte { return relist(t, old, table) })
		}, "the list of pages is not what the value gives: page "},
		"value": {func(t *testing.T, f *syntax.File) {
			replaceFile(t, f, ValueFile, replace(`"sample":15`, `"sample":14`))
		}, "the list of pages is of another value"},
		"a digit of the value, signatures": {func(t *testing.T, f *syntax.File) {
			replaceFile(t, f, ValueFile, replace(`"sample":15`, `"sample":14`))
		}, "the signature of Ada Quill covers"},
		"signature": {func(t *testing.T, f *syntax.File) {
			replaceFile(t, f, SignaturesFile, replace(`"Partner"`, `"Manager"`))
		}, "the signature of \"Ada Quill\""},
		"words in another place": {func(t *testing.T, f *syntax.File) { move(t, f) }, "page 4: shows the words of the report, but in another place"},
		"a page taken out": {func(t *testing.T, f *syntax.File) {
			pages := f.Dict(catalog(f)["Pages"])
			pages["Kids"] = pages["Kids"].(syntax.Array)[1:]
		}, "the file has 18 pages, the report 19"},
		"two pages exchanged": {func(t *testing.T, f *syntax.File) {
			kids := f.Dict(catalog(f)["Pages"])["Kids"].(syntax.Array)
			kids[3], kids[4] = kids[4], kids[3]
		}, "page 4: "},
		"something laid over a page": {func(t *testing.T, f *syntax.File) {
			refs, _ := pageRefs(f)
			f.Dict(refs[4])["Annots"] = syntax.Array{syntax.Dict{"Type": syntax.Name("Annot"), "Subtype": syntax.Name("FreeText")}}
		}, "page 5: something other than a link lies on it"},
		"a link elsewhere": {func(t *testing.T, f *syntax.File) {
			refs, _ := pageRefs(f)
			annots := f.Array(f.Dict(refs[1])["Annots"])
			f.Dict(annots[0])["Dest"] = f.Dict(annots[3])["Dest"]
		}, "page 2: its links are not those of the report"},
		"another font": {func(t *testing.T, f *syntax.File) {
			refs, _ := pageRefs(f)
			fonts := f.Dict(f.Dict(inherited(f, f.Dict(refs[0]), "Resources"))["Font"])
			keys := syntax.Keys(fonts)
			fonts[keys[0]], fonts[keys[1]] = fonts[keys[1]], fonts[keys[0]]
		}, "the fonts, or what else the pages draw with, are not what the report has"},
		"an image over the words": {func(t *testing.T, f *syntax.File) {
			refs, _ := pageRefs(f)
			f.Dict(refs[4])["Contents"] = syntax.Array{f.Dict(refs[4])["Contents"], f.Add(syntax.Deflated(nil, []byte("q /I1 Do Q")))}
		}, `page 5: it draws with "Do"`},
		"a bookmark": {func(t *testing.T, f *syntax.File) {
			f.Dict(f.Dict(catalog(f)["Outlines"])["First"])["Title"] = syntax.String("Unmodified")
		}, "the bookmarks are not what the report has"},
		"the title": {func(t *testing.T, f *syntax.File) { f.Dict(f.Trailer["Info"])["Title"] = syntax.String("x") }, "the document's title"},
		"a script": {func(t *testing.T, f *syntax.File) {
			catalog(f)["OpenAction"] = syntax.Dict{"S": syntax.Name("JavaScript")}
		}, "catalog has an entry OpenAction"},
		"one more file":    {func(t *testing.T, f *syntax.File) { attach(f, map[string][]byte{"notes.txt": []byte("x")}) }, `the file carries "notes.txt"`},
		"one more object":  {func(t *testing.T, f *syntax.File) { f.Add(syntax.String("x")) }, "belongs to nothing in the report"},
		"a file taken out": {func(t *testing.T, f *syntax.File) { delete(catalog(f), "Names") }, "the file carries no report"},
		"the mark of a copy": {func(t *testing.T, f *syntax.File) {
			form, err := reader.form(f)
			if err != nil || draw(f, form) != nil {
				t.Fatal(err)
			}
		}, "page 1: it has the mark of a copy, and the file does not say for whom"},
	} {
		t.Run(name, func(t *testing.T) {
			f := parse(t, released())
			c.change(t, f)
			checks, err := Verify(f.Bytes(), "", attest.Trust{})
			if err == nil || !strings.Contains(said(checks), c.want) {
				t.Errorf("got %v\n%swant %q", err, said(checks), c.want)
			}
		})
	}
}

// relist is a list of pages with the lines of another.
func relist(t *testing.T, old []byte, lines PageTable) []byte {
	t.Helper()
	table, err := parsePages(old)
	if err != nil {
		t.Fatal(err)
	}
	table.Pages = lines.Pages
	return mustMarshal(t, table)
}

// move shifts a line of page 4.
func move(t *testing.T, f *syntax.File) {
	t.Helper()
	refs, err := pageRefs(f)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := contents(f, f.Dict(refs[3]))
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`BT 116\.00`)
	place := at.FindIndex(parts[0])
	data := slices.Concat(parts[0][:place[0]], []byte("BT 118.00"), parts[0][place[1]:])
	f.Dict(refs[3])["Contents"] = f.Add(syntax.Deflated(nil, data))
	dropLoose(f)
}

func TestBytesAroundTheObjectsAreNamed(t *testing.T) {
	good := released()
	later := append(slices.Clone(good), []byte("1 0 obj\n<</Type /Catalog>>\nendobj\nxref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 2 /Prev 9>>\nstartxref\n9\n%%EOF\n")...)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"a later state appended": {later, "something was appended to it after it was made"},
		"a comment in front":     {bytes.Replace(good, []byte("\n1 0 obj"), []byte("\n% x\n1 0 obj"), 1), ""},
		"a comment behind":       {append(slices.Clone(good), '%', 'x'), "something was appended"},
		"cut off":                {good[:len(good)/2], ""},
	} {
		checks, err := Verify(c.data, "", attest.Trust{})
		if err == nil || !strings.Contains(said(checks), c.want) || !strings.Contains(said(checks), "not ok") {
			t.Errorf("%s: got %v\n%s", name, err, said(checks))
		}
	}
}

// TestEveryByteCounts flips single bytes all over the file.
func TestEveryByteCounts(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	good := released()
	for i := 0; i < len(good); i += len(good)/25 + 1 {
		bad := slices.Clone(good)
		bad[i] ^= 0x20
		if _, err := Verify(bad, "", attest.Trust{}); err == nil {
			t.Errorf("byte %d of %d changed, and the file verifies", i, len(good))
		}
	}
}

// TestAnotherProgramsHand: qpdf takes the file apart, a digit is changed in its
// text, qpdf puts it together; that is what a forger does.
func TestAnotherProgramsHand(t *testing.T) {
	qpdf, err := exec.LookPath("qpdf")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("qpdf is missing; CI must have it (scripts/need.sh)")
		}
		t.Skip("qpdf is not installed")
	}
	dir := t.TempDir()
	in, open, out := filepath.Join(dir, "in.pdf"), filepath.Join(dir, "open.pdf"), filepath.Join(dir, "out.pdf")
	if err := os.WriteFile(in, released(), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.Command(qpdf, "--qdf", "--normalize-content=n", in, open).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	data, err := os.ReadFile(open)
	if err != nil {
		t.Fatal(err)
	}
	data, ok := swap(data, "148 items, 15 tested", "148 items, 14 tested")
	if !ok || os.WriteFile(open, data, 0o600) != nil {
		t.Fatal("the line is not in the open file")
	}
	for _, mode := range []string{"--object-streams=generate", "--object-streams=disable"} {
		if b, err := exec.Command(qpdf, mode, open, out).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		forged, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		checks, err := Verify(forged, "", attest.Trust{})
		if !errors.Is(err, audit.ErrAltered) || !strings.Contains(said(checks), "shows 14 where the report has 15") {
			t.Errorf("%s: got %v\n%s", mode, err, said(checks))
		}
	}
}

func TestEncryptedCopyNeedsItsPassword(t *testing.T) {
	data := encrypted(t)
	if bytes.Contains(data, []byte("In\xc3\xaas")) || bytes.Contains(data, []byte("RPT-EN-1-1")) {
		t.Error("the encrypted copy shows what it holds")
	}
	checks, err := Verify(data, "another", attest.Trust{})
	if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(said(checks), "does not open with the password given") {
		t.Errorf("got %v\n%s", err, said(checks))
	}
}

func TestPasswordsThatReadersTakeDifferently(t *testing.T) {
	for _, password := range []string{"short", "with a space", "größer-als-7", strings.Repeat("x", 128)} {
		if _, _, err := MakeCopy(released(), Options{Password: password}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%q: got %v, want ErrInvalid", password, err)
		}
	}
}

func TestCopies(t *testing.T) {
	one, digest, err := MakeCopy(released(), Options{Copy: &reader})
	if err != nil {
		t.Fatal(err)
	}
	if digest != sum(one) || !bytes.Equal(one, marked(t)) {
		t.Error("the same copy is not the same bytes, or not those of its digest")
	}
	if _, _, err := MakeCopy(one, Options{Copy: &reader}); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("a copy of a copy: got %v, want ErrConflict", err)
	}
	for name, c := range map[string]Copy{
		"no id": {Name: "a", Mail: "b", At: reader.At}, "no time": {ID: "c", Name: "a", Mail: "b"},
		"two lines": {ID: "c", Name: "a\nb", Mail: "b", At: reader.At}, "long": {ID: "c", Name: strings.Repeat("a", 301), Mail: "b", At: reader.At},
	} {
		if _, _, err := MakeCopy(released(), Options{Copy: &c}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

// TestACopyForAnother: neither the name in the file inside nor the mark can be
// changed alone.
func TestACopyForAnother(t *testing.T) {
	f := parse(t, marked(t))
	replaceFile(t, f, CopyFile, func(b []byte) []byte { return bytes.Replace(b, []byte("Ferreira"), []byte("Ferreiro"), 1) })
	checks, err := Verify(f.Bytes(), "", attest.Trust{})
	if !errors.Is(err, audit.ErrAltered) || !strings.Contains(said(checks), "page 1: its mark is not that of the copy C-7") {
		t.Errorf("got %v\n%s", err, said(checks))
	}
	f = parse(t, marked(t))
	refs, err := pageRefs(f)
	if err != nil {
		t.Fatal(err)
	}
	f.Dict(refs[2])["Contents"] = f.Array(f.Dict(refs[2])["Contents"])[0]
	checks, err = Verify(f.Bytes(), "", attest.Trust{})
	if !errors.Is(err, audit.ErrAltered) || !strings.Contains(said(checks), "page 3: its mark is not that of the copy C-7") {
		t.Errorf("got %v\n%s", err, said(checks))
	}
}

// TestLayoutOfAnotherVersion: what cannot be printed again is said to be open,
// never to hold.
func TestLayoutOfAnotherVersion(t *testing.T) {
	f := parse(t, released())
	replaceFile(t, f, PagesFile, func(b []byte) []byte { return bytes.Replace(b, []byte(Renderer), []byte("tieout report pdf 0"), 1) })
	checks, err := Verify(f.Bytes(), "", attest.Trust{})
	if !strings.Contains(said(checks), `open the pages were laid out by "tieout report pdf 0"`) || !errors.Is(err, audit.ErrAltered) {
		t.Errorf("got %v\n%s", err, said(checks)) // the signature over the pages is of another list
	}
}

// small is a file of one page, as ours are, that a fuzzer can try often.
func small() []byte {
	f := &syntax.File{Objects: map[int]any{}, Trailer: syntax.Dict{}}
	pages, page := f.Add(nil), f.Add(nil)
	resources := f.Add(syntax.Dict{"Font": syntax.Dict{}, "XObject": syntax.Dict{}})
	content := f.Add(&syntax.Stream{Dict: syntax.Dict{}, Raw: []byte("BT /F1 8 Tf 1 2 Td (\x00a\x001) Tj ET")})
	box := syntax.Array{syntax.Number("0"), syntax.Number("0"), syntax.Number("612"), syntax.Number("792")}
	link := syntax.Dict{"Subtype": syntax.Name("Link"), "Dest": syntax.Array{page}}
	f.Objects[int(page)] = syntax.Dict{"Type": syntax.Name("Page"), "Parent": pages, "Resources": resources, "Contents": content, "Annots": syntax.Array{link}}
	f.Objects[int(pages)] = syntax.Dict{"Type": syntax.Name("Pages"), "Kids": syntax.Array{page}, "Count": syntax.Number("1"), "MediaBox": box}
	item := f.Add(syntax.Dict{"Title": syntax.String("One"), "Dest": syntax.Array{page}})
	f.Trailer["Root"] = f.Add(syntax.Dict{"Type": syntax.Name("Catalog"), "Pages": pages, "Outlines": f.Add(syntax.Dict{"First": item, "Last": item})})
	f.Trailer["Info"] = f.Add(syntax.Dict{"Title": syntax.String("x")})
	attach(f, map[string][]byte{ValueFile: []byte("{}")})
	return f.Bytes()
}

func FuzzReadPages(f *testing.F) {
	f.Add(small())
	f.Add([]byte("%PDF-1.7\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := syntax.Parse(data)
		if err != nil {
			return
		}
		table, _, err := readPages(file)
		if again, _, againErr := readPages(file); err == nil && (againErr != nil || !bytes.Equal(mustMarshal(t, again), mustMarshal(t, table))) {
			t.Error("the pages read twice differ")
		}
		attachments(file)
		reach(file, file.Trailer, map[syntax.Ref]bool{})
	})
}

func FuzzExtract(f *testing.F) {
	f.Add([]byte("q 0.1 0.2 0.3 rg BT 1.00 2.00 Td (\x00a\x00b) Tj ET Q"))
	f.Add([]byte("/I1 Do"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if words, err := Extract(content); err == nil && words == nil {
			t.Error("no words and no error")
		}
	})
}
