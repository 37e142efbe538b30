package html

import (
	"fmt"
	"html"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/report"
)

// The geometry of a strip, in pixels; across, places are percent of the period.
const (
	stripHeight = 24
	bandTop     = 4
	bandHeight  = 17
	lineHeight  = 3
	blockWidth  = 12  // the least a block is drawn wide
	nominal     = 420 // the width a strip usually has; only to decide what is too narrow
	manyTicks   = 30  // more days with events than this are drawn as a bar a week
)

// A strip draws what one procedure found over the period.
type strip struct {
	b      strings.Builder
	period audit.Period
	asOf   time.Time
	loc    *time.Location
}

// drawStrip returns the picture of t, with a sentence that says the same.
func drawStrip(t *audit.Tested, name string, period audit.Period, asOf time.Time, loc *time.Location) template.HTML {
	s := &strip{period: period, asOf: asOf, loc: loc}
	s.open(describe(t, name, period, loc))
	s.months()
	s.future()
	switch {
	case t.Form == audit.Cadence:
		s.windows(t)
	case t.Form == audit.Event:
		s.events(t)
	default:
		s.stretches(t)
	}
	s.now()
	s.b.WriteString("</svg>")
	return template.HTML(s.b.String())
}

func (s *strip) open(label string) {
	fmt.Fprintf(&s.b, `<svg class="strip" width="100%%" height="%d" role="img" aria-label="%s">`, stripHeight, html.EscapeString(label))
}

// at is where t lies in the period, in percent, cut to it.
func (s *strip) at(t time.Time) float64 {
	whole := s.period.To.Sub(s.period.From)
	if whole <= 0 {
		return 0
	}
	return min(max(100*float64(t.Sub(s.period.From))/float64(whole), 0), 100)
}

func pc(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) + "%" }

func (s *strip) rect(class string, x, width float64, y, height int) {
	fmt.Fprintf(&s.b, `<rect class="%s" x="%s" width="%s" y="%d" height="%d"/>`, class, pc(x), pc(width), y, height)
}

// months are hairlines where a month begins.
func (s *strip) months() {
	for t := nextMonth(s.period.From, s.loc); t.Before(s.period.To); t = nextMonth(t, s.loc) {
		x := pc(s.at(t))
		fmt.Fprintf(&s.b, `<line class="k-hair" x1="%s" x2="%s" y1="0" y2="%d"/>`, x, x, stripHeight)
	}
}

func nextMonth(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, loc)
}

func (s *strip) future() {
	if x := s.at(s.asOf); x < 100 {
		fmt.Fprintf(&s.b, `<line class="k-due" x1="%s" x2="100%%" y1="%d" y2="%d"/>`, pc(x), bandTop+bandHeight-1, bandTop+bandHeight-1)
	}
}

func (s *strip) now() {
	if x := s.at(s.asOf); x > 0 && x < 100 {
		fmt.Fprintf(&s.b, `<line class="k-now" x1="%s" x2="%s" y1="0" y2="%d"/>`, pc(x), pc(x), stripHeight)
	}
}

// stretches is an unbroken band where something operated, with a line under
// it; findings and gaps break it.
func (s *strip) stretches(t *audit.Tested) {
	for _, m := range t.Marks {
		if m.Outcome == audit.Operated {
			s.band("k-ok", m.Span)
		}
	}
	s.findings(t)
}

func (s *strip) band(class string, span audit.Span) {
	a, b := s.at(span.From), s.at(earlier(span.To, s.asOf))
	if b > a {
		s.rect(class, a, b-a, bandTop, bandHeight-lineHeight)
		s.rect(class+"-line", a, b-a, bandTop+bandHeight-lineHeight, lineHeight)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// windows are equal blocks, one for each window of the cadence.
func (s *strip) windows(t *audit.Tested) {
	for _, m := range t.Marks {
		switch m.Outcome {
		case audit.Operated:
			s.band("k-ok", m.Span)
		case audit.Late:
			s.band("k-late", m.Span)
			s.word("k-late-text", m.Span, "late")
		case audit.Pending:
			s.pending(m.Span)
		case audit.NoOccurrence, audit.NotApplicable:
			s.band("k-none", m.Span)
		}
		if a := s.at(m.From); a > 0 && !m.From.After(s.asOf) {
			fmt.Fprintf(&s.b, `<line class="k-cut" x1="%s" x2="%s" y1="%d" y2="%d"/>`, pc(a), pc(a), bandTop, bandTop+bandHeight)
		}
	}
	s.findings(t)
	for _, m := range t.Marks {
		if m.Outcome == audit.Deviated {
			s.block("dev", "×", m.Span, 1)
		}
	}
}

// pending outlines the window that is open now; later ones are only due.
func (s *strip) pending(span audit.Span) {
	if !span.Contains(s.asOf) {
		return
	}
	a, b := s.at(span.From), s.at(span.To)
	s.rect("k-open", a, b-a, bandTop, bandHeight)
	s.word("k-open-text", span, "open")
}

// word writes inside a block, where it fits.
func (s *strip) word(class string, span audit.Span, text string) {
	a, b := s.at(span.From), s.at(span.To)
	if (b-a)/100*nominal < 42 {
		return
	}
	fmt.Fprintf(&s.b, `<svg x="%s" width="%s" overflow="hidden"><text class="%s" x="6" y="15">%s</text></svg>`, pc(a), pc(b-a), class, text)
}

// events are ticks where there are few days with events, else a bar a week.
func (s *strip) events(t *audit.Tested) {
	days := 0
	for _, m := range t.Marks {
		if m.Outcome == audit.Operated {
			days++
		}
	}
	if days > manyTicks {
		s.weeks(t.Marks)
	} else {
		s.ticks(t.Marks)
	}
	for _, m := range t.Marks {
		if m.Outcome == audit.Late {
			s.fixed("k-late-tick", m.Span, 7, bandTop-1, bandHeight)
		}
	}
	s.findings(t)
}

func (s *strip) ticks(marks []audit.Mark) {
	for _, m := range marks {
		switch m.Outcome {
		case audit.Operated:
			s.fixed("k-tick", m.Span, 4, bandTop, bandHeight)
		case audit.Pending:
			s.fixed("k-open", m.Span, 6, bandTop, bandHeight)
		}
	}
}

// fixed draws a mark of a width in pixels in the middle of a span.
func (s *strip) fixed(class string, span audit.Span, width float64, y, height int) {
	fmt.Fprintf(&s.b, `<svg x="%s" overflow="visible"><rect class="%s" x="%g" width="%g" y="%d" height="%d"/></svg>`, pc(s.middle(span)), class, -width/2, width, y, height)
}

func (s *strip) middle(span audit.Span) float64 { return (s.at(span.From) + s.at(span.To)) / 2 }

const week = 7 * 24 * time.Hour

// weekSums counts what operated in each week of the period, and in the busiest;
// that is at least one.
func (s *strip) weekSums(marks []audit.Mark) (sums []int, most int) {
	sums, most = make([]int, s.period.To.Sub(s.period.From)/week+1), 1
	for _, m := range marks {
		if m.Outcome != audit.Operated || !s.period.Contains(m.From) {
			continue
		}
		i := m.From.Sub(s.period.From) / week
		sums[i] += m.Count
		most = max(most, sums[i])
	}
	return sums, most
}

// weeks draws a bar for each week of the period, as high as it had events.
func (s *strip) weeks(marks []audit.Mark) {
	sums, most := s.weekSums(marks)
	for i, n := range sums {
		if n == 0 {
			continue
		}
		from := s.period.From.Add(time.Duration(i) * week)
		a, b := s.at(from), s.at(earlier(from.Add(week), s.asOf))
		height := max(2, bandHeight*n/most)
		s.rect("k-bar", a, max((b-a)*0.82, 0.1), bandTop+bandHeight-height, height)
	}
}

// findings are drawn over what operated: solid blocks with a cross, dashed
// blocks with a question mark.
func (s *strip) findings(t *audit.Tested) {
	var gaps, devs []audit.Span
	for _, g := range t.Gaps {
		gaps = append(gaps, g.Span)
	}
	for _, m := range t.Marks {
		if m.Outcome == audit.NoEvidence {
			gaps = append(gaps, m.Span)
		}
	}
	for i := range t.Deviations {
		if d := &t.Deviations[i]; d.Disposition != audit.NotDeviation && d.Outcome == audit.Deviated && t.Form != audit.Cadence {
			devs = append(devs, d.Span)
		}
	}
	s.blocks("gap", "?", gaps)
	s.blocks("dev", "×", devs)
}

// blocks draws spans, those that would touch as one.
func (s *strip) blocks(kind, sign string, spans []audit.Span) {
	slices.SortFunc(spans, func(a, b audit.Span) int { return a.From.Compare(b.From) })
	const least = 100 * blockWidth / float64(nominal)
	for i := 0; i < len(spans); {
		one, n := spans[i], 1
		for i+n < len(spans) && s.at(spans[i+n].From) < max(s.at(one.To), s.at(one.From)+least) {
			if spans[i+n].To.After(one.To) {
				one.To = spans[i+n].To
			}
			n++
		}
		s.block(kind, sign, one, n)
		i += n
	}
}

func (s *strip) block(kind, sign string, span audit.Span, n int) {
	a, b := s.at(span.From), s.at(span.To)
	if n > 1 && kind == "dev" {
		sign += strconv.Itoa(n)
	}
	x := pc((a + b) / 2)
	if width := max((b-a)/100*nominal, 0); width < blockWidth+8*float64(len(sign)-len("×")) {
		w := float64(blockWidth + 7*max(len([]rune(sign))-1, 0))
		left := -w / 2
		if x := (a + b) / 2 / 100 * nominal; x < w/2 {
			left = -x
		} else if x > nominal-w/2 {
			left = nominal - x - w
		}
		fmt.Fprintf(&s.b, `<svg x="%s" overflow="visible"><rect class="k-under" x="%g" width="%g" y="0" height="%d"/><rect class="k-%s" x="%g" width="%g" y="1" height="%d"/><text class="k-%s-text" x="%g" y="16">%s</text></svg>`,
			x, left-1.5, w+3, stripHeight, kind, left, w, stripHeight-2, kind, left+w/2, sign)
		return
	}
	s.rect("k-under", a, b-a, 0, stripHeight)
	s.rect("k-"+kind, a, b-a, 1, stripHeight-2)
	fmt.Fprintf(&s.b, `<svg x="%s" overflow="visible"><text class="k-%s-text" x="0" y="16">%s</text></svg>`, x, kind, sign)
}

// describe says in a sentence what the picture shows.
func describe(t *audit.Tested, name string, period audit.Period, loc *time.Location) string {
	out := fmt.Sprintf("%s, %s: operated %s.", name, report.Days(t.Span, loc), report.Operated(t, period))
	var devs, late, gaps []string
	for i := range t.Deviations {
		d := &t.Deviations[i]
		switch {
		case d.Disposition == audit.NotDeviation:
		case d.Outcome == audit.Late:
			late = append(late, report.Days(d.Span, loc))
		default:
			devs = append(devs, report.Days(d.Span, loc))
		}
	}
	for _, g := range t.Gaps {
		gaps = append(gaps, report.Days(g.Span, loc))
	}
	return out + say("Deviation", devs) + say("Late", late) + say("No evidence", gaps)
}

// say lists when something was, the first few by date.
func say(what string, days []string) string {
	const few = 4
	switch {
	case len(days) == 0:
		return ""
	case len(days) > few:
		return fmt.Sprintf(" %s: %s, and %s more.", what, strings.Join(days[:few], "; "), report.Number(len(days)-few))
	}
	return " " + what + ": " + strings.Join(days, "; ") + "."
}

// drawCoverage draws when a stream was seen, and where reading failed.
func drawCoverage(c *audit.StreamSummary, period audit.Period, asOf time.Time, loc *time.Location) template.HTML {
	s := &strip{period: period, asOf: asOf, loc: loc}
	var seen, holes []string
	for _, span := range c.Covered {
		seen = append(seen, report.Days(span, loc))
	}
	for _, h := range c.Holes {
		holes = append(holes, report.Days(h.Span, loc))
	}
	s.open(fmt.Sprintf("%s %s %s.%s%s", c.Source, c.Scope, c.Type, say("Covered", seen), say("Reading failed", holes)))
	s.months()
	s.future()
	for _, span := range c.Covered {
		s.band("k-seen", span)
	}
	var spans []audit.Span
	for _, h := range c.Holes {
		spans = append(spans, h.Span)
	}
	s.blocks("gap", "?", spans)
	s.now()
	s.b.WriteString("</svg>")
	return template.HTML(s.b.String())
}
