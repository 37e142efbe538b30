package engaged

import (
	"context"
	"slices"

	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/examination"
)

// reviewed gives Halyard the draft, answers its comment, has the quality review
// signed, asks about what happened since, and gets assertion and letter.
func (x *exam) reviewed(ctx context.Context) error {
	return first(
		func() error { return x.drafted(ctx) },
		func() error { return x.commented(ctx) },
		func() error { return x.qualityReviewed(ctx) },
		func() error { return x.inquired(ctx) },
		func() error { return x.asserted(ctx) },
		func() error { return x.toFirm(ctx) },
	)
}

func (x *exam) drafted(ctx context.Context) error {
	if _, err := x.Firm.GiveDraft(ctx, x.Partner.By, x.id, x.today(), x.today()); err != nil {
		return err
	}
	return x.toClient(ctx)
}

func (x *exam) commented(ctx context.Context) error {
	if _, err := x.Client.Side.Comment(ctx, x.Lead.By, x.id, "Section III, DC 3", "The owner of the message queue has changed; the description says so."); err != nil {
		return err
	}
	if err := x.toFirm(ctx); err != nil {
		return err
	}
	var open []string
	err := x.read(ctx, func(_ *fieldwork.State, f *fieldwork.File) {
		for _, c := range book.Sorted(f.Comments) {
			open = append(open, c.ID)
		}
	})
	if err != nil {
		return err
	}
	for _, id := range open {
		base, err := x.revision(ctx, "comment:"+x.id+"/"+id)
		if err != nil {
			return err
		}
		if err := x.Firm.Files.AnswerComment(ctx, x.Manager.By, x.id, id, "The draft prints the description as it was finished; the owner in it is the new one.", base); err != nil {
			return err
		}
	}
	return x.toClient(ctx)
}

func (x *exam) qualityReviewed(ctx context.Context) error {
	digest := ""
	if err := x.read(ctx, func(_ *fieldwork.State, f *fieldwork.File) { digest = f.QualityDigest() }); err != nil {
		return err
	}
	return x.Firm.Files.SignQuality(ctx, x.Quality.By, x.id, digest, "Read the judgments on what modifies the opinion, the exceptions and the draft. Nothing is open.")
}

func (x *exam) inquired(ctx context.Context) error {
	return x.Firm.Files.Inquire(ctx, x.Manager.By, x.id, x.Signer.Name+" and "+x.Lead.Name+"; the incident and change registers since the period's end", "Nothing that shows a condition of the period, and nothing that a reader would have to know.", x.today())
}

// asserted has Halyard's signer decide and sign the assertion and the letter.
func (x *exam) asserted(ctx context.Context) error {
	verify, side := x.own(ctx), x.Client.Side
	name := x.terms.Client.Name
	a := engagement.Assertion{By: name, Dated: x.today(), Decision: engagement.Decisions{Description: true, Design: true, Except: "The controls did not operate as described in the cases that the exceptions of Section IV tell; the evidence of tickets in November and of laptops on 8 December 2025 is missing."},
		Text: "We described Ledger as it was designed and put in place over the period. The controls we stated were suitably designed to meet our commitments and requirements. We chose the criteria, and we evaluated the controls against them."}
	digest, err := a.ToSign()
	if err != nil {
		return err
	}
	if a.Signed, err = x.sign(ctx, x.Client.P, x.Signer, "assertion", digest); err != nil {
		return err
	}
	if err := side.SignAssertion(ctx, x.Signer.By, x.id, a, verify); err != nil {
		return err
	}
	r := engagement.Representation{By: name, Dated: x.today(), Text: "We gave you all records and everybody you asked for, told you every deviation, incident and suspicion we know of, and of nothing that happened since which you would have to know."}
	if digest, err = r.ToSign(); err != nil {
		return err
	}
	if r.Signed, err = x.sign(ctx, x.Client.P, x.Signer, "letter of representation", digest); err != nil {
		return err
	}
	return side.SignRepresentation(ctx, x.Signer.By, x.id, r, verify)
}

// issued issues the report, which Halyard receives and hands on.
func (x *exam) issued(ctx context.Context) error {
	_, err := x.Firm.IssueReport(ctx, x.Partner.By, x.id, examination.Issuing{Dated: x.today(), Sign: func(what, digest string) (engagement.Signature, error) {
		return x.sign(ctx, x.Firm.P, x.Partner, what, digest)
	}})
	if err != nil {
		return err
	}
	if err := x.toClient(ctx); err != nil {
		return err
	}
	if err := x.Client.Side.MoveState(ctx, x.Lead.By, x.id, engagement.Distributed, ""); err != nil {
		return err
	}
	return x.both(ctx)
}

// played is what came of an engagement whose report is issued. A deviation that
// stands against two controls counts once.
func (x *exam) played(ctx context.Context) (out Played, err error) {
	digest, in, outside := "", map[string]bool{}, map[string]bool{}
	procedure := map[string]string{}
	for _, t := range x.plan {
		procedure[t.ID] = t.procedure
	}
	err = x.read(ctx, func(_ *fieldwork.State, f *fieldwork.File) {
		last := f.Issues[len(f.Issues)-1]
		digest, out.Files = last.Report, slices.Clone(last.Digests)
		for _, y := range f.Findings {
			for _, c := range y.Cells {
				in[procedure[y.Test]+" "+c.Item] = true
			}
			for _, ref := range y.Known {
				outside[procedure[y.Test]+" "+ref] = true
			}
		}
	})
	if err != nil {
		return out, err
	}
	for what := range outside {
		if !in[what] {
			out.Outside++
		}
	}
	out.Tests, out.Sampled = len(x.plan), len(in)
	out.Report, err = x.Firm.Value(ctx, digest)
	return out, err
}
