package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/internal/canonical"
	"tieout/reader/answer"
)

func (a *app) exceptionCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "exception", Short: "Exceptions: list, show, set, confirm, release (auditor), respond, finish (client)",
		Long: "An exception is the auditor's word; deviations are management's own findings ('tieout deviation'). The client knows an exception once it is released, its facts alone, and answers it with 'respond'; a management signer who did not write the answer makes it final with 'finish'. A missing answer only warns."}
	cmd.AddCommand(a.listExceptionsCommand(), a.showExceptionCommand(), a.setExceptionCommand(), a.disposeExceptionCommand(), a.confirmExceptionCommand(), a.releaseExceptionCommand(), a.respondCommand(), a.finishResponseCommand())
	return a.engagementFlags(cmd)
}

const anException = "an exception such as X-1"

// A shownException is an exception for programs; the auditor's private evaluation
// is in the firm's workspace alone.
type shownException struct {
	engagement.Finding
	State      string               `json:"state"`
	Evaluation string               `json:"evaluation,omitempty"`
	Response   *engagement.Response `json:"response"`

	stands bool // it is not disposed of
}

// ofFirm is an exception as the firm has it.
func ofFirm(t engagement.Terms, x *fieldwork.Finding) shownException {
	return shownException{x.Finding, findingState(t, x), x.Evaluation, x.Response, x.Stands()}
}

// ofClient is one as the client knows it.
func ofClient(x *management.Finding) shownException {
	state := "released"
	if x.Withdrawn {
		state = strings.TrimSuffix("withdrawn: "+x.Why, ": ")
	}
	return shownException{x.Finding, state, "", x.Response, !x.Withdrawn}
}

func (v shownException) row() row {
	answer := "not answered"
	switch {
	case v.Response != nil && !v.Response.Final:
		answer = "a draft"
	case v.Response != nil && v.Response.Agrees:
		answer = "management agrees"
	case v.Response != nil:
		answer = "management does not agree"
	}
	return row{[]string{v.ID, v.Control, v.Test, fmt.Sprintf("%d of %d", len(v.Items), v.Of), v.Nature, v.State, answer}, v}
}

func findingState(t engagement.Terms, x *fieldwork.Finding) string {
	switch {
	case !x.Stands():
		return x.Disposed.As
	case x.Disposed != nil:
		return x.Disposed.As + ", to be confirmed"
	case x.Released.IsZero():
		return "not released"
	}
	return "released " + dayOf(t, x.Released)
}

func (a *app) listExceptionsCommand() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "Exceptions, how many items each is of, and management's answer", Args: exactly(0, "no argument"),
		RunE: a.onSide(looks, func(ctx context.Context, d *firmDesk) error {
			var list []shownException
			err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
				for _, y := range book.Sorted(x.Findings) {
					list = append(list, ofFirm(x.Terms, y))
				}
				return nil
			})
			if err != nil {
				return err
			}
			return a.showExceptions(list)
		}, func(ctx context.Context, d *clientDesk) error {
			var list []shownException
			err := d.side(ctx, func(_ *management.State, x *management.Side) error {
				for _, y := range book.Sorted(x.Findings) {
					list = append(list, ofClient(y))
				}
				return nil
			})
			if err != nil {
				return err
			}
			return a.showExceptions(list)
		})}
}

func (a *app) showExceptions(list []shownException) error {
	l := listing{schema: "tieout.exceptions/1", columns: cols("exception", "control", "test", ">items", "~nature", "state", "answer")}
	stand, answered := 0, 0
	for _, v := range list {
		if v.stands {
			stand++
		}
		if v.stands && v.Response != nil && v.Response.Final {
			answered++
		}
		l.rows = append(l.rows, v.row())
	}
	l.summary = fmt.Sprintf("%s, %d answered by management.", count(stand, "exception", "exceptions"), answered)
	return a.show(l)
}

func (a *app) showExceptionCommand() *cobra.Command {
	return in(&cobra.Command{Use: "show EXCEPTION", Short: "One exception with its items and management's answer", Args: exactly(1, anException),
		RunE: a.onSide(looks, func(ctx context.Context, d *firmDesk) error {
			return d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
				y := x.Findings[d.args[0]]
				if y == nil {
					return fmt.Errorf("%w: exception %s; see 'tieout exception list'", audit.ErrNotFound, d.args[0])
				}
				return a.printException(ofFirm(x.Terms, y))
			})
		}, func(ctx context.Context, d *clientDesk) error {
			return d.side(ctx, func(_ *management.State, x *management.Side) error {
				y := x.Findings[d.args[0]]
				if y == nil {
					return fmt.Errorf("%w: exception %s was not released; see 'tieout exception list'", audit.ErrNotFound, d.args[0])
				}
				return a.printException(ofClient(y))
			})
		})}, "table", "json")
}

func (a *app) printException(v shownException) error {
	say := fmt.Sprintf("%s on %s, %d of %s tested, %s: %s", v.ID, v.Control, len(v.Items), count(v.Of, "item", "items"), v.State, v.Nature)
	if a.output == "json" {
		return a.writeJSON("tieout.exception/1", say, "exception", v)
	}
	a.say(say)
	a.facts([][2]string{{"test", v.Test}, {"items", strings.Join(v.Items, " ")}, {"known", strings.Join(v.Known, " ")}, {"evaluation", v.Evaluation}})
	fmt.Fprintln(a.env.Stdout)
	a.say(v.Text)
	if r := v.Response; r != nil {
		a.facts([][2]string{{"response", map[bool]string{true: "final", false: "a draft"}[r.Final]}, {"agrees", map[bool]string{true: "yes", false: "no"}[r.Agrees]}, {"cause", r.Cause}, {"effect", r.Effect}, {"done", r.Done}, {"status", r.Status}})
		if !r.Final {
			digest, err := responseDigest(r)
			if err != nil {
				return err
			}
			a.facts([][2]string{{"digest", digest}})
		}
	}
	return nil
}

func (a *app) setExceptionCommand() *cobra.Command {
	var x fieldwork.FindingDraft
	var change string
	var cells []string
	var cmd *cobra.Command
	cmd = a.firmAct("set TEST", "Write an exception from cells marked so, or change one; by default all that no exception names", exactly(1, aTest), func(ctx context.Context, d *firmDesk) (err error) {
		x.Test = d.args[0]
		if change == "" {
			err = without(cmd, "nature", "text")
		}
		if err == nil {
			err = typedAll(map[string]*string{"text": &x.Text, "evaluation": &x.Evaluation})
		}
		if err != nil {
			return err
		}
		base := int64(0)
		if change != "" {
			x, base, err = d.changed(ctx, cmd, change, x)
		}
		if err == nil && (change == "" || len(cells) > 0) {
			x.Cells, err = d.cells(ctx, x.Test, cells)
		}
		if err != nil {
			return err
		}
		x.Known, x.Compensating = book.List(x.Known), book.List(x.Compensating)
		id, err := d.Files.SetFinding(ctx, d.by, d.id, change, x, base)
		if err != nil {
			return err
		}
		return a.did(&d.place, id, "%s names %s of %s. The client knows of it once it is released.", id, count(len(x.Cells), "cell", "cells"), x.Test)
	})
	f := cmd.Flags()
	f.StringVar(&change, "change", "", "change this exception in place of writing a new one; what no flag says stays as it is")
	f.StringArrayVar(&cells, "cell", nil, "a cell marked Exception, as ITEM or ITEM:ATTRIBUTE, split at the last colon; may be repeated")
	f.StringSliceVar(&x.Known, "known", nil, "a deviation outside the sample that it names; may be repeated")
	f.StringVar(&x.Nature, "nature", "", "what kind of exception it is, in a line (needed of a new one)")
	f.StringVar(&x.Text, "text", "", "its text as Section IV prints it, or @FILE (needed of a new one)")
	f.StringVar(&x.Cause, "cause", "", "cause, as far as it is known")
	f.StringVar(&x.Extent, "extent", "", "extent")
	f.StringSliceVar(&x.Compensating, "compensating", nil, "test of another control that compensates; may be repeated")
	f.StringVar(&x.Evaluation, "evaluation", "", "the auditor's private evaluation, never sent, or @FILE")
	return cmd
}

// changed is a stored exception with what flags say of it, and its revision. Its
// cells and all else that no flag names stay as they are.
func (d *firmDesk) changed(ctx context.Context, cmd *cobra.Command, id string, said fieldwork.FindingDraft) (x fieldwork.FindingDraft, base int64, err error) {
	err = d.file(ctx, func(_ *fieldwork.State, f *fieldwork.File) error {
		y := f.Findings[id]
		if y == nil {
			return fmt.Errorf("%w: exception %s; see 'tieout exception list'", audit.ErrNotFound, id)
		}
		x = fieldwork.FindingDraft{Test: said.Test, Known: slices.Clone(y.Known), Nature: y.Nature, Text: y.Text, Cause: y.Cause, Extent: y.Extent,
			Compensating: slices.Clone(y.Compensating), Evaluation: y.Evaluation}
		for _, c := range y.Cells {
			x.Cells = append(x.Cells, fieldwork.FindingCell(c))
		}
		return nil
	})
	if err != nil {
		return x, 0, err
	}
	over(cmd, "known", &x.Known, said.Known)
	over(cmd, "nature", &x.Nature, said.Nature)
	over(cmd, "text", &x.Text, said.Text)
	over(cmd, "cause", &x.Cause, said.Cause)
	over(cmd, "extent", &x.Extent, said.Extent)
	over(cmd, "compensating", &x.Compensating, said.Compensating)
	over(cmd, "evaluation", &x.Evaluation, said.Evaluation)
	base, err = d.base(ctx, "finding", id)
	return x, base, err
}

// cells are those a finding names: as they were typed, else all that are marked
// Exception and that no other names.
func (d *firmDesk) cells(ctx context.Context, test string, typed []string) (out []fieldwork.FindingCell, err error) {
	if len(typed) > 0 {
		return d.typedCells(ctx, test, typed)
	}
	err = d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
		p := x.Papers[test]
		if p == nil {
			return fmt.Errorf("%w: the test %s has no workpaper", audit.ErrConflict, test)
		}
		named := map[fieldwork.Cell]bool{}
		for _, y := range x.Findings {
			for _, c := range y.Cells {
				named[c] = y.Test == test && y.Stands() || named[c]
			}
		}
		for _, c := range p.Excepted(x.Tests[test]) {
			if !named[c] {
				out = append(out, fieldwork.FindingCell(c))
			}
		}
		return nil
	})
	return out, err
}

// typedCells are cells as they were typed: an item of the workpaper, or an item, a
// colon and an attribute of the test; items have colons of their own.
func (d *firmDesk) typedCells(ctx context.Context, test string, typed []string) (out []fieldwork.FindingCell, err error) {
	err = d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
		var rows []string
		if p := x.Papers[test]; p != nil {
			rows = p.Rows
		}
		for _, s := range typed {
			out = append(out, typedCell(s, rows))
		}
		return nil
	})
	return out, err
}

// typedCell reads ITEM or ITEM:ATTRIBUTE. What is an item of the rows as it stands
// is one; else it is cut at the last colon.
func typedCell(s string, rows []string) fieldwork.FindingCell {
	at := strings.LastIndexByte(s, ':')
	if at < 0 || slices.Contains(rows, s) {
		return fieldwork.FindingCell{Item: s, Attribute: "A"}
	}
	return fieldwork.FindingCell{Item: s[:at], Attribute: s[at+1:]}
}

func (a *app) disposeExceptionCommand() *cobra.Command {
	var why string
	cmd := a.firmAct("dispose EXCEPTION AS", "Say that the test or the population was wrong, not the item; a second person confirms it",
		exactly(2, anException+" and '"+fieldwork.WrongTest+"' or '"+fieldwork.WrongPopulation+"'"), func(ctx context.Context, d *firmDesk) error {
			base, err := d.base(ctx, "finding", d.args[0])
			if err == nil {
				err = d.Files.DisposeFinding(ctx, d.by, d.id, d.args[0], d.args[1], why, base)
			}
			if err != nil {
				return err
			}
			return a.did(&d.place, why, "%s is said to be a %s. It counts once somebody else confirms it.", d.args[0], d.args[1])
		})
	cmd.Flags().StringVar(&why, "why", "", "the reason (needed)")
	return needed(cmd, "why")
}

func (a *app) confirmExceptionCommand() *cobra.Command {
	return a.firmAct("confirm EXCEPTION", "Confirm what somebody else said of an exception", exactly(1, anException), func(ctx context.Context, d *firmDesk) error {
		base, err := d.base(ctx, "finding", d.args[0])
		if err == nil {
			err = d.Files.ConfirmFinding(ctx, d.by, d.id, d.args[0], base)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, nil, "What was said of %s is confirmed.", d.args[0])
	})
}

func (a *app) releaseExceptionCommand() *cobra.Command {
	return a.firmAct("release EXCEPTION", "Release an exception to the client: its facts alone", exactly(1, anException), func(ctx context.Context, d *firmDesk) error {
		base, err := d.base(ctx, "finding", d.args[0])
		if err != nil {
			return err
		}
		x, err := d.Files.ReleaseFinding(ctx, d.by, d.id, d.args[0], base)
		if err != nil {
			return err
		}
		return a.did(&d.place, x, "%s is released; it goes out with the next exchange.", d.args[0])
	})
}

func (a *app) respondCommand() *cobra.Command {
	var r engagement.Response
	var agrees, disagrees bool
	cmd := a.clientAct("respond EXCEPTION", "State management's response to an exception", exactly(1, anException), func(ctx context.Context, d *clientDesk) error {
		if agrees == disagrees {
			return fmt.Errorf("%w: say either --agrees or --disagrees", audit.ErrUsage)
		}
		r.Finding, r.Agrees = d.args[0], agrees
		if err := typedAll(map[string]*string{"cause": &r.Cause, "effect": &r.Effect, "done": &r.Done}); err != nil {
			return err
		}
		base, err := d.base(ctx, "finding", d.args[0])
		if err == nil {
			err = d.Side.Respond(ctx, d.by, d.id, r, base, answer.SystemsOf(d.p)...)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, r, "Management's response to %s is drafted. A management signer who did not write it makes it final: 'tieout exception finish %s'.", r.Finding, r.Finding)
	})
	f := cmd.Flags()
	f.BoolVar(&agrees, "agrees", false, "management agrees with the exception")
	f.BoolVar(&disagrees, "disagrees", false, "management does not agree")
	f.StringVar(&r.Cause, "cause", "", "why it happened, in management's words")
	f.StringVar(&r.Effect, "effect", "", "what came of it")
	f.StringVar(&r.Done, "done", "", "what was done, with dates")
	f.StringVar(&r.Status, "status", "", "where it stands")
	f.StringVar(&r.Owner, "owner", "", "who sees to it")
	return cmd
}

// responseDigest names a drafted response by what it says: who makes it final says by
// the digest that it is this one they read.
func responseDigest(r *engagement.Response) (string, error) {
	b, err := canonical.Marshal(r)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), err
}

func (a *app) finishResponseCommand() *cobra.Command {
	var seen string
	cmd := a.clientAct("finish EXCEPTION", "Make management's response to an exception final; a management signer who did not write it does", exactly(1, anException), func(ctx context.Context, d *clientDesk) error {
		var drafted *engagement.Response
		var base int64
		err := d.side(ctx, func(s *management.State, x *management.Side) error {
			f := x.Findings[d.args[0]]
			if f == nil || f.Response == nil {
				return fmt.Errorf("%w: no response to %s is drafted; see 'tieout exception list'", audit.ErrNotFound, d.args[0])
			}
			r := *f.Response
			drafted, base = &r, s.Revision("finding:"+d.id+"/"+f.ID)
			return nil
		})
		if err != nil {
			return err
		}
		digest, err := responseDigest(drafted)
		if err == nil && !prefixed(seen, digest) {
			err = fmt.Errorf("%w: --seen %.64s: the response has another digest now; read it as it is ('tieout exception show %s')", audit.ErrConflict, seen, d.args[0])
		}
		if err == nil {
			err = d.FinishResponse(ctx, d.by, d.id, d.args[0], base, answer.SystemsOf(d.p)...)
		}
		if err != nil {
			return err
		}
		drafted.Final = true
		return a.did(&d.place, drafted, "Management's response to %s is final; it goes out with the next exchange.", d.args[0])
	})
	cmd.Flags().StringVar(&seen, "seen", "", "digest of the response as 'exception show' showed it, eight digits or more (needed)")
	return needed(cmd, "seen")
}
