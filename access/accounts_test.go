package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
)

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

// twoProcesses work on one store and one log, and find each other's activities.
func twoProcesses(d *desk) {
	root := d.admin()
	other, err := Open(Config{Store: d.store, Workspace: Company, Key: [32]byte{1}, Sink: d.log, Now: d.Now})
	d.must(err)
	errs := make([]error, 20)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = []*People{d.People, other}[i%2].Do(d.t.Context(), root.Subject, "risk.accepted", fmt.Sprint("risk:", i), nil)
		})
	}
	wg.Wait()
	d.must(errors.Join(errs...))
	d.equal("records", strings.Count(d.log.verbs(), "risk.accepted"), len(errs))
	waiting, err := d.store.UnsealedActivities(d.t.Context(), 10)
	d.must(err)
	d.equal("unsealed", len(waiting), 0)
}

// TestFirm: a firm's workspace begins with its own administrator, and has none
// of a company's roles.
func TestFirm(t *testing.T) {
	d := newDesk(t, engines["sqlite"], Firm)
	root := d.admin()
	d.equal("role", root.Subject.Grants, []Grant{{FirmAdministrator, ScopeWorkspace, ""}})
	_, _, err := d.Invite(t.Context(), root.Subject, "ana@firm.example", "Ana", []Grant{{ComplianceLead, ScopeWorkspace, ""}})
	d.refused("a company's role", err, audit.ErrInvalid)
	a := d.person(root, "pat@firm.example", Grant{Partner, ScopeEngagement, "e1"})
	s := d.in(a.Email)
	for id, want := range map[PermissionID]bool{"report.sign": true, "workpaper.read": true, "assertion.sign": false, ManageAccounts: false} {
		got, why := Allowed(s.Subject, id, Object{Engagements: []string{"e1"}})
		d.equal(string(id)+" ("+why+")", got, want)
	}
	_, err = d.SetGrants(t.Context(), root.Subject, a.ID, nil)
	d.must(err)
}
