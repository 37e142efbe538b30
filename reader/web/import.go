package web

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/definition"
	"tieout/internal/durable"
	"tieout/period"
	"tieout/reader/connect"
	"tieout/reader/roster"
	"tieout/report"
	"tieout/source"
)

// importRoutes take a list as a file, for who has no interface to connect.
var importRoutes = []route{
	{pattern: "GET /connectors/import", needs: "source.manage", do: (*request).importPage},
	{pattern: "POST /connectors/import", needs: "source.manage", do: (*request).bringList},
	{pattern: "GET /connectors/import/{draft}", needs: "source.manage", do: (*request).mapPage},
	{pattern: "POST /connectors/import/{draft}", needs: "source.manage", do: (*request).mapList},
}

// listDraft is the kind of a draft that holds a list.
const listDraft = "a list of "

type importPage struct {
	*page
	Lists []connect.List
	Type  string
}

func (q *request) importPage() error { return q.showImport(q.URL.Query().Get("type")) }

func (q *request) showImport(typ string) error {
	q.Title, q.Heading = "Bring a list", "Bring a list as a file"
	q.Say = "Choose an export; you say next what its columns mean. The file is sealed as it is when it is read."
	q.Way = []link{{"Connectors", q.to("/connectors")}, {"Bring a list", ""}}
	q.Code = []string{"tieout connector add files"}
	if _, err := connect.FindList(typ); err != nil {
		typ = connect.Lists[0].Type
	}
	return q.render("import.html", importPage{&q.page, connect.Lists, typ})
}

// bringList takes the file and goes on to what its columns mean.
func (q *request) bringList() error {
	up, err := q.upload("file")
	if err != nil {
		return err
	}
	typ := q.field("type")
	_, err = connect.FindList(typ)
	if err == nil && len(up.Data) == 0 {
		err = fmt.Errorf("%w: choose a file that is not empty", audit.ErrInvalid)
	}
	if err == nil {
		_, err = connect.ReadTable(up.Data)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.showImport(typ)
	}
	key := q.s.drafts.put("", draft{account: q.who.Account, kind: listDraft, tested: typ, file: up.Data, fileName: visible(up.Name)}, q.s.o.Now())
	http.Redirect(q.w, q.Request, q.at("connectors/import", key), http.StatusSeeOther)
	return nil
}

// A mapField is one thing a list can say, as the form asks for it.
type mapField struct {
	connect.ListField
	Column string
	Words_ []mapWord // words of the column, with what they mean
	Empty_ bool
	ended  bool // another column says when somebody left
}

type mapWord struct {
	Text, Means, At string
}

type mapPage struct {
	*page
	L        *connect.List
	T        *connect.Table
	M        connect.Mapping
	Fields   []mapField
	Sample   [][]string
	FileName string
	Name     string
	Day      string
	Today    string
	Dates    []connect.DateForm
	Action   string
	Tried    bool
	Trial    []trialRow
	TrialSay string
	Connect  bool
	InGit    bool
	File     string
}

// theList is the list that was brought, by the draft of the address.
func (q *request) theList() (draft, *connect.List, *connect.Table, error) {
	x, ok := q.s.drafts.get(q.PathValue("draft"), q.who.Account, listDraft, q.s.o.Now())
	if !ok {
		return x, nil, nil, fmt.Errorf("%w: this list is not here any more; bring the file again under Connectors", audit.ErrNotFound)
	}
	l, err := connect.FindList(x.tested)
	if err != nil {
		return x, nil, nil, err
	}
	t, err := connect.ReadTable(x.file)
	return x, l, t, err
}

func (q *request) mapPage() error {
	x, l, t, err := q.theList()
	if err != nil {
		return err
	}
	name := map[string]string{"person": "people"}[l.Type]
	if name == "" {
		name = "accounts"
	}
	return q.showMap(x, mapPage{L: l, T: t, M: l.Guess(t), Name: q.freeName(name), Day: q.today()})
}

func (q *request) today() string { return q.now().In(q.zone()).Format(time.DateOnly) }

// sampleRows is how many rows of a list are shown.
const sampleRows = 3

func (q *request) showMap(x draft, data mapPage) error {
	data.page, data.FileName, data.Today, data.Dates = &q.page, x.fileName, q.today(), connect.DateForms
	data.Action, data.InGit = q.URL.Path, period.InGit(q.st.p.Dir)
	data.Sample = data.T.Rows[:min(len(data.T.Rows), sampleRows)]
	for _, f := range data.L.Fields {
		mf := mapField{ListField: f, Column: data.M.Columns[f.Name], Empty_: data.M.Empty[f.Name], ended: data.M.Columns["endedAt"] != ""}
		if f.Words != nil && mf.Column != "" {
			for i, w := range data.T.Words(mf.Column) {
				mf.Words_ = append(mf.Words_, mapWord{w, data.M.Words[f.Name][w], fmt.Sprintf("word.%s.%d", f.Name, i)})
			}
		}
		data.Fields = append(data.Fields, mf)
	}
	q.Title, q.Heading = "What the columns mean", "What the columns mean"
	q.Say = sayList(len(data.T.Rows), len(data.T.Columns), data.L.Type)
	if data.Connect {
		q.Say = sayTriedList(len(data.T.Rows), data.L.Type)
	}
	q.Way = []link{{"Connectors", q.to("/connectors")}, {"Bring a list", q.to("/connectors/import")}, {x.fileName, ""}}
	q.Code = []string{"tieout connector add files"}
	return q.render("map.html", data)
}

// sayList says what a file holds.
func sayList(rows, columns int, typ string) string {
	one, many := "person", "people"
	if typ == "account" {
		one, many = "account", "accounts"
	}
	return fmt.Sprintf("The file has %s of %s. Say what they mean; what is not named is not read.", report.Plural(columns, "column", "columns"), report.Plural(rows, one, many))
}

// sayTriedList says that a list can be kept as it was mapped.
func sayTriedList(rows int, typ string) string {
	one, many := "person", "people"
	if typ == "account" {
		one, many = "account", "accounts"
	}
	return fmt.Sprintf("The list can be read as you say, with %s. Nothing is kept until you connect it.", report.Plural(rows, one, many))
}

// mapList tries what was said of the columns, or connects it.
func (q *request) mapList() error {
	x, l, t, err := q.theList()
	if err != nil {
		return err
	}
	return q.amending(func(p *period.Program) error {
		data := mapPage{L: l, T: t, M: q.typedMapping(l, t), Name: q.field("name"), Day: q.field("day")}
		body, err := q.listSource(p, &data)
		if err == nil && q.field("do") == "connect" && q.field("tried") == definitionDigest(body) {
			err := q.keepList(p, data.Name, data.Day, body, x)
			if err == nil {
				q.s.drafts.drop(q.PathValue("draft"))
				return q.firstRead(p, data.Name)
			}
			if err := q.problem(err); err != nil {
				return err
			}
			return q.showMap(x, data)
		}
		if err == nil {
			data.File = string(body)
			err = q.tryList(p, &data, x)
		}
		if err != nil {
			if err := q.problem(err); err != nil {
				return err
			}
		}
		return q.showMap(x, data)
	})
}

// Digest is of the file that was tried.
func (m mapPage) Digest() string { return definitionDigest([]byte(m.File)) }

// typedMapping is what the form says of the columns. Words of a column that was
// not chosen when the form was shown are guessed.
func (q *request) typedMapping(l *connect.List, t *connect.Table) connect.Mapping {
	m := connect.Mapping{System: connect.OneWord(q.field("system")), Columns: map[string]string{}, Words: map[string]map[string]string{}, Dates: q.field("dates"), Empty: map[string]bool{}}
	for _, f := range l.Fields {
		c := q.PostForm.Get("column." + f.Name)
		if c == "" {
			continue
		}
		m.Columns[f.Name], m.Empty[f.Name] = c, q.field("empty."+f.Name) == "yes"
		if f.Words == nil || q.PostForm.Get("was."+f.Name) != c {
			continue
		}
		m.Words[f.Name] = map[string]string{}
		for i, w := range t.Words(c) {
			m.Words[f.Name][w] = q.field(fmt.Sprintf("word.%s.%d", f.Name, i))
		}
	}
	l.GuessWords(t, &m)
	return m
}

// listSource is the file of the connection, checked.
func (q *request) listSource(p *period.Program, data *mapPage) ([]byte, error) {
	if !definition.SourceName(data.Name) || len(data.Name) > 60 {
		return nil, fmt.Errorf("%w: name: %q is no name for a connection: lower case letters, digits, - and _, at most 60", audit.ErrInvalid, data.Name)
	}
	if slices.ContainsFunc(p.Def.Sources, func(s definition.SourceDef) bool { return s.Name == data.Name }) {
		return nil, fmt.Errorf("%w: name: there is a connection %q already", audit.ErrInvalid, data.Name)
	}
	if day, err := time.Parse(time.DateOnly, data.Day); err != nil || day.Format(time.DateOnly) > q.today() {
		return nil, fmt.Errorf("%w: exported on: say the day of the export, today or before", audit.ErrInvalid)
	}
	body, err := data.L.Source(data.Name, data.T, data.M)
	if err != nil {
		return nil, err
	}
	_, err = p.Def.With(map[string][]byte{"sources/" + data.Name + ".yaml": body})
	return body, err
}

// tryList reads the list from a folder of its own, which is gone afterwards.
func (q *request) tryList(p *period.Program, data *mapPage, x draft) (err error) {
	next, err := p.Def.With(map[string][]byte{"sources/" + data.Name + ".yaml": []byte(data.File)})
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tieout-list-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := writeList(dir, data.Name, data.Day, x.file); err != nil {
		return err
	}
	def, err := sourceOf(&period.Program{Def: next}, data.Name)
	if err != nil {
		return err
	}
	if data.Trial, data.TrialSay, data.Connect, err = q.tried(p, def, source.Env{Dir: dir}, x); err != nil {
		return err
	}
	data.Tried = data.TrialSay != ""
	return q.knownPeople(data)
}

// knownPeople holds the column that says whose an account is against the list of
// people, where there is one. A column of which nobody is in that list says
// nothing of whose the accounts are, and every one of them would look like a
// stranger's: that is audit.ErrInvalid.
func (q *request) knownPeople(data *mapPage) error {
	column := data.M.Columns["person"]
	if data.L.Type != "account" || column == "" {
		return nil
	}
	r, err := q.roster()
	if err != nil || !slices.ContainsFunc(r.People, func(p *roster.Person) bool { return !p.Unknown }) {
		return err
	}
	at, known, strangers := slices.Index(data.T.Columns, column), 0, 0
	for _, row := range data.T.Rows {
		if row[at] == "" {
			continue
		}
		if p := r.Person("hr/" + row[at]); p != nil && !p.Unknown {
			known++
		} else {
			strangers++
		}
	}
	switch {
	case known == 0 && strangers > 0:
		data.Tried, data.Connect = false, false
		return fmt.Errorf("%w: number of the person: nothing in the column %q is a number of the list of people. Choose \"not in the file\": Tieout then proposes whose accounts they are by their e-mail addresses, and you confirm that under People", audit.ErrInvalid, column)
	case strangers > 0:
		data.TrialSay += fmt.Sprintf(" Not in the list of people: %s of %d values of the column %q.", report.Number(strangers), known+strangers, column)
	}
	return nil
}

func writeList(dir, name, day string, text []byte) error {
	path := filepath.Join(dir, filepath.FromSlash(connect.ListFile(name, day)))
	if err := durable.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return durable.Write(path, text, 0o644)
}

// keepList puts the list into the workspace's folder and connects it.
func (q *request) keepList(p *period.Program, name, day string, body []byte, x draft) error {
	if err := access.Require(q.who, "source.collect", access.Object{}); err != nil {
		return err
	}
	if period.InGit(p.Dir) {
		return fmt.Errorf("%w: this workspace lives in git: put the file there, and open a change", audit.ErrConflict)
	}
	if err := writeList(p.Dir, name, day, x.file); err != nil {
		return err
	}
	if _, err := p.Amend(q.Context(), map[string][]byte{"sources/" + name + ".yaml": body}); err != nil {
		return errors.Join(err, os.Remove(filepath.Join(p.Dir, filepath.FromSlash(connect.ListFile(name, day)))))
	}
	return nil
}

// Chosen reports whether a column is the one a field is in, for templates.
func (f mapField) Chosen(column string) bool { return f.Column == column }

// Otherwise_ is what is said where no column is chosen, in words.
func (f mapField) Otherwise_() string {
	switch {
	case f.Needed:
		return "choose a column"
	case f.Name == "status" && f.ended:
		return "not in the file: who has no last working day is " + f.Otherwise
	case f.Otherwise != "":
		return "not in the file: every row is " + f.Otherwise
	}
	return "not in the file"
}

// WordOf is a word of a field in plain words.
func (f mapField) WordOf(w string) string {
	if strings.Join(f.Words, " ") == "true false" {
		return map[string]string{"true": "yes", "false": "no"}[w]
	}
	return w
}
