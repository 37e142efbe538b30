package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"tieout/engagement/management"
	"tieout/examination"
)

func (a *app) reportCoverageCommand() *cobra.Command {
	return &cobra.Command{Use: "coverage", Short: "Which days reports in force speak about, then letters, and which days nothing speaks about",
		Long: "Lists the days of each system that was reported on, from the first that was examined until today: what a report in force speaks of, what a bridge letter does, which nobody " +
			"examined, and what neither does. Days that the company's own tests ran over are monitored, not examined.",
		Args: exactly(0, "no argument"), RunE: a.onClient(looks|none, a.reportCoverage)}
}

// A shownStretch is days with what speaks about them, for programs.
type shownStretch struct {
	System     string `json:"system"`
	Objectives bool   `json:"objectives,omitempty"`
	Days       int    `json:"days"`
	management.Stretch
}

func (a *app) reportCoverage(ctx context.Context, d *clientDesk) error {
	all, err := d.Coverage(ctx)
	if err != nil {
		return err
	}
	l := listing{schema: "tieout.report-coverage/1", summary: examination.SayCoverage(all), columns: cols("~system", "first", "last", ">days", "covered by", "engagement", "letter")}
	for _, c := range all {
		for _, s := range c.Stretches {
			by := string(s.By)
			if s.UnderWay != "" {
				by += ", " + s.UnderWay + " under way"
			}
			l.rows = append(l.rows, row{[]string{c.System, s.First, s.Last, strconv.Itoa(s.Days()), by, s.Engagement, s.Letter}, shownStretch{c.System, c.Objectives, s.Days(), s}})
		}
	}
	return a.show(l)
}
