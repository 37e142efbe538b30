package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/engagement/fieldwork"
	"tieout/period"
)

func (a *app) archiveCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "archive", Short: "The file after the report: assemble, lock, add, export, verify",
		Long: "After the report's release the file is put together and, within 60 days, locked: nothing of it changes any more, and what is added later stands beside it with " +
			"who, when and why. 'export' writes it as one file that 'verify' checks anywhere, without a workspace."}
	cmd.AddCommand(a.assembleCommand(), a.lockCommand(), a.addToArchiveCommand(), a.exportArchiveCommand(), a.verifyArchiveCommand())
	return cmd
}

func (a *app) assembleCommand() *cobra.Command {
	return a.firmAct("assemble", "Put the file of an issued report together: an index of everything, each with its digest", exactly(0, "no argument"), func(ctx context.Context, d *firmDesk) error {
		x, err := d.Files.Assemble(ctx, d.by, d.id)
		if err != nil {
			return err
		}
		due := ""
		err = d.file(ctx, func(_ *fieldwork.State, f *fieldwork.File) error { due = dayOf(f.Terms, f.LockDue()); return nil })
		if err != nil {
			return err
		}
		return a.did(&d.place, map[string]any{"digest": x.Digest(), "documents": len(x), "lockDue": due}, "The file of %s is assembled: %s, index %.16s. It is to be locked by %s.", d.id, count(len(x), "document", "documents"), x.Digest(), due)
	})
}

func (a *app) lockCommand() *cobra.Command {
	return a.firmAct("lock", "Lock an assembled file: nothing of it changes any more", exactly(0, "no argument"), func(ctx context.Context, d *firmDesk) error {
		if err := d.Files.Lock(ctx, d.by, d.id); err != nil {
			return err
		}
		return a.did(&d.place, nil, "The file of %s is locked. What is added later stands beside it, with the reason.", d.id)
	})
}

func (a *app) addToArchiveCommand() *cobra.Command {
	var why, name string
	cmd := a.firmAct("add FILE", "Add a document to a locked file, with the reason", exactly(1, "a file"), func(ctx context.Context, d *firmDesk) error {
		name, size := cmp.Or(name, filepath.Base(d.args[0])), int64(0)
		sum, err := a.keepFile(ctx, &d.place, "the file", d.args[0], func(sum string, n int64) error {
			size = n
			return d.Files.MayAddToArchive(ctx, d.by, d.id, name, sum, n, why)
		})
		if err == nil {
			err = d.Files.AddToArchive(ctx, d.by, d.id, name, sum, size, why)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, "sha256:"+sum, "%s stands beside the locked file of %s.", name, d.id)
	})
	cmd.Flags().StringVar(&why, "why", "", "why it is added now (needed)")
	cmd.Flags().StringVar(&name, "name", "", "its name in the file (default: the file's)")
	return needed(cmd, "why")
}

func (a *app) exportArchiveCommand() *cobra.Command {
	cmd := a.firmAct("export FILE", "Write a locked file as one file that can be checked anywhere", exactly(1, "the file to write"), func(ctx context.Context, d *firmDesk) error {
		digest, err := writeFile(d.args[0], func(w io.Writer) error { return d.Files.WriteArchive(ctx, d.by, d.id, w) })
		if err != nil {
			return fmt.Errorf("write %s: %w", d.args[0], err)
		}
		return a.did(&d.place, digest, "%s holds the file of %s, %s.", d.args[0], d.id, digest)
	})
	return cmd
}

func (a *app) verifyArchiveCommand() *cobra.Command {
	return in(&cobra.Command{Use: "verify FILE", Short: "Check an archived file: every document against the index, offline",
		Long: "Checks an archived file of an engagement on any machine: the index against its digest, every document against the index, nothing between or behind them. " +
			"In the firm's own workspace it also compares the digest with what the log of the firm sealed. Exit 5 where something was altered.",
		Args: exactly(1, "an archived file"), RunE: func(cmd *cobra.Command, args []string) error { return a.verifyArchive(cmd.Context(), args[0]) }}, "table", "json")
}

func (a *app) verifyArchive(ctx context.Context, path string) error {
	f, _, err := openFile(path)
	if err != nil {
		return err
	}
	head, err := fieldwork.VerifyArchive(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	words, err := a.sealedArchive(ctx, head)
	if err != nil {
		return err
	}
	say := fmt.Sprintf("The file of %s, %s by %s: %s unaltered since it was locked on %s, %s added after. %s", head.Engagement, head.Client, head.Firm,
		count(len(head.Members), "document", "documents"), head.Locked.UTC().Format("2006-01-02 15:04 UTC"), howMany(len(head.Added), "document", "documents"), words)
	return a.tell("tieout.archive.verify/1", say, head)
}

// sealedArchive compares an archive with what the firm's log says, where this is
// the firm's own workspace.
func (a *app) sealedArchive(ctx context.Context, head fieldwork.ArchiveHead) (string, error) {
	const offline = "Checked offline, from the file alone; that the firm's log says so too is shown in the firm's workspace."
	if _, err := a.workspace(); errors.Is(err, audit.ErrNotFound) {
		return offline, nil
	}
	words := offline
	err := a.with(ctx, func(p *period.Program) error {
		if !p.Def.IsFirm() {
			return nil
		}
		return p.Files().Read(ctx, func(s *fieldwork.State) error {
			x := s.Files[head.Engagement]
			if x == nil || x.Archive == nil || p.Def.Organization.Name != head.Firm {
				return nil
			}
			if x.Archive.Digest != head.Digest || x.Archive.Record != head.Record {
				return fmt.Errorf("%w: the log of this workspace sealed another file of %s: index %.16s, entry %s", audit.ErrAltered, head.Engagement, x.Archive.Digest, audit.EvidenceRef(x.Archive.Record))
			}
			words = fmt.Sprintf("The log of this workspace says the same, in %s.", audit.EvidenceRef(x.Archive.Record))
			return nil
		})
	})
	return words, err
}
