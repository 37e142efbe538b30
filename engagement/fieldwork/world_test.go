package fieldwork_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/blob"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/ledger"
	"tieout/store"
	"tieout/store/sqlite"
)

// A world is a firm's log with its people, and a clock that tests move.
type world struct {
	t    testing.TB
	seal *evidence.Sealer
	book *fieldwork.Book
	us   atomic.Int64

	close func() error // of the store, once
}

// start is within the period of the terms that opened uses.
var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func newWorld(t testing.TB) *world {
	t.Helper()
	return worldIn(t, t.TempDir())
}

// worldIn is the world whose store, blobs, key and anchor lie in a folder.
func worldIn(t testing.TB, dir string) *world {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, close: sync.OnceValue(st.Close)}
	t.Cleanup(func() { check(t, w.close()) })
	blobs := filepath.Join(dir, "blobs")
	check(t, os.MkdirAll(blobs, 0o700))
	folder := must[blob.Objects](t)(blob.NewFolder(blobs))
	w.us.Store(start.UnixMicro())
	w.seal = &evidence.Sealer{Store: st, Blobs: blob.New(folder), Log: logIn(t, dir, evidence.Backend{Store: st}), Now: w.now}
	w.book = fieldwork.Open(w.seal, w.now)
	return w
}

func logIn(t testing.TB, dir string, b evidence.Backend) *ledger.Log {
	t.Helper()
	path := filepath.Join(dir, "log.key")
	if _, err := os.Stat(path); err != nil {
		skey, _, err := ledger.GenerateKey("example.com/firm")
		check(t, err)
		check(t, ledger.SaveKey(path, skey))
	}
	signer := must[ledger.Signer](t)(ledger.LoadSigner(path))
	return must[*ledger.Log](t)(ledger.Open(t.Context(), b, signer, ledger.Options{Holder: "test", Anchor: ledger.FileAnchor{Path: filepath.Join(dir, "anchor")}}))
}

func (w *world) now() time.Time { return time.UnixMicro(w.us.Load()).UTC() }

func (w *world) pass(d time.Duration) { w.us.Add(d.Microseconds()) }

// to moves the clock to noon of a day.
func (w *world) to(day string) {
	w.t.Helper()
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		w.t.Fatal(err)
	}
	w.us.Store(t.Add(12 * time.Hour).UnixMicro())
}

// again is another server on the same store.
func (w *world) again() *fieldwork.Book { return fieldwork.Open(w.seal, w.now) }

// IDs of accounts of the firm.
const (
	paulaID = "01900000-0000-7000-8000-0000000000a1"
	mikaID  = "01900000-0000-7000-8000-0000000000a2"
	stefID  = "01900000-0000-7000-8000-0000000000a3"
	tessID  = "01900000-0000-7000-8000-0000000000a4"
	quinnID = "01900000-0000-7000-8000-0000000000a5"
	otherID = "01900000-0000-7000-8000-0000000000a6"
)

// People of the firm, by role; receiver is its server, which takes packets in.
var (
	partner  = as(paulaID, access.Partner)
	manager  = as(mikaID, access.Manager)
	staff    = as(stefID, access.Staff)
	tester   = as(tessID, access.Staff) // a second one
	quality  = as(quinnID, access.QualityReviewer)
	stranger = as(otherID, access.Staff) // of another engagement
	receiver = access.Subject{Workspace: access.Firm, Kind: audit.ActorConnector, Account: "exchange"}
)

// as is a person with a role: partners and managers in the whole workspace, the
// others in engagement EN-1; who is otherID in EN-9.
func as(account string, role access.RoleID) access.Subject {
	g := access.Grant{Role: role, Scope: access.ScopeWorkspace}
	if role != access.Partner && role != access.Manager {
		g = access.Grant{Role: role, Scope: access.ScopeEngagement, Object: "EN-1"}
	}
	if account == otherID {
		g.Object = "EN-9"
	}
	return access.Subject{Workspace: access.Firm, Kind: audit.ActorPerson, Account: account, Session: "S", Fresh: true, Grants: []access.Grant{g}}
}

// must returns what a call gave, and ends the test where it gave an error.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// terms are good terms of a type: Halyard's year 2026.
func terms(kind engagement.Type) engagement.Terms {
	t := engagement.Terms{Type: kind, Client: engagement.Party{Name: "Halyard, Inc."}, Firm: engagement.Party{Name: "Sandgate LLP", City: "Boston", State: "MA"},
		System: "Halyard Cloud", Zone: "America/New_York"}
	if kind.OverPeriod() {
		t.First, t.Last = "2026-01-01", "2026-12-31"
	} else {
		t.AsOf = "2026-06-30"
	}
	if kind.OfObjectives() {
		t.Objectives = []engagement.Objective{{ID: "1", Text: "Controls give reasonable assurance that access is limited to those who need it.", Controls: []string{"IAM-06"}}}
		return t
	}
	t.Categories = []engagement.Choice{{Category: audit.Security, In: true}, {Category: audit.Availability, In: true, Why: "availability is promised"},
		{Category: audit.ProcessingIntegrity, Why: "no commitment on processing"}, {Category: audit.Confidentiality, Why: "no commitment beyond security"}, {Category: audit.Privacy, Why: "no personal data of consumers"}}
	return t
}

func letter() string { return strings.Repeat("ab", 32) }

func checks() []fieldwork.Checked {
	var out []fieldwork.Checked
	for _, q := range fieldwork.Preconditions {
		out = append(out, fieldwork.Checked{Question: q, Answer: "Looked at on 2 March; nothing against it."})
	}
	return out
}

// begun is a world whose engagement EN-1 is open, and nothing more.
func begun(t testing.TB, kind engagement.Type) *world {
	t.Helper()
	w := newWorld(t)
	if got := must[engagement.Terms](t)(w.book.OpenEngagement(t.Context(), partner, terms(kind))); got.ID != "EN-1" {
		t.Fatalf("the first engagement is %s; want EN-1", got.ID)
	}
	return w
}

// opened is a world whose engagement EN-1, a SOC 2 Type II, is accepted: the
// partner, the manager, two of staff and the quality reviewer declared to be
// independent and have their duties.
func opened(t testing.TB) *world { return openedAs(t, engagement.SOC2TypeII) }

// openedFiles are the files of a world that openedAs made first, by type: those
// after it begin with a copy of them, store and all.
var openedFiles struct {
	sync.Mutex
	of map[engagement.Type]map[string][]byte
}

func openedAs(t testing.TB, kind engagement.Type) *world {
	t.Helper()
	openedFiles.Lock()
	defer openedFiles.Unlock()
	if openedFiles.of[kind] == nil {
		if openedFiles.of == nil {
			openedFiles.of = map[engagement.Type]map[string][]byte{}
		}
		openedFiles.of[kind] = makeOpened(t, kind)
	}
	dir := t.TempDir()
	for name, content := range openedFiles.of[kind] {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		check(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	w := worldIn(t, dir)
	w.us.Store(start.Add(time.Minute).UnixMicro())
	return w
}

func makeOpened(t testing.TB, kind engagement.Type) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	w := worldIn(t, dir)
	must[engagement.Terms](t)(w.book.OpenEngagement(t.Context(), partner, terms(kind)))
	for _, who := range []access.Subject{partner, manager, staff, tester, quality} {
		check(t, w.book.Declare(t.Context(), who, "EN-1", true, ""))
	}
	for account, duty := range map[string]string{paulaID: fieldwork.DutyPartner, mikaID: fieldwork.DutyManager, stefID: fieldwork.DutyStaff, tessID: fieldwork.DutyStaff, quinnID: fieldwork.DutyQuality} {
		check(t, w.book.Assign(t.Context(), partner, "EN-1", account, duty, engagement.Credential{Kind: engagement.CPA, State: "Massachusetts", Number: "24817"}))
	}
	check(t, w.book.Accept(t.Context(), partner, "EN-1", checks(), letter()))
	check(t, w.close())
	files := map[string][]byte{}
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := must[string](t)(filepath.Rel(dir, path))
		files[name], err = os.ReadFile(path)
		return err
	}))
	return files
}

// file looks at the file of EN-1.
func (w *world) file(f func(*fieldwork.State, *fieldwork.File)) {
	w.t.Helper()
	check(w.t, w.book.ReadFile(w.t.Context(), "EN-1", func(s *fieldwork.State, file *fieldwork.File) error { f(s, file); return nil }))
}

// items are item lines of n changes over 2026, CHG-0001 and on, as a client
// sends them; stratum names one's stratum, or is nil.
func items(n int, stratum func(i int) string) string {
	var b strings.Builder
	year := time.Date(2026, 1, 1, 5, 0, 0, 0, time.UTC)
	for i := range n {
		it := engagement.Item{ID: fmt.Sprintf("CHG-%04d", i+1), Label: fmt.Sprintf("Change %d", i+1), At: year.Add(time.Duration(i) * 364 * 24 * time.Hour / time.Duration(n)),
			Values: []string{"approved"}, Records: []int64{int64(i)}, Results: map[string]string{"change.review": "operated"}}
		if stratum != nil {
			it.Stratum = stratum(i)
		}
		line, err := canonical.Marshal(it)
		if err != nil {
			panic(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}

// frozen is a population of those item lines over the whole period of terms.
func frozen(id string, lines string, controls ...string) engagement.Population {
	sum := sha256.Sum256([]byte(lines))
	period, err := audit.NewPeriod("2026-01-01", "2026-12-31", "America/New_York")
	if err != nil {
		panic(err)
	}
	p := engagement.Population{ID: id, Controls: controls, Round: "1", Title: "Changes to production", Defined: "Every change deployed in the period", Source: []string{"deploy log"},
		Query: "deployments of 2026", Window: period.Span, Zone: period.Zone, Collected: period.To.Add(time.Hour), Columns: []string{"state"}, Count: strings.Count(lines, "\n"),
		Checks: []engagement.Reconciled{{What: "count at source", Here: "n", There: "n"}}, Digest: hex.EncodeToString(sum[:]), Run: audit.Unsequenced,
		Freeze: engagement.Freeze{Index: 41, Root: strings.Repeat("5a", 32), At: period.To.Add(2 * time.Hour)}}
	for _, l := range strings.Split(strings.TrimSpace(lines), "\n") {
		var it engagement.Item
		if json.Unmarshal([]byte(l), &it) == nil && it.Stratum != "" {
			if p.Strata == nil {
				p.Strata = map[string]int{}
			}
			p.Strata[it.Stratum]++
		}
	}
	return p
}

// fed takes a population of n changes in for the controls, accepts it, and moves
// the clock past the period's end. The client had seen the whole of the firm's
// log when it froze. It returns the population's ID.
func (w *world) fed(n int, controls ...string) string {
	w.t.Helper()
	id := ""
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { id = fmt.Sprintf("P-%d", len(f.Populations)+1) })
	lines := items(n, nil)
	p := frozen(id, lines, controls...)
	p.Defined += ", " + id
	w.feed(p, lines)
	w.accept(id)
	return id
}

// feed takes a population in as the receiver of packets does.
func (w *world) feed(p engagement.Population, lines string) {
	w.t.Helper()
	if w.now().Before(p.Freeze.At) {
		w.us.Store(p.Freeze.At.Add(time.Hour).UnixMicro())
	}
	check(w.t, w.book.TakePopulation(w.t.Context(), receiver, "EN-1", p, strings.NewReader(lines), 0, w.size()))
}

// size is that of the firm's log.
func (w *world) size() int64 {
	w.t.Helper()
	return must[store.Head](w.t)(w.seal.Store.Head(w.t.Context())).Size
}

// revision is the Base of the next change of an object.
func (w *world) revision(on string) (n int64) {
	w.t.Helper()
	w.file(func(s *fieldwork.State, _ *fieldwork.File) { n = s.Revision(on) })
	return n
}

// accept writes the completeness work of a population and accepts it.
func (w *world) accept(id string) {
	w.t.Helper()
	on := "population:EN-1/" + id
	check(w.t, w.book.WriteComplete(w.t.Context(), staff, "EN-1", id, "Compared the count with the deployment service's own list and traced 5 rows both ways; nothing is missing.", w.revision(on)))
	check(w.t, w.book.AcceptPopulation(w.t.Context(), staff, "EN-1", id, w.revision(on)))
}
