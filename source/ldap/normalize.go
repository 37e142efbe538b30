package ldap

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	r := &reader{at: p.About.From}
	read, known := map[string]func(*entry) error{
		kindUsers: r.user, kindGroups: r.group, kindNested: r.through, kindPolicies: r.policy,
		source.KindFailed: nil, kindRoot: nil, kindNames: nil,
	}[p.Kind]
	if !known {
		return nil, fmt.Errorf("%w: a page of kind %q is not of an ldap source", audit.ErrInvalid, p.Kind)
	}
	if read == nil {
		return nil, nil
	}
	if err := source.Strict(conf, &r.conf); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	var doc page
	if err := source.Strict(p.Body, &doc); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	if doc.Format != 1 {
		return nil, fmt.Errorf("%w: page of format %d", audit.ErrInvalid, doc.Format)
	}
	r.directory = doc.Directory
	if doc.Facts != nil {
		r.facts = *doc.Facts
	}
	for i := range doc.Entries {
		r.Refuse(doc.Entries[i].DN, read(&doc.Entries[i]))
	}
	return r.Done()
}

type reader struct {
	source.Reading
	conf      config
	at        time.Time // what the page is about
	directory string
	facts     facts
}

func (r *reader) prefixed(id string) string { return r.conf.Connection + "/" + id }

func matches(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(g string) bool {
		ok, err := path.Match(strings.ToLower(g), strings.ToLower(name))
		return err == nil && ok
	})
}

// user reads an account and its keys.
func (r *reader) user(e *entry) error {
	login := e.first("sAMAccountName", "uid", "cn")
	f := source.Fields{"system": r.conf.Connection, "login": login, "kind": r.kind(e, login)}
	if mail := e.first("mail"); mail != "" {
		f["email"] = mail // without one it may be hidden
	}
	read := r.posix
	if len(e.values("userAccountControl")) > 0 {
		read = r.windows
	}
	if err := read(e, f); err != nil {
		return err
	}
	r.Add("account", r.prefixed(e.id()), time.Time{}, f)
	return r.keys(e)
}

// kind is whom an account is for: what Active Directory's well-known ids say
// (MS-DTYP 2.4.2.4), else the settings; "" where nothing does.
func (r *reader) kind(e *entry, login string) string {
	switch e.rid() {
	case "500":
		return "root"
	case "501":
		return "guest"
	case "502":
		return "service"
	}
	switch {
	case e.is("msDS-GroupManagedServiceAccount"), e.is("msDS-ManagedServiceAccount"), matches(r.conf.Services, login):
		return "service"
	case len(r.conf.Services) > 0:
		return "human"
	}
	return ""
}

// Bits of userAccountControl (MS-ADTS 2.2.16).
const (
	uacDisabled  = 0x2
	uacSmartcard = 0x40000
)

func (r *reader) windows(e *entry, f source.Fields) error {
	uac, _, err := e.integer("userAccountControl")
	if err != nil {
		return err
	}
	expires, noEnd, err := e.fileTime("accountExpires")
	if err != nil {
		return err
	}
	switch {
	case uac&uacDisabled != 0:
		f["status"] = "disabled" // since when, the directory does not keep
	case !expires.IsZero() && !expires.After(r.at):
		f["status"], f["disabledAt"] = "disabled", expires
	case noEnd || !expires.IsZero():
		f["status"], f["disabledAt"] = "active", audit.Never
	}
	if uac&uacSmartcard != 0 {
		f["mfa.enforced"] = true
	}
	if f["createdAt"], err = e.time("whenCreated"); err != nil {
		return err
	}
	// 0 asks for a new password at the next sign-in: it is no date.
	if f["passwordChangedAt"], _, err = e.fileTime("pwdLastSet"); err != nil {
		return err
	}
	used, never, err := e.fileTime("lastLogonTimestamp")
	f["lastUsedAt"] = used
	if never {
		f["lastUsedAt"] = audit.Never
	}
	return err
}

// posix reads an account of OpenLDAP and its like.
func (r *reader) posix(e *entry, f source.Fields) (err error) {
	if f["createdAt"], err = e.time("createTimestamp"); err != nil {
		return err
	}
	if f["passwordChangedAt"], err = e.time("pwdChangedTime"); err != nil {
		return err
	}
	if f["lastUsedAt"], err = e.time("pwdLastSuccess", "authTimestamp"); err != nil {
		return err
	}
	if r.directory == activeDirectory || e.sid() != "" {
		return nil // what would say that it is disabled is hidden from the account that reads
	}
	status, since, err := r.locked(e)
	if status != "" {
		f["status"] = status
	}
	f["disabledAt"] = since
	return err
}

// locked is whether a directory account can sign in, "" where that cannot be
// told: a lock by the password policy may have ended by itself, the end in
// shadowExpire binds only some programs, and without any operational attribute
// a lock may be hidden.
func (r *reader) locked(e *entry) (status string, since time.Time, err error) {
	days, ends, err := e.integer("shadowExpire")
	if err != nil {
		return "", since, err
	}
	if ends && days >= 0 && days < 1<<20 {
		if t := time.Unix(days*int64(day/time.Second), 0); !t.After(r.at) {
			return "", since, nil
		}
	}
	if strings.EqualFold(e.first("nsAccountLock"), "true") || strings.EqualFold(e.first("loginDisabled"), "true") {
		return "disabled", since, nil
	}
	switch text := e.first("pwdAccountLockedTime"); {
	case text == "000001010000Z": // for good, until a person unlocks it
		return "disabled", since, nil
	case text != "":
		return "", since, nil
	case e.first("createTimestamp") == "":
		return "", since, nil
	}
	return "active", audit.Never, nil
}

// keys are the public keys and certificates an account may sign in with.
func (r *reader) keys(e *entry) error {
	owner := r.prefixed(e.id())
	for _, v := range e.values("sshPublicKey") {
		fields := strings.Fields(string(v))
		i := slices.IndexFunc(fields, func(s string) bool { return strings.HasPrefix(s, "AAAA") })
		if i < 0 {
			return errors.New("sshPublicKey: it is no public key")
		}
		blob, err := base64.StdEncoding.DecodeString(fields[i])
		if err != nil {
			return errors.New("sshPublicKey: it is no public key")
		}
		sum := sha256.Sum256(blob)
		r.Add("key", owner+"/SHA256:"+base64.RawStdEncoding.EncodeToString(sum[:]), time.Time{},
			source.Fields{"kind": "ssh", "system": r.conf.Connection, "owner": owner, "status": "active", "expiresAt": audit.Never})
	}
	for _, v := range append(slices.Clip(e.values("userCertificate;binary")), e.values("userCertificate")...) {
		c, err := x509.ParseCertificate(v)
		if err != nil {
			return errors.New("userCertificate: it is no certificate")
		}
		status := "active"
		if !c.NotAfter.After(r.at) {
			status = "expired"
		}
		sum := sha256.Sum256(v)
		r.Add("key", owner+"/certificate-"+hex.EncodeToString(sum[:16]), time.Time{}, source.Fields{"kind": "certificate", "system": r.conf.Connection,
			"owner": owner, "status": status, "createdAt": audit.Instant(c.NotBefore), "expiresAt": audit.Instant(c.NotAfter)})
	}
	return nil
}

// group reads who is in a group directly, or by its being their primary group.
func (r *reader) group(e *entry) error {
	for _, m := range e.members() {
		if id, ok := r.facts.Accounts[m]; ok {
			r.membership(e, id, e.groupName())
		}
	}
	for _, id := range r.facts.Primary[foldDN(e.DN)] {
		r.membership(e, id, e.groupName())
	}
	return nil
}

// through reads who is in a group through others, which its name tells.
func (r *reader) through(e *entry) error {
	for _, n := range r.facts.Nested {
		if n.Group == foldDN(e.DN) {
			r.membership(e, n.Account, e.groupName()+" through "+strings.Join(n.Through, ", "))
		}
	}
	return nil
}

func (r *reader) membership(e *entry, account, name string) {
	f := source.Fields{"account": r.prefixed(account), "system": r.conf.Connection, "group": name, "role": "member"}
	if p, ok := r.privileged(e); ok {
		f["privileged"] = p
	}
	r.Add("membership", r.prefixed(e.id()+"/"+account), time.Time{}, f)
}

// Groups that Active Directory itself gives administrative rights (MS-DTYP 2.4.2.4).
var adminRIDs = []string{"512", "516", "518", "519", "520", "526", "527"}

var adminSIDs = []string{"S-1-5-32-544", "S-1-5-32-548", "S-1-5-32-549", "S-1-5-32-550", "S-1-5-32-551"}

// privileged reports whether a group grants administrative rights, ok is false
// where neither the directory nor the settings say.
func (r *reader) privileged(e *entry) (privileged, ok bool) {
	if slices.Contains(adminRIDs, e.rid()) || slices.Contains(adminSIDs, e.sid()) || matches(r.conf.Privileged, e.groupName()) {
		return true, true
	}
	return false, len(r.conf.Privileged) > 0
}
