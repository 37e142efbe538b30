package tasks_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/evidence"
	"tieout/period"
	"tieout/program"
	"tieout/reader/tasks"
	"tieout/source/all"
)

// A world is a workspace whose board meets, whose firewall reviews a file tells
// of, and a clock that tests move.
type world struct {
	*testing.T
	dir string
	at  time.Time
	p   *period.Program
}

const workspace = `organization: { name: Acme, system: Ledger, zone: Europe/Berlin, categories: [S] }
period: { name: "2026", first: 2026-01-01, last: 2026-12-31 }
`

var files = map[string]string{
	"tieout.yaml": workspace,
	"controls/own.yaml": `controls:
  - use: GOV-02
    owner: CEO
  - use: NET-02
    owner: Head of IT
  - use: RSK-01
    owner: CEO
`,
	"procedures/board.yaml":    "use: board.meeting\n",
	"procedures/firewall.yaml": "use: firewall.review\n",
	"procedures/risk.yaml":     "use: risk.assessment\n",
	"sources/program.yaml":     "kind: program\n",
	"sources/exports.yaml": `kind: files
with:
  streams:
    - files: exports/reviews-2026.csv
      format: csv
      type: revision
      mode: events
      covers: { path: "(\\d{4})" }
      id: "{id}"
      at: { column: at }
      fields: { kind: kind, subject: { value: "" }, by: by, approvedBy: { value: "" }, outcome: outcome, actions: { value: 0 }, document: { value: "" } }
`,
	"exports/reviews-2026.csv": "id,kind,by,outcome,at\nFW-1,firewall review,hr/7,No change,2026-05-04T09:00:00Z\n",
}

func newWorld(t *testing.T, change map[string]string) *world {
	w := &world{T: t, dir: t.TempDir(), at: time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC)}
	for name, text := range files {
		if other, ok := change[name]; ok {
			text = other
		}
		if text == "" {
			continue
		}
		path := filepath.Join(w.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.p, err = period.Open(t.Context(), w.dir, period.Options{Drivers: all.Drivers, Now: func() time.Time { return w.at },
		Getenv: func(string) string { return "" }, Actor: audit.Actor{Kind: audit.ActorPerson, Name: "Lea"}, Tieout: "test", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.p.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, _, err := w.p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// run collects and tests.
func (w *world) run() {
	w.Helper()
	if _, err := w.p.Collect(w.Context(), nil, func(period.Progress) {}); err != nil {
		w.Fatal(err)
	}
	if run, err := w.p.Check(w.Context(), period.CheckOptions{}); err != nil || !run.Recorded {
		w.Fatalf("check: %v", err)
	}
}

func (w *world) list() *tasks.List {
	w.Helper()
	l, err := tasks.Read(w.Context(), w.p, w.at)
	if err != nil {
		w.Fatal(err)
	}
	return l
}

func (w *world) find(id string) *tasks.Occurrence {
	w.Helper()
	o, err := w.list().Find(id)
	if err != nil {
		w.Fatal(err)
	}
	return o
}

func (w *world) day(d string) {
	w.Helper()
	at, err := time.Parse(time.DateOnly, d)
	if err != nil {
		w.Fatal(err)
	}
	w.at = at.Add(9 * time.Hour)
}

// minutes seals the minutes of a meeting.
func (w *world) minutes() string {
	w.Helper()
	recs, err := w.p.Seal.Seal(w.Context(), evidence.Draft{Kind: audit.RecordDocument, Media: "text/plain", Body: []byte("minutes")})
	if err != nil {
		w.Fatal(err)
	}
	return recs[0].Ref()
}

func (w *world) do(id, took, outcome string, documents ...string) program.Task {
	w.Helper()
	o := w.find(id)
	at, err := audit.ParseTime(took)
	if err != nil {
		w.Fatal(err)
	}
	t, err := w.p.Registers().DoTask(w.Context(), lead, o.Due, program.Done{At: at, Outcome: outcome, Documents: documents}, o.Task.Revision)
	if err != nil {
		w.Fatal(err)
	}
	return t
}

func as(account string, roles ...access.RoleID) access.Subject {
	s := access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: account, Session: "S", Fresh: true}
	for _, r := range roles {
		scope := access.ScopeWorkspace
		if r == access.Employee {
			scope = access.ScopeOwn
		}
		s.Grants = append(s.Grants, access.Grant{Role: r, Scope: scope})
	}
	return s
}

const leaID = "01900000-0000-7000-8000-000000000001"

var (
	lead   = as(leaID, access.ComplianceLead)
	signer = as("01900000-0000-7000-8000-000000000002", access.ManagementSigner)
)

// An occurrence goes from not due to found by a run, by an entry alone.
func TestFromEntryToOperated(t *testing.T) {
	w := newWorld(t, nil)
	const q1, q2 = "board.meeting@2026-Q1", "board.meeting@2026-Q2"
	if o := w.find(q2); o.State != tasks.NotDue || o.Asked(w.at) {
		t.Errorf("in January the second quarter is %s", o.State)
	}
	if o := w.find(q1); o.State != tasks.Open || o.Asked(w.at) || o.Control != "GOV-02" || o.Owner != "CEO" || !o.Document || o.Minutes != 10 {
		t.Errorf("in January the first quarter is %+v", o)
	}
	w.day("2026-03-10")
	if o := w.find(q1); !o.Asked(w.at) || o.Holder != "" {
		t.Errorf("three weeks before its end it is not asked for: %+v", o)
	}
	task := w.do(q1, "2026-03-09T15:00:00Z", "Four decisions", w.minutes())
	if o := w.find(q1); o.State != tasks.Sealed || o.Waits() {
		t.Errorf("once recorded it is %s", o.State)
	}
	w.at = w.at.Add(time.Hour)
	w.run()
	o := w.find(q1)
	if o.State != tasks.Operated || o.Item != "task/"+q1 || o.SeenBy != "" || o.Task.Record != task.Record {
		t.Errorf("after the run: %s, %q, seen by %q: %s", o.State, o.Item, o.SeenBy, o.Reason)
	}
	if g := w.list().Good(w.find(q2)); g == nil || g.Task.Done.Outcome != "Four decisions" {
		t.Errorf("the example is %+v", g)
	}
}

// What is told again after its approval counts as approved, also where both were
// told on one day.
func TestApprovedOnTheSameDay(t *testing.T) {
	w := newWorld(t, nil)
	w.day("2026-12-10")
	const id = "risk.assessment@2026"
	w.do(id, "2026-12-09T15:00:00Z", "42 risks")
	o := w.find(id)
	if !o.Approvable() || !strings.Contains(o.Sentence(w.at, time.UTC), "management has not approved it") {
		t.Errorf("%q", o.Sentence(w.at, time.UTC))
	}
	if p := w.list().PlateOf(signer); len(p.Now) != 1 || !p.Now[0].Approve {
		t.Errorf("the signer has %+v", p)
	}
	if p := w.list().PlateOf(as(leaID, access.ManagementSigner)); len(p.Now) != 0 {
		t.Error("who did it is asked to approve it")
	}
	if _, err := w.p.Registers().ApproveTask(t.Context(), signer, o.Due, o.Task.Revision); err != nil {
		t.Fatal(err)
	}
	w.at = w.at.Add(time.Hour)
	w.run()
	if o := w.find(id); o.State != tasks.Operated {
		t.Errorf("%s: %s", o.State, o.Reason)
	}
}

// What a source saw, or is expected to see, needs nobody until it is overdue.
func TestSeenBySource(t *testing.T) {
	w := newWorld(t, nil)
	w.day("2026-06-10")
	if o := w.find("firewall.review@2026-H1"); !o.Asked(w.at) {
		t.Error("before any run nobody is asked")
	}
	w.run()
	if o := w.find("firewall.review@2026-H1"); o.SeenBy != "exports" || o.Waits() || o.State != tasks.Operated {
		t.Errorf("seen by %q, %s: %s", o.SeenBy, o.State, o.Reason)
	}
	for _, o := range w.list().Select(tasks.Filter{People: true}) {
		if o.Procedure == "firewall.review" && o.Occurrence == "2026-H1" {
			t.Error("what a source saw is listed with what people do")
		}
	}
	w.day("2026-12-20")
	w.run()
	if o := w.find("firewall.review@2026-H2"); o.SeenBy != "exports" || o.Asked(w.at) {
		t.Errorf("before it is due: seen by %q", o.SeenBy)
	}
	w.day("2027-01-03")
	w.run()
	o := w.find("firewall.review@2026-H2")
	if o.SeenBy != "" || !o.Overdue(w.at) || o.State != tasks.Open {
		t.Errorf("once overdue: seen by %q, %s", o.SeenBy, o.State)
	}
	if got := o.SayLate(w.at, w.p.Period.Location()); got != "It was due 31 Dec 2026. Done by 30 Jan 2027 it counts as late; missing 30 Jan 2027 is a deviation." {
		t.Error(got)
	}
}

func TestMissed(t *testing.T) {
	w := newWorld(t, nil)
	w.day("2026-05-20") // Q1 could be late until 30 April
	if o := w.find("board.meeting@2026-Q1"); o.State != tasks.NoEvidence {
		t.Errorf("before a run it is %s", o.State)
	}
	o := w.find("board.meeting@2026-Q1")
	if _, err := w.p.Registers().TaskDidNotHappen(t.Context(), lead, o.Due, "No quorum.", 0); err != nil {
		t.Fatal(err)
	}
	if o = w.find("board.meeting@2026-Q1"); o.Waits() ||
		!strings.HasSuffix(o.Sentence(w.at, time.UTC), "It stays a deviation. It was due 31 Mar 2026 and recorded on 20 May 2026, 50 days later.") {
		t.Errorf("%q", o.Sentence(w.at, time.UTC))
	}
}

// What cannot be recorded here says so, and what to do about it.
func TestFaults(t *testing.T) {
	own := func(where string) string {
		return `id: own.review
title: Keys are reviewed every month
controls: [GOV-02]
since: "2026-01-01"
history: [ { on: "2026-01-01", what: First version. } ]
statement: Inspected the record of every month.
why: Keys get old.
fix: Review them.
population: { items: revision, where: '` + where + `', sentence: All reviews. }
cadence: { every: month, performed: 'revision.outcome != ""' }
examples:
  - { name: done, given: { revision: { at: "2026-02-10T10:00:00Z", kind: board meeting, outcome: ok, actions: 3 } }, at: "2026-02-10T10:00:00Z", expect: operated }
  - { name: none, given: { revision: { at: "2026-02-10T10:00:00Z", kind: board meeting, outcome: "", actions: 3 } }, at: "2026-02-10T10:00:00Z", expect: deviation }
`
	}
	tests := []struct {
		name   string
		change map[string]string
		id     string
		want   string
	}{
		{"no source reads the registers", map[string]string{"sources/program.yaml": ""}, "board.meeting@2026-Q1", "Add sources/program.yaml"},
		{"one of several kinds", map[string]string{"procedures/board.yaml": own(`revision.kind in ["board meeting", "other"]`)}, "own.review@2026-02", "does not say which kind"},
		{"what cannot be filled in", map[string]string{"procedures/board.yaml": own(`revision.kind == "board meeting" && revision.actions > 2`)}, "own.review@2026-02", "cannot be filled in here"},
		{"one that can", nil, "board.meeting@2026-Q1", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.change)
			w.day("2026-03-10")
			o := w.find(tt.id)
			if (tt.want == "") != (o.Fault == "") || !strings.Contains(o.Fault, tt.want) || o.CanDo(w.at) != (tt.want == "") {
				t.Errorf("fault %q, want %q", o.Fault, tt.want)
			}
		})
	}
}
