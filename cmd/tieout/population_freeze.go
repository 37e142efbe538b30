package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/report"
)

// examPopulations are the commands of an examination below population.
func (a *app) examPopulations() []*cobra.Command {
	list := []*cobra.Command{a.freezeCommand(), a.frozenCommand(), a.completeCommand(), a.acceptPopulationCommand(), a.questionCommand(), a.itemsCommand()}
	for _, c := range list {
		a.engagementFlags(c)
	}
	return list
}

func (a *app) freezeCommand() *cobra.Command {
	var round, instead string
	var explain []string
	cmd := a.clientAct("freeze PROCEDURE", "Freeze what a procedure of the newest run was performed on, for the auditor to draw from", exactly(1, "a procedure such as change.review"),
		func(ctx context.Context, d *clientDesk) error {
			why, err := explained("--explain", "WHAT=WHY", explain)
			if err != nil {
				return err
			}
			p, err := d.FreezeRun(ctx, d.by, d.id, d.args[0], round, why, instead)
			if err != nil {
				return err
			}
			return a.did(&d.place, p, "%s items of %q are frozen as %s, round %s: digest %.16s, entry %s of the log. Sampling is possible once the auditor has accepted it.",
				report.Number(p.Count), p.Title, p.ID, p.Round, p.Digest, audit.EvidenceRef(p.Record))
		})
	cmd.Long = "Freezes the population that a procedure of the newest run over the engagement's period was performed on: its items stay as they are, whatever is collected later, and nobody knows the sample yet. " +
		"Completeness has to add up: a line that does not is explained (--explain 'WHAT=WHY') or refuses the freeze."
	f := cmd.Flags()
	f.StringVar(&round, "round", "1", "round; a re-freeze is another")
	f.StringVar(&instead, "instead-of", "", "earlier population whose place it takes, such as P-1")
	f.StringArrayVar(&explain, "explain", nil, "why a line of completeness does not add up, as WHAT=WHY; may be repeated")
	return cmd
}

// explained reads what a flag gives reasons for, one of its form each.
func explained(flag, form string, list []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range list {
		what, why, ok := strings.Cut(s, "=")
		what, why = strings.TrimSpace(what), strings.TrimSpace(why)
		switch {
		case !ok || what == "" || why == "":
			return nil, fmt.Errorf("%w: %s %q is not %s", audit.ErrUsage, flag, s, form)
		case out[what] != "":
			return nil, fmt.Errorf("%w: %s %s is given twice", audit.ErrUsage, flag, what)
		}
		out[what] = why
	}
	return out, nil
}

// A shownFrozen is a frozen population for programs.
type shownFrozen struct {
	engagement.Population
	Accepted   bool   `json:"accepted"`
	Question   string `json:"question,omitempty"`
	Superseded string `json:"superseded,omitempty"`

	day string // it was frozen on, where the engagement counts its days
}

func (v shownFrozen) row() row {
	word := "waits for the auditor's word"
	switch {
	case v.Superseded != "":
		word = "superseded by " + v.Superseded
	case v.Accepted:
		word = "accepted"
	case v.Question != "":
		word = "questioned: " + v.Question
	}
	return row{[]string{v.ID, v.Title, strings.Join(v.Controls, " "), v.Round, report.Number(v.Count), v.day, word}, v}
}

func (a *app) frozenCommand() *cobra.Command {
	return &cobra.Command{Use: "frozen", Short: "Frozen populations and the auditor's word on each", Args: exactly(0, "no argument"),
		RunE: a.onSide(looks, func(ctx context.Context, d *firmDesk) error {
			var list []shownFrozen
			err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
				for _, p := range book.Sorted(x.Populations) {
					v := shownFrozen{Population: p.Population, Accepted: p.Accepted, Superseded: p.Superseded, day: dayOf(x.Terms, p.Freeze.At)}
					if n := len(p.Questions); n > 0 {
						v.Question = p.Questions[n-1].What
					}
					list = append(list, v)
				}
				return nil
			})
			if err != nil {
				return err
			}
			return a.showFrozen(list)
		}, func(ctx context.Context, d *clientDesk) error {
			var list []shownFrozen
			err := d.side(ctx, func(_ *management.State, x *management.Side) error {
				for _, p := range book.Sorted(x.Populations) {
					list = append(list, shownFrozen{p.Population, p.Accepted, p.Question, p.Superseded, dayOf(x.Terms, p.Freeze.At)})
				}
				return nil
			})
			if err != nil {
				return err
			}
			return a.showFrozen(list)
		})}
}

func (a *app) showFrozen(list []shownFrozen) error {
	l := listing{schema: "tieout.frozen/1", columns: cols("population", "~what", "controls", "round", ">items", "frozen", "~state")}
	accepted := 0
	for _, v := range list {
		if v.Accepted {
			accepted++
		}
		l.rows = append(l.rows, v.row())
	}
	l.summary = fmt.Sprintf("%s frozen, %d accepted.", count(len(list), "population", "populations"), accepted)
	return a.show(l)
}

const aPopulation = "a frozen population such as P-1"

func (a *app) completeCommand() *cobra.Command {
	return a.firmAct("complete POPULATION TEXT", "Write the auditor's own work on a population's completeness and accuracy", exactly(2, aPopulation+" and the work in words, or @FILE"),
		func(ctx context.Context, d *firmDesk) error {
			text, err := typed("the work", d.args[1])
			if err != nil {
				return err
			}
			base, err := d.base(ctx, "population", d.args[0])
			if err == nil {
				err = d.Files.WriteComplete(ctx, d.by, d.id, d.args[0], text, base)
			}
			if err != nil {
				return err
			}
			return a.did(&d.place, text, "The work on the completeness of %s is in the file.", d.args[0])
		})
}

func (a *app) acceptPopulationCommand() *cobra.Command {
	return a.firmAct("accept POPULATION", "Accept a frozen population: it can be drawn from", exactly(1, aPopulation), func(ctx context.Context, d *firmDesk) error {
		base, err := d.base(ctx, "population", d.args[0])
		if err == nil {
			err = d.Files.AcceptPopulation(ctx, d.by, d.id, d.args[0], base)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, d.args[0], "%s is accepted. It can be drawn from.", d.args[0])
	})
}

func (a *app) questionCommand() *cobra.Command {
	return a.firmAct("question POPULATION TEXT", "Ask the client about a frozen population", exactly(2, aPopulation+" and the question"), func(ctx context.Context, d *firmDesk) error {
		base, err := d.base(ctx, "population", d.args[0])
		if err == nil {
			err = d.Files.QuestionPopulation(ctx, d.by, d.id, d.args[0], d.args[1], base)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, d.args[1], "The question about %s goes out with the next exchange.", d.args[0])
	})
}

func (a *app) itemsCommand() *cobra.Command {
	var plain bool
	cmd := a.firmAct("items POPULATION FILE", "Write a population's item lines as they were frozen, as 'sample verify' reads them", exactly(2, aPopulation+" and the file to write"),
		func(ctx context.Context, d *firmDesk) error {
			export := d.Files.ExportItems
			if plain {
				export = d.Files.ExportPlainItems
			}
			digest, err := writeFile(d.args[1], func(w io.Writer) error { return export(ctx, d.by, d.id, d.args[0], w) })
			if err != nil {
				return err
			}
			return a.did(&d.place, digest, "%s holds the items of %s, %s.", d.args[1], d.args[0], digest)
		})
	cmd.Flags().BoolVar(&plain, "without-outcomes", false, "leave out what the client's tests came to, while a tester has marks to make; these are not the frozen bytes")
	return cmd
}
