package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/weakness"
)

// A host is what `GET /api/v1/fleet/hosts/:id` tells (Fleet's REST API, "Get
// host").
type host struct {
	ID            int64      `json:"id"`
	Hostname      string     `json:"hostname"`
	UUID          string     `json:"uuid"`
	Serial        string     `json:"hardware_serial"`
	Platform      string     `json:"platform"`
	PlatformLike  string     `json:"platform_like"`
	OSVersion     string     `json:"os_version"`
	SeenTime      *time.Time `json:"seen_time"`
	DiskEncrypted *bool      `json:"disk_encryption_enabled"`
	MDM           struct {
		Status *string `json:"enrollment_status"`
	} `json:"mdm"`
	Users []struct {
		Name  string `json:"username"`
		Shell string `json:"shell"`
	} `json:"users"`
	Policies []struct {
		Name     string `json:"name"`
		Response string `json:"response"`
	} `json:"policies"`
	Software []software `json:"software"`
}

type software struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Version  string `json:"version"`
	Weakness []struct {
		CVE      string       `json:"cve"`
		Score    *json.Number `json:"cvss_score"`          // Fleet Premium
		Resolved *string      `json:"resolved_in_version"` // Fleet Premium
	} `json:"vulnerabilities"`
}

func normalize(with json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c config
	if err := source.Strict(with, &c); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	switch p.Kind {
	case source.KindFailed, kindMe, kindCount, kindHosts, kindQueries, kindReport:
		return nil, nil
	case kindHost, kindSheet:
	default:
		return nil, fmt.Errorf("%w: page kind %q is not one of fleet's", audit.ErrInvalid, p.Kind)
	}
	body, rows, err := answered(p)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Host host `json:"host"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("the answer is not a host: %w", err)
	}
	h := answer.Host
	if h.ID <= 0 {
		return nil, errors.New("the answer is not a host: it has no id")
	}
	var r source.Reading
	id := p.Source + "/" + strconv.FormatInt(h.ID, 10)
	f := h.fields()
	c.told(&r, rows, f)
	if yes, _, ok := c.Supported.At(p.About.From, fmt.Sprint(f["platform"]), h.Platform, h.OSVersion); ok {
		f["os.supported"] = yes
	}
	h.decided(c, f)
	r.Add("device", id, time.Time{}, f)
	for _, s := range h.Software {
		s.weaknesses(&r, id)
	}
	return r.Done()
}

func (h host) fields() source.Fields {
	f := source.Fields{"status": "active", "hostname": h.Hostname, "serial": h.Serial, "os.version": h.OSVersion, "platform": h.platform()}
	if h.Serial == "" {
		f["serial"] = h.UUID
	}
	if h.SeenTime != nil {
		f["lastSeenAt"] = *h.SeenTime
	}
	if h.DiskEncrypted != nil {
		f["diskEncrypted"] = *h.DiskEncrypted
	}
	if m := h.managed(); m != nil {
		f["managed"] = m
	}
	if u := h.signIns(); u != nil {
		f["users"] = u
	}
	return f
}

// decided sets what policies decide. One that states a bound tells, where it
// passes, that the screen locks after at most that: the least of those counts,
// where the number itself is not known. Where it fails it is not known whether
// the screen locks late or never.
func (h host) decided(c config, f source.Fields) {
	least := 0
	for _, p := range h.Policies {
		d, ok := c.Policies[p.Name]
		pass := p.Response == "pass"
		switch bound := d.bound.ScreenLock; {
		case !ok || !pass && p.Response != "fail":
		case d.field != "":
			f[d.field] = pass
		case pass && (least == 0 || bound < least):
			least = bound
		}
	}
	if _, exact := f["screenLock.seconds"]; least > 0 && !exact && f["screenLock.enabled"] != false {
		f["screenLock.enabled"], f["screenLock.seconds"] = true, least
	}
}

// linux are the names Fleet uses of distributions, and of what they are like.
var linux = []string{"linux", "ubuntu", "debian", "rhel", "centos", "fedora", "arch", "amzn", "sles", "suse", "opensuse", "opensuse-leap", "opensuse-tumbleweed", "kali", "gentoo", "pop", "nixos", "void", "manjaro", "tuxedo"}

func (h host) platform() any {
	switch h.Platform {
	case "darwin":
		return "macos"
	case "windows", "ios", "android":
		return h.Platform
	case "ipados":
		return "ios"
	case "chrome":
		return "chromeos"
	}
	if slices.ContainsFunc(strings.Fields(h.Platform+" "+h.PlatformLike), func(s string) bool { return slices.Contains(linux, s) }) {
		return "linux"
	}
	return nil
}

// managed reads the state of enrollment in device management; nil where it is
// not told, or in words that are not known.
func (h host) managed() any {
	if h.MDM.Status == nil {
		return nil
	}
	switch s := *h.MDM.Status; {
	case strings.HasPrefix(s, "On"):
		return true
	case s == "Off" || s == "Pending":
		return false
	}
	return nil
}

// signIns are the accounts with a shell that lets a person in; nil where that
// is not told, and on Windows, where shells say nothing.
func (h host) signIns() any {
	if h.Users == nil || h.Platform == "windows" {
		return nil
	}
	out := []string{}
	for _, u := range h.Users {
		shell := u.Shell[strings.LastIndexByte(u.Shell, '/')+1:]
		if u.Name != "" && !slices.Contains([]string{"", "nologin", "false", "sync", "shutdown", "halt"}, shell) {
			out = append(out, u.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s software) weaknesses(r *source.Reading, device string) {
	for _, w := range s.Weakness {
		if w.CVE == "" {
			r.Refuse("software "+s.Name, errors.New("a weakness without a name"))
			continue
		}
		f := source.Fields{"advisory": w.CVE, "status": "open", "asset": device, "package": s.Name, "scanner": "fleet", "kind": "package", "severity": severity(w.Score)}
		if w.Resolved != nil && *w.Resolved != "" {
			f["fixAvailable"] = true
		}
		r.Add("vulnerability", device+"/"+strconv.FormatInt(s.ID, 10)+"/"+w.CVE, time.Time{}, f)
	}
}

// severity is the rating of a score; nil without one.
func severity(score *json.Number) any {
	if score == nil {
		return nil
	}
	if s := weakness.CVSS(score.String()); s != "" {
		return s
	}
	return nil
}
