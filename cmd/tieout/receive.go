package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/source/github"
	"tieout/source/githubhooks"
	"tieout/source/scim"
)

func (a *app) receiveCommand() *cobra.Command {
	var listen, cert, key, base string
	var secrets []string
	cmd := &cobra.Command{
		Use: "receive [NAME...]", Short: "Take what systems push: SCIM of an identity provider, webhooks of GitHub",
		Long: `Listens until interrupted, checks every message and keeps it in the journal of
its connection before it answers; 'tieout collect' reads the journals. Each
connection of kind scim is at /scim/NAME, each of kind github-webhooks at
/github/NAME. The secret that the sender presents is named for each, by
reference. Beyond this machine it speaks TLS only, by itself with --certificate
and --key or behind a proxy that does.`,
		Example: "  tieout receive --secret okta=env:SCIM_TOKEN\n  tieout receive hooks --secret hooks=file:/run/secrets/webhook",
		RunE: func(cmd *cobra.Command, args []string) error {
			var mux *http.ServeMux
			var stop func() error
			err := a.with(cmd.Context(), func(p *period.Program) (err error) {
				mux, stop, err = a.receivers(cmd.Context(), p, args, secrets, base)
				return err
			})
			if err != nil {
				return err
			}
			return errors.Join(a.serve(cmd.Context(), mux, listen, cert, key), stop())
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8732", "address and port")
	cmd.Flags().StringVar(&cert, "certificate", "", "PEM file of the certificate chain")
	cmd.Flags().StringVar(&key, "key", "", "PEM file of its key")
	cmd.Flags().StringVar(&base, "base", "", "address under which senders know this one, such as https://tieout.example.com; for SCIM's locations")
	cmd.Flags().StringArrayVar(&secrets, "secret", nil, "NAME=REFERENCE of the secret of a connection: env:NAME or file:PATH")
	return cmd
}

// receivers makes the handlers of the connections called names, of all that
// are pushed to where there are none. The store is not needed while they listen.
func (a *app) receivers(ctx context.Context, p *period.Program, names, secrets []string, base string) (mux *http.ServeMux, stop func() error, err error) {
	refs, err := secretRefs(secrets)
	if err != nil {
		return nil, nil, err
	}
	mux = http.NewServeMux()
	var stops []func() error
	stop = func() (err error) {
		for _, s := range stops {
			err = errors.Join(err, s())
		}
		return err
	}
	wanted, err := pushed(p.Def.Sources, names)
	if err != nil {
		return nil, nil, err
	}
	for _, def := range wanted {
		secret, err := p.Env.ResolveSecret(ctx, "--secret "+def.Name, refs[def.Name])
		if err == nil && secret == "" {
			err = fmt.Errorf("%w: name the secret of %s: --secret %s=env:NAME", audit.ErrUsage, def.Name, def.Name)
		}
		if err == nil {
			err = a.receiver(mux, p.Env.Dir, def, secret, base, &stops)
		}
		if err != nil {
			return nil, nil, errors.Join(err, stop())
		}
	}
	return mux, stop, nil
}

// pushed are the connections that systems push to.
func pushed(defs []definition.SourceDef, names []string) (out []definition.SourceDef, err error) {
	for _, d := range defs {
		if (d.Kind == scim.Driver.Name || d.Kind == githubhooks.Driver.Name) && (len(names) == 0 || slices.Contains(names, d.Name)) {
			out = append(out, d)
		}
	}
	for _, n := range names {
		if !slices.ContainsFunc(out, func(d definition.SourceDef) bool { return d.Name == n }) {
			return nil, fmt.Errorf("%w: no connection %q of kind %s or %s", audit.ErrNotFound, n, scim.Driver.Name, githubhooks.Driver.Name)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: this workspace has no connection of kind %s or %s; see 'tieout connector add'", audit.ErrNotFound, scim.Driver.Name, githubhooks.Driver.Name)
	}
	return out, nil
}

// secretRefs reads NAME=REFERENCE.
func secretRefs(secrets []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range secrets {
		name, ref, ok := strings.Cut(s, "=")
		if !ok || !strings.Contains(ref, ":") {
			return nil, fmt.Errorf("%w: --secret %s: write NAME=env:VARIABLE or NAME=file:PATH, never the secret itself", audit.ErrUsage, name)
		}
		out[name] = ref
	}
	return out, nil
}

// receiver puts one connection's handler into mux.
func (a *app) receiver(mux *http.ServeMux, dir string, def definition.SourceDef, secret, base string, stops *[]func() error) error {
	var with struct{ Journal, Folder string }
	if err := json.Unmarshal(def.With, &with); err != nil {
		return fmt.Errorf("%w: %s: %w", audit.ErrInvalid, def.File, err)
	}
	folder := with.Journal + with.Folder // a kind has one of them
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(dir, folder)
	}
	if def.Kind == githubhooks.Driver.Name {
		h, err := github.Webhooks(github.WebhookOptions{Secret: []byte(secret), Folder: folder, Now: a.env.Now})
		if err != nil {
			return err
		}
		mux.Handle("/github/"+def.Name, h)
		a.note("  %s: GitHub posts to /github/%s", def.Name, def.Name)
		return nil
	}
	at := "/scim/" + def.Name
	o := scim.Options{Journal: folder, Token: secret, Now: a.env.Now}
	if base != "" {
		o.Base = strings.TrimSuffix(base, "/") + at
	}
	h, err := scim.Handler(o)
	if err != nil {
		return err
	}
	*stops = append(*stops, h.Close)
	mux.Handle(at+"/", http.StripPrefix(at, h))
	a.note("  %s: the identity provider's SCIM address ends in %s", def.Name, at)
	return nil
}
