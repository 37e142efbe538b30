package restic

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/backups"
)

// A snapshot is one element of what `restic snapshots --json` prints (restic's
// documentation, "Scripting"). The summary is there since restic 0.17.
type snapshot struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Hostname string    `json:"hostname"`
	Paths    []string  `json:"paths"`
	Tags     []string  `json:"tags"`
	Summary  *struct {
		Bytes *int64 `json:"total_bytes_processed"`
	} `json:"summary"`
}

func normalize(with json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c config
	if err := source.Strict(with, &c); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	switch p.Kind {
	case source.KindFailed, kindList:
		return nil, nil
	case kindSnapshots:
		return c.backups(p)
	case kindCheck:
		return c.finding(p)
	case backups.KindRestores:
		return backups.Restores(p)
	}
	return nil, fmt.Errorf("%w: page kind %q is not one of restic's", audit.ErrInvalid, p.Kind)
}

func (c config) backups(p audit.Page) ([]audit.Item, error) {
	list, err := source.Elements(nullIsEmpty(p.Body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	var r source.Reading
	r.Each(list, func(e json.RawMessage) error {
		var s snapshot
		if err := json.Unmarshal(e, &s); err != nil {
			return err
		}
		if s.ID == "" || s.Time.IsZero() {
			return errors.New("it has no id or no time")
		}
		if !p.About.Contains(s.Time) {
			return nil
		}
		f := source.Fields{
			"result": "success", "encrypted": true, "location": c.Location,
			"datastore": backups.Of(c.Datastores, backups.Made{Host: s.Hostname, Paths: s.Paths, Tags: s.Tags}),
		}
		if s.Summary != nil && s.Summary.Bytes != nil {
			f["bytes"] = *s.Summary.Bytes
		}
		c.Fields(f)
		r.Add("backup", p.Source+"/"+s.ID, s.Time, f)
		return nil
	})
	return r.Done()
}

// finding tells what `restic check` says of the repository. It ended with 0: it
// found nothing; otherwise it says that the repository has errors, or it could
// not look.
func (c config) finding(p audit.Page) ([]audit.Item, error) {
	var e backups.Ended
	if err := source.Strict(p.Body, &e); err != nil {
		return nil, err
	}
	status := "error"
	switch said := e.Stdout + e.Stderr; {
	case e.Exit == 0 && e.Problem == "":
		status = "met"
	case strings.Contains(said, "repository contains errors"):
		status = "not met"
	}
	var r source.Reading
	r.Add("finding", p.Source+"/check", time.Time{}, source.Fields{
		"tool": "restic", "check": "restic check", "title": "The repository's structure is whole", "subject": c.Location,
		"status": status, "detail": e.Problem,
	})
	return r.Done()
}
