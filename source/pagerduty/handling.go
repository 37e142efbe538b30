package pagerduty

import (
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// An incident as PagerDuty shows it.
type incident struct {
	ID          string     `json:"id"`
	Number      int        `json:"incident_number"`
	Title       string     `json:"title"`
	Status      string     `json:"status"`
	Urgency     string     `json:"urgency"`
	Created     time.Time  `json:"created_at"`
	Changed     time.Time  `json:"last_status_change_at"`
	Resolved    time.Time  `json:"resolved_at"` // not in every answer
	Service     reference  `json:"service"`
	Priority    *reference `json:"priority"`
	Assignments *[]struct {
		Assignee reference `json:"assignee"`
	} `json:"assignments"`
}

// An entry of an incident's log.
type entry struct {
	Type  string    `json:"type"`
	At    time.Time `json:"created_at"`
	Agent reference `json:"agent"`
}

// A history is what an incident's log says; its zero value is that of a log
// that was not read to its end, which says nothing.
type history struct {
	known    bool
	taken    *entry // the first by which a person took it on
	latest   *entry // the last by which a person took it on
	byOthers bool   // a program acknowledged it
	resolved time.Time
}

func (r *reading) handling(body []byte) error {
	sheet, err := rest.ReadSheet(body, nil)
	if err != nil {
		return err
	}
	for _, part := range sheet.Answers {
		id, ok := strings.CutPrefix(part.Part, partIncident)
		if !ok {
			continue
		}
		var i incident
		if err := json.Unmarshal(part.Bytes(), &i); err != nil || i.ID != id || id == "" {
			r.Refuse(part.Part, errors.Join(err, errors.New("it is not the incident it is said to be")))
			continue
		}
		list, whole := together(sheet, partLog+id, "log_entries")
		h, err := read(list, whole)
		r.Refuse("log of "+id, err)
		r.incident(i, h)
	}
	return nil
}

// read reads a log. An entry that cannot be read makes all of it unknown.
func read(list []json.RawMessage, whole bool) (history, error) {
	h := history{known: whole}
	for _, e := range list {
		var x entry
		if err := json.Unmarshal(e, &x); err != nil {
			return history{}, err
		}
		acknowledged, resolved := x.Type == "acknowledge_log_entry", x.Type == "resolve_log_entry"
		switch {
		case !acknowledged && !resolved:
			continue
		case x.At.IsZero():
			return history{}, errors.New("an entry does not say when it was made")
		case x.Agent.person():
			h.take(x)
		case acknowledged:
			h.byOthers = true
		}
		if resolved && x.At.After(h.resolved) {
			h.resolved = x.At
		}
	}
	if !whole {
		return history{}, nil
	}
	return h, nil
}

func (h *history) take(x entry) {
	if h.taken == nil || x.At.Before(h.taken.At) {
		h.taken = &x
	}
	if h.latest == nil || x.At.After(h.latest.At) {
		h.latest = &x
	}
}

// acknowledged is when a person first took it on; zero where that is not told.
func (h history) acknowledged() time.Time {
	switch {
	case !h.known:
		return time.Time{}
	case h.taken != nil:
		return h.taken.At
	case h.byOthers: // whoever told that program is not in the log
		return time.Time{}
	}
	return audit.Never
}

// closed is when it ended, zero where that is not told.
func (i incident) closed(h history) time.Time {
	switch {
	case i.Status == "triggered" || i.Status == "acknowledged":
		return audit.Never
	case i.Status != "resolved":
		return time.Time{}
	}
	for _, at := range []time.Time{h.resolved, i.Resolved, i.Changed} {
		if !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// owner is who handles it, or the last person who did; nil where that is not told.
func (i incident) owner(h history) any {
	if i.Assignments != nil && len(*i.Assignments) > 0 {
		var who []reference
		for _, a := range *i.Assignments {
			who = append(who, a.Assignee)
		}
		return told(strings.Join(called(who), ", "))
	}
	switch {
	case !h.known:
		return nil
	case h.latest != nil:
		return told(h.latest.Agent.called())
	case h.byOthers || i.Assignments == nil:
		return nil
	}
	return ""
}

// told is a name, nil where there is none.
func told(name string) any {
	if name == "" {
		return nil
	}
	return name
}

func (i incident) priority() string {
	if i.Priority == nil {
		return ""
	}
	return i.Priority.called()
}

// Words of PagerDuty's statuses.
var (
	alertStatus    = map[string]string{"triggered": "open", "acknowledged": "acknowledged", "resolved": "closed"}
	incidentStatus = map[string]string{"triggered": "open", "acknowledged": "open", "resolved": "resolved"}
	incidentKind   = map[string]string{"security": "security", "availability": "availability", "other": "other"}
)

// incident gives an alert, and an incident where the settings count it as one.
func (r *reading) incident(i incident, h history) {
	id, kind, isIncident := r.id(i.ID), r.kind(i.Service.called()), r.Incidents.has(i)
	f := source.Fields{"system": r.System, "title": i.Title, "kind": kind, "severity": r.severity(i), "status": alertStatus[i.Status],
		"raisedAt": i.Created, "acknowledgedAt": h.acknowledged(), "closedAt": i.closed(h), "owner": i.owner(h)}
	if isIncident {
		f["ticket"], f["decision"] = id, "incident"
	}
	if d := lookUp(r.Decisions, i.priority()); d != "" {
		f["decision"] = d
	}
	r.Add("alert", id, time.Time{}, f)
	if isIncident {
		r.Add("incident", id, time.Time{}, source.Fields{"title": i.Title, "kind": incidentKind[kind], "severity": r.incidentSeverity(i), "status": incidentStatus[i.Status],
			"detectedAt": i.Created, "acknowledgedAt": h.acknowledged(), "resolvedAt": i.closed(h), "owner": i.owner(h)})
	}
}

// has says whether the organization counts an incident as its own.
func (c *counted) has(i incident) bool {
	if c == nil {
		return false
	}
	return (len(c.Services) == 0 || c.Services.Match(i.Service.called())) && (len(c.Priorities) == 0 || i.Priority != nil && c.Priorities.Match(i.priority()))
}

// kind is what alerts of a service are about, by the longest glob that matches
// its name, "" where none does.
func (r *reading) kind(service string) string {
	best := ""
	for _, g := range slices.Sorted(maps.Keys(r.Kinds)) {
		if (source.Globs{g}).Match(service) && (best == "" || len(g) > len(best)) {
			best = g
		}
	}
	return r.Kinds[best]
}

// severity is by priority; where there is none, by urgency. A priority that no
// setting names tells a severity only where it is called by its name.
func (r *reading) severity(i incident) string {
	if i.Priority != nil {
		if s := lookUp(r.Severities, i.priority()); s != "" {
			return s
		}
		if name := strings.ToLower(i.priority()); slices.Contains(words("alert", "severity"), name) {
			return name
		}
		return ""
	}
	if s := lookUp(r.Severities, "urgency:"+i.Urgency); s != "" {
		return s
	}
	return map[string]string{"high": "high", "low": "low"}[i.Urgency]
}

var sev = regexp.MustCompile(`(?i)^sev[- ]?([1-4])$`)

func (r *reading) incidentSeverity(i incident) string {
	if s := lookUp(r.IncidentSeverities, i.priority()); s != "" {
		return s
	}
	if m := sev.FindStringSubmatch(i.priority()); m != nil {
		return "sev" + m[1]
	}
	return ""
}

// lookUp finds a name in any case.
func lookUp(list map[string]string, name string) string {
	for _, k := range slices.Sorted(maps.Keys(list)) {
		if name != "" && strings.EqualFold(k, name) {
			return list[k]
		}
	}
	return ""
}
