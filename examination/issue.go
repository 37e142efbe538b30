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
	"tieout/book"
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

	rests int64 // newest entry of the file it is made from
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

// Pages is the digest (SHA-256, hex) of the pages of the report's PDF, which are
// signed beside its value.
func (m *Final) Pages() (string, error) {
	_, pages, err := pdf.Pages(m.Report)
	return pages, err
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
	if err := f.keepValue(ctx, m.Report); err != nil {
		return m, err
	}
	return m, f.P.Store.SetMeta(ctx, madeAs(id, m.Digest), o.Dated)
}

// madeAs is what the store keeps of a report that was made to be looked at.
func madeAs(id, digest string) string { return "report made/" + id + "/" + digest }

// final makes the report and reads it before anybody signs.
func (f *Firm) final(ctx context.Context, id string, o Issuing) (m Final, err error) {
	err = f.Files.ReadFile(ctx, id, func(s *fieldwork.State, x *fieldwork.File) error {
		m.Standing, m.rests = s.StandingToIssue(x, o.Dated, superseded(x, o.Supersedes), f.P.Now()), x.Newest()
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
	if err == nil && o.Report != "" {
		err = f.asSeen(ctx, id, &m.Report, o.Report)
	}
	if missing := m.Missing(); err != nil && len(missing) > 0 {
		return m, cannotIssue(id, missing)
	}
	if err != nil {
		return m, err
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
func (f *Firm) asSeen(ctx context.Context, id string, r *attest.Report, digest string) error {
	seen, err := f.Made(ctx, id, digest)
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
	seen, err := f.Made(ctx, id, digest)
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
	return f.asSeen(ctx, id, &now, digest)
}

// Made is the value of a report of an engagement that was made here to look at
// (Final), by its digest. Whatever else the firm has under a digest, a draft or
// another engagement's report among it, is audit.ErrNotFound and nothing is told of
// it.
func (f *Firm) Made(ctx context.Context, id, digest string) (attest.Report, error) {
	if _, err := f.P.Store.Meta(ctx, madeAs(id, digest)); err != nil && !errors.Is(err, audit.ErrNotFound) {
		return attest.Report{}, err
	} else if err == nil && book.Digest("report", digest) == nil {
		r, err := f.Value(ctx, digest)
		number, named := strings.CutPrefix(r.ID, "RPT-"+id+"-")
		if err == nil && named && !strings.Contains(number, "-") && !r.Draft {
			return r, nil
		}
		if err != nil && !errors.Is(err, audit.ErrNotFound) && !errors.Is(err, audit.ErrInvalid) {
			return attest.Report{}, err
		}
	}
	return attest.Report{}, fmt.Errorf("%w: a report %s of %s was not made here: make it first, and look at it", audit.ErrNotFound, attest.Short(digest), id)
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
// format, keeps the files among the firm's and issues it: screen, command line,
// script and the interface for programs all go through it. A request that was sent
// before under its idempotency key gets the release it made then. What is missing, or an error of the lint, is
// audit.ErrConflict and says all of it; nobody is asked to sign then. After an
// error nothing is issued. The client gets the report with the next Flush. It
// needs report.sign, and a session of the last minutes.
func (f *Firm) IssueReport(ctx context.Context, by access.Subject, id string, o Issuing) (engagement.Release, error) {
	var none engagement.Release
	if err := access.Require(by, "report.sign", access.Object{Engagements: []string{id}}); err != nil {
		return none, err
	}
	if done, known, err := f.Files.Issued(ctx, by, id, o.Report); err != nil || known {
		return done, err
	}
	m, err := f.final(ctx, id, o)
	if err != nil {
		return none, err
	}
	if why := m.Open(); len(why) > 0 {
		return none, cannotIssue(id, why)
	}
	sig, err := f.signed(ctx, by, &m, o.Sign)
	if err != nil {
		return none, err
	}
	files, err := f.keepFiles(ctx, m.Report)
	if err != nil {
		return none, err
	}
	return f.Files.IssueResting(ctx, by, id, m.rests, m.Digest, files, o.Dated, m.Report.Supersedes, o.Why, sig)
}

// signed has the value and the pages signed, each by a key of the signer's own, and
// returns the signature over the value.
func (f *Firm) signed(ctx context.Context, by access.Subject, m *Final, sign Signer) (engagement.Signature, error) {
	if sign == nil {
		return engagement.Signature{}, fmt.Errorf("%w: a report is issued with a signature", audit.ErrUsage)
	}
	pages, err := m.Pages()
	if err != nil {
		return engagement.Signature{}, err
	}
	var out []engagement.Signature
	for _, x := range []struct{ what, digest string }{{SignsReport, m.Digest}, {SignsPages, pages}} {
		sig, err := sign(x.what, x.digest)
		if err == nil && (sig.What != x.what || sig.Digest != x.digest) {
			err = fmt.Errorf("%w: the signature is not over the %s as they are: %s", audit.ErrAltered, x.what, attest.Short(x.digest))
		}
		if err == nil {
			err = Keys{Store: f.P.Store}.CheckSignature(ctx, by.Account, sig)
		}
		if err != nil {
			return engagement.Signature{}, err
		}
		m.Report.Signatures = append(m.Report.Signatures, attestSignature(sig))
		out = append(out, sig)
	}
	return out[0], nil
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
// expected to have. The client gets it with the next Flush. Where it cannot be made
// and gates before it are not met, audit.ErrConflict says which. A request that was
// sent before under its idempotency key gets the draft it gave then. It needs
// report.sign.
func (f *Firm) GiveDraft(ctx context.Context, by access.Subject, id, dated, due string) (engagement.Draft, error) {
	if err := access.Require(by, "report.sign", access.Object{Engagements: []string{id}}); err != nil {
		return engagement.Draft{}, err
	}
	if done, known, err := f.Files.GivenDraft(ctx, by, id, due); err != nil || known {
		return done, err
	}
	r, err := f.Draft(ctx, id, dated)
	if err != nil {
		return engagement.Draft{}, f.undrafted(ctx, id, err)
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

// undrafted is why no draft can be made: the gates before it that are not met, else
// err itself.
func (f *Firm) undrafted(ctx context.Context, id string, err error) error {
	var missing []string
	rerr := f.Files.ReadFile(ctx, id, func(s *fieldwork.State, x *fieldwork.File) error {
		for _, g := range s.Standing(x, "draft.give", "", f.P.Now()) {
			if g.Missing != "" {
				missing = append(missing, g.Missing)
			}
		}
		return nil
	})
	if rerr != nil || len(missing) == 0 {
		return err
	}
	return fmt.Errorf("%w: no draft of %s can be given: %s", audit.ErrConflict, id, strings.Join(missing, "; "))
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
	if beside.Base, err = f.base(ctx, r); err != nil {
		return nil, err
	}
	return lint.Lint(r, beside), nil
}

// base are the modified opinions that a report for general use rests on, by the
// file of the engagement it is made from. Its number names that: RPT-EN-3-1.
func (f *Firm) base(ctx context.Context, r attest.Report) (out []lint.Matter, err error) {
	err = f.Files.Read(ctx, func(s *fieldwork.State) error {
		for _, x := range s.Files {
			if !r.Type.Public() || !strings.HasPrefix(r.ID, "RPT-"+x.Terms.ID+"-") {
				continue
			}
			for _, m := range s.Matters(x) {
				out = append(out, lint.Matter{Of: m.Of, Part: string(m.Part), Word: string(m.Opinion), Basis: m.Basis})
			}
		}
		return nil
	})
	return out, err
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
