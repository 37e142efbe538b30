package web

import (
	"strings"

	"tieout/access"
	"tieout/report"
)

// A railEntry is one screen of the side bar: shown to whom the permission
// reaches.
type railEntry struct {
	group, text, path string
	needs             access.PermissionID // "": whoever is signed in
	count             func(*state) int    // nil: no number beside it
}

// rails is the side bar, in the order people see it: few entries in named groups.
var rails = []railEntry{
	{"", "Start", startPath, "period.read", nil}, // until something was tested
	{"", "Period", "/", "period.read", nil},
	{"", "My page", "/me", "", nil},
	{"", "My work", "/me/work", "task.read", nil},
	{"", "Readiness", "/readiness", "period.read", nil},
	{"Controls", "Controls", "/controls", "period.read", func(st *state) int { return len(st.report.Controls) + len(st.report.Untested) }},
	{"Controls", "Coverage", "/coverage", "period.read", nil},
	{"Controls", "Deviations", "/deviations", "deviation.read", func(st *state) int { return len(st.devs) }},
	{"Controls", "Evidence gaps", "/gaps", "period.read", func(st *state) int { return len(st.gaps) }},
	{"Controls", "Populations", "/populations", "period.read", func(st *state) int { return len(report.Procedures(st.report)) }},
	{"Controls", "Evidence", "/evidence", "evidence.read", nil},
	{"Program", "Tasks", "/tasks", "task.read", nil},
	{"Program", "Policies", "/policies", "policy.read", nil},
	{"Program", "Risks", "/risks", "register.read", nil},
	{"Program", "Incidents", "/incidents", "incident.read", nil},
	{"Program", "Vendors", "/vendors", "register.read", nil},
	{"Program", "People", "/people", "people.read", nil},
	{"Program", "Access reviews", "/reviews", "review.decide", nil},
	{"Workspace", "System boundary", "/system", "register.read", nil},
	{"Workspace", "Connectors", "/connectors", "source.read", func(st *state) int { return len(st.p.Def.Sources) }},
	{"Workspace", "Jobs", "/jobs", "source.read", nil},
	{"Workspace", "Activity log", "/log", "activity.read", nil},
	{"Workspace", "Access", "/access", access.ReadAccounts, nil},
}

// rail is the side bar for who is signed in.
func (q *request) rail() (out []railGroup) {
	first, _, _ := strings.Cut(strings.TrimPrefix(q.URL.Path, "/"), "/")
	for _, e := range rails {
		if e.needs != "" && !q.reaches(e.needs) || e.path == startPath && q.st.run.Recorded {
			continue
		}
		l := railLink{link: link{e.text, q.to(e.path)}, Here: strings.TrimPrefix(e.path, "/") == first && !within(q.URL.Path, "/me/work") || e.path == "/me/work" && within(q.URL.Path, e.path)}
		if e.path == "/" {
			l = railLink{link: link{e.text, q.Home()}, Here: first == "" || first == "period"}
		}
		if e.count != nil {
			l.N = report.Number(e.count(q.st))
		}
		if n := len(out); n == 0 || out[n-1].Name != e.group {
			out = append(out, railGroup{Name: e.group})
		}
		out[len(out)-1].Links = append(out[len(out)-1].Links, l)
	}
	return out
}

// within reports whether a path is that of a screen or of something on it.
func within(path, screen string) bool {
	return path == screen || strings.HasPrefix(path, screen+"/")
}
