package engaged

import (
	"context"
	"maps"
	"slices"
	"strings"

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
	if _, err := x.Client.Side.Comment(ctx, x.Lead.By, x.id, "Section III, DC 4", "The minutes of 17 July 2025 are counted from the alarm to the end of the containment; our service level report of that month counts them in the same way."); err != nil {
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
		if err := x.Firm.Files.AnswerComment(ctx, x.Manager.By, x.id, id, "Compared with the service level report of July 2025: the figures are the same, and the draft stays as it is.", base); err != nil {
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
				outside[procedure[y.Test]+" "+f.Known[y.Test][ref].Item] = true
			}
		}
		x.sort(f, in, outside, &out)
	})
	if err != nil {
		return out, err
	}
	out.Tests = len(x.plan)
	out.Report, err = x.Firm.Value(ctx, digest)
	return out, err
}

// sort counts every seeded deviation once: found in a sample, found outside one, of
// a control that serves nothing that is examined, or lost.
func (x *exam) sort(f *fieldwork.File, in, outside map[string]bool, out *Played) {
	for _, what := range slices.Sorted(maps.Keys(x.Why)) {
		name, _, _ := strings.Cut(what, " ")
		examined := slices.ContainsFunc(f.Controls.Tests, func(c engagement.ClientTest) bool {
			return c.ID == name && slices.ContainsFunc(c.Controls, func(control string) bool {
				return len(criteriaOf(f.Controls, control, x.terms))+len(objectivesOf(x.terms, control)) > 0
			})
		})
		switch {
		case in[what]:
			out.Sampled++
		case outside[what]:
			out.Outside++
		case examined:
			out.Lost = append(out.Lost, what)
		default:
			out.NotExamined = append(out.NotExamined, what)
		}
	}
	for what := range in {
		if x.Why[what] == "" {
			out.Unseeded = append(out.Unseeded, what)
		}
	}
	for what := range outside {
		if x.Why[what] == "" && !in[what] {
			out.Unseeded = append(out.Unseeded, what)
		}
	}
}
