package pagerduty

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// A reading is one page while it becomes items.
type reading struct {
	source.Reading
	config
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var r reading
	if err := json.Unmarshal(conf, &r.config); err != nil {
		return nil, fmt.Errorf("%w: pagerduty: configuration: %w", audit.ErrInvalid, err)
	}
	read, err := r.reader(p.Kind)
	if read == nil || err != nil {
		return nil, err
	}
	if err := read(p.Body); err != nil {
		return nil, fmt.Errorf("%w: pagerduty: %s: %w", audit.ErrInvalid, p.Kind, err)
	}
	return r.Done()
}

// reader is what reads a kind of page; nil for those that give no items.
func (r *reading) reader(kind string) (func(body []byte) error, error) {
	switch kind {
	case source.KindFailed, kindPolicies, kindIncidents:
		return nil, nil
	case kindUsers:
		return r.users, nil
	case kindRota:
		return r.rota, nil
	case kindHandling:
		return r.handling, nil
	}
	return nil, fmt.Errorf("%w: pagerduty gives no pages of kind %q", audit.ErrInvalid, kind)
}

func (r *reading) id(native string) string { return r.System + "/" + native }

// called is how people call what is referred to.
func (x reference) called() string { return cmp.Or(x.Name, x.Summary, x.ID) }

// person reports that a user is referred to, and not a service or an integration.
func (x reference) person() bool { return x.Type == "user" || x.Type == "user_reference" }

// A user as PagerDuty shows it.
type user struct {
	ID      string    `json:"id"`
	Email   string    `json:"email"`
	Role    string    `json:"role"`
	Created time.Time `json:"created_at"` // not in every account
	Invited *bool     `json:"invitation_sent"`
}

// Roles of users, and whether they administer the account.
var roles = map[string]bool{"owner": true, "admin": true, "user": false, "limited_user": false, "observer": false, "restricted_access": false,
	"read_only_user": false, "read_only_limited_user": false}

func (r *reading) users(body []byte) error {
	list, err := source.Elements(body, "users")
	if err != nil {
		return err
	}
	r.Each(list, r.user)
	return nil
}

func (r *reading) user(e json.RawMessage) error {
	var u user
	if err := json.Unmarshal(e, &u); err != nil {
		return err
	}
	if u.ID == "" {
		return errors.New("a user without an id")
	}
	f := source.Fields{"system": r.System, "login": u.Email, "kind": "human", "createdAt": u.Created, "disabledAt": audit.Never}
	if u.Email != "" {
		f["email"] = u.Email
	}
	if r.Service.Match(u.Email) {
		f["kind"] = "service"
	}
	if admin, known := roles[u.Role]; known {
		f["admin"] = admin
	}
	if u.Invited != nil {
		f["status"] = map[bool]string{true: "pending", false: "active"}[*u.Invited]
	}
	r.Add("account", r.id(u.ID), time.Time{}, f)
	if l := r.Person.Link(r.id(u.ID), "", u.Email); l != nil {
		r.Add("link", r.id("link/"+u.ID), time.Time{}, l)
	}
	return nil
}

// A policy as PagerDuty lists it.
type policy struct {
	reference
	Services []reference `json:"services"`
}

// An onCall is a stretch in which a person is on call.
type onCall struct {
	User   reference `json:"user"`
	Policy reference `json:"escalation_policy"`
	Level  *int      `json:"escalation_level"`
	Start  edge      `json:"start"`
	End    edge      `json:"end"`
}

// An edge of a stretch: null, which says that it has none, is told from absence.
type edge struct {
	told bool
	at   time.Time
}

func (e *edge) UnmarshalJSON(b []byte) error {
	e.told = true
	if string(b) == "null" {
		return nil
	}
	return json.Unmarshal(b, &e.at)
}

// rota reads one policy. Where any of its answers did not come, nothing is said
// of who is on call.
func (r *reading) rota(body []byte) error {
	var facts rotaFacts
	sheet, err := rest.ReadSheet(body, &facts)
	if err != nil {
		return err
	}
	var p policy
	if err := sheet.Decode(partPolicy, &p); err != nil {
		return err
	}
	if p.ID == "" || !facts.From.Before(facts.To) {
		return errors.New("a policy without an id, or without the stretch it was read for")
	}
	f := source.Fields{"name": p.called()}
	if names := called(p.Services); len(names) > 0 {
		f["service"] = strings.Join(names, ", ")
	}
	list, whole := together(sheet, partOnCalls, "oncalls")
	if whole {
		r.Refuse("policy "+p.ID, duty(f, p.ID, list, facts))
	}
	r.Add("rota", r.id(p.ID), time.Time{}, f)
	return nil
}

// called are names, each once and in order.
func called(list []reference) []string {
	out := []string{}
	for _, x := range list {
		if name := x.called(); name != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// together are the elements of every page of a list that a sheet holds; whole
// says that the last of them said that no more follow.
func together(sheet *rest.Sheet, part, name string) (list []json.RawMessage, whole bool) {
	for _, p := range sheet.Answers {
		if p.Part != part {
			continue
		}
		var at place
		some, err := source.Elements(p.Bytes(), name)
		if !p.OK() || err != nil || json.Unmarshal(p.Bytes(), &at) != nil {
			return nil, false
		}
		list, whole = append(list, some...), at.More != nil && !*at.More
	}
	return list, whole
}

// duty says who is on call now, on how many levels, and how many hours of the
// coming week nobody is. On an error it has said nothing.
func duty(f source.Fields, policy string, list []json.RawMessage, facts rotaFacts) error {
	var now []reference
	levels := map[int]bool{}
	var covered []audit.Span
	for i, e := range list {
		var o onCall
		if err := json.Unmarshal(e, &o); err != nil {
			return fmt.Errorf("on-call %d: %w", i+1, err)
		}
		if !o.Start.told || !o.End.told || o.Level == nil || o.User.ID == "" || o.Policy.ID != policy {
			return fmt.Errorf("on-call %d does not say who, from when, until when, on which level of this policy", i+1)
		}
		s := audit.Span{From: o.Start.at, To: o.End.at}
		if s.From.Before(facts.From) {
			s.From = facts.From
		}
		if s.To.IsZero() || s.To.After(facts.To) {
			s.To = facts.To
		}
		if !s.From.Before(s.To) {
			continue
		}
		covered = append(covered, s)
		if s.From.Equal(facts.From) {
			now, levels[*o.Level] = append(now, o.User), true
		}
	}
	f["onCall"], f["levels"], f["gapHours"] = called(now), len(levels), gap(covered, facts)
	return nil
}

// gap is how many hours of a stretch no span covers, begun hours whole.
func gap(covered []audit.Span, facts rotaFacts) int {
	slices.SortFunc(covered, func(a, b audit.Span) int { return a.From.Compare(b.From) })
	var open time.Duration
	at := facts.From
	for _, s := range covered {
		if s.From.After(at) {
			open += s.From.Sub(at)
		}
		if s.To.After(at) {
			at = s.To
		}
	}
	if facts.To.After(at) {
		open += facts.To.Sub(at)
	}
	return int((open + time.Hour - 1) / time.Hour)
}
