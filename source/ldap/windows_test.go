package ldap

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

// A domain answers as a domain controller does: pages, cut off members.
type domain struct {
	users, groups, policies []*ldap.Entry
	fail                    func(filter string, page int) error
	asked                   []*ldap.SearchRequest
	refer                   []string
	endless                 string // filter of a search that goes on without entries
}

func (d *domain) Close() error { return nil }

func (d *domain) Search(req *ldap.SearchRequest) (*ldap.SearchResult, error) {
	d.asked = append(d.asked, req)
	paging := req.Controls[0].(*ldap.ControlPaging)
	start := 0
	if len(paging.Cookie) > 0 {
		start, _ = strconv.Atoi(string(paging.Cookie))
	}
	size := int(paging.PagingSize)
	if d.fail != nil {
		if err := d.fail(req.Filter, start/size+1); err != nil {
			return &ldap.SearchResult{}, err
		}
	}
	all := d.find(req)
	end := min(len(all), start+size)
	if d.endless != "" && strings.Contains(req.Filter, d.endless) {
		again := ldap.NewControlPaging(0)
		again.SetCookie([]byte("0"))
		return &ldap.SearchResult{Controls: []ldap.Control{again}}, nil
	}
	out := ldap.NewControlPaging(0)
	if end < len(all) {
		out.SetCookie([]byte(strconv.Itoa(end)))
	}
	return &ldap.SearchResult{Entries: all[start:end], Controls: []ldap.Control{out}, Referrals: d.refer}, nil
}

func (d *domain) find(req *ldap.SearchRequest) []*ldap.Entry {
	switch {
	case req.BaseDN == "":
		return []*ldap.Entry{ldap.NewEntry("", map[string][]string{"supportedCapabilities": {adCapability}})}
	case strings.Contains(req.Filter, "objectCategory=person"):
		return d.users
	case strings.Contains(req.Filter, "objectClass=group"):
		return d.groups
	case strings.Contains(req.Filter, "domainDNS"):
		return d.policies
	}
	for _, g := range d.groups { // the rest of a group's members
		if g.DN == req.BaseDN {
			return []*ldap.Entry{ldap.NewEntry(g.DN, map[string][]string{"cn": {"big"}, "objectGUID": {guid(40)}, "member;range=2-*": {"CN=Li,OU=Staff,DC=x"}})}
		}
	}
	return nil
}

func guid(n byte) string {
	return string([]byte{4, 3, 2, 1, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 0xff, n})
}

func sid(rid uint32) string {
	b := []byte{1, 5, 0, 0, 0, 0, 0, 5}
	for _, n := range []uint32{21, 1, 2, 3, rid} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return string(b)
}

func fileTimeText(t time.Time) string { return strconv.FormatInt((t.Unix()+fileTimeEpoch)*1e7, 10) }

func user(name string, n byte, rid uint32, more ...string) *ldap.Entry {
	a := map[string][]string{"objectClass": {"top", "person", "user"}, "sAMAccountName": {name}, "objectGUID": {guid(n)}, "objectSid": {sid(rid)},
		"userAccountControl": {"512"}, "accountExpires": {"9223372036854775807"}, "whenCreated": {"20240105060708.0Z"}, "primaryGroupID": {"513"}}
	for i := 0; i+1 < len(more); i += 2 {
		a[more[i]] = []string{more[i+1]}
	}
	return ldap.NewEntry("CN="+name+",OU=Staff,DC=x", a)
}

func made() *domain {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	return &domain{
		users: []*ldap.Entry{
			user("Ana", 1, 1101, "mail", "ana@x.example", "pwdLastSet", fileTimeText(at), "lastLogonTimestamp", fileTimeText(at)),
			user("Li", 2, 1102, "userAccountControl", "514", "pwdLastSet", "0", "lastLogonTimestamp", "0"),
			user("Max", 3, 1103, "accountExpires", fileTimeText(at), "userAccountControl", "262656"),
			user("Administrator", 4, 500, "accountExpires", "0"),
			user("svc-backup", 5, 1105),
		},
		groups: []*ldap.Entry{
			ldap.NewEntry("CN=Domain Admins,CN=Users,DC=x", map[string][]string{"cn": {"Domain Admins"}, "objectGUID": {guid(10)}, "objectSid": {sid(512)}, "member": {"CN=Ana,OU=Staff,DC=x", "CN=big,DC=x"}}),
			ldap.NewEntry("CN=Domain Users,CN=Users,DC=x", map[string][]string{"cn": {"Domain Users"}, "objectGUID": {guid(11)}, "objectSid": {sid(513)}}),
			ldap.NewEntry("CN=big,DC=x", map[string][]string{"cn": {"big"}, "objectGUID": {guid(40)}, "member;range=0-1": {"CN=Ana,OU=Staff,DC=x", "CN=Max,OU=Staff,DC=x"}}),
		},
		policies: []*ldap.Entry{
			ldap.NewEntry("DC=x", map[string][]string{"objectClass": {"top", "domain", "domainDNS"}, "name": {"x"}, "objectGUID": {guid(20)}, "minPwdLength": {"14"}, "pwdHistoryLength": {"24"},
				"maxPwdAge": {"-77760000000000"}, "pwdProperties": {"1"}, "lockoutThreshold": {"10"}, "lockoutDuration": {"-9223372036854775808"}}),
			ldap.NewEntry("CN=strict,DC=x", map[string][]string{"objectClass": {"msDS-PasswordSettings"}, "cn": {"strict"}, "objectGUID": {guid(21)},
				"msDS-MinimumPasswordLength": {"20"}, "msDS-PasswordComplexityEnabled": {"FALSE"}, "msDS-MaximumPasswordAge": {"-9223372036854775808"}, "msDS-LockoutDuration": {"-18000000000"}}),
		},
	}
}

// over is the driver, with d in place of the network.
func over(d *domain) *source.Driver {
	drv := *Driver
	drv.Open = func(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
		c, conf, err := open(name, with, env)
		if c != nil {
			c.(*collector).connect = func(context.Context, string) (conn, error) { return d, nil }
			c.(*collector).wait = func(context.Context, time.Duration) error { return nil }
		}
		return c, conf, err
	}
	return &drv
}

func windows(d *domain) sourcetest.Connection {
	return sourcetest.Connection{Driver: over(d), Name: "ad", Window: window(),
		With: `{"url":"ldaps://dc1.example.com","base":"DC=x","services":["svc-*"],"pageSize":2}`}
}

func TestActiveDirectory(t *testing.T) {
	sourcetest.Conform(t, windows(made()), "account", "authPolicy", "membership")
	r := sourcetest.Record(t, windows(made()))
	const id = "ad/01020304-0506-0708-090a-0b0c0d0eff"
	want := map[string]string{
		"account " + id + "01": `{"createdAt":"2024-01-05T06:07:08Z","disabledAt":"never","email":"ana@x.example","kind":"human","login":"Ana","passwordChangedAt":"2026-03-04T05:06:07Z","status":"active","system":"ad"}`,
		"account " + id + "02": `{"createdAt":"2024-01-05T06:07:08Z","kind":"human","login":"Li","status":"disabled","system":"ad"}`,
		"account " + id + "03": `{"createdAt":"2024-01-05T06:07:08Z","disabledAt":"2026-03-04T05:06:07Z","kind":"human","login":"Max","mfa":{"enforced":true},"status":"disabled","system":"ad"}`,
		"account " + id + "04": `{"createdAt":"2024-01-05T06:07:08Z","disabledAt":"never","kind":"root","login":"Administrator","status":"active","system":"ad"}`,
		"account " + id + "05": `{"createdAt":"2024-01-05T06:07:08Z","disabledAt":"never","kind":"service","login":"svc-backup","status":"active","system":"ad"}`,

		"membership " + id + "0a/01020304-0506-0708-090a-0b0c0d0eff01": `{"account":"` + id + `01","group":"Domain Admins","privileged":true,"role":"member","system":"ad"}`,
		"membership " + id + "0a/01020304-0506-0708-090a-0b0c0d0eff02": `{"account":"` + id + `02","group":"Domain Admins through big","privileged":true,"role":"member","system":"ad"}`,
		"membership " + id + "0b/01020304-0506-0708-090a-0b0c0d0eff04": `{"account":"` + id + `04","group":"Domain Users","role":"member","system":"ad"}`,
		"membership " + id + "28/01020304-0506-0708-090a-0b0c0d0eff02": `{"account":"` + id + `02","group":"big","role":"member","system":"ad"}`,

		"authPolicy " + id + "14": `{"enabled":true,"kind":"password","lockout":{"attempts":10,"minutes":0},"name":"x","password":{"complexity":true,"history":24,"maxAgeDays":90,"minLength":14},"system":"ad"}`,
		"authPolicy " + id + "15": `{"kind":"password","lockout":{"minutes":30},"name":"strict","password":{"complexity":false,"maxAgeDays":0,"minLength":20},"system":"ad"}`,
	}
	got := map[string]string{}
	for _, it := range r.Items {
		got[it.Type+" "+it.ID] = string(it.Body)
	}
	for k, w := range want {
		if got[k] != w {
			t.Errorf("%s\ngot  %s\nwant %s", k, got[k], w)
		}
	}
	if n := len(r.ByType("membership")); n != 1+2+5+3 {
		t.Errorf("%d memberships: %v", n, got)
	}
	if v := string(r.ByType("account")[1].Volatile); v != `{"lastUsedAt":"never"}` {
		t.Errorf("lastLogonTimestamp 0 gives %s", v)
	}
}

func TestNoAttributeHoldsAPassword(t *testing.T) {
	d := made()
	sourcetest.Record(t, windows(d))
	for _, req := range d.asked {
		for _, a := range req.Attributes {
			switch strings.ToLower(a) {
			case "*", "+", "userpassword", "unicodepwd", "ntpwdhistory", "supplementalcredentials", "ms-mcs-admpwd", "mslaps-password":
				t.Errorf("%s asks for %s", req.Filter, a)
			}
		}
	}
}

func TestFailures(t *testing.T) {
	size := ldap.NewError(ldap.LDAPResultSizeLimitExceeded, errors.New("too many"))
	busy := ldap.NewError(ldap.LDAPResultBusy, errors.New("busy"))
	asked := 0
	for _, c := range []struct {
		name string
		fail func(filter string, page int) error
		want map[string]string // incomplete streams and why; the others are complete
	}{
		{"page 2 of users", func(f string, p int) error { return when(strings.Contains(f, "person") && p == 2, size) },
			map[string]string{"account": "ldap.users, page 2: LDAP Result Code 4", "key": "page 2", "membership": "not every account could be listed"}},
		{"groups", func(f string, _ int) error { return when(strings.Contains(f, "objectClass=group"), size) }, map[string]string{"membership": "ldap.groups, page 1"}},
		{"the rest of a group", func(f string, _ int) error { asked++; return when(f == "(objectClass=*)" && asked > 6, size) }, map[string]string{"membership": "Size Limit"}},
		{"policies", func(f string, _ int) error { return when(strings.Contains(f, "domainDNS"), size) }, map[string]string{"authPolicy": "Size Limit"}},
		{"the root", func(f string, _ int) error { return when(f == "(objectClass=*)", size) }, map[string]string{"account": "ldap.root", "key": "", "membership": "", "authPolicy": ""}},
		{"busy for ever", func(string, int) error { return busy }, map[string]string{"account": "Busy", "key": "", "membership": "", "authPolicy": ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := made()
			d.fail = c.fail
			r := sourcetest.Record(t, windows(d))
			if len(r.Manifests) != 4 {
				t.Errorf("%d streams were closed, want 4", len(r.Manifests))
			}
			for _, m := range r.Manifests {
				why, broken := c.want[m.Type]
				if m.Complete == broken || !strings.Contains(m.Reason, why) {
					t.Errorf("%s: complete %v, reason %q; want %q", m.Type, m.Complete, m.Reason, why)
				}
			}
		})
	}
	t.Run("busy for a while", func(t *testing.T) {
		n := 0
		d := made()
		d.fail = func(string, int) error { n++; return when(n%2 == 1, busy) }
		if m := sourcetest.Record(t, windows(d)).Manifest("account"); !m.Complete {
			t.Error(m.Reason)
		}
	})
	t.Run("parts kept elsewhere are named", func(t *testing.T) {
		d := made()
		d.refer = []string{"ldap://DomainDnsZones.x/DC=DomainDnsZones,DC=x"}
		if m := sourcetest.Record(t, windows(d)).Manifest("account"); !strings.Contains(fmt.Sprint(m.Cannot), "DomainDnsZones") {
			t.Error(m.Cannot)
		}
	})
}

func when(is bool, err error) error {
	if is {
		return err
	}
	return nil
}

func TestAccountsThatCannotBeRead(t *testing.T) {
	for _, c := range []struct{ name, attribute, text, why string }{
		{"a number that is none", "userAccountControl", "many", `userAccountControl: "many"`},
		{"before 1970", "pwdLastSet", "1", "pwdLastSet: 1 is not an instant"},
		{"a date as text", "accountExpires", "2026-01-01", "accountExpires"},
		{"no instant", "whenCreated", "yesterday", `whenCreated: "yesterday"`},
		{"no key", "sshPublicKey", "hello", "sshPublicKey"},
		{"no certificate", "userCertificate", "hello", "userCertificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := made()
			d.users[0] = user("Ana", 1, 1101, c.attribute, c.text)
			r := sourcetest.Record(t, windows(d))
			if len(r.Errs) != 1 || !strings.Contains(r.Errs[0].Error(), "CN=Ana,OU=Staff,DC=x: "+c.why) {
				t.Errorf("errors %v; want %q", r.Errs, c.why)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct{ name, with, want string }{
		{"no url", `{"base":"dc=x"}`, "url"},
		{"http", `{"url":"http://x","base":"dc=x"}`, "ldaps or ldap"},
		{"a password in the url", `{"url":"ldaps://u:p@x","base":"dc=x"}`, "without a name or password"},
		{"no base", `{"url":"ldaps://x"}`, "base"},
		{"base", `{"url":"ldaps://x","base":"nonsense"}`, "distinguished name"},
		{"a password itself", `{"url":"ldaps://x","base":"dc=x","bindDN":"cn=a","password":"hunter2"}`, "never the secret itself"},
		{"a name without a password", `{"url":"ldaps://x","base":"dc=x","bindDN":"cn=a"}`, "both or neither"},
		{"plain elsewhere", `{"url":"ldap://x","base":"dc=x","plain":true}`, "plain"},
		{"plain in a private network", `{"url":"ldap://x","base":"dc=x","plain":true,"allow":"private"}`, "plain"},
		{"filter", `{"url":"ldaps://x","base":"dc=x","userFilter":"("}`, "userFilter"},
		{"glob", `{"url":"ldaps://x","base":"dc=x","privileged":["["]}`, "not a glob"},
		{"allow", `{"url":"ldaps://x","base":"dc=x","allow":"all"}`, "allow"},
		{"page size", `{"url":"ldaps://x","base":"dc=x","pageSize":100000}`, "pageSize"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Driver.Open("ad", json.RawMessage(c.with), source.Env{})
			if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// The guard looks at the address after the name was resolved.
func TestAddressIsChecked(t *testing.T) {
	for _, url := range []string{"ldaps://localhost:1", "ldaps://127.0.0.1:1", "ldap://169.254.169.254"} {
		m := sourcetest.Record(t, sourcetest.Connection{Driver: Driver, Name: "ad", Window: window(), With: `{"url":"` + url + `","base":"dc=x","allow":"private"}`}).Manifest("account")
		if m.Complete || !strings.Contains(m.Reason, "not allowed") {
			t.Errorf("%s: %q", url, m.Reason)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	for _, c := range []sourcetest.Connection{windows(made())} {
		for _, p := range sourcetest.Record(f, c).Pages {
			f.Add(p.Kind, p.Body)
		}
	}
	conf := json.RawMessage(`{"connection":"ad","privileged":["*admin*"],"services":["svc-*"]}`)
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		items, err := normalize(conf, audit.Page{Kind: kind, Body: body, About: audit.At(time.Unix(1_770_000_000, 0))})
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s %s: %v", it.Type, it.ID, err)
			}
		}
		var bad source.BadRows
		if err != nil && !errors.As(err, &bad) && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%v is of no known kind", err)
		}
	})
}

// TestHidden: what the account that reads may not see is no good news.
func TestHidden(t *testing.T) {
	d := made()
	d.users[1] = ldap.NewEntry("CN=Li,OU=Staff,DC=x", map[string][]string{"objectClass": {"top", "person", "user"}, "sAMAccountName": {"Li"},
		"objectGUID": {guid(2)}, "objectSid": {sid(1102)}, "createTimestamp": {"20240105060708.0Z"}})
	r := sourcetest.Record(t, windows(d))
	for _, it := range r.ByType("account") {
		if body := string(it.Body); strings.Contains(body, `"login":"Li"`) && (strings.Contains(body, "status") || strings.Contains(body, "disabledAt")) {
			t.Errorf("whether the account is disabled is hidden, and it reads %s", body)
		}
	}
	d = made()
	d.groups = nil
	if m := sourcetest.Record(t, windows(d)).Manifest("membership"); m.Complete || !strings.Contains(m.Reason, "shows no group") {
		t.Errorf("no group: complete %v, %q", m.Complete, m.Reason)
	}
}

// TestEndless: a server that always has more to come does not hold the collection for ever.
func TestEndless(t *testing.T) {
	d := made()
	d.endless = "objectClass=group"
	if m := sourcetest.Record(t, windows(d)).Manifest("membership"); m.Complete || !strings.Contains(m.Reason, "there are still more") {
		t.Errorf("complete %v, %q", m.Complete, m.Reason)
	}
	if n := len(d.asked); n > 200 {
		t.Errorf("%d searches", n)
	}
}

// TestNarrowed: what the settings leave out is a limit of the streams.
func TestNarrowed(t *testing.T) {
	c := windows(made())
	c.With = `{"url":"ldaps://dc1.example.com","base":"DC=x","userFilter":"(objectCategory=person)","groupFilter":"(objectClass=group)"}`
	r := sourcetest.Record(t, c)
	for typ, want := range map[string]string{"account": "only (objectCategory=person)", "membership": "only (objectClass=group)"} {
		if limits := strings.Join(r.Manifest(typ).Cannot, "\n"); !strings.Contains(limits, want) {
			t.Errorf("%s: %q is not among the limits %q", typ, want, limits)
		}
	}
}
