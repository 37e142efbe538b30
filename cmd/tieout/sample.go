package main

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/engagement/redraw"
)

func (a *app) sampleCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "sample", Short: "The auditor's samples: commit, draw, release, extend; verify picks one again"}
	cmd.AddCommand(a.examSamples()...)
	cmd.AddCommand(a.sampleVerifyCommand())
	return cmd
}

func (a *app) sampleVerifyCommand() *cobra.Command {
	var k redraw.Known
	var seen string
	cmd := &cobra.Command{
		Use: "verify SAMPLE ITEMS", Short: "Pick a sample again from its population, offline",
		Long: `Picks a sample again from an exported sample (JSON) and the population's item
lines, on any machine: that the lines are those that were frozen, that the nonce
is the one the firm had committed to before the freeze, that the seed follows
from both, and that the same items come out. Exit 5 where something is not so;
exit 6 where nothing is wrong and something could not be shown, as without the
firm's key, a checkpoint of its log from before the freeze, or the root of the
client's log, which come from elsewhere than the file.`,
		Args: exactly(2, "an exported sample and the item lines of its population"),
		RunE: func(_ *cobra.Command, args []string) error {
			if seen != "" {
				note, err := readBounded(seen, maxNote)
				if err != nil {
					return fmt.Errorf("--seen: %w", err)
				}
				k.Seen = string(note)
			}
			return a.verifySample(args[0], args[1], k)
		},
	}
	f := cmd.Flags()
	f.StringVar(&k.Key, "firm-key", "", "public key of the firm's log, known from elsewhere than the file")
	f.StringVar(&seen, "seen", "", "file with a checkpoint of the firm's log that somebody held before the freeze")
	f.StringVar(&k.Root, "root", "", "root of the client's log at the freeze, in hex, known from elsewhere than the file")
	return in(cmd, "table", "json")
}

// verifySample picks one exported sample again and prints each step.
func (a *app) verifySample(samplePath, itemsPath string, k redraw.Known) error {
	s, _, err := openFile(samplePath)
	if err != nil {
		return err
	}
	file, err := redraw.ReadFile(s)
	if err = errors.Join(err, s.Close()); err != nil {
		return fmt.Errorf("%s: %w", samplePath, err)
	}
	items, _, err := openFile(itemsPath)
	if err != nil {
		return err
	}
	lines, err := redraw.Verify(bufio.NewReader(items), file, k)
	err = errors.Join(err, items.Close())
	if a.output == "json" {
		return errors.Join(a.writeJSON("tieout.sample.verify/1", sampleSentence(file, err), "checks", lines), err)
	}
	for _, l := range lines {
		fmt.Fprintf(a.env.Stdout, "  %-6s  %s: %s\n", verdict(l), l.What, l.Says)
	}
	a.say("  " + sampleSentence(file, err))
	return err
}

func verdict(l redraw.Line) string {
	switch {
	case l.OK:
		return "ok"
	case l.Open:
		return "open"
	}
	return "not ok"
}

// sampleSentence says in one sentence what came of picking a sample again.
func sampleSentence(f redraw.File, err error) string {
	name := fmt.Sprintf("Sample %s of %s, %d items by %s selection", f.Sample.ID, f.Engagement, len(f.Sample.Items), f.Sample.Method)
	switch {
	case err == nil:
		return name + ": picked again, the same. Checked offline."
	case errors.Is(err, audit.ErrInconclusive):
		return name + ": nothing is wrong, and not everything is shown. Checked offline."
	}
	return name + ": not what it says. Checked offline."
}
