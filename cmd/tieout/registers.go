package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/text"
)

// Schemas of what the commands of the registers write as JSON.
const (
	incidentsSchema = "tieout.incidents/1"
	incidentSchema  = "tieout.incident/1"
	reportedSchema  = "tieout.incident-reported/1"
	risksSchema     = "tieout.risks/1"
	riskSchema      = "tieout.risk/1"
	vendorsSchema   = "tieout.vendors/1"
	vendorSchema    = "tieout.vendor/1"
)

// A register is what its commands look at: the workspace, the names of people
// and the instant.
type register struct {
	p     *period.Program
	names map[string]access.Named
	now   time.Time
	loc   *time.Location
}

func (r *register) name(account string) string {
	if n, ok := r.names[account]; ok {
		return n.Name
	}
	return account
}

func (r *register) day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return report.Day(t, r.loc)
}

// withRegister opens the workspace. Registers are read as they are now.
func (a *app) withRegister(ctx context.Context, f func(*register) error) error {
	if a.asOf != "" {
		return fmt.Errorf("%w: registers are read as they are now, without --as-of; what they said earlier is in the log and in evidence", audit.ErrUsage)
	}
	return a.with(ctx, func(p *period.Program) error {
		names, err := a.accountNames(ctx, p)
		if err != nil {
			return err
		}
		return f(&register{p, names, audit.Instant(p.Now()), p.Period.Location()})
	})
}

func (a *app) incidentCommand() *cobra.Command {
	var status, noticed string
	list := &cobra.Command{
		Use: "list", Short: "Incidents, the newest first", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withRegister(cmd.Context(), func(r *register) error { return a.listIncidents(cmd.Context(), r, status) })
		},
	}
	list.Flags().StringVar(&status, "status", "", "only these: "+strings.Join(program.IncidentStatuses, ", "))
	show := in(&cobra.Command{
		Use: "show INC-...", Short: "One incident: its timeline, who has to be told by when, what was decided", Args: exactly(1, "an incident such as INC-1"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRegister(cmd.Context(), func(r *register) error { return a.showIncident(cmd.Context(), r, args[0]) })
		},
	}, "table", "json")
	report := in(&cobra.Command{
		Use: "report WHAT", Short: "Report what you noticed, and when", Args: exactly(1, "what you noticed, in quotes"),
		Long: `Reports an incident: what was noticed, in your own words, and when. The first line
becomes the title. It is sealed at once; who leads it, how severe it is and who
has to be told is decided on its screen.`,
		Example: "  tieout incident report --noticed 2026-03-02T08:00 \"A list went astray\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRegister(cmd.Context(), func(r *register) error { return a.reportIncident(cmd.Context(), r, args[0], noticed) })
		},
	}, "table", "json")
	report.Flags().StringVar(&noticed, "noticed", "", "when, in the organization's zone: 2026-03-02T08:00 (default: now)")
	cmd := &cobra.Command{Use: "incident", Short: "Incidents: list, show, report"}
	cmd.AddCommand(list, show, report)
	return cmd
}

func (a *app) listIncidents(ctx context.Context, r *register, status string) error {
	if status != "" && !slices.Contains(program.IncidentStatuses, status) {
		return fmt.Errorf("%w: --status %q; it is one of %s", audit.ErrUsage, status, strings.Join(program.IncidentStatuses, ", "))
	}
	all, err := r.p.Registers().AllIncidents(ctx)
	if err != nil {
		return err
	}
	l := listing{schema: incidentsSchema, summary: answer.Incidents(all, false, r.now, r.loc), columns: []text.Column{
		{Head: "incident"}, {Head: "title", Flex: true}, {Head: "severity"}, {Head: "kind"}, {Head: "status"}, {Head: "noticed"}, {Head: "lead", Flex: true}, {Head: "next deadline"},
	}}
	for _, i := range all {
		if status != "" && i.Status != status {
			continue
		}
		next, missed := answer.Deadlines(&i, r.now)
		due := report.Moment(next, r.loc)
		if missed > 0 {
			due = strings.TrimSpace(report.Plural(missed, "missed", "missed") + " " + due)
		}
		l.rows = append(l.rows, row{[]string{i.ID, i.Title, i.Severity, i.Kind, i.Status, report.Moment(i.Detected, r.loc), r.name(i.Lead), due}, i})
	}
	return a.show(l)
}

func (a *app) showIncident(ctx context.Context, r *register, id string) error {
	i, err := r.p.Registers().Incident(ctx, strings.ToUpper(id))
	if errors.Is(err, audit.ErrNotFound) {
		return fmt.Errorf("%w; see 'tieout incident list'", err)
	}
	if err != nil {
		return err
	}
	sentence := answer.Incident(&i, r.now, r.loc)
	if a.output == "json" {
		return a.writeJSON(incidentSchema, sentence, "incident", i)
	}
	w := a.env.Stdout
	fmt.Fprintf(w, "%s  %s\n\n", i.ID, text.Clean(i.Title))
	a.say(sentence)
	for _, c := range i.Clocks {
		due := report.Moment(c.Due, r.loc)
		if c.Applies && c.Due.IsZero() {
			due = c.Rule.Limit()
		}
		fmt.Fprintf(w, "\n%s  %s\n", text.Clean(c.Rule.Law), c.ClockState(r.now))
		for _, s := range [][2]string{{"Tell", c.Rule.Tell}, {"By", due}, {"Told", report.Moment(c.Told, r.loc)}, {"Why", c.Why}} {
			if s[1] != "" {
				a.point(s[0] + ": " + text.Clean(s[1]))
			}
		}
	}
	fmt.Fprintln(w)
	for _, s := range i.Steps {
		took := s.Took
		if took.IsZero() {
			took = s.At
		}
		fmt.Fprintf(w, "%s  %s  %s  E-%d\n", report.Moment(took, r.loc), text.Clean(s.What), text.Clean(r.name(s.By)), s.Record)
		if s.Text != "" {
			a.point(text.Clean(s.Text))
		}
	}
	return nil
}

func (a *app) reportIncident(ctx context.Context, r *register, detail, noticed string) error {
	at := r.now
	if noticed != "" {
		var err error
		if at, err = time.ParseInLocation("2006-01-02T15:04", noticed, r.loc); err != nil {
			return fmt.Errorf("%w: --noticed %q is not written like 2026-03-02T08:00", audit.ErrUsage, noticed)
		}
	}
	i, err := r.p.Registers().ReportIncident(ctx, a.operator(), detail, at)
	if err != nil {
		return err
	}
	return a.tell(reportedSchema, fmt.Sprintf("Reported as %s, and sealed as E-%d. Who leads it and who has to be told is decided on its screen.", i.ID, i.Steps[0].Record),
		map[string]any{"incident": i.ID, "record": audit.EvidenceRef(i.Steps[0].Record), "title": i.Title, "noticed": audit.FormatTime(i.Detected)})
}

func (a *app) riskCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "risk", Short: "The register of risks: list, show"}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "Risks, the gravest first", Args: exactly(0, "no argument"),
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.withRegister(cmd.Context(), func(r *register) error { return a.listRisks(cmd.Context(), r) })
			},
		},
		in(&cobra.Command{
			Use: "show R-...", Short: "One risk: its treatment, who accepted it, its history", Args: exactly(1, "a risk such as R-1"),
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.withRegister(cmd.Context(), func(r *register) error { return a.showRisk(cmd.Context(), r, args[0]) })
			},
		}, "table", "json"))
	return cmd
}

func (a *app) listRisks(ctx context.Context, r *register) error {
	all, err := r.p.Registers().AllRisks(ctx)
	if err != nil {
		return err
	}
	l := listing{schema: risksSchema, summary: answer.Risks(all, r.now, r.loc), columns: []text.Column{
		{Head: "risk"}, {Head: "title", Flex: true}, {Head: "likelihood"}, {Head: "impact"}, {Head: "treatment"}, {Head: "level"}, {Head: "status"}, {Head: "due"}, {Head: "owner", Flex: true}, {Head: "accepted"},
	}}
	for _, x := range all {
		l.rows = append(l.rows, row{[]string{x.ID, x.Title, strconv.Itoa(x.Likelihood), strconv.Itoa(x.Impact), x.Treatment, x.Level, x.Status, r.day(x.Due), r.name(x.Owner), r.day(x.Accepted)}, x})
	}
	return a.show(l)
}

func (a *app) showRisk(ctx context.Context, r *register, id string) error {
	x, err := r.p.Registers().Risk(ctx, strings.ToUpper(id))
	if errors.Is(err, audit.ErrNotFound) {
		return fmt.Errorf("%w; see 'tieout risk list'", err)
	}
	if err != nil {
		return err
	}
	sentence := answer.Risk(&x, r.name(x.AssessedBy), r.name(x.AcceptedBy), r.now, r.loc)
	if a.output == "json" {
		return a.writeJSON(riskSchema, sentence, "risk", x)
	}
	fmt.Fprintf(a.env.Stdout, "%s  %s\n\n", x.ID, text.Clean(x.Title))
	a.say(sentence)
	if x.Plan != "" {
		a.point(text.Clean(x.Plan))
	}
	return a.history(ctx, r, "risk:"+x.ID)
}

// history writes who changed a thing of a register, and when.
func (a *app) history(ctx context.Context, r *register, on string) error {
	return r.p.Registers().Read(ctx, func(s *program.State) error {
		fmt.Fprintln(a.env.Stdout)
		for _, l := range s.History(on) {
			fmt.Fprintf(a.env.Stdout, "%s  %s  %s  E-%d\n", report.Moment(l.At, r.loc), text.Clean(l.What), text.Clean(r.name(l.By.Name)), l.Record)
		}
		return nil
	})
}

func (a *app) vendorCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "vendor", Short: "The register of vendors: list, show, coverage"}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "Vendors, those in use first", Args: exactly(0, "no argument"),
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.withRegister(cmd.Context(), func(r *register) error { return a.listVendors(cmd.Context(), r) })
			},
		},
		in(&cobra.Command{
			Use: "show V-...", Short: "One vendor, with its history", Args: exactly(1, "a vendor such as V-1"),
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.withRegister(cmd.Context(), func(r *register) error { return a.showVendor(cmd.Context(), r, args[0]) })
			},
		}, "table", "json"), a.vendorCoverageCommand())
	return cmd
}

func (a *app) listVendors(ctx context.Context, r *register) error {
	all, err := r.p.Registers().AllVendors(ctx)
	if err != nil {
		return err
	}
	l := listing{schema: vendorsSchema, summary: answer.Vendors(all, r.now), columns: []text.Column{
		{Head: "vendor"}, {Head: "name", Flex: true}, {Head: "tier"}, {Head: "status"}, {Head: "reviewed"}, {Head: "report ends"}, {Head: "next report"}, {Head: "owner", Flex: true},
	}}
	for _, v := range all {
		_, c, err := r.covered(ctx, &v)
		if err != nil {
			return err
		}
		l.rows = append(l.rows, row{[]string{v.ID, v.Name, v.Tier, v.Status, r.day(v.Reviewed), r.day(v.ReportEnd), sayNext(c.Expected, c.Overdue), r.name(v.Owner)}, listedVendor{v, c.Expected, c.Overdue}})
	}
	return a.show(l)
}

// A listedVendor is one row of the list, as JSON has it.
type listedVendor struct {
	program.Vendor
	Expected string `json:"expected"` // day on which its next report is expected; ""
	Overdue  bool   `json:"overdue"`  // and it has not come
}

func (a *app) showVendor(ctx context.Context, r *register, id string) error {
	v, err := r.p.Registers().Vendor(ctx, strings.ToUpper(id))
	if errors.Is(err, audit.ErrNotFound) {
		return fmt.Errorf("%w; see 'tieout vendor list'", err)
	}
	if err != nil {
		return err
	}
	sentence := answer.Vendor(v, r.day(v.Reviewed), answer.NotReviewed(v, r.now))
	_, covered, err := r.covered(ctx, &v)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.writeJSON(vendorSchema, sentence, "vendor", struct {
			program.Vendor
			Coverage vendorCovered `json:"coverage"`
		}{v, covered})
	}
	fmt.Fprintf(a.env.Stdout, "%s  %s\n\n", v.ID, text.Clean(v.Name))
	a.say(sentence)
	a.sayReports(r, covered)
	return a.history(ctx, r, "vendor:"+v.ID)
}
