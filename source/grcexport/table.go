package grcexport

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"tieout/source"
	"tieout/source/finding"
)

// fieldsOf are the fields that a column can give, by export.
var fieldsOf = map[string][]string{
	"tests":           {"check", "title", "status", "state", "subject", "severity", "detail", "account", "region", "requirements"},
	"controls":        {"check", "title", "status", "state", "subject", "severity", "detail", "account", "region", "requirements"},
	"vulnerabilities": {"advisory", "asset", "package", "severity", "status", "foundAt", "fixAvailable"},
}

// needed fields of an export: one of each group must have a column.
var needed = map[string][][]string{
	"tests":           {{"check", "title"}, {"status"}},
	"controls":        {{"check", "title"}, {"status"}},
	"vulnerabilities": {{"advisory"}, {"asset"}},
}

// A platform is what is known of one product's exports. Neither vendor documents
// the columns of its CSV files. The names here are those its published
// interface gives the same values, compared without case, spaces and signs.
type platform struct {
	name, title string
	columns     map[string]map[string][]string // by export and field
	words       map[string]string              // of status
	off         map[string]bool                // of state: switched off
}

// vanta: developer.vanta.com, API reference, "List tests", "List controls",
// "List vulnerabilities"; help.vanta.com, "Controls Page", control status.
var vanta = platform{name: "vanta", title: "Vanta",
	columns: map[string]map[string][]string{
		"tests":    {"check": {"id", "testid"}, "title": {"name", "testname"}, "status": {"status", "teststatus"}, "detail": {"failuredescription"}},
		"controls": {"check": {"id", "externalid", "controlid"}, "title": {"name", "controlname"}, "status": {"status", "controlstatus"}},
		"vulnerabilities": {"advisory": {"name"}, "asset": {"targetid"}, "package": {"packageidentifier"}, "severity": {"severity"},
			"foundAt": {"firstdetecteddate"}, "fixAvailable": {"isfixable"}},
	},
	words: map[string]string{"ok": "met", "needsattention": "not met", "needsevidence": "not met", "invalid": "error", "notapplicable": "not applicable", "deactivated": "muted"},
}

// drata: developers.drata.com, API reference, "Monitoring Tests" (check result
// status, check status).
var drata = platform{name: "drata", title: "Drata",
	columns: map[string]map[string][]string{
		"tests":    {"check": {"testid", "id"}, "title": {"name", "testname"}, "status": {"checkresultstatus"}, "state": {"checkstatus"}},
		"controls": {"check": {"code", "controlcode"}, "title": {"name", "controlname"}},
	},
	words: map[string]string{"passed": "met", "failed": "not met", "error": "error"},
	off:   map[string]bool{"disabled": true},
}

// plain is a name or word without case, spaces and signs.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		}
		return -1
	}, s)
}

var escaper = strings.NewReplacer("%", "%25", "|", "%7C")

func escape(s string) string { return escaper.Replace(s) }

// A table is an export as it was read.
type table struct {
	rows []row
	bad  source.BadRows
}

type row struct {
	where  string
	values []string
	at     map[string]int // column of a field
}

func (r row) get(field string) string {
	i, ok := r.at[field]
	if !ok {
		return ""
	}
	return strings.TrimSpace(r.values[i])
}

func (r row) given(field string) any { return finding.Given(r.get(field)) }

// list is a cell of several values; nil where there is no such column.
func (r row) list(field string) []string {
	if _, ok := r.at[field]; !ok {
		return nil
	}
	out := []string{}
	for _, v := range strings.FieldsFunc(r.get(field), func(c rune) bool { return c == ',' || c == ';' || c == '\n' }) {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// table reads an export. A header that lacks a needed column is an error that
// names what was looked for.
func (p platform) table(c config, body []byte) (table, error) {
	var t table
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	header, err := in.Read()
	if err != nil {
		return t, fmt.Errorf("it is no CSV: %w", err)
	}
	at, err := p.places(c, header)
	if err != nil {
		return t, err
	}
	for {
		values, err := in.Read()
		switch {
		case errors.Is(err, io.EOF):
			return t, nil
		case errors.Is(err, csv.ErrFieldCount):
			line, _ := in.FieldPos(0)
			t.bad = append(t.bad, source.BadRow{Where: fmt.Sprintf("line %d", line), Why: "the row has another number of values than the header"})
		case err != nil:
			return t, fmt.Errorf("it is no CSV: %w", err)
		default:
			line, _ := in.FieldPos(0)
			t.rows = append(t.rows, row{where: fmt.Sprintf("line %d", line), values: values, at: at})
		}
	}
}

// places finds the column of each field.
func (p platform) places(c config, header []string) (map[string]int, error) {
	at := map[string]int{}
	for _, field := range fieldsOf[c.Export] {
		i, err := p.place(c, field, header)
		if err != nil {
			return nil, err
		}
		if i >= 0 {
			at[field] = i
		}
	}
	for _, group := range needed[c.Export] {
		has := func(field string) bool { _, ok := at[field]; return ok }
		if !slices.ContainsFunc(group, has) {
			return nil, p.unknown(c, group, header)
		}
	}
	return at, nil
}

// place is the column that the settings name, or the one that has a name the
// platform gives the field; -1 without one.
func (p platform) place(c config, field string, header []string) (int, error) {
	if name, ok := c.Columns[field]; ok {
		i := slices.Index(header, name)
		if i < 0 {
			return -1, fmt.Errorf("it has no column %q, which `columns` names for %s; it has %s", name, field, strings.Join(header, ", "))
		}
		return i, nil
	}
	for _, name := range p.columns[c.Export][field] {
		if i := slices.IndexFunc(header, func(h string) bool { return plain(h) == name }); i >= 0 {
			return i, nil
		}
	}
	return -1, nil
}

func (p platform) unknown(c config, group, header []string) error {
	var expected []string
	for _, field := range group {
		names := p.columns[c.Export][field]
		if len(names) == 0 {
			expected = append(expected, field+" (no published name)")
			continue
		}
		expected = append(expected, field+" (such as "+strings.Join(names, ", ")+")")
	}
	return fmt.Errorf("it is no export of %s's %s that is known: no column for %s; it has %s. Name the columns in `columns`",
		p.title, c.Export, strings.Join(expected, " or "), strings.Join(header, ", "))
}
