package program

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

// An Incident is one row of the register, from the first report to the lessons.
type Incident struct {
	ID         string    `json:"id"`
	Title      string    `json:"title"`
	Detail     string    `json:"detail"`   // what was noticed, Markdown, as it was reported
	Kind       string    `json:"kind"`     // "security", "privacy", "availability", "other"; "" until somebody looked
	Severity   string    `json:"severity"` // "sev1" to "sev4"; "" until somebody looked
	Status     string    `json:"status"`   // "open", "contained", "resolved", "closed"
	Lead       string    `json:"lead"`     // account that leads it; "": nobody does
	Personal   string    `json:"personal"` // whether personal data are concerned: "yes", "no", "" while not known
	Subjects   int       `json:"subjects"` // people whose data it is; Unknown while not known
	Systems    []string  `json:"systems"`
	Controls   []string  `json:"controls"`       // that did not hold
	Promises   []string  `json:"promises"`       // commitments that were touched
	Criteria   []string  `json:"criteria"`       // that were touched
	Data       []string  `json:"data,omitempty"` // classes of data that are concerned, by their ids
	ReportedBy string    `json:"reportedBy"`
	Reported   time.Time `json:"reported,omitzero"` // by this server's clock

	// As people state them; each has its line in Steps.
	Detected     time.Time `json:"detected,omitzero"`
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	Contained    time.Time `json:"contained,omitzero"`
	Resolved     time.Time `json:"resolved,omitzero"`
	Closed       time.Time `json:"closed,omitzero"`

	Cause     string    `json:"cause"` // Markdown
	CauseAt   time.Time `json:"causeAt,omitzero"`
	Lessons   string    `json:"lessons"` // Markdown
	LessonsAt time.Time `json:"lessonsAt,omitzero"`

	Clocks     []Clock     `json:"clocks"`              // what was decided of laws and contracts, in the order of deciding
	Settled    *Ruling     `json:"settled,omitzero"`    // that nobody else outside has to be told
	Told       []Telling   `json:"told"`                // who outside was told
	Disclosure *Ruling     `json:"disclosure,omitzero"` // whether management's description tells of it; Open where it is to be decided anew
	Assessment *Assessment `json:"assessment,omitzero"` // of the risk to people whose data were disclosed
	Steps      []Step      `json:"steps"`               // everything that was written, in the order of the log
	Revision   int64       `json:"revision"`            // Base of the next change
}

// Unknown is a number that nobody knows yet.
const Unknown = -1

// A Step is one entry of an incident's timeline.
type Step struct {
	What     string    `json:"what"`          // in words: "contained"
	Text     string    `json:"text"`          // what was written, Markdown
	Took     time.Time `json:"took,omitzero"` // when it took place, as stated; zero: nothing is stated
	Evidence []string  `json:"evidence"`      // references, "E-12"
	At       time.Time `json:"at,omitzero"`   // when it was sealed
	By       string    `json:"by"`
	Record   int64     `json:"record"`
}

// Values of an incident's fields.
var (
	IncidentKinds      = []string{"security", "privacy", "availability", "other"}
	IncidentSeverities = []string{"sev1", "sev2", "sev3", "sev4"}
	IncidentStatuses   = []string{"open", "contained", "resolved", "closed"}
	IncidentSteps      = []string{"note", "detected", "acknowledged", "contained", "resolved", "closed", "reopened"}
	personals          = []string{"", "yes", "no"}
)

var incidentTakers = map[string]taker{
	"incident.report": reportIncident, "incident.set": setIncident, "incident.step": stepIncident, "incident.cause": causeIncident,
	"incident.lessons": lessonsIncident, "incident.clock": clockIncident, "incident.settle": settleIncident, "incident.told": toldIncident,
	"incident.assess": assessIncident, "incident.disclose": discloseIncident,
}

// Object is what an incident is for the table of rights. Engagements are the
// caller's to add: an incident belongs to the examination of its period.
func (i Incident) Object() access.Object {
	return access.Object{Owner: i.ReportedBy, Systems: i.Systems, Controls: i.Controls}
}

// A reportData is what somebody noticed.
type reportData struct {
	Title    string `json:"title"`
	Detail   string `json:"detail"`
	Detected string `json:"detected"`
}

func reportIncident(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[reportData](e)
	if err == nil {
		err = allOf(text("what you noticed", d.Detail, 1, 20_000), text("title", d.Title, 1, 200), s.past(e, "when it was noticed", d.Detected, true))
	}
	if err != nil {
		return book.Change{}, err
	}
	if s.Incidents[e.Of()] != nil {
		return book.Change{}, fmt.Errorf("%w: incident %s is reported already", audit.ErrConflict, e.Of())
	}
	return book.Change{What: "reported: " + d.Title, Do: func() {
		i := &Incident{ID: e.Of(), Title: d.Title, Detail: d.Detail, Status: "open", Subjects: Unknown, ReportedBy: e.By.Name, Reported: e.At, Detected: instantOf(d.Detected)}
		s.Incidents[i.ID] = i
		s.incident(e, i, Step{What: "reported", Text: d.Detail, Took: i.Detected})
	}}, nil
}

// past checks an instant that a person states: it is not later than the entry.
func (s *State) past(e Entry, name, at string, needed bool) error {
	return allOf(instantText(name, at), when(needed && at == "", name+" is missing"),
		when(instantOf(at).After(e.At), name+" is in the future"))
}

// incident ends every entry on an incident: its line, its revision, its fact.
func (s *State) incident(e Entry, i *Incident, step Step) {
	step.At, step.By, step.Record = e.At, e.By.Name, e.Record
	i.Steps, i.Revision = append(i.Steps, step), s.Revision(e.On)+1
	s.fact(e, audit.Fact{Type: "incident", ID: i.ID, Fields: i.fields(s)})
}

// theIncident is the one an entry is on, or audit.ErrNotFound.
func (s *State) theIncident(e Entry) (*Incident, error) {
	if i := s.Incidents[e.Of()]; i != nil {
		return i, nil
	}
	return nil, fmt.Errorf("%w: incident %s", audit.ErrNotFound, e.Of())
}

// on reads an entry about an incident that is there.
func onIncident[T any](s *State, e Entry) (*Incident, T, error) {
	d, err := book.Data[T](e)
	if err != nil {
		return nil, d, err
	}
	i, err := s.theIncident(e)
	return i, d, err
}

// An incidentData is what is said of an incident as a whole, each time.
type incidentData struct {
	Title    string   `json:"title"`
	Kind     string   `json:"kind"`
	Severity string   `json:"severity"`
	Lead     string   `json:"lead"`
	Personal string   `json:"personal"`
	Subjects int      `json:"subjects"`
	Systems  []string `json:"systems"`
	Controls []string `json:"controls"`
	Promises []string `json:"promises"`
	Criteria []string `json:"criteria"`
	Data     []string `json:"data,omitempty"`
}

func (d incidentData) check() error {
	return allOf(
		text("title", d.Title, 1, 200), text("lead", d.Lead, 0, 100), oneOf("kind", d.Kind, append([]string{""}, IncidentKinds...)...),
		oneOf("severity", d.Severity, append([]string{""}, IncidentSeverities...)...), oneOf("personal data", d.Personal, personals...),
		within("people whose data it is", d.Subjects, Unknown, 2_000_000_000),
		when(d.Personal != "yes" && d.Subjects > 0, "people whose data it is: say first that personal data are concerned"),
		names("systems", d.Systems), names("controls", d.Controls), names("commitments", d.Promises), names("criteria", d.Criteria), names("data", d.Data),
	)
}

// names checks a list of identifiers.
func names(what string, list []string) error {
	if len(list) > 100 {
		return fmt.Errorf("%w: %s: at most 100", audit.ErrInvalid, what)
	}
	for _, s := range list {
		if err := text(what, s, 1, 100); err != nil {
			return err
		}
	}
	return nil
}

func setIncident(s *State, e Entry) (book.Change, error) {
	i, d, err := onIncident[incidentData](s, e)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return book.Change{}, err
	}
	what := "described: " + strings.Join(slices.DeleteFunc([]string{d.Severity, d.Kind, d.Title}, func(s string) bool { return s == "" }), ", ")
	return book.Change{What: what, Do: func() {
		i.Title, i.Kind, i.Severity, i.Lead, i.Personal, i.Subjects = d.Title, d.Kind, d.Severity, d.Lead, d.Personal, d.Subjects
		i.Systems, i.Controls, i.Promises, i.Criteria, i.Data = d.Systems, d.Controls, d.Promises, d.Criteria, d.Data
		s.incident(e, i, Step{What: what})
	}}, nil
}

// fields are the incident as evidence says it. What nobody looked at yet is
// left out: it is unknown, and no test takes it for good.
func (i *Incident) fields(s *State) map[string]any {
	f := map[string]any{"title": i.Title, "status": i.Status, "owner": s.ownerOf(i.Lead), "detectedAt": timeOrNever(i.Detected),
		"acknowledgedAt": timeOrNever(i.Acknowledged), "containedAt": timeOrNever(i.Contained), "resolvedAt": timeOrNever(i.Resolved),
		"rootCauseAt": timeOrNever(i.CauseAt), "customerNotifiedAt": timeOrNever(i.toldFirst("customers"))}
	if i.Severity != "" {
		f["severity"] = i.Severity
	}
	if i.Kind != "" {
		f["kind"] = i.Kind
	}
	if required, known := i.NotificationRequired(); known {
		f["notificationRequired"] = required
	}
	return f
}

// NotificationRequired says whether somebody outside has to be told, as it was
// decided: yes where one clock applies, no where it was said that none does.
// Before that it is not known.
func (i *Incident) NotificationRequired() (required, known bool) {
	if slices.ContainsFunc(i.Clocks, func(c Clock) bool { return c.Applies }) {
		return true, true
	}
	return false, i.Settled != nil
}

func (i *Incident) toldFirst(audience string) (first time.Time) {
	for _, t := range i.Told {
		if t.Audience == audience && (first.IsZero() || t.Took.Before(first)) {
			first = t.Took
		}
	}
	return first
}

// ReportIncident begins an incident: what was noticed, and when. It needs
// incident.report, which everybody in the company has for what they report
// themselves; it returns the incident with its number.
func (b *Book) ReportIncident(ctx context.Context, by access.Subject, detail string, detected time.Time) (Incident, error) {
	if err := access.Require(by, "incident.report", Reportable(by)); err != nil {
		return Incident{}, err
	}
	d := reportData{titleOf(detail), strings.TrimSpace(detail), timeText(detected)}
	id, err := b.numbered(ctx, by, "incident", "INC", func(id string) error {
		_, err := b.write(ctx, by, "incident.report", "incident:"+id, 0, d)
		return err
	})
	if err != nil {
		return Incident{}, err
	}
	return b.Incident(ctx, id)
}

// Reportable is what somebody reports, for the table of rights: it is their
// own, and touches what they answer for.
func Reportable(by access.Subject) access.Object {
	own := access.Object{Owner: by.Account}
	for _, g := range by.Grants {
		o := own
		switch g.Scope {
		case access.ScopeSystem:
			o.Systems = []string{g.Object}
		case access.ScopeControl:
			o.Controls = []string{g.Object}
		}
		if ok, _ := access.Allowed(by, "incident.report", o); ok {
			return o
		}
	}
	return own
}

// titleOf is the first line of what somebody wrote, cut where a title ends.
func titleOf(detail string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(detail), "\n")
	line = strings.TrimSpace(line)
	if r := []rune(line); len(r) > 120 {
		return strings.TrimSpace(string(r[:119])) + "…"
	}
	return line
}

// SetIncident writes what is known of an incident: title, kind, severity, lead,
// personal data, and what it touches. It needs incident.write; Revision is that
// of the incident as it was opened.
func (b *Book) SetIncident(ctx context.Context, by access.Subject, i Incident) (Incident, error) {
	if err := b.mayRun(ctx, by, i.ID); err != nil {
		return Incident{}, err
	}
	return b.writeIncident(ctx, by, "incident.set", i.ID, i.Revision, incidentData{i.Title, i.Kind, i.Severity, i.Lead, i.Personal, i.Subjects,
		list(i.Systems), list(i.Controls), list(i.Promises), list(i.Criteria), i.Data})
}

// mayRun asks for incident.write on an incident.
func (b *Book) mayRun(ctx context.Context, by access.Subject, id string) error {
	i, err := b.Incident(ctx, id)
	if err != nil {
		return err
	}
	return access.Require(by, "incident.write", i.Object())
}

func (b *Book) writeIncident(ctx context.Context, by access.Subject, kind, id string, base int64, data any) (Incident, error) {
	if _, err := b.write(ctx, by, kind, "incident:"+id, base, data); err != nil {
		return Incident{}, err
	}
	return b.Incident(ctx, id)
}

// Incident returns one incident, or audit.ErrNotFound.
func (b *Book) Incident(ctx context.Context, id string) (Incident, error) {
	return one(ctx, b, "incident", id, func(s *State) *Incident { return s.Incidents[id] })
}

// AllIncidents returns the register, the newest first.
func (b *Book) AllIncidents(ctx context.Context) (out []Incident, err error) {
	err = b.Read(ctx, func(s *State) error {
		for _, i := range sorted(s.Incidents) {
			out = append(out, *i)
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b Incident) int { return b.Reported.Compare(a.Reported) })
	return out, err
}
