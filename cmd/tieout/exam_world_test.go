package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/period"
	"tieout/source/all"
)

// An examWorld is a company and its auditor, each with a workspace, worked by
// commands alone in this process, and the folder that is carried between them.
type examWorld struct {
	t   *testing.T
	dir string
	now time.Time
}

// An ending is how a command ended.
type ending struct {
	code     int
	out, err string
}

func (w *examWorld) clock() time.Time {
	w.now = w.now.Add(50 * time.Millisecond)
	return w.now
}

// run runs a command; the first word names whose workspace it is in: "firm",
// "acme", or "" for none.
func (w *examWorld) run(where string, args ...string) ending {
	w.t.Helper()
	var out, notes bytes.Buffer
	if where != "" {
		args = append([]string{"-w", filepath.Join(w.dir, where)}, args...)
	}
	env := map[string]string{"XDG_STATE_HOME": filepath.Join(w.dir, "state"), "TIEOUT_ACTOR": "Maria Silva", "TZ": "UTC", "PW": "a long enough password", "WORDS": "four words nobody guesses"}
	code := Run(context.Background(), Environment{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &notes,
		Getenv: func(name string) string { return env[name] }, Getwd: func() (string, error) { return w.dir, nil }, Now: w.clock})
	return ending{code, out.String(), notes.String()}
}

// as runs a command as somebody: "firm:mika engagement show".
func (w *examWorld) as(who string, args ...string) ending {
	w.t.Helper()
	where, name, _ := strings.Cut(who, ":")
	if name != "" {
		args = append(args, "--as", name+"@"+where+".example")
	}
	return w.run(where, args...)
}

// done is as that has to end well.
func (w *examWorld) done(who string, args ...string) string {
	w.t.Helper()
	s := w.as(who, args...)
	if s.code != exitDone {
		w.t.Fatalf("%s: %s: exit %d\n%s%s", who, strings.Join(args, " "), s.code, s.out, s.err)
	}
	return s.out
}

func (w *examWorld) write(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// person makes an account with a role and signs it in.
func (w *examWorld) person(who, name, role string) {
	w.t.Helper()
	where, short, _ := strings.Cut(who, ":")
	link := strings.TrimSpace(w.done(where, "account", "invite", short+"@"+where+".example", "--name", name, "--role", role))
	w.done(where, "account", "accept", link, "--password", "env:PW")
	w.signIn(who)
}

func (w *examWorld) signIn(who ...string) {
	w.t.Helper()
	for _, x := range who {
		where, short, _ := strings.Cut(x, ":")
		w.done(where, "account", "sign-in", short+"@"+where+".example", "--password", "env:PW")
	}
}

// exchange carries the folder to and fro until both sides have everything.
func (w *examWorld) exchange() {
	w.t.Helper()
	for range 2 {
		w.done("firm", "engagement", "exchange", "--folder", filepath.Join(w.dir, "carried"))
		w.done("acme", "engagement", "exchange", "--folder", filepath.Join(w.dir, "carried"))
	}
}

// newExamWorld is Acme, tested over March 2026, and Brookline Assurance; nothing
// is between them yet.
func newExamWorld(t *testing.T) *examWorld {
	t.Helper()
	w := &examWorld{t: t, dir: t.TempDir(), now: time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)}
	w.done("", "init", filepath.Join(w.dir, "firm"), "--firm", "--yes", "--name", "Brookline Assurance LLP", "--zone", "UTC", "--quiet")
	w.done("", "init", filepath.Join(w.dir, "acme"), "--yes", "--name", "Acme", "--first", "2026-03-01", "--last", "2026-03-31", "--zone", "UTC", "--quiet")
	if err := os.RemoveAll(filepath.Join(w.dir, "acme", "sources")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(w.dir, "acme"), os.DirFS("../../examination/testdata/acme")); err != nil {
		t.Fatal(err)
	}
	w.person("firm:paula", "Paula Stone", "partner@workspace")
	w.person("firm:mika", "Mika Roth", "manager@workspace")
	w.person("firm:stef", "Stef Lund", "staff@engagement:EN-1")
	w.person("firm:quinn", "Quinn Hale", "quality-reviewer@engagement:EN-1")
	w.person("acme:lea", "Lea Moss", "compliance-lead@workspace")
	w.person("acme:sam", "Sam Ibe", "management-signer@workspace")
	for _, who := range []string{"firm:paula", "firm:mika", "acme:sam", "acme:lea"} {
		where, name, _ := strings.Cut(who, ":")
		w.done(where, "key", "new", name+"@"+where+".example", "--passphrase", "env:WORDS")
	}
	w.done("acme", "apply", "--quiet")
	w.done("acme", "collect", "--quiet")
	w.done("acme", "check", "--quiet")
	return w
}

// terms writes a file of terms; more is what is added to it.
func (w *examWorld) terms(name, first, last, more string) string {
	w.t.Helper()
	key := strings.TrimSpace(w.done("acme", "engagement", "key"))
	return w.write(name, "type: soc2-type2\nclient: { name: Acme, key: \""+key+"\" }\nsystem: Acme Cloud\nzone: UTC\nfirst: "+first+"\nlast: "+last+
		"\nqualityReview: true\ncategories: { S: in, A: not promised, PI: not promised, C: not promised, P: no data of consumers }\n"+more)
}

// accepted opens an engagement, with its team, and has a partner accept it.
func (w *examWorld) accepted(id, terms string, team map[string]string) {
	w.t.Helper()
	w.done("firm:paula", "engagement", "open", terms)
	for who := range team {
		w.done("firm:"+who, "engagement", "declare", "--independent", "-e", id)
	}
	for who, duty := range team {
		w.done("firm:paula", "engagement", "assign", who+"@firm.example", duty, "-e", id)
	}
	w.accepts(id)
}

// field is a value of what a command says as JSON, by its path.
func (w *examWorld) field(s string, path ...string) any {
	w.t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		w.t.Fatalf("%v in\n%s", err, s)
	}
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			w.t.Fatalf("no %s in\n%s", p, s)
		}
		v = m[p]
	}
	return v
}

// seen is the digest of what somebody signs off, as it stands: a test's workpaper,
// "opinions" or the "description".
func (w *examWorld) seen(what string) string {
	w.t.Helper()
	switch what {
	case "opinions":
		return w.field(w.done("firm", "opinion", "list", "-o", "json"), "summary", "digest").(string)
	case "description":
		return w.field(w.done("acme", "description", "show", "-o", "json"), "summary", "digest").(string)
	}
	return w.field(w.done("firm", "test", "show", what, "-o", "json"), "test", "digest").(string)
}

// drawn is the item of the sample.
func (w *examWorld) drawn() string {
	w.t.Helper()
	return w.field(w.done("firm", "sample", "show", "S-1", "-o", "json"), "sample", "items").([]any)[0].(string)
}

// nothingSealed wants a workspace's log to be as long after something as before.
func (w *examWorld) nothingSealed(where string, do func()) {
	w.t.Helper()
	size := func() int64 {
		p, err := period.Open(w.t.Context(), filepath.Join(w.dir, where), period.Options{Drivers: all.Drivers, Now: w.clock, Getenv: func(string) string { return "" }, Tieout: "test"})
		if err != nil {
			w.t.Fatal(err)
		}
		head, err := p.Store.Head(w.t.Context())
		if err = errors.Join(err, p.Close()); err != nil {
			w.t.Fatal(err)
		}
		return head.Size
	}
	before := size()
	do()
	if after := size(); after != before {
		w.t.Errorf("the log of %s has %d records more", where, after-before)
	}
}

// unconcluded are what has no conclusion, of one kind.
func (w *examWorld) unconcluded(kind string) (out []string) {
	w.t.Helper()
	for _, x := range w.field(w.done("firm", "conclude", "list", "--open", "-o", "json", "-e", "EN-1"), "items").([]any) {
		if on := x.(map[string]any)["on"].(string); strings.HasPrefix(on, kind+":") {
			out = append(out, on)
		}
	}
	return out
}
