package definition

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tieout/policy"
)

// policyFolder is where a workspace, or a folder of registers, keeps its policies.
const policyFolder = "policies"

// A PolicyFile is one policy as the workspace keeps it, or why it cannot be read.
type PolicyFile struct {
	Path   string // from the workspace, with slashes
	Policy policy.Policy
	Err    error // an audit.ErrInvalid as file:line:column: text, and then there is no Policy
}

// PolicyFiles reads the policies that the workspace in dir keeps as files: in
// its own policies folder and in those of its registers, by path. They are what
// people read and no part of the revision: a fault in one stops nothing else.
// README.md, names that begin with a dot and other endings are left alone,
// links are faults. A control that neither the workspace nor the library holds
// is a fault.
func (w *Workspace) PolicyFiles(dir string) ([]PolicyFile, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	defer func() { _ = root.Close() }() // only read
	var out []PolicyFile
	for _, folder := range w.policyFolders() {
		entries, err := fs.ReadDir(root.FS(), folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read policies: %w", err)
		}
		for _, e := range entries {
			if path.Ext(e.Name()) == ".md" && e.Name() != "README.md" && !strings.HasPrefix(e.Name(), ".") {
				out = append(out, w.policyFile(root.FS(), path.Join(folder, e.Name()), e))
			}
		}
	}
	return out, nil
}

// policyFolders are where policies lie, from the workspace, sorted.
func (w *Workspace) policyFolders() []string {
	out := []string{policyFolder}
	for _, s := range w.Sources {
		var with struct {
			Folder string `json:"folder"`
		}
		if s.Kind == "registers" && json.Unmarshal(s.With, &with) == nil && filepath.IsLocal(filepath.FromSlash(cmp.Or(with.Folder, "."))) {
			out = append(out, path.Join(with.Folder, policyFolder))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (w *Workspace) policyFile(root fs.FS, name string, e fs.DirEntry) PolicyFile {
	f := PolicyFile{Path: name}
	info, err := e.Info()
	if err != nil {
		f.Err = Problems{{name, 1, 1, err.Error()}}
		return f
	}
	if !info.Mode().IsRegular() || info.Size() > policy.MaxSize {
		f.Err = Problems{{name, 1, 1, fmt.Sprintf("it is not a file of at most %d bytes", policy.MaxSize)}}
		return f
	}
	data, err := fs.ReadFile(root, name)
	if err != nil {
		f.Err = Problems{{name, 1, 1, err.Error()}}
		return f
	}
	f.Policy, f.Err = policy.ParseKnown(name, data, w.knowsControl)
	return f
}

// knowsControl reports whether the workspace or the library holds a control.
func (w *Workspace) knowsControl(id string) bool {
	_, err := w.Catalog.Control(id)
	return err == nil || w.hasControl(id)
}

// NewPolicy writes a starter policy of the library into the policies folder of
// the workspace in dir, with its placeholders filled from the workspace and contact, as a
// draft that nobody approved. It returns the file's path from the workspace,
// and the placeholders that stayed. It never writes over a file: then it is an
// audit.ErrConflict. The file reads as a policy and as a register's document.
func (w *Workspace) NewPolicy(dir, id, contact string) (name string, open []string, err error) {
	text, err := policy.Starter(id, policy.Filling{Organization: w.Organization.Name, System: w.Organization.System, Contact: contact})
	if err != nil {
		return "", nil, err
	}
	name = path.Join(policyFolder, id+".md")
	p, err := policy.ParseKnown(name, []byte(text), w.knowsControl)
	if err != nil {
		return "", nil, fmt.Errorf("fill %s: %w", name, err)
	}
	return name, p.Open(), writeNew(filepath.Join(dir, filepath.FromSlash(name)), text)
}
