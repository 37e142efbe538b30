package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/agent"
	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	reports "tieout/source/agent"
	"tieout/source/sourcetest"
	"tieout/source/workstation"
)

var start = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

func look(encrypted bool) func(context.Context, time.Time) (audit.Page, error) {
	root := `"name":"sda1","type":"part","fstype":"ext4","mountpoints":["/"],"rm":false`
	if encrypted {
		root = `"name":"sda1","type":"part","fstype":"crypto_LUKS","mountpoints":[null],"rm":false,"children":[{"name":"root","type":"crypt","fstype":"ext4","mountpoints":["/"],"rm":false}]`
	}
	disks := `{"blockdevices":[{"name":"sda","type":"disk","fstype":null,"mountpoints":[null],"rm":false,"children":[{` + root + `}]}]}`
	return func(_ context.Context, at time.Time) (audit.Page, error) {
		body, err := canonical.Marshal(workstation.Probes{Platform: "linux", User: "user", Answers: []workstation.Answer{
			{Probe: workstation.Probe{Name: "machine-id", File: "/etc/machine-id"}, Output: "c0ffee"},
			{Probe: workstation.Probe{Name: "hostname", File: "/proc/sys/kernel/hostname"}, Output: "lap-12"},
			{Probe: workstation.Probe{Name: "lsblk", Command: []string{"lsblk"}}, Output: disks},
		}})
		return audit.Page{Kind: "workstation.probes", Query: "3 probes", Media: "application/json", Body: body, About: audit.At(at)}, err
	}
}

// A fleet is a receiver's folder that real computers reported to.
type fleet struct {
	t      testing.TB
	folder string
	now    time.Time
	url    string
}

func newFleet(t testing.TB) *fleet {
	f := &fleet{t: t, folder: filepath.Join(t.TempDir(), "agents"), now: start}
	r, err := agent.NewReceiver(agent.Options{Folder: f.folder, Now: func() time.Time { return f.now }})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	f.url = s.URL
	return f
}

// enroll takes a computer in and returns it with its id.
func (f *fleet) enroll(person string) (*agent.Computer, string) {
	f.t.Helper()
	token, err := agent.NewToken(f.folder, agent.Grant{AssignedTo: person, Kind: "laptop"}, f.now.Add(time.Hour))
	if err != nil {
		f.t.Fatal(err)
	}
	c := &agent.Computer{Folder: f.t.TempDir(), Now: func() time.Time { return f.now }, Look: look(true)}
	s, err := c.Enroll(context.Background(), f.url, token.String())
	if err != nil {
		f.t.Fatal(err)
	}
	return c, s.Device
}

func (f *fleet) report(c *agent.Computer, at time.Time) {
	f.t.Helper()
	f.now = at
	if err := errors.Join(c.Collect(context.Background())); err != nil {
		f.t.Fatal(err)
	}
	if _, err := c.Send(context.Background()); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) connection() sourcetest.Connection {
	return sourcetest.Connection{Driver: reports.Driver, Name: "laptops", Env: source.Env{Dir: filepath.Dir(f.folder)}, With: `{"folder":"agents"}`,
		Window: audit.Window{Span: audit.Span{From: start.AddDate(0, -1, 0), To: start.AddDate(0, 1, 0)}, AsOf: f.now, Zone: "UTC"}}
}

// three days of one computer.
func threeDays(t testing.TB) (*fleet, string) {
	f := newFleet(t)
	c, id := f.enroll("hr/17")
	f.report(c, start)
	c.Look = look(false)
	f.report(c, start.AddDate(0, 0, 1))
	f.report(c, start.AddDate(0, 0, 2))
	return f, id
}

func TestConform(t *testing.T) {
	f, _ := threeDays(t)
	sourcetest.Conform(t, f.connection(), "device")
}

func TestReportsAreAboutTheirOwnTime(t *testing.T) {
	f, id := threeDays(t)
	r := sourcetest.Record(t, f.connection())
	if len(r.Manifests) != 3 || len(r.Items) != 3 {
		t.Fatalf("%d manifests, %d items: %+v", len(r.Manifests), len(r.Items), r.Manifests)
	}
	for i, m := range r.Manifests {
		if want := audit.At(start.AddDate(0, 0, i)); m.Covers != want || m.Scope != id || !m.Complete {
			t.Errorf("manifest %d: %+v, want about %v", i, m, want)
		}
	}
	want := `{"assignedTo":"hr/17","diskEncrypted":true,"hostname":"lap-12","kind":"laptop","platform":"linux","serial":"c0ffee","status":"active"}`
	if r.Items[0].ID != "laptops/"+id || string(r.Items[0].Body) != want {
		t.Errorf("got %s %s\nwant %s", r.Items[0].ID, r.Items[0].Body, want)
	}
	if !strings.Contains(string(r.Items[1].Body), `"diskEncrypted":false`) {
		t.Errorf("the second report: %s", r.Items[1].Body)
	}
}

func TestGaps(t *testing.T) {
	tests := []struct {
		name   string
		harm   func(t *testing.T, j reports.Journal, id string)
		want   string // in the reason of the stream about now
		intact int    // snapshots that are complete all the same
	}{
		{"a report was deleted", func(t *testing.T, j reports.Journal, id string) { remove(t, j.ReportFile(id, 2)) }, "report 2 is missing", 2},
		{"the first was deleted", func(t *testing.T, j reports.Journal, id string) { remove(t, j.ReportFile(id, 1)) }, "report 1 is missing", 2},
		{"a report was cut", func(t *testing.T, j reports.Journal, id string) {
			if err := os.Truncate(j.ReportFile(id, 2), 200); err != nil {
				t.Fatal(err)
			}
		}, "report 2:", 2},
		{"a report was altered", func(t *testing.T, j reports.Journal, id string) {
			edit(t, j.ReportFile(id, 3), func(e *reports.Entry) { e.Report.Header.At = "2026-11-02T09:00:00Z" })
		}, "report 3: it was altered: the signature is not by the key", 2},
		{"one report stands in place of another", func(t *testing.T, j reports.Journal, id string) {
			b, err := os.ReadFile(j.ReportFile(id, 1))
			if err != nil {
				t.Fatal(err)
			}
			write(t, j.ReportFile(id, 2), b)
		}, "it says that it is report 1", 2},
		{"the device's file is another's", func(t *testing.T, j reports.Journal, id string) {
			b, err := os.ReadFile(j.DeviceFile(id))
			if err != nil {
				t.Fatal(err)
			}
			write(t, j.DeviceFile(id), []byte(strings.Replace(string(b), id, strings.Repeat("0", 32), 1)))
		}, "the device's id is not its key's", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, id := threeDays(t)
			tt.harm(t, reports.Journal{Dir: f.folder}, id)
			r := sourcetest.Record(t, f.connection())
			last := r.Manifests[len(r.Manifests)-1]
			if last.Complete || !strings.Contains(last.Reason, strings.TrimPrefix(tt.want, "report 3: it was altered: ")) || last.Covers != audit.At(f.now) {
				t.Errorf("%+v, want %q about now", last, tt.want)
			}
			complete := 0
			for _, m := range r.Manifests {
				if m.Complete {
					complete++
				}
			}
			if complete != tt.intact || len(r.Items) != tt.intact {
				t.Errorf("%d snapshots and %d items, want %d", complete, len(r.Items), tt.intact)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, b []byte) {
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func edit(t *testing.T, path string, change func(*reports.Entry)) {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e, err := reports.ReadEntry(b)
	if err != nil {
		t.Fatal(err)
	}
	change(&e)
	if b, err = reports.Encode(e); err != nil {
		t.Fatal(err)
	}
	write(t, path, b)
}

func TestSilence(t *testing.T) {
	f := newFleet(t)
	quiet, _ := f.enroll("hr/1")
	_, never := f.enroll("hr/2")
	busy, _ := f.enroll("hr/3")
	f.report(quiet, start)
	for day := range 4 {
		f.report(busy, start.AddDate(0, 0, day))
	}
	r := sourcetest.Record(t, f.connection())
	var why []string
	for _, m := range r.Manifests {
		if !m.Complete {
			why = append(why, m.Reason)
		}
	}
	all := strings.Join(why, "\n")
	if len(why) != 2 || !strings.Contains(all, "is silent: its last report is of 2026-11-01T08:00:00Z") || !strings.Contains(all, never+") is silent: it has not reported since it was enrolled") {
		t.Errorf("got %s", all)
	}
}

func TestRevoked(t *testing.T) {
	f, id := threeDays(t)
	f.now = f.now.AddDate(0, 0, 10)
	if err := agent.Revoke(f.folder, id, start.AddDate(0, 0, 3)); err != nil {
		t.Fatal(err)
	}
	r := sourcetest.Record(t, f.connection())
	last := r.Items[len(r.Items)-1]
	if len(r.Items) != 4 || !strings.Contains(string(last.Body), `"retiredAt":"2026-11-04T08:00:00Z"`) || !strings.Contains(string(last.Body), `"status":"retired"`) {
		t.Errorf("%d items, the last %s", len(r.Items), last.Body)
	}
	for _, m := range r.Manifests {
		if !m.Complete {
			t.Errorf("a retired computer is not silent: %s", m.Reason)
		}
	}
}

func TestNobody(t *testing.T) {
	for _, dir := range []string{t.TempDir(), newFleet(t).folder} {
		c := sourcetest.Connection{Driver: reports.Driver, Name: "laptops", With: `{"folder":"` + dir + `"}`, Window: audit.Window{Span: audit.Span{From: start, To: start.AddDate(0, 1, 0)}, AsOf: start, Zone: "UTC"}}
		if m := sourcetest.Record(t, c).Manifest("device"); m.Complete || m.Reason == "" {
			t.Errorf("%+v", m)
		}
	}
}

// TestSupportedAsStated: what the organization states of systems is held against
// each report at its own time, and sealed with the page's configuration.
func TestSupportedAsStated(t *testing.T) {
	f := newFleet(t)
	c, _ := f.enroll("hr/17")
	c.Look = func(_ context.Context, at time.Time) (audit.Page, error) {
		body, err := canonical.Marshal(workstation.Probes{Platform: "darwin", User: "user", Answers: []workstation.Answer{
			{Probe: workstation.Probe{Name: "hardware", Command: []string{"system_profiler"}}, Output: `{"SPHardwareDataType":[{"serial_number":"C02"}]}`},
			{Probe: workstation.Probe{Name: "version", Command: []string{"sw_vers"}}, Output: "15.1"},
		}})
		return audit.Page{Kind: "workstation.probes", Query: "2 probes", Media: "application/json", Body: body, About: audit.At(at)}, err
	}
	f.report(c, start)
	f.report(c, start.AddDate(0, 0, 1))
	conn := f.connection()
	conn.With = `{"folder":"agents","supported":[{"platform":"macos","from":"15.0","until":"2026-11-01"}]}`
	r := sourcetest.Record(t, conn)
	for i, want := range []string{`"supported":true`, `"supported":false`} {
		if !strings.Contains(string(r.Items[i].Body), want) || !strings.Contains(strings.Join(r.Manifests[i].Cannot, "\n"), "as the organization states") {
			t.Errorf("report %d: %s, want %s; cannot %q", i+1, r.Items[i].Body, want, r.Manifests[i].Cannot)
		}
		again, err := reports.Driver.Normalize(r.Config, r.Pages[i])
		if err != nil || string(again[0].Body) != string(r.Items[i].Body) {
			t.Errorf("read again: %v, %v", again, err)
		}
	}
	if before, err := reports.Driver.Normalize(json.RawMessage(`{}`), r.Pages[0]); err != nil || strings.Contains(string(before[0].Body), `"supported"`) {
		t.Errorf("a page sealed where nothing was stated: %v, %v", before, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, with := range []string{`{"silentAfterHours":-1}`, `{"supported":[{"platform":"macos"}]}`, `[]`, `{"journal":"x"}`} {
		if _, _, err := reports.Driver.Open("x", json.RawMessage(with), source.Env{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("Open(%s) gave %v", with, err)
		}
	}
}

// FuzzNormalize: whatever a page holds, what it gives follows the schema.
func FuzzNormalize(f *testing.F) {
	fl, id := threeDays(f)
	if err := agent.Revoke(fl.folder, id, fl.now); err != nil {
		f.Fatal(err)
	}
	for _, p := range sourcetest.Record(f, fl.connection()).Pages {
		f.Add(p.Kind == "agent.revoked", p.Body)
	}
	f.Fuzz(func(t *testing.T, revoked bool, body []byte) {
		kind := "agent.report"
		if revoked {
			kind = "agent.revoked"
		}
		items, _ := reports.Driver.Normalize(json.RawMessage(`{}`), audit.Page{Source: "x", Kind: kind, Body: body, About: audit.At(start)})
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Error(err)
			}
		}
	})
}
