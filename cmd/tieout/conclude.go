package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

func (a *app) concludeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "conclude", Short: "The auditor's conclusions: list, facts, write, inquire, event",
		Long: `What the auditor concludes of each control, criterion, objective and description
criterion, in the auditor's own words: nothing is proposed or filled in. 'list'
says what has no conclusion yet, 'facts' what the tests add up to and what is
missing before it can be concluded.`}
	cmd.AddCommand(a.listConclusionsCommand(), a.factsCommand(), a.writeConclusionCommand(), a.inquireCommand(), a.eventCommand())
	return a.engagementFlags(cmd)
}

const anObject = "what is concluded on: control:IAM-06, criterion:CC6.1, objective:1 or 'dc:DC 4'"

// A shownConclusion is one thing that is concluded on, for programs.
type shownConclusion struct {
	On         string                `json:"on"`
	Conclusion *fieldwork.Conclusion `json:"conclusion"`
	Stale      string                `json:"stale,omitempty"` // why it has to be renewed
}

func (a *app) listConclusionsCommand() *cobra.Command {
	var open bool
	cmd := &cobra.Command{Use: "list", Short: "Everything that has to be concluded on, and what was", Args: exactly(0, "no argument"), RunE: a.onFirm(looks, func(ctx context.Context, d *firmDesk) error {
		l := listing{schema: "tieout.conclusions/1", columns: cols("on", "outcome", "design", "~text", "by", "~to renew")}
		all, left := 0, 0
		err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
			for _, what := range x.ToConclude() {
				v := shownConclusion{On: what, Conclusion: x.Concluded[what], Stale: x.Stale(what)}
				all++
				if v.Conclusion == nil || v.Stale != "" {
					left++
				} else if open {
					continue
				}
				r := []string{what, "nothing yet", "", "", "", v.Stale}
				if c := v.Conclusion; c != nil {
					r = []string{what, string(c.Outcome), c.Design, c.Text, d.name(c.By), v.Stale}
				}
				l.rows = append(l.rows, row{r, v})
			}
			return nil
		})
		l.summary = fmt.Sprintf("%d of %d concluded.", all-left, all)
		if err != nil {
			return err
		}
		return a.show(l)
	})}
	cmd.Flags().BoolVar(&open, "open", false, "only what is not concluded, or to be renewed")
	return cmd
}

// nothing is a count of things, "nothing is" of none.
func nothing(n int, one, many string) string {
	if n == 0 {
		_, rest, _ := strings.Cut(one, " ")
		return "nothing " + rest
	}
	return count(n, one, many)
}

// someOf names the first of many things.
func someOf(list []string) string {
	const shown = 6
	if len(list) <= shown {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:shown-1], ", "), len(list)-shown+1)
}

func (a *app) factsCommand() *cobra.Command {
	return in(&cobra.Command{Use: "facts OBJECT", Short: "What the tests add up to for one thing, and what is missing before it is concluded", Args: exactly(1, anObject),
		RunE: a.onFirm(looks, func(ctx context.Context, d *firmDesk) error {
			return d.file(ctx, func(s *fieldwork.State, x *fieldwork.File) error {
				what := d.args[0]
				kind, of, _ := strings.Cut(what, ":")
				if !slices.Contains(x.ToConclude(), what) {
					return fmt.Errorf("%w: %.60q is nothing that is concluded on here, such as control:IAM-06; see 'tieout conclude list'", audit.ErrNotFound, what)
				}
				missing := openGates(s.Standing(x, "conclusion."+kind, what, d.p.Now()))
				tests, lines := factsFor(x, kind, of)
				say := fmt.Sprintf("%s: %s; %s before it can be concluded.", what, count(len(tests), "test", "tests"), nothing(len(missing), "thing is missing", "things are missing"))
				if a.output == "json" {
					return a.writeJSON("tieout.facts/1", say, "facts", map[string]any{"on": what, "tests": tests, "missing": missing, "facts": lines})
				}
				a.say(say)
				for _, t := range tests {
					a.point(testFactWords(t))
				}
				for _, l := range lines {
					a.point(l)
				}
				a.printMissing(d, missing)
				return nil
			})
		})}, "table", "json")
}

func (a *app) printMissing(d *firmDesk, missing []string) {
	if len(missing) > 0 {
		fmt.Fprintln(a.env.Stdout, "\nMissing")
	}
	for _, m := range missing {
		a.point("- " + d.inNames(m))
	}
}

// factsFor are the tests of a control or a description criterion, or the controls
// and the exceptions of a criterion, in words.
func factsFor(x *fieldwork.File, kind, of string) (tests []fieldwork.TestFacts, lines []string) {
	up := x.RollUp()
	for _, c := range append(up.Controls, up.Description...) {
		if c.Control == of && (kind == fieldwork.OnControl || kind == fieldwork.OnDC) {
			tests = append(tests, c.Tests...)
		}
	}
	for _, c := range up.Criteria {
		if c.On != kind+":"+of {
			continue
		}
		lines = append(lines, "Controls: "+strings.Join(c.Controls, " "))
		for _, y := range c.Deficiencies {
			lines = append(lines, fmt.Sprintf("Exception %s on %s: %s.", y.Finding, y.Control, y.Rate()))
		}
	}
	return tests, lines
}

func testFactWords(t fieldwork.TestFacts) string {
	state := "not signed"
	switch {
	case t.Reviewed:
		state = "reviewed"
	case t.Prepared:
		state = "signed, not reviewed"
	}
	words := fmt.Sprintf("%s (%s, %s, %s): %d of %d tested with an exception, of %d sampled from %d", t.Test, t.Phase, t.Kind, state, t.Exceptions, t.Tested, t.Sampled, t.Population)
	if t.Known > 0 {
		words += fmt.Sprintf("; %d known outside the sample, %d open", t.Known, t.KnownOpen)
	}
	return words
}

// outcomes are the words of conclusions as they are typed.
var outcomes = []engagement.Outcome{engagement.NoExceptions, engagement.WithExceptions, engagement.DidNotOccur, engagement.DesignOnly, engagement.UnableToConclude}

func (a *app) writeConclusionCommand() *cobra.Command {
	var c fieldwork.Concluding
	var outcome string
	cmd := a.firmAct("write OBJECT...", "Write the conclusion on a control, criterion, objective or description criterion", between(1, 500, anObject+"; several get the same words"), func(ctx context.Context, d *firmDesk) error {
		var err error
		if c.Text, err = typed("--text", c.Text); err != nil {
			return err
		}
		c.Outcome, c.Prior = engagement.Outcome(outcome), book.List(c.Prior)
		for n, what := range d.args {
			base, err := d.base(ctx, "conclusion", what)
			if err == nil {
				err = d.Files.Conclude(ctx, d.by, d.id, what, c, base)
			}
			if err != nil {
				return fmt.Errorf("%s, after %s: %w", what, count(n, "conclusion was written", "conclusions were written"), err)
			}
		}
		left := 0
		err = d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error { left = len(unconcluded(x)); return nil })
		if err != nil {
			return err
		}
		return a.did(&d.place, d.args, "Concluded on %s: %s. %s left.", someOf(d.args), c.Outcome, report.Capital(howMany(left, "conclusion is", "conclusions are")))
	})
	f := cmd.Flags()
	f.StringVar(&outcome, "outcome", "", "one of: "+joined(outcomes)+", or of a criterion not applicable (needed)")
	f.StringVar(&c.Design, "design", "", "of a control: one of: "+strings.Join(fieldwork.DesignWords, ", "))
	f.BoolVar(&c.Implemented, "implemented", false, "of a control as of a date: an instance of it was seen")
	f.StringVar(&c.Text, "text", "", "the conclusion in your words, or @FILE (needed)")
	f.StringArrayVar(&c.Prior, "prior", nil, "what was seen of an exception of the report before, in the order of the terms; may be repeated")
	return needed(cmd, "outcome", "text")
}

func (a *app) inquireCommand() *cobra.Command {
	var asked, answer, to string
	cmd := a.firmAct("inquire", "Record an inquiry about events after the period, up to a day", exactly(0, "no argument"), func(ctx context.Context, d *firmDesk) error {
		err := d.Files.Inquire(ctx, d.by, d.id, asked, answer, to)
		if err != nil {
			return err
		}
		return a.did(&d.place, to, "Subsequent events were asked about up to %s.", to)
	})
	f := cmd.Flags()
	f.StringVar(&asked, "asked", "", "who was asked and what was read (needed)")
	f.StringVar(&answer, "answer", "", "what came of it (needed)")
	f.StringVar(&to, "to", "", "last day it covers, 2026-03-31 (needed)")
	return needed(cmd, "asked", "answer", "to")
}

func (a *app) eventCommand() *cobra.Command {
	var said fieldwork.Event
	var change string
	var cmd *cobra.Command
	cmd = a.firmAct("event TITLE", "Keep an event after the period with what it means, or correct one", exactly(1, "what happened"), func(ctx context.Context, d *firmDesk) error {
		x, base := said, int64(0)
		if change != "" {
			have, err := d.event(ctx, change)
			if err != nil {
				return err
			}
			x, base = have, have.Revision
			over(cmd, "on", &x.Day, said.Day)
			over(cmd, "means", &x.Class, said.Class)
			over(cmd, "effect", &x.Effect, said.Effect)
		} else if err := without(cmd, "on", "means", "effect"); err != nil {
			return err
		}
		id, err := d.Files.SetEvent(ctx, d.by, d.id, change, x.Day, d.args[0], x.Class, x.Effect, base)
		if err != nil {
			return err
		}
		return a.did(&d.place, id, "%s is kept: %s.", id, x.Class)
	})
	f := cmd.Flags()
	f.StringVar(&said.Day, "on", "", "its day (needed of a new one)")
	f.StringVar(&said.Class, "means", "", "one of: "+strings.Join(fieldwork.EventClasses, ", ")+" (needed of a new one)")
	f.StringVar(&said.Effect, "effect", "", "what was done about it (needed of a new one)")
	f.StringVar(&change, "change", "", "correct this event, such as EV-1, in place of keeping a new one; what no flag says stays as it is")
	return cmd
}

// event is an event that is kept, as it is now.
func (d *firmDesk) event(ctx context.Context, id string) (x fieldwork.Event, err error) {
	err = d.file(ctx, func(_ *fieldwork.State, f *fieldwork.File) error {
		have := f.Events[id]
		if have == nil {
			return fmt.Errorf("%w: event %s is not kept here", audit.ErrNotFound, id)
		}
		x = *have
		return nil
	})
	return x, err
}

func (a *app) opinionCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "opinion", Short: "The partner's opinion on each part: list, write",
		Long: "The opinion on each part of the report, in the partner's own words and signed with the partner's own key. Nothing is proposed or filled in."}
	cmd.AddCommand(a.listOpinionsCommand(), a.writeOpinionCommand())
	return a.engagementFlags(cmd)
}

func (a *app) listOpinionsCommand() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "Parts of the report and the opinion on each", Args: exactly(0, "no argument"), RunE: a.onFirm(looks, func(ctx context.Context, d *firmDesk) error {
		l := listing{schema: "tieout.opinions/1", columns: cols("part", "opinion", "~text", "signed by", "on")}
		given, digest := 0, ""
		var warnings []string
		err := d.file(ctx, func(s *fieldwork.State, x *fieldwork.File) error {
			digest, warnings = x.QualityDigest(), s.BaseWarnings(x)
			for _, p := range x.Terms.Type.Parts() {
				r := []string{string(p), "nothing yet", "", "", ""}
				if o := x.Opinions[p]; o != nil {
					given++
					r = []string{string(p), string(o.Opinion), o.Text, o.Signed.Name + ", " + o.Signed.Title, dayOf(x.Terms, o.At)}
				}
				l.rows = append(l.rows, row{r, map[string]any{"part": p, "opinion": x.Opinions[p]}})
			}
			return nil
		})
		l.digest = digest
		l.summary = fmt.Sprintf("%d of %s with an opinion. As they stand their digest is %s, by which 'quality sign --seen' signs.%s", given, count(len(l.rows), "part", "parts"), digest, lookAt(warnings))
		if err != nil {
			return err
		}
		return a.show(l)
	})}
}

func (a *app) writeOpinionCommand() *cobra.Command {
	var opinion, text, basis string
	var s signs
	cmd := a.firmAct("write PART", "Write and sign the opinion on a part of the report", exactly(1, "a part of the report, as 'opinion list' names them"), func(ctx context.Context, d *firmDesk) error {
		part := engagement.Part(d.args[0])
		if err := typedAll(map[string]*string{"text": &text, "basis": &basis}); err != nil {
			return err
		}
		digest := ""
		err := d.file(ctx, func(st *fieldwork.State, x *fieldwork.File) error {
			if parts := x.Terms.Type.Parts(); !slices.Contains(parts, part) {
				return fmt.Errorf("%w: %.40q is no part of a %s; its parts are %s", audit.ErrUsage, part, x.Terms.Type, joined(parts))
			}
			if m := openGates(st.Standing(x, "opinion.write", string(part), d.p.Now())); len(m) > 0 {
				return fmt.Errorf("%w: %s", audit.ErrConflict, strings.Join(m, "; "))
			}
			digest = st.OpinionDigest(x, part, engagement.Opinion(opinion), text, basis)
			return nil
		})
		if err != nil {
			return err
		}
		sig, err := a.sign(ctx, &d.place, s, "opinion", digest)
		if err == nil {
			err = d.Files.Opine(ctx, d.by, d.id, part, engagement.Opinion(opinion), text, basis, sig)
		}
		var warnings []string
		if err == nil {
			err = d.file(ctx, func(st *fieldwork.State, x *fieldwork.File) error { warnings = st.BaseWarnings(x); return nil })
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, sig, "%s, %s, signed the opinion on the %s: %s.%s", sig.Name, sig.Title, part, opinion, lookAt(warnings))
	})
	f := cmd.Flags()
	f.StringVar(&opinion, "opinion", "", "Unmodified, Qualified, Adverse or Disclaimer (needed)")
	f.StringVar(&text, "text", "", "the opinion in your words, or @FILE (needed)")
	f.StringVar(&basis, "basis", "", "the basis paragraph of a modified one, or @FILE")
	s.flags(cmd)
	cmd.Long = "Writes the opinion on a part of the report and signs it with the partner's key. A Type II has the parts description, design and operation, a Type I description and design, a SOC 3 operation alone."
	return needed(cmd, "opinion", "text", "title")
}

// lookAt is what is said beside an act that it does not stop.
func lookAt(warnings []string) (out string) {
	for _, w := range warnings {
		out += "\nLook at this: " + strings.TrimSuffix(w, ".") + "."
	}
	return out
}

func (a *app) qualityCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "quality", Short: "The engagement quality review: sign"}
	var text, seen string
	sign := a.firmAct("sign", "Sign the engagement quality review, over the opinions as they were read", exactly(0, "no argument"), func(ctx context.Context, d *firmDesk) error {
		digest := ""
		err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error { digest = x.QualityDigest(); return nil })
		if err == nil && !prefixed(seen, digest) {
			err = fmt.Errorf("%w: --seen %.64s: the opinions have another digest now; read them as they are ('tieout opinion list')", audit.ErrConflict, seen)
		}
		if err == nil {
			text, err = typed("--text", text)
		}
		if err == nil {
			err = d.Files.SignQuality(ctx, d.by, d.id, digest, text)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, digest, "%s signed the engagement quality review of %s.", d.me.Name, d.id)
	})
	sign.Flags().StringVar(&text, "text", "", "what was reviewed, in your words, or @FILE (needed)")
	sign.Flags().StringVar(&seen, "seen", "", "digest of the opinions as 'opinion list' showed them, eight digits or more (needed)")
	cmd.AddCommand(needed(sign, "text", "seen"))
	return a.engagementFlags(cmd)
}
