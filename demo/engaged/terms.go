package engaged

import (
	"context"
	"strings"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/period"
)

func party(p *period.Program) engagement.Party {
	keys := p.Log.Keys()
	return engagement.Party{Name: p.Def.Organization.Name, Origin: keys.Log(), Key: keys.Links()[0].Key.VKey()}
}

// common is what both engagements have.
func (p *Play) common() engagement.Terms {
	when, sys := p.Client.P.Period, p.Client.P.Def.Systems[0]
	return engagement.Terms{Client: party(p.Client.P), Firm: p.Firm.Party(), System: sys.Name, Zone: when.Zone,
		First: when.First(), Last: when.Last(), Subservices: subservices(sys)}
}

// typeII is a SOC 2 Type II over the year, on four of the five categories.
func (p *Play) typeII() engagement.Terms {
	t := p.common()
	t.Type, t.Quality = engagement.SOC2TypeII, true
	t.Categories = []engagement.Choice{
		{Category: audit.Security, In: true, Why: "Every examination has the common criteria."},
		{Category: audit.Availability, In: true, Why: "The service level schedule promises 99.9 percent of each month."},
		{Category: audit.ProcessingIntegrity, In: true, Why: "The service level schedule promises that every payment is matched or reported by the next morning."},
		{Category: audit.Confidentiality, In: true, Why: "The master agreement keeps the records of merchants apart."},
		{Category: audit.Privacy, Why: "Halyard makes no privacy commitment to merchants, who decide what is done with the personal data in their records. Its program covers privacy; this first examination does not."}}
	t.Milestones = []engagement.Milestone{{Name: "Populations frozen", Day: p.in(7)}, {Name: "Draft to management", Day: p.in(35)}, {Name: "Report issued", Day: p.in(56)}}
	return t
}

// in is the day so many days from the day of the play, in Halyard's zone.
func (p *Play) in(days int) string {
	return p.Firm.P.Now().In(p.Client.P.Period.Location()).AddDate(0, 0, days).Format(time.DateOnly)
}

// objectives is a SOC 1 Type II over the same year.
func (p *Play) objectives() engagement.Terms {
	t := p.common()
	t.Type = engagement.SOC1TypeII
	t.Subservices = t.Subservices[:1] // mail and sign-in bear on no statement of a merchant's
	t.Objectives = []engagement.Objective{
		{ID: "CO-1", Text: "Changes to Ledger that bear on what merchants report of their payments are approved, tested and released by those who may.", Controls: []string{"SDL-01", "SDL-02", "SDL-03", "SDL-04"}},
		{ID: "CO-2", Text: "Accounts that can change merchants' payments are those of people who work at Halyard and need them.", Controls: []string{"IAM-01", "IAM-02", "IAM-03"}},
		{ID: "CO-3", Text: "Every payment is matched or reported as unmatched by the next morning.", Controls: []string{"PIN-04"}}}
	return t
}

func subservices(sys definition.System) (out []engagement.Subservice) {
	for _, s := range sys.Subservices {
		one := engagement.Subservice{Name: s.Name, Service: s.Service, Monitor: s.Monitoring}
		for _, c := range s.CSOCs {
			one.Expected = append(one.Expected, engagement.Expected{ID: c.ID, Text: c.Text, Criteria: c.Criteria})
		}
		out = append(out, one)
	}
	return out
}

// agreed opens the engagement, has it accepted by a partner and agreed to by
// Halyard's signer.
func (x *exam) agreed(ctx context.Context) error {
	return first(
		func() error { return x.open(ctx) },
		func() error { return x.accept(ctx) },
		func() error { return x.toClient(ctx) },
		func() error { return x.agree(ctx) },
		func() error { return x.both(ctx) },
	)
}

func (x *exam) open(ctx context.Context) (err error) {
	files := x.Firm.Files
	if x.terms, err = files.OpenEngagement(ctx, x.Partner.By, x.terms); err != nil {
		return err
	}
	team := []struct {
		who   Person
		duty  string
		holds []engagement.Credential
	}{{x.Partner, fieldwork.DutyPartner, []engagement.Credential{{Kind: engagement.CPA, State: "Massachusetts", Number: "invented-0001"}}},
		{x.Manager, fieldwork.DutyManager, []engagement.Credential{{Kind: engagement.CISA}}}, {x.Staff, fieldwork.DutyStaff, nil}, {x.Quality, fieldwork.DutyQuality, nil}}
	for _, m := range team {
		if err := files.Declare(ctx, m.who.By, x.id, true, ""); err != nil {
			return err
		}
		if err := files.Assign(ctx, x.Partner.By, x.id, m.who.By.Account, m.duty, m.holds...); err != nil {
			return err
		}
	}
	return nil
}

const letterText = "We examine management's description of Ledger and whether the controls it states were suitably designed and operated effectively in 2025. Management describes the system, chooses the commitments and the criteria, asserts, and represents to us in writing; we test, and state our opinion. The terms that both sides signed name the period, the criteria, what is left out, and the days that were agreed.\n"

// preconditions are the partner's answers, in the order of the questions.
var preconditions = []string{
	"Everybody on the team has declared; nobody holds, audits or works for anything of Halyard's.",
	"Three references were called, and the register of the state was read. Nothing speaks against it.",
	"The chief executive signed that it does, in the engagement letter.",
	"Ledger has a boundary in writing; the trust services criteria, or objectives in management's words, are given to all readers.",
	"Halyard's evidence is sealed as it is collected, and its people can be asked. Five stretches in which an export failed are known; the longest are the tickets of November and twenty days of the sandbox account.",
	"Manager and staff have examined two payment services before; no specialist is needed.",
	"Merchants and their auditors, who know the service. The form is right for them.",
	"They are: the letter of engagement holds them.",
}

func (x *exam) accept(ctx context.Context) error {
	digest, _, err := x.Firm.P.Blobs.Put(ctx, strings.NewReader(letterText))
	if err != nil {
		return err
	}
	var answers []fieldwork.Checked
	for i, q := range fieldwork.Preconditions {
		answers = append(answers, fieldwork.Checked{Question: q, Answer: preconditions[i]})
	}
	return x.Firm.Files.Accept(ctx, x.Partner.By, x.id, answers, strings.TrimPrefix(digest, "sha256:"))
}

// Invite has Halyard's lead say which firm's packets are taken.
func (p *Play) Invite(ctx context.Context) error {
	f := party(p.Firm.P)
	return p.Client.Side.InviteFirm(ctx, p.Lead.By, f.Name, f.Key, p.Address)
}

func (x *exam) agree(ctx context.Context) error {
	digest, err := x.terms.Digest()
	if err != nil {
		return err
	}
	sig, err := x.sign(ctx, x.Client.P, x.Signer, "terms of "+x.id, digest)
	if err != nil {
		return err
	}
	if err := x.Client.Side.Agree(ctx, x.Signer.By, x.id, digest, sig, x.own(ctx)); err != nil {
		return err
	}
	for _, s := range []engagement.State{engagement.BoundaryDefined, engagement.Readiness, engagement.Observing, engagement.Collecting} {
		if err := x.Client.Side.MoveState(ctx, x.Lead.By, x.id, s, ""); err != nil {
			return err
		}
	}
	return nil
}
