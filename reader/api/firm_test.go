package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tieout/access"
	"tieout/engagement/fieldwork"
	"tieout/engagement/gatestest"
)

// firmStandings are the roles of a firm's workspace, as far as each reaches.
func firmStandings() []standing {
	out := []standing{{"no role", nil}}
	for _, r := range access.Roles {
		if r.Workspace != access.Firm {
			continue
		}
		for _, scope := range r.Scopes {
			objects := []string{""}
			if scope == access.ScopeEngagement {
				objects = []string{gatestest.ID, "EN-9"}
			}
			for _, o := range objects {
				out = append(out, standing{strings.TrimSuffix(string(r.ID)+"@"+string(scope)+":"+o, ":"), []access.Grant{{Role: r.ID, Scope: scope, Object: o}}})
			}
		}
	}
	return out
}

// named is an ID that is there, for each kind of thing in a file.
var named = map[string]string{"tests": gatestest.OpTest, "papers": gatestest.OpTest, "reliance": gatestest.Changes, "requests": "RQ-1", "populations": "P-1", "samples": "S-2", "findings": "X-1", "notes": "N-1", "comments": "C-1"}

// inPathOf is a path that a firm's call takes.
func (op *operation) inPathOf() string {
	path := op.target(map[string]string{"engagement": gatestest.ID})
	for kind, id := range named {
		path = strings.ReplaceAll(path, "/"+kind+"/{id}", "/"+kind+"/"+id)
	}
	return path
}

// TestEveryFirmCallAndRole walks every call of a firm's workspace with a token of
// every role at every scope, signed where only a person may, over a file that is
// locked: what the table of rights lets through changes nothing any more. It
// holds the answers to testdata/matrix-firm.txt, and each to the document.
func TestEveryFirmCallAndRole(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	f := newFirmWorld(t)
	gatestest.Walk(f.firm, func(gatestest.Case) {})
	list, walkers := firmStandings(), []*client{}
	var b strings.Builder
	for i, st := range list {
		fmt.Fprintf(&b, "column %2d: %s\n", i+1, st.name)
		walkers = append(walkers, f.walker(i, st))
	}
	b.WriteString("x: the call got through; -: it was refused; t: no token can be made for the role\n\n")
	company := 0
	for _, op := range f.api.calls {
		if op.where() == access.Company {
			company++
			want(t, op.id, f.person(fieldwork.DutyPartner).send(op.method, op.target(nil), op.sends), http.StatusForbidden)
			continue
		}
		fmt.Fprintf(&b, "%-60s %-18s %s", op.method+" "+op.path, op.needs, map[bool]string{true: "p", false: " "}[op.byPerson()])
		for i, c := range walkers {
			pairs := []string{"If-Match", `"99"`}
			if op.byPerson() {
				pairs = append(pairs, c.signing(f.keys, op.method, op.inPathOf(), op.sends, pairs...)...)
			}
			got := c.send(op.method, op.inPathOf(), op.sends, pairs...)
			b.WriteString(" " + outcomeOf(t, op, list[i], c, got))
			if got.Code < 300 {
				f.holdToDocument(op, got)
			}
			if op.method == http.MethodGet && got.Code >= 400 && got.Code != http.StatusForbidden && got.Code != http.StatusUnauthorized {
				t.Errorf("%s as %s: %d %s", op.id, list[i].name, got.Code, got.Body)
			}
		}
		b.WriteByte('\n')
	}
	if company < 70 {
		t.Errorf("%d calls of a company's workspace tried; want 70 or more", company)
	}
	holdGolden(t, filepath.Join("testdata", "matrix-firm.txt"), b.String())
}

// beside sends a request without moving the clock, which others read.
func (f *firmWorld) beside(c *client, method, path, body string, pairs ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, Prefix+path, strings.NewReader(body))
	r.Host = host
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	pairs = append(pairs, c.signing(f.keys, method, path, body, pairs...)...)
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	w := httptest.NewRecorder()
	f.web.ServeHTTP(w, r)
	return w
}

// TestThreeAtOnce: two testers and a reviewer on one workpaper at the same time
// lose nothing: who marks a cell that somebody else marked meanwhile is told so,
// every other mark and every note is there.
func TestThreeAtOnce(t *testing.T) {
	f := newFirmWorld(t)
	gatestest.Drawn(f.firm)
	one, two, reviewer := f.person(fieldwork.DutyStaff), f.person(otherStaff), f.person(fieldwork.DutyManager)
	path := inFile("/papers/%s", gatestest.OpTest)
	if got := f.beside(one, "POST", path, `{"sample":"S-2"}`); got.Code != http.StatusCreated {
		t.Fatalf("open: %d %s", got.Code, got.Body)
	}
	var items []string
	for _, r := range in(one.get(path), "result", "rows").([]any) {
		items = append(items, fmt.Sprint(in(r, "item")))
	}
	mark := func(c *client, item, attribute string) int {
		body := jsonOf(t, MarkText{CellName{item, attribute}, VerdictText{Mark: "Exception", Note: "by " + c.account}})
		return f.beside(c, "PUT", path+"/cell", body, "If-Match", `"0"`).Code
	}
	both := make(chan int, 2*len(items)) // answers on cells that both mark
	var wait sync.WaitGroup
	for c, own := range map[*client]string{one: "A", two: "B"} {
		wait.Go(func() {
			other := map[string]string{"A": "B", "B": "A"}[own]
			both <- mark(c, items[len(items)-1], other)
			for _, item := range items {
				if got := mark(c, item, own); item == items[len(items)-1] {
					both <- got
				} else if got != http.StatusOK {
					t.Errorf("%s marks %s %s: %d", c.account, item, own, got)
				}
			}
		})
	}
	wait.Go(func() {
		for i := range 6 {
			if got := f.beside(reviewer, "POST", path+"/notes", fmt.Sprintf(`{"text":"Note %d"}`, i)); got.Code != http.StatusCreated {
				t.Errorf("note %d: %d %s", i, got.Code, got.Body)
			}
		}
	})
	wait.Wait()
	close(both)
	told := 0
	for got := range both {
		if got == http.StatusPreconditionFailed {
			told++
		}
		if got != http.StatusOK && got != http.StatusPreconditionFailed {
			t.Errorf("a cell that both mark: %d; want it marked, or said that it changed", got)
		}
	}
	if told != 2 {
		t.Errorf("%d of two cells that both mark answered that they had changed; want each once", told)
	}
	paper := one.get(path)
	marked := 0
	for _, r := range in(paper, "result", "rows").([]any) {
		for _, c := range in(r, "cells").([]any) {
			if in(c, "mark") != "Exception" || in(c, "revision") != float64(1) || in(c, "earlier") != float64(0) {
				t.Errorf("cell %v", c)
			}
			marked++
		}
	}
	if marked != 2*len(items) || in(paper, "result", "untested") != float64(0) {
		t.Errorf("%d cells are marked; want %d, none lost", marked, 2*len(items))
	}
	notes, _ := in(one.get(inFile("/notes")), "items").([]any)
	if len(notes) != 6 {
		t.Errorf("%d notes; want all 6", len(notes))
	}
}
