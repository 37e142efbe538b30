package examination

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/internal/natural"
	"tieout/report/attest"
	"tieout/trust"
)

// A Spoken is what everybody may know of a published report, and nothing else of it:
// that it exists, of what kind, over which days and categories, by whom, and how old
// it is. Neither its opinion nor what was found is in it.
type Spoken struct {
	Engagement string
	Report     string // digest
	Type       engagement.Type
	System     string
	First      string
	Last       string
	AsOf       string
	Zone       string
	Dated      string
	Firm       string
	Categories []engagement.Choice // without the reasons of those left out
	Until      string              // last day that a bridge letter in force speaks of; "": there is none
	Anyone     bool                // a report for general use: whoever wants it takes it
}

// Ends is the last day the report speaks of.
func (s Spoken) Ends() string {
	if s.Type.OverPeriod() {
		return s.Last
	}
	return s.AsOf
}

// SpokenOf are the published reports that are in force, by engagement. One that was
// withdrawn, or that another took the place of, is not among them.
func (c *Client) SpokenOf(ctx context.Context) (out []Spoken, err error) {
	published := map[string]string{}
	err = c.P.Trust().Read(ctx, func(s *trust.State) error {
		for id, p := range s.Published {
			published[id] = p.Report
		}
		return nil
	})
	if err != nil || len(published) == 0 {
		return nil, err
	}
	err = c.Side.Read(ctx, func(s *management.State) error {
		for id, digest := range published {
			if x := s.Sides[id]; x != nil {
				if r := x.InForce(); r != nil && r.Report == digest {
					out = append(out, spokenOf(x, r))
				}
			}
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Spoken) int { return natural.Compare(a.Engagement, b.Engagement) })
	return out, err
}

func spokenOf(x *management.Side, r *management.Release) Spoken {
	t := r.Terms
	out := Spoken{Engagement: t.ID, Report: r.Report, Type: t.Type, System: t.System, First: t.First, Last: t.Last, AsOf: t.AsOf, Zone: t.Zone, Dated: r.Dated, Firm: t.Firm.Name, Anyone: t.Type == engagement.SOC3}
	for _, k := range t.Categories {
		out.Categories = append(out.Categories, engagement.Choice{Category: k.Category, In: k.In})
	}
	for _, b := range x.Bridges {
		if b.Report == r.Report && b.To > out.Until {
			out.Until = b.To
		}
	}
	return out
}

// inForce is the report of an engagement that is in force; audit.ErrConflict where
// there is none.
func (c *Client) inForce(ctx context.Context, id string) (r management.Release, err error) {
	err = c.Side.Read(ctx, func(s *management.State) error {
		x, err := s.Side(id)
		if err != nil {
			return err
		}
		in := x.InForce()
		if in == nil {
			return fmt.Errorf("%w: no report of %s is here that is in force", audit.ErrConflict, id)
		}
		r = *in
		return nil
	})
	return r, err
}

// Publish has the public page speak of the report of an engagement that is in force.
// It needs trust.publish.
func (c *Client) Publish(ctx context.Context, by access.Subject, id string) error {
	if err := access.Require(by, "trust.publish", access.Object{}); err != nil {
		return err
	}
	r, err := c.inForce(ctx, id)
	if err != nil {
		return err
	}
	return c.P.Trust().Publish(ctx, by, id, r.Report)
}

// AskAccess keeps that somebody before the door asks for a published report.
func (c *Client) AskAccess(ctx context.Context, address string, a trust.Ask) error {
	list, err := c.SpokenOf(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(s Spoken) bool { return s.Engagement == a.Engagement })
	if i < 0 {
		return fmt.Errorf("%w: no such report is published", audit.ErrNotFound)
	}
	a.Report = list[i].Report
	_, err = c.P.Trust().Ask(ctx, address, a)
	return err
}

// GiveAccess gives somebody access to the report of g.Engagement that is in force,
// and to the letters that continue it; it returns the grant's number and the secret
// of its link, which is told once. It needs trust.grant.
func (c *Client) GiveAccess(ctx context.Context, by access.Subject, g trust.Giving) (id, secret string, err error) {
	if err := access.Require(by, "trust.grant", access.Object{}); err != nil {
		return "", "", err
	}
	r, err := c.inForce(ctx, g.Engagement)
	if err != nil {
		return "", "", err
	}
	if r.Terms.Type == engagement.SOC3 {
		return "", "", fmt.Errorf("%w: a SOC 3 is for general use: publish it, and everybody can take it", audit.ErrInvalid)
	}
	if _, err := pdfOf(g.Engagement, r.Files); err != nil {
		return "", "", err
	}
	if g.Basis == trust.ByTerms {
		g.Ground = "" // the terms themselves are
	}
	g.Report, g.Type = r.Report, string(r.Terms.Type)
	return c.P.Trust().Give(ctx, by, g)
}

func pdfOf(id string, files []string) (string, error) {
	for _, name := range slices.Backward(files) {
		if strings.HasSuffix(name, ".pdf") {
			return name, nil
		}
	}
	return "", noPDF(id)
}

// A Link is what the secret of a link stands for at an instant.
type Link struct {
	Grant   trust.Grant
	Ended   time.Time    // zero: it lasts. Else nothing below is filled in
	Terms   *trust.Terms // to be agreed to before anything is shown; then nothing below is filled in
	Release management.Release
	Bridges []management.Bridge
}

// LinkOf is what a secret stands for: audit.ErrNotFound where it is nobody's. Access
// ends with its last day, when somebody ends it, and with its report: when the firm
// withdraws it or another takes its place.
func (c *Client) LinkOf(ctx context.Context, secret string) (l Link, err error) {
	book := c.P.Trust()
	if l.Grant, err = book.Find(ctx, secret); err != nil {
		return Link{}, err
	}
	if l.Ended = l.Grant.Ended(audit.Instant(c.P.Now())); !l.Ended.IsZero() {
		return l, nil
	}
	err = c.Side.Read(ctx, func(s *management.State) error {
		x, err := s.Side(l.Grant.Engagement)
		if err != nil {
			return err
		}
		if r := x.InForce(); r == nil || r.Report != l.Grant.Report {
			l.Ended = endedWith(x, l.Grant.Report)
			return nil
		}
		l.Release = *x.InForce()
		for _, b := range x.Bridges {
			if b.Report == l.Release.Report {
				l.Bridges = append(l.Bridges, b)
			}
		}
		return nil
	})
	if err != nil || !l.Ended.IsZero() || !l.Grant.Agrees() {
		return l, err
	}
	l.Release, l.Bridges = management.Release{}, nil
	if l.Terms, _, err = book.InForce(ctx); err == nil && l.Terms == nil {
		err = fmt.Errorf("%w: the terms of access are gone", audit.ErrAltered)
	}
	return l, err
}

// endedWith is when a report that is not in force ceased to be.
func endedWith(x *management.Side, report string) time.Time {
	for i, r := range x.Releases {
		switch {
		case r.Report != report:
		case !r.WithdrawnAt.IsZero():
			return r.WithdrawnAt
		case i+1 < len(x.Releases):
			return x.Releases[i+1].At
		}
	}
	return time.UnixMicro(1).UTC() // a report this side never had: nothing is shown of it
}

// visible is LinkOf for what needs the report to be open: audit.ErrForbidden where
// access has ended or the terms are not agreed to.
func (c *Client) visible(ctx context.Context, secret string) (Link, error) {
	l, err := c.LinkOf(ctx, secret)
	switch {
	case err != nil:
	case !l.Ended.IsZero():
		err = fmt.Errorf("%w: access has ended", audit.ErrForbidden)
	case l.Terms != nil:
		err = fmt.Errorf("%w: the terms are agreed to first", audit.ErrForbidden)
	}
	return l, err
}

// ReadLink is the value of the report that a link opens; the look is in the log
// before it is returned.
func (c *Client) ReadLink(ctx context.Context, address, secret string) (attest.Report, error) {
	l, err := c.visible(ctx, secret)
	if err != nil {
		return attest.Report{}, err
	}
	value, err := c.ReceivedReport(ctx, l.Grant.Engagement, l.Release.Packet, l.Release.Report)
	if err != nil {
		return value, err
	}
	return value, c.P.Trust().View(ctx, address, l.Grant.ID)
}

// AgreeLink keeps that whoever holds a link agreed to the terms with that digest.
func (c *Client) AgreeLink(ctx context.Context, address, secret, digest, name, title string) error {
	l, err := c.LinkOf(ctx, secret)
	if err != nil {
		return err
	}
	if !l.Ended.IsZero() {
		return fmt.Errorf("%w: access has ended", audit.ErrForbidden)
	}
	return c.P.Trust().Agree(ctx, address, l.Grant.ID, digest, name, title)
}

// TakeCopy makes the copy of whoever holds a link: every page names them. Both its
// making and its leaving are in the log before it is returned.
func (c *Client) TakeCopy(ctx context.Context, address, secret string) (File, error) {
	l, err := c.visible(ctx, secret)
	if err == nil {
		err = c.P.Trust().MayFetch(ctx, address, l.Grant.ID)
	}
	if err != nil {
		return File{}, err
	}
	g := l.Grant
	of := engagement.Copy{Report: g.Report}
	if of.File, err = pdfOf(g.Engagement, l.Release.Files); err != nil {
		return File{}, err
	}
	data, err := c.ReleasedFile(ctx, g.Engagement, g.Report, of.File)
	if err != nil {
		return File{}, err
	}
	m := minting{id: g.Engagement, pdf: data, of: of, now: c.P.Now,
		asks: Copying{For: g.Name + ", " + g.Organization, Mail: g.Mail, Why: "Their own copy, under access " + g.ID, Mark: true}}
	made, err := c.Side.CopyGranted(ctx, trust.Outsider(address), g.Engagement, g.ID, m.mint)
	if err != nil {
		return File{}, err
	}
	if err := c.P.Trust().Fetch(ctx, address, g.ID, made.ID, made.Digest); err != nil {
		return File{}, err
	}
	return m.file(made), nil
}

// PublicFile is the PDF of a published report for general use, as the firm released
// it; audit.ErrNotFound of any other.
func (c *Client) PublicFile(ctx context.Context, id string) (File, error) {
	list, err := c.SpokenOf(ctx)
	if err != nil {
		return File{}, err
	}
	i := slices.IndexFunc(list, func(s Spoken) bool { return s.Engagement == id && s.Anyone })
	if i < 0 {
		return File{}, fmt.Errorf("%w: no such report is published for everybody", audit.ErrNotFound)
	}
	r, err := c.inForce(ctx, id)
	if err != nil {
		return File{}, err
	}
	name, err := pdfOf(id, r.Files)
	if err != nil {
		return File{}, err
	}
	data, err := c.ReleasedFile(ctx, id, list[i].Report, name)
	return File{name, "application/pdf", data}, err
}

// A Held is a report that is not in force any more, with who has a copy of it or was
// given access to it.
type Held struct {
	Engagement string
	Report     string
	Dated      string
	Withdrawn  string // why the firm withdrew it; "": another took its place
	At         time.Time
	Copies     []engagement.Share
	Grants     []trust.Grant
}

// HeldOf are the reports that are not in force and that somebody outside still holds
// or was given: those to tell.
func (c *Client) HeldOf(ctx context.Context) (out []Held, err error) {
	_, grants, err := c.P.Trust().All(ctx)
	if err != nil {
		return nil, err
	}
	err = c.Side.Read(ctx, func(s *management.State) error {
		for id, x := range s.Sides {
			for i, r := range x.Releases {
				if i == len(x.Releases)-1 && r.Withdrawn == "" {
					continue
				}
				h := Held{Engagement: id, Report: r.Report, Dated: r.Dated, Withdrawn: r.Withdrawn, At: endedWith(x, r.Report)}
				for _, k := range x.Copies {
					if k.Report == r.Report {
						h.Copies = append(h.Copies, k)
					}
				}
				for _, g := range grants {
					if g.Report == r.Report && g.Engagement == id {
						h.Grants = append(h.Grants, g)
					}
				}
				if len(h.Copies)+len(h.Grants) > 0 {
					out = append(out, h)
				}
			}
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Held) int { return b.At.Compare(a.At) })
	return out, err
}
