// Package finding is what sources that read other tools' results of checks have
// in common. A finding is that tool's statement, never a test of ours.
package finding

import (
	"slices"
	"strings"
	"time"

	"tieout/source"
)

// Cannot is what no such report shows.
var Cannot = []string{
	"whether the tool's checks are right: its results are its statements, not results of procedures",
	"which checks, accounts and regions a run was told to leave out: a narrower run looks like one that found less. Give each way of running its own connection",
	"who could change a file between the run and its sealing",
}

// Config is what normalizing needs: the connection, which ids start with.
type Config struct {
	Name string `json:"name"`
}

// A List are the findings of one report. Several lines of one id are one item:
// the line that says the worst.
type List struct {
	connection string
	order      []string
	by         map[string]*line
}

type line struct {
	status string
	fields source.Fields
}

// NewList returns an empty list of a connection's findings.
func NewList(connection string) *List {
	return &List{connection: connection, by: map[string]*line{}}
}

// worst first; "" is a status nobody knows.
var statuses = []string{"not met", "error", "", "manual", "muted", "met", "not applicable"}

var part = strings.NewReplacer("%", "%25", "|", "%7C")

// Add adds one line of the report. The parts of its id are without what changes
// from run to run.
func (l *List) Add(status string, f source.Fields, parts ...string) {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = part.Replace(p)
	}
	id := source.PlainID(l.connection + "/" + strings.Join(escaped, "|"))
	f["status"] = status
	have := l.by[id]
	if have == nil {
		l.by[id], l.order = &line{status, f}, append(l.order, id)
		return
	}
	if slices.Index(statuses, status) < slices.Index(statuses, have.status) {
		*have = line{status, f}
	}
}

// Items are the list's, in the order of the report.
func (l *List) Items(r *source.Reading) {
	for _, id := range l.order {
		r.Add("finding", id, time.Time{}, l.by[id].fields)
	}
}

// Given is a text, or nil where it is empty: not told.
func Given(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Severity reads a tool's word; nil where it is none of the schema's.
func Severity(word string) any {
	switch w := strings.ToLower(word); w {
	case "critical", "high", "medium", "low", "none":
		return w
	case "fatal":
		return "critical"
	case "informational", "info":
		return "none"
	}
	return nil
}
