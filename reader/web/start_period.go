package web

import (
	"fmt"
	"net/url"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/report"
)

// startPeriods are the workspace's periods on the page where a company begins.
type startPeriods struct {
	Rows  []periodLine
	Holes []string
	Next  definition.PeriodConfig // as proposed, or as it was typed
	Type1 bool
	Warn  string // about the length of the next one
	Log   []periodTurn
}

// A periodLine is one period in the list.
type periodLine struct {
	link
	Days, Report, Now string
}

// A periodTurn is one revision that changed the periods.
type periodTurn struct {
	When, Who, What, Why string
	Entry                link
}

// periodsOf are the periods with the proposal of the next, as it was typed where
// that was refused.
func (q *request) periodsOf(p *period.Program, typed *definition.PeriodConfig) (out startPeriods, err error) {
	for _, x := range p.Def.Periods {
		row := periodLine{link: link{x.Name, "/period/" + url.PathEscape(x.Name)}, Days: x.First() + " to " + x.Last(), Report: report.Capital(p.Def.ReportOf(x.Name))}
		if x.Name == p.Name {
			row.Now = "Shown now"
		}
		out.Rows = append(out.Rows, row)
	}
	for _, h := range p.Def.Holes() {
		out.Holes = append(out.Holes, sayHole(h))
	}
	if out.Next, err = p.Def.NextPeriod(); err != nil {
		return out, err
	}
	if typed != nil {
		out.Next = *typed
	}
	if out.Type1 = out.Next.Report == definition.ReportTypeI; !out.Type1 {
		out.Warn = audit.LengthWarning(out.Next.First, out.Next.Last)
	}
	log, err := p.PeriodLog(q.Context())
	for _, c := range log {
		ref := audit.EvidenceRef(c.Record)
		out.Log = append(out.Log, periodTurn{report.Moment(c.At, q.zone()), q.name(c.By), strings.Join(c.What, "; "), c.Why, q.lead(link{ref, q.at("evidence", ref)})})
	}
	return out, err
}

// sayHole says which days lie between two periods.
func sayHole(h definition.Hole) string {
	return "No period holds " + dayText(h.First) + " to " + dayText(h.Last) + ": no report will speak of these days."
}

// sayHeld says why the days of a period do not change just so; "": they do.
func sayHeld(held []period.Held, name string) string {
	for _, h := range held {
		switch {
		case h.Name != name:
		case h.Report != "":
			return "The report of " + h.Report + " is issued over these days: they do not change. Add the next period below."
		default:
			return sentence(strings.Join(h.Why, ", ")) + " A change of its days says why, and the log keeps that. What comes next is a period of its own."
		}
	}
	return ""
}

// addPeriod adds the next period, or shows what it would come to.
func (q *request) addPeriod() error {
	c := definition.PeriodConfig{Name: q.field("period-name"), First: q.field("next-first"), Last: q.field("next-last"), Report: definition.ReportTypeII}
	if q.field("next-report") == "1" {
		c.Report = definition.ReportTypeI
	}
	return q.amending(func(p *period.Program) error {
		s, err := p.Def.Setup(p.Name)
		if err != nil {
			return err
		}
		data := startPage{S: s, Base: p.Def.Hash(), typed: &c}
		err = checkPeriodName(c.Name)
		var changes map[string][]byte
		if err == nil {
			changes, err = p.Def.AddPeriod(c)
		}
		if err == nil && period.InGit(p.Dir) {
			if next, err := p.Def.With(changes); err == nil {
				data.Scope, data.Diffs = scopeOf(p, next), diffs(p.Def, changes)
				data.Scope.Plan = planLines(p, next)
				return q.showStart(p, data)
			}
		}
		if err == nil && q.field("base") != p.Def.Hash() {
			err = fmt.Errorf("%w: somebody has changed the workspace since this page was opened. What you typed is still here; press Add it again if it is right", audit.ErrConflict)
		}
		if err == nil {
			var added definition.Period
			if added, err = p.AddPeriod(q.Context(), c); err == nil {
				return q.done(startPath, "The period "+added.First()+" to "+added.Last()+" is added. What was read and tested before stays with its own period.")
			}
		}
		if err := q.problem(err); err != nil {
			return err
		}
		return q.showStart(p, data)
	})
}

// checkPeriodName refuses what is no name of a period in one line.
func checkPeriodName(name string) error {
	if len(name) > maxLine || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%w: name of the period: at most %d characters in one line", audit.ErrInvalid, maxLine)
	}
	return nil
}
