package gitlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/forge"
)

// Kinds of page. docs/sources/gitlab.md describes them.
const (
	kindMembers     = "gitlab.members"     // one page of members of a group or project
	kindAccounts    = "gitlab.accounts"    // accounts of one such page that were not shown before
	kindGroup       = "gitlab.group"       // the group itself
	kindProject     = "gitlab.project"     // one project and the jobs of its last pipeline
	kindProjects    = "gitlab.projects"    // one page of projects
	kindProtection  = "gitlab.protection"  // all rules of one project's default branch
	kindChange      = "gitlab.change"      // one merged request, its approvals and checks
	kindCommit      = "gitlab.commit"      // one commit of the branch and the requests that hold it
	kindDeployment  = "gitlab.deployment"  // one deployment and the requests of its commit
	kindFindings    = "gitlab.findings"    // one page of weaknesses
	kindGroups      = "gitlab.groups"      // one page of groups below
	kindUsers       = "gitlab.users"       // one page of users with their second factor
	kindAudit       = "gitlab.audit"       // one page of the group's audit events
	kindRequests    = "gitlab.requests"    // one page of merged requests
	kindCommits     = "gitlab.commits"     // one page of commits
	kindDeployments = "gitlab.deployments" // one page of deployments
	kindSupport     = "gitlab.support"     // an answer that only supports others
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
	switch p.Kind {
	case source.KindFailed, kindGroups, kindUsers, kindAudit, kindProjects, kindRequests, kindCommits, kindDeployments, kindSupport:
		return nil, nil
	case kindMembers:
		return r.list(r.member)
	case kindGroup:
		r.Refuse("group", r.policy())
		return r.Done()
	case kindFindings:
		return r.list(r.finding)
	}
	read, ok := map[string]func() error{
		kindAccounts: r.accounts, kindProject: r.project, kindProtection: r.protection, kindChange: r.change, kindCommit: r.commit, kindDeployment: r.deployment,
	}[p.Kind]
	if !ok {
		return nil, fmt.Errorf("%w: gitlab gives no page of kind %q", audit.ErrInvalid, p.Kind)
	}
	if r.Envelope, err = forge.Decode(p.Body); err != nil {
		return nil, err
	}
	r.Refuse(p.Kind, read())
	return r.Done()
}

func (r *reading) list(read func(element json.RawMessage) error) ([]audit.Item, error) {
	list, err := source.Elements(r.page.Body)
	if err != nil {
		r.Refuse(r.page.Query, err)
	}
	r.Each(list, read)
	return r.Done()
}

func (r *reading) account(id int64) string { return fmt.Sprintf("%s/%d", r.System, id) }

// GitLab names the accounts of its own access tokens so.
var botName = regexp.MustCompile(`^(?:(?:project|group)_\d+_bot(?:_.*|\d*)|service_account_.*|GitLab-Security-Bot|gitlab-bot|ghost|support-bot|alert-bot)$`)

func readMember(element []byte) (m member, err error) {
	if err := json.Unmarshal(element, &m); err != nil {
		return m, err
	}
	if m.ID <= 0 || m.Name == "" {
		return m, errors.New("a member without an id or a login")
	}
	return m, nil
}

// states of an account. Whoever was deactivated for disuse can sign in again.
var states = map[string]string{
	"active": "active", "deactivated": "active", "blocked": "disabled", "ldap_blocked": "disabled", "banned": "disabled", "blocked_pending_approval": "pending",
}

func (r *reading) accounts() error {
	var facts accountFacts
	if err := source.Strict(r.Facts, &facts); err != nil {
		return err
	}
	answers, _ := r.Part("member")
	for _, a := range answers {
		m, err := readMember(a.Bytes())
		if err != nil {
			r.Refuse("member", err)
			continue
		}
		f := source.Fields{"system": r.System, "login": m.Name, "status": states[m.State], "kind": "human", "admin": slices.Contains(facts.Owners, m.ID)}
		if botName.MatchString(m.Name) {
			f["kind"] = "service"
		}
		if on, known := facts.factor(m); known {
			f["mfa.enrolled"], f["mfa.enforced"] = on, on
		}
		r.Add("account", r.account(m.ID), time.Time{}, f)
	}
	return nil
}

// roles by access level: GitLab's own levels in the words of the schema.
var roles = map[int]string{5: "member", 10: "member", 15: "member", 20: "member", 25: "member", 30: "member", 40: "maintainer", 50: "owner", 60: "admin"}

var listOf = regexp.MustCompile(`/(groups|projects)/([^/?]+)/members`)

func (r *reading) member(element json.RawMessage) error {
	m, err := readMember(element)
	if err != nil {
		return err
	}
	at := listOf.FindStringSubmatch(r.page.Query)
	if at == nil {
		return errors.New("the page does not say whose members it lists")
	}
	group, id := r.page.Scope, at[1][:len(at[1])-1]+"-"+at[2]
	if group == "" {
		group, id = r.Owner, "group"
	}
	since, err := forge.Maybe(&m.Since)
	if err != nil {
		return err
	}
	f := source.Fields{"account": r.account(m.ID), "system": r.System, "group": group, "role": roles[m.Level], "grantedAt": since}
	switch {
	case m.Level >= ownerLevel:
		f["privileged"] = true
	case r.Privileged != nil:
		f["privileged"] = forge.Matches(*r.Privileged, group)
	}
	r.Add("membership", fmt.Sprintf("%s/%s/%d", r.System, id, m.ID), time.Time{}, f)
	return nil
}

// policy adds the group's sign-in policy, which is always in force. Groups below
// may set their own rules, so that for whom it is in force is not said.
func (r *reading) policy() error {
	var g policyAnswer
	if err := json.Unmarshal(r.page.Body, &g); err != nil {
		return err
	}
	if g.Required != nil {
		r.Add("authPolicy", r.System+"/group", time.Time{}, source.Fields{"system": r.System, "name": "sign-in to " + r.Owner, "kind": "sign-in", "enabled": true, "mfaRequired": *g.Required})
	}
	return nil
}

// projectAnswer is one project.
type projectAnswer struct {
	Path       string  `json:"path_with_namespace"`
	Visibility string  `json:"visibility"`
	Archived   *bool   `json:"archived"`
	Branch     *string `json:"default_branch"`
	Empty      bool    `json:"empty_repo"`
	Push       *bool   `json:"secret_push_protection_enabled"`
	OldPush    *bool   `json:"pre_receive_secret_detection_enabled"`
}

func (r *reading) project() error {
	var a projectAnswer
	if whole, err := r.One("project", &a); err != nil || !whole {
		return errors.Join(err, missing(whole, "one project"))
	}
	if !forge.FullName(a.Path) {
		return fmt.Errorf("%q is not the path of a project", a.Path)
	}
	f := source.Fields{"name": a.Path, "host": r.Host, "production": forge.Holds(r.Production, a.Path)}
	if slices.Contains([]string{"public", "internal", "private"}, a.Visibility) {
		f["visibility"] = a.Visibility
	}
	if a.Archived != nil {
		f["archived"] = *a.Archived
	}
	switch {
	case a.Branch != nil && *a.Branch != "":
		f["defaultBranch"] = *a.Branch
	case a.Empty:
		f["defaultBranch"] = ""
	}
	if a.Push != nil && *a.Push || a.OldPush != nil && *a.OldPush {
		f["secretScanning"] = true
	}
	err := r.scanned(f)
	r.Add("repository", a.Path, time.Time{}, f)
	return err
}

// reports are the kinds of report that show that a scanner ran.
var reports = map[string]string{"sast": "codeScanning", "secret_detection": "secretScanning", "dependency_scanning": "dependencyAlerts"}

// scanned adds which scanners left a report in the last pipeline.
func (r *reading) scanned(f source.Fields) error {
	jobs, _, err := forge.All[struct {
		Artifacts []struct {
			Kind string `json:"file_type"`
		} `json:"artifacts"`
	}](r.Envelope, "jobs")
	for _, j := range jobs {
		for _, a := range j.Artifacts {
			if name := reports[a.Kind]; name != "" {
				f[name] = true
			}
		}
	}
	return err
}

// findingAnswer is one weakness.
type findingAnswer struct {
	ID        int64   `json:"id"`
	State     string  `json:"state"`
	Severity  string  `json:"severity"`
	Kind      string  `json:"report_type"`
	Created   string  `json:"created_at"`
	Resolved  *string `json:"resolved_at"`
	Dismisser *int64  `json:"dismissed_by_id"`
	Reason    *string `json:"dismissal_reason"`
	Finding   struct {
		Raw json.RawMessage `json:"raw_metadata"`
	} `json:"finding"`
}

// metadata is what the scanner itself wrote, where the answer has it.
type metadata struct {
	Identifiers []struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"identifiers"`
	Scanner struct {
		Name string `json:"name"`
	} `json:"scanner"`
	Location struct {
		Dependency struct {
			Package struct {
				Name string `json:"name"`
			} `json:"package"`
		} `json:"dependency"`
	} `json:"location"`
	Solution string `json:"solution"`
}

func (f *findingAnswer) metadata() (m metadata) {
	var text string
	if json.Unmarshal(f.Finding.Raw, &text) == nil {
		if json.Unmarshal([]byte(text), &m) != nil {
			return metadata{}
		}
	}
	return m
}

var (
	severities   = map[string]string{"critical": "critical", "high": "high", "medium": "medium", "low": "low", "info": "none"}
	findingKinds = map[string]string{"sast": "code", "dast": "code", "coverage_fuzzing": "code", "api_fuzzing": "code", "dependency_scanning": "package",
		"container_scanning": "package", "cluster_image_scanning": "package", "secret_detection": "secret"}
)

func (r *reading) finding(element json.RawMessage) error {
	var a findingAnswer
	if err := json.Unmarshal(element, &a); err != nil {
		return err
	}
	if a.ID <= 0 || !forge.FullName(r.page.Scope) {
		return errors.New("a weakness without an id or a project")
	}
	found, err := forge.Instant(a.Created)
	if err != nil {
		return err
	}
	m := a.metadata()
	f := source.Fields{"asset": r.page.Scope, "foundAt": found, "severity": severities[a.Severity], "kind": findingKinds[a.Kind], "scanner": m.Scanner.Name,
		"advisory": m.advisory()}
	if p := m.Location.Dependency.Package.Name; p != "" {
		f["package"] = p
	} else if k := findingKinds[a.Kind]; k == "code" || k == "secret" {
		f["package"] = ""
	}
	if m.Solution != "" {
		f["fixAvailable"] = true
	}
	if err := a.stands(f, r); err != nil {
		return err
	}
	r.Add("vulnerability", fmt.Sprintf("%s/vulnerability-%d", r.System, a.ID), time.Time{}, f)
	return nil
}

// advisory is the CVE the scanner names, else the first id it gives.
func (m metadata) advisory() any {
	var first any
	for _, i := range m.Identifiers {
		if i.Type == "cve" && i.Value != "" {
			return i.Value
		}
		if first == nil && i.Value != "" {
			first = i.Value
		}
	}
	return first
}

// stands adds where the weakness stands. Why one was dismissed is told by newer
// versions only: without it the status is not concluded.
func (f *findingAnswer) stands(to source.Fields, r *reading) error {
	switch f.State {
	case "detected", "confirmed":
		to["status"], to["fixedAt"], to["acceptedBy"], to["acceptedUntil"] = "open", audit.Never, "", audit.Never
	case "resolved":
		at, err := forge.Maybe(f.Resolved)
		if err != nil {
			return err
		}
		to["status"], to["fixedAt"] = "fixed", at
	case "dismissed":
		to["fixedAt"] = audit.Never
		if f.Dismisser != nil {
			to["acceptedBy"] = r.account(*f.Dismisser)
		}
		if f.Reason != nil {
			reasons := map[string]string{"acceptable_risk": "accepted", "mitigating_control": "accepted", "false_positive": "false positive", "used_in_tests": "false positive", "not_applicable": "false positive"}
			to["status"] = reasons[*f.Reason]
		}
	}
	return nil
}
