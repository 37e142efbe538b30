package scim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
)

// Schemas and messages of RFC 7643 and RFC 7644.
const (
	userURN   = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	schemaURN = "urn:ietf:params:scim:schemas:core:2.0:Schema"
	typeURN   = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	configURN = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	listURN   = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	patchURN  = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	errorURN  = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// A kind is a kind of resource: what there is of it and how it is written.
type kind struct {
	name, urn, endpoint, about string
	attributes                 []attribute
}

// An attribute is one of a kind. One that is ignored is taken from clients and
// not kept.
type attribute struct {
	name     string
	about    string
	subs     []string
	list     bool
	readOnly bool
	ignored  bool
	required bool // cannot be taken away
	needed   bool // published as required: something always stands there
	boolean  bool
	exact    bool // case counts
	unique   bool
}

var users = &kind{"User", userURN, "/Users", "An account of the workspace", append([]attribute{
	{name: "userName", about: "The name a directory knows the person by", required: true, needed: true, unique: true},
	{name: "name", about: "The parts of the name", subs: []string{"formatted", "givenName", "familyName"}},
	{name: "displayName", about: "The name as people read it", needed: true},
	{name: "emails", about: "The address; one is kept: the primary, else work, else the first", list: true, subs: []string{"value", "type", "primary"}, needed: true},
	{name: "active", about: "false suspends the account", boolean: true, required: true, needed: true},
	{name: "groups", about: "Groups the account is in", list: true, readOnly: true, subs: []string{"value", "display", "$ref"}},
}, ignored("nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale", "timezone", "password", "phoneNumbers", "ims",
	"photos", "addresses", "entitlements", "roles", "x509Certificates")...)}

var groups = &kind{"Group", groupURN, "/Groups", "A group; it gives the roles that the workspace's settings have under its name", []attribute{
	{name: "displayName", about: "The name, unique here", required: true, needed: true, unique: true},
	{name: "members", about: "Accounts in the group", list: true, subs: []string{"value", "$ref", "type"}},
}}

// common are attributes of every kind.
var common = []attribute{
	{name: "externalId", about: "The directory's own ID", exact: true},
	{name: "id", readOnly: true, exact: true}, {name: "meta", readOnly: true}, {name: "schemas", readOnly: true},
}

func ignored(names ...string) (out []attribute) {
	for _, n := range names {
		out = append(out, attribute{name: n, ignored: true})
	}
	return out
}

func (k *kind) form(name string) (attribute, bool) {
	for _, all := range [][]attribute{k.attributes, common} {
		for _, a := range all {
			if strings.EqualFold(a.name, name) {
				return a, true
			}
		}
	}
	return attribute{}, false
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func etag(version int64) string { return `W/"` + strconv.FormatInt(version, 10) + `"` }

func (s *Server) meta(k *kind, id string, created, changed time.Time, version int64) map[string]any {
	return map[string]any{"resourceType": k.name, "created": stamp(created), "lastModified": stamp(changed),
		"location": s.base + k.endpoint + "/" + id, "version": etag(version)}
}

// user writes a user as its resource.
func (s *Server) user(u access.DirectoryUser) map[string]any {
	v := map[string]any{"schemas": []any{userURN}, "id": u.ID, "userName": u.UserName, "displayName": u.Name, "active": u.Active,
		"emails": []any{map[string]any{"value": u.Email, "type": "work", "primary": true}},
		"meta":   s.meta(users, u.ID, u.Created, u.Changed, u.Version)}
	if u.ExternalID != "" {
		v["externalId"] = u.ExternalID
	}
	name := map[string]any{}
	for k, x := range map[string]string{"givenName": u.Given, "familyName": u.Family} {
		if x != "" {
			name[k] = x
		}
	}
	if len(name) > 0 {
		v["name"] = name
	}
	var in []any
	for _, g := range u.Groups {
		in = append(in, map[string]any{"value": g.ID, "display": g.Name, "$ref": s.base + groups.endpoint + "/" + g.ID})
	}
	if in != nil {
		v["groups"] = in
	}
	return v
}

// userOf reads a resource as a user. What is not there is empty; active is what
// it was.
func userOf(v map[string]any, id string, active bool) (u access.DirectoryUser, err error) {
	r := reading{v: v}
	u = access.DirectoryUser{ID: id, UserName: r.text("userName"), ExternalID: r.text("externalId"), Name: r.text("displayName"), Active: r.truth("active", active)}
	if name, ok := value(v, "name").(map[string]any); ok {
		n := reading{v: name}
		u.Given, u.Family = n.text("givenName"), n.text("familyName")
		if u.Name == "" {
			u.Name = n.text("formatted")
		}
		r.err = firstOf(r.err, n.err)
	} else if value(v, "name") != nil {
		r.err = firstOf(r.err, fmt.Errorf("%w: name is an object", audit.ErrInvalid))
	}
	u.Email, r.err = email(value(v, "emails"), r.err)
	return u, r.err
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// email picks one address: the primary, else the one for work, else the first.
func email(v any, err error) (string, error) {
	best, rank := "", 0
	for _, x := range elements(v) {
		m, ok := x.(map[string]any)
		if !ok {
			return "", firstOf(err, fmt.Errorf("%w: an element of emails is an object", audit.ErrInvalid))
		}
		r := reading{v: m}
		this := 1
		if strings.EqualFold(r.text("type"), "work") {
			this = 2
		}
		if r.truth("primary", false) {
			this = 3
		}
		if address := r.text("value"); address != "" && this > rank {
			best, rank = address, this
		}
		err = firstOf(err, r.err)
	}
	return best, err
}

// A reading takes attributes off a resource and keeps the first mistake.
type reading struct {
	v   map[string]any
	err error
}

func (r *reading) text(name string) string {
	switch x := value(r.v, name).(type) {
	case nil:
	case string:
		return x
	default:
		r.err = firstOf(r.err, fmt.Errorf("%w: %s is a string", audit.ErrInvalid, name))
	}
	return ""
}

// truth also takes the words that Microsoft Entra sends: "True", "False".
func (r *reading) truth(name string, otherwise bool) bool {
	switch x := value(r.v, name).(type) {
	case nil:
		return otherwise
	case bool:
		return x
	case string:
		if strings.EqualFold(x, "true") || strings.EqualFold(x, "false") {
			return strings.EqualFold(x, "true")
		}
	}
	r.err = firstOf(r.err, fmt.Errorf("%w: %s is true or false", audit.ErrInvalid, name))
	return otherwise
}

// group writes a group as its resource.
func (s *Server) group(g access.DirectoryGroup) map[string]any {
	v := map[string]any{"schemas": []any{groupURN}, "id": g.ID, "displayName": g.Name, "meta": s.meta(groups, g.ID, g.Created, g.Changed, g.Version)}
	if g.ExternalID != "" {
		v["externalId"] = g.ExternalID
	}
	var members []any
	for _, id := range g.Members {
		members = append(members, map[string]any{"value": id, "type": "User", "$ref": s.base + users.endpoint + "/" + id})
	}
	if members != nil {
		v["members"] = members
	}
	return v
}

// groupOf reads a resource as a group.
func groupOf(v map[string]any, id string) (access.DirectoryGroup, error) {
	r := reading{v: v}
	g := access.DirectoryGroup{ID: id, Name: r.text("displayName"), ExternalID: r.text("externalId")}
	for _, x := range elements(value(v, "members")) {
		m, ok := x.(map[string]any)
		if !ok {
			return g, fmt.Errorf("%w: an element of members is an object", audit.ErrInvalid)
		}
		e := reading{v: m}
		member := e.text("value")
		if member == "" {
			return g, fmt.Errorf("%w: a member has no value", audit.ErrInvalid)
		}
		g.Members = append(g.Members, member)
		r.err = firstOf(r.err, e.err)
	}
	return g, r.err
}
