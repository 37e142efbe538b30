package web

import (
	"fmt"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

// A firmInquiryRow is one inquiry about events after the period.
type firmInquiryRow struct {
	To, Asked, Answer, By, At string
	Record                    link
}

// A firmEventRow is an event after the period with what it means.
type firmEventRow struct {
	fieldwork.Event
	On, Who, When string
	Edit          string
}

type firmEventsPage struct {
	*page
	ID, At                   string
	Inquiries                []firmInquiryRow
	Events                   []firmEventRow
	Classes                  []choice
	Event                    string // that is changed; "": a new one
	Day, Heads, Effect       string
	Asked, Answer, To        string
	Revision                 int64
	Form                     bool
	Again, AgainOpen, Closed string
	Cancel                   string
}

// firmEvents shows what happened after the period, and who was asked about it;
// ?event= is the one that is changed.
func (q *request) firmEvents() error {
	id := q.PathValue("id")
	data := firmEventsPage{page: &q.page, ID: id, At: q.under("engagements", id, "events"), Event: q.FormValue("event"), Asked: q.PostForm.Get("asked"), Answer: q.PostForm.Get("answer"), To: q.PostForm.Get("to")}
	err := q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		q.gridFrame(f, "/conclusions")
		return data.take(q, s, f)
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading = "Events after the period of "+id, "Events after the period"
	q.Way = []link{{id, q.at("engagements", id)}, {"Conclusions", q.under("engagements", id, "conclusions")}, {"Events", ""}}
	return q.render("firm-conclude-events.html", &data)
}

func (d *firmEventsPage) take(q *request, s *fieldwork.State, f *fieldwork.File) error {
	zone := (&gridLook{terms: f.Terms}).zone()
	last := ""
	for _, x := range f.Inquiries {
		last = max(last, x.To)
		ref := audit.EvidenceRef(x.Record)
		d.Inquiries = append(d.Inquiries, firmInquiryRow{firmDay(x.To, f.Terms.Zone), x.Asked, x.Answer, q.name(x.By), report.Moment(x.At, zone), link{ref, q.at("evidence", ref)}})
	}
	class := ""
	for _, x := range book.Sorted(f.Events) {
		d.Events = append(d.Events, firmEventRow{*x, firmDay(x.Day, f.Terms.Zone), q.name(x.By), report.Moment(x.At, zone), q.to(d.At, "event", x.ID)})
		if x.ID == d.Event {
			d.Day, d.Heads, d.Effect, class = x.Day, x.Title, x.Effect, x.Class
		}
	}
	if d.Event != "" && f.Events[d.Event] == nil {
		return fmt.Errorf("%w: event %q of %s", audit.ErrNotFound, d.Event, d.ID)
	}
	d.Day, d.Heads, d.Effect = q.typed("day", d.Day), q.typed("heads", d.Heads), q.typed("effect", d.Effect)
	d.Classes = choices(q.typed("class", class), "", fieldwork.EventClasses...)
	d.Revision = s.Revision("event:" + d.ID + "/" + d.Event)
	d.Again = q.againFor("conclusion.write")
	if err := f.MayWork(q.gridEntry()); err != nil {
		d.Closed = refusalOf(err)
	} else if d.Again == "" && !q.gridMay("conclusion.write") {
		d.Closed = "Your role reads this file and writes no events into it."
	}
	d.Form = d.Closed == "" && (d.Again == "" || q.Method == "POST")
	day := ""
	if last != "" {
		day = firmDay(last, f.Terms.Zone)
	}
	q.Say = sayEvents(len(d.Events), len(d.Inquiries), day)
	return nil
}

// sayEvents says what is known of the time after the period, and up to which day
// somebody was asked.
func sayEvents(events, inquiries int, to string) string {
	s := "No event after the period is written down"
	if events > 0 {
		s = report.Capital(report.Plural(events, "event after the period is", "events after the period are")) + " written down"
	}
	if inquiries == 0 {
		return s + ", and nobody has been asked about any yet."
	}
	return s + "; it was asked about up to " + to + ", and is asked again up to the report's day."
}

// onEvents ends an act on what happened after the period.
func (q *request) onEvents(err error, words string) error {
	if err == nil {
		return q.done(q.under("engagements", q.PathValue("id"), "events"), words)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmEvents()
}

func (q *request) firmInquire() error {
	err := q.mustAgain("conclusion.write")
	if err == nil {
		err = q.files.Inquire(q.Context(), q.who, q.PathValue("id"), q.field("asked"), q.field("answer"), q.field("to"))
	}
	return q.onEvents(err, "The inquiry is kept.")
}

func (q *request) firmSetEvent() error {
	err := q.mustAgain("conclusion.write")
	n := q.field("event")
	if err == nil {
		n, err = q.files.SetEvent(q.Context(), q.who, q.PathValue("id"), n, q.field("day"), q.field("heads"), q.field("class"), q.field("effect"), q.base())
	}
	return q.onEvents(err, n+" is kept.")
}
