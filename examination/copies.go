package examination

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/report/attest/pdf"
)

// maxPDF is how large the PDF of a report may be that is read, in bytes.
const maxPDF = 256 << 20

// A Copying says what copy of a report's PDF is made, and for whom.
type Copying struct {
	For      string // name of the recipient
	Mail     string
	Why      string // what it is given for
	Mark     bool   // every page names the recipient
	Password string // encrypt with AES-256; it is asked for to open the copy, and kept nowhere
}

// CopyReport makes a copy of the PDF of the report in force for one recipient and
// keeps that in the firm's log before it returns the copy. It needs report.copy.
func (f *Firm) CopyReport(ctx context.Context, by access.Subject, id string, c Copying) (File, engagement.Copy, error) {
	if err := access.Require(by, "report.copy", access.Object{Engagements: []string{id}}); err != nil {
		return File{}, engagement.Copy{}, err
	}
	var of engagement.Copy
	blob := ""
	err := f.Files.ReadFile(ctx, id, func(_ *fieldwork.State, x *fieldwork.File) error {
		n := len(x.Issues)
		if n == 0 {
			return fmt.Errorf("%w: no report of %s is issued yet", audit.ErrConflict, id)
		}
		of.Report = x.Issues[n-1].Report
		for _, file := range x.Issues[n-1].Digests {
			if strings.HasSuffix(file.Name, ".pdf") {
				of.File, blob = file.Name, file.Digest
			}
		}
		return nil
	})
	if err == nil && blob == "" {
		err = noPDF(id)
	}
	if err != nil {
		return File{}, of, err
	}
	data, err := f.blob(ctx, blob)
	if err != nil {
		return File{}, of, err
	}
	m := minting{id: id, pdf: data, of: of, asks: c, now: f.P.Now}
	made, err := f.Files.CopyReport(ctx, by, id, m.mint)
	if err != nil {
		return File{}, made, err
	}
	return m.file(made), made, nil
}

func noPDF(id string) error {
	return fmt.Errorf("%w: the report of %s was issued without a PDF", audit.ErrNotFound, id)
}

func (f *Firm) blob(ctx context.Context, digest string) (data []byte, err error) {
	in, err := f.P.Blobs.Get(ctx, withPrefix(digest))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	return io.ReadAll(io.LimitReader(in, maxPDF+1))
}

// CopyReport makes a copy of the PDF of the report in force for one recipient and
// keeps that in the company's log before it returns the copy: the report is
// management's to give. It needs report.share.
func (c *Client) CopyReport(ctx context.Context, by access.Subject, id string, o Copying) (File, engagement.Copy, error) {
	if err := access.Require(by, "report.share", access.Object{Engagements: []string{id}}); err != nil {
		return File{}, engagement.Copy{}, err
	}
	var of engagement.Copy
	err := c.Side.Read(ctx, func(s *management.State) error {
		x, err := s.Side(id)
		if err != nil {
			return err
		}
		r := x.InForce()
		if r == nil {
			return fmt.Errorf("%w: no report of %s is here that is in force", audit.ErrConflict, id)
		}
		of.Report = r.Report
		for _, name := range r.Files {
			if strings.HasSuffix(name, ".pdf") {
				of.File = name
			}
		}
		return nil
	})
	if err == nil && of.File == "" {
		err = noPDF(id)
	}
	if err != nil {
		return File{}, of, err
	}
	data, err := c.ReleasedFile(ctx, id, of.Report, of.File)
	if err != nil {
		return File{}, of, err
	}
	m := minting{id: id, pdf: data, of: of, asks: o, now: c.P.Now}
	made, err := c.Side.CopyReport(ctx, by, id, m.mint)
	if err != nil {
		return File{}, made, err
	}
	return m.file(made), made, nil
}

// ReleasedFile reads a file of an issued report out of the packet that brought it,
// which is checked again. audit.ErrNotFound where there is no such report or file.
func (c *Client) ReleasedFile(ctx context.Context, id, report, name string) ([]byte, error) {
	record := int64(-1)
	err := c.Side.Read(ctx, func(s *management.State) error {
		x, err := s.Side(id)
		if err != nil {
			return err
		}
		for _, r := range x.Releases {
			if r.Report == report {
				record = r.Packet
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	data, _, err := c.ReceivedFile(ctx, id, record, name)
	return data, err
}

// A minting makes a copy under the number the log gives it.
type minting struct {
	id   string // of the engagement
	pdf  []byte
	of   engagement.Copy
	asks Copying
	now  func() time.Time
	out  []byte
}

func (m *minting) mint(number string) (engagement.Copy, error) {
	at := m.now().UTC().Truncate(time.Second) // as the mark writes it
	o := pdf.Options{Password: m.asks.Password}
	if m.asks.Mark {
		o.Copy = &pdf.Copy{ID: m.id + "/" + number, Name: m.asks.For, Mail: m.asks.Mail, At: at}
	}
	c := m.of
	c.ID, c.For, c.Mail, c.Why, c.Marked, c.Encrypted, c.Made = number, m.asks.For, m.asks.Mail, m.asks.Why, m.asks.Mark, m.asks.Password != "", at
	var err error
	if m.out, c.Digest, err = pdf.MakeCopy(m.pdf, o); err != nil {
		return c, err
	}
	c.Size = int64(len(m.out))
	return c, c.Check()
}

// file is the copy as it is handed over: "rpt-en-1-1-cp-2.pdf".
func (m *minting) file(made engagement.Copy) File {
	name := strings.TrimSuffix(m.of.File, ".pdf") + "-" + strings.ToLower(made.ID) + ".pdf"
	return File{name, "application/pdf", m.out}
}
