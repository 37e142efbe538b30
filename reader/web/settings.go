package web

import (
	"fmt"

	"tieout/access"
	"tieout/period"
	"tieout/report"
)

// settingsRoutes are what tieout.yaml sets. Nothing is changed here: the file is.
var settingsRoutes = []route{
	{pattern: "GET /settings", needs: "settings.read", do: (*request).settings},
}

// A settingRow is one setting: what it is now, where that is written, and what to
// write to change it. Of a secret only the kind of its reference is there.
type settingRow struct {
	Name, Value string
	Where       string // "tieout.yaml:12"; "": left out, and Value is the default
	Write       string // a snippet
}

// A settingGroup is settings that are read together.
type settingGroup struct {
	ID, Title, Hint string
	More            link // where there is more of it
	Rows            []settingRow
}

func (q *request) settings() error {
	def := q.st.p.Def
	groups := settingsOf(def, q.s.o.Public)
	written, all := 0, 0
	for i, g := range groups {
		if groups[i].More = q.lead(link{g.More.Text, q.to(g.More.Href)}); g.More.Href == "" {
			groups[i].More = link{}
		}
		for _, r := range g.Rows {
			if all++; r.Where != "" {
				written++
			}
		}
	}
	q.Title, q.Heading, q.Say, q.Wide = "Settings", "Settings", saySettings(written, all), true
	q.Code = []string{"tieout plan", "tieout apply"}
	return q.render("settings.html", struct {
		*page
		Groups []settingGroup
		InGit  bool
		Start  bool // may change the organization and the period on a screen
	}{&q.page, groups, period.InGit(q.st.p.Dir), !def.IsFirm() && q.may("definition.write", access.Object{})})
}

// saySettings says how much of the settings is written, and how much left out.
func saySettings(written, all int) string {
	switch left := all - written; {
	case left == 0:
		return fmt.Sprintf("All %s are written in tieout.yaml.", report.Plural(all, "setting", "settings"))
	case written == 0:
		return "Nothing is written in tieout.yaml: every setting has its default."
	case left == 1:
		return fmt.Sprintf("%d of %d settings are written in tieout.yaml; 1 is left out and has its default.", written, all)
	default:
		return fmt.Sprintf("%d of %d settings %s written in tieout.yaml; %d are left out and have their defaults.", written, all, map[bool]string{true: "is", false: "are"}[written == 1], left)
	}
}
