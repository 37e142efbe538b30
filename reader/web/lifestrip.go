package web

import (
	"fmt"
	"html"
	"html/template"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/reader/roster"
	"tieout/report"
)

// The geometry of a life's strip, in pixels; across, places are percent of the
// period.
const (
	lifeHeight = 24
	lifeTop    = 4
	lifeBand   = 14
)

// A lifeStrip draws a person's or an account's life over the period.
type lifeStrip struct {
	b      strings.Builder
	period audit.Span
	now    time.Time
}

// newLife begins a strip with the sentence that says the same.
func (q *request) newLife(label string) *lifeStrip {
	s := &lifeStrip{period: q.st.report.Period.Span, now: q.now()}
	fmt.Fprintf(&s.b, `<svg class="strip" width="100%%" height="%d" role="img" aria-label="%s">`, lifeHeight, html.EscapeString(label))
	for t := firstOfNext(s.period.From, q.zone()); t.Before(s.period.To); t = firstOfNext(t, q.zone()) {
		x := s.at(t)
		fmt.Fprintf(&s.b, `<line class="k-hair" x1="%s" x2="%s" y1="0" y2="%d"/>`, x, x, lifeHeight)
	}
	return s
}

func firstOfNext(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, loc)
}

// share is where t lies in the period, from 0 to 100.
func (s *lifeStrip) share(t time.Time) float64 {
	whole := s.period.To.Sub(s.period.From)
	if whole <= 0 {
		return 0
	}
	return min(max(100*float64(t.Sub(s.period.From))/float64(whole), 0), 100)
}

func (s *lifeStrip) at(t time.Time) string { return lifePercent(s.share(t)) }

func lifePercent(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "%" }

// band draws a stretch; without an end it lasts until now.
func (s *lifeStrip) band(class string, span audit.Span, top, height int) {
	if span.To.IsZero() || span.To.After(s.now) {
		span.To = s.now
	}
	if a, b := s.share(span.From), s.share(span.To); b > a {
		fmt.Fprintf(&s.b, `<rect class="%s" x="%s" width="%s" y="%d" height="%d"/>`, class, lifePercent(a), lifePercent(b-a), top, height)
	}
}

func (s *lifeStrip) within(t time.Time) bool {
	return !t.IsZero() && !t.Before(s.period.From) && t.Before(s.period.To)
}

// tick marks an instant.
func (s *lifeStrip) tick(class string, t time.Time) {
	if s.within(t) {
		fmt.Fprintf(&s.b, `<rect class="%s" x="%s" width="3" y="%d" height="%d"/>`, class, s.at(t), lifeTop-2, lifeBand+4)
	}
}

func (s *lifeStrip) done() template.HTML {
	if s.within(s.now) {
		x := s.at(s.now)
		fmt.Fprintf(&s.b, `<line class="k-now" x1="%s" x2="%s" y1="0" y2="%d"/>`, x, x, lifeHeight)
		fmt.Fprintf(&s.b, `<line class="k-due" x1="%s" x2="100%%" y1="%d" y2="%d"/>`, x, lifeTop+lifeBand+2, lifeTop+lifeBand+2)
	}
	s.b.WriteString("</svg>")
	return template.HTML(s.b.String())
}

// lifeOf draws a person: the band is the engagement, the line under it the time
// in which an account of theirs works, a block access after the deadline.
func (q *request) lifeOf(r *roster.Roster, p *roster.Person, removal func(time.Time) time.Time) template.HTML {
	s := q.newLife(lifeWords(r, p))
	for _, span := range p.Engagements() {
		s.band("k-ok", span, lifeTop, lifeBand)
	}
	for _, a := range p.Accounts {
		for _, span := range a.Lives() {
			s.band("k-ok-line", span, lifeTop+lifeBand, 3)
			s.late(p, span, removal)
		}
	}
	s.tick("k-tick", p.Moved.At)
	return s.done()
}

// late draws what of an account's life lies after the engagement and the
// deadline.
func (s *lifeStrip) late(p *roster.Person, span audit.Span, removal func(time.Time) time.Time) {
	if p.Ended.At.IsZero() || removal == nil {
		return
	}
	due := removal(p.Ended.At)
	if span.From.Before(due) {
		span.From = due
	}
	if span.To.IsZero() || span.To.After(due) {
		s.band("k-dev", span, lifeTop, lifeBand+3)
	}
}

// lifeWords say of a person what the strip shows.
func lifeWords(r *roster.Roster, p *roster.Person) string {
	if p.Unknown {
		return "No personnel system tells of " + p.ID
	}
	var parts []string
	if !p.Started.At.IsZero() {
		parts = append(parts, "started "+r.LastDay(p.Started.At.Add(time.Microsecond)))
	}
	if !p.Moved.At.IsZero() {
		parts = append(parts, "moved "+r.LastDay(p.Moved.At.Add(time.Microsecond)))
	}
	if !p.Ended.At.IsZero() {
		parts = append(parts, "last day "+r.LastDay(p.Ended.At))
	}
	working := 0
	for _, a := range p.Accounts {
		if a.Works() {
			working++
		}
	}
	parts = append(parts, fmt.Sprintf("%s, %d still %s", report.Plural(len(p.Accounts), "account", "accounts"), working, map[bool]string{true: "works", false: "work"}[working == 1]))
	return report.Capital(strings.Join(parts, "; "))
}

// accountLife draws when somebody could sign in with an account.
func (q *request) accountLife(a *roster.Account, removal func(time.Time) time.Time) template.HTML {
	var words []string
	for _, span := range a.Lives() {
		w := "from " + report.Day(span.From, q.zone())
		if !span.To.IsZero() {
			w += " to " + report.Day(span.To, q.zone())
		}
		words = append(words, w)
	}
	label := a.Login + " in " + a.System + " worked " + report.List(words)
	if len(words) == 0 {
		label = a.Login + " in " + a.System + " was never seen working"
	}
	s := q.newLife(label)
	for _, span := range a.Lives() {
		s.band("k-ok", span, lifeTop, lifeBand)
		s.band("k-ok-line", span, lifeTop+lifeBand, 3)
		if a.Owner != nil {
			s.late(a.Owner, span, removal)
		}
	}
	return s.done()
}
