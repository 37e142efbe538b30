package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report/text"
)

// Schemas of what the commands of issues write as JSON.
const (
	issuesSchema = "tieout.issues/1"
	issueSchema  = "tieout.issue/1"
)

const anIssue = "an issue such as I-1"

func (a *app) issuesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "issue", Short: "What has to be mended: list, show, open, set, mend, close, back",
		Long: `An issue says what has to be mended, by whom and until when. Its owner says that it
is mended, with sealed evidence that shows it; a second person looks and closes
it. Both act under their own accounts ('tieout account sign-in').`}
	cmd.AddCommand(a.listIssuesCommand(), a.showIssueCommand(), a.openIssueCommand(), a.setIssueCommand(), a.mendIssueCommand(),
		a.endIssueCommand("close", "Close what somebody else mended, in the words of who looked at it", "looked", "what you looked at",
			func(ctx context.Context, b *program.Book, by access.Subject, i *program.Issue, words string) (program.Issue, error) {
				return b.CloseIssue(ctx, by, i.ID, i.Revision, words)
			}),
		a.endIssueCommand("back", "Send back what is not mended, or open a closed one again", "why", "why",
			func(ctx context.Context, b *program.Book, by access.Subject, i *program.Issue, words string) (program.Issue, error) {
				return b.SendIssueBack(ctx, by, i.ID, i.Revision, words)
			}))
	return cmd
}

func (a *app) listIssuesCommand() *cobra.Command {
	var status string
	cmd := &cobra.Command{Use: "list", Short: "Issues, what is not closed first, the first due before the later", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withRegister(cmd.Context(), func(r *register) error { return a.listIssues(cmd.Context(), r, status) })
		}}
	cmd.Flags().StringVar(&status, "status", "", "only these: "+strings.Join(program.IssueStatuses, ", ")+", overdue")
	return cmd
}

func (a *app) listIssues(ctx context.Context, r *register, status string) error {
	if status != "" && status != "overdue" && !slices.Contains(program.IssueStatuses, status) {
		return fmt.Errorf("%w: --status %q; it is one of %s, overdue", audit.ErrUsage, status, strings.Join(program.IssueStatuses, ", "))
	}
	all, err := r.p.Registers().AllIssues(ctx)
	if err != nil {
		return err
	}
	l := listing{schema: issuesSchema, summary: answer.Issues(all, r.now), columns: []text.Column{
		{Head: "issue"}, {Head: "title", Flex: true}, {Head: "severity"}, {Head: "owner", Flex: true}, {Head: "due"}, {Head: "status"}, {Head: "remedy"}, {Head: "from", Flex: true},
	}}
	for _, i := range all {
		if status != "" && i.Status != status && !(status == "overdue" && i.Overdue(r.now)) {
			continue
		}
		l.rows = append(l.rows, row{[]string{i.ID, i.Title, i.Severity, r.name(i.Owner), r.day(i.Due), i.Status, i.Remedy, linksText(i.Links)}, i})
	}
	return a.show(l)
}

func linksText(links []program.IssueLink) string {
	var out []string
	for _, l := range links {
		out = append(out, l.Kind+" "+l.Ref)
	}
	return strings.Join(out, ", ")
}

func (a *app) showIssueCommand() *cobra.Command {
	return in(&cobra.Command{Use: "show I-...", Short: "One issue: what it came from, what was done, its history", Args: exactly(1, anIssue),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRegister(cmd.Context(), func(r *register) error {
				i, err := issueOf(cmd.Context(), r, args[0])
				if err != nil {
					return err
				}
				return a.showIssue(cmd.Context(), r, i)
			})
		}}, "table", "json")
}

func issueOf(ctx context.Context, r *register, id string) (program.Issue, error) {
	i, err := r.p.Registers().Issue(ctx, strings.ToUpper(id))
	if errors.Is(err, audit.ErrNotFound) {
		return i, fmt.Errorf("%w; see 'tieout issue list'", err)
	}
	return i, err
}

func (a *app) showIssue(ctx context.Context, r *register, i program.Issue) error {
	sentence := answer.Issue(&i, r.name(i.Owner), r.name(i.ClosedBy), r.now, r.loc)
	if a.output == "json" {
		return a.writeJSON(issueSchema, sentence, "issue", i)
	}
	fmt.Fprintf(a.env.Stdout, "%s  %s\n\n", i.ID, text.Clean(i.Title))
	a.say(sentence)
	for _, s := range [][2]string{{"From", linksText(i.Links)}, {"Criteria", strings.Join(i.Criteria, " ")}, {"Controls", strings.Join(i.Controls, " ")}, {"Wrong", i.Detail}, {"Remedy", i.Remedy},
		{"Done about it", i.Plan}, {"Mended", i.Mended}, {"Evidence", strings.Join(i.Evidence, " ")}, {"Closed", i.Closing}} {
		if s[1] != "" {
			a.point(s[0] + ": " + text.Clean(s[1]))
		}
	}
	return a.history(ctx, r, "issue:"+i.ID)
}

// An issueTyped is what flags say of an issue.
type issueTyped struct {
	program.Issue
	owner, due, why string
	from            []string
}

func (t *issueTyped) flags(cmd *cobra.Command) *cobra.Command {
	f := cmd.Flags()
	f.StringVar(&t.Title, "title", "", "what has to be mended")
	f.StringVar(&t.Detail, "detail", "", "what is wrong, Markdown")
	f.StringVar(&t.Severity, "severity", "medium", strings.Join(program.IssueSeverities, ", "))
	f.StringVar(&t.owner, "owner", "", "e-mail address of who mends it")
	f.StringVar(&t.due, "due", "", "until when, 2026-03-31")
	f.StringVar(&t.Remedy, "remedy", "", "kind of remedy: "+strings.Join(program.IssueRemedies, ", "))
	f.StringVar(&t.Plan, "plan", "", "what is done about it, Markdown")
	f.StringSliceVar(&t.Controls, "control", nil, "a control; may be repeated")
	f.StringSliceVar(&t.Criteria, "criterion", nil, "a criterion; may be repeated")
	f.StringArrayVar(&t.from, "from", nil, "what it came from: deviation:D-0012, incident:INC-1, exception:EN-1/X-1, vendor-report:VR-1, gap:KEY (from 'tieout readiness -o json'); may be repeated")
	return in(cmd, "table", "json")
}

var linkWords = map[string]string{"deviation": program.FromDeviation, "incident": program.FromIncident, "exception": program.FromException, "vendor-report": program.FromVendorReport, "gap": program.FromGap}

// read resolves people, days and links.
func (t *issueTyped) read(r *register) (err error) {
	if t.owner != "" {
		if t.Owner, err = accountOf(r.names, t.owner); err != nil {
			return err
		}
	}
	if t.due != "" {
		day, err := time.ParseInLocation(time.DateOnly, t.due, r.loc)
		if err != nil {
			return fmt.Errorf("%w: --due %q is not a day such as 2026-03-31", audit.ErrUsage, t.due)
		}
		t.Due = audit.Instant(day.AddDate(0, 0, 1).Add(-time.Second))
	}
	for _, s := range t.from {
		kind, ref, _ := strings.Cut(s, ":")
		if linkWords[kind] == "" || strings.TrimSpace(ref) == "" {
			return fmt.Errorf("%w: --from %q is not written like deviation:D-0012", audit.ErrUsage, s)
		}
		t.Links = append(t.Links, program.IssueLink{Kind: linkWords[kind], Ref: strings.TrimSpace(ref)})
	}
	return nil
}

func (a *app) openIssueCommand() *cobra.Command {
	var t issueTyped
	return t.flags(&cobra.Command{Use: "open", Short: "Open an issue", Args: exactly(0, "no argument"),
		Example: "  tieout issue open --title 'Two leavers kept access' --severity high \\\n      --owner sam@example.com --due 2026-03-31 --from deviation:D-0012",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withRegister(cmd.Context(), func(r *register) error {
				if err := t.read(r); err != nil {
					return err
				}
				i, err := r.p.Registers().OpenIssue(cmd.Context(), a.operator(), t.Issue)
				if err != nil {
					return err
				}
				return a.toldIssue(r, i)
			})
		}})
}

// toldIssue says how an issue stands after something was written about it.
func (a *app) toldIssue(r *register, i program.Issue) error {
	return a.tell(issueSchema, i.ID+": "+answer.Issue(&i, r.name(i.Owner), r.name(i.ClosedBy), r.now, r.loc), i)
}

func (a *app) setIssueCommand() *cobra.Command {
	var t issueTyped
	cmd := &cobra.Command{Use: "set I-...", Short: "Change what is said of an issue, or move its date with a reason", Args: exactly(1, anIssue),
		Long: "What no flag says stays. --due moves the date and needs --why; a date that had passed stays the one the issue is held to.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRegister(cmd.Context(), func(r *register) error {
				i, err := issueOf(cmd.Context(), r, args[0])
				if err == nil {
					err = t.read(r)
				}
				if err != nil {
					return err
				}
				if i, err = a.setIssue(cmd, r, i, &t); err != nil {
					return err
				}
				return a.toldIssue(r, i)
			})
		}}
	t.flags(cmd)
	cmd.Flags().StringVar(&t.why, "why", "", "why the date moves")
	return cmd
}

// setIssue writes what flags changed, and then moves the date where they say so.
func (a *app) setIssue(cmd *cobra.Command, r *register, i program.Issue, t *issueTyped) (program.Issue, error) {
	n := 0
	for flag, put := range map[string]func(){"title": func() { i.Title = t.Title }, "detail": func() { i.Detail = t.Detail }, "severity": func() { i.Severity = t.Severity },
		"owner": func() { i.Owner = t.Owner }, "remedy": func() { i.Remedy = t.Remedy }, "plan": func() { i.Plan = t.Plan }, "control": func() { i.Controls = t.Controls },
		"criterion": func() { i.Criteria = t.Criteria }, "from": func() { i.Links = t.Links }} {
		if cmd.Flags().Changed(flag) {
			put()
			n++
		}
	}
	if n == 0 && t.due == "" {
		return i, fmt.Errorf("%w: say what changes: --owner, --due with --why, --plan and the like", audit.ErrUsage)
	}
	if t.due != "" && t.why == "" {
		return i, fmt.Errorf("%w: --due moves the date: say why with --why", audit.ErrUsage)
	}
	due := t.Due
	if n > 0 {
		var err error
		if i, err = r.p.Registers().SetIssue(cmd.Context(), a.operator(), i); err != nil {
			return i, err
		}
	}
	if t.due == "" {
		return i, nil
	}
	return r.p.Registers().MoveIssue(cmd.Context(), a.operator(), i.ID, i.Revision, due, t.why)
}

// person is who is signed in on this machine, or whom --as names.
func (a *app) person(ctx context.Context, r *register) (access.Subject, error) {
	people, err := r.p.People(ctx, "")
	if err != nil {
		return access.Subject{}, err
	}
	who, err := a.signedIn(ctx, people, r.p, r.names)
	return who.Subject, err
}

// byPerson runs what a person does to an issue.
func (a *app) byPerson(cmd *cobra.Command, id string, do func(*register, access.Subject, *program.Issue) (program.Issue, error)) error {
	return a.withRegister(cmd.Context(), func(r *register) error {
		i, err := issueOf(cmd.Context(), r, id)
		if err != nil {
			return err
		}
		by, err := a.person(cmd.Context(), r)
		if err == nil {
			i, err = do(r, by, &i)
		}
		if err != nil {
			return err
		}
		return a.toldIssue(r, i)
	})
}

func (a *app) mendIssueCommand() *cobra.Command {
	var words string
	var evidence []string
	cmd := in(&cobra.Command{Use: "mend I-...", Short: "Say of your own issue that it is mended, with evidence that shows it", Args: exactly(1, anIssue),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.byPerson(cmd, args[0], func(r *register, by access.Subject, i *program.Issue) (program.Issue, error) {
				return r.p.Registers().MendIssue(cmd.Context(), by, i.ID, i.Revision, words, evidence)
			})
		}}, "table", "json")
	cmd.Flags().StringVar(&words, "done", "", "what was done (needed)")
	cmd.Flags().StringSliceVar(&evidence, "evidence", nil, "sealed evidence, E-481 (needed); may be repeated")
	cmd.Flags().StringVar(&a.as, "as", "", "e-mail address of who acts, where several people are signed in here")
	return cmd
}

func (a *app) endIssueCommand(use, short, flag, doc string, do func(context.Context, *program.Book, access.Subject, *program.Issue, string) (program.Issue, error)) *cobra.Command {
	var words string
	cmd := in(&cobra.Command{Use: use + " I-...", Short: short, Args: exactly(1, anIssue),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.byPerson(cmd, args[0], func(r *register, by access.Subject, i *program.Issue) (program.Issue, error) {
				return do(cmd.Context(), r.p.Registers(), by, i, words)
			})
		}}, "table", "json")
	cmd.Flags().StringVar(&words, flag, "", doc+" (needed)")
	cmd.Flags().StringVar(&a.as, "as", "", "e-mail address of who acts, where several people are signed in here")
	return cmd
}
