package definition

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/policy"
)

// policyFolder is where a workspace keeps its policies.
const policyFolder = "policies"

// Policies reads policies/*.md of the workspace's folder, by id. They are what
// people read and no part of the revision: a fault in one stops nothing else.
// README.md, names that begin with a dot and other endings are left alone. The
// error is Problems with every fault in every file, and then those without one
// are returned; without the folder there are none. A control that neither the
// workspace nor the library holds is a fault. A workspace that was not read
// from a folder has none to read: an audit.ErrNotFound.
func (w *Workspace) Policies() ([]policy.Policy, error) {
	if w.Dir == "" {
		return nil, fmt.Errorf("%w: policies of a workspace that was read from its revision; read it from its folder", audit.ErrNotFound)
	}
	entries, err := os.ReadDir(filepath.Join(w.Dir, policyFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	var out []policy.Policy
	var faults Problems
	for _, e := range entries {
		if path.Ext(e.Name()) != ".md" || e.Name() == "README.md" || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		p, err := w.readPolicy(path.Join(policyFolder, e.Name()))
		if err != nil {
			faults.addError(path.Join(policyFolder, e.Name()), err)
			continue
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b policy.Policy) int { return strings.Compare(a.ID, b.ID) })
	return out, faults.err()
}

func (w *Workspace) readPolicy(name string) (policy.Policy, error) {
	full := filepath.Join(w.Dir, filepath.FromSlash(name))
	info, err := os.Lstat(full)
	if err != nil {
		return policy.Policy{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > policy.MaxSize {
		return policy.Policy{}, fmt.Errorf("it is not a file of at most %d bytes", policy.MaxSize)
	}
	data, err := os.ReadFile(full)
	if err != nil {
		return policy.Policy{}, err
	}
	return policy.ParseKnown(name, data, w.knowsControl)
}

// knowsControl reports whether the workspace or the library holds a control.
func (w *Workspace) knowsControl(id string) bool {
	_, err := w.Catalog.Control(id)
	return err == nil || w.hasControl(id)
}

// NewPolicy writes a starter policy of the library into the workspace's
// policies, with its placeholders filled from the workspace and contact, as a
// draft that nobody approved. It returns the file's path from the workspace,
// and the placeholders that stayed. It never writes over a file: then it is an
// audit.ErrConflict. The file reads as a policy and as a register's document.
func (w *Workspace) NewPolicy(id, contact string) (name string, open []string, err error) {
	text, err := policy.Starter(id, policy.Filling{Organization: w.Organization.Name, System: w.Organization.System, Contact: contact})
	if err != nil {
		return "", nil, err
	}
	name = path.Join(policyFolder, id+".md")
	p, err := policy.ParseKnown(name, []byte(text), w.knowsControl)
	if err != nil {
		return "", nil, fmt.Errorf("fill %s: %w", name, err)
	}
	return name, p.Open(), writeNew(filepath.Join(w.Dir, filepath.FromSlash(name)), text)
}
