package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/reader/web"
)

func (a *app) serveCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use: "serve", Short: "Show the workspace in a browser on this machine, to read",
		Long: `Serves the workspace's screens to a browser on this machine until interrupted,
and prints a link that opens them once. The screens only read: they show the
period, controls, deviations, evidence down to the raw bytes, populations,
connectors and the log. /healthz answers without the link.`,
		Example: "  tieout serve\n  tieout serve --listen 127.0.0.1:0",
		Args:    exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.serveScreens(cmd.Context(), listen)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8731", "address of this machine and port; port 0 is any that is free")
	return in(cmd, "table", "json")
}

// serveScreens serves until ctx is done, which is how it ends well.
func (a *app) serveScreens(ctx context.Context, listen string) error {
	l, err := loopback(listen)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // Serve has closed it, unless it never began
	dir, err := a.workspace()
	if err == nil {
		_, err = definition.Load(dir)
	}
	if err != nil {
		return err
	}
	key, o := web.NewKey(), a.options()
	s := web.New(web.Options{
		Key: key, Hosts: web.LoopbackHosts(l.Addr()), Now: a.env.Now, Log: slog.New(slog.NewTextHandler(a.env.Stderr, nil)),
		Open: func(ctx context.Context, name string) (*period.Program, error) {
			o := o
			if name != "" {
				o.Period = name
			}
			return period.Open(ctx, dir, o)
		},
	})
	if err := s.Warm(ctx); err != nil {
		return errors.Join(err, s.Close())
	}
	url := "http://" + l.Addr().String() + "/?key=" + key
	if err := a.tell("tieout.serve/1", "Open "+url, map[string]any{"url": url}); err != nil {
		return errors.Join(err, s.Close())
	}
	a.note("The link works once, in one browser, on this machine. Stop with Ctrl-C.")
	return errors.Join(s.Serve(ctx, l), s.Close())
}

// loopback listens on an address of this machine that no other can reach.
func loopback(listen string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("%w: --listen %q is not ADDRESS:PORT", audit.ErrUsage, listen)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%w: --listen %s: there is no sign-in, so the screens are served to this machine only, such as 127.0.0.1:8731", audit.ErrUsage, listen)
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("%w: %w. Another program may use the port; name one with --listen 127.0.0.1:0", audit.ErrUnavailable, err)
	}
	return l, nil
}
