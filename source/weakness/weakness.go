// Package weakness is what sources that read the reports of scanners have in
// common: one report is the whole set of weaknesses of what was scanned, at the
// instant the report itself states, so that what a later report of the same
// thing does not show has disappeared.
package weakness

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tieout/source"
	"tieout/source/folder"
)

// Cannot is what no report of a scanner shows.
var Cannot = []string{
	"which checks, severities and paths a scan was told to leave out: a narrower scan looks like one that found less. Give each way of scanning its own connection",
	"what the scanner's database did not know yet when the scan ran",
	"who could change a file between the scan and its sealing",
}

// A Tool is how one scanner's reports are read.
type Tool struct {
	Kind   string // of its pages
	Cannot []string
	Called bool // items are of code that is called only; normalizing is told so
	// Head reads when the scan was and what was scanned, as far as the report says.
	Head func(body []byte) (folder.Head, error)
}

// Open returns the collector and the configuration of normalizing. Errors wrap
// audit.ErrInvalid.
func (t Tool) Open(name string, s folder.ToolSettings, env source.Env) (source.Collector, json.RawMessage, error) {
	head := func(_ string, body []byte, _ *time.Location) (folder.Head, error) { return t.Head(body) }
	tool := folder.Tool{Kind: t.Kind, Types: []string{"vulnerability"}, Cannot: t.Cannot, Config: config{name, t.Called}, Head: head}
	return tool.Open(name, s, env)
}

// config is what normalizing needs: the connection, which ids start with, and
// whether code that is not called is left out.
type config struct {
	Name   string `json:"name"`
	Called bool   `json:"called,omitempty"`
}

// Reach documents the setting of tools that know which code is called.
var Reach = source.Setting{Name: "reach", Doc: "`called`: only what the tool found to be called; absent: all it reports", Example: "called"}

// Called reads that setting.
func Called(reach string) (bool, error) {
	if reach != "" && reach != "called" {
		return false, fmt.Errorf("reach: %q; write called, or leave it out", reach)
	}
	return reach == "called", nil
}

// Severity reads a scanner's word; "" where it is none of the schema's. What
// distributions call negligible is low.
func Severity(word string) string {
	switch w := strings.ToLower(word); w {
	case "critical", "high", "medium", "low", "none":
		return w
	case "moderate":
		return "medium"
	case "negligible":
		return "low"
	}
	return ""
}

// CVSS reads a base value from 0.0 to 10.0 by the bands of FIRST's CVSS 3.1
// and 4.0 specifications, section "Qualitative Severity Rating Scale"; "" for
// what is no such number.
func CVSS(text string) string {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	switch {
	case err != nil || !(v >= 0 && v <= 10):
		return ""
	case v >= 9:
		return "critical"
	case v >= 7:
		return "high"
	case v >= 4:
		return "medium"
	case v > 0:
		return "low"
	}
	return "none"
}
