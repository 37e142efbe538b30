package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/ledger"
	"tieout/period"
)

func (a *app) logEpoch() *cobra.Command {
	var order period.EpochOrder
	var reason string
	var yes bool
	cmd := &cobra.Command{
		Use: "epoch", Short: "Say openly that the store was restored or the signing key is lost or exposed, and go on in a new epoch",
		Long: `Opens a new epoch of the log where it cannot go on as it was:

    --reason restored      the store came back older than what was published
    --reason key-lost      the signing key is gone; a new one is made
    --reason key-exposed   others may have the signing key; a new one is made

Every checkpoint from then on says so, with what was published before, and so
does everyone who verifies. It cannot be taken back. A new key without hand-over
has to be given to whoever checks: they believe it because you gave it to them.`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			order.Reason = ledger.Reason(reason)
			return a.epoch(cmd.Context(), order, yes)
		},
	}
	in(cmd, "table", "json")
	f := cmd.Flags()
	f.StringVar(&reason, "reason", "", "restored, key-lost or key-exposed")
	f.StringVar(&order.Why, "why", "", "what happened, in your words; it is sealed")
	f.BoolVar(&order.NoAnchor, "no-anchor", false, "the anchor file is gone too: take what the store holds as what was published")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (a *app) epoch(ctx context.Context, order period.EpochOrder, yes bool) error {
	dir, err := a.workspace()
	if err != nil {
		return err
	}
	p, err := period.NewEpoch(ctx, dir, a.options(), order, func(s period.Situation) error { return a.confirmEpoch(s, order, yes) })
	if err != nil {
		return err
	}
	defer p.Close()
	c := p.Log.Checkpoint()
	a.publish(ctx, p)
	if order.Reason != ledger.Restored {
		a.note("The new public key, to be given to whoever checks: %s", p.Log.Keys().Current().VKey())
	}
	last := c.Epochs[len(c.Epochs)-1]
	return a.tell("tieout.log-epoch/1", fmt.Sprintf("%s. Everyone who verifies reads this. Sealed as %s.", sentence(last.String()), audit.EvidenceRef(last.From)),
		map[string]any{"epoch": last.Epoch, "reason": last.Reason, "from": last.From, "last": last.Last, "key": p.Log.Keys().Current().VKey()})
}

// confirmEpoch tells what is at stake and asks.
func (a *app) confirmEpoch(s period.Situation, order period.EpochOrder, yes bool) error {
	a.note("The store holds %s of %s.", count(int(s.Stored), "entry", "entries"), s.Log)
	switch {
	case s.Published > s.Stored:
		a.note("%s had been published: the difference is lost, and epoch %d will say so.", count(int(s.Published), "entry", "entries"), s.Epoch)
	case s.Published < 0:
		a.note("What was published last is not known here.")
	}
	if order.Reason != ledger.Restored {
		a.note("A new signing key will be made. No earlier key vouches for it.")
	}
	if yes {
		return nil
	}
	if a.noInput || !terminal(a.env.Stdin) {
		return fmt.Errorf("%w: there is nobody to ask; repeat with --yes", audit.ErrUsage)
	}
	fmt.Fprintf(a.env.Stderr, "Open epoch %d? This cannot be taken back. [yes/no]: ", s.Epoch)
	in := bufio.NewScanner(a.env.Stdin)
	if in.Scan() && strings.TrimSpace(in.Text()) == "yes" {
		return nil
	}
	return errors.New("no epoch was opened")
}

// sentence puts a capital at the beginning.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
