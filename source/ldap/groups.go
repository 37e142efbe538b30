package ldap

import (
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
)

var groupAttributes = []string{"objectClass", "cn", "sAMAccountName", "objectGUID", "objectSid", "entryUUID", "nsUniqueId", "gidNumber", "member", "uniqueMember", "memberUid"}

// An index finds accounts by what groups call them.
type index struct {
	names   []string            // folded names, as listed
	ids     map[string]string   // folded name, or "uid=" and login, to id
	primary map[string][]string // "rid=" or "gid=" and number of the primary group, to ids
}

func newIndex() *index { return &index{ids: map[string]string{}, primary: map[string][]string{}} }

func (x *index) add(e *entry) {
	dn, id := foldDN(e.DN), e.id()
	x.names = append(x.names, dn)
	x.ids[dn] = id
	for _, uid := range e.values("uid") {
		x.ids["uid="+string(uid)] = id
	}
	if g := e.first("primaryGroupID"); g != "" {
		x.primary["rid="+g] = append(x.primary["rid="+g], id)
	} else if g := e.first("gidNumber"); g != "" {
		x.primary["gid="+g] = append(x.primary["gid="+g], id)
	}
}

// members are the names that a group's entry lists, folded, as in index.ids.
func (e *entry) members() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(e.Attributes)) {
		base, _, _ := strings.Cut(strings.ToLower(name), ";")
		for _, v := range e.Attributes[name] {
			switch base {
			case "member":
				out = append(out, foldDN(string(v)))
			case "uniquemember": // a name, and "#" with a bit string where it is not unique (RFC 4517 section 3.3.21)
				dn, _, _ := strings.Cut(string(v), "#'")
				out = append(out, foldDN(dn))
			case "memberuid":
				out = append(out, "uid="+string(v))
			}
		}
	}
	return out
}

// primaryKey is how index.primary calls a group, "" where it can be nobody's.
func (e *entry) primaryKey() string {
	if rid := e.rid(); rid != "" {
		return "rid=" + rid
	}
	if gid := e.first("gidNumber"); gid != "" {
		return "gid=" + gid
	}
	return ""
}

// facts are what a page of groups needs from the accounts.
func (x *index) facts(groups []entry) *facts {
	f := &facts{Accounts: map[string]string{}, Primary: map[string][]string{}}
	for i := range groups {
		for _, m := range groups[i].members() {
			if id, ok := x.ids[m]; ok {
				f.Accounts[m] = id
			}
		}
		if ids := x.primary[groups[i].primaryKey()]; len(ids) > 0 {
			f.Primary[foldDN(groups[i].DN)] = ids
		}
	}
	return f
}

// A rest is what an answer left out of a group's members.
type rest struct {
	dn   string
	from int
}

// cut reports that an entry's members are cut off, as Active Directory does
// beyond 1,500: the attribute is then called member;range=0-1499.
func (e *entry) cut() (rest, bool) {
	for name := range e.Attributes {
		span, ok := strings.CutPrefix(strings.ToLower(name), "member;range=")
		if !ok {
			continue
		}
		_, last, _ := strings.Cut(span, "-")
		if n, err := strconv.Atoi(last); err == nil {
			return rest{e.DN, n + 1}, true
		}
	}
	return rest{}, false
}

// A tree is all groups, and which is a member of which.
type tree struct {
	order  []string
	groups map[string]*group
}

type group struct {
	head     entry // its name and ids, without members
	accounts map[string]bool
	members  map[string]bool // folded names that are no accounts
}

func newTree() *tree { return &tree{groups: map[string]*group{}} }

func (t *tree) add(e *entry, x *index) {
	dn := foldDN(e.DN)
	g := t.groups[dn]
	if g == nil {
		head := entry{e.DN, maps.Clone(e.Attributes)}
		maps.DeleteFunc(head.Attributes, func(name string, _ []value) bool {
			return strings.Contains(strings.ToLower(name), "member") || name == "objectClass"
		})
		g = &group{head, map[string]bool{}, map[string]bool{}}
		t.groups[dn], t.order = g, append(t.order, dn)
		for _, id := range x.primary[e.primaryKey()] {
			g.accounts[id] = true
		}
	}
	for _, m := range e.members() {
		if id, ok := x.ids[m]; ok {
			g.accounts[id] = true
		} else {
			g.members[m] = true
		}
	}
}

// unknown counts members that are neither accounts nor groups.
func (t *tree) unknown(x *index) int {
	n := 0
	for _, g := range t.groups {
		for m := range g.members {
			if t.groups[m] == nil {
				n++
			}
		}
	}
	return n
}

// A part is one page of memberships through other groups.
type part struct {
	entries []entry
	nested  []nested
}

// nested gives, in pages of about size, the accounts that are in a group only
// through other groups, with the shortest way there.
func (t *tree) nested(size int) iter.Seq2[int, part] {
	return func(yield func(int, part) bool) {
		var p part
		n := 0
		for _, dn := range t.order {
			found := t.through(dn)
			if len(found) == 0 {
				continue
			}
			p.entries, p.nested = append(p.entries, t.groups[dn].head), append(p.nested, found...)
			if len(p.nested) >= size {
				if !yield(n, p) {
					return
				}
				p, n = part{}, n+1
			}
		}
		if len(p.nested) > 0 {
			yield(n, p)
		}
	}
}

// through walks the groups within a group, nearest first and each once.
func (t *tree) through(top string) []nested {
	type step struct {
		dn  string
		way []string
	}
	seen, known := map[string]bool{top: true}, maps.Clone(t.groups[top].accounts)
	var out []nested
	for queue := []step{{top, nil}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		g := t.groups[at.dn]
		if at.dn != top {
			for _, id := range slices.Sorted(maps.Keys(g.accounts)) {
				if !known[id] {
					known[id] = true
					out = append(out, nested{top, id, at.way})
				}
			}
		}
		for _, m := range slices.Sorted(maps.Keys(g.members)) {
			if in := t.groups[m]; in != nil && !seen[m] {
				seen[m] = true
				queue = append(queue, step{m, append(slices.Clone(at.way), in.head.groupName())})
			}
		}
	}
	return out
}

// groupName is what a group is called.
func (e *entry) groupName() string {
	if n := e.first("cn", "sAMAccountName"); n != "" {
		return n
	}
	return e.DN
}
