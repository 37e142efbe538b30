package definition

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"tieout/audit"
	"tieout/internal/strictyaml"
	"tieout/library"
)

// A ReportType is one of the reports a reader may be shown: a closed list.
type ReportType struct {
	ID           string   `yaml:"id" json:"id"`
	Name         string   `yaml:"name" json:"name"`
	Subject      string   `yaml:"subject" json:"subject"`
	Yardstick    string   `yaml:"yardstick" json:"yardstick"`
	Basis        string   `yaml:"basis" json:"basis"` // of the opinion
	Standards    []string `yaml:"standards" json:"standards"`
	Audience     string   `yaml:"audience" json:"audience"`
	Distribution string   `yaml:"distribution" json:"distribution"` // restricted or general
	Detail       string   `yaml:"detail" json:"detail"`
	Made         bool     `yaml:"made" json:"made"` // an examination here ends in it
}

// A Standard is one that reports or their readers name, with its dates in words.
type Standard struct {
	ID     string `yaml:"id" json:"id"`
	Name   string `yaml:"name" json:"name"`
	Issued string `yaml:"issued" json:"issued,omitempty"`
	From   string `yaml:"from" json:"from,omitempty"`
	Until  string `yaml:"until" json:"until,omitempty"`
	State  string `yaml:"state" json:"state"`
	For    string `yaml:"for" json:"for"` // what it is used for
	Note   string `yaml:"note" json:"note,omitempty"`
}

// A Term is a word that is often mistaken, with what is so.
type Term struct {
	Term       string `yaml:"term" json:"term"`
	Kind       string `yaml:"kind" json:"kind"`
	Means      string `yaml:"means" json:"means"`
	Correction string `yaml:"correction" json:"correction"`
}

// A Law is a law, regulator, standard or program that readers of a SOC 2 ask
// about. Mapping names the framework the library maps criteria to; "": none.
type Law struct {
	ID      string `yaml:"id" json:"id"`
	Name    string `yaml:"name" json:"name"`
	Kind    string `yaml:"kind" json:"kind"`
	About   string `yaml:"about" json:"about"`
	SOC2    string `yaml:"soc2" json:"soc2"` // what a SOC 2 says of it
	Mapping string `yaml:"mapping" json:"mapping,omitempty"`
	Note    string `yaml:"note" json:"note,omitempty"`
}

// Words are what people say around a SOC 2, from the library.
type Words struct {
	Reports    []ReportType `yaml:"reports" json:"reports"`
	Standards  []Standard   `yaml:"standards" json:"standards"`
	Glossary   []Term       `yaml:"glossary" json:"glossary"`
	Laws       []Law        `yaml:"frameworks" json:"frameworks"`
	Commercial string       `yaml:"commercial" json:"commercial"` // what having no report costs, which no law says
}

// Values of the words' fields.
var (
	StandardStates = []string{"in force", "superseded", "draft", "elsewhere"}
	TermKinds      = []string{"term", "label", "organization", "standard", "credential"}
	LawKinds       = []string{"law", "regulator", "standard", "framework", "program", "role"}
	distributions  = []string{"restricted", "general"}
)

// LibraryWords returns the library's words. Each entry is whole, every standard a
// report names and every framework a law names is there.
func LibraryWords() (*Words, error) { return loadWords() }

var loadWords = sync.OnceValues(func() (*Words, error) {
	w := &Words{}
	err := fs.WalkDir(library.Words(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(library.Words(), name)
		if err != nil {
			return err
		}
		var one Words
		if err := strictyaml.Decode(name, data, &one); err != nil {
			return err
		}
		w.Reports, w.Standards = append(w.Reports, one.Reports...), append(w.Standards, one.Standards...)
		w.Glossary, w.Laws = append(w.Glossary, one.Glossary...), append(w.Laws, one.Laws...)
		w.Commercial += one.Commercial
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("words of the library: %w", err)
	}
	c, err := Library()
	if err != nil {
		return nil, err
	}
	return w, w.check(c)
})

func (w *Words) check(c *Catalog) error {
	var wrong []error
	bad := func(where, what string) {
		wrong = append(wrong, fmt.Errorf("%w: words: %s: %s", audit.ErrInvalid, where, what))
	}
	seen := map[string]bool{}
	once := func(kind, id string) {
		if id == "" || seen[kind+id] {
			bad(kind+" "+id, "it has no name of its own")
		}
		seen[kind+id] = true
	}
	for _, s := range w.Standards {
		once("standard", s.ID)
		if s.Name == "" || s.For == "" || !slices.Contains(StandardStates, s.State) || s.State == "superseded" && (s.From == "" || s.Until == "") {
			bad(s.ID, "a standard has a name, what it is used for and a state, and dates where it is superseded")
		}
	}
	for _, r := range w.Reports {
		once("report", r.ID)
		if r.Name == "" || r.Subject == "" || r.Yardstick == "" || r.Basis == "" || r.Audience == "" || r.Detail == "" || !slices.Contains(distributions, r.Distribution) {
			bad(r.ID, "a type of report has all of its fields")
		}
		for _, s := range r.Standards {
			if !seen["standard"+s] {
				bad(r.ID, "there is no standard "+s)
			}
		}
	}
	for _, t := range w.Glossary {
		once("term", t.Term)
		if t.Means == "" || t.Correction == "" || !slices.Contains(TermKinds, t.Kind) {
			bad(t.Term, "a term has a kind, what it means and what is mistaken about it")
		}
	}
	for _, l := range w.Laws {
		once("framework", l.ID)
		mapped := l.Mapping == "" || slices.ContainsFunc(c.Mappings, func(m audit.Mapping) bool { return m.Framework == l.Mapping })
		if l.Name == "" || l.About == "" || l.SOC2 == "" || !slices.Contains(LawKinds, l.Kind) || !mapped {
			bad(l.ID, "a framework has a kind, what it is about, what a SOC 2 says of it, and a mapping that is there")
		}
	}
	return errors.Join(wrong...)
}
