package web

import (
	"fmt"

	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

// A firmPlace is one part of an engagement's file, with how far it is.
type firmPlace struct {
	link
	Facts string
}

// firmPlaces are the parts of an engagement's file in the order of the work, each
// with a fact about it.
func (q *request) firmPlaces(s *fieldwork.State, f *fieldwork.File) (out []firmPlace) {
	id := f.Terms.ID
	add := func(word, part, facts string) {
		path := q.under("engagements", id, part)
		if _, _, ok := q.s.routeOf(path); ok && q.opens(path) {
			out = append(out, firmPlace{link{word, path}, facts})
		}
	}
	tests, signed := testsSigned(f)
	add("Plan", "plan", report.Capital(report.Plural(tests, "test", "tests"))+" planned")
	add("Requests", "requests", requestsInWords(f))
	add("Populations", "populations", populationsInWords(f))
	add("Samples", "samples", report.Capital(report.Plural(len(f.Samples), "sample", "samples"))+" drawn")
	if t := firstTest(f); t != "" {
		path := gridBase(id, t)
		out = append(out, firmPlace{link{"Tests", path}, fmt.Sprintf("%s of %s signed off", report.Number(signed), report.Plural(tests, "workpaper is", "workpapers are"))})
	}
	add("Exceptions", "findings", findingsInWords(f))
	if f.Terms.Type != engagement.SOC3 {
		done, all := concludedOf(f)
		add("Conclusions", "conclusions", fmt.Sprintf("%s of %s written", report.Number(done), report.Plural(all, "conclusion is", "conclusions are")))
	}
	add("Events after the period", "events", report.Capital(report.Plural(len(f.Inquiries), "inquiry", "inquiries"))+", "+report.Plural(len(f.Events), "event", "events"))
	parts := f.Terms.Type.Parts()
	written := 0
	for _, p := range parts {
		if s.OpinionCurrent(f, p) {
			written++
		}
	}
	add("Opinion", "opinion", fmt.Sprintf("%s of %s written and signed", report.Number(written), report.Plural(len(parts), "part is", "parts are")))
	if f.Terms.Quality {
		words := "Not signed"
		if f.Quality != nil && f.Quality.Digest == f.QualityDigest() {
			words = "Signed by " + q.name(f.Quality.By)
		}
		add("Quality review", "quality", words)
	}
	words := "Not issued"
	if len(f.Issues) > 0 {
		words = "Issued, dated " + firmDay(f.Issues[len(f.Issues)-1].Dated, f.Terms.Zone)
	}
	add("Report", "report", words)
	add("Archive", "archive", archiveInWords(f))
	return out
}

// firmFileLinks are the parts of an engagement's file that who is signed in may open.
func (q *request) firmFileLinks(id string) (out []link) {
	for _, tab := range firmTabs[1:] {
		path := q.at("engagements", id) + tab.part
		if _, _, ok := q.s.routeOf(path); ok && q.opens(path) {
			out = append(out, link{tab.text, path})
		}
	}
	return out
}

func testsSigned(f *fieldwork.File) (tests, signed int) {
	for _, t := range f.Tests {
		if t.Dropped != "" {
			continue
		}
		tests++
		if p := f.Papers[t.ID]; p != nil && p.Reviewed != nil {
			signed++
		}
	}
	return tests, signed
}

// firstTest is the first test, in the order of names, that is not signed off, or
// else the first; "" where none is planned.
func firstTest(f *fieldwork.File) (name string) {
	for _, t := range book.Sorted(f.Tests) {
		if t.Dropped != "" {
			continue
		}
		if p := f.Papers[t.ID]; p == nil || p.Reviewed == nil {
			return t.ID
		}
		if name == "" {
			name = t.ID
		}
	}
	return name
}

func requestsInWords(f *fieldwork.File) string {
	open := 0
	for _, r := range f.Requests {
		if r.Status != engagement.RequestAccepted && r.Status != engagement.RequestWithdrawn {
			open++
		}
	}
	return report.Capital(report.Plural(len(f.Requests), "request", "requests")) + ", " + report.Number(open) + " open"
}

func populationsInWords(f *fieldwork.File) string {
	n, accepted := 0, 0
	for _, p := range f.Populations {
		if p.Superseded != "" {
			continue
		}
		if n++; p.Accepted {
			accepted++
		}
	}
	return fmt.Sprintf("%s frozen, %s accepted", report.Capital(report.Plural(n, "population", "populations")), report.Number(accepted))
}

func findingsInWords(f *fieldwork.File) string {
	released := 0
	for _, x := range f.Findings {
		if x.Stands() && !x.Released.IsZero() {
			released++
		}
	}
	n := standingFindings(f)
	if n == 0 {
		return "None stands"
	}
	return fmt.Sprintf("%s, the client has %s", report.Capital(report.Plural(n, "exception stands", "exceptions stand")), report.Number(released))
}

// concludedOf is how many conclusions are written and current, of all there are
// to write.
func concludedOf(f *fieldwork.File) (done, all int) {
	for _, what := range f.ToConclude() {
		if all++; f.Concluded[what] != nil && f.Stale(what) == "" {
			done++
		}
	}
	return done, all
}

func archiveInWords(f *fieldwork.File) string {
	switch a := f.Archive; {
	case a == nil:
		return "Not assembled"
	case a.Locked.IsZero():
		return "Assembled, not locked"
	}
	return "Locked"
}
