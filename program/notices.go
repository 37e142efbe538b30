package program

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

// A Clock is what was decided about one rule for one incident. It keeps the
// rule as it was then.
type Clock struct {
	Rule    Rule      `json:"rule"`
	Applies bool      `json:"applies"`
	Why     string    `json:"why"`
	Began   time.Time `json:"began,omitzero"` // from when its time counts, as stated
	Due     time.Time `json:"due,omitzero"`   // zero: it does not apply, or has no figure
	Zone    string    `json:"zone"`           // in which days were counted, such as "Europe/Lisbon"
	By      string    `json:"by"`
	At      time.Time `json:"at,omitzero"`
	Told    time.Time `json:"told,omitzero"` // when who has to be told first was; zero: no telling is recorded
}

// ClockState says where a clock stands at an instant: "does not apply", "told
// in time", "told late", "told" and "no figure" where the rule has none, "missed"
// or "running".
func (c Clock) ClockState(now time.Time) string {
	switch {
	case !c.Applies:
		return "does not apply"
	case !c.Told.IsZero() && c.Due.IsZero():
		return "told"
	case !c.Told.IsZero() && c.Told.After(c.Due):
		return "told late"
	case !c.Told.IsZero():
		return "told in time"
	case c.Due.IsZero():
		return "no figure"
	case now.After(c.Due):
		return "missed"
	}
	return "running"
}

// A Ruling is a decision with its reason.
type Ruling struct {
	Yes  bool      `json:"yes"`
	Open bool      `json:"open"` // it was taken back and is to be decided anew
	Why  string    `json:"why"`
	By   string    `json:"by"`
	At   time.Time `json:"at,omitzero"`
}

// A Telling is one time that people outside were told.
type Telling struct {
	ID       string    `json:"id"`    // "INC-1/N2"
	Clock    string    `json:"clock"` // ID of the rule it meets; "": none asked for it
	Audience string    `json:"audience"`
	To       string    `json:"to"` // who exactly
	How      string    `json:"how"`
	Took     time.Time `json:"took,omitzero"` // when, as stated
	Evidence []string  `json:"evidence"`
	By       string    `json:"by"`
	At       time.Time `json:"at,omitzero"`
}

// An Assessment is what was found about the risk to people whose data were
// disclosed, and whether they are told.
type Assessment struct {
	Recipient string    `json:"recipient"` // who received the data
	Happened  time.Time `json:"happened,omitzero"`
	Assessed  time.Time `json:"assessed,omitzero"` // when the risk was assessed, as stated
	Text      string    `json:"text"`              // what data, who, whether they were seen, what lessens the risk; Markdown
	Decision  string    `json:"decision"`          // "notify" or "not required"
	By        string    `json:"by"`
	At        time.Time `json:"at,omitzero"`
}

// AssessmentDecisions are the values of an assessment's decision.
var AssessmentDecisions = []string{"notify", "not required"}

type clockData struct {
	Rule    Rule   `json:"rule"`
	Applies bool   `json:"applies"`
	Why     string `json:"why"`
	Began   string `json:"began"`
	Due     string `json:"due"`
	Zone    string `json:"zone"`
}

func (d clockData) check() error {
	return allOf(d.Rule.check(), text("the reason", d.Why, 1, 5000), instantText("due", d.Due), text("zone", d.Zone, 1, 60),
		when(d.Applies && d.Began == "", "from when its time counts is missing"),
		when(d.Applies && d.Rule.Within > 0 && d.Due == "", "a clock with a figure has a deadline"))
}

func clockIncident(s *State, e Entry) (book.Change, error) {
	i, d, err := onIncident[clockData](s, e)
	if err == nil {
		err = allOf(d.check(), s.past(e, "from when its time counts", d.Began, false))
	}
	if err != nil {
		return book.Change{}, err
	}
	what := d.Rule.Law + ", " + d.Rule.Tell + ": " + map[bool]string{true: "has to be told", false: "does not have to be told"}[d.Applies]
	return book.Change{What: what, Do: func() {
		c := Clock{Rule: d.Rule, Applies: d.Applies, Why: d.Why, Began: instantOf(d.Began), Due: instantOf(d.Due), Zone: d.Zone, By: e.By.Name, At: e.At}
		i.Clocks = slices.DeleteFunc(slices.Clone(i.Clocks), func(x Clock) bool { return x.Rule.ID == c.Rule.ID })
		i.Clocks = append(i.Clocks, c)
		i.tell()
		s.incident(e, i, Step{What: what, Text: d.Why})
	}}, nil
}

// tell puts beside every clock when it was first met.
func (i *Incident) tell() {
	i.Clocks = slices.Clone(i.Clocks)
	for n := range i.Clocks {
		c := &i.Clocks[n]
		c.Told = time.Time{}
		for _, t := range i.Told {
			if t.Clock == c.Rule.ID && (c.Told.IsZero() || t.Took.Before(c.Told)) {
				c.Told = t.Took
			}
		}
	}
}

// settleIncident says that nobody else has to be told.
func settleIncident(s *State, e Entry) (book.Change, error) {
	i, d, err := onIncident[wordsData](s, e)
	if err == nil {
		err = text("the reason", d.Text, 1, 5000)
	}
	if err != nil {
		return book.Change{}, err
	}
	const what = "nobody else outside has to be told"
	return book.Change{What: what, Do: func() {
		i.Settled = &Ruling{Yes: true, Why: d.Text, By: e.By.Name, At: e.At}
		s.incident(e, i, Step{What: what, Text: d.Text})
	}}, nil
}

type toldData struct {
	Clock    string   `json:"clock"`
	Audience string   `json:"audience"`
	To       string   `json:"to"`
	How      string   `json:"how"`
	Took     string   `json:"took"`
	Evidence []string `json:"evidence"`
}

func toldIncident(s *State, e Entry) (book.Change, error) {
	i, d, err := onIncident[toldData](s, e)
	if err == nil {
		err = allOf(oneOf("audience", d.Audience, Audiences...), text("who was told", d.To, 1, 300), text("how", d.How, 1, 5000),
			s.past(e, "when they were told", d.Took, true), names("evidence", d.Evidence))
	}
	if err != nil {
		return book.Change{}, err
	}
	about := "incident"
	if d.Clock != "" {
		n := slices.IndexFunc(i.Clocks, func(c Clock) bool { return c.Rule.ID == d.Clock && c.Applies })
		if n < 0 {
			return book.Change{}, fmt.Errorf("%w: %s: decide first that %s applies", audit.ErrConflict, i.ID, d.Clock)
		}
		about = i.Clocks[n].Rule.About
	}
	return book.Change{What: "told: " + d.To, Do: func() {
		t := Telling{ID: fmt.Sprintf("%s/N%d", i.ID, len(i.Told)+1), Clock: d.Clock, Audience: d.Audience, To: d.To, How: d.How, Took: instantOf(d.Took),
			Evidence: d.Evidence, By: e.By.Name, At: e.At}
		i.Told = append(i.Told, t)
		i.tell()
		s.fact(e, audit.Fact{Type: "notice", ID: t.ID, At: t.Took, Fields: map[string]any{"kind": about, "subject": i.ID, "audience": t.Audience,
			"effectiveAt": timeOrNever(i.Detected), "by": s.PersonOf(t.By)}})
		s.incident(e, i, Step{What: "told: " + t.To, Text: t.How, Took: t.Took, Evidence: t.Evidence})
	}}, nil
}

type assessData struct {
	Recipient string `json:"recipient"`
	Happened  string `json:"happened"`
	Assessed  string `json:"assessed"`
	Text      string `json:"text"`
	Decision  string `json:"decision"`
}

func assessIncident(s *State, e Entry) (book.Change, error) {
	i, d, err := onIncident[assessData](s, e)
	if err == nil {
		err = allOf(text("who received the data", d.Recipient, 1, 300), text("assessment", d.Text, 1, 20_000), oneOf("decision", d.Decision, AssessmentDecisions...),
			s.past(e, "when it happened", d.Happened, true), s.past(e, "when the risk was assessed", d.Assessed, true),
			when(instantOf(d.Assessed).Before(instantOf(d.Happened)), "it cannot be assessed before it happened"),
			when(i.Personal != "yes", "say first that personal data are concerned"))
	}
	if err != nil {
		return book.Change{}, err
	}
	what := "risk to people assessed: " + map[string]string{"notify": "they are told", "not required": "they need not be told"}[d.Decision]
	return book.Change{What: what, Do: func() {
		a := &Assessment{Recipient: d.Recipient, Happened: instantOf(d.Happened), Assessed: instantOf(d.Assessed), Text: d.Text, Decision: d.Decision, By: e.By.Name, At: e.At}
		i.Assessment = a
		fields := map[string]any{"recipient": a.Recipient, "purpose": "", "basis": "", "authorized": false, "assessedAt": timeOrNever(a.Assessed),
			"incident": i.ID, "notifyDecision": a.Decision}
		if i.Subjects != Unknown {
			fields["records"] = i.Subjects
		}
		s.fact(e, audit.Fact{Type: "disclosure", ID: i.ID + "/D1", At: a.Happened, Fields: fields})
		s.incident(e, i, Step{What: what, Text: a.Text, Took: a.Assessed})
	}}, nil
}

// A discloseData is management's decision on the description (DC 4).
type discloseData struct {
	Decision string `json:"decision"` // "disclose", "leave out", "open"
	Why      string `json:"why"`
}

func discloseIncident(s *State, e Entry) (book.Change, error) {
	i, d, err := onIncident[discloseData](s, e)
	if err == nil {
		err = allOf(oneOf("decision", d.Decision, "disclose", "leave out", "open"), text("the reason", d.Why, 1, 5000))
	}
	if err != nil {
		return book.Change{}, err
	}
	if d.Decision == "open" && (i.Disclosure == nil || i.Disclosure.Open) {
		return book.Change{}, fmt.Errorf("%w: %s: nothing is decided yet that could be opened again", audit.ErrConflict, i.ID)
	}
	what := map[string]string{"disclose": "the description discloses it", "leave out": "the description leaves it out", "open": "disclosure is to be decided anew"}[d.Decision]
	return book.Change{What: what, Do: func() {
		i.Disclosure = &Ruling{Yes: d.Decision == "disclose", Open: d.Decision == "open", Why: d.Why, By: e.By.Name, At: e.At}
		s.incident(e, i, Step{What: what, Text: d.Why})
	}}, nil
}

// DecideClock decides whether a rule applies to an incident, with the reason,
// and from when its time counts. The deadline is computed in zone and sealed
// with the rule's words. A later decision on the same rule takes its place. It
// needs incident.write.
func (b *Book) DecideClock(ctx context.Context, by access.Subject, id string, revision int64, c Clock, zone *time.Location) (Incident, error) {
	if err := b.mayRun(ctx, by, id); err != nil {
		return Incident{}, err
	}
	d := clockData{Rule: c.Rule, Applies: c.Applies, Why: c.Why, Zone: zone.String()}
	if c.Applies {
		d.Began, d.Due = timeText(c.Began), timeText(c.Rule.Due(c.Began, zone))
	}
	return b.writeIncident(ctx, by, "incident.clock", id, revision, d)
}

// SettleIncident says, with the reason, that nobody outside has to be told
// beyond what was decided. It needs incident.write.
func (b *Book) SettleIncident(ctx context.Context, by access.Subject, id string, revision int64, why string) (Incident, error) {
	if err := b.mayRun(ctx, by, id); err != nil {
		return Incident{}, err
	}
	return b.writeIncident(ctx, by, "incident.settle", id, revision, wordsData{why})
}

// RecordTelling records that people outside were told. It needs incident.write.
func (b *Book) RecordTelling(ctx context.Context, by access.Subject, id string, revision int64, t Telling) (Incident, error) {
	if err := b.mayRun(ctx, by, id); err != nil {
		return Incident{}, err
	}
	return b.writeIncident(ctx, by, "incident.told", id, revision, toldData{t.Clock, t.Audience, t.To, t.How, timeText(t.Took), list(t.Evidence)})
}

// AssessIncident records what the disclosure of personal data means for the
// people, and whether they are told. It needs incident.write.
func (b *Book) AssessIncident(ctx context.Context, by access.Subject, id string, revision int64, a Assessment) (Incident, error) {
	if err := b.mayRun(ctx, by, id); err != nil {
		return Incident{}, err
	}
	return b.writeIncident(ctx, by, "incident.assess", id, revision, assessData{a.Recipient, timeText(a.Happened), timeText(a.Assessed), a.Text, a.Decision})
}

// DiscloseIncident decides for management whether the description of the system
// tells of an incident: "disclose", "leave out", or "open" to decide anew. It
// needs incident.disclose.
func (b *Book) DiscloseIncident(ctx context.Context, by access.Subject, id string, revision int64, decision, why string) (Incident, error) {
	i, err := b.Incident(ctx, id)
	if err != nil {
		return i, err
	}
	if err := access.Require(by, "incident.disclose", i.Object()); err != nil {
		return i, err
	}
	return b.writeIncident(ctx, by, "incident.disclose", id, revision, discloseData{decision, why})
}
