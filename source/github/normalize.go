package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// A reading is one page while it becomes items.
type reading struct {
	rules
	envelope
	repository string
	about      audit.Span
	items      []audit.Item
	bad        source.BadRows
}

// normalize turns one sealed page into items. Answers that failed give none:
// their stream is closed as incomplete by who asked.
func normalize(config json.RawMessage, p audit.Page) ([]audit.Item, error) {
	r, err := readRules(config)
	if err != nil {
		return nil, err
	}
	e, err := decodeEnvelope(p.Body)
	if err != nil {
		return nil, err
	}
	rd := &reading{rules: r, envelope: e, repository: p.Scope, about: p.About}
	read, ok := map[string]func(){
		kindFactor: nil, kindTeams: nil, kindRules: nil, kindNumbers: nil,
		kindPulls: nil, kindCommits: nil, kindDeployments: nil, kindAudit: nil,
		kindOrganization:  rd.policy,
		kindMembers:       func() { rd.list(rd.member) },
		kindCollaborators: func() { rd.list(rd.collaborator) },
		kindTeam:          func() { rd.list(rd.teamMember) },
		kindRepositories:  func() { rd.list(rd.repo) },
		kindProtection:    rd.protection,
		kindChange:        rd.change,
		kindCommit:        rd.commit,
		kindDeployment:    rd.deployment,

		kindDependabot:     func() { rd.list(rd.alertOf(p.Kind)) },
		kindCodeScanning:   func() { rd.list(rd.alertOf(p.Kind)) },
		kindSecretScanning: func() { rd.list(rd.alertOf(p.Kind)) },
	}[p.Kind]
	if !ok {
		return nil, fmt.Errorf("%w: github gives no page of kind %q", audit.ErrInvalid, p.Kind)
	}
	if read == nil {
		return nil, nil
	}
	if _, _, scanner := cutScanner(p.Scope); p.Scope != "" && !scanner && !fullName.MatchString(p.Scope) {
		return nil, fmt.Errorf("%w: scope %q is not owner/name", audit.ErrInvalid, p.Scope)
	}
	read()
	if len(rd.bad) > 0 {
		return rd.items, rd.bad
	}
	return rd.items, nil
}

// list reads every element of every answer that came whole.
func (r *reading) list(each func(element []byte) error) {
	for _, a := range r.Answers {
		if !a.ok() {
			continue
		}
		elements, err := elementsOf(a)
		if err != nil {
			r.refuse(a.Request, err)
			continue
		}
		for i, e := range elements {
			if err := each(e); err != nil {
				r.refuse("element "+strconv.Itoa(i+1), err)
			}
		}
	}
}

func (r *reading) refuse(where string, err error) {
	r.bad = append(r.bad, source.BadRow{Where: where, Why: err.Error()})
}

// add makes the item of fields f.
func (r *reading) add(typ, id string, at time.Time, f map[string]any) error {
	b, err := canonical.Marshal(f)
	if err != nil {
		return err
	}
	r.items = append(r.items, audit.Item{Type: typ, ID: id, At: at, Body: b})
	return nil
}

// A user is an account as answers name it. Deleted ones are null, or the
// account called ghost that stands for all of them.
type user struct {
	Login string `json:"login"`
	ID    int64  `json:"id"`
	Type  string `json:"type"`
}

const ghost = 10137 // id of the account that stands for deleted ones

// known: u is one account that can be told from others.
func (u *user) known() bool { return u != nil && u.Login != "" && u.ID > 0 && u.ID != ghost }

func (u *user) program() bool { return u != nil && u.Type == "Bot" }

func (u *user) same(o *user) bool {
	return u != nil && o != nil && (u.ID == o.ID || strings.EqualFold(u.Login, o.Login))
}

func readUser(element []byte) (*user, error) {
	var u user
	if err := json.Unmarshal(element, &u); err != nil {
		return nil, err
	}
	if u.Login == "" || u.ID <= 0 {
		return nil, errors.New("an account without a login or an id")
	}
	return &u, nil
}

// account adds the account of u. Its kind is left out where the host names one
// that is neither a person's nor a program's.
func (r *reading) account(u *user, admin bool) error {
	f := map[string]any{"system": r.System, "login": u.Login, "admin": admin, "status": "active"}
	switch u.Type {
	case "User":
		f["kind"] = "human"
	case "Bot":
		f["kind"] = "service"
	}
	without := slices.Contains(r.Facts.WithoutFactor, u.ID)
	if without || r.Facts.FactorKnown {
		f["mfa"] = map[string]any{"enrolled": !without, "enforced": !without}
	}
	return r.add("account", r.accountID(u), time.Time{}, f)
}

func (r *reading) accountID(u *user) string { return fmt.Sprintf("%s/%d", r.System, u.ID) }

func (r *reading) place(u *user, group, id, role string, privileged, known bool) error {
	f := map[string]any{"account": r.accountID(u), "system": r.System, "group": group, "role": role}
	if known {
		f["privileged"] = privileged
	}
	if at, ok := r.granted(u); ok {
		f["grantedAt"] = audit.FormatTime(at)
	}
	return r.add("membership", fmt.Sprintf("%s/%s/%d", r.System, id, u.ID), time.Time{}, f)
}

// policyAnswer is what the organization says of how its people sign in.
type policyAnswer struct {
	Required *bool `json:"two_factor_requirement_enabled"`
}

// policy adds the organization's sign-in policy, which is always in force: it
// asks everyone for a second factor, or nobody.
func (r *reading) policy() {
	answers, whole := r.part("organization")
	var a policyAnswer
	if !whole || len(answers) != 1 {
		return // it is of something else, or failed
	}
	if err := json.Unmarshal(answers[0].bytes(), &a); err != nil {
		r.refuse("organization", err)
		return
	}
	if a.Required == nil {
		return
	}
	f := map[string]any{"system": r.System, "name": "sign-in to " + r.Organization, "kind": "sign-in", "enabled": true, "everyone": true, "mfaRequired": *a.Required, "exceptions": []string{}}
	r.refuseError("organization", r.add("authPolicy", r.System+"/organization", time.Time{}, f))
}

func (r *reading) refuseError(where string, err error) {
	if err != nil {
		r.refuse(where, err)
	}
}

func (r *reading) member(element []byte) error {
	u, err := readUser(element)
	if err != nil {
		return err
	}
	owner := r.Facts.Role == "admin"
	if !owner && r.Facts.Role != "member" {
		return fmt.Errorf("role %q is not one of the organization", r.Facts.Role)
	}
	if err := r.account(u, owner); err != nil {
		return err
	}
	role := "member"
	if owner {
		role = "owner"
	}
	return r.place(u, r.Organization, "organization", role, owner, true)
}

func (r *reading) collaborator(element []byte) error {
	u, err := readUser(element)
	if err != nil {
		return err
	}
	if err := r.account(u, false); err != nil {
		return err
	}
	return r.place(u, "outside collaborators", "outside", "member", false, false)
}

func (r *reading) teamMember(element []byte) error {
	u, err := readUser(element)
	if err != nil {
		return err
	}
	t := r.Facts.Team
	if t == nil || t.ID <= 0 || t.Slug == "" || r.Facts.Role != "maintainer" && r.Facts.Role != "member" {
		return errors.New("the page does not say which team and role it lists")
	}
	known := r.Privileged != nil
	return r.place(u, t.Slug, fmt.Sprintf("team-%d", t.ID), r.Facts.Role, known && matches(*r.Privileged, t.Slug), known)
}

// A security is one setting of security_and_analysis.
type security struct {
	Status string `json:"status"`
}

func (s *security) is(status string) bool { return s != nil && s.Status == status }

// repositoryAnswer is one element of the list of repositories.
type repositoryAnswer struct {
	FullName      string  `json:"full_name"`
	Visibility    string  `json:"visibility"`
	Private       *bool   `json:"private"`
	Archived      *bool   `json:"archived"`
	DefaultBranch *string `json:"default_branch"`
	Security      *struct {
		Advanced *security `json:"advanced_security"`
		Code     *security `json:"code_security"`
		Secrets  *security `json:"secret_scanning"`
		Updates  *security `json:"dependabot_security_updates"`
	} `json:"security_and_analysis"`
}

func (r *reading) repo(element []byte) error {
	var a repositoryAnswer
	if err := json.Unmarshal(element, &a); err != nil {
		return err
	}
	if !fullName.MatchString(a.FullName) {
		return fmt.Errorf("%q is not owner/name", a.FullName)
	}
	if !r.selected(a.FullName) {
		return nil
	}
	f := map[string]any{"name": a.FullName, "host": r.Host}
	visibility := a.visible()
	if visibility != "" {
		f["visibility"] = visibility
	}
	if a.Archived != nil {
		f["archived"] = *a.Archived
	}
	if a.DefaultBranch != nil {
		f["defaultBranch"] = *a.DefaultBranch
	}
	if r.Production != nil {
		f["production"] = matches(*r.Production, a.FullName)
	}
	a.scanning(f, visibility)
	return r.add("repository", a.FullName, time.Time{}, f)
}

func (a *repositoryAnswer) visible() string {
	switch {
	case slices.Contains([]string{"public", "internal", "private"}, a.Visibility):
		return a.Visibility
	case a.Visibility != "" || a.Private == nil:
		return ""
	case *a.Private:
		return "private"
	}
	return "public"
}

// scanning says of security settings only what they prove: what is switched
// off does not run; code security that is switched on need not scan.
func (a *repositoryAnswer) scanning(f map[string]any, visibility string) {
	s := a.Security
	if s == nil {
		return
	}
	if s.Secrets.is("enabled") || s.Secrets.is("disabled") {
		f["secretScanning"] = s.Secrets.is("enabled")
	}
	off := s.Code.is("disabled") || s.Code == nil && s.Advanced.is("disabled")
	if off && (visibility == "private" || visibility == "internal") {
		f["codeScanning"] = false
	}
	if s.Updates.is("enabled") {
		f["dependencyAlerts"] = true
	}
}

// instant reads an instant of GitHub's, to the microsecond and in UTC.
func instant(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1971 || t.Year() > 9998 {
		return time.Time{}, fmt.Errorf("%q is not an instant", s)
	}
	return audit.Instant(t), nil
}

func isHash(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// branchOK reports whether a branch's name can stand in an id.
func branchOK(s string) bool {
	return s != "" && len(s) <= 512 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
