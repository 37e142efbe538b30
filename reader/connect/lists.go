package connect

import (
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
)

// A ListField is one thing a list can say of each row.
type ListField struct {
	Name, Title, Hint string
	Needed            bool
	Words             []string // what its values mean, of these; nil: any text
	Date              string   // start or end of the day; "": no day
	Empty             string   // what an empty cell of a day can mean; "": nothing
	Otherwise         string   // what is said of every row where no column says it
	names             []string // of columns that hold it, in lower case
}

// A List is a kind of list that is brought on a screen.
type List struct {
	Type, Title, Say string
	Fields           []ListField
}

var yesNo = []string{"true", "false"}

// Lists are the kinds of list there are.
var Lists = []List{
	{"person", "People", "One row for everybody who works for you, and for who left in the last year. Payroll and HR systems export it.", []ListField{
		{Name: "id", Title: "Number or address that names a person", Hint: "The employee number is best: addresses change.", Needed: true, names: []string{"employee number", "employee id", "employee_id", "number", "personnel number", "id", "work email", "email", "e-mail"}},
		{Name: "name", Title: "Name", Needed: true, names: []string{"name", "full name", "display name", "employee name", "employee"}},
		{Name: "email", Title: "Work e-mail address", names: []string{"work email", "email", "e-mail", "work e-mail", "email address", "mail"}},
		{Name: "status", Title: "Whether they work for you now", Words: []string{"active", "leave", "pending", "ended"}, Otherwise: "active", names: []string{"status", "employment status", "state", "active"}},
		{Name: "kind", Title: "How they are engaged", Words: []string{"employee", "contractor", "intern"}, Otherwise: "employee", names: []string{"type", "employment type", "kind", "contract", "worker type"}},
		{Name: "startedAt", Title: "First working day", Date: "start", names: []string{"start date", "hire date", "start", "started", "first day", "joined", "hired"}},
		{Name: "endedAt", Title: "Last working day", Date: "end", Empty: "has not left, and no end is agreed", names: []string{"end date", "termination date", "last day", "end", "left", "terminated", "leave date"}},
		{Name: "department", Title: "Department", names: []string{"department", "team", "dept"}},
		{Name: "title", Title: "Job title", names: []string{"title", "job title", "position", "role"}},
	}},
	{"account", "Accounts of one system", "One row for each sign-in to one system, such as an export of its user list.", []ListField{
		{Name: "id", Title: "Login name", Needed: true, names: []string{"login", "username", "user name", "user", "email", "e-mail", "account", "id"}},
		{Name: "person", Title: "Number of the person it belongs to", Hint: "As in the list of people. Without it Tieout proposes whose account it is by its e-mail address, and you confirm that under People.", names: []string{"employee number", "employee id", "employee_id", "person", "number", "employee"}},
		{Name: "email", Title: "E-mail address", names: []string{"email", "e-mail", "email address", "mail"}},
		{Name: "status", Title: "Whether it can sign in", Words: []string{"active", "pending", "suspended", "disabled"}, Otherwise: "active", names: []string{"status", "state", "active", "enabled", "account status"}},
		{Name: "kind", Title: "Whom it is for", Words: []string{"human", "service", "shared", "guest"}, Otherwise: "human", names: []string{"kind", "type", "account type", "user type"}},
		{Name: "admin", Title: "Administrator", Words: yesNo, names: []string{"admin", "is admin", "administrator", "superuser"}},
		{Name: "mfa.enrolled", Title: "Has a second factor", Words: yesNo, names: []string{"mfa", "2fa", "mfa enabled", "two-factor", "2sv enrolled", "mfa enrolled"}},
		{Name: "createdAt", Title: "Made on", Date: "start", names: []string{"created", "created at", "creation date", "created on"}},
	}},
}

// FindList is a kind of list by the type of its items.
func FindList(typ string) (*List, error) {
	for i := range Lists {
		if Lists[i].Type == typ {
			return &Lists[i], nil
		}
	}
	return nil, fmt.Errorf("%w: there is no list of %q; there are lists of person and account", audit.ErrInvalid, typ)
}

// A Mapping is what somebody says the columns of a list mean.
type Mapping struct {
	System  string                       // of accounts
	Columns map[string]string            // by field
	Words   map[string]map[string]string // by field: what a word of the column means; "": not known
	Dates   string                       // layout
	Empty   map[string]bool              // by field: an empty cell means what the field says
}

// Guess is a mapping by the names of columns, for a person to correct.
func (l *List) Guess(t *Table) Mapping {
	m := Mapping{Columns: map[string]string{}, Words: map[string]map[string]string{}, Empty: map[string]bool{}}
	var dates []string
	for _, f := range l.Fields {
		for _, name := range f.names {
			i := slices.IndexFunc(t.Columns, func(c string) bool { return strings.ToLower(strings.TrimSpace(c)) == name })
			if i < 0 {
				continue
			}
			m.Columns[f.Name] = t.Columns[i]
			if f.Date != "" {
				dates = append(dates, t.Columns[i])
			}
			m.Empty[f.Name] = f.Empty != ""
			break
		}
	}
	m.Dates = t.GuessDates(dates...)
	l.GuessWords(t, &m)
	return m
}

// GuessWords says of the words of columns that are not said yet what they may mean.
func (l *List) GuessWords(t *Table, m *Mapping) {
	for _, f := range l.Fields {
		if f.Words == nil || m.Columns[f.Name] == "" || m.Words[f.Name] != nil {
			continue
		}
		m.Words[f.Name] = map[string]string{}
		for _, w := range t.Words(m.Columns[f.Name]) {
			m.Words[f.Name][w] = guess(w, f.Words)
		}
	}
}

// meanings are words of exports by what they often mean.
var meanings = map[string][]string{
	"active": {"active", "enabled", "current", "employed", "yes", "true", "1", "aktiv"}, "ended": {"ended", "terminated", "inactive", "left", "former", "no", "false", "0", "leaver"},
	"leave": {"leave", "on leave", "parental leave"}, "pending": {"pending", "invited", "future", "hired", "staged", "not started"},
	"suspended": {"suspended", "locked", "paused"}, "disabled": {"disabled", "deactivated", "inactive", "deleted", "no", "false", "0"},
	"employee": {"employee", "full-time", "full time", "part-time", "part time", "permanent", "w2", "regular"}, "contractor": {"contractor", "contract", "freelance", "freelancer", "1099", "consultant"},
	"intern": {"intern", "trainee", "working student"}, "human": {"human", "user", "person", "member", "employee"}, "service": {"service", "service account", "bot", "machine"},
	"shared": {"shared"}, "guest": {"guest", "external"}, "true": {"true", "yes", "y", "1", "enabled", "on", "enrolled", "admin"}, "false": {"false", "no", "n", "0", "disabled", "off", "none", "not enrolled", "user"},
}

func guess(word string, of []string) string {
	for _, w := range of {
		if slices.Contains(meanings[w], strings.ToLower(strings.TrimSpace(word))) {
			return w
		}
	}
	return ""
}

// Source is the file of the connection that reads such lists from the folder
// exports/NAME, each as of the day in its name. What cannot be said that way is
// audit.ErrInvalid.
func (l *List) Source(name string, t *Table, m Mapping) ([]byte, error) {
	if err := l.check(t, m); err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, from lists brought on the screen. docs/formats/files-mapping.md explains every key.\nkind: files\nwith:\n  streams:\n", l.Title)
	fmt.Fprintf(&b, "    - files: %s\n      format: csv\n", quote(ListFolder(name)+"/*.csv"))
	if t.Separator != ',' {
		fmt.Fprintf(&b, "      separator: %s\n", quote(string(t.Separator)))
	}
	fmt.Fprintf(&b, "      type: %s\n      mode: snapshot\n", l.Type)
	id := "hr/{" + m.Columns["id"] + "}"
	if l.Type == "account" {
		id = m.System + "/{" + m.Columns["id"] + "}"
		fmt.Fprintf(&b, "      scope: %s\n", quote(m.System))
	}
	fmt.Fprintf(&b, "      asOf: { path: %s }\n      id: %s\n      fields:\n", quote(`(\d{4}-\d{2}-\d{2})\.csv$`), quote(id))
	if l.Type == "account" {
		fmt.Fprintf(&b, "        system: { value: %s }\n        login: %s\n", quote(m.System), quote(m.Columns["id"]))
	}
	for _, f := range l.Fields {
		if text := f.value(m); text != "" {
			fmt.Fprintf(&b, "        %s: %s\n", f.Name, text)
		}
	}
	if c := m.Columns["person"]; c != "" {
		fmt.Fprintf(&b, "      links: { person: %s, account: %s, basis: %s }\n", quote("hr/{"+c+"}"), quote(id), quote("column "+c+" of the list of accounts"))
	}
	return []byte(b.String()), nil
}

// OneWord is a system's name as evidence keeps it: in lower case, with hyphens
// for spaces, such as google-workspace for "Google Workspace".
func OneWord(name string) string {
	return strings.ToLower(strings.Join(strings.Fields(name), "-"))
}

func (l *List) check(t *Table, m Mapping) error {
	if l.Type == "account" && (m.System == "" || len(m.System) > 60 || strings.ContainsAny(m.System, "/{}|\\\" \t\r\n")) {
		return fmt.Errorf("%w: system: name the system the accounts are of in one word, such as okta", audit.ErrInvalid)
	}
	for _, f := range l.Fields {
		c := m.Columns[f.Name]
		switch {
		case c == "" && f.Needed:
			return fmt.Errorf("%w: %s: say which column holds it", audit.ErrInvalid, f.Title)
		case c != "" && !slices.Contains(t.Columns, c):
			return fmt.Errorf("%w: %s: the file has no column %q", audit.ErrInvalid, f.Title, c)
		case c != "" && f.Words != nil && len(t.Words(c)) == 0:
			return fmt.Errorf("%w: %s: column %q is empty or holds too many different values to be that", audit.ErrInvalid, f.Title, c)
		}
		for _, w := range m.Words[f.Name] {
			if w != "" && !slices.Contains(f.Words, w) {
				return fmt.Errorf("%w: %s: %q is none of %s", audit.ErrInvalid, f.Title, w, strings.Join(f.Words, ", "))
			}
		}
	}
	if !slices.ContainsFunc(DateForms, func(f DateForm) bool { return f.Layout == m.Dates }) {
		return fmt.Errorf("%w: days: %q is no way of writing them that is offered", audit.ErrInvalid, m.Dates)
	}
	return nil
}

// value is what the mapping says of one field; "" for nothing.
func (f ListField) value(m Mapping) string {
	c := m.Columns[f.Name]
	switch {
	case f.Name == "id" || f.Name == "person":
		return ""
	case c == "" && f.Name == "status" && m.Columns["endedAt"] != "":
		// Whoever has a last day may have left: of them nothing is said, which no
		// test takes for work here.
		if !m.Empty["endedAt"] {
			return ""
		}
		return "{ column: " + quote(m.Columns["endedAt"]) + `, values: { "": ` + f.Otherwise + " }, else: unknown }"
	case c == "" && f.Otherwise != "":
		return "{ value: " + f.Otherwise + " }"
	case c == "":
		return ""
	case f.Words != nil:
		return f.words(c, m.Words[f.Name])
	case f.Date == "":
		return quote(c)
	}
	text := "{ column: " + quote(c) + ", date: " + f.Date
	if m.Dates != "" {
		text += ", layout: " + quote(m.Dates)
	}
	if f.Empty != "" && m.Empty[f.Name] {
		text += `, none: [""]`
	}
	return text + " }"
}

// words translates a column word by word; of those nobody knows nothing is said.
func (f ListField) words(column string, means map[string]string) string {
	by := map[string][]string{}
	for w, m := range means {
		by[m] = append(by[m], quote(w))
	}
	list := func(m string) string { slices.Sort(by[m]); return "[" + strings.Join(by[m], ", ") + "]" }
	text := "{ column: " + quote(column)
	if slices.Equal(f.Words, yesNo) {
		text += `, "true": ` + list("true") + `, "false": ` + list("false")
	} else {
		var pairs []string
		for _, m := range f.Words {
			slices.Sort(by[m])
			for _, w := range by[m] {
				pairs = append(pairs, w+": "+m)
			}
		}
		text += ", values: { " + strings.Join(pairs, ", ") + " }, else: error"
	}
	if len(by[""]) > 0 {
		text += ", unknown: " + list("")
	}
	return text + " }"
}

// ListFolder is where the lists of a connection lie, in the workspace.
func ListFolder(name string) string { return "exports/" + name }

// ListFile is where a list as of a day lies.
func ListFile(name, day string) string { return ListFolder(name) + "/" + name + "-" + day + ".csv" }

// quote is a text as YAML reads it back, in double quotes (YAML 1.2, 5.7).
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
