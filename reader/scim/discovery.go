package scim

import "strings"

// config says what this server can do (RFC 7643, 5).
func (s *Server) config() map[string]any {
	no := map[string]any{"supported": false}
	return map[string]any{"schemas": []any{configURN},
		"patch":          map[string]any{"supported": true},
		"bulk":           map[string]any{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter":         map[string]any{"supported": true, "maxResults": maxCount},
		"changePassword": no, "sort": no,
		"etag": map[string]any{"supported": true},
		"authenticationSchemes": []any{map[string]any{"type": "oauthbearertoken", "name": "API token", "primary": true,
			"description": "An API token of an administrator that was made with the permission account.provision"}},
		"meta": map[string]any{"resourceType": "ServiceProviderConfig", "location": s.base + "/ServiceProviderConfig"}}
}

// resourceType is a kind as RFC 7643, 6 writes it.
func (s *Server) resourceType(k *kind) map[string]any {
	return map[string]any{"schemas": []any{typeURN}, "id": k.name, "name": k.name, "endpoint": k.endpoint, "description": k.about, "schema": k.urn,
		"schemaExtensions": []any{},
		"meta":             map[string]any{"resourceType": "ResourceType", "location": s.base + "/ResourceTypes/" + k.name}}
}

// schema is a kind's attributes as RFC 7643, 7 writes them; those that are only
// taken are left out.
func (s *Server) schema(k *kind) map[string]any {
	var all []any
	for _, a := range append(append([]attribute{}, k.attributes...), common[0]) {
		if !a.ignored {
			all = append(all, a.describe())
		}
	}
	return map[string]any{"schemas": []any{schemaURN}, "id": k.urn, "name": k.name, "description": k.about, "attributes": all,
		"meta": map[string]any{"resourceType": "Schema", "location": s.base + "/Schemas/" + k.urn}}
}

func (a attribute) describe() map[string]any {
	v := map[string]any{"name": a.name, "description": a.about, "type": "string", "multiValued": a.list, "required": a.needed, "caseExact": a.exact,
		"mutability": "readWrite", "returned": "default", "uniqueness": "none"}
	if a.boolean {
		v["type"] = "boolean"
	}
	if a.unique {
		v["uniqueness"] = "server"
	}
	if a.readOnly {
		v["mutability"] = "readOnly"
	}
	if a.subs == nil {
		return v
	}
	v["type"] = "complex"
	var subs []any
	for _, name := range a.subs {
		if a.name == "name" && name == "formatted" {
			continue // taken where there is no displayName, and not kept
		}
		subs = append(subs, a.describeSub(name))
	}
	v["subAttributes"] = subs
	return v
}

// describeSub describes a part of an attribute. What the server makes itself, or
// keeps one form of, is read only.
func (a attribute) describeSub(name string) map[string]any {
	sub := attribute{name: name, about: "The " + strings.TrimPrefix(name, "$") + " of " + a.name, readOnly: a.readOnly,
		boolean: name == "primary", exact: name == "value" && a.name != "emails", needed: name == "value"}
	v := sub.describe()
	switch {
	case name == "display" || a.name == "emails" && name != "value":
		v["mutability"] = "readOnly"
	case a.name == "members":
		v["mutability"] = "immutable"
	}
	if name == "type" {
		v["canonicalValues"] = []any{map[string]string{"emails": "work", "members": "User"}[a.name]}
	}
	if name == "$ref" {
		v["type"], v["referenceTypes"] = "reference", []any{"User"}
		if a.name == "groups" {
			v["referenceTypes"] = []any{"Group"}
		}
	}
	return v
}
