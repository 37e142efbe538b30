package storetest

import (
	"fmt"
	"testing"
	"time"

	"tieout/audit"
	"tieout/store"
)

// fillIdentity puts something into every table of how else people sign in, for
// the account ana.
func fillIdentity(t *testing.T, s *store.Store) {
	t.Helper()
	change(t, s, store.AccessChange{Activity: did("i1"), Passkey: passkey("k1", "ana"),
		Link:      &store.Identity{Issuer: "https://id.example", Subject: "ana-1", Account: "ana", Linked: at(2)},
		Directory: &store.DirectoryUser{Account: "ana", UserName: "Ana@Halyard.example", ExternalID: "00u1", Given: "Ana", Family: "Moss", Changed: at(2), Gone: true}})
	change(t, s, store.AccessChange{Activity: did("i2"), Group: group("g1", "sec-leads")})
	change(t, s, store.AccessChange{Activity: did("i3"), Join: &store.Membership{Group: "g1", Account: "ana", At: at(3)}})
	must(t, s.KeepChallenge(t.Context(), store.Challenge{Hash: *secret("c1"), Sealed: []byte{0, 1}, Expires: at(5)}, at(1)))
}

func passkey(id, account string) *store.Passkey {
	return &store.Passkey{ID: []byte{0, 255, id[1]}, Account: account, Name: "laptop", Credential: []byte(`{"a":1}`), Created: at(1)}
}

func group(id, name string) *store.DirectoryGroup {
	return &store.DirectoryGroup{ID: id, Name: name, ExternalID: "x" + id, Created: at(1), Changed: at(1)}
}

// identityContents is what the tables of fillIdentity tell, but for challenges,
// which can only be taken.
func identityContents(t *testing.T, s *store.Store) (out []any) {
	t.Helper()
	keep := func(v any, err error) {
		t.Helper()
		must(t, err)
		out = append(out, v)
	}
	ctx := t.Context()
	keep(wrap(s.Passkeys(ctx, "ana")))
	keep(wrap(s.Identities(ctx, "ana")))
	keep(wrap(s.DirectoryUsers(ctx)))
	keep(wrap(s.DirectoryGroups(ctx)))
	return out
}

func identityRoundTrip(t *testing.T, e *engine) {
	s := e.Open(t)
	ctx := t.Context()
	fillAccess(t, s)
	got := fmt.Sprintf("%+v", identityContents(t, s))
	want := fmt.Sprintf("%+v", []any{
		[]store.Passkey{{ID: []byte{0, 255, '1'}, Account: "ana", Name: "laptop", Credential: []byte(`{"a":1}`), Created: at(1), Version: 1}},
		[]store.Identity{{Issuer: "https://id.example", Subject: "ana-1", Account: "ana", Linked: at(2)}},
		map[string]store.DirectoryUser{"ana": {Account: "ana", UserName: "Ana@Halyard.example", ExternalID: "00u1", Given: "Ana", Family: "Moss", Changed: at(2), Gone: true}},
		[]store.DirectoryGroup{{ID: "g1", Name: "sec-leads", ExternalID: "xg1", Created: at(1), Changed: at(3), Version: 2, Members: []string{"ana"}}},
	})
	wantEqual(t, "what is kept", got, want)
	a, err := s.Account(ctx, "ana")
	must(t, err)
	wantEqual(t, "counts", fmt.Sprint(a.Passkeys, a.Identities), "1 1")
	i, err := s.Identity(ctx, "https://id.example", "ana-1")
	must(t, err)
	wantEqual(t, "linked to", i.Account, "ana")
	wantError(t, "another subject", second(s.Identity(ctx, "https://id.example", "ana-2")), audit.ErrNotFound)
	used := *passkey("k1", "ana")
	used.Version, used.Used, used.Name = 1, at(4), "desk"
	change(t, s, store.AccessChange{Activity: did("i4"), Passkey: &used})
	k, err := s.Passkey(ctx, used.ID)
	must(t, err)
	wantEqual(t, "the passkey", fmt.Sprint(k.Used, k.Version, k.Name), fmt.Sprint(at(4), 2, "desk"))
	change(t, s, store.AccessChange{Activity: did("i5"), DropPasskey: &store.PasskeyRef{ID: used.ID, Account: "ana"},
		Unlink: &store.Identity{Issuer: "https://id.example", Subject: "ana-1", Account: "ana"}, Leave: &store.Membership{Group: "g1", Account: "ana", At: at(5)}})
	change(t, s, store.AccessChange{Activity: did("i6"), DropGroup: "g1"})
	wantError(t, "the group", second(s.DirectoryGroup(ctx, "g1")), audit.ErrNotFound)
	wantError(t, "the passkey", second(s.Passkey(ctx, used.ID)), audit.ErrNotFound)
}

func identityConflicts(t *testing.T, e *engine) {
	s := e.Open(t)
	fillAccess(t, s)
	before := fmt.Sprintf("%+v", identityContents(t, s))
	stale, others := *passkey("k1", "ana"), *passkey("k1", "bob")
	stale.Version, others.Version = 2, 1
	again := *group("g1", "sec-leads")
	again.Version = 1
	for name, c := range map[string]store.AccessChange{
		"a passkey that is there":          {Passkey: passkey("k1", "bob")},
		"a passkey that moved on":          {Passkey: &stale},
		"another's passkey":                {Passkey: &others},
		"removing another's passkey":       {DropPasskey: &store.PasskeyRef{ID: stale.ID, Account: "bob"}},
		"an identity that is linked":       {Link: &store.Identity{Issuer: "https://id.example", Subject: "ana-1", Account: "bob", Linked: at(3)}},
		"unlinking another's identity":     {Unlink: &store.Identity{Issuer: "https://id.example", Subject: "ana-1", Account: "bob"}},
		"a user name that is taken":        {Directory: &store.DirectoryUser{Account: "bob", UserName: "Ana@Halyard.example", Changed: at(3)}},
		"a group's name that is taken":     {Group: group("g2", "sec-leads")},
		"a group that moved on":            {Group: &again},
		"a member that is there":           {Join: &store.Membership{Group: "g1", Account: "ana", At: at(3)}},
		"a member that is not there":       {Leave: &store.Membership{Group: "g1", Account: "bob", At: at(3)}},
		"a member of an old version":       {Join: &store.Membership{Group: "g1", Account: "bob", At: at(3), Version: 1}},
		"a member of no group":             {Join: &store.Membership{Group: "g9", Account: "bob", At: at(3)}},
		"a group that has members":         {DropGroup: "g1"},
		"with a session that has ended":    {EndPasskeys: "ana", DropSession: secret("x")},
		"an invitation that was used once": {Join: &store.Membership{Group: "g1", Account: "bob", At: at(4)}, UseInvitation: secret("x")},
	} {
		c.Activity = did("n")
		wantError(t, name, second(s.ChangeAccess(t.Context(), c)), audit.ErrConflict)
	}
	wantEqual(t, "what refused changes left", fmt.Sprintf("%+v", identityContents(t, s)), before)
	change(t, s, store.AccessChange{Activity: did("n"), EndPasskeys: "ana"})
	all, err := s.Passkeys(t.Context(), "ana")
	must(t, err)
	wantEqual(t, "passkeys left", len(all), 0)
}

// challenges: each is taken once, also by several at once, and an expired one
// goes with the next that is kept.
func challenges(t *testing.T, e *engine) {
	s := e.Open(t)
	ctx := t.Context()
	again := e.Again(t, s)
	keep := func(name string, expires, now time.Time) {
		t.Helper()
		must(t, s.KeepChallenge(ctx, store.Challenge{Hash: *secret(name), Sealed: []byte(name), Expires: expires}, now))
	}
	keep("a", at(5), at(1))
	keep("a", at(6), at(1)) // replaces it
	c, err := again.TakeChallenge(ctx, *secret("a"))
	must(t, err)
	wantEqual(t, "what is taken", fmt.Sprint(string(c.Sealed), c.Expires), fmt.Sprint("a", at(6)))
	wantError(t, "twice", second(s.TakeChallenge(ctx, *secret("a"))), audit.ErrNotFound)
	keep("b", at(2), at(1))
	keep("c", at(9), at(3))
	wantError(t, "one that expired", second(s.TakeChallenge(ctx, *secret("b"))), audit.ErrNotFound)
	won := make(chan bool, 8)
	for i := range 8 {
		go func() {
			_, err := []*store.Store{s, again}[i%2].TakeChallenge(ctx, *secret("c"))
			won <- err == nil
		}()
	}
	n := 0
	for range 8 {
		if <-won {
			n++
		}
	}
	wantEqual(t, "who had it", n, 1)
}
