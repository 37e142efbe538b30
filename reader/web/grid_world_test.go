package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/internal/canonical"
	"tieout/sample"
)

// A gridWorld is a firm's room with a planned test of four attributes on a frozen
// population, and people of the team who are signed in.
type gridWorld struct {
	*firmWorld
	staff, manager *visitor
	lines          string
}

const gridTest = "T-CHG-01-1"

var gridReceiver = access.Subject{Workspace: access.Firm, Kind: audit.ActorConnector, Account: "exchange"}

// gridPlanned is a world whose population of n changes is taken in and accepted.
// Every tenth change was merged by its author, which the client's test knows.
func gridPlanned(t testing.TB, n int) *gridWorld {
	t.Helper()
	w := &gridWorld{firmWorld: newFirmWorld(t).accepted()}
	w.staff = w.visit(w.s, "stef", access.Grant{Role: access.Staff, Scope: access.ScopeEngagement, Object: "EN-1"})
	w.manager = w.visit(w.s, "mika", access.Grant{Role: access.Manager, Scope: access.ScopeWorkspace})
	partner, files := w.by(w.partner, access.Partner), w.s.files
	manager, staff := w.asManager(), w.asStaff()
	x := engagement.Test{ID: gridTest, Control: "CHG-01", Phase: engagement.Operation, Kind: engagement.Inspection, Text: "Inspected the record of each sampled change " + evil + ".", Population: true, Criteria: []string{"CC8.1"},
		Attributes: []engagement.Attribute{{Name: "A", Text: "Refers to a ticket."}, {Name: "B", Text: "Approved by somebody other than its author.", Procedure: "change.review"}, {Name: "C", Text: "Passed its checks before merging."}, {Name: "D", Text: "Merged by a permitted account."}}}
	control := audit.Control{ID: "CHG-01", Title: "Changes are reviewed " + evil, Description: "Changes to production are reviewed by somebody other than the author, and pass automated tests, before they are merged.", Criteria: []string{"CC8.1"}}
	_, nerr := files.CommitNonce(t.Context(), staffAfter(t, w, manager, staff, partner), "EN-1", "CHG-01", "1", "")
	for _, err := range []error{
		files.TakeControls(t.Context(), gridReceiver, "EN-1", engagement.ControlSet{Definitions: strings.Repeat("ab", 32), Controls: []audit.Control{control}}, 1),
		files.SetTest(t.Context(), manager, "EN-1", x, "", 0),
		files.SetReliance(t.Context(), manager, "EN-1", "CHG-01", engagement.ItemsAtSource, "records are kept by the systems themselves", 0),
		files.SetSizes(t.Context(), manager, "EN-1", "sizes.yaml", sample.ExampleTable(), 0), nerr,
	} {
		gridCheck(t, err)
	}
	w.freeze(n)
	w.staff, w.manager, w.partner = w.visit(w.s, "stef"), w.visit(w.s, "mika"), w.visit(w.s, "paula") // months later
	return w
}

// staffAfter puts manager and staff on the team, and returns staff.
func staffAfter(t testing.TB, w *gridWorld, manager, staff, partner access.Subject) access.Subject {
	t.Helper()
	for _, who := range []access.Subject{manager, staff} {
		gridCheck(t, w.s.files.Declare(t.Context(), who, "EN-1", true, ""))
	}
	gridCheck(t, w.s.files.Assign(t.Context(), partner, "EN-1", manager.Account, fieldwork.DutyManager))
	gridCheck(t, w.s.files.Assign(t.Context(), partner, "EN-1", staff.Account, fieldwork.DutyStaff))
	return staff
}

func (w *gridWorld) asManager() access.Subject { return w.by(w.manager, access.Manager) }
func (w *gridWorld) asStaff() access.Subject   { return w.by(w.staff, access.Staff) }

func gridCheck(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// freeze takes a population of n changes in, after the period.
func (w *gridWorld) freeze(n int) {
	w.t.Helper()
	var b bytes.Buffer
	year := time.Date(2026, 1, 1, 6, 0, 0, 0, time.UTC)
	for i := range n {
		outcome := "operated"
		if i%10 == 0 {
			outcome = "deviation"
		}
		line, err := canonical.Marshal(engagement.Item{ID: fmt.Sprintf("#%d", 3100+i), Label: fmt.Sprintf("Retry settlement batch %d %s", i, evil), At: year.Add(time.Duration(i) * (360 * 24 * time.Hour / time.Duration(n))),
			Values: []string{[]string{"payments", "ledger-api", "web-app"}[i%3], "d.lindqvist", fmt.Sprintf("PAY-%d", 1000+i)}, Records: []int64{int64(200 + i), 48211}, Results: map[string]string{"change.review": outcome}})
		gridCheck(w.t, err)
		b.Write(append(line, '\n'))
	}
	w.lines = b.String()
	sum := sha256.Sum256(b.Bytes())
	period, err := audit.NewPeriod("2026-01-01", "2026-12-31", "America/New_York")
	gridCheck(w.t, err)
	p := engagement.Population{ID: "P-1", Controls: []string{"CHG-01"}, Round: "1", Title: "changes merged " + evil, Defined: "Every change merged to production in the period", Source: []string{"GitHub, organization halyard-io"},
		Query: "merged pull requests of 2026 in 14 repositories", Window: period.Span, Zone: period.Zone, Collected: period.To.Add(time.Hour), Columns: []string{"repository", "author", "ticket"}, Count: n,
		Checks: []engagement.Reconciled{{What: "count at source", Here: fmt.Sprint(n), There: fmt.Sprint(n)}, {What: "repositories", Here: "14", There: "15", Explained: "one was created after the period"}},
		Left:   []engagement.LeftOut{{Item: "#3099", Why: "a change of a test repository", By: "Ana Silva"}},
		Digest: hex.EncodeToString(sum[:]), Run: 77, Freeze: engagement.Freeze{Index: 41, Root: strings.Repeat("5a", 32), At: period.To.Add(2 * time.Hour)}}
	w.at = p.Freeze.At.Add(26 * time.Hour)
	head, err := w.s.home.Store.Head(w.t.Context())
	gridCheck(w.t, err)
	gridCheck(w.t, w.s.files.TakePopulation(w.t.Context(), gridReceiver, "EN-1", p, strings.NewReader(w.lines), 3, head.Size))
}

// gridDrawn is gridPlanned with the population accepted and a sample drawn.
func gridDrawn(t testing.TB, n, size int) *gridWorld {
	t.Helper()
	w := gridPlanned(t, n)
	staff, files := w.asStaff(), w.s.files
	gridCheck(t, files.WriteComplete(t.Context(), staff, "EN-1", "P-1", "Compared the count with the service's own list and traced 5 rows both ways; nothing is missing.", 1))
	gridCheck(t, files.AcceptPopulation(t.Context(), staff, "EN-1", "P-1", 2))
	_, err := files.DrawSample(t.Context(), staff, "EN-1", fieldwork.Order{Population: "P-1", Control: "CHG-01", Method: engagement.Random, Size: size, Basis: "agreed with the partner"})
	gridCheck(t, err)
	return w
}

// gridOpened is gridDrawn with the workpaper open.
func gridOpened(t testing.TB, n, size int) *gridWorld {
	t.Helper()
	w := gridDrawn(t, n, size)
	gridCheck(t, w.s.files.OpenPaper(t.Context(), w.asStaff(), "EN-1", gridTest, "S-1", ""))
	return w
}

// paper looks at the workpaper of the test.
func (w *gridWorld) paper(f func(*fieldwork.Paper, *fieldwork.Test)) {
	w.t.Helper()
	gridCheck(w.t, w.s.files.ReadFile(w.t.Context(), "EN-1", func(_ *fieldwork.State, x *fieldwork.File) error {
		f(x.Papers[gridTest], x.Tests[gridTest])
		return nil
	}))
}
