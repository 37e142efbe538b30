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

// A stepData is one line of an incident's timeline.
type stepData struct {
	Step     string   `json:"step"`
	Text     string   `json:"text"`
	Took     string   `json:"took"`
	Evidence []string `json:"evidence"`
}

func stepIncident(s *State, e Entry) (book.Change, error) {
	i, d, err := onIncident[stepData](s, e)
	if err == nil {
		err = allOf(oneOf("step", d.Step, IncidentSteps...), text("what happened", d.Text, 0, 20_000), names("evidence", d.Evidence),
			s.past(e, "when it took place", d.Took, true), when(d.Step == "note" && strings.TrimSpace(d.Text) == "", "what happened is missing"))
	}
	if err == nil {
		err = i.allows(d)
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: d.Step, Do: func() {
		i.step(d.Step, instantOf(d.Took))
		s.incident(e, i, Step{What: d.Step, Text: d.Text, Took: instantOf(d.Took), Evidence: d.Evidence})
	}}, nil
}

// allows says what a step waits for. A milestone stated again corrects the one
// before, which stays in the timeline.
func (i *Incident) allows(d stepData) error {
	took := instantOf(d.Took)
	conflict := func(why string) error { return fmt.Errorf("%w: %s: %s", audit.ErrConflict, i.ID, why) }
	milestone := slices.Contains([]string{"acknowledged", "contained", "resolved", "closed"}, d.Step)
	switch {
	case milestone && took.Before(i.Detected):
		return fmt.Errorf("%w: it cannot be %s before it was detected", audit.ErrInvalid, d.Step)
	case d.Step == "detected" && i.before(took):
		return fmt.Errorf("%w: it cannot be detected after it was acknowledged, contained or resolved", audit.ErrInvalid)
	case d.Step == "reopened" && i.Resolved.IsZero():
		return conflict("it is not resolved, so there is nothing to open again")
	case d.Step == "reopened" && strings.TrimSpace(d.Text) == "":
		return fmt.Errorf("%w: say why it is opened again", audit.ErrInvalid)
	case d.Step == "closed":
		if why := i.Unfinished(); why != "" {
			return conflict("it cannot be closed yet. " + why)
		}
	case !i.Closed.IsZero() && d.Step != "note" && d.Step != "reopened":
		return conflict("it is closed; open it again first")
	}
	return nil
}

// before reports whether a milestone lies before that instant.
func (i *Incident) before(at time.Time) bool {
	return slices.ContainsFunc([]time.Time{i.Acknowledged, i.Contained, i.Resolved}, func(m time.Time) bool { return !m.IsZero() && m.Before(at) })
}

// Unfinished says in words what has to be done before an incident is closed;
// "" where nothing has.
func (i *Incident) Unfinished() string {
	_, known := i.NotificationRequired()
	switch {
	case i.Severity == "" || i.Kind == "":
		return "Say how severe it is and of which kind."
	case i.Resolved.IsZero():
		return "Say when it was resolved."
	case i.Cause == "":
		return "Write down its cause."
	case i.Lessons == "":
		return "Write down the lessons."
	case !known:
		return "Decide who outside has to be told, or that nobody has."
	}
	for _, c := range i.Clocks {
		if c.Applies && c.Told.IsZero() {
			return "Record that " + c.Rule.Tell + " was told."
		}
	}
	return ""
}

func (i *Incident) step(what string, took time.Time) {
	switch what {
	case "detected":
		i.Detected = took
	case "acknowledged":
		i.Acknowledged = took
	case "contained":
		i.Contained = took
	case "resolved":
		i.Resolved = took
	case "closed":
		i.Closed = took
	case "reopened":
		i.Closed, i.Resolved = time.Time{}, time.Time{}
	}
	i.Status = i.status()
}

func (i *Incident) status() string {
	switch {
	case !i.Closed.IsZero():
		return "closed"
	case !i.Resolved.IsZero():
		return "resolved"
	case !i.Contained.IsZero():
		return "contained"
	}
	return "open"
}

// A wordsData is a text that replaces the one before.
type wordsData struct {
	Text string `json:"text"`
}

func causeIncident(s *State, e Entry) (book.Change, error) {
	return wordsOf(s, e, "cause written", func(i *Incident, t string) { i.Cause, i.CauseAt = t, e.At })
}

func lessonsIncident(s *State, e Entry) (book.Change, error) {
	return wordsOf(s, e, "lessons written", func(i *Incident, t string) { i.Lessons, i.LessonsAt = t, e.At })
}

func wordsOf(s *State, e Entry, what string, put func(*Incident, string)) (book.Change, error) {
	i, d, err := onIncident[wordsData](s, e)
	if err == nil {
		err = text("text", d.Text, 1, 20_000)
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: what, Do: func() {
		put(i, d.Text)
		s.incident(e, i, Step{What: what, Text: d.Text})
	}}, nil
}

// StepIncident adds a line to an incident's timeline: a note, or one of
// IncidentSteps with the instant at which it took place, as stated; what was
// stated before stays in the timeline. It needs incident.write.
func (b *Book) StepIncident(ctx context.Context, by access.Subject, id string, revision int64, step Step) (Incident, error) {
	if err := b.mayRun(ctx, by, id); err != nil {
		return Incident{}, err
	}
	return b.writeIncident(ctx, by, "incident.step", id, revision, stepData{step.What, step.Text, timeText(step.Took), list(step.Evidence)})
}

// CauseIncident writes down what an incident came from. The time at which it is
// sealed is the time at which the cause was known. It needs incident.write.
func (b *Book) CauseIncident(ctx context.Context, by access.Subject, id string, revision int64, cause string) (Incident, error) {
	if err := b.mayRun(ctx, by, id); err != nil {
		return Incident{}, err
	}
	return b.writeIncident(ctx, by, "incident.cause", id, revision, wordsData{cause})
}

// LessonsOfIncident writes down what follows from an incident. It needs
// incident.write.
func (b *Book) LessonsOfIncident(ctx context.Context, by access.Subject, id string, revision int64, lessons string) (Incident, error) {
	if err := b.mayRun(ctx, by, id); err != nil {
		return Incident{}, err
	}
	return b.writeIncident(ctx, by, "incident.lessons", id, revision, wordsData{lessons})
}
