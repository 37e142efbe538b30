package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tieout/audit"
)

// A Program is Rules made ready to run. It may be used by one goroutine at a time.
type Program struct {
	rules   Rules
	zone    *time.Location
	columns []column
	id      template
	at      *output
	gone    int // column, or -1
	fields  []output
	person  template
	account template
	device  template
	schema  *jsonschema.Schema
}

// A column is a place in a row that is read, and why it must be there.
type column struct {
	name     string
	path     []string
	optional bool
	key      bool // it is part of an id or an instant
}

// An output is one field of the item.
type output struct {
	name   string
	path   []string // of the body: one or two keys
	field  *audit.Field
	value  Value
	column int // -1: constant or template
	tmpl   template
	fixed  []byte // canonical JSON of a constant
	values map[string][]byte
	other  []byte // what Else gives for the rest, or nil
	layout string // Go's layout; "" for RFC 3339 and its like
}

// A template is text with columns in braces.
type template []piece

type piece struct {
	literal string
	column  int // -1: literal
}

// Compile checks rules against the item schema. zone is where dates and
// instants without an offset are read. Errors wrap audit.ErrInvalid.
func Compile(r Rules, zone *time.Location) (*Program, error) {
	p := &Program{rules: r, zone: zone, gone: -1}
	if err := p.compile(); err != nil {
		return nil, fmt.Errorf("%w: mapping of %s: %w", audit.ErrInvalid, r.Type, err)
	}
	return p, nil
}

func (p *Program) compile() error {
	typ, err := audit.TypeByName(p.rules.Type)
	if err != nil {
		return err
	}
	if err := p.compileMode(typ); err != nil {
		return err
	}
	if p.id, err = p.template(p.rules.ID, true); err != nil {
		return fmt.Errorf("id: %w", err)
	}
	if !slices.ContainsFunc(p.id, func(t piece) bool { return t.column >= 0 }) {
		return fmt.Errorf("id: %q names no column, so every row would be the same item", p.rules.ID)
	}
	for _, name := range slices.Sorted(maps.Keys(p.rules.Fields)) {
		f := typ.Field(name)
		if f == nil || name == "id" {
			return fmt.Errorf("fields: %s has no field %q; see docs/formats/items.md", typ.Name, name)
		}
		o, err := p.output(name, f, p.rules.Fields[name])
		if err != nil {
			return fmt.Errorf("fields: %s: %w", name, err)
		}
		p.fields = append(p.fields, o)
	}
	slices.SortFunc(p.fields, func(a, b output) int { return slices.Compare(a.path, b.path) })
	if err := p.compileLinks(); err != nil {
		return fmt.Errorf("links: %w", err)
	}
	if len(p.rules.Schema) > 0 {
		if p.schema, err = compileSchema(p.rules.Schema); err != nil {
			return fmt.Errorf("schema: %w", err)
		}
	}
	return nil
}

func (p *Program) compileMode(typ *audit.ItemType) error {
	r := p.rules
	switch r.Mode {
	case audit.ModeSnapshot, audit.ModeChanges:
		if typ.Event {
			return fmt.Errorf("mode: %s happens once; its mode is events, not %s", typ.Name, r.Mode)
		}
	case audit.ModeEvents:
		if !typ.Event {
			return fmt.Errorf("mode: %s has a life; its mode is snapshot or changes, not events", typ.Name)
		}
	default:
		return fmt.Errorf("mode: %q; write snapshot, changes or events", r.Mode)
	}
	if (r.Mode == audit.ModeSnapshot) != (r.At == nil) {
		return fmt.Errorf("at: changes and events need it, a snapshot has none")
	}
	if r.Gone != nil {
		if r.Mode != audit.ModeChanges {
			return fmt.Errorf("gone: only changes can say that something ceased to exist")
		}
		p.gone = p.column(r.Gone.Column, true, false)
	}
	if r.At == nil {
		return nil
	}
	at, err := p.output("at", &audit.Field{Name: "at", Kind: audit.Time}, *r.At)
	if err != nil {
		return fmt.Errorf("at: %w", err)
	}
	if at.column < 0 {
		return fmt.Errorf("at: name the column that holds the instant")
	}
	p.columns[at.column].key = true
	p.at = &at
	return nil
}

// column returns the index of a column, adding it if it is new.
func (p *Program) column(name string, key, optional bool) int {
	for i := range p.columns {
		if p.columns[i].name == name {
			p.columns[i].key = p.columns[i].key || key
			p.columns[i].optional = p.columns[i].optional && optional
			return i
		}
	}
	p.columns = append(p.columns, column{name: name, path: splitPath(name), key: key, optional: optional})
	return len(p.columns) - 1
}

// splitPath cuts at dots that no backslash stands before.
func splitPath(s string) []string {
	var out []string
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '.':
			b.WriteByte('.')
			i++
		case s[i] == '.':
			out = append(out, b.String())
			b.Reset()
		default:
			b.WriteByte(s[i])
		}
	}
	return append(out, b.String())
}

func (p *Program) template(s string, key bool) (template, error) {
	var t template
	for rest := s; rest != ""; {
		lit, after, ok := strings.Cut(rest, "{")
		if lit != "" {
			t = append(t, piece{lit, -1})
		}
		if !ok {
			break
		}
		name, tail, ok := strings.Cut(after, "}")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q has a brace that names no column", s)
		}
		t = append(t, piece{"", p.column(name, key, false)})
		rest = tail
	}
	if len(t) == 0 {
		return nil, fmt.Errorf("it is empty")
	}
	return t, nil
}

func (p *Program) output(name string, f *audit.Field, v Value) (output, error) {
	o := output{name: name, path: strings.Split(name, "."), field: f, value: v, column: -1}
	ways := 0
	for _, set := range []bool{v.Column != "", v.Constant != nil, v.Template != ""} {
		if set {
			ways++
		}
	}
	if ways != 1 {
		return o, fmt.Errorf("name one of column, value and template")
	}
	if len(o.path) > 2 || f.Kind == audit.Records {
		return o, fmt.Errorf("fields of kind %s cannot be mapped", f.Kind)
	}
	if err := o.check(); err != nil {
		return o, err
	}
	var err error
	switch {
	case v.Constant != nil:
		err = o.compileConstant(p)
	case v.Template != "":
		if f.Kind != audit.String {
			return o, fmt.Errorf("a template gives text; the field is of kind %s", f.Kind)
		}
		o.tmpl, err = p.template(v.Template, false)
	default:
		o.column = p.column(v.Column, false, v.Optional)
	}
	return o, err
}

// check refuses rules that cannot apply to the field's kind.
func (o *output) check() error {
	v, k := o.value, o.field.Kind
	switch {
	case len(v.None) > 0 && o.field.None == "":
		return fmt.Errorf("none: the schema knows no absence of it; list the values under unknown")
	case (len(v.True) > 0 || len(v.False) > 0) && k != audit.Bool:
		return fmt.Errorf("true and false are for fields of kind bool, this is %s", k)
	case (v.Date != "" || v.Layout != "") && k != audit.Time:
		return fmt.Errorf("date and layout are for fields of kind time, this is %s", k)
	case v.Split != "" && k != audit.Strings:
		return fmt.Errorf("split is for fields of kind strings, this is %s", k)
	case v.Date != "" && v.Date != "start" && v.Date != "end":
		return fmt.Errorf("date: %q; write start or end", v.Date)
	case len(v.Values) > 0 && (k == audit.Bool || k == audit.Time):
		return fmt.Errorf("values are for text and numbers, this is %s", k)
	case v.Else != "" && len(v.Values) == 0:
		return fmt.Errorf("else stands beside values")
	}
	o.values = make(map[string][]byte, len(v.Values))
	for from, to := range v.Values {
		if err := o.enum(to); err != nil {
			return fmt.Errorf("values: %q: %w", from, err)
		}
		o.values[from] = []byte(to)
	}
	if v.Else != "" && v.Else != "error" && v.Else != "unknown" {
		if err := o.enum(v.Else); err != nil {
			return fmt.Errorf("else: %w", err)
		}
		o.other = []byte(v.Else)
	}
	var err error
	o.layout, err = goLayout(v.Layout)
	return err
}

func (o *output) enum(s string) error {
	if o.field.Kind != audit.String && o.field.Kind != audit.Strings {
		return nil
	}
	if s == "" && o.field.Kind == audit.String {
		if o.field.None == "" {
			return fmt.Errorf("it cannot be empty")
		}
		return nil
	}
	if len(o.field.Enum) > 0 && !slices.Contains(o.field.Enum, s) {
		return fmt.Errorf("%q is not one of %q", s, o.field.Enum)
	}
	return nil
}

// compileConstant writes the one value, read as if a row held it.
func (o *output) compileConstant(p *Program) error {
	out, ok, err := p.convert(nil, o, &cell{kind: textCell, text: []byte(*o.value.Constant)})
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("value: %q says nothing; leave the field out", *o.value.Constant)
	}
	o.fixed = out
	return nil
}

func (p *Program) compileLinks() error {
	l := p.rules.Links
	if l == nil {
		return nil
	}
	if p.rules.Mode == audit.ModeEvents {
		return fmt.Errorf("an event gives no links")
	}
	if l.Person == "" || l.Basis == "" || (l.Account == "") == (l.Device == "") {
		return fmt.Errorf("write person, basis, and one of account and device")
	}
	var err error
	if p.person, err = p.template(l.Person, false); err != nil {
		return fmt.Errorf("person: %w", err)
	}
	if l.Account != "" {
		p.account, err = p.template(l.Account, false)
	} else {
		p.device, err = p.template(l.Device, false)
	}
	return err
}

// Types are the item types a program gives.
func (p *Program) Types() []string {
	if p.rules.Links != nil && p.rules.Type != "link" {
		return []string{p.rules.Type, "link"}
	}
	return []string{p.rules.Type}
}

var layoutTokens = strings.NewReplacer("YYYY", "2006", "MMM", "Jan", "MM", "01", "DD", "02", "HH", "15", "hh", "03", "mm", "04", "ss", "05",
	"YY", "06", "M", "1", "D", "2", "A", "PM", "Z", "Z07:00")

// goLayout turns DD.MM.YYYY into Go's way of writing it.
func goLayout(s string) (string, error) {
	if s == "" || s == "unix" || s == "unixms" {
		return s, nil
	}
	out := layoutTokens.Replace(s)
	probe := time.Date(2033, 11, 28, 21, 43, 57, 0, time.UTC)
	got, err := time.Parse(out, probe.Format(out))
	if err != nil || got.Year() != 2033 || got.Month() != 11 || got.Day() != 28 {
		return "", fmt.Errorf("layout: %q does not say a day; write it of YYYY, MM, DD, HH, mm, ss", s)
	}
	return out, nil
}
