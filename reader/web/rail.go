package web

import (
	"strings"

	"tieout/access"
	"tieout/report"
)

// A railEntry is one screen: shown to who may open it.
type railEntry struct {
	text, path string
	count      func(*state) int // nil: no number beside it
}

// A railPlace is one entry of the side bar: a screen, and those beside it, which
// are tabs of the same entry.
type railPlace struct {
	group   string
	screens []railEntry
}

// rails is the side bar, in the order people see it: at most 17 entries, in named
// groups. What is one's own and the search stand in the head of the page.
var rails = []railPlace{
	{"", []railEntry{{"Start", startPath, nil}}}, // while a step of it is open
	{"", []railEntry{{"Period", "/", nil}, {"Readiness", "/readiness", nil}}},
	{"", []railEntry{{"My work", "/me/work", nil}, {"All tasks", "/tasks", nil}}},
	{"", []railEntry{{"Examination", "/examinations", nil}, {"Access to reports", "/trust/requests", nil}}},
	{"Controls", []railEntry{
		{"Controls", "/controls", func(st *state) int { return len(st.report.Controls) + len(st.report.Untested) }},
		{"Coverage", "/coverage", nil},
	}},
	{"Controls", []railEntry{
		{"Deviations", "/deviations", func(st *state) int { return len(st.devs) }},
		{"Evidence gaps", "/gaps", func(st *state) int { return len(st.gaps) }},
		{"Issues", "/issues", nil},
	}},
	{"Controls", []railEntry{{"Populations", "/populations", func(st *state) int { return len(report.Procedures(st.report)) }}}},
	{"Controls", []railEntry{{"Evidence", "/evidence", nil}}},
	{"Program", []railEntry{{"Policies", "/policies", nil}}},
	{"Program", []railEntry{{"Risks", "/risks", nil}}},
	{"Program", []railEntry{{"Incidents", "/incidents", nil}}},
	{"Program", []railEntry{{"Vendors", "/vendors", nil}, {"Answers", "/answers", nil}}},
	{"Program", []railEntry{{"People", "/people", nil}, {"Access reviews", "/reviews", nil}}},
	{"Workspace", []railEntry{{"System boundary", "/system", nil}}},
	{"Workspace", []railEntry{
		{"Connectors", "/connectors", func(st *state) int { return len(st.p.Def.Sources) }},
		{"Jobs", "/jobs", nil},
	}},
	{"Workspace", []railEntry{{"Activity log", "/log", nil}}},
	{"Workspace", []railEntry{{"Settings", "/settings", nil}, {"Access", "/access", nil}, {"API tokens", "/tokens", nil}}},
}

// rail is the side bar for who is signed in, and the tabs of where they are. Of an
// entry with tabs the first they may open stands in the bar.
func (q *request) rail() (out []railGroup) {
	places := rails
	if q.s.kind == access.Firm {
		places = firmRails
	}
	for _, p := range places {
		tabs, here := q.tabs(p)
		if len(tabs) == 0 {
			continue
		}
		l := tabs[0]
		if l.Here = here; here && len(tabs) > 1 {
			q.Tabs, q.TabsOf = tabs, l.Text
		}
		if n := len(out); n == 0 || out[n-1].Name != p.group {
			out = append(out, railGroup{Name: p.group})
		}
		out[len(out)-1].Links = append(out[len(out)-1].Links, l)
	}
	return out
}

// tabs are the screens of an entry that who is signed in may open, and whether
// this is one of them.
func (q *request) tabs(p railPlace) (out []railLink, here bool) {
	for _, e := range p.screens {
		asks := e.path
		if e.path == "/" && !q.Firm {
			asks = "/period/" + q.st.p.Name
		}
		if !q.opens(asks) || e.path == startPath && !q.starting() {
			continue
		}
		l := railLink{link: link{e.text, q.to(e.path)}, Here: within(q.URL.Path, e.path)}
		if e.path == "/" && !q.Firm {
			l = railLink{link: link{e.text, q.Home()}, Here: q.URL.Path == "/" || within(q.URL.Path, "/period")}
		}
		if e.count != nil {
			l.N = report.Number(e.count(q.st))
		}
		out, here = append(out, l), here || l.Here
	}
	return out, here
}

// within reports whether a path is that of a screen or of something on it.
func within(path, screen string) bool {
	return path == screen || strings.HasPrefix(path, screen+"/")
}
