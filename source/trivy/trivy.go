// Package trivy is the source that reads JSON reports of Trivy. docs/sources/trivy.md describes it.
package trivy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/folder"
	"tieout/source/weakness"
)

const kind = "trivy.report"

// Driver is the trivy source.
var Driver = &source.Driver{
	Name:    "trivy",
	Version: 1,
	Title:   "Trivy reports (JSON)",
	Types:   []string{"vulnerability"},
	Scopes:  []source.Scope{{Name: "read the files", Why: "they are read and sealed as they are; nothing is scanned and nothing is written"}},
	Cannot:  cannot,
	Settings: append(folder.Documented(), source.Setting{Name: "tags",
		Doc: "`drop`: all tags of an image are the same thing, so that the next build's scan shows what is gone; absent: each tag is one of its own", Example: "drop"}),

	Open:      open,
	Normalize: normalize,
}

var cannot = append([]string{
	"what .trivyignore or VEX documents hid, unless the scan ran with --show-suppressed",
	"licenses: they are not read",
}, weakness.Cannot...)

// Settings is the `with:` of a trivy connection.
type Settings struct {
	folder.ToolSettings
	Tags string `json:"tags"`
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	if s.Tags != "" && s.Tags != "drop" {
		return nil, nil, fmt.Errorf("%w: source %s: tags: %q; write drop, or leave it out", audit.ErrInvalid, name, s.Tags)
	}
	tool := weakness.Tool{Kind: kind, Cannot: cannot, Head: func(body []byte) (folder.Head, error) { return head(body, s.Tags == "drop") }}
	return tool.Open(name, s.ToolSettings, env)
}

// A report is Trivy's JSON, schema version 2 (pkg/types/report.go).
type report struct {
	SchemaVersion int
	CreatedAt     time.Time
	ArtifactName  string
	ArtifactType  string
	Results       []result
}

type result struct {
	Target                       string
	Class                        string
	Type                         string
	Vulnerabilities              []finding
	Misconfigurations            []finding
	Secrets                      []finding
	ExperimentalModifiedFindings []modified
}

// A finding is a vulnerability, a misconfiguration or a secret: what they have
// in common has the same name in each.
type finding struct {
	VulnerabilityID  string
	PkgName          string
	PkgPath          string
	InstalledVersion string
	FixedVersion     string
	ID               string // of a misconfiguration
	RuleID           string // of a secret
	Status           string
	Severity         string
	CauseMetadata    struct{ Resource string }
}

// A modified finding is one that an ignore file or a VEX document hid.
type modified struct {
	Type    string
	Status  string
	Finding finding
}

func parse(body []byte) (report, error) {
	var r report
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &r); err != nil {
		return r, fmt.Errorf("it is no JSON report of Trivy: %w", err)
	}
	if r.SchemaVersion != 2 {
		return r, fmt.Errorf("it is no JSON report of Trivy of schema version 2: SchemaVersion is %d", r.SchemaVersion)
	}
	return r, nil
}

func head(body []byte, drop bool) (folder.Head, error) {
	r, err := parse(body)
	if err != nil {
		return folder.Head{}, err
	}
	if r.ArtifactType == "cyclonedx" || r.ArtifactType == "spdx" {
		// The name is the document's, the thing it is about may be anything.
		r.ArtifactName = r.ArtifactType + " " + r.ArtifactName
	}
	if drop && r.ArtifactType == "container_image" {
		r.ArtifactName = weakness.WithoutTag(r.ArtifactName)
	}
	return folder.Head{At: r.CreatedAt, Scope: r.ArtifactName}, nil
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	list, body, err := weakness.Read(conf, kind, p)
	if err != nil || list == nil {
		return nil, err
	}
	r, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	var out source.Reading
	for _, res := range r.Results {
		if err := res.add(list); err != nil {
			out.Refuse("result "+res.Target, err)
		}
	}
	list.Items(&out)
	return out.Done()
}

func (r result) add(list *weakness.List) error {
	for _, v := range r.Vulnerabilities {
		list.Add(r.vulnerability(v))
	}
	for _, m := range r.Misconfigurations {
		if m.Status != "PASS" {
			list.Add(r.misconfiguration(m))
		}
	}
	for _, s := range r.Secrets {
		list.Add(r.secret(s))
	}
	for _, m := range r.ExperimentalModifiedFindings {
		if err := r.modified(list, m); err != nil {
			return err
		}
	}
	return nil
}

func (r result) vulnerability(v finding) weakness.Weakness {
	w := r.weakness(v, v.VulnerabilityID, "package")
	w.Package, w.Place = v.PkgName, r.Target
	if r.Class == "os-pkgs" {
		w.Place = r.Type // Target names the image with its tag and the system's version
	}
	if v.PkgPath != "" {
		w.Place += ":" + weakness.WithoutVersion(v.PkgPath, v.InstalledVersion)
	}
	if v.Status == "not_affected" {
		w.Status = "false positive"
	}
	w.Fix = fix(v)
	return w
}

// fix reads whether there is a fix (docs: "Filtering", by status).
func fix(v finding) *bool {
	switch {
	case v.FixedVersion != "" || v.Status == "fixed":
		return weakness.Yes()
	case v.Status == "affected" || v.Status == "will_not_fix" || v.Status == "fix_deferred" || v.Status == "end_of_life":
		return weakness.No()
	}
	return nil
}

func (r result) misconfiguration(m finding) weakness.Weakness {
	w := r.weakness(m, m.ID, "configuration")
	w.Place = r.Target
	if m.CauseMetadata.Resource != "" {
		w.Place += ":" + m.CauseMetadata.Resource
	}
	switch m.Status {
	case "FAIL":
	case "EXCEPTION":
		w.Status = "accepted"
	default:
		w.Status = ""
	}
	return w
}

func (r result) secret(s finding) weakness.Weakness {
	w := r.weakness(s, s.RuleID, "secret")
	w.Place = r.Target
	return w
}

func (r result) weakness(f finding, advisory, kind string) weakness.Weakness {
	return weakness.Weakness{Advisory: advisory, Kind: kind, Severity: weakness.Severity(f.Severity), Status: "open", Scanner: "Trivy"}
}

// modified adds what the scan was told to hide, with what it was told.
func (r result) modified(list *weakness.List, m modified) error {
	var w weakness.Weakness
	switch m.Type {
	case "vulnerability":
		w = r.vulnerability(m.Finding)
	case "misconfiguration":
		w = r.misconfiguration(m.Finding)
	case "secret":
		w = r.secret(m.Finding)
	case "license":
		return nil
	default:
		return errors.New("a suppressed finding of a type that is not known: " + m.Type)
	}
	switch m.Status {
	case "ignored":
		w.Status = "accepted"
	case "not_affected":
		w.Status = "false positive"
	case "fixed":
		w.Status = "fixed"
	}
	list.Add(w)
	return nil
}
