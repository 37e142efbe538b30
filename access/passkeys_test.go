package access

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"tieout/audit"
)

func TestPasskeys(t *testing.T) {
	for engine, open := range engines {
		for name, run := range map[string]func(*desk){
			"one is registered, named and removed":    registering,
			"signing in with one is both factors":     passkeySignIn,
			"an answer counts once and for one":       passkeyOnce,
			"answers that are not right":              passkeyWrong,
			"as the second factor after a password":   passkeyFactor,
			"signing in again with one":               passkeyConfirm,
			"a copy is noticed":                       passkeyCopy,
			"a new link can take all second factors":  passkeyReset,
			"another server takes the answer":         passkeyElsewhere,
			"suspended people do not get in with one": passkeySuspended,
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

// withPasskey registers a passkey for somebody who is signed in.
func (d *desk) withPasskey(s Signed, name string) *authenticator {
	d.t.Helper()
	a := newAuthenticator(d.t)
	options, err := d.BeginPasskey(d.t.Context(), s.Subject)
	d.must(err)
	_, _, _, err = d.FinishPasskey(d.t.Context(), s.Subject, name, a.register(options))
	d.must(err)
	return a
}

func (d *desk) passkeyIn(a *authenticator) (Signed, error) {
	d.t.Helper()
	c, err := d.BeginPasskeySignIn(d.t.Context())
	d.must(err)
	s, _, err := d.FinishPasskeySignIn(d.t.Context(), PasskeyAttempt{Secret: c.Secret, Response: a.sign(c.Options), From: home})
	return s, err
}

func registering(d *desk) {
	s := d.admin()
	ctx := d.t.Context()
	a := newAuthenticator(d.t)
	options, err := d.BeginPasskey(ctx, s.Subject)
	d.must(err)
	o := a.read(options).PublicKey
	d.equal("what is asked for", o.RP.ID+" "+o.Selection.UserVerification+" "+o.Selection.ResidentKey, testRPID+" required required")
	_, _, _, err = d.FinishPasskey(ctx, s.Subject, " ", a.register(options))
	d.refused("a name of nothing", err, audit.ErrInvalid)
	k, codes, _, err := d.FinishPasskey(ctx, s.Subject, "laptop", a.register(options))
	d.must(err)
	d.equal("the passkey", k.Name+" "+k.ID, "laptop "+enc(a.id))
	d.equal("recovery codes", len(codes), recoveryCodes)
	s = d.now(s)
	d.equal("what the account says", []any{s.Account.SecondFactor, s.Account.App, s.Account.Passkeys, s.Account.Recovery}, []any{true, false, 1, 10})
	options, err = d.BeginPasskey(ctx, s.Subject)
	d.must(err)
	d.equal("what is left out", a.read(options).PublicKey.Exclude[0].ID, enc(a.id))
	_, _, _, err = d.FinishPasskey(ctx, s.Subject, "again", a.register(options))
	d.refused("the same passkey", err, audit.ErrConflict)
	d.tick(time.Second)
	other := d.withPasskey(s, "phone")
	_, err = d.RenamePasskey(ctx, s.Subject, k.ID, "desk")
	d.must(err)
	s = d.now(s)
	all, err := d.Passkeys(ctx, s.Subject, s.Account.ID)
	d.must(err)
	d.equal("passkeys", all[0].Name+" "+all[1].Name+" "+all[1].ID, "desk phone "+enc(other.id))
	for _, id := range []string{"", "*", enc([]byte("nobody's")), strings.Repeat("A", maxPasskeyID+1)} {
		_, err = d.RemovePasskey(ctx, s.Subject, id)
		d.refused("removing "+id, err, audit.ErrNotFound)
	}
	for _, id := range []string{k.ID, enc(other.id)} {
		_, err = d.RemovePasskey(ctx, s.Subject, id)
		d.must(err)
	}
	s = d.now(s)
	d.equal("after removing", []any{s.Account.SecondFactor, s.Account.Recovery, s.Account.Passkeys}, []any{false, 0, 0})
	d.tick(FreshFor)
	_, err = d.BeginPasskey(ctx, d.now(s).Subject)
	d.refused("signed in a while ago", err, audit.ErrForbidden)
	d.must(d.Seal(ctx))
	_, done, _ := strings.Cut(d.log.verbs(), "passkey.")
	d.equal("the log", "passkey."+done, "passkey.added session.rotated passkey.added passkey.renamed session.rotated passkey.removed passkey.removed session.rotated")
}

func passkeySignIn(d *desk) {
	s := d.admin()
	a := d.withPasskey(s, "laptop")
	d.tick(time.Minute)
	in, err := d.passkeyIn(a)
	d.must(err)
	d.equal("session", []any{in.Pending, in.Session.Method, in.Subject.Account, in.Subject.Fresh}, []any{false, "passkey", s.Account.ID, true})
	all, err := d.Passkeys(d.t.Context(), in.Subject, s.Account.ID)
	d.must(err)
	d.equal("last used", all[0].Used, d.Now())
	d.equal("may be synced", all[0].Synced, true)
	again, err := d.passkeyIn(a)
	d.must(err)
	c, err := d.BeginPasskeySignIn(d.t.Context())
	d.must(err)
	_, _, err = d.FinishPasskeySignIn(d.t.Context(), PasskeyAttempt{Secret: c.Secret, Response: a.sign(c.Options), From: home, Replaces: again.Secret})
	d.must(err)
	_, err = d.Resume(d.t.Context(), again.Secret, home)
	d.refused("the session that was replaced", err, audit.ErrForbidden)
}

func passkeyOnce(d *desk) {
	s := d.admin()
	a := d.withPasskey(s, "laptop")
	ctx := d.t.Context()
	c, err := d.BeginPasskeySignIn(ctx)
	d.must(err)
	other, err := d.BeginPasskeySignIn(ctx)
	d.must(err)
	answer := a.sign(c.Options)
	_, _, err = d.FinishPasskeySignIn(ctx, PasskeyAttempt{Secret: "another browser's", Response: answer, From: home})
	d.refused("from another browser", err, audit.ErrForbidden)
	_, _, err = d.FinishPasskeySignIn(ctx, PasskeyAttempt{Secret: other.Secret, Response: answer, From: home})
	d.refused("to another challenge", err, audit.ErrForbidden)
	_, _, err = d.FinishPasskeySignIn(ctx, PasskeyAttempt{Secret: c.Secret, Response: answer, From: home})
	d.must(err)
	_, _, err = d.FinishPasskeySignIn(ctx, PasskeyAttempt{Secret: c.Secret, Response: answer, From: home})
	d.refused("a second time", err, audit.ErrForbidden)
	late, err := d.BeginPasskeySignIn(ctx)
	d.must(err)
	d.tick(challengeFor)
	_, _, err = d.FinishPasskeySignIn(ctx, PasskeyAttempt{Secret: late.Secret, Response: a.sign(late.Options), From: home})
	d.refused("after five minutes", err, audit.ErrForbidden)
}

func passkeyWrong(d *desk) {
	s := d.admin()
	a := d.withPasskey(s, "laptop")
	stranger := newAuthenticator(d.t)
	ana := d.person(s, "ana@halyard.example")
	for name, change := range map[string]func(*authenticator){
		"at another origin":           func(a *authenticator) { a.origin = "https://tieout.halyard.example.evil.example" },
		"for another party":           func(a *authenticator) { a.rpID = "evil.example" },
		"with another key":            func(a *authenticator) { a.key = stranger.key },
		"of an unknown passkey":       func(a *authenticator) { a.id = stranger.id },
		"for another account":         func(a *authenticator) { a.handle = []byte(ana.ID) },
		"without a handle":            func(a *authenticator) { a.handle = nil },
		"without verifying a person":  func(a *authenticator) { a.flags = userPresent },
		"without a person":            func(a *authenticator) { a.flags = userVerified },
		"that may not be synced now":  func(a *authenticator) { a.backups = 0 },
		"of an authenticator of none": func(a *authenticator) { *a = *newAuthenticator(d.t) },
	} {
		b := *a
		b.count += 100
		change(&b)
		got, err := d.passkeyIn(&b)
		d.refused(name, err, audit.ErrForbidden)
		d.equal("what "+name+" gives", got.Secret+got.Subject.Account, "")
		if err.Error() != errPasskey.Error() {
			d.t.Errorf("%s: got %q, want the same words as always", name, err)
		}
	}
	for name, answer := range map[string]string{"nothing": "", "no JSON": "{", "another form": `{"id":"x"}`, "long": strings.Repeat(" ", maxCeremony+1)} {
		c, err := d.BeginPasskeySignIn(d.t.Context())
		d.must(err)
		_, _, err = d.FinishPasskeySignIn(d.t.Context(), PasskeyAttempt{Secret: c.Secret, Response: []byte(answer), From: home})
		d.refused(name, err, audit.ErrInvalid)
	}
	if _, err := d.passkeyIn(a); err != nil {
		d.t.Fatalf("the passkey itself: %v", err)
	}
	for name, change := range map[string]func(*authenticator){
		"at another origin":      func(a *authenticator) { a.origin = "https://evil.example" },
		"without verifying":      func(a *authenticator) { a.flags = userPresent },
		"with an ID of one kind": func(a *authenticator) { a.id = make([]byte, 1024) },
	} {
		b := newAuthenticator(d.t)
		change(b)
		fresh, err := d.passkeyIn(a)
		d.must(err)
		options, err := d.BeginPasskey(d.t.Context(), fresh.Subject)
		d.must(err)
		_, _, _, err = d.FinishPasskey(d.t.Context(), fresh.Subject, "x", b.register(options))
		d.refused("registering "+name, err, audit.ErrInvalid)
	}
}

func passkeyFactor(d *desk) {
	root := d.admin()
	a := d.withPasskey(root, "laptop")
	ctx := d.t.Context()
	s := d.in(root.Account.Email)
	d.equal("after the password", []any{s.Pending, s.Subject.Account}, []any{true, ""})
	options, err := d.BeginPasskeyFactor(ctx, s.Secret)
	d.must(err)
	d.equal("which", bytes.Contains(options, []byte(enc(a.id))), true)
	_, _, err = d.FinishPasskeyFactor(ctx, s.Secret, newAuthenticator(d.t).sign(options), home)
	d.refused("another passkey", err, audit.ErrForbidden)
	_, _, err = d.FinishPasskeyFactor(ctx, s.Secret, a.sign(options), home)
	d.refused("an answer to a challenge that is over", err, audit.ErrForbidden)
	options, err = d.BeginPasskeyFactor(ctx, s.Secret)
	d.must(err)
	in, _, err := d.FinishPasskeyFactor(ctx, s.Secret, a.sign(options), home)
	d.must(err)
	d.equal("session", in.Session.Method+" "+in.Subject.Account, "password+passkey "+root.Account.ID)
	_, err = d.BeginPasskeyFactor(ctx, s.Secret)
	d.refused("the pending session", err, audit.ErrForbidden)
	_, err = d.BeginPasskeyFactor(ctx, in.Secret)
	d.refused("a whole session", err, audit.ErrForbidden)
	codes, _, err := d.NewRecoveryCodes(ctx, in.Subject)
	d.must(err)
	s = d.in(root.Account.Email)
	_, _, err = d.SecondFactor(ctx, s.Secret, "123456", home)
	d.refused("a code of no app", err, audit.ErrForbidden)
	in, _, err = d.SecondFactor(ctx, s.Secret, codes[0], home)
	d.must(err)
	d.equal("session", in.Session.Method, "password+recovery")
	_, _, err = d.Confirm(ctx, in.Secret, password, "", home)
	d.refused("a password alone", err, audit.ErrForbidden)
	bob := d.person(d.now(in), "bob@halyard.example")
	_, err = d.BeginPasskeyConfirm(ctx, d.in(bob.Email).Secret)
	d.refused("who has none", err, audit.ErrConflict)
}

func passkeyConfirm(d *desk) {
	root := d.admin()
	a := d.withPasskey(root, "laptop")
	ctx := d.t.Context()
	s, err := d.passkeyIn(a)
	d.must(err)
	d.tick(FreshFor)
	d.equal("fresh", d.now(s).Subject.Fresh, false)
	options, err := d.BeginPasskeyConfirm(ctx, s.Secret)
	d.must(err)
	_, _, err = d.FinishPasskeyConfirm(ctx, s.Secret, newAuthenticator(d.t).sign(options), home)
	d.refused("another passkey", err, audit.ErrForbidden)
	options, err = d.BeginPasskeyConfirm(ctx, s.Secret)
	d.must(err)
	n, _, err := d.FinishPasskeyConfirm(ctx, s.Secret, a.sign(options), home)
	d.must(err)
	d.equal("fresh", []any{n.Subject.Fresh, n.Session.ID, n.Session.Expires}, []any{true, s.Session.ID, s.Session.Expires})
	_, err = d.Resume(ctx, s.Secret, home)
	d.refused("the old secret", err, audit.ErrForbidden)
	d.now(n)
}

func passkeyCopy(d *desk) {
	a := d.withPasskey(d.admin(), "laptop")
	twin := *a
	_, err := d.passkeyIn(a)
	d.must(err)
	_, err = d.passkeyIn(a)
	d.must(err)
	_, err = d.passkeyIn(&twin)
	d.refused("a copy", err, audit.ErrForbidden)
	d.must(d.Seal(d.t.Context()))
	last := d.log.all[len(d.log.all)-1]
	d.equal("recorded", string(last.Verb)+" "+last.Detail["what"], "session.refused passkey, of which a copy is in use")
}

func passkeyReset(d *desk) {
	root := d.admin()
	ana := d.person(root, "ana@halyard.example")
	a := d.withPasskey(d.in(ana.Email), "laptop")
	i, _, err := d.InviteAgain(d.t.Context(), root.Subject, ana.ID, true)
	d.must(err)
	_, err = d.passkeyIn(a)
	d.must(err)
	got, _, err := d.Accept(d.t.Context(), i.Secret, password, home)
	d.must(err)
	d.equal("second factor", got.SecondFactor, false)
	_, err = d.passkeyIn(a)
	d.refused("the passkey", err, audit.ErrForbidden)
	d.equal("pending", d.in(ana.Email).Pending, false)
}

func passkeyElsewhere(d *desk) {
	a := d.withPasskey(d.admin(), "laptop")
	c, err := d.BeginPasskeySignIn(d.t.Context())
	d.must(err)
	config := d.config
	elsewhere, err := Open(config)
	d.must(err)
	_, _, err = elsewhere.FinishPasskeySignIn(d.t.Context(), PasskeyAttempt{Secret: c.Secret, Response: a.sign(c.Options), From: home})
	d.must(err)
	config.Key = [32]byte{2}
	thief, err := Open(config)
	d.must(err)
	c, err = d.BeginPasskeySignIn(d.t.Context())
	d.must(err)
	_, _, err = thief.FinishPasskeySignIn(d.t.Context(), PasskeyAttempt{Secret: c.Secret, Response: a.sign(c.Options), From: home})
	d.refused("a server with another key", err, audit.ErrAltered)
}

func passkeySuspended(d *desk) {
	root := d.admin()
	ana := d.person(root, "ana@halyard.example")
	a := d.withPasskey(d.in(ana.Email), "laptop")
	_, err := d.Suspend(d.t.Context(), root.Subject, ana.ID)
	d.must(err)
	_, err = d.passkeyIn(a)
	d.refused("suspended", err, audit.ErrForbidden)
	_, err = d.Reactivate(d.t.Context(), root.Subject, ana.ID)
	d.must(err)
	_, err = d.passkeyIn(a)
	d.must(err)
}

func TestOrigin(t *testing.T) {
	for _, tc := range []struct {
		name, origin, rp string
		passkeys         bool
		want             error
	}{
		{"none", "", "", false, nil},
		{"a host", "https://tieout.example.com", "", true, nil},
		{"with a port, and a domain above", "https://tieout.example.com:8443", "example.com", true, nil},
		{"this computer", "http://localhost:8080", "", true, nil},
		{"a number", "http://127.0.0.1:8080", "", false, nil},
		{"not encrypted", "http://tieout.example.com", "", false, audit.ErrInvalid},
		{"a path", "https://tieout.example.com/x", "", false, audit.ErrInvalid},
		{"a slash", "https://tieout.example.com/", "", false, audit.ErrInvalid},
		{"no scheme", "tieout.example.com", "", false, audit.ErrInvalid},
		{"another domain", "https://tieout.example.com", "example.org", false, audit.ErrInvalid},
		{"a part of a label", "https://tieout.example.com", "out.example.com", false, audit.ErrInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, err := newRelyingParty(Config{Origin: tc.origin, RPID: tc.rp})
			if !errors.Is(err, tc.want) || (w != nil) != tc.passkeys {
				t.Errorf("got passkeys %v, error %v; want %v, %v", w != nil, err, tc.passkeys, tc.want)
			}
		})
	}
}

// FuzzPasskeyAnswer: what a browser answers is read or refused, never more.
func FuzzPasskeyAnswer(f *testing.F) {
	a := newAuthenticator(&testing.T{})
	options := []byte(`{"publicKey":{"challenge":"AAAAAAAAAAAAAAAAAAAAAA","user":{"id":"AAAA"}}}`)
	f.Add(a.register(options))
	f.Add(a.sign(options))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := parseCreation(b); err != nil && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("creation: got %v", err)
		}
		if _, err := parseAssertion(b); err != nil && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("assertion: got %v", err)
		}
	})
}
