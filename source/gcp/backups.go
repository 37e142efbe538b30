package gcp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

var backupCannot = []string{
	"runs that were deleted by hand; runs older than the oldest automatic one that is kept: what it covers starts there",
	"whether a backup is protected against deletion",
}

// An instance of Cloud SQL that has backups of its own.
type instance struct {
	project, name string
	raw           json.RawMessage
}

const sqlType = "sqladmin.googleapis.com/Instance"

// noteInstance keeps an instance that can have backups: a replica has none.
func (p *collection) noteInstance(a asset, raw json.RawMessage) {
	var d struct {
		Project, Name, InstanceType string
	}
	if a.AssetType != sqlType || json.Unmarshal(a.Resource.Data, &d) != nil || d.Project == "" || d.Name == "" || d.InstanceType == "READ_REPLICA_INSTANCE" {
		return
	}
	p.instances = append(p.instances, instance{d.Project, d.Name, bytes.Clone(raw)})
}

// A run as Cloud SQL Admin (v1) lists it, backupRuns.
type backupRun struct {
	ID          string `json:"id"`
	Status      string `json:"status"`
	Type        string `json:"type"`
	Location    string `json:"location"`
	Enqueued    string `json:"enqueuedTime"`
	WindowStart string `json:"windowStartTime"`
	Start       string `json:"startTime"`
	End         string `json:"endTime"`
}

// at is when a run ended, or when it was to happen if it never ran; zero: it does not say.
func (b backupRun) at() time.Time {
	for _, text := range []string{b.End, b.Start, b.Enqueued, b.WindowStart} {
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// A backupPage is runs of one list, with the instance they are of.
type backupPage struct {
	Format   int               `json:"format"`
	Instance json.RawMessage   `json:"instance"` // an asset, as the inventory gave it
	Runs     []json.RawMessage `json:"runs"`     // elements of the list, as they came
}

// readBackups reads the runs of every instance.
func (p *collection) readBackups(ctx context.Context) error {
	for i, one := range p.instances {
		if err := p.readRuns(ctx, one); err != nil {
			return err
		}
		p.run.Progress("backup", i+1, len(p.instances))
	}
	return nil
}

func (p *collection) readRuns(ctx context.Context, one instance) error {
	scope := fmt.Sprintf("projects/%s/instances/%s", one.project, one.name)
	var runs []json.RawMessage
	ask := rest.Ask{URI: p.sql.At(fmt.Sprintf("/v1/projects/%s/instances/%s/backupRuns", url.PathEscape(one.project), url.PathEscape(one.name)) + query("maxResults", "500"))}
	stream := p.run.Events("backup", scope, backupCannot, kindBackups)
	_, err := p.sql.Read(ctx, p.run, rest.List{Kind: kindRuns, Scope: scope, Ask: ask, Next: rest.NextToken(ask, "nextPageToken", "pageToken"),
		Each: func(a rest.Answer) (bool, error) {
			list, err := elements(a.Scan, "items")
			runs = append(runs, list...)
			return err == nil, err
		}}, stream)
	if err != nil {
		return err
	}
	stream.Covers = p.covered(runs)
	if kept := during(runs, stream.Covers); len(kept) > 0 && !stream.Failed() {
		if err := p.sealRuns(ctx, scope, one, kept, stream); err != nil {
			return err
		}
	}
	return p.run.Close(ctx, stream)
}

// covered is the stretch of which the list holds every run: the service deletes
// the oldest automatic ones, so it starts with the oldest of those that is
// there. Without one, none was ever deleted by itself.
func (p *collection) covered(runs []json.RawMessage) audit.Span {
	s := p.run.Covers()
	oldest := time.Time{}
	for _, raw := range runs {
		var b backupRun
		if json.Unmarshal(raw, &b) != nil || b.Type != "AUTOMATED" {
			continue
		}
		if t := b.at(); !t.IsZero() && (oldest.IsZero() || t.Before(oldest)) {
			oldest = t
		}
	}
	if oldest.After(s.From) && oldest.Before(s.To) {
		s.From = audit.Instant(oldest)
	}
	return s
}

// during leaves out what ended outside a stretch. A run that does not say when
// stays: normalizing names it.
func during(runs []json.RawMessage, s audit.Span) []json.RawMessage {
	var out []json.RawMessage
	for _, raw := range runs {
		var b backupRun
		if err := json.Unmarshal(raw, &b); err == nil && !b.at().IsZero() && !s.Contains(audit.Instant(b.at())) {
			continue
		}
		out = append(out, raw)
	}
	return out
}

func (p *collection) sealRuns(ctx context.Context, scope string, one instance, runs []json.RawMessage, stream *source.Stream) error {
	body, err := json.Marshal(backupPage{Format: 1, Instance: one.raw, Runs: runs})
	if err != nil {
		stream.Fail("the runs cannot be written: " + err.Error())
		return nil
	}
	return p.run.Seal(ctx, audit.Page{Kind: kindBackups, Scope: scope, About: stream.Covers, Body: body, Query: "runs listed before, with the instance they are of"}, stream)
}

// backups gives an item for every run that ended.
func (r *reading) backups(body []byte) error {
	var page backupPage
	if err := json.Unmarshal(body, &page); err != nil {
		return err
	}
	var a asset
	if err := json.Unmarshal(page.Instance, &a); err != nil {
		return fmt.Errorf("instance: %w", err)
	}
	var d struct{ Region string }
	if err := json.Unmarshal(a.Resource.Data, &d); err != nil {
		return fmt.Errorf("instance: %w", err)
	}
	r.Each(page.Runs, func(raw json.RawMessage) error { return r.backup(a, d.Region, raw) })
	return nil
}

var runResults = map[string]string{"SUCCESSFUL": "success", "FAILED": "failure"}

func (r *reading) backup(a asset, region string, raw json.RawMessage) error {
	var b backupRun
	if err := json.Unmarshal(raw, &b); err != nil {
		return err
	}
	result := runResults[b.Status]
	if result == "" { // it is to run, runs, had nothing to do or was deleted
		return nil
	}
	if b.ID == "" {
		return fmt.Errorf("a run without an id")
	}
	f := source.Fields{"datastore": a.id(), "result": result, "location": b.Location}
	if result == "success" {
		f["encrypted"] = true // every backup is, with the instance's key or Google's
	}
	if b.Location != "" && region != "" {
		f["separate"] = !strings.EqualFold(b.Location, region)
	}
	r.Add("backup", a.id()+"/backupRuns/"+b.ID, b.at(), f)
	return nil
}
