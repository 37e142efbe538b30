package web

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report"
)

// readinessOf is what stands in the way, made once for a state, as far as who is
// signed in may read it.
func (q *request) readinessOf() (*answer.Readiness, error) {
	sys, err := q.systemOf()
	if err != nil {
		return nil, err
	}
	st := q.st.whole()
	r, err := st.ready.get(func() (*answer.Readiness, error) {
		return answer.ReadinessOf(context.WithoutCancel(q.Context()), st.p, st.report, sys)
	})
	if err != nil {
		return nil, err
	}
	if r = r.At(st.p.Now()); st != q.st {
		seen := q.st.controls()
		r = r.Within(func(id string) bool { return slices.Contains(seen, id) })
	}
	if q.reaches("issue.read") {
		issues, err := q.issuesSeen()
		if err != nil {
			return nil, err
		}
		r = r.WithIssues(issues)
	}
	return r.Without(func(k answer.GapKind) bool { return gapNeeds[k] != "" && !q.reaches(gapNeeds[k]) }), nil
}

// gapNeeds is what somebody has to be allowed to read, beside the period, to be
// told of gaps of a kind.
var gapNeeds = map[answer.GapKind]access.PermissionID{
	answer.Undecided: "deviation.read", answer.Unanswered: "deviation.read", answer.NoPolicy: "policy.read",
	answer.NotClaimed: "register.read", answer.Boundary: "register.read", answer.NoSource: "source.read",
}

// poles is how many of the longest gaps stand first.
const poles = 10

type gapLine struct {
	G        answer.ReadinessGap
	Work     string
	Href     string
	Issues   []gapIssue
	Open     string // where an issue is opened on it; "" for who may not
	Controls []link
	More     int
}

// A gapIssue is an issue that was opened on a gap.
type gapIssue struct {
	link
	Owner, Due string
	Late       bool
}

type stopLine struct {
	S     answer.Stop
	Class string
	Href  string
	Of    string
}

type burnLine struct {
	When, Note    string
	Total, Closed string
	N             int // of its note; 0: none
}

func (q *request) readiness() error {
	r, err := q.readinessOf()
	if err != nil {
		return err
	}
	by := q.URL.Query().Get("by")
	if r, err = q.heldAgainst(r, by); err != nil {
		return err
	}
	kind, criterion := q.URL.Query().Get("kind"), q.URL.Query().Get("criterion")
	if criterion != "" {
		r = r.OfCriterion(criterion)
	}
	data := struct {
		*page
		R           *answer.Readiness
		By          string
		First, Rest []gapLine
		Kinds       []stateFilter
		Stops       []stopLine
		StopsSay    string
		Burn        template.HTML
		BurnSay     string
		Points      []burnLine
		Rules       any
		Asked       bool
		File, CSV   string // for somebody outside; "" for who may not read all that is counted
		Criterion   string
		Criteria    []choice
	}{page: &q.page, R: r, Criterion: criterion, Criteria: q.criterionChoices(criterion), By: r.By.In(r.Period.Location()).Format(time.DateOnly), Kinds: q.kinds(r, kind, by, criterion), StopsSay: r.StopsSentence(), Rules: answer.Hours, Asked: kind+criterion != ""}
	if q.readsAllGaps() {
		data.File, data.CSV = q.to("/readiness/progress", "by", by), q.to("/readiness/progress", "by", by, "format", "csv")
	}
	in := q.st.controls()
	for _, g := range r.Gaps {
		if kind != "" && kindSlug(g.Kind) != kind {
			continue
		}
		if line := q.gapLine(g, in); len(data.First) < poles {
			data.First = append(data.First, line)
		} else {
			data.Rest = append(data.Rest, line)
		}
	}
	for _, s := range r.Stops {
		data.Stops = append(data.Stops, q.stopLine(s))
	}
	data.Burn, data.BurnSay, data.Points = drawBurn(r), sayBurn(r), burnLines(r)
	q.Title, q.Heading, q.Say, q.Wide = "Readiness", "Readiness", r.Sentence(), true
	if q.st.whole() != q.st {
		q.Say = "Of what you may read: " + q.Say
	}
	q.Code = []string{"tieout readiness --by " + data.By, "tieout readiness --rehearse"}
	return q.render("readiness.html", data)
}

func kindSlug(k answer.GapKind) string { return strings.ReplaceAll(string(k), " ", "-") }

// kinds are the kinds of gap there are, as filters.
func (q *request) kinds(r *answer.Readiness, want, by, criterion string) []stateFilter {
	n := map[answer.GapKind]int{}
	for _, g := range r.Gaps {
		n[g.Kind]++
	}
	out := []stateFilter{{Word: "All", N: report.Number(len(r.Gaps)), Href: q.to("/readiness", "by", by, "criterion", criterion), Here: want == ""}}
	for _, h := range answer.Hours {
		if n[h.Kind] > 0 || kindSlug(h.Kind) == want {
			out = append(out, stateFilter{Word: report.Capital(string(h.Kind)), N: report.Number(n[h.Kind]), Href: q.to("/readiness", "kind", kindSlug(h.Kind), "by", by, "criterion", criterion), Here: kindSlug(h.Kind) == want})
		}
	}
	return out
}

// manyControls is how many controls a gap's line names.
const manyControls = 4

// gapLine is a gap as a line; in are the controls in scope, which have a screen.
func (q *request) gapLine(g answer.ReadinessGap, in []string) gapLine {
	line := gapLine{G: g, Work: answer.Work(g.Hours), Href: q.fix(g.Fix)}
	shown := g.Controls[:min(len(g.Controls), manyControls)]
	line.More = len(g.Controls) - len(shown)
	for _, id := range shown {
		one := link{Text: id}
		if slices.Contains(in, id) {
			one.Href = q.at("controls", id)
		}
		line.Controls = append(line.Controls, one)
	}
	for _, i := range g.Issues {
		x := gapIssue{link: link{i.ID, q.at("issues", i.ID)}, Owner: "nobody yet", Due: q.dayOr(i.Due, ""), Late: !i.Due.IsZero() && q.now().After(i.Due)}
		if i.Owner != "" {
			x.Owner = q.name(i.Owner)
		}
		line.Issues = append(line.Issues, x)
	}
	if q.may("issue.write", access.Object{}) {
		line.Open = q.to("/issues/new", linkFields[program.FromGap], g.Key)
	}
	return line
}

// criterionChoices are the criteria in scope, for the filter.
func (q *request) criterionChoices(chosen string) []choice {
	out := []choice{{"", "Every criterion", chosen == ""}}
	for _, c := range q.st.p.Def.Criteria() {
		out = append(out, choice{c.ID, c.ID + " " + c.Summary, c.ID == chosen})
	}
	return out
}

// fix is the address of the screen where a gap is closed; "" where this server
// has no such screen.
func (q *request) fix(f answer.Fix) string {
	probe := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: f.Screen}, Host: q.Host}
	if _, pattern := q.s.mux.Handler(probe); pattern == "" || pattern == everywhere {
		return ""
	}
	return q.to(f.Screen, f.Query...)
}

// everywhere is the pattern of what no screen takes.
const everywhere = "/{anything...}"

var stopClasses = map[string]string{answer.Stops: "dev", answer.Asks: "late", answer.GoesOn: "ok"}

func (q *request) stopLine(s answer.Stop) stopLine {
	out := stopLine{S: s, Class: stopClasses[s.State], Href: q.fix(s.Fix)}
	if n := len(s.Of); n > 0 {
		out.Of = strings.Join(s.Of[:min(n, 8)], ", ")
		if n > 8 {
			out.Of += " and " + report.Number(n-8) + " more"
		}
	}
	return out
}

// burnLines are the same as the picture, as a table: where scope moved, and
// the first and the last of what was found.
func burnLines(r *answer.Readiness) (out []burnLine) {
	n := 0
	for i, p := range r.Burn {
		line := burnLine{When: report.Moment(p.At, r.Period.Location()), Note: p.Note, Total: report.Number(p.Total), Closed: report.Number(p.Closed)}
		if p.Note != "" {
			n++
			line.N = n
		}
		if i > 0 && i < len(r.Burn)-1 && p.Note == "" && p.Total == r.Burn[i-1].Total && p.Closed == r.Burn[i-1].Closed {
			continue
		}
		out = append(out, line)
	}
	return out
}
