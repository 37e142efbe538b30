package letter_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement/signature"
	"tieout/report/attest"
	"tieout/report/letter"
)

const passphrase = "four words nobody guesses here"

// once is the example, signed once: wrapping a key is slow on purpose.
var once = sync.OnceValue(func() letter.Letter { return sign(unsigned(), "Sam Ibe") })

// example is a letter with a qualified opinion and an incident, signed.
func example(testing.TB) letter.Letter {
	l := once()
	l.Words.Disclosed, l.Opinions = slices.Clone(l.Words.Disclosed), maps.Clone(l.Opinions)
	return l
}

func unsigned() letter.Letter {
	return letter.Letter{Schema: letter.Schema, ID: "EN-1-L-1", Client: "Halyard, Inc.", Firm: "Brookline Assurance LLP", System: "Halyard Cloud", Zone: "America/New_York", Type: attest.SOC2TypeII,
		First: "2026-01-01", Last: "2026-12-31", Dated: "2027-02-10", Opinions: map[string]string{"description": "Unmodified", "design": "Unmodified", "operation": "Qualified"},
		Words: letter.Words{Report: strings.Repeat("3f", 32), From: "2027-01-01", To: "2027-03-15", Text: "The controls that the report names are **still in place**, but for what follows.\n\n- None was retired.", Next: "2028-02-28", Limit: 92,
			Known: []string{"incident:INC-4"},
			Disclosed: []letter.Disclosure{{Ref: "incident:INC-4", Text: "Pages were slow for two hours on 3 February 2027.\nNo data was lost."},
				{Ref: "opinion:operation", Text: "Access of three leavers ended late; since June 2026 it ends by itself."}}}}
}

func sign(l letter.Letter, name string) letter.Letter {
	wrapped, _, err := signature.New(name, passphrase)
	if err != nil {
		panic(err)
	}
	digest, err := l.Words.Digest()
	if err != nil {
		panic(err)
	}
	s, err := signature.Sign(wrapped, passphrase, signature.Statement{Signer: "01900000-0000-7000-8000-0000000000b2", Name: name, Title: "Chief Executive Officer", What: "bridge letter", Digest: digest, At: time.Date(2027, 3, 16, 2, 0, 0, 0, time.UTC)})
	if err != nil {
		panic(err)
	}
	l.Words.Signed = attest.Signature{Signer: s.Signer, Name: s.Name, Title: s.Title, What: s.What, Key: s.Key, Digest: s.Digest, At: s.At, Value: s.Value}
	return l
}

func TestWords(t *testing.T) {
	d, err := letter.Build(example(t))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, b := range d.Parts[0].Blocks {
		for _, r := range b.Runs {
			all.WriteString(r.Text)
		}
		if b.Table != nil {
			for _, r := range b.Table.Rows {
				for _, c := range r.Cells {
					all.WriteString(c.Text() + "\n")
				}
			}
		}
		all.WriteString(strings.Join(b.Lines, "\n") + "\n")
	}
	for _, want := range []string{"15 March 2027", "Nobody examined it", "Brookline Assurance LLP gives no assurance by it", "for the period 1 January 2026 to 31 December 2026, dated 10 February 2027",
		"Its opinion on the operating effectiveness of controls is qualified.", "the 74 days after that period: 1 January 2027 to 15 March 2027", "Incident\nINC-4", "Opinion of the report\nOperating effectiveness of controls",
		"Pages were slow for two hours", "Sam Ibe\nChief Executive Officer\nHalyard, Inc."} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("the letter does not say %q:\n%s", want, all.String())
		}
	}
}

func TestNothingToDisclose(t *testing.T) {
	l := example(t)
	l.Opinions["operation"], l.Words.Known, l.Words.Disclosed = "Unmodified", []string{}, []letter.Disclosure{}
	raw, err := letter.HTML(sign(l, "Sam Ibe"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Its opinion is unmodified.", "held no incident, no deviation of a control"} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name   string
		change func(*letter.Letter)
		want   string
	}{
		{"an incident that is not told", func(l *letter.Letter) { l.Words.Disclosed = l.Words.Disclosed[1:] }, "does not disclose incident:INC-4"},
		{"an incident told with no word", func(l *letter.Letter) { l.Words.Disclosed[0].Text = " \n" }, "does not disclose incident:INC-4"},
		{"a qualified opinion that is not told", func(l *letter.Letter) { l.Words.Disclosed = l.Words.Disclosed[:1] }, "does not disclose opinion:operation"},
		{"as of a date", func(l *letter.Letter) { l.Type = attest.SOC2TypeI }, "speaks of a date"},
		{"no text", func(l *letter.Letter) { l.Words.Text = "" }, "no text"},
		{"no day", func(l *letter.Letter) { l.Words.To = "soon" }, "is no day"},
		{"nobody's", func(l *letter.Letter) { l.Words.Signed.Name = "" }, "its signer"},
		{"an opinion on nothing", func(l *letter.Letter) { l.Opinions[""] = "Qualified" }, `has no opinion on ""`},
		{"an opinion on another part", func(l *letter.Letter) { l.Opinions["soul"] = "Unmodified" }, `has no opinion on "soul"`},
		{"an opinion that is none", func(l *letter.Letter) { l.Opinions["design"] = "Splendid" }, `"Splendid" is no opinion`},
		{"days in the report's period", func(l *letter.Letter) { l.Words.From = l.Last }, "in the period of the report"},
		{"days that end before they begin", func(l *letter.Letter) { l.Words.To = "2026-12-01" }, "before it begins on 2027-01-01"},
		{"another zone", func(l *letter.Letter) { l.Zone = "Mars/Olympus" }, "time zone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := example(t)
			tt.change(&l)
			_, err := letter.PDF(l)
			if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestVerify: a letter's PDF is checked from the file alone, and a changed one is
// found out.
func TestVerify(t *testing.T) {
	l := example(t)
	file, err := letter.PDF(l)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := letter.PDF(l); err != nil || !bytes.Equal(again, file) || !letter.Is(file) {
		t.Errorf("two printings differ (%v), or it is no letter", err)
	}
	checks, err := letter.Verify(file, attest.Trust{Signers: []string{l.Words.Signed.Key}})
	if err != nil || len(checks.List) != 4 || checks.List[2].Verdict != attest.Good {
		t.Errorf("%v: %+v", err, checks.List)
	}
	open := checks.List[3]
	for _, unsigned := range []string{l.Client, l.System, l.Firm, "SOC 2 Type II", "1 January 2026 to 31 December 2026", "10 February 2027", "qualified", "are not signed"} {
		if open.Verdict != attest.Open || !strings.Contains(open.Sentence, unsigned) {
			t.Errorf("what is not signed is not said to be open: %q in %+v", unsigned, open)
		}
	}
	other := sign(unsigned(), "Sam Ibe")
	if _, err := letter.Verify(file, attest.Trust{Signers: []string{other.Words.Signed.Key}}); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("another person's key: got %v, want ErrAltered", err)
	}
	forged := l
	forged.Words.Disclosed = []letter.Disclosure{{Ref: "incident:INC-4", Text: "Nothing of note."}, l.Words.Disclosed[1]}
	file2, err := letter.PDF(forged)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := letter.Verify(file2, attest.Trust{}); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("words that were not signed: got %v, want ErrAltered", err)
	}
	if _, err := letter.Verify(append(slices.Clone(file), "\n% more\n"...), attest.Trust{}); err == nil {
		t.Error("a file with something behind it is taken")
	}
	if _, err := letter.Verify([]byte("%PDF-1.7\n"), attest.Trust{}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("another PDF: got %v, want ErrInvalid", err)
	}
}

// TestFormats: every format carries what the letter discloses, and a reader of
// PDFs and one of documents open them.
func TestFormats(t *testing.T) {
	l := example(t)
	page, err := letter.HTML(l)
	if err != nil || !bytes.Contains(page, []byte("Pages were slow")) || bytes.Contains(page, []byte("Service auditor")) || !bytes.Contains(page, []byte("<title>Bridge letter: Halyard, Inc., Halyard Cloud</title>")) {
		t.Errorf("the page: %v\n%s", err, page)
	}
	doc, err := letter.DOCX(l)
	if err != nil || !bytes.HasPrefix(doc, []byte("PK")) {
		t.Errorf("the document: %v", err)
	}
	file, err := letter.PDF(l)
	if err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("TIEOUT_LETTERS"); dir != "" {
		for name, data := range map[string][]byte{"letter.html": page, "letter.docx": doc, "letter.pdf": file} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext is not installed here; the words of the pages are held to the document by package pdf")
	}
	path := filepath.Join(t.TempDir(), "letter.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool, "-layout", path, "-").Output()
	if err != nil || !strings.Contains(string(out), "Pages were slow") || !strings.Contains(string(out), "Page 1 of") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func FuzzParse(f *testing.F) {
	raw, err := letter.Marshal(example(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"schema":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := letter.Parse(data)
		if err != nil {
			if !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		again, err := letter.Marshal(l)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("it does not re-encode: %v", err)
		}
		if _, err := letter.HTML(l); err != nil {
			t.Errorf("what Parse took has no page: %v", err)
		}
	})
}
