package html

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/report"
)

// A control's strip holds all of its tests in a few paths, so that a page of
// many controls stays light. Its shapes are drawn on a field so many units wide,
// which is stretched to the strip's width.
const (
	across     = 1000
	leastWide  = 30 // units: the least a finding is drawn wide
	tickWide   = 9
	joinWithin = 2 // units that nobody sees between two stretches
)

// layers are the classes of a control's strip in the order they are painted: the
// worst of its tests is seen in each place.
var layers = []string{
	"k-none", "k-none-line", "k-ok", "k-ok-line", "k-bar", "k-late", "k-late-line", "k-cut", "k-open", "k-tick", "k-late-tick", "k-under", "k-gap", "k-dev",
}

// A controlStrip draws what all tests of one control found.
type controlStrip struct {
	strip
	shapes map[string]*strings.Builder
	words  strings.Builder // text, which is not stretched
	bands  map[string][]audit.Span
	gaps   []audit.Span
	devs   []audit.Span
	events []audit.Mark
	said   []saying
	busy   [][2]int // where ticks, bars and findings were drawn, in units
}

// A saying is a word to be written inside a block.
type saying struct {
	class, text string
	span        audit.Span
}

// drawControl returns the picture of a control, with the sentences that say the
// same of each of its tests.
func drawControl(c *audit.ControlReport, period audit.Period, asOf time.Time, loc *time.Location) template.HTML {
	s := &controlStrip{strip: strip{period: period, asOf: asOf, loc: loc}, shapes: map[string]*strings.Builder{}, bands: map[string][]audit.Span{}}
	for i := range c.Procedures {
		s.gather(&c.Procedures[i])
	}
	s.paint()
	s.open(describeControl(c, period, loc))
	fmt.Fprintf(&s.b, `<svg viewBox="0 0 %d %d" preserveAspectRatio="none"><use href="#k-months"/>`, across, stripHeight)
	for _, class := range layers {
		if d := s.shapes[class]; d != nil {
			fmt.Fprintf(&s.b, `<path class="%s" d="%s"/>`, class, d)
		}
	}
	s.b.WriteString(`<use href="#k-today"/></svg>` + s.words.String() + `</svg>`)
	return template.HTML(s.b.String())
}

// describeControl says in sentences what the picture shows.
func describeControl(c *audit.ControlReport, period audit.Period, loc *time.Location) string {
	name := c.Control.ID + " " + c.Control.Title
	if len(c.Procedures) == 1 {
		return describe(&c.Procedures[0], name, period, loc)
	}
	parts := []string{name + ", " + report.Plural(len(c.Procedures), "test", "tests") + "."}
	for i := range c.Procedures {
		parts = append(parts, describe(&c.Procedures[i], c.Procedures[i].Title, period, loc))
	}
	return strings.Join(parts, " ")
}

// Field holds what the strips of all controls share: months, what is not due yet,
// and today. A page has it once.
func (v *View) Field() template.HTML {
	s := &strip{period: v.R.Period, asOf: v.R.AsOf, loc: v.loc}
	var months, today strings.Builder
	for t := nextMonth(s.period.From, s.loc); t.Before(s.period.To); t = nextMonth(t, s.loc) {
		fmt.Fprintf(&months, "M%d 0v%d", s.unit(t), stripHeight)
	}
	due := ""
	if x := s.unit(s.asOf); x < across {
		due = fmt.Sprintf(`<path class="k-due" d="M%d %dH%d"/>`, x, bandTop+bandHeight-1, across)
		if x > 0 {
			fmt.Fprintf(&today, `<path class="k-now" d="M%d 0v%d"/>`, x, stripHeight)
		}
	}
	return template.HTML(fmt.Sprintf(`<svg class="sr" width="1" height="1" aria-hidden="true"><defs><g id="k-months"><path class="k-hair" d="%s"/>%s</g><g id="k-today">%s</g></defs></svg>`, months.String(), due, today.String()))
}

// unit is where t lies, in units of the field.
func (s *strip) unit(t time.Time) int { return int(s.at(t)*across/100 + 0.5) }

// gather takes what a test found.
func (s *controlStrip) gather(t *audit.Tested) {
	for _, m := range t.Marks {
		switch {
		case m.Outcome == audit.NoEvidence:
			s.gaps = append(s.gaps, m.Span)
		case t.Form == audit.Cadence:
			s.window(m)
		case t.Form == audit.Event:
			s.events = append(s.events, m)
		case m.Outcome == audit.Operated:
			s.bands["k-ok"] = append(s.bands["k-ok"], m.Span)
		}
	}
	for _, g := range t.Gaps {
		s.gaps = append(s.gaps, g.Span)
	}
	for i := range t.Deviations {
		if d := &t.Deviations[i]; d.Disposition != audit.NotDeviation && d.Outcome == audit.Deviated && t.Form != audit.Cadence {
			s.devs = append(s.devs, d.Span)
		}
	}
}

// window takes a window of a cadence.
func (s *controlStrip) window(m audit.Mark) {
	switch m.Outcome {
	case audit.Operated:
		s.bands["k-ok"] = append(s.bands["k-ok"], m.Span)
	case audit.Late:
		s.bands["k-late"] = append(s.bands["k-late"], m.Span)
		s.say("k-late-text", m.Span, "late")
	case audit.Deviated:
		s.devs = append(s.devs, m.Span)
	case audit.Pending:
		if m.Contains(s.asOf) {
			s.box("k-open", s.unit(m.From), s.unit(m.To), bandTop, bandHeight)
			s.say("k-open-text", m.Span, "open")
		}
	case audit.NoOccurrence, audit.NotApplicable:
		s.bands["k-none"] = append(s.bands["k-none"], m.Span)
	}
	if a := s.unit(m.From); a > 0 && !m.From.After(s.asOf) {
		fmt.Fprintf(s.shape("k-cut"), "M%d %dv%d", a, bandTop, bandHeight)
	}
}

// say has a word written inside a block, once everything else is drawn.
func (s *controlStrip) say(class string, span audit.Span, text string) {
	s.said = append(s.said, saying{class, text, span})
}

// wordWide is the room a word takes, in units.
const wordWide = 42 * across / nominal

// write puts words inside their blocks where they fit, beside what other tests of
// the control drew there.
func (s *controlStrip) write() {
	slices.SortFunc(s.busy, func(a, b [2]int) int { return a[0] - b[0] })
	for _, w := range s.said {
		a, b := s.unit(w.span.From), s.unit(w.span.To)
		if b-a < wordWide {
			continue
		}
		at := float64(s.clear(a, b)) * 100 / across
		fmt.Fprintf(&s.words, `<text class="%s" x="%s" dx="6" y="15">%s</text>`, w.class, tenth(at), w.text)
	}
}

// clear is where in a block nothing stands over the next word; its beginning where
// there is no such room.
func (s *controlStrip) clear(a, b int) int {
	at := a
	for _, x := range s.busy {
		if x[1] > at && x[0] < at+wordWide {
			at = x[1]
		}
	}
	if at+wordWide > b {
		return a
	}
	return at
}

// tenth is a place in percent, as exact as anybody sees.
func tenth(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) + "%" }

func (s *controlStrip) shape(class string) *strings.Builder {
	if s.shapes[class] == nil {
		s.shapes[class] = &strings.Builder{}
	}
	return s.shapes[class]
}

func (s *controlStrip) box(class string, a, b, y, height int) {
	if b > a {
		switch class {
		case "k-tick", "k-late-tick", "k-bar", "k-under":
			s.busy = append(s.busy, [2]int{a, b})
		}
		fmt.Fprintf(s.shape(class), "M%d %dh%dv%dH%dz", a, y, b-a, height, a)
	}
}

// paint draws what was gathered.
func (s *controlStrip) paint() {
	for class, spans := range s.bands {
		for _, span := range s.joined(spans, 0) {
			a, b := span[0], min(span[1], s.unit(s.asOf))
			s.box(class, a, b, bandTop, bandHeight-lineHeight)
			s.box(class+"-line", a, b, bandTop+bandHeight-lineHeight, lineHeight)
		}
	}
	s.happened()
	s.found("k-gap", "?", s.gaps)
	s.found("k-dev", "×", s.devs)
	s.write()
}

// joined are spans in units, in order, those that touch as one. Each is at least
// so wide.
func (s *controlStrip) joined(spans []audit.Span, least int) (out [][2]int) {
	slices.SortFunc(spans, func(a, b audit.Span) int { return a.From.Compare(b.From) })
	for _, span := range spans {
		a, b := s.unit(span.From), s.unit(span.To)
		if b-a < least {
			a = min(max((a+b-least)/2, 0), across-least)
			b = a + least
		}
		if n := len(out); n > 0 && a <= out[n-1][1]+joinWithin {
			out[n-1][1] = max(out[n-1][1], b)
			continue
		}
		out = append(out, [2]int{a, b})
	}
	return out
}

// found draws findings over what operated, each with its sign.
func (s *controlStrip) found(class, sign string, spans []audit.Span) {
	var at []string
	for _, x := range s.joined(spans, leastWide) {
		s.box("k-under", x[0]-3, x[1]+3, 0, stripHeight)
		s.box(class, x[0], x[1], 1, stripHeight-2)
		at = append(at, tenth(float64(x[0]+x[1])/2*100/across))
	}
	if len(at) > 0 {
		fmt.Fprintf(&s.words, `<text class="%s-text" x="%s" y="16">%s</text>`, class, strings.Join(at, " "), strings.Repeat(sign, len(at)))
	}
}

// happened draws events: ticks where they are few, else a bar a week.
func (s *controlStrip) happened() {
	days := map[int]bool{}
	var operated []audit.Mark
	for _, m := range s.events {
		mid := (s.unit(m.From) + s.unit(m.To)) / 2
		switch m.Outcome {
		case audit.Operated:
			days[mid] = true
			operated = append(operated, m)
		case audit.Pending:
			s.box("k-open", mid-tickWide/2, mid+tickWide/2, bandTop, bandHeight)
		case audit.Late:
			s.box("k-late-tick", mid-tickWide/2, mid+tickWide/2+1, bandTop-1, bandHeight)
		}
	}
	if len(days) > manyTicks {
		s.bars(operated)
		return
	}
	for _, m := range operated {
		if mid := (s.unit(m.From) + s.unit(m.To)) / 2; days[mid] {
			s.box("k-tick", mid-tickWide/2, mid+tickWide/2+1, bandTop, bandHeight)
			delete(days, mid)
		}
	}
}

// bars are as high as a week had events.
func (s *controlStrip) bars(marks []audit.Mark) {
	sums, most := s.weekSums(marks)
	for i, n := range sums {
		if n == 0 {
			continue
		}
		from := s.period.From.Add(time.Duration(i) * week)
		a, b := s.unit(from), s.unit(earlier(from.Add(week), s.asOf))
		height := max(2, bandHeight*n/most)
		s.box("k-bar", a, max(b-3, a+2), bandTop+bandHeight-height, height)
	}
}
