package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/definition"
	"tieout/internal/durable"
	"tieout/period"
	"tieout/report"
)

func (a *app) periodCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "period", Short: "The periods of the workspace: list, add",
		Long: `A period is the days that a report speaks of. The next one is added beside those
that are there: what was read, tested and examined stays with its own period. The
days of a period that has begun, was tested over or is agreed with an audit firm
change with a reason alone ('tieout apply --why'); once a report is issued over
them they do not change.`}
	cmd.AddCommand(a.listPeriodsCommand(), a.addPeriodCommand())
	return cmd
}

// A shownPeriod is one period for programs.
type shownPeriod struct {
	Name   string   `json:"name"`
	First  string   `json:"first"`
	Last   string   `json:"last"`
	Zone   string   `json:"zone"`
	Report string   `json:"report"`
	Shown  bool     `json:"shown"`            // what commands speak of now
	Held   []string `json:"held,omitempty"`   // why its days change with a reason alone
	Issued string   `json:"issued,omitempty"` // engagement whose report is issued over it: its days do not change
}

func (a *app) listPeriodsCommand() *cobra.Command {
	var log bool
	cmd := &cobra.Command{Use: "list", Short: "The periods, what holds their days, and days that none holds", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error {
				if log {
					return a.periodLog(cmd.Context(), p)
				}
				return a.listPeriods(cmd.Context(), p)
			})
		}}
	cmd.Flags().BoolVar(&log, "log", false, "when the periods were changed, by whom and why")
	return cmd
}

func (a *app) listPeriods(ctx context.Context, p *period.Program) error {
	held, err := p.HeldPeriods(ctx)
	if err != nil {
		return err
	}
	l := listing{schema: "tieout.period-list/1", columns: cols("period", "first", "last", "report", "~its days")}
	for _, x := range p.Def.Periods {
		v := shownPeriod{Name: x.Name, First: x.First(), Last: x.Last(), Zone: x.Zone, Report: p.Def.ReportOf(x.Name), Shown: x.Name == p.Name}
		says := "change freely"
		for _, h := range held {
			if h.Span != x.Span {
				continue
			}
			v.Held, v.Issued = h.Why, h.Report
			says = "change with a reason: " + strings.Join(h.Why, ", ")
			if h.Report != "" {
				says = "do not change: the report of " + h.Report + " is issued over them"
			}
		}
		l.rows = append(l.rows, row{[]string{v.Name, v.First, v.Last, v.Report, says}, v})
	}
	l.summary = periodsSentence(p.Def)
	return a.show(l)
}

// periodsSentence says how many periods there are and which days none holds.
func periodsSentence(w *definition.Workspace) string {
	s := report.Capital(count(len(w.Periods), "period", "periods"))
	holes := w.Holes()
	if len(holes) == 0 {
		return s + "."
	}
	var days []string
	for _, h := range holes {
		days = append(days, h.First+" to "+h.Last)
	}
	return s + "; no period holds " + strings.Join(days, ", ") + "."
}

func (a *app) periodLog(ctx context.Context, p *period.Program) error {
	log, err := p.PeriodLog(ctx)
	if err != nil {
		return err
	}
	l := listing{schema: "tieout.period-changes/1", columns: cols("revision", "when", "who", "~what", "~why", "entry")}
	for _, c := range log {
		ref := audit.EvidenceRef(c.Record)
		l.rows = append(l.rows, row{[]string{report.Number(int(c.Revision)), report.Moment(c.At, p.Period.Location()), c.By, strings.Join(c.What, "; "), c.Why, ref}, c})
	}
	l.summary = report.Capital(count(len(log), "revision", "revisions")) + " changed the periods."
	return a.show(l)
}

func (a *app) addPeriodCommand() *cobra.Command {
	var c definition.PeriodConfig
	var typeI bool
	cmd := in(&cobra.Command{Use: "add", Short: "Add the next period: the day after the last one, as long as it",
		Long: `Adds the next period to tieout.yaml and applies it: from the day after the last one,
as long as it; after the date of a Type I, a Type II of twelve months. What is there
stays as it is. In a git checkout the file is written and nothing is applied.`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if typeI {
				c.Report = definition.ReportTypeI
			}
			return a.with(cmd.Context(), func(p *period.Program) error { return a.addPeriod(cmd.Context(), p, c) })
		}}, "table", "json")
	f := cmd.Flags()
	f.StringVar(&c.Name, "name", "", "name of the period (default: its days)")
	f.StringVar(&c.First, "first", "", "first day (default: the day after the last period)")
	f.StringVar(&c.Last, "last", "", "last day (default: as long as the last period)")
	f.BoolVar(&typeI, "type-i", false, "it prepares a Type I, as of its last day")
	return cmd
}

func (a *app) addPeriod(ctx context.Context, p *period.Program, c definition.PeriodConfig) error {
	if period.InGit(p.Dir) {
		return a.writePeriod(p, c)
	}
	added, err := p.AddPeriod(ctx, c)
	if err != nil {
		return err
	}
	a.lengthNote(p.Def.ReportOf(added.Name), added.First(), added.Last())
	for _, h := range p.Def.Holes() {
		if h.Before == added.Name {
			a.note("No period holds %s to %s: no report will speak of these days.", h.First, h.Last)
		}
	}
	return a.tell("tieout.period/1", fmt.Sprintf("The period %s to %s is added and applied.", added.First(), added.Last()),
		shownPeriod{Name: added.Name, First: added.First(), Last: added.Last(), Zone: added.Zone, Report: p.Def.ReportOf(added.Name), Shown: added.Name == p.Name})
}

// writePeriod writes the file of a workspace that lives in git: the change is looked
// at and applied there.
func (a *app) writePeriod(p *period.Program, c definition.PeriodConfig) error {
	changes, err := p.Def.AddPeriod(c)
	if err != nil {
		return err
	}
	next, err := p.Def.With(changes)
	if err != nil {
		return err
	}
	for name, text := range changes {
		if err := durable.Write(filepath.Join(p.Dir, filepath.FromSlash(name)), text, 0o644); err != nil {
			return err
		}
	}
	added, err := next.Period("")
	if err != nil {
		return err
	}
	a.lengthNote(next.ReportOf(added.Name), added.First(), added.Last())
	a.note("Next: tieout plan, then tieout apply")
	return a.tell("tieout.period/1", fmt.Sprintf("The period %s to %s is written to tieout.yaml and not applied yet.", added.First(), added.Last()),
		shownPeriod{Name: added.Name, First: added.First(), Last: added.Last(), Zone: added.Zone, Report: next.ReportOf(added.Name)})
}

// lengthNote warns of the length of a period of a Type II, where readers ask about it.
func (a *app) lengthNote(kind, first, last string) {
	if warn := audit.LengthWarning(first, last); warn != "" && cmp.Or(kind, definition.ReportTypeII) == definition.ReportTypeII {
		a.note("%s", strings.TrimSuffix(warn, "."))
	}
}
