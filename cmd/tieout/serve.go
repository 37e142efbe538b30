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
		Use: "serve", Short: "Serve the workspace's screens to browsers",
		Long: `Serves the workspace's screens until interrupted and prints the address to open;
while nobody has an account, a link that makes the first one. People sign in,
and see and do what their roles allow. /healthz answers without signing in.`,
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
	s, err := web.New(ctx, web.Options{
		Key: key, Hosts: web.LoopbackHosts(l.Addr()), Now: a.env.Now, Log: slog.New(slog.NewTextHandler(a.env.Stderr, nil)),
		Open: func(ctx context.Context, name string) (*period.Program, error) {
			o := o
			if name != "" {
				o.Period = name
			}
			return period.Open(ctx, dir, o)
		},
	})
	if err != nil {
		return err
	}
	if err := s.Warm(ctx); err != nil {
		return errors.Join(err, s.Close())
	}
	if err := a.sayWhere(ctx, s, "http://"+l.Addr().String(), key); err != nil {
		return errors.Join(err, s.Close())
	}
	return errors.Join(s.Serve(ctx, l), s.Close())
}

// sayWhere prints the address to open: while nobody administers the workspace,
// the one-time link that makes the first account.
func (a *app) sayWhere(ctx context.Context, s *web.Server, url, key string) error {
	empty, err := s.People().Empty(ctx)
	if err != nil {
		return err
	}
	hint := "Sign in with your account. Stop with Ctrl-C."
	if empty {
		url += "/setup?key=" + key
		hint = "The link makes the first account, an administrator's, and works once. Stop with Ctrl-C."
	}
	if err := a.tell("tieout.serve/1", "Open "+url, map[string]any{"url": url}); err != nil {
		return err
	}
	a.note("%s", hint)
	return nil
}

// loopback listens on an address of this machine that no other can reach.
func loopback(listen string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("%w: --listen %q is not ADDRESS:PORT", audit.ErrUsage, listen)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%w: --listen %s: without TLS the screens are served to this machine only, such as 127.0.0.1:8731", audit.ErrUsage, listen)
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("%w: %w. Another program may use the port; name one with --listen 127.0.0.1:0", audit.ErrUnavailable, err)
	}
	return l, nil
}
