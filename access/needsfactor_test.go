package access

import (
	"testing"

	"tieout/audit"
	"tieout/store"
)

// needsFactor: where a second factor is asked for, a password alone opens nothing
// but the way to set one up, and the last one stays.
func needsFactor(d *desk) {
	root := d.admin()
	d.config.SecondFactor = true
	d.reopen()
	ctx := d.t.Context()
	root = d.now(root)
	d.equal("a session of before", []any{root.Session.NeedsFactor, len(root.Subject.Grants), len(root.Account.Grants)}, []any{true, 0, 1})
	for _, p := range Permissions {
		if ok, _ := Allowed(root.Subject, p.ID, Object{Owner: root.Account.ID}); ok {
			d.t.Errorf("with a password alone it may %s", p.Title)
		}
	}
	_, _, err := d.Invite(ctx, root.Subject, "ana@halyard.example", "Ana Moss", nil)
	d.refused("inviting", err, audit.ErrForbidden)
	_, _, _, err = d.CreateToken(ctx, root.Subject, "script", []PermissionID{"period.read"}, d.Now().Add(inviteFor))
	d.refused("making a token", err, audit.ErrForbidden)

	f, _, err := d.StartFactor(ctx, root.Subject)
	d.must(err)
	d.equal("while it is being set up", d.now(root).Session.NeedsFactor, true)
	code := d.app(f)
	_, _, err = d.ConfirmFactor(ctx, root.Subject, code())
	d.must(err)
	root = d.now(root)
	d.equal("with an app", []any{root.Session.NeedsFactor, len(root.Subject.Grants)}, []any{false, 1})
	_, err = d.RemoveFactor(ctx, root.Subject)
	d.refused("removing the last one", err, audit.ErrConflict)
	d.withPasskey(root, "laptop")
	root = d.now(root)
	_, err = d.RemoveFactor(ctx, root.Subject)
	d.must(err)
	root = d.now(root)
	d.equal("with a passkey", root.Session.NeedsFactor, false)
	keys, err := d.Passkeys(ctx, root.Subject, root.Account.ID)
	d.must(err)
	_, err = d.RemovePasskey(ctx, root.Subject, keys[0].ID)
	d.refused("removing the last one", err, audit.ErrConflict)

	d.config.SecondFactor = false
	d.reopen()
	_, err = d.RemovePasskey(ctx, d.now(root).Subject, keys[0].ID)
	d.must(err)
	d.equal("where none is asked for", d.now(root).Session.NeedsFactor, false)
}

// TestNeedsFactorByMethod: whom a provider vouches for is not asked; half a
// sign-in is none yet.
func TestNeedsFactorByMethod(t *testing.T) {
	bare, app, key := store.Account{Password: "x"}, store.Account{Password: "x", OTPActive: true}, store.Account{Password: "x", Passkeys: 1}
	for _, tc := range []struct {
		name string
		a    store.Account
		x    store.Session
		want bool
	}{
		{"a password alone", bare, store.Session{Method: "password"}, true},
		{"a password, and an app that was removed", bare, store.Session{Method: "password+totp"}, true},
		{"a passkey that was removed", bare, store.Session{Method: "passkey"}, true},
		{"half a sign-in", bare, store.Session{Method: "password", Pending: true}, false},
		{"a provider", bare, store.Session{Method: "provider sso"}, false},
		{"an app", app, store.Session{Method: "password+totp"}, false},
		{"an app, set up in this session", app, store.Session{Method: "password"}, false},
		{"a passkey", key, store.Session{Method: "password+passkey"}, false},
	} {
		if got := (&People{secondFactor: true}).needsFactor(tc.a, tc.x); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
		if (&People{}).needsFactor(tc.a, tc.x) {
			t.Errorf("%s: asked where it is optional", tc.name)
		}
	}
}
