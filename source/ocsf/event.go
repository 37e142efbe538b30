package ocsf

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// An event is what is read of OCSF 1.x. Names that a version dropped stand
// beside those that took their place.
type event struct {
	raw      json.RawMessage
	Class    int             `json:"class_uid"`
	Activity int             `json:"activity_id"`
	Time     json.RawMessage `json:"time"`
	Severity int             `json:"severity_id"`
	Status   int             `json:"status_id"`
	Detail   string          `json:"status_detail"`
	Message  string          `json:"message"`
	Metadata struct {
		Version   string `json:"version"`
		UID       string `json:"uid"`
		EventCode string `json:"event_code"`
		Product   struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"product"`
		LoggedTime    json.RawMessage `json:"logged_time"`
		ProcessedTime json.RawMessage `json:"processed_time"`
	} `json:"metadata"`
	FindingInfo struct {
		UID      string `json:"uid"`
		Title    string `json:"title"`
		Analytic struct {
			UID string `json:"uid"`
		} `json:"analytic"`
		Created   json.RawMessage `json:"created_time"`
		FirstSeen json.RawMessage `json:"first_seen_time"`
		LastSeen  json.RawMessage `json:"last_seen_time"`
		Modified  json.RawMessage `json:"modified_time"`
	} `json:"finding_info"`
	Cloud struct {
		Account struct {
			UID string `json:"uid"`
		} `json:"account"`
		Region string `json:"region"`
	} `json:"cloud"`
	Resource  resource   `json:"resource"`  // until 1.2
	Resources []resource `json:"resources"` // from 1.1
	Device    struct {
		UID      string `json:"uid"`
		Hostname string `json:"hostname"`
	} `json:"device"`
	Compliance struct {
		Control      string    `json:"control"`
		Requirements *[]string `json:"requirements"`
		Status       string    `json:"status"`
		StatusID     int       `json:"status_id"` // from 1.2
		Code         string    `json:"status_code"`
		Detail       string    `json:"status_detail"`
	} `json:"compliance"`
	Vulnerabilities []vulnerability `json:"vulnerabilities"`
	VerdictID       int             `json:"verdict_id"`
	Assignee        user            `json:"assignee"`
	Ticket          struct {
		UID string `json:"uid"`
	} `json:"ticket"`
	User    user `json:"user"`
	Service struct {
		Name string `json:"name"`
	} `json:"service"`
	Destination struct {
		Hostname string `json:"hostname"`
		Service  string `json:"svc_name"`
	} `json:"dst_endpoint"`
	MFA *bool `json:"is_mfa"`
}

type resource struct {
	UID    string `json:"uid"`
	Name   string `json:"name"`
	Region string `json:"region"`
}

type user struct {
	UID   string `json:"uid"`
	Name  string `json:"name"`
	Email string `json:"email_addr"`
}

type vulnerability struct {
	CVE struct {
		UID string `json:"uid"`
	} `json:"cve"`
	Severity  string          `json:"severity"`
	FirstSeen json.RawMessage `json:"first_seen_time"`
	Fix       *bool           `json:"is_fix_available"` // from 1.1
	FixOld    *bool           `json:"fix_available"`
	Affected  []named         `json:"affected_packages"` // from 1.1
	Packages  []named         `json:"packages"`
}

type named struct {
	Name string `json:"name"`
}

// version of the schema: 1.x keeps what an earlier 1.x had (OCSF: "Versioning").
// Release candidates of 1.0 name other fields.
var version = regexp.MustCompile(`^1\.\d+(\.\d+)?$`)

// parse reads an array, one object, or objects one behind the other (JSON
// Lines), and returns those of one class. A file of other classes only says
// nothing of this one.
func parse(body []byte, class int) ([]event, error) {
	var of []event
	n := 0
	err := each(body, func(raw json.RawMessage) error {
		n++
		var e event
		if err := json.Unmarshal(raw, &e); err != nil {
			return fmt.Errorf("event %d is none of OCSF: %w", n, err)
		}
		if e.Class == 0 {
			return fmt.Errorf("event %d is none of OCSF: it has no class_uid", n)
		}
		if !version.MatchString(e.Metadata.Version) {
			return fmt.Errorf("event %d is of version %q of OCSF; 1.0 and later 1.x are read", n, e.Metadata.Version)
		}
		if e.raw = raw; e.Class == class {
			of = append(of, e)
		}
		return nil
	})
	if err == nil && n > 0 && len(of) == 0 {
		err = fmt.Errorf("none of its %d events is of class %d", n, class)
	}
	return of, err
}

func each(body []byte, take func(json.RawMessage) error) error {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	dec := json.NewDecoder(bytes.NewReader(body))
	array := bytes.HasPrefix(body, []byte("["))
	if array {
		if _, err := dec.Token(); err != nil {
			return fmt.Errorf("it is no JSON: %w", err)
		}
	}
	for !array || dec.More() {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if errors.Is(err, io.EOF) && !array {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is no JSON: %w", err)
		}
		if err := take(raw); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("it is no JSON: the list does not end: %w", err)
	}
	if dec.More() {
		return errors.New("it is no JSON: something follows the list")
	}
	return nil
}

// subject is the id of the first resource the event is about, "" if it names none.
func (e event) subject() string {
	list := append(append([]resource{}, e.Resources...), e.Resource)
	for _, r := range list {
		if id := cmp.Or(r.UID, r.Name); id != "" {
			return id
		}
	}
	return cmp.Or(e.Device.UID, e.Device.Hostname)
}

func (e event) region() string {
	if len(e.Resources) > 0 {
		return cmp.Or(e.Cloud.Region, e.Resources[0].Region)
	}
	return cmp.Or(e.Cloud.Region, e.Resource.Region)
}

// severity reads severity_id; nil for Unknown and Other.
func (e event) severity() any {
	words := []any{nil, "none", "low", "medium", "high", "critical", "critical"}
	if e.Severity < 0 || e.Severity >= len(words) {
		return nil
	}
	return words[e.Severity]
}

// digest names an event that has no id of its own.
func (e event) digest() string {
	sum := sha256.Sum256(e.raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}
