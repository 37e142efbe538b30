package definition

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/procedure"
)

// addProcedures puts the library's procedures in order, each in the file of its
// name and for controls that are there.
func (c *Catalog) addProcedures(files map[string][]byte, opened []*openedFile, p *Problems) {
	for _, o := range opened {
		if o.proc != nil {
			c.addProcedure(o.name, files[o.name], o.proc, p)
		}
	}
	slices.SortFunc(c.Procedures, func(a, b *procedure.Procedure) int { return strings.Compare(a.ID, b.ID) })
	for i, proc := range c.Procedures {
		c.procedures[proc.ID] = i
	}
}

func (c *Catalog) addProcedure(name string, data []byte, proc *procedure.Procedure, p *Problems) {
	if name != "procedures/"+proc.ID+".yaml" {
		p.addError(name, fmt.Errorf("%s:1:1: procedure %s has to be in procedures/%s.yaml", name, proc.ID, proc.ID))
	}
	for i, id := range proc.Controls {
		if _, err := c.Control(id); err == nil {
			continue
		}
		if d := open(name, data, p); d != nil {
			d.bad(steps("controls", i), "there is no library control %q", id)
		}
	}
	c.Procedures = append(c.Procedures, proc)
}

// Procedure returns the library procedure called id.
func (c *Catalog) Procedure(id string) (*procedure.Procedure, error) {
	i, ok := c.procedures[id]
	if !ok {
		return nil, fmt.Errorf("%w: library procedure %q", audit.ErrNotFound, id)
	}
	return c.Procedures[i], nil
}

// A procedureUse takes a procedure of the library, with other parameters, for
// other controls or other days.
type procedureUse struct {
	Use        string
	Without    map[string]string // with use: starter: library procedure -> why it is left out
	Parameters map[string]yaml.Node
	Controls   []string
	Effective  audit.Effective
}

// A placedProcedure remembers where it is written.
type placedProcedure struct {
	*procedure.Procedure
	doc *doc // nil: from the library's starter set
}

func (w *Workspace) readProcedureFiles(docs workspaceDocs) {
	var placed []placedProcedure
	takeStarter, without := !docs.present["procedures"], map[string]string{}
	for _, d := range docs.folders["procedures"] {
		if !d.has("use") {
			placed = append(placed, w.ownProcedure(d)...)
			continue
		}
		var u procedureUse
		if !d.decode(&u) {
			continue
		}
		if u.Use == starter {
			takeStarter = true
			w.leaveOut(d, u, without)
			continue
		}
		placed = append(placed, w.usedProcedure(d, u)...)
	}
	if takeStarter {
		placed = w.addStarterProcedures(placed, without)
	}
	w.placeProcedures(placed)
}

// ownProcedure reads a procedure written in the workspace.
func (w *Workspace) ownProcedure(d *doc) []placedProcedure {
	var head struct {
		Controls []string
		Rest     map[string]any `yaml:",inline"`
	}
	if err := d.root.Load(&head); err == nil {
		w.checkControls(d, head.Controls)
	}
	proc, err := procedure.Parse(d.name, w.file(d.name))
	if err != nil {
		d.problems.addError(d.name, err)
		return nil
	}
	return []placedProcedure{{proc, d}}
}

func (w *Workspace) file(name string) []byte {
	i := slices.IndexFunc(w.Files, func(f File) bool { return f.Path == name })
	return w.Files[i].Bytes
}

func (w *Workspace) checkControls(d *doc, ids []string) {
	for i, id := range ids {
		if !w.hasControl(id) {
			d.bad(steps("controls", i), "there is no control %q in this workspace", id)
		}
	}
}

func (w *Workspace) hasControl(id string) bool {
	return slices.ContainsFunc(w.Controls, func(c audit.Control) bool { return c.ID == id })
}

func (w *Workspace) leaveOut(d *doc, u procedureUse, without map[string]string) {
	if u.Parameters != nil || u.Controls != nil || u.Effective != (audit.Effective{}) {
		d.bad(nil, "use: %s takes no parameters, controls or effective; write a file for the one procedure", starter)
	}
	for _, id := range sortedKeys(u.Without) {
		if _, err := w.Catalog.Procedure(id); err != nil {
			d.bad(steps("without", id), "there is no library procedure %q", id)
		}
		if strings.TrimSpace(u.Without[id]) == "" {
			d.bad(steps("without", id), "say why %s is left out", id)
		}
		without[id] = u.Without[id]
	}
}

// usedProcedure takes one procedure of the library.
func (w *Workspace) usedProcedure(d *doc, u procedureUse) []placedProcedure {
	base, err := w.Catalog.Procedure(u.Use)
	if err != nil {
		d.bad(steps("use"), "there is no library procedure %q", u.Use)
		return nil
	}
	if u.Without != nil {
		d.bad(steps("without"), "without: belongs to use: %s", starter)
	}
	proc, ok := w.withParameters(d, base, u.Parameters)
	if !ok {
		return nil
	}
	own := *proc
	if u.Controls != nil {
		own.Controls = u.Controls
		w.checkControls(d, u.Controls)
	} else if own.Controls = w.known(base.Controls); len(own.Controls) == 0 {
		d.bad(steps("use"), "none of the controls it tests (%s) is in this workspace; name some with controls:", strings.Join(base.Controls, ", "))
	}
	if u.Effective != (audit.Effective{}) {
		checkEffective(d, steps("effective"), u.Effective)
		own.Effective = u.Effective
	}
	return []placedProcedure{{&own, d}}
}

func (w *Workspace) withParameters(d *doc, base *procedure.Procedure, params map[string]yaml.Node) (*procedure.Procedure, bool) {
	values, ok := map[string]any{}, true
	for _, name := range sortedKeys(params) {
		values[name] = d.tree(d.at("parameters", name))
		if _, err := base.WithParameters(map[string]any{name: values[name]}); err != nil {
			d.bad(steps("parameters", name), "%s", strings.TrimPrefix(err.Error(), audit.ErrInvalid.Error()+": "))
			ok = false
		}
	}
	if !ok || len(values) == 0 {
		return base, ok
	}
	proc, err := base.WithParameters(values)
	if err != nil {
		d.problems.addError(d.name, err)
	}
	return proc, err == nil
}

// known leaves the controls that are in the workspace.
func (w *Workspace) known(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !w.hasControl(id) })
}

// addStarterProcedures adds the library's procedures for controls of the
// workspace that no file writes itself or leaves out.
func (w *Workspace) addStarterProcedures(placed []placedProcedure, without map[string]string) []placedProcedure {
	written := map[string]bool{}
	for _, p := range placed {
		written[p.ID] = true
	}
	for _, base := range w.Catalog.Procedures {
		own := *base
		own.Controls = w.known(base.Controls)
		if _, out := without[own.ID]; !out && !written[own.ID] && len(own.Controls) > 0 {
			placed = append(placed, placedProcedure{Procedure: &own})
		}
	}
	return placed
}

// placeProcedures sorts the procedures and holds the revisions of each to one
// another.
func (w *Workspace) placeProcedures(placed []placedProcedure) {
	slices.SortStableFunc(placed, func(a, b placedProcedure) int {
		if c := strings.Compare(a.ID, b.ID); c != 0 {
			return c
		}
		return strings.Compare(a.Effective.From, b.Effective.From)
	})
	for i, p := range placed {
		if i > 0 && placed[i-1].ID == p.ID {
			checkRevisions(p.doc, nil, "procedure "+p.ID, placed[i-1].Effective, p.Effective)
		}
		w.Procedures = append(w.Procedures, w.whileControlled(p.Procedure))
		w.origins[p.ID] = libraryOrigin
		if p.doc != nil {
			w.origins[p.ID] = p.doc.name
		}
	}
}

// whileControlled returns p for the days on which a control it tests is in
// force, where p does not name its own days: a retired control is tested until
// its last day and a new one from its first.
func (w *Workspace) whileControlled(p *procedure.Procedure) *procedure.Procedure {
	if p.Effective != (audit.Effective{}) {
		return p
	}
	var all []audit.Effective
	for _, c := range w.Controls {
		if slices.Contains(p.Controls, c.ID) {
			all = append(all, c.Effective)
		}
	}
	if len(all) == 0 {
		return p
	}
	own := *p
	own.Effective = all[0]
	for _, e := range all[1:] {
		own.Effective.From = min(own.Effective.From, e.From) // "" is open and smallest
		if own.Effective.To == "" || e.To == "" {
			own.Effective.To = ""
		} else {
			own.Effective.To = max(own.Effective.To, e.To)
		}
	}
	return &own
}
