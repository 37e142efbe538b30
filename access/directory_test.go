package access

import (
	"testing"
	"time"

	"tieout/audit"
)

// TestDirectory is what package scim's tests do not reach: settings that change
// meanwhile, and administrators by group.
func TestDirectory(t *testing.T) {
	for engine, open := range engines {
		for name, run := range map[string]func(*desk){
			"roles follow the settings":           directorySettings,
			"the last administrator stays":        directoryLast,
			"who asks has a token made for it":    directoryToken,
			"a provider finds who was told first": directoryAndProvider,
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

// connector is a directory's token of an administrator.
func (d *desk) connector(by Signed) Subject {
	d.t.Helper()
	_, secret, _, err := d.CreateToken(d.t.Context(), by.Subject, "directory", []PermissionID{Provision}, d.Now().Add(24*time.Hour))
	d.must(err)
	s, err := d.UseToken(d.t.Context(), secret, home)
	d.must(err)
	return s
}

func (d *desk) told(by Subject, email string) DirectoryUser {
	d.t.Helper()
	u, _, err := d.CreateDirectoryUser(d.t.Context(), by, DirectoryUser{UserName: email, Name: "Ana Moss", Active: true})
	d.must(err)
	return u
}

func (d *desk) roles(id string) string {
	d.t.Helper()
	a, err := d.store.Account(d.t.Context(), id)
	d.must(err)
	return words(account(a).Grants)
}

func directorySettings(d *desk) {
	by := d.connector(d.admin())
	u := d.told(by, "ana@halyard.example")
	g, err := d.SaveDirectoryGroup(d.t.Context(), by, DirectoryGroup{Name: "leads", Members: []string{u.ID}}, 0)
	d.must(err)
	d.equal("in a group that gives nothing", d.roles(u.ID), "")
	d.config.Groups = map[string][]string{"leads": {"compliance-lead@workspace", "employee@own"}}
	d.reopen()
	d.must(d.FollowDirectory(d.t.Context()))
	d.equal("after the settings changed", d.roles(u.ID), "compliance-lead:workspace employee:own")
	n := len(d.log.all)
	d.must(d.FollowDirectory(d.t.Context()))
	d.equal("activities of what changes nothing", len(d.log.all), n)
	d.config.Groups = map[string][]string{"leads": {"employee@own"}}
	d.reopen()
	d.must(d.FollowDirectory(d.t.Context()))
	d.equal("and again", d.roles(u.ID), "employee:own")
	last := d.log.all[len(d.log.all)-1]
	d.equal("who did", []any{last.By.Kind, last.By.Name, last.Verb}, []any{audit.ActorConnector, "directory", DidGrant})
	_, err = d.RemoveDirectoryGroup(d.t.Context(), by, g.ID, g.Version+5)
	d.refused("another version", err, ErrVersion)
	d.config.Groups = map[string][]string{"leads": {"emperor@own"}}
	_, err = Open(d.config)
	d.refused("a role there is not", err, audit.ErrInvalid)
}

func directoryLast(d *desk) {
	d.config.Groups = map[string][]string{"it": {"administrator@workspace"}, "auditors": {"auditors-guest@engagement:2026"}}
	d.reopen()
	root := d.admin()
	by := d.connector(root)
	u := d.told(by, "ana@halyard.example")
	g, err := d.SaveDirectoryGroup(d.t.Context(), by, DirectoryGroup{Name: "it", Members: []string{u.ID}}, 0)
	d.must(err)
	i, _, err := d.InviteAgain(d.t.Context(), root.Subject, u.ID, false)
	d.must(err)
	_, _, err = d.Accept(d.t.Context(), i.Secret, password, home)
	d.must(err)
	ana := d.in("ana@halyard.example")
	_, err = d.Suspend(d.t.Context(), ana.Subject, root.Account.ID)
	d.must(err)
	by = d.connector(ana)
	g.Members = nil
	_, err = d.SaveDirectoryGroup(d.t.Context(), by, g, 0)
	d.must(err)
	d.equal("the last administrator, in no group", d.roles(u.ID), "administrator:workspace")
	d.equal("the log says so", d.log.all[len(d.log.all)-1].Detail["name"], "it")
	u.Active = false
	_, _, err = d.ReplaceDirectoryUser(d.t.Context(), by, u, 0)
	d.refused("suspending the last administrator", err, audit.ErrConflict)
	_, err = d.SaveDirectoryGroup(d.t.Context(), by, DirectoryGroup{Name: "auditors", Members: []string{u.ID}}, 0)
	d.refused("a role that excludes what the person has", err, audit.ErrForbidden)
	d.equal("roles", d.roles(u.ID), "administrator:workspace")
}

func directoryToken(d *desk) {
	root := d.admin()
	by := d.connector(root)
	for name, s := range map[string]Subject{"a session": root.Subject, "nobody": {}} {
		_, _, err := d.CreateDirectoryUser(d.t.Context(), s, DirectoryUser{UserName: "x@halyard.example"})
		d.refused(name, err, audit.ErrForbidden)
		_, err = d.SaveDirectoryGroup(d.t.Context(), s, DirectoryGroup{Name: "x"}, 0)
		d.refused(name, err, audit.ErrForbidden)
		_, err = d.RemoveDirectoryUser(d.t.Context(), s, root.Account.ID, 0)
		d.refused(name, err, audit.ErrForbidden)
	}
	_, err := d.Accounts(d.t.Context(), by)
	d.refused("reading what only people read", err, audit.ErrForbidden)
	_, err = d.SetGrants(d.t.Context(), by, root.Account.ID, nil)
	d.refused("giving roles one by one", err, audit.ErrForbidden)
	lead := d.person(root, "lead@halyard.example", Grant{ComplianceLead, ScopeWorkspace, ""})
	_, _, _, err = d.CreateToken(d.t.Context(), d.in(lead.Email).Subject, "x", []PermissionID{Provision}, d.Now().Add(time.Hour))
	d.refused("a token by who is no administrator", err, audit.ErrForbidden)
}

func directoryAndProvider(d *desk) {
	l := newLiar(d.t)
	d.tick(time.Since(d.time))
	d.config.Groups = map[string][]string{"leads": {"reader@workspace"}}
	d.reopen(Provider{ID: "sso", Title: "SSO", Issuer: l.url, ClientID: "tieout", Groups: map[string][]string{"leads": {"compliance-lead@workspace"}}})
	by := d.connector(d.admin())
	u := d.told(by, "ana@halyard.example")
	g, err := d.SaveDirectoryGroup(d.t.Context(), by, DirectoryGroup{Name: "leads", Members: []string{u.ID}}, 0)
	d.must(err)
	s, err := d.lied(l)
	d.must(err)
	d.equal("who", s.Account.ID, u.ID)
	d.equal("what both give", d.roles(u.ID), "compliance-lead:workspace reader:workspace")
	_, err = d.RemoveDirectoryGroup(d.t.Context(), by, g.ID, 0)
	d.must(err)
	d.equal("what one gives", d.roles(u.ID), "compliance-lead:workspace")
}
