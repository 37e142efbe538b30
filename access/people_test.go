package access

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"tieout/audit"
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
	p, err := Open(Config{Store: d.store, Workspace: kind, Key: [32]byte{1}, Sink: d.log, Now: d.Now, Issuer: "Tieout"})
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
			"guessing waits, and never for good":              guessing,
			"guessing at once is no way around":               guessingAtOnce,
			"one address and many accounts":                   spraying,
			"a token does a part of what its maker can":       tokens,
			"a token dies with its time, its maker, its role": tokenEnds,
			"nothing is done while the log does not answer":   sinkDown,
			"what a crash left unsealed is sealed":            crash,
			"no secret is in the log or the store":            noSecrets,
			"sweeping":                                        sweeping,
		} {
			t.Run(engine+"/"+name, func(t *testing.T) {
				t.Parallel()
				run(newDesk(t, open, Company))
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

func firstAdministrator(d *desk) {
	i, act, err := d.Bootstrap(d.t.Context(), " Root@Halyard.example ", "Rut Vale")
	d.must(err)
	d.equal("by", act.By, audit.Actor{Kind: audit.ActorCommand, Name: "tieout"})
	again, _, err := d.Bootstrap(d.t.Context(), "root@halyard.example", "Rut Vale")
	d.must(err)
	d.equal("the same account", again.Account.ID, i.Account.ID)
	_, _, err = d.Accept(d.t.Context(), i.Secret, password, home)
	d.refused("the link before", err, audit.ErrForbidden)
	_, _, err = d.Accept(d.t.Context(), again.Secret, password, home)
	d.must(err)
	_, _, err = d.Bootstrap(d.t.Context(), "eve@halyard.example", "Eve")
	d.refused("while there is an administrator", err, audit.ErrConflict)
	s := d.in("ROOT@halyard.example")
	if ok, why := Allowed(s.Subject, ManageAccounts, Object{}); !ok {
		d.t.Fatalf("the administrator may not manage accounts: %s", why)
	}
	d.equal("in the log", d.log.verbs(), "account.invited account.invited account.accepted session.began")
	acts, err := d.Activities(d.t.Context(), s.Subject, 0, 10)
	d.must(err)
	d.equal("newest", fmt.Sprint(acts[0].Verb, acts[0].Number, acts[0].Record), fmt.Sprint(DidSignIn, 4, 3))
}

func invitations(d *desk) {
	root := d.admin()
	i, _, err := d.Invite(d.t.Context(), root.Subject, "ana@halyard.example", "Ana Moss", []Grant{{Reader, ScopeWorkspace, ""}})
	d.must(err)
	_, _, err = d.SignIn(d.t.Context(), Attempt{Email: "ana@halyard.example", Password: password, From: home})
	d.refused("before the link is used", err, audit.ErrForbidden)
	for name, tc := range map[string]struct {
		secret, password string
		want             error
	}{
		"a secret that is none": {"x", password, audit.ErrForbidden},
		"no secret":             {"", password, audit.ErrForbidden},
		"a short password":      {i.Secret, "short", audit.ErrInvalid},
	} {
		_, _, err := d.Accept(d.t.Context(), tc.secret, tc.password, home)
		d.refused(name, err, tc.want)
	}
	a, _, err := d.Accept(d.t.Context(), i.Secret, password, home)
	d.must(err)
	d.equal("status", a.Status, Active)
	_, _, err = d.Accept(d.t.Context(), i.Secret, password+"!", home)
	d.refused("twice", err, audit.ErrForbidden)
	_, _, err = d.Invite(d.t.Context(), root.Subject, "ana@Halyard.example", "Other", nil)
	d.refused("an address that is taken", err, audit.ErrConflict)
	d.in("ana@halyard.example")

	late, _, err := d.InviteAgain(d.t.Context(), root.Subject, a.ID, false)
	d.must(err)
	d.in("ana@halyard.example") // the password stays until the link is used
	d.tick(inviteFor)
	_, _, err = d.Accept(d.t.Context(), late.Secret, password, home)
	d.refused("an expired link", err, audit.ErrForbidden)
	_, _, err = d.Invite(d.t.Context(), root.Subject, "bob@halyard.example", "Bob", nil)
	d.must(err) // the subject is of the instant it was made
	_, _, err = d.Invite(d.t.Context(), d.stale(root), "cy@halyard.example", "Cy", nil)
	d.refused("without having signed in again", err, audit.ErrForbidden)
}

func (d *desk) stale(s Signed) Subject {
	s.Subject.Fresh = false
	return s.Subject
}

func givingRoles(d *desk) {
	root := d.admin()
	ana := d.person(root, "ana@halyard.example", Grant{Employee, ScopeOwn, ""})
	for name, tc := range map[string]struct {
		id     string
		grants []Grant
		want   error
	}{
		"to oneself":       {root.Account.ID, []Grant{{Administrator, ScopeWorkspace, ""}, {ManagementSigner, ScopeWorkspace, ""}}, audit.ErrForbidden},
		"a firm's role":    {ana.ID, []Grant{{Partner, ScopeWorkspace, ""}}, audit.ErrInvalid},
		"a guest's beside": {ana.ID, []Grant{{Employee, ScopeOwn, ""}, {AuditorsGuest, ScopeEngagement, "1"}}, audit.ErrInvalid},
		"to nobody":        {"x", nil, audit.ErrNotFound},
	} {
		_, err := d.SetGrants(d.t.Context(), root.Subject, tc.id, tc.grants)
		d.refused(name, err, tc.want)
	}
	_, err := d.SetGrants(d.t.Context(), d.in(ana.Email).Subject, root.Account.ID, nil)
	d.refused("by an employee", err, audit.ErrForbidden)
	act, err := d.SetGrants(d.t.Context(), root.Subject, ana.ID, []Grant{{ControlOwner, ScopeControl, "IAM-06"}, {Employee, ScopeOwn, ""}})
	d.must(err)
	d.equal("what the log says", act.Detail, map[string]string{"before": "employee:own", "after": "control-owner:control:IAM-06 employee:own"})
	got, err := d.Account(d.t.Context(), root.Subject, ana.ID)
	d.must(err)
	all, err := d.Accounts(d.t.Context(), root.Subject)
	d.must(err)
	d.equal("accounts", len(all), 2)
	d.equal("grants", got.Grants, []Grant{{ControlOwner, ScopeControl, "IAM-06"}, {Employee, ScopeOwn, ""}})
	_, err = d.Accounts(d.t.Context(), d.in(ana.Email).Subject)
	d.refused("a control owner lists people", err, audit.ErrForbidden)
}

func lastAdministrator(d *desk) {
	root := d.admin()
	other := d.person(root, "ana@halyard.example", Grant{Administrator, ScopeWorkspace, ""})
	ana := d.in(other.Email)
	_, err := d.Suspend(d.t.Context(), root.Subject, root.Account.ID)
	d.refused("oneself", err, audit.ErrForbidden)
	errs := make([]error, 2)
	var wg sync.WaitGroup
	wg.Go(func() { _, errs[0] = d.Suspend(d.t.Context(), root.Subject, other.ID) })
	wg.Go(func() { _, errs[1] = d.SetGrants(d.t.Context(), ana.Subject, root.Account.ID, nil) })
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		d.t.Fatalf("each took the other's role: got %v and %v, want one refused", errs[0], errs[1])
	}
	d.refused("the second", errors.Join(errs...), audit.ErrConflict)
}

func suspending(d *desk) {
	root := d.admin()
	a := d.person(root, "ana@halyard.example", Grant{ComplianceLead, ScopeWorkspace, ""})
	s := d.in(a.Email)
	_, secret, _, err := d.CreateToken(d.t.Context(), s.Subject, "ci", []PermissionID{"period.read"}, d.Now().Add(time.Hour))
	d.must(err)
	link, _, err := d.InviteAgain(d.t.Context(), root.Subject, a.ID, false)
	d.must(err)
	_, err = d.Suspend(d.t.Context(), root.Subject, a.ID)
	d.must(err)
	_, err = d.Resume(d.t.Context(), s.Secret, home)
	d.refused("its session", err, audit.ErrForbidden)
	_, err = d.UseToken(d.t.Context(), secret, home)
	d.refused("its token", err, audit.ErrForbidden)
	_, _, err = d.Accept(d.t.Context(), link.Secret, password, home)
	d.refused("its link", err, audit.ErrForbidden)
	_, _, err = d.SignIn(d.t.Context(), Attempt{Email: a.Email, Password: password, From: home})
	d.refused("its password", err, audit.ErrForbidden)
	_, _, err = d.InviteAgain(d.t.Context(), root.Subject, a.ID, false)
	d.refused("a new link", err, audit.ErrConflict)
	_, err = d.Reactivate(d.t.Context(), root.Subject, a.ID)
	d.must(err)
	_, err = d.Reactivate(d.t.Context(), root.Subject, a.ID)
	d.refused("twice", err, audit.ErrConflict)
	d.in(a.Email)
	_, err = d.UseToken(d.t.Context(), secret, home)
	d.refused("its token after all", err, audit.ErrForbidden)
}

func wrongSignIn(d *desk) {
	root := d.admin()
	a := d.person(root, "ana@halyard.example")
	gone := d.person(root, "bob@halyard.example")
	_, err := d.Suspend(d.t.Context(), root.Subject, gone.ID)
	d.must(err)
	var texts []string
	for _, at := range []Attempt{
		{Email: a.Email, Password: "another password"}, {Email: "nobody@halyard.example", Password: password},
		{Email: gone.Email, Password: password}, {Email: "no address", Password: password}, {Email: a.Email}, {},
	} {
		at.From = home
		s, _, err := d.SignIn(d.t.Context(), at)
		d.refused(at.Email, err, audit.ErrForbidden)
		d.equal("what a refused sign-in gives", s.Secret+s.Subject.Account, "")
		texts = append(texts, err.Error())
	}
	for _, x := range texts {
		d.equal("what is said", x, texts[0])
	}
	d.must(d.Seal(d.t.Context()))
	d.equal("recorded refusals", strings.Count(d.log.verbs(), string(DidRefuse)), 3)
}

func noFixation(d *desk) {
	root := d.admin()
	_, err := d.Resume(d.t.Context(), "a secret somebody else chose", home)
	d.refused("a chosen secret", err, audit.ErrForbidden)
	second, _, err := d.SignIn(d.t.Context(), Attempt{Email: root.Account.Email, Password: password, From: home, Replaces: root.Secret})
	d.must(err)
	if second.Secret == root.Secret || len(second.Secret) != 43 {
		d.t.Fatalf("the second secret is %q, want a new one of 256 bits", second.Secret)
	}
	_, err = d.Resume(d.t.Context(), root.Secret, home)
	d.refused("the session that was replaced", err, audit.ErrForbidden)
	d.now(second)
}

func rotation(d *desk) {
	root := d.admin()
	a := d.person(root, "ana@halyard.example", Grant{Reader, ScopeWorkspace, ""})
	s := d.in(a.Email)
	d.equal("nothing changed", d.now(s).Secret, s.Secret)
	_, err := d.SetGrants(d.t.Context(), root.Subject, a.ID, []Grant{{ComplianceLead, ScopeWorkspace, ""}})
	d.must(err)
	n := d.now(s)
	if n.Secret == s.Secret || n.Session.ID != s.Session.ID {
		d.t.Fatalf("got session %s, secret changed %v; want the same session under a new secret", n.Session.ID, n.Secret != s.Secret)
	}
	d.equal("the new role", n.Subject.Grants, []Grant{{ComplianceLead, ScopeWorkspace, ""}})
	_, err = d.Resume(d.t.Context(), s.Secret, home)
	d.refused("the old secret", err, audit.ErrForbidden)
	d.equal("when it ends", n.Session.Expires, s.Session.Expires)
}

func expiry(d *desk) {
	s := d.admin()
	d.tick(FreshFor - time.Second)
	d.equal("fresh", d.now(s).Subject.Fresh, true)
	d.tick(time.Second)
	d.equal("fresh", d.now(s).Subject.Fresh, false)
	for range 12 {
		d.tick(55 * time.Minute)
		d.now(s)
	}
	d.tick(54*time.Minute + 59*time.Second)
	d.now(s)
	d.tick(time.Second)
	_, err := d.Resume(d.t.Context(), s.Secret, home)
	d.refused("after twelve hours of use", err, audit.ErrForbidden)
	s = d.in(s.Account.Email)
	d.tick(time.Hour)
	_, err = d.Resume(d.t.Context(), s.Secret, home)
	d.refused("after an hour without", err, audit.ErrForbidden)
}

func endingSessions(d *desk) {
	root := d.admin()
	a := d.person(root, "ana@halyard.example")
	one, two, three := d.in(a.Email), d.in(a.Email), d.in(a.Email)
	all, err := d.Sessions(d.t.Context(), one.Subject, a.ID)
	d.must(err)
	d.equal("sessions", len(all), 3)
	d.equal("from", all[0].Address+" "+all[0].Agent, "192.0.2.7:4711 browser")
	_, err = d.Sessions(d.t.Context(), one.Subject, root.Account.ID)
	d.refused("another's sessions", err, audit.ErrForbidden)
	_, err = d.EndSession(d.t.Context(), one.Subject, root.Account.ID, root.Session.ID)
	d.refused("ending another's", err, audit.ErrForbidden)
	_, err = d.EndSession(d.t.Context(), one.Subject, a.ID, root.Session.ID)
	d.refused("another's, named as one's own", err, audit.ErrNotFound)
	_, err = d.EndSession(d.t.Context(), one.Subject, a.ID, two.Session.ID)
	d.must(err)
	_, err = d.Resume(d.t.Context(), two.Secret, home)
	d.refused("the ended one", err, audit.ErrForbidden)
	_, err = d.SignOut(d.t.Context(), one.Secret)
	d.must(err)
	_, err = d.SignOut(d.t.Context(), one.Secret)
	d.must(err)
	_, err = d.EndSessions(d.t.Context(), root.Subject, a.ID)
	d.must(err)
	_, err = d.Resume(d.t.Context(), three.Secret, home)
	d.refused("after all were ended", err, audit.ErrForbidden)
	d.now(root)
}

func confirming(d *desk) {
	s := d.admin()
	d.tick(time.Hour - time.Second)
	_, _, err := d.Confirm(d.t.Context(), s.Secret, "another password", "", home)
	d.refused("a wrong password", err, audit.ErrForbidden)
	n, _, err := d.Confirm(d.t.Context(), s.Secret, password, "", home)
	d.must(err)
	d.equal("fresh", n.Subject.Fresh, true)
	d.equal("when it ends", n.Session.Expires, s.Session.Expires)
	_, err = d.Resume(d.t.Context(), s.Secret, home)
	d.refused("the old secret", err, audit.ErrForbidden)
	d.now(n)
	_, _, err = d.Confirm(d.t.Context(), "x", password, "", home)
	d.refused("no session", err, audit.ErrForbidden)
}

func changingPassword(d *desk) {
	s := d.admin()
	other := d.in(s.Account.Email)
	const next = "eight blue lamps hum"
	_, _, err := d.ChangePassword(d.t.Context(), s.Secret, "another password", next, home)
	d.refused("without the present one", err, audit.ErrForbidden)
	_, _, err = d.ChangePassword(d.t.Context(), s.Secret, password, "short", home)
	d.refused("to a short one", err, audit.ErrInvalid)
	n, _, err := d.ChangePassword(d.t.Context(), s.Secret, password, next, home)
	d.must(err)
	for _, secret := range []string{s.Secret, other.Secret} {
		_, err = d.Resume(d.t.Context(), secret, home)
		d.refused("a session from before", err, audit.ErrForbidden)
	}
	d.now(n)
	_, _, err = d.SignIn(d.t.Context(), Attempt{Email: s.Account.Email, Password: password, From: home})
	d.refused("the old password", err, audit.ErrForbidden)
	_, _, err = d.SignIn(d.t.Context(), Attempt{Email: s.Account.Email, Password: next, From: home})
	d.must(err)
}

func rehashing(d *desk) {
	s := d.admin()
	before, err := d.store.Account(d.t.Context(), s.Account.ID)
	d.must(err)
	d.passwords.cost.time = 2
	d.in(s.Account.Email)
	after, err := d.store.Account(d.t.Context(), s.Account.ID)
	d.must(err)
	if !strings.Contains(before.Password, "$m=64,t=1,p=1$") || !strings.Contains(after.Password, "$m=64,t=2,p=1$") {
		d.t.Fatalf("got %.30s then %.30s, want the cost in both", before.Password, after.Password)
	}
	d.in(s.Account.Email)
	same, err := d.store.Account(d.t.Context(), s.Account.ID)
	d.must(err)
	d.equal("hash once it is of today's cost", same.Password, after.Password)
}

// app is an authenticator app with the secret it was shown.
func (d *desk) app(f Factor) func() string {
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(f.Secret)
	d.must(err)
	return func() string { return hotp(secret, d.Now().Unix()/30, otpDigits) }
}

// withFactor is an account with a second factor.
func (d *desk) withFactor() (s Signed, code func() string, recovery []string) {
	d.t.Helper()
	s = d.admin()
	f, _, err := d.StartFactor(d.t.Context(), s.Subject)
	d.must(err)
	if !strings.HasPrefix(f.URI, "otpauth://totp/Tieout:root@halyard.example?issuer=Tieout&secret="+f.Secret) {
		d.t.Fatalf("URI %q", f.URI)
	}
	code = d.app(f)
	_, _, err = d.ConfirmFactor(d.t.Context(), s.Subject, "000000x")
	d.refused("a wrong code", err, audit.ErrForbidden)
	recovery, _, err = d.ConfirmFactor(d.t.Context(), s.Subject, code())
	d.must(err)
	return d.now(s), code, recovery
}

func (d *desk) half(email string) Signed {
	d.t.Helper()
	h := d.in(email)
	if !h.Pending || h.Subject.Account != "" {
		d.t.Fatalf("got pending %v for %q, want a pending session for nobody", h.Pending, h.Subject.Account)
	}
	return h
}

func secondFactor(d *desk) {
	s, code, _ := d.withFactor()
	h := d.half(s.Account.Email)
	_, err := d.Resume(d.t.Context(), h.Secret, home)
	d.refused("half a sign-in", err, audit.ErrForbidden)
	_, _, err = d.SecondFactor(d.t.Context(), h.Secret, code(), home)
	d.refused("the code that set it up", err, audit.ErrForbidden)
	d.tick(30 * time.Second)
	used := code()
	whole, _, err := d.SecondFactor(d.t.Context(), h.Secret, used, home)
	d.must(err)
	d.equal("method", whole.Session.Method, "password+totp")
	d.now(whole)
	_, _, err = d.SecondFactor(d.t.Context(), h.Secret, used, home)
	d.refused("the half again", err, audit.ErrForbidden)
	h = d.half(s.Account.Email)
	_, _, err = d.SecondFactor(d.t.Context(), h.Secret, used, home)
	d.refused("a code that was used", err, audit.ErrForbidden)
	_, _, err = d.Confirm(d.t.Context(), whole.Secret, password, "", home)
	d.refused("signing in again without it", err, audit.ErrForbidden)
	d.tick(30 * time.Second)
	again, _, err := d.Confirm(d.t.Context(), whole.Secret, password, code(), home)
	d.must(err)
	d.equal("method", again.Session.Method, "password+totp")
	d.tick(pendingFor)
	_, _, err = d.SecondFactor(d.t.Context(), h.Secret, code(), home)
	d.refused("after ten minutes", err, audit.ErrForbidden)

	h = d.half(s.Account.Email)
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, _, errs[i] = d.SecondFactor(d.t.Context(), h.Secret, code(), home) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		}
	}
	d.equal("how many of four got in with one code", won, 1)
}

func recovery(d *desk) {
	s, _, codes := d.withFactor()
	d.equal("codes", len(codes), recoveryCodes)
	whole, _, err := d.SecondFactor(d.t.Context(), d.half(s.Account.Email).Secret, " "+strings.ToUpper(codes[3])+" ", home)
	d.must(err)
	d.equal("what is left", fmt.Sprint(whole.Account.Recovery, whole.Session.Method), "9password+recovery")
	_, _, err = d.SecondFactor(d.t.Context(), d.half(s.Account.Email).Secret, codes[3], home)
	d.refused("twice", err, audit.ErrForbidden)
	fresh, _, err := d.NewRecoveryCodes(d.t.Context(), whole.Subject)
	d.must(err)
	d.tick(2 * time.Second) // mistyping makes people wait a little, too
	_, _, err = d.SecondFactor(d.t.Context(), d.half(s.Account.Email).Secret, codes[4], home)
	d.refused("one of the old ones", err, audit.ErrForbidden)
	d.tick(2 * time.Second)
	h := d.half(s.Account.Email)
	d.tick(2 * time.Second)
	_, _, err = d.SecondFactor(d.t.Context(), h.Secret, fresh[0], home)
	d.must(err)
}

func removingFactor(d *desk) {
	s, code, _ := d.withFactor()
	_, _, err := d.StartFactor(d.t.Context(), s.Subject)
	d.refused("a second one beside", err, audit.ErrConflict)
	_, err = d.RemoveFactor(d.t.Context(), d.stale(s))
	d.refused("without having signed in again", err, audit.ErrForbidden)
	_, err = d.RemoveFactor(d.t.Context(), Subject{Workspace: Company, Kind: audit.ActorCommand, Account: s.Account.ID, Fresh: true, Token: "t"})
	d.refused("by a token", err, audit.ErrForbidden)
	_, err = d.RemoveFactor(d.t.Context(), s.Subject)
	d.must(err)
	d.equal("pending", d.in(s.Account.Email).Pending, false)
	_, _, err = d.ConfirmFactor(d.t.Context(), s.Subject, code())
	d.refused("the old secret", err, audit.ErrConflict)
}

// try guesses from an address and says how it was answered.
func (d *desk) try(email, pass, address string) (wait bool) {
	d.t.Helper()
	_, _, err := d.SignIn(d.t.Context(), Attempt{Email: email, Password: pass, From: From{Address: address}})
	var w *WaitError
	if errors.As(err, &w) {
		if left := w.Until.Sub(d.Now()); left <= 0 || left > longestWait {
			d.t.Fatalf("waiting for %v, want up to %v", left, longestWait)
		}
		return true
	}
	if pass == password {
		d.must(err)
	} else {
		d.refused("a guess", err, audit.ErrForbidden)
	}
	return false
}

func guessing(d *desk) {
	s := d.admin()
	for _, email := range []string{s.Account.Email, "nobody@halyard.example"} {
		for i := range freeHere {
			d.equal(fmt.Sprint(email, i), d.try(email, "guess", "198.51.100.1"), false)
		}
		d.equal("too many", d.try(email, "guess", "198.51.100.1"), true)
		d.equal("too many, even the right one", d.try(email, "x"+password, "198.51.100.1"), true)
	}
	guesses, day := 0, d.Now()
	for d.Now().Sub(day) < 24*time.Hour {
		if !d.try(s.Account.Email, "guess", "198.51.100.1") {
			guesses++
		}
		d.tick(5 * time.Minute)
	}
	if guesses < 24 || guesses > 130 {
		d.t.Fatalf("a day of guessing makes %d guesses, want between 24 and 130", guesses)
	}
	d.equal("from elsewhere it waits too", d.try(s.Account.Email, "guess", "198.51.100.9"), true)
	d.equal("where the person is at home it does not", d.try(s.Account.Email, password, home.Address), false)
	d.tick(longestWait)
	d.equal("a wait ends by itself", d.try(s.Account.Email, password, "198.51.100.1"), false)
	d.equal("and nothing is left of it", d.try(s.Account.Email, "guess", "198.51.100.1"), false)
}

func guessingAtOnce(d *desk) {
	s := d.admin()
	var wg sync.WaitGroup
	var mu sync.Mutex
	guessed := 0
	for range 30 {
		wg.Go(func() {
			_, _, err := d.SignIn(d.t.Context(), Attempt{Email: s.Account.Email, Password: "guess", From: From{Address: "198.51.100.1"}})
			var w *WaitError
			if !errors.As(err, &w) {
				mu.Lock()
				defer mu.Unlock()
				guessed++
			}
		})
	}
	wg.Wait()
	d.equal("guesses of thirty at once that were looked at", guessed, freeHere)
}

func spraying(d *desk) {
	s := d.admin()
	const address = "2001:db8::%d"
	waits := 0
	for i := range freeAddress + 10 {
		if d.try(fmt.Sprintf("u%d@halyard.example", i), "guess", fmt.Sprintf(address, i+1)) {
			waits++
		}
	}
	d.equal("guesses that wait", waits, 10)
	d.equal("a right one among them waits too", d.try(s.Account.Email, "x"+password, fmt.Sprintf(address, 99)), true)
	d.equal("another network does not", d.try(s.Account.Email, password, "2001:db8:1::1"), false)
}

func tokens(d *desk) {
	root := d.admin()
	a := d.person(root, "ana@halyard.example", Grant{ComplianceLead, ScopeSystem, "api"})
	s := d.in(a.Email)
	in := func(h time.Duration) time.Time { return d.Now().Add(h) }
	for name, tc := range map[string]struct {
		name    string
		perms   []PermissionID
		expires time.Time
		want    error
	}{
		"no name":                {" ", []PermissionID{"period.read"}, in(time.Hour), audit.ErrInvalid},
		"nothing to do":          {"ci", nil, in(time.Hour), audit.ErrInvalid},
		"expired":                {"ci", []PermissionID{"period.read"}, in(0), audit.ErrInvalid},
		"for ever":               {"ci", []PermissionID{"period.read"}, in(2 * MaxTokenLife), audit.ErrInvalid},
		"unknown":                {"ci", []PermissionID{"x"}, in(time.Hour), audit.ErrInvalid},
		"what needs a person":    {"ci", []PermissionID{"deviation.answer"}, in(time.Hour), audit.ErrForbidden},
		"what the maker may not": {"ci", []PermissionID{"source.manage"}, in(time.Hour), audit.ErrForbidden},
		"what nobody may":        {"ci", []PermissionID{EditEvidence}, in(time.Hour), audit.ErrForbidden},
	} {
		_, _, _, err := d.CreateToken(d.t.Context(), s.Subject, tc.name, tc.perms, tc.expires)
		d.refused(name, err, tc.want)
	}
	k, secret, _, err := d.CreateToken(d.t.Context(), s.Subject, "ci", []PermissionID{"period.read"}, in(time.Hour))
	d.must(err)
	if !strings.HasPrefix(secret, k.ID+"_") || !strings.HasPrefix(k.ID, TokenPrefix) || len(secret) != len(k.ID)+44 {
		d.t.Fatalf("token %q of ID %q", secret, k.ID)
	}
	who, err := d.UseToken(d.t.Context(), secret, home)
	d.must(err)
	for name, tc := range map[string]struct {
		ask  PermissionID
		on   Object
		want bool
	}{
		"what it was made for":     {"period.read", Object{Systems: []string{"api"}}, true},
		"beyond its maker's scope": {"period.read", Object{Systems: []string{"web"}}, false},
		"what it was not made for": {"evidence.read", Object{Systems: []string{"api"}}, false},
		"making another token":     {CreateToken, Object{Owner: a.ID}, false},
		"answering a deviation":    {"deviation.answer", Object{Systems: []string{"api"}}, false},
	} {
		got, why := Allowed(who, tc.ask, tc.on)
		d.equal(name+" ("+why+")", got, tc.want)
	}
	_, err = d.UseToken(d.t.Context(), secret+"x", home)
	d.refused("another secret", err, audit.ErrForbidden)
	mine, err := d.Tokens(d.t.Context(), s.Subject, a.ID)
	d.must(err)
	d.equal("listed", fmt.Sprint(len(mine), mine[0].ID, mine[0].Used), fmt.Sprint(1, k.ID, d.Now()))
	_, err = d.Tokens(d.t.Context(), s.Subject, "")
	d.refused("everybody's", err, audit.ErrForbidden)
	_, err = d.Tokens(d.t.Context(), who, a.ID)
	d.refused("listed by the token itself", err, audit.ErrForbidden)
}

func tokenEnds(d *desk) {
	root := d.admin()
	a := d.person(root, "ana@halyard.example", Grant{ComplianceLead, ScopeWorkspace, ""})
	s := d.in(a.Email)
	made := func(life time.Duration) (Token, string) {
		k, secret, _, err := d.CreateToken(d.t.Context(), s.Subject, "ci", []PermissionID{"period.read"}, d.Now().Add(life))
		d.must(err)
		return k, secret
	}
	k, secret := made(time.Hour)
	_, err := d.RevokeToken(d.t.Context(), s.Subject, "x")
	d.refused("a token that is none", err, audit.ErrForbidden)
	_, err = d.RevokeToken(d.t.Context(), root.Subject, k.ID)
	d.must(err)
	_, err = d.UseToken(d.t.Context(), secret, home)
	d.refused("revoked", err, audit.ErrForbidden)
	k, secret = made(time.Hour)
	_, err = d.RevokeToken(d.t.Context(), s.Subject, k.ID)
	d.must(err)
	_, secret = made(time.Hour)
	d.tick(time.Hour)
	_, err = d.UseToken(d.t.Context(), secret, home)
	d.refused("expired", err, audit.ErrForbidden)
	_, secret = made(time.Hour)
	_, err = d.SetGrants(d.t.Context(), root.Subject, a.ID, nil)
	d.must(err)
	who, err := d.UseToken(d.t.Context(), secret, home)
	d.must(err)
	ok, why := Allowed(who, "period.read", Object{})
	d.equal("after its maker lost the role ("+why+")", ok, false)
}

func sinkDown(d *desk) {
	root := d.admin()
	a := d.person(root, "ana@halyard.example")
	d.log.down = true
	act, err := d.Suspend(d.t.Context(), root.Subject, a.ID)
	d.refused("the change during which it failed", err, audit.ErrUnavailable)
	if !strings.Contains(err.Error(), "is done and waits to be sealed") || act.ID == "" {
		d.t.Fatalf("error %q with activity %q does not say that it is done", err, act.ID)
	}
	_, err = d.Reactivate(d.t.Context(), root.Subject, a.ID)
	d.refused("the next", err, audit.ErrUnavailable)
	_, _, err = d.SignIn(d.t.Context(), Attempt{Email: root.Account.Email, Password: password, From: home})
	d.refused("a sign-in", err, audit.ErrUnavailable)
	stored, err := d.store.Account(d.t.Context(), a.ID)
	d.must(err)
	d.equal("status", stored.Status, Suspended)
	d.log.down = false
	_, err = d.Reactivate(d.t.Context(), root.Subject, a.ID)
	d.must(err)
	d.equal("the log's end", strings.HasSuffix(d.log.verbs(), "account.suspended account.reactivated"), true)
}

func crash(d *desk) {
	root := d.admin()
	d.log.down = true
	_, err := d.Do(d.t.Context(), root.Subject, "risk.accepted", "risk:7", nil)
	d.refused("sealing", err, audit.ErrUnavailable)
	d.log.down = false
	waiting, err := d.store.UnsealedActivities(d.t.Context(), 10)
	d.must(err)
	a, err := readActivity(waiting[0])
	d.must(err)
	_, err = d.log.Seal(d.t.Context(), a) // sealed, and then the process died
	d.must(err)
	d.must(d.Seal(d.t.Context()))
	d.must(d.Seal(d.t.Context()))
	d.equal("records of it", strings.Count(d.log.verbs(), "risk.accepted"), 1)
}

func noSecrets(d *desk) {
	s, code, recovery := d.withFactor()
	a := d.person(s, "ana@halyard.example", Grant{ComplianceLead, ScopeWorkspace, ""})
	in := d.in(a.Email)
	_, token, _, err := d.CreateToken(d.t.Context(), in.Subject, "ci", []PermissionID{"period.read"}, d.Now().Add(time.Hour))
	d.must(err)
	link, _, err := d.InviteAgain(d.t.Context(), s.Subject, a.ID, true)
	d.must(err)
	d.try(a.Email, "a guess of mine", home.Address)
	d.must(d.Seal(d.t.Context()))
	sealed, err := json.Marshal(d.log.all)
	d.must(err)
	file := filepath.Join(d.t.TempDir(), "backup.db")
	d.must(d.store.Backup(d.t.Context(), file))
	kept, err := os.ReadFile(file)
	d.must(err)
	for name, secret := range map[string]string{"password": password, "guess": "a guess of mine", "session": in.Secret, "token": token, "link": link.Secret,
		"recovery code": recovery[0], "recovery code as it is hashed": strings.ReplaceAll(recovery[0], "-", "")} {
		if strings.Contains(string(sealed), secret) {
			d.t.Errorf("the log holds a %s", name)
		}
		if strings.Contains(string(kept), secret) {
			d.t.Errorf("the store holds a %s", name)
		}
	}
	if strings.Contains(string(sealed), a.Email) {
		d.t.Error("the log holds an e-mail address")
	}
	row, err := d.store.Account(d.t.Context(), s.Account.ID)
	d.must(err)
	otp, err := d.keys.openOTP(s.Account.ID, row.OTP)
	d.must(err)
	d.equal("code of the secret", hotp(otp, d.Now().Unix()/30, 6), code())
	if strings.Contains(string(kept), string(otp)) {
		d.t.Error("the store holds the second factor's secret in the clear")
	}
	_, err = d.keys.openOTP(a.ID, row.OTP)
	d.refused("under another account", err, audit.ErrAltered)
}

func sweeping(d *desk) {
	root := d.admin()
	d.now(root)
	d.must(d.Sweep(d.t.Context()))
	d.now(root)
	d.tick(13 * time.Hour)
	d.must(d.Sweep(d.t.Context()))
	all, err := d.store.Sessions(d.t.Context(), root.Account.ID)
	d.must(err)
	d.equal("sessions", len(all), 0)
	d.in(root.Account.Email)
}
