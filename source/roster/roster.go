// Package roster is the source of human resources lists kept as CSV: people,
// training records and background checks.
package roster

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// Driver is the roster source.
var Driver = &source.Driver{
	Name:    "roster",
	Version: 1,
	Title:   "Human resources lists: people, training records, background checks (CSV)",
	Types:   []string{"person", "training"},
	Scopes:  []source.Scope{{Name: "read the files", Why: "they are read and sealed as they are; nothing is written"}},
	Cannot:  slices.Concat(cannotPeople, cannotTrainings),

	Settings: []source.Setting{
		{Name: "people", Doc: "CSV files, each the whole list of people on one date: globs, or {files, columns, dates, dateFormat}", Example: "[exports/people-*.csv]"},
		{Name: "trainings", Doc: "CSV files, each the whole list of completed trainings up to its date: as people", Example: "[exports/trainings-*.csv]"},
		{Name: "backgroundChecks", Doc: "CSV files of background checks up to their date, joined to people by employee id or address: as people", Example: "[exports/checks-*.csv]"},
		{Name: "dates", Doc: "where a file's date is: absent, in a column such as As Of; `name`, a day such as 2026-03-31 in its name; `modified`, its modification time", Example: "name"},
		{Name: "dateFormat", Doc: "how days are written, of YYYY, MM, M, MMM, DD, D; absent: 2026-03-31 and forms that name the month", Example: "DD/MM/YYYY"},
		{Name: "statuses", Doc: "the list's own words for where people are: to pending, active, leave or ended", Example: "{Garden leave: leave}"},
		{Name: "kinds", Doc: "the list's own words for how people are engaged: to employee, contractor or intern", Example: "{W2: employee}"},
		{Name: "results", Doc: "the lists' own words for how trainings and background checks ended: to completed or not completed", Example: "{Attended: completed}"},
		{Name: "topics", Doc: "what courses teach, by globs on their names: security, privacy, development, incident or other", Example: "{'Security *': security}"},
		{Name: "peopleIn", Doc: "connection whose people the employee ids are of; absent: this one", Example: "bamboohr"},
	},

	Open:      open,
	Normalize: normalize,
}

var cannotPeople = []string{
	"whether the list names everybody who is paid or contracted: reconcile it with payroll",
	"who could change a file between its export and its sealing",
	"that a person without a background check on the list had none that was recorded elsewhere",
}

var cannotTrainings = []string{
	"trainings completed that the list does not hold",
	"who could change a file between its export and its sealing",
}

// Names of the tables.
const (
	people    = "people"
	trainings = "trainings"
	checks    = "backgroundChecks"
)

// Settings is the `with:` of a roster connection.
type Settings struct {
	People     Table             `json:"people"`
	Trainings  Table             `json:"trainings"`
	Checks     Table             `json:"backgroundChecks"`
	Dates      string            `json:"dates"`
	DateFormat string            `json:"dateFormat"`
	Statuses   map[string]string `json:"statuses"`
	Kinds      map[string]string `json:"kinds"`
	Results    map[string]string `json:"results"`
	Topics     map[string]string `json:"topics"`
	PeopleIn   string            `json:"peopleIn"`
}

// A Table is one kind of file.
type Table struct {
	Files      []string          `json:"files"`
	Columns    map[string]string `json:"columns"` // what a column holds -> its header; "": no column does
	Dates      string            `json:"dates"`
	DateFormat string            `json:"dateFormat"`
}

// UnmarshalJSON reads a list of globs, or an object.
func (t *Table) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, &t.Files)
	}
	type plain Table
	return source.Strict(b, (*plain)(t))
}

// config is what normalizing needs.
type config struct {
	People     string                 `json:"people"` // connection the ids of people belong to
	Connection string                 `json:"connection"`
	Tables     map[string]tableConfig `json:"tables"`
	Statuses   map[string]string      `json:"statuses,omitempty"`
	Kinds      map[string]string      `json:"kinds,omitempty"`
	Results    map[string]string      `json:"results,omitempty"`
	Topics     map[string]string      `json:"topics,omitempty"`
}

type tableConfig struct {
	Columns    map[string]string `json:"columns,omitempty"`
	DateFormat string            `json:"dateFormat,omitempty"`
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return fail(err)
	}
	conf := config{People: cmp.Or(s.PeopleIn, name), Connection: name, Tables: map[string]tableConfig{},
		Statuses: folded(s.Statuses), Kinds: folded(s.Kinds), Results: folded(s.Results), Topics: s.Topics}
	c := &collector{source: name, dir: env.Dir, tables: map[string]Table{}}
	for _, part := range []string{people, trainings, checks} {
		t := map[string]Table{people: s.People, trainings: s.Trainings, checks: s.Checks}[part]
		if len(t.Files) == 0 {
			continue
		}
		t.Dates, t.DateFormat = cmp.Or(t.Dates, s.Dates), cmp.Or(t.DateFormat, s.DateFormat)
		if err := t.check(part); err != nil {
			return fail(fmt.Errorf("%s: %w", part, err))
		}
		c.tables[part] = t
		conf.Tables[part] = tableConfig{t.Columns, t.DateFormat}
	}
	if err := s.check(c.tables); err != nil {
		return fail(err)
	}
	b, err := canonical.Marshal(conf)
	if err != nil {
		return fail(err)
	}
	c.conf = conf
	return c, b, nil
}

func (s *Settings) check(tables map[string]Table) error {
	_, listed := tables[people]
	_, checked := tables[checks]
	switch {
	case len(tables) == 0:
		return errors.New("name the files of people, trainings or both")
	case checked && !listed:
		return errors.New("backgroundChecks: they are joined to the people of the same connection; name the files of people too")
	case s.PeopleIn != "" && listed:
		return errors.New("peopleIn: this connection lists people itself; leave it out")
	}
	for _, w := range []struct {
		setting, typ, field string
		words               map[string]string
	}{{"statuses", "person", "status", s.Statuses}, {"kinds", "person", "kind", s.Kinds}, {"results", "training", "result", s.Results}, {"topics", "training", "topic", s.Topics}} {
		for _, word := range slices.Sorted(maps.Keys(w.words)) {
			if allowed := enum(w.typ, w.field); !slices.Contains(allowed, w.words[word]) {
				return fmt.Errorf("%s: %s: %q is not one of %s", w.setting, word, w.words[word], strings.Join(allowed, ", "))
			}
		}
	}
	for glob := range s.Topics {
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("topics: %q is not a glob such as 'Security *'", glob)
		}
	}
	return nil
}

func enum(typ, field string) []string {
	t, err := audit.TypeByName(typ)
	if err != nil {
		return nil
	}
	for _, f := range t.Fields {
		if f.Name == field {
			return f.Enum
		}
	}
	return nil
}

func (t Table) check(part string) error {
	for _, g := range t.Files {
		if _, err := filepath.Match(g, ""); err != nil || g == "" {
			return fmt.Errorf("files: %q is not a glob such as exports/*.csv", g)
		}
	}
	for _, c := range slices.Sorted(maps.Keys(t.Columns)) {
		if _, ok := headers[part][c]; !ok {
			return fmt.Errorf("columns: %q is not one of %s", c, strings.Join(slices.Sorted(maps.Keys(headers[part])), ", "))
		}
	}
	if t.Dates != "" && t.Dates != "name" && t.Dates != "modified" {
		return fmt.Errorf("dates: %q; write name or modified, or leave it out", t.Dates)
	}
	_, err := layouts(t.DateFormat)
	return err
}
