package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/internal/durable"
	"tieout/ledger"
	"tieout/period"
)

// desk are the flags of the witness's side.
type desk struct {
	key, state, makeKey string
	consent             ledger.Consent
}

func (a *app) logCosign() *cobra.Command {
	var d desk
	cmd := &cobra.Command{
		Use: "cosign [EXCHANGE]", Short: "On a witness's machine: cosign the checkpoint in an exchange file, if the log still holds what was seen before",
		Long: `Signs for a log of someone else's that one has seen its newest checkpoint, and
adds the signature to the exchange file. It signs only if the log still holds
everything this witness saw before; what it saw is kept in the state folder.
No workspace is needed.

    tieout log cosign --make-key firm.example/witness --key witness.key
    tieout log cosign log.exchange --key witness.key --state seen --log KEY

KEY is the log's first public key, from elsewhere than the file; it is given once
for each log. Exit 5 where the log does not continue what was seen, 4 where a
person has to decide first.`,
		Args: atMost(1, "an exchange file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case d.key == "":
				return fmt.Errorf("%w: --key names the file of the witness's key", audit.ErrUsage)
			case d.makeKey != "":
				if err := a.makeWitnessKey(d); err != nil || len(args) == 0 {
					return err
				}
			case len(args) == 0:
				return fmt.Errorf("%w: log cosign needs an exchange file; see 'tieout log cosign --help'", audit.ErrUsage)
			}
			if d.state == "" {
				return fmt.Errorf("%w: --state names the folder in which this witness keeps what it saw", audit.ErrUsage)
			}
			return a.cosign(cmd.Context(), d, args[0])
		},
	}
	in(cmd, "table", "json")
	f := cmd.Flags()
	f.StringVar(&d.key, "key", "", "file of the witness's private key")
	f.StringVar(&d.state, "state", "", "folder in which the witness keeps what it saw of each log")
	f.StringVar(&d.makeKey, "make-key", "", "make the key first, under this name, such as firm.example/witness")
	f.StringVar(&d.consent.First, "log", "", "first public key of a log to be followed from now on, known from elsewhere")
	f.BoolVar(&d.consent.NewEpoch, "accept-epoch", false, "accept a new epoch of the log, and a key that came without a hand-over")
	return cmd
}

func (a *app) makeWitnessKey(d desk) error {
	skey, _, err := ledger.GenerateKey(d.makeKey)
	if err != nil {
		return fmt.Errorf("%w: %w", audit.ErrUsage, err)
	}
	if err := ledger.SaveKey(d.key, skey); err != nil {
		return err
	}
	w, err := ledger.NewWitness(skey, ledger.FileWitnessState{Dir: d.state})
	if err != nil {
		return err
	}
	fmt.Fprintln(a.env.Stdout, w.Key().VKey())
	a.note("Made %s. The line above is its public key, to be put into tieout.yaml of the logs it witnesses.", d.key)
	return nil
}

func (a *app) cosign(ctx context.Context, d desk, path string) error {
	parcel, err := readParcel(path)
	if err != nil {
		return err
	}
	w, err := ledger.OpenDesk(d.key, d.state)
	if err != nil {
		return err
	}
	shown, _, err := parcel.Read()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", audit.ErrAltered, path, err)
	}
	signed, said, err := w.Sign(ctx, parcel, d.consent)
	if err != nil {
		return a.explainCosign(ctx, w, parcel, shown, err)
	}
	if err := durable.Write(path, signed.Encode(), 0o644); err != nil {
		return err
	}
	for _, e := range shown.Epochs {
		a.note("note: %s", e)
	}
	return a.tell("tieout.log-cosignature/1", fmt.Sprintf("Cosigned: %s. %s is ready to go back.", said, path),
		map[string]any{"witness": said.Witness.VKey(), "origin": said.Origin, "size": said.Size, "at": said.At, "file": path})
}

// explainCosign says what a person can do about a refusal.
func (a *app) explainCosign(ctx context.Context, w ledger.Desk, parcel ledger.Parcel, shown ledger.Checkpoint, err error) error {
	switch {
	case errors.Is(err, ledger.ErrUnknownLog):
		err = fmt.Errorf("%w. If you know that key from elsewhere than this file, repeat with --log %s", err, parcel.First)
	case errors.Is(err, ledger.ErrNewEpoch):
		for _, e := range shown.Epochs {
			a.note("%s", e)
		}
		err = fmt.Errorf("%w. If you accept what the log says about it, repeat with --accept-epoch", err)
	case errors.Is(err, ledger.ErrForked):
		if last, ok, seenErr := w.Seen(ctx, parcel); seenErr == nil && ok && (last.Size != parcel.Old || last.Epoch != shown.Epoch) {
			err = fmt.Errorf("%w. This witness saw %d entries of epoch %d last; have a proof from there made with 'tieout log witness --export FILE --from %d --from-epoch %d', and do not sign if that fails too",
				err, last.Size, last.Epoch, last.Size, last.Epoch)
		}
	}
	return period.WitnessError(err)
}
