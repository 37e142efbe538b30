package jira

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// An issue is one ticket as Jira tells it.
type issue struct {
	ID        string                     `json:"id"`
	Key       string                     `json:"key"`
	Fields    map[string]json.RawMessage `json:"fields"`
	Changelog *changelog                 `json:"changelog"`
}

type changelog struct {
	Total     *int    `json:"total"`
	Histories []event `json:"histories"`
	Values    []event `json:"values"` // as the answer for one ticket calls them
}

// An event is one edit of a ticket.
type event struct {
	ID      string `json:"id"`
	Author  *user  `json:"author"`
	Created string `json:"created"`
	Items   []struct {
		Field   string `json:"field"`
		FieldID string `json:"fieldId"`
		From    string `json:"fromString"`
		To      string `json:"toString"`
	} `json:"items"`
}

type user struct {
	AccountID string `json:"accountId"`
	Email     string `json:"emailAddress"`
	Name      string `json:"name"`
	Display   string `json:"displayName"`
}

// who is what a person is called, the same wherever they appear: the address
// where they share it.
func (u *user) who() string {
	if u == nil {
		return ""
	}
	return cmp.Or(u.Email, u.Name, u.Display, u.AccountID)
}

// cut reports that the history is not all there.
func (i *issue) cut() bool {
	c := i.Changelog
	return c == nil || c.Total == nil || *c.Total > len(c.Histories)
}

type named struct {
	Name     string `json:"name"`
	Category struct {
		Key string `json:"key"`
	} `json:"statusCategory"`
}

// read decodes a field. there is false where the answer does not hold it, and
// null where Jira says that it is empty.
func (i *issue) read(field string, v any) (there, null bool, err error) {
	raw, there := i.Fields[field]
	if !there || string(raw) == "null" {
		return there, there, nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return true, false, fmt.Errorf("%s: it is not what Jira's interface says it is", field)
	}
	return true, false, nil
}

const instantLayout = "2006-01-02T15:04:05.999999999Z0700"

func instant(text string) (time.Time, error) {
	for _, layout := range []string{instantLayout, time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1970 {
			return audit.Instant(t), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not an instant", text)
}

// at reads an instant, or a day as its end in zone. never is true where Jira
// says that there is none; the instant is zero where it says nothing.
func (i *issue) at(field string, zone *time.Location) (t time.Time, never bool, err error) {
	var text string
	there, null, err := i.read(field, &text)
	if err != nil || !there || null {
		return t, null, err
	}
	if d, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return audit.Instant(d.AddDate(0, 0, 1)), false, nil
	}
	if t, err = instant(text); err != nil {
		err = fmt.Errorf("%s: %w", field, err)
	}
	return t, false, err
}

// A step is one change of one field.
type step struct {
	at        time.Time
	by        *user
	field, id string
	to        string
}

// steps are all changes, oldest first.
func steps(events []event) ([]step, error) {
	var out []step
	for _, e := range events {
		at, err := instant(e.Created)
		if err != nil {
			return nil, fmt.Errorf("history %s: %w", e.ID, err)
		}
		for _, it := range e.Items {
			out = append(out, step{at, e.Author, it.Field, it.FieldID, it.To})
		}
	}
	slices.SortStableFunc(out, func(a, b step) int { return a.at.Compare(b.at) })
	return out, nil
}

func (s step) is(field string) bool {
	return strings.EqualFold(s.field, field) || s.id != "" && strings.EqualFold(s.id, field)
}

// entered are the changes by which a ticket came into one of statuses from another.
func entered(all []step, statuses []string) []step {
	var out []step
	in := false
	for _, s := range all {
		if !s.is("status") {
			continue
		}
		now := contains(statuses, s.to)
		if now && !in {
			out = append(out, s)
		}
		in = now
	}
	return out
}

func contains(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return matches(n, name) })
}
