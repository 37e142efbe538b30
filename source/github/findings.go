package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"tieout/audit"
)

// A scanner is one of GitHub's own, and where its alerts are.
type scanner struct{ name, kind, path string }

var scanners = []scanner{
	{"dependabot", kindDependabot, "/dependabot/alerts?per_page=100"},
	{"code-scanning", kindCodeScanning, "/code-scanning/alerts?per_page=100"},
	{"secret-scanning", kindSecretScanning, "/secret-scanning/alerts?hide_secret=true&per_page=100"},
}

// findings reads what each scanner says of one repository, open or closed. A
// scanner that is switched off or not part of the plan is refused: its stream
// says so.
func (r *run) findings(ctx context.Context, p repo) error {
	for _, sc := range scanners {
		scope := p.FullName + "/" + sc.name
		s := r.snapshot("vulnerability", scope, cannotFinding, sc.kind)
		bad, err := r.list(ctx, sheet{kind: sc.kind, scope: scope, about: r.now}, p.path()+sc.path, []*stream{s}, func(elements []json.RawMessage) (bool, error) {
			s.m.Items += len(elements)
			return true, nil
		})
		if err != nil {
			return err
		}
		s.fail(bad.why)
		if err := r.close(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

var secretValue = regexp.MustCompile(`"secret"\s*:\s*"[^"]`)

// withhold drops an answer of secret scanning that holds the secrets
// themselves. It is the one thing looked for before sealing: evidence is kept
// for years and shown to others.
func (a *answer) withhold() {
	if a.Problem == "" && secretValue.Match(a.bytes()) {
		a.Body, a.Base64 = "", nil
		a.Problem = "the answer holds the secrets themselves, which are not kept: this server does not know hide_secret"
	}
}

// An alertAnswer is one alert of any scanner.
type alertAnswer struct {
	Number     int64   `json:"number"`
	State      string  `json:"state"`
	Created    string  `json:"created_at"`
	Fixed      *string `json:"fixed_at"`
	Resolved   *string `json:"resolved_at"`
	Dismisser  *user   `json:"dismissed_by"`
	Resolver   *user   `json:"resolved_by"`
	Reason     string  `json:"dismissed_reason"`
	Resolution string  `json:"resolution"`
	SecretType string  `json:"secret_type"`
	Dependency struct {
		Package struct {
			Name string `json:"name"`
		} `json:"package"`
	} `json:"dependency"`
	Advisory struct {
		GHSA     string `json:"ghsa_id"`
		CVE      string `json:"cve_id"`
		Severity string `json:"severity"`
	} `json:"security_advisory"`
	Vulnerable struct {
		Patched json.RawMessage `json:"first_patched_version"`
	} `json:"security_vulnerability"`
	Rule struct {
		ID       string `json:"id"`
		Severity string `json:"security_severity_level"`
	} `json:"rule"`
	Tool struct {
		Name string `json:"name"`
	} `json:"tool"`
}

// closings are the words of a person who closed an alert. A fix that was begun
// leaves the weakness open; what is not here concludes nothing.
var closings = map[string]string{
	"tolerable_risk": "accepted", "no_bandwidth": "accepted", "won't fix": "accepted", "wont_fix": "accepted", "fix_started": "open",
	"inaccurate": "false positive", "not_used": "false positive", "false positive": "false positive", "false_positive": "false positive",
	"used in tests": "false positive", "used_in_tests": "false positive", "revoked": "fixed",
}

var alertSeverities = map[string]string{"critical": "critical", "high": "high", "medium": "medium", "low": "low"}

// alertOf reads an alert of the scanner that the page's kind names.
func (r *reading) alertOf(kind string) func(element []byte) error {
	return func(element []byte) error {
		repository, name, ok := cutScanner(r.repository)
		if !ok {
			return errors.New("the page does not say which repository and scanner it is of")
		}
		var a alertAnswer
		if err := json.Unmarshal(element, &a); err != nil {
			return err
		}
		found, err := instant(a.Created)
		if err != nil || a.Number <= 0 {
			return errors.New("an alert without a number or an instant")
		}
		f := map[string]any{"asset": repository, "foundAt": audit.FormatTime(found)}
		a.what(f, kind)
		if err := r.stands(f, &a); err != nil {
			return err
		}
		for k, v := range f {
			if v == "" && k != "package" && k != "acceptedBy" {
				delete(f, k)
			}
		}
		return r.add("vulnerability", fmt.Sprintf("%s/%s-%d", repository, name, a.Number), time.Time{}, f)
	}
}

// cutScanner splits owner/name/scanner.
func cutScanner(scope string) (repository, name string, ok bool) {
	i := strings.LastIndex(scope, "/")
	if i < 0 || !fullName.MatchString(scope[:i]) {
		return "", "", false
	}
	return scope[:i], scope[i+1:], true
}

// what adds what sort of weakness it is, and where.
func (a *alertAnswer) what(f map[string]any, kind string) {
	switch kind {
	case kindDependabot:
		f["kind"], f["scanner"], f["advisory"] = "package", "Dependabot", a.Advisory.CVE
		if a.Advisory.CVE == "" {
			f["advisory"] = a.Advisory.GHSA
		}
		f["severity"] = alertSeverities[a.Advisory.Severity]
		if a.Dependency.Package.Name != "" {
			f["package"] = a.Dependency.Package.Name
		}
		if p := string(a.Vulnerable.Patched); p != "" {
			f["fixAvailable"] = p != "null"
		}
	case kindCodeScanning:
		f["kind"], f["scanner"], f["advisory"], f["severity"], f["package"] = "code", a.Tool.Name, a.Rule.ID, alertSeverities[a.Rule.Severity], ""
	case kindSecretScanning:
		f["kind"], f["scanner"], f["advisory"], f["package"] = "secret", "secret scanning", a.SecretType, ""
	}
}

// stands adds where it stands. A secret is fixed when it was revoked.
func (r *reading) stands(f map[string]any, a *alertAnswer) error {
	by := a.Dismisser
	switch a.State {
	case "open":
		f["status"] = "open"
	case "fixed":
		f["status"] = "fixed"
	case "auto_dismissed": // by a rule of the organization's
		f["status"] = "accepted"
	case "dismissed":
		f["status"] = closings[a.Reason]
	case "resolved":
		f["status"], by = closings[a.Resolution], a.Resolver
	}
	end := a.Fixed
	if a.State == "resolved" && f["status"] == "fixed" {
		end = a.Resolved
	}
	switch f["status"] {
	case "fixed":
		if end == nil {
			return nil
		}
		at, err := instant(*end)
		if err != nil {
			return err
		}
		f["fixedAt"] = audit.FormatTime(at)
	case "open":
		f["fixedAt"], f["acceptedBy"], f["acceptedUntil"] = audit.NeverText, "", audit.NeverText
	case "accepted", "false positive":
		f["fixedAt"] = audit.NeverText
		if by.known() {
			f["acceptedBy"] = r.accountID(by)
		}
	}
	return nil
}
