package gitea

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/forge"
)

// Kinds of page. docs/sources/gitea.md describes them.
const (
	kindPeople       = "gitea.people"       // accounts of one list, and what list that is
	kindRepositories = "gitea.repositories" // one page of repositories
	kindProtection   = "gitea.protection"   // the default branch and the rules
	kindChange       = "gitea.change"       // one merged request, its reviews and statuses
	kindCommit       = "gitea.commit"       // one commit of the branch and the request that brought it
	kindList         = "gitea.list"         // one page of a list that supports others
	kindSupport      = "gitea.support"      // an answer that only supports others
)

// A reading is one page while it becomes items.
type reading struct {
	source.Reading
	*forge.Rules
	forge.Envelope
	page audit.Page
}

// normalize turns one sealed page into items. Answers that failed give none:
// their stream is closed as incomplete by who asked.
func normalize(config json.RawMessage, p audit.Page) ([]audit.Item, error) {
	rules, err := forge.ReadRules(config)
	if err != nil {
		return nil, err
	}
	r := &reading{Rules: rules, page: p}
	read, ok := map[string]func() error{kindPeople: r.people, kindProtection: r.protection, kindChange: r.change, kindCommit: r.commit}[p.Kind]
	switch {
	case slices.Contains([]string{source.KindFailed, kindList, kindSupport}, p.Kind):
		return nil, nil
	case p.Kind == kindRepositories:
		list, err := source.Elements(p.Body)
		if err != nil {
			r.Refuse(p.Query, err)
		}
		r.Each(list, r.repository)
		return r.Done()
	case !ok:
		return nil, fmt.Errorf("%w: gitea gives no page of kind %q", audit.ErrInvalid, p.Kind)
	}
	if r.Envelope, err = forge.Decode(p.Body); err != nil {
		return nil, err
	}
	r.Refuse(p.Kind, read())
	return r.Done()
}

func (r *reading) account(id int64) string { return fmt.Sprintf("%s/%d", r.System, id) }

// people adds the accounts that were not shown before, and everybody's place.
func (r *reading) people() error {
	var facts peopleFacts
	if err := source.Strict(r.Facts, &facts); err != nil {
		return err
	}
	answers, _ := r.Part("member")
	for _, a := range answers {
		var u user
		if err := json.Unmarshal(a.Bytes(), &u); err != nil || !u.known() {
			r.Refuse("member", errors.New("an account without an id or a login"))
			continue
		}
		if slices.Contains(facts.New, u.ID) {
			r.Refuse("account "+u.Login, r.person(u, facts))
		}
		r.place(u, facts)
	}
	return nil
}

func (r *reading) person(u user, facts peopleFacts) error {
	f := source.Fields{"system": r.System, "login": u.Login, "kind": "human", "admin": slices.Contains(facts.Owners, u.ID)}
	if u.Email != "" && !strings.Contains(u.Email, "@noreply.") {
		f["email"] = u.Email
	}
	if created, err := forge.Instant(u.Created); err == nil {
		f["createdAt"] = created
	}
	if facts.Told {
		if err := signsIn(f, u); err != nil {
			return err
		}
	}
	r.Add("account", r.account(u.ID), time.Time{}, f)
	return nil
}

// signsIn adds what site administrators are told. Zero instants stand for never.
func signsIn(f source.Fields, u user) error {
	switch {
	case u.Prohibit == nil || u.Active == nil:
	case *u.Prohibit:
		f["status"] = "disabled"
	case !*u.Active:
		f["status"] = "pending"
	default:
		f["status"] = "active"
	}
	if u.LastLogin == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, u.LastLogin)
	if err != nil {
		return err
	}
	if at.Year() < 1971 {
		f["lastUsedAt"] = audit.Never
		return nil
	}
	f["lastUsedAt"] = audit.Instant(at)
	return nil
}

func (r *reading) place(u user, facts peopleFacts) {
	f := source.Fields{"account": r.account(u.ID), "system": r.System}
	var id string
	switch owner := slices.Contains(facts.Owners, u.ID); {
	case facts.Team != nil:
		id = fmt.Sprintf("team-%d", facts.Team.ID)
		f["group"], f["role"] = facts.Team.Name, role(facts.Team.Permission)
		f["privileged"] = forge.Holds(r.Privileged, facts.Team.Name)
		if facts.Team.Permission == "owner" || facts.Team.Permission == "admin" {
			f["privileged"] = true
		}
	case facts.Repository == "-":
		return
	case facts.Repository != "":
		id, f["group"] = facts.Repository, facts.Repository
	default:
		id, f["group"], f["role"], f["privileged"] = "organization", r.Owner, "member", owner
		if owner {
			f["role"] = "owner"
		}
	}
	r.Add("membership", fmt.Sprintf("%s/%s/%d", r.System, id, u.ID), time.Time{}, f)
}

func role(permission string) string {
	switch permission {
	case "owner", "admin":
		return permission
	}
	return "member"
}

func (r *reading) repository(element json.RawMessage) error {
	var a struct {
		repo
		Private  *bool `json:"private"`
		Internal *bool `json:"internal"`
		Archived *bool `json:"archived"`
	}
	if err := json.Unmarshal(element, &a); err != nil {
		return err
	}
	if !forge.FullName(a.Name) {
		return fmt.Errorf("%q is not owner/name", a.Name)
	}
	if !r.Selected(a.Name) {
		return nil
	}
	f := source.Fields{"name": a.Name, "host": r.Host, "production": forge.Holds(r.Production, a.Name)}
	if a.Private != nil {
		f["visibility"] = visibility(*a.Private, a.Internal != nil && *a.Internal)
	}
	if a.Archived != nil {
		f["archived"] = *a.Archived
	}
	switch {
	case a.Empty:
		f["defaultBranch"] = ""
	case a.Branch != "":
		f["defaultBranch"] = a.Branch
	}
	r.Add("repository", a.Name, time.Time{}, f)
	return nil
}

func visibility(private, internal bool) string {
	switch {
	case private:
		return "private"
	case internal:
		return "internal"
	}
	return "public"
}

// branch is the branch that the page's facts name.
func (r *reading) branch() (string, error) {
	var facts branchFacts
	if err := source.Strict(r.Facts, &facts); err != nil {
		return "", err
	}
	if !forge.FullName(r.page.Scope) || !forge.Branch(facts.Branch) {
		return "", errors.New("the page does not say which repository and branch it is of")
	}
	return facts.Branch, nil
}

// ruleAnswer is one rule of protected branches.
type ruleAnswer struct {
	Name        string   `json:"rule_name"`
	Push        bool     `json:"enable_push"`
	PushList    bool     `json:"enable_push_whitelist"`
	PushUsers   []string `json:"push_whitelist_usernames"`
	PushTeams   []string `json:"push_whitelist_teams"`
	PushKeys    bool     `json:"push_whitelist_deploy_keys"`
	Force       *bool    `json:"enable_force_push"`
	Check       bool     `json:"enable_status_check"`
	Contexts    []string `json:"status_check_contexts"`
	Approvals   *int     `json:"required_approvals"`
	Dismiss     *bool    `json:"dismiss_stale_approvals"`
	Ignore      bool     `json:"ignore_stale_approvals"`
	Signed      *bool    `json:"require_signed_commits"`
	AdminsBound *bool    `json:"block_admin_merge_override"`
}

func (r *reading) protection() error {
	branch, err := r.branch()
	if err != nil {
		return err
	}
	var b struct {
		Protected *bool  `json:"protected"`
		Rule      string `json:"effective_branch_protection_name"`
	}
	whole, err := r.One("branch", &b)
	if err != nil || !whole || b.Protected == nil {
		return err
	}
	f := source.Fields{"repository": r.page.Scope, "branch": branch, "enabled": *b.Protected,
		"deletion": false} // a default branch cannot be deleted
	if !*b.Protected {
		f["forcePush"], f["adminsBound"], f["bypass"] = true, false, []string{}
		f["requiredApprovals"], f["dismissStale"], f["requiredChecks"], f["signatures"] = 0, false, []string{}, false
		r.Add("protection", r.page.Scope+":"+branch, time.Time{}, f)
		return nil
	}
	rules, whole, err := forge.All[ruleAnswer](r.Envelope, "rules")
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(rules, func(a ruleAnswer) bool { return a.Name == b.Rule }); whole && i >= 0 {
		rules[i].fields(f)
	} else if whole {
		return fmt.Errorf("the rule %q in force on %s is not among the rules", b.Rule, branch)
	}
	r.Add("protection", r.page.Scope+":"+branch, time.Time{}, f)
	return nil
}

func (a ruleAnswer) fields(f source.Fields) {
	checks := []string{}
	if a.Check {
		checks = append(checks, a.Contexts...)
		slices.Sort(checks)
	}
	f["requiredChecks"] = slices.Compact(checks)
	if a.Approvals != nil {
		f["requiredApprovals"] = *a.Approvals
	}
	if a.Dismiss != nil {
		f["dismissStale"] = *a.Dismiss || a.Ignore
	}
	for name, v := range map[string]*bool{"forcePush": a.Force, "signatures": a.Signed} {
		if v != nil {
			f[name] = *v
		}
	}
	f["bypass"] = a.bypass()
	switch {
	case a.Push && !a.PushList:
		f["adminsBound"] = false
	case a.AdminsBound != nil:
		f["adminsBound"] = *a.AdminsBound
	}
}

// bypass is who may push without a request.
func (a ruleAnswer) bypass() []string {
	out := []string{}
	switch {
	case !a.Push:
		return out
	case !a.PushList:
		return []string{"everybody who may write"}
	}
	for _, u := range a.PushUsers {
		out = append(out, "user "+u)
	}
	for _, t := range a.PushTeams {
		out = append(out, "team "+t)
	}
	if a.PushKeys {
		out = append(out, "deploy keys")
	}
	slices.Sort(out)
	return slices.Compact(out)
}
