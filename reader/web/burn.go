package web

import (
	"fmt"
	"html"
	"html/template"
	"strconv"
	"strings"
	"time"

	"tieout/reader/answer"
	"tieout/report"
)

// The geometry of a burn-up, in pixels; across, places are percent.
const (
	burnTop    = 22  // room for words above
	burnFloor  = 172 // where nothing is counted
	burnHeight = 196
)

// A burnDrawing is a burn-up while it is drawn.
type burnDrawing struct {
	b        strings.Builder
	r        *answer.Readiness
	from, to time.Time
	most     int
}

// drawBurn returns the picture of r's burn-up with a sentence that says the same;
// "" where runs reach over less than a day.
func drawBurn(r *answer.Readiness) template.HTML {
	if !burns(r) {
		return ""
	}
	d := &burnDrawing{r: r, from: r.Burn[0].At, to: r.By}
	for _, p := range r.Burn {
		d.most = max(d.most, p.Total)
		d.to = later(d.to, p.At)
	}
	if d.from.After(r.Period.From) {
		d.from = r.Period.From
	}
	d.to = later(d.to, d.from.Add(24*time.Hour))
	d.most = max(d.most, 1)
	d.open()
	d.months()
	d.steps()
	d.date()
	d.b.WriteString("</svg>")
	return template.HTML(d.b.String())
}

// burns reports whether there is a line to draw.
func burns(r *answer.Readiness) bool {
	n := len(r.Burn)
	return n > 1 && r.Burn[n-1].At.Sub(r.Burn[0].At) >= 24*time.Hour
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// at is where an instant lies, in percent; the last part is room for words.
func (d *burnDrawing) at(t time.Time) float64 {
	return min(max(94*float64(t.Sub(d.from))/float64(d.to.Sub(d.from)), 0), 94)
}

func percent(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "%" }

func (d *burnDrawing) y(n int) int {
	return burnFloor - n*(burnFloor-burnTop-14)/d.most
}

func (d *burnDrawing) open() {
	fmt.Fprintf(&d.b, `<svg class="bu" width="100%%" height="%d" role="img" aria-label="%s">`, burnHeight, html.EscapeString(sayBurn(d.r)))
	fmt.Fprintf(&d.b, `<line class="bu-base" x1="0" x2="94%%" y1="%d" y2="%d"/>`, burnFloor, burnFloor)
}

// sayBurn is the picture in a sentence.
func sayBurn(r *answer.Readiness) string {
	if len(r.Burn) == 0 {
		return "No run is sealed yet, so there is nothing to draw."
	}
	last, loc := r.Burn[len(r.Burn)-1], r.Period.Location()
	s := fmt.Sprintf("Up to %s, %s found by runs and %s of them closed; the date is %s.", report.Day(last.At, loc),
		report.Plural(last.Total, "gap was", "gaps were"), report.Number(last.Closed), report.Day(r.By, loc))
	if !burns(r) {
		s += " The picture begins with the second day on which something is tested."
	}
	moves := 0
	for _, p := range r.Burn {
		if p.Note != "" {
			moves++
		}
	}
	if moves > 0 {
		s += " The definitions changed " + report.Plural(moves, "time", "times") + "."
	}
	return s
}

func (d *burnDrawing) months() {
	loc := d.r.Period.Location()
	t := d.from.In(loc)
	t = time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, loc)
	months := int(d.to.Sub(d.from).Hours()/24/30) + 1
	step := (months + 11) / 12
	for ; !t.After(d.to); t = t.AddDate(0, step, 0) {
		if t.Before(d.from) {
			continue
		}
		x := percent(d.at(t))
		fmt.Fprintf(&d.b, `<line class="k-hair" x1="%s" x2="%s" y1="%d" y2="%d"/><text class="k-label" x="%s" y="%d">%s</text>`, x, x, burnTop, burnFloor, x, burnFloor+16, monthName(t, t.Month() == time.January || t.AddDate(0, -step, 0).Year() != t.Year()))
	}
}

// monthName is a month, with its year where one begins.
func monthName(t time.Time, year bool) string {
	if year {
		return t.Format("Jan 2006")
	}
	return t.Format("Jan")
}

// steps draws what was closed as an area and what was found as a line above it;
// both hold until the next run.
func (d *burnDrawing) steps() {
	points, notes := d.r.Burn, 0
	for i, p := range points {
		end := p.At
		if i+1 < len(points) {
			end = points[i+1].At
		}
		from, to := d.at(p.At), d.at(end)
		if to > from {
			fmt.Fprintf(&d.b, `<rect class="bu-closed" x="%s" width="%s" y="%d" height="%d"/>`, percent(from), percent(to-from), d.y(p.Closed), burnFloor-d.y(p.Closed))
			d.line("bu-total", from, to, d.y(p.Total), d.y(p.Total))
			d.line("bu-line", from, to, d.y(p.Closed), d.y(p.Closed))
		}
		if i > 0 {
			d.line("bu-total", from, from, d.y(points[i-1].Total), d.y(p.Total))
			d.line("bu-line", from, from, d.y(points[i-1].Closed), d.y(p.Closed))
		}
		if p.Note != "" {
			notes++
			fmt.Fprintf(&d.b, `<line class="bu-note" x1="%s" x2="%s" y1="%d" y2="%d"/><text class="bu-n" x="%s" y="%d">%d</text>`, percent(from), percent(from), burnTop, d.y(p.Total), percent(from), burnTop-6, notes)
		}
	}
	last := points[len(points)-1]
	x := percent(d.at(last.At))
	fmt.Fprintf(&d.b, `<circle class="bu-dot" cx="%s" cy="%d" r="3.5"/><text class="bu-word" x="%s" y="%d" dx="8">%s</text>`, x, d.y(last.Total), x, d.y(last.Total)+4, html.EscapeString(report.Number(last.Total)+" found"))
	if low := d.y(last.Closed); low-d.y(last.Total) > 14 {
		fmt.Fprintf(&d.b, `<text class="bu-word ok" x="%s" y="%d" dx="8">%s</text>`, x, min(low+4, burnFloor-3), html.EscapeString(report.Number(last.Closed)+" closed"))
	}
}

func (d *burnDrawing) line(class string, x1, x2 float64, y1, y2 int) {
	fmt.Fprintf(&d.b, `<line class="%s" x1="%s" x2="%s" y1="%d" y2="%d"/>`, class, percent(x1), percent(x2), y1, y2)
}

// date is the line the work has to be done by, and today.
func (d *burnDrawing) date() {
	x := percent(d.at(d.r.By))
	fmt.Fprintf(&d.b, `<line class="bu-date" x1="%s" x2="%s" y1="%d" y2="%d"/><text class="k-label k-end" x="%s" y="12">%s</text>`, x, x, burnTop-4, burnFloor, x, html.EscapeString(report.Day(d.r.By, d.r.Period.Location())))
}
