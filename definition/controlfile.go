package definition

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/internal/strictyaml"
)

// libraryOrigin is the origin of what no file of the workspace names.
const libraryOrigin = "library"

// starter is the set that `use: starter` takes: the library's controls of the
// organization's categories, or all its procedures for controls in scope.
const starter = "starter"

type controlFile struct {
	Use      string            // "starter"
	Without  map[string]string // library control -> why it is left out
	Controls []yaml.Node
}

// A controlEntry is a control of the workspace: its own, or one of the library
// with changes.
type controlEntry struct {
	Use           string
	audit.Control `yaml:",inline"`
}

// A placed control remembers where it is written.
type placedControl struct {
	audit.Control
	doc *doc // nil: from the library's starter set
	at  []any
}

func (w *Workspace) readControlFiles(docs workspaceDocs) {
	var placed []placedControl
	takeStarter, without := !w.ownControls, map[string]string{}
	for _, d := range docs.folders["controls"] {
		var f controlFile
		if !d.decode(&f) {
			continue
		}
		if f.Use != "" && f.Use != starter {
			d.bad(steps("use"), "use: at the top of a file takes the set %q; one control is taken under controls:", starter)
		}
		takeStarter = takeStarter || f.Use == starter
		w.readWithout(d, f, without)
		for i, n := range f.Controls {
			if c, ok := w.readControl(d, steps("controls", i), &n); ok {
				placed = append(placed, placedControl{c, d, steps("controls", i)})
			}
		}
	}
	if takeStarter {
		placed = w.addStarter(placed, without)
	}
	w.placeControls(placed)
}

func (w *Workspace) readWithout(d *doc, f controlFile, without map[string]string) {
	for _, id := range sortedKeys(f.Without) {
		if f.Use != starter {
			d.bad(steps("without", id), "without: leaves controls out of use: %s, which this file does not have", starter)
		}
		if _, err := w.Catalog.Control(id); err != nil {
			d.bad(steps("without", id), "there is no library control %q", id)
		}
		if strings.TrimSpace(f.Without[id]) == "" {
			d.bad(steps("without", id), "say why %s is left out", id)
		}
		without[id] = f.Without[id]
	}
}

// readControl reads one entry under controls:.
func (w *Workspace) readControl(d *doc, at []any, n *yaml.Node) (audit.Control, bool) {
	var e controlEntry
	use := ""
	if u := child(n, "use"); u != nil {
		use = u.Value
	}
	if use != "" {
		base, err := w.Catalog.Control(use)
		if err != nil {
			d.bad(append(slices.Clone(at), "use"), "there is no library control %q", use)
			return e.Control, false
		}
		e.Control = cloneControl(base)
	}
	if err := strictyaml.DecodeNode(d.name, n, &e); err != nil {
		d.problems.addError(d.name, err)
		return e.Control, false
	}
	if use != "" && e.ID != use {
		d.bad(append(slices.Clone(at), "id"), "a control taken with use: keeps its id %s; write it out in full to call it otherwise", use)
		return e.Control, false
	}
	before := len(*d.problems)
	w.Catalog.checkControl(d, at, &e.Control, w.Config.Criteria)
	checkEffective(d, append(slices.Clone(at), "effective"), e.Effective)
	if len(*d.problems) > before {
		return e.Control, false
	}
	if w.toScope(&e.Control) {
		return e.Control, true
	}
	d.bad(append(slices.Clone(at), "criteria"), "none of its criteria is of the organization's categories")
	return e.Control, false
}

func cloneControl(c audit.Control) audit.Control {
	c.Type, c.Criteria, c.Data = slices.Clone(c.Type), slices.Clone(c.Criteria), slices.Clone(c.Data)
	c.Categories = slices.Clone(c.Categories)
	return c
}

// toScope leaves the criteria of the organization's categories, and says
// whether any is left.
func (w *Workspace) toScope(c *audit.Control) bool {
	set := w.Catalog.Set(w.Config.Criteria)
	if set == nil {
		return true // said where the set is named
	}
	chosen := func(cat audit.Category) bool { return slices.Contains(w.Organization.Categories, cat) }
	var of []audit.Category
	c.Criteria = slices.DeleteFunc(c.Criteria, func(id string) bool {
		crit := set.Criterion(id)
		if crit == nil || !chosen(crit.Category) {
			return true
		}
		if !slices.Contains(of, crit.Category) {
			of = append(of, crit.Category)
		}
		return false
	})
	c.Categories = slices.DeleteFunc(c.Categories, func(cat audit.Category) bool { return !chosen(cat) })
	if len(c.Categories) == 0 {
		c.Categories = of
	}
	return len(c.Criteria) > 0
}

// MeantFor reports whether a library control is for one of the organization's
// categories. A privacy control may touch common criteria as well; it is a
// starting point only where privacy is chosen.
func (w *Workspace) MeantFor(c audit.Control) bool {
	return slices.ContainsFunc(c.Categories, func(cat audit.Category) bool {
		return slices.Contains(w.Organization.Categories, cat)
	})
}

func checkEffective(d *doc, at []any, e audit.Effective) {
	for _, day := range []string{e.From, e.To} {
		if day != "" && !isDate(day) {
			d.bad(at, "effective: %q is not a date such as 2026-07-01", day)
			return
		}
	}
	if e.From != "" && e.To != "" && e.To < e.From {
		d.bad(at, "effective: ends on %s, before it starts on %s", e.To, e.From)
	}
}

// addStarter adds the library's controls of the organization's categories that
// no file writes itself or leaves out.
func (w *Workspace) addStarter(placed []placedControl, without map[string]string) []placedControl {
	written := map[string]bool{}
	for _, c := range placed {
		written[c.ID] = true
	}
	for _, base := range w.Catalog.Controls {
		c := cloneControl(base)
		if _, out := without[c.ID]; !out && !written[c.ID] && w.MeantFor(c) && w.toScope(&c) {
			placed = append(placed, placedControl{Control: c})
		}
	}
	return placed
}

// placeControls sorts the controls and holds the revisions of each to one
// another.
func (w *Workspace) placeControls(placed []placedControl) {
	slices.SortStableFunc(placed, func(a, b placedControl) int {
		if c := strings.Compare(a.ID, b.ID); c != 0 {
			return c
		}
		return strings.Compare(a.Effective.From, b.Effective.From)
	})
	for i, c := range placed {
		if i > 0 && placed[i-1].ID == c.ID {
			checkRevisions(c.doc, c.at, "control "+c.ID, placed[i-1].Effective, c.Effective)
		}
		w.Controls = append(w.Controls, c.Control)
		w.origins[c.ID] = libraryOrigin
		if c.doc != nil {
			w.origins[c.ID] = c.doc.name
		}
	}
}

// checkRevisions holds two revisions that follow one another to it that each
// day has one of them: no day without, no day with both.
func checkRevisions(d *doc, at []any, what string, a, b audit.Effective) {
	if a == b || a.To == "" || b.From == "" {
		d.bad(at, "%s is defined twice; give its revisions effective dates: the earlier one to:, the later one from:", what)
		return
	}
	next := dayAfter(a.To)
	switch {
	case b.From < next:
		d.bad(at, "%s: two revisions are in force from %s to %s", what, b.From, a.To)
	case b.From > next:
		d.bad(at, "%s: no revision is in force from %s to %s; a period has no gap day", what, next, dayBefore(b.From))
	}
}

func dayAfter(day string) string  { return addDays(day, 1) }
func dayBefore(day string) string { return addDays(day, -1) }

func addDays(day string, n int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, n).Format(time.DateOnly)
}
