package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/program"
	"tieout/reader/jobs"
	"tieout/reader/tasks"
	"tieout/reminder"
	"tieout/source/all"
	"tieout/store"
	"tieout/worker"
)

// An office is a workspace whose board meets, where Eva has the CEO's duty, and
// a program outside that is told what is due.
type office struct {
	*testing.T
	dir    string
	now    time.Time
	hook   *httptest.Server
	answer atomic.Int32 // of the hook
	bodies []tasks.Posted
	signed []error
	p      *period.Program
}

const officeConfig = `organization: { name: Acme, system: Ledger, zone: Europe/Berlin, categories: [S] }
period: { name: "2026", first: 2026-01-01, last: 2026-12-31 }
server: { url: "https://tieout.example.com" }
reminders: { digest: none, webhook: { url: "HOOK", secret: env:HOOK_SECRET, allow: loopback } }
`

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{T: t, dir: t.TempDir(), now: time.Date(2026, 3, 24, 7, 0, 0, 0, time.UTC)}
	o.answer.Store(http.StatusOK)
	o.hook = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if n := int(o.answer.Load()); n != http.StatusOK {
			w.WriteHeader(n)
			return
		}
		var v tasks.Posted
		o.signed = append(o.signed, reminder.Verify("s3", r.Header.Get(reminder.Signature), body, o.now), json.Unmarshal(body, &v))
		o.bodies = append(o.bodies, v)
	}))
	t.Cleanup(o.hook.Close)
	for name, text := range map[string]string{
		"tieout.yaml": strings.ReplaceAll(officeConfig, "HOOK\"", o.hook.URL+"\""), "controls/own.yaml": "controls:\n  - use: GOV-02\n    owner: CEO\n",
		"procedures/own.yaml": "use: board.meeting\n", "sources/program.yaml": "kind: program\n",
	} {
		path := filepath.Join(o.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o.p = o.open(true)
	if _, _, err := o.p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.people()
	return o
}

func (o *office) open(create bool) *period.Program {
	o.Helper()
	p, err := period.Open(o.Context(), o.dir, o.options(create))
	if err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() {
		if err := p.Close(); err != nil {
			o.Error(err)
		}
	})
	return p
}

func (o *office) options(create bool) period.Options {
	return period.Options{Drivers: all.Drivers, Now: func() time.Time { return o.now }, Getenv: func(k string) string { return map[string]string{"HOOK_SECRET": "s3"}[k] },
		Actor: audit.Actor{Kind: audit.ActorPerson, Name: "tester"}, Tieout: "test", Create: create}
}

// people makes Eva's account and gives her the duty.
func (o *office) people() {
	o.Helper()
	people, err := o.p.People(o.Context(), "")
	if err != nil {
		o.Fatal(err)
	}
	by := access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: "root", Session: "S", Fresh: true,
		Grants: []access.Grant{{Role: access.Administrator, Scope: access.ScopeWorkspace}, {Role: access.ComplianceLead, Scope: access.ScopeWorkspace}}}
	i, _, err := people.Invite(o.Context(), by, "eva@example.com", "Eva", []access.Grant{{Role: access.Employee, Scope: access.ScopeOwn}})
	if err != nil {
		o.Fatal(err)
	}
	if _, _, err := people.Accept(o.Context(), i.Secret, "a long enough sentence to sign in with", access.From{}); err != nil {
		o.Fatal(err)
	}
	if _, err := o.p.Registers().SetDuty(o.Context(), by, program.Duty{Name: "CEO", Account: i.Account.ID}); err != nil {
		o.Fatal(err)
	}
}

// remind runs a job that tells people, as often as the queue asks for it.
func (o *office) remind() worker.Job {
	o.Helper()
	j, _, err := jobs.Start(o.Context(), jobs.Queue(o.p, "test"), o.p.Def, jobs.Remind, jobs.Payload{}, worker.By{})
	if err != nil {
		o.Fatal(err)
	}
	err = jobs.Run(o.Context(), jobs.Options{Name: "w", Once: true, Poll: 10 * time.Millisecond,
		Open: func(ctx context.Context, name string, by audit.Actor, _ time.Duration) (*period.Program, error) {
			x := o.options(false)
			x.Period, x.Actor = name, by
			return period.Open(ctx, o.dir, x)
		}})
	if err != nil {
		o.Fatal(err)
	}
	if j, err = jobs.Queue(o.p, "test").Job(o.Context(), j.ID); err != nil {
		o.Fatal(err)
	}
	return j
}

// acts lists what was sealed about reminders.
func (o *office) acts() string {
	o.Helper()
	var out []string
	err := o.p.Store.Records(o.Context(), store.RecordFilter{Kind: audit.RecordActivity}, func(rec audit.Record) error {
		var a audit.Activity
		if err := json.Unmarshal(rec.Detail, &a); err != nil {
			return err
		}
		if a.Through == "reminders" {
			out = append(out, fmt.Sprintf("%s %s %s", a.Act, a.On, a.Facts["try"]))
			if strings.Contains(string(rec.Detail), "oard") {
				o.Errorf("the log says what was said: %s", rec.Detail)
			}
		}
		return nil
	})
	if err != nil {
		o.Fatal(err)
	}
	return strings.Join(out, "; ")
}

// Nobody is told twice on a day, however often the job runs.
func TestRemindOnce(t *testing.T) {
	o := newOffice(t)
	for range 2 {
		if j := o.remind(); j.State != store.JobDone {
			t.Fatalf("%s: %s", j.State, j.Error)
		}
	}
	if len(o.bodies) != 1 {
		t.Fatalf("told %d times, want once", len(o.bodies))
	}
	for _, err := range o.signed {
		if err != nil {
			t.Error(err)
		}
	}
	b := o.bodies[0]
	if b.Schema != tasks.PostedSchema || b.Day != "2026-03-24" || len(b.People) != 1 || b.People[0].Email != "eva@example.com" ||
		b.People[0].Sentence != "1 thing, 10 minutes, first due 31 Mar 2026." || b.People[0].Due[0].Text != "Board meeting, 2026-Q1" {
		t.Errorf("told %+v", b)
	}
	if got, want := o.acts(), "remind webhook 1; reminded webhook 1"; got != want {
		t.Errorf("sealed %q, want %q", got, want)
	}
	o.now = o.now.Add(24 * time.Hour)
	if j := o.remind(); j.Outcome != "Nobody has to be told anything today." || len(o.bodies) != 1 {
		t.Errorf("the day after: %s; told %d times", j.Outcome, len(o.bodies))
	}
	o.now = time.Date(2026, 3, 30, 7, 0, 0, 0, time.UTC)
	if o.remind(); len(o.bodies) != 2 {
		t.Errorf("the day before it is due it was told %d times, want twice in all", len(o.bodies))
	}
}

// What failed is tried again with the job; what was refused is not.
func TestRemindAgain(t *testing.T) {
	o := newOffice(t)
	o.answer.Store(http.StatusBadGateway)
	j := o.remind()
	if j.State != store.JobWaiting || !strings.Contains(j.Error, "502") || !j.After.After(o.now) {
		t.Fatalf("%s until %s: %s", j.State, j.After, j.Error)
	}
	o.answer.Store(http.StatusOK)
	o.now = j.After.Add(time.Second)
	if j = o.remind(); j.State != store.JobDone || len(o.bodies) != 1 {
		t.Errorf("%s, told %d times: %s", j.State, len(o.bodies), j.Error)
	}
	if got, want := o.acts(), "remind webhook 1; remind failed webhook 1; remind webhook 2; reminded webhook 2"; got != want {
		t.Errorf("sealed %q, want %q", got, want)
	}
	refused := newOffice(t)
	refused.answer.Store(http.StatusNotFound)
	if j := refused.remind(); j.State != store.JobFailed || j.Attempts != 1 {
		t.Errorf("%s after %d attempts: %s", j.State, j.Attempts, j.Error)
	}
}

// An attempt whose process died may have arrived, and is not repeated.
func TestRemindAfterDeath(t *testing.T) {
	o := newOffice(t)
	if err := jobs.SealAttempt(t.Context(), o.p, "2026-03-24"); err != nil {
		t.Fatal(err)
	}
	j := o.remind()
	if j.State != store.JobDone || len(o.bodies) != 0 || j.Outcome != "Of 1 message it is not known whether it arrived." {
		t.Errorf("%s, told %d times: %q", j.State, len(o.bodies), j.Outcome)
	}
}

func TestSayTold(t *testing.T) {
	tests := []struct {
		told, now, unsure, failed int
		want                      string
	}{
		{0, 0, 0, 0, "Nobody has to be told anything today."},
		{1, 1, 0, 0, "1 message was sent."},
		{3, 3, 0, 0, "3 messages were sent."},
		{3, 0, 0, 0, "3 messages were sent earlier today."},
		{3, 1, 0, 0, "3 messages were sent today, 1 now."},
		{0, 0, 0, 2, "2 messages could not be sent."},
		{2, 2, 1, 1, "2 messages were sent; of 1 message it is not known whether it arrived; 1 message could not be sent."},
	}
	for _, tt := range tests {
		if got := jobs.SayTold(tt.told, tt.now, tt.unsure, tt.failed); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
