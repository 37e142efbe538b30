package access

import (
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tieout/audit"
	"tieout/store"
)

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
	_, err = d.UseToken(d.t.Context(), secret, home)
	d.refused("revoked by its maker", err, audit.ErrForbidden)
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
	row, err := d.store.Account(d.t.Context(), a.ID)
	d.must(err)
	row.Status = string(Suspended) // by other means than Suspend, which also revokes
	done := fmt.Sprintf(`{"id":"x","verb":%q,"on":"account:%s"}`, DidSuspend, a.ID)
	_, err = d.store.ChangeAccess(d.t.Context(), store.AccessChange{Activity: store.Activity{ID: "x", At: d.Now(), Canonical: []byte(done)}, Account: &row})
	d.must(err)
	_, err = d.UseToken(d.t.Context(), secret, home)
	d.refused("of an account that is not active", err, audit.ErrForbidden)
}
