package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tieout/engagement/packet"
	"tieout/examination"
	"tieout/ledger"
	"tieout/period"
	"tieout/source/all"
)

// refused wants a command to end so, and to say that.
func (w *examWorld) refused(code int, says, who string, args ...string) {
	w.t.Helper()
	got := w.as(who, args...)
	if said := strings.Join(strings.Fields(got.err+got.out), " "); got.code != code || !strings.Contains(said, says) {
		w.t.Errorf("%s: %s: exit %d, want %d with %q:\n%s", who, strings.Join(args, " "), got.code, code, says, said)
	}
}

// empty wants a folder that is not there, or has nothing in it.
func (w *examWorld) empty(parts ...string) {
	w.t.Helper()
	if list, err := os.ReadDir(filepath.Join(append([]string{w.dir}, parts...)...)); err == nil && len(list) > 0 {
		w.t.Errorf("%s holds %d files, want none", filepath.Join(parts...), len(list))
	}
}

// TestSeveralClients: what was released to one client is not put where another
// finds it.
func TestSeveralClients(t *testing.T) {
	if testing.Short() {
		t.Skip("two workspaces with people; it runs without -short")
	}
	w := newExamWorld(t)
	team := map[string]string{"paula": "partner"}
	w.accepted("EN-1", w.terms("en1.yaml", "2026-03-01", "2026-03-31", ""), team)
	_, key, err := ledger.GenerateKey("beta.example")
	if err != nil {
		t.Fatal(err)
	}
	beta := strings.ReplaceAll(w.read("en1.yaml"), "name: Acme, key: \""+strings.TrimSpace(w.done("acme", "engagement", "key")), "name: Beta, key: \""+key)
	w.accepted("EN-2", w.write("en2.yaml", beta), team)
	carried := filepath.Join(w.dir, "carried")
	w.refused(exitUsage, "several clients (Acme, Beta); name the engagement", "firm", "engagement", "exchange", "--folder", carried)
	w.refused(exitUsage, "several clients (Acme, Beta); name the engagement", "firm", "engagement", "exchange", "--address", "https://tieout.acme.example")
	w.empty("carried")
	w.done("firm", "engagement", "exchange", "EN-1", "--folder", carried)
	list, err := packet.PendingIn(filepath.Join(carried, "to-client"))
	if err != nil || len(list) != 1 || list[0].Header.Engagement != "EN-1" {
		t.Errorf("carried to Acme: %+v, %v; want the terms of EN-1 alone", list, err)
	}
}

func (w *examWorld) read(name string) string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// secondFirm is another audit firm, which has accepted an engagement of Acme's.
func (w *examWorld) secondFirm(id, terms string) {
	w.t.Helper()
	if _, err := os.Stat(filepath.Join(w.dir, "other")); err != nil {
		w.done("", "init", filepath.Join(w.dir, "other"), "--firm", "--yes", "--name", "Sandgate LLP", "--zone", "UTC", "--quiet")
		w.person("other:pam", "Pam Oak", "partner@workspace")
	}
	w.done("other:pam", "engagement", "open", terms)
	w.done("other:pam", "engagement", "declare", "--independent", "-e", id)
	w.done("other:pam", "engagement", "assign", "pam@other.example", "partner", "-e", id)
	answers := strings.ReplaceAll(w.done("other", "engagement", "accept", "--questions"), "answer: \"\"", "answer: Looked at.")
	w.done("other:pam", "engagement", "accept", "-e", id, "--answers", w.write("answers2.yaml", answers), "--letter", w.write("letter.txt", "We examine your system."))
}

// TestAnotherFirm: a company that changes its auditor takes nothing more of the
// first, says so where the second uses the same number, and takes its terms under
// another. What fails with one firm keeps nothing of the other's.
func TestAnotherFirm(t *testing.T) {
	if testing.Short() {
		t.Skip("three workspaces with people; it runs without -short")
	}
	w := newExamWorld(t)
	en1 := w.terms("en1.yaml", "2026-03-01", "2026-03-31", "")
	w.accepted("EN-1", en1, map[string]string{"paula": "partner"})
	first, second := filepath.Join(w.dir, "carried"), filepath.Join(w.dir, "second")
	key := strings.TrimSpace(w.done("firm", "engagement", "key"))
	w.done("acme:lea", "engagement", "invite", "Brookline Assurance LLP", key)
	w.done("firm", "engagement", "exchange", "--folder", first)
	w.done("acme", "engagement", "exchange", "--folder", first)

	w.refused(exitUsage, "needs --why", "acme:lea", "engagement", "uninvite", originOf(key))
	w.done("acme:lea", "engagement", "uninvite", originOf(key), "--why", "another firm examines us")
	w.refused(exitForbidden, "not invited any more", "acme", "engagement", "exchange", "--folder", first)

	w.secondFirm("EN-1", en1)
	w.done("other", "engagement", "exchange", "--folder", second)
	w.done("acme:lea", "engagement", "invite", "Sandgate LLP", strings.TrimSpace(w.done("other", "engagement", "key")))
	w.refused(exitFailed, "each firm numbers its own. Ask Sandgate LLP", "acme", "engagement", "exchange", "--folder", second)
	w.empty("second", "to-firm")

	en7 := w.write("en7.yaml", "id: EN-7\n"+w.read("en1.yaml"))
	w.secondFirm("EN-7", en7)
	w.refused(exitFailed, "EN-7 is an engagement here already", "other:pam", "engagement", "open", en7)
	w.refused(exitFailed, "no number of an engagement", "other:pam", "engagement", "open", w.write("bad.yaml", "id: EN-07\n"+w.read("en1.yaml")))
	w.refused(exitFailed, "an engagement keeps its number", "other:pam", "engagement", "terms", en7, "-e", "EN-1", "--why", "x")
	w.done("other", "engagement", "exchange", "EN-7", "--folder", second)
	if got := w.done("acme", "engagement", "exchange", "EN-7", "--folder", second); !strings.HasPrefix(got, "EN-7: 1 packet taken;") {
		t.Errorf("the second firm's terms under another number: %q", got)
	}

	p, err := period.Open(t.Context(), filepath.Join(w.dir, "other"), period.Options{Drivers: all.Drivers, Now: w.clock, Getenv: func(string) string { return "" }, Tieout: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	other, err := examination.NewFirm(p)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(packet.Serve(other.Keeper))
	defer server.Close()
	w.done("acme:lea", "engagement", "invite", "Sandgate LLP", strings.TrimSpace(w.done("other", "engagement", "key")), "--address", server.URL)
	w.done("acme:lea", "engagement", "invite", "Brookline Assurance LLP", key, "--address", "http://127.0.0.1:1")
	w.refused(exitUsage, "several firms (Brookline Assurance LLP, Sandgate LLP); name the engagement", "acme", "engagement", "exchange", "--folder", first)
	got := w.as("acme", "engagement", "exchange")
	if got.code != exitInconclusive || !strings.Contains(got.out, "EN-7: ") || !strings.Contains(got.err, "EN-1: ") {
		t.Errorf("one server is away: exit %d, want %d with what came of EN-7\n%s%s", got.code, exitInconclusive, got.out, got.err)
	}
}
