package scim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
)

// list answers a query (RFC 7644 section 3.4.2), in order of ids.
func (r *Receiver) list(req *http.Request, things resources) (reply, error) {
	q := req.URL.Query()
	var f filter
	if text := q.Get("filter"); text != "" {
		var err error
		if f, err = parseFilter(text); err != nil {
			return reply{}, bad("invalidFilter", "%v", err)
		}
	}
	start, err := number(q.Get("startIndex"), 1)
	if err != nil {
		return reply{}, err
	}
	count, err := number(q.Get("count"), maxPage)
	if err != nil {
		return reply{}, err
	}
	start, count = max(start, 1), min(max(count, 0), maxPage)
	var ids []string
	for _, id := range things.ids() {
		if f == nil || f.holds(things.flat(id, f)) {
			ids = append(ids, id)
		}
	}
	total := len(ids)
	page := ids[min(start-1, total):]
	page = page[:min(count, len(page))]
	found := make([]any, 0, len(page))
	for _, id := range page {
		found = append(found, r.sent(req, things, id, http.StatusOK).body)
	}
	return reply{status: http.StatusOK, body: map[string]any{"schemas": []string{messageList}, "totalResults": total, "startIndex": start,
		"itemsPerPage": len(found), "Resources": found}}, nil
}

func number(text string, standard int) (int, error) {
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, bad("invalidValue", "%q is not a number", text)
	}
	return n, nil
}

func meta(typ string, version int, created, modified time.Time) map[string]any {
	return map[string]any{"resourceType": typ, "created": audit.FormatTime(created), "lastModified": audit.FormatTime(modified), "version": tag(version)}
}

// userResources are the users.
type userResources struct{ *Receiver }

func (u userResources) name() string          { return "Users" }
func (u userResources) ids() []string         { return slices.Sorted(maps.Keys(u.users)) }
func (u userResources) version(id string) int { return u.users[id].Version }

func (u userResources) show(id string) map[string]any {
	usr := u.users[id]
	if usr == nil {
		return nil
	}
	doc := copied(usr.Attributes)
	schemas := []string{schemaUser}
	if value(doc, schemaEnterprise) != nil {
		schemas = append(schemas, schemaEnterprise)
	}
	doc["id"], doc["schemas"], doc["meta"] = usr.ID, schemas, meta("User", usr.Version, usr.Created, usr.Modified)
	return doc
}

func (u userResources) flat(id string, _ filter) map[string]any {
	doc := maps.Clone(u.users[id].Attributes)
	doc["id"] = id
	return doc
}

// check refuses attributes that cannot be a user's, and writes `active` as
// true or false.
func (u userResources) check(id string, attributes map[string]any) error {
	name, _ := value(attributes, "userName").(string)
	if strings.TrimSpace(name) == "" {
		return bad("invalidValue", "userName is needed")
	}
	if other, ok := u.logins[strings.ToLower(name)]; ok && other != id {
		return &refusal{http.StatusConflict, "uniqueness", fmt.Sprintf("there is a user called %s already", name)}
	}
	k := key(attributes, "active")
	v, there := attributes[k]
	if !there || v == nil {
		attributes[k] = true // RFC 7643 leaves it to the receiver: a user that is pushed is in use
		return nil
	}
	b, ok := boolean(v)
	if !ok {
		return bad("invalidValue", "active is true or false")
	}
	attributes[k] = b
	return nil
}

func (u userResources) make(attributes map[string]any) (*entry, string, error) {
	if err := u.check("", attributes); err != nil {
		return nil, "", err
	}
	now := u.now()
	usr := &user{ID: newID(), Version: 1, Created: now, Modified: now, Attributes: attributes}
	usr.since(nil)
	return &entry{User: usr}, usr.ID, nil
}

func (u userResources) replace(id string, attributes map[string]any) (*entry, error) {
	if err := u.check(id, attributes); err != nil {
		return nil, err
	}
	old := u.users[id]
	usr := &user{ID: id, Version: old.Version + 1, Created: old.Created, Modified: u.now(), Attributes: attributes}
	usr.since(old)
	return &entry{User: usr, Unlinked: employee(old) != "" && employee(usr) == ""}, nil
}

// since keeps when `active` became false.
func (u *user) since(old *user) {
	if active, _ := boolean(value(u.Attributes, "active")); active {
		return
	}
	u.DisabledAt = &u.Modified
	if old != nil && old.DisabledAt != nil {
		u.DisabledAt = old.DisabledAt
	}
}

// remove ends a user, and its place in every group.
func (u userResources) remove(id string) *entry {
	e := &entry{User: u.users[id], Deleted: true, Unlinked: employee(u.users[id]) != ""}
	for _, g := range slices.Sorted(maps.Keys(u.members)) {
		if u.members[g][id] {
			e.Gone = append(e.Gone, g) // of a user that ends: ids of groups
		}
	}
	return e
}

// employee is the number of the person in the enterprise extension, "" for none.
func employee(u *user) string {
	box, _ := value(u.Attributes, schemaEnterprise).(map[string]any)
	switch n := value(box, "employeeNumber").(type) {
	case string:
		return strings.TrimSpace(n)
	case float64:
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return ""
}

// now is the instant of the entry to come.
func (r *Receiver) now() time.Time {
	now := audit.Instant(r.opts.Now())
	if !now.After(r.journal.at) {
		now = r.journal.at.Add(time.Microsecond)
	}
	return now
}

// groupResources are the groups.
type groupResources struct{ *Receiver }

func (g groupResources) name() string          { return "Groups" }
func (g groupResources) ids() []string         { return slices.Sorted(maps.Keys(g.groups)) }
func (g groupResources) version(id string) int { return g.groups[id].Version }

func (g groupResources) show(id string) map[string]any {
	grp := g.groups[id]
	if grp == nil {
		return nil
	}
	doc := copied(grp.Attributes)
	members := []any{}
	for _, m := range slices.Sorted(maps.Keys(g.members[id])) {
		members = append(members, map[string]any{"value": m, "type": "User", "$ref": g.location(userResources(g), m)})
	}
	doc["id"], doc["schemas"], doc["meta"], doc["members"] = grp.ID, []string{schemaGroup}, meta("Group", grp.Version, grp.Created, grp.Modified), members
	return doc
}

func (g groupResources) flat(id string, f filter) map[string]any {
	if slices.ContainsFunc(f, func(c comparison) bool { return strings.HasPrefix(strings.ToLower(c.path), "members") }) {
		return g.show(id)
	}
	doc := maps.Clone(g.groups[id].Attributes)
	doc["id"] = id
	return doc
}

// cut takes the members out of attributes, as ids. All must be users: what a
// group would hold silently could not be told later.
func (g groupResources) cut(attributes map[string]any) (map[string]bool, error) {
	if name, _ := value(attributes, "displayName").(string); strings.TrimSpace(name) == "" {
		return nil, bad("invalidValue", "displayName is needed")
	}
	k := key(attributes, "members")
	list := attributes[k]
	delete(attributes, k)
	out := map[string]bool{}
	if list == nil {
		return out, nil
	}
	for _, m := range elements(list) {
		id, _ := reference(m).(string)
		if g.users[id] == nil {
			return nil, bad("invalidValue", "the member %q is not a user here", id)
		}
		out[id] = true
	}
	return out, nil
}

func (g groupResources) make(attributes map[string]any) (*entry, string, error) {
	members, err := g.cut(attributes)
	if err != nil {
		return nil, "", err
	}
	now := g.now()
	grp := &group{ID: newID(), Version: 1, Created: now, Modified: now, Attributes: attributes}
	return &entry{Group: grp, Set: slices.Sorted(maps.Keys(members))}, grp.ID, nil
}

// replace says whose membership is new: all members where the group has another
// name, since that is part of what a membership is.
func (g groupResources) replace(id string, attributes map[string]any) (*entry, error) {
	members, err := g.cut(attributes)
	if err != nil {
		return nil, err
	}
	old := g.groups[id]
	renamed := value(old.Attributes, "displayName") != value(attributes, "displayName")
	e := &entry{Group: &group{ID: id, Version: old.Version + 1, Created: old.Created, Modified: g.now(), Attributes: attributes}}
	for _, m := range slices.Sorted(maps.Keys(members)) {
		if renamed || !g.members[id][m] {
			e.Set = append(e.Set, m)
		}
	}
	for _, m := range slices.Sorted(maps.Keys(g.members[id])) {
		if !members[m] {
			e.Gone = append(e.Gone, m)
		}
	}
	return e, nil
}

func (g groupResources) remove(id string) *entry {
	return &entry{Group: g.groups[id], Deleted: true, Gone: slices.Sorted(maps.Keys(g.members[id]))}
}
