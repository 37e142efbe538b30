package definition

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/library"
	"tieout/procedure"
)

// A CriteriaSet is one version of the criteria a report is made against.
type CriteriaSet struct {
	ID        string            // "tsc-2017-2022"
	Title     string            //
	Standard  string            // the document they are from
	Effective string            // which periods it is for
	Scopes    map[string]string // what the scope codes of points of focus mean
	Criteria  []audit.Criterion // in the standard's order
}

// A Catalog is the content of the library, checked. It is read-only and safe
// for concurrent use.
type Catalog struct {
	Version    string                 // content address of all library files
	Sets       []CriteriaSet          // sorted by id
	Others     []OtherSet             // that can be examined beside those, sorted by id
	Frameworks []Framework            // that a mapping relates, in the order of the files
	Mappings   []audit.Mapping        // in the order of the files, then of the criteria
	Controls   []audit.Control        // sorted by id
	Procedures []*procedure.Procedure // sorted by id

	controls   map[string]int
	procedures map[string]int
}

// DefaultSet is the criteria set of a workspace that names none.
const DefaultSet = "tsc-2017-2022"

var loadLibrary = sync.OnceValues(func() (*Catalog, error) {
	files, err := readFS(library.Files)
	if err != nil {
		return nil, err
	}
	return loadCatalog(files)
})

// Library returns the embedded library. Every cross reference in it has been
// checked: points and mappings name criteria, controls name criteria,
// procedures name controls.
func Library() (*Catalog, error) { return loadLibrary() }

// readFS returns every file of fsys by its path.
func readFS(fsys fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(fsys, name)
		return err
	})
	return files, err
}

func loadCatalog(files map[string][]byte) (*Catalog, error) {
	var p Problems
	c := &Catalog{Version: version(files), procedures: map[string]int{}}
	opened := openLibrary(files)
	for _, o := range opened {
		if o.doc != nil {
			o.doc.problems = &p
		}
		p = append(p, o.problems...)
	}
	for _, read := range []struct {
		folder string
		each   func(*doc)
	}{{"criteria", c.readCriteria}, {"mappings", c.readMappings}, {"controls", c.readControls}} {
		for _, o := range opened {
			if path.Dir(o.name) == read.folder {
				read.each(o.doc)
			}
		}
	}
	c.checkOthers(opened)
	c.indexControls()
	c.addProcedures(files, opened, &p)
	return c, p.err()
}

// An openedFile is one file of the library, read: a procedure, or a document.
type openedFile struct {
	name     string
	doc      *doc
	problems Problems
	proc     *procedure.Procedure
}

// openLibrary reads every file on all cores, in the order of their names.
func openLibrary(files map[string][]byte) []*openedFile {
	var out []*openedFile
	var wait sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, name := range sortedKeys(files) {
		o := &openedFile{name: name}
		out = append(out, o)
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			o.read(files[name])
		})
	}
	wait.Wait()
	return out
}

// read reads one file. Examples of procedures are run by TestLibraryExamples,
// not at every start of the program.
func (o *openedFile) read(data []byte) {
	if path.Dir(o.name) != "procedures" {
		o.doc = open(o.name, data, &o.problems)
		return
	}
	proc, err := procedure.ParseTrusted(o.name, data)
	if err != nil {
		o.problems.addError(o.name, err)
		return
	}
	o.proc = proc
}

// version is the content address of a set of files: SHA-256 over the canonical
// JSON of their paths and digests.
func version(files map[string][]byte) string {
	digests := make(map[string]string, len(files))
	for name, b := range files {
		digests[name] = digest(b)
	}
	return digest(mustCanonical(digests))
}

// mustCanonical writes values that always have a canonical form: UTF-8 text,
// integers, and maps and slices of them.
func mustCanonical(v any) []byte {
	b, err := canonical.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func digest(b []byte) string {
	h := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(h[:])
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

type criteriaFile struct {
	Set       string
	Title     string
	Standard  string
	Effective string
	Scopes    map[string]string
	Criteria  []criterionEntry
}

type criterionEntry struct {
	ID        string
	Category  audit.Category
	Group     string
	GroupName string `yaml:"groupName"`
	Summary   string
	COSO      string `yaml:"coso"`
	Applies   string
	Note      string
	Points    []audit.PointOfFocus
}

func (c *Catalog) readCriteria(d *doc) {
	if d != nil && d.has("beside") {
		c.readOther(d)
		return
	}
	var f criteriaFile
	if d == nil || !d.decode(&f) {
		return
	}
	set := CriteriaSet{ID: f.Set, Title: f.Title, Standard: f.Standard, Effective: f.Effective, Scopes: f.Scopes}
	if path.Base(d.name) != f.Set+".yaml" {
		d.bad(steps("set"), "the set is called %q; its file has to be called %s.yaml", f.Set, f.Set)
	}
	seen := map[string]bool{}
	for i, e := range f.Criteria {
		at := steps("criteria", i)
		if seen[e.ID] {
			d.bad(append(at, "id"), "criterion %s is defined twice", e.ID)
		}
		seen[e.ID] = true
		checkCriterion(d, at, e, f.Scopes)
		set.Criteria = append(set.Criteria, audit.Criterion(e))
	}
	c.Sets = append(c.Sets, set)
}

func checkCriterion(d *doc, at []any, e criterionEntry, scopes map[string]string) {
	if !validCategory(e.Category) {
		d.bad(append(at, "category"), "category %q is not one of %s", e.Category, categoryList())
	}
	if e.ID == "" || e.Summary == "" || e.Group == "" || !strings.HasPrefix(e.ID, e.Group+".") {
		d.bad(at, "a criterion has an id that starts with its group and a dot, and a summary")
	}
	for i, p := range e.Points {
		at := append(slices.Clone(at), "points", i)
		if p.N != i+1 {
			d.bad(append(at, "n"), "point %d of %s stands at place %d", p.N, e.ID, i+1)
		}
		if scopes[p.Scope] == "" {
			d.bad(append(at, "scope"), "scope %q is not explained under scopes", p.Scope)
		}
		if p.Label == "" {
			d.bad(at, "a point of focus has a label")
		}
	}
}

func (c *Catalog) readControls(d *doc) {
	var f struct{ Controls []audit.Control }
	if d == nil || !d.decode(&f) {
		return
	}
	for i, ctl := range f.Controls {
		c.checkControl(d, steps("controls", i), &ctl, DefaultSet)
		for _, other := range c.Controls {
			if other.ID == ctl.ID {
				d.bad(steps("controls", i, "id"), "control %s is defined twice", ctl.ID)
			}
		}
		c.Controls = append(c.Controls, ctl)
	}
}

func (c *Catalog) indexControls() {
	slices.SortFunc(c.Controls, func(a, b audit.Control) int { return strings.Compare(a.ID, b.ID) })
	c.controls = make(map[string]int, len(c.Controls))
	for i, ctl := range c.Controls {
		c.controls[ctl.ID] = i
	}
}

// Set returns the criteria set called id, or nil.
func (c *Catalog) Set(id string) *CriteriaSet {
	i := slices.IndexFunc(c.Sets, func(s CriteriaSet) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return &c.Sets[i]
}

func (c *Catalog) setNames() string {
	names := make([]string, len(c.Sets))
	for i, s := range c.Sets {
		names[i] = s.ID
	}
	return strings.Join(names, ", ")
}

// Criterion returns the criterion called id, or nil.
func (s *CriteriaSet) Criterion(id string) *audit.Criterion {
	i := slices.IndexFunc(s.Criteria, func(c audit.Criterion) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return &s.Criteria[i]
}

// In returns the criteria of the given categories, in the standard's order.
// The common criteria (Security) are always among them.
func (s *CriteriaSet) In(categories []audit.Category) []audit.Criterion {
	var out []audit.Criterion
	for _, c := range s.Criteria {
		if c.Category == audit.Security || slices.Contains(categories, c.Category) {
			out = append(out, c)
		}
	}
	return out
}

// Control returns the library control called id.
func (c *Catalog) Control(id string) (audit.Control, error) {
	i, ok := c.controls[id]
	if !ok {
		return audit.Control{}, fmt.Errorf("%w: library control %q", audit.ErrNotFound, id)
	}
	return c.Controls[i], nil
}
