package scim

import (
	"net/http"
	"strings"
)

// Schemas of the discovery endpoints (RFC 7643 sections 5, 6 and 7).
const (
	schemaConfig = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	schemaType   = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaSchema = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// discover answers what the receiver can do. ok is false for other endpoints.
func (r *Receiver) discover(req *http.Request, kind, id string) (out reply, ok bool, err error) {
	var all []map[string]any
	switch strings.ToLower(kind) {
	case "serviceproviderconfig":
		all = []map[string]any{r.config()}
	case "resourcetypes":
		all = r.types()
	case "schemas":
		all = r.schemas()
	case "bulk", "me", ".search":
		return out, false, &refusal{http.StatusNotImplemented, "", "it is not supported"}
	default:
		return out, false, nil
	}
	switch {
	case req.Method != http.MethodGet:
		return out, true, &refusal{http.StatusMethodNotAllowed, "", "it is only read"}
	case req.URL.Query().Has("filter"): // RFC 7644 section 4
		return out, true, &refusal{http.StatusForbidden, "", "it takes no filter"}
	case strings.EqualFold(kind, "ServiceProviderConfig"):
		return reply{status: http.StatusOK, body: all[0]}, true, nil
	case id == "":
		return reply{status: http.StatusOK, body: map[string]any{"schemas": []string{messageList}, "totalResults": len(all), "startIndex": 1,
			"itemsPerPage": len(all), "Resources": all}}, true, nil
	}
	for _, one := range all {
		if one["id"] == id {
			return reply{status: http.StatusOK, body: one}, true, nil
		}
	}
	return out, true, &refusal{http.StatusNotFound, "", "there is none of that name"}
}

func (r *Receiver) meta(kind, path string) map[string]any {
	return map[string]any{"resourceType": kind, "location": strings.TrimSuffix(r.opts.Base, "/") + path}
}

func (r *Receiver) config() map[string]any {
	no := map[string]any{"supported": false}
	return map[string]any{
		"schemas": []string{schemaConfig}, "meta": r.meta("ServiceProviderConfig", "/ServiceProviderConfig"),
		"patch": map[string]any{"supported": true}, "etag": map[string]any{"supported": true}, "changePassword": no, "sort": no,
		"bulk":                  map[string]any{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter":                map[string]any{"supported": true, "maxResults": maxPage},
		"authenticationSchemes": []any{map[string]any{"type": "oauthbearertoken", "name": "Bearer token", "description": "A token in the Authorization header", "primary": true}},
	}
}

func (r *Receiver) types() []map[string]any {
	return []map[string]any{
		{"schemas": []string{schemaType}, "id": "User", "name": "User", "endpoint": "/Users", "description": "An account", "schema": schemaUser,
			"schemaExtensions": []any{map[string]any{"schema": schemaEnterprise, "required": false}}, "meta": r.meta("ResourceType", "/ResourceTypes/User")},
		{"schemas": []string{schemaType}, "id": "Group", "name": "Group", "endpoint": "/Groups", "description": "A group of accounts", "schema": schemaGroup,
			"meta": r.meta("ResourceType", "/ResourceTypes/Group")},
	}
}

// attribute describes one attribute; sub are those of a complex one.
func attribute(name, typ, description string, many, required bool, sub ...any) map[string]any {
	a := map[string]any{"name": name, "type": typ, "description": description, "multiValued": many, "required": required, "caseExact": false,
		"mutability": "readWrite", "returned": "default", "uniqueness": "none"}
	if name == "userName" {
		a["uniqueness"] = "server"
	}
	if len(sub) > 0 {
		a["subAttributes"] = sub
	}
	return a
}

func text(name, description string) any {
	return attribute(name, "string", description, false, false)
}

func (r *Receiver) schemas() []map[string]any {
	value := []any{text("value", "The value"), text("type", "What sort it is"), attribute("primary", "boolean", "The one to use first", false, false)}
	member := []any{text("value", "Id of the user"), text("type", "User"), text("$ref", "Address of the user")}
	schema := func(id, name, description string, attributes ...any) map[string]any {
		return map[string]any{"schemas": []string{schemaSchema}, "id": id, "name": name, "description": description, "attributes": attributes,
			"meta": r.meta("Schema", "/Schemas/"+id)}
	}
	return []map[string]any{
		schema(schemaUser, "User", "An account",
			attribute("userName", "string", "Login name", false, true), text("externalId", "Id at the identity provider"), text("displayName", "Name to show"),
			attribute("name", "complex", "The person's name", false, false, text("formatted", "All of it"), text("givenName", "Given name"), text("familyName", "Family name")),
			text("title", "Job title"), text("userType", "Employee, contractor and the like"), attribute("active", "boolean", "It can sign in", false, false),
			attribute("emails", "complex", "Addresses", true, false, value...), attribute("roles", "complex", "Roles", true, false, value...)),
		schema(schemaGroup, "Group", "A group of accounts",
			attribute("displayName", "string", "Name", false, true), text("externalId", "Id at the identity provider"),
			attribute("members", "complex", "Accounts in it", true, false, member...)),
		schema(schemaEnterprise, "EnterpriseUser", "An account of an enterprise",
			text("employeeNumber", "Number of the person"), text("department", "Department"), text("organization", "Organization"), text("division", "Division"),
			text("costCenter", "Cost center"), attribute("manager", "complex", "The person's manager", false, false, text("value", "Id of the user"), text("displayName", "Name"))),
	}
}
