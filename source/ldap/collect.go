package ldap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// Kinds of page.
const (
	kindRoot     = "ldap.root"     // the directory about itself; no items
	kindUsers    = "ldap.users"    // accounts and their keys
	kindNames    = "ldap.names"    // accounts listed again, names only; no items
	kindGroups   = "ldap.groups"   // memberships
	kindNested   = "ldap.nested"   // memberships through other groups
	kindPolicies = "ldap.policies" // password policies
)

const activeDirectory = "active directory"

// capability of Active Directory (MS-ADTS 3.1.1.3.4.3)
const adCapability = "1.2.840.113556.1.4.800"

type collector struct {
	source string
	with   Settings
	env    source.Env
	wait   func(ctx context.Context, d time.Duration) error // nil: for real

	connect func(ctx context.Context, password string) (conn, error) // nil: dial
}

// A conn is a directory that was bound to.
type conn interface {
	Search(*ldap.SearchRequest) (*ldap.SearchResult, error)
	Close() error
}

// A run is one collection.
type run struct {
	*collector
	*source.Run
	conn      conn
	directory string
	size      uint32 // of an answer
	accounts  *index
	groups    *tree

	account, key, membership, policy *source.Stream
}

// Collect lists users, groups and password policies, each a snapshot.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	r := &run{collector: c, Run: &source.Run{Source: c.source, Window: w, Sink: sink}, size: c.with.PageSize, accounts: newIndex(), groups: newTree()}
	r.account = r.Snapshot("account", "", cannot, kindUsers)
	r.key = r.Snapshot("key", "", slices.Concat(cannot, []string{"keys that are not kept in the directory"}), kindUsers)
	r.membership = r.Snapshot("membership", "", cannot, kindGroups, kindNested)
	r.policy = r.Snapshot("authPolicy", "", cannot, kindPolicies)
	r.narrowed()
	password, err := c.env.ResolveSecret(ctx, "password", c.with.Password)
	if err != nil {
		return errors.Join(r.Refuse(ctx, err.Error(), r.all()...), fmt.Errorf("source %s: %w", c.source, err))
	}
	connect := c.connect
	if connect == nil {
		connect = c.dial
	}
	if r.conn, err = connect(ctx, password); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return r.Refuse(ctx, words(err), r.all()...)
	}
	defer hangUp(r.conn)
	defer context.AfterFunc(ctx, func() { hangUp(r.conn) })()
	return r.read(ctx)
}

// narrowed notes what the settings' own filters leave out.
func (r *run) narrowed() {
	if f := r.with.UserFilter; f != "" {
		for _, s := range []*source.Stream{r.account, r.key, r.membership} {
			s.Note("accounts that the settings leave out: only " + f)
		}
	}
	if f := r.with.GroupFilter; f != "" {
		r.membership.Note("groups that the settings leave out: only " + f)
	}
}

// hangUp ends a connection. What goes wrong then changes nothing that was read.
func hangUp(c io.Closer) { _ = c.Close() }

func (r *run) all() []*source.Stream {
	return []*source.Stream{r.account, r.key, r.membership, r.policy}
}

// words is an error in one line.
func words(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func (r *run) read(ctx context.Context) error {
	if err := r.root(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{r.readUsers, r.readNames, r.readGroups, r.readNested, r.readPolicies} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return r.Close(ctx, r.all()...)
}

// A query is one search.
type query struct {
	kind   string
	base   string
	scope  int
	filter string
	attrs  []string
	facts  func([]entry) *facts // of the page; nil: none
	each   func(entry)          // called after the page was sealed
}

func (q query) String() string {
	scope := map[int]string{ldap.ScopeBaseObject: "base", ldap.ScopeWholeSubtree: "sub"}[q.scope]
	return fmt.Sprintf("search %q %s %s", q.base, scope, q.filter)
}

// search asks for every page of q and seals each. What goes wrong makes the
// streams incomplete; whole reports that nothing did. Entries of an answer
// that broke off are sealed too.
func (r *run) search(ctx context.Context, q query, streams ...*source.Stream) (whole bool, err error) {
	for _, s := range streams {
		s.Asked(q.String())
	}
	paging := ldap.NewControlPaging(r.size)
	empty := 0
	for n := 1; ; n++ {
		res, problem := r.ask(ctx, q, paging)
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if err := r.take(ctx, q, n, res, problem, streams); err != nil || problem != nil {
			return false, err
		}
		next, _ := ldap.FindControl(res.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if next == nil || len(next.Cookie) == 0 {
			return true, nil
		}
		if empty++; len(res.Entries) > 0 {
			empty = 0
		}
		if empty == maxEmpty || n == maxPages {
			for _, s := range streams {
				s.Fail(fmt.Sprintf("%s: after %d pages, %d of them empty at the end, there are still more", q.kind, n, empty))
			}
			return false, nil
		}
		paging.SetCookie(next.Cookie)
		r.Progress(q.kind, n, 0)
	}
}

// Bounds of a search that a server never ends.
const (
	maxPages = 100_000
	maxEmpty = 100 // one behind the other
)

// take seals an answer and looks into it.
func (r *run) take(ctx context.Context, q query, n int, res *ldap.SearchResult, problem error, streams []*source.Stream) error {
	if problem != nil {
		for _, s := range streams {
			s.Fail(fmt.Sprintf("%s, page %d: %s", q.kind, n, words(problem)))
		}
	}
	if res == nil || problem != nil && len(res.Entries) == 0 {
		body, err := json.Marshal(map[string]string{"kind": q.kind, "problem": words(problem)})
		if err != nil {
			return err
		}
		return r.Seal(ctx, audit.Page{Kind: source.KindFailed, Query: q.String(), Body: body}, streams...)
	}
	if len(res.Referrals) > 0 {
		for _, s := range streams {
			s.Note("what other directories hold that this one refers to: " + strings.Join(res.Referrals[:min(3, len(res.Referrals))], ", "))
		}
	}
	doc := page{Format: 1, Directory: r.directory, Entries: entriesOf(res.Entries)}
	if q.facts != nil {
		doc.Facts = q.facts(doc.Entries)
	}
	if err := r.seal(ctx, q, n, doc, streams); err != nil {
		return err
	}
	if q.each != nil {
		for _, e := range doc.Entries {
			q.each(e)
		}
	}
	return nil
}

func (r *run) seal(ctx context.Context, q query, n int, doc page, streams []*source.Stream) error {
	body, err := canonical.Marshal(doc)
	if err != nil {
		return err
	}
	return r.Seal(ctx, audit.Page{Kind: q.kind, Query: fmt.Sprintf("%s, page %d", q, n), Body: body}, streams...)
}

const maxTries = 4

// ask searches once, and again where the server says that it is busy.
func (r *run) ask(ctx context.Context, q query, paging *ldap.ControlPaging) (*ldap.SearchResult, error) {
	req := ldap.NewSearchRequest(q.base, q.scope, ldap.NeverDerefAliases, 0, int(askTimeout/time.Second), false, q.filter, q.attrs, []ldap.Control{paging})
	for try := 1; ; try++ {
		res, err := r.conn.Search(req)
		if !ldap.IsErrorAnyOf(err, ldap.LDAPResultBusy, ldap.LDAPResultUnavailable) || try == maxTries || len(res.Entries) > 0 {
			return res, err
		}
		if err := r.pause(ctx, time.Second<<try); err != nil {
			return nil, err
		}
	}
}

func (r *run) pause(ctx context.Context, d time.Duration) error {
	if r.wait != nil {
		return r.wait(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// root asks the directory about itself (RFC 4512 section 5.1).
func (r *run) root(ctx context.Context) error {
	q := query{kind: kindRoot, scope: ldap.ScopeBaseObject, filter: "(objectClass=*)",
		attrs: []string{"vendorName", "vendorVersion", "namingContexts", "supportedControl", "supportedCapabilities", "defaultNamingContext"},
		each: func(e entry) {
			if slices.ContainsFunc(e.values("supportedCapabilities"), func(v value) bool { return string(v) == adCapability }) {
				r.directory = activeDirectory
			}
		}}
	_, err := r.search(ctx, q, r.all()...)
	return err
}

func (r *run) pick(own, ad, other string) string {
	switch {
	case own != "":
		return own
	case r.directory == activeDirectory:
		return ad
	}
	return other
}

func (r *run) userFilter() string {
	return r.pick(r.with.UserFilter, "(|(&(objectCategory=person)(objectClass=user))(objectClass=msDS-GroupManagedServiceAccount))",
		"(|(objectClass=inetOrgPerson)(objectClass=posixAccount)(objectClass=account)(objectClass=simpleSecurityObject))")
}

// Attributes of accounts. Those that hold passwords are not among them.
var userAttributes = []string{"objectClass", "uid", "cn", "sAMAccountName", "mail", "objectGUID", "objectSid", "entryUUID", "nsUniqueId",
	"userAccountControl", "pwdLastSet", "lastLogonTimestamp", "accountExpires", "whenCreated", "createTimestamp", "pwdAccountLockedTime",
	"pwdChangedTime", "pwdLastSuccess", "authTimestamp", "shadowExpire", "nsAccountLock", "loginDisabled", "primaryGroupID", "gidNumber",
	"sshPublicKey", "userCertificate", "userCertificate;binary"}

func (r *run) readUsers(ctx context.Context) error {
	q := query{kind: kindUsers, base: r.with.Base, scope: ldap.ScopeWholeSubtree, filter: r.userFilter(), attrs: userAttributes,
		each: func(e entry) { r.accounts.add(&e) }}
	whole, err := r.search(ctx, q, r.account, r.key)
	if !whole {
		r.membership.Fail("not every account could be listed, so that members cannot be told apart")
	}
	if len(r.accounts.names) == 0 {
		r.account.Fail("the directory shows no account below the base")
	}
	return err
}

// readNames lists the accounts a second time, in answers of another size, and
// compares: an account that one listing lost is named.
func (r *run) readNames(ctx context.Context) error {
	var again []string
	q := query{kind: kindNames, base: r.with.Base, scope: ldap.ScopeWholeSubtree, filter: r.userFilter(), attrs: []string{"1.1"},
		each: func(e entry) { again = append(again, foldDN(e.DN)) }}
	r.size = max(1, r.size*2/3)
	whole, err := r.search(ctx, q, r.account)
	r.size = r.with.PageSize
	if whole {
		r.account.ReconcileNames("accounts listed a second time", again, r.accounts.names)
	}
	return err
}

func (r *run) readGroups(ctx context.Context) error {
	q := query{kind: kindGroups, base: r.with.Base, scope: ldap.ScopeWholeSubtree, attrs: groupAttributes,
		filter: r.pick(r.with.GroupFilter, "(objectClass=group)", "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"),
		facts:  r.accounts.facts}
	var cut []rest
	found := 0
	q.each = func(e entry) {
		found++
		r.groups.add(&e, r.accounts)
		if x, ok := e.cut(); ok {
			cut = append(cut, x)
		}
	}
	if _, err := r.search(ctx, q, r.membership); err != nil {
		return err
	}
	if found == 0 {
		r.membership.Fail("the directory shows no group below the base: they are kept elsewhere, or hidden from the account that reads")
	}
	for _, c := range cut {
		if err := r.readRest(ctx, q, c); err != nil {
			return err
		}
	}
	return nil
}

// readRest asks for the members that an answer left out (MS-ADTS 3.1.1.3.1.3.3).
func (r *run) readRest(ctx context.Context, q query, c rest) error {
	for {
		var next rest
		more := false
		q.base, q.scope, q.filter = c.dn, ldap.ScopeBaseObject, "(objectClass=*)"
		q.attrs = append(slices.Clone(groupAttributes), fmt.Sprintf("member;range=%d-*", c.from))
		q.attrs = slices.DeleteFunc(q.attrs, func(a string) bool { return a == "member" })
		q.each = func(e entry) {
			r.groups.add(&e, r.accounts)
			next, more = e.cut()
		}
		whole, err := r.search(ctx, q, r.membership)
		if err != nil || !whole || !more {
			return err
		}
		if next.from <= c.from {
			r.membership.Fail(fmt.Sprintf("%s: the members from %d on come no further", c.dn, c.from))
			return nil
		}
		c = next
	}
}

const nestedPage = 500

// readNested works out who is in a group through other groups, from the groups
// that were sealed before.
func (r *run) readNested(ctx context.Context) error {
	q := query{kind: kindNested, base: r.with.Base, scope: ldap.ScopeWholeSubtree, filter: "groups within groups, worked out from the pages before"}
	for n, part := range r.groups.nested(nestedPage) {
		doc := page{Format: 1, Directory: r.directory, Entries: part.entries, Facts: &facts{Nested: part.nested}}
		if err := r.seal(ctx, q, n+1, doc, []*source.Stream{r.membership}); err != nil {
			return err
		}
	}
	if n := r.groups.unknown(r.accounts); n > 0 {
		r.membership.Note(fmt.Sprintf("%d members of groups that are neither accounts nor groups found below the base (computers, contacts, other domains)", n))
	}
	return nil
}

var policyAttributes = []string{"objectClass", "cn", "name", "objectGUID", "entryUUID", "minPwdLength", "pwdHistoryLength", "maxPwdAge", "pwdProperties",
	"lockoutThreshold", "lockoutDuration", "msDS-MinimumPasswordLength", "msDS-PasswordHistoryLength", "msDS-MaximumPasswordAge",
	"msDS-PasswordComplexityEnabled", "msDS-LockoutThreshold", "msDS-LockoutDuration", "pwdMinLength", "pwdInHistory", "pwdMaxAge",
	"pwdCheckQuality", "pwdLockout", "pwdMaxFailure", "pwdLockoutDuration"}

func (r *run) readPolicies(ctx context.Context) error {
	found := 0
	q := query{kind: kindPolicies, base: r.with.Base, scope: ldap.ScopeWholeSubtree, filter: "(objectClass=pwdPolicy)", attrs: policyAttributes,
		each: func(entry) { found++ }}
	if r.directory == activeDirectory {
		q.filter = "(|(objectClass=domainDNS)(objectClass=msDS-PasswordSettings))"
		r.policy.Note("fine-grained password policies, where the Password Settings Container is hidden from the account that reads")
	}
	_, err := r.search(ctx, q, r.policy)
	if found == 0 {
		r.policy.Fail("no password policy can be seen below the base: it is kept elsewhere, or hidden from the account that reads")
	}
	return err
}
