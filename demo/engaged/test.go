package engaged

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// tested performs every test: marks by the evidence, what was computed after it,
// what lies outside the samples. Papers with something found are signed off once
// it is written.
func (x *exam) tested(ctx context.Context) error {
	for _, t := range x.plan {
		if err := x.perform(ctx, t); err != nil {
			return fmt.Errorf("test %s: %w", t.ID, err)
		}
	}
	return x.designsTested(ctx)
}

// perform opens the workpaper of a test, opens each item, marks it, looks at what
// Halyard computed, and looks for deviations outside the sample.
func (x *exam) perform(ctx context.Context, t *planned) error {
	files := x.Firm.Files
	if err := files.OpenPaper(ctx, x.Staff.By, x.id, t.ID, t.sample, ""); err != nil {
		return err
	}
	rows, err := x.rows(ctx, t.ID)
	if err != nil {
		return err
	}
	if err := files.OpenItem(ctx, x.Staff.By, x.id, t.ID, rows...); err != nil {
		return err
	}
	if err := x.mark(ctx, t, rows); err != nil {
		return err
	}
	if err := files.Reveal(ctx, x.Staff.By, x.id, t.ID); err != nil {
		return err
	}
	return files.LookForKnown(ctx, x.Staff.By, x.id, t.ID)
}

func (x *exam) rows(ctx context.Context, test string) (rows []string, err error) {
	err = x.read(ctx, func(_ *fieldwork.State, f *fieldwork.File) { rows = slices.Clone(f.Papers[test].Rows) })
	return rows, err
}

func cells(items []string) (out []fieldwork.Seen) {
	for _, item := range items {
		out = append(out, fieldwork.Seen{Cell: fieldwork.Cell{Item: item, Attribute: "A"}})
	}
	return out
}

// reasons are the notes of marks that need one.
var reasons = map[engagement.Mark]string{
	engagement.UnableToTest:  "What shows it was not collected at Halyard, and the system no longer has it.",
	engagement.NotApplicable: "Nothing happened that the control could act on.",
}

// markOf is the mark that evidence leads to of which Halyard's procedure says that.
func markOf(outcome string) engagement.Mark {
	switch outcome {
	case audit.Operated.String():
		return engagement.NoException
	case audit.Deviated.String(), audit.Late.String():
		return engagement.Exception
	case audit.NotApplicable.String(), audit.NoOccurrence.String():
		return engagement.NotApplicable
	}
	return engagement.UnableToTest
}

// why is what happened to an item, in words.
func (x *exam) why(t *planned, item string) string {
	if w := x.Why[t.procedure+" "+item]; w != "" {
		return w
	}
	return t.items[item].Results[t.procedure]
}

// records are those of Halyard's log that were looked at: some of each item.
func (x *exam) records(t *planned, items []string) []int64 {
	const most, each = 200, 3
	var out []int64
	for _, item := range items {
		for i, n := range t.items[item].Records {
			if i < each && n >= 0 && len(out) < most && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// designsTested performs the tests of design: each control's own description is
// the evidence.
func (x *exam) designsTested(ctx context.Context) error {
	var tests []*fieldwork.Test
	err := x.read(ctx, func(_ *fieldwork.State, f *fieldwork.File) {
		for _, t := range f.Tests {
			if t.Phase == engagement.Design && f.Papers[t.ID] == nil {
				tests = append(tests, t)
			}
		}
	})
	if err != nil {
		return err
	}
	slices.SortFunc(tests, func(a, b *fieldwork.Test) int { return strings.Compare(a.ID, b.ID) })
	for _, t := range tests {
		if err := x.withoutItems(ctx, t.ID, len(t.Attributes)); err != nil {
			return fmt.Errorf("test %s: %w", t.ID, err)
		}
	}
	return nil
}

// withoutItems performs a test that has no items, finds nothing, and has it signed
// off.
func (x *exam) withoutItems(ctx context.Context, test string, attributes int) error {
	run, err := x.Client.P.RunOfPeriod(ctx)
	if err != nil {
		return err
	}
	if err := x.Firm.Files.OpenPaper(ctx, x.Staff.By, x.id, test, "", ""); err != nil {
		return err
	}
	for i := range attributes {
		v := fieldwork.Verdict{Mark: engagement.NoException, Evidence: []int64{run.Record}}
		if err := x.Firm.Files.Mark(ctx, x.Staff.By, x.id, test, fieldwork.Cell{Attribute: string(rune('A' + i))}, v, 0); err != nil {
			return err
		}
	}
	return x.signOff(ctx, test)
}

// signOff has a workpaper prepared by staff and reviewed by the manager.
func (x *exam) signOff(ctx context.Context, test string) error {
	digest, err := x.digest(ctx, test)
	if err != nil {
		return err
	}
	if err := x.Firm.Files.Prepare(ctx, x.Staff.By, x.id, test, digest); err != nil {
		return err
	}
	if digest, err = x.digest(ctx, test); err != nil {
		return err
	}
	return x.Firm.Files.Review(ctx, x.Manager.By, x.id, test, digest)
}

func (x *exam) digest(ctx context.Context, test string) (d string, err error) {
	err = x.read(ctx, func(_ *fieldwork.State, f *fieldwork.File) { d = f.PaperDigest(test) })
	return d, err
}
