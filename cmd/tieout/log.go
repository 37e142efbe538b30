package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"tieout/evidence"
	"tieout/ledger"
	"tieout/period"
)

func (a *app) logCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "log", Short: "The transparency log: entries, keys and epochs, witnesses and time stamps, tiles for static hosting"}
	cmd.AddCommand(a.logHead(), a.logTail(), a.logVerify(), a.logWitness(), a.logCosign(), a.logTimestamp(), a.logTiles(), a.logRotate(), a.logEpoch())
	return cmd
}

func (a *app) logHead() *cobra.Command {
	return in(&cobra.Command{
		Use: "head", Short: "The newest signed checkpoint, and the keys that lead to it", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error {
				head, log := p.Log.Head(), p.Log
				state, err := p.LogState(cmd.Context())
				if err != nil {
					return err
				}
				s, err := p.Succession(cmd.Context())
				if err != nil {
					return err
				}
				if a.output == "json" {
					return a.writeJSON("tieout.log/1", fmt.Sprintf("%s in the log.", count(int(state.Size), "entry", "entries")), "log",
						map[string]any{"state": state, "checkpoint": string(head.Note), "keys": s})
				}
				fmt.Fprintf(a.env.Stdout, "%s\n", head.Note)
				for _, l := range log.Keys().Links() {
					fmt.Fprintf(a.env.Stdout, "%s\n", l)
				}
				fmt.Fprintf(a.env.Stdout, "first public key, to be given to whoever checks: %s\n", s.First)
				return nil
			})
		},
	}, "table", "json")
}

func (a *app) logTiles() *cobra.Command {
	return in(&cobra.Command{
		Use: "tiles FOLDER", Short: "Write the log as static files (C2SP tlog-tiles); it holds commitments and no names",
		Args: exactly(1, "a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error {
				head, err := ledger.ExportTiles(cmd.Context(), evidence.Backend{Store: p.Store}, args[0], p.Log.Keys())
				if err != nil {
					return err
				}
				return a.tell("tieout.log-tiles/1", fmt.Sprintf("Wrote %s to %s.", count(int(head.Size), "entry", "entries"), args[0]),
					map[string]any{"size": head.Size, "folder": args[0]})
			})
		},
	}, "table", "json")
}

func (a *app) logRotate() *cobra.Command {
	return in(&cobra.Command{
		Use: "rotate", Short: "Make a new signing key; the old one hands the log over to it, on record", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error {
				key, err := p.RotateKey(cmd.Context())
				if err != nil {
					return err
				}
				a.note("Witnesses have to learn of the new key: those asked over the network from you, the others by exchange file.")
				return a.tell("tieout.log-key/1", fmt.Sprintf("From now on %s signs. The old key handed over; its file is kept beside the new one.", key.ID()),
					map[string]any{"key": key.VKey()})
			})
		},
	}, "table", "json")
}
