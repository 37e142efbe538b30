package workspace

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// devices reads a sheet of devices.
func (r *reading) devices(read func(e json.RawMessage) (string, source.Fields, error)) func(body []byte) error {
	return func(body []byte) error {
		var facts deviceFacts
		sheet, err := rest.ReadSheet(body, &facts)
		if err != nil {
			return err
		}
		for i, part := range sheet.Answers {
			if part.Part != partDevice {
				continue
			}
			id, f, err := read(part.Bytes())
			if err != nil {
				r.Refuse(fmt.Sprintf("element %d", i+1), err)
				continue
			}
			r.Add("device", r.id(id), time.Time{}, f)
			r.owned(id, part.Bytes(), facts)
		}
		return nil
	}
}

// owned links a device to those whose it is.
func (r *reading) owned(id string, e json.RawMessage, facts deviceFacts) {
	people := owners(e)
	slices.Sort(people)
	for _, who := range slices.Compact(people) {
		l := r.Person.Link("", facts.Numbers[who], who)
		if l == nil {
			continue
		}
		l["device"] = r.id(id)
		r.Add("link", r.id("link/"+id+"/"+who), time.Time{}, l)
	}
}

func (r *reading) mobile(e json.RawMessage) (string, source.Fields, error) {
	var d struct {
		ID         string     `json:"resourceId"`
		Serial     string     `json:"serialNumber"`
		HardwareID string     `json:"hardwareId"`
		IMEI       string     `json:"imei"`
		Model      string     `json:"model"`
		OS         string     `json:"os"`
		Status     string     `json:"status"`
		Encryption string     `json:"encryptionStatus"`
		LastSync   *time.Time `json:"lastSync"`
	}
	if err := decode(e, &d, &d.ID); err != nil {
		return "", nil, err
	}
	f := source.Fields{"serial": d.Serial, "os.version": d.OS, "platform": platform(d.OS), "kind": phoneKind(d.Model), "lastSeenAt": told(d.LastSync)}
	if d.Serial == "" {
		f["serial"] = d.HardwareID
		if d.HardwareID == "" {
			f["serial"] = d.IMEI
		}
	}
	if strings.EqualFold(d.Status, "APPROVED") {
		f["status"], f["managed"] = "active", true
	}
	switch strings.ToLower(d.Encryption) {
	case "encrypted":
		f["diskEncrypted"] = true
	case "not encrypted", "unencrypted", "inactive":
		f["diskEncrypted"] = false
	}
	return "mobile/" + d.ID, f, nil
}

func platform(os string) any {
	switch os := strings.ToLower(os); {
	case strings.HasPrefix(os, "ios"), strings.HasPrefix(os, "ipados"):
		return "ios"
	case strings.HasPrefix(os, "android"):
		return "android"
	}
	return nil
}

// phoneKind is what a model's name says; nil where it says nothing.
func phoneKind(model string) any {
	switch m := strings.ToLower(model); {
	case strings.HasPrefix(m, "ipad"):
		return "tablet"
	case strings.HasPrefix(m, "iphone"):
		return "phone"
	}
	return nil
}

func (r *reading) chrome(e json.RawMessage) (string, source.Fields, error) {
	var d struct {
		ID            string     `json:"deviceId"`
		Serial        string     `json:"serialNumber"`
		Status        string     `json:"status"`
		OS            string     `json:"osVersion"`
		Through       string     `json:"autoUpdateThrough"`
		Deprovisioned string     `json:"lastDeprovisionTimestamp"`
		LastSync      *time.Time `json:"lastSync"`
	}
	if err := decode(e, &d, &d.ID); err != nil {
		return "", nil, err
	}
	f := source.Fields{"serial": d.Serial, "platform": "chromeos", "os.version": d.OS, "lastSeenAt": told(d.LastSync)}
	if at := instant(d.Through); !at.IsZero() {
		f["os.supported"] = at.After(r.about)
	}
	switch d.Status {
	case "ACTIVE":
		f["status"], f["managed"], f["retiredAt"] = "active", true, audit.Never
	case "DEPROVISIONED":
		f["status"], f["managed"], f["retiredAt"] = "retired", false, instant(d.Deprovisioned)
	}
	return "chromeos/" + d.ID, f, nil
}

// instant reads an instant or a date; zero where it is neither.
func instant(s string) time.Time {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// A rule of Cloud Identity.
type policy struct {
	Name  string `json:"name"` // policies/ID
	Query struct {
		OrgUnit string `json:"orgUnit"`
		Group   string `json:"group"`
	} `json:"policyQuery"`
	Setting struct {
		Type  string          `json:"type"`
		Value json.RawMessage `json:"value"`
	} `json:"setting"`
}

// policy reads the rules for passwords, sessions and the second step; there
// are others, which are about something else.
func (r *reading) policy(e json.RawMessage) error {
	var p policy
	if err := decode(e, &p, &p.Name); err != nil {
		return err
	}
	f := source.Fields{"system": r.System, "name": title(p), "enabled": true}
	read, ok := map[string]func(source.Fields, json.RawMessage) error{
		"settings/security.password":                          passwords,
		"settings/security.session_controls":                  sessions,
		"settings/security.two_step_verification_enforcement": r.secondStep,
	}[p.Setting.Type]
	if !ok {
		return nil
	}
	if err := read(f, p.Setting.Value); err != nil {
		return err
	}
	r.Add("authPolicy", r.id(p.Name), time.Time{}, f)
	return nil
}

// title says what a rule is about, and for whom.
func title(p policy) string {
	s := strings.ReplaceAll(strings.TrimPrefix(p.Setting.Type, "settings/security."), "_", " ")
	if p.Query.Group != "" {
		return s + " (" + p.Query.Group + ")"
	}
	if p.Query.OrgUnit != "" {
		return s + " (" + p.Query.OrgUnit + ")"
	}
	return s
}

func passwords(f source.Fields, value json.RawMessage) error {
	var v struct {
		Strength string `json:"allowedStrength"`
		Length   *int64 `json:"minimumLength"`
		Reuse    *bool  `json:"allowReuse"`
		Expires  string `json:"expirationDuration"`
	}
	if err := json.Unmarshal(value, &v); err != nil {
		return err
	}
	f["kind"] = "password"
	if v.Length != nil {
		f["password.minLength"] = *v.Length
	}
	if v.Strength == "STRONG" || v.Strength == "WEAK" {
		f["password.complexity"] = v.Strength == "STRONG"
	}
	if is(v.Reuse) { // how many are kept is not told where some are
		f["password.history"] = 0
	}
	if d, err := time.ParseDuration(v.Expires); err == nil && d >= 0 {
		f["password.maxAgeDays"] = upTo(d, 24*time.Hour)
	}
	return nil
}

// upTo counts units of a duration, a begun one too.
func upTo(d, unit time.Duration) int64 { return int64((d + unit - 1) / unit) }

func sessions(f source.Fields, value json.RawMessage) error {
	var v struct {
		Duration string `json:"webSessionDuration"`
	}
	if err := json.Unmarshal(value, &v); err != nil {
		return err
	}
	f["kind"] = "session"
	if d, err := time.ParseDuration(v.Duration); err == nil && d > 0 {
		f["session.maxHours"] = upTo(d, time.Hour)
	}
	return nil
}

// secondStep is enforced from an instant on; the zero of Unix time says never.
func (r *reading) secondStep(f source.Fields, value json.RawMessage) error {
	var v struct {
		From *time.Time `json:"enforcedFrom"`
	}
	if err := json.Unmarshal(value, &v); err != nil {
		return err
	}
	f["kind"] = "second factor"
	if v.From != nil {
		f["mfaRequired"] = v.From.Unix() != 0 && !v.From.After(r.about)
	}
	return nil
}
