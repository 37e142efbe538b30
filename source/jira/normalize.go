package jira

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	switch p.Kind {
	case source.KindFailed, kindProjects, kindCount:
		return nil, nil
	case kindSearch, kindIssue:
	default:
		return nil, fmt.Errorf("%w: a page of kind %q is not of a jira source", audit.ErrInvalid, p.Kind)
	}
	r := &reader{}
	if err := source.Strict(conf, &r.conf); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	var f facts
	sheet, err := rest.ReadSheet(p.Body, &f)
	if err != nil {
		return nil, err
	}
	if r.zone, err = time.LoadLocation(f.Zone); err != nil {
		return nil, fmt.Errorf("%w: time zone %q is not known", audit.ErrInvalid, f.Zone)
	}
	if p.Kind == kindIssue {
		r.Refuse(p.Query, r.single(sheet))
		return r.Done()
	}
	var doc json.RawMessage
	if err := sheet.Decode(partList, &doc); err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	list, err := source.Elements(doc, "issues")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	r.Each(list, r.element)
	return r.Done()
}

type reader struct {
	source.Reading
	conf config
	zone *time.Location
}

// element reads a ticket of a list. One whose history is cut off is on a page
// of its own.
func (r *reader) element(raw json.RawMessage) error {
	var i issue
	if err := json.Unmarshal(raw, &i); err != nil {
		return errors.New("it is not a ticket")
	}
	if i.cut() {
		return nil
	}
	return r.ticket(&i, i.Changelog.Histories)
}

// single reads a ticket with a history of several answers. Without all of them
// there is no ticket: what approved it may be in the rest.
func (r *reader) single(s *rest.Sheet) error {
	var i issue
	if err := s.Decode(partIssue, &i); err != nil {
		return errors.New("it is not a ticket")
	}
	var events []event
	total := -1
	for _, p := range s.Answers {
		if p.Part != partMore {
			continue
		}
		c, err := historyOf(p)
		if err != nil {
			return fmt.Errorf("%s: history: %w", i.Key, err)
		}
		events = append(append(events, c.Values...), c.Histories...)
		if c.Total != nil {
			total = *c.Total
		}
	}
	if len(events) < total || total < 0 {
		return fmt.Errorf("%s: %d of %d edits of its history", i.Key, len(events), total)
	}
	return r.ticket(&i, events)
}

// historyOf reads one answer: a page of a history, or a ticket with its own.
func historyOf(p rest.Part) (changelog, error) {
	var doc struct {
		changelog
		Own *changelog `json:"changelog"`
	}
	if !p.OK() {
		return doc.changelog, errors.New("it was not answered")
	}
	if err := json.Unmarshal(p.Bytes(), &doc); err != nil {
		return doc.changelog, errors.New("it is not a history")
	}
	if doc.Own != nil {
		return *doc.Own, nil
	}
	return doc.changelog, nil
}

// ticket reads one ticket, and the incident it is where it is one.
func (r *reader) ticket(i *issue, events []event) error {
	if i.Key == "" {
		return errors.New("it has no key")
	}
	all, err := steps(events)
	if err != nil {
		return fmt.Errorf("%s: %w", i.Key, err)
	}
	t := &telling{reader: r, issue: i, steps: all}
	if err := t.tell(); err != nil {
		return fmt.Errorf("%s: %w", i.Key, err)
	}
	return nil
}

// A telling is one ticket while it becomes items.
type telling struct {
	*reader
	issue  *issue
	steps  []step
	kind   named // issue type
	status named
	labels []string
	// closed is when it came to its end: zero where that is not told, Never
	// where it has not.
	closed time.Time
}

func (t *telling) tell() error {
	for field, v := range map[string]any{"issuetype": &t.kind, "status": &t.status, "labels": &t.labels} {
		if _, _, err := t.issue.read(field, v); err != nil {
			return err
		}
	}
	if err := t.close(); err != nil {
		return err
	}
	f, err := t.common("ticket")
	if err != nil {
		return err
	}
	if err := t.ticketFields(f); err != nil {
		return err
	}
	t.Add("ticket", t.issue.Key, time.Time{}, f)
	if !contains(t.conf.Incidents, t.kind.Name) {
		return nil
	}
	if f, err = t.common("incident"); err != nil {
		return err
	}
	if err := t.incidentFields(f); err != nil {
		return err
	}
	t.Add("incident", t.issue.Key, time.Time{}, f)
	return nil
}

// close finds when a ticket that is done came to its end: when it was resolved,
// else when it came into the status it is in.
func (t *telling) close() error {
	switch t.status.Category.Key {
	case "":
		return nil // the answer does not say where it stands
	case "done":
	default:
		t.closed = audit.Never
		return nil
	}
	at, _, err := t.issue.at("resolutiondate", t.zone)
	if err != nil || !at.IsZero() {
		t.closed = at
		return err
	}
	for _, s := range t.steps {
		if s.is("status") && s.to == t.status.Name {
			t.closed = s.at
		}
	}
	return nil
}

// common are the fields that tickets and incidents share, and the further ones.
func (t *telling) common(typ string) (source.Fields, error) {
	f := source.Fields{}
	var title string
	if _, _, err := t.issue.read("summary", &title); err != nil {
		return nil, err
	}
	f["title"] = title
	if err := t.person("assignee", "owner", f); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(t.conf.Times)) {
		if field := schema(typ, name); field != nil {
			if at := t.first(t.conf.Times[name]); !at.Equal(audit.Never) || field.None != "" {
				f[name] = at
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.conf.Fields)) {
		field := schema(typ, name)
		if field == nil {
			continue
		}
		if err := t.further(name, field, t.conf.Fields[name], f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// person copies a field that holds a person. An empty one says that nobody is.
func (t *telling) person(from, to string, f source.Fields) error {
	var u user
	there, null, err := t.issue.read(from, &u)
	if err == nil && there && (null || u.who() != "") {
		f[to] = u.who()
	}
	return err
}

// first is when the ticket first came into one of statuses.
func (t *telling) first(statuses []string) time.Time {
	if s := entered(t.steps, statuses); len(s) > 0 {
		return s[0].at
	}
	if contains(statuses, t.status.Name) || t.status.Name == "" {
		return time.Time{} // it was made in it, or by a script that keeps no history
	}
	return audit.Never
}

func (t *telling) further(name string, field *audit.Field, from string, f source.Fields) error {
	if label, ok := strings.CutPrefix(from, "label:"); ok {
		if t.issue.Fields["labels"] != nil {
			f[name] = anyMatches(t.labels, label)
		}
		return nil
	}
	if field.Kind == audit.Time {
		at, never, err := t.issue.at(from, t.zone)
		f[name] = at
		if never && field.None != "" {
			f[name] = audit.Never
		}
		return err
	}
	raw, there := t.issue.Fields[from]
	if !there {
		return nil
	}
	text, ok := textOf(raw)
	if !ok {
		return fmt.Errorf("%s: it is no text", from)
	}
	if text == "" || len(field.Enum) == 0 || slices.Contains(field.Enum, text) {
		f[name] = text
	}
	return nil
}

// anyMatches reports whether one of names matches the glob.
func anyMatches(names []string, glob string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return matches(glob, n) })
}

// textOf reads the ways in which Jira writes a text: plain, as an option, a
// person, or a list of these, of which the first counts. Null is "".
func textOf(raw json.RawMessage) (string, bool) {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return "", false
	}
	return textIn(v)
}

func textIn(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case []any:
		if len(v) == 0 {
			return "", true
		}
		return textIn(v[0])
	case map[string]any:
		for _, name := range []string{"value", "emailAddress", "name", "displayName", "key"} {
			if s, ok := v[name].(string); ok && s != "" {
				return s, true
			}
		}
	}
	return "", false
}

func (t *telling) ticketFields(f source.Fields) error {
	f["system"] = t.conf.System
	if k := t.ticketKind(); k != "" {
		f["kind"] = k
	}
	if asked := t.named(t.conf.Requests); asked != "" {
		f["request"] = asked
	}
	if s := t.ticketStatus(); s != "" {
		f["status"] = s
	}
	f["closedAt"] = t.closed
	created, _, err := t.issue.at("created", t.zone)
	if err != nil {
		return err
	}
	f["createdAt"] = created
	due, none, err := t.issue.at("duedate", t.zone)
	if err != nil {
		return err
	}
	f["dueAt"] = due
	if none {
		f["dueAt"] = audit.Never
	}
	var who user
	if _, _, err := t.issue.read("reporter", &who); err != nil {
		return err
	}
	f["requester"] = who.who()
	t.approved(f)
	return nil
}

// named is what the settings say by issue type and labels, of which an exact name
// and then the longest counts; "" where none fits.
func (t *telling) named(words map[string]string) string {
	best := ""
	for _, k := range slices.Sorted(maps.Keys(words)) {
		label, isLabel := strings.CutPrefix(k, "label:")
		if isLabel && !anyMatches(t.labels, label) || !isLabel && !matches(k, t.kind.Name) {
			continue
		}
		if best == "" || len(k) > len(best) {
			best = k
		}
	}
	return words[best]
}

// ticketKind is by the settings; else by Jira's own types of plain work.
func (t *telling) ticketKind() string {
	if k := t.named(t.conf.Kinds); k != "" {
		return k
	}
	switch {
	case contains(t.conf.Incidents, t.kind.Name):
		return "incident"
	case contains([]string{"Task", "Sub-task", "Subtask", "Story", "Epic", "Bug"}, t.kind.Name):
		return "task"
	}
	return ""
}

func (t *telling) ticketStatus() string {
	var resolution named
	_, _, err := t.issue.read("resolution", &resolution)
	switch {
	case err != nil || t.status.Name == "":
		return ""
	case contains(t.conf.Rejected, t.status.Name), resolution.Name != "" && t.status.Category.Key == "done" && contains(t.conf.Rejected, resolution.Name):
		return "rejected"
	}
	return map[string]string{"new": "open", "indeterminate": "in progress", "done": "done"}[t.status.Category.Key]
}

// approved puts in who approved a ticket and when, the last time where it was
// more than once. Where a field's value approves, another value withdraws it.
func (t *telling) approved(f source.Fields) {
	a := t.conf.Approval
	if a == nil {
		return
	}
	var by *step
	if len(a.Statuses) > 0 {
		if s := entered(t.steps, a.Statuses); len(s) > 0 {
			by = &s[len(s)-1]
		} else if contains(a.Statuses, t.status.Name) {
			return // it was made in it: by whose decision is not told
		}
	} else {
		by = t.valued(a)
	}
	if by == nil {
		f["approvedBy"], f["approvedAt"] = "", audit.Never
		return
	}
	f["approvedAt"] = by.at
	if who := by.by.who(); who != "" {
		f["approvedBy"] = who
	}
}

// valued is the change by which the approving field got the value it has.
func (t *telling) valued(a *approval) *step {
	var by *step
	for i, s := range t.steps {
		if !s.is(a.Field) {
			continue
		}
		now := s.to != "" && (len(a.Values) == 0 || contains(a.Values, s.to))
		switch {
		case !now:
			by = nil
		case by == nil:
			by = &t.steps[i]
		}
	}
	return by
}

func (t *telling) incidentFields(f source.Fields) error {
	var priority named
	if _, _, err := t.issue.read("priority", &priority); err != nil {
		return err
	}
	for name, severity := range t.conf.Severities {
		if strings.EqualFold(name, priority.Name) {
			f["severity"] = severity
		}
	}
	for _, label := range slices.Sorted(maps.Keys(t.conf.IncidentKinds)) {
		if anyMatches(t.labels, label) {
			f["kind"] = t.conf.IncidentKinds[label]
			break
		}
	}
	if s := t.incidentStatus(); s != "" {
		f["status"] = s
	}
	if _, given := f["detectedAt"]; !given {
		created, _, err := t.issue.at("created", t.zone)
		if err != nil {
			return err
		}
		f["detectedAt"] = created
	}
	t.resolved(f)
	return nil
}

// resolved is when the incident last came into one of the statuses that say
// so, where it still is resolved; without such statuses, when it was closed.
func (t *telling) resolved(f source.Fields) {
	statuses, named := t.conf.Times["resolvedAt"]
	switch _, own := t.conf.Fields["resolvedAt"]; {
	case own:
	case !named:
		f["resolvedAt"] = t.closed
	case t.closed.Equal(audit.Never) && !contains(statuses, t.status.Name):
		f["resolvedAt"] = audit.Never // open, or opened again
	default:
		if s := entered(t.steps, statuses); len(s) > 0 {
			f["resolvedAt"] = s[len(s)-1].at
		}
	}
}

func (t *telling) incidentStatus() string {
	switch {
	case t.status.Name == "":
		return ""
	case contains(t.conf.Times["resolvedAt"], t.status.Name):
		return "resolved"
	case t.status.Category.Key == "done":
		return "closed"
	case contains(t.conf.Times["containedAt"], t.status.Name):
		return "contained"
	case t.status.Category.Key != "":
		return "open"
	}
	return ""
}
