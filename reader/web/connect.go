// Over 500 lines: a connection from its kind to its removal is read in one place.

package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	"tieout/reader/jobs"
	"tieout/report"
	"tieout/source"
)

// connectRoutes are S25, where a source is connected and removed.
var connectRoutes = []route{
	{pattern: "GET /connectors/new", needs: "source.manage", do: (*request).kindsPage},
	{pattern: "GET /connectors/new/{kind}", needs: "source.manage", do: (*request).kindPage, example: "/connectors/new/github"},
	{pattern: "POST /connectors/new/{kind}", needs: "source.manage", do: (*request).connectKind, example: "/connectors/new/github"},
	{pattern: "GET /connectors/remove/{source}", needs: "source.manage", do: (*request).removePage, example: "/connectors/remove/hr"},
	{pattern: "POST /connectors/remove/{source}", needs: "source.manage", do: (*request).removeSource, example: "/connectors/remove/none"},
}

// Limits of a trial on a screen.
const (
	trialTime  = 60 * time.Second
	trialReach = 7 * 24 * time.Hour
)

func (q *request) kindsPage() error {
	search := strings.TrimSpace(q.URL.Query().Get("q"))
	groups := connect.Grouped(q.st.p.Drivers, search)
	n := 0
	for _, g := range groups {
		n += len(g.Kinds)
	}
	q.Title, q.Heading = "Connect", "Connect a source"
	q.Say = sayKinds(n, len(q.st.p.Drivers), search)
	q.Way = []link{{"Connectors", q.to("/connectors")}, {"Connect", ""}}
	q.Code = []string{"tieout connector list", "tieout connector add KIND"}
	return q.render("kinds.html", struct {
		*page
		Groups []connect.Group
		Text   string
	}{&q.page, groups, search})
}

// sayKinds says how many kinds of source there are to choose from.
func sayKinds(n, all int, search string) string {
	switch {
	case search == "":
		return fmt.Sprintf("%s can be read, each with the least permission it needs. Nothing is ever written to them.", report.Capital(report.Plural(all, "kind of source", "kinds of source")))
	case n == 0:
		return fmt.Sprintf("No kind of source is called %q. Whatever can export a list can be read as a file.", search)
	}
	if n == 1 {
		return fmt.Sprintf("1 kind of %d matches %q.", all, search)
	}
	return fmt.Sprintf("%s of %d match %q.", report.Capital(report.Plural(n, "kind", "kinds")), all, search)
}

// A settingField is one setting as the form asks for it.
type settingField struct {
	source.Setting
	Value string // as typed; of a secret its reference
	Kept  bool   // a secret that was typed and waits
}

// A trialRow is what one stream of a trial gave, in words.
type trialRow struct {
	What, Scope, Items, Word, Class string
	Why                             string
}

type connectPage struct {
	*page
	D        *source.Driver
	Gives    string
	ByHand   string
	Name     string
	Fields   []settingField
	Draft    string
	Tried    bool
	Trial    []trialRow
	TrialSay string
	Connect  bool // what is typed was tried, and something could be read
	InGit    bool
	File     string // the prepared file
}

// EnvPrefix begins the names of variables that can be a secret here.
func (connectPage) EnvPrefix() string { return connect.EnvPrefix }

func (q *request) kindPage() error {
	d, err := q.st.p.Drivers.Find(q.PathValue("kind"))
	if err != nil {
		return err
	}
	return q.showConnect(connectPage{D: d, Name: q.freeName(d.Name)}, nil, draft{})
}

// freeName is a name for a connection that none has.
func (q *request) freeName(kind string) string {
	name := kind
	for i := 2; slices.Contains(q.sources(), name); i++ {
		name = fmt.Sprintf("%s-%d", kind, i)
	}
	return name
}

func (q *request) showConnect(data connectPage, written map[string]string, x draft) error {
	d := data.D
	data.page, data.Gives, data.ByHand, data.InGit = &q.page, inWords(d), connect.ByHand(d), period.InGit(q.st.p.Dir)
	for _, s := range connect.OnScreen(d) {
		_, kept := x.secrets[s.Name]
		f := settingField{Setting: s, Value: written[s.Name], Kept: kept}
		if kept {
			f.Value = ""
		}
		data.Fields = append(data.Fields, f)
	}
	q.Title, q.Heading = "Connect "+d.Title, "Connect "+d.Title
	q.Say = sayConnect(len(d.Scopes))
	q.Way = []link{{"Connectors", q.to("/connectors")}, {"Connect", q.to("/connectors/new")}, {d.Name, ""}}
	q.Code = []string{"tieout connector show " + d.Name, "tieout connector add " + d.Name, "tieout connector test " + cmp.Or(data.Name, d.Name)}
	return q.render("connect.html", data)
}

// sayConnect says what a connection asks for.
func sayConnect(scopes int) string {
	switch scopes {
	case 0:
		return "It reads only, and asks nobody for a permission. Try it first: nothing is kept until you connect it."
	case 1:
		return "It reads only, with the one permission below. Try it first: nothing is kept until you connect it."
	}
	return fmt.Sprintf("It reads only, with the %s below. Try it first: nothing is kept until you connect it.", report.Plural(scopes, "permission", "permissions"))
}

// inWords is what a kind gives.
func inWords(d *source.Driver) string {
	if len(d.Types) == len(audit.ItemTypes) {
		return "whatever you say a row is"
	}
	out := make([]string, len(d.Types))
	for i, t := range d.Types {
		out[i] = manyOf(t)
	}
	return strings.Join(out, ", ")
}

// connectKind tries what was typed, or connects what was tried.
func (q *request) connectKind() error {
	d, err := q.st.p.Drivers.Find(q.PathValue("kind"))
	if err != nil {
		return err
	}
	return q.amending(func(p *period.Program) error {
		data, written := connectPage{D: d, Name: q.field("name")}, map[string]string{}
		x, key := q.typedConnection(d, data.Name, written)
		body, err := q.prepared(p, d, data.Name, written)
		if err == nil && q.field("do") == "connect" && x.tested == string(body) {
			return q.connected(p, data.Name, body, x, key)
		}
		if err == nil {
			data.File = string(body)
			err = q.try(p, &data, x)
		}
		x.tested = map[bool]string{true: string(body)}[data.Connect]
		data.Draft = q.s.drafts.put(key, x, q.s.o.Now())
		if err != nil {
			if err := q.problem(err); err != nil {
				return err
			}
		}
		return q.showConnect(data, written, x)
	})
}

// typedConnection reads the form: settings by name as they are written, secrets
// into the draft, with a reference to where they will lie.
func (q *request) typedConnection(d *source.Driver, name string, written map[string]string) (draft, string) {
	key := q.field("draft")
	x, ok := q.s.drafts.get(key, q.who.Account, d.Name, q.s.o.Now())
	if !ok {
		x, key = draft{account: q.who.Account, kind: d.Name}, ""
	}
	secrets := map[string]string{}
	for _, s := range connect.OnScreen(d) {
		if text := q.field("set." + s.Name); text != "" {
			written[s.Name] = text
		}
		if !s.Secret || written[s.Name] != "" {
			continue
		}
		secret := strings.TrimSpace(q.PostForm.Get("secret." + s.Name))
		if secret = cmp.Or(secret, x.secrets[s.Name]); secret != "" {
			secrets[s.Name], written[s.Name] = secret, "file:"+connect.SecretFile(name, s.Name)
		}
	}
	x.secrets = secrets
	return x, key
}

// maxSecret is how long a secret can be, in bytes: a service account's key file
// is a few thousand.
const maxSecret = 64 << 10

// prepared is the file that was typed, once it was held to what may be connected
// here, and to what the kind takes.
func (q *request) prepared(p *period.Program, d *source.Driver, name string, written map[string]string) ([]byte, error) {
	if !definition.SourceName(name) || len(name) > 60 {
		return nil, fmt.Errorf("%w: name: %q is no name for a connection: lower case letters, digits, - and _, at most 60", audit.ErrInvalid, name)
	}
	if slices.ContainsFunc(p.Def.Sources, func(s definition.SourceDef) bool { return s.Name == name }) {
		return nil, fmt.Errorf("%w: name: there is a connection %q already", audit.ErrInvalid, name)
	}
	for _, text := range q.PostForm {
		if len(text) > 0 && len(text[0]) > maxSecret {
			return nil, fmt.Errorf("%w: a setting has more than %d bytes", audit.ErrInvalid, maxSecret)
		}
	}
	values, err := connect.Read(d, written)
	if err != nil {
		return nil, err
	}
	if err := connect.CheckScreen(d, p.Def, name, values); errors.Is(err, audit.ErrForbidden) {
		return nil, fmt.Errorf("%w: %s", audit.ErrInvalid, reason(err, audit.ErrForbidden))
	} else if err != nil {
		return nil, err
	}
	body, missing := connect.File(d, values)
	if len(missing) > 0 {
		return nil, fmt.Errorf("%w: needed and not filled in: %s", audit.ErrInvalid, strings.Join(missing, ", "))
	}
	if err := connect.Open(d, name, p.Dir, values); err != nil {
		return nil, err
	}
	_, err = p.Def.With(map[string][]byte{"sources/" + name + ".yaml": body})
	return body, err
}

// try reads the connection once, keeps nothing, and says what it gave.
func (q *request) try(p *period.Program, data *connectPage, x draft) error {
	next, err := p.Def.With(map[string][]byte{"sources/" + data.Name + ".yaml": []byte(data.File)})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(next.Sources, func(s definition.SourceDef) bool { return s.Name == data.Name })
	data.Trial, data.TrialSay, data.Connect, err = q.tried(p, next.Sources[i], x.lend(p, data.Name), x)
	data.Tried = data.TrialSay != ""
	return err
}

// tried is a trial in words, and whether anything could be read. What a source
// says is shown without the secrets that were typed.
func (q *request) tried(p *period.Program, def definition.SourceDef, env source.Env, x draft) ([]trialRow, string, bool, error) {
	ctx, cancel := context.WithTimeout(q.Context(), cmp.Or(q.s.o.Trial, trialTime))
	defer cancel()
	streams, err := p.TryDef(ctx, def, env, trialReach)
	late := errors.Is(ctx.Err(), context.DeadlineExceeded)
	if err != nil && !late {
		return nil, "", false, fmt.Errorf("%w: %s", audit.ErrInvalid, x.without(err.Error()))
	}
	rows, good := []trialRow{}, 0
	for _, m := range streams {
		row := trialRow{What: report.Capital(manyOf(m.Type)), Scope: m.Scope, Items: report.Number(m.Items), Word: "Can be read", Class: "ok", Why: x.without(strings.Join(m.Cannot, "; "))}
		if !m.Complete {
			row.Word, row.Class, row.Why = "Cannot be read", "gap", x.without(m.Reason)
		} else {
			good++
		}
		rows = append(rows, row)
	}
	return rows, sayTrial(len(rows), good, late), good > 0, nil
}

// without takes the secrets that were typed out of a text.
func (x draft) without(text string) string {
	for _, s := range x.secrets {
		text = strings.ReplaceAll(text, s, "(the secret)")
	}
	return text
}

// sayTrial says what came of a trial.
func sayTrial(n, good int, late bool) string {
	var s string
	switch {
	case n == 0 && late:
		return "It gave nothing in the time a trial has: the address does not answer, or answers too slowly. Check the address. Nothing was kept."
	case n == 0:
		s = "Nothing was given, so there is nothing to connect"
	case good == 0:
		s = "Nothing of it can be read, for the reasons below"
	case n == 1:
		s = "It can be read"
	case good == n:
		s = "All " + report.Words(n) + " kinds of what it gives can be read"
	default:
		s = fmt.Sprintf("%d of %d kinds of what it gives can be read; the rest will be gaps in evidence, for the reasons below", good, n)
	}
	if late {
		s += "; the trial ended before all was read"
	}
	return s + ". Nothing was kept."
}

// connected writes the connection, applies it, and has it read for the first time.
func (q *request) connected(p *period.Program, name string, body []byte, x draft, key string) error {
	if err := access.Require(q.who, "source.collect", access.Object{}); err != nil {
		return err
	}
	if err := keepSecrets(p.Dir, name, x.secrets); err != nil {
		return err
	}
	if _, err := p.Amend(q.Context(), map[string][]byte{"sources/" + name + ".yaml": body}); err != nil {
		return errors.Join(err, dropSecrets(p.Dir, name))
	}
	q.s.drafts.drop(key)
	return q.firstRead(p, name)
}

// firstRead has a new connection read, and goes to where that is shown.
func (q *request) firstRead(p *period.Program, name string) error {
	j, _, err := jobs.Start(q.Context(), q.queue(), p.Def, jobs.Collect, jobs.Payload{Sources: []string{name}}, q.by())
	if err != nil {
		return err
	}
	if q.s.o.Wake != nil {
		q.s.o.Wake()
	}
	return q.done(q.at("jobs", j.ID), "Connected. It is read for the first time now; you can close this page.")
}

// keepSecrets writes what was typed into files that only this program's account
// on the machine reads.
func keepSecrets(dir, name string, secrets map[string]string) error {
	if len(secrets) == 0 {
		return nil
	}
	if err := durable.MkdirAll(filepath.Join(dir, filepath.FromSlash(connect.SecretsDir)), 0o700); err != nil {
		return err
	}
	for setting, secret := range secrets {
		if err := durable.Write(filepath.Join(dir, filepath.FromSlash(connect.SecretFile(name, setting))), []byte(secret+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// dropSecrets removes the secrets that were typed for a connection.
func dropSecrets(dir, name string) (err error) {
	root := filepath.Join(dir, filepath.FromSlash(connect.SecretsDir))
	entries, _ := os.ReadDir(root) // there is none where none was typed
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), name+".") {
			err = errors.Join(err, os.Remove(filepath.Join(root, e.Name())))
		}
	}
	return err
}

type removePage struct {
	*page
	Name  string
	InGit bool
	Lost  []string
	Base  string
	Named []string // where the workspace's files still name it, so that it cannot go yet
}

func (q *request) removePage() error {
	return q.amending(func(p *period.Program) error { return q.showRemove(p) })
}

func (q *request) showRemove(p *period.Program) error {
	name := q.PathValue("source")
	def, err := sourceOf(p, name)
	if err != nil {
		return err
	}
	q.Title, q.Heading = "Remove "+name, "Remove "+name
	next, err := p.Def.With(map[string][]byte{def.File: nil})
	if errors.Is(err, audit.ErrInvalid) {
		return q.showNamed(p, name, err)
	}
	if err != nil {
		return err
	}
	lost := lostControls(p, next)
	q.Say = sayRemove(name, len(lost), report.Day(p.Now(), p.Period.Location()))
	q.Way = []link{{"Connectors", q.to("/connectors")}, {name, ""}, {"Remove", ""}}
	q.Code = []string{"rm " + def.File, "tieout apply"}
	return q.render("removesource.html", removePage{page: &q.page, Name: name, InGit: period.InGit(p.Dir), Lost: lost, Base: p.Def.Hash()})
}

// showNamed says which of the workspace's files still name a connection: until
// they do not, it cannot be removed.
func (q *request) showNamed(p *period.Program, name string, err error) error {
	q.Say = "Other files of the workspace still name " + name + ", so it cannot be removed yet. Take it out of them first."
	q.Way = []link{{"Connectors", q.to("/connectors")}, {name, ""}, {"Remove", ""}}
	var lines []string
	for _, line := range strings.Split(reason(err, audit.ErrInvalid), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return q.render("removesource.html", removePage{page: &q.page, Name: name, InGit: period.InGit(p.Dir), Named: lines})
}

func sourceOf(p *period.Program, name string) (definition.SourceDef, error) {
	for _, s := range p.Def.Sources {
		if s.Name == name {
			return s, nil
		}
	}
	return definition.SourceDef{}, fmt.Errorf("%w: connection %q", audit.ErrNotFound, name)
}

// lostControls are the controls that could be tested and cannot any more.
func lostControls(p *period.Program, next *definition.Workspace) (out []string) {
	types := func(kind string) []string {
		d, err := p.Drivers.Find(kind)
		if err != nil {
			return nil
		}
		return d.Types
	}
	testable := func(w *definition.Workspace) map[string]bool {
		is := map[string]bool{}
		sel := w.Select(types)
		for _, c := range sel.Controls {
			is[c.ID] = true
		}
		for _, c := range sel.Untested {
			delete(is, c.Control.ID)
		}
		return is
	}
	after := testable(next)
	for id := range testable(p.Def) {
		if !after[id] {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// sayRemove says what it means for the period to remove a connection.
func sayRemove(name string, lost int, today string) string {
	s := "What " + name + " gave stays sealed and goes on counting. From " + today + " on nothing is read from it, so tests that rest on it find no evidence for the days after"
	switch lost {
	case 0:
		return s + "; other sources still serve every control that can be tested."
	case 1:
		return s + ", and one control cannot be tested any more."
	}
	return s + ", and " + report.Words(lost) + " controls cannot be tested any more."
}

func (q *request) removeSource() error {
	return q.amending(func(p *period.Program) error {
		name := q.PathValue("source")
		def, err := sourceOf(p, name)
		if err != nil {
			return err
		}
		if q.field("base") != p.Def.Hash() {
			err = fmt.Errorf("%w: somebody has changed the workspace since this page was opened. Read what it means now, and remove it again", audit.ErrConflict)
		} else {
			_, err = p.Amend(q.Context(), map[string][]byte{def.File: nil})
		}
		if err == nil {
			if err = dropSecrets(p.Dir, name); err != nil {
				return err
			}
			return q.done("/connectors", name+" is removed, with the secrets typed for it. What it gave stays sealed.")
		}
		if err := q.problem(err); err != nil {
			return err
		}
		return q.showRemove(p)
	})
}

// manyOf is an item type in words, for many.
func manyOf(typ string) string {
	var b strings.Builder
	for _, r := range typ {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	s := b.String()
	switch {
	case s == "person":
		return "people"
	case strings.HasSuffix(s, "cy") || strings.HasSuffix(s, "ty") || strings.HasSuffix(s, "ry"):
		return strings.TrimSuffix(s, "y") + "ies"
	case s == "training" || s == "personnel":
		return s
	}
	return s + "s"
}
