package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/program"
	"tieout/report"
)

// An incidentAct is one thing that can be written about an incident, on a page
// of its own.
type incidentAct struct {
	heading, say, button, told string
	do                         func(q *request, i program.Incident) (program.Incident, error)
}

var incidentActs = map[string]incidentAct{
	"describe": {"Describe it", "What it is, how severe, who leads it and what it touches.", "Keep the description", "Kept.", (*request).describeIncident},
	"step":     {"Add to the timeline", "What happened and when it took place. What stands already stays.", "Add", "Added.", (*request).stepIncident},
	"cause":    {"Cause", "What it came from. The time at which you keep this is the time at which the cause was known.", "Keep the cause", "The cause is kept.", (*request).causeIncident},
	"lessons":  {"Lessons", "What changes because of it, who does that, and by when.", "Keep the lessons", "The lessons are kept.", (*request).lessonsIncident},
	"clock":    {"Who has to be told", "One law or contract at a time: whether it applies, why, and from when its time counts.", "Keep the decision", "Decided.", (*request).clockIncident},
	"settle":   {"Nobody else has to be told", "Say why nobody outside has to be told beyond what was decided.", "Keep the decision", "Decided.", (*request).settleIncident},
	"told":     {"Somebody was told", "Who outside was told, how and when.", "Keep it", "Kept.", (*request).toldIncident},
	"assess":   {"Risk to people", "What the disclosure of personal data means for the people, and whether they are told.", "Keep the assessment", "Kept.", (*request).assessIncident},
	"disclose": {"Does the description disclose it", "Management’s description of the system tells of incidents that came from controls that failed, or that broke commitments: their nature, timing, extent and what was done.", "Keep the decision", "Decided for management.", (*request).discloseIncident},
}

// A choiceRule is a rule to decide from.
type choiceRule struct {
	program.Rule
	Limit, Href string
	Fits        bool // its law is about data that the incident concerns
}

// An actPage is one form about an incident.
type actPage struct {
	*page
	I           program.Incident
	Name        string // of the act
	Act         incidentAct
	Button      string
	Action      string
	T           func(name string) string // what was typed, or what there is
	Choices     map[string][]choice
	Rule        *program.Rule // of a clock or a telling; nil: none is chosen yet
	Own         bool          // a rule of a contract, in the person's own words
	Limit       string
	Rules       []choiceRule
	Regulators  []definition.RegulatorConfig // whom the company may tell, those of the rule's law first
	Classes     []definition.DataClass       // of the systems, to name those that are concerned
	Associates  []link                       // business associates in use, where HIPAA's clocks are decided; nil where the register is not theirs to read
	People      []string
	Zone        string
	Now, OwnURL string
}

// actOf is what the address asks for, or audit.ErrNotFound.
func (q *request) actOf() (string, incidentAct, error) {
	name := q.PathValue("act")
	if strings.HasSuffix(q.URL.Path, "/disclose") && name == "" {
		name = "disclose"
	}
	a, ok := incidentActs[name]
	if !ok || name == "disclose" && q.PathValue("act") != "" {
		return name, a, fmt.Errorf("%w: nothing called %q is written about an incident", audit.ErrNotFound, name)
	}
	return name, a, nil
}

func (q *request) actPage() error {
	name, act, err := q.actOf()
	if err != nil {
		return err
	}
	i, err := q.book.Incident(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref, q.Say = act.heading+" · "+i.ID, act.heading, i.ID, act.say
	q.Way = []link{{"Incidents", q.to("/incidents")}, {i.ID, q.at("incidents", i.ID)}, {act.heading, ""}}
	q.Code = []string{"tieout incident show " + i.ID}
	data := actPage{page: &q.page, I: i, Name: name, Act: act, Button: act.button, Action: q.to(q.URL.Path), People: q.addresses(), Zone: q.zone().String(),
		Now: q.now().In(q.zone()).Format(minuteForm)}
	have := q.incidentFields(i)
	data.T = func(f string) string { return q.typed(f, have[f]) }
	if name == "clock" || name == "told" {
		if err := q.chooseRule(&data, name); err != nil {
			return err
		}
	}
	if data.Classes = q.classesOfData(); name == "told" {
		law := ""
		if data.Rule != nil {
			law = data.Rule.Law
		}
		data.Regulators = q.regulators(law)
	}
	data.Choices = map[string][]choice{
		"kind": choices(data.T("kind"), "Not judged yet", program.IncidentKinds...), "severity": choices(data.T("severity"), "Not judged yet", program.IncidentSeverities...),
		"personal": {{"", "Not known yet", data.T("personal") == ""}, {"yes", "Yes", data.T("personal") == "yes"}, {"no", "No", data.T("personal") == "no"}},
		"step":     stepChoices(data.T("step")), "audience": choices(data.T("audience"), "", program.Audiences...),
		"unit": choices(data.T("unit"), "Without a figure", program.RuleUnits...), "starts": choices(data.T("starts"), "", program.RuleStarts...),
		"decision": {{"notify", "They are told", data.T("decision") == "notify"}, {"not required", "They need not be told", data.T("decision") == "not required"}},
		"disclose": disclosureChoices(i, data.T("disclose")),
	}
	return q.render("incidentact.html", data)
}

func stepChoices(chosen string) []choice {
	return []choice{{"note", "A note", chosen == "note"}, {"acknowledged", "Somebody took it on", chosen == "acknowledged"}, {"contained", "It was contained", chosen == "contained"},
		{"resolved", "Service and security were restored", chosen == "resolved"}, {"closed", "Everything is done: closed", chosen == "closed"},
		{"detected", "It was noticed at another time than reported", chosen == "detected"}, {"reopened", "It came back: opened again", chosen == "reopened"}}
}

func disclosureChoices(i program.Incident, chosen string) []choice {
	out := []choice{{"disclose", "The description discloses it", chosen == "disclose"}, {"leave out", "The description leaves it out", chosen == "leave out"}}
	if i.Disclosure != nil && !i.Disclosure.Open {
		out = append(out, choice{"open", "It is to be decided anew", chosen == "open"})
	}
	return out
}

// incidentFields are what forms show of an incident before anything is typed.
func (q *request) incidentFields(i program.Incident) map[string]string {
	f := map[string]string{"revision": strconv.FormatInt(i.Revision, 10), "title": i.Title, "kind": i.Kind, "severity": i.Severity, "lead": q.addressOf(i.Lead), "personal": i.Personal,
		"systems": strings.Join(i.Systems, " "), "controls": strings.Join(i.Controls, " "), "promises": strings.Join(i.Promises, " "), "criteria": strings.Join(i.Criteria, " "), "data": strings.Join(i.Data, " "),
		"cause": i.Cause, "lessons": i.Lessons, "took": q.now().In(q.zone()).Format(minuteForm), "began": asField(i.Detected, minuteForm, q.zone()),
		"happened": asField(i.Detected, minuteForm, q.zone()), "assessed": q.now().In(q.zone()).Format(minuteForm), "decision": "", "step": "note", "audience": "customers", "starts": "awareness"}
	if i.Subjects != program.Unknown {
		f["subjects"] = strconv.Itoa(i.Subjects)
	}
	if a := i.Assessment; a != nil {
		f["recipient"], f["text"], f["decision"] = a.Recipient, a.Text, a.Decision
		f["happened"], f["assessed"] = asField(a.Happened, minuteForm, q.zone()), asField(a.Assessed, minuteForm, q.zone())
	}
	if q.Method == "POST" { // the newest: what is sent again is sent knowing it
		q.PostForm.Set("revision", f["revision"])
	}
	return f
}

// chooseRule puts the rule that was asked for on the page, or the list to
// choose from.
func (q *request) chooseRule(data *actPage, name string) error {
	id := q.typed("rule", q.URL.Query().Get("rule"))
	base := "/incidents/" + data.I.ID + "/write/clock"
	switch {
	case id == "" && name == "told":
		return nil
	case id == "":
		decided := map[string]bool{}
		for _, c := range data.I.Clocks {
			decided[c.Rule.ID] = true
		}
		kinds := q.regulatedBy(data.I.Data)
		for _, r := range program.Rules() {
			if !decided[r.ID] {
				data.Rules = append(data.Rules, choiceRule{r, report.Capital(r.Limit()), q.to(base, "rule", r.ID), r.Fits(kinds)})
			}
		}
		slices.SortStableFunc(data.Rules, func(a, b choiceRule) int { return first(a.Fits) - first(b.Fits) })
		data.OwnURL, data.Button = q.to(base, "rule", "own"), ""
		return q.besideHIPAA(data)
	case id == "own" && name == "clock":
		data.Own = true
		return nil
	}
	r, err := ruleFor(data.I, id)
	if err != nil {
		return err
	}
	data.Rule, data.Limit = &r, r.Limit()
	return q.besideHIPAA(data)
}

// first puts what fits before what does not.
func first(fits bool) int {
	if fits {
		return 0
	}
	return 1
}

// classesOfData are the classes of data of the workspace's systems.
func (q *request) classesOfData() (out []definition.DataClass) {
	for i := range q.st.p.Def.Systems {
		out = append(out, q.st.p.Def.Systems[i].Data...)
	}
	return out
}

// regulatedBy are the kinds of regulated data among classes of data.
func (q *request) regulatedBy(ids []string) (out []string) {
	for _, c := range q.classesOfData() {
		if slices.Contains(ids, c.ID) {
			out = append(out, c.Regulated...)
		}
	}
	return out
}

// regulators are the authorities the workspace's file names, those of a law first.
func (q *request) regulators(law string) []definition.RegulatorConfig {
	out := slices.Clone(q.st.p.Def.Config.Regulators)
	slices.SortStableFunc(out, func(a, b definition.RegulatorConfig) int {
		return first(strings.EqualFold(a.Law, law)) - first(strings.EqualFold(b.Law, law))
	})
	return out
}

// dataOf refuses classes of data that no system has.
func (q *request) dataOf(ids []string) error {
	for _, id := range ids {
		if !slices.ContainsFunc(q.classesOfData(), func(c definition.DataClass) bool { return c.ID == id }) {
			return fmt.Errorf("%w: data: no system has a class of data %q; they are under data in systems/*.yaml", audit.ErrInvalid, id)
		}
	}
	return nil
}

// ruleFor is a rule as it was decided on, or as it is shipped.
func ruleFor(i program.Incident, id string) (program.Rule, error) {
	for _, c := range i.Clocks {
		if c.Rule.ID == id {
			return c.Rule, nil
		}
	}
	return program.RuleOf(id)
}

// act seals what was sent, and goes back to the incident; where it cannot be
// kept the form is shown with all that was typed.
func (q *request) act() error {
	_, act, err := q.actOf()
	if err != nil {
		return err
	}
	i, err := q.book.Incident(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	if _, err = act.do(q, i); err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.actPage()
	}
	return q.done(q.at("incidents", i.ID), act.told)
}

func errNumber(s string) error {
	return fmt.Errorf("%w: %q is not a number of people", audit.ErrInvalid, s)
}

func (q *request) describeIncident(i program.Incident) (program.Incident, error) {
	lead, err := q.somebody(q.field("lead"), i.Lead, "who leads it")
	if err != nil {
		return i, err
	}
	n, err := subjects(q.field("subjects"))
	if err != nil {
		return i, err
	}
	if err := q.controlsOf(q.words("controls")); err != nil {
		return i, err
	}
	if err := q.dataOf(q.words("data")); err != nil {
		return i, err
	}
	return q.book.SetIncident(q.Context(), q.who, program.Incident{ID: i.ID, Revision: q.base(), Title: q.field("title"), Kind: q.field("kind"), Severity: q.field("severity"), Lead: lead,
		Personal: q.field("personal"), Subjects: n, Systems: q.words("systems"), Controls: q.words("controls"), Promises: q.words("promises"), Criteria: q.words("criteria"), Data: q.words("data")})
}

// evidence reads references to records, which have to be there.
func (q *request) evidenceIn(name string) ([]string, error) {
	var out []string
	for _, w := range q.words(name) {
		n, err := period.ParseEvidenceRef(w)
		if err != nil {
			return nil, err
		}
		if n >= q.head.Size {
			return nil, fmt.Errorf("%w: there is no record %s", audit.ErrInvalid, w)
		}
		out = append(out, audit.EvidenceRef(n))
	}
	return out, nil
}

func (q *request) stepIncident(i program.Incident) (program.Incident, error) {
	took, err := q.instant("took", "when it took place")
	if err != nil {
		return i, err
	}
	refs, err := q.evidenceIn("evidence")
	if err != nil {
		return i, err
	}
	return q.book.StepIncident(q.Context(), q.who, i.ID, q.base(), program.Step{What: q.field("step"), Text: q.field("text"), Took: took, Evidence: refs})
}

func (q *request) causeIncident(i program.Incident) (program.Incident, error) {
	return q.book.CauseIncident(q.Context(), q.who, i.ID, q.base(), q.field("cause"))
}

func (q *request) lessonsIncident(i program.Incident) (program.Incident, error) {
	return q.book.LessonsOfIncident(q.Context(), q.who, i.ID, q.base(), q.field("lessons"))
}

func (q *request) settleIncident(i program.Incident) (program.Incident, error) {
	return q.book.SettleIncident(q.Context(), q.who, i.ID, q.base(), q.field("why"))
}

func (q *request) clockIncident(i program.Incident) (program.Incident, error) {
	r, err := q.ruleOf(i)
	if err != nil {
		return i, err
	}
	began, err := q.instant("began", "from when its time counts")
	if err != nil {
		return i, err
	}
	applies := q.field("applies")
	if applies != "yes" && applies != "no" {
		return i, fmt.Errorf("%w: say whether it applies", audit.ErrInvalid)
	}
	return q.book.DecideClock(q.Context(), q.who, i.ID, q.base(), program.Clock{Rule: r, Applies: applies == "yes", Why: q.field("why"), Began: began}, q.zone())
}

// ruleOf is the rule a form is about: one that is known, or a contract's in the
// words of the form.
func (q *request) ruleOf(i program.Incident) (program.Rule, error) {
	if id := q.field("rule"); id != "own" {
		return ruleFor(i, id)
	}
	within := 0
	if s := q.field("within"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			return program.Rule{}, fmt.Errorf("%w: %q is not a number of hours or days", audit.ErrInvalid, s)
		}
		within = n
	}
	about := "incident"
	if i.Personal == "yes" {
		about = "breach"
	}
	return program.Rule{ID: fmt.Sprintf("own-%d", len(i.Clocks)+1), Law: q.field("law"), Source: q.field("source"), Tell: q.field("tell"), Audience: q.field("audience"), About: about,
		Starts: q.field("starts"), Within: within, Unit: q.field("unit")}, nil
}

func (q *request) toldIncident(i program.Incident) (program.Incident, error) {
	took, err := q.instant("took", "when they were told")
	if err != nil {
		return i, err
	}
	refs, err := q.evidenceIn("evidence")
	if err != nil {
		return i, err
	}
	t := program.Telling{Clock: q.field("rule"), Audience: q.field("audience"), To: q.field("to"), How: q.field("text"), Took: took, Evidence: refs}
	if t.Clock != "" {
		r, err := ruleFor(i, t.Clock)
		if err != nil {
			return i, err
		}
		t.Audience = r.Audience
	}
	return q.book.RecordTelling(q.Context(), q.who, i.ID, q.base(), t)
}

func (q *request) assessIncident(i program.Incident) (program.Incident, error) {
	happened, err := q.instant("happened", "when it happened")
	if err != nil {
		return i, err
	}
	assessed, err := q.instant("assessed", "when the risk was assessed")
	if err != nil {
		return i, err
	}
	return q.book.AssessIncident(q.Context(), q.who, i.ID, q.base(), program.Assessment{Recipient: q.field("recipient"), Happened: happened, Assessed: assessed, Text: q.field("text"), Decision: q.field("decision")})
}

func (q *request) discloseIncident(i program.Incident) (program.Incident, error) {
	return q.book.DiscloseIncident(q.Context(), q.who, i.ID, q.base(), q.field("disclose"), q.field("why"))
}
