package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
)

func (a *app) exceptionCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "exception", Short: "Exceptions: list, show, set, confirm, release (auditor), respond (client)",
		Long: "An exception is the auditor's word; deviations are management's own findings ('tieout deviation'). The client knows an exception once it is released, its facts alone, and answers it with 'respond'. A missing answer only warns."}
	cmd.AddCommand(a.listExceptionsCommand(), a.showExceptionCommand(), a.setExceptionCommand(), a.disposeExceptionCommand(), a.confirmExceptionCommand(), a.releaseExceptionCommand(), a.respondCommand())
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
}

func (v shownException) row() row {
	answer := "not answered"
	switch {
	case v.Response != nil && v.Response.Agrees:
		answer = "management agrees"
	case v.Response != nil:
		answer = "management does not agree"
	}
	return row{[]string{v.ID, v.Control, v.Test, fmt.Sprintf("%d of %d", len(v.Items), v.Of), v.Nature, v.State, answer}, v}
}

func findingState(x *fieldwork.Finding) string {
	switch {
	case !x.Stands():
		return x.Disposed.As
	case x.Disposed != nil:
		return x.Disposed.As + ", to be confirmed"
	case x.Released.IsZero():
		return "not released"
	}
	return "released " + dayOf(x.Released)
}

func (a *app) listExceptionsCommand() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "Exceptions, how many items each is of, and management's answer", Args: exactly(0, "no argument"),
		RunE: a.onSide(looks, func(ctx context.Context, d *firmDesk) error {
			var list []shownException
			err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
				for _, y := range book.Sorted(x.Findings) {
					list = append(list, shownException{y.Finding, findingState(y), y.Evaluation, y.Response})
				}
				return nil
			})
			return first(err, a.showExceptions(list))
		}, func(ctx context.Context, d *clientDesk) error {
			var list []shownException
			err := d.side(ctx, func(_ *management.State, x *management.Side) error {
				for _, y := range book.Sorted(x.Findings) {
					list = append(list, shownException{y.Finding, "released", "", y.Response})
				}
				return nil
			})
			return first(err, a.showExceptions(list))
		})}
}

func (a *app) showExceptions(list []shownException) error {
	l := listing{schema: "tieout.exceptions/1", columns: cols("exception", "control", "test", ">items", "~nature", "state", "answer")}
	answered := 0
	for _, v := range list {
		if v.Response != nil {
			answered++
		}
		l.rows = append(l.rows, v.row())
	}
	l.summary = fmt.Sprintf("%s, %d answered by management.", count(len(list), "exception", "exceptions"), answered)
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
				return a.printException(shownException{y.Finding, findingState(y), y.Evaluation, y.Response})
			})
		}, func(ctx context.Context, d *clientDesk) error {
			return d.side(ctx, func(_ *management.State, x *management.Side) error {
				y := x.Findings[d.args[0]]
				if y == nil {
					return fmt.Errorf("%w: exception %s was not released; see 'tieout exception list'", audit.ErrNotFound, d.args[0])
				}
				return a.printException(shownException{y.Finding, "released", "", y.Response})
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
		a.facts([][2]string{{"agrees", map[bool]string{true: "yes", false: "no"}[r.Agrees]}, {"cause", r.Cause}, {"effect", r.Effect}, {"done", r.Done}, {"status", r.Status}})
	}
	return nil
}

func (a *app) setExceptionCommand() *cobra.Command {
	var x fieldwork.FindingDraft
	var change string
	var cells []string
	cmd := a.firmAct("set TEST", "Write an exception from cells marked so, or change one; by default all that no exception names", exactly(1, aTest), func(ctx context.Context, d *firmDesk) (err error) {
		x.Test = d.args[0]
		if err := typedAll(map[string]*string{"text": &x.Text, "evaluation": &x.Evaluation}); err != nil {
			return err
		}
		if x.Cells, err = d.cells(ctx, x.Test, change, cells); err != nil {
			return err
		}
		x.Known, x.Compensating = book.List(x.Known), book.List(x.Compensating)
		base := int64(0)
		if change != "" {
			if base, err = d.base(ctx, "finding", change); err != nil {
				return err
			}
		}
		id, err := d.Files.SetFinding(ctx, d.by, d.id, change, x, base)
		return first(err, a.ifDone(err, &d.place, id, "%s names %s of %s. The client knows of it once it is released.", id, count(len(x.Cells), "cell", "cells"), x.Test))
	})
	f := cmd.Flags()
	f.StringVar(&change, "change", "", "change this exception in place of writing a new one")
	f.StringArrayVar(&cells, "cell", nil, "a cell marked Exception, as ITEM or ITEM:ATTRIBUTE; may be repeated")
	f.StringSliceVar(&x.Known, "known", nil, "a deviation outside the sample that it names; may be repeated")
	f.StringVar(&x.Nature, "nature", "", "what kind of exception it is, in a line (needed)")
	f.StringVar(&x.Text, "text", "", "its text as Section IV prints it, or @FILE (needed)")
	f.StringVar(&x.Cause, "cause", "", "cause, as far as it is known")
	f.StringVar(&x.Extent, "extent", "", "extent")
	f.StringSliceVar(&x.Compensating, "compensating", nil, "test of another control that compensates; may be repeated")
	f.StringVar(&x.Evaluation, "evaluation", "", "the auditor's private evaluation, never sent, or @FILE")
	return cmd
}

// cells are those a finding names: as they were typed, else of the finding that is
// changed, else all that are marked Exception and that no other names.
func (d *firmDesk) cells(ctx context.Context, test, change string, typed []string) (out []fieldwork.FindingCell, err error) {
	for _, s := range typed {
		item, attribute, ok := strings.Cut(s, ":")
		if !ok {
			attribute = "A"
		}
		out = append(out, fieldwork.FindingCell{Item: item, Attribute: attribute})
	}
	if len(out) > 0 {
		return out, nil
	}
	err = d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
		p := x.Papers[test]
		if p == nil {
			return fmt.Errorf("%w: the test %s has no workpaper", audit.ErrConflict, test)
		}
		named := map[fieldwork.Cell]bool{}
		for _, y := range x.Findings {
			for _, c := range y.Cells {
				named[c] = y.Test == test && y.ID != change && y.Stands() || named[c]
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

func (a *app) disposeExceptionCommand() *cobra.Command {
	var why string
	cmd := a.firmAct("dispose EXCEPTION AS", "Say that the test or the population was wrong, not the item; a second person confirms it",
		exactly(2, anException+" and '"+fieldwork.WrongTest+"' or '"+fieldwork.WrongPopulation+"'"), func(ctx context.Context, d *firmDesk) error {
			base, err := d.base(ctx, "finding", d.args[0])
			if err == nil {
				err = d.Files.DisposeFinding(ctx, d.by, d.id, d.args[0], d.args[1], why, base)
			}
			return first(err, a.ifDone(err, &d.place, why, "%s is said to be a %s. It counts once somebody else confirms it.", d.args[0], d.args[1]))
		})
	cmd.Flags().StringVar(&why, "why", "", "the reason (needed)")
	return cmd
}

func (a *app) confirmExceptionCommand() *cobra.Command {
	return a.firmAct("confirm EXCEPTION", "Confirm what somebody else said of an exception", exactly(1, anException), func(ctx context.Context, d *firmDesk) error {
		base, err := d.base(ctx, "finding", d.args[0])
		if err == nil {
			err = d.Files.ConfirmFinding(ctx, d.by, d.id, d.args[0], base)
		}
		return first(err, a.ifDone(err, &d.place, nil, "What was said of %s is confirmed.", d.args[0]))
	})
}

func (a *app) releaseExceptionCommand() *cobra.Command {
	return a.firmAct("release EXCEPTION", "Release an exception to the client: its facts alone", exactly(1, anException), func(ctx context.Context, d *firmDesk) error {
		base, err := d.base(ctx, "finding", d.args[0])
		if err != nil {
			return err
		}
		x, err := d.Files.ReleaseFinding(ctx, d.by, d.id, d.args[0], base)
		return first(err, a.ifDone(err, &d.place, x, "%s is released; it goes out with the next exchange.", d.args[0]))
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
			err = d.Side.Respond(ctx, d.by, d.id, r, base)
		}
		state := "a draft; say --final once it is"
		if r.Final {
			state = "final; it goes out with the next exchange"
		}
		return first(err, a.ifDone(err, &d.place, r, "Management's response to %s is %s.", r.Finding, state))
	})
	f := cmd.Flags()
	f.BoolVar(&agrees, "agrees", false, "management agrees with the exception")
	f.BoolVar(&disagrees, "disagrees", false, "management does not agree")
	f.StringVar(&r.Cause, "cause", "", "why it happened, in management's words")
	f.StringVar(&r.Effect, "effect", "", "what came of it")
	f.StringVar(&r.Done, "done", "", "what was done, with dates")
	f.StringVar(&r.Status, "status", "", "where it stands")
	f.StringVar(&r.Owner, "owner", "", "who sees to it")
	f.BoolVar(&r.Final, "final", false, "a final response stays as it is, and goes to the auditor")
	return cmd
}
