package azure

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

var severities = map[string]string{"critical": "critical", "high": "high", "medium": "medium", "low": "low", "informational": "none"}

// assessment is what Defender says of one resource (Security, schema
// SecurityAssessment).
func (r *reading) assessment(w row) error {
	var d struct {
		DisplayName string `json:"displayName"`
		Status      struct {
			Code        string `json:"code"`
			Cause       string `json:"cause"`
			Description string `json:"description"`
		} `json:"status"`
		Metadata struct {
			Severity string `json:"severity"`
		} `json:"metadata"`
		Resource struct {
			ID string `json:"id"`
		} `json:"resourceDetails"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return err
	}
	status := map[string]string{"healthy": "met", "unhealthy": "not met", "notapplicable": "not applicable"}[strings.ToLower(d.Status.Code)]
	f := source.Fields{"tool": "Microsoft Defender for Cloud", "toolVersion": "", "check": w.Name, "title": d.DisplayName, "subject": strings.ToLower(d.Resource.ID),
		"status": status, "severity": severities[strings.ToLower(d.Metadata.Severity)], "account": w.subscription(), "detail": strings.Trim(d.Status.Cause+": "+d.Status.Description, ": ")}
	r.Add("finding", w.id(), time.Time{}, f)
	return nil
}

// alert of Defender (Security, schema Alert). Resource Graph writes the names of
// its fields with a capital or without.
func (r *reading) alert(w row) error {
	var d struct {
		DisplayName string `json:"alertDisplayName"`
		Severity    string `json:"severity"`
		Status      string `json:"status"`
		Generated   string `json:"timeGeneratedUtc"`
		Resources   []struct {
			ID string `json:"azureResourceId"`
		} `json:"resourceIdentifiers"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return err
	}
	f := source.Fields{"system": r.System, "title": d.DisplayName, "kind": "security", "severity": severities[strings.ToLower(d.Severity)], "raisedAt": instantOf(d.Generated), "ticket": nil}
	switch strings.ToLower(d.Status) {
	case "active":
		f["status"], f["acknowledgedAt"], f["closedAt"], f["decision"] = "open", audit.Never, audit.Never, ""
	case "inprogress":
		f["status"], f["closedAt"] = "acknowledged", audit.Never
	case "resolved", "dismissed":
		f["status"] = "closed"
	}
	for _, e := range d.Resources {
		if e.ID != "" {
			f["subject"] = strings.ToLower(e.ID)
			break
		}
	}
	r.Add("alert", w.id(), time.Time{}, f)
	return nil
}

// plan is one plan of Defender on a subscription (Security, schema Pricing):
// Standard looks for threats, Free does not.
func (r *reading) plan(w row) error {
	var d struct {
		Tier string `json:"pricingTier"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return err
	}
	f := source.Fields{"name": "Defender for " + w.Name, "kind": "detector", "provider": "azure", "account": r.scope, "region": "", "openPorts": []string{}}
	switch d.Tier {
	case "Standard":
		f["enabled"] = true
	case "Free":
		f["enabled"] = false
	}
	r.Add("resource", w.id(), time.Time{}, f)
	return nil
}

// A backupJob is a job of a Recovery Services or Backup vault.
type backupJob struct {
	Operation string `json:"operation"`         // Recovery Services; of Backup vaults the finer word
	Category  string `json:"operationCategory"` // Backup vaults
	Status    string `json:"status"`
	Start     string `json:"startTime"`
	End       string `json:"endTime"`
	Source    string `json:"dataSourceId"`  // Backup vaults: id of what was backed up
	Container string `json:"containerName"` // Recovery Services: IaasVMContainer;iaasvmcontainerv2;GROUP;MACHINE
}

var jobResults = map[string]string{"completed": "success", "succeeded": "success", "completedwithwarnings": "partial", "completedwitherrors": "partial",
	"failed": "failure", "cancelled": "failure", "canceled": "failure"}

// job gives a backup or a restore for every job that ended.
func (r *reading) job(w row) error {
	var d backupJob
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return err
	}
	operation := strings.ToLower(cmp.Or(d.Category, d.Operation))
	result := jobResults[strings.ToLower(strings.ReplaceAll(d.Status, " ", ""))]
	end := instantOf(d.End)
	switch {
	case result == "": // it runs, or its state is none we know
		return r.unknown(d.Status)
	case operation == "backup":
		r.Add("backup", w.id(), end, source.Fields{"datastore": d.subject(w), "result": result})
	case operation == "restore", operation == "crossregionrestore":
		f := source.Fields{"datastore": d.subject(w), "result": result}
		if start := instantOf(d.Start); !start.IsZero() && !end.Before(start) {
			f["minutes"] = int(end.Sub(start) / time.Minute)
		}
		r.Add("restore", w.id(), end, f)
	}
	return nil
}

// unknown refuses a state that is neither ended nor under way: a job that ended
// must not be lost.
func (r *reading) unknown(status string) error {
	switch strings.TrimSuffix(strings.ToLower(strings.ReplaceAll(status, " ", "")), "ing") {
	case "inprogress", "cancell", "cancel", "queued", "wait", "notstarted", "started", "accepted", "resum", "paused":
		return nil
	}
	return fmt.Errorf("the state %q of a job is not known", status)
}

// subject is the id of what a job worked on, "" where it is not told.
func (d backupJob) subject(w row) string {
	if d.Source != "" {
		return strings.ToLower(d.Source)
	}
	parts := strings.Split(d.Container, ";")
	if n := len(parts); n >= 3 && strings.Contains(strings.ToLower(d.Container), "iaasvmcontainerv2") {
		return strings.ToLower(fmt.Sprintf("/subscriptions/%s/resourcegroups/%s/providers/microsoft.compute/virtualmachines/%s", w.Subscription, parts[n-2], parts[n-1]))
	}
	return ""
}
