package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
)

func (a *app) engagementCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "engagement", Short: "An examination: list, show, open, assign, accept, agree, move, exchange",
		Long: `An examination has two workspaces, always: the audit firm's, made with 'tieout
init --firm', and that of the company it examines. Each side keeps its own file;
what crosses between them is signed packets ('engagement exchange'), over HTTPS
or carried by hand in a folder.

Whoever runs the program may look. Acting is done by people, who sign in with
'tieout account sign-in': the file tells who tested, who reviewed, who signed.`}
	cmd.AddCommand(a.listEngagementsCommand(), a.showEngagementCommand(), a.openEngagementCommand(), a.changeTermsCommand(), a.declareCommand(), a.safeguardCommand(),
		a.assignCommand(), a.unassignCommand(), a.acceptCommand(), a.moveCommand(), a.endCommand(), a.logKeyCommand(), a.inviteFirmCommand(), a.candidatesCommand(), a.candidateCommand(), a.endFirmCommand(), a.agreeCommand(),
		a.exchangeCommand(), a.archiveCommand(), a.reportCoverageCommand())
	return a.engagementFlags(cmd)
}

func (a *app) listEngagementsCommand() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "Examinations and where each stands", Args: exactly(0, "no argument"), RunE: a.onSide(looks|none, a.listFiles, a.listSides)}
}

// A shownEngagement is one engagement for programs.
type shownEngagement struct {
	ID     string           `json:"id"`
	State  string           `json:"state"`
	Terms  engagement.Terms `json:"terms"`
	Digest string           `json:"digest"` // of the terms
	Agreed bool             `json:"agreed"`
	Open   []string         `json:"open"` // what is missing before the next step, in words

	Why     string                   `json:"why,omitempty"`     // why the firm changed the terms last
	Changes []engagement.TermsChange `json:"changes,omitempty"` // what the last change of the terms says otherwise
}

func span(t engagement.Terms) string {
	if t.Type.OverPeriod() {
		return t.First + " to " + t.Last
	}
	return "as of " + t.AsOf
}

func (a *app) listFiles(ctx context.Context, d *firmDesk) error {
	l := listing{schema: "tieout.engagements/1", columns: cols("engagement", "~client", "report", "span", "state", "missing")}
	err := d.Files.Read(ctx, func(s *fieldwork.State) error {
		for _, x := range book.Sorted(s.Files) {
			v := firmValue(s, x, d)
			l.rows = append(l.rows, row{[]string{x.Terms.ID, x.Terms.Client.Name, x.Terms.Type.String(), span(x.Terms), string(x.State), count(len(v.Open), "thing", "things")}, v})
		}
		return nil
	})
	l.summary = engagementsSentence(len(l.rows))
	if err != nil {
		return err
	}
	return a.show(l)
}

func engagementsSentence(n int) string {
	if n == 0 {
		return "No engagement is open here."
	}
	return count(n, "engagement", "engagements") + ". 'tieout engagement show' says what is missing before the next step."
}

func (a *app) listSides(ctx context.Context, d *clientDesk) error {
	l := listing{schema: "tieout.engagements/1", columns: cols("engagement", "~firm", "report", "span", "state", "missing")}
	err := d.Side.Read(ctx, func(s *management.State) error {
		for _, x := range book.Sorted(s.Sides) {
			v := clientValue(x)
			l.rows = append(l.rows, row{[]string{x.Terms.ID, x.Terms.Firm.Name, x.Terms.Type.String(), span(x.Terms), string(x.State), count(len(v.Open), "thing", "things")}, v})
		}
		return nil
	})
	l.summary = engagementsSentence(len(l.rows))
	if err != nil {
		return err
	}
	return a.show(l)
}

// nextStep is the auditor's step that comes after where a file is.
func nextStep(at engagement.State) engagement.State {
	for _, s := range engagement.States {
		if s.Place() > at.Place() && s.Place() >= engagement.Fieldwork.Place() {
			return s
		}
	}
	return ""
}

// firmValue is a file with what is missing before the auditor's next step.
func firmValue(s *fieldwork.State, x *fieldwork.File, d *firmDesk) shownEngagement {
	digest, _ := x.Terms.Digest() // terms that are in force have one
	v := shownEngagement{ID: x.Terms.ID, State: string(x.State), Terms: x.Terms, Digest: digest, Agreed: x.Agreed != nil, Open: []string{}}
	if x.State.Over() {
		return v
	}
	switch next := nextStep(x.State); {
	case next == engagement.Issued:
		for _, m := range openGates(s.StandingToIssue(x, d.today(x.Terms), "", d.p.Now())) {
			v.Open = append(v.Open, d.inNames(m))
		}
	case next != "" && next.Place() < engagement.Issued.Place():
		for _, m := range x.Missing(next, d.p.Now()) {
			v.Open = append(v.Open, d.inNames(m))
		}
	}
	return v
}

// today is the day it is where the engagement counts its days.
func (d *place) today(t engagement.Terms) string {
	return dayOf(t, d.p.Now())
}

// stepWords names a step in a sentence: "before fieldwork".
func stepWords(s engagement.State) string {
	if s == engagement.Issued {
		return "the report is issued"
	}
	return string(s)
}

// openGates are the gates that are not met, each with what is missing.
func openGates(list []fieldwork.Standing) (out []string) {
	for _, g := range list {
		if g.Missing != "" {
			out = append(out, g.Needs+" ("+g.Missing+")")
		}
	}
	return out
}

// inNames puts people's names in the place of their accounts.
func (d *place) inNames(s string) string {
	for id, n := range d.names {
		s = strings.ReplaceAll(s, id, n.Name)
	}
	return s
}

// clientValue is a side with what management has still to do, as far as it is
// known here.
func clientValue(x *management.Side) shownEngagement {
	v := shownEngagement{ID: x.Terms.ID, State: string(x.State), Terms: x.Terms, Digest: x.Digest, Agreed: x.Agreed != nil, Open: []string{}}
	if n := len(x.Earlier); n > 0 {
		v.Why, v.Changes = x.Why, engagement.ChangedTerms(x.Earlier[n-1].Terms, x.Terms)
	}
	add := func(missing bool, format string, args ...any) {
		if missing {
			v.Open = append(v.Open, fmt.Sprintf(format, args...))
		}
	}
	add(x.Agreed == nil, "a management signer agrees to the terms (tieout engagement agree --terms %.8s)", x.Digest)
	if x.Agreed == nil || x.State.Over() || x.State.Place() >= engagement.Issued.Place() {
		return v
	}
	for _, r := range book.Sorted(x.Requests) {
		waits := r.Status == engagement.RequestOpen || r.Status == engagement.RequestInProgress || r.Status == engagement.RequestReturned
		add(waits, "request %s is answered: %s", r.ID, r.Title)
	}
	for _, f := range book.Sorted(x.Findings) {
		add(f.Waits(), "management responds to exception %s (only a warning before the report)", f.ID)
	}
	add(x.Terms.Type != engagement.SOC3 && x.Final == nil, "the description is written and finished")
	for _, p := range x.Parties() {
		add(x.Assertions[p] == nil, "%s signs its assertion", p)
		add(x.Letters[p] == nil, "%s signs its letter of representation, on the report's day", p)
	}
	return v
}

func (a *app) showEngagementCommand() *cobra.Command {
	return in(&cobra.Command{Use: "show [ENGAGEMENT]", Short: "One examination: its terms, where it stands, what is missing before the next step",
		Args: atMost(1, "an engagement such as EN-1"), RunE: a.ofOne(a.onSide(looks, a.showFile, a.showSide))}, "table", "json")
}

func (a *app) showFile(ctx context.Context, d *firmDesk) error {
	return d.file(ctx, func(s *fieldwork.State, x *fieldwork.File) error {
		v := firmValue(s, x, d)
		say := firmSentence(x, len(v.Open))
		if a.output == "json" {
			return a.writeJSON("tieout.engagement/1", say, "engagement", v)
		}
		a.say(say)
		a.facts(append(termFacts(x.Terms, v.Digest), [][2]string{
			{"agreed", agreedWords(x.Terms, x.Agreed)}, {"management", "at " + string(x.Heard)}, {"team", teamWords(d, x)}, {"tests", testWords(x)},
			{"requests", requestWords(x)}, {"populations", plain(len(x.Populations))}, {"samples", plain(len(x.Samples))}, {"exceptions", plain(len(x.Findings))},
			{"conclusions", fmt.Sprintf("%d of %d", len(x.ToConclude())-len(unconcluded(x)), len(x.ToConclude()))},
		}...))
		a.printOpen(v.Open, nextStep(x.State))
		for _, w := range s.Warnings(x) {
			a.point("Look at: " + d.inNames(w))
		}
		return nil
	})
}

func firmSentence(x *fieldwork.File, open int) string {
	head := fmt.Sprintf("%s, a %s of %s %s, is at %s", x.Terms.ID, x.Terms.Type, x.Terms.Client.Name, spanWords(x.Terms), x.State)
	next := nextStep(x.State)
	switch {
	case x.State.Over():
		return head + "."
	case next == "" || next.Place() > engagement.Issued.Place():
		return head + ": the report is out, and nothing of its file changes any more."
	case open == 0:
		return fmt.Sprintf("%s; nothing stands before %s.", head, stepWords(next))
	}
	return fmt.Sprintf("%s; %s before %s.", head, count(open, "thing is missing", "things are missing"), stepWords(next))
}

func spanWords(t engagement.Terms) string {
	if t.Type.OverPeriod() {
		return "over " + t.First + " to " + t.Last
	}
	return "as of " + t.AsOf
}

// facts writes names and values below each other.
func (a *app) facts(list [][2]string) {
	fmt.Fprintln(a.env.Stdout)
	for _, x := range list {
		if x[1] != "" {
			fmt.Fprintf(a.env.Stdout, "  %-12s %s\n", x[0], x[1])
		}
	}
}

// printOpen writes what is missing before a step.
func (a *app) printOpen(list []string, next engagement.State) {
	if len(list) == 0 {
		return
	}
	if next != "" {
		fmt.Fprintf(a.env.Stdout, "\nMissing before %s\n", stepWords(next))
	} else {
		fmt.Fprintf(a.env.Stdout, "\nStill to do\n")
	}
	for _, m := range list {
		a.point("- " + m)
	}
}

func termFacts(t engagement.Terms, digest string) [][2]string {
	var inScope []string
	for _, c := range t.Categories {
		if c.In {
			inScope = append(inScope, string(c.Category))
		}
	}
	return [][2]string{{"client", t.Client.Name}, {"firm", t.Firm.Name}, {"system", t.System}, {"span", span(t) + ", days of " + t.Zone},
		{"categories", strings.Join(inScope, " ")}, {"terms", digest}}
}

func agreedWords(t engagement.Terms, x *engagement.Agreed) string {
	if x == nil {
		return "not yet"
	}
	return fmt.Sprintf("by %s, %s, %s", x.Signed.Name, x.Signed.Title, dayOf(t, x.Signed.At))
}

func teamWords(d *firmDesk, x *fieldwork.File) string {
	var out []string
	for _, m := range book.Sorted(x.Team) {
		if m.Until.IsZero() {
			out = append(out, d.name(m.Account)+" ("+m.Duty+")")
		}
	}
	return strings.Join(out, ", ")
}

func testWords(x *fieldwork.File) string {
	n, signed, reviewed := 0, 0, 0
	for _, t := range x.Tests {
		if t.Dropped != "" {
			continue
		}
		n++
		if p := x.Papers[t.ID]; p != nil && p.Prepared != nil {
			signed++
		}
		if p := x.Papers[t.ID]; p != nil && p.Reviewed != nil {
			reviewed++
		}
	}
	return fmt.Sprintf("%d planned, %d signed, %d reviewed", n, signed, reviewed)
}

func requestWords(x *fieldwork.File) string {
	open := 0
	for _, r := range x.Requests {
		if r.Status != engagement.RequestAccepted && r.Status != engagement.RequestWithdrawn {
			open++
		}
	}
	return fmt.Sprintf("%d, %d open", len(x.Requests), open)
}

func plain(n int) string { return fmt.Sprint(n) }

func unconcluded(x *fieldwork.File) (out []string) {
	for _, what := range x.ToConclude() {
		if x.Concluded[what] == nil || x.Stale(what) != "" {
			out = append(out, what)
		}
	}
	return out
}

func (a *app) showSide(ctx context.Context, d *clientDesk) error {
	return d.side(ctx, func(_ *management.State, x *management.Side) error {
		v := clientValue(x)
		say := fmt.Sprintf("%s, a %s by %s %s, is at %s; %s.", x.Terms.ID, x.Terms.Type, x.Terms.Firm.Name, spanWords(x.Terms), x.State, leftWords(len(v.Open)))
		if a.output == "json" {
			return a.writeJSON("tieout.engagement/1", say, "engagement", v)
		}
		a.say(say)
		a.facts(append(termFacts(x.Terms, v.Digest), [][2]string{{"agreed", agreedWords(x.Terms, x.Agreed)}, {"requests", plain(len(x.Requests))}, {"populations", plain(len(x.Populations))},
			{"samples", plain(len(x.Samples))}, {"exceptions", plain(len(x.Findings))}, {"drafts", plain(len(x.Drafts))}, {"reports", plain(len(x.Releases))}}...))
		a.printChanges(v)
		a.printOpen(v.Open, "")
		return nil
	})
}

// printChanges writes what the last change of the terms says otherwise, and why.
func (a *app) printChanges(v shownEngagement) {
	if len(v.Changes) == 0 {
		return
	}
	fmt.Fprintf(a.env.Stdout, "\nThe firm changed the terms\n")
	a.point("Why: " + cmp.Or(v.Why, "it gave no reason"))
	for _, c := range v.Changes {
		a.point(fmt.Sprintf("- %s: %s -> %s", c.What, cmp.Or(c.Before, "nothing"), cmp.Or(c.Now, "nothing")))
	}
}

func leftWords(n int) string {
	if n == 0 {
		return "nothing waits for management now"
	}
	return count(n, "thing waits", "things wait") + " for management"
}

func (a *app) moveCommand() *cobra.Command {
	var why string
	move := func(id string) (engagement.State, error) {
		to := engagement.State(strings.ToLower(id))
		if !slices.Contains(engagement.States, to) {
			return "", fmt.Errorf("%w: %.40q is no step; the steps are %s", audit.ErrUsage, id, joined(engagement.States))
		}
		return to, nil
	}
	cmd := in(&cobra.Command{Use: "move STEP", Short: "Take the next step, or go back to an earlier one with the reason",
		Long: "Takes a step of the examination: fieldwork, exceptions, 'description final' and 'draft review' are the auditor's, the others management's. " +
			"Forward is one step after the other, once its gates are met ('engagement show'); back needs --why. Issued is entered by 'report issue'.",
		Args: exactly(1, "a step such as fieldwork"),
		RunE: a.onSide(0, func(ctx context.Context, d *firmDesk) error {
			to, err := move(d.args[0])
			if err != nil {
				return err
			}
			base, err := d.base(ctx, "state")
			if err == nil {
				err = d.Files.MoveState(ctx, d.by, d.id, to, why, base)
			}
			if err != nil {
				return err
			}
			return a.did(&d.place, to, "%s is at %s.", d.id, to)
		}, func(ctx context.Context, d *clientDesk) error {
			to, err := move(d.args[0])
			if err == nil {
				err = d.Side.MoveState(ctx, d.by, d.id, to, why)
			}
			if err != nil {
				return err
			}
			return a.did(&d.place, to, "%s is at %s.", d.id, to)
		})}, "table", "json")
	cmd.Flags().StringVar(&why, "why", "", "why, of a step back")
	return cmd
}

// joined names all of a set of words.
func joined[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return strings.Join(out, ", ")
}
