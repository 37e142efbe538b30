package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/store"
)

func secret(s string) *[32]byte {
	h := sha256.Sum256([]byte(s))
	return &h
}

func did(id string) store.Activity {
	return store.Activity{ID: id, At: at(1), Canonical: []byte(`{"verb":"` + id + `"}`), Record: audit.Unsequenced}
}

var admin = store.AccountGrant{Role: "administrator", Scope: "workspace"}

func person(id string, grants ...store.AccountGrant) store.Account {
	return store.Account{ID: id, Email: id + "@halyard.example", Name: "Zo\u00eb " + id, Status: "active", Created: at(0), Password: "$argon2id$x",
		OTP: []byte{0, 255}, OTPActive: true, OTPStep: 7, Rights: 1, Grants: grants, Recovery: [][32]byte{*secret("r" + id)}}
}

func session(id, account string) *store.Session {
	return &store.Session{Hash: *secret(id), ID: id, Account: account, Method: "password", SignedIn: at(1), Created: at(1), Used: at(1),
		Expires: at(9), Rights: 1, Address: "192.0.2.7", Agent: "b"}
}

// fillAccess puts something into every table of people and their keys.
func fillAccess(t *testing.T, s *store.Store) {
	t.Helper()
	ana := person("ana", admin)
	change(t, s, store.AccessChange{Activity: did("1"), Account: &ana, AddSession: session("s1", "ana"),
		Invite:   &store.Invitation{Hash: *secret("i1"), Account: "ana", Expires: at(5), Factors: true},
		AddToken: &store.APIToken{ID: "t1", Hash: *secret("t1"), Account: "ana", Name: "ci", Permissions: "period.read", Created: at(1), Expires: at(9)}})
	must(t, s.ActivitySealed(t.Context(), "1", 4))
	bob := person("bob")
	bob.Recovery, bob.OTP, bob.OTPActive = nil, nil, false
	change(t, s, store.AccessChange{Activity: did("2"), Account: &bob})
	must(t, fail(t.Context(), s, "a"))
	fillIdentity(t, s)
}

func fail(ctx context.Context, s *store.Store, subject string) error {
	return s.CountAttempts(ctx, []string{subject}, func(c map[string]*store.Attempts) error {
		c[subject].Failures++
		c[subject].At, c[subject].Blocked = at(1), at(2)
		return nil
	})
}

func change(t *testing.T, s *store.Store, c store.AccessChange) int64 {
	t.Helper()
	n, err := s.ChangeAccess(t.Context(), c)
	must(t, err)
	return n
}

// accessContents is what the tables of fillAccess tell.
func accessContents(t *testing.T, s *store.Store) []any {
	t.Helper()
	var out []any
	keep := func(v any, err error) {
		t.Helper()
		must(t, err)
		out = append(out, v)
	}
	ctx := t.Context()
	keep(wrap(s.Accounts(ctx)))
	keep(wrap(s.Invitation(ctx, *secret("i1"))))
	keep(wrap(s.Sessions(ctx, "ana")))
	keep(wrap(s.APITokens(ctx, "")))
	keep(wrap(s.Activities(ctx, 0, 10)))
	keep(nil, s.CountAttempts(ctx, []string{"a"}, func(c map[string]*store.Attempts) error {
		out = append(out, *c["a"])
		return nil
	}))
	return append(out, identityContents(t, s)...)
}

func accountsRoundTrip(t *testing.T, e *engine) {
	s := e.Open(t)
	ctx := t.Context()
	a := person("ana", store.AccountGrant{Role: "control-owner", Scope: "control", Object: "IAM-06"}, store.AccountGrant{Role: "reader", Scope: "workspace"})
	wantEqual(t, "number", change(t, s, store.AccessChange{Activity: did("1"), Account: &a}), 1)
	a.Version = 1
	got, err := s.AccountByEmail(ctx, a.Email)
	must(t, err)
	if d := cmp.Diff(a, got); d != "" {
		t.Fatalf("account (-want +got):\n%s", d)
	}
	a.Name, a.Grants, a.Recovery, a.OTP = "Ana", nil, nil, []byte{}
	wantEqual(t, "number", change(t, s, store.AccessChange{Activity: did("2"), Account: &a}), 2)
	got, err = s.Account(ctx, "ana")
	must(t, err)
	wantEqual(t, "what is left", fmt.Sprint(len(got.Grants), len(got.Recovery), len(got.OTP), got.Version, " ", got.Name), "0 0 0 2 Ana")
	_, err = s.Account(ctx, "bob")
	wantError(t, "unknown account", err, audit.ErrNotFound)
}

func accessConflicts(t *testing.T, e *engine) {
	s := e.Open(t)
	fillAccess(t, s)
	before := accessContents(t, s)
	old, twin, taken, gone := person("ana"), person("eve"), person("bob"), person("ana")
	twin.Email = "ana@halyard.example"
	taken.Email, taken.Version = "ana@halyard.example", 1
	gone.Version, gone.Status = 1, "suspended"
	nul := person("nul")
	nul.Name = "a\x00b"
	for name, tc := range map[string]struct {
		change store.AccessChange
		want   error
	}{
		"no activity":                         {store.AccessChange{Account: &gone}, audit.ErrInvalid},
		"an account that is there":            {store.AccessChange{Activity: did("3"), Account: &old}, audit.ErrConflict},
		"an address that is taken":            {store.AccessChange{Activity: did("3"), Account: &twin}, audit.ErrConflict},
		"a change to an address that is":      {store.AccessChange{Activity: did("3"), Account: &taken}, audit.ErrConflict},
		"the last administrator":              {store.AccessChange{Activity: did("3"), Account: &gone, Keep: &admin}, audit.ErrConflict},
		"a session that is not there":         {store.AccessChange{Activity: did("3"), DropSession: secret("x"), AddSession: session("s2", "ana")}, audit.ErrConflict},
		"an invitation that is not there":     {store.AccessChange{Activity: did("3"), UseInvitation: secret("x"), EndSessions: "ana"}, audit.ErrConflict},
		"a token that is not there":           {store.AccessChange{Activity: did("3"), DropToken: "x", EndSessions: "ana"}, audit.ErrConflict},
		"text that one engine could not keep": {store.AccessChange{Activity: did("3"), Account: &nul}, audit.ErrInvalid},
	} {
		_, err := s.ChangeAccess(t.Context(), tc.change)
		wantError(t, name, err, tc.want)
	}
	if d := cmp.Diff(before, accessContents(t, s)); d != "" {
		t.Fatalf("refused changes left something (-want +got):\n%s", d)
	}
}

func accessKeys(t *testing.T, e *engine) {
	s := e.Open(t)
	ctx := t.Context()
	fillAccess(t, s)
	must(t, s.TouchSession(ctx, *secret("s1"), at(3)))
	must(t, s.TouchSession(ctx, *secret("s1"), at(2))) // never back
	x, err := s.Session(ctx, *secret("s1"))
	must(t, err)
	wantEqual(t, "last used", x.Used, at(3))
	must(t, s.TouchAPIToken(ctx, "t1", at(4)))
	k, err := s.APIToken(ctx, *secret("t1"))
	must(t, err)
	wantEqual(t, "token last used", k.Used, at(4))
	change(t, s, store.AccessChange{Activity: did("3"), DropSession: secret("s1"), AddSession: session("s2", "ana"),
		UseInvitation: secret("i1"), DropToken: "t1"})
	for what, err := range map[string]error{
		"session": second(s.Session(ctx, *secret("s1"))), "invitation": second(s.Invitation(ctx, *secret("i1"))), "token": second(s.APIToken(ctx, *secret("t1"))),
	} {
		wantError(t, what, err, audit.ErrNotFound)
	}
	change(t, s, store.AccessChange{Activity: did("4"), EndSessions: "ana", AddSession: session("s3", "ana"),
		Invite: &store.Invitation{Hash: *secret("i2"), Account: "ana", Expires: at(5)}})
	change(t, s, store.AccessChange{Activity: did("5"), Invite: &store.Invitation{Hash: *secret("i3"), Account: "ana", Expires: at(6)}})
	wantError(t, "the invitation before", second(s.Invitation(ctx, *secret("i2"))), audit.ErrNotFound)
	all, err := s.Sessions(ctx, "ana")
	must(t, err)
	wantEqual(t, "sessions", len(all), 1)
	must(t, s.SweepAccess(ctx, at(7), at(0)))
	wantError(t, "an expired invitation", second(s.Invitation(ctx, *secret("i3"))), audit.ErrNotFound)
	must(t, second(s.Session(ctx, *secret("s3"))))
	must(t, s.SweepAccess(ctx, at(10), at(3)))
	wantError(t, "an expired session", second(s.Session(ctx, *secret("s3"))), audit.ErrNotFound)
	must(t, s.CountAttempts(ctx, []string{"a"}, func(c map[string]*store.Attempts) error {
		wantEqual(t, "old attempts", c["a"].Failures, 0)
		return nil
	}))
}

func second[T any](_ T, err error) error { return err }

func activities(t *testing.T, e *engine) {
	s := e.Open(t)
	ctx := t.Context()
	for i := range 5 {
		change(t, s, store.AccessChange{Activity: did(fmt.Sprint(i + 1))})
	}
	must(t, s.ActivitySealed(ctx, "2", 9))
	must(t, s.ActivitySealed(ctx, "2", 9))
	wantError(t, "another index", s.ActivitySealed(ctx, "2", 8), audit.ErrConflict)
	wantError(t, "no such activity", s.ActivitySealed(ctx, "x", 8), audit.ErrConflict)
	wantError(t, "no index", s.ActivitySealed(ctx, "3", audit.Unsequenced), audit.ErrInvalid)
	ids := func(all []store.Activity, err error) (out string) {
		must(t, err)
		for _, a := range all {
			out += fmt.Sprint(a.ID, "=", a.Record, " ")
		}
		return out
	}
	wantEqual(t, "unsealed", ids(s.UnsealedActivities(ctx, 3)), "1=-1 3=-1 4=-1 ")
	wantEqual(t, "the newest", ids(s.Activities(ctx, 0, 2)), "5=-1 4=-1 ")
	wantEqual(t, "before the fourth", ids(s.Activities(ctx, 4, 9)), "3=-1 2=9 1=-1 ")
}

// accessRace: of two who read the same version one writes; of two who each take
// the other's role, one may.
func accessRace(t *testing.T, e *engine) {
	s := e.Open(t)
	again := e.Again(t, s)
	ana, bob := person("ana", admin), person("bob", admin)
	change(t, s, store.AccessChange{Activity: did("1"), Account: &ana})
	change(t, s, store.AccessChange{Activity: did("2"), Account: &bob})
	ana.Version, bob.Version, ana.Grants, bob.Grants = 1, 1, nil, nil
	wantEqual(t, "who took the other's role", race(t,
		func() error {
			_, err := s.ChangeAccess(t.Context(), store.AccessChange{Activity: did("3"), Account: &bob, Keep: &admin})
			return err
		},
		func() error {
			_, err := again.ChangeAccess(t.Context(), store.AccessChange{Activity: did("4"), Account: &ana, Keep: &admin})
			return err
		}), 1)
	cy := person("cy")
	change(t, s, store.AccessChange{Activity: did("5"), Account: &cy})
	cy.Version = 1
	var writers []func() error
	for i := range 4 {
		writers = append(writers, func() error {
			_, err := []*store.Store{s, again}[i%2].ChangeAccess(t.Context(), store.AccessChange{Activity: did(fmt.Sprint("w", i)), Account: &cy})
			return err
		})
	}
	wantEqual(t, "writers of one version", race(t, writers...), 1)
}

// race runs all at once and counts those that succeeded; the others have to
// meet a conflict.
func race(t *testing.T, all ...func() error) (won int) {
	t.Helper()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, f := range all {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			wantError(t, "the others", err, audit.ErrConflict)
		}
	}
	return won
}

func attempts(t *testing.T, e *engine) {
	s := e.Open(t)
	again := e.Again(t, s)
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() {
			subjects := [][]string{{"a", "b"}, {"b", "a"}}[i%2]
			errs[i] = []*store.Store{s, again}[i%2].CountAttempts(t.Context(), subjects, func(c map[string]*store.Attempts) error {
				c["a"].Failures++
				c["b"].Failures += 2
				c["b"].Blocked = at(i).Add(time.Microsecond)
				return nil
			})
		})
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	refused := errors.New("blocked")
	err := s.CountAttempts(t.Context(), []string{"a", "b"}, func(c map[string]*store.Attempts) error {
		wantEqual(t, "counts", fmt.Sprint(c["a"].Failures, c["b"].Failures), "20 40")
		c["a"].Failures = 99
		return refused
	})
	wantError(t, "what f refused", err, refused)
	must(t, s.CountAttempts(t.Context(), []string{"a"}, func(c map[string]*store.Attempts) error {
		wantEqual(t, "count after a refusal", c["a"].Failures, 20)
		return nil
	}))
}
