package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
)

// needed has a command refuse to run without flags it needs, before anything is
// looked at, or sealed.
func needed(cmd *cobra.Command, names ...string) *cobra.Command {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := without(cmd, names...); err != nil {
			return err
		}
		return run(cmd, args)
	}
	return cmd
}

// without names the flags that a command needs and that say nothing.
func without(cmd *cobra.Command, names ...string) error {
	var missing []string
	for _, n := range names {
		if strings.TrimSpace(cmd.Flags().Lookup(n).Value.String()) == "" {
			missing = append(missing, "--"+n)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w: '%s' needs %s; see '%s --help'", audit.ErrUsage, cmd.CommandPath(), strings.Join(missing, " and "), cmd.CommandPath())
}

// given are those of the flags that a command line names.
func given(cmd *cobra.Command, names ...string) (out []string) {
	for _, n := range names {
		if cmd.Flags().Changed(n) {
			out = append(out, "--"+n)
		}
	}
	return out
}

// over puts what a flag says over what is stored; what nobody said anew stays.
func over[T any](cmd *cobra.Command, flag string, stored *T, now T) {
	if cmd.Flags().Changed(flag) {
		*stored = now
	}
}
