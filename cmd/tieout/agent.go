package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/agent"
	"tieout/audit"
	"tieout/internal/durable"
	"tieout/report/text"
	reports "tieout/source/agent"
)

func (a *app) agentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "agent", Short: "Report a computer's own settings, signed, and receive such reports",
		Long: `On a person's computer: 'enroll' once, then 'run' or, from a scheduler, 'once'.
It looks at disk encryption, screen lock, malware protection, updates, firewall
and accounts, reads no personal file, and listens on nothing.

Where the reports are received: 'token' for each computer, 'serve', and a source
of kind agent that reads what was received.`,
	}
	cmd.AddCommand(a.agentEnroll(), a.agentOnce(), a.agentRun(), a.agentStatus(), a.agentToken(), a.agentServe(), a.agentList(), a.agentRevoke())
	return cmd
}

// computerFlag adds --folder for the computer's side.
func computerFlag(cmd *cobra.Command, folder *string) *cobra.Command {
	cmd.Flags().StringVar(folder, "folder", "", "folder of the computer's key and queue (default: tieout-agent in the user's configuration folder)")
	return cmd
}

func (a *app) computer(folder string) (*agent.Computer, error) {
	if folder == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("%w: name a folder with --folder: %w", audit.ErrUsage, err)
		}
		folder = filepath.Join(dir, "tieout-agent")
	}
	return &agent.Computer{Folder: folder, Now: a.env.Now}, nil
}

func (a *app) agentEnroll() *cobra.Command {
	var folder, server, token string
	cmd := in(&cobra.Command{
		Use: "enroll", Short: "Make this computer's key and have the receiver take it in", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.computer(folder)
			if err != nil {
				return err
			}
			secret, err := a.tokenFrom(token)
			if err != nil {
				return err
			}
			s, err := c.Enroll(cmd.Context(), server, secret)
			if err != nil {
				return err
			}
			a.note("Next: tieout agent once")
			return a.tell("tieout.agent.enroll/1", fmt.Sprintf("Enrolled as device %s at %s.", s.Device, s.Server), map[string]any{"device": s.Device, "server": s.Server})
		},
	}, "table", "json")
	cmd.Flags().StringVar(&server, "server", "", "address of the receiver, https://HOST")
	cmd.Flags().StringVar(&token, "token", "", "where the enrollment token is: env:NAME or file:PATH")
	return computerFlag(cmd, &folder)
}

// tokenFrom resolves the reference of an enrollment token, which must not
// stand in a command line that others can list.
func (a *app) tokenFrom(ref string) (string, error) {
	kind, name, _ := strings.Cut(ref, ":")
	switch {
	case kind == "env" && name != "":
		if s := a.env.Getenv(name); s != "" {
			return s, nil
		}
		return "", fmt.Errorf("%w: --token: the variable %s is empty", audit.ErrNotFound, name)
	case kind == "file" && name != "":
		b, err := os.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("%w: --token: %w", audit.ErrNotFound, err)
		}
		return string(b), nil
	}
	return "", fmt.Errorf("%w: --token: write env:NAME or file:PATH, never the token itself", audit.ErrUsage)
}

func (a *app) agentOnce() *cobra.Command {
	var folder string
	cmd := in(&cobra.Command{
		Use: "once", Short: "Look at this computer now, and send what waits", Args: exactly(0, "no argument"),
		Long: `Looks at this computer, puts the report into the queue, and sends the queue in
order. Without a network the reports wait; that is exit 6.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.computer(folder)
			if err != nil {
				return err
			}
			sent, err := lookAndSend(cmd.Context(), c)
			if err != nil {
				return err
			}
			return a.tell("tieout.agent.once/1", sentWords(sent), sent)
		},
	}, "table", "json")
	return computerFlag(cmd, &folder)
}

// lookAndSend sends also where looking failed: what waits is not lost.
func lookAndSend(ctx context.Context, c *agent.Computer) (agent.Sent, error) {
	if _, err := c.State(); err != nil {
		return agent.Sent{}, err
	}
	looked := c.Collect(ctx)
	sent, err := c.Send(ctx)
	return sent, errors.Join(looked, err)
}

func sentWords(s agent.Sent) string {
	out := fmt.Sprintf("%s accepted.", count(s.Accepted, "report was", "reports were"))
	if s.Refused > 0 {
		out += fmt.Sprintf(" %s refused for the time it states, and put aside.", count(s.Refused, "report was", "reports were"))
	}
	return out
}

func (a *app) agentRun() *cobra.Command {
	var folder string
	var every time.Duration
	cmd := &cobra.Command{
		Use: "run", Short: "Look and send again and again, until interrupted", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every < time.Minute {
				return fmt.Errorf("%w: --every %s: a minute at least", audit.ErrUsage, every)
			}
			c, err := a.computer(folder)
			if err != nil {
				return err
			}
			return a.keepLooking(cmd.Context(), c, every)
		},
	}
	cmd.Flags().DurationVar(&every, "every", 6*time.Hour, "pause between two looks")
	return computerFlag(cmd, &folder)
}

// keepLooking goes on after failures: a laptop is offline most nights.
func (a *app) keepLooking(ctx context.Context, c *agent.Computer, every time.Duration) error {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		sent, err := lookAndSend(ctx, c)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, audit.ErrNotFound):
			return err
		case err != nil:
			a.note("%s  %s", audit.FormatTime(a.env.Now()), message(err))
		default:
			a.note("%s  %s", audit.FormatTime(a.env.Now()), sentWords(sent))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
	}
}

func (a *app) agentStatus() *cobra.Command {
	var folder string
	cmd := in(&cobra.Command{
		Use: "status", Short: "Say what this computer is enrolled as, and what waits", Args: exactly(0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			c, err := a.computer(folder)
			if err != nil {
				return err
			}
			s, err := c.State()
			if err != nil {
				return err
			}
			waiting, err := c.Waiting()
			if err != nil {
				return err
			}
			aside, err := c.RefusedReports()
			if err != nil {
				return err
			}
			line := fmt.Sprintf("Device %s at %s: %s accepted, %s.", s.Device, s.Server, count(int(s.Sequence), "report", "reports"), count(len(waiting), "waits", "wait"))
			if len(aside) > 0 {
				line += fmt.Sprintf(" %s refused for the time it states.", count(len(aside), "was", "were"))
			}
			return a.tell("tieout.agent.status/1", line, map[string]any{
				"device": s.Device, "server": s.Server, "accepted": s.Sequence, "lastAccepted": s.Accepted, "waiting": len(waiting), "refused": len(aside),
			})
		},
	}, "table", "json")
	return computerFlag(cmd, &folder)
}

// receiverFlag adds --folder for the receiver's side.
func receiverFlag(cmd *cobra.Command, folder *string) *cobra.Command {
	cmd.Flags().StringVar(folder, "folder", "", "folder of the receiver (default: "+reports.DefaultFolder+" in the workspace)")
	return cmd
}

func (a *app) receiverFolder(folder string) (string, error) {
	if folder != "" {
		return folder, nil
	}
	dir, err := a.workspace()
	return filepath.Join(dir, filepath.FromSlash(reports.DefaultFolder)), err
}

func (a *app) agentToken() *cobra.Command {
	var folder string
	var valid time.Duration
	var g agent.Grant
	cmd := in(&cobra.Command{
		Use: "token", Short: "Make a token with which one computer can enroll once", Args: exactly(0, "no argument"),
		Long: `Writes the token to stdout. Hand it to one person on a way you trust: who holds
it can enroll a computer in their name. Only its hash is kept.`,
		RunE: func(*cobra.Command, []string) error {
			if valid <= 0 {
				return fmt.Errorf("%w: --valid %s: longer than nothing", audit.ErrUsage, valid)
			}
			if t, err := audit.TypeByName("device"); err != nil || g.Kind != "" && !slices.Contains(t.Field("kind").Enum, g.Kind) {
				return fmt.Errorf("%w: --kind %q: write laptop, desktop or server", audit.ErrUsage, g.Kind)
			}
			dir, err := a.receiverFolder(folder)
			if err != nil {
				return err
			}
			until := a.env.Now().Add(valid)
			t, err := agent.NewToken(dir, g, until)
			if err != nil {
				return err
			}
			a.note("Valid for one computer, until %s.", audit.FormatTime(audit.Instant(until)))
			return a.tell("tieout.agent.token/1", t.String(), map[string]any{"token": t.String(), "expires": audit.FormatTime(until)})
		},
	}, "table", "json")
	cmd.Flags().DurationVar(&valid, "valid", 24*time.Hour, "how long it can be used")
	cmd.Flags().StringVar(&g.AssignedTo, "assigned-to", "", "id of the person the computer is assigned to, such as hr/17")
	cmd.Flags().StringVar(&g.Kind, "kind", "", "what the computer is: laptop, desktop, server")
	return receiverFlag(cmd, &folder)
}

func (a *app) agentServe() *cobra.Command {
	var folder string
	var o serving
	cmd := &cobra.Command{
		Use: "serve", Short: "Receive the reports of enrolled computers", Args: exactly(0, "no argument"),
		Long: `Listens until interrupted, checks every report and keeps it. Reports name
people's accounts: beyond this machine it speaks TLS only, by itself with
--certificate and --key or behind a proxy that does.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.receiverFolder(folder)
			if err != nil {
				return err
			}
			r, err := agent.NewReceiver(agent.Options{Folder: dir, Now: a.env.Now, Log: a.serveLog()})
			if err != nil {
				return err
			}
			return a.serveAt(cmd.Context(), r, o)
		},
	}
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8731", "address and port; port 0 takes a free one")
	cmd.Flags().StringVar(&o.cert, "certificate", "", "PEM file of the certificate chain")
	cmd.Flags().StringVar(&o.key, "key", "", "PEM file of its key")
	cmd.Flags().StringVar(&o.addressFile, "address-file", "", "write the address that is listened on to this file")
	return receiverFlag(cmd, &folder)
}

func (a *app) serveLog() *slog.Logger {
	if a.quiet {
		return nil
	}
	return slog.New(slog.NewTextHandler(a.env.Stderr, nil))
}

// serving says how to listen.
type serving struct{ listen, cert, key, addressFile string }

func (o serving) check() error {
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return fmt.Errorf("%w: --listen %q is not ADDRESS:PORT", audit.ErrUsage, o.listen)
	}
	if ip := net.ParseIP(host); (o.cert == "" || o.key == "") && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%w: --listen %s: beyond this machine name --certificate and --key", audit.ErrUsage, o.listen)
	}
	return nil
}

// serve serves h until ctx is done: beyond this machine by TLS only.
func (a *app) serve(ctx context.Context, h http.Handler, listen, cert, key string) error {
	return a.serveAt(ctx, h, serving{listen: listen, cert: cert, key: key})
}

func (a *app) serveAt(ctx context.Context, h http.Handler, o serving) error {
	if err := o.check(); err != nil {
		return err
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("%w: %w", audit.ErrUnavailable, err)
	}
	url, start := "http://"+l.Addr().String(), func(s *http.Server) error { return s.Serve(l) }
	if o.cert != "" {
		url, start = "https://"+l.Addr().String(), func(s *http.Server) error { return s.ServeTLS(l, o.cert, o.key) }
	}
	if o.addressFile != "" {
		if err := durable.Write(o.addressFile, []byte(url+"\n"), 0o644); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	ended := make(chan error, 1)
	go func() { ended <- start(s) }()
	a.note("Receiving at %s", url)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(s.Shutdown(done), ctx.Err())
}

func (a *app) agentList() *cobra.Command {
	var folder string
	cmd := &cobra.Command{
		Use: "list", Short: "List the computers that were enrolled, and when each reported last", Args: exactly(0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			dir, err := a.receiverFolder(folder)
			if err != nil {
				return err
			}
			l, err := listDevices(reports.Journal{Dir: dir})
			if err != nil {
				return err
			}
			return a.show(l)
		},
	}
	return receiverFlag(cmd, &folder)
}

func listDevices(j reports.Journal) (listing, error) {
	l := listing{schema: "tieout.agent.devices/1", columns: []text.Column{{Head: "device"}, {Head: "hostname", Flex: true}, {Head: "assigned to", Flex: true}, {Head: "reports"}, {Head: "last"}, {Head: "state"}}}
	ids, err := j.Devices()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return l, err
	}
	for _, id := range ids {
		r, err := listDevice(j, id)
		if err != nil {
			return l, fmt.Errorf("device %s: %w", id, err)
		}
		l.rows = append(l.rows, r)
	}
	l.summary = fmt.Sprintf("%s enrolled.", count(len(ids), "computer is", "computers are"))
	return l, nil
}

func listDevice(j reports.Journal, id string) (row, error) {
	d, err := j.Device(id)
	if err != nil {
		return row{}, err
	}
	gone, err := j.Revoked(id)
	if err != nil {
		return row{}, err
	}
	list, err := j.Sequences(id)
	if err != nil {
		return row{}, err
	}
	state, last := "in use", ""
	if gone != nil {
		state = "revoked"
	}
	if len(list) > 0 {
		b, err := j.Report(id, list[len(list)-1])
		if err != nil {
			return row{}, err
		}
		e, err := reports.ReadEntry(b)
		if err != nil {
			return row{}, err
		}
		last = e.Report.Header.At
	}
	return row{[]string{id, d.Hostname, d.AssignedTo, fmt.Sprint(len(list)), last, state},
		map[string]any{"device": id, "hostname": d.Hostname, "serial": d.Serial, "assignedTo": d.AssignedTo, "reports": len(list), "last": last, "state": state}}, nil
}

func (a *app) agentRevoke() *cobra.Command {
	var folder string
	cmd := in(&cobra.Command{
		Use: "revoke DEVICE", Short: "Take a computer out of use: it can report no more", Args: exactly(1, "a device's id"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := a.receiverFolder(folder)
			if err != nil {
				return err
			}
			if err := agent.Revoke(dir, args[0], a.env.Now()); err != nil {
				return err
			}
			return a.tell("tieout.agent.revoke/1", fmt.Sprintf("Device %s can report no more.", args[0]), map[string]any{"device": args[0]})
		},
	}, "table", "json")
	return receiverFlag(cmd, &folder)
}
