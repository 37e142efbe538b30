package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/internal/durable"
	"tieout/ledger"
	"tieout/period"
)

// maxExchange bounds an exchange file, in bytes.
const maxExchange = 1 << 20

// publish shows the newest checkpoint to those outside whom tieout.yaml names.
// One that does not answer is a note: what was done is done.
func (a *app) publish(ctx context.Context, p *period.Program) {
	for _, x := range p.Publish(ctx) {
		switch {
		case x.Err != nil:
			a.note("%s", message(errors.New(x.String())))
		case !x.Already:
			a.note("The log was %s.", x)
		}
	}
}

func (a *app) logWitness() *cobra.Command {
	var export, take, name string
	var seen period.Seen
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "witness", Short: "Have those outside see the newest checkpoint: over the network, or by files carried by hand",
		Long: `Asks each witness in tieout.yaml that has a url to cosign the newest checkpoint,
and keeps what they sign (C2SP tlog-witness). A witness without url, such as an
audit firm's machine that is not on the network, is brought a file:

    tieout log witness --export log.exchange
    tieout log cosign log.exchange --key FILE --state FOLDER     (there)
    tieout log witness --import log.exchange

The file holds keys, checkpoint and proof: no secret, and no name of anything in
the log. Exit 5 where a witness has seen another log than this one, 4 where it
refuses, 6 where it does not answer.`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if export != "" && take != "" {
				return fmt.Errorf("%w: --export writes a file and --import reads one; give one of them", audit.ErrUsage)
			}
			return a.with(cmd.Context(), func(p *period.Program) error {
				ctx, cancel := context.WithTimeout(cmd.Context(), wait)
				defer cancel()
				switch {
				case export != "":
					if !cmd.Flags().Changed("from") {
						var err error
						if seen, err = p.SeenBy(ctx, name); err != nil {
							return err
						}
					}
					return a.exportParcel(ctx, p, seen, export)
				case take != "":
					return a.importParcel(ctx, p, take)
				}
				return a.askWitnesses(ctx, p)
			})
		},
	}
	in(cmd, "table", "json")
	f := cmd.Flags()
	f.StringVar(&export, "export", "", "write an exchange file for a witness")
	f.StringVar(&take, "import", "", "keep the cosignatures on an exchange file that came back")
	f.StringVar(&name, "name", "", "with --export: the witness it is for, as tieout.yaml names it (default: the only one)")
	f.Int64Var(&seen.Size, "from", 0, "with --export: entries the witness saw last (default: what it cosigned last, as known here)")
	f.Int64Var(&seen.Epoch, "from-epoch", 0, "with --export --from: the epoch it saw them in (default: the present one)")
	f.DurationVar(&wait, "wait", 30*time.Second, "how long to wait for answers")
	return cmd
}

func (a *app) askWitnesses(ctx context.Context, p *period.Program) error {
	if len(p.Def.Config.Ledger.Witnesses) == 0 {
		return fmt.Errorf("%w: tieout.yaml names no witness; write ledger: { witnesses: [{ name: ..., url: ..., key: ... }] }", audit.ErrNotFound)
	}
	answers := p.AskWitnesses(ctx)
	if len(answers) == 0 {
		return fmt.Errorf("%w: the log is empty, or no witness in tieout.yaml has a url; carry a file with --export", audit.ErrInconclusive)
	}
	return a.answered("tieout.witnesses/1", answers)
}

// answered prints what those outside said; the most serious of what went wrong
// is the error.
func (a *app) answered(schema string, answers []period.Answer) error {
	var errs []error
	var values []map[string]any
	for _, x := range answers {
		v := map[string]any{"who": x.Who, "size": x.Size, "text": x.String()}
		if x.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", x.Who, x.Err))
			v["error"] = x.Err.Error()
		} else {
			v["at"] = x.Said.At
		}
		values = append(values, v)
	}
	seen := len(answers) - len(errs)
	if a.output == "json" {
		return errors.Join(a.writeJSON(schema, fmt.Sprintf("%d of %d have seen the checkpoint.", seen, len(answers)), "answers", values), errors.Join(errs...))
	}
	for _, x := range answers {
		verdict := "ok"
		if x.Err != nil {
			verdict = "not ok"
		}
		fmt.Fprintf(a.env.Stdout, "  %-6s  %s\n", verdict, x)
	}
	return errors.Join(errs...)
}

func (a *app) exportParcel(ctx context.Context, p *period.Program, seen period.Seen, path string) error {
	parcel, err := p.Parcel(ctx, seen)
	if err != nil {
		return err
	}
	if err := durable.Write(path, parcel.Encode(), 0o644); err != nil {
		return err
	}
	size := p.Log.Checkpoint().Size
	return a.tell("tieout.log-exchange/1", fmt.Sprintf("Wrote %s: the checkpoint of %s, with the proof for a witness that saw %d before. There: tieout log cosign %s --key FILE --state FOLDER",
		path, count(int(size), "entry", "entries"), seen.Size, path), map[string]any{"file": path, "size": size, "from": seen.Size})
}

func readParcel(path string) (ledger.Parcel, error) {
	data, err := durable.Read(path, maxExchange)
	if err != nil {
		return ledger.Parcel{}, fmt.Errorf("%w: %w", audit.ErrNotFound, err)
	}
	parcel, err := ledger.ParseParcel(data)
	if err != nil {
		return parcel, fmt.Errorf("%w: %s: %w", audit.ErrAltered, path, err)
	}
	return parcel, nil
}

func (a *app) importParcel(ctx context.Context, p *period.Program, path string) error {
	parcel, err := readParcel(path)
	if err != nil {
		return err
	}
	answers, err := p.TakeBack(ctx, parcel)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return a.answered("tieout.witnesses/1", answers)
}

func (a *app) logTimestamp() *cobra.Command {
	var tsa string
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "timestamp", Short: "Have the time-stamp authority in tieout.yaml stamp the newest checkpoint (RFC 3161)",
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			trust, err := readTSA(tsa)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(p *period.Program) error {
				ctx, cancel := context.WithTimeout(cmd.Context(), wait)
				defer cancel()
				return a.answered("tieout.timestamps/1", []period.Answer{p.AskAuthority(ctx, trust)})
			})
		},
	}
	in(cmd, "table", "json")
	cmd.Flags().StringVar(&tsa, "tsa", "", "file with the certificates (PEM) of the authority: a stamp by another is refused")
	cmd.Flags().DurationVar(&wait, "wait", 30*time.Second, "how long to wait for an answer")
	return cmd
}
