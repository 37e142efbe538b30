package pgbackrest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/backups"
)

// A stanza is one element of what `pgbackrest info --output=json` prints
// (pgBackRest's command reference, "info").
type stanza struct {
	Name   string            `json:"name"`
	Backup []json.RawMessage `json:"backup"`
	Status status            `json:"status"`
	Repo   []struct {
		Key    int    `json:"key"`
		Cipher string `json:"cipher"`
		Status status `json:"status"`
	} `json:"repo"`
}

type status struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// noBackups is the status of a stanza that is well and holds no backup yet.
const noBackups = 2

func readInfo(b []byte) ([]stanza, error) {
	var list []stanza
	if err := json.Unmarshal(b, &list); err != nil || list == nil {
		return nil, errors.New("what pgBackRest printed is not a list of stanzas")
	}
	return list, nil
}

// fault says what keeps a stanza's backups from being listed, "" if nothing does.
func (s stanza) fault() string {
	var why []string
	for _, r := range s.Repo {
		if r.Status.Code != 0 && r.Status.Code != noBackups {
			why = append(why, fmt.Sprintf("repository %d: %s", r.Key, r.Status.Message))
		}
	}
	if len(s.Repo) == 0 && s.Status.Code != 0 && s.Status.Code != noBackups {
		why = append(why, s.Status.Message)
	}
	return strings.Join(why, "; ")
}

// A made backup is one element of a stanza's backups. Error tells that pages
// with wrong checksums were found while it was made.
type made struct {
	Label    string `json:"label"`
	Error    *bool  `json:"error"`
	Database struct {
		Repo int `json:"repo-key"`
	} `json:"database"`
	Info struct {
		Size *int64 `json:"size"`
	} `json:"info"`
	Timestamp struct {
		Stop int64 `json:"stop"`
	} `json:"timestamp"`
}

func normalize(with json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c config
	if err := source.Strict(with, &c); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	switch p.Kind {
	case source.KindFailed, kindStanzas:
		return nil, nil
	case backups.KindRestores:
		return backups.Restores(p)
	case kindInfo:
	default:
		return nil, fmt.Errorf("%w: page kind %q is not one of pgbackrest's", audit.ErrInvalid, p.Kind)
	}
	list, err := readInfo(p.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	var r source.Reading
	for _, s := range list {
		r.Each(s.Backup, func(e json.RawMessage) error { return c.backup(&r, p, s, e) })
	}
	return r.Done()
}

func (c config) backup(r *source.Reading, p audit.Page, s stanza, e json.RawMessage) error {
	var b made
	if err := json.Unmarshal(e, &b); err != nil {
		return err
	}
	if b.Label == "" || b.Timestamp.Stop <= 0 || s.Name == "" {
		return errors.New("it has no label or no time at which it ended")
	}
	at := time.Unix(b.Timestamp.Stop, 0).UTC()
	if !p.About.Contains(at) {
		return nil
	}
	repo := "repo" + strconv.Itoa(max(b.Database.Repo, 1))
	f := source.Fields{
		"result": "success", "location": "stanza " + s.Name + ", " + repo, "datastore": backups.Of(c.Datastores, backups.Made{Name: s.Name}),
		"encrypted": s.encrypted(max(b.Database.Repo, 1)),
	}
	if b.Error != nil && *b.Error {
		f["result"] = "partial"
	}
	if b.Info.Size != nil {
		f["bytes"] = *b.Info.Size
	}
	c.Fields(f)
	r.Add("backup", p.Source+"/"+s.Name+"/"+repo+"/"+b.Label, at, f)
	return nil
}

// encrypted tells whether a repository is; nil where its cipher is not told.
func (s stanza) encrypted(repo int) any {
	for _, r := range s.Repo {
		if r.Key == repo && r.Cipher != "" {
			return r.Cipher != "none"
		}
	}
	return nil
}
