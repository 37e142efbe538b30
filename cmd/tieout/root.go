package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/report/text"
)

// app carries the global flags of one run.
type app struct {
	env     Environment
	dir     string // workspace folder
	asOf    string
	period  string
	output  string
	quiet   bool
	noInput bool

	engagement string // the examination a command is on
	as         string // who acts, of several people who are signed in here
}

// outputs are the formats of -o that every list knows.
var outputs = []string{"table", "json", "jsonl", "csv"}

func (a *app) root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tieout",
		Short: "Run a SOC 2 from your systems to the signed report",
		Long: `Tieout collects evidence from the systems a company uses, seals it before it
reads it, tests whole populations over a whole period, and writes reports in
which every statement can be followed back to the raw bytes and checked offline
by anyone.

Start with 'tieout init' in a folder of your own, or with 'tieout demo' for an
invented company.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.checkFormat(cmd) },
	}
	f := cmd.PersistentFlags()
	f.StringVarP(&a.dir, "workspace", "w", "", "workspace folder (default: the nearest one upward with a tieout.yaml)")
	f.StringVar(&a.period, "period", "", "name of the period (default: today's, else the newest that has begun)")
	f.StringVar(&a.asOf, "as-of", "", "read the past: what was known at the end of this day, 2026-09-14")
	f.StringVarP(&a.output, "output", "o", "table", "output format: table, json; lists: jsonl, csv; check: more")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress and no notes on stderr")
	f.BoolVar(&a.noInput, "no-input", false, "never ask; fail where an answer is needed")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", audit.ErrUsage, err) })
	cobra.AddTemplateFunc("hang", hang)
	cmd.SetUsageTemplate(strings.NewReplacer(
		".FlagUsages ", ".FlagUsagesWrapped 80 ", "{{rpad .Name .NamePadding }} {{.Short}}", "{{hang (rpad .Name .NamePadding) .Short}}",
		" for more information about a command.", " for more.",
	).Replace(cmd.UsageTemplate()))
	a.addCommands(cmd)
	explain(cmd)
	return cmd
}

// explain makes commands that only hold others show their help, and refuse a
// word that names none of them. Help texts are broken at 80 columns.
func explain(cmd *cobra.Command) {
	cmd.Long = paragraphs(cmp.Or(cmd.Long, cmd.Short))
	if !cmd.HasSubCommands() {
		return
	}
	cmd.Args, cmd.SuggestionsMinimumDistance = noneOf, 2
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	for _, c := range cmd.Commands() {
		explain(c)
	}
}

// hang writes a name and what it is beside it, further lines below that.
func hang(name, what string) string {
	indent := len(name) + 3
	return name + " " + strings.ReplaceAll(text.Wrap(what, text.DefaultWidth-indent), "\n", "\n"+strings.Repeat(" ", indent))
}

// paragraphs breaks the lines of each paragraph anew; one with an indented line
// stays as it is.
func paragraphs(s string) string {
	list := strings.Split(s, "\n\n")
	for i, p := range list {
		if !strings.Contains("\n"+p, "\n ") {
			list[i] = text.Wrap(p, text.DefaultWidth)
		}
	}
	return strings.Join(list, "\n\n")
}

// noneOf says that a word is not the name of a command below cmd, and which
// one may have been meant.
func noneOf(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	near := ""
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		near = fmt.Sprintf(" Did you mean %s?", strings.Join(like, " or "))
	}
	return fmt.Errorf("%w: there is no command '%s %s'.%s See '%s --help'", audit.ErrUsage, cmd.CommandPath(), args[0], near, cmd.CommandPath())
}

func (a *app) addCommands(root *cobra.Command) {
	root.AddGroup(
		&cobra.Group{ID: "run", Title: "Run a period"},
		&cobra.Group{ID: "look", Title: "Look at what there is"},
		&cobra.Group{ID: "exam", Title: "Examination"},
		&cobra.Group{ID: "prove", Title: "Prove it"},
		&cobra.Group{ID: "keep", Title: "Keep it"},
	)
	cobra.EnableCommandSorting = false // help lists commands in the order of the flow
	for _, g := range []struct {
		id   string
		cmds []*cobra.Command
	}{
		{"run", []*cobra.Command{a.initCommand(), a.demoCommand(), a.planCommand(), a.applyCommand(), a.periodCommand(), a.collectCommand(), a.receiveCommand(), a.checkCommand(), a.statusCommand(), a.workerCommand(), a.jobCommand(), a.taskCommand(), a.serveCommand(), a.agentCommand()}},
		{"look", []*cobra.Command{a.readinessCommand(), a.systemCommand(), a.controlCommand(), a.evidenceCommand(), a.populationCommand(), a.deviationCommand(), a.riskCommand(), a.incidentCommand(), a.issuesCommand(), a.answerCommand(), a.vendorCommand(), a.reviewCommand(), a.personCommand(), a.connectorCommand(), a.reportCommand(), a.policyCommand(), a.docsCommand(), a.mcpCommand(), a.apiCommand()}},
		{"exam", []*cobra.Command{a.engagementCommand(), a.requestCommand(), a.sampleCommand(), a.testCommand(), a.exceptionCommand(), a.concludeCommand(), a.opinionCommand(), a.qualityCommand(),
			a.descriptionCommand(), a.assertionCommand(), a.representationCommand(), a.trustCommand()}},
		{"prove", []*cobra.Command{a.verifyCommand(), a.reperformCommand(), a.logCommand()}},
		{"keep", []*cobra.Command{a.accountCommand(), a.tokenCommand(), a.keyCommand(), a.holdCommand(), a.backupCommand(), a.restoreCommand(), a.doctorCommand(), a.versionCommand()}},
	} {
		for _, c := range g.cmds {
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	root.SetHelpCommandGroupID("keep")
	root.SetCompletionCommandGroupID("keep")
	root.AddCommand(&cobra.Command{Use: "exit-codes", Short: "What exit codes mean", Long: exitCodesHelpText})
}

// between is cobra.RangeArgs as a usage error.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return fmt.Errorf("%w: %s takes %s; see '%s --help'", audit.ErrUsage, cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}

// exactly is cobra.ExactArgs as a usage error.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return fmt.Errorf("%w: %s takes %s; see '%s --help'", audit.ErrUsage, cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}

// workspace returns the folder to work in: --workspace, or the nearest one
// upward that holds tieout.yaml.
func (a *app) workspace() (string, error) {
	if a.dir != "" {
		return a.dir, nil
	}
	start, err := a.env.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "tieout.yaml")); err == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", fmt.Errorf("%w: no tieout.yaml in %s or above it. Run 'tieout init' there, or name a workspace with --workspace", audit.ErrNotFound, start)
		}
	}
}

// asOfInstant is the last instant of the day --as-of names in the zone, or now.
func (a *app) asOfInstant(zone *time.Location) (time.Time, error) {
	if a.asOf == "" {
		return audit.Instant(a.env.Now()), nil
	}
	t, err := time.ParseInLocation(time.DateOnly, a.asOf, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: --as-of %q is not a date such as 2026-09-14", audit.ErrUsage, a.asOf)
	}
	return audit.Instant(t.AddDate(0, 0, 1)).Add(-time.Microsecond), nil
}

// note writes a line for people to stderr, unless --quiet.
func (a *app) note(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.env.Stderr, format+"\n", args...)
	}
}

// terminal reports whether w is a terminal a person watches.
func terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
