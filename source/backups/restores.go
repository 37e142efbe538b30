package backups

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/folder"
)

// KindRestores is the kind of page that holds one journal of restores.
const KindRestores = "backups.restores"

// A Restore is one line of a journal: one backup brought back. What is not
// written down is not collected.
type Restore struct {
	At        time.Time `json:"at"`       // when it ended, RFC 3339
	Snapshot  string    `json:"snapshot"` // which backup
	Datastore string    `json:"datastore,omitempty"`
	Result    string    `json:"result"` // success, failure, partial
	Test      *bool     `json:"test,omitempty"`
	Verified  *bool     `json:"verified,omitempty"`
	By        string    `json:"by,omitempty"`
	Minutes   *int      `json:"minutes,omitempty"`
}

// CheckRestores refuses globs that cannot be read.
func CheckRestores(globs []string) error {
	for _, g := range globs {
		if _, err := filepath.Match(g, ""); err != nil || g == "" {
			return fmt.Errorf("restores: %q is not a glob such as restores/*.jsonl", g)
		}
	}
	return nil
}

// Journals seals every journal that globs find below dir and closes the stream
// of restores: complete if every file was read. Without globs there is none.
// The error is the sink's or the context's.
func Journals(ctx context.Context, run *source.Run, dir string, globs []string) error {
	if len(globs) == 0 {
		return nil
	}
	s := run.Events("restore", "", []string{"restores that nobody wrote into the journal", "whether what the journal says is true"}, KindRestores)
	s.Asked("read " + strings.Join(globs, ", "))
	paths := find(dir, globs)
	if len(paths) == 0 {
		s.Fail("no file matches " + strings.Join(globs, ", "))
	}
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path
		if rel, err := filepath.Rel(dir, path); err == nil {
			name = filepath.ToSlash(rel)
		}
		body, err := read(path)
		if err != nil {
			s.Fail(fmt.Sprintf("%s: %v", name, err))
			continue
		}
		p := audit.Page{Kind: KindRestores, Query: "read " + name, Media: "application/jsonl", Body: body, About: run.Covers()}
		if err := run.Seal(ctx, p, s); err != nil {
			return err
		}
	}
	return run.Close(ctx, s)
}

func find(dir string, globs []string) []string {
	var out []string
	for _, g := range globs {
		if !filepath.IsAbs(g) {
			g = filepath.Join(dir, g)
		}
		found, err := filepath.Glob(g)
		if err == nil { // Open refused patterns that are none
			out = append(out, found...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, errors.Unwrap(err)
	case info.Size() > folder.MaxFile:
		return nil, fmt.Errorf("larger than %d bytes; split it", folder.MaxFile)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	return b, nil
}

// Restores turns a page of KindRestores into the items that lie in what it is
// about. A line that cannot be read is named by its number.
func Restores(p audit.Page) ([]audit.Item, error) {
	var r source.Reading
	n := 0
	for line := range bytes.Lines(p.Body) {
		n++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		r.Refuse(fmt.Sprintf("line %d", n), restore(&r, p, line))
	}
	return r.Done()
}

func restore(r *source.Reading, p audit.Page, line []byte) error {
	var j Restore
	if err := source.Strict(line, &j); err != nil {
		return err
	}
	if j.At.IsZero() || j.Snapshot == "" || j.Result == "" {
		return errors.New("it lacks at, snapshot or result")
	}
	if !p.About.Contains(j.At) {
		return nil
	}
	f := source.Fields{"datastore": j.Datastore, "result": j.Result, "by": j.By}
	if j.Test != nil {
		f["test"] = *j.Test
	}
	if j.Verified != nil {
		f["verified"] = *j.Verified
	}
	if j.Minutes != nil {
		if *j.Minutes < 0 {
			return errors.New("minutes: less than none")
		}
		f["minutes"] = *j.Minutes
	}
	it, err := source.NewItem("restore", p.Source+"/restore/"+audit.FormatTime(j.At)+"/"+j.Snapshot, j.At, f)
	if err != nil {
		return err
	}
	r.Items = append(r.Items, it)
	return nil
}
