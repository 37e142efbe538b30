package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/definition"
	"tieout/internal/durable"
	"tieout/period"
	"tieout/reader/connect"
	"tieout/report"
	"tieout/report/text"
	"tieout/source"
	"tieout/source/all"
)

func (a *app) connectorCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "connector", Short: "What can be read, with what permission, and what it cannot see"}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "Kinds of source, and those of this workspace", Args: exactly(0, "no argument"),
			RunE: func(cmd *cobra.Command, _ []string) error { return a.listConnectors(cmd.Context()) },
		},
		in(&cobra.Command{
			Use: "show KIND", Short: "One kind of source: settings, scopes in words, item types, limits", Args: exactly(1, "a kind such as git"),
			RunE: func(_ *cobra.Command, args []string) error { return a.showConnector(args[0]) },
		}, "table", "json"),
		in(&cobra.Command{
			Use: "scopes NAME", Short: "What a connection or a kind of source must be allowed to read, to hand to who grants it",
			Args: exactly(1, "a connection of this workspace or a kind such as git"),
			RunE: func(cmd *cobra.Command, args []string) error { return a.connectorScopes(cmd.Context(), args[0]) },
		}, "table", "json"),
		a.connectorAdd(),
		a.connectorTest(),
	)
	return cmd
}

func (a *app) listConnectors(ctx context.Context) error {
	used := map[string][]string{}
	if dir, err := a.workspace(); err == nil && dir != "" {
		err := a.with(ctx, func(p *period.Program) error {
			for _, s := range p.Def.Sources {
				used[s.Kind] = append(used[s.Kind], s.Name)
			}
			return nil
		})
		if err != nil {
			a.note("this workspace could not be read: %s", message(err))
		}
	}
	l := listing{schema: "tieout.connectors/1", columns: []text.Column{
		{Head: "kind"}, {Head: "reads", Flex: true}, {Head: "gives", Flex: true}, {Head: "here", Flex: true},
	}}
	for _, d := range all.Drivers {
		l.rows = append(l.rows, row{[]string{d.Name, d.Title, connect.Gives(d), strings.Join(used[d.Name], " ")}, connectorValue(d, used[d.Name])})
	}
	l.summary = report.Capital(count(len(l.rows), "kind of source", "kinds of source")) + "; 'tieout connector show KIND' says what each may read and cannot see."
	return a.show(l)
}

func connectorValue(d *source.Driver, here []string) map[string]any {
	return map[string]any{"kind": d.Name, "title": d.Title, "version": d.Version, "types": d.Types, "scopes": d.Scopes, "cannot": d.Cannot,
		"settings": d.Settings, "here": here}
}

func (a *app) showConnector(kind string) error {
	d, err := all.Drivers.Find(kind)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.writeJSON("tieout.connector/1", d.Title, "connector", connectorValue(d, nil))
	}
	w := a.env.Stdout
	fmt.Fprintf(w, "%s  %s, normalizer version %d\n\nGives %s.\n", d.Name, d.Title, d.Version, strings.Join(d.Types, ", "))
	if len(d.Settings) > 0 {
		fmt.Fprintln(w, "\nSettings, in sources/NAME.yaml under `with:`:")
	}
	for _, s := range d.Settings {
		need := ""
		if s.Required {
			need = " (needed)"
		}
		a.point(s.Name + need + ": " + s.Doc)
	}
	a.printScopes(d)
	fmt.Fprintln(w, "\nCannot see:")
	for _, c := range d.Cannot {
		a.point(c)
	}
	fmt.Fprintf(w, "\nMore: docs/sources/%s.md\n", d.Name)
	return nil
}

func (a *app) printScopes(d *source.Driver) {
	fmt.Fprintln(a.env.Stdout, "\nMust be allowed to read, and nothing else:")
	for _, s := range d.Scopes {
		a.point(s.Name + ": " + s.Why)
	}
}

// connectorScopes prints the permissions of a connection, or of a kind.
func (a *app) connectorScopes(ctx context.Context, name string) error {
	kind := name
	if dir, err := a.workspace(); err == nil && dir != "" {
		if err := a.with(ctx, func(p *period.Program) error {
			if i := slices.IndexFunc(p.Def.Sources, func(s definition.SourceDef) bool { return s.Name == name }); i >= 0 {
				kind = p.Def.Sources[i].Kind
			}
			return nil
		}); err != nil {
			return err
		}
	}
	d, err := all.Drivers.Find(kind)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.writeJSON("tieout.scopes/1", d.Title, "scopes", d.Scopes)
	}
	fmt.Fprintf(a.env.Stdout, "%s: %s\n", name, d.Title)
	a.printScopes(d)
	return nil
}

func (a *app) connectorAdd() *cobra.Command {
	var set []string
	cmd := in(&cobra.Command{
		Use: "add KIND [NAME]", Short: "Write sources/NAME.yaml with every setting explained; --set fills them in", Args: between(1, 2, "a kind such as github, and a name if not the kind's"),
		RunE: func(_ *cobra.Command, args []string) error {
			name := args[len(args)-1]
			return a.addConnector(args[0], name, set)
		},
	}, "table", "json")
	cmd.Flags().StringArrayVar(&set, "set", nil, "a setting, as NAME=VALUE; VALUE is YAML; secrets only as references such as env:GITHUB_TOKEN")
	return cmd
}

// addConnector writes a connection's file. What was set must open; without
// anything set the file is for a person to fill in, and says so.
func (a *app) addConnector(kind, name string, set []string) error {
	d, err := all.Drivers.Find(kind)
	if err != nil {
		return err
	}
	if !definition.SourceName(name) {
		return fmt.Errorf("%w: %q is no name for a connection: lower case letters, digits, - and _", audit.ErrUsage, name)
	}
	dir, err := a.workspace()
	if err != nil {
		return err
	}
	values, err := settings(d, set)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "sources", name+".yaml")
	body, missing := connect.File(d, values)
	if len(missing) == 0 {
		if err := connect.Open(d, name, dir, values); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := durable.Create(path, body, 0o644); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: sources/%s.yaml is there already; edit it, or give another NAME", audit.ErrUsage, name)
	} else if err != nil {
		return err
	}
	next := fmt.Sprintf("try it with 'tieout connector test %s'", name)
	if len(missing) > 0 {
		next = fmt.Sprintf("fill in %s, then %s", strings.Join(missing, ", "), next)
	}
	return a.tell("tieout.connector.added/1", fmt.Sprintf("Wrote sources/%s.yaml; %s.", name, next), map[string]any{"file": "sources/" + name + ".yaml", "missing": missing})
}

// settings reads NAME=VALUE, VALUE as YAML.
func settings(d *source.Driver, set []string) (map[string]connect.Value, error) {
	written := map[string]string{}
	for _, s := range set {
		name, text, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("%w: --set %q: write NAME=VALUE", audit.ErrUsage, s)
		}
		written[name] = text
	}
	values, err := connect.Read(d, written)
	if err != nil {
		return nil, fmt.Errorf("%w: --set %s", audit.ErrUsage, strings.TrimPrefix(err.Error(), audit.ErrInvalid.Error()+": "))
	}
	return values, nil
}

func (a *app) connectorTest() *cobra.Command {
	var days int
	cmd := &cobra.Command{
		Use: "test NAME", Short: "Read a connection once without keeping anything, and say what can be collected", Args: exactly(1, "a connection of this workspace"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error {
				return a.testConnector(cmd.Context(), p, args[0], days)
			})
		},
	}
	cmd.Flags().IntVar(&days, "days", 0, "read only so many days back; 0: as far as a collection does")
	return cmd
}

// maxTrialDays is more than any collection looks back.
const maxTrialDays = 36500

// testConnector reads a connection into a sink that keeps nothing.
func (a *app) testConnector(ctx context.Context, p *period.Program, name string, days int) error {
	if days < 0 || days > maxTrialDays {
		return fmt.Errorf("%w: --days %d: write 1 to %d, or leave it out", audit.ErrUsage, days, maxTrialDays)
	}
	trial, err := p.Try(ctx, name, time.Duration(days)*24*time.Hour)
	if err != nil && len(trial) == 0 {
		return err
	}
	l := listing{schema: "tieout.connector.test/1", columns: []text.Column{
		{Head: "type"}, {Head: "scope", Flex: true}, {Head: "could collect"}, {Head: "items", Right: true}, {Head: "why not, and limits", Flex: true},
	}}
	bad := 0
	for _, s := range trial {
		could, why := "yes", strings.Join(s.Cannot, "; ")
		if !s.Complete {
			could, why = "no", s.Reason
			bad++
		}
		l.rows = append(l.rows, row{[]string{s.Type, s.Scope, could, fmt.Sprint(s.Items), why}, s})
	}
	l.summary = fmt.Sprintf("%s of %s could be collected; nothing was kept.", report.Capital(count(len(trial)-bad, "stream", "streams")), name)
	if err := errors.Join(err, a.show(l)); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%w: %s of %s cannot be collected, for the reasons above", audit.ErrInconclusive, count(bad, "stream", "streams"), name)
	}
	return nil
}
