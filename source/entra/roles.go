package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tieout/source"
	"tieout/source/rest"
)

// holders are the directory roles of each account, by template.
type holders struct {
	of    map[string][]string
	known bool // every assignment was read
}

// roleFacts are the names of roles by id, for a page of assignments.
type roleFacts struct {
	Roles map[string]string `json:"roles,omitempty"`
}

// heldFacts say which role the members of a group hold through it.
type heldFacts struct {
	Assignment string `json:"assignment"`
	Name       string `json:"name"`
}

// An assignment of a directory role.
type assignment struct {
	ID               string `json:"id"`
	PrincipalID      string `json:"principalId"`
	RoleDefinitionID string `json:"roleDefinitionId"`
	Principal        struct {
		Type string `json:"@odata.type"`
	} `json:"principal"`
}

const (
	typeUser    = "#microsoft.graph.user"
	typeProgram = "#microsoft.graph.servicePrincipal"
	typeGroup   = "#microsoft.graph.group"
)

// directoryRoles reads who holds a role, directly or through a group.
func (r *run) directoryRoles(ctx context.Context) error {
	s := r.Snapshot("membership", scopeRoles, cannotRoles, kindAssignments, kindRoleMembers)
	r.roles.of = map[string][]string{}
	names := map[string]string{}
	define := func(list []json.RawMessage) error {
		for _, e := range list {
			var d struct{ ID, DisplayName string }
			if json.Unmarshal(e, &d) == nil && d.ID != "" {
				names[d.ID] = d.DisplayName
			}
		}
		return nil
	}
	if _, err := r.list(ctx, rest.List{Kind: kindRoles, Scope: scopeRoles}, "/v1.0/roleManagement/directory/roleDefinitions?$select=id,displayName", define, s); err != nil {
		return err
	}
	each := func(list []json.RawMessage) error {
		for _, e := range list {
			if err := r.assigned(ctx, e, names, s); err != nil {
				return err
			}
		}
		return nil
	}
	l := rest.List{Kind: kindAssignments, Scope: scopeRoles, Facts: roleFacts{Roles: names}}
	if _, err := r.list(ctx, l, "/v1.0/roleManagement/directory/roleAssignments?$expand=principal", each, s); err != nil {
		return err
	}
	r.roles.known = !s.Failed()
	return r.Close(ctx, s)
}

// assigned notes who holds a role; where that is a group, its members are read.
func (r *run) assigned(ctx context.Context, e json.RawMessage, names map[string]string, s *source.Stream) error {
	var a assignment
	if json.Unmarshal(e, &a) != nil || a.ID == "" || a.PrincipalID == "" {
		s.Fail("an assignment of a role without its holder is on the list")
		return nil
	}
	if a.Principal.Type == "" {
		s.Fail("an assignment of a role does not say whether its holder is a group")
	}
	if a.Principal.Type != typeGroup {
		r.roles.of[a.PrincipalID] = append(r.roles.of[a.PrincipalID], a.RoleDefinitionID)
		return nil
	}
	one := r.Snapshot("membership", scopeRoles, nil)
	l := rest.List{Kind: kindRoleMembers, Scope: scopeRoles, Facts: heldFacts{Assignment: a.ID, Name: names[a.RoleDefinitionID]}}
	each := func(members []json.RawMessage) error {
		for _, m := range members {
			id, err := member(m)
			if err != nil {
				s.Fail("a member of the group that holds " + names[a.RoleDefinitionID] + ": " + err.Error())
			}
			if id != "" {
				r.roles.of[id] = append(r.roles.of[id], a.RoleDefinitionID)
			}
		}
		return nil
	}
	f, err := r.list(ctx, l, membersOf(a.PrincipalID), each, one)
	if err != nil {
		return err
	}
	s.Asked(membersAsked)
	s.Pages += one.Pages
	if !f.Whole() {
		s.Fail(fmt.Sprintf("members of the group that holds %s: %s", names[a.RoleDefinitionID], f.Why))
	}
	return nil
}

// member is the id of a member who can sign in, "" of groups and devices. The
// error is for one that does not say which it is.
func member(e json.RawMessage) (string, error) {
	var m struct {
		ID   string `json:"id"`
		Type string `json:"@odata.type"`
	}
	if err := decode(e, &m, &m.ID); err != nil {
		return "", err
	}
	switch {
	case m.Type == "":
		return "", errors.New("it does not say whether it is an account")
	case strings.EqualFold(m.Type, typeUser), strings.EqualFold(m.Type, typeProgram):
		return m.ID, nil
	}
	return "", nil
}
