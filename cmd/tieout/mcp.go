package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/period"
	"tieout/reader/mcp"
)

func (a *app) mcpCommand() *cobra.Command {
	return in(&cobra.Command{
		Use: "mcp", Short: "Let a program read this workspace through the Model Context Protocol", Args: exactly(0, "no argument"),
		Long: `Answers one client of the Model Context Protocol on standard input and output,
as a client starts it: {"command": "tieout", "args": ["mcp", "-w", "FOLDER"]}.

Its tools read: status, controls, deviations, evidence, gaps, populations,
coverage, search. None concludes, signs, decides, edits or erases. Every call is
sealed in the log before it is answered, with the tool, its arguments and what
the client says it is called; 'tieout evidence list --kind activity' shows them.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.mcp(cmd.Context()) },
	}, "table")
}

// mcp serves until the client leaves. What cannot be opened is said at once
// instead of in every answer.
func (a *app) mcp(ctx context.Context) error {
	if a.asOf != "" {
		return fmt.Errorf("%w: 'tieout mcp' answers from the newest run; --as-of is for 'tieout status' and its like", audit.ErrUsage)
	}
	if err := a.with(ctx, func(*period.Program) error { return nil }); err != nil {
		return err
	}
	s := mcp.New(mcp.Options{Open: a.open, Version: version, Log: slog.New(slog.NewTextHandler(a.env.Stderr, nil))})
	return s.Stdio(ctx, io.NopCloser(a.env.Stdin), nopCloser{a.env.Stdout})
}

// nopCloser leaves standard output open for whoever gave it.
type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
