package ocsf

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/finding"
)

// States of a finding (finding.status_id).
const (
	stateNew        = 1
	stateInProgress = 2
	stateSuppressed = 3
	stateResolved   = 4
	stateArchived   = 5
	stateDeleted    = 6
)

const (
	activityCreate = 1
	activityClose  = 3
	activityLogon  = 1
)

var part = strings.NewReplacer("%", "%25", "|", "%7C")

func id(c config, parts ...string) string {
	for i, p := range parts {
		parts[i] = part.Replace(p)
	}
	return source.PlainID(c.Name + "/" + strings.Join(parts, "|"))
}

// compliance reads a Compliance Finding (2003).
func compliance(c config, p audit.Page, e event) ([]draft, error) {
	told, err := Instant(e.Time)
	if err != nil {
		return nil, err
	}
	check := cmp.Or(e.FindingInfo.Analytic.UID, e.Metadata.EventCode, e.Compliance.Control)
	if check == "" && e.FindingInfo.UID == "" {
		return nil, errors.New("it names neither its check nor itself")
	}
	f := source.Fields{"tool": finding.Given(e.Metadata.Product.Name), "toolVersion": finding.Given(e.Metadata.Product.Version), "check": finding.Given(check),
		"title": e.FindingInfo.Title, "subject": finding.Given(e.subject()), "status": e.result(), "severity": e.severity(),
		"account": finding.Given(e.Cloud.Account.UID), "region": finding.Given(e.region()),
		"detail": finding.Given(cmp.Or(e.Compliance.Detail, e.Detail, e.Message))}
	if e.Compliance.Requirements != nil {
		f["requirements"] = *e.Compliance.Requirements
	}
	name := id(c, p.Scope, e.Cloud.Account.UID, e.region(), check, e.subject())
	if check == "" || e.subject() == "" {
		name = id(c, p.Scope, cmp.Or(e.FindingInfo.UID, check))
	}
	return []draft{{id: name, told: told, fields: f}}, nil
}

// result is the check's outcome: status_id from 1.2 on, before that a word.
func (e event) result() any {
	if e.Status == stateSuppressed {
		return "muted"
	}
	switch e.Compliance.StatusID {
	case 1:
		return "met"
	case 2: // no result, because information is missing
		return "error"
	case 3:
		return "not met"
	}
	switch strings.ToLower(cmp.Or(e.Compliance.Status, e.Compliance.Code)) {
	case "pass", "passed":
		return "met"
	case "fail", "failed":
		return "not met"
	case "warning":
		return "error"
	}
	return nil
}

// vulnerabilities reads a Vulnerability Finding (2002): an item for each
// vulnerability and package.
func vulnerabilities(c config, p audit.Page, e event) ([]draft, error) {
	told, err := Instant(e.Time)
	if err != nil {
		return nil, err
	}
	if len(e.Vulnerabilities) == 0 {
		return nil, errors.New("it lists no vulnerability")
	}
	var out []draft
	for _, v := range e.Vulnerabilities {
		advisory := cmp.Or(v.CVE.UID, e.FindingInfo.UID)
		if advisory == "" {
			return out, errors.New("it names neither a CVE nor itself")
		}
		found, err := firstSeen(v.FirstSeen, e.FindingInfo.FirstSeen)
		if err != nil {
			return out, err
		}
		packages := append(append([]named{}, v.Affected...), v.Packages...)
		if len(packages) == 0 {
			packages = []named{{}}
		}
		for _, pkg := range packages {
			f := source.Fields{"advisory": advisory, "severity": v.severity(e), "status": e.standing(), "asset": finding.Given(e.subject()),
				"package": finding.Given(pkg.Name), "foundAt": found, "scanner": finding.Given(e.Metadata.Product.Name)}
			if pkg.Name != "" {
				f["kind"] = "package"
			}
			for _, fix := range []*bool{v.FixOld, v.Fix} {
				if fix != nil {
					f["fixAvailable"] = *fix
				}
			}
			out = append(out, draft{id: id(c, p.Scope, e.subject(), pkg.Name, advisory), told: told, fields: f})
		}
	}
	return out, nil
}

func firstSeen(places ...json.RawMessage) (time.Time, error) {
	for _, raw := range places {
		if t, err := Instant(raw); err != nil || !t.IsZero() {
			return t, err
		}
	}
	return time.Time{}, nil
}

// severity is the vendor's word, else the event's.
func (v vulnerability) severity(e event) any {
	if s := finding.Severity(v.Severity); s != nil {
		return s
	}
	return e.severity()
}

// standing is a weakness's status; nil where the event does not say.
func (e event) standing() any {
	switch e.Status {
	case stateNew, stateInProgress:
		return "open"
	case stateSuppressed:
		return "false positive"
	case stateResolved:
		return "fixed"
	case 0:
		if e.Activity != 0 && e.Activity < activityClose {
			return "open"
		}
	}
	return nil
}

// detection reads a Detection Finding (2004).
func detection(c config, p audit.Page, e event) ([]draft, error) {
	told, err := Instant(e.Time)
	if err != nil {
		return nil, err
	}
	if e.FindingInfo.UID == "" {
		return nil, errors.New("it has no finding_info.uid")
	}
	if e.Status == stateDeleted {
		return nil, nil
	}
	raised, err := Instant(e.FindingInfo.Created)
	if err != nil {
		return nil, err
	}
	if raised.IsZero() && e.Activity == activityCreate {
		raised = told
	}
	f := source.Fields{"system": finding.Given(e.Metadata.Product.Name), "title": e.FindingInfo.Title, "kind": "security", "severity": e.severity(),
		"raisedAt": raised, "decision": verdict(e.VerdictID), "owner": finding.Given(cmp.Or(e.Assignee.Email, e.Assignee.Name, e.Assignee.UID)),
		"subject": finding.Given(e.subject()), "ticket": finding.Given(e.Ticket.UID)}
	e.stands(f, told)
	return []draft{{id: id(c, p.Scope, e.FindingInfo.UID), told: told, fields: f}}, nil
}

// stands sets where an alert stands, and since when where the event is its closing.
func (e event) stands(f source.Fields, told time.Time) {
	switch {
	case e.Status == stateNew:
		f["status"], f["closedAt"] = "open", audit.Never
	case e.Status == stateInProgress:
		f["status"], f["closedAt"] = "acknowledged", audit.Never
	case e.Status == stateSuppressed || e.Status == stateResolved || e.Status == stateArchived || e.Activity == activityClose:
		f["status"] = "closed"
	}
	if e.Activity == activityClose && f["status"] == "closed" {
		f["closedAt"] = told
	}
}

// verdict reads verdict_id of the incident profile; nil where nothing certain was decided.
func verdict(id int) any {
	switch id {
	case 1:
		return "false"
	case 2:
		return "true"
	case 5, 6: // benign, test
		return "expected"
	}
	return nil
}

// authentication reads an Authentication event (3002); only a logon is a sign-in.
func authentication(c config, p audit.Page, e event) ([]draft, error) {
	if e.Activity != activityLogon {
		return nil, nil
	}
	at, err := Instant(e.Time)
	if err != nil {
		return nil, err
	}
	account := cmp.Or(e.User.UID, e.User.Email, e.User.Name)
	if c.Accounts != "" {
		if e.User.UID == "" {
			return nil, errors.New("it names no uid of the user")
		}
		account = c.Accounts + "/" + e.User.UID
	}
	f := source.Fields{"account": finding.Given(account), "system": finding.Given(cmp.Or(e.Service.Name, e.Destination.Service, e.Destination.Hostname, e.Metadata.Product.Name))}
	switch e.Status {
	case 1:
		f["result"] = "success"
	case 2:
		f["result"] = "failure"
	}
	if e.MFA != nil {
		f["mfa"] = *e.MFA
	}
	return []draft{{id: id(c, p.Scope, cmp.Or(e.Metadata.UID, e.digest())), at: at, told: at, fields: f}}, nil
}
