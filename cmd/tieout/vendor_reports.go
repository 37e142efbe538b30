package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/text"
)

// Schemas of what commands on suppliers' reports write as JSON.
const (
	coverSchema = "tieout.vendor-coverage/1"
)

// A vendorCovered is one supplier's row of the coverage, as JSON has it.
type vendorCovered struct {
	Vendor   string             `json:"vendor"`
	Name     string             `json:"name"`
	Days     int                `json:"days"`
	Examined int                `json:"examined"`
	InPart   int                `json:"inPart"`   // further days of reports of a part of the service
	Lettered int                `json:"lettered"` // further days of the supplier's own letter, not examined
	Open     int                `json:"open"`     // further days of statements whose review is not concluded
	Holes    []vendorHole       `json:"holes"`
	Says     string             `json:"says"`
	Next     string             `json:"next"`     // what would cover the last days; ""
	Expected string             `json:"expected"` // day on which its next report is expected; ""
	Overdue  bool               `json:"overdue"`  // and it has not come
	Reports  []vendorReportLine `json:"reports"`
}

type vendorHole struct {
	First string `json:"first"`
	Last  string `json:"last"`
	Days  int    `json:"days"`
}

type vendorReportLine struct {
	program.VendorReport
	Counts     bool     `json:"counts"`     // its review counts as one of the supplier today
	Freshness  string   `json:"freshness"`  // how old it is, in words
	Limits     []string `json:"limits"`     // what it cannot show
	Unfinished []string `json:"unfinished"` // what its review has not settled
}

func (a *app) vendorCoverageCommand() *cobra.Command {
	return &cobra.Command{
		Use: "coverage", Short: "How much of the period the reports of subservice organizations speak of", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withRegister(cmd.Context(), func(r *register) error { return a.vendorCoverage(cmd.Context(), r) })
		},
	}
}

func (a *app) vendorCoverage(ctx context.Context, r *register) error {
	all, err := r.p.Registers().AllVendors(ctx)
	if err != nil {
		return err
	}
	l := listing{schema: coverSchema, columns: []text.Column{{Head: "vendor"}, {Head: "name", Flex: true}, {Head: "examined", Right: true}, {Head: "in part", Right: true}, {Head: "by letter", Right: true}, {Head: "not reviewed", Right: true}, {Head: "nothing", Right: true}, {Head: "of days", Right: true}, {Head: "next report"}}}
	whole, n := 0, 0
	for i := range all {
		if !all[i].Subservice || all[i].Status != "active" {
			continue
		}
		c, covered, err := r.covered(ctx, &all[i])
		if err != nil {
			return err
		}
		if n++; c.Uncovered()+c.Open == 0 {
			whole++
		}
		l.rows = append(l.rows, row{[]string{all[i].ID, all[i].Name, report.Number(c.Examined), report.Number(c.InPart), report.Number(c.Lettered), report.Number(c.Open), report.Number(c.Uncovered()), report.Number(c.Days), sayNext(covered.Expected, covered.Overdue)}, covered})
	}
	l.summary = sayCoverage(n, whole, r.now.Before(r.p.Period.To))
	return a.show(l)
}

// sayCoverage sums the coverage up; of a period that runs it speaks of the days
// until today alone.
func sayCoverage(n, whole int, running bool) string {
	days := map[bool]string{true: "so far", false: "of the period"}[running]
	switch {
	case n == 0:
		return "No subservice organization in use is in the register."
	case whole == n:
		return "Of " + report.Plural(n, "subservice organization", "subservice organizations") + " in use, every day " + days + " is covered."
	}
	return "Of " + report.Plural(n, "subservice organization", "subservice organizations") + " in use, " + report.Plural(n-whole, "leaves", "leave") + " days of the period to nothing, or to statements nobody has reviewed."
}

// covered is how a supplier's reports cover the days of the period that have begun.
func (r *register) covered(ctx context.Context, v *program.Vendor) (program.VendorCover, vendorCovered, error) {
	list, err := r.p.Registers().ReportsOfVendor(ctx, v.ID)
	if err != nil {
		return program.VendorCover{}, vendorCovered{}, err
	}
	last := r.p.Period.To.In(r.loc).AddDate(0, 0, -1)
	c := program.Cover(list, r.p.Period.From.In(r.loc), answer.CoverTo(last, r.now.In(r.loc)))
	out := vendorCovered{Vendor: v.ID, Name: v.Name, Days: c.Days, Examined: c.Examined, InPart: c.InPart, Lettered: c.Lettered, Open: c.Open, Holes: []vendorHole{}, Says: answer.Cover(c), Next: answer.CoverNext(c), Reports: []vendorReportLine{}}
	if next := program.Expected(list); len(next) > 0 && v.Status != "ended" {
		out.Expected, out.Overdue = next[0].Day, next[0].Overdue(r.now.In(r.loc))
	}
	for _, h := range c.Holes {
		out.Holes = append(out.Holes, vendorHole{h.First.Format(time.DateOnly), h.Last.Format(time.DateOnly), h.Days()})
	}
	for i := range list {
		out.Reports = append(out.Reports, vendorReportLine{list[i], list[i].Counts(r.now), answer.Freshness(&list[i], r.now.In(r.loc)), orNone(list[i].Limits(r.now.In(r.loc))), orNone(list[i].Unfinished())})
	}
	return c, out, nil
}

// sayNext is the day on which a vendor's next report is expected, as a cell has it.
func sayNext(day string, overdue bool) string {
	if overdue {
		return day + " overdue"
	}
	return day
}

// orNone is never nil: JSON says [] of nothing.
func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// sayReports writes what a supplier's reports cover, and what each cannot show.
func (a *app) sayReports(r *register, c vendorCovered) {
	a.say(strings.TrimSpace(c.Says + " " + c.Next))
	if c.Expected != "" {
		a.say("Next report expected: " + sayNext(c.Expected, c.Overdue) + ".")
	}
	for i := range c.Reports {
		x := &c.Reports[i]
		days := x.Last
		if x.First != "" {
			days = x.First + " to " + x.Last
		}
		review := "review not concluded, " + strconv.Itoa(len(x.Unfinished)) + " missing"
		if !x.Reviewed.IsZero() {
			review = "review concluded"
		}
		fmt.Fprintf(a.env.Stdout, "%s  %s  %s  %s\n", x.ID, x.Type, days, review)
		fmt.Fprintf(a.env.Stdout, "      %s\n", text.Clean(x.Freshness))
		if s := answer.Accepted(&x.VendorReport, r.name(x.Accepted.By), r.now, r.loc); s != "" {
			fmt.Fprintf(a.env.Stdout, "      %s\n", text.Clean(s))
		}
		for _, s := range x.Limits {
			fmt.Fprintf(a.env.Stdout, "      %s\n", text.Clean(s))
		}
	}
	if len(c.Reports) > 0 {
		fmt.Fprintln(a.env.Stdout)
	}
}

// sayBound says of evidence that is given to somebody which of it a supplier gave
// under terms.
func (a *app) sayBound(ctx context.Context, at *place, records []int64) error {
	refs := make([]string, len(records))
	for i, n := range records {
		refs[i] = audit.EvidenceRef(n)
	}
	list, err := at.p.Registers().GivenUnderTerms(ctx, refs)
	for _, r := range list {
		fmt.Fprintln(a.env.Stderr, text.Clean(r.Notice()))
	}
	return err
}
