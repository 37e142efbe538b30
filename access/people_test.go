package access

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"tieout/store"
	"tieout/store/postgres"
	"tieout/store/sqlite"
)

// A log seals in memory, as a sink has to: an ID it knows gets no second record.
type log struct {
	mu   sync.Mutex
	down bool
	ids  map[string]int64
	all  []Activity
}

func (l *log) Seal(_ context.Context, a Activity) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return 0, errors.New("the log does not answer")
	}
	if n, ok := l.ids[a.ID]; ok {
		return n, nil
	}
	l.ids[a.ID] = int64(len(l.all))
	l.all = append(l.all, a)
	return l.ids[a.ID], nil
}

func (l *log) verbs() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, a := range l.all {
		out = append(out, string(a.Verb))
	}
	return strings.Join(out, " ")
}

// A desk is a workspace under test: its people, its log and its clock.
type desk struct {
	*People
	t     *testing.T
	log   *log
	mu    sync.Mutex
	time  time.Time
	store *store.Store

	config Config
}

func (d *desk) tick(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.time = d.time.Add(by)
}

func (d *desk) Now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.time
}

var home = From{Address: "192.0.2.7:4711", Agent: "browser"}

const password = "seven green lamps hum"

func newDesk(t *testing.T, open func(*testing.T) *store.Store, kind Workspace) *desk {
	t.Helper()
	d := &desk{t: t, log: &log{ids: map[string]int64{}}, time: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), store: open(t)}
	d.config = Config{Store: d.store, Workspace: kind, Key: [32]byte{1}, Sink: d.log, Now: d.Now, Issuer: "Tieout", Origin: testOrigin}
	p, err := Open(d.config)
	if err != nil {
		t.Fatal(err)
	}
	p.passwords = newHasher(cost{memory: 64, time: 1, lanes: 1}) // what it costs is tested elsewhere
	d.People = p
	return d
}

// engines are both stores; the suite runs on each.
var engines = map[string]func(*testing.T) *store.Store{
	"sqlite": func(t *testing.T) *store.Store {
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	},
	"postgres": openPostgres,
}

func openPostgres(t *testing.T) *store.Store {
	dsn := os.Getenv("TIEOUT_TEST_POSTGRES")
	if dsn == "" {
		const how = "TIEOUT_TEST_POSTGRES is not set; run: TIEOUT_TEST_POSTGRES=$(scripts/postgres.sh) go test ./access"
		if os.Getenv("CI") == "true" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	schema := "test_" + strings.ToLower(rand.Text())
	s, err := postgres.Open(t.Context(), dsn, schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(`drop schema ` + schema + ` cascade`); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestPeople(t *testing.T) {
	for engine, open := range engines {
		for name, run := range map[string]func(*desk){
			"the first administrator":                         firstAdministrator,
			"an invitation works once and expires":            invitations,
			"roles are given within the rules":                givingRoles,
			"the last administrator stays":                    lastAdministrator,
			"suspending ends everything":                      suspending,
			"a sign-in that is wrong says nothing":            wrongSignIn,
			"a session has a new secret after each sign-in":   noFixation,
			"a change of rights rotates":                      rotation,
			"a session ends idle, and absolutely":             expiry,
			"sessions are listed and ended":                   endingSessions,
			"signing in again":                                confirming,
			"a new password ends all other sessions":          changingPassword,
			"a hash of another cost is renewed":               rehashing,
			"a second factor, and no code twice":              secondFactor,
			"recovery codes work once":                        recovery,
			"removing the second factor":                      removingFactor,
			"a password alone, where it is not enough":        needsFactor,
			"guessing waits, and never for good":              guessing,
			"guessing at once is no way around":               guessingAtOnce,
			"one address and many accounts":                   spraying,
			"a token does a part of what its maker can":       tokens,
			"a token dies with its time, its maker, its role": tokenEnds,
			"nothing is done while the log does not answer":   sinkDown,
			"what a crash left unsealed is sealed":            crash,
			"no secret is in the log or the store":            noSecrets,
			"sweeping":                                        sweeping,
			"two processes seal each activity once":           twoProcesses,
		} {
			t.Run(engine+"/"+name, func(t *testing.T) {
				t.Parallel()
				d := newDesk(t, open, Company)
				run(d)
				d.replayed()
			})
		}
	}
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) refused(what string, err, want error) {
	d.t.Helper()
	if !errors.Is(err, want) {
		d.t.Fatalf("%s: got error %v, want %q", what, err, want)
	}
}

func (d *desk) equal(what string, got, want any) {
	d.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		d.t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// admin is the first administrator, just signed in.
func (d *desk) admin() Signed {
	d.t.Helper()
	i, _, err := d.Bootstrap(d.t.Context(), "root@halyard.example", "Rut Vale")
	d.must(err)
	_, _, err = d.Accept(d.t.Context(), i.Secret, password, home)
	d.must(err)
	return d.in("root@halyard.example")
}

// person is somebody who accepted an invitation.
func (d *desk) person(by Signed, email string, grants ...Grant) Account {
	d.t.Helper()
	i, _, err := d.Invite(d.t.Context(), by.Subject, email, "Ana Moss", grants)
	d.must(err)
	a, _, err := d.Accept(d.t.Context(), i.Secret, password, home)
	d.must(err)
	return a
}

func (d *desk) in(email string) Signed {
	d.t.Helper()
	s, _, err := d.SignIn(d.t.Context(), Attempt{Email: email, Password: password, From: home})
	d.must(err)
	return s
}

// now is a session as it is at this instant.
func (d *desk) now(s Signed) Signed {
	d.t.Helper()
	out, err := d.Resume(d.t.Context(), s.Secret, home)
	d.must(err)
	if out.Secret == "" {
		out.Secret = s.Secret
	}
	return out
}
