package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/definition"
	"tieout/handbook"
	"tieout/period"
	"tieout/source/all"
)

func (a *app) docsCommand() *cobra.Command {
	var replace, library bool
	cmd := in(&cobra.Command{
		Use: "docs [folder]", Short: "Write the handbook: a page for every criterion, control, procedure and source",
		Long: `Writes what is tested, how, on which population and from which sources as
pages that an auditor can read without this program: HTML and Markdown, from
the same files the program works with, with links between them. Start at
index.html. The folder is called handbook where none is named.

In a company's workspace the pages are of its own controls in scope and of the
procedures that run on what its sources give, with the parameters in force.
Elsewhere, or with --library, they are the library's.`,
		Args: atMost(1, "a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "handbook"
			if len(args) > 0 {
				dir = args[0]
			}
			return a.docs(cmd.Context(), dir, replace, library)
		},
	}, "table", "json")
	cmd.Flags().BoolVar(&replace, "replace", false, "write over a handbook that is there")
	cmd.Flags().BoolVar(&library, "library", false, "the library's handbook, also in a workspace")
	return cmd
}

func (a *app) docs(ctx context.Context, dir string, replace, ofLibrary bool) error {
	wd, err := a.env.Getwd()
	if err != nil {
		return err
	}
	full := dir
	if !filepath.IsAbs(dir) {
		full = filepath.Join(wd, dir)
	}
	if err := vacant(full, dir, replace); err != nil {
		return err
	}
	pages, err := a.handbook(ctx, ofLibrary)
	if err != nil {
		return err
	}
	for _, p := range pages {
		if err := writePage(filepath.Join(full, filepath.FromSlash(p.Name)), p); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(full, handbook.FontsName), []byte(handbook.Fonts()), 0o666); err != nil {
		return fmt.Errorf("write handbook: %w", err)
	}
	return a.tell("tieout.docs/1", fmt.Sprintf("Wrote %s to %s, as HTML and as Markdown. Start at %s.", count(len(pages), "page", "pages"), dir, filepath.Join(dir, "index.html")),
		map[string]any{"folder": dir, "pages": len(pages)})
}

// handbook are the pages of the workspace, where there is a company's, else of the
// library.
func (a *app) handbook(ctx context.Context, ofLibrary bool) (pages []handbook.Page, err error) {
	library, err := definition.Library()
	if err != nil {
		return nil, err
	}
	dir, err := a.workspace()
	switch {
	case ofLibrary, errors.Is(err, audit.ErrNotFound), err == nil && dir == "":
		return handbook.Pages(library, all.Drivers)
	case err != nil:
		return nil, err
	}
	err = a.with(ctx, func(p *period.Program) error {
		if p.Def.IsFirm() {
			pages, err = handbook.Pages(library, all.Drivers)
			return err
		}
		pages, err = handbook.Own(p.Def, *p.Selection(), p.Drivers, p.Now().In(p.Period.Location()).Format(time.DateOnly))
		return err
	})
	return pages, err
}

// vacant makes sure that nothing but an earlier handbook is written over.
func vacant(full, dir string, replace bool) error {
	entries, err := os.ReadDir(full)
	if os.IsNotExist(err) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write handbook: %w", err)
	}
	_, noFonts := os.Stat(filepath.Join(full, handbook.FontsName))
	switch {
	case noFonts != nil:
		return fmt.Errorf("%w: %s is not empty and holds no handbook; name another folder", audit.ErrConflict, dir)
	case !replace:
		return fmt.Errorf("%w: %s holds a handbook already; repeat with --replace to write over it", audit.ErrConflict, dir)
	}
	for _, name := range handbook.Folders {
		if err := os.RemoveAll(filepath.Join(full, name)); err != nil {
			return fmt.Errorf("write handbook: %w", err)
		}
	}
	return nil
}

// writePage writes a page in both formats, each beside the other.
func writePage(name string, p handbook.Page) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return fmt.Errorf("write handbook: %w", err)
	}
	for _, f := range []struct {
		ending string
		write  func(io.Writer, handbook.Page) error
	}{{".html", handbook.WriteHTML}, {".md", handbook.WriteMarkdown}} {
		var b bytes.Buffer
		err := f.write(&b, p)
		if err == nil {
			err = os.WriteFile(name+f.ending, b.Bytes(), 0o666)
		}
		if err != nil {
			return fmt.Errorf("write handbook: %w", err)
		}
	}
	return nil
}
