package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/report/text"
	"tieout/source/all"
)

func (a *app) coverageCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "coverage", Short: "Criteria, their controls, the procedures that test them and the sources these need", Args: exactly(0, "no argument"),
		Long: `Which procedures test which criteria through which controls, what data each
of them reads, and which kinds of source give it. In a workspace also what
cannot be tested here and why: no connection gives the data, a connection could
not collect it, nothing was collected yet, or the control or the procedure is
left out. Without a workspace it speaks of the library alone.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				a.output = "json"
			}
			return a.coverage(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "the same as -o json")
	return cmd
}

func (a *app) coverage(ctx context.Context) error {
	if dir, err := a.workspace(); errors.Is(err, audit.ErrNotFound) || err == nil && dir == "" {
		return a.libraryCoverage()
	} else if err != nil {
		return err
	}
	return a.with(ctx, func(p *period.Program) error { return a.workspaceCoverage(ctx, p) })
}

func (a *app) libraryCoverage() error {
	sentence, covered, err := answer.LibraryCoverage(all.Drivers)
	if err != nil {
		return err
	}
	return a.show(coverageListing(sentence, covered))
}

func (a *app) workspaceCoverage(ctx context.Context, p *period.Program) error {
	sentence, covered, err := answer.Coverage(ctx, p)
	if err != nil {
		return err
	}
	return a.show(coverageListing(sentence, covered))
}

func coverageListing(sentence string, covered []answer.Covered) listing {
	l := listing{schema: answer.CoverageSchema, summary: sentence, columns: []text.Column{
		{Head: "criterion"}, {Head: "control"}, {Head: "procedure"}, {Head: "form"}, {Head: "reads and from where", Flex: true}, {Head: "why", Flex: true},
	}}
	for _, c := range covered {
		var said []string
		for _, n := range c.Reads {
			said = append(said, n.Type+": "+strings.Join(specific(n.Sources), " "))
		}
		if c.Form == audit.Manual {
			said = []string{"a person's answers"}
		}
		l.rows = append(l.rows, row{[]string{c.Criterion, c.Control, c.Procedure, string(c.Form), strings.Join(said, "; "), c.Cannot}, c})
	}
	return l
}

// specific leaves out the sources that read any type from what people map: those
// are always there. Where there is no other, it says so.
func specific(kinds []string) []string {
	var out []string
	for _, k := range kinds {
		if d, err := all.Drivers.Find(k); err == nil && len(d.Types) < len(audit.ItemTypes)/2 {
			out = append(out, k)
		}
	}
	if len(out) == 0 {
		return []string{"any export"}
	}
	return out
}
