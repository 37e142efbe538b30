package bamboohr

import (
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

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	switch p.Kind {
	case source.KindFailed, kindChanges:
		return nil, nil
	case kindPeople:
	default:
		return nil, fmt.Errorf("%w: a page of kind %q is not of a bamboohr source", audit.ErrInvalid, p.Kind)
	}
	r := &reader{at: p.About.From, numbers: map[string]string{}}
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
	var report json.RawMessage
	if err := sheet.Decode(partReport, &report); err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	list, err := source.Elements(report, "employees")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	r.readJobs(sheet)
	r.index(list)
	r.Each(list, r.person)
	return r.Done()
}

type reader struct {
	source.Reading
	conf    config
	at      time.Time
	zone    *time.Location
	numbers map[string]string // BambooHR's id -> what people are known by
	jobs    map[string][]job  // nil: not known
}

// A job is one row of the job information table.
type job struct {
	Date       string `json:"date"`
	Department string `json:"department"`
	Title      string `json:"jobTitle"`
}

func (r *reader) readJobs(s *rest.Sheet) {
	var doc struct {
		Employees map[string]struct {
			Rows []job `json:"rows"`
		} `json:"employees"`
	}
	if s.Decode(partJobs, &doc) != nil || doc.Employees == nil {
		return
	}
	r.jobs = map[string][]job{}
	for id, e := range doc.Employees {
		r.jobs[id] = e.Rows
	}
}

// A person is one row of the report, by folded field name. A key whose value is
// nil is there and empty.
type person map[string]*string

func readPerson(raw json.RawMessage) (person, error) {
	var obj map[string]any
	if err := json.Unmarshal(raw, &obj); err != nil || obj == nil {
		return nil, errors.New("it is not an employee")
	}
	p := person{}
	for name, v := range obj {
		switch v := v.(type) {
		case nil:
			p[strings.ToLower(name)] = nil
		case string:
			v = strings.TrimSpace(v)
			p[strings.ToLower(name)] = &v
		case float64:
			s := fmt.Sprintf("%.0f", v)
			p[strings.ToLower(name)] = &s
		}
	}
	if p.text("id") == "" {
		return nil, errors.New("it has no id")
	}
	return p, nil
}

func (p person) text(name string) string {
	if v := p[strings.ToLower(name)]; v != nil {
		return *v
	}
	return ""
}

func (p person) has(name string) bool { _, ok := p[strings.ToLower(name)]; return ok }

func (r *reader) index(list []json.RawMessage) {
	for _, e := range list {
		if p, err := readPerson(e); err == nil {
			r.numbers[p.text("id")] = p.text(r.conf.IDs)
		}
	}
}

func (r *reader) person(raw json.RawMessage) error {
	p, err := readPerson(raw)
	if err != nil {
		return err
	}
	id := p.text(r.conf.IDs)
	if id == "" {
		return fmt.Errorf("employee %s has no %s", p.text("id"), r.conf.IDs)
	}
	f := source.Fields{"name": strings.TrimSpace(p.text("firstName") + " " + p.text("lastName"))}
	for from, to := range map[string]string{"workEmail": "email", "department": "department", "jobTitle": "title"} {
		if p.has(from) {
			f[to] = p.text(from)
		}
	}
	if err := r.dates(p, f); err != nil {
		return fmt.Errorf("employee %s: %w", id, err)
	}
	r.manager(p, f)
	r.kind(p, f)
	if err := r.moved(p, f); err != nil {
		return fmt.Errorf("employee %s: %w", id, err)
	}
	r.Add("person", r.conf.Connection+"/"+id, time.Time{}, f)
	return nil
}

// day reads a day's start. BambooHR writes 0000-00-00 where there is none: the
// instant is then zero.
func (r *reader) day(text string) (time.Time, error) {
	if text == "" || text == "0000-00-00" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, r.zone)
	if err != nil || t.Year() < 1900 {
		return time.Time{}, fmt.Errorf("%q is not a day", text)
	}
	return t, nil
}

// dates puts in start, end, status and the further dates.
func (r *reader) dates(p person, f source.Fields) error {
	start, err := r.day(p.text("hireDate"))
	if err != nil {
		return fmt.Errorf("hireDate: %w", err)
	}
	end, err := r.day(p.text("terminationDate"))
	if err != nil {
		return fmt.Errorf("terminationDate: %w", err)
	}
	f["startedAt"] = start
	status := r.status(p, start)
	if status != "" {
		f["status"] = status
	}
	switch {
	case !end.IsZero():
		f["endedAt"] = end.AddDate(0, 0, 1)
	case p.has("terminationDate") && status != "" && status != "ended":
		f["endedAt"] = audit.Never
	}
	for name, field := range r.conf.Fields {
		at, err := r.day(p.text(field))
		if err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
		if f[name] = at; at.IsZero() && p.has(field) {
			f[name] = audit.Never
		}
	}
	return nil
}

// status is by BambooHR's own, which is Inactive for those who left.
func (r *reader) status(p person, start time.Time) string {
	switch strings.ToLower(p.text("status")) {
	case "inactive":
		return "ended"
	case "active":
	default:
		return ""
	}
	switch {
	case start.After(r.at):
		return "pending"
	case has(r.conf.Leave, p.text("employmentHistoryStatus")):
		return "leave"
	}
	return "active"
}

func has(words []string, word string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, word) })
}

// manager is left out where the report does not name the supervisor.
func (r *reader) manager(p person, f source.Fields) {
	if !p.has("supervisorEId") {
		return
	}
	id := p.text("supervisorEId")
	if id == "" || id == "0" {
		f["manager"] = ""
	} else if m := r.numbers[id]; m != "" {
		f["manager"] = r.conf.Connection + "/" + m
	}
}

// kind is by the employment status; who left has another one by then.
func (r *reader) kind(p person, f source.Fields) {
	word := p.text("employmentHistoryStatus")
	for own, kind := range r.conf.Kinds {
		if strings.EqualFold(own, word) {
			f["kind"] = kind
			return
		}
	}
	switch strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(word)) {
	case "fulltime", "parttime", "employee", "permanent":
		f["kind"] = "employee"
	case "contractor":
		f["kind"] = "contractor"
	case "intern", "internship":
		f["kind"] = "intern"
	}
}

// moved is the start of the last row of the job table, up to now, that names
// another department or title than the row before.
func (r *reader) moved(p person, f source.Fields) error {
	rows, known := r.jobs[p.text("id")]
	if !known {
		return nil
	}
	type since struct {
		job
		at time.Time
	}
	var past []since
	for _, j := range rows {
		at, err := r.day(j.Date)
		if err != nil {
			return fmt.Errorf("job table: %w", err)
		}
		if !at.IsZero() && !at.After(r.at) {
			past = append(past, since{j, at})
		}
	}
	slices.SortStableFunc(past, func(a, b since) int { return a.at.Compare(b.at) })
	f["roleChangedAt"] = audit.Never
	for i := 1; i < len(past); i++ {
		if past[i].Department != past[i-1].Department || past[i].Title != past[i-1].Title {
			f["roleChangedAt"] = past[i].at
		}
	}
	if len(past) == 0 {
		delete(f, "roleChangedAt")
	}
	return nil
}
