package ldap

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
	"tieout/source/sourcetest/live"
)

const secret = "made-up-password"

// A server is a real slapd with a made-up directory of 30 people.
type server struct {
	dir        string
	plain, tls string // addresses
	people     int
}

func serve(t *testing.T) server {
	t.Helper()
	slapd, slapadd := live.Program(t, "slapd"), live.Program(t, "slapadd")
	dir := t.TempDir()
	s := server{dir: dir, plain: live.Address(live.Port(t)), people: 30}
	s.tls = live.Address(live.Port(t))
	certificate(t, dir)
	write(t, dir, "slapd.conf", slapdConf(dir))
	write(t, dir, "people.ldif", directory(s.people))
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "slapd.conf")
	live.Run(t, dir, nil, slapadd, "-q", "-f", conf, "-l", filepath.Join(dir, "people.ldif"))
	cmd := exec.Command(slapd, "-d", "0", "-f", conf, "-h", "ldap://"+s.plain+" ldaps://"+s.tls)
	live.Start(t, cmd, live.Listens(s.tls))
	return s
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func slapdConf(dir string) string {
	return strings.NewReplacer("DIR", dir, "SECRET", secret).Replace(`
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.3.6.1.4.1.24552.500.1.1.1.13 NAME 'sshPublicKey' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.24552.500.1.1.2.0 NAME 'ldapPublicKey' SUP top AUXILIARY MAY sshPublicKey )
modulepath /usr/lib/ldap
moduleload back_mdb.so
moduleload ppolicy.so
pidfile DIR/slapd.pid
TLSCertificateFile DIR/cert.pem
TLSCertificateKeyFile DIR/key.pem
database mdb
maxsize 10485760
suffix "dc=example,dc=com"
rootdn "cn=root,dc=example,dc=com"
rootpw SECRET
directory DIR/db
overlay ppolicy
ppolicy_default "cn=default,ou=policies,dc=example,dc=com"
limits dn.exact="cn=limited,dc=example,dc=com" size=12 size.prtotal=12
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="ou=policies,dc=example,dc=com" by dn.exact="cn=limited,dc=example,dc=com" none by * read
access to * by users read by anonymous auth
`)
}

// directory is LDIF (RFC 2849): people, two of them locked, groups within groups.
func directory(people int) string {
	var b strings.Builder
	b.WriteString(`dn: dc=example,dc=com
objectClass: domain
dc: example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: groups

dn: ou=policies,dc=example,dc=com
objectClass: organizationalUnit
ou: policies

dn: cn=default,ou=policies,dc=example,dc=com
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdMinLength: 14
pwdInHistory: 24
pwdMaxAge: 7776000
pwdCheckQuality: 2
pwdLockout: TRUE
pwdMaxFailure: 5
pwdLockoutDuration: 900

dn: cn=limited,dc=example,dc=com
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: limited
userPassword: ` + secret + `

`)
	for i := range people {
		fmt.Fprintf(&b, `dn: uid=person%02d,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
objectClass: posixAccount
objectClass: ldapPublicKey
uid: person%02d
cn: Person %d
sn: %d
mail: person%02d@example.com
uidNumber: %d
gidNumber: %d
homeDirectory: /home/person%02d
userPassword: {SSHA}never-asked-for-%d
`, i, i, i, i, i, 1000+i, 500+i%2, i, i)
		switch i {
		case 3:
			b.WriteString("sshPublicKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJQ1tA0Yw3o0rYx1YJpVkZtJrX0GNlk4p0A8Wlq1Vb5u person03\n")
		case 4:
			b.WriteString("pwdAccountLockedTime: 000001010000Z\n")
		case 5:
			b.WriteString("pwdAccountLockedTime: 20260304050607Z\npwdChangedTime: 20260102030405Z\n")
		}
		b.WriteString("\n")
	}
	b.WriteString(`dn: cn=admins,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: admins
member: uid=person00,ou=people,dc=example,dc=com
member: CN=ops,OU=groups,DC=example,DC=com

dn: cn=ops,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: ops
member: uid=person00,ou=people,dc=example,dc=com
member: uid=person01,ou=people,dc=example,dc=com
member: cn=admins,ou=groups,dc=example,dc=com
member: uid=gone,ou=people,dc=example,dc=com

dn: cn=staff,ou=groups,dc=example,dc=com
objectClass: posixGroup
cn: staff
gidNumber: 501
memberUid: person02
`)
	return b.String()
}

// certificate writes a certificate of 127.0.0.1 that is its own authority.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "slapd"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

func (s server) connection(url, who, more string) sourcetest.Connection {
	env := source.Env{Dir: s.dir, Secret: func(context.Context, string) (string, error) { return secret, nil }}
	return sourcetest.Connection{Driver: Driver, Name: "dir", Env: env, Window: window(),
		With: `{"url":"` + url + `","base":"dc=example,dc=com","bindDN":"cn=` + who + `,dc=example,dc=com","password":"env:P","allow":"loopback","pageSize":10` + more + `}`}
}

func window() audit.Window {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return audit.Window{Span: audit.Span{From: from, To: from.AddDate(1, 0, 0)}, AsOf: time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC), Zone: "UTC"}
}

func TestLive(t *testing.T) {
	s := serve(t)
	const ca = `,"ca":"cert.pem","privileged":["admins"],"services":["limited"]`
	over := s.connection("ldaps://"+s.tls, "root", ca)
	t.Run("conform", func(t *testing.T) { sourcetest.Conform(t, over, "account", "authPolicy", "key", "membership") })
	r := sourcetest.Record(t, over)
	t.Run("accounts", func(t *testing.T) { liveAccounts(t, s, r) })
	t.Run("memberships", func(t *testing.T) { liveMemberships(t, r) })
	t.Run("policy", func(t *testing.T) {
		got := string(r.ByType("authPolicy")[0].Body)
		want := `{"kind":"password","lockout":{"attempts":5,"minutes":15},"name":"default","password":{"history":24,"maxAgeDays":90,"minLength":14},"system":"dir"}`
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
	t.Run("no page holds a password", func(t *testing.T) {
		for _, p := range r.Pages {
			if strings.Contains(string(p.Body), "never-asked-for") || strings.Contains(string(p.Body)+p.Query, secret) {
				t.Errorf("page %s of %s does", p.Kind, p.Query)
			}
		}
	})
	t.Run("StartTLS", func(t *testing.T) {
		if m := sourcetest.Record(t, s.connection("ldap://"+s.plain, "root", ca)).Manifest("account"); !m.Complete {
			t.Error(m.Reason)
		}
	})
	t.Run("plain on this machine", func(t *testing.T) {
		if m := sourcetest.Record(t, s.connection("ldap://"+s.plain, "root", `,"plain":true`)).Manifest("account"); !m.Complete {
			t.Error(m.Reason)
		}
	})
	for _, c := range []struct{ name, with, who, more, typ, want string }{
		{"a limit of entries", "ldaps://" + s.tls, "limited", ca, "account", "ldap.users, page 2: LDAP Result Code 4"},
		{"policies hidden", "ldaps://" + s.tls, "limited", ca, "authPolicy", "no password policy can be seen"},
		{"an authority nobody knows", "ldaps://" + s.tls, "root", "", "account", "certificate"},
		{"StartTLS too", "ldap://" + s.plain, "root", "", "account", "StartTLS"},
		{"a name without rights", "ldaps://" + s.tls, "nobody", ca, "membership", "bind as cn=nobody,dc=example,dc=com: LDAP Result Code 49"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sourcetest.Record(t, s.connection(c.with, c.who, c.more)).Manifest(c.typ)
			if m.Complete || !strings.Contains(m.Reason, c.want) {
				t.Errorf("complete %v, reason %q; want %q", m.Complete, m.Reason, c.want)
			}
			if strings.Contains(m.Reason, secret) {
				t.Error("the reason holds the password")
			}
		})
	}
}

func liveAccounts(t *testing.T, s server, r *sourcetest.Recorder) {
	got := r.ByType("account")
	if len(got) != s.people+1 {
		t.Errorf("%d accounts, want %d people and one of a service", len(got), s.people)
	}
	pages := 0
	for _, p := range r.Pages {
		if p.Kind == kindUsers {
			pages++
		}
	}
	if pages != 4 {
		t.Errorf("%d pages of users, want 31 in tens", pages)
	}
	m := r.Manifest("account")
	if len(m.Checks) != 1 || !m.Checks[0].OK || m.Checks[0].Got != "31" {
		t.Errorf("checks: %+v", m.Checks)
	}
	for login, want := range map[string][]string{
		"person00": {`"disabledAt":"never"`, `"kind":"human"`, `"status":"active"`, `"email":"person00@example.com"`, `"createdAt":"20`},
		"person04": {`"status":"disabled"`, `!"disabledAt"`},
		"person05": {`!"status"`, `"passwordChangedAt":"2026-01-02T03:04:05Z"`},
		"limited":  {`"kind":"service"`},
	} {
		body := ""
		for _, it := range got {
			if strings.Contains(string(it.Body), `"login":"`+login+`"`) {
				body = string(it.Body)
			}
		}
		for _, w := range want {
			if text, not := strings.CutPrefix(w, "!"); strings.Contains(body, text) == not {
				t.Errorf("%s: %s; want %s", login, body, w)
			}
		}
	}
}

func liveMemberships(t *testing.T, r *sourcetest.Recorder) {
	login := map[string]string{}
	for _, it := range r.ByType("account") {
		login[it.ID] = field(string(it.Body), "login")
	}
	got := map[string]bool{}
	for _, it := range r.ByType("membership") {
		b := string(it.Body)
		got[login[field(b, "account")]+" in "+field(b, "group")] = strings.Contains(b, `"privileged":true`)
	}
	for want, privileged := range map[string]bool{"person00 in admins": true, "person01 in admins through ops": true, "person00 in ops": false, "person01 in ops": false,
		"person02 in staff": false, "person03 in staff": false} {
		if p, ok := got[want]; !ok || p != privileged {
			t.Errorf("%s: there %v, privileged %v; want privileged %v", want, ok, p, privileged)
		}
	}
	if len(got) != 4+1+15 { // staff: one by name, 15 by their primary group
		t.Errorf("%d memberships: %v", len(got), got)
	}
	if m := r.Manifest("membership"); !strings.Contains(strings.Join(m.Cannot, "\n"), "1 members of groups that are neither") {
		t.Errorf("the member that is nobody is not named: %q", m.Cannot)
	}
}

func field(body, name string) string {
	_, after, _ := strings.Cut(body, `"`+name+`":"`)
	value, _, _ := strings.Cut(after, `"`)
	return value
}
