package engaged

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
)

// found writes one exception a test, with what lies in the sample and what was
// found outside it, has every paper signed off, and lets Halyard respond.
func (x *exam) found(ctx context.Context) error {
	var ids []string
	x.told = map[string][]string{}
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
	d, items, known := fieldwork.FindingDraft{Test: t.ID}, []string{}, []string{}
	tested := 0
	err = x.read(ctx, func(_ *fieldwork.State, f *fieldwork.File) {
		p, test := f.Papers[t.ID], f.Tests[t.ID]
		tested = p.ItemsTested(test)
		for _, c := range p.Excepted(test) {
			d.Cells, items = append(d.Cells, fieldwork.FindingCell(c)), append(items, c.Item)
		}
		for _, k := range f.OpenKnown(t.ID) {
			d.Known = append(d.Known, k.Ref)
			known = append(known, k.Item)
		}
	})
	if err != nil || len(d.Cells)+len(d.Known) == 0 {
		return "", err
	}
	all := slices.Concat(items, known)
	d.Nature = x.sentences(t, all)
	d.Text = x.factsOf(t, items, known, tested) + x.elsewhere(t, all)
	d.Extent = fmt.Sprintf("Halyard's own test of all %d items shows %d in all.", len(t.items), len(all))
	d.Cause = "Asked of the control's owner; the answer is in management's response."
	d.Evaluation = fmt.Sprintf("%d of %d sampled items, and %d known outside the sample. Whether it bears on a criterion is judged with the other controls for it.", len(items), tested, len(d.Known))
	if id, err = x.Firm.Files.SetFinding(ctx, x.Staff.By, x.id, "", d, 0); err != nil {
		return "", err
	}
	for _, what := range append(events(t.procedure), all...) {
		x.told[what] = append(x.told[what], id)
	}
	return id, nil
}

// sentences are what happened, each once.
func (x *exam) sentences(t *planned, items []string) string {
	var out []string
	for _, item := range items {
		if w := x.why(t, item) + "."; !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

// factsOf is an exception as Section IV prints it.
func (x *exam) factsOf(t *planned, sampled, known []string, tested int) string {
	var out []string
	if len(sampled) > 0 {
		noted := "an exception was noted"
		if len(sampled) > 1 {
			noted = "exceptions were noted"
		}
		out = append(out, fmt.Sprintf("For %d of %d items tested %s. %s", len(sampled), tested, noted, x.sentences(t, sampled)))
	}
	if len(known) > 0 {
		out = append(out, fmt.Sprintf("Outside the sample, Halyard's own test of the whole population shows %s. %s", count(len(known), "exception", "exceptions"), x.sentences(t, known)))
		if len(sampled) == 0 {
			out[0] = fmt.Sprintf("No exceptions were noted in the %s tested. ", count(tested, "item", "items")) + out[0]
		}
	}
	return strings.Join(out, " ")
}

// sameEvents are procedures that can each show another side of one event.
var sameEvents = map[string][]string{
	"the account of the same leaver": {"access.identities", "access.leavers", "access.leavers.accounts"},
	"the key of the same leaver":     {"access.leavers", "access.leavers.keys"},
	"the week without rules":         {"repository.protection", "change.checks", "deployment.checks"},
	"the same laptop":                {"device.silent", "device.signatures"},
}

// events are those that a procedure can show a side of.
func events(procedure string) (out []string) {
	for _, what := range slices.Sorted(maps.Keys(sameEvents)) {
		if slices.Contains(sameEvents[what], procedure) {
			out = append(out, what)
		}
	}
	return out
}

// elsewhere names the exceptions written before that tell of the same.
func (x *exam) elsewhere(t *planned, items []string) string {
	var out, named []string
	name := func(what string, of ...string) {
		var ids []string
		for _, key := range of {
			for _, id := range x.told[key] {
				if !slices.Contains(named, id) {
					ids, named = append(ids, id), append(named, id)
				}
			}
		}
		if len(ids) > 0 {
			out = append(out, what+" as in "+and(ids))
		}
	}
	for _, event := range events(t.procedure) {
		name(event, event)
	}
	name("the same", items...)
	if len(out) == 0 {
		return ""
	}
	return " (" + upper(strings.Join(out, "; ")) + ".)"
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

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

// respond has Halyard's lead answer every exception, in the words of whoever
// answers for the control, and its signer make each answer final. What was answered before is not told twice.
func (x *exam) respond(ctx context.Context) error {
	list, err := x.findings(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b engagement.Finding) int { return cmp.Or(len(a.ID)-len(b.ID), strings.Compare(a.ID, b.ID)) })
	answered := map[string]string{} // exception by procedure
	for _, y := range list {
		i := slices.IndexFunc(x.plan, func(t *planned) bool { return t.ID == y.Test })
		if i < 0 {
			return fmt.Errorf("%w: exception %s is of test %s, which was not planned", audit.ErrNotFound, y.ID, y.Test)
		}
		procedure := x.plan[i].procedure
		a, ok := answers[procedure]
		if !ok {
			return fmt.Errorf("%w: nobody at Halyard answers %s, of %s", audit.ErrNotFound, y.ID, procedure)
		}
		r := engagement.Response{Finding: y.ID, Agrees: true, Cause: a.cause, Effect: a.effect, Done: a.done, Status: "Closed", Owner: a.owner}
		if before := answered[procedure]; before != "" {
			r.Cause, r.Effect, r.Done = "It is the exception that "+before+" tells of at another control.", "See the response to "+before+".", "See the response to "+before+"; what was done serves "+y.Control+" too."
		}
		answered[procedure] = y.ID
		if err := x.Client.Side.Respond(ctx, x.Lead.By, x.id, r, 1); err != nil {
			return fmt.Errorf("response to %s: %w", y.ID, err)
		}
		if err := x.Client.FinishResponse(ctx, x.Signer.By, x.id, y.ID, 2); err != nil {
			return fmt.Errorf("final response to %s: %w", y.ID, err)
		}
	}
	return nil
}
