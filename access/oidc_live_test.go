package access

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source/sourcetest/live"
)

const providerSecret = "cl13nt~s3cr3t"

// A sso is a real OpenID provider (scripts/peers.sh installs it) and what it
// knows of people.
type sso struct {
	t    *testing.T
	base string
	file string

	Who      string                    `json:"who"`
	AMR      []string                  `json:"amr"`
	ACR      string                    `json:"acr"`
	Deny     bool                      `json:"deny"`
	Accounts map[string]map[string]any `json:"accounts"`
}

func startSSO(t *testing.T) *sso {
	t.Helper()
	node := live.Program(t, "node")
	live.Peer(t, "node_modules/oidc-provider/package.json")
	port := live.Port(t)
	o := &sso{t: t, base: "http://" + live.Address(port), file: filepath.Join(t.TempDir(), "state.json"), AMR: []string{"pwd"},
		Accounts: map[string]map[string]any{}}
	o.save()
	cmd := exec.Command(node, "testdata/oidc.mjs", live.Peers()+"/node_modules", strconv.Itoa(port), "tieout", providerSecret,
		testOrigin+CallbackPath("sso"), o.file)
	live.Start(t, cmd, live.Answers(o.base+"/.well-known/openid-configuration"))
	return o
}

func (o *sso) save() {
	o.t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(o.file, b, 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// person is who is at the browser from now on.
func (o *sso) person(id, email string, groups ...string) {
	o.Who = id
	o.Accounts[id] = map[string]any{"email": email, "email_verified": true, "name": "Ana Moss", "groups": groups}
	o.save()
}

// A browser keeps the provider's cookies; it stops where the provider sends it
// back to us.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 10 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), testOrigin) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// visit follows a redirect to the provider and returns what it sends back.
func visit(t *testing.T, b *http.Client, to string) url.Values {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil || back.Path != CallbackPath("sso") {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("the provider answers %s, %v: %s", resp.Status, err, body)
	}
	return back.Query()
}

// reopen takes a provider into the desk's configuration.
func (d *desk) reopen(providers ...Provider) {
	d.t.Helper()
	d.config.Providers = providers
	p, err := Open(d.config)
	d.must(err)
	p.passwords = d.passwords
	d.People = p
}

// at is a whole way there and back, with the session the browser has.
func (d *desk) at(b *http.Client, session string) (OIDCSigned, error) {
	d.t.Helper()
	r, err := d.BeginOIDC(d.t.Context(), "sso", "/controls?open=1")
	d.must(err)
	s, _, err := d.FinishOIDC(d.t.Context(), OIDCAnswer{Provider: "sso", Query: visit(d.t, b, r.URL), Secret: r.Secret, Session: session, From: home})
	return s, err
}

func TestOIDC(t *testing.T) {
	o := startSSO(t)
	for _, tc := range []struct {
		name string
		run  func(*desk, *sso, Provider)
	}{
		{"an invited person's first sign-in, and the next", oidcInvited},
		{"who is not invited, and provisioning", oidcProvision},
		{"roles follow groups", oidcGroups},
		{"a second factor there or here", oidcMFA},
		{"signing in again, and linking", oidcConfirm},
		{"answers that do not belong", oidcAnswers},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDesk(t, engines["sqlite"], Company)
			d.tick(time.Since(d.time))
			o.t, o.AMR, o.ACR, o.Deny, o.Accounts = t, []string{"pwd"}, "", false, map[string]map[string]any{}
			tc.run(d, o, Provider{ID: "sso", Title: "Halyard SSO", Issuer: o.base, ClientID: "tieout", Secret: providerSecret, Scopes: []string{"groups"}})
			d.replayed()
		})
	}
}

func oidcInvited(d *desk, o *sso, pr Provider) {
	d.reopen(pr)
	root := d.admin()
	i, _, err := d.Invite(d.t.Context(), root.Subject, "ana@halyard.example", "Ana Moss", []Grant{{Reader, ScopeWorkspace, ""}})
	d.must(err)
	o.person("u1", "Ana@Halyard.example")
	o.Accounts["u1"]["email_verified"] = false
	o.save()
	_, err = d.at(browser(d.t), "")
	d.refused("an address that is not verified", err, audit.ErrForbidden)
	o.person("u1", "Ana@Halyard.example")
	b := browser(d.t)
	s, err := d.at(b, "")
	d.must(err)
	d.equal("who", []any{s.Account.ID, s.Pending, s.Session.Method, s.Return, s.Account.Identities, s.Subject.Fresh},
		[]any{i.Account.ID, false, "provider sso", "/controls?open=1", 1, true})
	d.equal("roles", s.Subject.Grants, []Grant{{Reader, ScopeWorkspace, ""}})
	_, _, err = d.Accept(d.t.Context(), i.Secret, password, home)
	d.refused("the invitation afterwards", err, audit.ErrForbidden)
	o.person("u1", "another@halyard.example") // who somebody is does not hang on the address
	next, err := d.at(b, s.Secret)
	d.must(err)
	d.equal("the next time", next.Account.ID, s.Account.ID)
	_, err = d.Resume(d.t.Context(), s.Secret, home)
	d.refused("the session that was replaced", err, audit.ErrForbidden)
	_, err = d.Suspend(d.t.Context(), root.Subject, s.Account.ID)
	d.must(err)
	_, err = d.at(b, "")
	d.refused("suspended", err, audit.ErrForbidden)
	o.person("u2", "root@halyard.example")
	_, err = d.at(browser(d.t), "")
	d.refused("the address of an account that is in use", err, audit.ErrForbidden)
	d.must(d.Seal(d.t.Context()))
	if v := d.log.verbs(); !strings.Contains(v, "identity.linked session.began session.began") {
		d.t.Errorf("the log has %s", v)
	}
}

func oidcProvision(d *desk, o *sso, pr Provider) {
	d.reopen(pr)
	o.person("u1", "cy@halyard.example")
	_, err := d.at(browser(d.t), "")
	d.refused("nobody invited them", err, audit.ErrForbidden)
	pr.Provision, pr.Domains = true, []string{"halyard.example"}
	d.reopen(pr)
	s, err := d.at(browser(d.t), "")
	d.must(err)
	d.equal("a new account", []any{s.Account.Email, s.Account.Name, s.Account.Status, len(s.Account.Grants)}, []any{"cy@halyard.example", "Ana Moss", Active, 0})
	o.person("u2", "cy@elsewhere.example")
	_, err = d.at(browser(d.t), "")
	d.refused("another domain", err, audit.ErrForbidden)
	o.person("u3", "cy@halyard.example")
	_, err = d.at(browser(d.t), "")
	d.refused("somebody else with the same address", err, audit.ErrForbidden)
	o.person("u4", "no address")
	_, err = d.at(browser(d.t), "")
	d.refused("no address", err, audit.ErrForbidden)
}

func oidcGroups(d *desk, o *sso, pr Provider) {
	pr.Groups = map[string][]string{"sec-leads": {"compliance-lead@workspace"}, "it": {"administrator@workspace"},
		"owners": {"control-owner@control:IAM-06", "employee@own"}, "auditors": {"auditors-guest@engagement:2026"}}
	pr.Provision, pr.Domains = true, []string{"halyard.example"}
	d.reopen(pr)
	o.person("u1", "ana@halyard.example", "sec-leads", "owners", "everyone")
	b := browser(d.t)
	s, err := d.at(b, "")
	d.must(err)
	d.equal("roles", words(s.Account.Grants), "compliance-lead:workspace control-owner:control:IAM-06 employee:own")
	o.person("u1", "ana@halyard.example", "it")
	s, err = d.at(b, "")
	d.must(err)
	d.equal("other groups", words(s.Account.Grants)+" "+words(s.Account.ByGroups), "administrator:workspace administrator:workspace")
	o.person("u1", "ana@halyard.example")
	s, err = d.at(b, "")
	d.must(err)
	d.equal("the last administrator, in no group", words(s.Account.Grants), "administrator:workspace")
	o.person("u2", "bo@halyard.example", "it")
	second, err := d.at(browser(d.t), "")
	d.must(err)
	o.person("u1", "ana@halyard.example")
	s, err = d.at(browser(d.t), "")
	d.must(err)
	d.equal("when there is another administrator", words(s.Account.Grants), "")
	_, err = d.SetGrants(d.t.Context(), second.Subject, s.Account.ID, []Grant{{Reader, ScopeWorkspace, ""}})
	d.must(err)
	o.person("u1", "ana@halyard.example", "owners")
	s, err = d.at(browser(d.t), "")
	d.must(err)
	d.equal("what a person gave stays", words(s.Account.Grants), "control-owner:control:IAM-06 employee:own reader:workspace")
	o.person("u1", "ana@halyard.example", "auditors")
	_, err = d.at(browser(d.t), "")
	d.refused("roles that exclude each other", err, audit.ErrForbidden)
}

func oidcMFA(d *desk, o *sso, pr Provider) {
	d.reopen(pr)
	root := d.admin()
	ctx := d.t.Context()
	a := d.withPasskey(root, "laptop")
	root = d.now(root)
	other, err := d.passkeyIn(a)
	d.must(err)
	r, err := d.BeginOIDCLink(ctx, root.Subject, "sso", "/me")
	d.must(err)
	o.person("u1", "rut@halyard.example")
	b := browser(d.t)
	_, _, err = d.FinishOIDC(ctx, OIDCAnswer{Provider: "sso", Query: visit(d.t, b, r.URL), Secret: r.Secret, Session: other.Secret, From: home})
	d.refused("another session of the same person", err, audit.ErrForbidden)
	r, err = d.BeginOIDCLink(ctx, root.Subject, "sso", "/me")
	d.must(err)
	linked, _, err := d.FinishOIDC(ctx, OIDCAnswer{Provider: "sso", Query: visit(d.t, b, r.URL), Secret: r.Secret, Session: root.Secret, From: home})
	d.must(err)
	d.equal("linked", []any{linked.Linked, linked.Account.ID, linked.Return}, []any{true, root.Account.ID, "/me"})
	s, err := d.at(b, "")
	d.must(err)
	d.equal("with a password there", []any{s.Pending, s.Subject.Account, s.Session.Method}, []any{true, "", "provider sso"})
	options, err := d.BeginPasskeyFactor(ctx, s.Secret)
	d.must(err)
	whole, _, err := d.FinishPasskeyFactor(ctx, s.Secret, a.sign(options), home)
	d.must(err)
	d.equal("and a passkey here", whole.Session.Method, "provider sso+passkey")
	o.AMR = []string{"pwd", "mfa"}
	o.save()
	s, err = d.at(browser(d.t), "")
	d.must(err)
	d.equal("with two factors there", s.Pending, false)
	pr.RequireMFA, pr.MFA, pr.ACR = true, []string{"strong"}, []string{"strong"}
	d.reopen(pr)
	_, err = d.at(browser(d.t), "")
	d.refused("not what is required", err, audit.ErrForbidden)
	o.ACR = "strong"
	o.save()
	s, err = d.at(browser(d.t), "")
	d.must(err)
	d.equal("what is required", s.Pending, false)
}

func oidcConfirm(d *desk, o *sso, pr Provider) {
	pr.Provision, pr.Domains = true, []string{"halyard.example"}
	d.reopen(pr)
	ctx := d.t.Context()
	o.person("u1", "ana@halyard.example")
	b := browser(d.t)
	s, err := d.at(b, "")
	d.must(err)
	d.tick(FreshFor + time.Minute)
	s2, err := d.at(b, "") // the provider remembers, and says since when
	d.must(err)
	d.equal("fresh", s2.Subject.Fresh, false)
	d.tick(time.Since(d.time))
	confirm := func(b *http.Client, who string) (OIDCSigned, error) {
		r, err := d.BeginOIDCConfirm(ctx, s2.Secret, "sso", "/reports/1/sign")
		d.must(err)
		o.Who = who
		o.save()
		got, _, err := d.FinishOIDC(ctx, OIDCAnswer{Provider: "sso", Query: visit(d.t, b, r.URL), Secret: r.Secret, Session: s2.Secret, From: home})
		return got, err
	}
	time.Sleep(1100 * time.Millisecond) // auth_time has whole seconds
	d.tick(time.Since(d.time))
	n, err := confirm(b, "u1")
	d.must(err)
	d.equal("signed in again", []any{n.Session.ID, n.Subject.Fresh, n.Return}, []any{s2.Session.ID, true, "/reports/1/sign"})
	s2 = n
	o.person("u2", "bo@halyard.example")
	_, err = confirm(browser(d.t), "u2")
	d.refused("as somebody else", err, audit.ErrForbidden)
	d.now(s.Signed)
	ids, err := d.Identities(ctx, n.Subject, n.Account.ID)
	d.must(err)
	d.equal("identities", []any{len(ids), ids[0].Provider, ids[0].Subject}, []any{1, "sso", "u1"})
	_, err = d.Unlink(ctx, n.Subject, ids[0].Issuer, ids[0].Subject)
	d.refused("the only way to sign in", err, audit.ErrConflict)
	d.withPasskey(n.Signed, "laptop")
	_, err = d.Unlink(ctx, n.Subject, ids[0].Issuer, "u2")
	d.refused("another's", err, audit.ErrNotFound)
	_, err = d.Unlink(ctx, n.Subject, ids[0].Issuer, ids[0].Subject)
	d.must(err)
	_, err = d.RemovePasskey(ctx, n.Subject, mustPasskeys(d, n.Signed)[0].ID)
	d.refused("the only way to sign in", err, audit.ErrConflict)
}

func mustPasskeys(d *desk, s Signed) []Passkey {
	all, err := d.Passkeys(d.t.Context(), s.Subject, s.Account.ID)
	d.must(err)
	return all
}

func oidcAnswers(d *desk, o *sso, pr Provider) {
	pr.Provision, pr.Domains = true, []string{"halyard.example"}
	d.reopen(pr)
	ctx := d.t.Context()
	o.person("u1", "ana@halyard.example")
	for name, spoil := range map[string]func(*OIDCAnswer){
		"another browser":       func(a *OIDCAnswer) { a.Secret = "somebody else's" },
		"no cookie":             func(a *OIDCAnswer) { a.Secret = "" },
		"another state":         func(a *OIDCAnswer) { a.Query.Set("state", "x") },
		"no state":              func(a *OIDCAnswer) { a.Query.Del("state") },
		"two states":            func(a *OIDCAnswer) { a.Query.Add("state", "x") },
		"another issuer":        func(a *OIDCAnswer) { a.Query.Set("iss", "https://evil.example") },
		"no issuer":             func(a *OIDCAnswer) { a.Query.Del("iss") },
		"no code":               func(a *OIDCAnswer) { a.Query.Del("code") },
		"a code that is none":   func(a *OIDCAnswer) { a.Query.Set("code", "x") },
		"an error beside it":    func(a *OIDCAnswer) { a.Query.Set("error", "<script>") },
		"after eleven minutes":  func(*OIDCAnswer) { d.tick(oidcFor) },
		"an answer given twice": func(a *OIDCAnswer) { _, _, _ = d.FinishOIDC(ctx, *a) },
	} {
		r, err := d.BeginOIDC(ctx, "sso", "")
		d.must(err)
		at := OIDCAnswer{Provider: "sso", Query: visit(d.t, browser(d.t), r.URL), Secret: r.Secret, From: home}
		spoil(&at)
		got, _, err := d.FinishOIDC(ctx, at)
		d.refused(name, err, audit.ErrForbidden)
		d.equal("what "+name+" gives", got.Secret, "")
		if strings.Contains(err.Error(), "<") {
			d.t.Errorf("%s: the error has what came: %v", name, err)
		}
		d.tick(time.Since(d.time))
	}
	o.Deny = true
	o.save()
	_, err := d.at(browser(d.t), "")
	d.refused("somebody who went away", err, audit.ErrForbidden)
	if !strings.Contains(err.Error(), "access_denied") {
		d.t.Errorf("got %v, want the provider's word", err)
	}
	o.Deny = false
	o.save()
	pr.Secret = "another"
	d.reopen(pr)
	_, err = d.at(browser(d.t), "")
	d.refused("a wrong client secret", err, audit.ErrForbidden)
	_, err = d.BeginOIDC(ctx, "other", "/")
	d.refused("another provider", err, audit.ErrNotFound)
	_, err = d.BeginOIDC(ctx, "sso", "//evil.example")
	d.refused("a way out", err, audit.ErrInvalid)
}
