package connect

import (
	"slices"
	"strings"

	"tieout/audit"
	"tieout/source"
)

// A Group is kinds of source that people look for together.
type Group struct {
	Title string
	Kinds []*source.Driver
}

// groups are the headings, in the order people connect, with the kinds below them.
var groups = []struct {
	title string
	kinds []string
}{
	{"People and training", []string{"roster", "bamboohr"}},
	{"Where people sign in", []string{"okta", "entra", "google-workspace", "ldap", "scim"}},
	{"Code and changes", []string{"github", "gitlab", "gitea", "git", "github-webhooks", "jira"}},
	{"Cloud and infrastructure", []string{"aws", "gcp", "azure", "kubernetes", "aws-credential-report", "cloudtrail"}},
	{"Devices", []string{"agent", "osquery", "fleet", "workstation"}},
	{"Weaknesses and findings", []string{"trivy", "grype", "govulncheck", "osv", "sarif", "prowler", "powerpipe", "ocsf", "oscal"}},
	{"Alerts and incidents", []string{"pagerduty"}},
	{"Backups", []string{"restic", "borg", "pgbackrest"}},
	{"Seen from outside", []string{"outside", "dns"}},
	{"Registers and the program itself", []string{"registers", "program", "tieout"}},
}

// rest is the heading of what maps anything, and of kinds without another.
const rest = "Anything else: files, addresses, databases"

// Grouped are the kinds that match a search, by heading; headings without any
// are left out. Every kind is below one heading.
func Grouped(drivers source.Registry, search string) (out []Group) {
	left := slices.Clone(drivers)
	take := func(title string, is func(*source.Driver) bool) {
		g := Group{Title: title}
		left = slices.DeleteFunc(left, func(d *source.Driver) bool {
			if is(d) && Matches(d, search) {
				g.Kinds = append(g.Kinds, d)
			}
			return is(d)
		})
		if len(g.Kinds) > 0 {
			out = append(out, g)
		}
	}
	for _, h := range groups {
		take(h.title, func(d *source.Driver) bool { return slices.Contains(h.kinds, d.Name) })
	}
	take(rest, func(*source.Driver) bool { return true })
	return out
}

// Matches reports whether a kind is what somebody searches for: by its name,
// its title or what it gives.
func Matches(d *source.Driver, search string) bool {
	search = strings.ToLower(strings.TrimSpace(search))
	if strings.Contains(strings.ToLower(d.Name+" "+d.Title), search) {
		return true
	}
	return len(d.Types) < len(audit.ItemTypes) && strings.Contains(strings.ToLower(strings.Join(d.Types, " ")), search)
}

// Gives lists a kind's item types; one that reads whatever a person maps gives
// all of them.
func Gives(d *source.Driver) string {
	if len(d.Types) == len(audit.ItemTypes) {
		return "every type"
	}
	return strings.Join(d.Types, " ")
}
