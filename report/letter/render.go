package letter

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/report/attest"
	"tieout/report/attest/docx"
	"tieout/report/attest/html"
	"tieout/report/attest/pdf"
)

// ValueFile is the name of the letter's value inside the PDF.
const ValueFile = "letter.json"

// PDF prints a letter. The same letter gives the same bytes.
func PDF(l Letter) ([]byte, error) {
	d, err := Build(l)
	if err != nil {
		return nil, err
	}
	value, err := Marshal(l)
	if err != nil {
		return nil, err
	}
	return pdf.Print(d, l.Words.Signed.At.UTC().Format(time.DateOnly), map[string][]byte{ValueFile: value})
}

// HTML writes a letter as one page that needs nothing else.
func HTML(l Letter) ([]byte, error) {
	d, err := Build(l)
	if err != nil {
		return nil, err
	}
	return html.Page(d)
}

// DOCX writes a letter as a WordprocessingML document.
func DOCX(l Letter) ([]byte, error) {
	d, err := Build(l)
	if err != nil {
		return nil, err
	}
	return docx.Write(d, l.Words.Signed.At.UTC().Format(time.DateOnly))
}

// Is reports whether a file is a PDF of a letter: whether it carries one's value.
func Is(data []byte) bool {
	if !pdf.Is(data) || tooLarge(data) != nil {
		return false
	}
	_, err := pdf.Carried(data, ValueFile)
	return err == nil
}

// Verify checks a letter's PDF from the file alone: that its signature holds,
// that every page shows what the letter says, and that nothing else is in it.
// Each check is a sentence; the error is ErrAltered with the first that does not
// hold, or ErrInvalid where the file is no letter of ours.
func Verify(data []byte, t attest.Trust) (*attest.Checks, error) {
	checks := &attest.Checks{}
	if err := tooLarge(data); err != nil {
		return checks, err
	}
	value, err := pdf.Carried(data, ValueFile)
	if err != nil {
		return checks, fmt.Errorf("%w: the file is no bridge letter of Tieout: %w", audit.ErrInvalid, err)
	}
	l, err := Parse(value)
	if err != nil {
		return checks, err
	}
	again, err := PDF(l)
	if err != nil {
		return checks, err
	}
	checks.Add(verdict(bytes.Equal(again, data)), "The file is, byte for byte, what this version of the program prints of the letter it carries.")
	digest, err := l.Words.Digest()
	if err != nil {
		return checks, err
	}
	sig := l.Words.Signed
	checks.Report, checks.Digest = l.ID, digest
	checks.Add(verdict(sig.Digest == digest && sig.Verify() == nil), "Signed by %s, %s, with the key %s, over the days, the text and everything it discloses.", sig.Name, sig.Title, sig.Key)
	switch {
	case len(t.Signers) == 0:
		checks.Add(attest.Open, "Whose key that is cannot be said from the file: give the signer's key, known from elsewhere.")
	default:
		checks.Add(verdict(slices.Contains(t.Signers, sig.Key)), "The key is of a person you named.")
	}
	checks.Add(attest.Open, "Of the report it continues, company (%s), system (%s), firm (%s), type (%s), period (%s to %s), day (%s) and opinion (%s) stand in the file and are not signed: hold them against the report with digest %s. Nobody examined what the letter says.",
		l.Client, l.System, l.Firm, l.Type, attest.Day(l.First), attest.Day(l.Last), attest.Day(l.Dated), strings.TrimSuffix(l.opinions(), "."), attest.Short(l.Words.Report))
	return checks, checks.Err()
}

func verdict(holds bool) attest.Verdict {
	if holds {
		return attest.Good
	}
	return attest.Bad
}
