package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"tieout/audit"
)

// A repo is what the reading of one repository needs of the list.
type repo struct {
	FullName      string `json:"full_name"`
	DefaultBranch string `json:"default_branch"`
}

// path is where the repository is asked.
func (p repo) path() string { return "/repos/" + p.FullName }

// repositories lists all of the organization's repositories, selected or not,
// and returns the selected ones.
func (r *run) repositories(ctx context.Context) ([]repo, error) {
	s := r.snapshot("repository", "", cannotRepository, kindRepositories)
	want, err := r.count(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []repo
	seen := map[string]bool{}
	bad, err := r.list(ctx, sheet{kind: kindRepositories, about: r.now}, r.org()+"/repos?type=all&sort=full_name&per_page=100", []*stream{s}, func(elements []json.RawMessage) (bool, error) {
		for _, e := range elements {
			var p repo
			if json.Unmarshal(e, &p) != nil || !fullName.MatchString(p.FullName) {
				continue // the page does not normalize either, which makes the stream incomplete
			}
			if !seen[p.FullName] && r.rules.selected(p.FullName) {
				out = append(out, p)
			}
			seen[p.FullName] = true
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	s.fail(bad.why)
	if want >= 0 && bad.why == "" {
		s.check("repositories listed, of those the organization counts", want, len(seen))
	}
	s.m.Items = len(out)
	return out, r.close(ctx, s)
}

// count asks how many repositories the organization has; -1 where the token
// may not be told.
func (r *run) count(ctx context.Context, s *stream) (int, error) {
	a, err := r.client.ask(ctx, "organization", r.client.at(r.org()), false)
	if err != nil {
		return -1, err
	}
	policy := r.snapshot("authPolicy", "", cannotPolicy, kindOrganization)
	s.query(a.Request)
	policy.query(a.Request)
	if err := r.seal(ctx, sheet{kind: kindOrganization, about: r.now}, []*stream{s, policy}, a); err != nil {
		return -1, err
	}
	if err := r.policy(ctx, policy, a); err != nil {
		return -1, err
	}
	if !a.ok() {
		s.fail("the organization: " + a.fault())
		return -1, nil
	}
	var o struct {
		Public  *int `json:"public_repos"`
		Private *int `json:"total_private_repos"`
	}
	switch err := json.Unmarshal(a.bytes(), &o); {
	case err != nil:
		s.fail("the organization: the answer is not understood")
	case r.stranger != "" || r.partial != "":
		s.fail(r.stranger)
		s.fail(r.partial)
	case o.Public == nil || o.Private == nil:
		s.note("how many private repositories there are is not told to this token: those it may not see are missed")
	default:
		return *o.Public + *o.Private, nil
	}
	return -1, nil
}

// policy closes the stream of the organization's sign-in policy, which owners
// are told.
func (r *run) policy(ctx context.Context, s *stream, a answer) error {
	var o policyAnswer
	switch {
	case !a.ok():
		s.fail("the organization: " + a.fault())
	case json.Unmarshal(a.bytes(), &o) != nil || o.Required == nil:
		s.fail("whether a second factor is asked of everyone is told to owners only")
	}
	return r.close(ctx, s)
}

// repository reads what is in one repository.
func (r *run) repository(ctx context.Context, p repo) error {
	queue, err := r.protection(ctx, p)
	if err != nil {
		return err
	}
	if err := r.changes(ctx, p, queue); err != nil {
		return err
	}
	if err := r.deployments(ctx, p); err != nil {
		return err
	}
	return r.findings(ctx, p)
}

// protection reads branch protection, the rules in force on the default
// branch and their rulesets. queue: the branch has a merge queue, or may.
func (r *run) protection(ctx context.Context, p repo) (queue bool, err error) {
	s := r.snapshot("protection", p.FullName, cannotProtection, kindProtection)
	if p.DefaultBranch == "" {
		s.query("GET " + p.path())
		s.note("the repository has no branch yet")
		return false, r.close(ctx, s)
	}
	branch := url.PathEscape(p.DefaultBranch)
	classic, err := r.client.ask(ctx, "protection", r.client.at(p.path()+"/branches/"+branch+"/protection"), false)
	if err != nil {
		return false, err
	}
	rules, err := r.gather(ctx, "rules", p.path()+"/rules/branches/"+branch+"?per_page=100", false)
	if err != nil {
		return false, err
	}
	sh := sheet{kind: kindRules, scope: p.FullName, about: r.now}
	if err := r.seal(ctx, sh, []*stream{s}, append([]answer{classic}, rules...)...); err != nil {
		return false, err
	}
	s.query(classic.Request)
	s.query(rules[0].Request)
	ids, queue := rulesetsOf(rules)
	answers := append([]answer{classic}, rules...)
	for _, id := range ids {
		a, err := r.client.ask(ctx, "ruleset", r.client.at(fmt.Sprintf("%s/rulesets/%d?includes_parents=true", p.path(), id)), false)
		if err != nil {
			return false, err
		}
		answers = append(answers, a)
		s.query("GET " + r.client.at(p.path()+"/rulesets/{id}"))
	}
	sh = sheet{kind: kindProtection, scope: p.FullName, about: r.now, facts: facts{Branch: p.DefaultBranch}}
	if err := r.seal(ctx, sh, []*stream{s}, answers...); err != nil {
		return false, err
	}
	judgeProtection(s, classic, rules, answers[1+len(rules):])
	return queue, r.close(ctx, s)
}

// judgeProtection says what of the answers keeps the stream from being complete.
func judgeProtection(s *stream, classic answer, rules, rulesets []answer) {
	if missingBranch(classic) {
		s.note("the default branch does not exist yet")
		return
	}
	if !classic.ok() && !unprotected(classic) {
		s.fail("branch protection: " + classic.fault())
	}
	if bad := worst(rules); bad != nil {
		s.fail("rules of the branch: " + bad.fault())
	}
	for _, a := range rulesets {
		switch {
		case a.refused():
			s.note("who may bypass a ruleset is not collected: " + a.fault())
		case !a.ok():
			s.fail("ruleset: " + a.fault())
		case ruleset(a).bypass == nil:
			s.note("who may bypass a ruleset is shown to those who may edit it")
		}
	}
}

// rulesetsOf returns the ids of the rulesets that rules come from, in order.
func rulesetsOf(answers []answer) (ids []int64, queue bool) {
	seen := map[int64]bool{}
	queue = worst(answers) != nil
	for _, a := range answers {
		list, _, _ := rulesIn(a)
		for _, rule := range list {
			queue = queue || rule.Type == "merge_queue"
			if rule.Ruleset > 0 && !seen[rule.Ruleset] {
				seen[rule.Ruleset] = true
				ids = append(ids, rule.Ruleset)
			}
		}
	}
	return ids, queue
}

// deployments reads the deployments made in the window, newest first.
func (r *run) deployments(ctx context.Context, p repo) error {
	s := r.events("deployment", p.FullName, cannotDeployment, kindDeployment)
	if r.covers.Empty() {
		s.fail(errWindow.Error())
		return r.close(ctx, s)
	}
	seen := map[int64]bool{}
	one := []*stream{s}
	sh := sheet{kind: kindDeployments, scope: p.FullName, about: r.covers}
	bad, err := r.list(ctx, sh, p.path()+"/deployments?per_page=100", one, func(elements []json.RawMessage) (bool, error) {
		for _, e := range elements {
			var d deploymentAnswer
			at, ok := d.read(e)
			if !ok {
				s.fail("a deployment without an id, a commit or an instant")
				continue
			}
			if at.Before(r.covers.From) {
				return false, nil
			}
			if !r.covers.Contains(at) || seen[d.ID] {
				continue
			}
			seen[d.ID] = true
			if err := r.deployment(ctx, p, d, e, one); err != nil {
				return false, err
			}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	s.fail(bad.why)
	s.m.Items = len(seen)
	return r.close(ctx, s)
}

// deployment reads what became of one deployment and which request its commit
// came by.
func (r *run) deployment(ctx context.Context, p repo, d deploymentAnswer, element []byte, one []*stream) error {
	s := one[0]
	statuses, err := r.gather(ctx, "statuses", fmt.Sprintf("%s/deployments/%d/statuses?per_page=100", p.path(), d.ID), false)
	if err != nil {
		return err
	}
	pulls, err := r.gather(ctx, "pulls", p.path()+"/commits/"+d.SHA+"/pulls?per_page=100", true)
	if err != nil {
		return err
	}
	s.query("GET " + p.path() + "/deployments/{id}/statuses, " + p.path() + "/commits/{sha}/pulls")
	answers := append([]answer{elementAnswer("deployment", element)}, statuses...)
	sh := sheet{kind: kindDeployment, scope: p.FullName, about: r.covers, query: statuses[0].Request, facts: facts{Branch: p.DefaultBranch}}
	if err := r.seal(ctx, sh, one, append(answers, pulls...)...); err != nil {
		return err
	}
	if bad := worst(statuses); bad != nil {
		s.fail(fmt.Sprintf("statuses of deployment %d: %s", d.ID, bad.fault()))
	}
	if bad := worst(pulls); bad != nil && !bad.refused() {
		s.fail(fmt.Sprintf("requests of deployment %d: %s", d.ID, bad.fault()))
	} else if bad != nil {
		s.note("the change a deployment carried is not collected where its commit is not to be had: " + bad.fault())
	}
	return nil
}

// elementAnswer is one element of a list that was sealed before, byte for byte.
func elementAnswer(part string, element []byte) answer {
	a := answer{Part: part, Status: 200}
	a.setBody(element)
	return a
}

var errWindow = fmt.Errorf("%w: the window ends before it starts", audit.ErrInvalid)
