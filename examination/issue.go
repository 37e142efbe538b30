package examination

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report/attest"
	"tieout/report/attest/lint"
	"tieout/report/attest/pdf"
)

// A Signer signs a digest (SHA-256, hex) with its person's own key; what is the
// signed thing in words.
type Signer func(what, digest string) (engagement.Signature, error)

// What the two signatures of a report are over, in words.
const (
	SignsReport = "report"
	SignsPages  = "pages of the report"
)

// An Issuing is what a partner says when a report is issued.
type Issuing struct {
	Dated      string // the report's day
	Report     string // digest of the report that was looked at (Final); "": as it is now
	Supersedes string // digest of another engagement's report that it takes the place of; a later report of the same engagement supersedes the one in force without a word
	Why        string // of a superseding report
	Sign       Signer // asked twice: for the value and for the pages of its PDF
}

// A Final is a report as it would be issued now, and what stands against it.
type Final struct {
	Report   attest.Report
	Digest   string
	Faults   []lint.Fault
	Standing []fieldwork.Standing // the gates, as they stand
}

// Missing are the gates that are not met, in words.
func (m *Final) Missing() (out []string) {
	for _, g := range m.Standing {
		if g.Missing != "" {
			out = append(out, g.Missing)
		}
	}
	return out
}

// Open are the reasons why it cannot be issued, in words: gates that are not met
// and errors that a reading finds. None where it can.
func (m *Final) Open() []string {
	out := m.Missing()
	for _, f := range m.Faults {
		if f.Severity == lint.Error {
			out = append(out, f.Where+": "+f.Text)
		}
	}
	return out
}

// Final makes the report as it would be issued on a day, with the wording in
// force, and keeps its value among the firm's files under its digest: what a
// partner looks at is what IssueReport signs. Where gates are not met and no report
// can be made for that, audit.ErrConflict says which. It needs report.sign, and
// issues nothing.
func (f *Firm) Final(ctx context.Context, by access.Subject, id string, o Issuing) (Final, error) {
	var m Final
	if err := access.Require(by, "report.sign", access.Object{Engagements: []string{id}}); err != nil {
		return m, err
	}
	m, err := f.final(ctx, id, o)
	if err != nil {
		return m, err
	}
	return m, f.keepValue(ctx, m.Report)
}

// final makes the report and reads it before anybody signs.
func (f *Firm) final(ctx context.Context, id string, o Issuing) (m Final, err error) {
	err = f.Files.ReadFile(ctx, id, func(s *fieldwork.State, x *fieldwork.File) error {
		m.Standing = s.StandingToIssue(x, o.Dated, superseded(x, o.Supersedes), f.P.Now())
		return nil
	})
	if err != nil {
		return m, err
	}
	w, err := f.Wording(ctx, id)
	if err != nil {
		return m, err
	}
	m.Report, err = f.report(ctx, id, w, o.Dated, o.Supersedes, false)
	if missing := m.Missing(); err != nil && len(missing) > 0 {
		return m, cannotIssue(id, missing)
	}
	if err != nil {
		return m, err
	}
	if o.Report != "" {
		if err := f.asSeen(ctx, &m.Report, o.Report); err != nil {
			return m, err
		}
	}
	if m.Digest, err = attest.Digest(m.Report); err != nil {
		return m, err
	}
	m.Faults, err = f.Lint(ctx, m.Report)
	return m, err
}

func cannotIssue(id string, why []string) error {
	return fmt.Errorf("%w: the report of %s cannot be issued: %s", audit.ErrConflict, id, strings.Join(why, "; "))
}

// asSeen puts the annex of the report that was looked at in the place of the one
// just made: logs grow while a partner reads. Everything else has to be the same.
func (f *Firm) asSeen(ctx context.Context, r *attest.Report, digest string) error {
	seen, err := f.Value(ctx, digest)
	if err != nil {
		return err
	}
	r.Annex = seen.Annex
	now, err := attest.Digest(*r)
	if err == nil && now != digest {
		err = fmt.Errorf("%w: the file has changed since the report was made: make it again, look at it, and sign it as it is then", audit.ErrConflict)
	}
	return err
}

// Unchanged reports whether the file still gives the report that was looked at;
// audit.ErrConflict where it does not.
func (f *Firm) Unchanged(ctx context.Context, id, digest string) error {
	seen, err := f.Value(ctx, digest)
	if err != nil {
		return err
	}
	w, err := f.Wording(ctx, id)
	if err != nil {
		return err
	}
	now, err := f.report(ctx, id, w, seen.Dated, seen.Supersedes, false)
	if err != nil {
		return err
	}
	return f.asSeen(ctx, &now, digest)
}

// Value reads a report's value from the firm's files by its digest.
func (f *Firm) Value(ctx context.Context, digest string) (r attest.Report, err error) {
	in, err := f.P.Blobs.Get(ctx, withPrefix(digest))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	raw, err := io.ReadAll(io.LimitReader(in, attest.MaxSize+1))
	if err != nil {
		return r, fmt.Errorf("read the report %s: %w", attest.Short(digest), err)
	}
	return attest.Parse(raw)
}

// keepValue puts a report's value among the firm's files.
func (f *Firm) keepValue(ctx context.Context, r attest.Report) error {
	raw, err := value(r)
	if err != nil {
		return err
	}
	_, _, err = f.P.Blobs.Put(ctx, bytes.NewReader(raw))
	return err
}

// IssueReport makes the final report of an engagement, has it signed, renders it in every
// format, keeps the files among the firm's and issues it: screen, command line
// and script all go through it. What is missing, or an error of the lint, is
// audit.ErrConflict and says all of it; nobody is asked to sign then. After an
// error nothing is issued. The client gets the report with the next Flush. It
// needs report.sign, and a session of the last minutes.
func (f *Firm) IssueReport(ctx context.Context, by access.Subject, id string, o Issuing) (engagement.Release, error) {
	var none engagement.Release
	if err := access.Require(by, "report.sign", access.Object{Engagements: []string{id}}); err != nil {
		return none, err
	}
	m, err := f.final(ctx, id, o)
	if err != nil {
		return none, err
	}
	if why := m.Open(); len(why) > 0 {
		return none, cannotIssue(id, why)
	}
	sig, err := signed(&m.Report, m.Digest, o.Sign)
	if err != nil {
		return none, err
	}
	files, err := f.keepFiles(ctx, m.Report)
	if err != nil {
		return none, err
	}
	return f.Files.Issue(ctx, by, id, m.Digest, files, o.Dated, m.Report.Supersedes, o.Why, sig)
}

// signed has the value and the pages signed, and returns the signature over the
// value.
func signed(r *attest.Report, digest string, sign Signer) (engagement.Signature, error) {
	if sign == nil {
		return engagement.Signature{}, fmt.Errorf("%w: a report is issued with a signature", audit.ErrUsage)
	}
	_, pages, err := pdf.Pages(*r)
	if err != nil {
		return engagement.Signature{}, err
	}
	sig, err := sign(SignsReport, digest)
	if err != nil {
		return sig, err
	}
	sheets, err := sign(SignsPages, pages)
	if err != nil {
		return sig, err
	}
	r.Signatures = []attest.Signature{attestSignature(sig), attestSignature(sheets)}
	return sig, nil
}

func attestSignature(s engagement.Signature) attest.Signature {
	return attest.Signature{Signer: s.Signer, Name: s.Name, Title: s.Title, What: s.What, Key: s.Key, Digest: s.Digest, At: s.At, Value: s.Value}
}

// keepFiles renders a signed report in every format and keeps the files.
func (f *Firm) keepFiles(ctx context.Context, r attest.Report) (out []fieldwork.IssuedFile, err error) {
	for _, format := range FormatsOf(r.Type) {
		file, err := Render(r, format.End)
		if err != nil {
			return nil, fmt.Errorf("report %s as %s: %w", r.ID, format.Name, err)
		}
		digest, size, err := f.P.Blobs.Put(ctx, bytes.NewReader(file.Data))
		if err != nil {
			return nil, fmt.Errorf("keep %s: %w", file.Name, err)
		}
		out = append(out, fieldwork.IssuedFile{Name: file.Name, Digest: strings.TrimPrefix(digest, "sha256:"), Size: size})
	}
	return out, nil
}

// Draft makes the draft of an engagement's report as its file stands, with the
// wording in force. It has no opinion and no signature.
func (f *Firm) Draft(ctx context.Context, id, dated string) (attest.Report, error) {
	w, err := f.Wording(ctx, id)
	if err != nil {
		return attest.Report{}, err
	}
	return f.report(ctx, id, w, dated, "", true)
}

// GiveDraft makes the draft, keeps it among the firm's files and gives it to
// management for factual review until a day. dated is the day the report is
// expected to have. The client gets it with the next Flush. It needs report.sign.
func (f *Firm) GiveDraft(ctx context.Context, by access.Subject, id, dated, due string) (engagement.Draft, error) {
	if err := access.Require(by, "report.sign", access.Object{Engagements: []string{id}}); err != nil {
		return engagement.Draft{}, err
	}
	r, err := f.Draft(ctx, id, dated)
	if err != nil {
		return engagement.Draft{}, err
	}
	d := engagement.Draft{Due: due}
	if d.Digest, err = attest.Digest(r); err != nil {
		return d, err
	}
	if err := f.keepValue(ctx, r); err != nil {
		return d, err
	}
	return d, f.Files.GiveDraft(ctx, by, id, d)
}

// Lint reads a report beside what this firm knows: the names of its people, and
// the texts the program is shipped with.
func (f *Firm) Lint(ctx context.Context, r attest.Report) ([]lint.Fault, error) {
	var beside lint.Beside
	accounts, err := f.P.Store.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		beside.People = append(beside.People, a.Name)
	}
	for _, c := range f.P.Def.Catalog.Controls {
		beside.Templates = append(beside.Templates, c.Description)
	}
	return lint.Lint(r, beside), nil
}

// superseded is what a report takes the place of: the one in force of its own
// engagement, else the one named.
func superseded(x *fieldwork.File, named string) string {
	own := ""
	if n := len(x.Issues); n > 0 {
		own = x.Issues[n-1].Report
	}
	return cmp.Or(own, named)
}
