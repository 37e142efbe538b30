package weakness

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/folder"
)

// A Weakness is one line of a report. What a tool does not say is "" or nil.
type Weakness struct {
	Advisory string // CVE or other id, or the rule's
	Package  string // "": it is not said, or of a secret or configuration that it is in none
	Place    string // where in what was scanned, without what changes from scan to scan
	Kind     string
	Severity string
	Status   string
	Scanner  string
	Fix      *bool
}

// A List are the weaknesses of one report. Several lines of one advisory,
// package and place, such as two versions of a package in one lock file, are
// one item: it stays open until the last of them is gone.
type List struct {
	Called     bool // the connection wants what is called only
	connection string
	scope      string
	order      []string
	by         map[string]*Weakness
}

// Read opens a page of the given kind: its unpacked bytes and an empty list. A
// page that gives no items has a nil list. Errors wrap audit.ErrInvalid.
func Read(conf json.RawMessage, kind string, p audit.Page) (*List, []byte, error) {
	var c config
	body, err := folder.Open(conf, &c, kind, p)
	if body == nil {
		return nil, nil, err
	}
	return &List{Called: c.Called, connection: c.Name, scope: p.Scope, by: map[string]*Weakness{}}, body, nil
}

// Add adds one line of the report.
func (l *List) Add(w Weakness) {
	id := l.id(w)
	have := l.by[id]
	if have == nil {
		l.by[id], l.order = &w, append(l.order, id)
		return
	}
	have.Status = worse(statuses, have.Status, w.Status)
	have.Severity = worse(severities, have.Severity, w.Severity)
	have.Fix = anyFix(have.Fix, w.Fix)
}

// anyFix: yes if one line says so, no only if all of them do.
func anyFix(a, b *bool) *bool {
	switch {
	case a != nil && *a:
		return a
	case b != nil && (*b || a != nil):
		return b
	}
	return nil
}

var part = strings.NewReplacer("%", "%25", "|", "%7C")

func (l *List) id(w Weakness) string {
	parts := []string{l.scope, w.Place, w.Package, w.Advisory}
	for i, p := range parts {
		parts[i] = part.Replace(p)
	}
	return source.PlainID(l.connection + "/" + strings.Join(parts, "|"))
}

var (
	statuses   = []string{"open", "", "accepted", "false positive", "fixed"}
	severities = []string{"critical", "high", "medium", "low", "none", ""}
)

// worse is the one that comes first in order.
func worse(order []string, a, b string) string {
	if slices.Index(order, b) < slices.Index(order, a) {
		return b
	}
	return a
}

// Items are the list's, in the order of the report.
func (l *List) Items(r *source.Reading) {
	for _, id := range l.order {
		w := l.by[id]
		if w.Advisory == "" {
			r.Refuse("vulnerability "+id, fmt.Errorf("it names no advisory or rule"))
			continue
		}
		f := source.Fields{"advisory": w.Advisory, "asset": l.scope, "kind": w.Kind,
			"severity": w.Severity, "status": w.Status, "scanner": w.Scanner}
		if w.Package != "" || w.Kind == "configuration" || w.Kind == "secret" {
			f["package"] = w.Package
		}
		if w.Fix != nil {
			f["fixAvailable"] = *w.Fix
		}
		r.Add("vulnerability", id, time.Time{}, f)
	}
}

// Yes and No are what a tool says about a fix.
func Yes() *bool { return answer(true) }

// No is the opposite of Yes.
func No() *bool { return answer(false) }

func answer(b bool) *bool { return &b }

// WithoutVersion takes a package's version out of a path, so that the place
// stays the same when the package is updated.
func WithoutVersion(path, version string) string {
	if len(version) < 2 {
		return path
	}
	return strings.ReplaceAll(path, version, "*")
}

// WithoutTag takes tag and digest off an image's name.
func WithoutTag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	slash := strings.LastIndex(image, "/")
	if i := strings.LastIndex(image, ":"); i > slash {
		return image[:i]
	}
	return image
}
