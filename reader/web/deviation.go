package web

import (
	"errors"
	"html/template"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/deviation"
	"tieout/period"
	"tieout/policy"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report"
)

// decideRoutes are what people say of a finding. Each is sealed at once.
var decideRoutes = []route{
	{pattern: "POST /deviations/{ref}/answer", needs: "deviation.answer", on: theDeviation, do: judged(deviation.Answer, "Sealed. The service auditor sees it beside the finding.")},
	{pattern: "POST /deviations/{ref}/propose", needs: "deviation.answer", on: theDeviation, do: judged(deviation.Propose, "Proposed. It counts once somebody else has approved it.")},
	{pattern: "POST /deviations/{ref}/confirm", needs: "deviation.decide", on: preparedFor(deviation.Confirm), do: judged(deviation.Confirm, "Confirmed as a deviation.")},
	{pattern: "POST /deviations/{ref}/approve", needs: "deviation.decide", on: preparedFor(deviation.Approve), do: judged(deviation.Approve, "Approved: it is not a deviation. The finding and both reasons stay on record.")},
	{pattern: "POST /deviations/{ref}/withdraw", needs: "deviation.decide", on: preparedFor(deviation.Withdraw), do: judged(deviation.Withdraw, "Taken back. The finding is to be decided anew.")},
}

// preparedFor is the finding with who prepared what is decided about it.
func preparedFor(kind deviation.Kind) objectOf {
	return func(q *request) (access.Object, error) {
		o, err := theDeviation(q)
		if err != nil {
			return o, err
		}
		d, err := q.finding()
		if err != nil {
			return o, err
		}
		stands, _, err := q.s.home.LifeOf(q.Context(), &d)
		o.Prepared = period.Prepared(kind, stands)
		return o, err
	}
}

func (q *request) finding() (audit.Deviation, error) {
	return q.st.p.Deviation(q.Context(), q.st.run, answer.DeviationRef(q.PathValue("ref")))
}

// judged seals what was sent about a finding, and goes back to it; where it
// cannot be sealed the page is shown with all that was typed.
func judged(kind deviation.Kind, told string) screen {
	return func(q *request) error {
		d, err := q.finding()
		if err != nil {
			return err
		}
		j := period.Judgment{Kind: kind, Why: q.field("why"), Cause: q.field("cause"), Response: q.field("response"), After: q.field("after")}
		if j.After == "" {
			j.After = "nothing seen" // a form of ours says what its reader had seen
		}
		_, err = q.s.home.DecideAs(q.Context(), q.who, &d, q.ofControls(d.Controls...), j)
		if errors.Is(err, audit.ErrConflict) && kind == deviation.Answer && d.Cause == j.Cause && d.Response == j.Response {
			err = nil // the same form sent twice
		}
		if err != nil {
			if err := q.problem(err); err != nil {
				return err
			}
			return q.deviation()
		}
		return q.done(q.at("deviations", d.Ref), told)
	}
}

// A step is one line of what happened around a finding, in order of time.
type step struct {
	When, What, Who string
	Text            template.HTML // what a person wrote
	Void            string        // it has no effect, and why
	Sealed          string        // when it was sealed, where that is not when it took place
	Record          *link
	Evidence        []link
}

// A deviationPage is one finding with what may be said of it.
type deviationPage struct {
	*page
	D          *audit.Deviation
	F          finding
	Began      string
	Ended      string
	Lasted     string
	Steps      []step
	Population link
	Hash       string
	Documented bool // its procedure still runs here, so that there is a page about it

	Cause, Response template.HTML // as they stand
	Stands          string        // who decided what, in a sentence
	After           string
	Proposal        *deviation.Decision
	May             map[string]bool // "answer", "propose", "confirm", "approve", "withdraw"
	WhyNot          string          // why they do not decide what waits; "" where they may
	Typed           map[string]string
	Issues          relatedIssues
}

func (q *request) deviation() error {
	d, err := q.finding()
	if err != nil {
		return err
	}
	loc := q.zone()
	q.Title, q.Heading, q.Ref = d.Ref+" "+d.Title, d.Title, d.Ref
	q.Say = answer.DeviationSentence(&d, q.st.report.Period)
	q.Way = []link{{"Deviations", q.to("/deviations")}, {d.Ref, ""}}
	q.Code = []string{"tieout deviation show " + d.Ref, "tieout deviation respond " + d.Ref + " --cause \"...\" --response \"...\"", "tieout evidence show " + d.Ref}
	stands, life, err := q.s.home.LifeOf(q.Context(), &d)
	if err != nil {
		return err
	}
	steps, err := q.steps(&d, life, loc)
	if err != nil {
		return err
	}
	data := deviationPage{page: &q.page, D: &d, F: q.findings([]audit.Deviation{d})[0], Began: report.BoundText(d.Start, loc), Lasted: report.Lasted(&d.Result),
		Steps: steps, Population: link{d.Procedure, q.at("populations", d.Procedure)}, Hash: short(d.Hash), Documented: q.testCalled(d.Procedure) != nil, After: stands.Newest, Proposal: stands.Proposal,
		Cause: policy.HTML(d.Cause), Response: policy.HTML(d.Response), Stands: q.sayStanding(&d, stands), May: q.mayJudge(&d, stands), WhyNot: q.whyNotJudge(&d, stands),
		Typed: map[string]string{"cause": q.typed("cause", d.Cause), "response": q.typed("response", d.Response), "why": q.typed("why", "")}}
	if data.Issues, err = q.issuesFrom(program.FromDeviation, d.Ref); err != nil {
		return err
	}
	if !d.Open && !d.End.At.IsZero() && d.Span.To.Sub(d.Span.From) > time.Microsecond {
		data.Ended = report.BoundText(d.End, loc)
	}
	return q.render("deviation.html", data)
}

// mayJudge says which forms who is signed in is shown. What was never recorded
// by a run can be read and not decided.
func (q *request) mayJudge(d *audit.Deviation, s deviation.Standing) map[string]bool {
	if s.Newest == "" {
		return nil
	}
	on := q.ofControls(d.Controls...)
	may := func(k deviation.Kind) bool { return period.MayDecide(q.who, k, on, s) }
	out := map[string]bool{
		"answer":   may(deviation.Answer),
		"propose":  may(deviation.Propose) && s.Proposal == nil && d.Disposition != audit.NotDeviation,
		"confirm":  may(deviation.Confirm) && d.Disposition != audit.Confirmed,
		"approve":  may(deviation.Approve) && s.Proposal != nil,
		"withdraw": may(deviation.Withdraw) && (s.Proposal != nil || d.Disposition != audit.Candidate),
	}
	out["decide"] = out["propose"] || out["confirm"] || out["approve"] || out["withdraw"]
	return out
}

// whyNotJudge says why who is signed in is not offered to decide what waits for a
// decision: a proposal for somebody else, or a finding nobody has decided.
func (q *request) whyNotJudge(d *audit.Deviation, s deviation.Standing) string {
	kind := deviation.Confirm
	switch {
	case s.Newest == "":
		return ""
	case s.Proposal != nil:
		kind = deviation.Approve
	case d.Disposition != audit.Candidate:
		return ""
	}
	why := period.WhyNotDecide(q.who, kind, q.ofControls(d.Controls...), s)
	if why == "" || strings.HasPrefix(why, "none of your roles") && !q.may("deviation.answer", q.ofControls(d.Controls...)) {
		return "" // who only reads misses nothing
	}
	return "You cannot " + map[deviation.Kind]string{deviation.Approve: "approve it", deviation.Confirm: "confirm it"}[kind] + ": " + why + "."
}

// sayStanding is what is decided about a finding, in a sentence.
func (q *request) sayStanding(d *audit.Deviation, s deviation.Standing) string {
	if s.Proposal != nil {
		return sayProposed(q.name(s.Proposal.By.Name), report.Moment(s.Proposal.At, q.zone()), d.Disposition)
	}
	return sayDecided(d.Disposition, d.DecidedBy, s.Newest != "")
}

func sayProposed(by, when string, disposition audit.Disposition) string {
	out := by + " proposed on " + when + " that it is not a deviation. Until somebody else approves that, it counts as before: "
	return out + map[bool]string{true: "confirmed.", false: "not decided."}[disposition == audit.Confirmed]
}

func sayDecided(disposition audit.Disposition, by string, recorded bool) string {
	if by != "" {
		by = " by " + by
	}
	switch {
	case disposition == audit.Confirmed:
		return "It is confirmed as a deviation" + by + "."
	case disposition == audit.NotDeviation:
		return "It was found not to be a deviation" + by + ". The finding stays on record."
	case !recorded:
		return "No recorded run has found it yet, so nothing can be decided about it. It can be once the tests have run again."
	}
	return "Nobody has decided yet whether it is a deviation. It stands in the report as it was found."
}

type dated struct {
	at time.Time
	step
}

// collectedSteps say when the evidence behind a finding was collected and
// sealed, one line for what came from a source within a minute.
func (q *request) collectedSteps(d *audit.Deviation, loc *time.Location) (out []dated, err error) {
	at := map[string]int{}
	for _, n := range d.Records[:min(len(d.Records), few)] {
		rec, err := q.st.p.Store.Record(q.Context(), n)
		if err != nil {
			return nil, err
		}
		key := rec.Source + " " + report.Moment(rec.Collected, loc) + report.Moment(rec.Recorded, loc)
		i, known := at[key]
		if !known {
			i, at[key] = len(out), len(out)
			out = append(out, dated{rec.Collected, step{Who: rec.Source}})
		}
		s := &out[i].step
		s.Evidence = append(s.Evidence, q.recordLinks([]int64{n}, d.Item)...)
		s.What = sayCollected(len(s.Evidence), report.Moment(rec.Collected, loc) == report.Moment(rec.Recorded, loc), report.Moment(rec.Recorded, loc))
	}
	return out, nil
}

// sayCollected is what happened to the evidence behind a finding.
func sayCollected(n int, atOnce bool, sealed string) string {
	s := report.Plural(n, "record was", "records were") + " collected and sealed"
	if !atOnce {
		s += " on " + sealed + " by this server's clock"
	}
	return report.Capital(s)
}

// steps are what is on record about a finding: when it began and ended, when
// its evidence was collected, and every decision.
func (q *request) steps(d *audit.Deviation, life []period.Decided, loc *time.Location) ([]step, error) {
	var list []dated
	add := func(at time.Time, s step) {
		if !at.IsZero() {
			s.When = report.Moment(at, loc)
			list = append(list, dated{at, s})
		}
	}
	lasted := d.Span.To.Sub(d.Span.From) > time.Microsecond
	switch {
	case !lasted:
		add(d.Span.From, step{What: "It happened"})
	case d.Start.Exact():
		add(d.Start.At, step{What: "It began"})
	default:
		add(d.Start.At, step{What: "First seen"})
	}
	if lasted && !d.Open {
		add(d.End.At, step{What: map[bool]string{true: "It ended", false: "First seen to be gone"}[d.End.Exact()]})
	}
	collected, err := q.collectedSteps(d, loc)
	if err != nil {
		return nil, err
	}
	for _, c := range collected {
		add(c.at, c.step)
	}
	for i := range life {
		add(life[i].Record.Recorded, q.decisionStep(&life[i]))
	}
	slices.SortStableFunc(list, func(a, b dated) int { return a.at.Compare(b.at) })
	out := make([]step, len(list))
	for i := range list {
		out[i] = list[i].step
	}
	return out, nil
}

// decisionStep is one sealed decision as a line.
func (q *request) decisionStep(x *period.Decided) step {
	s := step{What: decisionWords(x.Kind), Who: q.name(x.By.Name)}
	if q.reaches("evidence.read") {
		s.Record = &link{x.Record.Ref(), q.at("evidence", x.Record.Ref())}
	}
	var parts []string
	for _, p := range [][2]string{{"", x.Why}, {"Cause: ", x.Cause}, {"Response: ", x.Response}} {
		if p[1] != "" {
			parts = append(parts, p[0]+p[1])
		}
	}
	s.Text = policy.HTML(strings.Join(parts, "\n\n"))
	if x.Void != nil {
		s.Void = sentence(reason(x.Void, audit.ErrConflict))
	}
	return s
}

// decisionWords is what a kind of decision did.
func decisionWords(k deviation.Kind) string {
	switch k {
	case deviation.Recorded:
		return "Found for the first time, and recorded"
	case deviation.Lost:
		return "No longer found by a later run; it stays on record"
	case deviation.Answer:
		return "Management answered"
	case deviation.Confirm:
		return "Confirmed as a deviation"
	case deviation.Propose:
		return "Proposed: not a deviation"
	case deviation.Approve:
		return "Approved: not a deviation"
	}
	return "Taken back"
}
