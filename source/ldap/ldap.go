// Package ldap is the source that reads a directory by LDAP (RFC 4511): Active
// Directory, OpenLDAP and their like.
package ldap

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-ldap/ldap/v3"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// Driver is the ldap source.
var Driver = &source.Driver{
	Name:    "ldap",
	Version: 1,
	Title:   "LDAP directories: Active Directory, OpenLDAP",
	Types:   []string{"account", "authPolicy", "key", "membership"},
	Scopes: []source.Scope{
		{Name: "bind and search below the base", Why: "users, groups and password policies are listed; nothing is written, and no password attribute is asked for"},
		{Name: "read the operational attributes", Why: "entryUUID, createTimestamp, pwdChangedTime and pwdAccountLockedTime say who an account is and since when (OpenLDAP)"},
		{Name: "read the Password Settings Container", Why: "fine-grained password policies; administrators only, unless it is delegated (Active Directory)"},
	},
	Cannot: cannot,

	Settings: []source.Setting{
		{Name: "url", Doc: "ldaps://HOST, or ldap://HOST, which is secured by StartTLS before anything is said", Example: "ldaps://dc1.example.com", Required: true},
		{Name: "base", Doc: "where the search starts", Example: "dc=example,dc=com", Required: true},
		{Name: "bindDN", Doc: "the account that reads; absent, with the password: nobody's", Example: "cn=tieout,ou=services,dc=example,dc=com"},
		{Name: "password", Doc: "its password, by reference", Example: "env:LDAP_PASSWORD", Secret: true},
		{Name: "ca", Doc: "PEM file of the authority that issued the server's certificate, relative to the workspace; absent: those of the machine", Example: "certificates/ca.pem"},
		{Name: "userFilter", Doc: "which entries are accounts (RFC 4515); absent: by their class", Example: "(objectClass=inetOrgPerson)"},
		{Name: "groupFilter", Doc: "which entries are groups; absent: by their class", Example: "(objectClass=groupOfNames)"},
		{Name: "privileged", Doc: "groups that grant administrative or production rights, by globs on their names; absent: only those that Active Directory itself knows are told", Example: "[admins, 'ops-*']"},
		{Name: "services", Doc: "accounts of services, by globs on their logins; the others are people's. Absent: not told apart", Example: "['svc-*']"},
		{Name: "pageSize", Doc: "entries in an answer; absent: 500", Example: "500"},
		{Name: "plain", Doc: "true: without TLS, only with `allow: loopback`", Example: "true"},
		{Name: "allow", Doc: "loopback or private: addresses of this machine or of private networks", Example: "private"},
	},

	Open:      open,
	Normalize: normalize,
}

var cannot = []string{
	"entries and attributes that the directory hides from the account that reads: it leaves them out without a word",
	"entries outside of the base, and other directories that it refers to",
	"who was in a group between two readings, and who put them there",
}

// Settings is the `with:` of an ldap connection.
type Settings struct {
	URL         string   `json:"url"`
	Base        string   `json:"base"`
	BindDN      string   `json:"bindDN"`
	Password    string   `json:"password"`
	CA          string   `json:"ca"`
	UserFilter  string   `json:"userFilter"`
	GroupFilter string   `json:"groupFilter"`
	Privileged  []string `json:"privileged"`
	Services    []string `json:"services"`
	PageSize    uint32   `json:"pageSize"`
	Plain       bool     `json:"plain"`
	Allow       string   `json:"allow"`
}

// config is what normalizing needs.
type config struct {
	Connection string   `json:"connection"`
	Privileged []string `json:"privileged,omitempty"`
	Services   []string `json:"services,omitempty"`
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return fail(err)
	}
	if err := s.check(); err != nil {
		return fail(err)
	}
	s.PageSize = cmp.Or(s.PageSize, 500)
	b, err := canonical.Marshal(config{name, s.Privileged, s.Services})
	if err != nil {
		return fail(err)
	}
	return &collector{source: name, with: s, env: env}, b, nil
}

func (s *Settings) check() error {
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return errors.New("url: write an address such as ldaps://HOST, without a name or password")
	case u.Scheme != "ldaps" && u.Scheme != "ldap":
		return errors.New("url: ldaps or ldap only")
	case s.Plain && (u.Scheme != "ldap" || s.Allow != "loopback"):
		return errors.New("plain: only ldap:// on this machine, with `allow: loopback`, goes without TLS")
	case s.Base == "":
		return errors.New("base: say where the search starts, such as dc=example,dc=com")
	case (s.BindDN == "") != (s.Password == ""):
		return errors.New("bindDN and password: name both or neither")
	case s.PageSize > 5000:
		return errors.New("pageSize: at most 5000")
	}
	if _, err := ldap.ParseDN(s.Base); err != nil {
		return fmt.Errorf("base: %q is no distinguished name such as dc=example,dc=com", s.Base)
	}
	for _, f := range []struct{ setting, filter string }{{"userFilter", s.UserFilter}, {"groupFilter", s.GroupFilter}} {
		if _, err := ldap.CompileFilter(f.filter); f.filter != "" && err != nil {
			return fmt.Errorf("%s: %q is no filter such as (objectClass=person)", f.setting, f.filter)
		}
	}
	for _, g := range slices.Concat(s.Privileged, s.Services) {
		if _, err := path.Match(g, ""); err != nil || g == "" {
			return fmt.Errorf("privileged, services: %q is not a glob such as ops-*", g)
		}
	}
	if err := source.CheckSecret("password", s.Password); err != nil {
		return err
	}
	return source.CheckAllow(s.Allow)
}

const (
	askTimeout = 2 * time.Minute
	maxCA      = 1 << 20
)

// dial connects, secures the connection and binds. The error never holds the password.
func (c *collector) dial(ctx context.Context, password string) (conn, error) {
	u, err := url.Parse(c.with.URL)
	if err != nil {
		return nil, err
	}
	secure, err := c.tls(u.Hostname())
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme]))
	raw, err := source.Dialer(c.with.Allow).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "ldaps" {
		t := tls.Client(raw, secure)
		if err := t.HandshakeContext(ctx); err != nil {
			hangUp(raw)
			return nil, err
		}
		raw = t
	}
	d := ldap.NewConn(raw, u.Scheme == "ldaps")
	d.Start()
	d.SetTimeout(askTimeout)
	stop := context.AfterFunc(ctx, func() { hangUp(d) })
	defer stop()
	if err := c.enter(d, u.Scheme, secure, password); err != nil {
		hangUp(d)
		return nil, err
	}
	return d, nil
}

// enter secures a connection that is not, and binds.
func (c *collector) enter(conn *ldap.Conn, scheme string, secure *tls.Config, password string) error {
	if scheme == "ldap" && !c.with.Plain {
		if err := conn.StartTLS(secure); err != nil {
			return fmt.Errorf("StartTLS: %w", err)
		}
	}
	if c.with.BindDN == "" {
		return nil
	}
	if err := conn.Bind(c.with.BindDN, password); err != nil {
		return fmt.Errorf("bind as %s: %w", c.with.BindDN, err)
	}
	return nil
}

func (c *collector) tls(host string) (*tls.Config, error) {
	conf := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.with.CA == "" {
		return conf, nil
	}
	file := c.with.CA
	if !filepath.IsAbs(file) {
		file = filepath.Join(c.env.Dir, file)
	}
	info, err := os.Stat(file)
	if err != nil || info.Size() > maxCA {
		return nil, fmt.Errorf("ca: %s cannot be read", c.with.CA)
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca: %s cannot be read", c.with.CA)
	}
	conf.RootCAs = x509.NewCertPool()
	if !conf.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca: %s holds no certificate", c.with.CA)
	}
	return conf, nil
}
