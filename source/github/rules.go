package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A toggle is one setting of branch protection.
type toggle struct {
	Enabled bool `json:"enabled"`
}

// classicAnswer is branch protection.
type classicAnswer struct {
	Checks *struct {
		Contexts []string `json:"contexts"`
		Checks   []struct {
			Context string `json:"context"`
		} `json:"checks"`
	} `json:"required_status_checks"`
	Reviews *struct {
		Approvals  int  `json:"required_approving_review_count"`
		Stale      bool `json:"dismiss_stale_reviews"`
		CodeOwners bool `json:"require_code_owner_reviews"`
		Bypass     struct {
			Users []user `json:"users"`
			Teams []struct {
				Slug string `json:"slug"`
			} `json:"teams"`
			Apps []struct {
				Slug string `json:"slug"`
			} `json:"apps"`
		} `json:"bypass_pull_request_allowances"`
	} `json:"required_pull_request_reviews"`
	Admins     *toggle `json:"enforce_admins"`
	Signatures *toggle `json:"required_signatures"`
	ForcePush  *toggle `json:"allow_force_pushes"`
	Deletions  *toggle `json:"allow_deletions"`
}

// ruleAnswer is one rule in force on a branch.
type ruleAnswer struct {
	Type       string `json:"type"`
	Ruleset    int64  `json:"ruleset_id"`
	Parameters struct {
		Approvals  int  `json:"required_approving_review_count"`
		Stale      bool `json:"dismiss_stale_reviews_on_push"`
		CodeOwners bool `json:"require_code_owner_review"`
		Checks     []struct {
			Context string `json:"context"`
		} `json:"required_status_checks"`
		Workflows []struct {
			Path string `json:"path"`
		} `json:"workflows"`
	} `json:"parameters"`
}

// rulesIn returns the rules of one answer; ok is false for one that failed.
func rulesIn(a answer) (list []ruleAnswer, ok bool, err error) {
	if !a.ok() {
		return nil, false, nil
	}
	if err := json.Unmarshal(a.bytes(), &list); err != nil {
		return nil, false, fmt.Errorf("rules: %w", err)
	}
	return list, true, nil
}

// rulesetAnswer is one ruleset: of it, who may go around its rules. bypass is
// nil where that was not shown.
type rulesetAnswer struct {
	id     int64
	bypass []actor
	Name   string `json:"name"`
}

// An actor is somebody who may go around a ruleset.
type actor struct {
	ID   *int64 `json:"actor_id"`
	Type string `json:"actor_type"`
}

const adminRole = 5 // id of the repository role "admin"

// admins reports whether a is a group that administrators are in.
func (a actor) admins() bool {
	return a.Type == "OrganizationAdmin" || a.Type == "EnterpriseOwner" || a.Type == "RepositoryRole" && a.ID != nil && *a.ID == adminRole
}

// name is how people read a; the host gives numbers, not names.
func (a actor) name() string {
	roles := map[int64]string{2: "maintain", 4: "write", adminRole: "admin"}
	switch {
	case a.Type == "OrganizationAdmin":
		return "organization owners"
	case a.Type == "RepositoryRole" && a.ID != nil && roles[*a.ID] != "":
		return "role " + roles[*a.ID]
	case a.Type == "DeployKey":
		return "deploy keys"
	case a.ID == nil:
		return a.Type
	}
	return fmt.Sprintf("%s %d", strings.ToLower(a.Type), *a.ID)
}

func ruleset(a answer) rulesetAnswer {
	var out struct {
		ID     int64    `json:"id"`
		Bypass *[]actor `json:"bypass_actors"`
	}
	if !a.ok() || json.Unmarshal(a.bytes(), &out) != nil || out.Bypass == nil {
		return rulesetAnswer{id: out.ID}
	}
	return rulesetAnswer{id: out.ID, bypass: append([]actor{}, *out.Bypass...)}
}

// unprotected: the host says that there is no branch protection.
func unprotected(a answer) bool {
	return a.Status == http.StatusNotFound && strings.EqualFold(a.message(), "Branch not protected")
}

// missingBranch: the host says that the branch does not exist.
func missingBranch(a answer) bool {
	return a.Status == http.StatusNotFound && strings.EqualFold(a.message(), "Branch not found")
}

// A merger puts all sources of rules together: each can only add.
type merger struct {
	classic  *classicAnswer // nil: there is none
	rules    []ruleAnswer
	rulesets map[int64]rulesetAnswer
}

// protection adds the item of one branch. Where branch protection or the
// rules could not be read there is none: the other part may say the rest.
func (r *reading) protection() {
	if err := r.readProtection(); err != nil {
		r.refuse("protection", err)
	}
}

func (r *reading) readProtection() error {
	branch := r.Facts.Branch
	if r.repository == "" || !branchOK(branch) {
		return errors.New("the page does not say which repository and branch it is of")
	}
	m := merger{rulesets: map[int64]rulesetAnswer{}}
	classic, _ := r.part("protection")
	if len(classic) != 1 {
		return errors.New("the page holds no answer about branch protection")
	}
	switch a := classic[0]; {
	case a.ok():
		m.classic = &classicAnswer{}
		if err := json.Unmarshal(a.bytes(), m.classic); err != nil {
			return err
		}
	case !unprotected(a):
		return nil
	}
	answers, whole := r.part("rules")
	if !whole {
		return nil
	}
	for _, a := range answers {
		list, _, err := rulesIn(a)
		if err != nil {
			return err
		}
		m.rules = append(m.rules, list...)
	}
	sets, _ := r.part("ruleset")
	for _, a := range sets {
		if s := ruleset(a); s.id > 0 && s.bypass != nil {
			m.rulesets[s.id] = s
		}
	}
	f := m.fields()
	f["repository"], f["branch"] = r.repository, branch
	return r.add("protection", r.repository+":"+branch, time.Time{}, f)
}

func (m *merger) fields() map[string]any {
	f := map[string]any{"enabled": m.enabled(), "requiredChecks": m.checks(), "requiredApprovals": 0,
		"dismissStale": false, "codeOwners": false}
	approvals, stale, owners := 0, false, false
	if m.classic != nil && m.classic.Reviews != nil {
		approvals, stale, owners = m.classic.Reviews.Approvals, m.classic.Reviews.Stale, m.classic.Reviews.CodeOwners
	}
	for _, rule := range m.rules {
		if rule.Type == "pull_request" {
			approvals = max(approvals, rule.Parameters.Approvals)
			stale, owners = stale || rule.Parameters.Stale, owners || rule.Parameters.CodeOwners
		}
	}
	f["requiredApprovals"], f["dismissStale"], f["codeOwners"] = max(approvals, 0), stale, owners
	m.allowed(f, "forcePush", "non_fast_forward", func(c *classicAnswer) *toggle { return c.ForcePush })
	m.allowed(f, "deletion", "deletion", func(c *classicAnswer) *toggle { return c.Deletions })
	m.signatures(f)
	m.bound(f)
	return f
}

func (m *merger) enabled() bool { return m.classic != nil || len(m.rules) > 0 }

func (m *merger) has(typ string) bool {
	return slices.ContainsFunc(m.rules, func(r ruleAnswer) bool { return r.Type == typ })
}

// checks are the names of all required checks, sorted, each once.
func (m *merger) checks() []string {
	out := []string{}
	if m.classic != nil && m.classic.Checks != nil {
		out = append(out, m.classic.Checks.Contexts...)
		for _, c := range m.classic.Checks.Checks {
			out = append(out, c.Context)
		}
	}
	for _, rule := range m.rules {
		for _, c := range rule.Parameters.Checks {
			out = append(out, c.Context)
		}
		for _, w := range rule.Parameters.Workflows {
			out = append(out, w.Path)
		}
	}
	out = slices.DeleteFunc(out, func(s string) bool { return s == "" })
	slices.Sort(out)
	return slices.Compact(out)
}

// allowed says whether something is possible: it is not if a rule of type
// forbids it or branch protection does not allow it. A setting that branch
// protection does not show is not collected.
func (m *merger) allowed(f map[string]any, name, typ string, of func(*classicAnswer) *toggle) {
	switch {
	case m.has(typ):
		f[name] = false
	case m.classic == nil:
		f[name] = true
	case of(m.classic) != nil:
		f[name] = of(m.classic).Enabled
	}
}

func (m *merger) signatures(f map[string]any) {
	switch {
	case m.has("required_signatures"):
		f["signatures"] = true
	case m.classic == nil:
		f["signatures"] = false
	case m.classic.Signatures != nil:
		f["signatures"] = m.classic.Signatures.Enabled
	}
}

// bound says who may go around the rules and whether administrators may.
// Administrators are bound only if every source of rules binds them.
func (m *merger) bound(f map[string]any) {
	if !m.enabled() {
		f["adminsBound"] = false
		return
	}
	names, known, free := []string{}, true, false
	if c := m.classic; c != nil {
		if known = c.Admins != nil; known && !c.Admins.Enabled {
			names, free = append(names, "administrators"), true
		}
		names = append(names, c.bypass()...)
	}
	for _, rule := range m.rules {
		set, ok := m.rulesets[rule.Ruleset]
		known = known && ok
		for _, a := range set.bypass {
			names, free = append(names, a.name()), free || a.admins()
		}
	}
	if free || known {
		f["adminsBound"] = !free
	}
	if known {
		slices.Sort(names)
		f["bypass"] = slices.Compact(names)
	}
}

func (c *classicAnswer) bypass() (names []string) {
	if c.Reviews == nil {
		return nil
	}
	for _, u := range c.Reviews.Bypass.Users {
		names = append(names, "user "+u.Login)
	}
	for _, t := range c.Reviews.Bypass.Teams {
		names = append(names, "team "+t.Slug)
	}
	for _, a := range c.Reviews.Bypass.Apps {
		names = append(names, "app "+a.Slug)
	}
	return names
}
