package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/period"
	"tieout/procedure"
	"tieout/reader/jobs"
	"tieout/report/text"
	"tieout/source/all"
)

func (a *app) backupCommand() *cobra.Command {
	return in(&cobra.Command{
		Use: "backup FILE", Short: "Write the store, as it is at one instant, to a new file",
		Long: `Writes the whole store to a new file while work goes on. Blobs (large evidence), the signing key and
the anchor under .tieout are files of their own: back them up as files, the
anchor where a restore of the store does not reach it.`,
		Args: exactly(1, "the file to write"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error {
				if err := p.Backup(cmd.Context(), args[0]); err != nil {
					return err
				}
				c := p.Log.Checkpoint()
				return a.tell("tieout.backup/1", fmt.Sprintf("Backed up to %s, with %s in the log.", args[0], count(int(c.Size), "entry", "entries")),
					map[string]any{"file": args[0], "entries": c.Size})
			})
		},
	}, "table", "json")
}

func (a *app) restoreCommand() *cobra.Command {
	return in(&cobra.Command{
		Use: "restore FILE", Short: "Read a backup into this workspace's empty store",
		Long: `Reads a backup into the store that tieout.yaml names, which must be empty or
missing. If this workspace has published more than the backup holds, the log
would fork: the next command refuses to go on until a new epoch says openly
what was lost ('tieout log epoch --reason restored').`,
		Args: exactly(1, "a backup file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := a.workspace()
			if err != nil {
				return err
			}
			err = period.Restore(cmd.Context(), dir, a.options(), args[0])
			if errors.Is(err, audit.ErrConflict) {
				return fmt.Errorf("%w. Put the store that tieout.yaml names out of the way first; nothing was changed", err)
			}
			if err != nil {
				return err
			}
			a.note("Next: tieout verify")
			return a.tell("tieout.restore/1", fmt.Sprintf("Restored from %s.", args[0]), map[string]any{"file": args[0]})
		},
	}, "table", "json")
}

func (a *app) versionCommand() *cobra.Command {
	return in(&cobra.Command{
		Use: "version", Short: "Version of the program, its schema and engine", Args: exactly(0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			fields := map[string]any{
				"tieout": version, "schema": audit.SchemaVersion, "engine": procedure.EngineVersion, "go": runtime.Version(),
				"platform": runtime.GOOS + "/" + runtime.GOARCH,
			}
			if info, ok := debug.ReadBuildInfo(); ok {
				fields["modules"] = len(info.Deps)
			}
			if a.output == "json" {
				return a.writeJSON("tieout.version/1", "Tieout "+version, "version", fields)
			}
			fmt.Fprintf(a.env.Stdout, "tieout %s, item schema %d, engine %d, %s %s\n", version, audit.SchemaVersion, procedure.EngineVersion, fields["go"], fields["platform"])
			return nil
		},
	}, "table", "json")
}

// A finding of doctor: what was looked at, whether it is well, what to do.
type ailment struct {
	name, state, what string
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Say what is wrong on this machine and in this workspace", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context()) },
	}
}

func (a *app) doctor(ctx context.Context) error {
	found := []ailment{lookForGit(ctx)}
	p, err := a.open(ctx)
	if err != nil {
		found = append(found, ailment{"workspace", "not well", message(err)})
	} else {
		defer p.Close()
		found = append(found, a.examine(ctx, p)...)
	}
	l := listing{schema: "tieout.doctor/1", columns: []text.Column{{Head: "looked at"}, {Head: "state"}, {Head: "what", Flex: true}}}
	bad := 0
	for _, f := range found {
		if f.state != "well" {
			bad++
		}
		l.rows = append(l.rows, row{[]string{f.name, f.state, f.what}, map[string]string{"name": f.name, "state": f.state, "what": f.what}})
	}
	l.summary = "Everything looked at is well."
	if bad > 0 {
		l.summary = fmt.Sprintf("%s wants a look.", count(bad, "thing", "things"))
	}
	if err := a.show(l); err != nil {
		return err
	}
	if bad > 0 {
		return findings{code: exitFailed}
	}
	return nil
}

func lookForGit(ctx context.Context) ailment {
	out, err := exec.CommandContext(ctx, "git", "version").Output()
	if err != nil {
		return ailment{"git", "not well", "the git program is not found; the git source needs it"}
	}
	return ailment{"git", "well", text.Clean(string(out))}
}

func (a *app) examine(ctx context.Context, p *period.Program) []ailment {
	var out []ailment
	add := func(name string, err error, well string) {
		if err != nil {
			out = append(out, ailment{name, "not well", message(err)})
			return
		}
		out = append(out, ailment{name, "well", well})
	}
	add("definitions", nil, fmt.Sprintf("%s, %s, %s", count(len(p.Selection().Controls), "control", "controls"),
		count(len(p.Selection().Procedures), "procedure", "procedures"), count(len(p.Def.Sources), "source", "sources")))
	plan, err := p.Plan(ctx)
	if err == nil && !plan.Empty() {
		err = errors.New("the files differ from the applied revision; see 'tieout plan', then 'tieout apply'")
	}
	add("revision", err, "the files are the applied revision")
	add("store", nil, p.Store.Engine())
	c := p.Log.Checkpoint()
	add("log", nil, fmt.Sprintf("%s, epoch %d, signed by %s", count(int(c.Size), "entry", "entries"), c.Epoch, p.Log.Keys().Current().ID()))
	for _, s := range p.Def.Sources {
		add("source "+s.Name, tryOpen(p, s.Name), s.Kind)
	}
	open, err := p.Store.Unfinished(ctx, "")
	if err == nil && len(open) > 0 {
		err = fmt.Errorf("%s interrupted; the next 'tieout collect' closes it and keeps what it read", count(len(open), "collection was", "collections were"))
	}
	add("collections", err, "none was interrupted")
	stalled, err := jobs.Stalled(ctx, jobs.Queue(p, "command"), p.Period.Location())
	if err == nil && stalled != "" {
		err = errors.New(stalled)
	}
	add("jobs", err, "none waits for a worker that does not come")
	return out
}

// tryOpen opens a source's settings without reading it.
func tryOpen(p *period.Program, name string) error {
	for _, s := range p.Def.Sources {
		if s.Name != name {
			continue
		}
		d, err := all.Drivers.Find(s.Kind)
		if err != nil {
			return err
		}
		_, _, err = d.Open(s.Name, s.With, p.Env)
		return err
	}
	return os.ErrNotExist
}
