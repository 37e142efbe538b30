package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tieout/source"
	"tieout/source/rest"
)

const (
	kindBackupJobs  = "aws.backup.jobs"     // one page of backup jobs
	kindRestoreJobs = "aws.backup.restores" // one page of restore jobs
)

var cannotBackup = []string{
	"jobs older than the 30 days that AWS Backup lists",
	"automated backups that a database service makes by itself: whether they are on stands with the database",
	"copies of a backup to another account or region: a backup beside its original is not said to have none",
	"a job that has not ended",
}

// begun is how long before the window a job may have begun that ended in it.
const begun = 3 * 24 * time.Hour

// readBackups reads backup and restore jobs that ended in the window.
func readBackups(ctx context.Context, v *visit) error {
	for _, l := range []struct{ typ, kind, uri, list string }{
		{"backup", kindBackupJobs, "/backup-jobs/", "BackupJobs"},
		{"restore", kindRestoreJobs, "/restore-jobs/", "RestoreJobs"},
	} {
		s := v.streams[l.typ]
		if s.Failed() {
			s.Asked("backup GET " + l.uri)
			continue
		}
		ask := path(backup, fmt.Sprintf("%s?createdAfter=%s&createdBefore=%s&maxResults=1000", l.uri,
			s.Covers.From.Add(-begun).UTC().Format("2006-01-02T15:04:05Z"), s.Covers.To.UTC().Format("2006-01-02T15:04:05Z")))
		_, err := v.list(ctx, backup, rest.List{Kind: l.kind, About: s.Covers, Ask: ask, Next: rest.NextToken(ask, "NextToken", "nextToken"), Each: func(a rest.Answer) (bool, error) {
			_, err := source.Elements(a.Body, l.list)
			return true, err
		}}, s)
		if err != nil {
			return err
		}
	}
	return nil
}

var jobResults = map[string]string{"COMPLETED": "success", "PARTIAL": "partial", "FAILED": "failure", "ABORTED": "failure", "EXPIRED": "failure"}

// A job is a backup or restore job: what both say.
type job struct {
	State     string  `json:"State"`
	Status    string  `json:"Status"`
	Created   instant `json:"CreationDate"`
	Completed instant `json:"CompletionDate"`
}

// ended is when and how a job ended; zero while it runs. A job that expired or
// failed before it began may state no end: it counts where it was made.
func (j job) ended() (at time.Time, result string) {
	if result = jobResults[j.State+j.Status]; result == "" {
		return zero, ""
	}
	if at = j.Completed.Time; at.IsZero() {
		at = j.Created.Time
	}
	return at, result
}

func normalBackupJobs(p *page) error {
	list, err := source.Elements(p.Body, "BackupJobs")
	if err != nil {
		return err
	}
	p.out.Each(list, func(e json.RawMessage) error {
		var j struct {
			job
			ID        string `json:"BackupJobId"`
			Resource  string `json:"ResourceArn"`
			Vault     string `json:"BackupVaultArn"`
			Lock      string `json:"VaultLockState"`
			VaultType string `json:"VaultType"`
			Encrypted *bool  `json:"IsEncrypted"`
			Bytes     *int64 `json:"BackupSizeInBytes"`
		}
		if err := json.Unmarshal(e, &j); err != nil || j.ID == "" {
			return errors.New("a backup job cannot be read")
		}
		at, result := j.ended()
		if !inside(at, p.About) {
			return nil
		}
		f := source.Fields{"datastore": j.Resource, "result": result, "location": j.Vault}
		if elsewhere(j.Vault, j.Resource) {
			f["separate"] = true
		}
		if j.Encrypted != nil {
			f["encrypted"] = *j.Encrypted
		}
		if j.Bytes != nil && *j.Bytes >= 0 {
			f["bytes"] = *j.Bytes
		}
		f["immutable"] = immutable(j.Lock, j.VaultType)
		p.out.Add("backup", p.arn("backup", "job/"+j.ID), at, f)
		return nil
	})
	return nil
}

// immutable is whether a vault lets nobody delete what is in it before its
// time. A lock that does not say its mode is one of compliance only where the
// vault is air-gapped: nil for others.
func immutable(lock, vault string) any {
	switch strings.ToUpper(lock) {
	case "COMPLIANCE":
		return true
	case "GOVERNANCE", "UNLOCKED":
		return false
	case "LOCKED":
		if vault == "LOGICALLY_AIR_GAPPED_BACKUP_VAULT" {
			return true
		}
	}
	return nil
}

// elsewhere reports whether two ARNs name different accounts or regions. One
// that names neither, as a bucket's does, tells nothing.
func elsewhere(a, b string) bool {
	x, y := strings.Split(a, ":"), strings.Split(b, ":")
	if len(x) < 6 || len(y) < 6 {
		return false
	}
	differ := func(i int) bool { return x[i] != "" && y[i] != "" && x[i] != y[i] }
	return differ(3) || differ(4)
}

func normalRestoreJobs(p *page) error {
	list, err := source.Elements(p.Body, "RestoreJobs")
	if err != nil {
		return err
	}
	p.out.Each(list, func(e json.RawMessage) error {
		var j struct {
			job
			ID         string `json:"RestoreJobId"`
			Resource   string `json:"SourceResourceArn"`
			Validation string `json:"ValidationStatus"`
			By         struct {
				Plan string `json:"RestoreTestingPlanArn"`
			} `json:"CreatedBy"`
		}
		if err := json.Unmarshal(e, &j); err != nil || j.ID == "" {
			return errors.New("a restore job cannot be read")
		}
		at, result := j.ended()
		if !inside(at, p.About) {
			return nil
		}
		f := source.Fields{"datastore": j.Resource, "result": result}
		if j.By.Plan != "" {
			f["test"] = true
		}
		if !j.Completed.IsZero() && !j.Created.IsZero() && !j.Completed.Before(j.Created.Time) {
			f["minutes"] = int(j.Completed.Sub(j.Created.Time) / time.Minute)
		}
		switch j.Validation {
		case "SUCCESSFUL":
			f["verified"] = true
		case "FAILED", "TIMED_OUT":
			f["verified"] = false
		}
		p.out.Add("restore", p.arn("backup", "restore-job/"+j.ID), at, f)
		return nil
	})
	return nil
}
