package engaged

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
)

// found writes one exception a test, with what lies in the sample and what was
// found outside it, has every paper signed off, and lets Halyard respond.
func (x *exam) found(ctx context.Context) error {
	var ids []string
	for _, t := range x.plan {
		id, err := x.write(ctx, t)
		if err != nil {
			return fmt.Errorf("exceptions of %s: %w", t.ID, err)
		}
		if id != "" {
			ids = append(ids, id)
		}
	}
	return first(
		func() error { return x.noted(ctx) },
		func() error { return x.allSignedOff(ctx) },
		func() error { return x.move(ctx, engagement.Exceptions) },
		func() error { return x.releaseFindings(ctx, ids) },
		func() error { return x.toClient(ctx) },
		func() error { return x.respond(ctx) },
		func() error { return x.both(ctx) },
	)
}

// write writes the exception of a test; "" where there is none.
func (x *exam) write(ctx context.Context, t *planned) (id string, err error) {
	d, items := fieldwork.FindingDraft{Test: t.ID}, []string{}
	tested := 0
	err = x.read(ctx, func(_ *fieldwork.State, f *fieldwork.File) {
		p, test := f.Papers[t.ID], f.Tests[t.ID]
		tested = p.ItemsTested(test)
		for _, c := range p.Excepted(test) {
			d.Cells, items = append(d.Cells, fieldwork.FindingCell(c)), append(items, c.Item)
		}
		for _, k := range f.OpenKnown(t.ID) {
			d.Known = append(d.Known, k.Ref)
		}
	})
	if err != nil || len(d.Cells)+len(d.Known) == 0 {
		return "", err
	}
	d.Nature = x.nature(t, append(items, d.Known...))
	d.Text = x.factsOf(t, items, d.Known, tested)
	d.Extent = fmt.Sprintf("Halyard's own test of all %d items shows %d in all.", len(t.items), len(items)+len(d.Known))
	d.Cause = "Asked of the control's owner; the answer is in management's response."
	d.Evaluation = fmt.Sprintf("%d of %d sampled items, and %d known outside the sample. It bears on the control; whether it bears on the criterion is judged with the other controls for it.", len(items), tested, len(d.Known))
	return x.Firm.Files.SetFinding(ctx, x.Staff.By, x.id, "", d, 0)
}

// nature is what happened, in words, each once.
func (x *exam) nature(t *planned, items []string) string {
	var out []string
	for _, item := range items {
		if w := x.why(t, item); !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return upper(strings.Join(out, "; ")) + "."
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// factsOf is an exception as Section IV prints it.
func (x *exam) factsOf(t *planned, sampled, known []string, tested int) string {
	var out []string
	if len(sampled) > 0 {
		out = append(out, fmt.Sprintf("For %d of %d items tested, an exception was noted: %s.", len(sampled), tested, strings.TrimSuffix(x.nature(t, sampled), ".")))
	}
	if len(known) > 0 {
		out = append(out, fmt.Sprintf("Outside the sample, Halyard's own test of the whole population showed %d: %s.", len(known), strings.TrimSuffix(x.nature(t, known), ".")))
	}
	return strings.Join(out, " ")
}

// noted is a reviewer's question on a paper, its answer and its end.
func (x *exam) noted(ctx context.Context) error {
	files := x.Firm.Files
	for _, test := range []string{"T-IAM-02-1", "T-SDL-02-1"} {
		if !slices.ContainsFunc(x.plan, func(t *planned) bool { return t.ID == test }) {
			continue
		}
		note, err := files.AddNote(ctx, x.Manager.By, x.id, test, "A", "Which systems were looked at for each item, and by what clock?")
		if err != nil {
			return err
		}
		on := "note:" + x.id + "/" + note
		base, err := x.revision(ctx, on)
		if err != nil {
			return err
		}
		if err := files.AnswerNote(ctx, x.Staff.By, x.id, note, "Those the item's evidence names; times are the systems' own, read in Halyard's zone.", base); err != nil {
			return err
		}
		if base, err = x.revision(ctx, on); err != nil {
			return err
		}
		if err := files.ClearNote(ctx, x.Manager.By, x.id, note, base); err != nil {
			return err
		}
	}
	return nil
}

func (x *exam) allSignedOff(ctx context.Context) error {
	for _, t := range x.plan {
		if err := x.signOff(ctx, t.ID); err != nil {
			return fmt.Errorf("workpaper %s: %w", t.ID, err)
		}
	}
	return nil
}

func (x *exam) releaseFindings(ctx context.Context, ids []string) error {
	for _, id := range ids {
		base, err := x.revision(ctx, "finding:"+x.id+"/"+id)
		if err != nil {
			return err
		}
		if _, err := x.Firm.Files.ReleaseFinding(ctx, x.Manager.By, x.id, id, base); err != nil {
			return fmt.Errorf("exception %s: %w", id, err)
		}
	}
	return nil
}

// findings are the exceptions that Halyard knows.
func (x *exam) findings(ctx context.Context) (out []engagement.Finding, err error) {
	err = x.Client.Side.Read(ctx, func(s *management.State) error {
		side, err := s.Side(x.id)
		if err != nil {
			return err
		}
		for _, y := range book.Sorted(side.Findings) {
			out = append(out, y.Finding)
		}
		return nil
	})
	return out, err
}

// respond has Halyard's lead answer every exception.
func (x *exam) respond(ctx context.Context) error {
	list, err := x.findings(ctx)
	if err != nil {
		return err
	}
	for _, y := range list {
		r := engagement.Response{Finding: y.ID, Agrees: true, Cause: "The step was done by hand, and nobody was told when it was not done.",
			Effect: "Halyard read the records of the time in question and found no sign that anything was used, seen or lost through it.",
			Done:   "What was found was put right in 2025. A daily test of " + y.Control + " now opens a task for its owner on the day.", Status: "Closed", Final: true}
		if err := x.Client.Side.Respond(ctx, x.Lead.By, x.id, r, 1); err != nil {
			return fmt.Errorf("response to %s: %w", y.ID, err)
		}
	}
	return nil
}
