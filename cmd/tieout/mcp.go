package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/reader/mcp"
)

func (a *app) mcpCommand() *cobra.Command {
	write := false
	cmd := &cobra.Command{
		Use: "mcp", Short: "Let a program read this workspace through the Model Context Protocol", Args: exactly(0, "no argument"),
		Long: `Answers one client of the Model Context Protocol on standard input and output,
as a client starts it: {"command": "tieout", "args": ["mcp", "-w", "FOLDER"]}.

Its tools read: status, controls, deviations, evidence, gaps, populations,
coverage, search. None concludes, signs, decides, edits or erases. Every call is
sealed in the log before it is answered, with the tool, its arguments and what
the client says it is called; 'tieout evidence list --kind activity' shows them.

With --write a few tools also write: they ask for a collection, record a risk,
report an incident and note on one, by the API token in TIEOUT_TOKEN and with no
more than it may. Such a token is made by 'tieout token create'.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.mcp(cmd.Context(), write) },
	}
	cmd.Flags().BoolVar(&write, "write", false, "add tools that write what needs no person, by the token in TIEOUT_TOKEN")
	return in(cmd, "table")
}

// mcp serves until the client leaves. What cannot be opened is said at once
// instead of in every answer.
func (a *app) mcp(ctx context.Context, write bool) error {
	if a.asOf != "" {
		return fmt.Errorf("%w: 'tieout mcp' answers from the newest run; --as-of is for 'tieout status' and its like", audit.ErrUsage)
	}
	o := mcp.Options{Open: a.open, Version: version, Log: slog.New(slog.NewTextHandler(a.env.Stderr, nil))}
	if write {
		o.Act = a.byToken
	}
	if a.env.Getenv("TIEOUT_TOKEN") != "" {
		o.Read = a.byToken
	}
	err := a.with(ctx, func(p *period.Program) error {
		if !write {
			return nil
		}
		_, err := a.byToken(ctx, p)
		return err
	})
	if err != nil {
		return err
	}
	s := mcp.New(o)
	return s.Stdio(ctx, io.NopCloser(a.env.Stdin), nopCloser{a.env.Stdout})
}

// byToken is as whom the token in TIEOUT_TOKEN acts now: one that was revoked or
// has expired acts as nobody.
func (a *app) byToken(ctx context.Context, p *period.Program) (access.Subject, error) {
	secret := a.env.Getenv("TIEOUT_TOKEN")
	if secret == "" {
		return access.Subject{}, fmt.Errorf("%w: --write needs an API token in TIEOUT_TOKEN: 'tieout token create NAME --account EMAIL --may register.write,incident.report'", audit.ErrUsage)
	}
	people, err := p.People(ctx, "")
	if err != nil {
		return access.Subject{}, err
	}
	return people.UseToken(ctx, secret, access.From{Agent: "tieout mcp"})
}

// nopCloser leaves standard output open for whoever gave it.
type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
