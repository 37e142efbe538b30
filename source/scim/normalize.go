package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/source"
)

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	switch p.Kind {
	case source.KindFailed:
		return nil, nil
	case kindJournal:
	default:
		return nil, fmt.Errorf("%w: a page of kind %q is not of a scim source", audit.ErrInvalid, p.Kind)
	}
	r := &reader{}
	if err := source.Strict(conf, &r.conf); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	n := 0
	cut, _, err := lines(p.Body, func(line []byte) error {
		n++
		r.Refuse(fmt.Sprintf("%s: line %d of them", p.Query, n), r.line(line))
		return nil
	})
	if cut {
		err = errors.New("the last line is cut off")
	}
	r.Refuse(p.Query, err)
	return r.Done()
}

type reader struct {
	source.Reading
	conf config
}

// line reads one entry: the state since its instant.
func (r *reader) line(text []byte) error {
	var e entry
	if err := json.Unmarshal(text, &e); err != nil {
		return errors.New("it is no entry of a journal")
	}
	if e.At.Year() < 1970 || e.At.Year() > 9998 {
		return errors.New("it says no instant")
	}
	e.At = audit.Instant(e.At)
	switch {
	case e.Event != eventRequest:
	case e.User != nil:
		r.user(e)
	case e.Group != nil:
		r.group(e)
	default:
		return errors.New("it says of no user and no group what it changed")
	}
	return nil
}

func (r *reader) prefixed(id string) string { return r.conf.Connection + "/" + id }

func (r *reader) gone(typ, id string, e entry) {
	r.Items = append(r.Items, audit.Item{Type: typ, ID: id, At: e.At, Gone: true})
}

func matches(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(g string) bool {
		ok, err := path.Match(strings.ToLower(g), strings.ToLower(name))
		return err == nil && ok
	})
}

func (r *reader) user(e entry) {
	id := r.prefixed(e.User.ID)
	if e.User.ID == "" {
		r.Refuse("entry", errors.New("the user has no id"))
		return
	}
	if e.Unlinked && r.conf.People != "" {
		r.gone("link", id, e)
	}
	if e.Deleted {
		r.gone("account", id, e)
		for _, g := range e.Gone {
			r.gone("membership", r.prefixed(g)+"/"+e.User.ID, e)
		}
		return
	}
	a := e.User.Attributes
	name, _ := value(a, "userName").(string)
	f := source.Fields{"system": r.conf.System, "login": name, "email": email(value(a, "emails"))}
	switch active, ok := boolean(value(a, "active")); {
	case !ok:
	case active:
		f["status"], f["disabledAt"] = "active", audit.Never
	default:
		f["status"] = "disabled"
		if e.User.DisabledAt != nil {
			f["disabledAt"] = audit.Instant(*e.User.DisabledAt)
		}
	}
	switch {
	case matches(r.conf.Services, name):
		f["kind"] = "service"
	case len(r.conf.Services) > 0:
		f["kind"] = "human"
	}
	r.Add("account", id, e.At, f)
	if n := employee(e.User); n != "" && r.conf.People != "" {
		r.Add("link", id, e.At, source.Fields{"person": r.conf.People + "/" + n, "account": id, "device": "", "basis": "employee number", "confirmed": true})
	}
}

// email is the primary address, else the one at work, else the first; "" where
// the provider gives none.
func email(v any) string {
	best, rank := "", 0
	for _, e := range elements(v) {
		m, ok := e.(map[string]any)
		text, _ := value(m, "value").(string)
		if !ok || text == "" {
			continue
		}
		n := 1
		if t, _ := value(m, "type").(string); strings.EqualFold(t, "work") {
			n = 2
		}
		if primary, _ := boolean(value(m, "primary")); primary {
			n = 3
		}
		if n > rank {
			best, rank = text, n
		}
	}
	return best
}

func (r *reader) group(e entry) {
	id := r.prefixed(e.Group.ID)
	name, _ := value(e.Group.Attributes, "displayName").(string)
	if e.Group.ID == "" {
		r.Refuse("entry", errors.New("the group has no id"))
		return
	}
	for _, u := range e.Gone {
		r.gone("membership", id+"/"+u, e)
	}
	if e.Deleted {
		return
	}
	for _, u := range e.Set {
		f := source.Fields{"account": r.prefixed(u), "system": r.conf.System, "group": name, "role": "member"}
		if len(r.conf.Privileged) > 0 {
			f["privileged"] = matches(r.conf.Privileged, name)
		}
		r.Add("membership", id+"/"+u, e.At, f)
	}
}
