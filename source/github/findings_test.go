package github

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
)

const (
	dependabotPath = "/repos/acme/api/dependabot/alerts?per_page=100"
	codePath       = "/repos/acme/api/code-scanning/alerts?per_page=100"
	secretsPath    = "/repos/acme/api/secret-scanning/alerts?hide_secret=true&per_page=100"
)

// alerts answers what the three scanners say of api.
func (r *replay) alerts() {
	advisory := obj{"ghsa_id": "GHSA-1", "cve_id": "CVE-2026-1", "severity": "high"}
	dependency := obj{"package": obj{"ecosystem": "npm", "name": "left-pad"}}
	r.pages(dependabotPath,
		arr{obj{"number": 1, "state": "open", "created_at": at(2, "08:00"), "dependency": dependency, "security_advisory": advisory, "security_vulnerability": obj{"first_patched_version": obj{"identifier": "2"}}},
			obj{"number": 2, "state": "fixed", "created_at": at(2, "08:00"), "fixed_at": at(9, "08:00"), "dependency": dependency, "security_advisory": obj{"ghsa_id": "GHSA-2", "cve_id": nil, "severity": "critical"}, "security_vulnerability": obj{"first_patched_version": nil}}},
		arr{obj{"number": 3, "state": "dismissed", "created_at": at(2, "08:00"), "dismissed_at": at(3, "08:00"), "dismissed_by": person("ana"), "dismissed_reason": "tolerable_risk", "security_advisory": advisory},
			obj{"number": 4, "state": "dismissed", "created_at": at(2, "08:00"), "dismissed_by": person("ana"), "dismissed_reason": "fix_started", "security_advisory": advisory},
			obj{"number": 5, "state": "dismissed", "created_at": at(2, "08:00"), "dismissed_by": person("ana"), "dismissed_reason": "something new", "security_advisory": advisory},
			obj{"number": 6, "state": "auto_dismissed", "created_at": at(2, "08:00"), "security_advisory": advisory}})
	r.ok(codePath, arr{
		obj{"number": 1, "state": "open", "created_at": at(4, "08:00"), "rule": obj{"id": "js/sql-injection", "severity": "error", "security_severity_level": "critical"}, "tool": obj{"name": "CodeQL"}},
		obj{"number": 2, "state": "dismissed", "created_at": at(4, "08:00"), "dismissed_reason": "false positive", "dismissed_by": nil, "rule": obj{"id": "js/style", "severity": "note", "security_severity_level": nil}, "tool": obj{"name": "CodeQL"}}})
	r.ok(secretsPath, arr{
		obj{"number": 1, "state": "resolved", "created_at": at(5, "08:00"), "resolution": "revoked", "resolved_at": at(6, "08:00"), "resolved_by": person("ana"), "secret_type": "github_token", "secret": nil},
		obj{"number": 2, "state": "resolved", "created_at": at(5, "08:00"), "resolution": "pattern_deleted", "resolved_at": at(6, "08:00"), "resolved_by": person("ana"), "secret_type": "own"}})
}

// TestFindings holds what alerts become.
func TestFindings(t *testing.T) {
	r := newReplay(t)
	goodOrg(r)
	r.alerts()
	rec, _ := r.collect(r.with(""), window())
	for id, want := range map[string]string{
		"acme/api/dependabot-1":      `{"acceptedBy":"","acceptedUntil":"never","advisory":"CVE-2026-1","asset":"acme/api","fixAvailable":true,"fixedAt":"never","foundAt":"2026-03-02T08:00:00Z","kind":"package","package":"left-pad","scanner":"Dependabot","severity":"high","status":"open"}`,
		"acme/api/dependabot-2":      `{"advisory":"GHSA-2","asset":"acme/api","fixAvailable":false,"fixedAt":"2026-03-09T08:00:00Z","foundAt":"2026-03-02T08:00:00Z","kind":"package","package":"left-pad","scanner":"Dependabot","severity":"critical","status":"fixed"}`,
		"acme/api/dependabot-3":      `{"acceptedBy":"hub/11","advisory":"CVE-2026-1","asset":"acme/api","fixedAt":"never","foundAt":"2026-03-02T08:00:00Z","kind":"package","scanner":"Dependabot","severity":"high","status":"accepted"}`,
		"acme/api/dependabot-4":      `{"acceptedBy":"","acceptedUntil":"never","advisory":"CVE-2026-1","asset":"acme/api","fixedAt":"never","foundAt":"2026-03-02T08:00:00Z","kind":"package","scanner":"Dependabot","severity":"high","status":"open"}`,
		"acme/api/dependabot-5":      `{"advisory":"CVE-2026-1","asset":"acme/api","foundAt":"2026-03-02T08:00:00Z","kind":"package","scanner":"Dependabot","severity":"high"}`,
		"acme/api/dependabot-6":      `{"advisory":"CVE-2026-1","asset":"acme/api","fixedAt":"never","foundAt":"2026-03-02T08:00:00Z","kind":"package","scanner":"Dependabot","severity":"high","status":"accepted"}`,
		"acme/api/code-scanning-1":   `{"acceptedBy":"","acceptedUntil":"never","advisory":"js/sql-injection","asset":"acme/api","fixedAt":"never","foundAt":"2026-03-04T08:00:00Z","kind":"code","package":"","scanner":"CodeQL","severity":"critical","status":"open"}`,
		"acme/api/code-scanning-2":   `{"advisory":"js/style","asset":"acme/api","fixedAt":"never","foundAt":"2026-03-04T08:00:00Z","kind":"code","package":"","scanner":"CodeQL","status":"false positive"}`,
		"acme/api/secret-scanning-1": `{"advisory":"github_token","asset":"acme/api","fixedAt":"2026-03-06T08:00:00Z","foundAt":"2026-03-05T08:00:00Z","kind":"secret","package":"","scanner":"secret scanning","status":"fixed"}`,
		"acme/api/secret-scanning-2": `{"advisory":"own","asset":"acme/api","foundAt":"2026-03-05T08:00:00Z","kind":"secret","package":"","scanner":"secret scanning"}`,
	} {
		got, err := json.Marshal(fields(t, rec, "vulnerability", id))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s\n got %s\nwant %s", id, got, want)
		}
	}
	if n := len(rec.ByType("vulnerability")); n != 10 {
		t.Errorf("%d weaknesses; want 10", n)
	}
}

// TestFindingsRefused: a scanner that is switched off, or whose page fails, is
// "could not collect" for that repository and scanner, and for no other.
func TestFindingsRefused(t *testing.T) {
	const value = "AKIAxxxxxxxxEXAMPLE"
	for _, tc := range []struct {
		name, uri, scope string
		reply            reply
		reason           string
	}{
		{"switched off", dependabotPath, "acme/api/dependabot", bad(403, "Dependabot alerts are disabled for this repository."), "page 1: 403 Forbidden: Dependabot alerts are disabled for this repository."},
		{"not part of the plan", codePath, "acme/api/code-scanning", bad(403, "Advanced Security must be enabled for this repository to use code scanning."), "Advanced Security must be enabled"},
		{"never ran", codePath, "acme/api/code-scanning", bad(404, "no analysis found"), "page 1: 404 Not Found: no analysis found"},
		{"hidden", secretsPath, "acme/api/secret-scanning", bad(404, "Secret scanning is disabled on this repository."), "Secret scanning is disabled"},
		{"page 2 of 2 fails", dependabotPath + "&page=2", "acme/api/dependabot", bad(502, ""), "page 2 of 2: 502 Bad Gateway"},
		{"an old server shows the secrets", secretsPath, "acme/api/secret-scanning", good(`[{"number":1,"state":"open","created_at":"2026-03-05T08:00:00Z","secret": "` + value + `"}]`), "which are not kept"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			goodOrg(r)
			r.alerts()
			r.on(tc.uri, tc.reply)
			rec, _ := r.collect(r.with(""), window())
			m := manifest(t, rec, "vulnerability", tc.scope)
			if m.Complete || !strings.Contains(m.Reason, tc.reason) {
				t.Errorf("complete %v, reason %q; want %q", m.Complete, m.Reason, tc.reason)
			}
			for _, m := range rec.Manifests {
				if m.Scope != tc.scope && !m.Complete {
					t.Errorf("stream %s %q is incomplete: %s", m.Type, m.Scope, m.Reason)
				}
			}
			if slices.ContainsFunc(rec.Pages, func(p audit.Page) bool { return strings.Contains(string(p.Body), value) }) {
				t.Error("a secret is in a page")
			}
		})
	}
}

func auditPath(action string) string {
	return "/orgs/acme/audit-log?phrase=action%3A" + action + "+created%3A2026-03-01..2026-03-31&include=web&order=desc&per_page=100"
}

func event(action, login string, id int, when int64, more obj) obj {
	o := obj{"action": action, "user": login, "@timestamp": when * 1000, "_document_id": fmt.Sprint(action, when)}
	if id > 0 {
		o["user_id"] = id
	}
	for k, v := range more {
		o[k] = v
	}
	return o
}

// TestAuditLog: exact instants of grants, from the newest word about each place.
func TestAuditLog(t *testing.T) {
	day := func(n int) int64 { return day0.AddDate(0, 0, n-1).Unix() }
	r := newReplay(t)
	goodOrg(r)
	r.on(auditPath("org"), good(arr{
		event("org.update_member", "ana", 11, day(20), obj{"permission": "admin", "old_permission": "read"}),
		event("org.add_member", "ben", 12, day(15), obj{"permission": "read"}),
		event("org.remove_member", "ben", 12, day(14), nil),
		event("org.remove_member", "cleo", 13, day(13), nil),
		event("org.add_member", "cleo", 13, day(12), nil),
		event("org.add_member", "Dan", 0, day(11), nil),
		event("org.add_member", "ana", 11, day(10), nil),
		event("org.add_member", "eve", 15, day(-40), nil)}))
	r.on(auditPath("team"), good(arr{event("team.add_member", "ben", 12, day(16), obj{"team": "acme/platform"}), event("team.add_member", "ana", 11, day(9), obj{"team": "acme/other"})}))
	r.on(auditPath("protected_branch"), good(arr{event("protected_branch.policy_override", "ana", 11, day(17), obj{"repo": "acme/api"})}))
	rec, _ := r.collect(r.with(""), window())
	for id, want := range map[string]any{
		"hub/organization/11": "2026-03-20T00:00:00Z", // made an owner then
		"hub/organization/12": "2026-03-15T00:00:00Z",
		"hub/organization/13": nil, // added, then taken away: why cleo is a member is not told
		"hub/organization/14": "2026-03-11T00:00:00Z",
		"hub/team-7/12":       "2026-03-16T00:00:00Z",
		"hub/team-7/11":       nil,
	} {
		if got := fields(t, rec, "membership", id)["grantedAt"]; got != want {
			t.Errorf("%s was granted at %v; want %v", id, got, want)
		}
	}
	if !slices.ContainsFunc(rec.Pages, func(p audit.Page) bool {
		return p.Kind == kindAudit && strings.Contains(string(p.Body), "policy_override")
	}) {
		t.Error("events about protection are not kept")
	}
	if m := manifest(t, rec, "membership", ""); !m.Complete {
		t.Errorf("incomplete: %s", m.Reason)
	}
}

// TestAuditLogRefused: a plan without an audit log leaves the instants out and says why, once.
func TestAuditLogRefused(t *testing.T) {
	for _, refusal := range []reply{bad(403, "Must have admin rights"), bad(404, "Not Found"), bad(502, "")} {
		r := newReplay(t)
		goodOrg(r)
		r.on(auditPath("org"), refusal)
		rec, _ := r.collect(r.with(""), window())
		m := manifest(t, rec, "membership", "")
		if want := fmt.Sprintf("is not collected: audit log: page 1: %d", refusal.status); !m.Complete || !strings.Contains(strings.Join(m.Cannot, "\n"), want) {
			t.Errorf("complete %v (%s), limits %q; want %q", m.Complete, m.Reason, m.Cannot, want)
		}
		if r.asked[auditPath("team")] > 0 {
			t.Error("the other lists were asked for too")
		}
	}
}

// TestPolicy: the organization asks everyone for a second factor, or nobody, or
// the token is not told.
func TestPolicy(t *testing.T) {
	for _, tc := range []struct {
		name     string
		answer   reply
		complete bool
		want     any // mfaRequired; nil: no item
	}{
		{"asked of everyone", good(obj{"public_repos": 0, "total_private_repos": 0, "two_factor_requirement_enabled": true}), true, true},
		{"asked of nobody", good(obj{"public_repos": 0, "total_private_repos": 0, "two_factor_requirement_enabled": false}), true, false},
		{"not told", good(obj{"public_repos": 0}), false, nil},
		{"null", good(obj{"public_repos": 0, "two_factor_requirement_enabled": nil}), false, nil},
		{"fails", bad(502, ""), false, nil},
	} {
		r := newReplay(t)
		r.organization()
		r.on("/orgs/acme", tc.answer)
		rec, _ := r.collect(r.with(""), window())
		if m := manifest(t, rec, "authPolicy", ""); m.Complete != tc.complete || m.Complete == (m.Reason != "") {
			t.Errorf("%s: complete %v, reason %q", tc.name, m.Complete, m.Reason)
		}
		if n := len(rec.ByType("authPolicy")); n != map[bool]int{true: 1, false: 0}[tc.want != nil] {
			t.Errorf("%s: %d items", tc.name, n)
		} else if n == 1 && fields(t, rec, "authPolicy", "hub/organization")["mfaRequired"] != tc.want {
			t.Errorf("%s: %v", tc.name, fields(t, rec, "authPolicy", "hub/organization"))
		}
	}
}
