package roster

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

// Kinds of page.
const (
	kindPeople    = "roster.people"
	kindTrainings = "roster.trainings"
)

// A page is one file, with what it takes to read it: the zone that days are in
// and the files its rows are joined to. The page's own file is the first.
type page struct {
	Format int    `json:"format"`
	Zone   string `json:"zone"`
	Files  []file `json:"files"`
	// ChecksUntil is the date of the newest list of background checks; nil
	// where there is none, or one of them could not be used.
	ChecksUntil *time.Time `json:"checksUntil,omitempty"`
}

// A file holds the bytes as they came, as text where they are UTF-8.
type file struct {
	Table  string `json:"table"`
	Name   string `json:"name"`
	Text   string `json:"text,omitempty"`
	Base64 []byte `json:"base64,omitempty"`
}

func (f file) bytes() []byte {
	if f.Base64 != nil {
		return f.Base64
	}
	return []byte(f.Text)
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	if p.Kind == source.KindFailed {
		return nil, nil
	}
	if p.Kind != kindPeople && p.Kind != kindTrainings {
		return nil, fmt.Errorf("%w: a page of kind %q is not of a roster source", audit.ErrInvalid, p.Kind)
	}
	r, err := reading(conf, p)
	if err != nil {
		return nil, err
	}
	if p.Kind == kindPeople {
		r.people()
	} else {
		r.trainings()
	}
	return r.finish()
}

// A reader is one page while it becomes items.
type reader struct {
	conf   config
	at     time.Time // what the page's own file is about
	own    *table
	roll   *roll
	checks map[string]check // by employee id
	until  *time.Time
	bad    source.BadRows
	items  []audit.Item
}

// A check is what the lists say about one person's background check.
type check struct {
	at      time.Time // the first that was completed; zero: none
	unknown bool      // a row about them could not be read
}

func reading(conf json.RawMessage, p audit.Page) (*reader, error) {
	r := &reader{checks: map[string]check{}, roll: newRoll()}
	if err := source.Strict(conf, &r.conf); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	var doc page
	if err := source.Strict(p.Body, &doc); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	zone, err := loadZone(doc.Zone)
	if err != nil {
		return nil, err
	}
	if doc.Format != 1 || len(doc.Files) == 0 {
		return nil, fmt.Errorf("%w: the page holds no file of a known format", audit.ErrInvalid)
	}
	r.at, r.until = p.About.From, doc.ChecksUntil
	return r, r.files(doc.Files, zone)
}

// files reads the page's own file and those it is joined to.
func (r *reader) files(files []file, zone *time.Location) error {
	var joined []*table
	for i, f := range files {
		t, err := readTable(f.Table, f.Name, r.conf.Tables[f.Table], zone, f.bytes())
		if err != nil {
			return source.BadRows{{Where: f.Name, Why: err.Error()}}
		}
		if i == 0 {
			r.own = t
		}
		switch {
		case f.Table == people:
			r.roll.add(t)
		case i > 0:
			joined = append(joined, t)
		}
	}
	for _, t := range joined {
		r.join(t)
	}
	return nil
}

func loadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%w: time zone %q is not known", audit.ErrInvalid, name)
	}
	return zone, nil
}

func (r *reader) refuse(t *table, line int, err error) {
	r.bad = append(r.bad, source.BadRow{Where: fmt.Sprintf("%s:%d", t.name, line), Why: err.Error()})
}

func (r *reader) finish() ([]audit.Item, error) {
	for _, b := range r.own.bad {
		r.refuse(r.own, b.line, b.err)
	}
	if len(r.bad) > 0 {
		return r.items, r.bad
	}
	return r.items, nil
}

// each reads the rows of the page's own table.
func (r *reader) each(read func(row) (audit.Item, bool, error)) {
	for _, w := range r.own.rows {
		it, ok, err := read(w)
		if err != nil {
			r.refuse(r.own, w.line, err)
		} else if ok {
			r.items = append(r.items, it)
		}
	}
}

// join reads a list of background checks.
func (r *reader) join(t *table) {
	for _, b := range t.bad {
		r.refuse(t, b.line, b.err)
		r.until = nil // whose row it was is not known
	}
	for _, w := range t.rows {
		id, err := r.roll.who(w)
		if errors.Is(err, errUnknown) {
			continue // not on this list of people
		}
		if err != nil {
			r.refuse(t, w.line, err)
			r.until = nil
			continue
		}
		c := r.checks[id]
		at, ok, err := r.conf.completed(w)
		switch {
		case err != nil:
			r.refuse(t, w.line, err)
			c.unknown = true
		case ok && !at.After(r.at) && (c.at.IsZero() || at.Before(c.at)):
			c.at = at
		}
		r.checks[id] = c
	}
}

// result is how what a row tells of ended, "" where it does not say.
func (c *config) result(w row) (string, error) {
	text := w.text("result")
	if text == "" {
		return "", nil
	}
	if known := word(text, c.Results, resultWords); known != "" {
		return known, nil
	}
	return "", fmt.Errorf("result: say in `results:` what %q means", text)
}

// completed is when what a row tells of was completed. ok is false where it was not.
func (c *config) completed(w row) (at time.Time, ok bool, err error) {
	result, err := c.result(w)
	switch {
	case err != nil || result == openWord:
		return at, false, err
	case !absent(w.text("at")):
		return w.date("at", start)
	case result != "":
		return at, false, fmt.Errorf("at: the row says %q and gives no date", w.text("result"))
	}
	return at, false, nil
}

func (r *reader) people() {
	r.each(func(w row) (audit.Item, bool, error) {
		id := w.text("id")
		if id == "" {
			return audit.Item{}, false, errors.New("id: it is empty")
		}
		f, err := r.person(w)
		if err != nil {
			return audit.Item{}, false, err
		}
		it, err := source.NewItem("person", r.conf.People+"/"+id, time.Time{}, f)
		return it, err == nil, err
	})
}

func (r *reader) person(w row) (source.Fields, error) {
	f := source.Fields{"name": fullName(w)}
	for _, name := range []string{"email", "department", "title"} {
		if w.of.has(name) {
			f[name] = stated(w.text(name))
		}
	}
	if k := word(w.text("kind"), r.conf.Kinds, kindWords); k != "" {
		f["kind"] = k
	}
	if w.of.has("manager") {
		if m, ok := r.manager(w.text("manager")); ok {
			f["manager"] = m
		}
	}
	if err := r.dates(w, f); err != nil {
		return nil, err
	}
	r.status(w, f)
	r.checked(w, f)
	return f, nil
}

// stated is a text, "" where the cell says that there is none.
func stated(text string) string {
	if absent(text) {
		return ""
	}
	return text
}

func fullName(w row) string {
	if first, last := w.text("firstName"), w.text("lastName"); first != "" || last != "" {
		return strings.TrimSpace(first + " " + last)
	}
	return w.text("name")
}

// manager is the id of the person a cell names by id, address or name. ok is
// false where it names nobody on the list, or more than one.
func (r *reader) manager(text string) (string, bool) {
	if absent(text) {
		return "", true
	}
	id, ok := r.roll.find(text)
	return r.conf.People + "/" + id, ok
}

// Dates of a person that a column may say are absent.
var absentDates = []struct {
	name string
	edge edge
}{{"endedAt", end}, {"confidentialitySignedAt", start}, {"onboardedAt", start}, {"offboardedAt", start}, {"reviewedAt", start},
	{"roleChangedAt", start}, {"backgroundCheckedAt", start}}

func (r *reader) dates(w row, f source.Fields) error {
	t, ok, err := w.date("startedAt", start)
	if err != nil {
		return err
	}
	if ok {
		f["startedAt"] = t
	}
	for _, d := range absentDates {
		if !w.of.has(d.name) {
			continue
		}
		if absent(w.text(d.name)) {
			f[d.name] = audit.Never
			continue
		}
		if f[d.name], _, err = w.date(d.name, d.edge); err != nil {
			return err
		}
	}
	return nil
}

// status is the list's own word. Without such a column the dates tell: it takes
// both, and a leave does not show. Who ended, by the word, and has no end date
// has one that the list does not give.
func (r *reader) status(w row, f source.Fields) {
	if w.of.has("status") {
		if s := word(w.text("status"), r.conf.Statuses, statusWords); s != "" {
			f["status"] = s
		}
		if t, ok := f["endedAt"].(time.Time); ok && t.Equal(audit.Never) && f["status"] != "active" && f["status"] != "leave" && f["status"] != "pending" {
			delete(f, "endedAt")
		}
		return
	}
	started, s := f["startedAt"].(time.Time)
	ended, e := f["endedAt"].(time.Time)
	switch {
	case e && !ended.After(r.at):
		f["status"] = "ended"
	case s && started.After(r.at):
		f["status"] = "pending"
	case s && e:
		f["status"] = "active"
	}
}

// checked puts the background check in: the first that was completed by the
// date of the list of people. That there was none is known only from lists of
// checks that reach that date.
func (r *reader) checked(w row, f source.Fields) {
	if _, wanted := r.conf.Tables[checks]; !wanted {
		return
	}
	c := r.checks[w.text("id")]
	own, has := f["backgroundCheckedAt"].(time.Time)
	switch {
	case !c.at.IsZero() && (!has || c.at.Before(own)):
		f["backgroundCheckedAt"] = c.at
	case has && !own.Equal(audit.Never):
	case c.unknown || r.until == nil || r.until.Before(r.at):
		delete(f, "backgroundCheckedAt")
	default:
		f["backgroundCheckedAt"] = audit.Never
	}
}

func (r *reader) trainings() {
	r.each(func(w row) (audit.Item, bool, error) {
		id, err := r.roll.who(w)
		if err != nil {
			return audit.Item{}, false, err
		}
		course := w.text("course")
		if course == "" {
			return audit.Item{}, false, errors.New("course: it is empty")
		}
		at, result, err := r.conf.training(w)
		if err != nil || at.IsZero() {
			return audit.Item{}, false, err
		}
		f := source.Fields{"person": r.conf.People + "/" + id, "course": course, "topic": r.conf.topic(course, w.text("topic"))}
		if result != "" {
			f["result"] = result
		}
		key := w.text("record")
		if key == "" {
			key = id + "/" + course + "/" + audit.FormatTime(at)
		}
		it, err := source.NewItem("training", r.conf.Connection+"/"+key, at, f)
		return it, err == nil, err
	})
}

// training is when a row's training ended and how. The instant is zero where it
// has not: that is no event.
func (c *config) training(w row) (time.Time, string, error) {
	if result, err := c.result(w); err != nil || result == openWord {
		if err != nil || absent(w.text("at")) {
			return time.Time{}, "", err
		}
		at, _, err := w.date("at", start)
		return at, openWord, err
	}
	at, _, err := c.completed(w)
	return at, completedWord, err
}
