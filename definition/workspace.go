package definition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/internal/strictyaml"
	"tieout/procedure"
)

// A Workspace is one revision of a workspace's definitions, checked. It is
// read-only and safe for concurrent use.
type Workspace struct {
	Dir          string // "" when it was not read from a folder
	Config       Config // with defaults filled in
	Organization audit.Organization
	Periods      []Period
	Systems      []System
	Controls     []audit.Control // by id, revisions of one control in order of time
	Procedures   []*procedure.Procedure
	Sources      []SourceDef // by name
	Files        []File      // every definition file, by path
	Catalog      *Catalog    // the library it was read with

	ownControls bool              // there is a controls folder
	origins     map[string]string // procedure or control -> the file that puts it here, or "library"
}

// folders hold definition files; everything else in a workspace is left alone.
var folders = []string{"systems", "controls", "procedures", "sources", mappingFolder}

// mappingFolder holds mappings of the workspace's own, beside the library's: a firm
// has them too.
const mappingFolder = "mappings"

// Load reads the workspace in dir. The error is Problems with every fault in
// every file, or an audit.ErrNotFound where there is no workspace.
func Load(dir string) (*Workspace, error) {
	files, err := readFolder(dir)
	if err != nil {
		return nil, err
	}
	w, err := LoadFiles(files)
	if err != nil {
		return nil, err
	}
	w.Dir = dir
	return w, nil
}

func readFolder(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	if err := readInto(files, dir, configFile); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: there is no %s in %s; `tieout init` writes one", audit.ErrNotFound, configFile, dir)
		}
		return nil, err
	}
	for _, folder := range folders {
		entries, err := os.ReadDir(filepath.Join(dir, folder))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read workspace: %w", err)
		}
		for _, e := range entries {
			if err := readEntry(files, dir, folder, e); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

func readEntry(files map[string][]byte, dir, folder string, e fs.DirEntry) error {
	name := path.Join(folder, e.Name())
	if strings.HasPrefix(e.Name(), ".") {
		return nil
	}
	if e.IsDir() {
		return fmt.Errorf("%w: %s is a folder; files of %s are read from %s itself", audit.ErrInvalid, name, folder, folder)
	}
	return readInto(files, dir, name)
}

func readInto(files map[string][]byte, dir, name string) error {
	full := filepath.Join(dir, filepath.FromSlash(name))
	info, err := os.Stat(full)
	if err != nil {
		return fmt.Errorf("read workspace: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > strictyaml.MaxSize {
		return fmt.Errorf("%w: %s is not a file of at most %d bytes", audit.ErrInvalid, name, strictyaml.MaxSize)
	}
	data, err := os.ReadFile(full)
	if err != nil {
		return fmt.Errorf("read workspace: %w", err)
	}
	files[name] = data
	return nil
}

// LoadFiles reads a workspace from the bytes of its files by their path: those
// of a bundle or of an applied revision. The error is Problems. Files outside
// the folders that hold definitions are left alone.
func LoadFiles(files map[string][]byte) (*Workspace, error) {
	catalog, err := Library()
	if err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	var p Problems
	w := &Workspace{Catalog: catalog, origins: map[string]string{}}
	if _, ok := files[configFile]; !ok {
		p = append(p, Problem{configFile, 1, 1, "there is no such file; `tieout init` writes one"})
		return nil, p.err()
	}
	docs := w.open(files, &p)
	w.readConfig(docs.config)
	w.Catalog = catalog.with(docs.folders[mappingFolder])
	switch {
	case w.IsFirm():
		noFolders(docs, &p)
	case docs.config != nil:
		w.readFolders(docs)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return w, nil
}

// workspaceDocs are the files of a workspace, parsed, by folder.
type workspaceDocs struct {
	config   *doc
	folders  map[string][]*doc
	present  map[string]bool // the folder has files
	problems *Problems
}

func (w *Workspace) open(files map[string][]byte, p *Problems) workspaceDocs {
	docs := workspaceDocs{folders: map[string][]*doc{}, present: map[string]bool{}, problems: p}
	for _, name := range sortedKeys(files) {
		folder := path.Dir(name)
		if name != configFile && !slices.Contains(folders, folder) {
			continue
		}
		if name != configFile && path.Ext(name) != ".yaml" {
			*p = append(*p, Problem{name, 1, 1, "files here are called NAME.yaml; rename it or move it elsewhere"})
			continue
		}
		if !utf8.Valid(files[name]) {
			*p = append(*p, Problem{name, 1, 1, "the file is not UTF-8; save it as that"})
			continue
		}
		w.Files = append(w.Files, File{name, digest(files[name]), files[name]})
		docs.present[folder] = true
		d := open(name, files[name], p)
		switch {
		case name == configFile:
			docs.config = d
		case d != nil:
			docs.folders[folder] = append(docs.folders[folder], d)
		}
	}
	return docs
}

func (w *Workspace) readFolders(docs workspaceDocs) {
	w.ownControls = docs.present["controls"]
	w.readControlFiles(docs)
	for _, d := range docs.folders["sources"] {
		w.readSource(d)
	}
	before := len(w.Systems)
	var systems []*doc
	for _, d := range docs.folders["systems"] {
		if w.readSystem(d); len(w.Systems) > before {
			systems, before = append(systems, d), len(w.Systems)
		}
	}
	w.checkSystemControls(systems)
	w.readProcedureFiles(docs)
}

// Period returns the period called name; "" is the newest.
func (w *Workspace) Period(name string) (Period, error) {
	if name == "" {
		return slices.MaxFunc(w.Periods, func(a, b Period) int { return a.From.Compare(b.From) }), nil
	}
	for _, p := range w.Periods {
		if p.Name == name {
			return p, nil
		}
	}
	return Period{}, fmt.Errorf("%w: period %q", audit.ErrNotFound, name)
}

// Criteria returns the criteria of the organization's categories, in the
// standard's order.
func (w *Workspace) Criteria() []audit.Criterion {
	return w.Catalog.Set(w.Config.Criteria).In(w.Organization.Categories)
}

// Origin says which file a control or procedure comes from: a path in the
// workspace, or "library".
func (w *Workspace) Origin(id string) string { return w.origins[id] }

// canonicalWorkspace is a revision as it is sealed. It is enough to load it
// again: the texts of all files are in it.
type canonicalWorkspace struct {
	Format  int               `json:"format"`
	Library string            `json:"library"` // version of the library it was read with
	Files   map[string]string `json:"files"`
}

const canonicalFormat = 1

// Canonical returns the revision as canonical JSON (RFC 8785): the text of
// every definition file and the version of the library. FromCanonical loads it.
func (w *Workspace) Canonical() []byte {
	c := canonicalWorkspace{canonicalFormat, w.Catalog.Version, map[string]string{}}
	for _, f := range w.Files {
		c.Files[f.Path] = string(f.Bytes)
	}
	return mustCanonical(c)
}

// Hash is the content address of the revision: "sha256:" and the hex digest of
// Canonical.
func (w *Workspace) Hash() string { return digest(w.Canonical()) }

// FromCanonical loads a sealed revision with this program's library. sameLibrary
// is false where the revision was read with another version of it: what `use:`
// takes from the library may then differ, and results are not comparable.
func FromCanonical(data []byte) (w *Workspace, sameLibrary bool, err error) {
	c, err := parseCanonical(data)
	if err != nil {
		return nil, false, err
	}
	files := make(map[string][]byte, len(c.Files))
	for name, text := range c.Files {
		files[name] = []byte(text)
	}
	if w, err = LoadFiles(files); err != nil {
		return nil, false, err
	}
	if len(w.Files) != len(c.Files) {
		return nil, false, fmt.Errorf("%w: revision holds files that are no definitions", audit.ErrInvalid)
	}
	return w, c.Library == w.Catalog.Version, nil
}

// parseCanonical reads what Canonical wrote and nothing else.
func parseCanonical(data []byte) (c canonicalWorkspace, err error) {
	if err := canonical.Check(data); err != nil {
		return c, fmt.Errorf("%w: revision: %w", audit.ErrInvalid, err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("%w: revision is not the JSON it should be: %w", audit.ErrInvalid, err)
	}
	if c.Format != canonicalFormat {
		return c, fmt.Errorf("%w: revision has format %d; this program reads %d", audit.ErrInvalid, c.Format, canonicalFormat)
	}
	return c, nil
}
