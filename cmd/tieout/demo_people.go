package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"tieout/access"
	"tieout/demo"
	"tieout/period"
	"tieout/policy"
	"tieout/program"
	"tieout/reader/roster"
)

// A signIn is somebody who can sign in to the demo.
type signIn struct {
	Role string
	demo.Member
	id string
	by access.Subject
}

// demoPeople gives the demo's people accounts and begins their running year:
// policies with some agreements, risks, an incident, an access review. One
// password, made anew each time, opens all accounts.
func (a *app) demoPeople(ctx context.Context, p *period.Program, size demo.Size) (people []*signIn, password string, err error) {
	accounts, err := p.People(ctx, "")
	if err != nil {
		return nil, "", err
	}
	cast := demo.CastOf(size)
	password = madeUpPassword()
	admin, err := firstAccount(ctx, accounts, cast.Administrator, password)
	if err != nil {
		return nil, "", err
	}
	control := "IAM-02"
	people, err = inviteAll(ctx, accounts, admin, password, []invited{
		{"compliance lead", cast.Lead, []access.Grant{{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}, {Role: access.Employee, Scope: access.ScopeOwn}}},
		{"owner of " + control, cast.Owner, []access.Grant{{Role: access.ControlOwner, Scope: access.ScopeControl, Object: control}, {Role: access.Employee, Scope: access.ScopeOwn}}},
		{"management signer", cast.Signer, []access.Grant{{Role: access.ManagementSigner, Scope: access.ScopeWorkspace}}},
		{"employee", cast.Employee, []access.Grant{{Role: access.Employee, Scope: access.ScopeOwn}}},
		{"auditor's guest", cast.Auditor, []access.Grant{{Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: p.Name}}},
	})
	if err == nil {
		err = demoYear(ctx, p, people)
	}
	if err == nil {
		err = endAll(ctx, accounts, people)
	}
	return people, password, err
}

// firstAccount makes the administrator's account.
func firstAccount(ctx context.Context, accounts *access.People, m demo.Member, password string) (*signIn, error) {
	s := &signIn{Role: "administrator", Member: m}
	i, _, err := accounts.Bootstrap(ctx, m.Email, m.Name)
	if err != nil {
		return nil, err
	}
	return s, s.enter(ctx, accounts, i, password)
}

// enter uses an invitation and signs in.
func (s *signIn) enter(ctx context.Context, accounts *access.People, i access.Invitation, password string) error {
	acc, _, err := accounts.Accept(ctx, i.Secret, password, access.From{})
	if err != nil {
		return err
	}
	signed, _, err := accounts.SignIn(ctx, access.Attempt{Email: s.Email, Password: password})
	s.id, s.by = acc.ID, signed.Subject
	return err
}

// madeUpPassword is four groups of letters that can be read aloud.
func madeUpPassword() string {
	const letters = "abcdefghijkmnpqrstuvwxyz"
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	var groups []string
	for i := 0; i < len(b); i += 4 {
		group := ""
		for _, x := range b[i : i+4] {
			group += string(letters[int(x)%len(letters)])
		}
		groups = append(groups, group)
	}
	return strings.Join(groups, "-")
}

// demoYear begins what people do in the demo, each under their own name.
func demoYear(ctx context.Context, p *period.Program, people []*signIn) error {
	book, lead, signer, employee := p.Registers(), people[1], people[3], people[4]
	for _, s := range people {
		if s.Person == "" {
			continue
		}
		if _, err := book.LinkIdentity(ctx, lead.by, program.OfTieout, s.id, s.Person, "the invitation went to the address the HR system has, and was used", 0); err != nil {
			return fmt.Errorf("link %s: %w", s.Name, err)
		}
	}
	if err := demoPolicies(ctx, p, book, lead, signer, employee); err != nil {
		return err
	}
	for _, x := range program.Examples()[:6] {
		r := x.Risk()
		r.Owner = lead.id
		if _, err := book.SetRisk(ctx, lead.by, r); err != nil {
			return fmt.Errorf("risk %s: %w", x.ID, err)
		}
	}
	if _, err := book.ReportIncident(ctx, employee.by, "I sent a merchant's statement to another merchant of the same name. Both answered; the second has deleted it.", p.Now().Add(-26*time.Hour)); err != nil {
		return err
	}
	if err := demoVendors(ctx, p, book, lead); err != nil {
		return err
	}
	return demoReview(ctx, p, book, lead)
}

// demoPolicies writes six policies; five are approved, and the employee has
// agreed to three of those.
func demoPolicies(ctx context.Context, p *period.Program, book *program.Book, lead, signer, employee *signIn) error {
	starters, err := policy.Starters()
	if err != nil {
		return err
	}
	fill := policy.Filling{Organization: p.Def.Config.Organization.Name, System: p.Def.Config.Organization.System, Contact: lead.Email}
	chosen := map[string]bool{"security-policy": true, "acceptable-use": true, "code-of-conduct": true, "access-control": true, "incident-response": true, "vendor-management": true}
	n := 0
	for _, s := range starters {
		if !chosen[s.ID] {
			continue
		}
		t := program.PolicyText{Title: s.Title, Owner: lead.id, Acknowledge: s.Acknowledge, Review: s.Review, Controls: s.Controls, Summary: fill.Fill(s.Summary), Text: fill.Fill(s.Body)}
		pol, err := book.WritePolicy(ctx, lead.by, s.ID, 0, t, "First version, from the starter set.", true)
		if err != nil {
			return fmt.Errorf("policy %s: %w", s.ID, err)
		}
		if n++; n == len(chosen) {
			break // the last stays a draft
		}
		if pol, err = book.ApprovePolicy(ctx, signer.by, s.ID, pol.Revision, pol.Draft().Hash); err != nil {
			return fmt.Errorf("approve %s: %w", s.ID, err)
		}
		if n <= 3 && s.Acknowledge {
			if _, err := book.Agree(ctx, employee.by, s.ID, pol.InForce().Hash, nil); err != nil {
				return fmt.Errorf("agree to %s: %w", s.ID, err)
			}
		}
	}
	return nil
}

// demoReview opens an access review of the code host, ready to be decided.
func demoReview(ctx context.Context, p *period.Program, book *program.Book, lead *signIn) error {
	decided, err := book.AllIdentities(ctx)
	if err != nil {
		return err
	}
	r, err := roster.Load(ctx, p, decided, []roster.Here{{ID: lead.id, Name: lead.Name, Email: lead.Email}})
	if err != nil {
		return err
	}
	list, err := roster.Lists(ctx, p, r, []string{"github"})
	if err != nil {
		return err
	}
	review, err := book.OpenReview(ctx, lead.by, "2025-Q4", p.Now().AddDate(0, 0, 14), list)
	if err != nil {
		return err
	}
	_, err = book.AssignReview(ctx, lead.by, review.ID, "github", []program.Reviewer{{Account: lead.id, Email: lead.Email}}, lead.id, review.Parts[0].Revision)
	return err
}

// printPeople says who can sign in, and with what.
func printPeople(w io.Writer, people []*signIn, password string) {
	fmt.Fprintf(w, "\nSign in as, all with the password %s\n", password)
	for _, s := range people {
		fmt.Fprintf(w, "  %-18s %-34s %s\n", s.Role, s.Email, s.Name)
	}
}
