package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/report/attest"
	"tieout/report/attest/pdf"
	"tieout/report/letter"
)

// attested are the flags of what a reader of a service auditor's report knows.
type attested struct {
	signers      []string
	checkpoints  []string
	passwordFile string
}

func (t *attested) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&t.signers, "signer", nil, "of a report's PDF: public key of a person who signed it, known from elsewhere; may be repeated")
	f.StringArrayVar(&t.checkpoints, "checkpoint", nil, "of a report's PDF: file with a published checkpoint of a log in its annex; may be repeated")
	f.StringVar(&t.passwordFile, "password-file", "", "of an encrypted PDF: file with its password")
}

// maxNote is how many bytes a checkpoint or a password file may have.
const maxNote = 1 << 16

func (t *attested) trust() (attest.Trust, string, error) {
	out := attest.Trust{Signers: t.signers}
	for _, name := range t.checkpoints {
		note, err := readBounded(name, maxNote)
		if err != nil {
			return out, "", fmt.Errorf("--checkpoint: %w", err)
		}
		out.Checkpoints = append(out.Checkpoints, note)
	}
	if t.passwordFile == "" {
		return out, "", nil
	}
	password, err := readBounded(t.passwordFile, maxNote)
	if err != nil {
		return out, "", fmt.Errorf("--password-file: %w", err)
	}
	return out, strings.TrimRight(string(password), "\r\n"), nil
}

// readBounded reads a whole file of at most so many bytes.
func readBounded(name string, most int64) ([]byte, error) {
	f, size, err := openFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := fits(name, size, most); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, most))
}

func fits(name string, size, most int64) error {
	if size > most {
		return fmt.Errorf("%w: %s has %d bytes; the most read is %d", audit.ErrInvalid, name, size, most)
	}
	return nil
}

// bounded refuses a file that readBounded would.
func bounded(name string, most int64) error {
	f, size, err := openFile(name)
	if err != nil {
		return err
	}
	return errors.Join(fits(name, size, most), f.Close())
}

// isReport reports whether a file begins as a PDF does.
func isReport(name string) (bool, error) {
	f, _, err := openFile(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 5)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, fmt.Errorf("%w: %w", audit.ErrUnavailable, err)
	}
	return pdf.Is(head[:n]), nil
}

// maxReport is how many bytes a report's PDF may have.
const maxReport = 256 << 20

func (a *app) verifyReport(name string, t *attested) error {
	trust, password, err := t.trust()
	if err != nil {
		return err
	}
	data, err := readBounded(name, maxReport)
	if err != nil {
		return err
	}
	verify := func() (*attest.Checks, error) { return pdf.Verify(data, password, trust) }
	if letter.Is(data) {
		verify = func() (*attest.Checks, error) { return letter.Verify(data, trust) }
	}
	checks, err := verify()
	return errors.Join(a.printReportChecks(checks), err)
}

func (a *app) printReportChecks(checks *attest.Checks) error {
	if a.output == "json" {
		list := []map[string]string{}
		for _, c := range checks.List {
			list = append(list, map[string]string{"verdict": c.Verdict.String(), "check": c.Sentence})
		}
		return a.writeJSON("tieout.verify/1", checks.Sentence(), "checks", list)
	}
	for _, c := range checks.List {
		fmt.Fprintf(a.env.Stdout, "  %-6s  %s\n", c.Verdict, c.Sentence)
	}
	a.say("  " + checks.Sentence())
	return nil
}
