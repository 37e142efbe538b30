package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/period"
	"tieout/program"
	"tieout/report"
	"tieout/report/text"
)

const holdsSchema = "tieout.holds/1"

func (a *app) holdCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "hold", Short: "Legal holds: list, set, lift", Long: `A legal hold keeps records from being erased, whatever a duty to delete or the
years of retention say: single records, what is about certain days, or
everything. Who set it, why, and who lifted it is sealed in the log.`}
	cmd.AddCommand(&cobra.Command{
		Use: "list", Short: "Legal holds, the newest first", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withRegister(cmd.Context(), func(r *register) error { return a.listHolds(cmd.Context(), r) })
		},
	}, a.setHoldCommand(), a.liftHoldCommand())
	return cmd
}

func (a *app) listHolds(ctx context.Context, r *register) error {
	all, err := r.p.Registers().AllHolds(ctx)
	if err != nil {
		return err
	}
	standing := 0
	l := listing{schema: holdsSchema, columns: []text.Column{
		{Head: "hold"}, {Head: "title", Flex: true}, {Head: "keeps", Flex: true}, {Head: "set"}, {Head: "by"}, {Head: "lifted"}, {Head: "reason", Flex: true},
	}}
	for _, h := range all {
		if h.Stands() {
			standing++
		}
		l.rows = append(l.rows, row{[]string{h.ID, h.Title, keptWords(h, r.loc), r.day(h.Set), r.name(h.By), r.day(h.Lifted), strings.TrimSpace(h.Reason + " " + h.LiftReason)}, h})
	}
	l.summary = "No hold stands."
	if standing > 0 {
		l.summary = report.Capital(report.Plural(standing, "hold stands", "holds stand")) + "; nothing under one is erased."
	}
	return a.show(l)
}

// keptWords say what a hold keeps.
func keptWords(h program.Hold, loc *time.Location) string {
	switch {
	case len(h.Records) > 0:
		refs := make([]string, len(h.Records))
		for i, n := range h.Records {
			refs[i] = audit.EvidenceRef(n)
		}
		return strings.Join(refs, " ")
	case h.From.IsZero():
		return "everything"
	}
	return "what is about " + report.Days(audit.Span{From: h.From, To: h.To}, loc)
}

func (a *app) setHoldCommand() *cobra.Command {
	var reason, from, to string
	var records []string
	var everything bool
	cmd := in(&cobra.Command{
		Use: "set TITLE", Short: "Keep records from being erased", Args: exactly(1, "what the hold is for, in quotes"),
		Example: "  tieout hold set Dispute --from 2026-03-01 --to 2026-03-31 --reason \"a letter\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !everything && from == "" && to == "" && len(records) == 0 || everything && (from+to != "" || len(records) > 0) {
				return fmt.Errorf("%w: say what is kept: --record E-..., or --from and --to, or --everything", audit.ErrUsage)
			}
			return a.withRegister(cmd.Context(), func(r *register) error {
				h := program.Hold{Title: args[0], Reason: reason}
				for _, ref := range records {
					n, err := evidenceRef(ref)
					if err != nil {
						return err
					}
					h.Records = append(h.Records, n)
				}
				if from+to != "" {
					days, err := heldDays(r.p, from, to)
					if err != nil {
						return err
					}
					h.From, h.To = days.From, days.To
				}
				h, err := r.p.Registers().SetHold(cmd.Context(), a.operator(), h)
				if err != nil {
					return err
				}
				return a.tell("tieout.hold/1", fmt.Sprintf("Hold %s is set: it keeps %s.", h.ID, keptWords(h, r.loc)), map[string]any{"hold": h})
			})
		},
	}, "table", "json")
	f := cmd.Flags()
	f.StringVar(&reason, "reason", "", "why (needed)")
	f.StringVar(&from, "from", "", "first day of what it keeps")
	f.StringVar(&to, "to", "", "last day of what it keeps (default: the first)")
	f.StringSliceVar(&records, "record", nil, "record that it keeps, such as E-42; may be repeated")
	f.BoolVar(&everything, "everything", false, "keep every record there is, and those to come")
	return cmd
}

func heldDays(p *period.Program, from, to string) (audit.Span, error) {
	if from == "" {
		return audit.Span{}, fmt.Errorf("%w: --to without --from", audit.ErrUsage)
	}
	if to == "" {
		to = from
	}
	days, err := audit.NewPeriod(from, to, p.Period.Zone)
	if err != nil {
		return audit.Span{}, fmt.Errorf("%w: --from %s --to %s are not two days in order, such as 2026-03-01 and 2026-03-31", audit.ErrUsage, from, to)
	}
	return days.Span, nil
}

func (a *app) liftHoldCommand() *cobra.Command {
	var reason string
	cmd := in(&cobra.Command{
		Use: "lift H-...", Short: "End a hold, with the reason", Args: exactly(1, "a hold such as H-1"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRegister(cmd.Context(), func(r *register) error {
				h, err := r.p.Registers().LiftHold(cmd.Context(), a.operator(), strings.ToUpper(args[0]), reason)
				if err != nil {
					return err
				}
				return a.tell("tieout.hold/1", fmt.Sprintf("Hold %s is lifted. It stays on record.", h.ID), map[string]any{"hold": h})
			})
		},
	}, "table", "json")
	cmd.Flags().StringVar(&reason, "reason", "", "why (needed)")
	return cmd
}
