package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

func (a *app) testCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "test", Short: "The auditor's tests: plan, open, mark, known, prepare, review, note",
		Long: `The auditor's tests and their workpapers. A test is planned ('plan'), its
workpaper opened from the drawn sample ('open'), each attribute of each item is
marked ('mark', also from a file), what the client's procedure computed is shown
after the own mark ('reveal'), deviations outside the sample are looked for
('known'), and the paper is signed by its preparer and by a reviewer who had no
hand in it.`}
	cmd.AddCommand(a.listTestsCommand(), a.showTestCommand(), a.planCommandOfTests(), a.proposeTestsCommand(), a.dropTestCommand(), a.planningCommand(), a.relianceCommand(), a.openPaperCommand(), a.extendPaperCommand(),
		a.markCommand(), a.attachCommand(), a.revealCommand(), a.explainCommand(), a.knownCommand(), a.noteCommand(), a.prepareCommand(), a.reviewPaperCommand(), a.reopenCommand())
	return a.engagementFlags(cmd)
}

const aTest = "a test such as T-IAM-06-1"

// A shownTest is a test with what its workpaper adds up to, for programs.
type shownTest struct {
	engagement.Test
	Dropped string              `json:"dropped,omitempty"`
	State   string              `json:"state"`
	Facts   fieldwork.TestFacts `json:"facts"`
	Digest  string              `json:"digest,omitempty"` // of the workpaper, as its preparer and reviewer sign it
}

// testState says where a test's work stands.
func testState(x *fieldwork.File, t *fieldwork.Test) string {
	p := x.Papers[t.ID]
	switch {
	case t.Dropped != "":
		return "dropped"
	case p == nil:
		return "planned"
	case p.Reviewed != nil:
		return "reviewed"
	case p.Prepared != nil:
		return "signed"
	}
	if n := len(p.Untested(t)); n > 0 {
		return count(n, "cell to test", "cells to test")
	}
	return "tested"
}

// factsOf are what a test's workpaper adds up to.
func factsOf(r fieldwork.RollUp, test string) fieldwork.TestFacts {
	for _, list := range [][]fieldwork.ControlFacts{r.Controls, r.Description} {
		for _, c := range list {
			for _, t := range c.Tests {
				if t.Test == test {
					return t
				}
			}
		}
	}
	return fieldwork.TestFacts{Test: test}
}

func (a *app) listTestsCommand() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "Planned tests and where each stands", Args: exactly(0, "no argument"), RunE: a.onFirm(looks, func(ctx context.Context, d *firmDesk) error {
		l := listing{schema: "tieout.tests/1", columns: cols("test", "control", "phase", "kind", ">population", ">tested", ">exceptions", ">known", "state")}
		reviewed, all := 0, 0
		err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
			up := x.RollUp()
			for _, t := range book.Sorted(x.Tests) {
				f, state := factsOf(up, t.ID), testState(x, t)
				if t.Dropped == "" {
					all++
				}
				if state == "reviewed" {
					reviewed++
				}
				l.rows = append(l.rows, row{[]string{t.ID, t.Control, string(t.Phase), string(t.Kind), report.Number(f.Population), report.Number(f.Tested), report.Number(f.Exceptions), report.Number(f.Known), state},
					shownTest{t.Test, t.Dropped, state, f, x.PaperDigest(t.ID)}})
			}
			return nil
		})
		l.summary = fmt.Sprintf("%s, %d reviewed. Known deviations lie outside the samples and count into no rate.", count(all, "test", "tests"), reviewed)
		if err != nil {
			return err
		}
		return a.show(l)
	})}
}

func (a *app) showTestCommand() *cobra.Command {
	return in(&cobra.Command{Use: "show TEST", Short: "One test with its grid, notes and what is missing before it is signed", Args: exactly(1, aTest), RunE: a.onFirm(looks, func(ctx context.Context, d *firmDesk) error {
		return d.file(ctx, func(s *fieldwork.State, x *fieldwork.File) error {
			t := x.Tests[d.args[0]]
			if t == nil {
				return fmt.Errorf("%w: test %s; see 'tieout test list'", audit.ErrNotFound, d.args[0])
			}
			v := shownTest{t.Test, t.Dropped, testState(x, t), factsOf(x.RollUp(), t.ID), x.PaperDigest(t.ID)}
			say := testSentence(v)
			if a.output == "json" {
				return a.writeJSON("tieout.test/1", say, "test", v)
			}
			a.say(say)
			a.printTest(d, s, x, t, v)
			return nil
		})
	})}, "table", "json")
}

// testSentence says of a test where its work stands.
func testSentence(v shownTest) string {
	head := fmt.Sprintf("%s on %s (%s by %s): %s.", v.ID, v.Control, v.Phase, v.Kind, v.State)
	if !v.Population {
		return head
	}
	return fmt.Sprintf("%s %s, %s of %s tested with an exception.", head, count(v.Facts.Population, "item in the population", "items in the population"), report.Number(v.Facts.Exceptions), report.Number(v.Facts.Tested))
}

func (a *app) printTest(d *firmDesk, s *fieldwork.State, x *fieldwork.File, t *fieldwork.Test, v shownTest) {
	a.facts([][2]string{{"criteria", strings.Join(t.Criteria, " ")}, {"reliance", string(x.Plan.Reliance[t.Control])}, {"paper", v.Digest}, {"dropped", t.Dropped}})
	fmt.Fprintln(a.env.Stdout)
	a.say(t.Text)
	for _, at := range t.Attributes {
		a.point(at.Name + ": " + at.Text + with(at.Procedure))
	}
	p := x.Papers[t.ID]
	if p == nil {
		return
	}
	fmt.Fprintln(a.env.Stdout)
	for _, item := range p.Rows {
		a.printRow(p, t, item)
	}
	for _, k := range x.OpenKnown(t.ID) {
		a.point(fmt.Sprintf("Known outside the sample, to dispose of: %s %s %s", k.Ref, k.Outcome, k.Text))
	}
	for _, n := range x.OpenNotes(t.ID) {
		a.point(fmt.Sprintf("Note %s by %s on %s: %s", n.ID, d.name(n.By), n.Where, n.Text))
	}
	act := "paper.prepare"
	if p.Prepared != nil {
		act = "paper.review"
	}
	if p.Reviewed == nil {
		for _, m := range openGates(s.Standing(x, act, t.ID, d.p.Now())) {
			a.point("Missing before it is signed: " + d.inNames(m))
		}
	}
}

func (a *app) printRow(p *fieldwork.Paper, t *fieldwork.Test, item string) {
	var marks []string
	for _, at := range t.Attributes {
		mark := string(engagement.ToTest)
		c := fieldwork.Cell{Item: item, Attribute: at.Name}
		if m := p.Cells[c]; m != nil {
			mark = string(m.Mark) + with(refsOf(m.Evidence))
		}
		if r := p.Revealed[c]; r != nil {
			mark += " [computed: " + cmp.Or(r.Outcome, "no result") + "]"
		}
		marks = append(marks, at.Name+" "+mark)
	}
	void := ""
	if why := p.Void[item]; why != "" {
		void = " (void: " + why + ")"
	}
	a.point(cmp.Or(item, "(the test)") + "  " + strings.Join(marks, "; ") + void)
}

func (a *app) openPaperCommand() *cobra.Command {
	var sample, empty string
	cmd := a.firmAct("open TEST", "Open the workpaper of a test, with the items of a sample as its rows", exactly(1, aTest), func(ctx context.Context, d *firmDesk) error {
		if err := d.Files.OpenPaper(ctx, d.by, d.id, d.args[0], sample, empty); err != nil {
			return err
		}
		rows := 0
		err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error { rows = len(x.Papers[d.args[0]].Rows); return nil })
		if err != nil {
			return err
		}
		return a.did(&d.place, rows, "The workpaper of %s is open, with %s.", d.args[0], count(rows, "row", "rows"))
	})
	cmd.Flags().StringVar(&sample, "sample", "", "sample whose items are the rows; none for a test without items")
	cmd.Flags().StringVar(&empty, "empty", "", "population without an item, in place of a sample: its emptiness is proved")
	return cmd
}

func (a *app) extendPaperCommand() *cobra.Command {
	return a.firmAct("extend TEST SAMPLE", "Add to a workpaper the rows that a sample has and it has not", exactly(2, aTest+" and a sample"), func(ctx context.Context, d *firmDesk) error {
		if err := d.Files.ExtendPaper(ctx, d.by, d.id, d.args[0], d.args[1]); err != nil {
			return err
		}
		return a.did(&d.place, d.args[1], "%s has the rows of %s now. A preparer's signature before has lapsed.", d.args[0], d.args[1])
	})
}

func (a *app) revealCommand() *cobra.Command {
	return a.firmAct("reveal TEST", "Show what the client's procedure computed for cells that are marked", exactly(1, aTest), func(ctx context.Context, d *firmDesk) error {
		if err := d.Files.Reveal(ctx, d.by, d.id, d.args[0]); err != nil {
			return err
		}
		var differ []fieldwork.Cell
		err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
			differ = x.Papers[d.args[0]].Differences(x.Tests[d.args[0]])
			return nil
		})
		if err != nil {
			return err
		}
		words := "No mark differs from what was computed."
		if len(differ) > 0 {
			words = fmt.Sprintf("%s from what was computed: %s. Each needs a note ('test explain').", count(len(differ), "mark differs", "marks differ"), cellWords(differ))
		}
		return a.did(&d.place, differ, "What was computed for the marked cells of %s is shown. %s", d.args[0], words)
	})
}

func cellWords(list []fieldwork.Cell) string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = strings.TrimSpace(c.Item + " " + c.Attribute)
	}
	return strings.Join(out, ", ")
}

func (a *app) explainCommand() *cobra.Command {
	var c fieldwork.Cell
	cmd := a.firmAct("explain TEST TEXT", "Put a note on a difference between a mark and what was computed", exactly(2, aTest+" and the note"), func(ctx context.Context, d *firmDesk) error {
		if err := d.Files.Explain(ctx, d.by, d.id, d.args[0], c, d.args[1]); err != nil {
			return err
		}
		return a.did(&d.place, c, "The difference at %s is explained.", cellWords([]fieldwork.Cell{c}))
	})
	cmd.Flags().StringVar(&c.Item, "item", "", "the item")
	cmd.Flags().StringVar(&c.Attribute, "attribute", "A", "the attribute")
	return cmd
}

func (a *app) prepareCommand() *cobra.Command {
	return a.signPaper("prepare", "Sign a workpaper off as its preparer", func(ctx context.Context, d *firmDesk, digest string) error {
		return d.Files.Prepare(ctx, d.by, d.id, d.args[0], digest)
	})
}

func (a *app) reviewPaperCommand() *cobra.Command {
	return a.signPaper("review", "Sign a workpaper off as its reviewer, who had no hand in it; its version is frozen", func(ctx context.Context, d *firmDesk, digest string) error {
		return d.Files.Review(ctx, d.by, d.id, d.args[0], digest)
	})
}

// signPaper is a sign-off of a workpaper as it is now, or as it was seen.
func (a *app) signPaper(use, short string, sign func(ctx context.Context, d *firmDesk, digest string) error) *cobra.Command {
	var seen string
	cmd := a.firmAct(use+" TEST", short, exactly(1, aTest), func(ctx context.Context, d *firmDesk) error {
		digest := ""
		err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error { digest = x.PaperDigest(d.args[0]); return nil })
		switch {
		case err != nil:
			return err
		case seen != "" && digest == "":
			return fmt.Errorf("%w: the test %s has no workpaper", audit.ErrNotFound, d.args[0])
		case seen != "" && !prefixed(seen, digest):
			return fmt.Errorf("%w: the workpaper of %s is another than %s now: somebody worked on it; look again ('tieout test show')", audit.ErrConflict, d.args[0], seen)
		}
		if err := sign(ctx, d, digest); err != nil {
			return err
		}
		return a.did(&d.place, digest, "%s signed the workpaper of %s as its %s, digest %.16s.", d.me.Name, d.args[0], map[string]string{"prepare": "preparer", "review": "reviewer"}[use], digest)
	})
	const what = "digest of the workpaper as 'test show' showed it to you, eight digits or more "
	if use == "prepare" { // it is the preparer's own work
		cmd.Flags().StringVar(&seen, "seen", "", what+"(default: as it is now)")
		return cmd
	}
	cmd.Flags().StringVar(&seen, "seen", "", what+"(needed)")
	return needed(cmd, "seen")
}

func (a *app) reopenCommand() *cobra.Command {
	var why string
	cmd := a.firmAct("reopen TEST", "Open a reviewed workpaper again, with the reason", exactly(1, aTest), func(ctx context.Context, d *firmDesk) error {
		if err := d.Files.Reopen(ctx, d.by, d.id, d.args[0], why); err != nil {
			return err
		}
		return a.did(&d.place, why, "The workpaper of %s is open again. What was concluded on it has to be renewed.", d.args[0])
	})
	cmd.Flags().StringVar(&why, "why", "", "the reason (needed)")
	return needed(cmd, "why")
}

func (a *app) noteCommand() *cobra.Command {
	var where, answer string
	var cleared bool
	cmd := a.firmAct("note TEST|NOTE [TEXT]", "Write a review note on a workpaper; --answer answers one, --clear clears one", between(1, 2, "a test and the note, or a note such as N-1"), func(ctx context.Context, d *firmDesk) error {
		id := d.args[0]
		if len(d.args) == 2 {
			n, err := d.Files.AddNote(ctx, d.by, d.id, id, where, d.args[1])
			if err != nil {
				return err
			}
			return a.did(&d.place, n, "Note %s stands on the workpaper of %s.", n, id)
		}
		if (answer == "") == !cleared {
			return fmt.Errorf("%w: write the note after the test, or answer or clear a note with --answer or --clear", audit.ErrUsage)
		}
		base, err := d.base(ctx, "note", id)
		if err != nil {
			return err
		}
		if cleared {
			err = d.Files.ClearNote(ctx, d.by, d.id, id, base)
			if err != nil {
				return err
			}
			return a.did(&d.place, id, "Note %s is cleared.", id)
		}
		err = d.Files.AnswerNote(ctx, d.by, d.id, id, answer, base)
		if err != nil {
			return err
		}
		return a.did(&d.place, id, "Note %s is answered.", id)
	})
	f := cmd.Flags()
	f.StringVar(&where, "where", "", "cell or part of the paper, in words")
	f.StringVar(&answer, "answer", "", "answer the note")
	f.BoolVar(&cleared, "clear", false, "clear the note, once it is answered")
	return cmd
}
