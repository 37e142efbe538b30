package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report/text"
)

func (a *app) answerCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "answer", Short: "The library of answers that customers are given: list, show, write"}
	var find string
	list := &cobra.Command{Use: "list", Short: "Answers, with those that have to be looked at again", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withRegister(cmd.Context(), func(r *register) error { return a.listAnswers(cmd.Context(), r, find) })
		}}
	list.Flags().StringVar(&find, "find", "", "only those with this text in question or answer")
	show := in(&cobra.Command{Use: "show A-...", Short: "One answer: what it rests on, its history", Args: exactly(1, "an answer such as A-1"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRegister(cmd.Context(), func(r *register) error { return a.showAnswer(cmd.Context(), r, strings.ToUpper(args[0])) })
		}}, "table", "json")
	cmd.AddCommand(list, show, a.writeAnswerCommand())
	return cmd
}

func (a *app) listAnswers(ctx context.Context, r *register, find string) error {
	lib, err := answer.LibraryOf(ctx, r.p)
	if err != nil {
		return err
	}
	all, err := lib.Answers(ctx, r.p.Registers(), r.now)
	if err != nil {
		return err
	}
	l := listing{schema: "tieout.answers/1", summary: answer.Answers(all), columns: []text.Column{
		{Head: "answer"}, {Head: "question", Flex: true}, {Head: "status"}, {Head: "approved"}, {Head: "controls", Flex: true}, {Head: "report"}, {Head: "look again", Flex: true},
	}}
	for _, x := range all {
		if strings.Contains(strings.ToLower(x.Question+" "+x.Text), strings.ToLower(find)) {
			l.rows = append(l.rows, row{[]string{x.ID, x.Question, x.Status(), r.day(x.Approved), strings.Join(x.Controls, " "), x.Report, strings.Join(x.Stale, "; ")}, x})
		}
	}
	return a.show(l)
}

func (a *app) showAnswer(ctx context.Context, r *register, id string) error {
	x, err := r.p.Registers().Answer(ctx, id)
	if err != nil {
		return fmt.Errorf("%w; see 'tieout answer list'", err)
	}
	lib, err := answer.LibraryOf(ctx, r.p)
	if err != nil {
		return err
	}
	v, err := lib.Look(x, r.now)
	if err != nil {
		return err
	}
	sentence := answer.AnswerSays(&v, r.name(v.ApprovedBy), r.loc)
	if a.output == "json" {
		return a.writeJSON("tieout.answer/1", sentence, "answer", v)
	}
	fmt.Fprintf(a.env.Stdout, "%s  %s\n\n", v.ID, text.Clean(v.Question))
	a.say(sentence)
	a.point(text.Clean(v.Text))
	return a.history(ctx, r, "answer:"+v.ID)
}

func (a *app) writeAnswerCommand() *cobra.Command {
	var x program.Answer
	cmd := in(&cobra.Command{Use: "write", Short: "Write an answer as a draft; a second person approves it on its screen", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withRegister(cmd.Context(), func(r *register) error {
				lib, err := answer.LibraryOf(cmd.Context(), r.p)
				if err != nil {
					return err
				}
				if x.Report != "" && !lib.Issued(x.Report) {
					return fmt.Errorf("%w: no report of an examination %q was issued", audit.ErrInvalid, x.Report)
				}
				got, err := r.p.Registers().WriteAnswer(cmd.Context(), a.operator(), x)
				if err != nil {
					return err
				}
				return a.tell("tieout.answer/1", got.ID+" is kept as a draft. A second person approves it.", got)
			})
		}}, "table", "json")
	f := cmd.Flags()
	f.StringVar(&x.Question, "question", "", "what customers ask (needed)")
	f.StringVar(&x.Text, "text", "", "what they are told, Markdown (needed)")
	f.StringSliceVar(&x.Controls, "control", nil, "a control it rests on; may be repeated")
	f.StringVar(&x.Report, "report", "", "examination whose issued report it rests on, such as EN-1")
	return cmd
}
