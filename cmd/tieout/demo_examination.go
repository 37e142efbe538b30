package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/demo"
	"tieout/demo/engaged"
	"tieout/examination"
	"tieout/period"
	attestoscal "tieout/report/attest/oscal"
)

// demoFirm is the audit firm's workspace of a demo, open, and its people.
type demoFirm struct {
	p      *period.Program
	people []*signIn
}

// clientFolder and the others are folders in a demo's.
const (
	clientFolder  = "halyard"
	firmFolder    = "brookline"
	packetFolder  = "packets"
	reportsFolder = "soc2"
)

// openDemoFirm makes the firm's workspace and its people's accounts.
func (a *app) openDemoFirm(ctx context.Context, dir, password string) (f demoFirm, err error) {
	workspace := filepath.Join(dir, firmFolder)
	if err := demo.WriteFirm(workspace); err != nil {
		return f, err
	}
	o := a.options()
	o.Create = true
	o.Actor = audit.Actor{Kind: audit.ActorCommand, Name: "tieout demo"}
	if f.p, err = period.Open(ctx, workspace, o); err != nil {
		return f, err
	}
	_, _, err = f.p.Apply(ctx)
	if err == nil {
		f.people, err = firmPeople(ctx, f.p, password)
	}
	if err != nil {
		return f, errors.Join(err, f.p.Close())
	}
	return f, nil
}

func firmPeople(ctx context.Context, p *period.Program, password string) ([]*signIn, error) {
	accounts, err := p.People(ctx, "")
	if err != nil {
		return nil, err
	}
	cast := demo.CastOfFirm()
	admin, err := firstAccount(ctx, accounts, cast.Administrator, password)
	if err != nil {
		return nil, err
	}
	admin.Role = "firm administrator"
	on := func(role access.RoleID) (out []access.Grant) {
		for _, id := range []string{engaged.Issued, engaged.Testing} {
			out = append(out, access.Grant{Role: role, Scope: access.ScopeEngagement, Object: id})
		}
		return out
	}
	people, err := inviteAll(ctx, accounts, admin, password, []invited{
		{"partner", cast.Partner, []access.Grant{{Role: access.Partner, Scope: access.ScopeWorkspace}}},
		{"manager", cast.Manager, []access.Grant{{Role: access.Manager, Scope: access.ScopeWorkspace}}},
		{"staff", cast.Staff, on(access.Staff)},
		{"quality reviewer", cast.Quality, on(access.QualityReviewer)},
	})
	if err == nil {
		err = endAll(ctx, accounts, people)
	}
	return people, err
}

// demoExamination plays the examination of Halyard's year between two open
// workspaces, and writes the issued report in all formats beside them.
func (a *app) demoExamination(ctx context.Context, dir string, p *period.Program, firm demoFirm, people []*signIn, password, address string, truth *demo.Truth) (engaged.Played, error) {
	client, err := examination.NewClient(p)
	if err != nil {
		return engaged.Played{}, err
	}
	auditor, err := examination.NewFirm(firm.p)
	if err != nil {
		return engaged.Played{}, err
	}
	as := func(s *signIn) engaged.Person { return engaged.Person{By: s.by, Name: s.Name, Title: s.Title} }
	play := &engaged.Play{Client: client, Firm: auditor, Lead: as(people[1]), Signer: as(people[3]),
		Partner: as(firm.people[1]), Manager: as(firm.people[2]), Staff: as(firm.people[3]), Quality: as(firm.people[4]),
		Passphrase: password, Address: address, Packets: filepath.Join(dir, packetFolder), Why: map[string]string{}, Progress: func(words string) { a.note("  %s", words) }}
	for _, d := range truth.Deviations {
		play.Why[d.Procedure+" "+d.Item] = d.Why
	}
	played, err := play.Examine(ctx)
	if err != nil {
		return played, fmt.Errorf("the examination: %w", err)
	}
	if n := played.Sampled + played.Outside + len(played.NotExamined); n != len(truth.Deviations) || len(played.Lost)+len(played.Unseeded) > 0 {
		return played, findings{code: exitFailed, text: fmt.Sprintf("The examination accounts for %d deviations; the truth list has %d. Lost: %s. Found and never seeded: %s.",
			n, len(truth.Deviations), listed(played.Lost), listed(played.Unseeded))}
	}
	return played, a.writeIssued(ctx, filepath.Join(dir, reportsFolder), firm.p, played)
}

// listed are names in a sentence.
func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// writeIssued writes the files of the issued report as the firm issued them, and
// the OSCAL documents one by one.
func (a *app) writeIssued(ctx context.Context, dir string, firm *period.Program, played engaged.Played) error {
	for _, f := range played.Files {
		in, err := firm.Blobs.Get(ctx, "sha256:"+strings.TrimPrefix(f.Digest, "sha256:"))
		if err != nil {
			return err
		}
		_, err = writeFile(filepath.Join(dir, plainName(f.Name)), func(w io.Writer) error {
			_, err := io.Copy(w, in)
			return err
		})
		if err := errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return a.writeOSCAL(played, filepath.Join(dir, "oscal"))
}

// plainName is a file of the report's by its kind: "rpt-en-1-1.pdf" is report.pdf.
func plainName(name string) string {
	if _, end, ok := strings.Cut(name, "."); ok {
		return "report." + end
	}
	return name
}

// writeOSCAL writes the OSCAL documents of a report beside each other.
func (a *app) writeOSCAL(played engaged.Played, dir string) error {
	files, err := attestoscal.Render(played.Report, "report")
	if err != nil {
		return err
	}
	for _, f := range files {
		_, err := writeFile(filepath.Join(dir, f.Name), func(w io.Writer) error {
			_, err := w.Write(f.Data)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// An invited person gets an account with roles.
type invited struct {
	role  string
	m     demo.Member
	grant []access.Grant
}

// inviteAll makes the accounts of people, the administrator's first, and signs
// them in.
func inviteAll(ctx context.Context, accounts *access.People, admin *signIn, password string, list []invited) ([]*signIn, error) {
	people := []*signIn{admin}
	for _, x := range list {
		s := &signIn{Role: x.role, Member: x.m}
		i, _, err := accounts.Invite(ctx, admin.by, x.m.Email, x.m.Name, x.grant)
		if err != nil {
			return nil, err
		}
		if err := s.enter(ctx, accounts, i, password); err != nil {
			return nil, err
		}
		people = append(people, s)
	}
	return people, nil
}

// endAll ends everybody's sessions: they sign in anew.
func endAll(ctx context.Context, accounts *access.People, people []*signIn) error {
	for _, s := range people {
		if _, err := accounts.EndSessions(ctx, s.by, s.id); err != nil {
			return err
		}
	}
	return nil
}
