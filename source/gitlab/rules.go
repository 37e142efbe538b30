package gitlab

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/source"
	"tieout/source/forge"
)

// protectedBranch is one rule on branches, by name or with wildcards.
type protectedBranch struct {
	Name       string  `json:"name"`
	Push       []level `json:"push_access_levels"`
	Force      *bool   `json:"allow_force_push"`
	CodeOwners *bool   `json:"code_owner_approval_required"`
}

// A level is who may do something on a protected branch.
type level struct {
	Level *int   `json:"access_level"`
	User  *int64 `json:"user_id"`
	Group *int64 `json:"group_id"`
	Key   *int64 `json:"deploy_key_id"`
}

// name is how people read l; "" for nobody.
func (l level) name() string {
	switch {
	case l.User != nil:
		return fmt.Sprintf("user %d", *l.User)
	case l.Group != nil:
		return fmt.Sprintf("group %d", *l.Group)
	case l.Key != nil:
		return fmt.Sprintf("deploy key %d", *l.Key)
	case l.Level == nil || *l.Level == 0:
		return ""
	}
	if s := map[int]string{30: "developers and maintainers", 40: "maintainers", 50: "owners", 60: "administrators"}[*l.Level]; s != "" {
		return s
	}
	return fmt.Sprintf("access level %d", *l.Level)
}

// applies reports whether the rule is on branch: * stands for anything.
func (b protectedBranch) applies(branch string) bool {
	parts := strings.Split(b.Name, "*")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	ok, err := regexp.MatchString(`^(?s:`+strings.Join(parts, ".*")+`)$`, branch)
	return ok && err == nil
}

type projectRules struct {
	Pipeline *bool `json:"only_allow_merge_if_pipeline_succeeds"`
	Outside  *bool `json:"only_allow_merge_if_all_status_checks_passed"`
}

func (r *reading) protection() error {
	branch, err := r.branch()
	if err != nil {
		return err
	}
	all, whole, err := forge.All[protectedBranch](r.Envelope, "branches")
	if err != nil || !whole {
		return err
	}
	rules := slices.DeleteFunc(all, func(b protectedBranch) bool { return !b.applies(branch) })
	f := source.Fields{"repository": r.page.Scope, "branch": branch, "enabled": len(rules) > 0,
		"deletion": false} // GitLab never lets a default branch be deleted
	pushing(f, rules)
	if err := r.approvalRules(f, branch); err != nil {
		return err
	}
	if err := r.required(f); err != nil {
		return err
	}
	var push *struct {
		Signed *bool `json:"reject_unsigned_commits"`
	}
	if whole, err := r.One("push", &push); err != nil {
		return err
	} else if whole {
		f["signatures"] = push != nil && push.Signed != nil && *push.Signed
	}
	r.Add("protection", r.page.Scope+":"+branch, time.Time{}, f)
	return nil
}

// pushing adds who may go around a request, and what they may do. Of several
// rules the most open one counts for pushing, the strictest for code owners, as
// GitLab has it.
func pushing(f source.Fields, rules []protectedBranch) {
	if len(rules) == 0 {
		f["forcePush"], f["adminsBound"], f["bypass"], f["codeOwners"] = true, false, []string{}, false
		return
	}
	force, owners, told := false, false, true
	bypass, free, named := []string{}, false, false
	for _, b := range rules {
		force = force || b.Force != nil && *b.Force
		owners = owners || b.CodeOwners != nil && *b.CodeOwners
		told = told && b.CodeOwners != nil
		for _, l := range b.Push {
			if n := l.name(); n != "" {
				bypass = append(bypass, n)
				free = free || l.User == nil && l.Group == nil && l.Key == nil
				named = named || l.User != nil || l.Group != nil
			}
		}
	}
	slices.Sort(bypass)
	f["forcePush"], f["bypass"] = force, slices.Compact(bypass)
	if free || !named {
		f["adminsBound"] = !free
	}
	if owners || told {
		f["codeOwners"] = owners
	}
}

type approvalRule struct {
	Kind     string `json:"rule_type"`
	Needed   int    `json:"approvals_required"`
	Every    bool   `json:"applies_to_all_protected_branches"`
	Branches []struct {
		Name string `json:"name"`
	} `json:"protected_branches"`
}

func (a approvalRule) applies(branch string) bool {
	if a.Kind == "report_approver" { // only where a scanner reported something
		return false
	}
	return a.Every || len(a.Branches) == 0 || slices.ContainsFunc(a.Branches, func(b struct {
		Name string `json:"name"`
	}) bool {
		return protectedBranch{Name: b.Name}.applies(branch)
	})
}

// approvalRules adds how many must approve: each rule has to be met, one person
// may meet several, so the highest number counts.
func (r *reading) approvalRules(f source.Fields, branch string) error {
	rules, whole, err := forge.All[approvalRule](r.Envelope, "rules")
	if err != nil {
		return err
	}
	needed := 0
	for _, a := range rules {
		if a.applies(branch) {
			needed = max(needed, a.Needed)
		}
	}
	if whole {
		f["requiredApprovals"] = needed
	}
	var settings struct {
		Reset *bool `json:"reset_approvals_on_push"`
	}
	told, err := r.One("approvals", &settings)
	if told && settings.Reset != nil {
		f["dismissStale"] = *settings.Reset
	}
	return err
}

// required adds the checks without which there is no merge.
func (r *reading) required(f source.Fields) error {
	var p projectRules
	if whole, err := r.One("project", &p); err != nil || !whole {
		return err
	}
	if p.Pipeline == nil {
		return nil
	}
	checks := []string{}
	if *p.Pipeline {
		checks = append(checks, "pipeline")
	}
	if p.Outside != nil && *p.Outside {
		list, whole, err := forge.All[struct {
			Name string `json:"name"`
		}](r.Envelope, "outside")
		if err != nil || !whole {
			return err
		}
		for _, c := range list {
			checks = append(checks, c.Name)
		}
	}
	slices.Sort(checks)
	f["requiredChecks"] = checks
	return nil
}
