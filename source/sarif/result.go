package sarif

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"tieout/source/weakness"
)

// A sarifLog is SARIF 2.1.0 (OASIS), as far as it is read.
type sarifLog struct {
	Version string `json:"version"`
	Runs    []run  `json:"runs"`
}

type run struct {
	Tool struct {
		Driver     component   `json:"driver"`
		Extensions []component `json:"extensions"`
	} `json:"tool"`
	Invocations []struct {
		EndTimeUTC          string `json:"endTimeUtc"`
		ExecutionSuccessful *bool  `json:"executionSuccessful"`
	} `json:"invocations"`
	Automation struct {
		ID string `json:"id"`
	} `json:"automationDetails"`
	Provenance []struct {
		RepositoryURI string `json:"repositoryUri"`
		Branch        string `json:"branch"`
	} `json:"versionControlProvenance"`
	Results  []result        `json:"results"`
	External json.RawMessage `json:"externalPropertyFileReferences"`
}

type component struct {
	Name  string `json:"name"`
	Rules []rule `json:"rules"`
}

type rule struct {
	ID      string `json:"id"`
	Default struct {
		Level string `json:"level"`
	} `json:"defaultConfiguration"`
	Properties struct {
		SecuritySeverity any `json:"security-severity"`
	} `json:"properties"`
}

type result struct {
	RuleID    string `json:"ruleId"`
	RuleIndex *int   `json:"ruleIndex"`
	Rule      struct {
		ID        string `json:"id"`
		Index     *int   `json:"index"`
		Component struct {
			Index *int `json:"index"`
		} `json:"toolComponent"`
	} `json:"rule"`
	Kind     string `json:"kind"`
	Level    string `json:"level"`
	Baseline string `json:"baselineState"`
	Message  struct {
		Text string `json:"text"`
	} `json:"message"`
	Locations []struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
		} `json:"physicalLocation"`
		Logical []struct {
			FullName string `json:"fullyQualifiedName"`
		} `json:"logicalLocations"`
	} `json:"locations"`
	Fingerprints map[string]string `json:"fingerprints"`
	Partial      map[string]string `json:"partialFingerprints"`
	Suppressions []suppression     `json:"suppressions"`
	Properties   struct {
		SecuritySeverity any `json:"security-severity"`
	} `json:"properties"`
}

type suppression struct {
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

func parse(body []byte) (sarifLog, error) {
	var l sarifLog
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &l); err != nil {
		return l, fmt.Errorf("it is no SARIF log: %w", err)
	}
	if l.Version != "2.1.0" || len(l.Runs) == 0 {
		return l, fmt.Errorf("it is no SARIF 2.1.0 log with a run: version is %q", l.Version)
	}
	for i, r := range l.Runs {
		if bytes.Contains(r.External, []byte(`"results"`)) {
			return l, fmt.Errorf("run %d keeps results in other files; write one log", i+1)
		}
		if r.Results == nil {
			return l, fmt.Errorf("run %d has no list of results: the tool did not look for any (section 3.14.23)", i+1)
		}
	}
	return l, nil
}

// found reports that a result says that something is there: neither that a
// check was fulfilled (kind, section 3.27.9), nor that it is gone since the
// last run (baselineState, section 3.27.24).
func (r result) found() bool {
	return (r.Kind == "" || r.Kind == "fail" || r.Kind == "open" || r.Kind == "review") && r.Baseline != "absent"
}

func (r run) weakness(res result) (weakness.Weakness, error) {
	ru := r.rule(res)
	id := cmp.Or(res.RuleID, res.Rule.ID, ru.ID)
	if id == "" {
		return weakness.Weakness{}, errors.New("it names no rule")
	}
	w := weakness.Weakness{Advisory: id, Place: res.place(), Severity: severity(res, ru), Status: res.status(), Scanner: r.Tool.Driver.Name}
	if advisory.MatchString(id) {
		w.Kind = "package"
	}
	return w, nil
}

// advisory is the id of a published weakness of a package.
var advisory = regexp.MustCompile(`^(CVE-\d{4}-\d{4,}|GHSA(-[0-9a-z]{4}){3}|GO-\d{4}-\d{4,}|PYSEC-\d{4}-\d+|RUSTSEC-\d{4}-\d{4})`)

// rule finds a result's rule by its index, else by its id (section 3.52.3).
func (r run) rule(res result) rule {
	rules := r.Tool.Driver.Rules
	if i := res.Rule.Component.Index; i != nil {
		if *i < 0 || *i >= len(r.Tool.Extensions) {
			return rule{}
		}
		rules = r.Tool.Extensions[*i].Rules
	}
	i := res.RuleIndex
	if i == nil {
		i = res.Rule.Index
	}
	if i != nil && *i >= 0 && *i < len(rules) {
		return rules[*i]
	}
	id := cmp.Or(res.RuleID, res.Rule.ID)
	if n := slices.IndexFunc(rules, func(x rule) bool { return x.ID == id }); n >= 0 {
		return rules[n]
	}
	return rule{}
}

// severity is the property security-severity by the bands of CVSS, the
// result's before the rule's, else the level (section 3.27.10: without one the
// rule's default, without that a warning).
func severity(res result, ru rule) string {
	for _, v := range []any{res.Properties.SecuritySeverity, ru.Properties.SecuritySeverity} {
		if v == nil {
			continue
		}
		if s := weakness.CVSS(fmt.Sprint(v)); s != "" {
			return s
		}
	}
	return levels[cmp.Or(res.Level, ru.Default.Level, "warning")]
}

var levels = map[string]string{"error": "high", "warning": "medium", "note": "low", "none": "none"}

// status: suppressed only if there is a suppression and none is under review
// or rejected (section 3.27.23).
func (r result) status() string {
	out := "open"
	for _, s := range r.Suppressions {
		switch {
		case s.Status != "" && s.Status != "accepted":
			return "open"
		case strings.HasPrefix(strings.ToLower(s.Justification), "false positive"):
			out = "false positive"
		case out == "open":
			out = "accepted"
		}
	}
	return out
}

// place is what stays the same while lines move: the tool's fingerprint, else
// the file with a partial fingerprint or the thing in it, else its message.
func (r result) place() string {
	if f := first(r.Fingerprints); f != "" {
		return f
	}
	if len(r.Locations) == 0 {
		return cmp.Or(first(r.Partial), r.Message.Text)
	}
	place := r.Locations[0].Physical.Artifact.URI
	if f := first(r.Partial); f != "" {
		return place + ":" + f
	}
	for _, l := range r.Locations[0].Logical {
		if l.FullName != "" {
			return place + ":" + l.FullName
		}
	}
	return cmp.Or(place, r.Message.Text)
}

// first is the fingerprint whose name comes first.
func first(prints map[string]string) string {
	for _, k := range slices.Sorted(maps.Keys(prints)) {
		if prints[k] != "" {
			return prints[k]
		}
	}
	return ""
}
